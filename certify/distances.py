"""How far any parameter vector is from the minimiser, as a proved upper bound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from certify.bounds import Bound, Measured, derive, tightest
from certify.bounds.enclosed_gradient import enclosed_gradient
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.sides import Side

from .errors import CannotDecide, InputError

if TYPE_CHECKING:
    from .newton import HessianSolve
    from .objectives import LinearObjective, MeasuredGradient

_CORRECTIONS = 3
_ENCLOSABLE_ENTRIES = 3_000_000
_ITERATIONS = 60
_ROUNDING_COUNTS = 0.01
"""The share of a bound from which the allowance for rounding, over the strong convexity, is worth a measurement in balls."""
_UNSETTLED = 1.1
"""A bound this far above the length of a Newton step may be loose: a way round by the minimiser is tried."""
_FAR = 30.0
"""With nu e beyond this, the correction (nu e)²/12 can no longer be below the plain bound on any data seen."""


@dataclass(frozen=True, eq=False)
class Distance:
    """The bound, and what it cost in passes over the data."""

    bound: Bound
    passes: int


def distance(objective: LinearObjective, parameters: Any) -> Bound:
    """An upper bound on the Euclidean distance from ``parameters`` to the minimiser of ``objective``.

    Any candidate will do, however it was found. The bound is theorem ``output.residual``, sharpened by
    ``newton.self-concordant-residual`` and ``newton.corrected-residual`` where the gradient is small enough, and
    farther out by ``distance.detour`` over a point near the minimiser; rounding is included. Raises
    ``InputError`` for parameters of the wrong size or not finite.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``newton.self-concordant-residual`` (upper step, linear_residual, previous_distance, self_concordance, energy_step;
    lower strong_convexity).
    Theorem: ``newton.corrected-residual`` (upper step, linear_residual, previous_distance, hessian_lipschitz; lower
    strong_convexity).
    Theorem: ``distance.detour`` (upper step, distance).

    >>> import numpy as np
    >>> from certify.objectives import Ridge
    >>> objective = Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5)   # minimiser 5/6
    >>> round(distance(objective, torch.tensor([1.0])).value, 6)
    0.166667
    """
    if not hasattr(objective, "measure"):
        raise InputError(f"distance needs an objective, not {type(objective).__name__}: pass certify.objectives.Logistic(…), say")
    flat = objective.weights(parameters).reshape(-1)
    return measured_distance(objective, flat, objective.measure(flat))


def measured_distance(objective: LinearObjective, parameters: torch.Tensor, measured: MeasuredGradient) -> Bound:
    """The bound of :func:`distance` at flat parameters whose gradient has been measured already.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``newton.self-concordant-residual`` (upper step, linear_residual, previous_distance, self_concordance, energy_step;
    lower strong_convexity).
    Theorem: ``newton.corrected-residual`` (upper step, linear_residual, previous_distance, hessian_lipschitz; lower
    strong_convexity).
    Theorem: ``distance.detour`` (upper step, distance).
    """
    plain, solve = plain_distance(objective, measured), _solver(objective, parameters)
    if solve is None:
        return plain
    best = tightest(plain, _sharpest(objective, parameters, measured, solve))
    step = float(torch.linalg.vector_norm(solve(measured.gradient)))
    if best.value > _UNSETTLED * step or not _may_sharpen(objective, plain):  # where curvature has vanished the step is long too
        best = tightest(best, *_detours(objective, parameters))
    return best


def _sharpest(objective: LinearObjective, parameters: torch.Tensor, measured: MeasuredGradient, solve: HessianSolve) -> Bound:
    """The corrected bound, measured again in balls where rounding is a part of it that counts and balls are quick."""
    sharp = sharp_distance(objective, parameters, measured, solve).bound
    if enclosable(objective) and measured.error > _ROUNDING_COUNTS * objective.l2 * sharp.value:
        return tightest(sharp, enclosed_distance(objective, parameters))
    return sharp


def _detours(objective: LinearObjective, parameters: torch.Tensor) -> Iterator[Bound]:
    """By a point near the minimiser (theorem ``distance.detour``), found from the parameters or from zero.

    First from where the objective is less; then, if the iteration got stuck far out, from the other.

    Theorem: ``distance.detour`` (upper step, distance).
    """
    from .newton import minimise

    for start in sorted((parameters, torch.zeros_like(parameters)), key=objective.value):
        with suppress(CannotDecide):  # no Hessian on the way could be factored
            found = minimise(objective, start)
            there = _sharpest(objective, found.parameters, found.measured, found.solve)
            way = Bound(
                vector_norm_upper(parameters - found.parameters), Side.UPPER, Measured("norm of a difference of parameters")
            )
            yield derive("distance.detour", step=way * (1 + 2.0**-50), distance=there)  # the difference was rounded
            if _may_sharpen(objective, plain_distance(objective, found.measured)):
                return


def plain_distance(objective: LinearObjective, measured: MeasuredGradient) -> Bound:
    """The measured residual over the strong convexity: no further pass.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    """
    return derive("output.residual", residual=measured.residual, strong_convexity=objective.strong_convexity)


def sharp_distance(
    objective: LinearObjective, parameters: torch.Tensor, measured: MeasuredGradient, solve: HessianSolve
) -> Distance:
    """The bound corrected by a trial step, or the plain one where that is smaller: one pass a correction, three at most.

    The trial step may come from any approximate solve: what it leaves over is measured.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``newton.self-concordant-residual`` (upper step, linear_residual, previous_distance, self_concordance, energy_step;
    lower strong_convexity).
    Theorem: ``newton.corrected-residual`` (upper step, linear_residual, previous_distance, hessian_lipschitz; lower
    strong_convexity).
    """
    best, passes = plain_distance(objective, measured), 0
    if not _may_sharpen(objective, best):
        return Distance(best, 0)
    step, rest = torch.zeros_like(measured.gradient), measured.gradient
    for _ in range(_CORRECTIONS):
        before = solve.passes
        step = step - solve(rest)
        if not bool(torch.isfinite(step).all()):
            break
        trial = objective.measure_step(parameters, measured, step)
        rest = trial.rest
        passes += 1 + solve.passes - before
        bound = _corrected(objective, step, trial.linear_residual, trial.energy, best)
        improved = bound.value < 0.8 * best.value
        best = bound
        floor = trial.linear_residual.value <= 4 * measured.error
        if floor or not improved or trial.linear_residual.value <= 0.1 * objective.l2 * best.value:
            break
    return Distance(best, passes)


def enclosable(objective: LinearObjective) -> bool:
    """Whether :func:`enclosed_distance` takes a second or so at the most."""
    return objective.count * objective.dimension <= _ENCLOSABLE_ENTRIES


def enclosed_distance(objective: LinearObjective, parameters: Any) -> Bound:
    """The bound of :func:`distance` with every measured number enclosed in balls: no rounding is believed.

    For small problems; the trial step still comes from float64, and what it leaves over is enclosed.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``newton.self-concordant-residual`` (upper step, linear_residual, previous_distance, self_concordance, energy_step;
    lower strong_convexity).
    Theorem: ``newton.corrected-residual`` (upper step, linear_residual, previous_distance, hessian_lipschitz; lower
    strong_convexity).

    >>> import numpy as np
    >>> from certify.objectives import Ridge
    >>> objective = Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5)   # minimiser 5/6
    >>> abs(enclosed_distance(objective, torch.tensor([1.0])).value - 1 / 6) < 1e-15
    True
    """
    alone = objective.compact()
    weights = alone.weights(parameters)
    flat = weights.reshape(-1)
    enclose = partial(
        enclosed_gradient,
        alone.kind,
        alone.design.select(alone.ids).tolist(),
        alone.labels.tolist(),
        weights.tolist(),
        l2=alone.l2,
    )
    found = enclose()
    best = derive("output.residual", residual=found.residual, strong_convexity=alone.strong_convexity)
    solve = _solver(alone, flat)
    step = None if solve is None else -solve(torch.tensor(found.midpoint, dtype=torch.float64, device=flat.device))
    if step is None or not bool(torch.isfinite(step).all()):
        return best
    trial = enclose(step=step.reshape(weights.shape).tolist())
    if trial.linear_residual is None or trial.energy is None:
        return best
    return _corrected(alone, step, trial.linear_residual, trial.energy, best)


def _corrected(objective: LinearObjective, step: torch.Tensor, linear_residual: Bound, energy: Bound, previous: Bound) -> Bound:
    """The least of the bounds that iterating the two theorems from ``previous`` gives; each iterate is valid.

    Theorem: ``newton.corrected-residual`` (upper step, linear_residual, previous_distance, hessian_lipschitz; lower
    strong_convexity).
    Theorem: ``newton.self-concordant-residual`` (upper step, linear_residual, previous_distance, self_concordance, energy_step;
    lower strong_convexity).
    """
    strong_convexity = objective.strong_convexity
    length = Bound(vector_norm_upper(step), Side.UPPER, Measured("norm of the trial step"))
    common = {"step": length, "linear_residual": linear_residual, "strong_convexity": strong_convexity}
    concordant = {"self_concordance": objective.self_concordance, "energy_step": (energy / strong_convexity).sqrt()}
    lipschitz = {"hessian_lipschitz": objective.hessian_lipschitz}
    best = previous
    for _ in range(_ITERATIONS):
        bound = tightest(
            derive("newton.self-concordant-residual", previous_distance=best, **common, **concordant),
            derive("newton.corrected-residual", previous_distance=best, **common, **lipschitz),
        )
        if not bound.value < best.value:
            break
        settled = bound.value > 0.999 * best.value
        best = bound
        if settled:
            break
    return best


def _solver(objective: LinearObjective, parameters: torch.Tensor) -> HessianSolve | None:
    """A solver for trial steps, or None where float64 cannot factor the Hessian: the plain bound needs none."""
    from .newton import hessian_solve

    try:
        return hessian_solve(objective, parameters)
    except CannotDecide:
        return None


def _may_sharpen(objective: LinearObjective, plain: Bound) -> bool:
    """Whether a correction can pay: far out, where the Hessian may change beyond recognition, it cannot."""
    return objective.self_concordance.value * plain.value <= _FAR
