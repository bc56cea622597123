"""Losses whose third derivative is bounded by the second: a residual that stays sharp far from the minimiser."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, expression, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .newton import LINEAR_RESIDUAL, PREVIOUS_DISTANCE, STEP
from .rows import S_MEANING, SHARE
from .vocabulary import DISTANCE, ROW_NORM, STRONG_CONVEXITY

row_norm, step, linear_residual, previous_distance, self_concordance, energy_step, strong_convexity = symbols(
    "row_norm step linear_residual previous_distance self_concordance energy_step strong_convexity"
)
t, s, x, a, b, w, e, d, r, q, k, h = symbols("t s x a b w e d r q k h")

_CONSTANT = Conclusion(
    "self_concordance",
    "least nu with |D³f[u, u, v]| <= nu |v| D²f[u, u] for every record's loss f and all u, v",
    Side.UPPER,
    "1/parameter",
)

LOGISTIC = Theorem(
    id="logistic.self-concordance",
    statement="The third derivative of the logistic loss is at most R |v| times its second.",
    hypotheses=(ROW_NORM,),
    conclusion=_CONSTANT,
    formula=row_norm,
    rests_on=("analysis.loss-derivatives", "linalg.cauchy-schwarz"),
    source="Bach, Electron. J. Stat. 4 (2010) 384-414, section 2; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "ratio of the third derivative along (u, u, v) to the second along u, for a unit vector v",
            **S_MEANING,
            "x": "inner product of the feature row with v",
        },
        facts=(
            *SHARE,
            Fact("x at most R", ">=0", row_norm - x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "x <= |row| |v|"),
            Fact("x at least -R", ">=0", row_norm + x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "-x <= |row| |v|"),
            Fact(
                "ratio", "==0", t - (1 - 2 * s) * x, ("analysis.loss-derivatives",),
                "s (1 - s)(1 - 2 s) y² x over s (1 - s) y², where y is the inner product of the row with u; replace v by -v for the modulus",
            ),
        ),
        steps=(
            Step((Term(1, 1, ("s at least 0", "x at least -R")), Term(1, 1, ("s at most 1", "x at most R"))), ((-1, "ratio"),)),
        ),
        witness={"row_norm": 1, "t": 0, "s": Fraction(1, 2), "x": 1},
    ),
    false_sibling=FalseSibling(
        "half of it", row_norm / 2, counterexample={"row_norm": 1, "t": Fraction(3, 4), "s": Fraction(1, 8), "x": 1},
    ),
)  # fmt: skip

SOFTMAX = Theorem(
    id="softmax.self-concordance",
    statement="The third derivative of the softmax loss is at most sqrt(2) R |V| times its second.",
    hypotheses=(ROW_NORM,),
    conclusion=_CONSTANT,
    formula=sqrt(2) * row_norm,
    rests_on=("analysis.loss-derivatives", "probability.expectation", "linalg.cauchy-schwarz", "linalg.pythagoras"),
    source="own derivation (Bach 2010 for two classes)",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "ratio of the third derivative along (U, U, V) to the second along U, for |V| = 1",
            "a": "least coordinate of v = V x",
            "b": "greatest coordinate of v",
            "w": "Euclidean norm of v",
        },
        terms={"root": sqrt(2)},
        facts=(
            Fact("length", ">=0", row_norm - w, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "|V x| <= |V| |x| with |V| = 1"),
            Fact("w at least 0", ">=0", w, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("coordinates", ">=0", w**2 - a**2 - b**2, ("linalg.pythagoras",), "a and b are two of the coordinates (two classes at least)"),
            Fact(
                "spread", ">=0", (b - a) ** 2 - t**2, ("analysis.loss-derivatives", "probability.expectation"),
                "the third derivative is the mean of (u - mean u)² (v - mean v), and |v - mean v| <= b - a",
            ),
        ),
        steps=(
            Step(
                (
                    Term(2, 1, ("length", "row_norm")), Term(2, 1, ("length", "w at least 0")), Term(2, 1, ("coordinates",)),
                    Term(1, a + b), Term(1, 1, ("spread",)),
                ),
                ((row_norm**2, "root^2"),),
                name="squares", slack=(sqrt(2) * row_norm) ** 2 - t**2,
            ),
            by_squares(sqrt(2) * row_norm, t, "squares"),
        ),
        witness={"row_norm": 2, "t": 1, "a": 0, "b": 1, "w": 1},
    ),
    false_sibling=FalseSibling(
        "R, as for two classes with one row of parameters", row_norm,
        counterexample={"row_norm": Fraction(3, 2), "t": 2, "a": -1, "b": 1, "w": Fraction(3, 2)},
    ),
)  # fmt: skip

SQUARED = Theorem(
    id="squared.self-concordance",
    statement="The third derivative of (x.w - y)²/2 is zero.",
    hypotheses=(ROW_NORM,),
    conclusion=_CONSTANT,
    formula=expression(0),
    rests_on=("calculus.chain-rule",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of the third derivative to the second"},
        facts=(Fact("third", "==0", t, ("calculus.chain-rule",), "the loss is a polynomial of degree two"),),
        steps=(Step(equations=((-1, "third"),)),),
        witness={"row_norm": 1, "t": 0},
    ),
    false_sibling=FalseSibling("a negative constant", expression(-1), counterexample={"row_norm": 1, "t": 0}),
)  # fmt: skip

POISSON = Theorem(
    id="poisson.self-concordance",
    statement="The third derivative of exp(x.w) - y x.w is at most R |v| times its second, whatever the predictors.",
    hypotheses=(ROW_NORM,),
    conclusion=_CONSTANT,
    formula=row_norm,
    rests_on=("analysis.loss-derivatives", "linalg.cauchy-schwarz"),
    source="Bach, Electron. J. Stat. 4 (2010) 384-414, section 2, for losses whose third derivative is bounded by the second; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "ratio of the third derivative along (u, u, v) to the second along u, for a unit vector v",
            "x": "inner product of the feature row with v",
        },
        facts=(
            Fact("x at most R", ">=0", row_norm - x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "x <= |row| |v|"),
            Fact(
                "ratio", "==0", t - x, ("analysis.loss-derivatives",),
                "exp(x.w) y² x over exp(x.w) y², where y is the inner product of the row with u; replace v by -v for the modulus",
            ),
        ),
        steps=(Step((Term(1, 1, ("x at most R",)),), ((-1, "ratio"),)),),
        witness={"row_norm": 1, "t": 0, "x": 0},
    ),
    false_sibling=FalseSibling("half of it", row_norm / 2, counterexample={"row_norm": 1, "t": 1, "x": 1}),
)  # fmt: skip


def _change(radius: Expression) -> Expression:
    return Fraction(1, 2) * radius + Fraction(1, 12) * radius**2


_RADIUS = self_concordance * previous_distance
_HERE = self_concordance * e
_WITNESS: dict[str, Fraction | int] = {
    "step": 1, "linear_residual": 0, "previous_distance": 1, "self_concordance": 1, "energy_step": 0, "strong_convexity": 1,
    "e": 1, "s": 1, "d": 0, "r": 0, "q": 0, "k": Fraction(7, 12), "h": 0,
}  # fmt: skip

CORRECTED_RESIDUAL = Theorem(
    id="newton.self-concordant-residual",
    statement=(
        "With any trial step s and r = |g + H s|, the distance to an interior minimiser is at most "
        "|s| + r/mu + (nu e/2 + nu² e²/12) sqrt(s'H s/mu) for every e at or above the distance."
    ),
    hypotheses=(
        STEP,
        LINEAR_RESIDUAL,
        PREVIOUS_DISTANCE,
        Hypothesis(
            "self_concordance", "|D³F[u, u, v]| <= nu |v| D²F[u, u] everywhere, with at most this nu", Side.UPPER, Domain.NONNEGATIVE, "1/parameter"
        ),
        Hypothesis(
            "energy_step", "at or above the root of (step · H step) over the strong convexity that is given", Side.UPPER, Domain.NONNEGATIVE, "parameter"
        ),
        STRONG_CONVEXITY,
    ),
    conclusion=DISTANCE,
    formula=step + linear_residual / strong_convexity + _change(_RADIUS) * energy_step,
    rests_on=(
        "convexity.quasi-self-concordance", "convexity.strong-monotonicity", "calculus.stationarity", "linalg.relative-inverse",
        "linalg.cauchy-schwarz", "linalg.triangle",
    ),
    source="own derivation on Bach 2010, Proposition 1",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance |w* - w| of the parameters to the minimiser",
            "s": "norm of the trial step",
            "d": "norm of (A^-1 H - I) s, where A is the mean of the Hessian over the segment from w to w*",
            "r": "norm of A^-1 (g + H s)",
            "q": "norm of g + H s",
            "k": "greatest |1 - eigenvalue| of A^-1 H",
            "h": "root of (s · H s) over the strong convexity that is given",
        },
        facts=(
            Fact("before", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "triangle", ">=0", s + d + r - e, ("calculus.stationarity", "linalg.triangle"),
                "A (w* - w) = -g, so w* - w = s + (A^-1 H - I) s - A^-1 (g + H s)",
            ),
            Fact("length", ">=0", step - s, ("hypothesis:step",), "the number given covers the norm of the step"),
            Fact("rest", ">=0", r, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "inverse", ">=0", q - strong_convexity * r, ("convexity.strong-monotonicity", "linalg.cauchy-schwarz", "hypothesis:strong_convexity"),
                "A is at least mu, so mu |A^-1 v| <= |v|",
            ),
            Fact("linear", ">=0", linear_residual - q, ("hypothesis:linear_residual",), "the number given covers q"),
            Fact(
                "relative", ">=0", k * h - d, ("linalg.relative-inverse", "convexity.strong-monotonicity"),
                "in the norm of H, |(A^-1 H - I) s| <= k |s|, and mu |v|² <= v · H v with the mu that is given",
            ),
            Fact("energy at least 0", ">=0", h, ("linalg.triangle",), "a root is nonnegative"),
            Fact("energy", ">=0", energy_step - h, ("hypothesis:energy_step",), "the number given covers h"),
            Fact(
                "change", ">=0", _change(_HERE) - k, ("convexity.quasi-self-concordance", "hypothesis:self_concordance"),
                "with a = nu e the eigenvalues of A^-1 H lie in [a/(exp(a) - 1), a/(1 - exp(-a))], within a/2 + a²/12 of one",
            ),
            Fact("previous", ">=0", previous_distance - e, ("hypothesis:previous_distance",), "the number given covers e"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("change",)),
                    Term(Fraction(1, 2), 1, ("self_concordance", "previous")),
                    Term(Fraction(1, 12), self_concordance, ("previous", "previous_distance")),
                    Term(Fraction(1, 12), self_concordance, ("previous", "before")),
                ),
                name="change before", kind=">=0", slack=_change(_RADIUS) - k,
            ),
            Step(
                (
                    Term(1, 1, ("strong_convexity", "length")), Term(1, 1, ("linear",)), Term(1, 1, ("inverse",)),
                    Term(1, 1, ("strong_convexity", "triangle")), Term(1, 1, ("strong_convexity", "relative")),
                    Term(1, 1, ("strong_convexity", "energy at least 0", "change before")),
                    Term(Fraction(1, 2), 1, ("strong_convexity", "self_concordance", "previous_distance", "energy")),
                    Term(Fraction(1, 12), _RADIUS, ("strong_convexity", "energy")),
                ),
            ),
        ),
        witness=_WITNESS,
    ),
    false_sibling=FalseSibling(
        "a third instead of a half before nu e",
        step + linear_residual / strong_convexity + (Fraction(1, 3) * _RADIUS + Fraction(1, 12) * _RADIUS**2) * energy_step,
        counterexample={
            **_WITNESS, "step": Fraction(5, 12), "s": Fraction(5, 12), "energy_step": 1, "h": 1, "d": Fraction(7, 12),
        },
    ),
)  # fmt: skip

THEOREMS = (LOGISTIC, SOFTMAX, SQUARED, POISSON, CORRECTED_RESIDUAL)
