"""Edges of Hessians in the parameters of a network: no eigenvalue anywhere in the ball lies outside, found by search or not."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from torch import Tensor, nn

from certify.bounds import UnknownModule, hessian_edges, stationary_point
from certify.bounds.networks.intervals import Interval
from certify.bounds.parameters.derivatives import Smooth
from certify.bounds.spectral.ladder import batched_norms
from certify.bounds.spectral.symmetric import least_eigenvalue

SMOOTH = [nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.GELU(), nn.SiLU()]
LOSS = nn.CrossEntropyLoss()


class Problem:
    """A small network with its data, and its Hessian as a function of the flat parameters."""

    def __init__(self, activation: nn.Module, seed: int, gain: float = 1.0) -> None:
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(4, 3), activation, nn.Linear(3, 3)).double()
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.mul_(gain)
        self.inputs, self.targets = torch.randn(25, 4, dtype=torch.float64), torch.randint(3, (25,))
        self.data = (self.inputs, self.targets)
        self.shapes = {name: parameter.shape for name, parameter in self.model.named_parameters()}
        self.flat = torch.cat([parameter.detach().flatten() for parameter in self.model.parameters()])

    def loss(self, flat: Tensor) -> Tensor:
        parts = torch.split(flat, [shape.numel() for shape in self.shapes.values()])
        named = {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(self.model, named, (self.inputs,)), self.targets)

    def hessian(self, flat: Tensor) -> Tensor:
        return torch.func.hessian(self.loss)(flat)

    def extremes(self, flat: Tensor) -> tuple[float, float]:
        values = torch.linalg.eigvalsh(self.hessian(flat))
        return float(values[0]), float(values[-1])

    def worst(self, radius: float, sign: float, seed: int) -> float:
        """The least (sign 1) or greatest (sign -1) eigenvalue that ascent over the ball finds, signed."""
        generator = torch.Generator().manual_seed(seed)
        move = torch.randn(len(self.flat), generator=generator, dtype=torch.float64)
        best = math.inf
        for _ in range(6):
            move = (move / move.norm() * radius).requires_grad_()
            values = torch.linalg.eigvalsh(sign * self.hessian(self.flat + move))
            best = min(best, float(values[0].detach()))
            (slope,) = torch.autograd.grad(values[0], move)
            move = (move.detach() / radius - 2 * slope / slope.norm().clamp_min(1e-12)).detach()
        return best


@pytest.mark.parametrize("activation", SMOOTH, ids=repr)
@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_no_eigenvalue_at_the_parameters_is_outside_the_edges(activation: nn.Module, gain: float) -> None:
    problem = Problem(activation, 0, gain)
    low, high = problem.extremes(problem.flat)
    edges = hessian_edges(problem.model, LOSS, problem.data)
    assert edges.lower.value <= low and high <= edges.upper.value
    ridge = hessian_edges(problem.model, LOSS, problem.data, l2=0.3)
    assert ridge.lower.value == pytest.approx(edges.lower.value + 0.3) and ridge.upper.value == pytest.approx(
        edges.upper.value + 0.3
    )


@pytest.mark.parametrize("activation", SMOOTH, ids=repr)
@pytest.mark.parametrize("radius", [1e-3, 0.05, 0.3])
def test_no_eigenvalue_in_the_ball_is_outside_the_edges(activation: nn.Module, radius: float) -> None:
    problem = Problem(activation, 1, 1.5)
    edges = hessian_edges(problem.model, LOSS, problem.data, radius=radius)
    for seed in range(2):
        assert edges.lower.value <= problem.worst(radius, 1.0, seed)
        assert -problem.worst(radius, -1.0, seed) <= edges.upper.value


def test_the_edges_at_the_centre_do_not_hold_in_the_ball() -> None:
    """Negative control: without what the ball adds, points in it have eigenvalues outside; so the search can refute."""
    problem = Problem(nn.Tanh(), 2, 1.0)
    centre = hessian_edges(problem.model, LOSS, problem.data)
    assert problem.worst(0.5, 1.0, 0) < centre.lower.value or -problem.worst(0.5, -1.0, 0) > centre.upper.value


def test_the_edges_come_near_the_eigenvalues() -> None:
    problem = Problem(nn.Tanh(), 3)
    low, high = problem.extremes(problem.flat)
    edges = hessian_edges(problem.model, LOSS, problem.data)
    assert edges.upper.value <= 1.5 * high
    assert -edges.descent.value >= 3 * low - 1e-3 or low > 0


@pytest.mark.slow
def test_a_network_on_digits_is_strongly_convex_on_a_ball_about_its_fitted_parameters() -> None:
    """The first verified constants of a non-linear network: at least 0.05 on a ball of radius 0.007, where lambda is 0.1."""
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    inputs, targets = torch.tensor(digits.data / 16.0)[order], torch.tensor(digits.target)[order]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()

    def fit(first: int, last: int, l2: float, anchor: list[Tensor]) -> None:
        optimiser = torch.optim.LBFGS(
            model.parameters(),
            max_iter=600,
            history_size=30,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-11,
            tolerance_change=1e-15,
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            pulls = sum(((now - then) ** 2).sum() for now, then in zip(model.parameters(), anchor, strict=True))
            value = nn.functional.cross_entropy(model(inputs[first:last]), targets[first:last]) + l2 / 2 * pulls
            value.backward()
            return value

        optimiser.step(closure)  # type: ignore[no-untyped-call]

    fit(0, 600, 1e-2, [torch.zeros_like(parameter) for parameter in model.parameters()])
    start = {name: value.clone() for name, value in model.state_dict().items()}
    fit(600, 1300, 0.1, list(start.values()))
    data = inputs[600:1300], targets[600:1300]
    point = stationary_point(model, LOSS, data, radius=0.007, l2=0.1, anchor=start)
    assert point.unique and point.strong_convexity.value >= 0.05
    assert point.distance is not None and point.distance.value < 1e-5
    wide = stationary_point(model, LOSS, data, radius=0.05, l2=0.1, anchor=start)
    assert not wide.unique and wide.distance is None, "negative control: the proof ends where the ball is too wide"


def test_the_stationary_point_is_where_the_bound_says() -> None:
    problem = Problem(nn.Tanh(), 4, 0.5)
    l2 = 0.5
    anchor = {name: value.clone() for name, value in problem.model.state_dict().items()}
    start = problem.flat.clone()

    def whole(flat: Tensor) -> Tensor:
        return problem.loss(flat) + l2 / 2 * ((flat - start) ** 2).sum()

    point = start
    for _ in range(20):
        point = point - torch.linalg.solve(torch.func.hessian(whole)(point), torch.func.grad(whole)(point))
    parts = torch.split(point, [shape.numel() for shape in problem.shapes.values()])
    for shift in (0.0, 1e-3):
        with torch.no_grad():
            for parameter, part in zip(problem.model.parameters(), parts, strict=True):
                parameter.copy_(part.reshape(parameter.shape) + shift)
        moved = torch.cat([parameter.detach().flatten() for parameter in problem.model.parameters()])
        found = stationary_point(problem.model, LOSS, problem.data, radius=0.02, l2=l2, anchor=anchor)
        assert found.unique and found.distance is not None
        distance = float((moved - point).norm())
        assert distance <= found.distance.value <= 3 * distance + 1e-9
        gradient = float(torch.func.grad(whole)(moved).norm())
        assert gradient * (1 - 1e-12) <= found.gradient.value <= gradient * (1 + 1e-6) + 1e-10
    with torch.no_grad():
        problem.model[0].weight += 0.5  # type: ignore[union-attr, operator]
    assert not stationary_point(problem.model, LOSS, problem.data, radius=0.02, l2=l2, anchor=anchor).unique


def test_what_has_no_edges_is_refused() -> None:
    data = torch.randn(5, 2), torch.zeros(5, dtype=torch.int64)
    with pytest.raises(UnknownModule, match="kink"):
        hessian_edges(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), LOSS, data)
    with pytest.raises(UnknownModule, match="Linear, a smooth activation, Linear"):
        hessian_edges(nn.Sequential(nn.Linear(2, 2)), LOSS, data)
    smooth = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    for loss in (nn.MSELoss(), nn.CrossEntropyLoss(reduction="sum"), nn.CrossEntropyLoss(label_smoothing=0.1)):
        with pytest.raises(UnknownModule, match="CrossEntropyLoss"):
            hessian_edges(smooth, loss, data)
    with pytest.raises(ValueError, match="class indices"):
        hessian_edges(smooth, LOSS, (data[0], data[1] + 7))
    with pytest.raises(ValueError, match="class indices"):
        hessian_edges(smooth, LOSS, (data[0][:, :1], data[1]))
    with pytest.raises(ValueError, match="not negative"):
        hessian_edges(smooth, LOSS, data, radius=-1.0)
    with pytest.raises(ValueError, match="anchor"):
        stationary_point(smooth, LOSS, data, radius=0.1, l2=1.0, anchor={})


# ---------------------------------------------------------------- what it is made of

_FUNCTIONS = {
    nn.Tanh: mpmath.tanh, nn.Sigmoid: lambda x: 1 / (1 + mpmath.exp(-x)), nn.Softplus: lambda x: mpmath.log(1 + mpmath.exp(x)),
    nn.GELU: lambda x: x * mpmath.ncdf(x), nn.SiLU: lambda x: x / (1 + mpmath.exp(-x)),
}  # fmt: skip


@pytest.mark.parametrize("activation", SMOOTH, ids=repr)
def test_derivatives_on_intervals_hold_every_point_of_them(activation: nn.Module) -> None:
    smooth, function = Smooth(activation), _FUNCTIONS[type(activation)]
    with mpmath.workdps(40):
        for step in range(-30, 31, 3):
            low, width = step / 5 + 0.013, 10.0 ** (-abs(step) % 7 - 3)
            interval = Interval(torch.tensor([low], dtype=torch.float64), torch.tensor([low + width], dtype=torch.float64))
            for order, enclosure in enumerate((smooth.value, smooth.first, smooth.curvature, smooth.bend)):
                enclosed = enclosure(interval)
                for share in (0, 0.5, 1):
                    point = mpmath.mpf(float(interval.low)) + share * (
                        mpmath.mpf(float(interval.high)) - mpmath.mpf(float(interval.low))
                    )
                    value = mpmath.diff(function, point, order)
                    assert float(enclosed.low) <= value <= float(enclosed.high)
        fourth = max(abs(mpmath.diff(function, mpmath.mpf(step) / 25, 4)) for step in range(-150, 151))
    assert 0.99 * smooth.fourth <= fourth <= smooth.fourth


def test_norms_of_many_small_matrices_are_bounded_from_above() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(300, 6, 4, generator=generator, dtype=torch.float64) * 10.0 ** (
        6 * torch.rand(300, 1, 1, generator=generator, dtype=torch.float64) - 3
    )
    matrices[0] = 0
    exact = torch.linalg.matrix_norm(matrices, 2)
    bound = batched_norms(matrices)
    assert bool((bound >= exact * (1 - 1e-14)).all()) and bool((bound <= exact * 1.03 + 1e-9).all())


def test_the_least_eigenvalue_is_bounded_from_below() -> None:
    generator = torch.Generator().manual_seed(1)
    with mpmath.workdps(50):
        for number in range(60):
            size = int(torch.randint(1, 7, (1,), generator=generator))
            matrix = torch.randn(size, size, generator=generator, dtype=torch.float64)
            matrix = (matrix + matrix.T) * 10.0 ** (number % 5 * 60 - 120)
            if number % 3 == 0:
                matrix = matrix @ matrix.T / float(matrix.abs().max())
            exact = min(mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True))
            bound = least_eigenvalue(matrix)
            assert bound.value <= exact
            assert exact - bound.value <= 1e-12 * float(matrix.abs().max())
            assert least_eigenvalue(matrix, 0.5).value <= bound.value - 0.5
    with pytest.raises(ValueError, match="not finite"):
        least_eigenvalue(torch.full((2, 2), math.nan, dtype=torch.float64))
