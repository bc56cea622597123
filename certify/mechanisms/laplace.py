"""Noise with density proportional to exp(-|b|/scale) in the Euclidean norm, whose norm has a Gamma law.

In one dimension this is the Laplace mechanism. In every dimension delta(epsilon) <= 1 - exp((epsilon - sensitivity/scale)/2), with
equality in one (``laplace.profile``); from epsilon = sensitivity/scale on it is zero (``laplace.pure``). In d >= 2 dimensions the
profile is smaller, and enclosed here. Let r and q be the distances of a point from the two means, which lie D apart, and w = D/scale.
In the coordinates m = (r + q)/D >= 1 and n = (r - q)/D in [-1, 1] (confocal ellipsoids and hyperboloids) the volume element is

    (D/2)^d |S^(d-2)| (m² - n²) ((m² - 1)(1 - n²))^((d-3)/2) dm dn,

the two densities are proportional to exp(-w (m - n)/2) and exp(-w (m + n)/2), and their ratio exp(w n) exceeds e^epsilon for
n > epsilon/w. With z = w/2, m² - n² = (m² - 1) + (1 - n²), n = cos t, the integrals over m are Bessel functions,
I_v = int_1^inf (m² - 1)^(v-1/2) e^(-z m) dm = Gamma(v + 1/2) (2/z)^v K_v(z)/sqrt(pi) (DLMF 10.32.8), and what is left is one of an entire function:

    delta = C int_0^(arccos(epsilon/w)) 2 e^(epsilon/2) sinh(z cos t - epsilon/2) sin^(d-2) t (I_(d/2) + sin² t I_(d/2-1)) dt,
    C = z^d |S^(d-2)|/(|S^(d-1)| (d-1)!).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from flint import acb, arb

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.errors import InputError
from certify.numbers import Number, nonnegative
from certify.proofs.balls import ball, lower_double, precision, refine, upper_double

from .protocol import Mechanism, allowed, scale_of

_BITS = 128
_LEAST_BITS = 96
_INTEGRAL_BITS = 60
_MOST_BITS, _MOST_POINTS = 2048, 20000
MOST_DIMENSIONS = 1000


@final
@dataclass(frozen=True)
class LaplaceMechanism(Mechanism):
    """Density proportional to exp(-|b|/scale) on a vector that moves by at most ``sensitivity`` in Euclidean norm.

    Without a ``dimension`` every answer holds in every dimension; with one it is exact for that dimension.

    >>> LaplaceMechanism.of(sensitivity=1, scale=2).least_epsilon(0)
    0.5
    >>> LaplaceMechanism.of(sensitivity=1, scale=2, dimension=50).least_epsilon("1e-6")
    0.25465459260887463
    """

    kind: ClassVar[str] = "laplace"
    sensitivity: Fraction
    scale: Fraction
    dimension: int | None = None

    @classmethod
    def of(cls, *, sensitivity: Number, scale: Number, dimension: int | None = None) -> LaplaceMechanism:
        """From decimals or numbers, taken exactly."""
        return cls(scale_of(sensitivity, "sensitivity"), scale_of(scale, "scale"), dimension_of(dimension))

    def __post_init__(self) -> None:
        if self.dimension is not None and self.dimension > MOST_DIMENSIONS:
            raise InputError(
                f"the exact profile of Laplace noise reaches to dimension {MOST_DIMENSIONS}: leave the dimension out for a bound that holds in all"
            )

    @property
    def spread(self) -> Fraction:
        return self.scale

    @property
    def reach(self) -> Fraction:
        return self.sensitivity

    def with_scale(self, scale: Fraction) -> LaplaceMechanism:
        return LaplaceMechanism(self.sensitivity, scale, self.dimension)

    def with_sensitivity(self, sensitivity: Fraction) -> LaplaceMechanism:
        return LaplaceMechanism(sensitivity, self.scale, self.dimension)

    def pure_epsilon(self) -> Bound:
        """The epsilon that needs no delta.

        Theorem: ``laplace.pure`` (upper sensitivity; lower scale).
        """
        return derive("laplace.pure", sensitivity=_held(self.sensitivity), scale=_held(self.scale))

    def mean_norm(self) -> Bound:
        """The expected norm of the noise, dimension times scale, from above; needs the dimension.

        Theorem: ``laplace.radius`` (upper dimension, scale).
        """
        if self.dimension is None:
            raise InputError("the norm of Laplace noise grows with the dimension: give the dimension")
        return derive("laplace.radius", dimension=self.dimension, scale=_held(self.scale))

    def delta_upper(self, epsilon: Number) -> float:
        """Exact up to one ulp in one dimension, or in the dimension given.

        Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
        """
        at = nonnegative(epsilon, "epsilon")
        excess = self.sensitivity / self.scale - at
        if excess <= 0:
            return 0.0
        if self.dimension is None or self.dimension == 1:
            return min(1.0, upper_double(refine(lambda: -(-ball(excess) / 2).expm1())))
        return _radial_delta(at, self.sensitivity / self.scale, self.dimension)

    def least_epsilon(self, delta: Number) -> float:
        """sensitivity/scale + 2 log(1 - delta), rounded up, or 0; in a dimension above one by bracketing.

        Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
        """
        if self.dimension is None or self.dimension == 1:
            width, left = self.sensitivity / self.scale, 1 - allowed(delta)
            return max(0.0, _upper(lambda: ball(width) + 2 * ball(left).log()))
        return self._searched_epsilon(delta)

    def least_scale(self, epsilon: Number, delta: Number) -> float:
        """sensitivity/(epsilon - 2 log(1 - delta)), rounded up; in a dimension above one by bracketing.

        Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
        """
        at, left = nonnegative(epsilon, "epsilon"), 1 - allowed(delta)
        if at == 0 and left == 1:
            raise InputError("no noise of finite scale gives epsilon = 0 and delta = 0: allow a larger epsilon or delta")
        if self.dimension is None or self.dimension == 1:
            return _upper(lambda: ball(self.sensitivity) / (ball(at) - 2 * ball(left).log()))
        return super().least_scale(at, delta)

    def greatest_sensitivity(self, epsilon: Number, delta: Number) -> float:
        """scale (epsilon - 2 log(1 - delta)), rounded down; in a dimension above one by bracketing.

        Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
        """
        at, left = nonnegative(epsilon, "epsilon"), 1 - allowed(delta)
        if self.dimension is None or self.dimension == 1:
            return -_upper(lambda: -ball(self.scale) * (ball(at) - 2 * ball(left).log()))
        return super().greatest_sensitivity(at, delta)

    def _searched_epsilon(self, delta: Number) -> float:
        if allowed(delta) == 0:
            return upper_double(ball(self.sensitivity / self.scale))
        return super().least_epsilon(delta)

    def _type_two(self, type_one: tuple[float, ...]) -> list[float]:
        if self.dimension is not None and self.dimension > 1:
            return super()._type_two(type_one)
        with precision(_BITS):
            ratio = ball(self.sensitivity / self.scale).exp()

            def least(error: Fraction) -> arb:
                share = ball(error)
                if error >= Fraction(1, 2):
                    return (1 - share) / ratio
                # The line is a tangent of the convex curve, so it is a lower bound everywhere; the hyperbola only beyond the point of contact.
                return 1 / (4 * ratio * share) if 2 * ratio * share > 1 else 1 - ratio * share

            return [max(0.0, lower_double(least(Fraction(error)))) for error in type_one]


def dimension_of(dimension: int | None) -> int | None:
    """A positive integer, or nothing."""
    if dimension is None:
        return None
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
        raise InputError(f"the dimension is a positive integer, not {dimension!r}")
    return dimension


def _held(number: Fraction) -> Bound:
    return exactly(number, Declared("given"))


def _upper(evaluate: Callable[[], arb]) -> float:
    return upper_double(refine(evaluate))


def _radial_delta(epsilon: Fraction, width: Fraction, dimension: int) -> float:
    """delta in ``dimension`` >= 2 for a shift of ``width`` scales, rounded up."""
    if _told_apart(epsilon, width, dimension):
        return 1.0
    bits = _LEAST_BITS + 2 * max(0, width.numerator.bit_length() - width.denominator.bit_length())
    best = 1.0
    while bits <= _MOST_BITS:
        with precision(bits):
            value = _confocal(epsilon, width, dimension)
            best = min(best, max(0.0, upper_double(value)))
            if value.rel_accuracy_bits() >= 50 or value < arb(2) ** -1100:
                return best
        bits *= 2
    with precision(_BITS):  # at no precision that is tried: the bound of every dimension
        return min(best, upper_double(-(ball(epsilon - width) / 2).expm1()))


def _told_apart(epsilon: Fraction, width: Fraction, dimension: int) -> bool:
    """Whether 1 - delta is proved to be below 2^-60, so that one is sharp.

    Outside of the event r is at least (D - c)/2 with c = epsilon scale, and inside of it q is at least (D + c)/2. The tail of a Gamma law
    at x >= 2 d is at most twice its first term e^-x x^(d-1)/(d-1)!.
    """
    near, far = (width - epsilon) / 2, (width + epsilon) / 2
    if near < 2 * dimension:
        return False
    with precision(_BITS + width.numerator.bit_length()):
        missed, kept = (2 * (-ball(x)).exp() * ball(x) ** (dimension - 1) / arb(dimension).gamma() for x in (near, far))
        return bool(missed + ball(epsilon).exp() * kept < arb(2) ** -60)


def _confocal(epsilon: Fraction, width: Fraction, dimension: int) -> arb:
    """The integral of the docstring, from 0 to 1 so that its ends are exact; 1 - cos t as a square, which keeps small angles sharp."""
    z, half, excess, root, order = (
        ball(width / 2),
        ball(epsilon / 2),
        ball((width - epsilon) / 2),
        arb.pi().sqrt(),
        arb(dimension) / 2,
    )

    def moment(v: arb) -> arb:
        return (v + arb(0.5)).gamma() / root * (2 / z) ** v * z.bessel_k(v)

    first = moment(order)
    share, turn = moment(order - 1) / first, 2 * ball((width - epsilon) / (2 * width)).sqrt().asin()

    def weighted(place: acb, _: bool) -> acb:
        angle = turn * place
        sine, low = angle.sin(), (angle / 2).sin()
        return (excess - 2 * z * low * low).sinh() * sine ** (dimension - 2) * (1 + sine * sine * share)

    # An absolute tolerance of the size of the result: with none, the zero of high order at the end is bisected without end.
    peak = ((arb(dimension - 2) / z).sqrt() / turn).mid() if dimension > 2 else arb(1)
    span = peak if peak < 1 else arb(1)
    sizes = [(weighted(acb(span * step / 8), False).real.mid() * span / 8) for step in range(1, 9)]
    tolerance = max(sizes, key=float) / 2**_INTEGRAL_BITS
    relative = arb(2) ** -_INTEGRAL_BITS
    whole = acb.integral(weighted, acb(0), acb(1), rel_tol=relative, abs_tol=tolerance, eval_limit=_MOST_POINTS)
    total = whole.real * turn
    sphere = order.gamma() / (root * (order - arb(0.5)).gamma() * arb(dimension).gamma())  # |S^(d-2)|/(|S^(d-1)| (d-1)!)
    return 2 * half.exp() * z**dimension * sphere * first * total
