"""Records in a CSV file: read with errors that name line and column, prepared only by public or per-record steps."""

from __future__ import annotations

import csv
import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .objectives import Dataset

csv.field_size_limit(1 << 20)


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

    def to_mapping(self) -> dict[str, Any]:
        """Plain JSON data that :meth:`of` reads back; divisors as hexadecimal floats, hence exact.

        >>> preparation = Preprocessing("y", ("a",), scale=(0.1,))
        >>> Preprocessing.of(preparation.to_mapping()) == preparation
        True
        """
        return {
            "label": self.label,
            "features": list(self.features),
            "id_column": self.id_column,
            "scale": None if self.scale is None else [divisor.hex() for divisor in self.scale],
            "normalise_rows": self.normalise_rows,
            "label_values": list(self.label_values),
        }

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Preprocessing:
        """The provenance that :meth:`to_mapping` wrote; raises ``InputError`` for anything else."""
        try:
            scale = mapping["scale"]
            return cls(
                label=str(mapping["label"]),
                features=tuple(map(str, mapping["features"])),
                id_column=None if mapping["id_column"] is None else str(mapping["id_column"]),
                scale=None if scale is None else tuple(map(float.fromhex, scale)),
                normalise_rows=bool(mapping["normalise_rows"]),
                label_values=tuple(map(str, mapping["label_values"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
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

    def dataset(self) -> Dataset:
        """The records as a :class:`certify.Dataset` whose ids are row positions."""
        from .objectives import Dataset

        return Dataset(self.features, self.labels)

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
    :func:`read_scale`), ``normalise_rows`` divides each row by its own Euclidean norm. ``like`` prepares the file as
    an earlier one was prepared; the other options are then refused. Raises ``InputError`` with line and column for a
    cell that is empty, no number, nan or infinite, for ragged rows, repeated ids, a missing column, an empty or
    missing file.

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
    lines = _lines(Path(path))
    header = _header(source, lines, label, id_column)
    if like and tuple(name for name in header if name not in (label, id_column)) != like.features:
        raise InputError(
            f"{source}: the feature columns are not those of the certificate, {', '.join(like.features)}: pass the same table"
        )
    features, labels, names = _records(source, lines, header, label, id_column)
    numbers, values = _labels(source, label, labels, like)
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
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*names, label])
        for row, value in zip(features.tolist(), np.asarray(labels).tolist(), strict=True):
            writer.writerow([*map(repr, row), value])
    return target


def read_scale(path: str | Path) -> dict[str, float]:
    """The public divisors of a file: a JSON object, or CSV lines ``column,divisor``.

    They must come from public knowledge (units, ranges by design), never from the rows: a divisor that was fitted on a
    deleted record remembers it, and no theorem here covers that.
    """
    source = str(path)
    if Path(path).suffix == ".json":
        try:
            found = json.loads(_text(Path(path)))
        except json.JSONDecodeError as error:
            raise InputError(
                f"{source} line {error.lineno}: not JSON ({error.msg}): write an object of column: divisor"
            ) from None
        if not isinstance(found, dict):
            raise InputError(f"{source}: write a JSON object of column: divisor")
        pairs: list[tuple[str, str, Any]] = [(source, name, value) for name, value in found.items()]
    else:
        pairs = []
        for number, cells in _lines(Path(path)):
            if len(cells) != 2:
                raise InputError(f"{source} line {number}: {len(cells)} cells where a column and its divisor are expected")
            if cells != ["column", "divisor"]:
                pairs.append((f"{source} line {number}", cells[0].strip(), cells[1]))
    divisors: dict[str, float] = {}
    for where, name, value in pairs:
        try:
            divisor = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            divisor = math.nan
        if not (0 < divisor < math.inf):
            raise InputError(f"{where}: the divisor of {name!r} is {value!r}: use a positive finite number")
        if name in divisors:
            raise InputError(f"{where}: {name!r} has two divisors: keep one")
        divisors[name] = divisor
    return divisors


def read_ids(text: str) -> tuple[str, ...]:
    """The ids that ``text`` names: a file with one id a line (``#`` starts a comment), or comma-separated ids.

    >>> read_ids("3, 17")
    ('3', '17')
    """
    path = Path(text)
    if text.strip() and path.is_file():
        lines = (line.split("#", 1)[0] for line in _text(path).splitlines())
        return tuple(cell.strip() for line in lines for cell in line.split(",") if cell.strip())
    if path.is_dir() or "/" in text or path.suffix in (".txt", ".csv", ".ids"):
        raise InputError(f"{text}: no such file of ids: write one id a line, or pass ids separated by commas")
    return tuple(cell.strip() for cell in text.split(",") if cell.strip())


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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder where a file is expected") from None
    except PermissionError:
        raise InputError(f"{path}: not readable; check its permissions") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 (byte {error.start}); export it as CSV in UTF-8") from None


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_text(path).splitlines(keepends=True), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{path} line {reader.line_num}: not CSV ({error}); quote cells that hold commas or quotes"
            ) from None
        if cells:
            yield reader.line_num, cells


