"""Noise other than N(0, sigma² I): any covariance, the discrete Gaussian, Laplace-type noise, two Gaussian laws of unequal variance."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import ABOVE_ONE, EPSILON, GAUSSIAN_PARAMETER, ORDER, RENYI, SENSITIVITY, SIGMA

sensitivity, least_variance, ratio, square, sigma, dimension, grid = symbols(
    "sensitivity least_variance ratio square sigma dimension grid"
)
epsilon, scale, order, shift, variance = symbols("epsilon scale order shift variance")
mu, h, e, n, u, v, a, d, k, s, t, p, q, w, m, y, b, z, g = symbols("mu h e n u v a d k s t p q w m y b z g")

# ---------------------------------------------------------------- any covariance

_SPREAD = sqrt(least_variance)

ANISOTROPIC = Theorem(
    id="anisotropic.mu",
    statement=(
        "Gaussian noise of any positive definite covariance on means at distance at most the sensitivity is mu-GDP with mu = sensitivity over "
        "the square root of the least eigenvalue of the covariance."
    ),
    hypotheses=(
        SENSITIVITY,
        Hypothesis("least_variance", "at or below the least eigenvalue of the covariance of the noise", Side.LOWER, Domain.POSITIVE, "parameter²"),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sensitivity / _SPREAD,
    rests_on=("probability.gaussian-whitening", "probability.gaussian-rotation", "linalg.rayleigh", "linalg.cauchy-schwarz"),
    source="standard (Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), for multiples of the identity); own proof",
    proof=AlgebraicProof(
        target="mu",
        variables={
            "mu": "Gaussian parameter of the pair: length of the move in units of the noise, after whitening",
            "h": "distance of the means",
            "e": "least eigenvalue of the covariance",
        },
        terms={"root": _SPREAD},
        facts=(
            Fact(
                "rayleigh", ">=0", h**2 - e * mu**2,
                ("probability.gaussian-whitening", "probability.gaussian-rotation", "linalg.rayleigh"),
                "with w the whitened move, |w| = mu and h² = w . S w is at least e |w|²",
            ),
            Fact("h at least 0", ">=0", h, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("near", ">=0", sensitivity - h, ("hypothesis:sensitivity",), "the number given covers the distance"),
            Fact("noise", ">=0", e - least_variance, ("hypothesis:least_variance",), "the number given is at most the least eigenvalue"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("near", "sensitivity")), Term(1, 1, ("near", "h at least 0")), Term(1, 1, ("rayleigh",)),
                    Term(1, mu, ("noise",)),
                ),
                ((-(mu**2), "root^2"),),
                name="squares", slack=sensitivity**2 - (_SPREAD * mu) ** 2,
            ),
            by_squares(sensitivity, _SPREAD * mu, "squares"),
        ),
        witness={"sensitivity": 2, "least_variance": 4, "mu": 1, "h": 2, "e": 4},
    ),
    false_sibling=FalseSibling(
        "the variance for the standard deviation", sensitivity / least_variance,
        counterexample={"sensitivity": 2, "least_variance": 4, "mu": 1, "h": 2, "e": 4},
    ),
)  # fmt: skip

_EXTENT = sqrt(ratio)

ELLIPSOID = Theorem(
    id="anisotropic.ellipsoid",
    statement=(
        "Gaussian noise of covariance S on means that move by A u with |u| <= 1 is mu-GDP with mu = sqrt(t) for every t such that t S - A A' is "
        "positive semidefinite; the least such t is attained."
    ),
    hypotheses=(
        Hypothesis(
            "ratio", "a number t such that t times the covariance, less A A', is positive semidefinite", Side.UPPER, Domain.NONNEGATIVE
        ),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_EXTENT,
    rests_on=("probability.gaussian-whitening", "probability.gaussian-rotation", "linalg.operator-norm", "linalg.adjoint"),
    source="own derivation",
    proof=AlgebraicProof(
        target="mu",
        variables={
            "mu": "Gaussian parameter of the pair: length of the move in units of the noise, after whitening",
            "n": "spectral norm of B = S^(-1/2) A",
            "u": "length of the vector u of the move A u",
        },
        terms={"root": _EXTENT},
        facts=(
            Fact(
                "move", ">=0", n * u - mu, ("probability.gaussian-whitening", "probability.gaussian-rotation", "linalg.operator-norm"),
                "mu is |B u|",
            ),
            Fact("unit", ">=0", 1 - u, ("linalg.operator-norm",), "u lies in the unit ball"),
            Fact("n at least 0", ">=0", n, ("linalg.operator-norm",), "a norm is nonnegative"),
            Fact(
                "form", ">=0", ratio - n**2, ("linalg.operator-norm", "linalg.adjoint", "hypothesis:ratio"),
                "n² is |B' y|² for a unit y, the form of A A' at S^(-1/2) y, where that of S is one",
            ),
        ),
        steps=(
            Step((Term(1, 1, ("move",)), Term(1, 1, ("n at least 0", "unit"))), name="within", slack=n - mu),
            Step((Term(1, 1, ("form",)),), ((1, "root^2"),), name="squares", slack=_EXTENT**2 - n**2),
            by_squares(_EXTENT, n, "squares", extra=((1, "within"),)),
        ),
        witness={"ratio": Fraction(1, 4), "mu": Fraction(1, 2), "n": Fraction(1, 2), "u": 1},
    ),
    false_sibling=FalseSibling(
        "the ratio without its root", ratio,
        counterexample={"ratio": Fraction(1, 4), "mu": Fraction(1, 2), "n": Fraction(1, 2), "u": 1},
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the discrete Gaussian

_AT_ONE: dict[str, Fraction | int] = {
    "square": 1, "sigma": 1, "v": Fraction(1, 2), "a": 2, "d": 1, "n": 1, "t": 0, "k": 1, "s": 1,
}  # fmt: skip

DISCRETE = Theorem(
    id="discrete-gaussian.zcdp",
    statement=(
        "Independent discrete Gaussian noise, P(k) proportional to exp(-k²/(2 sigma²)) on the integers, on integer vectors that move by a "
        "squared distance of at most the square is rho-zCDP with rho = square/(2 sigma²). It is not mu-GDP with mu = sqrt(square)/sigma."
    ),
    hypotheses=(
        Hypothesis("square", "at or above the squared Euclidean distance of the two integer vectors", Side.UPPER, Domain.NONNEGATIVE, "grid²"),
        SIGMA,
    ),
    conclusion=Conclusion("rho", "least rho with Rényi divergence at most rho times the order, at every order above one", Side.UPPER),
    formula=square / (2 * sigma**2),
    rests_on=("privacy.zero-concentrated", "privacy.renyi-divergence", "analysis.exponential-law", "analysis.poisson-summation"),
    source="Canonne, Kamath & Steinke, NeurIPS 2020, Theorem 4; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Rényi divergence over the order, at any order",
            "a": "any order",
            "d": "Rényi divergence at that order",
            "n": "logarithm of the mean of the likelihood ratio to the power of the order, summed over the coordinates",
            "t": "logarithm of the sum of the weights around a times the move, over that around nought, summed over the coordinates",
            "k": "squared distance of the two integer vectors",
            "s": "true scale of the noise",
        },
        facts=(
            Fact("order above 1", ">0", a - 1, ("privacy.zero-concentrated",), "orders above one"),
            Fact("order above 0", ">0", a, ("privacy.zero-concentrated",), "orders above one"),
            Fact("any order", "==0", a * v - d, ("privacy.zero-concentrated",), "v is d/a; the parameter is the supremum of these ratios"),
            Fact("d at least 0", ">=0", d, ("privacy.renyi-divergence",), "a divergence is nonnegative"),
            Fact("definition", "==0", n - (a - 1) * d, ("privacy.renyi-divergence",), "the coordinates are independent, so the means multiply"),
            Fact(
                "completed", "==0", 2 * s**2 * (n - t) - a * (a - 1) * k, ("privacy.renyi-divergence", "analysis.exponential-law"),
                "a (x - m)² + (1 - a) x² = (x - a m)² - a (a - 1) m² in every coordinate",
            ),
            Fact("theta", ">=0", -t, ("analysis.poisson-summation",), "the sum of the weights is greatest around an integer"),
            Fact("s above 0", ">0", s, ("analysis.exponential-law",), "a scale is positive"),
            Fact("covers", ">=0", square - k, ("hypothesis:square",), "the number given covers k"),
            Fact("noise", ">=0", s - sigma, ("hypothesis:sigma",), "the scale is at least the number given"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("order above 1", "order above 0", "covers")), Term(2, s, ("theta",)),
                    Term(2, 1, ("noise", "s above 0", "order above 1", "d at least 0")),
                    Term(2, 1, ("noise", "sigma", "order above 1", "d at least 0")),
                ),
                ((-1, "completed"), (2 * s**2, "definition"), (-2 * sigma**2 * (a - 1), "any order")),
                ("order above 1", "order above 0"),
            ),
        ),
        witness=_AT_ONE,
    ),
    false_sibling=FalseSibling("half of it", square / (4 * sigma**2), counterexample=_AT_ONE),
)  # fmt: skip

_COUNT_ROOT = sqrt(dimension)

QUANTISED = Theorem(
    id="discrete-gaussian.sensitivity",
    statement=(
        "Two vectors at distance at most the sensitivity, each rounded to a nearest point of a grid, are at most "
        "(sensitivity + grid sqrt(d))/grid grid steps apart."
    ),
    hypotheses=(
        SENSITIVITY,
        Hypothesis("dimension", "number of coordinates", Side.UPPER, Domain.COUNT),
        Hypothesis("grid", "distance of neighbouring points of the grid, in every coordinate", Side.EXACT, Domain.POSITIVE, "parameter"),
    ),
    conclusion=Conclusion("steps", "Euclidean distance of the two rounded vectors in grid steps", Side.UPPER),
    formula=(sensitivity + grid * _COUNT_ROOT) / grid,
    rests_on=("linalg.triangle", "linalg.pythagoras"),
    source="own derivation",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "distance of the rounded vectors in grid steps",
            "h": "distance of the two vectors",
            "e": "the greater of the two distances by which rounding moves a vector",
        },
        terms={"root": _COUNT_ROOT},
        facts=(
            Fact("triangle", ">=0", h + 2 * e - grid * v, ("linalg.triangle",), "from one rounded vector to the other by way of both vectors"),
            Fact(
                "rounding", ">=0", dimension * grid**2 - (2 * e) ** 2, ("linalg.pythagoras", "hypothesis:dimension"),
                "every coordinate moves by at most half a step",
            ),
            Fact("distance", ">=0", sensitivity - h, ("hypothesis:sensitivity",), "the number given covers the distance"),
        ),
        steps=(
            Step((Term(1, 1, ("rounding",)),), ((grid**2, "root^2"),), name="squares", slack=(grid * _COUNT_ROOT) ** 2 - (2 * e) ** 2),
            by_squares(grid * _COUNT_ROOT, 2 * e, "squares", extra=((1, "triangle"), (1, "distance"))),
        ),
        witness={"sensitivity": 1, "dimension": 4, "grid": 1, "v": 3, "h": 1, "e": 1},
    ),
    false_sibling=FalseSibling(
        "one vector rounded", (sensitivity + grid * _COUNT_ROOT / 2) / grid,
        counterexample={"sensitivity": 1, "dimension": 4, "grid": 1, "v": 3, "h": 1, "e": 1},
    ),
)  # fmt: skip

# ---------------------------------------------------------------- Laplace-type noise

_EXCESS = maximum(0, sensitivity / scale - epsilon)
_KEPT = exp(-(Fraction(1, 2) * _EXCESS))
_KEPT_EXAMPLE = Fraction("0.36787944117144233")

LAPLACE = Theorem(
    id="laplace.profile",
    statement=(
        "Two means at distance at most the sensitivity, released with noise of density proportional to exp(-|b|/scale) in any dimension, are "
        "(epsilon, delta)-indistinguishable with delta = 1 - exp(-(sensitivity/scale - epsilon)/2), or nought where the exponent is positive; "
        "in one dimension no smaller delta will do."
    ),
    hypotheses=(
        EPSILON, SENSITIVITY,
        Hypothesis("scale", "scale of the noise, whose density is proportional to exp(-|b|/scale)", Side.LOWER, Domain.POSITIVE, "parameter"),
    ),
    conclusion=Conclusion("delta", "the least additive slack at epsilon", Side.UPPER),
    formula=1 - _KEPT,
    rests_on=("privacy.indistinguishable", "linalg.triangle", "probability.expectation", "analysis.exponential-law"),
    source="own derivation; the curve of the Laplace mechanism is in Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Proposition A.6",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest of P(A) - exp(epsilon) Q(A) over events",
            "p": "probability P(A) of the event where it is greatest",
            "q": "probability Q(A)",
            "w": "probability R(A) under the same noise around a third mean, on the segment between the two",
        },
        terms={"ratio": exp(epsilon), "excess": _EXCESS, "kept": _KEPT},
        facts=(
            Fact("slack", "==0", v - p + exp(epsilon) * q, ("privacy.indistinguishable",), "the event on which the slack is greatest"),
            Fact(
                "outside", ">=0", (1 - p) - _KEPT * (1 - w),
                ("linalg.triangle", "probability.expectation", "analysis.exponential-law"),
                "the third mean lies max(0, sensitivity - epsilon scale)/2 from the first: the ratio of the densities p/r is at least 'kept'",
            ),
            Fact(
                "inside", ">=0", exp(epsilon) * q - _KEPT * w,
                ("linalg.triangle", "probability.expectation", "analysis.exponential-law"),
                "from the second it is at most that far plus epsilon scale, so that exp(epsilon) q/r is at least 'kept'",
            ),
        ),
        steps=(Step((Term(1, 1, ("outside",)), Term(1, 1, ("inside",))), ((-1, "slack"),)),),
        witness={
            "epsilon": 0, "sensitivity": 2, "scale": 1, "v": Fraction(1, 2), "p": Fraction(3, 4), "q": Fraction(1, 4), "w": Fraction(1, 2),
            "ratio": 1, "kept": Fraction(1, 2),
        },
    ),
    false_sibling=FalseSibling(
        "half of the exponent", 1 - exp(-(Fraction(1, 4) * _EXCESS)),
        counterexample={
            "epsilon": 0, "sensitivity": 2, "scale": 1, "v": 1 - _KEPT_EXAMPLE, "p": 1 - _KEPT_EXAMPLE / 2, "q": _KEPT_EXAMPLE / 2,
            "w": Fraction(1, 2),
        },
    ),
)  # fmt: skip

# ---------------------------------------------------------------- two Gaussian laws of unequal variance

_MIXED = order + (1 - order) * variance
_LOGARITHMS = log(_MIXED) + (order - 1) * log(variance)
_LOG_THREE, _LOG_TWO = Fraction("1.0986122886681098"), Fraction("0.6931471805599453")

UNEQUAL = Theorem(
    id="unequal.renyi",
    statement=(
        "The Rényi divergence of N(m, s) from N(0, 1) at an order a with c = a + (1 - a) s > 0 is a m²/(2 c) - (log(c) + (a - 1) log(s))/(2 (a - 1)). "
        "Two Gaussian laws in many dimensions are products of such pairs in the coordinates that diagonalise both covariances, and "
        "divergences of products add up."
    ),
    hypotheses=(
        ORDER,
        Hypothesis("shift", "at or above |m|, in standard deviations of the second law", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("variance", "the variance s of the first law over that of the second", Side.EXACT, Domain.POSITIVE),
    ),
    side_conditions=(ABOVE_ONE, Relation(">0", _MIXED, "a + (1 - a) s > 0: the moment is finite")),
    conclusion=RENYI,
    formula=(order * (order - 1) * shift**2 - _MIXED * _LOGARITHMS) / (2 * (order - 1) * _MIXED),
    rests_on=("privacy.renyi-divergence", "probability.gaussian-density", "probability.gaussian-quadratics", "analysis.exponential-law"),
    source="Gil, Alajaji & Linder, Inf. Sci. 249 (2013) 124-131; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Rényi divergence of the two laws",
            "m": "distance of the means",
            "z": "logarithm of the mean under N(0, 1) of the likelihood ratio to the power a",
            "n": "logarithm of the mean of exp(y x²/2 + b x) over x of law N(0, 1)",
            "y": "coefficient of x²/2 in a times the log-ratio",
            "b": "its coefficient of x",
            "g": "log(1 - y)",
        },
        terms={"log_mixed": log(_MIXED), "log_variance": log(variance)},
        facts=(
            Fact("definition", "==0", (order - 1) * v - z, ("privacy.renyi-divergence",), "the definition"),
            Fact("square", "==0", variance * y - order * (variance - 1), ("probability.gaussian-density",), "x²/2 - (x - m)²/(2 s)"),
            Fact("linear", "==0", variance * b - order * m, ("probability.gaussian-density",), "the same"),
            Fact(
                "constant", "==0", 2 * variance * (z - n) + order * m**2 + order * variance * log(variance),
                ("probability.gaussian-density", "analysis.exponential-law"), "what does not depend on x comes out of the mean",
            ),
            Fact(
                "mean", "==0", (1 - y) * (2 * n + g) - b**2, ("probability.gaussian-quadratics",), "the mean of the exponential of a quadratic",
            ),
            Fact("logs", "==0", g - log(_MIXED) + log(variance), ("analysis.exponential-law",), "1 - y is c/s"),
            Fact("m at least 0", ">=0", m, ("probability.gaussian-density",), "a distance"),
            Fact("covers", ">=0", shift - m, ("hypothesis:shift",), "the number given covers m"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("variance", "order", "condition:0", "covers", "shift")),
                    Term(1, 1, ("variance", "order", "condition:0", "covers", "m at least 0")),
                ),
                (
                    (-2 * variance * _MIXED, "definition"), (-_MIXED, "constant"), (-(variance * (2 * n + g)), "square"),
                    (-(variance**2), "mean"), (-(variance * b + order * m), "linear"), (variance * _MIXED, "logs"),
                ),
                ("variance",),
            ),
        ),
        witness={
            "order": 2, "shift": 1, "variance": 1, "v": 1, "m": 1, "z": 1, "n": 2, "y": 0, "b": 2, "g": 0, "log_mixed": 0, "log_variance": 0,
        },
    ),
    false_sibling=FalseSibling(
        "the logarithms left out", order * shift**2 / (2 * _MIXED),
        counterexample={
            "order": 2, "shift": 0, "variance": Fraction(1, 2), "v": _LOG_TWO - _LOG_THREE / 2, "m": 0, "z": _LOG_TWO - _LOG_THREE / 2,
            "n": -_LOG_THREE / 2, "y": -2, "b": 0, "g": _LOG_THREE,
        },
    ),
)  # fmt: skip

THEOREMS = (ANISOTROPIC, ELLIPSOID, DISCRETE, QUANTISED, LAPLACE, UNEQUAL)
