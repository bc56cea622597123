"""The largest eigenvalue of a symmetric matrix, from above, by a three-term recurrence that holds nearly: what rounding does to Lanczos is a hypothesis."""

from __future__ import annotations

from fractions import Fraction

from ..expression import symbols
from ..proof import AlgebraicProof, Fact, Induction, Sequence, Split, Step, Term
from ..sides import Side
from ..theorem import Domain, FalseSibling, Hypothesis, Relation, Theorem
from .deflation import LARGEST

candidate, overlap, growth, remainder, length = symbols("candidate overlap growth remainder length")
t, e, o, z, q, big, lost = symbols("t e o z q big lost")
share, share_next, share_first, share_last = symbols("share share_next share_first share_last")
loss, loss_next, loss_first, loss_last = symbols("loss loss_next loss_first loss_last")

_ENOUGH = overlap * growth - remainder - length
_HELD = (o - lost) * big - length
_THREE_TERM = ("analysis.three-term",)
_WITNESS: dict[str, Fraction | int] = {
    "candidate": 2, "overlap": Fraction(1, 2), "growth": 4, "remainder": Fraction(1, 2), "length": 1, "t": 2, "e": 0, "o": Fraction(1, 2),
    "z": 1, "q": 4, "big": 4, "lost": Fraction(1, 8),
    "share": Fraction(1, 2), "share_next": Fraction(1, 4), "share_first": Fraction(1, 2), "share_last": Fraction(1, 4),
    "loss": 0, "loss_next": Fraction(1, 4), "loss_first": 0, "loss_last": Fraction(1, 4),
}  # fmt: skip

LANCZOS_GROWTH = Theorem(
    id="spectrum.lanczos-growth",
    statement=(
        "Let A y_j = b_(j-1) y_(j-1) + a_j y_j + b_j y_(j+1) + f_j for j = 1, ..., k with numbers a_j and b_j > 0, and p_j the polynomials of this "
        "recurrence, all positive at c. If |x . y_1| p_k(c) less what the f_j can hide is more than |y_(k+1)|, x the top unit eigenvector, then the "
        "largest eigenvalue is at most c. What they can hide is p_k times the sum over j of (|f_1| p_0 + ... + |f_j| p_(j-1))/(b_j p_j p_(j-1)), at c. "
        "The vectors need not be orthogonal."
    ),
    hypotheses=(
        Hypothesis("candidate", "the number c", Side.EXACT, Domain.POSITIVE, "curvature"),
        Hypothesis("overlap", "at or below |x . y_1| for the top unit eigenvector x and the start y_1", Side.LOWER, Domain.POSITIVE),
        Hypothesis("growth", "at or below p_k(c), where p_1(c), ..., p_k(c) are positive", Side.LOWER, Domain.POSITIVE),
        Hypothesis("remainder", "at or above what the f_j can hide", Side.UPPER, Domain.NONNEGATIVE),
        Hypothesis("length", "at or above the norm of y_(k+1)", Side.UPPER, Domain.NONNEGATIVE),
    ),
    conclusion=LARGEST,
    formula=candidate,
    rests_on=("analysis.three-term", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.adjoint"),
    source=(
        "own derivation; van Dorsselaer, Hochstenbach & van der Vorst, SIAM J. Matrix Anal. Appl. 22 (2000) 837-852, for exact arithmetic"
    ),
    side_conditions=(Relation(">0", _ENOUGH, "overlap * growth - remainder - length > 0: p_k(c) is large enough"),),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "largest eigenvalue of A, of the unit eigenvector x with x . y_1 >= 0", "e": "t - c, or zero where that is negative",
            "o": "x . y_1", "z": "norm of y_(k+1)", "q": "p_k(t), or zero where some p_j(t) is not positive", "big": "p_k(c)",
            "lost": "sum of what (x . y_(j+1))/p_j may lose in the steps, at c",
        },
        sequences=(
            Sequence(
                "share", "share_next", "share_first", "share_last", "(x . y_(j+1))/p_j(t); constant where some p_j(t) is not positive",
            ),
            Sequence("loss", "loss_next", "loss_first", "loss_last", "sum of what that may lose in the first steps, at t"),
        ),
        facts=(
            Fact("beyond", ">=0", e + candidate - t, ("linalg.rayleigh",), "what e is"),
            Fact("excess", ">=0", e, ("linalg.rayleigh",), "what e is"),
            Fact("start", ">=0", o - overlap, ("hypothesis:overlap",), "the number given is at most the overlap"),
            Fact("first", "==0", share_first - o, _THREE_TERM, "p_0 = 1"),
            Fact("none", "==0", loss_first, _THREE_TERM, "the empty sum"),
            Fact(
                "step", ">=0", share_next + loss_next - share - loss, (*_THREE_TERM, "linalg.adjoint", "linalg.cauchy-schwarz"),
                "x . A y_j = t x . y_j, so x . y_j obeys the recurrence at t up to x . f_j, which is at most |f_j|",
            ),
            Fact("component", ">=0", z - q * share_last, ("linalg.cauchy-schwarz",), "q times the last share is x . y_(k+1), or zero"),
            Fact("grown", ">=0", e * (q - big), _THREE_TERM, "p_k is a product of ratios, none of which falls from c to t"),
            Fact("less lost", ">=0", e * (lost - loss_last), _THREE_TERM, "every term is |f_i|/b_j over ratios and a p_j, none of which falls"),
            Fact("growth known", ">=0", big - growth, ("hypothesis:growth",), "the number given is at most p_k(c)"),
            Fact("remainder known", ">=0", remainder - big * lost, ("hypothesis:remainder",), "the number given covers what is hidden"),
            Fact("length known", ">=0", length - z, ("hypothesis:length",), "the number given covers the norm"),
        ),
        steps=(
            Induction(
                "kept", share + loss - o,
                base=(Step((), ((1, "first"), (1, "none"))),),
                step=(Step((Term(1, 1, ("kept",)), Term(1, 1, ("step",)))),),
            ),
            Step((Term(1, 1, ("growth known",)), Term(1, 1, ("growth",))), (), (), "positive", ">0", big),
            Step(
                (
                    Term(1, 1, ("condition:0",)), Term(1, 1, ("start", "positive")), Term(1, 1, ("overlap", "growth known")),
                    Term(1, 1, ("remainder known",)),
                ),
                (), (), "held", ">0", _HELD,
            ),
            Split(
                "over", e,
                positive=(
                    Step(
                        (
                            Term(1, 1, ("positive", "over", "kept")), Term(1, 1, ("positive", "less lost")), Term(1, 1, ("over", "held")),
                            Term(1, 1, ("over", "length")),
                        ),
                        (), ("positive", "over"), "still", ">=0", share_last,
                    ),
                    Step(
                        (
                            Term(1, 1, ("held", "beyond")), Term(1, 1, ("over", "component")), Term(1, 1, ("over", "length known")),
                            Term(1, 1, ("grown", "still")), Term(1, 1, ("positive", "over", "kept")), Term(1, 1, ("positive", "less lost")),
                        ),
                        (), ("held",),
                    ),
                ),
                zero=(Step((Term(1, 1, ("beyond",)),), ((-1, "over"),)),),
            ),
        ),
        witness=_WITNESS,
    ),
    false_sibling=FalseSibling("half of it", candidate / 2, counterexample=_WITNESS),
)  # fmt: skip

THEOREMS = (LANCZOS_GROWTH,)
