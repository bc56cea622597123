"""Arnoldi influence: the inverse on a few leading eigenvectors and nothing elsewhere (Schioppa, Zablotskaia, Vilar & Sokolov 2022)."""

from __future__ import annotations

import torch

from ..operators.curvature import Curvature
from ..solves.low_rank import lanczos_low_rank
from .records import Records
from .scores import Scores
from .vectors import Functional, looked_at


def arnoldi(
    operator: Curvature,
    *,
    on: Functional,
    rank: int,
    damping: float = 0.0,
    steps: int | None = None,
    generator: torch.Generator | None = None,
) -> Scores:
    """u' Q (T + damping)^-1 Q' v_n with the ``rank`` leading Ritz pairs (T, Q) of a Lanczos run of ``steps`` products (default: twice the rank).

    What lies outside of the span of Q is discarded, though damping would make it count most: an estimate of another quantity than
    :func:`influence` encloses, which is often in a similar order.

    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> _ = torch.nn.init.constant_(model.weight, 1.0)
    >>> data = (torch.ones(2, 1).double(), torch.tensor([[0.0], [2.0]]).double())
    >>> from certify.estimators.operators.gauss_newton import GaussNewton
    >>> curvature = GaussNewton(model, torch.nn.MSELoss(), data)
    >>> arnoldi(curvature, on=torch.ones(1).double(), rank=1, steps=1).order().tolist()
    [0, 1]
    """
    u = looked_at(operator, on)
    run = lanczos_low_rank(operator, 2 * rank if steps is None else steps, generator=generator)
    kept = run.values[:rank] > 0
    vectors, values = run.vectors[:, :rank][:, kept].double(), run.values[:rank][kept].double()
    direction = vectors @ ((vectors.T @ u) / (values + damping))
    records = Records(operator.problem, operator.rows.names)
    return Scores(records.weights() * records.along(direction), f"Arnoldi on {int(kept.sum())} of {len(u)} directions")
