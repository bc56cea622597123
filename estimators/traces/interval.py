"""What the certified quantities of this folder hand back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from certify.bounds import Bound, Estimate, WrongSide
from certify.bounds.bound import between
from certify.bounds.evidence import Combined
from certify.proofs.sides import Side


@dataclass(frozen=True)
class Interval:
    """A number between two bounds, which together fail with at most the sum of their probabilities; and an estimate inside.

    ``products`` counts all that were spent, by columns.
    """

    lower: Bound
    upper: Bound
    estimate: Estimate
    products: int

    def __str__(self) -> str:
        return between(self.lower, "value", self.upper)


def sharper(first: Bound, second: Bound) -> Bound:
    """The better of two bounds on one side that rest on different events: it may be chosen by what came out, so both must hold."""
    if first.side is not second.side or first.side is Side.EXACT:
        raise WrongSide("of two bounds on different sides neither is sharper")
    better = min if first.side is Side.UPPER else max
    total = first.failure_probability + second.failure_probability
    total = math.nextafter(total, math.inf) if total else 0.0
    return Bound(better(first.value, second.value), first.side, Combined("the sharper of two", (first, second)), total)
