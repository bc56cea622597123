"""The distance to the minimiser, measured by the verifier: in balls where the problem is small, else with allowances."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certify.bounds.bound import Bound

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Remeasured:
    """The bound, and whether no float64 arithmetic had to be believed."""

    bound: Bound
    in_balls: bool


def remeasured_distance(retained: Any, parameters: NDArray[numpy.float64], budget: Fraction) -> Remeasured:
    """An upper bound on the distance from the parameters to the minimiser of the retained objective.

    Of small problems it is computed wholly in balls; of others, or where balls do not reach the budget, by
    :func:`certify.distance`.
    """
    import torch

    from certify.distances import distance, enclosable, enclosed_distance

    candidate = torch.from_numpy(parameters.copy())
    if enclosable(retained):
        found = enclosed_distance(retained, candidate)
        if found.rational_or_infinite() <= budget:
            return Remeasured(found, True)
    return Remeasured(distance(retained, candidate), False)
