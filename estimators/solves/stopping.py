"""When to stop, and the true residual: what all iterative solvers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..products import NotFinite, Products, SymmetricOperator, relative_accuracy
from .guess import Guess
from .result import Progress, Result, Solution

Preconditioner = Callable[[torch.Tensor], torch.Tensor]
"""A symmetric positive definite map of blocks [P, K], near the inverse of the operator."""


def checked(preconditioner: Preconditioner | None) -> Preconditioner | None:
    """The map with its images checked; ``ValueError`` where one has another shape, is not finite, or shows that it is not positive definite.

    It is given a fixed power of two as a factor, which changes no iterate, so that its first image is about as large as what it was given.
    """
    if preconditioner is None:
        return None
    exponent: int | None = None

    def apply(block: torch.Tensor) -> torch.Tensor:
        nonlocal exponent
        image = preconditioner(block)
        if image.shape != block.shape:
            raise ValueError(
                f"the preconditioner maps a block {tuple(block.shape)} to {tuple(image.shape)}: it takes and gives [P, K]"
            )
        image = image.to(block)
        if not bool(torch.isfinite(image).all()):
            raise ValueError("the preconditioner gives numbers that are not finite: damp it, or solve without it")
        forms, sizes = dots(block.double(), image.double()), norms(block) * norms(image)
        least = -100 * torch.finfo(block.dtype).eps * sizes
        if bool((forms < least).any()) or bool(((norms(image) == 0) & (norms(block) > 0)).any()):
            raise ValueError(
                "the preconditioner M is not positive definite, for r . M r is not positive: damp it, or solve without it"
            )
        if exponent is None:
            largest = float(image.abs().max())
            exponent = math.frexp(largest)[1] - math.frexp(float(block.abs().max()))[1] if largest > 0 else None
        return _times_powers(image, [-(exponent or 0)])

    return apply


@dataclass(frozen=True)
class Stopping:
    """Stop when |v - A x| <= atol + rtol |v| in every column, or when the products are spent.

    ``products`` alone asks for no tolerance. Where none of the three is given, a column is done where the solution is exact for an operator that
    differs by no more than its own products do: |v - A x| <= accuracy (|A| |x| + |v|), with the longest image seen for |A| (Rigal and Gaches
    1967). Without ``products`` there may be ten for every dimension.
    """

    atol: float | None = None
    rtol: float | None = None
    products: int | None = None

    def __post_init__(self) -> None:
        for name, tolerance in (("atol", self.atol), ("rtol", self.rtol)):
            if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
                raise ValueError(f"{name} is a finite number of at least zero, not {tolerance}")
        if self.products is not None and (
            isinstance(self.products, bool) or not isinstance(self.products, int) or self.products < 1
        ):
            raise ValueError(f"products is a positive integer, not {self.products!r}")

    def targets(self, lengths: torch.Tensor, one: torch.Tensor) -> torch.Tensor:
        """The residual to reach by column, for targets of these norms, in units in which 1 is ``one``; below zero where none was asked for."""
        if self.atol is None and self.rtol is None:
            return torch.full_like(lengths, -1.0)
        return ((self.atol * one) if self.atol else torch.zeros_like(one)) + (self.rtol or 0.0) * lengths

    @property
    def by_accuracy(self) -> bool:
        """Whether nothing was asked for, so that the accuracy of the products says when to stop."""
        return self.atol is None and self.rtol is None and self.products is None

    def most(self, size: int, columns: int) -> int:
        """The greatest number of products, counted by columns."""
        return (10 * size + 10) * columns if self.products is None else self.products


class _Stretching(Products):
    """Products that keep the largest stretch |A p|/|p| that was seen, a lower bound on the norm."""

    def __init__(self, operator: SymmetricOperator) -> None:
        super().__init__(operator)
        self.stretch, self.accuracy = 0.0, 8 * relative_accuracy(operator)

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        image = super().__call__(vectors)
        ratios = norms(image) / norms(vectors)
        self.stretch = max(self.stretch, float(ratios.nan_to_num(0.0, posinf=0.0).max()))
        return image


@dataclass(eq=False)
class Equations:
    """A X = V as a block of columns: counts products, keeps the history, computes true residuals.

    ``block``, ``lengths``, ``tolerances`` and every value and residual passed to and fro are those of columns divided by ``units``, powers of two
    that bring the largest entry of a target to about one, so that no square of a tiny or huge one leaves the floating-point numbers.
    """

    asked: Products
    target: torch.Tensor
    stopping: Stopping
    history: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flat = self.target.ndim == 1
        vectors = self.asked.vector(self.target, "the target")
        columns = vectors[:, None] if self.flat else vectors
        if not columns.shape[1]:
            raise ValueError("the target has no columns: there is nothing to solve")
        self.exponents = [math.frexp(largest)[1] for largest in columns.abs().amax(dim=0).tolist()]
        self.block = _times_powers(columns, [-exponent for exponent in self.exponents])
        self.lengths = norms(self.block)
        units = torch.ones_like(self.lengths)
        self.tolerances = self.stopping.targets(self.lengths, _times_powers(units, [-exponent for exponent in self.exponents]))
        self.most = self.stopping.most(self.asked.size, self.block.shape[1])
        self.note(self.lengths, true=True)

    @classmethod
    def of(cls, operator: SymmetricOperator, target: torch.Tensor, stopping: Stopping) -> Equations:
        """The equations of an operator and a target [P] or [P, K]."""
        return cls(_Stretching(operator) if stopping.by_accuracy else Products(operator), target, stopping)

    def goals(self, value: torch.Tensor, columns: torch.Tensor | slice = slice(None)) -> torch.Tensor:
        """The residuals to reach, for these columns and their values [P, K] so far; below zero where no tolerance was asked for."""
        if isinstance(self.asked, _Stretching):
            return self.asked.accuracy * (self.lengths[columns] + self.asked.stretch * norms(value))
        return self.tolerances[columns]

    def started(self, start: Tensor | Guess) -> tuple[Tensor, Tensor]:
        """(value, true residual) to start from, by one product a column; a column whose guess is no better than zero starts there."""
        given = start.start if isinstance(start, Guess) else start
        if given.shape != self.target.shape:
            raise ValueError(f"the start has the shape {tuple(given.shape)}, and the target {tuple(self.target.shape)}")
        value = self.asked.vector(given, "the start").reshape(self.block.shape)
        value = _times_powers(value, [-exponent for exponent in self.exponents])
        value = torch.where(torch.isfinite(value).all(dim=0), value, 0.0)  # a start beyond the numbers is worse than none
        residual = self.block - self.asked(value)
        better = norms(residual) < self.lengths
        value, residual = torch.where(better, value, 0.0), torch.where(better, residual, self.block)
        self.note(norms(residual), true=True)
        return value, residual

    def left(self) -> int:
        """How many products may still be spent, by columns, with one for every column kept for the last residual."""
        return self.most - self.asked.count - self.block.shape[1]

    def note(self, residuals: torch.Tensor, *, true: bool) -> None:
        """Add the largest relative residual to the history."""
        relative = torch.where(self.lengths > 0, residuals / self.lengths.clamp_min(1e-300), residuals)
        self.history.append(Progress(self.asked.count, float(relative.max()), true))

    def solution(self, value: torch.Tensor, residuals: torch.Tensor, result: Result) -> Solution:
        """What is handed back; ``residuals`` are the norms of the true residuals of this value.

        In the wider of the dtypes of the target and the operator: rounding the value would make the residual another's.
        """
        value, residuals = _times_powers(value, self.exponents), _times_powers(residuals, self.exponents)
        if not bool(torch.isfinite(value).all()):  # beyond the numbers of the dtype
            value, residuals = torch.zeros_like(value), torch.full_like(residuals, math.inf)
            result = Result.NOT_FINITE
        shaped, kept = (value[:, 0], residuals[0]) if self.flat else (value, residuals)
        dtype = torch.promote_types(self.target.dtype, value.dtype) if self.target.is_floating_point() else value.dtype
        return Solution(shaped.to(dtype), kept, self.asked.count, tuple(self.history), result)

    def close(self, value: torch.Tensor, residuals: torch.Tensor, ended: Sequence[Result]) -> Solution:
        """Compute the true residuals that are not known yet (nan), and hand back; what converged is said by them alone.

        A column that the dtype does not hold in the units of its target (it leaves the normal numbers) is rounded first, and its residual is
        that of the rounded one.
        """
        held = _times_powers(_times_powers(value, self.exponents), [-exponent for exponent in self.exponents])
        held = torch.where(torch.isfinite(held), held, value)
        lost = (held != value).any(dim=0)
        value, residuals = held, torch.where(lost, torch.nan, residuals)
        ended = [
            Result.STALLED if rounded and result is Result.CONVERGED else result
            for result, rounded in zip(ended, lost.tolist(), strict=True)
        ]
        unknown = residuals.isnan()
        if bool(unknown.any()):
            try:
                residuals = residuals.clone()
                residuals[unknown] = norms(self.block[:, unknown] - self.asked(value[:, unknown]))
            except NotFinite:
                return self.not_finite(value)
        self.note(residuals, true=True)
        met = (residuals <= self.goals(value)).tolist()
        failed = [result for result, good in zip(ended, met, strict=True) if not good]
        worst = max(failed, key=_SEVERITY.index) if failed else Result.CONVERGED
        return self.solution(value, residuals, Result.BUDGET if worst is Result.CONVERGED and failed else worst)

    def not_finite(self, value: torch.Tensor) -> Solution:
        """What is handed back when products fail; the residual is not known, and infinite."""
        unknown = torch.full_like(self.lengths, math.inf)
        self.history.append(Progress(self.asked.count, math.inf, False))
        return self.solution(value, unknown, Result.NOT_FINITE)


_SEVERITY = (
    Result.CONVERGED, Result.BUDGET, Result.STALLED, Result.SINGULAR, Result.INDEFINITE, Result.DIVERGED, Result.NOT_FINITE,
)  # fmt: skip


def _times_powers(block: torch.Tensor, exponents: Sequence[int]) -> torch.Tensor:
    """The columns times powers of two, by two factors each of which the dtype holds."""
    halves = [exponent // 2 for exponent in exponents]
    others = [exponent - half for exponent, half in zip(exponents, halves, strict=True)]
    first, second = (block.new_tensor([2.0**number for number in numbers]) for numbers in (halves, others))
    return block * first * second


def norms(block: torch.Tensor) -> torch.Tensor:
    """The Euclidean norms of the columns, in float64."""
    lengths: torch.Tensor = torch.linalg.vector_norm(block.double(), dim=0)
    return lengths


def dots(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The inner products of columns, in the dtype of the blocks."""
    products: torch.Tensor = torch.linalg.vecdot(left, right, dim=0)
    return products
