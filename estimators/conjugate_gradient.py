"""Preconditioned conjugate gradients for a positive definite operator, ended by the true residual."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import torch

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

    The residual follows the recurrence and is an estimate: certify with a product of your own.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))
    >>> conjugate_gradient(lambda v: matrix @ v, torch.ones(2, dtype=torch.float64), relative_tolerance=1e-12, most_products=9).result.name
    'CONVERGED'
    """
    apply = precondition or (lambda vector: vector)
    value, residual = torch.zeros_like(right), right.clone()
    target = relative_tolerance * float(torch.linalg.vector_norm(right))
    corrected = apply(residual)
    direction, energy = corrected.clone(), float(residual @ corrected)
    for products in range(most_products + 1):
        if float(torch.linalg.vector_norm(residual)) <= target:
            return Solve(value, products, Result.CONVERGED)
        if products == most_products:
            break
        image = product(direction)
        curvature = float(direction @ image)
        if not (curvature > 0 and energy > 0):
            return Solve(value, products + 1, Result.BREAKDOWN)
        length = energy / curvature
        value = value + length * direction
        residual = residual - length * image
        corrected = apply(residual)
        energy, previous = float(residual @ corrected), energy
        direction = corrected + (energy / previous) * direction
    return Solve(value, most_products, Result.LIMIT)
