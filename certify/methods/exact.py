"""The exact minimiser of ridge regression on the retained rows, correctly rounded: epsilon = 0, no noise."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from flint import arb, arb_mat

from certify.bounds import Bound, Enclosed
from certify.bounds.rounding import norm_upper
from certify.errors import CannotDecide, InputError
from certify.objectives import LinearObjective, Ridge
from certify.proofs.balls import ball, precision
from certify.proofs.sides import Side

from .candidate import Candidate

_MOST_WORK = 2e8
_LARGEST = 2.0**1023
_PRECISIONS = (192, 384, 768, 1536, 3072)


def exact_candidate(retained: LinearObjective) -> Candidate:
    """Every coordinate of the exact minimiser rounded to the nearest double, proved by balls.

    Each double depends on the retained rows alone, so releasing it says nothing of the deleted ones.
    Raises ``InputError`` for other objectives, and ``CannotDecide`` where the problem is too large for
    ball arithmetic or a coordinate lies too near a tie.
    """
    if not isinstance(retained, Ridge):
        raise InputError(f"method 'exact' is for ridge regression, not {retained.kind}: use method 'newton'")
    if retained.count * retained.dimension**2 > _MOST_WORK:
        raise CannotDecide("the problem is too large for an exact solution in balls: use method 'newton'")
    for bits in _PRECISIONS:
        rounded = _rounded_solution(retained, bits)
        if rounded is not None:
            parameters = torch.tensor(rounded, dtype=torch.float64)
            half_ulps = [math.ulp(value) / 2 for value in rounded]
            distance = Bound(
                norm_upper(math.hypot(*half_ulps), len(rounded)), Side.UPPER, Enclosed("half an ulp in every coordinate")
            )
            return Candidate(parameters, retained.measure(parameters), distance, 0, 1)
    raise CannotDecide(
        "a coordinate of the exact solution is too near a tie between two doubles, or beyond them: use method 'newton'"
    )


def _rounded_solution(retained: Ridge, bits: int) -> list[float] | None:
    """The solution of (X'X + n l2 I) w = X'y rounded to nearest, or None if ``bits`` do not decide every coordinate."""
    rows = retained.design.select(retained.ids).cpu()
    labels = retained.labels[torch.from_numpy(retained.ids)].cpu()
    with precision(bits):
        design = arb_mat(rows.tolist())
        right = arb_mat([[value] for value in labels.tolist()])
        normal = design.transpose() * design
        diagonal = ball(retained.l2) * retained.count
        for index in range(normal.nrows()):
            normal[index, index] = normal[index, index] + diagonal
        try:
            solution = normal.solve(design.transpose() * right)
        except ZeroDivisionError:
            return None
        coordinates = [_nearest(solution[index, 0]) for index in range(normal.nrows())]
    return None if any(value is None for value in coordinates) else [value for value in coordinates if value is not None]


def _nearest(value: arb) -> float | None:
    """The double nearest to every number in the ball, or None if there is more than one."""
    if not value.is_finite():
        return None
    if not abs(value) < _LARGEST:
        return None
    low, high = (float(_fraction(edge)) for edge in (value.lower(), value.upper()))
    return low if low == high else None


def _fraction(edge: arb) -> Fraction:
    mantissa, exponent = edge.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
