"""A figure in characters: dots of braille where the terminal can show them, stars and points where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, zip_longest

from .figure import Figure, Line, Panel, Stroke

_ROWS, _LEAST, _MOST, _GAP = 13, 26, 46, 4
_DOT = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell, by row and column
_DASH = {Stroke.MAIN: (1, 1), Stroke.COMPARED: (3, 6), Stroke.DOUBTFUL: (1, 4), Stroke.AID: (1, 7)}  # drawn, of so many dots
_SIGN = {Stroke.MAIN: "*", Stroke.COMPARED: "+", Stroke.DOUBTFUL: "?", Stroke.AID: "."}
_SAMPLE = {Stroke.MAIN: "━━━", Stroke.COMPARED: "╍╍╍", Stroke.DOUBTFUL: "···", Stroke.AID: "·  "}


def text(figure: Figure, *, columns: int, spell: Callable[[str], str] | None = None) -> str:
    """The panels side by side where ``columns`` are enough for all, else one above the other.

    A console that has no braille gives ``spell``, which writes a label in the characters that it has.
    """
    margin = 2 + max(len(f"{value:g}") for panel in figure.panels for value in panel.y.ticks())
    room = (columns + _GAP) // len(figure.panels) - _GAP - margin - 1
    if room >= _LEAST:
        drawn = [_draw(panel, margin, min(_MOST, room), spell) for panel in figure.panels]
        full = max(len(line) for lines in drawn for line in lines) + _GAP
        rows = ["".join(part.ljust(full) for part in row).rstrip() for row in zip_longest(*drawn, fillvalue="")]
        if max(map(len, rows)) <= columns:
            return "\n".join(rows)
    wide = min(_MOST, max(_LEAST, columns - margin - 1))
    return "\n\n".join("\n".join(map(str.rstrip, _draw(panel, margin, wide, spell))) for panel in figure.panels)


def _draw(panel: Panel, margin: int, wide: int, spell: Callable[[str], str] | None) -> list[str]:
    """One panel: its title, the cells between the axes, the legend."""
    braille, say = spell is None, spell or str
    point, corner, upright, level = ("●", "└", "│", "─") if braille else ("O", "+", "|", "-")
    samples = _SAMPLE if braille else {stroke: 3 * sign for stroke, sign in _SIGN.items()}
    cells = _cells(panel, wide, braille=braille)
    for mark in panel.marks:
        across, up = panel.place(mark)
        cells[_ROWS - 1 - _index(up, _ROWS)][_index(across, wide)] = point
    beside = [""] * _ROWS
    for value in panel.y.ticks():
        beside[_ROWS - 1 - _index(panel.y.place(value), _ROWS)] = f"{value:g}"
    below = ""
    for value in panel.x.ticks():
        start = min(max(0, _index(panel.x.place(value), wide) - len(f"{value:g}") // 2), wide - len(f"{value:g}"))
        if not below or start > len(below):
            below = below.ljust(start) + f"{value:g}"
    pad = " " * margin
    return [
        say(panel.title),
        say(panel.y.label),
        *(f"{label:>{margin - 1}} {upright}{''.join(row)}" for label, row in zip(beside, cells, strict=True)),
        f"{pad}{corner}{level * wide}",
        f"{pad} {below}",
        f"{pad} {say(panel.x.label):^{wide}}",
        *(f"  {samples[line.stroke]} {say(line.label)}" for line in panel.lines),
        *(f"   {point}  {say(mark.label)}" for mark in panel.marks),
    ]


def _cells(panel: Panel, wide: int, *, braille: bool) -> list[list[str]]:
    """The characters between the axes; our own line is drawn last, over the others."""
    dots = [[0] * wide for _ in range(_ROWS)]
    signs = [[" "] * wide for _ in range(_ROWS)]
    fine_x, fine_y = (2, 4) if braille else (1, 1)
    for line in sorted(panel.lines, key=lambda line: line.stroke is Stroke.MAIN):
        drawn, period = _DASH[line.stroke] if braille else (1, 1)
        for number, (x, y) in enumerate(_pixels(panel, line, wide * fine_x, _ROWS * fine_y)):
            row, column = _ROWS - 1 - y // fine_y, x // fine_x
            if number % period < drawn:
                dots[row][column] |= _DOT[3 - y % 4][x % 2]
                signs[row][column] = _SIGN[line.stroke]
    if not braille:
        return signs
    return [[chr(0x2800 + dot) if dot else " " for dot in row] for row in dots]


def _pixels(panel: Panel, line: Line, wide: int, high: int) -> Iterator[tuple[int, int]]:
    """The pixels that the line passes through, each once, in order along the line."""
    last = None
    for piece in panel.places(line):
        for start, end in pairwise(piece):
            steps = 1 + int(2 * max(abs(end[0] - start[0]) * wide, abs(end[1] - start[1]) * high))
            for step in range(steps + 1):
                part = step / steps
                at = _index(start[0] + part * (end[0] - start[0]), wide), _index(start[1] + part * (end[1] - start[1]), high)
                if at != last:
                    yield at
                last = at


def _index(part: float, cells: int) -> int:
    return min(cells - 1, max(0, int(part * cells)))
