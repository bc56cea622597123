"""The cells of a CSV file as numbers, labels and ids; every complaint names file, line and column."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from certify.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

csv.field_size_limit(1 << 20)


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file as text in UTF-8; a missing, unreadable or binary file is an ``InputError``, while reading too."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            yield stream
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder where a file is expected; name the file") from None
    except PermissionError:
        raise InputError(f"{path}: not readable; check its permissions") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 (byte {error.start}); export it as CSV in UTF-8") from None


def lines_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line number and the cells of every line that is not blank."""
    with opened(path) as stream:
        reader = csv.reader(stream, strict=True)
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


def header_of(source: str, lines: Iterator[tuple[int, list[str]]], label: str, id_column: str | None) -> list[str]:
    """The column names: unique, not numbers, with the label and the id column among them."""
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    if not header:
        raise InputError(f"{source}: the file is empty; it needs a header line and records")
    if all(number_of(cell) is not None for cell in header):
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


def records_of(
    source: str, lines: Iterator[tuple[int, list[str]]], header: list[str], label: str, id_column: str | None
) -> tuple[NDArray[np.float64], list[tuple[int, str]], tuple[str, ...]]:
    """The features [n, d], the labels as text with their lines, and the n ids (row positions without an id column)."""
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
        value = number_of(cells[index])
        if value is None:
            raise InputError(f"{where}: {cells[index].strip()!r} is not a number; encode the column or remove it")
        if not math.isfinite(value):
            raise InputError(f"{where}: {cells[index].strip()!r} is not finite; fill it or remove the record")
        values.append(value)
    return np.array(values)


def labels_of(
    source: str, column: str, labels: list[tuple[int, str]], known: Sequence[str] | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The labels as numbers; text labels become the positions of their sorted values, which are returned beside them."""
    for line, text in labels:
        if not text:
            raise InputError(f"{source} line {line}, column {column!r}: the label is empty; fill it or remove the record")
    numbers = [number_of(text) for _, text in labels]
    if all(number is None for number in numbers) or known:
        values = tuple(known) if known else tuple(sorted({text for _, text in labels}))
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


def number_of(text: str) -> float | None:
    """The number that a cell spells, or None; ``1_000`` is a typing error here, not a thousand."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
