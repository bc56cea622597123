"""Gradient bound, smoothness and Hessian-Lipschitz constant of a network in its parameters, on a ball of them.

With bounds |C|, Q and R on the first three derivatives of an example's outputs (:mod:`~certify.bounds.parameters.recursion`), and g, k
and t on those of the loss in them (:mod:`~certify.bounds.parameters.output_losses`), all over the ball,

    G <= mean of g |C|,     beta <= |mean of k C C' + g Q|,     M <= mean of t |C|³ + 3 k |C| |Q| + g R.

Where the Jacobians of all examples can be formed they sharpen C, Q, R and g Q, g R (:mod:`~certify.bounds.parameters.adjoint`), beta is at
most the greatest eigenvalue of the Gauss-Newton part of the mean plus |mean of g Q|, and G the gradient of the mean at the centre
plus beta times the radius (:mod:`~certify.bounds.parameters.averages`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Enclosed
from ..spectral.dense import exact_weights
from .averages import Averages
from .output_losses import output_loss
from .reading import steps_of
from .steps import Affine


@dataclass(frozen=True)
class ParameterConstants:
    """For the mean loss of the examples, at all parameters within ``radius`` of those given (upper bounds, Euclidean norms).

    ``gradient`` bounds the gradient's norm, ``smoothness`` its Lipschitz constant, ``hessian_lipschitz`` that of the Hessian. The last two
    are None where the network has a kink, the last where the loss has one, and ``reason`` says so.
    """

    gradient: Bound
    smoothness: Bound | None
    hessian_lipschitz: Bound | None
    radius: float
    reason: str = ""


def parameter_constants(
    model: nn.Module, loss: nn.Module, inputs: Tensor, targets: Tensor | None = None, *, radius: float = 0.0
) -> ParameterConstants:
    """Constants of the mean loss in the parameters of a network of linear layers, convolutions and activations, over a ball.

    ``model`` is a ``Sequential`` of Linear, Conv1d to Conv3d (any stride, dilation, groups and padding), BatchNorm in evaluation mode
    (whose factors and shifts count as parameters), average pooling, Flatten and elementwise activations; max pooling and
    kinked activations leave the gradient bound alone. ``loss`` is CrossEntropyLoss, MSELoss, BCEWithLogitsLoss, HuberLoss or SmoothL1Loss,
    with the mean. ``inputs`` are the examples [n, *shape]. With ``targets``, as the loss takes them, the bounds hold for these; without,
    whatever the targets (of BCEWithLogitsLoss, in [0, 1]; MSELoss needs them). The ball holds all parameters within the Euclidean
    ``radius`` of those stored. Where some parameters are frozen, the bounds hold for the others.

    At the centre the gradient bound is tight for known targets and the smoothness near the Hessian; over a ball both grow with the
    norms of layers and of what their windows read, by factors; :func:`~certify.bounds.parameters.hessian.hessian_edges` is sharper where
    it applies. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule`, which names the place, for what has no rule (train mode, a parameter that
    is used twice, another loss); ``ValueError`` for bad weights, inputs, targets or radius; ``ArithmeticError`` where a bound leaves the doubles.

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    >>> constants = parameter_constants(model, nn.CrossEntropyLoss(), torch.randn(10, 1, 4, 4), radius=0.1)
    >>> constants.gradient.value < 20 and constants.reason == ""
    True
    """
    rule = output_loss(loss)
    rows = examples_of(inputs, radius)
    steps, shape = steps_of(model, tuple(rows.shape[1:]))
    found = Averages(steps, rule, rows, rule.checked(targets, len(rows), shape), radius)
    gradient = _held(found.gradient, "gradient")
    kinks = [step.kink for step in steps if not isinstance(step, Affine) and step.kink]
    if kinks:
        return ParameterConstants(gradient, None, None, radius, kinks[0])
    smoothness = _held(found.smoothness, "smoothness")
    if rule.kink:
        return ParameterConstants(gradient, smoothness, None, radius, rule.kink)
    return ParameterConstants(gradient, smoothness, _held(found.cubic, "Hessian-Lipschitz constant"), radius)


def examples_of(inputs: Tensor, radius: float) -> Tensor:
    """The inputs in float64, after a check of them and of the radius; raises ``ValueError``."""
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"a radius is finite and not negative, not {radius}")
    rows = exact_weights(torch.as_tensor(inputs), "the inputs")
    if rows.ndim < 2 or not rows.numel():
        raise ValueError(f"inputs are one or more examples [n, *shape] with entries, not a tensor of shape {tuple(rows.shape)}")
    return rows


def _held(value: float, what: str) -> Bound:
    if not math.isfinite(value):
        raise ArithmeticError(f"the bound on the {what} leaves the doubles: scale the inputs, the weights or the radius")
    return Bound(value, Side.UPPER, Enclosed(f"{what} in the parameters, layer by layer"))
