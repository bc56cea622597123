"""One test for every statement about bounds that was found false, or false under a condition that its text left open.

Each computes the statement as it stood, shows where it fails, and that the bound here does not. Laws that other files test already:

| law | statement that fails | test |
|---|---|---|
| L2 | a transposed convolution at the size of its input | test_spectral_convolutions.test_a_transposed_convolution_is_counted_at_the_size_it_puts_out |
| L3 | circular padding with more outputs than the period | test_spectral_convolutions.test_circular_padding_with_more_outputs_than_the_period_has_places |
| L6 | windows of a dilated maximum | test_networks.test_a_dilated_maximum_holds_a_position_in_several_windows |
| L8, L9 | slopes and curvatures of activations (all others by forty digits) | test_networks.test_the_derivatives_of_an_activation_stay_within_its_constants* |
| L13 | squares that underflow in a Cholesky proof | test_spectral_norms.test_squares_that_underflow_prove_nothing_false |
| L14 | LAPACK's word on matrices that are not finite | test_spectral_norms.test_entries_that_are_not_finite_prove_nothing |
| L20, P9 | attention without the bias of the queries | test_attention.test_without_the_bias_of_the_queries_the_formula_is_refuted |
| L23, P11 | a ball in which activations do not grow | test_parameter_constants.test_a_ball_that_forgets_how_the_activations_grow_is_refuted |
| L29, P13 | a gradient at W where that at W + s A B is meant | test_low_rank.test_autograd_of_a_low_rank_layer* |
| L30, P13 | rank of a merged edit and its undoing; the shift without s | test_low_rank: a_merged_tensor*, unmerging*, the_shift_without_the_scale* |

Laws that hold (L1, L5, L18, L19, L21, L25, L26, L28) are tested where their bounds are. L22 and P10 speak of a bound that is not offered.
"""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy
import pytest
import torch
from instances.convolution import Convolution
from linear_maps import norm_of, true_norm
from torch import Tensor, nn

