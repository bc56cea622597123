"""Certified radii: no attack inside changes the class, and just outside one does where the radius is exact."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from certify.bounds import NotALinearMap, UnknownModule, certified_radius

ACTIVATIONS = [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.LeakyReLU(0.2), nn.SiLU()]


def network(activation: nn.Module, seed: int, gain: float = 2.0) -> nn.Sequential:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 12), activation, nn.Linear(12, 8), activation, nn.Linear(8, 4)).double()
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(gain)
    return model


def attacked(
    model: nn.Module, point: Tensor, radius: float, *, box: tuple[float, float] | None = None, starts: int = 12, steps: int = 40
) -> set[int]:
    """The classes that projected ascent on every margin finds within the radius."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        outputs = model(point[None])[0]
    prediction, found = int(outputs.argmax()), set()
    for rival in range(len(outputs)):
        moves = torch.randn(starts, *point.shape, generator=generator, dtype=torch.float64) * radius
        moves[0] = 0
        for step in range(steps):
            moves = onto(moves, radius, point, box).requires_grad_()
            values = model(point + moves)
            found |= set(values.argmax(1).tolist())
            (uphill,) = torch.autograd.grad((values[:, rival] - values[:, prediction]).sum(), moves)
            length = uphill.flatten(1).norm(dim=1).clamp_min(1e-12).reshape(-1, *[1] * point.ndim)
            moves = (moves + radius * (0.5 - 0.4 * step / steps) * uphill / length).detach()
        found |= set(model(point + onto(moves, radius, point, box)).argmax(1).tolist())
    return found


def onto(moves: Tensor, radius: float, point: Tensor, box: tuple[float, float] | None) -> Tensor:
    """The moves pulled into the box, then back into the ball (towards a centre that lies in the box)."""
    if box is not None:
        moves = (point + moves).clamp(*box) - point
    length = moves.flatten(1).norm(dim=1).clamp_min(1e-300).reshape(-1, *[1] * point.ndim)
    pulled: Tensor = moves * (radius / length).clamp_max(1.0)
    return pulled.detach()


def test_the_radius_of_a_linear_model_is_exact() -> None:
    torch.manual_seed(0)
    for _ in range(10):
        layer = nn.Linear(6, 4).double()
        point = torch.randn(6, dtype=torch.float64)
        weight, outputs = layer.weight.detach(), layer(point).detach()
        best = int(outputs.argmax())
        exact, rival = min(
            (float((outputs[best] - outputs[other]) / (weight[best] - weight[other]).norm()), other)
            for other in range(4)
            if other != best
        )
        found = certified_radius(layer, point)
        assert (found.prediction, found.rival) == (best, rival)
        assert exact * (1 - 1e-9) <= found.radius.value <= exact
        across = (weight[rival] - weight[best]) / (weight[rival] - weight[best]).norm()
        assert int(layer(point + found.radius.value * across).argmax()) in (best, rival)
        assert int(layer(point + found.radius.value * (1 + 1e-6) * across).argmax()) == rival, "a larger radius would be false"


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_no_attack_inside_the_radius_changes_the_class(activation: nn.Module) -> None:
    model = network(activation, 1)
    points = torch.randn(5, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    reached = 0
    for point in points:
        found = certified_radius(model, point, steps=20)
        assert found.radius.value > 0
        assert attacked(model, point, found.radius.value) == {found.prediction}
        reached += len(attacked(model, point, 12 * found.radius.value)) > 1
    assert reached >= 4, "negative control: the attack finds other classes where there are some"


def test_a_convolutional_network_with_a_normalisation() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)).double().eval()
    normalisation = model[1]
    with torch.no_grad():
        normalisation.running_var.fill_(0.05)  # type: ignore[operator]
    point = torch.randn(1, 5, 5, dtype=torch.float64)
    found = certified_radius(model, point)
    assert found.radius.value > 0 and attacked(model, point, found.radius.value) == {found.prediction}
    assert len(attacked(model, point, 20 * found.radius.value)) > 1
    equal = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double().eval()
    with torch.no_grad():
        equal[0].weight.fill_(0.3)  # type: ignore[operator]
        equal[0].bias.copy_(torch.tensor([1.0, 0.0]))  # type: ignore[operator]
    with pytest.raises(UnknownModule, match="folded"):  # weights that are equal as rounded may differ in truth
        certified_radius(equal, torch.ones(2))


def test_in_a_box_the_radius_is_no_smaller_and_holds() -> None:
    model, box = network(nn.Tanh(), 4, 3.0), (-0.3, 0.3)
    larger = 0
    for point in 0.6 * torch.rand(4, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64) - 0.3:
        everywhere = certified_radius(model, point, steps=20)
        inside = certified_radius(model, point, box=(torch.tensor(box[0]).double(), torch.tensor(box[1]).double()), steps=20)
        assert inside.domain == "inputs in the box" and inside.prediction == everywhere.prediction
        assert attacked(model, point, inside.radius.value, box=box) == {inside.prediction}
        larger += inside.radius.value > everywhere.radius.value
    assert larger >= 3


def test_descent_makes_a_radius_larger() -> None:
    model, point = network(nn.ReLU(), 6), torch.ones(5, dtype=torch.float64)
    closed, improved = certified_radius(model, point, steps=0), certified_radius(model, point, steps=60)
    assert 0 < closed.radius.value < improved.radius.value


def test_a_tie_has_no_radius_and_what_ignores_its_input_has_all() -> None:
    layer = nn.Linear(2, 3, bias=False)
    nn.init.ones_(layer.weight)
    assert certified_radius(layer, torch.ones(2)).radius.value == 0
    constant = nn.Linear(2, 2)
    with torch.no_grad():
        constant.weight.zero_()
        constant.bias.copy_(torch.tensor([1.0, 0.0]))
    assert certified_radius(constant, torch.ones(2)).radius.value > 1e300


def test_bad_questions_get_one_line() -> None:
    model = network(nn.ReLU(), 0)
    zero, one = torch.zeros(5), torch.ones(5)
    for point in (torch.ones(4), torch.ones(2, 5)):
        with pytest.raises(ValueError, match="one input"):
            certified_radius(model, point)
    with pytest.raises(NotALinearMap, match="not finite"):
        certified_radius(model, torch.full((5,), math.nan))
    with pytest.raises(ValueError, match="outside"):
        certified_radius(model, one * 2, box=(zero, one))
    with pytest.raises(ValueError, match="one output"):
        certified_radius(nn.Linear(5, 1), one)
    with pytest.raises(UnknownModule, match="Softmax"):
        certified_radius(nn.Sequential(nn.Linear(5, 3), nn.Softmax(-1)), one)

    class Doubled(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    with pytest.raises(UnknownModule, match="redefines forward"):
        certified_radius(nn.Sequential(Doubled(5, 3)), one)
