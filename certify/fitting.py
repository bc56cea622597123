"""Train a linear objective to the rounding floor and keep what later deletions need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from .commitments import Commitments, commit
from .distances import plain_distance
from .errors import InputError
from .newton import dense_curvature, minimise
from .objectives import LinearObjective

if TYPE_CHECKING:
    from certify.bounds import Bound

    from .numbers import Number
    from .objectives import MeasuredGradient


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model and the secret state from which deletions start. Printing it shows no secret.

    ``parameters`` are the un-noised minimiser as found: never publish them. ``curvature`` is the sum of
    the loss Hessians near them (None above a few thousand parameters), ``measured`` the gradient there.
    """

    objective: LinearObjective
    parameters: torch.Tensor = field(repr=False)
    measured: MeasuredGradient = field(repr=False)
    curvature: torch.Tensor | None = field(repr=False)
    commitments: Commitments = field(repr=False)
    iterations: int = field(repr=False)
    passes: int = field(repr=False)
    policy: Policy | None = None

    @property
    def residual(self) -> Bound:
        """An upper bound on the norm of the gradient at the parameters."""
        return self.measured.residual

    @property
    def distance(self) -> Bound:
        """An upper bound on the distance from the parameters to the minimiser.

        Theorem: ``output.residual`` (upper residual; lower strong_convexity).
        """
        return plain_distance(self.objective, self.measured)


@dataclass(frozen=True)
class Policy:
    """What releases from this fit will claim, and the public scales of their budget, fixed before any request is known.

    ``distance_budget=None`` means the default, and ``sampler`` is as for :func:`certify.unlearn`. A certificate then says that
    the numbers were fixed at the fit; who reads it still has only the producer's word for when that was, unless the policy was
    published before.
    """

    epsilon: Number
    delta: Number
    distance_budget: Number | None = None
    tolerance: Number = 0
    row_bound: Number = 1.0
    label_bound: Number = 1.0
    sampler: str = "rounded-normal"


def fit(
    objective: LinearObjective, *, policy: Policy | None = None, report: Callable[[int, float], None] | None = None
) -> Fitted:
    """Minimise ``objective`` from zero by Newton's method (Newton-CG above 3,000 parameters) to the rounding floor.

    Also commits to every record with a fresh secret salt. ``report(step, residual)`` is called after each
    step, for progress. The result is deterministic but for the salt.

    >>> import numpy as np
    >>> from certify.objectives import Ridge
    >>> fitted = fit(Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5))
    >>> round(float(fitted.parameters), 6), fitted.distance.value < 1e-12
    (0.833333, True)
    """
    if not isinstance(objective, LinearObjective):
        raise InputError(f"fit takes an objective such as certify.objectives.Logistic(…), not {type(objective).__name__}")
    found = minimise(
        objective, torch.zeros(objective.dimension, dtype=torch.float64, device=objective.features.device), report=report
    )
    curvature = dense_curvature(objective, found.parameters)
    return Fitted(objective, found.parameters, found.measured, curvature, committed(objective), found.steps, found.passes, policy)


def committed(objective: LinearObjective, master: bytes | None = None) -> Commitments:
    """Commitments to the retained records of the objective, under its ids; ``master`` salts them, by default a fresh one."""
    rows = objective.features if objective.count == objective.design.rows else objective.features[torch.from_numpy(objective.ids)]
    return commit(rows, objective.commitment_labels, objective.ids, master)
