"""Plots: nothing leaves the axes, every text is escaped, ticks are round and few."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.plots import Axis, Figure, Line, Mark, Panel, Stroke
from certify.plots.svg import svg
from certify.plots.text import text

PLACES = st.floats(-3, 4)
UNIT = Axis("x", 0.0, 1.0)


def panel(x: list[float], y: list[float], **changed: object) -> Panel:
    return Panel("title", UNIT, UNIT, (Line("line", x, y),), **changed)  # type: ignore[arg-type]


@given(st.lists(st.tuples(PLACES, PLACES), min_size=2, max_size=20))
def test_a_line_is_cut_at_the_axes(points: list[tuple[float, float]]) -> None:
    drawn = panel([x for x, _ in points], [y for _, y in points])
    for piece in drawn.places(drawn.lines[0]):
        assert len(piece) >= 2
        assert all(-1e-9 <= part <= 1 + 1e-9 for place in piece for part in place)
    if all(0 <= part <= 1 for point in points for part in point):
        assert drawn.places(drawn.lines[0]) == [points]


@given(st.floats(-100, 100), st.floats(1e-300, 1e300))
def test_linear_ticks_are_few_and_inside(start: float, span: float) -> None:
    axis = Axis("", start * span, (start + 1) * span)
    assert 3 <= len(axis.ticks()) <= 8
    assert all(-1e-6 <= axis.place(tick) <= 1 + 1e-6 for tick in axis.ticks())


@given(st.floats(-320, 5), st.floats(0.5, 320))
def test_logarithmic_ticks_are_few_and_inside(low: float, decades: float) -> None:
    axis = Axis("", 10**low or 5e-324, 10 ** min(low + decades, 6), logarithmic=True)
    assert 1 <= len(axis.ticks()) <= 8
    assert all(-1e-6 <= axis.place(tick) <= 1 + 1e-6 for tick in axis.ticks())


@pytest.mark.parametrize(("low", "high", "logarithmic"), [(1, 1, False), (2, 1, False), (0, 1, True), (0, math.inf, False)])
def test_an_axis_that_leads_nowhere_is_refused(low: float, high: float, logarithmic: bool) -> None:
    with pytest.raises(ValueError, match="an axis runs"):
        Axis("", low, high, logarithmic)


def test_hostile_texts_stay_texts() -> None:
    hostile = '<script>"&'
    mark = Mark(hostile, 0.5, 0.5)
    axis = Axis(hostile, 0.0, 1.0)
    drawing = svg(Figure(hostile, hostile, (Panel(hostile, axis, axis, (Line(hostile, [0, 1], [1, 0]),), (mark,)),)))
    tags = {element.tag.partition("}")[2] for element in ElementTree.fromstring(drawing).iter()}
    assert "script" not in tags


def test_a_line_outside_the_axes_is_not_drawn() -> None:
    figure = Figure("", "", (panel([0.0, 1.0], [2.0, 3.0]),))
    assert 'class="main" d=' not in svg(figure)
    assert "*" not in text(figure, columns=80, spell=str).split("***")[0]


def test_characters_show_a_diagonal() -> None:
    aid = Line("aid", [0, 1], [0, 1], Stroke.AID)
    drawn = text(Figure("", "", (Panel("t", UNIT, UNIT, (Line("down", [0, 1], [1, 0]), aid)),)), columns=60, spell=str)
    rows = [line.partition("|")[2] for line in drawn.split("\n") if "|" in line]
    assert rows[0].startswith("*") and rows[0].endswith(".")
    assert rows[-1].startswith(".") and rows[-1].endswith("*")
