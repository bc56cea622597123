"""Privacy amplification by iteration: what noise added at every step of contracting maps hides of the start, seen from the last iterate."""

from __future__ import annotations

from fractions import Fraction

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .differing_maps import DIFFERING_MAPS
from .moves import (
    BELOW,
    BOTH,
    CLOSED,
    DISTANCES,
    GAP_FALLS,
    GAUSSIAN_CITATIONS,
    GAUSSIAN_FACTS,
    GAUSSIAN_SEQUENCES,
    HALVED,
    MOVING,
    PAID,
    PARAMETER,
    PLAN,
    POWERS,
    REMAINING,
    SEQUENCES,
    SOURCE,
    SQUARES,
    STARTS,
    SUM_COVERS,
    closing,
    gaussian_end,
)
from .noisy_steps import STEPS
from .vocabulary import ABOVE_ONE, GAUSSIAN_PARAMETER, ORDER, RENYI, SIGMA

gap, contraction, sigma, squares, growth, steps, order = symbols("gap contraction sigma squares growth steps order")
h, k, w, mu, v = symbols("h k w mu v")
z, z_last, p, p_next, p_first, p_last, q, q_first = symbols("z z_last p p_next p_first p_last q q_first")
m, m_next, m_first, m_last, e = symbols("m m_next m_first m_last e")

_CONTRACTION = Hypothesis(
    "contraction",
    "a Lipschitz constant of the map of every step, which is the same map in both processes",
    Side.UPPER,
    Domain.POSITIVE,
)
_BELOW_ONE = Relation(">0", 1 - contraction, "the contraction is below one")
_NARROW = (1 - contraction) * (1 + contraction)
_LAST_ITERATE = (
    "the last iterate, and it alone, of two processes X' = phi_t(X) + N(0, sigma² I) with one c-Lipschitz map at each step"
)

# The same step at order two: the divergence is the square of the move.
_RENYI_STEP = {
    **{name: number for name, number in HALVED.items() if name != "mu"}, "order": 2,
    "m_next": Fraction(1, 4), "m_last": Fraction(1, 4), "e": Fraction(1, 4), "e_first": Fraction(1, 4), "v": Fraction(1, 4),
}  # fmt: skip

