"""Cases with known answers: closed forms, published numbers, and recipes in use whose answers are no bounds.

Each test of a recipe computes what the recipe returns, shows that it is below the truth (or below a gradient), and that the bound here is not.

| published case | test |
|---|---|
| 3×3 ones and second difference, zero padding | test_closed_forms_of_zero_padding |
| 3×3 ones circular, orthogonal convolution, depthwise, 1×1, patches, pixel unshuffle | test_closed_forms |
| constants 1/4, 1/(6√3), 1/8, 1/2, √6/9, 4/(3√3), 0.29572 | test_constants_of_losses_and_activations, test_networks (activations by forty digits) |
| LipSDP by neuron and by layer against an independent solver | test_the_optimum_of_the_programme_is_reached |
| first-order semidefinite solver (SCS): 21.03 < 24.28 | test_a_first_order_solver_returns_less_than_a_gradient |
| LipSDP-Network: coupled multipliers | test_coupled_multipliers_prove_that_a_steep_function_is_flat |
| groups multiplied (orthogonium): 0.0165 < 0.402 | test_norms_of_groups_multiplied |
| coefficient by input size (deel-torchlip): 1.00495, 1.01992, 1.01512 | test_a_kernel_scaled_by_a_coefficient_of_its_input_size |
| constant kernel 3.0 (torch spectral_norm) | test_spectral_norms.test_a_power_iteration_on_the_reshaped_kernel_is_no_bound |
| tensor norm, local maximum: 2.70 < 3.00 | test_a_local_maximum_of_the_tensor_norm |
| BatchNorm dropped: 0.727 < 5.118 (eclipse-nn) | test_networks.test_a_normalisation_is_folded_and_not_dropped |
| BatchNorm by weight/var (lip4conv) | test_a_normalisation_divided_by_its_variance |
| GELU with slopes in [0, 1] (eclipse-nn) | test_networks.test_slopes_of_another_activation_prove_a_false_constant |
| local bound in single precision (auto_LiRPA, eps = 0) | test_a_jacobian_in_single_precision |
| neuron of weight 1e-5: 9.43e-6 (gloro) | test_an_epsilon_in_the_power_iteration |
| LAPACK below the truth | test_lapack_is_below_the_truth |
| Gram iteration in single precision | test_gram_iteration_in_single_precision |
| Gram iteration on a transform shorter than the kernel | test_a_transform_that_crops_the_kernel |
| power iterations end below the norm | test_power_qr.test_few_steps_end_below_the_norm |
| alternating kernel: frequencies of the input's own size | test_spectral_convolutions.test_zero_padding_is_not_the_circular_convolution_of_its_own_size |
| sampled secants as sensitivity (Ferrari) | test_networks.test_an_average_says_nothing_of_the_worst_case |

The norms of ResNet18's kernels and the file of LipSDP need weights that this repository does not hold: ``benchmarks/lipschitz.py``.
"""

from __future__ import annotations

import math
from itertools import pairwise

import mpmath
import pytest
import torch
from linear_maps import matrix_of, norm_of, steepest_of, true_norm
from torch import Tensor, nn

