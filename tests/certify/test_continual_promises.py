"""What a release of a sequence promises alone and with all others: premises that are said, and what happens without them."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy
import pytest
from scipy.stats import norm

import certify
from certify.bounds import Bound
from certify.bounds.derive import derive
from certify.continual import Releases, Sequence, declared, plan, releases, residual
from certify.continual.plan import MOST_DELETIONS
from certify.errors import InputError
from certify.proofs.sides import Side
from certify.sampling import Keystream

NUMBERS = {"gradient": 1, "smoothness": "0.25", "record_hessian": "0.1", "hessian_lipschitz": 100, "curvature": 50}


@pytest.fixture(scope="module")
def fitted() -> certify.Fitted:
    rng = numpy.random.default_rng(1)
    rows = rng.uniform(-0.5, 0.5, (80, 2))
    labels = rng.uniform(size=80) < 1 / (1 + numpy.exp(-4 * rows.sum(axis=1)))
    return certify.fit(certify.objectives.Logistic(rows, labels, l2=0.1, classes=(False, True)))


@pytest.mark.parametrize("mechanism", ["random-walk", "independent"])
@pytest.mark.parametrize("wanted", ["0.7", "1", "1/3", "1e-7", "12.5", "0.1"])
def test_what_is_proved_of_a_plan_is_at_most_what_was_wanted(mechanism: str, wanted: str) -> None:
    """To the last digit: what is derived from the noise that is drawn, not what the noise was meant to give."""
    for last in (1, 2, 7, 30):
        made = plan(declared(last, **NUMBERS), mu=wanted, mechanism=mechanism)  # type: ignore[arg-type]
        assert made.mu.rational <= Fraction(wanted)
        assert made.mu.rational > Fraction(wanted) * (1 - Fraction(1, 10**12))
    made = plan(declared(9, **NUMBERS), epsilon=1, delta="1e-5", mechanism=mechanism)  # type: ignore[arg-type]
    assert certify.noise(epsilon=1, sigma=1, sensitivity=made.mu.rational).delta.at_most(Fraction(1, 10**5))


def test_noise_that_is_a_millionth_too_small_would_be_noticed() -> None:
    """Negative control of the test before."""
    made = plan(declared(7, **NUMBERS), mu=1)
    assert made.scale is not None
    less = Bound(made.scale.value * (1 - 1e-6), Side.EXACT)
    length = made.mu.rational**2 * made.scale.rational
    assert derive("continual.random-walk", path=length, scale=less).rational > 1


@pytest.mark.parametrize("mechanism", ["random-walk", "independent"])
def test_every_release_alone_says_that_requests_did_not_answer_to_earlier_ones(fitted, mechanism: str) -> None:
    sequence = releases(fitted, 4, mu=1, mechanism=mechanism)  # type: ignore[arg-type]
    for record in (3, 9):
        made = sequence.release([record])
        assert any("without a look at earlier releases" in line for line in made.per_release.exclusions)
        assert not any("without a look" in line for line in made.transcript.exclusions)


def test_a_request_that_answers_to_an_earlier_release_carries_what_that_told() -> None:
    """Why it is said. Whoever sees the first release asks for one of two records by it; their minimisers are far apart, so that the second release alone
    shows which. Then it shows more than its residual over its noise allows, and no more than the transcript's guarantee allows."""
    made = plan(declared(2, **NUMBERS), mu=1, mechanism="independent")
    sigma = made.deviations[0]
    first, second = (residual(made.constants, m).value / sigma for m in (1, 2))
    alone = 2 * norm.cdf(made.per_release(2).value / 2) - 1
    x = numpy.linspace(-9, 9, 200_001)
    difference = 0.0
    for told in (norm.cdf, norm.sf):  # the first release fell below the middle, or above
        retrained, unlearned = told(first / 2) * norm.pdf(x), told(-first / 2) * norm.pdf(x - second)
        difference += 0.5 * float(numpy.abs(retrained - unlearned).sum() * (x[1] - x[0]))
    assert alone * 1.01 < difference < 2 * norm.cdf(0.5) - 1


