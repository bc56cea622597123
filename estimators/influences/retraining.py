"""Leave-k-out: what retraining really changes, beside what first order says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from certify.bounds import Estimate

from ..progress import progress
from .scores import rank_correlation

Model = TypeVar("Model")


@dataclass(frozen=True, eq=False)
class Comparison:
    """``predicted`` and ``actual`` changes [groups] of what is looked at when each group leaves."""

    predicted: Tensor
    actual: Tensor

    def pairs(self) -> list[tuple[float, float]]:
        """(predicted, actual) by group, for plots."""
        return list(zip(self.predicted.tolist(), self.actual.tolist(), strict=True))

    def rank_correlation(self) -> Estimate:
        """Spearman's correlation between the two."""
        return rank_correlation(self.predicted, self.actual)

    def relative_error(self) -> Estimate:
        """The norm of the difference over the norm of what really happened."""
        size = float(torch.linalg.vector_norm(self.actual))
        off = float(torch.linalg.vector_norm(self.predicted - self.actual))
        return Estimate(off / size if size else float(off > 0), "|predicted - actual|/|actual|")


def leave_out(
    fit: Callable[[list[int]], Model],
    look: Callable[[Model], float],
    groups: Sequence[Sequence[int]],
    count: int,
    predicted: Sequence[float] | Tensor,
) -> Comparison:
    """Train on all of ``count`` records and once without each group; how ``look`` changes, beside what was ``predicted``.

    ``fit`` is given the places of the records that stay, and returns a trained model: the user's own training, with its seeds. For a prediction by
    :func:`influence` to be its derivative, ``fit`` minimises the *same* loss less the parts of the group: a sum divided by the number of all records,
    not of those that stay, with the same regularisation. Training that is random, or stops early, adds what this shows as well.

    >>> rows = [1.0, 2.0, 6.0]
    >>> mean = lambda kept: sum(rows[i] for i in kept) / len(kept)
    >>> leave_out(mean, lambda found: found, [[2], [0]], 3, [-1.0, 0.7]).actual.tolist()
    [-1.5, 1.0]
    """
    if len(predicted) != len(groups):
        raise ValueError(f"there are {len(groups)} groups and {len(predicted)} predictions")
    for group in groups:
        if not group or not all(0 <= place < count for place in group) or len(set(group)) < len(group):
            raise ValueError(f"a group holds different places from 0 to {count - 1}, not {list(group)[:6]}")
    whole = look(fit(list(range(count))))
    actual = []
    for group in progress(groups, "retraining", len(groups)):
        gone = set(group)
        actual.append(look(fit([place for place in range(count) if place not in gone])) - whole)
    return Comparison(torch.as_tensor(predicted, dtype=torch.float64), torch.tensor(actual, dtype=torch.float64))
