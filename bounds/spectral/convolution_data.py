"""A convolution as data: its kernel, and which input position each tap of each output position reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from .dense import NotALinearMap

Padding = Literal["zeros", "circular", "reflect", "replicate"]


@dataclass(frozen=True)
class Convolution:
    """A linear convolution with the stored ``kernel`` [outputs, inputs/groups, *taps], float64 with largest entry of order one.

    ``padding`` holds (left, right) for every axis. ``relative_error`` bounds how far each entry may be from the kernel meant, relative
    to itself (a kernel into which a batch normalisation was folded is rounded).

    >>> Convolution(torch.ones(1, 1, 3, dtype=torch.float64), (1,), ((1, 1),), (1,)).output_size((5,))
    (5,)
    """

    kernel: Tensor
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    mode: Padding = "zeros"
    relative_error: float = 0.0

    @property
    def taps(self) -> tuple[int, ...]:
        """The size of the kernel along every axis."""
        return tuple(self.kernel.shape[2:])

    @property
    def grouped(self) -> Tensor:
        """The kernel [groups, outputs of a group, inputs of a group, taps]."""
        outputs, inputs = self.kernel.shape[:2]
        return self.kernel.reshape(self.groups, outputs // self.groups, inputs, math.prod(self.taps))

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """The spatial size of the output; a number below one where the kernel does not fit into the padded input."""
        return tuple(
            (length + left + right - dilation * (taps - 1) - 1) // stride + 1
            for length, (left, right), dilation, taps, stride in zip(
                size, self.padding, self.dilation, self.taps, self.stride, strict=True
            )
        )

    def unpadded(self) -> Convolution:
        """The same convolution of an input that is padded already."""
        return replace(self, padding=tuple((0, 0) for _ in self.padding), mode="zeros")

    def padded_positions(self, size: tuple[int, ...]) -> Tensor:
        """The input position that every place of the padded input holds, counted row by row; -1 for a zero."""
        positions = torch.arange(math.prod(size), dtype=torch.float64, device="cpu").reshape(1, 1, *size)
        widths = [width for left_right in reversed(self.padding) for width in left_right]
        options = {"value": -1.0} if self.mode == "zeros" else {"mode": self.mode}
        return torch.nn.functional.pad(positions, widths, **options)[0, 0].to(torch.int64)

    def windows(self, size: tuple[int, ...], outputs: tuple[int, ...] | None = None) -> Tensor:
        """The input position read by each tap, [output positions, taps]; -1 for a zero of the padding.

        ``outputs`` keeps the first output positions of every axis only.

        >>> Convolution(torch.ones(1, 1, 3, dtype=torch.float64), (2,), ((1, 1),), (1,)).windows((4,)).tolist()
        [[-1, 0, 1], [1, 2, 3]]
        """
        found = self.padded_positions(size)
        lengths = outputs or self.output_size(size)
        for axis, (length, taps, stride, dilation) in enumerate(zip(lengths, self.taps, self.stride, self.dilation, strict=True)):
            index = torch.arange(length, device="cpu")[:, None] * stride + torch.arange(taps, device="cpu") * dilation
            chosen = found.index_select(2 * axis, index.reshape(-1))
            found = chosen.reshape(*chosen.shape[: 2 * axis], length, taps, *chosen.shape[2 * axis + 1 :])
        axes = len(size)
        order = [2 * axis for axis in range(axes)] + [2 * axis + 1 for axis in range(axes)]
        return found.permute(order).reshape(math.prod(lengths), math.prod(self.taps))

    def check_padding(self, size: tuple[int, ...]) -> None:
        """Refuse, as torch does, a padding that has no positions to copy: wrapped more than once around, or reflected beyond the input."""
        least = {"circular": 0, "reflect": 1}.get(self.mode)
        if least is not None and any(max(pair) > length - least for pair, length in zip(self.padding, size, strict=True)):
            raise NotALinearMap(
                f"an input of size {size} is too small for {self.mode} padding by {self.padding}: torch does not take it"
            )

    def undilated(self) -> Convolution:
        """A convolution whose symbol takes the same values, on fewer frequencies: a dilation that is a multiple of the stride stretches them."""
        return replace(
            self,
            dilation=tuple(
                stride if dilation % stride == 0 else dilation
                for dilation, stride in zip(self.dilation, self.stride, strict=True)
            ),
        )

    def overlap(self) -> int:
        """How many windows hold any one input position at most, with zeros or nothing beyond the edges."""
        return math.prod(
            -(-taps * math.gcd(dilation, stride) // stride)
            for taps, dilation, stride in zip(self.taps, self.dilation, self.stride, strict=True)
        )

    def polyphase(self) -> list[tuple[list[int], list[tuple[int, ...]]]]:
        """The taps by the residue of their position modulo the stride: for each class the taps and their whole strides.

        >>> Convolution(torch.ones(1, 1, 3, dtype=torch.float64), (2,), ((0, 0),), (1,)).polyphase()
        [([0, 2], [(0,), (1,)]), ([1], [(0,)])]
        """
        classes: dict[tuple[int, ...], tuple[list[int], list[tuple[int, ...]]]] = {}
        for number, tap in enumerate(product(*(range(taps) for taps in self.taps))):
            places = [step * dilation for step, dilation in zip(tap, self.dilation, strict=True)]
            residue = tuple(place % stride for place, stride in zip(places, self.stride, strict=True))
            taps, shifts = classes.setdefault(residue, ([], []))
            taps.append(number)
            shifts.append(tuple(place // stride for place, stride in zip(places, self.stride, strict=True)))
        return list(classes.values())
