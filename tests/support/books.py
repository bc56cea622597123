"""Small books of proofs, with digests and pins made to fit, so that only the rule itself can refuse them."""

from __future__ import annotations

import copy
from typing import Any

from certify.proofs import book, checker, registry


def sealed(entries: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A book with right digests, and pins that accept every claim in it."""
    entries = copy.deepcopy(entries)
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or name not in entries:
            return
        for below in entries[name].get("rests_on", []):
            visit(below)
        order.append(name)

    for name in entries:
        visit(name)
    for name in order:
        below = [entries[other]["digest"] for other in entries[name].get("rests_on", []) if other in entries]
        entries[name]["digest"] = checker.entry_digest(name, entries[name], below)
    pins = {name: checker.claim_digest(entry) for name, entry in entries.items()}
    return {"format": checker.FORMAT, "entries": entries}, pins


def verdicts(entries: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What the checker says of these entries, every claim pinned and every digest right."""
    return checker.check_book(*sealed(entries))


def entries_of(identifier: str) -> dict[str, Any]:
    """A private copy of the entry and of everything that it rests on."""
    return {name: copy.deepcopy(book.entry(name)) for name in registry.closure(identifier)}


def symbol(name: str) -> list[Any]:
    return ["symbol", name]


def number(value: object) -> list[Any]:
    return ["rational", str(value)]


def minus(left: Any, right: Any) -> list[Any]:
    return ["sum", left, ["product", number(-1), right]]


def step(terms: Any = (), equations: Any = (), factor: Any = (), **lemma: Any) -> dict[str, Any]:
    """A concluding step, or a lemma when ``name``, ``kind`` and ``slack`` are given."""
    return {"terms": list(terms), "equations": list(equations), "factor": list(factor), **lemma}


def fact(name: str, kind: Any, slack: Any, because: tuple[str, ...] = ("law",)) -> dict[str, Any]:
    return {"name": name, "because": list(because), "kind": kind, "slack": slack, "words": "given"}


def toy(**changes: Any) -> dict[str, Any]:
    """A true theorem ``t <= x`` that rests on the foundation ``law``; keyword arguments replace fields of the entry or its proof."""
    proof = {
        "target": "t",
        "variables": [["t", "the quantity"]],
        "sequences": [],
        "terms": [],
        "facts": [fact("below", ">=0", minus(symbol("x"), symbol("t")))],
        "citations": [],
        "congruences": [],
        "witness": {"x": "1", "t": "1"},
        "steps": [step([["1", number(1), ["below"]]])],
    }
    theorem = {
        "kind": "theorem",
        "statement": "t is at most x",
        "hypotheses": [{"symbol": "x", "meaning": "a number", "side": "upper", "domain": "nonnegative", "unit": "1"}],
        "side_conditions": [],
        "conclusion": {"symbol": "t", "meaning": "the quantity", "side": "upper", "unit": "1"},
        "formula": symbol("x"),
        "rests_on": ["law"],
        "source": "made up",
        "proof": proof,
    }
    for name, value in changes.items():
        (proof if name in proof else theorem)[name] = value
    return {"law": {"kind": "foundation", "statement": "a law", "source": "a textbook"}, "toy": theorem}
