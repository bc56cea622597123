"""Spectral norms of sums, products, Gram matrices, blocks and submatrices."""

from __future__ import annotations

from ..expression import Expression, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem

left, right, row, column, norm, scale, rounding, gram, residual, singular, left_error, right_error, outer, inner = symbols(
    "left right row column norm scale rounding gram residual singular left_error right_error outer inner"
)
frobenius, ladder = symbols("frobenius ladder")
t, a, b, d, s, y, z, p, q = symbols("t a b d s y z p q")
h, h_next, h_first, h_last, f, f_next, f_first, f_last = symbols("h h_next h_first h_last f f_next f_first f_last")
b_next, b_first, b_last, z_next, z_first, z_last, e = symbols("b_next b_first b_last z_next z_first z_last e")

SPECTRAL_NORM = Conclusion("norm", "spectral norm of the matrix", Side.UPPER)


def norm_of(symbol: str, matrix: str) -> Hypothesis:
    """A bound on the spectral norm of that matrix."""
    return Hypothesis(symbol, f"at or above the spectral norm of {matrix}", Side.UPPER, Domain.NONNEGATIVE)


def lipschitz_of(symbol: str, name: str) -> Hypothesis:
    """A Lipschitz constant of that map."""
    return Hypothesis(symbol, f"at or above a Lipschitz constant of {name}", Side.UPPER, Domain.NONNEGATIVE)


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

_LADDER = {
    "ladder": 3, "b": 8, "b_first": 8, "b_next": 3, "b_last": 3, "z": 8, "z_first": 8, "z_next": 3, "z_last": 3,
    "e": 1, "e_first": 1, "e_next": 1, "e_last": 1,
}  # fmt: skip

