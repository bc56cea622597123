"""The Lipschitz constant on a box of inputs: slopes are enclosed neuron by neuron, then the Jacobian or the matrix inequality uses them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Enclosed
from ..spectral.dense import matrix_norm
from .chain import Chain, preactivation
from .intervals import Interval, frobenius_distance, scaled_columns, times
from .semidefinite import Slopes
from .slopes import above, below, image, slopes_on


def slopes_everywhere(chain: Chain) -> Slopes:
    """The ranges of the slopes for all inputs."""
    slopes = []
    for stage in chain.stages[:-1]:
        assert stage.activation is not None
        ones = torch.ones_like(stage.bias)
        slopes.append((below(stage.activation) * ones, above(stage.activation) * ones))
    return tuple(slopes)


def slopes_in(chain: Chain, box: tuple[Tensor, Tensor]) -> Slopes:
    """The ranges of the slopes of every neuron for inputs in the box, by interval arithmetic layer by layer.

    >>> from certify.bounds.networks.chain import chain_of
    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU(), torch.nn.Linear(1, 1))
    >>> _ = [torch.nn.init.ones_(parameter) for parameter in model.parameters()]
    >>> zero = torch.zeros(1, dtype=torch.float64)
    >>> slopes_in(chain_of(model), (zero, zero + 1))[0][0].item()
    1.0
    """
    values = Interval(*box)
    slopes = []
    for stage in chain.stages[:-1]:
        assert stage.activation is not None and stage.function is not None
        inside = preactivation(stage, values)
        slopes.append(slopes_on(stage.activation, stage.function, inside))
        values = image(stage.activation, stage.function, inside)
    return tuple(slopes)


def enclosed_value(chain: Chain, points: Tensor) -> Interval:
    """An enclosure of the outputs of the chain at points [..., inputs].

    >>> from certify.bounds.networks.chain import chain_of
    >>> layer = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> value = enclosed_value(chain_of(layer), torch.tensor([0.1], dtype=torch.float64))
    >>> value.low.item() <= 0.1 <= value.high.item() < 0.1 + 1e-12
    True
    """
    values = Interval.point(points)
    for stage in chain.stages:
        values = preactivation(stage, values)
        if stage.activation is not None and stage.function is not None:
            values = image(stage.activation, stage.function, values)
    return values


def jacobian_bound(chain: Chain, slopes: Slopes) -> Bound:
    """An upper bound on the norm of every Jacobian whose slopes lie in the ranges: its middle's norm plus the Frobenius norm of the rest.

    The mean value theorem makes it a Lipschitz constant on a convex set where the slopes lie there.

    Theorem: ``norm.sum`` (upper left, right).
    Theorem: ``norm.frobenius`` (upper frobenius).
    """
    last = chain.stages[-1]
    jacobian = _stage_interval(last.weight, last.relative_error)
    for stage, (low, high) in zip(reversed(chain.stages[:-1]), reversed(slopes), strict=True):
        jacobian = scaled_columns(jacobian, low, high)
        slack = stage.relative_error
        rounded = jacobian.magnitude() @ stage.weight.abs() * slack * (1 + 2.0**-30) if slack else None
        jacobian = times(jacobian, stage.weight)
        if rounded is not None:
            jacobian = Interval(jacobian.low - rounded - 2.0**-1000, jacobian.high + rounded + 2.0**-1000)
    if not bool(torch.isfinite(jacobian.middle).all()):
        return Bound(math.inf, Side.UPPER, Enclosed("the entries of the Jacobian leave the doubles"))
    middle = matrix_norm(jacobian.middle).upper
    rest = Bound(frobenius_distance(jacobian), Side.UPPER, Enclosed("distance of the Jacobians from the middle, by intervals"))
    return derive("norm.sum", left=middle, right=derive("norm.frobenius", frobenius=rest))


def _stage_interval(weight: Tensor, relative_error: float) -> Interval:
    if relative_error == 0.0:
        return Interval.point(weight)
    slack = weight.abs() * relative_error * (1 + 2.0**-40)
    return Interval(weight - slack, weight + slack)
