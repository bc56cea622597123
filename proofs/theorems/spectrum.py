"""The largest eigenvalue of a symmetric matrix, from above: by deflation, trace and sum of squares, and the start of Lanczos."""

from __future__ import annotations

from fractions import Fraction

from ..expression import incomplete_beta, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from . import deflation, random_images, recurrence
from .deflation import INDEPENDENT, LARGEST, SKEW, SQUARE_SUM

tail, skew, weight, trace, square_sum, others = symbols("tail skew weight trace square_sum others")
dropped, dropped_residual, form, residual = symbols("dropped dropped_residual form residual")
ritz, stretch, growth, overlap = symbols("ritz stretch growth overlap")
t, rest, b, inside, mixed, a, e, f = symbols("t rest b inside mixed a e f")
h, r, o, big, value, small, sinh, k, p = symbols("h r o big value small sinh k p")

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

_MARGIN = 1 - skew
_WITHIN = dropped / _MARGIN + 2 * skew * form / _MARGIN**3
_ASIDE = dropped_residual + skew * residual / _MARGIN
_DROPPED = sqrt(tail**2 + _WITHIN**2 + 2 * _ASIDE**2 / _MARGIN)
_DROPPED_WITNESS: dict[str, Fraction | int] = {
    "tail": 2, "dropped": 2, "dropped_residual": 2, "form": 2, "residual": 2, "skew": 0, "t": 4, "b": 2, "inside": 2, "mixed": 2, "e": 0, "a": 2, "f": 2,
}  # fmt: skip

DROPPED_RITZ = Theorem(
    id="spectrum.dropped-ritz",
    statement=(
        "One bound on A beyond all columns serves for every smaller choice of them: dropping some adds to the squared Frobenius norm beyond the square "
        "of their block |Z'AZ|_F and twice that of their residual, and what the columns lack of orthonormality."
    ),
    hypotheses=(
        Hypothesis(
            "tail", "at or above the Frobenius norm of A compressed to the complement of all columns Y", Side.UPPER, Domain.NONNEGATIVE, "curvature"
        ),
        Hypothesis("dropped", "at or above the Frobenius norm of Z'AZ for the dropped columns Z of Y", Side.UPPER, Domain.NONNEGATIVE, "curvature"),
        Hypothesis(
            "dropped_residual", "at or above the Frobenius norm of the columns of R = AY - Y(Y'AY) that belong to Z", Side.UPPER, Domain.NONNEGATIVE,
            "curvature",
        ),
        Hypothesis("form", "at or above the Frobenius norm of Y'AY", Side.UPPER, Domain.NONNEGATIVE, "curvature"),
        Hypothesis("residual", "at or above the Frobenius norm of R", Side.UPPER, Domain.NONNEGATIVE, "curvature"),
        SKEW,
    ),
    conclusion=Conclusion(
        "tail", "Frobenius norm of A compressed to the complement of the columns that are kept, which bounds its eigenvalues there", Side.UPPER, "curvature"
    ),
    formula=_DROPPED,
    rests_on=("linalg.block-sums", "linalg.polar", "linalg.frobenius-product", "linalg.triangle", "linalg.rayleigh"),
    source="own derivation",
    side_conditions=(INDEPENDENT,),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "Frobenius norm of A compressed to the complement of the kept columns K",
            "b": "Frobenius norm of QAQ, Q the projector on the complement of all columns",
            "inside": "Frobenius norm of DAD, D the projector on the range of W = Z - K E with E = (K'K)^-1 K'Z, the part of Z beyond K",
            "mixed": "Frobenius norm of QAD", "e": "spectral norm of E", "a": "Frobenius norm of W'AW", "f": "Frobenius norm of QAW",
        },
        terms={"root": _DROPPED},
        facts=(
            Fact("norm", ">=0", b, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact("inside at least 0", ">=0", inside, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact("aside at least 0", ">=0", f, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact("angle at least 0", ">=0", e, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact("sum", "==0", t**2 - inside**2 - 2 * mixed**2 - b**2, ("linalg.block-sums",), "for the compression and the projectors D and Q"),
            Fact("beyond", ">=0", tail - b, ("hypothesis:tail",), "the number given covers |QAQ|_F"),
            Fact(
                "angle", ">=0", skew - _MARGIN * e, ("linalg.polar", "linalg.rayleigh", "hypothesis:skew"),
                "K'Z is a block of Y'Y - I, and no eigenvalue of K'K is below 1 - |Y'Y - I|",
            ),
            Fact(
                "within", ">=0", a - _MARGIN * inside, ("linalg.polar", "linalg.rayleigh", "linalg.frobenius-product", "hypothesis:skew"),
                "W'AW = G^(1/2) B G^(1/2) with |B|_F = |DAD|_F, and G = W'W, the Schur complement of K'K in Y'Y, is at least 1 - |Y'Y - I|",
            ),
            Fact(
                "block", ">=0", dropped + (2 * e + e**2) * form - a,
                ("linalg.frobenius-product", "linalg.triangle", "hypothesis:dropped", "hypothesis:form"),
                "W'AW = Z'AZ - E' K'AZ - Z'AK E + E' K'AK E",
            ),
            Fact(
                "aside", ">=0", f**2 - _MARGIN * mixed**2, ("linalg.polar", "linalg.rayleigh", "linalg.frobenius-product", "hypothesis:skew"),
                "QAW = (QAD) W, and no eigenvalue of W'W is below 1 - |Y'Y - I|",
            ),
            Fact(
                "columns", ">=0", dropped_residual + e * residual - f,
                ("linalg.frobenius-product", "linalg.triangle", "hypothesis:dropped_residual", "hypothesis:residual"),
                "QAW is Q times the columns of R for Z less those for K times E",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, _MARGIN, ("condition:0", "within")), Term(1, _MARGIN, ("condition:0", "block")),
                    Term(2, _MARGIN, ("form", "angle")), Term(1, 1, ("condition:0", "form", "angle", "angle")),
                    Term(2, _MARGIN, ("form", "angle at least 0", "angle")), Term(1, skew, ("condition:0", "form")),
                ),
                name="block covered", kind=">=0", slack=_WITHIN - inside,
            ),
            Step(
                (Term(1, 1, ("condition:0", "columns")), Term(1, 1, ("residual", "angle"))), name="columns covered", kind=">=0", slack=_ASIDE - f,
            ),
            # (1 - k)^11 times the difference, k = |Y'Y - I|; the two lemmas hold the factors (1 - k)^4 and 1 - k
            Step(
                (
                    Term(1, _MARGIN**5, ("condition:0", "beyond", "beyond")), Term(2, _MARGIN**5, ("condition:0", "norm", "beyond")),
                    Term(1, _MARGIN, ("condition:0", "block covered", "block covered")),
                    Term(2, _MARGIN**3, ("condition:0", "inside at least 0", "block covered")),
                    Term(2, _MARGIN**4, ("columns covered", "columns covered")),
                    Term(4, _MARGIN**4, ("condition:0", "aside at least 0", "columns covered")),
                    Term(2, _MARGIN**5, ("aside",)),
                ),
                ((1, "root^2"), (-(_MARGIN**11), "sum")), ("condition:0",) * 11, "squares", ">=0", _DROPPED**2 - t**2,
            ),
            by_squares(_DROPPED, t, "squares"),
        ),
        witness=_DROPPED_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the residual counted once", sqrt(tail**2 + _WITHIN**2 + _ASIDE**2 / _MARGIN), counterexample=_DROPPED_WITNESS
    ),
)  # fmt: skip

