"""Inner products between the gradients of single examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from ..engines.data import Unit
from ..engines.parameters import Patterns
from ..engines.problem import Loss
from .datum import PerDatum
from .engine import Engine, Pieces
from .pieces import accumulator

HELD = 1 << 26
"""Numbers that are held of the first factor before the data are read again for the second (256 MiB in float32)."""

Block = tuple[Pieces, slice]
"""The gradients of a batch, and the places of its data."""


@overload
def per_example_gram(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    against: Any = None,
    by_parameter: Literal[False] = False,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> PerDatum: ...
@overload
def per_example_gram(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    against: Any = None,
    by_parameter: Literal[True],
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> dict[str, PerDatum]: ...
def per_example_gram(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    against: Any = None,
    by_parameter: bool = False,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> PerDatum | dict[str, PerDatum]:
    """⟨g_n, g_m⟩ for all pairs of data, [n, n] in float64, without the gradients g of the own losses loss(model(x_n), y_n).

    With ``against``, other data of the same model and loss, ⟨g_n, h_m⟩ is [n, m]: rows belong to ``data``. Sums run in the
    precision of the model (float32 at least), or in ``accumulate``; an entry has an error of the order of |g_n||g_m| times the
    rounding unit. ``by_parameter`` gives the part of each parameter. Long data are read again for each block of batches that is held.
    Refused: what :func:`per_example_norms` refuses.

    >>> model = nn.Linear(1, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 2.0)
    >>> per_example_gram(model, nn.MSELoss(), (torch.ones(2, 1).double(), torch.tensor([[1.0], [3.0]]).double()))
    tensor([[ 4., -4.],
            [-4.,  4.]], dtype=torch.float64)
    """
    first = Engine(model, loss, data, parameters=parameters, unit=unit, accumulate=accumulate)
    second = first if against is None else Engine(model, loss, against, parameters=parameters, unit=unit, accumulate=accumulate)
    while True:
        plans = first.plan, second.plan
        found = _products(first, second, first.names if by_parameter else ("",))
        if plans == (first.plan, second.plan):  # else a batch was found on which the plan fails, and batches were cut otherwise
            break
    result = {name: PerDatum.of(matrix, first.unit) for name, matrix in found.items()}
    return result if by_parameter else result[""]


def _products(first: Engine, second: Engine, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The inner products; where both are the same engine each pair of batches is taken once."""
    device, same = first.problem.device, first is second
    found = {name: torch.zeros(first.count, second.count, dtype=accumulator(device), device=device) for name in names}
    for held in _blocks(first):
        for batch, places in second.batches("inner products of gradients"):
            if same and places.start < held[0][1].start:
                continue
            others = next((pieces for pieces, at in held if same and at == places), None) or second.pieces(batch)
            for pieces, at in held:
                if same and at.start > places.start:
                    continue
                for name, piece in pieces.items():
                    found[name if name in found else ""][at, places] += piece.gram(others[name])
                for matrix in found.values():
                    second.refuse_undefined(matrix[at, places], others, batch)
                    if same and at.start < places.start:
                        matrix[places, at] = matrix[at, places].T
    return found


def _blocks(engine: Engine) -> Iterator[list[Block]]:
    """The batches, as many at a time as may be held."""
    held: list[Block] = []
    size = 0
    for batch, places in engine.batches("inner products of gradients"):
        pieces = engine.pieces(batch)
        held.append((pieces, places))
        size += sum(piece.numbers for piece in pieces.values())
        if size >= HELD:
            yield held
            held, size = [], 0
    if held:
        yield held
