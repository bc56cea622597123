"""Privacy: what is known of compositions of private mechanisms."""

from __future__ import annotations

from ..theorem import Foundation

FOUNDATIONS = (
    Foundation(
        "privacy.tradeoff-composition",
        "A (possibly adaptive) composition of mechanisms that are f- and g-private is private for the trade-off function of the "
        "product of two pairs of laws that have trade-off functions f and g.",
        "Dong, Roth & Su, Gaussian differential privacy, J. R. Stat. Soc. B 84 (2022) 3-37, Theorem 3.2",
    ),
)
