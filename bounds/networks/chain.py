"""A model as a chain of affine maps with elementwise activations between them, for the bounds that look at layers together."""

from __future__ import annotations

import copy
import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from ..spectral.dense import NotALinearMap, exact_weights
from ..spectral.modules import CONVOLUTIONS, NORMALISATIONS, convolution_of, normalisation_factors, shape_after
from ..spectral.unrolled import summing_error, unrolled
from .activations import Activation, RealHardsigmoid, RealSoftplus, Rectified, UnknownModule, activation_of
from .intervals import Interval, affine
from .plain import at_place, check_alone, check_plain, place

_MOST_ENTRIES = 1 << 24
_FOLDED = 2.0**-50
_SMALLEST = 2.0**-900
ORDERED = (nn.Identity, nn.Flatten, nn.Unflatten)
"""Layers that leave the order of the entries of an input as it is."""
_IDENTITY = Activation("Identity", Fraction(1), Fraction(1))


@dataclass(frozen=True)
class Stage:
    """One affine map x -> W x + b in float64 and the activation behind it (None after the last).

    The weights meant differ from ``weight`` by at most ``relative_error`` times their absolute values, the biases by ``bias_error``.
    """

    name: str
    weight: Tensor
    bias: Tensor
    bias_error: Tensor
    relative_error: float = 0.0
    activation: Activation | None = None
    function: nn.Module | None = None


