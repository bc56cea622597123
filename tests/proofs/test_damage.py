"""Damaged proofs: every number, name, term, case and side matters, and the checker notices each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from books import entries_of, verdicts

from certify.proofs import book, checker, registry

IDENTIFIERS = tuple(registry.theorems())
BLOCKS = {"terms", "equations", "steps", "positive", "zero", "negative", "base", "step"}


def literals(node: Any) -> Iterator[tuple[list[Any], int]]:
    """Where the numbers of a proof stand: rational literals, exponents and multipliers."""
    if isinstance(node, dict):
        for value in node.values():
            yield from literals(value)
    elif isinstance(node, list):
        if len(node) == 2 and node[0] == "rational":
            yield node, 1
        elif len(node) == 3 and node[0] == "power":
            yield node, 2
            yield from literals(node[1])
        else:
            if len(node) == 3 and isinstance(node[0], str) and isinstance(node[2], list) and checker._RATIONAL.fullmatch(node[0]):
                yield node, 0
            for item in node:
                yield from literals(item)


def name_lists(node: Any) -> Iterator[list[Any]]:
    """Where the names of facts stand: factors and the slacks of terms."""
    if isinstance(node, dict):
        if node.get("factor"):
            yield node["factor"]
        for term in node.get("terms", []):
            if term[2]:
                yield term[2]
        for value in node.values():
            yield from name_lists(value)
    elif isinstance(node, list):
        for item in node:
            yield from name_lists(item)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_changed_number_is_refused(identifier: str) -> None:
    """Each number of a proof in turn: the identity is exact, so another number breaks it."""
    generator = random.Random(identifier)
    body = book.entry(identifier)["proof"]
    count = sum(1 for part in ("steps", "congruences") for _ in literals(body[part]))
    for position in generator.sample(range(count), min(count, 12)):
        entries = entries_of(identifier)
        proof = entries[identifier]["proof"]
        places = [place for part in ("steps", "congruences") for place in literals(proof[part])]
        node, index = places[position]
        if node[0] == "power":
            node[index] = str(int(node[index]) + 1)
        else:
            node[index] = str(Fraction(node[index]) + Fraction(generator.randint(1, 10**6), generator.randint(1, 10**6)) + 3)
        assert verdicts(entries)[identifier][0] == "failed", (position, node)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_changed_name_is_refused(identifier: str) -> None:
    generator = random.Random(identifier)
    body = book.entry(identifier)["proof"]
    count = sum(1 for _ in name_lists(body["steps"]))
    for position in generator.sample(range(count), min(count, 8)):
        for damage in ("drop", "repeat", "swap"):
            entries = entries_of(identifier)
            names = list(name_lists(entries[identifier]["proof"]["steps"]))[position]
            index = generator.randrange(len(names))
            if damage == "drop":
                names.pop(index)
            elif damage == "repeat":
                names.append(names[index])
            else:
                known = [fact["name"] for fact in body["facts"]] + [row["symbol"] for row in entries[identifier]["hypotheses"]]
                names[index] = generator.choice([name for name in known if name != names[index]] or ["nothing"])
            assert verdicts(entries)[identifier][0] == "failed", (damage, names)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_missing_part_of_a_proof_is_refused(identifier: str) -> None:
    def parts(node: Any) -> Iterator[list[Any]]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in BLOCKS and isinstance(value, list) and value:
                    yield value
                yield from parts(value)
        elif isinstance(node, list):
            for item in node:
                yield from parts(item)

    count = sum(1 for _ in parts({"steps": book.entry(identifier)["proof"]["steps"]}))
    for position in range(count):
        entries = entries_of(identifier)
        proof = entries[identifier]["proof"]
        list(parts({"steps": proof["steps"]}))[position].pop()
        assert verdicts(entries)[identifier][0] == "failed", position


# ---------------------------------------------------------------- two hundred at random over the whole book


def change_number(entry: dict[str, Any], generator: random.Random) -> bool:
    places = [place for part in ("steps", "congruences") for place in literals(entry["proof"][part])]
    node, index = generator.choice(places)
    if node[0] == "power":
        node[index] = str(int(node[index]) + 1)
    else:
        node[index] = str(Fraction(node[index]) + Fraction(generator.randint(1, 10**6), generator.randint(1, 10**6)) + 3)
    return True


def drop_term(entry: dict[str, Any], generator: random.Random) -> bool:
    places = [
        step[part] for step in blocks(entry["proof"]["steps"]) for part in ("terms", "equations") if step.get(part)
    ]  # fmt: skip
    generator.choice(places).pop()
    return True


def exchange_hypotheses(entry: dict[str, Any], generator: random.Random) -> bool:
    """Two symbols of opposite sides change places, as when arguments are passed in the wrong order."""
    used = checker.symbols_of(entry["formula"])
    rows = [row for row in entry["hypotheses"] if row["symbol"] in used and row["side"] != "exact"]
    pairs = [(a, b) for a in rows for b in rows if a["side"] == "upper" and b["side"] == "lower"]
    if not pairs:
        return False
    one, other = generator.choice(pairs)
    one["symbol"], other["symbol"] = other["symbol"], one["symbol"]
    return True


def turn_a_fact_round(entry: dict[str, Any], generator: random.Random) -> bool:
    fact = generator.choice(entry["proof"]["facts"] or [None])
    if fact is None or fact["kind"] == "==0":
        return False
    fact["slack"] = checker.opposite(fact["slack"])
    return True


def blocks(steps: list[Any]) -> Iterator[dict[str, Any]]:
    """Every step, also inside cases and inductions."""
    for step in steps:
        yield step
        for inner in (*step.get("cases", {}).values(), step.get("base", []), step.get("step", [])):
            yield from blocks(inner)


DAMAGES: tuple[Callable[[dict[str, Any], random.Random], bool], ...] = (
    change_number,
    drop_term,
    exchange_hypotheses,
    turn_a_fact_round,
)


def test_two_hundred_random_mutations_are_refused() -> None:
    generator = random.Random(20261125)
    refused, counts = 0, dict.fromkeys((damage.__name__ for damage in DAMAGES), 0)
    while refused < 200:
        identifier, damage = generator.choice(IDENTIFIERS), generator.choice(DAMAGES)
        entries = entries_of(identifier)
        if not damage(entries[identifier], generator):
            continue
        assert verdicts(entries)[identifier][0] == "failed", (identifier, damage.__name__)
        refused += 1
        counts[damage.__name__] += 1
    assert min(counts.values()) >= 10, counts


@pytest.mark.parametrize("identifier", registry.identities())
def test_a_damaged_identity_is_refused(identifier: str) -> None:
    """Each coefficient, word and relation of its certificate in turn, and its false sibling."""
    for position, row in enumerate(book.entry(identifier)["proof"]["certificate"]):
        for index, value in (
            (0, str(Fraction(row[0]) + 1)),
            (1, row[1] + row[1][:1] or ["nothing"]),
            (2, "nothing"),
            (3, row[3][:-1] or ["nothing"]),
        ):
            entries = entries_of(identifier)
            entries[identifier]["proof"]["certificate"][position][index] = value
            assert verdicts(entries)[identifier][0] == "failed", (position, index)
        entries = entries_of(identifier)
        entries[identifier]["proof"]["certificate"].pop(position)
        assert verdicts(entries)[identifier][0] == "failed", position
    entries = entries_of(identifier)
    entries[identifier]["goal"] = registry.identities()[identifier].false_sibling.data()
    assert verdicts(entries)[identifier][0] == "failed"
