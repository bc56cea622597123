"""What the verifier was given: read from a path or taken from memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from certify.certificates import Certificate
from certify.certificates.canonical import SIZE_LIMIT
from certify.certificates.tensors import PARAMETERS, write_tensors
from certify.certificates.tensors import SIZE_LIMIT as MODEL_LIMIT
from certify.errors import InputError
from certify.runs import Run, StoredRun, Witness, previous_name, read_witness, witness_of
from certify.runs.folder import CERTIFICATE, MODEL, SECRET
from certify.storage import is_folder, is_there, read_file

_ENVELOPE_LIMIT = 2 * SIZE_LIMIT
_LONGEST_CHAIN = 10_000


@dataclass(frozen=True)
class Material:
    """Bytes of the certificate, of the model and of the earlier certificates (newest first), and the witness, as far as given."""

    certificate: bytes
    model: bytes | None = None
    previous: tuple[bytes, ...] = ()
    witness: Witness | None = field(default=None, repr=False)
    witness_problem: str | None = None


def gather(source: Any, witness: Any) -> Material:
    """The material for a certificate, a run, a run folder or a certificate file.

    Raises :class:`~certify.errors.InputError` only where a path cannot be read.
    """
    if isinstance(source, Certificate):
        return _with_witness(Material(source.to_json()), witness)
    if isinstance(source, Run):
        before = tuple(earlier.to_json() for earlier in source.certificates[1:])
        model = write_tensors({PARAMETERS: source.model})
        held = Material(source.certificate.to_json(), model, before, witness_of(source))
        return held if witness is None else _with_witness(held, witness)
    if isinstance(source, StoredRun):
        source = source.path
    if not isinstance(source, (str, Path)):
        raise InputError(f"verify takes a run folder, a certificate file, a Certificate or a Run, not {type(source).__name__}")
    place = Path(source)
    if not is_folder(place):
        content = read_file(place, limit=_ENVELOPE_LIMIT, what="certificate")
        return _with_witness(Material(content), witness)
    held = Material(
        read_file(place / CERTIFICATE, limit=_ENVELOPE_LIMIT, what="certificate"),
        _optional(place / MODEL, MODEL_LIMIT),
        tuple(_earlier(place)),
    )
    if witness is None and is_there(place / SECRET):
        return _with_witness(held, place / SECRET, own=True)
    return _with_witness(held, witness)


def _optional(place: Path, limit: int) -> bytes | None:
    return read_file(place, limit=limit, what="file of the run") if is_there(place) else None


def _earlier(place: Path) -> Iterator[bytes]:
    for back in range(1, _LONGEST_CHAIN + 1):
        content = _optional(place / previous_name(back), _ENVELOPE_LIMIT)
        if content is None:
            return
        yield content


def _with_witness(held: Material, witness: Any, *, own: bool = False) -> Material:
    """Add the witness. One that lies in the run folder and is damaged is a finding; one that was named is bad input."""
    if witness is None or isinstance(witness, Witness):
        return held if witness is None else replace(held, witness=witness)
    try:
        return replace(held, witness=read_witness(witness))
    except InputError as problem:
        if not own:
            raise
        return replace(held, witness_problem=str(problem))
