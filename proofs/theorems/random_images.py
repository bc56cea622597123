"""The spectral norm of any matrix, from above, by how long the images of a few Gaussian vectors are."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

m, factor, p, g = symbols("m factor p g")
power, power_next, power_first, power_last = symbols("power power_next power_first power_last")
inverse, inverse_next, inverse_first, inverse_last = symbols("inverse inverse_next inverse_first inverse_last")

_FAILURE = exp(-(m * log(factor)))
_DENSITY = ("probability.gaussian-density",)
_WITNESS: dict[str, Fraction | int] = {
    "m": 1, "factor": 2, "p": Fraction(1, 2), "g": Fraction(1, 2), "power": 1, "power_next": Fraction(1, 2), "power_first": 1,
    "power_last": Fraction(1, 2), "inverse": 1, "inverse_next": Fraction(1, 2), "inverse_first": 1, "inverse_last": Fraction(1, 2),
}  # fmt: skip

RANDOM_IMAGES = Theorem(
    id="spectrum.random-images",
    statement=(
        "For any matrix A and independent vectors w of law N(0, I), |A| exceeds a sqrt(2/pi) times the greatest of m norms |A w| with probability at most "
        "a^(-m), for every a > 1."
    ),
    hypotheses=(
        Hypothesis("m", "number of independent vectors w of law N(0, I), one at least, drawn after A is fixed", Side.EXACT, Domain.COUNT, "probes"),
        Hypothesis("factor", "the number a", Side.EXACT, Domain.POSITIVE),
    ),
    conclusion=Conclusion("failure", "probability that |A| exceeds a sqrt(2/pi) times the greatest |A w|", Side.UPPER),
    formula=_FAILURE,
    rests_on=(
        "probability.gaussian-density", "probability.gaussian-rotation", "probability.expectation", "linalg.operator-norm", "linalg.cauchy-schwarz",
        "analysis.exponential-law",
    ),
    source="Halko, Martinsson & Tropp, SIAM Rev. 53 (2011) 217-288, Lemma 4.1; own proof",
    side_conditions=(Relation(">0", factor - 1, "a > 1"),),
    proof=AlgebraicProof(
        target="p",
        variables={"p": "probability that all |A w| are below sqrt(pi/2) |A|/a", "g": "probability that one is"},
        sequences=(
            Sequence("power", "power_next", "power_first", "power_last", "probability that the first few are"),
            Sequence("inverse", "inverse_next", "inverse_first", "inverse_last", "a to the number of these, inverted"),
        ),
        terms={"log": log(factor), "bound": _FAILURE},
        facts=(
            Fact(
                "one", ">=0", 1 - factor * g,
                (*_DENSITY, "probability.gaussian-rotation", "linalg.operator-norm", "linalg.cauchy-schwarz"),
                "|A w| is at least |A| |u . w| for a unit vector u, u . w is standard normal, and its density is at most 1/sqrt(2 pi)",
            ),
            Fact("chance", ">=0", power, ("probability.expectation",), "a probability"),
            Fact("all", ">=0", power_last - p, ("probability.gaussian-rotation",), "the vectors are independent"),
            Fact("none", "==0", power_first - 1, ("probability.expectation",), "nothing is asked"),
            Fact("next", "==0", power_next - g * power, ("probability.gaussian-rotation",), "the vectors are independent"),
            Fact("inverse 0", "==0", inverse_first - 1, ("analysis.exponential-law",), "a^0 = 1"),
            Fact("next inverse", "==0", factor * inverse_next - inverse, ("analysis.exponential-law",), "one factor more"),
            Fact("all inverses", "==0", _FAILURE - inverse_last, ("analysis.exponential-law",), "exp(-m log a) = a^(-m)"),
        ),
        steps=(
            Induction(
                "within", inverse - power,
                base=(Step((), ((1, "inverse 0"), (-1, "none"))),),
                step=(
                    Step((Term(1, 1, ("within",)), Term(1, 1, ("chance", "one"))), ((1, "next inverse"), (-factor, "next")), ("factor",)),
                ),
            ),
            Step((Term(1, 1, ("within",)), Term(1, 1, ("all",))), ((1, "all inverses"),)),
        ),
        witness={**_WITNESS, "log": 1, "bound": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling("twice the exponent", exp(-(2 * m * log(factor))), counterexample=_WITNESS),
)  # fmt: skip

THEOREMS = (RANDOM_IMAGES,)
