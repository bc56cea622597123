"""Norms, inner products and projections of the gradients of single examples, in units of one gradient, beside opacus and vmap.

Run ``python benchmarks/per_example.py [--peer-python PYTHON]``: prints a table and writes ``benchmarks/results/per_example.json``. One
thread, float32; each figure is the least of many rounds that take turns. A gradient is one forward and one backward pass of the same model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from _asking import peer_python
from _curvature_models import problem, seconds
from _report import publish, row

from certify.estimators import knowledge_density, per_example_gram, per_example_norms, per_example_projections
from certify.estimators.per_example.engine import Engine
from certify.estimators.per_example.norms import norm_powers

SECONDS = 8.0


def peer(python: str, name: str) -> dict[str, Any] | None:
    """What opacus takes, or None where it is not installed."""
    script = Path(__file__).with_name("_per_example_peer.py")
    done = subprocess.run([python, str(script), name, str(SECONDS)], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        print(f"skipped: opacus ({name}): {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return None
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return answer


def measure(name: str, python: str) -> list[dict[str, Any]]:
    model, loss, inputs, targets = problem(name)
    parameters, data = dict(model.named_parameters()), (inputs, targets)
    detached = {key: value.detach() for key, value in parameters.items()}
    engine = Engine(model, loss, data)
    vector = torch.randn(engine.problem.layout.size)

    def own(values: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = loss(torch.func.functional_call(model, values, (x[None],)), y[None])
        return found

    def materialised() -> torch.Tensor:
        gradients = torch.func.vmap(torch.func.grad(own), in_dims=(None, 0, 0))(detached, inputs, targets)
        return sum(g.flatten(1).square().sum(1) for g in gradients.values()).sqrt()  # type: ignore[union-attr,return-value]

    def gradient() -> Any:
        return torch.autograd.grad(loss(model(inputs), targets), list(parameters.values()))

    times = seconds(
        {
            "gradient": gradient,
            "pass": lambda: engine.gather("norms", lambda pieces: norm_powers(pieces, 2)),
            "norms": lambda: per_example_norms(model, loss, data),
            "exact": lambda: per_example_norms(model, loss, data, accumulate=torch.float64),
            "along": lambda: per_example_projections(model, loss, data, vector),
            "density": lambda: knowledge_density(model, loss, data),
        },
        SECONDS,
    )
    times |= seconds(
        {
            "gram": lambda: per_example_gram(model, loss, data),
            "random": lambda: per_example_projections(model, loss, data, 64, generator=torch.Generator().manual_seed(0)),
        },
        SECONDS / 2,
    )
    times |= seconds({"vmap": materialised}, SECONDS / 4)  # by itself: what it allocates slows down its neighbours
    norms = per_example_norms(model, loss, data)
    wide = inputs.double() if inputs.is_floating_point() else inputs
    exact = per_example_norms(problem(name)[0].double(), loss, (wide, targets))
    other = peer(python, name)

    def ratio(key: str) -> float:
        return times[key] / times["gradient"]

    def theirs(key: str) -> dict[str, Any]:
        found = None if other is None else other["seconds"].get(key)
        if other is None or not isinstance(found, float):
            return {}
        return {"peer": f"opacus {other['version']}, {key}", "against": found / other["seconds"][f"gradient beside {key}"]}

    rows = [
        row(f"{name}: one gradient", 1e3 * times["gradient"], "ms"),
        row(f"{name}: norms, one pass", ratio("pass"), "gradients", budget=1.0, **theirs("ghost")),
        row(f"{name}: norms, plan and probes included", ratio("norms"), "gradients", **theirs("ghost")),
        row(f"{name}: norms, summed in float64", ratio("exact"), "gradients"),
        row(f"{name}: inner products with one vector", ratio("along"), "gradients"),
        row(f"{name}: inner products of all pairs", ratio("gram"), "gradients"),
        row(f"{name}: projections on 64 random directions", ratio("random"), "gradients"),
        row(f"{name}: l1 norms by layer (knowledge density)", ratio("density"), "gradients"),
        row(f"{name}: norms of gradients held, torch.func.vmap", ratio("vmap"), "gradients", **theirs("held")),
        row(f"{name}: float32 error of a norm, worst", float((norms / exact - 1).abs().max()), ""),
    ]
    if other is not None and isinstance(other["seconds"].get("ghost norms"), list):
        gap = (torch.tensor(other["seconds"]["ghost norms"]) / exact[:4] - 1).abs().max()
        rows.append(row(f"{name}: distance of opacus's norms to ours in float64", float(gap), ""))
    return rows


def main() -> None:
    python = peer_python()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    publish("per_example", [line for name in ("MLP", "CNN", "transformer") for line in measure(name, python)])


if __name__ == "__main__":
    sys.exit(main())
