"""How far any parameter vector is from the minimiser, as a proved upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from certify.bounds import Bound, Measured, derive
from certify.bounds.enclosed_gradient import enclosed_gradient
from certify.proofs.sides import Side

if TYPE_CHECKING:
    from .newton import HessianSolve
    from .objectives import LinearObjective, MeasuredGradient

_CORRECTIONS = 3
_ENCLOSABLE_ENTRIES = 3_000_000


@dataclass(frozen=True, eq=False)
class Distance:
    """The bound, and what it cost in passes over the data."""

    bound: Bound
    passes: int


def distance(objective: LinearObjective, parameters: Any) -> Bound:
    """An upper bound on the Euclidean distance from ``parameters`` to the minimiser of ``objective``.

    Any candidate will do, however it was found. The bound is theorem ``output.residual`` sharpened by
    ``newton.corrected-residual`` where the gradient is small enough, rounding included. Raises
    ``InputError`` for parameters of the wrong size or not finite.

    >>> import numpy as np
    >>> from certify.objectives import Ridge
    >>> objective = Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5)   # minimiser 5/6
    >>> round(distance(objective, torch.tensor([1.0])).value, 6)
    0.166667
    """
    from .newton import hessian_solve

    flat = objective.weights(parameters).reshape(-1)
    measured = objective.measure(flat)
    if not _may_sharpen(objective, plain_distance(objective, measured)):
        return plain_distance(objective, measured)
    return sharp_distance(objective, flat, measured, hessian_solve(objective, flat)).bound


def plain_distance(objective: LinearObjective, measured: MeasuredGradient) -> Bound:
    """The measured residual over the strong convexity: no further pass."""
    return derive("output.residual", residual=measured.residual, strong_convexity=objective.strong_convexity)


def sharp_distance(
    objective: LinearObjective, parameters: torch.Tensor, measured: MeasuredGradient, solve: HessianSolve
) -> Distance:
    """The Newton-corrected bound, or the plain one where that is smaller: one pass a correction, three at most.

    The trial step may come from any approximate solve: what it leaves over is measured.
    """
    best, passes = plain_distance(objective, measured), 0
    if not _may_sharpen(objective, best):
        return Distance(best, 0)
    curvature_change, strong_convexity = objective.hessian_lipschitz, objective.strong_convexity
    step, rest = torch.zeros_like(measured.gradient), measured.gradient
    for _ in range(_CORRECTIONS):
        before = solve.passes
        trial = step - solve(rest)
        rest, linear_residual = objective.linear_residual(parameters, measured, trial)
        passes += 1 + solve.passes - before
        step = trial
        bound = _corrected(step, linear_residual, best, curvature_change, strong_convexity)
        improved = bound.value < 0.8 * best.value
        best = bound if bound.value < best.value else best
        floor = linear_residual.value <= 4 * measured.error
        if floor or not improved or linear_residual.value / strong_convexity.value <= 0.1 * best.value:
            break
    return Distance(best, passes)


def enclosable(objective: LinearObjective) -> bool:
    """Whether :func:`enclosed_distance` takes a second or so at the most."""
    return objective.count * objective.dimension <= _ENCLOSABLE_ENTRIES


def enclosed_distance(objective: LinearObjective, parameters: Any) -> Bound:
    """The bound of :func:`distance` with every measured number enclosed in balls: no rounding is believed.

    For small problems; the trial step still comes from float64, and what it leaves over is enclosed.

    >>> import numpy as np
    >>> from certify.objectives import Ridge
    >>> objective = Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5)   # minimiser 5/6
    >>> abs(enclosed_distance(objective, torch.tensor([1.0])).value - 1 / 6) < 1e-15
    True
    """
    from .newton import hessian_solve

    alone = objective.compact()
    weights = alone.weights(parameters)
    flat = weights.reshape(-1)
    measured = alone.measure(flat)
    solve = hessian_solve(alone, flat)
    step = -solve(measured.gradient)
    step = step - solve(measured.gradient + alone.hessian_product(flat, step))
    found = enclosed_gradient(
        alone.kind,
        alone.design.select(alone.ids).tolist(),
        alone.labels.tolist(),
        weights.tolist(),
        l2=alone.l2,
        step=step.reshape(weights.shape).tolist(),
    )
    best = derive("output.residual", residual=found.residual, strong_convexity=alone.strong_convexity)
    if found.linear_residual is not None:
        best = _corrected(step, found.linear_residual, best, alone.hessian_lipschitz, alone.strong_convexity)
    return best


def _corrected(
    step: torch.Tensor, linear_residual: Bound, previous: Bound, hessian_lipschitz: Bound, strong_convexity: Bound
) -> Bound:
    """The least of the bounds that iterating the theorem from ``previous`` gives; each is valid."""
    from .objectives.linear import vector_norm_upper

    length = Bound(vector_norm_upper(step), Side.UPPER, Measured("norm of the trial step"))
    best = previous
    for _ in range(50):
        bound = derive(
            "newton.corrected-residual",
            step=length,
            linear_residual=linear_residual,
            previous_distance=best,
            hessian_lipschitz=hessian_lipschitz,
            strong_convexity=strong_convexity,
        )
        if not bound.value < best.value:
            break
        settled = bound.value > 0.999 * best.value
        best = bound
        if settled:
            break
    return best


def _may_sharpen(objective: LinearObjective, plain: Bound) -> bool:
    """Whether the correction can shrink the bound: M e < 2 mu is needed for the iteration to descend."""
    return objective.hessian_lipschitz.value * plain.value < 2 * objective.strong_convexity.value
