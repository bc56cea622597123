"""Gradients of single examples, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import Unit
from ..engines.parameters import Patterns
from ..engines.problem import Loss
from .datum import PerDatum
from .engine import Engine


class PerExampleGradients:
    """An iterable of the gradients of single data: each item is a dictionary from the names of the parameters to [c, *shape].

    ``len`` is the number of data, ``unit`` what one datum is, ``routes`` how the gradients in each parameter are found. Nothing is kept
    between passes.
    """

    def __init__(self, engine: Engine, chunk: int) -> None:
        self._engine, self.chunk = engine, chunk
        self.unit, self.names = engine.unit, engine.names

    def __len__(self) -> int:
        return self._engine.count

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for pieces, _ in self._chunks():
            yield pieces

    @property
    def routes(self) -> dict[str, str]:
        """How the gradients in each parameter are found, in words."""
        return {name: route.value for name, route in self._engine.plan.routes.items()}

    def matrix(self) -> PerDatum:
        """All of them at once, [data, P], in the order of the parameters of the model: n times the memory of the model."""
        layout = self._engine.problem.layout
        result = torch.zeros(len(self), layout.size, dtype=self._engine.problem.dtype, device=self._engine.problem.device)
        for named, places in self._chunks():
            result[places] = layout.join([named[name] for name in layout.names], result.dtype, lead=1)
        return PerDatum.of(result, self.unit)

    def _chunks(self) -> Iterator[tuple[dict[str, Tensor], slice]]:
        for batch, places in self._engine.batches("gradients of single examples"):
            pieces = self._engine.pieces(batch)
            for start in range(0, batch.examples, self.chunk):
                rows = slice(start, min(start + self.chunk, batch.examples))
                found = {name: piece.dense(rows) for name, piece in pieces.items()}
                for name, gradients in found.items():
                    self._engine.refuse_undefined(gradients, {name: pieces[name]}, batch)
                yield (
                    found,
                    slice(
                        places.start + start * places.step, min(places.start + rows.stop * places.step, places.stop), places.step
                    ),
                )


def per_example_gradients(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    chunk: int = 32,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
) -> PerExampleGradients:
    """The gradients g_n of the own losses loss(model(x_n), y_n), ``chunk`` examples at a time; ``.matrix()`` holds them all.

    They are rounded like any gradient in the precision of the model. ``unit="token"`` gives the gradients of the losses of single
    tokens (a cross-entropy of class indices), one position of a batch after the other; a row of :meth:`PerExampleGradients.matrix` is then
    a token. Refused: what :func:`per_example_norms` refuses.

    >>> model = nn.Linear(1, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 2.0)
    >>> gradients = per_example_gradients(model, nn.MSELoss(), (torch.ones(3, 1).double(), torch.zeros(3, 1).double()), chunk=2)
    >>> [tuple(chunk["weight"].shape) for chunk in gradients], gradients.matrix()[0]
    ([(2, 1, 1), (1, 1, 1)], tensor([4.], dtype=torch.float64))
    """
    if chunk < 1:
        raise ValueError(f"chunk is a positive number of examples, not {chunk}")
    return PerExampleGradients(Engine(model, loss, data, parameters=parameters, unit=unit), chunk)
