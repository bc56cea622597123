"""What noise costs: the excess risk of a noised release, with and without an active constraint."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import DISTANCE_HYPOTHESIS, SMOOTHNESS

smoothness, distance, dimension, sigma, gradient = symbols("smoothness distance dimension sigma gradient")
mu, excess = symbols("mu excess")
f, square, e, s, tilt, slope, mean = symbols("f square e s tilt slope mean")

_DIMENSION = Hypothesis("dimension", "number of parameters", Side.UPPER, Domain.COUNT)
_SIGMA = Hypothesis(
    "sigma", "standard deviation of the Gaussian noise in every coordinate", Side.UPPER, Domain.NONNEGATIVE, "parameter"
)
_GRADIENT = Hypothesis(
    "gradient", "at or above the gradient norm at the constrained minimiser", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"
)
_EXCESS = Conclusion("excess_risk", "expected objective minus its minimum", Side.UPPER, "loss")
_COST = smoothness / 2 * (distance**2 + dimension * sigma**2)
_WITNESS = {"smoothness": 2, "distance": 1, "dimension": 1, "sigma": 1, "f": 2, "square": 2, "e": 1, "s": 1}
_MEASURES = {
    "square": "expected squared distance of the release to the minimiser",
    "e": "distance of the un-noised parameters to the minimiser",
    "s": "standard deviation of the noise",
}
_NOISED = (
    Fact("mean square", ">=0", square, ("probability.expectation",), "an expected square is nonnegative"),
    Fact("norm", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
    Fact("scale", ">=0", s, ("probability.gaussian-moments",), "a standard deviation is nonnegative"),
    Fact(
        "moments", ">=0", e**2 + dimension * s**2 - square,
        ("probability.gaussian-moments", "probability.expectation", "hypothesis:dimension"),
        "the noise is centred, so its expected square adds to that of the distance",
    ),
    Fact("near", ">=0", distance - e, ("hypothesis:distance",), "the number given covers e"),
    Fact("noise", ">=0", sigma - s, ("hypothesis:sigma",), "the number given covers s"),
)  # fmt: skip
_COVERED = (
    Term(2, 1, ("descent",)), Term(1, 1, ("smoothness", "moments")),
    Term(1, 1, ("smoothness", "near", "distance")), Term(1, 1, ("smoothness", "near", "norm")),
    Term(1, 1, ("smoothness", "dimension", "noise", "sigma")), Term(1, 1, ("smoothness", "dimension", "noise", "scale")),
)  # fmt: skip

EXCESS_RISK = Theorem(
    id="utility.excess-risk",
    statement=(
        "Parameters within the distance of an unconstrained minimiser, released with N(0, sigma² I) added, have expected objective "
        "at most (beta/2)(distance² + d sigma²) above the minimum."
    ),
    hypotheses=(SMOOTHNESS, DISTANCE_HYPOTHESIS, _DIMENSION, _SIGMA),
    conclusion=_EXCESS,
    formula=_COST,
    rests_on=("calculus.descent-lemma", "calculus.stationarity", "probability.expectation", "probability.gaussian-moments", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="f",
        variables={"f": "expected objective at the release minus the minimum", **_MEASURES},
        facts=(
            *_NOISED,
            Fact(
                "descent", ">=0", Fraction(1, 2) * smoothness * square - f,
                ("calculus.descent-lemma", "calculus.stationarity", "probability.expectation", "hypothesis:smoothness"),
                "the descent lemma at the minimiser, where the gradient is zero, in expectation",
            ),
        ),
        steps=(Step(_COVERED),),
        witness=_WITNESS,
    ),
    false_sibling=FalseSibling(
        "half of the cost of the noise", smoothness / 2 * (distance**2 + dimension * sigma**2 / 2), counterexample=_WITNESS
    ),
)  # fmt: skip

_DESCENT = Fact(
    "descent", ">=0", tilt + Fraction(1, 2) * smoothness * square - f,
    ("calculus.descent-lemma", "probability.expectation", "hypothesis:smoothness"), "the descent lemma at the minimiser, in expectation",
)  # fmt: skip
_STEEP = Fact("steep", ">=0", gradient - slope, ("hypothesis:gradient",), "the number given covers the gradient norm")

EXCESS_RISK_CONSTRAINED = Theorem(
    id="utility.excess-risk-constrained",
    statement=(
        "Where the minimum is over a convex set and the gradient at the minimiser has norm gamma, parameters within the distance of it, "
        "released with N(0, sigma² I) added and not projected, have expected objective at most "
        "gamma distance + (beta/2)(distance² + d sigma²) above the minimum."
    ),
    hypotheses=(SMOOTHNESS, DISTANCE_HYPOTHESIS, _DIMENSION, _SIGMA, _GRADIENT),
    conclusion=_EXCESS,
    formula=gradient * distance + _COST,
    rests_on=(
        "calculus.descent-lemma", "probability.expectation", "probability.gaussian-moments", "linalg.triangle", "linalg.cauchy-schwarz",
    ),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="f",
        variables={
            "f": "expected objective at the release minus the minimum over the set",
            "tilt": "expected inner product of the gradient at the minimiser with the release minus the minimiser",
            "slope": "norm of the gradient at the minimiser",
            **_MEASURES,
        },
        facts=(
            *_NOISED,
            _DESCENT,
            Fact(
                "centred", ">=0", slope * e - tilt, ("probability.gaussian-moments", "probability.expectation", "linalg.cauchy-schwarz"),
                "the noise is centred and drops out of the expected inner product, which is at most the product of the norms",
            ),
            _STEEP,
        ),
        steps=(Step((*_COVERED, Term(2, 1, ("centred",)), Term(2, 1, ("steep", "norm")), Term(2, 1, ("gradient", "near")))),),
        witness={**_WITNESS, "gradient": 1, "slope": 1, "tilt": 1, "f": 3},
    ),
    false_sibling=FalseSibling(
        "the gradient at the minimiser taken for zero", _COST, counterexample={**_WITNESS, "gradient": 1, "slope": 1, "tilt": 1, "f": 3}
    ),
)  # fmt: skip

_SPREAD = sqrt(distance**2 + dimension * sigma**2)
_PROJECTED: dict[str, Fraction | int] = {
    "smoothness": 2, "distance": 3, "dimension": 1, "sigma": 4, "gradient": 1, "f": 30, "square": 25, "e": 3, "s": 4, "tilt": 5, "slope": 1,
    "mean": 5,
}  # fmt: skip

EXCESS_RISK_PROJECTED = Theorem(
    id="utility.excess-risk-projected",
    statement=(
        "Where the minimum is over a closed convex set and the gradient at the minimiser has norm gamma, parameters within the distance of it, "
        "released with N(0, sigma² I) added and projected onto the set, have expected objective at most "
        "gamma sqrt(distance² + d sigma²) + (beta/2)(distance² + d sigma²) above the minimum."
    ),
    hypotheses=(SMOOTHNESS, DISTANCE_HYPOTHESIS, _DIMENSION, _SIGMA, _GRADIENT),
    conclusion=_EXCESS,
    formula=gradient * _SPREAD + _COST,
    rests_on=(
        "calculus.descent-lemma", "probability.expectation", "probability.gaussian-moments", "linalg.triangle", "linalg.cauchy-schwarz",
        "convexity.projection",
    ),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="f",
        variables={
            "f": "expected objective at the release minus the minimum over the set",
            "tilt": "expected inner product of the gradient at the minimiser with the release minus the minimiser",
            "slope": "norm of the gradient at the minimiser",
            "mean": "expected distance of the release to the minimiser",
            **_MEASURES,
        },
        terms={"spread": _SPREAD},
        facts=(
            *_NOISED[:3],
            Fact(
                "moments", ">=0", e**2 + dimension * s**2 - square,
                ("probability.gaussian-moments", "probability.expectation", "convexity.projection", "hypothesis:dimension"),
                "projecting brings the release no farther from the minimiser, and the noise is centred",
            ),
            *_NOISED[4:],
            _DESCENT,
            Fact(
                "length", ">=0", slope * mean - tilt, ("probability.expectation", "linalg.cauchy-schwarz"),
                "an inner product is at most the product of the norms, in expectation",
            ),
            Fact("mean", ">=0", mean, ("probability.expectation",), "an expected norm is nonnegative"),
            Fact(
                "jensen", ">=0", square - mean**2, ("probability.expectation", "linalg.cauchy-schwarz"),
                "the square of an expectation is at most the expected square",
            ),
            _STEEP,
        ),
        steps=(
            Step(
                (*_COVERED, Term(2, 1, ("length",)), Term(2, 1, ("steep", "mean"))), name="rest",
                slack=smoothness * (distance**2 + dimension * sigma**2) + 2 * gradient * mean - 2 * f,
            ),
            Step(
                (
                    Term(4, gradient, ("jensen",)), Term(4, gradient, ("moments",)), Term(4, gradient, ("near", "distance")),
                    Term(4, gradient, ("near", "norm")), Term(4, gradient, ("dimension", "noise", "sigma")),
                    Term(4, gradient, ("dimension", "noise", "scale")),
                ),
                ((4 * gradient**2, "spread^2"),),
                name="squares", slack=(2 * gradient * _SPREAD) ** 2 - (2 * gradient * mean) ** 2,
            ),
            by_squares(2 * gradient * _SPREAD, 2 * gradient * mean, "squares", extra=((1, "rest"),)),
        ),
        witness=_PROJECTED,
    ),
    false_sibling=FalseSibling(
        "the distance alone before the gradient, as without a projection", gradient * distance + _COST, counterexample=_PROJECTED
    ),
)  # fmt: skip

_SHARE = sqrt(2 * excess / (smoothness * (1 + dimension / mu**2)))
_BOUGHT: dict[str, Fraction | int] = {"smoothness": 2, "dimension": 3, "mu": 1, "excess": 4, "f": 4, "e": 1, "s": 1}

DISTANCE_BUDGET = Theorem(
    id="utility.distance-budget",
    statement=(
        "Parameters at a distance from an unconstrained minimiser whose release with Gaussian noise of scale distance/mu costs an expected "
        "excess of alpha or more are at a distance of at least mu sqrt(2 alpha/(beta (d + mu²)))."
    ),
    hypotheses=(
        replace(SMOOTHNESS, domain=Domain.POSITIVE),
        _DIMENSION,
        Hypothesis("mu", "at or below the Gaussian parameter: the noise has at most the scale distance over mu", Side.LOWER, Domain.POSITIVE),
        Hypothesis("excess", "at or below the expected excess of the objective that is allowed", Side.LOWER, Domain.POSITIVE, "loss"),
    ),
    conclusion=Conclusion("budget", "distance of parameters whose noised release exceeds what is allowed", Side.LOWER, "parameter"),
    formula=_SHARE,
    rests_on=("utility.excess-risk", "linalg.triangle", "probability.gaussian-moments"),
    source="own derivation (utility.excess-risk, solved for the distance)",
    proof=AlgebraicProof(
        target="e",
        variables={"f": "expected objective at the release minus the minimum", "e": _MEASURES["e"], "s": _MEASURES["s"]},
        terms={"share": _SHARE},
        facts=(
            Fact("norm", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("scale", ">=0", s, ("probability.gaussian-moments",), "a standard deviation is nonnegative"),
            Fact("covered", ">=0", e - mu * s, ("hypothesis:mu",), "the noise has at most the scale e/mu"),
            Fact("dear", ">=0", f - excess, ("hypothesis:excess",), "the release costs what is allowed, or more"),
        ),
        citations=(
            Citation(
                "cost", "utility.excess-risk", f, {"smoothness": smoothness, "distance": e, "dimension": dimension, "sigma": s}, "for this release",
            ),
        ),
        steps=(
            Step((Term(1, 1, ("mu", "mu")), Term(1, 1, ("dimension",))), name="wide", kind=">0", slack=mu**2 + dimension),
            Step(
                (
                    Term(1, mu, ("cost",)), Term(2, mu, ("dear",)), Term(1, 1, ("smoothness", "dimension", "covered", "norm")),
                    Term(1, 1, ("smoothness", "dimension", "covered", "mu", "scale")),
                ),
                ((-1, "share^2"),), ("smoothness", "wide"),
                name="squares", slack=e**2 - _SHARE**2,
            ),
            by_squares(e, _SHARE, "squares"),
        ),
        witness=_BOUGHT,
    ),
    false_sibling=FalseSibling("the cost of the noise left out", sqrt(2 * excess / smoothness), counterexample=_BOUGHT),
)  # fmt: skip

THEOREMS = (EXCESS_RISK, EXCESS_RISK_CONSTRAINED, EXCESS_RISK_PROJECTED, DISTANCE_BUDGET)
