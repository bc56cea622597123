"""Layers as they are: normalisations folded exactly, attributes as they are now, and nothing that is not a stored linear map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from certify.bounds import NotALinearMap, UnknownModule, spectral_norm, stacked_norm, sum_norm
from certify.bounds.spectral.dense import exact_weights, matrix_norm
from certify.bounds.spectral.modules import shape_after


def matrix_of(layer: nn.Module, shape: tuple[int, ...]) -> Tensor:
    size = math.prod(shape)
    with torch.no_grad():
        zero = layer(torch.zeros((1, *shape), dtype=torch.float64))
        return (layer(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - zero).reshape(size, -1).T


def ratio(layer: nn.Module, shape: tuple[int, ...]) -> float:
    """Upper bound over truth, both bounds being on their sides as far as float64 can tell."""
    exact = float(torch.linalg.matrix_norm(matrix_of(layer, shape), 2))
    norm = spectral_norm(layer, shape)
    assert norm.lower.value <= exact * (1 + 1e-12) and exact * (1 - 1e-12) <= norm.upper.value
    return norm.upper.value / exact


def normalisation(size: int, kind: type[nn.Module] = nn.BatchNorm2d, **options: object) -> nn.Module:
    """In evaluation mode with factors that differ between channels, a negative one and one of the variance zero among them."""
    layer = kind(size, dtype=torch.float64, **options).eval()  # type: ignore[call-arg]
    with torch.no_grad():
        if layer.running_var is not None:
            layer.running_var.copy_(torch.linspace(0, 3, size))  # type: ignore[operator, union-attr]
        if layer.weight is not None:
            layer.weight.copy_(torch.linspace(-1.5, 1, size))  # type: ignore[operator, union-attr]
    return layer


@pytest.mark.parametrize("options", [{}, {"affine": False}, {"momentum": None}, {"eps": 0.1}], ids=str)
def test_a_normalisation_is_folded_into_what_stands_before_it(options: dict[str, object]) -> None:
    torch.manual_seed(0)
    for layer, shape in (
        (nn.Conv2d(2, 3, 3, padding=1), (2, 4, 5)),
        (nn.Conv2d(3, 3, 2, groups=3), (3, 4, 4)),
        (nn.ConvTranspose2d(4, 3, 3, stride=2, output_padding=1), (4, 2, 3)),
        (nn.ConvTranspose2d(4, 6, 2, groups=2), (4, 2, 3)),
    ):
        channels = int(layer.out_channels)
        assert ratio(nn.Sequential(layer.double(), normalisation(channels, **options)), shape) < 1 + 1e-9
    linear = nn.Sequential(nn.Linear(5, 4), normalisation(4, nn.BatchNorm1d, **options)).double()
    assert ratio(linear, (5,)) < 1 + 1e-9


def test_a_normalisation_by_the_batch_is_refused() -> None:
    for layer in (nn.BatchNorm2d(3, track_running_stats=False).eval(), nn.BatchNorm2d(3)):
        with pytest.raises(NotALinearMap, match="statistics of the batch"):
            spectral_norm(nn.Sequential(nn.Conv2d(2, 3, 3), layer), (2, 5, 5))
    still = nn.BatchNorm1d(1, eps=0.0).eval()
    still.running_var.zero_()  # type: ignore[union-attr]
    with pytest.raises(NotALinearMap, match="not positive"):
        spectral_norm(still)


def test_behind_a_linear_layer_on_rows_a_normalisation_scales_the_rows_and_not_its_outputs() -> None:
    """Of inputs with two axes a Linear takes the last and a BatchNorm1d the first: folding one into the other is another map."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(5, 4), normalisation(4, nn.BatchNorm1d)).double()
    exact = float(torch.linalg.matrix_norm(matrix_of(layers, (4, 5)), 2))
    assert exact * (1 - 1e-12) <= spectral_norm(layers, (4, 5)).upper.value <= exact * (1 + 1e-9)
    assert spectral_norm(layers, (5,)).upper.value < 0.9 * exact, (
        "negative control: of vectors it is the folded map, with a smaller norm"
    )


def test_factors_that_are_out_of_scale_are_folded_without_loss() -> None:
    """A channel of weight zero with a huge factor beside one that its factor makes tiny: as doubles their products are all zero."""
    layer = nn.Conv1d(1, 2, 1, bias=False, dtype=torch.float64)
    scale = nn.BatchNorm1d(2, eps=0.0, dtype=torch.float64).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 0.0]).reshape(2, 1, 1))
        scale.weight.copy_(torch.tensor([1e-200, 1e200], dtype=torch.float64))
    for whole, shape in ((nn.Sequential(layer, scale), (1, 3)), (nn.Sequential(nn.Linear(1, 2, bias=False), scale), (1,))):
        if isinstance(whole[0], nn.Linear):
            whole[0].weight = nn.Parameter(layer.weight[:, :, 0].detach())
        norm = spectral_norm(whole, shape)
        assert norm.lower.value <= 1e-200 <= norm.upper.value < 1e-200 * (1 + 1e-9)
        assert norm.lower.value > 0.99e-200


