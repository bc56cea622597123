"""Certified edges of the Hessian of a trained network: the question, and which rule answers it."""

from __future__ import annotations

from torch import Tensor, nn

from ..bound import tightest
from ..networks.activations import UnknownModule
from .averages import MOST_PARAMETERS
from .deep import network_edges
from .edges import HessianEdges, shallow_edges


def hessian_edges(
    model: nn.Module, loss: nn.Module, data: tuple[Tensor, Tensor], *, radius: float = 0.0, l2: float = 0.0
) -> HessianEdges:
    """Proved bounds on all eigenvalues of the Hessian of a mean loss plus (l2/2)|w - w0|², over a ball of parameters.

    The ball holds all parameters within the Euclidean ``radius``, weights and biases together. A network with one hidden layer, a smooth
    activation and the cross-entropy goes by a rule of its own (:func:`~certify.bounds.parameters.edges.shallow_edges`), which stays sharp on balls; every
    other network and loss by that of any depth (:func:`~certify.bounds.parameters.deep.network_edges`), which is tight at the parameters and falls off
    fast. At the parameters the better of the two is taken, edge by edge. ``data`` is (inputs, targets).

    ``lower`` is at or below the least eigenvalue everywhere in the ball, ``upper`` at or above the greatest. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule` for a layer or a loss without a rule and for kinks, and ``ValueError`` for data that do
    not fit and for numbers that leave float64.

    Theorem: ``hessian.lower-edge`` (upper descent; lower l2).
    Theorem: ``hessian.upper-edge`` (upper gauss_newton, ascent, l2).

    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> data = torch.randn(20, 3), torch.randint(2, (20,))
    >>> edges = hessian_edges(model, nn.CrossEntropyLoss(), data, l2=0.1)
    >>> edges.lower.value < 0.1 < edges.upper.value
    True
    """
    try:
        own = shallow_edges(model, loss, data, radius=radius, l2=l2)
    except UnknownModule:
        return network_edges(model, loss, data, radius=radius, l2=l2)
    if radius > 0 or sum(parameter.numel() for parameter in model.parameters()) > MOST_PARAMETERS:
        return own
    deep = network_edges(model, loss, data, l2=l2)
    return HessianEdges(
        max(own.lower, deep.lower, key=lambda bound: bound.value),
        tightest(own.upper, deep.upper),
        radius,
        tightest(own.descent, deep.descent),
        tightest(own.ascent, deep.ascent),
        tightest(own.gauss_newton, deep.gauss_newton),
    )
