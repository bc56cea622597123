"""Gaussian probes: by what share the mean of m quadratic forms can be off, at a failure probability that is given."""

from __future__ import annotations

import math

from certify.bounds import Bound, derive

_LEAST_SHARE = 1e-120
"""Below it powers of the probability leave the doubles."""


def check_probability(failure_probability: float) -> float:
    """The probability itself; raises ``ValueError`` unless it lies strictly between 1e-100 and 1 (shares of it may be a little less)."""
    if not _LEAST_SHARE < failure_probability < 1:
        raise ValueError(f"a failure probability lies strictly between 1e-100 and 1, not {failure_probability}")
    return failure_probability


def check_probes(probes: int) -> int:
    """The number itself; raises ``ValueError`` unless it is a positive integer."""
    if isinstance(probes, bool) or not isinstance(probes, int) or probes < 1:
        raise ValueError(f"the number of probes is a positive integer, not {probes!r}")
    return probes


def share_below(probes: int, failure_probability: float, theorem: str) -> tuple[float, Bound]:
    """The greatest share x < 1, up to rounding, at which a Chernoff theorem fails with at most that probability; and what it says there.

    >>> share, failure = share_below(30, 1e-3, "trace.chernoff")
    >>> round(1 / share, 2), failure.value <= 1e-3
    (3.13, True)
    """
    exponent = 2 * math.log(1 / check_probability(failure_probability)) / check_probes(probes)
    return _share(probes, failure_probability, theorem, math.exp(-exponent - 1), 1.0, exponent)


def share_above(probes: int, failure_probability: float, theorem: str) -> tuple[float, Bound]:
    """The least share x > 1, up to rounding, at which a Chernoff theorem fails with at most that probability; and what it says there.

    >>> share_above(30, 1e-3, "trace.chernoff-below")[0] < 2.5
    True
    """
    exponent = 2 * math.log(1 / check_probability(failure_probability)) / check_probes(probes)
    return _share(probes, failure_probability, theorem, 2 + exponent + math.sqrt(2 * exponent), 1.0, exponent)


def _share(
    probes: int, failure_probability: float, theorem: str, far: float, near: float, exponent: float
) -> tuple[float, Bound]:
    """Bisect between ``far``, where x - 1 - log x is at least the exponent, and 1, where it is zero; then step outward until proved."""
    for _ in range(200):
        middle = math.sqrt(far * near)
        if middle - 1 - math.log(middle) >= exponent:
            far = middle
        else:
            near = middle
    outward = 1e-13 if far > 1 else -1e-13
    while (failure := derive(theorem, m=probes, share=far)).value > failure_probability:
        far *= 1 + outward
        outward *= 2
    return far, failure
