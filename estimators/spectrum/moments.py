"""Upper bounds on the largest eigenvalue or the norm from a few numbers: trace and sum of squares, or the images of random vectors."""

from __future__ import annotations

import math

import torch
from scipy.optimize import minimize_scalar

from certify.bounds import Bound, derive
from certify.bounds.evidence import Combined
from certify.proofs.sides import Side

from ..products import Products, SymmetricOperator, accuracy
from ..traces.magnitude import check_magnitude
from ..traces.probes import check_probability, check_probes


def trace_and_squares(size: int, *, trace: Bound, square_sum: Bound) -> Bound:
    """At least the largest eigenvalue of a symmetric matrix [size, size] with that trace and |A|_F² (an upper bound).

    Wolkowicz & Styan (1980). The bound falls where the trace grows, so it takes a *lower* bound (or the exact value) of a nonnegative
    trace; an upper bound serves only the weaker form beyond. A wrong side would be a false certificate: tr = 3, |A|_F² = 9 and the
    largest eigenvalue 3 become 2.8 with 6 for the trace.

    Theorem: ``spectrum.wolkowicz-styan`` (upper square_sum, others; lower trace; exact weight).
    Theorem: ``spectrum.wolkowicz-styan-above`` (upper trace, square_sum, others; exact weight).

    >>> trace_and_squares(2, trace=Bound(3.0, Side.LOWER), square_sum=Bound(9.0, Side.UPPER)).value
    3.0...
    """
    others, root = size - 1, math.sqrt(square_sum.value)
    turn = -1.0 if trace.side is Side.UPPER else 1.0

    def value(weight: float) -> float:
        return (root * math.sqrt(1 + others * weight**2) - turn * weight * trace.value) / (1 - turn * weight)

    weight = float(minimize_scalar(value, bounds=(0.0, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}).x)
    weight = min((weight, 0.0), key=value)
    if trace.side is Side.UPPER:
        return derive("spectrum.wolkowicz-styan-above", trace=trace, square_sum=square_sum, others=others, weight=weight)
    return derive("spectrum.wolkowicz-styan", trace=trace, square_sum=square_sum, others=others, weight=weight)


def random_images(
    operator: SymmetricOperator, *, failure_probability: float, probes: int, generator: torch.Generator | None = None
) -> Bound:
    """At least |A| but for the failure probability, from the longest of ``probes`` images of Gaussian vectors.

    Halko, Martinsson & Tropp (2011), Lemma 4.1: loose (a factor of ten and more), but one block product, and no Lanczos.

    Theorem: ``spectrum.random-images`` (exact m, factor).

    >>> random_images(torch.eye(3).double(), failure_probability=1e-3, probes=10, generator=torch.Generator().manual_seed(0)).value > 1
    True
    """
    factor = check_probability(failure_probability) ** (-1 / check_probes(probes)) * (1 + 1e-13)
    failure = derive("spectrum.random-images", m=probes, factor=factor)
    asked = Products(operator)
    probe = asked.gaussian(probes, generator)
    image = asked(probe)
    check_magnitude(image)
    known = accuracy(asked, probe, image)
    lengths = torch.linalg.vector_norm(image.double(), dim=0) * (1 + 1e-12)
    missed = known.absolute * torch.linalg.vector_norm(probe.double(), dim=0) * (1 + 1e-12)
    longest = Bound(float((lengths + missed).max()), Side.UPPER, known.evidence("the longest image of a probe"))
    value = math.nextafter(factor * math.sqrt(2 / math.pi) * longest.value * (1 + 1e-15), math.inf)
    return Bound(value, Side.UPPER, Combined("by chance, with the probability given", (longest, failure)), failure.value)
