"""How near proved Lipschitz constants of networks come to gradients that exist, and to published figures.

Run ``python benchmarks/lipschitz.py``: prints a table and writes ``benchmarks/results/lipschitz.json``. Ratios are to the best gradient
found; 1 is exact. One thread. Two files of others are read where a path is given, and hold no part of this repository:

* ``--lipsdp-file PATH``: ``examples/saved_weights/random_weights.mat`` of arobey1/LipSDP (2-10-30-20-2), for which its authors
  publish 39.839 by layer and 36.482 by neuron;
* ``--certifier-file PATH``: a network in the text format of tobycmurray/verified-certified-robustness, matrices of inputs by outputs.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from _report import publish, row
from scipy.io import loadmat
from spectral import digits, timed, train
from torch import Tensor, nn

from certify.bounds import lipschitz, spectral_norm

torch.set_num_threads(1)

METHODS = ("product", "eclipse", "semidefinite")
BY_LAYER, BY_NEURON = 39.8387, 36.4823


def plain(weights: list[Tensor]) -> nn.Sequential:
    """The network of these weights with ReLU between them and no biases."""
    layers: list[nn.Module] = []
    for weight in weights:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = nn.Parameter(weight.to(torch.float64))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def ratios(
    words: str, model: nn.Module, *, tight: float | None = None, seconds_allowed: float | None = None, **options: Any
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """For every method its bound over the best gradient that any of them found, and its time; and the bounds by method."""
    found, best = {}, 0.0
    for method in METHODS:
        result, seconds = timed(lambda method=method: lipschitz(model, method, **options))
        found[method] = (result.upper.value, seconds)
        best = max(best, result.lower.value)
    rows = []
    for method, (upper, seconds) in found.items():
        last = method == "semidefinite"
        rows.append(row(f"{words}, {method}", upper / best, "x", budget=tight if last else None, peer="best gradient found"))
        rows.append(row("– time", seconds, "s", budget=seconds_allowed if last else None))
    return rows, {method: upper for method, (upper, _) in found.items()}


def local(words: str, model: nn.Module, center: Tensor, widths: tuple[float, ...]) -> list[dict[str, Any]]:
    """The bound on boxes about a point over the best gradient found inside."""
    rows = []
    for width in widths:
        result, seconds = timed(lambda width=width: lipschitz(model, "local", (center - width, center + width)))
        peer = "best gradient found in the box"
        rows.append(row(f"{words}, box of half width {width:g}", result.upper.value / result.lower.value, "x", peer=peer))
        rows.append(row("– time", seconds, "s"))
    return rows


def published_programme(path: Path | None) -> list[dict[str, Any]]:
    """The example of LipSDP, beside what its authors print."""
    if path is None:
        print("LipSDP's example: skipped (pass --lipsdp-file)")
        return []
    weights = [torch.from_numpy(weight) for weight in loadmat(path)["weights"].ravel()]
    rows, bounds = ratios("LipSDP's 2-10-30-20-2", plain(weights))
    for words, published in (("by layer", BY_LAYER), ("by neuron", BY_NEURON)):
        rows.append(
            row(
                "LipSDP's 2-10-30-20-2, semidefinite",
                bounds["semidefinite"],
                "",
                budget=published,
                peer=f"published {words}",
                against=published,
            )
        )
    return rows


def published_certifier(path: Path | None) -> list[dict[str, Any]]:
    """Norms of the layers of a network in the text format of the verified certifier."""
    if path is None:
        print("network of the verified certifier: skipped (pass --certifier-file)")
        return []
    weights = [torch.tensor(matrix, dtype=torch.float64).T for matrix in json.loads(f"[{path.read_text()}]")]
    shape = "-".join(str(size) for size in (weights[0].shape[1], *(weight.shape[0] for weight in weights)))
    norms, seconds = timed(lambda: [spectral_norm(weight) for weight in weights])
    rows = [
        row(f"norms of a published {shape} network", seconds, "s", budget=1.0),
        row("– worst upper over lower, less one", max(norm.ratio for norm in norms) - 1, "x"),
    ]
    return rows + ratios(f"published {shape}", plain(weights))[0]


def on_digits() -> list[dict[str, Any]]:
    """A trained network of two hidden layers, everywhere and near an image."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)).double()
    inputs, targets = digits()
    train(model, inputs, targets, 300)
    words = "64-256-256-10 trained on digits"
    rows, _ = ratios(words, model, tight=1.03, seconds_allowed=120.0)
    return rows + local(words, model, inputs[0], (1e-3, 1e-2, 1e-1))


def deep() -> list[dict[str, Any]]:
    """The shape that the published rigorous certifier takes 16 minutes for, with torch's own random weights."""
    torch.manual_seed(0)
    sizes = (784, *[128] * 8, 10)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    norms, seconds = timed(lambda: [spectral_norm(layer) for layer in model if isinstance(layer, nn.Linear)])
    rows = [
        row(
            "nine norms of a 784-128×8-10 network",
            seconds,
            "s",
            budget=1.0,
            peer="published rigorous certifier",
            against=16 * 60.0,
        ),
        row("– worst upper over lower, less one", max(norm.ratio for norm in norms) - 1, "x"),
    ]
    return rows + ratios("784-128×8-10", model)[0]


def convolutional() -> list[dict[str, Any]]:
    """A small trained network of convolutions, unrolled for the bounds that see layers together."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10)
    ).double()  # fmt: skip
    inputs, targets = digits()
    train(model, inputs.reshape(-1, 1, 8, 8), targets, 100)
    return ratios("CNN 8×8, 8 channels, trained on digits", model.eval(), input_shape=(1, 8, 8))[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Proved Lipschitz constants over gradients found.")
    parser.add_argument("--lipsdp-file", type=Path, default=None, help="random_weights.mat of arobey1/LipSDP")
    parser.add_argument("--certifier-file", type=Path, default=None, help="a network in the format of the verified certifier")
    given = parser.parse_args()
    publish(
        "lipschitz",
        [
            *published_programme(given.lipsdp_file),
            *published_certifier(given.certifier_file),
            *on_digits(),
            *deep(),
            *convolutional(),
        ],
    )
