"""Audits and confidence limits by exact enumeration: the errors are counted, and rules that were in use are shown to be false."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy
import pytest
from books import entries_of, verdicts
from flint import arb
from instances.audit import Round, all_counts, capital_from_counts, certain_hit, excess, game, least_epsilon
from instances.confidence import beta, chances, coin_scores, upper_limit

from certify.proofs import registry
from certify.proofs.balls import ball
from certify.proofs.expression import exp, symbols, to_data
from certify.proofs.readers import as_ball, as_float
from certify.testing.statistics import binomial_upper

LEVELS = (0.5, 0.1, 0.05, 0.001)


def formula(identifier: str, **values: float) -> float:
    return as_float(registry.theorem(identifier).formula, values)


# ---------------------------------------------------------------- limits of a rate


@pytest.mark.parametrize("alpha", LEVELS)
@pytest.mark.parametrize("n", [1, 2, 5, 12, 30])
def test_the_upper_limit_covers_every_rate(n: int, alpha: float) -> None:
    """Rates on a grid and just above every limit, where a miss is likeliest: never above alpha, and just above a limit nearly it."""
    limits = [upper_limit(n, k, alpha) for k in range(n + 1)]
    worst = 0.0
    for rate in (*numpy.linspace(0.005, 0.995, 100), *(limit * (1 + 1e-9) for limit in limits[:-1])):
        law = chances(n, float(rate))
        miss = math.fsum(chance for chance, limit in zip(law, limits, strict=True) if limit < rate)
        assert miss <= alpha * (1 + 1e-9)
        worst = max(worst, miss)
    assert worst > alpha * (1 - 1e-6)


@pytest.mark.parametrize("alpha", LEVELS)
@pytest.mark.parametrize("n", [1, 7, 40, 1000])
def test_the_limit_of_the_toolkit_is_replayed_in_balls(n: int, alpha: float) -> None:
    """The formula of the theorem, in balls at the doubles returned, is at most the level; a slightly smaller limit would not be."""
    few = registry.theorem("confidence.few-successes").formula
    for k in {0, n // 3, n - 1}:
        limit = binomial_upper(k, n, alpha)
        values = {"n": ball(Fraction(n)), "k": ball(Fraction(k)), "p": ball(Fraction(limit))}
        assert as_ball(few, values) <= arb(alpha)
        assert as_ball(few, {**values, "p": ball(Fraction(limit) * Fraction(999999, 1000000))}) > arb(alpha)


def test_both_tails_are_the_sums_of_the_probabilities() -> None:
    for n, k, tenths in itertools.product(range(1, 9), range(9), (1, 5, 9)):
        rate = Fraction(tenths, 10)
        law = [math.comb(n, count) * rate**count * (1 - rate) ** (n - count) for count in range(n + 1)]
        if k < n:
            few = formula("confidence.few-successes", n=n, k=k, p=float(rate))
            assert few == pytest.approx(float(sum(law[: k + 1])), rel=1e-13)
        if 0 < k <= n:
            many = formula("confidence.many-successes", n=n, k=k, p=float(rate))
            assert many == pytest.approx(float(sum(law[k:])), rel=1e-13)


def test_the_normal_approximation_does_not_cover() -> None:
    """Negative control: the upper limit of Wald misses a rate of 2 % in every second experiment of 30 trials, not in 5 %."""
    n, rate = 30, 0.02
    limits = [k / n + 1.645 * math.sqrt(k / n * (1 - k / n) / n) for k in range(n + 1)]
    assert math.fsum(chance for chance, limit in zip(chances(n, rate), limits, strict=True) if limit < rate) > 0.5


# ---------------------------------------------------------------- regions and the total variation


def close_laws(epsilon: float, delta: float, retrained: float) -> tuple[float, float]:
    """The least and the greatest chance of an event under a law that is close to one that gives it the chance ``retrained``."""
    ratio = math.exp(epsilon)
    low = max(0.0, (retrained - delta) / ratio, 1 - ratio * (1 - retrained) - delta)
    return low, min(1.0, ratio * retrained + delta, 1 - (1 - retrained - delta) / ratio)


CLAIMS = list(itertools.product((0.0, 0.3, 1.0, 3.0), (0.0, 1e-3, 0.1, 0.5)))


@pytest.mark.parametrize(("epsilon", "delta"), CLAIMS)
def test_no_close_laws_are_further_apart_than_the_bound_on_the_total_variation(epsilon: float, delta: float) -> None:
    apart = max(high - rate for rate in numpy.linspace(0, 1, 2001) for _, high in [close_laws(epsilon, delta, float(rate))])
    assert apart == pytest.approx((math.exp(epsilon) - 1 + 2 * delta) / (math.exp(epsilon) + 1), abs=1e-3)
    if 0 < apart < 1:
        assert formula("audit.total-variation", advantage=apart, delta=delta) <= epsilon + 1e-9


def test_a_gaussian_audit_is_no_bound_of_epsilon() -> None:
    """Randomised response with epsilon = 1 refutes a Gaussian parameter of 1.2, at which a Gaussian pair would need far more than 1."""
    right = math.e / (1 + math.e)
    assert 1 - right < formula("audit.gaussian", mu=1.2, threshold=0.6160)
    assert least_epsilon(numpy.array([right, 1 - right]), numpy.array([1 - right, right]), 0.0) == pytest.approx(1)
    assert formula("gaussian.profile", epsilon=1.0, sensitivity=1.2, sigma=1.0) > 0.1


# ---------------------------------------------------------------- betting


def mean_factor(epsilon: float, delta: float, hit: float, false: float) -> float:
    return 1 + (hit - math.exp(epsilon) * false - delta) / (math.exp(epsilon) + delta)


@pytest.mark.parametrize(("epsilon", "delta"), CLAIMS)
def test_no_close_laws_make_a_bet_favourable(epsilon: float, delta: float) -> None:
    """Two-point laws on the boundary of closeness, the region and its complement: the mean is at most one, and one is attained."""
    means = []
    for rate in numpy.linspace(0, 1, 101):
        for hit in close_laws(epsilon, delta, float(rate)):
            means += [mean_factor(epsilon, delta, hit, float(rate)), mean_factor(epsilon, delta, 1 - float(rate), 1 - hit)]
    assert max(means) == pytest.approx(1, abs=1e-12)


def test_a_missing_retrained_draw_must_not_count_as_outside() -> None:
    """The padding by nought makes the bet favourable: the mean of a factor is 1.166. Padding by one makes it 0.666."""
    stake, hit = 0.5 / math.e, 0.9
    padded = Round(hit, 0.5, True, False, (stake,))
    means = sum(chance * padded.factors(a, b, 1.0, 0.0) for chance, a, b in padded.outcomes())
    assert float(numpy.max(means)) == pytest.approx(0.6655, abs=1e-4)
    assert hit * float(padded.factors(1, 0, 1.0, 0.0)[0]) + (1 - hit) == pytest.approx(1.1655, abs=1e-4)


def test_the_proof_with_the_padding_by_nought_is_refused() -> None:
    entries = entries_of("audit.e-factor")
    v, w, s, t, x, y, epsilon, delta = symbols("v w s t x y epsilon delta")
    padded = v - 1 - w * (s * x - exp(epsilon) * t * y - delta)
    (fact,) = (fact for fact in entries["audit.e-factor"]["proof"]["facts"] if fact["name"] == "factor")
    fact["slack"] = to_data(padded)
    assert verdicts(entries)["audit.e-factor"] == ("failed", "the certificate does not balance")


def test_a_stake_above_the_capital_is_not_covered() -> None:
    """With a fraction of two the capital can be negative, and a second loss makes it positive again."""
    epsilon, delta = 1.0, 0.0
    stake = 2 / math.exp(epsilon)
    lost = 1 + stake * (0 - math.exp(epsilon) * 1 - delta)
    assert lost < 0 < lost * lost
    assert 1 - formula("audit.e-loss", fraction=2.0) == pytest.approx(lost)
    fraction = symbols("fraction")[0]
    assert [condition.slack for condition in registry.theorem("audit.e-process").side_conditions] == [1 - fraction]


def test_looking_after_every_round_costs_nothing() -> None:
    """Ville's inequality on enumerated games at every threshold that a capital takes; the nearest comes within a thousandth."""
    generator, nearest = numpy.random.default_rng(11), 0.0
    for _ in range(150):
        played = game(generator)
        values = {float(played.weights @ node.capitals) for nodes in played.pasts for node in nodes}
        for threshold in sorted(value for value in values if value > 1)[-20:]:
            reached = played.stop_at(threshold)[-1]["reached"]
            assert reached <= 1 / threshold + 1e-12
            nearest = max(nearest, reached * threshold)
    assert nearest > 0.999


