"""A lower bound on a Lipschitz constant: the steepest place that ascent finds, and the gradient there enclosed by intervals."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import gamma
from ..spectral.result import nothing_below
from ..spectral.scaling import scaled, vector_norm_upper
from .activations import Rectified, UnknownModule, activation_of
from .chain import evaluated, leaves, shape_behind
from .intervals import Interval
from .pushing import pushed

STARTS, CLIMB = 16, 80
"""Points and steps of the search for steep places."""
_RATE = 0.2
_SHARPEST = 30.0
_TURNS = 6
_TRIED = 3


def steepest(
    model: nn.Module,
    shape: tuple[int, ...] | None,
    box: tuple[Tensor, Tensor] | None = None,
    *,
    generator: torch.Generator,
    features: Sequence[int] | None = None,
) -> Bound:
    """A lower bound on the Lipschitz constant on the box (or on all inputs): ascent on |J'u|, then a rigorous evaluation.

    ``model`` is a ``Sequential`` of layers, ``shape`` that of one input without the batch (read off a first linear layer where it is None).
    At the best point x and direction v every slope is enclosed, so the norm of J v is at least the number returned, rounded down. With
    ``features`` only these inputs are moved: v is zero elsewhere. Moves out of a box without width are allowed: the number is then the
    length of a gradient in the box. While climbing kinks are rounded off, more and more sharply, and steps are as long as the box is
    wide. Zero where a layer is not followed, or no shape is known.
    """
    members = leaves(model)
    sizes = shape or _first_shape(members)
    if sizes is None:
        return nothing_below()
    walk = _Walk.of(members, sizes)
    zero = torch.zeros(sizes, dtype=torch.float64)
    try:
        gradient_at(model, zero, zero + 1)
    except UnknownModule:  # a layer that intervals do not follow: nothing that is found could be proved
        return nothing_below()
    best = nothing_below()
    for point, direction in _climb(walk, box, generator, features):
        best = max(best, gradient_at(model, point.reshape(sizes), direction.reshape(sizes)), key=lambda bound: bound.value)
    return best


def gradient_at(model: nn.Module, point: Tensor, direction: Tensor) -> Bound:
    """At or below |J v|/|v| at the point, whatever the slope at a kink within rounding of it: a lower bound on every Lipschitz constant there.

    ``point`` and ``direction`` have the shape of one input, without the batch. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule` for a layer that is not followed.

    >>> layer = torch.nn.Linear(1, 1)
    >>> _ = torch.nn.init.constant_(layer.weight, 2.0)
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> 2 - 1e-12 < gradient_at(layer, one, one).value <= 2
    True
    """
    values, moved = Interval.point(point[None]), Interval.point(direction[None])
    for name, module in leaves(model):
        values, moved = pushed(module, name, values, moved)
    nearest = torch.where((moved.low <= 0) & (moved.high >= 0), 0.0, torch.minimum(moved.low.abs(), moved.high.abs()))
    small, exponent = scaled(torch.where(torch.isfinite(nearest), nearest, 0.0))  # so that no square leaves the doubles
    length = float(torch.linalg.vector_norm(small)) * (1 - gamma(nearest.numel() + 8)) / vector_norm_upper(direction)
    try:
        below = math.ldexp(length * (1 - 2.0**-50), exponent)
    except OverflowError:
        below = math.nextafter(math.inf, 0.0)
    value = math.nextafter(below, 0.0) if below > 0 else 0.0
    return Bound(value, Side.LOWER, Measured("norm of the gradient in one direction at one point, by intervals"))


@dataclass
class _Walk:
    """A model in float64 that rounds its kinks off while it is climbed."""

    layers: list[nn.Module]
    rounded: list[_Rounded]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, members: list[tuple[str, nn.Module]], shape: tuple[int, ...]) -> _Walk:
        layers: list[nn.Module] = []
        rounded: list[_Rounded] = []
        there: tuple[int, ...] | None = shape
        for name, module in members:
            layer = copy.deepcopy(module).to("cpu").double().eval()
            if activation_of(module) is not None:
                layer = evaluated(module, there or ())
                kinks = _kinks(layer)
                if kinks is not None:
                    layer = _Rounded(layer, *kinks)
                    rounded.append(layer)
            layers.append(layer.requires_grad_(False))
            there = shape_behind(module, name, there)
        return cls(layers, rounded, shape)

    def outputs(self, points: Tensor, sharpness: float | None = None) -> Tensor:
        """The flattened outputs at points [points, inputs]."""
        for layer in self.rounded:
            layer.sharpness = sharpness
        values = points.reshape(-1, *self.shape)
        for module in self.layers:
            values = module(values)
        return values.flatten(1)

    def pulled(self, points: Tensor, covectors: Tensor, sharpness: float | None = None) -> Tensor:
        """J'u at each point, differentiable in the points and in u."""
        values = self.outputs(points, sharpness)
        if not values.requires_grad:
            return torch.zeros_like(points)
        (slope,) = torch.autograd.grad(values, points, covectors, create_graph=True, allow_unused=True)
        return torch.zeros_like(points) if slope is None else slope


def _climb(
    walk: _Walk, box: tuple[Tensor, Tensor] | None, generator: torch.Generator, features: Sequence[int] | None
) -> list[tuple[Tensor, Tensor]]:
    """The steepest points and the directions there."""
    size = math.prod(walk.shape)
    free = torch.zeros(size, dtype=torch.float64)
    free[slice(None) if features is None else list(features)] = 1.0
    spreads = torch.logspace(-1, 1, STARTS, dtype=torch.float64)[:, None]
    points = torch.randn(STARTS, size, generator=generator, dtype=torch.float64) * spreads
    reach = 1 + torch.linalg.vector_norm(points, dim=1, keepdim=True) / math.sqrt(size)
    if box is not None:
        low, high = box
        draws = torch.rand(STARTS, size, generator=generator, dtype=torch.float64)
        draws[::2] = draws[::2].round()  # every other start is a corner
        points, reach = low + (high - low) * draws, (high - low) / 2
    with torch.enable_grad():
        outputs = walk.outputs(points)
        unit = _unit(torch.randn(outputs.shape, generator=generator, dtype=torch.float64))
        best = torch.full((STARTS,), -1.0, dtype=torch.float64)
        kept, along = points.detach().clone(), torch.zeros(STARTS, size, dtype=torch.float64)
        steady = False
        for step in range(CLIMB + 1):
            points = points.detach()
            if box is not None:
                points = torch.minimum(torch.maximum(points, box[0]), box[1])
            points = points.requires_grad_()
            slope, unit = _turned(walk, points, unit, free, turns=CLIMB if steady else _TURNS if step in (0, CLIMB) else 1)
            lengths = torch.nan_to_num(_lengths(slope), nan=-1.0, posinf=-1.0)[:, 0]
            better = lengths > best
            best = torch.where(better, lengths, best)
            kept, along = (torch.where(better[:, None], new, old) for new, old in ((points.detach(), kept), (slope, along)))
            if step == CLIMB:
                break
            uphill = _uphill(walk, points, unit, free, 1 + _SHARPEST * step / CLIMB)
            if uphill is None:
                if steady:
                    break
                steady = True  # the gradient is the same everywhere: turn alone, once more and for longer
                continue
            points = points.detach() + _RATE * (1 - step / CLIMB) * math.sqrt(size) * _unit(uphill * reach) * reach
    order = best.argsort(descending=True)[:_TRIED]
    return [(kept[index], _unit(along[index][None])[0]) for index in order.tolist() if bool(along[index].any())]


def _uphill(walk: _Walk, points: Tensor, unit: Tensor, free: Tensor, sharpness: float) -> Tensor | None:
    """Where |J'u| of the rounded model grows, or None where it is the same everywhere."""
    slope = walk.pulled(points, unit, sharpness) * free
    if not slope.requires_grad:
        return None
    logarithms = _lengths(slope).clamp_min(1e-300).log().sum()
    (uphill,) = torch.autograd.grad(logarithms, points, allow_unused=True)
    return None if uphill is None else torch.nan_to_num(uphill)


def _turned(walk: _Walk, points: Tensor, unit: Tensor, free: Tensor, *, turns: int) -> tuple[Tensor, Tensor]:
    """J'u of the sharp model at each point, after ``turns`` steps of power iteration on u, and that u for the next."""
    covector = unit.detach().requires_grad_()
    values = walk.outputs(points)
    if not values.requires_grad:
        return torch.zeros_like(points), unit
    (pulled,) = torch.autograd.grad(values, points, covector, create_graph=True, allow_unused=True)
    if pulled is None or not pulled.requires_grad:
        return torch.zeros_like(points), unit
    for _ in range(turns):
        (slope,) = torch.autograd.grad(values, points, unit, retain_graph=True)
        (turned,) = torch.autograd.grad(pulled, covector, _unit(torch.nan_to_num(slope * free)), retain_graph=True)
        turned = torch.nan_to_num(turned)
        unit = torch.where((turned != 0).any(1, keepdim=True), _unit(turned), unit)
    (slope,) = torch.autograd.grad(values, points, unit)
    return slope * free, unit


class _Rounded(nn.Module):
    """A piecewise linear function with its kinks rounded off to a share of the spread of its inputs, or sharp where that is None."""

    def __init__(self, function: nn.Module, outside: float | Tensor, inside: float, start: float, end: float) -> None:
        super().__init__()
        self.function = function
        self.outside, self.inside, self.start, self.end = outside, inside, start, end
        self.sharpness: float | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        value: Tensor
        if self.sharpness is None:
            value = self.function(inputs)
            return value
        wide = inputs.detach().std(0, keepdim=True) + 1e-12 * inputs.detach().abs().amax(0, keepdim=True)
        steep = self.sharpness / wide.clamp_min(1e-300)
        bend = _soft(inputs - self.start, steep)
        if not math.isinf(self.end):
            bend = bend - _soft(inputs - self.end, steep)
        start = torch.full_like(inputs[:1], self.start)
        value = self.function(start) + self.outside * (inputs - self.start) + (self.inside - self.outside) * bend
        return value


def _soft(inputs: Tensor, steep: Tensor) -> Tensor:
    return torch.logaddexp(torch.zeros_like(inputs), steep * inputs) / steep


def _kinks(function: nn.Module) -> tuple[float | Tensor, float, float, float] | None:
    """(slope outside, slope inside, where it begins, where it ends) of a function that is linear between two kinks."""
    if isinstance(function, nn.ReLU):
        return 0.0, 1.0, 0.0, math.inf
    if isinstance(function, nn.LeakyReLU):
        return function.negative_slope, 1.0, 0.0, math.inf
    if isinstance(function, Rectified):
        return function.slopes, 1.0, 0.0, math.inf
    if isinstance(function, nn.Hardtanh):
        return 0.0, 1.0, function.min_val, function.max_val
    if isinstance(function, nn.Hardsigmoid):
        return 0.0, 1 / 6, -3.0, 3.0
    if isinstance(function, nn.Softshrink):
        return 1.0, 0.0, -function.lambd, function.lambd
    return None


def _lengths(vectors: Tensor) -> Tensor:
    """The Euclidean length of each row, whatever its scale, as a column."""
    largest: Tensor = vectors.detach().abs().amax(1, keepdim=True).clamp_min(1e-300)
    lengths: Tensor = largest * torch.linalg.vector_norm(vectors / largest, dim=1, keepdim=True)
    return lengths


def _unit(vectors: Tensor) -> Tensor:
    lengths = _lengths(vectors)
    return vectors / torch.where(lengths > 0, lengths, 1.0)


def _first_shape(members: list[tuple[str, nn.Module]]) -> tuple[int, ...] | None:
    """The shape of an input that the first linear layer says, or None."""
    passing = (nn.Flatten, nn.Identity, nn.modules.dropout._DropoutNd)
    first = next((module for _, module in members if not isinstance(module, passing) and activation_of(module) is None), None)
    return (first.in_features,) if isinstance(first, nn.Linear) else None
