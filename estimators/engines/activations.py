"""Activations with slope and curvature kept: y = f(x), the pullback g·f'(x), and its derivatives γ·f'(x) in g and γ·g·f''(x) in x.

Where the slope s is a function of y, x is not kept, as torch does not: it may be written over. The derivative is then γ·g·s'(y) in y.
"""

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
    """A function of one number, with its slope at the point p and that slope's derivative in p; one of None is zero.

    p is x, or y where ``by_value``.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    curvature: Callable[[Tensor], Tensor] | None
    by_value: bool = False

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
        ctx.save_for_backward(y if activation.by_value else x)
        ctx.activation, ctx.slope = activation, None
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (point,) = ctx.saved_tensors
        if ctx.slope is None:
            with torch.no_grad():
                ctx.slope = ctx.activation.slope(point)
        if not torch.is_grad_enabled():
            return gradient * ctx.slope, None
        return _Pullback.apply(gradient, at_point(point), ctx.slope, ctx.activation), None  # type: ignore[no-untyped-call]


class _Pullback(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, point: Tensor, slope: Tensor, activation: Activation) -> Tensor:
        ctx.slope, ctx.bent = slope, None
        if ctx.needs_input_grad[1] and activation.curvature is not None:
            ctx.bent = gradient * activation.curvature(point)
        return gradient * slope

    @staticmethod
    def backward(ctx: Any, again: Tensor) -> tuple[Tensor | None, ...]:
        bent = None if ctx.bent is None else again * ctx.bent
        return (again * ctx.slope if ctx.needs_input_grad[0] else None), bent, None, None


def _density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)


def _normal(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def _gelu_curvature(x: Tensor) -> Tensor:
    density = _density(x)
    return 2 * density - x * (x * density)  # x² may be infinite


def _silu_slope(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 + x * (1 - s))


def _silu_curvature(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 - s) * (2 + x * (1 - 2 * s))


TANH = Activation(torch.tanh, lambda y: 1 - y.square(), lambda y: -2 * y, by_value=True)
SIGMOID = Activation(torch.sigmoid, lambda y: y * (1 - y), lambda y: 1 - 2 * y, by_value=True)
RELU = Activation(torch.relu, lambda y: (y > 0).to(y.dtype), None, by_value=True)
GELU = Activation(torch.nn.functional.gelu, lambda x: _normal(x) + x * _density(x), _gelu_curvature)
SILU = Activation(torch.nn.functional.silu, _silu_slope, _silu_curvature)
