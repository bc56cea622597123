"""Gaussian noise after Poisson sampling: the sum against integrals, both directions, and the published reference values."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import privacy_truths as truths
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.accounting import GaussianPrivacy, SampledGaussianPrivacy, compose, convert
from certify.errors import InputError

SETTINGS = settings(max_examples=15, deadline=None)
rates = st.fractions(Fraction(1, 1000), 1, max_denominator=1000)
noises = st.fractions(Fraction(1, 2), 6, max_denominator=100)


@SETTINGS
@given(rates, noises, st.integers(2, 12))
def test_the_sum_is_the_integral_and_covers_the_other_direction(rate: Fraction, noise: Fraction, order: int) -> None:
    forward, backward = truths.sampled_moments(rate, noise, order)
    found = SampledGaussianPrivacy.of(rate, noise, 1).divergence(Fraction(order))
    with mpmath.workdps(40):
        exact, other = mpmath.log(forward) / (order - 1), mpmath.log(backward) / (order - 1)
        assert other <= exact * (1 + mpmath.mpf(10) ** -12)
        assert exact * (1 - mpmath.mpf(10) ** -12) <= found.value <= exact * (1 + mpmath.mpf(10) ** -12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda q, z, a, k: k * k / (2 * z * z),  # k² for k (k - 1)
        lambda q, z, a, k: k * (k - 1) / (2 * z),  # the noise not squared
        lambda q, z, a, k: (k - 1) ** 2 / (2 * z * z),
    ],
)
def test_another_exponent_is_not_the_integral(wrong) -> None:  # type: ignore[no-untyped-def]
    """The comparison above tells the formula from its neighbours."""
    q, z, order = 0.2, 1.5, 6
    forward = float(truths.sampled_moments(Fraction(1, 5), Fraction(3, 2), order)[0])
    total = sum(math.comb(order, k) * (1 - q) ** (order - k) * q**k * math.exp(wrong(q, z, order, k)) for k in range(order + 1))
    assert abs(total / forward - 1) > 1e-3


@SETTINGS
@given(rates, noises, st.fractions(0, 5, max_denominator=100))
def test_one_step_is_never_below_its_exact_profile_in_either_direction(
    rate: Fraction, noise: Fraction, epsilon: Fraction
) -> None:
    forward, backward = truths.sampled_delta(rate, noise, epsilon)
    found = SampledGaussianPrivacy.of(rate, noise, 1).delta(epsilon)
    with mpmath.workdps(60):
        assert max(forward, backward) <= truths.real(found.rational)


@pytest.mark.parametrize(
    ("rate", "noise", "steps", "delta", "by_rdp", "by_pld"),
    [("0.01", 1, 1000, "1e-5", 2.1014, 1.82824), ("0.1", 2, 100, "1e-6", 2.914, 2.67504)],
)
def test_reference_values(rate: str, noise: int, steps: int, delta: str, by_rdp: float, by_pld: float) -> None:
    """Above the truth (PLD), and within half a per cent of the float code that also searches fractional orders."""
    profile = SampledGaussianPrivacy.of(rate, noise, steps)
    epsilon = profile.epsilon(delta).value
    assert by_pld < by_rdp - 1e-4 < epsilon < 1.005 * by_rdp
    assert profile.delta(Fraction(epsilon)).value <= float(delta) * (1 + 1e-9)


@SETTINGS
@given(rates, noises, st.integers(1, 10**4), st.integers(1, 30))
def test_the_search_finds_the_best_whole_order(rate: Fraction, noise: Fraction, steps: int, power: int) -> None:
    profile, delta = SampledGaussianPrivacy.of(rate, noise, steps), Fraction(1, 10**power)
    best = convert(profile.curve(tuple(range(2, 65))), to="approximate", delta=delta).epsilon
    assert best is not None
    assert profile.epsilon(delta).value <= best.value * (1 + 1e-12)


def test_the_search_of_another_library_leads_to_the_same_order() -> None:
    pytest.importorskip("dp_accounting")
    profile = SampledGaussianPrivacy.of("0.01", 1, 1000)
    assert profile.best_order("1e-5", search="dp-accounting") == profile.best_order("1e-5")


@SETTINGS
@given(rates, noises, st.integers(1, 1000))
def test_sampling_helps_and_steps_cost(rate: Fraction, noise: Fraction, steps: int) -> None:
    epsilon = SampledGaussianPrivacy.of(rate, noise, steps).epsilon("1e-6").value
    assert epsilon <= GaussianPrivacy.from_square(steps / noise**2).epsilon("1e-6").value
    assert epsilon <= SampledGaussianPrivacy.of(rate, noise, 2 * steps).epsilon("1e-6").value * (1 + 1e-12)
    assert epsilon <= SampledGaussianPrivacy.of(min(2 * rate, Fraction(1)), noise, steps).epsilon("1e-6").value * (1 + 1e-12)


@pytest.mark.parametrize(
    ("rate", "noise", "steps"), [("1e-6", "0.01", 1), ("0.5", "0.001", 10), (1, 100, 1), ("1e-300", 1, 10**12)]
)
def test_far_corners_answer(rate: str, noise: str, steps: int) -> None:
    profile = SampledGaussianPrivacy.of(rate, noise, steps)
    assert 0 <= profile.epsilon("1e-12").value < math.inf
    assert 0 <= profile.delta(1).value <= 1


def test_steps_of_one_kind_are_counted_and_different_ones_composed() -> None:
    one, other = SampledGaussianPrivacy.of("0.01", 1, 400), SampledGaussianPrivacy.of("0.02", 2, 100)
    assert compose([one] * 2, delta="1e-5").epsilon == SampledGaussianPrivacy.of("0.01", 1, 800).epsilon("1e-5")
    both = compose([one, other], delta="1e-5")
    assert both.currency == "renyi"
    assert one.epsilon("1e-5").value < both.epsilon.value < one.epsilon("5e-6").value + other.epsilon("5e-6").value


def test_an_unknown_order_is_unknown() -> None:
    profile = SampledGaussianPrivacy.of("0.01", 1, 400)
    assert profile.divergence(Fraction(5, 2)).value == math.inf
    with pytest.raises(InputError, match=r"at order 2\.5"):
        convert(profile, to="renyi", orders=["2.5"])
