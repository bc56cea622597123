"""The drawing of the book: layers, few crossings, nothing on top of anything else, and well-formed SVG."""

from __future__ import annotations

import random
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from certify.proofs import catalogue, graph, registry
from certify.proofs.layers import BEND_HEIGHT, NODE_HEIGHT, layout, reduced

SVG = "{http://www.w3.org/2000/svg}"


def random_graph(seed: int) -> dict[str, tuple[str, ...]]:
    draw = random.Random(seed)
    names = [f"n{index}" for index in range(draw.randrange(2, 40))]
    return {name: tuple(draw.sample(names[:index], min(index, draw.randrange(4)))) for index, name in enumerate(names)}


@pytest.mark.parametrize("seed", range(12))
def test_a_layout_respects_the_order_and_overlaps_nothing(seed: int) -> None:
    below = random_graph(seed)
    placed = layout(below)
    column = {name: index for index, names in enumerate(placed.columns) for name in names}
    assert {name for name in column if isinstance(name, str)} == set(below)
    for high, lows in below.items():
        assert all(column[low] < column[high] for low in lows)
        assert column[high] == max((column[low] + 1 for low in lows), default=0)
    for (low, high), route in placed.routes.items():
        assert (route[0], route[-1]) == (low, high)
        assert [column[node] for node in route] == list(range(column[low], column[high] + 1))
    for names in placed.columns:
        sizes = [NODE_HEIGHT if isinstance(name, str) else BEND_HEIGHT for name in names]
        for index in range(len(names) - 1):
            apart = placed.middle[names[index + 1]] - placed.middle[names[index]]
            assert apart >= (sizes[index] + sizes[index + 1]) / 2 - 0.11
    assert min(placed.middle.values()) >= 0


def test_sweeping_removes_crossings() -> None:
    names = [f"a{index}" for index in range(8)]
    below: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    below |= {f"b{index}": (names[7 - index],) for index in range(8)}  # fully crossed as it is given
    assert layout(below).crossings == 0


def test_what_is_joined_to_nothing_stands_last() -> None:
    placed = layout({"alone": (), "a": (), "b": ("a",), "apart": ()})
    assert placed.columns == (("a", "alone", "apart"), ("b",))
    assert placed.middle["alone"] - placed.middle["a"] == placed.middle["apart"] - placed.middle["alone"] == NODE_HEIGHT
    assert layout({"alone": ()}).columns == (("alone",),)


def test_a_layout_is_the_same_every_time() -> None:
    assert layout(random_graph(3)) == layout(random_graph(3))


@pytest.mark.parametrize("seed", range(6))
def test_leaving_edges_out_changes_no_path(seed: int) -> None:
    below = random_graph(seed)

    def under(name: str, edges: dict[str, tuple[str, ...]]) -> set[str]:
        return set(edges[name]).union(*(under(low, edges) for low in edges[name]))

    fewer = reduced(below)
    assert all(under(name, below) == under(name, fewer) for name in below)
    assert sum(map(len, fewer.values())) <= sum(map(len, below.values()))


def test_the_drawing_shows_every_entry_with_its_statement_and_its_page() -> None:
    root = ET.fromstring(graph.svg(pages="docs/theorems"))
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert set(catalogue.entries()) <= texts
    titles = {title.text for title in root.iter(f"{SVG}title")}
    assert {entry.statement for entry in catalogue.entries().values()} <= titles
    links = {link.attrib["href"] for link in root.iter(f"{SVG}a")}
    assert "docs/theorems/distance.md#output.residual" in links and "docs/theorems/foundations.md#linalg.triangle" in links


def test_without_pages_nothing_links() -> None:
    assert "<a " not in graph.svg("output.residual")


def test_one_entry_is_drawn_with_what_it_rests_on_and_what_rests_on_it() -> None:
    shown = set(graph.graph("output.residual"))
    assert set(registry.closure("output.residual")) <= shown
    assert {"output.worst-case", "newton.one-step"} <= shown
    assert "gaussian.profile" not in shown
    assert shown == {"output.residual", *registry.closure("output.residual"), *catalogue.above("output.residual")}
    assert 'class="theorem chosen"' in graph.svg("output.residual")


def test_an_entry_of_any_kind_can_be_drawn() -> None:
    for identifier in ("linalg.triangle", "logistic.envelope", *list(registry.identities())[:1]):
        ET.fromstring(graph.svg(identifier))


def test_both_colour_schemes_are_drawn_for() -> None:
    assert "prefers-color-scheme:dark" in graph.svg("gaussian.mu")


def test_nothing_of_another_process_changes_the_drawing() -> None:
    code = "from certify.proofs import graph; import hashlib; print(hashlib.sha256(graph.svg().encode()).hexdigest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


# the catalogue ------------------------------------------------------------------------------------------


def test_families_hold_every_entry_once() -> None:
    held = [entry.id for family in catalogue.families() for entry in family.entries]
    assert len(held) == len(set(held))
    assert set(held) == set(catalogue.entries()) - set(registry.foundations())
    assert all(family.title and not family.title.startswith("Stub") for family in catalogue.families())


def test_an_unknown_entry_suggests_the_nearest() -> None:
    with pytest.raises(registry.UnknownTheorem, match=r"linalg\.triangle"):
        catalogue.entry("linalg.triangel")


def test_used_by_and_rests_on_are_each_other() -> None:
    for name in registry.theorems():
        assert all(name in catalogue.used_by(below) for below in registry.rests_on(name))
