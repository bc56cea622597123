"""Privacy amplification by iteration: what noise added at every step of contracting maps hides of the start, seen from the last iterate.

The processes X and Y are those of :mod:`certify.proofs.theorems.noisy_steps`. Here every step spends h / c^(t+1): of all plans that close
the gap at the last step it is the one with the least sum of squares. Nothing is said of the iterates before the last.
"""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .noisy_steps import STEPS
from .vocabulary import ABOVE_ONE, GAUSSIAN_PARAMETER, ORDER, RENYI, SIGMA

gap, contraction, difference, sigma, squares, powers, growth, steps, order = symbols(
    "gap contraction difference sigma squares powers growth steps order"
)
h, k, w, a, mu, v = symbols("h k w a mu v")
z, z_next, z_first, z_last, p, p_next, p_first, p_last = symbols("z z_next z_first z_last p p_next p_first p_last")
q, q_next, q_first, q_last, r, r_next, r_first, r_last = symbols("q q_next q_first q_last r r_next r_first r_last")
m, m_next, m_first, m_last, e, e_next, e_first, e_last = symbols("m m_next m_first m_last e e_next e_first e_last")

_SOURCE = (
    "own derivation, after Bok, Su & Altschuler, arXiv 2403.00278 (2024), and Feldman, Mironov, Talwar & Thakurta, FOCS 2018"
)

_START = Hypothesis(
    "gap", "at or above the distance of the two starts, in some coupling of their laws", Side.UPPER, Domain.POSITIVE, "parameter"
)
_CONTRACTION = Hypothesis(
    "contraction",
    "a Lipschitz constant of the map of every step, which is the same map in both processes",
    Side.UPPER,
    Domain.POSITIVE,
)
_SQUARES = Hypothesis(
    "squares", "at or below the sum of contraction^(-2 k) over k from 1 to the number of steps", Side.LOWER, Domain.POSITIVE
)
_BELOW_ONE = Relation(">0", 1 - contraction, "the contraction is below one")
_NARROW = (1 - contraction) * (1 + contraction)
_LAST_ITERATE = (
    "the last iterate, and it alone, of two processes X' = phi_t(X) + N(0, sigma² I) with one c-Lipschitz map at each step"
)

# ---------------------------------------------------------------- what the plan does to the gap

