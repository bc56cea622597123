"""Convolutions whose second derivatives take the terms that are needed, by torch's own first-order kernels.

With y = x∗w + b and pullback (g⊛w, g⊛x, Σg) the derivative of ⟨γx, g⊛w⟩ + ⟨γw, g⊛x⟩ + ⟨γb, Σg⟩ is γx∗w + x∗γw + γb in g, and the
pullback at the point (γx, γw) in (x, w).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .pullbacks import Unusual, at_point

_convolve, _pull = torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default
Geometry = tuple[list[int], list[int], list[int], bool, list[int], int]


def rule(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """conv1d, conv2d or conv3d of a batch; padding by name is left to torch."""
    dimensions = weight.dim() - 2
    if isinstance(padding, str) or x.dim() != weight.dim():
        raise Unusual
    sizes = [[value] * dimensions if isinstance(value, int) else list(value) for value in (stride, padding, dilation)]
    if any(len(size) != dimensions for size in sizes):
        raise Unusual
    result: Tensor = _Value.apply(x, weight, bias, (*sizes, False, [0] * dimensions, groups))  # type: ignore[no-untyped-call]
    return result


class _Value(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Any:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return _convolve(x, weight, bias, *geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        x, weight = ctx.saved_tensors
        mask = list(ctx.needs_input_grad[:3])
        if not torch.is_grad_enabled():
            return *_pull(gradient, x, weight, [len(weight)], *ctx.geometry, mask), None
        return *_Pullback.apply(gradient, at_point(x), at_point(weight), ctx.geometry, mask), None  # type: ignore[no-untyped-call]


class _Pullback(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, mask: list[bool]) -> Any:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(gradient, x, weight)
        ctx.geometry = geometry
        return _pull(gradient, x, weight, [len(weight)], *geometry, mask)

    @staticmethod
    def backward(ctx: Any, of_x: Tensor | None, of_weight: Tensor | None, of_bias: Tensor | None) -> tuple[Any, ...]:
        gradient, x, weight = ctx.saved_tensors
        geometry = ctx.geometry
        in_gradient: Tensor | None = None
        if ctx.needs_input_grad[0]:
            terms = [_convolve(of_x, weight, None, *geometry)] if of_x is not None else []
            if of_weight is not None:
                terms.append(_convolve(x, of_weight, of_bias, *geometry))
            elif of_bias is not None:
                terms.append(of_bias.reshape(-1, *[1] * (weight.dim() - 2)).expand_as(gradient))
            in_gradient = sum(terms[1:], terms[0]) if terms else None
        mask = [ctx.needs_input_grad[1] and of_weight is not None, ctx.needs_input_grad[2] and of_x is not None, False]
        in_x = in_weight = None
        if any(mask):
            in_x, in_weight, _ = _pull(
                gradient, x if of_x is None else of_x, weight if of_weight is None else of_weight, None, *geometry, mask
            )
        return in_gradient, in_x, in_weight, None, None
