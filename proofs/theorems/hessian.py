"""Edges of the Hessian of a network with one hidden layer, and the one stationary point in a ball."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import RESIDUAL

descent, ascent, gauss_newton, l2, radius, residual, strong_convexity = symbols(
    "descent ascent gauss_newton l2 radius residual strong_convexity"
)
v, g, b, e, m, ball = symbols("v g b e m ball")
r, r_next, r_first, r_last = symbols("r r_next r_first r_last")
q, q_next, q_first, q_last = symbols("q q_next q_first q_last")

_NETWORK = (
    "The Hessian of a mean cross-entropy of a network V phi(W x + b) + c is a Gauss-Newton part and a residual part, which is block-diagonal: a block "
    "for each hidden neuron, of its row of W and b and its column of V"
)
_SEQUENCES = (
    Sequence(
        "r", "r_next", "r_first", "r_last", "quadratic form of the residual part over the blocks of the first neurons, at u"
    ),
    Sequence("q", "q_next", "q_first", "q_last", "squared norm of the coordinates of u in these blocks"),
)
_NO_FORM = Fact("no form", "==0", r_first, ("linalg.symmetric-forms",), "an empty sum")
_NO_NORM = Fact("no norm", "==0", q_first, ("linalg.pythagoras",), "an empty sum")
_UNIT = Fact("unit", ">=0", 1 - q_last, ("linalg.pythagoras",), "u is a unit vector, and blocks share no coordinate")
_FOUNDATIONS = (
    "calculus.chain-rule",
    "analysis.loss-derivatives",
    "linalg.rayleigh",
    "linalg.pythagoras",
    "linalg.symmetric-forms",
)
_PARTS = "u . H u is that of the Gauss-Newton part, of the blocks, and of the ridge; no second derivative has two neurons, two entries of V, or c in it"

_LOWER: dict[str, Fraction | int] = {
    "descent": 2, "l2": 1, "v": -1, "g": 0, "b": 2, "r": 0, "r_next": -2, "r_first": 0, "r_last": -2, "q": 0, "q_next": 1, "q_first": 0, "q_last": 1,
}  # fmt: skip

LOWER_EDGE = Theorem(
    id="hessian.lower-edge",
    statement=(
        f"{_NETWORK}. The Gauss-Newton part is positive semidefinite, so no eigenvalue of the Hessian with a ridge l2 is below l2 less the greatest "
        "eigenvalue of a negated block (or zero)."
    ),
    hypotheses=(
        Hypothesis("descent", "at or above every eigenvalue of minus every block", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"),
        Hypothesis("l2", "at or below the weight of the ridge (l2/2)|w - w0|²", Side.LOWER, Domain.NONNEGATIVE, "loss/parameter²"),
    ),
    conclusion=Conclusion("edge", "least eigenvalue of the Hessian", Side.LOWER, "loss/parameter²"),
    formula=l2 - descent,
    rests_on=_FOUNDATIONS,
    source="own derivation: the network is linear in its last layer, and every neuron acts on its own preactivation alone",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "least eigenvalue: u . H u at its unit eigenvector u",
            "g": "quadratic form of the Gauss-Newton part at u", "b": "greatest eigenvalue of a negated block, or zero",
        },
        sequences=_SEQUENCES,
        facts=(
            Fact("parts", ">=0", v - g - r_last - l2, ("calculus.chain-rule", "linalg.rayleigh", "hypothesis:l2"), _PARTS),
            Fact("convex", ">=0", g, ("analysis.loss-derivatives", "calculus.chain-rule"), "a mean of variances"),
            Fact(
                "block", ">=0", r_next - r + b * (q_next - q), ("linalg.rayleigh", "linalg.symmetric-forms"),
                "the form of one block is at least its least eigenvalue times the squared norm of its coordinates",
            ),
            Fact("covers", ">=0", descent - b, ("hypothesis:descent",), "the number given covers it"),
            Fact("worst at least 0", ">=0", b, ("linalg.rayleigh",), "or zero"),
            _NO_FORM, _NO_NORM, _UNIT,
        ),
        steps=(
            Induction(
                "held", r + b * q,
                base=(Step(equations=((1, "no form"), (b, "no norm"))),),
                step=(Step((Term(1, 1, ("held",)), Term(1, 1, ("block",)))),),
            ),
            Step((Term(1, 1, ("parts",)), Term(1, 1, ("convex",)), Term(1, 1, ("held",)), Term(1, 1, ("worst at least 0", "unit")), Term(1, 1, ("covers",)))),
        ),
        witness=_LOWER,
    ),
    false_sibling=FalseSibling("half of the descent", l2 - descent / 2, counterexample=_LOWER),
)  # fmt: skip

_UPPER: dict[str, Fraction | int] = {
    "ascent": 2, "gauss_newton": 1, "l2": 1, "v": 4, "g": 1, "b": 2, "r": 0, "r_next": 2,
    "r_first": 0, "r_last": 2, "q": 0, "q_next": 1, "q_first": 0, "q_last": 1,
}  # fmt: skip

UPPER_EDGE = Theorem(
    id="hessian.upper-edge",
    statement=(
        f"{_NETWORK}. No eigenvalue of the Hessian with a ridge l2 is above l2, the greatest eigenvalue of the Gauss-Newton part and the greatest "
        "eigenvalue of a block (or zero) together."
    ),
    hypotheses=(
        Hypothesis("gauss_newton", "at or above the greatest eigenvalue of the Gauss-Newton part", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"),
        Hypothesis("ascent", "at or above every eigenvalue of every block", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"),
        Hypothesis("l2", "at or above the weight of the ridge (l2/2)|w - w0|²", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"),
    ),
    conclusion=Conclusion("edge", "greatest eigenvalue of the Hessian", Side.UPPER, "loss/parameter²"),
    formula=gauss_newton + ascent + l2,
    rests_on=tuple(name for name in _FOUNDATIONS if name != "analysis.loss-derivatives"),
    source="own derivation",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest eigenvalue: u . H u at its unit eigenvector u",
            "g": "quadratic form of the Gauss-Newton part at u", "b": "greatest eigenvalue of a block, or zero",
        },
        sequences=_SEQUENCES,
        facts=(
            Fact("parts", ">=0", g + r_last + l2 - v, ("calculus.chain-rule", "linalg.rayleigh", "hypothesis:l2"), _PARTS),
            Fact("curved", ">=0", gauss_newton - g, ("linalg.rayleigh", "hypothesis:gauss_newton"), "a quadratic form at a unit vector"),
            Fact(
                "block", ">=0", r + b * (q_next - q) - r_next, ("linalg.rayleigh", "linalg.symmetric-forms"),
                "the form of one block is at most its greatest eigenvalue times the squared norm of its coordinates",
            ),
            Fact("covers", ">=0", ascent - b, ("hypothesis:ascent",), "the number given covers it"),
            Fact("worst at least 0", ">=0", b, ("linalg.rayleigh",), "or zero"),
            _NO_FORM, _NO_NORM, _UNIT,
        ),
        steps=(
            Induction(
                "held", b * q - r,
                base=(Step(equations=((-1, "no form"), (b, "no norm"))),),
                step=(Step((Term(1, 1, ("held",)), Term(1, 1, ("block",)))),),
            ),
            Step((Term(1, 1, ("parts",)), Term(1, 1, ("curved",)), Term(1, 1, ("held",)), Term(1, 1, ("worst at least 0", "unit")), Term(1, 1, ("covers",)))),
        ),
        witness=_UPPER,
    ),
    false_sibling=FalseSibling("without the blocks", gauss_newton + l2, counterexample=_UPPER),
)  # fmt: skip

_INSIDE: dict[str, Fraction | int] = {"radius": 2, "residual": 1, "strong_convexity": 1, "m": 1, "e": 1, "ball": 2}

INTERIOR = Theorem(
    id="hessian.stationary-point",
    statement=(
        "An objective that is strongly convex on a ball has one minimiser over it. It lies at least the radius less |grad|/mu, the gradient at the "
        "centre, from the boundary; where that is positive, it is the one stationary point in the ball. Nothing is said of points outside, so of "
        "what retraining finds."
    ),
    hypotheses=(
        Hypothesis("radius", "at or below the radius of the ball", Side.LOWER, Domain.POSITIVE, "parameter"),
        RESIDUAL,
        Hypothesis("strong_convexity", "strongly convex on the ball with at least this constant", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),
    ),
    conclusion=Conclusion("margin", "distance of the minimiser over the ball from the boundary", Side.LOWER, "parameter"),
    formula=radius - residual / strong_convexity,
    rests_on=("output.residual", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="m",
        variables={"m": "distance of the minimiser from the boundary", "e": "its distance from the centre", "ball": "radius of the ball"},
        facts=(
            Fact("radial", "==0", ball - e - m, ("linalg.triangle",), "the nearest point of the boundary lies on the ray from the centre"),
            Fact("covers", ">=0", ball - radius, ("hypothesis:radius",), "the number given is at or below the radius"),
        ),
        citations=(
            Citation(
                "near", "output.residual", e, {"residual": residual, "strong_convexity": strong_convexity},
                "the ball is convex, and the minimiser over it is constrained",
            ),
        ),
        steps=(Step((Term(1, 1, ("strong_convexity", "covers")), Term(1, 1, ("near",))), ((-strong_convexity, "radial"),)),),
        witness=_INSIDE,
    ),
    false_sibling=FalseSibling("half of the way", radius - residual / (2 * strong_convexity), counterexample=_INSIDE),
)  # fmt: skip

THEOREMS = (LOWER_EDGE, UPPER_EDGE, INTERIOR)
