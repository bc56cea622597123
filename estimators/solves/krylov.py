"""The driver of iterative solvers: columns go their own way, and none ends but by a residual that was computed anew."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from ..products import NotFinite, Products
from ..progress import progress
from .guess import Guess
from .result import Result, Solution
from .stopping import Equations, norms

_FALL = 0.5
"""After a restart from the true residual that residual must have fallen by this factor, or the column is said to stall."""


class Iteration(ABC):
    """A Krylov iteration on a block: its fields are tensors whose last dimension runs over the columns that are still active."""

    value: torch.Tensor

    @abstractmethod
    def estimates(self) -> torch.Tensor:
        """The norms of the residuals by the recurrence."""

    @abstractmethod
    def advance(self, multiply: Products) -> tuple[torch.Tensor, Result]:
        """One step, one product a column; the mask of columns that cannot go on, and why."""

    @abstractmethod
    def begin(self, value: torch.Tensor, residual: torch.Tensor) -> Iteration:
        """The same method from another point, whose residual is given."""

    def select(self, columns: torch.Tensor) -> None:
        """Keep only these columns."""
        for name, tensor in self._tensors().items():
            setattr(self, name, tensor[..., columns])

    def replace(self, columns: torch.Tensor, fresh: Iteration) -> None:
        """Put the columns of a fresh iteration in the place of these."""
        for name, tensor in self._tensors().items():
            changed = tensor.clone()
            changed[..., columns] = getattr(fresh, name)
            setattr(self, name, changed)

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {name: held for name, held in vars(self).items() if isinstance(held, torch.Tensor)}


def iterate(equations: Equations, iteration: Iteration, what: str, start: torch.Tensor | Guess | None = None) -> Solution:
    """Advance from zero or from ``start`` until every column has a true residual within its goal, cannot go on, or the products are spent.

    Where the recurrence says that a column is done, its residual is computed anew; if that disagrees, the column starts again
    from the true residual, once it has at least halved since the last time: else it stalls.
    """
    columns = equations.block.shape[1]
    value, residuals = torch.zeros_like(equations.block), torch.full_like(equations.lengths, torch.nan)
    ended = [Result.BUDGET] * columns
    active = torch.arange(columns, device=value.device)
    last = equations.lengths.clone()

    def leave(mask: torch.Tensor, why: Result) -> None:
        nonlocal active
        for column in active[mask].tolist():
            ended[column] = why
        value[:, active[mask]] = iteration.value[:, mask]
        iteration.select(~mask)
        active = active[~mask]

    try:
        if start is not None:
            begun, residual = equations.started(start)
            iteration, last = iteration.begin(begun, residual), norms(residual)
            residuals = last.clone()
        for _ in progress(
            iter(lambda: bool(len(active)) and equations.left() >= len(active), False), what, equations.most // columns
        ):
            claimed = iteration.estimates() <= equations.goals(iteration.value, active).clamp_min(0.0)
            if bool(claimed.any()):
                chosen = active[claimed]
                true = equations.block[:, chosen] - equations.asked(iteration.value[:, claimed])
                lengths = norms(true)
                residuals[chosen] = lengths
                done = lengths <= equations.goals(iteration.value[:, claimed], chosen).clamp_min(0.0)
                slow = lengths > _FALL * last[chosen]
                last[chosen] = lengths
                iteration.replace(claimed, iteration.begin(iteration.value[:, claimed], true))
                stop, stalled = claimed.clone(), claimed.clone()
                stop[claimed], stalled[claimed] = done, slow & ~done
                if bool(stop.any()) or bool(stalled.any()):
                    kept = ~stop
                    leave(stop, Result.CONVERGED)
                    leave(stalled[kept], Result.STALLED)
                    equations.note(torch.where(residuals.isnan(), last, residuals), true=True)
                continue
            failed, why = iteration.advance(equations.asked)
            residuals[active] = torch.nan  # these columns move
            estimates = last.clone()
            estimates[active] = iteration.estimates()
            equations.note(estimates, true=False)
            if bool(failed.any()):
                leave(failed, why)
    except NotFinite:
        value[:, active] = iteration.value
        return equations.not_finite(value)
    value[:, active] = iteration.value
    return equations.close(value, residuals, ended)
