"""``certify noise --compose``: totals on the safe side, shares that add up, errors that name the entry."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest

from certify import gaussian
from certify.cli import main

GAUSSIANS = """[
  {"name": "the first", "mechanism": "gaussian", "sigma": 0.1, "sensitivity": 0.02},
  {"mechanism": "gaussian", "sigma": "0.2", "sensitivity": "0.02", "count": 10},
  {"kind": "gaussian", "mu": 0.1}
]"""
MIXED = """[
  {"mechanism": "gaussian", "sigma": 0.1, "sensitivity": 0.02},
  {"kind": "zcdp", "rho": 0.01},
  {"kind": "approximate", "epsilon": 0.1, "delta": 1e-7}
]"""
STATED = '[{"kind": "approximate", "epsilon": 1, "delta": 1e-6, "count": 3}, {"kind": "approximate", "epsilon": 1, "delta": 0}]'


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "releases.json"


def composed(listed: Path, content: str, *words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    listed.write_text(content, encoding="utf-8")
    assert main(["noise", "--compose", str(listed), *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_gaussian_releases_add_the_squares_of_their_parameters(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = composed(listed, GAUSSIANS, "--delta", "1e-5", capsys=capsys)
    square = Fraction(1, 25) + 10 * Fraction(1, 100) + Fraction(1, 100)
    with mpmath.workdps(60):
        mu = mpmath.sqrt(mpmath.mpf(square.numerator) / square.denominator)
        assert 0 <= mpmath.mpf(found["mu"]) - mu < 1e-15
        epsilon = mpmath.mpf(found["epsilon"])
        delta = mpmath.ncdf(mu / 2 - epsilon / mu) - mpmath.exp(epsilon) * mpmath.ncdf(-mu / 2 - epsilon / mu)
        assert 1 - mpmath.mpf("1e-12") < delta / mpmath.mpf("1e-5") <= 1
    assert Fraction(found["rho"]) == square / 2
    assert [entry["share"] for entry in found["entries"]] == pytest.approx([4 / 15, 10 / 15, 1 / 15], abs=1e-15)
    assert found["entries"][0]["label"] == "the first"
    assert found["currency"] == "gaussian" and found["solved_for"] == "epsilon"


@pytest.mark.parametrize(("content", "epsilon"), [(GAUSSIANS, 1.2), (MIXED, 1.2), (STATED, 4.5)])
def test_delta_for_an_epsilon_and_back(content: str, epsilon: float, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = composed(listed, content, "--epsilon", str(epsilon), capsys=capsys)
    assert there["solved_for"] == "delta"
    assert there["epsilon"] == epsilon
    back = composed(listed, content, "--delta", there["exact"]["delta"], capsys=capsys)
    assert epsilon - 1e-6 < back["epsilon"] <= epsilon + 1e-15 or content == STATED
    less = str(Fraction(there["exact"]["delta"]) * Fraction(999_999, 1_000_000))
    if content == STATED:  # below the deltas stated nothing is known
        assert main(["noise", "--compose", str(listed), "--delta", less]) == 2
    else:
        assert composed(listed, content, "--delta", less, capsys=capsys)["epsilon"] > epsilon


def test_releases_that_state_their_own_pair_need_no_delta(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = composed(listed, STATED, capsys=capsys)
    assert (found["epsilon"], Fraction(found["exact"]["delta"])) == (4.0, Fraction(3, 10**6))
    assert [entry["share"] for entry in found["entries"]] == [0.75, 0.25]


def test_pure_releases_are_shown_with_delta_zero_and_composed_better_with_one(
    listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pure = (
        '[{"mechanism": "laplace", "scale": 100, "sensitivity": 1, "name": "hourly"}'
        + ', {"kind": "approximate", "epsilon": 0.01, "delta": 0}' * 399
        + "]"
    )
    found = composed(listed, pure, capsys=capsys)
    assert (found["delta"], found["currency"]) == (0.0, "approximate") and 4 <= found["epsilon"] <= 4.00000000000001
    assert main(["noise", "--compose", str(listed)]) == 0
    assert "at delta = 0 " in capsys.readouterr().out
    better = composed(listed, pure, "--delta", "1e-5", capsys=capsys)
    assert better["currency"] == "zcdp" and better["epsilon"] < 0.9
    assert [entry["share"] for entry in better["entries"]] == pytest.approx([1 / 400] * 400, rel=1e-12)
    there = composed(listed, pure, "--epsilon", str(better["epsilon"]), capsys=capsys)
    assert there["delta"] <= 1e-5 * (1 + 1e-9)
    assert composed(listed, pure, "--epsilon", "4.1", capsys=capsys)["delta"] < 1e-300


def test_the_theorems_on_the_way_are_named(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sampled = '[{"mechanism": "sampled-gaussian", "rate": 0.01, "noise_multiplier": 1, "steps": 1000}]'
    found = composed(listed, sampled, "--delta", "1e-5", capsys=capsys)
    assert [step["theorem"] for step in found["steps"]] == ["renyi.sampled-gaussian", "renyi.approximate"]
    assert "at the order 8" in found["steps"][1]["words"]


def test_the_sheet_shows_what_each_release_costs(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed.write_text(GAUSSIANS, encoding="utf-8")
    assert main(["noise", "--compose", "releases.json", "--delta", "1e-5"]) == 0
    shown = capsys.readouterr().out
    alone = gaussian.least_epsilon(Fraction(1, 10**5), Fraction(1, 50), Fraction(1, 10))
    assert shown.startswith("epsilon = 1.5003698175399758 at delta = 1e-05")
    assert f"26.7 %  {alone:>13.6g}  the first" in shown
    assert "66.7 %" in shown and "count 10" in shown


def test_a_thousand_releases_show_the_largest(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [{"mechanism": "gaussian", "sigma": f"{1 + place / 7:.6f}", "sensitivity": "0.02"} for place in range(1000)]
    listed.write_text(json.dumps(entries), encoding="utf-8")
    start = time.perf_counter()
    assert main(["noise", "--compose", str(listed), "--delta", "1e-30"]) == 0
    assert time.perf_counter() - start < 2
    shown = capsys.readouterr().out
    assert "and 980 more" in shown and "sigma 1.000000" in shown and "sigma 100.000000" not in shown


@pytest.mark.parametrize("content", [GAUSSIANS, MIXED, STATED])
def test_the_curves_of_a_composition_pass_through_the_pair_asked_for(
    content: str, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = composed(listed, content, "--delta", "1e-5", "--curve", "drawn.svg", capsys=capsys)
    asked, profile = found["curve"]["asked"], found["curve"]["profile"]
    assert asked == {"epsilon": found["epsilon"], "delta": 1e-5}
    before = [
        delta for epsilon, delta in zip(profile["epsilon"], profile["delta_upper"], strict=True) if epsilon < asked["epsilon"]
    ]
    after = [
        delta for epsilon, delta in zip(profile["epsilon"], profile["delta_upper"], strict=True) if epsilon > asked["epsilon"]
    ]
    assert profile["epsilon"] == sorted(profile["epsilon"]) and profile["epsilon"][0] == 0
    assert min(before) >= 1e-5 >= max(after)
    assert found["curve"]["classical"] is None
    assert (listed.parent / "drawn.svg").read_text(encoding="utf-8").startswith("<svg")


BROKEN = {
    "not json": ("[{", "no JSON"),
    "no list": ('{"kind": "zcdp", "rho": 1}', "list"),
    "empty": ("[]", "list"),
    "no mapping": ('[{"kind": "zcdp", "rho": 1}, 7]', "entry 2"),
    "unknown kind": ('[{"kind": "zcdp", "rho": 1}, {"kind": "magic", "rho": 1}]', "entry 2"),
    "missing field": ('[{"mechanism": "gaussian", "sigma": 1}]', "sensitivity"),
    "surplus field": ('[{"kind": "zcdp", "rho": 1, "sgima": 2}]', "sgima"),
    "negative": ('[{"kind": "zcdp", "rho": -1}]', "rho"),
    "nan": ('[{"kind": "zcdp", "rho": NaN}]', "NaN"),
    "infinite": ('[{"mechanism": "gaussian", "sigma": 1e999999999, "sensitivity": 1}]', "entry 1"),
    "text": ('[{"mechanism": "gaussian", "sigma": "much", "sensitivity": 1}]', "sigma"),
    "count": ('[{"kind": "zcdp", "rho": 1, "count": 0.5}]', "count"),
    "twice": ('[{"kind": "zcdp", "rho": 1, "rho": 2}]', "rho"),
    "spent": ('[{"kind": "approximate", "epsilon": 1, "delta": 0.5}]', "add up"),
    "endless": ('[{"notion": "SEKHARI", "epsilon": "1e999999999", "delta": "1e-6"}]', "entry 1: epsilon"),
    "unlike": (
        '[{"notion": "SEKHARI", "epsilon": 1, "delta": 1e-6}, {"notion": "GUO", "epsilon": 1, "delta": 1e-6}]',
        "SEKHARI and GUO",
    ),
    "too near": ('[{"kind": "renyi", "points": [["1.0000000000000000000000001", 1]]}]', "too near to 1"),
    "no noise": (
        '[{"mechanism": "sampled-gaussian", "rate": 1, "noise_multiplier": "1e-300", "steps": 1}]',
        "beyond the doubles",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("drawn", [(), ("--curve", "drawn.svg")])
def test_a_broken_file_is_one_line_that_names_the_place(
    name: str, drawn: tuple[str, ...], listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, says = BROKEN[name]
    listed.write_text(content, encoding="utf-8")
    assert main(["noise", "--compose", "releases.json", "--delta", "1e-5", *drawn]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and says in captured.err
    assert [found.name for found in listed.parent.iterdir()] == ["releases.json"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--delta or --epsilon"),
        (("--delta", "1e-5", "--epsilon", "1"), "one of them"),
        (("--delta", "1e-5", "--sigma", "1"), "--sigma"),
        (("--delta", "1e-5", "--sensitivity", "1"), "--sensitivity"),
        (("--delta", "0"), "delta"),
        (("--epsilon", "-1"), "epsilon"),
        (("--epsilon", "1e400"), "beyond the doubles"),
        (("--delta", "1e-5", "--curve", "drawn.pdf"), ".svg"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    words: tuple[str, ...], says: str, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed.write_text(GAUSSIANS, encoding="utf-8")
    assert main(["noise", "--compose", "releases.json", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and says in captured.err


def test_hostile_names_cannot_repaint_the_terminal(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = [{"name": "\x1b[2Jgone", "kind": "zcdp", "rho": "1"}, {"kind": "zcdp", "rho": "1", "count": 2}]
    listed.write_text(json.dumps(hostile), encoding="utf-8")
    assert main(["noise", "--compose", "releases.json", "--delta", "1e-5"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_composing_starts_light(listed: Path) -> None:
    listed.write_text(MIXED, encoding="utf-8")
    words = ["noise", "--compose", str(listed), "--delta", "1e-5", "--curve", str(listed.parent / "drawn.svg")]
    code = f"""
import sys
from certify.cli import main
assert main({words!r}) == 0
print([name for name in "torch numpy scipy sympy matplotlib rich pydantic dp_accounting".split() if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_page_shows_what_the_command_prints(listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "noise.md").read_text(encoding="utf-8")
    listed.write_text(page.partition("```json releases.json\n")[2].partition("```")[0], encoding="utf-8")
    shown = page.partition("$ certify noise --compose releases.json --delta 1e-5\n")[2].partition("$ certify")[0]
    assert main(["noise", "--compose", "releases.json", "--delta", "1e-5"]) == 0
    assert capsys.readouterr().out == shown
