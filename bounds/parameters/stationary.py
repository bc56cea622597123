"""The one stationary point near trained parameters: that it exists, that it is alone in a ball, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Measured
from ..networks.chain import leaves
from ..networks.intervals import Interval
from ..rounding import gamma
from ..spectral.dense import exact_weights
from ..spectral.scaling import vector_norm_upper
from .edges import HessianEdges, check_loss, edges_of
from .shallow import WIDER, Behaviour, Shallow, augmented, behave, shallow

COMPARATOR = (
    "the one stationary point of the objective in this ball; training from elsewhere may find another, so this is a distance to a retrained "
    "model only where the claim defines the retrained model as this point"
)


@dataclass(frozen=True)
class StationaryPoint:
    """What is proved of stationary points within ``radius`` of the parameters.

    Where ``unique`` holds there is exactly one, at most ``distance`` away, and the objective is strongly convex on the ball with at least
    ``strong_convexity``. ``comparator`` says what it can stand for. Where ``unique`` does not hold nothing is proved, and ``distance`` is None.
    """

    unique: bool
    radius: float
    strong_convexity: Bound
    gradient: Bound
    distance: Bound | None
    edges: HessianEdges
    comparator: str = COMPARATOR


def stationary_point(
    model: nn.Module,
    loss: nn.Module,
    data: tuple[Tensor, Tensor],
    *,
    radius: float,
    l2: float,
    anchor: Mapping[str, Tensor] | None = None,
) -> StationaryPoint:
    """Whether mean cross-entropy plus (l2/2)|w - anchor|² has exactly one stationary point within ``radius`` of the model's parameters.

    ``anchor`` is a state dictionary of the model (zero by default). The least eigenvalue of the Hessian is bounded over the ball, the
    gradient is enclosed at its centre; where the ball is wider than their ratio, the minimiser over the ball is inside it. Raises what
    :func:`~certify.bounds.parameters.edges.hessian_edges` raises.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``hessian.stationary-point`` (upper residual; lower radius, strong_convexity).

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    >>> data = torch.randn(8, 2), torch.tensor([0, 1] * 4)
    >>> stationary_point(model, nn.CrossEntropyLoss(), data, radius=0.01, l2=1.0, anchor=model.state_dict()).strong_convexity.value > 0.5
    True
    """
    check_loss(loss)
    if not (math.isfinite(radius) and radius > 0 and math.isfinite(l2) and l2 > 0):
        raise ValueError("a radius and a ridge are finite and positive")
    network = shallow(model, data)
    here = behave(network, 0.0)
    edges = edges_of(network, here, behave(network, radius), l2)
    first, second = _anchors(model, anchor, network)
    residual = gradient_norm(network, here, l2, first, second)
    if edges.lower.value <= 0:
        return StationaryPoint(False, radius, edges.lower, residual, None, edges)
    distance = derive("output.residual", residual=residual, strong_convexity=edges.lower)
    inside = Bound(radius, Side.EXACT, Measured("radius of the ball"))
    margin = derive("hessian.stationary-point", radius=inside, residual=residual, strong_convexity=edges.lower)
    if margin.value <= 0:
        return StationaryPoint(False, radius, edges.lower, residual, None, edges)
    return StationaryPoint(True, radius, edges.lower, residual, distance, edges)


def gradient_norm(network: Shallow, here: Behaviour, l2: float, first_anchor: Tensor, second_anchor: Tensor) -> Bound:
    """At or above the Euclidean norm of the gradient of mean cross-entropy plus the ridge about the anchor, at the parameters."""
    count = network.examples
    pulled = here.backward * here.slope
    first = _mean_products(pulled, Interval.point(network.inputs), count)
    second = _mean_products(here.residual, here.hidden, count)
    norm = 0.0
    for part, weight, anchor in ((first, network.first, first_anchor), (second, network.second, second_anchor)):
        pull = l2 * (weight - anchor)
        loose = 2.0**-50 * l2 * (weight.abs() + anchor.abs())
        norm = math.hypot(norm, vector_norm_upper((part.middle + pull).abs() + part.radius + loose * WIDER)) * WIDER
    return Bound(norm, Side.UPPER, Measured("gradient, by intervals of every example"))


def _mean_products(left: Interval, right: Interval, count: int) -> Interval:
    """An enclosure of the mean over the examples of left x right' ([examples, a] and [examples, b])."""
    here, there = left.middle / count, right.middle
    spread = (left.radius / count).T @ right.magnitude() + here.abs().T @ right.radius
    spread = (spread + gamma(count + 4) * (here.abs().T @ there.abs())) * WIDER
    return Interval.point(here.T @ there).widened(spread)


def _anchors(model: nn.Module, anchor: Mapping[str, Tensor] | None, network: Shallow) -> tuple[Tensor, Tensor]:
    if anchor is None:
        return torch.zeros_like(network.first), torch.zeros_like(network.second)
    parts = []
    for name, module in leaves(model):
        if not isinstance(module, nn.Linear):
            continue
        prefix = f"{name}." if name else ""
        if f"{prefix}weight" not in anchor:
            raise ValueError(f"the anchor has no {prefix}weight: pass a state dictionary of this model")
        held = [
            exact_weights(anchor[f"{prefix}{part}"], f"the anchor's {prefix}{part}")
            for part in ("weight", "bias")
            if f"{prefix}{part}" in anchor
        ]
        parts.append(augmented(held[0], held[1] if len(held) > 1 else None))
    if [part.shape for part in parts] != [network.first.shape, network.second.shape]:
        raise ValueError("the anchor is of another shape than the model")
    return parts[0], parts[1]
