"""The slopes of activations on intervals of inputs, and what they do to a box: enclosures, rounded outward."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .activations import Activation
from .intervals import Interval

LIBRARY = 1e-13
"""Premise: torch's float64 tanh, sigmoid, erf and exp err by less than this (they promise some units in the last place, 1e-15)."""

_Peaks = tuple[tuple[float, ...], Callable[[Tensor], Tensor]]


def slopes_on(activation: Activation, function: nn.Module | None, inputs: Interval) -> tuple[Tensor, Tensor]:
    """The least and the greatest slope of the activation on each interval, or numbers beyond them; never outside its range everywhere.

    Piecewise linear functions, tanh, sigmoid, softplus, GELU and SiLU are followed on the interval; others keep their range everywhere.

    >>> from certify.bounds.networks.activations import activation_of
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> [slope.item() for slope in slopes_on(activation_of(nn.ReLU()), nn.ReLU(), Interval(one, 2 * one))]
    [1.0, 1.0]
    """
    least = torch.full_like(inputs.low, below(activation))
    greatest = torch.full_like(inputs.low, above(activation))
    if isinstance(function, (nn.ReLU, nn.LeakyReLU, nn.ReLU6, nn.Hardtanh)):
        return _piecewise(function, inputs, least, greatest)
    smooth = _smooth(function)
    if smooth is None:
        return least, greatest
    peaks, slope = smooth
    ends = torch.stack([slope(inputs.low), slope(inputs.high)])
    low, high = ends.amin(0), ends.amax(0)
    for peak in peaks:
        value = slope(torch.tensor(peak, dtype=torch.float64))
        inside = (inputs.low <= peak + 1e-6) & (inputs.high >= peak - 1e-6)
        low = torch.where(inside, torch.minimum(low, value), low)
        high = torch.where(inside, torch.maximum(high, value), high)
    return torch.maximum(low - LIBRARY, least), torch.minimum(high + LIBRARY, greatest)


def below(activation: Activation) -> float:
    """The least slope as a double, rounded down."""
    value = float(activation.low)
    return value if value <= activation.low else math.nextafter(value, -math.inf)


def above(activation: Activation) -> float:
    """The greatest slope as a double, rounded up."""
    value = float(activation.high)
    return value if value >= activation.high else math.nextafter(value, math.inf)


def image(activation: Activation, function: nn.Module, inputs: Interval) -> Interval:
    """An enclosure of the activation on each interval: from each end along the steepest and the flattest slope.

    >>> from certify.bounds.networks.activations import activation_of
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> abs(image(activation_of(nn.Tanh()), nn.Tanh(), Interval(0 * one, one)).high.item() - math.tanh(1)) < 1e-12
    True
    """
    low_slope, high_slope = slopes_on(activation, function, inputs)
    width = inputs.high - inputs.low
    width = torch.nextafter(width, torch.full_like(width, math.inf))
    start, end = function(inputs.low), function(inputs.high)
    rise, fall = high_slope.clamp_min(0) * width, low_slope.clamp_max(0) * width
    margin = LIBRARY * (1 + start.abs() + end.abs() + high_slope.abs() * width + low_slope.abs() * width)
    lows = torch.maximum(start + fall, end - rise) if bool((low_slope < 0).any()) else start
    highs = torch.minimum(start + rise, end - fall) if bool((low_slope < 0).any()) else end
    return Interval(lows - margin, highs + margin)


def _piecewise(function: nn.Module, inputs: Interval, least: Tensor, greatest: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes of a function that is linear between two kinks (the second may be infinite): one slope inside, another outside."""
    outside, inside, start, end = 0.0, 1.0, 0.0, math.inf
    if isinstance(function, nn.LeakyReLU):
        outside = function.negative_slope
    elif isinstance(function, nn.Hardtanh):  # ReLU6 is one
        start, end = function.min_val, function.max_val
    within = (inputs.low > start) & (inputs.high < end)
    without = (inputs.high < start) | (inputs.low > end)
    low = torch.where(within, inside, torch.where(without, outside, least))
    high = torch.where(within, inside, torch.where(without, outside, greatest))
    return low, high


def _smooth(function: nn.Module | None) -> _Peaks | None:
    """Where the slope turns, and the slope."""
    if isinstance(function, nn.Tanh):
        return (0.0,), lambda z: 1 - torch.tanh(z) ** 2
    if isinstance(function, nn.Sigmoid):
        return (0.0,), lambda z: torch.sigmoid(z) * torch.sigmoid(-z)
    if isinstance(function, nn.Softplus):
        beta = function.beta
        return (), lambda z: torch.sigmoid(beta * z)
    if isinstance(function, nn.GELU) and function.approximate == "none":
        root = math.sqrt(2)
        return (-root, root), lambda z: torch.special.ndtr(z) + z * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if isinstance(function, nn.SiLU):
        return (-2.3993572805154, 2.3993572805154), lambda z: torch.sigmoid(z) * (1 + z * torch.sigmoid(-z))
    return None
