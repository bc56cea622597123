"""``certify prove``: replay the proofs, here and now."""

from __future__ import annotations

import time
from typing import Any

from .output import ExitCode, emit, schema


def prove(identifier: str | None = None, /, *, json: bool = False) -> int:
    """Replay the proofs of the whole book, or of one theorem and everything it rests on.

    Exit code 0 says that every proof was accepted, 1 that one was refused.

    Parameters
    ----------
    identifier
        A theorem's id, such as output.residual; without it, all of them.
    json
        Print JSON alone on standard output.
    """
    from certify.proofs import book, registry

    from .theorems import find

    if identifier is None:
        wanted = tuple(registry.theorems())
    else:
        closure = registry.closure(find(identifier).id)
        wanted = tuple(name for name in registry.theorems() if name in {*closure, identifier})
    entries = [_replay(name) for name in wanted]
    refused = [entry["id"] for entry in entries if entry["status"] == "refused"]
    payload: dict[str, Any] = {
        "schema": schema("prove"),
        "holds": not refused,
        "theorems": entries,
        "book": {"version": book.VERSION, "digest": book.book_digest()},
    }
    emit(payload, json, lambda: _table(payload))
    return int(ExitCode.FAILS if refused else ExitCode.HOLDS)


def _replay(identifier: str) -> dict[str, Any]:
    from certify.proofs import registry

    started = time.perf_counter()
    detail = ""
    try:
        status = registry.status(identifier).label
        if refusals := registry.refusals(identifier):
            status, detail = "refused", "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
    except Exception as error:  # a proof that the checker refuses, whatever is wrong with it
        status, detail = "refused", " ".join(str(error).split())
    return {
        "id": identifier,
        "status": status,
        "rests_on": list(registry.theorem(identifier).rests_on),
        "milliseconds": round(1000 * (time.perf_counter() - started), 2),
        "detail": detail,
    }


def _table(payload: dict[str, Any]) -> object:
    from rich.console import Group
    from rich.table import Table

    from certify.proofs.status import Status

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("theorem", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("rests on")
    for entry in payload["theorems"]:
        mark = "✗" if entry["status"] == "refused" else Status.parse(entry["status"]).glyph
        table.add_row(
            entry["id"],
            f"{mark} {entry['status']}",
            f"{entry['milliseconds']:.1f}",
            entry["detail"] or ", ".join(entry["rests_on"]),
        )
    count = len(payload["theorems"])
    refused = sum(entry["status"] == "refused" for entry in payload["theorems"])
    book = payload["book"]
    return Group(
        table, "", f"{count - refused} of {count} proofs accepted; book {book['version']}, digest {book['digest'][:16]}…"
    )
