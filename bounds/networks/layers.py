"""The Lipschitz constant of one layer, by its own rule; a module without a rule is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from certify.proofs.sides import Side

from ..bound import Bound, exactly
from ..evidence import Declared, Enclosed
from ..spectral.convolution import convolution_norm
from ..spectral.convolution_data import Convolution
from ..spectral.dense import exact_weights
from ..spectral.layers import spectral_norm
from ..spectral.modules import CONVOLUTIONS, NORMALISATIONS, PASSING
from .activations import UnknownModule, activation_of
from .plain import check_plain

Rule = Callable[[Any, tuple[int, ...] | None], "tuple[Bound, str]"]
Declarations = Mapping[type[nn.Module], float]
"""Lipschitz constants that the caller vouches for, by the class of the module."""

_LINEAR = (nn.Linear, *CONVOLUTIONS, *NORMALISATIONS)


def layer_constant(module: nn.Module, shape: tuple[int, ...] | None, declared: Declarations | None = None) -> tuple[Bound, str]:
    """An upper bound on the Lipschitz constant of the layer for inputs of ``shape`` (without the batch), and how it is proved.

    ``shape`` may be None where the rule needs none. Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names
    the class of the module and says why, and :class:`~certify.bounds.spectral.dense.NotALinearMap` for bad weights.

    >>> layer_constant(nn.GELU(), None)[0].value
    1.128905
    """
    kind = type(module)
    if declared is not None and kind in declared:
        value = float(declared[kind])
        if not 0 <= value < math.inf:
            raise UnknownModule(f"the constant declared for {kind.__name__} is {value}: it is a number, and not negative")
        return exactly(Fraction(declared[kind]), Declared(f"the caller's constant for {kind.__name__}")), "declared by the caller"
    check_plain(module)
    activation = activation_of(module)
    if activation is not None:
        return _exact(activation.lipschitz, "its steepest slope"), "its steepest slope"
    if isinstance(module, PASSING):
        return _exact(Fraction(1), "it moves entries"), "it moves entries and changes none"
    if isinstance(module, _LINEAR):
        norm = spectral_norm(module, shape)
        return norm.upper, norm.proof
    for known, rule in _RULES.items():
        if isinstance(module, known):
            return rule(module, shape)
    raise UnknownModule(f"no Lipschitz constant is known for {kind.__name__}: {_REASONS.get(kind, _UNKNOWN)}")


_UNKNOWN = (
    "register one that you can vouch for with declared={" + "Class: constant}, or write the model with layers that are known"
)
_REASONS: dict[type[nn.Module], str] = {
    nn.MultiheadAttention: "attention is not Lipschitz on all inputs",
    nn.TransformerEncoderLayer: "attention is not Lipschitz on all inputs",
    nn.Embedding: "it maps indices, not vectors; its matrix has a spectral norm",
    nn.Bilinear: "it is not Lipschitz on all inputs",
    nn.LogSoftmax: "use the constant of the loss",
}


def _exact(value: Fraction, words: str) -> Bound:
    return exactly(value, Enclosed(words))


def _dropout(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    if module.training:
        raise UnknownModule(f"{type(module).__name__} draws at random in train mode: call eval()")
    return _exact(Fraction(1), "the identity"), "the identity in evaluation mode"


def _normalised(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    """Layer, group and root-mean-square normalisation of one example: at most the largest factor over the root of eps."""
    if module.eps is None or not 0 < module.eps < math.inf:
        raise UnknownModule(
            f"{type(module).__name__} without a positive eps is not Lipschitz: inputs near a constant are blown up"
        )
    if getattr(module, "track_running_stats", False):
        raise UnknownModule(f"{type(module).__name__} with running statistics has no rule here")
    factor = Fraction(1)
    if module.weight is not None:
        held = exact_weights(module.weight, f"the weight of {type(module).__name__}")
        factor = Fraction(float(held.abs().max())) if held.numel() else factor
    root = Bound(float(module.eps), Side.EXACT, Enclosed("eps")).sqrt()
    below = Bound(math.nextafter(root.value, 0.0) * (1 - 2.0**-50), Side.LOWER, Enclosed("root of eps"))
    return _exact(factor, "largest factor") / below, "the largest factor over the root of eps, at the flattest input"


def _max_pool(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    if module.return_indices:
        raise UnknownModule(f"{type(module).__name__} with return_indices returns places beside values: they have no norm")
    axes = pooled_axes(module)
    sizes, strides, dilations = (spread(value, axes) for value in (module.kernel_size, module.stride, module.dilation))
    windows = math.prod(
        -(-size * math.gcd(dilation, stride) // stride) for size, stride, dilation in zip(sizes, strides, dilations, strict=True)
    )
    return _exact(Fraction(windows), "windows").sqrt(), "the root of the number of windows that hold one position"


def average_pool(module: Any) -> tuple[Convolution, int]:
    """The convolution of one channel that sums the windows, and what the sums are divided by.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for the modes in which the divisor differs at the edges.

    >>> average_pool(nn.AvgPool1d(3))[1]
    3
    """
    axes = pooled_axes(module)
    if module.ceil_mode or (not module.count_include_pad and any(spread(module.padding, axes))):
        raise UnknownModule(
            f"{type(module).__name__} with ceil_mode, or that leaves its padding out of the mean, is not a convolution: it has no rule"
        )
    sizes, strides, paddings = (spread(value, axes) for value in (module.kernel_size, module.stride, module.padding))
    kernel = torch.ones((1, 1, *sizes), dtype=torch.float64)
    convolution = Convolution(kernel, strides, tuple((width, width) for width in paddings), (1,) * axes)
    return convolution, getattr(module, "divisor_override", None) or math.prod(sizes)


def _average_pool(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    convolution, divisor = average_pool(module)
    norm = convolution_norm(convolution, None if shape is None else shape[1:])
    divided = norm.upper / _exact(Fraction(abs(divisor)), "what the sums are divided by")
    return divided, f"as a convolution: {norm.proof}"


def _adaptive_average(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    axes = pooled_axes(module)
    if spread(module.output_size, axes) != (1,) * axes or shape is None or len(shape) != axes + 1:
        raise UnknownModule(
            f"{type(module).__name__} has a rule for an output of size 1 and an input shape that is given: (channels, *{axes} sizes)"
        )
    places = math.prod(shape[1:])
    root = _exact(Fraction(1, places), "one over the positions").sqrt()
    return root, "one over the root of the number of positions"


def _softmax(module: Any, shape: tuple[int, ...] | None) -> tuple[Bound, str]:
    return _exact(Fraction(1, 2), "softmax is the gradient of a function with second derivatives at most a half"), "one half"


def spread(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis, where a module holds one for all.

    >>> spread(2, 3)
    (2, 2, 2)
    """
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def pooled_axes(module: nn.Module) -> int:
    """The number of axes that a pooling layer pools.

    >>> pooled_axes(nn.MaxPool2d(2))
    2
    """
    return next(axes for axes, kinds in POOLING.items() if isinstance(module, kinds))


POOLING = {
    1: (nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d),
    2: (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
    3: (nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveAvgPool3d),
}
"""Pooling layers by the axes that they pool."""


_RULES: dict[Any, Rule] = {
    nn.modules.dropout._DropoutNd: _dropout,
    nn.LayerNorm: _normalised,
    nn.GroupNorm: _normalised,
    nn.RMSNorm: _normalised,
    (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d): _max_pool,
    (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d): _average_pool,
    (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d): _adaptive_average,
    nn.Softmax: _softmax,
    (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d): lambda module, shape: (_exact(Fraction(1), "it adds zeros"), "it adds zeros"),
}