from certify.bounds import lipschitz, loss_constants, spectral_norm
from certify.bounds.networks import search
from certify.bounds.networks.activations import activation_of
from certify.bounds.networks.chain import chain_of
from certify.bounds.networks.local import slopes_everywhere
from certify.bounds.networks.semidefinite import proved_form
from certify.bounds.spectral.dense import matrix_norm


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter search for steep places: it only feeds lower bounds."""
    monkeypatch.setattr(search, "STARTS", 2)
    monkeypatch.setattr(search, "CLIMB", 4)


def weighted(layer: nn.Module, weight: Tensor) -> nn.Module:
    """The layer with this weight."""
    layer.weight = nn.Parameter(weight.to(torch.float64).reshape(layer.weight.shape))  # type: ignore[union-attr, operator]
    return layer


def plain(*weights: Tensor) -> nn.Sequential:
    """A network of these float64 weights with ReLU between them and no biases."""
    layers: list[nn.Module] = []
    for weight in weights:
        layers += [weighted(nn.Linear(weight.shape[1], weight.shape[0], bias=False), weight), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# ---------------------------------------------------------------- closed forms


def orthogonal_convolution(channels: int, seed: int) -> nn.Module:
    """A convolution whose matrix is orthogonal for circular padding: projections that keep or shift their part, along both axes."""
    generator = torch.Generator().manual_seed(seed)
    stays = []
    for _ in range(2):
        basis = torch.linalg.qr(torch.randn(channels, channels // 2, generator=generator, dtype=torch.float64))[0]
        stays.append(basis @ basis.T)
    moves = [torch.eye(channels, dtype=torch.float64) - stay for stay in stays]
    kernel = torch.zeros(channels, channels, 3, 3, dtype=torch.float64)
    for down, first in ((0, stays[0]), (1, moves[0])):
        for right, second in ((0, stays[1]), (1, moves[1])):
            kernel[:, :, 1 + down, 1 + right] = first @ second
    return weighted(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular", bias=False), kernel)


ONES = torch.ones(3, 3, dtype=torch.float64)
CLOSED = {
    "3×3 ones, circular": (weighted(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False), ONES), (1, 8, 8), 9.0),
    "depthwise": (
        weighted(
            nn.Conv1d(3, 3, 3, padding=1, groups=3, padding_mode="circular", bias=False),
            torch.tensor([[1.0, 2.0, 1.0], [-1.5, 3.0, -1.5], [0.0, -5.0, 0.0]]),
        ),
        (3, 8),
        6.0,
    ),
    "1×1": (weighted(nn.Conv2d(2, 2, 1, bias=False), torch.tensor([[3.0, 0.0], [4.0, 0.0]])), (2, 5, 5), 5.0),
    "patches": (weighted(nn.Conv2d(1, 2, 2, stride=2, bias=False), torch.tensor([[3.0, 0, 0, 0], [4.0, 0, 0, 0]])), (1, 6, 6), 5.0),
    "patches back": (weighted(nn.ConvTranspose2d(1, 1, 2, stride=2, bias=False), torch.ones(2, 2)), (1, 3, 3), 2.0),
    "pixel unshuffle": (nn.PixelUnshuffle(2), (1, 4, 4), 1.0),
    "orthogonal convolution": (orthogonal_convolution(6, 0), (6, 8, 8), 1.0),
    "circulant permutation": (
        weighted(nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False), torch.tensor([0.0, 0.0, 1.0])),
        (1, 7),
        1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str) -> None:
    layer, shape, exact = CLOSED[name]
    norm = spectral_norm(layer, shape)
    assert norm.lower.value <= exact * (1 + 1e-14) and exact * (1 - 1e-14) <= norm.upper.value <= exact * (1 + 1e-8)
    assert norm_of(layer, shape) == pytest.approx(exact, rel=1e-12), "the closed form is that of the layer"


@pytest.mark.parametrize("size", [1, 2, 8, 20])
def test_closed_forms_of_zero_padding(size: int) -> None:
    """3×3 ones: (1 + 2 cos(pi/(n+1)))²; the second difference: 2 + 2 cos(pi/(n+1))."""
    cosine = math.cos(math.pi / (size + 1))
    ones = weighted(nn.Conv2d(1, 1, 3, padding=1, bias=False), ONES)
    second = weighted(nn.Conv1d(1, 1, 3, padding=1, bias=False), torch.tensor([-1.0, 2.0, -1.0]))
    for layer, shape, exact in ((ones, (1, size, size), (1 + 2 * cosine) ** 2), (second, (1, size), 2 + 2 * cosine)):
        for route, most in (("matrix", 1 + 1e-9), ("symbol", 9.1)):
            norm = spectral_norm(layer, shape, route=route)  # type: ignore[arg-type]
            assert norm.lower.value <= exact * (1 + 1e-14) and exact * (1 - 1e-14) <= norm.upper.value <= exact * most


def test_constants_of_losses_and_activations() -> None:
    with mpmath.workdps(40):
        root = mpmath.sqrt(3)
        logistic, softmax = loss_constants("logistic", 1.0), loss_constants("softmax", 1.0)
        tanh, sigmoid, softplus = (activation_of(layer) for layer in (nn.Tanh(), nn.Sigmoid(), nn.Softplus()))
        assert logistic.hessian_lipschitz and softmax.hessian_lipschitz and tanh and sigmoid and softplus
        for found, exact in (
            (logistic.smoothness.value, mpmath.mpf(1) / 4),
            (logistic.hessian_lipschitz.value, 1 / (6 * root)),
            (softmax.smoothness.value, mpmath.mpf(1) / 2),
            (softmax.hessian_lipschitz.value, mpmath.sqrt(6) / 9),
            (tanh.second, 4 / (3 * root)),
            (sigmoid.high, mpmath.mpf(1) / 4),
            (sigmoid.second, 1 / (6 * root)),
            (sigmoid.third, mpmath.mpf(1) / 8),
            (softplus.second, mpmath.mpf(1) / 4),
            (softplus.third, 1 / (6 * root)),
            (lipschitz(nn.Softmax(-1)).upper.value, mpmath.mpf(1) / 2),
        ):
            assert found is not None and exact <= mpmath.mpf(float(found)) <= exact * (1 + mpmath.mpf(10) ** -5)
        probit = abs(mpmath.diff(lambda z: -mpmath.log(mpmath.ncdf(z)), mpmath.mpf("1.0023693"), 3))
        assert abs(probit - mpmath.mpf("0.2957188")) < 1e-7
    with pytest.raises(ValueError, match="probit"):
        loss_constants("probit", 1.0)  # its third derivative is published and known, and no theorem here holds it


# ---------------------------------------------------------------- semidefinite programmes


class Programme:
    """LipSDP for slopes in [0, 1]: least g such that M(g, m) = g P + sum m_j A_j - C is positive semidefinite for some m >= 0."""

    def __init__(self, weights: list[Tensor], *, by_layer: bool = False) -> None:
        sizes = [weight.shape[1] for weight in weights]
        starts = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
        size = starts[-1]
        matrices = [torch.zeros(size, size, dtype=torch.float64)]
        matrices[0][: sizes[0], : sizes[0]] = torch.eye(sizes[0], dtype=torch.float64)
        for index, weight in enumerate(weights[:-1]):
            neurons = []
            for neuron in range(len(weight)):
                form = torch.zeros(size, size, dtype=torch.float64)
                row, before = starts[index + 1] + neuron, slice(starts[index], starts[index + 1])
                form[row, row], form[row, before], form[before, row] = 2, -weight[neuron], -weight[neuron]
                neurons.append(form)
            matrices += [sum(neurons)] if by_layer else neurons  # type: ignore[list-item]
        self.matrices, self.constant = torch.stack(matrices), torch.zeros(size, size, dtype=torch.float64)
        self.constant[starts[-2] :, starts[-2] :] = weights[-1].T @ weights[-1]

    def solve(self, tolerance: float, most: int = 20_000) -> tuple[Tensor, float]:
        """(m, sqrt g) by alternating directions, as first-order solvers do, once the relative residual is at or below ``tolerance``."""
        rows = self.matrices.flatten(1)
        count = len(rows)
        normal = torch.linalg.inv(rows @ rows.T + torch.diag(torch.tensor([0.0] + [1.0] * (count - 1), dtype=torch.float64)))
        cone, dual = torch.zeros_like(self.constant), torch.zeros_like(self.constant)
        signs = torch.zeros(2, count, dtype=torch.float64)
        for _ in range(most):
            target = rows @ (cone - dual + self.constant).flatten()
            target[0] -= 1
            target[1:] += (signs[0] - signs[1])[1:]
            found = normal @ target
            form = (found @ rows).reshape(self.constant.shape) - self.constant
            values, vectors = torch.linalg.eigh(form + dual)
            cone = (vectors * values.clamp_min(0)) @ vectors.T
            dual, positive = dual + form - cone, (found + signs[1]).clamp_min(0)
            signs = torch.stack((positive, signs[1] + found - positive))
            size = 1 + max(float(part.norm()) for part in (form, cone, self.constant))
            if float((form - cone).norm()) / size <= tolerance:
                return found[1:], math.sqrt(max(float(found[0]), 0.0))
        raise AssertionError("the splitting did not converge")


def nonnegative(seed: int) -> list[Tensor]:
    """Weights of a 3-6-5-2 network without negative entries: where all neurons are active its gradient is the greatest there is."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (3, 6, 5, 2)
    return [
        torch.rand(after, before, generator=generator, dtype=torch.float64) / before**0.5 for before, after in pairwise(sizes)
    ]


