"""Constants in the parameters of a network: no gradient, Hessian or third derivative in the ball is above them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from certify.bounds import UnknownModule, hessian_edges, parameter_constants

LOSS = nn.CrossEntropyLoss()


def network(activation: nn.Module, depth: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.Linear(3, 4)]
    for _ in range(depth):
        layers += [activation, nn.Linear(4, 4)]
    return nn.Sequential(*layers).double()


class Function:
    """The loss of one draw of the examples as a function of the flat parameters."""

    def __init__(self, model: nn.Module, seed: int) -> None:
        torch.manual_seed(seed)
        self.model, self.inputs = model, 1.5 * torch.randn(6, 3, dtype=torch.float64)
        self.targets = torch.randint(4, (6,))
        self.shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        self.flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    def __call__(self, flat: Tensor) -> Tensor:
        parts = torch.split(flat, [shape.numel() for shape in self.shapes.values()])
        named = {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(self.model, named, (self.inputs,)), self.targets)

    def measured(self, point: Tensor) -> tuple[float, float, float]:
        """|gradient|, |Hessian|, and how fast the Hessian changes in the direction in which its top form changes fastest."""
        gradient = torch.func.grad(self)(point)
        hessian = torch.func.hessian(self)(point)
        values, vectors = torch.linalg.eigh(hessian)
        third = 0.0
        for index in (0, -1):
            top = vectors[:, index]
            slope = torch.func.grad(
                lambda flat, top=top: torch.dot(top, torch.func.jvp(torch.func.grad(self), (flat,), (top,))[1])
            )(point)
            third = max(third, float(slope.norm()))
        return float(gradient.norm()), float(values.abs().max()), third


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.GELU(), nn.SiLU()], ids=repr)
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("radius", [0.0, 0.5])
def test_no_derivative_in_the_ball_is_above_its_constant(activation: nn.Module, depth: int, radius: float) -> None:
    model = network(activation, depth, depth)
    function = Function(model, 5)
    constants = parameter_constants(model, LOSS, function.inputs, radius=radius)
    assert constants.smoothness is not None and constants.hessian_lipschitz is not None
    generator = torch.Generator().manual_seed(0)
    for draw in range(4):
        move = torch.randn(len(function.flat), generator=generator, dtype=torch.float64)
        if draw == 3:
            move = function.flat.clone()  # outward: all weights grow
        gradient, hessian, third = function.measured(function.flat + move / move.norm() * radius)
        assert gradient <= constants.gradient.value
        assert hessian <= constants.smoothness.value
        assert third <= constants.hessian_lipschitz.value


def test_a_ball_that_forgets_how_the_activations_grow_is_refuted() -> None:
    """Negative control: with the sizes of the centre, a gradient in the ball is above the constant (softplus grows without end)."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Softplus(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.1)
    inputs = torch.ones(1, 1, dtype=torch.float64)
    radius = 30.0
    far = nn.Sequential(nn.Linear(1, 1), nn.Softplus(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        for parameter in far.parameters():
            parameter.fill_(0.1)
        far[0].weight.add_(radius / math.sqrt(2))  # type: ignore[operator, union-attr]
        far[0].bias.add_(radius / math.sqrt(2))  # type: ignore[operator, union-attr]
    nn.functional.cross_entropy(far(inputs), torch.tensor([0])).backward()
    gradient = math.sqrt(sum(float((parameter.grad**2).sum()) for parameter in far.parameters() if parameter.grad is not None))
    honest = parameter_constants(model, LOSS, inputs, radius=radius).gradient.value
    forgetful = math.sqrt(2) * math.hypot(
        0.1 * math.sqrt(2) * math.sqrt(2), math.sqrt(float(nn.functional.softplus(torch.tensor(0.2))) ** 2 + 1)
    )
    assert forgetful < gradient <= honest


def test_a_kink_leaves_the_gradient_bound_alone() -> None:
    model = network(nn.ReLU(), 1, 1)
    function = Function(model, 2)
    constants = parameter_constants(model, LOSS, function.inputs, radius=0.2)
    assert constants.smoothness is None and constants.hessian_lipschitz is None and "kink" in constants.reason
    assert float(torch.func.grad(function)(function.flat).norm()) <= constants.gradient.value


def test_they_are_looser_than_the_edges_of_the_hessian() -> None:
    model = network(nn.Tanh(), 1, 3)
    function = Function(model, 3)
    constants = parameter_constants(model, LOSS, function.inputs)
    edges = hessian_edges(model, LOSS, (function.inputs, function.targets))
    assert constants.smoothness is not None and constants.smoothness.value >= edges.upper.value


def test_what_has_no_rule_is_refused() -> None:
    inputs = torch.randn(4, 3)
    with pytest.raises(UnknownModule, match="parameters of their own"):
        parameter_constants(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).eval(), LOSS, inputs)
    with pytest.raises(UnknownModule, match="activation"):
        parameter_constants(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), LOSS, inputs)
    shared = nn.Linear(3, 3)
    with pytest.raises(UnknownModule, match="twice"):
        parameter_constants(nn.Sequential(shared, nn.Tanh(), shared), LOSS, inputs)
    with pytest.raises(UnknownModule, match="CrossEntropyLoss"):
        parameter_constants(nn.Linear(3, 2), nn.MSELoss(), inputs)
    for bad in (inputs[:0], inputs[:, :2]):
        with pytest.raises(ValueError, match="rows of 3"):
            parameter_constants(nn.Linear(3, 2), LOSS, bad)
    with pytest.raises(ValueError, match="radius"):
        parameter_constants(nn.Linear(3, 2), LOSS, inputs, radius=math.inf)
