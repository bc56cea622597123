"""Inputs that stand in for others: a model that ignores a feature may still read it off those that are correlated with it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..bound import Estimate
from .arithmetic import usual_arithmetic
from .features import Features, chosen_features


@dataclass(frozen=True)
class Proxy:
    """An input outside the chosen ones and the share of its variance that a linear function of those explains (an estimate)."""

    feature: int
    explained: Estimate


@usual_arithmetic()
def correlated_proxies(records: Tensor, features: Features, *, least: float = 0.5) -> tuple[Proxy, ...]:
    """The inputs whose variance over ``records`` [n, *shape] is explained by the ``features`` to at least the share ``least``, the most first.

    By least squares with an intercept, adjusted for the number of features. What a model knows of a feature through such inputs is not in
    :func:`~certify.bounds.networks.sensitivity.feature_sensitivity` of the feature alone: ask for both together. Estimates of a
    population from a sample; a proxy that is no linear function is not seen.

    Raises ``ValueError`` for fewer records than features need, entries that are not finite, or features outside the input.

    >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)
    >>> [proxy.feature for proxy in correlated_proxies(torch.stack([x, 2 * x + 1, torch.sin(40 * x)], 1), [0])]
    [1]
    """
    rows = torch.as_tensor(records).detach().to("cpu", torch.float64)
    if rows.ndim < 2 or not rows.numel():
        raise ValueError(f"records are rows of numbers, [n, *shape], not a tensor of shape {tuple(rows.shape)}")
    rows = rows.flatten(1)
    count, size = rows.shape
    chosen = chosen_features(features, size)
    if count < len(chosen) + 3 or not bool(torch.isfinite(rows).all()):
        raise ValueError(f"proxies of {len(chosen)} features need {len(chosen) + 3} finite records or more")
    if not 0 < least <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {least}")
    centred = rows - rows.mean(0)
    others = [feature for feature in range(size) if feature not in set(chosen)]
    known, wanted = centred[:, chosen], centred[:, others]
    solution = torch.linalg.lstsq(known, wanted, driver="gelsd").solution
    left, whole = ((wanted - known @ solution) ** 2).sum(0), (wanted**2).sum(0)
    freedom = (count - 1) / max(count - 1 - len(chosen), 1)
    moving = whole > 1e-12 * (rows[:, others] ** 2).sum(0)
    shares = torch.where(moving, 1 - freedom * left / whole.clamp_min(1e-300), 0.0)
    found = [
        Proxy(feature, Estimate(float(share), f"adjusted R² over {count} records"))
        for feature, share in zip(others, shares, strict=True)
        if float(share) >= least
    ]
    return tuple(sorted(found, key=lambda proxy: -proxy.explained.value))
