"""Products with curvature matrices in units of one gradient, beside curvlinops where its interpreter is given.

Run ``python benchmarks/curvature.py [--peer-python PYTHON]``: prints a table and writes ``benchmarks/results/curvature.json``. One
thread; each figure is the least of many rounds that take turns. A gradient is one forward and one backward pass of the same model.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from _asking import peer_python
from _curvature_models import STEPS, central_product, problem, seconds
from _report import publish, row
from torch.utils.flop_counter import FlopCounterMode

from certify.estimators import EmpiricalFisher, GaussNewton, Hessian

BUDGETS = {"MLP": (1.6, 1.1), "CNN": (1.1, 1.0), "transformer": (2.4, 1.6)}
SECONDS = 12.0


def peer(python: str, name: str) -> dict[str, Any] | None:
    """What curvlinops takes, or None where it is not installed."""
    script = Path(__file__).with_name("_curvature_peer.py")
    done = subprocess.run([python, str(script), name, str(SECONDS)], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        print(f"skipped: curvlinops ({name}): {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return None
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return answer


def flops(work: Any) -> float:
    """Multiplications and additions of matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def measure(name: str, python: str) -> list[dict[str, Any]]:
    model, loss, inputs, targets = problem(name)
    parameters, data = list(model.parameters()), (inputs, targets)
    unit: dict[str, Any] = {"unit": "token"} if name == "transformer" else {}

    def gradient() -> Any:
        return torch.autograd.grad(loss(model(inputs), targets), parameters)

    Hessian(model, loss, data)  # the first use of torch's second derivatives compiles things
    start = time.perf_counter()
    hessian = Hessian(model, loss, data)
    building = time.perf_counter() - start
    ggn, empirical = GaussNewton(model, loss, data), EmpiricalFisher(model, loss, data, **unit)
    streamed, streamed_ggn = Hessian(model, loss, data, retain=False), GaussNewton(model, loss, data, retain=False)
    vector, block = torch.randn(hessian.shape[0]), torch.randn(hessian.shape[0], 16)
    times = seconds(
        {"gradient": gradient, "H": lambda: hessian @ vector, "G": lambda: ggn @ vector, "E": lambda: empirical @ vector}, SECONDS
    )
    times |= {
        f"{key} once": value
        for key, value in seconds({"H": lambda: streamed @ vector, "G": lambda: streamed_ggn @ vector}, SECONDS / 4).items()
    }
    times |= seconds({"H16": lambda: hessian @ block, "G16": lambda: ggn @ block}, SECONDS / 2)
    other = peer(python, name)

    def ratio(key: str, each: int = 1) -> float:
        return times[key] / times["gradient"] / each

    def theirs(key: str, each: int = 1) -> dict[str, Any]:
        if other is None:
            return {}
        value = other["seconds"][key] / other["seconds"]["gradient"] / each
        return {"peer": f"curvlinops {other['version']}", "against": value}

    one = flops(gradient)
    rows = [
        row(f"{name}: one gradient", 1e3 * times["gradient"], "ms"),
        row(f"{name}: Hessian product", ratio("H"), "gradients", budget=BUDGETS[name][0], **theirs("H")),
        row(f"{name}: Gauss-Newton product", ratio("G"), "gradients", budget=BUDGETS[name][1], **theirs("G")),
        row(f"{name}: empirical Fisher product", ratio("E"), "gradients"),
        row(f"{name}: Hessian, each of 16", ratio("H16", 16), "gradients", **theirs("H16", 16)),
        row(f"{name}: Gauss-Newton, each of 16", ratio("G16", 16), "gradients", **theirs("G16", 16)),
        row(f"{name}: Hessian, graph not kept", ratio("H once"), "gradients"),
        row(f"{name}: Gauss-Newton, graph not kept", ratio("G once"), "gradients"),
        row(f"{name}: building a Hessian, probes included", building / times["gradient"], "gradients"),
    ]
    if name != "CNN":  # the counter takes grouped convolutions for dense ones
        rows += [
            row(f"{name}: Hessian product, operations", flops(lambda: hessian @ vector) / one, "gradients"),
            row(f"{name}: Gauss-Newton product, operations", flops(lambda: ggn @ vector) / one, "gradients"),
        ]
    model.double()
    wide = inputs.double() if inputs.is_floating_point() else inputs
    exact = Hessian(model, loss, (wide, targets))
    direction = torch.nn.functional.normalize(torch.randn(exact.shape[0], dtype=torch.float64), dim=0)
    reference = central_product(problem(name)[0].double(), loss, wide, targets, direction, STEPS[name])
    size = torch.linalg.norm(reference)
    error = float(torch.dist(exact @ direction, reference) / size)
    narrow = Hessian(problem(name)[0], loss, data) @ direction
    their_error = {} if other is None else {"peer": f"curvlinops {other['version']}", "against": other["error"]}
    return [
        *rows,
        row(f"{name}: float64 error, to a central difference", error, "", **their_error),
        row(f"{name}: float32 error, to float64", float(torch.dist(narrow, exact @ direction) / size), ""),
        row(f"{name}: float32 error, as measured at construction", hessian.accuracy, ""),
    ]


def main() -> None:
    python = peer_python()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    publish("curvature", [line for name in BUDGETS for line in measure(name, python)])


if __name__ == "__main__":
    sys.exit(main())
