"""Audits by error rates: regions, the total variation, Gaussian claims, and a grid of claims."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, normal_cdf, symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import CLAIMED_DELTA, LEAST_EPSILON, MU_HYPOTHESIS, REPORT_ERROR

delta, alpha, mu, threshold = symbols("delta alpha mu threshold")
false_negatives, false_positives, advantage = symbols("false_negatives false_positives advantage")
c, d, e, f, g, m, p, q, s, u, w = symbols("c d e f g m p q s u w")

# ---------------------------------------------------------------- fixed regions

_REGION = (1 - false_negatives - delta) / false_positives

REGION = Theorem(
    id="audit.region",
    statement=(
        "A region chosen beforehand is missed by the unlearned law with probability at most the false negative rate and hit by the retrained "
        "law with at most the false positive rate: epsilon >= ln((1 - fnr - delta)/fpr). The two laws may change places, and the limits "
        "may be confidence limits: the bound fails at most where one of them does."
    ),
    hypotheses=(
        Hypothesis("false_negatives", "at or above the probability that the unlearned law misses the region", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("false_positives", "at or above the probability that the retrained law hits the region", Side.UPPER, Domain.POSITIVE),
        CLAIMED_DELTA,
    ),
    conclusion=LEAST_EPSILON,
    formula=log(_REGION),
    rests_on=("privacy.indistinguishable", "analysis.exponential-law"),
    source="Kairouz, Oh & Viswanath, IEEE Trans. Inf. Theory 63 (2017) 4037-4049; Jagielski, Ullman & Oprea, NeurIPS 2020; own proof",
    side_conditions=(Relation(">0", 1 - false_negatives - delta, "1 - fnr - delta > 0: there is power beyond delta"),),
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "an epsilon at which the two laws are indistinguishable",
            "d": "the delta of that claim",
            "f": "probability that the retrained law hits the region",
            "g": "probability that the unlearned law misses the region",
        },
        terms={"bound": log(_REGION), "ratio": exp(e)},
        facts=(
            Fact("close", ">=0", exp(e) * f + d - (1 - g), ("privacy.indistinguishable",), "P(region) <= exp(e) Q(region) + d"),
            Fact("missed", ">=0", false_negatives - g, ("hypothesis:false_negatives",), "the number given covers g"),
            Fact("hit", ">=0", false_positives - f, ("hypothesis:false_positives",), "the number given covers f"),
            Fact("slack", ">=0", delta - d, ("hypothesis:delta",), "the number given covers d"),
            Fact(
                "tangent", ">=0", _REGION - exp(e) * (1 + log(_REGION) - e), ("analysis.exponential-law",),
                "exp(log x) >= exp(e)(1 + log x - e)",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("tangent",)), Term(1, 1, ("hit", "ratio")), Term(1, 1, ("close",)), Term(1, 1, ("missed",)), Term(1, 1, ("slack",)),
                ),
                factor=("ratio", "false_positives"),
            ),
        ),
        witness={
            "false_negatives": 0, "false_positives": Fraction(1, 2), "delta": 0, "e": 1, "d": 0, "f": Fraction(1, 2), "g": 0,
            "bound": Fraction(2, 3), "ratio": 3,
        },
    ),
    false_sibling=FalseSibling(
        "delta left out", log((1 - false_negatives) / false_positives),
        counterexample={
            "false_negatives": Fraction(23, 100), "false_positives": Fraction(1, 4), "delta": Fraction(1, 10),
            "e": 1, "d": Fraction(1, 10), "f": Fraction(1, 4), "g": Fraction(23, 100),
        },
    ),
)  # fmt: skip

_VARIATION = (1 + advantage - 2 * delta) / (1 - advantage)

TOTAL_VARIATION = Theorem(
    id="audit.total-variation",
    statement=(
        "Two laws at total variation D or more (a lower limit of the greatest difference of two distribution functions is such a D) "
        "have epsilon >= ln((1 + D - 2 delta)/(1 - D)). Randomised response attains it."
    ),
    hypotheses=(
        Hypothesis("advantage", "at or below the greatest difference of the two probabilities of an event", Side.LOWER, Domain.PROBABILITY),
        CLAIMED_DELTA,
    ),
    conclusion=LEAST_EPSILON,
    formula=log(_VARIATION),
    rests_on=("privacy.indistinguishable", "analysis.exponential-law"),
    source="Kairouz, Oh & Viswanath, IEEE Trans. Inf. Theory 63 (2017) 4037-4049, for the region; own proof",
    side_conditions=(Relation(">0", 1 + advantage - 2 * delta, "1 + D - 2 delta > 0"),),
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "an epsilon at which the two laws are indistinguishable",
            "d": "the delta of that claim",
            "p": "probability under the one law of an event",
            "q": "probability under the other law of that event",
        },
        terms={"bound": log(_VARIATION), "ratio": exp(e)},
        facts=(
            Fact("event", ">=0", exp(e) * q + d - p, ("privacy.indistinguishable",), "P(A) <= exp(e) Q(A) + d"),
            Fact(
                "complement", ">=0", exp(e) * (1 - p) + d - (1 - q), ("privacy.indistinguishable",), "Q(not A) <= exp(e) P(not A) + d",
            ),
            Fact("apart", ">=0", (p - q) - advantage, ("hypothesis:advantage",), "some event has a difference that the number given does not exceed"),
            Fact("slack", ">=0", delta - d, ("hypothesis:delta",), "the number given covers d"),
            Fact(
                "tangent", ">=0", _VARIATION - exp(e) * (1 + log(_VARIATION) - e), ("analysis.exponential-law",),
                "exp(log x) >= exp(e)(1 + log x - e)",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("tangent",)), Term(1, 1, ("event",)), Term(1, 1, ("complement",)), Term(2, 1, ("slack",)),
                    Term(1, 1, ("apart", "ratio")), Term(1, 1, ("apart",)),
                ),
                factor=("ratio", "1-advantage"),
            ),
        ),
        witness={
            "advantage": Fraction(1, 2), "delta": 0, "e": 2, "d": 0, "p": Fraction(3, 4), "q": Fraction(1, 4), "bound": Fraction(3, 2), "ratio": 4,
        },
    ),
    false_sibling=FalseSibling(
        "delta counted once", log((1 + advantage - delta) / (1 - advantage)),
        counterexample={
            "advantage": Fraction(1, 2), "delta": Fraction(1, 10), "e": Fraction(957, 1000), "d": Fraction(1, 10), "p": Fraction(3, 4), "q": Fraction(1, 4),
        },
    ),
)  # fmt: skip

_GIVEN = normal_cdf(threshold - mu)

GAUSSIAN = Theorem(
    id="audit.gaussian",
    statement=(
        "A test of two mu-GDP laws with a false positive rate of at most Phi(-threshold) has a false negative rate of at least "
        "Phi(threshold - mu); an upper limit of that rate below this refutes the claim of mu. It is no bound of epsilon for other laws."
    ),
    hypotheses=(
        MU_HYPOTHESIS,
        Hypothesis("threshold", "a number with Phi(-threshold) at or above the false positive rate", Side.LOWER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("false_negatives", "false negative rate of the test", Side.LOWER),
    formula=_GIVEN,
    rests_on=("privacy.gaussian-parameter", "probability.gaussian-rotation", "calculus.chain-rule"),
    source="Nasr et al., Tight auditing of differentially private machine learning, USENIX Security 2023; own proof",
    proof=AlgebraicProof(
        target="g",
        variables={
            "g": "false negative rate of the test",
            "s": "the number with Phi(-s) equal to its false positive rate",
            "u": "Gaussian parameter of the two laws",
            "w": "mean of the normal density between the two arguments",
        },
        terms={"given": _GIVEN, "power": normal_cdf(u - s)},
        facts=(
            Fact(
                "power at least", ">=0", normal_cdf(u - s) - (1 - g), ("privacy.gaussian-parameter",),
                "the test is positive with probability at most Phi(u - s) under the other law",
            ),
            Fact("claim", ">=0", mu - u, ("hypothesis:mu",), "the number given covers u"),
            Fact("level", ">=0", s - threshold, ("hypothesis:threshold",), "the false positive rate is at most Phi(-threshold), and Phi increases"),
            Fact("density", ">=0", w, ("calculus.chain-rule",), "a density is nonnegative"),
            Fact(
                "between", "==0", 1 - normal_cdf(u - s) - _GIVEN - w * ((s - u) - (threshold - mu)),
                ("calculus.chain-rule", "probability.gaussian-rotation"),
                "1 - Phi(u - s) = Phi(s - u), and a difference of Phi is the mean density times that of the arguments",
            ),
        ),
        steps=(Step((Term(1, 1, ("power at least",)), Term(1, 1, ("density", "claim")), Term(1, 1, ("density", "level"))), ((1, "between"),)),),
        witness={
            "mu": 1, "threshold": 1, "g": Fraction(1, 2), "s": 1, "u": 1, "w": 1, "given": Fraction(1, 2), "power": Fraction(1, 2),
        },
    ),
    false_sibling=FalseSibling(
        "half of mu", normal_cdf(threshold - mu / 2), counterexample={"mu": 1, "threshold": 1, "g": Fraction(1, 2), "s": 1, "u": 1, "w": 1}
    ),
)  # fmt: skip

# ---------------------------------------------------------------- grids of claims

GRID = Theorem(
    id="audit.grid",
    statement=(
        "Claims at the points of a grid of epsilons, fixed beforehand, are each tested so that a true one is rejected with probability at "
        "most alpha. Reported is the last rejected point before the first that is not rejected, or 0. It exceeds the true epsilon with "
        "probability at most alpha, whatever the number of points; the first point that is not rejected would not do."
    ),
    hypotheses=(
        Hypothesis("alpha", "at or above the probability to reject a true claim, at every point of the grid", Side.UPPER, Domain.PROBABILITY),
    ),
    conclusion=REPORT_ERROR,
    formula=alpha,
    rests_on=("privacy.indistinguishable", "probability.expectation"),
    source="own derivation (fixed-sequence testing)",
    proof=AlgebraicProof(
        target="m",
        variables={
            "m": "probability that the point reported exceeds the true epsilon",
            "c": "probability that the first point of the grid at or above the true epsilon is rejected",
        },
        facts=(
            Fact(
                "inclusion", ">=0", c - m, ("probability.expectation",),
                "all points up to the one reported are rejected, so an excess means that the first at or above the truth is rejected, too",
            ),
            Fact(
                "level", ">=0", alpha - c, ("privacy.indistinguishable", "hypothesis:alpha"),
                "the claim at that point is true, for what holds at an epsilon holds at every larger one",
            ),
        ),
        steps=(Step((Term(1, 1, ("inclusion",)), Term(1, 1, ("level",)))),),
        witness={"alpha": Fraction(1, 2), "m": Fraction(1, 2), "c": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling("half of alpha", alpha / 2, counterexample={"alpha": Fraction(1, 2), "m": Fraction(1, 2), "c": Fraction(1, 2)}),
)  # fmt: skip

THEOREMS = (REGION, TOTAL_VARIATION, GAUSSIAN, GRID)
