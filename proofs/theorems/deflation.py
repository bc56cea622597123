"""The largest eigenvalue of a symmetric matrix, from above, by explicit vectors and what they have not seen of the matrix.

No theorem here believes in the orthogonality of vectors: the Gram matrix Y'Y of the vectors that are held is measured, and its
distance to the unit matrix is a hypothesis. The numbers of a Lanczos run stand for nothing without it.
"""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, expression, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Split, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

top, coupling, tail, skew, weight, trace, ritz_sum = symbols("top coupling tail skew weight trace ritz_sum")
square_sum, ritz_squares, residual_squares = symbols("square_sum ritz_squares residual_squares")
t, c, p, z, inside, cross, outside, rest, kept, b, mixed, form, along, across = symbols(
    "t c p z inside cross outside rest kept b mixed form along across"
)  # fmt: skip

LARGEST = Conclusion("largest", "largest eigenvalue of the symmetric matrix A", Side.UPPER, "curvature")
TOP = Hypothesis(
    "top", "at or above the largest eigenvalue of Y'AY and not negative", Side.UPPER, Domain.NONNEGATIVE, "curvature"
)
COUPLING = Hypothesis(
    "coupling", "at or above the spectral norm of R = AY - Y(Y'AY)", Side.UPPER, Domain.NONNEGATIVE, "curvature"
)
SKEW = Hypothesis(
    "skew", "at or above the spectral norm of Y'Y - I, zero for exactly orthonormal columns", Side.UPPER, Domain.NONNEGATIVE
)
WEIGHT = Hypothesis(
    "weight", "any positive number, best where both entries of the maximum are equal", Side.EXACT, Domain.POSITIVE
)
SQUARE_SUM = Hypothesis(
    "square_sum",
    "at or above the squared Frobenius norm of A: the sum of the squares of its entries",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "curvature²",
)
INDEPENDENT = Relation(">0", 1 - skew, "|Y'Y - I| < 1: the columns of Y are independent")