_MOVING = {
    "h": "the plan: step t moves Y by at most h over contraction^(t + 1)",
    "w": "the sum of contraction^(-2 k) over k from 1 to the number of steps",
    "k": "zero if X and Y have met after the last step; else what the last iterate shows, over the gap that is left",
}
_SEQUENCES = (
    Sequence("p", "p_next", "p_first", "p_last", "the contraction to the power t"),
    Sequence("q", "q_next", "q_first", "q_last", "the sum of contraction^(-2 k) over k from 1 to t"),
    Sequence("z", "z_next", "z_first", "z_last", "greatest distance of X and Y after t steps"),
)
_POWERS = (
    Fact("one", "==0", p_first - 1, ("arithmetic.recursion",), "the power zero is one"),
    Fact("power", "==0", p_next - contraction * p, ("arithmetic.recursion",), "the next power"),
    Fact("p positive", ">0", p_next, ("arithmetic.recursion",), "powers of a positive number"),
    Fact("empty", "==0", q_first, ("arithmetic.recursion",), "the empty sum"),
    Fact("term", "==0", p_next**2 * (q_next - q) - 1, ("arithmetic.recursion", "numbers.division"), "the next term of the sum"),
    Fact("whole", "==0", w - q_last, ("arithmetic.recursion",), "all terms"),
    Fact("w positive", ">0", w, ("arithmetic.recursion",), "there is at least one step"),
    Fact("h positive", ">0", h, ("numbers.division",), "a quotient of positive numbers"),
)
_PLAN = Fact("plan", "==0", h * w - gap, ("numbers.division",), "the plan closes the gap")
_REMAINING = Fact("remaining", ">=0", w - q_next, ("arithmetic.recursion",), "the terms that are left")
_SUM_COVERS = Fact("sum covers", ">=0", w - squares, ("hypothesis:squares",), "the number given is at most the sum")
_DISTANCES = (
    Fact("starts", ">=0", gap - z_first, ("hypothesis:gap",), "Y starts where the other process starts"),
    Fact("apart", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
    Fact("apart after", ">=0", z_next, ("linalg.triangle",), "a norm is nonnegative"),
    Fact("k at least 0", ">=0", k, ("numbers.division",), "zero, or a quotient of nonnegative numbers"),
)


def _closing(between: Expression, *further: str) -> Fact:
    """Y is moved as far as planned, or the whole way: so the gap is zero, or at most ``between`` less the plan."""
    return Fact(
        "closing", ">=0", z_next * (p_next * (between - z_next) - h), ("linalg.triangle", "analysis.lipschitz", "hypothesis:contraction", *further),
        "after the maps X and Y are at most so far apart, and Y is moved as far as planned or, where that is less, the whole way",
    )  # fmt: skip


def _meeting(left: Expression, *further: tuple[Expression, str]) -> Split:
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
_GAP_FALLS = Induction(
    "gap falls", p * _LEFT - z,
    base=(Step((Term(1, 1, ("starts",)),), ((h * (w - q_first), "one"), (-h, "empty"), (1, "plan"))),),
    step=(Step((Term(1, 1, ("h positive", "remaining")),), name="left after", slack=h * (w - q_next)), _meeting(_LEFT)),
)  # fmt: skip
_CLOSED = Step((Term(1, 1, ("gap falls",)),), ((-p_last * h, "whole"),), name="closed", slack=-z_last)

# ---------------------------------------------------------------- what the plan spends, as a Gaussian parameter

_BOTH = sqrt(m**2 + e**2)
_GAUSSIAN_SEQUENCES = (
    Sequence(
        "m", "m_next", "m_first", "m_last", "Gaussian parameter of the path of Y up to step t against that of the other process"
    ),
    Sequence("e", "e_next", "e_first", "e_last", "Gaussian parameter of the move of step t"),
)
_GAUSSIAN_FACTS = (
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
_GAUSSIAN_CITATIONS = (
    Citation("move", "gaussian.mu", e, {"sensitivity": h / p_next, "sigma": sigma}, "no move is longer than planned"),
    Citation(
        "composed", "gaussian.composition", m_next, {"first": m, "second": e},
        "X is a function of its start and the path of Y, so the move is a function of the path: an adaptive composition",
    ),
)  # fmt: skip
_PAID = Induction(
    "paid", h**2 * q - (sigma * m) ** 2,
    base=(Step(equations=((h**2, "empty"), (-(sigma**2) * m_first, "still"))),),
    step=(
        Step(
            (
                Term(1, p_next, ("paid",)),
                Term(1, p_next * sigma * (_BOTH - m_next)), Term(2, p_next * sigma, ("after", "composed")),
                Term(1, h - p_next * sigma * e), Term(2, 1, ("p positive", "sigma", "e at least 0", "move")),
            ),
            ((h**2, "term"), (-((p_next * sigma) ** 2), "both^2")),
            ("p positive", "p positive"),
        ),
    ),
)  # fmt: skip
_BELOW = Step((Term(1, 1, ("met",)), Term(1, 1, ("k at least 0", "closed"))), name="below", slack=m_last - mu)


def _gaussian_end(whole: Expression, *further: Term) -> tuple[Step | Split, ...]:
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
_ONE_STEP: dict[str, Fraction | int] = {
    "gap": 1, "contraction": Fraction(1, 2), "sigma": 1, "squares": 4, "h": Fraction(1, 4), "k": 0, "w": 4,
    "p": 1, "p_next": Fraction(1, 2), "p_first": 1, "p_last": Fraction(1, 2), "q": 0, "q_next": 4, "q_first": 0, "q_last": 4,
    "z": 1, "z_next": 0, "z_first": 1, "z_last": 0, "m": 0, "m_next": Fraction(1, 2), "m_first": 0, "m_last": Fraction(1, 2),
    "e": Fraction(1, 2), "e_next": 0, "e_first": Fraction(1, 2), "e_last": 0, "mu": Fraction(1, 2),
}  # fmt: skip

# The same step at order two: the divergence is the square of the move.
_RENYI_STEP = {
    **{name: number for name, number in _ONE_STEP.items() if name != "mu"}, "order": 2,
    "m_next": Fraction(1, 4), "m_last": Fraction(1, 4), "e": Fraction(1, 4), "e_first": Fraction(1, 4), "v": Fraction(1, 4),
}  # fmt: skip
# The same step where the other map adds one: the move is 3/2.
_DIFFERING_STEP = {
    **_ONE_STEP, "difference": 1, "powers": 2, "a": 2, "h": Fraction(3, 4), "r": 0, "r_next": 2, "r_first": 0, "r_last": 2,
    "m_next": Fraction(3, 2), "m_last": Fraction(3, 2), "e": Fraction(3, 2), "e_first": Fraction(3, 2), "mu": Fraction(3, 2),
}  # fmt: skip

GAUSSIAN = Theorem(
    id="amplification.gaussian",
    statement=(
        f"The laws of {_LAST_ITERATE} and starts at distance at most Z are mu-GDP with mu = Z/(sigma sqrt(squares)), squares the sum of "
        "c^(-2 k) for k from 1 to T: equality for X' = c X + noise. Nothing is said of the iterates before the last."
    ),
    hypotheses=(_START, _CONTRACTION, SIGMA, _SQUARES),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap / (sigma * sqrt(squares)),
    rests_on=(
        "gaussian.mu", "gaussian.composition", "privacy.gaussian-parameter", "privacy.data-processing", "linalg.triangle",
        "analysis.lipschitz", "arithmetic.recursion", "numbers.division",
    ),
    source=_SOURCE,
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": "Gaussian parameter of the laws of the last iterate", **_MOVING},
        sequences=(*_SEQUENCES, *_GAUSSIAN_SEQUENCES),
        terms={"root": sqrt(squares), "both": _BOTH},
        facts=(*_POWERS, _PLAN, _REMAINING, _SUM_COVERS, *_DISTANCES, _closing(contraction * z), *_GAUSSIAN_FACTS),
        citations=_GAUSSIAN_CITATIONS,
        steps=(_GAP_FALLS, _CLOSED, _BELOW, _PAID, *_gaussian_end(gap)),
        witness=_ONE_STEP,
    ),
    false_sibling=FalseSibling(
        "as many squares of c^(-k), k from 0: one step more than there is noise", gap / (sigma * sqrt(squares + 1)), counterexample=_ONE_STEP,
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the sum of squares in closed form

SUM_OF_SQUARES = Theorem(
    id="amplification.squares",
    statement="For c < 1 the sum of c^(-2 k) over k from 1 to T is (c^(-2 T) - 1)/(1 - c²).",
    hypotheses=(
        Hypothesis("contraction", "the number c whose powers are summed", Side.EXACT, Domain.POSITIVE),
        Hypothesis("growth", "at or below contraction^(-2 T) - 1, where T is the number of steps", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=Conclusion("squares", "the sum of contraction^(-2 k) over k from 1 to the number of steps", Side.LOWER),
    formula=growth / ((1 - contraction) * (1 + contraction)),
    rests_on=("arithmetic.recursion", "numbers.division"),
    source="standard; own proof",
    side_conditions=(_BELOW_ONE,),
    proof=AlgebraicProof(
        target="w",
        variables={"w": "the sum"},
        sequences=_SEQUENCES[:2],
        facts=(
            *(fact for fact in _POWERS if fact.name in {"one", "power", "empty", "term", "whole"}),
            Fact("last positive", ">0", p_last, ("arithmetic.recursion",), "powers of a positive number"),
            Fact(
                "grows", ">=0", 1 - p_last**2 * (growth + 1), ("arithmetic.recursion", "hypothesis:growth"), "growth + 1 is at most the power -2 T",
            ),
        ),
        steps=(
            Induction(
                "geometric", p**2 * (_NARROW * q + 1) - 1,
                base=(Step(equations=((1 + p_first, "one"), (p_first**2 * _NARROW, "empty"))),),
                step=(
                    Step(
                        (Term(1, contraction, ("geometric",)),),
                        (((_NARROW * q + 1) * (p_next + contraction * p), "power"), (_NARROW, "term")),
                    ),
                ),
            ),
            Step(
                (Term(1, 1, ("geometric",)), Term(1, 1, ("grows",))), ((p_last**2 * _NARROW, "whole"),), ("last positive", "last positive"),
            ),
        ),
        witness={
            "contraction": Fraction(1, 2), "growth": 3, "w": 4, "p": 1, "p_next": Fraction(1, 2), "p_first": 1, "p_last": Fraction(1, 2),
            "q": 0, "q_next": 4, "q_first": 0, "q_last": 4,
        },
    ),
    false_sibling=FalseSibling(
        "one minus the contraction, not its square", growth / (1 - contraction),
        counterexample={
            "contraction": Fraction(1, 2), "growth": 3, "w": 4, "p": 1, "p_next": Fraction(1, 2), "p_first": 1, "p_last": Fraction(1, 2),
            "q": 0, "q_next": 4, "q_first": 0, "q_last": 4,
        },
    ),
)  # fmt: skip

_MU_AT_LEAST_0 = Fact("mu at least 0", ">=0", mu, ("privacy.gaussian-parameter",), "Gaussian parameters are nonnegative")
_PARAMETER = "Gaussian parameter of the laws of the last iterate"

CONTRACTING = Theorem(
    id="amplification.contracting",
    statement=(
        f"The laws of {_LAST_ITERATE}, c < 1, and starts at distance at most Z are mu-GDP with "
        "mu² = Z² (1 - c²)/(sigma² (c^(-2 T) - 1)). Nothing is said of the iterates before the last."
    ),
    hypotheses=(
        _START,
        Hypothesis("contraction", "a Lipschitz constant of the map of every step, which is the same map in both processes", Side.EXACT, Domain.POSITIVE),
        SIGMA,
        Hypothesis("growth", "at or below contraction^(-2 T) - 1, where T is the number of steps", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap * sqrt(_NARROW) / (sigma * sqrt(growth)),
    rests_on=("amplification.gaussian", "amplification.squares", "privacy.gaussian-parameter", "arithmetic.recursion"),
    source=_SOURCE,
    side_conditions=(_BELOW_ONE,),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": _PARAMETER, "w": "the sum of contraction^(-2 k) over k from 1 to the number of steps"},
        terms={"narrow": sqrt(_NARROW), "rise": sqrt(growth), "root": sqrt(w)},
        facts=(_MU_AT_LEAST_0, Fact("w positive", ">0", w, ("arithmetic.recursion",), "there is at least one step")),
        citations=(
            Citation(
                "hidden", "amplification.gaussian", mu, {"gap": gap, "contraction": contraction, "sigma": sigma, "squares": w}, "with the sum itself"
            ),
            Citation("sum", "amplification.squares", w, {"contraction": contraction, "growth": growth}, "in closed form"),
        ),
        steps=(
            Step(
                (
                    Term(1, sqrt(_NARROW) * (gap - sigma * sqrt(w) * mu)), Term(2, sqrt(_NARROW), ("sigma", "root", "mu at least 0", "hidden")),
                    Term(1, sigma * mu, ("sum",)),
                ),
                (((sigma * mu) ** 2 * w, "narrow^2"), ((sigma * mu * sqrt(_NARROW)) ** 2, "root^2"), (-((sigma * mu) ** 2), "rise^2")),
                name="squared", slack=(gap * sqrt(_NARROW)) ** 2 - (sigma * sqrt(growth) * mu) ** 2,
            ),
            by_squares(gap * sqrt(_NARROW), sigma * sqrt(growth) * mu, "squared"),
        ),
        witness={"gap": 1, "contraction": Fraction(3, 5), "sigma": 1, "growth": 1, "mu": Fraction(4, 5), "w": Fraction(25, 16)},
    ),
    false_sibling=FalseSibling(
        "one minus the contraction squared twice over", gap * _NARROW / (sigma * sqrt(growth)),
        counterexample={"gap": 1, "contraction": Fraction(3, 5), "sigma": 1, "growth": 1, "mu": Fraction(4, 5), "w": Fraction(25, 16)},
    ),
)  # fmt: skip

NON_EXPANSIVE = Theorem(
    id="amplification.non-expansive",
    statement=(
        "The laws of the last iterate, and it alone, of two processes X' = phi_t(X) + N(0, sigma² I) with one non-expansive map at each of T "
        "steps and starts at distance at most Z are mu-GDP with mu = Z/(sigma sqrt(T)). Nothing is said of the iterates before the last."
    ),
    hypotheses=(_START, SIGMA, Hypothesis("steps", "number of steps", Side.LOWER, Domain.COUNT)),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap / (sigma * sqrt(steps)),
    rests_on=("amplification.gaussian", "privacy.gaussian-parameter", "arithmetic.recursion"),
    source=_SOURCE,
    side_conditions=(Relation(">0", steps, "there is at least one step"),),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": _PARAMETER, "w": "the sum of as many ones as there are steps"},
        terms={"rise": sqrt(steps), "root": sqrt(w)},
        facts=(
            _MU_AT_LEAST_0,
            Fact("w positive", ">0", w, ("arithmetic.recursion",), "there is at least one step"),
            Fact("ones", ">=0", w - steps, ("arithmetic.recursion", "hypothesis:steps"), "every power of one is one"),
        ),
        citations=(
            Citation("hidden", "amplification.gaussian", mu, {"gap": gap, "contraction": 1, "sigma": sigma, "squares": w}, "with the Lipschitz constant one"),
        ),
        steps=(
            Step(
                (
                    Term(1, gap - sigma * sqrt(w) * mu), Term(2, 1, ("sigma", "root", "mu at least 0", "hidden")), Term(1, sigma * mu, ("ones",)),
                ),
                (((sigma * mu) ** 2, "root^2"), (-((sigma * mu) ** 2), "rise^2")),
                name="squared", slack=gap**2 - (sigma * sqrt(steps) * mu) ** 2,
            ),
            by_squares(gap, sigma * sqrt(steps) * mu, "squared"),
        ),
        witness={"gap": 2, "sigma": 1, "steps": 4, "mu": 1, "w": 4},
    ),
    false_sibling=FalseSibling(
        "the number of steps, not its root", gap / (sigma * steps), counterexample={"gap": 2, "sigma": 1, "steps": 4, "mu": 1, "w": 4},
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the same in Rényi divergence

RENYI_FORM = Theorem(
    id="amplification.renyi",
    statement=(
        f"The laws of {_LAST_ITERATE} and starts at distance at most Z have a Rényi divergence of order a of at most a Z²/(2 sigma² squares), "
        "squares the sum of c^(-2 k) for k from 1 to T. Nothing is said of the iterates before the last."
    ),
    hypotheses=(ORDER, _START, _CONTRACTION, SIGMA, _SQUARES),
    conclusion=RENYI,
    formula=order * gap**2 / (2 * sigma**2 * squares),
    rests_on=(
        "renyi.gaussian", "renyi.composition", "privacy.renyi-divergence", "privacy.data-processing", "linalg.triangle",
        "analysis.lipschitz", "arithmetic.recursion", "numbers.division",
    ),
    source="Feldman, Mironov, Talwar & Thakurta, FOCS 2018, for c = 1; own derivation",
    side_conditions=(ABOVE_ONE,),
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence of the laws of the last iterate", **_MOVING},
        sequences=(
            *_SEQUENCES,
            Sequence("m", "m_next", "m_first", "m_last", "Rényi divergence of the path of Y up to step t from that of the other process"),
            Sequence("e", "e_next", "e_first", "e_last", "greatest Rényi divergence that the move of step t adds"),
        ),
        facts=(
            *_POWERS, _PLAN, _REMAINING, _SUM_COVERS, *_DISTANCES, _closing(contraction * z),
            Fact("before", ">=0", m, ("privacy.renyi-divergence",), "divergences are nonnegative"),
            Fact("e at least 0", ">=0", e, ("privacy.renyi-divergence",), "divergences are nonnegative"),
            Fact("still", "==0", m_first, ("privacy.renyi-divergence",), "both start at one point"),
            Fact("v at least 0", ">=0", v, ("privacy.renyi-divergence",), "divergences are nonnegative"),
            Fact(
                "met", ">=0", m_last + k * z_last - v, ("privacy.data-processing", "numbers.division"),
                "if X and Y have met, the last iterate is a part of the path; if not, k covers all",
            ),
        ),
        citations=(
            Citation("move", "renyi.gaussian", e, {"order": order, "sensitivity": h / p_next, "sigma": sigma}, "no move is longer than planned"),
            Citation(
                "composed", "renyi.composition", m_next, {"first": m, "second": e},
                "X is a function of its start and the path of Y, so the move is a function of the path: an adaptive composition",
            ),
        ),
        steps=(
            _GAP_FALLS, _CLOSED,
            Step((Term(1, 1, ("met",)), Term(1, 1, ("k at least 0", "closed"))), name="below", slack=m_last - v),
            Induction(
                "paid", order * h**2 * q - 2 * sigma**2 * m,
                base=(Step(equations=((order * h**2, "empty"), (-2 * sigma**2, "still"))),),
                step=(
                    Step(
                        (Term(1, p_next, ("paid",)), Term(1, 1, ("move",)), Term(2, p_next * sigma, ("composed",))),
                        ((order * h**2, "term"),), ("p positive", "p positive"),
                    ),
                ),
            ),
            Step(
                (Term(1, 1, ("w positive", "paid")), Term(2, sigma, ("w positive", "below")), Term(2, sigma, ("v at least 0", "sum covers"))),
                ((order * h**2 * w, "whole"), (-order * (gap + h * w), "plan")),
            ),
        ),
        witness=_RENYI_STEP,
    ),
    false_sibling=FalseSibling(
        "the divergence of order one", gap**2 / (2 * sigma**2 * squares), counterexample=_RENYI_STEP,
    ),
)  # fmt: skip

# ---------------------------------------------------------------- maps that differ by a constant

_TOTAL = gap + difference * powers
_LEFT_APART = h * (w - q) - difference * (a - r)
_NEXT_APART = h * (w - q_next) - difference * (a - r_next)
_EARLY = difference * p_next - h


def _apart_after(*terms: Term, more: tuple[tuple[Expression, str], ...] = ()) -> tuple[Step | Split, ...]:
    """While the difference adds more than the plan spends, what is left to close grows, so it stays nonnegative."""
    return (
        Step(
            (Term(1, p_next, ("left",)), *terms), ((-h, "term"), (difference * p_next, "term of powers"), *more),
            ("p positive", "p positive"), name="left after", slack=_NEXT_APART,
        ),
        _meeting(_LEFT_APART, (difference, "term of powers")),
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
        _START,
        Hypothesis("contraction", "|phi(x) - phi'(y)| <= contraction |x - y| + difference at every step, for all x and y", Side.UPPER, Domain.POSITIVE),
        Hypothesis(
            "difference", "|phi(x) - phi'(y)| <= contraction |x - y| + difference at every step, for all x and y", Side.UPPER, Domain.NONNEGATIVE, "parameter"
        ),
        SIGMA,
        Hypothesis("powers", "at or above the sum of contraction^(-k) over k from 1 to the number of steps", Side.UPPER, Domain.POSITIVE),
        _SQUARES,
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_TOTAL / (sigma * sqrt(squares)),
    rests_on=(
        "gaussian.mu", "gaussian.composition", "privacy.gaussian-parameter", "privacy.data-processing", "linalg.triangle",
        "analysis.lipschitz", "arithmetic.recursion", "numbers.division",
    ),
    source=_SOURCE,
    side_conditions=(Relation(">=0", 1 - contraction, "the contraction is at most one"),),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": _PARAMETER, **_MOVING, "a": "the sum of contraction^(-k) over k from 1 to the number of steps"},
        sequences=(
            *_SEQUENCES, *_GAUSSIAN_SEQUENCES,
            Sequence("r", "r_next", "r_first", "r_last", "the sum of contraction^(-k) over k from 1 to t"),
        ),
        terms={"root": sqrt(squares), "both": _BOTH},
        facts=(
            *_POWERS,
            Fact("plan", "==0", h * w - gap - difference * a, ("numbers.division",), "the plan closes the gap and all that is added to it"),
            _SUM_COVERS,
            Fact("no powers", "==0", r_first, ("arithmetic.recursion",), "the empty sum"),
            Fact("term of powers", "==0", p_next * (r_next - r) - 1, ("arithmetic.recursion", "numbers.division"), "the next term of the sum"),
            Fact("whole powers", "==0", a - r_last, ("arithmetic.recursion",), "all terms"),
            Fact("rest of powers", ">=0", a - r_next, ("arithmetic.recursion",), "the terms that are left"),
            Fact(
                "tail", ">=0", p_next * (w - q_next) - (a - r_next), ("arithmetic.recursion",),
                "as c <= 1, every later power c^(-k) is at least c^(-(t + 1)), so its square is at least that times itself",
            ),
            Fact("powers cover", ">=0", powers - a, ("hypothesis:powers",), "the number given covers the sum"),
            *_DISTANCES, _closing(contraction * z + difference, "hypothesis:difference"), *_GAUSSIAN_FACTS,
        ),
        citations=_GAUSSIAN_CITATIONS,
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
                            _meeting(_LEFT_APART, (difference, "term of powers")),
                        ),
                    ),
                ),
            ),
            Step(
                (Term(1, 1, ("gap falls",)),), ((-p_last * h, "whole"), (p_last * difference, "whole powers")), name="closed", slack=-z_last,
            ),
            _BELOW,
            _PAID,
            *_gaussian_end(_TOTAL, Term(2, 1, ("h positive", "w positive", "difference", "powers cover"))),
        ),
        witness=_DIFFERING_STEP,
    ),
    false_sibling=FalseSibling(
        "the difference of one step", (gap + difference) / (sigma * sqrt(squares)), counterexample=_DIFFERING_STEP,
    ),
)  # fmt: skip

THEOREMS = (*STEPS, GAUSSIAN, SUM_OF_SQUARES, CONTRACTING, NON_EXPANSIVE, RENYI_FORM, DIFFERING_MAPS)
