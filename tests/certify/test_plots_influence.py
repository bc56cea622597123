"""Pictures of influence: who is ranked where, which ranks intervals settle, and what is refused."""

from __future__ import annotations

import math
import random
import xml.etree.ElementTree as ElementTree

import pytest

from certify.plots.influence import certainly_largest, influence_ranking_figure, retraining_figure
from certify.plots.svg import svg
from certify.plots.text import text


def rows(seed: int, count: int, width: float) -> list[tuple[float, float, float]]:
    drawn = random.Random(seed)
    found = []
    for _ in range(count):
        value = drawn.gauss(0, 1)
        found.append((value, value - width * drawn.random(), value + width * drawn.random()))
    return found


def test_records_are_in_order_and_the_largest_are_named() -> None:
    values, lower, upper = ([row[part] for row in rows(1, 40, 0.1)] for part in range(3))
    figure = influence_ranking_figure(values, lower, upper, most=5, names=[f"row {i}" for i in range(40)])
    whole, single = figure.panels
    assert list(whole.lines[0].y) == sorted(values, reverse=True)
    assert {*single.lines[0].y} == {*sorted(values, key=abs)[-5:]}
    largest = sorted(range(40), key=lambda i: -abs(values[i]))[:3]
    assert [mark.label for mark in single.marks] == [f"row {i}" for i in largest]
    assert [mark.y for mark in single.marks] == [values[i] for i in largest]
    for panel in figure.panels:
        for estimate, high, low in zip(*(line.y for line in panel.lines), strict=True):
            assert low <= estimate <= high
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg") and text(figure, columns=100)
    assert "no bound on what retraining gives" in svg(figure) and "certified upper bound" in svg(figure)


@pytest.mark.parametrize("width", [0.0, 0.05, 0.3, 2.0])
def test_what_is_called_certain_is_so_for_every_truth_inside_the_intervals(width: float) -> None:
    drawn = random.Random(7)
    seen = set()
    for seed in range(30):
        given = rows(seed, 12, width)
        chosen = sorted(range(12), key=lambda i: -abs(given[i][0]))[:3]
        certain = certainly_largest(given, chosen)
        seen.add(certain)
        for _ in range(40):
            truth = [abs(drawn.choice([low, high, drawn.uniform(low, high)])) for _, low, high in given]
            rest = max(truth[i] for i in range(12) if i not in chosen)
            assert sum(truth[i] > rest for i in chosen) >= certain
    assert seen == {3} if width == 0 else min(seen) < 3  # wide intervals settle less


def test_an_interval_around_zero_settles_nothing() -> None:
    assert certainly_largest([(5.0, -1.0, 9.0), (0.1, 0.1, 0.1)], [0]) == 0
    assert certainly_largest([(5.0, 0.2, 9.0), (0.1, 0.1, 0.1)], [0]) == 1
    assert certainly_largest([(-5.0, -9.0, -0.2), (0.1, 0.1, 0.1)], [0]) == 1
    assert certainly_largest([(0.2, 0.1, 0.3)], [0]) == 1  # nobody else


def test_retraining_is_drawn_beside_the_line_of_agreement() -> None:
    figure = retraining_figure([3.0, 1.0, 2.0], [3.1, 0.9, 2.5])
    points, equal = figure.panels[0].lines
    assert list(points.pairs()) == [(1.0, 0.9), (2.0, 2.5), (3.0, 3.1)] and list(equal.x) == list(equal.y)
    assert "3 groups" in svg(figure) and text(figure, columns=60)


def test_one_record_is_a_picture_too() -> None:
    assert svg(influence_ranking_figure([0.0], [0.0], [0.0], most=1, marked=1))


def test_numbers_that_are_wrong_are_refused() -> None:
    for values, lower, upper in (
        ([1.0], [1.1], [1.2]), ([1.0], [0.0], [0.5]), ([math.nan], [0.0], [1.0]), ([1.0], [-math.inf], [2.0]), ([], [], []),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="each inside its interval"):
            influence_ranking_figure(values, lower, upper, most=1, marked=0)
    with pytest.raises(ValueError, match=r"longer|shorter"):
        influence_ranking_figure([1.0, 2.0], [1.0], [1.0], most=1)
    for most, marked in ((0, 0), (3, 0), (1, 2)):
        with pytest.raises(ValueError, match="shown one by one"):
            influence_ranking_figure([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], most=most, marked=marked)
    with pytest.raises(ValueError, match="2 records and 1 names"):
        influence_ranking_figure([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], most=1, marked=1, names=["a"])
    for predicted, actual in (([1.0], [1.0]), ([1.0, math.nan], [1.0, 2.0])):
        with pytest.raises(ValueError, match="two pairs of finite numbers"):
            retraining_figure(predicted, actual)
