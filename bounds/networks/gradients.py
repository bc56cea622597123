"""How long gradients are at given inputs: what a Lipschitz constant is held against."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def gradient_norms(model: nn.Module, points: Tensor, *, steps: int = 12, generator: torch.Generator) -> Tensor:
    """The spectral norm of the Jacobian at each of the ``points`` [points, *shape], by power iteration: an estimate, from below.

    The model is evaluated as it stands, its rows independently of each other (so in evaluation mode). Float64 points and weights make
    the estimate good to rounding; what power iteration has not reached after ``steps`` is missing.

    >>> layer = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    >>> layer.weight = nn.Parameter(torch.tensor([[3.0, 4.0]], dtype=torch.float64))
    >>> round(gradient_norms(layer, torch.zeros(1, 2, dtype=torch.float64), generator=torch.Generator()).item(), 12)
    5.0
    """
    at = points.detach().requires_grad_()
    with torch.enable_grad():
        values = model(at)
        covector = torch.zeros_like(values, requires_grad=True)
        pulled = None
        if values.requires_grad:  # J'u, linear in u: its gradient in u gives J v
            (pulled,) = torch.autograd.grad(values, at, covector, create_graph=True, allow_unused=True)
    if pulled is None or not pulled.requires_grad:  # the values do not depend on the points
        return torch.zeros(len(points), dtype=points.dtype)
    direction = torch.randn(points.shape, generator=generator, dtype=points.dtype)
    lengths = torch.zeros(len(points), dtype=points.dtype)
    for _ in range(steps):
        direction = direction / _lengths(direction).clamp_min(1e-300)
        (moved,) = torch.autograd.grad(pulled, covector, direction, retain_graph=True)
        lengths = torch.maximum(lengths, _lengths(moved).flatten())
        (direction,) = torch.autograd.grad(values, at, moved, retain_graph=True)
    return lengths


def _lengths(rows: Tensor) -> Tensor:
    """The Euclidean length of each row, of shape [rows, 1, ...]."""
    lengths: Tensor = torch.linalg.vector_norm(rows.flatten(1), dim=1)
    return lengths.reshape(-1, *[1] * (rows.ndim - 1))
