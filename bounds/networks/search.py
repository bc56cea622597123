"""A lower bound on a Lipschitz constant: the steepest place that ascent finds, and the gradient there enclosed by intervals."""

from __future__ import annotations

import math

import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import lower_double, precision
from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import ALLOWANCE_BITS, gamma, norm_upper
from .chain import Chain, loosened, preactivation
from .intervals import Interval, affine
from .slopes import image, slopes_on

_RATE = 0.2
_SHARPEST = 30.0


def steepest(
    chain: Chain,
    box: tuple[Tensor, Tensor] | None,
    *,
    starts: int,
    steps: int,
    generator: torch.Generator,
    features: list[int] | None = None,
) -> Bound:
    """A lower bound on the Lipschitz constant on the box (or on all inputs): ascent on |J v|, then a rigorous evaluation.

    At the best point x and direction v every slope is enclosed, so the norm of J v is at least the number returned, rounded down.
    With ``features`` only these inputs are moved: v is zero elsewhere. Kinks are rounded off while climbing, more and more sharply.
    """
    size = chain.sizes[0]
    free = torch.zeros(size, dtype=torch.float64)
    free[slice(None) if features is None else features] = 1.0
    spread = torch.logspace(-1, 1, starts, dtype=torch.float64)[:, None]
    points = torch.randn(starts, size, generator=generator, dtype=torch.float64) * spread
    if box is not None:
        points = box[0] + (box[1] - box[0]) * torch.rand(starts, size, generator=generator, dtype=torch.float64)
    unit = _unit(torch.randn(starts, size, generator=generator, dtype=torch.float64) * free)
    best, kept = 0.0, (points[0], unit[0])
    rates = _RATE * (1 + torch.linalg.vector_norm(points, dim=1, keepdim=True))
    for step in range(steps + 1):
        with torch.no_grad():
            lengths = torch.linalg.vector_norm(tangent(chain, points, unit, None), dim=1)
        top = int(lengths.argmax())
        if float(lengths[top]) > best:
            best, kept = float(lengths[top]), (points[top], unit[top])
        if step == steps:
            break
        points, unit = points.detach().requires_grad_(), unit.detach().requires_grad_()
        with torch.enable_grad():
            climbed = torch.linalg.vector_norm(tangent(chain, points, unit, 1 + _SHARPEST * step / steps), dim=1).log().sum()
            uphill, turned = torch.autograd.grad(climbed, (points, unit), allow_unused=True)
        with torch.no_grad():
            if turned is not None:  # the gradient of log |J v| in v is J'J v over |J v|²: a power step
                turned = torch.nan_to_num(turned * free)
                unit = torch.where((turned != 0).any(1, keepdim=True), _unit(turned), unit)
            if uphill is not None:
                points = points + rates * (1 - step / steps) * _unit(torch.nan_to_num(uphill))
            if box is not None:
                points = torch.minimum(torch.maximum(points, box[0]), box[1])
            points, unit = points.detach(), unit.detach()
    return gradient_at(chain, *kept)


def tangent(chain: Chain, points: Tensor, directions: Tensor, sharpness: float | None) -> Tensor:
    """J v at each point, in float64 and not rigorous; with ``sharpness`` kinks are rounded off, so that it moves with the point.

    >>> from certify.bounds.networks.chain import chain_of
    >>> layer = torch.nn.Linear(2, 1, dtype=torch.float64)
    >>> point = torch.ones(1, 2, dtype=torch.float64)
    >>> bool(torch.isclose(tangent(chain_of(layer), point, point, None), layer.weight.sum()))
    True
    """
    for stage in chain.stages:
        points, directions = points @ stage.weight.T + stage.bias, directions @ stage.weight.T
        if stage.function is not None:
            directions = directions * _slope(stage.function, points, sharpness)
            points = stage.function(points)
    return directions


def _slope(function: nn.Module, inputs: Tensor, sharpness: float | None) -> Tensor:
    """The slope of the activation, with kinks rounded off over a share of the spread of the inputs."""
    kinks = _kinks(function)
    if sharpness is not None and kinks is not None:
        steep = sharpness / inputs.detach().std().clamp_min(1e-9)
        low, high, start, end = kinks
        gate = torch.sigmoid(steep * (inputs - start))
        gate = gate if math.isinf(end) else gate - torch.sigmoid(steep * (inputs - end))
        return low + (high - low) * gate
    try:
        slope: Tensor = torch.func.jvp(function, (inputs,), (torch.ones_like(inputs),))[1]
    except (NotImplementedError, RuntimeError):  # torch lacks a forward derivative: the slope, but not how it changes
        held = inputs.detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(function(held).sum(), held)
    return slope


def _kinks(function: nn.Module) -> tuple[float, float, float, float] | None:
    """(slope outside, slope inside, where it begins, where it ends) of a function that is linear between two kinks."""
    if isinstance(function, nn.ReLU):
        return 0.0, 1.0, 0.0, math.inf
    if isinstance(function, nn.LeakyReLU):
        return function.negative_slope, 1.0, 0.0, math.inf
    if isinstance(function, nn.Hardtanh):
        return 0.0, 1.0, function.min_val, function.max_val
    if isinstance(function, nn.Hardsigmoid):
        return 0.0, 1 / 6, -3.0, 3.0
    return None


def _unit(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp_min(1e-150)
    return vectors / lengths


def gradient_at(chain: Chain, point: Tensor, direction: Tensor) -> Bound:
    """At or below |J v|/|v| at the point, whatever the slope at a kink within rounding of it: a lower bound on every Lipschitz constant there.

    >>> from certify.bounds.networks.chain import chain_of
    >>> layer = torch.nn.Linear(1, 1)
    >>> _ = torch.nn.init.constant_(layer.weight, 2.0)
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> 2 - 1e-12 < gradient_at(chain_of(layer), one, one).value <= 2
    True
    """
    values, moved = Interval.point(point), Interval.point(direction)
    for stage in chain.stages:
        zero = torch.zeros_like(stage.bias)
        moved = affine(stage.weight, zero, moved).widened(loosened(stage, moved.magnitude()))
        values = preactivation(stage, values)
        if stage.activation is not None and stage.function is not None:
            low, high = slopes_on(stage.activation, stage.function, values)
            moved = moved * Interval(low, high)
            values = image(stage.activation, stage.function, values)
    nearest = torch.where((moved.low <= 0) & (moved.high >= 0), 0.0, torch.minimum(moved.low.abs(), moved.high.abs()))
    with precision(ALLOWANCE_BITS):
        length = arb(float(torch.linalg.vector_norm(nearest))) * (1 - arb(gamma(nearest.numel() + 4)))
        ratio = length / arb(norm_upper(float(torch.linalg.vector_norm(direction)), direction.numel()))
        below = lower_double(ratio)
    return Bound(max(below, 0.0), Side.LOWER, Measured("norm of the gradient in one direction at one point, by intervals"))
