"""How far the residual part of the Hessian moves while the parameters move within a ball: to first order together, and a remainder.

To first order an example's share of a block changes by an inner product with the *one* move that all examples share, so the changes add up
like a tensor and not like their sizes; the norm of an unfolding bounds it. The second order is bounded example by example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..spectral.dense import matrix_norm
from ..spectral.ladder import batched_norms
from .shallow import PROBABILITIES, WIDER, Behaviour, Shallow

_ROUNDING = 1e-9  # of the sum of the moduli: what float64 may round off in sums of fewer than a million terms, with room to spare
_MOST_EXAMPLES = 4096


@dataclass(frozen=True)
class _Sizes:
    """For every example, at any parameters of the ball: at or above the sizes of what second derivatives are made of."""

    inputs: Tensor
    steep: Tensor
    root: Tensor  # |S^(1/2)|, S = diag p - p p'
    columns: Tensor  # |S^(1/2) V_j|
    outputs: Tensor  # |S^(1/2) Df|
    residual: Tensor
    curvature: Tensor
    bend: Tensor
    linear: Tensor  # the greatest |S^(1/2) V_k phi''_k|, times |x|²


def block_moves(network: Shallow, here: Behaviour, ball: Behaviour) -> Tensor:
    """For every hidden neuron, at or above the spectral norm of the difference of its block anywhere in the ball from that at the centre.

    Theorem: ``norm.sum`` (upper left, right).
    """
    if ball.radius == 0.0:
        return torch.zeros(network.neurons, dtype=torch.float64)
    sizes = _sizes(network, here, ball)
    corners = _first_order_corners(network, here, ball.radius) + _corner_remainders(network, ball, sizes)
    sides = _first_order_sides(network, here, ball.radius) + _side_remainders(network, ball, sizes)
    return (corners + sides) * WIDER


def _softmax_roots(here: Behaviour) -> Tensor:
    """Q' with Q Q' = diag p - p p': rows (I - q q') diag(q), q the roots of p."""
    q = torch.softmax(here.probabilities.middle.clamp_min(2.0**-500).log(), 1).sqrt()
    return torch.diag_embed(q) - (q[:, :, None] * q[:, None, :]) * q[:, None, :]


def _sizes(network: Shallow, here: Behaviour, ball: Behaviour) -> _Sizes:
    radius, outer = ball.radius, network.second[:, :-1]
    growth = torch.exp(math.sqrt(2) / 2 * (ball.outputs_move + PROBABILITIES)) * WIDER  # of S^(1/2)
    roots = _softmax_roots(here)
    loose = math.sqrt(PROBABILITIES)
    inputs = torch.linalg.vector_norm(network.inputs, dim=1) * WIDER
    steep = ball.slope.magnitude().amax(1)
    root = (batched_norms(roots) + loose) * growth
    columns = (torch.linalg.vector_norm(roots @ outer, dim=1) * WIDER + loose * torch.linalg.vector_norm(outer, dim=0)) * growth[
        :, None
    ]
    columns = columns + radius * root[:, None]
    inner = batched_norms(roots @ outer * here.slope.magnitude()[:, None, :]) + loose * steep * matrix_norm(outer).upper.value
    bent = (ball.slope.radius + here.slope.radius).amax(1) * batched_norms(roots @ outer)
    hidden = torch.linalg.vector_norm(here.hidden.magnitude(), dim=1) * WIDER + steep * inputs * radius
    outputs = torch.sqrt(((inner + bent) * inputs * growth) ** 2 + (root * hidden) ** 2) + root * radius * steep * inputs
    residual = torch.linalg.vector_norm(here.residual.magnitude(), dim=1) * WIDER + ball.residual_move
    curvature = ball.curvature.magnitude()
    return _Sizes(
        inputs,
        steep,
        root,
        columns,
        outputs * WIDER,
        residual,
        curvature,
        ball.bend.magnitude(),
        (columns * curvature).amax(1) * inputs**2,
    )


def _corner_remainders(network: Shallow, ball: Behaviour, sizes: _Sizes) -> Tensor:
    """Half the squared radius times the second derivatives of g_j phi''(z_j), weighted by the examples' outer products."""
    outer = network.second[:, :-1]
    spans = outer.amax(0) - outer.amin(0) + math.sqrt(2) * ball.radius
    whole = sizes.root * sizes.outputs
    found = []
    for neuron in range(network.neurons):
        column = sizes.columns[:, neuron]
        first = sizes.residual + column * sizes.outputs
        second = 2 * whole + spans[neuron] * sizes.outputs**2 + column * (sizes.root * sizes.steep * sizes.inputs + sizes.linear)
        change = second * sizes.curvature[:, neuron] + 2 * first * sizes.bend[:, neuron] * sizes.inputs
        change = change + ball.backward.magnitude()[:, neuron] * network.activation.fourth * sizes.inputs**2
        found.append(_weighted(network, change * (ball.radius**2 / 2) * WIDER))
    return torch.stack(found)


def _side_remainders(network: Shallow, ball: Behaviour, sizes: _Sizes) -> Tensor:
    """The same of r phi'(z_j), a vector for each example, times its input."""
    curved = math.sqrt(2) * sizes.outputs**2 + sizes.root * (sizes.root * sizes.steep * sizes.inputs + sizes.linear)
    change = curved[:, None] * ball.slope.magnitude()
    change = change + 2 * (sizes.root * sizes.outputs * sizes.inputs)[:, None] * sizes.curvature
    change = (change + (sizes.residual * sizes.inputs**2)[:, None] * sizes.bend) * (ball.radius**2 / 2) * WIDER
    return _together(network, change)


