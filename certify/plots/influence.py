"""Pictures of influence from plain numbers: a ranking of records with intervals, and predictions beside what retraining gave."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .figure import Axis, Figure, Line, Mark, Panel, Stroke


def influence_ranking_figure(
    values: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    *,
    most: int,
    names: Sequence[str] | None = None,
    marked: int = 3,
    title: str = "Influence of records",
) -> Figure:
    """All records in the order of their influence with the interval of each, and the ``most`` of largest size one by one.

    ``values`` lie in their intervals from ``lower`` to ``upper``. The ``marked`` records of largest size are named, by ``names`` or by their number. A
    rank is settled only where intervals do not overlap: the note counts the records of the second panel that are certainly among the ``most``.
    Raises ``ValueError`` for numbers that are not finite, a value outside its interval, and lists of different lengths.

    >>> figure = influence_ranking_figure([1.0, -3.0, 0.5], [0.9, -3.1, 0.4], [1.1, -2.9, 0.6], most=2, marked=1)
    >>> figure.panels[1].marks[0].label, figure.note
    ('record 1', '3 records. Of the 2 of largest size, 2 are certain. First-order influence: no bound on what retraining gives.')
    """
    rows = [(float(value), float(low), float(high)) for value, low, high in zip(values, lower, upper, strict=True)]
    if not rows or not all(math.isfinite(low + high) and low <= value <= high for value, low, high in rows):
        raise ValueError("a ranking needs finite values, at least one, each inside its interval")
    if names is not None and len(names) != len(rows):
        raise ValueError(f"there are {len(rows)} records and {len(names)} names")
    if not 1 <= most <= len(rows) or not 0 <= marked <= most:
        raise ValueError(f"of {len(rows)} records, most={most} are shown one by one and marked={marked} of these named")
    ordered = sorted(range(len(rows)), key=lambda record: -rows[record][0])
    largest = sorted(range(len(rows)), key=lambda record: -abs(rows[record][0]))[:most]
    shown = sorted(largest, key=lambda record: -rows[record][0])
    everything, single = _panel("All records", rows, ordered), _panel(f"The {most} of largest size", rows, shown)
    marks = [
        Mark(f"record {record}" if names is None else names[record], shown.index(record) + 1.0, rows[record][0])
        for record in largest[:marked]
    ]
    note = (
        f"{len(rows)} records. Of the {most} of largest size, {certainly_largest(rows, largest)} are certain. "
        "First-order influence: no bound on what retraining gives."
    )
    return Figure(title, note, (everything, Panel(single.title, single.x, single.y, single.lines, marks)))


def certainly_largest(rows: Sequence[tuple[float, float, float]], chosen: Sequence[int]) -> int:
    """How many of the ``chosen`` records have an absolute influence above that of all others, by intervals (value, lower, upper).

    >>> certainly_largest([(3.0, 2.5, 3.5), (2.0, 1.0, 3.0), (1.1, 0.9, 1.2)], [0, 1])
    1
    """
    inside = set(chosen)
    rest = max((max(abs(low), abs(high)) for record, (_, low, high) in enumerate(rows) if record not in inside), default=-1.0)
    return sum(_least(*rows[record][1:]) > rest for record in chosen)


def retraining_figure(predicted: Sequence[float], actual: Sequence[float], *, title: str = "Influence and retraining") -> Figure:
    """Predicted changes against those that retraining gave, in the order of the predictions, with the line on which they would agree.

    Raises ``ValueError`` for numbers that are not finite, fewer than two pairs, and lists of different lengths.

    >>> retraining_figure([1.0, 2.0], [1.1, 2.3]).panels[0].x.label
    'predicted change'
    """
    pairs = sorted((float(x), float(y)) for x, y in zip(predicted, actual, strict=True))
    if len(pairs) < 2 or not all(math.isfinite(x + y) for x, y in pairs):
        raise ValueError("predictions are compared in at least two pairs of finite numbers")
    values = [value for pair in pairs for value in pair]
    across, up = _axis("predicted change", values), _axis("change by retraining", values)
    lines = [
        Line("retraining", [x for x, _ in pairs], [y for _, y in pairs]),
        Line("equal", [across.low, across.high], [across.low, across.high], Stroke.AID),
    ]
    return Figure(
        title, f"{len(pairs)} groups of records, each left out and trained again.", (Panel("Changes", across, up, lines),)
    )


def _panel(name: str, rows: Sequence[tuple[float, float, float]], order: Sequence[int]) -> Panel:
    places = [float(place) for place in range(1, len(order) + 1)]
    low, high = ([rows[record][part] for record in order] for part in (1, 2))
    lines = [
        Line("estimate", places, [rows[record][0] for record in order]),
        Line("certified upper bound", places, high, Stroke.COMPARED),
        Line("certified lower bound", places, low, Stroke.COMPARED),
    ]
    return Panel(name, Axis("rank", 0.5, len(order) + 0.5), _axis("influence", [*low, *high]), lines)


def _axis(label: str, values: Sequence[float]) -> Axis:
    least, most = min(values), max(values)
    room = 0.05 * ((most - least) or abs(most) or 1.0)
    return Axis(label, least - room, most + room)


def _least(low: float, high: float) -> float:
    return 0.0 if low <= 0 <= high else min(abs(low), abs(high))
