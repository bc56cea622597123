"""The discrete Gaussian on the integers, exactly: a rounded normal, kept or drawn again.

A rounded normal is k with probability Phi((k+1/2)/sigma) - Phi((k-1/2)/sigma), which is exp(-k²/(2 sigma²)) I(k) up to a constant, with
I(k) = integral of cosh(k t/sigma²) exp(-t²/(2 sigma²)) over |t| < 1/2. I grows with |k|; so keeping k with probability I(0)/I(k)
leaves the discrete Gaussian. The decision compares the bits of a uniform number with a ball around that ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy
from flint import arb, fmpq
from numpy.typing import NDArray

from certify.errors import InputError
from certify.proofs.balls import precision, rational

from .keystream import Keystream, keystream
from .nearest import CHUNK, nearest_integers
from .scales import stored

_SMALL = 32.0  # below this scale the ratios are tabulated
_LARGEST = 40  # the largest scale is two to this power


def discrete_gaussian(
    sigma: float, size: int | Sequence[int], generator: Keystream | numpy.random.Generator | None = None
) -> NDArray[numpy.int64]:
    """Independent integers k with probability proportional to exp(-k²/(2 sigma²)), exactly; shape ``size``.

    ``sigma`` is a double up to 2^40, taken exactly. ``generator=None`` takes fresh operating-system entropy. Its privacy is that of zero-concentrated
    differential privacy, not of the Gaussian curve. Raises :class:`InputError` outside the range. Own derivation; law of
    Canonne, Kamath and Steinke 2020.

    >>> discrete_gaussian(2.0, (2, 3)).shape
    (2, 3)
    """
    scale = stored(sigma, "sigma", least=-100, most=_LARGEST)
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if any(isinstance(length, bool) or not isinstance(length, (int, numpy.integer)) or length < 0 for length in shape):
        raise InputError(f"size must be a nonnegative integer or several, and is {size!r}")
    count, stream = math.prod(map(int, shape)), keystream(generator)
    kept: list[NDArray[numpy.int64]] = []
    missing = count
    while missing:
        proposed = nearest_integers(min(missing, CHUNK), scale, stream)
        kept.append(proposed[_accepted(proposed, scale, stream)])
        missing -= len(kept[-1])
    return numpy.concatenate(kept, dtype=numpy.int64).reshape(shape) if kept else numpy.empty(shape, dtype=numpy.int64)


def _accepted(proposed: NDArray[numpy.int64], sigma: float, stream: Keystream) -> NDArray[numpy.bool_]:
    """Which proposals are kept: a uniform number below I(0)/I(k)."""
    first, words = stream.take(len(proposed))
    uniform = (words >> numpy.uint64(11)).astype(numpy.int64)
    size = numpy.abs(proposed)
    if sigma < _SMALL:
        limits = _limits(sigma)
        known = size < len(limits)
        limit = limits[numpy.minimum(size, len(limits) - 1)]
        keep, open_ = uniform < limit, (uniform == limit) | ~known
    else:
        # I(k)/I(0) is the mean of a cosh that grows with |t| under a weight that falls with |t|, so at most its plain mean sinh(y)/y,
        # y = k/(2 sigma²); so the ratio is at least 1 - y²/6 = 1 - k²/(24 sigma⁴). 2^-40 covers the roundings.
        keep = uniform < (1 - 2.0**-40 - (size / (math.sqrt(24) * sigma * sigma)) ** 2) * 2.0**53
        open_ = ~keep
    for index in numpy.flatnonzero(open_):
        more = stream.refinement(first + int(index))
        keep[index] = _below(int(uniform[index]), int(size[index]), Fraction(sigma), more.bits)
    return keep


@lru_cache(maxsize=64)
def _limits(sigma: float) -> NDArray[numpy.int64]:
    """For each k: uniform numbers of 53 bits below the entry are below the ratio, above it are above, and equal ones are open."""
    return numpy.array([_first_bits(k, Fraction(sigma)) for k in range(int(12 * sigma) + 1)], dtype=numpy.int64)


def _first_bits(k: int, sigma: Fraction) -> int:
    bits = 128
    while True:
        with precision(bits):
            floor = (ratio(k, sigma) * arb(2) ** 53).floor().unique_fmpz()
        if floor is not None:
            return int(floor)
        bits *= 2


def ratio(k: int, sigma: Fraction) -> arb:
    """A ball around I(0)/I(k), at the current precision."""
    if k == 0:
        return arb(1)
    s, near, far = arb(rational(sigma)), fmpq(2 * k - 1, 2), fmpq(2 * k + 1, 2)
    root = s * arb(2).sqrt()
    mass = ((arb(near) / root).erfc() - (arb(far) / root).erfc()) / 2
    middle = (arb(fmpq(1, 2)) / root).erf()
    return middle * (-((arb(k) / s) ** 2) / 2).exp() / mass


def _below(numerator: int, k: int, sigma: Fraction, more: Callable[[], int]) -> bool:
    """Whether a uniform number with these first 53 bits lies below the ratio; draws more bits until it is decided."""
    bits = 53
    while True:
        with precision(2 * bits + 64):  # the mass, a difference of two tails, loses 41 bits at the largest scale
            limit = ratio(k, sigma)
            if arb(fmpq(numerator + 1, 1 << bits)) <= limit:
                return True
            if arb(fmpq(numerator, 1 << bits)) >= limit:
                return False
        numerator, bits = (numerator << 64) | more(), bits + 64
