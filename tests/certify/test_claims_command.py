"""``certify claim`` at the command line: binding JSON keys, exit codes, one-line errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from certify.cli import main

TARGET = ("--epsilon", "1", "--delta", "1e-5")
RESIDUAL = ("claim", "output.residual", "residual=1e-9", "strong_convexity=0.5")


@pytest.mark.parametrize(("sigma", "code"), [("7.5e-9", 0), ("7.4e-9", 1)])
def test_the_exit_code_and_the_json_say_whether_it_holds(sigma: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RESIDUAL, f"sigma={sigma}", *TARGET, "--json"]) == code
    payload = json.loads(capsys.readouterr().out)
    assert payload.keys() >= {"schema", "holds", "epsilon_true", "sigma_required", "theorem", "status"}
    assert payload["holds"] is (code == 0)
    assert (payload["epsilon_true"] <= 1) is payload["holds"]
    assert payload["sigma_required"] == 7.461263269631885e-09
    assert payload["theorem"] == "output.residual"
    assert payload["weakest_premise"] == "assumed"


def test_it_prints_the_verdict_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RESIDUAL, "--sigma", "7.4e-9", *TARGET]) == 1
    assert capsys.readouterr().out.startswith("DOES NOT HOLD: output.residual")


def test_an_epsilon_beyond_the_doubles_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claim", "output.residual", "residual=1e200", "strong_convexity=1", "sigma=1e-100", *TARGET, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["epsilon_true"] is None


@pytest.mark.parametrize(
    "words",
    [
        (*RESIDUAL, *TARGET),
        (*RESIDUAL, "sigma=1", "--sigma", "2", *TARGET),
        (*RESIDUAL, "sigma=1", "sigma=1", *TARGET),
        (*RESIDUAL, "sigma", *TARGET),
        (*RESIDUAL, "sigma=", *TARGET),
        (*RESIDUAL, "sigma=1", "epsilon=1", *TARGET),
        (*RESIDUAL, "sigma=1", "colour=1", *TARGET),
        (*RESIDUAL, "sigma=1", "--epsilon", "1"),
        ("claim", "output.residul", "residual=1", "strong_convexity=1", "sigma=1", *TARGET),
        ("claim", *TARGET),
    ],
)
def test_bad_input_is_exit_code_two_and_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_the_command_starts_light() -> None:
    code = f"""
import sys
from certify.cli import main
assert main({[*RESIDUAL, "sigma=1", *TARGET]!r}) == 0
print([name for name in "torch scipy sympy pydantic".split() if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
