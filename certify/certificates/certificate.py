"""A certificate: the signed bytes and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from certify.keys import PrivateKey
from certify.storage import sha256

from .canonical import NotCanonical, canonical, parse
from .envelope import Envelope
from .schema import Predicate, Statement


class Malformed(ValueError):
    """The payload is signed or enclosed properly but does not say what a certificate says; the message says where."""


@dataclass(frozen=True)
class Certificate:
    """An envelope together with the statement that its payload spells, and no other."""

    envelope: Envelope

    @cached_property
    def statement(self) -> Statement:
        """The statement; raises :class:`Malformed` for a payload of any other form."""
        return read_statement(self.envelope.payload)

    @property
    def predicate(self) -> Predicate:
        """What is claimed."""
        return self.statement.predicate

    @property
    def digest(self) -> str:
        """The content digest by which a successor names this certificate."""
        return self.predicate.content_digest

    def signed(self, key: PrivateKey) -> Certificate:
        """The same certificate with one signature more."""
        return Certificate(self.envelope.signed(key))

    def to_json(self) -> bytes:
        """The content of ``certificate.json``."""
        return self.envelope.to_json()

    def __rich__(self) -> Any:
        from .tables import certificate_tables

        return certificate_tables(self)

    def __str__(self) -> str:
        from .tables import as_text

        return as_text(self)


def seal(statement: dict[str, Any]) -> Certificate:
    """The unsigned certificate of a statement in plain data; fills in the content digest."""
    predicate = {**statement["predicate"], "contentDigest": content_digest(statement)}
    certificate = Certificate(Envelope(canonical({**statement, "predicate": predicate})))
    certificate.statement  # noqa: B018  (a producer never hands out what its own reader refuses)
    return certificate


def content_digest(statement: dict[str, Any]) -> str:
    """SHA-256 of the canonical statement without its content digest. It detects corruption, not forgers."""
    predicate = {key: value for key, value in statement["predicate"].items() if key != "contentDigest"}
    return sha256(canonical({**statement, "predicate": predicate}))


def read_statement(payload: bytes) -> Statement:
    """The statement in canonical JSON; raises :class:`Malformed` that names the place."""
    try:
        plain = parse(payload)
        if canonical(plain) != payload:
            raise Malformed("the payload is not in canonical form")
        return Statement.model_validate(plain, by_alias=True, by_name=False)
    except NotCanonical as problem:
        raise Malformed(f"the payload is no certificate: {problem}") from None
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the payload"
        raise Malformed(f"{where}: {first['msg']}") from None
