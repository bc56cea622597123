"""The largest eigenvalue of a symmetric matrix, from above: by deflation, trace and sum of squares, and the start of Lanczos."""

from __future__ import annotations

from fractions import Fraction

from ..expression import sqrt, symbols
from ..proof import AlgebraicProof, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from . import deflation
from .deflation import LARGEST, SQUARE_SUM

tail, skew, weight, trace, square_sum, others, dropped, dropped_residual = symbols(
    "tail skew weight trace square_sum others dropped dropped_residual"
)
ritz, stretch, growth, overlap = symbols("ritz stretch growth overlap")
t, rest, b, inside, mixed = symbols("t rest b inside mixed")
h, r, o, big, value, small, sinh = symbols("h r o big value small sinh")

_REACH = 1 + others * weight**2
_ROOT = sqrt(square_sum * _REACH)


def _wolkowicz_styan(identifier: str, statement: str, side: Side, second: int) -> Theorem:
    """The Cauchy-Schwarz inequality for the eigenvalues and (1, w, ..., w), or (1, -w, ..., -w) with a trace from above.

    ``second`` is the second eigenvalue of the 2 by 2 example with largest eigenvalue 4 at which the bound is attained.
    """
    turn = 1 if side is Side.LOWER else -1
    combined, beyond = (t + weight * rest, t + rest - trace) if turn > 0 else (t - weight * rest, trace - t - rest)
    witness: dict[str, Fraction | int] = {
        "trace": 4 + second,
        "square_sum": 25,
        "others": 1,
        "weight": Fraction(3, 4),
        "t": 4,
        "rest": second,
        "b": 5,
    }
    return Theorem(
        id=identifier,
        statement=statement,
        hypotheses=(
            Hypothesis("trace", f"at or {'below' if turn > 0 else 'above'} the trace of A", side, Domain.NONNEGATIVE, "curvature"),
            SQUARE_SUM,
            Hypothesis("others", "number of the other eigenvalues: the dimension less one", Side.UPPER, Domain.COUNT),
            Hypothesis("weight", "any number w from zero, where only the sum of squares counts, to below one", Side.EXACT, Domain.NONNEGATIVE),
        ),
        conclusion=LARGEST,
        formula=(_ROOT - turn * weight * trace) / (1 - turn * weight),
        rests_on=("linalg.eigenvalue-sums", "linalg.cauchy-schwarz"),
        source="Wolkowicz & Styan, Linear Algebra Appl. 29 (1980) 471-506, for exact trace and sum of squares; own proof",
        side_conditions=(Relation(">0", 1 - weight, "w < 1"),) if turn > 0 else (),
        proof=AlgebraicProof(
            target="t",
            variables={"t": "largest eigenvalue of A", "rest": "sum of the other eigenvalues", "b": "Frobenius norm of A"},
            terms={"root": _ROOT},
            facts=(
                Fact("sum", ">=0", beyond, ("linalg.eigenvalue-sums", "hypothesis:trace"), "tr A = t + rest"),
                Fact(
                    "cauchy", ">=0", _REACH * b**2 - combined**2, ("linalg.cauchy-schwarz", "linalg.eigenvalue-sums", "hypothesis:others"),
                    "the inequality for the vector of the eigenvalues and that of the weights",
                ),
                Fact("squares", ">=0", square_sum - b**2, ("linalg.eigenvalue-sums", "hypothesis:square_sum"), "the number given covers |A|_F²"),
            ),
            steps=(
                Step((Term(1, 1, ("weight", "sum")),), name="weighted sum", kind=">=0", slack=weight * beyond),
                Step(
                    (Term(1, 1, ("squares",)), Term(1, weight, ("others", "squares")), Term(1, 1, ("cauchy",))), ((1, "root^2"),),
                    name="reach", kind=">=0", slack=_ROOT**2 - combined**2,
                ),
                by_squares(_ROOT, combined, "reach", extra=((1, "weighted sum"),)),
            ),
            witness=witness,
        ),
        false_sibling=FalseSibling(
            "the weights left out of the root", (sqrt(square_sum) - turn * weight * trace) / (1 - turn * weight), counterexample=witness
        ),
    )  # fmt: skip


WOLKOWICZ_STYAN = _wolkowicz_styan(
    "spectrum.wolkowicz-styan",
    "A trace known from below and a sum of squares known from above bound the largest eigenvalue by (sqrt(|A|_F² (1 + (n - 1) w²)) - w tr A)/(1 - w); "
    "at the best w in [0, 1) that is tr/n + sqrt((n - 1)(|A|_F²/n - (tr/n)²)), or |A|_F where the trace is below it.",
    Side.LOWER, 3,
)  # fmt: skip
WOLKOWICZ_STYAN_ABOVE = _wolkowicz_styan(
    "spectrum.wolkowicz-styan-above",
    "A trace known from above bounds the largest eigenvalue likewise by (sqrt(|A|_F² (1 + (n - 1) w²)) + w tr A)/(1 + w), "
    "which is below |A|_F where the trace is.",
    Side.UPPER, -3,
)  # fmt: skip

