"""The symbol of a convolution: one small matrix for each frequency, whose norms are those of a circular convolution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from flint import arb, fmpq
from torch import Tensor

from certify.proofs.balls import precision
from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import UNIT_ROUNDOFF, gamma, norm_upper
from .convolution_data import Convolution

_CHUNK_BYTES = 1 << 26
_MOST_ANGLES = 1 << 20
_OVERHEAD, _ANGLE = 1e5, 3e5  # operations in whose time a small symbol is made and factored, or an angle tabulated


@dataclass(frozen=True)
class Symbols:
    """The symbols of ``convolution`` at the multiples of 2 pi/``points`` along every axis, as real matrices [[Re, -Im], [Im, Re]].

    Of two conjugate frequencies, whose symbols have the same norm, one may be left out. Iterating gives chunks [symbols, rows, columns];
    each group of channels has its own. The cosines are rounded once from balls, and phases are integers, so that no error grows with
    the frequency.
    """

    convolution: Convolution
    points: tuple[int, ...]

    @classmethod
    def of(cls, convolution: Convolution, points: tuple[int, ...]) -> Symbols:
        """The symbols on a grid; one point along an axis on which no tap moves by a whole stride.

        >>> kernel = torch.ones(1, 1, 3, dtype=torch.float64)
        >>> symbols = Symbols.of(Convolution(kernel, (1,), ((0, 0),), (1,)), (4,))
        >>> next(iter(symbols))[0, 0, 0].item()
        3.0
        """
        moved = spreads(convolution)
        return cls(convolution, tuple(count if spread else 1 for count, spread in zip(points, moved, strict=True)))

    def within(self, operations: float) -> bool:
        """Whether the symbols and the proof of their norms take no more floating-point operations, about."""
        groups, outputs, inputs, taps = self.convolution.grouped.shape
        rows, columns = sorted((2 * outputs, 2 * inputs * len(self.convolution.polyphase())))
        each = 2.0 * rows * columns * (rows + taps) + rows**3 + _OVERHEAD
        cycle = math.lcm(*self.points)
        table = cycle * _ANGLE if cycle <= _MOST_ANGLES else math.inf
        return math.prod(self.points[:-1]) * (self.points[-1] // 2 + 1) * groups * each + table <= operations

    def error(self) -> Bound:
        """At or above the spectral norm of what rounding adds to any of the matrices: of the cosines, the products and the sums."""
        sums = self.convolution.grouped.abs().sum(-1)
        largest = max(float(torch.linalg.vector_norm(group)) for group in sums)
        total = Bound(
            norm_upper(largest, sums[0].numel() + self.convolution.kernel.numel()),
            Side.UPPER,
            Measured("sum of the moduli of the taps"),
        )
        taps = math.prod(self.convolution.taps)
        relative = gamma(taps + 1) + 2 * UNIT_ROUNDOFF
        return total * math.nextafter(relative * 1.4142135623730951, math.inf) + 2.0**-1000

    def __iter__(self) -> Iterator[Tensor]:
        cycle = math.lcm(*self.points)
        cosines, sines = _table(cycle)
        half = self.points[-1] // 2 + 1
        axes = [torch.arange(count, device="cpu") for count in (*self.points[:-1], half)]
        frequencies = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
        kernel = self.convolution.grouped
        groups, outputs, inputs, _ = kernel.shape
        classes = self.convolution.polyphase()
        each = max(groups * 4 * outputs * inputs * len(classes), 4 * self.convolution.grouped.shape[-1]) * 8
        weights = frequencies.new_tensor([cycle // count for count in self.points])
        for chunk in torch.split(frequencies, max(1, _CHUNK_BYTES // max(each, 1))):
            real, imaginary = [], []
            for taps, shifts in classes:
                phase = (weights.new_tensor(shifts) * weights) @ chunk.T % cycle
                chosen = kernel[..., taps]
                real.append(chosen @ cosines[phase])
                imaginary.append(-(chosen @ sines[phase]))
            upper = torch.stack(real, dim=-2).flatten(2, 3).movedim(-1, 0)  # [frequencies, groups, outputs, inputs * classes]
            lower = torch.stack(imaginary, dim=-2).flatten(2, 3).movedim(-1, 0)
            whole = torch.cat((torch.cat((upper, -lower), -1), torch.cat((lower, upper), -1)), -2)
            yield whole.flatten(0, 1)


def spreads(convolution: Convolution) -> tuple[int, ...]:
    """The difference of the greatest and the least number of strides by which a tap moves, along every axis."""
    shifts = [shift for _, moved in convolution.polyphase() for shift in moved]
    return tuple(max(column) - min(column) for column in zip(*shifts, strict=True))


def _table(cycle: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the multiples of a turn over ``cycle``, each the double nearest to the middle of a tight ball."""
    with precision(90):
        pairs = [arb.sin_cos_pi_fmpq(fmpq(2 * step, cycle)) for step in range(cycle)]
        sines, cosines = ([float(ball.mid()) for ball in column] for column in zip(*pairs, strict=True))
    return torch.tensor(cosines, dtype=torch.float64, device="cpu"), torch.tensor(sines, dtype=torch.float64, device="cpu")
