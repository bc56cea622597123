"""Spectral norms of sums, products, Gram matrices, blocks and submatrices."""

from __future__ import annotations

from ..expression import Expression, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import SPECTRAL_NORM, norm_of

left, right, row, column, norm, rounding, gram, frobenius = symbols("left right row column norm rounding gram frobenius")
t, a, y, z, p, q, inner = symbols("t a y z p q inner")
h, h_next, h_first, h_last, f, f_next, f_first, f_last = symbols("h h_next h_first h_last f f_next f_first f_last")

_T = "spectral norm of the matrix: |A x| at the unit vector x that attains it"
_ATTAINED = ("linalg.operator-norm",)

PRODUCT = Theorem(
    id="norm.product",
    statement="The spectral norm of a product of two matrices is at most the product of their spectral norms.",
    hypotheses=(norm_of("left", "the left factor"), norm_of("right", "the right factor")),
    conclusion=SPECTRAL_NORM,
    formula=left * right,
    rests_on=("linalg.operator-norm",),
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "|A B x| at the unit vector x that attains the norm of A B", "y": "|B x|", "a": "spectral norm of A"},
        facts=(
            Fact("image", ">=0", y, _ATTAINED, "a norm is nonnegative"),
            Fact("outer", ">=0", a * y - t, _ATTAINED, "|A B x| <= |A| |B x|"),
            Fact("inner", ">=0", right - y, (*_ATTAINED, "hypothesis:right"), "|B x| <= |B|, x being a unit vector"),
            Fact("covers", ">=0", left - a, ("hypothesis:left",), "the number given covers |A|"),
        ),
        # left right - t  =  (left - a) y + left (right - y) + (a y - t)
        steps=(Step((Term(1, 1, ("covers", "image")), Term(1, 1, ("left", "inner")), Term(1, 1, ("outer",)))),),
        witness={"left": 2, "right": 3, "t": 6, "y": 3, "a": 2},
    ),
    false_sibling=FalseSibling("half of the product", left * right / 2, counterexample={"left": 2, "right": 3, "t": 6, "y": 3, "a": 2}),
)  # fmt: skip

SUM = Theorem(
    id="norm.sum",
    statement="The spectral norm of a sum of two matrices is at most the sum of their spectral norms.",
    hypotheses=(norm_of("left", "the first matrix"), norm_of("right", "the second matrix")),
    conclusion=SPECTRAL_NORM,
    formula=left + right,
    rests_on=("linalg.operator-norm", "linalg.triangle"),
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "|(A + B) x| at the unit vector x that attains the norm of A + B", "y": "|A x|", "z": "|B x|"},
        facts=(
            Fact("triangle", ">=0", y + z - t, ("linalg.operator-norm", "linalg.triangle"), "|A x + B x| <= |A x| + |B x|"),
            Fact("first", ">=0", left - y, (*_ATTAINED, "hypothesis:left"), "|A x| <= |A|, x being a unit vector"),
            Fact("second", ">=0", right - z, (*_ATTAINED, "hypothesis:right"), "|B x| <= |B|, x being a unit vector"),
        ),
        steps=(Step((Term(1, 1, ("first",)), Term(1, 1, ("second",)), Term(1, 1, ("triangle",)))),),
        witness={"left": 1, "right": 1, "t": 2, "y": 1, "z": 1},
    ),
    false_sibling=FalseSibling(
        "the root of the sum of squares", sqrt(left**2 + right**2), counterexample={"left": 3, "right": 4, "t": 7, "y": 3, "z": 4}
    ),
)  # fmt: skip

