"""The gradients of N examples in one parameter, in the form that is cheapest to hold; no form holds N times the parameter unless it is small."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from math import prod

import torch
from torch import Tensor

CHUNK = 1 << 22
"""Entries of the largest intermediate tensor (16 MiB in float32, unless one example needs more)."""
CACHED = 1 << 20
"""Entries of what is read once after it is made: so many stay in the cache of a processor."""


def chunks(count: int, each: int, most: int | None = None) -> Iterator[slice]:
    """Slices of ``count`` rows so that rows of ``each`` entries stay within the largest intermediate.

    >>> list(chunks(3, CHUNK // 2))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    step = max(1, min(CHUNK, most or CHUNK) // max(each, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def accumulator(device: torch.device) -> torch.dtype:
    """The type in which numbers about examples are summed."""
    return torch.float32 if device.type == "mps" else torch.float64


def joined(parts: Iterable[Tensor]) -> Tensor:
    """The parts one after the other; one part alone is not copied."""
    found = list(parts)
    return found[0] if len(found) == 1 else torch.cat(found)


def at_least_single(tensor: Tensor) -> Tensor:
    """The tensor in float32 or wider: squares of half precision overflow."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


class Piece(ABC):
    """G = (g_1, ..., g_N), the gradients of N examples in a parameter of shape ``shape``."""

    def __init__(self, count: int, shape: torch.Size, device: torch.device) -> None:
        self.count, self.shape, self.device = count, shape, device

    @property
    def size(self) -> int:
        """The number of entries of the parameter."""
        return prod(self.shape)

    @property
    def each(self) -> int:
        """How many numbers forming the gradient of one example takes."""
        return self.size

    @property
    @abstractmethod
    def numbers(self) -> int:
        """How many numbers are held."""

    @abstractmethod
    def dense(self, rows: slice) -> Tensor:
        """The gradients of these examples, [n, *shape]."""

    def flat(self, rows: slice) -> Tensor:
        """The same, [n, size], in float32 or wider."""
        dense = at_least_single(self.dense(rows))
        return dense.reshape(len(dense), self.size)

    def unordered(self, rows: slice) -> Tensor:
        """The same with the entries in another order where that is faster."""
        return self.flat(rows)

    def squared_norms(self) -> Tensor:
        """|g_n|² for each example, [N]."""
        blocks = (self.unordered(rows) for rows in chunks(self.count, self.each, CACHED))
        return joined(torch.linalg.vector_norm(block, dim=1).square() for block in blocks)

    def absolute_sums(self) -> Tensor:
        """Σ|entries of g_n| for each example, [N]."""
        return joined(self.unordered(rows).abs().sum(1) for rows in chunks(self.count, self.each, CACHED))

    def products(self, directions: Tensor) -> Tensor:
        """⟨g_n, v_k⟩ with directions [K, size], as [N, K]."""
        blocks = (self.flat(rows) for rows in chunks(self.count, self.each))
        return joined(block @ directions.to(block.dtype).T for block in blocks)

    def gram(self, other: Piece) -> Tensor:
        """⟨g_n, h_m⟩ with the gradients of other examples in the same parameter, [N, M]."""
        lines = []
        for rows in chunks(self.count, self.each):
            block = self.flat(rows)
            lines.append(torch.cat([block @ other.flat(columns).T for columns in chunks(other.count, other.each)], 1))
        return joined(lines)


class Held(Piece):
    """Gradients that are held as they are: of small parameters, and of a chunk of examples."""

    def __init__(self, gradients: Tensor) -> None:
        super().__init__(len(gradients), gradients.shape[1:], gradients.device)
        self.gradients = gradients

    @property
    def numbers(self) -> int:
        return self.gradients.numel()

    def dense(self, rows: slice) -> Tensor:
        return self.gradients[rows]


class Nothing(Held):
    """Zero gradients: the parameter does not act on the loss."""

    def __init__(self, count: int, like: Tensor) -> None:
        super().__init__(like.detach().new_zeros(()).expand(count, *like.shape))


class Rows(Piece):
    """Gradients of an embedding: g_n is zero but in the rows that example n looks up, where Σ_t over equal indices of values is added."""

    def __init__(self, index: Tensor, values: Tensor, rows: int) -> None:
        super().__init__(len(index), torch.Size([rows, values.shape[-1]]), values.device)
        self.index, self.values = index, values
        owners = torch.arange(len(index), device=index.device)[:, None]
        keys, where = torch.unique(owners * rows + index, return_inverse=True)
        self.owner, self.position = keys // rows, keys % rows
        given = at_least_single(values).flatten(0, 1)
        self.sums = given.new_zeros(len(keys), values.shape[-1]).index_add_(0, where.flatten(), given)

    @property
    def numbers(self) -> int:
        return self.sums.numel() + self.values.numel()

    def dense(self, rows: slice) -> Tensor:
        chosen = (self.owner >= rows.start) & (self.owner < rows.stop)
        block = self.sums.new_zeros(rows.stop - rows.start, *self.shape)
        block[self.owner[chosen] - rows.start, self.position[chosen]] = self.sums[chosen]
        return block

    def squared_norms(self) -> Tensor:
        return self._gathered(self.sums.square().sum(1))

    def absolute_sums(self) -> Tensor:
        return self._gathered(self.sums.abs().sum(1))

    def products(self, directions: Tensor) -> Tensor:
        tables = directions.to(self.sums.dtype).reshape(-1, *self.shape)
        return torch.stack([self._gathered((self.sums * table[self.position]).sum(1)) for table in tables], 1)

    def gram(self, other: Piece) -> Tensor:
        if not isinstance(other, Rows):
            return super().gram(other)
        used = torch.unique(self.position)
        total = self.sums.new_zeros(self.count, other.count)
        for part in chunks(len(used), max(self.count, other.count) * self.shape[1]):
            total += self._compact(used[part]) @ other._compact(used[part]).T
        return total

    def _compact(self, places: Tensor) -> Tensor:
        """The gradients in these (sorted) rows only, [N, rows · width]."""
        slot = torch.searchsorted(places, self.position).clamp_(max=len(places) - 1)
        chosen = places[slot] == self.position
        block = self.sums.new_zeros(self.count, len(places), self.shape[1])
        block[self.owner[chosen], slot[chosen]] = self.sums[chosen]
        return block.flatten(1)

    def _gathered(self, numbers: Tensor) -> Tensor:
        return numbers.new_zeros(self.count).index_add_(0, self.owner, numbers)


class Sum(Piece):
    """The sum of gradients in different forms, for a parameter that layers of different kinds share."""

    def __init__(self, parts: list[Piece]) -> None:
        super().__init__(parts[0].count, parts[0].shape, parts[0].device)
        self.parts = parts

    @property
    def numbers(self) -> int:
        return sum(part.numbers for part in self.parts)

    def dense(self, rows: slice) -> Tensor:
        return torch.stack([at_least_single(part.dense(rows)) for part in self.parts]).sum(0)
