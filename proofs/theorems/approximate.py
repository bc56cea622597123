"""What follows from (epsilon, delta): the best attack, chains of laws, groups of records, two releases, a bound that may fail."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, exp, maximum, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Split, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import TOTAL_VARIATION

epsilon, delta, excess, group_excess, failure = symbols("epsilon delta excess group_excess failure")
first_epsilon, first_delta, second_epsilon, second_delta = symbols("first_epsilon first_delta second_epsilon second_delta")
v, p, q, s, p_back, q_back, s_back = symbols("v p q s p_back q_back s_back")
p_good, q_good, bad, ratio, first_ratio, second_ratio, h, k = symbols("p_good q_good bad ratio first_ratio second_ratio h k")
w, w_next, w_first, w_last, c, c_next, c_first, c_last = symbols("w w_next w_first w_last c c_next c_first c_last")

_LOG_TWO = Fraction("0.6931471805599453")
_SLACK = "least delta with P(A) <= exp(epsilon) Q(A) + delta and Q(A) <= exp(epsilon) P(A) + delta for every event A"


def _delta(symbol: str, laws: str) -> Hypothesis:
    return Hypothesis(symbol, f"additive slack of {laws}, in both directions", Side.UPPER, Domain.NONNEGATIVE)


def _epsilon(symbol: str, laws: str) -> Hypothesis:
    return Hypothesis(symbol, f"logarithmic ratio that is allowed for {laws}", Side.UPPER, Domain.NONNEGATIVE)


def _probability(name: str, value: Expression) -> Fact:
    return Fact(name, ">=0", value, ("probability.expectation",), "a probability is nonnegative")


def _within(name: str, slack: Expression, *hypotheses: str, words: str) -> Fact:
    """One use of the definition, on one event and in one direction."""
    return Fact(name, ">=0", slack, ("privacy.indistinguishable", *(f"hypothesis:{symbol}" for symbol in hypotheses)), words)


TOTAL_VARIATION_THEOREM = Theorem(
    id="approximate.total-variation",
    statement=(
        "No test tells two (epsilon, delta)-indistinguishable laws apart with an advantage above (exp(epsilon) - 1 + 2 delta)/(exp(epsilon) + 1); "
        "randomised response attains it."
    ),
    hypotheses=(_epsilon("epsilon", "the two laws"), _delta("delta", "the two laws at epsilon")),
    side_conditions=(Relation(">=0", 1 - delta, "delta <= 1"),),
    conclusion=TOTAL_VARIATION,
    formula=1 - 2 * (1 - delta) / (exp(epsilon) + 1),
    rests_on=("privacy.indistinguishable", "probability.expectation"),
    source="Kairouz, Oh & Viswanath, ICML 2015, Theorem 2.1 (the region of errors); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest difference of the two probabilities of an event",
            "p": "the greater probability of that event",
            "q": "the smaller probability of that event",
        },
        terms={"allowed": exp(epsilon)},
        facts=(
            Fact("difference", "==0", v - p + q, ("probability.expectation",), "an event and its two probabilities"),
            _probability("q at least 0", q),
            Fact("p at most 1", ">=0", 1 - p, ("probability.expectation",), "a probability is at most one"),
            _within("event", exp(epsilon) * q + delta - p, "epsilon", "delta", words="on the event"),
            Fact(
                "complement", ">=0", exp(epsilon) * (1 - p) + delta - 1 + q,
                ("privacy.indistinguishable", "probability.expectation", "hypothesis:epsilon", "hypothesis:delta"),
                "on its complement, in the other direction",
            ),
        ),
        steps=(Step((Term(1, 1, ("event",)), Term(1, 1, ("complement",))), ((-exp(epsilon) - 1, "difference"),)),),
        witness={"epsilon": 1, "delta": 0, "v": Fraction(1, 3), "p": Fraction(2, 3), "q": Fraction(1, 3), "allowed": 2},
    ),
    false_sibling=FalseSibling(
        "delta counted once", (exp(epsilon) - 1 + delta) / (exp(epsilon) + 1),
        counterexample={"epsilon": 0, "delta": Fraction(1, 2), "v": Fraction(1, 2), "p": Fraction(1, 2), "q": 0},
    ),
)  # fmt: skip

_FORWARD = p - exp(first_epsilon + second_epsilon) * q
_BACKWARD = q_back - exp(first_epsilon + second_epsilon) * p_back
_WORST = maximum(first_delta + exp(first_epsilon) * second_delta, second_delta + exp(second_epsilon) * first_delta)

TRIANGLE = Theorem(
    id="approximate.triangle",
    statement=(
        "If P and R are (epsilon1, delta1)- and R and Q (epsilon2, delta2)-indistinguishable, then P and Q are so at epsilon1 + epsilon2 with "
        "max(delta1 + exp(epsilon1) delta2, delta2 + exp(epsilon2) delta1): one term for each direction."
    ),
    hypotheses=(
        _epsilon("first_epsilon", "the first and the middle law"), _delta("first_delta", "these two at first_epsilon"),
        _epsilon("second_epsilon", "the middle and the last law"), _delta("second_delta", "these two at second_epsilon"),
    ),
    conclusion=Conclusion("delta", f"{_SLACK}, at the sum of the two epsilons given", Side.UPPER),
    formula=_WORST,
    rests_on=("privacy.indistinguishable", "probability.expectation", "analysis.exponential-law"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "least additive slack of the first and the last law in both directions",
            "p": "probability under the first law of the event on which the slack towards the last is greatest",
            "s": "its probability under the middle law",
            "q": "its probability under the last law",
            "p_back": "probability under the first law of the event on which the slack in the other direction is greatest",
            "s_back": "its probability under the middle law",
            "q_back": "its probability under the last law",
        },
        terms={
            "one": exp(first_epsilon), "two": exp(second_epsilon), "both": exp(first_epsilon + second_epsilon), "worst": _WORST,
        },
        facts=(
            *(_probability(str(name.literal), name) for name in (s, q, p_back, s_back)),
            Fact("law", "==0", exp(first_epsilon + second_epsilon) - exp(first_epsilon) * exp(second_epsilon), ("analysis.exponential-law",), "the law of exp"),
            _within("p to s", exp(first_epsilon) * s + first_delta - p, "first_epsilon", "first_delta", words="first against middle law"),
            _within("s to q", exp(second_epsilon) * q + second_delta - s, "second_epsilon", "second_delta", words="middle against last law"),
            _within("q to s", exp(second_epsilon) * s_back + second_delta - q_back, "second_epsilon", "second_delta", words="last against middle law"),
            _within("s to p", exp(first_epsilon) * p_back + first_delta - s_back, "first_epsilon", "first_delta", words="middle against first law"),
            Fact(
                "either", "==0", (v - _FORWARD) * (v - _BACKWARD), ("privacy.indistinguishable",),
                "the slack of both directions is the slack of one of them",
            ),
        ),
        steps=(
            Step(
                (Term(1, 1, ("worst>=left",)), Term(1, 1, ("p to s",)), Term(1, 1, ("one", "s to q"))), ((q, "law"),),
                name="forward", slack=_WORST - _FORWARD,
            ),
            Step(
                (Term(1, 1, ("worst>=right",)), Term(1, 1, ("q to s",)), Term(1, 1, ("two", "s to p"))), ((p_back, "law"),),
                name="backward", slack=_WORST - _BACKWARD,
            ),
            Split(
                "which", v - _FORWARD,
                positive=(Step((Term(1, 1, ("which", "backward")),), ((-1, "either"),), ("which",)),),
                zero=(Step((Term(1, 1, ("forward",)),), ((-1, "which"),)),),
                negative=(Step((Term(1, 1, ("which", "backward")),), ((1, "either"),), ("which",)),),
            ),
        ),
        witness={
            "first_epsilon": 0, "first_delta": Fraction(1, 4), "second_epsilon": 1, "second_delta": 0, "v": Fraction(1, 2),
            "p": 0, "s": 0, "q": 0, "p_back": 0, "s_back": Fraction(1, 4), "q_back": Fraction(1, 2), "one": 1, "two": 2, "both": 2,
        },
    ),
    false_sibling=FalseSibling(
        "one direction only", first_delta + exp(first_epsilon) * second_delta,
        counterexample={
            "first_epsilon": 0, "first_delta": Fraction(1, 4), "second_epsilon": _LOG_TWO, "second_delta": 0, "v": Fraction(1, 2),
            "p": 0, "s": 0, "q": 0, "p_back": 0, "s_back": Fraction(1, 4), "q_back": Fraction(1, 2),
        },
    ),
)  # fmt: skip

GROUP = Theorem(
    id="approximate.group",
    statement=(
        "If every step of a chain of laws is (epsilon, delta)-indistinguishable, its ends, k steps apart, are so at k epsilon with "
        "delta (exp(k epsilon) - 1)/(exp(epsilon) - 1); randomised response attains it."
    ),
    hypotheses=(
        Hypothesis("excess", "exp(epsilon) - 1 for one step; the number given says what epsilon is, log(1 + excess)", Side.EXACT, Domain.POSITIVE),
        Hypothesis("group_excess", "at or above exp(k epsilon) - 1, that is (1 + excess)^k - 1, for k steps", Side.UPPER, Domain.NONNEGATIVE),
        _delta("delta", "every two neighbours in the chain at epsilon"),
    ),
    conclusion=Conclusion("delta", f"{_SLACK}, for the two ends at k times epsilon", Side.UPPER),
    formula=delta * group_excess / excess,
    rests_on=("privacy.indistinguishable", "arithmetic.recursion"),
    source="Vadhan, The Complexity of Differential Privacy (2017), Lemma 2.2 (the sum before it is bounded); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "probability of an event at one end minus exp(k epsilon) times that at the other, where this is greatest"},
        sequences=(
            Sequence("w", "w_next", "w_first", "w_last", "probability of that event under the law some steps from the other end"),
            Sequence("c", "c_next", "c_first", "c_last", "exp(epsilon) to the power of the number of steps"),
        ),
        facts=(
            Fact("slack", "==0", v - w_last + c_last * w_first, ("privacy.indistinguishable",), "the event on which the slack is greatest"),
            _within("neighbours", (1 + excess) * w + delta - w_next, "delta", words="one law against the next"),
            Fact("no step", "==0", c_first - 1, ("arithmetic.recursion",), "the power nought"),
            Fact("one more", "==0", c_next - (1 + excess) * c, ("arithmetic.recursion",), "the next power"),
            Fact("reached", ">=0", group_excess + 1 - c_last, ("hypothesis:group_excess",), "the number given covers the power"),
        ),
        steps=(
            Induction(
                "chain", excess * (c * w_first - w) + delta * (c - 1),
                base=(Step(equations=((excess * w_first + delta, "no step"),)),),
                step=(
                    Step(
                        (Term(1, 1, ("chain",)), Term(1, 1, ("excess", "chain")), Term(1, 1, ("excess", "neighbours"))),
                        ((excess * w_first + delta, "one more"),),
                    ),
                ),
            ),
            Step((Term(1, 1, ("chain",)), Term(1, 1, ("delta", "reached"))), ((-excess, "slack"),)),
        ),
        witness={
            "excess": 1, "group_excess": 1, "delta": Fraction(1, 4), "v": Fraction(1, 4),
            "w": 0, "w_next": Fraction(1, 4), "w_first": 0, "w_last": Fraction(1, 4), "c": 1, "c_next": 2, "c_first": 1, "c_last": 2,
        },
    ),
    false_sibling=FalseSibling(
        "two steps pay 2 delta", 2 * delta,
        counterexample={
            "excess": 1, "group_excess": 3, "delta": Fraction(1, 8), "v": Fraction(3, 8),
            "w": 0, "w_next": Fraction(1, 8), "w_first": 0, "w_last": Fraction(3, 8), "c": 1, "c_next": 2, "c_first": 1, "c_last": 4,
        },
    ),
)  # fmt: skip

COMPOSITION = Theorem(
    id="approximate.composition",
    statement=(
        "An (epsilon1, delta1)-private release and an (epsilon2, delta2)-private one, the second perhaps depending on the outcome of the first, "
        "are together (epsilon1 + epsilon2, delta1 + delta2)-private."
    ),
    hypotheses=(
        _delta("first_delta", "the first release at its epsilon"),
        _delta("second_delta", "the second release at its epsilon, whatever the first returned"),
    ),
    conclusion=Conclusion("delta", f"{_SLACK}, at the sum of the epsilons", Side.UPPER),
    formula=first_delta + second_delta,
    rests_on=("privacy.indistinguishable", "probability.conditional-densities", "analysis.exponential-law"),
    source="Dwork & Roth, The Algorithmic Foundations of Differential Privacy (2014), Theorem B.1; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest of P(A) - exp(epsilon1 + epsilon2) Q(A) over events of both outcomes",
            "p": "probability P(A) of the event where it is greatest",
            "q": "probability Q(A)",
            "h": "mean under the first law of P of min(1, exp(epsilon2) times the conditional probability of A under Q)",
            "k": "the same mean under the first law of Q",
            "first_ratio": "exp(epsilon1)",
            "second_ratio": "exp(epsilon2)",
        },
        facts=(
            Fact("first ratio", ">0", first_ratio, ("analysis.exponential-law",), "an exponential"),
            Fact(
                "slack", "==0", v - p + first_ratio * second_ratio * q, ("privacy.indistinguishable", "analysis.exponential-law"),
                "exp(epsilon1 + epsilon2) is the product of the two ratios",
            ),
            Fact(
                "second release", ">=0", h + second_delta - p,
                ("privacy.indistinguishable", "probability.conditional-densities", "hypothesis:second_delta"),
                "given the first outcome, P(A) is at most min(1, exp(epsilon2) Q(A)) + delta2",
            ),
            _within("first release", first_ratio * k + first_delta - h, "first_delta", words="a function with values in [0, 1] is a test"),
            Fact("cut off", ">=0", second_ratio * q - k, ("probability.conditional-densities",), "min(1, x) <= x"),
        ),
        steps=(
            Step((Term(1, 1, ("second release",)), Term(1, 1, ("first release",)), Term(1, 1, ("first ratio", "cut off"))), ((-1, "slack"),)),
        ),
        witness={
            "first_delta": Fraction(1, 4), "second_delta": Fraction(1, 4), "v": Fraction(1, 2), "p": Fraction(1, 2), "q": 0,
            "h": Fraction(1, 4), "k": 0, "first_ratio": 1, "second_ratio": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first_delta, second_delta),
        counterexample={
            "first_delta": Fraction(1, 4), "second_delta": Fraction(1, 4), "v": Fraction(7, 16), "p": Fraction(7, 16), "q": 0,
            "h": Fraction(1, 4), "k": 0, "first_ratio": 1, "second_ratio": 1,
        },
    ),
)  # fmt: skip

HIGH_PROBABILITY = Theorem(
    id="approximate.high-probability-sensitivity",
    statement=(
        "If the mechanism's own randomness makes the sensitivity bound hold with probability at least 1 - delta', and the release is "
        "(epsilon, delta)-private where it holds, the release is (epsilon, delta + delta')-private. A probability over the draw of the data, "
        "or of the deletion request, is another thing and does not enter."
    ),
    hypotheses=(
        _delta("delta", "the release at epsilon where the sensitivity bound holds"),
        Hypothesis(
            "failure", "probability, over randomness of the mechanism that is common to both inputs, that the sensitivity bound fails",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
    ),
    conclusion=Conclusion("delta", f"{_SLACK}, at the same epsilon", Side.UPPER),
    formula=delta + failure,
    rests_on=("privacy.indistinguishable", "probability.conditional-densities", "probability.expectation", "analysis.exponential-law"),
    source="standard; own proof (Neel, Roth & Sharifi-Malvajerdi, ALT 2021, Lemma 22, gives 2 delta at delta' = delta)",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest of P(A) - exp(epsilon) Q(A) over events",
            "p": "probability P(A) of the event where it is greatest",
            "q": "probability Q(A)",
            "p_good": "probability under P that A happens and the sensitivity bound holds",
            "q_good": "the same under Q",
            "bad": "probability that the bound fails",
            "ratio": "exp(epsilon)",
        },
        facts=(
            Fact("ratio", ">0", ratio, ("analysis.exponential-law",), "an exponential"),
            Fact("slack", "==0", v - p + ratio * q, ("privacy.indistinguishable",), "the event on which the slack is greatest"),
            Fact("p without bound", ">=0", p_good + bad - p, ("probability.expectation",), "A happens where the bound holds, or the bound fails"),
            Fact("q with bound", ">=0", q - q_good, ("probability.expectation",), "a smaller event"),
            _probability("bad at least 0", bad),
            Fact("bound", ">=0", failure - bad, ("hypothesis:failure",), "the number given covers the probability of failure"),
            Fact(
                "good", ">=0", ratio * q_good + delta * (1 - bad) - p_good,
                ("privacy.indistinguishable", "probability.conditional-densities", "hypothesis:delta"),
                "the mean, over the randomness with which the bound holds, of the guarantee given that randomness",
            ),
            Fact("bad at most 1", ">=0", 1 - bad, ("probability.expectation",), "a probability is at most one"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("p without bound",)), Term(1, 1, ("ratio", "q with bound")), Term(1, 1, ("bound",)), Term(1, 1, ("good",)),
                    Term(1, 1, ("delta", "bad at least 0")),
                ),
                ((-1, "slack"),),
            ),
        ),
        witness={
            "delta": Fraction(1, 4), "failure": Fraction(1, 4), "v": Fraction(7, 16), "p": Fraction(7, 16), "q": 0,
            "p_good": Fraction(3, 16), "q_good": 0, "bad": Fraction(1, 4), "ratio": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the failure forgotten", delta,
        counterexample={
            "delta": Fraction(1, 4), "failure": Fraction(1, 4), "v": Fraction(7, 16), "p": Fraction(7, 16), "q": 0,
            "p_good": Fraction(3, 16), "q_good": 0, "bad": Fraction(1, 4), "ratio": 1,
        },
    ),
)  # fmt: skip

THEOREMS = (TOTAL_VARIATION_THEOREM, TRIANGLE, GROUP, COMPOSITION, HIGH_PROBABILITY)