def _header(source: str, lines: Iterator[tuple[int, list[str]]], label: str, id_column: str | None) -> list[str]:
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    if not header:
        raise InputError(f"{source}: the file is empty; it needs a header line and records")
    if all(_number(cell) is not None for cell in header):
        raise InputError(f"{source} line 1: numbers where column names are expected; add a header line")
    for position, name in enumerate(header):
        if not name:
            raise InputError(f"{source} line 1: column {position + 1} has no name; name it or remove it")
        if name in header[:position]:
            raise InputError(f"{source} line 1: two columns are called {name!r}; rename one")
    for role, wanted in (("label", label), ("id", id_column)):
        if wanted is not None and wanted not in header:
            near = difflib.get_close_matches(wanted, header, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"the columns are {', '.join(header[:8])}{', …' if len(header) > 8 else ''}"
            )
            raise InputError(f"{source}: there is no {role} column {wanted!r}; {hint}")
    if label == id_column:
        raise InputError(f"{source}: {label!r} cannot be both the label and the id column")
    if len(header) == 1 + (id_column is not None):
        raise InputError(f"{source}: there is no feature column beside {', '.join(header)}")
    return header


def _records(
    source: str, lines: Iterator[tuple[int, list[str]]], header: list[str], label: str, id_column: str | None
) -> tuple[NDArray[np.float64], list[tuple[int, str]], tuple[str, ...]]:
    chosen = [index for index, name in enumerate(header) if name not in (label, id_column)]
    label_at, id_at = header.index(label), None if id_column is None else header.index(id_column)
    rows: list[NDArray[np.float64]] = []
    labels: list[tuple[int, str]] = []
    names: dict[str, int] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            raise InputError(
                f"{source} line {line}: {len(cells)} cells where the header has {len(header)}; complete or remove the line"
            )
        rows.append(_row(source, line, header, cells, chosen))
        labels.append((line, cells[label_at].strip()))
        name = str(len(names)) if id_at is None else cells[id_at].strip()
        if not name:
            raise InputError(f"{source} line {line}, column {id_column!r}: the id is empty; every record needs one")
        if name in names:
            raise InputError(
                f"{source} line {line}, column {id_column!r}: id {name!r} was used on line {names[name]}; ids are unique"
            )
        names[name] = line
    if not rows:
        raise InputError(f"{source}: a header and no record; add records")
    return np.stack(rows), labels, tuple(names)


def _row(source: str, line: int, header: list[str], cells: list[str], chosen: list[int]) -> NDArray[np.float64]:
    try:
        row = np.array([float(cells[index]) for index in chosen])
        if "_" not in "".join(cells) and np.isfinite(row).all():
            return row
    except ValueError:
        pass
    values = []
    for index in chosen:  # the slow path: find the cell to complain about (an underscore in a text id is no fault)
        where = f"{source} line {line}, column {header[index]!r}"
        if not cells[index].strip():
            raise InputError(f"{where}: the cell is empty; fill it or remove the record")
        value = _number(cells[index])
        if value is None:
            raise InputError(f"{where}: {cells[index].strip()!r} is not a number; encode the column or remove it")
        if not math.isfinite(value):
            raise InputError(f"{where}: {cells[index].strip()!r} is not finite; fill it or remove the record")
        values.append(value)
    return np.array(values)


def _labels(
    source: str, column: str, labels: list[tuple[int, str]], like: Preprocessing | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    for line, text in labels:
        if not text:
            raise InputError(f"{source} line {line}, column {column!r}: the label is empty; fill it or remove the record")
    numbers = [_number(text) for _, text in labels]
    if all(number is None for number in numbers) or (like and like.label_values):
        values = like.label_values if like else tuple(sorted({text for _, text in labels}))
        codes = {value: code for code, value in enumerate(values)}
        for line, text in labels:
            if text not in codes:
                raise InputError(f"{source} line {line}, column {column!r}: the label {text!r} is none of {', '.join(values)}")
        return np.array([codes[text] for _, text in labels], dtype=np.int64), values
    for (line, text), number in zip(labels, numbers, strict=True):
        if number is None or not math.isfinite(number):
            raise InputError(f"{source} line {line}, column {column!r}: the label {text!r} is not a finite number, as others are")
    values64 = np.array(numbers, dtype=np.float64)
    if all("." not in text and "e" not in text.lower() for _, text in labels) and (np.abs(values64) < 2**53).all():
        return values64.astype(np.int64), ()
    return values64, ()


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


def _number(text: str) -> float | None:
    """The number that a cell spells, or None; ``1_000`` is a typing error here, not a thousand."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _canonical(name: str, known: Mapping[str, int]) -> str:
    """Row position ``007`` is row 7, unless an id is really spelt so."""
    text = str(name).strip()
    return text if text in known or not text.isdecimal() else str(int(text))
