"""``certify noise`` at the command line: binding JSON keys, exit codes, one-line errors, a light start."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import pytest

from certify.cli import main

KEYS = {"schema", "sigma", "sigma_hex", "epsilon", "delta", "sensitivity", "mechanism", "delta_upper", "classical_sigma"}
USUAL = ("noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.02")


def test_the_binding_keys_are_there_and_spell_one_double(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*USUAL, "--json"]) == 0
    captured = capsys.readouterr()
    payload = json.loads(captured.out)
    assert payload.keys() >= KEYS
    assert captured.err == ""
    assert payload["sigma"] == "0.07461263269631885"
    assert float.fromhex(payload["sigma_hex"]) == float(payload["sigma"])
    assert Fraction(payload["exact"]["delta"]) == Fraction(1, 100000)
    assert payload["delta_upper"] <= 1e-5
    assert payload["mechanism"] == "gaussian"


@pytest.mark.parametrize("missing", ["epsilon", "delta", "sigma", "sensitivity"])
def test_any_missing_number_is_solved(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = {"epsilon": "1", "delta": "1e-5", "sigma": "0.1", "sensitivity": "0.02"}
    words = [word for name, value in numbers.items() if name != missing for word in (f"--{name}", value)]
    assert main(["noise", *words]) == 0
    assert capsys.readouterr().out.startswith(f"{missing} = ")


@pytest.mark.parametrize(
    "words",
    [
        ("--epsilon", "1", "--delta", "1e-5"),
        (*USUAL[1:], "--sigma", "1"),
        ("--epsilon", "nan", "--delta", "1e-5", "--sensitivity", "1"),
        ("--epsilon", "-1", "--delta", "1e-5", "--sensitivity", "1"),
        ("--epsilon", "1", "--delta", "1", "--sensitivity", "1"),
        ("--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0"),
        ("--epsilon", "1", "--delta", "1e-5", "--sensitivity", "1e999999999"),
        (*USUAL[1:], "--mechanism", "cauchy"),
        ("--epsilonn", "1"),
    ],
)
def test_bad_input_is_exit_code_two_and_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["noise", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_the_command_starts_light() -> None:
    """Importing torch alone takes longer than the whole command may."""
    heavy = "torch numpy scipy sympy pydantic mpmath"
    code = f"""
import sys
from certify.cli import main
assert main({list(USUAL)!r}) == 0
print([name for name in {heavy!r}.split() if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
