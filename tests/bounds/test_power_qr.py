"""Estimates of singular values through automatic differentiation: near the values from below, and of linear layers only."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from certify.bounds import Estimate, NotALinearMap, singular_value_estimates, spectral_norm


def test_the_estimates_are_the_largest_singular_values_from_below() -> None:
    torch.manual_seed(0)
    layers = (
        nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(3), nn.AvgPool2d(2)).double().eval()
    )
    with torch.no_grad():
        zero = layers(torch.zeros(1, 2, 6, 6).double())
        matrix = (layers(torch.eye(72).double().reshape(72, 2, 6, 6)) - zero).flatten(1).T
    exact = torch.linalg.svdvals(matrix)[:4]
    found = singular_value_estimates(layers, (2, 6, 6), 4, steps=300)
    assert all(isinstance(estimate, Estimate) for estimate in found)
    for estimate, value in zip(found, exact.tolist(), strict=True):
        assert value * (1 - 1e-3) <= estimate.value <= value * (1 + 1e-12)


def test_few_steps_end_below_the_norm() -> None:
    """Why they are no bounds."""
    torch.manual_seed(1)
    layer = nn.Linear(60, 60, dtype=torch.float64)
    assert singular_value_estimates(layer, (60,), 1, steps=2)[0].value < 0.98 * spectral_norm(layer).lower.value


def test_what_is_not_affine_is_refused() -> None:
    for layer, shape in ((nn.ReLU(), (5,)), (nn.Sequential(nn.Linear(5, 5), nn.Tanh()), (5,)), (nn.LayerNorm(5), (5,))):
        with pytest.raises(NotALinearMap, match="not affine"):
            singular_value_estimates(layer, shape, 1)
    with pytest.raises(ValueError, match="between 1 and 5"):
        singular_value_estimates(nn.Linear(5, 5), (5,), 6)
