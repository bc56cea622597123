"""A sketch of the curvature from the gradients of groups of records: a preconditioner that takes passes over single gradients and no product."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from ..engines.data import Batch
from ..engines.problem import Problem
from ..kronecker.columns import Fisher, drawn, exact, observed
from ..operators.curvature import Curvature
from ..operators.gauss_newton import tensor_outputs
from ..per_example.gradients import per_example_gradients
from ..solves.low_rank import LowRank
from .vectors import literal, numbered

Draws: TypeAlias = tuple[torch.Generator, int]


def group_sketch(
    operator: Curvature,
    groups: int,
    *,
    passes: int = 1,
    rank: int | None = None,
    fisher: Literal["type-2", "monte-carlo", "empirical"] = "type-2",
    chunk: int = 32,
    generator: torch.Generator | None = None,
) -> LowRank:
    """The leading part of C C', an unbiased estimate of the operator's Gauss-Newton or Fisher matrix, for :func:`influence` and :func:`solve` to be steered by.

    Each pass over the data deals the records out to ``groups`` groups at random. A group's column of C [P, groups * passes] is the sum of
    J_n' M_n^(1/2) z over its records, J_n the Jacobian of the outputs, M_n the record's share of the Hessian of the loss in the outputs, z
    random signs: what single gradients cost (some hundred products with a small model, in time), and no product with the curvature. Of the
    singular vectors the ``rank`` leading ones are kept (default: half of the columns; the others are mostly noise). Memory: the columns, twice.
    Nothing is known of the distance to the operator.

    ``fisher`` says what M_n is, as for :class:`KroneckerFactored`; more than 256 outputs an example need "monte-carlo". ``chunk`` examples at a time have
    their gradients formed. ``products`` of what is returned counts a pass as one: two forward passes and one backward.

    Raises ``ValueError`` for an operator without records and for numbers that are not positive.
    Source: the sparse sign embedding of Clarkson & Woodruff, J. ACM 63 (2017), applied to a square root of the matrix; preconditioned as Frangella,
    Tropp & Udell (2023).

    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> data = (torch.tensor([[1.0], [2.0]]).double(), torch.zeros(2, 1).double())
    >>> from certify.estimators.operators.gauss_newton import GaussNewton
    >>> sketch = group_sketch(GaussNewton(model, torch.nn.MSELoss(), data), 2, generator=torch.Generator().manual_seed(0))
    >>> round(sketch.values.item(), 9), sketch.products  # twice the mean of 1 and 4
    (5.0, 1)
    """
    if not isinstance(operator, Curvature):
        raise ValueError(
            "groups are of records, and only a curvature operator of a model has those: GaussNewton(model, loss, data)"
        )
    for name, value in (("groups", groups), ("passes", passes), ("rank", 1 if rank is None else rank), ("chunk", chunk)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is a positive whole number, not {value!r}")
    if fisher not in ("type-2", "monte-carlo", "empirical"):
        raise ValueError(f"fisher is 'type-2', 'monte-carlo' or 'empirical', not {fisher!r}")
    problem, names = operator.problem, operator.rows.names
    problem.refuse_stale()
    groups = min(groups, problem.data.examples)
    seed = (
        secrets.randbits(62) if generator is None else int(torch.randint(2**62, (), generator=generator, device=generator.device))
    )
    draws = torch.Generator().manual_seed(seed)
    columns = torch.zeros(groups * passes, operator.shape[0], dtype=torch.float64, device=problem.device)
    for turn in range(passes):
        places = torch.randperm(problem.data.examples, generator=draws) % groups + turn * groups
        for rows, found in _gradients(problem, names, fisher, (draws, seed + turn), chunk):
            columns.index_add_(0, places[rows].to(problem.device), found)
    return _leading(columns / math.sqrt(passes), rank, operator.dtype, passes)


def _gradients(
    problem: Problem, names: tuple[str, ...], fisher: Fisher, draws: Draws, chunk: int
) -> Iterator[tuple[slice, Tensor]]:
    """The records in order, some at a time, with J_n' M_n^(1/2) z of each in float64."""
    before = 0
    for batch in numbered(problem):
        with torch.enable_grad():
            outputs = tensor_outputs(problem, batch).detach()
        turned = _cotangents(problem, batch, outputs, fisher, draws)
        single = per_example_gradients(
            problem.model, _along, (batch.inputs, turned), chunk=chunk, parameters=[literal(name) for name in names]
        )
        for named in single:
            rows = torch.cat([named[name].reshape(len(named[name]), -1).double() for name in names], dim=1)
            yield slice(before, before + len(rows)), rows
            before += len(rows)


def _cotangents(problem: Problem, batch: Batch, outputs: Tensor, fisher: Fisher, draws: Draws) -> Tensor:
    """M_n^(1/2) z for every example of the batch, [n, ...]."""
    generator, seed = draws
    if fisher == "monte-carlo":
        found = drawn(problem, batch, outputs, 1, seed)
    else:
        found = exact(problem, batch, outputs) if fisher == "type-2" else observed(problem, batch, outputs)
    total = torch.zeros_like(outputs)
    for column in found:
        signs = torch.randint(2, (batch.examples,), generator=generator).mul(2).sub(1).to(outputs)
        total += signs.reshape(-1, *[1] * (outputs.dim() - 1)) * column
    return total * math.sqrt(batch.weight)


def _along(outputs: Tensor, cotangents: Tensor) -> Tensor:
    """A loss that is a mean, and whose gradient for one example is the cotangent carried back."""
    mean: Tensor = (outputs * cotangents).flatten(1).sum(1).mean()
    return mean


def _leading(columns: Tensor, rank: int | None, dtype: torch.dtype, passes: int) -> LowRank:
    """The leading left singular vectors of the transposed columns, from their Gram matrix."""
    kept = max(1, len(columns) // 2) if rank is None else rank
    values, vectors = torch.linalg.eigh(columns @ columns.T)
    values, vectors = values.flip(0)[:kept], vectors.flip(1)[:, :kept]
    held = values > 1e-12 * values[0].clamp_min(1e-300)
    held[0] = True
    values, vectors = values[held].clamp_min(1e-300), vectors[:, held]
    directions = columns.T @ (vectors / values.sqrt())
    return LowRank(directions.to(dtype), values.to(dtype), passes)
