"""The hockey-stick divergence of N(means, diag(variances)) from N(0, I) in any dimension, enclosed by one integral.

With L the likelihood ratio, K(s) = E_Q L^s and any c > 1 with K(c) finite, Mellin's inversion of (x - k)+ gives

    delta(epsilon) = E_Q (L - e^epsilon)+ = 1/(2 pi i) int over Re s = c of F(s) ds,   F(s) = K(s) e^(-epsilon (s - 1))/(s (s - 1)),

where, with a = 1 - variance and v(s) = 1 + a (s - 1) in each coordinate,

    K(s) = product of variance^((1 - s)/2) v(s)^(-1/2) exp(s (s - 1) mean²/(2 v(s))).

The bound at one Rényi order is F(c) up to a factor; this is the whole line through the same c. F takes conjugate values at conjugate points
and is analytic in the upper half-plane (v(s) = 0 on the real axis only), so the upper half of the line may be turned into a ray c + r w
in the direction in which F decays, and delta = Im(w int_0^inf F(c + r w) dr)/pi. The part up to R is validated quadrature (Johansson 2018).
Beyond R, r (log |F|)' <= -3/2 is proved on all of r >= R as a function of u = 1/r, so the rest is at most 2 R |F(c + R w)|.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from flint import acb, arb, ctx

_DIRECTIONS = ((0, 1, 1), (5, 12, 13), (-5, 12, 13))  # i and two rays beside it: the square of each has a negative real part
_GOLDEN = (math.sqrt(5) - 1) / 2
_SHAPE = arb(1.5)
_MOST_DOUBLINGS, _MORE_DOUBLINGS, _MOST_PIECES = 90, 12, 3000


def not_zero(value: arb) -> bool:
    """Whether the number is not known to be zero: a ball that holds zero and more counts. (``value != 0`` is false of it.)"""
    exactly_zero: bool = value == 0
    return not exactly_zero


class NoContour(ArithmeticError):
    """No ray was found on which the integrand provably decays."""


@dataclass(frozen=True)
class Pair:
    """The two laws and epsilon at the current working precision."""

    variances: tuple[arb, ...]
    means: tuple[arb, ...]
    epsilon: arb

    @property
    def coordinates(self) -> list[tuple[arb, arb]]:
        """(a, mean²/2) of every coordinate."""
        return [(1 - variance, mean * mean / 2) for variance, mean in zip(self.variances, self.means, strict=True)]

    @property
    def drift(self) -> arb:
        """The coefficient of -s in log F that does not come from a mean."""
        return self.epsilon + sum((variance.log() for variance in self.variances), arb(0)) / 2

    @property
    def is_never_reached(self) -> bool:
        """Whether the log-ratio is proved to stay below epsilon everywhere, so that delta is zero."""
        top = -self.drift
        for (a, half), variance in zip(self.coordinates, self.variances, strict=True):
            if a < 0 or (not a > 0 and not_zero(half)) or not variance <= 1:
                return False
            top += 0 if half == 0 else half / a
        return bool(top < 0)


def enclosed_delta(pair: Pair, order: float) -> arb:
    """A ball around delta; ``order`` > 1 is where the contour crosses the real axis. Raises :class:`NoContour`."""
    centre = arb(order)
    coordinates, drift = pair.coordinates, pair.drift
    squares = [(a, half) for a, half in coordinates if not_zero(half)]  # a ball that holds zero stays in
    step, w, doublings = _ray(_Doubles(pair), coordinates, drift, order)

    def integrand(r: acb, analytic: bool) -> acb:
        s = centre + r * w
        before = s - 1
        exponent = -drift * before
        for a, half in squares:
            exponent += s * before * half / (1 + a * before)
        value = exponent.exp() / (s * before)
        for a, _ in coordinates:
            if not_zero(a):
                value *= (1 + a * before).rsqrt(analytic=analytic)
        return value

    scale = abs(integrand(acb(0), False)).abs_upper() * arb(step)
    tolerance = scale * arb(2) ** -(ctx.prec - 10)
    total, left, right = acb(0), arb(0), arb(step)
    for _ in range(doublings + 1):
        total += acb.integral(integrand, acb(left), acb(right), rel_tol=arb(2) ** -ctx.prec, abs_tol=tolerance)
        left, right = right, 2 * right
    rest = (2 * left * abs(integrand(acb(left), False))).abs_upper()
    return ((w * total).imag + arb(0, 1) * rest) / arb.pi()


def best_order(pair: Pair) -> float:
    """About the order at which F is least on the real axis above one: where the contour is best placed, and Rényi's bound best."""
    doubles = _Doubles(pair)
    top = min((1 - 1 / a for a, _ in doubles.coordinates if a < 0), default=math.inf)

    def order_at(position: float) -> float:
        gap = math.exp(position)
        return 1 + (gap if math.isinf(top) else gap / (1 + gap / (top - 1)))

    low, high = -30.0, 60.0 if math.isinf(top) else 30.0 + max(0.0, math.log(top - 1))
    for _ in range(120):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if doubles.height(order_at(left)) <= doubles.height(order_at(right)):
            high = right
        else:
            low = left
    order = order_at((low + high) / 2)
    return order if 1 < order < top else 1 + min(0.5, (top - 1) / 2)


