"""Solves against dense solutions, the ways in which they end, and the error that is certified."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spectra import Multiplied, generator, outliers, rotated

from certify.bounds import Bound
from certify.estimators import smallest_eigenvalue, solve
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.solves.conjugate_gradient import conjugate_gradient
from certify.estimators.solves.direct import direct
from certify.estimators.solves.low_rank import LowRank, lanczos_low_rank, nystroem, woodbury
from certify.estimators.solves.minres import minres
from certify.estimators.solves.neumann import lissa, neumann
from certify.estimators.solves.result import Result
from certify.proofs.sides import Side

GGN = rotated(outliers(80), 1)
DAMPED = GGN + 0.02 * torch.eye(80, dtype=torch.float64)


def target(seed: int, columns: int = 0, size: int = 80) -> torch.Tensor:
    shape = (size, columns) if columns else (size,)
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def true_residual(matrix: torch.Tensor, value: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(right - matrix @ value, dim=0)


# ---------------------------------------------------------------- solutions


@pytest.mark.parametrize("solver", [conjugate_gradient, minres, direct])
@pytest.mark.parametrize("columns", [0, 1, 5])
def test_solutions_agree_with_dense_ones(solver, columns: int) -> None:  # type: ignore[no-untyped-def]
    right = target(2, columns)
    solved = solver(Multiplied(DAMPED), right, rtol=1e-10)
    assert solved.result is Result.CONVERGED and solved.value.shape == right.shape
    torch.testing.assert_close(solved.value, torch.linalg.solve(DAMPED, right), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(solved.residual, true_residual(DAMPED, solved.value, right), rtol=1e-3, atol=1e-13)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 3), st.booleans())
def test_conjugate_gradients_and_minres_solve_what_they_say(seed: int, size: int, columns: int, preconditioned: bool) -> None:
    root = torch.randn(size, size, generator=generator(seed), dtype=torch.float64)
    matrix = root @ root.T + 0.1 * torch.eye(size, dtype=torch.float64)
    matrix = (matrix + matrix.T) / 2
    right = target(seed, columns, size)
    diagonal = matrix.diagonal()[:, None]
    for solver in (conjugate_gradient, minres):
        solved = solver(matrix, right, rtol=1e-8, preconditioner=(lambda block: block / diagonal) if preconditioned else None)
        assert solved.result is Result.CONVERGED
        assert bool((true_residual(matrix, solved.value, right) <= 1.001e-8 * right.norm(dim=0)).all())


def test_columns_go_their_own_way() -> None:
    """A column that is solved at once costs no more; the others are not disturbed by it."""
    easy = torch.linalg.eigh(DAMPED).eigenvectors[:, -1]
    right = torch.stack([easy, target(3), torch.zeros(80).double()], dim=1)
    solved = conjugate_gradient(DAMPED, right, rtol=1e-9)
    alone = conjugate_gradient(DAMPED, right[:, 1], rtol=1e-9)
    assert solved.result is Result.CONVERGED and float(solved.value[:, 2].norm()) == 0.0
    torch.testing.assert_close(solved.value[:, 1], alone.value)
    assert solved.products < alone.products + 12


def test_minres_solves_indefinite_equations_that_conjugate_gradients_refuse() -> None:
    matrix = rotated(outliers(80, negative=0.4), 4) + 0.1 * torch.eye(80, dtype=torch.float64)
    assert conjugate_gradient(matrix, target(5), rtol=1e-8).result is Result.INDEFINITE
    solved = minres(matrix, target(5), rtol=1e-8)
    assert solved.result is Result.CONVERGED
    torch.testing.assert_close(solved.value, torch.linalg.solve(matrix, target(5)), rtol=1e-3, atol=1e-4)


def test_neumann_needs_a_scale_and_lissa_its_mean() -> None:
    solved = neumann(DAMPED, target(6), scale=Bound(4.1, Side.UPPER), rtol=1e-3, products=5000)
    assert solved.result is Result.CONVERGED and solved.products > 10 * conjugate_gradient(DAMPED, target(6), rtol=1e-3).products
    assert neumann(DAMPED, target(6), scale=1.0, rtol=1e-3).result is Result.DIVERGED
    with pytest.raises(ValueError, match="pass the upper one"):
        neumann(DAMPED, target(6), scale=Bound(4.0, Side.LOWER), rtol=1e-3)
    with pytest.raises(ValueError, match="no default scale"):
        solve(DAMPED, target(6), method="neumann", rtol=1e-3)
    drawn = torch.Generator().manual_seed(0)

    def sampled() -> torch.Tensor:
        return DAMPED * (0.5 + torch.rand(1, generator=drawn, dtype=torch.float64))

    rough = lissa(DAMPED, target(6), sampled, scale=6.2, steps=400, repetitions=4)
    assert rough.result is Result.BUDGET and 0.01 < rough.relative_residual < 1 and rough.products == 1601
    assert lissa(DAMPED, target(6), lambda: DAMPED, scale=1.0, steps=60).result is Result.DIVERGED


def test_woodbury_says_how_far_its_low_rank_is_from_the_operator() -> None:
    approximation = nystroem(GGN, 20, generator=generator(0))
    solved = woodbury(DAMPED, target(7), approximation, damping=0.02)
    assert solved.result is Result.BUDGET and solved.products == 21
    torch.testing.assert_close(solved.residual, true_residual(DAMPED, solved.value, target(7)))
    whole = nystroem(GGN, 80, generator=generator(0))
    assert woodbury(DAMPED, target(7), whole, damping=0.02, rtol=1e-6).result is Result.CONVERGED
    assert lanczos_low_rank(GGN, 12, generator=generator(1)).values[0] == pytest.approx(4.0, rel=1e-6)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        nystroem(-GGN, 10)
    with pytest.raises(ValueError, match="must be positive"):
        LowRank(torch.eye(2, 1), torch.ones(1), 0).solve(torch.ones(2), 0.0)


def test_a_nystroem_preconditioner_saves_products() -> None:
    wide, damping, right = rotated(10.0 ** torch.linspace(3, -3, 80), 8), 0.01, target(9, 8)
    approximation = nystroem(wide, 40, generator=generator(2))
    matrix = wide + damping * torch.eye(80, dtype=torch.float64)
    bare = conjugate_gradient(matrix, right, rtol=1e-8)
    helped = conjugate_gradient(matrix, right, rtol=1e-8, preconditioner=lambda block: approximation.precondition(block, damping))
    assert helped.result is Result.CONVERGED and helped.products + approximation.products < bare.products / 2


# ---------------------------------------------------------------- how a solve ends


@pytest.mark.parametrize("solver", [conjugate_gradient, minres])
def test_a_budget_is_kept_to_the_last_product(solver) -> None:  # type: ignore[no-untyped-def]
    for products in (2, 3, 7, 20):
        counted = Multiplied(DAMPED)
        solved = solver(counted, target(1, 1), products=products)
        assert solved.result is Result.BUDGET and solved.products == counted.products <= products


def test_a_residual_of_zero_ends_a_solve_without_a_tolerance() -> None:
    solved = conjugate_gradient(2.0 * torch.eye(4, dtype=torch.float64), torch.ones(4).double(), products=1000)
    assert solved.result is Result.BUDGET and solved.products < 10 and float(solved.residual) == 0.0


@pytest.mark.parametrize("method", ["cg", "minres"])
@pytest.mark.parametrize("factor", [2.0**-100, 2.0**100])
def test_the_size_of_a_preconditioner_does_not_matter(method: str, factor: float) -> None:
    held, right = DAMPED.float(), target(1).float()
    plain = solve(held, right, rtol=1e-4, method=method)  # type: ignore[arg-type]
    scaled = solve(held, right, rtol=1e-4, method=method, preconditioner=lambda block: factor * block)  # type: ignore[arg-type]
    assert scaled.result is Result.CONVERGED and abs(scaled.products - plain.products) <= 2
    torch.testing.assert_close(scaled.value, plain.value, rtol=0.01, atol=1e-2)


def test_a_preconditioner_is_never_ignored() -> None:
    with pytest.raises(ValueError, match="would be ignored by direct"):
        solve(DAMPED, target(1), method="direct", rtol=1e-3, preconditioner=lambda block: block)


@pytest.mark.parametrize("method", ["cg", "minres", "direct"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_nothing_is_asked_for_it_goes_as_far_as_the_products_can_tell(method: str, dtype: torch.dtype) -> None:
    operator, right = Multiplied(DAMPED, dtype), target(1).to(dtype)
    solved = solve(operator, right, method=method)  # type: ignore[arg-type]
    assert solved.result is Result.CONVERGED
    size = float(torch.linalg.matrix_norm(DAMPED, 2)) * float(torch.linalg.norm(solved.value)) + float(torch.linalg.norm(right))
    true = float(true_residual(DAMPED.to(dtype).double(), solved.value.double(), right.double()))
    assert true <= 6 * torch.finfo(dtype).eps * size, "backward stable"
    worse = solve(operator, right, rtol=100 * float(solved.relative_residual) + 1e-3)
    assert worse.products < solved.products or method == "direct", "negative control: a tolerance stops earlier"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_backward_error_to_reach_is_eight_times_the_accuracy(dtype: torch.dtype) -> None:
    """A series whose residual falls by five per cent a step ends within ten of the goal: neither earlier nor later."""
    right = target(1).to(dtype)
    solved = solve(Multiplied(torch.eye(80), dtype), right, method="neumann", scale=20.0)
    goal = 8 * torch.finfo(dtype).eps / 2 * float(solved.value.double().norm() + right.double().norm())
    assert solved.result is Result.CONVERGED and 0.9 * goal < float(solved.residual) <= goal * (1 + 1e-6)


@pytest.mark.parametrize("method", ["cg", "minres", "direct"])
@pytest.mark.parametrize(("dtype", "small"), [(torch.float32, 1e-40), (torch.float64, 1e-315)])
@pytest.mark.parametrize("rtol", [None, 1e-6])
def test_a_solution_that_underflows_is_not_called_converged(
    method: str, dtype: torch.dtype, small: float, rtol: float | None
) -> None:
    """Numbers so small have few digits or none, and the residual is that of the ones handed back, for every column by itself."""
    matrix, right = (DAMPED * 1e6).to(dtype), torch.stack([small * target(3).to(dtype), target(3).to(dtype)], dim=1)
    solved = solve(matrix, right, rtol=rtol, method=method)  # type: ignore[arg-type]
    unit = 2.0**120 if dtype == torch.float32 else 2.0**1000
    left = (right[:, 0].double() * unit - matrix.double() @ (solved.value[:, 0].double() * unit)).norm()
    size = float((right[:, 0].double() * unit).norm())
    assert solved.result is Result.STALLED and float(left) > 1e-4 * size
    assert float(solved.residual[0]) * unit == pytest.approx(float(left), rel=0.01)
    assert float(solved.residual[1]) < 1e-4 * float(right[:, 1].norm()), "the other column is none the worse"


def test_a_tolerance_is_a_finite_number() -> None:
    for wrong in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="rtol is a finite number"):
            conjugate_gradient(DAMPED, target(1), rtol=wrong)


@pytest.mark.parametrize("solver", [conjugate_gradient, minres])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_stall_above_the_tolerance_is_a_result(solver, dtype: torch.dtype) -> None:  # type: ignore[no-untyped-def]
    """The recurrence goes on to fall below any tolerance; the true residual does not."""
    solved = solver(Multiplied(DAMPED, dtype), target(1), rtol=1e-20)
    assert solved.result is Result.STALLED
    assert any(not step.true and step.residual < solved.relative_residual / 2 for step in solved.history)
    torch.testing.assert_close(
        solved.residual, true_residual(DAMPED.to(dtype).double(), solved.value, target(1)), rtol=0.5, atol=1e-5
    )


def test_a_singular_operator_whose_range_misses_the_target_says_so() -> None:
    matrix = torch.diag(torch.tensor([1.0, 2.0, 0.0]).double())
    solved = minres(matrix, torch.ones(3).double(), rtol=1e-6)
    assert solved.result is Result.SINGULAR and float(solved.residual) == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["cg", "minres", "neumann", "direct"])
def test_products_that_are_not_finite_are_a_result(method: str) -> None:
    def broken(rows: torch.Tensor) -> torch.Tensor:
        return rows @ DAMPED * math.nan

    operator = Function(broken, 80, dtype=torch.float64, symmetric="a test", positive_semidefinite="a test")
    solved = solve(operator, target(1), damping=0.1, method=method, rtol=1e-6, scale=5.0)  # type: ignore[arg-type]
    assert solved.result is Result.NOT_FINITE and bool(torch.isfinite(solved.value).all()) and math.isinf(float(solved.residual))
    assert solved.error is None and "not finite" in solved.no_error


def test_bad_targets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the target has the shape \(3,\)"):
        conjugate_gradient(DAMPED, torch.ones(3).double(), rtol=1e-3)
    with pytest.raises(ValueError, match="entries that are not finite"):
        conjugate_gradient(DAMPED, torch.full((80,), math.inf).double(), rtol=1e-3)
    with pytest.raises(ValueError, match="the target has no columns"):
        conjugate_gradient(DAMPED, target(1)[:, None][:, :0], rtol=1e-3)
    with pytest.raises(ValueError, match="pass limit=80"):
        direct(DAMPED, target(1), limit=10)
    assert direct(-DAMPED, target(1)).result is Result.INDEFINITE


def test_every_result_says_what_to_do() -> None:
    assert all(len(result.value) > 60 for result in Result) and len({result.value for result in Result}) == len(Result)


# ---------------------------------------------------------------- the certified error


@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([1e-4, 1e-2, 1.0]), st.sampled_from(["cg", "minres"]))
def test_the_error_is_at_most_what_is_certified(seed: int, products: int, damping: float, method: str) -> None:
    operator = Matrix(GGN, positive_semidefinite="built so")
    solved = solve(operator, target(seed, 2), damping=damping, method=method, products=2 + products)  # type: ignore[arg-type]
    exact = torch.linalg.solve(GGN + damping * torch.eye(80, dtype=torch.float64), target(seed, 2))
    assert solved.error is not None and solved.error.side is Side.UPPER
    assert float((solved.value - exact).norm(dim=0).max()) <= solved.error.value + 1e-11 * float(exact.norm())


def test_the_certified_error_is_tight_on_the_least_eigenvector() -> None:
    operator = Matrix(torch.diag(torch.tensor([2.0, 0.0]).double()), positive_semidefinite="built so")
    solved = solve(operator, torch.tensor([0.0, 1.0]).double(), damping=0.5, method="neumann", scale=2.5, products=6)
    assert solved.error is not None
    assert float((solved.value - torch.tensor([0.0, 2.0]).double()).norm()) == pytest.approx(solved.error.value, rel=1e-9)


def test_single_precision_is_certified_with_its_own_accuracy() -> None:
    held = GGN.float()
    held = (held + held.T) / 2
    solved = solve(Multiplied(held, torch.float32, semidefinite=True), target(3), damping=0.02, rtol=1e-4)
    exact = torch.linalg.solve(held.double() + 0.02 * torch.eye(80, dtype=torch.float64), target(3))
    assert solved.error is not None and solved.result is Result.CONVERGED
    assert float((solved.value - exact).norm()) <= solved.error.value <= 0.1


def test_a_hessian_is_certified_only_by_its_smallest_eigenvalue() -> None:
    hessian = rotated(outliers(80, negative=0.01), 6)
    bare = solve(hessian, target(2), damping=0.5, rtol=1e-10)
    assert bare.result is Result.CONVERGED and bare.error is None and "smallest_eigenvalue" in bare.no_error
    smallest = smallest_eigenvalue(hessian, failure_probability=1e-6, generator=generator(0)).lower
    known = solve(hessian, target(2), damping=0.5, rtol=1e-10, smallest=smallest)
    assert known.error is not None and known.error.failure_probability <= 1e-6 and known.error.value < 1e-7
    weak = solve(hessian, target(2), damping=0.001, rtol=1e-10, products=50, smallest=smallest)
    assert weak.error is None and "damp by more than" in weak.no_error


@pytest.mark.parametrize("method", ["cg", "minres"])
@pytest.mark.parametrize(
    ("dtype", "size"), [(torch.float32, 1e-30), (torch.float32, 1e25), (torch.float64, 1e-200), (torch.float64, 1e200)]
)
def test_neither_the_size_of_the_target_nor_that_of_the_operator_matters(method: str, dtype: torch.dtype, size: float) -> None:
    held, right = DAMPED.to(dtype), target(3).to(dtype)
    truth = torch.linalg.solve(DAMPED, target(3))
    for matrix, scaled, unit in ((held, right * size, size), ((DAMPED * size).to(dtype), right, 1 / size)):
        solved = solve(matrix, scaled, rtol=1e-4, method=method)  # type: ignore[arg-type]
        assert solved.result is Result.CONVERGED and 0 < solved.relative_residual <= 1e-4
        assert float((solved.value.double() / unit - truth).norm()) < 0.02 * float(truth.norm())


@pytest.mark.parametrize("method", ["cg", "minres", "direct"])
def test_a_solution_beyond_the_numbers_is_not_called_converged(method: str) -> None:
    solved = solve(DAMPED * 1e-200, target(3) * 1e200, rtol=1e-6, method=method)  # type: ignore[arg-type]
    assert solved.result is Result.NOT_FINITE and bool(torch.isfinite(solved.value).all()) and math.isinf(float(solved.residual))


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_the_tolerance_for_the_residual_is_in_the_units_of_the_target(size: float) -> None:
    loose = solve(DAMPED, target(3) * size, atol=0.1 * size)
    assert loose.result is Result.CONVERGED and 0.001 * size < float(loose.residual) <= 0.1 * size


def test_the_residual_is_that_of_the_value_handed_back() -> None:
    right = target(3).float()
    solved = solve(DAMPED, right, rtol=1e-12)
    left = float(torch.linalg.vector_norm(right.double() - DAMPED @ solved.value.double()))
    assert solved.result is Result.CONVERGED and left <= 2e-12 * float(right.norm())


@pytest.mark.parametrize("method", ["cg", "minres"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda block: -block, "not positive definite"),
        (lambda block: 0 * block, "not positive definite"),
        (lambda block: block * math.nan, "not finite"),
        (lambda block: block[:3], "maps a block"),
    ],
)
def test_a_preconditioner_that_is_none_is_named(method: str, wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        solve(DAMPED, target(3), rtol=1e-8, method=method, preconditioner=wrong)  # type: ignore[arg-type]
    assert solve(DAMPED, target(3), rtol=1e-8, method=method, preconditioner=lambda b: 2 * b).result is Result.CONVERGED  # type: ignore[arg-type]


def test_a_start_does_not_cost_more_than_the_budget() -> None:
    solved = solve(DAMPED, target(3), products=1, start=target(3))
    assert solved.products == 1 and solved.result is Result.BUDGET
    assert float(solved.residual) == pytest.approx(float((target(3) - DAMPED @ solved.value).norm()))


@pytest.mark.parametrize("fails_after", range(2, 6))
def test_products_that_fail_after_the_solution_leave_it_without_an_error(fails_after: int) -> None:
    calls = 0

    def failing(rows: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return rows @ DAMPED * (math.nan if calls > fails_after else 1.0)

    operator = Function(failing, 80, dtype=torch.float64, symmetric="a test", positive_semidefinite="a test")
    solved = solve(operator, target(3), damping=1.0, rtol=1e-9, method="direct")  # two calls for the matrix, two for refinement
    assert solved.result is (Result.NOT_FINITE if fails_after < 4 else Result.CONVERGED)
    assert solved.error is None and "finite" in solved.no_error


def test_lissa_that_overflows_is_a_result() -> None:
    matrix = Matrix(1e60 * DAMPED)
    assert lissa(matrix, target(3), lambda: matrix, scale=1.0, steps=20).result is Result.NOT_FINITE


def test_what_an_operator_of_the_caller_calls_its_matrix_is_not_taken_for_it() -> None:
    """The products of a dense matrix have a proved accuracy; those of an operator that holds some matrix have not."""
    from certify.estimators.operators.matrix import Matrix
    from certify.estimators.products import held_matrix

    class Holder:
        shape, matrix = (2, 2), 1e-30 * torch.eye(2, dtype=torch.float64)

        def __matmul__(self, vectors: torch.Tensor) -> torch.Tensor:
            return vectors

    assert held_matrix(Holder()) is None  # type: ignore[arg-type]
    dense = torch.eye(2, dtype=torch.float64)
    assert held_matrix(dense) is dense and held_matrix(Matrix(dense)) is not None
