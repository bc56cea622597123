"""Operators of a dense matrix and of a plain function, for tests, small problems, and products of one's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from certify.bounds import Bound, Declared, Measured
from certify.proofs.sides import Side

from ..engines.parameters import Layout
from .operator import Claim, Operator, unclaimed


class Matrix(Operator):
    """A dense matrix [rows, columns] as an operator. ``positive_semidefinite`` is the reason why it is, if it is.

    >>> Matrix(torch.eye(2)) @ torch.ones(2)
    tensor([1., 1.])
    """

    def __init__(self, matrix: Tensor, *, positive_semidefinite: str = "") -> None:
        if matrix.dim() != 2 or not matrix.is_floating_point() or not bool(torch.isfinite(matrix).all()):
            raise ValueError("a matrix operator needs a finite floating-point tensor with two dimensions")
        self.matrix = matrix.detach()
        symmetric = matrix.shape[0] == matrix.shape[1] and bool((matrix == matrix.T).all())
        if positive_semidefinite and not symmetric:
            raise ValueError(
                "the matrix is not symmetric entry by entry, and was declared positive semidefinite: symmetrise it first"
            )
        super().__init__(
            Layout.anonymous(matrix.shape[0]), Layout.anonymous(matrix.shape[1]), dtype=matrix.dtype, device=matrix.device,
            symmetric=Claim(symmetric, Measured("all entries compared with the transpose")),
            positive_semidefinite=declared(positive_semidefinite),
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        return block @ self.matrix.T

    def adjoint(self) -> Operator:
        return self if self.symmetric else Matrix(self.matrix.T)


class Function(Operator):
    """A symmetric operator [size, size] by a function of the caller: vectors in the rows [K, size] to their products.

    ``positive_semidefinite`` is the reason why it is, if it is; ``smallest`` declares a lower bound of its spectrum.
    """

    def __init__(
        self,
        multiply: Callable[[Tensor], Tensor],
        size: int,
        *,
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
        symmetric: str,
        positive_semidefinite: str = "",
        smallest: float | None = None,
        accuracy: float = 0.0,
    ) -> None:
        self._function, self._smallest, self._reason = multiply, smallest, symmetric
        super().__init__(
            Layout.anonymous(size), Layout.anonymous(size), dtype=dtype, device=torch.device(device),
            symmetric=declared(symmetric), positive_semidefinite=declared(positive_semidefinite), accuracy=accuracy,
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        result = self._function(block)
        if not isinstance(result, Tensor) or result.shape != block.shape:
            what = f"a tensor of shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
            raise ValueError(f"the function of this operator returned {what}, and takes and gives rows {list(block.shape)}")
        return result

    def adjoint(self) -> Operator:
        if not self.symmetric:
            raise ValueError("this operator is not known to be symmetric, and its transpose is not given")
        return self

    def lower_bound(self) -> Bound | None:
        if self._smallest is not None:
            return Bound(self._smallest, Side.LOWER, Declared("declared with the operator"))
        return super().lower_bound()


def declared(reason: str) -> Claim:
    """The claim with this reason, or none where the reason is empty."""
    return Claim(True, Declared(reason)) if reason else unclaimed("not declared")
