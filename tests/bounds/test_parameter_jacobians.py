"""Bounds from the Jacobians of outputs: the Jacobians against autograd, and both parts of the Hessian of a mean loss on a ball."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from flat_losses import FlatLoss
from torch import Tensor, nn

from certify.bounds.parameters.adjoint import Adjoint
from certify.bounds.parameters.averages import Averages
from certify.bounds.parameters.output_losses import output_loss
from certify.bounds.parameters.reading import steps_of
from certify.bounds.parameters.recursion import Derivatives

LOSSES = {
    "classes": nn.CrossEntropyLoss(),
    "squares": nn.MSELoss(),
    "logits": nn.BCEWithLogitsLoss(),
    "huber": nn.HuberLoss(delta=0.4),
}
NETWORKS: dict[str, tuple[list[nn.Module], tuple[int, ...]]] = {
    "dense": ([nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 2)], (3,)),
    "grouped": ([nn.Conv2d(2, 4, 2, groups=2, padding=1), nn.GELU(), nn.AvgPool2d(2), nn.Conv2d(4, 2, 2, bias=False)], (2, 3, 3)),
    "dilated": ([nn.Conv2d(1, 2, 2, dilation=2, stride=2, padding=1), nn.SiLU(), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 2)], (1, 5, 5)),
    "wrapped": ([nn.Conv1d(1, 2, 3, padding=1, padding_mode="circular"), nn.Sigmoid(), nn.ZeroPad1d(1), nn.Conv1d(2, 1, 3)], (1, 4)),
    "activation last": ([nn.Conv1d(1, 2, 2), nn.Tanh(), nn.AdaptiveAvgPool1d(1), nn.Tanh()], (1, 4)),
}  # fmt: skip


def case(name: str, loss: nn.Module, seed: int = 0) -> tuple[FlatLoss, tuple[int, ...]]:
    torch.manual_seed(seed)
    layers, shape = NETWORKS[name]
    model = nn.Sequential(*layers, nn.Flatten()).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.7 * torch.randn_like(parameter))
    inputs = torch.randn(4, *shape, dtype=torch.float64)
    outputs = model(inputs).shape[1]
    targets = torch.randint(outputs, (4,)) if isinstance(loss, nn.CrossEntropyLoss) else torch.rand(4, outputs).double()
    return FlatLoss(model, loss, inputs, targets), shape


def adjoint_of(function: FlatLoss, shape: tuple[int, ...], radius: float) -> tuple[Adjoint, Any]:
    steps, outputs = steps_of(function.model, shape)
    rule = output_loss(function.loss)
    found = Derivatives(steps, function.inputs, radius)
    sizes = rule.sizes(found.value, found.moved, rule.checked(function.targets, 4, outputs))
    return Adjoint(steps, found, sizes), sizes


def jacobians(function: FlatLoss, point: Tensor) -> Tensor:
    """[examples, outputs, parameters]."""
    found: Tensor = torch.func.jacrev(function.outputs)(point)
    return found


def curvatures(function: FlatLoss, point: Tensor) -> Tensor:
    """The second derivatives of the outputs, [examples, outputs, parameters, parameters]."""
    found: Tensor = torch.func.jacrev(torch.func.jacrev(function.outputs))(point)
    return found


def gauss_newton(function: FlatLoss, point: Tensor) -> Tensor:
    outputs, jacobian = function.outputs(point), jacobians(function, point)
    total = torch.zeros(len(point), len(point), dtype=torch.float64)
    for row, jacobian_of, target in zip(outputs, jacobian, function.targets, strict=True):
        bent = torch.func.jacrev(torch.func.jacrev(lambda z, y=target: function.loss(z[None], y[None])))(row)
        total += jacobian_of.T @ bent @ jacobian_of / len(outputs)
    return total


@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_at_the_centre_is_enclosed(name: str) -> None:
    """Up to the order of the parameters, which the Gram matrix of the rows does not see."""
    function, shape = case(name, LOSSES["classes"])
    found, _ = adjoint_of(function, shape, 0.0)
    truth = jacobians(function, function.flat)
    assert found.jacobian.shape == truth.shape
    assert torch.allclose(found.jacobian @ found.jacobian.mT, truth @ truth.mT, rtol=1e-9, atol=1e-12)
    assert bool((found.jacobian_error < 1e-8).all())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 0.05, 0.6])
def test_no_derivative_of_the_outputs_in_the_ball_is_above_its_bound(name: str, radius: float) -> None:
    function, shape = case(name, LOSSES["classes"], 1)
    found, sizes = adjoint_of(function, shape, radius)
    for point in function.points(radius, draws=2, ascents=1):
        outputs = function.outputs(point)
        turned = torch.softmax(outputs, 1) - nn.functional.one_hot(function.targets, outputs.shape[1])
        jacobian, curvature = jacobians(function, point), curvatures(function, point)
        for number in range(4):
            assert torch.linalg.matrix_norm(jacobian[number], ord=2) <= torch.linalg.vector_norm(found.first[number]) * (1 + 1e-9)
            along = torch.einsum("k,kpq->pq", turned[number], curvature[number])
            assert torch.linalg.matrix_norm(along, ord=2) <= torch.linalg.matrix_norm(found.residual[number], ord=2) * (1 + 1e-9)
            vectors = torch.linalg.eigh(along).eigenvectors
            for way in (vectors[:, 0], vectors[:, -1]):
                bent = torch.einsum("kpq,p,q->k", curvature[number], way, way)
                assert bent.norm() <= torch.linalg.matrix_norm(found.second[number], ord=2) * (1 + 1e-9)
    assert bool((sizes.first >= 0).all())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("radius", [0.0, 0.1])
def test_both_parts_of_the_hessian_are_below_their_bounds_on_the_ball(name: str, kind: str, radius: float) -> None:
    function, shape = case(name, LOSSES[kind], 2)
    steps, outputs = steps_of(function.model, shape)
    rule = output_loss(function.loss)
    found = Averages(steps, rule, function.inputs, rule.checked(function.targets, 4, outputs), radius)
    for point in function.points(radius, draws=2, ascents=2):
        first = gauss_newton(function, point)
        second = function.hessian(point) - first
        assert torch.linalg.matrix_norm(first, ord=2) <= found.gauss_newton * (1 + 1e-9)
        values = torch.linalg.eigvalsh(second)
        assert -float(values[0]) <= found.descent * (1 + 1e-9) and float(values[-1]) <= found.ascent * (1 + 1e-9)
        assert float(function.gradient(point).norm()) <= found.gradient * (1 + 1e-12)
    if radius == 0.0:
        assert found.gradient <= float(function.gradient(function.flat).norm()) * (1 + 1e-6)
        if kind != "huber":  # whose Hessian may be zero where its bound is 1/K
            assert found.gauss_newton <= float(torch.linalg.matrix_norm(gauss_newton(function, function.flat), ord=2)) * (
                1 + 1e-6
            )


def test_jacobians_that_stay_as_they_are_at_the_centre_are_refuted() -> None:
    """Negative control: on a ball |J| exceeds what it is at the centre, and so do both parts of the Hessian."""
    function, shape = case("dense", LOSSES["classes"], 3)
    steps, _ = steps_of(function.model, shape)
    rule = output_loss(function.loss)
    here, ball = (Averages(steps, rule, function.inputs, function.targets, radius) for radius in (0.0, 0.5))
    found = adjoint_of(function, shape, 0.0)[0].first
    worst = {"jacobian": 0.0, "gauss_newton": 0.0, "gradient": 0.0}
    for point in function.points(0.5, draws=6, ascents=8):
        sizes = [float(torch.linalg.matrix_norm(part, ord=2)) for part in jacobians(function, point)]
        worst["jacobian"] = max(worst["jacobian"], *(size / float(c.norm()) for size, c in zip(sizes, found, strict=True)))
        first = float(torch.linalg.matrix_norm(gauss_newton(function, point), ord=2))
        worst["gauss_newton"] = max(worst["gauss_newton"], first / here.gauss_newton)
        worst["gradient"] = max(worst["gradient"], float(function.gradient(point).norm()) / here.gradient)
        assert first <= ball.gauss_newton
    assert worst["gauss_newton"] > 1.02 and worst["gradient"] > 1.02, worst


def test_examples_in_batches_give_what_all_give_together(monkeypatch: pytest.MonkeyPatch) -> None:
    function, shape = case("grouped", LOSSES["classes"], 4)
    steps, _ = steps_of(function.model, shape)
    rule = output_loss(function.loss)

    def found() -> list[float]:
        average = Averages(steps, rule, function.inputs, function.targets, 0.05)
        return [average.gradient, average.smoothness, average.cubic, average.gauss_newton, average.descent, average.ascent]

    whole = found()
    monkeypatch.setattr("certify.bounds.parameters.averages._MOST_ENTRIES", 1)
    assert found() == pytest.approx(whole, rel=1e-6)


def test_without_jacobians_the_norms_of_layers_must_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network too large for them is still bounded, more loosely."""
    function, shape = case("grouped", LOSSES["classes"], 5)
    steps, _ = steps_of(function.model, shape)
    rule = output_loss(function.loss)
    sharp = Averages(steps, rule, function.inputs, function.targets, 0.0)
    monkeypatch.setattr("certify.bounds.parameters.averages._MOST_JACOBIANS", 0)
    loose = Averages(steps, rule, function.inputs, function.targets, 0.0)
    gradient, hessian, third = function.measured(function.flat)
    assert gradient <= sharp.gradient < loose.gradient
    assert hessian <= sharp.smoothness < loose.smoothness and loose.gauss_newton == float("inf")
    assert third <= sharp.cubic <= loose.cubic
