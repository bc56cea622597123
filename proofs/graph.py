"""The graph of what rests on what, drawn as SVG: foundations on the left, every theorem to the right of what it uses."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from . import catalogue, registry
from .layers import NODE_HEIGHT, Layout, Node, layout, reduced

_CHARACTER, _PAD, _MARGIN, _HEAD = 6.65, 8, 24, 64
_KINDS = {
    "foundation": ("textbook fact", "textbook facts"),
    "enclosure": ("inequality on a box", "inequalities on boxes"),
    "identity": ("identity of matrices", "identities of matrices"),
    "theorem": ("theorem", "theorems"),
}

_STYLE = """
.paper{fill:#fff}
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328}
.note{fill:#59636e}
.big{font-size:15px;font-weight:600}
rect.k{stroke:#8c959f;stroke-width:.8}
.foundation rect.k{fill:#f6f8fa;stroke-dasharray:3 2}
.theorem rect.k{fill:#ddf4ff}
.enclosure rect.k{fill:#fbefff}
.identity rect.k{fill:#dafbe1}
.chosen rect.k{stroke:#cf222e;stroke-width:2;stroke-dasharray:none}
path{fill:none;stroke:#8c959f;stroke-width:.8;stroke-opacity:.55;pointer-events:none}
path.c{stroke:#0969da;stroke-width:1.2;stroke-opacity:.8}
g:hover>path{stroke:#cf222e;stroke-width:2;stroke-opacity:1}
a:hover text{text-decoration:underline}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117}
text{fill:#e6edf3}
.note{fill:#9198a1}
rect.k,path{stroke:#6e7681}
.foundation rect.k{fill:#161b22}
.theorem rect.k{fill:#0c2d6b}
.enclosure rect.k{fill:#3c1e70}
.identity rect.k{fill:#033a16}
.chosen rect.k,g:hover>path{stroke:#ff7b72}
path.c{stroke:#58a6ff}
}
"""


def graph(identifier: str | None = None) -> dict[str, tuple[str, ...]]:
    """What every entry rests on: of the whole book, or of what one entry rests on and what rests on it.

    >>> graph("output.residual")["distance.comparator"]
    ('output.residual',)
    """
    names = list(catalogue.entries())
    if identifier is not None:
        near = {*registry.closure(identifier), *catalogue.above(identifier)}
        names = [name for name in names if name in near]
    return {name: tuple(low for low in registry.rests_on(name) if low in names) for name in names}


def svg(identifier: str | None = None, *, pages: str | None = None) -> str:
    """The drawing of :func:`graph`; lines that follow from others are left out of the drawing of the whole book.

    ``pages`` is where docs/theorems is, as an address or a path (``""`` beside the drawing): ids then link there.
    """
    edges = graph(identifier)
    placed = layout(reduced(edges) if identifier is None else edges)
    return _Drawing(placed, edges, identifier, pages).svg()


class _Drawing:
    def __init__(self, placed: Layout, edges: Mapping[str, tuple[str, ...]], chosen: str | None, pages: str | None) -> None:
        self._placed, self._edges, self._chosen, self._pages = placed, edges, chosen, pages
        self._width = [
            2 * _PAD + _CHARACTER * max((len(name) for name in column if isinstance(name, str)), default=0)
            for column in placed.columns
        ]
        tall = max(placed.middle.values()) + NODE_HEIGHT / 2
        gap = min(240.0, max(70.0, tall / 6))
        self._left = [_MARGIN + sum(self._width[:index]) + gap * index for index in range(len(self._width))]
        self._column = {name: index for index, names in enumerate(placed.columns) for name in names}
        self._size = (max(560.0, self._left[-1] + self._width[-1] + _MARGIN), tall + _HEAD + _MARGIN)

    def svg(self) -> str:
        width, height = map(_short, self._size)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(self._title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            f'<text class="big" x="{_MARGIN}" y="26">{escape(self._title)}</text>',
            *self._legend(),
            *(self._entry(name) for column in self._placed.columns for name in column if isinstance(name, str)),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    @property
    def _title(self) -> str:
        if self._chosen is None:
            return "The book of proofs: what rests on what"
        return f"{self._chosen}: what it rests on, and what rests on it"

    def _legend(self) -> list[str]:
        """The kinds with their colours and counts, and what a line is."""
        parts, x = [], float(_MARGIN)
        kinds = [registry.kind(name) for name in self._edges]
        for kind, (one, many) in _KINDS.items():
            if count := kinds.count(kind):
                words = f"{count} {one if count == 1 else many}"
                parts.append(
                    f'<g class="{kind}"><rect class="k" x="{_short(x)}" y="38" width="14" height="10" rx="2"/>'
                    f'<text class="note" x="{_short(x + 20)}" y="47">{words}</text></g>'
                )
                x += 20 + _CHARACTER * len(words) + 18
        return parts

    def _entry(self, name: str) -> str:
        """One entry with the lines to what it rests on, so that pointing at it shows them."""
        kind, entry = registry.kind(name), catalogue.entry(name)
        x, y = self._left[self._column[name]], self._middle(name)
        lines = [
            f'<path class="c" d="{self._path(route)}"/>'
            if registry.kind(low) == "theorem"
            else f'<path d="{self._path(route)}"/>'
            for (low, high), route in self._placed.routes.items()
            if high == name
        ]
        box = (
            f'<rect class="k" x="{_short(x)}" y="{_short(y - 8)}" width="{_short(self._width[self._column[name]])}" height="16" rx="3"/>'
            f'<text x="{_short(x + _PAD)}" y="{_short(y + 3.8)}">{name}</text><title>{escape(entry.statement)}</title>'
        )
        if self._pages is not None:
            box = f'<a href="{escape(page(name, self._pages))}">{box}</a>'
        return f'<g class="{kind}{" chosen" if name == self._chosen else ""}">{"".join(lines)}{box}</g>'

    def _middle(self, node: Node) -> float:
        return self._placed.middle[node] + _HEAD

    def _path(self, route: tuple[Node, ...]) -> str:
        """From the right side of what is used, straight through the columns between, to the left side of what uses it."""
        start = self._column[route[0]]
        x, y = self._left[start] + self._width[start], self._middle(route[0])
        path = f"M{_short(x)} {_short(y)}"
        for node in route[1:]:
            column = self._column[node]
            left, level = self._left[column], self._middle(node)
            half = (x + left) / 2
            path += f"C{_short(half)} {_short(y)} {_short(half)} {_short(level)} {_short(left)} {_short(level)}"
            if node != route[-1]:
                left += self._width[column]
                path += f"H{_short(left)}"
            x, y = left, level
        return path


def page(identifier: str, pages: str = "") -> str:
    """The address of an entry in docs/theorems, which lies at ``pages``.

    >>> page("output.residual"), page("linalg.triangle", "docs/theorems")
    ('distance.md#output.residual', 'docs/theorems/foundations.md#linalg.triangle')
    """
    return f"{pages}{'/' if pages and not pages.endswith('/') else ''}{catalogue.family_of(identifier)}.md#{identifier}"


def _short(number: float) -> str:
    return f"{round(number, 1):g}"
