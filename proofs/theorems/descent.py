"""Gradient descent: what a step gains, what a small objective says of the gradient, and how distances contract."""

from __future__ import annotations

from fractions import Fraction

from ..expression import maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Split, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import SMOOTHNESS

step_size, smoothness, strong_convexity, gradient, gap, steps, rate, distance, contraction, power = symbols(
    "step_size smoothness strong_convexity gradient gap steps rate distance contraction power"
)
d, v, g, h, inner, s = symbols("d v g h inner s")
z, z_next, z_first, z_last, p, p_next, p_first, p_last = symbols("z z_next z_first z_last p p_next p_first p_last")
f, f_next, f_first, f_last, k, k_next, k_first, k_last = symbols("f f_next f_first f_last k k_next k_first k_last")

STEP_SIZE = Hypothesis("step_size", "the step size", Side.EXACT, Domain.POSITIVE, "parameter²/loss")
SHORT_STEP = Relation(">=0", 2 - smoothness * step_size, "the step size is at most 2 over the smoothness")
CONVEX = Hypothesis(
    "strong_convexity",
    "the objective is strongly convex with at least this constant; zero if it is convex",
    Side.LOWER,
    Domain.NONNEGATIVE,
    "loss/parameter²",
)
_GAIN = step_size * (1 - Fraction(1, 2) * smoothness * step_size)
_LEVEL = sqrt(2 * smoothness * gap)
_MEAN = sqrt(gap / (steps * rate))

DESCENT_STEP = Theorem(
    id="descent.step",
    statement="A gradient step of size eta <= 2/beta lowers the objective by at least eta (1 - beta eta/2) |grad|².",
    hypotheses=(
        Hypothesis("gradient", "at or below the norm of the gradient before the step", Side.LOWER, Domain.NONNEGATIVE, "loss/parameter"),
        STEP_SIZE,
        SMOOTHNESS,
    ),
    conclusion=Conclusion("decrease", "objective before the step less objective after it", Side.LOWER, "loss"),
    formula=_GAIN * gradient**2,
    rests_on=("calculus.descent-lemma", "linalg.cauchy-schwarz"),
    source="Nesterov, Introductory Lectures on Convex Optimization (2004), section 1.2.3; own proof",
    side_conditions=(SHORT_STEP,),
    proof=AlgebraicProof(
        target="v",
        variables={"v": "objective before the step less objective after it", "g": "norm of the gradient before the step"},
        facts=(
            Fact("known", ">=0", g - gradient, ("linalg.cauchy-schwarz", "hypothesis:gradient"), "the number given is at most the norm"),
            Fact(
                "descent", ">=0", v - step_size * g**2 + Fraction(1, 2) * smoothness * (step_size * g) ** 2,
                ("calculus.descent-lemma", "hypothesis:smoothness"), "the descent lemma for the step -eta grad",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("descent",)),
                    Term(Fraction(1, 2), 1, ("step_size", "condition:0", "known", "known")),
                    Term(1, 1, ("step_size", "condition:0", "known", "gradient")),
                ),
            ),
        ),
        witness={"gradient": 1, "step_size": 1, "smoothness": 1, "v": 1, "g": 1},
    ),
    false_sibling=FalseSibling(
        "the curvature forgotten", step_size * gradient**2,
        counterexample={"gradient": 1, "step_size": 1, "smoothness": 1, "v": Fraction(1, 2), "g": 1},
    ),
)  # fmt: skip

