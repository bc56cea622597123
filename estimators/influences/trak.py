"""Scores in the style of TRAK: random features of gradients, and ridge regression on them (Park, Georgiev, Ilyas, Leclerc & Madry 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import Batch
from ..engines.parameters import Patterns
from ..engines.problem import Loss, Problem
from ..per_example.projections import per_example_projections
from .scores import Scores


def trak(
    models: Sequence[nn.Module],
    loss: Loss,
    data: Any,
    on: Any,
    *,
    dimension: int,
    damping: float,
    parameters: Patterns | None = None,
    generator: torch.Generator | None = None,
) -> Scores:
    """Mean over ``models`` of w'(F'F/n + damping I)^-1 f_n / n: f_n is the gradient of record n on ``dimension`` random directions, F holds all of
    them, w is the mean over ``on``.

    Models trained on the same data from several seeds make the mean less noisy. Gradients are those of the loss; TRAK itself takes those of a
    margin. An estimate by a random projection of an empirical Fisher matrix. The directions are drawn anew for each model from ``generator``.

    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> _ = torch.nn.init.constant_(model.weight, 1.0)
    >>> data = (torch.ones(2, 1).double(), torch.tensor([[0.0], [2.0]]).double())
    >>> drawn = torch.Generator().manual_seed(0)
    >>> on = (data[0][:1], data[1][:1])
    >>> trak([model], torch.nn.MSELoss(), data, on, dimension=8, damping=0.1, generator=drawn).order().tolist()
    [0, 1]
    """
    if not models:
        raise ValueError("TRAK needs at least one model")
    total: Tensor | None = None
    for model in models:
        seed = int(torch.randint(2**62, (), generator=generator or _fresh()))
        features, looked = (_features(model, loss, rows, dimension, seed, parameters) for rows in (data, on))
        count = len(features)
        gram = features.T @ features / count + damping * torch.eye(dimension, dtype=torch.float64, device=features.device)
        mean = _weights(model, loss, on, parameters).to(looked) @ looked
        found = features @ torch.linalg.solve(gram, mean) / count
        total = found if total is None else total + found
    assert total is not None
    return Scores(total / len(models), f"TRAK on {len(models)} models and {dimension} random directions")


def _features(model: nn.Module, loss: Loss, data: Any, dimension: int, seed: int, parameters: Patterns | None) -> Tensor:
    same = torch.Generator().manual_seed(seed % 2**63)
    return (
        per_example_projections(model, loss, data, dimension, generator=same, parameters=parameters).as_subclass(Tensor).double()
    )


def _weights(model: nn.Module, loss: Loss, on: Any, parameters: Patterns | None) -> Tensor:
    problem = Problem(model, loss, on, parameters)
    return torch.cat([_even(batch) for batch in problem.data.read(in_order=True)])


def _even(batch: Batch) -> Tensor:
    return torch.full((batch.examples,), batch.weight / batch.examples, dtype=torch.float64)


def _fresh() -> torch.Generator:
    generator = torch.Generator()
    generator.seed()
    return generator
