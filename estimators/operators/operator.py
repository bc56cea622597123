"""The one base of all operators: a matrix that is known by its products, and what is claimed of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from certify.bounds import Bound, Declared, Evidence
from certify.proofs.sides import Side

from ..engines.data import Unit
from ..engines.parameters import Layout, Patterns

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


@dataclass(frozen=True)
class Claim:
    """Whether a property holds, and how that is known. False means not known to hold."""

    holds: bool
    evidence: Evidence

    def __bool__(self) -> bool:
        return self.holds

    def and_also(self, other: Claim) -> Claim:
        """The claim that both hold."""
        if not (self and other):
            return unclaimed("one part is not known to have the property")
        return self if self == other else Claim(True, Declared(f"{_words(self.evidence)}; {_words(other.evidence)}"))


def unclaimed(reason: str) -> Claim:
    """The absence of a claim."""
    return Claim(False, Declared(reason))


class Operator(ABC):
    """A matrix A [rows, columns] that is multiplied and never formed.

    ``A @ v`` takes a flat tensor [columns], a block [columns, K], or a dictionary of tensors by parameter, and returns the
    same kind. The product is computed in ``A.dtype`` and returned in the type of v, without a graph: it is a constant to automatic
    differentiation. ``products`` counts the vectors
    multiplied so far (a block of K counts K; the probes at construction are in ``probe_products``). ``accuracy``
    is the measured relative accuracy of a product, an estimate: no theorem covers the rounding errors of automatic differentiation.
    """

    __array_ufunc__ = None  # an array of numpy leaves ``array @ operator`` and the like to this class
    parts: tuple[Operator, ...] = ()
    """The operators that this one is made of."""
    shared = False
    """Whether every product is one of several processes together."""

    def __init__(
        self,
        rows: Layout,
        columns: Layout,
        *,
        dtype: torch.dtype,
        device: torch.device,
        symmetric: Claim,
        positive_semidefinite: Claim,
        unit: Unit | None = None,
        accuracy: float = 0.0,
    ) -> None:
        self.rows, self.columns, self.dtype, self.device = rows, columns, dtype, device
        self.symmetric, self.positive_semidefinite = symmetric, positive_semidefinite
        self.unit, self.accuracy = unit, accuracy
        self.products, self.probe_products = 0, 0

    @abstractmethod
    def _multiply(self, block: Tensor) -> Tensor:
        """The products of vectors that lie in the rows of ``block`` [K, columns], in the rows of the result [K, rows]."""

    @abstractmethod
    def adjoint(self) -> Operator:
        """The transposed operator; a symmetric one is its own."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows.size, self.columns.size

    @property
    def T(self) -> Operator:
        """The transposed operator."""
        return self.adjoint()

    def lower_bound(self) -> Bound | None:
        """A lower bound on the smallest eigenvalue, or None where none is known: 0 for a positive semidefinite operator.

        It is about the exact matrix. Its evidence names the premise that products are exact up to ``accuracy``.
        """
        if not self.positive_semidefinite:
            return None
        premise = (
            f"{_words(self.positive_semidefinite.evidence)}; products are exact up to a measured relative {self.accuracy:.1e}"
        )
        return Bound(0.0, Side.LOWER, Declared(premise))

    def agreed(self, drawn: Tensor) -> Tensor:
        """A random tensor as all processes that share this operator are to use it; without such processes the tensor itself."""
        for part in self.parts:
            drawn = part.agreed(drawn)
        return drawn

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, Operator):
            from .composed import Product

            return Product(self, other)
        if isinstance(other, Mapping):
            wide = (
                torch.float64 if any(getattr(tensor, "dtype", None) == torch.float64 for tensor in other.values()) else self.dtype
            )
            return self.rows.named(self @ self.columns.flatten(other, wide).to(self.device))
        if not isinstance(other, Tensor):
            raise ValueError(
                f"an operator multiplies tensors and dictionaries of tensors, not {type(other).__name__}: torch.as_tensor makes one"
            )
        return self._checked(other)

    def _checked(self, vector: Tensor) -> Tensor:
        if torch._C._functorch.is_functorch_wrapped_tensor(vector):
            raise ValueError(
                "the vector is inside torch.func, and products are not differentiated or mapped: multiply plain tensors, several in a block [P, K]"
            )
        if not vector.is_floating_point():
            raise ValueError(f"the vector holds {vector.dtype}: convert it to a floating-point type")
        if vector.dim() not in (1, 2) or vector.shape[0] != self.shape[1]:
            raise ValueError(
                f"an operator of shape {self.shape} multiplies tensors of shape ({self.shape[1]},) or ({self.shape[1]}, K), "
                f"not {tuple(vector.shape)}"
            )
        if vector.device != self.device:
            raise ValueError(f"the vector lies on {vector.device}, and the operator on {self.device}: move it with .to(...)")
        if not _finite(vector):
            raise ValueError("the vector has entries that are not finite")
        block = (vector[None] if vector.dim() == 1 else vector.T).detach()
        if not block.numel():
            return vector.new_zeros((self.shape[0], *vector.shape[1:]))
        if (
            torch.finfo(vector.dtype).max > torch.finfo(self.dtype).max
        ):  # by powers of two, so that nothing leaves the narrower type
            exponents = torch.frexp(block.abs().amax(dim=1, keepdim=True)).exponent
            scaled = self.multiply_rows(_times_power(block, -exponents).to(self.dtype))
            result = _times_power(scaled.to(vector.dtype), exponents)
        else:
            result = self.multiply_rows(block.to(self.dtype)).to(vector.dtype)
        if not _finite(result):
            raise ValueError(f"the product is not finite in {self._where(result)}: the curvature there overflows or is undefined")
        return result[0] if vector.dim() == 1 else result.T

    def multiply_rows(self, block: Tensor) -> Tensor:
        """The counted products of vectors in the rows of ``block`` [K, columns], without checks; rows [K, rows]."""
        self.products += len(block)
        return self._multiply(block)

    def _where(self, result: Tensor) -> str:
        for name, entries in self.rows.slices().items():
            if not bool(torch.isfinite(result[..., entries]).all()):
                return repr(name)
        return "no parameter"

    def to_scipy(self) -> LinearOperator:
        """This operator for SciPy: numpy vectors in float64, products in ``dtype`` on ``device``."""
        import numpy
        from scipy.sparse.linalg import LinearOperator

        def apply(operator: Operator, array: Any) -> Any:
            if numpy.iscomplexobj(array):
                return apply(operator, array.real) + 1j * apply(operator, array.imag)
            wide = torch.float32 if self.device.type == "mps" else torch.float64
            vectors = torch.from_numpy(numpy.array(array, dtype=numpy.float64, order="C")).to(self.device, wide)
            return (operator @ vectors).cpu().double().numpy()

        def transposed(array: Any) -> Any:
            return apply(self.adjoint(), array)

        def times(array: Any) -> Any:
            return apply(self, array)

        return LinearOperator(self.shape, matvec=times, rmatvec=transposed, matmat=times, rmatmat=transposed, dtype=numpy.float64)

    def dense(self) -> Tensor:
        """The matrix itself [rows, columns], by one product a column: for small operators and tests."""
        return self._checked(torch.eye(self.shape[1], dtype=self.dtype, device=self.device))

    def damped(self, damping: float) -> Operator:
        """A + damping·I.

        >>> from certify.estimators.operators.matrix import Matrix
        >>> Matrix(torch.zeros(2, 2), positive_semidefinite="zero").damped(0.5).lower_bound().value
        0.5
        """
        from .composed import Damped

        return Damped(self, damping)

    def block(self, rows: Patterns, columns: Patterns | None = None) -> Operator:
        """The sub-block of the parameters whose names match the patterns; ``columns`` defaults to ``rows``."""
        from .composed import Block

        return Block(self, self.rows.indices(rows), self.columns.indices(rows if columns is None else columns))

    def __add__(self, other: Operator) -> Operator:
        from .composed import Sum

        return Sum(self, other) if isinstance(other, Operator) else NotImplemented

    def __sub__(self, other: Operator) -> Operator:
        return self + (-other) if isinstance(other, Operator) else NotImplemented

    def __mul__(self, factor: float) -> Operator:
        from .composed import Scaled

        return Scaled(self, factor) if isinstance(factor, (int, float)) else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Operator:
        return self * -1.0

    def __repr__(self) -> str:
        words = [f"{self.shape[0]} x {self.shape[1]}", str(self.dtype).removeprefix("torch."), str(self.device)]
        words += ["symmetric"] * bool(self.symmetric) + ["positive semidefinite"] * bool(self.positive_semidefinite)
        return f"<{type(self).__name__} {', '.join(words)}{f', per {self.unit}' if self.unit else ''}>"


def _times_power(rows: Tensor, exponents: Tensor) -> Tensor:
    """The rows times powers of two, by two factors each of which their type holds."""
    half = exponents // 2
    return torch.ldexp(torch.ldexp(rows, half), exponents - half)


def _finite(tensor: Tensor) -> bool:
    """Whether all entries are finite: one sum tells, unless it overflows."""
    return math.isfinite(float(tensor.detach().sum())) or bool(torch.isfinite(tensor).all())


def _words(evidence: Evidence) -> str:
    return evidence.reason if isinstance(evidence, Declared) else str(evidence)