FROBENIUS = Theorem(
    id="norm.frobenius",
    statement="The spectral norm is at most the Frobenius norm.",
    hypotheses=(Hypothesis("frobenius", "at or above the Frobenius norm of the matrix", Side.UPPER, Domain.NONNEGATIVE),),
    conclusion=SPECTRAL_NORM,
    formula=frobenius,
    rests_on=("linalg.operator-norm", "linalg.pythagoras", "linalg.cauchy-schwarz"),
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": _T},
        sequences=(
            Sequence("h", "h_next", "h_first", "h_last", "sum of the squares of the first coordinates of A x"),
            Sequence("f", "f_next", "f_first", "f_last", "sum of the squares of the entries of the first rows of A"),
        ),
        facts=(
            Fact(
                "row", ">=0", f_next - f - (h_next - h), ("linalg.cauchy-schwarz", "linalg.pythagoras"),
                "the square of the next coordinate, (row . x)², is at most |row|², x being a unit vector",
            ),
            Fact("start", "==0", f_first - h_first, ("linalg.pythagoras",), "both sums are empty"),
            Fact("all", "==0", h_last - t**2, ("linalg.operator-norm", "linalg.pythagoras"), "all coordinates: |A x|²"),
            Fact(
                "covers", ">=0", frobenius**2 - f_last, ("linalg.pythagoras", "hypothesis:frobenius"),
                "all rows: the square of the Frobenius norm, which the number given covers",
            ),
        ),
        steps=(
            Induction(
                "rows", f - h,
                base=(Step((), ((1, "start"),)),),
                step=(Step((Term(1, 1, ("rows",)), Term(1, 1, ("row",)))),),
            ),
            Step(
                (Term(1, 1, ("covers",)), Term(1, 1, ("rows",))), ((1, "all"),), name="squares", kind=">=0", slack=frobenius**2 - t**2,
            ),
            by_squares(frobenius, t, "squares"),
        ),
        witness={
            "frobenius": 2, "t": 2, "h": 0, "h_first": 0, "h_next": 4, "h_last": 4, "f": 0, "f_first": 0, "f_next": 4, "f_last": 4,
        },
    ),
    false_sibling=FalseSibling(
        "half of the Frobenius norm", frobenius / 2,
        counterexample={
            "frobenius": 2, "t": 2, "h": 0, "h_first": 0, "h_next": 4, "h_last": 4, "f": 0, "f_first": 0, "f_next": 4, "f_last": 4,
        },
    ),
)  # fmt: skip

GRAM = Theorem(
    id="norm.gram",
    statement=(
        "The spectral norm of A is at most sqrt(|G| + e), where G stands for A'A and |A'A - G| <= e: one step of Gram iteration, "
        "with the rounding of the product in e."
    ),
    hypotheses=(
        norm_of("gram", "the matrix G that stands for A'A"),
        norm_of("rounding", "A'A - G"),
    ),
    conclusion=SPECTRAL_NORM,
    formula=sqrt(gram + rounding),
    rests_on=("linalg.operator-norm", "linalg.adjoint", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": _T, "inner": "x . A'A x", "y": "|A'A x|", "p": "|G x|", "q": "|(A'A - G) x|"},
        terms={"root": sqrt(gram + rounding)},
        facts=(
            Fact("attained", "==0", inner - t**2, ("linalg.operator-norm", "linalg.adjoint"), "x . A'A x = |A x|²"),
            Fact("cauchy", ">=0", y - inner, ("linalg.cauchy-schwarz",), "x . A'A x <= |A'A x|, x being a unit vector"),
            Fact("triangle", ">=0", p + q - y, ("linalg.triangle",), "A'A x is the sum of G x and (A'A - G) x"),
            Fact("computed", ">=0", gram - p, (*_ATTAINED, "hypothesis:gram"), "|G x| <= |G|"),
            Fact("rounded", ">=0", rounding - q, (*_ATTAINED, "hypothesis:rounding"), "|(A'A - G) x| <= |A'A - G|"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("cauchy",)), Term(1, 1, ("triangle",)), Term(1, 1, ("computed",)), Term(1, 1, ("rounded",))),
                ((1, "root^2"), (1, "attained")),
                name="squares", kind=">=0", slack=sqrt(gram + rounding) ** 2 - t**2,
            ),
            by_squares(sqrt(gram + rounding), t, "squares"),
        ),
        witness={"gram": 8, "rounding": 1, "t": 3, "inner": 9, "y": 9, "p": 8, "q": 1},
    ),
    false_sibling=FalseSibling(
        "the rounding of the product left out", sqrt(gram),
        counterexample={"gram": 8, "rounding": 1, "t": 3, "inner": 9, "y": 9, "p": 8, "q": 1},
    ),
)  # fmt: skip

