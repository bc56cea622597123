"""The record of one deletion: what is released, what it claims, and, apart from it, the secret witness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from certify.bounds.bound import Bound

    from .calibration import GaussianNoise
    from .certificates import Certificate
    from .guarantee import Guarantee
    from .keys import PrivateKey


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
    previous: Run | None = field(default=None, repr=False)
    table: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.budget_source not in ("default", "caller"):
            raise ValueError(f"budget_source is 'default' or 'caller', not {self.budget_source!r}")

    @property
    def parameters(self) -> torch.Tensor:
        """The released parameters: another name of ``model``."""
        return self.model

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of this run, built when first asked for (this hashes the commitments' trees)."""
        from .certificates.build import certificate_of

        return certificate_of(self)

    def save(self, path: str | Path, *, sign: PrivateKey | str | Path | None = None) -> Path:
        """Write the run folder; see :mod:`certify.storage` for what happens when writing is interrupted."""
        raise NotImplementedError
