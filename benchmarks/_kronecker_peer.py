"""KFAC of curvlinops, timed in a process of its own that may lack certify: ``PYTHON benchmarks/_kronecker_peer.py MODEL DAMPING RTOL MOST``.

Prints one JSON object: by kind of factors the seconds to build them with their eigenvectors, and the products and seconds of conjugate gradients on curvlinops'
Gauss-Newton matrix with them; a text where it fails. The products counted are those of the iteration.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from _curvature_models import problem, timed
from torch import Tensor


def conjugate_gradients(
    multiply: Callable[[Tensor], Tensor], target: Tensor, inverse: Callable[[Tensor], Tensor], rtol: float, most: int
) -> int:
    """Products until the residual of the recurrence is short enough."""
    value, residual = torch.zeros_like(target), target.clone()
    turned = inverse(residual)
    direction, product = turned.clone(), float(residual @ turned)
    for step in range(1, most + 1):
        image = multiply(direction)
        length = product / float(direction @ image)
        value += length * direction
        residual -= length * image
        if float(residual.norm()) <= rtol * float(target.norm()):
            return step
        turned = inverse(residual)
        before, product = product, float(residual @ turned)
        direction = turned + product / before * direction
    return most


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    from curvlinops import EKFACLinearOperator, GGNLinearOperator, KFACInverseLinearOperator, KFACLinearOperator

    name, damping, rtol, most = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    model, loss, inputs, targets = problem(name)
    parameters, data = list(model.parameters()), [(inputs, targets)]
    curvature = GGNLinearOperator(model, loss, parameters, data, check_deterministic=False)
    vector = torch.randn(sum(p.numel() for p in parameters), generator=torch.Generator().manual_seed(1))
    answers: dict[str, Any] = {"version": importlib.metadata.version("curvlinops-for-pytorch"), "torch": torch.__version__}

    for kind, make in (("kfac", KFACLinearOperator), ("ekfac", EKFACLinearOperator)):

        def built(make: Any = make) -> Any:
            factors = make(
                model, loss, parameters, data, check_deterministic=False, fisher_type="type-2", separate_weight_and_bias=False
            )
            inverse = KFACInverseLinearOperator(factors, damping=damping, use_exact_damping=True)
            inverse @ vector  # the factors are made when they are first used
            return inverse

        try:
            building, inverse = timed(built)
            seconds, products = timed(
                lambda inverse=inverse: conjugate_gradients(  # type: ignore[misc]
                    lambda v: curvature @ v + damping * v, vector, lambda v: inverse @ v, rtol, most
                )
            )
            answers[kind] = {"building": building, "seconds": seconds, "products": products}
        except Exception as error:
            answers[kind] = f"{type(error).__name__}: {error}"
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
