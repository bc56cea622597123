"""Layers for drawing a graph without cycles: longest paths, barycentres against crossings, and heights by least squares.

A node stands in the column given by the longest path that leads down from it; those without any edge stand last in the
first. An edge over several columns passes
through one *bend* in each, so that it has a place of its own there. A bend is named by the ends of its edge and its column.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Node: TypeAlias = str | tuple[str, str, int]
Edge: TypeAlias = tuple[str, str]

_SWEEPS = 24
NODE_HEIGHT, BEND_HEIGHT = 22.0, 7.0


@dataclass(frozen=True)
class Layout:
    """``columns`` in order, each from top to bottom; ``height`` of the middle of every node and bend; ``routes`` of the edges."""

    columns: tuple[tuple[Node, ...], ...]
    middle: Mapping[Node, float]
    routes: Mapping[Edge, tuple[Node, ...]]

    @property
    def crossings(self) -> int:
        """How often two edges cross between the columns."""
        return _crossings(self.columns, _segments(self.routes.values()))


def layout(below: Mapping[str, Sequence[str]]) -> Layout:
    """Place the nodes of a graph given by what every node rests on.

    >>> placed = layout({"a": (), "b": ("a",), "c": ("a", "b")})
    >>> placed.columns
    (('a',), ('b', ('a', 'c', 1)), ('c',))
    >>> placed.crossings
    0
    """
    joined = {name for high, lows in below.items() for name in ((high, *lows) if lows else ())}
    column = {name: where for name, where in _longest_paths(below).items() if name in joined}
    routes: dict[Edge, tuple[Node, ...]] = {}
    start: list[list[Node]] = [[] for _ in range(max(column.values(), default=0) + 1)]
    for name, where in column.items():
        start[where].append(name)
        for low in below[name]:
            bends = tuple((low, name, between) for between in range(column[low] + 1, where))
            routes[low, name] = (low, *bends, name)
            for bend in bends:
                start[bend[2]].append(bend)
    segments = _segments(routes.values())
    first, *others = _uncrossed([tuple(names) for names in start], segments)
    middle = _heights((first, *others), segments)
    alone = tuple(name for name in below if name not in joined)
    free = middle[first[-1]] + NODE_HEIGHT if first else NODE_HEIGHT / 2
    middle |= {name: round(free + row * NODE_HEIGHT, 1) for row, name in enumerate(alone)}
    return Layout(((*first, *alone), *others), middle, routes)


def reduced(below: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The same graph without the edges that follow from others.

    >>> reduced({"a": (), "b": ("a",), "c": ("a", "b")})["c"]
    ('b',)
    """
    deep: dict[str, frozenset[str]] = {}

    def under(name: str) -> frozenset[str]:
        if name not in deep:
            deep[name] = frozenset(below[name]).union(*map(under, below[name]))
        return deep[name]

    return {name: tuple(low for low in lows if not any(low in under(other) for other in lows)) for name, lows in below.items()}


def _longest_paths(below: Mapping[str, Sequence[str]]) -> dict[str, int]:
    column: dict[str, int] = {}

    def place(name: str) -> int:
        if name not in column:
            column[name] = max((place(low) + 1 for low in below[name]), default=0)
        return column[name]

    return {name: place(name) for name in below}


def _segments(routes: Iterable[tuple[Node, ...]]) -> dict[Node, tuple[list[Node], list[Node]]]:
    """The neighbours of every node and bend in the columns before and after it."""
    found: dict[Node, tuple[list[Node], list[Node]]] = {}
    for route in routes:
        for left, right in pairwise(route):
            found.setdefault(left, ([], []))[1].append(right)
            found.setdefault(right, ([], []))[0].append(left)
    return found


def _uncrossed(
    columns: list[tuple[Node, ...]], segments: Mapping[Node, tuple[list[Node], list[Node]]]
) -> tuple[tuple[Node, ...], ...]:
    """Sweep forth and back, ordering each column by the mean place of its neighbours; the best order seen wins."""
    best, fewest = tuple(columns), _crossings(columns, segments)
    for sweep in range(_SWEEPS):
        side = sweep % 2  # 0: look at the column before, going right; 1: at the column after, going left
        indices = range(1, len(columns)) if side == 0 else range(len(columns) - 2, -1, -1)
        for index in indices:
            place = {name: float(row) for row, name in enumerate(columns[index - 1 if side == 0 else index + 1])}
            own = {name: float(row) for row, name in enumerate(columns[index])}
            mean = {}
            for name in columns[index]:
                near = [place[other] for other in segments.get(name, ([], []))[side]]
                mean[name] = sum(near) / len(near) if near else own[name] * len(place) / len(own)
            columns[index] = tuple(sorted(columns[index], key=lambda name, mean=mean, own=own: (mean[name], own[name])))  # type: ignore[misc]
        count = _crossings(columns, segments)
        if count < fewest:
            best, fewest = tuple(columns), count
    return best


def _crossings(columns: Sequence[tuple[Node, ...]], segments: Mapping[Node, tuple[list[Node], list[Node]]]) -> int:
    total = 0
    for left, right in pairwise(columns):
        place = {name: row for row, name in enumerate(right)}
        seen: list[int] = []
        for name in left:
            ends = sorted(place[other] for other in segments.get(name, ([], []))[1])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _heights(columns: Sequence[tuple[Node, ...]], segments: Mapping[Node, tuple[list[Node], list[Node]]]) -> dict[Node, float]:
    """Every node as near to the mean height of its neighbours as the order and the sizes in its column allow."""
    offsets = {}
    for names in columns:
        total = 0.0
        for name in names:
            size = NODE_HEIGHT if isinstance(name, str) else BEND_HEIGHT
            offsets[name] = total + size / 2
            total += size
    tallest = max((offsets[names[-1]] for names in columns if names), default=0.0)
    middle = {name: offsets[name] + (tallest - offsets[names[-1]]) / 2 for names in columns for name in names}
    for _ in range(_SWEEPS):
        for names in (*columns, *reversed(columns)):
            wanted = []
            for name in names:
                near = [middle[other] for side in segments.get(name, ([], [])) for other in side]
                wanted.append(sum(near) / len(near) if near else middle[name])
            free = _monotone([want - offsets[name] for want, name in zip(wanted, names, strict=True)])
            middle.update({name: level + offsets[name] for level, name in zip(free, names, strict=True)})
    top = min((middle[name] - NODE_HEIGHT / 2 for name in middle), default=0.0)
    return {name: round(level - top, 1) for name, level in middle.items()}


def _monotone(wanted: Sequence[float]) -> list[float]:
    """The nondecreasing sequence nearest to the wanted one in least squares, by pooling neighbours.

    >>> _monotone([3.0, 1.0, 5.0])
    [2.0, 2.0, 5.0]
    """
    pools: list[tuple[float, int]] = []
    for value in wanted:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (high, many), (low, few) = pools[-2:]
            pools[-2:] = [((high * many + low * few) / (many + few), many + few)]
    return [value for value, count in pools for _ in range(count)]
