"""Constants of the Poisson loss exp(x.w) - y x.w on rows of bounded norm and bounded predictors."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, maximum, symbols
from ..proof import AlgebraicProof, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .rows import ALONG, H_MEANING, NORM, ROW, X_MEANING
from .vocabulary import HESSIAN, LABELS, ROW_NORM, SMOOTH

row_norm, predictor_bound, label_bound = symbols("row_norm predictor_bound label_bound")
t, x, h, y, v, r = symbols("t x h y v r")

_PREDICTORS = Hypothesis(
    "predictor_bound",
    "at or above the absolute value of every linear predictor x.w on the convex set considered",
    Side.UPPER,
    Domain.NONNEGATIVE,
)
_WORST = maximum(exp(predictor_bound), label_bound)

POISSON_GRADIENT = Theorem(
    id="poisson.gradient",
    statement="The gradient of exp(x.w) - y x.w, labels 0 <= y <= Y and predictors at most P, has norm at most R max(exp P, Y).",
    hypotheses=(ROW_NORM, _PREDICTORS, LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss where predictors are bounded", Side.UPPER, "loss/parameter"),
    formula=row_norm * _WORST,
    rests_on=("analysis.loss-derivatives", "analysis.exponential-series", "linalg.cauchy-schwarz"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the gradient", "r": "modulus of exp(x.w) - y", "v": "exp(x.w)", "y": "the label, a count", **H_MEANING,
        },
        terms={"top": exp(predictor_bound), "worst": _WORST},
        facts=(
            Fact("slope", "==0", t - r * h, ("analysis.loss-derivatives",), "the gradient is (exp(x.w) - y) times the row"),
            Fact("modulus", "==0", r**2 - (v - y) ** 2, ("analysis.loss-derivatives",), "a modulus"),
            Fact("v above 0", ">0", v, ("analysis.exponential-series",), "an exponential"),
            Fact("y at least 0", ">=0", y, ("analysis.loss-derivatives",), "a count"),
            Fact("predictor", ">=0", exp(predictor_bound) - v, ("analysis.exponential-series", "hypothesis:predictor_bound"), "exp increases"),
            Fact("label", ">=0", label_bound - y, ("hypothesis:label_bound",), "the number given covers the label"),
            ROW,
            NORM,
        ),
        steps=(
            Step(
                (Term(1, 1, ("worst>=left",)), Term(1, 1, ("predictor",)), Term(1, 1, ("y at least 0",))),
                name="above", slack=_WORST - v + y,
            ),
            Step(
                (Term(1, 1, ("worst>=right",)), Term(1, 1, ("label",)), Term(1, 1, ("v above 0",))),
                name="below", slack=_WORST - y + v,
            ),
            Step((Term(1, 1, ("above", "below")),), ((-1, "modulus"),), name="inside", slack=_WORST**2 - r**2),
            Step(
                (Term(1, _WORST, ("row", "row_norm")), Term(1, _WORST, ("row", "norm")), Term(1, h, ("inside",))),
                ((-(t + r * h), "slope"),),
                name="squares", slack=(row_norm * _WORST) ** 2 - t**2,
            ),
            by_squares(row_norm * _WORST, t, "squares"),
        ),
        witness={"row_norm": 1, "predictor_bound": 0, "label_bound": 3, "t": 2, "r": 2, "v": 1, "y": 3, "h": 1, "top": 1},
    ),
    false_sibling=FalseSibling(
        "the label left out", row_norm * exp(predictor_bound),
        counterexample={"row_norm": 1, "predictor_bound": 0, "label_bound": 3, "t": 2, "r": 2, "v": 1, "y": 3, "h": 1},
    ),
)  # fmt: skip

POISSON_SMOOTHNESS = Theorem(
    id="poisson.smoothness",
    statement="Where predictors are at most P, the loss exp(x.w) - y x.w has a Lipschitz gradient with constant R² exp P.",
    hypotheses=(ROW_NORM, _PREDICTORS),
    conclusion=SMOOTH,
    formula=row_norm**2 * exp(predictor_bound),
    rests_on=(
        "analysis.loss-derivatives", "analysis.exponential-series", "linalg.cauchy-schwarz", "linalg.symmetric-forms", "calculus.mean-value",
    ),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "second derivative of the loss along the unit vector u, twice", "v": "exp(x.w)", **X_MEANING},
        terms={"top": exp(predictor_bound)},
        facts=(
            *ALONG,
            Fact(
                "second", "==0", t - v * x**2, ("analysis.loss-derivatives", "linalg.symmetric-forms", "calculus.mean-value"),
                "the second derivative is exp(x.w) x²; its supremum over u is the Lipschitz constant of the gradient",
            ),
            Fact("predictor", ">=0", exp(predictor_bound) - v, ("analysis.exponential-series", "hypothesis:predictor_bound"), "exp increases"),
        ),
        steps=(Step((Term(1, 1, ("top", "x at most R", "x at least -R")), Term(1, x, ("predictor",))), ((-1, "second"),)),),
        witness={"row_norm": 1, "predictor_bound": 0, "t": 1, "v": 1, "x": 1, "top": 1},
    ),
    false_sibling=FalseSibling(
        "the predictor bound forgotten", row_norm**2 * exp(predictor_bound) / 2,
        counterexample={"row_norm": 1, "predictor_bound": 0, "t": 1, "v": 1, "x": 1},
    ),
)  # fmt: skip

POISSON_HESSIAN = Theorem(
    id="poisson.hessian-lipschitz",
    statement="Where predictors are at most P, the loss exp(x.w) - y x.w has a Lipschitz Hessian with constant R³ exp P.",
    hypotheses=(ROW_NORM, _PREDICTORS),
    conclusion=HESSIAN,
    formula=row_norm**3 * exp(predictor_bound),
    rests_on=(
        "analysis.loss-derivatives", "analysis.exponential-series", "linalg.cauchy-schwarz", "linalg.symmetric-forms", "calculus.mean-value",
    ),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "third derivative of the loss along the unit vector u, thrice", "v": "exp(x.w)", **X_MEANING},
        terms={"top": exp(predictor_bound)},
        facts=(
            ALONG[0],
            Fact(
                "third", "==0", t - v * x**3, ("analysis.loss-derivatives", "linalg.symmetric-forms", "calculus.mean-value"),
                "the third derivative is exp(x.w) x³; its supremum over u is the Lipschitz constant of the Hessian",
            ),
            Fact("v above 0", ">0", v, ("analysis.exponential-series",), "an exponential"),
            Fact("predictor", ">=0", exp(predictor_bound) - v, ("analysis.exponential-series", "hypothesis:predictor_bound"), "exp increases"),
        ),
        steps=(
            Step(
                (
                    Term(1, row_norm, ("row_norm", "predictor")),
                    Term(1, row_norm + Fraction(1, 2) * x, ("v above 0", "x at most R")),
                    Term(Fraction(3, 4), x, ("v above 0", "x at most R")),
                ),
                ((-1, "third"),),
            ),
        ),
        witness={"row_norm": 1, "predictor_bound": 0, "t": 1, "v": 1, "x": 1, "top": 1},
    ),
    false_sibling=FalseSibling(
        "half of it", row_norm**3 * exp(predictor_bound) / 2,
        counterexample={"row_norm": 1, "predictor_bound": 0, "t": 1, "v": 1, "x": 1},
    ),
)  # fmt: skip

THEOREMS = (POISSON_GRADIENT, POISSON_SMOOTHNESS, POISSON_HESSIAN)
