"""What the modules of torch hold: the convolution of a layer, and the factors of a batch normalisation in evaluation mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import precision

from ..rounding import UNIT_ROUNDOFF
from .convolution_data import Convolution
from .dense import NotALinearMap, exact_weights
from .scaling import scaled

FORWARD = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (*FORWARD, *TRANSPOSED)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
"""Layers that move entries and change none."""
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
"""Layers that move and change nothing in evaluation mode."""
FOLDED = 4 * UNIT_ROUNDOFF
"""The relative error of an entry of a weight into which a normalisation was folded: the factor's two, the product's one, and room."""


def convolution_of(
    layer: Any, normalisation: nn.Module | None, shape: tuple[int, ...] | None
) -> tuple[Convolution, int, tuple[int, ...] | None, tuple[int, ...] | None]:
    """The convolution of the layer with its kernel times a power of two; that exponent; and its spatial sizes of input and output.

    A transposed layer gives the convolution that it transposes, whose input is what the layer puts out. The output size is None where
    the convolution has no other. Without ``shape`` (channels, *spatial) both are None. What counts is what the forward pass reads: the
    attributes as they are now.

    >>> convolution_of(nn.ConvTranspose1d(1, 1, 3, stride=2), None, (1, 4))[2:]
    ((9,), (4,))
    """
    name = type(layer).__name__
    transposed = isinstance(layer, TRANSPOSED)
    weight, relative_error = exact_weights(layer.weight, f"the weight of {name}"), 0.0
    if normalisation is not None:
        small, exponent, relative_error = fold(weight, normalisation, name, groups=layer.groups if transposed else None)
    else:
        small, exponent = scaled(weight)
    axes, taps = weight.ndim - 2, tuple(weight.shape[2:])
    stride, dilation = _each(layer.stride, axes), _each(layer.dilation, axes)
    convolution = Convolution(
        small, stride, _padding(layer, taps, dilation), dilation, layer.groups, layer.padding_mode, relative_error
    )
    size = outputs = None
    if shape is not None:
        channels = weight.shape[0] if transposed else weight.shape[1] * layer.groups
        if len(shape) != axes + 1 or shape[0] != channels:
            raise NotALinearMap(
                f"{name} takes inputs of shape ({channels}, *{axes} sizes), not {shape}: one input, without the batch"
            )
        size = shape[1:]
        if transposed:
            outputs = size
            size = tuple(
                (length - 1) * step - left - right + reach * (count - 1) + extra + 1
                for length, step, (left, right), reach, count, extra in zip(
                    size, stride, convolution.padding, dilation, taps, _each(layer.output_padding, axes), strict=True
                )
            )
    return convolution, exponent, size, outputs


def _each(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """One number for every axis: torch takes a single one for all."""
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * axes if len(numbers) == 1 else numbers


def _padding(layer: Any, taps: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Left and right of every axis, as the forward pass reads them: zeros from ``padding``, other modes from widths made beforehand."""
    axes = len(taps)
    if layer.padding_mode != "zeros":
        widths = layer._reversed_padding_repeated_twice
        return tuple((widths[2 * axis], widths[2 * axis + 1]) for axis in reversed(range(axes)))
    if layer.padding == "valid":
        return ((0, 0),) * axes
    if layer.padding == "same":
        totals = [step * (count - 1) for step, count in zip(dilation, taps, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((width, width) for width in _each(layer.padding, axes))


def normalisation_factors(normalisation: Any) -> tuple[Tensor, float]:
    """weight/sqrt(variance + eps) of every channel as float64, and their relative error."""
    parts = _factors(normalisation)
    if any(mantissa and not -1021 <= exponent <= 1024 for mantissa, exponent in parts):
        raise NotALinearMap(
            f"{type(normalisation).__name__} multiplies a channel by a number that no normal double holds: rescale its weight and variance"
        )
    factors = [math.ldexp(mantissa, exponent) for mantissa, exponent in parts]
    return torch.tensor(factors, dtype=torch.float64, device="cpu"), 2 * UNIT_ROUNDOFF


def _factors(normalisation: Any) -> list[tuple[float, int]]:
    """The factor of every channel as a number in [1/2, 1), rounded once from a tight ball, and a power of two."""
    name = type(normalisation).__name__
    variance = normalisation.running_var
    if normalisation.training or variance is None:
        raise NotALinearMap(f"{name} normalises by the statistics of the batch: call eval(), and keep running statistics")
    held = exact_weights(variance, f"the running variance of {name}")
    weight = (
        torch.ones_like(held) if normalisation.weight is None else exact_weights(normalisation.weight, f"the weight of {name}")
    )
    parts = []
    with precision(120):
        for scale, spread in zip(weight.tolist(), held.tolist(), strict=True):
            within = arb(spread) + arb(float(normalisation.eps))
            if not within > 0:
                raise NotALinearMap(f"{name} has a channel whose variance and eps together are not positive")
            mantissa, first = math.frexp(scale)
            mantissa, second = math.frexp(float((arb(mantissa) / within.sqrt()).mid()))
            parts.append((mantissa, first + second))
    return parts


def fold(weight: Tensor, normalisation: nn.Module, name: str, *, groups: int | None = None) -> tuple[Tensor, int, float]:
    """The weight with its output channels scaled, taken to order one by a power of two; and the relative error of every entry.

    Entries that are 2**-1074 of the largest or less may be lost. Output channels are the rows of the weight, and with ``groups`` (of a
    transposed convolution) the second axis of every group.
    """
    parts = _factors(normalisation)
    channels = len(weight) if groups is None else weight.shape[1] * groups
    if len(parts) != channels:
        raise NotALinearMap(f"{type(normalisation).__name__} has {len(parts)} channels, and {name} before it puts out {channels}")
    ones = [1] * (weight.ndim - 2)
    view, shape = (
        (tuple(weight.shape), (channels, 1, *ones))
        if groups is None
        else ((groups, len(weight) // groups, *weight.shape[1:]), (groups, 1, weight.shape[1], *ones))
    )
    entries, exponents = np.frexp(weight.numpy().reshape(view))
    products = entries * np.array([mantissa for mantissa, _ in parts]).reshape(shape)
    exponents = exponents.astype(np.int64) + np.array([exponent for _, exponent in parts], dtype=np.int64).reshape(shape)
    if not products.any():
        return torch.zeros_like(weight), 0, FOLDED
    top = int(exponents[products != 0].max())
    folded = np.ldexp(products, np.clip(exponents - top, -2000, 0))
    return torch.from_numpy(folded.reshape(tuple(weight.shape))), top, FOLDED


def shape_after(layer: nn.Module, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape that the layer puts out for one input of ``shape``, both without the batch, by sending zeros through; None for None.

    Raises :class:`~certify.bounds.spectral.dense.NotALinearMap`, which names the layer, for a shape that it does not take.

    >>> shape_after(nn.Conv2d(1, 4, 3), (1, 8, 8))
    (4, 6, 6)
    """
    if shape is None:
        return None
    held = (tensor for tensor in (*layer.parameters(), *layer.buffers()) if tensor.is_floating_point())
    weight = next(held, torch.zeros(0))
    modes = [(module, module.training) for module in layer.modules()]
    with torch.no_grad():
        try:
            return tuple(layer.eval()(torch.zeros((1, *shape), dtype=weight.dtype, device=weight.device)).shape[1:])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            reason = str(error).strip().split("\n")[0]
            raise NotALinearMap(f"{type(layer).__name__} takes no input of shape {shape}: {reason}") from None
        finally:
            for module, training in modes:
                module.training = training
