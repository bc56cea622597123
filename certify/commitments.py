"""Salted Merkle commitments to records: they bind the producer and tell nobody else anything.

Leaf = SHA-256(0x00 ‖ salt ‖ id ‖ row ‖ label), inner node = SHA-256(0x01 ‖ left ‖ right), salt =
HMAC-SHA256(master, id). Ids are 8-byte little-endian signed integers, rows and labels little-endian
doubles (a float32 row is hashed as the doubles that it equals). The tree is that of RFC 6962; its
leaves are ordered by id.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy

from .arrays import as_array
from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASTER_BYTES = 32
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Commitments:
    """The leaves of all records ever committed, and the ids that are still in the set.

    ``master`` is secret: with it, anybody who holds a record can tell whether it was committed.
    """

    master: bytes = field(repr=False)
    ids: NDArray[numpy.int64] = field(repr=False)  # with those committed, they tell who was forgotten
    leaves: NDArray[numpy.uint8] = field(repr=False)
    committed_ids: NDArray[numpy.int64] = field(repr=False)

    @property
    def count(self) -> int:
        """The number of records still in the set."""
        return len(self.ids)

    def without(self, ids: Iterable[int]) -> Commitments:
        """The same leaves with ``ids`` taken out of the set; nothing is hashed."""
        removed = _sorted_ids(ids)
        return Commitments(self.master, numpy.delete(self.ids, _positions(self.ids, removed)), self.leaves, self.committed_ids)

    def root(self, ids: Iterable[int] | None = None) -> str:
        """The Merkle root in hexadecimal over ``ids`` (any that were committed), by default the present set."""
        chosen = self.ids if ids is None else _sorted_ids(ids)
        return merkle_root(self.leaves[_positions(self.committed_ids, chosen)])


def commit(features: Any, labels: Any, ids: Any = None, master: bytes | None = None) -> Commitments:
    """Commit to the rows [n, d] of ``features`` with their numeric ``labels`` [n] and integer ``ids`` [n].

    ``ids`` default to row positions, ``master`` to 32 fresh random bytes. Arrays may be numpy or torch;
    nothing is copied as a whole. Raises :class:`InputError` for shapes that do not agree or repeated ids.

    >>> first = commit([[1.0, 2.0], [3.0, 4.0]], [0, 1], master=bytes(32))
    >>> first.without([0]).root() == first.root([1])
    True
    """
    rows, targets = _array(features), _array(labels)
    if rows.ndim != 2 or targets.shape != (len(rows),):
        raise InputError(f"commitments need rows [n, d] and labels [n], not {rows.shape} and {targets.shape}")
    names = numpy.arange(len(rows), dtype=numpy.int64) if ids is None else numpy.asarray(ids, dtype=numpy.int64)
    if names.shape != (len(rows),):
        raise InputError(f"commitments need one id for each of the {len(rows)} rows, not {names.shape}")
    secret = secrets.token_bytes(MASTER_BYTES) if master is None else master
    if len(secret) != MASTER_BYTES:
        raise InputError(f"the master salt has {MASTER_BYTES} bytes, not {len(secret)}")
    order = numpy.argsort(names, kind="stable")
    ordered = names[order]
    if len(ordered) > 1 and not (ordered[1:] > ordered[:-1]).all():
        raise InputError("ids must not repeat: give every record an id of its own")
    leaves = numpy.empty((len(names), 32), dtype=numpy.uint8)
    for block in _blocks(len(names), rows.shape[1]):
        digests = _leaves(rows[block], targets[block], names[block], secret)
        leaves[block] = numpy.frombuffer(b"".join(digests), dtype=numpy.uint8).reshape(-1, 32)
    return Commitments(secret, ordered, leaves[order], ordered)


def merkle_root(leaves: NDArray[numpy.uint8]) -> str:
    """The RFC 6962 tree hash of the leaf digests [n, 32], in hexadecimal (the empty tree is SHA-256 of nothing)."""
    level = [row.tobytes() for row in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired if len(level) % 2 == 0 else [*paired, level[-1]]
    return level[0].hex()


def _leaves(rows: Any, labels: Any, ids: NDArray[numpy.int64], master: bytes) -> Iterator[bytes]:
    values = numpy.ascontiguousarray(rows, dtype="<f8")
    width = 1 + 32 + 8 + values.shape[1] * 8 + 8
    message = numpy.zeros((len(ids), width), dtype=numpy.uint8)
    names = numpy.ascontiguousarray(ids, dtype="<i8").view(numpy.uint8).reshape(len(ids), 8)
    salts = b"".join(_salts(master, names.tobytes()))
    message[:, 1:33] = numpy.frombuffer(salts, dtype=numpy.uint8).reshape(-1, 32)
    message[:, 33:41] = names
    message[:, 41:-8] = values.view(numpy.uint8).reshape(len(ids), -1)
    message[:, -8:] = numpy.ascontiguousarray(labels, dtype="<f8").reshape(-1, 1).view(numpy.uint8)
    sha256 = hashlib.sha256
    buffer = message.reshape(-1).data
    for start in range(0, len(buffer), width):
        yield sha256(buffer[start : start + width]).digest()


def _salts(master: bytes, names: bytes) -> Iterator[bytes]:
    digest = hmac.digest
    for start in range(0, len(names), 8):
        yield digest(master, names[start : start + 8], "sha256")


def _blocks(count: int, width: int) -> Iterator[slice]:
    size = max(1, _BLOCK_BYTES // (8 * width + 64))
    for start in range(0, count, size):
        yield slice(start, min(count, start + size))


def _array(values: Any) -> NDArray[Any]:
    array = as_array(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"commitments need numbers, not {array.dtype}: encode text labels first")
    return array


def _sorted_ids(ids: Iterable[int]) -> NDArray[numpy.int64]:
    chosen = numpy.asarray(ids if isinstance(ids, numpy.ndarray) else list(ids), dtype=numpy.int64)
    ordered = numpy.unique(chosen)
    if len(ordered) != len(chosen):
        raise InputError("ids must not repeat")
    return ordered


def _positions(present: NDArray[numpy.int64], wanted: NDArray[numpy.int64]) -> NDArray[numpy.intp]:
    places = numpy.searchsorted(present, wanted)
    known = places < len(present)
    known[known] = present[places[known]] == wanted[known]
    if not known.all():
        raise InputError(f"no record has the id {int(wanted[~known][0])}: use ids of records that are in the set")
    return places
