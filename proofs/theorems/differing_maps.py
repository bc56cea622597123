"""Privacy amplification by iteration where the maps of the two processes differ by a constant, as for clipped gradients."""

from __future__ import annotations

from fractions import Fraction

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Split, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Relation, Theorem
from .moves import (
    BELOW,
    BOTH,
    DISTANCES,
    GAUSSIAN_CITATIONS,
    GAUSSIAN_FACTS,
    GAUSSIAN_SEQUENCES,
    HALVED,
    MOVING,
    PAID,
    PARAMETER,
    POWERS,
    SEQUENCES,
    SOURCE,
    SQUARES,
    STARTS,
    SUM_COVERS,
    closing,
    gaussian_end,
    meeting,
)
from .vocabulary import GAUSSIAN_PARAMETER, SIGMA

gap, contraction, difference, sigma, squares, powers = symbols("gap contraction difference sigma squares powers")
h, w, a = symbols("h w a")
z, z_last, p, p_next, p_last, q, q_next, q_first = symbols("z z_last p p_next p_last q q_next q_first")
r, r_next, r_first, r_last, m, e = symbols("r r_next r_first r_last m e")

# The same step where the other map adds one: the move is 3/2.
_DIFFERING_STEP = {
    **HALVED, "difference": 1, "powers": 2, "a": 2, "h": Fraction(3, 4), "r": 0, "r_next": 2, "r_first": 0, "r_last": 2,
    "m_next": Fraction(3, 2), "m_last": Fraction(3, 2), "e": Fraction(3, 2), "e_first": Fraction(3, 2), "mu": Fraction(3, 2),
}  # fmt: skip
_TOTAL = gap + difference * powers
_LEFT_APART = h * (w - q) - difference * (a - r)
_NEXT_APART = h * (w - q_next) - difference * (a - r_next)
_EARLY = difference * p_next - h


def _apart_after(*terms: Term, more: tuple[tuple[int, str], ...] = ()) -> tuple[Step | Split, ...]:
    """While the difference adds more than the plan spends, what is left to close grows, so it stays nonnegative."""
    return (
        Step(
            (Term(1, p_next, ("left",)), *terms), ((-h, "term"), (difference * p_next, "term of powers"), *more),
            ("p positive", "p positive"), name="left after", slack=_NEXT_APART,
        ),
        meeting(_LEFT_APART, (difference, "term of powers")),
    )  # fmt: skip


DIFFERING_MAPS = Theorem(
    id="amplification.differing-maps",
    statement=(
        "The laws of the last iterate, and it alone, of two processes X' = phi_t(X) + N(0, sigma² I) and Y' = phi'_t(Y) + N(0, sigma² I) with "
        "|phi_t(x) - phi'_t(y)| <= c |x - y| + u at every step, one c <= 1, one u and one sigma for all steps, and starts at distance at most Z are "
        "mu-GDP with mu = (Z + u powers)/(sigma sqrt(squares)): powers and squares are the sums of c^(-k) and c^(-2 k) for k from 1 to T. Nothing is "
        "said of the iterates before the last."
    ),
    hypotheses=(
        STARTS,
        Hypothesis("contraction", "|phi(x) - phi'(y)| <= contraction |x - y| + difference at every step, for all x and y", Side.UPPER, Domain.POSITIVE),
        Hypothesis(
            "difference", "|phi(x) - phi'(y)| <= contraction |x - y| + difference at every step, for all x and y", Side.UPPER, Domain.NONNEGATIVE, "parameter"
        ),
        SIGMA,
        Hypothesis("powers", "at or above the sum of contraction^(-k) over k from 1 to the number of steps", Side.UPPER, Domain.POSITIVE),
        SQUARES,
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_TOTAL / (sigma * sqrt(squares)),
    rests_on=(
        "gaussian.mu", "gaussian.composition", "privacy.gaussian-parameter", "privacy.data-processing", "linalg.triangle",
        "analysis.lipschitz", "arithmetic.recursion", "numbers.division",
    ),
    source=SOURCE,
    side_conditions=(Relation(">=0", 1 - contraction, "the contraction is at most one"),),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": PARAMETER, **MOVING, "a": "the sum of contraction^(-k) over k from 1 to the number of steps"},
        sequences=(
            *SEQUENCES, *GAUSSIAN_SEQUENCES,
            Sequence("r", "r_next", "r_first", "r_last", "the sum of contraction^(-k) over k from 1 to t"),
        ),
        terms={"root": sqrt(squares), "both": BOTH},
        facts=(
            *POWERS,
            Fact("plan", "==0", h * w - gap - difference * a, ("numbers.division",), "the plan closes the gap and all that is added to it"),
            SUM_COVERS,
            Fact("no powers", "==0", r_first, ("arithmetic.recursion",), "the empty sum"),
            Fact("term of powers", "==0", p_next * (r_next - r) - 1, ("arithmetic.recursion", "numbers.division"), "the next term of the sum"),
            Fact("whole powers", "==0", a - r_last, ("arithmetic.recursion",), "all terms"),
            Fact("rest of powers", ">=0", a - r_next, ("arithmetic.recursion",), "the terms that are left"),
            Fact(
                "tail", ">=0", p_next * (w - q_next) - (a - r_next), ("arithmetic.recursion",),
                "as c <= 1, every later power c^(-k) is at least c^(-(t + 1)), so its square is at least that times itself",
            ),
            Fact("powers cover", ">=0", powers - a, ("hypothesis:powers",), "the number given covers the sum"),
            *DISTANCES, closing(contraction * z + difference, "hypothesis:difference"), *GAUSSIAN_FACTS,
        ),
        citations=GAUSSIAN_CITATIONS,
        steps=(
            Induction(
                "gap falls", p * _LEFT_APART - z,
                base=(
                    Step(
                        (Term(1, 1, ("starts",)),),
                        ((h * (w - q_first) - difference * (a - r_first), "one"), (-h, "empty"), (difference, "no powers"), (1, "plan")),
                    ),
                ),
                step=(
                    Step(
                        (Term(1, 1, ("contraction", "gap falls")), Term(1, 1, ("contraction", "apart"))), ((_LEFT_APART, "power"),),
                        ("p positive",), name="left", slack=_LEFT_APART,
                    ),
                    Split(
                        "early", _EARLY,
                        positive=_apart_after(Term(1, 1, ("early",))),
                        zero=_apart_after(more=((1, "early"),)),
                        negative=(
                            Step(
                                (Term(1, 1, ("h positive", "tail")), Term(1, 1, ("early", "rest of powers"))), factor=("p positive",),
                                name="left after", slack=_NEXT_APART,
                            ),
                            meeting(_LEFT_APART, (difference, "term of powers")),
                        ),
                    ),
                ),
            ),
            Step(
                (Term(1, 1, ("gap falls",)),), ((-p_last * h, "whole"), (p_last * difference, "whole powers")), name="closed", slack=-z_last,
            ),
            BELOW,
            PAID,
            *gaussian_end(_TOTAL, Term(2, 1, ("h positive", "w positive", "difference", "powers cover"))),
        ),
        witness=_DIFFERING_STEP,
    ),
    false_sibling=FalseSibling(
        "the difference of one step", (gap + difference) / (sigma * sqrt(squares)), counterexample=_DIFFERING_STEP,
    ),
)  # fmt: skip
