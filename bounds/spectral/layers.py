"""The linear layers of torch whose spectral norm is known, and a refusal by name for all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import lower_double, precision, upper_double
from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined, Enclosed
from ..rounding import UNIT_ROUNDOFF
from .convolution import Route, convolution_norm
from .convolution_data import Convolution, Padding
from .dense import NotALinearMap, exact_weights, matrix_norm, rescaled
from .result import Charge, SpectralNorm
from .scaling import scaled

_Convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_Transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_Normalisations = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_Isometries = (nn.Identity, nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
_FOLDED = 6 * UNIT_ROUNDOFF


def spectral_norm(
    layer: nn.Module | Tensor, input_shape: Sequence[int] | None = None, *, route: Route | None = None
) -> SpectralNorm:
    """The spectral norm of a linear layer (of an affine one, of its linear part), between two proved bounds.

    Knows matrices, ``Linear``, ``Embedding`` (as the matrix that maps one-hot vectors), convolutions and transposed convolutions in one to
    three dimensions with stride, dilation, groups and zero, circular, reflected or repeated padding, batch normalisation in evaluation mode,
    layers that only move entries, and ``Sequential`` of these: a batch normalisation is folded into the layer before it, the rest multiplies.
    ``input_shape`` is the shape of one input without the batch, (channels, *spatial); without it a zero-padded convolution is
    bounded at every input size. ``route`` is passed to convolutions.

    Returns ``upper`` (proved in floating point), ``lower`` (attained by a vector), ``proof`` and ``ledger``. Raises
    :class:`~certify.bounds.spectral.dense.NotALinearMap`, which names the module, for anything else.

    Theorem: ``norm.product`` (upper left, right).

    >>> layer = torch.nn.Conv2d(2, 2, 1, bias=False)
    >>> _ = torch.nn.init.dirac_(layer.weight)
    >>> norm = spectral_norm(layer, (2, 5, 5))
    >>> norm.lower.value <= 1.0 <= norm.upper.value < 1 + 1e-12
    True
    """
    shape = None if input_shape is None else tuple(int(length) for length in input_shape)
    if isinstance(layer, Tensor):
        return matrix_norm(layer)
    if isinstance(layer, nn.Sequential):
        return _sequence(layer, shape, route)
    return _one(layer, None, shape, route)


def _sequence(layers: nn.Sequential, shape: tuple[int, ...] | None, route: Route | None) -> SpectralNorm:
    """The product of the norms of the layers, each with the normalisation behind it.

    Theorem: ``norm.product`` (upper left, right).
    """
    norms: list[SpectralNorm] = []
    members = list(layers)
    while members:
        layer = members.pop(0)
        following = None
        if members and isinstance(members[0], _Normalisations) and isinstance(layer, (nn.Linear, *_Convolutions)):
            following = members.pop(0)
        norms.append(
            spectral_norm(layer, shape, route=route) if isinstance(layer, nn.Sequential) else _one(layer, following, shape, route)
        )
        shape = _shape_after(layer, shape) if members else None
    if not norms:
        return spectral_norm(nn.Identity())
    result = norms[0]
    for norm in norms[1:]:
        result = SpectralNorm(
            derive("norm.product", left=norm.upper, right=result.upper), _nothing(), "the product of the norms of its layers", ()
        )
    return result


def _one(layer: nn.Module, normalisation: nn.Module | None, shape: tuple[int, ...] | None, route: Route | None) -> SpectralNorm:
    name = type(layer).__name__
    if isinstance(layer, _Isometries) or (
        isinstance(layer, (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)) and not layer.training
    ):
        return _exactly(1.0, "it moves entries and changes none")
    if isinstance(layer, nn.Linear):
        return _matrix(layer.weight, normalisation, name)
    if isinstance(layer, nn.Embedding):
        return _matrix(layer.weight, None, name)
    if isinstance(layer, _Normalisations):
        factors, error = _factors(layer)
        return _diagonal(factors, error)
    if isinstance(layer, (*_Convolutions, *_Transposed)):
        return _convolution(layer, normalisation, shape, route)
    raise NotALinearMap(
        f"the spectral norm of {name} is not known here: it is no linear layer, or one without a rule (in train mode, dropout and batch "
        "normalisation have none)"
    )


def _matrix(weight: Tensor, normalisation: nn.Module | None, name: str) -> SpectralNorm:
    held = exact_weights(weight, f"the weight of {name}")
    if normalisation is None:
        return matrix_norm(held)
    folded, exponent, error = _fold(held, normalisation, name)
    norm = matrix_norm(folded)
    rounding = Bound(
        float(torch.linalg.vector_norm(folded)) * error * 1.001 + 2.0**-400, Side.UPPER, Enclosed("rounding of the folded weight")
    )
    lower = Bound(max((norm.lower - rounding).value, 0.0), Side.LOWER, Combined("less the rounding", (norm.lower, rounding)))
    ledger = (*norm.ledger, Charge("rounding of the folded weight", rounding.value))
    return rescaled(SpectralNorm(norm.upper + rounding, lower, norm.proof, ledger), exponent)


def _convolution(layer: Any, normalisation: nn.Module | None, shape: tuple[int, ...] | None, route: Route | None) -> SpectralNorm:
    name = type(layer).__name__
    transposed = isinstance(layer, _Transposed)
    weight, relative_error = exact_weights(layer.weight, f"the weight of {name}"), 0.0
    if normalisation is not None:
        small, exponent, relative_error = _fold(weight, normalisation, name)
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
    return rescaled(convolution_norm(convolution, size, route=route, outputs=outputs), exponent)


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


def _shape_after(layer: nn.Module, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape that the layer puts out, found by a map on the device that holds no data; ``None`` where it is not known."""
    if shape is None:
        return None
    weight = next((parameter for parameter in layer.parameters()), torch.zeros(0))
    probe = torch.zeros((1, *shape), dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        return tuple(layer(probe).shape[1:])


def _factors(normalisation: Any) -> tuple[Tensor, float]:
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


def _fold(weight: Tensor, normalisation: nn.Module, name: str) -> tuple[Tensor, int, float]:
    """The weight with its rows scaled, taken to order one by a power of two; and the relative error of every entry."""
    factors, _ = _factors(normalisation)
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
    return folded, first + second + third, _FOLDED


def _diagonal(factors: Tensor, error: float) -> SpectralNorm:
    largest = float(factors.abs().max()) if len(factors) else 0.0
    with precision(80):
        upper = Bound(upper_double(arb(largest) * (1 + arb(error))), Side.UPPER, Enclosed("largest factor of a channel"))
        lower = Bound(lower_double(arb(largest) * (1 - arb(error))), Side.LOWER, Enclosed("largest factor of a channel"))
    return SpectralNorm(upper, lower, "the largest factor of a channel")


def _exactly(value: float, proof: str) -> SpectralNorm:
    bound = Bound(value, Side.EXACT, Enclosed(proof))
    return SpectralNorm(bound, bound, proof)


def _nothing() -> Bound:
    return Bound(0.0, Side.LOWER, Enclosed("a norm is nonnegative"))
