"""Noise with density proportional to exp(-|b|/scale) in the Euclidean norm: pure privacy, its radius, its tail."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import SENSITIVITY

sensitivity, scale, dimension, tilt, radius = symbols("sensitivity scale dimension tilt radius")
v, n, s, d, near, far, whole, next_moment, p, m = symbols("v n s d near far whole next_moment p m")

_SCALE = "scale of the noise, whose density is proportional to exp(-|b|/scale)"
_DIMENSION = Hypothesis("dimension", "number of coordinates of the noise", Side.UPPER, Domain.COUNT)
_WIDEST = Hypothesis("scale", _SCALE, Side.UPPER, Domain.POSITIVE, "parameter")

PURE = Theorem(
    id="laplace.pure",
    statement=(
        "Two means at distance at most the sensitivity, released with noise of density proportional to exp(-|b|/scale), are "
        "(epsilon, 0)-indistinguishable with epsilon = sensitivity/scale."
    ),
    hypotheses=(SENSITIVITY, Hypothesis("scale", _SCALE, Side.LOWER, Domain.POSITIVE, "parameter")),
    conclusion=Conclusion("epsilon", "greatest logarithm of the ratio of the two probabilities of an event", Side.UPPER),
    formula=sensitivity / scale,
    rests_on=("probability.expectation", "linalg.triangle", "analysis.exponential-law"),
    source="Chaudhuri, Monteleoni & Sarwate, J. Mach. Learn. Res. 12 (2011), section 3.2; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest logarithm of the ratio of the two densities",
            "s": "scale of the noise",
            "d": "distance of the two means",
            "near": "distance of the outcome with the greatest ratio to the first mean",
            "far": "its distance to the second mean",
        },
        facts=(
            Fact(
                "log-ratio", ">=0", far - near - s * v, ("probability.expectation", "analysis.exponential-law"),
                "the densities have the same constant; probabilities are integrals of densities, so their ratio is no greater",
            ),
            Fact("triangle", ">=0", near + d - far, ("linalg.triangle",), "the outcome and the two means"),
            Fact("distance", ">=0", sensitivity - d, ("hypothesis:sensitivity",), "the number given covers the distance"),
            Fact("order", ">=0", v, ("probability.expectation",), "both densities have the integral one, so the ratio is at least one somewhere"),
            Fact("noise", ">=0", s - scale, ("hypothesis:scale",), "the scale is at least the number given"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("log-ratio",)), Term(1, 1, ("triangle",)), Term(1, 1, ("distance",)), Term(1, 1, ("order", "noise"))),
            ),
        ),
        witness={"sensitivity": 1, "scale": 1, "v": 1, "s": 1, "d": 1, "near": 0, "far": 1},
    ),
    false_sibling=FalseSibling(
        "half of it", sensitivity / (2 * scale),
        counterexample={"sensitivity": 1, "scale": 1, "v": 1, "s": 1, "d": 1, "near": 0, "far": 1},
    ),
)  # fmt: skip

RADIUS = Theorem(
    id="laplace.radius",
    statement="Noise in d dimensions with density proportional to exp(-|b|/scale) has the mean norm d scale.",
    hypotheses=(_DIMENSION, _WIDEST),
    conclusion=Conclusion("radius", "expected Euclidean norm of the noise", Side.UPPER, "parameter"),
    formula=dimension * scale,
    rests_on=("calculus.polar-coordinates", "calculus.integration-rules", "probability.expectation"),
    source="Chaudhuri, Monteleoni & Sarwate, J. Mach. Learn. Res. 12 (2011), section 3.2 (the norm is Gamma distributed); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "expected norm of the noise",
            "s": "scale of the noise",
            "whole": "integral of r^(d - 1) exp(-r/s) over r > 0",
            "next_moment": "integral of r^d exp(-r/s) over r > 0",
        },
        facts=(
            Fact("whole above 0", ">0", whole, ("probability.expectation",), "the integral of a positive function"),
            Fact("s at least 0", ">=0", s, ("probability.expectation",), "a scale is positive"),
            Fact(
                "mean", "==0", v * whole - next_moment, ("calculus.polar-coordinates",),
                "the mean of the norm, with the constant of the density taken out",
            ),
            Fact(
                "parts", ">=0", dimension * s * whole - next_moment, ("calculus.integration-rules", "hypothesis:dimension"),
                "integration by parts: the one integral is d s times the other",
            ),
            Fact("noise", ">=0", scale - s, ("hypothesis:scale",), "the number given covers the scale"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("parts",)), Term(1, 1, ("whole above 0", "dimension", "noise"))), ((-1, "mean"),), ("whole above 0",),
            ),
        ),
        witness={"dimension": 2, "scale": 1, "v": 2, "s": 1, "whole": 1, "next_moment": 2},
    ),
    false_sibling=FalseSibling(
        "one dimension less", (dimension - 1) * scale,
        counterexample={"dimension": 2, "scale": 1, "v": 2, "s": 1, "whole": 1, "next_moment": 2},
    ),
)  # fmt: skip

_TILTED = tilt * radius / ((1 + tilt) * scale)
_BOUND = exp(dimension * log(1 + tilt) - _TILTED)

TAIL = Theorem(
    id="laplace.tail",
    statement=(
        "Noise in d dimensions with density proportional to exp(-|b|/scale) has a norm of at least r with probability at most "
        "(1 + t)^d exp(-t r/((1 + t) scale)) for every t > 0; t = r/(d scale) - 1 is best for r above d scale."
    ),
    hypotheses=(
        _DIMENSION, _WIDEST,
        Hypothesis("radius", "the norm whose probability is asked for", Side.LOWER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("tilt", "how far the exponential moment is tilted; any positive number will do", Side.EXACT, Domain.POSITIVE),
    ),
    conclusion=Conclusion("probability", "probability that the norm of the noise reaches the radius", Side.UPPER),
    formula=_BOUND,
    rests_on=(
        "calculus.polar-coordinates", "calculus.integration-rules", "probability.expectation", "probability.markov", "analysis.exponential-law",
    ),
    source="Boucheron, Lugosi & Massart, Concentration Inequalities (2013), section 2.4 (gamma laws); own proof",
    proof=AlgebraicProof(
        target="p",
        variables={
            "p": "probability that the norm reaches the radius",
            "m": "mean of exp(t |b|/((1 + t) s)), where s is the true scale",
        },
        terms={"widening": log(1 + tilt), "mean": exp(dimension * log(1 + tilt)), "at": exp(_TILTED), "bound": _BOUND},
        facts=(
            Fact("p at least 0", ">=0", p, ("probability.expectation",), "a probability is nonnegative"),
            Fact(
                "substitution", ">=0", exp(dimension * log(1 + tilt)) - m,
                ("calculus.polar-coordinates", "calculus.integration-rules", "analysis.exponential-law", "hypothesis:dimension"),
                "the integral of r^(d - 1) exp(-r/((1 + t) s)) is (1 + t)^d times that of r^(d - 1) exp(-r/s)",
            ),
            Fact(
                "markov", ">=0", m - exp(_TILTED) * p, ("probability.markov", "hypothesis:radius", "hypothesis:scale"),
                "Markov's inequality for that exponential, which is no less at the true scale",
            ),
            Fact("law", "==0", _BOUND * exp(_TILTED) - exp(dimension * log(1 + tilt)), ("analysis.exponential-law",), "the law of exp"),
        ),
        steps=(
            Step((Term(1, 1, ("substitution",)), Term(1, 1, ("markov",))), ((1, "law"),), ("at",)),
        ),
        witness={
            "dimension": 1, "scale": 1, "radius": 2, "tilt": 1, "p": Fraction(1, 8), "m": 2, "widening": 1, "mean": 3, "at": 3, "bound": 1,
        },
    ),
    false_sibling=FalseSibling(
        "(1 + t) once, as in one dimension", exp(log(1 + tilt) - _TILTED),
        counterexample={
            "dimension": 3, "scale": 1, "radius": 4, "tilt": Fraction(1, 3), "p": Fraction(87, 100), "m": Fraction("2.37037037"),
        },
    ),
)  # fmt: skip

THEOREMS = (PURE, RADIUS, TAIL)
