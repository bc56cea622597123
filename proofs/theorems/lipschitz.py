"""Lipschitz constants of composed maps, and of networks by one matrix inequality."""

from __future__ import annotations

from fractions import Fraction

from ..expression import maximum, sqrt, symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem

outer, inner, square = symbols("outer inner square")
t, d, p, q, e = symbols("t d p q e")
s, s_next, s_first, s_last = symbols("s s_next s_first s_last")


def lipschitz_of(symbol: str, name: str) -> Hypothesis:
    """A Lipschitz constant of that map."""
    return Hypothesis(symbol, f"at or above a Lipschitz constant of {name}", Side.UPPER, Domain.NONNEGATIVE)


PRODUCT = Theorem(
    id="lipschitz.product",
    statement="The composition of two Lipschitz maps is Lipschitz with the product of their constants.",
    hypotheses=(
        lipschitz_of("outer", "the outer map on the range of the inner one"),
        lipschitz_of("inner", "the inner map"),
    ),
    conclusion=Conclusion("lipschitz", "Lipschitz constant of the composition: the ratio of distances at any two points", Side.UPPER),
    formula=outer * inner,
    rests_on=("analysis.lipschitz",),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of |f(g(x)) - f(g(y))| to |x - y|", "d": "|x - y|", "p": "|g(x) - g(y)|", "q": "|f(g(x)) - f(g(y))|"},
        facts=(
            Fact("apart", ">0", d, ("analysis.lipschitz",), "the two points differ"),
            Fact("ratio", "==0", t * d - q, ("analysis.lipschitz",), "what the ratio is"),
            Fact("between", ">=0", p, ("analysis.lipschitz",), "a distance is nonnegative"),
            Fact("first", ">=0", inner * d - p, ("analysis.lipschitz", "hypothesis:inner"), "|g(x) - g(y)| <= L |x - y|"),
            Fact("second", ">=0", outer * p - q, ("analysis.lipschitz", "hypothesis:outer"), "|f(u) - f(v)| <= L |u - v|"),
        ),
        # d (outer inner - t)  =  outer (inner d - p) + (outer p - q) - (t d - q)
        steps=(Step((Term(1, 1, ("outer", "first")), Term(1, 1, ("second",))), ((-1, "ratio"),), ("apart",)),),
        witness={"outer": 2, "inner": 3, "t": 6, "d": 1, "p": 3, "q": 6},
    ),
    false_sibling=FalseSibling(
        "the greater of the two constants", maximum(outer, inner), counterexample={"outer": 2, "inner": 3, "t": 6, "d": 1, "p": 3, "q": 6}
    ),
)  # fmt: skip

RESIDUAL_BLOCK = Theorem(
    id="lipschitz.residual-block",
    statement="A residual block x + g(x) is Lipschitz with constant 1 + L, where g is Lipschitz with constant L.",
    hypotheses=(lipschitz_of("inner", "the branch g"),),
    conclusion=Conclusion("lipschitz", "Lipschitz constant of the block: the ratio of distances at any two points", Side.UPPER),
    formula=1 + inner,
    rests_on=("analysis.lipschitz", "linalg.triangle"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of |x + g(x) - y - g(y)| to |x - y|", "d": "|x - y|", "p": "|g(x) - g(y)|", "q": "|x + g(x) - y - g(y)|"},
        facts=(
            Fact("apart", ">0", d, ("analysis.lipschitz",), "the two points differ"),
            Fact("ratio", "==0", t * d - q, ("analysis.lipschitz",), "what the ratio is"),
            Fact("branch", ">=0", inner * d - p, ("analysis.lipschitz", "hypothesis:inner"), "|g(x) - g(y)| <= L |x - y|"),
            Fact("triangle", ">=0", d + p - q, ("linalg.triangle",), "|x - y + g(x) - g(y)| <= |x - y| + |g(x) - g(y)|"),
        ),
        steps=(Step((Term(1, 1, ("branch",)), Term(1, 1, ("triangle",))), ((-1, "ratio"),), ("apart",)),),
        witness={"inner": 1, "t": 2, "d": 1, "p": 1, "q": 2},
    ),
    false_sibling=FalseSibling("the branch alone", inner, counterexample={"inner": 1, "t": 2, "d": 1, "p": 1, "q": 2}),
)  # fmt: skip

