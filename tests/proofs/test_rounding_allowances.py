"""The allowances for rounding that the bounds use are at least those of the theorems, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

from certify.bounds.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma, norm_upper
from certify.proofs import registry
from certify.proofs.readers import as_fraction

UNIT = Fraction(UNIT_ROUNDOFF)


@pytest.mark.parametrize("terms", [1, 2, 5, 1000, 10**7, 10**12])
def test_gamma_is_the_relative_error_of_the_theorems(terms: int) -> None:
    exact = terms * UNIT / (1 - terms * UNIT)
    assert exact <= Fraction(gamma(terms)) <= exact * (1 + 4 * UNIT)


@pytest.mark.parametrize("terms", [1, 3, 1000, 10**9])
@pytest.mark.parametrize("computed", [0.25, 1.0, 1.5, 3e7])
def test_the_bound_on_a_norm_is_the_one_that_is_proved(terms: int, computed: float) -> None:
    """Of a vector whose largest entry is of order one, so that the norm is above 1/4 and what underflows is far below it."""
    lost, added = terms * Fraction(1, 2**1074), Fraction(UNDERFLOW)
    assert added * (added + 2 * Fraction(computed)) >= 2 * lost
    statement = registry.theorem("norm.rounded-vector")
    values = {"computed": Fraction(computed), "terms": Fraction(terms), "unit_roundoff": UNIT, "underflow": added}
    for condition in statement.side_conditions:
        assert as_fraction(condition.slack, values) > 0
    proved = as_fraction(statement.formula, values)
    assert proved <= Fraction(norm_upper(computed, terms)) <= proved * (1 + 8 * UNIT)