GRADIENT_NORM = Theorem(
    id="descent.gradient-norm",
    statement="Where an objective is within a gap of its infimum, its gradient has a norm of at most sqrt(2 beta gap).",
    hypotheses=(
        Hypothesis("gap", "at or above the objective less its infimum", Side.UPPER, Domain.NONNEGATIVE, "loss"),
        Hypothesis(
            "smoothness", "the gradient of the objective is Lipschitz with at most this constant", Side.UPPER, Domain.POSITIVE, "loss/parameter²"
        ),
    ),
    conclusion=Conclusion("residual", "norm of the gradient", Side.UPPER, "loss/parameter"),
    formula=_LEVEL,
    rests_on=("calculus.descent-lemma", "numbers.division"),
    source="Nesterov, Introductory Lectures on Convex Optimization (2004), section 1.2.3; own proof",
    proof=AlgebraicProof(
        target="g",
        variables={
            "g": "norm of the gradient", "v": "objective before less objective after a step of size s against the gradient",
            "s": "the inverse of the number given as smoothness",
        },
        terms={"root": _LEVEL},
        facts=(
            Fact("near", ">=0", gap - v, ("hypothesis:gap",), "no step leads below the infimum"),
            Fact("size", "==0", s * smoothness - 1, ("numbers.division",), "what an inverse is"),
            Fact(
                "descent", ">=0", v - s * g**2 + Fraction(1, 2) * smoothness * (s * g) ** 2, ("calculus.descent-lemma", "hypothesis:smoothness"),
                "the descent lemma for the step -s grad",
            ),
        ),
        steps=(
            Step(
                (Term(2, 1, ("smoothness", "near")), Term(2, 1, ("smoothness", "descent"))),
                ((1, "root^2"), ((1 - s * smoothness) * g**2, "size")),
                name="squares", slack=_LEVEL**2 - g**2,
            ),
            by_squares(_LEVEL, g, "squares"),
        ),
        witness={"gap": 2, "smoothness": 1, "g": 2, "v": 2, "s": 1},
    ),
    false_sibling=FalseSibling(
        "the factor two forgotten", sqrt(smoothness * gap), counterexample={"gap": 2, "smoothness": 1, "g": 2, "v": 2, "s": 1}
    ),
)  # fmt: skip

_ONE_STEP: dict[str, Fraction | int] = {
    "gap": 4, "steps": 1, "rate": 1, "g": 2,
    "f": 4, "f_next": 0, "f_first": 4, "f_last": 0, "k": 0, "k_next": 1, "k_first": 0, "k_last": 1,
}  # fmt: skip

LEAST_GRADIENT = Theorem(
    id="descent.least-gradient",
    statement=(
        "Where every one of T steps lowers the objective by at least rate |grad|², one of the iterates before the last has a gradient "
        "of norm at most sqrt(gap/(T rate))."
    ),
    hypotheses=(
        Hypothesis("gap", "at or above the objective at the start less the objective at the end (or its infimum)", Side.UPPER, Domain.NONNEGATIVE, "loss"),
        Hypothesis("steps", "number of steps that were taken", Side.LOWER, Domain.COUNT),
        Hypothesis(
            "rate", "every step lowers the objective by at least this number times |grad|²: eta (1 - beta eta/2), by the descent lemma",
            Side.LOWER, Domain.POSITIVE, "parameter²/loss",
        ),
    ),
    conclusion=Conclusion("residual", "least norm of the gradient at an iterate before the last", Side.UPPER, "loss/parameter"),
    formula=_MEAN,
    rests_on=("arithmetic.recursion",),
    source="Nesterov, Introductory Lectures on Convex Optimization (2004), section 1.2.3; own proof",
    side_conditions=(Relation(">0", steps, "at least one step was taken"),),
    proof=AlgebraicProof(
        target="g",
        variables={"g": "least norm of the gradient at an iterate before the last"},
        sequences=(
            Sequence("f", "f_next", "f_first", "f_last", "objective after t steps"),
            Sequence("k", "k_next", "k_first", "k_last", "the number t of steps taken so far"),
        ),
        terms={"root": _MEAN},
        facts=(
            Fact("whole", ">=0", gap - f_first + f_last, ("hypothesis:gap",), "the number given covers what the run has gained"),
            Fact(
                "gain", ">=0", f - f_next - rate * g**2, ("hypothesis:rate",),
                "a step lowers the objective by rate |grad|², and no gradient is smaller than the least",
            ),
            Fact("none", "==0", k_first, ("arithmetic.recursion",), "no step at the start"),
            Fact("one more", "==0", k_next - k - 1, ("arithmetic.recursion",), "each step counts one"),
            Fact("all", ">=0", k_last - steps, ("hypothesis:steps",), "as many steps were taken as the number says"),
        ),
        steps=(
            Induction(
                "gained", f_first - f - rate * k * g**2,
                base=(Step(equations=((-rate * g**2, "none"),)),),
                step=(Step((Term(1, 1, ("gained",)), Term(1, 1, ("gain",))), ((-rate * g**2, "one more"),)),),
            ),
            Step(
                (Term(1, 1, ("gained",)), Term(1, 1, ("whole",)), Term(1, g, ("rate", "all"))), ((1, "root^2"),),
                factor=("condition:0", "rate"), name="squares", slack=_MEAN**2 - g**2,
            ),
            by_squares(_MEAN, g, "squares"),
        ),
        witness=_ONE_STEP,
    ),
    false_sibling=FalseSibling("half of the bound", Fraction(1, 2) * _MEAN, counterexample=_ONE_STEP),
)  # fmt: skip

