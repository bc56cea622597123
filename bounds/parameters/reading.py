"""Reading a model into the steps whose parameters have a rule; what has none is refused by its place, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.activations import Activation, UnknownModule, activation_of
from ..networks.chain import evaluated, leaves
from ..networks.intervals import Interval
from ..networks.layers import layer_constant
from ..networks.plain import check_plain, place
from ..rounding import gamma
from ..spectral.dense import NotALinearMap, exact_weights
from ..spectral.layers import spectral_norm
from ..spectral.modules import FORWARD, NORMALISATIONS, PASSING, convolution_of, normalisation_factors, shape_after
from .shallow import WIDER
from .steps import FLOOR, Affine, Bend, Fixed, Step

_MAXIMA = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_MEANS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_GLOBAL_MEANS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_FRAMES = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)
_LIMITS = {nn.Tanh: 1.0, nn.Sigmoid: 1.0, nn.ReLU6: 6.0, nn.Softsign: 1.0, nn.Hardsigmoid: 1.0}
"""At or above the absolute values."""

Shape = tuple[int, ...]


def steps_of(model: nn.Module, shape: Shape) -> tuple[tuple[Step, ...], Shape]:
    """The steps of a ``Sequential`` for inputs of ``shape`` (without the batch), and the shape of its outputs.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names the place of the module, for one without a rule, for
    train mode where it draws at random or looks at the batch, and for parameters that are used twice; and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for weights that are no finite real numbers and for shapes that do not fit.

    >>> steps_of(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 2)), (1, 4, 4))[1]
    (2,)
    """
    check_plain(model)
    steps: list[Step] = []
    owners: dict[int, str] = {}
    for name, module in leaves(model):
        where = place(module, name)
        _check_parameters(module, where, owners)
        _check_mode(module, where)
        try:
            after = _after(module, shape)
            steps += _read(module, where, shape, after)
        except NotALinearMap as refusal:
            raise NotALinearMap(f"{where}: {refusal}") from None
        shape = after
    if not any(isinstance(step, Affine) for step in steps):
        raise UnknownModule("the model has no layer with parameters")
    return tuple(steps), shape


def _check_parameters(module: nn.Module, where: str, owners: dict[int, str]) -> None:
    """Refuse parameters under other names, and those that count twice: their moves add up in one direction."""
    named = dict(module.named_parameters())
    if not set(named) <= {"weight", "bias"}:
        raise UnknownModule(
            f"{where} has parameters other than a weight and a bias ({', '.join(sorted(named))}), for which there is no rule; a "
            "parametrization is written out by torch.nn.utils.parametrize.remove_parametrizations"
        )
    for parameter in named.values():
        owner = owners.setdefault(parameter.data_ptr(), where) if parameter.numel() else where
        if owner != where:
            raise UnknownModule(
                f"{where} shares parameters with {owner}: a parameter that is used twice counts twice, which has no rule here"
            )


def _check_mode(module: Any, where: str) -> None:
    if isinstance(module, (nn.modules.dropout._DropoutNd, nn.RReLU)) and module.training:
        raise UnknownModule(f"{where} draws at random in train mode: call eval()")
    if isinstance(module, _MAXIMA) and module.return_indices:
        raise UnknownModule(f"{where} returns indices too: set return_indices=False")
    if isinstance(module, nn.PReLU):
        raise UnknownModule(
            f"{where} has slopes that are parameters, for which there is no rule: use LeakyReLU or a smooth activation"
        )


def _after(module: nn.Module, shape: Shape) -> Shape:
    if isinstance(module, NORMALISATIONS):
        axes = {nn.BatchNorm1d: (1, 2), nn.BatchNorm2d: (3,), nn.BatchNorm3d: (4,)}
        fits = any(isinstance(module, kind) and len(shape) in lengths for kind, lengths in axes.items())
        if not fits or shape[0] != module.num_features:
            raise NotALinearMap(f"normalises {module.num_features} channels, and is given {_words(shape)}")
        return shape
    if isinstance(module, nn.Linear) and shape != (module.in_features,):
        raise NotALinearMap(
            f"takes vectors of {module.in_features} numbers, and is given {_words(shape)}: put a Flatten before it where rows are images"
        )
    try:
        if isinstance(module, PASSING):
            pair = tuple(module(torch.zeros(2, *shape)).shape)
            if len(pair) < 2 or pair[0] != 2:
                raise NotALinearMap("mixes examples: leave the first axis, the batch, as it is (start_dim=1)")
            return pair[1:]
        after = shape_after(module, shape)
    except (RuntimeError, TypeError, IndexError) as error:
        raise NotALinearMap(f"does not take inputs of shape {shape}: {str(error).splitlines()[0]}") from None
    assert after is not None
    return after


def _read(module: Any, where: str, shape: Shape, after: Shape) -> Iterator[Step]:
    activation = activation_of(module)
    if activation is not None:
        yield _bend(module, where, activation)
    elif isinstance(module, nn.modules.dropout._DropoutNd):
        return
    elif isinstance(module, PASSING):
        yield Fixed(where, 1.0, 1.0, _entrywise(module), _moved_back(module))
    elif isinstance(module, nn.Linear):
        yield _dense(module, where, after)
    elif isinstance(module, FORWARD):
        yield _convolution(module, where, shape, after)
    elif isinstance(module, NORMALISATIONS):
        yield from _normalisation(module, where, shape)
    elif isinstance(module, _MAXIMA):
        yield _maximum(module, where)
    elif isinstance(module, (*_MEANS, *_GLOBAL_MEANS)):
        yield _mean(module, where, shape)
    elif isinstance(module, _FRAMES):
        yield Fixed(where, 1.0, 1.0, _entrywise(module), _moved_back(module))
    else:
        raise UnknownModule(
            f"{where} is not a layer whose constants in the parameters are known: these are Linear, Conv1d to Conv3d, BatchNorm in "
            "evaluation mode, pooling, Flatten and elementwise activations, in a Sequential"
        )


def _bend(module: nn.Module, where: str, activation: Activation) -> Bend:
    smooth = activation.second is not None and activation.third is not None
    reason = (
        ""
        if smooth
        else f"{where} has a kink, or second and third derivatives without a bound that is known: the gradient in the parameters may "
        "jump there; use a smooth activation such as tanh or softplus"
    )
    return Bend(where, activation, evaluated(module), _LIMITS.get(type(module), math.inf), reason)


def _dense(module: nn.Linear, where: str, after: Shape) -> Affine:
    weight = exact_weights(module.weight, "the weight")
    column = float(torch.linalg.vector_norm(weight, dim=0).max()) * WIDER + FLOOR
    norm = spectral_norm(module).upper.value
    return Affine(where, weight[None], _bias(module), torch.zeros(1, 1, dtype=torch.int64), after, norm, column, 1.0, 1.0)


def _convolution(module: Any, where: str, shape: Shape, after: Shape) -> Affine:
    convolution, _, size, _ = convolution_of(module, None, shape)
    assert size is not None
    windows = convolution.windows(size)
    reuse, column_reuse = _reuse(windows)
    weight = exact_weights(module.weight, "the weight")
    kernel = weight.reshape(module.groups, len(weight) // module.groups, -1)
    norm = spectral_norm(module, shape).upper.value
    channels = weight.reshape(module.groups, -1, weight.shape[1], windows.shape[1]).transpose(1, 2).flatten(2)
    column = float(torch.linalg.vector_norm(channels, dim=2).max()) * column_reuse * WIDER + FLOOR
    return Affine(
        where, kernel, _bias(module), windows, after, norm, column if column_reuse == 1.0 else norm, reuse, column_reuse
    )


def _reuse(windows: Tensor) -> tuple[float, float]:
    """The m and k of a convolution with these windows: roots of how often an input is read; k is one where no tap reads it twice."""
    held = windows[windows >= 0]
    reads = int(torch.bincount(held).max()) if held.numel() else 1
    reuse = math.sqrt(reads) * (1 + 2.0**-50)
    along, within = windows.sort(0).values, windows.sort(1).values
    twice = bool(((along[1:] == along[:-1]) & (along[1:] >= 0)).any()) or bool(
        ((within[:, 1:] == within[:, :-1]) & (within[:, 1:] >= 0)).any()
    )
    return reuse, reuse if twice else 1.0


def _normalisation(module: Any, where: str, shape: Shape) -> Iterator[Step]:
    """Division by the stored deviations, then a factor and a shift of each channel, which are parameters: a convolution of single places."""
    bare = type(module)(module.num_features, eps=module.eps, affine=False).train(module.training)
    bare.running_var = module.running_var
    factors, error = normalisation_factors(bare)
    mean = exact_weights(module.running_mean, "the running mean")
    column = (len(factors), *[1] * (len(shape) - 1))
    low, high = (factors * (1 - 2 * error)).reshape(column), (factors * (1 + 2 * error)).reshape(column)
    norm = float(high.max()) * WIDER

    def divided(inputs: Interval) -> Interval:
        centred = Interval(inputs.low - mean.reshape(column), inputs.high - mean.reshape(column)).widened(0.0)
        return centred * Interval(low.expand_as(centred.low), high.expand_as(centred.low))

    def back(rows: Interval, shape: Shape) -> Interval:
        return rows * Interval(low.expand_as(rows.low), high.expand_as(rows.low))

    yield Fixed(where, norm, norm, divided, back)
    if module.weight is None:
        return
    weight = exact_weights(module.weight, "the weight")
    places = torch.arange(math.prod(shape[1:]))[:, None]
    largest = float(weight.abs().max())
    yield Affine(where, weight.reshape(-1, 1, 1), _bias(module), places, shape, largest, largest, 1.0, 1.0)


def _maximum(module: Any, where: str) -> Fixed:
    norm = layer_constant(module, None)[0].value
    kink = f"{where} has kinks, where another entry becomes the largest: the gradient in the parameters jumps there; use average pooling"
    return Fixed(where, norm, norm, _entrywise(module), _moved_back(module), kink)


def _mean(module: Any, where: str, shape: Shape) -> Fixed:
    """Average pooling, linear with positive coefficients. Refuses the modes that leave entries out."""
    try:
        norm = layer_constant(module, shape)[0].value
    except UnknownModule as refusal:
        raise UnknownModule(f"{where}: {refusal}") from None
    terms = math.prod(shape[1:])

    def rounded(apply: Callable[[Tensor], Tensor], given: Interval) -> Interval:
        middle = given.middle
        spread = (apply(given.radius).abs() + gamma(terms + 3) * apply(middle.abs()).abs()) * WIDER + 2.0**-1000
        return Interval.point(apply(middle)).widened(spread)

    def averaged(inputs: Interval) -> Interval:
        return rounded(module, inputs)

    def back(rows: Interval, shape: Shape) -> Interval:
        return rounded(lambda values: _pulled(module, values, shape), rows)

    return Fixed(where, norm, norm, averaged, back)


def _entrywise(module: nn.Module) -> Callable[[Interval], Interval]:
    """What moves entries, adds zeros or takes the largest does to both ends of an interval."""
    return lambda inputs: Interval(module(inputs.low), module(inputs.high))


def _pulled(module: nn.Module, rows: Tensor, shape: Shape) -> Tensor:
    """The transpose of a linear module applied to rows [rows, *outputs]."""
    start = torch.zeros(len(rows), *shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        found: Tensor = torch.autograd.grad(module(start), start, rows)[0]
    return found


def _moved_back(module: nn.Module) -> Callable[[Interval, Shape], Interval]:
    """The transpose of what moves entries and adds zeros."""
    return lambda rows, shape: Interval(_pulled(module, rows.low, shape), _pulled(module, rows.high, shape))


def _bias(module: Any) -> Tensor | None:
    return None if module.bias is None else exact_weights(module.bias, "the bias")


def _words(shape: Shape) -> str:
    return f"{shape[0]} numbers" if len(shape) == 1 else f"inputs of shape {shape}"
