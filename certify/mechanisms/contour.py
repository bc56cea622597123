"""The hockey-stick divergence of N(means, diag(variances)) from N(0, I) in any dimension, enclosed by one integral.

With L the likelihood ratio, K(s) = E_Q L^s and any c > 1 with K(c) finite, Mellin's inversion of (x - k)+ gives

    delta(epsilon) = E_Q (L - e^epsilon)+ = 1/(2 pi i) int over Re s = c of F(s) ds,   F(s) = K(s) e^(-epsilon (s - 1))/(s (s - 1)),

where, with a = 1 - variance and v(s) = 1 + a (s - 1) in each coordinate,

    K(s) = product of variance^((1 - s)/2) v(s)^(-1/2) exp(s (s - 1) mean²/(2 v(s))),   finite at c if and only if every v(c) > 0, which is checked.

The bound at one Rényi order is F(c) up to a factor; this is the whole line through the same c. F takes conjugate values at conjugate points
and is analytic in the upper half-plane (v(s) = 0 on the real axis only), so the upper half of the line may be turned into a ray c + r w
in the direction in which F decays, and delta = Im(w int_0^inf F(c + r w) dr)/pi. The part up to R is validated quadrature (Johansson 2018).
Beyond R, r (log |F|)' <= -5/4 is proved on all of r >= R as a function of u = 1/r, so the rest is at most 4 R |F(c + R w)|.

Why the line may be turned: on the line |F(s)| <= F(c) c (c - 1)/|s (s - 1)|, and on the ray |F| falls like r^(-5/4), so that |s|^(5/4) |F| is
bounded on both sides of the sector between them. Inside it F grows at most like exp(C |s|²), and the sector is narrower than a quarter
turn; by the theorem of Phragmén and Lindelöf (Titchmarsh 1939, section 5.61) |s|^(5/4) |F| is bounded in it, and the arc contributes nothing.

The place of c is held as the gap c - 1, which may be far below the rounding of c.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from flint import acb, arb, ctx

from certify.accounting.orders import golden

_DIRECTIONS = ((0, 1, 1), (5, 12, 13), (-5, 12, 13))  # i and two rays beside it: the square of each has a negative real part
_SHAPE = arb(1.25)
_WIDEST, _SECTIONS = 700.0, 90
_MOST_DOUBLINGS, _MORE_DOUBLINGS, _MOST_PIECES = 400, 12, 3000


def not_zero(value: arb) -> bool:
    """Whether the number is not known to be zero: a ball that holds zero and more counts. (``value != 0`` is false of it.)"""
    exactly_zero: bool = value == 0
    return not exactly_zero


class NoContour(ArithmeticError):
    """No ray was found on which the integrand provably decays."""


@dataclass(frozen=True)
class Pair:
    """The two laws and epsilon at the current working precision; a = 1 - variance, so that variances near one lose no digit."""

    slopes: tuple[arb, ...]
    means: tuple[arb, ...]
    epsilon: arb

    @property
    def coordinates(self) -> list[tuple[arb, arb]]:
        """(a, mean²/2) of every coordinate."""
        return [(a, mean * mean / 2) for a, mean in zip(self.slopes, self.means, strict=True)]

    @property
    def drift(self) -> arb:
        """The coefficient of -s in log F that does not come from a mean."""
        return self.epsilon + sum(((-a).log1p() for a in self.slopes), arb(0)) / 2

    def bound(self, gap: float) -> arb:
        """At or above delta, by the moment of order c = 1 + ``gap`` alone: (x - k)+ <= x^c k^(1 - c) (c - 1)^(c - 1)/c^c."""
        before = arb(gap)
        s = 1 + before
        exponent = before * before.log() - s * s.log() - self.drift * before
        for a, half in self.coordinates:
            v = 1 + a * before
            exponent += s * before * half / v - v.log() / 2
        value = exponent.exp()
        return value.abs_upper() if value.is_finite() else arb("inf")

    @property
    def is_never_reached(self) -> bool:
        """Whether the log-ratio is proved to stay below epsilon everywhere, so that delta is zero."""
        top = -self.drift
        for a, half in self.coordinates:
            if not a >= 0 or (not a > 0 and not_zero(half)):
                return False
            top += 0 if half == 0 else half / a
        return bool(top < 0)


def enclosed_delta(pair: Pair, gap: float) -> arb:
    """A ball around delta; the contour crosses the real axis at 1 + ``gap``. Raises :class:`NoContour`."""
    start = arb(gap)
    coordinates, drift = pair.coordinates, pair.drift
    if not (start > 0 and all(1 + a * start > 0 for a, _ in coordinates)):
        raise NoContour("the moment is not proved to be finite where the contour crosses the real axis")
    squares = [
        (a, half, half / a if a > 0 or a < 0 else None) for a, half in coordinates if not_zero(half)
    ]  # what holds zero stays in
    step, w, doublings = _ray(_Doubles(pair), coordinates, drift, gap)

    def integrand(r: acb, analytic: bool) -> acb:
        before = start + r * w
        s = 1 + before
        linear, rest = -drift, acb(0)
        for a, half, slope in squares:
            v = 1 + a * before
            if slope is not None and abs(v) > 2:
                # s (s - 1)/v in partial fractions: over a wide box far out, the product and the quotient would tell nothing.
                linear += slope
                rest += slope * (a - 1) / a * (1 - 1 / v)
            else:
                rest += s * before * half / v
        value = (linear * before + rest).exp() / (s * before)
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
    rest = (left / (_SHAPE - 1) * abs(integrand(acb(left), False))).abs_upper()
    return ((w * total).imag + arb(0, 1) * rest) / arb.pi()


def best_gap(pair: Pair) -> float:
    """About the order, less one, at which F is least on the real axis above one: where the contour is best placed. Untrusted."""
    doubles = _Doubles(pair)
    top = min((-1 / a for a, _ in doubles.coordinates if a < 0), default=math.inf)

    def gap_at(position: float) -> float:
        gap = math.exp(position)
        return gap if math.isinf(top) else gap / (1 + gap / top)

    gap = gap_at(golden(lambda position: doubles.height(gap_at(position)), -_WIDEST, _WIDEST, _SECTIONS))
    return gap if 0 < gap < top else min(0.5, top / 2)


class _Doubles:
    """log F in doubles as a function of s - 1, for choices that nobody has to trust."""

    def __init__(self, pair: Pair) -> None:
        self.coordinates = [(float(a.mid()), float(half.mid())) for a, half in pair.coordinates]
        self.drift = float(pair.drift.mid())

    def log_modulus(self, before: complex) -> float:
        s = 1 + before
        total = -self.drift * before - cmath.log(s) - cmath.log(before)
        for a, half in self.coordinates:
            v = 1 + a * before
            total += s * before * half / v - cmath.log(v) / 2
        return total.real

    def height(self, gap: float) -> float:
        if not gap > 0 or any(not 1 + a * gap > 0 for a, _ in self.coordinates):
            return math.inf
        try:
            height = self.log_modulus(complex(gap))
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.inf
        return height if math.isfinite(height) else math.inf


def _ray(doubles: _Doubles, coordinates: list[tuple[arb, arb]], drift: arb, gap: float) -> tuple[float, acb, int]:
    """The first step, a direction, and how often the step is doubled until the rest is negligible and proved to decay."""
    for doublings, step, (across, up, length) in _plans(doubles, gap, ctx.prec):
        w = acb(arb(across) / length, arb(up) / length)
        for more in range(_MORE_DOUBLINGS):
            if _decays(coordinates, drift, arb(gap), w, arb(step) * arb(2) ** (doublings + more)):
                return step, w, doublings + more
    raise NoContour("no ray on which the integrand provably decays fast enough")


def _plans(doubles: _Doubles, gap: float, bits: int) -> list[tuple[int, float, tuple[int, int, int]]]:
    """The doublings of a first step after which the rest looks negligible, for every direction in which it does; the fewest first."""
    top = doubles.height(gap)
    if not math.isfinite(top):
        return []
    step = min(gap, 1.0)
    while step > 1e-12 * gap and not doubles.log_modulus(complex(gap, step)) >= top - 1:
        step /= 2
    target = top + math.log(step) - (bits - 12) * math.log(2)
    found = []
    for direction in _DIRECTIONS:
        w = complex(direction[0], direction[1]) / direction[2]
        for doublings in range(_MOST_DOUBLINGS):
            reach = step * 2.0**doublings
            try:
                height = doubles.log_modulus(gap + reach * w) + math.log(reach)
            except (ValueError, ZeroDivisionError, OverflowError):
                break
            if height < target:
                found.append((doublings, step, direction))
                break
    return sorted(found, key=lambda plan: plan[0])


def _decays(coordinates: list[tuple[arb, arb]], drift: arb, gap: arb, w: acb, start: arb) -> bool:
    """Whether r (log |F(c + r w)|)' <= -5/4 is proved for every r >= ``start``, c = 1 + ``gap``, by halving intervals of u = 1/r."""
    pending: list[tuple[arb, arb]] = [(arb(0), (1 / start).upper())]
    for _ in range(_MOST_PIECES):
        if not pending:
            return True
        low, high = pending.pop()
        u = low.union(high)
        if _separated(coordinates, drift, gap, w, u, high) <= -_SHAPE:
            continue
        if low == 0:
            pending += [(arb(0), (high / 4).mid()), ((high / 4).mid(), high)]
        elif not _joint(coordinates, drift, gap, w, u) <= -_SHAPE:
            middle = ((low + high) / 2).mid()
            if _joint(coordinates, drift, gap, w, middle) > -_SHAPE:
                return False
            pending += [(low, middle), (middle, high)]
    return False


