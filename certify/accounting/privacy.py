"""What every privacy profile answers, and the exact bookkeeping that the kinds share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar, TypeAlias

from flint import arb, fmpq

from certify.bounds.bound import Bound, exactly
from certify.bounds.evidence import Combined, Declared, Evidence
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import Number, nonnegative, probability, to_decimal
from certify.proofs.balls import ball, precision, rational, upper_double
from certify.proofs.sides import Side

Value: TypeAlias = Number | Bound
"""A number as a person may write it, or a bound on the side that keeps the promise."""

_KEPT_BITS = 4096
_ROUNDED_BITS = 512
_SUM_BITS = 256


class Privacy(ABC):
    """How close two laws are: a proved upper bound of delta for every epsilon, in both directions or in one.

    The final kinds are in :mod:`certify.accounting.kinds`. The numbers that a kind holds are the ones that are claimed
    and used; each remembers where it comes from.
    """

    kind: ClassVar[str]
    direction: Direction

    @abstractmethod
    def delta(self, epsilon: Value) -> Bound:
        """At or above the least additive slack at ``epsilon >= 0``."""

    @abstractmethod
    def epsilon(self, delta: Value) -> Bound:
        """At or above the least epsilon that is enough for ``0 < delta < 1``; infinite where none is known."""


def asked_epsilon(value: Value) -> Fraction:
    """The epsilon of a question; a bound that is not exact must lie below the epsilon that is meant."""
    return nonnegative(_number(value, "epsilon", Side.LOWER), "epsilon")


def asked_delta(value: Value) -> Fraction:
    """The delta of a question; a bound that is not exact must lie below the delta that is meant."""
    return probability(_number(value, "delta", Side.LOWER), "delta")


def held(value: Value, name: str) -> Bound:
    """A nonnegative parameter as the number that a profile uses: exact, or an upper bound."""
    if isinstance(value, Bound):
        nonnegative(_number(value, name, Side.UPPER), name)
        return value
    return as_used(nonnegative(value, name), name)


def as_used(number: Fraction, name: str, evidence: Evidence | None = None, failure: float = 0.0) -> Bound:
    """``number`` as the exact parameter that is claimed; one of very many digits is first rounded up, far beyond a double."""
    number = shortened(number)
    try:
        value = float(number)
    except OverflowError:
        raise InputError(f"{name} = {to_decimal(number)} is beyond the doubles") from None
    if value == 0 and number != 0:
        raise InputError(f"{name} = {to_decimal(number)} is below the doubles")
    return Bound(value, Side.EXACT, evidence or Declared("given"), failure, None if Fraction(value) == number else number)


def shortened(number: Fraction | fmpq) -> Fraction:
    """``number``, or the next dyadic number of 512 bits above it where it has more than 4096."""
    numerator, denominator = (number.p, number.q) if isinstance(number, fmpq) else (number.numerator, number.denominator)
    if max(numerator.bit_length(), denominator.bit_length()) <= _KEPT_BITS:
        return Fraction(int(numerator), int(denominator))
    with precision(_ROUNDED_BITS):
        return dyadic((arb(number) if isinstance(number, fmpq) else ball(number)).upper())


def dyadic(point: arb) -> Fraction:
    """The exact value of a ball of radius zero."""
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def root_upper(square: Fraction) -> Fraction:
    """At or above the square root, exact where 256 bits hold it."""
    with precision(_SUM_BITS):
        return dyadic(ball(square).sqrt().upper())


def total_of(numbers: Sequence[Fraction]) -> Fraction:
    """The sum without rounding, halves first; one of more than 4096 bits is rounded up to 512, once."""
    level: list[fmpq] = [rational(number) for number in numbers] or [fmpq(0)]
    while len(level) > 1:
        level = [level[i] + level[i + 1] if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return shortened(level[0])


def added(bounds: Sequence[Bound], operation: str) -> Bound:
    """The sum of upper or exact bounds: exact where all are and it has no more than 4096 bits, else rounded up once."""
    failure = union(*bounds)
    evidence = Combined(operation, tuple(bounds))
    if any(math.isinf(bound.value) for bound in bounds):
        return Bound(math.inf, Side.UPPER, evidence, failure)
    numbers = [bound.rational for bound in bounds]
    total = total_of(numbers)
    if all(bound.side is Side.EXACT for bound in bounds) and not failure and total == sum(numbers):
        return exactly(total, evidence)
    with precision(_SUM_BITS):
        return Bound(upper_double(ball(total)), Side.UPPER, evidence, failure)


def union(*bounds: Bound) -> float:
    """At or above the probability that any of the bounds fails."""
    total = total_of([Fraction(bound.failure_probability) for bound in bounds if bound.failure_probability])
    with precision(_SUM_BITS):
        return upper_double(ball(total))


def within(bound: Bound, low: float, high: float, what: str) -> Bound:
    """An upper bound of a quantity that is known to lie between ``low`` and ``high``."""
    if low <= bound.value <= high:
        return bound
    value = low if bound.value < low else high
    return Bound(value, Side.UPPER, Combined(what, (bound,)), bound.failure_probability)


def joint_direction(parts: Sequence[Privacy]) -> Direction:
    """Both ways only if every part holds both ways."""
    one_way = any(part.direction is Direction.ONE_WAY for part in parts)
    return Direction.ONE_WAY if one_way else Direction.TWO_WAY


def _number(value: Value, name: str, needed: Side) -> Number:
    if not isinstance(value, Bound):
        return value
    if not value.side.fits(needed):
        raise InputError(
            f"{name} must be {needed.value} (or exact), and was given as the {value.side.value} bound {value.value!r}"
        )
    if math.isinf(value.value):
        raise InputError(f"{name} must be finite, and the bound given is {value.value!r}")
    return value.rational
