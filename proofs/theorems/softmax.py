"""Constants of the multinomial logistic loss log sum exp(W x) - (W x)_y on rows of bounded norm."""

from __future__ import annotations

from ..expression import log, sqrt, symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import GRADIENT, HESSIAN, ROW_NORM, SMOOTH

row_norm, l2, classes = symbols("row_norm l2 classes")

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
)  # fmt: skip

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
)  # fmt: skip

GRADIENT_NORM = Theorem(
    id="softmax.gradient",
    statement="The gradient of the softmax loss of one record has Frobenius norm at most sqrt(2) R, at any parameters.",
    hypotheses=(ROW_NORM,),
    conclusion=GRADIENT,
    formula=sqrt(2) * row_norm,
    rests_on=("analysis.loss-derivatives", "probability.expectation", "linalg.pythagoras"),
    source="standard; own proof",
)

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
    rests_on=("softmax.gradient", "linalg.triangle"),
    source="own derivation (the loss at the minimiser is at most the loss ln K at zero)",
)

THEOREMS = (SMOOTHNESS, HESSIAN_LIPSCHITZ, GRADIENT_NORM, GRADIENT_AT_MINIMISER)
