"""Constants of the Huber loss of a linear predictor on rows of bounded norm."""

from __future__ import annotations

from ..expression import symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Theorem
from .rows import H_MEANING, NORM, ROW
from .vocabulary import GRADIENT, ROW_NORM, SMOOTH

row_norm, threshold = symbols("row_norm threshold")
t, h, p, d, change = symbols("t h p d change")

_THRESHOLD = Hypothesis("threshold", "the residual at which the Huber loss turns linear", Side.UPPER, Domain.NONNEGATIVE, "label")

HUBER_GRADIENT = Theorem(
    id="huber.gradient",
    statement="The gradient of the Huber loss of x.w - y with threshold t has norm at most t R.",
    hypotheses=(ROW_NORM, _THRESHOLD),
    conclusion=GRADIENT,
    formula=threshold * row_norm,
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz"),
    source="Huber, Ann. Math. Stat. 35 (1964) 73-101; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "norm of the gradient", "p": "modulus of the derivative of the Huber function", **H_MEANING},
        facts=(
            Fact("slope", "==0", t - p * h, ("calculus.chain-rule",), "the gradient is that derivative times the row"),
            Fact("p at least 0", ">=0", p, ("calculus.chain-rule",), "a modulus"),
            Fact("clipped", ">=0", threshold - p, ("calculus.chain-rule", "hypothesis:threshold"), "the derivative is the residual clipped at the threshold"),
            ROW,
            NORM,
        ),
        steps=(Step((Term(1, 1, ("row_norm", "clipped")), Term(1, 1, ("p at least 0", "row"))), ((-1, "slope"),)),),
        witness={"row_norm": 1, "threshold": 1, "t": 1, "p": 1, "h": 1},
    ),
    false_sibling=FalseSibling(
        "half of the threshold", threshold * row_norm / 2, counterexample={"row_norm": 1, "threshold": 1, "t": 1, "p": 1, "h": 1}
    ),
)  # fmt: skip

HUBER_SMOOTHNESS = Theorem(
    id="huber.smoothness",
    statement="The Huber loss of x.w - y has a Lipschitz gradient with constant R², whatever the threshold.",
    hypotheses=(ROW_NORM,),
    conclusion=SMOOTH,
    formula=row_norm**2,
    rests_on=("calculus.chain-rule", "calculus.mean-value", "linalg.cauchy-schwarz"),
    source="Huber, Ann. Math. Stat. 35 (1964) 73-101; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the difference of the gradients at two points over their distance",
            "d": "distance of the two points",
            "change": "modulus of the difference of the derivatives of the Huber function",
            **H_MEANING,
        },
        facts=(
            Fact("apart", ">0", d, ("calculus.mean-value",), "two different points"),
            Fact("slope", "==0", t * d - change * h, ("calculus.chain-rule",), "the gradients differ by that difference times the row"),
            Fact(
                "clipped", ">=0", h * d - change, ("calculus.mean-value", "linalg.cauchy-schwarz"),
                "clipping moves no two residuals apart, and those differ by at most |x| d",
            ),
            ROW,
            NORM,
        ),
        steps=(
            Step(
                (Term(1, 1, ("apart", "row", "row_norm")), Term(1, 1, ("apart", "row", "norm")), Term(1, 1, ("norm", "clipped"))),
                ((-1, "slope"),), ("apart",),
            ),
        ),
        witness={"row_norm": 1, "t": 1, "d": 1, "change": 1, "h": 1},
    ),
    false_sibling=FalseSibling("half of it", row_norm**2 / 2, counterexample={"row_norm": 1, "t": 1, "d": 1, "change": 1, "h": 1}),
)  # fmt: skip

THEOREMS = (HUBER_GRADIENT, HUBER_SMOOTHNESS)
