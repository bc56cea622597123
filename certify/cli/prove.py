"""``certify prove``: replay the proofs, here and now."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.errors import InputError
from certify.printing import printable

from .output import ExitCode, complain, emit, labelled, schema, width
from .progress import progress

if TYPE_CHECKING:
    from rich.console import Group

_LARGEST_BOOK = 64 << 20
_PATIENCE = 2.0
_MANY = 12


def prove(identifier: str | None = None, /, *, all: bool = False, book: Path | None = None, json: bool = False) -> int:
    """Replay the proofs of the whole book, or of one theorem and everything it rests on.

    Exit code 0 says that every proof was accepted, 1 that one was refused.

    Parameters
    ----------
    identifier
        A theorem's id, such as output.residual; without it, all of them.
    all
        All of them, said explicitly.
    book
        Check another book file than the one that is installed, against the statements that are pinned here.
    json
        Print JSON alone on standard output.
    """
    if all and identifier is not None:
        raise InputError(f"--all and {identifier} say two things: leave one out")
    started = time.perf_counter()
    payload = _own(identifier) if book is None else _foreign(book, identifier)
    payload["milliseconds"] = round(1000 * (time.perf_counter() - started), 2)
    emit(payload, json, lambda: _table(payload))
    if payload["holds"]:
        return int(ExitCode.HOLDS)
    if book is not None:
        complain(f"{book}: {_complaint(payload)}")
    return int(ExitCode.FAILS)


def _own(identifier: str | None) -> dict[str, Any]:
    """What the code at hand says, entry by entry, what an entry rests on before it."""
    from certify.proofs import book, registry

    from .theorems import find

    names = book.identifiers() if identifier is None else registry.closure(find(identifier).id)
    wanted = [name for name in names if registry.kind(name) != "foundation"]
    if not wanted:
        raise InputError(f"{identifier} is a textbook fact, used as given: there is nothing to replay")
    entries = []
    with progress(counts=True, patience=_PATIENCE) as shown:
        shown.stage("replaying the proofs", total=len(wanted))
        for name in wanted:
            entries.append(_replay(name))
            shown.advance(name)
    return _payload(entries, {"version": book.VERSION, "digest": book.book_digest(), "file": None})


def _replay(identifier: str) -> dict[str, Any]:
    from certify.proofs import registry

    started = time.perf_counter()
    detail = ""
    try:
        status = registry.status(identifier).label
        if refusals := registry.refusals(identifier):
            first, reason = next(iter(refusals.items()))
            status, detail = "refused", refusals.get(identifier, f"rests on {first}, which is refused: {reason}")
    except Exception as error:  # a proof that the checker refuses, whatever is wrong with it
        status, detail = "refused", " ".join(str(error).split())
    milliseconds = round(1000 * (time.perf_counter() - started), 2)
    return _entry(identifier, status, registry.rests_on(identifier), detail, milliseconds)


def _foreign(file: Path, identifier: str | None) -> dict[str, Any]:
    """What the checker says of another book, with the pins that are installed here; boxes are enclosed again."""
    from certify.proofs import book, checker
    from certify.storage import read_file

    content = read_file(file, limit=_LARGEST_BOOK, what="book of proofs")
    try:
        data = checker.loads(content.decode("utf-8"))
        results = checker.check_book(data, book.pins())
    except (ValueError, RecursionError, checker.Refused) as error:
        raise InputError(f"{file} cannot be checked: {error or type(error).__name__}") from None
    found = data["entries"]
    wanted = tuple(results) if identifier is None else _below(identifier, found)
    refused: dict[str, str] = {}
    entries = []
    for name, (verdict, reason) in results.items():
        kind, below = _shape(found.get(name))
        because = reason if verdict == "failed" else _not_enclosed(name, found[name]) if kind == "enclosure" else ""
        if not because and (bad := [other for other in below if other in refused]):
            because = f"rests on {', '.join(bad)}, which failed"
        if because:
            refused[name] = because
        if name in wanted and (because or kind != "foundation"):
            entries.append(_entry(name, "refused" if because else verdict, below, because, None))
    digests = {name: entry.get("digest") if isinstance(entry, dict) else None for name, entry in found.items()}
    digest = checker.digest([data["format"], digests])
    return _payload(entries, {"version": data["format"], "digest": digest, "file": str(file)})


def _below(identifier: str, found: dict[str, Any]) -> set[str]:
    """The entry and all that it rests on in a foreign book."""
    if identifier not in found:
        near = difflib.get_close_matches(identifier, found, n=1, cutoff=0.0)
        raise InputError(f"nothing in that book is called {identifier!r}" + (f"; the nearest is {near[0]!r}" if near else ""))
    reached, open_ends = set(), [identifier]
    while open_ends:
        name = open_ends.pop()
        if name not in reached:
            reached.add(name)
            open_ends += _shape(found.get(name))[1]
    return reached


def _shape(entry: Any) -> tuple[str, tuple[str, ...]]:
    """Kind and dependencies of an entry that may be anything."""
    if not isinstance(entry, dict):
        return "", ()
    below = entry.get("rests_on", [])
    return str(entry.get("kind")), tuple(name for name in below if isinstance(name, str)) if isinstance(below, list) else ()


def _not_enclosed(name: str, entry: dict[str, Any]) -> str:
    """Why the inequality does not hold on its box; empty where it was enclosed."""
    from certify.proofs.checker import rational
    from certify.proofs.enclosure import NotEnclosed, prove_on_box
    from certify.proofs.expression import from_data

    try:
        box = tuple((symbol, rational(low), rational(high)) for symbol, low, high in entry["box"])
        prove_on_box(from_data(entry["relation"]["slack"]), box)
    except NotEnclosed as error:
        return str(error)
    return ""


def _entry(name: str, status: str, below: Iterable[str], detail: str, milliseconds: float | None) -> dict[str, Any]:
    return {
        "id": printable(name),
        "status": status,
        "rests_on": [printable(other) for other in below],
        "milliseconds": milliseconds,
        "detail": printable(detail),
    }


def _payload(entries: list[dict[str, Any]], book: dict[str, Any]) -> dict[str, Any]:
    refused = [entry["id"] for entry in entries if entry["status"] == "refused"]
    return {
        "schema": schema("prove"),
        "holds": not refused,
        "first_refused": refused[0] if refused else None,
        "theorems": entries,
        "book": book,
    }


def _complaint(payload: dict[str, Any]) -> str:
    """The first entry that is bad by itself, and how many more fall with it."""
    refused = [entry for entry in payload["theorems"] if entry["status"] == "refused"]
    first = refused[0]
    others = f" ({len(refused) - 1} more are refused)" if refused[1:] else ""
    return f"the first bad theorem is {first['id']}: {first['detail']}{others}"


def _table(payload: dict[str, Any]) -> Group:
    """One line an entry where there are many, all that it rests on where there are few; refusals are said below."""
    from certify.proofs.status import Status

    from .sheets import BOLD, shortened, styled

    entries, book = payload["theorems"], payload["book"]
    column = max(len(entry["id"]) for entry in entries)
    lines = [(BOLD, f"{'theorem':{column}}  {'status':10}  {'ms':>7}  rests on")]
    for entry in entries:
        mark = "✗" if entry["status"] == "refused" else Status.parse(entry["status"]).glyph
        spent = "" if entry["milliseconds"] is None else f"{entry['milliseconds']:.1f}"
        row = f"{entry['id']:{column}}  {mark} {entry['status']:8}  {spent:>7}  "
        below = ", ".join(entry["rests_on"]) or "nothing"
        shown = [shortened(row + below, width())] if len(entries) > _MANY else labelled([(row[:-2], below)]).splitlines()
        lines += [("", line) for line in shown]
    refused = [entry for entry in entries if entry["status"] == "refused"]
    if refused:
        lines.append(("", ""))
        lines += [(BOLD, line) for line in labelled((f"✗ {row['id']}", row["detail"]) for row in refused).splitlines()]
    total = f"{len(entries) - len(refused)} of {len(entries)} proofs accepted in {payload['milliseconds'] / 1000:.2f} s"
    return styled([*lines, ("", ""), ("", f"book {book['version']}, digest {book['digest'][:16]}…"), (BOLD, total)])
