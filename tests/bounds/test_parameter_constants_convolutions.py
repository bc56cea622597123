"""Constants in the parameters of convolutional networks, pooling and normalisation: nothing in the ball is above them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from flat_losses import FlatLoss
from torch import Tensor, nn

from certify.bounds import UnknownModule, parameter_constants
from certify.bounds.networks.intervals import Interval
from certify.bounds.parameters.reading import steps_of
from certify.bounds.parameters.recursion import Derivatives
from certify.bounds.parameters.steps import Affine

LOSS = nn.CrossEntropyLoss()

LAYERS: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv2d(1, 2, 3, padding=1), (1, 4, 4)),
    (nn.Conv2d(2, 2, 1), (2, 3, 3)),
    (nn.Conv2d(2, 4, 2, stride=2, groups=2), (2, 4, 4)),
    (nn.Conv2d(3, 3, 2, groups=3, bias=False), (3, 3, 3)),
    (nn.Conv2d(1, 2, 2, stride=2, dilation=2), (1, 5, 5)),
    (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), (1, 3, 3)),
    (nn.Conv2d(1, 1, 3, padding=2, padding_mode="circular"), (1, 2, 2)),
    (nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), (1, 3, 3)),
    (nn.Conv2d(2, 3, (3, 1), padding=(1, 0)), (2, 1, 1)),
    (nn.Conv1d(2, 3, 3, stride=2, padding=2), (2, 7)),
    (nn.Conv3d(1, 2, (3, 1, 1), padding="same"), (1, 2, 2, 2)),
    (nn.Linear(5, 3), (5,)),
    (nn.BatchNorm2d(2).eval(), (2, 3, 3)),
]


def example(layer: nn.Module, shape: tuple[int, ...], seed: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(seed)
    layer = layer.double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_var is not None and layer.running_mean is not None
            layer.running_var.uniform_(0.3, 2.0)
            layer.running_mean.normal_()
    return layer, torch.randn(4, *shape, dtype=torch.float64)


def jacobians(layer: nn.Module, inputs: Tensor) -> list[Tensor]:
    """The dense derivative of each example's outputs in all parameters of the layer."""
    return [
        torch.func.jacrev(FlatLoss(layer, LOSS, row[None], torch.zeros(0)).outputs)(
            torch.cat([parameter.detach().flatten() for parameter in layer.parameters()])
        ).flatten(0, -2)
        for row in inputs
    ]


