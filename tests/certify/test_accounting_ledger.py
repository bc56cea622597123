"""The ledger: totals that are recomputed, a budget that holds, and a file that is whole or unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.accounting import (
    AdaptiveBudget,
    ApproximatePrivacy,
    ConcentratedPrivacy,
    GaussianPrivacy,
    Ledger,
    RenyiPrivacy,
    SampledGaussianPrivacy,
    compose,
    with_failure,
)
from certify.accounting import ledger as ledger_module
from certify.accounting.ledger import Entry
from certify.accounting.locking import alone_in
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


RECORD = """
import sys
from certify.accounting import Ledger
for place in range(int(sys.argv[3])):
    Ledger.record(sys.argv[1], {"kind": "gaussian", "mu": "0.01"}, f"{sys.argv[2]} {place}")
"""


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path, each, writers = tmp_path / "ledger.json", 6, ("a", "b", "c", "d")
    filled(1).save(path)
    running = [subprocess.Popen([sys.executable, "-c", RECORD, str(path), name, str(each)]) for name in writers]
    assert [process.wait(timeout=60) for process in running] == [0] * len(writers)
    names = [entry.name for entry in Ledger.load(path).entries]
    assert names[0] == "release 1" and len(names) == 1 + each * len(writers)
    for name in writers:
        assert [entry for entry in names if entry.startswith(name)] == [f"{name} {place}" for place in range(each)]
    assert [place.name for place in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.parametrize("locked", [True, False])
def test_the_lock_is_what_keeps_the_entry_of_another_writer(
    locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer comes between reading and writing: with the lock it has to wait, without one its entry is lost."""
    path, write, refused = tmp_path / "ledger.json", ledger_module.write_file, []
    filled(1).save(path)
    monkeypatch.setattr(ledger_module, "alone_in", lambda folder: alone_in(folder, 0.1) if locked else nullcontext())

    def interrupted(place: Path, content: bytes) -> None:
        monkeypatch.setattr(ledger_module, "write_file", write)
        try:
            Ledger.record(path, GaussianPrivacy.of("0.1"), "theirs")
        except InputError as problem:
            refused.append(str(problem))
        write(place, content)

    monkeypatch.setattr(ledger_module, "write_file", interrupted)
    Ledger.record(path, GaussianPrivacy.of("0.1"), "mine")
    assert [entry.name for entry in Ledger.load(path).entries] == ["release 1", "mine"]
    assert len(refused) == locked
    if locked:
        assert "another process is writing" in refused[0] and "\n" not in refused[0]
        Ledger.record(path, GaussianPrivacy.of("0.1"), "theirs")
        assert [entry.name for entry in Ledger.load(path).entries] == ["release 1", "mine", "theirs"]


def test_a_ledger_is_not_saved_while_another_writer_holds_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "alone_in", lambda folder: alone_in(folder, 0.1))
    path = tmp_path / "ledger.json"
    with alone_in(tmp_path):
        for write in (lambda: filled().save(path), lambda: Ledger.record(path, GaussianPrivacy.of("0.1"), "mine")):
            with pytest.raises(InputError, match="another process is writing"):
                write()
    assert list(tmp_path.iterdir()) == []
    filled().save(path)
    assert Ledger.load(path) == filled()


def test_of_two_that_extend_one_reading_the_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    filled(1).save(path)
    mine, theirs = (Ledger.load(path).append(GaussianPrivacy.of("0.1"), name) for name in ("mine", "theirs"))
    theirs.save(path)
    with pytest.raises(InputError, match="read it again"):
        mine.save(path)
    assert Ledger.load(path) == theirs


def test_two_names_of_a_ledger_are_one_ledger(tmp_path: Path) -> None:
    path, link = tmp_path / "ledger.json", tmp_path / "elsewhere" / "link.json"
    link.parent.mkdir()
    filled(1).save(path)
    link.symlink_to(path)
    Ledger.record(link, GaussianPrivacy.of("0.1"), "through the link")
    assert link.is_symlink() and len(Ledger.load(path).entries) == 2


@pytest.mark.parametrize("place", ["nowhere/ledger.json", "nul\0.json"])
def test_a_place_that_cannot_be_held_is_one_line(place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        filled().save(tmp_path / place)
    assert "\n" not in str(refusal.value)


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "SIZE_LIMIT", 400)
    filled(1).save(tmp_path / "ledger.json")
    with pytest.raises(InputError, match="begin a new one"):
        filled(5).save(tmp_path / "ledger.json")
    assert Ledger.load(tmp_path / "ledger.json") == filled(1)


