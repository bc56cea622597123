"""Constants of the squared, Huber and Poisson losses of a linear predictor on rows of bounded norm, and of the ridge."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, expression, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import GRADIENT, HESSIAN, ROW_NORM, SMOOTH

row_norm, parameter_bound, label_bound, threshold, predictor_bound, l2 = symbols(
    "row_norm parameter_bound label_bound threshold predictor_bound l2"
)
t, x, z, h, size, y, weight, inner, rest, d, change, p, v, r = symbols("t x z h size y weight inner rest d change p v r")

_ALONG = (
    Fact("x at most R", ">=0", row_norm - x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "x <= |row| |u|"),
    Fact("x at least -R", ">=0", row_norm + x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "-x <= |row| |u|"),
)
_ROW = Fact("row", ">=0", row_norm - h, ("hypothesis:row_norm",), "the number given covers the norm of the row")
_NORM = Fact("norm", ">=0", h, ("linalg.cauchy-schwarz",), "a norm is nonnegative")
_X = {"x": "inner product of the feature row with a unit vector u"}
_H = {"h": "norm of the feature row"}

_LABELS = Hypothesis("label_bound", "at or above the absolute value of every label", Side.UPPER, Domain.NONNEGATIVE, "label")
_PARAMETERS = Hypothesis("parameter_bound", "at or above the norm of the parameters", Side.UPPER, Domain.NONNEGATIVE, "parameter")
_PREDICTORS = Hypothesis(
    "predictor_bound",
    "at or above the absolute value of every linear predictor x.w on the convex set considered",
    Side.UPPER,
    Domain.NONNEGATIVE,
)
_THRESHOLD = Hypothesis("threshold", "the residual at which the Huber loss turns linear", Side.UPPER, Domain.NONNEGATIVE, "label")
mu = symbols("mu")[0]
_WORST = maximum(exp(predictor_bound), label_bound)

SQUARED_SMOOTHNESS = Theorem(
    id="squared.smoothness",
    statement="The loss (x.w - y)²/2 has a Lipschitz gradient with constant R².",
    hypotheses=(ROW_NORM,),
    conclusion=SMOOTH,
    formula=row_norm**2,
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz", "linalg.symmetric-forms", "calculus.mean-value"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "second derivative of the loss along the unit vector u, twice", **_X},
        facts=(
            *_ALONG,
            Fact(
                "second", "==0", t - x**2, ("calculus.chain-rule", "linalg.symmetric-forms", "calculus.mean-value"),
                "the second derivative is x²; its supremum over u is the Lipschitz constant of the gradient",
            ),
        ),
        steps=(Step((Term(1, 1, ("x at most R", "x at least -R")),), ((-1, "second"),)),),
        witness={"row_norm": 1, "t": 1, "x": 1},
    ),
    false_sibling=FalseSibling("the quarter of the logistic loss", row_norm**2 / 4, counterexample={"row_norm": 1, "t": 1, "x": 1}),
)  # fmt: skip

SQUARED_HESSIAN = Theorem(
    id="squared.hessian-lipschitz",
    statement="The loss (x.w - y)²/2 has a constant Hessian: its Lipschitz constant is 0.",
    hypotheses=(ROW_NORM,),
    conclusion=HESSIAN,
    formula=expression(0),
    rests_on=("calculus.chain-rule",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "third derivative of the loss along any vector"},
        facts=(Fact("third", "==0", t, ("calculus.chain-rule",), "the loss is a polynomial of degree two"),),
        steps=(Step(equations=((-1, "third"),)),),
        witness={"row_norm": 1, "t": 0},
    ),
    false_sibling=FalseSibling("a negative constant", expression(-1), counterexample={"row_norm": 1, "t": 0}),
)  # fmt: skip

SQUARED_GRADIENT = Theorem(
    id="squared.gradient",
    statement="The gradient of (x.w - y)²/2 has norm at most R (R B + Y) where |w| <= B and |y| <= Y.",
    hypotheses=(ROW_NORM, _PARAMETERS, _LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss on the parameter ball", Side.UPPER, "loss/parameter"),
    formula=row_norm * (row_norm * parameter_bound + label_bound),
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the gradient", "z": "modulus of x.w - y", **_H, "size": "norm of the parameters", "y": "modulus of the label",
        },
        facts=(
            Fact("slope", "==0", t - z * h, ("calculus.chain-rule",), "the gradient is (x.w - y) times the row"),
            Fact("triangle", ">=0", h * size + y - z, ("linalg.cauchy-schwarz", "linalg.triangle"), "|x.w - y| <= |x| |w| + |y|"),
            _ROW,
            _NORM,
            Fact("size at least 0", ">=0", size, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("y at least 0", ">=0", y, ("linalg.triangle",), "a modulus"),
            Fact("ball", ">=0", parameter_bound - size, ("hypothesis:parameter_bound",), "the number given covers the norm"),
            Fact("label", ">=0", label_bound - y, ("hypothesis:label_bound",), "the number given covers the label"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("norm", "triangle")), Term(1, row_norm, ("ball",)), Term(1, 1, ("size at least 0", "row", "row_norm")),
                    Term(1, 1, ("size at least 0", "row", "norm")), Term(1, 1, ("row_norm", "label")), Term(1, 1, ("row", "y at least 0")),
                ),
                ((-1, "slope"),),
            ),
        ),
        witness={"row_norm": 1, "parameter_bound": 1, "label_bound": 1, "t": 2, "z": 2, "h": 1, "size": 1, "y": 1},
    ),
    false_sibling=FalseSibling(
        "the label left out", row_norm**2 * parameter_bound,
        counterexample={"row_norm": 1, "parameter_bound": 1, "label_bound": 1, "t": 2, "z": 2, "h": 1, "size": 1, "y": 1},
    ),
)  # fmt: skip

RIDGE_PARAMETERS = Theorem(
    id="ridge.parameter-bound",
    statement="The minimiser of mean (x.w - y)²/2 plus (l2/2)|w|² has norm at most Y / sqrt(l2) where |y| <= Y.",
    hypotheses=(_LABELS, Hypothesis("l2", "weight decay", Side.LOWER, Domain.POSITIVE, "loss/parameter²")),
    conclusion=Conclusion("parameter_bound", "norm of the minimiser", Side.UPPER, "parameter"),
    formula=label_bound / sqrt(l2),
    rests_on=("probability.expectation", "linalg.triangle"),
    source="standard (the objective at the minimiser is at most its value at zero); own proof",
    proof=AlgebraicProof(
        target="size",
        variables={"size": "norm of the minimiser", "y": "root of the mean squared label", "weight": "the weight decay itself"},
        terms={"root": sqrt(l2)},
        facts=(
            Fact("size at least 0", ">=0", size, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("y at least 0", ">=0", y, ("probability.expectation",), "a root of a mean of squares"),
            Fact(
                "value", ">=0", y**2 - weight * size**2, ("probability.expectation",),
                "the squared loss is nonnegative, and the objective at the minimiser is at most its value at zero",
            ),
            Fact("label", ">=0", label_bound - y, ("probability.expectation", "hypothesis:label_bound"), "a mean is at most the greatest value"),
            Fact("decay", ">=0", weight - l2, ("hypothesis:l2",), "the weight decay is at least the number given"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("label", "label_bound")), Term(1, 1, ("label", "y at least 0")), Term(1, 1, ("value",)), Term(1, size, ("decay",))),
                ((-(size**2), "root^2"),),
                name="squares", slack=label_bound**2 - (sqrt(l2) * size) ** 2,
            ),
            by_squares(label_bound, sqrt(l2) * size, "squares"),
        ),
        witness={"label_bound": 1, "l2": 4, "size": Fraction(1, 2), "y": 1, "weight": 4},
    ),
    false_sibling=FalseSibling(
        "without the root", label_bound / l2, counterexample={"label_bound": 1, "l2": 4, "size": Fraction(1, 2), "y": 1, "weight": 4}
    ),
)  # fmt: skip

RIDGE_CONVEXITY = Theorem(
    id="ridge.strong-convexity",
    statement="A convex loss plus (l2/2)|w|² is strongly convex with constant l2.",
    hypotheses=(Hypothesis("l2", "weight decay", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),),
    conclusion=Conclusion("strong_convexity", "strong convexity of the regularised objective", Side.LOWER, "loss/parameter²"),
    formula=l2,
    rests_on=("convexity.strong-monotonicity", "calculus.chain-rule"),
    source="Nesterov 2004, Theorem 2.1.9; own proof",
    proof=AlgebraicProof(
        target="mu",
        variables={
            "mu": "inner over d²; its infimum over pairs of points is the strong convexity",
            "inner": "inner product of the difference of the objective's gradients at two points with their difference",
            "rest": "the same for the loss without the ridge",
            "d": "distance of the two points",
            "weight": "the weight decay itself",
        },
        facts=(
            Fact("apart", ">0", d, ("convexity.strong-monotonicity",), "two different points"),
            Fact("convex", ">=0", rest, ("convexity.strong-monotonicity",), "the gradient of a convex function is monotone"),
            Fact("sum", "==0", inner - rest - weight * d**2, ("calculus.chain-rule",), "the gradient of the ridge is l2 w"),
            Fact("ratio", "==0", inner - mu * d**2, ("convexity.strong-monotonicity",), "the definition of mu"),
            Fact("decay", ">=0", weight - l2, ("hypothesis:l2",), "the weight decay is at least the number given"),
        ),
        steps=(Step((Term(1, 1, ("convex",)), Term(1, d, ("decay",))), ((1, "sum"), (-1, "ratio")), ("apart", "apart")),),
        witness={"l2": 1, "mu": 1, "inner": 1, "rest": 0, "d": 1, "weight": 1},
    ),
    false_sibling=FalseSibling(
        "twice the weight decay", 2 * l2, counterexample={"l2": 1, "mu": 1, "inner": 1, "rest": 0, "d": 1, "weight": 1}
    ),
)  # fmt: skip

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
        variables={"t": "norm of the gradient", "p": "modulus of the derivative of the Huber function", **_H},
        facts=(
            Fact("slope", "==0", t - p * h, ("calculus.chain-rule",), "the gradient is that derivative times the row"),
            Fact("p at least 0", ">=0", p, ("calculus.chain-rule",), "a modulus"),
            Fact("clipped", ">=0", threshold - p, ("calculus.chain-rule", "hypothesis:threshold"), "the derivative is the residual clipped at the threshold"),
            _ROW,
            _NORM,
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
            **_H,
        },
        facts=(
            Fact("apart", ">0", d, ("calculus.mean-value",), "two different points"),
            Fact("slope", "==0", t * d - change * h, ("calculus.chain-rule",), "the gradients differ by that difference times the row"),
            Fact(
                "clipped", ">=0", h * d - change, ("calculus.mean-value", "linalg.cauchy-schwarz"),
                "clipping moves no two residuals apart, and those differ by at most |x| d",
            ),
            _ROW,
            _NORM,
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

POISSON_GRADIENT = Theorem(
    id="poisson.gradient",
    statement="The gradient of exp(x.w) - y x.w, labels 0 <= y <= Y and predictors at most P, has norm at most R max(exp P, Y).",
    hypotheses=(ROW_NORM, _PREDICTORS, _LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss where predictors are bounded", Side.UPPER, "loss/parameter"),
    formula=row_norm * _WORST,
    rests_on=("analysis.loss-derivatives", "analysis.exponential-series", "linalg.cauchy-schwarz"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the gradient", "r": "modulus of exp(x.w) - y", "v": "exp(x.w)", "y": "the label, a count", **_H,
        },
        terms={"top": exp(predictor_bound), "worst": _WORST},
        facts=(
            Fact("slope", "==0", t - r * h, ("analysis.loss-derivatives",), "the gradient is (exp(x.w) - y) times the row"),
            Fact("modulus", "==0", r**2 - (v - y) ** 2, ("analysis.loss-derivatives",), "a modulus"),
            Fact("v above 0", ">0", v, ("analysis.exponential-series",), "an exponential"),
            Fact("y at least 0", ">=0", y, ("analysis.loss-derivatives",), "a count"),
            Fact("predictor", ">=0", exp(predictor_bound) - v, ("analysis.exponential-series", "hypothesis:predictor_bound"), "exp increases"),
            Fact("label", ">=0", label_bound - y, ("hypothesis:label_bound",), "the number given covers the label"),
            _ROW,
            _NORM,
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
        variables={"t": "second derivative of the loss along the unit vector u, twice", "v": "exp(x.w)", **_X},
        terms={"top": exp(predictor_bound)},
        facts=(
            *_ALONG,
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
        variables={"t": "third derivative of the loss along the unit vector u, thrice", "v": "exp(x.w)", **_X},
        terms={"top": exp(predictor_bound)},
        facts=(
            _ALONG[0],
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

THEOREMS = (
    SQUARED_SMOOTHNESS, SQUARED_HESSIAN, SQUARED_GRADIENT, RIDGE_PARAMETERS, RIDGE_CONVEXITY, HUBER_GRADIENT, HUBER_SMOOTHNESS,
    POISSON_GRADIENT, POISSON_SMOOTHNESS, POISSON_HESSIAN,
)  # fmt: skip
