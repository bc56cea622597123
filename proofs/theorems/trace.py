"""Traces and sums of squares from random Gaussian vectors: the probability that an estimate is far from the truth."""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, log, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem

m, share, deviation, square_sum, spectral = symbols("m share deviation square_sum spectral")
p, g, c, up, down = symbols("p g c up down")
product, product_next, product_first, product_last = symbols("product product_next product_first product_last")
part, part_next, part_first, part_last = symbols("part part_next part_first part_last")
mean, mean_next, mean_first, mean_last = symbols("mean mean_next mean_first mean_last")
power, power_next, power_first, power_last = symbols("power power_next power_first power_last")
squares, squares_next, squares_first, squares_last = symbols("squares squares_next squares_first squares_last")
rise, rise_next, rise_first, rise_last = symbols("rise rise_next rise_first rise_last")

PROBES = Hypothesis(
    "m", "number of independent probes w of law N(0, I), one at least, drawn after A is fixed", Side.EXACT, Domain.COUNT, "probes"
)
DEVIATION = Hypothesis("deviation", "how far the estimate is from the trace", Side.EXACT, Domain.POSITIVE, "curvature")
SQUARE_SUM = Hypothesis("square_sum", "at or above the squared Frobenius norm of A", Side.UPPER, Domain.POSITIVE, "curvature²")
SPECTRAL = Hypothesis("spectral", "at or above the spectral norm of A", Side.UPPER, Domain.NONNEGATIVE, "curvature")

# ---------------------------------------------------------------- one-sided, for semidefinite matrices

_CHERNOFF = exp(m * (1 - share + log(share)) / 2)
_LIFT, _HALF = exp(m * (1 - share) / 2), exp(m * log(share) / 2)
_EIGENVALUES, _SQUARES = ("linalg.eigenvalue-sums",), ("probability.gaussian-squares",)


