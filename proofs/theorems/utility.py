"""What noise costs, and how many records may go: the excess risk of a noised release, and the deletion capacity."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import DISTANCE_HYPOTHESIS, HESSIAN_LIPSCHITZ, LIPSCHITZ, RECORDS, SMOOTHNESS, STRONG_CONVEXITY

smoothness, distance, dimension, sigma, gradient = symbols("smoothness distance dimension sigma gradient")
n, budget, lipschitz, hessian_lipschitz, strong_convexity = symbols("n budget lipschitz hessian_lipschitz strong_convexity")
f, square, e, s, tilt, slope, m, g, d = symbols("f square e s tilt slope m g d")

_DIMENSION = Hypothesis("dimension", "number of parameters", Side.UPPER, Domain.COUNT)
_SIGMA = Hypothesis(
    "sigma", "standard deviation of the Gaussian noise in every coordinate", Side.UPPER, Domain.NONNEGATIVE, "parameter"
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

EXCESS_RISK_CONSTRAINED = Theorem(
    id="utility.excess-risk-constrained",
    statement=(
        "Where the minimum is over a convex set and the gradient at the minimiser has norm gamma, parameters within the distance of it, "
        "released with N(0, sigma² I) added and not projected, have expected objective at most "
        "gamma distance + (beta/2)(distance² + d sigma²) above the minimum."
    ),
    hypotheses=(
        SMOOTHNESS,
        DISTANCE_HYPOTHESIS,
        _DIMENSION,
        _SIGMA,
        Hypothesis("gradient", "at or above the gradient norm at the constrained minimiser", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
    ),
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
            Fact(
                "descent", ">=0", tilt + Fraction(1, 2) * smoothness * square - f,
                ("calculus.descent-lemma", "probability.expectation", "hypothesis:smoothness"),
                "the descent lemma at the minimiser, in expectation",
            ),
            Fact(
                "centred", ">=0", slope * e - tilt, ("probability.gaussian-moments", "probability.expectation", "linalg.cauchy-schwarz"),
                "the noise is centred and drops out of the expected inner product, which is at most the product of the norms",
            ),
            Fact("steep", ">=0", gradient - slope, ("hypothesis:gradient",), "the number given covers the gradient norm"),
        ),
        steps=(Step((*_COVERED, Term(2, 1, ("centred",)), Term(2, 1, ("steep", "norm")), Term(2, 1, ("gradient", "near")))),),
        witness={**_WITNESS, "gradient": 1, "slope": 1, "tilt": 1, "f": 3},
    ),
    false_sibling=FalseSibling(
        "the gradient at the minimiser taken for zero", _COST, counterexample={**_WITNESS, "gradient": 1, "slope": 1, "tilt": 1, "f": 3}
    ),
)  # fmt: skip

_BUDGET = Hypothesis(
    "budget", "at or below the distance from the retained minimiser that is allowed", Side.LOWER, Domain.POSITIVE, "parameter"
)
_DELETION = {
    "m": "number of deleted records",
    "g": "norm of the retained objective's gradient at the minimiser over all records",
    "e": "distance between the minimisers over all and over the retained records",
}
_COUNT = Fact(
    "count", ">=0", m, ("probability.expectation",), "m over the number of records is a share: a probability, at least zero"
)
_SHIFT = Fact(
    "shift", ">=0", m * lipschitz - (n - m) * g, ("calculus.stationarity", "linalg.triangle", "hypothesis:n", "hypothesis:lipschitz"),
    "the gradients of all records add up to zero, so those of the retained add up to minus those of the deleted: (n - m) g <= m G",
)  # fmt: skip
_RESIDUAL = Citation(
    "residual", "output.residual", e, {"residual": g, "strong_convexity": strong_convexity}, "for the retained objective"
)

OUTPUT_CAPACITY = Theorem(
    id="utility.output-capacity",
    statement=(
        "A deletion that moves the unconstrained minimiser of a mean loss by the budget Delta or more deletes at least "
        "n mu Delta / (G + mu Delta) records, where the objective over the retained records is strongly convex with constant mu."
    ),
    hypotheses=(RECORDS, LIPSCHITZ, STRONG_CONVEXITY, _BUDGET),
    conclusion=Conclusion("capacity", "number of records of a deletion that moves the minimiser by the budget or more", Side.LOWER, "records"),
    formula=n / (1 + lipschitz / (strong_convexity * budget)),
    rests_on=("output.residual", "calculus.stationarity", "linalg.triangle", "probability.expectation"),
    source="own derivation (output.worst-case, solved for m)",
    proof=AlgebraicProof(
        target="m",
        variables=_DELETION,
        facts=(
            Fact("norm", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            _COUNT,
            _SHIFT,
            Fact("far", ">=0", e - budget, ("hypothesis:budget",), "the minimiser moves by the budget or more"),
        ),
        citations=(_RESIDUAL,),
        steps=(
            Split(
                "retained", n - m,
                positive=(
                    Step((
                        Term(1, 1, ("shift",)), Term(1, 1, ("retained", "residual")), Term(1, 1, ("retained", "strong_convexity", "far")),
                    )),
                ),
                zero=(Step((Term(1, 1, ("n", "lipschitz")),), ((-lipschitz - strong_convexity * budget, "retained"),)),),
                negative=(
                    Step((
                        Term(1, 1, ("retained", "lipschitz")), Term(1, 1, ("n", "lipschitz")),
                        Term(1, 1, ("retained", "strong_convexity", "budget")),
                    )),
                ),
            ),
        ),
        witness={"n": 2, "lipschitz": 1, "strong_convexity": 1, "budget": 1, "m": 1, "g": 1, "e": 1},
    ),
    false_sibling=FalseSibling(
        "G halved", n / (1 + lipschitz / (2 * strong_convexity * budget)),
        counterexample={"n": 2, "lipschitz": 1, "strong_convexity": 1, "budget": 1, "m": 1, "g": 1, "e": 1},
    ),
)  # fmt: skip

_TURN = sqrt(hessian_lipschitz / (2 * strong_convexity**3 * budget))


def _capacity(turn: Expression) -> Expression:
    return n / (1 + lipschitz * turn)


CAPACITY = Theorem(
    id="utility.capacity",
    statement=(
        "A deletion after which one exact Newton step from the minimiser over all n records ends at the budget Delta or farther from the "
        "retained minimiser deletes at least n q/(1 + q) records, q = sqrt(2 mu³ Delta/(M G²)); no constraint may be active at a minimiser."
    ),
    hypotheses=(RECORDS, LIPSCHITZ, HESSIAN_LIPSCHITZ, STRONG_CONVEXITY, _BUDGET),
    conclusion=Conclusion(
        "capacity", "number of records of a deletion after which the Newton-updated parameters miss the budget", Side.LOWER, "records"
    ),
    formula=_capacity(_TURN),
    rests_on=("output.residual", "newton.after-step", "calculus.stationarity", "linalg.triangle", "probability.expectation"),
    source="own derivation (newton.one-step, solved for m); the rate n/d^(1/4) is that of Sekhari et al., NeurIPS 2021",
    proof=AlgebraicProof(
        target="m",
        variables={**_DELETION, "d": "distance from the Newton-updated parameters to the retained minimiser"},
        terms={"turn": _TURN},
        facts=(
            Fact("norm", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("before", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            _COUNT,
            _SHIFT,
            Fact("far", ">=0", d - budget, ("hypothesis:budget",), "the step ends at the budget or farther"),
        ),
        citations=(
            _RESIDUAL,
            Citation(
                "landing", "newton.after-step", d,
                {"linear_residual": 0, "previous_distance": e, "hessian_lipschitz": hessian_lipschitz, "strong_convexity": strong_convexity},
                "an exact step: g + H s = 0",
            ),
        ),
        steps=(
            Split(
                "retained", n - m,
                positive=(
                    Step(
                        (Term(1, 1, ("shift",)), Term(1, 1, ("retained", "residual"))),
                        name="moved", slack=m * lipschitz - (n - m) * strong_convexity * e,
                    ),
                    Step(
                        (
                            Term(Fraction(1, 2), m * lipschitz - (n - m) * strong_convexity * e, ("hessian_lipschitz",)),
                            Term(1, 1, ("hessian_lipschitz", "retained", "strong_convexity", "before", "moved")),
                            Term(Fraction(1, 2), (n - m) * strong_convexity, ("landing",)),
                            Term(1, n - m, ("strong_convexity", "strong_convexity", "strong_convexity", "far")),
                        ),
                        ((Fraction(1, 2) * m**2 * lipschitz**2, "turn^2"),),
                        ("strong_convexity", "strong_convexity", "strong_convexity", "budget"),
                        name="squares", slack=(_TURN * m * lipschitz) ** 2 - (n - m) ** 2,
                    ),
                    by_squares(_TURN * m * lipschitz, n - m, "squares"),
                ),
                zero=(Step((Term(1, 1, ("turn", "n", "lipschitz")),), ((-1 - lipschitz * _TURN, "retained"),)),),
                negative=(
                    Step((Term(1, 1, ("retained",)), Term(1, 1, ("turn", "retained", "lipschitz")), Term(1, 1, ("turn", "n", "lipschitz")))),
                ),
            ),
        ),
        witness={
            "n": 2, "lipschitz": 1, "hessian_lipschitz": 2, "strong_convexity": 1, "budget": 1, "m": 1, "g": 1, "e": 1, "d": 1,
        },
    ),
    false_sibling=FalseSibling(
        "q twice as large", _capacity(_TURN / 2),
        counterexample={
            "n": 2, "lipschitz": 1, "hessian_lipschitz": 2, "strong_convexity": 1, "budget": 1, "m": 1, "g": 1, "e": 1, "d": 1,
        },
    ),
)  # fmt: skip

THEOREMS = (EXCESS_RISK, EXCESS_RISK_CONSTRAINED, OUTPUT_CAPACITY, CAPACITY)
