"""MINRES (Paige & Saunders 1975): the least residual in the Krylov space, for symmetric operators that may be indefinite."""

from __future__ import annotations

import torch

from ..products import Products, SymmetricOperator
from .guess import Guess
from .krylov import Iteration, iterate
from .result import Result, Solution
from .stopping import Equations, Preconditioner, Stopping, checked, dots, norms


class Minres(Iteration):
    """The state of the preconditioned recurrence, by column; names follow the paper's QR factorisation of the tridiagonal matrix."""

    def __init__(self, value: torch.Tensor, residual: torch.Tensor, precondition: Preconditioner | None) -> None:
        self.precondition = precondition
        self.value = value
        self.older, self.newer = residual, residual
        self.vector = self._corrected(residual)
        self.beta = _length(residual, self.vector)
        self.before = torch.zeros_like(self.beta)
        self.rest = self.beta.clone()  # the norm of the residual, in the norm of the preconditioner
        self.residual = residual
        self.dbar, self.epsilon, self.sine = (torch.zeros_like(self.beta) for _ in range(3))
        self.cosine = -torch.ones_like(self.beta)
        self.along, self.previous = torch.zeros_like(value), torch.zeros_like(value)

    def begin(self, value: torch.Tensor, residual: torch.Tensor) -> Minres:
        return Minres(value, residual, self.precondition)

    def estimates(self) -> torch.Tensor:
        return norms(self.residual)  # the norm of the preconditioner may fall long before this one

    def advance(self, multiply: Products) -> tuple[torch.Tensor, Result]:
        tiny = torch.finfo(self.beta.dtype).tiny
        column = self.vector / self.beta.clamp_min(tiny)
        image = multiply(column)
        started = self.before > 0
        coupling = torch.where(started, self.beta, torch.zeros_like(self.beta))
        image = image - torch.where(started, self.beta / self.before.clamp_min(tiny), torch.zeros_like(self.beta)) * self.older
        alpha = dots(column, image)
        image = image - (alpha / self.beta.clamp_min(tiny)) * self.newer
        self.older, self.newer = self.newer, image
        self.vector = self._corrected(image)
        self.before, self.beta = self.beta, _length(image, self.vector)

        epsilon = self.epsilon
        delta = self.cosine * self.dbar + self.sine * alpha
        gbar = self.sine * self.dbar - self.cosine * alpha
        self.epsilon, self.dbar = self.sine * self.beta, -self.cosine * self.beta
        size = torch.hypot(
            torch.hypot(coupling, alpha), self.beta
        )  # of this row of the tridiagonal matrix, in the scale of the preconditioner
        roundoff = torch.finfo(self.beta.dtype).eps * size
        gamma = torch.hypot(gbar, self.beta)
        flat = gamma <= 10 * roundoff  # nothing is left that the operator does not map to zero
        gamma = torch.where(flat, torch.ones_like(gamma), gamma)
        self.cosine, self.sine = gbar / gamma, self.beta / gamma
        step = torch.where(flat, torch.zeros_like(gamma), self.cosine * self.rest)
        left = self.sine**2 * self.residual - (self.cosine * self.sine * self.rest) * image / self.beta.clamp_min(tiny)
        self.residual = torch.where(flat, self.residual, left)
        self.rest = torch.where(flat, self.rest, (self.sine * self.rest).abs())
        along = (column - epsilon * self.previous - delta * self.along) / gamma
        self.previous, self.along = self.along, torch.where(flat, self.along, along)
        self.value = self.value + step * self.along
        return flat | (self.beta <= 10 * roundoff), Result.SINGULAR

    def _corrected(self, block: torch.Tensor) -> torch.Tensor:
        return block.clone() if self.precondition is None else self.precondition(block)


def _length(block: torch.Tensor, corrected: torch.Tensor) -> torch.Tensor:
    """The root of the inner products of columns, scaled first, so that curvature of any size leaves no square beyond the numbers."""
    sizes = [part.abs().amax(dim=0) for part in (block, corrected)]
    scales = [torch.where(size > 0, size, torch.ones_like(size)) for size in sizes]
    inner = dots(block / scales[0], corrected / scales[1]).clamp_min(0.0)
    return inner.sqrt() * scales[0].sqrt() * scales[1].sqrt()


def minres(
    operator: SymmetricOperator,
    target: torch.Tensor,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    products: int | None = None,
    preconditioner: Preconditioner | None = None,
    start: torch.Tensor | Guess | None = None,
) -> Solution:
    """Solve A X = V for a symmetric A of any sign; V is [P] or [P, K]. Stops by the true residual, as conjugate gradients do here.

    A singular operator whose range misses the target ends as SINGULAR, with the least residual that there is.

    >>> matrix = torch.diag(torch.tensor([1.0, -2.0], dtype=torch.float64))
    >>> solved = minres(matrix, torch.ones(2, dtype=torch.float64), rtol=1e-12)
    >>> solved.result.name, [round(x, 12) for x in solved.value.tolist()]
    ('CONVERGED', [1.0, -0.5])
    """
    equations = Equations.of(operator, target, Stopping(atol, rtol, products))
    iteration = Minres(torch.zeros_like(equations.block), equations.block.clone(), checked(preconditioner))
    return iterate(equations, iteration, "MINRES", start)
