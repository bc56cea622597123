"""Conjugate gradients on the Gauss-Newton matrix with and without Kronecker factors: products, time, and what the factors cost.

Run ``python benchmarks/kronecker.py [--peer-python PYTHON]``: prints a table and writes ``benchmarks/results/kronecker.json``. One thread,
float32, the models of ``curvature.py``, not trained; damping a hundredth of the largest eigenvalue, a relative residual of 1e-4, which is
computed from the solution. The peer is KFAC of curvlinops with the same exact damping, type-2 factors and joint biases, in conjugate gradients
on its own Gauss-Newton matrix.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Literal

import torch
from _asking import peer_python
from _curvature_models import problem, timed
from _report import publish, row

from certify.estimators import GaussNewton, KroneckerFactored, largest_eigenvalue, solve
from certify.estimators.solves.result import Solution

MODELS = ("MLP", "CNN", "transformer")
KINDS: tuple[Literal["kfac", "ekfac"], ...] = ("kfac", "ekfac")
DAMPING, TOLERANCE, MOST = 1e-2, 1e-4, 300


def peer(python: str, name: str, damping: float) -> dict[str, Any]:
    """What curvlinops takes, by kind; nothing where it is not installed or has no factors for the model."""
    script = Path(__file__).with_name("_kronecker_peer.py")
    command = [python, str(script), name, str(damping), str(TOLERANCE), str(MOST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        print(f"skipped: curvlinops ({name}): {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return {}
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    for kind in KINDS:
        if isinstance(answer[kind], str):
            print(f"skipped: curvlinops {kind} ({name}): {answer.pop(kind)}")
    return answer


def measure(name: str, python: str) -> list[dict[str, Any]]:
    model, loss, inputs, targets = problem(name)
    curvature = GaussNewton(model, loss, (inputs, targets))
    found = largest_eigenvalue(curvature, failure_probability=1e-2, double=False, generator=torch.Generator().manual_seed(0))
    damping = DAMPING * found.lower.value
    vector = torch.randn(curvature.shape[0], generator=torch.Generator().manual_seed(1))

    def built(kind: Literal["kfac", "ekfac"]) -> KroneckerFactored:
        fisher: Literal["type-2", "monte-carlo"] = (
            "monte-carlo" if name == "transformer" else "type-2"
        )  # 2,048 outputs an example there
        drawn = torch.Generator().manual_seed(2) if fisher == "monte-carlo" else None
        return KroneckerFactored(model, loss, (inputs, targets), kind=kind, fisher=fisher, generator=drawn)

    def solved(preconditioner: KroneckerFactored | None) -> Solution:
        return solve(curvature, vector, damping=damping, rtol=TOLERANCE, products=MOST, preconditioner=preconditioner)

    plain_seconds, plain = timed(lambda: solved(None))
    others = peer(python, name, damping)
    rows = [
        row(f"{name}: CG products, plain ({plain.result.name.lower()})", plain.products, ""),
        row(f"{name}: CG seconds, plain", plain_seconds, "s"),
    ]
    for kind in KINDS:
        built_seconds, factors = timed(lambda kind=kind: built(kind))  # type: ignore[misc]
        seconds, helped = timed(lambda factors=factors: solved(factors))  # type: ignore[misc]
        rows += [
            row(
                f"{name}: CG products, {kind} ({helped.result.name.lower()})",
                helped.products,
                "",
                peer="plain",
                against=plain.products,
            ),
            row(f"{name}: CG seconds, {kind}", seconds, "s", peer="plain", against=plain_seconds),
        ]
        if kind not in others:
            rows.append(row(f"{name}: factors built, {kind}", built_seconds, "s"))
        else:
            theirs, who = others[kind], f"curvlinops {others['version']}"
            rows += [
                row(f"{name}: factors built, {kind}", built_seconds, "s", peer=who, against=theirs["building"]),
                row(f"{name}: CG products, {kind}", helped.products, "", peer=who, against=theirs["products"]),
                row(f"{name}: CG seconds, {kind}", seconds, "s", peer=who, against=theirs["seconds"]),
            ]
    return rows


def main() -> None:
    python = peer_python()
    torch.set_num_threads(1)
    publish("kronecker", [figure for name in MODELS for figure in measure(name, python)])


if __name__ == "__main__":
    main()
