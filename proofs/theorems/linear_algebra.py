"""Identities of matrices under the exact deletions: inverses of Gram matrices, updates of low rank, residuals of solutions."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..identity import Identity, Matrix, MatrixRelation, MatrixTerm, matrices
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import STRONG_CONVEXITY


def _term(coefficient: int, left: str, relation: str, right: str) -> MatrixTerm:
    """``coefficient * left * relation * right``, the words as blank-separated names."""
    return MatrixTerm(coefficient, tuple(left.split()), relation, tuple(right.split()))


_A, _B, _C, _D, _E, _G, _K, _L, _M, _P, _Q, _R, _U, _V, _X, _Y = matrices("A B C D E G K L M P Q R U V X Y")
_b, _f, _g, _k, _r, _s, _u, _v, _w, _x, _y, _z = matrices("b f g k r s u v w x y z")

PUSH_THROUGH = Identity(
    id="matrix.push-through",
    statement="(1 + B A)^-1 B = B (1 + A B)^-1.",
    matrices=(
        Matrix("A", "n", "m", "a matrix"), Matrix("B", "m", "n", "a matrix"),
        Matrix("P", "m", "m", "left inverse of 1 + B A"), Matrix("Q", "n", "n", "right inverse of 1 + A B"),
    ),
    relations=(
        MatrixRelation("left", _P * (1 + _B * _A) - 1, "P (1 + B A) is the unit matrix"),
        MatrixRelation("right", (1 + _A * _B) * _Q - 1, "(1 + A B) Q is the unit matrix"),
    ),
    goal=_P * _B - _B * _Q,
    certificate=(_term(1, "", "left", "B Q"), _term(-1, "P B", "right", "")),
    sizes={"m": 2, "n": 1},
    witness={"A": ((1, 0),), "B": ((1,), (2,)), "P": ((Fraction(1, 2), 0), (-1, 1)), "Q": ((Fraction(1, 2),),)},
    source="Henderson & Searle, SIAM Review 23 (1981) 53-60, section 1",
    false_sibling=_P * _B + _B * _Q,
)  # fmt: skip

GRAM = Identity(
    id="matrix.gram",
    statement="(X'X + l)^-1 X' = X' (X X' + l)^-1: the ridge solution by the Gram matrix of features or of rows.",
    matrices=(
        Matrix("X", "n", "d", "the rows"), Matrix("Y", "d", "n", "the transpose of X"),
        Matrix("L", "d", "d", "l times the unit matrix"), Matrix("M", "n", "n", "l times the unit matrix"),
        Matrix("P", "d", "d", "left inverse of X'X + l"), Matrix("Q", "n", "n", "right inverse of X X' + l"),
    ),
    relations=(
        MatrixRelation("scalar", _L * _Y - _Y * _M, "multiples of the unit matrix commute with X'"),
        MatrixRelation("left", _P * (_Y * _X + _L) - 1, "P (X'X + l) is the unit matrix"),
        MatrixRelation("right", (_X * _Y + _M) * _Q - 1, "(X X' + l) Q is the unit matrix"),
    ),
    goal=_P * _Y - _Y * _Q,
    certificate=(_term(1, "", "left", "Y Q"), _term(-1, "P Y", "right", ""), _term(-1, "P", "scalar", "Q")),
    sizes={"n": 1, "d": 2},
    witness={
        "X": ((1, 1),), "Y": ((1,), (1,)), "L": ((2, 0), (0, 2)), "M": ((2,),),
        "P": ((Fraction(3, 8), Fraction(-1, 8)), (Fraction(-1, 8), Fraction(3, 8))), "Q": ((Fraction(1, 4),),),
    },
    source="Henderson & Searle, SIAM Review 23 (1981) 53-60, section 1",
    false_sibling=_L * _P * _Y - _Y * _Q,
)  # fmt: skip

WOODBURY = Identity(
    id="matrix.woodbury",
    statement="(A + U C V)(A^-1 - A^-1 U (C^-1 + V A^-1 U)^-1 V A^-1) = 1.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "right inverse of A"), Matrix("U", "n", "m", "a matrix"),
        Matrix("V", "m", "n", "a matrix"), Matrix("C", "m", "m", "a matrix"), Matrix("D", "m", "m", "right inverse of C"),
        Matrix("K", "m", "m", "right inverse of C^-1 + V A^-1 U"),
    ),
    relations=(
        MatrixRelation("inverse", _A * _B - 1, "A B is the unit matrix"),
        MatrixRelation("centre", _C * _D - 1, "C D is the unit matrix"),
        MatrixRelation("capacity", (_D + _V * _B * _U) * _K - 1, "(D + V B U) K is the unit matrix"),
    ),
    goal=(_A + _U * _C * _V) * (_B - _B * _U * _K * _V * _B) - 1,
    certificate=(
        _term(1, "", "inverse", ""), _term(-1, "", "inverse", "U K V B"),
        _term(-1, "U C", "capacity", "V B"), _term(1, "U", "centre", "K V B"),
    ),
    sizes={"n": 2, "m": 1},
    witness={
        "A": ((1, 0), (0, 2)), "B": ((1, 0), (0, Fraction(1, 2))), "U": ((1,), (0,)), "V": ((1, 2),), "C": ((2,),), "D": ((Fraction(1, 2),),),
        "K": ((Fraction(2, 3),),),
    },
    source="Woodbury, Statistical Research Group Memorandum 42, Princeton (1950); Horn & Johnson (2nd ed. 2013), section 0.7.4",
    false_sibling=(_A + _U * _C * _V) * (_B + _B * _U * _K * _V * _B) - 1,
)  # fmt: skip

SHERMAN_MORRISON = Identity(
    id="matrix.sherman-morrison",
    statement="(A + u v')(A^-1 - A^-1 u v'A^-1/(1 + v'A^-1 u)) = 1.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "right inverse of A"), Matrix("u", "n", "one", "a column"),
        Matrix("v", "one", "n", "the row v'"), Matrix("k", "one", "one", "the number 1/(1 + v'A^-1 u)"),
    ),
    relations=(
        MatrixRelation("inverse", _A * _B - 1, "A B is the unit matrix"),
        MatrixRelation("number", (1 + _v * _B * _u) * _k - 1, "(1 + v'B u) k is one"),
    ),
    goal=(_A + _u * _v) * (_B - _B * _u * _k * _v * _B) - 1,
    certificate=(_term(1, "", "inverse", ""), _term(-1, "", "inverse", "u k v B"), _term(-1, "u", "number", "v B")),
    sizes={"n": 2, "one": 1},
    witness={
        "A": ((1, 0), (0, 2)), "B": ((1, 0), (0, Fraction(1, 2))), "u": ((1,), (0,)), "v": ((1, 2),), "k": ((Fraction(1, 2),),),
    },
    source="Sherman & Morrison, Ann. Math. Statist. 21 (1950) 124-127",
    false_sibling=(_A + _u * _v) * (_B - _B * _u * _v * _B) - 1,
)  # fmt: skip

DOWNDATE = Identity(
    id="matrix.downdate",
    statement="(A - U U')(A^-1 + A^-1 U (1 - U'A^-1 U)^-1 U'A^-1) = 1, for any matrix V in the place of U'.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "right inverse of A"), Matrix("U", "n", "m", "the deleted part"),
        Matrix("V", "m", "n", "its transpose"), Matrix("K", "m", "m", "right inverse of 1 - U'A^-1 U"),
    ),
    relations=(
        MatrixRelation("inverse", _A * _B - 1, "A B is the unit matrix"),
        MatrixRelation("capacity", (1 - _V * _B * _U) * _K - 1, "(1 - V B U) K is the unit matrix"),
    ),
    goal=(_A - _U * _V) * (_B + _B * _U * _K * _V * _B) - 1,
    certificate=(_term(1, "", "inverse", ""), _term(1, "", "inverse", "U K V B"), _term(1, "U", "capacity", "V B")),
    sizes={"n": 2, "m": 1},
    witness={
        "A": ((2, 0), (0, 2)), "B": ((Fraction(1, 2), 0), (0, Fraction(1, 2))), "U": ((1,), (0,)), "V": ((1, 0),), "K": ((2,),),
    },
    source="Woodbury, Statistical Research Group Memorandum 42, Princeton (1950)",
    false_sibling=(_A - _U * _V) * (_B - _B * _U * _K * _V * _B) - 1,
)  # fmt: skip

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
        _term(1, "", "solution", ""), _term(1, "", "inverse", "U K V w"), _term(-1, "", "inverse", "U K y"),
        _term(1, "U", "capacity", "V w"), _term(-1, "U", "capacity", "y"),
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
    certificate=(_term(-1, "", "solution", ""), _term(-1, "", "columns", "z"), _term(-1, "U", "correction", "")),
    sizes={"n": 1, "m": 1, "one": 1},
    witness={
        "A": ((3,),), "U": ((1,),), "V": ((1,),), "b": ((5,),), "y": ((1,),), "w": ((2,),), "G": ((1,),), "z": ((3,),),
        "r": ((1,),), "R": ((2,),), "s": ((-1,),),
    },
    source="own derivation",
    false_sibling=(_A - _U * _V) * (_w + _G * _z) - (_b - _U * _y) - _r - _R * _z,
)  # fmt: skip

SCHUR_COMPLEMENT = Identity(
    id="matrix.schur-complement",
    statement="If A x + B y = f and C x + D y = g, then (D - C A^-1 B) y = g - C A^-1 f.",
    matrices=(
        Matrix("A", "n", "n", "a block"), Matrix("B", "n", "m", "a block"), Matrix("C", "m", "n", "a block"), Matrix("D", "m", "m", "a block"),
        Matrix("E", "n", "n", "left inverse of A"), Matrix("x", "n", "one", "unknowns"), Matrix("y", "m", "one", "unknowns"),
        Matrix("f", "n", "one", "right side"), Matrix("g", "m", "one", "right side"),
    ),
    relations=(
        MatrixRelation("inverse", _E * _A - 1, "E A is the unit matrix"),
        MatrixRelation("first", _A * _x + _B * _y - _f, "the equations of the first block"),
        MatrixRelation("second", _C * _x + _D * _y - _g, "the equations of the second block"),
    ),
    goal=(_D - _C * _E * _B) * _y - _g + _C * _E * _f,
    certificate=(_term(1, "", "second", ""), _term(-1, "C E", "first", ""), _term(1, "C", "inverse", "x")),
    sizes={"n": 1, "m": 1, "one": 1},
    witness={
        "A": ((2,),), "B": ((1,),), "C": ((4,),), "D": ((5,),), "E": ((Fraction(1, 2),),), "x": ((1,),), "y": ((1,),), "f": ((3,),), "g": ((9,),),
    },
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 0.8.5",
    false_sibling=(_D + _C * _E * _B) * _y - _g + _C * _E * _f,
)  # fmt: skip

RESIDUAL = Identity(
    id="matrix.residual",
    statement="If A x = v and r = v - A z, the error x - z is A^-1 r.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "left inverse of A"), Matrix("x", "n", "one", "the solution"),
        Matrix("z", "n", "one", "the computed solution"), Matrix("v", "n", "one", "the right side"), Matrix("r", "n", "one", "the residual of z"),
    ),
    relations=(
        MatrixRelation("inverse", _B * _A - 1, "B A is the unit matrix"),
        MatrixRelation("solution", _A * _x - _v, "x is the solution"),
        MatrixRelation("residual", _r - _v + _A * _z, "r is the residual of z"),
    ),
    goal=_x - _z - _B * _r,
    certificate=(
        _term(-1, "", "inverse", "x"), _term(1, "", "inverse", "z"), _term(1, "B", "solution", ""), _term(-1, "B", "residual", ""),
    ),
    sizes={"n": 2, "one": 1},
    witness={
        "A": ((2, 0), (1, 1)), "B": ((Fraction(1, 2), 0), (Fraction(-1, 2), 1)), "x": ((1,), (1,)), "z": ((0,), (1,)), "v": ((2,), (2,)),
        "r": ((2,), (1,)),
    },
    source="standard",
    false_sibling=_x - _z + _B * _r,
)  # fmt: skip

DUAL_CORRECTION = Identity(
    id="matrix.dual-correction",
    statement="If A x = v, r = v - A z and s' = u' - y'A, then u'x - (u'z + y'r) = s'A^-1 r: the error of a corrected value is a product of residuals.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "left inverse of A"), Matrix("x", "n", "one", "the solution"),
        Matrix("z", "n", "one", "the computed solution"), Matrix("v", "n", "one", "the right side"), Matrix("r", "n", "one", "the residual of z"),
        Matrix("u", "one", "n", "the row u'"), Matrix("y", "one", "n", "the computed dual solution, as a row"), Matrix("s", "one", "n", "the residual of y"),
    ),
    relations=(
        MatrixRelation("inverse", _B * _A - 1, "B A is the unit matrix"),
        MatrixRelation("solution", _A * _x - _v, "x is the solution"),
        MatrixRelation("residual", _r - _v + _A * _z, "r is the residual of z"),
        MatrixRelation("dual", _s - _u + _y * _A, "s is the residual of y"),
    ),
    goal=_u * _x - _u * _z - _y * _r - _s * _B * _r,
    # s (x - z - B r), by the identity of the residual, and the rest
    certificate=(
        _term(-1, "s", "inverse", "x"), _term(1, "s", "inverse", "z"), _term(1, "s B", "solution", ""), _term(-1, "s B", "residual", ""),
        _term(1, "", "dual", "z"), _term(-1, "", "dual", "x"), _term(1, "y", "solution", ""), _term(-1, "y", "residual", ""),
    ),
    sizes={"n": 1, "one": 1},
    witness={
        "A": ((2,),), "B": ((Fraction(1, 2),),), "x": ((3,),), "z": ((1,),), "v": ((6,),), "r": ((4,),), "u": ((5,),), "y": ((1,),), "s": ((3,),),
    },
    source="standard; Giles & Pierce, SIAM Review 42 (2000), section 2, for the adjoint correction",
    false_sibling=_u * _x - _u * _z - _s * _B * _r,
)  # fmt: skip

RESOLVENT = Identity(
    id="matrix.resolvent",
    statement="A^-1 - B^-1 = A^-1 (B - A) B^-1.",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "a matrix"), Matrix("P", "n", "n", "left inverse of A"),
        Matrix("Q", "n", "n", "right inverse of B"),
    ),
    relations=(
        MatrixRelation("left", _P * _A - 1, "P A is the unit matrix"), MatrixRelation("right", _B * _Q - 1, "B Q is the unit matrix"),
    ),
    goal=_P - _Q - _P * (_B - _A) * _Q,
    certificate=(_term(1, "", "left", "Q"), _term(-1, "P", "right", "")),
    sizes={"n": 1},
    witness={"A": ((2,),), "B": ((4,),), "P": ((Fraction(1, 2),),), "Q": ((Fraction(1, 4),),)},
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.8",
    false_sibling=_P - _Q + _P * (_B - _A) * _Q,
)  # fmt: skip

IDENTITIES = (
    PUSH_THROUGH, GRAM, WOODBURY, SHERMAN_MORRISON, DOWNDATE, EXACT_DELETION, COMPUTED_DELETION, SCHUR_COMPLEMENT, RESIDUAL, DUAL_CORRECTION,
    RESOLVENT,
)  # fmt: skip

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
