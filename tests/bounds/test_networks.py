"""Lipschitz constants of networks: never below a gradient that anything finds, and refused where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import mpmath
import pytest
import torch
from torch import Tensor, nn

from certify.bounds import (
    NotALinearMap,
    UnknownModule,
    correlated_proxies,
    feature_sensitivity,
    hessian_edges,
    lipschitz,
    spectral_norm,
)
from certify.bounds.networks import search as search_module
from certify.bounds.networks.activations import activation_of
from certify.bounds.networks.chain import Chain, chain_of, evaluated
from certify.bounds.networks.intervals import Interval
from certify.bounds.networks.lipschitz import Method
from certify.bounds.networks.local import slopes_everywhere, slopes_in
from certify.bounds.networks.search import gradient_at
from certify.bounds.networks.semidefinite import propose, prove, proved_form
from certify.bounds.networks.slopes import image, slopes_on

SMOOTH = [
    nn.Tanh(),
    nn.Sigmoid(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Softplus(),
    nn.Softplus(beta=2),
    nn.LogSigmoid(),
    nn.Tanhshrink(),
]
KINKED = [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.LeakyReLU(-0.5), nn.PReLU(), nn.ELU(), nn.ELU(1.5), nn.CELU(0.7), nn.SELU(), nn.Hardtanh(), nn.Hardswish(),
    nn.Hardsigmoid(), nn.Softsign(), nn.Softshrink(),
]  # fmt: skip
DIMENSION = 6


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter search for steep places: it only feeds lower bounds, which hold however short it is."""
    monkeypatch.setattr(search_module, "STARTS", 4)
    monkeypatch.setattr(search_module, "CLIMB", 12)