@pytest.mark.parametrize("seed", [25, 37])
def test_a_first_order_solver_returns_less_than_a_gradient(seed: int) -> None:
    """At the usual tolerance of 1e-4; on 64-256-256-10 a published solver says 21.03 where a gradient of norm 24.28 exists."""
    weights = nonnegative(seed)
    model = plain(*weights)
    attained = steepest_of(model, torch.ones(1, 3, dtype=torch.float64))
    multipliers, claimed = Programme(weights).solve(1e-4)
    assert claimed < attained * (1 - 1e-4)
    chain = chain_of(model)
    scaled = tuple((multipliers / claimed**2).clamp_min(0).split([6, 5]))
    assert not proved_form(chain, slopes_everywhere(chain), scaled, claimed**2), "the same numbers prove nothing here"
    assert attained * (1 - 1e-14) <= lipschitz(model, "semidefinite", steps=60).upper.value <= attained * (1 + 1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_optimum_of_the_programme_is_reached(seed: int) -> None:
    """By neuron the programme's value, which a splitting run to 1e-8 gives, and not below; by layer it is larger."""
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(after, before, generator=generator, dtype=torch.float64) for before, after in pairwise((3, 6, 5, 2))]
    weights = [weight / weight.norm() for weight in weights]
    neuron, layer = (Programme(weights, by_layer=together).solve(1e-8)[1] for together in (False, True))
    found = lipschitz(plain(*weights), "semidefinite")
    assert neuron < 0.995 * layer, "one multiplier a layer proves less"
    assert found.upper.value <= neuron * (1 + 1e-6)
    if "inequality" in found.proof:
        assert found.upper.value >= neuron * (1 - 1e-6), "no multipliers prove less than the optimum"


