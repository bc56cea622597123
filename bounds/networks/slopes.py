"""The slopes of activations on intervals of inputs, and what they do to a box: enclosures, rounded outward."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .activations import Activation, Rectified
from .intervals import Interval

LIBRARY = 1e-13
"""Premise: torch's float64 tanh, sigmoid, erf and exp err by less than this (they promise some units in the last place, 1e-15)."""

_NEAR = 1e-6
_ROUNDED = 2.0**-50
_TINY = 2.0**-1000
_SILU = 2.3993572805154
_GELU_TANH = 1.4185040087908
_SELU = 1.0507009873554804934193349852946
_SELU_BELOW = _SELU * 1.6732632423543772848170429916717


@dataclass(frozen=True)
class _Curve:
    """The slope of a function: monotone between its kinks (place, slope to the left, slope to the right) and its peaks.

    ``exact`` says that slopes are the numbers computed, and values rounded once.
    """

    slope: Callable[[Tensor], Tensor]
    kinks: tuple[tuple[float, float | Tensor, float | Tensor], ...] = ()
    peaks: tuple[float, ...] = ()
    exact: bool = False


def slopes_on(activation: Activation, function: nn.Module | None, inputs: Interval) -> tuple[Tensor, Tensor]:
    """The least and the greatest slope of the activation on each interval, or numbers beyond them; never outside its range everywhere.

    Slopes at a kink count where the interval touches it. An interval whose ends overflowed gets the range everywhere.

    >>> from certify.bounds.networks.activations import activation_of
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> [slope.item() for slope in slopes_on(activation_of(nn.ReLU()), nn.ReLU(), Interval(one, 2 * one))]
    [1.0, 1.0]
    """
    least = torch.full_like(inputs.low, below(activation))
    greatest = torch.full_like(inputs.low, above(activation))
    curve = None if function is None else _curve(function)
    if curve is None:
        return least, greatest
    ends = torch.stack([curve.slope(inputs.low), curve.slope(inputs.high)])
    low, high = ends.amin(0), ends.amax(0)
    touched = [((inputs.low <= place) & (inputs.high >= place), side) for place, *sides in curve.kinks for side in sides]
    for peak in curve.peaks:
        value = curve.slope(torch.tensor(peak, dtype=torch.float64, device="cpu"))
        touched.append(((inputs.low <= peak + _NEAR) & (inputs.high >= peak - _NEAR), value))
    for inside, slope in touched:
        value = torch.as_tensor(slope, dtype=torch.float64, device="cpu")
        low = torch.where(inside, torch.minimum(low, value), low)
        high = torch.where(inside, torch.maximum(high, value), high)
    margin = 0.0 if curve.exact else LIBRARY * (1 + float(activation.lipschitz))
    known = (low <= high) & (inputs.low <= inputs.high)
    return (
        torch.where(known, torch.maximum(low - margin, least), least),
        torch.where(known, torch.minimum(high + margin, greatest), greatest),
    )


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
    curve = _curve(function)
    sizes = start.abs() + end.abs() + high_slope.abs() * width + low_slope.abs() * width
    margin = _ROUNDED * sizes + _TINY if curve is not None and curve.exact else LIBRARY * (1 + sizes)
    monotone = low_slope >= 0
    lows = torch.where(monotone, start, torch.maximum(start + fall, end - rise))
    highs = torch.where(monotone, end, torch.minimum(start + rise, end - fall))
    return Interval(lows - margin, highs + margin)


def _curve(function: nn.Module) -> _Curve | None:
    """The slope of a function of torch, or None for one that is not followed."""
    follow = next((rule for kind, rule in _CURVES.items() if isinstance(function, kind)), None)
    return None if follow is None else follow(function)


def _rectified(slope: float | Tensor) -> _Curve:
    held = torch.as_tensor(slope, dtype=torch.float64, device="cpu")
    return _Curve(lambda z: torch.where(z > 0, 1.0, held), ((0.0, held, 1.0),), exact=True)


def _clipped(low: float, high: float, slope: float = 1.0, *, exact: bool = True) -> _Curve:
    kinks = ((low, 0.0, slope), (high, slope, 0.0))
    return _Curve(lambda z: slope * ((z > low) & (z < high)).to(torch.float64), kinks, exact=exact)


def _shrunk(width: float) -> _Curve:
    kinks = ((-width, 1.0, 0.0), (width, 0.0, 1.0))
    return _Curve(lambda z: (z.abs() > width).to(torch.float64), kinks, exact=True)


def _exponential(below_zero: float, above_zero: float, scale: float = 1.0) -> _Curve:
    def slope(z: Tensor) -> Tensor:
        return torch.where(z > 0, above_zero, below_zero * torch.exp(z.clamp_max(0) / scale))

    return _Curve(slope, ((0.0, below_zero, above_zero),))


def _hard_swish(z: Tensor) -> Tensor:
    return torch.where(z.abs() < 3, (2 * z + 3) / 6, (z > 0).to(torch.float64))


def _gelu(z: Tensor) -> Tensor:
    below: Tensor = torch.special.ndtr(z)
    return below + z * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gelu_tanh(z: Tensor) -> Tensor:
    inside: Tensor = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    along: Tensor = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    return torch.sigmoid(2 * inside) * (1 + 2 * z * along * torch.sigmoid(-2 * inside))


_CURVES: dict[type[nn.Module], Callable[..., _Curve]] = {
    nn.ReLU: lambda f: _rectified(0.0),
    nn.LeakyReLU: lambda f: _rectified(f.negative_slope),
    Rectified: lambda f: _rectified(f.slopes),
    nn.Hardtanh: lambda f: _clipped(f.min_val, f.max_val),  # ReLU6 is one
    nn.Hardsigmoid: lambda f: _clipped(-3.0, 3.0, 1 / 6, exact=False),
    nn.Softshrink: lambda f: _shrunk(f.lambd),
    nn.ELU: lambda f: _exponential(f.alpha, 1.0),
    nn.CELU: lambda f: _exponential(1.0, 1.0, f.alpha),
    nn.SELU: lambda f: _exponential(_SELU_BELOW, _SELU),
    nn.Hardswish: lambda f: _Curve(_hard_swish, ((-3.0, 0.0, -0.5), (3.0, 1.5, 1.0))),
    nn.Tanh: lambda f: _Curve(lambda z: 1 - torch.tanh(z) ** 2, peaks=(0.0,)),
    nn.Tanhshrink: lambda f: _Curve(lambda z: torch.tanh(z) ** 2, peaks=(0.0,)),
    nn.Sigmoid: lambda f: _Curve(lambda z: torch.sigmoid(z) * torch.sigmoid(-z), peaks=(0.0,)),
    nn.LogSigmoid: lambda f: _Curve(lambda z: torch.sigmoid(-z)),
    nn.Softplus: lambda f: _Curve(lambda z: torch.sigmoid(f.beta * z)),
    nn.Softsign: lambda f: _Curve(lambda z: 1 / (1 + z.abs()) ** 2, peaks=(0.0,)),
    nn.SiLU: lambda f: _Curve(lambda z: torch.sigmoid(z) * (1 + z * torch.sigmoid(-z)), peaks=(-_SILU, _SILU)),
    nn.GELU: lambda f: (
        _Curve(_gelu, peaks=(-math.sqrt(2), math.sqrt(2)))
        if f.approximate == "none"
        else _Curve(_gelu_tanh, peaks=(-_GELU_TANH, _GELU_TANH))
    ),
}