def test_the_instances_with_a_certain_hit_are_close() -> None:
    laws = certain_hit(numpy.random.default_rng(3))
    assert excess(laws.unlearned, laws.retrained, laws.epsilon) == pytest.approx(0)
    assert least_epsilon(laws.unlearned, laws.retrained, 1.0) == pytest.approx(0)


# ---------------------------------------------------------------- grids of claims


def test_the_evidence_may_grow_with_epsilon() -> None:
    """Rounds that hit nothing: with delta > 0 a larger epsilon is hurt less, so nothing may be taken to be monotone."""
    assert capital_from_counts(2.0, 0.2, (0, 0, 0, 20)) > capital_from_counts(0.0, 0.2, (0, 0, 0, 20))


def test_without_delta_the_evidence_falls_with_epsilon() -> None:
    """Every indicator pays less at a larger epsilon, so a bisection over the claims is as good as a grid."""
    for counts in itertools.product(range(3), repeat=4):
        values = [capital_from_counts(epsilon, 0.0, counts) for epsilon in numpy.linspace(0, 5, 30)]
        assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(values))


def test_the_first_point_that_is_not_rejected_must_not_be_reported() -> None:
    """On a coarse grid it exceeds the true epsilon nearly always; the last rejected point before it, at most with chance alpha."""
    truth, alpha, grid = 2.0, 0.2, (0.0, 2.1, 4.0)
    right = math.exp(truth) / (1 + math.exp(truth))
    first = last = 0.0
    for chance, counts in all_counts(14, right, 1 - right):
        rejected = [capital_from_counts(point, 0.0, counts) >= 1 / alpha for point in grid]
        run = [*rejected, False].index(False)
        first += chance * (run == len(grid) or grid[run] > truth)
        last += chance * (run > 0 and grid[run - 1] > truth)
    assert first > 0.7
    assert last <= alpha