GAUSSIAN = Theorem(
    id="amplification.gaussian",
    statement=(
        f"The laws of {_LAST_ITERATE} and starts at distance at most Z are mu-GDP with mu = Z/(sigma sqrt(squares)), squares the sum of "
        "c^(-2 k) for k from 1 to T: equality for X' = c X + noise. Nothing is said of the iterates before the last."
    ),
    hypotheses=(STARTS, _CONTRACTION, SIGMA, SQUARES),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap / (sigma * sqrt(squares)),
    rests_on=(
        "gaussian.mu", "gaussian.composition", "privacy.gaussian-parameter", "privacy.data-processing", "linalg.triangle",
        "analysis.lipschitz", "arithmetic.recursion", "numbers.division",
    ),
    source=SOURCE,
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": "Gaussian parameter of the laws of the last iterate", **MOVING},
        sequences=(*SEQUENCES, *GAUSSIAN_SEQUENCES),
        terms={"root": sqrt(squares), "both": BOTH},
        facts=(*POWERS, PLAN, REMAINING, SUM_COVERS, *DISTANCES, closing(contraction * z), *GAUSSIAN_FACTS),
        citations=GAUSSIAN_CITATIONS,
        steps=(GAP_FALLS, CLOSED, BELOW, PAID, *gaussian_end(gap)),
        witness=HALVED,
    ),
    false_sibling=FalseSibling(
        "as many squares of c^(-k), k from 0: one step more than there is noise", gap / (sigma * sqrt(squares + 1)), counterexample=HALVED,
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
        sequences=SEQUENCES[:2],
        facts=(
            *(fact for fact in POWERS if fact.name in {"one", "power", "empty", "term", "whole"}),
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

CONTRACTING = Theorem(
    id="amplification.contracting",
    statement=(
        f"The laws of {_LAST_ITERATE}, c < 1, and starts at distance at most Z are mu-GDP with "
        "mu² = Z² (1 - c²)/(sigma² (c^(-2 T) - 1)). Nothing is said of the iterates before the last."
    ),
    hypotheses=(
        STARTS,
        Hypothesis("contraction", "a Lipschitz constant of the map of every step, which is the same map in both processes", Side.EXACT, Domain.POSITIVE),
        SIGMA,
        Hypothesis("growth", "at or below contraction^(-2 T) - 1, where T is the number of steps", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap * sqrt(_NARROW) / (sigma * sqrt(growth)),
    rests_on=("amplification.gaussian", "amplification.squares", "privacy.gaussian-parameter", "arithmetic.recursion"),
    source=SOURCE,
    side_conditions=(_BELOW_ONE,),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": PARAMETER, "w": "the sum of contraction^(-2 k) over k from 1 to the number of steps"},
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
        "the root of one less the squared contraction forgotten", gap * _NARROW / (sigma * sqrt(growth)),
        counterexample={"gap": 1, "contraction": Fraction(3, 5), "sigma": 1, "growth": 1, "mu": Fraction(4, 5), "w": Fraction(25, 16)},
    ),
)  # fmt: skip

NON_EXPANSIVE = Theorem(
    id="amplification.non-expansive",
    statement=(
        "The laws of the last iterate, and it alone, of two processes X' = phi_t(X) + N(0, sigma² I) with one non-expansive map at each of T "
        "steps and starts at distance at most Z are mu-GDP with mu = Z/(sigma sqrt(T)). Nothing is said of the iterates before the last."
    ),
    hypotheses=(STARTS, SIGMA, Hypothesis("steps", "number of steps", Side.LOWER, Domain.COUNT)),
    conclusion=GAUSSIAN_PARAMETER,
    formula=gap / (sigma * sqrt(steps)),
    rests_on=("amplification.gaussian", "privacy.gaussian-parameter", "arithmetic.recursion"),
    source=SOURCE,
    side_conditions=(Relation(">0", steps, "there is at least one step"),),
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": PARAMETER, "w": "the sum of as many ones as there are steps"},
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
    hypotheses=(ORDER, STARTS, _CONTRACTION, SIGMA, SQUARES),
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
        variables={"v": "Rényi divergence of the laws of the last iterate", **MOVING},
        sequences=(
            *SEQUENCES,
            Sequence("m", "m_next", "m_first", "m_last", "Rényi divergence of the path of Y up to step t from that of the other process"),
            Sequence("e", "e_next", "e_first", "e_last", "greatest Rényi divergence that the move of step t adds"),
        ),
        facts=(
            *POWERS, PLAN, REMAINING, SUM_COVERS, *DISTANCES, closing(contraction * z),
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
            GAP_FALLS, CLOSED,
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

OF_PARAMETER = Theorem(
    id="amplification.divergence",
    statement="Laws that are mu-GDP, as the last iterate is by any theorem of this family, have a Rényi divergence of order a of at most a mu²/2.",
    hypotheses=(ORDER, Hypothesis("mu", "Gaussian parameter of the two laws", Side.UPPER, Domain.POSITIVE)),
    conclusion=RENYI,
    formula=order * mu**2 / 2,
    rests_on=("renyi.gaussian", "privacy.blackwell", "privacy.gaussian-parameter", "privacy.data-processing"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), supplement; own proof",
    side_conditions=(ABOVE_ONE,),
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence of the two laws", "e": "Rényi divergence of N(mu, 1) from N(0, 1)"},
        facts=(
            Fact(
                "image", ">=0", e - v, ("privacy.gaussian-parameter", "privacy.blackwell", "privacy.data-processing"),
                "one randomised map makes the two laws from N(mu, 1) and N(0, 1), and divergences do not grow",
            ),
        ),
        citations=(Citation("noise", "renyi.gaussian", e, {"order": order, "sensitivity": mu, "sigma": 1}, "for the two Gaussian laws"),),
        steps=(Step((Term(1, 1, ("noise",)), Term(2, 1, ("image",)))),),
        witness={"order": 2, "mu": 1, "v": 1, "e": 1},
    ),
    false_sibling=FalseSibling("the divergence of order one", mu**2 / 2, counterexample={"order": 2, "mu": 1, "v": 1, "e": 1}),
)  # fmt: skip

THEOREMS = (*STEPS, GAUSSIAN, SUM_OF_SQUARES, CONTRACTING, NON_EXPANSIVE, DIFFERING_MAPS, RENYI_FORM, OF_PARAMETER)
