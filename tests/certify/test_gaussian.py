"""The Gaussian kernel against a reference that shares nothing with it: mpmath at 160 digits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import mpmath
import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from certify import gaussian
from certify.errors import InputError

DIGITS = 160
ONE = Fraction(1)


def reference_delta(epsilon: Fraction, mu: Fraction) -> mpmath.mpf:
    """Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu) to 160 digits: guard digits cover the cancellation."""
    guard = 60 + abs(int(math.log10(mu))) + 2 * int(math.log10(1 + epsilon))
    with mpmath.workdps(DIGITS + guard):
        slope, half, root = number(epsilon / mu), number(mu / 2), mpmath.sqrt(2)
        return (mpmath.erfc((slope - half) / root) - mpmath.exp(number(epsilon)) * mpmath.erfc((slope + half) / root)) / 2


def number(fraction: Fraction) -> mpmath.mpf:
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def exceeds(epsilon: Fraction, limit: Fraction, mu: Fraction) -> bool:
    """Whether the true delta is greater than ``limit``; refuses to decide within the rounding of the reference."""
    value = reference_delta(epsilon, mu)
    with mpmath.workdps(DIGITS + 60):
        bound = number(limit)
        assert abs(value - bound) > bound * mpmath.mpf(10) ** (20 - DIGITS), "the reference cannot decide"
        return bool(value > bound)


def step(value: float, count: int) -> float:
    for _ in range(abs(count)):
        value = math.nextafter(value, math.inf if count > 0 else 0.0)
    return value


EPSILONS = ["1e-8", "3e-6", "1e-3", "0.1", "1", "7.5", "60", "700", "1e4"]
DELTAS = ["0.9", "0.5", "0.01", "1e-5", "1e-12", "1e-50", "1e-300"]
GRID = [(Fraction(e), Fraction(d)) for e in EPSILONS for d in DELTAS]

decades = st.tuples(st.floats(-8, 4), st.floats(-300, math.log10(0.9)), st.floats(-12, 12))


@pytest.mark.parametrize(("epsilon", "delta"), GRID)
def test_sigma_is_never_below_the_truth_and_the_double_below_it_is(epsilon: Fraction, delta: Fraction) -> None:
    sigma = gaussian.least_sigma(epsilon, delta, ONE)
    assert not exceeds(epsilon, delta, 1 / Fraction(sigma))
    assert exceeds(epsilon, delta, 1 / Fraction(step(sigma, -1)))


@pytest.mark.parametrize(("epsilon", "delta"), GRID[::3])
def test_sensitivity_is_never_above_the_truth_and_the_double_above_it_is(epsilon: Fraction, delta: Fraction) -> None:
    sensitivity = gaussian.greatest_sensitivity(epsilon, delta, ONE)
    assert not exceeds(epsilon, delta, Fraction(sensitivity))
    assert exceeds(epsilon, delta, Fraction(step(sensitivity, 1)))


@pytest.mark.parametrize("mu", ["1e-6", "0.003", "0.27", "1", "5", "141"])
@pytest.mark.parametrize("delta", DELTAS)
def test_epsilon_is_never_below_the_truth_and_the_double_below_it_is(mu: str, delta: str) -> None:
    limit, width = Fraction(delta), Fraction(mu)
    epsilon = gaussian.least_epsilon(limit, width, ONE)
    assert not exceeds(Fraction(epsilon), limit, width)
    assert epsilon == 0 or exceeds(Fraction(step(epsilon, -1)), limit, width)


@given(decades)
@settings(max_examples=60)
def test_sigma_is_safe_and_least_at_random_exact_inputs(powers: tuple[float, float, float]) -> None:
    epsilon, delta, width = (Fraction(10.0**power) for power in powers)
    sigma = gaussian.least_sigma(epsilon, delta, width)
    assert not exceeds(epsilon, delta, width / Fraction(sigma))
    assert exceeds(epsilon, delta, width / Fraction(step(sigma, -1)))


@given(st.floats(-8, 3), st.floats(-300, math.log10(0.9)))
@settings(max_examples=40)
def test_epsilon_is_safe_and_least_at_random_exact_inputs(power: float, tail: float) -> None:
    width, delta = Fraction(10.0**power), Fraction(10.0**tail)
    epsilon = gaussian.least_epsilon(delta, width, ONE)
    assert not exceeds(Fraction(epsilon), delta, width)
    assert epsilon == 0 or exceeds(Fraction(step(epsilon, -1)), delta, width)


@pytest.mark.slow
@given(decades)
@settings(max_examples=3000)
def test_sigma_is_safe_and_least_on_a_long_random_run(powers: tuple[float, float, float]) -> None:
    epsilon, delta, width = (Fraction(10.0**power) for power in powers)
    sigma = gaussian.least_sigma(epsilon, delta, width)
    assert not exceeds(epsilon, delta, width / Fraction(sigma))
    assert exceeds(epsilon, delta, width / Fraction(step(sigma, -1)))


@pytest.mark.parametrize(("epsilon", "delta"), GRID[::4])
def test_delta_is_never_below_the_truth_and_at_most_one_double_above(epsilon: Fraction, delta: Fraction) -> None:
    sigma = Fraction(gaussian.least_sigma(epsilon, delta, ONE)) * Fraction(9, 10)
    value = gaussian.delta_upper(epsilon, ONE, sigma)
    truth = reference_delta(epsilon, 1 / sigma)
    assert mpmath.mpf(value) >= truth
    assert mpmath.mpf(step(value, -2)) < truth


def test_a_delta_below_the_least_double_rounds_up_to_it() -> None:
    assert gaussian.delta_upper(ONE, ONE, Fraction(100)) == 5e-324
    assert gaussian.delta_upper(ONE, Fraction(5e-324), Fraction(1e300)) == 5e-324


def test_a_delta_near_one_stays_at_most_one() -> None:
    assert gaussian.delta_upper(Fraction(0), Fraction(10**6), ONE) == 1.0


def test_zero_sensitivity_leaks_nothing() -> None:
    assert gaussian.delta_upper(ONE, Fraction(0), ONE) == 0.0
    assert gaussian.least_epsilon(Fraction(1, 100), Fraction(0), ONE) == 0.0
    assert gaussian.satisfies(ONE, Fraction(0), Fraction(0), ONE)


def test_zero_epsilon_is_total_variation() -> None:
    sigma = gaussian.least_sigma(Fraction(0), Fraction(1, 2), ONE)
    assert sigma == pytest.approx(1 / (2 * 0.6744897501960817), rel=1e-14)
    assert gaussian.least_epsilon(Fraction(1, 2), ONE, Fraction(sigma)) == 0.0


def test_the_quoted_multiplier_is_refused() -> None:
    """Negative control: 3.7306 is the multiplier for (1, 1e-5) as printed, rounded down, and too small."""
    delta = Fraction(1, 10**5)
    assert not gaussian.satisfies(ONE, delta, ONE, Fraction("3.7306"))
    assert gaussian.satisfies(ONE, delta, ONE, Fraction("3.7307"))


def test_one_ulp_too_little_noise_is_refused() -> None:
    delta = Fraction(1, 10**5)
    sigma = gaussian.least_sigma(ONE, delta, ONE)
    assert gaussian.satisfies(ONE, delta, ONE, Fraction(sigma))
    assert not gaussian.satisfies(ONE, delta, ONE, Fraction(step(sigma, -1)))


def test_a_float_calibration_is_unsafe_where_the_kernel_is_not() -> None:
    """Negative control on the method: the reference does find unsafe answers of an uncertified calibration."""
    peer = pytest.importorskip("dp_accounting.dp_event")
    assert peer
    from dp_accounting.gaussian_mechanism import get_sigma_gaussian

    unsafe = 0
    for epsilon, delta in [
        (1.0, 1e-5),
        (0.1, 1e-8),
        (0.5, 1e-6),
        (2.0, 1e-10),
        (4.0, 1e-3),
        (10.0, 1e-12),
        (1e-8, 1e-300),
        (0.01, 1e-9),
    ]:
        sigma = get_sigma_gaussian(epsilon, delta)
        unsafe += not gaussian.satisfies(Fraction(epsilon), Fraction(delta), ONE, Fraction(sigma))
    assert unsafe > 0


@given(decades, st.integers(-40, 40))
def test_a_power_of_two_scales_sigma_exactly(powers: tuple[float, float, float], shift: int) -> None:
    epsilon, delta, width = (Fraction(10.0**power) for power in powers)
    scaled = gaussian.least_sigma(epsilon, delta, width * Fraction(2) ** shift)
    assert scaled == math.ldexp(gaussian.least_sigma(epsilon, delta, width), shift)


@given(decades, st.floats(1.0001, 10))
def test_sigma_increases_in_sensitivity_and_decreases_in_epsilon_and_delta(
    powers: tuple[float, float, float], factor: float
) -> None:
    epsilon, delta, width = (Fraction(10.0**power) for power in powers)
    sigma = gaussian.least_sigma(epsilon, delta, width)
    assert gaussian.least_sigma(epsilon, delta, width * Fraction(factor)) > sigma
    assert gaussian.least_sigma(epsilon * Fraction(factor), delta, width) <= sigma
    assert gaussian.least_sigma(epsilon, min(delta * Fraction(factor), Fraction(19, 20)), width) <= sigma


@given(decades)
def test_the_inverses_agree_with_each_other(powers: tuple[float, float, float]) -> None:
    epsilon, delta, width = (Fraction(10.0**power) for power in powers)
    sigma = Fraction(gaussian.least_sigma(epsilon, delta, width))
    assert Fraction(gaussian.least_epsilon(delta, width, sigma)) <= Fraction(math.nextafter(float(epsilon), math.inf))
    assert Fraction(gaussian.greatest_sensitivity(epsilon, delta, sigma)) >= Fraction(math.nextafter(float(width), 0.0))
    assert Fraction(gaussian.delta_upper(epsilon, width, sigma)) <= Fraction(math.nextafter(float(delta), 1.0))


EXTREMES = [Fraction(5e-324), Fraction(1, 10**300), Fraction(1, 10**30), ONE, Fraction(10**30), Fraction(1.7976931348623157e308)]


@pytest.mark.parametrize("delta", [Fraction(5e-324), Fraction(1, 10**5), 1 - Fraction(1, 10**30)])
@pytest.mark.parametrize("width", EXTREMES)
def test_extreme_numbers_give_an_answer_or_one_clear_error(delta: Fraction, width: Fraction) -> None:
    for epsilon in (Fraction(0), *EXTREMES):
        for solve in (
            lambda e=epsilon: gaussian.least_sigma(e, delta, width),
            lambda e=epsilon: gaussian.greatest_sensitivity(e, delta, width),
            lambda: gaussian.least_epsilon(delta, width, ONE),
            lambda: gaussian.least_epsilon(delta, ONE, width),
            lambda e=epsilon: gaussian.delta_upper(e, width, ONE),
        ):
            assert outcome(solve)


def outcome(solve: Callable[[], float]) -> bool:
    """Whether the call gives a finite nonnegative double or the one error that says that no double can."""
    try:
        return 0 <= solve() < math.inf
    except gaussian.OutOfRange as error:
        return "double" in str(error)


def test_a_subnormal_sigma_is_still_safe_and_least() -> None:
    epsilon, delta, width = ONE, Fraction(1, 10**5), Fraction(5e-324)
    sigma = gaussian.least_sigma(epsilon, delta, width)
    assert not exceeds(epsilon, delta, width / Fraction(sigma))
    assert exceeds(epsilon, delta, width / Fraction(step(sigma, -1)))


@pytest.mark.parametrize("power", range(7, 19))
def test_large_epsilon_crosses_the_change_of_formula_without_a_jump(power: int) -> None:
    """Above 2**40 the second term is evaluated by Tricomi's function; both sides satisfy the reference."""
    epsilon, delta = Fraction(10) ** power + Fraction(1, 3), Fraction(1, 10**6)
    sigma = gaussian.least_sigma(epsilon, delta, ONE)
    assert not exceeds(epsilon, delta, 1 / Fraction(sigma))
    assert exceeds(epsilon, delta, 1 / Fraction(step(sigma, -1)))


