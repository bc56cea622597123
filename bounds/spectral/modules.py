"""What the modules of torch hold: the convolution of a layer, and the factors of a batch normalisation in evaluation mode."""

from __future__ import annotations

from typing import Any

import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import precision

from ..rounding import UNIT_ROUNDOFF
from .convolution_data import Convolution, Padding
from .dense import NotALinearMap, exact_weights
from .scaling import scaled

FORWARD = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (*FORWARD, *TRANSPOSED)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
"""Layers that move entries and change none."""
FOLDED = 6 * UNIT_ROUNDOFF
"""The relative error of an entry of a weight into which a normalisation was folded."""


def convolution_of(
    layer: Any, normalisation: nn.Module | None, shape: tuple[int, ...] | None
) -> tuple[Convolution, int, tuple[int, ...] | None, tuple[int, ...] | None]:
    """The convolution of the layer with its kernel times a power of two; that exponent; and its spatial sizes of input and output.

    A transposed layer gives the convolution that it transposes, whose input is what the layer puts out. The output size is None where
    the convolution has no other. Without ``shape`` (channels, *spatial) both are None.

    >>> convolution_of(nn.ConvTranspose1d(1, 1, 3, stride=2), None, (1, 4))[2:]
    ((9,), (4,))
    """
    name = type(layer).__name__
    transposed = isinstance(layer, TRANSPOSED)
    weight, relative_error = exact_weights(layer.weight, f"the weight of {name}"), 0.0
    if normalisation is not None:
        small, exponent, relative_error = fold(weight, normalisation, name)
    else:
        small, exponent = scaled(weight)
    axes = weight.ndim - 2
    mode: Padding = layer.padding_mode
    widths = layer._reversed_padding_repeated_twice  # torch's own account of "same", left and right of each axis
    pairs = tuple((widths[2 * axis], widths[2 * axis + 1]) for axis in reversed(range(axes)))
    convolution = Convolution(small, layer.stride, pairs, layer.dilation, layer.groups, mode, relative_error)
    size = outputs = None
    if shape is not None:
        if len(shape) != axes + 1 or shape[0] != layer.in_channels:
            raise NotALinearMap(
                f"{name} takes inputs of shape ({layer.in_channels}, *{axes} sizes), not {shape}: one input, without the batch"
            )
        size = shape[1:]
        if transposed:
            outputs, size = size, _transposed_size(layer, size)
    return convolution, exponent, size, outputs


def _transposed_size(layer: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """The spatial size that a transposed convolution puts out."""
    return tuple(
        (length - 1) * stride - 2 * padding + dilation * (taps - 1) + extra + 1
        for length, stride, padding, dilation, taps, extra in zip(
            size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.kernel_size,
            layer.output_padding,
            strict=True,
        )
    )


def normalisation_factors(normalisation: Any) -> tuple[Tensor, float]:
    """weight/sqrt(variance + eps) of every channel as float64, and their relative error."""
    name = type(normalisation).__name__
    variance = normalisation.running_var
    if normalisation.training or variance is None:
        raise NotALinearMap(f"{name} normalises by the statistics of the batch: call eval(), and keep running statistics")
    held = exact_weights(variance, f"the running variance of {name}")
    weight = (
        torch.ones_like(held) if normalisation.weight is None else exact_weights(normalisation.weight, f"the weight of {name}")
    )
    factors = []
    with precision(120):
        for scale, spread in zip(weight.tolist(), held.tolist(), strict=True):
            within = arb(spread) + arb(float(normalisation.eps))
            if not within > 0:
                raise NotALinearMap(f"{name} has a channel whose variance and eps together are not positive")
            factors.append(float((arb(scale) / within.sqrt()).mid()))
    return torch.tensor(factors, dtype=torch.float64), 2 * UNIT_ROUNDOFF


def fold(weight: Tensor, normalisation: nn.Module, name: str) -> tuple[Tensor, int, float]:
    """The weight with its rows scaled, taken to order one by a power of two; and the relative error of every entry."""
    factors, _ = normalisation_factors(normalisation)
    if len(factors) != len(weight):
        raise NotALinearMap(
            f"{type(normalisation).__name__} has {len(factors)} channels, and {name} before it puts out {len(weight)}"
        )
    small, first = scaled(weight)
    factors, second = scaled(factors)
    products = small * factors.reshape(-1, *[1] * (weight.ndim - 1))
    folded, third = scaled(products)
    if third < -500:
        raise NotALinearMap(f"{name} and its normalisation are so ill-scaled that their product leaves the doubles")
    return folded, first + second + third, FOLDED


def shape_after(layer: nn.Module, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape that the layer puts out for one input of ``shape``, both without the batch, by sending zeros through; None for None.

    >>> shape_after(nn.Conv2d(1, 4, 3), (1, 8, 8))
    (4, 6, 6)
    """
    if shape is None:
        return None
    weight = next(layer.parameters(), torch.zeros(0))
    modes = [(module, module.training) for module in layer.modules()]
    with torch.no_grad():
        try:
            return tuple(layer.eval()(torch.zeros((1, *shape), dtype=weight.dtype, device=weight.device)).shape[1:])
        finally:
            for module, training in modes:
                module.training = training
