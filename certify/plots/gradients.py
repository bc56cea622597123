"""A picture of a Lipschitz constant: the bounds beside the gradients at drawn inputs, and how the layers make it up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .figure import Axis, Figure, Line, Panel, Stroke

_ROOM = 1.3


def gradients_figure(
    norms: Sequence[float],
    *,
    upper: float,
    lower: float,
    constants: Sequence[float],
    drawn: str,
    title: str = "Lipschitz constant",
) -> Figure:
    """The share of ``norms`` (of gradients at drawn inputs, an estimate) up to each length beside the bounds, and the layers' product.

    ``upper`` is proved; ``lower`` is attained, or 0 where nothing was searched; ``constants`` are those of the layers in order; ``drawn`` says how
    inputs were drawn. Raises ``ValueError`` without norms, and for numbers that are negative or not finite.

    >>> figure = gradients_figure([1.0, 2.0], upper=4.0, lower=3.0, constants=[2.0, 2.5], drawn="from the box")
    >>> [panel.title for panel in figure.panels]
    ['Gradients at drawn inputs', 'Product of the layers']
    """
    ordered = sorted(float(norm) for norm in norms)
    if not ordered or not all(math.isfinite(value) and value >= 0 for value in (*ordered, upper, lower, *constants)):
        raise ValueError("a picture of gradients needs at least one norm, and numbers that are finite and not negative")
    panels = [_shares(ordered, upper, lower)]
    if constants:
        panels.append(_layers(constants, upper))
    note = (
        f"{len(ordered)} inputs {drawn}. The bounds are proved; gradients at drawn inputs are estimates, and show no worst case."
    )
    return Figure(title, note, panels)


def _shares(ordered: Sequence[float], upper: float, lower: float) -> Panel:
    """The empirical distribution of the norms with the bounds upright."""
    positive = [value for value in (*ordered, lower, upper) if value > 0]
    axis = Axis("length of the gradient", 0.0, 1.05 * max(positive, default=1.0))
    if positive and max(positive) > 20 * min(positive):
        axis = Axis("length of the gradient", min(positive) / _ROOM, max(positive) * _ROOM, logarithmic=True)
    count = len(ordered)
    across, up = [ordered[0]], [0.0]
    for number, value in enumerate(ordered):
        across += [value, value]
        up += [number / count, (number + 1) / count]
    lines = [Line("drawn inputs", [*across, axis.high], [*up, 1.0])]
    if lower > 0:
        lines.append(Line("longest found by search", (lower, lower), (0.0, 1.0), Stroke.COMPARED))
    lines.append(Line("proved bound", (upper, upper), (0.0, 1.0), Stroke.AID))
    return Panel("Gradients at drawn inputs", axis, Axis("share of inputs", 0.0, 1.0), lines)


def _layers(constants: Sequence[float], upper: float) -> Panel:
    """The product of the constants after each layer, and the bound on all together."""
    products = [1.0]
    for constant in constants:
        products.append(products[-1] * constant)
    places = [float(place) for place in range(len(products))]
    shown = [value for value in (*products, upper) if 0 < value < math.inf]
    heights = Axis("constant", min(shown) / _ROOM, max(shown) * _ROOM, logarithmic=True)
    lines = [
        Line("product so far", places, [min(max(value, heights.low), heights.high) for value in products]),
        Line("proved bound on all", (0.0, places[-1]), (upper, upper), Stroke.AID),
    ]
    return Panel("Product of the layers", Axis("layers", 0.0, places[-1]), heights, lines)
