"""Noise with density proportional to exp(-|b|/scale) in the Euclidean norm, whose norm has a Gamma law.

In one dimension this is the Laplace mechanism. In every dimension delta(epsilon) <= 1 - exp((epsilon - sensitivity/scale)/2), with
equality in one (``laplace.profile``); from epsilon = sensitivity/scale on it is zero (``laplace.pure``). In d >= 2 dimensions the
profile is smaller, and enclosed here: with the ratio of the densities at most e^epsilon outside one branch of a hyperboloid of
revolution whose foci are the two means, the probabilities of that branch are integrals over one angle. In polar coordinates
around its focus, with c = epsilon scale, D the sensitivity and k(t) = (D² - c²)/(2 scale (D cos t + c)),

    P(A) = 1 - (1/W) int over cos t > -c/D of G(k(t)) sin^(d-2) t dt,     G(x) = e^-x sum_(j<d) x^j/j!, the tail of a Gamma law,

and Q(A) is the same integral with -c for c, around the other focus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import acos, factorial, log, sqrt
from typing import ClassVar, final

from flint import acb, acb_poly, arb, ctx

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.errors import InputError
from certify.numbers import Number, nonnegative
from certify.proofs.balls import MAXIMUM_PRECISION, ball, lower_double, precision, refine, upper_double

from .protocol import Mechanism, allowed, scale_of

_BITS = 128
_LEAST_BITS = 80
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
    """delta in ``dimension`` >= 2 for a shift of ``width`` scales, rounded up; the integrals of the docstring in balls."""
    bits = _LEAST_BITS
    while True:
        with precision(bits):
            near = _share(width, epsilon, dimension)
            far = _share(width, -epsilon, dimension)
            value = 1 - near - ball(epsilon).exp() * far
            if value.rel_accuracy_bits() >= 50 or value < arb(2) ** -1100 or bits > MAXIMUM_PRECISION // 8:
                return max(0.0, min(1.0, upper_double(value)))
        bits *= 2


def _share(width: Fraction, level: Fraction, dimension: int) -> arb:
    """(1/W) times the integral over cos t > -level/width of G(k(t)) sin^(d-2) t dt; ``level`` is epsilon or -epsilon, in scales."""
    reach, c = ball(width), ball(level)
    top = ball((width * width - level * level) / 2)
    tail = acb_poly([acb(1) / factorial(j) for j in range(dimension)])

    def weighted(angle: acb, _: bool) -> acb:
        k = top / (reach * angle.cos() + c)
        return (-k).exp() * tail(k) * angle.sin() ** (dimension - 2)

    end = _end(width, level, dimension)
    whole = acb.integral(weighted, acb(0), acb(end)).real
    beyond = top / (reach * end.cos() + c)
    rest = ((-beyond).exp() * tail(acb(beyond)).real * (arb.pi() - end)).abs_upper()
    total = whole + arb(0).union(rest)
    return total / (arb.pi().sqrt() * (arb(dimension - 1) / 2).gamma() / (arb(dimension) / 2).gamma())


def _end(width: Fraction, level: Fraction, dimension: int) -> arb:
    """An angle before the one at which k becomes infinite, where the tail of the Gamma law is far below the working precision."""
    reach = ctx.prec * log(2) + dimension
    far = reach + sqrt(2 * dimension * reach) + 8 * log(reach)
    cosine = (float(width * width - level * level) / (2 * far) - float(level)) / float(width)
    return arb(acos(min(1.0, max(-1.0, cosine))))