_CAP = incomplete_beta(overlap**2, Fraction(1, 2), others / 2)
_TRUE_CAP = incomplete_beta(overlap**2, Fraction(1, 2), k / 2)
_CAP_EXAMPLE: dict[str, Fraction | int] = {"overlap": Fraction(1, 2), "others": 2, "k": 2, "p": Fraction(1, 2)}

START_OVERLAP = Theorem(
    id="spectrum.start-overlap",
    statement=(
        "A uniformly random unit vector, a Gaussian one divided by its norm, has an overlap of less than d with any fixed direction with probability "
        "at most I(d²; 1/2, (n - 1)/2) in dimension n, the regularised incomplete beta function."
    ),
    hypotheses=(
        Hypothesis("overlap", "the overlap d that is hoped for", Side.EXACT, Domain.POSITIVE),
        Hypothesis("others", "at or above the dimension less one", Side.UPPER, Domain.POSITIVE),
    ),
    conclusion=Conclusion("failure", "probability that |x · start| is below d for the fixed unit vector x", Side.UPPER),
    formula=_CAP,
    rests_on=("probability.gaussian-rotation", "probability.beta-of-squares"),
    source="van Dorsselaer, Hochstenbach & van der Vorst, SIAM J. Matrix Anal. Appl. 22 (2000) 837-852, for the use; own proof",
    side_conditions=(Relation(">=0", 1 - overlap**2, "d <= 1"),),
    proof=AlgebraicProof(
        target="p",
        variables={"p": "probability that |x · start| is below d", "k": "the dimension less one, at least one"},
        terms={"given": _CAP, "true": _TRUE_CAP},
        facts=(
            Fact("dimension", ">0", k, ("probability.beta-of-squares",), "in one dimension there is nothing to prove"),
            Fact(
                "law", "==0", p - _TRUE_CAP, ("probability.gaussian-rotation", "probability.beta-of-squares"),
                "turned so that x is the first axis, (x · start)² is the first square over the sum of all",
            ),
            Fact(
                "grows", ">=0", _CAP - _TRUE_CAP, ("probability.beta-of-squares", "hypothesis:others"), "the function grows with its last parameter",
            ),
        ),
        steps=(Step((Term(1, 1, ("grows",)),), ((-1, "law"),)),),
        witness={**_CAP_EXAMPLE, "given": Fraction(1, 2), "true": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling("half of it: one side only", _CAP / 2, counterexample=_CAP_EXAMPLE),
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
        "on the Krylov space of dimension k: s = cosh(arccosh(1/d)/(2k - 1)). The space is the exact one; what a run in floating-point arithmetic spans "
        "is another."
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

THEOREMS = (
    *deflation.THEOREMS, WOLKOWICZ_STYAN, WOLKOWICZ_STYAN_ABOVE, DROPPED_RITZ, START_OVERLAP, LANCZOS_START, *recurrence.THEOREMS,
    *random_images.THEOREMS,
)  # fmt: skip
