"""Conjugate gradients against dense solves, and the three ways in which a solve can end."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from certify.estimators.conjugate_gradient import Result, conjugate_gradient


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.booleans())
def test_the_solution_agrees_with_a_dense_solve(seed: int, size: int, preconditioned: bool) -> None:
    random = np.random.default_rng(seed)
    root = torch.from_numpy(random.standard_normal((size, size)))
    matrix = root @ root.T + torch.diag(torch.from_numpy(random.uniform(0.5, 50, size)))
    right = torch.from_numpy(random.standard_normal(size))
    precondition = (lambda v: v / matrix.diagonal()) if preconditioned else None
    solved = conjugate_gradient(
        lambda v: matrix @ v, right, relative_tolerance=1e-10, most_products=20 * size + 20, precondition=precondition
    )
    assert solved.result is Result.CONVERGED
    torch.testing.assert_close(solved.value, torch.linalg.solve(matrix, right), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(matrix @ solved.value, right, rtol=1e-7, atol=1e-8)


def test_a_stalled_solve_says_that_the_limit_was_reached() -> None:
    matrix = torch.diag(torch.logspace(0, 8, 50, dtype=torch.float64))
    solved = conjugate_gradient(
        lambda v: matrix @ v, torch.ones(50, dtype=torch.float64), relative_tolerance=1e-12, most_products=3
    )
    assert solved.result is Result.LIMIT and solved.products == 3


def test_an_indefinite_operator_breaks_down() -> None:
    matrix = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    solved = conjugate_gradient(
        lambda v: matrix @ v, torch.ones(2, dtype=torch.float64), relative_tolerance=1e-12, most_products=9
    )
    assert solved.result is Result.BREAKDOWN
