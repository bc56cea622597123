"""Proofs as data: the facts that a proof starts from, and the identities that the checker replays.

A proof speaks of real numbers only. ``variables`` name the numbers that the displayed formula does not show
(true norms, inner products, moments) with their meaning, ``facts`` are relations between them, each with the
foundation or the hypothesis that it comes from, and ``steps`` derive the conclusion by the one rule of
:mod:`certify.proofs.checker`. The conclusion itself is not written down: the checker computes it from the formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from .expression import Expression, Operand, expression, to_data


@dataclass(frozen=True)
class Fact:
    """``slack kind`` (say ``x - y >=0``) holds because of these foundations or ``hypothesis:symbol``."""

    name: str
    kind: str
    slack: Expression
    because: tuple[str, ...]
    words: str

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {
            "name": self.name, "because": list(self.because), "kind": self.kind, "slack": to_data(self.slack), "words": self.words,
        }  # fmt: skip


@dataclass(frozen=True)
class Citation:
    """An instance of another theorem (``target`` stands for its conclusion) or of an enclosure (no target)."""

    name: str
    cites: str
    target: Expression | None
    values: Mapping[str, Operand]
    words: str

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {
            "name": self.name,
            "cites": self.cites,
            "target": None if self.target is None else to_data(self.target),
            "with": {symbol: to_data(expression(value)) for symbol, value in self.values.items()},
            "words": self.words,
        }


@dataclass(frozen=True)
class Term:
    """``multiplier * root**2 * product of the named slacks``."""

    multiplier: Fraction | int
    root: Operand
    slacks: tuple[str, ...] = ()

    def data(self) -> list[Any]:
        """The form stored in the book."""
        return [str(Fraction(self.multiplier)), to_data(expression(self.root)), list(self.slacks)]


@dataclass(frozen=True)
class Step:
    """``factor * slack(goal) = sum of terms + sum of multiplier * equation``; without ``name`` the goal is the conclusion."""

    terms: tuple[Term, ...] = ()
    equations: tuple[tuple[Operand, str], ...] = ()
    factor: tuple[str, ...] = ()
    name: str = ""
    kind: str = ">=0"
    slack: Expression | None = None

    def identity(self) -> dict[str, Any]:
        """The certificate alone, without the goal that it is for."""
        return {
            "factor": list(self.factor),
            "terms": [term.data() for term in self.terms],
            "equations": [[to_data(expression(multiplier)), name] for multiplier, name in self.equations],
        }

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        if self.slack is None:
            return self.identity()
        return {"name": self.name, "kind": self.kind, "slack": to_data(self.slack), **self.identity()}


@dataclass(frozen=True)
class Use:
    """Bring an enclosure into use where its box is known to be reached."""

    name: str

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {"use": self.name}


@dataclass(frozen=True)
class Split:
    """Cases by the sign of ``on``; inside each case the fact ``name`` says which. A case excluded by a fact is left out."""

    name: str
    on: Expression
    positive: tuple[Any, ...] = ()
    zero: tuple[Any, ...] = ()
    negative: tuple[Any, ...] = ()

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        cases = {"positive": self.positive, "zero": self.zero, "negative": self.negative}
        return {
            "name": self.name,
            "split": to_data(self.on),
            "cases": {case: [step.data() for step in steps] for case, steps in cases.items() if steps},
        }


@dataclass(frozen=True)
class Sequence:
    """Four variables: a number after t steps, after t + 1, at the start, and after the last step (of one or more).

    A fact that mentions ``now`` or ``next`` holds at every step t before the last.
    """

    now: str
    next: str
    first: str
    last: str
    words: str

    def data(self) -> dict[str, str]:
        """The form stored in the book."""
        return {"now": self.now, "next": self.next, "first": self.first, "last": self.last, "words": self.words}


@dataclass(frozen=True)
class Induction:
    """``slack >= 0``, stated of the values now, holds at the first step (``base``) and passes on (``step``): so it holds at the last.

    Inside ``step`` the fact ``name`` is what is handed on; after the induction it is the inequality at the last step.
    """

    name: str
    slack: Expression
    base: tuple[Any, ...]
    step: tuple[Any, ...]

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {
            "name": self.name,
            "induction": to_data(self.slack),
            "base": [step.data() for step in self.base],
            "step": [step.data() for step in self.step],
        }


Steps: TypeAlias = tuple[Step | Use | Split | Induction, ...]


@dataclass(frozen=True)
class Congruence:
    """Two named terms of one operator are equal because their arguments are."""

    name: str
    left: str
    right: str
    step: Step

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {"name": self.name, "left": self.left, "right": self.right, "step": self.step.identity()}


@dataclass(frozen=True)
class AlgebraicProof:
    """What the exact checker replays. ``witness`` is a rational point at which all facts hold."""

    target: str
    variables: Mapping[str, str]
    facts: tuple[Fact, ...]
    steps: Steps
    witness: Mapping[str, Fraction | int]
    citations: tuple[Citation, ...] = ()
    terms: Mapping[str, Expression] = field(default_factory=dict)
    congruences: tuple[Congruence, ...] = ()
    sequences: tuple[Sequence, ...] = ()

    def data(self) -> dict[str, Any]:
        """The form stored in the book."""
        return {
            "target": self.target,
            "variables": [[name, meaning] for name, meaning in self.variables.items()],
            "sequences": [sequence.data() for sequence in self.sequences],
            "terms": [[name, to_data(term)] for name, term in self.terms.items()],
            "facts": [fact.data() for fact in self.facts],
            "citations": [citation.data() for citation in self.citations],
            "congruences": [congruence.data() for congruence in self.congruences],
            "witness": {name: str(Fraction(value)) for name, value in self.witness.items()},
            "steps": [step.data() for step in self.steps],
        }


def by_squares(larger: Expression, smaller: Expression, squares: str, *, extra: tuple[tuple[int, str], ...] = ()) -> Split:
    """Conclude ``larger - smaller + sum of multiplier * fact >= 0`` from the fact ``larger**2 - smaller**2 >= 0``.

    ``larger`` must be nonnegative by its shape. The conclusion of the theorem must be exactly that polynomial.
    """
    big, small = "larger", "smaller"

    def rest(*slacks: str) -> tuple[Term, ...]:
        return tuple(Term(multiplier, 1, (*slacks, name)) for multiplier, name in extra)

    half = Fraction(1, 2)
    return Split(
        big,
        larger,
        positive=(Step((Term(half, larger - smaller), Term(half, 1, (squares,)), *rest(big)), factor=(big,)),),
        zero=(
            Split(
                small,
                smaller,
                positive=(Step((Term(1, 1, (squares,)), *rest(small)), ((smaller - larger, big),), (small,)),),
                zero=(Step(rest(), ((1, big), (-1, small))),),
                negative=(Step((Term(1, 1, (small,)), *rest()), ((1, big),)),),
            ),
        ),
    )