def _joint(coordinates: list[tuple[arb, arb]], drift: arb, gap: arb, w: acb, u: arb) -> arb:
    """r (log |F|)' for u = 1/r away from zero, each coordinate as one fraction: for a coordinate whose variance is near one."""
    s, before = u * (1 + gap) + w, u * gap + w  # s and s - 1, times u
    total = -drift / u - 1 / s - 1 / before
    for a, half in coordinates:
        v = u + a * before
        total -= a / (2 * v)
        if not_zero(half):
            total += half * (a * s * s + (1 - a) * u * (2 * s - u)) / (u * v * v)
    return (w * total).real


def _separated(coordinates: list[tuple[arb, arb]], drift: arb, gap: arb, w: acb, u: arb, high: arb) -> arb:
    """An upper bound of r (log |F|)' for u = 1/r in a ball that ends at ``high``: what grows with r, which must not be positive, and the rest."""
    linear, quadratic = -drift * w.real, arb(0)
    bounded = -1 / (u * (1 + gap) + w) - 1 / (u * gap + w)
    for a, half in coordinates:
        if a == 0:
            linear += half * (1 + 2 * gap) * w.real
            quadratic += 2 * half * (w * w).real
            continue
        v = u + a * (u * gap + w)
        bounded -= a / (2 * v)
        if not_zero(half):
            linear += half / a * w.real
            bounded -= half * (1 - a) * u / a / (v * v)
    growing = (
        quadratic / high + linear
    )  # (quadratic/u + linear)/u is at most this over high, if this is not positive (quadratic never is)
    if not growing <= 0:
        return arb("inf")
    return growing / high + (w * bounded).real