_SLOW, _FAST = 1 - step_size * strong_convexity, step_size * smoothness - 1
_FACTOR = maximum(_SLOW, _FAST)


def _case(sign: int) -> tuple[Step | Split, ...]:
    """The proof where ``_SLOW - _FAST``, called ``larger`` with its sign turned if negative, has this sign."""
    best, side, plain = (_FAST, "right", "smooth") if sign < 0 else (_SLOW, "left", "strong")
    half = Fraction(1, 2)
    greater, more = (Term(half, 1, ("larger",)),), (Term(1, 1, ("larger", "step_size", plain)),)
    equal, none = ((half, "larger"),), ((step_size * (inner - strong_convexity * d**2), "larger"),)
    best_step = Step(
        (*(greater if sign else ()), Term(half, 1, ("step_size", "order"))), () if sign else equal, name="best", slack=best
    )
    squares = (
        Term(1, (_FACTOR - best) * d), Term(2, d, ("best", f"factor>={side}")), Term(1, step_size, ("cocoercive",)), *(more if sign else ()),
    )  # fmt: skip
    definitions = ((1, "step"), (-(v * d + h), "ratio"), *(() if sign else none))
    return (
        best_step,
        Step(squares, definitions, ("apart", "apart"), name="squares", slack=_FACTOR**2 - v**2),
        Split(
            "over", v - _FACTOR,
            positive=(
                Step(
                    (Term(1, 1, ("over",)), Term(2, 1, (f"factor>={side}",)), Term(2, 1, ("best",))),
                    name="sum", kind=">0", slack=_FACTOR + v,
                ),
                Step((Term(1, 1, ("squares",)),), factor=("sum",)),
            ),
            zero=(Step(equations=((-1, "over"),)),),
            negative=(Step((Term(1, 1, ("over",)),)),),
        ),
    )  # fmt: skip


CONTRACTION = Theorem(
    id="descent.contraction",
    statement=(
        "A gradient step of any size eta multiplies distances by at most max(1 - eta mu, eta beta - 1), which is "
        "max(|1 - eta mu|, |1 - eta beta|) as mu <= beta; for a convex objective mu = 0."
    ),
    hypotheses=(STEP_SIZE, CONVEX, SMOOTHNESS),
    conclusion=Conclusion("contraction", "factor by which a gradient step multiplies the distance of any two points", Side.UPPER),
    formula=_FACTOR,
    rests_on=("convexity.cocoercivity", "convexity.strong-monotonicity", "linalg.cauchy-schwarz", "linalg.inner-product"),
    source="standard (Nesterov 2004, Theorem 2.1.15, for eta <= 2/(mu + beta)); own proof for any step size",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "factor by which a gradient step multiplies the distance of two different points x and y",
            "d": "distance of x and y before the step",
            "h": "their distance after the step",
            "g": "norm of grad F(x) - grad F(y)",
            "inner": "inner product of grad F(x) - grad F(y) with x - y",
        },
        terms={"factor": _FACTOR},
        facts=(
            Fact("apart", ">0", d, ("linalg.cauchy-schwarz",), "different points are apart"),
            Fact("ratio", "==0", v * d - h, ("linalg.cauchy-schwarz",), "what the factor is"),
            Fact(
                "step", "==0", d**2 - 2 * step_size * inner + step_size**2 * g**2 - h**2, ("linalg.inner-product",),
                "h² = |(x - y) - eta (grad F(x) - grad F(y))|², expanded",
            ),
            Fact(
                "cocoercive", ">=0", strong_convexity * inner - g**2 + smoothness * (inner - strong_convexity * d**2),
                ("convexity.cocoercivity", "hypothesis:smoothness"), "mu beta d² + g² <= (mu + beta) inner",
            ),
            Fact(
                "strong", ">=0", inner - strong_convexity * d**2, ("convexity.strong-monotonicity", "hypothesis:strong_convexity"), "mu d² <= inner",
            ),
            Fact("smooth", ">=0", smoothness * d**2 - inner, ("linalg.cauchy-schwarz", "hypothesis:smoothness"), "inner <= d g <= beta d²"),
        ),
        steps=(
            Step(
                (Term(1, 1, ("strong",)), Term(1, 1, ("smooth",))), factor=("apart", "apart"),
                name="order", slack=smoothness - strong_convexity,
            ),
            Split("larger", _SLOW - _FAST, positive=_case(1), zero=_case(0), negative=_case(-1)),
        ),
        witness={"step_size": 1, "strong_convexity": 1, "smoothness": 3, "v": 2, "d": 1, "h": 2, "g": 3, "inner": 3},
    ),
    false_sibling=FalseSibling(
        "the contraction of a short step at any step size", _SLOW,
        counterexample={"step_size": 1, "strong_convexity": 1, "smoothness": 3, "v": 2, "d": 1, "h": 2, "g": 3, "inner": 3},
    ),
)  # fmt: skip

