"""The trace of a symmetric operator from Gaussian probes, certified from both sides."""

from __future__ import annotations

import math

import torch

from certify.bounds import Bound, Estimate, WrongSide, derive
from certify.bounds.evidence import Combined
from certify.proofs.sides import Side

from ..products import Products, SymmetricOperator, semidefinite
from ..spectrum.ritz import Ritz
from .frobenius import frobenius_remainder, lanczos_vectors
from .interval import Interval, sharper
from .probes import check_probability, share_above, share_below
from .remainder import Remainder, remainder


def trace(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    probes: int,
    deflation: int = 0,
    spectral: Bound | None = None,
    generator: torch.Generator | None = None,
    positive_semidefinite: bool | None = None,
) -> Interval:
    """The trace between two bounds that both hold but for ``failure_probability``, from ``probes`` products with Gaussian vectors.

    The mean of w . A w deviates from the trace by at most what |A|_F and |A| allow (Cortinovis & Kressner 2022); |A|_F is bounded by the
    same probes, and |A| by ``spectral`` where that is given, else by |A|_F. For positive semidefinite operators Chernoff
    bounds compete, which need neither; half of the probability is for them. With ``deflation`` Lanczos vectors
    the trace on their span is known exactly and only the rest is left to chance: worth it where few eigenvalues stand out.

    >>> matrix = torch.diag(torch.cat([torch.tensor([100.0]), torch.ones(99)]).double())
    >>> found = trace(matrix, failure_probability=1e-6, probes=30, deflation=8, positive_semidefinite=True, generator=torch.Generator().manual_seed(0))
    >>> 130 < found.lower.value <= 199.0 <= found.upper.value < 300
    True
    """
    check_probability(failure_probability)
    if spectral is not None and spectral.side is Side.LOWER:
        raise WrongSide(
            "spectral is an upper bound on the norm |A| (the larger of both ends of the spectrum), and was given a lower one"
        )
    asked = Products(operator)
    vectors = lanczos_vectors(asked, deflation, generator) if deflation else None
    if vectors is not None and vectors.count == asked.size:
        low, high = vectors.inside()
        return Interval(low, high, Estimate(float(vectors.values.sum()), "exact: the vectors span the space"), asked.count)
    seen = remainder(asked, vectors, probes, generator)
    inside = vectors.inside() if vectors is not None else None
    if semidefinite(operator, positive_semidefinite):
        lower, upper = semidefinite_remainder(seen, vectors, failure_probability / 2, spectral)
    else:
        lower, upper = _indefinite(seen, vectors, spectral, failure_probability / 2)
    if inside is not None:
        lower, upper = inside[0] + lower, inside[1] + upper
    middle = (seen.lower + seen.upper) / 2 + (float(vectors.values.sum()) if vectors is not None else 0.0)
    return Interval(lower, upper, Estimate(middle, f"mean of {probes} Gaussian probes"), asked.count)


def semidefinite_remainder(
    seen: Remainder, vectors: Ritz | None, failure_probability: float, spectral: Bound | None = None
) -> tuple[Bound, Bound]:
    """Below and above tr QAQ for a semidefinite A, each with the failure probability, half for either of two routes.

    Chernoff's is the sharper one where few eigenvalues carry the rest, the deviation by |QAQ|_F where many do.
    """
    chernoff = _semidefinite(seen, vectors.inside() if vectors is not None else None, failure_probability / 2)
    spread = _indefinite(seen, vectors, spectral, failure_probability / 2)
    return sharper(chernoff[0], spread[0]), sharper(chernoff[1], spread[1])


def _semidefinite(seen: Remainder, inside: tuple[Bound, Bound] | None, failure_probability: float) -> tuple[Bound, Bound]:
    """Below and above tr QAQ, each with the failure probability.

    Theorem: ``trace.chernoff``, ``trace.chernoff-below`` (exact m, share).
    """
    share, failure = share_below(seen.probes, failure_probability, "trace.chernoff")
    known, slipped = max(0.0, inside[1].value if inside else 0.0), seen.slip**2
    # T <= upper + slip² |A|, and |A| <= tr A = tr PAP + tr QAQ, which is solved for
    if not slipped < share / 2:
        raise ValueError("too few probes for this failure probability: rounding hides what they see; raise probes")
    above = (max(0.0, seen.upper) + slipped * known) / (share - slipped) * (1 + 1e-15)
    measured = Bound(above, Side.UPPER, seen.accuracy.evidence("mean of w . QAQ w over the probes, over their share"))
    upper = Bound(above, Side.UPPER, Combined("by chance, with the probability given", (measured, failure)), failure.value)
    share, failure = share_above(seen.probes, failure_probability, "trace.chernoff-below")
    below = max(0.0, seen.lower) / share * (1 - 1e-15)
    measured = Bound(below, Side.LOWER, seen.accuracy.evidence("mean of w . QAQ w over the probes, over their share"))
    return Bound(below, Side.LOWER, Combined("by chance, with the probability given", (measured, failure)), failure.value), upper


def _indefinite(seen: Remainder, vectors: Ritz | None, spectral: Bound | None, failure_probability: float) -> tuple[Bound, Bound]:
    """Below and above tr QAQ, each with the failure probability: half for |QAQ|_F, which both sides share, and half for the side.

    Theorem: ``trace.deviation`` (upper square_sum, spectral; exact m, deviation).
    """
    rest = frobenius_remainder(seen, vectors, failure_probability / 2)
    norm = rest if spectral is None or spectral.value > rest.value else spectral
    width, failure = deviation(seen.probes, rest * rest, norm, failure_probability / 2)
    whole = rest.value if vectors is None else rest.value + 2 * (vectors.form_norm().value + vectors.residual_norm().value)
    apart = width + 1.01 * seen.slip**2 * whole
    evidence = Combined("by chance, with the probability given", (rest, norm, failure))
    # which of the two norms serves is chance, so the bound given counts also where it does not
    total = rest.failure_probability + failure.value + (spectral.failure_probability if spectral is not None else 0.0)
    below, above = math.nextafter(seen.lower - apart, -math.inf), math.nextafter(seen.upper + apart, math.inf)
    total = math.nextafter(total, math.inf)
    return Bound(below, Side.LOWER, evidence, total), Bound(above, Side.UPPER, evidence, total)


def deviation(probes: int, square_sum: Bound, spectral: Bound, failure_probability: float) -> tuple[float, Bound]:
    """The least e, up to rounding, that T - tr A reaches with at most that probability, and what the theorem says there.

    Theorem: ``trace.deviation`` (upper square_sum, spectral; exact m, deviation).
    """
    square = Bound(max(square_sum.value, 1e-300), Side.UPPER, square_sum.evidence)
    norm = Bound(spectral.value, Side.UPPER, spectral.evidence)  # their own failures are other events, which the caller adds
    level = math.log(1 / check_probability(failure_probability))
    width = 2 * (level * norm.value + math.sqrt((level * norm.value) ** 2 + probes * level * square.value)) / probes
    step = 1e-14
    while (
        failure := derive("trace.deviation", m=probes, deviation=width, square_sum=square, spectral=norm)
    ).value > failure_probability:
        width *= 1 + step
        step *= 2
    return width, failure
