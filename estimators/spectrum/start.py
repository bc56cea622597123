"""Upper bounds on the largest eigenvalue from the luck of a random start: what a uniformly random vector cannot help overlapping.

The event is one: the start has an overlap of at least d with the top eigenvector. On it the bound holds for every number of steps
at once, so the least over all of them costs nothing. The other end of the spectrum is another event.
"""

from __future__ import annotations

import math

from scipy.special import betaincinv

from certify.bounds import Bound, derive
from certify.bounds.evidence import Combined, Declared
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from ..products import Accuracy
from ..traces.probes import check_probability
from .recurrence import Recurrence
from .ritz import Ritz

_BITS = 256
_TRIED = 50


def start_overlap(size: int, failure_probability: float) -> Bound:
    """A number d that the overlap of a random unit start with one fixed direction falls below with at most that probability.

    The start is a Gaussian vector divided by its norm. In one dimension the overlap is one.

    Theorem: ``spectrum.start-overlap`` (upper others; exact overlap).

    >>> overlap = start_overlap(2000, 1e-3)
    >>> 2.7e-5 < overlap.value < 2.9e-5, overlap.failure_probability <= 1e-3
    (True, True)
    """
    check_probability(failure_probability)
    if size == 1:
        return Bound(1.0, Side.LOWER, Declared("a unit vector in one dimension"))
    overlap = math.sqrt(min(1.0, float(betaincinv(0.5, (size - 1) / 2, failure_probability))))
    step = 1e-13
    while (failure := derive("spectrum.start-overlap", overlap=overlap, others=size - 1)).value > failure_probability:
        overlap *= 1 - step
        step *= 2
    evidence = Combined(
        "the start is a Gaussian vector divided by its norm, and falls short with the probability given", (failure,)
    )
    return Bound(overlap, Side.LOWER, evidence, failure.value)


def overlap_bound(measured: Recurrence, overlap: Bound, accuracy: Accuracy) -> Bound | None:
    """At least the largest eigenvalue of A, where the start overlaps the top eigenvector by ``overlap``; None where nothing follows.

    van Dorsselaer, Hochstenbach & van der Vorst (2000), with rounding. For the top unit eigenvector x, of the eigenvalue l, the
    recurrence makes x . y_(k+1) nearly p_k(l) (x . y_1), and that is at most |y_(k+1)|; beyond all Ritz values p_k grows. So l is at
    most any t at which p_k(t) times the overlap, less what the recurrence loses, is more than that. Where what the recurrence is
    off by is not small against the overlap (single precision, small failure probabilities) nothing follows. The
    least bound over the numbers of steps is returned (of a long run, over some fifty of them): they share one event.

    Theorem: ``spectrum.lanczos-growth`` (upper remainder, length; lower overlap, growth; exact candidate).
    """
    steps = len(measured.diagonal)
    tried = range(steps, 0, -(1 + steps // _TRIED))
    found = [(point, taken) for taken in tried if (point := measured.first(taken).candidate(overlap.value)) is not None]
    for point, taken in sorted(found):
        bound = _proved(measured.first(taken), point, overlap, accuracy)
        if bound is not None:
            return bound
    return None


def _proved(measured: Recurrence, point: float, overlap: Bound, accuracy: Accuracy) -> Bound | None:
    """The theorem at the candidate ``point``, or a little above it; None where balls do not confirm what was found in floats.

    Theorem: ``spectrum.lanczos-growth`` (upper remainder, length; lower overlap, growth; exact candidate).
    """
    scale = max(abs(point), *measured.off_diagonal)
    shift = 0.0 if point > 0 else 2.0 ** math.ceil(math.log2(4 * scale))  # the theorem speaks of positive numbers: of A + shift
    for slack in (0.0, 1e-15, 1e-14, 1e-12, 1e-9, 1e-6):
        candidate, length = math.nextafter(point + shift + slack * scale, math.inf), measured.lengths[-1]
        with precision(_BITS):
            growth, remainder = measured.polynomial(ball(candidate) - ball(shift))
            below, above = min(lower_double(growth), 1e300), upper_double(remainder)
            holds = above < math.inf and ball(overlap.value) * ball(below) - ball(above) - ball(length) > 0
        if holds:
            largest = derive(
                "spectrum.lanczos-growth",
                candidate=candidate,
                growth=Bound(below, Side.LOWER, accuracy.evidence("Lanczos polynomial at the candidate")),
                remainder=Bound(above, Side.UPPER, accuracy.evidence("what the recurrence is off by, at the candidate")),
                length=Bound(length, Side.UPPER, accuracy.evidence("norm of the last vector")),
                overlap=overlap,
            )
            return largest - shift if shift else largest
    return None


def krylov_bound(vectors: Ritz, overlap: Bound) -> Bound:
    """At least the largest eigenvalue of a positive semidefinite A, *if* the k vectors span the exact Krylov space of the start.

    The form of Kuczynski & Wozniakowski (1992), sharpened: top cosh²(arccosh(1/d)/(2k - 1)). No run in floating-point arithmetic spans that
    space exactly, and nothing here measures how far it is from it, so the premise is the reader's: :func:`largest_eigenvalue`
    leaves this bound out.

    Theorem: ``spectrum.lanczos-start`` (upper ritz; lower growth, overlap; exact stretch).
    """
    degree = 2 * vectors.count - 1
    stretch, step, growth = math.cosh(math.acosh(1 / overlap.value) / degree), 1e-15, 1.0
    while overlap.value * growth < 1 + 1e-12:
        stretch, step = stretch * (1 + step), 2 * step
        with precision(_BITS):
            growth = lower_double((degree * ball(stretch).acosh()).cosh())
    premise = Declared("premise: the vectors span the exact Krylov space of the start")
    known = Bound(growth, Side.LOWER, premise)
    return derive("spectrum.lanczos-start", ritz=vectors.top(vectors.count), stretch=stretch, growth=known, overlap=overlap)
