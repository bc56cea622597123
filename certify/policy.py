"""The noise scale, a function of public values and of the retained count alone.

A scale computed from the realised residual, or from anything measured on the rows, tells the deleted records
through the noise itself. So the distance that the noise must hide is fixed first, from public numbers only, and the
measured distance is an accept test against it. A verifier recomputes everything in this file.
"""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import SupportsIndex

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Enclosed
from certify.proofs.balls import ball, precision, upper_double
from certify.proofs.sides import Side

from .calibration import GaussianNoise, exact_bound, noise
from .errors import InputError
from .numbers import Number, nonnegative, positive

KINDS = ("logistic", "softmax", "ridge")

_RELATIVE_TOLERANCE = Fraction(1, 10**6)
_ROUNDING_FLOOR = Fraction(1, 2**36)
_BITS = 256


def gradient_scale(kind: str, row_bound: Number = 1.0, label_bound: Number = 1.0) -> float:
    """g0: the public size of one record's gradient, which sets the unit of the default distance budget.

    ``row_bound`` for logistic regression, sqrt(2) ``row_bound`` for softmax, ``row_bound * label_bound`` for ridge,
    rounded up. The two scales are public conventions, not premises about the rows: a wrong one makes the budget
    tighter or looser, never unsound. Raises :class:`~certify.errors.InputError` for another kind or a scale <= 0.

    >>> gradient_scale("softmax"), gradient_scale("ridge", 2, "0.5")
    (1.4142135623730951, 1.0)
    """
    row, label = positive(row_bound, "row_bound"), positive(label_bound, "label_bound")
    if kind not in KINDS:
        raise InputError(f"no default distance budget for a {kind!r} objective: pass distance_budget=, or use {', '.join(KINDS)}")
    with precision(_BITS):
        scale = {"logistic": ball(row), "softmax": ball(2 * row * row).sqrt(), "ridge": ball(row * label)}[kind]
        return upper_double(scale)


def default_distance_budget(*, scale: Number, l2: Number, retained: SupportsIndex) -> Bound:
    """(scale/l2) max(1e-6/retained, 2^-36), rounded up: the distance to the retrained optimum that the noise hides.

    ``scale`` is g0 of :func:`gradient_scale`, ``l2`` the ridge constant (parameters per unit of gradient),
    ``retained`` the number of records that stay. Upper side, in units of the parameters. Raises
    :class:`~certify.errors.InputError` for a scale or l2 <= 0 and a count below 1.

    >>> default_distance_budget(scale=1, l2="0.01", retained=564).value
    1.773049645390071e-07
    """
    budget = positive(scale, "scale") / positive(l2, "l2") * max(_RELATIVE_TOLERANCE / _count(retained), _ROUNDING_FLOOR)
    with precision(_BITS):
        value = upper_double(ball(budget))
    return Bound(value, Side.UPPER, Enclosed("the default distance budget, recomputed from public values and the retained count"))


def budget_of(
    kind: str,
    l2: Number,
    retained: SupportsIndex,
    *,
    distance_budget: Number | Bound | None = None,
    row_bound: Number = 1.0,
    label_bound: Number = 1.0,
) -> Bound:
    """The distance budget of a release: the caller's, which must be positive, or the default for this ``kind`` of objective.

    Upper (or exact) side, in units of the parameters. Raises :class:`~certify.errors.InputError` for a lower bound and
    as :func:`gradient_scale` and :func:`default_distance_budget` do.

    >>> budget_of("logistic", "0.01", 564).value, budget_of("logistic", "0.01", 564, distance_budget="1e-6").value
    (1.773049645390071e-07, 1e-06)
    """
    if distance_budget is None:
        return default_distance_budget(scale=gradient_scale(kind, row_bound, label_bound), l2=l2, retained=retained)
    if isinstance(distance_budget, Bound):
        if not distance_budget.side.fits(Side.UPPER):
            raise InputError(
                f"distance_budget must be an upper bound, not the {distance_budget.side.value} bound {distance_budget.value!r}"
            )
        positive(distance_budget.rational, "distance_budget")
        return distance_budget
    return exact_bound(positive(distance_budget, "distance_budget"), "distance_budget", "chosen independently of the data")


def noise_scale(
    kind: str,
    l2: Number,
    retained: SupportsIndex,
    epsilon: Number,
    delta: Number,
    *,
    tolerance: Number = 0,
    distance_budget: Number | Bound | None = None,
    row_bound: Number = 1.0,
    label_bound: Number = 1.0,
) -> GaussianNoise:
    """The noise that hides the distance budget: sigma = (budget + tolerance/l2) / mu*(epsilon, delta), rounded up.

    Assumes that the released mean lies within the budget of the retrained optimum (tested before the release) and
    that the comparator was trained to a gradient norm of at most ``tolerance``. Depends on public values and on
    ``retained`` only, so it is the same whether or not the deleted records ever existed. A ``distance_budget``
    of the caller replaces the default. Raises :class:`~certify.errors.InputError` as :func:`certify.noise` does.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).

    >>> noise_scale("logistic", "0.01", 564, 1, "1e-5").sigma.value
    6.614595097191387e-07
    """
    strong_convexity = exact_bound(positive(l2, "l2"), "l2", "the ridge constant, a public value")
    budget = budget_of(kind, l2, retained, distance_budget=distance_budget, row_bound=row_bound, label_bound=label_bound)
    slack = exact_bound(nonnegative(tolerance, "tolerance"), "tolerance", "the comparator's gradient norm is at most this")
    sensitivity = derive("distance.comparator", distance=budget, tolerance=slack, strong_convexity=strong_convexity)
    return noise(epsilon=epsilon, delta=delta, sensitivity=sensitivity)


def _count(retained: SupportsIndex) -> int:
    try:
        count = 0 if isinstance(retained, bool) else operator.index(retained)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"the number of retained records must be an integer of at least 1, not {retained!r}")
    return count
