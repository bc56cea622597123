"""A sketch from the gradients of groups of records: what it is in closed form and in the mean, what it saves, and what it is refused for."""

from __future__ import annotations

import functools
from typing import Any, Literal

import pytest
import torch
from sklearn.datasets import load_digits
from spectra import generator
from torch import Tensor, nn

from certify.estimators import EmpiricalFisher, GaussNewton, Hessian, OperatorRefused, influence, record_influences, solve
from certify.estimators.influences.groups import group_sketch
from certify.estimators.influences.vectors import leaving, looked_at
from certify.estimators.operators.matrix import Matrix
from certify.estimators.operators.operator import Operator
from certify.estimators.solves.low_rank import LowRank

LOSS = nn.CrossEntropyLoss()
Kind = Literal["type-2", "monte-carlo", "empirical"]


def product(sketch: LowRank) -> Tensor:
    return (sketch.vectors * sketch.values) @ sketch.vectors.T


def off(found: Tensor, operator: Operator) -> float:
    dense = operator.dense()
    return float((found - dense).norm() / dense.norm())


@functools.cache
def small() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)).double()
    return model, (torch.randn(12, 3).double(), torch.randint(3, (12,)))


@pytest.mark.parametrize("passes", [1, 3])
def test_of_one_output_and_a_group_a_record_it_is_the_matrix_itself(passes: int) -> None:
    """2 X'X/n by hand; two records a group are not it, and neither are fewer directions."""
    x = torch.randn(7, 4, generator=generator(0), dtype=torch.float64)
    model = nn.Linear(4, 1, bias=False).double()
    operator = GaussNewton(model, nn.MSELoss(), (x, torch.zeros(7, 1).double()))
    truth = 2 * x.T @ x / 7

    def error(**how: Any) -> float:
        return float(
            (product(group_sketch(operator, generator=generator(1), passes=passes, **how)) - truth).norm() / truth.norm()
        )

    assert error(groups=7, rank=7 * passes) < 1e-12 and error(groups=100, rank=100) < 1e-12
    assert error(groups=3, rank=3 * passes) > 0.05 and error(groups=7, rank=2) > 0.05
    found = group_sketch(operator, 7, passes=passes, rank=100, generator=generator(1))
    torch.testing.assert_close(found.vectors.T @ found.vectors, torch.eye(4).double(), rtol=0, atol=1e-10)
    assert found.products == passes


def test_the_empirical_one_of_a_group_a_record_is_the_empirical_fisher_matrix() -> None:
    model, data = small()
    batches = [(data[0][:5], data[1][:5]), (data[0][5:], data[1][5:])]
    operator = GaussNewton(model, LOSS, batches)
    found = product(group_sketch(operator, 12, rank=12, fisher="empirical", generator=generator(0)))
    assert off(found, EmpiricalFisher(model, LOSS, data)) < 1e-10
    assert off(found, operator) > 0.1


@pytest.mark.parametrize("kind", ["type-2", "monte-carlo"])
@pytest.mark.parametrize("part", ["whole", "block", "weighted loader"])
@pytest.mark.slow
def test_it_is_right_in_the_mean(kind: Kind, part: str) -> None:
    """The mean of 120 sketches comes near the dense matrix, and half as much again does not."""
    model, (x, y) = small()
    loss = LOSS
    data: Any = (x, y)
    if part == "weighted loader":
        data = [(x[:2], y[:2]), (x[2:], y[2:])]
        if kind == "type-2":
            loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0, 0.3]).double())
    operator: Any = GaussNewton(model, loss, data)
    if part == "block":
        operator = operator.block("2.*")
    drawn = generator(5)
    mean = sum(
        (product(group_sketch(operator, 6, passes=2, rank=12, fisher=kind, generator=drawn)) for _ in range(120)), torch.zeros(())
    )
    assert off(mean / 120, operator) < 0.2 < 0.3 < min(off(1.5 * mean / 120, operator), off(mean / 120, 1.5 * operator))


@functools.cache
def digits() -> tuple[nn.Module, GaussNewton, tuple[Tensor, Tensor], float]:
    """A network trained on digits, its curvature, test data, and a hundredth of the largest eigenvalue."""
    torch.manual_seed(0)
    pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
    x = pixels.double().reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)[:600] / 16
    y = labels.long()[:600]
    model = nn.Sequential(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 10)).double()
    steps = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        steps.zero_grad()
        LOSS(model(x[:500]), y[:500]).backward()
        steps.step()
    curvature = GaussNewton(model, LOSS, (x[:500], y[:500]))
    top = float(torch.linalg.eigvalsh(curvature.dense())[-1])
    return model, curvature, (x[500:], y[500:]), top


