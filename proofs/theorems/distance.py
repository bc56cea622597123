"""Distance of a parameter vector to the minimiser of a strongly convex objective."""

from __future__ import annotations

from ..expression import symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem

residual, strong_convexity, step, linear_residual, hessian_lipschitz, distance, tolerance = symbols(
    "residual strong_convexity step linear_residual hessian_lipschitz distance tolerance"
)

_STRONG_CONVEXITY = Hypothesis("strong_convexity", "the objective is strongly convex with at least this constant", Side.LOWER, Domain.POSITIVE, "loss/parameter²")
_DISTANCE = Conclusion("distance", "Euclidean distance from the parameters to the minimiser", Side.UPPER, "parameter")

OUTPUT_RESIDUAL = Theorem(
    id="output.residual",
    statement="The distance to the minimiser of a strongly convex objective is at most the gradient norm over the strong convexity.",
    hypotheses=(
        Hypothesis("residual", "at or above the Euclidean norm of the gradient at the parameters", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
        _STRONG_CONVEXITY,
    ),
    conclusion=_DISTANCE,
    formula=residual / strong_convexity,
    rests_on=("convexity.strong-monotonicity", "linalg.cauchy-schwarz"),
    source="standard; Nesterov 2004, Theorem 2.1.10 in the form used by Neel, Roth & Sharifi-Malvajerdi 2021; own proof",
)

NEWTON_CORRECTED = Theorem(
    id="newton.corrected-residual",
    statement=(
        "With a trial step s and r = |g + H s|, the distance to an interior minimiser is at most "
        "|s| + (r + M e²/2)/mu for every e at or above the distance."
    ),
    hypotheses=(
        Hypothesis("step", "at or above the norm of the trial step", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("linear_residual", "at or above the norm of gradient plus Hessian times step", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
        Hypothesis("previous_distance", "at or above the distance to the minimiser", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("hessian_lipschitz", "the Hessian is Lipschitz with at most this constant", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter³"),
        _STRONG_CONVEXITY,
    ),
    conclusion=_DISTANCE,
    formula=step + (linear_residual + hessian_lipschitz * symbols("previous_distance")[0] ** 2 / 2) / strong_convexity,
    rests_on=("calculus.taylor-remainder", "convexity.strong-monotonicity", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="own derivation (Newton-corrected a-posteriori residual)",
)

THEOREMS = (OUTPUT_RESIDUAL, NEWTON_CORRECTED)
