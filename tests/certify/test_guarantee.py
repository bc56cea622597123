"""Laws of guarantees: they round-trip, and a claim that promises nothing is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.bounds.bound import Bound
from certify.errors import InputError
from certify.guarantee import Adjacency, Comparator, Direction, Guarantee, Notion
from certify.proofs.sides import Side


@given(
    st.sampled_from(Notion),
    st.fractions(0, 100),
    st.fractions(0, Fraction(99, 100)),
    st.sampled_from(Direction),
    st.sampled_from(Adjacency),
    st.sampled_from(Comparator),
    st.lists(st.text(min_size=1), max_size=3),
)
def test_a_guarantee_survives_its_mapping(notion, epsilon, delta, direction, adjacency, comparator, exclusions):
    claim = Guarantee.of(
        {
            "notion": notion,
            "epsilon": epsilon,
            "delta": delta,
            "direction": direction.value,
            "adjacency": adjacency,
            "comparator": comparator.value,
            "exclusions": exclusions,
        }
    )
    again = Guarantee.of(claim.to_mapping())
    assert again == claim
    assert (again.epsilon.rational, again.delta.rational) == (epsilon, delta)


def test_decimal_strings_are_exact_and_floats_are_the_doubles_that_they_store():
    assert Guarantee.of({"notion": "GUO", "epsilon": 1, "delta": "1e-5"}).delta.rational == Fraction(1, 10**5)
    assert Guarantee.of({"notion": "GUO", "epsilon": 1, "delta": 1e-5}).delta.rational == Fraction(1e-5)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"notion": "SEKHARI", "epsilon": 1}, "lacks delta"),
        ({"notion": "SEKHARI", "epsilon": 1, "delta": 0, "level": 3}, "unknown entry 'level'"),
        ({"notion": "PERFECTION", "epsilon": 1, "delta": 0}, "use one of GUO, SEKHARI"),
        ({"notion": "GUO", "epsilon": -1, "delta": 0}, "nonnegative"),
        ({"notion": "GUO", "epsilon": 1, "delta": 1}, "below 1"),
        ({"notion": "GUO", "epsilon": "one", "delta": 0}, "epsilon of a guarantee must be a finite number"),
        ({"notion": "GUO", "epsilon": float("nan"), "delta": 0}, "finite number"),
        ({"notion": "GUO", "epsilon": "1e999999999", "delta": 0}, "out of range"),  # not expanded to a billion digits
        ({"notion": "GUO", "epsilon": 1, "delta": "1e-999999999"}, "out of range"),
        ({"notion": "GUO", "epsilon": True, "delta": 0}, "real number"),
        ("epsilon = 1", "not str"),
    ],
)
def test_what_is_no_guarantee_is_refused_in_one_line(claim, words):
    with pytest.raises(InputError, match=words) as caught:
        Guarantee.of(claim)
    assert "\n" not in str(caught.value)


def test_a_lower_bound_promises_nothing():
    with pytest.raises(InputError, match="upper or exact"):
        Guarantee(Notion.GUO, Bound(1.0, Side.LOWER), Bound(0.0, Side.EXACT))


def test_every_notion_says_what_it_compares_who_sees_it_and_where_it_is_from():
    assert len(Notion) == 12
    assert all(notion.compares and notion.sees and notion.source for notion in Notion)
