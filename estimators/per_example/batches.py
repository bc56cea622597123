"""Batches whose tensors all count the examples in their first dimension, and parts of them."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..engines.data import Batch, mapped, tensors_of
from ..engines.refusals import OperatorRefused


def part_of(batch: Batch, rows: slice) -> Batch:
    """The batch with these examples alone."""
    if rows.start == 0 and rows.stop >= batch.examples:
        return batch
    inputs, targets = (mapped(tree, lambda tensor: tensor[rows]) for tree in (batch.inputs, batch.targets))
    return replace(batch, inputs=inputs, targets=targets)


def shapes_of(batch: Batch) -> tuple[torch.Size, ...]:
    """The shapes of the inputs of one example, for which a plan was tried or not."""
    return tuple(tensor.shape[1:] for tensor in tensors_of(batch.inputs))


def refuse_uneven(batch: Batch) -> None:
    """Refuse tensors whose first dimension does not count the examples."""
    for what, tree in (("inputs", batch.inputs), ("targets", batch.targets)):
        for tensor in tensors_of(tree):
            if tensor.dim() == 0 or tensor.shape[0] != batch.examples:
                raise OperatorRefused(
                    f"the {what} of batch {batch.index} hold a tensor of shape {tuple(tensor.shape)}, and there are {batch.examples} examples",
                    "let the first dimension of every tensor count the examples",
                )
