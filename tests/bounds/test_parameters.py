"""Edges of Hessians in the parameters of a network: no eigenvalue anywhere in the ball lies outside, found by search or not."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest
import shallow_truth
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from certify.bounds import stationary_point
from certify.bounds.networks.intervals import Interval
from certify.bounds.parameters.derivatives import Smooth
from certify.bounds.parameters.edges import shallow_edges
from certify.bounds.parameters.moves import _pair_factor
from certify.bounds.parameters.shallow import shallow
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
    edges = shallow_edges(problem.model, LOSS, problem.data)
    assert edges.lower.value <= low and high <= edges.upper.value
    ridge = shallow_edges(problem.model, LOSS, problem.data, l2=0.3)
    assert ridge.lower.value == pytest.approx(edges.lower.value + 0.3) and ridge.upper.value == pytest.approx(
        edges.upper.value + 0.3
    )


@pytest.mark.parametrize("activation", SMOOTH, ids=repr)
@pytest.mark.parametrize("radius", [1e-3, 0.05, 0.3])
def test_no_eigenvalue_in_the_ball_is_outside_the_edges(activation: nn.Module, radius: float) -> None:
    problem = Problem(activation, 1, 1.5)
    edges = shallow_edges(problem.model, LOSS, problem.data, radius=radius)
    for seed in range(2):
        assert edges.lower.value <= problem.worst(radius, 1.0, seed)
        assert -problem.worst(radius, -1.0, seed) <= edges.upper.value


def test_the_edges_at_the_centre_do_not_hold_in_the_ball() -> None:
    """Negative control: without what the ball adds, points in it have eigenvalues outside; so the search can refute."""
    problem = Problem(nn.Tanh(), 2, 1.0)
    centre = shallow_edges(problem.model, LOSS, problem.data)
    assert problem.worst(0.5, 1.0, 0) < centre.lower.value or -problem.worst(0.5, -1.0, 0) > centre.upper.value


# ---------------------------------------------------------------- in 60 digits


def drawn(number: int, generator: torch.Generator) -> tuple[nn.Sequential, Tensor, Tensor]:
    """A tiny problem at a scale that is plain, mixed, tiny or huge, or whose large logits cancel in the first example."""

    def power(low: float, high: float) -> float:
        return 10 ** (low + (high - low) * float(torch.rand(1, generator=generator)))

    def size(most: int) -> int:
        return int(torch.randint(1, most + 1, (1,), generator=generator))

    width, neurons, classes, examples = size(3), size(3), size(3), size(4)
    bias, shift = size(4) > 1, size(4) > 1 or number % 5 == 1
    activation = [*SMOOTH, nn.Softplus(beta=50.0)][number % 6]
    model = nn.Sequential(nn.Linear(width, neurons, bias=bias), activation, nn.Linear(neurons, classes, bias=shift)).double()
    inner, outer, data = [(1, 1, 1), (1, power(4, 14), 1), (power(-3, 3), power(-3, 3), power(-3, 3)),
                          (power(-150, 5), power(-150, 5), power(-150, 5)), (power(0, 58), power(-20, 20), power(0, 58))][number % 5]  # fmt: skip
    inputs = torch.randn(examples, width, generator=generator, dtype=torch.float64) * data
    inputs[-1] = inputs[0]
    with torch.no_grad():
        for layer, scale in ((model[0], inner), (model[2], outer)):
            for parameter in layer.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * scale / 10)
        if number % 5 == 1:
            small = torch.randn(classes, generator=generator, dtype=torch.float64)
            model[2].bias.copy_(small - model[2].weight @ model[1](model[0](inputs[0])))  # type: ignore[operator]
    return model, inputs, torch.randint(classes, (examples,), generator=generator)


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_edges_hold_in_sixty_digits_at_every_scale(count: int) -> None:
    """Regression: where large logits cancel, float64 does not know the probabilities, and the upper edge was too low by up to a millionth."""
    generator = torch.Generator().manual_seed(count)
    with mpmath.workdps(shallow_truth.DIGITS):
        for number in range(count):
            model, inputs, targets = drawn(number, generator)
            edges = shallow_edges(model, LOSS, (inputs, targets))
            least, greatest, off = shallow_truth.extremes(shallow_truth.truth(model, inputs, targets)[0])
            assert edges.lower.value <= least + off and greatest - off <= edges.upper.value, number


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_in_another_type_is_the_model_with_the_stored_numbers(dtype: torch.dtype) -> None:
    problem = Problem(nn.SiLU(), 6)
    model, inputs = problem.model.to(dtype), problem.inputs.to(dtype)
    edges = shallow_edges(model, LOSS, (inputs, problem.targets))
    with mpmath.workdps(shallow_truth.DIGITS):
        least, greatest, off = shallow_truth.extremes(shallow_truth.truth(model, inputs, problem.targets)[0])
    assert edges.lower.value <= least + off and greatest - off <= edges.upper.value


def test_a_radius_of_any_size_has_edges() -> None:
    """Regression: growth factors made edges of -1e291 and infinities, where a second derivative is bounded whatever the outputs are."""
    problem = Problem(nn.Tanh(), 5)
    last = shallow_edges(problem.model, LOSS, problem.data)
    for radius in (5e-324, 1e-12, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e20):
        edges = shallow_edges(problem.model, LOSS, problem.data, radius=radius)
        assert edges.lower.value <= last.lower.value and last.upper.value <= edges.upper.value
        last = edges
        assert -20 * (1 + radius) < edges.lower.value and edges.upper.value < 100 * (1 + radius) ** 2
    for seed in range(2):
        assert shallow_edges(problem.model, LOSS, problem.data, radius=3.0).lower.value <= problem.worst(3.0, 1.0, seed)


def test_a_wide_network_with_few_examples_is_bounded_whole_and_one_too_large_layer_by_layer() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(200, 40), nn.Tanh(), nn.Linear(40, 10)).double()
    inputs, targets = torch.randn(25, 200, dtype=torch.float64) / 14, torch.randint(10, (25,))
    edges = shallow_edges(model, LOSS, (inputs, targets), radius=1e-3)
    rows = torch.stack([_stacked_row(model, row, label) for row in inputs for label in range(10)])
    p = torch.softmax(model(inputs).detach(), 1)
    roots = torch.block_diag(*[torch.linalg.cholesky(torch.diag(q) - q[:, None] * q + 1e-15 * torch.eye(10)) for q in p])  # type: ignore[no-untyped-call]
    curved = float(torch.linalg.matrix_norm(roots.T @ rows, 2)) ** 2 / 25
    assert curved <= edges.gauss_newton.value <= 1.1 * curved
    wide = torch.cat([inputs] * 20), torch.cat([targets] * 20)
    assert curved <= shallow_edges(model, LOSS, wide).gauss_newton.value <= 1.6 * curved


def _stacked_row(model: nn.Sequential, row: Tensor, label: int) -> Tensor:
    return torch.cat([part.flatten() for part in torch.autograd.grad(model(row)[label], list(model.parameters()))])


def test_the_edges_come_near_the_eigenvalues() -> None:
    problem = Problem(nn.Tanh(), 3)
    low, high = problem.extremes(problem.flat)
    edges = shallow_edges(problem.model, LOSS, problem.data)
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


def fitted(number: int, generator: torch.Generator) -> tuple[nn.Sequential, Tensor, Tensor, float, dict[str, Tensor]]:
    """A tiny problem near a stationary point, with its ridge and its anchor."""
    activation = SMOOTH[number % 5]
    model = nn.Sequential(nn.Linear(2, 2, bias=number % 3 > 0), activation, nn.Linear(2, 2, bias=number % 2 > 0)).double()
    inputs = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    targets = torch.randint(2, (5,), generator=generator)
    l2 = float(0.3 + torch.rand(1, generator=generator))
    anchor = {
        name: torch.randn(value.shape, generator=generator, dtype=torch.float64) for name, value in model.state_dict().items()
    }
    model.load_state_dict(anchor)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def closure() -> Tensor:
        optimiser.zero_grad()
        pulls = [((value - anchor[name]) ** 2).sum() for name, value in model.named_parameters()]
        value = LOSS(model(inputs), targets) + l2 / 2 * torch.stack(pulls).sum()
        value.backward()
        return value  # type: ignore[no-any-return]

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 10.0 ** -(number % 7)
    return model, inputs, targets, l2, anchor


@pytest.mark.parametrize("count", [21, pytest.param(350, marks=pytest.mark.slow)])
def test_the_distance_holds_for_the_stationary_point_that_newton_finds_in_sixty_digits(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    unique = 0
    for number in range(count):
        model, inputs, targets, l2, anchor = fitted(number, generator)
        found = stationary_point(model, LOSS, (inputs, targets), radius=0.05, l2=l2, anchor=anchor)
        with mpmath.workdps(shallow_truth.DIGITS):
            pulls = [value - anchor[name] for name, value in model.named_parameters()]
            pull = mpmath.matrix([mpmath.mpf(entry) for part in pulls for entry in part.detach().flatten().tolist()])
            move = mpmath.zeros(len(pull), 1)
            for step in range(12):
                hessian, gradient = shallow_truth.truth(model, inputs, targets, move)
                gradient += mpmath.mpf(l2) * (pull + move)
                if step == 0:
                    assert mpmath.norm(gradient) <= found.gradient.value <= mpmath.norm(gradient) * (1 + 1e-6) + 1e-11
                if mpmath.norm(gradient) < mpmath.mpf(10) ** -45 or not found.unique:
                    break
                move -= mpmath.lu_solve(hessian + mpmath.mpf(l2) * mpmath.eye(len(pull)), gradient)
            if found.unique:
                unique += 1
                assert found.distance is not None and mpmath.norm(gradient) < mpmath.mpf(10) ** -40
                assert mpmath.norm(move) <= found.distance.value + 1e-40 <= found.radius
                least = shallow_truth.extremes(hessian)[0] + l2
                assert found.strong_convexity.value <= least
    assert count / 3 < unique < count, "some are proved, with and without biases, and those far off are not"


def test_two_stationary_points_in_a_ball_are_never_one() -> None:
    """Two neurons that trade places give another minimiser, as good as the first."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 2)).double()
    data = torch.tensor([[1.0], [-1.0], [3.0], [-3.0]], dtype=torch.float64), torch.tensor([0, 1, 1, 0])
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=2000, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=1e-16
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = LOSS(model(data[0]), data[1]) + 0.005 * torch.stack([(part**2).sum() for part in model.parameters()]).sum()
        value.backward()
        return value  # type: ignore[no-any-return]

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    first, bias, second, _ = (part.detach() for part in model.parameters())
    apart = float(torch.cat([first - first.flip(0), (bias - bias.flip(0))[:, None], (second - second.flip(1)).T], 1).norm())
    assert apart > 0.5
    for radius in (apart, 2 * apart):
        assert not stationary_point(model, LOSS, data, radius=radius, l2=0.01).unique
    assert stationary_point(model, LOSS, data, radius=1e-4, l2=0.01).unique, "the first alone"


