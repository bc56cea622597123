"""Scores of records that are estimates, and how two orders of records agree."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from certify.bounds import Estimate


@dataclass(frozen=True, eq=False)
class Scores:
    """One number a record, ``values`` [n] in float64: estimates, whatever they resemble. ``method`` says how they were made.

    Positive where a record is said to help, so that what is looked at grows when the record leaves: the sign of :func:`influence`.
    """

    values: Tensor
    method: str

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, record: int) -> Estimate:
        """The score of one record.

        >>> Scores(torch.tensor([0.5, 2.0]), "an example")[1]
        Estimate(value=2.0, method='an example')
        """
        return Estimate(float(self.values[record]), self.method)

    def order(self) -> Tensor:
        """The records from the greatest score to the least."""
        return torch.argsort(self.values, descending=True)


def rank_correlation(left: Tensor | Scores, right: Tensor | Scores) -> Estimate:
    """Spearman's correlation of two lists of scores: that of their ranks, ties given their mean rank.

    >>> round(rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.1, 0.2, 0.3])).value, 9)
    1.0
    """
    first, second = (given.values if isinstance(given, Scores) else given for given in (left, right))
    if first.shape != second.shape or first.dim() != 1 or len(first) < 2:
        raise ValueError(f"two lists of one length are compared, not {list(first.shape)} and {list(second.shape)}")
    if not all(bool(torch.isfinite(values).all()) for values in (first, second)):
        raise ValueError("a score is not finite, and has no rank")
    ranks = [_ranks(values) for values in (first, second)]
    centred = [found - found.mean() for found in ranks]
    scale = float(torch.linalg.vector_norm(centred[0]) * torch.linalg.vector_norm(centred[1]))
    value = float(centred[0] @ centred[1]) / scale if scale else 0.0
    return Estimate(min(1.0, max(-1.0, value)), "Spearman's rank correlation")


def _ranks(values: Tensor) -> Tensor:
    _, places, counts = torch.unique(values.double().cpu(), return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    ranks: Tensor = (ends - (counts.double() - 1) / 2)[places]
    return ranks
