"""A network with one hidden layer and the cross-entropy: what its examples do while the parameters stay in a ball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ..networks.activations import UnknownModule
from ..networks.chain import leaves
from ..networks.intervals import Interval
from ..networks.plain import check_plain
from ..rounding import gamma
from ..spectral.dense import exact_weights, matrix_norm
from .derivatives import Smooth
from .probabilities import probabilities_of

WIDER = 1 + 2.0**-30
"""A factor that covers what a few hundred roundings of positive float64 numbers add."""
PROBABILITIES = 1e-11
"""How far diag p - p p' can be, in any direction, from what float64 makes of the same logits, and of products with it: with room to spare."""
ROOT_TWO = math.nextafter(math.sqrt(2), 2.0)
LARGEST = 1e60
"""No entry and no radius beyond it: products of a few of them must stay within float64."""


@dataclass(frozen=True)
class Shallow:
    """f(x) = V phi(W x + b) + c, and n examples of it: float64 tensors that hold the stored numbers exactly.

    ``first`` is [W, b] (neurons, inputs + 1), ``second`` is [V, c] (classes, neurons + 1), ``inputs`` is [examples, inputs + 1] with ones last.
    A layer without a bias has a zero there, and a zero in place of the one that it would be multiplied by (``constant`` for the second).
    """

    first: Tensor
    second: Tensor
    activation: Smooth
    inputs: Tensor
    targets: Tensor
    constant: float

    @property
    def neurons(self) -> int:
        """The size of the hidden layer."""
        return len(self.first)

    @property
    def examples(self) -> int:
        """The number of examples."""
        return len(self.inputs)

    @property
    def outer(self) -> Tensor:
        """V."""
        return self.second[:, :-1]

    @property
    def sizes(self) -> Tensor:
        """At or above the norm of every row of ``inputs``."""
        return rows_up(self.inputs)


def check_number(name: str, value: float, *, positive: bool = False) -> None:
    """Refuse a radius or a ridge that is no number, negative (or zero where it is ``positive``), or too large to be multiplied."""
    fits = isinstance(value, (int, float)) and 0 <= value <= LARGEST
    if not fits or (positive and value == 0):
        raise ValueError(f"{name} is {'positive' if positive else 'not negative'} and at most {LARGEST:g}, not {value!r}")


def shallow(model: nn.Module, data: tuple[Tensor, Tensor]) -> Shallow:
    """Read a ``Sequential(Linear, smooth activation, Linear)`` and its data (inputs, class indices).

    ``Identity`` and ``Flatten()`` may stand between. Raises :class:`~certify.bounds.networks.activations.UnknownModule` for another model, for
    parametrized layers and for parameters that are used twice, and ``ValueError`` for data that do not fit.
    """
    check_plain(model)
    layers: list[Any] = [module for _, module in leaves(model) if not _passes(module)]
    if len(layers) != 3 or not (_is_linear(layers[0]) and _is_linear(layers[2])):
        kinds = ", ".join(type(layer).__name__ for layer in layers)
        raise UnknownModule(
            f"edges of the Hessian are known for Linear, a smooth activation, Linear; this model is {kinds} (a parametrization is another layer, too)"
        )
    held = [id(parameter) for _, parameter in model.named_parameters(remove_duplicate=False)]
    if len(set(held)) < len(held):
        raise UnknownModule(
            "a parameter that is used twice counts twice in the Hessian: edges are known where every layer has its own"
        )
    activation = Smooth(layers[1])
    first, second = (_held(layer) for layer in (layers[0], layers[2]))
    rows, targets = _examples(data, first.shape[1] - 1, len(second))
    if any(bool((part.abs() > LARGEST).any()) for part in (first, second, rows)):
        raise ValueError(f"weights and inputs beyond {LARGEST:g} leave float64 when they are multiplied: scale them down")
    ones = torch.full_like(rows[:, :1], layers[0].bias is not None)
    return Shallow(first, second, activation, torch.cat((rows, ones), 1), targets, float(layers[2].bias is not None))


def _passes(module: nn.Module) -> bool:
    """Whether the module hands on what it is given, example by example; inputs are flattened where they are read."""
    return isinstance(module, nn.Identity) or (isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1)


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) and type(layer).forward is nn.Linear.forward and not is_parametrized(layer)


def _examples(data: tuple[Tensor, Tensor], features: int, classes: int) -> tuple[Tensor, Tensor]:
    words = f"data are (inputs [n, {features}], class indices [n]) with at least one example"
    try:
        inputs, targets = (torch.as_tensor(part).detach().to("cpu") for part in data)
    except (TypeError, ValueError):
        raise ValueError(words) from None
    if inputs.ndim < 2 or targets.shape != (len(inputs),) or not len(inputs) or targets.dtype not in (torch.int64, torch.int32):
        raise ValueError(words)
    rows = exact_weights(inputs.flatten(1), "the matrix of inputs")
    if rows.shape[1] != features:
        raise ValueError(words)
    if bool((targets < 0).any()) or bool((targets >= classes).any()):
        raise ValueError(f"class indices lie between 0 and {classes - 1}: leave examples out that the loss ignores")
    return rows, targets.to(torch.int64)