def _chernoff(
    identifier: str, statement: str, event: str, turn: int, point: dict[str, Fraction | int], terms: dict[str, Fraction | int]
) -> Theorem:
    """Markov's inequality for exp(-turn s T), whose mean is greatest where A has rank one: ``turn`` is 1 for x < 1 and -1 for x > 1."""
    sign, side = ("+", "<") if turn > 0 else ("-", ">")
    return Theorem(
        id=identifier,
        statement=statement,
        hypotheses=(PROBES, Hypothesis("share", f"the number x {side} 1 by which the estimate is divided", Side.EXACT, Domain.POSITIVE)),
        conclusion=Conclusion("failure", f"probability that {event}", Side.UPPER),
        formula=_CHERNOFF,
        rests_on=(
            "probability.markov", "probability.gaussian-squares", "probability.gaussian-rotation", "linalg.eigenvalue-sums", "analysis.exponential-law",
        ),
        source="own derivation; Roosta-Khorasani & Ascher, Found. Comput. Math. 15 (2015) 1187-1212, for the method",
        side_conditions=(Relation(">0", 1 - share, "x < 1") if turn > 0 else Relation(">0", share - 1, "x > 1"),),
        proof=AlgebraicProof(
            target="p",
            variables={
                "p": f"probability that {event}",
                "g": f"E exp({'-' if turn > 0 else ''}s w · A w/m) for one probe, where s = m |1/x - 1|/(2 tr A)",
            },
            sequences=(
                Sequence("product", "product_next", "product_first", "product_last", f"product of 1 {sign} 2 s (eigenvalue)/m over the first eigenvalues"),
                Sequence("part", "part_next", "part_first", "part_last", "sum of 2 s (eigenvalue)/m over the first eigenvalues of A"),
                Sequence("mean", "mean_next", "mean_first", "mean_last", "g to the number of the first probes"),
                Sequence("power", "power_next", "power_first", "power_last", "x to the number of the first probes"),
            ),
            terms={"log": log(share), "bound": _CHERNOFF, "lift": _LIFT, "half": _HALF},
            facts=(
                Fact("no factor", "==0", product_first - 1, _EIGENVALUES, "the empty product"),
                Fact("next factor", "==0", product_next - product * (1 + turn * (part_next - part)), _EIGENVALUES, "one factor more"),
                Fact("no eigenvalue", "==0", part_first, _EIGENVALUES, "the empty sum"),
                Fact("next eigenvalue", ">=0", part_next - part, _EIGENVALUES, "the eigenvalues of A are nonnegative"),
                Fact(
                    "some factors", ">=0", turn * (product - 1), _EIGENVALUES,
                    "each factor is at least one" if turn > 0 else "each factor is between zero and one, since 2 s tr A/m < 1",
                ),
                Fact("all eigenvalues", "==0", share * (1 + turn * part_last) - 1, _EIGENVALUES, f"1 {sign} 2 s tr A/m = 1/x, by the choice of s"),
                Fact(
                    "one probe", "==0", g**2 * product_last - 1, (*_SQUARES, "probability.gaussian-rotation"),
                    f"g is the product of (1 {sign} 2 s (eigenvalue)/m)^(-1/2)",
                ),
                Fact("no probe", "==0", mean_first - 1, _SQUARES, "the empty product"),
                Fact("next probe", "==0", mean_next - g * mean, _SQUARES, "the mean of a product over independent probes"),
                Fact("power 0", "==0", power_first - 1, ("analysis.exponential-law",), "x^0 = 1"),
                Fact("next power", "==0", power_next - share * power, ("analysis.exponential-law",), "one factor x more"),
                Fact("all powers", "==0", _HALF**2 - power_last, ("analysis.exponential-law",), "exp(m log x) = x^m"),
                Fact("exponents", "==0", _CHERNOFF - _LIFT * _HALF, ("analysis.exponential-law",), "exp(a + b) = exp(a) exp(b)"),
                Fact(
                    "markov", ">=0", _LIFT * mean_last - p, ("probability.markov", *_SQUARES),
                    "then exp(-s T) is at least exp(-s x tr A), and s x tr A = m (1 - x)/2" if turn > 0
                    else "then exp(s T) is at least exp(s x tr A), and s x tr A = m (x - 1)/2",
                ),
            ),
            steps=(
                Induction(
                    "expanded", product - 1 - turn * part,
                    base=(Step((), ((1, "no factor"), (-turn, "no eigenvalue"))),),
                    step=(Step((Term(1, 1, ("expanded",)), Term(1, 1, ("next eigenvalue", "some factors"))), ((1, "next factor"),)),),
                ),
                Step((Term(1, 1, ("share", "expanded")), Term(1, 1)), ((1, "all eigenvalues"),), ("share",), "factors", ">0", product_last),
                Step(
                    (Term(1, 1, ("share", "expanded")),), ((1, "all eigenvalues"), (-1, "one probe")), ("factors",), "one", ">=0", share - g**2,
                ),
                Induction(
                    "probes", power - mean**2,
                    base=(Step((), ((1, "power 0"), (-(mean_first + 1), "no probe"))),),
                    step=(
                        Step(
                            (Term(1, 1, ("share", "probes")), Term(1, mean, ("one",))),
                            ((1, "next power"), (-(mean_next + g * mean), "next probe")),
                        ),
                    ),
                ),
                Step(
                    (Term(1, _LIFT, ("probes",)),), ((_LIFT**2, "all powers"), (_CHERNOFF + _LIFT * _HALF, "exponents")),
                    name="squares", kind=">=0", slack=_CHERNOFF**2 - (_LIFT * mean_last) ** 2,
                ),
                by_squares(_CHERNOFF, _LIFT * mean_last, "squares", extra=((1, "markov"),)),
            ),
            witness={**point, **terms},
        ),
        false_sibling=FalseSibling("the exponent twice", exp(m * (1 - share + log(share))), counterexample=point),
    )  # fmt: skip


