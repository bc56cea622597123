"""``certify capacity``: how many deletions a noise budget covers, by which theorem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.errors import InputError

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
    deletion_run: Path | None = None,
    retraining_run: Path | None = None,
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
        Passes over your data that one deletion costs; without both costs nothing is said of when to retrain.
    retraining_passes
        Passes over your data that a retraining from nothing costs.
    deletion_run
        Instead: a run folder of `certify unlearn`, whose secret/ says how many passes its deletion took.
    retraining_run
        Instead: a run folder of `certify unlearn --method retrain`.
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
        deletion_passes=_passes(deletion_passes, deletion_run, "deletion"),
        retraining_passes=_passes(retraining_passes, retraining_run, "retraining"),
    )
    emit(payload(found), json, lambda: str(found))
    return int(ExitCode.HOLDS)


def _passes(stated: int | None, folder: Path | None, what: str) -> int | None:
    """The passes that were stated, or those that a run measured of itself."""
    if folder is None:
        return stated
    if stated is not None:
        raise InputError(f"--{what}-passes and --{what}-run say the same: give one of them")
    from certify.runs import load

    run = load(folder)
    if run.witness is None:
        raise InputError(f"{folder} holds no secret/ folder, where a run keeps how many passes it took: give --{what}-passes")
    method = run.certificate.predicate.mechanism.method
    if (method == "retrain") is not (what == "retraining"):
        wanted = "`certify unlearn --method retrain`" if what == "retraining" else "a deletion that does not retrain"
        raise InputError(f"the run in {folder} is of method {method}, and --{what}-run wants one of {wanted}")
    return run.witness.passes


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
        "deletion_passes": found.deletion_passes,
        "retraining_passes": found.retraining_passes,
        "retrain_after": found.retrain_after,
    }
