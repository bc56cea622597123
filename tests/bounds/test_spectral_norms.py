"""A proved spectral norm is never below the truth, and what would be a false proof is refused."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from certify.bounds import NotALinearMap, spectral_norm, stacked_norm, sum_norm
from certify.bounds.spectral.attained import attained, attained_by
from certify.bounds.spectral.cholesky import _factored, cholesky_norm
from certify.bounds.spectral.dense import Method, matrix_norm
from certify.bounds.spectral.factor import completed
from certify.bounds.spectral.ladder import batched_norms
from certify.bounds.spectral.scaling import frobenius_upper, scaled
from certify.bounds.spectral.symmetric import least_eigenvalue
from certify.proofs.sides import Side

METHODS: tuple[Method, ...] = ("cholesky", "residual", "ladder")


def truth(matrix: Tensor) -> mpmath.mpf:
    """The spectral norm to forty digits, from the exact entries."""
    with mpmath.workdps(60):
        entries = mpmath.matrix([[mpmath.mpf(value) for value in row] for row in matrix.to(torch.float64).tolist()])
        gram = entries.T * entries if entries.rows >= entries.cols else entries * entries.T
        return mpmath.sqrt(max(mpmath.eigsy(gram, eigvals_only=True)))


def enclosed(matrix: Tensor, method: Method) -> tuple[float, float]:
    norm, exact = matrix_norm(matrix, method=method), truth(matrix)
    assert mpmath.mpf(norm.lower.value) <= exact <= mpmath.mpf(norm.upper.value)
    return norm.lower.value, norm.upper.value


@st.composite
def matrices(draw: st.DrawFn) -> Tensor:
    """Small matrices: plain, of low rank, with repeated singular values, or with rows, columns and the whole out of scale."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    matrix = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    match draw(st.sampled_from(["plain", "rank", "orthogonal", "integers", "single"])):
        case "rank":
            matrix = matrix[:, :1] @ matrix[:1]
        case "orthogonal":
            matrix = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0][:rows, :columns]
        case "integers":
            matrix = torch.randint(-3, 4, (rows, columns), generator=generator).to(torch.float64)
        case "single":
            matrix = matrix.to(torch.float32)
    spread = draw(st.sampled_from([0, 0, 3, 9]))
    if spread and matrix.dtype == torch.float64:
        matrix = matrix * 10.0 ** (spread * (torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 0.5))
        matrix = matrix * 10.0 ** draw(st.sampled_from([0, -290, -160, 160, 290]))
    return matrix


@settings(max_examples=180)
@given(matrices(), st.sampled_from(METHODS))
def test_a_proved_norm_is_on_both_sides_of_the_truth(matrix: Tensor, method: Method) -> None:
    lower, upper = enclosed(matrix, method)
    assert upper <= lower * (1 + 1e-5) + 1e-318, "and close to it"


@pytest.mark.slow
def test_a_proved_norm_is_on_both_sides_of_the_truth_of_many_larger_matrices() -> None:
    generator, below = torch.Generator().manual_seed(3), 0
    for number in range(500):
        rows, columns = (int(size) for size in torch.randint(2, 14, (2,), generator=generator))
        matrix = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        if number % 3 == 0:
            matrix = matrix * 10.0 ** (8 * torch.rand(columns, generator=generator, dtype=torch.float64) - 4)
        for method in METHODS:
            enclosed(matrix, method)
        below += mpmath.mpf(float(torch.linalg.matrix_norm(matrix, 2))) < truth(matrix)
    assert below > 100, "negative control: the computed singular value is no upper bound"


def test_a_number_below_the_norm_is_never_proved() -> None:
    """Negative control: what the factorisation is asked to prove is false by one part in a hundred million, and it breaks down."""
    generator = torch.Generator().manual_seed(0)
    for size in (2, 5, 40, 200):
        matrix = torch.randn(size + 3, size, generator=generator, dtype=torch.float64)
        matrix = matrix / matrix.abs().max()
        square = float(torch.linalg.matrix_norm(matrix, 2)) ** 2
        gram = (matrix.T @ matrix)[None]
        assert bool(_factored(square * (1 + 1e-8), gram).all())
        assert not bool(_factored(square * (1 - 1e-8), gram).any())


