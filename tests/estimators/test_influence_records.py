"""Influence of all records at once, scores that are estimates, and retraining as the oracle; on real records."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from real_data import unit_rows
from sklearn.datasets import load_breast_cancer, load_digits
from spectra import generator
from torch import Tensor, nn

from certify.bounds import Bound, Estimate
from certify.estimators import (
    GaussNewton,
    Hessian,
    Scores,
    arnoldi,
    datainf,
    influence,
    leave_out,
    rank_correlation,
    record_influences,
    tracin,
    trak,
)
from certify.estimators.influences.vectors import leaving, looked_at
from certify.estimators.operators.matrix import Matrix

L2 = 1e-2
LOSS = nn.CrossEntropyLoss()


@functools.cache
def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """200 training and 60 test records of three digits, 64 pixels reduced to their 4 by 4 means."""
    pixels, labels = load_digits(return_X_y=True)
    rows = torch.tensor(pixels[labels < 3] / 16).reshape(-1, 4, 2, 4, 2).mean(dim=(2, 4)).reshape(-1, 16)
    classes = torch.tensor(labels[labels < 3]).long()
    return (rows[:200], classes[:200]), (rows[200:260], classes[200:260])


def newton(rows: Tensor, targets: Tensor, kept: list[int], count: int) -> nn.Module:
    """The minimiser of (sum of the losses that stay)/count + (L2/2)|θ|², to rounding: independent of the curvature operators."""
    weight = torch.zeros(51, dtype=torch.float64, requires_grad=True)
    x, y = torch.cat([rows, torch.ones(len(rows), 1).double()], 1)[kept], targets[kept]

    def objective(w: Tensor) -> Tensor:
        return nn.functional.cross_entropy(x @ w.reshape(3, 17).T, y, reduction="sum") / count + L2 / 2 * w @ w

    for _ in range(15):
        gradient = torch.autograd.grad(objective(weight), weight)[0]
        hessian = torch.autograd.functional.hessian(objective, weight)
        weight = (weight - torch.linalg.solve(hessian, gradient)).detach().requires_grad_()  # type: ignore[arg-type]
    model = nn.Linear(16, 3).double()
    with torch.no_grad():
        model.weight.copy_(weight.reshape(3, 17)[:, :16])
        model.bias.copy_(weight.reshape(3, 17)[:, 16])
    return model


@functools.cache
def trained() -> tuple[nn.Module, GaussNewton]:
    (x, y), _ = digits()
    model = newton(x, y, list(range(200)), 200)
    return model, GaussNewton(model, LOSS, (x, y))


@functools.cache
def exact() -> Tensor:
    """The dense first-order influence of every record on the test loss."""
    _, curvature = trained()
    dense = curvature.dense() + L2 * torch.eye(51, dtype=torch.float64)
    y = torch.linalg.solve(dense, looked_at(curvature, digits()[1]))
    return torch.stack([leaving(curvature, n) @ y for n in range(200)])


def test_intervals_of_all_records_contain_the_dense_values() -> None:
    _, curvature = trained()
    test = digits()[1]
    widths = []
    for rtol in (1e-1, 1e-3, 1e-10):
        found = record_influences(curvature, on=test, damping=L2, rtol=rtol)
        assert found.lower is not None and found.upper is not None
        slack = 1e-14 * exact().abs().max()
        assert bool((found.lower - slack <= exact()).all()) and bool((exact() <= found.upper + slack).all())
        widths.append(float((found.upper - found.lower).max()))
        lower, upper = found.bound(17)
        assert isinstance(lower, Bound) and lower.value - slack <= float(exact()[17]) <= upper.value + slack
        assert lower.value == pytest.approx(float(found.lower[17])) and upper.value == pytest.approx(float(found.upper[17]))
        assert found.lower[17] <= lower.value and upper.value <= found.upper[17]
    assert widths[2] < 1e-6 * widths[0] and found.order()[0] == exact().argmax()
    one = influence(curvature, of=17, on=test, damping=L2, relative_width=1e-6)
    assert (
        one.lower is not None
        and one.upper is not None
        and one.lower.value <= found.upper[17]
        and found.lower[17] <= one.upper.value
    )


def test_weighted_losses_blocks_and_loaders_of_records() -> None:
    (x, y), test = digits()
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0, 0.2]).double())
    model = trained()[0]
    curvature = GaussNewton(model, loss, [(x[:30], y[:30]), (x[30:70], y[30:70])])
    for operator in (curvature, curvature.block("weight")):
        dense = operator.dense() + 0.1 * torch.eye(operator.shape[0], dtype=torch.float64)
        solved = torch.linalg.solve(dense, looked_at(operator, test))
        truth = torch.stack([leaving(operator, n) @ solved for n in range(70)])
        found = record_influences(operator, on=test, damping=0.1, rtol=1e-12)  # type: ignore[arg-type]
        torch.testing.assert_close(found.estimate, truth, rtol=1e-9, atol=1e-14)


def test_class_weights_that_sum_to_the_number_of_records_are_still_weights() -> None:
    """One weight for every record was taken where the sum of the weights happened to be their number."""
    x, y = torch.randn(8, 3, generator=generator(1), dtype=torch.float64), torch.tensor([0, 1] * 4)
    loss = nn.CrossEntropyLoss(weight=torch.tensor([0.5, 1.5]).double())
    curvature = GaussNewton(nn.Linear(3, 2).double(), loss, (x, y))
    dense, u = curvature.dense() + 0.1 * torch.eye(8, dtype=torch.float64), torch.ones(8, dtype=torch.float64)
    truth = torch.stack([leaving(curvature, n) @ torch.linalg.solve(dense, u) for n in range(8)])
    found = record_influences(curvature, on=u, damping=0.1, rtol=1e-12)
    torch.testing.assert_close(found.estimate, truth, rtol=1e-9, atol=1e-14)
    assert found.lower is not None and found.upper is not None
    assert bool((found.lower - 1e-14 <= truth).all()) and bool((truth <= found.upper + 1e-14).all())


def test_a_hessian_without_a_known_edge_gives_estimates_alone() -> None:
    (x, y), test = digits()
    found = record_influences(Hessian(trained()[0], LOSS, (x, y)), on=test, damping=L2, rtol=1e-8)
    assert found.lower is None and found.upper is None and "no lower bound" in found.no_interval
    torch.testing.assert_close(found.estimate, exact(), rtol=1e-5, atol=1e-9)
    with pytest.raises(ValueError, match="there is no interval"):
        found.bound(0)
    with pytest.raises(ValueError, match="data of a curvature operator"):
        record_influences(Matrix(torch.eye(3)), on=torch.ones(3), rtol=0.1)  # type: ignore[arg-type]


# ---------------------------------------------------------------- scores


@functools.cache
def scores() -> dict[str, Scores]:
    (x, y), test = digits()
    model, curvature = trained()
    return {
        "TracIn": tracin([(model, 1.0)], LOSS, (x, y), test),
        "DataInf": datainf(curvature, on=test, damping=L2),
        "Arnoldi": arnoldi(curvature, on=test, rank=20, damping=L2, steps=45, generator=generator(1)),
        "TRAK": trak([model] * 5, LOSS, (x, y), test, dimension=40, damping=1e-3, generator=generator(2)),
    }


@pytest.mark.parametrize(("name", "least"), [("TracIn", 0.45), ("DataInf", 0.45), ("Arnoldi", 0.9), ("TRAK", 0.5)])
def test_scores_go_with_exact_influence_and_shuffled_ones_with_nothing(name: str, least: float) -> None:
    found = scores()[name]
    assert isinstance(found[3], Estimate) and not isinstance(found[3], Bound) and len(found) == 200
    assert rank_correlation(found, exact()).value > least
    shuffled = [
        rank_correlation(found.values[torch.randperm(200, generator=generator(seed))], exact()).value for seed in range(20)
    ]
    assert max(map(abs, shuffled)) < 4 / math.sqrt(199)


def test_tracin_is_the_sum_of_its_checkpoints() -> None:
    (x, y), test = digits()
    other = newton(x, y, list(range(100)), 200)
    model = trained()[0]
    both = tracin([(model, 0.5), (other, 2.0)], LOSS, (x, y), test).values
    single = 0.5 * tracin([(model, 1.0)], LOSS, (x, y), test).values + 2.0 * tracin([(other, 1.0)], LOSS, (x, y), test).values
    torch.testing.assert_close(both, single)
    with pytest.raises(ValueError, match="at least one checkpoint"):
        tracin([], LOSS, (x, y), test)


def test_datainf_is_the_mean_of_inverses() -> None:
    test = digits()[1]
    _, curvature = trained()
    gradients = torch.stack([200 * leaving(curvature, n) for n in range(200)])
    u, total = looked_at(curvature, test), torch.zeros(200, dtype=torch.float64)
    for part, damping in ((slice(0, 48), None), (slice(48, 51), None), (slice(0, 48), 0.3), (slice(48, 51), 0.3)):
        g = gradients[:, part]
        value = float(g.square().mean()) / 10 if damping is None else damping
        inverses = torch.stack([torch.linalg.inv(value * torch.eye(g.shape[1]).double() + torch.outer(row, row)) for row in g])
        total += (g @ inverses.mean(0) @ u[part]) / 200 * (1 if damping is None else 0)
        if damping and part.start == 48:
            whole = datainf(curvature.block("bias"), on=u[part], damping=damping, chunk=7).values  # type: ignore[arg-type]
            torch.testing.assert_close(whole, (g @ inverses.mean(0) @ u[part]) / 200)
    torch.testing.assert_close(datainf(curvature, on=u, damping=None).values, total)
    with pytest.raises(ValueError, match="must be positive"):
        datainf(curvature, on=u, damping=0.0)


def test_arnoldi_with_all_directions_is_exact_and_with_few_is_not() -> None:
    _, curvature = trained()
    everything = arnoldi(curvature, on=digits()[1], rank=51, damping=L2, steps=51, generator=generator(3)).values
    torch.testing.assert_close(everything, exact(), rtol=1e-2, atol=1e-2 * float(exact().abs().max()))
    few = arnoldi(curvature, on=digits()[1], rank=2, damping=L2, generator=generator(3)).values
    assert float((few - exact()).norm() / exact().norm()) > 0.3


def test_trak_is_ridge_regression_on_features_of_all_directions() -> None:
    """With very many directions it is the influence with the empirical Fisher matrix."""
    (x, y), test = digits()
    model, curvature = trained()
    gradients = torch.stack([200 * leaving(curvature, n) for n in range(200)])
    fisher = gradients.T @ gradients / 200 + 0.1 * torch.eye(51, dtype=torch.float64)
    truth = gradients @ torch.linalg.solve(fisher, looked_at(curvature, test)) / 200
    found = trak([model], LOSS, (x, y), test, dimension=3000, damping=0.1, generator=generator(4)).values
    assert float((found - truth).norm() / truth.norm()) < 0.2
    few = trak([model], LOSS, (x, y), test, dimension=10, damping=0.1, generator=generator(4)).values
    assert float((few - truth).norm() / truth.norm()) > 0.3


def test_scores_that_are_not_finite_have_no_rank() -> None:
    with pytest.raises(ValueError, match="not finite"):
        rank_correlation(torch.tensor([1.0, math.nan]), torch.tensor([1.0, 2.0]))


def test_ranks_of_ties() -> None:
    left, right = torch.tensor([1.0, 1.0, 2.0, 3.0]), torch.tensor([4.0, 3.0, 2.0, 1.0])
    from scipy.stats import spearmanr

    assert rank_correlation(left, right).value == pytest.approx(spearmanr(left, right).statistic)
    assert rank_correlation(left, torch.ones(4)).value == 0.0
    with pytest.raises(ValueError, match="two lists of one length"):
        rank_correlation(left, right[:2])


# ---------------------------------------------------------------- retraining


def test_first_order_is_near_retraining_for_single_records_and_worse_for_groups() -> None:
    (x, y), (tx, ty) = digits()
    _, curvature = trained()

    def look(model: nn.Module) -> float:
        return float(LOSS(model(tx), ty).detach())

    strongest = exact().abs().argsort(descending=True)[:6].tolist()
    errors = []
    for groups in ([[n] for n in strongest], [torch.arange(k, 200, 4).tolist() for k in range(4)]):
        predicted = [
            influence(curvature, of=group, on=(tx, ty), damping=L2, relative_width=1e-6).estimate.value for group in groups
        ]
        found = leave_out(lambda kept: newton(x, y, kept, 200), look, groups, 200, predicted)
        errors.append(found.relative_error().value)
        assert len(found.pairs()) == len(groups)
    assert errors[0] < 0.15 and errors[0] < errors[1] < 1
    wrong = leave_out(lambda kept: newton(x, y, kept, 200), look, groups, 200, predicted[1:] + predicted[:1])
    assert wrong.relative_error().value > errors[1]


def test_on_a_quadratic_the_downdated_curvature_gives_retraining_exactly() -> None:
    """Squared loss, linear model: with the curvature of the records that stay the interval holds what retraining does; with all of them it does not."""
    features, labels = load_breast_cancer(return_X_y=True)
    x, y = torch.tensor(unit_rows(features / features.max(0)))[:150], torch.tensor(labels).double()[:150, None]
    group = list(range(0, 150, 5))
    kept = [n for n in range(150) if n not in group]

    def ridge(rows: list[int]) -> Tensor:
        gram = 2 * x[rows].T @ x[rows] / 150 + L2 * torch.eye(30, dtype=torch.float64)
        return torch.linalg.solve(gram, 2 * x[rows].T @ y[rows, 0] / 150)

    model = nn.Linear(30, 1, bias=False).double()
    before, after = ridge(list(range(150))), ridge(kept)
    with torch.no_grad():
        model.weight.copy_(before[None])
    u = x[3] - x[60]
    change = float(u @ (after - before))
    whole = GaussNewton(model, nn.MSELoss(), (x, y))
    v = leaving(whole, group)
    rest = (len(kept) / 150) * GaussNewton(model, nn.MSELoss(), (x[kept], y[kept]))
    found = influence(rest, of=v, on=u, damping=L2, relative_width=1e-8)
    assert found.lower is not None and found.upper is not None
    assert found.lower.value - 1e-12 <= change <= found.upper.value + 1e-12
    first = influence(whole, of=v, on=u, damping=L2, relative_width=1e-8)
    assert first.lower is not None and first.upper is not None and not first.lower.value <= change <= first.upper.value


def test_leave_out_refuses_groups_that_are_none() -> None:
    for groups, predicted in (([[]], [1.0]), ([[3]], [1.0]), ([[1, 1]], [1.0]), ([[1]], [])):
        with pytest.raises(ValueError):
            leave_out(lambda kept: kept, len, groups, 3, predicted)
