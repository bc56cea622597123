"""Gradients of single examples along a few directions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import Unit
from ..engines.parameters import Layout, Patterns
from ..engines.problem import Loss
from .datum import PerDatum
from .engine import Engine
from .pieces import CHUNK, accumulator

Directions = int | Tensor | Mapping[str, Tensor]


def per_example_projections(
    model: nn.Module,
    loss: Loss,
    data: Any,
    directions: Directions,
    *,
    generator: torch.Generator | None = None,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> PerDatum:
    """⟨g_n, v⟩ for the gradients g_n of the own losses loss(model(x_n), y_n) and a few directions v, in float64, without the g_n.

    ``directions`` is one vector [P] (the result is [n]: what influence scores need), vectors [P, K] as columns (the result is [n, K]), a
    dictionary from the names of the parameters to [*shape] or [*shape, K], or a number K of random directions with entries ±1/√K. Those
    keep inner products on average (Achlioptas 2003), E⟨Vg, Vh⟩ = ⟨g, h⟩, and they are made anew for each batch and never held together.
    They come from ``generator`` (None for fresh entropy): generators in the same state give the same directions, for other data too.
    Refused: what :func:`per_example_norms` refuses.

    >>> model = nn.Linear(2, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 1.0)
    >>> data = (torch.tensor([[1.0, 0.0], [0.0, 3.0]]).double(), torch.zeros(2, 1).double())
    >>> per_example_projections(model, nn.MSELoss(), data, torch.tensor([1.0, 1.0]).double())
    tensor([ 2., 18.], dtype=torch.float64)
    """
    engine = Engine(model, loss, data, parameters=parameters, unit=unit, accumulate=accumulate)
    source = (
        _Random(directions, generator)
        if isinstance(directions, int)
        else _Given(directions, engine.problem.layout, engine.problem.device)
    )
    places = engine.problem.layout.slices()
    wide = accumulator(engine.problem.device)
    result = torch.zeros(engine.count, source.count, dtype=wide, device=engine.problem.device)
    for batch, rows in engine.batches("projections"):
        pieces = engine.pieces(batch)
        for i, (name, piece) in enumerate(pieces.items()):
            for columns, block in source.blocks(i, places[name], piece.device):
                result[rows, columns] += piece.products(block)
        engine.refuse_undefined(result[rows], pieces, batch)
    return PerDatum.of(result if source.several else result[:, 0], engine.unit)


class _Given:
    """Directions that are held, as [K, P]."""

    def __init__(self, directions: Tensor | Mapping[str, Tensor], layout: Layout, device: torch.device) -> None:
        if isinstance(directions, Mapping):
            directions = _joined(directions, layout)
        if directions.dim() not in (1, 2) or len(directions) != layout.size:
            raise ValueError(
                f"directions of shape {tuple(directions.shape)} do not fit {layout.size} parameters: pass [{layout.size}] or [{layout.size}, K]"
            )
        if not directions.is_floating_point() or not bool(torch.isfinite(directions).all()):
            raise ValueError("directions hold entries that are no finite floating-point numbers")
        self.several = directions.dim() == 2
        self._rows = directions.detach().to(device).reshape(layout.size, -1).T
        self.count = len(self._rows)

    def blocks(self, parameter: int, entries: slice, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
        """(columns of the result, directions [k, size]) in one parameter."""
        yield slice(0, self.count), self._rows[:, entries]


class _Random:
    """Directions with entries ±1/√K, made from a seed for each parameter and block."""

    several = True

    def __init__(self, count: int, generator: torch.Generator | None) -> None:
        if count < 1:
            raise ValueError(f"the number of directions is positive, not {count}")
        self.count = count
        self._seed = (
            secrets.randbits(62)
            if generator is None
            else int(torch.randint(2**62, (), generator=generator, device=generator.device))
        )

    def blocks(self, parameter: int, entries: slice, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
        """(columns of the result, directions [k, size]) in one parameter."""
        generator = torch.Generator().manual_seed((self._seed + 0x9E3779B97F4A7C15 * (parameter + 1)) % 2**63)
        size = entries.stop - entries.start
        step = max(1, CHUNK // size)
        for start in range(0, self.count, step):
            columns = slice(start, min(start + step, self.count))
            signs = torch.randint(2, (columns.stop - start, size), generator=generator, dtype=torch.int8)
            yield columns, (2 * signs.to(device, torch.float32) - 1) / self.count**0.5


def _joined(named: Mapping[str, Tensor], layout: Layout) -> Tensor:
    shapes = dict(zip(layout.names, layout.shapes, strict=True))
    if any(name in shapes and value.dim() == len(shapes[name]) + 1 for name, value in named.items()):
        columns = {name: value.movedim(-1, 0) if value.dim() else value for name, value in named.items()}
        counts = {len(value) for value in columns.values() if value.dim()}
        if len(counts) != 1:
            raise ValueError("the tensors of a dictionary of directions have different numbers of columns")
        rows = [layout.flatten({name: value[k] for name, value in columns.items()}, torch.float64) for k in range(counts.pop())]
        return torch.stack(rows, 1)
    return layout.flatten(named, torch.float64)