def test_coupled_multipliers_prove_that_a_steep_function_is_flat() -> None:
    """relu(x + 1) - relu(x - 1) has the slope 1; with a multiplier that couples the two neurons the inequality holds for L = 0."""
    first, last = torch.tensor([[1.0], [1.0]], dtype=torch.float64), torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    couple = torch.outer(torch.tensor([1.0, -1.0]), torch.tensor([1.0, -1.0])).double()
    form = torch.cat(
        (torch.cat((torch.zeros(1, 1), -first.T @ couple), 1), torch.cat((-couple @ first, 2 * couple - last.T @ last), 1))
    )
    assert float(torch.linalg.eigvalsh(form).min()) >= -1e-15
    model = nn.Sequential(weighted(nn.Linear(1, 2), first), nn.ReLU(), weighted(nn.Linear(2, 1), last))
    with torch.no_grad():
        model[0].bias = nn.Parameter(torch.tensor([1.0, -1.0], dtype=torch.float64))
        model[2].bias = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    assert steepest_of(model, torch.zeros(1, 1, dtype=torch.float64)) == 1.0
    assert lipschitz(model, "semidefinite").upper.value >= 1.0


# ---------------------------------------------------------------- recipes for norms


def test_norms_of_groups_multiplied() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = weighted(nn.Conv2d(8, 8, 1, groups=4, bias=False), torch.randn(8, 2, generator=generator) / 5)
    blocks = layer.weight.detach().reshape(4, 2, 2)  # type: ignore[union-attr, operator]
    recipe = float(torch.linalg.matrix_norm(blocks, 2).prod())
    exact = norm_of(layer, (8, 4, 4))
    norm = spectral_norm(layer, (8, 4, 4))
    assert recipe < exact / 10
    assert exact * (1 - 1e-14) <= norm.upper.value <= exact * (1 + 1e-8)


