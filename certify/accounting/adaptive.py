"""A budget in one currency, fixed before the first release, under which the noise of a release may depend on earlier outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Combined
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import Number, exact, nonnegative, to_decimal

from .kinds import ApproximatePrivacy, ConcentratedPrivacy, GaussianPrivacy, RenyiPrivacy
from .merging import concentrated, divergence, is_pure
from .privacy import Privacy, as_used, total_of, usable_order
from .reading import long_number

Currency = Literal["gaussian", "zcdp", "renyi"]


@dataclass(frozen=True)
class AdaptiveBudget:
    """What all releases may spend together: a sum of squares mu², of rho, or of divergences at one order.

    The currency, the order and the budget are fixed before the first release; every price may be chosen in the light of
    earlier outcomes, as long as the sum stays within the budget whatever they are. What then holds is the guarantee of the
    *whole* budget; the sum that was spent so far is no guarantee.

    >>> AdaptiveBudget.gaussian("0.5").guarantee().epsilon("1e-5").value
    1.9930914044151198
    """

    currency: Currency
    allowed: Bound
    order: Fraction | None = None

    def __post_init__(self) -> None:
        if self.currency not in ("gaussian", "zcdp", "renyi"):
            raise InputError(f"unknown currency {str(self.currency)[:40]!r}: use gaussian, zcdp or renyi")
        if (self.order is not None) != (self.currency == "renyi"):
            raise InputError("a budget names an order in the currency renyi, and in no other")
        if self.order is not None:
            usable_order(self.order)

    @classmethod
    def gaussian(cls, mu: Number) -> AdaptiveBudget:
        """The squares of the Gaussian parameters add up to at most mu²."""
        return cls("gaussian", as_used(nonnegative(mu, "mu") ** 2, "the square of mu"))

    @classmethod
    def zcdp(cls, rho: Number) -> AdaptiveBudget:
        """The zCDP parameters add up to at most rho."""
        return cls("zcdp", as_used(nonnegative(rho, "rho"), "rho"))

    @classmethod
    def renyi(cls, order: Number, divergence: Number) -> AdaptiveBudget:
        """The Rényi divergences of one order, fixed beforehand, add up to at most ``divergence``."""
        return cls("renyi", as_used(nonnegative(divergence, "divergence"), "divergence"), exact(order, "order"))

    def guarantee(self) -> Privacy:
        """What holds for all releases together.

        Theorem: ``gaussian.filter`` (upper square).
        Theorem: ``zcdp.filter`` (upper budget).
        Theorem: ``renyi.filter`` (upper budget).
        """
        if self.currency == "gaussian":
            return GaussianPrivacy.from_square(self.allowed.rational, Combined("gaussian.filter, squared", (self.allowed,)))
        if self.order is None:
            return ConcentratedPrivacy(derive("zcdp.filter", budget=self.allowed))
        return RenyiPrivacy(((self.order, derive("renyi.filter", budget=self.allowed)),))

    def price(self, privacy: Privacy) -> Bound:
        """What a release costs in this currency; refused where nothing is known of it, or only with a probability.

        Theorem: ``zcdp.gaussian-parameter`` (upper mu).
        Theorem: ``zcdp.pure`` (upper epsilon).
        Theorem: ``zcdp.renyi`` (exact order; upper rho).
        """
        price = self._known(privacy)
        if price is None or price.value == math.inf:
            where = "" if self.order is None else f" at order {to_decimal(self.order)}"
            raise InputError(f"a release of the kind {privacy.kind} has no known price in the currency {self.currency}{where}")
        if price.failure_probability > 0 or privacy.direction is Direction.ONE_WAY:
            raise InputError(
                "a budget for noise that depends on earlier outcomes takes only bounds that hold surely, in both directions"
            )
        return price

    def _known(self, privacy: Privacy) -> Bound | None:
        if self.order is not None:
            return divergence(privacy, self.order)
        if self.currency == "gaussian":
            return privacy.square if isinstance(privacy, GaussianPrivacy) else None
        match privacy:
            case GaussianPrivacy() | ConcentratedPrivacy():
                return concentrated(privacy).rho
            case ApproximatePrivacy() if is_pure(privacy):
                return concentrated(privacy).rho
        return None

    def spent(self, releases: Iterable[Privacy]) -> Fraction:
        """The sum of the prices, exact: what the budget is charged, and not a guarantee by itself."""
        return total_of([self.price(release).rational for release in releases])

    def to_data(self) -> dict[str, str]:
        """The budget as a file holds it."""
        order = {} if self.order is None else {"order": str(self.order)}
        return {"currency": self.currency, "allowed": str(self.allowed.rational), **order}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> AdaptiveBudget:
        """The budget that :meth:`to_data` wrote."""
        order = None if "order" not in data else long_number(data["order"], "order")
        return cls(data["currency"], as_used(nonnegative(long_number(data["allowed"], "allowed"), "allowed"), "allowed"), order)
