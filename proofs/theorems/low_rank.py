"""Low-rank edits W + s A B of a matrix: how far singular values move, and what the gradients of A and B say of the gradient of W."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import norm_of

scale, product, image, gap, gradient, left, right, invisible = symbols("scale product image gap gradient left right invisible")
t, a, n, v, w, y, z, q, x, d, p, m, g, h, i, e, f = symbols("t a n v w y z q x d p m g h i e f")

_WEYL: dict[str, Fraction | int] = {
    "scale": 2, "product": 1, "t": 2, "v": 3, "w": 1, "y": 3, "z": 1, "q": 2, "a": 2, "n": 1,
}  # fmt: skip

WEYL = Theorem(
    id="low-rank.weyl",
    statement="No singular value of W + s A B is further than |s| |A B| from the singular value of W with the same number.",
    hypotheses=(
        Hypothesis("scale", "at or above the modulus of the factor s that the edit is deployed with", Side.UPPER, Domain.NONNEGATIVE),
        norm_of("product", "A B"),
    ),
    conclusion=Conclusion("shift", "greatest change of a singular value", Side.UPPER),
    formula=scale * product,
    rests_on=("linalg.courant-fischer", "linalg.operator-norm", "linalg.triangle"),
    source="Weyl, Math. Annalen 71 (1912) 441-479; Horn & Johnson, Matrix Analysis (2nd ed. 2013), Corollary 7.3.5; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "the change of the singular value that changes most", "v": "the greater of it before and after the edit, of the matrix V, say",
            "w": "the lesser, of the other matrix V - E or V + E, E = s A B",
            "y": "|V x|, x the unit vector of least image under the other matrix, in the subspace at which v is attained", "z": "|(V - E) x|",
            "q": "|E x|", "a": "|s|", "n": "spectral norm of A B",
        },
        facts=(
            Fact("change", "==0", v - w - t, ("linalg.triangle",), "what t is"),
            Fact("attained", ">=0", y - v, ("linalg.courant-fischer",), "x lies in the subspace at which v is attained"),
            Fact("greatest", ">=0", w - z, ("linalg.courant-fischer",), "w is at least the least image over that subspace, which is z"),
            Fact("triangle", ">=0", z + q - y, ("linalg.triangle",), "V x is the sum of (V - E) x and E x"),
            Fact("image", ">=0", a * n - q, ("linalg.operator-norm",), "|s A B x| <= |s| |A B|, x being a unit vector"),
            Fact("norm", ">=0", n, ("linalg.operator-norm",), "a norm is nonnegative"),
            Fact("covers", ">=0", scale - a, ("hypothesis:scale",), "the number given covers |s|"),
            Fact("proved", ">=0", product - n, ("hypothesis:product",), "the number given covers |A B|"),
        ),
        # scale product - t  =  scale (product - n) + (scale - a) n + (a n - q) + (z + q - y) + (w - z) + (y - v) + (v - w - t)
        steps=(
            Step(
                (
                    Term(1, 1, ("scale", "proved")), Term(1, 1, ("covers", "norm")), Term(1, 1, ("image",)), Term(1, 1, ("triangle",)),
                    Term(1, 1, ("greatest",)), Term(1, 1, ("attained",)),
                ),
                ((1, "change"),),
            ),
        ),
        witness=_WEYL,
    ),
    false_sibling=FalseSibling("the shift without s", product, counterexample=_WEYL),
)  # fmt: skip

_LEAK: dict[str, Fraction | int] = {"image": 2, "gap": 2, "p": 1, "i": 2, "g": 2}

LEAK = Theorem(
    id="low-rank.leak",
    statement=(
        "The part P Z of a matrix Z in the range of A, P the orthogonal projector on it, has |P Z|_F <= |A'Z|_F/c, c the least singular value of "
        "A, of full column rank."
    ),
    hypotheses=(
        Hypothesis("image", "at or above the Frobenius norm of A'Z", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("gap", "at or below the least singular value of A", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=Conclusion("leak", "Frobenius norm of the part of Z in the range of A", Side.UPPER),
    formula=image / gap,
    rests_on=("linalg.rayleigh", "linalg.adjoint", "linalg.pythagoras"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="p",
        variables={"p": "|P Z|_F", "i": "|A'Z|_F", "g": "least singular value of A"},
        facts=(
            Fact("part", ">=0", p, ("linalg.pythagoras",), "a norm is nonnegative"),
            Fact(
                "stretch", ">=0", i - g * p, ("linalg.rayleigh", "linalg.adjoint", "linalg.pythagoras"),
                "column by column: A'z = A'P z, and for P z = A c, |A'A c|² = w . A'A w >= g² |w|² = g² |A c|², w being the root of A'A times c",
            ),
            Fact("covers", ">=0", image - i, ("hypothesis:image",), "the number given covers |A'Z|_F"),
            Fact("room", ">=0", g - gap, ("hypothesis:gap",), "the number given is at or below g"),
        ),
        # image - gap p  =  (image - i) + (i - g p) + (g - gap) p
        steps=(Step((Term(1, 1, ("covers",)), Term(1, 1, ("stretch",)), Term(1, 1, ("room", "part")))),),
        witness=_LEAK,
    ),
    false_sibling=FalseSibling("half of it", image / (2 * gap), counterexample=_LEAK),
)  # fmt: skip

_INVISIBLE: dict[str, Fraction | int] = {
    "product": 3, "left": 1, "right": 1, "gradient": 1, "x": 1, "d": 1, "p": 1, "m": 1, "g": 1, "h": 1,
}  # fmt: skip

INVISIBLE = Theorem(
    id="low-rank.invisible",
    statement=(
        "The block X = (I - P) G (I - Q) of a matrix G, P and Q the orthogonal projectors on the range of A and on the rows of B, has |X|_F at "
        "least <Z, G> - |G|_F (|P Z|_F + |Z Q|_F) for every Z with |Z|_F <= 1, a computed multiple of X, say."
    ),
    hypotheses=(
        Hypothesis("product", "at or below the inner product <Z, G>, for a Z of Frobenius norm at most one", Side.LOWER, Domain.NONNEGATIVE),
        Hypothesis("left", "at or above the Frobenius norm of the part P Z of Z in the range of A", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("right", "at or above the Frobenius norm of the part Z Q of Z in the rows of B", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("gradient", "at or above the Frobenius norm of G", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("invisible", "Frobenius norm of the block (I - P) G (I - Q)", Side.LOWER),
    formula=product - gradient * (left + right),
    rests_on=("linalg.cauchy-schwarz", "linalg.adjoint", "linalg.block-sums"),
    source="own derivation",
    proof=AlgebraicProof(
        target="x",
        variables={
            "x": "|X|_F", "d": "<Z, X>", "p": "|P Z|_F", "m": "|Z Q|_F", "g": "|G|_F", "h": "|(I - P) G|_F",
        },
        facts=(
            Fact("cauchy", ">=0", x - d, ("linalg.cauchy-schwarz",), "<Z, X> <= |Z|_F |X|_F, and |Z|_F is at most one"),
            Fact(
                "split", ">=0", d + p * g + m * h - product, ("linalg.cauchy-schwarz", "linalg.adjoint", "hypothesis:product"),
                "G = X + P G + (I - P) G Q; <Z, P G> = <P Z, G> and <Z, (I - P) G Q> = <Z Q, (I - P) G>",
            ),
            Fact("within", ">=0", g - h, ("linalg.block-sums",), "a projection is no longer"),
            Fact("part", ">=0", m, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("size", ">=0", g, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("first", ">=0", left - p, ("hypothesis:left",), "the number given covers |P Z|_F"),
            Fact("second", ">=0", right - m, ("hypothesis:right",), "the number given covers |Z Q|_F"),
            Fact("covers", ">=0", gradient - g, ("hypothesis:gradient",), "the number given covers |G|_F"),
        ),
        # x - product + gradient (left + right)  =  (x - d) + (d + p g + m h - product) + m (g - h)
        #   + (gradient - g) (left + right) + g (left - p) + g (right - m)
        steps=(
            Step(
                (
                    Term(1, 1, ("cauchy",)), Term(1, 1, ("split",)), Term(1, 1, ("part", "within")), Term(1, 1, ("covers", "left")),
                    Term(1, 1, ("covers", "right")), Term(1, 1, ("size", "first")), Term(1, 1, ("size", "second")),
                ),
            ),
        ),
        witness=_INVISIBLE,
    ),
    false_sibling=FalseSibling(
        "with the part in the range of A alone", product - gradient * left, counterexample=_INVISIBLE
    ),
)  # fmt: skip

_DECODER: dict[str, Fraction | int] = {"invisible": 1, "t": 1, "e": 1, "f": 1, "x": 1}

DECODER = Theorem(
    id="low-rank.decoder",
    statement=(
        "Two gradients G and G - 2 X of the weights, X = (I - P) G (I - Q), P and Q the projectors on the range of A and on the rows of B, give "
        "the same gradients s G B' of A and s A'G of B. So whatever a decoder makes of the gradients of A and B, its error is at least |X|_F for "
        "one of the two."
    ),
    hypotheses=(Hypothesis("invisible", "at or below |X|_F", Side.LOWER, Domain.NONNEGATIVE),),
    conclusion=Conclusion("error", "greater of the errors of the decoder at G and at G - 2 X, in the Frobenius norm", Side.LOWER),
    formula=invisible,
    rests_on=("linalg.triangle", "linalg.adjoint"),
    source="own derivation; the two-point method of Le Cam (1973)",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "the greater of the two errors", "e": "|D - G|_F, D what the decoder returns for both", "f": "|D - (G - 2 X)|_F", "x": "|X|_F",
        },
        facts=(
            Fact("first", ">=0", t - e, ("linalg.triangle",), "t is the greater"),
            Fact("second", ">=0", t - f, ("linalg.triangle",), "t is the greater"),
            Fact(
                "apart", ">=0", e + f - 2 * x, ("linalg.triangle", "linalg.adjoint"),
                "A'X = 0 and X B' = 0, so the decoder is given the same and returns one D; G and G - 2 X are 2 |X|_F apart",
            ),
            Fact("covers", ">=0", x - invisible, ("hypothesis:invisible",), "the number given is at or below |X|_F"),
        ),
        # t - invisible  =  (t - e)/2 + (t - f)/2 + (e + f - 2 x)/2 + (x - invisible)
        steps=(
            Step(
                (
                    Term(Fraction(1, 2), 1, ("first",)), Term(Fraction(1, 2), 1, ("second",)), Term(Fraction(1, 2), 1, ("apart",)),
                    Term(1, 1, ("covers",)),
                ),
            ),
        ),
        witness=_DECODER,
    ),
    false_sibling=FalseSibling("the distance of the two, for one of them", 2 * invisible, counterexample=_DECODER),
)  # fmt: skip

THEOREMS = (WEYL, LEAK, INVISIBLE, DECODER)
