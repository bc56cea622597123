"""The outline of a proof for people: what is given, which facts it starts from, which line follows from which of them.

An outline is made from the data that the checker replays, so it cannot say anything else. In a combination such as
``[apart] * goal = [apart] * [gradient] + [cauchy]`` a name in brackets stands for the larger side of that fact less the
smaller (left less right in an equation), and ``goal`` for that of the line itself; denominators are cleared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .expression import Expression, expression, symbol
from .identity import Identity
from .proof import AlgebraicProof, Citation, Congruence, Induction, Split, Step, Steps, Use, by_squares
from .readers import as_text
from .registry import enclosures, theorem
from .relations import Printed, bounded, conclusion, matrix_relation, printed, related, relation, replaced
from .theorem import Theorem


@dataclass(frozen=True)
class Line:
    """One line of an outline, with the lines that belong under it.

    ``kind`` is one of number, sequence, term, matrix, fact, citation, congruence, lemma, roots, use, cases, case,
    induction, base, step, end and conclusion. ``because`` holds ids of the book and ``hypothesis:symbol``.
    """

    kind: str
    name: str = ""
    formula: Printed | None = None
    words: str = ""
    because: tuple[str, ...] = ()
    combination: str = ""
    inside: tuple[Line, ...] = ()

    def data(self) -> dict[str, Any]:
        """Plain JSON data; what is empty is left out."""
        formula = {} if self.formula is None else {"text": self.formula.text, "latex": self.formula.latex}
        everything = {
            "kind": self.kind, "name": self.name, **formula, "words": self.words, "because": list(self.because),
            "combination": self.combination, "inside": [line.data() for line in self.inside],
        }  # fmt: skip
        return {key: value for key, value in everything.items() if value}


@dataclass(frozen=True)
class Outline:
    """``given`` names the numbers of the proof, ``facts`` is where it starts, ``steps`` is what it does."""

    given: tuple[Line, ...]
    facts: tuple[Line, ...]
    steps: tuple[Line, ...]

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        parts = {"given": self.given, "facts": self.facts, "steps": self.steps}
        return {name: [line.data() for line in lines] for name, lines in parts.items()}


def outline(entry: Theorem | Identity) -> Outline | None:
    """The outline of the proof; ``None`` where the book holds no proof.

    >>> found = outline(theorem("output.residual"))
    >>> [line.formula.text for line in found.facts]
    ['e >= 0', 'g <= residual', 'inner <= e * g', 'strong_convexity * e^2 <= inner']
    >>> found.steps[0].inside[0].inside[0].combination
    '[apart] * goal = [apart] * [gradient] + [cauchy] + [strong]'
    """
    if isinstance(entry, Identity):
        return _of_identity(entry)
    return None if entry.proof is None else _Reader(entry, entry.proof).outline()


def _of_identity(entry: Identity) -> Outline:
    given = (Line("matrix", row.name, words=f"{row.rows} x {row.columns}: {row.meaning}") for row in entry.matrices)
    facts = (Line("fact", row.name, matrix_relation(row.zero), row.words) for row in entry.relations)
    terms = (
        _signed(Fraction(row.coefficient), " ".join((*row.left, f"[{row.relation}]", *row.right))) for row in entry.certificate
    )
    return Outline(
        tuple(given),
        tuple(facts),
        (Line("conclusion", formula=matrix_relation(entry.goal), combination=_equation("goal", terms)),),
    )


class _Reader:
    """Reads one proof; it knows what the names that the checker makes up stand for."""

    def __init__(self, statement: Theorem, proof: AlgebraicProof) -> None:
        self._statement, self._proof = statement, proof

    def outline(self) -> Outline:
        proof = self._proof
        part_of_a_sequence = {name for row in proof.sequences for name in (row.now, row.next, row.first, row.last)}
        given = [
            Line("number", name, printed(symbol(name)), meaning)
            for name, meaning in proof.variables.items()
            if name not in part_of_a_sequence
        ]
        for row in proof.sequences:
            first, now, after, last = (printed(symbol(name)) for name in (row.first, row.now, row.next, row.last))
            text = f"{first.text}, ..., {now.text}, {after.text}, ..., {last.text}"
            latex = rf"{first.latex}, \dots, {now.latex}, {after.latex}, \dots, {last.latex}"
            given.append(Line("sequence", row.now, Printed(text, latex), row.words))
        given += [Line("term", name, printed(term)) for name, term in proof.terms.items()]
        facts = [Line("fact", fact.name, relation(fact.kind, fact.slack), fact.words, fact.because) for fact in proof.facts]
        facts += [*map(self._citation, proof.citations), *map(self._congruence, proof.congruences)]
        return Outline(tuple(given), tuple(facts), self._steps(proof.steps, conclusion(self._statement, proof.target)))

    def _citation(self, cited: Citation) -> Line:
        if cited.target is None:
            formula = relation(">=0", replaced(enclosures()[cited.cites].slack, cited.values))
        else:
            formula = bounded(theorem(cited.cites), cited.target, cited.values)
        return Line("citation", cited.name, formula, cited.words, (cited.cites,))

    def _congruence(self, row: Congruence) -> Line:
        left, right = (printed(self._proof.terms[name]) for name in (row.left, row.right))
        return Line(
            "congruence", row.name, related(left, "=", right), "the arguments are equal", combination=self._combined(row.step)
        )

    def _steps(self, steps: Steps, goal: Printed) -> tuple[Line, ...]:
        return tuple(self._step(step, goal) for step in steps)

    def _step(self, step: Any, goal: Printed) -> Line:
        match step:
            case Step(slack=None):
                return Line("conclusion", formula=goal, combination=self._combined(step))
            case Step(slack=Expression() as slack):
                return Line("lemma", step.name, relation(step.kind, slack), combination=self._combined(step))
            case Use():
                return Line("use", step.name, words="its variables are known to lie in the box")
            case Induction():
                return self._induction(step)
            case Split():
                return self._roots(step, goal) or self._cases(step, goal)
        raise TypeError(f"no step of a proof: {type(step).__name__}")

    def _induction(self, step: Induction) -> Line:
        def at(when: str) -> Printed:
            return relation(">=0", replaced(step.slack, {row.now: symbol(getattr(row, when)) for row in self._proof.sequences}))

        def part(kind: str, steps: Steps, goal: Printed) -> Line:
            inside = self._steps(steps, goal)
            if [line.kind for line in inside] == ["conclusion"]:
                return replace(inside[0], kind=kind)
            return Line(kind, formula=goal, inside=inside)

        parts = (part("base", step.base, at("first")), part("step", step.step, at("next")), Line("end", formula=at("last")))
        return Line("induction", step.name, at("now"), inside=parts)

    def _cases(self, split: Split, goal: Printed) -> Line:
        on = printed(split.on)
        blocks = ((">", split.positive), ("=", split.zero), ("<", split.negative))
        cases = (
            Line("case", formula=related(on, sign, Printed("0", "0")), inside=self._steps(block, goal))
            for sign, block in blocks
            if block
        )
        return Line("cases", split.name, on, inside=tuple(cases))

    def _roots(self, split: Split, goal: Printed) -> Line | None:
        """One line for the cases that :func:`by_squares` makes."""
        match split:
            case Split(positive=(Step(terms=(_, second, *rest)),), zero=(Split(on=smaller),)) if len(second.slacks) == 1:
                extra = tuple((int(term.multiplier), term.slacks[0]) for term in rest)
                if split != by_squares(split.on, smaller, second.slacks[0], extra=extra):
                    return None
            case _:
                return None
        terms = [("+", as_text(split.on - smaller)), *(_signed(Fraction(multiplier), f"[{name}]") for multiplier, name in extra)]
        words = f"square roots in [{second.slacks[0]}], the right side being nonnegative"
        return Line("roots", formula=goal, words=words, combination=_equation("goal", terms) if extra else "")

    def _combined(self, step: Step) -> str:
        """The identity of the step, in names."""
        terms = []
        for term in step.terms:
            root = expression(term.root)
            square = [] if root == expression(1) else [as_text(root**2)]
            terms.append(_signed(Fraction(term.multiplier), *square, *self._powers(term.slacks)))
        for multiplier, name in step.equations:
            sign, factors = _factor(expression(multiplier))
            terms.append((sign, " * ".join((*factors, self._slack(name)))))
        return _equation(" * ".join((*self._powers(step.factor), "goal")), terms)

    def _powers(self, names: tuple[str, ...]) -> list[str]:
        counts = {name: names.count(name) for name in names}
        return [self._slack(name) + (f"^{count}" if count > 1 else "") for name, count in counts.items()]

    def _slack(self, name: str) -> str:
        """A fact in a combination: by name, or as what it is where the checker made the name up."""
        if name in self._statement.symbols or name in self._proof.terms:
            return name
        if name.startswith("condition:"):
            return f"({as_text(self._statement.side_conditions[int(name.removeprefix('condition:'))].slack)})"
        return f"[{name}]"


def _factor(multiplier: Expression) -> tuple[str, list[str]]:
    """Sign and factors of the multiplier of an equation."""
    if multiplier.operator == "rational":
        number = Fraction(multiplier.literal)  # type: ignore[arg-type]
        return ("-" if number < 0 else "+"), [] if abs(number) == 1 else [str(abs(number))]
    if multiplier.operator == "product":
        (one, left), (other, right) = map(_factor, multiplier.arguments)
        return ("+" if one == other else "-"), left + right
    text = as_text(multiplier)
    return "+", [f"({text})" if multiplier.operator == "sum" else text]


def _signed(number: Fraction, *factors: str) -> tuple[str, str]:
    size = [] if abs(number) == 1 and factors else [str(abs(number))]
    return "-" if number < 0 else "+", " * ".join((*size, *factors))


def _equation(left: str, terms: Iterable[tuple[str, str]]) -> str:
    text = " ".join(f"{sign} {term}" for sign, term in terms) or "0"
    return f"{left} = {text.removeprefix('+ ').replace('- ', '-', 1) if text.startswith('- ') else text.removeprefix('+ ')}"
