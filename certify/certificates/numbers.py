"""Exact numbers as text: a hexadecimal double, or "p/q" where the number is no double."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from certify.bounds.bound import Bound

_HEX = re.compile(r"-?0x[01](\.[0-9a-f]{1,13})?p[+-][0-9]{1,4}")
_RATIO = re.compile(r"(-?(?:0|[1-9][0-9]{0,1999}))/([1-9][0-9]{0,1999})")


def write_number(number: Bound | Fraction | float | int) -> tuple[str, str]:
    """The exact text of a finite number and a decimal for people.

    >>> write_number(0.1), write_number(Fraction(1, 3))
    (('0x1.999999999999ap-4', '0.1'), ('1/3', '0.3333333333333333'))
    """
    if isinstance(number, Bound):
        if not math.isfinite(number.value):
            raise ValueError(f"a certificate holds finite numbers, not {number.value!r}")
        number = number.rational
    fraction = Fraction(number)
    double = float(fraction)
    exact = double.hex() if Fraction(double) == fraction else f"{fraction.numerator}/{fraction.denominator}"
    return exact, repr(double)


def read_number(text: str) -> Fraction:
    """The number that :func:`write_number` wrote; raises ``ValueError`` for any other spelling."""
    if _HEX.fullmatch(text):
        try:
            double = float.fromhex(text)
        except OverflowError:
            raise ValueError(f"{text} is beyond the doubles") from None
        value = Fraction(double)
    elif match := _RATIO.fullmatch(text):
        value = Fraction(int(match[1]), int(match[2]))
    else:
        raise ValueError(f"{text[:40]!r} is neither a hexadecimal double nor p/q")
    try:
        canonical = write_number(value)[0]
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is beyond the doubles") from None
    if canonical != text:
        raise ValueError(f"{text[:40]!r} is not the canonical spelling {canonical[:40]!r}")
    return value