# ---------------------------------------------------------------- one run


def test_the_report_of_one_run_is_the_inverse_of_its_tail() -> None:
    for calls, v, delta in ((20, 15, 0.0), (100, 70, 1e-5), (1000, 600, 1e-3)):
        tail, alpha = beta(0.5, v, calls - v + 1), 0.05
        report = formula("audit.one-run", r=calls, v=v, delta=delta, tail=tail, alpha=alpha)
        assert formula("audit.one-run-tail", r=calls, v=v, epsilon=report, delta=delta) == pytest.approx(alpha)


def test_the_number_of_right_calls_asked_of_several_runs_is_fixed_beforehand() -> None:
    """Runs of perfect unlearning: a lower limit of P(V >= v) lies above the tail with chance alpha for a fixed v, and three times that for some v."""
    runs, coins, alpha = 60, 20, 0.05
    law = chances(coins, 0.5)
    tails = [math.fsum(law[v:]) for v in range(coins + 1)]
    quiet, refuted = {0: 1.0}, []
    for v in range(coins, 0, -1):  # of the runs with fewer than v + 1 right calls, how many have v
        rejects = [k > 0 and beta(tails[v], k, runs - k + 1) <= alpha for k in range(runs + 1)]
        refuted.append(math.fsum(chance for k, chance in enumerate(chances(runs, tails[v])) if rejects[k]))
        share = law[v] / (1 - tails[v] + law[v])
        after: dict[int, float] = {}
        for k, chance in quiet.items():
            for more, extra in enumerate(chances(runs - k, share)):
                if not rejects[k + more]:
                    after[k + more] = after.get(k + more, 0.0) + chance * extra
        quiet = after
    assert max(refuted) <= alpha
    assert 1 - math.fsum(quiet.values()) > 3 * alpha


