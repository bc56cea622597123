"""Distance of a parameter vector to the minimiser of a strongly convex objective."""

from __future__ import annotations

from ..expression import symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import DELETED, DISTANCE, DISTANCE_HYPOTHESIS, LIPSCHITZ, RECORDS, STRONG_CONVEXITY

residual, strong_convexity, n, m, lipschitz, distance, tolerance = symbols("residual strong_convexity n m lipschitz distance tolerance")

OUTPUT_RESIDUAL = Theorem(
    id="output.residual",
    statement="The distance to the minimiser of a strongly convex objective is at most the gradient norm over the strong convexity.",
    hypotheses=(
        Hypothesis("residual", "at or above the Euclidean norm of the gradient at the parameters", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
        STRONG_CONVEXITY,
    ),
    conclusion=DISTANCE,
    formula=residual / strong_convexity,
    rests_on=("convexity.strong-monotonicity", "linalg.cauchy-schwarz", "calculus.stationarity"),
    source="standard; used by Neel, Roth & Sharifi-Malvajerdi, ALT 2021; own proof",
)

OUTPUT_WORST_CASE = Theorem(
    id="output.worst-case",
    statement=(
        "Deleting m of n records moves the unconstrained minimiser of a mean loss by at most m G / (mu (n - m)), "
        "where the objective over the retained records is strongly convex with constant mu."
    ),
    hypotheses=(RECORDS, DELETED, LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance between the minimisers over all and over the retained records", Side.UPPER, "parameter"),
    formula=m * lipschitz / (strong_convexity * (n - m)),
    rests_on=("output.residual", "calculus.stationarity", "linalg.triangle"),
    source="standard; constant sharper by two than Sekhari et al., NeurIPS 2021, Lemma 6, and Neel et al., ALT 2021, Lemma 8; own proof",
)

COMPARATOR = Theorem(
    id="distance.comparator",
    statement=(
        "If the retrained comparator stops where its gradient norm is at most the tolerance, its distance to the un-noised parameters "
        "is at most their distance to the exact minimiser plus tolerance / mu."
    ),
    hypotheses=(
        DISTANCE_HYPOTHESIS,
        Hypothesis("tolerance", "at or above the gradient norm at the retrained comparator", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
        STRONG_CONVEXITY,
    ),
    conclusion=Conclusion("sensitivity", "distance from the un-noised parameters to the comparator", Side.UPPER, "parameter"),
    formula=distance + tolerance / strong_convexity,
    rests_on=("output.residual", "linalg.triangle"),
    source="own derivation",
)

THEOREMS = (OUTPUT_RESIDUAL, OUTPUT_WORST_CASE, COMPARATOR)
