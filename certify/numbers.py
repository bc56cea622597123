"""Exact numbers at the door: decimals as the rationals they denote, doubles as the dyadics they store."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from .errors import InputError

Number: TypeAlias = str | int | float | Fraction | Decimal
"""What a person may write for a number; scalars of numpy and zero-dimensional arrays are accepted too."""

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", re.ASCII)
_RATIO = re.compile(r"[+-]?\d+/\d+", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d{1,5})?", re.ASCII)
_LONGEST_TEXT = 400
_LARGEST_EXPONENT = 2000
_LARGEST_BITS = 8192


def exact(value: object, name: str) -> Fraction:
    """The exact rational value of ``value``, which errors call ``name``.

    A string is read as the decimal, ratio ``"p/q"`` or hexadecimal double that it spells; an ``int``, a finite
    ``float``, a ``Fraction``, a ``Decimal`` and a scalar of numpy are taken as the number that they store.
    Nothing is rounded. Raises :class:`~certify.errors.InputError` for a truth value, nan, an infinity, a complex
    number, an unreadable string, and numbers beyond about 1e±2000.

    >>> exact("1e-5", "delta"), exact(0.5, "epsilon")
    (Fraction(1, 100000), Fraction(1, 2))
    >>> exact(1e-5, "delta") == exact("1e-5", "delta")
    False
    """
    fraction = _read_text(value, name) if isinstance(value, str) else _read_object(value, name)
    if max(fraction.numerator.bit_length(), fraction.denominator.bit_length()) > _LARGEST_BITS:
        raise InputError(f"{name} has too many digits: use a number with at most {_LARGEST_BITS} bits")
    return fraction


def positive(value: object, name: str) -> Fraction:
    """:func:`exact`, refused unless greater than zero."""
    number = exact(value, name)
    if number <= 0:
        raise InputError(f"{name} must be greater than 0, not {to_decimal(number)}")
    return number


def nonnegative(value: object, name: str) -> Fraction:
    """:func:`exact`, refused if below zero."""
    number = exact(value, name)
    if number < 0:
        raise InputError(f"{name} must be at least 0, not {to_decimal(number)}")
    return number


def probability(value: object, name: str) -> Fraction:
    """:func:`exact`, refused unless strictly between 0 and 1."""
    number = exact(value, name)
    if not 0 < number < 1:
        raise InputError(f"{name} must lie strictly between 0 and 1, not {to_decimal(number)}")
    return number


def to_text(number: Fraction) -> str:
    """The lossless form ``"p/q"`` that certificates store and :func:`exact` reads.

    >>> to_text(Fraction(1, 100000))
    '1/100000'
    """
    return f"{number.numerator}/{number.denominator}"


def to_decimal(number: Fraction) -> str:
    """A decimal for people: the shortest that reads back as the nearest double (never parsed by us).

    >>> to_decimal(Fraction(1, 100000)), to_decimal(Fraction(3))
    ('1e-05', '3')
    """
    try:
        nearest = float(number)
    except OverflowError:
        nearest = math.inf
    if math.isinf(nearest) or (nearest == 0 and number != 0):
        return _scientific(number)
    return repr(nearest).removesuffix(".0")


def _read_text(text: str, name: str) -> Fraction:
    stripped = text.strip()
    if len(stripped) > _LONGEST_TEXT:
        raise InputError(f"{name} is {len(stripped)} characters long: write it with at most {_LONGEST_TEXT}")
    if decimal := _DECIMAL.fullmatch(stripped):
        if decimal[1] and abs(int(decimal[1])) > _LARGEST_EXPONENT:
            raise InputError(
                f"{name} = {stripped} is out of range: exponents reach from -{_LARGEST_EXPONENT} to {_LARGEST_EXPONENT}"
            )
        return Fraction(stripped)
    if _RATIO.fullmatch(stripped) and int(stripped.partition("/")[2]):
        return Fraction(stripped)
    if _HEXADECIMAL.fullmatch(stripped):
        try:
            return Fraction(float.fromhex(stripped))
        except OverflowError:
            raise InputError(f"{name} = {stripped} is beyond the doubles") from None
    raise InputError(f'{name} must be a finite number such as 0.02, "1e-5" or "1/3", not {text[:40]!r}')


def _read_object(value: object, name: str) -> Fraction:
    value = _scalar(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction, Decimal)):
        raise InputError(f"{name} must be a real number or a decimal string, not {type(value).__name__}")
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise InputError(f"{name} must be a finite number, not {value}")
    if isinstance(value, Decimal) and abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise InputError(f"{name} is out of range: exponents reach from -{_LARGEST_EXPONENT} to {_LARGEST_EXPONENT}")
    return Fraction(value)


def _scalar(value: object) -> object:
    """The Python number inside a numpy scalar or a zero-dimensional array or tensor; anything else as it is."""
    if isinstance(value, (int, float, Fraction, Decimal)) or getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    stored: object = value.item()
    if type(stored) is not type(value):
        return stored
    try:  # an extended double has no Python counterpart and is its own item
        return Fraction(*stored.as_integer_ratio()) if hasattr(stored, "as_integer_ratio") else stored
    except (OverflowError, ValueError):
        return math.nan


def _scientific(number: Fraction) -> str:
    digits = 6
    magnitude = abs(number)
    exponent = len(str(magnitude.numerator)) - len(str(magnitude.denominator))
    if magnitude < Fraction(10) ** exponent:
        exponent -= 1
    mantissa = round(magnitude / Fraction(10) ** exponent, digits)
    return f"{'-' if number < 0 else ''}{float(mantissa)!r}e{exponent:+d}"
