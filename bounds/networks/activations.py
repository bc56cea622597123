"""Activation functions: the range of their slopes and bounds on their second and third derivatives, rounded outward."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn


class UnknownModule(ValueError):
    """A module for which no bound is known here; the message names it and what would help."""


@dataclass(frozen=True)
class Activation:
    """An elementwise function whose slope lies in [``low``, ``high``], with the absolute second and third derivatives bounded.

    ``second`` or ``third`` is None where that derivative does not exist everywhere. The function is the real one with the stored parameters:
    torch's Softplus jumps by 2e-9 at its threshold, which is not counted.
    """

    name: str
    low: Fraction
    high: Fraction
    second: Fraction | None = None
    third: Fraction | None = None

    @property
    def lipschitz(self) -> Fraction:
        """The least Lipschitz constant that the slopes allow."""
        return max(abs(self.low), abs(self.high))


def activation_of(module: nn.Module) -> Activation | None:
    """The constants of a torch activation, or None for a module that is none.

    Raises :class:`UnknownModule` for an activation that is not Lipschitz, and for parameters that are not finite.

    >>> activation_of(nn.GELU()).high
    Fraction(225781, 200000)
    """
    if isinstance(module, _REFUSED):
        raise UnknownModule(f"{type(module).__name__} has no Lipschitz constant: it jumps, or draws its slopes at random")
    rule = _RULES.get(type(module))
    return None if rule is None else rule(module)


_REFUSED = (nn.Threshold, nn.Hardshrink)
_SMOOTH_ENOUGH = 20  # torch's Softplus jumps at its threshold by log(1 + exp(-threshold))/beta


def _fixed(name: str, low: str, high: str, second: str | None = None, third: str | None = None) -> Callable[[Any], Activation]:
    values = [None if text is None else Fraction(text) for text in (second, third)]
    return lambda module: Activation(name, Fraction(low), Fraction(high), values[0], values[1])


def _gelu(module: Any) -> Activation:
    if module.approximate == "tanh":
        return Activation("GELU (tanh)", Fraction("-0.128994"), Fraction("1.128994"))
    return Activation("GELU", Fraction("-0.128905"), Fraction("1.128905"), Fraction("0.797885"), Fraction("0.778770"))


def _number(value: Any, what: str) -> Fraction:
    if not math.isfinite(value):
        raise UnknownModule(f"{what} is {value}: a slope needs a finite number")
    return Fraction(value)


def _leaky(module: Any) -> Activation:
    slope = _number(module.negative_slope, "the negative slope of LeakyReLU")
    return Activation("LeakyReLU", min(slope, Fraction(1)), max(slope, Fraction(1)))


def _parametric(module: Any) -> Activation:
    slopes = [Fraction(1), *(_number(value, "a slope of PReLU") for value in module.weight.detach().double().flatten().tolist())]
    return Activation("PReLU", min(slopes), max(slopes))


def _exponential(module: Any) -> Activation:
    alpha = _number(module.alpha, "the alpha of ELU")
    return Activation("ELU", min(alpha, Fraction(0)), max(alpha, Fraction(1)))


def _continuous(module: Any) -> Activation:
    if not _number(module.alpha, "the alpha of CELU") > 0:
        raise UnknownModule("CELU with a negative alpha is not Lipschitz: below zero its slope exp(x/alpha) grows without end")
    return Activation("CELU", Fraction(0), Fraction(1))


class RealSoftplus(nn.Softplus):
    """log(1 + exp(beta x))/beta everywhere; torch's own returns x beyond a threshold, with a small jump there."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.logaddexp(torch.zeros_like(inputs), self.beta * inputs) / self.beta


class RealHardsigmoid(nn.Hardsigmoid):
    """The same function as torch's own, which has no second derivative."""

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs / 6 + 0.5).clamp(0, 1)


class Rectified(nn.Module):
    """x where it is positive and ``slopes`` times x elsewhere; the slopes are one number or one for each entry of an input."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = slopes

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.where(inputs > 0, inputs, self.slopes * inputs)


def _softplus(module: Any) -> Activation:
    beta = _number(module.beta, "the beta of Softplus")
    if beta <= 0:
        raise UnknownModule("Softplus needs a positive beta")
    if not module.threshold >= _SMOOTH_ENOUGH:
        raise UnknownModule(
            f"Softplus with the threshold {module.threshold} jumps there, from log(1 + exp(beta x))/beta to x: use the usual threshold of 20"
        )
    return Activation("Softplus", Fraction(0), Fraction(1), beta / 4, beta**2 * Fraction("0.096226"))


def _random_rectifier(module: Any) -> Activation:
    if module.training:
        raise UnknownModule("RReLU draws its slopes at random in train mode: call eval()")
    slope = (_number(module.lower, "the lower slope of RReLU") + _number(module.upper, "the upper slope of RReLU")) / 2
    return Activation("RReLU", min(slope, Fraction(1)), max(slope, Fraction(1)))


def _clipped(module: Any) -> Activation:
    return Activation(type(module).__name__, Fraction(0), Fraction(1))


_RULES: dict[type[nn.Module], Callable[[Any], Activation]] = {
    nn.ReLU: _fixed("ReLU", "0", "1"),
    nn.ReLU6: _clipped,
    nn.Hardtanh: _clipped,
    nn.Softshrink: _fixed("Softshrink", "0", "1"),
    nn.LeakyReLU: _leaky,
    nn.PReLU: _parametric,
    nn.RReLU: _random_rectifier,
    nn.ELU: _exponential,
    nn.CELU: _continuous,
    nn.SELU: _fixed("SELU", "0", "1.758100"),
    nn.Tanh: _fixed("Tanh", "0", "1", "0.769801", "2"),
    nn.Tanhshrink: _fixed("Tanhshrink", "0", "1", "0.769801", "2"),
    nn.Sigmoid: _fixed("Sigmoid", "0", "0.25", "0.096226", "0.125"),
    nn.LogSigmoid: _fixed("LogSigmoid", "0", "1", "0.25", "0.096226"),
    nn.Softplus: _softplus,
    RealSoftplus: _softplus,
    nn.Softsign: _fixed("Softsign", "0", "1"),
    nn.GELU: _gelu,
    nn.SiLU: _fixed("SiLU", "-0.099840", "1.099840", "0.5", "0.308182"),
    nn.Hardswish: _fixed("Hardswish", "-0.5", "1.5"),
    nn.Hardsigmoid: _fixed("Hardsigmoid", "0", "0.166667"),
}
