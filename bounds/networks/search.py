"""A lower bound on a Lipschitz constant: the steepest place that ascent finds, and the gradient there enclosed by intervals."""

from __future__ import annotations

import torch
from flint import arb
from torch import Tensor

from certify.proofs.balls import lower_double, precision
from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import ALLOWANCE_BITS, gamma, norm_upper
from .chain import Chain, loosened, preactivation
from .intervals import Interval, affine
from .slopes import image, slopes_on

_SPREAD = 3.0
_RATE = 0.1


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
    With ``features`` only these inputs are moved: v is zero elsewhere.
    """
    size = chain.sizes[0]
    free = torch.zeros(size, dtype=torch.float64)
    free[slice(None) if features is None else features] = 1.0
    points = torch.randn(starts, size, generator=generator, dtype=torch.float64) * _SPREAD
    if box is not None:
        points = box[0] + (box[1] - box[0]) * torch.rand(starts, size, generator=generator, dtype=torch.float64)
    directions = torch.randn(starts, size, generator=generator, dtype=torch.float64) * free
    best, kept = 0.0, (points[0], directions[0])
    for step in range(steps + 1):
        points = points.detach().requires_grad_()
        unit = (directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)).detach()
        with torch.enable_grad():
            _, moved = torch.func.jvp(chain.forward, (points,), (unit,))
            lengths = torch.linalg.vector_norm(moved, dim=1)
            slope = _ascent(lengths, points)
        top = int(lengths.argmax())
        if float(lengths[top].detach()) > best:
            best, kept = float(lengths[top].detach()), (points[top].detach(), unit[top])
        if step == steps:
            break
        with torch.no_grad():
            directions = _power_step(chain, points.detach(), unit, moved.detach(), free)
            if slope is not None:
                scale = torch.linalg.vector_norm(slope, dim=1, keepdim=True).clamp_min(1e-12)
                points = points + _RATE * slope / scale * (1 + torch.linalg.vector_norm(points, dim=1, keepdim=True))
            points = points + 0.02 * _RATE * torch.randn(points.shape, generator=generator, dtype=torch.float64)
            if box is not None:
                points = torch.minimum(torch.maximum(points, box[0]), box[1])
    return gradient_at(chain, *kept)


def _ascent(lengths: Tensor, points: Tensor) -> Tensor | None:
    """The gradient of the lengths in the points; None where they do not depend on them, or torch lacks the second derivative."""
    if not lengths.requires_grad:
        return None
    try:
        (slope,) = torch.autograd.grad(lengths.sum(), points, allow_unused=True)
    except RuntimeError:
        return None
    return slope


def _power_step(chain: Chain, points: Tensor, unit: Tensor, moved: Tensor, free: Tensor) -> Tensor:
    """J'J v for every point: the direction turns towards the top singular vector."""
    _, pull = torch.func.vjp(chain.forward, points)
    directions = pull(moved)[0] * free
    flat = torch.linalg.vector_norm(directions, dim=1, keepdim=True) == 0
    return torch.where(flat, unit, directions)


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
