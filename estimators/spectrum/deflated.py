"""Upper bounds on the largest eigenvalue from Ritz vectors and from what those have not seen of the trace or of |A|_F.

Own derivations, proved in the book. They need no luck with the starting vector, and no trust in a Lanczos recurrence: the vectors
are measured (:mod:`.ritz`). Tight where a few eigenvalues stand out from a small bulk, as they do in trained networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from certify.bounds import Bound, derive

from .ritz import Ritz


def trace_deflated(vectors: Ritz, trace: Bound) -> Bound:
    """At least the largest eigenvalue of a positive semidefinite A, by the part of its trace that the vectors have not seen.

    ``trace`` is an upper bound on tr A. Every number of leading Ritz vectors is tried; the least bound is returned, and since each
    holds on the same event as the trace given, the choice costs no failure probability.

    Theorem: ``spectrum.deflated-trace`` (upper top, coupling, trace, skew; lower ritz_sum; exact weight).
    """

    def tail(kept: int) -> float:
        return max(0.0, trace.value - vectors.ritz_sum(kept).value / (1 + vectors.skew))

    kept, weight = _best(vectors, tail)
    return derive(
        "spectrum.deflated-trace",
        top=vectors.top(kept), coupling=vectors.coupling(kept), trace=trace, ritz_sum=vectors.ritz_sum(kept), skew=vectors.skewness(),
        weight=weight,
    )  # fmt: skip


def frobenius_deflated(vectors: Ritz, square_sum: Bound) -> Bound:
    """At least the largest eigenvalue of a symmetric A, by the part of |A|_F² (``square_sum``, an upper bound) that the vectors have not seen.

    Theorem: ``spectrum.deflated-frobenius`` (upper top, coupling, square_sum, skew; lower ritz_squares, residual_squares; exact weight).
    """
    skew = vectors.skew

    def tail(kept: int) -> float:
        seen = vectors.ritz_squares(kept).value / (1 + skew) ** 2 + 2 * vectors.residual_squares(kept).value / (1 + skew)
        return math.sqrt(max(0.0, square_sum.value - seen + 2 * skew**2 * (1 + skew) * square_sum.value / (1 - skew)))

    kept, weight = _best(vectors, tail)
    return derive(
        "spectrum.deflated-frobenius",
        top=vectors.top(kept), coupling=vectors.coupling(kept), square_sum=square_sum, ritz_squares=vectors.ritz_squares(kept),
        residual_squares=vectors.residual_squares(kept), skew=vectors.skewness(), weight=weight,
    )  # fmt: skip


def tail_deflated(vectors: Ritz, tail: Bound) -> Bound:
    """At least the largest eigenvalue of a symmetric A, from a bound on the Frobenius norm of A beyond *all* the vectors.

    For fewer vectors the tail follows deterministically, so one probabilistic bound on it serves for every number of them.

    Theorem: ``spectrum.dropped-ritz`` (upper tail, dropped, dropped_residual, form, residual, skew).
    Theorem: ``spectrum.deflated`` (upper top, coupling, tail, skew; exact weight).
    """

    def of(kept: int) -> Bound:
        if kept == vectors.count:
            return tail
        return derive(
            "spectrum.dropped-ritz",
            tail=tail, dropped=vectors.dropped(kept), dropped_residual=vectors.dropped_residual(kept), form=vectors.form_norm(),
            residual=vectors.residual_norm(), skew=vectors.skewness(),
        )  # fmt: skip

    kept, weight = _best(vectors, lambda kept: of(kept).value)
    return derive(
        "spectrum.deflated",
        top=vectors.top(kept), coupling=vectors.coupling(kept), tail=of(kept), skew=vectors.skewness(), weight=weight,
    )  # fmt: skip


def _best(vectors: Ritz, tail: Callable[[int], float]) -> tuple[int, float]:
    """The number of leading vectors, and the weight, with the least bound in floating-point arithmetic."""
    found = []
    for kept in range(1, vectors.count + 1):
        top, coupling, beyond, margin = vectors.top(kept).value, vectors.coupling(kept).value, tail(kept), 1 - vectors.skew
        gap = top - beyond * margin
        root = math.hypot(gap, 2 * coupling * math.sqrt(margin))
        weight = 1.0
        if coupling > 0:
            weight = 2 * coupling * margin / (gap + root) if gap > 0 else (root - gap) / (2 * coupling)
        if not 0 < weight < math.inf:
            weight = 1.0
        found.append((max((top + weight * coupling) / margin, beyond + coupling / weight), kept, weight))
    _, kept, weight = min(found)
    return kept, weight