SCHUR = Theorem(
    id="norm.schur",
    statement="The spectral norm is at most the root of the greatest absolute row sum times the greatest absolute column sum.",
    hypotheses=(
        Hypothesis("row", "at or above every sum of absolute values along a row", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("column", "at or above every sum of absolute values along a column", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=SPECTRAL_NORM,
    formula=sqrt(row * column),
    rests_on=("linalg.operator-norm", "linalg.cauchy-schwarz", "linalg.pythagoras"),
    source="Schur, J. reine angew. Math. 140 (1911) 1-28; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "spectral norm: y . A x at the unit vectors x and y that attain it",
            "p": "sum of |A_ij| y_i² over all entries",
            "q": "sum of |A_ij| x_j² over all entries",
        },
        terms={"root": sqrt(row * column)},
        facts=(
            Fact(
                "cauchy", ">=0", p * q - t**2, ("linalg.operator-norm", "linalg.cauchy-schwarz"),
                "y . A x is at most the inner product of the numbers |y_i| |A_ij|^(1/2) with the numbers |A_ij|^(1/2) |x_j|",
            ),
            Fact("weights", ">=0", q, ("linalg.pythagoras",), "a sum of nonnegative numbers"),
            Fact("rows", ">=0", row - p, ("linalg.pythagoras", "hypothesis:row"), "sum over j first; the y_i² add up to one"),
            Fact("columns", ">=0", column - q, ("linalg.pythagoras", "hypothesis:column"), "sum over i first; the x_j² add up to one"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("cauchy",)), Term(1, 1, ("rows", "weights")), Term(1, 1, ("row", "columns"))), ((1, "root^2"),),
                name="squares", kind=">=0", slack=sqrt(row * column) ** 2 - t**2,
            ),
            by_squares(sqrt(row * column), t, "squares"),
        ),
        witness={"row": 4, "column": 1, "t": 2, "p": 4, "q": 1},
    ),
    false_sibling=FalseSibling(
        "half of the bound", sqrt(row * column) / 2, counterexample={"row": 4, "column": 1, "t": 2, "p": 4, "q": 1}
    ),
)  # fmt: skip

COMPRESSION = Theorem(
    id="norm.compression",
    statement="A matrix of some rows and columns of another has at most its spectral norm.",
    hypotheses=(norm_of("norm", "the whole matrix"),),
    conclusion=Conclusion("norm", "spectral norm of the matrix of the chosen rows and columns", Side.UPPER),
    formula=norm,
    rests_on=("linalg.operator-norm", "linalg.pythagoras"),
    source="Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "|B x| at the unit vector x that attains the norm of the smaller matrix B",
            "z": "|A x| at the same x, with zeros in the coordinates of the other columns",
        },
        facts=(
            Fact("image", ">=0", z, _ATTAINED, "a norm is nonnegative"),
            Fact(
                "coordinates", ">=0", z**2 - t**2, ("linalg.operator-norm", "linalg.pythagoras"),
                "B x consists of some of the coordinates of A x",
            ),
            Fact("whole", ">=0", norm - z, (*_ATTAINED, "hypothesis:norm"), "|A x| <= |A|, x with zeros being a unit vector still"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("whole", "norm")), Term(1, 1, ("whole", "image")), Term(1, 1, ("coordinates",))),
                name="squares", kind=">=0", slack=norm**2 - t**2,
            ),
            by_squares(norm, t, "squares"),
        ),
        witness={"norm": 1, "t": 1, "z": 1},
    ),
    false_sibling=FalseSibling("half of the norm", norm / 2, counterexample={"norm": 1, "t": 1, "z": 1}),
)  # fmt: skip

BLOCKS = Theorem(
    id="norm.blocks",
    statement="Two matrices side by side, or one above the other, have spectral norm at most sqrt(a² + b²).",
    hypotheses=(norm_of("left", "the first matrix"), norm_of("right", "the second matrix")),
    conclusion=Conclusion("norm", "spectral norm of the two matrices as one", Side.UPPER),
    formula=sqrt(left**2 + right**2),
    rests_on=("linalg.operator-norm", "linalg.pythagoras"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the stacked matrix at the unit vector x that attains it (side by side: of its transpose, which has the same norm)",
            "y": "|A x|",
            "z": "|B x|",
        },
        terms={"root": sqrt(left**2 + right**2)},
        facts=(
            Fact("first", ">=0", y, _ATTAINED, "a norm is nonnegative"),
            Fact("second", ">=0", z, _ATTAINED, "a norm is nonnegative"),
            Fact("stacked", "==0", y**2 + z**2 - t**2, ("linalg.operator-norm", "linalg.pythagoras"), "the coordinates of A x and of B x"),
            Fact("above", ">=0", left - y, (*_ATTAINED, "hypothesis:left"), "|A x| <= |A|"),
            Fact("below", ">=0", right - z, (*_ATTAINED, "hypothesis:right"), "|B x| <= |B|"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("above", "left")), Term(1, 1, ("above", "first")),
                    Term(1, 1, ("below", "right")), Term(1, 1, ("below", "second")),
                ),
                ((1, "root^2"), (1, "stacked")), name="squares", kind=">=0", slack=sqrt(left**2 + right**2) ** 2 - t**2,
            ),
            by_squares(sqrt(left**2 + right**2), t, "squares"),
        ),
        witness={"left": 3, "right": 4, "t": 5, "y": 3, "z": 4},
    ),
    false_sibling=FalseSibling(
        "the greater of the two norms", maximum(left, right), counterexample={"left": 3, "right": 4, "t": 5, "y": 3, "z": 4}
    ),
)  # fmt: skip


