"""What a theorem is: hypotheses with sides and domains, a conclusion, a formula, a proof, a source."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .expression import Expression
from .proof import AlgebraicProof
from .sides import Side


class Domain(enum.Enum):
    """The set from which the value of a hypothesis is taken."""

    POSITIVE = "positive"
    NONNEGATIVE = "nonnegative"
    COUNT = "count"
    PROBABILITY = "probability"

    def admits(self, value: float | Fraction) -> bool:
        """Whether the finite number lies in the set (a probability here is strictly between 0 and 1)."""
        match self:
            case Domain.POSITIVE:
                return value > 0
            case Domain.NONNEGATIVE:
                return value >= 0
            case Domain.COUNT:
                return value >= 0 and math.isfinite(value) and value == int(value)
            case Domain.PROBABILITY:
                return 0 < value < 1


@dataclass(frozen=True)
class Hypothesis:
    """One number that a theorem asks for: a bound on the quantity described by ``meaning``.

    ``side`` is the side of the truth on which the supplied number must lie. The theorem is stated
    for *any* number on that side, which is what makes it legal to put a bound where the symbol stands.
    """

    symbol: str
    meaning: str
    side: Side
    domain: Domain
    unit: str = "1"

    def data(self) -> dict[str, str]:
        """The form stored in the book."""
        return {
            "symbol": self.symbol, "meaning": self.meaning, "side": self.side.value, "domain": self.domain.value, "unit": self.unit,
        }  # fmt: skip


@dataclass(frozen=True)
class Conclusion:
    """The quantity that the theorem bounds, and on which side the formula bounds it."""

    symbol: str
    meaning: str
    side: Side
    unit: str = "1"

    def data(self) -> dict[str, str]:
        """The form stored in the book."""
        return {"symbol": self.symbol, "meaning": self.meaning, "side": self.side.value, "unit": self.unit}


@dataclass(frozen=True)
class Relation:
    """A side condition: ``kind`` is ``">0"`` or ``">=0"``; ``slack`` is a polynomial expression; ``words`` say it."""

    kind: str
    slack: Expression
    words: str = ""


@dataclass(frozen=True)
class Foundation:
    """A textbook fact used as given: pinned by digest, listed, not counted against a status."""

    id: str
    statement: str
    source: str


@dataclass(frozen=True)
class Enclosure:
    """``slack >= 0`` at every point of a box with exact rational ends: proved by ball arithmetic, branch and bound."""

    id: str
    statement: str
    box: tuple[tuple[str, Fraction, Fraction], ...]
    slack: Expression
    source: str
    false_sibling: Expression | None = None


@dataclass(frozen=True)
class FalseSibling:
    """A nearby false statement that the checker must refuse: the theorem with another formula, or with facts dropped.

    ``counterexample`` gives all symbols and variables rational values at which the remaining facts hold and the
    conclusion fails, so that the sibling is known to be false (absent where the numbers are transcendental).
    """

    description: str
    formula: Expression | None = None
    dropped: tuple[str, ...] = ()
    counterexample: Mapping[str, Fraction | int] | None = None


@dataclass(frozen=True)
class Theorem:
    """A theorem as data. ``proof`` is what the exact checker replays; see :mod:`certify.proofs.checker`."""

    id: str
    statement: str
    hypotheses: tuple[Hypothesis, ...]
    conclusion: Conclusion
    formula: Expression
    rests_on: tuple[str, ...]
    source: str
    proof: AlgebraicProof | None = None
    false_sibling: FalseSibling | None = None
    side_conditions: tuple[Relation, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the hypotheses, in order."""
        return tuple(hypothesis.symbol for hypothesis in self.hypotheses)
