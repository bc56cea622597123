"""Balls, sides and statuses at their edges."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from certify.proofs.balls import NoEnclosure, ball, lower_double, precision, refine, upper_double
from certify.proofs.sides import Side
from certify.proofs.status import Status
from certify.proofs.theorem import Domain


@given(st.fractions())
def test_doubles_lie_on_their_side_of_the_exact_number(exact: Fraction) -> None:
    with precision(128):
        upper, lower = upper_double(ball(exact)), lower_double(ball(exact))
    assert lower <= exact <= upper
    assert upper <= math.nextafter(math.nextafter(lower, math.inf), math.inf)


@pytest.mark.parametrize("value", [0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1])
def test_a_double_is_exact(value: float) -> None:
    with precision(64):
        assert upper_double(ball(value)) == lower_double(ball(value)) == value


def test_a_number_beyond_the_doubles_is_infinite_above() -> None:
    with precision(64):
        assert upper_double(ball(Fraction(10) ** 400)) == math.inf
        assert lower_double(ball(Fraction(10) ** 400)) > 1e308


def test_the_working_precision_is_restored_even_after_an_error() -> None:
    before = ctx.prec
    with pytest.raises(ZeroDivisionError), precision(777):
        _ = 1 // (ctx.prec - 777)
    assert ctx.prec == before


def test_refining_gives_up_with_an_error() -> None:
    with pytest.raises(NoEnclosure):
        refine(lambda: arb(0, 1), start=1 << 15)
    assert upper_double(refine(lambda: arb(2).sqrt())) >= math.sqrt(2) * (1 - 1e-16)
    assert float(refine(lambda: arb(0))) == 0


def test_sides() -> None:
    for side in Side:
        assert Side.EXACT.fits(side)
        assert side.fits(side)
        assert side.opposite.opposite is side
    assert not Side.UPPER.fits(Side.LOWER)
    assert not Side.UPPER.fits(Side.EXACT)


def test_statuses_are_ordered_and_named() -> None:
    assert sorted(Status) == [Status.parse(name) for name in ("assumed", "tested", "cited", "solver", "enclosed", "proved")]
    assert len({status.glyph for status in Status}) == len(Status)
    with pytest.raises(ValueError, match="use one of proved, enclosed"):
        Status.parse("certain")


def test_domains() -> None:
    assert [domain.admits(0) for domain in (Domain.POSITIVE, Domain.NONNEGATIVE, Domain.COUNT, Domain.PROBABILITY)] == [
        False,
        True,
        True,
        False,
    ]
    assert not Domain.COUNT.admits(0.5)
    assert not Domain.COUNT.admits(math.inf)
    assert not Domain.PROBABILITY.admits(1)
    assert not any(domain.admits(math.nan) for domain in Domain)
