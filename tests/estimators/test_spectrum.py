"""Both ends of the spectrum: bounds on their sides, their tightness, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import betainc
from spectra import SPECTRA, Multiplied, generator, outliers, rotated

from certify.bounds import Bound, Derived, WrongSide
from certify.estimators import largest_eigenvalue, smallest_eigenvalue, spectral_density
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.products import Accuracy, Products, accuracy
from certify.estimators.spectrum.deflated import frobenius_deflated, tail_deflated, trace_deflated
from certify.estimators.spectrum.lanczos import lanczos
from certify.estimators.spectrum.largest import NoBound
from certify.estimators.spectrum.moments import random_images, trace_and_squares
from certify.estimators.spectrum.recurrence import Recurrence, recurrence
from certify.estimators.spectrum.ritz import ritz
from certify.estimators.spectrum.start import krylov_bound, overlap_bound, start_overlap
from certify.estimators.traces.magnitude import OutOfScale
from certify.proofs.sides import Side

NAMES = sorted(SPECTRA)


def exact(value: float) -> Bound:
    """A number with room for the rounding of the matrix that a test builds."""
    return Bound(value * (1 + 1e-12), Side.UPPER)


# ---------------------------------------------------------------- what is said of the chances, against formulas written here


@pytest.mark.parametrize("size", [2, 3, 50, 100_000])
@pytest.mark.parametrize("failure_probability", [0.5, 0.05, 1e-6])
def test_the_overlap_of_a_start_is_the_quantile_of_its_law(size: int, failure_probability: float) -> None:
    overlap = start_overlap(size, failure_probability)
    chance = float(betainc(0.5, (size - 1) / 2, overlap.value**2))
    assert chance <= overlap.failure_probability * (1 + 1e-9) and overlap.failure_probability <= failure_probability
    if size > 2:
        assert chance > 0.7 * failure_probability, "sharp up to what the theorem leaves"


@pytest.mark.parametrize("failure_probability", [0.2, 1e-4])
@pytest.mark.parametrize(("starts", "probes"), [(1, 1), (2, 0), (3, 0), (2, 2)])
def test_starts_and_probes_fail_together_no_more_often_than_they_say(
    starts: int, probes: int, failure_probability: float
) -> None:
    """On rank one, after one step, the bound of a start says which overlap it takes for granted."""
    matrix = torch.diag(torch.cat([torch.ones(1), torch.zeros(59)]).double())
    budget = {"products": starts + probes, "starts": starts, "probes": probes, "failure_probability": failure_probability}
    found = largest_eigenvalue(matrix, generator=generator(3), **budget)  # type: ignore[arg-type]
    source, parts = generator(3), []
    for _ in range(starts):
        first = Products(matrix).gaussian(1, source)[:, 0]
        parts.append(float(first[0] / first.norm()) ** 2)

    def bound(overlap: float) -> float:
        return max(part + math.sqrt(part * (1 - part)) / overlap for part in parts)

    start = found.routes["start"]
    overlap = brentq(lambda tried: bound(tried) - start.value, 1e-12, 1 - 1e-12, xtol=1e-15)
    chance = float(betainc(0.5, 59 / 2, overlap**2)) ** starts
    assert 0.3**starts * start.failure_probability < chance <= start.failure_probability * (1 + 1e-6)
    total = sum(route.failure_probability for route in found.routes.values())
    assert total <= failure_probability * (1 + 1e-9) and len(found.routes) == 1 + (probes > 0)
    assert found.upper.failure_probability >= total * (1 - 1e-12), "which of them is least is chance"


def test_what_a_recurrence_is_off_by_counts_against_the_overlap() -> None:
    """One step with a = 0, b = 1 and off = 0.01: p_1(2) = 2, and the loss times it is off / b."""
    growth, lost = Recurrence((0.0,), (1.0,), (0.01,), (1.0,)).polynomial(arb(2))
    assert float(growth) == 2.0 and float(lost) == pytest.approx(0.01, rel=1e-12)
    matrix = torch.diag(SPECTRA["uniform"])
    run = lanczos(Products(matrix), Products(matrix).gaussian(1, generator(0))[:, 0], 3)
    assert min(recurrence(run, Accuracy(0.01, False, "rough")).off) >= 0.01


# ---------------------------------------------------------------- both sides


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_both_ends_lie_between_their_bounds(name: str, dtype: torch.dtype) -> None:
    matrix = rotated(SPECTRA[name], 1).to(dtype)
    matrix = (matrix + matrix.T) / 2
    values = torch.linalg.eigvalsh(matrix.double())
    for operator in (matrix, Multiplied(matrix, dtype)):
        for products in (2, 6, 20):
            top = largest_eigenvalue(
                operator,
                failure_probability=1e-6,
                products=products,
                probes=0,
                generator=generator(2),
                frobenius=exact(float(matrix.double().norm())),
            )
            low = smallest_eigenvalue(
                operator,
                failure_probability=1e-6,
                products=products,
                probes=0,
                generator=generator(3),
                frobenius=exact(float(matrix.double().norm())),
            )
            assert top.lower.value <= values[-1] <= top.upper.value
            assert low.lower.value <= values[0] <= low.upper.value
            assert top.products <= products + (dtype == torch.float32 and operator is matrix)
            assert top.lower.failure_probability == 0 and top.upper.failure_probability <= 1e-6


@pytest.mark.parametrize(("negative", "within"), [(0.0, 1e-5), (0.4, 1e-3)])
def test_outliers_are_known_within_one_per_cent_in_twenty_products(negative: float, within: float) -> None:
    matrix = rotated(outliers(400, negative=negative), 4)
    for seed in range(10):
        found = largest_eigenvalue(Multiplied(matrix), failure_probability=1e-6, generator=generator(seed))
        assert found.products <= 20 and found.upper.value <= 4.0 * (1 + within) and found.lower.value > 4.0 * (1 - 1e-9)


def test_single_precision_is_certified_where_the_overlap_can_be_seen() -> None:
    matrix = rotated(outliers(400), 4)
    found = largest_eigenvalue(Multiplied(matrix, torch.float32), failure_probability=1e-2, generator=generator(0))
    assert set(found.routes) == {"start"} and 4.0 <= found.upper.value < 4.01


def test_single_precision_with_a_small_probability_plans_several_starts() -> None:
    matrix = rotated(outliers(400), 4)
    asked = Multiplied(matrix, torch.float32)
    found = largest_eigenvalue(asked, failure_probability=1e-6, generator=generator(0))
    assert set(found.routes) == {"start"} and found.products <= 20 and 4.0 <= found.upper.value < 4.4
    assert found.upper.failure_probability <= 1e-6
    probed = largest_eigenvalue(asked, failure_probability=1e-6, probes=10, generator=generator(0))
    assert 4.0 <= probed.upper.value < 4.4 and "probes" in probed.routes
    with pytest.raises(NoBound, match="Pass starts=2 or probes=10"):
        largest_eigenvalue(asked, failure_probability=1e-12, starts=1, probes=0, generator=generator(0))


@pytest.mark.parametrize(
    "arguments", [{"products": 1}, {"products": 4, "probes": 4}, {"starts": 0}, {"probes": -1}, {"products": 2.5}]
)
def test_a_budget_that_cannot_be_kept_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"integer of at least|leave no Lanczos step"):
        largest_eigenvalue(torch.eye(9).double(), failure_probability=0.1, **arguments)


def test_a_long_run_is_certified_too() -> None:
    matrix = rotated(torch.linspace(-1, 1, 500, dtype=torch.float64), 15)
    found = largest_eigenvalue(matrix, failure_probability=1e-6, products=200, generator=generator(0))
    assert 1.0 - 1e-12 <= found.upper.value < 1.0 + 1e-3


def test_damping_shifts_the_smallest_eigenvalue_and_semidefiniteness_is_exact() -> None:
    matrix = rotated(outliers(60), 5)
    claimed = smallest_eigenvalue(
        Matrix(matrix, positive_semidefinite="built so"), failure_probability=1e-6, damping=0.25, generator=generator(0)
    )
    assert claimed.lower.value == 0.25 and claimed.lower.failure_probability == 0
    bare = smallest_eigenvalue(matrix, failure_probability=1e-6, damping=0.25, generator=generator(0))
    assert bare.lower.value < 0.25 <= bare.upper.value


def test_a_positive_edge_is_certified_as_positive() -> None:
    matrix = rotated(torch.cat([torch.tensor([1.0]), torch.linspace(3, 4, 49)]), 6)
    assert 0.99 < smallest_eigenvalue(matrix, failure_probability=1e-6, generator=generator(0)).lower.value <= 1.0


@given(st.integers(1, 6), st.integers(0, 1000))
def test_small_spaces_end_early_and_exactly(size: int, seed: int) -> None:
    values = torch.randn(size, generator=generator(seed), dtype=torch.float64)
    matrix = rotated(values, seed)
    values = torch.linalg.eigvalsh(matrix)
    found = largest_eigenvalue(matrix, failure_probability=1e-6, generator=generator(seed + 1))
    assert found.lower.value <= values[-1] <= found.upper.value and found.products <= size
    assert found.relative_width < 1e-3


def test_the_zero_operator_has_eigenvalue_zero() -> None:
    found = largest_eigenvalue(torch.zeros(5, 5).double(), failure_probability=1e-6)
    assert found.lower.value <= 0 <= found.upper.value < 1e-200


# ---------------------------------------------------------------- the deterministic bounds


@pytest.mark.parametrize("name", NAMES)
def test_deflation_holds_from_any_start(name: str) -> None:
    """Also from a start that is orthogonal to the top eigenvector: no luck is needed."""
    matrix = rotated(SPECTRA[name], 7)
    values, vectors = torch.linalg.eigh(matrix)
    asked = Products(matrix)
    for start in (vectors[:, 0] + vectors[:, 5], torch.randn(60, generator=generator(0), dtype=torch.float64)):
        run = lanczos(asked, start, 8)
        measured = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
        assert frobenius_deflated(measured, exact(float(matrix.norm() ** 2))).value >= values[-1]
        if values[0] > -1e-9:
            assert trace_deflated(measured, exact(float(matrix.trace()) + 1e-9)).value >= values[-1]


def test_deflation_is_tight_on_outliers() -> None:
    matrix = rotated(outliers(400), 8)
    asked = Products(matrix)
    run = lanczos(asked, asked.gaussian(1, generator(0))[:, 0], 10)
    measured = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
    assert frobenius_deflated(measured, exact(float(matrix.norm() ** 2))).value < 4.0 * (1 + 1e-8)
    first = lanczos(asked, run.basis[:, 0], 5)
    measured = ritz(first.basis, first.images, accuracy(asked, first.basis, first.images))
    assert frobenius_deflated(measured, exact(float(matrix.norm() ** 2))).value < 4.0 * 1.02


def test_one_bound_on_the_tail_serves_fewer_vectors() -> None:
    matrix = rotated(outliers(100, negative=0.4), 9)
    asked = Products(matrix)
    run = lanczos(asked, asked.gaussian(1, generator(0))[:, 0], 10)
    measured = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
    outside = torch.eye(100).double() - run.basis @ run.basis.T
    tail = exact(float((outside @ matrix @ outside).norm()) + 1e-10)
    assert 4.0 <= tail_deflated(measured, tail).value < 4.01


def test_wolkowicz_and_styan_need_the_right_side_of_the_trace() -> None:
    """Negative control: tr = 3, |A|_F² = 9, the largest eigenvalue 3; 6 for the trace in the same formula would certify 2.8."""
    square_sum = Bound(9.0, Side.UPPER)
    assert trace_and_squares(3, trace=Bound(3.0, Side.LOWER), square_sum=square_sum).value == pytest.approx(3.0, abs=1e-6)
    assert trace_and_squares(3, trace=Bound(6.0, Side.UPPER), square_sum=square_sum).value >= 3.0
    assert trace_and_squares(3, trace=Bound(5.0, Side.LOWER), square_sum=square_sum).value < 2.9  # were 5 a lower bound
    from certify.bounds import derive

    with pytest.raises(WrongSide):
        derive("spectrum.wolkowicz-styan", trace=Bound(6.0, Side.UPPER), square_sum=square_sum, others=2, weight=0.5)


# ---------------------------------------------------------------- negative controls


def test_the_ritz_value_plus_its_residual_is_no_bound() -> None:
    """theta + beta, the common rule: from most starts it falls below the largest eigenvalue, while the certified bound does not."""
    values = 0.5 * torch.rand(500, generator=generator(0), dtype=torch.float64)
    values[0] = 1.0
    matrix = torch.diag(values)
    asked, overlap, wrong = Products(matrix), start_overlap(500, 1e-6), 0
    for seed in range(40):
        run = lanczos(asked, asked.gaussian(1, generator(seed))[:, 0], 3)
        beside = run.off_diagonal[:2]
        theta = torch.linalg.eigvalsh(torch.diag(run.diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1))[-1]
        wrong += bool(theta + run.off_diagonal[-1] < 1.0)
        known = accuracy(asked, run.basis, run.images)
        bound = overlap_bound(recurrence(run, known), overlap, known)
        assert bound is not None and bound.value >= 1.0
    assert wrong > 20


def test_lanczos_without_reorthogonalisation_is_refused() -> None:
    """Its ghosts count an eigenvalue twice: from the coefficients alone the deflated bound would lie below the largest eigenvalue."""
    values = torch.cat([torch.tensor([3.0, 2.9]), torch.linspace(0, 0.5, 98)]).double()
    matrix, start = torch.diag(values), torch.ones(100).double()
    start[0] = 0.0
    columns, images, before, beta = [start / start.norm()], [], torch.zeros(100).double(), 0.0
    diagonal, beside = [], []
    for _ in range(60):
        image = matrix @ columns[-1]
        images.append(image)
        diagonal.append(float(columns[-1] @ image))
        rest = image - diagonal[-1] * columns[-1] - beta * before
        before, beta = columns[-1], float(rest.norm())
        beside.append(beta)
        columns.append(rest / beta)
    basis, mapped = torch.stack(columns[:-1], dim=1), torch.stack(images, dim=1)
    with pytest.raises(ValueError, match="without full reorthogonalisation proves nothing"):
        ritz(basis, mapped, Accuracy(1e-14, True, "dense"))
    tridiagonal = (
        torch.diag(torch.tensor(diagonal)) + torch.diag(torch.tensor(beside[:-1]), 1) + torch.diag(torch.tensor(beside[:-1]), -1)
    )
    thetas, vectors = torch.linalg.eigh(tridiagonal.double())
    order = thetas.argsort(descending=True)
    least = math.inf
    for kept in range(1, 12):
        chosen = order[:kept]
        rho = beside[-1] * float(vectors[-1, chosen].norm())
        tail = math.sqrt(max(0.0, float((matrix**2).sum() - (thetas[chosen] ** 2).sum()) - 2 * rho**2))
        least = min(least, float(torch.linalg.eigvalsh(torch.tensor([[float(thetas[chosen[0]]), rho], [rho, tail]]))[-1]))
    assert least < 3.0  # what would have been certified


def test_an_asymmetric_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="not symmetric"):
        largest_eigenvalue(torch.tensor([[1.0, 2.0], [0.0, 1.0]]).double(), failure_probability=0.1)
    with pytest.raises(ValueError, match="not known to be symmetric"):
        largest_eigenvalue(Matrix(torch.tensor([[1.0, 2.0], [0.0, 1.0]]).double()), failure_probability=0.1)
    with pytest.raises(ValueError, match="not finite"):
        largest_eigenvalue(torch.tensor([[math.nan]]).double(), failure_probability=0.1)


@pytest.mark.parametrize("failure", [0.0, 1.0, -1.0, math.nan])
def test_a_probability_must_be_one(failure: float) -> None:
    with pytest.raises(ValueError, match="failure probability"):
        largest_eigenvalue(torch.eye(3).double(), failure_probability=failure)


# ---------------------------------------------------------------- evidence


def test_a_bound_names_its_theorem_and_its_premise() -> None:
    matrix = rotated(outliers(60), 10)
    measured = largest_eigenvalue(Multiplied(matrix), failure_probability=1e-6, generator=generator(0)).upper
    proved = largest_eigenvalue(matrix, failure_probability=1e-6, generator=generator(0)).upper
    assert isinstance(measured.evidence, Derived) and measured.evidence.theorem == "spectrum.lanczos-growth"
    words = " ".join(str(bound.evidence) for bound in measured.ancestors())
    assert "stated accuracy of the products" in words
    assert "stated accuracy" not in " ".join(str(bound.evidence) for bound in proved.ancestors())


def test_the_krylov_bound_is_sharper_than_kuczynski_and_wozniakowski_and_names_its_premise() -> None:
    matrix = rotated(outliers(200), 11)
    asked = Products(matrix)
    run = lanczos(asked, asked.gaussian(1, generator(0))[:, 0], 20)
    measured = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
    bound = krylov_bound(measured, start_overlap(200, 1e-3))
    published = measured.values[0] / (1 - (math.log(1.648 * math.sqrt(200) / 1e-3) / (2 * 20 - 1)) ** 2)
    assert 4.0 <= bound.value < published
    assert "premise" in " ".join(str(node.evidence) for node in bound.ancestors())


def test_random_images_bound_the_norm_loosely() -> None:
    matrix = rotated(outliers(60, negative=0.4), 12)
    bound = random_images(Multiplied(matrix), failure_probability=1e-6, probes=10, generator=generator(0))
    assert 4.0 <= bound.value < 200 and bound.failure_probability <= 1e-6


# ---------------------------------------------------------------- density


def test_the_density_integrates_polynomials_exactly_and_sums_to_one() -> None:
    matrix = rotated(outliers(60), 13)
    density = spectral_density(Multiplied(matrix), steps=10, probes=200, generator=generator(0))
    assert torch.allclose(density.weights.sum(dim=1), torch.ones(200).double())
    value, spread = density.trace_of(lambda x: x**2)
    assert abs(value.value - float((matrix**2).sum())) < 5 * spread.value
    assert abs(float(density.cumulative(torch.tensor([0.2]))) - 54 / 60) < 0.05
    grid = torch.linspace(-2, 6, 4001, dtype=torch.float64)
    assert float(density.smoothed(grid, 0.1).sum() * (grid[1] - grid[0])) == pytest.approx(1.0, abs=1e-3)


def test_the_quadrature_error_needs_the_factor_two() -> None:
    """f = x², one step, eigenvalues -1 and 1: a constant is off by 1/2, and the quadrature by one from every start."""
    matrix = torch.diag(torch.tensor([-1.0, 1.0]).double())
    run = lanczos(Products(matrix), torch.ones(2).double(), 1)
    assert abs(float(run.diagonal[0]) ** 2 - 1.0) == pytest.approx(1.0)


@pytest.mark.gpu
def test_everything_runs_where_the_operator_lies() -> None:
    matrix = rotated(outliers(400), 14).cuda()
    for operator, probability in ((matrix, 1e-6), (Multiplied(matrix, torch.float32), 1e-3)):
        found = largest_eigenvalue(operator, failure_probability=probability, generator=torch.Generator("cuda").manual_seed(0))
        assert found.lower.value <= 4.0 + 1e-6 and 4.0 - 1e-6 <= found.upper.value < 4.1 and found.vector.is_cuda
        low = smallest_eigenvalue(operator, failure_probability=probability, generator=generator(0))
        assert low.lower.value <= 1e-6
        density = spectral_density(operator, steps=8, probes=4, generator=generator(0))
        assert float(density.weights.sum()) == pytest.approx(4.0)


@pytest.mark.parametrize("size", [1e-300, 1e-165, 1e155, 1e300])
def test_squares_that_leave_the_doubles_are_refused_and_end(size: float) -> None:
    matrix = rotated(SPECTRA["one"], 1) * size
    for held in (matrix, Multiplied(matrix)):
        for ask in (largest_eigenvalue, smallest_eigenvalue):
            with pytest.raises(OutOfScale, match="power of two"):
                ask(held, failure_probability=1e-3, generator=generator(0))


def test_an_operator_that_claims_to_be_symmetric_and_is_not_is_caught() -> None:
    lopsided = rotated(SPECTRA["outliers"], 1)
    for size, caught in ((0.0, False), (1e-9, True), (1.0, True)):
        changed = lopsided.clone()
        changed[0, 1] += size
        operator = Function(lambda rows, held=changed: rows @ held.T, 60, dtype=torch.float64, symmetric="a claim")  # type: ignore[misc]
        if caught:
            with pytest.raises(ValueError, match="not symmetric"):
                largest_eigenvalue(operator, failure_probability=1e-3, generator=generator(0))
        else:
            assert largest_eigenvalue(operator, failure_probability=1e-3, generator=generator(0)).upper.value >= 4 - 1e-12


@pytest.mark.parametrize("size", [1e-30, 1e30])
@pytest.mark.parametrize("double", [None, False])
def test_single_precision_whose_squares_leave_it_is_enclosed(size: float, double: bool | None) -> None:
    held = (rotated(SPECTRA["outliers"], 1) * size).float()
    truth = float(torch.linalg.eigvalsh(held.double() / size)[-1]) * size
    found = largest_eigenvalue(Multiplied(held), failure_probability=1e-2, double=double, generator=generator(0))
    assert found.lower.value <= truth <= found.upper.value <= 1.5 * truth
