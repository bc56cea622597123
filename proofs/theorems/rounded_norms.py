"""What rounding costs in the numbers from which norms are proved: products, Cholesky factors, sums of squares."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

frobenius, relative, underflow, computed, terms, unit_roundoff, trace = symbols(
    "frobenius relative underflow computed terms unit_roundoff trace"
)
t, a, d, f, g, h, q, r, w, y = symbols("t a d f g h q r w y")

_NONNEGATIVE = "a norm is nonnegative"

_PRODUCT = {"relative": 1, "frobenius": 2, "underflow": 1, "t": 5, "h": 5, "w": 4, "a": 2, "f": 2}

ROUNDED_PRODUCT = Theorem(
    id="norm.rounded-product",
    statement=(
        "The computed product A'A of a matrix with n rows is off by at most g |A|_F² in the spectral norm, and by what underflows, where "
        "g = n u/(1 - n u)."
    ),
    hypotheses=(
        Hypothesis("relative", "at or above n u/(1 - n u), u the unit roundoff and n the number of rows", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("frobenius", "at or above the Frobenius norm of A", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("underflow", "at or above the Frobenius norm of what underflows", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("rounding", "spectral norm of the computed product minus A'A", Side.UPPER),
    formula=relative * frobenius**2 + underflow,
    rests_on=("norm.frobenius", "floating.matrix-product", "linalg.frobenius-product", "linalg.triangle"),
    source="Higham, Accuracy and Stability of Numerical Algorithms (2nd ed. 2002), section 3.5",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "spectral norm of the computed product minus A'A", "h": "its Frobenius norm", "w": "Frobenius norm of |A|'|A|",
            "a": "spectral norm of |A|", "f": "Frobenius norm of A, which is that of |A|",
        },
        facts=(
            Fact("error", ">=0", h, ("linalg.triangle",), _NONNEGATIVE),
            Fact("size", ">=0", f, ("linalg.triangle",), _NONNEGATIVE),
            Fact("moduli", ">=0", w, ("linalg.triangle",), _NONNEGATIVE),
            Fact(
                "rounding", ">=0", relative * w + underflow - h,
                ("floating.matrix-product", "linalg.triangle", "hypothesis:relative", "hypothesis:underflow"),
                "every entry is off by at most g times that of |A|'|A|, and by what underflows",
            ),
            Fact("product", ">=0", a * f - w, ("linalg.frobenius-product",), "|B C|_F <= |B| |C|_F"),
            Fact("covers", ">=0", frobenius - f, ("hypothesis:frobenius",), "the number given covers |A|_F"),
        ),
        citations=(
            Citation("spectral", "norm.frobenius", t, {"frobenius": h}, "the error"),
            Citation("whole", "norm.frobenius", a, {"frobenius": f}, "the matrix |A|"),
        ),
        # relative (frobenius² - w)  =  relative ((frobenius - f) (frobenius + f) + (f - a) f + (a f - w))
        steps=(
            Step(
                (
                    Term(1, 1, ("relative", "covers", "frobenius")), Term(1, 1, ("relative", "covers", "size")),
                    Term(1, 1, ("relative", "whole", "size")), Term(1, 1, ("relative", "product")),
                    Term(1, 1, ("rounding",)), Term(1, 1, ("spectral",)),
                ),
            ),
        ),
        witness=_PRODUCT,
    ),
    false_sibling=FalseSibling("half of the rounding", relative * frobenius**2 / 2 + underflow, counterexample=_PRODUCT),
)  # fmt: skip

_FACTOR: dict[str, Fraction | int] = {
    "relative": Fraction(1, 2), "trace": 2, "underflow": 1, "t": 3, "h": 3, "q": 4, "d": 2,
}  # fmt: skip

CHOLESKY_RESIDUAL = Theorem(
    id="norm.cholesky-residual",
    statement=(
        "A Cholesky factorisation of an n by n matrix M that runs to its end has |M - L L'| <= g tr M/(1 - g) and what underflows, where "
        "g = (n + 1) u/(1 - (n + 1) u)."
    ),
    hypotheses=(
        Hypothesis("relative", "at or above (n + 1) u/(1 - (n + 1) u), u the unit roundoff", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("trace", "at or above the trace of M and what underflows on the diagonal", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("underflow", "at or above the Frobenius norm of what underflows", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("rounding", "spectral norm of M - L L'", Side.UPPER),
    formula=relative * trace / (1 - relative) + underflow,
    rests_on=("norm.frobenius", "floating.cholesky", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="Demmel, LAPACK Working Note 14 (1989); Rump, BIT 46 (2006) 433-452; own proof",
    side_conditions=(Relation(">0", 1 - relative, "g < 1"),),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "spectral norm of M - L L'", "h": "its Frobenius norm", "q": "sum of the squared norms of the rows of L",
            "d": "trace of M, and what underflows on the diagonal",
        },
        facts=(
            Fact("error", ">=0", h, ("linalg.triangle",), _NONNEGATIVE),
            Fact("rows", ">=0", q, ("linalg.triangle",), _NONNEGATIVE),
            Fact(
                "backward", ">=0", relative * q + underflow - h,
                ("floating.cholesky", "linalg.cauchy-schwarz", "linalg.triangle", "hypothesis:relative", "hypothesis:underflow"),
                "the entry (i, j) is off by at most g |L_i| |L_j|, and by what underflows; the products |L_i| |L_j| have the Frobenius norm q",
            ),
            Fact(
                "diagonal", ">=0", d + relative * q - q, ("floating.cholesky", "hypothesis:relative"),
                "on the diagonal |L_i|² is at most M_ii + g |L_i|²",
            ),
            Fact("covers", ">=0", trace - d, ("hypothesis:trace",), "the number given covers the trace"),
        ),
        citations=(Citation("spectral", "norm.frobenius", t, {"frobenius": h}, "the error"),),
        # g trace + (1 - g) (underflow - t)  =  g (trace - d) + g (d + g q - q) + (1 - g) (g q + underflow - h) + (1 - g) (h - t)
        steps=(
            Step(
                (
                    Term(1, 1, ("relative", "covers")), Term(1, 1, ("relative", "diagonal")),
                    Term(1, 1, ("condition:0", "backward")), Term(1, 1, ("condition:0", "spectral")),
                ),
            ),
        ),
        witness=_FACTOR,
    ),
    false_sibling=FalseSibling("the trace without 1 - g under it", relative * trace + underflow, counterexample=_FACTOR),
)  # fmt: skip

_k = terms * unit_roundoff
_room = 1 - (terms + 4) * unit_roundoff


def _unit(multiplier: Fraction | int, *slacks: str) -> Term:
    """A term with the unit roundoff as one of its factors."""
    return Term(multiplier, 1, ("unit_roundoff", *slacks))


_VECTOR: dict[str, Fraction | int] = {
    "computed": Fraction(5, 2), "terms": 2, "unit_roundoff": Fraction(1, 100), "underflow": 1, "y": 3, "r": Fraction(5, 2),
    "f": Fraction(5, 2), "g": 0, "w": Fraction(11, 4),
}  # fmt: skip

ROUNDED_VECTOR = Theorem(
    id="norm.rounded-vector",
    statement=(
        "A Euclidean norm computed as the root of the sum of n squares, in any order, is at least |x| (1 - (n + 4) u) less what underflows: "
        "|x| <= computed/(1 - (n + 4) u) + underflow."
    ),
    hypotheses=(
        Hypothesis("computed", "at or above the computed norm", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("terms", "number n of entries", Side.UPPER, Domain.COUNT, "entries"),
        Hypothesis("unit_roundoff", "unit roundoff u of the arithmetic", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis(
            "underflow", "at or above a number h with h (h + 2 f) >= 2 w, w what underflow takes from the sum of squares and f the computed norm",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
    ),
    conclusion=Conclusion("norm", "Euclidean norm of the vector", Side.UPPER),
    formula=computed / _room + underflow,
    rests_on=("floating.matrix-product", "floating.square-root", "linalg.pythagoras"),
    source="Higham, Accuracy and Stability of Numerical Algorithms (2nd ed. 2002), sections 2.2 and 3.1; own proof",
    side_conditions=(
        Relation(">0", _room, "1 - (n + 4) u > 0"),
        Relation(">=0", Fraction(1, 4) - (terms + 4) * unit_roundoff, "(n + 4) u <= 1/4: fewer entries than the arithmetic can tell apart"),
    ),
    proof=AlgebraicProof(
        target="y",
        variables={
            "y": "Euclidean norm of the vector", "r": "root of the computed sum of squares", "f": "the computed norm",
            "g": "relative error of the sum, at most n u/(1 - n u)", "w": "what underflow takes from the sum",
        },
        facts=(
            Fact("root", ">=0", r, ("floating.square-root",), "a square root is nonnegative"),
            Fact("lost", ">=0", w, ("floating.matrix-product",), "an error bound is nonnegative"),
            Fact(
                "growth", ">=0", _k * (1 + g) - g, ("floating.matrix-product", "hypothesis:terms", "hypothesis:unit_roundoff"),
                "g <= n u/(1 - n u)",
            ),
            Fact("relative", ">=0", g, ("floating.matrix-product",), "an error bound is nonnegative"),
            Fact(
                "sum", ">=0", r**2 + g * y**2 + w - y**2, ("floating.matrix-product", "linalg.pythagoras"),
                "the computed inner product of x with itself is off by at most g |x|², and by what underflows",
            ),
            Fact(
                "rooted", ">=0", f - (1 - unit_roundoff) * r, ("floating.square-root", "hypothesis:unit_roundoff"),
                "the computed root is at least 1 - u times the root",
            ),
            Fact("covers", ">=0", computed - f, ("hypothesis:computed",), "the number given covers the computed norm"),
            Fact("result", ">=0", f, ("floating.square-root",), "a computed root is nonnegative"),
            Fact(
                "tiny", ">=0", underflow**2 + 2 * f * underflow - 2 * w, ("floating.matrix-product", "hypothesis:underflow"),
                "the number given covers what underflows",
            ),
        ),
        steps=(
            Step(
                (Term(Fraction(1, 2), 1), Term(2, 1, ("condition:1",)), _unit(8)), name="half", kind=">0", slack=1 - 2 * _k,
            ),
            Step(
                (Term(Fraction(1, 4), 1), Term(3, 1, ("condition:1",)), _unit(12)), name="third", kind=">=0", slack=1 - 3 * _k,
            ),
            Step(
                (Term(1, 1, ("condition:0", "sum")), _unit(4, "sum"), Term(1, y, ("growth",))),
                name="true sum", kind=">=0", slack=(1 - _k) * (r**2 + w) - (1 - 2 * _k) * y**2,
            ),
            Step(
                (Term(1, 1, ("covers",)), Term(1, 1, ("rooted",))), name="true root", kind=">=0", slack=computed - (1 - unit_roundoff) * r,
            ),
            # computed² - (1 - u)² r²  =  (computed - (1 - u) r) (computed + (1 - u) r), and 1 - u = 1 - (n + 4) u + n u + 3 u
            Step(
                (
                    Term(1, 1, ("true root", "computed")), Term(1, 1, ("true root", "root", "condition:0")),
                    _unit(3, "true root", "root"), _unit(1, "true root", "root", "terms"),
                ),
                name="true square", kind=">=0", slack=computed**2 - (1 - unit_roundoff) ** 2 * r**2,
            ),
            Step(
                (
                    _unit(5), _unit(Fraction(1, 4), "terms"), _unit(1, "terms", "condition:1"), _unit(4, "condition:1"),
                    _unit(2, "terms", "condition:1"), Term(1, unit_roundoff), Term(4, unit_roundoff, ("terms",)),
                    Term(1, terms * unit_roundoff, ("terms", "unit_roundoff")), Term(8, terms * unit_roundoff, ("unit_roundoff",)),
                    Term(14, unit_roundoff, ("terms", "unit_roundoff")),
                ),
                name="enough", kind=">=0", slack=(1 - 2 * _k) * (1 - unit_roundoff) ** 2 - (1 - _k) * _room**2,
            ),
            # computed - f (1 - (n + 4) u)  =  (computed - f) + f (n + 4) u, twice with underflow (1 - (n + 4) u) before it
            Step(
                (
                    Term(1, 1, ("half", "true square")), Term(1, _room, ("half", "tiny")), Term(1, r, ("enough",)),
                    Term(1, _room, ("true sum",)), Term(1, _room, ("lost", "third")),
                    Term(2, 1, ("half", "underflow", "condition:0", "covers")), _unit(8, "half", "underflow", "condition:0", "result"),
                    _unit(2, "half", "underflow", "condition:0", "result", "terms"),
                ),
                factor=("half",), name="squares", kind=">=0", slack=(computed + underflow * _room) ** 2 - (_room * y) ** 2,
            ),
            by_squares(computed + underflow * _room, _room * y, "squares"),
        ),
        witness=_VECTOR,
    ),
    false_sibling=FalseSibling("without what underflows", computed / _room, counterexample=_VECTOR),
)  # fmt: skip

THEOREMS = (ROUNDED_PRODUCT, CHOLESKY_RESIDUAL, ROUNDED_VECTOR)
