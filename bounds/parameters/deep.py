"""Certified edges of the Hessian of a network of any depth, with convolutions, at its parameters and on a ball about them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound, tightest
from ..evidence import Measured
from ..networks.activations import UnknownModule
from .averages import Averages
from .constants import examples_of
from .edges import HessianEdges
from .output_losses import output_loss
from .reading import steps_of
from .steps import Affine


def network_edges(
    model: nn.Module, loss: nn.Module, data: tuple[Tensor, Tensor], *, radius: float = 0.0, l2: float = 0.0
) -> HessianEdges:
    """Proved bounds on all eigenvalues of the Hessian of the mean loss plus (l2/2)|w - w0|², over a ball of parameters.

    ``model``, ``loss`` and the ball are as in :func:`~certify.bounds.parameters.constants.parameter_constants`, every activation smooth;
    ``data`` is (inputs, targets). The loss is convex in the outputs, so the Gauss-Newton part is positive semidefinite. The residual
    part is formed as a matrix at the centre, up to 4096 parameters; over the ball it turns by at most the radius times a bound on its
    derivative, which is made of norms of layers and large for deep networks: the edges fall off fast. A quadratic form of the Hessian at
    a unit vector is that of the two parts and of the ridge, which gives both edges; with radius zero the whole is formed, and they are tight.

    ``lower`` is at or below the least eigenvalue everywhere in the ball, ``upper`` at or above the greatest. Raises what
    ``parameter_constants`` raises, and :class:`~certify.bounds.networks.activations.UnknownModule` for kinks.

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> data = torch.randn(20, 3), torch.randint(2, (20,))
    >>> edges = network_edges(model, nn.CrossEntropyLoss(), data, l2=0.1)
    >>> edges.lower.value < 0.1 < edges.upper.value
    True
    """
    rule = output_loss(loss)
    if not (math.isfinite(l2) and l2 >= 0):
        raise ValueError(f"a ridge is finite and not negative, not {l2}")
    rows = examples_of(data[0], radius)
    steps, shape = steps_of(model, tuple(rows.shape[1:]))
    kinks = [step.kink for step in steps if not isinstance(step, Affine) and step.kink]
    if kinks or rule.kink:
        raise UnknownModule((kinks or [rule.kink])[0])
    found = Averages(steps, rule, rows, rule.checked(torch.as_tensor(data[1]), len(rows), shape), radius)
    descent, ascent = (
        _measured(value, "residual part of the Hessian, formed at the centre") for value in (found.descent, found.ascent)
    )
    curved = found.gauss_newton if math.isfinite(found.gauss_newton) else found.smoothness  # where it is too large to be formed
    gauss_newton = _measured(curved, "Gauss-Newton part, from enclosures of the Jacobians")
    ridge = Bound(l2, Side.EXACT, Measured("weight of the ridge"))
    lower, upper = ridge - descent, gauss_newton + ascent + ridge
    if math.isfinite(found.edges[0]):
        least, greatest = (ridge + bound for bound in _whole(found.edges))
        lower, upper = max(lower, least, key=lambda bound: bound.value), tightest(upper, greatest)
    return HessianEdges(lower, upper, radius, descent, ascent, gauss_newton)


def _whole(edges: tuple[float, float]) -> tuple[Bound, Bound]:
    made = Measured("the Hessian as formed at the parameters")
    return Bound(edges[0], Side.LOWER, made), Bound(edges[1], Side.UPPER, made)


def _measured(value: float, what: str) -> Bound:
    if not math.isfinite(value):
        raise ArithmeticError(f"the bound on the {what} leaves the doubles: scale the inputs, the weights or the radius")
    return Bound(value, Side.UPPER, Measured(what))
