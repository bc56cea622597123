"""Gradients that are sums of outer products Σ_t d_t a_t': of a linear layer on a sequence, or a convolution on its patches.

The inner product of two such sums is Σ_ts (d_t·d'_s)(a_t·a'_s) (Goodfellow 2015 for one term; Rochette et al. 2019 for sums), so neither
has to be formed. For long sequences forming a few of them at a time is cheaper: the order with fewer operations is
taken. The sum over pairs loses digits where the terms cancel; where it would lose more than half, the gradient is formed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .pieces import CACHED, Held, Piece, at_least_single, chunks, joined


@dataclass(frozen=True)
class Factor:
    """Vectors [n, groups, tokens, width] for a slice of ``count`` examples; ``rows(slice)`` makes them when they are needed.

    ``quick(slice)`` makes the same faster with the entries of each vector in another order, for what does not depend on it.
    """

    rows: Callable[[slice], Tensor]
    count: int
    groups: int
    tokens: int
    width: int
    quick: Callable[[slice], Tensor] | None = None

    def wide(self, rows: slice, *, ordered: bool = True) -> Tensor:
        """The vectors of these examples, in float32 or wider."""
        return at_least_single((self.rows if ordered or self.quick is None else self.quick)(rows))

    @cached_property
    def lengths(self) -> Tensor:
        """The lengths [n, groups] of the vectors at the one token that there is."""
        parts = (self.wide(rows)[:, :, 0] for rows in chunks(self.count, self.groups * self.width))
        return joined(torch.linalg.vector_norm(part, dim=2) for part in parts)


@dataclass(frozen=True)
class Lookup:
    """Unit vectors e_i in ``width`` dimensions, by their indices [N, tokens]: the left factors of an embedding."""

    index: Tensor
    width: int


@dataclass(frozen=True)
class Term:
    """Σ_t d_t a_t' for each example: ``left`` holds d and ``right`` a."""

    left: Factor | Lookup
    right: Factor


class Summed(Held):
    """Gradients Σ_t d_t, of the bias that goes with a weight; summed when they are needed."""

    def __init__(self, factor: Factor, device: torch.device) -> None:
        Piece.__init__(self, factor.count, torch.Size([factor.groups * factor.width]), device)
        self._factor = factor

    @cached_property
    def gradients(self) -> Tensor:  # type: ignore[override]
        every = self._factor.wide(slice(0, self.count))
        return (every[:, :, 0] if self._factor.tokens == 1 else every.sum(2)).reshape(self.count, -1)

    @property
    def numbers(self) -> int:
        return self.count * self.size

    def squared_norms(self) -> Tensor:
        return self._factor.lengths.square().sum(1) if self._factor.tokens == 1 else super().squared_norms()


_LOST = 1e4
"""How often the terms of a sum over pairs may be larger than the sum."""
Loaded = tuple[Tensor, Tensor]
"""Left [n, G, T, o] (or indices [n, T]) and right [n, G, T, i] of one term."""


