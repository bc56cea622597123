"""The gradients of single examples by one plain backward pass each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def by_hand(model: nn.Module, loss: Any, data: tuple[Any, Any]) -> dict[str, Tensor]:
    """The gradients [n, *shape] of each example's own loss; zero where that is 0/0, for all its targets are ignored."""
    inputs, targets = data
    parts = inputs if isinstance(inputs, tuple) else (inputs,)
    found: dict[str, list[Tensor]] = {name: [] for name, _ in model.named_parameters()}
    for n in range(len(targets)):
        model.zero_grad()
        value = loss(model(*(part[n : n + 1] for part in parts)), targets[n : n + 1])
        value.backward()
        for name, parameter in model.named_parameters():
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach().clone()
            found[name].append(gradient if bool(value.isfinite()) else torch.zeros_like(gradient))
    model.zero_grad()
    return {name: torch.stack(rows) for name, rows in found.items()}


def rows(gradients: dict[str, Tensor]) -> Tensor:
    """The gradients as one matrix [n, P]."""
    return torch.cat([gradient.reshape(len(gradient), -1) for gradient in gradients.values()], 1)
