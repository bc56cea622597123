"""The Gaussian mechanism: its privacy profile, its parameter, and its composition."""

from __future__ import annotations

from ..expression import exp, normal_cdf, sqrt, symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Theorem
from .vocabulary import SENSITIVITY, SIGMA

epsilon, sensitivity, sigma, first, second = symbols("epsilon sensitivity sigma first second")

_MU = Conclusion("mu", "parameter of Gaussian differential privacy: the two laws are at least as close as N(0, 1) and N(mu, 1)", Side.UPPER)

PROFILE = Theorem(
    id="gaussian.profile",
    statement=(
        "Two Gaussian laws N(v, sigma² I), N(v', sigma² I) with |v - v'| at most the sensitivity are indistinguishable at (epsilon, delta) "
        "with this delta, in both directions; at equal distance no smaller delta will do."
    ),
    hypotheses=(
        Hypothesis("epsilon", "the logarithmic ratio that is allowed", Side.LOWER, Domain.NONNEGATIVE),
        SENSITIVITY,
        SIGMA,
    ),
    conclusion=Conclusion("delta", "the least additive slack at epsilon", Side.UPPER),
    formula=normal_cdf(sensitivity / (2 * sigma) - epsilon * sigma / sensitivity)
    - exp(epsilon) * normal_cdf(-(sensitivity / (2 * sigma)) - epsilon * sigma / sensitivity),
    rests_on=("probability.gaussian-rotation", "probability.likelihood-ratio", "calculus.chain-rule"),
    source="Balle & Wang, ICML 2018, Theorem 8; Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Corollary 2.13; own proof",
)

MU = Theorem(
    id="gaussian.mu",
    statement="Gaussian noise of scale sigma on means at distance at most the sensitivity is mu-GDP with mu = sensitivity / sigma.",
    hypotheses=(SENSITIVITY, SIGMA),
    conclusion=_MU,
    formula=sensitivity / sigma,
    rests_on=("probability.gaussian-rotation",),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Theorem 2.7; own proof",
)

COMPOSITION = Theorem(
    id="gaussian.composition",
    statement="Releases that are first-GDP and second-GDP, the second perhaps depending on the outcome of the first, are together mu-GDP.",
    hypotheses=(
        Hypothesis("first", "Gaussian parameter of the first release", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "Gaussian parameter of the second release, whatever the first returned", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=_MU,
    formula=sqrt(first**2 + second**2),
    rests_on=("privacy.tradeoff-composition", "probability.gaussian-rotation"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Corollary 3.3; own proof from the general composition theorem",
)

THEOREMS = (PROFILE, MU, COMPOSITION)