class Outer(Piece):
    """Gradients Σ over terms and tokens of d_t a_t', in groups; all in float32 or wider."""

    def __init__(self, terms: list[Term], count: int, shape: torch.Size, device: torch.device) -> None:
        super().__init__(count, shape, device)
        self.terms = terms
        self.groups = terms[0].right.groups
        self.tokens = sum(term.right.tokens for term in terms)
        self.width, self.height = terms[0].right.width, terms[0].left.width
        self._cancelling: bool | None = None

    @property
    def numbers(self) -> int:
        return self.count * self._loaded

    @property
    def each(self) -> int:
        return max(self.size, self._loaded)

    @property
    def single(self) -> bool:
        """Whether every gradient is one outer product (in each group)."""
        return self.tokens == 1 and isinstance(self.terms[0].left, Factor)

    def load(self, rows: slice, *, ordered: bool = True) -> list[Loaded]:
        """The factors of these examples; terms whose left factors are not indices come as one."""
        looked, left, right = [], [], []
        for term in self.terms:
            if isinstance(term.left, Lookup):
                looked.append((term.left.index[rows], term.right.wide(rows, ordered=ordered)))
            else:
                left.append(term.left.wide(rows))
                right.append(term.right.wide(rows, ordered=ordered))
        merged = [(left[0], right[0])] if len(left) == 1 else [(torch.cat(left, 2), torch.cat(right, 2))] if left else []
        return merged + looked

    def dense(self, rows: slice) -> Tensor:
        return self._formed(self.load(rows)).reshape(-1, *self.shape)

    def _formed(self, loaded: list[Loaded]) -> Tensor:
        total: Tensor | None = None
        for left, right in sorted(loaded, key=lambda pair: pair[0].dim(), reverse=True):
            if left.dim() == 4:
                total = left.transpose(2, 3) @ right
                continue
            if total is None:
                total = right.new_zeros(len(right), 1, self.height, self.width)
            total[:, 0].scatter_add_(1, left[..., None].expand(-1, -1, self.width), right[:, 0])
        assert total is not None
        return total

    def unordered(self, rows: slice) -> Tensor:
        return self._formed(self.load(rows, ordered=False)).flatten(1)

    def squared_norms(self) -> Tensor:
        if self.single:
            left, right = self.terms[0].left, self.terms[0].right
            assert isinstance(left, Factor)
            return (left.lengths * right.lengths).square().sum(1)
        return self._by_pairs() if self._pairs_are_cheaper else super().squared_norms()

    def absolute_sums(self) -> Tensor:
        if not self.single:
            return super().absolute_sums()
        sums = []
        for rows in chunks(self.count, self._loaded):
            ((left, right),) = self.load(rows)
            sums.append((left[:, :, 0].abs().sum(2) * right[:, :, 0].abs().sum(2)).sum(1))
        return joined(sums)

    def products(self, directions: Tensor) -> Tensor:
        if len(directions) > 1:
            return super().products(directions)
        table = directions.reshape(self.groups, self.height, self.width)
        found = []
        for rows in chunks(self.count, self._loaded):
            total: Tensor | None = None
            for left, right in self.load(rows):
                flat = right.transpose(0, 1).flatten(1, 2) @ table.to(right.dtype).transpose(1, 2)  # [G, n·T, o]
                moved = flat.unflatten(1, (len(right), -1)).transpose(0, 1)  # type: ignore[no-untyped-call]
                chosen = moved[:, 0].gather(2, left[..., None]) if left.dim() == 2 else left * moved
                value = chosen.flatten(1).sum(1)
                total = value if total is None else total + value
            found.append(total)
        return torch.cat(found)[:, None]  # type: ignore[arg-type]

    def gram(self, other: Piece) -> Tensor:
        if not isinstance(other, Outer):
            return super().gram(other)
        pairs = self.tokens * other.tokens * (self.height + self.width)
        formed = self.height * self.width * (1 + self.tokens / max(other.count, 1) + other.tokens / max(self.count, 1))
        if pairs > formed or (not self.single and self.cancelling) or (not other.single and other.cancelling):
            return super().gram(other)
        lines = []
        both = max(self._loaded, other._loaded, self.groups * self.tokens * other.tokens)
        for rows in chunks(self.count, both):
            mine = self.load(rows)
            step = (rows.stop - rows.start) * self.groups * self.tokens * other.tokens
            lines.append(torch.cat([_inner(mine, other.load(columns)) for columns in chunks(other.count, step)], 1))
        return torch.cat(lines)

    @property
    def cancelling(self) -> bool:
        """Whether in some example the terms cancel so far that a sum over pairs would lose half of the digits."""
        if self._cancelling is None:
            sizes = torch.cat([_sizes(self.load(rows)) for rows in chunks(self.count, self._loaded)])
            self._cancelling = bool(_lossy(self.squared_norms(), sizes).any())
        return self._cancelling

    @property
    def _loaded(self) -> int:
        return self.groups * self.tokens * (self.width + self.height * isinstance(self.terms[0].left, Factor))

    @property
    def _pairs_are_cheaper(self) -> bool:
        return self.tokens * (self.width + self.height) < self.width * self.height

    def _by_pairs(self) -> Tensor:
        found = []
        each = self.groups * self.tokens * max(self.tokens, self.width + self.height)
        for rows in chunks(self.count, each, CACHED):
            loaded = self.load(rows, ordered=False)
            total, sizes = _own(loaded[0])
            for i, first in enumerate(loaded):
                if i:
                    more, larger = _own(first)
                    total, sizes = total + more, sizes + larger
                for second in loaded[i + 1 :]:
                    total = total + 2 * _matched(first, second)
            for place in torch.nonzero(_lossy(total, sizes)).flatten().tolist():
                at = rows.start + place
                total[place] = self.flat(slice(at, at + 1)).square().sum()
            found.append(total)
        return joined(found)