def network(activation: nn.Module, seed: int, gain: float = 1.0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for before, after in pairwise((DIMENSION, 9, 7, 3)):
        layers += [nn.Linear(before, after), activation]
    model = nn.Sequential(*layers[:-1]).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(gain)
    return model


def steepest_of(model: nn.Module, points: Tensor) -> float:
    """The greatest norm of the Jacobians at the points [points, inputs]."""
    points = points.clone().requires_grad_()
    outputs = model(points)
    rows = [torch.autograd.grad(outputs[:, output].sum(), points, retain_graph=True)[0] for output in range(outputs.shape[1])]
    return float(torch.linalg.matrix_norm(torch.stack(rows, 1), 2).max())


@pytest.mark.parametrize("activation", [*SMOOTH, *KINKED], ids=repr)
def test_no_gradient_is_above_the_bound(activation: nn.Module) -> None:
    for seed, gain in ((0, 1.0), (1, 3.0)):
        model = network(activation, seed, gain)
        points = 3 * torch.randn(400, DIMENSION, dtype=torch.float64)
        found = steepest_of(model, points)
        product = lipschitz(model)
        together = [lipschitz(model, "eclipse", steps=0), lipschitz(model, "semidefinite", steps=20)]
        for result in (product, *together):
            assert found <= result.upper.value * (1 + 1e-12)
            assert result.lower.value <= result.upper.value
        assert together[1].upper.value <= together[0].upper.value <= product.upper.value


@pytest.mark.parametrize(
    "activation", [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.Softplus(), nn.LeakyReLU(0.1), nn.Hardswish()], ids=repr
)
@pytest.mark.parametrize("width", [0.0, 1e-3, 0.1, 2.0])
def test_no_gradient_in_the_box_is_above_the_local_bound(activation: nn.Module, width: float) -> None:
    model = network(activation, 2, 2.0)
    center = torch.randn(DIMENSION, dtype=torch.float64)
    box = (center - width, center + width)
    result = lipschitz(model, "local", box, steps=20)
    points = box[0] + (box[1] - box[0]) * torch.rand(400, DIMENSION, dtype=torch.float64)
    corners = torch.where(torch.rand(400, DIMENSION) < 0.5, box[0], box[1])
    found = max(steepest_of(model, points), steepest_of(model, corners))
    assert found <= result.upper.value * (1 + 1e-12)
    assert result.lower.value <= result.upper.value
    assert result.upper.value <= lipschitz(model, "semidefinite", steps=20).upper.value * (1 + 1e-9)
    if width == 0.0 and not isinstance(activation, nn.Hardswish):  # whose slopes are not followed
        assert result.upper.value <= found * (1 + 1e-6)
        assert result.lower.value >= 0.99 * found


def test_the_bound_on_a_small_box_does_not_hold_outside() -> None:
    """Negative control: gradients elsewhere exceed it, so the box does limit what is claimed."""
    model = network(nn.Tanh(), 3, 3.0)
    center = torch.full((DIMENSION,), 4.0, dtype=torch.float64)
    result = lipschitz(model, "local", (center, center + 1e-3), steps=0)
    assert steepest_of(model, torch.zeros(1, DIMENSION, dtype=torch.float64)) > 2 * result.upper.value


def test_a_constant_that_is_too_small_is_not_proved() -> None:
    for activation in (nn.ReLU(), nn.GELU(), nn.LeakyReLU(0.1)):
        chain = chain_of(network(activation, 4))
        slopes = slopes_everywhere(chain)
        proposal = propose(chain, slopes, steps=60)
        assert proposal is not None
        assert proved_form(chain, slopes, proposal.multipliers, (proposal.constant * (1 + 1e-7)) ** 2)
        assert not proved_form(chain, slopes, proposal.multipliers, (proposal.constant * (1 - 1e-7)) ** 2)


def test_multipliers_that_are_negative_or_not_finite_prove_nothing() -> None:
    chain = chain_of(network(nn.ReLU(), 5))
    slopes = slopes_everywhere(chain)
    proposal = propose(chain, slopes)
    assert proposal is not None
    for value in (-1.0, math.nan, math.inf):
        spoilt = tuple(multiplier.clone() for multiplier in proposal.multipliers)
        spoilt[0][0] = value
        assert not proved_form(chain, slopes, spoilt, (10 * proposal.constant) ** 2)


def test_slopes_of_another_activation_prove_a_false_constant() -> None:
    """Negative control: GELU taken for a function with slopes in [0, 1], as some libraries do, is refuted by one gradient."""
    model = nn.Sequential(nn.Linear(1, 1), nn.GELU(), nn.Linear(1, 1)).double()
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.fill_(1.0)  # type: ignore[union-attr, operator]
            layer.bias.zero_()  # type: ignore[union-attr, operator]
    chain = chain_of(model)
    wrong = ((torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)),)
    proposal = propose(chain, wrong)
    assert proposal is not None
    claimed = prove(chain, wrong, proposal)
    attained = gradient_at(model, torch.tensor([math.sqrt(2)], dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    assert claimed is not None and claimed.value < 1.0001 < 1.1289 < attained.value
    assert lipschitz(model, "semidefinite").upper.value >= attained.value


def test_a_normalisation_is_folded_and_not_dropped() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)).double().eval()
    normalisation = model[1]
    with torch.no_grad():
        normalisation.running_var.fill_(1e-2)  # type: ignore[union-attr, operator]
        normalisation.running_mean.copy_(torch.randn(6))  # type: ignore[union-attr, operator]
    found = steepest_of(model, 3 * torch.randn(300, 4, dtype=torch.float64))
    without = lipschitz(nn.Sequential(model[0], model[2], model[3]), "semidefinite").upper.value
    methods: tuple[Method, ...] = ("product", "eclipse", "semidefinite")
    for method in methods:
        assert lipschitz(model, method).upper.value >= found > without
    train = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6))
    with pytest.raises(NotALinearMap, match="eval"):
        lipschitz(train)


