"""A model as a chain of affine maps with elementwise activations between them, for the bounds that look at layers together."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from ..spectral.dense import NotALinearMap, exact_weights
from ..spectral.modules import CONVOLUTIONS, NORMALISATIONS, PASSING, convolution_of, normalisation_factors
from ..spectral.unrolled import summing_error, unrolled
from .activations import Activation, RealSoftplus, UnknownModule, activation_of
from .intervals import Interval, affine
from .plain import check_alone, check_plain

_MOST_ENTRIES = 1 << 24
_FOLDED = 2.0**-50
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
    return stage.relative_error * (stage.weight.abs() @ sizes) * (1 + 2.0**-40)


def preactivation(stage: Stage, inputs: Interval) -> Interval:
    """An enclosure of W x + b over the inputs, for every W and b that the stage may mean."""
    exact = affine(stage.weight, stage.bias, inputs)
    if not stage.relative_error and not bool(stage.bias_error.any()):
        return exact
    return exact.widened((loosened(stage, inputs.magnitude()) + stage.bias_error) * (1 + 2.0**-40))


def chain_of(model: nn.Module, input_shape: Sequence[int] | None = None) -> Chain:
    """The chain that a ``Linear`` or a ``Sequential`` of linear layers, convolutions and activations is.

    Convolutions are unrolled (they need ``input_shape``, the shape of one input without the batch). A normalisation in evaluation mode is
    folded into the affine layer before it. Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names the module,
    for anything else, and :class:`~certify.bounds.spectral.dense.NotALinearMap` for bad weights.

    >>> chain_of(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))).sizes
    (3, 5, 2)
    """
    stages: list[Stage] = []
    shape = None if input_shape is None else tuple(int(length) for length in input_shape)
    for name, module in leaves(model):
        check_plain(module)
        if isinstance(module, PASSING) or (isinstance(module, nn.modules.dropout._DropoutNd) and not module.training):
            continue
        activation = activation_of(module)
        if activation is not None:
            if not stages or stages[-1].activation is not None:
                raise UnknownModule(
                    f"{name} ({type(module).__name__}) follows no affine layer: this bound needs one before every activation"
                )
            stages[-1] = replace(stages[-1], activation=activation, function=evaluated(module))
        elif isinstance(module, NORMALISATIONS):
            if not stages or stages[-1].activation is not None:
                raise UnknownModule(
                    f"{name} ({type(module).__name__}) follows no affine layer: this bound folds it into the layer before it"
                )
            stages[-1] = _folded(stages[-1], module)
        elif isinstance(module, nn.Linear):
            stages.append(_linear(name, module))
            shape = (module.out_features,)
        elif isinstance(module, CONVOLUTIONS):
            stage, shape = _convolution(name, module, shape)
            stages.append(stage)
        else:
            raise UnknownModule(
                f"{name or 'the model'} ({type(module).__name__}) is not a layer that this bound knows: it takes Linear, convolutions, elementwise "
                "activations and normalisation in evaluation mode, in a Sequential"
            )
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


def evaluated(activation: nn.Module) -> nn.Module:
    """The activation in float64 and evaluation mode, a copy, as the real function that bounds speak of.

    >>> evaluated(nn.Softplus())(torch.tensor(21.0, dtype=torch.float64)).item() > 21
    True
    """
    if isinstance(activation, nn.Softplus):
        return RealSoftplus(activation.beta, activation.threshold)
    return copy.deepcopy(activation).double().eval()


def leaves(model: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The layers of nested ``Sequential`` containers in the order in which they are applied, with their names."""
    if not isinstance(model, nn.Sequential):
        return [(prefix, model)]
    check_alone(model, prefix)
    found = []
    for name, child in model._modules.items():  # named_children leaves out a layer that is used twice
        assert child is not None
        found += leaves(child, f"{prefix}.{name}" if prefix else name)
    return found


def _linear(name: str, module: nn.Linear) -> Stage:
    weight = exact_weights(module.weight, f"the weight of {name or 'Linear'}")
    return Stage(name, weight, *_bias(module.bias, len(weight), name))


def _bias(bias: Tensor | None, size: int, name: str) -> tuple[Tensor, Tensor]:
    zero = torch.zeros(size, dtype=torch.float64)
    return (zero if bias is None else exact_weights(bias, f"the bias of {name}")), zero


def _convolution(name: str, module: nn.Module, shape: tuple[int, ...] | None) -> tuple[Stage, tuple[int, ...]]:
    if shape is None:
        raise UnknownModule(
            f"{name} ({type(module).__name__}) needs the input's shape: pass input_shape=(channels, height, width)"
        )
    convolution, exponent, size, outputs = convolution_of(module, None, shape)
    assert size is not None
    places = outputs or convolution.output_size(size)
    windows = convolution.windows(size, places)
    rows, columns = (
        convolution.kernel.shape[0] * math.prod(places),
        convolution.groups * convolution.kernel.shape[1] * math.prod(size),
    )
    if rows * columns > _MOST_ENTRIES:
        raise UnknownModule(f"{name} ({type(module).__name__}) unrolls to {rows:,} × {columns:,}: use method='product'")
    if summing_error(convolution, windows).value > 0:
        raise UnknownModule(f"{name} ({type(module).__name__}) reads a position twice in one window: use method='product'")
    blocks = [block[0] for block in unrolled(convolution, windows, math.prod(size))]
    weight: Tensor = torch.block_diag(*blocks) * 2.0**exponent  # type: ignore[no-untyped-call]
    transposed = outputs is not None
    weight = weight.T if transposed else weight
    channels = int(module.out_channels)  # type: ignore[arg-type]
    bias, zero = _bias(module.bias, channels, name)  # type: ignore[arg-type]
    positions = weight.shape[0] // channels
    after = (channels, *(size if transposed else places))
    return Stage(name, weight, bias.repeat_interleave(positions), zero.repeat_interleave(positions)), after


def _folded(stage: Stage, module: nn.Module) -> Stage:
    factors, _ = normalisation_factors(module)
    if len(stage.bias) % len(factors):
        raise NotALinearMap(
            f"{type(module).__name__} has {len(factors)} channels, and {stage.name} puts out {len(stage.bias)} numbers"
        )
    factors = factors.repeat_interleave(len(stage.bias) // len(factors))
    repeat = len(stage.bias) // module.num_features  # type: ignore[operator]
    mean = exact_weights(module.running_mean, "a running mean").repeat_interleave(repeat)  # type: ignore[arg-type]
    shift = torch.zeros_like(mean) if module.bias is None else exact_weights(module.bias, "a bias").repeat_interleave(repeat)  # type: ignore[arg-type]
    bias = factors * (stage.bias - mean) + shift
    error = _FOLDED * (factors.abs() * (stage.bias.abs() + mean.abs()) + shift.abs()) + factors.abs() * stage.bias_error * 2
    return replace(
        stage, weight=factors[:, None] * stage.weight, bias=bias, bias_error=error, relative_error=stage.relative_error + _FOLDED
    )
