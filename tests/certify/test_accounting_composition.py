"""Composition: exact sums, every order of the releases alike, the best currency, groups, third laws, and what may fail."""

from __future__ import annotations

import itertools
import json
import math
import random
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

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
    compose,
    group,
    read_composition,
    triangle,
    with_failure,
)
from certify.accounting.merging import repeated
from certify.errors import InputError
from certify.guarantee import Direction

SETTINGS = settings(max_examples=30, deadline=None)
mus = st.fractions(Fraction(1, 100), Fraction(2), max_denominator=10**4)
deltas = st.integers(2, 30).map(lambda power: Fraction(1, 10**power))


# ---------------------------------------------------------------- Gaussians, in closed form


def thousand(seed: int) -> tuple[list[certify.GaussianNoise], Fraction]:
    generator = random.Random(seed)
    noises = [certify.noise(sigma=math.sqrt(1000) * generator.uniform(0.7, 2), sensitivity=1, delta="1e-5") for _ in range(1000)]
    return noises, sum((1 / noise.sigma.rational**2 for noise in noises), Fraction(0))


@pytest.mark.parametrize("delta", ["1e-3", "1e-15", "1e-30"])
def test_a_thousand_gaussians_to_one_part_in_1e15(delta: str) -> None:
    noises, square = thousand(3)
    started = time.perf_counter()
    composed = compose(noises, delta=delta)
    assert time.perf_counter() - started < 0.5
    truth = truths.gaussian_epsilon(square, Fraction(delta))
    with mpmath.workdps(60):
        assert truth <= composed.epsilon.value <= truth * (1 + mpmath.mpf(10) ** -15)
        assert composed.mu is not None
        assert (
            mpmath.sqrt(truths.real(square))
            <= composed.mu.value
            <= mpmath.sqrt(truths.real(square)) * (1 + mpmath.mpf(10) ** -15)
        )
    assert composed.currency == "gaussian" and composed.direction is Direction.TWO_WAY


@SETTINGS
@given(st.lists(mus, min_size=1, max_size=12), deltas, st.randoms())
def test_gaussians_compose_in_any_order_and_in_any_groups(
    parameters: list[Fraction], delta: Fraction, generator: random.Random
) -> None:
    parts = [GaussianPrivacy.of(mu) for mu in parameters]
    whole = compose(parts, delta=delta)
    shuffled = list(parts)
    generator.shuffle(shuffled)
    place = generator.randrange(len(parts))
    again = compose([compose(shuffled[:place], delta=delta), *shuffled[place:]] if place else shuffled, delta=delta)
    assert again.privacy == whole.privacy
    assert again.epsilon == whole.epsilon
    assert whole.privacy == GaussianPrivacy.from_square(sum((mu**2 for mu in parameters), Fraction(0)))
    assert whole.epsilon.value <= compose([*parts, GaussianPrivacy.of("0.1")], delta=delta).epsilon.value


@SETTINGS
@given(mus, st.integers(1, 50), deltas)
def test_k_alike_are_root_k_times_one(mu: Fraction, count: int, delta: Fraction) -> None:
    composed = compose([GaussianPrivacy.of(mu)] * count, delta=delta)
    assert composed.privacy == repeated(GaussianPrivacy.of(mu), count) == GaussianPrivacy.from_square(count * mu**2)


@pytest.mark.parametrize("wrong", [lambda parts: max(parts), lambda parts: math.sqrt(sum(parts))])
def test_a_wrong_rule_of_composition_is_noticed(wrong: Callable[[list[float]], float]) -> None:
    """The check above, applied to rules that are false, fails."""
    parts = [0.5, 0.5, 0.25]
    truth = truths.gaussian_delta(sum((Fraction(part) ** 2 for part in parts), Fraction(0)), Fraction(1))
    claimed = GaussianPrivacy.of(wrong(parts) if wrong(parts) < 0.7 else 0.6).delta(1)
    assert truth > claimed.value


# ---------------------------------------------------------------- the other kinds

