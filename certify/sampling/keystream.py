"""Random words from the ChaCha20 keystream under a secret seed: cryptographic, and replayable by the holder of the seed.

Word i is bytes 8i to 8i + 7 of the keystream with nonce zero, little-endian. A draw that needs more bits than its own word takes
them from the keystream with the nonce i + 1, so what draw i becomes does not depend on how many draws are made at a time.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import Any, NoReturn

import numpy
from numpy.typing import NDArray

from certify.errors import InputError

SEED_BYTES = 32
_LONGEST = (
    1 << 34
)  # words of one stream: half of what a 32-bit block counter reaches; past that a cipher may run into the next nonce


def fresh_seed() -> bytes:
    """32 bytes of operating-system entropy; secret."""
    return secrets.token_bytes(SEED_BYTES)


class Keystream:
    """A position in the stream of a seed. It never shows the seed, and is neither copied nor pickled.

    One position serves every sampler that draws from the stream, in any number of threads, so no word and no refinement is used twice. A process
    that was forked holds a copy at the same position, which would draw the same noise again: there it is refused.

    >>> one, other = Keystream(bytes(32)), Keystream(bytes(32))
    >>> bool((one.words(5) == other.words(5)).all())
    True
    """

    __slots__ = ("_cipher", "_lock", "_position", "_process", "_seed")

    def __init__(self, seed: bytes) -> None:
        if not (isinstance(seed, bytes) and len(seed) == SEED_BYTES):
            raise InputError(f"a noise seed has {SEED_BYTES} bytes")
        self._seed = seed
        self._cipher = _cipher(seed, 0)
        self._position = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"Keystream(position={self.position})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Keystream holds a secret and a position: it is not copied, make one from a seed of its own")

    @property
    def position(self) -> int:
        """How many words have been drawn. Only drawing moves it."""
        return self._position

    def words(self, count: int) -> NDArray[numpy.uint64]:
        """The next ``count`` words."""
        return self.take(count)[1]

    def take(self, count: int) -> tuple[int, NDArray[numpy.uint64]]:
        """The next ``count`` words, and the position of the first of them."""
        if self._process != os.getpid():
            raise InputError(
                "this keystream was made before the process was forked and would repeat its noise: take a fresh one here"
            )
        with self._lock:
            first = self._position
            if not 0 <= count <= _LONGEST - first:
                raise InputError("a seed gives at most 2**34 words: take a fresh one")
            drawn = self._cipher.update(bytes(8 * count))
            self._position = first + count
        return first, numpy.frombuffer(drawn, dtype="<u8")

    def refinement(self, draw: int) -> Refinement:
        """The further bits of the draw whose word stands at position ``draw``."""
        return Refinement(_cipher(self._seed, draw + 1))


class Refinement:
    """As many more bits as one draw needs."""

    __slots__ = ("_cipher",)

    def __init__(self, cipher: Any) -> None:
        self._cipher = cipher

    def bits(self) -> int:
        """64 more bits, as an integer."""
        return int.from_bytes(self._cipher.update(bytes(8)), "little")


def _cipher(seed: bytes, nonce: int) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    return Cipher(algorithms.ChaCha20(seed, bytes(4) + nonce.to_bytes(12, "little")), mode=None).encryptor()


def keystream(generator: Keystream | numpy.random.Generator | None) -> Keystream:
    """The stream itself, a fresh one from the operating system, or one whose seed a caller's generator draws.

    Raises :class:`InputError` for anything else; the global states of numpy and torch are never used.
    """
    if generator is None:
        return Keystream(fresh_seed())
    if isinstance(generator, Keystream):
        return generator
    if isinstance(generator, numpy.random.Generator):
        return Keystream(generator.bytes(SEED_BYTES))
    raise InputError(f"generator is a Keystream or a numpy.random.Generator, not {type(generator).__name__}")
