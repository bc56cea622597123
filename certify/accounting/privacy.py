"""What every privacy profile answers, and the exact bookkeeping that the kinds share."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, TypeAlias

from flint import arb, fmpq

from certify.bounds.bound import Bound
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
_DECIDING_BITS = 20_000
_NEAREST_ORDER = 1 + Fraction(1, 2**40)
_LEAST_DOUBLE, _GREATEST_DOUBLE = math.ulp(0.0), Fraction(sys.float_info.max)


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
    """The epsilon of a question; a bound that is not exact must lie below the epsilon that is meant, and surely.

    Beyond the doubles it is read as the greatest of them: what holds there holds further out.
    """
    return min(nonnegative(_number(_sure(value, "epsilon"), "epsilon", Side.LOWER), "epsilon"), _GREATEST_DOUBLE)


def asked_delta(value: Value) -> Fraction:
    """The delta of a question; a bound that is not exact must lie below the delta that is meant, and surely."""
    return probability(_number(_sure(value, "delta"), "delta", Side.LOWER), "delta")


def usable_order(order: Fraction) -> Fraction:
    """An order of a Rényi divergence: above one, not so near to it that no double tells the two apart, and no greater than a double."""
    if order <= 1:
        raise InputError(f"the orders of a Rényi curve are greater than 1, not {to_decimal(order)}")
    if order < _NEAREST_ORDER:
        raise InputError(f"an order of 1 + {to_decimal(order - 1)} is too near to 1: use orders of at least 1 + 2**-40")
    if order > _GREATEST_DOUBLE:
        raise InputError(f"an order of {to_decimal(order)} is beyond the doubles: use a smaller one")
    return order


def held(value: Value, name: str) -> Bound:
    """A nonnegative parameter as the number that a profile uses: exact, or an upper bound."""
    if isinstance(value, Bound):
        number = nonnegative(_number(value, name, Side.UPPER), name)
        return replace(value, value=_LEAST_DOUBLE) if value.value == 0 < number else value
    return as_used(nonnegative(value, name), name)


def as_used(number: Fraction, name: str, evidence: Evidence | None = None, failure: float = 0.0) -> Bound:
    """``number`` as the exact parameter that is claimed; one of very many digits is first rounded up, far beyond a double.

    A positive number below the doubles is kept exactly and shown as the least of them.
    """
    number = shortened(number)
    try:
        value = float(number)
    except OverflowError:
        raise InputError(f"{name} = {to_decimal(number)} is beyond the doubles") from None
    if value == 0 and number > 0:
        value = _LEAST_DOUBLE
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


def deciding() -> AbstractContextManager[None]:
    """Compare the numbers of a side condition to as many digits as any two numbers here may share."""
    return precision(_DECIDING_BITS)


def total_of(numbers: Sequence[Fraction]) -> Fraction:
    """The sum without rounding, halves first; one of more than 4096 bits is rounded up to 512, once."""
    level: list[fmpq] = [rational(number) for number in numbers] or [fmpq(0)]
    while len(level) > 1:
        level = [level[i] + level[i + 1] if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return shortened(level[0])


def added(bounds: Sequence[Bound], operation: str) -> Bound:
    """The sum of upper or exact bounds: exact where all are (as :func:`as_used` keeps it), else rounded up once."""
    failure = union(*bounds)
    evidence = Combined(operation, tuple(bounds))
    if any(math.isinf(bound.value) for bound in bounds):
        return Bound(math.inf, Side.UPPER, evidence, failure)
    total = total_of([bound.rational for bound in bounds])
    if all(bound.side is Side.EXACT for bound in bounds):
        return as_used(total, operation, evidence, failure)
    with precision(_SUM_BITS):
        return Bound(upper_double(ball(total)), Side.UPPER, evidence, failure)


def union(*bounds: Bound) -> float:
    """At or above the probability that any of the bounds fails."""
    total = total_of([Fraction(bound.failure_probability) for bound in bounds if bound.failure_probability])
    with precision(_SUM_BITS):
        return upper_double(ball(total))


def failing(bound: Bound, *others: Bound) -> Bound:
    """The bound as a part of a statement that holds only where the others hold, too."""
    failure = union(bound, *others)
    return bound if failure == bound.failure_probability else replace(bound, failure_probability=failure)


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


def _sure(value: Value, name: str) -> Value:
    if isinstance(value, Bound) and value.failure_probability:
        raise InputError(f"the {name} that is asked for is a number that holds surely, not {value}")
    return value


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
