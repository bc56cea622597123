"""Edges of the Hessian of deeper networks: no eigenvalue outside, at the parameters close to the truth, and on balls."""

from __future__ import annotations

import pytest
import torch
from flat_losses import FlatLoss
from torch import Tensor, nn

from certify.bounds import UnknownModule, hessian_edges
from certify.bounds.parameters.adjoint import Adjoint
from certify.bounds.parameters.deep import network_edges
from certify.bounds.parameters.edges import shallow_edges
from certify.bounds.parameters.output_losses import output_loss
from certify.bounds.parameters.reading import steps_of
from certify.bounds.parameters.recursion import Derivatives
from certify.bounds.parameters.residual import Residual

NETWORKS: dict[str, tuple[list[nn.Module], tuple[int, ...]]] = {
    "three hidden layers": (
        [nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3, bias=False), nn.Softplus(), nn.Linear(3, 3), nn.SiLU(), nn.Linear(3, 3)],
        (3,),
    ),
    "convolutions": (
        [nn.Conv2d(1, 2, 2), nn.Tanh(), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 2, groups=2), nn.GELU(), nn.AvgPool2d(2, stride=1), nn.Flatten()],
        (1, 4, 4),
    ),
    "activation last": ([nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 3), nn.Tanh()], (3,)),
}  # fmt: skip
LOSSES = {"classes": nn.CrossEntropyLoss(), "squares": nn.MSELoss(), "logits": nn.BCEWithLogitsLoss()}


def case(name: str, loss: nn.Module, seed: int) -> FlatLoss:
    torch.manual_seed(seed)
    layers, shape = NETWORKS[name]
    model = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    inputs = torch.randn(5, *shape, dtype=torch.float64)
    outputs = model(inputs).shape[1]
    targets = torch.randint(outputs, (5,)) if isinstance(loss, nn.CrossEntropyLoss) else torch.rand(5, outputs).double()
    return FlatLoss(model, loss, inputs, targets)


def residual_part(function: FlatLoss, point: Tensor) -> Tensor:
    """The mean of the second derivatives of the outputs along the loss's gradient, by autograd."""
    outputs = function.outputs(point)
    gradient = torch.func.grad(lambda z: function.loss(z, function.targets))(outputs)
    found: Tensor = torch.func.jacrev(torch.func.jacrev(lambda flat: (function.outputs(flat) * gradient).sum()))(point)
    return found


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", LOSSES)
def test_the_residual_part_is_formed_as_it_is(name: str, kind: str) -> None:
    """Its eigenvalues are those of the truth, whatever the order of the parameters."""
    function = case(name, LOSSES[kind], 0)
    steps, shape = steps_of(function.model, tuple(function.inputs.shape[1:]))
    rule = output_loss(function.loss)
    found = Derivatives(steps, function.inputs, 0.0)
    sizes = rule.sizes(found.value, found.moved, rule.checked(function.targets, 5, shape))
    formed = Residual(steps, found, Adjoint(steps, found, sizes))
    truth = torch.linalg.eigvalsh(residual_part(function, function.flat))
    assert torch.equal(formed.matrix, formed.matrix.T) or torch.allclose(formed.matrix, formed.matrix.T, atol=1e-12)
    assert torch.allclose(torch.linalg.eigvalsh(formed.matrix) / 5, truth, atol=1e-9)
    assert formed.error < 1e-7


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("radius", [0.0, 0.003, 0.3])
def test_no_eigenvalue_in_the_ball_is_outside(name: str, kind: str, radius: float) -> None:
    function = case(name, LOSSES[kind], 1)
    edges = network_edges(function.model, function.loss, (function.inputs, function.targets), radius=radius, l2=0.2)
    for point in function.points(radius, draws=2, ascents=2):
        values = torch.linalg.eigvalsh(function.hessian(point)) + 0.2
        assert edges.lower.value <= float(values[0]) + 1e-12 and float(values[-1]) <= edges.upper.value + 1e-12
    if radius == 0.0:
        assert edges.lower.value == pytest.approx(float(values[0]), abs=1e-6)
        assert edges.upper.value == pytest.approx(float(values[-1]), abs=1e-6)
        apart = torch.linalg.eigvalsh(residual_part(function, function.flat))
        assert edges.descent.value == pytest.approx(max(-float(apart[0]), 0.0), abs=1e-6)
        assert edges.ascent.value == pytest.approx(max(float(apart[-1]), 0.0), abs=1e-6)


