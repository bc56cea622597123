"""Constants of the squared, Huber and Poisson losses of a linear predictor on rows of bounded norm, and of the ridge."""

from __future__ import annotations

from ..expression import exp, expression, maximum, sqrt, symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import GRADIENT, HESSIAN, ROW_NORM, SMOOTH

row_norm, parameter_bound, label_bound, threshold, predictor_bound, l2 = symbols(
    "row_norm parameter_bound label_bound threshold predictor_bound l2"
)

_LABELS = Hypothesis("label_bound", "at or above the absolute value of every label", Side.UPPER, Domain.NONNEGATIVE, "label")
_PARAMETERS = Hypothesis("parameter_bound", "at or above the norm of the parameters", Side.UPPER, Domain.NONNEGATIVE, "parameter")
_PREDICTORS = Hypothesis(
    "predictor_bound", "at or above the absolute value of every linear predictor x.w on the convex set considered", Side.UPPER, Domain.NONNEGATIVE
)
_THRESHOLD = Hypothesis("threshold", "the residual at which the Huber loss turns linear", Side.UPPER, Domain.NONNEGATIVE, "label")

SQUARED_SMOOTHNESS = Theorem(
    id="squared.smoothness",
    statement="The loss (x.w - y)²/2 has a Lipschitz gradient with constant R².",
    hypotheses=(ROW_NORM,),
    conclusion=SMOOTH,
    formula=row_norm**2,
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz", "linalg.symmetric-forms", "calculus.mean-value"),
    source="standard; own proof",
)

SQUARED_HESSIAN = Theorem(
    id="squared.hessian-lipschitz",
    statement="The loss (x.w - y)²/2 has a constant Hessian: its Lipschitz constant is 0.",
    hypotheses=(ROW_NORM,),
    conclusion=HESSIAN,
    formula=expression(0),
    rests_on=("calculus.chain-rule",),
    source="standard; own proof",
)

SQUARED_GRADIENT = Theorem(
    id="squared.gradient",
    statement="The gradient of (x.w - y)²/2 has norm at most R (R B + Y) where |w| <= B and |y| <= Y.",
    hypotheses=(ROW_NORM, _PARAMETERS, _LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss on the parameter ball", Side.UPPER, "loss/parameter"),
    formula=row_norm * (row_norm * parameter_bound + label_bound),
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="standard; own proof",
)

RIDGE_PARAMETERS = Theorem(
    id="ridge.parameter-bound",
    statement="The minimiser of mean (x.w - y)²/2 plus (l2/2)|w|² has norm at most Y / sqrt(l2) where |y| <= Y.",
    hypotheses=(_LABELS, Hypothesis("l2", "weight decay", Side.LOWER, Domain.POSITIVE, "loss/parameter²")),
    conclusion=Conclusion("parameter_bound", "norm of the minimiser", Side.UPPER, "parameter"),
    formula=label_bound / sqrt(l2),
    rests_on=("probability.expectation",),
    source="standard (the objective at the minimiser is at most its value at zero); own proof",
)

RIDGE_CONVEXITY = Theorem(
    id="ridge.strong-convexity",
    statement="A convex loss plus (l2/2)|w|² is strongly convex with constant l2.",
    hypotheses=(Hypothesis("l2", "weight decay", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),),
    conclusion=Conclusion("strong_convexity", "strong convexity of the regularised objective", Side.LOWER, "loss/parameter²"),
    formula=l2,
    rests_on=("convexity.strong-monotonicity", "calculus.chain-rule"),
    source="Nesterov 2004, Theorem 2.1.9; own proof",
)

HUBER_GRADIENT = Theorem(
    id="huber.gradient",
    statement="The gradient of the Huber loss of x.w - y with threshold t has norm at most t R.",
    hypotheses=(ROW_NORM, _THRESHOLD),
    conclusion=GRADIENT,
    formula=threshold * row_norm,
    rests_on=("calculus.chain-rule",),
    source="Huber, Ann. Math. Stat. 35 (1964) 73-101; own proof",
)

HUBER_SMOOTHNESS = Theorem(
    id="huber.smoothness",
    statement="The Huber loss of x.w - y has a Lipschitz gradient with constant R², whatever the threshold.",
    hypotheses=(ROW_NORM,),
    conclusion=SMOOTH,
    formula=row_norm**2,
    rests_on=("calculus.chain-rule", "calculus.mean-value", "linalg.cauchy-schwarz"),
    source="Huber, Ann. Math. Stat. 35 (1964) 73-101; own proof",
)

POISSON_GRADIENT = Theorem(
    id="poisson.gradient",
    statement="The gradient of exp(x.w) - y x.w, labels 0 <= y <= Y and predictors at most P, has norm at most R max(exp P, Y).",
    hypotheses=(ROW_NORM, _PREDICTORS, _LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss where predictors are bounded", Side.UPPER, "loss/parameter"),
    formula=row_norm * maximum(exp(predictor_bound), label_bound),
    rests_on=("analysis.loss-derivatives", "analysis.exponential-series"),
    source="standard; own proof",
)

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
)  # fmt: skip

THEOREMS = (
    SQUARED_SMOOTHNESS, SQUARED_HESSIAN, SQUARED_GRADIENT, RIDGE_PARAMETERS, RIDGE_CONVEXITY, HUBER_GRADIENT, HUBER_SMOOTHNESS,
    POISSON_GRADIENT, POISSON_SMOOTHNESS, POISSON_HESSIAN,
)  # fmt: skip
