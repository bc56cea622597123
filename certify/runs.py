"""The record of one deletion: what is released, what it claims, and, apart from it, the secret witness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from .certificates import Certificate, Malformed, NotACertificate, read_envelope
from .certificates.canonical import SIZE_LIMIT, NotCanonical, parse
from .certificates.tensors import PARAMETERS, NotTensors, read_parameters, write_tensors
from .certificates.tensors import SIZE_LIMIT as MODEL_LIMIT
from .errors import InputError
from .keys import load_private
from .storage import PUBLIC_MODE, SECRET_MODE, is_there, make_folder, read_file, sha256, write_files
from .witness import Witness, read_witness

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from certify.bounds.bound import Bound

    from .calibration import GaussianNoise
    from .fitting import Fitted
    from .guarantee import Guarantee
    from .keys import PrivateKey

MANIFEST = "manifest.json"
SECRET = "secret"
_NOBODY = numpy.empty(0, dtype=numpy.int64)


def previous_name(back: int) -> str:
    """The file in a run folder that holds the certificate ``back`` releases before.

    >>> previous_name(1), previous_name(2)
    ('previous.json', 'previous-2.json')
    """
    return "previous.json" if back == 1 else f"previous-{back}.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One execution of an unlearning method, made by :func:`certify.unlearn`.

    ``model`` is what is released: a flat float64 tensor. Everything marked secret stays with the
    producer; printing a run never shows it. ``distance`` and ``residual`` are measured on the retained
    records and are secret too: they are functions of the deleted ones.
    """

    objective: Any  # the objective on the retained records
    method: str
    forget: tuple[int, ...] = field(repr=False)
    model: torch.Tensor = field(repr=False)
    guarantee: Guarantee = field(repr=False)
    noise: GaussianNoise | None  # None for an exact method, which releases without noise
    distance_budget: Bound
    budget_source: str  # "default" or "caller"
    policy_chosen: str = "request"  # or "fit": when epsilon, delta, the budget and the scales were fixed
    tolerance: Bound
    scales: Mapping[str, float]  # row_bound and label_bound, the public scales of the default budget
    exclusions: tuple[str, ...] = ()
    fitted: Any = field(repr=False)  # secret: the state from which the next deletion starts
    noiseless: torch.Tensor = field(repr=False)  # secret
    seed: bytes | None = field(default=None, repr=False)  # secret; None when the caller's generator made the noise
    distance: Bound = field(repr=False)
    residual: Bound = field(repr=False)
    iterations: int = field(default=0, repr=False)
    passes: int = field(default=0, repr=False)
    previous: Run | StoredRun | None = field(default=None, repr=False)
    table: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.budget_source not in ("default", "caller"):
            raise ValueError(f"budget_source is 'default' or 'caller', not {self.budget_source!r}")
        if self.policy_chosen not in ("fit", "request"):
            raise ValueError(f"policy_chosen is 'fit' or 'request', not {self.policy_chosen!r}")

    @property
    def parameters(self) -> torch.Tensor:
        """The released parameters: another name of ``model``."""
        return self.model

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of this run, built when first asked for (this hashes the commitments' trees)."""
        from .certificates.build import certificate_of

        return certificate_of(self)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """This certificate and those of the earlier releases of the sequence, newest first."""
        return (self.certificate, *(() if self.previous is None else self.previous.certificates))

    @property
    def forgotten(self) -> NDArray[numpy.int64]:
        """Secret: the ids that the releases up to this one forgot, in the order of the releases."""
        before = _NOBODY if self.previous is None else self.previous.forgotten
        return numpy.concatenate([before, numpy.asarray(sorted(self.forget), dtype=numpy.int64)])

    def save(self, path: str | Path, *, sign: PrivateKey | str | Path | None = None) -> Path:
        """Write the run folder and return its path.

        Released: ``certificate.json``, ``model.safetensors``, ``manifest.json`` (and ``previous.json``,
        ``previous-2.json`` …, the certificates of the earlier releases, newest first). Secret: ``secret/``, mode 0700, files 0600. Everything is
        staged before anything is renamed into place, the manifest last. ``sign`` is a private key or its file.
        Raises :class:`~certify.errors.InputError` for a folder that already holds a run or cannot be written.
        """
        certificate = self.certificate if sign is None else self.certificate.signed(load_private(sign))
        folder = Path(path)
        if (folder / MANIFEST).exists():
            raise InputError(f"{folder} holds a run already: choose another folder, runs are never overwritten")
        public = {
            "certificate.json": certificate.to_json(),
            "model.safetensors": write_tensors({PARAMETERS: self.model}),
        }
        for back, earlier in enumerate(self.certificates[1:], start=1):
            public[previous_name(back)] = earlier.to_json()
        manifest = {"schema": "certify.run/1", "files": {name: sha256(content) for name, content in public.items()}}
        make_folder(folder)
        make_folder(folder / SECRET, secret=True)
        write_files(
            {
                **{folder / SECRET / name: (content, SECRET_MODE) for name, content in witness_of(self).to_files().items()},
                **{folder / name: (content, PUBLIC_MODE) for name, content in public.items()},
                folder / MANIFEST: (json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n", PUBLIC_MODE),
            }
        )
        return folder


def witness_of(run: Run) -> Witness:
    """The secret material of a run, with which a verifier can re-measure it."""
    return Witness(
        master=run.fitted.commitments.master,
        seed=run.seed,
        noiseless=numpy.asarray(run.noiseless.detach().cpu().numpy()),
        forgotten=numpy.asarray(sorted(run.forget), dtype=numpy.int64),
        retained=numpy.asarray(run.objective.ids, dtype=numpy.int64),
        earlier=_NOBODY if run.previous is None else run.previous.forgotten,
        residual=run.residual.value,
        distance=run.distance.value,
        iterations=run.iterations,
        passes=run.passes,
    )


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
    for name in ("certificate.json", "model.safetensors", *earlier):
        contents[name] = read_file(folder / name, limit=MODEL_LIMIT, what="file of the run")
        if sha256(contents[name]) != named.get(name):
            raise InputError(f"{folder / name} is not the file that the manifest names: restore the folder from a copy")
    try:
        certificate, *before = (_certificate(contents[name]) for name in ("certificate.json", *earlier))
        parameters = read_parameters(contents["model.safetensors"])
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
        if manifest["schema"] != "certify.run/1" or not isinstance(named, dict) or "certificate.json" not in named:
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
