"""Intervals of vectors and matrices in float64, rounded outward: what a network does to a box of inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..rounding import gamma

_TINY = 2.0**-1000
_WIDER = 1 + 2.0**-30  # more than the rounding of a sum of 2**22 nonnegative terms


@dataclass(frozen=True)
class Interval:
    """All tensors between ``low`` and ``high``, entry by entry (float64)."""

    low: Tensor
    high: Tensor

    @classmethod
    def point(cls, value: Tensor) -> Interval:
        """The one tensor."""
        return cls(value, value)

    @property
    def middle(self) -> Tensor:
        """A tensor inside."""
        return self.low + (self.high - self.low) / 2

    @property
    def radius(self) -> Tensor:
        """At or above the distance of any member from :attr:`middle`, entry by entry."""
        middle = self.middle
        return _up(torch.maximum(self.high - middle, middle - self.low))

    def magnitude(self) -> Tensor:
        """The largest absolute value of a member, entry by entry."""
        return torch.maximum(self.low.abs(), self.high.abs())

    def widened(self, slack: Tensor | float) -> Interval:
        """The interval with both ends moved outward by at least ``slack`` (nonnegative)."""
        return Interval(_down(self.low - slack), _up(self.high + slack))

    def __mul__(self, other: Interval) -> Interval:
        """An enclosure of the products, entry by entry."""
        corners = torch.stack([self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high])
        return Interval(_down(corners.amin(0)), _up(corners.amax(0)))


def affine(weight: Tensor, bias: Tensor, inputs: Interval) -> Interval:
    """An enclosure of ``weight @ x + bias`` over x in the interval, for every vector along the last axis.

    >>> affine(torch.ones(1, 2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), Interval.point(torch.ones(2).double())).high.item() >= 2
    True
    """
    middle, absolute = inputs.middle, weight.abs()
    center = middle @ weight.mT + bias
    relative = gamma(weight.shape[1] + 2)
    return spread(center, inputs.radius @ absolute.mT + relative * (middle.abs() @ absolute.mT + bias.abs()))


def spread(center: Tensor, distance: Tensor) -> Interval:
    """All within ``distance`` of ``center``, where both are sums and products of doubles of order one or less each, rounded."""
    wide = distance * _WIDER + _TINY
    return Interval(_down(center - wide), _up(center + wide))


def times(jacobian: Interval, weight: Tensor) -> Interval:
    """An enclosure of ``J @ weight`` over the matrices J of the interval."""
    middle, absolute = jacobian.middle, weight.abs()
    center = middle @ weight
    return spread(center, jacobian.radius @ absolute + gamma(weight.shape[0] + 1) * (middle.abs() @ absolute))


def scaled_columns(jacobian: Interval, low: Tensor, high: Tensor) -> Interval:
    """An enclosure of ``J @ diag(s)`` with s between ``low`` and ``high``."""
    return jacobian * Interval(low.expand_as(jacobian.low), high.expand_as(jacobian.low))


def frobenius_distance(jacobian: Interval) -> float:
    """At or above the Frobenius norm of the distance of any member from the middle; infinity where it leaves the doubles."""
    radius = jacobian.radius
    if not bool(torch.isfinite(radius).all()):
        return math.inf
    largest = float(radius.max()) if radius.numel() else 0.0
    if largest == 0.0:
        return 0.0
    return float(torch.linalg.vector_norm(radius / largest)) * largest * (1 + 2.0**-30) + _TINY


def _up(value: Tensor) -> Tensor:
    return torch.nextafter(value, torch.full_like(value, math.inf))


def _down(value: Tensor) -> Tensor:
    return torch.nextafter(value, torch.full_like(value, -math.inf))