def layer_step(layer: nn.Module, shape: tuple[int, ...]) -> Affine:
    return next(step for step in steps_of(layer, shape)[0] if isinstance(step, Affine))


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_the_derivative_in_the_parameters_of_a_layer_is_its_norm(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Against the singular values of the dense Jacobian of every example: at or above them, and within two per cent."""
    layer, inputs = example(layer, shape, 0)
    found = Derivatives(steps_of(layer, shape)[0], inputs, 0.0).sizes()[0]
    for bound, jacobian in zip(found, jacobians(layer, inputs), strict=True):
        truth = float(torch.linalg.matrix_norm(jacobian, ord=2))
        assert truth * (1 - 1e-12) <= float(bound) <= 1.02 * truth


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_a_move_of_the_parameters_moves_the_map_by_no_more_than_its_reuse(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """|A(V)| <= m |V|, its columns <= k |V|, and |A(W)| and its columns at W; with sparse V, which come closest."""
    layer, _ = example(layer, shape, 1)
    step = layer_step(layer, shape)
    bare: Any = layer
    inputs = torch.zeros(1, *shape, dtype=torch.float64)
    with torch.no_grad():
        if bare.bias is not None:
            bare.bias.zero_()
        if isinstance(layer, nn.BatchNorm2d):
            bare.running_var.fill_(1 - bare.eps)
            bare.running_mean.zero_()

        def matrix() -> Tensor:
            found: Tensor = torch.func.jacrev(layer)(inputs).reshape(-1, inputs.numel())
            return found.detach()

        here = matrix()
        assert torch.linalg.matrix_norm(here, ord=2) <= step.norm * (1 + 1e-12)
        assert torch.linalg.vector_norm(here, dim=0).max() <= step.column * (1 + 1e-12)
        closest = 0.0
        for draw in range(40):
            bare.weight.normal_()
            if draw % 2:
                keep = torch.zeros_like(bare.weight)
                keep[torch.randint(len(keep), ())] = 1.0
                bare.weight.mul_(keep).sign_()
            moved, size = matrix(), float(bare.weight.norm())
            closest = max(closest, float(torch.linalg.matrix_norm(moved, ord=2)) / size / step.reuse)
            assert torch.linalg.matrix_norm(moved, ord=2) <= step.reuse * size * (1 + 1e-12)
            assert torch.linalg.vector_norm(moved, dim=0).max() <= step.column_reuse * size * (1 + 1e-12)
        assert closest > 0.4


def test_a_shared_bias_counts_at_every_position() -> None:
    """Negative control: with norm one for the bias the derivative is above the bound, six times on six by six pixels that are dark."""
    layer = nn.Conv2d(1, 1, 1).double()
    dark = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    truth = float(torch.linalg.matrix_norm(jacobians(layer, dark)[0], ord=2))
    false_sibling = math.sqrt(float(dark.square().sum()) + 1)
    bound = float(Derivatives(steps_of(layer, (1, 6, 6))[0], dark, 0.0).sizes()[0][0])
    assert truth == pytest.approx(6.0) and false_sibling < truth / 5
    assert truth <= bound < 6.01


def test_dilation_makes_windows_overlap_that_the_stride_would_part() -> None:
    """Negative control: kernel 2 over stride 2 would read an input once; with dilation 2 it reads it twice along each axis."""
    layer = nn.Conv2d(1, 1, 2, stride=2, dilation=2, bias=False).double()
    step = layer_step(layer, (1, 9, 9))
    with torch.no_grad():
        layer.weight.fill_(0.5)
    inputs = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    truth = float(torch.linalg.matrix_norm(torch.func.jacrev(layer)(inputs).reshape(-1, 81).detach(), ord=2))
    assert truth > 1.5  # the false sibling: ceil(2/2) = 1
    assert step.reuse == pytest.approx(2.0) and truth <= step.reuse


def network(head: list[nn.Module], features: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(*head, nn.Flatten(), nn.Linear(features, 3)).double().eval()


NETWORKS: dict[str, tuple[list[nn.Module], int, tuple[int, ...]]] = {
    "two convolutions": ([nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Conv2d(2, 2, 2, stride=2), nn.Softplus()], 2, (1, 4, 4)),
    "depthwise and pointwise": ([nn.Conv2d(2, 2, 2, groups=2), nn.SiLU(), nn.Conv2d(2, 3, 1), nn.Tanh()], 12, (2, 3, 3)),
    "pooled": (
        [nn.Conv2d(1, 3, 2, padding=1), nn.GELU(), nn.AvgPool2d(2, stride=1), nn.Tanh(), nn.AdaptiveAvgPool2d(1)],
        3,
        (1, 3, 3),
    ),
    "normalised": ([nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Tanh(), nn.BatchNorm2d(2, affine=False)], 8, (1, 3, 3)),
    "circular": ([nn.ZeroPad2d(1), nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Sigmoid()], 32, (1, 2, 2)),
    "one dimension, dilated": (
        [nn.Conv1d(2, 2, 2, stride=2, dilation=2), nn.Dropout(), nn.Tanh(), nn.Conv1d(2, 2, 2)],
        4,
        (2, 8),
    ),
    "one pixel": ([nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 2, 1), nn.Identity()], 2, (2, 1, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 0.4])
def test_no_derivative_in_the_ball_is_above_its_constant(name: str, radius: float) -> None:
    head, features, shape = NETWORKS[name]
    model = network(head, features, 0)
    with torch.no_grad():
        for module in model:
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.uniform_(0.2, 2.0)  # type: ignore[union-attr]
                module.running_mean.normal_()  # type: ignore[union-attr]
    inputs, targets = 1.5 * torch.randn(4, *shape, dtype=torch.float64), torch.randint(3, (4,))
    function = FlatLoss(model, LOSS, inputs, targets)
    for known in (None, targets):
        constants = parameter_constants(model, LOSS, inputs, known, radius=radius)
        assert constants.smoothness is not None and constants.hessian_lipschitz is not None
        for point in function.points(radius, draws=1, ascents=3):
            gradient, hessian, third = function.measured(point)
            assert gradient <= constants.gradient.value
            assert hessian <= constants.smoothness.value
            assert third <= constants.hessian_lipschitz.value


@pytest.mark.parametrize("radius", [0.0, 0.4])
def test_max_pooling_leaves_the_gradient_bound_alone(radius: float) -> None:
    model = network([nn.Conv2d(1, 2, 2), nn.Tanh(), nn.MaxPool2d(2, stride=1), nn.LeakyReLU()], 8, 3)
    inputs, targets = torch.randn(4, 1, 4, 4, dtype=torch.float64), torch.randint(3, (4,))
    constants = parameter_constants(model, LOSS, inputs, targets, radius=radius)
    assert constants.smoothness is None and constants.hessian_lipschitz is None
    assert constants.reason.startswith("2 (MaxPool2d) has kinks") and "average pooling" in constants.reason
    function = FlatLoss(model, LOSS, inputs, targets)
    assert all(float(function.gradient(point).norm()) <= constants.gradient.value for point in function.points(radius))


def test_outputs_are_enclosed_and_move_no_further_than_said() -> None:
    for name, (head, features, shape) in NETWORKS.items():
        model = network(head, features, 1)
        inputs = torch.randn(3, *shape, dtype=torch.float64)
        function = FlatLoss(model, LOSS, inputs, torch.zeros(0))
        found = Derivatives(steps_of(model, shape)[0], inputs, 0.2)
        here = function.outputs(function.flat).detach()
        assert bool((found.value.low <= here).all() and (here <= found.value.high).all()), name
        assert float((found.value.high - found.value.low).max()) < 1e-9
        for seed in range(3):
            torch.manual_seed(seed)
            move = torch.randn_like(function.flat)
            there = function.outputs(function.flat + 0.2 * move / move.norm()).detach()
            assert bool((torch.linalg.vector_norm((there - here).flatten(1), dim=1) <= found.moved).all()), name


def test_windows_of_intervals_count_what_is_uncertain() -> None:
    """The norm holds for every member of an interval of inputs, not for its middle alone."""
    layer, inputs = example(nn.Conv2d(2, 2, 2), (2, 3, 3), 2)
    step = layer_step(layer, (2, 3, 3))
    wide = Interval(inputs - 0.3, inputs + 0.3)
    bound = step.sizes(wide, torch.zeros(4, dtype=torch.float64))[0]
    truth = torch.stack(
        [torch.linalg.matrix_norm(jacobian, ord=2) for jacobian in jacobians(layer, inputs + 0.3 * inputs.sign())]
    )
    assert bool((truth <= bound).all()) and bool((truth > step.sizes(Interval.point(inputs), bound * 0)[0]).any())


def test_modules_without_a_rule_are_refused_by_place() -> None:
    images = torch.randn(2, 1, 4, 4)
    for head, words in (
        ([nn.ConvTranspose2d(1, 2, 2)], r"0 \(ConvTranspose2d\) is not a layer"),
        ([nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2)], r"1 \(BatchNorm2d\): .*call eval"),
        ([nn.Conv2d(1, 2, 2), nn.AvgPool2d(2, ceil_mode=True)], r"1 \(AvgPool2d\).*ceil_mode"),
        ([nn.Conv2d(1, 2, 2), nn.AvgPool2d(2, padding=1, count_include_pad=False)], r"1 \(AvgPool2d\).*leaves its padding out"),
        ([nn.Conv2d(1, 2, 2), nn.AdaptiveAvgPool2d(2)], r"1 \(AdaptiveAvgPool2d\).*output of size 1"),
        ([nn.Conv2d(1, 2, 2), nn.MaxPool2d(2, return_indices=True)], r"1 \(MaxPool2d\).*indices"),
        ([nn.Conv2d(1, 2, 2), nn.Flatten(0)], r"1 \(Flatten\).*batch"),
        ([nn.Conv2d(3, 2, 2)], r"0 \(Conv2d\).*"),
        ([nn.Conv2d(1, 2, 5)], r"0 \(Conv2d\).*"),
        ([nn.Conv2d(1, 2, 2)], "one row of outputs"),
        ([nn.Linear(4, 2)], r"0 \(Linear\).*put a Flatten"),
    ):
        with pytest.raises((UnknownModule, ValueError), match=words):
            parameter_constants(nn.Sequential(*head), LOSS, images)
