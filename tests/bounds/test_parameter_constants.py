"""Constants in the parameters of a network: no gradient, Hessian or third derivative in the ball is above them."""

from __future__ import annotations

import math

import pytest
import torch
from flat_losses import FlatLoss
from torch import Tensor, nn

from certify.bounds import UnknownModule, hessian_edges, parameter_constants
from certify.bounds.parameters.constants import ParameterConstants

LOSS = nn.CrossEntropyLoss()


def network(activation: nn.Module, depth: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.Linear(3, 4)]
    for _ in range(depth):
        layers += [activation, nn.Linear(4, 4)]
    return nn.Sequential(*layers).double()


def function_of(model: nn.Module, seed: int) -> FlatLoss:
    torch.manual_seed(seed)
    return FlatLoss(model, LOSS, 1.5 * torch.randn(6, 3, dtype=torch.float64), torch.randint(4, (6,)))


def nothing_is_above(function: FlatLoss, constants: ParameterConstants, draws: int = 3) -> None:
    for point in function.points(constants.radius, draws):
        gradient, hessian, third = function.measured(point)
        assert gradient <= constants.gradient.value
        assert constants.smoothness is None or hessian <= constants.smoothness.value
        assert constants.hessian_lipschitz is None or third <= constants.hessian_lipschitz.value


@pytest.mark.parametrize(
    "activation", [nn.Tanh(), nn.Sigmoid(), nn.Softplus(beta=2.0), nn.GELU(), nn.SiLU(), nn.LogSigmoid()], ids=repr
)
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("radius", [0.0, 0.5])
def test_no_derivative_in_the_ball_is_above_its_constant(activation: nn.Module, depth: int, radius: float) -> None:
    model = network(activation, depth, depth)
    function = function_of(model, 5)
    constants = parameter_constants(model, LOSS, function.inputs, radius=radius)
    assert constants.smoothness is not None and constants.hessian_lipschitz is not None and constants.reason == ""
    nothing_is_above(function, constants, draws=2)
    known = parameter_constants(model, LOSS, function.inputs, function.targets, radius=radius)
    nothing_is_above(function, known, draws=2)
    assert known.smoothness is not None and known.smoothness.value <= constants.smoothness.value
    assert known.gradient.value <= constants.gradient.value


def test_a_fitted_network_has_far_smaller_constants_than_one_whose_targets_are_unknown() -> None:
    model = network(nn.Tanh(), 1, 1)
    function = function_of(model, 2)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=60)

    def closure() -> Tensor:
        optimiser.zero_grad()
        value: Tensor = LOSS(model(function.inputs), function.targets)
        value.backward()
        return value

    optimiser.step(closure)
    fitted = FlatLoss(model, LOSS, function.inputs, function.targets)
    constants = parameter_constants(model, LOSS, fitted.inputs, fitted.targets, radius=1e-3)
    blind = parameter_constants(model, LOSS, fitted.inputs, radius=1e-3)
    nothing_is_above(fitted, constants)
    assert constants.smoothness is not None and blind.smoothness is not None
    assert constants.gradient.value < blind.gradient.value / 10 and constants.smoothness.value < blind.smoothness.value / 5