def test_a_later_release_of_a_walk_is_covered_by_all_its_draws(fitted) -> None:
    """Each draw is rounded to the grid, so the sum is a function of the draws and not of the ideal sum. Two draws on a coarse grid show it: the sum
    of the rounded has another law than the rounded sum."""
    for basis in ("count", "set"):
        sequence = releases(fitted, 6, mu=1, basis=basis)  # type: ignore[arg-type]
        made = [sequence.release([record]) for record in (3, 9, 20)]
        paid = [step.per_release.mu for step in made]
        assert all(one is not None for one in paid)
        assert [one.value for one in paid if one] == sorted(one.value for one in paid if one)
        assert all(one.value <= step.spent.value for one, step in zip(paid, made, strict=True) if one)
        if basis == "count":
            assert paid[2] == sequence.plan.spent(3)
    sigma = 0.3  # of a grid
    cells = numpy.arange(-12, 13)

    def rounded(mean: float, sd: float) -> numpy.ndarray:
        return norm.cdf((cells + 0.5 - mean) / sd) - norm.cdf((cells - 0.5 - mean) / sd)

    twice = numpy.convolve(rounded(0.2, sigma), rounded(0.2, sigma), mode="same")
    assert abs(twice - rounded(0.4, sigma * 2**0.5)).sum() / 2 > 0.05


def test_two_sequences_compose(fitted) -> None:
    """Whoever sees two sequences sees the composition, not one guarantee twice."""
    one, other = (releases(fitted, 3, mu=1).release([3]).transcript for _ in range(2))
    assert one.mu is not None and other.mu is not None
    both = certify.compose([one, other], delta="1e-5")
    assert both.mu.value == pytest.approx(2**0.5, rel=1e-9)
    assert both.epsilon.value > one.epsilon.value


@pytest.mark.parametrize(
    ("changes", "asked", "words"),
    [
        ({}, {"mu": "1e-200"}, "mu is out of range"),
        ({}, {"mu": "1e200"}, "mu is out of range"),
        ({"gradient": "1e200"}, {"mu": 1}, "constants are out of range"),
        ({"curvature": "1e-120"}, {"mu": 1}, "constants are out of range"),
        ({"curvature": "1e150"}, {"mu": 1}, "constants are out of range"),
    ],
)
@pytest.mark.parametrize("mechanism", ["random-walk", "independent"])
def test_numbers_beyond_the_doubles_get_one_line(changes: dict, asked: dict, words: str, mechanism: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        plan(declared(3, **{**NUMBERS, **changes}), mechanism=mechanism, **asked)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e20, 1e150])
def test_rows_that_no_ball_covers_get_one_line(scale: float) -> None:
    rows = numpy.random.default_rng(0).normal(size=(12, 2)) * scale
    fitted = certify.fit(certify.objectives.Logistic(rows, numpy.arange(12) % 2, l2=1e-300))
    with pytest.raises(InputError, match=r"no ball around the fitted model|gradient is not small"):
        releases(fitted, 2, mu=1)


def test_a_sequence_that_nobody_could_plan_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="too long to plan"):
        plan(declared(MOST_DELETIONS + 1, **NUMBERS), mu=1)


def test_a_budget_is_not_copied(fitted) -> None:
    """A copy would release as often again, all covered by one plan."""
    sequence, drawn = releases(fitted, 2, mu=1), Releases(plan(declared(2, **NUMBERS), mu=1))
    for held in (sequence, drawn):
        for copied in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="not copied"):
                copied(held)


def test_threads_share_one_budget(fitted) -> None:
    sequence = releases(fitted, 8, mu=1)

    def one(record: int) -> int:
        try:
            return sequence.release([record]).deleted
        except InputError:
            return 0

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(one, range(12)))
    assert sorted(seen) == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert sequence.left == 0


def test_printing_a_release_shows_no_secret(fitted) -> None:
    made = releases(fitted, 2, mu=1).release([61])
    assert made.forgotten == (61,) and made.sigma > 0
    assert "(61,)" not in repr(made) and "forgotten" not in repr(made)
    assert repr(made.sigma) not in repr(made)


def test_a_set_may_need_less_noise_than_the_grid_and_keeps_the_guarantee(fitted) -> None:
    """The grid is fixed by the plan; a smaller draw on it is post-processing all the same, and stays on the grid."""
    made = plan(declared(3, **NUMBERS), mu=1)
    drawn = Releases(made, Keystream(bytes(32)))
    released = drawn.release([0.25, -1.0], sigma=drawn.grid / 8)
    assert numpy.array_equal(released / drawn.grid, numpy.rint(released / drawn.grid))
    assert isinstance(releases(fitted, 2, mu=1, basis="set"), Sequence)