def test_a_reference_that_depends_on_how_many_were_unlearned_is_no_reference() -> None:
    """Perfect unlearning, but the noise tells how many there were: who calls the majority 'refutes' epsilon = 0 too often."""
    coins, alpha = 40, 0.05
    tails = [math.fsum(chances(coins, 0.5)[v:]) for v in range(coins + 1)]
    least = min(v for v in range(coins + 1) if tails[v] <= alpha)
    refuted = math.fsum(chance for count, chance in enumerate(chances(coins, 0.5)) if max(count, coins - count) >= least)
    assert 0.07 < refuted < 0.09


def test_a_negative_score_is_no_evidence() -> None:
    """One coin: exp(-score²/2) as a p-value for a score of either sign is below 0.61 always; one for a score of nought or less is right."""
    scores = coin_scores(numpy.array([1.0]))
    assert (numpy.exp(-(scores**2) / 2) <= 0.61).mean() == 1.0
    assert numpy.where(scores > 0, numpy.exp(-(scores**2) / 2) <= 0.61, False).mean() == 0.5


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_the_bound_on_weighted_coins_holds_at_every_score(size: int) -> None:
    generator = numpy.random.default_rng(size)
    for _ in range(20):
        scores = coin_scores(generator.standard_cauchy(size=size))
        for score in scores[scores > 0]:
            assert (scores >= score - 1e-12).mean() <= formula("confidence.weighted-coins", score=float(score)) + 1e-12


# ---------------------------------------------------------------- simulations


@pytest.mark.statistical
def test_betting_on_gaussian_laws_errs_at_most_as_often_as_stated() -> None:
    """N(1, 1) against N(0, 1) at the exact epsilon of delta = 0.01: the mixture over cuts passes 1/alpha in at most alpha of the runs."""
    delta, alpha, runs, rounds = 0.01, 0.1, 2000, 400
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        too_small = formula("gaussian.profile", epsilon=middle, sensitivity=1.0, sigma=1.0) > delta
        low, high = (middle, high) if too_small else (low, middle)
    ratio = math.exp(high)
    generator = numpy.random.default_rng(5)
    x, y = generator.normal(1, 1, size=(runs, rounds)), generator.normal(0, 1, size=(runs, rounds))
    capitals = []
    for cut, fraction in itertools.product((0.5, 1.5, 2.5, high + 0.5), (0.2, 0.6)):
        stake = fraction / (ratio + delta)
        capitals.append(numpy.cumprod(1 + stake * ((x >= cut) - ratio * (y >= cut) - delta), axis=1))
    errors = float((numpy.mean(capitals, axis=0).max(axis=1) >= 1 / alpha).mean())
    assert errors <= alpha + 4 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.statistical
def test_one_run_on_noised_sums_errs_at_most_as_often_as_stated() -> None:
    """Each coin shifts its own coordinate of N(0, I): with a small true epsilon the report rarely exceeds it."""
    coins, shift, delta, alpha, runs = 50, 0.05, 1e-3, 0.1, 4000
    size = shift * math.sqrt(coins)
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        too_small = formula("gaussian.profile", epsilon=middle, sensitivity=size, sigma=1.0) > delta
        low, high = (middle, high) if too_small else (low, middle)
    generator = numpy.random.default_rng(6)
    chosen = generator.integers(0, 2, size=(runs, coins))
    results = shift * chosen + generator.normal(size=(runs, coins))
    right = ((results > shift / 2) == chosen).sum(axis=1)
    reports = [
        formula("audit.one-run", r=coins, v=v, delta=delta, tail=beta(0.5, v, coins - v + 1), alpha=alpha)
        for v in range(1, coins + 1)
    ]
    errors = float(numpy.mean([v > 0 and reports[v - 1] > high for v in right]))
    assert errors <= alpha + 4 * math.sqrt(alpha * (1 - alpha) / runs)
