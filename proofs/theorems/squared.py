"""Constants of the squared loss of a linear predictor, of ridge regression, and of the ridge itself."""

from __future__ import annotations

from fractions import Fraction

from ..expression import expression, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .rows import ALONG, H_MEANING, NORM, ROW, X_MEANING
from .vocabulary import HESSIAN, LABELS, ROW_NORM, SMOOTH

row_norm, parameter_bound, label_bound, l2 = symbols("row_norm parameter_bound label_bound l2")
t, x, z, h, size, y, weight, inner, rest, d, mu = symbols("t x z h size y weight inner rest d mu")

_PARAMETERS = Hypothesis("parameter_bound", "at or above the norm of the parameters", Side.UPPER, Domain.NONNEGATIVE, "parameter")

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
        variables={"t": "second derivative of the loss along the unit vector u, twice", **X_MEANING},
        facts=(
            *ALONG,
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
    hypotheses=(ROW_NORM, _PARAMETERS, LABELS),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's unregularised loss on the parameter ball", Side.UPPER, "loss/parameter"),
    formula=row_norm * (row_norm * parameter_bound + label_bound),
    rests_on=("calculus.chain-rule", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the gradient", "z": "modulus of x.w - y", **H_MEANING, "size": "norm of the parameters", "y": "modulus of the label",
        },
        facts=(
            Fact("slope", "==0", t - z * h, ("calculus.chain-rule",), "the gradient is (x.w - y) times the row"),
            Fact("triangle", ">=0", h * size + y - z, ("linalg.cauchy-schwarz", "linalg.triangle"), "|x.w - y| <= |x| |w| + |y|"),
            ROW,
            NORM,
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
    statement="The minimiser of mean (x.w - y)²/2 plus (l2/2)|w|² has norm at most Y / (2 sqrt(l2)) where |y| <= Y.",
    hypotheses=(LABELS, Hypothesis("l2", "weight decay", Side.LOWER, Domain.POSITIVE, "loss/parameter²")),
    conclusion=Conclusion("parameter_bound", "norm of the minimiser", Side.UPPER, "parameter"),
    formula=label_bound / (2 * sqrt(l2)),
    rests_on=("probability.expectation", "linalg.triangle", "linalg.cauchy-schwarz", "calculus.stationarity"),
    source="standard (the greatest filter factor s/(s² + l2) of Tikhonov regularisation is 1/(2 sqrt(l2))); own proof",
    proof=AlgebraicProof(
        target="size",
        variables={
            "size": "norm of the minimiser", "y": "root of the mean squared label", "z": "root of the mean squared prediction",
            "weight": "the weight decay itself",
        },
        terms={"root": sqrt(l2)},
        facts=(
            Fact("size at least 0", ">=0", size, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("y at least 0", ">=0", y, ("probability.expectation",), "a root of a mean of squares"),
            Fact(
                "stationary", ">=0", z * y - z**2 - weight * size**2, ("calculus.stationarity", "linalg.cauchy-schwarz"),
                "the inner product of the gradient with w is zero, and the mean of label times prediction is at most z y",
            ),
            Fact("label", ">=0", label_bound - y, ("probability.expectation", "hypothesis:label_bound"), "a mean is at most the greatest value"),
            Fact("decay", ">=0", weight - l2, ("hypothesis:l2",), "the weight decay is at least the number given"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("label", "label_bound")), Term(1, 1, ("label", "y at least 0")), Term(4, 1, ("stationary",)),
                    Term(1, y - 2 * z), Term(4, size, ("decay",)),
                ),
                ((-4 * size**2, "root^2"),),
                name="squares", slack=label_bound**2 - (2 * sqrt(l2) * size) ** 2,
            ),
            by_squares(label_bound, 2 * sqrt(l2) * size, "squares"),
        ),
        witness={"label_bound": 1, "l2": 4, "size": Fraction(1, 4), "y": 1, "z": Fraction(1, 2), "weight": 4},
    ),
    false_sibling=FalseSibling(
        "without the root", label_bound / (2 * l2),
        counterexample={"label_bound": 1, "l2": 4, "size": Fraction(1, 4), "y": 1, "z": Fraction(1, 2), "weight": 4},
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

THEOREMS = (SQUARED_SMOOTHNESS, SQUARED_HESSIAN, SQUARED_GRADIENT, RIDGE_PARAMETERS, RIDGE_CONVEXITY)
