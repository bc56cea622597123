"""Rényi divergences at one order: Gaussian noise, composition, the weak triangle inequality."""

from __future__ import annotations

from fractions import Fraction

from ..expression import maximum, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import ABOVE_ONE, ORDER, RENYI, SENSITIVITY, SIGMA

order, split, first, second, sensitivity, sigma = symbols("order split first second sensitivity sigma")
v, r, a, b, m, f, g = symbols("v r a b m f g")

_HALF = Fraction(1, 2)

GAUSSIAN = Theorem(
    id="renyi.gaussian",
    statement="N(v, sigma² I) and N(v', sigma² I) with |v - v'| at most the sensitivity have a Rényi divergence of order a at most a sensitivity²/(2 sigma²).",
    hypotheses=(ORDER, SENSITIVITY, SIGMA),
    side_conditions=(ABOVE_ONE,),
    conclusion=RENYI,
    formula=order * sensitivity**2 / (2 * sigma**2),
    rests_on=(
        "gaussian.mu", "privacy.renyi-divergence", "probability.gaussian-rotation", "probability.likelihood-ratio",
        "probability.gaussian-generating-function",
    ),
    source="Mironov, CSF 2017, Proposition 7; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence of the two Gaussian laws at this order", "r": "distance of their means in units of the noise"},
        facts=(
            Fact("r at least 0", ">=0", r, ("probability.gaussian-rotation",), "the larger mean comes first"),
            Fact(
                "mean", "==0", (order - 1) * v - _HALF * (order * r) ** 2 + _HALF * order * r**2,
                ("privacy.renyi-divergence", "probability.likelihood-ratio", "probability.gaussian-generating-function"),
                "the mean of exp(a (r x - r²/2)) over x of law N(0, 1), and its logarithm",
            ),
        ),
        citations=(
            Citation("parameter", "gaussian.mu", r, {"sensitivity": sensitivity, "sigma": sigma}, "the pair is equivalent to N(r, 1), N(0, 1)"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("condition:0", "order", "sensitivity", "parameter")),
                    Term(1, 1, ("condition:0", "order", "sigma", "r at least 0", "parameter")),
                ),
                ((-2 * sigma**2, "mean"),),
                ("condition:0",),
            ),
        ),
        witness={"order": 2, "sensitivity": 1, "sigma": 1, "v": 1, "r": 1},
    ),
    false_sibling=FalseSibling(
        "the divergence of order one at every order", sensitivity**2 / (2 * sigma**2),
        counterexample={"order": 2, "sensitivity": 1, "sigma": 1, "v": 1, "r": 1},
    ),
)  # fmt: skip

COMPOSITION = Theorem(
    id="renyi.composition",
    statement="Rényi divergences of one order add up over releases, also when the second depends on the outcome of the first.",
    hypotheses=(
        Hypothesis("first", "at or above the divergence of the first release at the order", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "at or above the divergence of the second at the same order, whatever the first returned", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=RENYI,
    formula=first + second,
    rests_on=("privacy.renyi-divergence", "probability.conditional-densities", "analysis.exponential-law"),
    source="Mironov, CSF 2017, Proposition 1; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "divergence of the two releases together",
            "order": "the order",
            "a": "divergence of the first release",
            "b": "greatest divergence of the second release over outcomes of the first",
            "m": "logarithm of the mean, over both outcomes, of the likelihood ratio to the power of the order",
            "f": "the same logarithm for the first release",
            "g": "the same logarithm for the second release, greatest over outcomes of the first",
        },
        facts=(
            Fact("order above 1", ">0", order - 1, ("privacy.renyi-divergence",), "orders above one"),
            Fact("together", "==0", m - (order - 1) * v, ("privacy.renyi-divergence",), "the definition"),
            Fact("of the first", "==0", f - (order - 1) * a, ("privacy.renyi-divergence",), "the definition"),
            Fact("of the second", "==0", g - (order - 1) * b, ("privacy.renyi-divergence",), "the definition"),
            Fact(
                "in turn", ">=0", f + g - m, ("probability.conditional-densities", "analysis.exponential-law"),
                "likelihood ratios multiply; the inner mean is at most its greatest value, which comes out of the outer one; take logarithms",
            ),
            Fact("first covers", ">=0", first - a, ("hypothesis:first",), "the number given covers a"),
            Fact("second covers", ">=0", second - b, ("hypothesis:second",), "the number given covers b"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("in turn",)), Term(1, 1, ("order above 1", "first covers")), Term(1, 1, ("order above 1", "second covers"))),
                ((1, "together"), (-1, "of the first"), (-1, "of the second")),
                ("order above 1",),
            ),
        ),
        witness={"first": 1, "second": 1, "v": 2, "order": 2, "a": 1, "b": 1, "m": 2, "f": 1, "g": 1},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first, second),
        counterexample={"first": 1, "second": 1, "v": 2, "order": 2, "a": 1, "b": 1, "m": 2, "f": 1, "g": 1},
    ),
)  # fmt: skip

