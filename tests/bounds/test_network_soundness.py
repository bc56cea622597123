"""What once made a bound on a network false, or broke it: each case with what it was held against."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.ao.nn import qat
from torch.ao.quantization import get_default_qat_qconfig
from torch.nn.modules.module import register_module_forward_hook

from certify.bounds import (
    UnknownModule,
    attention_lipschitz,
    certified_radius,
    correlated_proxies,
    feature_sensitivity,
    lipschitz,
)
from certify.bounds.networks import search
from certify.bounds.networks.lipschitz import METHODS, checked_box
from certify.bounds.networks.search import gradient_at

GLOBAL = METHODS[:3]


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STARTS", 4)
    monkeypatch.setattr(search, "CLIMB", 12)


def steepness(model: nn.Module, point: Tensor) -> float:
    """The norm of the Jacobian at one input, without the batch."""
    matrix = torch.autograd.functional.jacobian(lambda x: model(x[None]).flatten(), point).reshape(-1, point.numel())
    return float(torch.linalg.matrix_norm(matrix, 2))


def ones(*layers: nn.Module) -> nn.Sequential:
    """The layers with every weight 1 and every bias 0, in float64."""
    model = nn.Sequential(*layers).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    return model


# ---------------------------------------------------------------- layers


def test_layers_that_move_entries_are_not_left_out_of_a_chain() -> None:
    first, second = nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.diag(torch.tensor([1.0, 10, 1, 1]))[..., None, None])
        second.weight.copy_(torch.diag(torch.tensor([1.0, 1, 10, 1]))[..., None, None])
    shape = (4, 2, 2)
    moving = nn.Sequential(first, nn.ChannelShuffle(2), second).double()
    found = steepness(moving, torch.ones(*shape, dtype=torch.float64))
    without = lipschitz(nn.Sequential(first, second), "semidefinite", input_shape=shape)
    assert without.upper.value < 11 < 99 < found, "negative control: the chain without the shuffle is flatter"
    product = lipschitz(moving, input_shape=shape)
    assert found <= product.upper.value and product.lower.value > 99
    for method in ("eclipse", "semidefinite"):
        with pytest.raises(UnknownModule, match=r"1 \(ChannelShuffle\)"):
            lipschitz(moving, method, input_shape=shape)  # type: ignore[arg-type]
    with pytest.raises(UnknownModule, match=r"1 \(PixelShuffle\)"):
        certified_radius(
            nn.Sequential(nn.Conv2d(4, 4, 1), nn.PixelShuffle(2), nn.Flatten(), nn.Linear(16, 2)), torch.ones(*shape)
        )


def test_functions_that_are_not_lipschitz_are_refused() -> None:
    steep = nn.CELU(-1.0)
    assert steepness(steep, torch.tensor([-3.0], dtype=torch.float64)) > 20
    jumping = nn.Softplus(threshold=0.0)
    assert float(jumping(torch.tensor(1e-9)) - jumping(torch.tensor(0.0))) < -0.69
    for bad, words in (
        (steep, "CELU"), (jumping, "jumps"), (nn.Softplus(threshold=math.nan), "jumps"), (nn.LeakyReLU(math.nan), "slope"),
        (nn.ELU(math.inf), "alpha"), (nn.LayerNorm(3, eps=math.nan), "eps"), (nn.MaxPool1d(2, return_indices=True), "return_indices"),
    ):  # fmt: skip
        with pytest.raises(UnknownModule, match=rf"1 \({type(bad).__name__}\).*{words}"):
            lipschitz(nn.Sequential(nn.Linear(3, 3), bad))
    assert lipschitz(nn.CELU(0.3)).upper.value == 1.0 and lipschitz(nn.Softplus()).upper.value == 1.0


def test_a_normalisation_of_tokens_is_not_folded_into_the_rows() -> None:
    """The channels of an input with two axes are its rows, and not what the linear layer puts out."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2)).double().eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.diag(torch.tensor([1.0, 0.1])))  # type: ignore[operator]
        model[1].weight.copy_(torch.tensor([0.1, 10.0]))  # type: ignore[operator]
    found = steepness(model, torch.ones(2, 2, dtype=torch.float64))
    assert lipschitz(model).upper.value < 1.1 < 9 < found, "of one vector each the product is smaller"
    assert found <= lipschitz(model, input_shape=(2, 2)).upper.value
    with pytest.raises(UnknownModule, match=r"0 \(Linear\) acts on the last axis"):
        lipschitz(model, "eclipse", input_shape=(2, 2))


