"""Activations with slope and curvature kept: y = f(x), the pullback g·f'(x), and its derivatives γ·f'(x) in g and γ·g·f''(x) in x."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .pullbacks import Unusual, at_point


@dataclass(frozen=True)
class Activation:
    """A function of one number, with its slope from (x, y) and its curvature from (x, y, slope); a curvature of None is zero."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    curvature: Callable[[Tensor, Tensor, Tensor], Tensor] | None

    def rule(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        """f(x) by these derivatives; options that change the function are left to torch."""
        if args or any(value not in (False, "none") for value in options.values()):
            raise Unusual
        result: Tensor = _Value.apply(x, self)  # type: ignore[no-untyped-call]
        return result


class _Value(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: Activation) -> Tensor:
        y = activation.value(x)
        ctx.save_for_backward(x, y)
        ctx.activation, ctx.slope = activation, None
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, y = ctx.saved_tensors
        if ctx.slope is None:
            with torch.no_grad():
                ctx.slope = ctx.activation.slope(x, y)
        if not torch.is_grad_enabled():
            return gradient * ctx.slope, None
        return _Pullback.apply(gradient, at_point(x), y.detach(), ctx.slope, ctx.activation), None  # type: ignore[no-untyped-call]


class _Pullback(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor, y: Tensor, slope: Tensor, activation: Activation) -> Tensor:
        ctx.slope, ctx.bent = slope, None
        if ctx.needs_input_grad[1] and activation.curvature is not None:
            ctx.bent = gradient * activation.curvature(x, y, slope)
        return gradient * slope

    @staticmethod
    def backward(ctx: Any, again: Tensor) -> tuple[Tensor | None, ...]:
        bent = None if ctx.bent is None else again * ctx.bent
        return (again * ctx.slope if ctx.needs_input_grad[0] else None), bent, None, None, None


def _density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)


def _normal(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def _silu_curvature(x: Tensor, y: Tensor, slope: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 - s) * (2 + x * (1 - 2 * s))


TANH = Activation(torch.tanh, lambda x, y: 1 - y.square(), lambda x, y, slope: -2 * y * slope)
SIGMOID = Activation(torch.sigmoid, lambda x, y: y * (1 - y), lambda x, y, slope: slope * (1 - 2 * y))
RELU = Activation(torch.relu, lambda x, y: (y > 0).to(y.dtype), None)
GELU = Activation(
    torch.nn.functional.gelu, lambda x, y: _normal(x) + x * _density(x), lambda x, y, slope: _density(x) * (2 - x.square())
)
SILU = Activation(torch.nn.functional.silu, lambda x, y: x.sigmoid() * (1 + x * (1 - x.sigmoid())), _silu_curvature)
