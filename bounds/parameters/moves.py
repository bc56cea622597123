"""How far the residual part of the Hessian moves while the parameters move within a ball: to first order together, and a remainder.

To first order an example's share of a block changes by an inner product with the *one* move that all examples share, so the changes add up
like a tensor and not like their sizes; the norm of an unfolding bounds it. The second order is bounded example by example.

S = diag p - p p' is known at the centre but for a small ``doubt``, and derivatives of the activation are known within intervals: what
products of such numbers may be off is charged example by example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.intervals import Interval
from ..rounding import gamma
from ..spectral.dense import matrix_norm
from ..spectral.ladder import batched_norms
from .shallow import PROBABILITIES, ROOT_TWO, WIDER, Behaviour, Shallow, rows_up

_MOST_EXAMPLES = 4096
_MOST_ENTRIES = 1 << 23
_MOST_OUTPUTS = 1 << 26


@dataclass(frozen=True)
class Sizes:
    """For every example, at any parameters of the ball: at or above the sizes of what second derivatives are made of."""

    steep: Tensor
    root: Tensor  # |S^(1/2)|
    columns: Tensor  # |S^(1/2) V_j|
    inner: Tensor  # |S^(1/2) V diag phi'|
    outputs: Tensor  # |S^(1/2) Df|
    linear: Tensor  # the greatest |S^(1/2) V_k phi''_k|, times |x|²


def sizes_of(network: Shallow, ball: Behaviour) -> Sizes:
    """What holds of S^(1/2) everywhere, |S| being at most ``softmax``; and by S at the centre and its growth where that is less."""
    radius, outer, inputs = ball.radius, network.outer, network.sizes
    slopes, steep = ball.slope.magnitude(), ball.slope.magnitude().amax(1)
    root, norm, lengths = ball.softmax.sqrt() * WIDER, matrix_norm(outer).upper.value, rows_up(outer.T)
    columns, inner = root[:, None] * lengths, root * steep * norm
    if network.examples * len(outer) * max(outer.shape) <= _MOST_OUTPUTS:
        growth, loose, roots = ball.growth.sqrt() * WIDER, math.sqrt(PROBABILITIES) * WIDER, ball.roots
        columns = _least(columns, (torch.linalg.vector_norm(roots @ outer, dim=1) * WIDER + loose * lengths) * growth[:, None])
        inner = _least(inner, (batched_norms(roots @ outer * slopes[:, None, :]) + loose * steep * norm) * growth)
    columns = (columns + radius * root[:, None]) * WIDER
    inner = (inner + radius * root * steep) * WIDER
    hidden = rows_up(ball.hidden.magnitude()) + steep * inputs * radius
    outputs = torch.hypot(inner * inputs, root * hidden) * WIDER
    linear = (columns * ball.curvature.magnitude()).amax(1) * inputs**2
    return Sizes(steep, root, columns, inner, outputs, linear)


def _least(ceiling: Tensor, value: Tensor) -> Tensor:
    """The smaller of a bound that always holds and of one that may have overflowed."""
    return torch.where(value < ceiling, value, ceiling)


def block_sizes(network: Shallow, ball: Behaviour) -> Tensor:
    """For every hidden neuron, at or above the spectral norm of its block anywhere in the ball; infinite where nothing moves.

    A matrix [[N, B'], [B, 0]] has no eigenvalue beyond (|N| + sqrt(|N|² + 4 |B|²))/2.
    """
    if ball.radius == 0.0:
        return torch.full_like(network.first[:, 0], math.inf)
    pulls = ball.backward.magnitude() * ball.curvature.magnitude()
    corners = torch.stack([weighted(network, pulls[:, neuron]) for neuron in range(network.neurons)])
    sides = together(network, ball.residual_size[:, None] * ball.slope.magnitude())
    return (corners + torch.hypot(corners, 2 * sides)) / 2 * WIDER


def block_moves(network: Shallow, here: Behaviour, ball: Behaviour) -> Tensor:
    """For every hidden neuron, at or above the spectral norm of the difference of its block anywhere in the ball from that at the centre.

    Theorem: ``norm.sum`` (upper left, right).
    """
    if ball.radius == 0.0:
        return torch.zeros_like(network.first[:, 0])
    if network.examples * len(network.second) * max(network.second.shape) > _MOST_OUTPUTS:
        return torch.full_like(network.first[:, 0], math.inf)
    sizes = sizes_of(network, ball)
    corners = _first_order_corners(network, here) * ball.radius + _corner_remainders(network, ball, sizes)
    sides = _first_order_sides(network, here, sizes) * ball.radius + _side_remainders(network, ball, sizes)
    return (corners + sides) * WIDER


def _corner_remainders(network: Shallow, ball: Behaviour, sizes: Sizes) -> Tensor:
    """Half the squared radius times the second derivatives of g_j phi''(z_j), weighted by the examples' outer products."""
    outer, inputs = network.outer, network.sizes
    spans = outer.amax(0) - outer.amin(0) + ROOT_TWO * ball.radius
    curvature, bend = ball.curvature.magnitude(), ball.bend.magnitude()
    whole = sizes.root * sizes.outputs
    found = []
    for neuron in range(network.neurons):
        column = sizes.columns[:, neuron]
        first = ball.residual_size + column * sizes.outputs
        second = 2 * whole + spans[neuron] * sizes.outputs**2 + column * (sizes.root * sizes.steep * inputs + sizes.linear)
        change = second * curvature[:, neuron] + 2 * first * bend[:, neuron] * inputs
        change = change + ball.backward.magnitude()[:, neuron] * network.activation.fourth * inputs**2
        found.append(weighted(network, change * (ball.radius**2 / 2)))
    return torch.stack(found)


def _side_remainders(network: Shallow, ball: Behaviour, sizes: Sizes) -> Tensor:
    """The same of r phi'(z_j), a vector for each example, times its input."""
    inputs = network.sizes
    curved = ROOT_TWO * sizes.outputs**2 + sizes.root * (sizes.root * sizes.steep * inputs + sizes.linear)
    change = curved[:, None] * ball.slope.magnitude()
    change = change + 2 * (sizes.root * sizes.outputs * inputs)[:, None] * ball.curvature.magnitude()
    change = change + (ball.residual_size * inputs**2)[:, None] * ball.bend.magnitude()
    return together(network, change * (ball.radius**2 / 2))


def weighted(network: Shallow, weights: Tensor) -> Tensor:
    """At or above the norm of the mean of w x x' over the examples, w >= 0."""
    rows = network.inputs * ((weights * WIDER) / network.examples).sqrt()[:, None]
    norm = matrix_norm(rows).upper.value if bool(rows.isfinite().all()) else math.inf
    return torch.full_like(weights[0], norm * norm * WIDER)


def together(network: Shallow, lengths: Tensor) -> Tensor:
    """For every neuron, at or above the norm of the mean of v x' over the examples, |v| at most ``lengths`` [examples, neurons]."""
    whole = matrix_norm(network.inputs / math.sqrt(network.examples)).upper.value * WIDER
    apart = (lengths * network.sizes[:, None]).mean(0)
    return torch.minimum(torch.sqrt((lengths**2).mean(0)) * whole, apart) * WIDER


def _first_order_corners(network: Shallow, here: Behaviour) -> Tensor:
    """At or above the norm of the tensor mean (gradient of g_j phi''(z_j)) x x', unfolded into gradients and pairs of inputs.

    With K the entrywise square of X X' and K + error <= L L', the norm is at most that of (gradients)' L.
    """
    count, outer = network.examples, network.outer
    roots = here.roots
    spread = roots.mT @ (roots @ outer)  # S V_j, [examples, classes, neurons]
    pairs = (roots @ outer).mT @ (roots @ outer)  # V_j' S V_k
    slope, curvature, bend, residual = here.slope.middle, here.curvature.middle, here.bend.middle, here.residual.middle
    backward, hidden = here.backward.middle, here.hidden.middle
    size = network.first.numel() + network.second.numel()
    lower = _pair_factor(network) if count <= _MOST_EXAMPLES and size * count <= _MOST_ENTRIES else None
    off = _corner_doubts(network, here, spread, pairs)
    found = []
    for neuron in range(network.neurons):
        gates = curvature[:, neuron, None] * pairs[:, neuron] * slope
        gates[:, neuron] += backward[:, neuron] * bend[:, neuron]
        heads = curvature[:, neuron, None] * spread[:, :, neuron]
        first = gates[:, :, None] * network.inputs[:, None, :]
        second = heads[:, :, None] * hidden[:, None, :]
        second[:, :, neuron] += curvature[:, neuron, None] * residual
        gradients = torch.cat((first.flatten(1), second.flatten(1)), 1)
        lengths = rows_up(gradients)
        apart = weighted(network, lengths)
        if lower is not None:
            rounding = gamma(count + 4) * (lengths * rows_up(lower)).mean()
            apart = torch.minimum(apart, matrix_norm((gradients / count).T @ lower).upper.value * WIDER + rounding)
        found.append(apart + (off[:, neuron] * network.sizes**2).mean())
    return torch.stack(found) * WIDER


def _corner_doubts(network: Shallow, here: Behaviour, spread: Tensor, pairs: Tensor) -> Tensor:
    """For every example and neuron, at or above the distance of the true gradient of g_j phi''(z_j) from the one at the middles."""
    lengths, inputs = rows_up(network.outer.T), network.sizes
    curvature, doubt = _parts(here.curvature), here.doubt[:, None]
    residual, hidden = _lengths(here.residual), _lengths(here.hidden)
    scaled_pairs = (pairs.abs(), here.doubt[:, None, None] * lengths[:, None] * lengths)
    gates = _off(tuple(part[:, :, None] for part in curvature), scaled_pairs, tuple(part[:, None] for part in _parts(here.slope)))
    own = _off(_parts(here.backward), _parts(here.bend))
    heads = _off(curvature, (torch.linalg.vector_norm(spread, dim=1) * WIDER, doubt * lengths), hidden)
    off: Tensor = (torch.linalg.vector_norm(gates, dim=2) + own) * inputs[:, None] + heads + _off(curvature, residual)
    return off


def _first_order_sides(network: Shallow, here: Behaviour, sizes: Sizes) -> Tensor:
    """At or above the norm of the tensor mean (gradient of r phi'(z_j)) x', unfolded into gradients, and classes with inputs."""
    inputs, count, classes = network.inputs, network.examples, len(network.second)
    residual_size = rows_up(here.residual.magnitude())
    apart = (sizes.root * sizes.outputs)[:, None] * here.slope.magnitude()
    apart = together(network, apart + (residual_size * network.sizes)[:, None] * here.curvature.magnitude())
    parameters = network.first.numel() + network.second.numel()
    if parameters * classes * inputs.shape[1] > _MOST_ENTRIES:
        return apart
    spread = here.roots.mT @ (here.roots @ network.outer)
    covariance = here.roots.mT @ here.roots
    slope, curvature, residual, hidden = here.slope.middle, here.curvature.middle, here.residual.middle, here.hidden.middle
    off = (_side_doubts(network, here, spread, covariance) * network.sizes[:, None]).mean(0)
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
        found.append(matrix_norm(torch.cat(parts, 1)).upper.value * WIDER + off[neuron])
    return torch.minimum(apart, torch.stack(found) * WIDER)


def _side_doubts(network: Shallow, here: Behaviour, spread: Tensor, covariance: Tensor) -> Tensor:
    """For every example and neuron, at or above the distance of the true gradient of r phi'(z_j) from the one at the middles, and rounding."""
    terms, inputs, doubt = network.examples + 8, network.sizes[:, None], here.doubt[:, None]
    slope, curvature = _parts(here.slope), _parts(here.curvature)
    steep = (slope[0].amax(1, keepdim=True), slope[1].amax(1, keepdim=True))
    classes = math.sqrt(len(network.second)) * WIDER
    pulled = (_flat(spread), doubt * (classes * float(torch.linalg.vector_norm(network.outer)) * WIDER))
    gates = _off(pulled, steep, slope, terms=terms)
    heads = _off((_flat(covariance), doubt * classes), slope, _lengths(here.hidden), terms=terms)
    return (gates + _off(_lengths(here.residual), curvature, terms=terms)) * inputs + heads


_Part = tuple[Tensor, Tensor]  # sizes of numbers or tensors at the middle, and of what the true ones may be off


def _parts(values: Interval) -> _Part:
    return values.middle.abs(), values.radius


def _lengths(rows: Interval) -> _Part:
    return rows_up(rows.middle)[:, None], rows_up(rows.radius)[:, None]


def _flat(tensors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(tensors, dim=(1, 2))[:, None] * WIDER
    return lengths


def _off(*parts: tuple[Tensor, ...], terms: int = 32) -> Tensor:
    """At or above how far a product of such factors can be from that of the middles, which was rounded ``terms`` times."""
    whole = middle = torch.ones_like(parts[0][0])
    for size, distance in parts:
        whole, middle = whole * (size + distance), middle * size
    return whole * (1 + gamma(terms)) - middle


def _pair_factor(network: Shallow) -> Tensor:
    """L with L L' at or above the matrix of squared inner products of the inputs: its margin covers what both products round off."""
    count, width = network.inputs.shape
    pairs = (network.inputs @ network.inputs.T) ** 2
    relative = gamma(2 * width + count + 16)
    margin = 2 * relative * float((network.sizes**4).sum()) + 2.0**-900
    factor: Tensor
    factor, info = torch.linalg.cholesky_ex(pairs + margin * torch.eye(count, dtype=torch.float64, device="cpu"))
    if int(info) != 0 or not bool(torch.isfinite(factor).all()):
        raise ArithmeticError("the inputs are too ill-scaled for float64: scale them")
    return factor
