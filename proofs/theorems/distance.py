"""Distance of a parameter vector to the minimiser of a strongly convex objective."""

from __future__ import annotations

from ..expression import symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import DELETED, DISTANCE, DISTANCE_HYPOTHESIS, LIPSCHITZ, RECORDS, RESIDUAL, RETAINED, STRONG_CONVEXITY

residual, strong_convexity, n, m, lipschitz, distance, tolerance, step = symbols(
    "residual strong_convexity n m lipschitz distance tolerance step"
)
e, g, inner, u, v, c, s = symbols("e g inner u v c s")

OUTPUT_RESIDUAL = Theorem(
    id="output.residual",
    statement="The distance to the minimiser of a strongly convex objective is at most the gradient norm over the strong convexity.",
    hypotheses=(RESIDUAL, STRONG_CONVEXITY),
    conclusion=DISTANCE,
    formula=residual / strong_convexity,
    rests_on=("convexity.strong-monotonicity", "linalg.cauchy-schwarz", "calculus.stationarity"),
    source="standard; used by Neel, Roth & Sharifi-Malvajerdi, ALT 2021; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance from the parameters w to the minimiser w*",
            "g": "norm of the gradient at w",
            "inner": "inner product of the gradient at w with w - w*",
        },
        facts=(
            Fact("distance", ">=0", e, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("gradient", ">=0", residual - g, ("hypothesis:residual",), "the residual covers the gradient norm"),
            Fact("cauchy", ">=0", e * g - inner, ("linalg.cauchy-schwarz",), "inner <= e g"),
            Fact(
                "strong", ">=0", inner - strong_convexity * e**2,
                ("convexity.strong-monotonicity", "calculus.stationarity", "hypothesis:strong_convexity"),
                "mu e² <= inner, the gradient at w* being zero (at a constrained w* it only adds to inner)",
            ),
        ),
        steps=(
            Split(
                "apart", e,
                positive=(Step((Term(1, 1, ("apart", "gradient")), Term(1, 1, ("cauchy",)), Term(1, 1, ("strong",))), factor=("apart",)),),
                zero=(Step((Term(1, 1, ("residual",)),), ((-strong_convexity, "apart"),)),),
            ),
        ),
        witness={"residual": 1, "strong_convexity": 1, "e": 1, "g": 1, "inner": 1},
    ),
    false_sibling=FalseSibling(
        "half of the bound", residual / (2 * strong_convexity), counterexample={"residual": 1, "strong_convexity": 1, "e": 1, "g": 1, "inner": 1}
    ),
)  # fmt: skip

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
    side_conditions=(RETAINED,),
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance between the two minimisers",
            "g": "norm of the retained objective's gradient at the minimiser over all records",
        },
        facts=(
            Fact("norm", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "shift", ">=0", m * lipschitz - (n - m) * g,
                ("calculus.stationarity", "linalg.triangle", "hypothesis:n", "hypothesis:m", "hypothesis:lipschitz"),
                "the gradients of all records add up to zero, so those of the retained add up to minus those of the deleted: (n - m) g <= m G",
            ),
        ),
        citations=(
            Citation("residual", "output.residual", e, {"residual": g, "strong_convexity": strong_convexity}, "for the retained objective"),
        ),
        steps=(Step((Term(1, 1, ("shift",)), Term(1, 1, ("condition:0", "residual")))),),
        witness={"n": 3, "m": 1, "lipschitz": 2, "strong_convexity": 1, "e": 1, "g": 1},
    ),
    false_sibling=FalseSibling(
        "the loss of a record counted in n instead of n - m", m * lipschitz / (strong_convexity * n),
        counterexample={"n": 3, "m": 1, "lipschitz": 2, "strong_convexity": 1, "e": 1, "g": 1},
    ),
)  # fmt: skip

_DELETED: dict[str, int] = {"n": 3, "m": 1, "lipschitz": 2, "strong_convexity": 1, "e": 1, "u": 1, "c": 0, "s": 2}

