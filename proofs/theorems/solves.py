"""Linear equations with a definite matrix: what a residual says of a solution and of numbers computed from it."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

residual, definiteness, functional, dual_residual, correction, defect = symbols(
    "residual definiteness functional dual_residual correction defect"
)
computed_residual, unit_roundoff, product_rounding, frobenius, solution, underflow = symbols(
    "computed_residual unit_roundoff product_rounding frobenius solution underflow"
)
value_rounding, dual_solution, residual_rounding = symbols("value_rounding dual_solution residual_rounding")
residual_sum, gain, weight = symbols("residual_sum gain weight")
b, d, e, g, h, p, q, s, v, w, y, z = symbols("b d e g h p q s v w y z")

RESIDUAL = Hypothesis(
    "residual", "at or above the norm of the residual r = v - A x of the computed x", Side.UPPER, Domain.NONNEGATIVE, "target"
)
DEFINITENESS = Hypothesis(
    "definiteness", "A is symmetric and at least this constant times the identity", Side.LOWER, Domain.POSITIVE, "target/solution"
)
DUAL_RESIDUAL = Hypothesis(
    "dual_residual", "at or above the norm of the residual s = u - A y of the computed dual solution y", Side.UPPER, Domain.NONNEGATIVE,
    "functional/solution",
)  # fmt: skip

_ERROR = Conclusion("error", "Euclidean distance of the computed x to the solution x* of A x = v", Side.UPPER, "solution")
_E = "distance |x - x*| of the computed x to the solution"
_NORM = ("linalg.cauchy-schwarz",)
_PRIMAL: dict[str, Fraction | int] = {"residual": 2, "definiteness": 1, "e": 2}


def _solved(norm: Expression) -> Citation:
    return Citation(
        "solved", "solve.error", e, {"residual": norm, "definiteness": definiteness}, "the error of x by its residual"
    )


ERROR = Theorem(
    id="solve.error",
    statement="The error of a computed solution of A x = v is at most the norm of its residual over mu, where A is symmetric and at least mu I.",
    hypotheses=(RESIDUAL, DEFINITENESS),
    conclusion=_ERROR,
    formula=residual / definiteness,
    rests_on=("output.residual",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={"e": _E},
        facts=(),
        citations=(
            Citation(
                "quadratic", "output.residual", e, {"residual": residual, "strong_convexity": definiteness},
                "x* minimises the quadratic function whose Hessian is A and whose gradient at x is A x - v = -r",
            ),
        ),
        steps=(Step((Term(1, 1, ("quadratic",)),)),),
        witness=_PRIMAL,
    ),
    false_sibling=FalseSibling("half of the bound", residual / (2 * definiteness), counterexample=_PRIMAL),
)  # fmt: skip

ENERGY = Theorem(
    id="solve.energy-error",
    statement="In the norm |w|_A = sqrt(w · A w), the error of a computed solution of A x = v is at most the norm of its residual over sqrt(mu).",
    hypotheses=(RESIDUAL, DEFINITENESS),
    conclusion=Conclusion("energy_error", "distance of the computed x to the solution in the norm |w|_A", Side.UPPER, "sqrt(target·solution)"),
    formula=residual / sqrt(definiteness),
    rests_on=("linalg.rayleigh", "linalg.cauchy-schwarz"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="h",
        variables={"h": "norm |x - x*|_A of the error", "e": _E, "g": "norm of the residual r"},
        terms={"root": sqrt(definiteness)},
        facts=(
            Fact("energy", ">=0", h, _NORM, "a norm is nonnegative"),
            Fact("norm", ">=0", g, _NORM, "a norm is nonnegative"),
            Fact("given", ">=0", residual - g, ("hypothesis:residual",), "the number given covers the norm of r"),
            Fact("cauchy", ">=0", e * g - h**2, _NORM, "A (x* - x) = r, so |x - x*|_A² = (x* - x) · r"),
            Fact(
                "definite", ">=0", h**2 - definiteness * e**2, ("linalg.rayleigh", "hypothesis:definiteness"),
                "mu |w|² <= w · A w, the smallest eigenvalue being at least mu",
            ),
        ),
        steps=(
            Split(
                "apart", h,
                positive=(
                    # h² (g² - mu h²)  =  g² (h² - mu e²) + mu ((e g - h²)² + 2 h² (e g - h²))
                    Step(
                        (
                            Term(1, g, ("definite",)), Term(1, 1, ("definiteness", "cauchy", "cauchy")),
                            Term(2, h, ("definiteness", "cauchy")),
                        ),
                        factor=("apart", "apart"), name="squares", kind=">=0", slack=g**2 - (sqrt(definiteness) * h) ** 2,
                        equations=((-(h**4), "root^2"),),
                    ),
                    by_squares(g, sqrt(definiteness) * h, "squares", extra=((1, "given"),)),
                ),
                zero=(Step((Term(1, 1, ("residual",)),), ((-sqrt(definiteness), "apart"),)),),
            ),
        ),
        witness={"residual": 2, "definiteness": 4, "h": 1, "e": Fraction(1, 2), "g": 2},
    ),
    false_sibling=FalseSibling(
        "half of the bound", residual / (2 * sqrt(definiteness)),
        counterexample={"residual": 2, "definiteness": 4, "h": 1, "e": Fraction(1, 2), "g": 2},
    ),
)  # fmt: skip

_FUNCTIONAL_WITNESS: dict[str, Fraction | int] = {"functional": 3, **_PRIMAL, "d": 6, "w": 3}

FUNCTIONAL = Theorem(
    id="solve.functional",
    statement="The value u · x of a computed solution of A x = v is within |u| |r|/mu of u · x*.",
    hypotheses=(
        Hypothesis("functional", "at or above the norm of u", Side.UPPER, Domain.NONNEGATIVE, "functional/solution"), RESIDUAL, DEFINITENESS,
    ),
    conclusion=Conclusion("value_error", "distance of u · x to u · x*", Side.UPPER, "functional"),
    formula=functional * residual / definiteness,
    rests_on=("solve.error", "linalg.cauchy-schwarz"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "|u · (x* - x)|", "w": "norm of u", "e": _E},
        facts=(
            Fact("error", ">=0", e, _NORM, "a norm is nonnegative"),
            Fact("given", ">=0", functional - w, ("hypothesis:functional",), "the number given covers |u|"),
            Fact("cauchy", ">=0", w * e - d, _NORM, "|u · (x* - x)| <= |u| |x* - x|"),
        ),
        citations=(_solved(residual),),
        steps=(
            Step((Term(1, 1, ("functional", "solved")), Term(1, 1, ("definiteness", "error", "given")), Term(1, 1, ("definiteness", "cauchy")))),
        ),
        witness=_FUNCTIONAL_WITNESS,
    ),
    false_sibling=FalseSibling("half of the bound", functional * residual / (2 * definiteness), counterexample=_FUNCTIONAL_WITNESS),
)  # fmt: skip

_DUAL_WITNESS: dict[str, Fraction | int] = {"dual_residual": 3, **_PRIMAL, "d": 6, "s": 3}

DUAL_CORRECTED = Theorem(
    id="solve.dual-corrected",
    statement=(
        "With a computed solution y of A y = u, the corrected value u · x + y · r is within |s| |r|/mu of u · x*: "
        "the error is a product of two residuals."
    ),
    hypotheses=(DUAL_RESIDUAL, RESIDUAL, DEFINITENESS),
    conclusion=Conclusion("value_error", "distance of u · x + y · r to u · x*", Side.UPPER, "functional"),
    formula=dual_residual * residual / definiteness,
    rests_on=("solve.error", "matrix.dual-correction", "matrix.residual", "linalg.cauchy-schwarz"),
    source="Giles & Pierce, SIAM Review 42 (2000) 247-264, for the correction; own proof",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "|u · x* - (u · x + y · r)|", "s": "norm of s = u - A y", "e": _E},
        facts=(
            Fact("error", ">=0", e, _NORM, "a norm is nonnegative"),
            Fact("given", ">=0", dual_residual - s, ("hypothesis:dual_residual",), "the number given covers |s|"),
            Fact(
                "cauchy", ">=0", s * e - d, ("matrix.dual-correction", "matrix.residual", *_NORM),
                "u · x* - u · x - y · r = s · A^-1 r = s · (x* - x), A being symmetric",
            ),
        ),
        citations=(_solved(residual),),
        steps=(
            Step(
                (Term(1, 1, ("dual_residual", "solved")), Term(1, 1, ("definiteness", "error", "given")), Term(1, 1, ("definiteness", "cauchy")))
            ),
        ),
        witness=_DUAL_WITNESS,
    ),
    false_sibling=FalseSibling("half of the bound", dual_residual * residual / (2 * definiteness), counterexample=_DUAL_WITNESS),
)  # fmt: skip

_INVERSE_WITNESS: dict[str, Fraction | int] = {"correction": 1, "defect": Fraction(1, 2), "e": 2, "z": 1, "q": 1}

APPROXIMATE_INVERSE = Theorem(
    id="solve.approximate-inverse",
    statement=(
        "If |I - M A| is below one, A is invertible and M v is within |M (v - A M v)|/(1 - |I - M A|) of the solution of A x = v, "
        "for any square A and M."
    ),
    hypotheses=(
        Hypothesis("correction", "at or above the norm of the second step M (v - A M v)", Side.UPPER, Domain.NONNEGATIVE, "solution"),
        Hypothesis("defect", "at or above the spectral norm of I - M A", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("error", "Euclidean distance of M v to the solution", Side.UPPER, "solution"),
    formula=correction / (1 - defect),
    rests_on=("linalg.operator-norm", "linalg.triangle"),
    source="Rump, Acta Numerica 19 (2010) 287-449, for the method; own proof",
    side_conditions=(Relation(">0", 1 - defect, "1 - defect > 0: M is near enough to an inverse"),),
    proof=AlgebraicProof(
        target="e",
        variables={"e": "norm of E = x* - M v", "z": "norm of (I - M A) E", "q": "norm of M (v - A M v)"},
        facts=(
            Fact("error", ">=0", e, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("triangle", ">=0", z + q - e, ("linalg.triangle",), "E = (I - M A) E + M A E, and A E = v - A M v"),
            Fact("contraction", ">=0", defect * e - z, ("linalg.operator-norm", "hypothesis:defect"), "|(I - M A) E| <= |I - M A| |E|"),
            Fact("given", ">=0", correction - q, ("hypothesis:correction",), "the number given covers the second step"),
        ),
        steps=(Step((Term(1, 1, ("given",)), Term(1, 1, ("triangle",)), Term(1, 1, ("contraction",)))),),
        witness=_INVERSE_WITNESS,
    ),
    false_sibling=FalseSibling("the second step alone", correction, counterexample=_INVERSE_WITNESS),
)  # fmt: skip

_ROUNDED_WITNESS: dict[str, Fraction | int] = {
    "computed_residual": 1, "unit_roundoff": Fraction(1, 2), "product_rounding": Fraction(1, 4), "frobenius": 2, "solution": 4, "underflow": 1,
    "definiteness": 1, "e": 5, "g": 5, "q": 2, "p": 3,
}  # fmt: skip

ROUNDED_RESIDUAL = Theorem(
    id="solve.rounded-residual",
    statement=(
        "A residual computed in floating-point arithmetic, product first and then the difference, bounds the error of x with "
        "what rounding can hide added: the product by gamma |A|_F |x| and what underflows, the difference by a factor 1/(1 - u)."
    ),
    hypotheses=(
        Hypothesis("computed_residual", "at or above the norm of the computed vector v - A x", Side.UPPER, Domain.NONNEGATIVE, "target"),
        Hypothesis("unit_roundoff", "at or above the unit roundoff u of the arithmetic", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis(
            "product_rounding", "at or above gamma = n u/(1 - n u), where A has n columns and n u < 1", Side.UPPER, Domain.NONNEGATIVE
        ),
        Hypothesis("frobenius", "at or above the Frobenius norm of A", Side.UPPER, Domain.NONNEGATIVE, "target/solution"),
        Hypothesis("solution", "at or above the norm of the computed x", Side.UPPER, Domain.NONNEGATIVE, "solution"),
        Hypothesis("underflow", "at or above the norm of what underflow adds to the product", Side.UPPER, Domain.NONNEGATIVE, "target"),
        DEFINITENESS,
    ),
    conclusion=_ERROR,
    formula=(computed_residual / (1 - unit_roundoff) + product_rounding * frobenius * solution + underflow) / definiteness,
    rests_on=("solve.error", "floating.matrix-product", "linalg.frobenius-product", "linalg.triangle"),
    source="own derivation on Higham 2002, (3.11)",
    side_conditions=(Relation(">0", 1 - unit_roundoff, "u < 1"),),
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": _E, "g": "norm of r = v - A x", "q": "norm of v - f, where f is the computed product", "p": "norm of f - A x",
        },
        facts=(
            Fact("norm", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("rest", ">=0", q, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "difference", ">=0", computed_residual - (1 - unit_roundoff) * q,
                ("floating.matrix-product", "hypothesis:computed_residual", "hypothesis:unit_roundoff"),
                "each entry of the computed residual is that of v - f times at least 1 - u",
            ),
            Fact(
                "product", ">=0", product_rounding * frobenius * solution + underflow - p,
                (
                    "floating.matrix-product", "linalg.frobenius-product", "hypothesis:product_rounding", "hypothesis:frobenius",
                    "hypothesis:solution", "hypothesis:underflow",
                ),
                "|f - A x| <= gamma | |A| |x| | + underflow, and | |A| |x| | <= |A|_F |x|",
            ),
            Fact("triangle", ">=0", q + p - g, ("linalg.triangle",), "r = (v - f) + (f - A x)"),
        ),
        citations=(_solved(g),),
        steps=(
            Step(
                (
                    Term(1, 1, ("difference",)), Term(1, 1, ("condition:0", "product")), Term(1, 1, ("condition:0", "triangle")),
                    Term(1, 1, ("condition:0", "solved")),
                )
            ),
        ),
        witness=_ROUNDED_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the computed residual over mu, without what rounding hides", computed_residual / definiteness, counterexample=_ROUNDED_WITNESS
    ),
)  # fmt: skip

_VALUE_WITNESS: dict[str, Fraction | int] = {
    "dual_residual": 3, "residual": 2, "dual_solution": 1, "residual_rounding": 1, "value_rounding": 1, "definiteness": 1,
    "d": 8, "h": 6, "p": 1, "q": 1, "y": 1, "z": 1,
}  # fmt: skip

ROUNDED_FUNCTIONAL = Theorem(
    id="solve.rounded-functional",
    statement=(
        "The corrected value as it is computed, from a rounded residual and with a rounded sum, is within |s| |r|/mu + |y| |r^ - r| + |sum^ - sum| "
        "of u · x*."
    ),
    hypotheses=(
        DUAL_RESIDUAL, RESIDUAL,
        Hypothesis("dual_solution", "at or above the norm of y", Side.UPPER, Domain.NONNEGATIVE, "functional/target"),
        Hypothesis("residual_rounding", "at or above the distance of the computed residual r^ to r", Side.UPPER, Domain.NONNEGATIVE, "target"),
        Hypothesis(
            "value_rounding", "at or above the distance of the computed sum to u · x + y · r^", Side.UPPER, Domain.NONNEGATIVE, "functional"
        ),
        DEFINITENESS,
    ),
    conclusion=Conclusion("value_error", "distance of the computed sum to u · x*", Side.UPPER, "functional"),
    formula=dual_residual * residual / definiteness + dual_solution * residual_rounding + value_rounding,
    rests_on=("solve.dual-corrected", "linalg.cauchy-schwarz", "linalg.triangle"),
    source="own derivation",
    proof=AlgebraicProof(
        target="d",
        variables={
            "d": "|u · x* - the computed sum|", "h": "|u · x* - (u · x + y · r)|", "p": "|y · (r^ - r)|", "q": "norm of r^ - r", "y": "norm of y",
            "z": "|computed sum - (u · x + y · r^)|",
        },
        facts=(
            Fact("triangle", ">=0", h + p + z - d, ("linalg.triangle",), "from u · x* to the computed sum by way of u · x + y · r and u · x + y · r^"),
            Fact("norm", ">=0", y, _NORM, "a norm is nonnegative"),
            Fact("cauchy", ">=0", y * q - p, _NORM, "|y · (r^ - r)| <= |y| |r^ - r|"),
            Fact("dual", ">=0", dual_solution - y, ("hypothesis:dual_solution",), "the number given covers |y|"),
            Fact("rounded", ">=0", residual_rounding - q, ("hypothesis:residual_rounding",), "the number given covers |r^ - r|"),
            Fact("summed", ">=0", value_rounding - z, ("hypothesis:value_rounding",), "the number given covers the rounding of the sum"),
        ),
        citations=(
            Citation(
                "corrected", "solve.dual-corrected", h, {"dual_residual": dual_residual, "residual": residual, "definiteness": definiteness},
                "the corrected value in exact arithmetic",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("corrected",)), Term(1, 1, ("definiteness", "triangle")), Term(1, 1, ("definiteness", "cauchy")),
                    Term(1, 1, ("definiteness", "norm", "rounded")), Term(1, 1, ("definiteness", "residual_rounding", "dual")),
                    Term(1, 1, ("definiteness", "summed")),
                )
            ),
        ),
        witness=_VALUE_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the bound of exact arithmetic", dual_residual * residual / definiteness, counterexample=_VALUE_WITNESS
    ),
)  # fmt: skip

_RADAU_WITNESS: dict[str, Fraction | int] = {
    "residual_sum": 4, "gain": 1, "weight": 1, "definiteness": 1, "e": 4, "b": 2, "g": 4, "q": Fraction(7, 2),
}  # fmt: skip

RADAU = Theorem(
    id="solve.radau",
    statement=(
        "s · A^-1 r, by which a corrected value falls short, is at most (|s + w r|²/mu - (2 h · m - h · A h))/(4 w) for any w > 0 and h, where "
        "m = s - w r: with x, y and h from a Krylov space, the bounds of Gauss and Gauss-Radau quadrature, and no word of quadrature."
    ),
    hypotheses=(
        Hypothesis("residual_sum", "at or above the norm of s + w r, for residuals r = v - A x and s = u - A y", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("gain", "at or below 2 h · m - h · A h for m = s - w r and some h", Side.LOWER, Domain.NONNEGATIVE),
        Hypothesis("weight", "the weight w", Side.EXACT, Domain.POSITIVE),
        DEFINITENESS,
    ),
    conclusion=Conclusion("shortfall", "u · x* - (u · x + y · r) = s · A^-1 r", Side.UPPER, "functional"),
    formula=(residual_sum**2 / definiteness - gain) / (4 * weight),
    rests_on=("linalg.rayleigh", "linalg.cauchy-schwarz", "matrix.dual-correction", "matrix.polarisation", "matrix.energy"),
    source="own derivation; Golub & Meurant, Matrices, Moments and Quadrature (2010), chapter 6, for the quadrature",
    proof=AlgebraicProof(
        target="q",
        variables={
            "e": "sqrt(p · A^-1 p) for p = s + w r", "b": "m · A^-1 m for m = s - w r", "g": "norm of s + w r", "q": "u · x* - (u · x + y · r)",
        },
        facts=(
            Fact(
                "polarised", "==0", 4 * weight * q - e**2 + b, ("matrix.dual-correction", "matrix.polarisation"),
                "p · A^-1 p - m · A^-1 m = 4 s · A^-1 (w r), and s · A^-1 r is what the corrected value falls short by",
            ),
            Fact(
                "definite", ">=0", g**2 - definiteness * e**2, ("linalg.rayleigh", "hypothesis:definiteness"),
                "the eigenvalues of A^-1 are at most 1/mu",
            ),
            Fact("norm", ">=0", g, _NORM, "a norm is nonnegative"),
            Fact("given", ">=0", residual_sum - g, ("hypothesis:residual_sum",), "the number given covers |s + w r|"),
            Fact(
                "energy", ">=0", b - gain, ("matrix.energy", "linalg.rayleigh", "hypothesis:gain"),
                "m · A^-1 m - (2 h · m - h · A h) = (m - A h) · A^-1 (m - A h), and A^-1 is positive definite",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("residual_sum", "given")), Term(1, 1, ("norm", "given")), Term(1, 1, ("definite",)),
                    Term(1, 1, ("definiteness", "energy")),
                ),
                ((-definiteness, "polarised"),),
            ),
        ),
        witness=_RADAU_WITNESS,
    ),
    false_sibling=FalseSibling(
        "the gain counted twice", (residual_sum**2 / definiteness - 2 * gain) / (4 * weight),
        counterexample={"residual_sum": 4, "gain": 1, "weight": 1, "definiteness": 1, "e": 4, "b": 1, "g": 4, "q": Fraction(15, 4)},
    ),
)  # fmt: skip

THEOREMS = (ERROR, ENERGY, FUNCTIONAL, DUAL_CORRECTED, APPROXIMATE_INVERSE, ROUNDED_RESIDUAL, ROUNDED_FUNCTIONAL, RADAU)