def augmented(weight: Tensor, bias: Tensor | None) -> Tensor:
    """The float64 matrix [weight, bias], the bias zero where there is none."""
    column = weight.new_zeros(len(weight)) if bias is None else bias
    return torch.cat((weight, column[:, None]), 1)


def _held(layer: Any) -> Tensor:
    bias = None if layer.bias is None else exact_weights(layer.bias, "a bias")
    return augmented(exact_weights(layer.weight, "a weight"), bias)


@dataclass(frozen=True)
class Behaviour:
    """For every example, over all parameters within ``radius``: enclosures of what the Hessian is made of, [examples, ...].

    ``slope`` encloses phi'(z), ``curvature`` phi''(z), ``bend`` phi'''(z) of the hidden neurons, ``backward`` V'(p - y) neuron by neuron,
    over the ball. ``hidden`` encloses (phi(z), 1) and ``residual`` p - y, at the centre; ``residual_move`` and ``residual_size`` are at or above how
    far the residual moves and how long it gets. With S = diag p - p p' and ``roots`` Q': at the centre S is within ``doubt`` of Q Q'; over
    the ball S <= ``growth`` (Q Q' + PROBABILITIES I), and |S| is at most ``softmax``.
    """

    radius: float
    hidden: Interval
    slope: Interval
    curvature: Interval
    bend: Interval
    residual: Interval
    residual_move: Tensor
    residual_size: Tensor
    backward: Interval
    probabilities: Tensor
    doubt: Tensor
    growth: Tensor
    softmax: Tensor

    @property
    def roots(self) -> Tensor:
        """Q' of every example, [examples, classes, classes]: rows (I - q q') diag(q), q the roots of the computed probabilities."""
        q = self.probabilities.sqrt()
        return torch.diag_embed(q) - (q[:, :, None] * q[:, None, :]) * q[:, None, :]


def behave(network: Shallow, radius: float) -> Behaviour:
    """Enclose the examples' quantities for parameters within ``radius`` (Euclidean, all parameters together) of the stored ones.

    Raises ``ValueError`` where float64 cannot hold them.
    """
    sizes, outer = network.sizes, network.outer
    here = affine_rows(network.first, Interval.point(network.inputs))
    inside = here.widened((sizes * radius * WIDER)[:, None]) if radius else here
    centre = network.activation.value(here)
    slope, curvature, bend = (
        enclose(inside) for enclose in (network.activation.first, network.activation.curvature, network.activation.bend)
    )
    constant = torch.full_like(sizes[:, None], network.constant)
    hidden = Interval(torch.cat((centre.low, constant), 1), torch.cat((centre.high, constant), 1))
    outputs = affine_rows(network.second, hidden)
    if not all(bool(torch.isfinite(part).all()) for part in (inside.low, inside.high, outputs.low, outputs.high)):
        raise ValueError("hidden values or outputs leave the range of float64: scale the data, the weights or the radius down")
    steep = slope.magnitude().amax(1) * sizes
    straight = torch.hypot(steep * matrix_norm(outer).upper.value, rows_up(hidden.magnitude())) * radius
    move = (straight + steep * (radius * radius / 2)) * WIDER
    doubtful = outputs.radius.amax(1)
    probabilities = probabilities_of(outputs)
    one_hot = nn.functional.one_hot(network.targets, len(network.second)).to(torch.float64)
    residual = Interval(probabilities.low - one_hot, probabilities.high - one_hot).widened(0.0)
    spread = (2 * probabilities.high * (1 - probabilities.low)).amax(1)
    softmax = (torch.exp(ROOT_TWO * move) * spread * WIDER).clamp_max(0.5)
    residual_move = (softmax * move * WIDER).clamp_max(ROOT_TWO)
    residual_size = (rows_up(residual.magnitude()) + residual_move).clamp_max(ROOT_TWO)
    pulled = affine_rows(outer.T, residual)
    columns = rows_up(outer.T)
    backward = pulled.widened((columns * residual_move[:, None] + radius * residual_size[:, None]) * WIDER) if radius else pulled
    doubt = (torch.expm1(2 * doubtful) / 2 + PROBABILITIES).clamp_max(1.0)
    growth = torch.exp(ROOT_TWO * move + 2 * doubtful) * WIDER
    return Behaviour(
        radius, hidden, slope, curvature, bend, residual, residual_move, residual_size, backward,
        torch.softmax(outputs.middle, 1), doubt, growth, softmax,
    )  # fmt: skip


def affine_rows(weight: Tensor, rows: Interval) -> Interval:
    """Enclosures of ``weight @ row`` over every row, [rows, outputs]."""
    middle, absolute = rows.middle, weight.abs().T
    center = middle @ weight.T
    spread = (rows.radius @ absolute + gamma(weight.shape[1] + 1) * (middle.abs() @ absolute)) * WIDER + 2.0**-1000
    return Interval(center - spread, center + spread)


def rows_up(rows: Tensor) -> Tensor:
    """At or above the Euclidean norm of every row."""
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=1) * WIDER + 2.0**-500
    return lengths
