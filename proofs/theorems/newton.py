"""Newton steps on the retained objective: how near they come, and how sharply that is measured."""

from __future__ import annotations

from ..expression import symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import DELETED, DISTANCE, HESSIAN_LIPSCHITZ, LIPSCHITZ, RECORDS, STRONG_CONVEXITY

step, linear_residual, previous_distance, hessian_lipschitz, strong_convexity, n, m, lipschitz = symbols(
    "step linear_residual previous_distance hessian_lipschitz strong_convexity n m lipschitz"
)

_STEP = Hypothesis("step", "at or above the norm of the trial step", Side.UPPER, Domain.NONNEGATIVE, "parameter")
_LINEAR_RESIDUAL = Hypothesis(
    "linear_residual", "at or above the norm of gradient plus Hessian times step", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"
)
_PREVIOUS = Hypothesis(
    "previous_distance", "at or above the distance from the parameters to the minimiser, before the step", Side.UPPER, Domain.NONNEGATIVE, "parameter"
)

AFTER_STEP = Theorem(
    id="newton.after-step",
    statement=(
        "A step s from parameters at distance at most e from an interior minimiser, with r = |g + H s|, "
        "ends at distance at most (r + M e²/2)/mu from it."
    ),
    hypotheses=(_LINEAR_RESIDUAL, _PREVIOUS, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance to the minimiser after the step", Side.UPPER, "parameter"),
    formula=(linear_residual + hessian_lipschitz * previous_distance**2 / 2) / strong_convexity,
    rests_on=(
        "calculus.taylor-remainder", "calculus.stationarity", "convexity.strong-monotonicity", "linalg.cauchy-schwarz", "linalg.triangle",
    ),
    source="standard analysis of Newton's method (Nesterov 2004, Theorem 1.2.5), with an inexact step; own proof",
)  # fmt: skip

CORRECTED_RESIDUAL = Theorem(
    id="newton.corrected-residual",
    statement=(
        "With any trial step s and r = |g + H s|, the distance to an interior minimiser is at most "
        "|s| + (r + M e²/2)/mu for every e at or above the distance."
    ),
    hypotheses=(_STEP, _LINEAR_RESIDUAL, _PREVIOUS, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=DISTANCE,
    formula=step + (linear_residual + hessian_lipschitz * previous_distance**2 / 2) / strong_convexity,
    rests_on=("newton.after-step", "linalg.triangle"),
    source="own derivation (Newton-corrected a-posteriori residual)",
)

ONE_STEP = Theorem(
    id="newton.one-step",
    statement=(
        "One exact Newton step on the retained objective, from the minimiser over all n records, ends within "
        "M m² G² / (2 mu³ (n - m)²) of the minimiser over the retained records."
    ),
    hypotheses=(RECORDS, DELETED, LIPSCHITZ, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance from the Newton-updated parameters to the retained minimiser", Side.UPPER, "parameter"),
    formula=hessian_lipschitz * m**2 * lipschitz**2 / (2 * strong_convexity**3 * (n - m) ** 2),
    rests_on=("newton.after-step", "output.worst-case"),
    source="constant sharper by four than Sekhari et al., NeurIPS 2021, Lemma 3; own proof",
)

THEOREMS = (AFTER_STEP, CORRECTED_RESIDUAL, ONE_STEP)
