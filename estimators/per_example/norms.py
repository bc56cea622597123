"""Norms of the gradients of single examples."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from ..engines.data import Unit
from ..engines.parameters import Patterns
from ..engines.problem import Loss
from .datum import PerDatum
from .engine import Engine, Pieces
from .pieces import accumulator


@overload
def per_example_norms(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    order: Literal[1, 2] = 2,
    by_parameter: Literal[False] = False,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> PerDatum: ...
@overload
def per_example_norms(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    order: Literal[1, 2] = 2,
    by_parameter: Literal[True],
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> dict[str, PerDatum]: ...
def per_example_norms(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    order: Literal[1, 2] = 2,
    by_parameter: bool = False,
    parameters: Patterns | None = None,
    unit: Unit | str = Unit.EXAMPLE,
    accumulate: torch.dtype | None = None,
) -> PerDatum | dict[str, PerDatum]:
    """|g_n| for each datum, [n] in float64: the norm of the gradient of its *own* loss, loss(model(x_n), y_n).

    ``loss`` is reduced by mean, and g_n is not divided by the number of examples: where all examples count the same, the gradient of
    the loss of all data is the mean of the g_n. An example whose targets are all ignored has the norm 0. ``unit="token"`` takes the
    loss of each token by itself (a cross-entropy of class indices, at the cost of one pass for each position). ``by_parameter`` gives one
    tensor for each parameter; ``order`` 1 sums absolute values. The gradients are rounded in the precision of the model; sums run in it too (float32
    at least), or in ``accumulate``.

    Refused by :class:`~certify.estimators.OperatorRefused`: examples that act on each other (batch statistics), random or changing forward
    passes, parameters and data that are not finite, frozen parameters (unless left out by ``parameters``), sums in place of means.
    Rules of layers: Goodfellow 2015 (arXiv 1510.01799); Rochette, Manoel and Tramel 2019 (arXiv 1912.06015) for sequences and
    convolutions.

    >>> model = nn.Linear(1, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 2.0)
    >>> per_example_norms(model, nn.MSELoss(), (torch.ones(2, 1).double(), torch.tensor([[2.0], [3.0]]).double()))
    tensor([0., 2.], dtype=torch.float64)
    """
    if order not in (1, 2):
        raise ValueError(f"the order of a norm is 1 or 2 here, not {order!r}")
    engine = Engine(model, loss, data, parameters=parameters, unit=unit, accumulate=accumulate)
    powers = engine.gather("gradient norms", lambda pieces: norm_powers(pieces, order))
    found = {name: powers[:, i] for i, name in enumerate(engine.names)} if by_parameter else {"": powers.sum(1)}
    result = {name: PerDatum.of(values.sqrt() if order == 2 else values, engine.unit) for name, values in found.items()}
    return result if by_parameter else result[""]


def norm_powers(pieces: Pieces, order: Literal[1, 2]) -> Tensor:
    """Σ|entries|^order of each gradient in each parameter, [n, parameters] in float64."""
    found = [piece.squared_norms() if order == 2 else piece.absolute_sums() for piece in pieces.values()]
    return torch.stack(found, 1).to(accumulator(found[0].device))
