"""Convolutions: the proved norm against the map that torch itself computes, entry by entry."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from certify.bounds import NotALinearMap, spectral_norm

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def matrix_of(layer: nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """The matrix of the layer, by torch's own forward pass on every unit vector."""
    size = math.prod(shape)
    with torch.no_grad():
        zero = layer(torch.zeros((1, *shape), dtype=torch.float64))
        return (layer(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - zero).reshape(size, -1).T


def check(layer: nn.Module, shape: tuple[int, ...], **options: object) -> float:
    """The ratio of the upper bound to the norm; both bounds are on their sides of it, as far as float64 can tell."""
    exact = float(torch.linalg.matrix_norm(matrix_of(layer, shape), 2))
    norm = spectral_norm(layer, shape, **options)  # type: ignore[arg-type]
    slack = 1e-12 * exact
    assert norm.lower.value <= exact + slack
    assert norm.upper.value >= exact - slack
    return norm.upper.value / exact if exact else 1.0


@st.composite
def layers(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    """Convolutions of every kind on small inputs, the odd ones included."""
    axes = draw(st.sampled_from([1, 2, 2, 3]))
    groups = draw(st.integers(1, 2))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel, stride, dilation = (
        tuple(draw(st.integers(1, most)) for _ in range(axes)) for most in ((4, 3, 2) if axes < 3 else (2, 2, 2))
    )
    size = tuple(draw(st.integers(1, 7 if axes < 3 else 4)) for _ in range(axes))
    padding = tuple(draw(st.integers(0, 3)) for _ in range(axes))
    torch.manual_seed(draw(st.integers(0, 2**31)))
    if draw(st.integers(0, 3)) == 0:
        extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
        layer = TRANSPOSED[axes - 1](inputs, outputs, kernel, stride, padding, extra, groups, True, dilation, dtype=torch.float64)
    else:
        mode = draw(st.sampled_from(["zeros", "zeros", "circular", "reflect", "replicate"]))
        if mode == "reflect":
            padding = tuple(min(width, length - 1) for width, length in zip(padding, size, strict=True))
        if mode == "circular":
            padding = tuple(min(width, length) for width, length in zip(padding, size, strict=True))
        layer = CONVOLUTIONS[axes - 1](
            inputs, outputs, kernel, stride, padding, dilation, groups, padding_mode=mode, dtype=torch.float64
        )
    return layer, (inputs, *size)


@settings(max_examples=200)
@given(layers(), st.sampled_from([None, "matrix", "symbol"]))
def test_the_norm_lies_between_the_bounds(drawn: tuple[nn.Module, tuple[int, ...]], route: str | None) -> None:
    layer, shape = drawn
    try:
        out = layer(torch.zeros((1, *shape), dtype=torch.float64))
    except RuntimeError:
        assume(False)
    assume(out.numel() > 0)
    ratio = check(layer, shape, route=route)
    if route == "matrix":
        assert ratio <= 1 + 1e-9


@settings(max_examples=40)
@given(layers())
def test_the_bound_at_every_size_covers_each(drawn: tuple[nn.Module, tuple[int, ...]]) -> None:
    layer, shape = drawn
    if layer.padding_mode != "zeros":
        with pytest.raises(NotALinearMap, match="input size"):
            spectral_norm(layer)
        return
    everywhere = spectral_norm(layer)
    try:
        matrix = matrix_of(layer, shape)
    except RuntimeError:
        assume(False)
    assert everywhere.upper.value >= float(torch.linalg.matrix_norm(matrix, 2)) * (1 - 1e-12)
    assert everywhere.lower.value <= everywhere.upper.value


@pytest.mark.parametrize("size", [5, 7, 9, 31])
def test_zero_padding_is_not_the_circular_convolution_of_its_own_size(size: int) -> None:
    """The alternating kernel has the norm (1 + 2 cos(pi/(n + 1)))², above the symbols at the frequencies of period n."""
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False, dtype=torch.float64)
    wave = torch.tensor([-1.0, 1.0, -1.0], dtype=torch.float64)
    layer.weight = nn.Parameter(torch.outer(wave, wave)[None, None])
    exact = (1 + 2 * math.cos(math.pi / (size + 1))) ** 2
    norm = spectral_norm(layer, (1, size, size), route="symbol")
    assert exact * (1 - 1e-14) <= norm.upper.value <= exact * 1.3
    tight = spectral_norm(layer, (1, size, size), route="matrix")
    assert exact * (1 - 1e-14) <= tight.upper.value <= exact * (1 + 1e-9)
    wrong = nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode="circular", dtype=torch.float64)
    wrong.weight = layer.weight
    assert spectral_norm(wrong, (1, size, size)).upper.value < exact, "negative control: what other libraries return"


