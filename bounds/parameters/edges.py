"""Certified edges of the Hessian of a trained network with one hidden layer, at its parameters and on a ball about them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined, Measured
from ..networks.activations import UnknownModule
from ..rounding import gamma
from ..spectral.cholesky import cholesky_norm
from ..spectral.dense import matrix_norm
from ..spectral.scaling import scaled
from ..spectral.symmetric import least_eigenvalue
from .moves import block_moves
from .shallow import PROBABILITIES, WIDER, Behaviour, Shallow, behave, shallow

_MOST_PARAMETERS = 4096


@dataclass(frozen=True)
class HessianEdges:
    """No eigenvalue of the Hessian lies outside [``lower``, ``upper``] while the parameters are within ``radius`` of those given.

    ``descent`` is how far the residual part alone can pull eigenvalues below the ridge, ``ascent`` how far above, and ``gauss_newton``
    bounds the rest from above (all at or above the truth).
    """

    lower: Bound
    upper: Bound
    radius: float
    descent: Bound
    ascent: Bound
    gauss_newton: Bound


def hessian_edges(
    model: nn.Module, loss: nn.Module, data: tuple[Tensor, Tensor], *, radius: float = 0.0, l2: float = 0.0
) -> HessianEdges:
    """Proved bounds on all eigenvalues of the Hessian of mean cross-entropy plus (l2/2)|w - w0|², over a ball of parameters.

    ``model`` is ``Sequential(Linear, smooth activation, Linear)``, ``loss`` is ``CrossEntropyLoss()`` by mean, ``data`` is (inputs, class indices).
    The ball holds all parameters within the Euclidean ``radius``, weights and biases together. The Gauss-Newton part is positive
    semidefinite, and the residual part is block-diagonal over the hidden neurons: both edges come from small matrices, made of
    enclosures of every example's activations, slopes and residuals over the ball.

    ``lower`` is at or below the least eigenvalue everywhere in the ball, ``upper`` at or above the greatest. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule` for another model, an activation with kinks, or another loss.

    Theorem: ``hessian.lower-edge`` (upper descent; lower l2).
    Theorem: ``hessian.upper-edge`` (upper gauss_newton, ascent, l2).

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> data = torch.randn(20, 3), torch.randint(2, (20,))
    >>> edges = hessian_edges(model, nn.CrossEntropyLoss(), data, l2=0.1)
    >>> edges.lower.value < 0.1 < edges.upper.value
    True
    """
    check_loss(loss)
    if not (math.isfinite(radius) and radius >= 0 and math.isfinite(l2) and l2 >= 0):
        raise ValueError("a radius and a ridge are finite and not negative")
    network = shallow(model, data)
    return edges_of(network, behave(network, 0.0), behave(network, radius), l2)


def check_loss(loss: nn.Module) -> None:
    """Refuse what is not the mean cross-entropy of class indices."""
    plain = (
        isinstance(loss, nn.CrossEntropyLoss) and loss.weight is None and loss.reduction == "mean" and loss.label_smoothing == 0.0
    )
    if not plain:
        raise UnknownModule(
            f"the constants of {type(loss).__name__} as set are not known here: use CrossEntropyLoss() with the mean and no weights"
        )


def edges_of(network: Shallow, here: Behaviour, ball: Behaviour, l2: float) -> HessianEdges:
    """The edges from enclosures of the examples at the centre and over the ball.

    Theorem: ``hessian.lower-edge`` (upper descent; lower l2).
    Theorem: ``hessian.upper-edge`` (upper gauss_newton, ascent, l2).
    """
    descent, ascent = _residual_edges(network, here, block_moves(network, here, ball))
    curved = _gauss_newton(network, ball)
    lower = derive("hessian.lower-edge", descent=descent, l2=l2)
    upper = derive("hessian.upper-edge", gauss_newton=curved, ascent=ascent, l2=l2)
    return HessianEdges(lower, upper, ball.radius, descent, ascent, curved)


def _residual_edges(network: Shallow, behaviour: Behaviour, moves: Tensor) -> tuple[Bound, Bound]:
    """At or above every eigenvalue of the negated blocks, and of the blocks, moved by at most ``moves``; not below zero."""
    inputs, count = network.inputs, network.examples
    bend = behaviour.backward * behaviour.curvature  # g_j phi''(z_j), every example and neuron
    side, loose = _sides(network, behaviour)
    squares = (inputs**2).sum(1) * WIDER
    descent = ascent = Bound(0.0, Side.UPPER, Measured("no eigenvalue counts that pulls the other way"))
    for neuron in range(network.neurons):
        error = gamma(count + 4) * float((bend.magnitude()[:, neuron] * squares).sum()) / count * WIDER + float(
            loose[neuron] + moves[neuron]
        )
        for sign, values in ((1.0, bend.low[:, neuron]), (-1.0, bend.high[:, neuron])):
            corner = (inputs * (values / count)[:, None]).T @ inputs
            least = least_eigenvalue(sign * _block(corner, side[neuron]), error)
            below = Bound(max(-least.value, 0.0), Side.UPPER, Combined("minus the least eigenvalue of a block", (least,)))
            if sign > 0:
                descent = max(descent, below, key=lambda bound: bound.value)
            else:
                ascent = max(ascent, below, key=lambda bound: bound.value)
    return descent, ascent


def _block(corner: Tensor, side: Tensor) -> Tensor:
    width, classes = len(corner), len(side)
    block = torch.zeros(width + classes, width + classes, dtype=torch.float64)
    block[:width, :width] = (corner + corner.T) / 2
    block[width:, :width] = side
    block[:width, width:] = side.T
    return block


def _sides(network: Shallow, behaviour: Behaviour) -> tuple[Tensor, Tensor]:
    """For every neuron the mean of r phi'(z) (x, 1)' at the middle, and at or above how far any other in the ball is from it."""
    inputs, count = network.inputs, network.examples
    residual, slope = behaviour.residual.middle, behaviour.slope.middle
    sides = torch.einsum("nk,nj,nd->jkd", residual / count, slope, inputs)
    lengths = torch.linalg.vector_norm(residual, dim=1) * WIDER
    sizes = torch.linalg.vector_norm(inputs, dim=1) * WIDER
    off = torch.linalg.vector_norm(behaviour.residual.radius, dim=1) * WIDER + behaviour.residual_move
    moved = off[:, None] * behaviour.slope.magnitude() + lengths[:, None] * behaviour.slope.radius
    rounding = gamma(count + 4) * (lengths[:, None] * slope.abs() * sizes[:, None]).mean(0)
    whole = matrix_norm(inputs / math.sqrt(count)).upper.value * WIDER
    together = torch.sqrt((moved**2).mean(0)) * whole
    apart = (moved * sizes[:, None]).mean(0)
    return sides, (torch.minimum(together, apart) + rounding) * WIDER + 2.0**-900


def _gauss_newton(network: Shallow, behaviour: Behaviour) -> Bound:
    """At or above the greatest eigenvalue of the Gauss-Newton part, whole where it is small, else layer by layer.

    diag p - p p' = Q Q' with Q = diag(q)(I - q q'), q the roots of p; within the ball it is at most exp(sqrt 2 |move|) times that.
    """
    parameters = network.first.numel() + network.second.numel()
    classes = len(network.second)
    steep = behaviour.slope.magnitude().amax(1)
    sizes = torch.linalg.vector_norm(network.inputs, dim=1) * WIDER
    hidden = torch.linalg.vector_norm(behaviour.hidden.magnitude(), dim=1) * WIDER
    outer = matrix_norm(network.second[:, :-1]).upper.value
    radius = behaviour.radius
    growth = torch.exp(math.sqrt(2) * (behaviour.outputs_move + PROBABILITIES)) * WIDER
    reach = (
        torch.sqrt((steep * (outer + radius) * sizes) ** 2 + (hidden + steep * sizes * radius) ** 2) * WIDER
    )  # at or above |J|
    if parameters <= _MOST_PARAMETERS and network.examples * classes * parameters <= 1 << 27:
        p = torch.softmax(behaviour.probabilities.middle.clamp_min(2.0**-500).log(), 1)
        q = p.sqrt()
        root = torch.diag_embed(q) - (q[:, :, None] * q[:, None, :]) * q[:, None, :]  # rows (I - q q') diag(q)
        first = torch.einsum("nkc,cj,nj->nkj", root, network.second[:, :-1], behaviour.slope.middle)
        left = torch.einsum("nkj,nd->nkjd", first, network.inputs).flatten(2)
        right = torch.einsum("nkc,nj->nkcj", root, behaviour.hidden.middle).flatten(2)
        rows = torch.cat((left, right), 2) * (growth / network.examples).sqrt()[:, None, None]
        small, exponent = scaled(rows.flatten(0, 1))
        tall = cholesky_norm([small[None]]).norm.value * 2.0**exponent * WIDER
        bent = behaviour.slope.radius.amax(1)
        moved = torch.sqrt(
            (sizes * (outer * bent + radius * steep)) ** 2 + (steep * sizes * radius + _hidden_loose(behaviour)) ** 2
        )
        rest = float(torch.sqrt((growth * behaviour.softmax * moved**2).mean())) * WIDER
        slack = PROBABILITIES * float((growth * reach**2).mean())
        value = (tall + rest) ** 2 * WIDER + slack
    else:
        inner = float((growth * behaviour.softmax * (steep * (outer + radius)) ** 2 * sizes**2).mean())
        last = float((growth * behaviour.softmax * (hidden + steep * sizes * radius) ** 2).mean())
        value = (inner + last) * WIDER + PROBABILITIES * float((growth * reach**2).mean())
    return Bound(math.nextafter(value, math.inf), Side.UPPER, Measured("Gauss-Newton part, from enclosures of the examples"))


def _hidden_loose(behaviour: Behaviour) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(behaviour.hidden.radius, dim=1) * WIDER
    return lengths
