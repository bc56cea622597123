"""A network with one hidden layer and the cross-entropy: what its examples do while the parameters stay in a ball."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..networks.activations import UnknownModule
from ..networks.chain import leaves
from ..networks.intervals import Interval
from ..networks.plain import check_plain
from ..rounding import gamma
from ..spectral.dense import exact_weights, matrix_norm
from ..spectral.modules import PASSING
from .derivatives import Smooth

WIDER = 1 + 2.0**-30
"""A factor that covers what a few hundred roundings of positive float64 numbers add."""
PROBABILITIES = 1e-11
"""How far diag p - p p' of computed probabilities may be from that of true ones, with room to spare."""


@dataclass(frozen=True)
class Shallow:
    """f(x) = V phi(W x + b) + c, and n examples of it: float64 tensors that hold the stored numbers exactly.

    ``first`` is [W, b] (neurons, inputs + 1), ``second`` is [V, c] (classes, neurons + 1), ``inputs`` is [examples, inputs + 1] with ones last.
    """

    first: Tensor
    second: Tensor
    activation: Smooth
    inputs: Tensor
    targets: Tensor

    @property
    def neurons(self) -> int:
        """The size of the hidden layer."""
        return len(self.first)

    @property
    def examples(self) -> int:
        """The number of examples."""
        return len(self.inputs)


def shallow(model: nn.Module, data: tuple[Tensor, Tensor]) -> Shallow:
    """Read a ``Sequential(Linear, smooth activation, Linear)`` and its data (inputs, class indices).

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for another model, and ``ValueError`` for data that do not fit.
    """
    layers = [module for _, module in leaves(model) if not isinstance(module, PASSING)]
    for layer in layers:
        check_plain(layer)
    if len(layers) != 3 or not isinstance(layers[0], nn.Linear) or not isinstance(layers[2], nn.Linear):
        kinds = ", ".join(type(layer).__name__ for layer in layers)
        raise UnknownModule(f"edges of the Hessian are known for Linear, a smooth activation, Linear; this model is {kinds}")
    inputs, targets = (torch.as_tensor(part).detach().to("cpu") for part in data)
    rows = exact_weights(inputs.flatten(1), "the inputs")
    if (
        not len(rows)
        or rows.shape[1] != layers[0].in_features
        or len(targets) != len(rows)
        or targets.dtype not in (torch.int64, torch.int32)
    ):
        raise ValueError(f"data are (inputs [n, {layers[0].in_features}], class indices [n]) with at least one example")
    if bool((targets < 0).any()) or bool((targets >= layers[2].out_features).any()):
        raise ValueError(f"class indices lie between 0 and {layers[2].out_features - 1}")
    ones = torch.ones(len(rows), 1, dtype=torch.float64)
    return Shallow(_held(layers[0]), _held(layers[2]), Smooth(layers[1]), torch.cat((rows, ones), 1), targets.to(torch.int64))


def augmented(weight: Tensor, bias: Tensor | None) -> Tensor:
    """The float64 matrix [weight, bias], the bias zero where there is none."""
    column = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias
    return torch.cat((weight, column[:, None]), 1)


def _held(layer: nn.Linear) -> Tensor:
    bias = None if layer.bias is None else exact_weights(layer.bias, "a bias")
    return augmented(exact_weights(layer.weight, "a weight"), bias)


@dataclass(frozen=True)
class Behaviour:
    """For every example, over all parameters within ``radius``: enclosures of what the Hessian is made of, [examples, ...].

    ``hidden`` encloses phi(z), ``slope`` phi'(z), ``curvature`` phi''(z), ``bend`` phi'''(z) of the hidden neurons; ``residual`` encloses p - e_y;
    ``backward`` encloses (V'(p - e_y)) neuron by neuron; ``outputs_move`` and ``softmax`` are at or above how far the outputs move and the
    norm of diag p - p p'.
    """

    radius: float
    hidden: Interval
    slope: Interval
    curvature: Interval
    bend: Interval
    residual: Interval
    residual_move: Tensor
    backward: Interval
    outputs_move: Tensor
    probabilities: Interval
    softmax: Tensor


def behave(network: Shallow, radius: float) -> Behaviour:
    """Enclose the examples' quantities for parameters within ``radius`` (Euclidean, all parameters together) of the stored ones."""
    size = _rows_up(network.inputs)
    here = affine_rows(network.first, Interval.point(network.inputs))
    reach = (size * radius * WIDER)[:, None]
    inside = here.widened(reach) if radius else here
    centre = network.activation.value(here)
    slope, curvature, bend = (
        enclose(inside) for enclose in (network.activation.first, network.activation.curvature, network.activation.bend)
    )
    ones = torch.ones(network.examples, 1, dtype=torch.float64)
    hidden = Interval(torch.cat((centre.low, ones), 1), torch.cat((centre.high, ones), 1))
    outputs = affine_rows(network.second, hidden)
    second_norm = matrix_norm(network.second[:, :-1]).upper.value
    steep = slope.magnitude().amax(1)
    hidden_size = _rows_up(hidden.magnitude())
    straight = torch.sqrt((steep * second_norm * size) ** 2 + hidden_size**2) * radius
    move = (straight + steep * size * (radius * radius / 2)) * WIDER
    probabilities = _softmax(outputs)
    one_hot = torch.nn.functional.one_hot(network.targets, len(network.second)).to(torch.float64)
    residual = Interval(probabilities.low - one_hot, probabilities.high - one_hot).widened(0.0)
    spread = (2 * probabilities.high * (1 - probabilities.low)).clamp_max(0.5).amax(1)
    softmax = torch.minimum(torch.exp(math.sqrt(2) * move) * spread * WIDER, torch.full_like(spread, 0.5))
    residual_move = softmax * move * WIDER
    columns = torch.linalg.vector_norm(network.second[:, :-1], dim=0) * WIDER
    pulled = affine_rows(network.second[:, :-1].T, residual)
    loose = (columns * residual_move[:, None] + radius * (_rows_up(residual.magnitude()) + residual_move)[:, None]) * WIDER
    backward = pulled.widened(loose) if radius else pulled
    return Behaviour(radius, hidden, slope, curvature, bend, residual, residual_move, backward, move, probabilities, softmax)


def affine_rows(weight: Tensor, rows: Interval) -> Interval:
    """Enclosures of ``weight @ row`` over every row, [rows, outputs]."""
    middle, absolute = rows.middle, weight.abs().T
    center = middle @ weight.T
    spread = (rows.radius @ absolute + gamma(weight.shape[1] + 1) * (middle.abs() @ absolute)) * WIDER + 2.0**-1000
    return Interval(center - spread, center + spread)


def _softmax(outputs: Interval) -> Interval:
    """Enclosures of the probabilities: a logit off by at most r each changes every probability by a factor of at most exp(2 r)."""
    radius = outputs.radius.amax(1, keepdim=True)
    values = torch.softmax(outputs.middle, 1)
    factor = torch.exp(2 * radius) * (1 + 2.0**-45)
    return Interval((values / factor - 2.0**-900).clamp_min(0), (values * factor + 2.0**-900).clamp_max(1))


def _rows_up(rows: Tensor) -> Tensor:
    """At or above the Euclidean norm of every row."""
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=1) * WIDER + 2.0**-500
    return lengths