def test_a_convolutional_network_unrolled_and_layer_by_layer() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Tanh(), nn.Conv2d(3, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    ).double().eval()  # fmt: skip
    points = torch.randn(50, 1, 6, 6, dtype=torch.float64)
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda x: model(x[None])[0], point).reshape(3, 36) for point in points]
    )
    found = float(torch.linalg.matrix_norm(jacobians, 2).max())
    product, together = lipschitz(model, input_shape=(1, 6, 6)), lipschitz(model, "semidefinite", input_shape=(1, 6, 6), steps=20)
    assert found <= together.upper.value < product.upper.value
    chain = chain_of(model, (1, 6, 6))
    assert torch.allclose(chain.forward(points.flatten(1)), model(points).detach(), atol=1e-12)
    with pytest.raises(UnknownModule, match="input_shape"):
        lipschitz(model, "eclipse")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.MaxPool2d(3, 2), (1, 7, 7)), (nn.MaxPool1d(2, 2, dilation=2), (1, 8)), (nn.AvgPool2d(2), (1, 6, 6)), (nn.AvgPool2d(3, 1, 1), (2, 5, 5)),
        (nn.AdaptiveAvgPool2d(1), (3, 4, 4)), (nn.LayerNorm(5, eps=0.1), (5,)), (nn.GroupNorm(1, 4, eps=0.5), (4, 2)), (nn.RMSNorm(4, eps=0.1), (4,)),
        (nn.Softmax(-1), (5,)), (nn.ZeroPad2d(1), (1, 3, 3)),
    ],
    ids=repr,
)  # fmt: skip
def test_a_layer_moves_no_two_inputs_further_apart_than_its_rule_allows(layer: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    layer = layer.double().eval()
    bound = lipschitz(layer, input_shape=shape).upper.value
    worst = 0.0
    for scale in (1e-3, 0.1, 1.0, 5.0):
        points = scale * torch.randn(60, *shape, dtype=torch.float64)
        for point in points:
            matrix = torch.autograd.functional.jacobian(lambda x: layer(x[None]).flatten(), point).reshape(-1, point.numel())
            worst = max(worst, float(torch.linalg.matrix_norm(matrix, 2)))
    assert worst <= bound * (1 + 1e-12)
    assert worst >= bound / 2.5


def test_a_dilated_maximum_holds_a_position_in_several_windows() -> None:
    assert lipschitz(nn.MaxPool1d(2, 2, dilation=2)).upper.value == pytest.approx(math.sqrt(2), rel=1e-12)
    assert lipschitz(nn.MaxPool1d(2, 2)).upper.value == 1.0


def test_a_layer_that_is_used_twice_counts_twice() -> None:
    shared = nn.Linear(2, 2, bias=False).double()
    nn.init.eye_(shared.weight)
    with torch.no_grad():
        shared.weight.mul_(3)
    methods: tuple[Method, ...] = ("product", "eclipse", "semidefinite")
    for method in methods:
        assert lipschitz(nn.Sequential(shared, shared), method).upper.value == pytest.approx(9, rel=1e-6)


def test_what_has_no_rule_is_refused_by_name() -> None:
    class Own(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x**2

    for model, words in (
        (Own(), "Own"), (nn.MultiheadAttention(4, 1), "attention"), (nn.Hardshrink(), "jumps"), (nn.Dropout(), "eval"), (nn.RReLU(), "eval"),
        (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode"), (nn.AvgPool2d(3, padding=1, count_include_pad=False), "padding"), (nn.Bilinear(2, 2, 2), "Bilinear"),
    ):  # fmt: skip
        with pytest.raises(UnknownModule, match=words):
            lipschitz(nn.Sequential(model))
    declared = lipschitz(nn.Sequential(nn.Linear(2, 2), Own()), declared={Own: 3.0})
    assert "declared" in declared.layers[1].proof
    with pytest.raises(UnknownModule, match="Own"):
        lipschitz(nn.Sequential(nn.Linear(2, 2), Own()), "semidefinite")


def test_bad_questions_get_one_line() -> None:
    model = network(nn.ReLU(), 0)
    with pytest.raises(ValueError, match="box"):
        lipschitz(model, "local")
    with pytest.raises(ValueError, match="finite sides"):
        lipschitz(model, "local", (torch.zeros(DIMENSION), -torch.ones(DIMENSION)))
    with pytest.raises(ValueError, match="finite sides"):
        lipschitz(model, "local", (torch.zeros(DIMENSION), torch.full((DIMENSION,), math.inf)))
    with pytest.raises(ValueError, match="all inputs"):
        lipschitz(model, "product", (torch.zeros(DIMENSION), torch.ones(DIMENSION)))
    with pytest.raises(ValueError, match="unknown method"):
        lipschitz(model, "power")  # type: ignore[arg-type]
    for features in ([], [DIMENSION], [-1]):
        with pytest.raises(ValueError, match="features"):
            feature_sensitivity(model, features)
    with torch.no_grad():
        model[0].weight[0, 0] = math.nan  # type: ignore[union-attr, index, operator]
    with pytest.raises(NotALinearMap, match="not finite"):
        lipschitz(model)


# ---------------------------------------------------------------- activations and intervals

_FUNCTIONS = {
    "Tanh": mpmath.tanh, "Sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "GELU": lambda x: x * mpmath.ncdf(x),
    "GELU (tanh)": lambda x: x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3))),
    "SiLU": lambda x: x / (1 + mpmath.exp(-x)), "Softplus": lambda x: mpmath.log(1 + mpmath.exp(x)), "LogSigmoid": lambda x: -mpmath.log(1 + mpmath.exp(-x)),
    "Tanhshrink": lambda x: x - mpmath.tanh(x),
}  # fmt: skip


