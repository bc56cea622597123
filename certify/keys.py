"""Ed25519 keys: make, store, load, sign, verify. A signature says who; the derivation says why."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import InputError
from .storage import PUBLIC_MODE, SECRET_MODE, make_folder, read_file, sha256, write_files

_PRIVATE_HEADER, _PUBLIC_HEADER = "certify-ed25519-private-key-1", "certify-ed25519-public-key-1"
_KEY_FILE_LIMIT = 4096


@dataclass(frozen=True)
class PublicKey:
    """The 32 bytes with which signatures are checked."""

    raw: bytes

    @property
    def id(self) -> str:
        """``ed25519:`` and the SHA-256 of the key: a name, no proof of who holds it."""
        return f"ed25519:{sha256(self.raw)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's, over exactly this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """The 32 secret bytes with which messages are signed; never printed."""

    raw: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> PrivateKey:
        """A fresh key from operating-system entropy.

        >>> key = PrivateKey.generate()
        >>> key.public.verifies(key.sign(b"message"), b"message")
        True
        """
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(Ed25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        return Ed25519PrivateKey.from_private_bytes(self.raw).sign(message)


def save_keys(key: PrivateKey, path: str | Path) -> tuple[Path, Path]:
    """Write ``path`` (private, mode 0600) and ``path``.pub; refuses to overwrite either."""
    private, public = Path(path), Path(f"{path}.pub")
    for place in (private, public):
        if place.exists() or place.is_symlink():
            raise InputError(f"{place} exists already: choose another name, keys are never overwritten")
    make_folder(private.parent)
    write_files(
        {
            private: (_key_file(_PRIVATE_HEADER, key.raw), SECRET_MODE),
            public: (_key_file(_PUBLIC_HEADER, key.public.raw), PUBLIC_MODE),
        }
    )
    return private, public


def load_private(source: PrivateKey | str | Path) -> PrivateKey:
    """The private key itself or the one in a file; :class:`InputError` for anything else."""
    return source if isinstance(source, PrivateKey) else PrivateKey(_read_key(source, _PRIVATE_HEADER, "private key"))


def load_public(source: PublicKey | PrivateKey | str | Path) -> PublicKey:
    """The public key itself, the public half of a private one, or the one in a file."""
    if isinstance(source, PrivateKey):
        return source.public
    return source if isinstance(source, PublicKey) else PublicKey(_read_key(source, _PUBLIC_HEADER, "public key"))


def _key_file(header: str, raw: bytes) -> bytes:
    return f"{header} {base64.b64encode(raw).decode()}\n".encode()


def _read_key(path: str | Path, header: str, what: str) -> bytes:
    words = read_file(path, limit=_KEY_FILE_LIMIT, what=what).decode("ascii", errors="replace").split()
    if len(words) == 2 and words[0] == header:
        try:
            raw = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) == 32:
            return raw
    other = (
        "the private half, which is only for signing: name the .pub file" if words[:1] == [_PRIVATE_HEADER] else "something else"
    )
    raise InputError(f"{path} is not a certify {what} file but {other}; 'certify keygen' makes a pair")
