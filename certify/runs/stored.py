"""A run folder read back: the same record without the objective, unless the records are given again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from certify.certificates import Certificate, Malformed, NotACertificate, read_envelope
from certify.certificates.canonical import SIZE_LIMIT, NotCanonical, parse
from certify.certificates.tensors import SIZE_LIMIT as MODEL_LIMIT
from certify.certificates.tensors import NotTensors, read_parameters
from certify.errors import InputError
from certify.storage import is_there, read_file, sha256

from .folder import CERTIFICATE, MANIFEST, MANIFEST_SCHEMA, MODEL, SECRET, previous_name
from .witness import Witness, read_witness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certify.fitting import Fitted


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run folder as read: the certificates, the released parameters, and the witness if it is there.

    ``fitted`` is the secret state from which the next deletion starts; it is there when the records were given.
    """

    path: Path
    certificate: Certificate
    parameters: NDArray[numpy.float64] = field(repr=False)
    witness: Witness | None = field(repr=False)
    earlier: tuple[Certificate, ...] = field(default=(), repr=False)
    fitted: Fitted | None = field(default=None, repr=False)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificate and those of the earlier releases of the sequence, newest first."""
        return (self.certificate, *self.earlier)

    @property
    def forgotten(self) -> NDArray[numpy.int64]:
        """Secret: the ids that the releases up to this one forgot, in the order of the releases."""
        if self.witness is None:
            raise InputError(f"{self.path} holds no witness: only who has its secret/ folder can say what was forgotten")
        return numpy.concatenate([self.witness.earlier, self.witness.forgotten])

    @property
    def table(self) -> Mapping[str, str] | None:
        """How the table of the run was prepared; None if it was not made from one."""
        return self.certificate.predicate.provenance or None


def load(path: str | Path, *, data: Any = None) -> StoredRun:
    """Read a run folder. Raises :class:`~certify.errors.InputError` for a missing, foreign or damaged one.

    Reading verifies nothing but that the files belong together: use :func:`certify.verify`. With the records
    (``data`` as for ``verify``: all of them, or those retained) and the witness, the secret state is rebuilt, and
    the result can be handed to :func:`certify.unlearn` for the next deletion; records that are not those
    committed to are refused.
    """
    folder = Path(path)
    named = _manifest(folder)
    earlier = [name for back in range(1, len(named)) if (name := previous_name(back)) in named]
    contents = {}
    for name in (CERTIFICATE, MODEL, *earlier):
        contents[name] = read_file(folder / name, limit=MODEL_LIMIT, what="file of the run")
        if sha256(contents[name]) != named.get(name):
            raise InputError(f"{folder / name} is not the file that the manifest names: restore the folder from a copy")
    try:
        certificate, *before = (_certificate(contents[name]) for name in (CERTIFICATE, *earlier))
        parameters = read_parameters(contents[MODEL])
    except (NotACertificate, Malformed, NotTensors) as problem:
        raise InputError(f"the run in {folder} is damaged: {problem}") from None
    secret = folder / SECRET
    stored = StoredRun(folder, certificate, parameters, read_witness(secret) if is_there(secret) else None, tuple(before))
    if data is None:
        return stored
    from .resuming import resumed

    return replace(stored, fitted=resumed(stored, data))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = parse(read_file(folder / MANIFEST, limit=SIZE_LIMIT, what="run manifest"))
        named = manifest["files"]
        if manifest["schema"] != MANIFEST_SCHEMA or not isinstance(named, dict) or CERTIFICATE not in named:
            raise ValueError("not the manifest of a run")
    except (NotCanonical, ValueError, KeyError, TypeError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(
            f"{folder / MANIFEST} is not the manifest of a run: name a folder that 'certify unlearn' wrote"
        ) from None
    return named


def _certificate(content: bytes) -> Certificate:
    certificate = Certificate(read_envelope(content))
    certificate.statement  # noqa: B018  (reads it)
    return certificate
