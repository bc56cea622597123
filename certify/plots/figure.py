"""What a plot shows: panels with two axes, lines and marks, as plain data without a size or a colour."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_MOST_TICKS = 7
_STRIDES = (1, 2, 3, 5, 10, 20, 50, 100)  # decades between the ticks of a logarithmic axis


class Stroke(enum.Enum):
    """How much a line claims, which is how it is drawn: our curve, one for comparison, one that promises nothing, an aid."""

    MAIN = "main"
    COMPARED = "compared"
    DOUBTFUL = "doubtful"
    AID = "aid"


@dataclass(frozen=True)
class Axis:
    """One direction of a panel from ``low`` to ``high``, linear or logarithmic (then ``low`` is positive)."""

    label: str
    low: float
    high: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not (self.low < self.high and math.isfinite(self.high - self.low) and (self.low > 0 or not self.logarithmic)):
            raise ValueError(f"an axis runs from a number to a greater one, not from {self.low} to {self.high}")

    def place(self, value: float) -> float:
        """Where the value lies: 0 at the low end and 1 at the high end.

        >>> Axis("", 1e-4, 1, logarithmic=True).place(0.01)
        0.5
        """
        if self.logarithmic:
            low = math.log(self.low)
            return (math.log(max(value, 5e-324)) - low) / (math.log(self.high) - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """A few round values on the axis.

        >>> Axis("", 0, 2.9).ticks(), Axis("", 3e-9, 1, logarithmic=True).ticks()
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [1e-08, 1e-06, 0.0001, 0.01, 1.0])
        """
        if not self.logarithmic:
            step = _round_step((self.high - self.low) / (_MOST_TICKS - 1))
            return [float(f"{index * step:.12g}") for index in _whole(self.low / step, self.high / step)]
        low, high = math.log10(self.low), math.log10(self.high)
        if high - low < 2:
            powers = range(math.floor(low), math.ceil(high) + 1)
            values = [float(f"{factor}e{power}") for power in powers for factor in (1, 2, 5)]
            return [value for value in values if self.low <= value <= self.high]
        stride = next(stride for stride in _STRIDES if (high - low) / stride <= _MOST_TICKS)
        return [float(f"1e{index * stride}") for index in _whole(low / stride, high / stride)]


@dataclass(frozen=True)
class Line:
    """Points joined in order, with what they show."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    stroke: Stroke = Stroke.MAIN

    def pairs(self) -> Iterator[tuple[float, float]]:
        return zip(self.x, self.y, strict=True)


@dataclass(frozen=True)
class Mark:
    """One point that was asked for."""

    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Panel:
    """Lines and marks over two axes. What leaves the axes is cut off."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()

    def place(self, mark: Mark) -> tuple[float, float]:
        """Where the mark is, at the edge of the panel if it lies beyond."""
        across, up = self.x.place(mark.x), self.y.place(mark.y)
        return min(1.0, max(0.0, across)), min(1.0, max(0.0, up))

    def places(self, line: Line) -> list[list[tuple[float, float]]]:
        """The pieces of the line inside the axes, in parts of the panel's width and height from its lower left corner."""
        pieces: list[list[tuple[float, float]]] = [[]]
        placed = [(self.x.place(x), self.y.place(y)) for x, y in line.pairs()]
        for start, end in pairwise(placed):
            if (cut := _inside(start, end)) is None:
                continue
            if pieces[-1] and pieces[-1][-1] != cut[0]:
                pieces.append([])
            pieces[-1] += cut if not pieces[-1] else cut[1:]
        return [piece for piece in pieces if piece]


@dataclass(frozen=True)
class Figure:
    """Panels side by side under a title and a note."""

    title: str
    note: str
    panels: Sequence[Panel]


def _inside(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]] | None:
    """The part of a segment inside the unit square (Liang and Barsky 1984), or ``None``."""
    enter, leave = 0.0, 1.0
    for from_, to in zip(start, end, strict=True):
        for edge, change in ((from_, from_ - to), (1 - from_, to - from_)):
            if change == 0:
                if edge < 0:
                    return None
            elif change < 0:
                enter = max(enter, edge / change)
            else:
                leave = min(leave, edge / change)
    if enter > leave:
        return None
    at = [tuple(a + part * (b - a) for a, b in zip(start, end, strict=True)) for part in (enter, leave)]
    first = start if enter == 0 else (at[0][0], at[0][1])
    return [first, end if leave == 1 else (at[1][0], at[1][1])]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def _whole(low: float, high: float) -> range:
    return range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
