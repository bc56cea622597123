"""Preconditioned conjugate gradients for positive definite operators (Hestenes & Stiefel 1952)."""

from __future__ import annotations

import torch

from ..products import Products, SymmetricOperator
from .guess import Guess
from .krylov import Iteration, iterate
from .result import Result, Solution
from .stopping import Equations, Preconditioner, Stopping, checked, dots, norms


class ConjugateGradient(Iteration):
    """The state: a value, its residual by the recurrence, a direction, and the energy r . M r; blocks [..., K] or single vectors [P]."""

    def __init__(self, value: torch.Tensor, residual: torch.Tensor, precondition: Preconditioner | None) -> None:
        self.precondition = precondition
        self.value, self.residual = value, residual
        self.direction = self._corrected()
        self.energy = dots(self.residual, self.direction)

    def begin(self, value: torch.Tensor, residual: torch.Tensor) -> ConjugateGradient:
        return ConjugateGradient(value, residual, self.precondition)

    def estimates(self) -> torch.Tensor:
        return norms(self.residual)

    def curvature(self, image: torch.Tensor) -> torch.Tensor:
        """d . A d for the direction d with this image; the iteration goes on where it and the energy are positive."""
        return dots(self.direction, image)

    def move(self, image: torch.Tensor, curvature: torch.Tensor) -> None:
        """Step along the direction and choose the next one."""
        length = self.energy / curvature
        self.value = self.value + length * self.direction
        self.residual = self.residual - length * image
        corrected = self._corrected()
        energy, previous = dots(self.residual, corrected), self.energy
        self.energy, self.direction = energy, corrected + (energy / previous) * self.direction

    def advance(self, multiply: Products) -> tuple[torch.Tensor, Result]:
        image = multiply(self.direction)
        curvature = self.curvature(image)
        failed = ~((curvature > 0) & (self.energy > 0))
        rounding = 100 * torch.finfo(image.dtype).eps * norms(self.direction) * norms(image)
        negative = failed & (curvature < -rounding)
        safe = torch.where(failed, torch.ones_like(curvature), curvature)
        energy = self.energy
        self.energy = torch.where(failed, torch.zeros_like(energy), energy)
        self.move(image, safe)  # a column that failed does not move
        return failed, Result.INDEFINITE if bool(negative.any()) or bool((failed & (energy > 0)).any()) else Result.STALLED

    def _corrected(self) -> torch.Tensor:
        return self.residual.clone() if self.precondition is None else self.precondition(self.residual)


def conjugate_gradient(
    operator: SymmetricOperator,
    target: torch.Tensor,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    products: int | None = None,
    preconditioner: Preconditioner | None = None,
    start: torch.Tensor | Guess | None = None,
) -> Solution:
    """Solve A X = V for a positive definite A; V is [P] or [P, K], and every column has its own iteration.

    Stops by the *true* residual: where the recurrence claims a column is done, v - A x is computed anew. An operator that turns out
    to be indefinite, a stall and a product that is not finite are results, not silence. There is no default tolerance.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))
    >>> solved = conjugate_gradient(matrix, torch.ones(2, dtype=torch.float64), rtol=1e-12)
    >>> solved.result.name, solved.value.tolist()
    ('CONVERGED', [1.0, 0.5])
    """
    equations = Equations.of(operator, target, Stopping(atol, rtol, products))
    iteration = ConjugateGradient(torch.zeros_like(equations.block), equations.block.clone(), checked(preconditioner))
    return iterate(equations, iteration, "conjugate gradients", start)
