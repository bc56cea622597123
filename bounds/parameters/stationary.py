"""The one stationary point near trained parameters: that it exists, that it is alone in a ball, and how far it is."""

from __future__ import annotations

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
from .shallow import WIDER, Behaviour, Shallow, augmented, behave, check_number, shallow

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
    gradient is enclosed at its centre; where the ball is wider than their ratio, the minimiser over the ball is inside it. Stationary means
    in all parameters, frozen ones too. Raises what :func:`~certify.bounds.parameters.edges.shallow_edges` raises, and ``ValueError``
    for an anchor that does not fit.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    Theorem: ``hessian.stationary-point`` (upper residual; lower radius, strong_convexity).

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    >>> data = torch.randn(8, 2), torch.tensor([0, 1] * 4)
    >>> stationary_point(model, nn.CrossEntropyLoss(), data, radius=0.01, l2=1.0, anchor=model.state_dict()).strong_convexity.value > 0.5
    True
    """
    check_loss(loss)
    check_number("a radius", radius, positive=True)
    check_number("a ridge", l2, positive=True)
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
    square = Bound(0.0, Side.UPPER, Measured("an empty sum"))
    for part, weight, anchor in ((first, network.first, first_anchor), (second, network.second, second_anchor)):
        pull = l2 * (weight - anchor)
        loose = 2.0**-50 * l2 * (weight.abs() + anchor.abs()) + 2.0**-1000
        size = vector_norm_upper(((part.middle + pull).abs() + part.radius + loose) * WIDER)
        square = square + Bound(size, Side.UPPER, Measured("gradient of a layer, by intervals of every example")) * size
    return square.sqrt()


def _mean_products(left: Interval, right: Interval, count: int) -> Interval:
    """An enclosure of the mean over the examples of left x right' ([examples, a] and [examples, b])."""
    here, there = left.middle / count, right.middle
    spread = (left.radius / count).T @ right.magnitude() + here.abs().T @ right.radius
    spread = (spread + gamma(count + 4) * (here.abs().T @ there.abs())) * WIDER + 2.0**-1000
    return Interval.point(here.T @ there).widened(spread)


def _anchors(model: nn.Module, anchor: Mapping[str, Tensor] | None, network: Shallow) -> tuple[Tensor, Tensor]:
    if anchor is None:
        return torch.zeros_like(network.first), torch.zeros_like(network.second)
    wanted = model.state_dict()
    if not isinstance(anchor, Mapping) or set(anchor) != set(wanted):
        raise ValueError(f"the anchor is a state dictionary of this model, with the names {', '.join(wanted)} and no others")
    held = {}
    for name, value in anchor.items():
        if not isinstance(value, Tensor) or value.shape != wanted[name].shape:
            raise ValueError(f"the anchor's {name} is a tensor of shape {tuple(wanted[name].shape)}, as the model's is")
        held[name] = exact_weights(value, f"the anchor's {name}")
    layers = [f"{name}." if name else "" for name, module in leaves(model) if isinstance(module, nn.Linear)]
    first, second = (augmented(held[f"{layer}weight"], held.get(f"{layer}bias")) for layer in layers)
    return first, second
