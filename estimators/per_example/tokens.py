"""Tokens as data: batches in which only one target of each example counts."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..engines.data import Batch
from ..engines.losses import recognise
from ..engines.problem import Problem
from ..engines.refusals import OperatorRefused


def tokens_each(batch: Batch) -> int:
    """The number of targets of an example."""
    return int(batch.targets[0].numel())


def only_token(problem: Problem, batch: Batch, token: int) -> Batch:
    """The batch in which only this target of each example counts: the own loss of an example is then that of the token."""
    known = recognise(problem.loss)
    assert known is not None
    targets = torch.full_like(batch.targets, known[1].get("ignore_index", -100)).flatten(1)
    targets[:, token] = batch.targets.flatten(1)[:, token]
    return replace(batch, targets=targets.reshape(batch.targets.shape))


def count_tokens(problem: Problem) -> int:
    """The number of targets, ignored ones included; refused where the loss of one token is not known."""
    known, total = recognise(problem.loss), 0
    for batch in problem.data.read(in_order=True):
        targets = batch.targets
        if known is None or known[0] != "cross_entropy" or not isinstance(targets, Tensor) or targets.is_floating_point():
            raise OperatorRefused(
                "only a cross-entropy of class indices says what the loss of one token is",
                "pass nn.CrossEntropyLoss, with the classes in the second dimension of the outputs; or unit='example'",
            )
        total += batch.examples * tokens_each(batch)
    return total
