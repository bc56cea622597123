"""The log-determinant of a damped semidefinite operator, certified from both sides."""

from __future__ import annotations

import math

import torch
from flint import arb

from certify.bounds import Bound, Estimate
from certify.bounds.evidence import Combined
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from ..products import Products, SymmetricOperator, accuracy, semidefinite
from ..spectrum.lanczos import lanczos
from ..spectrum.ritz import Ritz, ritz
from .frobenius import frobenius_remainder
from .interval import Interval
from .probes import check_probability
from .remainder import remainder
from .trace import semidefinite_remainder

_BITS = 128


def log_determinant(
    operator: SymmetricOperator,
    *,
    damping: float,
    failure_probability: float,
    steps: int,
    probes: int,
    generator: torch.Generator | None = None,
    positive_semidefinite: bool | None = None,
) -> Interval:
    """log det(A + damping I) for a positive semidefinite A, from ``steps`` Lanczos vectors and ``probes`` of what they have not seen.

    Let P and Q project on the span of the k vectors and on its complement, B = A + damping I, and S the Schur complement of PBP, so that
    log det B = log det PBP + log det S. Above (Fischer): S <= QBQ, and the logarithm is concave, so log det S is at most
    (n - k) log(tr QBQ/(n - k)). Below: S >= damping I, its trace is that of QBQ less that of (PBP)^-1 (PAQ)(QAP), its
    eigenvalues are at most b = damping + |QAQ|_F, and on [damping, b] the logarithm lies above its chord. The trace and
    the norm of QAQ come from the probes. Proved by these lines, not in the book; the estimate is one Lanczos quadrature.

    >>> matrix = torch.diag(torch.cat([torch.tensor([100.0, 10.0]), torch.full((98,), 0.01)]).double())
    >>> found = log_determinant(
    ...     matrix, damping=1.0, failure_probability=1e-6, steps=8, probes=20, positive_semidefinite=True, generator=torch.Generator().manual_seed(0)
    ... )
    >>> truth = float(torch.logdet(matrix + torch.eye(100)))
    >>> truth - 1 < found.lower.value <= truth <= found.upper.value < truth + 3
    True
    """
    check_probability(failure_probability)
    if not 0 < damping < math.inf:
        raise ValueError(f"a certified log-determinant needs a positive, finite damping, not {damping}")
    if not semidefinite(operator, positive_semidefinite):
        raise ValueError("the operator is not known to be positive semidefinite: use a Gauss-Newton operator, or say why it is")
    asked = Products(operator)
    run = lanczos(asked, asked.gaussian(1, generator)[:, 0], steps)
    vectors = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
    beside = run.off_diagonal[: run.steps - 1]
    points, weights = torch.linalg.eigh(torch.diag(run.diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1))
    guess = asked.size * float((weights[0] ** 2 * torch.log(points.clamp_min(0.0) + damping)).sum())
    rest = asked.size - vectors.count
    inputs: tuple[Bound, ...] = ()
    low = high = norm = Bound(0.0, Side.EXACT)
    if rest:
        seen = remainder(asked, vectors, probes, generator)
        low, high = semidefinite_remainder(seen, vectors, failure_probability / 4)
        norm = frobenius_remainder(seen, vectors, failure_probability / 4)
        inputs = (low, high, norm)
    with precision(_BITS):
        below, above = _inside(vectors, damping)
        if rest:
            count, least = ball(rest), ball(damping)
            above += count * (least + ball(max(0.0, high.value)) / count).log()
            below += _chord(count, least, low.value - _coupled(vectors, damping), min(norm.value, max(high.value, 0.0)))
        lower, upper = lower_double(below), upper_double(above)
    evidence = Combined("Fischer above and the chord of the logarithm below, by the products seen", inputs)
    failures = [bound.failure_probability for bound in (low, norm, high)]
    total = math.nextafter(sum(failures), math.inf) if rest else 0.0
    return Interval(
        Bound(lower, Side.LOWER, evidence, total),
        Bound(upper, Side.UPPER, evidence, high.failure_probability),
        Estimate(guess, f"one Lanczos quadrature of {run.steps} steps"),
        asked.count,
    )


def _spread(vectors: Ritz) -> float:
    """How far the eigenvalues of PAP are from the diagonal of the form: Weyl for the off-diagonal part, for its error, and for the skew."""
    form = vectors.form
    beside = float(torch.linalg.matrix_norm(form - torch.diag(form.diagonal())))
    return 1.01 * (beside + vectors.form_error + 2 * vectors.skew * (vectors.form_norm().value)) / (1 - vectors.skew)


def _inside(vectors: Ritz, damping: float) -> tuple[arb, arb]:
    """log det PBP from below and above."""
    apart, below, above = ball(_spread(vectors)), arb(0), arb(0)
    for value in vectors.values.tolist():
        below += (ball(damping) + (ball(value) - apart).max(arb(0))).log()
        above += (ball(damping) + (ball(value) + apart).max(arb(0))).log()
    return below, above


def _coupled(vectors: Ritz, damping: float) -> float:
    """At least the trace of (PBP)^-1 (PAQ)(QAP): every Ritz vector's squared residual over its value plus damping.

    In the basis Y (Y'Y)^(-1/2) of the span, PBP is at least the diagonal matrix of these, but for twice the spread.
    """
    apart = _spread(vectors)
    if not 4 * apart < damping:
        return math.inf
    skewed, total = vectors.residual_norm().value * vectors.skew / (1 - vectors.skew), 0.0
    for value, square in zip(vectors.values.tolist(), vectors.residual_form.diagonal().tolist(), strict=True):
        length = math.sqrt(max(0.0, square) + vectors.residual_form_error) + vectors.residual_error + skewed
        total += length**2 / (damping + max(0.0, value - apart))
    return total * (1 + 1e-10) / (1 - 2 * apart / damping)


def _chord(count: arb, least: arb, trace: float, norm: float) -> arb:
    """(n - k) log damping, and what the trace of S beyond it is worth on the chord to its greatest possible eigenvalue."""
    flat = count * least.log()
    if not (trace > 0 and norm > 0):
        return flat
    greatest = least + ball(norm)
    return flat + ball(trace) * (greatest / least).log() / (greatest - least)