CHERNOFF = _chernoff(
    "trace.chernoff",
    "For a positive semidefinite A and T the mean of w · A w over m Gaussian probes, tr A exceeds T/x with probability at most "
    "exp(-(m/2)(x - 1 - log x)), for every x < 1. If A is zero there is nothing to prove.",
    "T is below x tr A", 1,
    {
        "m": 1, "share": Fraction(1, 4), "p": Fraction(7, 10), "g": Fraction(1, 2),
        "product": 1, "product_next": 4, "product_first": 1, "product_last": 4, "part": 0, "part_next": 3, "part_first": 0, "part_last": 3,
        "mean": 1, "mean_next": Fraction(1, 2), "mean_first": 1, "mean_last": Fraction(1, 2),
        "power": 1, "power_next": Fraction(1, 4), "power_first": 1, "power_last": Fraction(1, 4),
    },
    {"log": -1, "lift": Fraction(3, 2), "half": Fraction(1, 2), "bound": Fraction(3, 4)},
)  # fmt: skip
CHERNOFF_BELOW = _chernoff(
    "trace.chernoff-below",
    "For a positive semidefinite A and T the mean of w · A w over m Gaussian probes, tr A is below T/x with probability at most "
    "exp(-(m/2)(x - 1 - log x)), for every x > 1. If A is zero there is nothing to prove.",
    "T exceeds x tr A", -1,
    {
        "m": 1, "share": 4, "p": Fraction(2, 5), "g": 2,
        "product": 1, "product_next": Fraction(1, 4), "product_first": 1, "product_last": Fraction(1, 4),
        "part": 0, "part_next": Fraction(3, 4), "part_first": 0, "part_last": Fraction(3, 4),
        "mean": 1, "mean_next": 2, "mean_first": 1, "mean_last": 2, "power": 1, "power_next": 4, "power_first": 1, "power_last": 4,
    },
    {"log": 1, "lift": Fraction(1, 4), "half": 2, "bound": Fraction(1, 2)},
)  # fmt: skip

_FROBENIUS_POINT: dict[str, Fraction | int] = {"m": 1, "share": Fraction(1, 4), "p": Fraction(7, 10), "up": Fraction(7, 10)}

FROBENIUS = Theorem(
    id="trace.frobenius",
    statement=(
        "For any symmetric A and T the mean of |A w|² over m Gaussian probes, |A|_F² exceeds T/x with probability at most "
        "exp(-(m/2)(x - 1 - log x)), for every x < 1."
    ),
    hypotheses=CHERNOFF.hypotheses,
    conclusion=Conclusion("failure", "probability that the squared Frobenius norm of A exceeds T/x", Side.UPPER),
    formula=_CHERNOFF,
    rests_on=("trace.chernoff", "linalg.eigenvalue-sums"),
    source="own derivation",
    side_conditions=CHERNOFF.side_conditions,
    proof=AlgebraicProof(
        target="p",
        variables={"p": "probability that T < x |A|_F²", "up": "probability that the mean of w · A² w is below x tr(A²)"},
        terms={"log": log(share), "bound": _CHERNOFF},
        facts=(
            Fact("same", "==0", p - up, ("linalg.eigenvalue-sums",), "|A w|² = w · A² w, and |A|_F² = tr(A²), the sum of the squared eigenvalues"),
        ),
        citations=(Citation("squared", "trace.chernoff", up, {"m": m, "share": share}, "for the positive semidefinite A²"),),
        steps=(Step((Term(1, 1, ("squared",)),), ((-1, "same"),)),),
        witness={**_FROBENIUS_POINT, "log": -1, "bound": Fraction(3, 4)},
    ),
    false_sibling=FalseSibling(
        "the exponent twice", exp(m * (1 - share + log(share))), counterexample=_FROBENIUS_POINT
    ),
)  # fmt: skip

