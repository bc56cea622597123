"""What the probes at construction have to see: chance, terms beside the model, kinks; and what they must not stumble over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from curvature_cases import central_hessian
from curvature_models import classes, network, numbers
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import EmpiricalFisher, Fisher, GaussNewton, Hessian, OperatorRefused

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()
KINDS = [Hessian, GaussNewton, Fisher, EmpiricalFisher]


def reference(model: nn.Module, loss: Callable[[Any, Any], Tensor], data: tuple[Tensor, Tensor]) -> Tensor:
    """The Hessian by central differences of first derivatives."""
    point = {name: p.detach() for name, p in model.named_parameters()}
    return central_hessian(lambda p: loss(torch.func.functional_call(model, p, (data[0],)), data[1]), point)


def close(found: Tensor, expected: Tensor) -> bool:
    return float(torch.dist(found, expected)) <= 1e-8 * float(torch.linalg.norm(expected))


class Around(nn.Module):
    """A network inside a function."""

    def __init__(self, run: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.run = network(), run

    def forward(self, x: Tensor) -> Any:
        return self.run(self.inner, x)


@dataclass
class Named:
    """Outputs in a class that is no tuple and no mapping."""

    logits: Tensor


def test_chance_is_seen_in_outputs_of_any_class() -> None:
    made = Around(lambda inner, x: Named(inner(F.dropout(x, 0.5)))).double()

    def loss(outputs: Named, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.logits, targets)

    with pytest.raises(OperatorRefused, match="draws random numbers"):
        Hessian(made, loss, (ROWS, LABELS))
    plain = Around(lambda inner, x: Named(inner(x))).double()
    assert torch.equal(Hessian(plain, loss, (ROWS, LABELS)).dense(), Hessian(plain.inner, LOSS, (ROWS, LABELS)).dense())


@pytest.mark.parametrize("kind", KINDS)
def test_chance_that_seldom_shows_is_seen(kind: type[Hessian]) -> None:
    """A layer that is dropped once in a million passes: two passes agree, and the generator has moved."""
    made = Around(lambda inner, x: inner(x) if float(torch.rand(())) > 1e-6 else 0 * inner(x)).double()
    with pytest.raises(OperatorRefused, match="draws random numbers"):
        kind(made, LOSS, (ROWS, LABELS))
    for harmless in (nn.Dropout(0.0), nn.RReLU().eval()):
        kind(nn.Sequential(nn.Linear(3, 4), harmless, nn.Linear(4, 3)).double(), LOSS, (ROWS, LABELS))


def test_chance_in_the_loss_is_seen() -> None:
    with pytest.raises(OperatorRefused, match="draws random numbers"):
        Hessian(network().double(), lambda f, y: F.cross_entropy(F.dropout(f, 0.5), y), (ROWS, LABELS))


def test_outputs_whose_shape_changes_between_calls_are_refused_in_one_line() -> None:
    class Growing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.seen = network(), 0

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            self.seen += 1
            return (self.inner(x),) * self.seen if self.several else (self.inner(x), self.inner(x)[:, : self.seen % 3])

    for several in (True, False):
        made = Growing().double()
        made.several = several
        with pytest.raises(OperatorRefused, match="two forward passes on the same data differ"):
            Hessian(made, lambda f, y: F.cross_entropy(f[0], y), (ROWS, LABELS))


@pytest.mark.parametrize("kind", KINDS)
def test_a_penalty_in_the_loss_is_refused_and_not_forgotten(kind: type[Hessian]) -> None:
    """The loss sees the tensors of the model, and the operator differentiates others in their place."""
    made = network().double()

    def penalised(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets) + 0.5 * sum(p.square().sum() for p in made.parameters())

    with pytest.raises(OperatorRefused, match=r"the parameter '.*' acts on the loss beside .*damped"):
        kind(made, penalised, (ROWS, LABELS))
    expected = Hessian(made, LOSS, (ROWS, LABELS)).damped(1.0).dense()
    assert close(expected, central_hessian(lambda p: penalised_at(made, p), {n: p.detach() for n, p in made.named_parameters()}))
    chosen = Hessian(made, lambda f, y: F.cross_entropy(f, y) + made[3].bias.square().sum(), (ROWS, LABELS), parameters="0.*")
    assert close(chosen.dense(), Hessian(made, LOSS, (ROWS, LABELS), parameters="0.*").dense())


def penalised_at(made: nn.Module, point: dict[str, Tensor]) -> Tensor:
    outputs = torch.func.functional_call(made, point, (ROWS,))
    return F.cross_entropy(outputs, LABELS) + 0.5 * sum(p.square().sum() for p in point.values())


def test_a_function_that_uses_the_tensors_themselves_is_refused() -> None:
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with pytest.raises(OperatorRefused, match="the parameter 'x' acts on the loss beside"):
        Hessian.of_function(lambda p: (p["x"] ** 2).sum() + (x**3).sum(), {"x": x})


def test_a_model_that_takes_whole_batches_only_is_measured_on_one() -> None:
    def packed(inner: nn.Module, x: Tensor) -> Tensor:
        if len(x) != 6:
            raise RuntimeError("six rows are what this takes")
        return inner(x)

    for made in (Around(packed), Around(lambda inner, x: packed(inner, x.reshape(6, -1)))):
        made = made.double()
        for kind in KINDS:
            operator = kind(made, LOSS, (ROWS, LABELS))
            assert close(operator.dense(), kind(made.inner, LOSS, (ROWS, LABELS)).dense())
            assert operator.probes.difference is not None and operator.probes.difference < 1e-6


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_module_is_refused_in_one_line_and_a_scripted_part_is_right() -> None:
    made = nn.Sequential(nn.Linear(3, 3), torch.jit.script(network()), nn.Linear(3, 3)).double()
    for kind in KINDS:
        with pytest.raises(OperatorRefused, match=r"torch\.jit: pass the module that it was made from"):
            kind(made[1], LOSS, (ROWS, LABELS))
    assert close(Hessian(made, LOSS, (ROWS, LABELS)).dense(), reference(made, LOSS, (ROWS, LABELS)))


ACTIVATIONS = [nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.SiLU(), nn.Softplus(), nn.LayerNorm(4)]


@pytest.mark.parametrize("middle", ACTIVATIONS, ids=lambda layer: type(layer).__name__)
def test_a_model_that_differentiates_itself_is_differentiated_rightly(middle: nn.Module) -> None:
    """Forces of an energy: the Hessian takes third derivatives of the layers."""

    class Forces(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.energy = nn.Sequential(nn.Linear(3, 4), middle, nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 1))

        def forward(self, x: Tensor) -> Tensor:
            with torch.enable_grad():
                place = x.detach().requires_grad_()
                return torch.autograd.grad(self.energy(place).sum(), place, create_graph=True)[0]

    made, data = Forces().double(), (ROWS, numbers(6, 3, seed=8))
    assert close(Hessian(made, F.mse_loss, data).dense(), reference(made, F.mse_loss, data))
    assert GaussNewton(made, F.mse_loss, data).accuracy < 1e-12


def test_a_gradient_penalty_in_the_loss_is_differentiated_rightly() -> None:
    made = network().double()
    rows = ROWS.clone().requires_grad_()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(outputs.sum(), rows, create_graph=True, allow_unused=True)
        return F.cross_entropy(outputs, targets) + slope.square().mean()

    def at(point: dict[str, Tensor]) -> Tensor:
        return loss(torch.func.functional_call(made, point, (rows,)), LABELS)

    operator = Hessian(made, loss, (rows, LABELS))
    assert close(operator.dense(), central_hessian(at, {n: p.detach() for n, p in made.named_parameters()}))


@pytest.mark.parametrize("squash", [torch.tanh, torch.sigmoid, torch.relu])
def test_what_went_into_an_activation_may_change_afterwards(squash: Callable[[Tensor], Tensor]) -> None:
    """torch keeps what came out of these; so must the rules here."""

    def run(inner: nn.Module, x: Tensor) -> Tensor:
        hidden = inner[0](x)
        squashed = squash(hidden)
        hidden.mul_(2.0)
        return inner[3](squashed + hidden.sin())

    made = Around(run).double()
    assert close(Hessian(made, LOSS, (ROWS, LABELS)).dense(), reference(made, LOSS, (ROWS, LABELS)))


def test_a_point_on_a_kink_has_no_second_derivative() -> None:
    for function in (lambda p: p["x"].abs().sum(), lambda p: torch.relu(p["x"]).sum(), lambda p: p["x"].amax()):
        with pytest.raises(OperatorRefused, match=r"the gradient jumps at this point.*at exactly 0"):
            Hessian.of_function(function, {"x": torch.zeros(3, dtype=torch.float64)})
        Hessian.of_function(function, {"x": torch.arange(1.0, 4.0, dtype=torch.float64)})
    made = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    nn.init.zeros_(made[0].bias)
    with pytest.raises(OperatorRefused, match=r"kink"):
        GaussNewton(made, LOSS, (torch.cat([ROWS[:2], torch.zeros(1, 3).double()]), LABELS[:3]))
