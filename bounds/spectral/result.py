"""A spectral norm between two bounds, with the kind of its proof and what rounding cost."""

from __future__ import annotations

from dataclasses import dataclass

from certify.proofs.sides import Side

from ..bound import Bound, between
from ..evidence import Enclosed


@dataclass(frozen=True)
class Charge:
    """One entry of the ledger: what was added to the norm outward, and for which rounding or slack."""

    what: str
    size: float


@dataclass(frozen=True)
class SpectralNorm:
    """A norm lies between ``lower``, attained at a vector, and ``upper``, proved in floating point.

    ``proof`` says how the upper bound was proved; ``ledger`` lists what it holds beyond the computed norm, in the same unit. Both
    bounds speak of the real linear map with the stored weights; a forward pass in floating point adds its own rounding to it.
    """

    upper: Bound
    lower: Bound
    proof: str
    ledger: tuple[Charge, ...] = ()

    @property
    def ratio(self) -> float:
        """The upper over the lower bound, for people: 1 where the norm is known; infinite where nothing is known from below."""
        return self.upper.value / self.lower.value if self.lower.value > 0 else (1.0 if self.upper.value == 0 else float("inf"))

    def __str__(self) -> str:
        charges = "".join(f"\n  {charge.size:9.2e}  {charge.what}" for charge in self.ledger)
        return f"{between(self.lower, 'norm', self.upper)}   ({self.proof}){charges}"


def nothing_below() -> Bound:
    """The lower bound on a norm or a Lipschitz constant of which nothing was searched."""
    return Bound(0.0, Side.LOWER, Enclosed("a norm is nonnegative"))
