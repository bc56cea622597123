"""Which records a verifier was given, which of them are retained, and the training problem of the certificate on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from certify.errors import InputError

from .ledger import Refused, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certify.certificates.schema import Predicate, Problem
    from certify.runs import Witness


@dataclass(frozen=True, eq=False)
class Rows:
    """Records as given: features [n, d], labels [n], and ids if the source has its own."""

    features: Any
    labels: Any
    ids: NDArray[numpy.int64] | None = None

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.labels)


def read_rows(data: Any, predicate: Predicate) -> Rows:
    """The records in a (features, labels) pair, a ``Dataset``, a ``Table`` or a CSV file.

    A CSV file is prepared as the certificate's provenance says. Raises ``InputError`` for what cannot be read.
    """
    if isinstance(data, (str, Path)):
        from certify.tables import Preprocessing, read_table

        if "label" not in predicate.provenance:
            raise InputError("the certificate was not made from a CSV file: pass data=(features, labels)")
        data = read_table(data, like=Preprocessing.of(predicate.provenance))
    if hasattr(data, "features") and hasattr(data, "labels"):
        ids = getattr(data, "ids", None)
        return Rows(data.features, data.labels, None if ids is None else numpy.asarray(ids))
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return Rows(data[0], data[1])
    raise InputError(f"data is (features, labels), a Dataset or a CSV file, not {type(data).__name__}")


def forgotten_positions(predicate: Predicate, rows: Rows, witness: Witness) -> NDArray[numpy.int64] | None:
    """Where the records lie that this release and earlier ones forgot; None if only the retained rows were given.

    Raises :class:`~certify.verification.ledger.Refused` unless there are as many of each kind as the certificate says.
    """
    request = predicate.request
    retained, forgotten, earlier = witness.retained, witness.forgotten, witness.earlier
    everything = numpy.concatenate([retained, forgotten, earlier])
    require(len(retained) == request.retained.count, "the witness lists another number of retained records than the certificate")
    require(
        len(forgotten) == request.forgotten.count, "the witness lists another number of forgotten records than the certificate"
    )
    require(len(numpy.unique(everything)) == len(everything), "a record is listed both as retained and as forgotten, or twice")
    if rows.count == len(everything):
        ids = numpy.arange(rows.count) if rows.ids is None else rows.ids
        require(bool(numpy.array_equal(ids, numpy.arange(rows.count))), "the records are not in their original order")
        require(
            bool(numpy.array_equal(numpy.sort(everything), ids)),
            "the retained records are not all records without the forgotten ones",
        )
        return numpy.concatenate([forgotten, earlier])
    if rows.count == len(retained):
        require(
            rows.ids is None
            or bool(numpy.array_equal(rows.ids, retained))
            or bool(numpy.array_equal(rows.ids, numpy.arange(rows.count))),
            "these are not the retained records, or not in their original order",
        )
        return None
    raise Refused(
        f"{rows.count} records were given; the certificate is about {len(retained)} retained ones of {len(everything)} in all: "
        "a row is missing or left in"
    )


def objective_of(problem: Problem, rows: Rows) -> Any:
    """The training problem of the certificate on these rows."""
    from certify.objectives import objective_class

    options: dict[str, Any] = {"l2": float(problem.l2.exact), "intercept": problem.intercept}
    if problem.kind != "ridge":
        options["classes"] = _typed(problem.classes, numpy.asarray(rows.labels).dtype.kind)
    width = numpy.shape(rows.features)
    require(
        len(width) == 2 and width[1] == problem.columns,
        f"the records have the shape {width}, and the problem {problem.columns} columns",
    )
    objective = objective_class(problem.kind)(rows.features, rows.labels, **options)
    require(
        problem.kind == "ridge"
        or (options["classes"] == objective.classes and all(map(_plain, problem.classes, objective.classes))),
        "the classes are not the label values in their order: which of them is the larger would be unclear",
    )
    return objective


def _plain(text: str, value: Any) -> bool:
    """Whether a class is spelled as a label of some type prints: 1, 1.0 and True are the same label, 1e0 is nobody's."""
    return text == value if isinstance(value, str) else text in {str(value), str(float(value)), str(int(value)), str(bool(value))}


def _typed(classes: list[str], kind: str) -> tuple[Any, ...]:
    if kind in "US":
        return tuple(classes)
    words = {"True": True, "False": False}
    return tuple(words[item] if item in words else int(item) if item.lstrip("-").isdecimal() else float(item) for item in classes)
