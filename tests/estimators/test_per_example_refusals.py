"""Data, models and losses for which single examples have no gradient, or not one that can be found: refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from curvature_models import case, classes, network, numbers
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import (
    OperatorRefused,
    knowledge_density,
    per_example_gradients,
    per_example_gram,
    per_example_norms,
    per_example_projections,
)

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()
FUNCTIONS: list[Callable[..., Any]] = [
    per_example_norms,
    per_example_gram,
    lambda *parts, **options: per_example_gradients(*parts, **options).matrix(),
    lambda *parts, **options: per_example_projections(*parts, 2, **options),
    lambda *parts, **options: knowledge_density(*parts, failure_probability=0.1, **options),
]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=["norms", "gram", "gradients", "projections", "density"])


class Wrapped(nn.Module):
    """A network whose hidden layer goes through a function."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.change = nn.Linear(3, 4), nn.Linear(4, 3), change

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.change(self.first(x))))


class Shaped(nn.Module):
    """A network that takes another way on other sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.other = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return self.inner(self.other(x)).mean(1) + self.inner(x[:, 0])
        return self.inner(x)


def network_with(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), *layers, nn.Tanh(), nn.Linear(4, 3))


def poisoned() -> nn.Module:
    made = network()
    with torch.no_grad():
        made[0].bias[1] = torch.inf
    return made


def frozen() -> nn.Module:
    made = network()
    made[0].weight.requires_grad_(False)
    return made


MODELS: list[tuple[Callable[[], nn.Module], str]] = [
    (poisoned, "the parameter '0.bias' has 1 entries that are not finite"),
    (frozen, r"the parameter '0.weight' is frozen .*: pass parameters="),
    (lambda: network_with(nn.Dropout(0.2)), r"the layer '1' \(Dropout\) is random in train mode.*: call model.eval\(\) first"),
    (lambda: network_with(nn.BatchNorm1d(4)), r"the layer '1' \(BatchNorm1d\) is in train mode: .*: call model.eval\(\) first"),
    (
        lambda: network_with(nn.BatchNorm1d(4, track_running_stats=False)).eval(),
        "the layer '1' normalises by the statistics of the batch",
    ),
    (lambda: Wrapped(lambda h: h - h.mean(0)), "the output of an example changes with the other examples of its batch"),
    (lambda: Wrapped(lambda h: F.dropout(h, 0.3)), "draws random numbers"),
    (lambda: nn.Sequential(network(), nn.Flatten(0)), "the outputs change in shape|no row for each of"),
    (lambda: Wrapped(lambda h: h + (h * 0).sqrt()), "a gradient in the parameter 'first.weight' in batch 0 is not finite"),
]


@every_function
@pytest.mark.parametrize(("made", "message"), MODELS)
def test_wrong_models(function: Callable[..., Any], made: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        function(made().double(), LOSS, (ROWS, LABELS))


DATA: list[tuple[Callable[[], Any], str]] = [
    (list, "the loader is empty"),
    (lambda: (ROWS[:0], LABELS[:0]), "no example"),
    (lambda: [(ROWS, LABELS), (ROWS * torch.nan, LABELS)], "the inputs of batch 1 have 18 entries that are not finite"),
    (lambda: (ROWS, LABELS[:4]), r"the inputs of batch 0 hold a tensor of shape \(6, 3\), and there are 4 examples"),
    (lambda: [(ROWS, LABELS), (ROWS, torch.full_like(LABELS, -100))], "all targets of a batch are ignored"),
    (lambda: [ROWS, ROWS, ROWS], "batch 0 is no pair"),
]


@every_function
@pytest.mark.parametrize(("data", "message"), DATA)
def test_wrong_data(function: Callable[..., Any], data: Callable[[], Any], message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        function(network().double(), LOSS, data())


@every_function
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.CrossEntropyLoss(reduction="sum"), "reduced by 'sum'"),
        (
            lambda f, y: F.cross_entropy(f, y, reduction="none")[:, None].expand(-1, 2),
            "the loss of one example is a tensor of shape",
        ),
        (lambda f, y: (f @ f.T).logsumexp(1).mean(), "no weighted mean of one term for each example"),
        (lambda f, y: (f - f).sqrt().mean(), "the loss of example 0 of batch 0 has a derivative that is not finite"),
    ],
)
def test_wrong_losses(function: Callable[..., Any], loss: Any, message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        function(network().double(), loss, (ROWS, LABELS))


def test_outputs_cut_off_from_the_parameters() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x).detach()

    with pytest.raises(OperatorRefused, match="does not depend on the parameters"):
        per_example_norms(Cut().double(), LOSS, (ROWS, LABELS))
    part = per_example_norms(Wrapped(Tensor.detach).double(), LOSS, (ROWS, LABELS), by_parameter=True)
    assert float(part["first.weight"].abs().max()) == 0.0 < float(part["last.weight"].min())


def test_a_batch_that_goes_another_way() -> None:
    targets = numbers(6, 3, seed=5)
    with pytest.raises(OperatorRefused, match="the layers are called otherwise in batch 1 than in the first one"):
        per_example_norms(Shaped().double(), nn.MSELoss(), [(ROWS, targets), (numbers(6, 2, 3), targets)])


def test_a_loader_that_shuffles() -> None:
    data = torch.utils.data.TensorDataset(numbers(40, 3), classes(3, 40))
    loader = torch.utils.data.DataLoader(data, batch_size=5, shuffle=True)
    with pytest.raises(OperatorRefused, match="pass a loader that does not shuffle"):
        per_example_norms(network().double(), LOSS, loader)


def test_inputs_that_are_overwritten() -> None:
    class Overwriting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x.clone()
            y = self.inner(x)
            x.mul_(2.0)
            return y + x

    made = Overwriting().double()
    with pytest.raises(OperatorRefused, match="the input of the layer 'inner' is overwritten after the layer has used it"):
        per_example_norms(made, LOSS, (ROWS, LABELS))


def test_the_loss_of_a_token_has_to_be_known() -> None:
    made = case("transformer flattened")
    with pytest.raises(OperatorRefused, match="only a cross-entropy of class indices says what the loss of one token is"):
        per_example_norms(made.model, made.loss, made.data, unit="token")
    with pytest.raises(ValueError, match="'word' is not a valid Unit"):
        per_example_norms(made.model, made.loss, made.data, unit="word")


def test_squares_that_overflow_are_refused_and_sums_in_float64_are_not() -> None:
    model = nn.Linear(3, 1)
    data = (ROWS.float() * 1e15, torch.zeros(6, 1))
    with pytest.raises(OperatorRefused, match=r"parameter 'weight' .*its square overflows.*accumulate=torch.float64"):
        per_example_norms(model, nn.MSELoss(), data)
    assert float(per_example_norms(model, nn.MSELoss(), data, accumulate=torch.float64).max()) > 1e25