def test_factors_that_no_double_holds_are_refused_alone_and_right_within_a_layer() -> None:
    scale = nn.BatchNorm1d(1, eps=0.0, dtype=torch.float64).eval()
    linear = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    for weight, variance, entry in ((1e308, 1e-300, 1e-250), (3e-322, 1.0, 1e200)):
        with torch.no_grad():
            scale.weight.fill_(weight)
            scale.running_var.fill_(variance)  # type: ignore[union-attr]
            linear.weight.fill_(entry)
        with pytest.raises(NotALinearMap, match="no normal double"):
            spectral_norm(scale)
        norm, stored = spectral_norm(nn.Sequential(linear, scale)), float(scale.weight.detach())
        exact = stored * entry / math.sqrt(variance) if weight < 1 else weight * entry / 1e-150
        assert norm.lower.value <= exact * (1 + 1e-15) and exact * (1 - 1e-15) <= norm.upper.value <= exact * (1 + 1e-12)


def test_attributes_count_as_they_are_now_and_not_as_they_were_made() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False, dtype=torch.float64)
    before = spectral_norm(layer, (1, 4, 4)).upper.value
    layer.padding, layer.dilation = (2, 2), (2, 2)
    assert ratio(layer, (1, 4, 4)) < 1 + 1e-9
    assert before > 1.1 * spectral_norm(layer, (1, 4, 4)).upper.value, "negative control: the change matters"
    layer.padding, layer.stride, layer.dilation = 2, 1, 1  # type: ignore[assignment]
    assert ratio(layer, (1, 4, 4)) < 1 + 1e-9
    transposed = nn.ConvTranspose1d(1, 2, 3, bias=False, dtype=torch.float64)
    transposed.stride, transposed.padding = 2, (1,)  # type: ignore[assignment]
    assert ratio(transposed, (1, 4)) < 1 + 1e-9


def test_an_embedding_is_its_stored_rows() -> None:
    torch.manual_seed(0)
    layer = nn.Embedding(6, 3, padding_idx=2, scale_grad_by_freq=True)
    with torch.no_grad():
        layer.weight[2] = 9.0
    norm, exact = spectral_norm(layer), float(torch.linalg.matrix_norm(layer.weight.detach().double(), 2))
    assert norm.lower.value <= exact * (1 + 1e-14) and exact * (1 - 1e-14) <= norm.upper.value < exact * (1 + 1e-12)
    assert norm.lower.value > 15.5, "the row of the padding is read like any other"
    shortening = nn.Embedding(6, 3, max_norm=0.1)
    before = float(torch.linalg.matrix_norm(shortening.weight.detach(), 2))
    shortening(torch.arange(6))
    assert float(torch.linalg.matrix_norm(shortening.weight.detach(), 2)) < 0.5 * before, (
        "negative control: reading changes the rows"
    )
    with pytest.raises(NotALinearMap, match="max_norm"):
        spectral_norm(shortening)


