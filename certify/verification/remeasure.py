"""The distance to the minimiser, measured by the verifier: in balls where the problem is small, else with allowances."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Enclosed
from certify.proofs.balls import ball, precision, upper_double
from certify.proofs.sides import Side

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_MOST_PRODUCTS = 1_000_000
_BITS = 128


@dataclass(frozen=True)
class Remeasured:
    """The bound, and whether no float64 arithmetic had to be believed."""

    bound: Bound
    in_balls: bool


def remeasured_distance(retained: Any, parameters: NDArray[numpy.float64], budget: Fraction) -> Remeasured:
    """An upper bound on the distance from the parameters to the minimiser of the retained objective.

    Up to a million products it is computed wholly in balls (theorem ``output.residual``, sharpened by
    ``newton.corrected-residual`` where that is needed to stay within ``budget``); beyond, or where balls do
    not reach the budget, by :func:`certify.distance`.
    """
    import torch

    from certify.distances import distance

    candidate = torch.from_numpy(parameters.copy())
    if retained.count * retained.dimension <= _MOST_PRODUCTS:
        found = _in_balls(retained.compact(), candidate, budget)
        if found.rational_or_infinite() <= budget:
            return Remeasured(found, True)
    return Remeasured(distance(retained, candidate), False)


def _in_balls(objective: Any, candidate: Any, budget: Fraction) -> Bound:
    import numpy

    from certify.bounds.enclosed_gradient import enclosed_gradient
    from certify.newton import hessian_solve

    rows = objective.design.select(numpy.arange(objective.count)).tolist()
    labels, weights = objective.labels.tolist(), objective.weights(candidate)
    shape, convexity = tuple(weights.shape), objective.strong_convexity
    plain = enclosed_gradient(objective.kind, rows, labels, weights.tolist(), l2=objective.l2).residual
    best = derive("output.residual", residual=plain, strong_convexity=convexity)
    if best.rational_or_infinite() <= budget:
        return best
    step = -hessian_solve(objective, candidate)(objective.gradient(candidate))  # any trial step is sound
    rest = enclosed_gradient(objective.kind, rows, labels, weights.tolist(), l2=objective.l2, step=step.reshape(shape).tolist())
    assert rest.linear_residual is not None
    row_norm = max((_norm(row) for row in rows), key=lambda bound: bound.value)
    lipschitz = derive(f"{'squared' if objective.kind == 'ridge' else objective.kind}.hessian-lipschitz", row_norm=row_norm)
    for _ in range(20):
        bound = derive(
            "newton.corrected-residual",
            step=_norm(step.tolist()),
            linear_residual=rest.linear_residual,
            previous_distance=best,
            hessian_lipschitz=lipschitz,
            strong_convexity=convexity,
        )
        if not bound.value < best.value:
            break
        best = bound
    return best


def _norm(entries: list[float]) -> Bound:
    with precision(_BITS):
        total = ball(0)
        for entry in entries:
            total += ball(entry) ** 2
        return Bound(upper_double(total.sqrt()), Side.UPPER, Enclosed("Euclidean norm in balls"))
