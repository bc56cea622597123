"""Lipschitz constants of composed maps."""

from __future__ import annotations

from ..expression import maximum, symbols
from ..proof import AlgebraicProof, Fact, Step, Term
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Theorem

outer, inner = symbols("outer inner")
t, d, p, q = symbols("t d p q")


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

THEOREMS = (PRODUCT, RESIDUAL_BLOCK)
