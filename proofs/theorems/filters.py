"""Filters: releases whose noise may be chosen in the light of earlier outcomes, under a budget in one currency fixed beforehand."""

from __future__ import annotations

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import GAUSSIAN_PARAMETER, RENYI
from .zcdp import ANY_ORDER, MEANING, ORDERS, PARAMETER

budget, square, order = symbols("budget square order")
v, m, a, d, g, worst = symbols("v m a d g worst")
w, w_next, w_first, w_last = symbols("w w_next w_first w_last")
p, p_next, p_first, p_last = symbols("p p_next p_first p_last")

_RENYI_WITNESS = {"budget": 1, "v": 1, "order": 2, "m": 1, "worst": 0, "w": 0, "w_next": 0, "w_first": 0, "w_last": 0}

RENYI_FILTER = Theorem(
    id="renyi.filter",
    statement=(
        "Releases each have, given the earlier outcomes, a Rényi divergence of one order of at most a number that may itself be chosen in the "
        "light of them. If the order is fixed beforehand and these numbers add up to at most the budget whatever the outcomes, all releases "
        "together have at most the budget as their divergence of that order. Of a sum that was spent so far, below the budget, this says nothing."
    ),
    hypotheses=(
        Hypothesis(
            "budget", "at or above the sum of the divergences at the order, whatever the outcomes; fixed before the first release", Side.UPPER,
            Domain.NONNEGATIVE,
        ),
    ),
    conclusion=RENYI,
    formula=budget,
    rests_on=("privacy.renyi-divergence", "probability.conditional-densities", "probability.expectation", "analysis.exponential-law"),
    source="Feldman & Zrnic, Individual privacy accounting via a Rényi filter, NeurIPS 2021; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "divergence of all releases together",
            "order": "the order",
            "m": "logarithm of the mean of the likelihood ratio of all outcomes to the power of the order",
            "worst": "the logarithm of the mean of the next likelihood ratio to the power of the order, less (a - 1) times the number "
            "given for it, at those earlier outcomes and at that release where this is greatest",
        },
        sequences=(
            Sequence(
                "w", "w_next", "w_first", "w_last",
                "logarithm of the mean, over the outcomes so far, of their likelihood ratio to the power a times exp((1 - a) s), s the sum spent on them",
            ),
        ),
        facts=(
            Fact("order above 1", ">0", order - 1, ("privacy.renyi-divergence",), "orders above one"),
            Fact("together", "==0", m - (order - 1) * v, ("privacy.renyi-divergence",), "the definition"),
            Fact("nothing shown", "==0", w_first, ("probability.expectation",), "before the first release the ratio is one and nothing is spent"),
            Fact(
                "in turn", ">=0", w + worst - w_next, ("probability.conditional-densities", "analysis.exponential-law"),
                "likelihood ratios multiply and what is spent adds; the inner mean, given the outcomes so far, is at most exp(worst)",
            ),
            Fact("paid", ">=0", -worst, ("privacy.renyi-divergence",), "given any earlier outcomes, the number given covers the divergence"),
            Fact(
                "within", ">=0", (order - 1) * budget + w_last - m,
                ("probability.expectation", "analysis.exponential-law", "hypothesis:budget"),
                "the sum spent is at most the budget at every outcome, so that exp((a - 1)(budget - s)) is at least one under the mean",
            ),
        ),
        steps=(
            Induction(
                "no growth", -w,
                base=(Step(equations=((-1, "nothing shown"),)),),
                step=(Step((Term(1, 1, ("no growth",)), Term(1, 1, ("in turn",)), Term(1, 1, ("paid",)))),),
            ),
            Step((Term(1, 1, ("within",)), Term(1, 1, ("no growth",))), ((1, "together"),), ("order above 1",)),
        ),
        witness=_RENYI_WITNESS,
    ),
    false_sibling=FalseSibling("half of it", budget / 2, counterexample=_RENYI_WITNESS),
)  # fmt: skip

_CONCENTRATED_WITNESS = {"budget": 1, "v": 1, "a": 2, "d": 2}

