"""Where bounds by the symbol of a convolution stop to hold: the conditions of the theorems are needed."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from books import entries_of, minus, symbol, verdicts
from instances.convolution import Convolution
from instances.norms import spectral


def kernel(*taps: float, axes: int = 1) -> numpy.ndarray:
    """One channel in and out; in two dimensions the product of the taps along both axes."""
    line = numpy.array(taps, dtype=float)
    return (line if axes == 1 else numpy.outer(line, line))[None, None]


def test_the_frequencies_of_the_input_size_are_too_few_for_zero_padding() -> None:
    """At n = 5 the norm is (1 + 2 cos(pi/6))² = 7.46, and the greatest symbol at the frequencies of period 5 is 6.85."""
    convolution = Convolution(kernel(-1, 1, -1, axes=2), before=1)
    truth = spectral(convolution.zero_padded(5, after=1))
    assert truth == pytest.approx((1 + 2 * numpy.cos(numpy.pi / 6)) ** 2)
    assert convolution.greatest(5) < 0.92 * truth
    assert convolution.greatest(6) >= truth


def test_the_checker_refuses_a_period_without_room_for_the_padding() -> None:
    entries = entries_of("convolution.zero-padding")
    entries["convolution.zero-padding"]["side_conditions"][0]["slack"] = minus(symbol("grid"), symbol("size"))
    assert "does not balance" in verdicts(entries)["convolution.zero-padding"][1]


def test_a_transposed_convolution_has_the_size_of_what_it_transposes() -> None:
    """With its own input size in the place of n the bound fails: one input, two outputs, norm sqrt 2, symbol zero at period 1."""
    convolution = Convolution(kernel(1, -1))
    images = torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 1, dtype=torch.float64), torch.from_numpy(convolution.kernel))
    assert images.shape[-1] == 2
    truth = float(images.norm())
    assert truth == pytest.approx(2**0.5)
    assert truth == pytest.approx(spectral(convolution.zero_padded(2, after=0)))
    assert convolution.greatest(1) < 0.1
    assert convolution.greatest(2) >= truth


def test_circular_padding_that_gives_more_outputs_than_the_period_is_not_circular() -> None:
    """Torch pads an input of two by one on each side: a kernel of one tap copies every input twice."""
    layer = torch.nn.Conv2d(1, 1, 1, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.fill_(1)
        images = layer(torch.eye(4, dtype=torch.float64).reshape(4, 1, 2, 2)).reshape(4, -1)
    assert spectral(images.numpy()) == pytest.approx(2)
    assert Convolution(kernel(1, axes=2)).greatest(2) == pytest.approx(1)


def test_a_stride_that_does_not_divide_the_period_is_not_circular() -> None:
    """Period three and stride two: the last window wraps onto the first, and the norm is above the symbol at all frequencies."""
    layer = torch.nn.Conv1d(1, 1, 2, stride=2, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.fill_(1)
        images = layer(torch.eye(3, dtype=torch.float64).reshape(3, 1, 3)).reshape(3, -1)
    convolution = Convolution(kernel(1, 1), stride=2, before=1)
    assert spectral(images.numpy()) == pytest.approx(3**0.5)
    assert max(convolution.greatest(points) for points in range(1, 40)) == pytest.approx(2**0.5)


@pytest.mark.parametrize("points", [3, 5, 7, 9])
def test_the_cosine_is_attained(points: int) -> None:
    """Two opposite taps on an odd grid: the peak lies in the middle between two frequencies."""
    greatest = Convolution(kernel(1, -1)).greatest(points)
    assert greatest / numpy.cos(numpy.pi / (2 * points)) == pytest.approx(2)


def test_groups_of_channels_take_the_maximum() -> None:
    """Two groups that scale by 1/4 and by 2: the norm is 2, not the product of the two."""
    grouped = numpy.zeros((2, 2, 1))
    grouped[0, 0], grouped[1, 1] = 0.25, 2
    convolution = Convolution(grouped)
    assert spectral(convolution.zero_padded(4, after=0)) == pytest.approx(2)
    assert convolution.greatest(4) == pytest.approx(2)


def test_a_dilation_makes_windows_overlap_more() -> None:
    """Kernel, stride and dilation of two: a position is in two windows, not in 2/2 = 1, and the norm is above that of the kernel."""
    convolution = Convolution(kernel(1, 1), stride=2, dilation=2)
    assert spectral(convolution.zero_padded(9, after=0)) > 1.2 * spectral(convolution.kernel[0])
    assert spectral(convolution.zero_padded(9, after=0)) <= 2**0.5 * spectral(convolution.kernel[0])


@pytest.mark.parametrize("taps", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3, 6])
def test_the_windows_that_hold_a_position(taps: int, stride: int, dilation: int) -> None:
    windows = Convolution(numpy.ones((1, 1, taps)), stride, dilation).zero_padded(90, after=0).sum(axis=0)
    assert windows.max() == -(-taps * math.gcd(stride, dilation) // stride)
