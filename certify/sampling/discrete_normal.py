"""Parameters rounded to a grid, plus a discrete Gaussian number of grid steps.

Not post-processing of a real Gaussian: the law on the grid is the mechanism itself, with accounting of its own, and the rounding counts in
the sensitivity (:mod:`certify.mechanisms.grid_noise`).
"""

from __future__ import annotations

import math

import numpy
from numpy.typing import ArrayLike, NDArray

from certify.errors import InputError

from .discrete_gaussian import discrete_gaussian
from .keystream import Keystream, keystream
from .means import exactly, largest
from .scales import stored

_LARGEST = 2.0**53


def discrete_normal(
    mean: ArrayLike, sigma: float, grid: float, generator: Keystream | numpy.random.Generator | None = None
) -> NDArray[numpy.float64]:
    """The multiples of ``grid`` nearest to ``mean`` (ties to even), plus ``grid`` times N_Z(0, (sigma/grid)²), exactly; shape of ``mean``.

    ``grid`` is a power of two of which ``sigma`` is at most 2^40; choose both from public values, never from the data. ``generator=None`` takes fresh
    operating-system entropy. Raises :class:`InputError` for numbers that are not finite or that no double stores, and where a result could
    exceed 2^53 grids. Law of Canonne, Kamath and Steinke 2020.

    >>> draws = discrete_normal([0.3, -7.1], sigma=2.0, grid=0.25)
    >>> bool((draws / 0.25 == numpy.rint(draws / 0.25)).all())
    True
    """
    centre = exactly(mean)
    scale, step = stored(sigma, "sigma", least=-1000, most=1000), stored(grid, "grid", least=-1020, most=1000)
    if math.frexp(step)[0] != 0.5:
        raise InputError(f"grid must be a power of two, and is {grid!r}")
    steps = scale / step
    if not 2.0**-100 <= steps <= 2.0**40:
        raise InputError(f"sigma must be between 2^-100 and 2^40 grids, and grid is {grid!r}")
    furthest = largest(centre) / step + 64 * steps + 1
    if not furthest < _LARGEST or not furthest * step < math.inf:
        raise InputError(
            f"mean and sigma must stay below 2^53 grids, and grid is {grid!r}: use a coarser grid, or scale the parameters"
        )
    nearest = numpy.rint(centre / step).astype(numpy.int64)
    drawn = nearest + discrete_gaussian(steps, nearest.shape, keystream(generator))
    return numpy.asarray(drawn * numpy.float64(step))