REPEATABLE: dict[str, Callable[[Fraction], Privacy]] = {
    "zcdp": lambda x: ConcentratedPrivacy.of(x),
    "renyi": lambda x: RenyiPrivacy.of({2: x, 5: 3 * x, 17: 12 * x}),
    "approximate": lambda x: ApproximatePrivacy.of(x, x / 10**9),
    "sampled": lambda x: SampledGaussianPrivacy.of("0.01", 1 + x, 10),
}


@pytest.mark.parametrize("kind", REPEATABLE)
@settings(max_examples=8, deadline=None)
@given(st.lists(mus, min_size=2, max_size=5))
def test_every_kind_composes_alike_in_any_order_and_group(kind: str, numbers: list[Fraction]) -> None:
    parts = [REPEATABLE[kind](number) for number in numbers]
    whole = compose(parts, delta="1e-5").epsilon.value
    assert compose(parts[::-1], delta="1e-5").epsilon.value == pytest.approx(whole, rel=1e-9)
    if kind != "sampled":  # whose parts are written at fixed orders once they are composed
        nested = compose([compose(parts[:2], delta="1e-6" if kind != "approximate" else None), *parts[2:]], delta="1e-5")
        assert nested.epsilon.value == pytest.approx(whole, rel=1e-9)
    assert whole >= max(compose([part], delta="1e-5").epsilon.value for part in parts) * (1 - 1e-12)


@pytest.mark.parametrize("kind", REPEATABLE)
@SETTINGS
@given(mus, st.integers(2, 6))
def test_a_count_is_as_many_releases(kind: str, number: Fraction, count: int) -> None:
    part = REPEATABLE[kind](number)
    together = compose([part] * count, delta="1e-5").epsilon.value
    assert compose([repeated(part, count)], delta="1e-5").epsilon.value == pytest.approx(together, rel=1e-12)


@SETTINGS
@given(st.lists(st.tuples(mus, deltas), min_size=1, max_size=6))
def test_pairs_add_exactly(pairs: list[tuple[Fraction, Fraction]]) -> None:
    composed = compose([ApproximatePrivacy.of(epsilon, delta) for epsilon, delta in pairs])
    assert composed.epsilon.rational == sum(epsilon for epsilon, _ in pairs)
    assert composed.delta.rational == sum(delta for _, delta in pairs)


def heads_of(count: int, epsilon: Fraction, asked: Fraction) -> mpmath.mpf:
    """The exact delta at ``asked`` of that many randomised responses shown openly: the number of truths says all."""
    with mpmath.workdps(60):
        e = truths.real(epsilon)
        heads, total = mpmath.exp(e) / (1 + mpmath.exp(e)), mpmath.mpf(0)
        for truthful in range(count + 1):
            ways = mpmath.binomial(count, truthful)
            one, other = (ways * heads**k * (1 - heads) ** (count - k) for k in (truthful, count - truthful))
            total += max(one - mpmath.exp(truths.real(asked)) * other, mpmath.mpf(0))
        return total


@settings(max_examples=20, deadline=None)
@given(st.fractions(Fraction(1, 100), Fraction(1, 2), max_denominator=1000), st.integers(1, 60), st.integers(3, 12))
def test_many_pure_guarantees_are_composed_as_zcdp_where_that_is_better(epsilon: Fraction, count: int, power: int) -> None:
    """Never below the exact delta of as many randomised responses, and never above the sum."""
    delta = Fraction(1, 10**power)
    whole = compose([ApproximatePrivacy.of(epsilon, 0)] * count, delta=delta)
    assert whole.epsilon.rational <= count * epsilon
    with mpmath.workdps(60):
        assert heads_of(count, epsilon, whole.epsilon.rational) <= truths.real(delta)
    if whole.currency == "zcdp":
        assert [step.theorem for step in whole.steps] == ["zcdp.pure", "zcdp.composition", "zcdp.approximate"]


