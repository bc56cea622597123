"""Instances of the theorems on convolutions: operators unrolled by torch, symbols summed by hand, norms by dense decompositions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy
import scipy.optimize
import torch

from .norms import spectral, top
from .shared import Instance, Values, over, under


class Convolution:
    """A kernel with its stride and dilation, in one or two dimensions; the same along every axis. Window ``o`` starts at ``o stride - before``."""

    def __init__(self, kernel: numpy.ndarray, stride: int = 1, dilation: int = 1, before: int = 0) -> None:
        self.kernel, self.stride, self.dilation, self.before = kernel, stride, dilation, before
        self.axes, self.inputs, self.taps = kernel.ndim - 2, kernel.shape[1], kernel.shape[2]
        self.extent = (self.taps - 1) * dilation + 1

    def unrolled(self, size: int, padding: Callable[[torch.Tensor], torch.Tensor]) -> numpy.ndarray:
        """The matrix of the convolution of inputs of that size, by torch, with this padding before it."""
        units = torch.eye(self.inputs * size**self.axes, dtype=torch.float64)
        units = padding(units.reshape(-1, self.inputs, *[size] * self.axes))
        apply = torch.nn.functional.conv1d if self.axes == 1 else torch.nn.functional.conv2d
        images = apply(units, torch.from_numpy(self.kernel), stride=self.stride, dilation=self.dilation)
        return images.reshape(len(units), -1).T.numpy()

    def zero_padded(self, size: int, after: int) -> numpy.ndarray:
        sides = (self.before, after) * self.axes
        return self.unrolled(size, lambda units: torch.nn.functional.pad(units, sides))

    def circular(self, period: int) -> numpy.ndarray:
        """Windows that start at every position that the stride reaches, and wrap around."""
        last = period - self.stride - self.before + self.extent - 1
        positions = torch.arange(-self.before, last + 1) % period

        def wrapped(units: torch.Tensor) -> torch.Tensor:
            for axis in range(2, 2 + self.axes):
                units = units.index_select(axis, positions)
            return units

        return self.unrolled(period, wrapped)

    def symbol(self, frequency: Sequence[float]) -> numpy.ndarray:
        """F(w): the phases of the input modulo the stride count as channels, the frequency is that of the output positions."""
        found = numpy.zeros((len(self.kernel), self.inputs, *[self.stride] * self.axes), complex)
        for tap in itertools.product(range(self.taps), repeat=self.axes):
            offsets = [divmod(index * self.dilation - self.before, self.stride) for index in tap]
            turn = sum(whole * angle for (whole, _), angle in zip(offsets, frequency, strict=True))
            found[(..., *(phase for _, phase in offsets))] += self.kernel[(..., *tap)] * numpy.exp(1j * turn)
        return found.reshape(len(self.kernel), -1)

    def frequencies(self, points: int) -> list[tuple[float, ...]]:
        return list(itertools.product(2 * numpy.pi * numpy.arange(points) / points, repeat=self.axes))

    def greatest(self, points: int) -> float:
        """The greatest norm of the symbol over the grid with that many points along every axis."""
        return max(spectral(self.symbol(frequency)) for frequency in self.frequencies(points))

    def transforms(self, period: int) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The Fourier transforms of the unit input that the circular convolution stretches most, and of its image: channel by frequency."""
        whole = self.circular(period)
        x, points = top(whole), period // self.stride
        phases = x.reshape(self.inputs, *[points, self.stride] * self.axes)
        order = (0, *(2 + 2 * axis for axis in range(self.axes)), *(1 + 2 * axis for axis in range(self.axes)))
        shape = [points] * self.axes
        transformed = [
            numpy.fft.fftn(signal, axes=range(-self.axes, 0), norm="ortho").reshape(-1, points**self.axes)
            for signal in (phases.transpose(order).reshape(-1, *shape), (whole @ x).reshape(-1, *shape))
        ]
        return transformed[0], transformed[1]


def random_convolution(generator: numpy.random.Generator) -> Convolution:
    axes = int(generator.integers(1, 3))
    taps, dilation = int(generator.integers(1, 4)), int(generator.integers(1, 3 if axes == 1 else 2))
    shape = (*generator.integers(1, 3, size=2), *[taps] * axes)
    kernel = generator.normal(size=shape)
    if generator.random() < 0.4:  # a blur, whose symbol is greatest at the frequency zero
        kernel = numpy.abs(kernel)
    before = int(generator.integers(0, taps * dilation + 1))
    return Convolution(kernel, int(generator.integers(1, 3)), dilation, before)


def circular(generator: numpy.random.Generator) -> Values:
    convolution = random_convolution(generator)
    period = convolution.stride * int(generator.integers(2, 5))
    points = period // convolution.stride
    before, after = (numpy.cumsum((numpy.abs(signal) ** 2).sum(axis=0)) for signal in convolution.transforms(period))
    norms = [spectral(convolution.symbol(frequency)) for frequency in convolution.frequencies(points)]
    step = int(generator.integers(0, len(norms)))
    return {
        "symbol": over(generator, max(norms)), "t": spectral(convolution.circular(period)), "m": norms[step],
        "i": before[step - 1] if step else 0.0, "i_next": before[step], "i_first": 0.0, "i_last": before[-1],
        "o": after[step - 1] if step else 0.0, "o_next": after[step], "o_first": 0.0, "o_last": after[-1],
    }  # fmt: skip


