"""What clipping spectral norms costs in accuracy and in time, beside torch's parametrisation.

Run ``python benchmarks/clipping.py``: prints a table and writes ``benchmarks/results/clipping.json``. A small network learns the digits with a
margin; every layer is held at 1 while it learns, and certified at the end. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from _report import publish, row
from sklearn.datasets import load_digits
from torch import Tensor, nn

from certify.bounds import SpectralClipping, lipschitz, spectral_norm

torch.set_num_threads(1)
SHAPE, STEPS, MARGIN = (1, 8, 8), 800, 0.3


def network() -> nn.Sequential:
    """Two convolutions and two matrices, always from the same start."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(),
        nn.Linear(64, 10),
    )  # fmt: skip


def margin_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """The hinge at the margin, of the target against every other class."""
    right = outputs.gather(1, targets[:, None])
    short = (MARGIN - right + outputs).clamp_min(0)
    return (short.sum(1) - MARGIN).mean()


def train(
    model: nn.Module, inputs: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Tensor], clip: SpectralClipping | None
) -> float:
    """Milliseconds a step of Adam on batches of 128."""
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(1)
    start = time.perf_counter()
    for _ in range(STEPS):
        chosen = torch.randint(len(inputs), (128,), generator=generator)
        optimiser.zero_grad()
        loss(model(inputs[chosen]), targets[chosen]).backward()
        optimiser.step()
        if clip is not None:
            clip.step()
    return 1000 * (time.perf_counter() - start) / STEPS


def run() -> list[dict[str, Any]]:
    """Accuracy on a third of the digits that was held out, norms, and time."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    inputs = torch.tensor(data.images / 16.0, dtype=torch.float32)[order][:, None]
    targets = torch.tensor(data.target)[order]
    seen, held = slice(0, 1200), slice(1200, None)

    def accuracy(model: nn.Module) -> float:
        with torch.no_grad():
            return 100 * float((model(inputs[held]).argmax(1) == targets[held]).double().mean())

    free, clipped, parametrised = network(), network(), network()
    plain = train(free, inputs[seen], targets[seen], margin_loss, None)
    hook = SpectralClipping(clipped, 1.0, input_shape=SHAPE)
    ours = train(clipped, inputs[seen], targets[seen], margin_loss, hook)
    drift = max(norm.before.upper.value for norm in hook.certify().values())
    for number in (0, 2, 5, 7):
        torch.nn.utils.parametrizations.spectral_norm(parametrised[number])
    theirs = train(parametrised, inputs[seen], targets[seen], margin_loss, None)
    parametrised.eval()
    worst = max(
        spectral_norm(parametrised[number], shape).lower.value
        for number, shape in ((0, SHAPE), (2, (16, 8, 8)), (5, None), (7, None))
    )
    return [
        row("accuracy, unclipped", accuracy(free), "%"),
        row("accuracy, clipped at 1 and certified", accuracy(clipped), "%", budget=accuracy(free) - 1),
        row("certified Lipschitz constant, unclipped", lipschitz(free, input_shape=SHAPE).upper.value, "x"),
        row("certified Lipschitz constant, clipped", lipschitz(clipped, input_shape=SHAPE).upper.value, "x", budget=1 + 1e-5),
        row("largest norm of a layer before the last clipping", drift, "x"),
        row("time of a step, clipped over plain", ours / plain, "x", peer="torch's parametrisation", against=theirs / plain),
        row("largest norm that torch's parametrisation holds at 1", worst, "x"),
        row("accuracy with torch's parametrisation", accuracy(parametrised), "%"),
    ]


if __name__ == "__main__":
    publish("clipping", run())
