"""The Gaussian mechanism: its privacy profile, its parameter, and its composition."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, maximum, normal_cdf, sqrt, symbols
from ..proof import AlgebraicProof, Congruence, Fact, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import EPSILON, GAUSSIAN_PARAMETER, SENSITIVITY, SIGMA

epsilon, sensitivity, sigma, first, second = symbols("epsilon sensitivity sigma first second")
delta, r, threshold, d, s, mu, a, b = symbols("delta r threshold d s mu a b")

_UPPER = sensitivity / (2 * sigma) - epsilon * sigma / sensitivity
_LOWER = -(sensitivity / (2 * sigma)) - epsilon * sigma / sensitivity
_ROOT = sqrt(first**2 + second**2)

PROFILE = Theorem(
    id="gaussian.profile",
    statement=(
        "Two Gaussian laws N(v, sigma² I), N(v', sigma² I) with |v - v'| at most the sensitivity are indistinguishable at (epsilon, delta) "
        "with this delta, in both directions; at equal distance no smaller delta will do."
    ),
    hypotheses=(EPSILON, SENSITIVITY, SIGMA),
    conclusion=Conclusion("delta", "the least additive slack at epsilon", Side.UPPER),
    formula=normal_cdf(_UPPER) - exp(epsilon) * normal_cdf(_LOWER),
    rests_on=("probability.gaussian-rotation", "probability.likelihood-ratio", "calculus.chain-rule"),
    source="Balle & Wang, ICML 2018, Theorem 8; Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Corollary 2.13; own proof",
    proof=AlgebraicProof(
        target="delta",
        variables={
            "delta": "the least additive slack: the supremum over events of P(A) - exp(epsilon) Q(A)",
            "r": "distance of the means in units of sigma",
            "threshold": "the point at which the log-likelihood ratio of N(r, 1) to N(0, 1) equals epsilon",
        },
        terms={
            "P": normal_cdf(_UPPER), "Q": normal_cdf(_LOWER), "ratio": exp(epsilon),
            "P0": normal_cdf(r - threshold), "Q0": normal_cdf(-threshold),
        },
        facts=(
            Fact("scaled", "==0", r * sigma - sensitivity, ("probability.gaussian-rotation",), "one dimension and unit variance suffice"),
            Fact(
                "level", "==0", r * threshold - Fraction(1, 2) * r**2 - epsilon, ("probability.likelihood-ratio",),
                "the log-ratio at the threshold is epsilon",
            ),
            Fact(
                "attained", ">=0", normal_cdf(r - threshold) - exp(epsilon) * normal_cdf(-threshold) - delta,
                ("probability.likelihood-ratio",), "the supremum is attained at the half-line above the threshold",
            ),
        ),
        congruences=(
            Congruence(
                "same P", "P", "P0", Step(equations=((2 * sigma**2, "level"), (r * sigma - sensitivity - 2 * sigma * threshold, "scaled"))),
            ),
            Congruence(
                "same Q", "Q", "Q0", Step(equations=((2 * sigma**2, "level"), (r * sigma + sensitivity - 2 * sigma * threshold, "scaled"))),
            ),
        ),
        steps=(Step((Term(1, 1, ("attained",)),), ((1, "same P"), (-exp(epsilon), "same Q"))),),
        witness={
            "epsilon": 1, "sensitivity": 1, "sigma": 1, "delta": Fraction(1, 10), "r": 1, "threshold": Fraction(3, 2),
            "P": Fraction(2, 5), "P0": Fraction(2, 5), "Q": Fraction(1, 10), "Q0": Fraction(1, 10), "ratio": 3,
        },
    ),
    false_sibling=FalseSibling(
        "one per cent less (the bound is attained)", Fraction(99, 100) * (normal_cdf(_UPPER) - exp(epsilon) * normal_cdf(_LOWER))
    ),
)  # fmt: skip

MU = Theorem(
    id="gaussian.mu",
    statement="Gaussian noise of scale sigma on means at distance at most the sensitivity is mu-GDP with mu = sensitivity / sigma.",
    hypotheses=(SENSITIVITY, SIGMA),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sensitivity / sigma,
    rests_on=("probability.gaussian-rotation",),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Theorem 2.7; own proof",
    proof=AlgebraicProof(
        target="mu",
        variables={"mu": "distance of the means in units of the noise", "d": "distance of the means", "s": "standard deviation of the noise"},
        facts=(
            Fact("scaled", "==0", mu * s - d, ("probability.gaussian-rotation",), "the pair is equivalent to N(d/s, 1), N(0, 1)"),
            Fact("order", ">=0", mu, ("probability.gaussian-rotation",), "the larger mean comes first"),
            Fact("near", ">=0", sensitivity - d, ("hypothesis:sensitivity",), "the number given covers the distance"),
            Fact("noise", ">=0", s - sigma, ("hypothesis:sigma",), "the noise is at least sigma"),
        ),
        steps=(Step((Term(1, 1, ("near",)), Term(1, 1, ("order", "noise"))), ((-1, "scaled"),)),),
        witness={"sensitivity": 1, "sigma": 1, "mu": 1, "d": 1, "s": 1},
    ),
    false_sibling=FalseSibling(
        "half of the parameter", sensitivity / (2 * sigma), counterexample={"sensitivity": 1, "sigma": 1, "mu": 1, "d": 1, "s": 1}
    ),
)  # fmt: skip

COMPOSITION = Theorem(
    id="gaussian.composition",
    statement="Releases that are first-GDP and second-GDP, the second perhaps depending on the outcome of the first, are together mu-GDP.",
    hypotheses=(
        Hypothesis("first", "Gaussian parameter of the first release", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "Gaussian parameter of the second release, whatever the first returned", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=_ROOT,
    rests_on=("privacy.tradeoff-composition", "probability.gaussian-rotation"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Corollary 3.3; own proof from the general composition theorem",
    proof=AlgebraicProof(
        target="mu",
        variables={
            "mu": "distance of the pair of means (a, b) and (0, 0) in the plane",
            "a": "Gaussian parameter of the first release",
            "b": "Gaussian parameter of the second release",
        },
        terms={"root": _ROOT},
        facts=(
            Fact("first at least zero", ">=0", a, ("probability.gaussian-rotation",), "the larger mean comes first"),
            Fact("second at least zero", ">=0", b, ("probability.gaussian-rotation",), "the larger mean comes first"),
            Fact(
                "rotation", "==0", mu**2 - a**2 - b**2, ("privacy.tradeoff-composition", "probability.gaussian-rotation"),
                "the product of the two Gaussian pairs is one Gaussian pair at distance mu",
            ),
            Fact("first covers", ">=0", first - a, ("hypothesis:first",), "the number given covers a"),
            Fact("second covers", ">=0", second - b, ("hypothesis:second",), "the number given covers b"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("first covers", "first")), Term(1, 1, ("first covers", "first at least zero")),
                    Term(1, 1, ("second covers", "second")), Term(1, 1, ("second covers", "second at least zero")),
                ),
                ((1, "root^2"), (-1, "rotation")),
                name="squares", slack=_ROOT**2 - mu**2,
            ),
            by_squares(_ROOT, mu, "squares"),
        ),
        witness={"first": 3, "second": 4, "mu": 5, "a": 3, "b": 4},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first, second), counterexample={"first": 3, "second": 4, "mu": 5, "a": 3, "b": 4}
    ),
)  # fmt: skip

THEOREMS = (PROFILE, MU, COMPOSITION)
