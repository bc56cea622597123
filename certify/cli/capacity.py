"""``certify capacity``: how many deletions a noise budget covers, by which theorem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .options import MaybeNumber, Number
from .output import ExitCode, emit, schema

if TYPE_CHECKING:
    from certify.capacities import Capacity


def capacity(
    *,
    records: int,
    l2: Number,
    epsilon: Number,
    delta: Number,
    sigma: MaybeNumber = None,
    distance_budget: MaybeNumber = None,
    excess_risk: MaybeNumber = None,
    dimension: int | None = None,
    row_norm: Number = "1",
    deletion_passes: int | None = None,
    retraining_passes: int | None = None,
    json: bool = False,
) -> int:
    """How many records may leave before the noise that is tolerated no longer gives (epsilon, delta), by each theorem, and when to retrain.

    For ridge-logistic regression on rows of bounded norm, in the worst case over data and requests.

    Parameters
    ----------
    records
        How many records there are.
    l2
        The ridge constant of the mean objective.
    epsilon
        The epsilon to keep.
    delta
        The delta to keep.
    sigma
        The noise scale that is tolerated in every coordinate; or one of the next two.
    distance_budget
        The distance to the retrained model that the noise hides.
    excess_risk
        The expected excess of the objective that distance and noise may cost together; needs --dimension.
    dimension
        The number of parameters.
    row_norm
        No row is longer than this.
    deletion_passes
        Passes over the data that one deletion costs.
    retraining_passes
        Passes over the data that a retraining costs.
    json
        Print JSON alone on standard output.
    """
    from certify import capacities as model

    found = model.capacity(
        records,
        l2=l2,
        epsilon=epsilon,
        delta=delta,
        sigma=sigma,
        distance_budget=distance_budget,
        excess_risk=excess_risk,
        dimension=dimension,
        row_norm=row_norm,
        deletion_passes=model.DELETION_PASSES if deletion_passes is None else deletion_passes,
        retraining_passes=model.RETRAINING_PASSES if retraining_passes is None else retraining_passes,
    )
    emit(payload(found), json, lambda: str(found))
    return int(ExitCode.HOLDS)


def payload(found: Capacity) -> dict[str, Any]:
    """The result as plain JSON data."""
    return {
        "schema": schema("capacity"),
        "records": found.records,
        "budget": found.budget.value,
        "mu": found.mu.value,
        "ways": [
            {"name": way.name, "theorem": way.theorem, "serves": way.serves, "deletions": way.deletions} for way in found.ways
        ],
        "retrain_after": found.retrain_after,
    }
