"""Outlines say what the checker replays: every fact, every step, in text and in LaTeX."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest

from certify.proofs import registry
from certify.proofs.expression import expression, sqrt, symbol, symbols
from certify.proofs.identity import Identity, matrices
from certify.proofs.outline import Line, outline
from certify.proofs.proof import AlgebraicProof, Induction, Sequence, Split, Step, Term
from certify.proofs.readers import as_latex, as_text
from certify.proofs.relations import conclusion, matrix_relation, relation
from certify.proofs.theorem import Theorem

THEOREMS = registry.theorems()
PROVED = {**THEOREMS, **registry.identities()}

a, b, c = symbols("a b c")


def lines(entry: Theorem | Identity) -> Iterator[Line]:
    def below(line: Line) -> Iterator[Line]:
        yield line
        for inner in line.inside:
            yield from below(inner)

    found = outline(entry)
    assert found is not None
    for line in (*found.given, *found.facts, *found.steps):
        yield from below(line)


def steps(proof: AlgebraicProof) -> Iterator[Step]:
    def walk(block: object) -> Iterator[Step]:
        for step in block:  # type: ignore[attr-defined]
            if isinstance(step, Step):
                yield step
            elif isinstance(step, Split):
                yield from walk((*step.positive, *step.zero, *step.negative))
            elif isinstance(step, Induction):
                yield from walk((*step.base, *step.step))

    return walk(proof.steps)


@pytest.mark.parametrize("identifier", PROVED)
def test_every_fact_and_every_lemma_is_in_the_outline(identifier: str) -> None:
    entry = PROVED[identifier]
    shown = list(lines(entry))
    names = {line.name for line in shown}
    if isinstance(entry, Identity):
        assert names >= {row.name for row in (*entry.matrices, *entry.relations)}
    else:
        proof = entry.proof
        assert proof is not None
        assert names >= {row.name for row in (*proof.facts, *proof.citations, *proof.congruences)} | set(proof.terms)
        assert names >= {step.name for step in steps(proof) if step.name}
        numbers = " ".join(f"{line.name} {line.formula.text if line.formula else ''}" for line in shown)
        assert all(re.search(rf"\b{name}\b", numbers) for name in proof.variables)
    assert shown[-1].kind in ("conclusion", "roots")
    json.dumps([line.data() for line in shown], allow_nan=False)


@pytest.mark.parametrize("identifier", PROVED)
def test_latex_is_balanced_and_shows_no_template(identifier: str) -> None:
    for line in lines(PROVED[identifier]):
        if line.formula is not None:
            latex = line.formula.latex
            assert latex.count("{") == latex.count("}") and "{}" not in latex
            assert latex.count(r"\left(") == latex.count(r"\right)")


@pytest.mark.parametrize("identifier", THEOREMS)
def test_the_numbers_of_a_theorem_look_different_when_typeset(identifier: str) -> None:
    theorem = THEOREMS[identifier]
    assert theorem.proof is not None
    names = {*theorem.symbols, *theorem.proof.variables}
    assert len({as_latex(symbol(name)) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("kind", "slack", "text"),
    [
        (">=0", a - b, "b <= a"),
        (">0", a - b, "b < a"),
        (">=0", a, "a >= 0"),
        (">0", a * b, "a * b > 0"),
        ("==0", a, "a = 0"),
        ("==0", -a, "0 = a"),
        ("==0", a - 2 * b + 3 * c, "a + 3 * c = 2 * b"),
        ("==0", -a + b, "b = a"),
        (">=0", -a, "a <= 0"),
        (">=0", -(a - b), "a <= b"),
        (">=0", a - (b - c), "b <= a + c"),
        (">=0", a + Fraction(-1, 2) * b - 1, "1/2 * b + 1 <= a"),
        (">=0", expression(0) + a, "a >= 0"),
        (">=0", 1 - a * (b - c), "a * (b - c) <= 1"),
    ],
)
def test_a_relation_puts_what_is_subtracted_on_the_other_side(kind: str, slack: object, text: str) -> None:
    shown = relation(kind, slack)  # type: ignore[arg-type]
    assert shown.text == text
    assert shown.latex.count("{") == shown.latex.count("}")


def test_a_relation_of_matrices() -> None:
    A, B = matrices("A B")
    assert matrix_relation(A * B - 1).text == "A B = 1"
    assert matrix_relation(A * B - B * A).latex == r"A\,B = B\,A"
    assert matrix_relation(-A).text == "0 = A"


def test_a_conclusion_is_named_apart_from_a_hypothesis_of_the_same_name() -> None:
    assert conclusion(registry.theorem("distance.detour")).text == "e <= step + distance"
    assert conclusion(registry.theorem("output.residual")).text == "distance <= residual / strong_convexity"


def test_cases_and_combinations() -> None:
    found = outline(registry.theorem("output.residual"))
    assert found is not None
    (cases,) = found.steps
    assert (cases.kind, cases.name) == ("cases", "apart")
    assert [case.formula.text for case in cases.inside if case.formula] == ["e > 0", "e = 0"]
    assert cases.inside[1].inside[0].combination == "goal = residual - strong_convexity * [apart]"


def test_squares_are_one_line() -> None:
    found = outline(registry.theorem("gaussian.composition"))
    assert found is not None
    assert [line.kind for line in found.steps] == ["lemma", "roots"]
    assert "[squares]" in found.steps[1].words and found.steps[1].combination == ""


def test_an_induction_says_start_step_and_end() -> None:
    z, c = symbols("z c")
    template = registry.theorem("output.residual")
    proof = AlgebraicProof(
        target="z_last",
        variables={"z_last": "the last"},
        facts=(),
        sequences=(Sequence("z", "z_next", "z_first", "z_last", "a sequence"),),
        steps=(
            Induction("low", z - c, (Step((Term(1, 1, ("start",)),)),), (Step((Term(2, c, ("low", "low")),), ((-c, "next"),)),)),
            Step((Term(1, 1, ("low",)),)),
        ),
        witness={},
    )
    found = outline(Theorem(**{**vars(template), "proof": proof}))
    assert found is not None
    assert [line.kind for line in found.given] == ["sequence"]
    induction = found.steps[0]
    assert induction.formula is not None and induction.formula.text == "c <= z"
    base, onward, end = induction.inside
    assert end.formula is not None and end.formula.text == "c <= z_last"
    assert base.formula is not None and (base.kind, base.formula.text) == ("base", "c <= z_first")
    assert onward.formula is not None and onward.formula.text == "c <= z_next"
    assert onward.combination == "goal = 2 * c^2 * [low]^2 - c * [next]"


def test_text_and_latex_of_indexed_names() -> None:
    assert as_latex(symbol("z_next")) == r"z_{\mathrm{next}}"
    assert as_latex(symbol("l2")) == "l_{2}"
    assert as_latex(symbol("row_norm")) == r"\mathrm{row\_norm}"
    assert as_text(sqrt(symbol("z_next"))) == "sqrt(z_next)"


# a reader who takes the outline at its word ----------------------------------------------------------------


def number(text: str, point: dict[str, Fraction]) -> Fraction:
    """The value of a formula as it is printed; names that the point lacks are given a random value."""
    for name in re.findall(r"[A-Za-z_]\w*", text):
        point.setdefault(name, Fraction(random.Random(name).randrange(1, 50), 7))
    written = re.sub(r"(?<![\w.])\d+(?![\w.])", r"Fraction(\g<0>)", text).replace("^Fraction", "^ Fraction").replace("^", "**")
    written = re.sub(r"\*\* Fraction\((\d+)\)", r"** \1", written)
    return Fraction(eval(written, {"Fraction": Fraction, **point}))


def difference(text: str, point: dict[str, Fraction]) -> Fraction:
    """The larger side less the smaller, left less right in an equation."""
    left, sign, right = re.split(r" (<=|>=|<|>|=) ", text)
    apart = number(left, point) - number(right, point)
    return -apart if sign.startswith("<") else apart


def combinations(block: tuple[Line, ...], known: dict[str, str]) -> Iterator[tuple[Line, dict[str, str]]]:
    """Every line with a combination, and what its brackets say."""
    known = dict(known)
    for line in block:
        text = line.formula.text if line.formula else ""
        if line.combination:
            yield line, dict(known)
        if line.kind == "cases":
            for case in line.inside:
                assert case.formula is not None
                yield from combinations(case.inside, {**known, line.name: case.formula.text})
        elif line.kind == "induction":
            base, onward, end = line.inside
            yield from combinations((base, *base.inside), known)
            yield from combinations((onward, *onward.inside), {**known, line.name: text})
            assert end.formula is not None
            known[line.name] = end.formula.text
        elif line.name:
            known[line.name] = text


def is_plain(text: str) -> bool:
    """Whether the formula is a polynomial as it stands: no function, no division but of numbers."""
    return not re.search(r"[A-Za-z]\w*\(|/ ", text)


def test_every_combination_is_an_identity_as_it_is_printed() -> None:
    tried = set()
    for identifier, theorem in THEOREMS.items():
        found = outline(theorem)
        assert found is not None
        facts = {line.name: line.formula.text for line in found.facts if line.formula is not None}
        for line, known in combinations(found.steps, facts):
            assert line.formula is not None
            used = [known[name] for name in re.findall(r"\[([^\]]+)\]", line.combination) if name in known]
            implicit = [name for name in re.findall(r"\[([^\]]+)\]", line.combination) if name not in known]
            if implicit or not all(map(is_plain, (line.formula.text, line.combination, *used))):
                continue
            point: dict[str, Fraction] = {"goal": Fraction(0)}
            point["goal"] = difference(line.formula.text, point)
            spoken = re.sub(
                r"\[([^\]]+)\]",
                lambda match, known=known, point=point: f"({difference(known[match[1]], point)})",
                line.combination,
            )  # type: ignore[misc]
            left, _, right = spoken.partition(" = ")
            assert number(left, point) == number(right, point), (identifier, line.formula.text, line.combination)
            tried.add(identifier)
    assert len(tried) > len(THEOREMS) / 4