def test_a_model_without_biases_is_not_charged_for_them() -> None:
    """Regression: the gradient in biases that the model lacks was counted, so nothing was ever proved of its fitted parameters."""
    generator = torch.Generator().manual_seed(3)
    model, inputs, targets, l2, anchor = fitted(6, generator)
    assert model[0].bias is None and model[2].bias is None
    found = stationary_point(model, LOSS, (inputs, targets), radius=0.02, l2=l2, anchor=anchor)
    assert found.unique and found.gradient.value < 1e-4


# ---------------------------------------------------------------- what is refused


class Doubled(nn.Identity):
    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * inputs


class DoubledLoss(nn.CrossEntropyLoss):
    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 2 * super().forward(outputs, targets)


def net(activation: nn.Module | None = None) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), activation or nn.Tanh(), nn.Linear(4, 4)).double()


def tied() -> nn.Sequential:
    model = net()
    model[2].weight = model[0].weight
    return model


def twice() -> nn.Sequential:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer)


def parametrized() -> nn.Sequential:
    model = net()
    parametrizations.weight_norm(model[0])
    return model


DATA = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0, 1])
IMAGES = DATA[0][:, :, None, None], DATA[1]


@pytest.mark.parametrize(
    ("model", "loss", "data", "words"),
    [
        (net(nn.ReLU()), LOSS, DATA, "kink"),
        (net(nn.GELU("tanh")), LOSS, DATA, "no bounded third derivative"),
        (net(nn.Softplus(threshold=1)), LOSS, DATA, "threshold"),
        (net(nn.Softplus(beta=1e60)), LOSS, DATA, "beyond float64"),
        (nn.Sequential(nn.Linear(4, 4)), LOSS, DATA, "this model is Linear"),
        (nn.Sequential(nn.PixelShuffle(2), nn.Flatten(), *net()), LOSS, IMAGES, "this model is PixelShuffle"),
        (nn.Sequential(nn.Flatten(0), *net()), LOSS, DATA, "this model is Flatten"),
        (nn.Sequential(Doubled(), *net()), LOSS, DATA, "redefines forward of Identity"),
        (parametrized(), LOSS, DATA, "ParametrizedLinear"),
        (tied(), LOSS, DATA, "used twice"),
        (twice(), LOSS, DATA, "used twice"),
        (net(), nn.MSELoss(), DATA, "CrossEntropyLoss"),
        (net(), nn.CrossEntropyLoss(reduction="sum"), DATA, "CrossEntropyLoss"),
        (net(), nn.CrossEntropyLoss(label_smoothing=0.1), DATA, "CrossEntropyLoss"),
        (net(), nn.CrossEntropyLoss(torch.ones(4)), DATA, "CrossEntropyLoss"),
        (net(), nn.CrossEntropyLoss(ignore_index=1), DATA, "no class ignored"),
        (net(), DoubledLoss(), DATA, "redefines forward of CrossEntropyLoss"),
        (net(), LOSS, (DATA[0], DATA[1] + 1), "between 0 and 3"),
        (net(), LOSS, (DATA[0], torch.tensor([0, -100, 2, 3, 0, 1])), "leave examples out that the loss ignores"),
        (net(), LOSS, (DATA[0], DATA[1][:, None]), "class indices"),
        (net(), LOSS, (DATA[0], torch.softmax(DATA[0], 1)), "class indices"),
        (net(), LOSS, (DATA[0][:, :1], DATA[1]), "class indices"),
        (net(), LOSS, (DATA[0][:, 0], DATA[1]), "class indices"),
        (net(), LOSS, (DATA[0][0, 0], DATA[1][0]), "class indices"),
        (net(), LOSS, (DATA[0][:0], DATA[1][:0]), "class indices"),
        (net(), LOSS, DATA[0], "class indices"),
        (net(), LOSS, (DATA[0].long(), DATA[1]), "int64"),
        (net(), LOSS, (DATA[0] * math.nan, DATA[1]), "not finite"),
        (net(), LOSS, (DATA[0] * 1e70, DATA[1]), "scale them down"),
    ],
)
def test_what_has_no_edges_is_refused_in_one_line(model: nn.Module, loss: nn.Module, data: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        shallow_edges(model, loss, data)
    assert "\n" not in str(caught.value)


def test_identities_and_a_flatten_may_stand_between() -> None:
    model = net()
    edges = shallow_edges(nn.Sequential(nn.Identity(), nn.Flatten(), model[0], model[1], nn.Identity(), model[2]), LOSS, IMAGES)
    assert edges == shallow_edges(model, LOSS, DATA)


@pytest.mark.parametrize("number", [-1.0, math.inf, math.nan, 1e61, "1"])
def test_a_radius_and_a_ridge_are_numbers_in_reason(number: Any) -> None:
    for call in (lambda: shallow_edges(net(), LOSS, DATA, radius=number), lambda: shallow_edges(net(), LOSS, DATA, l2=number),
                 lambda: stationary_point(net(), LOSS, DATA, radius=number, l2=1.0)):  # fmt: skip
        with pytest.raises(ValueError, match="at most 1e\\+60"):
            call()
    for radius, l2 in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValueError, match="is positive"):
            stationary_point(net(), LOSS, DATA, radius=radius, l2=l2)


