"""curvlinops, timed in a process of its own that may lack certify: ``PYTHON benchmarks/_curvature_peer.py MODEL SECONDS``.

Prints one JSON object: seconds of one gradient and of one product, and the relative error of its Hessian in float64.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import warnings

import torch
from _curvature_models import STEPS, central_product, problem, seconds


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    from curvlinops import GGNLinearOperator, HessianLinearOperator

    name, budget = sys.argv[1], float(sys.argv[2])
    model, loss, inputs, targets = problem(name)
    parameters = list(model.parameters())
    hessian, ggn = (
        kind(model, loss, parameters, [(inputs, targets)], check_deterministic=False)
        for kind in (HessianLinearOperator, GGNLinearOperator)
    )
    size = sum(p.numel() for p in parameters)
    vector, block = torch.randn(size), torch.randn(size, 16)
    times = seconds(
        {
            "gradient": lambda: torch.autograd.grad(loss(model(inputs), targets), parameters),
            "H": lambda: hessian @ vector,
            "G": lambda: ggn @ vector,
        },
        budget,
    )
    times |= seconds({"H16": lambda: hessian @ block, "G16": lambda: ggn @ block}, budget / 2)
    model.double()
    wide = inputs.double() if inputs.is_floating_point() else inputs
    parameters = list(model.parameters())
    exact = HessianLinearOperator(model, loss, parameters, [(wide, targets)], check_deterministic=False)
    direction = torch.nn.functional.normalize(torch.randn(size, dtype=torch.float64), dim=0)
    reference = central_product(model, loss, wide, targets, direction, STEPS[name])
    error = float(torch.dist(exact @ direction, reference) / torch.linalg.norm(reference))
    version = importlib.metadata.version("curvlinops-for-pytorch")
    json.dump({"version": version, "torch": torch.__version__, "seconds": times, "error": error}, sys.stdout)


if __name__ == "__main__":
    main()
