"""Opacus, timed in a process of its own that may lack certify: ``PYTHON benchmarks/_per_example_peer.py MODEL SECONDS``.

Prints one JSON object: seconds of one gradient, of norms from all gradients held, and of norms by its "ghost" rules; a text where it fails.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from _curvature_models import problem, seconds


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    from opacus.grad_sample import GradSampleModule
    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping

    name, budget = sys.argv[1], float(sys.argv[2])
    model, loss, inputs, targets = problem(name)
    parameters = list(model.parameters())
    times: dict[str, Any] = seconds({"gradient": lambda: torch.autograd.grad(loss(model(inputs), targets), parameters)}, budget)

    def run(wrapped: Any, finish: Callable[[], Any]) -> Any:
        wrapped.zero_grad(set_to_none=True)
        for parameter in wrapped.parameters():
            parameter.grad_sample = None
        loss(wrapped(inputs), targets).backward()
        return finish()

    def held() -> Callable[[], Any]:
        wrapped: Any = GradSampleModule(problem(name)[0], strict=False)
        return lambda: run(wrapped, lambda: sum(p.grad_sample.flatten(1).square().sum(1) for p in wrapped.parameters()).sqrt())

    def ghost() -> Callable[[], Any]:
        wrapped: Any = GradSampleModuleFastGradientClipping(problem(name)[0], strict=False)
        return lambda: run(wrapped, wrapped.get_norm_sample)

    for key, make in (("held", held), ("ghost", ghost)):
        try:
            work = make()
            work()
            times |= seconds(
                {key: work, f"gradient beside {key}": lambda: torch.autograd.grad(loss(model(inputs), targets), parameters)},
                budget,
            )
            times[f"{key} norms"] = [float(value) for value in work()[:4]]
        except Exception as error:
            times[key] = f"{type(error).__name__}: {error}"
    json.dump({"version": importlib.metadata.version("opacus"), "torch": torch.__version__, "seconds": times}, sys.stdout)


if __name__ == "__main__":
    main()