@pytest.mark.parametrize("entry", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite_prove_nothing(entry: float) -> None:
    """Some builds of LAPACK report success on them."""
    for size in (2, 200):
        matrix = torch.eye(size, dtype=torch.float64)
        matrix[1, 0] = entry
        if math.isnan(entry):
            assert not bool(_factored(2.0, matrix[None]).any())
        with pytest.raises(ValueError, match="not finite"):
            cholesky_norm([matrix[None]])
        with pytest.raises(NotALinearMap, match="not finite"):
            matrix_norm(matrix)


def test_squares_that_underflow_prove_nothing_false() -> None:
    """Unscaled, 755 of 9,000 such matrices had a false proof in an experiment."""
    generator = torch.Generator().manual_seed(1)
    for exponent in (-158, -160, -162, -307, -320):
        for _ in range(5):
            enclosed(torch.rand(3, 3, generator=generator, dtype=torch.float64) * 10.0**exponent, "cholesky")


def test_a_power_iteration_on_the_reshaped_kernel_is_no_bound() -> None:
    """What torch's own parametrisation calls the spectral norm of a convolution is three times below it for a constant kernel."""
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    nn.init.constant_(layer.weight, 1 / 3)
    normalised = torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=50).eval()
    assert abs(float(torch.linalg.vector_norm(normalised.weight.detach())) - 1) < 1e-6
    assert spectral_norm(normalised, (1, 9, 9)).lower.value > 2.99


