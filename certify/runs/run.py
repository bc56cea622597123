"""The record of one deletion: what is released, what it claims, and, apart from it, the secret witness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from certify.arrays import as_array
from certify.certificates.tensors import PARAMETERS, write_tensors
from certify.errors import InputError
from certify.keys import load_private
from certify.storage import PUBLIC_MODE, SECRET_MODE, make_folder, sha256, write_files

from .folder import CERTIFICATE, MANIFEST, MANIFEST_SCHEMA, MODEL, SECRET, previous_name
from .witness import NOBODY, Witness

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from certify.bounds.bound import Bound
    from certify.calibration import GaussianNoise
    from certify.certificates import Certificate
    from certify.guarantee import Guarantee
    from certify.keys import PrivateKey
    from certify.mechanisms.grid_noise import GridNoise

    from .stored import StoredRun


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
    noise: GaussianNoise | GridNoise | None  # None for an exact method, which releases without noise
    sampler: str = "rounded-normal"  # or "discrete": what drew the noise, if there is any
    distance_budget: Bound
    budget_source: str  # "default" or "caller"
    policy_chosen: str = "request"  # or "fit": when epsilon, delta, the budget and the scales were fixed
    tolerance: Bound
    scales: Mapping[str, float]  # row_bound and label_bound, the public scales of the default budget
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

    @property
    def exclusions(self) -> tuple[str, ...]:
        """What the guarantee does not say for a reason special to this run."""
        return self.guarantee.exclusions

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of this run, built when first asked for (this hashes the commitments' trees)."""
        from certify.certificates.build import certificate_of

        return certificate_of(self)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """This certificate and those of the earlier releases of the sequence, newest first."""
        return (self.certificate, *(() if self.previous is None else self.previous.certificates))

    @property
    def forgotten(self) -> NDArray[numpy.int64]:
        """Secret: the ids that the releases up to this one forgot, in the order of the releases."""
        before = NOBODY if self.previous is None else self.previous.forgotten
        return numpy.concatenate([before, numpy.asarray(sorted(self.forget), dtype=numpy.int64)])

    def save(self, path: str | Path, *, sign: PrivateKey | str | Path | None = None) -> Path:
        """Write the run folder and return its path.

        Released: ``certificate.json``, ``model.safetensors``, ``manifest.json`` (and ``previous.json``,
        ``previous-2.json`` …, the certificates of the earlier releases, newest first). Secret: ``secret/``, mode 0700,
        files 0600. Everything is staged before anything is renamed into place, the manifest last. ``sign`` is a private
        key or its file.
        Raises :class:`~certify.errors.InputError` for a folder that already holds a run or cannot be written.
        """
        certificate = self.certificate if sign is None else self.certificate.signed(load_private(sign))
        folder = Path(path)
        if (folder / MANIFEST).exists():
            raise InputError(f"{folder} holds a run already: choose another folder, runs are never overwritten")
        public = {
            CERTIFICATE: certificate.to_json(),
            MODEL: write_tensors({PARAMETERS: self.model}),
        }
        for back, earlier in enumerate(self.certificates[1:], start=1):
            public[previous_name(back)] = earlier.to_json()
        manifest = {"schema": MANIFEST_SCHEMA, "files": {name: sha256(content) for name, content in public.items()}}
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
        noiseless=as_array(run.noiseless),
        forgotten=numpy.asarray(sorted(run.forget), dtype=numpy.int64),
        retained=numpy.asarray(run.objective.ids, dtype=numpy.int64),
        earlier=NOBODY if run.previous is None else run.previous.forgotten,
        residual=run.residual.value,
        distance=run.distance.value,
        iterations=run.iterations,
        passes=run.passes,
    )
