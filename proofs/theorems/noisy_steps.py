"""Two noisy processes, one step at a time: what a verifier replays where maps, constants and noise differ from step to step.

X follows X' = phi(X) + noise. Beside it runs Y with the same noise, which starts where the other process starts, follows the other
process's maps phi', and is moved a little towards X at every step. X is a function of its start and the path of Y; so the path of Y,
compared with that of the other process, is an adaptive composition of Gaussian mechanisms whose shifts are the moves. Once Y has met X,
the last iterate X is a part of that path. A move that is planned before there is a gap is lost: the gap never falls below zero.
"""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import GAUSSIAN_PARAMETER, SIGMA

gap, contraction, difference, shift, spent, sigma = symbols("gap contraction difference shift spent sigma")
d, e, f, s, v, x, y, mu = symbols("d e f s v x y mu")

GAP = Hypothesis(
    "gap",
    "at or above the distance of X and Y before the step, whatever the noise was",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "parameter",
)
CONTRACTION = Hypothesis(
    "contraction", "|phi(x) - phi'(y)| <= contraction |x - y| + difference for all x and y", Side.UPPER, Domain.NONNEGATIVE
)
DIFFERENCE = Hypothesis(
    "difference", "|phi(x) - phi'(y)| <= contraction |x - y| + difference for all x and y; zero for one Lipschitz map",
    Side.UPPER, Domain.NONNEGATIVE, "parameter",
)  # fmt: skip
SPENT = Hypothesis(
    "spent",
    "Gaussian parameter of the path of Y before this step against the path of the other process",
    Side.UPPER,
    Domain.NONNEGATIVE,
)

_WAY = contraction * gap + difference
_APART = Fact("apart", ">=0", d, ("linalg.triangle",), "a norm is nonnegative")
_NEAR = Fact("near", ">=0", gap - d, ("hypothesis:gap",), "the number given covers d")
_MAPS = Fact(
    "maps", ">=0", contraction * d + difference - x, ("analysis.lipschitz", "hypothesis:contraction", "hypothesis:difference"),
    "what is asked of the two maps",
)  # fmt: skip
_DISTANCES = {"d": "greatest distance |X - Y| before the step", "x": "greatest distance |phi(X) - phi'(Y)|"}

