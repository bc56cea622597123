"""Values of smooth activations and of their first three derivatives on intervals, enclosed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..networks.activations import Activation, UnknownModule, activation_of
from ..networks.intervals import Interval
from ..networks.slopes import LIBRARY, above, below

_Functions = tuple[Callable[[Tensor], Tensor], ...]
_FOURTH = {nn.Tanh: 4.0860, nn.Sigmoid: 0.127688, nn.GELU: 1.595770, nn.SiLU: 0.5}
"""At or above the absolute fourth derivative."""
_STEEPEST = 1e30
_SPENT = 40.0


class Smooth:
    """A smooth activation: enclosures of its value and of its first three derivatives, by the mean value theorem.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for an activation without bounded third derivative: the gradient of a
    network with kinks jumps in the parameters, so it has no smoothness to bound; and for a Softplus whose beta is beyond reason.
    """

    def __init__(self, module: nn.Module) -> None:
        constants = activation_of(module)
        if constants is None or constants.second is None or constants.third is None:
            raise UnknownModule(
                f"{type(module).__name__} has a kink, or no bounded third derivative: the gradient in the parameters jumps there; use a smooth "
                "activation such as tanh or softplus"
            )
        if isinstance(module, nn.Softplus) and not 1 / _STEEPEST <= module.beta <= _STEEPEST:
            raise UnknownModule(f"Softplus with beta = {module.beta} has derivatives beyond float64: use one near 1")
        self._functions = _functions(module)
        self.constants: Activation = constants
        self.second = _up(float(constants.second))
        self.third = _up(float(constants.third))
        self.fourth = (
            _up(float(module.beta) ** 3 / 8) * (1 + 2.0**-50) if isinstance(module, nn.Softplus) else _FOURTH[type(module)]
        )
        self.slope = max(abs(below(constants)), abs(above(constants)))

    def value(self, inputs: Interval) -> Interval:
        """An enclosure of the activation on each interval."""
        return self._around(0, inputs, self.slope, math.inf)

    def first(self, inputs: Interval) -> Interval:
        """An enclosure of its slope, within the range everywhere."""
        around = self._around(1, inputs, self.second, math.inf)
        return Interval(around.low.clamp_min(below(self.constants)), around.high.clamp_max(above(self.constants)))

    def curvature(self, inputs: Interval) -> Interval:
        """An enclosure of its second derivative."""
        return self._around(2, inputs, self.third, self.second)

    def bend(self, inputs: Interval) -> Interval:
        """An enclosure of its third derivative."""
        return self._around(3, inputs, self.fourth, self.third)

    def _around(self, order: int, inputs: Interval, steepness: float, most: float) -> Interval:
        middle = inputs.middle
        value = self._functions[order](middle)
        spread = steepness * inputs.radius * (1 + 2.0**-40) + LIBRARY * (1 + value.abs())
        return Interval((value - spread).clamp(-most, most), (value + spread).clamp(-most, most))


def _up(value: float) -> float:
    return math.nextafter(value, math.inf)


def _functions(module: nn.Module) -> _Functions:
    """The function and its derivatives, each within LIBRARY (1 + its modulus) of the truth at every double."""
    if isinstance(module, nn.Tanh):
        return (
            torch.tanh,
            lambda z: 1 - torch.tanh(z) ** 2,
            lambda z: -2 * torch.tanh(z) * (1 - torch.tanh(z) ** 2),
            lambda z: -2 * (1 - torch.tanh(z) ** 2) * (1 - 3 * torch.tanh(z) ** 2),
        )
    if isinstance(module, nn.Sigmoid):
        return torch.sigmoid, _bell, _tilt, _tip
    if isinstance(module, nn.Softplus):
        beta = module.beta
        return (
            lambda z: torch.logaddexp(torch.zeros_like(z), beta * z) / beta,
            lambda z: torch.sigmoid(beta * z),
            lambda z: beta * _bell(beta * z),
            lambda z: beta**2 * _tilt(beta * z),
        )
    if isinstance(module, nn.GELU) and module.approximate == "none":
        return (
            lambda z: z * torch.special.ndtr(z),
            lambda z: torch.special.ndtr(z) + _near(z) * _density(z),
            lambda z: (2 - _near(z) ** 2) * _density(z),
            lambda z: (_near(z) ** 2 - 4) * _near(z) * _density(z),
        )
    if isinstance(module, nn.SiLU):
        return (
            lambda z: z * torch.sigmoid(z),
            lambda z: torch.sigmoid(z) + z * _bell(z),
            lambda z: 2 * _bell(z) + z * _tilt(z),
            lambda z: 3 * _tilt(z) + z * _tip(z),
        )
    raise UnknownModule(
        f"the derivatives of {type(module).__name__} are not written here: use Tanh, Sigmoid, Softplus, GELU or SiLU"
    )


def _bell(z: Tensor) -> Tensor:
    """The derivative of the sigmoid."""
    return torch.sigmoid(z) * torch.sigmoid(-z)


def _tilt(z: Tensor) -> Tensor:
    """The second derivative of the sigmoid, without cancellation at zero: a Softplus multiplies it by the square of beta."""
    return -_bell(z) * torch.tanh(z / 2)


def _tip(z: Tensor) -> Tensor:
    """Its third."""
    return _bell(z) * (1 - 6 * _bell(z))


def _near(z: Tensor) -> Tensor:
    """The number, but for those where the normal density is zero in float64 and a power of z might be none."""
    return z.clamp(-_SPENT, _SPENT)


def _density(z: Tensor) -> Tensor:
    return torch.exp(-(_near(z) ** 2) / 2) / math.sqrt(2 * math.pi)
