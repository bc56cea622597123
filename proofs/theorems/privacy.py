"""What follows from Gaussian parameters: the best attack, chains of laws, groups of records."""

from __future__ import annotations

from fractions import Fraction

from ..expression import maximum, normal_cdf, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import GAUSSIAN_PARAMETER, MU_HYPOTHESIS, TOTAL_VARIATION

mu, members, first, second, v, r, x, y, z = symbols("mu members first second v r x y z")
gap, gap_next, gap_first, gap_last, j, j_next, j_first, j_last = symbols(
    "gap gap_next gap_first gap_last j j_next j_first j_last"
)

_HALF_MASS = Fraction("0.38292492254802624")  # 2 Phi(1/2) - 1

GAUSSIAN_TOTAL_VARIATION = Theorem(
    id="gaussian.total-variation",
    statement="No test tells two mu-GDP laws apart with an advantage above 2 Phi(mu/2) - 1; two Gaussian laws attain it.",
    hypotheses=(MU_HYPOTHESIS,),
    conclusion=TOTAL_VARIATION,
    formula=2 * normal_cdf(mu / 2) - 1,
    rests_on=("privacy.gaussian-parameter", "probability.likelihood-ratio", "probability.gaussian-rotation", "calculus.chain-rule"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), section 2.1; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "greatest difference of the two probabilities of an event", "r": "Gaussian parameter of the two laws"},
        terms={"given": normal_cdf(mu / 2), "above": normal_cdf(r / 2), "below": normal_cdf(-(r / 2))},
        facts=(
            Fact(
                "half-lines", ">=0", normal_cdf(r / 2) - normal_cdf(-(r / 2)) - v,
                ("privacy.gaussian-parameter", "probability.likelihood-ratio"),
                "the laws are no easier to tell apart than N(r, 1) and N(0, 1), for which the half-line above r/2 is best",
            ),
            Fact(
                "reflection", "==0", normal_cdf(r / 2) + normal_cdf(-(r / 2)) - 1, ("probability.gaussian-rotation",),
                "N(0, 1) is invariant under reflection",
            ),
            Fact("parameter", ">=0", normal_cdf(mu / 2) - normal_cdf(r / 2), ("calculus.chain-rule", "hypothesis:mu"), "Phi increases and mu covers r"),
        ),
        steps=(Step((Term(1, 1, ("half-lines",)), Term(2, 1, ("parameter",))), ((1, "reflection"),)),),
        witness={"mu": 1, "v": Fraction(1, 3), "r": 1, "given": Fraction(2, 3), "above": Fraction(2, 3), "below": Fraction(1, 3)},
    ),
    false_sibling=FalseSibling(
        "half of it", normal_cdf(mu / 2) - Fraction(1, 2),
        counterexample={"mu": 1, "v": _HALF_MASS, "r": 1},
    ),
)  # fmt: skip

GAUSSIAN_TRIANGLE = Theorem(
    id="gaussian.triangle",
    statement="If P and R are first-GDP, and R and Q are second-GDP, then P and Q are (first + second)-GDP.",
    hypotheses=(
        Hypothesis("first", "Gaussian parameter of the first and the middle law", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "Gaussian parameter of the middle and the last law", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=first + second,
    rests_on=("privacy.gaussian-parameter",),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Theorem 2.14 and its proof; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "greatest increase of the normal quantile of a test's mean from the first law to the last",
            "x": "normal quantile of the mean of that test under the first law",
            "y": "normal quantile of its mean under the middle law",
            "z": "normal quantile of its mean under the last law",
        },
        facts=(
            Fact("gap", "==0", v - z + x, ("privacy.gaussian-parameter",), "the parameter is the greatest gap of the quantiles"),
            Fact("to the middle", ">=0", first + x - y, ("privacy.gaussian-parameter", "hypothesis:first"), "the same test, first against middle law"),
            Fact("from the middle", ">=0", second + y - z, ("privacy.gaussian-parameter", "hypothesis:second"), "the same test, middle against last law"),
        ),
        steps=(Step((Term(1, 1, ("to the middle",)), Term(1, 1, ("from the middle",))), ((-1, "gap"),)),),
        witness={"first": 1, "second": 1, "v": 2, "x": 0, "y": 1, "z": 2},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first, second), counterexample={"first": 1, "second": 1, "v": 2, "x": 0, "y": 1, "z": 2}
    ),
)  # fmt: skip

GAUSSIAN_GROUP = Theorem(
    id="gaussian.group",
    statement="If every step of a chain of laws is mu-GDP, its ends, k steps apart, are (k mu)-GDP: a group of k records pays k mu.",
    hypotheses=(
        MU_HYPOTHESIS,
        Hypothesis("members", "number of steps from one end to the other, the size of the group", Side.UPPER, Domain.COUNT, "records"),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=members * mu,
    rests_on=("gaussian.triangle", "privacy.gaussian-parameter", "arithmetic.recursion"),
    source="Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022), Theorem 2.14 and section 2.5; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Gaussian parameter of the two ends"},
        sequences=(
            Sequence("gap", "gap_next", "gap_first", "gap_last", "Gaussian parameter of the first law and the law after some steps"),
            Sequence("j", "j_next", "j_first", "j_last", "number of steps made"),
        ),
        facts=(
            Fact("gap at least 0", ">=0", gap, ("privacy.gaussian-parameter",), "a parameter is nonnegative"),
            Fact("start", "==0", gap_first, ("privacy.gaussian-parameter",), "a law against itself"),
            Fact("end", "==0", v - gap_last, ("privacy.gaussian-parameter",), "the two ends"),
            Fact("no step", "==0", j_first, ("arithmetic.recursion",), "counting starts at nought"),
            Fact("one more", "==0", j_next - j - 1, ("arithmetic.recursion",), "and goes on by one"),
            Fact("size", ">=0", members - j_last, ("hypothesis:members",), "the number given covers the steps"),
        ),
        citations=(Citation("triangle", "gaussian.triangle", gap_next, {"first": gap, "second": mu}, "first law, law after some steps, next law"),),
        steps=(
            Induction(
                "paid", j * mu - gap,
                base=(Step(equations=((mu, "no step"), (-1, "start"))),),
                step=(Step((Term(1, 1, ("paid",)), Term(1, 1, ("triangle",))), ((mu, "one more"),)),),
            ),
            Step((Term(1, 1, ("paid",)), Term(1, 1, ("mu", "size"))), ((-1, "end"),)),
        ),
        witness={
            "mu": 1, "members": 1, "v": 1, "gap": 0, "gap_next": 1, "gap_first": 0, "gap_last": 1, "j": 0, "j_next": 1, "j_first": 0, "j_last": 1,
        },
    ),
    false_sibling=FalseSibling(
        "sqrt(k) mu, as for a composition, at k = 4", members * mu / 2,
        counterexample={
            "mu": 1, "members": 4, "v": 4, "gap": 1, "gap_next": 2, "gap_first": 0, "gap_last": 4, "j": 1, "j_next": 2, "j_first": 0, "j_last": 4,
        },
    ),
)  # fmt: skip

THEOREMS = (GAUSSIAN_TOTAL_VARIATION, GAUSSIAN_TRIANGLE, GAUSSIAN_GROUP)