class _Doubles:
    """log F in doubles, for choices that nobody has to trust."""

    def __init__(self, pair: Pair) -> None:
        self.coordinates = [(float(a.mid()), float(half.mid())) for a, half in pair.coordinates]
        self.drift = float(pair.drift.mid())

    def log_modulus(self, s: complex) -> float:
        before = s - 1
        total = -self.drift * before - cmath.log(s) - cmath.log(before)
        for a, half in self.coordinates:
            v = 1 + a * before
            total += s * before * half / v - cmath.log(v) / 2
        return total.real

    def height(self, order: float) -> float:
        if not order > 1:
            return math.inf
        try:
            return self.log_modulus(complex(order))
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.inf


def _ray(doubles: _Doubles, coordinates: list[tuple[arb, arb]], drift: arb, order: float) -> tuple[float, acb, int]:
    """The first step, a direction, and how often the step is doubled until the rest is negligible and proved to decay."""
    for doublings, step, (across, up, length) in _plans(doubles, order, ctx.prec):
        w = acb(arb(across) / length, arb(up) / length)
        for more in range(_MORE_DOUBLINGS):
            if _decays(coordinates, drift, arb(order), w, arb(step) * arb(2) ** (doublings + more)):
                return step, w, doublings + more
    raise NoContour("no ray on which the integrand provably decays fast enough")


def _plans(doubles: _Doubles, order: float, bits: int) -> list[tuple[int, float, tuple[int, int, int]]]:
    """The doublings of a first step after which the rest looks negligible, for every direction in which it does; the fewest first."""
    top = doubles.height(order)
    step = min(order - 1, 1.0)
    while step > 1e-12 and doubles.log_modulus(complex(order, step)) < top - 1:
        step /= 2
    target = top + math.log(step) - (bits - 12) * math.log(2)
    found = []
    for direction in _DIRECTIONS:
        w = complex(direction[0], direction[1]) / direction[2]
        for doublings in range(_MOST_DOUBLINGS):
            reach = step * 2.0**doublings
            try:
                height = doubles.log_modulus(order + reach * w) + math.log(reach)
            except (ValueError, ZeroDivisionError, OverflowError):
                break
            if height < target:
                found.append((doublings, step, direction))
                break
    return sorted(found, key=lambda plan: plan[0])


def _decays(coordinates: list[tuple[arb, arb]], drift: arb, centre: arb, w: acb, start: arb) -> bool:
    """Whether r (log |F(c + r w)|)' <= -3/2 is proved for every r >= ``start``, by halving intervals of u = 1/r."""
    pending: list[tuple[arb, arb]] = [(arb(0), (1 / start).upper())]
    for _ in range(_MOST_PIECES):
        if not pending:
            return True
        low, high = pending.pop()
        u = low.union(high)
        if _separated(coordinates, drift, centre, w, u, high) <= -_SHAPE:
            continue
        if low == 0:
            pending += [(arb(0), (high / 4).mid()), ((high / 4).mid(), high)]
        elif not _joint(coordinates, drift, centre, w, u) <= -_SHAPE:
            middle = ((low + high) / 2).mid()
            if _joint(coordinates, drift, centre, w, middle) > -_SHAPE:
                return False
            pending += [(low, middle), (middle, high)]
    return False


def _joint(coordinates: list[tuple[arb, arb]], drift: arb, centre: arb, w: acb, u: arb) -> arb:
    """r (log |F|)' for u = 1/r away from zero, each coordinate as one fraction: for a coordinate whose variance is near one."""
    s, before = u * centre + w, u * (centre - 1) + w  # s and s - 1, times u
    total = -drift / u - 1 / s - 1 / before
    for a, half in coordinates:
        v = u + a * before
        total -= a / (2 * v)
        if not_zero(half):
            total += half * (a * s * s + (1 - a) * u * (2 * s - u)) / (u * v * v)
    return (w * total).real


def _separated(coordinates: list[tuple[arb, arb]], drift: arb, centre: arb, w: acb, u: arb, high: arb) -> arb:
    """An upper bound of r (log |F|)' for u = 1/r in a ball that ends at ``high``: what grows with r, which must not be positive, and the rest."""
    linear, quadratic = -drift * w.real, arb(0)
    bounded = -1 / (u * centre + w) - 1 / (u * (centre - 1) + w)
    for a, half in coordinates:
        if a == 0:
            linear += half * (2 * centre - 1) * w.real
            quadratic += 2 * half * (w * w).real
            continue
        v = u + a * (u * (centre - 1) + w)
        bounded -= a / (2 * v)
        if not_zero(half):
            linear += half / a * w.real
            bounded -= half * (1 - a) * u / a / (v * v)
    growing = quadratic / high + linear  # (quadratic/u + linear)/u is at most this over high, if this is not positive
    if not growing <= 0:
        return arb("inf")
    return growing / high + (w * bounded).real