def test_a_delta_that_is_used_up_leaves_the_pure_guarantees_their_epsilon() -> None:
    pair, pure = ApproximatePrivacy.of(1, "1e-6"), ApproximatePrivacy.of("0.01", 0)
    assert compose([pair, *[pure] * 100], delta="1e-6").epsilon.value == 2
    assert compose([pair, *[pure] * 100], delta="1e-5").epsilon.value < 1.6


def test_a_thousand_laplace_releases_cost_a_tenth_of_their_sum() -> None:
    one = {"mechanism": "laplace", "scale": 100, "sensitivity": 1}
    whole = compose([one] * 1000, delta="1e-5")
    assert whole.currency == "zcdp" and whole.epsilon.value == pytest.approx(1.308, abs=0.001)
    with mpmath.workdps(60):  # half the parameter would promise what is false of randomised response
        half = ConcentratedPrivacy.of(Fraction(1000, 10**4) / 4).epsilon("1e-5").rational
        assert heads_of(1000, Fraction(1, 100), half) > truths.real(Fraction(1, 10**5))
    mixed = compose([*[one] * 1000, GaussianPrivacy.of("0.1"), ApproximatePrivacy.of("0.1", "1e-6")], delta="1e-5")
    assert whole.epsilon.value < mixed.epsilon.value < 2.2
    pair = compose([ApproximatePrivacy.of(1, 0, Direction.ONE_WAY)] * 100, delta="1e-5")
    assert pair.epsilon.value == 100  # one way nothing bounds the ratio from below, and only the sum is proved


def test_basic_composition_is_not_beaten_by_mistake() -> None:
    """Two randomised responses shown openly reach delta at the sum of the epsilons: nothing below it is claimed."""
    with mpmath.workdps(60):
        heads = mpmath.exp(1) / (1 + mpmath.exp(1))
        outcomes = list(itertools.product((heads, 1 - heads), repeat=2))
        slack = sum(max(a * b - mpmath.exp(mpmath.mpf("1.5")) * (1 - a) * (1 - b), mpmath.mpf(0)) for a, b in outcomes)
    composed = compose([ApproximatePrivacy.of(1, 0), ApproximatePrivacy.of(1, 0)], delta="1e-3")
    assert composed.privacy.delta("1.5").value >= slack


# ---------------------------------------------------------------- several kinds at once


@SETTINGS
@given(mus, mus, deltas)
def test_a_mix_is_never_worse_than_any_single_currency(mu: Fraction, other: Fraction, delta: Fraction) -> None:
    gaussian, zcdp = GaussianPrivacy.of(mu), ConcentratedPrivacy.of(other**2 / 2)
    mixed = compose([gaussian, zcdp], delta=delta).epsilon.value
    by_rho = compose([ConcentratedPrivacy.of(mu**2 / 2), zcdp], delta=delta).epsilon.value
    halves = sum(part.epsilon(delta / 2).value for part in (gaussian, zcdp))
    truth = truths.gaussian_epsilon(mu**2 + other**2, delta)
    assert truth <= mixed
    assert mixed <= by_rho * (1 + 1e-12)
    assert mixed <= halves * (1 + 1e-3)


def test_every_kind_at_once() -> None:
    parts: list[Privacy] = [
        GaussianPrivacy.of("0.5"),
        ConcentratedPrivacy.of("0.01"),
        RenyiPrivacy.of([(order, Fraction(order, 200)) for order in range(2, 40)]),
        SampledGaussianPrivacy.of("0.01", 1, 100),
        ApproximatePrivacy.of("0.1", "1e-7"),
        with_failure(GaussianPrivacy.of("0.1"), "1e-7"),
    ]
    started = time.perf_counter()
    composed = compose(parts, delta="1e-5")
    assert time.perf_counter() - started < 2
    assert composed.delta.rational == Fraction(1, 10**5)
    assert composed.privacy.delta(composed.epsilon.rational).at_most(Fraction(1, 10**5))
    assert composed.mu is None and composed.steps and "\n" in str(composed)
    alone = [compose([part], delta="1e-5").epsilon.value for part in parts]
    assert max(alone) < composed.epsilon.value < sum(part.epsilon("1.6e-6").value for part in parts)
    for left_out in range(len(parts)):
        fewer = compose([part for place, part in enumerate(parts) if place != left_out], delta="1e-5")
        assert fewer.epsilon.value < composed.epsilon.value * (1 + 1e-3)


