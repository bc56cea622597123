"""Products with a symmetric operator: counted, checked, reported, and with an accuracy that is stated.

Everything certified here is a statement about the exact symmetric matrix that the operator stands for. Its products come from
floating-point arithmetic. For a dense float64 matrix the distance between the two is proved; for automatic differentiation
nobody has such a theorem, so it is measured, added outward wherever a bound is made, and named as a premise of the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from certify.bounds.evidence import Measured
from certify.bounds.rounding import UNDERFLOW, gamma
from certify.bounds.spectral import vector_norm_upper


class SymmetricOperator(Protocol):
    """What is needed of an operator: a square shape, a dtype, a device, and ``@`` on vectors and on blocks of columns.

    A dense symmetric tensor is one, and so is every :class:`~certify.estimators.operators.operator.Operator` that is symmetric.
    """

    @property
    def shape(self) -> Any:
        """Rows and columns, equal."""

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of vectors."""

    @property
    def device(self) -> torch.device:
        """Where vectors live."""

    def __matmul__(self, other: torch.Tensor, /) -> torch.Tensor:
        """The product with a vector [P] or a block [P, K]."""


class NotFinite(ArithmeticError):
    """A product came out infinite or not a number."""


class Products:
    """Products with an operator, counted by columns. Raises :class:`NotFinite` where one is not finite.

    >>> products = Products(torch.eye(2, dtype=torch.float64))
    >>> products(torch.ones(2, 3, dtype=torch.float64)).shape, products.count
    (torch.Size([2, 3]), 3)
    """

    def __init__(self, operator: SymmetricOperator) -> None:
        size, columns = operator.shape
        if size != columns or size < 1:
            raise ValueError(f"a symmetric operator is square and not empty, not {size} by {columns}")
        if not operator.dtype.is_floating_point:
            raise ValueError(f"an operator has floating-point entries, not {operator.dtype}")
        if isinstance(operator, torch.Tensor):
            if not bool(torch.isfinite(operator).all()):
                raise ValueError("the matrix has entries that are not finite")
            if not torch.equal(operator, operator.T):
                raise ValueError("the matrix is not symmetric: pass (A + A.T) / 2, or the operator that was meant")
        elif not getattr(operator, "symmetric", True):
            raise ValueError(f"{operator!r} is not known to be symmetric, and eigenvalues and solves here need that")
        self.operator, self.size, self.count = operator, int(size), 0

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """The image of a vector or a block; the tensor given must be of the operator's dtype, on its device."""
        try:
            image: torch.Tensor = self.operator @ vectors
        except ValueError as refusal:
            if "not finite" in str(refusal):
                raise NotFinite(str(refusal)) from refusal  # it names the parameter
            raise
        self.count += 1 if vectors.ndim == 1 else vectors.shape[1]
        if not bool(torch.isfinite(image).all()):
            raise NotFinite(
                f"product {self.count} is not finite: look for parameters or data that are not, or for a loss that overflows"
            )
        return image

    def vector(self, values: torch.Tensor, name: str) -> torch.Tensor:
        """``values`` as vectors of this operator; raises ``ValueError`` for a wrong size and for entries that are not finite."""
        if values.ndim not in (1, 2) or values.shape[0] != self.size:
            raise ValueError(f"{name} has the shape {tuple(values.shape)}; the operator takes [{self.size}] or [{self.size}, K]")
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"{name} has entries that are not finite")
        return values.to(device=self.operator.device, dtype=self.operator.dtype)

    def gaussian(self, columns: int, generator: torch.Generator | None) -> torch.Tensor:
        """A block of independent standard normal columns; ``generator=None`` draws fresh entropy."""
        if generator is None:
            generator = torch.Generator(self.operator.device)
            generator.seed()
        drawn = torch.randn(self.size, columns, generator=generator, dtype=self.operator.dtype, device=generator.device)
        drawn = drawn.to(self.operator.device)
        agreed = getattr(self.operator, "agreed", None)  # processes that share an operator start alike
        return drawn if agreed is None else agreed(drawn)


@dataclass(frozen=True)
class Accuracy:
    """Every computed product with v is within ``absolute`` times the norm of v of the true one; ``words`` say how that is known."""

    absolute: float
    proved: bool
    words: str

    def evidence(self, what: str) -> Measured:
        """The evidence of a number that was computed from products of this accuracy."""
        return Measured(f"{what}; {self.words}")


def held_matrix(operator: SymmetricOperator) -> torch.Tensor | None:
    """The dense float64 matrix that an operator is or holds, whose products have a proved accuracy; else None."""
    from .operators.matrix import Matrix

    matrix = operator.matrix if type(operator) is Matrix else operator  # what others call their matrix may be anything
    return matrix if isinstance(matrix, torch.Tensor) and matrix.dtype == torch.float64 else None


def accuracy(products: Products, vectors: torch.Tensor, images: torch.Tensor) -> Accuracy:
    """How far the products are from those of an exactly linear symmetric operator, in units of the vector's norm.

    Dense float64 matrices: gamma_n |A|_F, proved (Higham 2002, 3.5). Other operators: one product more, with a mixture of the
    ``vectors`` [P, K] whose ``images`` are known. Eight times what it is off by, and at least eight times the accuracy that the operator
    measured at its construction (or the roundoff) of the longest image, is *the stated accuracy*: a premise of every bound that uses it, not a theorem.

    >>> accuracy(Products(torch.eye(2, dtype=torch.float64)), torch.empty(2, 0), torch.empty(2, 0)).proved
    True
    """
    operator, size, matrix = products.operator, products.size, held_matrix(products.operator)
    if matrix is not None:
        return Accuracy(
            1.01 * gamma(size) * vector_norm_upper(matrix) + size * UNDERFLOW, True, "products of a dense float64 matrix"
        )
    vectors, images = (block[:, None] if block.ndim == 1 else block for block in (vectors, images))
    mixture = torch.cos(1.0 + 1.7 * torch.arange(vectors.shape[1], dtype=torch.float64, device=vectors.device))
    mixed = vectors.double() @ mixture
    mixed = mixed / torch.linalg.vector_norm(mixed)
    coefficients = mixture / torch.linalg.vector_norm(vectors.double() @ mixture)
    off = products(mixed.to(operator.dtype)).double() - images.double() @ coefficients
    lengths = torch.linalg.vector_norm(vectors.double(), dim=0)
    longest = float((torch.linalg.vector_norm(images.double(), dim=0) / lengths).max())
    absolute = 8 * max(float(torch.linalg.vector_norm(off)), relative_accuracy(operator) * longest)
    if not math.isfinite(absolute):
        raise NotFinite("the accuracy of the products cannot be measured: a product is not finite")
    return Accuracy(absolute, False, f"exact up to the stated accuracy of the products, {absolute:.3g}, which was measured")


def relative_accuracy(operator: SymmetricOperator) -> float:
    """What the operator measured of its products at its construction, relative to their length; the roundoff at least."""
    return max(torch.finfo(operator.dtype).eps / 2, float(getattr(operator, "accuracy", 0.0)))


def semidefinite(operator: SymmetricOperator, given: bool | None) -> bool:
    """Whether the operator may be taken as positive semidefinite: what was ``given``, else what the operator claims, else no."""
    if given is not None:
        return given
    return bool(getattr(operator, "positive_semidefinite", False))