def _sizes(loaded: list[Loaded]) -> Tensor:
    """Σ_t |d_t||a_t| for each example, [n]."""
    total = loaded[0][1].new_zeros(())
    for left, right in loaded:
        one = left.new_ones(()) if left.dim() == 2 else torch.linalg.vector_norm(left, dim=3)
        total = total + (one * torch.linalg.vector_norm(right, dim=3)).flatten(1).sum(1)
    return total


def _lossy(squares: Tensor, sizes: Tensor) -> Tensor:
    """Where |g|² would lose four digits, or half of all, in a sum over pairs: it is that much smaller than (Σ|d_t||a_t|)²."""
    most = min(_LOST, 1 / math.sqrt(torch.finfo(squares.dtype).eps))
    return sizes.square() > most * squares


def _own(loaded: Loaded) -> tuple[Tensor, Tensor]:
    """Σ_ts (d_t·d_s)(a_t·a_s), and Σ_t |d_t||a_t| from the diagonals of the two factors, [n] each."""
    left, right = loaded
    near = _equal(left, left, right.dtype) if left.dim() == 2 else left @ left.transpose(2, 3)
    far = right @ right.transpose(2, 3)
    lengths = (near.diagonal(dim1=2, dim2=3) * far.diagonal(dim1=2, dim2=3)).sqrt()
    return torch.linalg.vecdot(near.flatten(1), far.flatten(1)), lengths.flatten(1).sum(1)


def _equal(one: Tensor, other: Tensor, dtype: torch.dtype) -> Tensor:
    """Which indices are equal, [n, 1, T, S]."""
    return (one[:, :, None] == other[:, None, :])[:, None].to(dtype)


def _matched(first: Loaded, second: Loaded) -> Tensor:
    """Σ_ts (d_t·d'_s)(a_t·a'_s) for the same examples, [n]."""
    (left, right), (other, others) = first, second
    if left.dim() == 2 and other.dim() == 2:
        near = _equal(left, other, right.dtype)
    elif left.dim() == 2:
        near = other.gather(3, left[:, None, None, :].expand(-1, -1, other.shape[2], -1)).transpose(2, 3)
    elif other.dim() == 2:
        near = left.gather(3, other[:, None, None, :].expand(-1, -1, left.shape[2], -1))
    else:
        near = left @ other.transpose(2, 3)
    far = right @ others.transpose(2, 3)
    total: Tensor = torch.linalg.vecdot(near.flatten(1), far.flatten(1))
    return total


def _inner(first: list[Loaded], second: list[Loaded]) -> Tensor:
    """⟨g_n, h_m⟩ for all pairs of examples, [n, m]."""
    total: Tensor | None = None
    for left, right in first:
        for other, others in second:
            value = _crossed(left, right, other, others)
            total = value if total is None else total + value
    assert total is not None
    return total


def _crossed(left: Tensor, right: Tensor, other: Tensor, others: Tensor) -> Tensor:
    n, groups, tokens, _ = right.shape
    m, _, more, _ = others.shape
    a, b = (side.transpose(0, 1).flatten(1, 2) for side in (right, others))  # [G, nT, i]
    near = a @ b.transpose(1, 2)
    if left.dim() == 2 and other.dim() == 2:
        near = near * (left.reshape(-1, 1) == other.reshape(1, -1))
    elif left.dim() == 2:
        near = near * other[:, 0].flatten(0, 1)[:, left.flatten()].T
    elif other.dim() == 2:
        near = near * left[:, 0].flatten(0, 1)[:, other.flatten()]
    else:
        d, e = (side.transpose(0, 1).flatten(1, 2) for side in (left, other))
        near = near.mul_(d @ e.transpose(1, 2))
    return near[0] if groups * tokens * more == 1 else near.reshape(groups, n, tokens, m, more).sum((0, 2, 4))
