"""Inductions over sequences: a true one is accepted, and every way to cheat with one is refused."""

from __future__ import annotations

from typing import Any

import pytest
from books import fact, minus, number, step, symbol, toy, verdicts

from certify.proofs import checker

Z, NEXT, X, T = symbol("z"), symbol("z_next"), symbol("x"), symbol("t")
SEQUENCE = {"now": "z", "next": "z_next", "first": "z_first", "last": "z_last", "words": "a number after some steps"}
FACTS = [
    fact("start", ">=0", minus(X, symbol("z_first"))),
    fact("falls", ">=0", minus(Z, NEXT)),
    fact("end", "==0", minus(symbol("z_last"), T)),
]
INDUCTION = {
    "name": "below",
    "induction": minus(X, Z),
    "base": [step([["1", number(1), ["start"]]])],
    "step": [step([["1", number(1), ["below"]], ["1", number(1), ["falls"]]])],
}
CONCLUSION = step([["1", number(1), ["below"]]], [[number(1), "end"]])
WITNESS = {"x": "3", "t": "1", "z": "3", "z_next": "1", "z_first": "3", "z_last": "1"}


def falling(**changes: Any) -> dict[str, Any]:
    """``t <= x``: a sequence starts at most at x, never grows, and ends at t."""
    whole: dict[str, Any] = {"sequences": [SEQUENCE], "facts": FACTS, "witness": WITNESS, "steps": [INDUCTION, CONCLUSION]}
    return toy(**{**whole, **changes})


def refused(entries: dict[str, Any], reason: str) -> None:
    verdict, why = verdicts(entries)["toy"]
    assert verdict == "failed"
    assert reason in why, why


def test_a_true_induction_is_accepted() -> None:
    assert verdicts(falling())["toy"] == ("proved", "")


@pytest.mark.parametrize("dropped", ["start", "falls", "end"])
def test_every_premise_is_needed(dropped: str) -> None:
    refused(falling(facts=[row for row in FACTS if row["name"] != dropped]), "no fact is called")


def test_the_base_and_the_step_are_proofs() -> None:
    for part in ("base", "step"):
        refused(falling(steps=[{**INDUCTION, part: []}, CONCLUSION]), "without steps")
        refused(falling(steps=[{**INDUCTION, part: [step([["1", number(1), ["falls"]]])]}, CONCLUSION]), "does not balance")
        refused(
            falling(steps=[{name: data for name, data in INDUCTION.items() if name != part}, CONCLUSION]), "exactly the fields"
        )


def test_a_growing_sequence_has_no_bound() -> None:
    refused(
        falling(
            facts=[FACTS[0], fact("falls", ">=0", minus(NEXT, Z)), FACTS[2]],
            witness={**WITNESS, "z_next": "3", "z_last": "3", "t": "3"},
        ),
        "balance",
    )


def test_the_base_may_not_assume_what_is_handed_on() -> None:
    circular = {**INDUCTION, "base": [step([["1", number(1), ["below"]]])]}
    refused(falling(steps=[circular, CONCLUSION]), "no fact is called")


def test_nothing_is_known_of_the_last_step_before_the_induction() -> None:
    refused(falling(steps=[CONCLUSION]), "no fact is called")
    refused(falling(steps=[INDUCTION]), "last step of a proof is its conclusion")


def test_an_induction_states_one_step_of_a_sequence() -> None:
    refused(falling(steps=[{**INDUCTION, "induction": minus(X, NEXT)}, CONCLUSION]), "an induction is about a sequence")
    both = minus(minus(X, NEXT), Z)
    refused(falling(steps=[{**INDUCTION, "induction": both}, CONCLUSION]), "not at the next")
    refused(falling(steps=[{**INDUCTION, "induction": minus(X, T)}, CONCLUSION]), "about a sequence")


def test_what_holds_at_one_step_is_no_premise_of_an_induction() -> None:
    """In the case z_next <= z of some step, z would fall at every step: false, so a case on a moving value admits no induction."""
    falls = {**INDUCTION, "step": [step([["1", number(1), ["below"]], ["1", number(1), ["case"]]])]}
    level = {**INDUCTION, "step": [step([["1", number(1), ["below"]]], [[number(1), "case"]])]}
    facts = [FACTS[0], FACTS[2]]
    split = {
        "name": "case", "split": minus(Z, NEXT),
        "cases": {"positive": [falls, CONCLUSION], "zero": [level, CONCLUSION], "negative": [falls, CONCLUSION]},
    }  # fmt: skip
    refused(falling(facts=facts, steps=[split]), "known at one step only")


def test_a_case_on_a_constant_admits_an_induction() -> None:
    split = {"name": "case", "split": X, "cases": {"positive": [INDUCTION, CONCLUSION], "zero": [INDUCTION, CONCLUSION]}}
    assert verdicts(falling(steps=[split]))["toy"][0] == "proved"


def test_a_case_on_a_term_of_a_moving_value_admits_none() -> None:
    term = ["exp", Z]
    split = {
        "name": "case",
        "split": minus(term, number(1)),
        "cases": {key: [INDUCTION, CONCLUSION] for key in ("positive", "zero", "negative")},
    }
    refused(falling(terms=[["e", term]], witness={**WITNESS, "e": "2"}, steps=[split]), "known at one step only")


def test_an_induction_inside_the_step_of_another_is_refused() -> None:
    inner = {**INDUCTION, "name": "again"}
    outer = {**INDUCTION, "step": [inner, *INDUCTION["step"]]}
    refused(falling(steps=[outer, CONCLUSION]), "known at one step only")


@pytest.mark.parametrize("name", ["now", "next", "first", "last"])
def test_the_four_values_are_four_variables(name: str) -> None:
    refused(falling(sequences=[{**SEQUENCE, name: "t"}]), "declared twice")
    refused(falling(sequences=[{field: value for field, value in SEQUENCE.items() if field != name}]), "exactly the fields")


def test_the_witness_is_a_sequence_of_one_step() -> None:
    """A sequence that grows by one at each step and ends where it began contradicts itself, though no single fact shows it."""
    facts = [
        fact("grows", "==0", minus(minus(NEXT, Z), number(1))),
        fact("closed", "==0", minus(symbol("z_last"), symbol("z_first"))),
    ]
    absurd = {"x": "1", "t": "1", "z": "0", "z_next": "1", "z_first": "0", "z_last": "0"}
    below = fact("below", ">=0", minus(X, T))
    refused(falling(facts=[*facts, below], witness=absurd, steps=[step([["1", number(1), ["below"]]])]), "a sequence of one step")
    refused(falling(witness={**WITNESS, "z": "2"}), "a sequence of one step")


def test_sequences_are_read_by_people() -> None:
    """What the four names mean is pinned with the facts: a book that calls other variables a sequence is another claim."""
    one, other = falling()["toy"], falling(sequences=[{**SEQUENCE, "words": "something else"}])["toy"]
    assert checker.claim_digest(one) != checker.claim_digest(other)
