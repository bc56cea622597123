"""Constants of the multinomial logistic loss log sum exp(W x) - (W x)_y on rows of bounded norm."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, log, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Steps, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .rows import H_MEANING, ROW
from .vocabulary import GRADIENT, HESSIAN, ROW_NORM, SMOOTH

row_norm, l2, classes, t, mean, square, a, b, w, p, q, v, g, h, others, own, weight, size = symbols(
    "row_norm l2 classes t mean square a b w p q v g h others own weight size"
)

_LENGTH = (
    Fact("length", ">=0", row_norm - w, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "|U x| <= |U| |x| with |U| = 1"),
    Fact("w at least 0", ">=0", w, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
)

SMOOTHNESS = Theorem(
    id="softmax.smoothness",
    statement="The softmax loss has a Lipschitz gradient with constant R²/2, in the Frobenius norm of the parameters.",
    hypotheses=(ROW_NORM,),
    conclusion=SMOOTH,
    formula=row_norm**2 / 2,
    rests_on=(
        "analysis.loss-derivatives", "probability.expectation", "linalg.cauchy-schwarz", "linalg.pythagoras", "linalg.symmetric-forms",
        "calculus.mean-value",
    ),
    source="Boehning, Ann. Inst. Stat. Math. 44 (1992) 197-200; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "second derivative of the loss along U, twice, where |U| = 1: the variance of u = U x under the class probabilities",
            "mean": "mean of u under the class probabilities",
            "square": "mean of u² under the class probabilities",
            "a": "least coordinate of u",
            "b": "greatest coordinate of u",
            "w": "Euclidean norm of u",
        },
        facts=(
            *_LENGTH,
            Fact(
                "variance", "==0", t - square + mean**2, ("analysis.loss-derivatives", "linalg.symmetric-forms", "calculus.mean-value"),
                "the second derivative is the variance; its supremum over U is the Lipschitz constant of the gradient",
            ),
            Fact("range", ">=0", (a + b) * mean - square - a * b, ("probability.expectation",), "the mean of (u - a)(b - u) is nonnegative"),
            Fact("coordinates", ">=0", w**2 - a**2 - b**2, ("linalg.pythagoras",), "a and b are two of the coordinates (two classes at least)"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("length", "row_norm")), Term(1, 1, ("length", "w at least 0")), Term(1, 1, ("coordinates",)),
                    Term(Fraction(1, 2), a + b), Term(2, 1, ("range",)), Term(Fraction(1, 2), a + b - 2 * mean),
                ),
                ((-2, "variance"),),
            ),
        ),
        witness={"row_norm": 2, "t": 1, "mean": 0, "square": 1, "a": -1, "b": 1, "w": 2},
    ),
    false_sibling=FalseSibling(
        "one quarter, as for two classes with one row of parameters", row_norm**2 / 4,
        counterexample={"row_norm": Fraction(3, 2), "t": 1, "mean": 0, "square": 1, "a": -1, "b": 1, "w": Fraction(3, 2)},
    ),
)  # fmt: skip

# The third central moment t of a variable on [-p, q] with mean 0 and variance v is at most p q (q - p) where q >= 2 p, and at most
# q³/4 elsewhere. Its square is compared with (p + q)^6 / 108, and (p + q)² with 2 w².
_RANGE, _BALANCE = p + q, p * q
_WIDE, _NARROW = p * q * (q - p), Fraction(1, 4) * q**3
_SPREAD = Step(
    (Term(2, 1, ("coordinates",)), Term(1, 2 * a + _RANGE)), name="spread", slack=2 * w**2 - _RANGE**2,
)  # fmt: skip
_NORMS = tuple(
    Term(6, root, ("length", name)) for name in ("row_norm", "w at least 0") for root in (row_norm**2, row_norm * w, w**2)
) + tuple(
    Term(multiplier, root, ("spread",))
    for multiplier, root in ((Fraction(3, 4), 2 * w**2), (Fraction(3, 2), w * _RANGE), (Fraction(3, 4), _RANGE**2))
)


def _third_moment(bound: Step, greatest: Expression, *terms: Term, before: Steps = ()) -> Steps:
    """From ``bound`` (greatest - t >= 0) and 3/4 (p + q)^6 - 81 greatest² >= 0 to the conclusion."""
    larger, smaller = sqrt(6) * row_norm**3, 9 * greatest
    squares = Step((*_NORMS, *terms), ((row_norm**6, "root^2"),), name="squares", slack=larger**2 - smaller**2)
    return (bound, *before, squares, by_squares(larger, smaller, "squares", extra=((9, "bound"),)))


_WIDE_TERMS = (
    Term(Fraction(3, 4), (_RANGE**2 - 6 * _BALANCE) * _RANGE),
    Term(9, _RANGE**2 - 6 * _BALANCE, ("p at least 0", "q at least 0")),
)
_WIDE_BOUND = Step((Term(1, 1, ("cubic",)), Term(1, 1, ("side", "quadratic"))), name="bound", slack=_WIDE - t)
_EVEN_BOUND = Step((Term(1, 1, ("cubic",)),), ((p * q - v, "side"),), name="bound", slack=_WIDE - t)
_NARROW_BOUND = Step((Term(1, 1, ("tangent",)),), name="bound", slack=_NARROW - t)
_NARROW_RANGE = Step(
    (Term(Fraction(1, 2), 1, ("side", "p at least 0")), Term(Fraction(5, 4), 1, ("side", "q at least 0"))),
    name="narrow", slack=_RANGE**2 - Fraction(9, 4) * q**2,
)  # fmt: skip
_NARROW_TERMS = (
    Term(Fraction(3, 4), _RANGE**2, ("narrow",)),
    Term(Fraction(27, 16), _RANGE * q, ("narrow",)),
    Term(Fraction(243, 64), q**2, ("narrow",)),
    Term(Fraction(891, 256), q**3),
)
_MOMENT_WITNESS: dict[str, Fraction | int] = {"row_norm": 3, "t": Fraction(3, 2), "v": 2, "p": 1, "q": 2, "a": -1, "w": 3}

HESSIAN_LIPSCHITZ = Theorem(
    id="softmax.hessian-lipschitz",
    statement="The softmax loss has a Lipschitz Hessian with constant (sqrt 6 / 9) R³, in the Frobenius norm of the parameters.",
    hypotheses=(ROW_NORM,),
    conclusion=HESSIAN,
    formula=sqrt(6) * row_norm**3 / 9,
    rests_on=(
        "analysis.loss-derivatives", "probability.expectation", "linalg.cauchy-schwarz", "linalg.pythagoras", "linalg.symmetric-forms",
        "calculus.mean-value",
    ),
    source="own derivation",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "third derivative of the loss along U, thrice, where |U| = 1: the third central moment of u = U x under the class probabilities",
            "v": "variance of u under the class probabilities",
            "p": "mean of u minus its least coordinate",
            "q": "greatest coordinate of u minus its mean",
            "a": "least coordinate of u",
            "w": "Euclidean norm of u",
        },
        terms={"root": sqrt(6)},
        facts=(
            *_LENGTH,
            Fact("p at least 0", ">=0", p, ("probability.expectation",), "a mean is at least the least value"),
            Fact("q at least 0", ">=0", q, ("probability.expectation",), "a mean is at most the greatest value"),
            Fact(
                "cubic", ">=0", (q - 2 * p) * v + p**2 * q - t,
                ("probability.expectation", "analysis.loss-derivatives", "linalg.symmetric-forms", "calculus.mean-value"),
                "with y = u - mean in [-p, q], the mean of (q - y)(y + p)² is nonnegative; the supremum of t over U is the Lipschitz "
                "constant of the Hessian",
            ),
            Fact("quadratic", ">=0", p * q - v, ("probability.expectation",), "the mean of (q - y)(y + p) is nonnegative"),
            Fact("tangent", ">=0", Fraction(1, 4) * q**3 - t, ("probability.expectation",), "the mean of (q - y)(y + q/2)² is nonnegative"),
            Fact(
                "coordinates", ">=0", w**2 - a**2 - (a + p + q) ** 2, ("linalg.pythagoras",),
                "a and a + p + q are two of the coordinates (two classes at least)",
            ),
        ),
        steps=(
            _SPREAD,
            Split(
                "side", q - 2 * p,
                positive=_third_moment(_WIDE_BOUND, _WIDE, *_WIDE_TERMS),
                zero=_third_moment(_EVEN_BOUND, _WIDE, *_WIDE_TERMS),
                negative=_third_moment(_NARROW_BOUND, _NARROW, *_NARROW_TERMS, before=(_NARROW_RANGE,)),
            ),
        ),
        witness=_MOMENT_WITNESS,
    ),
    false_sibling=FalseSibling(
        "1/4 in place of sqrt(6)/9 = 0.2722", row_norm**3 / 4,
        # two values with probabilities 0.21 and 0.79: t = p q (q - p) close to the extreme (p + q)³/sqrt(108), p + q = sqrt(2) w
        counterexample={
            "row_norm": Fraction(71, 100), "w": Fraction(71, 100), "a": Fraction(-1, 2), "p": Fraction(21, 100), "q": Fraction(79, 100),
            "v": Fraction(1659, 10000), "t": Fraction(1659 * 58, 1000000),
        },
    ),
)  # fmt: skip

GRADIENT_NORM = Theorem(
    id="softmax.gradient",
    statement="The gradient of the softmax loss of one record has Frobenius norm at most sqrt(2) R, at any parameters.",
    hypotheses=(ROW_NORM,),
    conclusion=GRADIENT,
    formula=sqrt(2) * row_norm,
    rests_on=("analysis.loss-derivatives", "probability.expectation", "linalg.pythagoras"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "Frobenius norm of the gradient",
            "others": "sum of the squared probabilities of the other classes",
            "own": "one minus the probability of the record's class, the sum of the probabilities of the others",
            **H_MEANING,
        },
        terms={"root": sqrt(2)},
        facts=(
            Fact(
                "gradient", "==0", t**2 - (others + own**2) * h**2, ("analysis.loss-derivatives", "linalg.pythagoras"),
                "the gradient is the outer product of p - e_y and the row",
            ),
            Fact("sum", ">=0", own**2 - others, ("probability.expectation",), "a sum of squares of nonnegative numbers is at most their sum squared"),
            Fact("own at least 0", ">=0", own, ("probability.expectation",), "a probability"),
            Fact("own at most 1", ">=0", 1 - own, ("probability.expectation",), "a probability"),
            ROW,
            Fact("norm", ">=0", h, ("linalg.pythagoras",), "a norm is nonnegative"),
        ),
        steps=(
            Step(
                (
                    Term(2, 1, ("row", "row_norm")), Term(2, 1, ("row", "norm")), Term(2, h, ("own at most 1",)),
                    Term(2, h, ("own at most 1", "own at least 0")), Term(1, h, ("sum",)),
                ),
                ((row_norm**2, "root^2"), (-1, "gradient")),
                name="squares", slack=(sqrt(2) * row_norm) ** 2 - t**2,
            ),
            by_squares(sqrt(2) * row_norm, t, "squares"),
        ),
        witness={"row_norm": 1, "t": Fraction(7, 5), "others": Fraction(24, 25), "own": 1, "h": 1},
    ),
    false_sibling=FalseSibling(
        "the bound R of two classes with one row of parameters", row_norm,
        counterexample={"row_norm": 1, "t": Fraction(7, 5), "others": Fraction(24, 25), "own": 1, "h": 1},
    ),
)  # fmt: skip

GRADIENT_AT_MINIMISER = Theorem(
    id="softmax.gradient-at-minimiser",
    statement=(
        "At the exact minimiser of mean softmax loss plus (l2/2)|W|², the gradient of any record's loss with its ridge term l2 W included "
        "has norm at most sqrt(2) R + sqrt(2 l2 ln K)."
    ),
    hypotheses=(
        ROW_NORM,
        Hypothesis("l2", "weight decay", Side.UPPER, Domain.POSITIVE, "loss/parameter²"),
        Hypothesis("classes", "number of classes", Side.EXACT, Domain.COUNT, "classes"),
    ),
    conclusion=Conclusion("lipschitz", "gradient norm of every record's regularised loss at the minimiser", Side.UPPER, "loss/parameter"),
    formula=sqrt(2) * row_norm + sqrt(2 * l2 * log(classes)),
    rests_on=("softmax.gradient", "linalg.triangle", "analysis.loss-derivatives"),
    source="own derivation (the loss at the minimiser is at most the loss ln K at zero)",
    side_conditions=(Relation(">=0", classes - 1, "classes at least 1"),),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the gradient of a record's loss plus l2 W at the minimiser W",
            "g": "norm of the gradient of the record's loss without the ridge term",
            "weight": "the weight decay itself",
            "size": "norm of the minimiser W",
        },
        terms={"root": sqrt(2), "entropy": log(classes), "ridge": sqrt(2 * l2 * log(classes))},
        facts=(
            Fact("decay", ">=0", l2 - weight, ("hypothesis:l2",), "the number given covers the weight decay"),
            Fact("decay at least 0", ">=0", weight, ("linalg.triangle",), "the penalty is a multiple of a squared norm, not negative"),
            Fact("triangle", ">=0", g + weight * size - t, ("linalg.triangle",), "t <= g + l2 |W|"),
            Fact(
                "value", ">=0", log(classes) - Fraction(1, 2) * weight * size**2, ("analysis.loss-derivatives",),
                "the loss is nonnegative, and the objective at W is at most its value ln K at zero",
            ),
        ),
        citations=(Citation("record", "softmax.gradient", g, {"row_norm": row_norm}, "without the ridge term"),),
        steps=(
            Step(
                (Term(2, 1, ("l2", "value")), Term(1, size, ("decay at least 0", "decay"))), ((1, "ridge^2"),),
                name="squares", slack=sqrt(2 * l2 * log(classes)) ** 2 - (weight * size) ** 2,
            ),
            by_squares(sqrt(2 * l2 * log(classes)), weight * size, "squares", extra=((1, "record"), (1, "triangle"))),
        ),
        witness={"row_norm": 1, "l2": 1, "classes": 2, "t": 1, "g": 1, "weight": 1, "size": 1, "entropy": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling(
        "the ridge term left out", sqrt(2) * row_norm,
        counterexample={"row_norm": 1, "l2": 1, "classes": 2, "t": Fraction(12, 5), "g": Fraction(7, 5), "weight": 1, "size": 1, "entropy": Fraction(1, 2)},
    ),
)  # fmt: skip

THEOREMS = (SMOOTHNESS, HESSIAN_LIPSCHITZ, GRADIENT_NORM, GRADIENT_AT_MINIMISER)
