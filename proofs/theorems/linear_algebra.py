"""Identities of matrices: inverses of Gram matrices, updates of low rank, blocks, residuals of solutions."""

from __future__ import annotations

from fractions import Fraction

from ..identity import Identity, Matrix, MatrixRelation, MatrixTerm, matrices
from ..theorem import Theorem


def term(coefficient: int, left: str, relation: str, right: str) -> MatrixTerm:
    """``coefficient * left * relation * right``, the words as blank-separated names."""
    return MatrixTerm(coefficient, tuple(left.split()), relation, tuple(right.split()))


_A, _B, _C, _D, _E, _K, _L, _M, _P, _Q, _U, _V, _X, _Y = matrices("A B C D E K L M P Q U V X Y")
_f, _g, _k, _r, _s, _u, _v, _x, _y, _z = matrices("f g k r s u v x y z")
_h, _m, _H, _R, _S = matrices("h m H R S")

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
    certificate=(term(1, "", "left", "B Q"), term(-1, "P B", "right", "")),
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
    certificate=(term(1, "", "left", "Y Q"), term(-1, "P Y", "right", ""), term(-1, "P", "scalar", "Q")),
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
        term(1, "", "inverse", ""), term(-1, "", "inverse", "U K V B"),
        term(-1, "U C", "capacity", "V B"), term(1, "U", "centre", "K V B"),
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
    certificate=(term(1, "", "inverse", ""), term(-1, "", "inverse", "u k v B"), term(-1, "u", "number", "v B")),
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
    certificate=(term(1, "", "inverse", ""), term(1, "", "inverse", "U K V B"), term(1, "U", "capacity", "V B")),
    sizes={"n": 2, "m": 1},
    witness={
        "A": ((2, 0), (0, 2)), "B": ((Fraction(1, 2), 0), (0, Fraction(1, 2))), "U": ((1,), (0,)), "V": ((1, 0),), "K": ((2,),),
    },
    source="Woodbury, Statistical Research Group Memorandum 42, Princeton (1950)",
    false_sibling=(_A - _U * _V) * (_B - _B * _U * _K * _V * _B) - 1,
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
    certificate=(term(1, "", "second", ""), term(-1, "C E", "first", ""), term(1, "C", "inverse", "x")),
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
        term(-1, "", "inverse", "x"), term(1, "", "inverse", "z"), term(1, "B", "solution", ""), term(-1, "B", "residual", ""),
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
        term(-1, "s", "inverse", "x"), term(1, "s", "inverse", "z"), term(1, "s B", "solution", ""), term(-1, "s B", "residual", ""),
        term(1, "", "dual", "z"), term(-1, "", "dual", "x"), term(1, "y", "solution", ""), term(-1, "y", "residual", ""),
    ),
    sizes={"n": 1, "one": 1},
    witness={
        "A": ((2,),), "B": ((Fraction(1, 2),),), "x": ((3,),), "z": ((1,),), "v": ((6,),), "r": ((4,),), "u": ((5,),), "y": ((1,),), "s": ((3,),),
    },
    source="standard; Pierce & Giles, SIAM Review 42 (2000) 247-264, for the adjoint correction",
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
    certificate=(term(1, "", "left", "Q"), term(-1, "P", "right", "")),
    sizes={"n": 1},
    witness={"A": ((2,),), "B": ((4,),), "P": ((Fraction(1, 2),),), "Q": ((Fraction(1, 4),),)},
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.8",
    false_sibling=_P - _Q + _P * (_B - _A) * _Q,
)  # fmt: skip

POLARISATION = Identity(
    id="matrix.polarisation",
    statement="For a symmetric B, (s + r)'B (s + r) - (s - r)'B (s - r) = 4 s'B r.",
    matrices=(
        Matrix("B", "n", "n", "a symmetric matrix"), Matrix("S", "n", "one", "the column s"), Matrix("s", "one", "n", "the row s'"),
        Matrix("r", "n", "one", "the column r"), Matrix("R", "one", "n", "the row r'"),
    ),
    relations=(MatrixRelation("symmetric", _s * _B * _r - _R * _B * _S, "r'B s is its own transpose, and B is symmetric"),),
    goal=(_s + _R) * _B * (_S + _r) - (_s - _R) * _B * (_S - _r) - 4 * _s * _B * _r,
    certificate=(term(-2, "", "symmetric", ""),),
    sizes={"n": 1, "one": 1},
    witness={"B": ((2,),), "S": ((3,),), "s": ((3,),), "r": ((5,),), "R": ((5,),)},
    source="standard",
    false_sibling=(_s + _R) * _B * (_S + _r) - (_s - _R) * _B * (_S - _r) - 2 * _s * _B * _r,
)  # fmt: skip

ENERGY = Identity(
    id="matrix.energy",
    statement="For an invertible A, m'A^-1 m - (2 m'h - h'A h) = (m' - h'A) A^-1 (m - A h).",
    matrices=(
        Matrix("A", "n", "n", "a matrix"), Matrix("B", "n", "n", "the inverse of A"), Matrix("m", "n", "one", "the column m"),
        Matrix("M", "one", "n", "the row m'"), Matrix("h", "n", "one", "the column h"), Matrix("H", "one", "n", "the row h'"),
    ),
    relations=(
        MatrixRelation("left", _B * _A - 1, "B A is the unit matrix"),
        MatrixRelation("right", _A * _B - 1, "A B is the unit matrix"),
        MatrixRelation("number", _H * _m - _M * _h, "h'm is its own transpose"),
    ),
    goal=(_M - _H * _A) * _B * (_m - _A * _h) - _M * _B * _m + 2 * _M * _h - _H * _A * _h,
    certificate=(
        term(-1, "M", "left", "h"), term(-1, "H", "right", "m"), term(1, "H", "right", "A h"), term(-1, "", "number", ""),
    ),
    sizes={"n": 1, "one": 1},
    witness={"A": ((2,),), "B": ((Fraction(1, 2),),), "m": ((3,),), "M": ((3,),), "h": ((5,),), "H": ((5,),)},
    source="standard",
    false_sibling=(_M - _H * _A) * _B * (_m - _A * _h) - _M * _B * _m + _M * _h,
)  # fmt: skip

IDENTITIES = (
    PUSH_THROUGH, GRAM, WOODBURY, SHERMAN_MORRISON, DOWNDATE, SCHUR_COMPLEMENT, RESIDUAL, DUAL_CORRECTION,
    RESOLVENT, POLARISATION, ENERGY,
)  # fmt: skip

THEOREMS: tuple[Theorem, ...] = ()
