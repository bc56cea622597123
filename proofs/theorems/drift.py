"""How far two runs of gradient descent drift apart, one on all records and one on those that are retained."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .descent import SHORT_STEP, STEP_SIZE
from .vocabulary import DELETED, RECORDS, RETAINED

step_size, smoothness, expansion, contraction, distance, bias, growth, decay, steps = symbols(
    "step_size smoothness expansion contraction distance bias growth decay steps"
)
n, m, lipschitz = symbols("n m lipschitz")
b, d, g, h, i, u, r, v = symbols("b d g h i u r v")
z, z_next, z_first, z_last, p, p_next, p_first, p_last = symbols("z z_next z_first z_last p p_next p_first p_last")
k, k_next, k_first, k_last = symbols("k k_next k_first k_last")

_BEFORE = Hypothesis(
    "distance", "at or above the distance of the two runs before the step", Side.UPPER, Domain.NONNEGATIVE, "parameter"
)
_BIAS = Hypothesis(
    "bias", "at or above the norm of the difference of the two objectives' gradients wherever the run on all records comes",
    Side.UPPER, Domain.NONNEGATIVE, "loss/parameter",
)  # fmt: skip
_STEPS = Hypothesis("steps", "number of steps of either run", Side.UPPER, Domain.COUNT)
_AFTER = Conclusion("distance", "distance of the two runs after the step", Side.UPPER, "parameter")
_AT_THE_END = Conclusion(
    "distance",
    "distance of the last iterates of the two runs, which begin at one point and take one step size",
    Side.UPPER,
    "parameter",
)
_GAP = Sequence("z", "z_next", "z_first", "z_last", "distance of the two runs after t steps")
_START = Fact("start", "==0", z_first, ("linalg.triangle",), "both runs begin at one point")


def _power(base: str) -> Sequence:
    return Sequence("p", "p_next", "p_first", "p_last", f"{base} to the power t")


_ONE = Fact("one", "==0", p_first - 1, ("arithmetic.recursion",), "the power zero is one")

DELETION_BIAS = Theorem(
    id="drift.deletion-bias",
    statement="Deleting m of n records changes the gradient of a mean loss, at any parameters, by at most 2 m G/n.",
    hypotheses=(
        RECORDS,
        DELETED,
        Hypothesis(
            "lipschitz",
            "at or above the gradient norm of every record's loss at these parameters, terms that all records share (a ridge) left out",
            Side.UPPER, Domain.NONNEGATIVE, "loss/parameter",
        ),
    ),
    conclusion=Conclusion("bias", "norm of the difference of the gradients of the two mean losses", Side.UPPER, "loss/parameter"),
    formula=2 * m * lipschitz / n,
    rests_on=("calculus.stationarity", "linalg.triangle"),
    source="own derivation",
    side_conditions=(Relation(">0", n, "n > 0: there are records"), RETAINED),
    proof=AlgebraicProof(
        target="b",
        variables={
            "b": "norm of the difference of the gradients of the two mean losses",
            "u": "norm of the mean gradient of the deleted records",
            "r": "norm of the mean gradient of the retained records",
        },
        facts=(
            Fact("b at least 0", ">=0", b, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("u at least 0", ">=0", u, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("r at least 0", ">=0", r, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "split", ">=0", m * (u + r) - n * b, ("calculus.stationarity", "linalg.triangle", "hypothesis:m", "hypothesis:n"),
                "n times the mean over all is m times that over the deleted and n - m times that over the retained: "
                "n times the difference is m times the mean over the deleted less that over the retained",
            ),
            Fact("deleted", ">=0", lipschitz - u, ("linalg.triangle", "hypothesis:lipschitz"), "a mean is no longer than the longest"),
            Fact("retained", ">=0", lipschitz - r, ("linalg.triangle", "hypothesis:lipschitz"), "a mean is no longer than the longest"),
        ),
        steps=(Step((Term(1, 1, ("split",)), Term(1, 1, ("m", "deleted")), Term(1, 1, ("m", "retained")))),),
        witness={"n": 2, "m": 1, "lipschitz": 1, "b": 1, "u": 1, "r": 1},
    ),
    false_sibling=FalseSibling(
        "the mean over the retained records forgotten", m * lipschitz / n,
        counterexample={"n": 2, "m": 1, "lipschitz": 1, "b": 1, "u": 1, "r": 1},
    ),
)  # fmt: skip

ONE_STEP = Theorem(
    id="drift.one-step",
    statement="One step of each run brings their distance to at most expansion times the distance before, plus step size times bias.",
    hypotheses=(
        _BEFORE,
        Hypothesis(
            "expansion", "a step on the retained objective multiplies the distance of two points by at most this number",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
        STEP_SIZE,
        _BIAS,
    ),
    conclusion=_AFTER,
    formula=expansion * distance + step_size * bias,
    rests_on=("linalg.triangle",),
    source="after Hardt, Recht & Singer, ICML 2016, section 3; own proof",
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "distance of the two runs after the step", "d": "distance of the two runs before the step",
            "h": "distance after one step of both on the retained objective",
            "b": "norm of the difference of the two gradients where the run on all records is",
        },
        facts=(
            Fact("triangle", ">=0", h + step_size * b - v, ("linalg.triangle",), "the step on all records ends step size times b from that on the retained"),
            Fact("expands", ">=0", expansion * d - h, ("linalg.triangle", "hypothesis:expansion"), "what an expansion factor is"),
            Fact("apart", ">=0", d, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("before", ">=0", distance - d, ("hypothesis:distance",), "the number given covers d"),
            Fact("biased", ">=0", bias - b, ("hypothesis:bias",), "the number given covers b"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("triangle",)), Term(1, 1, ("expands",)), Term(1, 1, ("expansion", "before")),
                    Term(1, 1, ("step_size", "biased")),
                ),
            ),
        ),
        witness={"distance": 1, "expansion": 2, "step_size": 1, "bias": 1, "v": 3, "d": 1, "h": 2, "b": 1},
    ),
    false_sibling=FalseSibling(
        "the bias forgotten", expansion * distance,
        counterexample={"distance": 1, "expansion": 2, "step_size": 1, "bias": 1, "v": 3, "d": 1, "h": 2, "b": 1},
    ),
)  # fmt: skip

_SMOOTH = Hypothesis(
    "smoothness",
    "the gradient of the retained objective is Lipschitz with at most this constant",
    Side.UPPER,
    Domain.POSITIVE,
    "loss/parameter²",
)

CONVEX_STEP = Theorem(
    id="drift.convex-step",
    statement="Where the retained objective is convex, one step of size eta <= 2/beta of each run adds at most eta times the bias to their distance.",
    hypotheses=(_BEFORE, STEP_SIZE, _BIAS, _SMOOTH),
    conclusion=_AFTER,
    formula=distance + step_size * bias,
    rests_on=("convexity.cocoercivity", "linalg.inner-product", "linalg.triangle"),
    source="after Hardt, Recht & Singer, ICML 2016, section 3; own proof",
    side_conditions=(SHORT_STEP,),
    proof=AlgebraicProof(
        target="v",
        variables={
            "v": "distance of the two runs after the step", "d": "distance |x - y| of the two runs before the step",
            "h": "distance of x and y after one step of both on the retained objective F",
            "g": "norm of grad F(x) - grad F(y)",
            "i": "inner product of grad F(x) - grad F(y) with x - y",
            "b": "length of the step size times the difference of the two gradients where the run on all records is",
        },
        facts=(
            Fact("apart", ">=0", d, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("before", ">=0", distance - d, ("hypothesis:distance",), "the number given covers d"),
            Fact(
                "step", "==0", d**2 - 2 * step_size * i + step_size**2 * g**2 - h**2, ("linalg.inner-product",),
                "h² = |(x - y) - eta (grad F(x) - grad F(y))|², expanded",
            ),
            Fact("i at least 0", ">=0", i, ("convexity.cocoercivity",), "the gradient of a convex function is monotone"),
            Fact("cocoercive", ">=0", smoothness * i - g**2, ("convexity.cocoercivity", "hypothesis:smoothness"), "g² <= beta i"),
            Fact("triangle", ">=0", h + b - v, ("linalg.triangle",), "the step on all records ends b from that on the retained"),
            Fact("biased", ">=0", step_size * bias - b, ("linalg.triangle", "hypothesis:bias"), "the number given covers the bias"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("smoothness", "before", "before")), Term(2, 1, ("smoothness", "before", "apart")),
                    Term(2, 1, ("step_size", "cocoercive")), Term(1, g, ("step_size", "condition:0")),
                ),
                ((smoothness, "step"),), ("smoothness",), name="squares", slack=distance**2 - h**2,
            ),
            by_squares(distance, h, "squares", extra=((1, "triangle"), (1, "biased"))),
        ),
        witness={"distance": 1, "step_size": 1, "bias": 1, "smoothness": 1, "v": 2, "d": 1, "h": 1, "g": 0, "i": 0, "b": 1},
    ),
    false_sibling=FalseSibling(
        "half of the bias", distance + step_size * bias / 2,
        counterexample={"distance": 1, "step_size": 1, "bias": 1, "smoothness": 1, "v": 2, "d": 1, "h": 1, "g": 0, "i": 0, "b": 1},
    ),
)  # fmt: skip

_ONE_CONVEX_STEP: dict[str, Fraction | int] = {
    "step_size": 1, "bias": 1, "smoothness": 1, "steps": 1, "z": 0, "z_next": 1, "z_first": 0, "z_last": 1,
    "k": 0, "k_next": 1, "k_first": 0, "k_last": 1,
}  # fmt: skip

CONVEX = Theorem(
    id="drift.convex",
    statement="Where the retained objective is convex and eta <= 2/beta, the two runs are at most eta times bias times T apart after T steps.",
    hypotheses=(STEP_SIZE, _BIAS, _SMOOTH, _STEPS),
    conclusion=_AT_THE_END,
    formula=step_size * bias * steps,
    rests_on=("drift.convex-step", "linalg.triangle", "arithmetic.recursion"),
    source="after Hardt, Recht & Singer, ICML 2016, section 3; own proof",
    side_conditions=(SHORT_STEP,),
    proof=AlgebraicProof(
        target="z_last",
        variables={},
        sequences=(_GAP, Sequence("k", "k_next", "k_first", "k_last", "the number t of steps taken so far")),
        facts=(
            _START,
            Fact("apart", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("none", "==0", k_first, ("arithmetic.recursion",), "no step at the start"),
            Fact("one more", "==0", k_next - k - 1, ("arithmetic.recursion",), "each step counts one"),
            Fact("all", ">=0", steps - k_last, ("hypothesis:steps",), "the number given covers the number of steps"),
        ),
        citations=(
            Citation(
                "step", "drift.convex-step", z_next, {"distance": z, "step_size": step_size, "bias": bias, "smoothness": smoothness},
                "for each step of the two runs",
            ),
        ),
        steps=(
            Induction(
                "drifted", step_size * bias * k - z,
                base=(Step(equations=((step_size * bias, "none"), (-1, "start"))),),
                step=(Step((Term(1, 1, ("drifted",)), Term(1, 1, ("step",))), ((step_size * bias, "one more"),)),),
            ),
            Step((Term(1, 1, ("drifted",)), Term(1, 1, ("step_size", "bias", "all")))),
        ),
        witness=_ONE_CONVEX_STEP,
    ),
    false_sibling=FalseSibling("half of it", step_size * bias * steps / 2, counterexample=_ONE_CONVEX_STEP),
)  # fmt: skip

_ONE_GROWING_STEP: dict[str, Fraction | int] = {
    "step_size": 1, "smoothness": 1, "bias": 1, "growth": 1, "z": 0, "z_next": 1, "z_first": 0, "z_last": 1,
    "p": 1, "p_next": 2, "p_first": 1, "p_last": 2,
}  # fmt: skip

NON_CONVEX = Theorem(
    id="drift.non-convex",
    statement="On any smooth objective the two runs are at most ((1 + eta beta)^T - 1) bias/beta apart after T steps.",
    hypotheses=(
        STEP_SIZE,
        Hypothesis(
            "smoothness", "a Lipschitz constant of the gradient of the retained objective (growth is computed from this very number)",
            Side.EXACT, Domain.POSITIVE, "loss/parameter²",
        ),
        _BIAS,
        Hypothesis("growth", "at or above (1 + step_size * smoothness) to the power of the number of steps, less one", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=_AT_THE_END,
    formula=bias * growth / smoothness,
    rests_on=("linalg.triangle", "arithmetic.recursion"),
    source="after Hardt, Recht & Singer, ICML 2016, section 3; own proof",
    proof=AlgebraicProof(
        target="z_last",
        variables={},
        sequences=(_GAP, _power("1 + step_size * smoothness")),
        facts=(
            _START,
            Fact(
                "step", ">=0", z + step_size * (smoothness * z + bias) - z_next,
                ("linalg.triangle", "hypothesis:smoothness", "hypothesis:bias"),
                "to the distance before, a step adds step size times the difference of the gradients: of one objective at two points, and of two at one",
            ),
            _ONE,
            Fact("power", "==0", p_next - (1 + step_size * smoothness) * p, ("arithmetic.recursion",), "the next power"),
            Fact("growth covers", ">=0", growth - p_last + 1, ("hypothesis:growth",), "the number given covers the power less one"),
        ),
        steps=(
            Induction(
                "drifted", bias * (p - 1) - smoothness * z,
                base=(Step(equations=((bias, "one"), (-smoothness, "start"))),),
                step=(
                    Step(
                        (Term(1, 1, ("drifted",)), Term(1, 1, ("step_size", "smoothness", "drifted")), Term(1, 1, ("smoothness", "step"))),
                        ((bias, "power"),),
                    ),
                ),
            ),
            Step((Term(1, 1, ("drifted",)), Term(1, 1, ("bias", "growth covers")))),
        ),
        witness=_ONE_GROWING_STEP,
    ),
    false_sibling=FalseSibling("half of it", bias * growth / (2 * smoothness), counterexample=_ONE_GROWING_STEP),
)  # fmt: skip

_HALF = Fraction(1, 2)
_ONE_CONTRACTING_STEP: dict[str, Fraction | int] = {
    "step_size": 1, "contraction": _HALF, "bias": 1, "decay": _HALF, "z": 0, "z_next": 1, "z_first": 0, "z_last": 1,
    "p": 1, "p_next": _HALF, "p_first": 1, "p_last": _HALF,
}  # fmt: skip

STRONGLY_CONVEX = Theorem(
    id="drift.strongly-convex",
    statement="Where a step on the retained objective contracts distances by c < 1, the two runs are at most eta bias (1 - c^T)/(1 - c) apart after T steps.",
    hypotheses=(
        STEP_SIZE,
        Hypothesis(
            "contraction", "a step on the retained objective multiplies the distance of two points by at most this number (descent.contraction)",
            Side.UPPER, Domain.NONNEGATIVE,
        ),
        _BIAS,
        Hypothesis("decay", "at or above one less the contraction to the power of the number of steps; one will do", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=_AT_THE_END,
    formula=step_size * bias * decay / (1 - contraction),
    rests_on=("linalg.triangle", "arithmetic.recursion"),
    source="after Hardt, Recht & Singer, ICML 2016, section 3; own proof",
    side_conditions=(Relation(">0", 1 - contraction, "the contraction is below one"),),
    proof=AlgebraicProof(
        target="z_last",
        variables={},
        sequences=(_GAP, _power("the contraction")),
        facts=(
            _START,
            Fact("apart", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "step", ">=0", contraction * z + step_size * bias - z_next, ("linalg.triangle", "hypothesis:contraction", "hypothesis:bias"),
                "one step on the retained objective contracts, and that on all records ends at most step size times bias away",
            ),
            _ONE,
            Fact("power", "==0", p_next - contraction * p, ("arithmetic.recursion",), "the next power"),
            Fact("decay covers", ">=0", decay - 1 + p_last, ("hypothesis:decay",), "the number given covers one less the power"),
        ),
        steps=(
            Induction(
                "drifted", step_size * bias * (1 - p) - (1 - contraction) * z,
                base=(Step(equations=((-step_size * bias, "one"), (contraction - 1, "start"))),),
                step=(
                    Step(
                        (Term(1, 1, ("contraction", "drifted")), Term(1, 1, ("condition:0", "step"))), ((-step_size * bias, "power"),),
                    ),
                ),
            ),
            Step((Term(1, 1, ("drifted",)), Term(1, 1, ("step_size", "bias", "decay covers")))),
        ),
        witness=_ONE_CONTRACTING_STEP,
    ),
    false_sibling=FalseSibling(
        "the distance that one step adds, contracted once", contraction * step_size * bias * decay / (1 - contraction), counterexample=_ONE_CONTRACTING_STEP,
    ),
)  # fmt: skip

THEOREMS = (DELETION_BIAS, ONE_STEP, CONVEX_STEP, NON_CONVEX, CONVEX, STRONGLY_CONVEX)