@pytest.mark.parametrize("wide", [2.0, 30.0])
def test_a_ball_that_forgets_how_the_activations_grow_is_refuted(wide: float) -> None:
    """Negative control: with the sizes of the centre, a gradient in the ball is above the constant (softplus grows without end)."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Softplus(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.1)
    function = FlatLoss(model, LOSS, torch.ones(1, 1, dtype=torch.float64), torch.tensor([0]))
    move = torch.tensor([1.0, 1.0, 0, 0, 0, 0], dtype=torch.float64) / math.sqrt(2)
    gradient = float(function.gradient(function.flat + move * wide).norm())
    honest = parameter_constants(model, LOSS, function.inputs, radius=wide).gradient.value
    assert gradient <= honest
    forgetful = math.sqrt(2) * math.hypot(
        0.1 * math.sqrt(2) * math.sqrt(2), math.sqrt(float(nn.functional.softplus(torch.tensor(0.2))) ** 2 + 1)
    )
    assert forgetful < gradient


def test_bounded_activations_keep_a_wide_ball_small() -> None:
    """What a layer reads after tanh is at most one a neuron, however wide the ball: the constant grows with the norm of the last layer alone."""
    torch.manual_seed(0)
    inputs = torch.randn(5, 3)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    one, two = (parameter_constants(model, LOSS, inputs, radius=radius).gradient.value for radius in (1e3, 1e6))
    assert two < 1.1e3 * one
    loose = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2))
    one, two = (parameter_constants(loose, LOSS, inputs, radius=radius).gradient.value for radius in (1e3, 1e6))
    assert two > 0.9e3 * one


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.GELU(approximate="tanh"), nn.ELU()], ids=repr)
def test_a_kink_leaves_the_gradient_bound_alone(activation: nn.Module) -> None:
    model = network(activation, 1, 1)
    function = function_of(model, 2)
    constants = parameter_constants(model, LOSS, function.inputs, radius=0.2)
    assert constants.smoothness is None and constants.hessian_lipschitz is None
    assert "kink" in constants.reason and constants.reason.startswith(f"1 ({type(activation).__name__})")
    for point in function.points(0.2):
        assert float(function.gradient(point).norm()) <= constants.gradient.value


def test_activations_may_come_first_last_and_one_after_another() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Tanh(), nn.Linear(3, 4), nn.Softplus(), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid()).double()
    function = function_of(model, 3)
    for radius in (0.0, 0.3):
        nothing_is_above(function, parameter_constants(model, LOSS, function.inputs, radius=radius))


def test_they_are_near_the_hessian_at_the_centre_and_looser_than_its_edges_on_a_ball() -> None:
    model = network(nn.Tanh(), 1, 3)
    function = function_of(model, 3)
    data = function.inputs, function.targets
    here, ball = (parameter_constants(model, LOSS, *data, radius=radius) for radius in (0.0, 0.1))
    assert here.smoothness is not None and ball.smoothness is not None
    truth = function.measured(function.flat)[1]
    assert truth <= here.smoothness.value <= truth * (1 + 1e-6)
    assert ball.smoothness.value >= hessian_edges(model, LOSS, data, radius=0.1).upper.value


def test_the_constants_of_one_example_through_one_layer_are_the_truth() -> None:
    """A linear model of one example: |gradient| = |p - y| H and |Hessian| = |diag p - p p'| H², which a bound must come close to."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2)).double()
    function = FlatLoss(model, LOSS, torch.randn(1, 3, dtype=torch.float64), torch.tensor([1]))
    gradient, hessian, _ = function.measured(function.flat)
    constants = parameter_constants(model, LOSS, function.inputs, function.targets)
    assert constants.smoothness is not None
    assert gradient <= constants.gradient.value < gradient * (1 + 1e-8)
    assert hessian <= constants.smoothness.value < hessian * 1.02


@pytest.mark.parametrize("scale", [1e-90, 1e-30, 1e20])
def test_ill_scaled_networks_are_bounded_too(scale: float) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 2, bias=False)).double()
    function = FlatLoss(model, LOSS, scale * torch.randn(2, 3, dtype=torch.float64), torch.tensor([0, 1]))
    constants = parameter_constants(model, LOSS, function.inputs, function.targets)
    gradient, hessian, _ = function.measured(function.flat)
    assert constants.smoothness is not None
    assert 0 < gradient <= constants.gradient.value and hessian <= constants.smoothness.value


