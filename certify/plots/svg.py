"""A figure as one SVG file: light or dark as the reader's system is, values shown where the pointer is, no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from .figure import Axis, Figure, Line, Panel

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BELOW = 430, 300, 74, 22, 52
_HEAD, _LEGEND_ROW, _CHARACTER = 62, 19, 6.5
_PROBES = 96

_STYLE = """
.paper{fill:#fff}
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif;fill:#1f2328}
.big{font-size:16px;font-weight:600}
.head{font-weight:600}
.note,.tick{fill:#59636e}
.tick{font-size:11px}
.end{text-anchor:end}
.mid{text-anchor:middle}
path,line{fill:none}
.grid{stroke:#d1d9e0;stroke-width:.7}
.frame{stroke:#818b98;stroke-width:1}
.main{stroke:#0969da;stroke-width:2.4}
.compared{stroke:#9a6700;stroke-width:1.7;stroke-dasharray:7 4}
.doubtful{stroke:#cf222e;stroke-width:1.7;stroke-dasharray:2 4}
.aid{stroke:#818b98;stroke-width:1.1}
.guide{stroke:#8250df;stroke-width:1;stroke-dasharray:1 3}
.mark{fill:#fff;stroke:#8250df;stroke-width:2.4}
.probe rect{fill:#000;fill-opacity:0}
.probe line,.probe circle{opacity:0;pointer-events:none}
.probe:hover line,.probe:hover circle{opacity:1}
.probe line{stroke:#818b98;stroke-width:.8}
.probe circle{fill:#0969da}
@media (prefers-color-scheme:dark){
.paper,.mark{fill:#0d1117}
text{fill:#e6edf3}
.note,.tick{fill:#9198a1}
.grid{stroke:#262c36}
.frame,.aid,.probe line{stroke:#6e7681}
.main{stroke:#58a6ff}
.compared{stroke:#d29922}
.doubtful{stroke:#ff7b72}
.guide,.mark{stroke:#bc8cff}
.probe circle{fill:#58a6ff}
}
"""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def svg(figure: Figure) -> str:
    """The drawing, complete and valid XML; every text in it is escaped."""
    rows = [_legend_rows(panel) for panel in figure.panels]
    top = _HEAD + 26 + _LEGEND_ROW * max(len(legend) for legend in rows)
    full = _LEFT + _WIDTH + _RIGHT
    width, height = full * len(figure.panels), top + _HEIGHT + _BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(figure.title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="big" x="24" y="30">{escape(figure.title)}</text>',
        f'<text class="note" x="24" y="49">{escape(figure.note)}</text>',
    ]
    for index, (panel, legend) in enumerate(zip(figure.panels, rows, strict=True)):
        parts.append(f'<g transform="translate({index * full + _LEFT} {top})">')
        parts += [*_legend(panel, legend, _HEAD - top), *_axes(panel), *_lines(panel), *_probes(panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def number(value: float, *, logarithmic: bool) -> str:
    """A tick's number: powers of ten with a raised exponent on a logarithmic axis.

    >>> number(1e-05, logarithmic=True), number(0.5, logarithmic=False), number(1.0, logarithmic=True)
    ('10⁻⁵', '0.5', '1')
    """
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    if not logarithmic or int(exponent) == 0:
        return f"{value:g}"
    return ("" if mantissa == "1" else f"{mantissa}·") + "10" + str(int(exponent)).translate(_RAISED)


def _entries(panel: Panel) -> list[tuple[str, str]]:
    return [(line.stroke.value, line.label) for line in panel.lines] + [("mark", mark.label) for mark in panel.marks]


def _legend_rows(panel: Panel) -> list[list[tuple[str, str]]]:
    """The legend's entries in as many rows as their lengths need."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for entry in _entries(panel):
        wide = 46 + _CHARACTER * len(entry[1])
        if rows[-1] and used + wide > _WIDTH + _RIGHT:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += wide
    return rows


def _legend(panel: Panel, rows: Sequence[Sequence[tuple[str, str]]], start: float) -> Iterator[str]:
    yield f'<text class="head" x="0" y="{_short(start + 14)}">{escape(panel.title)}</text>'
    for number, row in enumerate(rows):
        x, y = 0.0, start + 34 + _LEGEND_ROW * number
        for kind, label in row:
            sample = (
                f'<circle class="mark" cx="{_short(x + 13)}" cy="{_short(y - 4)}" r="4.5"/>'
                if kind == "mark"
                else f'<line class="{kind}" x1="{_short(x)}" y1="{_short(y - 4)}" x2="{_short(x + 26)}" y2="{_short(y - 4)}"/>'
            )
            yield f'{sample}<text x="{_short(x + 32)}" y="{_short(y)}">{escape(label)}</text>'
            x += 46 + _CHARACTER * len(label)


def _axes(panel: Panel) -> Iterator[str]:
    for value in panel.x.ticks():
        x = _short(panel.x.place(value) * _WIDTH)
        yield f'<line class="grid" x1="{x}" y1="0" x2="{x}" y2="{_HEIGHT}"/>'
        yield f'<text class="tick mid" x="{x}" y="{_HEIGHT + 17}">{number(value, logarithmic=panel.x.logarithmic)}</text>'
    for value in panel.y.ticks():
        y = _HEIGHT * (1 - panel.y.place(value))
        yield f'<line class="grid" x1="0" y1="{_short(y)}" x2="{_WIDTH}" y2="{_short(y)}"/>'
        yield f'<text class="tick end" x="-8" y="{_short(y + 4)}">{number(value, logarithmic=panel.y.logarithmic)}</text>'
    yield f'<path class="frame" d="M0 0V{_HEIGHT}H{_WIDTH}"/>'
    yield f'<text class="note mid" x="{_WIDTH // 2}" y="{_HEIGHT + 38}">{escape(panel.x.label)}</text>'
    yield f'<text class="note mid" transform="translate(-56 {_HEIGHT // 2}) rotate(-90)">{escape(panel.y.label)}</text>'


def _lines(panel: Panel) -> Iterator[str]:
    for mark in panel.marks:
        x, y = _pixel(panel.place(mark)).split(",")
        yield f'<path class="guide" d="M0 {y}H{x}V{_HEIGHT}"/>'
    for line in sorted(panel.lines, key=lambda line: line.stroke.value == "main"):
        path = "".join(f"M{' '.join(map(_pixel, piece))}" for piece in panel.places(line))
        if path:
            yield f'<path class="{line.stroke.value}" d="{path}"><title>{escape(line.label)}</title></path>'
    for mark in panel.marks:
        x, y = _pixel(panel.place(mark)).split(",")
        yield f'<circle class="mark" cx="{x}" cy="{y}" r="4.5"><title>{escape(mark.label)}</title></circle>'


def _probes(panel: Panel) -> Iterator[str]:
    """Upright strips that show, where the pointer is, the nearest point of every line in words and the first line's as a dot."""
    main = panel.lines[0]
    chosen = sorted({_nearest(main, panel.x, (index + 0.5) / _PROBES) for index in range(_PROBES)})
    at = [panel.x.place(main.x[index]) * _WIDTH for index in chosen]
    edges = [0.0, *((left + right) / 2 for left, right in pairwise(at)), float(_WIDTH)]
    for index, x, left, right in zip(chosen, at, edges, edges[1:], strict=False):
        if right - left < 0.05:
            continue
        said = [f"{panel.x.label} = {main.x[index]:.4g}"]
        for line in panel.lines:
            near = _nearest(line, panel.x, panel.x.place(main.x[index]))
            if line.x and abs(panel.x.place(line.x[near]) - panel.x.place(main.x[index])) < 1 / _PROBES:
                said.append(f"{line.label}: {line.y[near]:.4g}")
        y = _HEIGHT * (1 - min(1.0, max(0.0, panel.y.place(main.y[index]))))
        yield (
            f'<g class="probe"><rect x="{_short(left)}" y="0" width="{_short(right - left)}" height="{_HEIGHT}"/>'
            f'<line x1="{_short(x)}" y1="0" x2="{_short(x)}" y2="{_HEIGHT}"/><circle cx="{_short(x)}" cy="{_short(y)}" r="3.5"/>'
            f"<title>{escape(chr(10).join(said))}</title></g>"
        )


def _nearest(line: Line, axis: Axis, part: float) -> int:
    return min(range(len(line.x)), key=lambda index: abs(axis.place(line.x[index]) - part), default=0)


def _pixel(place: tuple[float, float]) -> str:
    return f"{_short(place[0] * _WIDTH)},{_short(_HEIGHT * (1 - place[1]))}"


def _short(number: float) -> str:
    return f"{round(number, 1):g}"
