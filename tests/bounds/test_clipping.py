"""Clipping: what is stored is certified to be at most the limit, and little else moves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from certify.bounds import NotALinearMap, SpectralClipping, clip_spectral_norm, spectral_norm


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_singular_values_of_a_matrix_above_the_limit_are_lowered_to_it_and_the_others_stay(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(9, 7).to(dtype)
    with torch.no_grad():
        layer.weight.mul_(3)
    old = torch.linalg.svdvals(layer.weight.detach().double())
    limit = float(old[2:4].mean())
    clipped = clip_spectral_norm(layer, limit)
    new = torch.linalg.svdvals(layer.weight.detach().double())
    assert clipped.changed and clipped.after.upper.value <= limit * (1 + 1e-6)
    assert clipped.after.upper.value == spectral_norm(layer).upper.value and layer.weight.dtype == dtype
    assert torch.allclose(new, old.clamp_max(limit), rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_short_types_are_stored_below_the_limit(dtype: torch.dtype) -> None:
    """Rounding to eight or eleven bits moves the norm by far more than a millionth: the stored weights are certified, not the meant ones."""
    torch.manual_seed(0)
    for _ in range(20):
        layer = nn.Linear(9, 7).to(dtype)
        with torch.no_grad():
            layer.weight.mul_(10)
        clipped = clip_spectral_norm(layer, 1.0)
        assert clipped.after.upper.value == spectral_norm(layer).upper.value <= 1 + 1e-6
        assert clipped.after.lower.value > 1 - 8 * torch.finfo(dtype).eps, "and little is given away"


@pytest.mark.parametrize(
    ("options", "shape", "tightness"),
    [
        ({"padding": 1, "padding_mode": "circular"}, (3, 8, 8), 0.99),
        ({"padding": 1}, (3, 8, 8), 0.8),
        ({"padding": 1, "stride": 2, "padding_mode": "circular"}, (3, 8, 8), 0.7),
        ({"padding": 2, "dilation": 2}, (3, 8, 8), 0.7),
        ({"groups": 3}, (3, 6, 6), 0.7),
    ],
    ids=str,
)
def test_a_convolution_is_certified_at_the_limit(options: dict[str, object], shape: tuple[int, ...], tightness: float) -> None:
    torch.manual_seed(1)
    layer = nn.Conv2d(3, 6, 3, **options)  # type: ignore[arg-type]
    limit = 0.6 * spectral_norm(layer, shape).lower.value
    clipped = clip_spectral_norm(layer, limit, input_shape=shape)
    after = spectral_norm(layer, shape)
    assert after.upper.value <= limit * (1 + 1e-6)
    assert after.lower.value >= tightness * limit, "it is not scaled down more than needed"
    assert clipped.before.lower.value > limit
    again = clip_spectral_norm(layer, limit * (1 + 2e-6), input_shape=shape)
    assert not again.changed


def test_the_reshaped_kernel_at_the_limit_leaves_the_norm_above_it() -> None:
    """Negative control: what torch's parametrisation holds at one is another matrix."""
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    nn.init.constant_(layer.weight, 1 / 3)
    assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) <= 1 + 1e-6
    assert spectral_norm(layer, (1, 9, 9)).lower.value > 2.9
    assert clip_spectral_norm(layer, 1.0, input_shape=(1, 9, 9)).after.upper.value <= 1 + 1e-6


def test_with_a_normalisation_the_composed_map_is_clipped() -> None:
    torch.manual_seed(2)
    for layer, normalisation, shape in (
        (nn.Linear(5, 4), nn.BatchNorm1d(4), (5,)), (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), nn.BatchNorm2d(3), (2, 6, 6)),
    ):  # fmt: skip
        normalisation.eval()
        with torch.no_grad():
            assert normalisation.running_var is not None
            normalisation.running_var.copy_(torch.rand(len(normalisation.running_var)) * 0.3 + 0.05)
        whole = nn.Sequential(layer, normalisation)
        clip_spectral_norm(layer, 0.8, input_shape=shape, normalisation=normalisation)
        assert spectral_norm(whole, shape).upper.value <= 0.8 * (1 + 1e-6)
        apart = spectral_norm(layer, shape).upper.value * spectral_norm(normalisation).upper.value
        assert apart > 0.8, "negative control: the product of the two norms is above what the composed map attains"


def test_a_training_hook_keeps_every_layer_near_the_limit_and_certifies_it_at_the_end() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))
    free = nn.Sequential(*(type(layer)() if isinstance(layer, (nn.ReLU, nn.Flatten)) else layer for layer in model))
    inputs, targets = 3 * torch.randn(60, 1, 4, 4), torch.randint(3, (60,))
    clipping = SpectralClipping(model, 1.0, input_shape=(1, 4, 4))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        nn.functional.cross_entropy(free(inputs), targets).backward()
        optimiser.step()
        clipping.step()
    for layer, shape in ((model[0], (1, 4, 4)), (model[3], (64,)), (model[5], (8,))):
        assert spectral_norm(layer, shape).upper.value < 1.2
    certified = clipping.certify()
    assert len(certified) == 3 and all(clipped.after.upper.value <= 1 + 1e-6 for clipped in certified.values())


def test_without_the_hook_the_same_training_leaves_the_limit() -> None:
    """Negative control for the test above."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))
    inputs, targets = 3 * torch.randn(60, 1, 4, 4), torch.randint(3, (60,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimiser.step()
    assert max(spectral_norm(model[1]).lower.value, spectral_norm(model[3]).lower.value) > 1.4


def test_bad_input_gets_one_line() -> None:
    for limit in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive"):
            clip_spectral_norm(nn.Linear(2, 2), limit)
        with pytest.raises(ValueError, match="positive"):
            SpectralClipping(nn.Linear(2, 2), limit, input_shape=(2,))
    with pytest.raises(NotALinearMap, match="ReLU"):
        clip_spectral_norm(nn.ReLU(), 1.0)
    with pytest.raises(NotALinearMap, match="input_shape"):
        clip_spectral_norm(nn.Conv2d(1, 1, 3), 1.0)
    with pytest.raises(NotALinearMap, match="parametrisation"):
        clip_spectral_norm(torch.nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)), 1.0)
    with pytest.raises(NotALinearMap, match="not a batch normalisation"):
        clip_spectral_norm(nn.Linear(2, 2), 1e-3, normalisation=nn.ReLU())
    with pytest.raises(NotALinearMap, match="no Linear"):
        SpectralClipping(nn.ReLU(), 1.0, input_shape=(2,))


def test_a_weight_that_serves_two_maps_is_refused_and_one_that_serves_one_map_twice_is_clipped_once() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 3)
    assert list(SpectralClipping(nn.Sequential(layer, nn.ReLU(), layer), 1.0, input_shape=(3,)).certify()) == ["0"]
    tied = nn.Linear(3, 3)
    tied.weight = layer.weight
    normal, convolution = nn.BatchNorm1d(3).eval(), nn.Conv1d(1, 1, 3)
    for model, shape in (
        (nn.Sequential(layer, nn.ReLU(), tied), (3,)),
        (nn.Sequential(layer, nn.ReLU(), layer, normal), (3,)),
        (nn.Sequential(convolution, nn.ReLU(), convolution), (1, 9)),
    ):
        with pytest.raises(NotALinearMap, match="0 and 2 share a weight"):
            SpectralClipping(model, 1.0, input_shape=shape)
