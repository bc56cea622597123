"""Layer normalisation with a closed second derivative.

y = w·x̂ + b, x̂ = (x − μ)·ρ, ρ = (var + ε)^−½, P v = v − mean(v) − x̂·mean(v·x̂). The pullback is (ρ P(g·w), Σ g·x̂, Σ g). With
v = g·w, the derivative of ⟨γx, ρ P v⟩ + ⟨γw, Σ g·x̂⟩ + ⟨γb, Σ g⟩ is w·ρ P γx + γw·x̂ + γb in g, Σ g·ρ P γx in w, and in x
ρ P(g·γw − ρ(γx·mean(v·x̂) + v·mean(γx·x̂))) − ρ² x̂·mean(γx·P v).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .pullbacks import Unusual, at_point

_pull = torch.ops.aten.native_layer_norm_backward.default


def rule(
    x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Layer normalisation with scale and shift; without them it is left to torch."""
    if weight is None or bias is None or x.dtype not in (torch.float32, torch.float64) or not x.numel():
        raise Unusual
    result: Tensor = _Value.apply(x, weight, bias, list(normalized_shape), eps)  # type: ignore[no-untyped-call]
    return result


def by_definition(
    x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Layer normalisation in elementary steps: right in every derivative, where torch's own kernel is wrong in the third (2.13)."""
    dimensions = list(range(-len(normalized_shape), 0))
    centred = x - x.mean(dimensions, keepdim=True)
    normal = centred * (centred.square().mean(dimensions, keepdim=True) + eps).rsqrt()
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias


class _Value(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, shape: list[int], eps: float) -> Tensor:
        y, mean, scale = torch.native_layer_norm(x, shape, weight, bias, eps)
        ctx.save_for_backward(x, weight, bias, mean, scale)
        ctx.shape = shape
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        x, weight, bias, mean, scale = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return *_pull(gradient, x, ctx.shape, mean, scale, weight, bias, list(ctx.needs_input_grad[:3])), None, None
        return *_Pullback.apply(gradient, at_point(x), at_point(weight), bias.detach(), mean, scale, ctx.shape), None, None  # type: ignore[no-untyped-call]


class _Pullback(Function):
    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, scale: Tensor, shape: list[int]
    ) -> Any:
        ctx.set_materialize_grads(False)
        ctx.dimensions = list(range(-len(shape), 0))
        normal = (x - mean) * scale
        ctx.save_for_backward(normal, weight, scale)
        if ctx.needs_input_grad[1]:
            weighted = gradient * weight
            along = (weighted * normal).mean(ctx.dimensions, keepdim=True)
            ctx.kept = weighted, along, _project(weighted, normal, ctx.dimensions)
        ctx.gradient = gradient.detach() if ctx.needs_input_grad[1] or ctx.needs_input_grad[2] else None
        return _pull(gradient, x, shape, mean, scale, weight, bias, [True, True, True])

    @staticmethod
    def backward(ctx: Any, of_x: Tensor | None, of_weight: Tensor | None, of_bias: Tensor | None) -> tuple[Any, ...]:
        normal, weight, scale = ctx.saved_tensors
        dimensions = ctx.dimensions
        turned = None if of_x is None else scale * _project(of_x, normal, dimensions)
        in_gradient = in_x = in_weight = None
        if ctx.needs_input_grad[0]:
            if turned is not None:
                in_gradient = turned * weight
            if of_weight is not None:
                in_gradient = normal * of_weight if in_gradient is None else torch.addcmul(in_gradient, normal, of_weight)
            if of_bias is not None:
                in_gradient = of_bias.expand_as(normal) if in_gradient is None else in_gradient + of_bias
        if ctx.needs_input_grad[2] and turned is not None:
            lead = list(range(normal.dim() - len(dimensions)))
            in_weight = (ctx.gradient * turned).sum(lead) if lead else ctx.gradient * turned
        if ctx.needs_input_grad[1]:
            weighted, along, projected = ctx.kept
            inner = None if of_weight is None else ctx.gradient * of_weight
            if of_x is not None:
                again = (of_x * normal).mean(dimensions, keepdim=True)
                bent = scale * (of_x * along + weighted * again)
                inner = -bent if inner is None else inner - bent
            if inner is not None:
                in_x = scale * _project(inner, normal, dimensions)
            if in_x is not None and of_x is not None:
                in_x = in_x - normal * (scale.square() * (of_x * projected).mean(dimensions, keepdim=True))
        return in_gradient, in_x, in_weight, None, None, None, None


def _project(v: Tensor, normal: Tensor, dimensions: list[int]) -> Tensor:
    """v − mean(v) − x̂·mean(v·x̂)."""
    centred = v - v.mean(dimensions, keepdim=True)
    return torch.addcmul(centred, normal, (v * normal).mean(dimensions, keepdim=True), value=-1)