@pytest.mark.parametrize("activation", [module for module in SMOOTH if getattr(module, "beta", 1) == 1], ids=repr)
def test_the_derivatives_of_an_activation_stay_within_its_constants_and_come_near_them(activation: nn.Module) -> None:
    constants = activation_of(activation)
    assert constants is not None
    function = _FUNCTIONS[constants.name]
    with mpmath.workdps(40):
        for order, low, high in (
            (1, constants.low, constants.high),
            (2, None if constants.second is None else -constants.second, constants.second),
            (3, None if constants.third is None else -constants.third, constants.third),
        ):
            if low is None or high is None:
                continue
            values = [mpmath.diff(function, mpmath.mpf(step) / 25, order) for step in range(-150, 151)]
            least, greatest = min(values), max(values)
            assert mpmath.mpf(low.numerator) / low.denominator <= least
            assert greatest <= mpmath.mpf(high.numerator) / high.denominator
            size = max(abs(float(low)), abs(float(high)))
            assert max(abs(least), abs(greatest)) >= 0.99 * size


@pytest.mark.parametrize("activation", [*SMOOTH, *KINKED], ids=repr)
def test_slopes_and_images_on_intervals_hold_every_point_of_them(activation: nn.Module) -> None:
    constants, function = activation_of(activation), evaluated(activation)
    assert constants is not None
    generator = torch.Generator().manual_seed(0)
    low = 4 * torch.randn(200, generator=generator, dtype=torch.float64)
    high = low + 10.0 ** (4 * torch.rand(200, generator=generator, dtype=torch.float64) - 3)
    inputs = Interval(low, high)
    least, greatest = slopes_on(constants, function, inputs)
    enclosed = image(constants, function, inputs)
    followed: Callable[[Tensor], Tensor] = function
    if isinstance(activation, nn.CELU):  # torch takes 1/alpha to single precision in the derivative
        scale = activation.alpha
        followed = lambda points: scale * nn.functional.elu(points / scale)  # noqa: E731
    for share in torch.linspace(0, 1, 21, dtype=torch.float64):
        points = torch.minimum(low + share * (high - low), high).requires_grad_()
        values = followed(points)
        (slopes,) = torch.autograd.grad(values.sum(), points)
        assert bool((slopes >= least - 1e-15).all() and (slopes <= greatest + 1e-15).all())
        assert bool((values.detach() >= enclosed.low).all() and (values.detach() <= enclosed.high).all())


def test_slopes_in_a_box_are_those_of_the_neurons() -> None:
    model = network(nn.SiLU(), 6, 2.0)
    chain: Chain = chain_of(model)
    box = (torch.zeros(DIMENSION, dtype=torch.float64), torch.full((DIMENSION,), 0.2, dtype=torch.float64))
    ranges = slopes_in(chain, box)
    points = box[1] * torch.rand(300, DIMENSION, dtype=torch.float64)
    for stage, (low, high) in zip(chain.stages, ranges, strict=False):
        points = (points @ stage.weight.T + stage.bias).detach().requires_grad_()
        assert stage.function is not None
        values = stage.function(points)
        (slopes,) = torch.autograd.grad(values.sum(), points)
        assert bool((slopes >= low - 1e-15).all() and (slopes <= high + 1e-15).all())
        points = values.detach()


# ---------------------------------------------------------------- features


def test_the_sensitivity_of_a_linear_model_is_the_norm_of_its_columns() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(5, 3).double()
    exact = float(torch.linalg.matrix_norm(layer.weight.detach()[:, [1, 3]], 2))
    result = feature_sensitivity(layer, [3, 1], torch.randn(40, 5, generator=generator))
    assert result.attained.value <= exact * (1 + 1e-12) and exact <= result.worst_case.value <= exact * (1 + 1e-8)
    assert result.attained.value >= exact * (1 - 1e-6)


def test_an_average_says_nothing_of_the_worst_case() -> None:
    model = network(nn.Tanh(), 7, 4.0)
    records = 2 * torch.randn(60, DIMENSION, dtype=torch.float64)
    result = feature_sensitivity(model, [0], records, scale=1.0, steps=30)
    points = 2 * torch.randn(2000, DIMENSION, dtype=torch.float64)
    found = float(torch.func.vmap(torch.func.jacrev(model))(points).detach()[..., 0].norm(dim=-1).max())
    assert result.average is not None and result.average_lower is not None and result.average_upper is not None
    assert result.average_lower.value <= result.average.value <= result.average_upper.value <= result.worst_case.value
    assert found <= result.worst_case.value and result.average.value < result.attained.value


