"""Tests that can refute at a stated level and never confirm: exact binomial limits, a held-out audit, scale tests.

Sources: Clopper and Pearson 1934; Jagielski, Ullman and Oprea 2020 for the audit; Massart 1990 for the band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .parameters import Vector

Releases = NDArray[np.float64]  # one release a row

_REGIONS = 4  # rejection regions kept from the first half and paid for in the second
_QUANTILES = np.linspace(0.02, 0.98, 25)


def binomial_upper(successes: int, trials: int, alpha: float) -> float:
    """An upper confidence limit of a probability at level 1 - alpha, by the exact binomial tail.

    The limit p satisfies P[Bin(trials, p) <= successes] <= alpha, checked in ball arithmetic; 1 if no smaller
    limit could be checked.

    >>> round(binomial_upper(0, 100, 0.05), 4)
    0.0295
    """
    from flint import arb
    from scipy.special import betainccinv

    if successes >= trials:
        return 1.0
    proposal = float(betainccinv(successes + 1, trials - successes, alpha))
    for bump in (0.0, 1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1):
        limit = proposal * (1 + bump)
        if limit >= 1 or not limit > 0:
            break
        if (1 - arb(limit)).beta_lower(trials - successes, successes + 1, 1) <= alpha:  # P[Bin(trials, limit) <= successes]
            return limit
    return 1.0


def epsilon_lower(
    false_negatives: int, positives: int, false_positives: int, negatives: int, delta: float, alpha: float
) -> float:
    """The epsilon that the error counts of one fixed region refute at level 1 - alpha; 0 if they refute none.

    Both directions are read from one event: each error rate gets a limit at level alpha / 2.
    """
    missed = binomial_upper(false_negatives, positives, alpha / 2)
    false = binomial_upper(false_positives, negatives, alpha / 2)
    bounds = [0.0]
    for numerator, denominator in ((1 - missed - delta, false), (1 - false - delta, missed)):
        if numerator > 0:
            bounds.append(math.log(numerator / denominator) * (1 - 1e-12) - 1e-12)
    return max(bounds)


@dataclass(frozen=True)
class Audit:
    """What the releases refute: any epsilon below ``epsilon_lower``, at the level asked for.

    ``most`` is the greatest epsilon that this many releases could have refuted, ``held_out`` the number
    on each side that was tested.
    """

    epsilon_lower: float
    most: float
    held_out: int


def audit(left: Releases, right: Releases, delta: float, alpha: float) -> Audit:
    """A lower bound, true with probability 1 - alpha, of the epsilon between two laws, from independent releases.

    Regions are thresholds of two scores, the projection on the difference of the means and the distance
    from the mean of ``right``. They are chosen on the first half of the releases and tested on the second.
    """
    half = len(left) // 2
    first, second = (left[:half], right[:half]), (left[half:], right[half:])
    centre = first[1].mean(axis=0)
    towards = first[0].mean(axis=0) - centre

    def shift(rows: Releases) -> Vector:
        return np.asarray((rows - centre) @ towards)

    def spread(rows: Releases) -> Vector:
        return np.asarray(np.linalg.norm(rows - centre, axis=1))

    scores = (shift, spread)
    ranked: list[tuple[float, int, float, bool]] = []
    for index, score in enumerate(scores):
        inside, outside = score(first[0]), score(first[1])
        for threshold in np.unique(np.quantile(np.concatenate([inside, outside]), _QUANTILES, method="midpoint")):
            for above in (True, False):
                value = _promise(*_errors(inside, outside, float(threshold), above), delta)
                ranked.append((-value, index, float(threshold), above))
    ranked.sort()
    level = alpha / _REGIONS
    best = 0.0
    for _, index, threshold, above in ranked[:_REGIONS]:
        counts = _errors(scores[index](second[0]), scores[index](second[1]), threshold, above)
        best = max(best, epsilon_lower(*counts, delta, level))
    tested = len(second[0])
    return Audit(best, epsilon_lower(0, tested, 0, len(second[1]), delta, level), tested)


def _promise(false_negatives: int, positives: int, false_positives: int, negatives: int, delta: float) -> float:
    """A guess at what a region will refute, from error rates drawn towards one half; it only ranks."""
    missed, false = (false_negatives + 3) / (positives + 6), (false_positives + 3) / (negatives + 6)
    return math.log(max(max(1 - missed - delta, 1e-9) / false, max(1 - false - delta, 1e-9) / missed))


def _errors(inside: Vector, outside: Vector, threshold: float, above: bool) -> tuple[int, int, int, int]:
    if not above:
        inside, outside, threshold = -inside, -outside, -threshold
    return int((inside < threshold).sum()), len(inside), int((outside >= threshold).sum()), len(outside)


def releases_needed(epsilon: float, alpha: float) -> int:
    """How many releases a side :func:`audit` needs to refute ``epsilon`` on laws that never overlap."""
    return 2 * math.ceil(1.3 * math.log(2 * _REGIONS / alpha) * (1 + math.exp(min(epsilon, 30.0))))


def scale_refuted(deviations: Releases, scale: float, alpha: float) -> str | None:
    """What is wrong with the claim that the deviations are independent N(0, scale²), or ``None``.

    The sum of squares over scale² then follows the chi-squared law; both tails get alpha / 2.
    """
    from scipy.special import chdtr, chdtrc

    count = deviations.size
    statistic = float(np.sum((deviations / scale) ** 2))
    seen = math.sqrt(statistic / count)
    if min(float(chdtr(count, statistic)), float(chdtrc(count, statistic))) < alpha / 2:
        return f"the noise has {seen:.4g} times the standard deviation that noise_scale declares ({scale:.4g})"
    return None


def same_law_refuted(samples: Sequence[Vector], alpha: float) -> tuple[int, int] | None:
    """The indices of two samples that cannot come from one continuous or discrete law, or ``None``.

    Each empirical distribution function has a uniform band that holds with probability 1 - alpha / k for
    k samples; two bands that do not overlap somewhere refute. The samples may be of any law.
    """
    grid = np.sort(np.concatenate(samples))
    curves = [np.searchsorted(np.sort(sample), grid, side="right") / len(sample) for sample in samples]
    bands = [math.sqrt(math.log(2 * len(samples) / alpha) / (2 * len(sample))) for sample in samples]
    for one in range(len(samples)):
        for two in range(one):
            if float(np.max(np.abs(curves[one] - curves[two]))) > bands[one] + bands[two]:
                return two, one
    return None
