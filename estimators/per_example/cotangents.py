"""The derivative of each example's own loss in the outputs of the model.

The own loss of example n is loss(outputs[n:n+1], targets[n:n+1]): what the loss would be if the example were the whole data set. For
losses that are recognised it follows from the loss of the batch, which is a mean weighted by what each example counts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..engines import losses
from ..engines.data import Batch, mapped
from ..engines.problem import Problem
from ..engines.refusals import OperatorRefused
from .batches import part_of, refuse_uneven
from .pieces import accumulator


def own_cotangents(problem: Problem, outputs: Tensor, batch: Batch) -> Tensor:
    """∂(own loss of n)/∂(outputs of n), in the shape of the outputs [N, ...]; zero for an example whose targets are all ignored."""
    known = losses.recognise(problem.loss)
    with torch.enable_grad():
        leaf = outputs.detach().requires_grad_()
        if known is not None and isinstance(batch.targets, Tensor):
            value, amounts = problem.loss(leaf, batch.targets), _amounts(problem, batch)
            scale = float(batch.examples) if amounts is None else 1.0
            (gradient,) = torch.autograd.grad(value, [leaf], [torch.full_like(value, scale)])
            if amounts is not None:
                shares = torch.where(amounts > 0, amounts.sum() / amounts, 0.0).to(gradient.dtype)
                gradient = gradient * shares.reshape(-1, *[1] * (gradient.dim() - 1))
        else:
            gradient = _one_by_one(problem, leaf, batch)
    if not bool(torch.isfinite(gradient.sum())):
        finite = torch.isfinite(gradient.reshape(len(gradient), -1)).all(1)
        if not bool(finite.all()):  # else it is the sum that overflows
            raise OperatorRefused(
                f"the loss of example {int(torch.nonzero(~finite)[0])} of batch {batch.index} has a derivative that is not finite",
                "look for overflow in the model, or a logarithm of zero",
            )
    return gradient


def refuse_coupled(problem: Problem, outputs: Tensor, batch: Batch) -> None:
    """Refuse a loss in which examples act on each other: its derivative in the outputs of one is no multiple of that of its own loss."""
    leaf = outputs.detach().requires_grad_()
    own = own_cotangents(problem, outputs, batch).reshape(len(outputs), -1)
    with torch.enable_grad():
        value = problem.loss(leaf, batch.targets)
        if not isinstance(value, Tensor) or value.numel() != 1:
            return  # the loss of one example was a number: a loss that is tied to the size of the batch
        together = torch.autograd.grad(value.reshape(()), [leaf])[0].reshape(len(outputs), -1)
    along = (own * together).sum(1).square()
    sizes = own.square().sum(1) * together.square().sum(1)
    if bool((sizes - along > 100 * torch.finfo(own.dtype).eps ** 0.5 * sizes).any()):
        raise OperatorRefused("the loss is no weighted mean of one term for each example", "use the loss of single examples")


def own_loss(problem: Problem, outputs: Tensor, targets: Any) -> Tensor:
    """The loss of one example, whose outputs and targets have a first dimension of one."""
    value = problem.loss(outputs, targets)
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise OperatorRefused(f"the loss of one example is {shape}, not one number", "reduce it by mean")
    return value.reshape(())


def counted(problem: Problem, batch: Batch) -> Tensor | None:
    """Which examples have a target that counts, or None where the loss ignores no target."""
    amounts = _amounts(problem, batch)
    return None if amounts is None else amounts > 0


def _amounts(problem: Problem, batch: Batch) -> Tensor | None:
    """What each example counts in a cross-entropy of class indices, [N]; None where all count the same."""
    known, targets = losses.recognise(problem.loss), batch.targets
    if known is None or known[0] != "cross_entropy" or not isinstance(targets, Tensor) or targets.is_floating_point():
        return None
    used, weights = targets != known[1].get("ignore_index", -100), known[1].get("weight")
    if weights is None and bool(used.all()):
        return None
    used, wide = used.reshape(batch.examples, -1), accumulator(targets.device)
    counts: Tensor = used.sum(1, dtype=wide)
    if weights is not None:
        looked = weights.to(targets.device, wide)[torch.where(used, targets.reshape(used.shape), 0)]
        counts = (looked * used).sum(1)
    return counts


def _one_by_one(problem: Problem, leaf: Tensor, batch: Batch) -> Tensor:
    """The derivatives of any loss, batched by vmap, or else in a loop."""

    def own(output: Tensor, targets: Any) -> Tensor:
        return own_loss(problem, output[None], mapped(targets, lambda tensor: tensor[None]))

    refuse_uneven(batch)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            result: Tensor = torch.func.vmap(torch.func.grad(own))(leaf.detach(), batch.targets)
            return result
    except OperatorRefused:
        raise
    except (RuntimeError, NotImplementedError, ValueError):
        rows = [slice(n, n + 1) for n in range(batch.examples)]
        values = [own_loss(problem, leaf[row], part_of(batch, row).targets) for row in rows]
        return torch.autograd.grad(torch.stack(values).sum(), [leaf])[0]
