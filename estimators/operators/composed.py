"""Operators made of operators: sums, multiples, products, damping and sub-blocks, with what follows for their claims."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from certify.bounds import Bound

from ..engines.parameters import Layout, listed
from .operator import Claim, Operator, unclaimed


class Scaled(Operator):
    """c·A."""

    def __init__(self, part: Operator, factor: float) -> None:
        if not math.isfinite(factor):
            raise ValueError(f"a factor is finite, not {factor}")
        self.part, self.factor, self.parts = part, float(factor), (part,)
        positive = part.positive_semidefinite if factor >= 0 else unclaimed("a negative multiple")
        super().__init__(
            part.rows, part.columns, dtype=part.dtype, device=part.device, symmetric=part.symmetric,
            positive_semidefinite=positive, unit=part.unit, accuracy=part.accuracy,
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        return self.factor * self.part.multiply_rows(block)

    def adjoint(self) -> Operator:
        return self if self.symmetric else Scaled(self.part.adjoint(), self.factor)

    def lower_bound(self) -> Bound | None:
        bound = self.part.lower_bound()
        if bound is None or self.factor < 0:
            return None
        return -((-bound) * self.factor) if bound.value < 0 else bound * self.factor


class Sum(Operator):
    """A + B, of one shape and about data of one unit."""

    def __init__(self, first: Operator, second: Operator) -> None:
        _refuse_mismatch(first, second)
        rows, columns = _common(first.rows, second.rows), _common(first.columns, second.columns)
        if first.shape != second.shape:
            raise ValueError(f"operators of shapes {first.shape} and {second.shape} have no sum")
        self.first, self.second, self.parts = first, second, (first, second)
        super().__init__(
            rows, columns, dtype=torch.promote_types(first.dtype, second.dtype), device=first.device,
            symmetric=first.symmetric.and_also(second.symmetric),
            positive_semidefinite=first.positive_semidefinite.and_also(second.positive_semidefinite),
            unit=first.unit or second.unit, accuracy=max(first.accuracy, second.accuracy),
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        one, other = (part.multiply_rows(block.to(part.dtype)).to(block.dtype) for part in (self.first, self.second))
        return one + other

    def adjoint(self) -> Operator:
        return self if self.symmetric else Sum(self.first.adjoint(), self.second.adjoint())

    def lower_bound(self) -> Bound | None:
        one, other = self.first.lower_bound(), self.second.lower_bound()
        return None if one is None or other is None else one + other


class Product(Operator):
    """A B. Nothing is claimed of it but what ``symmetric`` and ``positive_semidefinite`` say when they are passed."""

    def __init__(
        self, left: Operator, right: Operator, *, symmetric: Claim | None = None, positive_semidefinite: Claim | None = None
    ) -> None:
        _refuse_mismatch(left, right)
        if left.shape[1] != right.shape[0]:
            raise ValueError(f"operators of shapes {left.shape} and {right.shape} have no product")
        _common(left.columns, right.rows)
        self.left, self.right, self.parts = left, right, (left, right)
        super().__init__(
            left.rows, right.columns, dtype=torch.promote_types(left.dtype, right.dtype), device=left.device,
            symmetric=symmetric or unclaimed("a product of two operators"),
            positive_semidefinite=positive_semidefinite or unclaimed("a product of two operators"),
            unit=left.unit or right.unit, accuracy=left.accuracy + right.accuracy,
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        inner = self.right.multiply_rows(block.to(self.right.dtype))
        return self.left.multiply_rows(inner.to(self.left.dtype)).to(block.dtype)

    def adjoint(self) -> Operator:
        return self if self.symmetric else Product(self.right.adjoint(), self.left.adjoint())


class Damped(Operator):
    """A + λI with λ ≥ 0."""

    def __init__(self, part: Operator, damping: float) -> None:
        if not (math.isfinite(damping) and damping >= 0):
            raise ValueError(f"damping is a finite nonnegative number, not {damping}")
        if part.shape[0] != part.shape[1]:
            raise ValueError(f"an operator of shape {part.shape} is not square and has no damping")
        self.part, self.damping, self.parts = part, float(damping), (part,)
        super().__init__(
            part.rows, part.columns, dtype=part.dtype, device=part.device, symmetric=part.symmetric,
            positive_semidefinite=part.positive_semidefinite, unit=part.unit, accuracy=part.accuracy,
        )  # fmt: skip

    def _multiply(self, block: Tensor) -> Tensor:
        return torch.add(self.part.multiply_rows(block), block, alpha=self.damping)

    def adjoint(self) -> Operator:
        return self if self.symmetric else Damped(self.part.adjoint(), self.damping)

    def lower_bound(self) -> Bound | None:
        bound = self.part.lower_bound()
        return None if bound is None else bound + self.damping


class Block(Operator):
    """A[rows, columns] for some of the parameters, by embedding: a vector is filled with zeros, and a part of the product kept."""

    def __init__(self, whole: Operator, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
        self.whole, self.row_indices, self.column_indices, self.parts = whole, rows, columns, (whole,)
        principal = rows == columns and whole.rows == whole.columns
        super().__init__(
            whole.rows.part(rows), whole.columns.part(columns), dtype=whole.dtype, device=whole.device,
            symmetric=_inherited(whole.symmetric, principal), positive_semidefinite=_inherited(whole.positive_semidefinite, principal),
            unit=whole.unit, accuracy=whole.accuracy,
        )  # fmt: skip
        self._principal = principal

    def _multiply(self, block: Tensor) -> Tensor:
        filled = block.new_zeros(len(block), self.whole.shape[1])
        filled[:, _entries(self.whole.columns, self.column_indices, self.device)] = block
        return self.whole.multiply_rows(filled)[:, _entries(self.whole.rows, self.row_indices, self.device)]

    def adjoint(self) -> Operator:
        return self if self.symmetric else Block(self.whole.adjoint(), self.column_indices, self.row_indices)

    def lower_bound(self) -> Bound | None:
        """That of the whole, by interlacing."""
        return self.whole.lower_bound() if self._principal else None


def _inherited(claim: Claim, principal: bool) -> Claim:
    return claim if principal else unclaimed("a block off the diagonal")


def _entries(layout: Layout, indices: tuple[int, ...], device: torch.device) -> Tensor:
    slices = list(layout.slices().values())
    return torch.cat([torch.arange(slices[i].start, slices[i].stop, device=device) for i in indices])


def _common(first: Layout, second: Layout) -> Layout:
    """The layout of two operators on the same parameters, of which one may not name them."""
    if first != second and first.size == second.size and first.named_parts and second.named_parts:
        raise ValueError(
            f"the operators are about other parameters ({listed(first.names)} and {listed(second.names)}): name the same ones, in one order"
        )
    return first if first.named_parts else second


def _refuse_mismatch(first: Operator, second: Operator) -> None:
    if first.device != second.device:
        raise ValueError(f"the operators lie on {first.device} and {second.device}: build them on one device")
    if first.unit and second.unit and first.unit is not second.unit:
        raise ValueError(f"one operator is about {first.unit}s and the other about {second.unit}s: build both with the same unit")