def test_single_and_half_precision_are_bounded_as_the_numbers_they_hold() -> None:
    model = network(nn.Tanh(), 1, 4)
    function = function_of(model, 4)
    single = nn.Sequential(*model).float()
    for kind in (torch.float32, torch.bfloat16):
        constants = parameter_constants(single.to(kind), LOSS, function.inputs, radius=0.1)
        nothing_is_above(FlatLoss(single.double(), LOSS, function.inputs, function.targets), constants)


def test_bad_models_are_refused_by_place() -> None:
    inputs = torch.randn(4, 3)
    shared = nn.Linear(3, 3)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    parametrized = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3))).eval()
    broken = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    with torch.no_grad():
        broken[2].weight[0, 0] = math.nan
    for model, words in (
        (nn.Sequential(shared, nn.Tanh(), shared), r"2 \(Linear\) shares parameters with 0 \(Linear\).*twice"),
        (tied, r"2 \(Linear\) shares parameters with 0 \(Linear\).*twice"),
        (parametrized, r"2 \(ParametrizedLinear\) has parameters other than.*remove_parametrizations"),
        (nn.Sequential(nn.Linear(3, 3), nn.PReLU(), nn.Linear(3, 3)), r"1 \(PReLU\) has slopes that are parameters"),
        (nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)), r"1 \(LayerNorm\) is not a layer"),
        (
            nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Dropout())),
            r"1\.0 \(Dropout\) draws at random in train mode: call eval",
        ),
        (nn.Sequential(nn.Linear(3, 3), nn.RReLU()), r"1 \(RReLU\) draws at random"),
        (nn.Sequential(nn.Linear(3, 3), nn.Threshold(0.1, 0.0)), "Threshold has no Lipschitz constant"),
        (nn.Sequential(nn.Tanh()), "no layer with parameters"),
    ):
        with pytest.raises(UnknownModule, match=words):
            parameter_constants(model, LOSS, inputs)
    with pytest.raises(ValueError, match=r"2 \(Linear\): .*not finite"):
        parameter_constants(broken, LOSS, inputs)
    with pytest.raises(ValueError, match=r"2 \(Linear\): takes vectors of 4 numbers, and is given 3 numbers"):
        parameter_constants(nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(4, 3)), LOSS, inputs)


def test_a_parameter_that_is_used_twice_has_a_gradient_above_what_two_layers_would_have() -> None:
    """Negative control of the refusal: the shared matrix moves both layers by the whole of a unit direction."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    inputs, targets = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    apart = parameter_constants(model, nn.MSELoss(), inputs, targets).gradient.value
    model[1].weight = model[0].weight
    together = float(FlatLoss(model, nn.MSELoss(), inputs, targets).gradient(torch.ones(1, dtype=torch.float64)).norm())
    assert together > 1.4 * apart


def test_bad_inputs_are_refused() -> None:
    inputs = torch.randn(4, 3)
    linear = nn.Linear(3, 2)
    bad = inputs.clone()
    bad[0, 0] = math.inf
    for rows, words in (
        (inputs[:0], "one or more examples"),
        (inputs[0], "one or more examples"),
        (inputs[:, :2], "takes vectors of 3 numbers, and is given 2 numbers"),
        (inputs[:, None], "put a Flatten"),
        (bad, "not finite"),
        (torch.ones(4, 3, dtype=torch.int64), "real floating-point"),
    ):
        with pytest.raises(ValueError, match=words):
            parameter_constants(linear, LOSS, rows)
    for radius in (math.inf, -1.0, math.nan):
        with pytest.raises(ValueError, match="radius"):
            parameter_constants(linear, LOSS, inputs, radius=radius)
    for targets in (torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1]), torch.zeros(4), torch.tensor([0, 0, 0, -100])):
        with pytest.raises(ValueError, match="class ind"):
            parameter_constants(linear, LOSS, inputs, targets)
    with pytest.raises(ArithmeticError, match="leaves the doubles"):
        parameter_constants(linear, LOSS, 1e300 * inputs.double(), radius=1e300)