CONCENTRATED_FILTER = Theorem(
    id="zcdp.filter",
    statement=(
        "Releases each are, given the earlier outcomes, rho-zCDP for a number rho that may itself be chosen in the light of them. If these numbers "
        "add up to at most the budget whatever the outcomes, and the budget is fixed beforehand, all releases together are zCDP with the budget."
    ),
    hypotheses=(
        Hypothesis(
            "budget", "at or above the sum of the zCDP parameters, whatever the outcomes; fixed before the first release", Side.UPPER,
            Domain.NONNEGATIVE,
        ),
    ),
    conclusion=PARAMETER,
    formula=budget,
    rests_on=("renyi.filter", "privacy.zero-concentrated"),
    source="Feldman & Zrnic, Individual privacy accounting via a Rényi filter, NeurIPS 2021, at every order; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence of all releases over the order, at any order", **MEANING},
        facts=(ORDERS[1], ANY_ORDER),
        citations=(
            Citation("at the order", "renyi.filter", d, {"budget": a * budget}, "at one order a the divergences a rho add up to at most a budget"),
        ),
        steps=(Step((Term(1, 1, ("at the order",)),), ((-1, "any order"),), ("order above 0",)),),
        witness=_CONCENTRATED_WITNESS,
    ),
    false_sibling=FalseSibling("half of it", budget / 2, counterexample=_CONCENTRATED_WITNESS),
)  # fmt: skip

_ROOT = sqrt(square)
_GAUSSIAN_WITNESS = {"square": 1, "v": 1, "g": 1, "p": 1, "p_next": 1, "p_first": 1, "p_last": 1}

GAUSSIAN_FILTER = Theorem(
    id="gaussian.filter",
    statement=(
        "Releases each are, given the earlier outcomes, mu-GDP for a mu that may itself be chosen in the light of them. If the squares of these "
        "numbers add up to at most the budget whatever the outcomes, and the budget is fixed beforehand, all releases together are GDP with its root."
    ),
    hypotheses=(
        Hypothesis(
            "square", "at or above the sum of the squares of the Gaussian parameters, whatever the outcomes; fixed before the first release",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_ROOT,
    rests_on=("privacy.gaussian-parameter", "privacy.blackwell", "probability.gaussian-rotation", "probability.conditional-densities"),
    source="Smith & Thakurta, Fully adaptive composition for Gaussian differential privacy, arXiv 2210.17520 (2022); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Gaussian parameter of all releases together",
            "g": "Gaussian parameter whose square is the sum allowed",
        },
        sequences=(
            Sequence(
                "p", "p_next", "p_first", "p_last",
                "Gaussian parameter of the outcomes so far together with one more outcome: N(r, 1) against N(0, 1), where r² is what they left of the budget",
            ),
        ),
        facts=(
            Fact("g at least 0", ">=0", g, ("privacy.gaussian-parameter",), "a Gaussian parameter is nonnegative"),
            Fact("v at least 0", ">=0", v, ("privacy.gaussian-parameter",), "a Gaussian parameter is nonnegative"),
            Fact("covers", ">=0", square - g**2, ("hypothesis:square",), "the number given covers the sum"),
            Fact(
                "nothing shown", "==0", p_first - g, ("privacy.gaussian-parameter",),
                "before the first release there is that one outcome alone, N(g, 1) against N(0, 1)",
            ),
            Fact(
                "made of it", ">=0", p - p_next,
                (
                    "privacy.gaussian-parameter", "privacy.blackwell", "probability.gaussian-rotation", "probability.conditional-densities",
                ),
                "given the outcomes so far, N(r, 1) against N(0, 1) is, turned, two independent pairs, one at the distance mu of the next release and "
                "one at what then is left; one randomised map makes the next outcome of the first of them; so every test of the later is one of the earlier",
            ),
            Fact("all", ">=0", p_last - v, ("privacy.gaussian-parameter",), "a test that looks at the outcomes alone is a test"),
        ),
        steps=(
            Induction(
                "no growth", g - p,
                base=(Step(equations=((-1, "nothing shown"),)),),
                step=(Step((Term(1, 1, ("no growth",)), Term(1, 1, ("made of it",)))),),
            ),
            Step((Term(1, 1, ("no growth",)), Term(1, 1, ("all",))), name="lesser", slack=g - v),
            Step(
                (Term(1, 1, ("covers",)), Term(1, 1, ("lesser", "g at least 0")), Term(1, 1, ("lesser", "v at least 0"))), ((1, "root^2"),),
                name="squares", slack=_ROOT**2 - v**2,
            ),
            by_squares(_ROOT, v, "squares"),
        ),
        terms={"root": _ROOT},
        witness=_GAUSSIAN_WITNESS,
    ),
    false_sibling=FalseSibling("half of it", _ROOT / 2, counterexample=_GAUSSIAN_WITNESS),
)  # fmt: skip

THEOREMS = (RENYI_FILTER, CONCENTRATED_FILTER, GAUSSIAN_FILTER)
