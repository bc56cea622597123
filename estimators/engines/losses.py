"""Losses that are recognised: their weights in a mean over batches, and their Hessians in the outputs in closed form.

A recognised loss is one of torch's modules or functions, or a ``functools.partial`` of such a function; every other loss is
differentiated twice by torch, in the outputs alone.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .data import tensors_of
from .double_backward import pull
from .pullbacks import recording
from .refusals import OperatorRefused

Scores = Callable[[torch.Generator | None], Tensor]


@dataclass(frozen=True)
class LossHessian:
    """∂²L/∂f² of one batch, as a product with [..., *f] from the left.

    ``convex`` says why it is positive semidefinite (empty if that is not known). ``scores`` draws R with E[R R'] = ∂²L/∂f², one
    independent factor for each datum, by drawing targets from the model; None where the loss is no likelihood of that kind.
    """

    product: Callable[[Tensor], Tensor]
    convex: str
    scores: Scores | None = None


_FUNCTIONS: dict[Any, str] = {
    functional.cross_entropy: "cross_entropy",
    functional.mse_loss: "squared",
    functional.binary_cross_entropy_with_logits: "binary",
    functional.huber_loss: "huber",
    functional.poisson_nll_loss: "poisson",
}
_MODULES: dict[type, tuple[str, tuple[str, ...]]] = {
    nn.CrossEntropyLoss: ("cross_entropy", ("weight", "ignore_index", "label_smoothing")),
    nn.MSELoss: ("squared", ()),
    nn.BCEWithLogitsLoss: ("binary", ("weight", "pos_weight")),
    nn.HuberLoss: ("huber", ("delta",)),
    nn.PoissonNLLLoss: ("poisson", ("log_input", "eps")),
}
_KNOWN = {
    "cross_entropy": {"weight", "ignore_index", "label_smoothing", "reduction"},
    "squared": {"reduction"},
    "binary": {"weight", "pos_weight", "reduction"},
    "huber": {"delta", "reduction"},
    "poisson": {"log_input", "eps", "full", "reduction"},
}


def recognise(loss: Any) -> tuple[str, dict[str, Any]] | None:
    """The kind of a recognised loss and its options, or None.

    >>> recognise(nn.HuberLoss(delta=2.0))
    ('huber', {'delta': 2.0})
    """
    if type(loss) in _MODULES:
        kind, options = _MODULES[type(loss)]
        return kind, {name: getattr(loss, name) for name in options}
    function, given = loss, {}
    if isinstance(loss, functools.partial) and not loss.args:
        function, given = loss.func, dict(loss.keywords)
    if not inspect.isfunction(function) and not inspect.isbuiltin(function):
        return None
    kind = _FUNCTIONS.get(function, "")
    if not kind or set(given) - _KNOWN[kind]:
        return None
    return kind, {name: value for name, value in given.items() if name not in ("reduction", "full")}


def refuse_reduction(loss: Any) -> None:
    """Refuse a loss that says it is not reduced by mean."""
    given = loss.keywords.get("reduction", "mean") if isinstance(loss, functools.partial) else getattr(loss, "reduction", "mean")
    if given in ("sum", "none"):
        raise OperatorRefused(
            f"the loss is reduced by {given!r}, and curvature here is that of a mean",
            "pass reduction='mean', and scale the operator",
        )


def counted_tokens(loss: Any, targets: Any) -> int:
    """The number of targets that count: class indices that are not ignored, or else the rows of the targets."""
    target = next(tensors_of(targets), None)
    if target is None:
        return 1
    if target.is_floating_point():
        return target.shape[0] if target.dim() else 1
    return int((target != (_of_classes(loss) or {}).get("ignore_index", -100)).sum())


def _of_classes(loss: Any) -> dict[str, Any] | None:
    """The options of a loss of class indices, whose mean divides by the weights of those that are not ignored; None for other losses."""
    known = recognise(loss)
    if known is not None:
        return known[1] if known[0] == "cross_entropy" else None
    return _of_log_probabilities(loss)


def _of_log_probabilities(loss: Any) -> dict[str, Any] | None:
    """The options of torch's negative log-likelihood, which takes the outputs of log_softmax; None for other losses."""
    if type(loss) is nn.NLLLoss:
        return {"weight": loss.weight, "ignore_index": loss.ignore_index}
    function, given = (loss.func, loss.keywords) if isinstance(loss, functools.partial) and not loss.args else (loss, {})
    return dict(given) if function is functional.nll_loss else None


def refuse_linear(loss: Any) -> None:
    """Refuse a loss that has no curvature in the outputs, so that every Gauss-Newton matrix would be zero."""
    if _of_log_probabilities(loss) is not None:
        raise OperatorRefused(
            "the negative log-likelihood is linear in the outputs of log_softmax, so the Gauss-Newton matrix is zero",
            "let the model end in the logits, and pass torch.nn.CrossEntropyLoss",
        )


def _looked_up(weights: Tensor, classes: Tensor) -> Tensor:
    beyond = classes[(classes < 0) | (classes >= len(weights))]
    if len(beyond):
        raise OperatorRefused(
            f"a target is class {int(beyond[0])}, and the loss has weights of {len(weights)} classes", "check the targets"
        )
    return weights[classes]


def state_of(loss: Any) -> list[Tensor]:
    """The tensors that a loss carries: those of a module, or the arguments of a partial function."""
    if isinstance(loss, nn.Module):
        return [*loss.parameters(), *loss.buffers()]
    return list(tensors_of([loss.args, loss.keywords])) if isinstance(loss, functools.partial) else []


def weight(loss: Any, inputs: Any, targets: Any) -> float:
    """The weight of a batch in the mean over all batches: what the loss divides by, or else the number of examples.

    >>> weight(functional.cross_entropy, None, torch.tensor([0, 1, -100]))
    2.0
    """
    known, target = recognise(loss), targets if isinstance(targets, Tensor) else None
    options = _of_classes(loss)
    if options is not None and target is not None and not target.is_floating_point():
        kept = target[target != options.get("ignore_index", -100)]
        weights = options.get("weight")
        return float(kept.numel() if weights is None else _looked_up(weights.to(target.device), kept).sum())
    if known is not None and target is not None:
        return float(target.numel() // (target.shape[1 if target.dim() > 1 else 0] if known[0] == "cross_entropy" else 1))
    for tree in (targets, inputs):
        for tensor in tensors_of(tree):
            if tensor.dim():
                return float(tensor.shape[0])
    return 1.0


def differentiated(loss: Callable[[Tensor], Tensor], outputs: Tensor) -> LossHessian:
    """The Hessian of any loss in the outputs, by double backward there; nothing is known of its convexity."""
    leaf = outputs.detach().requires_grad_()
    with torch.enable_grad(), recording():
        value = loss(leaf)
        gradient = pull([value], [leaf], [torch.ones_like(value)], False, create_graph=True)
    return LossHessian(lambda u: pull(gradient, [leaf], [u], u.dim() > leaf.dim())[0], convex="")


def closed_form(loss: Any, outputs: Tensor, targets: Any) -> LossHessian | None:
    """The Hessian of a recognised loss in the outputs, or None."""
    known = recognise(loss)
    if known is None or not isinstance(targets, Tensor):
        return None
    kind, options = known
    wide = outputs.detach().to(torch.promote_types(outputs.dtype, torch.float32))
    if kind == "cross_entropy":
        return _cross_entropy(wide, targets, **options)
    if wide.shape != targets.shape:
        return None  # broadcast, with a warning of torch: left to torch
    return {"squared": _squared, "binary": _binary, "huber": _huber, "poisson": _poisson}[kind](wide, targets, **options)


def _cross_entropy(
    outputs: Tensor, targets: Tensor, weight: Tensor | None = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> LossHessian:
    """a·(diag(p) − p p') over the classes of each datum, where a is the sum of its (weighted, smoothed) target probabilities."""
    dim = (0 if outputs.dim() == 1 else 1) - outputs.dim()
    classes = outputs.shape[dim]
    weights = torch.ones(classes, dtype=outputs.dtype, device=outputs.device) if weight is None else weight.to(outputs)
    if targets.is_floating_point():
        mixed = targets.to(outputs) * (1 - label_smoothing) + label_smoothing / classes
        amounts = (mixed * weights.reshape(-1, *[1] * (-dim - 1))).sum(dim)
        total = outputs.numel() / classes
        positive = bool((amounts >= 0).all())
    else:
        counted = targets != ignore_index
        own = weights[torch.where(counted, targets, 0)] * counted
        amounts = (1 - label_smoothing) * own + (label_smoothing / classes) * weights.sum() * counted
        total = float(own.sum())
        positive = bool((weights >= 0).all())
    scale = (amounts / total).unsqueeze(dim)
    p = outputs.softmax(dim)
    scaled = p * scale

    def product(u: Tensor) -> Tensor:
        return scaled * (u - (p * u).sum(dim, keepdim=True))

    def scores(generator: torch.Generator | None) -> Tensor:
        rows = p.movedim(dim, -1)
        drawn = torch.multinomial(rows.reshape(-1, classes), 1, generator=generator).reshape(rows.shape[:-1])
        return scale.clamp(min=0).sqrt() * (p - functional.one_hot(drawn, classes).movedim(-1, dim))

    reason = "the cross-entropy is convex in the logits: diag(p) - p p' is a covariance"
    return LossHessian(product, reason if positive else "", scores if positive else None)


def _squared(outputs: Tensor, targets: Tensor) -> LossHessian:
    factor = 2.0 / outputs.numel()
    return LossHessian(
        lambda u: factor * u,
        "the square is convex",
        lambda generator: (
            factor**0.5
            * torch.randn(outputs.shape, generator=generator, dtype=outputs.dtype, device=_place(generator, outputs)).to(outputs)
        ),
    )


def _binary(outputs: Tensor, targets: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None) -> LossHessian:
    p, amounts = outputs.sigmoid(), torch.full_like(outputs, 1.0 / outputs.numel())
    if weight is not None:
        amounts = amounts * weight.to(outputs)
    if pos_weight is not None:
        amounts = amounts * (1 + (pos_weight.to(outputs) - 1) * targets.to(outputs))
    diagonal, positive = amounts * p * (1 - p), bool((amounts >= 0).all())

    def scores(generator: torch.Generator | None) -> Tensor:
        return amounts.sqrt() * (p - torch.bernoulli(p.to(_place(generator, p)), generator=generator).to(p))

    reason = "the logistic loss is convex in the logits"
    return LossHessian(lambda u: diagonal * u, reason if positive else "", scores if positive else None)


def _huber(outputs: Tensor, targets: Tensor, delta: float = 1.0) -> LossHessian:
    diagonal = ((outputs - targets.to(outputs)).abs() < delta).to(outputs) / outputs.numel()
    return LossHessian(lambda u: diagonal * u, "the Huber loss is convex")


def _poisson(outputs: Tensor, targets: Tensor, log_input: bool = True, eps: float = 1e-8) -> LossHessian:
    if not log_input:
        diagonal = targets.to(outputs) / (outputs + eps).square() / outputs.numel()
        positive = bool((targets >= 0).all())
        return LossHessian(
            lambda u: diagonal * u, "minus the logarithm is convex, and the counts are nonnegative" if positive else ""
        )
    rate = outputs.exp()
    diagonal = rate / outputs.numel()

    def scores(generator: torch.Generator | None) -> Tensor:
        counts: Tensor = torch.poisson(rate.to(_place(generator, rate)), generator=generator).to(rate)
        return (rate - counts) / math.sqrt(outputs.numel())

    return LossHessian(lambda u: diagonal * u, "the exponential is convex", scores)


def _place(generator: torch.Generator | None, tensor: Tensor) -> torch.device:
    return tensor.device if generator is None else generator.device
