"""Losses as functions of a network's outputs: how large their first three derivatives are near outputs that are known.

For one example and its outputs z [K], the mean over the examples taken outside:

* cross-entropy: |p - y|, at most sqrt 2; the norm of diag p - p p', at most 1/2; sqrt 2 times that, at most sqrt 6/9;
* mean squared error: 2 |z - y|/K; 2/K; 0;
* binary cross-entropy with logits: |s(z) - y|/K, at most 1/sqrt K; max s'(z)/K, at most 1/(4 K); max |s''(z)|/K;
* Huber with threshold d: |z - y|/K with entries cut at d, at most d/sqrt K; 1/K; no third derivative, as the second jumps.

The constants of the first are ``softmax.gradient``, ``softmax.smoothness`` and ``softmax.hessian-lipschitz`` of the book; the others are
``squared.*``, ``logistic.*`` and ``huber.*`` entry by entry. The third derivative of log-sum-exp is at most sqrt 2 |u| times its second (Bach
2010), so the second grows by at most exp(sqrt 2 |move|).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..losses import loss_constants
from ..networks.activations import UnknownModule
from ..networks.intervals import Interval
from ..networks.plain import check_plain
from ..spectral.dense import exact_weights
from .derivatives import Smooth
from .probabilities import probabilities_of
from .shallow import ROOT_TWO, WIDER
from .steps import FLOOR, lengths, up

_ROOTED = 2.0**-42  # for every class: how far the square of a computed root is from the Hessian at the middle of the outputs


@dataclass(frozen=True)
class LossSizes:
    """For every example, at or above the norms of the first, second and third derivative in the outputs.

    Wherever the outputs go, the Hessian is at most ``growth`` (R' R + ``slack`` times the identity) with R the ``root`` [examples, K, K]; and
    where they do not move, of a loss without a kink, at least R' R over ``growth`` twice, less the slack, but for a relative 2^-27.
    ``gradient`` encloses the first derivative at the centre, [examples, K], where the targets are known.
    """

    first: Tensor
    second: Tensor
    third: Tensor
    root: Tensor
    growth: Tensor
    slack: float = 0.0
    gradient: Interval | None = None


@dataclass(frozen=True)
class OutputLoss:
    """A loss with its rule; ``kink`` says why it has no third derivative."""

    sizes: Callable[[Interval, Tensor, Tensor | None], LossSizes]
    needs_targets: bool = False
    classes: bool = False
    kink: str = ""

    def checked(self, targets: Tensor | None, examples: int, shape: tuple[int, ...]) -> Tensor | None:
        """The targets as the rule takes them; raises ``ValueError`` where they do not fit the outputs."""
        if self.classes and len(shape) != 1:
            raise UnknownModule(f"cross-entropy takes one row of outputs for each example here, not outputs of shape {shape}")
        if targets is None:
            if self.needs_targets:
                raise ValueError("this loss has a gradient bound only for given targets: pass targets")
            return None
        if not self.classes:
            held = exact_weights(torch.as_tensor(targets), "targets")
            if held.shape != (examples, *shape):
                raise ValueError(f"targets are of the shape of the outputs, {(examples, *shape)}, not {tuple(held.shape)}")
            return held
        held = torch.as_tensor(targets).detach().to("cpu")
        if held.dtype not in (torch.int64, torch.int32) or held.shape != (examples,):
            raise ValueError(f"targets are {examples} class indices, one for each example")
        if bool((held < 0).any()) or bool((held >= shape[0]).any()):
            raise ValueError(f"class indices lie between 0 and {shape[0] - 1}")
        return held.to(torch.int64)


def output_loss(loss: nn.Module) -> OutputLoss:
    """The rule of a torch loss that takes the mean and no weights.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for others.

    >>> output_loss(nn.HuberLoss()).kink[:11]
    'the Hessian'
    """
    rule = _RULES.get(type(loss))
    weighted = getattr(loss, "weight", None) is not None or getattr(loss, "pos_weight", None) is not None
    if rule is None or weighted or getattr(loss, "reduction", "") != "mean":
        raise UnknownModule(
            f"the constants of {type(loss).__name__} as set are not known here: use CrossEntropyLoss, MSELoss, BCEWithLogitsLoss, "
            "HuberLoss or SmoothL1Loss with the mean and no weights"
        )
    if getattr(loss, "ignore_index", -1) >= 0:
        raise UnknownModule(f"{type(loss).__name__} ignores class {loss.ignore_index}: the mean is then not over all examples")
    check_plain(loss)
    found: OutputLoss = rule(loss)
    return found


def _cross_entropy(loss: Any) -> OutputLoss:
    constants = loss_constants("softmax", 1.0)
    assert constants.gradient is not None and constants.hessian_lipschitz is not None
    steepest, most, twisted = constants.gradient.value, constants.smoothness.value, constants.hessian_lipschitz.value
    smoothing = float(loss.label_smoothing)

    def sizes(outputs: Interval, moved: Tensor, targets: Tensor | None) -> LossSizes:
        p = probabilities_of(outputs)
        rows = torch.minimum(2 * p.high * (1 - p.low), p.high).amax(1)  # diag p - p p' is below diag p, and by Gershgorin
        second = up(rows * torch.exp(ROOT_TWO * moved)).clamp_max(most)
        first = torch.full_like(second, steepest)
        residual = None
        if targets is not None:
            wanted = nn.functional.one_hot(targets, p.low.shape[1]).to(p.low) * (1 - smoothing) + smoothing / p.low.shape[1]
            residual = Interval(p.low - wanted, p.high - wanted).widened(2.0**-50)
            first = torch.minimum(first, up(lengths(residual.magnitude()) + second * moved))
        q = torch.softmax(outputs.middle, 1).sqrt()
        root = torch.diag_embed(q) - (q[:, :, None] * q[:, None, :]) * q[:, None, :]
        growth = torch.exp(ROOT_TWO * (moved + lengths(outputs.radius))) * WIDER
        third = (ROOT_TWO * second * WIDER).clamp_max(twisted)
        return LossSizes(first, second, third, root, growth, p.low.shape[1] * _ROOTED, residual)

    return OutputLoss(sizes, classes=True)


def _squared(loss: Any) -> OutputLoss:
    def sizes(outputs: Interval, moved: Tensor, targets: Tensor | None) -> LossSizes:
        assert targets is not None
        count = outputs.low[0].numel()
        second = torch.full_like(moved, 2 / count * WIDER)
        first = up(second * (lengths(_off(outputs, targets)) + moved))
        residual = _residual(outputs, targets, count / 2)
        return LossSizes(
            first, second, torch.zeros_like(moved), _diagonal(outputs, second[:, None]), torch.ones_like(moved), 0.0, residual
        )

    return OutputLoss(sizes, needs_targets=True)


def _logistic(loss: Any) -> OutputLoss:
    sigmoid = Smooth(nn.Sigmoid())

    def sizes(outputs: Interval, moved: Tensor, targets: Tensor | None) -> LossSizes:
        count = outputs.low[0].numel()
        around = outputs.widened(moved.reshape(-1, *[1] * (outputs.low.ndim - 1)))
        second = sigmoid.first(around).magnitude().flatten(1).amax(1)
        first = torch.full_like(moved, math.sqrt(count) * WIDER)
        if targets is not None:
            if bool((targets < 0).any()) or bool((targets > 1).any()):
                raise ValueError("targets of BCEWithLogitsLoss lie between 0 and 1")
            first = torch.minimum(first, lengths(_off(sigmoid.value(outputs), targets)) + second * moved)
        third = sigmoid.curvature(around).magnitude().flatten(1).amax(1)
        residual = None if targets is None else _residual(sigmoid.value(outputs), targets, count)
        bell = torch.sigmoid(outputs.middle) * torch.sigmoid(-outputs.middle)
        root = _diagonal(outputs, bell.flatten(1) / count)
        growth = torch.exp(moved + lengths(outputs.radius)) * WIDER
        return LossSizes(up(first / count), up(second / count), up(third / count), root, growth, _ROOTED, residual)

    return OutputLoss(sizes)


def _huber(loss: Any) -> OutputLoss:
    """Huber's threshold d; the smooth L1 loss with beta is Huber's with d = beta over beta."""
    smooth = isinstance(loss, nn.SmoothL1Loss)
    threshold = float(loss.beta if smooth else loss.delta)
    if not (math.isfinite(threshold) and threshold > 0):
        raise UnknownModule(f"{type(loss).__name__} without a positive threshold has a kink: its gradient jumps")
    scale = 1 / threshold if smooth else 1.0

    def sizes(outputs: Interval, moved: Tensor, targets: Tensor | None) -> LossSizes:
        count = outputs.low[0].numel()
        first = torch.full_like(moved, threshold * math.sqrt(count) * WIDER)
        if targets is not None:  # |z - y| cut at the threshold moves no faster than z
            first = torch.minimum(first, lengths(_off(outputs, targets).clamp_max(threshold)) + moved)
        second = torch.full_like(moved, scale / count * WIDER)
        residual = None
        if targets is not None:
            off = _residual(outputs, targets, count / scale)
            most = threshold * scale / count * WIDER
            residual = Interval(off.low.clamp(-most, most), off.high.clamp(-most, most))
        root = _diagonal(outputs, second[:, None])
        return LossSizes(up(first * scale / count), second, torch.zeros_like(moved), root, torch.ones_like(moved), 0.0, residual)

    return OutputLoss(sizes, kink=f"the Hessian of {type(loss).__name__} jumps at its threshold: it has no Lipschitz constant")


def _off(values: Interval, targets: Tensor) -> Tensor:
    """At or above |z - y|, entry by entry."""
    return Interval(values.low - targets, values.high - targets).widened(FLOOR).magnitude()


def _residual(values: Interval, targets: Tensor, divisor: float = 1.0) -> Interval:
    """An enclosure of (values - targets)/divisor, one row an example."""
    low, high = ((end - targets).flatten(1) / divisor for end in (values.low, values.high))
    return Interval(low, high).widened((low.abs() + high.abs()) * 2.0**-50 + FLOOR)


def _diagonal(outputs: Interval, squares: Tensor) -> Tensor:
    """For every example the diagonal matrix with these squares, a little enlarged."""
    return torch.diag_embed((squares.sqrt() * WIDER).expand(len(outputs.low), outputs.low[0].numel()))


_RULES: dict[type[nn.Module], Callable[[Any], OutputLoss]] = {
    nn.CrossEntropyLoss: _cross_entropy,
    nn.MSELoss: _squared,
    nn.BCEWithLogitsLoss: _logistic,
    nn.HuberLoss: _huber,
    nn.SmoothL1Loss: _huber,
}
