"""The largest singular values of any linear layer, estimated through automatic differentiation: they rank and plot, and bound nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..bound import Estimate
from .dense import NotALinearMap
from .layers import one_shape
from .modules import DROPOUTS, NORMALISATIONS, shape_after

_BY_MODE = (*NORMALISATIONS, *DROPOUTS)
_NEAR = 100.0  # how many roundings of the dtype two images may differ by, over the root of the size


def singular_value_estimates(
    layer: nn.Module, input_shape: Sequence[int], count: int, *, steps: int = 60, generator: torch.Generator | None = None
) -> tuple[Estimate, ...]:
    """The ``count`` largest singular values of the layer's linear part, by block power iteration with a QR factorisation a step (PowerQR).

    ``layer`` may be any module that is affine in its input, whatever it is made of: its linear part is taken by differences from the image of
    zero, and its transpose by automatic differentiation. ``input_shape`` is the shape of one input. Returns estimates in falling order,
    which approach the singular values from below and are never bounds: for a bound use :func:`~certify.bounds.spectral.layers.spectral_norm`.

    Raises :class:`~certify.bounds.spectral.dense.NotALinearMap` for a layer that is not affine on a few vectors, that is in train mode
    (dropout, normalisation by the batch) or that does not take the shape, and ``ValueError`` for a count out of range.

    Source: Saad, Numerical Methods for Large Eigenvalue Problems (2011), section 5.2; Ebrahimpour-Boroojeny et al., AISTATS 2024, for layers.

    >>> layer = nn.Linear(3, 3, bias=False)
    >>> _ = nn.init.eye_(layer.weight)
    >>> [round(found.value, 5) for found in singular_value_estimates(layer, (3,), 2)]
    [1.0, 1.0]
    """
    shape, name = one_shape(input_shape), type(layer).__name__
    assert shape is not None
    if any(module.training and isinstance(module, _BY_MODE) for module in layer.modules()):
        raise NotALinearMap(
            f"{name} is in train mode, where dropout and normalisation are no maps of one input: call eval() first"
        )
    size, images = math.prod(shape), math.prod(shape_after(layer, shape) or ())
    if not 1 <= count <= min(size, images):
        raise ValueError(f"the number of singular values lies between 1 and {min(size, images)}, not {count}")
    apply = _linear_part(layer, shape)
    source = generator or torch.Generator().manual_seed(0)
    weight = next(layer.parameters(), torch.zeros(0))
    block = torch.randn(size, count, generator=source, dtype=torch.float64, device=source.device).to(weight.device)
    with torch.inference_mode(False), torch.autocast(weight.device.type, enabled=False):
        _refuse_other(apply, block, weight.dtype, name)
        block = torch.linalg.qr(block)[0]
        for _ in range(steps):
            block = torch.linalg.qr(_squared(apply, block, weight.dtype))[0]
        values = torch.linalg.svdvals(apply(block.T.to(weight.dtype)).detach().double())
    return tuple(Estimate(float(value), f"block power iteration, {steps} steps") for value in values[:count])


def _linear_part(layer: nn.Module, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Rows of inputs to rows of images, less the image of zero."""

    def apply(rows: Tensor) -> Tensor:
        zero: Tensor = layer(torch.zeros((1, *shape), dtype=rows.dtype, device=rows.device))
        image: Tensor = layer(rows.reshape(-1, *shape))
        return (image - zero).flatten(1)

    return apply


def _squared(apply: Callable[[Tensor], Tensor], block: Tensor, dtype: torch.dtype) -> Tensor:
    """A'A times the columns of the block, through the layer in its own precision."""
    rows = block.T.detach().to(dtype).requires_grad_()
    with torch.enable_grad():
        image = apply(rows)
        if not image.requires_grad:
            return torch.zeros_like(block)
        (pulled,) = torch.autograd.grad(image, rows, image.detach())
    return pulled.T.to(block.dtype)


def _refuse_other(apply: Callable[[Tensor], Tensor], block: Tensor, dtype: torch.dtype, name: str) -> None:
    """Refuse what does not add up on a few vectors."""
    with torch.no_grad():
        first, second = block.T[:1], block.T[-1:].roll(1, 1)
        parts = [apply(rows.to(dtype)).double() for rows in (first, second, first + second, -first, 1000 * first)]
    scale = max(float(part.norm()) for part in parts)
    near = _NEAR * torch.finfo(dtype).eps * len(block) ** 0.5
    gaps = (parts[0] + parts[1] - parts[2], parts[0] + parts[3], (1000 * parts[0] - parts[4]) / 1000)
    if any(float(gap.norm()) > near * scale for gap in gaps):
        raise NotALinearMap(f"{name} is not affine in its input: it has no singular values")
