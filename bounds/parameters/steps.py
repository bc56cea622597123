"""What a network is made of, as steps: what each does to enclosures of its inputs, and how much it can multiply derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..networks.activations import Activation
from ..networks.intervals import Interval
from ..networks.slopes import above, below, slopes_on
from ..rounding import gamma
from ..spectral.ladder import batched_norms
from .derivatives import Smooth
from .shallow import WIDER

FLOOR = 2.0**-300
"""Added to every size: no product of three sizes underflows, and what does underflow elsewhere is below it."""
_TINY = 2.0**-1000
_LEAST = 2.0**-100
_MOST_WORK = 1 << 28  # multiplications for the spectral norm of one example's windows; beyond it the Frobenius norm is taken
FOLLOWED = (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.GELU, nn.SiLU)
"""The activations whose derivatives are enclosed on intervals."""


def up(value: Tensor) -> Tensor:
    """A little above positive numbers that a few hundred roundings made."""
    return value * WIDER + FLOOR


def lengths(values: Tensor) -> Tensor:
    """At or above the Euclidean norm of every row, whatever its shape."""
    return up(torch.linalg.vector_norm(values.flatten(1), dim=1))


def norms(matrices: Tensor) -> Tensor:
    """At or above the spectral norm of every matrix, of any scale.

    >>> bool(norms(1e-80 * torch.eye(2, dtype=torch.float64)[None]) < 1.1e-80)
    True
    """
    scale = matrices.abs().amax((-2, -1), keepdim=True).clamp_min(FLOOR)
    return up(batched_norms(matrices / scale) * scale[..., 0, 0])


@dataclass(frozen=True)
class Affine:
    """z = A(W) h + b, linear in the parameters W and b: a convolution, or a dense layer as one window that reads everything.

    ``kernel`` is [groups, outputs, inputs * taps], ``windows`` the place that each tap reads, [positions, taps], with -1 for a zero. At the
    stored parameters ``norm`` is at or above |A(W)| and ``column`` at or above the norm of its longest column. For every V,
    |A(V)| <= ``reuse`` |V| and |A(V) x| <= ``column_reuse`` |V| |x|_1 (Frobenius norm of V).
    """

    name: str
    kernel: Tensor
    bias: Tensor | None
    windows: Tensor
    output: tuple[int, ...]
    norm: float
    column: float
    reuse: float
    column_reuse: float

    @property
    def entries(self) -> int:
        """How many numbers the windows of one example hold."""
        return int(self.kernel.shape[0] * self.kernel.shape[2] * len(self.windows))

    @property
    def parameters(self) -> int:
        """How many numbers W and b are."""
        return self.kernel.numel() + (0 if self.bias is None else self.bias.numel())

    def forward(self, inputs: Interval) -> Interval:
        """An enclosure of the outputs at the stored parameters."""
        middle, absolute = self.windows_of(inputs.middle), self.kernel.abs()
        center, loose = self.kernel @ middle, absolute @ middle.abs()
        if self.bias is not None:
            bias = self.bias.reshape(*self.kernel.shape[:2], 1)
            center, loose = center + bias, loose + bias.abs()
        spread = (absolute @ self.windows_of(inputs.radius) + gamma(self.kernel.shape[2] + 3) * loose) * WIDER + _TINY
        return _shaped(Interval(center - spread, center + spread).widened(0.0), self.output)

    def sizes(self, inputs: Interval, moved: Tensor) -> tuple[Tensor, Tensor]:
        """For every example at or above |[windows; ones]|, the norm of (W, b) -> z: at the inputs, and at any within ``moved`` of them."""
        middle, loose = self.windows_of(inputs.middle), self.windows_of(inputs.radius)
        places = middle.shape[3] if self.bias is not None else 0
        frobenius = up(torch.linalg.vector_norm(middle.abs() + loose, dim=(2, 3)))
        centre = up(torch.sqrt(frobenius**2 + places))
        step = (self.reuse * moved * WIDER)[:, None]
        around = up(torch.sqrt((frobenius + step) ** 2 + places))
        small, large = sorted((middle.shape[2] + (places > 0), middle.shape[3]))
        if small > 1 and middle.shape[1] * small**2 * (large + 5 * small) <= _MOST_WORK:
            ones = [torch.ones_like(middle[:, :, :1])] if places else []
            whole = norms(torch.cat((middle, *ones), 2)) + torch.linalg.vector_norm(loose, dim=(2, 3))
            centre, around = torch.minimum(centre, up(whole)), torch.minimum(around, up(whole + step))
        return centre.amax(1), around.amax(1)

    def back_rows(self, rows: Interval, inputs: Interval) -> Interval:
        """Rows J [examples, rows, *outputs] taken back to the inputs: J A(W), of their shape."""
        middle, loose = self._rows(rows)
        transposed, (_, outputs, reads) = self.kernel.mT, self.kernel.shape
        center = self._scattered(transposed @ middle, inputs)
        spread = transposed.abs() @ (loose + gamma(outputs + reads * len(self.windows) + 3) * middle.abs())
        return Interval.point(center).widened(self._scattered(spread, inputs) * WIDER + _TINY)

    def derivatives(self, rows: Interval, inputs: Interval) -> Interval:
        """The derivatives of rows J in (W, b), [examples, rows, parameters]: of each output channel its taps and then its bias."""
        middle, loose = self._rows(rows)
        window, uncertain = self.windows_of(inputs.middle)[:, None], self.windows_of(inputs.radius)[:, None]
        taken = middle @ window.mT
        rounded = gamma(len(self.windows) + 3) * middle.abs()
        error = (loose + rounded) @ window.abs().mT + (middle.abs() + loose) @ uncertain.mT
        if self.bias is not None:
            taken = torch.cat((taken, middle.sum(4, keepdim=True)), 4)
            error = torch.cat((error, (loose + rounded).sum(4, keepdim=True)), 4)
        return Interval.point(taken.flatten(2)).widened(error.flatten(2) * WIDER + _TINY)

    def _rows(self, rows: Interval) -> tuple[Tensor, Tensor]:
        shape = (*rows.low.shape[:2], *self.kernel.shape[:2], len(self.windows))
        return rows.middle.reshape(shape), rows.radius.reshape(shape)

    def _scattered(self, columns: Tensor, inputs: Interval) -> Tensor:
        """What windows hold, added up at the places they read: the transpose of :meth:`windows_of`."""
        shape = inputs.low.shape[1:]
        channels = self.kernel.shape[0] * self.kernel.shape[2] // self.windows.shape[1]
        places = math.prod(shape) // channels
        flat = columns.reshape(-1, channels, self.windows.numel())
        found = flat.new_zeros(len(flat), channels, places + 1)
        found.index_add_(2, torch.where(self.windows < 0, places, self.windows).T.reshape(-1), flat)
        return found[..., :-1].reshape(*columns.shape[:2], *shape)

    def windows_of(self, values: Tensor) -> Tensor:
        """What the windows hold, [examples, groups, inputs * taps, positions]."""
        flat = values.reshape(len(values), self.kernel.shape[0] * self.kernel.shape[2] // self.windows.shape[1], -1)
        padded = torch.cat((flat, flat.new_zeros(*flat.shape[:2], 1)), 2)
        read = padded[:, :, torch.where(self.windows < 0, flat.shape[2], self.windows)]
        return read.transpose(2, 3).reshape(len(values), len(self.kernel), self.kernel.shape[2], len(self.windows))


@dataclass(frozen=True)
class Fixed:
    """A map without parameters that is linear, or has a kink.

    ``norm`` bounds its Lipschitz constant, ``column`` its image of unit vectors; ``back`` applies the transpose of its linear part to rows
    [rows, *outputs], for inputs of a shape.
    """

    name: str
    norm: float
    column: float
    forward: Callable[[Interval], Interval]
    back: Callable[[Interval, tuple[int, ...]], Interval]
    kink: str = ""

    def back_rows(self, rows: Interval, inputs: Interval) -> Interval:
        """Rows [examples, rows, *outputs] taken back to the shape of the inputs."""
        shape = tuple(inputs.low.shape[1:])
        back = self.back(Interval(rows.low.flatten(0, 1), rows.high.flatten(0, 1)), shape)
        return Interval(back.low.reshape(*rows.low.shape[:2], *shape), back.high.reshape(*rows.low.shape[:2], *shape))


@dataclass(frozen=True)
class Bend:
    """An elementwise activation. ``kink`` says why it has no second derivative; its values are at most ``limit`` in absolute value."""

    name: str
    activation: Activation
    function: nn.Module
    limit: float
    kink: str = ""

    def forward(self, inputs: Interval) -> Interval:
        """An enclosure of its values on intervals."""
        steep = max(abs(below(self.activation)), abs(above(self.activation)))
        value = self.function(inputs.middle)
        return Interval.point(value).widened((steep * inputs.radius + 1e-12 * (1 + value.abs())) * WIDER)

    def slopes(self, inputs: Interval) -> Interval:
        """An enclosure of its slopes on intervals."""
        return Interval(*slopes_on(self.activation, self.function, inputs))

    def back_rows(self, rows: Interval, inputs: Interval) -> Interval:
        """Rows [examples, rows, *outputs] times the slopes at the inputs."""
        slopes = self.slopes(inputs)
        return rows * Interval(slopes.low[:, None].expand_as(rows.low), slopes.high[:, None].expand_as(rows.low))

    def derivatives(self, inputs: Interval, moved: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The greatest absolute first, second and third derivative, entry by entry, at inputs that ``moved`` at most; zero past a kink."""
        around = inputs.widened(moved.reshape(-1, *[1] * (inputs.low.ndim - 1)))
        steep = self.slopes(around).magnitude().clamp_min(_LEAST)
        if self.kink:
            return steep, torch.zeros_like(steep), torch.zeros_like(steep)
        if isinstance(self.function, FOLLOWED):
            smooth = Smooth(self.function)
            bent, twisted = smooth.curvature(around), smooth.bend(around)
            return steep, bent.magnitude().clamp_min(_LEAST), twisted.magnitude().clamp_min(_LEAST)
        assert self.activation.second is not None and self.activation.third is not None
        second, third = (math.nextafter(float(value), math.inf) for value in (self.activation.second, self.activation.third))
        return steep, torch.full_like(steep, second), torch.full_like(steep, third)


Step = Affine | Fixed | Bend


def _shaped(interval: Interval, shape: tuple[int, ...]) -> Interval:
    return Interval(interval.low.reshape(-1, *shape), interval.high.reshape(-1, *shape))
