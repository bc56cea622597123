"""What the layers of a model do to a point and to a direction there, both enclosed by intervals: gradients from below.

Convolutions are applied as sums over windows, and never unrolled. Where a slope jumps, or several entries of a window may be its
maximum, the enclosure holds every case.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..rounding import gamma
from ..spectral.convolution_data import Convolution
from ..spectral.dense import exact_weights
from ..spectral.modules import CONVOLUTIONS, NORMALISATIONS, PASSING, TRANSPOSED, convolution_of, normalisation_factors
from .activations import UnknownModule, activation_of
from .chain import evaluated
from .intervals import Interval, affine, spread
from .layers import average_pool, pooled_axes
from .layers import spread as for_each_axis
from .plain import place
from .slopes import image, slopes_on

Pair = tuple[Interval, Interval]
_MOVING = (*PASSING, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.modules.dropout._DropoutNd)
"""Layers that move entries, or add zeros; dropout in evaluation mode is the identity."""


def pushed(module: nn.Module, name: str, values: Interval, moved: Interval) -> Pair:
    """Enclosures of the layer's output and of its derivative in a direction, for one input with its batch axis.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for a layer that this does not follow.

    >>> one = Interval.point(torch.ones(1, 1, dtype=torch.float64))
    >>> slope = pushed(nn.ReLU(), "", one, one)[1]
    >>> slope.low.item() <= 1.0 <= slope.high.item() < 1 + 1e-15
    True
    """
    activation = activation_of(module)
    if activation is not None:
        function = evaluated(module, tuple(values.low.shape[1:]))
        low, high = slopes_on(activation, function, values)
        return image(activation, function, values), moved * Interval(low, high)
    if isinstance(module, _MOVING) and not (isinstance(module, nn.modules.dropout._DropoutNd) and module.training):
        return Interval(module(values.low), module(values.high)), Interval(module(moved.low), module(moved.high))
    for kinds, rule in _RULES.items():
        if isinstance(module, kinds):
            return rule(module, values, moved)
    raise UnknownModule(f"{place(module, name)} is not followed by intervals")


def _linear(module: Any, values: Interval, moved: Interval) -> Pair:
    weight = exact_weights(module.weight, "the weight")
    zero = torch.zeros(len(weight), dtype=torch.float64)
    bias = zero if module.bias is None else exact_weights(module.bias, "the bias")
    return affine(weight, bias, values), affine(weight, zero, moved)


def _normalisation(module: Any, values: Interval, moved: Interval) -> Pair:
    factors, error = normalisation_factors(module)
    sides = (1, -1, *[1] * (values.low.ndim - 2))
    mean = exact_weights(module.running_mean, "a running mean").reshape(sides)
    shift = torch.zeros_like(mean) if module.bias is None else exact_weights(module.bias, "a bias").reshape(sides)
    held, off = factors.reshape(sides), (factors.abs() * (2 * error)).reshape(sides)
    scale = Interval.point(held).widened(off)
    centred = Interval(values.low - mean, values.high - mean).widened(0.0)
    scaled = centred * scale
    return Interval(scaled.low + shift, scaled.high + shift).widened(0.0), moved * scale


def _convolution(module: Any, values: Interval, moved: Interval) -> Pair:
    convolution, exponent, size, outputs = convolution_of(module, None, tuple(values.low.shape[1:]))
    assert size is not None
    windows = convolution.windows(size, outputs or convolution.output_size(size))
    kernel = convolution.grouped * 2.0**exponent
    transposed = isinstance(module, TRANSPOSED)
    apply = _gathered if not transposed else _scattered
    spatial = size if transposed else convolution.output_size(size)
    terms = kernel.shape[2] * kernel.shape[3] if not transposed else kernel.shape[1] * kernel.shape[3]

    def through(inputs: Interval) -> Interval:
        middle, places = inputs.middle, math.prod(size)
        center = apply(kernel, windows, middle, places)
        absolute = apply(kernel.abs(), windows, inputs.radius + gamma(terms + 2) * middle.abs(), places)
        result = spread(center, absolute)
        shape = (1, -1, *spatial)
        return Interval(result.low.reshape(shape), result.high.reshape(shape))

    values, moved = through(values), through(moved)
    if module.bias is not None:
        bias = exact_weights(module.bias, "the bias").reshape(1, -1, *[1] * len(spatial))
        values = Interval(values.low + bias, values.high + bias).widened(0.0)
    return values, moved


def _gathered(kernel: Tensor, windows: Tensor, signal: Tensor, places: int) -> Tensor:
    """The convolution of a signal [1, channels, *sizes] by the kernel [groups, outputs, inputs, taps], as sums over windows."""
    groups, _, inputs, _ = kernel.shape
    columns = _columns(windows, signal.reshape(groups, inputs, places), 0.0)
    return torch.einsum("goit,gipt->gop", kernel, columns)


def _scattered(kernel: Tensor, windows: Tensor, signal: Tensor, places: int) -> Tensor:
    """The transpose of the convolution, applied to a signal."""
    groups, outputs, inputs, _ = kernel.shape
    columns = torch.einsum("goit,gop->gipt", kernel, signal.reshape(groups, outputs, len(windows)))
    result = torch.zeros(groups, inputs, places + 1, dtype=torch.float64)
    result.index_add_(2, torch.where(windows < 0, places, windows).reshape(-1), columns.reshape(groups, inputs, -1))
    return result[..., :-1]


def _columns(windows: Tensor, signal: Tensor, padding: float) -> Tensor:
    """The entries that each window reads, of a signal whose last axis holds the places: one axis more."""
    padded = torch.cat((signal, torch.full((*signal.shape[:-1], 1), padding, dtype=torch.float64)), -1)
    return padded[..., windows]


def _mean(module: Any, values: Interval, moved: Interval) -> Pair:
    convolution, divisor = average_pool(module)
    size = tuple(values.low.shape[2:])
    windows, spatial = convolution.windows(size), convolution.output_size(size)

    def through(inputs: Interval) -> Interval:
        sums = [_columns(windows, side.flatten(2), 0.0) for side in (inputs.low, inputs.high)]
        slack = gamma(windows.shape[1] + 2) * torch.maximum(sums[0].abs(), sums[1].abs()).sum(-1)
        low, high = (side.sum(-1) for side in sums)
        ends = torch.stack([(low - slack) / divisor, (high + slack) / divisor])
        result = Interval(ends.amin(0), ends.amax(0)).widened(2.0**-50 * ends.abs().amax(0) + 2.0**-1000)
        return Interval(result.low.reshape(1, -1, *spatial), result.high.reshape(1, -1, *spatial))

    return through(values), through(moved)


def _whole_mean(module: Any, values: Interval, moved: Interval) -> Pair:
    axes = pooled_axes(module)
    if for_each_axis(module.output_size, axes) != (1,) * axes:
        raise UnknownModule("adaptive pooling to more than one number is not followed by intervals")
    kinds = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
    return _mean(kinds[axes](tuple(values.low.shape[2:])), values, moved)


def _greatest(module: Any, values: Interval, moved: Interval) -> Pair:
    axes = pooled_axes(module)
    sizes, strides, dilations, paddings = (
        for_each_axis(value, axes) for value in (module.kernel_size, module.stride, module.dilation, module.padding)
    )
    if module.ceil_mode or module.return_indices:
        raise UnknownModule("max-pooling with ceil_mode or return_indices is not followed by intervals")
    kernel = torch.ones((1, 1, *sizes), dtype=torch.float64)
    convolution = Convolution(kernel, strides, tuple((width, width) for width in paddings), dilations)
    size = tuple(values.low.shape[2:])
    windows, spatial = convolution.windows(size), convolution.output_size(size)
    low, high = (_columns(windows, side.flatten(2), -math.inf) for side in (values.low, values.high))
    least, most = low.amax(-1), high.amax(-1)
    candidates = high >= least[..., None]
    below = torch.where(candidates, _columns(windows, moved.low.flatten(2), 0.0), math.inf).amin(-1)
    above = torch.where(candidates, _columns(windows, moved.high.flatten(2), 0.0), -math.inf).amax(-1)
    shape = (1, -1, *spatial)
    return (
        Interval(least.reshape(shape), most.reshape(shape)),
        Interval(below.reshape(shape), above.reshape(shape)),
    )


_RULES: dict[Any, Callable[[Any, Interval, Interval], Pair]] = {
    nn.Linear: _linear,
    NORMALISATIONS: _normalisation,
    CONVOLUTIONS: _convolution,
    (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d): _mean,
    (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d): _whole_mean,
    (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d): _greatest,
}
