"""Gradients of single examples on an accelerator: run with ``pytest -m gpu`` on a machine that has one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from curvature_models import CASES, case
from per_example_oracle import by_hand, rows
from torch import nn

from certify.estimators import knowledge_density, per_example_gram, per_example_norms, per_example_projections

pytestmark = pytest.mark.gpu


@pytest.fixture
def device() -> str:
    """The accelerator."""
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    return "cuda"


def moved(data: Any, device: str) -> Any:
    return tuple(moved(part, device) for part in data) if isinstance(data, tuple) else data.to(device)


@pytest.mark.parametrize("name", CASES)
def test_the_accelerator_agrees_with_single_backward_passes_on_the_processor(device: str, name: str) -> None:
    made = case(name)
    reference = rows(by_hand(made.model, made.loss, made.data))
    model = made.model.to(device)
    loss = made.loss.to(device) if isinstance(made.loss, nn.Module) else made.loss
    data = moved(made.data, device)
    found = per_example_norms(model, loss, data)
    assert found.device.type == device
    torch.testing.assert_close(found.cpu(), reference.norm(dim=1), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(per_example_gram(model, loss, [made.data]).cpu(), reference @ reference.T, rtol=1e-9, atol=1e-11)
    direction = torch.ones(reference.shape[1], dtype=torch.float64)
    torch.testing.assert_close(
        per_example_projections(model, loss, data, direction).cpu(), reference @ direction, rtol=1e-9, atol=1e-11
    )
    drawn = [
        per_example_projections(
            model.to(place), loss, moved(made.data, place), 7, generator=torch.Generator().manual_seed(1)
        ).cpu()
        for place in (device, "cpu")
        if not isinstance(made.loss, nn.Module) or getattr(made.loss, "weight", None) is None
    ]
    if drawn:
        torch.testing.assert_close(drawn[0], drawn[1], rtol=1e-9, atol=1e-11)


def test_knowledge_density_on_the_accelerator(device: str) -> None:
    made = case("transformer")
    expected = knowledge_density(made.model, made.loss, made.data)
    found = knowledge_density(made.model.to(device), made.loss, moved(made.data, device))
    assert found.shares == pytest.approx(expected.shares, rel=1e-9)