from certify.bounds import (
    Bound,
    NotALinearMap,
    UnknownModule,
    lipschitz,
    low_rank_edit,
    parameter_constants,
    spectral_norm,
    stationary_point,
)
from certify.bounds.networks import search
from certify.bounds.networks.activations import activation_of
from certify.bounds.networks.chain import chain_of
from certify.bounds.networks.local import slopes_everywhere
from certify.bounds.networks.semidefinite import propose, prove, proved_form
from certify.bounds.rounding import gamma
from certify.bounds.spectral import vector_norm_upper
from certify.bounds.spectral.factor import completed
from certify.bounds.spectral.symmetric import least_eigenvalue
from certify.proofs.sides import Side


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter search for steep places: it only feeds lower bounds."""
    monkeypatch.setattr(search, "STARTS", 2)
    monkeypatch.setattr(search, "CLIMB", 4)


def filled(layer: nn.Module, value: float = 1.0) -> nn.Module:
    """The layer in float64 with every parameter equal."""
    with torch.no_grad():
        for parameter in layer.double().parameters():
            parameter.fill_(value)
    return layer


# ---------------------------------------------------------------- convolutions and pooling


@pytest.mark.parametrize(("size", "stride", "above"), [(5, 2, 1.15), (6, 4, 1.33), (7, 3, 1.67)])
def test_l4_the_supremum_of_the_symbol_where_the_stride_does_not_divide_the_period(size: int, stride: int, above: float) -> None:
    layer = filled(nn.Conv2d(1, 1, 3, stride, 1, padding_mode="circular", bias=False))
    everywhere = Convolution(numpy.ones((1, 1, 3, 3)), stride).greatest(64)
    exact = norm_of(layer, (1, size, size))
    assert exact >= (above - 0.01) * everywhere
    for route in (None, "matrix", "symbol"):
        norm = spectral_norm(layer, (1, size, size), route=route)  # type: ignore[arg-type]
        assert exact * (1 - 1e-14) <= norm.upper.value <= exact * 2.5
    with pytest.raises(NotALinearMap, match="input size"):
        spectral_norm(layer)


def test_l6_a_dilated_kernel_as_a_matrix_times_the_windows_of_an_undilated_one() -> None:
    layer = filled(nn.Conv2d(1, 1, 2, stride=2, dilation=2, bias=False))
    statement = math.ceil(2 / 2) * 2.0  # the norm of the kernel as a row is 2
    exact = norm_of(layer, (1, 12, 12))
    assert exact > 1.8 * statement
    for shape in ((1, 12, 12), None):
        norm = spectral_norm(layer, shape)
        assert norm.upper.value >= exact * (1 - 1e-14)
        assert norm.upper.value <= 4 * (1 + 1e-2), "four windows hold a position: a norm of 4 at most"


@pytest.mark.parametrize(
    ("layer", "taps", "stride"),
    [
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), 3, 1),
        (nn.AvgPool2d(3, 2, ceil_mode=True), 3, 2),
        (nn.AdaptiveAvgPool2d(3), 2, 2),
    ],
    ids=repr,
)
def test_l7_mean_pooling_as_a_convolution(layer: nn.Module, taps: int, stride: int) -> None:
    """Where windows at the edge, or of unequal sizes, are divided by fewer: above the symbol of the mean of ``taps`` by ``taps``."""
    statement = Convolution(numpy.full((1, 1, taps, taps), 1 / taps**2), stride).greatest(64)
    assert max(norm_of(layer, (1, size, size)) for size in range(3, 9)) > 1.04 * statement
    with pytest.raises(UnknownModule, match=type(layer).__name__):
        lipschitz(layer, input_shape=(1, 5, 5))


def test_l10_symbols_of_two_zero_padded_convolutions_multiplied() -> None:
    layers = nn.Sequential(*(nn.Conv1d(1, 1, 3, padding=1, bias=False).double() for _ in range(2)))
    taps = torch.tensor([[1.0, -2.0, 2.0], [-2.0, -2.0, -1.0]], dtype=torch.float64)
    for layer, kernel in zip(layers, taps, strict=True):
        layer.weight = nn.Parameter(kernel.reshape(1, 1, 3))
    symbols = torch.fft.fft(torch.nn.functional.pad(taps, (0, 1021))).abs()
    statement = float(symbols.prod(0).max())
    exact = norm_of(layers, (1, 3))
    assert exact > 1.12 * statement
    for found in (spectral_norm(layers, (1, 3)).upper, lipschitz(layers, input_shape=(1, 3)).upper, spectral_norm(layers).upper):
        assert found.value >= exact * (1 - 1e-14)


# ---------------------------------------------------------------- activations


@pytest.mark.parametrize(
    ("layer", "order", "printed"),
    [
        (nn.GELU(), 1, "1.128904"),
        (nn.SiLU(), 1, "1.099839"),
        (nn.SiLU(), 3, "0.30818"),
        (nn.Tanh(), 2, "0.7698"),
        (nn.GELU(approximate="tanh"), 1, "1.128905"),
    ],
    ids=repr,
)
def test_l8_l9_decimals_that_were_rounded_inward(layer: nn.Module, order: int, printed: str) -> None:
    """The last is the constant of the exact GELU on its approximation by tanh."""
    functions = {
        "GELU": lambda x: x * mpmath.ncdf(x),
        "GELU (tanh)": lambda x: x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3))),
        "SiLU": lambda x: x / (1 + mpmath.exp(-x)),
        "Tanh": mpmath.tanh,
    }
    constants = activation_of(layer)
    assert constants is not None
    held = {1: constants.high, 2: constants.second, 3: constants.third}[order]
    assert held is not None
    with mpmath.workdps(30):
        best, step = mpmath.mpf(0), mpmath.mpf(0)
        for scale in (mpmath.mpf("0.1"), mpmath.mpf("0.005"), mpmath.mpf("0.0002")):
            around = step
            for number in range(-40, 41):
                value = abs(mpmath.diff(functions[constants.name], around + number * scale, order))
                best, step = max((best, step), (value, around + number * scale))
        assert best > mpmath.mpf(printed), "the printed decimal is below a value that is taken"
        assert best <= mpmath.mpf(held.numerator) / held.denominator <= best + mpmath.mpf("1e-5")


# ---------------------------------------------------------------- the matrix inequality


def test_l11_a_layer_of_zeros_divides_by_nothing() -> None:
    """The closed form of the multipliers is one over the norm of a layer."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    for number in (0, 2, 4):
        with torch.no_grad():
            model[number].weight.zero_()  # type: ignore[union-attr, operator]
        for method in ("product", "eclipse", "semidefinite"):
            assert 0 <= lipschitz(model, method, steps=5).upper.value < 1e-6  # type: ignore[arg-type]
        box = (torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
        assert 0 <= lipschitz(model, "local", box, steps=5).upper.value < 1e-6
        torch.manual_seed(1)
        nn.init.normal_(model[number].weight)  # type: ignore[arg-type]


def test_l11_slopes_of_neurons_that_differ() -> None:
    """Every neuron has its own range: no Jacobian at a corner of the ranges is above the constant, and ranges in another order are refuted."""
    generator = torch.Generator().manual_seed(2)
    first, last = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((6, 3), (2, 6)))
    low = torch.tensor([1.0, -3.0, -0.5, 0.1, 0.2, 0.9], dtype=torch.float64)
    high = torch.tensor([1.2, -2.0, 0.5, 0.1, 0.7, 1.5], dtype=torch.float64)
    corners = torch.cartesian_prod(*torch.stack((low, high), 1))
    attained = float(torch.linalg.matrix_norm(last @ (corners[:, :, None] * first), 2).max())
    layers = nn.Sequential(nn.Linear(3, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False))
    layers[0].weight, layers[2].weight = nn.Parameter(first), nn.Parameter(last)
    chain = chain_of(layers)
    proposal = propose(chain, ((low, high),), steps=60)
    assert proposal is not None
    found = prove(chain, ((low, high),), proposal)
    assert found is not None and attained * (1 - 1e-14) <= found.value <= 1.3 * attained
    turned = [propose(chain, ((low.roll(turn), high.roll(turn)),), steps=60) for turn in range(1, 6)]
    assert min(other.constant for other in turned if other is not None) < 0.95 * attained


