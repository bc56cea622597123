"""What noise costs: the excess risk of a noised release."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import DISTANCE_HYPOTHESIS, SMOOTHNESS

smoothness, distance, dimension, sigma = symbols("smoothness distance dimension sigma")
f, square, e, s = symbols("f square e s")

_WITNESS = {"smoothness": 2, "distance": 1, "dimension": 1, "sigma": 1, "f": 2, "square": 2, "e": 1, "s": 1}

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
    rests_on=("calculus.descent-lemma", "calculus.stationarity", "probability.expectation", "probability.gaussian-moments", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="f",
        variables={
            "f": "expected objective at the release minus the minimum",
            "square": "expected squared distance of the release to the minimiser",
            "e": "distance of the un-noised parameters to the minimiser",
            "s": "standard deviation of the noise",
        },
        facts=(
            Fact("mean square", ">=0", square, ("probability.expectation",), "an expected square is nonnegative"),
            Fact("norm", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("scale", ">=0", s, ("probability.gaussian-moments",), "a standard deviation is nonnegative"),
            Fact(
                "descent", ">=0", Fraction(1, 2) * smoothness * square - f,
                ("calculus.descent-lemma", "calculus.stationarity", "probability.expectation", "hypothesis:smoothness"),
                "the descent lemma at the minimiser, where the gradient is zero, in expectation",
            ),
            Fact(
                "moments", ">=0", e**2 + dimension * s**2 - square,
                ("probability.gaussian-moments", "probability.expectation", "hypothesis:dimension"),
                "the noise is centred, so its expected square adds to that of the distance",
            ),
            Fact("near", ">=0", distance - e, ("hypothesis:distance",), "the number given covers e"),
            Fact("noise", ">=0", sigma - s, ("hypothesis:sigma",), "the number given covers s"),
        ),
        steps=(
            Step(
                (
                    Term(2, 1, ("descent",)), Term(1, 1, ("smoothness", "moments")),
                    Term(1, 1, ("smoothness", "near", "distance")), Term(1, 1, ("smoothness", "near", "norm")),
                    Term(1, 1, ("smoothness", "dimension", "noise", "sigma")), Term(1, 1, ("smoothness", "dimension", "noise", "scale")),
                ),
            ),
        ),
        witness=_WITNESS,
    ),
    false_sibling=FalseSibling(
        "half of the cost of the noise", smoothness / 2 * (distance**2 + dimension * sigma**2 / 2), counterexample=_WITNESS
    ),
)  # fmt: skip

THEOREMS = (EXCESS_RISK,)
