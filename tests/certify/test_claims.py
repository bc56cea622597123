"""``certify.claim``: published claims accepted when true, refused when false, never by the width of a rounding."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify import gaussian
from certify.bounds import Bound
from certify.bounds.evidence import Derived
from certify.calibration import noise
from certify.claims import claim
from certify.errors import InputError
from certify.proofs.sides import Side
from certify.proofs.status import Status

TARGET: dict[str, Any] = {"epsilon": 1, "delta": "1e-5"}
RESIDUAL: dict[str, Any] = {"residual": "1e-9", "strong_convexity": "0.5"}
COUNTS: dict[str, Any] = {"n": 1000, "m": 10, "lipschitz": "1.5", "strong_convexity": "0.1"}

# Hypotheses and the distance by hand: r/mu, mG/(mu(n-m)), M m² G²/(2 mu³ (n-m)²).
CASES = [
    ("output.residual", RESIDUAL, Fraction(2, 10**9)),
    ("output.worst-case", COUNTS, Fraction(10) * Fraction(3, 2) / (Fraction(1, 10) * 990)),
    (
        "newton.one-step",
        {**COUNTS, "hessian_lipschitz": "0.25"},
        Fraction(1, 4) * 100 * Fraction(9, 4) / (2 * Fraction(1, 1000) * 990**2),
    ),
]


@pytest.mark.parametrize(("theorem", "hypotheses", "distance"), CASES)
def test_the_least_sigma_makes_the_claim_true_and_the_double_below_does_not(
    theorem: str, hypotheses: dict[str, Any], distance: Fraction
) -> None:
    least = gaussian.least_sigma(Fraction(1), Fraction(1, 10**5), distance)
    enough = claim(theorem, **hypotheses, **TARGET, sigma=least)
    assert enough.holds
    assert enough.sigma_required.value == least
    assert enough.epsilon_true.value <= 1
    assert Fraction(enough.sensitivity.value) >= distance
    assert enough.sensitivity.side is Side.UPPER
    assert enough.sensitivity.value == pytest.approx(float(distance), rel=1e-15)
    short = claim(theorem, **hypotheses, **TARGET, sigma=math.nextafter(least, 0.0))
    assert not short.holds
    assert short.epsilon_true.value > 1


def test_what_noise_recommends_claim_accepts() -> None:
    """Decimals stay exact from one command to the next: no claim fails by the width of a rounding."""
    sigma = noise(epsilon="0.7", delta="1e-6", sensitivity="2e-9").sigma.value
    assert claim("output.residual", **RESIDUAL, epsilon="0.7", delta="1e-6", sigma=repr(sigma)).holds


@given(st.floats(1e-12, 1e3), st.floats(1e-6, 10), st.floats(0.01, 20), st.floats(1e-12, 0.1), st.floats(0.3, 3))
def test_holds_says_what_the_true_epsilon_and_the_required_sigma_say(
    residual: float, convexity: float, epsilon: float, delta: float, factor: float
) -> None:
    sigma = residual / convexity / epsilon * factor
    verdict = claim("output.residual", residual=residual, strong_convexity=convexity, epsilon=epsilon, delta=delta, sigma=sigma)
    assert verdict.holds == (verdict.epsilon_true.value <= epsilon) == (verdict.sigma_required.value <= sigma)
    assert verdict.holds == (Fraction(verdict.delta_upper) <= Fraction(delta))


def test_the_classical_formula_at_epsilon_ten_is_refused() -> None:
    """Negative control: sqrt(2 ln(1.25/delta))/epsilon is no guarantee beyond epsilon = 1, and false at 10."""
    sigma = math.sqrt(2 * math.log(1.25e5)) / 10 * 2e-9
    verdict = claim("output.residual", **RESIDUAL, epsilon=10, delta="1e-5", sigma=sigma)
    assert not verdict.holds
    assert verdict.epsilon_true.value > 10
    assert verdict.sigma_required.value > sigma


def test_the_quoted_multiplier_is_refused() -> None:
    assert not claim("output.residual", residual=1, strong_convexity=1, **TARGET, sigma="3.7306").holds
    assert claim("output.residual", residual=1, strong_convexity=1, **TARGET, sigma="3.7307").holds


def test_a_dropped_half_is_refused_by_the_noise_it_needs() -> None:
    """Negative control: the sigma of a Newton bound without its 1/2 is twice the one required."""
    hypotheses = CASES[2][1]
    required = claim("newton.one-step", **hypotheses, **TARGET, sigma=1).sigma_required.value
    assert claim("newton.one-step", **hypotheses, **TARGET, sigma=required).holds
    assert not claim("newton.one-step", **hypotheses, **TARGET, sigma=required / 2).holds


def test_nothing_deleted_needs_no_noise() -> None:
    verdict = claim("output.worst-case", **{**COUNTS, "m": 0}, **TARGET, sigma="1e-300")
    assert verdict.holds
    assert (verdict.epsilon_true.value, verdict.sigma_required.value, verdict.delta_upper) == (0.0, 0.0, 0.0)


def test_the_tolerance_of_the_comparator_adds_to_the_distance() -> None:
    alone = claim("output.residual", **RESIDUAL, **TARGET, sigma=1)
    both = claim("output.residual", **RESIDUAL, **TARGET, sigma=1, tolerance="1e-9")
    assert both.sensitivity.value == pytest.approx(2 * alone.sensitivity.value)
    assert both.sigma_required.value == pytest.approx(2 * alone.sigma_required.value)
    assert "distance.comparator" in both.theorems
    assert any("tolerance" in premise for premise in both.premises)


def test_status_premises_and_derivation_are_recorded() -> None:
    verdict = claim("output.residual", **RESIDUAL, **TARGET, sigma=1)
    assert verdict.status >= Status.ENCLOSED
    assert verdict.weakest_premise is Status.ASSUMED
    assert verdict.theorems == ("output.residual", "gaussian.profile")
    assert len(verdict.premises) == 4
    assert isinstance(verdict.sensitivity.evidence, Derived)
    sides = {name: bound.side for name, bound in verdict.sensitivity.evidence.inputs}
    assert sides == {"residual": Side.EXACT, "strong_convexity": Side.LOWER}
    text = str(verdict)
    assert text.startswith("HOLDS")
    assert "residual is at most 1e-09" in text


def test_measured_bounds_are_accepted_on_the_side_that_is_needed() -> None:
    upper, lower = Bound(1e-9, Side.UPPER), Bound(0.5, Side.LOWER)
    assert claim("output.residual", residual=upper, strong_convexity=lower, **TARGET, sigma=1).holds
    with pytest.raises(InputError, match="residual"):
        claim("output.residual", residual=lower, strong_convexity=lower, **TARGET, sigma=1)


def test_an_absurdly_small_sigma_has_no_finite_epsilon() -> None:
    verdict = claim("output.residual", residual="1e200", strong_convexity=1, **TARGET, sigma="1e-100")
    assert not verdict.holds
    assert verdict.epsilon_true.value == math.inf


@pytest.mark.parametrize(
    ("theorem", "arguments", "words"),
    [
        ("output.residul", {**RESIDUAL, "sigma": 1}, "output.residual"),
        ("logistic.smoothness", {"row_norm": 1, "sigma": 1}, "not a distance"),
        ("distance.comparator", {**RESIDUAL, "sigma": 1}, "not a distance"),
        ("output.residual", {"sigma": 1}, "lacks residual, strong_convexity"),
        ("output.residual", RESIDUAL, "lacks sigma"),
        ("output.residual", {**RESIDUAL, "sigma": 1, "lipshitz": 1}, "no hypothesis lipshitz"),
        ("output.worst-case", {**COUNTS, "sigma": 1, "lipschitzz": 1}, "did you mean lipschitz"),
        ("output.residual", {**RESIDUAL, "sigma": 0}, "sigma must be greater"),
        ("output.residual", {**RESIDUAL, "sigma": 1, "tolerance": -1}, "tolerance must be at least"),
        ("output.residual", {**RESIDUAL, "strong_convexity": 0, "sigma": 1}, "strong_convexity positive"),
        ("output.residual", {**RESIDUAL, "residual": -1, "sigma": 1}, "residual nonnegative"),
        ("output.residual", {**RESIDUAL, "residual": "nan", "sigma": 1}, "finite"),
        ("output.residual", {"residual": "1e300", "strong_convexity": "1e-300", "sigma": 1}, "beyond the doubles"),
        ("output.worst-case", {**COUNTS, "m": 1000, "sigma": 1}, "needs"),
        ("output.worst-case", {**COUNTS, "m": 1001, "sigma": 1}, "needs"),
        ("output.worst-case", {**COUNTS, "n": "10.5", "sigma": 1}, "integer"),
        ("newton.one-step", {**COUNTS, "hessian_lipschitz": 1, "m": 1001, "sigma": 1}, "needs"),
    ],
)
def test_bad_input_is_one_clear_line(theorem: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        claim(theorem, **TARGET, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"epsilon": -1}, {"delta": 0}, {"delta": 1}, {"epsilon": "x"}])
def test_a_claim_out_of_range_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        claim("output.residual", **RESIDUAL, **{**TARGET, **change}, sigma=1)