def test_a_ledger_that_is_one_way_says_so() -> None:
    assert filled().direction is Direction.TWO_WAY
    assert filled().append(ConcentratedPrivacy.of("0.001", Direction.ONE_WAY), "one way").direction is Direction.ONE_WAY


def test_the_worst_release_is_found_among_all_kinds() -> None:
    kinds = [
        GaussianPrivacy.of("0.05"), GaussianPrivacy.of("0.1"), ConcentratedPrivacy.of("0.001"), ConcentratedPrivacy.of("0.004"),
        RenyiPrivacy.of({8: "0.01"}), ApproximatePrivacy.of("0.05", "1e-7"), ApproximatePrivacy.of("0.2", "1e-7"),
    ]  # fmt: skip
    for chosen in [
        kinds[2:4][::-1],
        *(kinds[first:] for first in range(len(kinds))),
        *(kinds[:last][::-1] for last in range(1, len(kinds))),
    ]:
        totals = replace(Ledger.open(epsilon=9, delta="1e-5"), entries=tuple(Entry("x", kind) for kind in chosen)).totals()
        assert totals.per_release.value == max(compose([kind], delta="1e-5").epsilon.value for kind in chosen)


def test_thousands_of_releases_are_recorded_quickly() -> None:
    entries = tuple(Entry("x", GaussianPrivacy.of(Fraction(1, 1000 + place))) for place in range(5000))
    ledger = replace(Ledger.open(epsilon=9, delta="1e-5"), entries=entries)
    started = time.perf_counter()
    ledger.append(GaussianPrivacy.of("1e-3"), "one more")
    assert time.perf_counter() - started < 1.5  # one composition a release took 7


def test_numbers_of_many_digits_come_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    fine = Fraction(3**900 + 1, 7 * 3**900)
    for ledger in (
        Ledger.open(epsilon=fine, delta=Fraction(1, 3**900)).append(ApproximatePrivacy.of(fine / 3, 0), "one"),
        Ledger.open(budget=AdaptiveBudget.gaussian(fine), delta=fine / 3**10),
        Ledger.open(budget=AdaptiveBudget.renyi(2 + fine, fine), delta=fine / 3**10),
        Ledger.open(epsilon=9, delta="1e-5").append(SampledGaussianPrivacy.of(fine, 9 + fine, 3), "one"),
    ):
        ledger.save(path)
        assert Ledger.load(path) == ledger
        path.unlink()


def test_a_total_of_another_machine_may_differ_in_its_last_digits(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = Ledger.open(epsilon=1, delta="1e-5").append(ConcentratedPrivacy.of("0.001"), "one")
    ledger.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    stated = Fraction(content["totals"]["transcript"])
    for factor, agrees in ((Fraction(10**12 - 1, 10**12), True), (Fraction(10**8 - 1, 10**8), False)):
        content["totals"]["transcript"] = str(stated * factor)
        path.write_text(json.dumps(content), encoding="utf-8")
        if agrees:
            assert Ledger.load(path).totals().transcript.rational == stated  # composed, not believed
        else:
            with pytest.raises(InputError, match="was changed"):
                Ledger.load(path)


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
        (lambda content: content["releases"][0].update(name="\x1b[2J"), "release 1: the name"),
        (lambda content: content["releases"][0].update(name=7), "release 1: the name"),
        (lambda content: content["budget"].update(epsilon="9" * 4500), "epsilon"),
        (lambda content: content["totals"].update(transcript="9" * 2499 + "/" + "7" * 2600), "transcript"),
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


def test_prices_are_squares_and_rhos_and_divergences() -> None:
    two = [GaussianPrivacy.of("0.6"), GaussianPrivacy.of("0.2")]
    assert AdaptiveBudget.gaussian(1).spent(two) == Fraction(40, 100)
    assert AdaptiveBudget.zcdp(1).spent([*two, ConcentratedPrivacy.of("0.3")]) == Fraction(50, 100)
    assert float(AdaptiveBudget.renyi(5, 9).spent([*two, RenyiPrivacy.of({5: "0.5"})])) == pytest.approx(1.5, rel=1e-14)


def test_a_pure_guarantee_has_a_price_in_zcdp_and_at_an_order() -> None:
    pure = ApproximatePrivacy.of("0.2", 0)
    assert AdaptiveBudget.zcdp(1).price(pure).rational == Fraction(1, 50)
    assert AdaptiveBudget.renyi(4, 1).price(pure).value == pytest.approx(0.08, rel=1e-15)
    for refused in (ApproximatePrivacy.of("0.2", "1e-9"), ApproximatePrivacy.of("0.2", 0, Direction.ONE_WAY)):
        with pytest.raises(InputError, match="no known price"):
            AdaptiveBudget.zcdp(1).price(refused)


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
