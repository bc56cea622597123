"""Spectral norms proved by a computation: Gram iteration, decompositions checked by their residuals, and the rounding in them."""

from __future__ import annotations

from fractions import Fraction

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import SPECTRAL_NORM, norm_of

ladder, scale, rounding, residual, singular, left_error, right_error, frobenius, relative, underflow = symbols(
    "ladder scale rounding residual singular left_error right_error frobenius relative underflow"
)
computed, terms, unit_roundoff, trace = symbols("computed terms unit_roundoff trace")
t, a, b, d, f, g, h, p, q, r, s, w, y, z, inner = symbols("t a b d f g h p q r s w y z inner")
b_next, b_first, b_last, z_next, z_first, z_last, c, e = symbols("b_next b_first b_last z_next z_first z_last c e")

_ATTAINED = ("linalg.operator-norm",)
_NONNEGATIVE = "a norm is nonnegative"

_LADDER = {
    "ladder": 6, "b": 8, "b_first": 8, "b_next": 6, "b_last": 6, "z": 8, "z_first": 8, "z_next": 6, "z_last": 6,
    "y": 3, "y_next": 3, "y_first": 3, "y_last": 3, "c": 2, "c_next": 2, "c_first": 2, "c_last": 2,
    "e": 1, "e_first": 1, "e_next": 1, "e_last": 1,
}  # fmt: skip

GRAM_LADDER = Theorem(
    id="norm.gram-ladder",
    statement=(
        "Gram iteration G_0 = A, S_k = G_k/c_k, G_(k+1) = S_k'S_k up to an error of spectral norm e_k, T >= 1 times, bounds |A| by a ladder "
        "back: b_T = |G_T|_F and b_k = c_k sqrt(b_(k+1) + e_k) give |A| <= b_0. Without scaling and errors that is the 2^T-th root of |G_T|_F."
    ),
    hypotheses=(
        Hypothesis("ladder", "at or above the end b_0 of the ladder, every e_k at or above |S_k'S_k - G_(k+1)|", Side.UPPER, Domain.NONNEGATIVE),
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
            Sequence("z", "z_next", "z_first", "z_last", "spectral norm of G_k, from G_T back to A"),
            Sequence("b", "b_next", "b_first", "b_last", "the rung b_k of the ladder"),
            Sequence("y", "y_next", "y_first", "y_last", "spectral norm of S_k, the matrix whose product the present G is"),
            Sequence("c", "c_next", "c_first", "c_last", "the scale c_k of that matrix"),
            Sequence("e", "e_next", "e_first", "e_last", "the error e_k of that product"),
        ),
        terms={"root": sqrt(z + e)},
        facts=(
            Fact("norm", ">=0", z, _ATTAINED, _NONNEGATIVE),
            Fact("scaled norm", ">=0", y, _ATTAINED, _NONNEGATIVE),
            Fact("scaled", "==0", z_next - c * y, _ATTAINED, "G_k is c_k S_k"),
            Fact("error", ">=0", e, _ATTAINED, "a bound on a norm is nonnegative"),
            Fact("start norm", ">=0", b_first, _ATTAINED, _NONNEGATIVE),
            Fact("rung", ">=0", b_next, ("analysis.roots",), "a square root is nonnegative"),
            Fact("rung squared", "==0", b_next**2 - c**2 * (b + e), ("analysis.roots",), "b_k² = c_k² (b_(k+1) + e_k)"),
            Fact("covers", ">=0", ladder - b_last, ("hypothesis:ladder",), "the number given covers the end of the ladder"),
        ),
        citations=(
            Citation("start", "norm.frobenius", z_first, {"frobenius": b_first}, "the ladder starts at the Frobenius norm of G_T"),
            Citation("gram", "norm.gram", y, {"gram": z, "rounding": e}, "one product"),
        ),
        steps=(
            Induction(
                "climb", b - z,
                base=(Step((Term(1, 1, ("start",)),)),),
                step=(
                    # b_next² - z_next²  =  c² (b - z) + c² (root² - y²)
                    Step(
                        (Term(1, c, ("climb",)), Term(1, c, ("gram", "root")), Term(1, c, ("gram", "scaled norm"))),
                        ((1, "rung squared"), (-(c**2), "root^2"), (-(z_next + c * y), "scaled")),
                        name="squares", kind=">=0", slack=b_next**2 - z_next**2,
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
        variables={"t": "spectral norm of A: |A x| at the unit vector x that attains it", "s": "the number s", "z": "|L' x|", "inner": "x . E x", "q": "|E x|"},
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
    "computed": Fraction(5, 2), "terms": 2, "unit_roundoff": Fraction(1, 100), "underflow": Fraction(5, 2), "y": 3, "r": Fraction(5, 2),
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
        Hypothesis("underflow", "at or above the root of twice what underflow takes from the sum of squares", Side.UPPER, Domain.NONNEGATIVE),
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
            Fact("tiny", ">=0", underflow**2 - 2 * w, ("floating.matrix-product", "hypothesis:underflow"), "the number given covers what underflows"),
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
            Step(
                (
                    Term(1, 1, ("half", "true square")), Term(2, 1, ("half", "computed", "underflow", "condition:0")),
                    Term(1, _room, ("half", "tiny")), Term(1, r, ("enough",)), Term(1, _room, ("true sum",)), Term(1, _room, ("lost", "third")),
                ),
                factor=("half",), name="squares", kind=">=0", slack=(computed + underflow * _room) ** 2 - (_room * y) ** 2,
            ),
            by_squares(computed + underflow * _room, _room * y, "squares"),
        ),
        witness=_VECTOR,
    ),
    false_sibling=FalseSibling("without what underflows", computed / _room, counterexample=_VECTOR),
)  # fmt: skip

THEOREMS = (GRAM_LADDER, SVD_RESIDUAL, CHOLESKY, CHOLESKY_RESIDUAL, ROUNDED_PRODUCT, ROUNDED_VECTOR)