TRIANGLE = Theorem(
    id="renyi.triangle",
    statement=(
        "For any p > 1 and 1/p + 1/q = 1: D_a(P|Q) <= (a - 1/p)/(a - 1) D_(p a)(P|R) + D_(q (a - 1/p))(R|Q). The second order is "
        "1 + p (a - 1)/(p - 1). One direction: for the other, exchange P and Q."
    ),
    hypotheses=(
        ORDER,
        Hypothesis("split", "the exponent p of Hölder's inequality", Side.EXACT, Domain.POSITIVE),
        Hypothesis("first", "at or above the divergence of P from R at the order p a", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "at or above the divergence of R from Q at the order 1 + p (a - 1)/(p - 1)", Side.UPPER, Domain.NONNEGATIVE),
    ),
    side_conditions=(ABOVE_ONE, Relation(">0", split - 1, "split > 1")),
    conclusion=RENYI,
    formula=(1 + (split - 1) / (split * (order - 1))) * first + second,
    rests_on=("privacy.renyi-divergence", "probability.holder", "analysis.exponential-law"),
    source="Mironov, CSF 2017, Proposition 11; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "divergence of P from Q at the order a",
            "a": "divergence of P from R at the order p a",
            "b": "divergence of R from Q at the order q (a - 1/p)",
            "m": "logarithm of the mean under Q of the likelihood ratio of P to the power a",
            "f": "logarithm of the mean under R of the likelihood ratio of P to the power p a",
            "g": "logarithm of the mean under Q of the likelihood ratio of R to the power q (a - 1/p)",
        },
        facts=(
            Fact("whole", "==0", m - (order - 1) * v, ("privacy.renyi-divergence",), "the definition"),
            Fact("to R", "==0", f - (order * split - 1) * a, ("privacy.renyi-divergence",), "the definition"),
            Fact(
                "from R", "==0", (split - 1) * g - split * (order - 1) * b, ("privacy.renyi-divergence",),
                "the definition: the order minus one is p (a - 1)/(p - 1)",
            ),
            Fact(
                "holder", ">=0", f + (split - 1) * g - split * m, ("probability.holder", "analysis.exponential-law"),
                "Hölder for (P/R)^a R^(1/p) and (R/Q)^(a - 1/p) Q^(1/q), whose product is P^a Q^(1 - a), in logarithms and times p",
            ),
            Fact("first covers", ">=0", first - a, ("hypothesis:first",), "the number given covers a"),
            Fact("second covers", ">=0", second - b, ("hypothesis:second",), "the number given covers b"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("holder",)),
                    Term(1, 1, ("condition:0", "split", "first covers")), Term(1, 1, ("condition:1", "first covers")),
                    Term(1, 1, ("condition:0", "split", "second covers")),
                ),
                ((split, "whole"), (-1, "to R"), (-1, "from R")),
            ),
        ),
        witness={"order": 2, "split": 2, "first": 4, "second": 3, "v": 8, "a": 4, "b": 2, "m": 8, "f": 12, "g": 4},
    ),
    false_sibling=FalseSibling(
        "the two divergences added, as for a metric", first + second,
        counterexample={"order": 2, "split": 2, "first": 2, "second": 3, "v": 6, "a": 2, "b": 3, "m": 6, "f": 6, "g": 6},
    ),
)  # fmt: skip

THEOREMS = (GAUSSIAN, COMPOSITION, TRIANGLE)
