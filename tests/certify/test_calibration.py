"""``certify.noise``: any three of four, the fourth on the safe side, bad input in one line."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify import gaussian
from certify.bounds import Bound, Estimate, WrongSide, derive
from certify.calibration import GaussianNoise, noise
from certify.errors import InputError
from certify.proofs.sides import Side

GIVEN: dict[str, Any] = {"epsilon": "1", "delta": "1e-5", "sensitivity": "0.02", "sigma": "0.1"}


def solve(name: str, **changes: Any) -> GaussianNoise:
    return noise(**{key: value for key, value in {**GIVEN, **changes}.items() if key != name})


@pytest.mark.parametrize(
    ("name", "side"), [("sigma", Side.UPPER), ("epsilon", Side.UPPER), ("delta", Side.UPPER), ("sensitivity", Side.LOWER)]
)
def test_any_three_give_the_fourth_on_the_safe_side(name: str, side: Side) -> None:
    result = solve(name)
    numbers = {key: getattr(result, key) for key in GIVEN}
    assert result.solved_for == name
    assert numbers[name].side is side
    assert all(
        bound.side is Side.EXACT and bound.rational == Fraction(GIVEN[key]) for key, bound in numbers.items() if key != name
    )
    assert gaussian.satisfies(*(numbers[key].rational for key in ("epsilon", "delta", "sensitivity", "sigma")))
    worse = Fraction(math.nextafter(numbers[name].value, math.inf if name == "sensitivity" else 0.0))
    unsafe = {key: worse if key == name else bound.rational for key, bound in numbers.items()}
    assert not gaussian.satisfies(unsafe["epsilon"], unsafe["delta"], unsafe["sensitivity"], unsafe["sigma"])


def test_the_known_answer() -> None:
    assert noise(epsilon=1, delta="1e-5", sensitivity="0.02").sigma.value == 0.07461263269631885


def test_a_decimal_string_and_a_double_may_differ_by_the_last_place() -> None:
    exact, stored = solve("delta").delta_upper, solve("delta", sigma=0.1, sensitivity=0.02).delta_upper
    assert exact == pytest.approx(stored, rel=1e-14)
    assert solve("sigma", delta=numpy.float64(1e-5)) == solve("sigma", delta=1e-5)
    assert solve("sigma", delta=1e-5).delta.exact is None
    assert solve("sigma").delta.exact == Fraction(1, 100000)


def test_delta_upper_and_mu_are_proved_at_the_final_numbers() -> None:
    for name in GIVEN:
        result = solve(name)
        e, width, s = result.epsilon.rational, result.sensitivity.rational, result.sigma.rational
        assert result.delta_upper == gaussian.delta_upper(e, width, s)
        assert Fraction(result.delta_upper) <= Fraction(math.nextafter(result.delta.value, 1.0))
        assert result.mu.side is Side.UPPER
        assert Fraction(result.mu.value) >= width / s


def test_the_scale_may_stand_where_a_theorem_asks_for_a_lower_bound() -> None:
    result = solve("sigma")
    with pytest.raises(WrongSide):
        derive("gaussian.mu", sensitivity=result.sensitivity, sigma=result.sigma)
    assert derive("gaussian.mu", sensitivity=result.sensitivity, sigma=result.scale).value == result.mu.value


def test_a_bound_keeps_its_derivation_and_must_fit_its_side() -> None:
    width = derive("output.residual", residual=Bound(1e-9, Side.UPPER), strong_convexity=0.5)
    assert noise(epsilon=1, delta="1e-5", sensitivity=width).sensitivity is width
    for name, wrong in (("sensitivity", Side.LOWER), ("sigma", Side.UPPER), ("epsilon", Side.UPPER), ("delta", Side.LOWER)):
        other = "sigma" if name != "sigma" else "epsilon"
        with pytest.raises(InputError, match=name):
            solve(other, **{name: Bound(0.5, wrong)})
    with pytest.raises(InputError, match="finite"):
        solve("sigma", sensitivity=Bound(math.inf, Side.UPPER))


def test_the_classical_formula_is_an_estimate_that_says_where_it_is_valid() -> None:
    inside, outside = solve("sigma"), solve("sigma", epsilon=10)
    assert isinstance(inside.classical_sigma, Estimate)
    assert inside.classical_sigma.value / inside.sigma.value == pytest.approx(1.2987, rel=1e-3)
    assert "not a guarantee" not in str(inside)
    assert outside.classical_sigma is not None
    assert outside.classical_sigma.value < outside.sigma.value
    assert "not a guarantee" in str(outside)
    assert solve("sigma", epsilon=0).classical_sigma is None


def test_it_prints_the_answer_what_it_rests_on_and_the_premises() -> None:
    text = str(solve("sigma"))
    assert text.startswith("sigma = 0.07461263269631885 ")
    for part in ("gaussian.profile", "premises", "epsilon = 1", "delta = 1e-05", "sensitivity = 0.02", "classical"):
        assert part in text
    assert all(len(line) <= 130 for line in text.splitlines())


@given(st.floats(1e-8, 1e4), st.floats(1e-300, 0.9), st.floats(1e-6, 1e6))
def test_no_admissible_input_raises(epsilon: float, delta: float, sensitivity: float) -> None:
    result = noise(epsilon=epsilon, delta=delta, sensitivity=sensitivity)
    assert gaussian.satisfies(Fraction(epsilon), Fraction(delta), Fraction(sensitivity), Fraction(result.sigma.value))
    back = noise(delta=delta, sensitivity=sensitivity, sigma=result.sigma.value)
    assert back.epsilon.value <= epsilon


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "exactly three"),
        ({"epsilon": None, "delta": None}, "exactly three"),
        ({"sigma": None, "sensitivity": 0}, "sensitivity of 0"),
        ({"sigma": None, "sensitivity": "0.0"}, "sensitivity of 0"),
        ({"sigma": None, "sensitivity": -1}, "at least 0"),
        ({"sigma": None, "epsilon": "-1e-9"}, "at least 0"),
        ({"sigma": None, "delta": 0}, "strictly between"),
        ({"sigma": None, "delta": 1}, "strictly between"),
        ({"sigma": None, "delta": "nan"}, "finite"),
        ({"sigma": None, "epsilon": math.inf}, "finite"),
        ({"sigma": None, "epsilon": True}, "real number"),
        ({"sigma": None, "epsilon": "one"}, "finite number"),
        ({"sigma": None, "sensitivity": "1e400"}, "beyond the doubles"),
        ({"sigma": None, "delta": "1e-400"}, "beyond the doubles"),
        ({"epsilon": None, "sigma": 0}, "greater than 0"),
        ({"epsilon": None, "sigma": "1e-320"}, "largest double"),
        ({"sigma": None, "mechanism": "cauchy"}, "unknown mechanism"),
        ({"sigma": None, "sensitivity": "1.7e308"}, "largest double"),
        ({"sensitivity": None, "sigma": 5e-324, "epsilon": "1e-9"}, "least positive double"),
    ],
)
def test_bad_input_is_one_clear_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        noise(**{**GIVEN, **changes})
    assert "\n" not in str(caught.value)
