"""Identities of matrices: a true one is accepted, a false, mistyped or vacuous one is refused."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
from books import fact, minus, symbol, toy, verdicts

from certify.proofs.identity import Identity, Matrix, MatrixRelation, MatrixTerm, matrices

A, L, R = matrices("A L R")
INVERSES = Identity(
    id="law",
    statement="A left inverse and a right inverse of a matrix are equal.",
    matrices=(Matrix("A", "m", "n", "a matrix"), Matrix("L", "n", "m", "its left inverse"), Matrix("R", "n", "m", "its right inverse")),
    relations=(MatrixRelation("left", L * A - 1, "L A is the unit matrix"), MatrixRelation("right", A * R - 1, "A R is the unit matrix")),
    goal=L - R,
    certificate=(MatrixTerm(1, (), "left", ("R",)), MatrixTerm(-1, ("L",), "right", ())),
    sizes={"m": 2, "n": 2},
    witness={
        "A": ((1, 2), (0, 1)), "L": ((1, -2), (0, 1)), "R": ((1, -2), (0, 1)),
    },
    source="standard",
    false_sibling=L + R,
)  # fmt: skip


def entry(**changes: Any) -> dict[str, Any]:
    fresh = copy.deepcopy(INVERSES.data())
    for name, value in changes.items():
        (fresh["proof"] if name in fresh["proof"] else fresh)[name] = value
    return {"law": fresh}


def refused(entries: dict[str, Any], reason: str) -> None:
    verdict, why = verdicts(entries)["law"]
    assert verdict == "failed"
    assert reason in why, why


def test_a_true_identity_is_accepted() -> None:
    assert verdicts(entry()) == {"law": ("proved", "")}


def test_a_false_goal_is_refused() -> None:
    refused(entry(goal=(L + R).data()), "does not balance")
    refused(entry(goal=(2 * L - R).data()), "does not balance")
    refused(entry(goal=[["1", ["L"]]]), "does not balance")


@pytest.mark.parametrize("number", ["-1", "2", "1/2", "0", "1000001/1000000"])
def test_a_changed_coefficient_is_refused(number: str) -> None:
    refused(entry(certificate=[[number, [], "left", ["R"]], ["-1", ["L"], "right", []]]), "does not balance")


def test_matrices_do_not_commute() -> None:
    """L A - A L = 0 for square matrices would follow from a commutative ring."""
    square = [["A", "n", "n", "a matrix"], ["L", "n", "n", "its left inverse"], ["R", "n", "n", "its right inverse"]]
    refused(entry(matrices=square, goal=(L * R - R * L).data(), certificate=[]), "does not balance")
    wrong = [["1", [], "left", ["R"]], ["-1", [], "right", ["L"]]]
    refused(entry(matrices=square, certificate=wrong), "does not balance")


def test_sizes_must_fit() -> None:
    refused(entry(goal=[["1", ["L"]], ["-1", ["A"]]]), "have one shape")
    refused(entry(goal=[["1", ["L", "R"]]]), "sizes in a word do not fit")
    refused(entry(certificate=[["1", ["R"], "left", []]]), "does not fit")
    refused(entry(certificate=[["1", ["A"], "left", ["R"]]]), "another shape")
    refused(entry(goal=[["1", []]]), "have one shape")
    refused(entry(goal=[["1", ["L"]], ["-1", []]]), "unit matrix is square")


def test_relations_that_cannot_hold_are_refused() -> None:
    """0 = 1 proves everything, so rational matrices must satisfy all relations."""
    absurd = [*INVERSES.data()["relations"], ["absurd", [["1", ["A", "L"]]], "A L is zero"]]
    refused(entry(relations=absurd), "the witness violates absurd")
    for value in (None, {}, {"sizes": {"m": "1", "n": "1"}, "matrices": {}}):
        refused(entry(witness=value), "witness")
    one = {"sizes": {"m": "1", "n": "1"}, "matrices": {"A": [["2"]], "L": [["1/2"]], "R": [["1/2"]]}}
    assert verdicts(entry(witness=one))["law"][0] == "proved"
    refused(entry(witness={**one, "sizes": {"m": "1", "n": "2"}}), "another size")
    refused(entry(witness={**one, "sizes": {"m": "100", "n": "100"}}), "from 1 to 4")


@pytest.mark.parametrize(
    "data",
    [
        [],
        [["1"]],
        [["0", ["L"]]],
        [["1", ["L"]], ["-1", ["L"]]],
        [["0.5", ["L"]]],
        [[1, ["L"]]],
        [["1", "L"]],
        [["1", ["X"]]],
        "L",
        None,
    ],
)
def test_sums_of_words_are_well_formed(data: Any) -> None:
    assert verdicts(entry(goal=data))["law"][0] == "failed"


def test_names_are_unique() -> None:
    data = INVERSES.data()
    refused(entry(matrices=[*data["matrices"], data["matrices"][0]]), "declared twice")
    refused(entry(relations=[*data["relations"], data["relations"][0]]), "named twice")


def test_an_unknown_relation_is_refused() -> None:
    refused(entry(certificate=[["1", [], "trust", ["R"]]]), "[coefficient, left, relation, right]")
    refused(entry(axiom="L = R"), "exactly the fields")


def test_a_fact_may_rest_on_an_identity() -> None:
    entries = toy(facts=[fact("below", ">=0", minus(symbol("x"), symbol("t")), ("law",))])
    entries["law"] = INVERSES.data()
    assert verdicts(entries)["toy"] == ("proved", "")
    entries["law"]["goal"] = (L + R).data()
    assert verdicts(entries)["toy"][0] == "failed"


def test_words_read_well() -> None:
    assert str(L * A - 1) == "L A - 1"
    assert str(1 - L * A) == "-L A + 1"
    assert str(Fraction(1, 2) * (L - R)) == "1/2 L - 1/2 R"
    assert str(L - L) == "0"
