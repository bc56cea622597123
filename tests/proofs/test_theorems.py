"""Every theorem is accepted, its false sibling is false and refused, and damaged proofs are refused."""

from __future__ import annotations

import copy
import dataclasses
import time
from fractions import Fraction
from typing import Any

import pytest
from books import entries_of, number, verdicts

from certify.proofs import book, proving, registry
from certify.proofs.expression import Expression
from certify.proofs.readers import as_float, as_fraction
from certify.proofs.sides import Side
from certify.proofs.status import Status
from certify.proofs.theorem import Theorem

IDENTIFIERS = tuple(registry.theorems())
OPPOSITE = {"upper": "lower", "lower": "upper"}


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_theorem_is_proved(identifier: str) -> None:
    outcome = proving.prove(identifier)
    assert outcome.reason == ""
    assert outcome.status is Status.PROVED
    assert registry.status(identifier) >= Status.ENCLOSED


def test_only_what_rests_on_an_enclosure_is_enclosed() -> None:
    enclosed = {name for name in IDENTIFIERS if registry.status(name) is Status.ENCLOSED}
    assert enclosed == {name for name in IDENTIFIERS if set(registry.closure(name)) & set(registry.enclosures())}
    assert enclosed == {"logistic.gradient-at-minimiser"}


def test_the_whole_proving_takes_seconds() -> None:
    proving.prove.cache_clear()
    start = time.perf_counter()
    for name in book.identifiers():
        proving.prove(name)
    assert time.perf_counter() - start < 10


# ---------------------------------------------------------------- false siblings


def sibling_of(statement: Theorem) -> dict[str, Any]:
    sibling = statement.false_sibling
    assert sibling is not None
    assert statement.proof is not None
    facts = tuple(fact for fact in statement.proof.facts if fact.name not in sibling.dropped)
    changed = dataclasses.replace(
        statement, formula=sibling.formula or statement.formula, proof=dataclasses.replace(statement.proof, facts=facts)
    )
    return book.theorem_entry(changed)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_false_sibling_is_refused(identifier: str) -> None:
    entries = entries_of(identifier)
    entries[identifier] = sibling_of(registry.theorem(identifier))
    verdict, why = verdicts(entries)[identifier]
    assert verdict == "failed"
    assert "pinned" not in why
    assert "digest" not in why
    assert "malformed" not in why


def holds(kind: str, slack: Expression, values: dict[str, Fraction]) -> bool:
    try:
        number = as_fraction(slack, values)
    except ValueError:  # irrational: doubles with a margin
        number = Fraction(as_float(slack, {name: float(value) for name, value in values.items()}))
        return number > 1e-9 if kind == ">0" else number >= -1e-9 if kind == ">=0" else abs(number) < 1e-9
    return number > 0 if kind == ">0" else number >= 0 if kind == ">=0" else number == 0


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_false_sibling_is_false(identifier: str) -> None:
    """At the counterexample every fact holds, the theorem holds, and the sibling fails."""
    statement = registry.theorem(identifier)
    sibling, proof = statement.false_sibling, statement.proof
    assert sibling is not None
    assert proof is not None
    if sibling.counterexample is None:
        assert identifier in {"gaussian.profile", "logistic.gradient-at-minimiser"}  # measured in test_instances.py
        return
    values = {name: Fraction(value) for name, value in sibling.counterexample.items()}
    for hypothesis in statement.hypotheses:
        assert hypothesis.domain.admits(values[hypothesis.symbol])
    for fact in proof.facts:
        if fact.name not in sibling.dropped:
            assert holds(fact.kind, fact.slack, values), fact.name
    for citation in proof.citations:
        other = registry.theorem(citation.cites)
        inner = {name: as_fraction(_expression(value), values) for name, value in citation.values.items()}
        assert citation.target is not None
        slack = as_float(other.formula, {name: float(value) for name, value in inner.items()}) - float(
            as_fraction(citation.target, values)
        )
        assert (slack if other.conclusion.side is Side.UPPER else -slack) >= -1e-12
    sign = 1 if statement.conclusion.side is Side.UPPER else -1
    target = float(values[proof.target])
    doubles = {name: float(value) for name, value in values.items()}
    assert sibling.formula is not None
    assert sign * (as_float(statement.formula, doubles) - target) >= -1e-12
    assert sign * (as_float(sibling.formula, doubles) - target) < -1e-3


def _expression(value: Any) -> Expression:
    from certify.proofs.expression import expression

    return expression(value)


# ---------------------------------------------------------------- other statements


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_bound_on_the_wrong_side_is_refused(identifier: str) -> None:
    """Turning round the side of any hypothesis that the formula depends on makes the theorem unusable, and refused."""
    statement = registry.theorem(identifier)
    for index, hypothesis in enumerate(statement.hypotheses):
        if hypothesis.side is Side.EXACT or hypothesis.symbol not in statement.formula.free_symbols:
            continue
        entries = entries_of(identifier)
        entries[identifier]["hypotheses"][index]["side"] = OPPOSITE[hypothesis.side.value]
        assert verdicts(entries)[identifier][0] == "failed", hypothesis.symbol


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_formula_smaller_by_a_millionth_is_refused(identifier: str) -> None:
    factor = "1000001/1000000" if registry.theorem(identifier).conclusion.side is Side.LOWER else "999999/1000000"
    entries = entries_of(identifier)
    formula = entries[identifier]["formula"]
    entries[identifier]["formula"] = ["product", number(factor), formula] if formula != number(0) else number("-1/1000000")
    assert verdicts(entries)[identifier][0] == "failed"


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_every_fact_is_needed(identifier: str) -> None:
    """A proof that does without a fact, a citation or a term would claim more premises than it uses."""
    for part in ("facts", "citations", "terms", "congruences"):
        for index in range(len(book.entry(identifier)["proof"][part])):
            entries = entries_of(identifier)
            removed = entries[identifier]["proof"][part].pop(index)
            assert verdicts(entries)[identifier][0] == "failed", removed


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_statements_read_well(identifier: str) -> None:
    statement = registry.theorem(identifier)
    assert statement.statement.endswith(".")
    assert statement.source
    assert statement.formula.free_symbols <= set(statement.symbols)
    assert len(set(statement.rests_on)) == len(statement.rests_on)
    for hypothesis in statement.hypotheses:
        assert hypothesis.meaning
        assert hypothesis.unit


def test_an_unpinned_change_is_assumed_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status of a theorem whose claim differs from the pinned one drops to assumed."""
    pins = {**book.pins(), "output.residual": "0" * 64}
    monkeypatch.setattr(book, "pins", lambda: pins)
    proving.prove.cache_clear()
    try:
        assert registry.status("output.residual") is Status.ASSUMED
        assert registry.status("output.worst-case") is Status.ASSUMED
        assert "pinned" in proving.prove("output.residual").reason
        assert set(registry.refusals("output.worst-case")) == {"output.residual"}
        assert registry.status("gaussian.mu") is Status.PROVED
    finally:
        proving.prove.cache_clear()


def test_entries_are_not_shared() -> None:
    before = copy.deepcopy(book.entry("output.residual"))
    entries_of("output.residual")["output.residual"]["formula"] = None
    assert book.entry("output.residual") == before
