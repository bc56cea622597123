"""Deletion capacity: what is covered is covered, one more is not claimed, and the answer is monotone in everything."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from fractions import Fraction

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certify
from certify.bounds.derive import derive
from certify.capacities import capacity
from certify.cli import main
from certify.continual import last_variance, worst_case
from certify.errors import InputError

USUAL = {"l2": "0.1", "epsilon": 1, "delta": "1e-5", "sigma": "0.1"}


def counts(**changes: object) -> dict[str, int]:
    found = capacity(changes.pop("records", 100_000), **{**USUAL, **changes})  # type: ignore[arg-type]
    return {way.name: way.deletions for way in found.ways}


def test_what_is_covered_is_covered_and_one_more_is_not_claimed() -> None:
    """Each count again through the theorem on the distance itself, not the one on the capacity."""
    found = capacity(100_000, **USUAL)  # type: ignore[arg-type]
    ways = {way.name: way.deletions for way in found.ways}
    gradient, third = (derive(f"logistic.{name}", row_norm=1) for name in ("gradient-at-minimiser", "hessian-lipschitz"))
    convexity = Fraction(1, 10)

    def output(m: int) -> float:
        return derive("output.worst-case", n=100_000, m=m, lipschitz=gradient, strong_convexity=convexity).value

    def step(m: int) -> float:
        return derive(
            "newton.one-step", n=100_000, m=m, lipschitz=gradient, hessian_lipschitz=third, strong_convexity=convexity
        ).value

    for way, distance in (("output perturbation", output), ("one Newton step", step)):
        assert distance(ways[way]) <= found.budget.value < distance(ways[way] + 2)
        assert certify.noise(epsilon=1, sensitivity=distance(ways[way]), sigma="0.1").delta.value <= 1e-5
    for name in ("random-walk", "independent"):
        m = ways[f"continual, {name}"]
        for more, holds in ((0, True), (1, False)):
            constants = worst_case(m + more, records=100_000, ridge=10_000)
            assert last_variance(constants, found.mu, name).at_most(Fraction(1, 100)) is holds  # type: ignore[arg-type]


@given(st.sampled_from(["l2", "epsilon", "delta", "sigma", "records", "row_norm"]), st.floats(1.1, 8))
def test_more_of_anything_good_covers_no_fewer(name: str, factor: float) -> None:
    base = {"l2": 0.1, "epsilon": 1.0, "delta": 1e-5, "sigma": 0.1, "records": 20_000, "row_norm": 1.0}
    more = dict(base)
    more[name] = int(base[name] * factor) if name == "records" else base[name] * factor
    before, after = counts(**base), counts(**more)
    for way in before:
        assert after[way] <= before[way] if name == "row_norm" else after[way] >= before[way], (way, before, after)


def test_a_budget_is_noise_or_distance_or_risk() -> None:
    """The three ways to state one budget give the same counts, and the risk is what the theorem on it says."""
    by_noise = capacity(100_000, **USUAL)  # type: ignore[arg-type]
    base = {"l2": "0.1", "epsilon": 1, "delta": "1e-5"}
    by_distance = capacity(100_000, **base, distance_budget=by_noise.budget.rational)  # type: ignore[arg-type]
    assert by_distance.ways == by_noise.ways
    smoothness = Fraction(1, 4) + Fraction(1, 10)
    risk = derive(
        "utility.excess-risk", smoothness=smoothness, distance=by_noise.budget.rational, dimension=20, sigma=Fraction(1, 10)
    )
    by_risk = capacity(100_000, **base, excess_risk=risk.rational, dimension=20)  # type: ignore[arg-type]
    assert by_risk.budget.value == pytest.approx(by_noise.budget.value, rel=1e-12)
    for a, b in zip(by_risk.ways, by_noise.ways, strict=True):
        assert abs(a.deletions - b.deletions) <= 1
    tighter = capacity(100_000, **base, excess_risk=risk.rational, dimension=200)  # type: ignore[arg-type]
    assert tighter.budget.value < by_risk.budget.value / 2


def test_an_exhausted_budget_covers_nothing() -> None:
    assert set(counts(records=1000, sigma="1e-9").values()) == {0}


@given(st.integers(1, 60), st.integers(1, 2000))
def test_retraining_is_cheaper_from_some_request_on(deletion: int, retraining: int) -> None:
    found = capacity(1000, **USUAL, deletion_passes=deletion, retraining_passes=retraining)  # type: ignore[arg-type]
    after = found.retrain_after
    assert after is not None and after * deletion > retraining >= (after - 1) * deletion
    assert f"at {deletion} passes over the data a deletion and {retraining} a retraining" in str(found)
    assert f"less than {after} requests" in str(found)


def test_nothing_is_said_of_when_to_retrain_without_the_costs() -> None:
    found = capacity(1000, **USUAL)  # type: ignore[arg-type]
    assert found.retrain_after is None
    assert "when to retrain: not said" in str(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"records": 1}, "records"),
        ({"records": True}, "records"),
        ({"l2": 0}, "l2"),
        ({"sigma": 0}, "sigma"),
        ({"sigma": math.inf}, "sigma"),
        ({"epsilon": -1}, "epsilon"),
        ({"delta": 0}, "delta"),
        ({"delta": 1}, "delta"),
        ({"row_norm": 0}, "row_norm"),
        ({"row_norm": "1e200"}, "row_norm"),
        ({"sigma": None}, "exactly one of sigma, distance_budget, excess_risk; given: none"),
        ({"distance_budget": 1}, "exactly one of"),
        ({"sigma": None, "distance_budget": 0}, "distance_budget"),
        ({"sigma": None, "excess_risk": 1}, "needs dimension"),
        ({"dimension": 3}, "needs dimension"),
        ({"sigma": None, "excess_risk": -1, "dimension": 3}, "excess_risk"),
        ({"sigma": None, "excess_risk": 1, "dimension": 0}, "dimension"),
        ({"deletion_passes": 0, "retraining_passes": 9}, "deletion_passes"),
        ({"retraining_passes": 1.5, "deletion_passes": 1}, "retraining_passes"),
        ({"l2": "1e305"}, "too large for 100000 records"),
        ({"epsilon": 0, "delta": "1e-300"}, "allow next to no difference"),
        ({"deletion_passes": 4}, "give both, or neither"),
        ({"retraining_passes": 4}, "give both, or neither"),
    ],
)
def test_impossible_numbers_get_one_line(changes: dict, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        counts(**changes)
    assert "\n" not in str(caught.value)


def test_the_command_answers_in_text_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["capacity", "--records", "100000", "--l2", "0.1", "--epsilon", "1", "--delta", "1e-5", "--sigma", "0.1"]
    assert main(words) == 0
    assert "one Newton step" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {way["name"]: way["deletions"] for way in document["ways"]} == counts()
    assert document["ways"] == sorted(document["ways"], key=lambda way: -way["deletions"])
    assert main([*words[:-1], "none"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_command_measures_costs_on_runs(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    """The passes of a deletion and of a retraining that were made, and not those of somebody's data."""
    rng = numpy.random.default_rng(3)
    rows = rng.uniform(-0.5, 0.5, (80, 3))
    fitted = certify.fit(certify.objectives.Logistic(rows, rows.sum(axis=1) > 0, l2=0.01))
    made = {}
    for method in ("newton", "retrain"):
        run = certify.unlearn(fitted, [3], epsilon=1, delta="1e-5", method=method)
        made[method] = (run, run.save(tmp_path / method))
    words = ["capacity", "--records", "80", "--l2", "0.01", "--epsilon", "1", "--delta", "1e-5", "--sigma", "0.1"]
    newton, retrain = (str(made[method][1]) for method in ("newton", "retrain"))
    assert main([*words, "--deletion-run", newton, "--retraining-run", retrain, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    costs = made["newton"][0].passes, made["retrain"][0].passes
    assert (document["deletion_passes"], document["retraining_passes"]) == costs
    assert document["retrain_after"] == costs[1] // costs[0] + 1
    for wrong, said in (
        (["--deletion-run", retrain, "--retraining-run", retrain], "is of method retrain"),
        (["--deletion-run", newton, "--retraining-run", newton], "is of method newton"),
        (["--deletion-run", newton, "--deletion-passes", "3", "--retraining-passes", "9"], "give one of them"),
        (["--deletion-run", newton], "give both, or neither"),
    ):
        assert main([*words, *wrong]) == 2
        assert said in capsys.readouterr().err
    shutil.rmtree(made["newton"][1] / "secret")
    assert main([*words, "--deletion-run", newton, "--retraining-run", retrain]) == 2
    assert "no secret/ folder" in capsys.readouterr().err


def test_the_command_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from certify.cli import main; "
        "main('capacity --records 100000 --l2 0.1 --epsilon 1 --delta 1e-5 --sigma 0.1'.split()); "
        "assert not {'torch', 'scipy', 'sympy'} & set(sys.modules), sorted(sys.modules)"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert time.perf_counter() - start < 3  # half a second on an idle machine
