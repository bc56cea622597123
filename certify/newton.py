"""Newton iterations on a linear objective that spend passes over the data sparingly.

A step solves with a Hessian that may be stale: a factor kept from an earlier point costs no pass. Every
point reached is measured (one pass), and only measured residuals are ever compared or certified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from certify.estimators.conjugate_gradient import conjugate_gradient

from .errors import CannotDecide
from .objectives import LinearObjective, MeasuredGradient
from .objectives.measuring import MOSTLY_ROUNDING

DENSE_LIMIT = 3000
"""Up to this many parameters the Hessian is formed and factored; beyond, conjugate gradients are used."""
_REFRESH_FLOPS = 2e9
_MOST_STEPS = 200


class HessianSolve(Protocol):
    """An approximate application of the inverse Hessian, and how many passes over the data each call takes."""

    def __call__(self, vector: torch.Tensor) -> torch.Tensor: ...

    @property
    def passes(self) -> int: ...


@dataclass(frozen=True, eq=False)
class FactoredHessian:
    """The Cholesky factor of a Hessian taken at some earlier point; applying its inverse costs no pass."""

    factor: torch.Tensor
    passes: int = 0

    def __call__(self, vector: torch.Tensor) -> torch.Tensor:
        return torch.cholesky_solve(vector[:, None], self.factor)[:, 0]


@dataclass(eq=False)
class IterativeHessian:
    """Conjugate gradients on the Hessian at a point; every product is a pass."""

    objective: LinearObjective
    parameters: torch.Tensor
    relative_tolerance: float = 1e-2
    passes: int = 0

    def __call__(self, vector: torch.Tensor) -> torch.Tensor:
        solved = conjugate_gradient(
            lambda direction: self.objective.hessian_product(self.parameters, direction),
            vector,
            relative_tolerance=self.relative_tolerance,
            most_products=500,
        )
        self.passes += solved.products
        return solved.value


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point, its measured gradient, a Hessian solver from near it, the steps and passes spent."""

    parameters: torch.Tensor
    measured: MeasuredGradient
    solve: HessianSolve
    steps: int
    passes: int


def factored(objective: LinearObjective, curvature: torch.Tensor) -> FactoredHessian:
    """The factor of the Hessian that this curvature sum makes."""
    factor, failed = torch.linalg.cholesky_ex(objective.hessian_of(curvature))
    if int(failed):
        raise CannotDecide(
            "the Hessian is not positive definite to working precision: scale the columns by public constants or raise l2"
        )
    return FactoredHessian(factor)


def hessian_solve(objective: LinearObjective, parameters: torch.Tensor, curvature: torch.Tensor | None = None) -> HessianSolve:
    """A solver with the Hessian at ``parameters`` (or with a curvature sum at hand from a point near by)."""
    if curvature is None:
        curvature = dense_curvature(objective, parameters)
    if curvature is None:
        return IterativeHessian(objective, parameters)
    return factored(objective, curvature)


def dense_curvature(objective: LinearObjective, parameters: torch.Tensor) -> torch.Tensor | None:
    """The sum of the loss Hessians at the parameters; None where there are more of them than :data:`DENSE_LIMIT`."""
    return objective.curvature_sum(objective.weights(parameters)) if objective.dimension <= DENSE_LIMIT else None


def minimise(
    objective: LinearObjective,
    start: torch.Tensor,
    *,
    curvature: torch.Tensor | None = None,
    done: Callable[[torch.Tensor, MeasuredGradient, HessianSolve], bool] | None = None,
    report: Callable[[int, float], None] | None = None,
) -> Iterate:
    """Newton's method from ``start`` until ``done`` says so or the rounding floor is reached.

    ``curvature`` is a stale curvature sum to begin with; it is formed anew when a step reduces the gradient
    by less than a factor of five (of a thousand, where forming it is cheap). Steps are halved until the
    gradient norm falls, which it does for some length because the Newton direction descends on it.
    """
    point, steps = start, 0
    measured = objective.measure(point)
    passes = measured.passes
    cheap = objective.count * objective.dimension**2 <= _REFRESH_FLOPS
    solve = hessian_solve(objective, point, curvature)
    fresh, ratio = curvature is None, 1.0
    while True:
        norm = measured.residual.value
        if report is not None:
            report(steps, norm)
        if (done is not None and done(point, measured, solve)) or _at_floor(measured, 1.25) or steps >= _MOST_STEPS:
            break
        before = solve.passes
        direction = solve(measured.gradient)
        passes += solve.passes - before
        improved, spent = _descend(objective, point, direction, measured, ratio)
        passes += spent
        if improved is None:
            if fresh or _at_floor(measured, MOSTLY_ROUNDING):
                break
            solve, fresh = hessian_solve(objective, point), True  # the stale factor misled: use the true one
            passes += 1
            continue
        steps += 1
        ratio = improved[1].residual.value / norm
        point, measured = improved
        fresh = ratio > 0.2 or (cheap and ratio > 1e-3) or objective.dimension > DENSE_LIMIT
        if fresh:
            solve = hessian_solve(objective, point)
            passes += objective.dimension <= DENSE_LIMIT
    return Iterate(point, measured, solve, steps, passes)


def _descend(
    objective: LinearObjective, point: torch.Tensor, direction: torch.Tensor, measured: MeasuredGradient, ratio: float
) -> tuple[tuple[torch.Tensor, MeasuredGradient] | None, int]:
    """The first point along the direction with a smaller gradient, and the passes spent; None when there is none.

    ``ratio`` is how much the last step shrank the gradient: where another such step meets rounding, it is
    measured carefully at once.
    """
    norm, length, passes = measured.residual.value, 1.0, 0
    careful = ratio * norm <= MOSTLY_ROUNDING * measured.error
    while length > 2.0**-40:
        trial = point - length * direction
        found = objective.measure(trial, careful=careful)
        passes += found.passes
        if found.residual.value <= (1 - length / 8) * norm:
            return (trial, found), passes
        if _at_floor(measured, MOSTLY_ROUNDING):
            break
        length *= min(0.5, max(0.05, norm / (norm + found.residual.value)))
    return None, passes


def _at_floor(measured: MeasuredGradient, factor: float) -> bool:
    """Whether the residual is within ``factor`` of its own rounding allowance."""
    return measured.residual.value <= factor * measured.error
