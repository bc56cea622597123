"""Norms, Gram matrices, projections and gradients of single examples, against one backward pass for each example."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from curvature_models import CASES, case
from torch import Tensor, nn

from certify.estimators import per_example_norms


def by_hand(model: nn.Module, loss: Any, data: tuple[Any, Any]) -> dict[str, Tensor]:
    """The gradients [n, *shape] of each example's own loss, by one plain backward pass each; zero where the loss is 0/0."""
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
    return torch.cat([gradient.flatten(1) for gradient in gradients.values()], 1)


@pytest.mark.parametrize("name", CASES)
def test_norms_are_those_of_single_backward_passes(name: str) -> None:
    made = case(name)
    reference = by_hand(made.model, made.loss, made.data)
    found = per_example_norms(made.model, made.loss, made.data, by_parameter=True)
    for parameter, gradients in reference.items():
        torch.testing.assert_close(found[parameter], gradients.flatten(1).norm(dim=1), rtol=1e-10, atol=1e-13)
    whole = per_example_norms(made.model, made.loss, made.data)
    torch.testing.assert_close(whole, rows(reference).norm(dim=1), rtol=1e-10, atol=1e-13)
    assert float(whole.max()) > 1e-3
