"""How near proved norms, Lipschitz constants and Hessian edges come to the truth, and how long the proofs take.

Run ``python benchmarks/spectral.py``: prints a table and writes ``benchmarks/results/spectral.json``. Ratios are to the truth where it can
be computed, else to the best lower bound found; 1 is exact. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from _report import publish, row
from sklearn.datasets import load_digits
from torch import Tensor, nn

from certify.bounds import hessian_edges, lipschitz, spectral_norm

torch.set_num_threads(1)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the seconds of one run."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def smooth_convolution(inputs: int, outputs: int, **options: Any) -> nn.Conv2d:
    """Random taps with a smooth component of rank one, as trained layers have."""
    layer = nn.Conv2d(inputs, outputs, 3, bias=False, dtype=torch.float64, **options)
    with torch.no_grad():
        bump = torch.outer(torch.tensor([0.5, 1.0, 0.5]), torch.tensor([0.5, 1.0, 0.5])).double()
        layer.weight.add_(0.3 * torch.outer(torch.randn(outputs), torch.randn(inputs))[:, :, None, None] * bump / inputs**0.5)
    return layer


def exact_norm(layer: nn.Module, shape: tuple[int, ...]) -> float:
    """The norm by the dense matrix of the layer's own forward pass."""
    size = torch.Size(shape).numel()
    with torch.no_grad():
        matrix = layer(torch.eye(size, dtype=torch.float64).reshape(size, *shape)).reshape(size, -1)
    return float(torch.linalg.matrix_norm(matrix, 2))


def norms() -> list[dict[str, Any]]:
    """Matrices and convolutions."""
    rows = []
    layers = [nn.Linear(784, 128), *(nn.Linear(128, 128) for _ in range(7)), nn.Linear(128, 10)]
    found, seconds = timed(lambda: [spectral_norm(layer) for layer in layers])
    rows.append(
        row("nine norms of a 784-128×8-10 network", seconds, "s", budget=1.0, peer="16 min in the published rigorous certifier")
    )
    rows.append(row("– worst upper over lower, less one", max(norm.ratio for norm in found) - 1, "x"))
    for words, layer, shape, route, budget, seconds_allowed in (
        (
            "circular 16→16, 16×16",
            smooth_convolution(16, 16, padding=1, padding_mode="circular"),
            (16, 16, 16),
            None,
            1 + 1e-8,
            None,
        ),
        (
            "circular 64→64, 32×32",
            smooth_convolution(64, 64, padding=1, padding_mode="circular"),
            (64, 32, 32),
            None,
            1 + 1e-8,
            1.5,
        ),
        ("zero padding 16→16, 8×8, by symbols", smooth_convolution(16, 16, padding=1), (16, 8, 8), "symbol", 1.06, None),
        ("zero padding 16→16, 8×8, by the matrix", smooth_convolution(16, 16, padding=1), (16, 8, 8), "matrix", 1 + 1e-8, None),
        ("zero padding 64→64, 32×32, by symbols", smooth_convolution(64, 64, padding=1), (64, 32, 32), "symbol", 1.005, 1.5),
        (
            "zero padding 16→16, 16×16, by the matrix (4096 unknowns)",
            smooth_convolution(16, 16, padding=1),
            (16, 16, 16),
            "matrix",
            1 + 1e-8,
            None,
        ),
    ):
        norm, seconds = timed(lambda layer=layer, shape=shape, route=route: spectral_norm(layer, shape, route=route))
        truth = exact_norm(layer, shape) if torch.Size(shape).numel() <= 4096 else norm.lower.value
        rows.append(
            row(
                words,
                norm.upper.value / truth,
                "x",
                budget=budget,
                peer="the norm" if truth != norm.lower.value else "a vector's image",
            )
        )
        rows.append(row("– time", seconds, "s", budget=seconds_allowed))
    constant = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    nn.init.constant_(constant.weight, 1 / 3)
    claimed = torch.nn.utils.parametrizations.spectral_norm(constant, n_power_iterations=50).eval()
    norm = spectral_norm(claimed, (1, 9, 9))
    rows.append(row("norm of a layer that torch's parametrisation holds at 1", norm.lower.value, "x", peer="torch says 1"))
    return rows


def digits() -> tuple[Tensor, Tensor]:
    """The digits in a fixed order."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    return torch.tensor(data.data / 16.0)[order], torch.tensor(data.target)[order]


def train(model: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> None:
    """Adam on the cross-entropy of all examples."""
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimiser.step()


def networks() -> list[dict[str, Any]]:
    """Lipschitz constants of a trained network, over the best gradient found."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)).double()
    train(model, *digits(), 300)
    rows, best = [], 0.0
    found = {}
    for method in ("product", "eclipse", "semidefinite"):
        result, seconds = timed(lambda method=method: lipschitz(model, method))
        found[method] = (result.upper.value, seconds)
        best = max(best, result.lower.value)
    for method, (upper, seconds) in found.items():
        tight = method == "semidefinite"
        rows.append(
            row(
                f"64-256-256-10 trained on digits, {method}",
                upper / best,
                "x",
                budget=1.03 if tight else None,
                peer="best gradient found",
            )
        )
        rows.append(row("– time", seconds, "s", budget=120.0 if tight else None))
    return rows


def edges() -> list[dict[str, Any]]:
    """Edges of the Hessian of networks with one hidden layer, over the eigenvalues."""
    inputs, targets = digits()
    rows = []
    for words, activation, steps in (("tanh, 100 steps", nn.Tanh(), 100), ("softplus, 100 steps", nn.Softplus(), 100)):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 16), activation, nn.Linear(16, 10)).double()
        train(model, inputs[:700], targets[:700], steps)
        shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

        def loss(vector: Tensor, model: nn.Module = model, shapes: dict[str, torch.Size] = shapes) -> Tensor:
            parts = torch.split(vector, [shape.numel() for shape in shapes.values()])
            named = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
            return nn.functional.cross_entropy(torch.func.functional_call(model, named, (inputs[:700],)), targets[:700])

        values = torch.linalg.eigvalsh(torch.func.hessian(loss)(flat))
        found, seconds = timed(lambda model=model: hessian_edges(model, nn.CrossEntropyLoss(), (inputs[:700], targets[:700])))
        rows.append(
            row(
                f"greatest eigenvalue, 64-16-10 {words}",
                found.upper.value / float(values[-1]),
                "x",
                budget=1.5,
                peer="the eigenvalue",
            )
        )
        rows.append(
            row(
                f"least eigenvalue, 64-16-10 {words}",
                found.lower.value / float(values[0]),
                "x",
                budget=1.5,
                peer="the eigenvalue",
            )
        )
        rows.append(row("– time", seconds, "s"))
    return rows


if __name__ == "__main__":
    publish("spectral", [*norms(), *networks(), *edges()])
