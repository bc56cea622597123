"""Lanczos with full reorthogonalisation: the basis and its images are kept, so that nothing need be believed of the coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..products import Products
from ..progress import progress
from ..traces.magnitude import check_magnitude


@dataclass(frozen=True, eq=False)
class Lanczos:
    """A basis Y of k columns with its images A Y, the next vector, and the coefficients of the three-term recurrence.

    ``basis`` and ``images`` are [P, k] in the operator's dtype, ``following`` [P] is the unit vector that would be column k + 1
    (zeros after a breakdown), ``diagonal`` and ``off_diagonal`` [k] the recurrence in float64 on the CPU:
    A y_j = b_(j-1) y_(j-1) + a_j y_j + b_j y_(j+1), up to rounding. ``broke_down`` says that the columns span an invariant
    subspace to working precision, so that another step would have nothing to go on.
    """

    basis: torch.Tensor
    images: torch.Tensor
    following: torch.Tensor
    diagonal: torch.Tensor
    off_diagonal: torch.Tensor
    broke_down: bool

    @property
    def steps(self) -> int:
        """The number of columns, one product each."""
        return self.basis.shape[1]

    def first(self, steps: int) -> Lanczos:
        """The run as it was after that many steps."""
        if steps == self.steps:
            return self
        return Lanczos(
            self.basis[:, :steps],
            self.images[:, :steps],
            self.basis[:, steps],
            self.diagonal[:steps],
            self.off_diagonal[:steps],
            False,
        )


def lanczos(products: Products, start: torch.Tensor, steps: int, *, done: Callable[[Lanczos], bool] | None = None) -> Lanczos:
    """Run at most ``steps`` steps from the vector ``start`` (any length), each orthogonalised twice against all columns before.

    Ends early where the space becomes invariant (the next vector is below the rounding of the step), or after a step at which
    ``done`` says so. Memory: two blocks of ``steps`` vectors.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    >>> run = lanczos(Products(matrix), torch.ones(3, dtype=torch.float64), 3)
    >>> bool((run.basis.T @ run.basis - torch.eye(3)).abs().max() < 1e-14)
    True
    """
    if steps < 1:
        raise ValueError(f"Lanczos takes at least one step, not {steps}")
    size = products.size
    steps = min(steps, size)
    basis, images = start.new_zeros(size, steps), start.new_zeros(size, steps)
    diagonal, off_diagonal = (torch.zeros(steps, dtype=torch.float64, device="cpu") for _ in range(2))
    length = float(torch.linalg.vector_norm(start, dtype=torch.float64))
    if not length > 0:
        raise ValueError("Lanczos needs a starting vector that is not zero")
    column, scale = start / length, 0.0
    roundoff = torch.finfo(start.dtype).eps
    for step in progress(range(steps), "Lanczos", steps):
        basis[:, step] = column
        images[:, step] = image = products(column)
        check_magnitude(image if step == 0 else images[:, : step + 1])
        scale = max(scale, float(torch.linalg.vector_norm(image, dtype=torch.float64)))
        known = basis[:, : step + 1]
        diagonal[step] = float(column @ image)
        rest = image - known @ (known.T @ image)
        rest = rest - known @ (known.T @ rest)
        off_diagonal[step] = float(torch.linalg.vector_norm(rest, dtype=torch.float64))
        broke_down = not float(off_diagonal[step]) > 100 * roundoff * scale
        if broke_down:
            off_diagonal[step] = max(float(off_diagonal[step]), 1e-300, roundoff * scale)  # any positive number serves
        column = torch.zeros_like(rest) if broke_down else rest / off_diagonal[step].to(rest.dtype)
        taken = step + 1
        run = Lanczos(basis[:, :taken], images[:, :taken], column, diagonal[:taken], off_diagonal[:taken], broke_down)
        if broke_down or (done is not None and done(run)):
            break
    return run