def test_a_tiny_neuron_is_not_lost_in_an_epsilon() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1e-5)
    assert (
        spectral_norm(layer).lower.value
        <= float(layer.weight.detach().double())
        <= spectral_norm(layer).upper.value
        < 1.0000001e-5
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_short_floats_are_taken_exactly(dtype: torch.dtype) -> None:
    matrix = torch.tensor([[0.1, 0.2], [0.3, -0.7]], dtype=dtype)
    enclosed(matrix, "cholesky")


def test_what_is_no_linear_map_is_refused_by_name() -> None:
    with pytest.raises(NotALinearMap, match="ReLU"):
        spectral_norm(nn.ReLU())
    with pytest.raises(NotALinearMap, match="Dropout"):
        spectral_norm(nn.Dropout())
    with pytest.raises(NotALinearMap, match="int64"):
        spectral_norm(torch.ones(2, 2, dtype=torch.int64))
    with pytest.raises(NotALinearMap, match="axes"):
        spectral_norm(torch.ones(2))
    with pytest.raises(NotALinearMap, match="batch"):
        spectral_norm(nn.BatchNorm2d(3))
    assert spectral_norm(nn.Dropout().eval()).upper.value == 1.0


def test_a_folded_normalisation_is_that_of_the_composed_map() -> None:
    torch.manual_seed(2)
    linear, normalisation = nn.Linear(5, 4).double(), nn.BatchNorm1d(4).double()
    with torch.no_grad():
        for tensor in (normalisation.running_var, normalisation.weight, normalisation.running_mean):
            assert tensor is not None
            tensor.copy_(torch.rand(4, dtype=torch.float64) + 0.1)
    layers = nn.Sequential(linear, normalisation).eval()
    jacobian = torch.autograd.functional.jacobian(lambda x: layers(x[None])[0], torch.zeros(5, dtype=torch.float64))
    exact = float(torch.linalg.matrix_norm(jacobian, 2))
    norm = spectral_norm(layers)
    assert norm.lower.value <= exact * (1 + 1e-14) and exact * (1 - 1e-14) <= norm.upper.value <= exact * (1 + 1e-11)
    separate = spectral_norm(linear).upper.value * spectral_norm(normalisation).upper.value
    assert separate > norm.upper.value * 1.01, "the product of the two norms is another, larger number"
    dropped = spectral_norm(linear).upper.value
    assert abs(dropped - norm.upper.value) > 0.1, "and leaving the normalisation out is wrong"


def test_sums_and_stacks_lie_between_their_bounds() -> None:
    generator = torch.Generator().manual_seed(4)
    for _ in range(20):
        first, second = (torch.randn(4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
        norms = spectral_norm(first), spectral_norm(second)
        total, stack = sum_norm(*norms), stacked_norm(*norms)
        assert total.lower.value <= truth(first + second) <= total.upper.value
        assert stack.lower.value <= truth(torch.cat((first, second))) <= stack.upper.value


def test_a_vector_of_any_scale_attains_no_more_than_the_norm() -> None:
    """Squares of a vector of 1e-160 are no normal numbers: measured unscaled, its image was longer than the norm allows."""
    generator = torch.Generator().manual_seed(5)
    for _ in range(10):
        matrix = torch.randn(4, 5, generator=generator, dtype=torch.float64)
        matrix, direction = matrix / matrix.abs().max(), torch.randn(5, generator=generator, dtype=torch.float64)
        for scale in (1.0, 1e-140, 1e-160, 1e-300, 1e150, 1e300):
            found = attained(matrix, direction * scale).value
            assert 0.0 < found <= truth(matrix)
            plain = attained_by(matrix @ (direction * scale), direction * scale, terms=5, absolute=4.5).value
            assert plain <= truth(matrix) and (plain == 0.0) == (scale != 1.0)
    tiny = direction * 1e-160
    unscaled = float(torch.linalg.vector_norm(matrix @ tiny)) / float(torch.linalg.vector_norm(tiny))
    assert abs(unscaled / attained(matrix, direction).value - 1) > 1e-6, "negative control: that quotient is not the true one"


def test_many_small_matrices_are_bounded_at_any_size_and_scale() -> None:
    generator = torch.Generator().manual_seed(6)
    for rows, columns in ((3, 3), (7, 2), (2, 9), (300, 2)):
        for scale in (1.0, 1e-100, 1e-170, 1e-320, 1e60):
            matrices = torch.randn(3, rows, columns, generator=generator, dtype=torch.float64) * scale
            for bound, matrix in zip(batched_norms(matrices).tolist(), matrices, strict=True):
                small, exponent = scaled(matrix)
                assert mpmath.mpf(bound) >= truth(small) * mpmath.mpf(2) ** exponent
                assert scale < 1e-50 or bound <= 1.03 * float(truth(small)) * 2.0**exponent
    for beyond in (1e160, math.inf, math.nan):
        assert batched_norms(torch.full((1, 2, 2), beyond, dtype=torch.float64)).tolist() == [math.inf]


def test_numbers_whose_rounding_is_not_counted_are_refused() -> None:
    single = torch.eye(3)
    for measured in (least_eigenvalue, frobenius_upper, scaled, completed, lambda matrix: batched_norms(matrix[None])):
        with pytest.raises(TypeError, match="float32"):
            measured(single)


def test_a_least_eigenvalue_beyond_the_doubles_is_minus_infinity_and_no_error_is_negative() -> None:
    beyond = -1e308 * torch.ones(4, 4, dtype=torch.float64)
    assert least_eigenvalue(beyond).value == -math.inf
    assert least_eigenvalue(-beyond).value > -1e294, "the same without the sign: it is singular"
    with pytest.raises(ValueError, match="nonnegative"):
        least_eigenvalue(beyond, -1.0)
    zero = least_eigenvalue(torch.zeros(2, 2, dtype=torch.float64), 0.5)
    assert zero.value == -0.5 and zero.side is Side.LOWER


def test_other_methods_and_routes_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="not by 'power'"):
        matrix_norm(torch.eye(2), method="power")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not 'fourier'"):
        spectral_norm(nn.Conv1d(1, 1, 1), (1, 3), route="fourier")  # type: ignore[arg-type]


def test_a_large_group_of_zeros_beside_another_is_no_obstacle() -> None:
    layer = nn.Conv1d(1300, 1300, 1, groups=2, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[650:, 0] = 1.0
    norm = spectral_norm(layer, (1300, 1), route="matrix")
    assert norm.lower.value <= math.sqrt(650) <= norm.upper.value < math.sqrt(650) * (1 + 1e-9)