def test_curves_that_share_no_order_are_priced_apart() -> None:
    first, second = RenyiPrivacy.of({2: "0.1"}), RenyiPrivacy.of({3: "0.1"})
    composed = compose([first, second], delta="1e-5")
    assert composed.currency == "approximate"
    assert composed.epsilon.value <= (first.epsilon("5e-6").value + second.epsilon("5e-6").value) * (1 + 1e-3)
    assert composed.privacy.kind == "approximate"


def test_a_composition_says_what_it_presumes() -> None:
    whole = compose([GaussianPrivacy.of("0.1")] * 2, delta="1e-5")
    assert "fixed without a look" in whole.premise
    assert f"premises  ! {whole.premise}" in str(whole)


def test_one_way_parts_make_one_way_wholes() -> None:
    one_way = GaussianPrivacy.of(1, Direction.ONE_WAY)
    for others in ([GaussianPrivacy.of(1)], [ConcentratedPrivacy.of(1)], [ApproximatePrivacy.of(1, "1e-9")]):
        assert compose([one_way, *others], delta="1e-5").direction is Direction.ONE_WAY


@pytest.mark.parametrize(
    ("parts", "delta", "words"),
    [
        ([], "1e-5", "at least one release"),
        ([GaussianPrivacy.of(1)], None, "needs delta"),
        ([GaussianPrivacy.of(1)], 0, "strictly between 0 and 1"),
        ([ApproximatePrivacy.of(1, "1e-5")] * 2, "1e-5", "add up to 2e-05 already"),
        ([ApproximatePrivacy.of(1, "1e-5"), GaussianPrivacy.of(1)], "1e-5", "ask for a delta above that"),
        ([ApproximatePrivacy.of(1, "0.6")] * 2, None, "promises nothing"),
        ([with_failure(GaussianPrivacy.of(1), "1e-4")], "1e-5", "nothing finite is known"),
        (["gaussian"], "1e-5", "not str"),
    ],
)
def test_what_cannot_be_composed_gets_one_line(parts: list[Privacy], delta: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        compose(parts, delta=delta)
    assert "\n" not in str(refusal.value)


# ---------------------------------------------------------------- groups, third laws, failures


@SETTINGS
@given(mus, st.integers(1, 20))
def test_a_group_pays_its_size_times_mu(mu: Fraction, members: int) -> None:
    assert group(GaussianPrivacy.of(mu), members) == GaussianPrivacy.of(members * mu)
    assert triangle(GaussianPrivacy.of(mu), GaussianPrivacy.of(members * mu)).delta(1).value >= GaussianPrivacy.of(
        (members + 1) * mu
    ).delta(1).value * (1 - 1e-12)


@SETTINGS
@given(st.fractions(Fraction(1, 100), 2, max_denominator=1000), st.integers(2, 6), st.integers(5, 12))
def test_a_group_of_a_pair_is_the_chain_of_randomised_responses(epsilon: Fraction, members: int, power: int) -> None:
    delta = Fraction(1, 10**power)
    together = group(ApproximatePrivacy.of(epsilon, delta), members)
    assert isinstance(together, ApproximatePrivacy)
    with mpmath.workdps(60):
        truth = sum(truths.real(delta) * mpmath.exp(k * truths.real(epsilon)) for k in range(members))
        assert truth * (1 - mpmath.mpf(10) ** -50) <= together.known_delta.value <= truth * (1 + mpmath.mpf(10) ** -14)
    assert together.known_epsilon.rational == members * epsilon
    assert group(ApproximatePrivacy.of(0, delta), members).delta(0).rational >= members * delta


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1000), st.integers(4, 12))
def test_at_epsilon_zero_a_group_pays_its_size_times_delta(members: int, power: int) -> None:
    """The total variation of the two ends of a chain is at most the sum, and a walk in one direction attains it."""
    delta = Fraction(1, 10**power)
    grown = group(ApproximatePrivacy.of(0, delta), members)
    assert isinstance(grown, ApproximatePrivacy)
    assert grown.known_epsilon.value == 0
    assert members * delta <= grown.known_delta.rational <= members * delta * (1 + Fraction(1, 10**14))