_LEFT = (top + weight * coupling) / (1 - skew)
_PARTS = {
    "t": "largest eigenvalue of A, at the unit eigenvector x = Y a + q with q orthogonal to the columns of Y",
    "c": "norm of a", "p": "norm of Y a", "z": "norm of q", "inside": "Y a · A Y a", "cross": "q · A Y a", "outside": "q · A q",
}  # fmt: skip
_PARTS_FACTS = (
    Fact("length", ">=0", c, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
    Fact("distance", ">=0", z, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
    Fact("unit", "==0", p**2 + z**2 - 1, ("linalg.block-sums",), "x is a unit vector, and q is orthogonal to Y a"),
    Fact("value", "==0", t - inside - 2 * cross - outside, ("linalg.rayleigh", "linalg.adjoint"), "t = x · A x, multiplied out"),
    Fact(
        "gram", ">=0", p**2 - (1 - skew) * c**2, ("linalg.polar", "linalg.rayleigh", "hypothesis:skew"),
        "|Y a|² = a · Y'Y a, and the eigenvalues of Y'Y are at least 1 - |Y'Y - I|",
    ),
    Fact("ritz", ">=0", top * c**2 - inside, ("linalg.rayleigh", "hypothesis:top"), "Y a · A Y a = a · (Y'AY) a"),
    Fact(
        "coupled", ">=0", coupling * c * z - cross, ("linalg.cauchy-schwarz", "linalg.operator-norm", "hypothesis:coupling"),
        "q · A Y a = q · R a, q being orthogonal to the columns of Y",
    ),
)  # fmt: skip
_PARTS_RESTS = (
    "linalg.rayleigh", "linalg.block-sums", "linalg.polar", "linalg.operator-norm", "linalg.adjoint", "linalg.cauchy-schwarz",
)  # fmt: skip
_SOURCE = "own derivation; Parlett, The Symmetric Eigenvalue Problem (1998), chapters 10 and 11, for residual bounds"

# The matrix [[9, 12], [12, 16]] with largest eigenvalue 25 at (3/5, 4/5), and Y the first unit vector.
_PLANE: dict[str, Fraction | int] = {
    "top": 9, "coupling": 12, "skew": 0, "weight": Fraction(4, 3), "t": 25, "c": Fraction(3, 5), "p": Fraction(3, 5), "z": Fraction(4, 5),
    "inside": Fraction(81, 25), "cross": Fraction(144, 25), "outside": Fraction(256, 25),
}  # fmt: skip


def _positive_bound(bound: Expression) -> Step:
    """The maximum is nonnegative, since its first entry is."""
    return Step(
        (Term(1, 1, ("bound>=left",)), Term(1, 1, ("top",)), Term(1, 1, ("weight", "coupling"))), (), ("condition:0",), "bound at least 0", ">=0", bound,
    )  # fmt: skip


def _split_form(
    scale: Expression | int, slacks: tuple[str, ...], bound: Expression
) -> tuple[tuple[Term, ...], tuple[tuple[Expression, str], ...]]:
    """The terms of ``scale weight (bound - t)`` that do not hold the tail: ``slacks`` are the names of the factors of ``scale``."""
    terms = (
        Term(1, 1, (*slacks, "weight", "bound at least 0", "gram")),
        Term(1, c, (*slacks, "weight", "bound>=left")),
        Term(1, 1, (*slacks, "weight", "ritz")),
        Term(2, 1, (*slacks, "weight", "coupled")),
        Term(1, weight * c - z, (*slacks, "coupling")),
    )
    return terms, ((-scale * weight * bound, "unit"), (-scale * weight, "value"))


_DEFLATED = maximum(_LEFT, tail + coupling / weight)
_DEFLATED_TERMS, _DEFLATED_EQUATIONS = _split_form(1, (), _DEFLATED)
_DEFLATED_WITNESS: dict[str, Fraction | int] = {**_PLANE, "tail": 16}

DEFLATED = Theorem(
    id="spectrum.deflated",
    statement=(
        "With columns Y that are orthonormal up to |Y'Y - I|, the largest eigenvalue of A is at most the maximum of (top + w |R|)/(1 - |Y'Y - I|) "
        "and tail + |R|/w for every w > 0, where tail bounds A on the complement of the columns; for orthonormal columns and the "
        "best w that is the largest eigenvalue of the matrix [[top, |R|], [|R|, tail]]."
    ),
    hypotheses=(
        TOP, COUPLING,
        Hypothesis(
            "tail", "at or above the largest eigenvalue of A on the complement of the columns of Y and not negative", Side.UPPER,
            Domain.NONNEGATIVE, "curvature",
        ),
        SKEW, WEIGHT,
    ),
    conclusion=LARGEST,
    formula=_DEFLATED,
    rests_on=_PARTS_RESTS,
    source=_SOURCE,
    side_conditions=(INDEPENDENT,),
    proof=AlgebraicProof(
        target="t",
        variables=_PARTS,
        terms={"bound": _DEFLATED},
        facts=(
            *_PARTS_FACTS,
            Fact("complement", ">=0", tail * z**2 - outside, ("linalg.rayleigh", "hypothesis:tail"), "q lies in the complement"),
        ),
        steps=(
            _positive_bound(_DEFLATED),
            Step(
                (*_DEFLATED_TERMS, Term(1, z, ("bound>=right",)), Term(1, 1, ("weight", "complement"))), _DEFLATED_EQUATIONS, ("weight",),
            ),
        ),
        witness=_DEFLATED_WITNESS,
    ),
    false_sibling=FalseSibling("the larger of the two blocks alone", maximum(top / (1 - skew), tail), counterexample=_DEFLATED_WITNESS),
)  # fmt: skip

_TRACE = maximum(_LEFT, trace - ritz_sum / (1 + skew) + coupling / weight)
_TRACE_TERMS, _TRACE_EQUATIONS = _split_form(1 + skew, ("above",), _TRACE)
_TRACE_WITNESS: dict[str, Fraction | int] = {**_PLANE, "trace": 25, "ritz_sum": 9, "rest": 16, "kept": 9}
_ABOVE = Step((Term(1, 1), Term(1, 1, ("skew",))), (), (), "above", ">0", 1 + skew)

DEFLATED_TRACE = Theorem(
    id="spectrum.deflated-trace",
    statement=(
        "For a positive semidefinite A the bound spectrum.deflated holds with tr A - tr(Y'AY)/(1 + |Y'Y - I|) as its tail: what the columns of Y "
        "have not seen of the trace."
    ),
    hypotheses=(
        TOP, COUPLING,
        Hypothesis("trace", "at or above the trace of the positive semidefinite A", Side.UPPER, Domain.NONNEGATIVE, "curvature"),
        Hypothesis("ritz_sum", "at or below the trace of Y'AY", Side.LOWER, Domain.NONNEGATIVE, "curvature"),
        SKEW, WEIGHT,
    ),
    conclusion=LARGEST,
    formula=_TRACE,
    rests_on=(*_PARTS_RESTS, "linalg.eigenvalue-sums"),
    source=_SOURCE,
    side_conditions=(INDEPENDENT,),
    proof=AlgebraicProof(
        target="t",
        variables={
            **_PARTS, "rest": "trace of QAQ, Q the projector on the complement of the columns of Y", "kept": "trace of PAP, P = I - Q",
        },
        terms={"bound": _TRACE},
        facts=(
            *_PARTS_FACTS,
            Fact(
                "complement", ">=0", rest * z**2 - outside, ("linalg.rayleigh", "linalg.eigenvalue-sums"),
                "q · A q = q · QAQ q, and no eigenvalue of the semidefinite QAQ exceeds their sum",
            ),
            Fact("sum", ">=0", trace - kept - rest, ("linalg.block-sums", "hypothesis:trace"), "tr A = tr PAP + tr QAQ"),
            Fact("semidefinite", ">=0", kept, ("linalg.eigenvalue-sums",), "PAP is positive semidefinite"),
            Fact(
                "seen", ">=0", (1 + skew) * kept - ritz_sum,
                ("linalg.polar", "linalg.rayleigh", "linalg.eigenvalue-sums", "hypothesis:skew", "hypothesis:ritz_sum"),
                "tr PAP = tr(C^(1/2) (Y'Y)^(-1) C^(1/2)) with C = Y'AY, and no eigenvalue of Y'Y exceeds 1 + |Y'Y - I|",
            ),
        ),
        steps=(
            _ABOVE, _positive_bound(_TRACE),
            Step(
                (
                    *_TRACE_TERMS, Term(1, z, ("bound>=right",)), Term(1, 1, ("above", "weight", "complement")),
                    Term(1, z, ("above", "weight", "sum")), Term(1, z, ("weight", "seen")),
                ),
                _TRACE_EQUATIONS, ("above", "weight"),
            ),
        ),
        witness=_TRACE_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the coupling left out", maximum(top / (1 - skew), trace - ritz_sum / (1 + skew)), counterexample=_TRACE_WITNESS
    ),
)  # fmt: skip

_TAIL_SQUARE = (
    square_sum
    - ritz_squares / (1 + skew) ** 2
    - 2 * residual_squares / (1 + skew)
    + 2 * skew**2 * (1 + skew) * square_sum / (1 - skew)
)
_TAIL_PART = maximum(0, _TAIL_SQUARE)
_TAIL = sqrt(_TAIL_PART)
_FROBENIUS = maximum(_LEFT, _TAIL + coupling / weight)
_FROBENIUS_TERMS, _FROBENIUS_EQUATIONS = _split_form(1, (), _FROBENIUS)
_FROBENIUS_WITNESS: dict[str, Fraction | int] = {
    **_PLANE, "square_sum": 625, "ritz_squares": 81, "residual_squares": 144, "b": 16, "kept": 81, "mixed": 144, "form": 81, "along": 0, "across": 144,
}  # fmt: skip


def _frobenius_end(tail_covers: Step) -> tuple[Step, Step, Step]:
    """The conclusion, once the root is known to cover the tail."""
    return (
        tail_covers, _positive_bound(_FROBENIUS),
        Step(
            (
                *_FROBENIUS_TERMS, Term(1, z, ("bound>=right",)), Term(1, 1, ("weight", "complement")), Term(1, z, ("weight", "covered")),
            ),
            _FROBENIUS_EQUATIONS, ("weight",),
        ),
    )  # fmt: skip


def _covered(terms: tuple[Term, ...], equations: tuple[tuple[Expression | int, str], ...], factor: tuple[str, ...] = ()) -> Step:
    return Step(terms, equations, factor, "covered", ">=0", _TAIL - b)


DEFLATED_FROBENIUS = Theorem(
    id="spectrum.deflated-frobenius",
    statement=(
        "For any symmetric A the bound spectrum.deflated holds with a tail whose square is what the columns of Y have not seen of |A|_F²: "
        "with orthonormal columns |A|_F² - |Y'AY|_F² - 2 |R|_F², where R = AY - Y(Y'AY). R counts from above as coupling and from below here."
    ),
    hypotheses=(
        TOP, COUPLING, SQUARE_SUM,
        Hypothesis("ritz_squares", "at or below the sum of the squares of the entries of Y'AY", Side.LOWER, Domain.NONNEGATIVE, "curvature²"),
        Hypothesis("residual_squares", "at or below the sum of the squares of the entries of R", Side.LOWER, Domain.NONNEGATIVE, "curvature²"),
        SKEW, WEIGHT,
    ),
    conclusion=LARGEST,
    formula=_FROBENIUS,
    rests_on=(*_PARTS_RESTS, "linalg.eigenvalue-sums", "linalg.frobenius-product"),
    source=_SOURCE,
    side_conditions=(INDEPENDENT,),
    proof=AlgebraicProof(
        target="t",
        variables={
            **_PARTS,
            "b": "Frobenius norm of QAQ, Q the projector on the complement of the columns of Y",
            "kept": "squared Frobenius norm of PAP, P = I - Q", "mixed": "squared Frobenius norm of QAP",
            "form": "squared Frobenius norm of Y'AY", "along": "squared Frobenius norm of PR", "across": "squared Frobenius norm of QR",
        },
        terms={"part": _TAIL_PART, "root": _TAIL, "bound": _FROBENIUS},
        facts=(
            *_PARTS_FACTS,
            Fact("norm", ">=0", b, ("linalg.frobenius-product",), "a norm is nonnegative"),
            Fact(
                "complement", ">=0", b * z**2 - outside, ("linalg.rayleigh", "linalg.eigenvalue-sums"),
                "q · A q = q · QAQ q, and no eigenvalue of QAQ exceeds the root of the sum of their squares",
            ),
            Fact(
                "sum", ">=0", square_sum - kept - 2 * mixed - b**2, ("linalg.block-sums", "hypothesis:square_sum"),
                "|A|_F² = |PAP|_F² + 2 |QAP|_F² + |QAQ|_F²",
            ),
            Fact("inside at least 0", ">=0", kept, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact("aside at least 0", ">=0", mixed, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact("form at least 0", ">=0", form, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact("along at least 0", ">=0", along, ("linalg.frobenius-product",), "a square is nonnegative"),
            Fact(
                "seen inside", ">=0", (1 + skew) ** 2 * kept - form, ("linalg.polar", "linalg.frobenius-product", "hypothesis:skew"),
                "Y'AY = G^(1/2) B G^(1/2) with G = Y'Y at most 1 + |Y'Y - I|, where |B|_F = |PAP|_F",
            ),
            Fact("ritz squares", ">=0", form - ritz_squares, ("hypothesis:ritz_squares",), "the number given is covered"),
            Fact(
                "seen aside", ">=0", (1 + skew) * mixed - across, ("linalg.polar", "linalg.frobenius-product", "hypothesis:skew"),
                "QR = QAY = (QAP) Y, and the squared norm of Y is at most 1 + |Y'Y - I|",
            ),
            Fact(
                "residual", ">=0", across + along - residual_squares, ("linalg.block-sums", "hypothesis:residual_squares"),
                "|R|_F² = |PR|_F² + |QR|_F²",
            ),
            Fact(
                "askew", ">=0", skew**2 * form - (1 - skew) * along, ("linalg.polar", "linalg.frobenius-product", "hypothesis:skew"),
                "Y'R = (I - Y'Y) Y'AY, and |Y'R|_F² is at least (1 - |Y'Y - I|) |PR|_F²",
            ),
            Fact(
                "form", ">=0", (1 + skew) ** 2 * square_sum - form, ("linalg.polar", "linalg.frobenius-product", "hypothesis:square_sum"),
                "|Y'AY|_F <= |Y|² |A|_F",
            ),
        ),
        steps=(
            _ABOVE,
            # (1 - k) (1 + k)³ (tail² - b²) from the facts, k = |Y'Y - I|
            Step(
                (
                    Term(1, 1, ("part>=right",)),
                    Term(1, 1, ("condition:0", "above", "above", "above", "sum")),
                    Term(1, 1, ("condition:0", "above", "seen inside")),
                    Term(1, 1, ("condition:0", "above", "ritz squares")),
                    Term(2, 1, ("condition:0", "above", "above", "seen aside")),
                    Term(2, 1, ("condition:0", "above", "above", "residual")),
                    Term(2, 1 + skew, ("askew",)),
                    Term(2, skew * (1 + skew), ("form",)),
                ),
                ((expression(1 - skew) * (1 + skew) ** 3, "root^2"),),
                ("condition:0", "above", "above", "above"),
                "tail", ">=0", _TAIL**2 - b**2,
            ),
            Split(
                "size", _TAIL + b,
                positive=_frobenius_end(_covered((Term(1, 1, ("tail",)),), (), ("size",))),
                zero=_frobenius_end(_covered((Term(2, 1, ("root",)),), ((-1, "size"),))),
            ),
        ),
        witness=_FROBENIUS_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the coupling left out", maximum(top / (1 - skew), _TAIL), counterexample=_FROBENIUS_WITNESS
    ),
)  # fmt: skip

THEOREMS = (DEFLATED, DEFLATED_TRACE, DEFLATED_FROBENIUS)
