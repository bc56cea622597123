"""What a deletion starts from: a model trained now, or the run folder of the last deletion of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certify.errors import InputError

from .output import counted

if TYPE_CHECKING:
    from certify.fitting import Fitted
    from certify.objectives import LinearObjective
    from certify.runs import StoredRun, Witness
    from certify.tables import Table


@dataclass(frozen=True)
class Start:
    """The ids to forget as original row positions, the retained problem, and how to come by the state before."""

    positions: tuple[int, ...]
    retained: LinearObjective
    preparation: Mapping[str, str] | None
    stage: str
    state: Callable[[Callable[[int, float], None]], Fitted | StoredRun]
    settled: bool = False  # epsilon and delta were fixed at the fit


def begun(table: Table, forget: str, objective: LinearObjective) -> Start:
    """Start by training on the table."""

    def state(report: Callable[[int, float], None]) -> Fitted:
        from certify.fitting import fit

        return fit(objective, report=report)

    from certify.tables import read_ids

    positions = table.positions(read_ids(forget))
    stage = f"training on {counted(table.count, 'record')} with {counted(len(table.preprocessing.features), 'feature')}"
    return Start(positions, objective.without(positions), table.preprocessing.to_mapping(), stage, state)


def continued(folder: Path, data: Path, forget: str) -> Start:
    """Start from the run in ``folder``, which needs its secret/, and the records: all, or those that it retained.

    External ids of an id column are looked up in the table; without one, ids are the row positions of the table
    that the sequence began with.
    """
    from certify.runs import load
    from certify.tables import Preprocessing, read_ids, read_table

    bare = load(folder)
    if bare.witness is None:
        raise InputError(f"{folder} holds no secret/ folder: without the un-noised model nothing can be continued")
    if bare.table is None:
        raise InputError(f"the run in {folder} was not made from a table: continue it in Python, certify.load_run(path, data=…)")
    table = read_table(data, like=Preprocessing.of(bare.table))
    stored = load(folder, data=table)
    positions = _positions(table, bare.witness, read_ids(forget))
    assert stored.fitted is not None
    retained = stored.fitted.objective.without(positions)
    stage = f"continuing after release {stored.certificate.predicate.request.sequence}"
    return Start(positions, retained, stored.table, stage, lambda report: stored, stored.fitted.policy is not None)


def _positions(table: Table, witness: Witness, names: tuple[str, ...]) -> tuple[int, ...]:
    if table.preprocessing.id_column is not None:
        found = table.positions(names)
        whole = table.count != len(witness.retained)
        return found if whole else tuple(int(witness.retained[place]) for place in found)
    left = set(witness.retained.tolist())
    for name in names:
        if not name.isdecimal() or int(name) not in left:
            raise InputError(
                f"id {name!r} is not among the retained records: without --id-column ids are the row positions of the first table"
            )
    return tuple(map(int, names))
