"""The curvature measured at the parameters in place of the strong convexity: it fades no faster than exponentially."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, exp, log, symbols
from ..proof import AlgebraicProof, Fact, Split, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import DISTANCE, RESIDUAL

radius, decay, residual, l2, curvature, self_concordance = symbols("radius decay residual l2 curvature self_concordance")
e, g, inner, weight, along, bend, rate = symbols("e g inner weight along bend rate")

_VARIABLES = {
    "e": "distance |w* - w| of the parameters to the minimiser",
    "g": "norm of the gradient at w",
    "inner": "inner product of minus the gradient at w with v, the unit vector from w to w* (any unit vector if they are equal)",
    "along": "integral of v · D²f v over the segment from w to w*",
    "bend": "v · D²f v at w",
}
_DISTANCE = Fact("norm", ">=0", e, ("linalg.triangle",), "a norm is nonnegative")
_COVERED = Fact("gradient", ">=0", residual - g, ("hypothesis:residual",), "the residual covers the gradient norm")
_CAUCHY = Fact("cauchy", ">=0", g - inner, ("linalg.cauchy-schwarz",), "inner <= g |v|")
_BEND = Fact(
    "measured", ">=0", bend - curvature, ("linalg.rayleigh", "hypothesis:curvature"), "a quadratic form on unit vectors is at least the least eigenvalue"
)  # fmt: skip


def _fade(constant: Expression, *reasons: str) -> Fact:
    return Fact(
        "fade", ">=0", constant * along - bend * (1 - exp(-(constant * e))), ("calculus.groenwall", "calculus.fundamental-theorem", *reasons),
        "h(t) = v · D²f(w + t v) v has |h'| <= nu h, so h(t) >= exp(-nu t) h(0); integrate over 0 <= t <= e",
    )  # fmt: skip


def _one(constant: Expression) -> Fact:
    return Fact(
        "one",
        ">=0",
        1 - exp(-(constant * e)) * (1 + constant * e),
        ("analysis.exponential-law",),
        "exp(0) >= exp(-nu e) (1 + nu e)",
    )


def _below_one(constant: Expression, positive: str) -> Step:
    return Step((Term(1, 1, ("one",)), Term(1, 1, (positive, "now", "norm"))), name="below one", slack=1 - exp(-(constant * e)))


def _path(ridge: Expression, words: str) -> Fact:
    return Fact("path", ">=0", inner - ridge - along, ("calculus.fundamental-theorem", "calculus.stationarity"), words)


_FOUNDATIONS = (
    "linalg.triangle", "linalg.cauchy-schwarz", "linalg.rayleigh", "calculus.groenwall", "calculus.fundamental-theorem", "calculus.stationarity",
    "analysis.exponential-law",
)  # fmt: skip
_NOW = exp(-(rate * e))
_THEN = exp(-(rate * radius))
_GIVEN = exp(-(self_concordance * radius))

RADIUS = Theorem(
    id="self-concordance.radius",
    statement=(
        "For F = f + (lambda/2)|w|² with an interior minimiser, |D³f[u, u, v]| <= nu |v| D²f[u, u] and D²f at least kappa at the parameters, "
        "the distance to the minimiser is at most every rho with lambda rho + kappa (1 - exp(-nu rho))/nu >= |grad F|."
    ),
    hypotheses=(
        Hypothesis("radius", "the radius rho that is claimed", Side.EXACT, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("decay", "at or above exp(-nu rho) for the nu and the rho that are given", Side.UPPER, Domain.NONNEGATIVE),
        RESIDUAL,
        Hypothesis("l2", "weight decay lambda", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),
        Hypothesis(
            "curvature", "at or below the least eigenvalue kappa of the Hessian of f at the parameters", Side.LOWER, Domain.NONNEGATIVE, "loss/parameter²"
        ),
        Hypothesis(
            "self_concordance", "|D³f[u, u, v]| <= nu |v| D²f[u, u] everywhere, with at most this nu", Side.UPPER, Domain.POSITIVE, "1/parameter"
        ),
    ),
    conclusion=DISTANCE,
    formula=radius,
    rests_on=_FOUNDATIONS,
    source="Kuang & Xia 2026 for rows of norm one, from the minimiser over all records; own proof",
    side_conditions=(
        Relation(">=0", 1 - decay, "decay <= 1: curvature does not grow in the bound"),
        Relation(
            ">=0", l2 * radius + curvature * (1 - decay) / self_concordance - residual,
            "l2 radius + curvature (1 - decay)/self_concordance >= residual: the gradient is used up within the radius",
        ),
    ),
    proof=AlgebraicProof(
        target="e",
        variables={
            **_VARIABLES,
            "weight": "the weight decay of F",
            "rate": "a positive nu with which the inequality holds, at most the number given",
        },
        terms={"given": _GIVEN, "then": _THEN, "now": _NOW},
        facts=(
            _DISTANCE, _COVERED, _CAUCHY,
            _path(weight * e, "the gradient at w* is zero; f contributes its integral along v, the ridge its weight times the length"),
            Fact("rate", ">0", rate, ("calculus.groenwall",), "a greater constant serves as well, so a positive one can be taken"),
            Fact("covered", ">=0", self_concordance - rate, ("hypothesis:self_concordance",), "the number given covers it"),
            _fade(rate), _BEND, _one(rate),
            Fact("ridge", ">=0", weight - l2, ("hypothesis:l2",), "the number given is at most the weight decay"),
            Fact("decayed", ">=0", decay - _GIVEN, ("hypothesis:decay",), "the number given covers exp(-nu rho)"),
            Fact(
                "tangent", ">=0", _THEN - _NOW * (1 + rate * (e - radius)), ("analysis.exponential-law",),
                "exp(-k rho) >= exp(-k e) (1 + k e - k rho)",
            ),
            Fact(
                "steeper", ">=0", _GIVEN - _THEN * (1 - (self_concordance - rate) * radius), ("analysis.exponential-law",),
                "exp(-nu rho) >= exp(-k rho) (1 + k rho - nu rho)",
            ),
            Fact("start", ">=0", 1 - _THEN * (1 + rate * radius), ("analysis.exponential-law",), "exp(0) >= exp(-k rho) (1 + k rho)"),
        ),
        steps=(
            Split(
                "beyond", e - radius,
                positive=(
                    _below_one(rate, "rate"),
                    Step((Term(1, 1, ("tangent",)), Term(1, 1, ("now", "rate", "beyond"))), name="later", slack=_THEN - _NOW),
                    Step(
                        (Term(1, 1, ("rate", "steeper")), Term(1, 1, ("covered", "start"))),
                        name="slower", slack=self_concordance * (1 - _THEN) - rate * (1 - _GIVEN),
                    ),
                    Step(
                        (
                            *(Term(1, 1, ("self_concordance", "rate", name)) for name in ("gradient", "cauchy", "path")),
                            Term(1, 1, ("self_concordance", "rate", "norm", "ridge")), Term(1, 1, ("self_concordance", "fade")),
                            Term(1, 1, ("self_concordance", "below one", "measured")), Term(1, 1, ("self_concordance", "curvature", "later")),
                            Term(1, 1, ("curvature", "slower")), Term(1, 1, ("curvature", "rate", "decayed")), Term(1, 1, ("rate", "condition:1")),
                        ),
                        factor=("l2", "self_concordance", "rate"),
                    ),
                ),
                zero=(Step(equations=((-1, "beyond"),)),),
                negative=(Step((Term(1, 1, ("beyond",)),)),),
            ),
        ),
        witness={
            "radius": 1, "decay": Fraction(1, 2), "residual": 1, "l2": 1, "curvature": 1, "self_concordance": 1, "e": 0, "g": 1, "inner": 1,
            "weight": 1, "along": 0, "bend": 1, "rate": 1, "given": Fraction(2, 5), "then": Fraction(2, 5), "now": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the curvature taken for constant", residual / (l2 + curvature),
        counterexample={
            "radius": 1, "decay": Fraction(37, 100), "residual": Fraction(163, 100), "l2": 1, "curvature": 1, "self_concordance": 1,
            "e": Fraction(99, 100), "g": Fraction(163, 100), "inner": Fraction(163, 100), "weight": 1, "along": Fraction(64, 100), "bend": 1,
            "rate": 1,
        },
    ),
)  # fmt: skip

_HERE = exp(-(self_concordance * e))
_USED = self_concordance * residual
_LOGARITHM = log(1 + _USED / (curvature - _USED))

WITHOUT_RIDGE = Theorem(
    id="self-concordance.distance",
    statement=(
        "Where |D³F[u, u, v]| <= nu |v| D²F[u, u] and D²F is at least alpha at the parameters, the distance to an interior minimiser "
        "is at most -ln(1 - nu |grad F|/alpha)/nu as long as nu |grad F| < alpha."
    ),
    hypotheses=(
        RESIDUAL,
        Hypothesis(
            "curvature", "at or below the least eigenvalue alpha of the Hessian of F at the parameters", Side.LOWER, Domain.POSITIVE, "loss/parameter²"
        ),
        Hypothesis(
            "self_concordance", "a nu with |D³F[u, u, v]| <= nu |v| D²F[u, u] everywhere: any upper bound of the least is one",
            Side.EXACT, Domain.POSITIVE, "1/parameter",
        ),
    ),
    conclusion=DISTANCE,
    formula=_LOGARITHM / self_concordance,
    rests_on=_FOUNDATIONS,
    source="own derivation on Bach 2010, Proposition 1",
    side_conditions=(
        Relation(">0", curvature - _USED, "self_concordance residual < curvature: beyond it the curvature may fade before the gradient does"),
    ),
    proof=AlgebraicProof(
        target="e",
        variables=_VARIABLES,
        terms={"whole": _LOGARITHM, "now": _HERE},
        facts=(
            _DISTANCE, _COVERED, _CAUCHY,
            _path(0 * e, "the gradient at w* is zero"),
            _fade(self_concordance, "hypothesis:self_concordance"), _BEND, _one(self_concordance),
            Fact(
                "tangent", ">=0", curvature - _USED - curvature * _HERE * (1 + self_concordance * e - _LOGARITHM), ("analysis.exponential-law",),
                "exp(-L) >= exp(-nu e) (1 + nu e - L) with L = ln(alpha/(alpha - nu r)), times alpha",
            ),
        ),
        steps=(
            _below_one(self_concordance, "self_concordance"),
            Step(
                (
                    Term(1, 1, ("self_concordance", "gradient")), Term(1, 1, ("self_concordance", "cauchy")),
                    Term(1, 1, ("self_concordance", "path")), Term(1, 1, ("fade",)), Term(1, 1, ("below one", "measured")),
                ),
                name="left", slack=curvature * _HERE - curvature + _USED,
            ),
            Step((Term(1, 1, ("tangent",)), Term(1, 1, ("left",))), factor=("curvature", "now")),
        ),
        witness={
            "residual": 1, "curvature": 2, "self_concordance": 1, "e": 0, "g": 1, "inner": 1, "along": 0, "bend": 2, "whole": 1, "now": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the curvature taken for constant", residual / curvature,
        counterexample={
            "residual": 1, "curvature": 2, "self_concordance": 1, "e": Fraction(69, 100), "g": 1, "inner": 1, "along": Fraction(997, 1000), "bend": 2,
        },
    ),
)  # fmt: skip

THEOREMS = (RADIUS, WITHOUT_RIDGE)
