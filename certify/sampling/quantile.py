"""The point that |N(0, 1)| exceeds with probability v, in doubles, with an error that balls prove.

On each cell of the doubles v in [2^-16, 1) that share the exponent and seven more bits, a cubic in v - c stands for the
quantile Q(v). With h = sqrt(pi/2) exp(Q²/2),

    d^n Q / dv^n = (-h)^n P_n(Q),    P_1 = 1,    P_(n+1)(z) = P_n'(z) + n z P_n(z),

so Taylor's remainder over a cell is one ball. No table is stored: it is computed, with its error, when it is first needed.
"""

from __future__ import annotations

from functools import cache
from itertools import zip_longest
from typing import NamedTuple

import numpy
from flint import arb
from numpy.typing import NDArray

from certify.proofs.balls import precision, upper_double

OCTAVES = 16
_CELL_BITS = 7
_SHIFT = 52 - _CELL_BITS
_FIRST = (1023 - OCTAVES) << _CELL_BITS
_UNIT = 2.0**-53
LEAST = 2.0**-OCTAVES
_HORNER = 2.0**-47  # six roundings, each of 2^-53 of a number that is below 8 when all later factors are counted


class Table(NamedTuple):
    """Coefficients by cell, and one bound on |cubic(v) - Q(V)| for every V in [v, v + 2^-53)."""

    constant: NDArray[numpy.float64]
    linear: NDArray[numpy.float64]
    quadratic: NDArray[numpy.float64]
    cubic: NDArray[numpy.float64]
    error: float


def quantile(v: arb) -> arb:
    """A ball around Q(v) for v in (0, 1]."""
    return arb(2).sqrt() * v.erfcinv()


@cache
def table() -> Table:
    """All cells; the error is the largest over them, rounded up."""
    cells = OCTAVES << _CELL_BITS
    columns = numpy.empty((4, cells))
    worst = 0.0
    with precision(96):
        for cell in range(cells):
            centre, half = _cell(cell)
            z = quantile(arb(centre))
            terms = _derivatives(z, 4)
            wanted = (z, terms[1], terms[2] / 2, terms[3] / 6)
            columns[:, cell] = [float(ball.mid()) for ball in wanted]
            lost = sum(
                (abs(ball - float(c)) * arb(half) ** n for n, (ball, c) in enumerate(zip(wanted, columns[:, cell], strict=True))),
                arb(0),
            )
            over = quantile(arb(centre - half).union(arb(centre + half)))
            slopes = _derivatives(over, 4)
            taylor = abs(slopes[4]) * arb(half) ** 4 / 24
            worst = max(worst, upper_double((taylor + lost + abs(slopes[1]) * arb(_UNIT)).upper()))
    constant, linear, quadratic, cubic = columns
    return Table(constant, linear, quadratic, cubic, error=float(numpy.nextafter(worst + _HORNER, 1)))


def _cell(cell: int) -> tuple[float, float]:
    """Centre and half width, both exact."""
    low = float(numpy.int64((_FIRST + cell) << _SHIFT).view(numpy.float64))
    high = float(numpy.int64((_FIRST + cell + 1) << _SHIFT).view(numpy.float64))
    return (low + high) / 2, (high - low) / 2


def _derivatives(z: arb, order: int) -> list[arb]:
    """Balls around Q and its derivatives by v, where Q = z."""
    slope = -(arb.pi() / 2).sqrt() * (z * z / 2).exp()
    found, coefficients = [z], [1]
    for n in range(1, order + 1):
        found.append(slope**n * sum((c * z**i for i, c in enumerate(coefficients)), arb(0)))
        slopes, raised = [i * c for i, c in enumerate(coefficients)][1:], [0, *(n * c for c in coefficients)]
        coefficients = [a + b for a, b in zip_longest(slopes, raised, fillvalue=0)]
    return found


def quantiles(v: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Cubics at ``v``, each at least ``LEAST`` and below 1; the distance to Q is at most ``table().error``."""
    cubics = table()
    bits = v.view(numpy.int64)
    cell = (bits >> _SHIFT) - _FIRST
    offset = v - (((bits >> _SHIFT) << _SHIFT) + (1 << (_SHIFT - 1))).view(numpy.float64)
    value = numpy.take(cubics.cubic, cell)
    for column in (cubics.quadratic, cubics.linear, cubics.constant):
        value *= offset
        value += numpy.take(column, cell)
    return value
