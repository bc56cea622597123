"""Records in a CSV file: read with errors that name line and column, prepared only by public or per-record steps."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from certify.errors import InputError
from certify.storage import write_file

from .cells import header_of, labels_of, lines_of, records_of
from .sidefiles import read_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Preprocessing:
    """How numbers were made from a CSV file: public divisors and per-record steps, nothing that was fitted on the rows.

    A certificate carries it as provenance, and a verifier prepares the same file in the same way with
    :func:`read_table`. ``scale`` holds one public divisor a feature, in the order of ``features``, or None.
    ``label_values`` lists the sorted text labels that 0, 1, … stand for; it is empty for numeric labels.
    """

    label: str
    features: tuple[str, ...]
    id_column: str | None = None
    scale: tuple[float, ...] | None = None
    normalise_rows: bool = False
    label_values: tuple[str, ...] = ()

    def to_mapping(self) -> dict[str, str]:
        """Text by key, as a certificate carries it; :meth:`of` reads it back. Divisors are hexadecimal, hence exact.

        >>> preparation = Preprocessing("y", ("a",), scale=(0.1,))
        >>> Preprocessing.of(preparation.to_mapping()) == preparation
        True
        """
        found = {
            "label": self.label,
            "features": json.dumps(self.features, ensure_ascii=False),
            "normalise-rows": "yes" if self.normalise_rows else "no",
        }
        if self.id_column is not None:
            found["id-column"] = self.id_column
        if self.scale is not None:
            found["scale"] = json.dumps([divisor.hex() for divisor in self.scale])
        if self.label_values:
            found["label-values"] = json.dumps(self.label_values, ensure_ascii=False)
        return found

    @classmethod
    def of(cls, mapping: Mapping[str, str]) -> Preprocessing:
        """The provenance that :meth:`to_mapping` wrote; raises ``InputError`` for anything else."""
        try:
            features, label_values = json.loads(mapping["features"]), json.loads(mapping.get("label-values", "[]"))
            scale = tuple(map(float.fromhex, json.loads(mapping["scale"]))) if "scale" in mapping else None
            if not all(isinstance(name, str) for name in (*features, *label_values)):
                raise ValueError("names are text")
            if scale is not None and not (len(scale) == len(features) and all(0 < divisor < math.inf for divisor in scale)):
                raise ValueError("one positive divisor for each feature is needed")
            return cls(
                label=mapping["label"],
                features=tuple(features),
                id_column=mapping.get("id-column"),
                scale=scale,
                normalise_rows={"yes": True, "no": False}[mapping["normalise-rows"]],
                label_values=tuple(label_values),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(
                f"the provenance of the table cannot be read ({error}): the certificate was altered or is foreign"
            ) from None

    def apply(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The prepared rows [n, d]; the same doubles on every machine (each step is correctly rounded)."""
        prepared = features if self.scale is None else features / np.asarray(self.scale)
        return normalised_rows(prepared) if self.normalise_rows else prepared


@dataclass(frozen=True, eq=False)
class Table:
    """The prepared records of a CSV file.

    ``features`` is [n, d] float64, ``labels`` [n] numeric, ``names`` the n external ids (of the id column, else the
    row positions as text), ``preprocessing`` the provenance.
    """

    source: str
    features: NDArray[np.float64]
    labels: NDArray[Any]
    names: tuple[str, ...]
    preprocessing: Preprocessing

    @property
    def count(self) -> int:
        """The number of records."""
        return len(self.labels)

    def positions(self, names: Iterable[str]) -> tuple[int, ...]:
        """The row positions of external ids; raises ``InputError`` for an unknown or a repeated one."""
        known = {name: position for position, name in enumerate(self.names)}
        column = self.preprocessing.id_column
        found: dict[str, int] = {}
        for raw in names:
            name = _canonical(raw, known)
            if name not in known:
                hint = (
                    f"look in the column {column!r}"
                    if column
                    else f"without --id-column ids are row positions, 0 to {self.count - 1}"
                )
                raise InputError(f"id {raw!r} is not in {self.source}: {hint}")
            if name in found:
                raise InputError(f"id {raw!r} is asked to be forgotten twice: list each id once")
            found[name] = known[name]
        return tuple(found.values())


