"""From a Rényi divergence at one order to (epsilon, delta): one event, and Bernoulli's inequality on it."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, exp, log, symbols
from ..proof import AlgebraicProof, Citation, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem
from .vocabulary import ABOVE_ONE, EPSILON, ORDER

order, divergence, epsilon, delta = symbols("order divergence epsilon delta")
v, e, p, q, u, point = symbols("v e p q u point")

_HALF = Fraction(1, 2)
_LOG_TWO = Fraction("0.6931471805599453")

DIVERGENCE = Hypothesis(
    "divergence", "at or above the Rényi divergence of P from Q at this order", Side.UPPER, Domain.NONNEGATIVE
)

_SHARE = log((order - 1) / order)
_VARIABLES = {
    "p": "probability under P of the event on which the slack is greatest",
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
_EXTREMAL: dict[str, Fraction | int] = {"order": 2, "divergence": _LOG_TWO, "p": 1, "q": _HALF, "u": _HALF, "point": 2}

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

THEOREMS = (PROFILE, APPROXIMATE, SIMPLE)