def test_it_saves_products_its_own_passes_counted() -> None:
    """And one whose directions are shuffled saves nothing; intervals hold with both."""
    _, curvature, test, top = digits()
    damping = 1e-3 * top
    sketch = group_sketch(curvature, 250, passes=2, generator=generator(0))
    shuffled = LowRank(sketch.vectors[torch.randperm(len(sketch.vectors), generator=generator(1))], sketch.values, 0)
    dense = curvature.dense() + damping * torch.eye(curvature.shape[0], dtype=torch.float64)
    truth = float(looked_at(curvature, test) @ torch.linalg.solve(dense, leaving(curvature, [4, 9])))
    spent = {}
    for name, helper in (("plain", None), ("sketch", sketch), ("shuffled", shuffled)):
        found = influence(curvature, of=[4, 9], on=test, damping=damping, relative_width=1e-3, preconditioner=helper)
        assert found.lower is not None and found.upper is not None and found.relative_width <= 1e-3
        assert found.lower.value <= truth <= found.upper.value
        spent[name] = found.products
    assert spent["sketch"] + sketch.products < 0.6 * spent["plain"] < 0.6 * spent["shuffled"]


def test_it_steers_the_solve_for_all_records() -> None:
    _, curvature, test, top = digits()
    damping = 1e-3 * top
    sketch = group_sketch(curvature, 250, passes=2, generator=generator(0))
    dense = curvature.dense() + damping * torch.eye(curvature.shape[0], dtype=torch.float64)
    solved = torch.linalg.solve(dense, looked_at(curvature, test))
    widths = []
    for helper in (None, sketch):
        found = record_influences(curvature, on=test, damping=damping, products=40, preconditioner=helper)
        assert found.lower is not None and found.upper is not None
        widths.append(float((found.upper - found.lower).median()))
        for record in (0, 17, 333):
            truth = float(leaving(curvature, record) @ solved)
            assert found.lower[record] <= truth <= found.upper[record]
    assert widths[1] < 0.05 * widths[0]
    plain = solve(curvature, torch.ones(curvature.shape[0]).double(), damping=damping, rtol=1e-6)
    helped = solve(curvature, torch.ones(curvature.shape[0]).double(), damping=damping, rtol=1e-6, preconditioner=sketch)
    assert helped.products < 0.7 * plain.products


def test_the_same_generator_gives_the_same_sketch() -> None:
    model, data = small()
    operator = GaussNewton(model, LOSS, data)
    first, same, other = (group_sketch(operator, 6, generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.values, same.values) and not torch.equal(first.values, other.values)
    assert not torch.equal(group_sketch(operator, 6).values, group_sketch(operator, 6).values)
    assert len(first.values) == 3 and len(group_sketch(operator, 1).values) == 1


@pytest.mark.parametrize("wrong", [{"groups": 0}, {"groups": 2.0}, {"groups": True}, {"groups": 3, "passes": 0}, {"groups": 3, "rank": -1},
                                   {"groups": 3, "chunk": 0}])  # fmt: skip
def test_numbers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    model, data = small()
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]} is a positive whole number"):
        group_sketch(GaussNewton(model, LOSS, data), **wrong)


def test_what_has_no_records_or_no_square_root_is_refused() -> None:
    model, data = small()
    with pytest.raises(ValueError, match=r"GaussNewton\(model, loss, data\)"):
        group_sketch(Matrix(torch.eye(3).double()), 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fisher is"):
        group_sketch(GaussNewton(model, LOSS, data), 2, fisher="exact")  # type: ignore[arg-type]
    wide = nn.Linear(3, 300).double()
    operator = GaussNewton(wide, LOSS, data)
    with pytest.raises(OperatorRefused, match="monte-carlo"):
        group_sketch(operator, 2)
    assert len(group_sketch(operator, 4, fisher="monte-carlo", generator=generator(0)).values) == 2
    changed = Hessian(model, LOSS, data)
    with torch.no_grad():
        model[0].weight.add_(1.0)  # type: ignore[index,operator]
    try:
        with pytest.raises(OperatorRefused, match="changed"):
            group_sketch(changed, 2)
    finally:
        small.cache_clear()
