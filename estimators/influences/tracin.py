"""TracIn: inner products of gradients along the way of training (Pruthi, Liu, Kale & Sundararajan 2020)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.parameters import Patterns
from ..engines.problem import Loss, Problem
from ..per_example.projections import per_example_projections
from .scores import Scores
from .vectors import mean_gradient


def tracin(
    checkpoints: Iterable[tuple[nn.Module, float]], loss: Loss, data: Any, on: Any, *, parameters: Patterns | None = None
) -> Scores:
    """Sum over checkpoints of the learning rate times ⟨g_n, u⟩: gradients of the loss of record n and of the mean loss on ``on``, both there.

    ``checkpoints`` are pairs of a model and the learning rate that was used from it; data as for the operators. An estimate of what plain
    gradient descent from these checkpoints learnt from a record, to first order in the learning rate; it knows no curvature.

    >>> model = nn.Linear(1, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 1.0)
    >>> rows = (torch.tensor([[1.0], [2.0]]).double(), torch.zeros(2, 1).double())
    >>> tracin([(model, 0.1)], nn.MSELoss(), rows, (rows[0][:1], rows[1][:1])).values.tolist()
    [0.4, 1.6]
    """
    total: Tensor | None = None
    count = 0
    for model, rate in checkpoints:
        u = mean_gradient(Problem(model, loss, on, parameters))
        found = rate * per_example_projections(model, loss, data, u, parameters=parameters).as_subclass(torch.Tensor).double()
        total = found if total is None else total + found
        count += 1
    if total is None:
        raise ValueError("TracIn needs at least one checkpoint: pass [(model, learning_rate)]")
    return Scores(total, f"TracIn on {count} checkpoints")