GRAM_LADDER = Theorem(
    id="norm.gram-ladder",
    statement=(
        "Gram iteration G_0 = A, G_(k+1) = G_k'G_k up to an error of spectral norm e_k, T >= 1 times, bounds |A| by a ladder back: "
        "b_T = |G_T|_F and b_k = sqrt(b_(k+1) + e_k) give |A| <= b_0 (without errors, the 2^T-th root of |G_T|_F)."
    ),
    hypotheses=(
        Hypothesis("ladder", "at or above the end b_0 of the ladder, every e_k at or above the norm of G_k'G_k - G_(k+1)", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=SPECTRAL_NORM,
    formula=ladder,
    rests_on=("norm.frobenius", "norm.gram", "linalg.operator-norm", "analysis.roots"),
    source=(
        "Delattre, Barthelemy, Araujo & Allauzen, ICML 2023, for exact products; with rounding: Tobler, Syeda & Murray, CAV 2025; own proof"
    ),
    proof=AlgebraicProof(
        target="z_last",
        variables={},
        sequences=(
            Sequence("z", "z_next", "z_first", "z_last", "spectral norm of a matrix of the iteration, from G_T back to A"),
            Sequence("b", "b_next", "b_first", "b_last", "the rung of the ladder for that matrix"),
            Sequence("e", "e_next", "e_first", "e_last", "the error of the product that gave that matrix"),
        ),
        terms={"root": sqrt(z + e)},
        facts=(
            Fact("norm", ">=0", z, _ATTAINED, "a norm is nonnegative"),
            Fact("norm before", ">=0", z_next, _ATTAINED, "a norm is nonnegative"),
            Fact("error", ">=0", e, _ATTAINED, "a bound on a norm is nonnegative"),
            Fact("start norm", ">=0", b_first, _ATTAINED, "a norm is nonnegative"),
            Fact("rung", ">=0", b_next, ("analysis.roots",), "a square root is nonnegative"),
            Fact("rung squared", "==0", b_next**2 - b - e, ("analysis.roots",), "b_k² = b_(k+1) + e_k"),
            Fact("covers", ">=0", ladder - b_last, ("hypothesis:ladder",), "the number given covers the end of the ladder"),
        ),
        citations=(
            Citation("start", "norm.frobenius", z_first, {"frobenius": b_first}, "the ladder starts at the Frobenius norm of G_T"),
            Citation("gram", "norm.gram", z_next, {"gram": z, "rounding": e}, "one product"),
        ),
        steps=(
            Induction(
                "climb", b - z,
                base=(Step((Term(1, 1, ("start",)),)),),
                step=(
                    # b_next² - z_next²  =  (b - z) + (root² - z_next²)
                    Step(
                        (Term(1, 1, ("climb",)), Term(1, 1, ("gram", "root")), Term(1, 1, ("gram", "norm before"))),
                        ((1, "rung squared"), (-1, "root^2")), name="squares", kind=">=0", slack=b_next**2 - z_next**2,
                    ),
                    by_squares(b_next, z_next, "squares"),
                ),
            ),
            Step((Term(1, 1, ("covers",)), Term(1, 1, ("climb",)))),
        ),
        witness=_LADDER,
    ),
    false_sibling=FalseSibling("half of the ladder", ladder / 2, counterexample=_LADDER),
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

SVD_RESIDUAL = Theorem(
    id="norm.svd-residual",
    statement=(
        "The spectral norm of A is at most sqrt(1 + u) s sqrt(1 + v) + r for every U, S and V, where |U'U - I| <= u, |V'V - I| <= v, "
        "|S| <= s and |A - U S V'| <= r."
    ),
    hypotheses=(
        Hypothesis("singular", "at or above the absolute value of every entry of the diagonal matrix S", Side.UPPER, Domain.NONNEGATIVE),
        norm_of("left_error", "U'U - I"),
        norm_of("right_error", "V'V - I"),
        norm_of("residual", "A - U S V'"),
    ),
    conclusion=SPECTRAL_NORM,
    formula=sqrt(1 + left_error) * singular * sqrt(1 + right_error) + residual,
    rests_on=("norm.gram", "norm.product", "norm.sum", "linalg.operator-norm"),
    source="Rump, BIT 51 (2011) 367-384; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "spectral norm of A", "a": "spectral norm of U", "b": "spectral norm of V, which is that of V'",
            "p": "spectral norm of U S", "q": "spectral norm of U S V'",
        },
        terms={"left_root": sqrt(1 + left_error), "right_root": sqrt(1 + right_error)},
        facts=(
            Fact("left norm", ">=0", a, _ATTAINED, "a norm is nonnegative"),
            Fact("right norm", ">=0", b, _ATTAINED, "a norm is nonnegative"),
            Fact("product norm", ">=0", p, _ATTAINED, "a norm is nonnegative"),
            Fact("whole norm", ">=0", q, _ATTAINED, "a norm is nonnegative"),
        ),
        citations=(
            Citation("left", "norm.gram", a, {"gram": 1, "rounding": left_error}, "I stands for U'U"),
            Citation("right", "norm.gram", b, {"gram": 1, "rounding": right_error}, "I stands for V'V"),
            Citation("scaled", "norm.product", p, {"left": a, "right": singular}, "the norm of a diagonal matrix is its greatest entry"),
            Citation("product", "norm.product", q, {"left": p, "right": b}, "U S times V'"),
            Citation("sum", "norm.sum", t, {"left": q, "right": residual}, "A is the sum of U S V' and the residual"),
        ),
        # root s root' + r - t  =  (root - a) s root' + (a s - p) root' + p (root' - b) + (p b - q) + (q + r - t)
        steps=(
            Step(
                (
                    Term(1, 1, ("left", "singular", "right_root")), Term(1, 1, ("scaled", "right_root")),
                    Term(1, 1, ("product norm", "right")), Term(1, 1, ("product",)), Term(1, 1, ("sum",)),
                ),
            ),
        ),
        witness={
            "singular": 2, "left_error": 0, "right_error": 0, "residual": 1, "t": 3, "a": 1, "b": 1, "p": 2, "q": 2,
        },
    ),
    false_sibling=FalseSibling(
        "the factors taken as orthonormal", singular + residual,
        counterexample={"singular": 2, "left_error": 3, "right_error": 3, "residual": 1, "t": 9, "a": 2, "b": 2, "p": 4, "q": 8},
    ),
)  # fmt: skip

CHOLESKY = Theorem(
    id="norm.cholesky",
    statement=(
        "If s² I - A'A = L L' + E for some matrix L, with |E| <= e, then |A| <= sqrt(s² + e): a Cholesky factorisation "
        "that does not break down proves a bound on the norm."
    ),
    hypotheses=(
        Hypothesis("scale", "at or above |s|", Side.UPPER, Domain.NONNEGATIVE),
        norm_of("rounding", "s² I - A'A - L L'"),
    ),
    conclusion=SPECTRAL_NORM,
    formula=sqrt(scale**2 + rounding),
    rests_on=("linalg.operator-norm", "linalg.adjoint", "linalg.cauchy-schwarz"),
    source="Rump, BIT 46 (2006) 433-452, with the backward error as a hypothesis; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": _T, "s": "the number s", "z": "|L' x|", "inner": "x . E x", "q": "|E x|"},
        terms={"root": sqrt(scale**2 + rounding)},
        facts=(
            Fact("above", ">=0", scale - s, ("hypothesis:scale",), "the number given covers s"),
            Fact("below", ">=0", scale + s, ("hypothesis:scale",), "and its absolute value"),
            Fact(
                "form", "==0", s**2 - t**2 - z**2 - inner, ("linalg.operator-norm", "linalg.adjoint"),
                "the two sides of s² I - A'A = L L' + E at x: s² |x|² - |A x|² = |L' x|² + x . E x",
            ),
            Fact("cauchy", ">=0", q + inner, ("linalg.cauchy-schwarz",), "-(x . E x) <= |E x|, x being a unit vector"),
            Fact("small", ">=0", rounding - q, (*_ATTAINED, "hypothesis:rounding"), "|E x| <= |E|"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("above", "below")), Term(1, z), Term(1, 1, ("cauchy",)), Term(1, 1, ("small",)),
                ),
                ((1, "root^2"), (1, "form")), name="squares", kind=">=0", slack=sqrt(scale**2 + rounding) ** 2 - t**2,
            ),
            by_squares(sqrt(scale**2 + rounding), t, "squares"),
        ),
        witness={"scale": 2, "rounding": 5, "t": 3, "s": 2, "z": 0, "inner": -5, "q": 5},
    ),
    false_sibling=FalseSibling(
        "the rounding left out", scale, counterexample={"scale": 2, "rounding": 5, "t": 3, "s": 2, "z": 0, "inner": -5, "q": 5}
    ),
)  # fmt: skip