def least_of_form(weights: list[Tensor], multipliers: tuple[Tensor, ...], square: float) -> mpmath.mpf:
    """The least eigenvalue of the form of the inequality for slopes in [0, 1], to forty digits from the exact entries."""
    sizes = [weight.shape[1] for weight in weights]
    starts = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
    form = mpmath.zeros(starts[-1], starts[-1])
    for place in range(sizes[0]):
        form[place, place] = mpmath.mpf(square)
    for index, (weight, layer) in enumerate(zip(weights[:-1], multipliers, strict=True)):
        for neuron, multiplier in enumerate((square * layer).tolist()):
            row = starts[index + 1] + neuron
            form[row, row] += 2 * mpmath.mpf(multiplier)
            for place, entry in enumerate(weight[neuron].tolist()):
                column = starts[index] + place
                form[row, column] = form[column, row] = -mpmath.mpf(multiplier) * mpmath.mpf(entry)
    last = mpmath.matrix(weights[-1].tolist())
    product = last.T * last
    for first in range(sizes[-1]):
        for second in range(sizes[-1]):
            form[starts[-2] + first, starts[-2] + second] -= product[first, second]
    return min(mpmath.eigsy(form, eigvals_only=True))


def test_l12_the_inequality_is_proved_of_the_scaled_matrix() -> None:
    """Neurons that are rescaled by powers of two from 2^-30 to 2^30: constants a hair too small have a negative eigenvalue, and no proof."""
    negative = proved = 0
    with mpmath.workdps(60):
        for seed in range(8):
            generator = torch.Generator().manual_seed(seed)
            weights = [
                torch.randn(rows, columns, generator=generator, dtype=torch.float64) for rows, columns in ((3, 2), (2, 3), (1, 2))
            ]
            scales = [2.0 ** torch.randint(-30, 30, (rows,), generator=generator).double() for rows in (3, 2)]
            weights = [scales[0][:, None] * weights[0], scales[1][:, None] * weights[1] / scales[0], weights[2] / scales[1]]
            layers = [nn.Linear(weight.shape[1], weight.shape[0], bias=False) for weight in weights]
            for layer, weight in zip(layers, weights, strict=True):
                layer.weight = nn.Parameter(weight)
            chain = chain_of(nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]))
            slopes = slopes_everywhere(chain)
            proposal = propose(chain, slopes)
            if proposal is None:
                continue
            for relative in (1e-15, 1e-12, 1e-9):
                square = (proposal.constant * (1 - relative)) ** 2
                if least_of_form(weights, proposal.multipliers, square) < 0:
                    negative += 1
                    assert not proved_form(chain, slopes, proposal.multipliers, square)
            proved += proved_form(chain, slopes, proposal.multipliers, (proposal.constant * (1 + 1e-8)) ** 2)
    assert negative >= 15 and proved >= 5


