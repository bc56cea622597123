"""Conjugate gradients on a plain function, ended by the recurrence: the inner solve of Newton's method, which measures what it gets."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .solves.conjugate_gradient import ConjugateGradient

Product = Callable[[torch.Tensor], torch.Tensor]


class Result(enum.Enum):
    """How a solve ended; the value says what to do."""

    CONVERGED = "the relative residual is within the tolerance that was asked for"
    LIMIT = "the product limit was reached: raise it, or precondition better"
    BREAKDOWN = "the operator is not positive definite to working precision: add damping"


@dataclass(frozen=True)
class Solve:
    """An approximate solution (an estimate, like every number here), the products spent, and how it ended."""

    value: torch.Tensor
    products: int
    result: Result


def conjugate_gradient(
    product: Product, right: torch.Tensor, *, relative_tolerance: float, most_products: int, precondition: Product | None = None
) -> Solve:
    """Solve ``A x = right`` for positive definite A given by ``product``; one product an iteration.

    The residual follows the recurrence and is an estimate: certify with a product of your own, or use
    :func:`certify.estimators.solves.conjugate_gradient.conjugate_gradient`.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))
    >>> conjugate_gradient(lambda v: matrix @ v, torch.ones(2, dtype=torch.float64), relative_tolerance=1e-12, most_products=9).result.name
    'CONVERGED'
    """
    state = ConjugateGradient(torch.zeros_like(right), right.clone(), precondition)
    target = relative_tolerance * float(torch.linalg.vector_norm(right))
    for products in range(most_products + 1):
        if float(torch.linalg.vector_norm(state.residual)) <= target:
            return Solve(state.value, products, Result.CONVERGED)
        if products == most_products:
            break
        image = product(state.direction)
        curvature = state.curvature(image)
        if not (curvature > 0 and state.energy > 0):
            return Solve(state.value, products + 1, Result.BREAKDOWN)
        state.move(image, curvature)
    return Solve(state.value, most_products, Result.LIMIT)