OUTPUT_WORST_CASE_CONSTRAINED = Theorem(
    id="output.worst-case-constrained",
    statement=(
        "Deleting m of n records moves the minimiser of a mean loss over a convex set by at most m G / (mu (n - m)), "
        "where the objective over the retained records is strongly convex with constant mu; the constraint may be active."
    ),
    hypotheses=(RECORDS, DELETED, LIPSCHITZ, STRONG_CONVEXITY),
    conclusion=Conclusion("distance", "distance between the minimisers over all and over the retained records", Side.UPPER, "parameter"),
    formula=m * lipschitz / (strong_convexity * (n - m)),
    rests_on=(
        "convexity.variational-inequality", "convexity.strong-monotonicity", "linalg.cauchy-schwarz", "linalg.triangle", "calculus.chain-rule",
    ),
    source="standard; own proof",
    side_conditions=(RETAINED,),
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance |w* - w_R| between the two minimisers",
            "u": "inner product of the retained objective's gradient at w* with w* - w_R",
            "c": "inner product of the sum of all records' gradients at w* with w_R - w*",
            "s": "inner product of the sum of the deleted records' gradients at w* with w_R - w*",
        },
        facts=(
            Fact("apart", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("optimal", ">=0", c, ("convexity.variational-inequality",), "w* is the minimiser over all records, and w_R is in the set"),
            Fact("downhill", ">=0", u, ("convexity.strong-monotonicity", "convexity.variational-inequality"), "as below, with mu = 0"),
            Fact(
                "sum", ">=0", s - (n - m) * u - c, ("calculus.chain-rule", "hypothesis:n"),
                "the gradients of all records are those of the deleted and of the retained, n - m of them or more",
            ),
            Fact(
                "deleted", ">=0", m * lipschitz * e - s, ("linalg.cauchy-schwarz", "linalg.triangle", "hypothesis:m", "hypothesis:lipschitz"),
                "the norm of a sum of m gradients is at most m G",
            ),
            Fact(
                "strong", ">=0", u - strong_convexity * e**2,
                ("convexity.strong-monotonicity", "convexity.variational-inequality", "hypothesis:strong_convexity"),
                "mu e² <= <grad F_R(w*) - grad F_R(w_R), w* - w_R>, and the gradient at w_R only takes from it",
            ),
        ),
        steps=(
            Split(
                "moved", e,
                positive=(
                    Step(
                        (Term(1, 1, ("deleted",)), Term(1, 1, ("sum",)), Term(1, 1, ("optimal",)), Term(1, 1, ("condition:0", "strong"))),
                        factor=("moved",),
                    ),
                ),
                zero=(Step((Term(1, 1, ("m", "lipschitz")),), ((-strong_convexity * (n - m), "moved"),)),),
            ),
        ),
        witness=_DELETED,
    ),
    false_sibling=FalseSibling(
        "the loss of a record counted in n instead of n - m", m * lipschitz / (strong_convexity * n), counterexample=_DELETED
    ),
)  # fmt: skip

DETOUR = Theorem(
    id="distance.detour",
    statement="The distance to the minimiser is at most the way to a nearby point plus that point's distance to the minimiser.",
    hypotheses=(
        Hypothesis("step", "at or above the distance from the parameters to the nearby point", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("distance", "at or above the distance from the nearby point to the minimiser", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
    ),
    conclusion=DISTANCE,
    formula=step + distance,
    rests_on=("linalg.triangle",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance |w - w*| of the parameters to the minimiser",
            "s": "distance |w - w'| of the parameters to the nearby point",
            "c": "distance |w' - w*| of the nearby point to the minimiser",
        },
        facts=(
            Fact("way", ">=0", step - s, ("hypothesis:step",), "the number given covers s"),
            Fact("near", ">=0", distance - c, ("hypothesis:distance",), "the number given covers c"),
            Fact("triangle", ">=0", s + c - e, ("linalg.triangle",), "e <= s + c"),
        ),
        steps=(Step((Term(1, 1, ("way",)), Term(1, 1, ("near",)), Term(1, 1, ("triangle",)))),),
        witness={"step": 1, "distance": 1, "e": 2, "s": 1, "c": 1},
    ),
    false_sibling=FalseSibling("the way alone", step, counterexample={"step": 1, "distance": 1, "e": 2, "s": 1, "c": 1}),
)  # fmt: skip

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
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "distance from the un-noised parameters to the comparator",
            "e": "distance from the un-noised parameters to the minimiser",
            "c": "distance from the comparator to the minimiser",
        },
        facts=(
            Fact("near", ">=0", distance - e, ("hypothesis:distance",), "the distance given covers e"),
            Fact("triangle", ">=0", e + c - v, ("linalg.triangle",), "v <= e + c"),
        ),
        citations=(
            Citation(
                "stopped", "output.residual", c, {"residual": tolerance, "strong_convexity": strong_convexity},
                "for the comparator, whose gradient norm is at most the tolerance",
            ),
        ),
        steps=(Step((Term(1, 1, ("strong_convexity", "near")), Term(1, 1, ("strong_convexity", "triangle")), Term(1, 1, ("stopped",)))),),
        witness={"distance": 1, "tolerance": 1, "strong_convexity": 1, "v": 2, "e": 1, "c": 1},
    ),
    false_sibling=FalseSibling(
        "the comparator's own residual left out", distance,
        counterexample={"distance": 1, "tolerance": 1, "strong_convexity": 1, "v": 2, "e": 1, "c": 1},
    ),
)  # fmt: skip

THEOREMS = (DETOUR, OUTPUT_RESIDUAL, OUTPUT_WORST_CASE, OUTPUT_WORST_CASE_CONSTRAINED, COMPARATOR)