# ---------------------------------------------------------------- rounding


def test_l15_the_trace_of_the_matrix_in_the_place_of_that_of_the_shifted_one() -> None:
    """Integer matrices of trace zero: a shift by a multiple of their trace is none, and false lower bounds are proved."""
    generator, statement = torch.Generator().manual_seed(0), 0
    with mpmath.workdps(40):
        for _ in range(40):
            matrix = torch.randint(-8, 9, (10, 10), generator=generator).double()
            matrix = matrix + matrix.T
            matrix.fill_diagonal_(0)
            exact = min(mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True))
            claim = float(exact)
            while mpmath.mpf(claim) <= exact:
                claim = math.nextafter(claim, math.inf)
            shifted = matrix - claim * torch.eye(10, dtype=torch.float64)
            statement += bool(completed(shifted - gamma(12) * float(matrix.trace()) * torch.eye(10, dtype=torch.float64)))
            assert not bool(completed(shifted - gamma(12) * float(shifted.trace()) * torch.eye(10, dtype=torch.float64)))
            found = mpmath.mpf(least_eigenvalue(matrix).value)
            assert exact - mpmath.mpf("1e-11") <= found <= exact
    assert statement >= 1


def test_l16_a_norm_whose_squares_underflow() -> None:
    vector = torch.full((10,), 1e-170, dtype=torch.float64)
    exact = sum(Fraction(entry) ** 2 for entry in vector.tolist())
    statement = float((vector**2).sum().sqrt()) * (1 + gamma(14))
    assert statement == 0.0
    assert exact <= Fraction(vector_norm_upper(vector)) ** 2 <= exact * Fraction(1 + 1e-12)
    matrix = torch.full((3, 3), 1e-170, dtype=torch.float64)
    assert mpmath.mpf(spectral_norm(matrix).upper.value) >= true_norm(matrix)


@pytest.mark.parametrize(("left", "right"), [(5e-324, 0.5), (3e-310, 0.3), (1.0, -1.0), (-1.0 / 3, 0.1), (-5e-324, 0.25)])
def test_l17_a_factor_a_little_above_one_does_not_round_up(left: float, right: float) -> None:
    """It leaves the least doubles where they are, and moves a negative upper bound down."""
    product = Fraction(left) * Fraction(right)
    if right > 0:
        found = Bound(left, Side.UPPER) * right if left >= 0 else -(Bound(-left, Side.LOWER) * right)
        assert found.side is Side.UPPER and Fraction(found.value) >= product
    total = Bound(left, Side.UPPER) - Bound(1.0 / 3, Side.LOWER)
    assert Fraction(total.value) >= Fraction(left) - Fraction(1.0 / 3)
    outward = 1 + 4 * 2.0**-53
    assert 5e-324 * outward == 5e-324 and -1.0 * outward < -1.0


def test_l18_scaling_that_is_not_exact_among_the_least_doubles() -> None:
    for entries in ([[1.0, 5e-324], [3e-320, 0.5]], [[1e300, 1e-20], [5e-324, 1e300]], [[5e-324, 1.5e-323], [2e-323, 5e-324]]):
        matrix = torch.tensor(entries, dtype=torch.float64)
        norm, exact = spectral_norm(matrix), true_norm(matrix)
        assert mpmath.mpf(norm.lower.value) <= exact <= mpmath.mpf(norm.upper.value)


