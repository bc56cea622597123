"""``certify noise --curve``: the arrays are proved, the drawing is whole, and nothing is written on bad input."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest

from certify import gaussian
from certify.cli import main

USUAL = ("noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.02", "--curve")
WIDE = ("--epsilon", "10", "--delta", "1e-5", "--sensitivity", "1")


def curve(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["noise", *words, "--curve", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def least_type_two(mu: float, type_one: float) -> float:
    """The Gaussian trade-off curve Phi(Phi^-1(1 - a) - mu), by mpmath."""
    with mpmath.workdps(50):
        quantile = mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * mpmath.mpf(type_one))
        return float(mpmath.ncdf(quantile - mu))


def test_the_profile_in_the_arrays_is_the_proved_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = curve(capsys, *WIDE)
    profile, sigma = found["curve"]["profile"], Fraction(float(found["sigma"]))
    assert profile["delta_upper"] == [gaussian.delta_upper(Fraction(e), Fraction(1), sigma) for e in profile["epsilon"]]
    assert profile["epsilon"][0] == 0 and profile["epsilon"][-1] > 10
    assert profile["delta_upper"] == sorted(profile["delta_upper"], reverse=True)
    assert found["curve"]["advantage_upper"] == profile["delta_upper"][0]
    assert found["curve"]["asked"] == {"epsilon": 10.0, "delta": 1e-5}


@pytest.mark.parametrize("sensitivity", ["0.1", "1", "3"])
def test_the_trade_off_curve_is_never_above_the_true_one_and_close_to_it(
    sensitivity: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = curve(capsys, "--sigma", "1", "--delta", "1e-5", "--sensitivity", sensitivity)["curve"]["trade_off"]
    pairs = list(zip(found["type_one"], found["type_two_lower"], strict=True))
    truth = [least_type_two(float(sensitivity), alpha) if 0 < alpha < 1 else 1 - alpha for alpha, _ in pairs]
    gaps = [true - lower for true, (_, lower) in zip(truth, pairs, strict=True)]
    assert min(gaps) >= 0
    assert max(gaps) < 2e-3


def test_the_classical_formula_is_marked_where_it_promises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    found = curve(capsys, *WIDE)["curve"]
    told = found["classical"]["is_guarantee"]
    assert told == [epsilon <= 1 for epsilon in found["profile"]["epsilon"]]
    too_low = [
        classical < proved * 0.999
        for classical, proved in zip(found["classical"]["delta"], found["profile"]["delta_upper"], strict=True)
    ]
    assert any(too_low)  # at this noise the formula does claim less than the truth
    assert not any(low and sound for low, sound in zip(too_low, told, strict=True))


@pytest.mark.parametrize(
    "words",
    [
        USUAL[1:-1],
        WIDE,
        ("--epsilon", "1e-8", "--delta", "1e-300", "--sensitivity", "1"),
        ("--epsilon", "0", "--delta", "0.01", "--sensitivity", "1"),
        ("--sigma", "100", "--delta", "0.3", "--sensitivity", "1"),
        ("--sigma", "0.01", "--delta", "1e-6", "--sensitivity", "1"),
        ("--epsilon", "10000", "--delta", "1e-30", "--sigma", "1e-150"),
        ("--epsilon", "1e-300", "--delta", "1e-300", "--sensitivity", "1"),
        ("--epsilon", "1e300", "--delta", "0.999999", "--sensitivity", "1"),
    ],
)
def test_every_noise_can_be_drawn(words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "noise.svg"
    assert main(["noise", *words, "--curve", str(file)]) == 0
    assert str(file) in capsys.readouterr().out
    drawing = file.read_text(encoding="utf-8")
    root = ElementTree.fromstring(drawing)
    assert {"nan", "inf"}.isdisjoint(drawing.replace('"', " ").replace(",", " ").split())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    space = "{http://www.w3.org/2000/svg}"
    paths = [path for path in root.iter(f"{space}path") if path.attrib["class"] == "main"]
    assert len(paths) == 2
    for path in paths:
        numbers = [float(number) for pair in path.attrib["d"].strip("M").replace("M", " ").split() for number in pair.split(",")]
        assert all(0 <= number <= max(width, height) for number in numbers)
    assert (
        len([mark for mark in root.iter(f"{space}circle") if mark.attrib.get("class") == "mark"]) == 4
    )  # two, and their legends
    assert main(["noise", *words, "--curve"]) == 0
    assert capsys.readouterr().out.count("●") >= 2


def test_a_drawing_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "noise.svg"
    file.write_text("old")
    assert main([*USUAL, str(file)]) == 0
    assert file.read_text(encoding="utf-8").startswith("<svg")
    assert [found.name for found in tmp_path.iterdir()] == ["noise.svg"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*USUAL, "noise.png"), ".svg"),
        ((*USUAL, "nowhere/noise.svg"), "nowhere/noise.svg"),
        ((*USUAL[:-1], "noise.svg"), "--curve"),
        ((*USUAL, "--sigma", "1", "noise.svg"), "exactly three"),
        ((*USUAL, "folder.svg"), "folder.svg"),
    ],
)
def test_bad_input_writes_nothing_and_says_one_line(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.svg").mkdir()
    assert main(list(words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and says in captured.err
    assert [found.name for found in tmp_path.rglob("*")] == ["folder.svg"]


@pytest.mark.parametrize("columns", ["48", "80", "110", "200"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_the_drawing_in_characters_fits_the_console(columns: str, encoding: str) -> None:
    code = f"import sys; from certify.cli import main; sys.exit(main({list(USUAL)!r}))"
    environment = {"PYTHONIOENCODING": encoding, "COLUMNS": columns, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    plot = done.stdout.decode(encoding).partition("\n\n")[2]
    lines = plot.rstrip("\n").split("\n")
    assert max(len(line) for line in lines[:-1]) <= int(columns)
    assert plot.isascii() == (encoding == "ascii")


def test_the_drawing_starts_light(tmp_path: Path) -> None:
    code = f"""
import sys
from certify.cli import main
assert main({[*USUAL, str(tmp_path / "noise.svg")]!r}) == 0
print([name for name in "torch numpy scipy sympy matplotlib rich pydantic".split() if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_picture_of_the_docs_is_what_the_command_draws(tmp_path: Path) -> None:
    file = tmp_path / "noise.svg"
    assert main([*USUAL, str(file)]) == 0
    assert file.read_bytes() == (Path(__file__).parents[2] / "docs" / "noise.svg").read_bytes()
