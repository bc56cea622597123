"""The book of proofs: every entry as plain data, with Merkle digests, and its canonical file.

``python -m certify.proofs.book`` compares ``book.json`` with what the code says, ``--write`` rewrites it, and
``--pin`` also rewrites ``pins.json``, the list of statements and facts that people have read and that the checker
takes from outside the book. Pin only what you have read.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from . import checker, registry
from .expression import to_data
from .theorem import Enclosure, Foundation, Theorem

VERSION = checker.FORMAT
BOOK = Path(__file__).with_name("book.json")
PINS = Path(__file__).with_name("pins.json")


def theorem_entry(statement: Theorem) -> dict[str, Any]:
    """A theorem as the book holds it, without its digest."""
    return {
        "kind": "theorem",
        "statement": statement.statement,
        "hypotheses": [hypothesis.data() for hypothesis in statement.hypotheses],
        "side_conditions": [
            {"kind": row.kind, "slack": to_data(row.slack), "words": row.words} for row in statement.side_conditions
        ],
        "conclusion": statement.conclusion.data(),
        "formula": to_data(statement.formula),
        "rests_on": list(statement.rests_on),
        "source": statement.source,
        "proof": None if statement.proof is None else statement.proof.data(),
    }


def foundation_entry(foundation: Foundation) -> dict[str, Any]:
    """A foundation as the book holds it, without its digest."""
    return {"kind": "foundation", "statement": foundation.statement, "source": foundation.source}


def enclosure_entry(enclosure: Enclosure) -> dict[str, Any]:
    """An enclosure as the book holds it, without its digest."""
    return {
        "kind": "enclosure",
        "statement": enclosure.statement,
        "box": [[name, str(low), str(high)] for name, low, high in enclosure.box],
        "relation": {"kind": ">=0", "slack": to_data(enclosure.slack)},
        "rests_on": [],
        "source": enclosure.source,
    }


@cache
def entry(identifier: str) -> dict[str, Any]:
    """The entry with this id and its digest; do not modify the result."""
    match registry.kind(identifier):
        case "foundation":
            body = foundation_entry(registry.foundations()[identifier])
        case "enclosure":
            body = enclosure_entry(registry.enclosures()[identifier])
        case "identity":
            body = registry.identities()[identifier].data()
        case _:
            body = theorem_entry(registry.theorem(identifier))
    below = [entry_digest(name) for name in registry.rests_on(identifier)]
    return {**body, "digest": checker.entry_digest(identifier, body, below)}


def entry_digest(identifier: str) -> str:
    """The Merkle digest of the entry."""
    return str(entry(identifier)["digest"])


def identifiers() -> tuple[str, ...]:
    """All ids in the order of the book: foundations, enclosures, identities, theorems."""
    return (*registry.foundations(), *registry.enclosures(), *registry.identities(), *registry.theorems())


def book() -> dict[str, Any]:
    """The whole book as data."""
    return {"format": VERSION, "entries": {identifier: entry(identifier) for identifier in identifiers()}}


@cache
def book_digest() -> str:
    """The SHA-256 of the whole book: of its format and of the digest of every entry."""
    return checker.digest([VERSION, {identifier: entry_digest(identifier) for identifier in identifiers()}])


def render(data: Any) -> str:
    """The canonical file: one line for each innermost list that holds no object, sorted keys, a newline at the end."""
    return _render(data, "") + "\n"


def _render(data: Any, indent: str) -> str:
    if isinstance(data, dict) and data:
        inner = indent + " "
        rows = [f"{inner}{json.dumps(key)}: {_render(data[key], inner)}" for key in sorted(data)]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(data, list) and any(isinstance(item, dict) for item in data):
        inner = indent + " "
        return "[\n" + ",\n".join(f"{inner}{_render(item, inner)}" for item in data) + f"\n{indent}]"
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"))


@cache
def pins() -> dict[str, str]:
    """The pinned digests of statements and facts, as shipped."""
    loaded: dict[str, str] = checker.loads(PINS.read_text(encoding="utf-8"))
    return loaded


def claims() -> dict[str, str]:
    """What the pins would be if everything in the code were pinned now."""
    return {identifier: checker.claim_digest(entry(identifier)) for identifier in identifiers()}


def main(arguments: list[str]) -> int:
    """Compare, write or pin."""
    if "--pin" in arguments:
        PINS.write_text(render(claims()), encoding="utf-8")
    if "--pin" in arguments or "--write" in arguments:
        BOOK.write_text(render(book()), encoding="utf-8")
    same = BOOK.is_file() and BOOK.read_text(encoding="utf-8") == render(book())
    print(f"{BOOK.name}: {'as the code says' if same else 'differs from the code: run with --write'}; digest {book_digest()}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
