"""Arithmetic of one-sided numbers: outward rounding, sides, refusals."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.bounds import Bound, Declared, Estimate, WrongSide, as_bound
from certify.bounds.bound import between
from certify.proofs.sides import Side

SIDES = (Side.UPPER, Side.LOWER)
numbers = st.floats(0, 1e100, allow_subnormal=False) | st.floats(0, 1e-100, allow_subnormal=True)
positive = st.floats(1e-100, 1e100)


@given(numbers, numbers, st.sampled_from(SIDES))
def test_sums_and_products_round_outward_on_their_side(a: float, b: float, side: Side) -> None:
    for result, exact in (
        (Bound(a, side) + Bound(b, side), Fraction(a) + Fraction(b)),
        (Bound(a, side) * Bound(b, side), Fraction(a) * Fraction(b)),
        (Bound(a, side) - Bound(b, side.opposite), Fraction(a) - Fraction(b)),
    ):
        assert result.side is side
        value = result.rational_or_infinite()
        assert value >= exact if side is Side.UPPER else value <= exact


@given(numbers, positive, st.sampled_from(SIDES))
def test_quotients_and_roots_round_outward_within_one_ulp(a: float, b: float, side: Side) -> None:
    quotient = Bound(a, side) / Bound(b, side.opposite)
    exact = Fraction(a) / Fraction(b)
    root = Bound(a, side).sqrt()
    if side is Side.UPPER:
        assert quotient.rational_or_infinite() >= exact and Fraction(root.value) ** 2 >= Fraction(a)
        if 0 < quotient.value < math.inf:
            assert Fraction(math.nextafter(quotient.value, -math.inf)) < exact
    else:
        assert quotient.rational_or_infinite() <= exact and Fraction(root.value) ** 2 <= Fraction(a)


@given(positive, positive)
def test_mixed_sides_bound_nothing_and_raise(a: float, b: float) -> None:
    for combine in (lambda x, y: x + y, lambda x, y: x * y):
        with pytest.raises(WrongSide):
            combine(Bound(a, Side.UPPER), Bound(b, Side.LOWER))
    with pytest.raises(WrongSide):
        Bound(a, Side.UPPER) / Bound(b, Side.UPPER)
    with pytest.raises(WrongSide):
        Bound(a, Side.UPPER) - Bound(b, Side.UPPER)


def test_a_division_asks_for_a_positive_lower_bound() -> None:
    with pytest.raises(WrongSide, match="positive lower"):
        Bound(1.0, Side.UPPER) / Bound(0.0, Side.LOWER)


def test_an_estimate_never_becomes_a_bound() -> None:
    with pytest.raises(WrongSide, match="estimate"):
        as_bound(Estimate(1.0, "sampling"))  # type: ignore[arg-type]
    with pytest.raises((WrongSide, ValueError)):
        Bound(1.0, Side.UPPER) + Estimate(1.0, "sampling")  # type: ignore[operator]


def test_exact_decimals_keep_their_rational() -> None:
    bound = Bound(1e-5, Side.EXACT, Declared("asked for"), exact=Fraction(1, 100_000))
    assert bound.rational == Fraction(1, 100_000) != Fraction(1e-5)
    assert as_bound(Fraction(1, 3)).rational == Fraction(1, 3)


def test_only_the_fitting_side_proves_a_limit() -> None:
    assert Bound(1.0, Side.UPPER).at_most(1.0) and not Bound(1.0, Side.LOWER).at_most(2.0)
    assert Bound(1.0, Side.LOWER).at_least(1.0) and not Bound(1.0, Side.UPPER).at_least(0.5)


@pytest.mark.parametrize("value", [math.nan])
def test_nan_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="nan"):
        Bound(value, Side.UPPER)


def test_what_is_no_number_is_named_by_its_type_and_never_shown() -> None:
    with pytest.raises(ValueError, match="a finite number, not list") as caught:
        Bound(1.0, Side.UPPER) * [0.123456789]  # type: ignore[operator]
    assert "0.1234" not in str(caught.value)


def test_failure_probabilities_add_up_outward() -> None:
    total = Bound(1.0, Side.UPPER, failure_probability=0.1) + Bound(1.0, Side.UPPER, failure_probability=0.2)
    assert Fraction(total.failure_probability) >= Fraction(0.1) + Fraction(0.2)


def test_a_derivation_lists_every_ancestor_once_inputs_first() -> None:
    left, right = Bound(1.0, Side.UPPER), Bound(2.0, Side.UPPER)
    total = (left + right) * (left + right)
    listed = list(total.ancestors())
    assert listed[-1] is total and len({id(bound) for bound in listed}) == len(listed)
    assert listed.index(left) < len(listed) - 1


def test_two_sides_are_shown_with_all_digits_and_what_they_may_fail() -> None:
    low, high = (
        Bound(1 / 3, Side.LOWER, failure_probability=1e-6),
        Bound(0.3333333333333334, Side.UPPER, failure_probability=1e-6),
    )
    assert between(low, "x", high) == "0.3333333333333333 <= x <= 0.3333333333333334, but for probability 2e-06"
