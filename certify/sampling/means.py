"""The means that samplers take: real numbers that doubles store exactly."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from certify.errors import InputError


def largest(centre: NDArray[numpy.float64]) -> float:
    """The largest size; nan if one entry is nan."""
    return max(float(centre.max(initial=0.0)), -float(centre.min(initial=0.0)))


def exactly(mean: ArrayLike) -> NDArray[numpy.float64]:
    """``mean`` as doubles that store the very numbers given; :class:`InputError` where there are none.

    >>> exactly([1, 2]).dtype
    dtype('float64')
    """
    try:
        given = numpy.asarray(mean)
        real = given.dtype.kind in "iuf"
    except (TypeError, ValueError, RuntimeError):  # rows of different lengths, tensors that numpy cannot read
        real = False
    if not real:
        raise InputError("mean must be an array of real numbers")
    with numpy.errstate(all="ignore"):
        centre = given.astype(numpy.float64, copy=False)
        if not math.isfinite(largest(centre)):
            raise InputError("mean must be finite")
        if given.dtype.itemsize > 4 and given.dtype != numpy.float64 and not _survives(given, centre):
            raise InputError("mean holds numbers that no double stores: round them to doubles before they are released")
    return centre


def _survives(given: NDArray[Any], centre: NDArray[numpy.float64]) -> bool:
    """Whether the doubles are the numbers given. A double beyond the integers of a type has no defined image in it, and is none of them."""
    beyond = {"i": 2.0**63, "u": 2.0**64, "f": math.inf}[given.dtype.kind]
    return bool((centre < beyond).all() and (centre.astype(given.dtype) == given).all())