def zero_padding(generator: numpy.random.Generator) -> Values:
    convolution = random_convolution(generator)
    stride, extent = convolution.stride, convolution.extent
    size = int(generator.integers(2, 7 if convolution.axes == 2 else 16))
    after = max(0, extent - size - convolution.before) + int(generator.integers(0, extent + 1))
    padding = max(convolution.before, after)
    period = -(-(size + padding) // stride) * stride + stride * int(generator.choice([0, 0, 1]))
    padded, whole = convolution.zero_padded(size, after), convolution.circular(period)
    outputs = (size + convolution.before + after - extent) // stride + 1
    last = (outputs - 1) * stride - convolution.before + extent - 1

    def index(positions: numpy.ndarray, channels: int, length: int) -> numpy.ndarray:
        """Where these positions along every axis stand in the unrolled signal of that length."""
        axes = [numpy.arange(channels), *[positions] * convolution.axes]
        return numpy.ravel_multi_index(numpy.meshgrid(*axes, indexing="ij"), (channels, *[length] * convolution.axes)).ravel()

    rows = index(numpy.arange(outputs) % (period // stride), len(convolution.kernel), period // stride)
    part = whole[rows][:, index(numpy.arange(size), convolution.inputs, period)]
    seen = numpy.abs(padded).sum(axis=1) > 0  # an output that sees only padding has a row of zeros
    return {
        "symbol": over(generator, convolution.greatest(period // stride)), "grid": period, "size": size, "padding": padding,
        "t": spectral(padded), "w": spectral(whole), "v": spectral(part[seen]) if seen.any() else 0.0,
        "z": spectral((padded - part)[seen]) if seen.any() else 0.0, "reach": max(last, size - 1 + convolution.before),
    }  # fmt: skip


def torus(generator: numpy.random.Generator) -> Values:
    convolution = random_convolution(generator)
    if (
        convolution.axes == 1 and generator.random() < 0.5
    ):  # an equation: a cosine of the greatest degree, its peak between two points
        convolution = Convolution(numpy.array([[[1.0, *[0.0] * int(generator.integers(0, 2)), -1.0]]]))
    ends = [position // convolution.stride for position in (-convolution.before, convolution.extent - 1 - convolution.before)]
    span, axes = ends[1] - ends[0], convolution.axes
    points = axes * span + 1 + int(generator.integers(0, 5))

    def opposite(frequency: numpy.ndarray) -> float:
        return -spectral(convolution.symbol(frequency))

    start = min(convolution.frequencies(points * 12 // axes), key=opposite)
    best = scipy.optimize.minimize(opposite, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}).x
    left, singular, right = numpy.linalg.svd(convolution.symbol(best))
    near = numpy.round(best * points / (2 * numpy.pi)) * 2 * numpy.pi / points
    phase = numpy.exp(1j * sum(ends) / 2 * (best - near).sum())
    kappa = float(numpy.cos(axes * numpy.pi * span / (2 * points)))
    return {
        "symbol": over(generator, convolution.greatest(points)), "cosine": under(generator, kappa), "t": float(singular[0]),
        "v": float((phase * (left[:, 0].conj() @ convolution.symbol(near) @ right[0].conj())).real), "kappa": kappa,
    }  # fmt: skip


def reshaped(generator: numpy.random.Generator) -> Values:
    convolution = random_convolution(generator)
    size = convolution.extent + int(generator.integers(0, 4))
    whole, line = convolution.zero_padded(size, convolution.before), numpy.ones((1, 1, *convolution.kernel.shape[2:]))
    windows = Convolution(line, convolution.stride, convolution.dilation, convolution.before).zero_padded(
        size, convolution.before
    )
    x = top(whole)
    seen = numpy.cumsum(windows @ (x.reshape(convolution.inputs, -1) ** 2).sum(axis=0))
    made = numpy.cumsum(((whole @ x).reshape(len(convolution.kernel), -1) ** 2).sum(axis=0))
    matrix, step = convolution.kernel.reshape(len(convolution.kernel), -1), int(generator.integers(0, len(seen)))
    return {
        "kernel": over(generator, spectral(matrix)), "overlap": float(windows.sum(axis=0).max()), "t": spectral(whole), "m": spectral(matrix),
        "i": seen[step - 1] if step else 0.0, "i_next": seen[step], "i_first": 0.0, "i_last": seen[-1],
        "o": made[step - 1] if step else 0.0, "o_next": made[step], "o_first": 0.0, "o_last": made[-1],
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "convolution.circular": circular,
    "convolution.zero-padding": zero_padding,
    "convolution.torus": torus,
    "convolution.reshaped": reshaped,
}
TIGHT = {
    "convolution.circular": 0.999,
    "convolution.zero-padding": 0.999,
    "convolution.torus": 0.999,
    "convolution.reshaped": 0.999,
}
