"""What every mechanism answers: delta at an epsilon, epsilon at a delta, the least scale, the greatest sensitivity, its curve."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from flint import arb

from certify.accounting.orders import least_double
from certify.errors import InputError
from certify.numbers import Number, exact, nonnegative, positive, to_decimal
from certify.proofs.balls import ball, lower_double, precision

_CURVE_POINTS = 101
_KNOTS = 96
_BITS = 128
_SEARCH_STEPS = 60


@dataclass(frozen=True)
class TradeOff:
    """Points below the trade-off curve: every test with type I error at most ``type_one[i]`` has type II error at least ``type_two[i]``.

    Both directions: either of the two laws may be the hypothesis.
    """

    type_one: tuple[float, ...]
    type_two: tuple[float, ...]


class Mechanism(ABC):
    """Noise of a known scale on a release whose move is bounded. Numbers that come out lie on the safe side.

    ``delta_upper`` and ``least_epsilon`` are never below the truth, ``least_scale`` is enough, ``greatest_sensitivity`` is
    covered, and ``trade_off`` is never above the curve: each is decided in ball arithmetic, after an untrusted search.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def spread(self) -> Fraction:
        """The scale of the noise."""

    @property
    @abstractmethod
    def reach(self) -> Fraction:
        """The sensitivity: how far the release can move."""

    @abstractmethod
    def with_scale(self, scale: Fraction) -> Self:
        """The same mechanism at another scale."""

    @abstractmethod
    def with_sensitivity(self, sensitivity: Fraction) -> Self:
        """The same noise on a release that moves by at most ``sensitivity``."""

    @abstractmethod
    def delta_upper(self, epsilon: Number) -> float:
        """A double at or above the least delta at ``epsilon >= 0``, in both directions."""

    def least_epsilon(self, delta: Number) -> float:
        """The least double epsilon at which delta is proved to be at most ``delta``; infinite if none is."""
        limit = allowed(delta)
        return least_argument(lambda epsilon: self.delta_upper(Fraction(epsilon)), limit, start=1.0)

    def least_scale(self, epsilon: Number, delta: Number) -> float:
        """A double scale for which delta at ``epsilon`` is proved to be at most ``delta``, next to one for which it is not."""
        at, limit = nonnegative(epsilon, "epsilon"), allowed(delta)

        def reached(scale: float) -> float:
            return self.with_scale(Fraction(scale)).delta_upper(at) if scale else 1.0

        return least_argument(reached, limit, start=float(self.reach))

    def greatest_sensitivity(self, epsilon: Number, delta: Number) -> float:
        """A double sensitivity that is proved to be covered, next to one that is not."""
        at, limit = nonnegative(epsilon, "epsilon"), allowed(delta)

        def reached(width: float) -> float:
            return self.with_sensitivity(Fraction(width)).delta_upper(at) if width else 0.0

        proposal = about(reached, float(limit), float(self.spread), rising=True)
        refused = least_double(lambda width: reached(width) > limit, proposal=proposal)
        return math.nextafter(refused, 0.0)

    def trade_off(self, type_one: Sequence[float] | None = None) -> TradeOff:
        """Lower bounds of the type II error, by default at 101 type I errors from 0 to 1.

        Where the curve has no closed form these are the tangents that the profile gives at a hundred values of epsilon:
        b >= max(0, 1 - delta - e^epsilon a, e^-epsilon (1 - delta - a)) (Dong, Roth and Su 2022).
        """
        return TradeOff(errors := type_one_errors(type_one), tuple(self._type_two(errors)))

    def _type_two(self, type_one: tuple[float, ...]) -> list[float]:
        far = self.least_epsilon(Fraction(1, 10**9))
        far = far if 0 < far < math.inf else 1.0
        epsilons = [Fraction(far * (index / _KNOTS) ** 1.5) for index in range(_KNOTS + 1)]
        deltas = [Fraction(self.delta_upper(epsilon)) for epsilon in epsilons]
        with precision(_BITS):
            tangents = [(ball(epsilon).exp(), ball(1 - delta)) for epsilon, delta in zip(epsilons, deltas, strict=True)]
            return [max(_below(tangents, ball(Fraction(error)))) for error in type_one]


def _below(tangents: list[tuple[arb, arb]], error: arb) -> list[float]:
    lines = [line for ratio, left in tangents for line in (left - ratio * error, (left - error) / ratio)]
    return [0.0, *(lower_double(line) for line in lines)]


def type_one_errors(given: Sequence[float] | None) -> tuple[float, ...]:
    """The type I errors of a curve: those given, or an even grid."""
    if given is None:
        return tuple(index / (_CURVE_POINTS - 1) for index in range(_CURVE_POINTS))
    errors = tuple(float(exact(error, "type_one")) for error in given)
    if any(not 0 <= error <= 1 for error in errors):
        raise InputError("type_one must hold numbers from 0 to 1")
    return errors


def allowed(delta: Number) -> Fraction:
    """``delta`` as an exact number from 0 to below 1 (noise with bounded ratios reaches 0)."""
    number = nonnegative(delta, "delta")
    if number >= 1:
        raise InputError(f"delta must lie below 1, not {to_decimal(number)}")
    return number


def scale_of(value: Number, name: str) -> Fraction:
    """A positive exact number within the doubles."""
    number = positive(value, name)
    if not Fraction(5e-324) <= number <= Fraction(1.7e308):
        raise InputError(f"{name} = {to_decimal(number)} is beyond the doubles: use a magnitude between 5e-324 and 1.7e308")
    return number


def least_argument(reached: Callable[[float], float], limit: Fraction, *, start: float) -> float:
    """The least nonnegative double at which a decreasing function is at most ``limit``; infinite if none is.

    A wrong first guess costs time only: neighbouring doubles decide.
    """
    return least_double(lambda point: reached(point) <= limit, proposal=about(reached, float(limit), start))


def about(reached: Callable[[float], float], limit: float, start: float, *, rising: bool = False) -> float:
    """About where a falling (or rising) function passes ``limit``: false position (Illinois) on logarithms, guarded by halving; untrusted."""

    def gap(place: float) -> float:
        value = reached(math.exp(place))
        if value > 0 and limit > 0:
            return math.log(value) - math.log(limit)
        return 1.0 if value > limit else -1.0

    low, stride = math.log(start), 0.125
    at_low = gap(low)
    direction = 1.0 if (at_low > 0) is not rising else -1.0
    while True:
        high = low + direction * stride
        if not -744 < high < 709:
            return 0.0 if direction < 0 else math.inf
        at_high = gap(high)
        if (at_high > 0) != (at_low > 0):
            break
        low, at_low, stride = high, at_high, stride * 2
    return math.exp(_between(gap, (low, at_low), (high, at_high)))


def _between(gap: Callable[[float], float], one: tuple[float, float], other: tuple[float, float]) -> float:
    """A place near which ``gap`` changes its sign, from two places at which its signs differ."""
    (low, at_low), (high, at_high) = one, other
    for step in range(_SEARCH_STEPS):
        middle = (low * at_high - high * at_low) / (at_high - at_low) if step % 4 != 3 else (low + high) / 2
        if not min(low, high) < middle < max(low, high):
            break
        at = gap(middle)
        if (at > 0) == (at_high > 0):
            at_low /= 2
        else:
            low, at_low = high, at_high
        high, at_high = middle, at
        if abs(at) < 2e-16 or abs(high - low) < 1e-16 * max(1.0, abs(high)):
            break
    return high
