"""What the comparison says of our own answers, on its own points and by its own reference, and that it would say otherwise."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def accounting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("accounting", "_asking", "_report", "_peers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("accounting")


def questions(accounting: ModuleType) -> list[tuple[str, list[list[Any]], list[mpmath.mpf]]]:
    with mpmath.workdps(accounting.DIGITS):
        sigma = [point for wide in (False, True) for point in accounting.sigma_points(wide, 30)]
        epsilon = [point for wide in (False, True) for point in accounting.epsilon_points(wide, 30)]
        together = accounting.compose_points()
        return [
            ("sigma", sigma, [accounting.true_sigma(*point) for point in sigma]),
            ("epsilon", epsilon, [accounting.true_epsilon(delta, [scale]) for delta, scale in epsilon]),
            ("compose", together, [accounting.true_epsilon(*point) for point in together]),
        ]


def test_our_answers_are_safe_and_sharp_and_lower_ones_are_caught(accounting: ModuleType) -> None:
    for kind, points, truth in questions(accounting):
        ours = accounting.timed(accounting.OURS[kind], points)
        with mpmath.workdps(accounting.DIGITS):
            verdict = accounting.judged(ours, truth)
            lower = [math.nextafter(answer, 0) for answer in ours["answers"]]
            caught = accounting.judged({**ours, "answers": lower}, truth)
        assert (verdict.unsafe, verdict.failed, verdict.shortfall) == (0, 0, 0), kind
        assert verdict.largest <= 1e-15, kind
        assert caught.unsafe == sum(answer > 0 for answer in ours["answers"]), kind


def test_failures_are_counted_apart(accounting: ModuleType) -> None:
    answers = [1.0, "TimeoutError: out of time", math.inf, math.nan, 0.5]
    with mpmath.workdps(accounting.DIGITS):
        verdict = accounting.judged({"answers": answers, "times": [1.0] * 5}, [mpmath.mpf(1)] * 5)
    assert (verdict.unsafe, verdict.answered, verdict.failed) == (1, 2, 3)
    assert verdict.shortfall == 0.5


def test_a_peer_that_is_not_there_is_one_line(accounting: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    asking = sys.modules["_asking"]
    assert asking.ask("/nonexistent/python", "autodp", "sigma", points=[[1.0, 1e-5]], seconds=1) is None
    assert asking.ask(sys.executable, "no such library", "sigma", points=[[1.0, 1e-5]], seconds=1) is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(line.startswith("skipped: ") for line in lines)
