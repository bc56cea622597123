"""Gradient bound, smoothness and Hessian-Lipschitz constant of a network in its parameters, on a ball of them.

With bounds |C|, Q and R on the first three derivatives of an example's outputs (:mod:`~certify.bounds.parameters.recursion`), and g, k
and t on those of the loss in them (:mod:`~certify.bounds.parameters.output_losses`), all over the ball,

    G <= mean of g |C|,     beta <= |mean of k C C' + g Q|,     M <= mean of t |C|³ + 3 k |C| |Q| + g R.
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
from .output_losses import OutputLoss, output_loss
from .reading import steps_of
from .recursion import Derivatives
from .shallow import WIDER
from .steps import FLOOR, Affine, Step, norms

_MOST_ENTRIES = 1 << 24


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

    The bounds are made of norms of layers and of what their windows read, so they lie above the Hessian by factors;
    :func:`~certify.bounds.parameters.edges.hessian_edges` is sharper where it applies. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule`, which names the place, for what has no rule (train mode, a parameter that
    is used twice, another loss); ``ValueError`` for bad weights, inputs, targets or radius; ``ArithmeticError`` where a bound leaves the doubles.

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    >>> constants = parameter_constants(model, nn.CrossEntropyLoss(), torch.randn(10, 1, 4, 4), radius=0.1)
    >>> constants.gradient.value < 20 and constants.reason == ""
    True
    """
    rule = output_loss(loss)
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"a radius is finite and not negative, not {radius}")
    rows = exact_weights(torch.as_tensor(inputs), "the inputs")
    if rows.ndim < 2 or not rows.numel():
        raise ValueError(f"inputs are one or more examples [n, *shape] with entries, not a tensor of shape {tuple(rows.shape)}")
    steps, shape = steps_of(model, tuple(rows.shape[1:]))
    return _averaged(steps, rule, rows, rule.checked(targets, len(rows), shape), radius)


def _averaged(
    steps: tuple[Step, ...], rule: OutputLoss, rows: Tensor, targets: Tensor | None, radius: float
) -> ParameterConstants:
    """The constants of the mean over the examples, a batch of them at a time."""
    layers = sum(isinstance(step, Affine) for step in steps)
    gradient = cubic = 0.0
    whole = torch.zeros(layers, layers, dtype=torch.float64)
    size = max(1, _MOST_ENTRIES // max(step.entries for step in steps if isinstance(step, Affine)))
    for start in range(0, len(rows), size):
        found = Derivatives(steps, rows[start : start + size], radius)
        sizes = rule.sizes(found.value, found.moved, None if targets is None else targets[start : start + size])
        first, second, third = found.sizes()
        gradient += float((sizes.first * first).sum()) / len(rows)
        outer = sizes.second[:, None, None] * found.first[:, :, None] * found.first[:, None, :]
        whole += (outer + sizes.first[:, None, None] * (found.second + found.spiked)).sum(0) / len(rows)
        cubic += float((sizes.third * first**3 + 3 * sizes.second * first * second + sizes.first * third).sum()) / len(rows)
    bounds = [
        _held(value, what)
        for value, what in (
            (gradient, "gradient"),
            (float(norms(whole[None])[0]), "smoothness"),
            (cubic, "Hessian-Lipschitz constant"),
        )
    ]
    kinks = [step.kink for step in steps if not isinstance(step, Affine) and step.kink]
    if kinks:
        return ParameterConstants(bounds[0], None, None, radius, kinks[0])
    if rule.kink:
        return ParameterConstants(bounds[0], bounds[1], None, radius, rule.kink)
    return ParameterConstants(bounds[0], bounds[1], bounds[2], radius)


def _held(value: float, what: str) -> Bound:
    if not math.isfinite(value):
        raise ArithmeticError(f"the bound on the {what} leaves the doubles: scale the inputs, the weights or the radius")
    return Bound(value * WIDER + FLOOR, Side.UPPER, Enclosed(f"{what} in the parameters, layer by layer"))
