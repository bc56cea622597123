"""Profiles and conversions against real pairs of laws at 160 digits: never below the truth, and as near as their theorem allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath
import privacy_truths as truths
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certify
from certify.accounting import (
    ApproximatePrivacy,
    ConcentratedPrivacy,
    CurvePrivacy,
    GaussianPrivacy,
    Privacy,
    RenyiPrivacy,
    SampledGaussianPrivacy,
    convert,
    privacy_of,
    total_variation,
    with_failure,
)
from certify.accounting.reading import to_data
from certify.bounds.bound import Bound
from certify.bounds.evidence import Enclosed
from certify.errors import InputError
from certify.guarantee import Direction
from certify.proofs.sides import Side

SETTINGS = settings(max_examples=40, deadline=None)
mus = st.fractions(Fraction(1, 1000), Fraction(6), max_denominator=10**6)
epsilons = st.fractions(0, 12, max_denominator=10**4)
deltas = st.integers(1, 60).flatmap(lambda power: st.integers(1, 9).map(lambda digit: Fraction(digit, 10**power)))


def renyi_of(mu: Fraction, scale: Fraction = Fraction(1)) -> RenyiPrivacy:
    return RenyiPrivacy.of(
        [(order, scale * order * mu**2 / 2) for order in (Fraction(3, 2), Fraction(2), Fraction(5), Fraction(20))]
    )


KINDS: dict[str, Callable[[Fraction], Privacy]] = {
    "gaussian": GaussianPrivacy.of,
    "zcdp": lambda mu: ConcentratedPrivacy.of(mu**2 / 2),
    "renyi": renyi_of,
    "curve": lambda mu: CurvePrivacy(GaussianPrivacy.of(mu).delta, "gaussian.profile"),
    "failing": lambda mu: with_failure(GaussianPrivacy.of(mu), "1e-70"),
    "sampled": lambda mu: SampledGaussianPrivacy.of(1, 1 / mu, 1),
}
"""Profiles that are all true of N(mu, 1) and N(0, 1)."""

WRONG: dict[str, Callable[[Fraction], Privacy]] = {
    "half of rho": lambda mu: ConcentratedPrivacy.of(mu**2 / 4),
    "the divergence of order one": lambda mu: RenyiPrivacy.of([(order, mu**2 / 2) for order in (2, 8, 32)]),
    "mu too small": lambda mu: GaussianPrivacy.of(mu * (1 - Fraction(1, 10**12))),
    "delta without its factor": lambda mu: CurvePrivacy(
        lambda epsilon: Bound(GaussianPrivacy.of(mu).delta(epsilon).value * (1 - 1e-9), Side.UPPER, Enclosed("wrong")), "wrong"
    ),
}


def check_above(profile: Privacy, mu: Fraction, epsilon: Fraction, delta: Fraction) -> None:
    """The profile lies at or above that of N(mu, 1) and N(0, 1), read both ways."""
    with mpmath.workdps(truths.DIGITS):
        assert truths.real(profile.delta(epsilon).rational) >= truths.gaussian_delta(mu**2, epsilon)
        found = profile.epsilon(delta)
        if found.value < math.inf:
            assert truths.gaussian_delta(mu**2, found.rational) <= truths.real(delta)


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(mus, epsilons, deltas)
def test_no_kind_is_ever_below_the_truth(kind: str, mu: Fraction, epsilon: Fraction, delta: Fraction) -> None:
    check_above(KINDS[kind](mu), mu, epsilon, delta)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_formula_is_noticed(name: str) -> None:
    def check() -> None:
        for mu in (Fraction(1, 2), Fraction(1), Fraction(4)):
            for epsilon in (Fraction(1, 10), Fraction(1), Fraction(5)):
                check_above(WRONG[name](mu), mu, epsilon, Fraction(1, 10**5))

    with pytest.raises(AssertionError):
        check()


# ---------------------------------------------------------------- each kind is as sharp as its formula


@SETTINGS
@given(mus, epsilons)
def test_the_gaussian_delta_is_exact_to_an_ulp(mu: Fraction, epsilon: Fraction) -> None:
    truth, found = truths.gaussian_delta(mu**2, epsilon), GaussianPrivacy.of(mu).delta(epsilon).value
    if truth > 1e-300:
        assert found <= float(truth) * (1 + 1e-15)


@SETTINGS
@given(mus, deltas)
def test_the_gaussian_epsilon_is_the_least_double(mu: Fraction, delta: Fraction) -> None:
    found = GaussianPrivacy.of(mu).epsilon(delta).value
    with mpmath.workdps(truths.DIGITS):
        if found > 0:
            less = Fraction(math.nextafter(found, 0))
            assert truths.gaussian_delta(mu**2, less) > truths.real(delta) * (1 - mpmath.mpf(10) ** -60)


@SETTINGS
@given(st.fractions(Fraction(1, 10**6), 20, max_denominator=10**8), deltas, epsilons)
def test_zcdp_is_within_1e12_of_the_best_order(rho: Fraction, delta: Fraction, epsilon: Fraction) -> None:
    profile = ConcentratedPrivacy.of(rho)
    best = max(truths.concentrated_epsilon(rho, delta), mpmath.mpf(0))
    found = profile.epsilon(delta).value
    assert best * (1 - mpmath.mpf(10) ** -25) <= found <= best * (1 + 1e-12) + 1e-15
    slack, least = profile.delta(epsilon).value, truths.concentrated_delta(rho, epsilon)
    assert least * (1 - mpmath.mpf(10) ** -25) <= slack
    if least > 1e-290:
        assert slack <= float(least) * (1 + 1e-9)


@SETTINGS
@given(
    st.dictionaries(
        st.fractions(Fraction(11, 10), 60, max_denominator=50), st.fractions(0, 20, max_denominator=1000), min_size=1, max_size=6
    ),
    deltas,
    epsilons,
)
def test_a_renyi_curve_is_its_best_order(points: dict[Fraction, Fraction], delta: Fraction, epsilon: Fraction) -> None:
    profile = RenyiPrivacy.of(points)
    best, slack = truths.renyi_epsilon(points, delta), truths.renyi_delta(points, epsilon)
    with mpmath.workdps(60):
        assert best <= truths.real(profile.epsilon(delta).rational) <= best * (1 + mpmath.mpf(10) ** -14) + mpmath.mpf(10) ** -14
        found = truths.real(profile.delta(epsilon).rational)
        assert slack <= found
        assert slack < 1e-290 or found <= slack * (1 + mpmath.mpf(10) ** -11)


@SETTINGS
@given(
    st.fractions(Fraction(1, 100), 12, max_denominator=1000), st.fractions(0, Fraction(1, 2), max_denominator=10**6), st.data()
)
def test_a_pair_is_attained_by_randomised_response(epsilon: Fraction, delta: Fraction, data: st.DataObject) -> None:
    profile = ApproximatePrivacy.of(epsilon, delta)
    asked = data.draw(st.fractions(0, epsilon, max_denominator=10**4))
    above = delta + (1 - delta) * data.draw(st.fractions(0, Fraction(9, 10), max_denominator=1000))
    with mpmath.workdps(truths.DIGITS):
        rounding = mpmath.mpf(10) ** -150
        truth = truths.response_delta(epsilon, delta, asked)
        found = truths.real(profile.delta(asked).rational)
        assert truth - rounding <= found <= truth * (1 + mpmath.mpf(10) ** -14) + rounding
        if above > 0:
            least = profile.epsilon(above)
            assert truths.response_delta(epsilon, delta, least.rational) <= truths.real(above) + rounding
            if 0 < least.value < float(epsilon):
                assert truths.response_delta(epsilon, delta, least.rational * (1 - Fraction(1, 10**10))) > truths.real(above)


def test_a_pair_says_nothing_below_its_delta_and_little_one_way() -> None:
    pair = ApproximatePrivacy.of(1, "1e-5")
    assert pair.epsilon("9e-6").value == math.inf
    assert pair.epsilon("1e-5") == pair.known_epsilon
    one_way = ApproximatePrivacy.of(1, "1e-5", Direction.ONE_WAY)
    assert one_way.delta("0.9").value == 1
    assert one_way.epsilon("0.5").value == 1


# ---------------------------------------------------------------- laws


@pytest.mark.parametrize("kind", [*KINDS, "approximate"])
@SETTINGS
@given(mus, epsilons, epsilons, deltas, deltas)
def test_every_profile_decreases(kind: str, mu: Fraction, one: Fraction, two: Fraction, less: Fraction, more: Fraction) -> None:
    profile = KINDS[kind](mu) if kind in KINDS else ApproximatePrivacy.of(mu, "1e-9")
    (low, high), (less, more) = sorted((one, two)), sorted((less, more))
    assert profile.delta(high).value <= profile.delta(low).value * (1 + 1e-9)
    assert profile.epsilon(more).value <= profile.epsilon(less).value * (1 + 1e-12)


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(mus, deltas)
def test_delta_at_epsilon_is_at_most_delta(kind: str, mu: Fraction, delta: Fraction) -> None:
    """There and back again loses nothing on the unsafe side, and little on the other."""
    profile = KINDS[kind](mu)
    found = profile.epsilon(delta)
    if found.value < math.inf:
        assert profile.delta(found.rational).value <= float(delta) * (1 + 1e-9)


@SETTINGS
@given(mus, st.fractions(Fraction(1, 1000), 1000, max_denominator=1000), deltas)
def test_only_the_ratio_of_sensitivity_and_sigma_matters(mu: Fraction, scale: Fraction, delta: Fraction) -> None:
    alike = [privacy_of({"mechanism": "gaussian", "sigma": s / mu, "sensitivity": s}) for s in (Fraction(1), scale)]
    assert alike[0] == alike[1]
    assert alike[0].epsilon(delta) == GaussianPrivacy.of(mu).epsilon(delta)


@SETTINGS
@given(mus)
def test_more_noise_is_more_privacy_in_every_kind(mu: Fraction) -> None:
    for kind, make in KINDS.items():
        assert make(mu).epsilon("1e-6").value <= make(mu * Fraction(101, 100)).epsilon("1e-6").value, kind


# ---------------------------------------------------------------- conversions


@SETTINGS
@given(mus, deltas)
def test_conversions_lose_on_the_safe_side_only_and_within_the_known_gap(mu: Fraction, delta: Fraction) -> None:
    """exact <= through zCDP <= through its orders <= the closed form of Bun and Steinke where the order is near."""
    gaussian = GaussianPrivacy.of(mu)
    exact = truths.gaussian_epsilon(mu**2, delta)
    direct = convert(gaussian, to="approximate", delta=delta).epsilon
    zcdp = convert(gaussian, to="zcdp")
    through = convert(zcdp, to="approximate", delta=delta).epsilon
    orders = convert(convert(gaussian, to="renyi"), to="approximate", delta=delta).epsilon
    assert direct is not None and through is not None and orders is not None and zcdp.rho is not None
    assert zcdp.rho.rational == mu**2 / 2
    with mpmath.workdps(60):
        closed = truths.real(mu**2 / 2) + 2 * mpmath.sqrt(truths.real(mu**2 / 2) * -mpmath.log(truths.real(delta)))
        assert (
            exact
            <= direct.value
            <= through.value
            <= min(closed * (1 + mpmath.mpf(10) ** -13), orders.value * (1 + 1e-12) + 1e-12)
        )
        assert direct.value <= float(exact) * (1 + 1e-15) + 1e-300


@pytest.mark.parametrize(("mu", "delta", "exact", "sharp"), [(1, "1e-5", 4.377178095681225, 4.728)])
def test_the_published_gap(mu: int, delta: str, exact: float, sharp: float) -> None:
    gaussian = GaussianPrivacy.of(mu)
    assert convert(gaussian, to="approximate", delta=delta).epsilon == Bound(exact, Side.UPPER)
    found = convert(convert(gaussian, to="zcdp"), to="approximate", delta=delta).epsilon
    assert found is not None and found.value == pytest.approx(sharp, abs=5e-4)


@SETTINGS
@given(mus, epsilons)
def test_a_conversion_at_epsilon_is_the_profile(mu: Fraction, epsilon: Fraction) -> None:
    for kind, make in KINDS.items():
        profile = make(mu)
        if profile.delta(epsilon).value < 1:
            converted = convert(profile, to="approximate", epsilon=epsilon)
            assert converted.delta == profile.delta(epsilon), kind
            assert converted.privacy is not None and converted.privacy.delta(epsilon) == converted.delta


@pytest.mark.parametrize(
    ("source", "to", "reason"),
    [
        (ApproximatePrivacy.of(1, "1e-5"), "gaussian", "gives everything away with probability delta"),
        (ApproximatePrivacy.of(1, "1e-5"), "zcdp", "every Rényi divergence is infinite"),
        (ApproximatePrivacy.of(1, "1e-5"), "renyi", "every Rényi divergence is infinite"),
        (ConcentratedPrivacy.of(1), "gaussian", "the discrete Gaussian is zCDP"),
        (renyi_of(Fraction(1)), "gaussian", "do not bound the trade-off curve"),
        (renyi_of(Fraction(1)), "zcdp", "every order above one"),
        (KINDS["curve"](Fraction(1)), "renyi", "bounds no moments"),
        (SampledGaussianPrivacy.of("0.1", 1, 10), "zcdp", "whole Rényi order"),
    ],
)
def test_what_does_not_follow_is_refused_with_the_reason(source: Privacy, to: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refusal:
        convert(source, to=to)
    assert "\n" not in str(refusal.value)


def test_the_reasons_are_true() -> None:
    """A law that reveals all with probability delta keeps its pair, and no Gaussian parameter and no Rényi bound fits it."""
    epsilon, reveal = Fraction(1), Fraction(1, 10**5)
    for mu in (1, 5, 20):  # at an epsilon far out the pair's law still has delta; the Gaussian one has less
        far = Fraction(mu * mu * 4 + 20 * mu)
        with mpmath.workdps(truths.DIGITS):
            assert truths.response_delta(epsilon, reveal, far) >= truths.real(reveal)
            assert truths.gaussian_delta(Fraction(mu**2), far) < truths.real(reveal) / 2


@SETTINGS
@given(st.fractions(Fraction(1, 1000), 4, max_denominator=1000), st.integers(2, 30))
def test_a_pure_epsilon_is_concentrated_and_randomised_response_nearly_attains_it(epsilon: Fraction, order: int) -> None:
    pure = ApproximatePrivacy.of(epsilon, 0)
    zcdp, curve = convert(pure, to="zcdp"), convert(pure, to="renyi", orders=[order])
    assert zcdp.theorem == curve.theorem == "zcdp.pure"
    assert zcdp.rho is not None and zcdp.rho.rational == epsilon**2 / 2
    with mpmath.workdps(60):
        e, a = truths.real(epsilon), mpmath.mpf(order)
        moment = (mpmath.exp(a * e) + mpmath.exp((1 - a) * e)) / (1 + mpmath.exp(e))
        truth = mpmath.log(moment) / (a - 1)
        found = truths.real(curve.points[0][1].rational)
        assert truth <= found
        if epsilon * order < Fraction(1, 10):
            assert found <= truth * (1 + mpmath.mpf(1) / 100)
    for one_way_or_revealing in (ApproximatePrivacy.of(epsilon, 0, Direction.ONE_WAY), ApproximatePrivacy.of(epsilon, "1e-300")):
        for to in ("zcdp", "renyi"):
            with pytest.raises(InputError):
                convert(one_way_or_revealing, to=to)
    with pytest.raises(InputError, match="from a pure epsilon to a Gaussian"):
        convert(pure, to="gaussian")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to": "approximate"}, "needs delta or epsilon"),
        ({"to": "approximate", "delta": "1e-5", "epsilon": 1}, "not both"),
        ({"to": "approximate", "delta": 2}, "strictly between 0 and 1"),
        ({"to": "approximate", "delta": math.nan}, "finite"),
        ({"to": "approximate", "epsilon": -1}, "at least 0"),
        ({"to": "gaussian", "delta": "1e-5"}, "takes no epsilon and no delta"),
        ({"to": "zcdp", "orders": [2]}, "takes no orders"),
        ({"to": "renyi", "orders": [1]}, "greater than 1"),
        ({"to": "renyi", "orders": [math.inf]}, "finite"),
        ({"to": "pure"}, "unknown kind"),
    ],
)
def test_bad_questions_get_one_line(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        convert(GaussianPrivacy.of(1), **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GaussianPrivacy.of(-1),
        lambda: GaussianPrivacy.of(math.inf),
        lambda: GaussianPrivacy.of(Bound(1.0, Side.LOWER)),
        lambda: GaussianPrivacy(Bound(1.0, Side.LOWER)),
        lambda: GaussianPrivacy.from_square(Fraction(-1)),
        lambda: ConcentratedPrivacy(Bound(-1.0, Side.UPPER)),
        lambda: RenyiPrivacy(((Fraction(2), Bound(1.0, Side.LOWER)),)),
        lambda: ApproximatePrivacy(Bound(math.inf, Side.UPPER), Bound(0.1, Side.UPPER)),
        lambda: ConcentratedPrivacy.of("x"),
        lambda: RenyiPrivacy.of({}),
        lambda: RenyiPrivacy.of({1: 1}),
        lambda: RenyiPrivacy.of({2: -1}),
        lambda: ApproximatePrivacy.of(1, 1),
        lambda: ApproximatePrivacy.of(1, "1.5"),
        lambda: SampledGaussianPrivacy.of(0, 1, 1),
        lambda: SampledGaussianPrivacy.of("1.1", 1, 1),
        lambda: SampledGaussianPrivacy.of("0.1", 0, 1),
        lambda: SampledGaussianPrivacy.of("0.1", 1, "1.5"),
        lambda: GaussianPrivacy.of(1).delta(-1),
        lambda: GaussianPrivacy.of(1).epsilon(0),
        lambda: GaussianPrivacy.of(1).epsilon(Bound(0.1, Side.UPPER)),
        lambda: with_failure(GaussianPrivacy.of(1), 1),
        lambda: CurvePrivacy(lambda epsilon: Bound(0.1, Side.LOWER), "on the wrong side").delta(1),
        lambda: privacy_of(3),  # type: ignore[arg-type]
    ],
)
def test_numbers_that_promise_nothing_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(InputError) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_guarantees_and_noises_are_read() -> None:
    noise = certify.noise(epsilon=1, delta="1e-5", sensitivity="0.02")
    assert privacy_of(noise).epsilon("1e-5").value <= 1
    guarantee = certify.Guarantee.of({"notion": "SEKHARI", "epsilon": 2, "delta": "1e-5"})
    assert isinstance(privacy_of(guarantee), ApproximatePrivacy)
    gaussian = certify.Guarantee.of({"notion": "SEKHARI", "epsilon": 2, "delta": "1e-5", "mu": "0.25", "direction": "one-way"})
    converted = certify.convert(gaussian, to="approximate", delta="1e-6")
    assert converted.guarantee is not None
    assert converted.guarantee.notion is gaussian.notion
    assert converted.guarantee.direction is Direction.ONE_WAY
    assert converted.guarantee.epsilon == GaussianPrivacy.of("0.25").epsilon("1e-6")


def test_mechanisms_are_read_in_the_currency_that_composes() -> None:
    from certify.mechanisms import DiscreteGaussianMechanism, GaussianMechanism, LaplaceMechanism

    assert privacy_of(GaussianMechanism.of(sensitivity=1, sigma=2)) == GaussianPrivacy.of("0.5")
    concentrated = privacy_of(DiscreteGaussianMechanism.of(sensitivity=1, sigma=2))
    assert isinstance(concentrated, ConcentratedPrivacy)
    assert (concentrated.rho.value, concentrated.rho.side) == (0.125, Side.UPPER)
    laplace = privacy_of(LaplaceMechanism.of(sensitivity=1, scale=2))
    assert isinstance(laplace, ApproximatePrivacy)
    assert laplace.known_epsilon.value == 0.5 and laplace.known_delta.value == 0
    assert privacy_of({"mechanism": "laplace", "scale": 2, "sensitivity": 1}) == laplace
    for mechanism, kind in (("discrete-gaussian", "zcdp"), ("gaussian", "gaussian")):
        assert privacy_of({"mechanism": mechanism, "sigma": 2, "sensitivity": 1}).kind == kind


@pytest.mark.parametrize("kind", ["gaussian", "zcdp", "renyi", "sampled"])
@SETTINGS
@given(mus)
def test_a_profile_reads_back_as_it_was_written(kind: str, mu: Fraction) -> None:
    profile = KINDS[kind](mu)
    assert privacy_of(to_data(profile)) == profile


# ---------------------------------------------------------------- the best attack


@SETTINGS
@given(mus)
def test_the_advantage_of_the_best_attack(mu: Fraction) -> None:
    with mpmath.workdps(60):
        truth = mpmath.erf(truths.real(mu) / (2 * mpmath.sqrt(2)))
    advantage = convert(GaussianPrivacy.of(mu), to="total-variation").advantage
    assert advantage is not None
    assert truth <= advantage.value <= float(truth) * (1 + 1e-14)
    for make in KINDS.values():
        assert total_variation(make(mu))[1].value >= float(truth) * (1 - 1e-15)


def test_the_advantage_against_a_pair() -> None:
    advantage = convert(ApproximatePrivacy.of(1, "1e-3"), to="total-variation").advantage
    assert advantage is not None
    assert advantage.value == pytest.approx(float(truths.response_delta(Fraction(1), Fraction(1, 1000), Fraction(0))), rel=1e-14)
    assert total_variation(ApproximatePrivacy.of(1, "1e-3", Direction.ONE_WAY))[1].value == 1
