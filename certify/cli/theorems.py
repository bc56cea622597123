"""``certify theorems``: the book by families, one entry of it in full, or the drawing of what rests on what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.errors import InputError

from .output import ExitCode, emit, schema

if TYPE_CHECKING:
    from certify.proofs.catalogue import Entry
    from certify.proofs.relations import Printed
    from certify.proofs.theorem import Theorem


def theorems(
    identifier: str | None = None,
    file: Path | None = None,
    /,
    *,
    graph: bool = False,
    pages: str | None = None,
    json: bool = False,
) -> int:
    """List the theorems of the book by families, show one of them in full, or draw what rests on what.

    One theorem is shown with its hypotheses and their sides, its formula, the outline of its proof, its source, a false
    sibling that the checker refuses, what it rests on and who uses it. Textbook facts have such a sheet too.

    Parameters
    ----------
    identifier
        A theorem's id, such as output.residual, or a family's name, such as newton; without it, all of them.
    file
        With --graph: the file to write, which ends in .svg; without it the drawing goes to standard output.
    graph
        Draw as SVG what rests on what: the whole book, or what the entry rests on and what rests on it.
    pages
        With --graph: where docs/theorems is, as an address or a path; ids in the drawing link there.
    json
        Print JSON alone on standard output.
    """
    if file is None and identifier is not None and identifier.endswith(".svg"):
        file, identifier = Path(identifier), None
    if not graph and (file is not None or pages is not None):
        raise InputError("a file and --pages belong to the drawing: add --graph")
    family = identifier if identifier in _families() and not graph else None
    if identifier is not None and family is None:
        find(identifier)
    if graph:
        return _draw(identifier, file, pages, as_json=json)
    from . import sheets

    if identifier is None or family is not None:
        payload = {"schema": schema("theorems"), **listing(family)}
        emit(payload, json, lambda: sheets.listing(payload))
    else:
        payload = {"schema": schema("theorem"), **describe(identifier)}
        emit(payload, json, lambda: sheets.sheet(payload))
    return int(ExitCode.HOLDS)


def find(identifier: str) -> Entry:
    """The entry of any kind with this id, or an input error that names the nearest."""
    from certify.proofs import catalogue, registry

    try:
        return catalogue.entry(identifier)
    except registry.UnknownTheorem as error:
        raise InputError(f"{error}; `certify theorems` lists them all") from None


def _families() -> tuple[str, ...]:
    from certify.proofs import registry

    return tuple(registry.families())


def listing(only: str | None = None) -> dict[str, Any]:
    """The entries of one family or of all, with their status, and the families in order."""
    from certify.proofs import catalogue, registry

    chosen = [family for family in catalogue.families() if only in (None, family.name)]
    return {
        "families": [{"id": family.name, "title": family.title} for family in chosen],
        "theorems": [
            {
                "id": entry.id,
                "kind": registry.kind(entry.id),
                "family": family.name,
                "statement": entry.statement,
                "status": registry.status(entry.id).label,
            }
            for family in chosen
            for entry in family.entries
        ],
        "foundations": len(registry.foundations()),
    }


def describe(identifier: str) -> dict[str, Any]:
    """An entry of the book as plain JSON data; what an entry of its kind does not have is left out."""
    from certify.links import users
    from certify.proofs import catalogue, registry
    from certify.proofs.identity import Identity
    from certify.proofs.outline import outline
    from certify.proofs.relations import matrix_relation, relation
    from certify.proofs.theorem import Enclosure, Theorem

    entry = find(identifier)
    own: dict[str, Any] = {}
    if isinstance(entry, Theorem):
        own = _theorem(entry)
    elif isinstance(entry, Identity):
        sibling = matrix_relation(entry.false_sibling)
        own = {"says": _both(matrix_relation(entry.goal)), "false_sibling": {"description": "another goal", **_both(sibling)}}
    elif isinstance(entry, Enclosure):
        box = [{"symbol": symbol, "from": str(low), "to": str(high)} for symbol, low, high in entry.box]
        own = {"box": box, "says": _both(relation(">=0", entry.slack)), "false_sibling": None}
        if entry.false_sibling is not None:
            own["false_sibling"] = {"description": "another slack", **_both(relation(">=0", entry.false_sibling))}
    found = outline(entry) if isinstance(entry, (Theorem, Identity)) else None
    return {
        "id": entry.id,
        "kind": registry.kind(entry.id),
        "family": catalogue.family_of(entry.id),
        "statement": entry.statement,
        "status": registry.status(entry.id).label,
        "digest": registry.digest(entry.id),
        **own,
        "proof": None if found is None else found.data(),
        "rests_on": list(registry.rests_on(entry.id)),
        "used_by": {"theorems": list(catalogue.used_by(entry.id)), "code": list(users(entry.id))},
        "source": entry.source,
    }


def _theorem(entry: Theorem) -> dict[str, Any]:
    from certify.proofs.readers import as_latex, as_text
    from certify.proofs.relations import conclusion, condition

    sibling = None
    if (false := entry.false_sibling) is not None:
        says = {} if false.formula is None else _both(conclusion(replace(entry, formula=false.formula)))
        sibling = {"description": false.description, **says, "dropped": list(false.dropped)}
    return {
        "hypotheses": [hypothesis.data() for hypothesis in entry.hypotheses],
        "side_conditions": [{"words": side.words, **_both(condition(side))} for side in entry.side_conditions],
        "conclusion": entry.conclusion.data(),
        "says": _both(conclusion(entry)),
        "formula": as_text(entry.formula),
        "latex": as_latex(entry.formula),
        "false_sibling": sibling,
    }


def _both(formula: Printed) -> dict[str, str]:
    return {"text": formula.text, "latex": formula.latex}


def _draw(identifier: str | None, file: Path | None, pages: str | None, *, as_json: bool) -> int:
    from certify.proofs import graph, registry

    drawing = graph.svg(identifier, pages=pages)
    if file is not None:
        from certify.storage import write_file

        write_file(file, drawing.encode())
    if as_json:
        edges = graph.graph(identifier)
        payload = {
            "schema": schema("graph"),
            "entries": [{"id": name, "kind": registry.kind(name), "rests_on": list(below)} for name, below in edges.items()],
            "file": None if file is None else str(file),
        }
        emit(payload, True, str)
    elif file is None:
        print(drawing, end="")
    else:
        print(f"{file}: {len(graph.graph(identifier))} entries")
    return int(ExitCode.HOLDS)
