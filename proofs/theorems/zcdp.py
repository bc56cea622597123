"""Zero-concentrated privacy: one number for the Rényi divergences of all orders."""

from __future__ import annotations

from fractions import Fraction

from ..expression import log, maximum, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .conversion import ALLOWED_DELTA, LEAST_EPSILON
from .vocabulary import ABOVE_ONE, ORDER, RENYI, SENSITIVITY, SIGMA

rho, order, delta, exponent, sensitivity, sigma, first, second, epsilon = symbols(
    "rho order delta exponent sensitivity sigma first second epsilon"
)
v, r, d, a, e, m = symbols("v r d a e m")

PARAMETER = Conclusion("rho", "least rho with Rényi divergence at most rho times the order, at every order above one", Side.UPPER)
RHO = Hypothesis("rho", "at or above the zCDP parameter of the two laws", Side.UPPER, Domain.NONNEGATIVE)

ORDERS = (
    Fact("order above 1", ">0", a - 1, ("privacy.zero-concentrated",), "orders above one"),
    Fact("order above 0", ">0", a, ("privacy.zero-concentrated",), "orders above one"),
)
MEANING = {"a": "any order", "d": "Rényi divergence at that order"}
ANY_ORDER = Fact(
    "any order", "==0", a * v - d, ("privacy.zero-concentrated",), "v is d/a; the parameter is the supremum of these ratios"
)

GAUSSIAN = Theorem(
    id="zcdp.gaussian",
    statement="Gaussian noise of scale sigma on means at distance at most the sensitivity is rho-zCDP with rho = sensitivity²/(2 sigma²).",
    hypotheses=(SENSITIVITY, SIGMA),
    conclusion=PARAMETER,
    formula=sensitivity**2 / (2 * sigma**2),
    rests_on=("renyi.gaussian", "privacy.zero-concentrated"),
    source="Bun & Steinke, TCC 2016, Proposition 1.6; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence over the order, at any order", **MEANING},
        facts=(*ORDERS, ANY_ORDER),
        citations=(Citation("at the order", "renyi.gaussian", d, {"order": a, "sensitivity": sensitivity, "sigma": sigma}, "at the same order"),),
        steps=(Step((Term(1, 1, ("at the order",)),), ((-2 * sigma**2, "any order"),), ("order above 0",)),),
        witness={"sensitivity": 2, "sigma": 1, "v": 2, "a": 2, "d": 4},
    ),
    false_sibling=FalseSibling(
        "half of it", sensitivity**2 / (4 * sigma**2), counterexample={"sensitivity": 2, "sigma": 1, "v": 2, "a": 2, "d": 4}
    ),
)  # fmt: skip

PURE = Theorem(
    id="zcdp.pure",
    statement="Laws that are (epsilon, 0)-indistinguishable in both directions are rho-zCDP with rho = epsilon²/2.",
    hypotheses=(
        Hypothesis("epsilon", "logarithmic ratio of the two laws, with no additive slack and in both directions", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=PARAMETER,
    formula=epsilon**2 / 2,
    rests_on=(
        "privacy.zero-concentrated", "privacy.renyi-divergence", "privacy.indistinguishable", "probability.hoeffding-lemma", "probability.expectation",
        "analysis.exponential-law",
    ),
    source="Bun & Steinke, TCC 2016, Proposition 1.4; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Rényi divergence of the one law from the other over the order, at any order", **MEANING,
            "r": "mean under the one law of the logarithm of its likelihood ratio to the other",
            "e": "logarithm of the mean under the one law of the inverse of that ratio",
            "m": "logarithm of the mean under the one law of that ratio to the power of the order less one",
        },
        facts=(
            *ORDERS, ANY_ORDER,
            Fact(
                "moment", "==0", m - (a - 1) * d, ("privacy.renyi-divergence", "probability.expectation"),
                "the mean under the other law of the ratio to the power a is that under the one law to the power a - 1",
            ),
            Fact("total", "==0", e, ("probability.expectation", "analysis.exponential-law"), "the mean of the inverse ratio is the whole of the other law"),
            Fact(
                "inverse", ">=0", epsilon**2 / 2 - e - r,
                ("probability.hoeffding-lemma", "privacy.indistinguishable", "analysis.exponential-law", "hypothesis:epsilon"),
                "the logarithm lies between -epsilon and epsilon; Hoeffding's lemma for what it falls short of its mean r",
            ),
            Fact(
                "tilted", ">=0", (a - 1) ** 2 * epsilon**2 / 2 + (a - 1) * r - m,
                ("probability.hoeffding-lemma", "privacy.indistinguishable", "analysis.exponential-law", "hypothesis:epsilon"),
                "the same for a - 1 times what it exceeds its mean by",
            ),
        ),
        steps=(
            Step(
                (Term(1, 1, ("tilted",)), Term(1, 1, ("order above 1", "inverse"))),
                ((2, "moment"), (2 * (a - 1), "total"), (2 * (1 - a), "any order")),
                ("order above 0", "order above 1"),
            ),
        ),
        witness={"epsilon": 1, "v": Fraction(1, 2), "a": 2, "d": 1, "r": Fraction(1, 2), "e": 0, "m": 1},
    ),
    false_sibling=FalseSibling(
        "half of it", epsilon**2 / 4, counterexample={"epsilon": 1, "v": Fraction(1, 2), "a": 2, "d": 1, "r": Fraction(1, 2), "e": 0, "m": 1}
    ),
)  # fmt: skip

