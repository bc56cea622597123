"""Newton steps on the retained objective from the stored fit, until the measured distance fits the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from certify.bounds import Bound, tightest
from certify.distances import measured_distance, plain_distance, sharp_distance
from certify.newton import DENSE_LIMIT, HessianSolve, IterativeHessian, factored, minimise
from certify.objectives import LinearObjective, MeasuredGradient

from .candidate import Candidate

if TYPE_CHECKING:
    from certify.fitting import Fitted

_QUICK_ENTRIES = 2e5
"""Up to this many, the reported distance is as sharp as :func:`certify.distance` makes it."""
_CHEAP_ENTRIES = 2e7
"""Up to this many numbers in the table, a distance within the budget is still sharpened before it is reported."""


def newton_candidate(
    fitted: Fitted, forget: Sequence[int], retained: LinearObjective, curvature: torch.Tensor | None, budget: float
) -> Candidate:
    """Warm start, first step from the deleted rows alone, then as many measured steps as the budget asks for.

    The first step costs no pass over the data: the retained gradient and Hessian at the old minimiser are the
    stored ones less the deleted rows' part. Every later step costs one pass (its measurement); a Hessian that
    has become stale is formed anew. The best that the rounding floor allows is returned even over the budget.
    ``curvature`` is that of :func:`retained_curvature`.
    """
    start, spent = _first_step(fitted, forget, retained, curvature)
    accepted: list[Bound] = []
    sharpening = 0

    def done(point: torch.Tensor, measured: MeasuredGradient, solve: HessianSolve) -> bool:
        nonlocal sharpening
        plain = plain_distance(retained, measured)
        if plain.value <= budget:
            accepted.append(plain)
            return True
        room = retained.dimension <= DENSE_LIMIT and measured.error < budget / 2 * retained.l2
        if room and float(torch.linalg.vector_norm(solve(measured.gradient))) < 0.9 * budget:
            sharp = sharp_distance(retained, point, measured, solve)
            sharpening += sharp.passes
            if sharp.bound.value <= budget:
                accepted.append(sharp.bound)
                return True
        return False

    found = minimise(retained, start, curvature=curvature, done=done)
    passes = spent + found.passes + sharpening
    best = accepted[-1] if accepted else plain_distance(retained, found.measured)
    if not accepted or retained.count * retained.dimension <= _CHEAP_ENTRIES:
        sharp = sharp_distance(retained, found.parameters, found.measured, found.solve)
        passes += sharp.passes
        best = tightest(best, sharp.bound)
    if retained.count * retained.dimension <= _QUICK_ENTRIES:
        best = tightest(best, measured_distance(retained, found.parameters, found.measured))
    return Candidate(found.parameters, found.measured, best, found.steps + 1, passes)


def retained_curvature(fitted: Fitted, forget: Sequence[int]) -> torch.Tensor | None:
    """The stored curvature sum less the part of the deleted rows, at the old parameters."""
    if fitted.curvature is None:
        return None
    if not len(forget):
        return fitted.curvature
    return fitted.curvature - _deleted(fitted, forget).curvature_sum(fitted.objective.weights(fitted.parameters))


def _deleted(fitted: Fitted, forget: Sequence[int]) -> LinearObjective:
    return fitted.objective.select(np.asarray(forget, dtype=np.int64))


def _first_step(
    fitted: Fitted, forget: Sequence[int], retained: LinearObjective, curvature: torch.Tensor | None
) -> tuple[torch.Tensor, int]:
    """The Newton step from the old minimiser, by the deleted rows only (by conjugate gradients above the dense limit)."""
    if not len(forget):
        return fitted.parameters, 0
    weights = fitted.objective.weights(fitted.parameters)
    deleted, _ = _deleted(fitted, forget).loss_part(weights)
    gradient = ((fitted.measured.loss_part - deleted) / retained.count + retained.l2 * weights).reshape(-1)
    if curvature is None:
        solve: HessianSolve = IterativeHessian(retained, fitted.parameters, relative_tolerance=1e-3)
    else:
        solve = factored(retained, curvature)
    return fitted.parameters - solve(gradient), solve.passes
