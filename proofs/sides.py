"""Which side of the truth a number is on."""

from __future__ import annotations

import enum


class Side(enum.Enum):
    """The side of the truth on which a number is known to lie.

    ``UPPER``: the true value is at most the number. ``LOWER``: at least. ``EXACT``: equal.

    >>> Side.EXACT.fits(Side.UPPER), Side.LOWER.fits(Side.UPPER)
    (True, False)
    """

    UPPER = "upper"
    LOWER = "lower"
    EXACT = "exact"

    def fits(self, needed: Side) -> bool:
        """Whether a number on this side may stand where a number on the ``needed`` side is asked for."""
        return self is needed or self is Side.EXACT

    @property
    def opposite(self) -> Side:
        """The side of ``-x`` when ``x`` is on this side."""
        return {Side.UPPER: Side.LOWER, Side.LOWER: Side.UPPER, Side.EXACT: Side.EXACT}[self]