@pytest.mark.statistical
def test_the_interval_of_the_average_covers_it() -> None:
    """On the law that Hoeffding's inequality fears most: records whose ratio is the worst case, or zero, by the toss of a coin."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU()).double()
    nn.init.ones_(model[0].weight)  # type: ignore[arg-type]
    missed, beyond_half = 0, 0
    for seed in range(1000):
        generator = torch.Generator().manual_seed(seed)
        records = torch.randint(2, (100, 1), generator=generator) * 2.0 - 1
        result = feature_sensitivity(
            model, [0], records, scale=1e-3, draws=1, steps=0, generator=generator, failure_probability=0.1
        )
        assert result.average is not None and result.average_lower is not None and result.average_upper is not None
        missed += not result.average_lower.value <= 0.5 <= result.average_upper.value
        beyond_half += abs(result.average.value - 0.5) > (result.average_upper.value - result.average.value) / 2
    assert missed <= 100
    assert beyond_half > 150, "negative control: half the width misses more often than is allowed"


def test_a_proxy_is_found_and_a_stranger_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    feature, stranger, noise = torch.randn(3, 500, generator=generator, dtype=torch.float64)
    records = torch.stack([feature, 2 * feature + noise, stranger, torch.ones(500, dtype=torch.float64), feature**2], 1)
    found = correlated_proxies(records, [0], least=0.3)
    assert [proxy.feature for proxy in found] == [1]
    assert found[0].explained.value == pytest.approx(0.8, abs=0.06)
    assert correlated_proxies(records, [2], least=0.3) == ()
    for bad in (records[:3], records * math.nan):
        with pytest.raises(ValueError, match="records"):
            correlated_proxies(bad, [0])
    with pytest.raises(ValueError, match="features"):
        correlated_proxies(records, [9])


def test_a_model_that_ignores_a_feature_reads_it_off_its_proxy() -> None:
    """What the check is for: no sensitivity to the feature itself, and all of it to the proxy."""
    layer = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 1.0]]))
    generator = torch.Generator().manual_seed(1)
    feature = torch.randn(200, generator=generator, dtype=torch.float64)
    records = torch.stack([feature, feature + 0.1 * torch.randn(200, generator=generator, dtype=torch.float64)], 1)
    assert feature_sensitivity(layer, [0]).worst_case.value < 1e-300
    proxies = [proxy.feature for proxy in correlated_proxies(records, [0])]
    assert proxies == [1] and feature_sensitivity(layer, [0, *proxies]).attained.value > 0.99


class _Doubled(nn.Linear):
    """A layer that is not what its base class is."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


class _Skip(nn.Sequential):
    """A container that adds its input."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + super().forward(inputs)


def test_a_subclass_a_hook_or_a_patch_is_not_bounded_by_its_class() -> None:
    hooked, patched = nn.Linear(2, 2), nn.Linear(2, 2)
    hooked.register_forward_hook(lambda module, inputs, outputs: 7 * outputs)
    patched.forward = lambda inputs: 7 * inputs  # type: ignore[method-assign]
    methods: tuple[Method, ...] = ("product", "eclipse")
    for layer, words in ((_Doubled(2, 2), "redefines forward"), (hooked, "hooks"), (patched, "forward of its own")):
        for method in methods:
            with pytest.raises(UnknownModule, match=words):
                lipschitz(nn.Sequential(layer, nn.ReLU(), nn.Linear(2, 2)), method)
        with pytest.raises(UnknownModule, match=words):
            spectral_norm(layer)
        with pytest.raises(UnknownModule, match=words):
            feature_sensitivity(layer, [0])
        with pytest.raises(UnknownModule, match=words):
            hessian_edges(
                nn.Sequential(layer, nn.Tanh(), nn.Linear(2, 2)),
                nn.CrossEntropyLoss(),
                (torch.zeros(1, 2), torch.zeros(1).long()),
            )
    for method in methods:
        with pytest.raises(UnknownModule, match="redefines forward of Sequential"):
            lipschitz(_Skip(nn.Linear(2, 2)), method)
    declared = lipschitz(nn.Sequential(nn.Linear(2, 2), _Doubled(2, 2)), declared={_Doubled: 9.0})
    assert declared.layers[1].constant.value == 9.0


def test_a_picture_tells_its_shape() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    low, high = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    told = lipschitz(model, "local", (low, high)).upper.value
    assert told == lipschitz(model, "local", (low.flatten(), high.flatten()), input_shape=(1, 4, 4)).upper.value
    records = torch.rand(5, 1, 4, 4)
    told = feature_sensitivity(model, [0], records).worst_case.value
    assert told == feature_sensitivity(model, [0], records.flatten(1), input_shape=(1, 4, 4)).worst_case.value
    with pytest.raises(UnknownModule, match="input_shape"):
        feature_sensitivity(model, [0], records.flatten(1))
    with pytest.raises(ValueError, match="finite rows"):
        feature_sensitivity(nn.Linear(1, 1), [0], torch.tensor(1.0))
