"""Constants of the smoothed hinge loss of a linear predictor on rows of bounded norm."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Theorem
from .rows import H_MEANING, NORM, ROW
from .vocabulary import GRADIENT, ROW_NORM, SMOOTH

row_norm, width = symbols("row_norm width")
t, h, p, d, g, change = symbols("t h p d g change")

_WIDTH = Hypothesis(
    "width", "the length over which the slope of the smoothed hinge turns from 0 to -1", Side.LOWER, Domain.POSITIVE, "label"
)
_SOURCE = "Rennie & Srebro, IJCAI Workshop on Advances in Preference Handling (2005), for the loss; own proof"

HINGE_GRADIENT = Theorem(
    id="hinge.gradient",
    statement="The gradient of the smoothed hinge loss of y x.w, y in {-1, 1}, has norm at most R, whatever the width of its bend.",
    hypotheses=(ROW_NORM,),
    conclusion=GRADIENT,
    formula=row_norm,
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz"),
    source=_SOURCE,
    proof=AlgebraicProof(
        target="t",
        variables={"t": "norm of the gradient", "p": "modulus of the derivative of the smoothed hinge", **H_MEANING},
        facts=(
            Fact("slope", "==0", t - p * h, ("calculus.chain-rule",), "the gradient is that derivative times y and the row"),
            Fact("p at least 0", ">=0", p, ("calculus.chain-rule",), "a modulus"),
            Fact("clipped", ">=0", 1 - p, ("calculus.chain-rule",), "the derivative is a number clipped to [-1, 0]"),
            ROW,
            NORM,
        ),
        steps=(Step((Term(1, 1, ("row_norm", "clipped")), Term(1, 1, ("p at least 0", "row"))), ((-1, "slope"),)),),
        witness={"row_norm": 1, "t": 1, "p": 1, "h": 1},
    ),
    false_sibling=FalseSibling("half of it", row_norm / 2, counterexample={"row_norm": 1, "t": 1, "p": 1, "h": 1}),
)  # fmt: skip

HINGE_SMOOTHNESS = Theorem(
    id="hinge.smoothness",
    statement="The smoothed hinge loss of y x.w, y in {-1, 1}, with a bend of width g has a Lipschitz gradient with constant R²/g.",
    hypotheses=(ROW_NORM, _WIDTH),
    conclusion=SMOOTH,
    formula=row_norm**2 / width,
    rests_on=("calculus.chain-rule", "calculus.mean-value", "linalg.cauchy-schwarz"),
    source=_SOURCE,
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the difference of the gradients at two points over their distance",
            "d": "distance of the two points",
            "g": "width of the bend",
            "change": "modulus of the difference of the derivatives of the smoothed hinge, times the width",
            **H_MEANING,
        },
        facts=(
            Fact("apart", ">0", d, ("calculus.mean-value",), "two different points"),
            Fact("bend", ">=0", g - width, ("hypothesis:width",), "the number given is at or below the width"),
            Fact("rate", ">=0", t, ("calculus.mean-value",), "a norm over a distance"),
            Fact("slope", "==0", g * t * d - change * h, ("calculus.chain-rule",), "the gradients differ by that difference times y and the row"),
            Fact(
                "clipped", ">=0", h * d - change, ("calculus.mean-value", "linalg.cauchy-schwarz"),
                "clipping moves no two numbers apart, and the margins differ by at most |x| d",
            ),
            ROW,
            NORM,
        ),
        # d (R² - width t)  =  d (R - h) R + d (R - h) h + h (h d - change) + (change h - g t d) + (g - width) t d
        steps=(
            Step(
                (
                    Term(1, 1, ("apart", "row", "row_norm")), Term(1, 1, ("apart", "row", "norm")), Term(1, 1, ("norm", "clipped")),
                    Term(1, 1, ("bend", "rate", "apart")),
                ),
                ((-1, "slope"),), ("apart",),
            ),
        ),
        witness={"row_norm": 1, "width": 1, "t": 1, "d": 1, "g": 1, "change": 1, "h": 1},
    ),
    false_sibling=FalseSibling(
        "without the width", row_norm**2, counterexample={"row_norm": 1, "width": Fraction(1, 2), "t": 2, "d": 1, "g": Fraction(1, 2), "change": 1, "h": 1}
    ),
)  # fmt: skip

THEOREMS = (HINGE_GRADIENT, HINGE_SMOOTHNESS)
