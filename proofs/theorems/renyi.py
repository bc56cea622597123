"""Rényi divergences at one order: Gaussian noise, composition, the weak triangle inequality, and what they say of (epsilon, delta)."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, exp, log, maximum, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import ABOVE_ONE, EPSILON, ORDER, RENYI, SENSITIVITY, SIGMA

order, split, divergence, first, second, sensitivity, sigma, epsilon, delta = symbols(
    "order split divergence first second sensitivity sigma epsilon delta"
)
v, r, d, a, b, m, f, g, e, p, q, u, point = symbols("v r d a b m f g e p q u point")

_HALF = Fraction(1, 2)
_LOG_TWO = Fraction("0.6931471805599453")

DIVERGENCE = Hypothesis(
    "divergence", "at or above the Rényi divergence of P from Q at this order", Side.UPPER, Domain.NONNEGATIVE
)

GAUSSIAN = Theorem(
    id="renyi.gaussian",
    statement="N(v, sigma² I) and N(v', sigma² I) with |v - v'| at most the sensitivity have a Rényi divergence of order a at most a sensitivity²/(2 sigma²).",
    hypotheses=(ORDER, SENSITIVITY, SIGMA),
    side_conditions=(ABOVE_ONE,),
    conclusion=RENYI,
    formula=order * sensitivity**2 / (2 * sigma**2),
    rests_on=(
        "gaussian.mu", "privacy.renyi-divergence", "probability.gaussian-rotation", "probability.likelihood-ratio",
        "probability.gaussian-generating-function",
    ),
    source="Mironov, CSF 2017, Proposition 7; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "Rényi divergence of the two Gaussian laws at this order", "r": "distance of their means in units of the noise"},
        facts=(
            Fact("r at least 0", ">=0", r, ("probability.gaussian-rotation",), "the larger mean comes first"),
            Fact(
                "mean", "==0", (order - 1) * v - _HALF * (order * r) ** 2 + _HALF * order * r**2,
                ("privacy.renyi-divergence", "probability.likelihood-ratio", "probability.gaussian-generating-function"),
                "the mean of exp(a (r x - r²/2)) over x of law N(0, 1), and its logarithm",
            ),
        ),
        citations=(
            Citation("parameter", "gaussian.mu", r, {"sensitivity": sensitivity, "sigma": sigma}, "the pair is equivalent to N(r, 1), N(0, 1)"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("condition:0", "order", "sensitivity", "parameter")),
                    Term(1, 1, ("condition:0", "order", "sigma", "r at least 0", "parameter")),
                ),
                ((-2 * sigma**2, "mean"),),
                ("condition:0",),
            ),
        ),
        witness={"order": 2, "sensitivity": 1, "sigma": 1, "v": 1, "r": 1},
    ),
    false_sibling=FalseSibling(
        "the divergence of order one at every order", sensitivity**2 / (2 * sigma**2),
        counterexample={"order": 2, "sensitivity": 1, "sigma": 1, "v": 1, "r": 1},
    ),
)  # fmt: skip

COMPOSITION = Theorem(
    id="renyi.composition",
    statement="Rényi divergences of one order add up over releases, also when the second depends on the outcome of the first.",
    hypotheses=(
        Hypothesis("first", "at or above the divergence of the first release at the order", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "at or above the divergence of the second at the same order, whatever the first returned", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=RENYI,
    formula=first + second,
    rests_on=("privacy.renyi-divergence", "probability.conditional-densities", "analysis.exponential-law"),
    source="Mironov, CSF 2017, Proposition 1; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "divergence of the two releases together",
            "order": "the order",
            "a": "divergence of the first release",
            "b": "greatest divergence of the second release over outcomes of the first",
            "m": "logarithm of the mean, over both outcomes, of the likelihood ratio to the power of the order",
            "f": "the same logarithm for the first release",
            "g": "the same logarithm for the second release, greatest over outcomes of the first",
        },
        facts=(
            Fact("order above 1", ">0", order - 1, ("privacy.renyi-divergence",), "orders above one"),
            Fact("together", "==0", m - (order - 1) * v, ("privacy.renyi-divergence",), "the definition"),
            Fact("of the first", "==0", f - (order - 1) * a, ("privacy.renyi-divergence",), "the definition"),
            Fact("of the second", "==0", g - (order - 1) * b, ("privacy.renyi-divergence",), "the definition"),
            Fact(
                "in turn", ">=0", f + g - m, ("probability.conditional-densities", "analysis.exponential-law"),
                "likelihood ratios multiply; the inner mean is at most its greatest value, which comes out of the outer one; take logarithms",
            ),
            Fact("first covers", ">=0", first - a, ("hypothesis:first",), "the number given covers a"),
            Fact("second covers", ">=0", second - b, ("hypothesis:second",), "the number given covers b"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("in turn",)), Term(1, 1, ("order above 1", "first covers")), Term(1, 1, ("order above 1", "second covers"))),
                ((1, "together"), (-1, "of the first"), (-1, "of the second")),
                ("order above 1",),
            ),
        ),
        witness={"first": 1, "second": 1, "v": 2, "order": 2, "a": 1, "b": 1, "m": 2, "f": 1, "g": 1},
    ),
    false_sibling=FalseSibling(
        "the larger of the two", maximum(first, second),
        counterexample={"first": 1, "second": 1, "v": 2, "order": 2, "a": 1, "b": 1, "m": 2, "f": 1, "g": 1},
    ),
)  # fmt: skip

TRIANGLE = Theorem(
    id="renyi.triangle",
    statement=(
        "For any p > 1 and 1/p + 1/q = 1: D_a(P|Q) <= (a - 1/p)/(a - 1) D_(p a)(P|R) + D_(q (a - 1/p))(R|Q). The second order is "
        "1 + p (a - 1)/(p - 1). One direction: for the other, exchange P and Q."
    ),
    hypotheses=(
        ORDER,
        Hypothesis("split", "the exponent p of Hölder's inequality", Side.EXACT, Domain.POSITIVE),
        Hypothesis("first", "at or above the divergence of P from R at the order p a", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("second", "at or above the divergence of R from Q at the order 1 + p (a - 1)/(p - 1)", Side.UPPER, Domain.NONNEGATIVE),
    ),
    side_conditions=(ABOVE_ONE, Relation(">0", split - 1, "split > 1")),
    conclusion=RENYI,
    formula=(1 + (split - 1) / (split * (order - 1))) * first + second,
    rests_on=("privacy.renyi-divergence", "probability.holder", "analysis.exponential-law"),
    source="Mironov, CSF 2017, Proposition 11; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "divergence of P from Q at the order a",
            "a": "divergence of P from R at the order p a",
            "b": "divergence of R from Q at the order q (a - 1/p)",
            "m": "logarithm of the mean under Q of the likelihood ratio of P to the power a",
            "f": "logarithm of the mean under R of the likelihood ratio of P to the power p a",
            "g": "logarithm of the mean under Q of the likelihood ratio of R to the power q (a - 1/p)",
        },
        facts=(
            Fact("whole", "==0", m - (order - 1) * v, ("privacy.renyi-divergence",), "the definition"),
            Fact("to R", "==0", f - (order * split - 1) * a, ("privacy.renyi-divergence",), "the definition"),
            Fact(
                "from R", "==0", (split - 1) * g - split * (order - 1) * b, ("privacy.renyi-divergence",),
                "the definition: the order minus one is p (a - 1)/(p - 1)",
            ),
            Fact(
                "holder", ">=0", f + (split - 1) * g - split * m, ("probability.holder", "analysis.exponential-law"),
                "Hölder for (P/R)^a R^(1/p) and (R/Q)^(a - 1/p) Q^(1/q), whose product is P^a Q^(1 - a), in logarithms and times p",
            ),
            Fact("first covers", ">=0", first - a, ("hypothesis:first",), "the number given covers a"),
            Fact("second covers", ">=0", second - b, ("hypothesis:second",), "the number given covers b"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("holder",)),
                    Term(1, 1, ("condition:0", "split", "first covers")), Term(1, 1, ("condition:1", "first covers")),
                    Term(1, 1, ("condition:0", "split", "second covers")),
                ),
                ((split, "whole"), (-1, "to R"), (-1, "from R")),
            ),
        ),
        witness={"order": 2, "split": 2, "first": 4, "second": 3, "v": 8, "a": 4, "b": 2, "m": 8, "f": 12, "g": 4},
    ),
    false_sibling=FalseSibling(
        "the two divergences added, as for a metric", first + second,
        counterexample={"order": 2, "split": 2, "first": 2, "second": 3, "v": 6, "a": 2, "b": 3, "m": 6, "f": 6, "g": 6},
    ),
)  # fmt: skip

# ---------------------------------------------------------------- to (epsilon, delta)

_SHARE = log((order - 1) / order)
_VARIABLES = {
    "p": "probability under P of the event on which P(A) - exp(epsilon) Q(A) is greatest",
    "q": "its probability under Q",
    "u": "mean under Q, over that event, of (likelihood ratio over point) to the power of the order",
    "point": "exp(epsilon) order/(order - 1), the ratio at which the tangent of Bernoulli's inequality touches",
}


def _moment(at: Expression) -> Expression:
    """The moment of the likelihood ratio over ``point``, exp((a - 1) D) / point^a, with epsilon = ``at``."""
    return exp((order - 1) * divergence - order * (at - _SHARE))


def _tail(at: Expression) -> Expression:
    return exp((order - 1) * (divergence - at + _SHARE))


def _facts(at: Expression) -> tuple[Fact, ...]:
    """What is known of the event with the greatest slack at epsilon = ``at``."""
    return (
        Fact(
            "touching",
            "==0",
            (order - 1) * point - order * exp(at),
            ("analysis.bernoulli",),
            "where the tangent touches; any point would do",
        ),
        Fact(
            "bernoulli",
            ">=0",
            point * (u - q) - order * (p - point * q),
            ("analysis.bernoulli", "probability.expectation"),
            "with x = likelihood ratio over point, x^a >= 1 + a (x - 1), in the mean over the event, times point",
        ),
        Fact(
            "moment",
            ">=0",
            _moment(at) - u,
            ("privacy.renyi-divergence", "probability.expectation", "analysis.exponential-law", "hypothesis:divergence"),
            "the mean over the event is at most that over everything, exp((a - 1) D) over point^a",
        ),
        Fact(
            "law",
            "==0",
            order * exp(at) * _moment(at) - (order - 1) * _tail(at),
            ("analysis.exponential-law",),
            "the law of exp, and exp(log((a - 1)/a)) = (a - 1)/a",
        ),
    )


def _mean_on_the_event(at: Expression, slack: Expression) -> tuple[Step, Step]:
    """From Bernoulli's inequality on the event to ``tail - order * slack >= 0`` for ``slack = p - exp(at) q``."""
    return (
        Step(
            (Term(1, 1, ("condition:0", "bernoulli")),),
            ((q - u - order * q, "touching"),),
            ("order",),
            name="on the event",
            slack=exp(at) * u - (order - 1) * slack,
        ),
        Step(
            (Term(1, 1, ("order", "ratio", "moment")), Term(1, 1, ("order", "on the event"))),
            ((-1, "law"),),
            ("condition:0",),
            name="tail bound",
            slack=_tail(at) - order * slack,
        ),
    )


