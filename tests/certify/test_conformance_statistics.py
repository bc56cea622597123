"""The statistics behind the audits: exact binomial limits against another arithmetic, and nominal error rates."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.testing.statistics import audit, binomial_upper, epsilon_lower, releases_needed, same_law_refuted, scale_refuted


def tail(successes: int, trials: int, probability: Fraction) -> Fraction:
    """P[Bin(trials, probability) <= successes], exactly."""
    return sum(
        (math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k) for k in range(successes + 1)),
        start=Fraction(0),
    )


@settings(max_examples=80, deadline=None)
@given(trials=st.integers(1, 60), share=st.floats(0, 1), exponent=st.floats(-12, -0.1))
def test_the_binomial_limit_is_sound_and_tight(trials: int, share: float, exponent: float) -> None:
    successes, alpha = int(share * trials), 10.0**exponent
    limit = binomial_upper(successes, trials, alpha)
    if successes == trials:
        assert limit == 1
        return
    assert tail(successes, trials, Fraction(limit)) <= Fraction(alpha)
    assert tail(successes, trials, Fraction(limit * (1 - 1e-5))) > Fraction(alpha)  # no smaller limit would do


def test_the_limit_at_zero_is_the_closed_form() -> None:
    assert binomial_upper(0, 100, 0.05) == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-12)


def test_an_unsound_limit_would_be_noticed() -> None:
    limit = binomial_upper(3, 40, 1e-6) * (1 - 1e-4)
    assert tail(3, 40, Fraction(limit)) > Fraction(1e-6)


def test_epsilon_matches_the_formula_on_the_anchor() -> None:
    """Perfect separation at 95 %: 100 a side refute up to about 3.28, 1000 up to 5.60."""
    assert epsilon_lower(0, 100, 0, 100, 0.0, 0.05) == pytest.approx(3.26, abs=0.05)
    assert epsilon_lower(0, 1000, 0, 1000, 0.0, 0.05) == pytest.approx(5.60, abs=0.02)
    assert epsilon_lower(50, 100, 50, 100, 0.0, 0.05) == 0
    assert epsilon_lower(100, 100, 0, 100, 0.0, 0.05) == 0


def test_enough_releases_are_drawn_to_refute_the_claim() -> None:
    for epsilon in (0.0, 0.5, 1.0, 2.0, 3.0):
        count = releases_needed(epsilon, 1e-6)
        apart = audit(np.ones((count, 1)) + 0.1, np.zeros((count, 1)), 0.0, 1e-6)
        assert apart.epsilon_lower == apart.most > epsilon


def randomised_response(generator: np.random.Generator, epsilon: float, count: int, truth: float) -> np.ndarray:
    lie = generator.random((count, 1)) < 1 / (1 + math.exp(epsilon))
    return np.where(lie, 1 - truth, truth)


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_the_audit_errs_at_most_at_its_level_where_every_event_is_tight(epsilon: float) -> None:
    generator, runs, alpha = np.random.default_rng(3), 100, 0.1
    wrong = sum(
        audit(
            randomised_response(generator, epsilon, 120, 1.0), randomised_response(generator, epsilon, 120, 0.0), 0.0, alpha
        ).epsilon_lower
        > epsilon
        for _ in range(runs)
    )
    assert wrong <= alpha * runs + 4 * math.sqrt(alpha * (1 - alpha) * runs)


def test_the_audit_is_blind_to_equal_laws_and_to_points() -> None:
    generator = np.random.default_rng(0)
    assert audit(generator.standard_normal((400, 3)), generator.standard_normal((400, 3)), 1e-5, 1e-6).epsilon_lower == 0
    assert audit(np.zeros((400, 2)), np.zeros((400, 2)), 0.0, 1e-6).epsilon_lower == 0


def test_the_audit_sees_a_shift_and_a_scale() -> None:
    generator = np.random.default_rng(0)
    base = generator.standard_normal((1000, 2))
    assert audit(generator.standard_normal((1000, 2)) + np.array([4.0, 0.0]), base, 1e-5, 1e-6).epsilon_lower > 2
    assert audit(20 * generator.standard_normal((1000, 2)), base, 1e-5, 1e-6).epsilon_lower > 2


def test_the_scale_test_errs_at_its_level_and_sees_twenty_per_cent() -> None:
    generator = np.random.default_rng(1)
    wrong = sum(scale_refuted(generator.standard_normal((50, 3)), 1.0, 0.1) is not None for _ in range(300))
    assert wrong <= 30 + 4 * math.sqrt(27)
    deviations = generator.standard_normal((400, 3))
    assert scale_refuted(deviations, 1.0, 1e-6) is None
    assert "times the standard deviation" in str(scale_refuted(deviations * 1.2, 1.0, 1e-6))
    assert scale_refuted(deviations, 1.2, 1e-6)


def test_the_band_test_is_silent_on_one_law_and_names_the_odd_one_out() -> None:
    generator = np.random.default_rng(2)
    samples = [np.abs(generator.standard_cauchy(400)) for _ in range(3)]
    assert same_law_refuted(samples, 1e-6) is None
    assert same_law_refuted([samples[0], samples[1], 5 * samples[2]], 1e-6) == (0, 2)


def two_variance_delta(epsilon: float, mean: float, wide: float, narrow: float) -> float:
    """sup over events of P1(E) - e^epsilon P2(E) for P1 = N(mean, wide²), P2 = N(0, narrow²), by quadrature."""
    grid = np.linspace(mean - 40 * wide, mean + 40 * wide, 400_001)
    one = np.exp(-(((grid - mean) / wide) ** 2) / 2) / wide
    two = np.exp(-((grid / narrow) ** 2) / 2) / narrow
    return float(np.sum(np.maximum(one - math.exp(epsilon) * two, 0)) * (grid[1] - grid[0]) / math.sqrt(2 * math.pi))


def test_noise_calibrated_to_each_request_leaks_far_more_than_it_claims() -> None:
    """The trap behind statistical.noise-ignores-forgotten-rows, with its published figures.

    Residuals 1 and k, each covered by its own noise at (1, 1e-5), on the same retained rows: were both close to one
    comparator, they would be close to each other at (2, 3.7e-5).
    """
    multiplier = 1 / 0.268051
    for factor, delta in ((2.0, 0.131), (10.0, 0.751)):
        wide = factor * multiplier
        seen = two_variance_delta(2.0, factor - 1, wide, multiplier)
        assert seen == pytest.approx(delta, abs=2e-3)
        assert seen > 1000 * (1 + math.e) * 1e-5