# ---------------------------------------------------------------- parameters


def test_l24_a_bias_that_all_pixels_share() -> None:
    """At an image of zeros the derivative by the bias has the norm of the square root of the pixels, 6, and sqrt(|h|² + 1) is 1."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Flatten(), nn.Linear(36, 2)).double()
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 36))  # type: ignore[union-attr, operator]
        model[2].bias.zero_()  # type: ignore[union-attr, operator]
        model[0].bias.zero_()  # type: ignore[union-attr, operator]
    image = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    nn.functional.cross_entropy(model(image), torch.tensor([0])).backward()
    gradient = math.sqrt(sum(float((parameter.grad**2).sum()) for parameter in model.parameters() if parameter.grad is not None))
    outer = float(torch.linalg.matrix_norm(model[2].weight.detach(), 2))  # type: ignore[union-attr, operator, arg-type]
    statement = math.sqrt(2) / 2 * math.hypot(outer * 1.0, 1.0)  # the length of p - e_y is sqrt(2)/2 here
    assert statement < gradient / 3
    found = parameter_constants(model, nn.CrossEntropyLoss(), image)
    assert gradient <= found.gradient.value <= 3 * gradient


def test_l27_a_stationary_point_in_the_ball_is_not_what_training_elsewhere_finds() -> None:
    """A network and itself with one hidden neuron turned around are two stationary points of one objective, each alone in its ball."""
    torch.manual_seed(0)
    inputs, targets = torch.randn(40, 2, dtype=torch.float64), torch.arange(40) % 2
    inputs[:, 0] += 2 * targets
    loss = nn.CrossEntropyLoss()
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)).double()
    l2 = 0.02
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-11, tolerance_change=1e-15
    )

    def objective() -> Tensor:
        optimiser.zero_grad()
        value = loss(model(inputs), targets) + l2 / 2 * sum((parameter**2).sum() for parameter in model.parameters())
        value.backward()
        return value

    optimiser.step(objective)  # type: ignore[no-untyped-call]
    here = {name: value.clone() for name, value in model.state_dict().items()}
    points = []
    for sign in (1.0, -1.0):
        turned = {name: value.clone() for name, value in here.items()}
        for name in ("0.weight", "0.bias"):
            turned[name][0] *= sign
        turned["2.weight"][:, 0] *= sign
        model.load_state_dict(turned)
        points.append(stationary_point(model, loss, (inputs, targets), radius=1e-3, l2=l2))
    apart = math.sqrt(
        sum(float(((2 * here[name][0]) ** 2).sum()) for name in ("0.weight", "0.bias"))
        + 4 * float((here["2.weight"][:, 0] ** 2).sum())
    )
    for point in points:
        assert point.unique and point.distance is not None
        assert point.distance.value < 1e-3 < apart, "as a distance to what training finds it would be false"
        assert "training from elsewhere may find another" in point.comparator


def test_l29_a_gradient_elsewhere() -> None:
    """The gradients of the factors are those of the weight at W + s A B; split at W, the visible part is not what they show."""
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(4, 1, generator=generator).double(), torch.randn(1, 3, generator=generator).double()
    weight, inputs = torch.randn(4, 3, generator=generator).double(), torch.randn(20, 3, generator=generator).double()

    def gradient(at: Tensor) -> Tensor:
        held = at.clone().requires_grad_()
        return torch.autograd.grad(torch.tanh(inputs @ held.T).pow(2).sum(), held)[0]

    factors = [factor.clone().requires_grad_() for factor in (left, right)]
    shown = torch.autograd.grad(torch.tanh(inputs @ (weight + 0.5 * factors[0] @ factors[1]).T).pow(2).sum(), factors)
    edit = low_rank_edit(left, right, 0.5)
    for at, agrees in ((weight + 0.5 * left @ right, True), (weight, False)):
        full = gradient(at)
        twin = edit.visible(full).twin
        for candidate in (full, twin):
            same = torch.allclose(0.5 * candidate @ right.T, shown[0]) and torch.allclose(0.5 * left.T @ candidate, shown[1])
            assert same is agrees