GAP_AFTER = Theorem(
    id="amplification.gap",
    statement=(
        "If Y is moved by at most the shift towards X, the same noise being added to both, the gap between them is at most "
        "max(c gap + u - shift, 0) after the step."
    ),
    hypotheses=(
        GAP,
        CONTRACTION,
        DIFFERENCE,
        Hypothesis("shift", "the shift planned for this step: Y is moved by no more", Side.EXACT, Domain.NONNEGATIVE, "parameter"),
    ),
    conclusion=Conclusion("gap", "distance of X and Y after the step, whatever the noise was", Side.UPPER, "parameter"),
    formula=maximum(_WAY - shift, 0),
    rests_on=("linalg.triangle", "analysis.lipschitz", "numbers.division"),
    source="own derivation, after the shifted interpolation of Bok, Su & Altschuler, arXiv 2403.00278 (2024)",
    proof=AlgebraicProof(
        target="y",
        variables={
            **_DISTANCES, "y": "greatest distance of X and Y after the step",
            "f": "share of the way from phi'(Y) to phi(X) by which Y is moved: shift over (c gap + u), and one where that is more than one",
        },
        terms={"left": maximum(_WAY - shift, 0)},
        facts=(
            _APART, _NEAR, _MAPS,
            Fact("share", ">=0", 1 - f, ("numbers.division",), "Y is not moved beyond X"),
            Fact("plan", "==0", (1 - f) * (f * _WAY - shift), ("numbers.division",), "Y is moved the whole way, or the share that makes the shift"),
            Fact("rest", "==0", y - (1 - f) * x, ("linalg.triangle",), "the rest of the way; the noise is the same for both"),
        ),
        steps=(
            Split(
                "short", 1 - f,
                positive=(
                    Step(equations=((1, "plan"),), factor=("short",), name="planned", kind="==0", slack=f * _WAY - shift),
                    Step(
                        (Term(1, 1, ("left>=left",)), Term(1, 1, ("short", "maps")), Term(1, 1, ("short", "contraction", "near"))),
                        ((1, "planned"), (-1, "rest")),
                    ),
                ),
                zero=(Step((Term(1, 1, ("left>=right",)),), ((-x, "short"), (-1, "rest"))),),
            ),
        ),
        witness={"gap": 1, "contraction": 1, "difference": 1, "shift": 1, "d": 1, "x": 2, "y": 1, "f": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling(
        "a shift planned before there is a gap to be closed", _WAY - shift,
        counterexample={"gap": 0, "contraction": 1, "difference": 0, "shift": 1, "d": 0, "x": 0, "y": 0, "f": 1},
    ),
)  # fmt: skip

_BOTH = sqrt(spent**2 + e**2)
_COMPOSED = Citation(
    "composed", "gaussian.composition", mu, {"first": spent, "second": e}, "the noise is fresh, and the move a function of the start and the path so far"
)  # fmt: skip
_MOVE = {"e": "Gaussian parameter of the move of this step", "s": "standard deviation of the noise"}
_MOVE_FACTS = (
    Fact("e at least 0", ">=0", e, ("probability.gaussian-rotation",), "the larger mean comes first"),
    Fact("noise", ">=0", s - sigma, ("hypothesis:sigma",), "the noise is at least sigma"),
)


def _composed(length: Expression, *further: str) -> tuple[Step | Split, ...]:
    """The parameter with a move of at most this ``length``, once the fact ``move`` says ``length >= sigma e``, and ``further`` slacks."""
    root = sqrt(spent**2 + (length / sigma) ** 2)
    return (
        Step(
            (Term(1, length - sigma * e), Term(2, 1, ("sigma", "e at least 0", "move"))), ((1, "root^2"), (-(sigma**2), "both^2")),
            factor=("sigma", "sigma"), name="squares", slack=root**2 - _BOTH**2,
        ),
        by_squares(root, _BOTH, "squares", extra=((1, "composed"), *((1, name) for name in further))),
    )  # fmt: skip


SPENT_AFTER = Theorem(
    id="amplification.spent",
    statement="A move of Y by at most the shift, hidden by Gaussian noise, makes the path of Y sqrt(spent² + (shift/sigma)²)-GDP against the other process.",
    hypotheses=(
        SPENT,
        Hypothesis("shift", "at or above the shift planned for this step: Y is moved by no more", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        SIGMA,
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sqrt(spent**2 + (shift / sigma) ** 2),
    rests_on=("gaussian.composition", "probability.gaussian-rotation"),
    source="own derivation, after Bok, Su & Altschuler, arXiv 2403.00278 (2024)",
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": "Gaussian parameter of the path of Y after this step", **_MOVE, "v": "greatest length of the move"},
        terms={"root": sqrt(spent**2 + (shift / sigma) ** 2), "both": _BOTH},
        facts=(
            *_MOVE_FACTS,
            Fact("scaled", "==0", e * s - v, ("probability.gaussian-rotation",), "a move in units of the noise"),
            Fact("planned", ">=0", shift - v, ("hypothesis:shift",), "no move is longer than the shift"),
        ),
        citations=(_COMPOSED,),
        steps=(
            Step(
                (Term(1, 1, ("planned",)), Term(1, 1, ("e at least 0", "noise"))), ((-1, "scaled"),), name="move", slack=shift - sigma * e,
            ),
            *_composed(shift),
        ),
        witness={"spent": 3, "shift": 4, "sigma": 1, "mu": 5, "e": 4, "s": 1, "v": 4},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(spent, shift / sigma), counterexample={"spent": 3, "shift": 4, "sigma": 1, "mu": 5, "e": 4, "s": 1, "v": 4},
    ),
)  # fmt: skip

RELEASE = Theorem(
    id="amplification.release",
    statement=(
        "If Y is moved the whole way in the last step, the last iterate X, and it alone, is sqrt(spent² + ((c gap + u)/sigma)²)-GDP: "
        "nothing is said of the iterates before it."
    ),
    hypotheses=(SPENT, GAP, CONTRACTION, DIFFERENCE, SIGMA),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sqrt(spent**2 + (_WAY / sigma) ** 2),
    rests_on=("gaussian.composition", "probability.gaussian-rotation", "linalg.triangle", "analysis.lipschitz", "privacy.data-processing"),
    source="own derivation, after Bok, Su & Altschuler, arXiv 2403.00278 (2024)",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Gaussian parameter of the last iterate", "mu": "Gaussian parameter of the path of Y after the last step", **_MOVE, **_DISTANCES,
        },
        terms={"root": sqrt(spent**2 + (_WAY / sigma) ** 2), "both": _BOTH},
        facts=(
            _APART, _NEAR, _MAPS, *_MOVE_FACTS,
            Fact("scaled", "==0", e * s - x, ("probability.gaussian-rotation",), "the move is the whole way, in units of the noise"),
            Fact("met", ">=0", mu - v, ("privacy.data-processing",), "after the move X and Y are one, and the last iterate is a part of the path"),
        ),
        citations=(_COMPOSED,),
        steps=(
            Step(
                (Term(1, 1, ("maps",)), Term(1, 1, ("contraction", "near")), Term(1, 1, ("e at least 0", "noise"))),
                ((-1, "scaled"),), name="move", slack=_WAY - sigma * e,
            ),
            *_composed(_WAY, "met"),
        ),
        witness={
            "spent": 3, "gap": 2, "contraction": 1, "difference": 2, "sigma": 1, "v": 5, "mu": 5, "e": 4, "s": 1, "d": 2, "x": 4,
        },
    ),
    false_sibling=FalseSibling(
        "the difference of the maps forgotten", sqrt(spent**2 + (contraction * gap / sigma) ** 2),
        counterexample={
            "spent": 3, "gap": 2, "contraction": 1, "difference": 2, "sigma": 1, "v": 5, "mu": 5, "e": 4, "s": 1, "d": 2, "x": 4,
        },
    ),
)  # fmt: skip

STEPS = (GAP_AFTER, SPENT_AFTER, RELEASE)
