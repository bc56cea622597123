"""``certify theorems``: the book, or one theorem of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from certify.errors import InputError

from .output import ExitCode, emit, labelled, schema, width

if TYPE_CHECKING:
    from certify.proofs.theorem import Theorem


def theorems(identifier: str | None = None, /, *, json: bool = False) -> int:
    """List the theorems of the book, or show one: hypotheses with their sides, conclusion, proof status, source.

    Parameters
    ----------
    identifier
        A theorem's id, such as output.residual; without it, all of them.
    json
        Print JSON alone on standard output.
    """
    from certify.proofs import registry

    if identifier is None:
        book = registry.theorems()
        payload: dict[str, Any] = {
            "schema": schema("theorems"),
            "theorems": [
                {"id": name, "statement": entry.statement, "status": registry.status(name).label} for name, entry in book.items()
            ],
        }
        emit(payload, json, lambda: _listing(payload["theorems"]))
        return int(ExitCode.HOLDS)
    theorem = find(identifier)
    payload = {"schema": schema("theorem"), **describe(theorem)}
    emit(payload, json, lambda: _sheet(payload))
    return int(ExitCode.HOLDS)


def find(identifier: str) -> Theorem:
    """The theorem with this id, or an input error that names the nearest."""
    from certify.proofs import registry

    try:
        return registry.theorem(identifier)
    except registry.UnknownTheorem as error:
        raise InputError(f"{error}; `certify theorems` lists them all") from None


def describe(theorem: Theorem) -> dict[str, Any]:
    """A theorem as plain JSON data."""
    from certify.proofs import registry
    from certify.proofs.readers import as_latex, as_text

    return {
        "id": theorem.id,
        "statement": theorem.statement,
        "status": registry.status(theorem.id).label,
        "digest": registry.digest(theorem.id),
        "hypotheses": [hypothesis.data() for hypothesis in theorem.hypotheses],
        "side_conditions": [condition.words for condition in theorem.side_conditions],
        "conclusion": theorem.conclusion.data(),
        "formula": as_text(theorem.formula),
        "latex": as_latex(theorem.formula),
        "rests_on": list(theorem.rests_on),
        "source": theorem.source,
        "false_sibling": theorem.false_sibling.description if theorem.false_sibling else None,
    }


def _listing(entries: list[dict[str, str]]) -> object:
    from rich.table import Table

    from certify.proofs.status import Status

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("theorem", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("what it says")
    for entry in entries:
        table.add_row(entry["id"], f"{Status.parse(entry['status']).glyph} {entry['status']}", entry["statement"])
    return table


def _sheet(entry: dict[str, Any]) -> str:
    from certify.proofs.status import Status

    statement = textwrap.fill(entry["statement"], width())
    lines = [f"{entry['id']}   {Status.parse(entry['status']).glyph} {entry['status']}", "", statement, "", "needs"]
    rows = []
    for hypothesis in entry["hypotheses"]:
        side = {"upper": "an upper bound", "lower": "a lower bound", "exact": "the exact value"}[hypothesis["side"]]
        unit = "" if hypothesis["unit"] == "1" else f" [{hypothesis['unit']}]"
        rows.append((f"  {hypothesis['symbol']}", f"{side}, {hypothesis['domain']}: {hypothesis['meaning']}{unit}"))
    lines.append(labelled(rows))
    lines += [labelled([("", words)]) for words in entry["side_conditions"]]
    conclusion = entry["conclusion"]
    lines += ["gives", labelled([("", f"{conclusion['symbol']}: {conclusion['meaning']} ({conclusion['side']} bound)")])]
    relation = "<=" if conclusion["side"] == "upper" else ">="
    lines += [labelled([("", f"{conclusion['symbol']} {relation} {entry['formula']}")])]
    if entry["rests_on"]:
        lines += ["rests on", *(f"  {name}" for name in entry["rests_on"])]
    lines += ["source", labelled([("", entry["source"])])]
    if entry["false_sibling"]:
        lines += ["refused sibling", labelled([("", entry["false_sibling"])])]
    lines += ["digest", f"  {entry['digest']}", "", f"certify prove {entry['id']} replays the proof"]
    return "\n".join(lines)
