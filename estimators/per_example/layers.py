"""Structured rules: how the gradients of single examples in a layer's parameters follow from its inputs and the cotangents of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from .outer import Factor, Lookup, Outer, Summed, Term
from .pieces import Held, Piece, Rows, Sum, at_least_single

Part = Term | Held | Rows
"""What one call of a layer adds to the gradients in one parameter."""
Rule = Callable[[nn.Module, Tensor, Tensor, int], dict[str, Part]]
"""(layer, inputs [N·f, ...], cotangents [N·f, ...], N) to the parts by the names of the parameters."""


def rule_for(layer: nn.Module) -> Rule | None:
    """The structured rule of a layer, or None. A subclass with a forward pass of its own has none."""
    for kind, rule in _RULES:
        if isinstance(layer, kind):
            plain: Any = next(
                base for base in type(layer).__mro__ if base.__module__.startswith("torch.nn.") and "forward" in vars(base)
            )
            return rule if type(layer).forward is plain.forward and _applies(layer) else None
    return None


def combined(parts: list[Part], count: int, shape: torch.Size, device: torch.device) -> Piece:
    """The gradients in a parameter from the parts of all calls that use it."""
    terms = [part for part in parts if isinstance(part, Term)]
    rows = [part for part in parts if isinstance(part, Rows)]
    held = [part for part in parts if isinstance(part, Held)]
    pieces: list[Piece] = []
    if rows and not terms:
        pieces.append(Rows(torch.cat([r.index for r in rows], 1), torch.cat([r.values for r in rows], 1), shape[0]))
    elif terms:  # an embedding that shares its weight with a linear layer is a sum of outer products too
        terms += [Term(Lookup(r.index, shape[0]), _factor(r.values[:, None])) for r in rows]
        same = sorted({term.right.groups for term in terms})
        pieces += [Outer([term for term in terms if term.right.groups == groups], count, shape, device) for groups in same]
    if held:
        pieces.append(held[0] if len(held) == 1 else Held(torch.stack([part.gradients for part in held]).sum(0)))
    return pieces[0] if len(pieces) == 1 else Sum(pieces)


def placed(part: Part, row: int, shape: torch.Size) -> Part:
    """A part in some rows of a parameter, the first of which is ``row``, as one in the whole of it."""
    if isinstance(part, Held) and part.shape != shape:
        return Held(functional.pad(part.gradients, (row, shape[0] - row - part.shape[0])))
    if isinstance(part, Term) and isinstance(part.left, Factor) and part.left.width != shape[0]:
        left, after = part.left, shape[0] - row - part.left.width
        return Term(replace(left, rows=lambda rows: functional.pad(left.rows(rows), (row, after)), width=shape[0]), part.right)
    return part


def _applies(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Embedding):
        return not layer.scale_grad_by_freq and layer.max_norm is None
    return not isinstance(layer, _ConvTransposeNd)


def linear(layer: nn.Module, x: Tensor, d: Tensor, count: int) -> dict[str, Part]:
    """The rule of a linear map, whose layer need not be known."""
    left, right = (_factor(side.reshape(count, 1, -1, side.shape[-1])) for side in (d, x))
    return {"weight": Term(left, right), "bias": Summed(left, d.device)}


def _embedding(layer: nn.Module, x: Tensor, d: Tensor, count: int) -> dict[str, Part]:
    assert isinstance(layer, nn.Embedding)
    index, values = x.reshape(count, -1), d.reshape(count, -1, d.shape[-1])
    if layer.padding_idx is not None:
        values = values * (index != layer.padding_idx)[..., None]
    return {"weight": Rows(index.long(), values, layer.num_embeddings)}


def _convolution(layer: nn.Module, x: Tensor, d: Tensor, count: int) -> dict[str, Part]:
    assert isinstance(layer, _ConvNd)
    groups, places = layer.groups, prod(d.shape[2:])
    fold = len(x) // count
    width = layer.in_channels // groups * prod(layer.kernel_size)

    def patched(rows: slice) -> Tensor:
        return _folded(_patches(layer, x[rows.start * fold : rows.stop * fold], ordered=True), fold)

    def quickly_patched(rows: slice) -> Tensor:
        return _folded(_patches(layer, x[rows.start * fold : rows.stop * fold], ordered=False), fold)

    def outputs(rows: slice) -> Tensor:
        block = d[rows.start * fold : rows.stop * fold]
        return _folded(block.reshape(len(block), groups, -1, places).transpose(2, 3), fold)

    tokens = fold * places
    left = Factor(outputs, count, groups, tokens, layer.out_channels // groups)
    right = Factor(patched, count, groups, tokens, width, quickly_patched)
    return {"weight": Term(left, right), "bias": Summed(left, d.device)}


def _patches(layer: _ConvNd, x: Tensor, *, ordered: bool) -> Tensor:
    """What lies under the kernel at each place of the output, [n, groups, places, channels · kernel] (or kernel · channels, unordered).

    Channels that lie together are copied together; where there are fewer than places in a row, the places are.
    """
    sides = layer._reversed_padding_repeated_twice
    if any(sides):
        x = functional.pad(x, sides, mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)
    last = x.shape[1] * layer.kernel_size[-1] > x.shape[-1]
    if last:
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)
    dimensions = len(layer.kernel_size)
    for i, (size, step, gap) in enumerate(zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)):
        x = x.unfold(2 + i, gap * (size - 1) + 1, step)[..., ::gap]
    x = x.unflatten(1, (layer.groups, -1))  # type: ignore[no-untyped-call]
    places, kernel = range(3, 3 + dimensions), range(3 + dimensions, 3 + 2 * dimensions)
    count = prod(x.shape[3 : 3 + dimensions])
    if last:
        return x.permute(0, 1, *places, *((2, *kernel) if ordered else (*kernel, 2))).reshape(len(x), layer.groups, count, -1)
    return x.permute(0, 1, 2, *kernel, *places).reshape(len(x), layer.groups, -1, count).transpose(2, 3)


def _folded(block: Tensor, fold: int) -> Tensor:
    """[n·f, G, T, w] to [n, G, f·T, w], a view where f is 1."""
    return block if fold == 1 else block.unflatten(0, (-1, fold)).transpose(1, 2).flatten(2, 3)  # type: ignore[no-untyped-call]


def _normalised(layer: nn.Module, x: Tensor, d: Tensor, count: int) -> dict[str, Part]:
    """Scale and shift: Σ d·x̂ and Σ d over everything that is not a dimension of the parameter."""
    x = at_least_single(x)
    if isinstance(layer, nn.LayerNorm):
        normal = functional.layer_norm(x, layer.normalized_shape, None, None, layer.eps)
    elif isinstance(layer, nn.RMSNorm):
        normal = functional.rms_norm(x, layer.normalized_shape, None, layer.eps)
    elif isinstance(layer, nn.GroupNorm):
        normal = functional.group_norm(x, layer.num_groups, None, None, layer.eps)
    elif isinstance(layer, _BatchNorm):
        assert layer.running_mean is not None
        normal = functional.batch_norm(x, layer.running_mean, layer.running_var, None, None, False, 0.0, layer.eps)
    else:
        assert isinstance(layer, _InstanceNorm)
        fixed = layer.track_running_stats and not layer.training
        mean, variance = (layer.running_mean, layer.running_var) if fixed else (None, None)
        normal = functional.instance_norm(x, mean, variance, None, None, not fixed, 0.0, layer.eps)
    own = len(layer.normalized_shape) if isinstance(layer, (nn.LayerNorm, nn.RMSNorm)) else 0

    def summed(block: Tensor) -> Held:
        if own:
            return Held(block.reshape(count, -1, *block.shape[block.dim() - own :]).sum(1))
        return Held(block.reshape(count, len(block) // count, block.shape[1], -1).sum((1, 3)))

    d = at_least_single(d)
    return {"weight": summed(d * normal), "bias": summed(d)}


def _factor(block: Tensor) -> Factor:
    return Factor(lambda rows: block[rows], *block.shape)


_RULES: tuple[tuple[type | tuple[type, ...], Rule], ...] = (
    (nn.Linear, linear),
    (nn.Embedding, _embedding),
    (_ConvNd, _convolution),
    ((nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, _BatchNorm, _InstanceNorm), _normalised),
)
