"""Confidence limits: a rate from counts, several limits at once, a weighted count of fair coins, and a mean of bounded values."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, exp, incomplete_beta, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

n, k, p, alpha, count, score, deviation, width = symbols("n k p alpha count score deviation width")
q, c, w, m, a, b = symbols("q c w m a b")
missed, missed_next, missed_first, missed_last = symbols("missed missed_next missed_first missed_last")
j, j_next, j_first, j_last = symbols("j j_next j_first j_last")
mean, mean_next, mean_first, mean_last = symbols("mean mean_next mean_first mean_last")
cover, cover_next, cover_first, cover_last = symbols("cover cover_next cover_first cover_last")

_TRIALS = Hypothesis("n", "number of independent trials of one rate of success", Side.EXACT, Domain.COUNT, "trials")
_SUCCESSES = Hypothesis("k", "number of successes", Side.EXACT, Domain.COUNT, "trials")
_LEVEL = Hypothesis("alpha", "at or above the chance with which one limit misses", Side.UPPER, Domain.NONNEGATIVE)
_PROPER = Relation(">=0", 1 - p, "p <= 1: a rate is at most one")
_SOME_FAILURE = Relation(">0", n - k, "n - k > 0: at least one trial failed")
_SOME_SUCCESS = Relation(">0", k, "k > 0: at least one trial succeeded")
_NO_MORE = Relation(">=0", n - k, "n - k >= 0: no more successes than trials")
_MISS = Conclusion("miss", "probability that the limit is on the wrong side of the true rate", Side.UPPER)


def _few(rate: Expression) -> Expression:
    """The chance of at most k successes."""
    return incomplete_beta(1 - rate, n - k, k + 1)


def _many(rate: Expression) -> Expression:
    """The chance of at least k successes."""
    return incomplete_beta(rate, k, n - k + 1)


# ---------------------------------------------------------------- the tail of the binomial law, monotone in the rate

_TAIL_MEANING = {
    "q": "rate of success in every trial",
    "w": "mean of the density of the beta law between the two rates",
}
_TAIL_WITNESS: dict[str, Fraction | int] = {
    "n": 2, "k": 1, "p": Fraction(1, 2), "q": Fraction(1, 2), "c": Fraction(3, 4), "w": 1, "given": Fraction(3, 4), "true": Fraction(3, 4),
}  # fmt: skip
_TAIL_EXAMPLE: dict[str, Fraction | int] = {name: value for name, value in _TAIL_WITNESS.items() if name not in {"given", "true"}}


def _tail_proof(given: Expression, true: Expression, rates: Expression, rate_words: str, meaning: str) -> AlgebraicProof:
    """The tail is an incomplete beta function at the true rate, and that moves with the rate towards the given number."""
    return AlgebraicProof(
        target="c",
        variables={"c": meaning, **_TAIL_MEANING},
        terms={"given": given, "true": true},
        facts=(
            Fact("rate", ">=0", rates, ("hypothesis:p",), rate_words),
            Fact("rate at least 0", ">=0", q, ("probability.expectation",), "a rate is a probability"),
            Fact("rate at most 1", ">=0", 1 - q, ("probability.expectation",), "a rate is a probability"),
            Fact("tail", "==0", c - true, ("probability.binomial-tail",), "the tail of the binomial law is an incomplete beta function"),
            Fact("density", ">=0", w, ("probability.beta-density",), "a density is nonnegative"),
            Fact("between", "==0", given - true - w * rates, ("probability.beta-density",), "the integral of the density between the two rates"),
        ),
        steps=(Step((Term(1, 1, ("density", "rate")),), ((1, "between"), (-1, "tail"))),),
        witness=_TAIL_WITNESS,
    )  # fmt: skip


FEW_SUCCESSES = Theorem(
    id="confidence.few-successes",
    statement=(
        "If every one of n independent trials succeeds at a rate of at least p, then k or fewer successes have probability at most "
        "I(1 - p; n - k, k + 1), the regularised incomplete beta function; at the rate p it is that."
    ),
    hypotheses=(
        _TRIALS, _SUCCESSES, Hypothesis("p", "a number at or below the rate of success", Side.EXACT, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("tail", "probability of k or fewer successes", Side.UPPER),
    formula=_few(p),
    rests_on=("probability.binomial-tail", "probability.beta-density", "probability.expectation"),
    source="Clopper & Pearson, Biometrika 26 (1934) 404-413, for the use; own proof",
    side_conditions=(_SOME_FAILURE, _PROPER),
    proof=_tail_proof(_few(p), _few(q), q - p, "the rate is at least p", "probability of k or fewer successes"),
    false_sibling=FalseSibling("one trial more than there were", incomplete_beta(1 - p, n - k + 1, k + 1), counterexample=_TAIL_EXAMPLE),
)  # fmt: skip

MANY_SUCCESSES = Theorem(
    id="confidence.many-successes",
    statement=(
        "If every one of n independent trials succeeds at a rate of at most p, then k or more successes have probability at most "
        "I(p; k, n - k + 1), the regularised incomplete beta function; at the rate p it is that."
    ),
    hypotheses=(
        _TRIALS, _SUCCESSES, Hypothesis("p", "a number at or above the rate of success", Side.EXACT, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("tail", "probability of k or more successes", Side.UPPER),
    formula=_many(p),
    rests_on=("probability.binomial-tail", "probability.beta-density", "probability.expectation"),
    source="Clopper & Pearson, Biometrika 26 (1934) 404-413, for the use; own proof",
    side_conditions=(_SOME_SUCCESS, _NO_MORE, _PROPER),
    proof=_tail_proof(_many(p), _many(q), p - q, "the rate is at most p", "probability of k or more successes"),
    false_sibling=FalseSibling("one success more than there were", incomplete_beta(p, k + 1, n - k + 1), counterexample=_TAIL_EXAMPLE),
)  # fmt: skip

# ---------------------------------------------------------------- the limits of Clopper and Pearson


def _limit_proof(tail: Expression, cites: str, inclusion: str, meaning: str) -> AlgebraicProof:
    """The rule misses at most where the count is as extreme as the most extreme one at which it misses."""
    return AlgebraicProof(
        target="m",
        variables={"m": "probability that the limit misses", "c": meaning},
        terms={"tail": tail},
        facts=(
            Fact("inclusion", ">=0", c - m, ("probability.expectation",), inclusion),
            Fact("level", ">=0", alpha - tail, ("hypothesis:alpha",), "so the rule was made"),
        ),
        citations=(Citation("extreme", cites, c, {"n": n, "k": k, "p": p}, "at this count the limit p is on the wrong side of the true rate"),),
        steps=(Step((Term(1, 1, ("inclusion",)), Term(1, 1, ("level",)), Term(1, 1, ("extreme",)))),),
        witness={"n": 2, "k": 1, "p": Fraction(1, 2), "alpha": Fraction(3, 4), "m": Fraction(3, 4), "c": Fraction(3, 4), "tail": Fraction(3, 4)},
    )  # fmt: skip


def _limit_level(tail: str) -> Hypothesis:
    return Hypothesis(
        "alpha", f"at or above {tail} for the p that the rule returns, at every k that it can see", Side.UPPER, Domain.PROBABILITY
    )


_LIMIT_EXAMPLE: dict[str, Fraction | int] = {
    "n": 2, "k": 1, "p": Fraction(1, 2), "alpha": Fraction(3, 4), "m": Fraction(3, 4), "c": Fraction(3, 4)
}  # fmt: skip

CLOPPER_PEARSON = Theorem(
    id="confidence.clopper-pearson",
    statement=(
        "A rule returns an upper limit p of the rate from the number k of successes in n independent trials: 1 for k = n, else a p with "
        "I(1 - p; n - k, k + 1) <= alpha. Its limit is below the true rate with probability at most alpha."
    ),
    hypotheses=(
        _TRIALS, _SUCCESSES,
        Hypothesis("p", "the upper limit that the rule returns for k successes", Side.EXACT, Domain.NONNEGATIVE),
        _limit_level("I(1 - p; n - k, k + 1)"),
    ),
    conclusion=_MISS,
    formula=alpha,
    rests_on=("confidence.few-successes", "probability.expectation"),
    source="Clopper & Pearson, Biometrika 26 (1934) 404-413; own proof",
    side_conditions=(_SOME_FAILURE, _PROPER),
    proof=_limit_proof(
        _few(p), "confidence.few-successes",
        "k is the greatest count at which the limit is below the true rate, so a miss means k or fewer successes (if there is none, m = 0)",
        "probability of k or fewer successes",
    ),
    false_sibling=FalseSibling("half of alpha, as if the interval had two sides", alpha / 2, counterexample=_LIMIT_EXAMPLE),
)  # fmt: skip

CLOPPER_PEARSON_LOWER = Theorem(
    id="confidence.clopper-pearson-lower",
    statement=(
        "A rule returns a lower limit p of the rate from the number k of successes in n independent trials: 0 for k = 0, else a p with "
        "I(p; k, n - k + 1) <= alpha. Its limit is above the true rate with probability at most alpha."
    ),
    hypotheses=(
        _TRIALS, _SUCCESSES,
        Hypothesis("p", "the lower limit that the rule returns for k successes", Side.EXACT, Domain.NONNEGATIVE),
        _limit_level("I(p; k, n - k + 1)"),
    ),
    conclusion=_MISS,
    formula=alpha,
    rests_on=("confidence.many-successes", "probability.expectation"),
    source="Clopper & Pearson, Biometrika 26 (1934) 404-413; own proof",
    side_conditions=(_SOME_SUCCESS, _NO_MORE, _PROPER),
    proof=_limit_proof(
        _many(p), "confidence.many-successes",
        "k is the least count at which the limit is above the true rate, so a miss means k or more successes (if there is none, m = 0)",
        "probability of k or more successes",
    ),
    false_sibling=FalseSibling("half of alpha, as if the interval had two sides", alpha / 2, counterexample=_LIMIT_EXAMPLE),
)  # fmt: skip

# ---------------------------------------------------------------- several limits at once

UNION = Theorem(
    id="confidence.union",
    statement=(
        "If each of a number of limits (of rates, thresholds, attacks, records), fixed beforehand, misses with probability at most alpha, "
        "then any of them misses with probability at most that number times alpha, whatever their dependence."
    ),
    hypotheses=(Hypothesis("count", "number of limits, one or more", Side.UPPER, Domain.COUNT), _LEVEL),
    conclusion=Conclusion("miss", "probability that any of the limits misses", Side.UPPER),
    formula=count * alpha,
    rests_on=("probability.expectation", "arithmetic.recursion"),
    source="Boole's inequality; own proof",
    proof=AlgebraicProof(
        target="missed_last",
        variables={"a": "greatest chance with which one of the limits misses"},
        sequences=(
            Sequence("j", "j_next", "j_first", "j_last", "number of limits looked at"),
            Sequence("missed", "missed_next", "missed_first", "missed_last", "chance that any of the limits looked at misses"),
        ),
        facts=(
            Fact("none", "==0", j_first, ("arithmetic.recursion",), "counting starts at nought"),
            Fact("one more", "==0", j_next - j - 1, ("arithmetic.recursion",), "and goes on by one"),
            Fact("all", ">=0", count - j_last, ("hypothesis:count",), "no more limits than that"),
            Fact("start", "==0", missed_first, ("probability.expectation",), "no limit was looked at yet"),
            Fact(
                "either", ">=0", missed + a - missed_next, ("probability.expectation",),
                "the indicator of 'one or the other' is at most the sum of the two",
            ),
            Fact("chance", ">=0", a, ("probability.expectation",), "a probability is nonnegative"),
            Fact("level", ">=0", alpha - a, ("hypothesis:alpha",), "the number given covers each of them"),
        ),
        steps=(
            Induction(
                "so far", j * a - missed,
                base=(Step(equations=((a, "none"), (-1, "start"))),),
                step=(Step((Term(1, 1, ("so far",)), Term(1, 1, ("either",))), ((a, "one more"),)),),
            ),
            Step((Term(1, 1, ("count", "level")), Term(1, 1, ("all", "chance")), Term(1, 1, ("so far",)))),
        ),
        witness={
            "count": 1, "alpha": 1, "a": 1, "j": 0, "j_next": 1, "j_first": 0, "j_last": 1,
            "missed": 0, "missed_next": 1, "missed_first": 0, "missed_last": 1,
        },
    ),
    false_sibling=FalseSibling(
        "as if all missed at once", alpha,
        counterexample={
            "count": 2, "alpha": Fraction(1, 4), "a": Fraction(1, 4), "j": 1, "j_next": 2, "j_first": 0, "j_last": 2,
            "missed": Fraction(1, 4), "missed_next": Fraction(1, 2), "missed_first": 0, "missed_last": Fraction(1, 2),
        },
    ),
)  # fmt: skip

# ---------------------------------------------------------------- weighted coins

_BOUND = exp(-(score**2 / 2))
_ROOT_E, _COSH_ONE = Fraction("1.648721270700128147"), Fraction("1.543080634815243778")  # exp(1/2) and (exp(1) + exp(-1))/2

WEIGHTED_COINS = Theorem(
    id="confidence.weighted-coins",
    statement=(
        "Fair coins s_i = -1 or 1 and weights w_i that were found without them: the score sum s_i w_i / sqrt(sum w_i²) reaches a "
        "positive number with probability at most exp(-score²/2); of a score of zero or less this says nothing."
    ),
    hypotheses=(Hypothesis("score", "at or below the score that was seen", Side.LOWER, Domain.POSITIVE),),
    conclusion=Conclusion("tail", "probability of a score at or above the number given", Side.UPPER),
    formula=_BOUND,
    rests_on=("probability.expectation", "probability.fair-coins", "probability.hoeffding-lemma", "analysis.exponential-law"),
    source="Hoeffding, J. Am. Stat. Assoc. 58 (1963) 13-30, Theorem 2, for coins; own proof",
    proof=AlgebraicProof(
        target="b",
        variables={"b": "probability of a score at or above the number given, whatever the weights"},
        sequences=(
            Sequence("mean", "mean_next", "mean_first", "mean_last", "mean of exp(score · partial sum of s_i w_i), the w_i² summing to one"),
            Sequence("cover", "cover_next", "cover_first", "cover_last", "exp(score²/2 · partial sum of w_i²)"),
        ),
        terms={"bound": _BOUND},
        facts=(
            Fact("mean start", "==0", mean_first - 1, ("analysis.exponential-law",), "exp(0) = 1"),
            Fact("cover start", "==0", cover_first - 1, ("analysis.exponential-law",), "exp(0) = 1"),
            Fact("cover positive", ">0", cover, ("analysis.exponential-law",), "an exponential"),
            Fact("next positive", ">=0", cover_next, ("analysis.exponential-law",), "an exponential"),
            Fact(
                "one more coin", ">=0", mean * cover_next - cover * mean_next,
                ("probability.fair-coins", "probability.hoeffding-lemma", "analysis.exponential-law"),
                "given the weights the coins are independent: the mean grows by E exp(score s w) <= exp(score² w²/2), by which the cover grows",
            ),
            Fact("whole", "==0", cover_last * _BOUND - 1, ("analysis.exponential-law",), "the squares sum to one: the last cover is exp(score²/2)"),
            Fact(
                "Markov", ">=0", mean_last * _BOUND**2 - b, ("probability.expectation", "analysis.exponential-law"),
                "exp(score · sum) >= exp(score²) = 1/bound² where the sum reaches the score, and is positive elsewhere",
            ),
        ),
        steps=(
            Induction(
                "so far", cover - mean,
                base=(Step(equations=((1, "cover start"), (-1, "mean start"))),),
                step=(Step((Term(1, 1, ("one more coin",)), Term(1, 1, ("so far", "next positive"))), factor=("cover positive",)),),
            ),
            Step((Term(1, 1, ("Markov",)), Term(1, _BOUND, ("so far",))), ((-_BOUND, "whole"),)),
        ),
        witness={
            "score": 1, "b": Fraction(1, 4), "mean": 1, "mean_next": 1, "mean_first": 1, "mean_last": 1,
            "cover": 1, "cover_next": Fraction(3, 2), "cover_first": 1, "cover_last": Fraction(3, 2), "bound": Fraction(2, 3),
        },
    ),
    false_sibling=FalseSibling(
        "the square not halved", exp(-(score**2)),
        counterexample={
            "score": 1, "b": Fraction(1, 2), "mean": 1, "mean_next": _COSH_ONE, "mean_first": 1, "mean_last": _COSH_ONE,
            "cover": 1, "cover_next": _ROOT_E, "cover_first": 1, "cover_last": _ROOT_E,
        },
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the mean of independent values of bounded range

_FAR = exp(-2 * n * deviation**2 / width**2)
_MOST, _GROWN = exp(2 * n * deviation**2 / width**2), exp(2 * n * deviation**2 * a**2 / width**4)

BOUNDED_MEAN = Theorem(
    id="confidence.bounded-mean",
    statement=(
        "n independent values, each in an interval of at most the width: their mean exceeds the mean of what is expected of them by the "
        "deviation or more with probability at most exp(-2 n deviation²/width²). So it does the other way round."
    ),
    hypotheses=(
        Hypothesis("n", "number of independent values, one at least", Side.EXACT, Domain.COUNT, "records"),
        Hypothesis("deviation", "how far the mean is from what is expected", Side.EXACT, Domain.POSITIVE, "gradient"),
        Hypothesis("width", "at or above the length of the interval in which each value lies", Side.UPPER, Domain.POSITIVE, "gradient"),
    ),
    conclusion=Conclusion("failure", "probability of a mean that is off by the deviation or more, to one side", Side.UPPER),
    formula=_FAR,
    rests_on=("probability.expectation", "probability.hoeffding-lemma", "analysis.exponential-law"),
    source="Hoeffding, J. Am. Stat. Assoc. 58 (1963) 13-30, Theorem 2; own proof",
    proof=AlgebraicProof(
        target="b",
        variables={
            "b": "probability that the mean exceeds what is expected by the deviation or more", "a": "greatest length of the intervals",
        },
        sequences=(
            Sequence(
                "mean", "mean_next", "mean_first", "mean_last",
                "mean of exp(s · partial sum of the values, each less what is expected of it), where s = 4 deviation/width²",
            ),
            Sequence("cover", "cover_next", "cover_first", "cover_last", "exp(s² a²/8) to the number of values summed"),
        ),
        terms={"bound": _FAR, "most": _MOST, "grown": _GROWN},
        facts=(
            Fact("length", ">=0", width - a, ("probability.hoeffding-lemma", "hypothesis:width"), "no interval is longer than the width"),
            Fact("length at least 0", ">=0", a, ("probability.hoeffding-lemma",), "a length"),
            Fact("mean start", "==0", mean_first - 1, ("analysis.exponential-law",), "exp(0) = 1"),
            Fact("cover start", "==0", cover_first - 1, ("analysis.exponential-law",), "exp(0) = 1"),
            Fact("cover positive", ">0", cover, ("analysis.exponential-law",), "an exponential"),
            Fact("next positive", ">=0", cover_next, ("analysis.exponential-law",), "an exponential"),
            Fact(
                "one more value", ">=0", mean * cover_next - cover * mean_next, ("probability.hoeffding-lemma", "analysis.exponential-law"),
                "the values are independent: the mean grows by a factor of at most exp(s² a²/8), by which the cover grows",
            ),
            Fact("whole", "==0", cover_last - _GROWN, ("analysis.exponential-law",), "n times s² a²/8 is 2 n deviation² a²/width⁴"),
            Fact(
                "tangent", ">=0", _MOST - _GROWN * (1 + 2 * n * deviation**2 * (width**2 - a**2) / width**4),
                ("analysis.exponential-law",), "exp(x) >= exp(y) (1 + x - y)",
            ),
            Fact("inverse", "==0", _MOST * _FAR - 1, ("analysis.exponential-law",), "exp(x) exp(-x) = 1"),
            Fact(
                "Markov", ">=0", mean_last * _FAR**2 - b, ("probability.expectation", "analysis.exponential-law"),
                "the exponential is at least exp(s n deviation) = 1/bound² where the sum reaches n · deviation, and positive elsewhere",
            ),
        ),
        steps=(
            Induction(
                "so far", cover - mean,
                base=(Step(equations=((1, "cover start"), (-1, "mean start"))),),
                step=(Step((Term(1, 1, ("one more value",)), Term(1, 1, ("so far", "next positive"))), factor=("cover positive",)),),
            ),
            Step(
                (
                    Term(1, 1, ("tangent",)), Term(2, 1, ("grown", "n", "deviation", "deviation", "length", "width")),
                    Term(2, 1, ("grown", "n", "deviation", "deviation", "length", "length at least 0")),
                ),
                (), ("width", "width", "width", "width"), "below", ">=0", _MOST - _GROWN,
            ),
            Step((Term(1, 1, ("Markov",)), Term(1, _FAR, ("so far",)), Term(1, _FAR, ("below",))), ((-(_FAR**2), "whole"), (-_FAR, "inverse"))),
        ),
        witness={
            "n": 1, "deviation": Fraction(1, 2), "width": 1, "b": Fraction(1, 4), "a": 1, "mean": 1, "mean_next": 1, "mean_first": 1,
            "mean_last": 1, "cover": 1, "cover_next": Fraction(3, 2), "cover_first": 1, "cover_last": Fraction(3, 2),
            "bound": Fraction(2, 3), "most": Fraction(3, 2), "grown": Fraction(3, 2),
        },
    ),
    false_sibling=FalseSibling(
        "the exponent twice", exp(-4 * n * deviation**2 / width**2),
        counterexample={
            "n": 1, "deviation": Fraction(1, 2), "width": 1, "b": Fraction(1, 2), "a": 1, "mean": 1, "mean_next": _COSH_ONE, "mean_first": 1,
            "mean_last": _COSH_ONE, "cover": 1, "cover_next": _ROOT_E, "cover_first": 1, "cover_last": _ROOT_E,
        },
    ),
)  # fmt: skip

THEOREMS = (FEW_SUCCESSES, MANY_SUCCESSES, CLOPPER_PEARSON, CLOPPER_PEARSON_LOWER, UNION, WEIGHTED_COINS, BOUNDED_MEAN)