# An event of probability 1 under P and 1/2 under Q, with the likelihood ratio 2 on all of it: D_2 = log 2, every step is an equality.
_EXTREMAL = {"order": 2, "divergence": _LOG_TWO, "p": 1, "q": _HALF, "u": _HALF, "point": 2}

PROFILE = Theorem(
    id="renyi.profile",
    statement=(
        "A Rényi divergence D of P from Q at one order a gives P(A) <= exp(epsilon) Q(A) + delta for every event A, with "
        "delta = exp((a - 1)(D - epsilon)) (1 - 1/a)^a/(a - 1). Any order is valid; an extremal pair attains it."
    ),
    hypotheses=(ORDER, DIVERGENCE, EPSILON),
    side_conditions=(ABOVE_ONE,),
    conclusion=Conclusion("delta", "greatest of P(A) - exp(epsilon) Q(A) over events", Side.UPPER),
    formula=_tail(epsilon) / order,
    rests_on=("privacy.renyi-divergence", "privacy.indistinguishable", "probability.expectation", "analysis.bernoulli", "analysis.exponential-law"),
    source="Canonne, Kamath & Steinke, NeurIPS 2020, Proposition 12; Balle et al., AISTATS 2020; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={"v": "greatest of P(A) - exp(epsilon) Q(A) over events", **_VARIABLES},
        terms={"share": _SHARE, "ratio": exp(epsilon), "whole": _moment(epsilon), "tail": _tail(epsilon)},
        facts=(
            Fact("slack", "==0", v - p + exp(epsilon) * q, ("privacy.indistinguishable",), "the event on which the slack is greatest"),
            *_facts(epsilon),
        ),
        steps=(
            *_mean_on_the_event(epsilon, p - exp(epsilon) * q),
            Step((Term(1, 1, ("tail bound",)),), ((-order, "slack"),)),
        ),
        witness={**_EXTREMAL, "divergence": 1, "epsilon": 0, "v": _HALF, "share": -1, "ratio": 1, "whole": _HALF, "tail": 1},
    ),
    false_sibling=FalseSibling(
        "divided by the order once more", _tail(epsilon) / order**2, counterexample={**_EXTREMAL, "epsilon": 0, "v": _HALF},
    ),
)  # fmt: skip