COMPOSITION = Theorem(
    id="zcdp.composition",
    statement="zCDP parameters add up over releases, also when the second depends on the outcome of the first.",
    hypotheses=(
        Hypothesis("first", "at or above the zCDP parameter of the first release", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "at or above the zCDP parameter of the second, whatever the first returned", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=PARAMETER,
    formula=first + second,
    rests_on=("renyi.composition", "zcdp.renyi", "privacy.zero-concentrated", "privacy.renyi-divergence"),
    source="Bun & Steinke, TCC 2016, Lemma 1.7; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "Rényi divergence of both releases over the order, at any order", **MEANING,
            "r": "Rényi divergence of the first release at that order", "e": "that of the second release, whatever the first returned",
        },
        facts=(
            *ORDERS, ANY_ORDER,
            Fact("r at least 0", ">=0", r, ("privacy.renyi-divergence",), "a divergence is nonnegative"),
            Fact("e at least 0", ">=0", e, ("privacy.renyi-divergence",), "a divergence is nonnegative"),
        ),
        citations=(
            Citation("of the first", "zcdp.renyi", r, {"order": a, "rho": first}, "the first release at the order"),
            Citation("of the second", "zcdp.renyi", e, {"order": a, "rho": second}, "the second release at the order"),
            Citation("at the order", "renyi.composition", d, {"first": r, "second": e}, "both releases at the order"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("at the order",)), Term(1, 1, ("of the first",)), Term(1, 1, ("of the second",))),
                ((-1, "any order"),), ("order above 0",),
            ),
        ),
        witness={"first": 1, "second": 1, "v": 2, "a": 2, "d": 4, "r": 2, "e": 2},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first, second),
        counterexample={"first": 1, "second": 1, "v": 2, "a": 2, "d": 4, "r": 2, "e": 2},
    ),
)  # fmt: skip

AT_ONE_ORDER = Theorem(
    id="zcdp.renyi",
    statement="Two rho-zCDP laws have a Rényi divergence of at most rho times the order, at every order above one.",
    hypotheses=(ORDER, RHO),
    side_conditions=(ABOVE_ONE,),
    conclusion=RENYI,
    formula=order * rho,
    rests_on=("privacy.zero-concentrated",),
    source="Bun & Steinke, TCC 2016, Definition 1.1",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "Rényi divergence at the order", "r": "zCDP parameter of the two laws"},
        facts=(
            Fact("definition", ">=0", order * r - d, ("privacy.zero-concentrated",), "the definition, at this order"),
            Fact("covers", ">=0", rho - r, ("hypothesis:rho",), "the number given covers r"),
        ),
        steps=(Step((Term(1, 1, ("definition",)), Term(1, 1, ("order", "covers")))),),
        witness={"order": 2, "rho": 1, "d": 2, "r": 1},
    ),
    false_sibling=FalseSibling("rho at every order", rho + 0 * order, counterexample={"order": 2, "rho": 1, "d": 2, "r": 1}),
)  # fmt: skip