@pytest.mark.parametrize("made", [parametrizations.weight_norm, parametrizations.orthogonal, parametrizations.spectral_norm])
def test_a_parametrised_weight_is_the_one_that_the_forward_pass_uses(made: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(0)
    assert ratio(made(nn.Linear(6, 5, dtype=torch.float64)).eval(), (6,)) < 1 + 1e-11


def test_a_weight_that_changes_at_every_call_has_no_norm() -> None:
    torch.manual_seed(0)
    layer = parametrizations.spectral_norm(nn.Linear(20, 20)).train()
    assert not torch.equal(layer.weight, layer.weight), "negative control"
    with pytest.raises(ValueError, match="eval"):
        spectral_norm(layer)


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (nn.Linear(5, 4), (7,), "last axis"),
        (nn.Sequential(nn.Linear(5, 4), nn.Linear(3, 2)), (5,), "last axis"),
        (nn.Sequential(nn.Conv2d(1, 2, 5), nn.Conv2d(2, 1, 5)), (1, 6, 6), "smaller than the kernel"),
        (nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Linear(3, 1)), (7,), "Unflatten takes no input"),
        (nn.BatchNorm2d(3).eval(), (4, 5, 5), "3 channels"),
        (nn.Conv1d(1, 1, 3), 5, "input_shape"),
        (nn.Conv1d(1, 1, 3), (1, 5.5), "input_shape"),
        (nn.Conv1d(1, 1, 3), (1, -5), "input_shape"),
        (nn.Conv2d(1, 1, 3, padding=4, padding_mode="reflect"), (1, 4, 4), "too small for reflect padding"),
        (nn.Conv2d(1, 1, 3, padding=5, padding_mode="circular"), (1, 4, 4), "too small for circular padding"),
        (nn.Linear(2, 2, device="meta"), None, "meta device"),
        (torch.eye(2).to_sparse(), None, "sparse"),
        (torch.eye(2).numpy(), None, "as_tensor"),
        (torch.eye(2) * 1j, None, "complex64"),
        (nn.ModuleList([nn.Linear(2, 2)]), None, "ModuleList"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_stored_linear_map_gets_one_line(layer: nn.Module, shape: tuple[int, ...] | None, words: str) -> None:
    with pytest.raises((NotALinearMap, UnknownModule), match=words) as error:
        spectral_norm(layer, shape)
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_layers_with_nothing_in_them_are_zero() -> None:
    zero = nn.Conv2d(1, 1, 3, padding=1)
    nn.init.zeros_(zero.weight)
    far = nn.Sequential(nn.Conv1d(1, 1, 1, stride=2, padding=3), nn.BatchNorm1d(1)).double().eval()
    for layer, shape in (
        (nn.Linear(0, 3), None),
        (nn.Conv2d(2, 0, 3), (2, 5, 5)),
        (zero, (1, 5, 5)),
        (zero, None),
        (far, (1, 1)),
    ):
        norm = spectral_norm(layer, shape)
        assert norm.lower.value == 0.0 and norm.upper.value < 1e-100
    assert not bool(matrix_of(far, (1, 1)).any()), "no window reaches the one position"


def test_a_sum_of_two_maps_of_one_norm_may_be_zero() -> None:
    norm = spectral_norm(torch.eye(2))
    assert sum_norm(norm, norm).lower.value == 0.0, "A and -A have one norm, and may be given as one object"
    assert sum_norm(norm).lower.value > 0.99 and stacked_norm(norm, norm).lower.value > 0.99
    for combined in (sum_norm, stacked_norm):
        with pytest.raises(ValueError, match="at least one"):
            combined()


@contextmanager
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def test_where_tiny_numbers_are_taken_for_zero_nothing_is_proved() -> None:
    """A float32 weight of 1e-40 is read as zero there, and its norm was proved to be zero."""
    weight = torch.full((2, 2), 1e-40)
    assert spectral_norm(weight).lower.value > 1.99e-40
    with flushing():
        assert not bool(weight.double().any()), "negative control"
        for refused in (spectral_norm, lambda tensor: exact_weights(tensor, "it")):
            with pytest.raises(ArithmeticError, match="set_flush_denormal"):
                refused(weight)


def test_settings_of_torch_change_nothing() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3)).eval()
    wide = nn.Conv2d(2, 2, 3, padding=1, padding_mode="replicate")
    asked = ((layers, (2, 5, 5), None), (layers[0], (2, 5, 5), "symbol"), (layers[0], None, None), (wide, (2, 5, 5), "symbol"))

    def answers() -> list[float]:
        norms = [spectral_norm(layer, shape, route=route) for layer, shape, route in asked]  # type: ignore[arg-type]
        norms += [matrix_norm(layers[0].weight.flatten(1), method=method) for method in ("cholesky", "residual", "ladder")]  # type: ignore[operator]
        return [bound.value for norm in norms for bound in (norm.lower, norm.upper)]

    expected = answers()
    for change, back in (
        (lambda: torch.set_default_dtype(torch.float16), lambda: torch.set_default_dtype(torch.float32)),
        (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device("cpu")),
        (lambda: torch.use_deterministic_algorithms(True), lambda: torch.use_deterministic_algorithms(False)),
        (lambda: torch.set_float32_matmul_precision("medium"), lambda: torch.set_float32_matmul_precision("highest")),
    ):
        try:
            change()
            assert answers() == expected
        finally:
            back()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        assert answers() == expected


def test_the_shape_behind_a_layer_without_parameters_is_found_in_the_type_of_its_buffers() -> None:
    assert shape_after(nn.BatchNorm2d(2, affine=False).double().eval(), (2, 3, 4)) == (2, 3, 4)
    assert shape_after(nn.Conv2d(2, 5, 3).half(), (2, 3, 4)) == (5, 1, 2)
