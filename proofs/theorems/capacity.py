"""How many records may go: deletions that end farther from the retained minimiser than a budget delete at least so many."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import HESSIAN_LIPSCHITZ, LIPSCHITZ, RECORDS, STRONG_CONVEXITY

n, budget, lipschitz, hessian_lipschitz, strong_convexity = symbols("n budget lipschitz hessian_lipschitz strong_convexity")
m, g, e, d = symbols("m g e d")

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

THEOREMS = (OUTPUT_CAPACITY, CAPACITY)