def read_table(
    path: str | Path,
    *,
    label: str | None = None,
    id_column: str | None = None,
    scale: str | Path | Mapping[str, float] | None = None,
    normalise_rows: bool = False,
    like: Preprocessing | None = None,
) -> Table:
    """Read a CSV file with a header line into numbers.

    Every column but ``label`` and ``id_column`` is a feature. ``scale`` names a file of public divisors (see
    :func:`certify.tables.read_scale`), ``normalise_rows`` divides each row by its own Euclidean norm. ``like``
    prepares the file as an earlier one was prepared; the other options are then refused. Raises ``InputError`` with
    line and column for a cell that is empty, no number, nan or infinite, for ragged rows, repeated ids, a missing
    column, an empty or missing file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "d.csv"
    >>> _ = path.write_text("height,y\\n3,no\\n4,yes\\n")
    >>> read_table(path, label="y").labels.tolist()
    [0, 1]
    """
    if like is not None and (label or id_column or scale is not None or normalise_rows):
        raise InputError("a table that is prepared like another takes no further options")
    label = like.label if like else label
    id_column = like.id_column if like else id_column
    if label is None:
        raise InputError(f"{path}: say which column holds the label")
    source = str(path)
    lines = lines_of(Path(path))
    header = header_of(source, lines, label, id_column)
    if like and tuple(name for name in header if name not in (label, id_column)) != like.features:
        raise InputError(
            f"{source}: the feature columns are not those of the certificate, {', '.join(like.features)}: pass the same table"
        )
    features, labels, names = records_of(source, lines, header, label, id_column)
    numbers, values = labels_of(source, label, labels, like.label_values if like else None)
    preprocessing = like or Preprocessing(
        label=label,
        features=tuple(name for name in header if name not in (label, id_column)),
        id_column=id_column,
        scale=_divisors(source, scale, [name for name in header if name not in (label, id_column)]),
        normalise_rows=normalise_rows,
        label_values=values,
    )
    prepared = preprocessing.apply(features)
    if not np.isfinite(prepared).all():
        row = int(np.flatnonzero(~np.isfinite(prepared).all(axis=1))[0])
        raise InputError(f"{source}: record {row} overflows after scaling: use larger divisors")
    return Table(source, prepared, numbers, names, preprocessing)


def write_table(
    path: str | Path,
    features: NDArray[np.float64],
    labels: Sequence[Any] | NDArray[Any],
    *,
    columns: Sequence[str] | None = None,
    label: str = "label",
) -> Path:
    """Write rows [n, d] and labels [n] as a CSV file that :func:`read_table` reads back to the same doubles."""
    target = Path(path)
    names = list(columns) if columns is not None else [f"x{index}" for index in range(features.shape[1])]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, label])
    for row, value in zip(features.tolist(), np.asarray(labels).tolist(), strict=True):
        writer.writerow([*map(repr, row), value])
    write_file(target, stream.getvalue().encode("utf-8"))
    return target


def normalised_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row [n, d] divided by its own Euclidean norm; rows of zeros stay.

    The norm is the square root of a correctly rounded sum, so every machine gets the same doubles.
    """
    scaled = np.array(rows, dtype=np.float64)
    for row in scaled:
        largest = float(np.abs(row).max(initial=0.0))
        if largest == 0.0 or not math.isfinite(largest):
            continue
        row *= 2.0 ** -max(-1000, min(1000, math.frexp(largest)[1]))  # exact, and keeps the squares in range
        row /= math.sqrt(math.fsum((row * row).tolist()))
    return scaled


def _divisors(source: str, scale: str | Path | Mapping[str, float] | None, features: list[str]) -> tuple[float, ...] | None:
    if scale is None:
        return None
    divisors = dict(scale) if isinstance(scale, Mapping) else read_scale(scale)
    where = source if isinstance(scale, Mapping) else str(scale)
    if missing := [name for name in features if name not in divisors]:
        raise InputError(f"{where}: no divisor for the column {missing[0]!r}; give every feature one (1 leaves it as it is)")
    if surplus := [name for name in divisors if name not in features]:
        raise InputError(f"{where}: {surplus[0]!r} is no feature column of {source}; remove it")
    return tuple(float(divisors[name]) for name in features)


def _canonical(name: str, known: Mapping[str, int]) -> str:
    """Row position ``007`` is row 7, unless an id is really spelt so."""
    text = str(name).strip()
    return text if text in known or not text.isdecimal() else str(int(text))