def test_closed_forms() -> None:
    ones = nn.Conv2d(1, 1, 3, padding=1, bias=False, dtype=torch.float64)
    nn.init.ones_(ones.weight)
    exact = (1 + 2 * math.cos(math.pi / 13)) ** 2
    assert exact <= spectral_norm(ones, (1, 12, 12)).upper.value * (1 + 1e-15) <= exact * (1 + 1e-9)
    assert 9 <= spectral_norm(ones).upper.value <= 9 * 1.02
    second = nn.Conv1d(1, 1, 3, padding=1, bias=False, dtype=torch.float64)
    second.weight = nn.Parameter(torch.tensor([[[-1.0, 2.0, -1.0]]], dtype=torch.float64))
    exact = 2 + 2 * math.cos(math.pi / 41)
    assert exact <= spectral_norm(second, (1, 40)).upper.value * (1 + 1e-15) <= exact * (1 + 1e-9)


def test_groups_give_the_largest_and_not_the_product() -> None:
    layer = nn.Conv2d(4, 4, 1, groups=4, bias=False, dtype=torch.float64)
    layer.weight = nn.Parameter(torch.tensor([0.402, 0.2, 0.3, 0.1], dtype=torch.float64).reshape(4, 1, 1, 1))
    norm = spectral_norm(layer, (4, 6, 6))
    assert norm.lower.value <= 0.402 <= norm.upper.value < 0.4021


def test_a_transposed_convolution_is_counted_at_the_size_it_puts_out() -> None:
    torch.manual_seed(0)
    worst = 0.0
    for _ in range(20):
        layer = nn.ConvTranspose1d(1, 1, 5, stride=3, padding=0, bias=False, dtype=torch.float64)
        check(layer, (1, 2), route="symbol")
        exact = float(torch.linalg.matrix_norm(matrix_of(layer, (1, 2)), 2))
        adjoint = nn.Conv1d(1, 1, 5, stride=3, bias=False, dtype=torch.float64)
        adjoint.weight = layer.weight
        worst = max(worst, exact / spectral_norm(adjoint, (1, 5)).upper.value)
    assert worst > 1.001, "negative control: at a smaller size the adjoint has a smaller norm"


def test_circular_padding_with_more_outputs_than_the_period_has_places() -> None:
    layer = nn.Conv1d(1, 1, 1, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    nn.init.ones_(layer.weight)
    exact = math.sqrt(2)
    assert exact <= spectral_norm(layer, (1, 4)).upper.value * (1 + 1e-15) < exact + 1e-9
    layer = nn.Conv1d(1, 1, 2, stride=2, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    nn.init.ones_(layer.weight)
    check(layer, (1, 6), route="symbol")


def test_bad_shapes_are_refused_in_one_line() -> None:
    layer = nn.Conv2d(3, 4, 3)
    for shape in ((3, 8), (1, 3, 8, 8), (4, 8, 8)):
        with pytest.raises(NotALinearMap, match="without the batch"):
            spectral_norm(layer, shape)
    with pytest.raises(NotALinearMap, match="smaller than the kernel"):
        spectral_norm(layer, (3, 2, 2))
    with pytest.raises(NotALinearMap, match="unknowns"):
        spectral_norm(nn.Conv2d(64, 64, 3, padding=1), (64, 32, 32), route="matrix")
    broken = nn.Conv2d(1, 1, 1)
    nn.init.constant_(broken.weight, math.nan)
    with pytest.raises(NotALinearMap, match="not finite"):
        spectral_norm(broken, (1, 3, 3))


def test_a_layer_folded_with_its_normalisation_is_the_composed_map() -> None:
    torch.manual_seed(1)
    layers = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3)).double().eval()
    normalisation = layers[1]
    with torch.no_grad():
        normalisation.running_var.copy_(torch.rand(3) * 4 + 0.01)  # type: ignore[operator, union-attr]
        normalisation.weight.copy_(torch.randn(3))  # type: ignore[operator, union-attr]
    assert check(layers, (2, 6, 6)) <= 1 + 1e-9
    check(layers, (2, 6, 6), route="symbol")


def test_finding_a_shape_leaves_every_mode_as_it_was() -> None:
    layers = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2).eval()), nn.Conv2d(2, 1, 3))
    modes = [module.training for module in layers.modules()]
    spectral_norm(layers, (1, 8, 8))
    assert [module.training for module in layers.modules()] == modes
