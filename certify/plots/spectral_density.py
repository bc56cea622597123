"""Pictures of a spectrum from plain numbers: its density with the certified edges, and bounds closing in on an eigenvalue."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .figure import Axis, Figure, Line, Mark, Panel, Stroke

_POINTS = 400


def spectral_density_figure(
    points: Sequence[Sequence[float]],
    weights: Sequence[Sequence[float]],
    *,
    size: int,
    width: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    title: str = "Spectral density",
) -> Figure:
    """The density and the number of eigenvalues above each point, from the ``points`` and ``weights`` [probes][steps] of a quadrature.

    Both curves are estimates; each row of weights sums to one, ``size`` is the dimension. Every point is widened to a Gaussian of deviation
    ``width`` (a hundredth of the range by default). ``lower`` and ``upper`` are certified edges of the spectrum, drawn as aids. Raises
    ``ValueError`` for numbers that are not finite, rows that do not match, and edges out of order.

    >>> figure = spectral_density_figure([[0.0, 1.0]], [[0.9, 0.1]], size=10, upper=1.1)
    >>> [panel.title for panel in figure.panels]
    ['Density', 'Eigenvalues above']
    """
    rows = [list(zip(row, shares, strict=True)) for row, shares in zip(points, weights, strict=True)]
    pairs = [(float(point), float(share) / len(rows)) for row in rows for point, share in row if share]
    if not pairs or size < 1 or not all(math.isfinite(point) and 0 <= share <= 1 + 1e-9 for point, share in pairs):
        raise ValueError(
            "a density needs points that are finite and weights from 0 to 1, at least one above 0, and a positive size"
        )
    edges = [edge for edge in (lower, upper) if edge is not None]
    if not all(map(math.isfinite, edges)) or (len(edges) == 2 and edges[0] > edges[1]):
        raise ValueError(f"the edges of a spectrum are finite and in order, not {edges}")
    least, most = min([point for point, _ in pairs] + edges), max([point for point, _ in pairs] + edges)
    span = (most - least) or abs(most) or 1.0
    if width is not None and not 0 < width < math.inf:
        raise ValueError(f"the width of a density is positive and finite, not {width}")
    deviation = span / 100 if width is None else width
    axis = Axis("eigenvalue", least - 0.05 * span, most + 0.05 * span)
    grid = [axis.low + (axis.high - axis.low) * index / (_POINTS - 1) for index in range(_POINTS)]
    scale = deviation * math.sqrt(2 * math.pi)
    density = [sum(share * math.exp(-0.5 * ((x - point) / deviation) ** 2) for point, share in pairs) / scale for x in grid]
    above = [size * sum(share for point, share in pairs if point > x) for x in grid]
    top, floor = max(density), 0.5 / size / scale  # half an eigenvalue
    low = min(floor, top / 10)
    heights = Axis("density", low, 2 * top, logarithmic=True)
    counts = Axis("eigenvalues above", 0.5, 2.0 * size, logarithmic=True)
    names = (("certified lower edge", lower), ("certified upper edge", upper))

    def panel(name: str, y: Axis, values: Sequence[float]) -> Panel:
        walls = [Line(label, [edge, edge], [y.low, y.high], Stroke.COMPARED) for label, edge in names if edge is not None]
        shown = [max(value, y.low / 10) for value in values]
        return Panel(name, axis, y, [Line("estimate by Lanczos quadrature", grid, shown), *walls])

    note = f"{len(rows)} random starts of {max(map(len, rows))} products, dimension {size}. Curves are estimates; only edges are certified."
    return Figure(title, note, (panel("Density", heights, density), panel("Eigenvalues above", counts, above)))


def convergence_figure(
    products: Sequence[int],
    lower: Sequence[float],
    upper: Sequence[float],
    *,
    asked: float | None = None,
    quantity: str = "eigenvalue",
    title: str = "Largest eigenvalue",
) -> Figure:
    """Bounds from below and above against the products spent, and the relative width of what is between them.

    An upper bound that does not exist yet is ``math.inf``. ``asked`` is a relative width that was wanted, marked where it
    is first reached; ``quantity`` names what is bounded. Raises ``ValueError`` where bounds cross, or where no upper one is finite.

    >>> figure = convergence_figure([1, 2, 3], [0.5, 0.9, 1.0], [math.inf, 2.0, 1.001], asked=0.01)
    >>> [mark.label for mark in figure.panels[1].marks]
    ['within 0.01 after 3 products']
    """
    rows = [(float(spent), low, high) for spent, low, high in zip(products, lower, upper, strict=True)]
    closed = [row for row in rows if math.isfinite(row[2])]
    if not closed or not all(math.isfinite(low) and low <= high and not math.isnan(high) for _, low, high in rows):
        raise ValueError("convergence is shown of finite lower bounds that lie below their upper bounds, one of which is finite")
    values = [value for _, low, high in closed for value in (low, high)] + [low for _, low, _ in rows]
    room = 0.05 * ((max(values) - min(values)) or abs(values[0]) or 1.0)
    heights = Axis(quantity, min(values) - room, max(values) + room)
    if min(values) > 0 and max(values) > 10 * min(values):
        heights = Axis(quantity, min(values) / 1.5, 1.5 * max(values), logarithmic=True)
    spent = Axis("products", rows[0][0] - 0.5, rows[-1][0] + 0.5)
    bounds = Panel(
        "Bounds", spent, heights,
        [
            Line("certified upper bound", [row[0] for row in closed], [row[2] for row in closed]),
            Line("certified lower bound", [row[0] for row in rows], [row[1] for row in rows], Stroke.COMPARED),
        ],
    )  # fmt: skip
    gaps = [(row[0], max((row[2] - row[1]) / (max(abs(row[1]), abs(row[2])) or 1.0), 1e-17)) for row in closed]
    widths = [gap for _, gap in gaps]
    marks = []
    if asked is not None:
        first = next((place for place in gaps if place[1] <= asked), None)
        marks = [] if first is None else [Mark(f"within {asked:g} after {first[0]:g} products", *first)]
    widths_axis = Axis("relative width", min(widths) / 3, 3 * max(widths), logarithmic=True)
    width = Panel("What is not known", spent, widths_axis, [Line("upper less lower bound", [x for x, _ in gaps], widths)], marks)
    return Figure(
        title, "Both bounds hold at every number of products, but for the one failure probability of the run.", (bounds, width)
    )