def test_a_group_that_is_promised_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="nothing is promised for a group of 1000000000"):
        group(ApproximatePrivacy.of(0, "0.5"), 10**9)


def test_a_group_needs_a_kind_that_has_a_theorem() -> None:
    with pytest.raises(InputError, match="convert to approximate"):
        group(ConcentratedPrivacy.of(1), 2)
    with pytest.raises(InputError, match="whole number of members"):
        group(GaussianPrivacy.of(1), "2.5")
    with pytest.raises(InputError, match="delta would be"):
        group(ApproximatePrivacy.of(5, "1e-3"), 4)


@SETTINGS
@given(mus, mus, st.integers(2, 9), st.integers(2, 9))
def test_the_weak_triangle_covers_three_gaussian_laws_in_a_row(one: Fraction, two: Fraction, b: int, c: int) -> None:
    first, second = (RenyiPrivacy.of([(order, order * mu**2 / 2)]) for order, mu in ((b, one), (c, two)))
    through = triangle(first, second)
    assert isinstance(through, RenyiPrivacy)
    ((order, bound),) = through.points
    assert order == Fraction(b * c, b + c - 1) > 1
    assert bound.rational >= order * (one + two) ** 2 / 2
    assert triangle(GaussianPrivacy.of(one), second).delta(1).value <= 1


def test_the_weak_triangle_is_attained() -> None:
    """By three Gaussian laws with the steps in the ratio that makes Hölder's inequality an equality."""
    b, c, one = Fraction(3), Fraction(2), Fraction(1)
    order = b * c / (b + c - 1)
    ratios = []
    for step in (Fraction(k, 100) for k in range(1, 400)):
        through = triangle(RenyiPrivacy.of([(b, b * one**2 / 2)]), RenyiPrivacy.of([(c, c * step**2 / 2)]))
        assert isinstance(through, RenyiPrivacy)
        ratios.append(through.points[0][1].rational / (order * (one + step) ** 2 / 2))
    assert 1 <= min(ratios) < Fraction(1001, 1000)


def test_triangles_of_pairs_take_the_worse_direction() -> None:
    through = triangle(ApproximatePrivacy.of(0, "0.25"), ApproximatePrivacy.of(1, 0))
    assert through.delta(1).value == pytest.approx(0.25 * math.e, rel=1e-15)
    with pytest.raises(InputError, match="convert both first"):
        triangle(GaussianPrivacy.of(1), ApproximatePrivacy.of(1, 0))
    with pytest.raises(InputError, match="at least 1"):
        triangle(ApproximatePrivacy.of(3, "0.25"), ApproximatePrivacy.of(3, "0.25"))


@SETTINGS
@given(mus, st.integers(3, 30), st.fractions(0, 4, max_denominator=100))
def test_a_failure_is_added_to_delta(mu: Fraction, power: int, epsilon: Fraction) -> None:
    failure = Fraction(1, 10**power)
    failing = with_failure(GaussianPrivacy.of(mu), failure)
    with mpmath.workdps(truths.DIGITS):
        truth = truths.gaussian_delta(mu**2, epsilon) + truths.real(failure)
        assert truth <= truths.real(failing.delta(epsilon).rational) <= truth * (1 + mpmath.mpf(10) ** -14)
    assert failing.epsilon(failure).value == math.inf
    least = failing.epsilon(2 * failure)
    assert least.value < math.inf
    assert failing.delta(least.rational).at_most(2 * failure)
    assert least.value == 0 or not failing.delta(Fraction(math.nextafter(least.value, 0))).at_most(2 * failure)


