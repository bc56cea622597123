"""Constants in the parameters under other losses: the table of derivatives in the outputs against autograd, and whole networks."""

from __future__ import annotations

import math

import pytest
import torch
from flat_losses import FlatLoss
from torch import Tensor, nn

from certify.bounds import UnknownModule, parameter_constants
from certify.bounds.networks.intervals import Interval
from certify.bounds.parameters.output_losses import output_loss, probabilities_of

LOSSES = [
    nn.CrossEntropyLoss(),
    nn.CrossEntropyLoss(label_smoothing=0.2),
    nn.MSELoss(),
    nn.BCEWithLogitsLoss(),
    nn.HuberLoss(delta=0.3),
    nn.SmoothL1Loss(beta=0.4),
]


def targets_for(loss: nn.Module, examples: int, outputs: int) -> Tensor:
    if isinstance(loss, nn.CrossEntropyLoss):
        return torch.randint(outputs, (examples,))
    return torch.rand(examples, outputs, dtype=torch.float64)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("moved", [0.0, 0.3])
@pytest.mark.parametrize("outputs", [1, 4])
def test_no_derivative_in_the_outputs_is_above_its_size(loss: nn.Module, moved: float, outputs: int) -> None:
    """Dense derivatives of every example's loss at outputs that moved by at most ``moved``; without a move the gradient is met."""
    torch.manual_seed(0)
    centre = 2 * torch.randn(8, outputs, dtype=torch.float64)
    targets = targets_for(loss, 8, outputs)
    rule = output_loss(loss)
    move = torch.full((8,), moved, dtype=torch.float64)
    known = rule.sizes(Interval.point(centre), move, rule.checked(targets, 8, (outputs,)))
    blind = known if rule.needs_targets else rule.sizes(Interval.point(centre), move, None)
    assert bool((known.first <= blind.first).all())
    for draw in range(4):
        step = torch.randn_like(centre)
        points = centre + moved * step / step.norm(dim=1, keepdim=True) * (draw > 0)
        for number in range(8):

            def one(point: Tensor, target: Tensor = targets[number : number + 1]) -> Tensor:
                found: Tensor = loss(point[None], target)
                return found

            gradient = float(torch.func.grad(one)(points[number]).norm())
            assert gradient <= float(known.first[number]) * (1 + 1e-12)
            assert moved > 0 or float(known.first[number]) <= gradient * (1 + 1e-6) + 1e-12
            hessian = torch.func.jacrev(torch.func.jacrev(one))(points[number])
            assert float(torch.linalg.matrix_norm(hessian, ord=2)) <= float(known.second[number]) * (1 + 1e-12)
            if rule.kink:
                continue
            tensor = torch.func.jacrev(torch.func.jacrev(torch.func.jacrev(one)))(points[number])
            for _ in range(5):
                way = torch.randn(outputs, dtype=torch.float64)
                way = way / way.norm()
                assert abs(float(torch.einsum("ijk,i,j,k", tensor, way, way, way))) <= float(known.third[number]) * (1 + 1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("radius", [0.0, 0.3])
def test_no_derivative_of_the_mean_loss_is_above_its_constant(loss: nn.Module, radius: float) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    inputs, targets = torch.randn(5, 3, dtype=torch.float64), targets_for(loss, 5, 2)
    constants = parameter_constants(model, loss, inputs, targets, radius=radius)
    assert constants.smoothness is not None
    function = FlatLoss(model, loss, inputs, targets)
    kinked = isinstance(loss, (nn.HuberLoss, nn.SmoothL1Loss))
    for point in function.points(radius, draws=2, ascents=3):
        gradient, hessian, third = function.measured(point, third=not kinked)
        assert gradient <= constants.gradient.value and hessian <= constants.smoothness.value
        assert constants.hessian_lipschitz is None or third <= constants.hessian_lipschitz.value
    assert (constants.hessian_lipschitz is None) == kinked and ("jumps" in constants.reason) == kinked


def test_the_residual_of_the_centre_alone_is_refuted_on_a_ball() -> None:
    """Negative control: a gradient in the ball is above what the residual of the centre would allow."""
    model = nn.Sequential(nn.Linear(1, 1)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    inputs, targets = torch.ones(1, 1, dtype=torch.float64), torch.full((1, 1), 0.1, dtype=torch.float64)
    function = FlatLoss(model, nn.MSELoss(), inputs, targets)
    worst = float(function.gradient(torch.full((2,), -1 / math.sqrt(2), dtype=torch.float64)).norm())
    at_centre, on_ball = (
        parameter_constants(model, nn.MSELoss(), inputs, targets, radius=radius).gradient.value for radius in (0.0, 1.0)
    )
    assert at_centre < worst <= on_ball < 1.01 * worst


def test_the_probabilities_of_logits_of_any_size_are_enclosed() -> None:
    for scale in (1.0, 50.0, 1e4):
        torch.manual_seed(0)
        logits = scale * torch.randn(5, 4, dtype=torch.float64)
        found = probabilities_of(Interval(logits - 1e-3, logits + 1e-3))
        for shift in (-1e-3, 0.0, 1e-3):
            truth = torch.softmax(logits + shift * torch.tensor([1.0, -1.0, 1.0, 1.0], dtype=torch.float64), 1)
            assert bool((found.low <= truth).all() and (truth <= found.high).all())


def test_other_losses_and_targets_that_do_not_fit_are_refused() -> None:
    model, inputs = nn.Linear(3, 2), torch.randn(4, 3)
    for loss in (
        nn.NLLLoss(),
        nn.L1Loss(),
        nn.MSELoss(reduction="sum"),
        nn.CrossEntropyLoss(weight=torch.ones(2)),
        nn.BCEWithLogitsLoss(pos_weight=torch.ones(2)),
    ):
        with pytest.raises(UnknownModule, match=f"{type(loss).__name__} as set"):
            parameter_constants(model, loss, inputs)
    with pytest.raises(UnknownModule, match="ignores class 1"):
        parameter_constants(model, nn.CrossEntropyLoss(ignore_index=1), inputs)
    with pytest.raises(UnknownModule, match="without a positive threshold"):
        parameter_constants(model, nn.SmoothL1Loss(beta=0.0), inputs)
    with pytest.raises(ValueError, match="pass targets"):
        parameter_constants(model, nn.MSELoss(), inputs)
    with pytest.raises(ValueError, match="shape of the outputs"):
        parameter_constants(model, nn.MSELoss(), inputs, torch.zeros(4))
    with pytest.raises(ValueError, match="not finite"):
        parameter_constants(model, nn.MSELoss(), inputs, torch.full((4, 2), math.nan))
    with pytest.raises(ValueError, match="between 0 and 1"):
        parameter_constants(model, nn.BCEWithLogitsLoss(), inputs, torch.full((4, 2), 1.5))