@dataclass(frozen=True)
class Chain:
    """f(x) = W_k s_(k-1)(... s_1(W_1 x + b_1) ...) + b_k: an activation behind every stage but the last."""

    stages: tuple[Stage, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the input, of the hidden layers and of the output."""
        return (self.stages[0].weight.shape[1], *(stage.weight.shape[0] for stage in self.stages))

    def forward(self, inputs: Tensor) -> Tensor:
        """The value at inputs [..., size], in float64 and not rigorous."""
        for stage in self.stages:
            inputs = inputs @ stage.weight.T + stage.bias
            if stage.function is not None:
                inputs = stage.function(inputs)
        return inputs

    def of_inputs(self, features: Sequence[int]) -> Chain:
        """The same chain as a function of some inputs alone, for constants that hold whatever the others are."""
        first = replace(self.stages[0], weight=self.stages[0].weight[:, list(features)])
        return replace(self, stages=(first, *self.stages[1:]))

    def of_margin(self, target: int, other: int) -> Chain:
        """The output ``target`` less the output ``other``.

        Raises :class:`~certify.bounds.networks.activations.UnknownModule` where a normalisation was folded into the last layer: two rows
        that were rounded may agree to the last digit and differ in truth, by what no relative error of their difference can say.
        """
        last = self.stages[-1]
        if last.relative_error:
            raise UnknownModule(
                f"{last.name} holds a folded normalisation, whose rounding a margin cannot count: put a linear layer behind it"
            )
        size = last.bias[target].abs() + last.bias[other].abs()
        margin = Stage(
            f"{last.name}: {target} less {other}",
            (last.weight[target] - last.weight[other])[None],  # rounded once, relative to the difference itself
            (last.bias[target] - last.bias[other])[None],
            (last.bias_error[target] + last.bias_error[other] + 2.0**-52 * size)[None],
            2.0**-52,
        )
        return replace(self, stages=(*self.stages[:-1], margin))


def loosened(stage: Stage, sizes: Tensor) -> Tensor:
    """What the error of the stage's weights can add at inputs of absolute value at most ``sizes``."""
    return stage.relative_error * (sizes @ stage.weight.abs().mT) * (1 + 2.0**-40)


def preactivation(stage: Stage, inputs: Interval) -> Interval:
    """An enclosure of W x + b over the inputs, for every W and b that the stage may mean."""
    exact = affine(stage.weight, stage.bias, inputs)
    if not stage.relative_error and not bool(stage.bias_error.any()):
        return exact
    return exact.widened((loosened(stage, inputs.magnitude()) + stage.bias_error) * (1 + 2.0**-40))


def chain_of(model: nn.Module, input_shape: Sequence[int] | None = None) -> Chain:
    """The chain that a ``Linear`` or a ``Sequential`` of linear layers, convolutions and activations is.

    Convolutions are unrolled (they need ``input_shape``, the shape of one input without the batch). A normalisation in evaluation mode is
    folded into the affine layer before it. Layers that move entries about, such as ``PixelShuffle``, have no place in a chain. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule`, which names the module, for them and anything else, and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for bad weights.

    >>> chain_of(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))).sizes
    (3, 5, 2)
    """
    stages: list[Stage] = []
    shape = None if input_shape is None else tuple(int(length) for length in input_shape)
    for name, module in leaves(model):
        check_plain(module, name)
        where = place(module, name)
        with at_place(module, name):
            activation = activation_of(module)
        if isinstance(module, ORDERED):
            pass
        elif isinstance(module, nn.modules.dropout._DropoutNd):
            if module.training:
                raise UnknownModule(f"{where} draws at random in train mode: call eval()")
        elif activation is not None:
            if not stages or stages[-1].activation is not None:
                raise UnknownModule(f"{where} follows no affine layer: this bound needs one before every activation")
            with at_place(module, name):
                function = evaluated(module, shape or (len(stages[-1].bias),))
            if isinstance(function, Rectified) and function.slopes.ndim:
                function = Rectified(function.slopes.flatten())
            stages[-1] = replace(stages[-1], activation=activation, function=function)
        elif isinstance(module, NORMALISATIONS):
            if not stages or stages[-1].activation is not None:
                raise UnknownModule(f"{where} follows no affine layer: this bound folds it into the layer before it")
            with at_place(module, name):
                stages[-1] = _folded(stages[-1], module)
        elif isinstance(module, nn.Linear):
            if shape is not None and math.prod(shape[:-1]) != 1:
                raise UnknownModule(
                    f"{where} acts on the last axis of an input of shape {shape}, one input, without the batch: this bound takes it as one "
                    "vector (flatten it), or use method='product'"
                )
            stages.append(_linear(name, module))
        elif isinstance(module, CONVOLUTIONS):
            with at_place(module, name):
                stages.append(_convolution(name, module, shape))
        else:
            raise UnknownModule(
                f"{where} is not a layer that this bound knows: it takes Linear, convolutions, elementwise activations and normalisation in "
                "evaluation mode, in a Sequential; method='product' takes more"
            )
        shape = (module.out_features,) if shape is None and isinstance(module, nn.Linear) else shape_behind(module, name, shape)
    if not stages:
        raise UnknownModule("the model has no affine layer")
    whole = [
        stage if stage.activation is not None else replace(stage, activation=_IDENTITY, function=nn.Identity())
        for stage in stages[:-1]
    ]
    if stages[-1].activation is not None:
        size = len(stages[-1].bias)
        whole.append(stages[-1])
        zero = torch.zeros(size, dtype=torch.float64)
        stages.append(Stage("output", torch.eye(size, dtype=torch.float64), zero, zero))
    chain = Chain((*whole, stages[-1]))
    for first, second in zip(chain.stages, chain.stages[1:], strict=False):
        if first.weight.shape[0] != second.weight.shape[1]:
            raise UnknownModule(
                f"{first.name} puts out {first.weight.shape[0]} numbers and {second.name} takes {second.weight.shape[1]}"
            )
    return chain


def evaluated(activation: nn.Module, shape: tuple[int, ...] = ()) -> nn.Module:
    """The activation in float64 and evaluation mode, a copy that works on no input in place, as the real function that bounds speak of.

    ``shape`` is that of its input without the batch, for slopes that differ by channel.

    >>> evaluated(nn.Softplus())(torch.tensor(21.0, dtype=torch.float64)).item() > 21
    True
    """
    if isinstance(activation, nn.Softplus):
        return RealSoftplus(activation.beta, activation.threshold)
    if isinstance(activation, nn.Hardsigmoid):
        return RealHardsigmoid()
    if isinstance(activation, nn.RReLU):
        return Rectified(torch.tensor((activation.lower + activation.upper) / 2, dtype=torch.float64))
    if isinstance(activation, nn.PReLU):
        slopes = exact_weights(activation.weight, "the slopes of PReLU")
        if len(slopes) == 1:
            return Rectified(slopes[0])
        if shape[:1] != (len(slopes),):
            raise UnknownModule(f"PReLU has {len(slopes)} slopes, and its input has another number of channels")
        return Rectified(slopes.reshape(-1, *[1] * (len(shape) - 1)).expand(shape))
    copied = copy.deepcopy(activation).double().eval()
    if hasattr(copied, "inplace"):
        setattr(copied, "inplace", False)  # noqa: B010 (a module's attributes have no types)
    return copied


def leaves(model: nn.Module, prefix: str = "", *, whole: Container[type[nn.Module]] = ()) -> list[tuple[str, nn.Module]]:
    """The layers of nested ``Sequential`` containers in the order in which they are applied, with their names.

    A container whose class is in ``whole`` counts as one layer.
    """
    if not isinstance(model, nn.Sequential) or type(model) in whole:
        return [(prefix, model)]
    check_alone(model, prefix)
    found = []
    for name, child in model._modules.items():  # named_children leaves out a layer that is used twice
        assert child is not None
        found += leaves(child, f"{prefix}.{name}" if prefix else name, whole=whole)
    return found


def shape_behind(module: nn.Module, name: str, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape that the layer puts out for one input of ``shape``, without the batch; None for None.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names the layer, where it takes no such input.

    >>> shape_behind(nn.Linear(4, 2), "0", (4,))
    (2,)
    """
    try:
        return shape_after(module, shape)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise UnknownModule(
            f"{place(module, name)} takes no input of shape {shape}, one input, without the batch: {' '.join(str(error).split())[:200]}"
        ) from None


def _linear(name: str, module: nn.Linear) -> Stage:
    weight = exact_weights(module.weight, f"the weight of {name or 'Linear'}")
    return Stage(name, weight, *_bias(module.bias, len(weight), name))


def _bias(bias: Tensor | None, size: int, name: str) -> tuple[Tensor, Tensor]:
    zero = torch.zeros(size, dtype=torch.float64)
    return (zero if bias is None else exact_weights(bias, f"the bias of {name}")), zero


def _convolution(name: str, module: nn.Module, shape: tuple[int, ...] | None) -> Stage:
    if shape is None:
        raise UnknownModule("it needs the input's shape: pass input_shape=(channels, height, width)")
    convolution, exponent, size, outputs = convolution_of(module, None, shape)
    assert size is not None
    places = outputs or convolution.output_size(size)
    windows = convolution.windows(size, places)
    rows, columns = (
        convolution.kernel.shape[0] * math.prod(places),
        convolution.groups * convolution.kernel.shape[1] * math.prod(size),
    )
    if rows * columns > _MOST_ENTRIES:
        raise UnknownModule(f"it unrolls to {rows:,} × {columns:,}: use method='product'")
    if summing_error(convolution, windows).value > 0:
        raise UnknownModule("it reads a position twice in one window: use method='product'")
    blocks = [block[0] for block in unrolled(convolution, windows, math.prod(size))]
    weight: Tensor = torch.block_diag(*blocks) * 2.0**exponent  # type: ignore[no-untyped-call]
    transposed = outputs is not None
    weight = weight.T if transposed else weight
    channels = int(module.out_channels)  # type: ignore[arg-type]
    bias, zero = _bias(module.bias, channels, name)  # type: ignore[arg-type]
    positions = weight.shape[0] // channels
    return Stage(name, weight, bias.repeat_interleave(positions), zero.repeat_interleave(positions))


def _folded(stage: Stage, module: nn.Module) -> Stage:
    factors, _ = normalisation_factors(module)
    if len(stage.bias) % len(factors):
        raise NotALinearMap(f"it has {len(factors)} channels, and {stage.name} puts out {len(stage.bias)} numbers")
    repeat = len(stage.bias) // len(factors)
    factors = factors.repeat_interleave(repeat)
    mean = exact_weights(module.running_mean, "a running mean").repeat_interleave(repeat)  # type: ignore[arg-type]
    shift = torch.zeros_like(mean) if module.bias is None else exact_weights(module.bias, "a bias").repeat_interleave(repeat)  # type: ignore[arg-type]
    weight, bias = factors[:, None] * stage.weight, factors * (stage.bias - mean) + shift
    error = _FOLDED * (factors.abs() * (stage.bias.abs() + mean.abs()) + shift.abs()) + factors.abs() * stage.bias_error * 2
    meant = (factors != 0)[:, None] & (stage.weight != 0)
    left = (meant & ~_ordinary(weight)).any() | ((factors != 0) & ~_ordinary(factors)).any() | ~torch.isfinite(bias + error).all()
    if bool(left):
        raise UnknownModule(
            f"{stage.name} and this are so ill-scaled that their product leaves the doubles: use method='product'"
        )
    return replace(
        stage,
        weight=weight,
        bias=bias,
        bias_error=error + 2.0**-1000,
        relative_error=stage.relative_error + _FOLDED,
    )


def _ordinary(numbers: Tensor) -> Tensor:
    """Which of the numbers are so far from the ends of the doubles that rounding is relative to them."""
    return (numbers.abs() > _SMALLEST) & (numbers.abs() < 1 / _SMALLEST)
