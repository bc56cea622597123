"""At the edges: numbers no double holds, bounds that may fail, orders near one, guarantees that do not promise the same."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from fractions import Fraction

import mpmath
import privacy_truths as truths
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.accounting import (
    ApproximatePrivacy,
    ConcentratedPrivacy,
    GaussianPrivacy,
    Privacy,
    RenyiPrivacy,
    SampledGaussianPrivacy,
    compose,
    convert,
    group,
    privacy_of,
    total_variation,
    triangle,
    with_failure,
)
from certify.accounting.composition import Composition
from certify.accounting.merging import repeated
from certify.accounting.privacy import root_upper, shortened, total_of
from certify.accounting.reading import to_data
from certify.bounds.bound import Bound, exactly
from certify.bounds.evidence import Declared
from certify.errors import InputError
from certify.guarantee import Direction, Guarantee
from certify.proofs.sides import Side

NUMBERS = ("0", "1e-1990", "1e-320", "1e-300", "1e-160", "1e-5", "1", "40", "1e5", "1e160", "1e300", "1e1990")
EPSILONS = ("0", "1e-1990", "1e-300", "1", "700", "1e300", "1e400", "1e1990")
DELTAS = ("1e-1990", "5e-324", "1e-30", "0.5", "0." + "9" * 50)
KINDS: dict[str, Callable[[str], Privacy]] = {
    "gaussian": GaussianPrivacy.of,
    "zcdp": ConcentratedPrivacy.of,
    "renyi": lambda number: RenyiPrivacy.of({2: number, "8.5": number, "1e300": number, "1.000000001": number}),
    "approximate": lambda number: ApproximatePrivacy.of(number, "1e-5"),
    "pure": lambda number: ApproximatePrivacy.of(number, 0),
    "sampled": lambda number: SampledGaussianPrivacy.of("0.01", number, 1),
    "all sampled": lambda number: SampledGaussianPrivacy.of(1, number, 10**12),
    "rarely sampled": lambda number: SampledGaussianPrivacy.of("1e-1990", number, 10**12),
    "nearly all sampled": lambda number: SampledGaussianPrivacy.of("0." + "9" * 50, number, 1),
    "failing": lambda number: with_failure(GaussianPrivacy.of(number), "1e-40"),
}


def answers(make: Callable[[str], Privacy], number: str) -> None:
    """Everything that can be asked answers, or refuses in one line."""

    def ask(question: Callable[[Privacy], object]) -> None:
        try:
            question(make(number))
        except InputError as refusal:
            if "\n" in str(refusal):
                raise

    for epsilon in EPSILONS:
        ask(lambda profile: profile.delta(epsilon))  # noqa: B023
        ask(lambda profile: convert(profile, to="approximate", epsilon=epsilon))  # noqa: B023
    for delta in DELTAS:
        ask(lambda profile: profile.epsilon(delta))  # noqa: B023
        ask(lambda profile: str(compose([profile, {"kind": "zcdp", "rho": "0.1"}], delta=delta)))  # noqa: B023
    for to in ("gaussian", "zcdp", "renyi", "total-variation"):
        ask(lambda profile: convert(profile, to=to))  # noqa: B023
    ask(lambda profile: group(profile, 10**9))
    ask(lambda profile: triangle(profile, profile))
    ask(lambda profile: compose([profile] * 2))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "sampled" not in kind])
def test_every_question_is_answered_or_refused_in_one_line(kind: str, number: str) -> None:
    answers(KINDS[kind], number)


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "sampled" in kind])
def test_every_question_of_sampled_releases_is_answered_or_refused_in_one_line(kind: str, number: str) -> None:
    answers(KINDS[kind], number)


@pytest.mark.parametrize(
    ("rate", "noise"), [("0.1", "1e-100"), ("0.1", "1e100"), ("1e-400", "1"), ("0." + "9" * 30, "0.1"), ("0.5", "1e-9")]
)
def test_sampled_noise_beyond_the_doubles_is_answered_from_above(rate: str, noise: str) -> None:
    profile = SampledGaussianPrivacy.of(rate, noise, 1)
    for epsilon in (Fraction(0), Fraction(1, 10), Fraction(5)):
        forward, backward = truths.sampled_delta(Fraction(rate), Fraction(noise), epsilon)
        with mpmath.workdps(60):
            assert max(forward, backward) <= truths.real(profile.delta(epsilon).rational) <= 1
    assert profile.epsilon("1e-5").value <= GaussianPrivacy.of(1 / Fraction(noise)).epsilon("1e-5").value


def test_a_slow_search_is_no_answer() -> None:
    """The search of an order looks at some twenty orders, not at a thousand."""
    started = time.perf_counter()
    compose([SampledGaussianPrivacy.of("0.01", 40, 1), ConcentratedPrivacy.of("0.1")], delta="1e-300")
    assert time.perf_counter() - started < 3


# ---------------------------------------------------------------- below the doubles


@pytest.mark.parametrize("power", [160, 200, 300, 600, 1000])
def test_a_parameter_below_the_doubles_is_exact(power: int) -> None:
    """What is left of a gap after a thousand contracting steps is such a number; its guarantee is no failure."""
    mu = Fraction(1, 10**power)
    profile = GaussianPrivacy.of(mu)
    with mpmath.workdps(power + 60):
        truth = mpmath.erf(truths.real(mu) / (2 * mpmath.sqrt(2)))
        found = truths.real(profile.delta(0).rational)
        assert truth <= found <= max(truth * (1 + mpmath.mpf(10) ** -15), mpmath.mpf(5e-324))
    assert compose([profile] * 9, delta="1e-9").privacy == GaussianPrivacy.of(3 * mu)
    assert profile.epsilon("1e-9").value == 0


def test_a_number_that_no_double_holds_is_not_zero() -> None:
    """Its double is zero: whoever asks the double whether the laws are equal promises too much."""
    tiny = exactly(Fraction(1, 10**400), Declared("given"))
    assert tiny.value == 0
    concentrated = ConcentratedPrivacy.of(tiny)
    with mpmath.workdps(60):  # the two Gaussian laws with this rho are further apart than zero
        apart = mpmath.erf(mpmath.sqrt(2 * truths.real(tiny.rational)) / (2 * mpmath.sqrt(2)))
        assert truths.real(concentrated.delta(0).rational) >= apart > 1e-201
    grown = group(ApproximatePrivacy.of(0, tiny), 10**9)
    assert isinstance(grown, ApproximatePrivacy) and grown.known_delta.rational >= 10**9 * tiny.rational
    assert convert(GaussianPrivacy(tiny), to="zcdp").rho.rational == tiny.rational / 2  # type: ignore[union-attr]


@settings(max_examples=60, deadline=None)
@given(st.fractions(Fraction(1, 10**30), 10**30))
def test_what_is_rounded_lies_above(number: Fraction) -> None:
    """By so little that no double shows it; so it is looked at here."""
    root = root_upper(number)
    assert number <= root**2 <= number * (1 + Fraction(1, 2**250))
    assert root_upper(number.numerator**2 * Fraction(1, 4)) == Fraction(number.numerator, 2)
    long = number + Fraction(1, 7**1600)
    assert long < shortened(long) <= long * (1 + Fraction(1, 2**500))
    assert shortened(number) == number == total_of([number / 3] * 3)
    assert total_of([long, number]) > long + number


@pytest.mark.parametrize("asked", ["1e309", "1e1990"])
def test_an_epsilon_beyond_the_doubles_is_read_at_the_greatest_of_them(asked: str) -> None:
    for kind, make in KINDS.items():
        if "sampled" not in kind:
            assert make("1").delta(asked) == make("1").delta(math.nextafter(math.inf, 0)), kind


def test_a_pair_is_read_just_below_its_epsilon() -> None:
    """The double 0.3 lies below the decimal 0.3, by less than the digits in which one would compare them."""
    for known, asked in (("0.3", 0.3), (1, 1 - Fraction(1, 10**2000)), ("1e-1990", 0)):
        pair = ApproximatePrivacy.of(known, "1e-5")
        assert Fraction(1, 10**5) <= pair.delta(asked).rational <= Fraction(1, 10**5) * (1 + Fraction(1, 10**10))
    assert ApproximatePrivacy.of(40, "1e-5").epsilon("0." + "9" * 50).value == 0


def test_a_pair_with_an_epsilon_out_of_reach_keeps_its_profile() -> None:
    pair = ApproximatePrivacy.of("1e300", "1e-5")
    assert pair.epsilon("0.5").value == 1e300 and pair.delta(1).value == 1
    near = ApproximatePrivacy.of(1000, "1e-5").epsilon("0.5").value  # log((1 - 0.5)/(1 - 1e-5)) below 1000
    with mpmath.workdps(60):
        known, half = truths.real(Fraction(1, 10**5)), mpmath.mpf(1) / 2
        truth = 1000 + mpmath.log((half + (known - half) * mpmath.exp(-1000)) / (1 - known))
        assert truth <= near <= truth * (1 + mpmath.mpf(10) ** -15)


def test_sums_beyond_the_doubles_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="beyond the doubles"):
        compose([ApproximatePrivacy.of("1e308", 0)] * 2, delta="1e-5")


# ---------------------------------------------------------------- orders


def test_orders_that_no_double_tells_from_one_are_refused() -> None:
    near = 1 + Fraction(1, 10**25)
    for refused in (
        lambda: RenyiPrivacy.of({near: 1}),
        lambda: convert(GaussianPrivacy.of(1), to="renyi", orders=[near]),
    ):
        with pytest.raises(InputError, match="too near to 1") as refusal:
            refused()
        assert "\n" not in str(refusal.value)
    assert RenyiPrivacy.of({1 + Fraction(1, 10**9): 1}).delta(2).value < 1
    with pytest.raises(InputError, match="beyond the doubles"):
        RenyiPrivacy.of({"1e400": 1})


def test_a_third_law_that_leads_too_near_to_one_is_left_out() -> None:
    near = RenyiPrivacy.of({1 + Fraction(1, 10**9): 1})
    with pytest.raises(InputError, match="too near to 1"):
        triangle(near, near)
    through = triangle(near, RenyiPrivacy.of({1 + Fraction(1, 10**9): 1, 3: 1}))
    assert isinstance(through, RenyiPrivacy) and len(through.points) == 1


def test_an_order_of_many_digits_is_never_raised() -> None:
    """A divergence grows with its order: a bound for one order is none for a greater one, however near."""
    order = 2 + Fraction(3**2700, 7**2000)
    assert convert(GaussianPrivacy.of(1), to="renyi", orders=[order]).points[0][0] == order
    first, second = (RenyiPrivacy.of({b: 1}) for b in (2 + Fraction(1, 3**1200), 2 + Fraction(1, 7**800)))
    through = triangle(first, second)
    assert isinstance(through, RenyiPrivacy)
    b, c = first.orders[0], second.orders[0]
    assert through.orders == (b * c / (b + c - 1),)


# ---------------------------------------------------------------- bounds that may fail


def failing(number: str, probability: float) -> Bound:
    return Bound(float(number), Side.UPPER, Declared("given"), probability)


MAY_FAIL: dict[str, Callable[[], Bound]] = {
    "gaussian": lambda: GaussianPrivacy.of(failing("0.5", 1e-3)).epsilon("1e-5"),
    "gaussian delta": lambda: GaussianPrivacy.of(failing("0.5", 1e-3)).delta(1),
    "zcdp": lambda: ConcentratedPrivacy.of(failing("0.5", 1e-3)).epsilon("1e-5"),
    "zcdp at zero": lambda: ConcentratedPrivacy.of(failing("0", 1e-3)).epsilon("1e-5"),
    "renyi": lambda: RenyiPrivacy.of({2: failing("0.5", 1e-3)}).delta(1),
    "epsilon of a pair at its delta": lambda: ApproximatePrivacy.of(1, failing("1e-5", 1e-3)).epsilon("9.999e-5"),
    "delta of a pair at its epsilon": lambda: ApproximatePrivacy.of(failing("1", 1e-3), "1e-5").delta(1),
    "delta of a pair beyond its epsilon": lambda: ApproximatePrivacy.of(failing("1", 1e-3), "1e-5").delta(2),
    "delta of a pair below its epsilon": lambda: ApproximatePrivacy.of(failing("1", 1e-3), "1e-5").delta("0.5"),
    "epsilon of a pair at exactly its delta": lambda: ApproximatePrivacy.of(1, failing("0.25", 1e-3)).epsilon("0.25"),
    "total variation": lambda: total_variation(ApproximatePrivacy.of(failing("1", 1e-3), "1e-5"))[1],
    "group": lambda: group(ApproximatePrivacy.of(failing("1", 1e-3), "1e-9"), 3).delta(3),
    "repeated": lambda: compose([{"kind": "zcdp", "rho": "1"}, ConcentratedPrivacy.of(failing("0.5", 1e-3))], delta="1e-5").epsilon,
    "composed delta": lambda: compose([ApproximatePrivacy.of(1, failing("1e-7", 1e-3))], delta="1e-7").epsilon,
    "mixed delta": lambda: compose(
        [ApproximatePrivacy.of(1, failing("1e-7", 1e-3)), GaussianPrivacy.of(1)], delta="1e-5"
    ).epsilon,
    "declared": lambda: compose([ApproximatePrivacy.of(1, failing("1e-7", 1e-3))]).epsilon,
    "third law": lambda: triangle(ApproximatePrivacy.of(failing("1", 1e-3), "1e-9"), ApproximatePrivacy.of(1, 0)).delta(2),
    "converted": lambda: convert(ApproximatePrivacy.of(failing("1", 1e-3), "1e-5"), to="approximate", epsilon=1).privacy.delta(1),  # type: ignore[union-attr, return-value]
}  # fmt: skip


@pytest.mark.parametrize("way", MAY_FAIL)
def test_a_probability_of_failure_is_never_forgotten(way: str) -> None:
    """What rests on a number that is wrong with probability 1/1000 says so."""
    assert MAY_FAIL[way]().failure_probability >= 1e-3


def test_failures_of_several_parts_add() -> None:
    parts = [ApproximatePrivacy.of(failing("1", 1e-3), failing("1e-7", 2e-3)), GaussianPrivacy.of(failing("1", 4e-3))]
    whole = compose(parts, delta="1e-5")
    assert 7e-3 <= whole.epsilon.failure_probability <= 7.1e-3 and whole.delta.failure_probability >= 7e-3
    assert compose([GaussianPrivacy.of(1)], delta="1e-5").epsilon.failure_probability == 0


def test_a_question_is_a_number_that_holds_surely() -> None:
    for question in (
        lambda: GaussianPrivacy.of(1).epsilon(Bound(1e-5, Side.LOWER, Declared("given"), 1e-3)),
        lambda: GaussianPrivacy.of(1).delta(Bound(1.0, Side.LOWER, Declared("given"), 1e-3)),
    ):
        with pytest.raises(InputError, match="holds surely"):
            question()
    assert GaussianPrivacy.of(1).delta(Bound(1.0, Side.LOWER)).value < 1


# ---------------------------------------------------------------- guarantees that do not promise the same


def promise(**other: str) -> dict[str, object]:
    return {"notion": "SEKHARI", "epsilon": "0.1", "delta": "1e-7", **other}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"notion": "CERTIFIER"}, "SEKHARI and CERTIFIER"),
        ({"adjacency": "replace"}, "remove and replace"),
        ({"unit": "user"}, "record and user"),
        ({"comparator": "matched"}, "fixed and matched"),
    ],
)
def test_guarantees_of_different_things_do_not_add_up(other: dict[str, str], words: str) -> None:
    pair = [promise(), promise(**other)]
    for listed in (pair, [Guarantee.of(item) for item in pair]):
        with pytest.raises(InputError, match=words) as refusal:
            compose(listed, delta="1e-5")
        assert "\n" not in str(refusal.value)
    assert compose([promise(), promise(), GaussianPrivacy.of("0.1")], delta="1e-5").epsilon.value < 1


def test_sampled_releases_say_nothing_of_a_replaced_record() -> None:
    sampled = SampledGaussianPrivacy.of("0.01", 1, 10)
    with pytest.raises(InputError, match="nothing of the replaced record"):
        compose([promise(adjacency="replace"), sampled], delta="1e-5")
    assert compose([promise(), sampled], delta="1e-5").epsilon.value < 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epsilon": "1e999999999"}, "out of range"),
        ({"epsilon": "1e400"}, "beyond the doubles"),
        ({"epsilon": True}, "epsilon must be a real number"),
        ({"epsilon": "1_0"}, "epsilon must be a finite number"),
        ({"mu": "9" * 4500}, "mu"),
        ({"delta": "1" * 2501 + "/" + "3" * 2501}, "delta"),
        ({"exclusions": 5}, "list of texts"),
        ({"exclusions": [5]}, "list of texts"),
        ({"notion": ["SEKHARI"]}, "unknown notion"),
    ],
)
def test_a_hostile_guarantee_gets_one_line_at_once(content: dict[str, object], words: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError, match=words) as refusal:
        privacy_of({**promise(), **content})
    assert "\n" not in str(refusal.value) and time.perf_counter() - started < 1


# ---------------------------------------------------------------- directions

ONE_WAY: dict[str, Privacy] = {
    "gaussian": GaussianPrivacy.of("0.5", Direction.ONE_WAY),
    "zcdp": ConcentratedPrivacy.of("0.5", Direction.ONE_WAY),
    "renyi": RenyiPrivacy.of({2: "0.5", 8: 2}, Direction.ONE_WAY),
    "approximate": ApproximatePrivacy.of(1, "1e-5", Direction.ONE_WAY),
    "curve": with_failure(ConcentratedPrivacy.of("0.5", Direction.ONE_WAY), "1e-6"),
}


@pytest.mark.parametrize("kind", ONE_WAY)
def test_one_direction_never_becomes_two(kind: str) -> None:
    part = ONE_WAY[kind]
    made: list[Privacy | None] = [
        convert(part, to="approximate", delta="1e-4").privacy,
        convert(part, to="approximate", epsilon=8).privacy,
        compose([part, GaussianPrivacy.of("0.1")], delta="1e-4").privacy,
        with_failure(part, "1e-6"),
    ]
    if kind != "curve":
        made += [privacy_of(to_data(part)), repeated(part, 3), triangle(part, part) if kind != "zcdp" else None]
    if kind in ("gaussian", "approximate"):
        made += [group(part, 2), compose([part] * 2, delta="1e-4").privacy]
    if kind in ("gaussian", "zcdp", "renyi"):
        made.append(convert(part, to="renyi", orders=[2, 8]).privacy)
    if kind in ("gaussian", "zcdp"):
        made += [convert(part, to="zcdp").privacy, triangle(part, RenyiPrivacy.of({2: 1}))]
    assert {profile.direction for profile in made if profile is not None} == {Direction.ONE_WAY}


def test_one_way_a_pair_bounds_no_attack() -> None:
    """P(A) <= e Q(A) alone allows P to avoid what Q does often: the advantage may be nearly e - 1 over e, and more at a greater epsilon."""
    assert total_variation(ApproximatePrivacy.of(3, 0, Direction.ONE_WAY))[1].value >= 1 - math.exp(-3)
    assert total_variation(ApproximatePrivacy.of(3, 0))[1].value < 1 - math.exp(-3)


# ---------------------------------------------------------------- what a composition rests on


@pytest.mark.parametrize(
    ("parts", "theorems"),
    [
        ([GaussianPrivacy.of(1)], {"gaussian.composition-many", "gaussian.profile"}),
        ([ConcentratedPrivacy.of(1)], {"zcdp.composition", "zcdp.approximate"}),
        ([RenyiPrivacy.of({2: 1})], {"renyi.approximate"}),
        ([SampledGaussianPrivacy.of("0.01", 1, 1000)], {"renyi.sampled-gaussian", "renyi.approximate"}),
        ([SampledGaussianPrivacy.of(1, 1, 1)], {"renyi.sampled-gaussian", "gaussian.profile"}),
        ([ApproximatePrivacy.of(1, "1e-5")], {"approximate.composition"}),
        (
            [SampledGaussianPrivacy.of("0.01", 1, 10), ConcentratedPrivacy.of("0.1")],
            {"renyi.sampled-gaussian", "renyi.composition", "renyi.approximate"},
        ),
    ],
)
def test_every_number_names_all_its_theorems(parts: list[Privacy], theorems: set[str]) -> None:
    whole: Composition = compose(parts, delta="1e-5")
    assert {step.theorem for step in whole.steps} == theorems
    assert all(f"rests on  {theorem}" in str(whole) for theorem in theorems)


def test_many_stated_deltas_of_many_digits_leave_a_delta_to_share() -> None:
    primes = [number for number in range(1000, 6000) if all(number % divisor for divisor in range(2, 78))]
    stated = [ApproximatePrivacy.of(0, Fraction(1, 10**6 * prime)) for prime in primes]
    whole = compose([*stated, GaussianPrivacy.of(1)], delta="1e-5")
    rest = Fraction(1, 10**5) - sum(part.known_delta.rational for part in stated)
    assert whole.epsilon.value == GaussianPrivacy.of(1).epsilon(Fraction(float(rest)) * (1 - Fraction(1, 2**60))).value
    assert len(list(itertools.chain(stated))) > 600
