"""Gaussian noise that is exactly Gaussian, rounded once to a grid that depends on its scale alone.

The released number is the multiple of the grid nearest to the real number mean + sigma Z. Rounding is post-processing: whatever is
proved of the ideal Gaussian mechanism holds of the released bits, and nothing is added to the sensitivity.
"""

from __future__ import annotations

import math

import numpy
from numpy.typing import ArrayLike, NDArray

from certify.errors import InputError

from .keystream import Keystream, keystream
from .means import exactly, largest
from .nearest import nearest_integers
from .scales import stored

_FINENESS = 12
_LARGEST = 2.0**53


def grid_of(sigma: float) -> float:
    """The grid of a release with noise ``sigma``: the power of two between sigma/8192 and sigma/4096. A function of sigma alone.

    Rounding to it adds less than 10^-8 of the variance. Raises :class:`InputError` unless ``sigma`` is a positive normal double.

    >>> grid_of(1.0)
    0.000244140625
    """
    return math.ldexp(1.0, math.frexp(stored(sigma, "sigma", least=-1000, most=1000))[1] - 1 - _FINENESS)


def rounded_normal(
    mean: ArrayLike, sigma: float, grid: float, generator: Keystream | numpy.random.Generator | None = None
) -> NDArray[numpy.float64]:
    """Independent draws of round(mean + N(0, sigma²)) to multiples of ``grid``, exactly so distributed; shape of ``mean``.

    ``grid`` is a power of two; choose it from ``sigma`` (:func:`grid_of`), never from the data. ``generator=None`` takes fresh operating-system
    entropy. Raises :class:`InputError` for numbers that are not finite or that no double stores, and where a mean exceeds 2^53 grids, so
    that its multiples are no doubles. Own derivation; exact normal deviates by inversion with as many bits as are needed (Karney 2016 by rejection).

    >>> import numpy
    >>> draws = rounded_normal(numpy.zeros(4), sigma=1.0, grid=0.25)
    >>> bool((draws / 0.25 == numpy.rint(draws / 0.25)).all())
    True
    """
    centre = exactly(mean)
    scale, step = stored(sigma, "sigma", least=-1000, most=1000), stored(grid, "grid", least=-1020, most=1000)
    if math.frexp(step)[0] != 0.5:
        raise InputError(f"grid must be a power of two, such as {grid_of(scale)!r}, and is {grid!r}")
    ratio = scale / step
    if ratio < 2.0**-900:
        raise InputError(
            f"grid = {grid!r} is more than 2^900 times sigma = {scale!r}: use a finer grid, such as {grid_of(scale)!r}"
        )
    furthest = largest(centre) / step + 64 * ratio
    if not furthest < _LARGEST or not furthest * step < math.inf:
        raise InputError(
            f"mean and sigma must stay below 2^53 grids, and grid is {grid!r}: use a coarser grid, or scale the parameters"
        )
    draws = nearest_integers(centre.size, ratio, keystream(generator), centre.reshape(-1), step)
    released: NDArray[numpy.float64] = draws.reshape(centre.shape) * numpy.float64(step)
    return numpy.asarray(released)
