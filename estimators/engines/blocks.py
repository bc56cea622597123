"""Several vectors at once: one after the other, or batched by vmap where a one-off measurement finds that faster and equal."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from ..progress import progress

Multiply = Callable[[Tensor, bool], Tensor]
"""Rows [K, P] to rows [K, P]; the flag says batched."""

CHUNK = 16
"""Vectors in one batch: memory grows with it, and beyond this speed no longer does."""
_PROBED, _ROUNDS = 4, 2
_WORTH_IT = 0.9


class Blocks:
    """Chooses once between a loop and vmap. ``batched`` is None until the first block with four vectors or more."""

    def __init__(self) -> None:
        self.batched: bool | None = None

    def apply(self, multiply: Multiply, rows: Tensor) -> Tensor:
        """The products of all rows [K, P], in the cheaper way."""
        if len(rows) < _PROBED:
            return _looped(multiply, rows)
        if self.batched is None:
            self.batched = self._measure(multiply, rows[:_PROBED])
        if not self.batched:
            return _looped(multiply, rows)
        try:
            chunks = torch.split(rows, CHUNK)
            return torch.cat(
                [multiply(chunk, True) for chunk in progress(chunks, "products with blocks of vectors", len(chunks))]
            )
        except RuntimeError:  # no memory, or no rule at this size
            self.batched = False
            return _looped(multiply, rows)

    @staticmethod
    def _measure(multiply: Multiply, rows: Tensor) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch warns where it has no batching rule, and loops inside
            try:
                batched = multiply(rows, True)
                looped = _looped(multiply, rows)
                rounds = [
                    (_timed(lambda: multiply(rows, True), rows), _timed(lambda: _looped(multiply, rows), rows))
                    for _ in range(_ROUNDS)
                ]
            except (RuntimeError, UserWarning):
                return False
        gap = torch.linalg.vector_norm(batched - looped, dim=-1)
        equal = gap <= torch.finfo(rows.dtype).eps ** 0.5 * torch.linalg.vector_norm(looped, dim=-1)
        return bool(equal.all()) and min(fast for fast, _ in rounds) < _WORTH_IT * min(slow for _, slow in rounds)


def _looped(multiply: Multiply, rows: Tensor) -> Tensor:
    if len(rows) == 1:
        return multiply(rows, False)
    return torch.cat([multiply(row[None], False) for row in progress(rows, "products with single vectors", len(rows))])


def _timed(work: Callable[[], Tensor], like: Tensor) -> float:
    if like.is_cuda:
        torch.cuda.synchronize(like.device)
    start = time.perf_counter()
    work()
    if like.is_cuda:
        torch.cuda.synchronize(like.device)
    return time.perf_counter() - start