def test_slopes_by_channel_are_those_of_the_channel() -> None:
    torch.manual_seed(0)
    for layers, shape in (
        ((nn.Linear(3, 4), nn.PReLU(4), nn.Linear(4, 2)), (3,)),
        ((nn.Conv1d(1, 2, 2), nn.PReLU(2), nn.Flatten(), nn.Linear(6, 2)), (1, 4)),
    ):
        model = nn.Sequential(*layers).double()
        with torch.no_grad():
            model[1].weight.copy_(torch.linspace(-3, 2, len(model[1].weight)))  # type: ignore[arg-type]
        point = torch.randn(*shape, dtype=torch.float64)
        found = max(steepness(model, scale * point) for scale in (-3.0, -1.0, 1.0, 3.0))
        for method in GLOBAL:
            result = lipschitz(model, method, input_shape=shape, steps=5)
            assert found <= result.upper.value and 0 < result.lower.value <= result.upper.value
        here = lipschitz(model, "local", (point, point), steps=5)
        assert here.upper.value == pytest.approx(steepness(model, point), rel=1e-6)


@pytest.mark.parametrize(
    "kind", [nn.ReLU, nn.ELU, nn.SELU, nn.CELU, nn.Hardtanh, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.LeakyReLU]
)
def test_working_in_place_changes_no_bound(kind: Callable[..., nn.Module]) -> None:
    torch.manual_seed(1)
    first, second, third = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)
    activation = kind(inplace=True)  # and used twice
    for method in GLOBAL:
        here = lipschitz(nn.Sequential(first, activation, second, activation, third), method, steps=3)
        there = lipschitz(nn.Sequential(first, kind(), second, kind(), third), method, steps=3)
        assert (here.upper.value, here.lower.value) == (there.upper.value, there.lower.value) and here.lower.value > 0
    assert activation.inplace


def test_layers_that_are_patched_quantised_or_hooked_elsewhere_are_refused() -> None:
    """Each computes seven times, or rounds, what the class does."""
    patched, called = nn.Conv1d(1, 1, 1, bias=False), nn.Linear(1, 1, bias=False)
    patched._conv_forward = lambda inputs, weight, bias: 7 * inputs  # type: ignore[method-assign, assignment]
    called._call_impl = lambda inputs: 7 * inputs  # type: ignore[method-assign, assignment]
    assert float(patched(torch.ones(1, 1, 1))) == float(called(torch.ones(1))) == 7
    simulated = qat.Linear(2, 2, qconfig=get_default_qat_qconfig())
    for layer, words in ((patched, "_conv_forward"), (called, "_call_impl"), (simulated, "redefines forward")):
        with pytest.raises(UnknownModule, match=words):
            lipschitz(nn.Sequential(layer))
    handle = register_module_forward_hook(lambda module, given, value: 7 * value)
    try:
        with pytest.raises(UnknownModule, match="global forward hook"):
            lipschitz(nn.Linear(1, 1))
    finally:
        handle.remove()
    assert lipschitz(nn.Linear(1, 1)).upper.value < 2


class _Noisy(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight + torch.randn_like(weight)


def test_a_weight_that_is_another_each_time_is_refused() -> None:
    layer = nn.Linear(2, 2)
    nn.utils.parametrize.register_parametrization(layer, "weight", _Noisy())
    with pytest.raises(UnknownModule, match="another weight each time"):
        lipschitz(nn.Sequential(layer))


def test_errors_name_the_place() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.Bilinear(2, 2, 2))
    for model, words in (
        (nn.Sequential(nn.ReLU(), inner), r"1\.1 \(Bilinear\)"), (nn.Sequential(nn.LazyLinear(3)), r"0 \(LazyLinear\) has no sizes"),
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout()), r"1 \(Dropout\)"), (3, "is a int"),
    ):  # fmt: skip
        with pytest.raises(UnknownModule, match=words):
            lipschitz(model)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"0 \(Linear\)"):
        lipschitz(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), input_shape=(7,))
    for value in (-1.0, math.nan):
        with pytest.raises(UnknownModule, match=r"0 \(Linear\).*declared"):
            lipschitz(nn.Sequential(nn.Linear(2, 2)), declared={nn.Linear: value})
    with pytest.raises(ValueError, match="declared"):
        lipschitz(nn.Linear(2, 2), "eclipse", declared={nn.Linear: 1.0})


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("scale", [1e-280, 1.5e-162, 2e-162, 1e-150, 1e150, 1e155, 1e300])
def test_no_scale_turns_the_sides_round(scale: float) -> None:
    """Squares of 2e-162 round up to the smallest double, and those of 1e155 are infinite."""
    model = ones(nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.mul_(scale)  # type: ignore[operator]
    for method in GLOBAL:
        result = lipschitz(model, method, steps=3)
        assert result.lower.value <= math.sqrt(2) * scale <= result.upper.value
        assert result.upper.value <= result.lower.value * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-150, 1e150, 1e160])
