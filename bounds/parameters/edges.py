"""Certified edges of the Hessian of a trained network with one hidden layer, at its parameters and on a ball about them: its own rule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound, tightest
from ..derive import derive
from ..evidence import Combined, Measured
from ..networks.activations import UnknownModule
from ..networks.plain import check_plain
from ..rounding import gamma
from ..spectral.dense import matrix_norm
from ..spectral.symmetric import least_eigenvalue
from .moves import block_moves, block_sizes, sizes_of, together, weighted
from .shallow import PROBABILITIES, WIDER, Behaviour, Shallow, behave, check_number, rows_up, shallow

_MOST_PARAMETERS = 4096
_MOST_ENTRIES = 1 << 27


@dataclass(frozen=True)
class HessianEdges:
    """No eigenvalue of the Hessian lies outside [``lower``, ``upper``] while the parameters are within ``radius`` of those given.

    The Hessian is that of the real objective with the stored data and parameters. ``descent`` is how far the residual part alone can pull
    eigenvalues below the ridge, ``ascent`` how far above, and ``gauss_newton`` bounds the rest from above (all at or above the truth).
    """

    lower: Bound
    upper: Bound
    radius: float
    descent: Bound
    ascent: Bound
    gauss_newton: Bound


def shallow_edges(
    model: nn.Module, loss: nn.Module, data: tuple[Tensor, Tensor], *, radius: float = 0.0, l2: float = 0.0
) -> HessianEdges:
    """Proved bounds on all eigenvalues of the Hessian of mean cross-entropy plus (l2/2)|w - w0|², over a ball of parameters.

    ``model`` is ``Sequential(Linear, smooth activation, Linear)``, ``loss`` is ``CrossEntropyLoss()`` by mean, ``data`` is (inputs, class indices).
    The ball holds all parameters within the Euclidean ``radius``, weights and biases together, frozen ones too. The Gauss-Newton part is
    positive semidefinite, and the residual part is block-diagonal over the hidden neurons: both edges come from small matrices, made of
    enclosures of every example's activations, slopes and residuals over the ball.

    ``lower`` is at or below the least eigenvalue everywhere in the ball, ``upper`` at or above the greatest. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule` for another model, an activation with kinks, or another loss, and ``ValueError``
    for data that do not fit and for numbers that leave float64.

    Theorem: ``hessian.lower-edge`` (upper descent; lower l2).
    Theorem: ``hessian.upper-edge`` (upper gauss_newton, ascent, l2).

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> data = torch.randn(20, 3), torch.randint(2, (20,))
    >>> edges = shallow_edges(model, nn.CrossEntropyLoss(), data, l2=0.1)
    >>> edges.lower.value < 0.1 < edges.upper.value
    True
    """
    check_loss(loss)
    check_number("a radius", radius)
    check_number("a ridge", l2)
    network = shallow(model, data)
    here = behave(network, 0.0)
    return edges_of(network, here, behave(network, radius) if radius else here, l2)


def check_loss(loss: nn.Module) -> None:
    """Refuse what is not the mean cross-entropy of class indices."""
    plain = (
        isinstance(loss, nn.CrossEntropyLoss)
        and loss.weight is None
        and loss.reduction == "mean"
        and loss.label_smoothing == 0.0
        and loss.ignore_index < 0
    )
    if not plain:
        raise UnknownModule(
            f"the constants of {type(loss).__name__} as set are not known here: use CrossEntropyLoss() with the mean, no weights and no class ignored"
        )
    check_plain(loss)


def edges_of(network: Shallow, here: Behaviour, ball: Behaviour, l2: float) -> HessianEdges:
    """The edges from enclosures of the examples at the centre and over the ball.

    Theorem: ``hessian.lower-edge`` (upper descent; lower l2).
    Theorem: ``hessian.upper-edge`` (upper gauss_newton, ascent, l2).
    """
    descent, ascent = _residual_edges(network, here, ball)
    curved = _gauss_newton(network, ball)
    lower = derive("hessian.lower-edge", descent=descent, l2=l2)
    upper = derive("hessian.upper-edge", gauss_newton=curved, ascent=ascent, l2=l2)
    return HessianEdges(lower, upper, ball.radius, descent, ascent, curved)


def _residual_edges(network: Shallow, here: Behaviour, ball: Behaviour) -> tuple[Bound, Bound]:
    """At or above every eigenvalue of the negated blocks, and of the blocks, anywhere in the ball; not below zero.

    A block at the centre is taken as it is, and its greatest move charged; where that is more than a block can have at all, its size is taken.
    """
    inputs, count = network.inputs, network.examples
    bend = here.backward * here.curvature  # g_j phi''(z_j), every example and neuron
    side, loose = _sides(network, here)
    squares = network.sizes**2 * WIDER
    moves, most = block_moves(network, here, ball), block_sizes(network, ball)
    edges = [Bound(0.0, Side.UPPER, Measured("no eigenvalue counts that pulls the other way"))] * 2
    for neuron in range(network.neurons):
        rounding = gamma(count + 4) * float((bend.magnitude()[:, neuron] * squares).sum()) / count * WIDER
        size = Bound(float(most[neuron]), Side.UPPER, Measured("size of a block anywhere in the ball"))
        for number, (sign, values) in enumerate(((1.0, bend.low[:, neuron]), (-1.0, bend.high[:, neuron]))):
            corner = (inputs * (values / count)[:, None]).T @ inputs
            least = least_eigenvalue(sign * _block(corner, side[neuron]), rounding + float(loose[neuron] + moves[neuron]))
            pull = Bound(max(-least.value, 0.0), Side.UPPER, Combined("minus the least eigenvalue of a block", (least,)))
            edges[number] = max(edges[number], tightest(pull, size), key=lambda bound: bound.value)
    return edges[0], edges[1]


def _block(corner: Tensor, side: Tensor) -> Tensor:
    corner = (corner + corner.T) / 2
    return torch.cat((torch.cat((corner, side.T), 1), torch.cat((side, side.new_zeros(len(side), len(side))), 1)))


def _sides(network: Shallow, here: Behaviour) -> tuple[Tensor, Tensor]:
    """For every neuron the mean of r phi'(z) (x, 1)' at the middles, and at or above how far the true one is from it."""
    inputs, count = network.inputs, network.examples
    residual, slope = here.residual.middle, here.slope.middle
    sides = torch.einsum("nk,nj,nd->jkd", residual / count, slope, inputs)
    lengths = rows_up(residual)
    off = rows_up(here.residual.radius)[:, None] * here.slope.magnitude() + lengths[:, None] * here.slope.radius
    rounding = gamma(count + 4) * (lengths[:, None] * slope.abs() * network.sizes[:, None]).mean(0)
    return sides, (together(network, off) + rounding) * WIDER + 2.0**-900


def _gauss_newton(network: Shallow, ball: Behaviour) -> Bound:
    """At or above the greatest eigenvalue of the Gauss-Newton part: whole where that is small enough, and layer by layer.

    Whole: at the centre the stacked rows of Q'J, to which every example adds at most what it moves in the ball.
    """
    steep, sizes, radius = ball.slope.magnitude().amax(1), network.sizes, ball.radius
    outer = matrix_norm(network.outer).upper.value
    hidden = rows_up(ball.hidden.magnitude())
    moved = steep * sizes * radius  # of the hidden values
    first = sizes_of(network, ball).inner ** 2
    last = matrix_norm(ball.hidden.middle * (ball.softmax * WIDER / network.examples).sqrt()[:, None]).upper.value
    rest = torch.sqrt((ball.softmax * (moved + rows_up(ball.hidden.radius)) ** 2).mean())
    value = float(weighted(network, first)) + (last + float(rest)) ** 2 * WIDER
    parameters, rows = network.first.numel() + network.second.numel(), network.examples * len(network.second)
    if min(parameters, rows) <= _MOST_PARAMETERS and rows * parameters <= _MOST_ENTRIES and bool(ball.growth.isfinite().all()):
        reach = torch.hypot(steep * (outer + radius) * sizes, hidden + moved) * WIDER  # at or above |J|
        change = torch.hypot(sizes * (outer * ball.slope.radius.amax(1) + radius * steep), moved + rows_up(ball.hidden.radius))
        slack = PROBABILITIES * float((ball.growth * reach**2).mean())
        added = float(torch.sqrt(((ball.softmax + PROBABILITIES * ball.growth) * change**2).mean()))
        whole = (_stacked(network, ball) + added) ** 2 * WIDER + slack
        value = min(value, whole)
    return Bound(math.nextafter(value, math.inf), Side.UPPER, Measured("Gauss-Newton part, from enclosures of the examples"))


def _stacked(network: Shallow, ball: Behaviour) -> float:
    """At or above the norm of the rows Q'J of all examples at the middles, each times the root of its growth over their number."""
    pulled = (ball.roots @ network.outer) * ball.slope.middle[:, None, :]
    left = torch.einsum("nkj,nd->nkjd", pulled, network.inputs).flatten(2)
    right = torch.einsum("nkc,nj->nkcj", ball.roots, ball.hidden.middle).flatten(2)
    rows = torch.cat((left, right), 2) * (ball.growth / network.examples).sqrt()[:, None, None]
    return matrix_norm(rows.flatten(0, 1)).upper.value * WIDER
