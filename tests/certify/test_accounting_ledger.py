"""The ledger: totals that are recomputed, a budget that holds, and a file that is whole or unchanged."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.accounting import (
    AdaptiveBudget,
    ConcentratedPrivacy,
    GaussianPrivacy,
    Ledger,
    RenyiPrivacy,
    SampledGaussianPrivacy,
    compose,
    with_failure,
)
from certify.bounds.bound import Bound
from certify.bounds.evidence import Declared
from certify.errors import InputError
from certify.guarantee import Direction
from certify.proofs.sides import Side


def filled(count: int = 3, mu: str = "0.1") -> Ledger:
    ledger = Ledger.open(epsilon=1, delta="1e-5")
    for place in range(count):
        ledger = ledger.append({"kind": "gaussian", "mu": mu}, f"release {place + 1}")
    return ledger


def test_per_release_and_transcript_are_different_promises() -> None:
    totals = filled().totals()
    assert totals.per_release == GaussianPrivacy.of("0.1").epsilon("1e-5")
    assert totals.transcript == compose([GaussianPrivacy.of("0.1")] * 3, delta="1e-5").epsilon
    assert totals.per_release.value < totals.transcript.value


def test_an_empty_ledger_has_spent_nothing() -> None:
    ledger = Ledger.open(epsilon=1, delta="1e-5")
    assert ledger.totals().transcript.value == 0 and ledger.remaining() == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.fractions(Fraction(1, 50), Fraction(1, 5), max_denominator=100), min_size=1, max_size=6))
def test_the_rest_of_the_budget_only_shrinks(parameters: list[Fraction]) -> None:
    ledger = Ledger.open(epsilon=5, delta="1e-5")
    rests = [ledger.remaining()]
    for mu in parameters:
        ledger = ledger.append(GaussianPrivacy.of(mu), "one")
        rests.append(ledger.remaining())
    assert rests == sorted(rests, reverse=True)


def test_what_exceeds_the_budget_is_refused_and_changes_nothing() -> None:
    ledger = filled()
    with pytest.raises(InputError, match="does not cover 'too much'") as refusal:
        ledger.append({"kind": "gaussian", "mu": 1}, "too much")
    assert "\n" not in str(refusal.value)
    assert ledger == filled()
    with pytest.raises(InputError, match="does not cover"):
        ledger.append({"kind": "approximate", "epsilon": "0.01", "delta": "1e-5"}, "the whole of delta")


def test_an_exhausted_budget_says_so() -> None:
    spent = compose([GaussianPrivacy.of("0.1")], delta="1e-5").epsilon.rational
    ledger = Ledger.open(epsilon=spent, delta="1e-5").append(GaussianPrivacy.of("0.1"), "all of it")
    assert ledger.remaining() == 0
    with pytest.raises(InputError, match="already exhausted") as refusal:
        ledger.append(GaussianPrivacy.of("0.0001"), "a crumb")
    assert "\n" not in str(refusal.value)


def test_a_ledger_reads_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = filled().append({"mechanism": "gaussian", "sigma": "3e-3", "sensitivity": "1e-4", "count": 2}, "a pair")
    ledger.save(path)
    assert Ledger.load(path) == ledger
    longer = Ledger.load(path).append(GaussianPrivacy.of("0.05"), "one more")
    longer.save(path)
    assert Ledger.load(path).entries[:4] == ledger.entries


def test_a_file_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    filled(3).save(path)
    before = path.read_bytes()
    for other in (filled(2), filled(3, "0.05"), Ledger.open(epsilon=2, delta="1e-5")):
        with pytest.raises(InputError, match="holds another ledger"):
            other.save(path)
    assert path.read_bytes() == before


def test_a_ledger_is_never_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.json"
    filled(2).save(path)
    before = path.read_bytes()
    for broken in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*_: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(os, broken, fail)
            with pytest.raises(InputError, match="No space left"):
                filled(3).save(path)
        assert path.read_bytes() == before
        assert [place.name for place in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.parametrize("name", ["per_release", "transcript"])
def test_a_tampered_total_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "ledger.json"
    filled().save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["totals"][name] = str(Fraction(content["totals"][name]) * Fraction(999_999, 1_000_000))
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=f"was changed: its releases compose to {name}"):
        Ledger.load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content["releases"].pop(), "was changed"),
        (lambda content: content["releases"][0]["privacy"].update(square="1/1000"), "was changed"),
        (lambda content: content["releases"][0]["privacy"].update(square="9"), "does not cover"),
        (lambda content: content["releases"][0]["privacy"].update(square="-1"), "release 1"),
        (lambda content: content["releases"][0].pop("name"), "is damaged"),
        (lambda content: content["budget"].update(epsilon="0.1"), "does not cover"),
        (lambda content: content["budget"].update(delta="0"), "strictly between 0 and 1"),
        (lambda content: content.update(releases={}), "no list"),
        (lambda content: content.update(format="certify-ledger/9"), "no ledger of the format"),
        (lambda content: content.update(note="hello"), "no ledger, or is damaged"),
        (lambda content: content["totals"].update(transcript="much"), "transcript must be a finite number"),
    ],
)
def test_a_tampered_or_damaged_file_gets_one_line(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "ledger.json"
    filled().save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=words) as refusal:
        Ledger.load(path)
    assert "\n" not in str(refusal.value)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    filled().save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="no JSON"):
        Ledger.load(path)
    with pytest.raises(InputError, match="no JSON"):
        filled(4).save(path)


def test_a_function_cannot_be_written_down(tmp_path: Path) -> None:
    ledger = Ledger.open(epsilon=1, delta="1e-5").append(with_failure(GaussianPrivacy.of("0.1"), "1e-7"), "failing")
    with pytest.raises(InputError, match="convert it first"):
        ledger.save(tmp_path / "ledger.json")
    assert not (tmp_path / "ledger.json").exists()


@pytest.mark.parametrize("name", ["", "x" * 300, "two\nlines"])
def test_a_name_is_one_short_line(name: str) -> None:
    with pytest.raises(InputError, match="printable"):
        Ledger.open(epsilon=1, delta="1e-5").append(GaussianPrivacy.of("0.1"), name)


BUDGETS = {
    "gaussian": (AdaptiveBudget.gaussian(1), GaussianPrivacy.of("0.6"), GaussianPrivacy.of(1)),
    "zcdp": (AdaptiveBudget.zcdp("0.5"), GaussianPrivacy.of("0.6"), ConcentratedPrivacy.of("0.5")),
    "renyi": (AdaptiveBudget.renyi(8, 4), SampledGaussianPrivacy.of("0.01", 1, 100), RenyiPrivacy.of({8: 4})),
}


@pytest.mark.parametrize("currency", BUDGETS)
def test_noise_that_depends_on_outcomes_gets_the_guarantee_of_the_whole_budget(currency: str, tmp_path: Path) -> None:
    budget, release, whole = BUDGETS[currency]
    ledger = Ledger.open(budget=budget, delta="1e-5")
    assert ledger.parameters == "may depend on earlier outcomes" and filled().parameters == "fixed beforehand"
    assert ledger.totals().transcript == ledger.epsilon and ledger.epsilon.value == whole.epsilon("1e-5").value
    longer = ledger.append(release, "first")
    assert longer.totals().transcript == ledger.epsilon
    assert longer.totals().per_release.value < ledger.epsilon.value
    assert longer.spent() == budget.price(release).rational and longer.remaining() + longer.spent() == budget.allowed.rational
    with pytest.raises(InputError, match=f"does not cover 'the whole again'.*in the currency {currency}") as refusal:
        longer.append(whole, "the whole again")
    assert "\n" not in str(refusal.value)
    assert ledger.append(whole, "all").remaining() == 0
    with pytest.raises(InputError, match="already exhausted"):
        ledger.append(whole, "all").append(release, "a crumb")
    longer.save(tmp_path / "ledger.json")
    assert Ledger.load(tmp_path / "ledger.json") == longer
    with pytest.raises(InputError, match="holds another ledger"):
        Ledger.open(epsilon=9, delta="1e-5").append(release, "first").save(tmp_path / "ledger.json")


def test_a_look_at_outcomes_is_not_a_gain_over_the_budget() -> None:
    """The premise matters: an adversary who stops when the sum *looks* small has spent the budget, not the sum."""
    ledger = Ledger.open(budget=AdaptiveBudget.gaussian(1), delta="1e-5").append(GaussianPrivacy.of("0.1"), "stop here")
    assert ledger.totals().transcript.value == GaussianPrivacy.of(1).epsilon("1e-5").value
    assert ledger.totals().transcript.value > 5 * GaussianPrivacy.of("0.1").epsilon("1e-5").value


def test_the_parameters_that_a_file_states_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    filled().save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["parameters"] == "fixed beforehand"
    for change, words in (
        ({"parameters": "may depend on earlier outcomes"}, "was changed: under its budget parameters are fixed beforehand"),
        ({"budget": {"currency": "gaussian", "allowed": "1", "delta": "1/100000"}}, "was changed"),
        ({"budget": {"currency": "euro", "allowed": "1", "delta": "1/100000"}}, "unknown currency"),
        ({"budget": {"currency": ["gaussian"], "allowed": "1", "delta": "1/100000"}}, "unknown currency"),
        ({"budget": {"currency": "renyi", "allowed": "1", "delta": "1/100000"}}, "names an order"),
        ({"budget": {"currency": "zcdp", "order": "2", "allowed": "1", "delta": "1/100000"}}, "names an order"),
        ({"budget": {"currency": "zcdp", "allowed": "-1", "delta": "1/100000"}}, "allowed"),
    ):
        path.write_text(json.dumps(content | change), encoding="utf-8")
        with pytest.raises(InputError, match=words) as refusal:
            Ledger.load(path)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("budget", "release", "words"),
    [
        (AdaptiveBudget.gaussian(1), ConcentratedPrivacy.of("0.1"), "no known price in the currency gaussian"),
        (AdaptiveBudget.zcdp(1), RenyiPrivacy.of({2: 1}), "no known price in the currency zcdp"),
        (AdaptiveBudget.renyi(3, 1), RenyiPrivacy.of({2: 1}), "no known price in the currency renyi at order 3"),
        (AdaptiveBudget.renyi("2.5", 1), SampledGaussianPrivacy.of("0.01", 1, 1), "no known price"),
        (AdaptiveBudget.gaussian(1), GaussianPrivacy.of("0.1", Direction.ONE_WAY), "hold surely, in both directions"),
        (AdaptiveBudget.gaussian(1), GaussianPrivacy.of(Bound(0.1, Side.UPPER, Declared("given"), 1e-9)), "hold surely"),
    ],
)
def test_what_has_no_price_in_the_currency_is_refused(budget: AdaptiveBudget, release: GaussianPrivacy, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        Ledger.open(budget=budget, delta="1e-5").append(release, "one")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "and not both"), ({"epsilon": 1, "budget": AdaptiveBudget.zcdp(1)}, "and not both")],
)
def test_a_ledger_has_one_budget(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Ledger.open(delta="1e-5", **arguments)  # type: ignore[arg-type]


def test_an_order_is_above_one() -> None:
    with pytest.raises(InputError, match="greater than 1"):
        AdaptiveBudget.renyi(1, 1)
