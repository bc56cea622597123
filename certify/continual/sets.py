"""How far residuals reach and move for the very records that leave, by the norms of their sums of gradients: far less than any count allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
from flint import arb, arb_mat
from numpy.typing import NDArray

from certify.bounds.bound import Bound, exactly, tightest
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.errors import CannotDecide
from certify.proofs.balls import ball, upper_double
from certify.proofs.sides import Side

from .constants import ROUNDING, Constants
from .enclosures import least_eigenvalue
from .plan import increment, residual


@dataclass(frozen=True, eq=False)
class Request:
    """All records that left by now: their number, the Hessian of what is left, the sum of their gradients; all at the fitted model, in balls."""

    count: int
    hessian: arb_mat
    gradient: arb_mat
    curvatures: arb
    """The sum of the norms of the Hessians of the records that left."""


def set_residual(constants: Constants, request: Request) -> Bound:
    """How far one Newton step from the fitted model may end from the minimiser without these records. Upper side.

    Theorem: ``continual.residual`` (upper request, hessian_lipschitz; lower curvature, start_curvature).
    """
    if request.count == 0:
        return exactly(0 * constants.curvature.rational, Declared("nothing has left")) + constants.allowance
    by_set = derive(
        "continual.residual", request=_size(request.gradient), start_curvature=_least(constants, request), **constants.shared()
    )
    return tightest(residual(constants, request.count), by_set + constants.allowance)


def set_increment(constants: Constants, earlier: Request, later: Request) -> Bound:
    """How far the residual may move from the earlier request to the later, which holds it. Upper side.

    Theorem: ``continual.shift`` (upper change, m, smoothness, before; lower curvature).
    Theorem: ``continual.inverse-change`` (upper removed; lower curvature).
    Theorem: ``continual.increment`` (upper before, after, moved, m, record_hessian, hessian_lipschitz; lower curvature; upper turn).
    """
    further, least = later.count - earlier.count, _least(constants, later)
    before, after = (_size(request.gradient) / constants.curvature for request in (earlier, later))
    moved = derive(
        "continual.shift", change=_size(later.gradient - earlier.gradient), m=further, smoothness=constants.smoothness, before=before,
        curvature=constants.curvature,
    )  # fmt: skip
    removed = Bound(
        upper_double(later.curvatures - earlier.curvatures), Side.UPPER, Enclosed("norms of the Hessians of the further records")
    )
    turn = derive("continual.inverse-change", removed=removed, curvature=least)
    by_set = derive(
        "continual.increment", before=before, after=after, moved=tightest(moved, constants.gradient * further / constants.curvature), m=further,
        record_hessian=constants.record_hessian, hessian_lipschitz=constants.hessian_lipschitz, curvature=least, turn=turn,
    )  # fmt: skip
    by_count = increment(constants, earlier.count)
    for count in range(earlier.count + 1, later.count):
        by_count = by_count + increment(constants, count)
    apart = set_residual(constants, earlier) + set_residual(constants, later)
    return tightest(by_set + constants.allowance * 2, by_count, apart)


def newton_step(request: Request, start: list[float]) -> NDArray[numpy.float64]:
    """The doubles nearest to one Newton step from the start, no farther from it than half of what the allowance keeps for rounding."""
    try:
        end = request.hessian.solve(request.gradient) + arb_mat([[value] for value in start])
    except ZeroDivisionError:
        raise CannotDecide("the Newton step could not be enclosed: its Hessian is nearly singular; use a larger l2") from None
    nearest = [float(entry.mid()) for entry in end.entries()]
    missed = sum(((entry - arb(value)) ** 2 for entry, value in zip(end.entries(), nearest, strict=True)), arb(0)).sqrt()
    size = sum((arb(value) ** 2 for value in nearest), arb(0)).sqrt()
    if not missed <= size * ball(ROUNDING / 2):
        raise CannotDecide("the Newton step could not be enclosed to the last digits: use a larger l2")
    return numpy.array(nearest)


def _size(gradient: arb_mat) -> Bound:
    total = sum((entry * entry for entry in gradient.entries()), arb(0)).sqrt()
    return Bound(upper_double(total), Side.UPPER, Enclosed("norm of a sum of gradients at the fitted model"))


def _least(constants: Constants, request: Request) -> Bound:
    """A lower bound on the least eigenvalue of what is left at the fitted model: there, or that of the whole ball."""
    found = least_eigenvalue(request.hessian)
    if found <= constants.curvature.value:
        return constants.curvature
    return Bound(found, Side.LOWER, Enclosed("least eigenvalue at the fitted model, by elimination in balls"))