_EPSILON_SHARP = divergence + _SHARE - log(delta * order) / (order - 1)
ALLOWED_DELTA = Hypothesis("delta", "the additive slack that is allowed", Side.LOWER, Domain.POSITIVE)
LEAST_EPSILON = Conclusion(
    "epsilon",
    "a number e at which P(A) - exp(e) Q(A) reaches delta for some event; for delta < 1 the least that is enough for all",
    Side.UPPER,
)

APPROXIMATE = Theorem(
    id="renyi.approximate",
    statement=(
        "A Rényi divergence D of P from Q at one order a gives P(A) <= exp(epsilon) Q(A) + delta for every event A, with "
        "epsilon = D + log(1 - 1/a) - log(delta a)/(a - 1). Any order is valid; an extremal pair attains it."
    ),
    hypotheses=(ORDER, DIVERGENCE, ALLOWED_DELTA),
    side_conditions=(ABOVE_ONE,),
    conclusion=LEAST_EPSILON,
    formula=_EPSILON_SHARP,
    rests_on=("privacy.renyi-divergence", "privacy.indistinguishable", "probability.expectation", "analysis.bernoulli", "analysis.exponential-law"),
    source="Canonne, Kamath & Steinke, NeurIPS 2020, Proposition 12; Balle et al., AISTATS 2020, Theorem 21; own proof",
    proof=AlgebraicProof(
        target="e",
        variables={"e": "a number at which P(A) - exp(e) Q(A) reaches delta for some event", **_VARIABLES},
        terms={"share": _SHARE, "level": log(delta * order), "ratio": exp(e), "whole": _moment(e), "tail": _tail(e)},
        facts=(
            Fact("reached", ">=0", p - exp(e) * q - delta, ("privacy.indistinguishable", "hypothesis:delta"), "the slack at e is at least the delta given"),
            *_facts(e),
            Fact(
                "tangent", ">=0", delta * order - _tail(e) * (1 + log(delta * order) - (order - 1) * (divergence - e + _SHARE)),
                ("analysis.exponential-law",), "exp(x) >= exp(y) (1 + x - y) with x = log(delta a)",
            ),
        ),
        steps=(
            *_mean_on_the_event(e, p - exp(e) * q),
            Step((Term(1, 1, ("tail bound",)), Term(1, 1, ("order", "reached")), Term(1, 1, ("tangent",))), (), ("tail",)),
        ),
        witness={**_EXTREMAL, "divergence": 1, "delta": _HALF, "e": 0, "share": -1, "level": 0, "ratio": 1, "whole": _HALF, "tail": 1},
    ),
    false_sibling=FalseSibling(
        "log(1 - 1/a) counted twice", _EPSILON_SHARP + _SHARE, counterexample={**_EXTREMAL, "delta": _HALF, "e": 0},
    ),
)  # fmt: skip