def test_both_forms_of_the_far_tail_agree() -> None:
    from certify.proofs.balls import ball, precision

    for epsilon, mu in [(Fraction(1), Fraction(1, 3)), (Fraction(50), Fraction(9)), (Fraction(3, 10**6), Fraction(1, 10**4))]:
        inner, outer = mu / 2 - epsilon / mu, mu / 2 + epsilon / mu
        with precision(200):
            direct = gaussian._tails(ball(epsilon), ball(inner), ball(outer))[1]
            scaled = (ball(outer) ** 2 / 2).hypgeom_u(ball(Fraction(1, 2)), ball(Fraction(1, 2)))
            other = (-(ball(inner) ** 2) / 2).exp() * scaled / (2 * ball(1).pi().sqrt())
            assert direct.overlaps(other)
            assert other.rel_accuracy_bits() > 100


def test_the_working_precision_is_left_as_found() -> None:
    before = ctx.prec
    gaussian.least_sigma(Fraction(1, 10**8), Fraction(1, 10**300), ONE)
    gaussian.least_epsilon(Fraction(1, 10**300), ONE, ONE)
    with pytest.raises(InputError):
        gaussian.least_sigma(ONE, ONE, ONE)
    assert ctx.prec == before


@pytest.mark.parametrize(
    "call",
    [
        lambda: gaussian.least_sigma(-ONE, Fraction(1, 2), ONE),
        lambda: gaussian.least_sigma(ONE, Fraction(0), ONE),
        lambda: gaussian.least_sigma(ONE, ONE, ONE),
        lambda: gaussian.least_sigma(ONE, Fraction(1, 2), Fraction(0)),
        lambda: gaussian.least_epsilon(Fraction(1, 2), ONE, Fraction(0)),
        lambda: gaussian.greatest_sensitivity(ONE, Fraction(1, 2), -ONE),
        lambda: gaussian.delta_upper(-ONE, ONE, ONE),
        lambda: gaussian.satisfies(ONE, ONE, ONE, Fraction(0)),
    ],
)
def test_numbers_outside_the_domain_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        call()


def test_a_bad_proposal_costs_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = gaussian.least_sigma(ONE, Fraction(1, 10**5), ONE)
    for proposal in (0.0, 5e-324, 1.0, 1e300, math.inf):
        monkeypatch.setattr(gaussian, "_propose_mu", lambda *_, proposal=proposal: proposal)
        assert gaussian.least_sigma(ONE, Fraction(1, 10**5), ONE) == expected


def test_the_kernel_agrees_with_the_theorem_of_the_book() -> None:
    from certify.bounds import derive
    from certify.proofs import registry

    assert "gaussian.profile" in registry.theorems()
    random.seed(20)
    for _ in range(60):
        epsilon, mu = 10 ** random.uniform(-3, 2), 10 ** random.uniform(-1, 1)
        kernel = gaussian.delta_upper(Fraction(epsilon), Fraction(mu), ONE)
        book = derive("gaussian.profile", epsilon=epsilon, sensitivity=mu, sigma=1).value
        assert abs(kernel - book) <= 2 * math.ulp(max(kernel, book))
