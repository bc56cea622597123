"""Norms of the gradients of single examples."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from ..engines.parameters import Patterns
from ..engines.problem import Loss
from .engine import Engine
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
) -> Tensor: ...
@overload
def per_example_norms(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    order: Literal[1, 2] = 2,
    by_parameter: Literal[True],
    parameters: Patterns | None = None,
) -> dict[str, Tensor]: ...
def per_example_norms(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    order: Literal[1, 2] = 2,
    by_parameter: bool = False,
    parameters: Patterns | None = None,
) -> Tensor | dict[str, Tensor]:
    """|g_n| for each example, [n] in float64: the norm of the gradient of the example's *own* loss, loss(model(x_n), y_n).

    ``loss`` is reduced by mean, and g_n is not divided by the number of examples: where all examples count the same, the gradient of
    the loss of all data is the mean of the g_n. An example whose targets are all ignored has the norm 0. ``by_parameter`` gives one
    tensor for each parameter; ``order`` 1 sums absolute values. The numbers are rounded like the gradients themselves.

    >>> model = nn.Linear(1, 1, bias=False).double()
    >>> _ = nn.init.constant_(model.weight, 2.0)
    >>> per_example_norms(model, nn.MSELoss(), (torch.ones(2, 1).double(), torch.tensor([[2.0], [3.0]]).double()))
    tensor([0., 2.], dtype=torch.float64)
    """
    if order not in (1, 2):
        raise ValueError(f"the order of a norm is 1 or 2 here, not {order!r}")
    engine = Engine(model, loss, data, parameters=parameters)
    powers = engine_powers(engine, order)
    finish = torch.sqrt if order == 2 else torch.abs
    if by_parameter:
        return {name: finish(values) for name, values in powers.items()}
    return finish(torch.stack(list(powers.values())).sum(0))


def engine_powers(engine: Engine, order: Literal[1, 2]) -> dict[str, Tensor]:
    """Σ|entries|^order of each gradient in each parameter, [n] each."""
    wide = accumulator(engine.problem.device)
    found: dict[str, list[Tensor]] = {name: [] for name in engine.names}
    for batch in engine.batches("gradient norms"):
        for name, piece in engine.pieces(batch).items():
            found[name].append((piece.squared_norms() if order == 2 else piece.absolute_sums()).to(wide))
    return {name: torch.cat(values) for name, values in found.items()}