def test_a_curve_that_never_comes_down_has_no_epsilon() -> None:
    flat = CurvePrivacy(lambda epsilon: certify.Bound(0.5, certify.accounting.GaussianPrivacy.of(1).mu.side), "a flat curve")
    assert flat.epsilon("0.4").value == math.inf
    assert flat.epsilon("0.5").value == 0


# ---------------------------------------------------------------- files


def test_a_file_of_releases_is_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(
        '[{"mechanism": "gaussian", "sigma": 0.1, "sensitivity": "0.02", "count": 3, "name": "weekly"}, {"kind": "zcdp", "rho": 1e-3},'
        ' {"kind": "renyi", "points": [[2, "1/7"], ["2.5", 1]]}, {"kind": "approximate", "epsilon": 1, "delta": 1e-7},'
        ' {"notion": "SEKHARI", "epsilon": 1, "delta": "1e-6", "mu": "1/4"},'
        ' {"mechanism": "sampled-gaussian", "rate": 0.01, "noise_multiplier": 1, "steps": 1000}]',
        encoding="utf-8",
    )
    parts = read_composition(path)
    assert parts[0] == GaussianPrivacy.from_square(3 * Fraction(1, 25))
    assert isinstance(parts[1], ConcentratedPrivacy) and parts[1].rho.rational == Fraction(1, 1000)
    assert parts[2] == RenyiPrivacy.of({2: Fraction(1, 7), "2.5": 1})
    assert parts[3] == ApproximatePrivacy.of(1, "1e-7")
    assert parts[4] == GaussianPrivacy.of("0.25")
    assert parts[5] == SampledGaussianPrivacy.of("0.01", 1, 1000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no JSON"),
        ("{}", "no list of releases"),
        ("[]", "no list of releases"),
        ("[3]", "entry 1: a release is a mapping"),
        ('[{"kind": "zcdp", "rho": NaN}]', "NaN is no number"),
        ('[{"kind": "zcdp", "rho": -1}]', "entry 1: rho must be at least 0"),
        ('[{"kind": "zcdp", "rho": 1, "rho": 2}]', "occurs twice"),
        ('[{"kind": "zcdp"}]', "takes rho; here nothing"),
        ('[{"kind": "zcdp", "rho": 1, "sigma": 2}]', "takes rho; here rho, sigma"),
        ('[{"kind": "magic"}]', "names one of"),
        ('[{"mechanism": "gaussian", "kind": "zcdp"}]', "neither or both"),
        ('[{"mechanism": "gaussian", "sigma": 0, "sensitivity": 1}]', "sigma must be greater than 0"),
        ('[{"kind": "zcdp", "rho": 1, "count": 0}]', "count is a whole number"),
        ('[{"kind": "zcdp", "rho": 1, "count": "two"}]', "count must be a finite number"),
        ('[{"kind": "zcdp", "rho": 1, "direction": "both"}]', "two-way or one-way"),
        ('[{"kind": "zcdp", "rho": [1]}]', "rho must be a real number"),
        ('[{"kind": "renyi", "points": {"2": 1}}]', "points of a Rényi curve are a list"),
        ('[{"kind": "zcdp", "rho": 1' + "0" * 5000 + "}]", "too many digits"),
        ('[{"kind": ["zcdp"], "rho": 1}]', "names one of"),
    ],
)
def test_a_bad_file_gets_one_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "releases.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words) as refusal:
        read_composition(path)
    assert "\n" not in str(refusal.value)


def test_the_reader_takes_what_a_person_would_paste(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(json.dumps([certify.Guarantee.of({"notion": "SEKHARI", "epsilon": 1, "delta": "1e-6"}).to_mapping()]))
    assert compose(read_composition(path), delta="1e-6").epsilon.value == 1