def _weighted(network: Shallow, weights: Tensor) -> Tensor:
    """At or above the norm of the mean of w x x' over the examples, w >= 0."""
    rows = network.inputs * ((weights * WIDER) / network.examples).sqrt()[:, None]
    return torch.tensor(matrix_norm(rows).upper.value ** 2 * WIDER, dtype=torch.float64)


def _together(network: Shallow, lengths: Tensor) -> Tensor:
    """For every neuron, at or above the norm of the mean of v x' over the examples, |v| at most ``lengths`` [examples, neurons]."""
    whole = matrix_norm(network.inputs / math.sqrt(network.examples)).upper.value * WIDER
    apart = (lengths * torch.linalg.vector_norm(network.inputs, dim=1)[:, None]).mean(0)
    return torch.minimum(torch.sqrt((lengths**2).mean(0)) * whole, apart) * WIDER


def _first_order_corners(network: Shallow, here: Behaviour, radius: float) -> Tensor:
    """The radius times the norm of the tensor mean (gradient of g_j phi''(z_j)) x x', unfolded into gradients and pairs of inputs.

    With K the entrywise square of X X' and K + error <= L L', the norm is at most that of (gradients)' L.
    """
    count, outer = network.examples, network.second[:, :-1]
    roots = _softmax_roots(here)
    pulled = roots @ outer
    slope, curvature, bend = here.slope.middle, here.curvature.middle, here.bend.middle
    backward, residual = here.backward.middle, here.residual.middle
    spread = roots.mT @ pulled  # S V_j, [examples, classes, neurons]
    together = pulled.mT @ pulled  # V_j' S V_k
    lower = _pair_factor(network) if count <= _MOST_EXAMPLES else None
    found = []
    for neuron in range(network.neurons):
        gates = curvature[:, neuron, None] * together[:, neuron] * slope
        gates[:, neuron] += backward[:, neuron] * bend[:, neuron]
        heads = curvature[:, neuron, None] * spread[:, :, neuron]
        first = gates[:, :, None] * network.inputs[:, None, :]
        second = heads[:, :, None] * here.hidden.middle[:, None, :]
        second[:, :, neuron] += curvature[:, neuron, None] * residual
        gradients = torch.cat((first.flatten(1), second.flatten(1)), 1)
        lengths = torch.linalg.vector_norm(gradients, dim=1)
        apart = _weighted(network, lengths + _ROUNDING * (1 + lengths))
        if lower is None:
            found.append(apart * radius)
            continue
        unfolded = matrix_norm((gradients / count).T @ lower).upper.value
        found.append(
            torch.minimum(torch.tensor(unfolded * WIDER, dtype=torch.float64) + _ROUNDING * (1 + apart), apart) * radius * WIDER
        )
    return torch.stack(found)


def _pair_factor(network: Shallow) -> Tensor:
    """L with L L' at or above the matrix of squared inner products of the inputs (both rounded; the margin covers it)."""
    pairs = (network.inputs @ network.inputs.T) ** 2
    margin = _ROUNDING * float(pairs.diagonal().max())
    factor: Tensor
    factor, info = torch.linalg.cholesky_ex(pairs + margin * torch.eye(len(pairs), dtype=torch.float64))
    if int(info) != 0 or not bool(torch.isfinite(factor).all()):
        raise ArithmeticError("the inputs are too ill-scaled for float64: scale them")
    return factor


def _first_order_sides(network: Shallow, here: Behaviour, radius: float) -> Tensor:
    """The radius times the norm of the tensor mean (gradient of r phi'(z_j)) x', unfolded into gradients, and classes with inputs."""
    count, classes = network.examples, len(network.second)
    roots = _softmax_roots(here)
    spread = roots.mT @ (roots @ network.second[:, :-1])
    covariance = roots.mT @ roots
    slope, curvature, residual, hidden = here.slope.middle, here.curvature.middle, here.residual.middle, here.hidden.middle
    inputs = network.inputs
    found = []
    for neuron in range(network.neurons):
        parts = []
        for label in range(classes):
            gates = spread[:, label] * slope * slope[:, neuron, None]
            gates[:, neuron] += residual[:, label] * curvature[:, neuron]
            first = torch.einsum("nj,nd,ne->jde", gates / count, inputs, inputs).flatten(0, 1)
            heads = covariance[:, label] * slope[:, neuron, None] / count
            second = torch.einsum("nk,nj,ne->kje", heads, hidden, inputs).flatten(0, 1)
            parts.append(torch.cat((first, second)))
        whole = torch.cat(parts, 1)
        moduli = (slope[:, neuron].abs() + curvature[:, neuron].abs()) * (1 + torch.linalg.vector_norm(inputs, dim=1)) ** 2
        slack = _ROUNDING * (1 + float(moduli.mean()) * (1 + float(network.second.abs().sum())))
        found.append(torch.tensor((matrix_norm(whole).upper.value + slack) * radius * WIDER, dtype=torch.float64))
    return torch.stack(found)
