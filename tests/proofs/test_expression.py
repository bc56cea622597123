"""The four readers of a formula agree, and data reads back as the same formula."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import sympy
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from certify.proofs import checker, registry
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.expression import (
    Expression,
    exp,
    expression,
    from_data,
    log,
    maximum,
    normal_cdf,
    sqrt,
    symbol,
    to_data,
    walk,
)
from certify.proofs.readers import as_ball, as_float, as_fraction, as_latex  # fmt: skip

NAMES = ("x", "y", "z")
LEAVES = st.one_of(st.sampled_from([symbol(name) for name in NAMES]), st.fractions(-5, 5, max_denominator=9).map(expression))


def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] - pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        st.tuples(pairs.map(lambda pair: pair[0] + pair[1]) | LEAVES, st.integers(0, 3)).map(lambda pair: pair[0] ** pair[1]),
    )


POLYNOMIALS = st.recursive(LEAVES, grow, max_leaves=6)
POINTS = st.fixed_dictionaries({name: st.fractions(-4, 4, max_denominator=16) for name in NAMES})


def contains(enclosed: arb, exact: Fraction) -> bool:
    """Whether the ball contains the rational: decided with a ball of the rational that is far smaller."""
    with precision(1024):
        return bool((enclosed - ball(exact)).contains(0))


@given(POLYNOMIALS, POINTS)
def test_doubles_balls_and_fractions_agree(formula: Expression, point: dict[str, Fraction]) -> None:
    exact = as_fraction(formula, point)
    with precision(128):
        enclosed = as_ball(formula, {name: ball(value) for name, value in point.items()})
        assert contains(enclosed, exact)
        assert lower_double(enclosed) <= exact <= upper_double(enclosed)
    scale = max(1.0, *(abs(float(as_fraction(node, point))) for node in walk(formula)))
    assert math.isclose(
        as_float(formula, {name: float(value) for name, value in point.items()}), exact, rel_tol=1e-9, abs_tol=1e-9 * scale**3
    )


@given(POLYNOMIALS, POINTS)
def test_the_checker_expands_as_sympy_does(formula: Expression, point: dict[str, Fraction]) -> None:
    """The trusted polynomial arithmetic beside an independent one, and beside the exact reader."""
    scope = checker.Scope()
    for name in NAMES:
        scope.declare(name)
    top, bottom = scope.ratio(checker.tree(to_data(formula)))
    assert bottom == checker.ONE
    assert checker.value(top, point) == as_fraction(formula, point)
    symbols = {name: sympy.Symbol(name) for name in NAMES}

    def translate(node: Expression) -> Any:
        match node.operator:
            case "symbol":
                return symbols[str(node.literal)]
            case "rational":
                fraction = Fraction(node.literal)  # type: ignore[arg-type]
                return sympy.Rational(fraction.numerator, fraction.denominator)
        inner = [translate(argument) for argument in node.arguments]
        match node.operator:
            case "sum":
                return inner[0] + inner[1]
            case "product":
                return inner[0] * inner[1]
            case _:
                return inner[0] ** int(node.literal)  # type: ignore[arg-type]

    expanded = sympy.Poly(translate(formula), *symbols.values(), domain="QQ")
    ours = {
        tuple(dict(monomial).get(name, 0) for name in NAMES): sympy.Rational(value.numerator, value.denominator)
        for monomial, value in top.items()
    }
    assert ours == {monomial: value for monomial, value in expanded.terms() if value}


@given(POLYNOMIALS)
def test_data_reads_back(formula: Expression) -> None:
    assert from_data(to_data(formula)) == formula
    assert checker.tree(to_data(formula)) == to_data(formula)


@pytest.mark.parametrize("identifier", registry.theorems())
def test_readers_agree_on_every_theorem(identifier: str) -> None:
    """At the witness, where the hypotheses and side conditions hold."""
    statement = registry.theorem(identifier)
    assert statement.proof is not None
    formula = statement.formula
    point = {name: Fraction(statement.proof.witness[name]) for name in statement.symbols}
    doubles = as_float(formula, {name: float(value) for name, value in point.items()})
    with precision(128):
        enclosed = as_ball(formula, {name: ball(value) for name, value in point.items()})
        assert math.isclose(doubles, upper_double(enclosed), rel_tol=1e-12)
        if formula.is_rational:
            assert contains(enclosed, as_fraction(formula, point))
        else:
            with pytest.raises(ValueError, match="no exact rational value"):
                as_fraction(formula, point)
    assert from_data(to_data(formula)) == formula
    assert as_latex(formula).count("{") == as_latex(formula).count("}")


def test_transcendental_readers_agree() -> None:
    x = symbol("x")
    for formula, value in (
        (sqrt(x), math.sqrt(2)), (exp(x), math.exp(2)), (log(x), math.log(2)), (normal_cdf(x), 0.9772498680518208),
        (maximum(x, 3), 3.0), (maximum(x, 1), 2.0),
    ):  # fmt: skip
        assert math.isclose(as_float(formula, {"x": 2.0}), value, rel_tol=1e-15)
        with precision(96):
            assert math.isclose(upper_double(as_ball(formula, {"x": ball(2)})), value, rel_tol=1e-15)


def test_a_formula_holds_no_float() -> None:
    with pytest.raises(TypeError, match="exact numbers only"):
        symbol("x") + 0.5  # type: ignore[operator]
    with pytest.raises(TypeError, match="exact numbers only"):
        expression(True)


@pytest.mark.parametrize(
    "data", [[], ["sum"], ["symbol", "1x"], ["power", ["symbol", "x"], "-1"], ["rational", 0.5], "x", ["mystery"], None]
)
def test_malformed_data_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_data(data)
