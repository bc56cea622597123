"""The integer nearest to mean/grid + ratio * Z for an exact standard normal Z, whose bits are drawn until it is decided.

Draw i has a sign and a uniform V with |Z| = Q(V); its word gives the sign and the first 53 bits of V. Where the cubic for Q with its error
leaves one integer, that is the answer; the few other draws go on in balls with 64 more bits of V at a time. So the answer
is that of the real numbers, always: the approximation decides only how fast.
"""

from __future__ import annotations

from fractions import Fraction

import numpy
from flint import arb, fmpq
from numpy.typing import NDArray

from certify.proofs.balls import precision, rational

from .keystream import Keystream, Refinement
from .quantile import LEAST, quantile, quantiles, table

CHUNK = 1 << 13  # draws at a time, so that a chunk stays in the cache
_ROUNDINGS = 2.0**-51  # at least twice what one operation loses of a number below 8, or of the offset's fractional part


def nearest_integers(
    count: int, ratio: float, stream: Keystream, mean: NDArray[numpy.float64] | None = None, grid: float = 1.0
) -> NDArray[numpy.int64]:
    """``round(mean/grid + ratio * Z)`` for ``count`` independent exact normals Z.

    ``mean`` [count] is below 2**53 grids in size, ``grid`` a power of two, ``ratio`` positive. Exactly distributed.
    """
    result = numpy.empty(count, dtype=numpy.int64)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        result[start:stop] = _chunk(stop - start, ratio, stream, None if mean is None else mean[start:stop], grid)
    return result


def _chunk(count: int, ratio: float, stream: Keystream, mean: NDArray[numpy.float64] | None, grid: float) -> NDArray[numpy.int64]:
    first, words = stream.take(count)
    v = (words >> numpy.uint64(11)).astype(numpy.float64)
    v *= 2.0**-53
    tail = v < LEAST
    numpy.copyto(v, 0.5, where=tail)
    moved = quantiles(v)
    moved *= ratio
    signs = moved.view(numpy.uint64)
    signs ^= words << numpy.uint64(63)
    # |Q| < 4.4, so the product and the sum lose less than 2^-50 ratio each and the sum 2^-54 more; the rest covers the roundings of
    # ``reach``, of 0.5 - reach, and of an offset so small that the quotient underflows. The two differences are exact.
    reach = ratio * (table().error + 8 * _ROUNDINGS) + _ROUNDINGS
    if mean is None:
        nearest = numpy.rint(moved)
        answer = nearest.astype(numpy.int64)
    else:
        offset = mean / grid
        whole = numpy.rint(offset)
        offset -= whole
        moved += offset
        nearest = numpy.rint(moved)
        whole += nearest
        answer = whole.astype(numpy.int64)
    moved -= nearest
    open_ = numpy.abs(moved, out=moved) > 0.5 - reach
    open_ |= tail
    for index in numpy.flatnonzero(open_):
        at = Fraction(0) if mean is None else Fraction(float(mean[index])) / Fraction(grid)
        answer[index] = decided(int(words[index]), at, Fraction(ratio), stream.refinement(first + int(index)))
    return answer


def decided(word: int, offset: Fraction, ratio: Fraction, more: Refinement) -> int:
    """The same for one draw, in balls: ``more`` gives the bits after the first 53."""
    numerator, bits = word >> 11, 53
    scale = rational(-ratio if word & 1 else ratio)
    while True:
        with precision(bits + 64 + int(abs(offset)).bit_length()):
            found = [_integer(offset, scale, fmpq(end, 1 << bits)) for end in (numerator, numerator + 1)]
        if found[0] is not None and found[0] == found[1]:
            return found[0]
        numerator, bits = (numerator << 64) | more.bits(), bits + 64


def _integer(offset: Fraction, scale: fmpq, v: fmpq) -> int | None:
    """The integer nearest to offset + scale Q(v), if the ball leaves one."""
    if v == 0:
        return None
    nearest = (arb(rational(offset)) + arb(scale) * quantile(arb(v)) + arb(1) / 2).floor().unique_fmpz()
    return None if nearest is None else int(nearest)