# ---------------------------------------------------------------- two-sided, for all symmetric matrices

_SPAN = square_sum + deviation * spectral
_EXPONENT = -(m * deviation**2) / (4 * _SPAN)
_TAIL = exp(_EXPONENT)
_RAISED = m * (rise_last - c * deviation) / 2
_RAISED_TERM = exp(_RAISED)
_DEVIATION_POINT: dict[str, Fraction | int] = {
    "m": 1, "deviation": 1, "square_sum": 1, "spectral": 1, "p": Fraction(4, 5), "c": Fraction(1, 2),
    "squares": 0, "squares_next": 1, "squares_first": 0, "squares_last": 1,
    "rise": 0, "rise_next": Fraction(1, 5), "rise_first": 0, "rise_last": Fraction(1, 5),
}  # fmt: skip

DEVIATION_ABOVE = Theorem(
    id="trace.deviation",
    statement=(
        "For any symmetric A and T the mean of w · A w over m Gaussian probes, T - tr A is e or more with probability at most "
        "exp(-m e²/(4 (|A|_F² + e |A|)))."
    ),
    hypotheses=(PROBES, DEVIATION, SQUARE_SUM, SPECTRAL),
    conclusion=Conclusion("failure", "probability that T exceeds the trace of A by the deviation or more", Side.UPPER),
    formula=_TAIL,
    rests_on=(
        "probability.markov", "probability.gaussian-squares", "probability.gaussian-rotation", "linalg.eigenvalue-sums", "analysis.logarithm-series",
        "analysis.exponential-law",
    ),
    source="Cortinovis & Kressner, Found. Comput. Math. 22 (2022) 875-903, for Gaussian probes; own proof",
    proof=AlgebraicProof(
        target="p",
        variables={"p": "probability that T - tr A is at least the deviation e", "c": "e/(F + e N) with the numbers F and N given for |A|_F² and |A|"},
        sequences=(
            Sequence("squares", "squares_next", "squares_first", "squares_last", "sum of the squares of the first eigenvalues"),
            Sequence("rise", "rise_next", "rise_first", "rise_last", "sum of -log(1 - y) - y over the first eigenvalues, y = c (eigenvalue)"),
        ),
        terms={"bound": _TAIL, "raised": _RAISED_TERM},
        facts=(
            Fact("choice", "==0", c * _SPAN - deviation, ("linalg.eigenvalue-sums",), "what c is"),
            Fact("no square", "==0", squares_first, ("linalg.eigenvalue-sums",), "the empty sum"),
            Fact("no rise", "==0", rise_first, ("linalg.eigenvalue-sums",), "the empty sum"),
            Fact("rising", ">=0", rise_next - rise, ("analysis.logarithm-series",), "-log(1 - y) - y is nonnegative"),
            Fact("positive", ">=0", c, ("linalg.eigenvalue-sums",), "a quotient of positive numbers"),
            Fact(
                "next", ">=0", c**2 * (squares_next - squares) - 2 * (1 - c * spectral) * (rise_next - rise),
                ("analysis.logarithm-series", "hypothesis:spectral"), "-log(1 - y) - y <= y²/(2 (1 - |y|)), and |y| <= c |A|",
            ),
            Fact("all", ">=0", square_sum - squares_last, ("linalg.eigenvalue-sums", "hypothesis:square_sum"), "|A|_F² is the sum of all squares"),
            Fact(
                "markov", ">=0", _RAISED_TERM - p, ("probability.markov", "probability.gaussian-squares", "probability.gaussian-rotation"),
                "with s = m c/2, exp(s (T - tr A)) is at least exp(s e) there, and its mean is exp((m/2) (sum of all -log(1 - y) - y))",
            ),
            Fact(
                "tangent", ">=0", _TAIL - _RAISED_TERM * (1 + _EXPONENT - _RAISED), ("analysis.exponential-law",), "exp(a) >= exp(b) (1 + a - b)",
            ),
        ),
        steps=(
            Induction(
                "summed", c**2 * squares - 2 * (1 - c * spectral) * rise,
                base=(Step((), ((c**2, "no square"), (-2 * (1 - c * spectral), "no rise"))),),
                step=(Step((Term(1, 1, ("summed",)), Term(1, 1, ("next",)))),),
            ),
            Step((Term(1, 1, ("square_sum",)), Term(1, 1, ("deviation", "spectral"))), (), (), "span", ">0", _SPAN),
            Step((Term(1, 1, ("square_sum",)),), ((-spectral, "choice"),), ("span",), "left", ">0", 1 - c * spectral),
            Step(
                (Term(1, 1, ("summed",)), Term(1, c, ("all",))), ((-c, "choice"),), ("left",), "room", ">=0", c * deviation - 2 * rise_last,
            ),
            # 4 (F + e N) times the difference of the exponents is m (F + e N) times the room
            Step(
                (
                    Term(Fraction(1, 8), 1, ("tangent",)), Term(Fraction(1, 4), 1, ("raised", "m", "span", "room")),
                    Term(1, 1, ("span", "markov")),
                ),
                ((Fraction(1, 4) * _RAISED_TERM * m * deviation, "choice"),), ("span",),
            ),
        ),
        witness={**_DEVIATION_POINT, "bound": Fraction(7, 8), "raised": Fraction(4, 5)},
    ),
    false_sibling=FalseSibling("a half instead of a fourth", exp(-(m * deviation**2) / (2 * _SPAN)), counterexample=_DEVIATION_POINT),
)  # fmt: skip

