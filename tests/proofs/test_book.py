"""The book is what the code says, byte for byte, and its digests cover everything below."""

from __future__ import annotations

import json
from typing import Any

import pytest

from certify.proofs import book, checker, registry


def test_the_book_is_regenerated_byte_for_byte() -> None:
    assert book.BOOK.read_bytes() == book.render(book.book()).encode("ascii")


def test_the_pins_are_those_of_the_code() -> None:
    assert book.pins() == book.claims()
    assert book.PINS.read_bytes() == book.render(book.claims()).encode("ascii")


def test_the_rendered_book_reads_back_as_the_same_data() -> None:
    assert checker.loads(book.render(book.book())) == book.book()
    assert json.loads(book.render({"a": [], "b": {}, "c": [{"d": [1, "é"]}]})) == {"a": [], "b": {}, "c": [{"d": [1, "é"]}]}


def test_the_whole_book_passes_the_checker() -> None:
    results = checker.check_book(book.book(), book.pins())
    assert [name for name, (verdict, _) in results.items() if verdict == "failed"] == []
    assert set(results) == set(book.identifiers())


def test_every_entry_is_reached_and_every_foundation_used() -> None:
    reached = {name for identifier in (*registry.theorems(), *registry.identities()) for name in registry.closure(identifier)}
    assert reached == set(book.identifiers())


@pytest.mark.parametrize("identifier", ["linalg.cauchy-schwarz", "output.residual", "logistic.envelope"])
def test_a_digest_covers_what_is_below(identifier: str) -> None:
    """Changing one word below changes the digest of everything that rests on it, and of nothing else."""
    changed = json.loads(json.dumps(book.book()["entries"]))
    changed[identifier]["statement"] += " "
    digests: dict[str, str] = {}

    def digest(name: str) -> str:
        if name not in digests:
            digests[name] = checker.entry_digest(
                name, changed[name], [digest(below) for below in changed[name].get("rests_on", [])]
            )
        return digests[name]

    for name in book.identifiers():
        assert (digest(name) != registry.digest(name)) == (identifier in registry.closure(name)), name


def test_the_digest_of_the_book_is_a_hexadecimal_sha256() -> None:
    assert len(book.book_digest()) == 64
    assert int(book.book_digest(), 16) >= 0
    assert book.VERSION == checker.FORMAT


def test_the_book_holds_no_float_and_no_null_proof() -> None:
    def leaves(node: Any) -> Any:
        if isinstance(node, dict):
            for value in node.values():
                yield from leaves(value)
        elif isinstance(node, list):
            for value in node:
                yield from leaves(value)
        else:
            yield node

    assert {type(leaf) for leaf in leaves(book.book())} <= {str, type(None)}
    assert all(book.entry(name)["proof"] is not None for name in registry.theorems())


def test_the_command_says_whether_the_file_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert book.main([]) == 0
    assert "as the code says" in capsys.readouterr().out
