"""DSSE v1 envelopes: the signed bytes are the payload itself, never a re-serialisation of it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from certify.keys import PrivateKey, PublicKey

from .canonical import NotCanonical, parse

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_SIGNATURE_LIMIT = 16


class NotACertificate(ValueError):
    """The bytes are not an envelope around an in-toto statement; the message says why."""


@dataclass(frozen=True)
class Signature:
    """One signature; ``keyid`` is only a hint, not evidence."""

    keyid: str
    signature: bytes


@dataclass(frozen=True)
class Envelope:
    """The payload as it was signed, and the signatures over it (none for an unsigned certificate)."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def signed(self, key: PrivateKey) -> Envelope:
        """The same payload with one signature more."""
        signature = Signature(key.public.id, key.sign(pre_authentication(self.payload)))
        return Envelope(self.payload, (*self.signatures, signature))

    def signed_by(self, key: PublicKey) -> bool:
        """Whether one of the signatures is this key's."""
        message = pre_authentication(self.payload)
        return any(key.verifies(item.signature, message) for item in self.signatures)

    def to_json(self) -> bytes:
        """The file content, indented for people (the payload is base64)."""
        return (
            json.dumps(
                {
                    "payloadType": PAYLOAD_TYPE,
                    "payload": base64.b64encode(self.payload).decode(),
                    "signatures": [{"keyid": s.keyid, "sig": base64.b64encode(s.signature).decode()} for s in self.signatures],
                },
                indent=1,
            )
            + "\n"
        ).encode()


def pre_authentication(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, what is actually signed.

    >>> pre_authentication(b"{}")
    b'DSSEv1 28 application/vnd.in-toto+json 2 {}'
    """
    kind = PAYLOAD_TYPE.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def read_envelope(content: bytes) -> Envelope:
    """Parse an envelope strictly; raises :class:`NotACertificate` for anything else."""
    try:
        outer = parse(content)
    except NotCanonical as problem:
        raise NotACertificate(str(problem)) from None
    if not (isinstance(outer, dict) and set(outer) == {"payloadType", "payload", "signatures"}):
        raise NotACertificate("not a DSSE envelope with payloadType, payload and signatures, and nothing else")
    if outer["payloadType"] != PAYLOAD_TYPE:
        raise NotACertificate(f"the payload type is not {PAYLOAD_TYPE}")
    if not (isinstance(outer["signatures"], list) and len(outer["signatures"]) <= _SIGNATURE_LIMIT):
        raise NotACertificate("the signatures are no short list")
    return Envelope(_decode(outer["payload"], "payload"), tuple(_signature(item) for item in outer["signatures"]))


def _signature(item: object) -> Signature:
    if not (isinstance(item, dict) and set(item) == {"keyid", "sig"} and isinstance(item["keyid"], str)):
        raise NotACertificate("a signature has exactly keyid and sig")
    return Signature(item["keyid"], _decode(item["sig"], "signature"))


def _decode(text: object, what: str) -> bytes:
    if not isinstance(text, str):
        raise NotACertificate(f"the {what} is no string")
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotACertificate(f"the {what} is not base64") from None
    if base64.b64encode(content).decode() != text:
        raise NotACertificate(f"the {what} is not canonical base64")
    return content