@pytest.mark.parametrize(("size", "published"), [(8, 1.00495), (16, 1.01992), (32, 1.01512)])
def test_a_kernel_scaled_by_a_coefficient_of_its_input_size(size: int, published: float) -> None:
    """A constant 3×3 kernel of spectral norm 1 as a matrix, times the coefficient that should make the layer 1-Lipschitz."""
    coefficient = size / (3 * size - 2)  # the mean number of pixels that a window holds, along one axis
    layer = weighted(nn.Conv2d(1, 1, 3, padding=1, bias=False), coefficient * ONES / 3)
    exact = coefficient * (1 + 2 * math.cos(math.pi / (size + 1))) ** 2 / 3
    assert exact == pytest.approx(published, abs=1.5e-5) and exact > 1
    norm = spectral_norm(layer, (1, size, size))
    assert exact * (1 - 1e-14) <= norm.upper.value <= exact * (1 + 1e-2) and norm.lower.value > 1


def test_a_local_maximum_of_the_tensor_norm() -> None:
    """sqrt(h w) times the norm of the kernel as a tensor is a bound, but the usual iteration stops at 2.70 where the norm is 3.00."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(16, 2, generator=generator, dtype=torch.float64))[0] for _ in range(2))
    along = torch.tensor([[3.0**-0.5] * 3, [2.0**-0.5, 0.0, -(2.0**-0.5)]], dtype=torch.float64)
    kernel = torch.einsum("oj,ij,jh,jw,j->oihw", left, right, along, along, torch.tensor([1.0, 0.9], dtype=torch.float64))
    answers = []
    for _ in range(8):
        vectors = [
            nn.functional.normalize(torch.randn(size, generator=generator, dtype=torch.float64), dim=0) for size in kernel.shape
        ]
        for _ in range(30):
            for axis, letter in enumerate("oihw"):
                others = ",".join(name for name in "oihw" if name != letter)
                image = torch.einsum(f"oihw,{others}->{letter}", kernel, *vectors[:axis], *vectors[axis + 1 :])
                vectors[axis] = image / image.norm()
        answers.append(3 * float(image.norm()))
    layer = weighted(nn.Conv2d(16, 16, 3, padding=1, padding_mode="circular", bias=False), kernel)
    norm = spectral_norm(layer, (16, 4, 4))
    assert min(answers) == pytest.approx(2.7) and max(answers) == pytest.approx(3.0)
    assert norm_of(layer, (16, 4, 4)) == pytest.approx(3.0) and 3 - 1e-13 <= norm.upper.value <= 3 + 1e-7


def test_a_normalisation_divided_by_its_variance() -> None:
    """|weight|/var in the place of |weight|/sqrt(var + eps): too small where the variance is above one."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3)).double().eval()
    variance = torch.tensor([4.0, 9.0, 25.0], dtype=torch.float64)
    layers[1].running_var.copy_(variance)  # type: ignore[union-attr, operator]
    recipe = float(torch.linalg.matrix_norm(layers[0].weight.detach() / variance[:, None], 2))
    exact = norm_of(layers, (3,))
    assert recipe < 0.8 * exact
    for found in (
        spectral_norm(layers).upper.value,
        lipschitz(layers).upper.value,
        lipschitz(layers, "semidefinite").upper.value,
    ):
        assert exact * (1 - 1e-14) <= found <= exact * (1 + 1e-6)