_ONE_CONTRACTION: dict[str, Fraction | int] = {
    "distance": 2, "contraction": Fraction(1, 2), "power": Fraction(1, 2), "z": 2, "z_next": 1, "z_first": 2, "z_last": 1,
    "p": 1, "p_next": Fraction(1, 2), "p_first": 1, "p_last": Fraction(1, 2),
}  # fmt: skip

CONVERGENCE = Theorem(
    id="descent.convergence",
    statement="Where every gradient step contracts distances by c, the distance to the minimiser after T steps is at most c^T times that at the start.",
    hypotheses=(
        Hypothesis("distance", "at or above the distance of the start to the minimiser", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis(
            "contraction", "a gradient step multiplies the distance of two points by at most this number (descent.contraction)",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
        Hypothesis("power", "at or above the contraction to the power of the number of steps", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=Conclusion("distance", "distance of the last iterate to the minimiser", Side.UPPER, "parameter"),
    formula=power * distance,
    rests_on=("calculus.stationarity", "analysis.lipschitz", "arithmetic.recursion"),
    source="standard (Nesterov 2004, Theorem 2.1.15); own proof",
    proof=AlgebraicProof(
        target="z_last",
        variables={},
        sequences=(
            Sequence("z", "z_next", "z_first", "z_last", "distance to the minimiser after t steps"),
            Sequence("p", "p_next", "p_first", "p_last", "the contraction to the power t"),
        ),
        facts=(
            Fact("apart", ">=0", z, ("analysis.lipschitz",), "distances are nonnegative"),
            Fact("at first", ">=0", z_first, ("analysis.lipschitz",), "distances are nonnegative"),
            Fact("start", ">=0", distance - z_first, ("hypothesis:distance",), "the number given covers the distance of the start"),
            Fact(
                "nearer", ">=0", contraction * z - z_next, ("calculus.stationarity", "analysis.lipschitz", "hypothesis:contraction"),
                "a gradient step leaves the minimiser where it is",
            ),
            Fact("one", "==0", p_first - 1, ("arithmetic.recursion",), "the power zero is one"),
            Fact("next power", "==0", p_next - contraction * p, ("arithmetic.recursion",), "the next power"),
            Fact("power covers", ">=0", power - p_last, ("hypothesis:power",), "the number given covers the power"),
        ),
        steps=(
            Induction(
                "contracted", p * z_first - z,
                base=(Step(equations=((z_first, "one"),)),),
                step=(Step((Term(1, 1, ("contraction", "contracted")), Term(1, 1, ("nearer",))), ((z_first, "next power"),)),),
            ),
            Step((Term(1, 1, ("contracted",)), Term(1, 1, ("power covers", "at first")), Term(1, 1, ("power", "start")))),
        ),
        witness=_ONE_CONTRACTION,
    ),
    false_sibling=FalseSibling("the square of the power", power**2 * distance, counterexample=_ONE_CONTRACTION),
)  # fmt: skip

THEOREMS = (DESCENT_STEP, GRADIENT_NORM, LEAST_GRADIENT, CONTRACTION, CONVERGENCE)