APPROXIMATE = Theorem(
    id="zcdp.approximate",
    statement=(
        "Two rho-zCDP laws are (epsilon, delta)-indistinguishable with epsilon = a rho + log(1 - 1/a) - log(delta a)/(a - 1), "
        "for any one order a > 1 that the caller chooses."
    ),
    hypotheses=(ORDER, RHO, ALLOWED_DELTA),
    side_conditions=(ABOVE_ONE,),
    conclusion=LEAST_EPSILON,
    formula=order * rho + log((order - 1) / order) - log(delta * order) / (order - 1),
    rests_on=("zcdp.renyi", "renyi.approximate", "privacy.renyi-divergence"),
    source="Canonne, Kamath & Steinke, NeurIPS 2020, Corollary 13; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "a number at which P(A) - exp(e) Q(A) reaches delta for some event", "d": "the greater of the two Rényi divergences at the order",
        },
        terms={"share": log((order - 1) / order), "level": log(delta * order)},
        facts=(Fact("d at least 0", ">=0", d, ("privacy.renyi-divergence",), "a divergence is nonnegative"),),
        citations=(
            Citation("at the order", "zcdp.renyi", d, {"order": order, "rho": rho}, "the divergence at the order"),
            Citation("sharp", "renyi.approximate", e, {"order": order, "divergence": d, "delta": delta}, "from that order to (epsilon, delta)"),
        ),
        steps=(Step((Term(1, 1, ("condition:0", "order", "at the order")), Term(1, 1, ("order", "sharp"))), (), ("order",)),),
        witness={"order": 2, "rho": Fraction(1, 2), "delta": Fraction(1, 2), "d": 1, "e": 0, "share": -1, "level": 0},
    ),
    false_sibling=FalseSibling(
        "rho at every order", rho + log((order - 1) / order) - log(delta * order) / (order - 1),
        counterexample={"order": 2, "rho": Fraction(1, 2), "delta": Fraction(1, 10), "d": 1, "e": Fraction(19, 10)},
    ),
)  # fmt: skip

_ROOT = sqrt(rho * exponent)

CLOSED_FORM = Theorem(
    id="zcdp.closed-form",
    statement="Two rho-zCDP laws are (rho + 2 sqrt(rho log(1/delta)), delta)-indistinguishable; no order has to be chosen, and a little is lost.",
    hypotheses=(
        Hypothesis("rho", "at or above the zCDP parameter of the two laws", Side.UPPER, Domain.POSITIVE),
        Hypothesis("exponent", "at or above log(1/delta), where delta < 1 is the additive slack that is allowed", Side.UPPER, Domain.POSITIVE),
    ),
    conclusion=LEAST_EPSILON,
    formula=rho + 2 * _ROOT,
    rests_on=("zcdp.renyi", "renyi.simple", "privacy.renyi-divergence", "privacy.zero-concentrated", "analysis.exponential-law"),
    source="Bun & Steinke, TCC 2016, Proposition 1.3; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={
            "e": "a number at which P(A) - exp(e) Q(A) reaches delta for some event",
            "a": "the order 1 + sqrt(log(1/delta)/rho)",
            "d": "the greater of the two Rényi divergences at that order",
            "delta": "the additive slack that is allowed",
        },
        terms={"root": _ROOT, "level": log(delta)},
        facts=(
            *ORDERS,
            Fact("choice", "==0", (a - 1) * rho - _ROOT, ("privacy.zero-concentrated",), "the bound holds at every order above one, so also at this"),
            Fact("d at least 0", ">=0", d, ("privacy.renyi-divergence",), "a divergence is nonnegative"),
            Fact("delta above 0", ">0", delta, ("analysis.exponential-law",), "an exponential"),
            Fact("allowed", ">=0", exponent + log(delta), ("analysis.exponential-law", "hypothesis:exponent"), "log(1/delta) is -log(delta)"),
        ),
        citations=(
            Citation("at the order", "zcdp.renyi", d, {"order": a, "rho": rho}, "the divergence at that order"),
            Citation("simple", "renyi.simple", e, {"order": a, "divergence": d, "delta": delta}, "from that order to (epsilon, delta)"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("rho", "simple")), Term(1, 1, ("rho", "order above 1", "at the order")), Term(1, 1, ("rho", "allowed")),
                ),
                ((_ROOT - (a - 1) * rho, "choice"), (1, "root^2")),
                ("rho", "order above 1"),
            ),
        ),
        witness={"rho": 1, "exponent": 1, "e": 3, "a": 2, "d": 2, "delta": Fraction(1, 2), "level": -1},
    ),
    false_sibling=FalseSibling(
        "the root once", rho + _ROOT,
        counterexample={"rho": 1, "exponent": 1, "e": Fraction(29, 10), "a": 2, "d": 2, "delta": Fraction("0.36787944117144233")},
    ),
)  # fmt: skip

THEOREMS = (AT_ONE_ORDER, GAUSSIAN, PURE, COMPOSITION, APPROXIMATE, CLOSED_FORM)