SIMPLE = Theorem(
    id="renyi.simple",
    statement="A Rényi divergence D of P from Q at one order a gives P(A) <= exp(epsilon) Q(A) + delta with epsilon = D - log(delta)/(a - 1).",
    hypotheses=(ORDER, DIVERGENCE, ALLOWED_DELTA),
    side_conditions=(ABOVE_ONE,),
    conclusion=LEAST_EPSILON,
    formula=divergence - log(delta) / (order - 1),
    rests_on=("renyi.approximate", "analysis.exponential-law"),
    source="Mironov, CSF 2017, Proposition 3; own proof from the sharp form",
    proof=AlgebraicProof(
        target="e",
        variables={"e": "a number at which P(A) - exp(e) Q(A) reaches delta for some event"},
        terms={"share": _SHARE, "level": log(delta * order), "slack": log(delta), "size": log(order)},
        facts=(
            Fact("law", "==0", log(delta * order) - log(delta) - log(order), ("analysis.exponential-law",), "the law of log"),
            Fact("below one", ">=0", -_SHARE, ("analysis.exponential-law",), "(a - 1)/a is below one"),
        ),
        citations=(
            Citation("sharp", "renyi.approximate", e, {"order": order, "divergence": divergence, "delta": delta}, "the sharp form"),
        ),
        steps=(
            Step((Term(1, 1, ("sharp",)), Term(1, 1, ("size",)), Term(1, 1, ("condition:0", "below one"))), ((1, "law"),)),
        ),
        witness={
            "order": 2, "divergence": 1, "delta": _HALF, "e": 0, "share": -1, "level": 0, "slack": -1, "size": 1,
        },
    ),
    false_sibling=FalseSibling(
        "divided by the order", divergence - log(delta) / order,
        counterexample={"order": 2, "divergence": 0, "delta": Fraction(1, 100), "e": Fraction(3)},
    ),
)  # fmt: skip

THEOREMS = (GAUSSIAN, COMPOSITION, TRIANGLE, PROFILE, APPROXIMATE, SIMPLE)
