"""The Frobenius norm of a symmetric operator from Gaussian probes, certified from both sides."""

from __future__ import annotations

import math

import torch

from certify.bounds import Bound, Estimate
from certify.bounds.evidence import Combined
from certify.proofs.sides import Side

from ..products import Products, SymmetricOperator, accuracy
from ..spectrum.lanczos import lanczos
from ..spectrum.ritz import Ritz, ritz
from .interval import Interval
from .probes import check_probability, share_above, share_below
from .remainder import Remainder, remainder


def frobenius_norm(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    probes: int,
    deflation: int = 0,
    generator: torch.Generator | None = None,
) -> Interval:
    """|A|_F between two bounds that both hold but for ``failure_probability``: Chernoff bounds on the mean of |A w|² = w . A² w.

    With ``deflation`` Lanczos vectors, what they see of |A|_F² is known exactly and only |QAQ|_F², Q the projector on their complement, is
    left to chance.

    >>> matrix = torch.diag(torch.cat([torch.tensor([10.0]), torch.ones(99)]).double())
    >>> found = frobenius_norm(matrix, failure_probability=1e-6, probes=30, deflation=8, generator=torch.Generator().manual_seed(0))
    >>> 11 < found.lower.value <= 199**0.5 <= found.upper.value < 27
    True
    """
    check_probability(failure_probability)
    asked = Products(operator)
    vectors = lanczos_vectors(asked, deflation, generator) if deflation else None
    seen = remainder(asked, vectors, probes, generator)
    upper = frobenius_remainder(seen, vectors, failure_probability / 2)
    lower = _below(seen, vectors, failure_probability / 2)
    square = seen.length**2
    if vectors is not None:
        inside, aside = _seen(vectors, Side.LOWER)
        lower = (lower * lower + inside * inside + aside * aside * 2).sqrt()
        square += inside.value**2 + 2 * aside.value**2
        inside, aside = _seen(vectors, Side.UPPER)
        upper = (upper * upper + inside * inside + aside * aside * 2).sqrt()
    return Interval(lower, upper, Estimate(math.sqrt(square), f"root of the mean of {probes} squared images"), asked.count)


def frobenius_remainder(seen: Remainder, vectors: Ritz | None, failure_probability: float) -> Bound:
    """At least |QAQ|_F, Q the projector on the complement of the vectors (the identity without any).

    Given the vectors this is one Chernoff event, whatever they depend on: the probes were drawn after them.

    Theorem: ``trace.frobenius`` (exact m, share).
    """
    share, failure = share_below(seen.probes, failure_probability, "trace.frobenius")
    # the root of the mean of |QAQ w|² is at most length + slip |QA|, and |QA| <= |R|_F/sqrt(1 - skew) + |QAQ|_F, which is solved for
    root = math.sqrt(share)
    coupled = 0.0 if vectors is None else vectors.residual_norm().value / math.sqrt(1 - vectors.skew)
    if not seen.slip < root / 2:
        raise ValueError("too few probes for this failure probability: rounding hides what they see; raise probes")
    above = (seen.length + seen.slip * coupled) / (root - seen.slip) * (1 + 1e-12)
    measured = Bound(above, Side.UPPER, seen.accuracy.evidence("root of the mean of |QAQ w|² over the probes, over their share"))
    return Bound(above, Side.UPPER, Combined("by chance, with the probability given", (measured, failure)), failure.value)


def lanczos_vectors(asked: Products, steps: int, generator: torch.Generator | None) -> Ritz:
    """Lanczos vectors from a random start, measured."""
    run = lanczos(asked, asked.gaussian(1, generator)[:, 0], steps)
    return ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))


def _below(seen: Remainder, vectors: Ritz | None, failure_probability: float) -> Bound:
    """At most |QAQ|_F: the lower Chernoff bound for the positive semidefinite (QAQ)².

    Theorem: ``trace.chernoff-below`` (exact m, share).
    """
    share, failure = share_above(seen.probes, failure_probability, "trace.chernoff-below")
    coupled = 0.0 if vectors is None else vectors.residual_norm().value / math.sqrt(1 - vectors.skew)
    # |QAQ w| >= what was measured - slip |QA|, with |QA| <= coupled + |QAQ|_F, which is solved for
    below = max(0.0, seen.shortest - seen.slip * coupled) / (math.sqrt(share) + seen.slip) * (1 - 1e-12)
    measured = Bound(below, Side.LOWER, seen.accuracy.evidence("root of the mean of |QAQ w|² over the probes, over their share"))
    return Bound(below, Side.LOWER, Combined("by chance, with the probability given", (measured, failure)), failure.value)


def _seen(vectors: Ritz, side: Side) -> tuple[Bound, Bound]:
    """|PAP|_F and |QAP|_F on that side, P the projector on the span: Y'AY = G^(1/2) B G^(1/2) with |B|_F = |PAP|_F, and QR = QAP Y, G = Y'Y."""
    skew, evidence = vectors.skew, vectors.accuracy.evidence("|A|_F on the span of the vectors, and beside it")
    if side is Side.UPPER:
        inside = vectors.form_norm().value / (1 - skew)
        aside = vectors.residual_norm().value / math.sqrt(1 - skew)
        return Bound(inside * (1 + 1e-15), side, evidence), Bound(aside * (1 + 1e-15), side, evidence)
    inside = math.sqrt(vectors.ritz_squares(vectors.count).value) / (1 + skew)
    along = skew**2 * vectors.form_norm().value ** 2 / (1 - skew)  # |PR|_F², which is not QAP's
    aside = math.sqrt(max(0.0, vectors.residual_squares(vectors.count).value - along) / (1 + skew))
    return Bound(inside * (1 - 1e-15), side, evidence), Bound(aside * (1 - 1e-15), side, evidence)
