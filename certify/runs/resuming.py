"""From a run folder back to the secret state, so that the next deletion can be made by another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import torch

from certify.errors import InputError
from certify.fitting import Fitted, Policy, committed
from certify.newton import dense_curvature
from certify.objectives import LinearObjective
from certify.objectives.design import as_tensor
from certify.verification.ledger import Refused
from certify.verification.rows import Rows, forgotten_positions, objective_of, read_rows

if TYPE_CHECKING:
    from certify.certificates.schema import Predicate

    from .stored import StoredRun
    from .witness import Witness


def resumed(stored: StoredRun, data: Any) -> Fitted:
    """The un-noised model of a stored run with the records that it retained, as ``unlearn`` left it.

    ``data`` is as for :func:`certify.verify`. The records must be those committed to, bit for bit; the retained
    ones are enough. Raises :class:`~certify.errors.InputError` for others, and for a run without its witness.
    """
    witness, predicate = stored.witness, stored.certificate.predicate
    if witness is None:
        raise InputError(f"{stored.path} holds no secret/ folder: without the un-noised model nothing can be continued")
    rows = read_rows(data, predicate)
    try:
        retained = _retained(predicate, rows, witness)
    except Refused as problem:
        raise InputError(f"the run in {stored.path} cannot be continued with these records: {problem}") from None
    commitments = committed(retained, witness.master)
    if commitments.root() != predicate.request.retained.root:
        raise InputError(
            f"these are not the records that the run in {stored.path} committed to: a value, a label or a row differs"
        )
    parameters = torch.from_numpy(witness.noiseless.copy())
    measured = retained.measure(parameters)
    return Fitted(retained, parameters, measured, dense_curvature(retained, parameters), commitments, 0, 1, _policy(predicate))


def _retained(predicate: Predicate, rows: Rows, witness: Witness) -> LinearObjective:
    removed = forgotten_positions(predicate, rows, witness)
    if removed is None:
        rows = _spread(rows, witness)
        removed = forgotten_positions(predicate, rows, witness)
    objective: LinearObjective = objective_of(predicate.problem, rows)
    return objective if removed is None else objective.without(removed)


def _spread(rows: Rows, witness: Witness) -> Rows:
    """The retained rows at their original positions, with zeros where the forgotten ones were: ids are positions."""
    total = len(witness.retained) + len(witness.forgotten) + len(witness.earlier)
    kept = as_tensor(rows.features)
    labels = numpy.asarray(rows.labels)
    features = torch.zeros((total, *kept.shape[1:]), dtype=kept.dtype)
    targets = numpy.full(total, labels[0], dtype=labels.dtype)
    places = witness.retained
    if len(places) and not 0 <= int(places.min()) <= int(places.max()) < total:
        raise Refused("the witness lists ids that are no positions of records")
    features[torch.from_numpy(places.copy())] = kept.cpu()
    targets[places] = labels
    return Rows(features, targets)


def _policy(predicate: Predicate) -> Policy | None:
    """The policy that was fixed at the fit, if the run followed one; it goes on to hold."""
    settings, claim = predicate.policy, predicate.guarantee
    if settings.chosen != "fit":
        return None
    return Policy(
        claim.epsilon.exact,
        claim.delta.exact,
        settings.distance_budget.exact if settings.budget_source == "caller" else None,
        settings.tolerance.exact,
        settings.row_bound.exact,
        settings.label_bound.exact,
        predicate.mechanism.sampler,
    )
