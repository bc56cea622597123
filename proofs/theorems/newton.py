"""Newton steps on the retained objective: how near they come, and how sharply that is measured."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import DELETED, DISTANCE, HESSIAN_LIPSCHITZ, LIPSCHITZ, RECORDS, RETAINED, STRONG_CONVEXITY

step, linear_residual, previous_distance, hessian_lipschitz, strong_convexity, n, m, lipschitz = symbols(
    "step linear_residual previous_distance hessian_lipschitz strong_convexity n m lipschitz"
)
e, d, s, inner, h, q, r = symbols("e d s inner h q r")

STEP = Hypothesis("step", "at or above the norm of the trial step", Side.UPPER, Domain.NONNEGATIVE, "parameter")
LINEAR_RESIDUAL = Hypothesis(
    "linear_residual",
    "at or above the norm of gradient plus Hessian times step",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "loss/parameter",
)
PREVIOUS_DISTANCE = Hypothesis(
    "previous_distance",
    "at or above the distance from the parameters to the minimiser, before the step",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "parameter",
)

AFTER_STEP = Theorem(
    id="newton.after-step",
    statement=(
        "A step s from parameters at distance at most e from an interior minimiser, with r = |g + H s|, "
        "ends at distance at most (r + M e²/2)/mu from it."
    ),
    hypotheses=(LINEAR_RESIDUAL, PREVIOUS_DISTANCE, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance to the minimiser after the step", Side.UPPER, "parameter"),
    formula=(linear_residual + hessian_lipschitz * previous_distance**2 / 2) / strong_convexity,
    rests_on=(
        "calculus.taylor-remainder", "calculus.stationarity", "convexity.strong-monotonicity", "linalg.cauchy-schwarz", "linalg.triangle",
    ),
    source="standard analysis of Newton's method (Nesterov 2004, Theorem 1.2.5), with an inexact step; own proof",
    proof=AlgebraicProof(
        target="d",
        variables={
            "d": "distance |w + s - w*| to the minimiser after the step",
            "e": "distance |w - w*| before the step",
            "inner": "inner product of w + s - w* with H (w + s - w*)",
            "h": "norm of H (w + s - w*)",
            "q": "norm of g + H s",
            "r": "norm of the Taylor remainder grad F(w*) - g - H (w* - w)",
        },
        facts=(
            Fact("before", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("after", ">=0", d, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "strong", ">=0", inner - strong_convexity * d**2, ("convexity.strong-monotonicity", "hypothesis:strong_convexity"),
                "the Hessian is at least mu: mu d² <= inner",
            ),
            Fact("cauchy", ">=0", d * h - inner, ("linalg.cauchy-schwarz",), "inner <= d h"),
            Fact(
                "triangle", ">=0", q + r - h, ("calculus.stationarity", "linalg.triangle"),
                "the gradient at w* is zero, so H (w + s - w*) is the sum of g + H s and the Taylor remainder",
            ),
            Fact(
                "taylor", ">=0", Fraction(1, 2) * hessian_lipschitz * e**2 - r, ("calculus.taylor-remainder", "hypothesis:hessian_lipschitz"),
                "r <= (M/2) e²",
            ),
            Fact("linear", ">=0", linear_residual - q, ("hypothesis:linear_residual",), "the number given covers q"),
            Fact("previous", ">=0", previous_distance - e, ("hypothesis:previous_distance",), "the number given covers e"),
        ),
        steps=(
            Split(
                "apart", d,
                positive=(
                    Step(
                        (Term(1, 1, ("cauchy",)), Term(1, 1, ("strong",))), factor=("apart",),
                        name="image", kind=">=0", slack=h - strong_convexity * d,
                    ),
                    Step(
                        (
                            Term(2, 1, ("image",)), Term(2, 1, ("triangle",)), Term(2, 1, ("linear",)), Term(2, 1, ("taylor",)),
                            Term(1, 1, ("hessian_lipschitz", "previous", "previous_distance")),
                            Term(1, 1, ("hessian_lipschitz", "previous", "before")),
                        ),
                    ),
                ),
                zero=(
                    Step(
                        (Term(2, 1, ("linear_residual",)), Term(1, previous_distance, ("hessian_lipschitz",))),
                        ((-2 * strong_convexity, "apart"),),
                    ),
                ),
            ),
        ),
        witness={
            "linear_residual": 1, "previous_distance": 1, "hessian_lipschitz": 2, "strong_convexity": 1,
            "d": 2, "e": 1, "inner": 4, "h": 2, "q": 1, "r": 1,
        },
    ),
    false_sibling=FalseSibling(
        "a third instead of a half before M e²", (linear_residual + hessian_lipschitz * previous_distance**2 / 3) / strong_convexity,
        counterexample={
            "linear_residual": 1, "previous_distance": 1, "hessian_lipschitz": 2, "strong_convexity": 1,
            "d": 2, "e": 1, "inner": 4, "h": 2, "q": 1, "r": 1,
        },
    ),
)  # fmt: skip

CORRECTED_RESIDUAL = Theorem(
    id="newton.corrected-residual",
    statement=(
        "With any trial step s and r = |g + H s|, the distance to an interior minimiser is at most "
        "|s| + (r + M e²/2)/mu for every e at or above the distance."
    ),
    hypotheses=(STEP, LINEAR_RESIDUAL, PREVIOUS_DISTANCE, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=DISTANCE,
    formula=step + (linear_residual + hessian_lipschitz * previous_distance**2 / 2) / strong_convexity,
    rests_on=("newton.after-step", "linalg.triangle"),
    source="own derivation (Newton-corrected a-posteriori residual)",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance |w - w*| of the parameters to the minimiser",
            "s": "norm of the trial step",
            "d": "distance |w + s - w*| after the trial step",
        },
        facts=(
            Fact("triangle", ">=0", s + d - e, ("linalg.triangle",), "e <= s + d"),
            Fact("length", ">=0", step - s, ("hypothesis:step",), "the number given covers the norm of the step"),
        ),
        citations=(
            Citation(
                "landing", "newton.after-step", d,
                {
                    "linear_residual": linear_residual, "previous_distance": previous_distance,
                    "hessian_lipschitz": hessian_lipschitz, "strong_convexity": strong_convexity,
                },
                "for the trial step, which nobody needs to take",
            ),
        ),
        steps=(
            Step((Term(2, 1, ("strong_convexity", "length")), Term(2, 1, ("strong_convexity", "triangle")), Term(1, 1, ("landing",)))),
        ),
        witness={
            "step": 1, "linear_residual": 0, "previous_distance": 2, "hessian_lipschitz": 1, "strong_convexity": 2, "e": 2, "s": 1, "d": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the length of the step alone", step,
        counterexample={
            "step": 1, "linear_residual": 0, "previous_distance": 2, "hessian_lipschitz": 1, "strong_convexity": 2, "e": 2, "s": 1, "d": 1,
        },
    ),
)  # fmt: skip

_FADING = hessian_lipschitz * previous_distance
_SETTLED: dict[str, Fraction | int] = {
    "step": Fraction(3, 8), "linear_residual": 0, "previous_distance": Fraction(1, 2), "hessian_lipschitz": 1, "strong_convexity": 1,
    "e": Fraction(1, 2),
}  # fmt: skip

SETTLED_RESIDUAL = Theorem(
    id="newton.settled-residual",
    statement=(
        "With any trial step s and r = |g + H s|, the distance to an interior minimiser is at most (|s| + r/mu)/(1 - M e/(2 mu)) "
        "for every e at or above the distance with M e < 2 mu."
    ),
    hypotheses=(STEP, LINEAR_RESIDUAL, PREVIOUS_DISTANCE, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=DISTANCE,
    formula=(step + linear_residual / strong_convexity) * (1 + _FADING / (2 * strong_convexity - _FADING)),
    rests_on=("newton.corrected-residual", "linalg.triangle"),
    source="own derivation (newton.corrected-residual at the distance itself)",
    side_conditions=(Relation(">0", 2 * strong_convexity - _FADING, "hessian_lipschitz previous_distance < 2 strong_convexity"),),
    proof=AlgebraicProof(
        target="e",
        variables={"e": "distance |w - w*| of the parameters to the minimiser"},
        facts=(
            Fact("norm", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("previous", ">=0", previous_distance - e, ("hypothesis:previous_distance",), "the number given covers e"),
        ),
        citations=(
            Citation(
                "corrected", "newton.corrected-residual", e,
                {
                    "step": step, "linear_residual": linear_residual, "previous_distance": e,
                    "hessian_lipschitz": hessian_lipschitz, "strong_convexity": strong_convexity,
                },
                "the distance covers itself",
            ),
        ),
        steps=(
            Step((Term(1, 1, ("strong_convexity", "corrected")), Term(1, 1, ("strong_convexity", "hessian_lipschitz", "norm", "previous")))),
        ),
        witness=_SETTLED,
    ),
    false_sibling=FalseSibling(
        "the third derivative left out", step + linear_residual / strong_convexity, counterexample=_SETTLED,
    ),
)  # fmt: skip

ONE_STEP = Theorem(
    id="newton.one-step",
    statement=(
        "One exact Newton step on the retained objective, from the minimiser over all n records, ends within "
        "M m² G² / (2 mu³ (n - m)²) of the minimiser over the retained records."
    ),
    hypotheses=(RECORDS, DELETED, LIPSCHITZ, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance from the Newton-updated parameters to the retained minimiser", Side.UPPER, "parameter"),
    formula=hessian_lipschitz * m**2 * lipschitz**2 / (2 * strong_convexity**3 * (n - m) ** 2),
    rests_on=("newton.after-step", "output.worst-case", "linalg.triangle"),
    source="constant sharper by four than Sekhari et al., NeurIPS 2021, Lemma 3; own proof",
    side_conditions=(RETAINED,),
    proof=AlgebraicProof(
        target="d",
        variables={
            "e": "distance between the minimisers over all and over the retained records",
            "d": "distance from the Newton-updated parameters to the retained minimiser",
        },
        facts=(Fact("before", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),),
        citations=(
            Citation(
                "shift", "output.worst-case", e, {"n": n, "m": m, "lipschitz": lipschitz, "strong_convexity": strong_convexity},
                "the step starts from the minimiser over all records",
            ),
            Citation(
                "landing", "newton.after-step", d,
                {"linear_residual": 0, "previous_distance": e, "hessian_lipschitz": hessian_lipschitz, "strong_convexity": strong_convexity},
                "an exact step: g + H s = 0",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("hessian_lipschitz", "shift", "m", "lipschitz")),
                    Term(1, 1, ("hessian_lipschitz", "shift", "strong_convexity", "condition:0", "before")),
                    Term(1, strong_convexity * (n - m), ("landing",)),
                ),
            ),
        ),
        witness={"n": 3, "m": 1, "lipschitz": 2, "hessian_lipschitz": 2, "strong_convexity": 1, "e": 1, "d": 1},
    ),
    false_sibling=FalseSibling(
        "n instead of n - m", hessian_lipschitz * m**2 * lipschitz**2 / (2 * strong_convexity**3 * n**2),
        counterexample={"n": 3, "m": 1, "lipschitz": 2, "hessian_lipschitz": 2, "strong_convexity": 1, "e": 1, "d": 1},
    ),
)  # fmt: skip

THEOREMS = (AFTER_STEP, CORRECTED_RESIDUAL, SETTLED_RESIDUAL, ONE_STEP)
