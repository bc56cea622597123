"""Exact deletion from a ridge regression: rows leave by a small system, and what was not solved exactly is accounted for."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..identity import Identity, Matrix, MatrixRelation, matrices
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .linear_algebra import term
from .vocabulary import STRONG_CONVEXITY

_A, _B, _G, _K, _R, _U, _V = matrices("A B G K R U V")
_b, _r, _s, _w, _y, _z = matrices("b r s w y z")

EXACT_DELETION = Identity(
    id="matrix.exact-deletion",
    statement="If A w = b, then w + A^-1 U (1 - U'A^-1 U)^-1 (U'w - y) solves (A - U U') x = b - U y: rows U' with labels y leave a ridge regression.",
    matrices=(
        Matrix("A", "n", "n", "matrix of all rows"), Matrix("B", "n", "n", "right inverse of A"), Matrix("U", "n", "m", "the deleted rows, as columns"),
        Matrix("V", "m", "n", "the deleted rows"), Matrix("K", "m", "m", "right inverse of 1 - U'A^-1 U"), Matrix("b", "n", "one", "right side of all rows"),
        Matrix("y", "m", "one", "labels of the deleted rows"), Matrix("w", "n", "one", "solution over all rows"),
    ),
    relations=(
        MatrixRelation("solution", _A * _w - _b, "w is the solution over all rows"),
        MatrixRelation("inverse", _A * _B - 1, "A B is the unit matrix"),
        MatrixRelation("capacity", (1 - _V * _B * _U) * _K - 1, "(1 - V B U) K is the unit matrix"),
    ),
    goal=(_A - _U * _V) * (_w + _B * _U * _K * (_V * _w - _y)) - (_b - _U * _y),
    certificate=(
        term(1, "", "solution", ""), term(1, "", "inverse", "U K V w"), term(-1, "", "inverse", "U K y"),
        term(1, "U", "capacity", "V w"), term(-1, "U", "capacity", "y"),
    ),
    sizes={"n": 2, "m": 1, "one": 1},
    witness={
        "A": ((2, 0), (0, 2)), "B": ((Fraction(1, 2), 0), (0, Fraction(1, 2))), "U": ((1,), (0,)), "V": ((1, 0),), "K": ((2,),),
        "b": ((2,), (4,)), "y": ((3,),), "w": ((1,), (2,)),
    },
    source="standard",
    false_sibling=(_A - _U * _V) * (_w + _B * _U * (_V * _w - _y)) - (_b - _U * _y),
)  # fmt: skip

COMPUTED_DELETION = Identity(
    id="matrix.computed-deletion",
    statement=(
        "For any w, G and z, with r = A w - b, R = A G - U and s = z - U'G z - (U'w - y), the deletion w + G z leaves the residual "
        "(A - U U')(w + G z) - (b - U y) = r + R z + U s."
    ),
    matrices=(
        Matrix("A", "n", "n", "matrix of all rows"), Matrix("U", "n", "m", "the deleted rows, as columns"), Matrix("V", "m", "n", "the deleted rows"),
        Matrix("b", "n", "one", "right side of all rows"), Matrix("y", "m", "one", "labels of the deleted rows"),
        Matrix("w", "n", "one", "computed solution over all rows"), Matrix("G", "n", "m", "computed A^-1 U"), Matrix("z", "m", "one", "computed correction"),
        Matrix("r", "n", "one", "residual of w"), Matrix("R", "n", "m", "residual of G"), Matrix("s", "m", "one", "residual of z"),
    ),
    relations=(
        MatrixRelation("solution", _r - _A * _w + _b, "r is the residual of w"),
        MatrixRelation("columns", _R - _A * _G + _U, "R is the residual of G"),
        MatrixRelation("correction", _s - _z + _V * _G * _z + _V * _w - _y, "s is the residual of z"),
    ),
    goal=(_A - _U * _V) * (_w + _G * _z) - (_b - _U * _y) - _r - _R * _z - _U * _s,
    certificate=(term(-1, "", "solution", ""), term(-1, "", "columns", "z"), term(-1, "U", "correction", "")),
    sizes={"n": 1, "m": 1, "one": 1},
    witness={
        "A": ((3,),), "U": ((1,),), "V": ((1,),), "b": ((5,),), "y": ((1,),), "w": ((2,),), "G": ((1,),), "z": ((3,),),
        "r": ((1,),), "R": ((2,),), "s": ((-1,),),
    },
    source="own derivation",
    false_sibling=(_A - _U * _V) * (_w + _G * _z) - (_b - _U * _y) - _r - _R * _z,
)  # fmt: skip

IDENTITIES = (EXACT_DELETION, COMPUTED_DELETION)

solution_residual, column_residual, correction, rows, correction_residual, strong_convexity = symbols(
    "solution_residual column_residual correction rows correction_residual strong_convexity"
)
e, g, p, q, x, y, z = symbols("e g p q x y z")
_DELETION = {
    "solution_residual": 1, "column_residual": 1, "correction": 2, "rows": 3, "correction_residual": 1, "strong_convexity": 2,
    "e": 3, "g": 6, "p": 1, "q": 2, "x": 3, "y": 1, "z": 2,
}  # fmt: skip


def _given(symbol: str, meaning: str, unit: str) -> Hypothesis:
    return Hypothesis(symbol, f"at or above the norm of {meaning}", Side.UPPER, Domain.NONNEGATIVE, unit)


RIDGE_DOWNDATE = Theorem(
    id="ridge.downdate",
    statement=(
        "Rows U' with labels y leave a ridge regression A w = b by w + G z, with G computed for A^-1 U and z for the small system "
        "(1 - U'G) z = U'w - y. The distance to the retained minimiser is at most (|A w - b| + |A G - U| |z| + |U| |s|)/mu, with "
        "s the residual of the small system: zero where all are solved exactly."
    ),
    hypotheses=(
        _given("solution_residual", "A w - b, the gradient over all rows", "loss/parameter"),
        _given("column_residual", "A G - U", "feature"),
        _given("correction", "z", "label"),
        _given("rows", "the deleted rows U", "feature"),
        _given("correction_residual", "s = z - U'G z - (U'w - y)", "label"),
        STRONG_CONVEXITY,
    ),
    conclusion=Conclusion("distance", "distance from the corrected parameters to the minimiser over the retained rows", Side.UPPER, "parameter"),
    formula=(solution_residual + column_residual * correction + rows * correction_residual) / strong_convexity,
    rests_on=("matrix.computed-deletion", "output.residual", "linalg.operator-norm", "linalg.triangle"),
    source="own derivation",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "distance from the corrected parameters to the minimiser over the retained rows",
            "g": "norm of the retained objective's gradient at the corrected parameters",
            "p": "|A w - b|", "q": "|(A G - U) z|", "z": "|z|", "x": "|U s|", "y": "|s|",
        },
        facts=(
            Fact("gradient", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("small", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("rest", ">=0", y, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "residual", ">=0", p + q + x - g, ("matrix.computed-deletion", "linalg.triangle"),
                "the gradient over the retained rows is the sum of A w - b, (A G - U) z and U s",
            ),
            Fact("start", ">=0", solution_residual - p, ("hypothesis:solution_residual",), "the number given covers |A w - b|"),
            Fact(
                "columns", ">=0", column_residual * z - q, ("linalg.operator-norm", "hypothesis:column_residual"), "|(A G - U) z| <= |A G - U| |z|",
            ),
            Fact("length", ">=0", correction - z, ("hypothesis:correction",), "the number given covers |z|"),
            Fact("deleted", ">=0", rows * y - x, ("linalg.operator-norm", "hypothesis:rows"), "|U s| <= |U| |s|"),
            Fact("system", ">=0", correction_residual - y, ("hypothesis:correction_residual",), "the number given covers |s|"),
        ),
        citations=(
            Citation("distance", "output.residual", e, {"residual": g, "strong_convexity": strong_convexity}, "for the retained objective"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("start",)), Term(1, 1, ("columns",)), Term(1, 1, ("column_residual", "length")), Term(1, 1, ("deleted",)),
                    Term(1, 1, ("rows", "system")), Term(1, 1, ("residual",)), Term(1, 1, ("distance",)),
                ),
            ),
        ),
        witness=_DELETION,
    ),
    false_sibling=FalseSibling("the residual of the solution alone", solution_residual / strong_convexity, counterexample=_DELETION),
)  # fmt: skip

THEOREMS = (RIDGE_DOWNDATE,)
