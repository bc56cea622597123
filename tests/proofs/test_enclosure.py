"""Inequalities on boxes: proved where true, refused where false, with exact ends."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.proofs import registry
from certify.proofs.balls import ball, precision
from certify.proofs.enclosure import NotEnclosed, enclose, interval, prove_on_box, slope
from certify.proofs.expression import exp, expression, log, maximum, normal_cdf, sqrt, symbol
from certify.proofs.readers import as_float

X, Y = symbol("x"), symbol("y")


@pytest.mark.parametrize("identifier", registry.enclosures())
def test_the_enclosures_of_the_book_hold_and_their_siblings_fail(identifier: str) -> None:
    lemma = registry.enclosures()[identifier]
    assert enclose(lemma) < 20_000
    assert lemma.false_sibling is not None
    with pytest.raises(NotEnclosed, match="false at"):
        prove_on_box(lemma.false_sibling, lemma.box)


def test_a_narrow_box_keeps_its_end_points() -> None:
    """1 - t <= -2^-54 on [1, 1 + 3 ulp] is false at t = 1, and was accepted with boxes of a float centre and radius."""
    box = (("x", Fraction(1), 1 + 3 * Fraction(1, 2**52)),)
    with pytest.raises(NotEnclosed):
        prove_on_box(X - 1 - Fraction(1, 2**54), box)
    assert prove_on_box(X - 1 + Fraction(1, 2**54), box) >= 1


@given(st.fractions(), st.fractions(min_value=0, max_value=1))
def test_an_interval_contains_its_ends(low: Fraction, width: Fraction) -> None:
    with precision(53):
        box = interval(low, low + width)
        assert box.contains(ball(low).mid()) or not ball(low).is_exact()
        assert box.lower() <= ball(low).upper()
        assert box.upper() >= ball(low + width).lower()


def test_a_false_inequality_is_refused_with_a_point() -> None:
    with pytest.raises(NotEnclosed, match="false at x = "):
        prove_on_box(X * (1 - X) - Fraction(1, 4) + Fraction(1, 10**6) - Fraction(1, 10**5), (("x", Fraction(0), Fraction(1)),))


def test_a_boundary_case_is_not_settled() -> None:
    """x² >= 0 touches zero at an inner point that no box isolates: refused, never believed."""
    with pytest.raises(NotEnclosed):
        prove_on_box((X - Fraction(1, 3)) ** 2 - Fraction(1, 10**40), (("x", Fraction(0), Fraction(1)),), most=500)


def test_a_pole_inside_the_box_is_refused() -> None:
    with pytest.raises(NotEnclosed):
        prove_on_box(1 / (X * X) + 1, (("x", Fraction(-1), Fraction(1, 2)),), most=500)


FORMULAS = (X * Y + 3, X / (Y + 2), (X - Y) ** 3, sqrt(X + 2), exp(-X * Y), log(X + 3), normal_cdf(X - Y), expression(5), X**0)


@given(st.sampled_from(FORMULAS), st.floats(0.1, 2), st.floats(0.1, 2))
def test_a_slope_is_the_derivative(formula: object, x: float, y: float) -> None:
    step = 1e-6
    with precision(64):
        found = slope(formula, {"x": ball(x), "y": ball(y)}, "x")  # type: ignore[arg-type]
    difference = (as_float(formula, {"x": x + step, "y": y}) - as_float(formula, {"x": x - step, "y": y})) / (2 * step)  # type: ignore[arg-type]
    assert abs(float(found) - difference) < 1e-6


def test_a_corner_has_no_slope() -> None:
    with pytest.raises(ValueError, match="derivative"), precision(64):
        slope(maximum(X, Y), {"x": ball(1), "y": ball(2)}, "x")
