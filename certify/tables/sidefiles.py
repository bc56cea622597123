"""The small files beside a table: public divisors, and ids to forget."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from certify.errors import InputError

from .cells import lines_of, opened


def read_scale(path: str | Path) -> dict[str, float]:
    """The public divisors of a file: a JSON object, or CSV lines ``column,divisor``.

    They must come from public knowledge (units, ranges by design), never from the rows: a divisor that was fitted on a
    deleted record remembers it, and no theorem here covers that.
    """
    source = str(path)
    if Path(path).suffix == ".json":
        try:
            with opened(Path(path)) as stream:
                found = json.load(stream)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{source} line {error.lineno}: not JSON ({error.msg}): write an object of column: divisor"
            ) from None
        if not isinstance(found, dict):
            raise InputError(f"{source}: write a JSON object of column: divisor")
        pairs: list[tuple[str, str, Any]] = [(source, name, value) for name, value in found.items()]
    else:
        pairs = []
        for number, cells in lines_of(Path(path)):
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
    if not text.strip():
        return ()
    path = Path(text)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # a long list of ids is no file name
        is_file = is_folder = False
    if is_file:
        with opened(path) as stream:
            lines = [line.split("#", 1)[0] for line in stream]
        return tuple(cell.strip() for line in lines for cell in line.split(",") if cell.strip())
    if is_folder or "/" in text or path.suffix in (".txt", ".csv", ".ids"):
        raise InputError(f"{text}: no such file of ids: write one id a line, or pass ids separated by commas")
    return tuple(cell.strip() for cell in text.split(",") if cell.strip())
