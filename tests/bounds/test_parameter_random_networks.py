"""Random networks of every kind that has a rule: no gradient, Hessian, third derivative or eigenvalue found in the ball is beyond a bound."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from flat_losses import FlatLoss
from torch import nn

from certify.bounds import parameter_constants
from certify.bounds.parameters.deep import network_edges

_LOSSES: list[nn.Module] = [
    nn.CrossEntropyLoss(),
    nn.CrossEntropyLoss(label_smoothing=0.1),
    nn.MSELoss(),
    nn.BCEWithLogitsLoss(),
    nn.HuberLoss(delta=0.5),
    nn.SmoothL1Loss(beta=0.7),
]


def activation(draw: random.Random) -> nn.Module:
    return draw.choice([nn.Tanh(), nn.Sigmoid(), nn.Softplus(beta=3.0), nn.GELU(), nn.SiLU(), nn.LogSigmoid(), nn.Tanhshrink()])


def drawn(draw: random.Random) -> tuple[nn.Sequential, torch.Tensor] | None:
    """A random network with at most 120 parameters and three inputs for it; None where the draw fits no input."""
    axes = draw.choice([1, 2])
    kinds: dict[int, Any] = {1: (nn.Conv1d, nn.BatchNorm1d, nn.AvgPool1d), 2: (nn.Conv2d, nn.BatchNorm2d, nn.AvgPool2d)}
    convolution, normalisation, pooling = kinds[axes]
    channels = draw.choice([1, 2])
    inputs = draw.choice([0.3, 1.0, 3.0]) * torch.randn(3, channels, *(draw.randint(3, 5) for _ in range(axes))).double()
    layers: list[nn.Module] = []
    for _ in range(draw.randint(1, 2)):
        groups = draw.choice([1, channels])
        options = {
            "stride": draw.choice([1, 1, 2]),
            "padding": draw.choice([0, 1, 1, 2]),
            "dilation": draw.choice([1, 1, 2]),
            "groups": groups,
            "bias": draw.random() < 0.7,
            "padding_mode": draw.choice(["zeros", "zeros", "circular", "reflect", "replicate"]),
        }
        outputs = groups * draw.choice([1, 2])
        layers.append(convolution(channels, outputs, draw.choice([1, 2, 3]), **options))
        channels = outputs
        layers += [normalisation(channels, affine=draw.random() < 0.7)] if draw.random() < 0.3 else []
        layers += [activation(draw)] if draw.random() < 0.85 else []
        layers += [pooling(2, stride=1, padding=draw.choice([0, 1]))] if draw.random() < 0.3 else []
    try:
        features = nn.Sequential(*layers, nn.Flatten()).double().eval()(inputs).shape[1]
    except RuntimeError:
        return None
    last = [nn.Linear(features, draw.choice([1, 2, 3]), bias=draw.random() < 0.8)]
    model = nn.Sequential(*layers, nn.Flatten(), *last, *([activation(draw)] if draw.random() < 0.2 else [])).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(draw.choice([0.5, 1.0, 2.0, 4.0]))
        for module in model:
            if isinstance(module, normalisation):
                module.running_var.uniform_(0.1, 3.0)
                module.running_mean.normal_()
    return (model, inputs) if sum(parameter.numel() for parameter in model.parameters()) <= 120 else None


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.0, 0.003, 0.03, 0.3, 2.0])
def test_nothing_found_in_the_ball_is_beyond_a_bound(radius: float) -> None:
    tried, tightest = 0, 0.0
    for seed in range(60):
        draw = random.Random(seed)
        torch.manual_seed(seed)
        found = drawn(draw)
        if found is None:
            continue
        model, inputs = found
        loss, outputs = draw.choice(_LOSSES), model(inputs).shape[1]
        classes = isinstance(loss, nn.CrossEntropyLoss)
        targets = torch.randint(outputs, (3,)) if classes else torch.rand(3, outputs).double()
        constants = parameter_constants(model, loss, inputs, targets, radius=radius)
        kinked = constants.hessian_lipschitz is None
        edges = None if kinked else network_edges(model, loss, (inputs, targets), radius=radius)
        function = FlatLoss(model, loss, inputs, targets)
        for point in function.points(radius, draws=1, ascents=2):
            gradient, hessian, third = function.measured(point, third=not kinked)
            assert constants.smoothness is not None
            assert gradient <= constants.gradient.value * (1 + 1e-11), seed
            assert hessian <= constants.smoothness.value * (1 + 1e-11), seed
            assert constants.hessian_lipschitz is None or third <= constants.hessian_lipschitz.value * (1 + 1e-11), seed
            tightest = max(tightest, gradient / constants.gradient.value)
            if edges is not None:
                values, loose = torch.linalg.eigvalsh(function.hessian(point)), 1e-11 * hessian
                assert edges.lower.value <= float(values[0]) + loose and float(values[-1]) <= edges.upper.value + loose, seed
        tried += 1
    assert tried > 20 and tightest > (1 - 1e-6 if radius == 0.0 else 0.1)
