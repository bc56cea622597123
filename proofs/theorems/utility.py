"""What noise costs: the excess risk of a noised release."""

from __future__ import annotations

from ..expression import symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import DISTANCE_HYPOTHESIS, SMOOTHNESS

smoothness, distance, dimension, sigma = symbols("smoothness distance dimension sigma")

EXCESS_RISK = Theorem(
    id="utility.excess-risk",
    statement=(
        "Parameters within the distance of an unconstrained minimiser, released with N(0, sigma² I) added, have expected objective "
        "at most (beta/2)(distance² + d sigma²) above the minimum."
    ),
    hypotheses=(
        SMOOTHNESS,
        DISTANCE_HYPOTHESIS,
        Hypothesis("dimension", "number of parameters", Side.UPPER, Domain.COUNT),
        Hypothesis("sigma", "standard deviation of the Gaussian noise in every coordinate", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
    ),
    conclusion=Conclusion("excess_risk", "expected objective minus its minimum", Side.UPPER, "loss"),
    formula=smoothness / 2 * (distance**2 + dimension * sigma**2),
    rests_on=("calculus.descent-lemma", "calculus.stationarity", "probability.expectation", "probability.gaussian-moments"),
    source="standard; own proof",
)

THEOREMS = (EXCESS_RISK,)
