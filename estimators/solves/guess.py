"""A first guess: where an iteration starts. It is no tensor, no bound and no result, so that nobody takes it for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Guess:
    """Where a solve may start (``start=``): nothing is known of its distance to the solution until a residual is computed.

    ``source`` says what it was made by. It has no arithmetic and does not convert to a number, a tensor or a bound.
    """

    start: Tensor
    source: str

    def __repr__(self) -> str:
        return f"<Guess [{', '.join(map(str, self.start.shape))}] by {self.source}: a start for solve, no solution>"


class Approximation(Protocol):
    """Something near A that is cheaply inverted with damping, and symmetric positive definite then."""

    def precondition(self, block: Tensor, damping: float, /) -> Tensor:
        """Vectors [P] or blocks [P, K] near (A + damping I)^-1 ``block``, up to a factor."""
