"""How fast and how safe the calibration is, beside dp_accounting and the start of torch, in one run.

Run ``python benchmarks/calibration.py``: prints a table and writes ``benchmarks/results/calibration.json``.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from _report import publish, row

from certify import gaussian

Point = tuple[float, float]


def points(count: int = 400, seed: int = 20) -> list[Point]:
    """(epsilon, delta): a grid over the everyday range, then random points over the whole range of the promise."""
    grid = [
        (e, d) for e in (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0) for d in (1e-1, 1e-3, 1e-5, 1e-6, 1e-8, 1e-10, 1e-15, 1e-30)
    ]
    draw = random.Random(seed)
    return grid + [(10 ** draw.uniform(-8, 4), 10 ** draw.uniform(-300, -0.05)) for _ in range(count - len(grid))]


def certified(epsilon: float, delta: float) -> float:
    """The call that a user makes, down to the proved double."""
    return gaussian.least_sigma(Fraction(epsilon), Fraction(delta), Fraction(1))


def timed(solve: Callable[[float, float], float], where: list[Point]) -> tuple[list[float], list[float]]:
    """Seconds and answers of one call a point, after a warm-up."""
    solve(1.0, 1e-5)
    seconds, answers = [], []
    for epsilon, delta in where:
        start = time.perf_counter()
        answers.append(solve(epsilon, delta))
        seconds.append(time.perf_counter() - start)
    return seconds, answers


def unsafe(answers: list[float], where: list[Point]) -> int:
    """How many answers are proved, in balls, to miss the delta that was asked for."""
    return sum(
        not gaussian.satisfies(Fraction(epsilon), Fraction(delta), Fraction(1), Fraction(sigma))
        for sigma, (epsilon, delta) in zip(answers, where, strict=True)
    )


def process_seconds(*command: str, repeats: int = 5) -> float:
    """The least wall time of a whole process over some starts, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - start)
    return best


def run() -> list[dict[str, Any]]:
    """The rows: certified sigma and the command, beside their peers."""
    where = points()
    ours_seconds, ours = timed(certified, where)
    try:
        from dp_accounting.gaussian_mechanism import get_sigma_gaussian
    except ImportError:
        peer_seconds, peer_unsafe, peer_name = None, None, "dp_accounting (not installed)"
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the peer takes logarithms of zero on the way
            peer_seconds, theirs = timed(get_sigma_gaussian, where)
        peer_unsafe, peer_name = unsafe(theirs, where), "dp_accounting get_sigma_gaussian"
    command = (
        "from certify.cli import main; raise SystemExit(main(['noise','--epsilon','1','--delta','1e-5','--sensitivity','0.02']))"
    )
    start_up = process_seconds(sys.executable, "-c", command)
    torch_start = process_seconds(sys.executable, "-c", "import torch", repeats=2)

    def milliseconds(seconds: list[float] | None, choose: Callable[[list[float]], float]) -> float | None:
        return None if seconds is None else 1e3 * choose(seconds)

    def own(choose: Callable[[list[float]], float]) -> float:
        return 1e3 * choose(ours_seconds)

    return [
        row(
            "certified sigma, median",
            own(statistics.median),
            "ms",
            budget=1.0,
            peer=peer_name,
            against=milliseconds(peer_seconds, statistics.median),
        ),
        row("certified sigma, slowest", own(max), "ms", peer=peer_name, against=milliseconds(peer_seconds, max)),
        row(f"unsafe answers of {len(where)}", unsafe(ours, where), "points", budget=0, peer=peer_name, against=peer_unsafe),
        row("certify noise, whole process", start_up, "s", budget=0.4, peer="python -c 'import torch'", against=torch_start),
    ]


if __name__ == "__main__":
    publish("calibration", run())