_ROOT = sqrt(square)
_NETWORK: dict[str, Fraction | int] = {
    "square": 4, "t": 2, "d": 1, "q": 2, "s": 0, "s_next": 0, "s_first": 0, "s_last": 0, "e": 0, "e_next": 0, "e_first": 0, "e_last": 0,
}  # fmt: skip

SEMIDEFINITE = Theorem(
    id="lipschitz.semidefinite",
    statement=(
        "Let the activations of a network have slopes between a and b, neuron by neuron. If a form L |u|² - |W h|² - (the sum over all neurons of "
        "m (v - a z)(b z - v)), with multipliers m >= 0, is nonnegative for all u, z and v that the affine layers allow, u standing for the "
        "difference of two inputs, z and v for those of a neuron before and after its activation and W h for that of the outputs, then the "
        "network is Lipschitz with constant sqrt(L)."
    ),
    hypotheses=(Hypothesis("square", "at or above a number L for which the form is nonnegative", Side.UPPER, Domain.NONNEGATIVE),),
    conclusion=Conclusion("lipschitz", "Lipschitz constant of the network: the ratio of distances at any two points", Side.UPPER),
    formula=_ROOT,
    rests_on=("analysis.lipschitz", "calculus.mean-value", "linalg.symmetric-forms"),
    source="Fazlyab, Robey, Hassani, Morari & Pappas, NeurIPS 2019, Theorem 2, with multipliers for single neurons; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "ratio of |f(x) - f(y)| to |x - y|", "d": "|x - y|", "q": "|f(x) - f(y)|"},
        sequences=(
            Sequence("s", "s_next", "s_first", "s_last", "sum of m (v - a z)(b z - v) over the first neurons, at the two points"),
            Sequence("e", "e_next", "e_first", "e_last", "what the next neuron adds"),
        ),
        facts=(
            Fact("apart", ">0", d, ("analysis.lipschitz",), "the two points differ"),
            Fact("ratio", "==0", t * d - q, ("analysis.lipschitz",), "what the ratio is"),
            Fact("none", "==0", s_first, ("linalg.symmetric-forms",), "an empty sum"),
            Fact("adds", "==0", s + e - s_next, ("linalg.symmetric-forms",), "the sum over one neuron more"),
            Fact(
                "slopes", ">=0", e, ("calculus.mean-value", "analysis.lipschitz"),
                "v is z times a number between a and b, so both factors have the sign of z; the multiplier is nonnegative",
            ),
            Fact(
                "form", ">=0", square * d**2 - q**2 - s_last, ("linalg.symmetric-forms", "hypothesis:square"),
                "the form at the differences of the two points; a greater L only adds to it",
            ),
        ),
        steps=(
            Induction(
                "sum", s, base=(Step(equations=((1, "none"),)),), step=(Step((Term(1, 1, ("sum",)), Term(1, 1, ("slopes",))), ((-1, "adds"),)),)
            ),
            Step((Term(1, 1, ("form",)), Term(1, 1, ("sum",))), name="squares", kind=">=0", slack=square * d**2 - q**2),
            # d² (root² - t²)  =  (L d² - q²) - (t d - q)(t d + q) + d² (root² - L)
            Step(
                (Term(1, 1, ("squares",)),), ((-(t * d + q), "ratio"), (d**2, "root^2")), ("apart", "apart"),
                name="ratio of squares", slack=_ROOT**2 - t**2,
            ),
            by_squares(_ROOT, t, "ratio of squares"),
        ),
        terms={"root": _ROOT},
        witness=_NETWORK,
    ),
    false_sibling=FalseSibling(
        "the number itself, where it is below one", square,
        counterexample={**_NETWORK, "square": Fraction(1, 4), "t": Fraction(1, 2), "q": Fraction(1, 2)},
    ),
)  # fmt: skip

THEOREMS = (PRODUCT, RESIDUAL_BLOCK, SEMIDEFINITE)
