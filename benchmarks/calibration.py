"""How fast and how safe the calibration is, beside dp_accounting and the start of torch, in one run.

Run ``python benchmarks/calibration.py``: prints a table and writes ``benchmarks/results/calibration.json``.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from certify import gaussian

Point = tuple[float, float]

RESULTS = Path(__file__).resolve().parent / "results"


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
    """The rows: name, value, unit, budget, the peer's value and peer/value (above 1: we are faster)."""
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

    def row(name: str, value: float, unit: str, budget: float | None, peer: str, against: float | None) -> dict[str, Any]:
        ratio = None if against is None or value == 0 else against / value
        return {"name": name, "value": value, "unit": unit, "budget": budget, "peer": peer, "peer_value": against, "ratio": ratio}

    def milliseconds(seconds: list[float] | None, choose: Callable[[list[float]], float]) -> float | None:
        return None if seconds is None else 1e3 * choose(seconds)

    def own(choose: Callable[[list[float]], float]) -> float:
        return 1e3 * choose(ours_seconds)

    return [
        row(
            "certified sigma, median", own(statistics.median), "ms", 1.0, peer_name, milliseconds(peer_seconds, statistics.median)
        ),
        row("certified sigma, slowest", own(max), "ms", None, peer_name, milliseconds(peer_seconds, max)),
        row(f"unsafe answers of {len(where)}", unsafe(ours, where), "points", 0, peer_name, peer_unsafe),
        row("certify noise, whole process", start_up, "s", 0.4, "python -c 'import torch'", torch_start),
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""

    def cell(value: float | None, unit: str = "") -> str:
        return "-" if value is None else f"{value:.3g} {unit}".strip()

    lines = [f"{'what':34} {'value':>12} {'budget':>10} {'peer':>10} {'ratio':>7}  peer"]
    for r in rows:
        value, budget, peer, ratio = cell(r["value"], r["unit"]), cell(r["budget"]), cell(r["peer_value"]), cell(r["ratio"])
        lines.append(f"{r['name']:34} {value:>12} {budget:>10} {peer:>10} {ratio:>7}  {r['peer']}")
    return "\n".join(lines)


def main() -> None:
    """Print the table and write the JSON."""
    rows = run()
    print(table(rows))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "calibration.json").write_text(json.dumps({"schema": "certify.benchmark/1", "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
