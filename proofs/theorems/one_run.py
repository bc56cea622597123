"""Audits by one run: fair coins choose what is unlearned, and a guesser calls them from the result."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, incomplete_beta, log, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import CLAIMED_DELTA, LEAST_EPSILON, REPORT_ERROR, TESTED_EPSILON

epsilon, delta, alpha, score, tail, r, v = symbols("epsilon delta alpha score tail r v")
b, c, e, m = symbols("b c e m")

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
    hypotheses=(_CALLS, _RIGHT, TESTED_EPSILON, CLAIMED_DELTA),
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
        "least 1 - alpha (audit.one-run-level); or it is a lower confidence limit from several independent runs, with v fixed beforehand. "
        "Nothing is said if delta is alpha or more."
    ),
    hypotheses=(
        _CALLS, _RIGHT, CLAIMED_DELTA,
        Hypothesis("tail", "at or above I(1/2; v, r - v + 1), the probability that Bin(r, 1/2) is v or more", Side.UPPER, Domain.POSITIVE),
        Hypothesis("alpha", "at or below the probability of v or more right calls", Side.LOWER, Domain.PROBABILITY),
    ),
    conclusion=LEAST_EPSILON,
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
        _CALLS, _RIGHT, Hypothesis("epsilon", "the epsilon that the rule reports for v right calls", Side.EXACT, Domain.NONNEGATIVE), CLAIMED_DELTA,
        Hypothesis(
            "alpha", "at or above exp(epsilon) I(1/2; v, r - v + 1) + delta for the epsilon that the rule reports, at every v with one above 0",
            Side.UPPER, Domain.PROBABILITY,
        ),
    ),
    conclusion=REPORT_ERROR,
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
    hypotheses=(Hypothesis("score", "at or below the score that was seen", Side.LOWER, Domain.POSITIVE), TESTED_EPSILON, CLAIMED_DELTA),
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

THEOREMS = (ONE_RUN_TAIL, ONE_RUN, ONE_RUN_LEVEL, ONE_RUN_WEIGHTED)