LIPSCHITZ_PRODUCT = Theorem(
    id="lipschitz.product",
    statement="The composition of two Lipschitz maps is Lipschitz with the product of their constants.",
    hypotheses=(
        lipschitz_of("outer", "the outer map on the range of the inner one"),
        lipschitz_of("inner", "the inner map"),
    ),
    conclusion=Conclusion("lipschitz", "Lipschitz constant of the composition: the ratio of distances at any two points", Side.UPPER),
    formula=outer * inner,
    rests_on=("analysis.lipschitz",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of |f(g(x)) - f(g(y))| to |x - y|", "d": "|x - y|", "p": "|g(x) - g(y)|", "q": "|f(g(x)) - f(g(y))|"},
        facts=(
            Fact("apart", ">0", d, ("analysis.lipschitz",), "the two points differ"),
            Fact("ratio", "==0", t * d - q, ("analysis.lipschitz",), "what the ratio is"),
            Fact("between", ">=0", p, ("analysis.lipschitz",), "a distance is nonnegative"),
            Fact("first", ">=0", inner * d - p, ("analysis.lipschitz", "hypothesis:inner"), "|g(x) - g(y)| <= L |x - y|"),
            Fact("second", ">=0", outer * p - q, ("analysis.lipschitz", "hypothesis:outer"), "|f(u) - f(v)| <= L |u - v|"),
        ),
        # d (outer inner - t)  =  outer (inner d - p) + (outer p - q) - (t d - q)
        steps=(Step((Term(1, 1, ("outer", "first")), Term(1, 1, ("second",))), ((-1, "ratio"),), ("apart",)),),
        witness={"outer": 2, "inner": 3, "t": 6, "d": 1, "p": 3, "q": 6},
    ),
    false_sibling=FalseSibling(
        "the greater of the two constants", maximum(outer, inner), counterexample={"outer": 2, "inner": 3, "t": 6, "d": 1, "p": 3, "q": 6}
    ),
)  # fmt: skip

LIPSCHITZ_RESIDUAL_BLOCK = Theorem(
    id="lipschitz.residual-block",
    statement="A residual block x + g(x) is Lipschitz with constant 1 + L, where g is Lipschitz with constant L.",
    hypotheses=(lipschitz_of("inner", "the branch g"),),
    conclusion=Conclusion("lipschitz", "Lipschitz constant of the block: the ratio of distances at any two points", Side.UPPER),
    formula=1 + inner,
    rests_on=("analysis.lipschitz", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of |x + g(x) - y - g(y)| to |x - y|", "d": "|x - y|", "p": "|g(x) - g(y)|", "q": "|x + g(x) - y - g(y)|"},
        facts=(
            Fact("apart", ">0", d, ("analysis.lipschitz",), "the two points differ"),
            Fact("ratio", "==0", t * d - q, ("analysis.lipschitz",), "what the ratio is"),
            Fact("branch", ">=0", inner * d - p, ("analysis.lipschitz", "hypothesis:inner"), "|g(x) - g(y)| <= L |x - y|"),
            Fact("triangle", ">=0", d + p - q, ("linalg.triangle",), "|x - y + g(x) - g(y)| <= |x - y| + |g(x) - g(y)|"),
        ),
        steps=(Step((Term(1, 1, ("branch",)), Term(1, 1, ("triangle",))), ((-1, "ratio"),), ("apart",)),),
        witness={"inner": 1, "t": 2, "d": 1, "p": 1, "q": 2},
    ),
    false_sibling=FalseSibling("the branch alone", inner, counterexample={"inner": 1, "t": 2, "d": 1, "p": 1, "q": 2}),
)  # fmt: skip

THEOREMS = (
    PRODUCT, SUM, FROBENIUS, GRAM, GRAM_LADDER, SCHUR, COMPRESSION, BLOCKS, BLOCK_DIAGONAL, SVD_RESIDUAL, CHOLESKY, LIPSCHITZ_PRODUCT, LIPSCHITZ_RESIDUAL_BLOCK,
)  # fmt: skip
