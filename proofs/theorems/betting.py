"""Audits by betting: a capital that cannot be expected to grow while the (epsilon, delta) claim holds."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, expression, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import CLAIMED_DELTA, TESTED_EPSILON

epsilon, delta, threshold, fraction = symbols("epsilon delta threshold fraction")
a, b, g, s, t, v, w, x, y = symbols("a b g s t v w x y")
lost, lost_next, lost_first, lost_last = symbols("lost lost_next lost_first lost_last")
stopped, stopped_next, stopped_first, stopped_last = symbols("stopped stopped_next stopped_first stopped_last")
running, reached, reached_last = symbols("running reached reached_last")

_ROUND = (
    "A round looks at a fresh unlearned and a fresh retrained draw, each with its law whatever is past, and multiplies the capital by "
    "1 + stake (1[x in R] - exp(epsilon) 1[y in R] - delta), with the region R and the stake >= 0 chosen before it."
)

E_FACTOR = Theorem(
    id="audit.e-factor",
    statement=(
        f"{_ROUND} If the claim holds, the factor has mean at most one given the past; so it does where a draw is missing, if a missing "
        "unlearned draw counts as outside of R and a missing retrained draw as inside. The two laws may change places."
    ),
    hypotheses=(TESTED_EPSILON, CLAIMED_DELTA),
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
    hypotheses=(_FRACTION, TESTED_EPSILON, CLAIMED_DELTA),
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
    hypotheses=(_FRACTION, TESTED_EPSILON, CLAIMED_DELTA),
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
        "reaches a threshold, within any number of rounds, with probability at most one over it, so looking after every round costs nothing. "
        "Missing draws count as in audit.e-factor."
    ),
    hypotheses=(
        Hypothesis("threshold", "at or below the threshold, fixed beforehand", Side.LOWER, Domain.POSITIVE), _FRACTION, TESTED_EPSILON, CLAIMED_DELTA,
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

THEOREMS = (E_FACTOR, E_LOSS, E_CAPITAL, E_PROCESS)
