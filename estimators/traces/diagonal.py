"""The diagonal of a symmetric operator: an estimate for every entry, and intervals that hold for all entries at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from certify.bounds import Bound
from certify.proofs.sides import Side

from ..products import Accuracy, Products, SymmetricOperator, accuracy, semidefinite
from ..progress import progress
from .magnitude import LEAST, check_magnitude
from .probes import check_probability, check_probes, share_below
from .trace import deviation


@dataclass(frozen=True, eq=False)
class Diagonal:
    """Estimates of all entries [P], and bounds below and above that hold together but for ``failure_probability``; float64."""

    estimate: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor
    failure_probability: float
    products: int
    accuracy: Accuracy


def diagonal(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    probes: int,
    generator: torch.Generator | None = None,
    positive_semidefinite: bool | None = None,
) -> Diagonal:
    """The diagonal by ``probes`` products with Gaussian w: the mean of w_i (A w)_i, with an interval for every entry.

    w_i (A w)_i is the quadratic form of B = (e_i a' + a e_i')/2, a = A e_i the row, whose norms are at most |a|. (A w)_i has the law
    N(0, |a|²), so the mean of its squares bounds |a| (Chernoff, rank one); then the deviation of the mean from A_ii is bounded as that of
    any trace. Half of the probability goes to the rows, a quarter to either side, each divided by the number of entries.

    Theorem: ``trace.chernoff`` (exact m, share).

    >>> found = diagonal(torch.diag(torch.tensor([1.0, 5.0]).double()), failure_probability=0.01, probes=400, generator=torch.Generator().manual_seed(0))
    >>> bool(((found.lower <= torch.tensor([1.0, 5.0])) & (found.upper >= torch.tensor([1.0, 5.0]))).all())
    True
    """
    check_probes(probes)
    asked = Products(operator)
    size = asked.size
    share, failure = share_below(probes, check_probability(failure_probability) / (2 * size), "trace.chernoff")
    products_sum = torch.zeros(size, dtype=torch.float64, device=operator.device)
    squares, off, first = torch.zeros_like(products_sum), 0.0, None
    shifts = torch.zeros_like(products_sum)
    lengths = []
    for _ in progress(range(probes), "diagonal", probes):
        probe = asked.gaussian(1, generator)[:, 0]
        image = asked(probe)
        check_magnitude(image, least=0.0 if first else LEAST)
        first = first or (probe, image)
        long, wide = probe.double(), image.double()
        products_sum += long * wide
        squares += wide * wide
        shifts += long.abs()
        lengths.append(float(torch.linalg.vector_norm(long)))
    assert first is not None
    known = accuracy(asked, *first)
    off = 1.01 * known.absolute * max(lengths)
    row = 1.01 * off + (squares / probes).sqrt() * (1 + 1e-9)  # the root of the mean of (A w)_i², from above
    row = row / math.sqrt(share)
    unit = Bound(1.0, Side.UPPER)
    width, wrong = deviation(probes, unit, unit, failure_probability / (4 * size))
    middle = products_sum / probes
    apart = (width * row + off * shifts / probes) * (1 + 1e-9)
    lower, upper = middle - apart, middle + apart
    if semidefinite(operator, positive_semidefinite):
        lower = lower.clamp_min(0.0)
    total = math.nextafter(size * (failure.value + 2 * wrong.value) * (1 + 1e-12), math.inf)
    return Diagonal(middle, lower, upper, total, asked.count, known)
