"""A block Krylov space of one or two vectors, with the images of its basis and their inner products."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from certify.bounds.spectral import vector_norm_upper

from ..products import Products
from ..solves.stopping import Preconditioner

_ROWS = 1 << 20


class Space:
    """Columns Y [P, m] that are nearly orthonormal, and their images A0 Y, one product a column; ``targets`` [P, 2] are kept in float64.

    Block Lanczos with full reorthogonalisation: the space after k blocks holds the Krylov spaces of both targets, and of every mixture of
    them. With a preconditioner M they are those of M (A0 + damping I), begun at M times the targets. Nothing that is certified believes in
    orthonormality; ``vectors`` and ``images`` are upper bounds on the norms of the columns.
    """

    def __init__(
        self, asked: Products, targets: Tensor, preconditioner: Preconditioner | None = None, damping: float = 0.0
    ) -> None:
        self.asked, self.targets, self._preconditioner, self._damping = asked, targets, preconditioner, damping
        self.basis = targets.new_zeros(asked.size, 0, dtype=asked.operator.dtype)
        self.image = self.basis
        self.vectors: list[float] = []
        self.images: list[float] = []
        wide = targets.new_zeros
        self.yy, self.yi, self.ii = wide(0, 0), wide(0, 0), wide(0, 0)
        self.yw, self.iw = wide(0, targets.shape[1]), wide(0, targets.shape[1])
        self._next = self._turned(asked.vector(targets / targets.abs().amax(dim=0), "a target"))

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.basis.shape[1]

    def extend(self, most: int) -> bool:
        """Add a block of at most ``most`` columns by as many products; False where there is nothing left to add."""
        fresh = self._orthonormal(self._next)[:, :most]
        if not fresh.shape[1]:
            return False
        image = self.asked(fresh)
        old_y, old_i = self.basis, self.image
        self.basis, self.image = torch.cat([old_y, fresh], dim=1), torch.cat([old_i, image], dim=1)
        self.vectors += [vector_norm_upper(column.double()) for column in fresh.T]
        self.images += [vector_norm_upper(column.double()) for column in image.T]
        self.yy = _bordered(self.yy, inner(old_y, fresh), inner(fresh, old_y), inner(fresh, fresh))
        self.yi = _bordered(self.yi, inner(old_y, image), inner(fresh, old_i), inner(fresh, image))
        self.ii = _bordered(self.ii, inner(old_i, image), inner(image, old_i), inner(image, image))
        self.yw = torch.cat([self.yw, inner(fresh, self.targets)])
        self.iw = torch.cat([self.iw, inner(image, self.targets)])
        self._next = image if self._preconditioner is None else self._turned(image + self._damping * fresh)
        return True

    def _turned(self, block: Tensor) -> Tensor:
        """The block as the preconditioner maps it."""
        if self._preconditioner is None:
            return block
        turned = self._preconditioner(block)
        if turned.shape != block.shape or not bool(torch.isfinite(turned).all()):
            raise ValueError(
                f"the preconditioner maps {list(block.shape)} to {list(turned.shape)}, or to numbers that are not finite"
            )
        return turned.to(block.dtype)

    def _orthonormal(self, block: Tensor) -> Tensor:
        """The directions of the block that are new, each orthogonalised twice against all columns before."""
        known = self.basis
        kept: list[Tensor] = []
        roundoff = torch.finfo(block.dtype).eps
        for column in block.T:
            length = float(torch.linalg.vector_norm(column))
            if not length > 0:
                continue
            rest = column / length
            for _ in range(2):
                rest = rest - known @ (known.T @ rest)
            left = float(torch.linalg.vector_norm(rest))
            if left > 100 * roundoff:
                rest = rest / left
                rest = rest - known @ (known.T @ rest)
                kept.append(rest / torch.linalg.vector_norm(rest))
                known = torch.cat([known, kept[-1][:, None]], dim=1)
        return torch.stack(kept, dim=1) if kept else block[:, :0]


def inner(left: Tensor, right: Tensor) -> Tensor:
    """left'right in float64, some rows at a time."""
    total = torch.zeros(left.shape[1], right.shape[1], dtype=torch.float64, device=left.device)
    for one, other in zip(_chunks(left), _chunks(right), strict=True):
        total += one.double().T @ other.double()
    return total


def combined(block: Tensor, coefficients: Tensor) -> Tensor:
    """block coefficients in float64, some rows at a time."""
    return torch.cat([rows.double() @ coefficients for rows in _chunks(block)])


def _chunks(block: Tensor) -> Iterator[Tensor]:
    for start in range(0, max(1, block.shape[0]), _ROWS):
        yield block[start : start + _ROWS]


def _bordered(corner: Tensor, right: Tensor, below: Tensor, end: Tensor) -> Tensor:
    return torch.cat([torch.cat([corner, right], dim=1), torch.cat([below, end], dim=1)])
