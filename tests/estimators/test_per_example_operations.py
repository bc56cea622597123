"""Every operation between the parameters and the loss: gradients of single examples are those of single backward passes."""

from __future__ import annotations

import pytest
import torch
from curvature_cases import REFUSED, RIGHT, Operation
from per_example_oracle import by_hand, rows
from torch import Tensor, nn

from certify.estimators import per_example_gradients, per_example_norms

pytestmark = pytest.mark.filterwarnings("ignore:.*ComplexHalf.*")
OPERATIONS = RIGHT | REFUSED


class Applied(nn.Module):
    """The operation on its tensors, which are moved a little for each example; a linear layer comes before it."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.function, self.inner = operation.function, nn.Linear(2, 1)
        self.names = list(operation.parameters())
        for name, value in operation.parameters().items():
            self.register_parameter(f"of_{name}", nn.Parameter(value))

    def forward(self, x: Tensor) -> Tensor:
        shifts = 0.01 * torch.tanh(self.inner(x))[:, 0]
        named = {name: getattr(self, f"of_{name}") for name in self.names}
        return torch.stack([self.function({name: value * (1 + shift) for name, value in named.items()}) for shift in shifts])


def mean_square(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().mean()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(name: str) -> None:
    torch.manual_seed(5)
    model = Applied(OPERATIONS[name]).double()
    data = (torch.randn(4, 2, dtype=torch.float64), torch.randn(4, dtype=torch.float64))
    reference = rows(by_hand(model, mean_square, data))
    found = per_example_gradients(model, mean_square, data).matrix()
    torch.testing.assert_close(found, reference, rtol=1e-10, atol=1e-11 * float(reference.abs().max()))
    norms = per_example_norms(model, mean_square, data)
    torch.testing.assert_close(norms, reference.norm(dim=1), rtol=1e-10, atol=1e-13)