_TWO_SIDED_POINT: dict[str, Fraction | int] = {
    "m": 1, "deviation": 1, "square_sum": 1, "spectral": 1, "p": 1, "up": Fraction(1, 2), "down": Fraction(1, 2),
}  # fmt: skip
_TAIL_VALUES = {"m": m, "deviation": deviation, "square_sum": square_sum, "spectral": spectral}

TWO_SIDED = Theorem(
    id="trace.two-sided",
    statement=(
        "For any symmetric A and T the mean of w · A w over m Gaussian probes, |T - tr A| is e or more with probability at most "
        "2 exp(-m e²/(4 (|A|_F² + e |A|)))."
    ),
    hypotheses=(PROBES, DEVIATION, SQUARE_SUM, SPECTRAL),
    conclusion=Conclusion("failure", "probability that T is off the trace of A by the deviation or more", Side.UPPER),
    formula=2 * _TAIL,
    rests_on=("trace.deviation", "probability.expectation"),
    source="Cortinovis & Kressner, Found. Comput. Math. 22 (2022) 875-903, for Gaussian probes; own proof",
    proof=AlgebraicProof(
        target="p",
        variables={
            "p": "probability that |T - tr A| is at least the deviation", "up": "probability that T - tr A is at least the deviation",
            "down": "probability that tr A - T is at least the deviation",
        },
        terms={"bound": _TAIL},
        facts=(Fact("either", ">=0", up + down - p, ("probability.expectation",), "one of the two happens"),),
        citations=(
            Citation("above", "trace.deviation", up, _TAIL_VALUES, "for A"),
            Citation("below", "trace.deviation", down, _TAIL_VALUES, "for -A, which has the same norms"),
        ),
        steps=(
            Step((Term(1, 1, ("above",)), Term(1, 1, ("below",)), Term(1, 1, ("either",)))),
        ),
        witness={**_TWO_SIDED_POINT, "bound": Fraction(1, 2)},
    ),
    false_sibling=FalseSibling("one of the two sides alone", _TAIL, counterexample=_TWO_SIDED_POINT),
)  # fmt: skip

THEOREMS = (CHERNOFF, CHERNOFF_BELOW, FROBENIUS, DEVIATION_ABOVE, TWO_SIDED)
