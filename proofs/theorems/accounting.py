"""Accounting: many releases at once, (epsilon, delta) read at a smaller epsilon, Poisson sampling before Gaussian noise."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import ABOVE_ONE, GAUSSIAN_PARAMETER, RENYI

square, count, divergence, epsilon, delta, target, order, excess = symbols(
    "square count divergence epsilon delta target order excess"
)
v, p, q, b, x, r, s, t, w, a, d, mu = symbols("v p q b x r s t w a d mu")
m, m_next, m_first, m_last = symbols("m m_next m_first m_last")
total, total_next, total_first, total_last = symbols("total total_next total_first total_last")
gap, gap_next, gap_first, gap_last, j, j_next, j_first, j_last = symbols(
    "gap gap_next gap_first gap_last j j_next j_first j_last"
)
forward, backward, mass, rate, at_r, at_s = symbols("forward backward mass rate at_r at_s")

_LOG_TWO, _LOG_THREE = Fraction("0.6931471805599453"), Fraction("1.0986122886681098")
_ROOT = sqrt(square)

GAUSSIAN_MANY = Theorem(
    id="gaussian.composition-many",
    statement=(
        "Releases that are mu_1-GDP, mu_2-GDP, ..., each perhaps depending on the outcomes of the earlier ones, are together GDP with the root "
        "of the sum of the squares, whatever their number and order."
    ),
    hypotheses=(
        Hypothesis("square", "at or above the sum of the squares of the Gaussian parameters of the releases", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_ROOT,
    rests_on=("privacy.tradeoff-composition", "probability.gaussian-rotation", "arithmetic.recursion"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Corollary 3.3; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Gaussian parameter of all releases together"},
        sequences=(
            Sequence("m", "m_next", "m_first", "m_last", "Gaussian parameter of the releases so far"),
            Sequence("total", "total_next", "total_first", "total_last", "sum of the squares of their parameters"),
            Sequence("b", "b_next", "b_first", "b_last", "Gaussian parameter of the next release, whatever the earlier ones returned"),
        ),
        terms={"root": _ROOT},
        facts=(
            Fact("nothing shown", "==0", m_first, ("privacy.tradeoff-composition",), "before the first release nothing is seen"),
            Fact("empty sum", "==0", total_first, ("arithmetic.recursion",), "the empty sum"),
            Fact("one more", "==0", total_next - total - b**2, ("arithmetic.recursion",), "the sum goes on"),
            Fact(
                "rotation", "==0", m_next**2 - m**2 - b**2, ("privacy.tradeoff-composition", "probability.gaussian-rotation"),
                "the product of the Gaussian pair so far and the next one is one Gaussian pair, at the distance that Pythagoras gives",
            ),
            Fact("all", "==0", v - m_last, ("privacy.tradeoff-composition",), "all releases"),
            Fact("covers", ">=0", square - total_last, ("hypothesis:square",), "the number given covers the sum"),
        ),
        steps=(
            Induction(
                "so far", total - m**2,
                base=(Step(equations=((1, "empty sum"), (-m_first, "nothing shown"))),),
                step=(Step((Term(1, 1, ("so far",)),), ((1, "one more"), (-1, "rotation"))),),
            ),
            Step(
                (Term(1, 1, ("covers",)), Term(1, 1, ("so far",))), ((1, "root^2"), (-v - m_last, "all")),
                name="squares", slack=_ROOT**2 - v**2,
            ),
            by_squares(_ROOT, v, "squares"),
        ),
        witness={
            "square": 1, "v": 1, "b": 1, "b_next": 0, "b_first": 1, "b_last": 0, "m": 0, "m_next": 1, "m_first": 0, "m_last": 1,
            "total": 0, "total_next": 1, "total_first": 0, "total_last": 1,
        },
    ),
    false_sibling=FalseSibling(
        "half of it", _ROOT / 2,
        counterexample={
            "square": 1, "v": 1, "b": 1, "b_next": 0, "b_first": 1, "b_last": 0, "m": 0, "m_next": 1, "m_first": 0, "m_last": 1,
            "total": 0, "total_next": 1, "total_first": 0, "total_last": 1,
        },
    ),
)  # fmt: skip

_TWO_STEPS = {
    "count": 2, "divergence": 1, "v": 2, "gap": 1, "gap_next": 2, "gap_first": 0, "gap_last": 2, "j": 1, "j_next": 2, "j_first": 0, "j_last": 2,
}  # fmt: skip

RENYI_MANY = Theorem(
    id="renyi.composition-many",
    statement=(
        "A number of releases, each with at most the divergence given at one order whatever the earlier ones returned, have together at most "
        "that number times the divergence."
    ),
    hypotheses=(
        Hypothesis("count", "number of releases", Side.UPPER, Domain.COUNT, "releases"),
        Hypothesis("divergence", "at or above the Rényi divergence of every one of them at the order", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=RENYI,
    formula=count * divergence,
    rests_on=("renyi.composition", "privacy.renyi-divergence", "arithmetic.recursion"),
    source="Mironov, CSF 2017, Proposition 1; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "divergence of all releases together"},
        sequences=(
            Sequence("gap", "gap_next", "gap_first", "gap_last", "divergence of the releases so far together"),
            Sequence("j", "j_next", "j_first", "j_last", "number of releases so far"),
        ),
        facts=(
            Fact("gap at least 0", ">=0", gap, ("privacy.renyi-divergence",), "a divergence is nonnegative"),
            Fact("nothing shown", "==0", gap_first, ("privacy.renyi-divergence",), "before the first release nothing is seen"),
            Fact("all", "==0", v - gap_last, ("privacy.renyi-divergence",), "all releases"),
            Fact("no release", "==0", j_first, ("arithmetic.recursion",), "counting starts at nought"),
            Fact("one more", "==0", j_next - j - 1, ("arithmetic.recursion",), "and goes on by one"),
            Fact("number", ">=0", count - j_last, ("hypothesis:count",), "the number given covers the releases"),
        ),
        citations=(Citation("added", "renyi.composition", gap_next, {"first": gap, "second": divergence}, "the releases so far, and the next"),),
        steps=(
            Induction(
                "paid", j * divergence - gap,
                base=(Step(equations=((divergence, "no release"), (-1, "nothing shown"))),),
                step=(Step((Term(1, 1, ("paid",)), Term(1, 1, ("added",))), ((divergence, "one more"),)),),
            ),
            Step((Term(1, 1, ("paid",)), Term(1, 1, ("divergence", "number"))), ((-1, "all"),)),
        ),
        witness={
            "count": 1, "divergence": 1, "v": 1, "gap": 0, "gap_next": 1, "gap_first": 0, "gap_last": 1, "j": 0, "j_next": 1, "j_first": 0, "j_last": 1,
        },
    ),
    false_sibling=FalseSibling("half of it", count * divergence / 2, counterexample=_TWO_STEPS),
)  # fmt: skip

GAUSSIAN_PARAMETER_CONCENTRATED = Theorem(
    id="zcdp.gaussian-parameter",
    statement="Laws that are mu-GDP are rho-zCDP with rho = mu²/2.",
    hypotheses=(Hypothesis("mu", "Gaussian parameter of the two laws", Side.UPPER, Domain.POSITIVE),),
    conclusion=Conclusion("rho", "least rho with Rényi divergence at most rho times the order, at every order above one", Side.UPPER),
    formula=mu**2 / 2,
    rests_on=("amplification.divergence", "privacy.zero-concentrated"),
    source="Bun & Steinke, TCC 2016, Proposition 1.6, carried over by Dong, Roth & Su (2022), supplement; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence over the order, at any order", "a": "any order", "d": "Rényi divergence at that order"},
        facts=(
            Fact("order above 1", ">0", a - 1, ("privacy.zero-concentrated",), "orders above one"),
            Fact("order above 0", ">0", a, ("privacy.zero-concentrated",), "orders above one"),
            Fact("any order", "==0", a * v - d, ("privacy.zero-concentrated",), "v is d/a; the parameter is the supremum of these ratios"),
        ),
        citations=(Citation("at the order", "amplification.divergence", d, {"order": a, "mu": mu}, "at the same order"),),
        steps=(Step((Term(1, 1, ("at the order",)),), ((-2, "any order"),), ("order above 0",)),),
        witness={"mu": 1, "v": Fraction(1, 2), "a": 2, "d": 1},
    ),
    false_sibling=FalseSibling("half of it", mu**2 / 4, counterexample={"mu": 1, "v": Fraction(1, 2), "a": 2, "d": 1}),
)  # fmt: skip

_RESPONSE = 1 - (1 - delta) * (1 + exp(target)) / (exp(epsilon) + 1)

APPROXIMATE_PROFILE = Theorem(
    id="approximate.profile",
    statement=(
        "Laws that are (epsilon, delta)-indistinguishable in both directions are so at any smaller epsilon t >= 0 too, with the additive slack "
        "1 - (1 - delta)(1 + exp(t))/(1 + exp(epsilon)); randomised response attains it."
    ),
    hypotheses=(
        Hypothesis("epsilon", "a logarithmic ratio at which the two laws are known to be close", Side.EXACT, Domain.POSITIVE),
        Hypothesis("delta", "additive slack at that ratio, in both directions", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("target", "the smaller logarithmic ratio that is asked for", Side.EXACT, Domain.NONNEGATIVE),
    ),
    side_conditions=(Relation(">=0", 1 - delta, "delta <= 1"), Relation(">=0", epsilon - target, "target <= epsilon")),
    conclusion=Conclusion("delta", "least additive slack of the two laws at the target, in both directions", Side.UPPER),
    formula=_RESPONSE,
    rests_on=("privacy.indistinguishable", "probability.expectation", "analysis.exponential-series"),
    source="Kairouz, Oh & Viswanath, ICML 2015, Theorem 2.1 (the region of errors); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "probability of an event under one law minus exp(target) times that under the other, where this is greatest",
            "p": "its probability under the one law",
            "q": "its probability under the other",
        },
        terms={"known": exp(epsilon), "asked": exp(target)},
        facts=(
            Fact("slack", "==0", v - p + exp(target) * q, ("privacy.indistinguishable",), "the event on which the slack is greatest"),
            Fact("above one", ">0", exp(epsilon) - 1, ("analysis.exponential-series", "hypothesis:epsilon"), "exp(x) >= 1 + x"),
            Fact("at least one", ">=0", exp(target) - 1, ("analysis.exponential-series", "hypothesis:target"), "exp(x) >= 1 + x"),
            Fact("smaller", ">=0", exp(epsilon) - exp(target), ("analysis.exponential-series", "hypothesis:target"), "exp increases"),
            Fact(
                "event", ">=0", exp(epsilon) * q + delta - p, ("privacy.indistinguishable", "hypothesis:epsilon", "hypothesis:delta"),
                "the definition on the event",
            ),
            Fact(
                "complement", ">=0", exp(epsilon) * (1 - p) + delta - 1 + q,
                ("privacy.indistinguishable", "probability.expectation", "hypothesis:epsilon", "hypothesis:delta"),
                "on its complement, in the other direction",
            ),
        ),
        steps=(
            Step(
                (Term(1, 1, ("above one", "asked")), Term(1, 1, ("at least one",))),
                name="product", slack=exp(epsilon) * exp(target) - 1,
            ),
            Step(
                (Term(1, 1, ("product", "event")), Term(1, 1, ("smaller", "complement"))),
                ((1 - exp(epsilon) ** 2, "slack"),), ("above one",),
            ),
        ),
        witness={
            "epsilon": 2, "delta": 0, "target": 1, "v": 0, "p": Fraction(1, 2), "q": Fraction(1, 4), "known": 4, "asked": 2,
        },
    ),
    false_sibling=FalseSibling(
        "delta counted once", 1 - (1 + exp(target)) / (exp(epsilon) + 1) + delta / 2,
        counterexample={"epsilon": _LOG_THREE, "delta": Fraction(1, 2), "target": _LOG_TWO, "v": Fraction(5, 8), "p": Fraction(7, 8), "q": Fraction(1, 8)},
    ),
)  # fmt: skip

_MOMENT = 1 + excess

SAMPLED_GAUSSIAN = Theorem(
    id="renyi.sampled-gaussian",
    statement=(
        "A release draws every record independently with probability q, computes a vector from the drawn ones that one record moves by at most "
        "the sensitivity, and adds N(0, sigma² I). With z = sigma/sensitivity, the laws with and without a record have, in both directions and at "
        "every whole order a > 1, a Rényi divergence of at most log(S)/(a - 1) with S the sum over k of binomial(a, k) (1 - q)^(a - k) q^k "
        "exp(k (k - 1)/(2 z²)). For a record that is replaced, not removed, this says nothing."
    ),
    hypotheses=(
        Hypothesis("order", "whole order of the Rényi divergence; one order is enough, the caller chooses it", Side.EXACT, Domain.COUNT),
        Hypothesis("excess", "at or above the sum S at that order, minus one", Side.UPPER, Domain.NONNEGATIVE),
    ),
    side_conditions=(ABOVE_ONE,),
    conclusion=RENYI,
    formula=log(_MOMENT) / (order - 1),
    rests_on=(
        "privacy.renyi-divergence", "privacy.data-processing", "probability.conditional-densities", "probability.gaussian-rotation",
        "probability.likelihood-ratio", "probability.gaussian-generating-function", "probability.expectation", "analysis.binomial-theorem",
        "analysis.exponential-law", "calculus.chain-rule",
    ),
    source="Mironov, Talwar & Zhang, Rényi differential privacy of the sampled Gaussian mechanism (2019), section 3.3; own proof of both directions",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "the greater of the two divergences, at the order a",
            "x": "the integral that belongs to it, given those draws of the other records for which it is greatest",
            "forward": "mean under N(0, 1) of X^a, where X = 1 - q + q L is the ratio of the mixture (1 - q) N(0, 1) + q N(d, 1) to N(0, 1), d <= 1/z",
            "backward": "mean under N(0, 1) of X^(1 - a)",
            "mass": "probability under N(0, 1) of the points at which the likelihood ratio L of N(d, 1) to N(0, 1) is at least one",
            "rate": "the probability q with which a record is drawn",
            "t": "L at one such point, chosen where the gain of the pair is at most its mean",
            "r": "X at that point: 1 - q + q t",
            "s": "X at its mirror image, where L is 1/t: 1 - q + q/t",
            "at_r": "(r^a - r^(1 - a))/(r - 1), the sum of r^k over k from 1 - a to a - 1",
            "at_s": "the same sum for s, which is that for 1/s",
            "w": "the mean of the derivative of that sum between 1/s and r, divided by s",
        },
        terms={"level": log(_MOMENT), "power": exp((order - 1) * v)},
        facts=(
            Fact(
                "shown", ">=0", x - exp((order - 1) * v),
                ("privacy.renyi-divergence", "privacy.data-processing", "probability.conditional-densities", "analysis.exponential-law"),
                "whoever also sees the draws of the other records tells more; the integral over all of them is at most its greatest value given them",
            ),
            Fact(
                "either", "==0", (x - forward) * (x - backward),
                ("privacy.renyi-divergence", "probability.gaussian-rotation"),
                "given them, a Gaussian law meets its mixture with one at the distance d, in this order or in the other",
            ),
            Fact(
                "binomial", ">=0", _MOMENT - forward,
                ("analysis.binomial-theorem", "probability.gaussian-generating-function", "probability.likelihood-ratio", "hypothesis:excess"),
                "expand X^a; the mean of L^k is exp(k (k - 1) d²/2), which grows with d, and the number given covers the sum at d = 1/z",
            ),
            Fact(
                "pairs", ">=0", forward - backward - mass * ((r - 1) * at_r + t * (s - 1) * at_s),
                ("probability.expectation", "probability.likelihood-ratio"),
                "a point and its mirror image have densities 1 : t, and a gain is somewhere at most its mean",
            ),
            Fact("mass", ">=0", mass, ("probability.expectation",), "a probability is nonnegative"),
            Fact("rate", ">=0", rate, ("probability.expectation",), "a probability is nonnegative"),
            Fact("rest", ">=0", 1 - rate, ("probability.expectation",), "a probability is at most one"),
            Fact("far", ">=0", t - 1, ("probability.likelihood-ratio",), "the point of the pair at which L is at least one"),
            Fact("positive", ">0", t, ("probability.likelihood-ratio",), "a ratio of densities"),
            Fact("here", "==0", r - 1 - rate * (t - 1), ("probability.likelihood-ratio",), "X at the point"),
            Fact("mirrored", "==0", t * (s - 1) + rate * (t - 1), ("probability.likelihood-ratio",), "X at its mirror image"),
            Fact(
                "mean value", "==0", at_r - at_s - w * (r * s - 1), ("calculus.chain-rule",),
                "the sum at r and at 1/s differ by r - 1/s times a mean of the derivative",
            ),
            Fact("growing", ">=0", w, ("calculus.chain-rule",), "x^k + x^(-k) grows for x >= 1, and r and 1/s are at least one"),
            Fact(
                "tangent", ">=0", exp((order - 1) * v) - _MOMENT * (1 + (order - 1) * v - log(_MOMENT)), ("analysis.exponential-law",),
                "exp(y) >= exp(z) (1 + y - z) with exp(z) = S",
            ),
        ),
        steps=(
            Step((Term(1, 1), Term(1, 1, ("excess",))), name="moment", kind=">0", slack=_MOMENT),
            Step(
                (Term(1, t - 1, ("rate", "rest")),), ((r, "mirrored"), (t - rate * (t - 1), "here")), ("positive",),
                name="closer", slack=r * s - 1,
            ),
            Step(
                (Term(1, 1, ("rate", "far", "growing", "closer")),), ((at_r, "here"), (at_s, "mirrored"), (rate * (t - 1), "mean value")),
                name="gain", slack=(r - 1) * at_r + t * (s - 1) * at_s,
            ),
            Step((Term(1, 1, ("pairs",)), Term(1, 1, ("mass", "gain"))), name="direction", slack=forward - backward),
            Split(
                "which", x - forward,
                positive=(
                    Step(
                        (
                            Term(1, 1, ("which", "tangent")), Term(1, 1, ("which", "shown")), Term(1, 1, ("which", "binomial")),
                            Term(1, 1, ("which", "direction")),
                        ),
                        ((-1, "either"),), ("which", "moment"),
                    ),
                ),
                zero=(Step((Term(1, 1, ("tangent",)), Term(1, 1, ("shown",)), Term(1, 1, ("binomial",))), ((-1, "which"),), ("moment",)),),
                negative=(
                    Step((Term(1, 1, ("tangent",)), Term(1, 1, ("shown",)), Term(1, 1, ("binomial",)), Term(1, 1, ("which",))), (), ("moment",)),
                ),
            ),
        ),
        witness={
            "order": 2, "excess": 1, "v": 1, "x": 2, "forward": 2, "backward": 1, "mass": Fraction(1, 2), "rate": 1, "t": 2, "r": 2,
            "s": Fraction(1, 2), "at_r": Fraction(7, 2), "at_s": Fraction(7, 2), "w": 0, "level": 1, "power": 2,
        },
    ),
    false_sibling=FalseSibling(
        "divided by the order", log(_MOMENT) / order,
        counterexample={
            "order": 2, "excess": 1, "v": _LOG_TWO, "x": 2, "forward": 2, "backward": 1, "mass": Fraction(1, 2), "rate": 1, "t": 2, "r": 2,
            "s": Fraction(1, 2), "at_r": Fraction(7, 2), "at_s": Fraction(7, 2), "w": 0,
        },
    ),
)  # fmt: skip

THEOREMS = (GAUSSIAN_MANY, RENYI_MANY, GAUSSIAN_PARAMETER_CONCENTRATED, APPROXIMATE_PROFILE, SAMPLED_GAUSSIAN)
