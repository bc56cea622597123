"""The linear layers of torch whose spectral norm is known, and a refusal by name for all others."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import lower_double, precision, upper_double
from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined, Enclosed
from ..networks.plain import check_plain
from .convolution import Route, convolution_norm
from .dense import NotALinearMap, exact_weights, matrix_norm, rescaled
from .modules import (
    CONVOLUTIONS,
    DROPOUTS,
    NORMALISATIONS,
    PASSING,
    convolution_of,
    fold,
    normalisation_factors,
    shape_after,
)
from .result import Charge, SpectralNorm, nothing_below


def spectral_norm(
    layer: nn.Module | Tensor, input_shape: Sequence[int] | None = None, *, route: Route | None = None
) -> SpectralNorm:
    """The spectral norm of a linear layer (of an affine one, of its linear part), between two proved bounds.

    Knows matrices, ``Linear``, ``Embedding`` (as the matrix that maps one-hot vectors), convolutions and transposed convolutions in one to
    three dimensions with stride, dilation, groups and zero, circular, reflected or repeated padding, batch normalisation in evaluation mode,
    layers that only move entries, and ``Sequential`` of these: a batch normalisation is folded into the layer before it, the rest multiplies.
    ``input_shape`` is the shape of one input without the batch, (channels, *spatial); without it a zero-padded convolution is
    bounded at every input size, and a ``Linear`` acts on vectors. ``route`` is passed to convolutions.

    Returns ``upper`` (proved in floating point), ``lower`` (attained by a vector), ``proof`` and ``ledger``. Raises
    :class:`~certify.bounds.spectral.dense.NotALinearMap`, which names the module, for anything else.

    Theorem: ``norm.product`` (upper left, right).

    >>> layer = torch.nn.Conv2d(2, 2, 1, bias=False)
    >>> _ = torch.nn.init.dirac_(layer.weight)
    >>> norm = spectral_norm(layer, (2, 5, 5))
    >>> norm.lower.value <= 1.0 <= norm.upper.value < 1 + 1e-12
    True
    """
    shape = one_shape(input_shape)
    if isinstance(layer, Tensor):
        return matrix_norm(layer)
    if not isinstance(layer, nn.Module):
        raise NotALinearMap(f"{type(layer).__name__} is neither a module nor a tensor: torch.as_tensor makes one of an array")
    check_plain(layer)
    if isinstance(layer, nn.Sequential):
        return _sequence(layer, shape, route)
    return _one(layer, None, shape, route)


def one_shape(input_shape: Sequence[int] | None) -> tuple[int, ...] | None:
    """The shape of one input as whole positive numbers; None for None. Raises :class:`~certify.bounds.spectral.dense.NotALinearMap`.

    >>> one_shape([3, 8, 8])
    (3, 8, 8)
    """
    if input_shape is None:
        return None
    try:
        shape = tuple(operator.index(length) for length in input_shape)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        raise NotALinearMap(
            f"input_shape is (channels, *sizes) in whole positive numbers, one input without the batch, not {input_shape!r}"
        )
    return shape


def _sequence(layers: nn.Sequential, shape: tuple[int, ...] | None, route: Route | None) -> SpectralNorm:
    """The product of the norms of the layers, each with the normalisation behind it.

    Theorem: ``norm.product`` (upper left, right).
    """
    norms: list[SpectralNorm] = []
    members = list(layers)
    while members:
        layer = members.pop(0)
        following = None
        if members and isinstance(members[0], NORMALISATIONS) and foldable(layer, shape):
            following = members.pop(0)
        norms.append(
            spectral_norm(layer, shape, route=route) if isinstance(layer, nn.Sequential) else _one(layer, following, shape, route)
        )
        shape = shape_after(layer, shape) if members else None
    if not norms:
        return spectral_norm(nn.Identity())
    result = norms[0]
    for norm in norms[1:]:
        result = SpectralNorm(
            derive("norm.product", left=norm.upper, right=result.upper),
            nothing_below(),
            "the product of the norms of its layers",
            (),
        )
    return result


def _one(layer: nn.Module, normalisation: nn.Module | None, shape: tuple[int, ...] | None, route: Route | None) -> SpectralNorm:
    name = type(layer).__name__
    if isinstance(layer, PASSING) or (isinstance(layer, DROPOUTS) and not layer.training):
        return _exactly(1.0, "it moves entries and changes none")
    if isinstance(layer, nn.Linear):
        weight = layer.weight
        if shape is not None and shape[-1] != weight.shape[-1]:
            raise NotALinearMap(f"{name} takes inputs whose last axis has {weight.shape[-1]} entries, not {shape}")
        return _matrix(weight, normalisation, name)
    if isinstance(layer, nn.Embedding):
        if layer.max_norm is not None:
            raise NotALinearMap(
                f"{name} has max_norm, which shortens its rows when they are read: shorten them once and set max_norm to None"
            )
        return _matrix(layer.weight, None, name)
    if isinstance(layer, NORMALISATIONS):
        factors, error = normalisation_factors(layer)
        if shape is not None and shape[0] != len(factors):
            raise NotALinearMap(f"{name} takes inputs of {len(factors)} channels, not {shape}: one input, without the batch")
        return _diagonal(factors, error)
    if isinstance(layer, CONVOLUTIONS):
        convolution, exponent, size, outputs = convolution_of(layer, normalisation, shape)
        return rescaled(convolution_norm(convolution, size, route=route, outputs=outputs), exponent)
    raise NotALinearMap(
        f"the spectral norm of {name} is not known here: it is no linear layer, or one without a rule (in train mode, dropout and batch "
        "normalisation have none)"
    )


def foldable(layer: nn.Module, shape: tuple[int, ...] | None) -> bool:
    """Whether a normalisation behind the layer scales its output channels: not behind a ``Linear`` whose inputs have more axes than one.

    >>> foldable(nn.Linear(2, 3), (2,)), foldable(nn.Linear(2, 3), (7, 2))
    (True, False)
    """
    return isinstance(layer, CONVOLUTIONS) or (isinstance(layer, nn.Linear) and (shape is None or len(shape) == 1))


def _matrix(weight: Tensor, normalisation: nn.Module | None, name: str) -> SpectralNorm:
    held = exact_weights(weight, f"the weight of {name}")
    if normalisation is None:
        return matrix_norm(held)
    folded, exponent, error = fold(held, normalisation, name)
    norm = matrix_norm(folded)
    rounding = Bound(
        float(torch.linalg.vector_norm(folded)) * error * 1.001 + 2.0**-400, Side.UPPER, Enclosed("rounding of the folded weight")
    )
    lower = Bound(max((norm.lower - rounding).value, 0.0), Side.LOWER, Combined("less the rounding", (norm.lower, rounding)))
    ledger = (*norm.ledger, Charge("rounding of the folded weight", rounding.value))
    return rescaled(SpectralNorm(norm.upper + rounding, lower, norm.proof, ledger), exponent)


def _diagonal(factors: Tensor, error: float) -> SpectralNorm:
    largest = float(factors.abs().max()) if len(factors) else 0.0
    with precision(80):
        upper = Bound(upper_double(arb(largest) * (1 + arb(error))), Side.UPPER, Enclosed("largest factor of a channel"))
        lower = Bound(lower_double(arb(largest) * (1 - arb(error))) + 0.0, Side.LOWER, Enclosed("largest factor of a channel"))
    return SpectralNorm(upper, lower, "the largest factor of a channel")


def _exactly(value: float, proof: str) -> SpectralNorm:
    bound = Bound(value, Side.EXACT, Enclosed(proof))
    return SpectralNorm(bound, bound, proof)