def test_an_anchor_is_a_whole_state_dictionary() -> None:
    """Regression: a missing bias was taken for zero."""
    model = net()
    state = model.state_dict()
    wrong: list[tuple[Any, str]] = [
        ({}, "no others"), (list(state), "no others"), ({**state, "more": state["0.bias"]}, "no others"),
        ({name: value for name, value in state.items() if "bias" not in name}, "no others"),
        ({**state, "0.bias": torch.zeros(3)}, "shape"), ({**state, "0.bias": torch.tensor(0.0)}, "shape"), ({**state, "0.weight": torch.zeros(4)}, "shape"),
        ({**state, "0.bias": [0.0] * 4}, "shape"), ({**state, "0.bias": torch.full((4,), math.nan)}, "not finite"),
        ({**state, "0.bias": torch.zeros(4, dtype=torch.int64)}, "int64"),
    ]  # fmt: skip
    for anchor, words in wrong:
        with pytest.raises(ValueError, match=words):
            stationary_point(model, LOSS, DATA, radius=0.1, l2=1.0, anchor=anchor)
    halved = {name: value.half() for name, value in state.items()}
    assert stationary_point(model, LOSS, DATA, radius=1e-4, l2=1.0, anchor=halved).gradient.value > 0


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


def test_derivatives_hold_where_powers_overflow_and_where_beta_is_large() -> None:
    """Regressions: (2 - z²) times a density of zero was no number; and 1 - 2 s(z) cancels at zero, which a Softplus multiplies by beta²."""
    far = torch.tensor([1e160, -1e160, 1e300, 50.0, -1e100], dtype=torch.float64)
    for activation in SMOOTH:
        smooth = Smooth(activation)
        for enclosure in (smooth.curvature, smooth.bend):
            enclosed = enclosure(Interval.point(far))
            assert bool((enclosed.low <= 0).all()) and bool((enclosed.high >= 0).all()) and bool((enclosed.high < 1e-12).all())
    generator = torch.Generator().manual_seed(0)
    for beta in (1e3, 1e9):
        smooth = Smooth(nn.Softplus(beta=beta))
        near = torch.randn(200, generator=generator, dtype=torch.float64) * 10.0 ** torch.arange(-12, 0).repeat(17)[:200] / beta
        enclosed = smooth.bend(Interval.point(near))
        with mpmath.workdps(60):
            for place, low, high in zip(near.tolist(), enclosed.low.tolist(), enclosed.high.tolist(), strict=True):
                share = 1 / (1 + mpmath.exp(-mpmath.mpf(beta) * mpmath.mpf(place)))
                assert low <= mpmath.mpf(beta) ** 2 * share * (1 - share) * (1 - 2 * share) <= high


def test_the_factor_of_the_pairs_is_at_or_above_them() -> None:
    generator = torch.Generator().manual_seed(2)
    inputs = (
        torch.randn(7, 3, generator=generator, dtype=torch.float64)
        * 10.0 ** torch.arange(-3.0, 4.0, dtype=torch.float64)[:, None]
    )
    inputs[1] = inputs[0]
    network = shallow(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2)), (inputs, torch.zeros(7, dtype=torch.int64)))
    with mpmath.workdps(80):
        rows, factor = mpmath.matrix(network.inputs.tolist()), mpmath.matrix(_pair_factor(network).tolist())
        pairs = rows * rows.T
        squares = mpmath.matrix([[pairs[i, j] ** 2 for j in range(7)] for i in range(7)])
        room = mpmath.eigsy(factor * factor.T - squares, eigvals_only=True)
    assert min(room) >= 0 and max(room) < 1e-13 * float(network.sizes.max()) ** 4


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
