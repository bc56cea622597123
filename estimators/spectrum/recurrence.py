"""The three-term recurrence of a Lanczos run with what it is off by: how large its polynomials must be at an eigenvalue.

The coefficients are exact numbers by definition. What A Y differs by from what they say is measured, column by column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from flint import arb

from certify.bounds.rounding import gamma
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.balls import ball

from ..products import Accuracy
from .lanczos import Lanczos


@dataclass(frozen=True)
class Recurrence:
    """Coefficients a_j and b_j, bounds ``off`` on |A y_j - b_(j-1) y_(j-1) - a_j y_j - b_j y_(j+1)|, and ``lengths`` on |y_(j+1)|."""

    diagonal: tuple[float, ...]
    off_diagonal: tuple[float, ...]
    off: tuple[float, ...]
    lengths: tuple[float, ...]

    def negated(self) -> Recurrence:
        """The recurrence of -A, on the vectors with alternating signs."""
        return replace(self, diagonal=tuple(-number for number in self.diagonal))

    def first(self, steps: int) -> Recurrence:
        """The first ``steps`` steps of it."""
        return Recurrence(self.diagonal[:steps], self.off_diagonal[:steps], self.off[:steps], self.lengths[:steps])

    def polynomial(self, point: arb) -> tuple[arb, arb]:
        """p_k at the point, and p_k times the greatest loss of overlap, both enclosed.

        With s_j = (x . y_(j+1))/p_j the recurrence says s_j - s_(j-1) = -(g_1 p_0 + ... + g_j p_(j-1))/(b_j p_j p_(j-1)),
        where g_j is at most ``off``; the loss is the sum of these. (0, inf) where a polynomial is not proved positive.
        """
        before, previous, current = arb(0), arb(0), arb(1)
        carried, loss = arb(0), arb(0)
        for along, across, off in zip(map(ball, self.diagonal), map(ball, self.off_diagonal), map(ball, self.off), strict=True):
            following = ((point - along) * current - before * previous) / across
            if not following > 0:
                return arb(0), arb("inf")
            carried += off * current
            loss += carried / (across * following * current)
            before, previous, current = across, current, following
        return current, current * loss

    def candidate(self, overlap: float) -> float | None:
        """About the least point, beyond the Ritz values, at which (overlap - loss) p_k exceeds the last length; None where none was found."""
        low = float(torch.linalg.eigvalsh(_tridiagonal(self.diagonal, self.off_diagonal))[-1])
        scale = max(abs(low), *self.off_diagonal)
        if not math.isfinite(scale):
            return None
        width = 1e-13 * scale
        while not self._enough(low + width, overlap):
            width *= 8
            if width > 1e14 * scale:
                return None
        least = 0.0
        while width - least > 1e-3 * least + 1e-17 * scale:
            middle = (least + width) / 2
            least, width = (least, middle) if self._enough(low + middle, overlap) else (middle, width)
        return low + width

    def _enough(self, point: float, overlap: float) -> bool:
        """In floating-point arithmetic, by ratios of successive polynomials and logarithms, so that nothing overflows."""
        ratio, logarithm, carried, loss, before = 0.0, 0.0, 0.0, 0.0, 0.0
        for along, across, off in zip(self.diagonal, self.off_diagonal, self.off, strict=True):
            ratio = ((point - along) - (before / ratio if ratio else 0.0)) / across
            if not ratio > 0:
                return False
            carried += off * math.exp(min(300.0, logarithm))
            loss += carried / (across * ratio * math.exp(min(300.0, 2 * logarithm)))
            logarithm += math.log(ratio)
            before = across
        return overlap > loss and math.log(overlap - loss) + logarithm > math.log(max(self.lengths[-1], 1e-300))


def recurrence(run: Lanczos, accuracy: Accuracy) -> Recurrence:
    """Measure the recurrence of a run, with rounding and the stated accuracy of the products added outward."""
    vectors = torch.cat([run.basis, run.following[:, None]], dim=1).double()
    off = []
    for step in range(run.steps):
        parts = [
            run.images[:, step].double(),
            run.diagonal[step] * vectors[:, step],
            run.off_diagonal[step] * vectors[:, step + 1],
        ]
        if step:
            parts.append(run.off_diagonal[step - 1] * vectors[:, step - 1])
        left = parts[0] - parts[1] - parts[2] - (parts[3] if step else 0.0)
        rounding = gamma(6) * sum(vector_norm_upper(part) for part in parts)
        off.append(1.01 * (vector_norm_upper(left) + rounding + accuracy.absolute * vector_norm_upper(vectors[:, step])))
    lengths = tuple(vector_norm_upper(vectors[:, step + 1]) for step in range(run.steps))
    return Recurrence(tuple(run.diagonal.tolist()), tuple(run.off_diagonal.tolist()), tuple(off), lengths)


def _tridiagonal(diagonal: Sequence[float], off_diagonal: Sequence[float]) -> torch.Tensor:
    along, beside = (
        torch.tensor(row, dtype=torch.float64, device="cpu") for row in (diagonal, off_diagonal[: len(diagonal) - 1])
    )
    return torch.diag(along) + torch.diag(beside, 1) + torch.diag(beside, -1)
