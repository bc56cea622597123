"""The scales that samplers take: positive numbers that a double stores exactly, within a range."""

from __future__ import annotations

import math

import numpy

from certify.errors import InputError


def stored(value: object, name: str, *, least: int, most: int) -> float:
    """``value`` as the double that stores it exactly.

    Raises :class:`InputError` for anything but a number between two to ``least`` and two to ``most``, and for one that no double holds.

    >>> stored(3, "sigma", least=-100, most=40)
    3.0
    """
    number = isinstance(value, (int, float, numpy.integer, numpy.floating)) and not isinstance(value, bool)
    try:
        held = float(value) if number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        held = math.inf
    if not (2.0**least <= held <= 2.0**most and held == value):
        shown = f"a {type(value).__name__}" if not number else "beyond the doubles" if held == math.inf else repr(value)
        raise InputError(f"{name} must be a double between 2^{least} and 2^{most}, and is {shown}")
    return held
