"""Intervals of influence against exact rational arithmetic, with no slack: rounding is inside of what is claimed."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from certify.estimators import influence
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.operators.operator import Operator

Rational = list[Fraction]


def solved(matrix: list[Rational], right: Rational) -> Rational:
    """By Gaussian elimination."""
    rows = [[*row, entry] for row, entry in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = next(r for r in range(i, len(rows)) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(len(rows)):
            if r != i and rows[r][i]:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [entry - factor * above for entry, above in zip(rows[r], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def problem(seed: int) -> tuple[Tensor, Tensor, Tensor, float, Fraction]:
    """(B'B, u, v, damping, u'(B'B + damping I)^-1 v) with whole numbers and a power of two, of any rank: condition numbers up to 1e12."""
    drawn = random.Random(seed)
    size, rank = drawn.randint(2, 8), drawn.randint(1, 9)
    root = [[drawn.randint(-9, 9) for _ in range(size)] for _ in range(rank)]
    matrix = [[sum(row[i] * row[j] for row in root) for j in range(size)] for i in range(size)]
    u = [drawn.randint(-20, 20) for _ in range(size - 1)] + [1]
    v = u if seed % 3 == 0 else [drawn.randint(-20, 20) for _ in range(size - 1)] + [-1]
    damping = 2.0 ** -drawn.randint(0, 25)
    damped = [[Fraction(matrix[i][j]) + (Fraction(damping) if i == j else 0) for j in range(size)] for i in range(size)]
    truth = sum((a * x for a, x in zip(u, solved(damped, [Fraction(entry) for entry in v]), strict=True)), Fraction(0))
    return (*(torch.tensor(part, dtype=torch.float64) for part in (matrix, u, v)), damping, truth)  # type: ignore[return-value]


@pytest.mark.parametrize("proved", [True, False], ids=["dense", "measured"])
@pytest.mark.parametrize("products", [4, 8, 40])
def test_the_exact_value_lies_in_every_interval(proved: bool, products: int) -> None:
    """Fifty problems each way; at 40 products all have converged, where bounds of exact arithmetic are violated by rounding."""
    beside = 0
    for seed in range(50):
        matrix, u, v, damping, truth = problem(seed)
        operator: Operator = Matrix(matrix, positive_semidefinite="B'B")
        if not proved:
            operator = Function(
                lambda rows, matrix=matrix: rows @ matrix,  # type: ignore[misc]
                len(u), dtype=torch.float64, symmetric="B'B", positive_semidefinite="B'B",
            )  # fmt: skip
        found = influence(operator, of=v, on=u, damping=damping, products=products)
        assert found.lower is not None and found.upper is not None
        for lower, upper in ((found.lower, found.upper), *found.routes.values()):
            assert Fraction(lower.value) <= truth <= Fraction(upper.value)
        beside += Fraction(found.estimate.value) != truth
    assert beside > 35  # the estimate itself is rounded: an interval without rounding would miss
