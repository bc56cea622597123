"""How far the certified distance lies above the true one, on real data, in both regimes.

Run ``python benchmarks/sharpness.py``: prints a table and writes ``benchmarks/results/sharpness.json``. The
true distance comes from minimisers known to thirty digits (the oracle of the tests).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _report import publish, row

import certify

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from oracles import true_minimiser
from real_data import REAL

REPEATS = 3


def ratios(name: str, l2: float, forgotten: int, seed: int) -> list[tuple[float, float, bool]]:
    """(certified/true, plain/true, whether M|g|/mu < mu) for candidates between the old and the new minimiser."""
    objective = REAL[name](l2)
    fitted = certify.fit(objective)
    forget = np.random.default_rng(seed).choice(objective.count, forgotten, replace=False).tolist()
    run = certify.unlearn(fitted, forget, epsilon=1, delta="1e-5")
    retained, truth = run.objective, true_minimiser(run.objective, run.noiseless)
    found = []
    measured = retained.measure(run.noiseless)
    if measured.residual.value > 1000 * measured.error:  # what the run itself reports, until the rounding floor
        found.append((run.distance.value / truth.distance(run.noiseless), float("nan"), True))
    for power in (0, -1, -2, -4, -8):
        candidate = run.noiseless + 10.0**power * (fitted.parameters - run.noiseless)
        true, plain = truth.distance(candidate), retained.measure(candidate).residual.value / l2
        near = retained.hessian_lipschitz.value * plain < l2
        found.append((certify.distance(retained, candidate).value / true, plain / true, near))
    return found


def run() -> list[dict[str, Any]]:
    """The largest and least ratios over data sets, weight decays and deletions."""
    near: list[float] = []
    far: list[float] = []
    plain: list[float] = []
    for name in REAL:
        for l2 in (1e-1, 1e-2, 1e-3, 1e-4):
            for forgotten in (1, 5, 10, 50):
                for seed in range(REPEATS if name != "ten-digits" else 1):
                    for ratio, rough, sharp in ratios(name, l2, forgotten, seed):
                        (near if sharp else far).append(ratio)
                        if rough == rough:
                            plain.append(rough)
    return [
        row(f"largest ratio once M|g|/mu < mu, of {len(near)}", max(near), "x", budget=1.5),
        row(f"largest ratio before, of {len(far)}", max(far), "x", budget=30),
        row(
            "median ratio before",
            float(np.median(far)),
            "x",
            peer="residual over strong convexity",
            against=float(np.median(plain)),
        ),
        row("least ratio (below 1 would be unsound)", min([*near, *far]), "x"),
    ]


if __name__ == "__main__":
    publish("sharpness", run())
