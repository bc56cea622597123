"""The plan of moves behind privacy amplification by iteration: what it does to the gap, and what it spends.

X and Y are the processes of :mod:`certify.proofs.theorems.noisy_steps`. Step t moves Y by h / c^(t + 1) towards X: of all plans that close
the gap at the last step it is the one with the least sum of squares, where the same constants hold at every step. A common projection
after the noise counts as part of the next map, and after the last step as a function of the last iterate.
"""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import Citation, Fact, Induction, Sequence, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Domain, Hypothesis

gap, contraction, sigma, squares = symbols("gap contraction sigma squares")
h, k, w, mu = symbols("h k w mu")
z, z_next, z_first, z_last, p, p_next, p_first, p_last = symbols("z z_next z_first z_last p p_next p_first p_last")
q, q_next, q_first, q_last = symbols("q q_next q_first q_last")
m, m_next, m_first, m_last, e = symbols("m m_next m_first m_last e")

SOURCE = "own derivation, after Bok, Su & Altschuler, arXiv 2403.00278 (2024), and Feldman, Mironov, Talwar & Thakurta, FOCS 2018"

STARTS = Hypothesis(
    "gap", "at or above the distance of the two starts, in some coupling of their laws", Side.UPPER, Domain.POSITIVE, "parameter"
)
SQUARES = Hypothesis(
    "squares", "at or below the sum of contraction^(-2 k) over k from 1 to the number of steps", Side.LOWER, Domain.POSITIVE
)
PARAMETER = "Gaussian parameter of the laws of the last iterate"

# ---------------------------------------------------------------- what the plan does to the gap