def test_what_leaves_the_doubles_is_infinite_or_next_to_nothing(scale: float) -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    for method in GLOBAL:
        upper = lipschitz(model, method, steps=3).upper.value
        assert math.isinf(upper) if scale > 1 else 0 < upper < 1e-300
    assert certified_radius(model, torch.ones(3)).radius.value >= 0


def test_a_normalisation_that_underflows_is_not_folded_to_zero() -> None:
    model = ones(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1), *(nn.Linear(1, 1, bias=False) for _ in range(2))).eval()
    with torch.no_grad():
        for layer, scale in zip(model, (1e-200, 1e-200, 1e200, 1e200), strict=True):
            layer.weight.fill_(scale)  # type: ignore[operator, union-attr]
    with pytest.raises(UnknownModule, match=r"1 \(BatchNorm1d\).*leaves the doubles"):
        lipschitz(model, "eclipse")


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softplus(), nn.ELU()])
def test_a_box_as_wide_as_the_doubles_says_what_holds_everywhere(activation: nn.Module) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 4), activation, nn.Linear(4, 2)).double()
    everywhere = lipschitz(model, "semidefinite", steps=3).upper.value
    for width in (1e10, 1e200, 1.7e308):
        result = lipschitz(model, "local", (-width, width), steps=3)
        assert result.lower.value <= result.upper.value <= everywhere


def test_a_box_of_python_numbers_is_the_box_of_those_doubles() -> None:
    assert float(torch.as_tensor(0.1)) != 0.1, "negative control: torch's default type rounds"
    low, high = checked_box((0.1, [0.7, 0.9]), 2)
    assert (low.tolist(), high.tolist()) == ([0.1, 0.1], [0.7, 0.9])
    with pytest.raises(ValueError, match="a lower and an upper side"):
        checked_box((0.1, 0.7, 3.0), 1)  # type: ignore[arg-type]


def test_settings_of_torch_change_nothing() -> None:
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    attention = nn.MultiheadAttention(4, 2).eval()

    def answers() -> list[float]:
        return [
            lipschitz(model).lower.value, lipschitz(model, "semidefinite", steps=5).upper.value,
            lipschitz(model, "local", (0.1, 0.7), steps=5).upper.value, certified_radius(model, torch.ones(3), steps=5).radius.value,
            feature_sensitivity(model, 0, steps=5).worst_case.value, attention_lipschitz(attention, radius=1.0, tokens=3).value,
        ]  # fmt: skip

    usual = answers()
    with torch.no_grad():
        assert answers() == usual
    with torch.inference_mode():
        assert answers() == usual
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert answers() == usual
    with torch.device("meta"):
        assert [lipschitz(model, method, steps=5).upper.value > 0 for method in GLOBAL] == [True] * 3
    for kind in (torch.float64, torch.float16):
        torch.set_default_dtype(kind)
        try:
            assert [lipschitz(model, "semidefinite", steps=5).upper.value] == [usual[1]]
        finally:
            torch.set_default_dtype(torch.float32)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush")
    try:
        for ask in (lambda: lipschitz(model), lambda: certified_radius(model, torch.ones(3))):
            with pytest.raises(ArithmeticError, match="set_flush_denormal"):
                ask()
    finally:
        torch.set_flush_denormal(False)


# ---------------------------------------------------------------- gradients from below

FOLLOWED: list[tuple[tuple[int, ...], nn.Module]] = [
    ((2, 6, 6), nn.Conv2d(2, 4, 3, padding=1, groups=2)), ((2, 6, 6), nn.Conv2d(2, 3, 2, stride=2, dilation=2, padding=1)),
    ((2, 5, 5), nn.Conv2d(2, 2, 3, padding=2, padding_mode="circular")), ((2, 5, 5), nn.Conv2d(2, 2, 3, padding=2, padding_mode="reflect")),
    ((2, 3, 3), nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2)), ((2, 9), nn.ConvTranspose1d(2, 3, 2, dilation=3)),
    ((1, 3, 3, 3), nn.Conv3d(1, 2, 2)), ((2, 4, 4), nn.MaxPool2d(2, 1, padding=1)), ((2, 7), nn.MaxPool1d(2, dilation=2)), ((2, 4), nn.BatchNorm1d(2)),
    ((2, 4, 4), nn.AvgPool2d(2, padding=1)), ((2, 4, 4), nn.AvgPool2d(2, divisor_override=-3)), ((2, 4, 4), nn.AdaptiveAvgPool2d(1)),
    ((4, 2, 2), nn.PixelShuffle(2)), ((1, 3), nn.ZeroPad1d(2)), ((3, 4), nn.Linear(4, 2)), ((3, 4), nn.PReLU(3)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "layer"), FOLLOWED, ids=lambda value: repr(value)[:40])
