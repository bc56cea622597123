"""Softmax of logits that are known within intervals."""

from __future__ import annotations

import torch

from ..networks.intervals import Interval

_CERTAIN = 300.0


def probabilities_of(outputs: Interval) -> Interval:
    """Enclosures of the probabilities: a logit off by at most r each changes every probability by a factor of at most exp(2 r).

    >>> found = probabilities_of(Interval.point(torch.zeros(1, 2, dtype=torch.float64)))
    >>> bool((found.low < 0.5).all() and (found.high > 0.5).all() and (found.high - found.low < 1e-11).all())
    True
    """
    radius = outputs.radius.amax(1, keepdim=True)
    values = torch.softmax(outputs.middle, 1)
    factor = torch.exp(2 * radius.clamp_max(_CERTAIN)) * (1 + 2.0**-40)
    low, high = (values / factor - 2.0**-1000).clamp_min(0), ((values + 2.0**-1000) * factor).clamp_max(1)
    known = radius < _CERTAIN
    return Interval(torch.where(known, low, 0.0), torch.where(known, high, 1.0))
