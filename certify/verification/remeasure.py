"""The distance to the minimiser, measured by the verifier: in balls where the problem is small, else with allowances."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from certify.bounds.bound import Bound


@dataclass(frozen=True)
class Remeasured:
    """The bound, and whether no float64 arithmetic had to be believed."""

    bound: Bound
    in_balls: bool


def remeasured_distance(retained: Any, parameters: NDArray[numpy.float64], budget: Fraction) -> Remeasured:
    """An upper bound on the distance from the parameters to the minimiser of the retained objective."""
    import torch

    from certify.distances import distance

    return Remeasured(distance(retained.compact(), torch.from_numpy(parameters.copy())), False)
