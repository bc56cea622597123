"""Gradients of single examples where there is no structured rule: by vmap of one layer, by vmap of the model, or one backward pass each.

They are derivatives of first order of a function of one example, for which batching is right also where torch's forward over
reverse is not (normalisation layers); and they are compared with single backward passes before they are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..engines.calls import called_with
from ..engines.data import Batch, mapped, tensors_of
from ..engines.problem import Problem, arguments
from ..engines.refusals import OperatorRefused
from .batches import part_of
from .cotangents import counted, own_loss
from .sites import Shape
from .taps import Call


class CannotBatch(Exception):
    """There is no structured rule here, or vmap has no way through this layer or model."""


def by_layer(layer: nn.Module, name: str, call: Call, shape: Shape, count: int) -> Tensor:
    """The gradients [N, *shape] in one parameter of a layer, by vmap over the examples of one call."""
    parameter = layer.get_parameter(name).detach()
    inputs, tensors = list(shape.inputs), list(tensors_of(call.inputs))
    outputs = [(counting, known) for counting, known in zip(shape.outputs, call.cotangents, strict=True) if known is not None]
    if len(inputs) != len(tensors) or any(counting is None for counting, _ in outputs):
        raise CannotBatch
    sizes = [(tensor.shape, counting) for tensor, counting in zip(tensors, inputs, strict=True)]
    sizes += [(known.shape, counting) for counting, known in outputs]
    if any(counting is not None and size[counting.dimension] != count for size, counting in sizes):
        raise CannotBatch

    def paired(value: Tensor, examples: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        rows = iter(
            example if counting is None else example.unsqueeze(counting.dimension)
            for example, counting in zip(examples, inputs, strict=True)
        )
        positional, named = mapped(call.inputs, lambda _: next(rows))
        results = tensors_of(called_with(layer, {name: value}, positional, named))
        floating = [result for result in results if result.is_floating_point()]
        acting = [result for result, known in zip(floating, call.cotangents, strict=True) if known is not None]
        terms = [
            (result * weight.unsqueeze(_at(counting))).sum()
            for result, weight, (counting, _) in zip(acting, weights, outputs, strict=True)
        ]
        return torch.stack(terms).sum()

    places = (
        [None if counting is None else counting.dimension for counting in inputs],
        [_at(counting) for counting, _ in outputs],
    )

    def gradients(examples: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        result: Tensor = torch.func.grad(paired)(parameter, examples, weights)
        return result

    batched: Tensor = _batched(gradients, places, tensors, [known for _, known in outputs])
    return batched.detach()


def by_model(problem: Problem, names: Sequence[str], batch: Batch) -> dict[str, Tensor]:
    """The gradients [N, *shape] in these parameters of the model, by vmap over the examples."""
    everything = {name: p.detach() for name, p in zip(problem.layout.names, problem.parameters, strict=True)}

    def own(values: dict[str, Tensor], inputs: Any, targets: Any) -> Tensor:
        positional, named = arguments(mapped(inputs, lambda tensor: tensor[None]))
        outputs = called_with(problem.model, {**problem.buffers, **everything, **values}, positional, named)
        return own_loss(problem, outputs, mapped(targets, lambda tensor: tensor[None]))

    values = {name: everything[name] for name in names}
    found = _batched(lambda inputs, targets: torch.func.grad(own)(values, inputs, targets), (0, 0), batch.inputs, batch.targets)
    counts = counted(problem, batch)
    return {name: _zeroed(gradients.detach(), counts) for name, gradients in found.items()}


def one_by_one(problem: Problem, names: Sequence[str], batch: Batch, *, acting: bool = False) -> dict[str, Tensor]:
    """The same by one backward pass for each example: always possible, and the reference for the rest.

    With ``acting`` a model is refused in which none of the parameters acts on the loss of an example.
    """
    parameters = dict(zip(problem.layout.names, problem.parameters, strict=True))
    wanted = [parameters[name] for name in names]
    found: list[list[Tensor]] = [[] for _ in names]
    for n in range(batch.examples):
        value = _loss_of(problem, n, batch)
        gradients: Sequence[Tensor | None] = [None] * len(wanted)
        if value.requires_grad:
            gradients, acting = _differentiated(value, wanted), False
        for rows, parameter, gradient in zip(found, wanted, gradients, strict=True):
            rows.append(torch.zeros_like(parameter).detach() if gradient is None else gradient.detach())
    if acting:
        raise OperatorRefused(
            "the loss does not depend on the parameters",
            "look for detach(), .data or no_grad in the model, or choose others by parameters=",
        )
    counts = counted(problem, batch)
    return {name: _zeroed(torch.stack(rows), counts) for name, rows in zip(names, found, strict=True)}


def _differentiated(value: Tensor, wanted: Sequence[Tensor]) -> Sequence[Tensor | None]:
    try:
        return torch.autograd.grad(value, wanted, allow_unused=True)
    except RuntimeError as error:
        if "use_reentrant" in str(error):
            raise OperatorRefused("a part of the model runs under a reentrant checkpoint", "pass use_reentrant=False") from None
        raise


def _loss_of(problem: Problem, n: int, batch: Batch) -> Tensor:
    """The own loss of one example, to be differentiated in the parameters."""
    one = part_of(batch, slice(n, n + 1))
    parameters = dict(zip(problem.layout.names, problem.parameters, strict=True))
    positional, named = arguments(one.inputs)
    with torch.enable_grad():
        outputs = called_with(problem.model, {**problem.buffers, **parameters}, positional, named)
        return own_loss(problem, outputs, one.targets)


def _at(counting: Any) -> int:
    return int(counting.dimension)


def _zeroed(gradients: Tensor, counts: Tensor | None) -> Tensor:
    """Zero for the examples that do not count in the loss (theirs would be 0/0)."""
    if counts is None or bool(counts.all()):
        return gradients
    return torch.where(counts.to(gradients.device).reshape(-1, *[1] * (gradients.dim() - 1)), gradients, 0.0)


def _batched(function: Callable[..., Any], places: Any, *trees: Any) -> Any:
    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("error")  # torch warns where it has no batching rule
        try:
            return torch.func.vmap(function, in_dims=places)(*trees)
        except (RuntimeError, NotImplementedError, UserWarning, ValueError, TypeError, AssertionError) as error:
            raise CannotBatch from error