_DROPPED = sqrt(tail**2 + dropped / (1 - skew) ** 2 + 2 * dropped_residual / (1 - skew))
_DROPPED_WITNESS: dict[str, Fraction | int] = {
    "tail": 2,
    "dropped": 4,
    "dropped_residual": 4,
    "skew": 0,
    "t": 4,
    "b": 2,
    "inside": 4,
    "mixed": 4,
}

DROPPED_RITZ = Theorem(
    id="spectrum.dropped-ritz",
    statement=(
        "One bound on A beyond all vectors serves for every smaller choice of them: dropping the columns W, orthogonal to those that are kept, "
        "adds |W'AW|_F² and twice the square of their residual to the squared Frobenius norm beyond."
    ),
    hypotheses=(
        Hypothesis(
            "tail", "at or above the Frobenius norm of A compressed to the complement of all columns", Side.UPPER, Domain.NONNEGATIVE, "curvature"
        ),
        Hypothesis("dropped", "at or above the sum of the squares of the entries of W'AW", Side.UPPER, Domain.NONNEGATIVE, "curvature²"),
        Hypothesis(
            "dropped_residual", "at or above the sum of the squares of the entries of AW less any combination of all columns", Side.UPPER,
            Domain.NONNEGATIVE, "curvature²",
        ),
        Hypothesis("skew", "at or above the spectral norm of W'W - I, zero for exactly orthonormal columns", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion(
        "tail", "Frobenius norm of A compressed to the complement of the columns that are kept, and so its eigenvalues there", Side.UPPER, "curvature"
    ),
    formula=_DROPPED,
    rests_on=("linalg.block-sums", "linalg.polar", "linalg.frobenius-product"),
    source="own derivation",
    side_conditions=(Relation(">0", 1 - skew, "|W'W - I| < 1: the dropped columns are independent"),),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "Frobenius norm of A compressed to the complement of the kept columns",
            "b": "Frobenius norm of QAQ, Q the projector on the complement of all columns",
            "inside": "squared Frobenius norm of DAD, D the projector on the range of W", "mixed": "squared Frobenius norm of QAD",
        },
        terms={"root": _DROPPED},
        facts=(
            Fact("norm", ">=0", b, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact("inside at least 0", ">=0", inside, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact("aside at least 0", ">=0", mixed, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact("sum", "==0", t**2 - inside - 2 * mixed - b**2, ("linalg.block-sums",), "for the compression and the projectors D and Q"),
            Fact("beyond", ">=0", tail - b, ("hypothesis:tail",), "the number given covers |QAQ|_F"),
            Fact(
                "within", ">=0", dropped - (1 - skew) ** 2 * inside,
                ("linalg.polar", "linalg.frobenius-product", "hypothesis:dropped", "hypothesis:skew"),
                "W'AW = G^(1/2) B G^(1/2) with G = W'W at least 1 - |W'W - I|, where |B|_F = |DAD|_F",
            ),
            Fact(
                "aside", ">=0", dropped_residual - (1 - skew) * mixed,
                ("linalg.polar", "linalg.frobenius-product", "hypothesis:dropped_residual", "hypothesis:skew"),
                "QAW = Q (AW - YM) = (QAD) W, and the smallest eigenvalue of W'W is at least 1 - |W'W - I|",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("condition:0", "condition:0", "condition:0", "beyond", "beyond")),
                    Term(2, 1, ("condition:0", "condition:0", "condition:0", "beyond", "norm")),
                    Term(1, 1, ("condition:0", "within")),
                    Term(2, 1, ("condition:0", "condition:0", "aside")),
                ),
                ((1, "root^2"), (-((1 - skew) ** 3), "sum")),
                ("condition:0", "condition:0", "condition:0"),
                "squares", ">=0", _DROPPED**2 - t**2,
            ),
            by_squares(_DROPPED, t, "squares"),
        ),
        witness=_DROPPED_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the residual counted once", sqrt(tail**2 + dropped / (1 - skew) ** 2 + dropped_residual / (1 - skew)), counterexample=_DROPPED_WITNESS
    ),
)  # fmt: skip

_LANCZOS_WITNESS: dict[str, Fraction | int] = {
    "ritz": 1, "stretch": 2, "growth": 2, "overlap": Fraction(1, 2), "t": 4, "h": 1, "r": 2, "o": Fraction(1, 2), "big": 2, "value": 2,
    "small": Fraction(3, 4), "sinh": 3,
}  # fmt: skip
_REACHED = Step(
    (Term(1, stretch, ("unit",)), Term(1, stretch, ("ritz values",)), Term(1, 1, ("slow", "slow")), Term(2, 1, ("slow",)), Term(2, 1, ("slow", "above"))),
    ((o**2 * stretch**2, "hyperbolic"),), (), "reached", ">=0", stretch**2 - r**2,
)  # fmt: skip
_LANCZOS_END = Step((Term(1, stretch, ("given",)), Term(1, 1, ("ritz at least 0", "reached"))), ((-1, "root"),))

LANCZOS_START = Theorem(
    id="spectrum.lanczos-start",
    statement=(
        "If the unit starting vector has an overlap of at least d with the top eigenvector of a positive semidefinite A, and s >= 1 is such that "
        "d T(s) >= 1 for the Chebyshev polynomial T of degree 2k - 1, then the largest eigenvalue is at most s² times the largest Ritz value "
        "on the Krylov space of dimension k: s = cosh(arccosh(1/d)/(2k - 1))."
    ),
    hypotheses=(
        Hypothesis("ritz", "at or above the largest Ritz value of A on the Krylov space of dimension k", Side.UPPER, Domain.NONNEGATIVE, "curvature"),
        Hypothesis("stretch", "the number s, at least one", Side.EXACT, Domain.POSITIVE),
        Hypothesis("growth", "at or below T(s), T the Chebyshev polynomial of degree 2k - 1", Side.LOWER, Domain.POSITIVE),
        Hypothesis("overlap", "at or below |x · start| for the top unit eigenvector x and the unit starting vector", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=Conclusion("largest", "largest eigenvalue of the positive semidefinite matrix A", Side.UPPER, "curvature"),
    formula=ritz * stretch**2,
    rests_on=("linalg.rayleigh", "linalg.pythagoras", "analysis.chebyshev"),
    source="own derivation; sharper than Kuczynski & Wozniakowski, SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122",
    side_conditions=(
        Relation(">=0", stretch - 1, "s >= 1"),
        Relation(">=0", overlap * growth - 1, "d T(s) >= 1"),
    ),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "largest eigenvalue of A", "h": "largest Ritz value", "r": "root of t over h (one if both are zero)",
            "o": "|x · start| for the top eigenvector x", "big": "T(s)", "value": "T(r)",
            "small": "sum of (coefficient of the start · T(root of eigenvalue over h))² over the eigenvalues up to h",
            "sinh": "T(i sqrt(r² - 1)) squared, in modulus",
        },
        facts=(
            Fact("root", "==0", t - h * r**2, ("linalg.rayleigh",), "what r is; t is zero if h is, the start being no combination of other eigenvectors"),
            Fact("above", ">=0", r - 1, ("linalg.rayleigh",), "no Ritz value exceeds the largest eigenvalue"),
            Fact("ritz at least 0", ">=0", h, ("linalg.rayleigh",), "A is positive semidefinite"),
            Fact("given", ">=0", ritz - h, ("hypothesis:ritz",), "the number given covers the Ritz value"),
            Fact(
                "unit", ">=0", 1 - o**2 - small, ("linalg.pythagoras", "analysis.chebyshev"),
                "the squares of the coefficients of the start sum to one, and |T| <= 1 on [-1, 1]",
            ),
            Fact(
                "ritz values", ">=0", small - o**2 * sinh, ("linalg.rayleigh", "analysis.chebyshev"),
                "no q(A) start exceeds the largest Ritz value; take y q(A) = T(y), y² = 1 - A/h",
            ),
            Fact("hyperbolic", "==0", sinh - value**2 + 1, ("analysis.chebyshev",), "sinh² = cosh² - 1"),
            Fact(
                "growing", ">=0", (r - stretch) * (value * stretch - big * r), ("analysis.chebyshev",), "T(x)/x is nondecreasing for x >= 1",
            ),
            Fact("growth known", ">=0", big - growth, ("hypothesis:growth",), "the number given is at most T(s)"),
            Fact("overlap known", ">=0", o - overlap, ("hypothesis:overlap",), "the number given is at most the overlap"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("overlap known", "growth known")), Term(1, 1, ("overlap known", "growth")), Term(1, 1, ("overlap", "growth known")),
                    Term(1, 1, ("condition:1",)),
                ),
                name="enough", kind=">=0", slack=o * big - 1,
            ),
            Split(
                "beyond", r - stretch,
                positive=(
                    Step((Term(1, 1, ("growing",)),), (), ("beyond",), "faster", ">=0", value * stretch - big * r),
                    Step(
                        (
                            Term(1, 1, ("overlap known", "faster")), Term(1, 1, ("overlap", "faster")), Term(1, 1, ("enough",)),
                            Term(1, 1, ("above", "enough")),
                        ),
                        name="slow", kind=">=0", slack=o * value * stretch - r,
                    ),
                    _REACHED, _LANCZOS_END,
                ),
                zero=(
                    Step((), ((-(r + stretch), "beyond"),), (), "reached", "==0", stretch**2 - r**2),
                    Step((Term(1, stretch, ("given",)),), ((h, "reached"), (-1, "root"))),
                ),
                negative=(
                    Step(
                        (Term(1, 1, ("beyond", "beyond")), Term(2, 1, ("beyond",)), Term(2, 1, ("above", "beyond"))),
                        name="reached", kind=">=0", slack=stretch**2 - r**2,
                    ),
                    _LANCZOS_END,
                ),
            ),
        ),
        witness=_LANCZOS_WITNESS,
    ),
    false_sibling=FalseSibling("the root of the stretch", ritz * stretch, counterexample=_LANCZOS_WITNESS),
)  # fmt: skip

THEOREMS = (*deflation.THEOREMS, WOLKOWICZ_STYAN, WOLKOWICZ_STYAN_ABOVE, DROPPED_RITZ, LANCZOS_START)