MOVING = {
    "h": "the plan: step t moves Y by at most h over contraction^(t + 1)",
    "w": "the sum of contraction^(-2 k) over k from 1 to the number of steps",
    "k": "zero if X and Y have met after the last step; else what the laws of the last iterate show, divided by the gap that is left",
}
SEQUENCES = (
    Sequence("p", "p_next", "p_first", "p_last", "the contraction to the power t"),
    Sequence("q", "q_next", "q_first", "q_last", "the sum of contraction^(-2 k) over k from 1 to t"),
    Sequence("z", "z_next", "z_first", "z_last", "greatest distance of X and Y after t steps"),
)
POWERS = (
    Fact("one", "==0", p_first - 1, ("arithmetic.recursion",), "the power zero is one"),
    Fact("power", "==0", p_next - contraction * p, ("arithmetic.recursion",), "the next power"),
    Fact("p positive", ">0", p_next, ("arithmetic.recursion",), "powers of a positive number"),
    Fact("empty", "==0", q_first, ("arithmetic.recursion",), "the empty sum"),
    Fact("term", "==0", p_next**2 * (q_next - q) - 1, ("arithmetic.recursion", "numbers.division"), "the next term of the sum"),
    Fact("whole", "==0", w - q_last, ("arithmetic.recursion",), "all terms"),
    Fact("w positive", ">0", w, ("arithmetic.recursion",), "there is at least one step"),
    Fact("h positive", ">0", h, ("numbers.division",), "a quotient of positive numbers"),
)
PLAN = Fact("plan", "==0", h * w - gap, ("numbers.division",), "the plan closes the gap")
REMAINING = Fact("remaining", ">=0", w - q_next, ("arithmetic.recursion",), "the terms that are left")
SUM_COVERS = Fact("sum covers", ">=0", w - squares, ("hypothesis:squares",), "the number given is at most the sum")
DISTANCES = (
    Fact("starts", ">=0", gap - z_first, ("hypothesis:gap",), "Y starts where the other process starts"),
    Fact("apart", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
    Fact("apart after", ">=0", z_next, ("linalg.triangle",), "a norm is nonnegative"),
    Fact("k at least 0", ">=0", k, ("numbers.division",), "zero, or a quotient of nonnegative numbers"),
)


def closing(between: Expression, *further: str) -> Fact:
    """Y is moved as far as planned, or the whole way: so the gap is zero, or at most ``between`` less the plan."""
    return Fact(
        "closing", ">=0", z_next * (p_next * (between - z_next) - h), ("linalg.triangle", "analysis.lipschitz", "hypothesis:contraction", *further),
        "after the maps X and Y are at most so far apart, and Y is moved as far as planned or, where that is less, the whole way",
    )  # fmt: skip


def meeting(left: Expression, *further: tuple[Expression, str]) -> Split:
    """Hand on ``p left - z >= 0``: ``further`` are equations for the change of ``left``, and ``left after`` is a fact about the next."""
    return Split(
        "ahead", z_next,
        positive=(
            Step(
                (Term(1, 1, ("closing",)), Term(1, 1, ("contraction", "p positive", "ahead", "gap falls"))),
                ((z_next * p_next * left, "power"), (-z_next * h, "term"), *((z_next * p_next * other, name) for other, name in further)),
                ("p positive", "ahead"),
            ),
        ),
        zero=(Step((Term(1, 1, ("p positive", "left after")),), ((-1, "ahead"),)),),
    )  # fmt: skip


_LEFT = h * (w - q)
GAP_FALLS = Induction(
    "gap falls", p * _LEFT - z,
    base=(Step((Term(1, 1, ("starts",)),), ((h * (w - q_first), "one"), (-h, "empty"), (1, "plan"))),),
    step=(Step((Term(1, 1, ("h positive", "remaining")),), name="left after", slack=h * (w - q_next)), meeting(_LEFT)),
)  # fmt: skip
CLOSED = Step((Term(1, 1, ("gap falls",)),), ((-p_last * h, "whole"),), name="closed", slack=-z_last)

# ---------------------------------------------------------------- what the plan spends, as a Gaussian parameter

BOTH = sqrt(m**2 + e**2)
GAUSSIAN_SEQUENCES = (
    Sequence(
        "m", "m_next", "m_first", "m_last", "Gaussian parameter of the path of Y up to step t against that of the other process"
    ),
    Sequence("e", "e_next", "e_first", "e_last", "Gaussian parameter of the move of step t"),
)
GAUSSIAN_FACTS = (
    Fact("before", ">=0", m, ("privacy.gaussian-parameter",), "Gaussian parameters are nonnegative"),
    Fact("after", ">=0", m_next, ("privacy.gaussian-parameter",), "Gaussian parameters are nonnegative"),
    Fact("e at least 0", ">=0", e, ("privacy.gaussian-parameter",), "Gaussian parameters are nonnegative"),
    Fact("still", "==0", m_first, ("privacy.gaussian-parameter",), "both start at one point"),
    Fact("mu at least 0", ">=0", mu, ("privacy.gaussian-parameter",), "Gaussian parameters are nonnegative"),
    Fact(
        "met",
        ">=0",
        m_last + k * z_last - mu,
        ("privacy.data-processing", "numbers.division"),
        "if X and Y have met, the last iterate is a part of the path; if not, k covers all",
    ),
)
GAUSSIAN_CITATIONS = (
    Citation("move", "gaussian.mu", e, {"sensitivity": h / p_next, "sigma": sigma}, "no move is longer than planned"),
    Citation(
        "composed", "gaussian.composition", m_next, {"first": m, "second": e},
        "X is a function of its start and the path of Y, so the move is a function of the path: an adaptive composition",
    ),
)  # fmt: skip
PAID = Induction(
    "paid", h**2 * q - (sigma * m) ** 2,
    base=(Step(equations=((h**2, "empty"), (-(sigma**2) * m_first, "still"))),),
    step=(
        Step(
            (
                Term(1, p_next, ("paid",)),
                Term(1, p_next * sigma * (BOTH - m_next)), Term(2, p_next * sigma, ("after", "composed")),
                Term(1, h - p_next * sigma * e), Term(2, 1, ("p positive", "sigma", "e at least 0", "move")),
            ),
            ((h**2, "term"), (-((p_next * sigma) ** 2), "both^2")),
            ("p positive", "p positive"),
        ),
    ),
)  # fmt: skip
BELOW = Step((Term(1, 1, ("met",)), Term(1, 1, ("k at least 0", "closed"))), name="below", slack=m_last - mu)


def gaussian_end(whole: Expression, *further: Term) -> tuple[Step | Split, ...]:
    """``mu <= whole / (sigma sqrt(squares))``, where ``whole - h w`` is minus the equation ``plan`` plus what makes the terms ``further``."""
    smaller = sigma * sqrt(squares) * mu
    return (
        Step(
            (
                Term(1, whole - h * w), *further, Term(1, 1, ("w positive", "paid")),
                Term(1, sigma * (m_last - mu), ("w positive",)), Term(2, sigma, ("w positive", "mu at least 0", "below")),
                Term(1, sigma * mu, ("sum covers",)),
            ),
            ((h**2 * w, "whole"), (-2 * h * w, "plan"), (-((sigma * mu) ** 2), "root^2")),
            name="squared", slack=whole**2 - smaller**2,
        ),
        by_squares(whole, smaller, "squared"),
    )  # fmt: skip


# One step of the map c x, c = 1/2, from starts at distance one: the move is 1/2, and w = 4.
HALVED: dict[str, Fraction | int] = {
    "gap": 1, "contraction": Fraction(1, 2), "sigma": 1, "squares": 4, "h": Fraction(1, 4), "k": 0, "w": 4,
    "p": 1, "p_next": Fraction(1, 2), "p_first": 1, "p_last": Fraction(1, 2), "q": 0, "q_next": 4, "q_first": 0, "q_last": 4,
    "z": 1, "z_next": 0, "z_first": 1, "z_last": 0, "m": 0, "m_next": Fraction(1, 2), "m_first": 0, "m_last": Fraction(1, 2),
    "e": Fraction(1, 2), "e_next": 0, "e_first": Fraction(1, 2), "e_last": 0, "mu": Fraction(1, 2),
}  # fmt: skip
