"""What stays with the producer: enough to re-measure a run, and enough to undo its protection."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from certify.certificates.canonical import NotCanonical, canonical, parse
from certify.certificates.numbers import read_number, write_number
from certify.certificates.tensors import PARAMETERS, NotTensors, read_tensors, write_tensors
from certify.commitments import MASTER_BYTES
from certify.errors import InputError
from certify.sampling import SEED_BYTES
from certify.storage import read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FACTS, _NOISELESS, _IDS = "witness.json", "noiseless.safetensors", "ids.safetensors"
_SCHEMA = "certify.witness/1"
_LIMIT = 1 << 33
NOBODY = numpy.empty(0, dtype=numpy.int64)
"""The ids of no record."""


@dataclass(frozen=True, eq=False, repr=False)
class Witness:
    """The secret part of a run. ``repr`` shows nothing of it.

    ``master`` salts the commitments, ``seed`` made the noise (None if the caller's generator did),
    ``noiseless`` are the un-noised parameters; ``forgotten``, ``retained`` and ``earlier`` (forgotten by
    earlier releases of the sequence) are ids; ``residual`` and ``distance`` are what the producer measured.
    """

    master: bytes
    seed: bytes | None
    noiseless: NDArray[numpy.float64]
    forgotten: NDArray[numpy.int64]
    retained: NDArray[numpy.int64]
    earlier: NDArray[numpy.int64] = field(default_factory=lambda: NOBODY)
    residual: float = 0.0
    distance: float = 0.0
    iterations: int = 0
    passes: int = 0

    def __repr__(self) -> str:
        return "Witness(secret)"

    def to_files(self) -> dict[str, bytes]:
        """The content of the files of ``secret/``, by name."""
        facts = {
            "schema": _SCHEMA,
            "warning": "secret: publishing this file undoes the guarantee",
            "master": self.master.hex(),
            "seed": None if self.seed is None else self.seed.hex(),
            "residual": write_number(self.residual)[0],
            "distance": write_number(self.distance)[0],
            "iterations": self.iterations,
            "passes": self.passes,
        }
        ids = {"forgotten": self.forgotten, "retained": self.retained, "earlier": self.earlier}
        return {
            _FACTS: canonical(facts) + b"\n",
            _NOISELESS: write_tensors({PARAMETERS: self.noiseless}),
            _IDS: write_tensors(ids),
        }


def read_witness(folder: str | Path) -> Witness:
    """The witness in a folder; :class:`~certify.errors.InputError` for a missing, foreign or damaged one."""
    place = Path(folder)
    contents = {name: read_file(place / name, limit=_LIMIT, what="witness file") for name in (_FACTS, _NOISELESS, _IDS)}
    try:
        facts = parse(contents[_FACTS])
        if facts["schema"] != _SCHEMA:
            raise ValueError(f"its schema is not {_SCHEMA}")
        ids = read_tensors(contents[_IDS])
        if any(ids[name].dtype.str != "<i8" or ids[name].ndim != 1 for name in ("forgotten", "retained", "earlier")):
            raise ValueError("the ids are not lists of integers")
        noiseless = read_tensors(contents[_NOISELESS])[PARAMETERS]
        if noiseless.dtype.str != "<f8" or noiseless.ndim != 1:
            raise ValueError("the parameters are not a flat float64 tensor")
        return Witness(
            master=_secret(facts["master"], MASTER_BYTES),
            seed=None if facts["seed"] is None else _secret(facts["seed"], SEED_BYTES),
            noiseless=noiseless,
            forgotten=ids["forgotten"],
            retained=ids["retained"],
            earlier=ids["earlier"],
            residual=float(read_number(facts["residual"])),
            distance=float(read_number(facts["distance"])),
            iterations=int(facts["iterations"]),
            passes=int(facts["passes"]),
        )
    except (NotCanonical, NotTensors, ValueError, KeyError, TypeError) as problem:
        raise InputError(f"{place} holds no readable witness ({problem}): name the secret/ folder of the run") from None


def _secret(text: str, length: int) -> bytes:
    try:
        content = bytes.fromhex(text)
    except (ValueError, binascii.Error):
        content = b""
    if len(content) != length:
        raise ValueError(f"a secret is {2 * length} hexadecimal digits")
    return content
