"""Audits: what error rates, a betting process or one run with random candidates say against an (epsilon, delta) claim."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, expression, incomplete_beta, log, normal_cdf, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import MU_HYPOTHESIS

epsilon, delta, alpha, mu, threshold, fraction, score, tail = symbols("epsilon delta alpha mu threshold fraction score tail")
false_negatives, false_positives, advantage, r, v = symbols("false_negatives false_positives advantage r v")
a, b, c, d, e, f, g, m, p, q, s, t, u, w, x, y = symbols("a b c d e f g m p q s t u w x y")
lost, lost_next, lost_first, lost_last = symbols("lost lost_next lost_first lost_last")
stopped, stopped_next, stopped_first, stopped_last = symbols("stopped stopped_next stopped_first stopped_last")
running, running_next, running_first, running_last = symbols("running running_next running_first running_last")
reached, reached_next, reached_first, reached_last = symbols("reached reached_next reached_first reached_last")

EPSILON = Hypothesis(
    "epsilon",
    "the epsilon at which the claim is tested: the laws are as close as that, or closer",
    Side.UPPER,
    Domain.NONNEGATIVE,
)
DELTA = Hypothesis("delta", "the delta of the claim", Side.UPPER, Domain.NONNEGATIVE)
_LEAST_EPSILON = Conclusion("epsilon", "epsilon at which the two laws are indistinguishable with this delta", Side.LOWER)
_ERROR = Conclusion("error", "probability that the epsilon reported exceeds the true one", Side.UPPER)

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
        DELTA,
    ),
    conclusion=_LEAST_EPSILON,
    formula=log(_REGION),
    rests_on=("privacy.indistinguishable", "analysis.exponential-law"),
    source="Kairouz, Oh & Viswanath, IEEE Trans. Inf. Theory 63 (2017) 4037-4049, Theorem 2.1; Jagielski, Ullman & Oprea, NeurIPS 2020; own proof",
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
        DELTA,
    ),
    conclusion=_LEAST_EPSILON,
    formula=log(_VARIATION),
    rests_on=("privacy.indistinguishable", "analysis.exponential-law"),
    source="Kairouz, Oh & Viswanath, IEEE Trans. Inf. Theory 63 (2017) 4037-4049, section II, for the region; own proof",
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

# ---------------------------------------------------------------- betting against the claim

_ROUND = (
    "A round looks at one unlearned and one retrained draw and multiplies the capital by 1 + stake (1[x in R] - exp(epsilon) 1[y in R] - delta), "
    "with the region R and the stake >= 0 chosen before it."
)

E_FACTOR = Theorem(
    id="audit.e-factor",
    statement=(
        f"{_ROUND} If the claim holds, the factor has mean at most one given the past; so it does where a draw is missing, if a missing "
        "unlearned draw counts as outside of R and a missing retrained draw as inside. The two laws may change places."
    ),
    hypotheses=(EPSILON, DELTA),
    conclusion=Conclusion("factor", "mean of the factor of one round, given the past", Side.UPPER),
    formula=expression(1),
    rests_on=("privacy.indistinguishable", "probability.expectation", "probability.betting", "analysis.exponential-series"),
    source="own derivation (Shafer 2021 and Waudby-Smith & Ramdas, J. R. Stat. Soc. B 86 (2024) 1-27, for betting)",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "mean of the factor given the past",
            "w": "the stake",
            "x": "probability that the unlearned draw falls in R",
            "y": "probability that the retrained draw falls in R",
            "s": "probability that the unlearned draw is there, decided before it is made (1 or 0 if known)",
            "t": "probability that the retrained draw is there, likewise",
        },
        terms={"ratio": exp(epsilon)},
        facts=(
            Fact(
                "factor", "==0", v - 1 - w * (s * x - exp(epsilon) * (t * y + 1 - t) - delta), ("probability.betting", "probability.expectation"),
                "the mean is linear; a missing x counts 0, a missing y counts 1",
            ),
            Fact("stake", ">=0", w, ("probability.betting",), "a stake is nonnegative"),
            Fact("x at least 0", ">=0", x, ("probability.expectation",), "a probability"),
            Fact("x at most 1", ">=0", 1 - x, ("probability.expectation",), "a probability"),
            Fact("y at least 0", ">=0", y, ("probability.expectation",), "a probability"),
            Fact("s at most 1", ">=0", 1 - s, ("probability.expectation",), "a probability"),
            Fact("t at least 0", ">=0", t, ("probability.expectation",), "a probability"),
            Fact("t at most 1", ">=0", 1 - t, ("probability.expectation",), "a probability"),
            Fact(
                "close", ">=0", exp(epsilon) * y + delta - x, ("privacy.indistinguishable", "hypothesis:epsilon", "hypothesis:delta"),
                "P(R) <= exp(epsilon) Q(R) + delta",
            ),
            Fact("ratio at least 1", ">=0", exp(epsilon) - 1, ("analysis.exponential-series",), "epsilon is nonnegative"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("stake", "t at least 0", "close")), Term(1, 1, ("stake", "t at most 1", "ratio at least 1")),
                    Term(1, 1, ("stake", "t at most 1", "x at most 1")), Term(1, 1, ("stake", "t at most 1", "delta")),
                    Term(1, 1, ("stake", "s at most 1", "x at least 0")),
                ),
                ((-1, "factor"),),
            ),
        ),
        witness={"epsilon": 1, "delta": 0, "v": 1, "w": 1, "x": Fraction(1, 2), "y": Fraction(1, 4), "s": 1, "t": 1, "ratio": 2},
    ),
    false_sibling=FalseSibling(
        "a mean below one", expression(Fraction(99, 100)),
        counterexample={"epsilon": 0, "delta": 0, "v": 1, "w": 1, "x": Fraction(1, 2), "y": Fraction(1, 2), "s": 1, "t": 1},
    ),
)  # fmt: skip

_FRACTION = Hypothesis(
    "fraction",
    "at or above stake · (exp(epsilon) + delta) in every round: the greatest fraction of the capital that can be lost",
    Side.UPPER,
    Domain.NONNEGATIVE,
)
_NO_DEBT = Relation(">=0", 1 - fraction, "fraction <= 1: no more than the capital is staked")

E_LOSS = Theorem(
    id="audit.e-loss",
    statement=f"{_ROUND} If stake (exp(epsilon) + delta) is at most a fraction, no more than that fraction of the capital is lost, whatever is drawn.",
    hypotheses=(_FRACTION, EPSILON, DELTA),
    conclusion=Conclusion("loss", "part of the capital that a round loses: one minus the factor", Side.UPPER),
    formula=fraction,
    rests_on=("probability.betting", "probability.expectation"),
    source="own derivation",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "one minus the factor", "w": "the stake", "a": "indicator of the unlearned draw", "b": "indicator of the retrained draw"},
        terms={"ratio": exp(epsilon)},
        facts=(
            Fact("factor", "==0", v + w * (a - exp(epsilon) * b - delta), ("probability.betting",), "what a round is"),
            Fact("stake", ">=0", w, ("probability.betting",), "a stake is nonnegative"),
            Fact("a at least 0", ">=0", a, ("probability.expectation",), "an indicator"),
            Fact("b at most 1", ">=0", 1 - b, ("probability.expectation",), "an indicator"),
            Fact("most", ">=0", fraction - w * (exp(epsilon) + delta), ("hypothesis:fraction",), "no more is staked"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("stake", "a at least 0")), Term(1, 1, ("stake", "ratio", "b at most 1")), Term(1, 1, ("most",))), ((-1, "factor"),),
            ),
        ),
        witness={"fraction": 1, "epsilon": 1, "delta": 0, "v": 1, "w": Fraction(1, 2), "a": 0, "b": 1, "ratio": 2},
    ),
    false_sibling=FalseSibling(
        "as if half of the stake could be lost", fraction / 2,
        counterexample={"fraction": 1, "epsilon": 0, "delta": 0, "v": 1, "w": 1, "a": 0, "b": 1},
    ),
)  # fmt: skip

_LOST = Sequence("lost", "lost_next", "lost_first", "lost_last", "greatest part of the first capital that can be lost")

E_CAPITAL = Theorem(
    id="audit.e-capital",
    statement=f"{_ROUND} If stake (exp(epsilon) + delta) is at most one, no more than the first capital is ever lost, also by a mixture.",
    hypotheses=(_FRACTION, EPSILON, DELTA),
    conclusion=Conclusion("loss", "one minus the capital after any number of rounds", Side.UPPER),
    formula=expression(1),
    rests_on=("audit.e-loss", "probability.betting"),
    source="own derivation",
    side_conditions=(_NO_DEBT,),
    proof=AlgebraicProof(
        target="lost_last",
        variables={"g": "greatest part of the capital that a round can lose"},
        sequences=(_LOST,),
        facts=(
            Fact("start", "==0", lost_first, ("probability.betting",), "the capital is one at first"),
            Fact(
                "one more round", ">=0", (1 - lost_next) - (1 - lost) * (1 - g), ("probability.betting",),
                "a round multiplies every capital by 1 - g or more",
            ),
        ),
        citations=(
            Citation("loss", "audit.e-loss", g, {"fraction": fraction, "epsilon": epsilon, "delta": delta}, "for the round that loses most"),
        ),
        steps=(
            Induction(
                "so far", 1 - lost,
                base=(Step((Term(1, 1),), ((-1, "start"),)),),
                step=(Step((Term(1, 1, ("one more round",)), Term(1, 1, ("so far", "loss")), Term(1, 1, ("so far", "condition:0")))),),
            ),
            Step((Term(1, 1, ("so far",)),)),
        ),
        witness={"fraction": 1, "epsilon": 1, "delta": 0, "g": 1, "lost": 0, "lost_next": 1, "lost_first": 0, "lost_last": 1},
    ),
    false_sibling=FalseSibling(
        "nine tenths of it", expression(Fraction(9, 10)),
        counterexample={"fraction": 1, "epsilon": 1, "delta": 0, "g": 1, "lost": 0, "lost_next": 1, "lost_first": 0, "lost_last": 1},
    ),
)  # fmt: skip

E_PROCESS = Theorem(
    id="audit.e-process",
    statement=(
        f"{_ROUND} Stakes with stake (exp(epsilon) + delta) at most one, and mixtures of such capitals: if the claim holds, the capital ever "
        "reaches a threshold, within any number of rounds, with probability at most one over it. So looking after every round costs nothing."
    ),
    hypotheses=(
        Hypothesis("threshold", "at or below the threshold, fixed beforehand", Side.LOWER, Domain.POSITIVE), _FRACTION, EPSILON, DELTA,
    ),
    conclusion=Conclusion("error", "probability that the capital ever reaches the threshold although the claim holds", Side.UPPER),
    formula=1 / threshold,
    rests_on=("audit.e-factor", "audit.e-capital", "probability.betting", "probability.expectation", "probability.conditional-expectation"),
    source="Ville, Etude critique de la notion de collectif (1939), for the inequality; the process is an own derivation; own proof",
    side_conditions=(_NO_DEBT,),
    proof=AlgebraicProof(
        target="reached_last",
        variables={"g": "greatest mean of the factor of a round, given a past"},
        sequences=(
            Sequence("stopped", "stopped_next", "stopped_first", "stopped_last", "mean of the capital, left alone once it reached the threshold"),
            Sequence("running", "running_next", "running_first", "running_last", "part of that mean from where the threshold was not reached yet"),
            Sequence("reached", "reached_next", "reached_first", "reached_last", "probability that the threshold was reached"),
            _LOST,
        ),
        facts=(
            Fact("start", "==0", stopped_first - 1, ("probability.betting",), "the capital is one at first"),
            Fact(
                "one more round", ">=0", stopped + running * (g - 1) - stopped_next, ("probability.betting", "probability.conditional-expectation"),
                "where the threshold was not reached, the capital (nonnegative and known) is multiplied by a factor of mean at most g",
            ),
            Fact("running", ">=0", running - (1 - reached) * (1 - lost), ("probability.expectation",), "the capital is at least what cannot be lost"),
            Fact("chance", ">=0", 1 - reached, ("probability.expectation",), "a probability is at most one"),
            Fact("last chance", ">=0", 1 - reached_last, ("probability.expectation",), "a probability is at most one"),
            Fact("reached", ">=0", reached_last, ("probability.expectation",), "a probability is nonnegative"),
            Fact(
                "Markov", ">=0", stopped_last - threshold * reached_last - (1 - reached_last) * (1 - lost_last),
                ("probability.expectation", "hypothesis:threshold"),
                "the stopped capital is at least the threshold where that was reached, and at least what cannot be lost elsewhere",
            ),
        ),
        citations=(
            Citation("mean", "audit.e-factor", g, {"epsilon": epsilon, "delta": delta}, "for the round and the past with the greatest mean"),
            Citation(
                "no debt", "audit.e-capital", lost, {"fraction": fraction, "epsilon": epsilon, "delta": delta}, "after every number of rounds",
            ),
            Citation(
                "no debt at last", "audit.e-capital", lost_last, {"fraction": fraction, "epsilon": epsilon, "delta": delta}, "after the last round",
            ),
        ),
        steps=(
            Induction(
                "fair", 1 - stopped,
                base=(Step(equations=((-1, "start"),)),),
                step=(
                    Step((Term(1, 1, ("running",)), Term(1, 1, ("chance", "no debt"))), name="running at least 0", slack=running),
                    Step((Term(1, 1, ("one more round",)), Term(1, 1, ("fair",)), Term(1, 1, ("running at least 0", "mean")))),
                ),
            ),
            Step((Term(1, 1, ("fair",)), Term(1, 1, ("Markov",)), Term(1, 1, ("last chance", "no debt at last")))),
        ),
        witness={
            "threshold": 2, "fraction": 1, "epsilon": 1, "delta": 0, "g": 1, "stopped": 1, "stopped_next": 1, "stopped_first": 1, "stopped_last": 1,
            "running": 1, "running_next": 0, "running_first": 1, "running_last": 0,
            "reached": 0, "reached_next": Fraction(1, 2), "reached_first": 0, "reached_last": Fraction(1, 2),
            "lost": 0, "lost_next": 1, "lost_first": 0, "lost_last": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the square of the threshold", 1 / threshold**2,
        counterexample={
            "threshold": 2, "fraction": 1, "epsilon": 0, "delta": 0, "g": 1, "stopped": 1, "stopped_next": 1, "stopped_first": 1, "stopped_last": 1,
            "running": 1, "running_next": 0, "running_first": 1, "running_last": 0,
            "reached": 0, "reached_next": Fraction(1, 2), "reached_first": 0, "reached_last": Fraction(1, 2),
            "lost": 0, "lost_next": 1, "lost_first": 0, "lost_last": 1,
        },
    ),
)  # fmt: skip

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
    conclusion=_ERROR,
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

# ---------------------------------------------------------------- one run

_CALLS = Hypothesis("r", "number of coins that are called, fixed beforehand", Side.EXACT, Domain.COUNT, "coins")
_RIGHT = Hypothesis("v", "number of right calls", Side.EXACT, Domain.COUNT, "coins")
_SOME_RIGHT = Relation(">0", v, "v > 0: some call is right")
_NO_MORE = Relation(">=0", r - v, "r - v >= 0: no more calls are right than were made")
_HEADS = incomplete_beta(Fraction(1, 2), v, r - v + 1)

_RUN = (
    "Fair coins choose which of some candidates are added to the data, and these are unlearned all at once. The claim: for every outcome of "
    "the coins the result is (epsilon, delta)-indistinguishable from one reference law, the same for every outcome (so no noise that "
    "depends on how many were unlearned). Who knows all but the coins"
)

ONE_RUN_TAIL = Theorem(
    id="audit.one-run-tail",
    statement=(
        f"{_RUN} calls r coins, r fixed beforehand. If the claim holds, v or more calls are right with probability at most "
        "exp(epsilon) P(Bin(r, 1/2) >= v) + delta."
    ),
    hypotheses=(_CALLS, _RIGHT, EPSILON, DELTA),
    conclusion=Conclusion("tail", "probability of v or more right calls", Side.UPPER),
    formula=exp(epsilon) * _HEADS + delta,
    rests_on=("privacy.indistinguishable", "probability.expectation", "probability.fair-coins", "probability.binomial-tail"),
    source="own derivation (Steinke, Nasr & Jagielski, NeurIPS 2023, for one run)",
    side_conditions=(_SOME_RIGHT, _NO_MORE),
    proof=AlgebraicProof(
        target="c",
        variables={
            "c": "probability of v or more right calls, over the coins and the unlearning",
            "b": "the same if the result were drawn from the reference law whatever the coins",
        },
        terms={"ratio": exp(epsilon), "heads": _HEADS},
        facts=(
            Fact("chance", ">=0", b, ("probability.expectation",), "a probability"),
            Fact(
                "close", ">=0", exp(epsilon) * b + delta - c,
                ("privacy.indistinguishable", "probability.expectation", "hypothesis:epsilon", "hypothesis:delta"),
                "for every outcome of the coins 'v or more calls are right' is an event of the result; take the mean over the coins",
            ),
            Fact(
                "coins", "==0", b - _HEADS, ("probability.fair-coins", "probability.binomial-tail"),
                "a result that is independent of the coins gives calls of which Bin(r, 1/2) are right",
            ),
        ),
        steps=(Step((Term(1, 1, ("close",)),), ((-exp(epsilon), "coins"),)),),
        witness={
            "r": 1, "v": 1, "epsilon": 1, "delta": 0, "c": 1, "b": Fraction(1, 2), "ratio": 2, "heads": Fraction(1, 2),
        },
    ),
    false_sibling=FalseSibling(
        "delta left out", exp(epsilon) * _HEADS,
        counterexample={"r": 1, "v": 1, "epsilon": 0, "delta": Fraction(1, 4), "c": Fraction(3, 4), "b": Fraction(1, 2)},
    ),
)  # fmt: skip

_ONE_RUN = (alpha - delta) / tail

ONE_RUN = Theorem(
    id="audit.one-run",
    statement=(
        f"{_RUN} calls r coins, r fixed beforehand, and v calls are right: then epsilon >= ln((alpha - delta)/P(Bin(r, 1/2) >= v)) for an alpha "
        "that the probability of so many right calls is not below. For an alpha fixed beforehand this is so with probability at "
        "least 1 - alpha (audit.one-run-level). Nothing is said if delta is alpha or more."
    ),
    hypotheses=(
        _CALLS, _RIGHT, DELTA,
        Hypothesis("tail", "at or above I(1/2; v, r - v + 1), the probability that Bin(r, 1/2) is v or more", Side.UPPER, Domain.POSITIVE),
        Hypothesis("alpha", "at or below the probability of v or more right calls", Side.LOWER, Domain.PROBABILITY),
    ),
    conclusion=_LEAST_EPSILON,
    formula=log(_ONE_RUN),
    rests_on=("audit.one-run-tail", "privacy.indistinguishable", "analysis.exponential-law"),
    source="own derivation (Steinke, Nasr & Jagielski, NeurIPS 2023, for one run)",
    side_conditions=(_SOME_RIGHT, _NO_MORE, Relation(">0", alpha - delta, "alpha - delta > 0: the level is above delta")),
    proof=AlgebraicProof(
        target="e",
        variables={"e": "an epsilon at which the claim holds", "c": "probability of v or more right calls"},
        terms={"bound": log(_ONE_RUN), "ratio": exp(e), "heads": _HEADS},
        facts=(
            Fact("epsilon", ">=0", e, ("privacy.indistinguishable",), "an epsilon is nonnegative"),
            Fact("heads covered", ">=0", tail - _HEADS, ("hypothesis:tail",), "the number given covers the tail"),
            Fact("seen", ">=0", c - alpha, ("hypothesis:alpha",), "so many right calls are not rarer than alpha"),
            Fact(
                "tangent", ">=0", _ONE_RUN - exp(e) * (1 + log(_ONE_RUN) - e), ("analysis.exponential-law",),
                "exp(log x) >= exp(e)(1 + log x - e)",
            ),
        ),
        citations=(Citation("calls", "audit.one-run-tail", c, {"r": r, "v": v, "epsilon": e, "delta": delta}, "at the true epsilon"),),
        steps=(
            Step(
                (Term(1, 1, ("tangent",)), Term(1, 1, ("heads covered", "ratio")), Term(1, 1, ("calls",)), Term(1, 1, ("seen",))),
                factor=("ratio", "tail"),
            ),
        ),
        witness={
            "r": 1, "v": 1, "delta": 0, "tail": Fraction(1, 2), "alpha": Fraction(1, 2), "e": 1, "c": Fraction(1, 2),
            "bound": 0, "ratio": 2, "heads": Fraction(1, 2),
        },
    ),
    false_sibling=FalseSibling(
        "delta left out", log(alpha / tail),
        counterexample={
            "r": 1, "v": 1, "delta": Fraction(1, 4), "tail": Fraction(1, 2), "alpha": Fraction(3, 4), "e": 0, "c": Fraction(3, 4),
        },
    ),
)  # fmt: skip

ONE_RUN_LEVEL = Theorem(
    id="audit.one-run-level",
    statement=(
        f"{_RUN} calls r coins, r and the rule fixed beforehand, and reports from the number v of right calls an epsilon, 0 or one with "
        "exp(epsilon) P(Bin(r, 1/2) >= v) + delta <= alpha. It exceeds the true epsilon with probability at most alpha."
    ),
    hypotheses=(
        _CALLS, _RIGHT, Hypothesis("epsilon", "the epsilon that the rule reports for v right calls", Side.EXACT, Domain.NONNEGATIVE), DELTA,
        Hypothesis(
            "alpha", "at or above exp(epsilon) I(1/2; v, r - v + 1) + delta for the epsilon that the rule reports, at every v with one above 0",
            Side.UPPER, Domain.PROBABILITY,
        ),
    ),
    conclusion=_ERROR,
    formula=alpha,
    rests_on=("audit.one-run-tail", "probability.expectation"),
    source="own derivation",
    side_conditions=(_SOME_RIGHT, _NO_MORE),
    proof=AlgebraicProof(
        target="m",
        variables={"m": "probability that the epsilon reported exceeds the true one", "c": "probability of v or more right calls"},
        terms={"ratio": exp(epsilon), "heads": _HEADS},
        facts=(
            Fact(
                "inclusion", ">=0", c - m, ("probability.expectation",),
                "v is the least count at which the report exceeds the truth, so an excess means v or more right calls (if there is none, m = 0)",
            ),
            Fact("level", ">=0", alpha - exp(epsilon) * _HEADS - delta, ("hypothesis:alpha",), "so the rule was made"),
        ),
        citations=(
            Citation(
                "calls", "audit.one-run-tail", c, {"r": r, "v": v, "epsilon": epsilon, "delta": delta}, "at the epsilon reported, which covers the true one",
            ),
        ),
        steps=(Step((Term(1, 1, ("inclusion",)), Term(1, 1, ("level",)), Term(1, 1, ("calls",)))),),
        witness={
            "r": 1, "v": 1, "epsilon": 0, "delta": 0, "alpha": Fraction(1, 2), "m": Fraction(1, 2), "c": Fraction(1, 2), "ratio": 1, "heads": Fraction(1, 2),
        },
    ),
    false_sibling=FalseSibling(
        "half of alpha", alpha / 2,
        counterexample={"r": 1, "v": 1, "epsilon": 0, "delta": 0, "alpha": Fraction(1, 2), "m": Fraction(1, 2), "c": Fraction(1, 2)},
    ),
)  # fmt: skip

_WEIGHTED = exp(-(score**2 / 2))

ONE_RUN_WEIGHTED = Theorem(
    id="audit.one-run-weighted",
    statement=(
        f"{_RUN} gives every coin a weight w_i of either sign. If the claim holds, the score sum s_i w_i / sqrt(sum w_i²), s_i = 1 for a chosen "
        "candidate and -1 for another, reaches a positive number with probability at most exp(epsilon - score²/2) + delta."
    ),
    hypotheses=(Hypothesis("score", "at or below the score that was seen", Side.LOWER, Domain.POSITIVE), EPSILON, DELTA),
    conclusion=Conclusion("tail", "probability of a score at or above the number given", Side.UPPER),
    formula=exp(epsilon) * _WEIGHTED + delta,
    rests_on=("confidence.weighted-coins", "privacy.indistinguishable", "probability.expectation"),
    source="own derivation",
    proof=AlgebraicProof(
        target="c",
        variables={
            "c": "probability of a score at or above the number given, over the coins and the unlearning",
            "b": "the same if the result were drawn from the reference law whatever the coins",
        },
        terms={"ratio": exp(epsilon), "bound": _WEIGHTED},
        facts=(
            Fact("chance", ">=0", b, ("probability.expectation",), "a probability"),
            Fact(
                "close", ">=0", exp(epsilon) * b + delta - c,
                ("privacy.indistinguishable", "probability.expectation", "hypothesis:epsilon", "hypothesis:delta"),
                "for every outcome of the coins 'the score is reached' is an event of the result; take the mean over the coins",
            ),
        ),
        citations=(
            Citation("coins", "confidence.weighted-coins", b, {"score": score}, "weights from a result that is independent of the coins"),
        ),
        steps=(Step((Term(1, 1, ("close",)), Term(1, 1, ("ratio", "coins")))),),
        witness={"score": 1, "epsilon": 1, "delta": 0, "c": 1, "b": Fraction(1, 2), "ratio": 2, "bound": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling(
        "delta left out", exp(epsilon) * _WEIGHTED,
        counterexample={"score": 1, "epsilon": 0, "delta": Fraction(1, 4), "c": Fraction(3, 4), "b": Fraction(1, 2)},
    ),
)  # fmt: skip

THEOREMS = (
    REGION, TOTAL_VARIATION, GAUSSIAN, E_FACTOR, E_LOSS, E_CAPITAL, E_PROCESS, GRID,
    ONE_RUN_TAIL, ONE_RUN, ONE_RUN_LEVEL, ONE_RUN_WEIGHTED,
)  # fmt: skip
