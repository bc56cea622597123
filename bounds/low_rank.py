"""What a low-rank edit W + s A B can change of a matrix, and what it cannot: proved, for the real edit and for a merged tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from flint import fmpq_mat, nmod_mat
from torch import Tensor

from certify.proofs.balls import rational
from certify.proofs.sides import Side

from .bound import Bound, between
from .derive import derive
from .evidence import Enclosed, Measured
from .low_rank_gradients import SeenGradient, seen_gradient
from .rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from .spectral.attained import attained_by
from .spectral.dense import exact_weights, matrix_norm, rescaled, zero_norm
from .spectral.result import SpectralNorm
from .spectral.scaling import scaled, vector_norm_upper

_PRIME = (1 << 61) - 1
_RANKED = 512


@dataclass(frozen=True, eq=False)
class Merged:
    """A tensor that stands for W + s A B: ``rounding`` is at or above the Frobenius norm (so the spectral norm) of the difference.

    ``rank_at_least`` is proved of the difference of ``weight`` and W: rounding gives it full rank, whatever the rank of the edit is.
    """

    weight: Tensor
    rounding: Bound
    rank_at_least: int


@dataclass(frozen=True, eq=False)
class LowRankEdit:
    """The edit s A B of a matrix [out, in]; all statements but those of ``merge`` are about the real numbers s A B, not a merged tensor.

    ``rank`` is at or above the rank of the edit. ``shift`` holds two bounds on |s A B|: no singular value of W moves further (whatever W is), and
    some W has one that moves as far. ``left`` is A [out, r] and ``right`` is B [r, in], in float64.
    """

    left: Tensor
    right: Tensor
    scale: float
    rank: int
    shift: SpectralNorm

    def __str__(self) -> str:
        rows, columns = self.left.shape[0], self.right.shape[1]
        return (
            f"an edit of a matrix [{rows}, {columns}] of rank at most {self.rank}; {between(self.shift.lower, 'its norm', self.shift.upper)}; "
            f"inputs of at least {self.unchanged_dimension} dimensions are unchanged"
        )

    @property
    def unchanged_dimension(self) -> int:
        """At least so many dimensions of inputs have (W + s A B) x = W x exactly."""
        return self.right.shape[1] - self.rank

    def unchanged(self, inputs: Tensor) -> tuple[bool, ...]:
        """For each row of ``inputs`` [n, in] whether s A B x = 0 exactly, by rational arithmetic on the stored numbers.

        >>> edit = low_rank_edit(torch.ones(2, 1), torch.tensor([[0.1, -0.1]]))
        >>> edit.unchanged(torch.tensor([[1.0, 1.0], [1.0, 1.0000001]]))
        (True, False)
        """
        return tuple(self._unchanged(row) for row in self._rows(inputs))

    def output_change(self, inputs: Tensor) -> tuple[Bound, ...]:
        """For each row of ``inputs`` [n, in] an upper bound on |s A B x|, exactly zero where the input is exactly unchanged.

        Theorem: ``norm.sum`` (upper left, right).

        >>> edit = low_rank_edit(torch.tensor([[3.0], [4.0]]), torch.tensor([[1.0, 0.0]]), scale=2.0)
        >>> [round(bound.value, 9) for bound in edit.output_change(torch.eye(2))]
        [10.0, 0.0]
        """
        return tuple(self._change(row) for row in self._rows(inputs))

    def output_change_on_ball(self, radius: float, centre: Tensor | None = None) -> Bound:
        """An upper bound on |s A B x| over all x with |x - centre| <= radius; the centre is the origin unless given [in].

        Theorem: ``norm.product`` (upper left, right).
        Theorem: ``norm.sum`` (upper left, right).

        >>> edit = low_rank_edit(torch.tensor([[3.0], [4.0]]), torch.tensor([[1.0, 0.0]]))
        >>> 10 <= edit.output_change_on_ball(2.0).value < 10 + 1e-9
        True
        """
        if not (math.isfinite(radius) and radius >= 0):
            raise ValueError(f"a radius is finite and not negative: {radius} is not")
        moved = derive("norm.product", left=self.shift.upper, right=float(radius))
        if centre is None:
            return moved
        if len(rows := self._rows(centre)) != 1:
            raise ValueError("a ball has one centre")
        return derive("norm.sum", left=self._change(rows[0]), right=moved)

    def merge(self, weight: Tensor, dtype: torch.dtype | None = None) -> Merged:
        """W + s A B computed in float64 and stored in ``dtype`` (that of ``weight`` unless given), with what the storing changed.

        >>> merged = low_rank_edit(torch.ones(2, 1), torch.tensor([[0.1, 0.2]])).merge(torch.eye(2))
        >>> 0 < merged.rounding.value < 1e-7
        True
        """
        held = self._weight(weight)
        return self.merged_as(weight, (held + self.scale * (self.left @ self.right)).to(dtype or weight.dtype))

    def merged_as(self, weight: Tensor, merged: Tensor) -> Merged:
        """How far a tensor that somebody has merged is from W + s A B, by the exact stored numbers of both [out, in].

        In a type of unit roundoff u it is about u |W + s A B| where the sum was rounded once. The rank is proved modulo a prime, of the first 512 rows
        and columns.
        """
        before, after = self._weight(weight), self._weight(merged, "the merged weight")
        moved = after - before
        difference = moved - self.scale * (self.left @ self.right)
        inner = self.left.shape[1]
        factors = _measured(self.left, "A") * _measured(self.right, "B") * abs(self.scale)
        underflow = (1 + abs(self.scale)) * (inner + 3) * before.numel() * 2.0**-1072
        rounding = (
            _measured(difference, "merged weight less W and the edit") * (1 + 4 * UNIT_ROUNDOFF)
            + _measured(moved, "merged weight less W") * (4 * UNIT_ROUNDOFF)
            + factors * gamma(inner + 3)
            + Bound(underflow, Side.UPPER, Measured("underflow"))
        )
        return Merged(merged, rounding, _rank_at_least(after, before))

    def visible(self, gradient: Tensor) -> SeenGradient:
        """What the gradients of A and B at W + s A B determine of the gradient ``gradient`` [out, in] of the whole matrix *there*.

        A gradient at W itself is another one unless A B = 0. With s = 0 nothing is visible.

        Theorem: ``low-rank.invisible`` (lower product; upper left, right, gradient).
        Theorem: ``low-rank.decoder`` (lower invisible).
        """
        held = self._weight(gradient, "the gradient")
        seen = 0 if self.scale == 0 else self.left.shape[1]
        return seen_gradient(held, self.left[:, :seen], self.right[:seen])

    def _rows(self, inputs: Tensor) -> Tensor:
        rows = exact_weights(inputs, "the inputs")
        rows = rows[None] if rows.ndim == 1 else rows
        if rows.ndim != 2 or rows.shape[1] != self.right.shape[1]:
            raise ValueError(f"inputs are rows of {self.right.shape[1]} numbers, not of shape {tuple(inputs.shape)}")
        return rows

    def _weight(self, weight: Tensor, name: str = "the weight") -> Tensor:
        held = exact_weights(weight, name)
        shape = (self.left.shape[0], self.right.shape[1])
        if held.shape != shape:
            raise ValueError(f"{name} is a matrix of shape {shape}, as A B is, not {tuple(held.shape)}")
        return held

    def _unchanged(self, row: Tensor) -> bool:
        if self.scale == 0 or self.rank == 0:
            return True
        used = row.nonzero().flatten()
        if not len(used):
            return True
        return not any((_rationals(self.left) * (_rationals(self.right[:, used]) * _rationals(row[used, None]))).entries())

    def _change(self, row: Tensor) -> Bound:
        """Theorem: ``norm.sum`` (upper left, right)."""
        parts = [scaled(part) for part in (self.left, self.right, row)]
        (left, _), (right, _), (vector, _) = parts
        terms = 2 * (left.shape[1] + right.shape[1])  # twice, for the moduli are computed too
        image = _measured(left @ (right @ vector), "A B x, scaled")
        moduli = _measured(left.abs() @ (right.abs() @ vector.abs()), "|A| |B| |x|, scaled")
        rounding = moduli * gamma(terms) + UNDERFLOW
        if image.value <= rounding.value and self._unchanged(row):
            return Bound(0.0, Side.EXACT, Enclosed("A B x is zero, in rational arithmetic"))
        change = derive("norm.sum", left=image, right=rounding)
        mantissa, exponent = math.frexp(abs(self.scale))
        exponent += sum(power for _, power in parts)
        return rescaled(SpectralNorm(change * mantissa, zero_norm().lower, ""), exponent).upper


def low_rank_edit(left: Tensor, right: Tensor, scale: float = 1.0) -> LowRankEdit:
    """The account of the edit ``scale`` A B of a matrix [out, in]: ``left`` is A [out, r], ``right`` is B [r, in], as in W + s A B.

    Tools that store a pair "lora_A" [r, in], "lora_B" [out, r] and alpha take ``low_rank_edit(lora_B, lora_A, alpha / r)``. Factors of any real floating type
    are held exactly. Returns ``rank`` and ``shift``, and answers for inputs, merged tensors and gradients. Raises
    ``ValueError`` for factors that do not fit or a scale that is not finite, and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for entries that are not finite.

    Theorem: ``low-rank.weyl`` (upper scale, product).

    >>> edit = low_rank_edit(torch.tensor([[3.0], [4.0]]), torch.tensor([[1.0, 0.0]]), scale=2.0)
    >>> edit.rank, edit.unchanged_dimension
    (1, 1)
    >>> print(edit)  # doctest: +ELLIPSIS
    an edit of a matrix [2, 2] of rank at most 1; 9.99... <= its norm <= 10.0...; inputs of at least 1 dimensions are unchanged
    >>> edit.shift.lower.value <= 10 <= edit.shift.upper.value < 10 + 1e-9
    True
    """
    a, b = exact_weights(left, "A").clone(), exact_weights(right, "B").clone()  # what is said holds though they be trained on
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"A is [out, r] and B is [r, in]: shapes {tuple(left.shape)} and {tuple(right.shape)} do not fit")
    if not math.isfinite(scale):
        raise ValueError(f"the scale of an edit is finite, not {scale}")
    used = a.any(0) & b.any(1)
    rank = 0 if scale == 0 else min(a.shape[0], b.shape[1], int(used.sum()))
    mantissa, power = math.frexp(abs(float(scale)))
    norm = _product_norm(a[:, used], b[used], power) if rank else zero_norm()
    factor = Bound(mantissa, Side.EXACT, Measured("modulus of the scale, over a power of two"))
    upper = derive("low-rank.weyl", scale=factor, product=norm.upper)
    return LowRankEdit(a, b, float(scale), rank, SpectralNorm(upper, norm.lower * factor, norm.proof))


def _product_norm(left: Tensor, right: Tensor, power: int) -> SpectralNorm:
    """Two bounds on 2**power |A B|, without forming A B: A = Q R + E gives |A B| <= |Q| |R B| + |E| |B|, with all rounding counted.

    Theorem: ``norm.product`` (upper left, right).
    Theorem: ``norm.sum`` (upper left, right).
    """
    a, b, exponent = _balanced(left, right)
    q, r = torch.linalg.qr(a)
    small = r @ b
    inner = r.shape[1]  # at or above the terms of the entries of Q R, and those of R B
    size_a, size_b, size_q, size_r = (
        _measured(matrix, f"Frobenius norm of {name}") for matrix, name in ((a, "A"), (b, "B"), (q, "Q"), (r, "R"))
    )
    error = _measured(q @ r - a, "Q R less A") * (1 + 4 * UNIT_ROUNDOFF) + size_q * size_r * gamma(inner) + UNDERFLOW
    inside = derive("norm.sum", left=matrix_norm(small).upper, right=size_r * size_b * gamma(inner) + UNDERFLOW)
    upper = derive(
        "norm.sum",
        left=derive("norm.product", left=matrix_norm(q).upper, right=inside),
        right=derive("norm.product", left=error, right=size_b),
    )
    vector = torch.linalg.svd(small, full_matrices=False)[2][0]
    lower = attained_by(a @ (b @ vector), vector, terms=sum(right.shape), absolute=(size_a * size_b).value)
    return rescaled(SpectralNorm(upper, lower, "a Cholesky factor of the reduced product R B, A = Q R + E"), exponent + power)


def _balanced(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor, int]:
    """Factors with the same product but for a power of two, whose exponent is the last: each column as large as its row, the largest of order one.

    Only what underflows beside entries of order one is lost.
    """
    columns, rows = ([scaled(line) for line in lines] for lines in (left.mT, right))
    exponents = [first[1] + second[1] for first, second in zip(columns, rows, strict=True)]
    most = max(exponents)
    halves = [(exponent - most) // 2 for exponent in exponents]
    a = torch.stack([column * 2.0**half for (column, _), half in zip(columns, halves, strict=True)], 1)
    rest = [exponent - most - half for exponent, half in zip(exponents, halves, strict=True)]
    return a, torch.stack([row * 2.0**power for (row, _), power in zip(rows, rest, strict=True)]), most


def _measured(matrix: Tensor, what: str) -> Bound:
    return Bound(vector_norm_upper(matrix), Side.UPPER, Measured(what))


def _rationals(matrix: Tensor) -> fmpq_mat:
    rows, columns = matrix.shape
    return fmpq_mat(rows, columns, [rational(number) for number in matrix.flatten().tolist()])


def _rank_at_least(after: Tensor, before: Tensor) -> int:
    """The rank of the exact difference modulo a prime, of the leading rows and columns: the rank over the rationals is no less."""
    late, early = after[:_RANKED, :_RANKED], before[:_RANKED, :_RANKED]
    pairs = zip(late.flatten().tolist(), early.flatten().tolist(), strict=True)
    rows, columns = late.shape
    return int(nmod_mat(rows, columns, [(_residue(x) - _residue(y)) % _PRIME for x, y in pairs], _PRIME).rank())


def _residue(number: float) -> int:
    """The double as an element of the field: powers of two have inverses modulo an odd prime."""
    mantissa, exponent = math.frexp(number)
    return int(math.ldexp(mantissa, 53)) * pow(2, exponent - 53, _PRIME)
