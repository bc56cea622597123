"""Spectral norms proved by a computation: Gram iteration, and decompositions checked by their residuals."""

from __future__ import annotations

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import SPECTRAL_NORM, norm_of

ladder, scale, rounding, residual, singular, left_error, right_error = symbols(
    "ladder scale rounding residual singular left_error right_error"
)
t, a, b, c, e, p, q, s, y, z, inner = symbols("t a b c e p q s y z inner")
b_next, b_first, b_last, z_next, z_first, z_last = symbols("b_next b_first b_last z_next z_first z_last")

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
    id="norm.residual-svd",
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

THEOREMS = (GRAM_LADDER, SVD_RESIDUAL, CHOLESKY)
