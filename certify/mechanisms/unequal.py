"""Two Gaussian laws whose means and covariances both differ: a proved upper bound of delta in any dimension.

One direction: at or above sup_A P(A) - e^epsilon Q(A) for P = N(mean_shift, covariance) and Q = N(0, reference_covariance). Unlearning
promises both directions; the caller takes the larger of this and of the same with the two covariances exchanged (the sign of the
shift does not matter).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from certify import gaussian
from certify.accounting import orders
from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.errors import InputError
from certify.numbers import Number, nonnegative
from certify.proofs.balls import MAXIMUM_PRECISION, ball, precision, upper_double
from certify.proofs.sides import Side

from . import one_dimension
from .contour import NoContour, Pair, best_gap, enclosed_delta
from .matrices import Rows, balls, column, definite, diagonalised, form, inverse_form, vector
from .matrices import covariance as covariance_of
from .supremum import never_exceeds

_ACCURATE = 48
_PROMISED = 41
_MOST_BITS = 6144
_LEAST_BITS = 128
_MOST_INTEGRAL_BITS = 1024
_SEARCH_STEPS = 50
_LARGEST = Fraction(10) ** 300
_INVISIBLE = arb(2) ** -1100


def gaussian_delta(epsilon: Number, *, mean_shift: Any, covariance: Any, reference_covariance: Any) -> Bound:
    """At or above sup over events of P(A) - e^epsilon Q(A), P = N(mean_shift, covariance), Q = N(0, reference_covariance).

    Numbers and entries are exact: strings are decimals, doubles what they store. One number stands for one dimension. The evidence names
    the route: exactly 0 where the log-ratio nowhere exceeds epsilon (decided in rational arithmetic, and nowhere else), the
    Gaussian profile for equal covariances, the quadratic on the line, a contour integral in balls in up to 64 dimensions, or,
    where that fails, one Rényi order. Except for the last, the bound exceeds the truth by less than 1e-12 of it, or is 5e-324,
    the least double. One direction only: exchange the covariances for the other, and take the larger. Raises
    :class:`~certify.errors.InputError` for shapes that do not fit, entries that are not finite, and matrices that are not
    symmetric and positive definite.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> gaussian_delta(2, mean_shift=9, covariance=1, reference_covariance=100).side.value
    'upper'
    >>> gaussian_delta(1, mean_shift=[0.6, 0.8], covariance=[[1, 0], [0, 1]], reference_covariance=[[1, 0], [0, 1]]).value
    0.12693673750664...
    """
    at = nonnegative(epsilon, "epsilon")
    shift, first, second = _read(mean_shift, covariance, reference_covariance)
    if first == second:
        return _equal(at, shift, first)
    if never_exceeds(at, shift, first, second):
        return Bound(0.0, Side.UPPER, Enclosed("the log-ratio of the densities nowhere exceeds epsilon, by rational elimination"))
    if len(shift) == 1:
        value = one_dimension.enclosed_delta(at, shift[0], first[0][0], second[0][0])
        return _bound(value, "interval between the roots of the log-ratio, or what it leaves out, in balls")
    exact = _by_contour(at, shift, first, second)
    return _at_one_order(at, shift, first, second) if exact is None else exact


def gaussian_renyi(order: Number, *, mean_shift: Any, covariance: Any, reference_covariance: Any) -> Bound:
    """At or above the Rényi divergence of order > 1 of N(mean_shift, covariance) from N(0, reference_covariance); infinite where it is.

    Theorem: ``unequal.renyi`` (exact order, variance; upper shift).
    """
    at = nonnegative(order, "order")
    if at <= 1:
        raise InputError("order must be greater than 1")
    return _divergence(at, *_read(mean_shift, covariance, reference_covariance))


def _read(mean_shift: Any, first: Any, second: Any) -> tuple[tuple[Fraction, ...], Rows, Rows]:
    shift = vector(mean_shift, "mean_shift")
    one, two = covariance_of(first, "covariance"), covariance_of(second, "reference_covariance")
    if not len(shift) == len(one) == len(two):
        raise InputError(
            f"mean_shift, covariance and reference_covariance must have one dimension, and have {len(shift)}, {len(one)} and {len(two)}"
        )
    return shift, one, two


def _bound(value: arb, route: str) -> Bound:
    return Bound(
        max(0.0, min(1.0, upper_double(value))), Side.UPPER, Enclosed(f"hockey-stick divergence of two Gaussian laws: {route}")
    )


def _equal(epsilon: Fraction, shift: tuple[Fraction, ...], rows: Rows) -> Bound:
    """Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma)."""
    value = gaussian.delta_upper(epsilon, parameter(rows, shift), Fraction(1))
    return Bound(
        value, Side.UPPER, Enclosed("gaussian.profile at the length of the shift in units of the noise (equal covariances)")
    )


def parameter(rows: Rows, shift: tuple[Fraction, ...]) -> Fraction:
    """At or above sqrt(shift . rows^-1 shift), to two hundred bits."""
    if not any(shift):
        return Fraction(0)
    bits = 256
    while True:
        with precision(bits):
            square = form(rows, shift)
            if square.rel_accuracy_bits() >= 200 or bits > MAXIMUM_PRECISION:
                return dyadic(square.sqrt().upper())
        bits *= 2


def dyadic(point: arb) -> Fraction:
    """The exact value of a ball of radius zero."""
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _proportional(first: Rows, second: Rows) -> Fraction | None:
    """The ratio of the two covariances, if they are proportional."""
    ratio = first[0][0] / second[0][0]
    same = all(a == ratio * b for one, two in zip(first, second, strict=True) for a, b in zip(one, two, strict=True))
    return ratio if same else None


def _by_contour(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Bound | None:
    """The contour integral, after both covariances were diagonalised: exactly if they allow, else to far below delta."""
    ratio, plain = _proportional(first, second), _diagonal(first) and _diagonal(second)
    bits = _LEAST_BITS
    if ratio is None and not plain:
        bits = min(bits + 3 * int(min(epsilon, Fraction(10**6)) / Fraction(math.log(2))), _MOST_BITS // 2)
    best: arb | None = None
    while bits <= _MOST_BITS:
        with precision(bits):
            if ratio is not None:
                value = _settled(_proportional_pair(epsilon, shift, second, ratio))
            elif plain:
                value = _settled(_plain_pair(epsilon, shift, first, second))
            else:
                value = _general_delta(epsilon, shift, first, second)
            if value is not None and value.is_finite():
                best = value if best is None or value.upper() < best.upper() else best
                if value.rel_accuracy_bits() >= _ACCURATE or value < _INVISIBLE:
                    break
        bits *= 2
    if best is None or not (best.rel_accuracy_bits() >= _PROMISED or best < _INVISIBLE):
        return None
    return _bound(best, "contour integral of the moments in balls")


def _diagonal(rows: Rows) -> bool:
    return all(entry == 0 for i, row in enumerate(rows) for j, entry in enumerate(row) if i != j)


def _plain_pair(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Pair:
    """Two diagonal covariances: every coordinate in units of the second."""
    slopes = tuple(ball(1 - first[index][index] / second[index][index]) for index in range(len(shift)))
    means = tuple(ball(move) / ball(second[index][index]).sqrt() if move else arb(0) for index, move in enumerate(shift))
    return Pair(slopes, means, ball(epsilon))


def _proportional_pair(epsilon: Fraction, shift: tuple[Fraction, ...], second: Rows, ratio: Fraction) -> Pair:
    """Proportional covariances: in units of the second, and turned so that the shift lies along one coordinate."""
    mean = form(second, shift).sqrt() if any(shift) else arb(0)
    return Pair((ball(1 - ratio),) * len(shift), (mean, *[arb(0)] * (len(shift) - 1)), ball(epsilon))


def _settled(pair: Pair) -> arb | None:
    """The integral with variances of one in place of those next to one: by so little that the total variation hardly differs.

    A variance 1 - a with |a| <= 1/2 is within |a|/2 of one in total variation (see :class:`~certify.mechanisms.matrices.Diagonal`).
    """
    close = arb(2) ** -(ctx.prec // 2)
    slopes = tuple(arb(0) if abs(a) < close else a for a in pair.slopes)
    value = _working(Pair(slopes, pair.means, pair.epsilon))
    slack = sum((abs(a) / 2 for a, kept in zip(pair.slopes, slopes, strict=True) if kept == 0), arb(0))
    return None if value is None else value + arb(0).union(slack) - arb(0).union(slack)


def _general_delta(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> arb | None:
    laws = diagonalised(shift, first, second)
    if laws is None:
        return None
    inner = _working(Pair(tuple(1 - variance for variance in laws.variances), laws.means, ball(epsilon)))
    return None if inner is None else inner + arb(0, 1) * (laws.slack + ball(epsilon).exp() * laws.reference_slack)


def _working(pair: Pair) -> arb | None:
    """The integral at a precision of its own (the basis may need many digits more); ``None`` where no contour was found."""
    if not all(mean.is_finite() for mean in pair.means):
        return None
    if pair.is_never_reached:
        return arb(0)
    if one_dimension.nearly_told_apart([(1 - a).sqrt() for a in pair.slopes], pair.means, pair.epsilon):
        return arb(1) - arb(0).union(one_dimension.CERTAIN)
    gap, bits, value = best_gap(pair), _LEAST_BITS, None
    while bits <= _MOST_INTEGRAL_BITS:
        with precision(bits):
            at_most = pair.bound(gap)
            if at_most < _INVISIBLE:
                return arb(0).union(at_most)
            try:
                value = enclosed_delta(pair, gap)
            except NoContour:
                return value
            if value.rel_accuracy_bits() >= _ACCURATE + 4:
                break
        bits *= 2
    return value


def _at_one_order(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Bound:
    """Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon)."""
    order = _search_order(epsilon, shift, first, second)
    divergence = _divergence(order, shift, first, second)
    if math.isinf(divergence.value):
        return Bound(1.0, Side.UPPER, Enclosed("a probability"))
    at = exactly(min(epsilon, _LARGEST), Declared("given"))  # beyond, the delta of a smaller epsilon
    bound = derive("renyi.profile", order=order, divergence=divergence, epsilon=at)
    return bound if bound.value <= 1 else Bound(1.0, Side.UPPER, Enclosed("a probability"))


def _divergence(order: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Bound:
    """Theorem: ``unequal.renyi`` (exact order, variance; upper shift)."""
    bits, value = _LEAST_BITS, None
    while bits <= _MOST_BITS:
        with precision(bits):
            value = _renyi_ball(order, shift, first, second)
            if (
                value is not None
                and value.is_finite()
                and (value.rel_accuracy_bits() >= _ACCURATE or abs(value) < arb(2) ** -200)
            ):
                break
        bits *= 4
    evidence = Enclosed("unequal.renyi in the coordinates that diagonalise both covariances, by determinants in balls")
    return Bound(math.inf if value is None else max(0.0, upper_double(value)), Side.UPPER, evidence)


def _renyi_ball(order: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> arb | None:
    """A ball around the divergence at the current precision; ``None`` where it is infinite or might be."""
    one, two = balls(first), balls(second)
    mixed = one * ball(1 - order) + two * ball(order)
    if not definite(mixed):
        return None
    square = inverse_form(mixed, column(shift))
    logarithms = mixed.det().log() - ball(1 - order) * one.det().log() - ball(order) * two.det().log()
    return ball(order) * square / 2 - logarithms / (2 * ball(order - 1))


def _search_order(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Fraction:
    """About the order that makes the bound least; untrusted."""
    level = float(min(epsilon, _LARGEST))

    def height(position: float) -> float:
        order = 1 + math.exp(position)
        if order == 1:
            return math.inf
        with precision(_LEAST_BITS):
            value = _renyi_ball(Fraction(order), shift, first, second)
        if value is None or not math.isfinite(float(value.mid())):
            return math.inf
        return orders.log_delta_at(order, float(value.mid()), level)

    return Fraction(1 + math.exp(orders.golden(height, -16.0, 16.0, _SEARCH_STEPS)))