def test_a_gradient_enclosed_through_a_layer_is_that_of_the_layer(shape: tuple[int, ...], layer: nn.Module) -> None:
    torch.manual_seed(5)
    model = nn.Sequential(layer, nn.Tanh()).double().eval()
    for _ in range(3):
        point, direction = torch.randn(2, *shape, dtype=torch.float64)
        moved = torch.autograd.functional.jvp(lambda x: model(x[None]), point, direction)[1]
        exact = float(moved.norm() / direction.norm())
        assert exact * (1 - 1e-6) <= gradient_at(model, point, direction).value <= exact * (1 + 1e-13)


def test_a_convolutional_model_is_bounded_on_both_sides_and_never_unrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    def unrolled(*_: Any) -> None:
        raise AssertionError("unrolled")

    monkeypatch.setattr("certify.bounds.networks.chain.unrolled", unrolled)
    torch.manual_seed(6)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)
    )
    model = model.double().eval()
    found = max(steepness(model, torch.randn(1, 8, 8, dtype=torch.float64)) for _ in range(10))
    result = lipschitz(model, input_shape=(1, 8, 8))
    assert found < result.upper.value and 0.5 * found < result.lower.value <= result.upper.value
    with pytest.raises(AssertionError, match="unrolled"):
        lipschitz(nn.Sequential(nn.Conv2d(1, 1, 3)), "eclipse", input_shape=(1, 8, 8))


@pytest.mark.parametrize(
    "activation", [nn.ELU(), nn.Hardswish(), nn.SELU(), nn.Softsign(), nn.GELU("tanh"), nn.Hardsigmoid()], ids=repr
)
def test_every_activation_is_followed_where_the_box_is_small(activation: nn.Module) -> None:
    torch.manual_seed(7)
    model = nn.Sequential(*(part for before, after in pairwise((4, 6, 5, 3)) for part in (nn.Linear(before, after), activation)))
    model = model.double()
    point = torch.randn(4, dtype=torch.float64)
    here = lipschitz(model, "local", (point, point), steps=3)
    assert here.lower.value == pytest.approx(here.upper.value, rel=1e-3)
    assert here.upper.value < lipschitz(model, "semidefinite", steps=3).upper.value


def test_the_search_in_a_box_is_as_good_as_many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STARTS", 16)
    monkeypatch.setattr(search, "CLIMB", 80)
    torch.manual_seed(8)
    model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    center = torch.randn(6, dtype=torch.float64)
    for width in (1e-4, 1e-2, 0.3):
        points = center + width * (2 * torch.rand(400, 6, dtype=torch.float64) - 1).sign()
        tried = max(steepness(model, point) for point in points)
        found = lipschitz(model, "local", (center - width, center + width), steps=3)
        assert found.upper.value >= found.lower.value >= tried * (1 - 1e-3)


# ---------------------------------------------------------------- features


def test_features_are_numbers_slices_or_masks() -> None:
    layer = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0, 12.0]]))
    for features, exact in (
        (0, 3), (slice(0, 2), 5), ([0, 1, 1], 5), ([True, False, True], math.sqrt(153)), (torch.tensor([False, True, False]), 4),
        (torch.tensor([1, 2]), math.sqrt(160)),
    ):  # fmt: skip
        assert feature_sensitivity(layer, features).worst_case.value == pytest.approx(exact, rel=1e-9)  # type: ignore[arg-type]
    for features in ([], [False] * 3, slice(3, None), [True, False], [1.7], "01", -1, 3, [None]):
        with pytest.raises(ValueError, match="features"):
            feature_sensitivity(layer, features)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="features"):
            correlated_proxies(torch.randn(20, 3), features)  # type: ignore[arg-type]


def test_draws_that_leave_the_box_do_not_take_its_constant() -> None:
    """Between 5 and 6 the function hardly moves; at 0, where the records are, it does."""
    model = ones(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1))
    result = feature_sensitivity(model, [0], torch.zeros(50, 1), box=(5.0, 6.0))
    assert result.average is not None and result.average_lower is not None and result.average_upper is not None
    assert result.worst_case.value < 1e-3 < 0.5 < result.average.value
    assert result.average_lower.value <= result.average.value <= result.average_upper.value <= 1 + 1e-8


def test_moves_too_small_for_doubles_are_counted_or_refused() -> None:
    layer = nn.Linear(3, 1, bias=False)
    records = 10 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    exact = float(layer.weight.detach()[0, 0].abs())
    for scale in (1e-6, 1e-12):
        result = feature_sensitivity(layer, [0], records, scale=scale)
        assert result.average_lower is not None and result.average_upper is not None
        assert result.average_lower.value <= exact <= result.average_upper.value
    with pytest.raises(ValueError, match="vanish"):
        feature_sensitivity(layer, [0], records, scale=1e-20)
