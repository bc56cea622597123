"""Ball arithmetic at the edges: exact numbers in, outward-rounded doubles out.

A ball (``flint.arb``) is an interval that provably contains the real number meant. The working
precision of FLINT is a process-wide setting, so it is only ever changed inside :func:`precision`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from flint import arb, ctx, fmpq

MAXIMUM_PRECISION = 1 << 16


class NoEnclosure(ArithmeticError):
    """The ball stayed too wide at the greatest precision that is tried."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work at ``bits`` bits and restore the previous precision on leaving."""
    previous = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = previous


def rational(number: float | int | Fraction) -> fmpq:
    """The exact rational value of a finite number (a double is the rational that it stores)."""
    fraction = number if isinstance(number, Fraction) else Fraction(number)
    return fmpq(fraction.numerator, fraction.denominator)


def ball(number: float | int | Fraction) -> arb:
    """A ball at the current precision that contains the exact value of ``number``."""
    return arb(rational(number))


def upper_double(value: arb) -> float:
    """The least double found at or above every number in the ball (``inf`` if it is unbounded or beyond the doubles).

    >>> upper_double(arb(1) / 0)
    inf
    """
    edge = value.upper()
    if not edge.is_finite():
        return -math.inf if edge == arb("-inf") else math.inf
    guess = float(edge)
    return guess if arb(guess) >= edge else math.nextafter(guess, math.inf)


def lower_double(value: arb) -> float:
    """The greatest double found at or below every number in the ball."""
    return -upper_double(-value)


def refine(evaluate: Callable[[], arb], *, relative_bits: int = 60, start: int = 96) -> arb:
    """Evaluate at growing precision until the ball is accurate to ``relative_bits`` bits.

    A value that is proved to lie below 2**-1100 in magnitude is returned as it is: no double can tell it from zero
    or from the least positive one. Raises :class:`NoEnclosure` beyond 65,536 bits.
    """
    bits = start
    while bits <= MAXIMUM_PRECISION:
        with precision(bits):
            value = evaluate()
            if value.is_finite() and (value.rel_accuracy_bits() >= relative_bits or abs(value) < arb(2) ** -1100):
                return value
        bits *= 2
    raise NoEnclosure(f"no enclosure to {relative_bits} bits at {MAXIMUM_PRECISION} bits of working precision")