def test_an_epsilon_in_the_power_iteration() -> None:
    """Vectors divided by their length plus 1e-9, and 1e-9 in the quotient: a neuron of weight 1e-5 has the constant 9.43e-6."""
    weight, epsilon = torch.tensor([[1e-5]]), 1e-9
    vector, moved = torch.ones(1), torch.tensor(math.inf)
    while float(moved) > 1e-5:
        image = weight.T @ (weight @ vector)
        following = image / (image.norm() + epsilon)
        vector, moved = following, ((following - vector) ** 2).sum()
    recipe = float((((weight @ vector) ** 2).sum() / ((vector**2).sum() + epsilon)).sqrt())
    exact = float(weight.double())
    assert recipe == pytest.approx(9.434563e-06, rel=1e-4)
    layer = nn.Linear(1, 1, bias=False)
    layer.weight = nn.Parameter(weight)
    assert recipe < 0.95 * exact < exact <= spectral_norm(layer).upper.value < exact * (1 + 1e-12)


def test_lapack_is_below_the_truth() -> None:
    generator, below = torch.Generator().manual_seed(0), 0
    for _ in range(40):
        matrix = torch.randn(5, 4, generator=generator, dtype=torch.float64)
        exact = true_norm(matrix)
        below += mpmath.mpf(float(torch.linalg.matrix_norm(matrix, 2))) < exact
        for method in ("cholesky", "residual", "ladder"):
            assert mpmath.mpf(matrix_norm(matrix, method=method).upper.value) >= exact  # type: ignore[arg-type]
    assert below >= 10


def test_gram_iteration_in_single_precision() -> None:
    """Fifteen squarings, rescaled by the Frobenius norm: an upper bound of real numbers, and below the truth in float32."""
    generator, below = torch.Generator().manual_seed(0), 0
    for _ in range(20):
        matrix = torch.randn(12, 8, generator=generator)
        power, logarithm = matrix, torch.zeros(())
        for _ in range(15):
            size = power.norm()
            power, logarithm = (power / size).T @ (power / size), 2 * (logarithm + size.log())
        recipe = float(((logarithm + power.norm().log()) * 2.0**-15).exp())
        exact = true_norm(matrix)
        below += mpmath.mpf(recipe) < exact
        assert mpmath.mpf(spectral_norm(matrix).upper.value) >= exact
    assert below >= 4


def test_a_transform_that_crops_the_kernel() -> None:
    """A 5×5 kernel on a 3×3 input: the transform of the input's length drops two taps of five along each axis."""
    kernel = torch.ones(5, 5, dtype=torch.float64)
    recipe = float(torch.fft.fft2(kernel, s=(3, 3)).abs().max())
    layer = weighted(nn.Conv2d(1, 1, 5, padding=2, padding_mode="circular", bias=False), kernel)
    exact = norm_of(layer, (1, 3, 3))
    norm = spectral_norm(layer, (1, 3, 3))
    assert recipe < 0.4 * exact
    assert exact * (1 - 1e-14) <= norm.upper.value <= exact * (1 + 1e-8)


def test_a_jacobian_in_single_precision() -> None:
    """A box that is one point: the norm of the Jacobian computed in float32 is below the truth for some networks."""
    below = 0
    for seed in range(12):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
        point = torch.randn(6)
        with torch.no_grad():
            active = (model[0](point) > 0).float()
            recipe = float(((model[2].weight * active) @ model[0].weight).norm())  # type: ignore[operator]
        exact_model = model.double()
        jacobian = [
            sum((mpmath.mpf(v) * mpmath.mpf(w) for v, w, on in zip(model[2].weight[0].tolist(), column, active.tolist(), strict=True) if on), mpmath.mpf(0))
            for column in model[0].weight.T.tolist()  # type: ignore[union-attr, operator]
        ]  # fmt: skip
        with mpmath.workdps(40):
            exact = mpmath.sqrt(sum(entry**2 for entry in jacobian))
        below += mpmath.mpf(recipe) < exact
        found = lipschitz(exact_model, "local", (point.double(), point.double()), steps=5)
        assert exact <= mpmath.mpf(found.upper.value) <= exact * (1 + mpmath.mpf(10) ** -6)
    assert below >= 3


def test_the_matrix_of_a_layer_is_that_of_its_forward_pass() -> None:
    """What the closed forms are measured by."""
    layer = nn.Linear(3, 2).double()
    assert torch.allclose(matrix_of(layer, (3,)), layer.weight.detach(), atol=1e-15)