def test_the_residual_of_the_centre_alone_is_refuted_on_a_ball() -> None:
    """Negative control: without what it turns, an eigenvalue of the residual part in the ball is beyond the bound."""
    function = case("activation last", LOSSES["squares"], 1)
    data = function.inputs, function.targets
    centre = network_edges(function.model, function.loss, data)
    ball = network_edges(function.model, function.loss, data, radius=0.3)
    worst = max(-float(torch.linalg.eigvalsh(residual_part(function, point))[0]) for point in function.points(0.3, draws=8))
    assert centre.descent.value + 1e-3 < worst <= ball.descent.value


@pytest.mark.parametrize("scale", [1e3, 1e7, 1e10])
def test_outputs_that_are_known_badly_loosen_the_edges(scale: float) -> None:
    """Logits of any size: their enclosures are wide, and the curvature of the loss is then known to a factor only."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    with torch.no_grad():
        model[2].weight.mul_(scale)  # type: ignore[operator]
    data = torch.randn(4, 3, dtype=torch.float64), torch.randint(2, (4,))
    for loss, targets in ((LOSSES["classes"], data[1]), (LOSSES["logits"], torch.rand(4, 2).double())):
        edges = network_edges(model, loss, (data[0], targets))
        values = torch.linalg.eigvalsh(
            FlatLoss(model, loss, data[0], targets).hessian(torch.cat([p.detach().flatten() for p in model.parameters()]))
        )
        slack = 1e-12 * float(values.abs().max())
        assert edges.lower.value <= float(values[0]) + slack and float(values[-1]) <= edges.upper.value + slack


def test_one_hidden_layer_has_the_edges_of_its_own_rule() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    data = torch.randn(10, 3, dtype=torch.float64), torch.randint(3, (10,))
    own, deep = (edges(model, nn.CrossEntropyLoss(), data) for edges in (shallow_edges, network_edges))
    assert deep.descent.value == pytest.approx(own.descent.value, rel=1e-6)
    assert deep.gauss_newton.value == pytest.approx(own.gauss_newton.value, rel=1e-3)
    assert deep.lower.value >= own.lower.value - 1e-9 and deep.upper.value <= own.upper.value + 1e-9


def test_the_question_is_answered_by_the_rule_that_knows_the_network() -> None:
    torch.manual_seed(0)
    shallow = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    data, loss = (torch.randn(10, 3, dtype=torch.float64), torch.randint(3, (10,))), nn.CrossEntropyLoss()
    own, deep, both = (edges(shallow, loss, data) for edges in (shallow_edges, network_edges, hessian_edges))
    assert both.lower.value == max(own.lower.value, deep.lower.value) and both.upper.value == min(
        own.upper.value, deep.upper.value
    )
    assert hessian_edges(shallow, loss, data, radius=0.01) == shallow_edges(shallow, loss, data, radius=0.01)
    deeper = nn.Sequential(*shallow, nn.Tanh(), nn.Linear(3, 3)).double()
    assert hessian_edges(deeper, loss, data, l2=0.1) == network_edges(deeper, loss, data, l2=0.1)
    wanted = nn.functional.one_hot(data[1], 3).double()
    assert hessian_edges(shallow, nn.MSELoss(), (data[0], wanted)) == network_edges(shallow, nn.MSELoss(), (data[0], wanted))
    with pytest.raises(UnknownModule, match="kink"):
        hessian_edges(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)), loss, data)


def test_a_network_that_is_too_large_to_be_formed_has_looser_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    function = case("convolutions", LOSSES["classes"], 2)
    data = function.inputs, function.targets
    sharp = network_edges(function.model, function.loss, data)
    monkeypatch.setattr("certify.bounds.parameters.averages.MOST_PARAMETERS", 0)
    loose = network_edges(function.model, function.loss, data)
    values = torch.linalg.eigvalsh(function.hessian(function.flat))
    assert (
        loose.lower.value < sharp.lower.value <= float(values[0]) and float(values[-1]) <= sharp.upper.value < loose.upper.value
    )


def test_kinks_and_bad_ridges_are_refused() -> None:
    model, data = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (torch.randn(4, 3), torch.randint(2, (4,)))
    with pytest.raises(UnknownModule, match=r"1 \(ReLU\) has a kink"):
        network_edges(model, nn.CrossEntropyLoss(), data)
    with pytest.raises(UnknownModule, match="jumps at its threshold"):
        network_edges(nn.Linear(3, 2), nn.HuberLoss(), (data[0], torch.zeros(4, 2)))
    with pytest.raises(ValueError, match="ridge"):
        network_edges(nn.Linear(3, 2), nn.CrossEntropyLoss(), data, l2=-1.0)