def _squared(side: str, number: Expression, image: Expression, part: Expression) -> tuple[Step, Step]:
    """From image <= number part: greater part - image >= 0, then greater² part² - image² >= 0."""
    greater, covers = maximum(left, right), f"greater>={side}"
    return (
        Step(
            (Term(1, 1, (covers, f"{side} part")), Term(1, 1, (f"{side} block",))),
            name=f"{side} bound", kind=">=0", slack=greater * part - image,
        ),
        Step(
            (
                Term(1, 1, (f"{side} bound", covers, f"{side} part")), Term(1, 1, (f"{side} bound", side, f"{side} part")),
                Term(1, 1, (f"{side} bound", f"{side} image")),
            ),
            name=f"{side} square", kind=">=0", slack=greater**2 * part**2 - image**2,
        ),
    )  # fmt: skip


BLOCK_DIAGONAL = Theorem(
    id="norm.block-diagonal",
    statement="A matrix with two blocks on its diagonal and zeros elsewhere has at most the greater of their spectral norms.",
    hypotheses=(norm_of("left", "the first block"), norm_of("right", "the second block")),
    conclusion=SPECTRAL_NORM,
    formula=maximum(left, right),
    rests_on=("linalg.operator-norm", "linalg.pythagoras"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "norm of the image of the unit vector (x, x') that attains the norm",
            "y": "|A x|", "z": "|B x'|", "p": "|x|", "q": "|x'|",
        },
        terms={"greater": maximum(left, right)},
        facts=(
            Fact("left image", ">=0", y, _ATTAINED, "a norm is nonnegative"),
            Fact("right image", ">=0", z, _ATTAINED, "a norm is nonnegative"),
            Fact("left part", ">=0", p, _ATTAINED, "a norm is nonnegative"),
            Fact("right part", ">=0", q, _ATTAINED, "a norm is nonnegative"),
            Fact("unit", "==0", p**2 + q**2 - 1, ("linalg.pythagoras",), "(x, x') is a unit vector"),
            Fact("image", "==0", y**2 + z**2 - t**2, ("linalg.operator-norm", "linalg.pythagoras"), "the image is (A x, B x')"),
            Fact("left block", ">=0", left * p - y, (*_ATTAINED, "hypothesis:left"), "|A x| <= |A| |x|"),
            Fact("right block", ">=0", right * q - z, (*_ATTAINED, "hypothesis:right"), "|B x'| <= |B| |x'|"),
        ),
        steps=(
            *_squared("left", left, y, p),
            *_squared("right", right, z, q),
            Step(
                (Term(1, 1, ("left square",)), Term(1, 1, ("right square",))),
                ((1, "image"), (-(maximum(left, right) ** 2), "unit")),
                name="squares", kind=">=0", slack=maximum(left, right) ** 2 - t**2,
            ),
            by_squares(maximum(left, right), t, "squares"),
        ),
        witness={"left": 2, "right": 1, "t": 2, "y": 2, "z": 0, "p": 1, "q": 0},
    ),
    false_sibling=FalseSibling(
        "the geometric mean of the norms", sqrt(left * right),
        counterexample={"left": 4, "right": 1, "t": 4, "y": 4, "z": 0, "p": 1, "q": 0},
    ),
)  # fmt: skip

THEOREMS = (PRODUCT, SUM, FROBENIUS, GRAM, SCHUR, COMPRESSION, BLOCKS, BLOCK_DIAGONAL)
