"""Bounds for operators in single precision whose products are taken in float64: of the same matrix, tight, and not believed blindly."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from spectra import Multiplied, generator, outliers, rotated
from torch import Tensor, nn

from certify.estimators import EmpiricalFisher, GaussNewton, Hessian, largest_eigenvalue, smallest_eigenvalue
from certify.estimators.operators.matrix import Matrix
from certify.estimators.operators.widened import in_double
from certify.estimators.spectrum.largest import NoBound

LOSS = nn.CrossEntropyLoss()


def network(hidden: int, steps: int = 60) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """A trained float32 network with a convolution and a layer norm, and its data."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(8, hidden), nn.LayerNorm(hidden), nn.Tanh(), nn.Linear(hidden, 3)
        )
        inputs = torch.randn(60, 1, 6)
    targets = inputs[:, 0, :3].argmax(1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(steps):
        optimiser.zero_grad()
        LOSS(model(inputs), targets).backward()
        optimiser.step()
    return model, (inputs, targets)


def truth_of(kind: type, model: nn.Module, data: tuple[Tensor, Tensor]) -> Tensor:
    """All eigenvalues of the matrix at the same parameters and data, each product formed in a model of its own in float64."""
    dense = kind(copy.deepcopy(model).double(), LOSS, (data[0].double(), data[1])).dense()
    return torch.linalg.eigvalsh((dense + dense.T) / 2)


@pytest.mark.parametrize("kind", [GaussNewton, Hessian, EmpiricalFisher])
def test_single_precision_is_within_one_per_cent_at_a_failure_probability_of_a_millionth(kind: type) -> None:
    model, data = network(16)
    operator, values = kind(model, LOSS, data), truth_of(kind, model, data)
    top = float(values[-1])
    for seed in range(5):
        found = largest_eigenvalue(operator, failure_probability=1e-6, generator=generator(seed))
        assert found.lower.value <= top <= found.upper.value <= 1.01 * top
        assert found.products <= 20 and found.upper.failure_probability <= 1e-6 and found.vector.dtype == torch.float64
        low = smallest_eigenvalue(operator, failure_probability=1e-6, generator=generator(seed))
        assert low.lower.value <= float(values[0]) + 1e-9 and low.upper.value >= float(values[0]) - 1e-9
    narrow = largest_eigenvalue(operator, failure_probability=1e-6, double=False, generator=generator(0))
    assert narrow.upper.value - top > 1e3 * (
        found.upper.value - top
    )  # negative control: the float64 products are what makes it tight
    words = " ".join(str(bound.evidence) for bound in found.upper.ancestors())
    assert "stated accuracy of the products" in words


def test_composed_operators_and_dense_ones_follow() -> None:
    model, data = network(8)
    curvature, values = GaussNewton(model, LOSS, data), truth_of(GaussNewton, model, data)
    top = float(values[-1])
    for operator, expected in ((curvature.damped(0.5), top + 0.5), (2.0 * curvature, 2 * top), (curvature + curvature, 2 * top)):
        found = largest_eigenvalue(operator, failure_probability=1e-6, generator=generator(0))
        assert expected * (1 - 1e-12) <= found.upper.value <= 1.01 * expected
    matrix = rotated(outliers(300), 3).float()
    matrix = (matrix + matrix.T) / 2
    expected = float(torch.linalg.eigvalsh(matrix.double())[-1])
    for held in (matrix, Matrix(matrix), Matrix(matrix, positive_semidefinite="built so")):
        found = largest_eigenvalue(held, failure_probability=1e-6, generator=generator(0))
        assert expected * (1 - 1e-13) <= found.upper.value <= 1.0001 * expected
        assert "stated accuracy" not in " ".join(str(bound.evidence) for bound in found.upper.ancestors())  # proved, not measured


def test_it_is_the_same_matrix_and_stays_with_its_block() -> None:
    model, data = network(8)
    for operator in (
        Hessian(model, LOSS, data),
        Hessian(model, LOSS, data).block("5.*"),
        Hessian(model, LOSS, [data] * 2, retain=False),
    ):
        wide = in_double(operator)
        assert wide is not None and wide.dtype == torch.float64 and wide.shape == operator.shape and wide.accuracy < 1e-10
        vector = torch.randn(operator.shape[0], generator=generator(0))
        assert torch.allclose((wide @ vector.double()).float(), operator @ vector, atol=1e-5)
        assert operator.dtype == torch.float32 and operator.products == 1 and wide.products == 1
    assert next(model.parameters()).dtype == torch.float32


class Stubborn(nn.Module):
    """A model with a part in single precision of its own: its products in float64 are none."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.linear(x.float(), self.first.weight.float(), self.first.bias.float()).tanh()
        result: Tensor = self.second(hidden.to(self.second.weight.dtype))
        return result


def test_what_has_no_products_in_float64_is_bounded_in_its_own_precision() -> None:
    """Negative control: the accuracy in float64 is measured, so a model that rounds inside it gains nothing and loses nothing."""
    model, data = Stubborn(), (torch.randn(40, 4, generator=generator(0)), torch.randint(3, (40,), generator=generator(1)))
    operator, top = GaussNewton(model, LOSS, data), float(truth_of(GaussNewton, model, data)[-1])
    wide = in_double(operator)
    assert wide is None or wide.accuracy > 1e-10
    found = largest_eigenvalue(operator, failure_probability=1e-6, generator=generator(0))
    assert found.upper.value >= top * (1 - 1e-7)
    black_box = Multiplied(rotated(outliers(60), 4), torch.float32)
    assert in_double(black_box) is None
    assert largest_eigenvalue(black_box, failure_probability=1e-6, generator=generator(0)).upper.value >= 4.0
    with pytest.raises(ValueError, match="cannot be taken in float64"):
        largest_eigenvalue(black_box, failure_probability=1e-6, double=True)


def test_products_that_are_worse_than_they_look_are_seen_by_their_accuracy() -> None:
    """Negative control: float64 numbers that carry single-precision noise. Believed to the last digit they would be certified to the last digit."""
    matrix = rotated(outliers(100), 5)

    class Noisy(Multiplied):
        def _multiply(self, block: Tensor) -> Tensor:
            return (block @ matrix) * (1 + 1e-7 * torch.sin(1e9 * block))

    try:
        found = largest_eigenvalue(Noisy(matrix), failure_probability=1e-6, starts=1, generator=generator(0)).upper.value
    except NoBound:
        found = math.inf
    assert found > 4.0 * (1 + 1e-4)


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("kind", [GaussNewton, Hessian])
def test_coverage_over_a_thousand_starts(kind: type) -> None:
    model, data = network(4, steps=20)
    operator, top = kind(model, LOSS, data), float(truth_of(kind, model, data)[-1])
    seeds, failure, failed = 1000, 0.1, 0
    wide = in_double(operator)
    assert wide is not None
    for seed in range(seeds):
        found = largest_eigenvalue(wide, failure_probability=failure, products=4, generator=generator(seed))
        assert found.lower.value <= top * (1 + 1e-12)
        failed += found.upper.value < top
    assert failed <= seeds * failure + 5 * math.sqrt(seeds * failure)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    model, data = network(16)
    top = float(truth_of(GaussNewton, model, data)[-1])
    operator = GaussNewton(model.cuda(), LOSS, tuple(part.cuda() for part in data))
    found = largest_eigenvalue(operator, failure_probability=1e-6, generator=torch.Generator("cuda").manual_seed(0))
    assert top * (1 - 1e-9) <= found.upper.value <= 1.01 * top and found.vector.is_cuda
