"""The three models on which curvature products are timed. Imports torch alone: the peers' interpreter reads it too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

# Steps of the central difference: a rectifier must not switch within it.
STEPS = {"MLP": 3e-4, "CNN": 1e-8, "transformer": 3e-4}


class Attention(nn.Module):
    """Attention of several heads, written out: the fused kernel has no second derivative."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.project, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.project(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = (q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.first, self.second, self.attention = nn.LayerNorm(width), nn.LayerNorm(width), Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        return x + self.feed(self.second(x))


class Transformer(nn.Module):
    """Token and place embeddings, two layers with layer norm, classes in the second dimension of the outputs."""

    def __init__(self, words: int = 64, width: int = 64, tokens: int = 32, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Parameter(0.02 * torch.randn(tokens, width))
        self.layers = nn.Sequential(*(Layer(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.norm(self.layers(self.word(tokens) + self.place))).movedim(-1, 1)


def problem(name: str) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    """(model, loss, inputs, targets) in float32, from a fixed seed."""
    torch.manual_seed(0)
    if name == "MLP":
        model = nn.Sequential(nn.Linear(64, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 10))
        inputs, targets = torch.randn(1797, 64), torch.randint(10, (1797,))
    elif name == "CNN":
        model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, 10),
        )  # fmt: skip
        inputs, targets = torch.randn(256, 1, 16, 16), torch.randint(10, (256,))
    else:
        model = Transformer()
        inputs, targets = torch.randint(64, (32, 32)), torch.randint(64, (32, 32))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))  # norms start at one and zero, which hides wrong derivatives
    return model, nn.CrossEntropyLoss(), inputs, targets


def timed(work: Callable[[], Any], rounds: int = 2) -> tuple[float, Any]:
    """The least time of a few rounds, and what came out."""
    best, found = float("inf"), None
    for _ in range(rounds):
        start = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - start)
    return best, found


def seconds(works: dict[str, Callable[[], object]], budget: float = 12.0) -> dict[str, float]:
    """The least time of each, in rounds that take turns, so that a busy moment of the machine falls on all."""
    best = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    start = time.perf_counter()
    while time.perf_counter() - start < budget:
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


def central_product(model: nn.Module, loss: nn.Module, inputs: Tensor, targets: Tensor, vector: Tensor, step: float) -> Tensor:
    """H v in float64 by a central difference of fourth order of the gradient: the reference that shares nothing with the engines."""
    parameters = list(model.parameters())
    pieces = vector.split([p.numel() for p in parameters])

    def gradient(distance: float) -> Tensor:
        with torch.no_grad():
            for p, piece in zip(parameters, pieces, strict=True):
                p.add_(distance * piece.reshape(p.shape))
        found = torch.autograd.grad(loss(model(inputs), targets), parameters)
        with torch.no_grad():
            for p, piece in zip(parameters, pieces, strict=True):
                p.sub_(distance * piece.reshape(p.shape))
        return torch.cat([g.flatten() for g in found])

    near, far = (gradient(k * step) - gradient(-k * step) for k in (1, 2))
    return (8 * near - far) / (12 * step)
