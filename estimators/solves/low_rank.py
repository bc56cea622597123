"""A low-rank approximation of a semidefinite operator, inverted with damping by Woodbury: a first guess, or a preconditioner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ..products import Products, SymmetricOperator
from ..spectrum.lanczos import lanczos
from .result import Result, Solution
from .stopping import Equations, Stopping, norms


@dataclass(frozen=True, eq=False)
class LowRank:
    """U diag(s) U' with orthonormal columns U [P, r] and s >= 0 [r], largest first, in the operator's dtype: an estimate of A."""

    vectors: torch.Tensor
    values: torch.Tensor
    products: int

    def solve(self, target: torch.Tensor, damping: float) -> torch.Tensor:
        """(U diag(s) U' + damping I)^-1 target, by Woodbury: (v - U diag(s/(s + damping)) U'v)/damping.

        >>> LowRank(torch.eye(2, 1), torch.tensor([3.0]), 0).solve(torch.tensor([4.0, 4.0]), 1.0)
        tensor([1., 4.])
        """
        _positive(damping)
        weights = self.values / (self.values + damping)
        inside = self.vectors.T @ target
        return (target - self.vectors @ (weights[:, None] * inside if target.ndim == 2 else weights * inside)) / damping

    def precondition(self, block: torch.Tensor, damping: float) -> torch.Tensor:
        """The Nystroem preconditioner of Frangella, Tropp & Udell (2023): the spectrum above the least value is flattened to it.

        Applied to the operator plus damping I. Symmetric positive definite whatever the approximation is worth.
        """
        _positive(damping)
        least = self.values[-1]
        weights = (least + damping) / (self.values + damping) - 1
        inside = self.vectors.T @ block
        return block + self.vectors @ (weights[:, None] * inside if block.ndim == 2 else weights * inside)


def lanczos_low_rank(operator: SymmetricOperator, rank: int, *, generator: torch.Generator | None = None) -> LowRank:
    """The positive part of A on the Krylov space of a random start: ``rank`` products, best where few eigenvalues stand out.

    >>> matrix = torch.diag(torch.tensor([5.0, 0.0, 0.0]).double())
    >>> round(lanczos_low_rank(matrix, 2).values[0].item(), 9)
    5.0
    """
    asked = Products(operator)
    run = lanczos(asked, asked.gaussian(1, generator)[:, 0], _rank(rank, asked.size))
    form = run.basis.double().T @ run.images.double()
    values, rotation = torch.linalg.eigh((form + form.T) / 2)
    return LowRank(
        (run.basis.double() @ rotation).flip(1).to(operator.dtype), values.flip(0).clamp_min(0.0).to(operator.dtype), asked.count
    )


def nystroem(operator: SymmetricOperator, rank: int, *, generator: torch.Generator | None = None) -> LowRank:
    """The Nystroem approximation A W (W'AW)^-1 (A W)' of a semidefinite A for ``rank`` random orthonormal columns W, shifted for stability.

    Algorithm 2.1 of Frangella, Tropp & Udell, SIAM J. Matrix Anal. Appl. 44 (2023); one block product of ``rank`` columns.

    >>> matrix = torch.diag(torch.tensor([5.0, 1.0, 0.0]).double())
    >>> [round(value, 6) for value in nystroem(matrix, 3).values.tolist()]
    [5.0, 1.0, 0.0]
    """
    asked = Products(operator)
    columns = torch.linalg.qr(asked.gaussian(_rank(rank, asked.size), generator)).Q
    images = asked(columns).double()
    shift = math.sqrt(asked.size) * float(torch.finfo(operator.dtype).eps) * float(torch.linalg.matrix_norm(images))
    shift = max(shift, 1e-300)
    images = images + shift * columns.double()
    gram = columns.double().T @ images
    factor, failed = torch.linalg.cholesky_ex((gram + gram.T) / 2)
    if int(failed):
        raise ValueError(
            "the operator is not positive semidefinite to working precision: Nystroem needs that; use lanczos_low_rank"
        )
    half = torch.linalg.solve_triangular(factor, images.T, upper=False).T
    vectors, singular, _ = torch.linalg.svd(half, full_matrices=False)
    return LowRank(vectors.to(operator.dtype), (singular**2 - shift).clamp_min(0.0).to(operator.dtype), asked.count)


def woodbury(
    operator: SymmetricOperator,
    target: torch.Tensor,
    approximation: LowRank,
    *,
    damping: float,
    atol: float | None = None,
    rtol: float | None = None,
) -> Solution:
    """The solution of (A + damping I) X = V with ``approximation`` for A, and its true residual with ``operator`` = A + damping I.

    One product a column, for the residual; the products that made the approximation are counted too. Converged only where the residual
    says so, and without a tolerance always BUDGET.
    """
    equations = Equations.of(operator, target, Stopping(atol, rtol, approximation.products + max(1, target[0].numel())))
    equations.asked.count += approximation.products
    value = approximation.solve(equations.block, damping)
    return equations.close(value, torch.full_like(norms(value), torch.nan), [Result.BUDGET] * value.shape[1])


def _rank(rank: int, size: int) -> int:
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise ValueError(f"the rank is a positive integer, not {rank!r}")
    return min(rank, size)


def _positive(damping: float) -> None:
    if not 0 < damping < math.inf:
        raise ValueError(f"Woodbury divides by the damping, which must be positive and finite, not {damping}")
