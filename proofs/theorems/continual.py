"""Sequences of deletions, each answered by one Newton step from the original fit: residuals, how they move, and what a transcript tells.

Sums, not means: L_A is the sum of the losses of the records outside A plus the ridge, w the fitted model (its minimiser for no A), w_A
the minimiser of L_A, H_A the Hessian of L_A at w, g_A the sum of the gradients at w of the records in A. The residual is
e_A = w + H_A^-1 g_A - w_A. The *ball* is a convex set that holds w and every w_A in question.
"""

from __future__ import annotations

from fractions import Fraction

from ..expression import exp, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import GAUSSIAN_PARAMETER

(
    request,
    hessian_lipschitz,
    curvature,
    start_curvature,
    m,
    gradient,
    change,
    smoothness,
    before,
    after,
    moved,
    record_hessian,
    turn,
) = symbols(
    "request hessian_lipschitz curvature start_curvature m gradient change smoothness before after moved record_hessian turn"
)
removed, earlier, l2, self_concordance, radius, least, leverage, path, scale, squares, sigma, gradient_sum = symbols(
    "removed earlier l2 self_concordance radius least leverage path scale squares sigma gradient_sum"
)
d, x, y, z, u, v, p, q, s, t, w, g, f, k, h, c, b, r = symbols("d x y z u v p q s t w g f k h c b r")
_HALF = Fraction(1, 2)

_REQUEST = Hypothesis("request", "at or above the norm of g_A", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter")
_HESSIAN_LIPSCHITZ = Hypothesis(
    "hessian_lipschitz", "the Hessian of every retained sum is Lipschitz on the ball with at most this constant", Side.UPPER, Domain.NONNEGATIVE,
    "loss/parameter³",
)  # fmt: skip
_CURVATURE = Hypothesis(
    "curvature", "at or below every eigenvalue of the Hessian of every retained sum on the ball", Side.LOWER, Domain.POSITIVE, "loss/parameter²"
)  # fmt: skip
_DELETED = Hypothesis("m", "number of records deleted", Side.UPPER, Domain.COUNT, "records")
_BETWEEN = Hypothesis("m", "number of records that B has beyond A", Side.UPPER, Domain.NONNEGATIVE, "records")
_GRADIENT = Hypothesis(
    "gradient", "at or above the gradient norm of every record's loss at w and, while the record is retained, at every w_A", Side.UPPER,
        Domain.NONNEGATIVE, "loss/parameter"
)  # fmt: skip
_SMOOTHNESS = Hypothesis(
    "smoothness", "at or above the norm of the Hessian of every record's loss on the ball", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"
)  # fmt: skip
_RECORD_HESSIAN = Hypothesis(
    "record_hessian", "the Hessian of every record's loss is Lipschitz on the ball with at most this constant", Side.UPPER, Domain.NONNEGATIVE,
    "loss/parameter³",
)  # fmt: skip
_BEFORE = Hypothesis("before", "at or above |w_A - w|", Side.UPPER, Domain.NONNEGATIVE, "parameter")
_RESIDUAL = Conclusion("residual", "norm of the residual e_A: one Newton step against retraining", Side.UPPER, "parameter")
_INCREMENT = Conclusion(
    "increment", "norm of e_B - e_A, by which the residual moves when the request grows from A to B", Side.UPPER, "parameter"
)

RESIDUAL = Theorem(
    id="continual.residual",
    statement=(
        "One Newton step from the fitted model on a retained sum ends within C |g_A|²/(2 alpha kappa²) of its minimiser, alpha the least "
        "eigenvalue of its Hessian at the start and kappa one on the whole ball."
    ),
    hypotheses=(
        _REQUEST, _HESSIAN_LIPSCHITZ, _CURVATURE,
        Hypothesis("start_curvature", "at or below the least eigenvalue of H_A", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),
    ),
    conclusion=_RESIDUAL,
    formula=hessian_lipschitz * request**2 / (2 * start_curvature * curvature**2),
    rests_on=(
        "calculus.taylor-remainder", "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
    ),
    source="Kuang & Xia 2026 (set-based residual); own proof",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "norm of the residual e_A", "x": "|w_A - w|", "w": "norm of grad L_A(w_A) - grad L_A(w) - H_A (w_A - w)"},
        facts=(
            Fact("norm", ">=0", x, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("missed", ">=0", d, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "solve", ">=0", w - start_curvature * d,
                ("calculus.stationarity", "linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:start_curvature"),
                "H_A e_A is g_A - H_A (w_A - w), the Taylor remainder, since grad L_A(w) = -g_A and grad L_A(w_A) = 0",
            ),
            Fact(
                "taylor", ">=0", _HALF * hessian_lipschitz * x**2 - w, ("calculus.taylor-remainder", "hypothesis:hessian_lipschitz"), "w <= (C/2) x²",
            ),
            Fact(
                "moved", ">=0", request - curvature * x,
                ("calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:curvature",
                    "hypothesis:request"),
                "the mean Hessian over the segment takes w_A - w to g_A",
            ),
        ),
        steps=(
            Step(
                (
                    Term(2, curvature, ("solve",)), Term(2, curvature, ("taylor",)), Term(1, 1, ("hessian_lipschitz", "moved", "request")),
                    Term(1, 1, ("hessian_lipschitz", "moved", "curvature", "norm")),
                ),
            ),
        ),
        witness={"request": 1, "hessian_lipschitz": 2, "curvature": 1, "start_curvature": 1, "d": 1, "x": 1, "w": 1},
    ),
    false_sibling=FalseSibling(
        "a third instead of a half", hessian_lipschitz * request**2 / (3 * start_curvature * curvature**2),
        counterexample={"request": 1, "hessian_lipschitz": 2, "curvature": 1, "start_curvature": 1, "d": 1, "x": 1, "w": 1},
    ),
)  # fmt: skip

COUNT_RESIDUAL = Theorem(
    id="continual.count-residual",
    statement="One Newton step from the fitted model ends within C G² m²/(2 kappa³) of the minimiser without m records, whichever they are.",
    hypotheses=(_DELETED, _GRADIENT, _HESSIAN_LIPSCHITZ, _CURVATURE),
    conclusion=_RESIDUAL,
    formula=hessian_lipschitz * gradient**2 * m**2 / (2 * curvature**3),
    rests_on=("continual.residual", "linalg.triangle"),
    source="Kuang & Xia 2026 (count-based residual); own proof",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "norm of the residual e_A", "g": "norm of g_A"},
        facts=(
            Fact("norm", ">=0", g, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("sum", ">=0", m * gradient - g, ("linalg.triangle", "hypothesis:m", "hypothesis:gradient"), "m gradients of norm G at most"),
        ),
        citations=(
            Citation(
                "residual", "continual.residual", d,
                {"request": g, "hessian_lipschitz": hessian_lipschitz, "curvature": curvature, "start_curvature": curvature},
                "the start lies in the ball",
            ),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("residual",)), Term(1, 1, ("hessian_lipschitz", "sum", "m", "gradient")),
                    Term(1, 1, ("hessian_lipschitz", "sum", "norm")),
                ),
            ),
        ),
        witness={"m": 2, "gradient": 1, "hessian_lipschitz": 1, "curvature": 1, "d": 2, "g": 2},
    ),
    false_sibling=FalseSibling(
        "linear in m", hessian_lipschitz * gradient**2 * m / (2 * curvature**3),
        counterexample={"m": 2, "gradient": 1, "hessian_lipschitz": 1, "curvature": 1, "d": 2, "g": 2},
    ),
)  # fmt: skip

SHIFT = Theorem(
    id="continual.shift",
    statement="When the request grows from A to B, by m records, the retained minimiser moves by at most (|g_B - g_A| + m B |w_A - w|)/kappa.",
    hypotheses=(
        Hypothesis("change", "at or above |g_B - g_A|", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"), _BETWEEN, _SMOOTHNESS, _BEFORE, _CURVATURE,
    ),
    conclusion=Conclusion("moved", "|w_B - w_A|", Side.UPPER, "parameter"),
    formula=(change + m * smoothness * before) / curvature,
    rests_on=(
        "calculus.stationarity", "calculus.mean-value", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
    ),
    source="Kuang & Xia 2026; own proof",
    proof=AlgebraicProof(
        target="z",
        variables={"z": "|w_B - w_A|", "g": "norm of grad L_B(w_A)", "x": "|w_A - w|"},
        facts=(
            Fact("x at least 0", ">=0", x, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("z at least 0", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
            Fact(
                "left", ">=0", change + m * smoothness * x - g,
                ("calculus.stationarity", "calculus.mean-value", "linalg.triangle", "hypothesis:change", "hypothesis:m", "hypothesis:smoothness"),
                "grad L_B(w_A) is minus the sum of the further records' gradients at w_A, which differ from those at w by at most B x each",
            ),
            Fact("near", ">=0", before - x, ("hypothesis:before",), "the number given covers x"),
            Fact(
                "moved", ">=0", g - curvature * z,
                ("calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:curvature"),
                "the mean Hessian of L_B over the segment takes w_B - w_A to -grad L_B(w_A)",
            ),
        ),
        steps=(Step((Term(1, 1, ("left",)), Term(1, 1, ("m", "smoothness", "near")), Term(1, 1, ("moved",)))),),
        witness={"change": 1, "m": 1, "smoothness": 1, "before": 1, "curvature": 1, "z": 2, "g": 2, "x": 1},
    ),
    false_sibling=FalseSibling(
        "the gradients taken at w", change / curvature + 0 * before,
        counterexample={"change": 1, "m": 1, "smoothness": 1, "before": 1, "curvature": 1, "z": 2, "g": 2, "x": 1},
    ),
)  # fmt: skip

INVERSE_CHANGE = Theorem(
    id="continual.inverse-change",
    statement="If H_A exceeds H_B by at most b and H_B is at least kappa, |H_B^-1 - H_A^-1| is at most b/(kappa (kappa + b)).",
    hypotheses=(
        Hypothesis("removed", "at or above the norm of the positive semidefinite H_A - H_B", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"), _CURVATURE,
    ),
    conclusion=Conclusion("turn", "norm of H_B^-1 - H_A^-1", Side.UPPER, "parameter²/loss"),
    formula=removed / (curvature * (curvature + removed)),
    rests_on=("matrix.resolvent", "linalg.inverse-order", "linalg.rayleigh", "linalg.cauchy-schwarz", "calculus.chain-rule"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "x · (H_B^-1 - H_A^-1) x at the unit vector x where it is greatest, the norm", "b": "norm of H_A - H_B",
            "p": "x · H_B^-1 x", "s": "x · (H_B + b)^-1 x", "y": "x · H_B^-1 z with z = (H_B + b)^-1 x", "u": "|H_B^-1 z|", "z": "|z|",
        },
        facts=(
            Fact("norm", ">=0", b, ("linalg.rayleigh",), "a norm is nonnegative"),
            Fact("u at least 0", ">=0", u, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("z at least 0", ">=0", z, ("linalg.cauchy-schwarz",), "a norm is nonnegative"),
            Fact("t at least 0", ">=0", t, ("linalg.inverse-order",), "H_A is at least H_B, so the difference of the inverses is positive semidefinite"),
            Fact(
                "order", ">=0", p - s - t, ("linalg.inverse-order", "linalg.rayleigh"), "H_A is at most H_B + b, so x · H_A^-1 x is at least s",
            ),
            Fact("resolvent", "==0", p - s - b * y, ("matrix.resolvent",), "H_B^-1 - (H_B + b)^-1 = b H_B^-1 (H_B + b)^-1"),
            Fact("cauchy", ">=0", u - y, ("linalg.cauchy-schwarz",), "x is a unit vector"),
            Fact("inner", ">=0", z - curvature * u, ("linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:curvature"), "H_B is at least kappa"),
            Fact(
                "outer", ">=0", 1 - (curvature + b) * z, ("linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:curvature"), "H_B + b is at least kappa + b",
            ),
            Fact("covers", ">=0", removed - b, ("hypothesis:removed",), "the number given covers b"),
            Fact(
                "bounded", ">=0", 1 - curvature * t, ("linalg.rayleigh", "linalg.inverse-order", "hypothesis:curvature"),
                "x · H_B^-1 x is at most 1/kappa, and x · H_A^-1 x is not negative",
            ),
        ),
        # r - k (k + r) t = (r - b)(1 - k t) + k (k + b)(p - s - t) + b (k (k + b)(u - y) + (k + b)(z - k u) + 1 - (k + b) z)
        steps=(
            Step(
                (
                    Term(1, 1, ("covers", "bounded")), Term(1, curvature, ("order",)), Term(1, 1, ("curvature", "norm", "order")),
                    Term(1, curvature, ("norm", "cauchy")), Term(1, b, ("curvature", "cauchy")),
                    Term(1, 1, ("curvature", "norm", "inner")), Term(1, b, ("inner",)), Term(1, 1, ("norm", "outer")),
                ),
                ((-(curvature**2) - curvature * b, "resolvent"),),
            ),
        ),
        witness={"removed": 1, "curvature": 1, "b": 1, "t": _HALF, "p": 1, "s": _HALF, "y": _HALF, "u": _HALF, "z": _HALF},
    ),
    false_sibling=FalseSibling(
        "the larger curvature twice", removed / (curvature + removed) ** 2,
        counterexample={"removed": 1, "curvature": 1, "b": 1, "t": _HALF, "p": 1, "s": _HALF, "y": _HALF, "u": _HALF, "z": _HALF},
    ),
)  # fmt: skip

_MOVES = {"x": "|w_A - w|", "y": "|w_B - w|", "z": "|w_B - w_A|"}

INCREMENT = Theorem(
    id="continual.increment",
    statement=(
        "When the request grows from A to B, by m records, the residual moves by at most "
        "(C (|w_A - w| + |w_B - w|) |w_B - w_A| + m c |w_A - w|²)/(2 kappa) + (C/2) |w_A - w|² |H_B^-1 - H_A^-1|, "
        "c the Lipschitz constant of one record's Hessian and kappa the least eigenvalue of H_B."
    ),
    hypotheses=(
        _BEFORE,
        Hypothesis("after", "at or above |w_B - w|", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        Hypothesis("moved", "at or above |w_B - w_A|", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
        _BETWEEN, _RECORD_HESSIAN, _HESSIAN_LIPSCHITZ,
        Hypothesis("curvature", "at or below the least eigenvalue of H_B", Side.LOWER, Domain.POSITIVE, "loss/parameter²"),
        Hypothesis("turn", "at or above |H_B^-1 - H_A^-1|", Side.UPPER, Domain.NONNEGATIVE, "parameter²/loss"),
    ),
    conclusion=_INCREMENT,
    formula=(hessian_lipschitz * (before + after) * moved + m * record_hessian * before**2) / (2 * curvature)
    + _HALF * hessian_lipschitz * before**2 * turn,
    rests_on=(
        "calculus.taylor-remainder", "calculus.fundamental-theorem", "calculus.stationarity", "linalg.rayleigh", "linalg.cauchy-schwarz",
        "linalg.operator-norm", "linalg.triangle",
    ),
    source="Kuang & Xia 2026 (set-based increment); own proof",
    proof=AlgebraicProof(
        target="d",
        variables={
            "d": "norm of e_B - e_A", **_MOVES,
            "p": "norm of H_B^-1 (R_B - R_A), where R_A = g_A - H_A (w_A - w) = H_A e_A is the Taylor remainder of grad L_A",
            "q": "norm of (H_B^-1 - H_A^-1) R_A", "s": "norm of R_B - R_A",
            "f": "how far the remainder of grad L_B at w_B is from that at w_A", "k": "sum over the further records of the remainders at w_A, in norm",
            "w": "norm of R_A", "t": "norm of H_B^-1 - H_A^-1",
        },
        facts=(
            Fact("x at least 0", ">=0", x, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("y at least 0", ">=0", y, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("z at least 0", ">=0", z, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("p at least 0", ">=0", p, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("t at least 0", ">=0", t, ("linalg.operator-norm",), "a norm is nonnegative"),
            Fact("split", ">=0", p + q - d, ("calculus.stationarity", "linalg.triangle"), "e_B - e_A = H_B^-1 (R_B - R_A) + (H_B^-1 - H_A^-1) R_A"),
            Fact("solve", ">=0", s - curvature * p, ("linalg.rayleigh", "linalg.cauchy-schwarz", "hypothesis:curvature"), "H_B is at least kappa"),
            Fact("parts", ">=0", f + k - s, ("linalg.triangle",), "R_A has the remainders of the further records besides"),
            Fact(
                "along", ">=0", _HALF * hessian_lipschitz * (x + y) * z - f,
                ("calculus.fundamental-theorem", "linalg.operator-norm", "linalg.triangle", "hypothesis:hessian_lipschitz"),
                "the remainder has the derivative D²L_B(w + v) - H_B, of norm C |v| at most: integrate over the segment from w_A to w_B",
            ),
            Fact(
                "further", ">=0", _HALF * m * record_hessian * x**2 - k,
                ("calculus.taylor-remainder", "linalg.triangle", "hypothesis:m", "hypothesis:record_hessian"), "(c/2) x² each",
            ),
            Fact("turned", ">=0", t * w - q, ("linalg.operator-norm",), "|M R_A| <= |M| |R_A|"),
            Fact("taylor", ">=0", _HALF * hessian_lipschitz * x**2 - w, ("calculus.taylor-remainder", "hypothesis:hessian_lipschitz"), "w <= (C/2) x²"),
            Fact("near", ">=0", before - x, ("hypothesis:before",), "the number given covers x"),
            Fact("far", ">=0", after - y, ("hypothesis:after",), "the number given covers y"),
            Fact("step", ">=0", moved - z, ("hypothesis:moved",), "the number given covers z"),
            Fact("turn covers", ">=0", turn - t, ("hypothesis:turn",), "the number given covers t"),
        ),
        steps=(
            Step(
                (
                    Term(2, 1, ("curvature", "split")), Term(2, 1, ("solve",)), Term(2, 1, ("parts",)), Term(2, 1, ("along",)), Term(2, 1, ("further",)),
                    Term(2, 1, ("curvature", "turned")), Term(2, 1, ("curvature", "t at least 0", "taylor")),
                    Term(1, x, ("curvature", "hessian_lipschitz", "turn covers")),
                    Term(1, 1, ("curvature", "hessian_lipschitz", "turn", "near", "before")),
                    Term(1, 1, ("curvature", "hessian_lipschitz", "turn", "near", "x at least 0")),
                    Term(1, 1, ("m", "record_hessian", "near", "before")), Term(1, 1, ("m", "record_hessian", "near", "x at least 0")),
                    Term(1, 1, ("hessian_lipschitz", "near", "moved")), Term(1, 1, ("hessian_lipschitz", "far", "moved")),
                    Term(1, 1, ("hessian_lipschitz", "x at least 0", "step")), Term(1, 1, ("hessian_lipschitz", "y at least 0", "step")),
                ),
            ),
        ),
        witness={
            "before": 1, "after": 1, "moved": 1, "m": 1, "record_hessian": 1, "hessian_lipschitz": 1, "curvature": 1, "turn": 1,
            "d": 2, "x": 1, "y": 1, "z": 1, "p": Fraction(3, 2), "q": _HALF, "s": Fraction(3, 2), "f": 1, "k": _HALF, "w": _HALF, "t": 1,
        },
    ),
    false_sibling=FalseSibling(
        "the Hessian taken as that of A throughout",
        (hessian_lipschitz * (before + after) * moved + m * record_hessian * before**2) / (2 * curvature) + 0 * turn,
        counterexample={
            "before": 1, "after": 1, "moved": 1, "m": 1, "record_hessian": 1, "hessian_lipschitz": 1, "curvature": 1, "turn": 1,
            "d": 2, "x": 1, "y": 1, "z": 1, "p": Fraction(3, 2), "q": _HALF, "s": Fraction(3, 2), "f": 1, "k": _HALF, "w": _HALF, "t": 1,
        },
    ),
)  # fmt: skip

_WIDER = curvature + m * smoothness
_EARLIER_GRADIENTS = Fact(
    "x moved", ">=0", earlier * gradient - curvature * x,
    (
        "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
        "hypothesis:earlier", "hypothesis:gradient", "hypothesis:curvature",
    ),
    "the mean Hessian of L_A over the segment takes w_A - w to g_A, a sum of k gradients",
)  # fmt: skip
_ALL_GRADIENTS = Fact(
    "y moved", ">=0", (earlier + m) * gradient - curvature * y,
    (
        "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
        "hypothesis:earlier", "hypothesis:m", "hypothesis:gradient", "hypothesis:curvature",
    ),
    "likewise for B, with k + m of them",
)  # fmt: skip
_FURTHER_GRADIENTS = Fact(
    "z moved", ">=0", m * gradient - curvature * z,
    (
        "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
        "hypothesis:m", "hypothesis:gradient", "hypothesis:curvature",
    ),
    "grad L_B(w_A) is minus the sum of m gradients at w_A",
)  # fmt: skip
_NORMS = tuple(
    Fact(f"{name} at least 0", ">=0", value, ("linalg.triangle",), "a norm is nonnegative")
    for name, value in (("x", x), ("y", y), ("z", z))
)
_TURN_NORM = Fact("t at least 0", ">=0", t, ("linalg.operator-norm",), "a norm is nonnegative")
_COUNTED: dict[str, Fraction | int] = {
    "earlier": 1, "m": 1, "gradient": 1, "smoothness": 1, "record_hessian": 1, "hessian_lipschitz": 1, "curvature": 1,
    "d": Fraction(9, 4), "x": 1, "y": 2, "z": 1, "t": _HALF,
}  # fmt: skip

COUNT_INCREMENT = Theorem(
    id="continual.count-increment",
    statement=(
        "When m records leave after k others, whichever they are, the residual moves by at most "
        "(G² m/(2 kappa³)) (C (2k + m) + k² (c + B C/(kappa + m B)))."
    ),
    hypotheses=(
        Hypothesis("earlier", "number of records deleted earlier", Side.UPPER, Domain.NONNEGATIVE, "records"), _BETWEEN, _GRADIENT, _SMOOTHNESS,
        _RECORD_HESSIAN, _HESSIAN_LIPSCHITZ, _CURVATURE,
    ),
    conclusion=_INCREMENT,
    formula=gradient**2 * m / (2 * curvature**3)
    * (hessian_lipschitz * (2 * earlier + m) + earlier**2 * (record_hessian + smoothness * hessian_lipschitz / _WIDER)),
    rests_on=(
        "continual.increment", "continual.inverse-change", "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh",
        "linalg.cauchy-schwarz", "linalg.operator-norm", "linalg.triangle", "calculus.chain-rule",
    ),
    source="Kuang & Xia 2026 (count-based increment); own proof",
    proof=AlgebraicProof(
        target="d",
        variables={"d": "norm of e_B - e_A", **_MOVES, "t": "norm of H_B^-1 - H_A^-1"},
        facts=(*_NORMS, _TURN_NORM, _EARLIER_GRADIENTS, _ALL_GRADIENTS, _FURTHER_GRADIENTS),
        citations=(
            Citation(
                "increment", "continual.increment", d,
                {
                    "before": x, "after": y, "moved": z, "m": m, "record_hessian": record_hessian, "hessian_lipschitz": hessian_lipschitz,
                    "curvature": curvature, "turn": t,
                },
                "each number covers itself",
            ),
            Citation("turn", "continual.inverse-change", t, {"removed": m * smoothness, "curvature": curvature}, "H_A - H_B is a sum of m Hessians"),
        ),
        steps=(
            Step(
                (
                    Term(1, 1, ("x moved",)), Term(1, 1, ("y moved",)),
                ),
                name="both moved", slack=(2 * earlier + m) * gradient - curvature * (x + y),
            ),
            Step(
                (
                    Term(1, 1, ("both moved", "m", "gradient")), Term(1, 1, ("z moved", "curvature", "x at least 0")),
                    Term(1, 1, ("z moved", "curvature", "y at least 0")),
                ),
                name="product", slack=gradient**2 * m * (2 * earlier + m) - curvature**2 * (x + y) * z,
            ),
            Step(
                (Term(1, 1, ("x moved", "earlier", "gradient")), Term(1, 1, ("x moved", "curvature", "x at least 0"))),
                name="square", slack=earlier**2 * gradient**2 - curvature**2 * x**2,
            ),
            Step(
                (
                    Term(1, curvature, ("curvature", "increment")), Term(1, curvature, ("m", "smoothness", "increment")),
                    Term(1, 1, ("curvature", "hessian_lipschitz", "product")), Term(1, 1, ("m", "smoothness", "hessian_lipschitz", "product")),
                    Term(1, 1, ("curvature", "record_hessian", "m", "square")), Term(1, m, ("smoothness", "record_hessian", "square")),
                    Term(1, curvature * x, ("hessian_lipschitz", "turn")), Term(1, 1, ("hessian_lipschitz", "m", "smoothness", "square")),
                ),
            ),
        ),
        witness=_COUNTED,
    ),
    false_sibling=FalseSibling(
        "the square of the later count less that of the earlier, as if no curvature left with the records",
        gradient**2 * m / (2 * curvature**3) * hessian_lipschitz * (2 * earlier + m) + 0 * (record_hessian + smoothness),
        counterexample=_COUNTED,
    ),
)  # fmt: skip

CURVATURE = Theorem(
    id="continual.curvature",
    statement=(
        "Where |D³f[u, u, v]| <= nu |v| D²f[u, u], the Hessian of f + (lambda/2)|w|² within rho of a point is at least "
        "lambda + kappa exp(-nu rho), kappa the least eigenvalue of D²f at the point."
    ),
    hypotheses=(
        Hypothesis("l2", "at or below the weight lambda of the ridge of the retained sum", Side.LOWER, Domain.NONNEGATIVE, "loss/parameter²"),
        Hypothesis(
            "start_curvature", "at or below the least eigenvalue of D²f at the centre, ridge excluded", Side.LOWER, Domain.NONNEGATIVE, "loss/parameter²"
        ),
        Hypothesis(
            "self_concordance", "|D³f[u, u, v]| <= nu |v| D²f[u, u] everywhere, with at most this nu", Side.UPPER, Domain.NONNEGATIVE, "1/parameter"
        ),
        Hypothesis("radius", "at or above the radius of the ball", Side.UPPER, Domain.NONNEGATIVE, "parameter"),
    ),
    conclusion=Conclusion("curvature", "least eigenvalue of the Hessian of the retained sum on the ball", Side.LOWER, "loss/parameter²"),
    formula=l2 + start_curvature * exp(-(self_concordance * radius)),
    rests_on=("convexity.quasi-self-concordance", "analysis.exponential-series", "linalg.rayleigh", "calculus.chain-rule"),
    source="Bach, Electron. J. Stat. 4 (2010) 384-414, Proposition 1; used by Kuang & Xia 2026; own proof",
    proof=AlgebraicProof(
        target="k",
        variables={
            "k": "least eigenvalue on the ball: v · D²F v at the point and the unit vector v where it is least",
            "r": "the weight of the ridge", "b": "v · D²f v at that point", "h": "v · D²f v at the centre",
        },
        terms={"fading": exp(-(self_concordance * radius))},
        facts=(
            Fact("sum", "==0", k - r - b, ("calculus.chain-rule",), "the Hessian of a sum, and of the ridge"),
            Fact("convex", ">=0", h, ("linalg.rayleigh",), "f is convex along v where its least eigenvalue is not negative"),
            Fact("ridge", ">=0", r - l2, ("hypothesis:l2",), "the number given is at most the weight"),
            Fact("centre", ">=0", h - start_curvature, ("linalg.rayleigh", "hypothesis:start_curvature"),
                "a form on unit vectors is at least the least eigenvalue"),
            Fact(
                "fade", ">=0", b - h * exp(-(self_concordance * radius)),
                ("convexity.quasi-self-concordance", "analysis.exponential-series", "hypothesis:self_concordance", "hypothesis:radius"),
                "D²f fades no faster than exp(-nu distance), and exp increases",
            ),
        ),
        steps=(Step((Term(1, 1, ("ridge",)), Term(1, 1, ("fade",)), Term(1, 1, ("fading", "centre"))), ((1, "sum"),)),),
        witness={"l2": 1, "start_curvature": 1, "self_concordance": 1, "radius": 1, "k": 2, "r": 1, "b": 1, "h": 1, "fading": _HALF},
    ),
    false_sibling=FalseSibling(
        "the curvature taken for constant", l2 + start_curvature + 0 * (self_concordance + radius),
        counterexample={
            "l2": 1, "start_curvature": 1, "self_concordance": 1, "radius": 1, "k": Fraction(7, 5), "r": 1, "b": Fraction(2, 5), "h": 1,
        },
    ),
)  # fmt: skip

_LEAST = Hypothesis(
    "least", "at or below the least eigenvalue of the Hessian over all records", Side.LOWER, Domain.POSITIVE, "loss/parameter²"
)
_RETAINED_LEAST = Conclusion(
    "curvature", "least eigenvalue of the Hessian without the deleted records' parts", Side.LOWER, "loss/parameter²"
)

REMOVED = Theorem(
    id="continual.removed",
    statement="Taking away matrices whose norms add up to b lowers the least eigenvalue by at most b.",
    hypotheses=(
        _LEAST, Hypothesis("removed", "at or above the sum of the norms of the deleted records' Hessians", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter²"),
    ),
    conclusion=_RETAINED_LEAST,
    formula=least - removed,
    rests_on=("linalg.rayleigh", "linalg.adjoint"),
    source="Weyl's inequality; Horn & Johnson, Matrix Analysis (2nd ed. 2013), Theorem 4.3.1; own proof",
    proof=AlgebraicProof(
        target="k",
        variables={"k": "least eigenvalue of what is left: its form at a unit vector x", "f": "form of the whole at x", "s": "form of what is taken away at x"},
        facts=(
            Fact("difference", "==0", k - f + s, ("linalg.adjoint",), "forms add up"),
            Fact("whole", ">=0", f - least, ("linalg.rayleigh", "hypothesis:least"), "a form at a unit vector is at least the least eigenvalue"),
            Fact("taken", ">=0", removed - s, ("linalg.rayleigh", "hypothesis:removed"), "and at most the greatest, the norm"),
        ),
        steps=(Step((Term(1, 1, ("whole",)), Term(1, 1, ("taken",))), ((1, "difference"),)),),
        witness={"least": 2, "removed": 1, "k": 1, "f": 2, "s": 1},
    ),
    false_sibling=FalseSibling("half of it taken away", least - removed / 2, counterexample={"least": 2, "removed": 1, "k": 1, "f": 2, "s": 1}),
)  # fmt: skip

LEVERAGE = Theorem(
    id="continual.leverage",
    statement=(
        "Taking records away from a positive definite H leaves at least (1 - h) times its least eigenvalue, h the sum of their leverages: the traces "
        "of H^-1 H_i."
    ),
    hypotheses=(_LEAST, Hypothesis("leverage", "at or above the sum of the deleted records' leverages", Side.UPPER, Domain.NONNEGATIVE)),
    conclusion=_RETAINED_LEAST,
    formula=least * (1 - leverage),
    rests_on=("linalg.cauchy-schwarz", "linalg.rayleigh", "linalg.adjoint"),
    source="Kuang & Xia 2026; own proof",
    side_conditions=(Relation(">=0", 1 - leverage, "the leverages add up to at most one"),),
    proof=AlgebraicProof(
        target="k",
        variables={"k": "least eigenvalue of what is left: its form at a unit vector x", "f": "x · H x", "s": "sum of x · H_i x over the deleted records"},
        facts=(
            Fact("positive", ">=0", f, ("linalg.rayleigh",), "H is positive definite"),
            Fact("difference", "==0", k - f + s, ("linalg.adjoint",), "forms add up"),
            Fact("whole", ">=0", f - least, ("linalg.rayleigh", "hypothesis:least"), "a form at a unit vector is at least the least eigenvalue"),
            Fact(
                "taken", ">=0", leverage * f - s, ("linalg.cauchy-schwarz", "hypothesis:leverage"),
                "in the inner product of H, (a · x)² = <H^-1 a, x>² <= (a · H^-1 a)(x · H x), for the rank-one parts a a' of every H_i",
            ),
        ),
        steps=(Step((Term(1, 1, ("taken",)), Term(1, 1, ("condition:0", "whole"))), ((1, "difference"),)),),
        witness={"least": 2, "leverage": _HALF, "k": 1, "f": 2, "s": 1},
    ),
    false_sibling=FalseSibling(
        "half of the leverage", least * (1 - leverage / 2), counterexample={"least": 2, "leverage": _HALF, "k": 1, "f": 2, "s": 1}
    ),
)  # fmt: skip

spent, spent_next, spent_first, spent_last = symbols("spent spent_next spent_first spent_last")
used, used_next, used_first, used_last = symbols("used used_next used_first used_last")
sums, sums_next, sums_first, sums_last, j, j_next, j_first, j_last = symbols(
    "sums sums_next sums_first sums_last j j_next j_first j_last"
)

_SPENT = Sequence(
    "spent", "spent_next", "spent_first", "spent_last", "sum of the squares of the Gaussian parameters of the releases so far"
)
_EMPTY_SPENT = Fact("nothing spent", "==0", spent_first, ("arithmetic.recursion",), "the empty sum")
_EMPTY_USED = Fact("nothing used", "==0", used_first, ("arithmetic.recursion",), "the empty sum")
_NEXT_SPENT = Fact("next spent", "==0", spent_next - spent - b**2, ("arithmetic.recursion",), "the sum goes on")
_PARAMETER = Fact(
    "parameter", "==0", b**2 * w - d**2, ("probability.gaussian-rotation",),
        "a step of length d under noise of variance w, whatever came before, is (d/sqrt(w))-GDP"
)  # fmt: skip
_TOTAL = sqrt(spent_last)
_TRANSCRIPT = Citation(
    "filter", "gaussian.filter", v, {"square": spent_last},
    "requests may depend on earlier releases, and how many there are at most is fixed before the first: of the finitely many courses, these are the "
    "numbers of the one whose squares add up to most",
)  # fmt: skip
_TRANSCRIPT_FACTS = (
    Fact("v at least 0", ">=0", v, ("privacy.gaussian-parameter",), "a Gaussian parameter is nonnegative"),
    Fact("squares at least 0", ">=0", spent_last, ("arithmetic.recursion",), "a sum of squares"),
)
_TRANSCRIPT_STEP = Step(
    (Term(1, 1, ("filter", "total")), Term(1, 1, ("filter", "v at least 0"))),
    ((-1, "total^2"),),
    name="filtered",
    slack=spent_last - v**2,
)
_NOISES = {
    "v": "Gaussian parameter of the transcript against that of the matched releases", "b": "Gaussian parameter of the next release, given all earlier ones",
    "w": "variance of its fresh noise in every coordinate",
}  # fmt: skip

_ONE_RELEASE: dict[str, Fraction | int] = {
    "v": 1, "b": 1, "w": 1, "d": 1, "spent": 0, "spent_next": 1, "spent_first": 0, "spent_last": 1, "used": 0, "used_next": 1, "used_first": 0, "used_last": 1,
}  # fmt: skip

RANDOM_WALK = Theorem(
    id="continual.random-walk",
    statement=(
        "Releases w + H_A^-1 g_A + Z, whose noise Z is a walk with fresh steps of variance at least s times the move of the residual, are together "
        "sqrt(D/s)-GDP against w_A + Z, D a bound on the length of the residual's path on every course of requests; with s = D/mu² that is mu. "
        "How many requests there are at most is fixed beforehand."
    ),
    hypotheses=(
        Hypothesis(
            "path", "at or above the sum of the norms by which the residual moves, on every course of at most as many requests as are fixed beforehand",
            Side.UPPER, Domain.NONNEGATIVE, "parameter",
        ),
        Hypothesis(
            "scale", "a number s such that every step of the walk has variance s d or more, d a bound on the move there", Side.LOWER, Domain.POSITIVE,
                "parameter"
        ),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sqrt(path / scale),
    rests_on=(
        "gaussian.filter", "privacy.gaussian-parameter", "probability.gaussian-rotation", "arithmetic.recursion", "linalg.triangle",
        "probability.gaussian-moments",
    ),
    source="Kuang & Xia 2026 (random-walk mechanism); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={**_NOISES, "d": "norm by which the residual moves at the next release"},
        sequences=(_SPENT, Sequence("used", "used_next", "used_first", "used_last", "length of the residual's path so far")),
        terms={"root": sqrt(path / scale), "total": _TOTAL},
        facts=(
            _EMPTY_SPENT, _EMPTY_USED, _NEXT_SPENT,
            Fact("next used", "==0", used_next - used - d, ("arithmetic.recursion",), "the sum goes on"),
            _PARAMETER,
            Fact("noisy", ">0", w, ("probability.gaussian-moments",), "a variance is positive"),
            Fact("apart", ">=0", d, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("allotted", ">=0", w - scale * d, ("hypothesis:scale",), "the variance is at least s times a bound on the move"),
            *_TRANSCRIPT_FACTS,
            Fact("all", ">=0", path - used_last, ("hypothesis:path",), "the number given covers the path on every course"),
        ),
        citations=(_TRANSCRIPT,),
        steps=(
            _TRANSCRIPT_STEP,
            Induction(
                "so far", used - scale * spent,
                base=(Step(equations=((1, "nothing used"), (-scale, "nothing spent"))),),
                step=(
                    Step((Term(1, 1, ("apart", "allotted")),), ((-scale, "parameter"),), ("noisy",), "afforded", ">=0", d - scale * b**2),
                    Step((Term(1, 1, ("so far",)), Term(1, 1, ("afforded",))), ((1, "next used"), (-scale, "next spent"))),
                ),
            ),
            Step(
                (Term(1, 1, ("all",)), Term(1, 1, ("so far",)), Term(1, 1, ("scale", "filtered"))), ((1, "root^2"),), ("scale",),
                "squares", ">=0", sqrt(path / scale) ** 2 - v**2,
            ),
            by_squares(sqrt(path / scale), v, "squares"),
        ),
        witness={"path": 1, "scale": 1, **_ONE_RELEASE},
    ),
    false_sibling=FalseSibling("half of it", sqrt(path / scale) / 2, counterexample={"path": 1, "scale": 1, **_ONE_RELEASE}),
)  # fmt: skip

INDEPENDENT = Theorem(
    id="continual.independent",
    statement=(
        "Releases w + H_A^-1 g_A + Z with fresh noise of scale sigma each are together sqrt(R)/sigma-GDP against w_A + Z, R a bound on the sum of the "
        "squares of the residuals along every course of requests. How many requests there are at most is fixed beforehand."
    ),
    hypotheses=(
        Hypothesis(
            "squares", "at or above the sum of the squared residuals over the releases, on every course of at most as many requests as are fixed beforehand",
            Side.UPPER, Domain.NONNEGATIVE, "parameter²",
        ),
        Hypothesis("sigma", "standard deviation of the noise of every release, in every coordinate", Side.LOWER, Domain.POSITIVE, "parameter"),
    ),
    conclusion=GAUSSIAN_PARAMETER,
    formula=sqrt(squares) / sigma,
    rests_on=("gaussian.filter", "privacy.gaussian-parameter", "probability.gaussian-rotation", "arithmetic.recursion", "probability.gaussian-moments"),
    source="Kuang & Xia 2026 (independent mechanism); own proof",
    proof=AlgebraicProof(
        target="v",
        variables={**_NOISES, "d": "norm of the residual at the next release"},
        sequences=(_SPENT, Sequence("used", "used_next", "used_first", "used_last", "sum of the squared residuals of the releases so far")),
        terms={"root": sqrt(squares), "total": _TOTAL},
        facts=(
            _EMPTY_SPENT, _EMPTY_USED, _NEXT_SPENT,
            Fact("next used", "==0", used_next - used - d**2, ("arithmetic.recursion",), "the sum goes on"),
            _PARAMETER,
            Fact("noise", ">=0", w - sigma**2, ("probability.gaussian-moments", "hypothesis:sigma"), "the variance is at least sigma²"),
            *_TRANSCRIPT_FACTS,
            Fact("all", ">=0", squares - used_last, ("hypothesis:squares",), "the number given covers the sum on every course"),
        ),
        citations=(_TRANSCRIPT,),
        steps=(
            _TRANSCRIPT_STEP,
            Induction(
                "so far", used - sigma**2 * spent,
                base=(Step(equations=((1, "nothing used"), (-(sigma**2), "nothing spent"))),),
                step=(
                    Step(
                        (Term(1, 1, ("so far",)), Term(1, b, ("noise",))), ((1, "next used"), (-(sigma**2), "next spent"), (-1, "parameter")),
                    ),
                ),
            ),
            Step(
                (Term(1, 1, ("all",)), Term(1, 1, ("so far",)), Term(1, sigma, ("filtered",))), ((1, "root^2"),), (),
                "squares fit", ">=0", sqrt(squares) ** 2 - (sigma * v) ** 2,
            ),
            by_squares(sqrt(squares), sigma * v, "squares fit"),
        ),
        witness={"squares": 1, "sigma": 1, **_ONE_RELEASE},
    ),
    false_sibling=FalseSibling("half of it", sqrt(squares) / (2 * sigma), counterexample={"squares": 1, "sigma": 1, **_ONE_RELEASE}),
)  # fmt: skip

_LEAVES = 3 * hessian_lipschitz * smoothness + curvature * record_hessian
_CHARGED = curvature * hessian_lipschitz * sums**2 + j * gradient_sum**2 * _LEAVES - 2 * curvature**4 * used
_ONE_DELETION: dict[str, Fraction | int] = {
    "gradient_sum": 1, "m": 1, "smoothness": 1, "record_hessian": 1, "hessian_lipschitz": 1, "curvature": 1, "d": _HALF, "x": 0, "y": 1, "z": 1, "t": _HALF,
    "q": 1, "sums": 0, "sums_next": 1, "sums_first": 0, "sums_last": 1, "used": 0, "used_next": _HALF, "used_first": 0, "used_last": _HALF,
    "j": 0, "j_next": 1, "j_first": 0, "j_last": 1,
}  # fmt: skip

SET_PATH = Theorem(
    id="continual.set-path",
    statement=(
        "While M records leave one by one, in any order, the residual's path is no longer than (W²/(2 kappa³)) (C + M (c + 3 B C/kappa)), "
        "W the sum of the M largest gradient norms at the fitted model."
    ),
    hypotheses=(
        Hypothesis("gradient_sum", "at or above the sum of the M largest gradient norms at the fitted model", Side.UPPER, Domain.NONNEGATIVE, "loss/parameter"),
        _DELETED, _SMOOTHNESS, _RECORD_HESSIAN, _HESSIAN_LIPSCHITZ, _CURVATURE,
    ),
    conclusion=Conclusion("path", "sum of the norms by which the residual moves", Side.UPPER, "parameter"),
    formula=gradient_sum**2 / (2 * curvature**3) * (hessian_lipschitz + m * (record_hessian + 3 * smoothness * hessian_lipschitz / curvature)),
    rests_on=(
        "continual.increment", "continual.inverse-change", "continual.shift", "calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh",
        "linalg.cauchy-schwarz", "linalg.operator-norm", "linalg.triangle", "arithmetic.recursion",
    ),
    source="Kuang & Xia 2026 (computable set-based constant); own proof",
    proof=AlgebraicProof(
        target="used_last",
        variables={
            "d": "norm of e_B - e_A, where B has the next record beyond A", **_MOVES, "t": "norm of H_B^-1 - H_A^-1",
                "q": "gradient norm of the next record at w",
        },
        sequences=(
            Sequence("sums", "sums_next", "sums_first", "sums_last", "sum of the gradient norms at w of the records deleted so far"),
            Sequence("used", "used_next", "used_first", "used_last", "length of the residual's path so far"),
            Sequence("j", "j_next", "j_first", "j_last", "number of records deleted so far"),
        ),
        facts=(
            Fact("no gradients", "==0", sums_first, ("arithmetic.recursion",), "the empty sum"),
            _EMPTY_USED,
            Fact("none", "==0", j_first, ("arithmetic.recursion",), "counting starts at nought"),
            Fact("next sum", "==0", sums_next - sums - q, ("arithmetic.recursion",), "the sum goes on"),
            Fact("next used", "==0", used_next - used - d, ("arithmetic.recursion",), "the path goes on"),
            Fact("one more", "==0", j_next - j - 1, ("arithmetic.recursion",), "one record at a time"),
            *_NORMS,
            _TURN_NORM,
            Fact("q at least 0", ">=0", q, ("linalg.triangle",), "a norm is nonnegative"),
            Fact("largest", ">=0", gradient_sum - sums_next, ("hypothesis:gradient_sum", "linalg.triangle"), "no M records have more together"),
            Fact("largest at last", ">=0", gradient_sum**2 - sums_last**2, ("hypothesis:gradient_sum", "linalg.triangle"), "nor at last"),
            Fact("all", ">=0", m - j_last, ("hypothesis:m",), "M records at most"),
            Fact(
                "x moved", ">=0", sums - curvature * x,
                ("calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
                    "hypothesis:curvature"),
                "the mean Hessian of L_A over the segment takes w_A - w to g_A",
            ),
            Fact(
                "y moved", ">=0", sums_next - curvature * y,
                ("calculus.stationarity", "calculus.fundamental-theorem", "linalg.rayleigh", "linalg.cauchy-schwarz", "linalg.triangle",
                    "hypothesis:curvature"),
                "likewise for B",
            ),
        ),
        citations=(
            Citation(
                "increment", "continual.increment", d,
                {
                    "before": x, "after": y, "moved": z, "m": 1, "record_hessian": record_hessian, "hessian_lipschitz": hessian_lipschitz,
                    "curvature": curvature, "turn": t,
                },
                "each number covers itself",
            ),
            Citation("shift", "continual.shift", z, {"change": q, "m": 1, "smoothness": smoothness, "before": x, "curvature": curvature},
                "for the next record"),
            Citation("turn", "continual.inverse-change", t, {"removed": smoothness, "curvature": curvature}, "H_A - H_B is the Hessian of the next record"),
        ),
        steps=(
            Induction(
                "charged", _CHARGED,
                base=(
                    Step(equations=(
                        (curvature * hessian_lipschitz * sums_first, "no gradients"), (gradient_sum**2 * _LEAVES, "none"), (-2 * curvature**4, "nothing used"),
                    )),
                ),
                step=(
                    Step(
                        (Term(1, 1, ("largest",)), Term(1, 1, ("q at least 0",)), Term(1, 1, ("x moved",))), ((1, "next sum"),),
                        name="x below", slack=gradient_sum - curvature * x,
                    ),
                    Step(
                        (Term(1, 1, ("largest",)), Term(1, 1, ("y moved",))), name="y below", slack=gradient_sum - curvature * y,
                    ),
                    Step(
                        (Term(1, 1, ("x below", "gradient_sum")), Term(1, 1, ("x below", "curvature", "x at least 0"))),
                        name="x square", slack=gradient_sum**2 - curvature**2 * x**2,
                    ),
                    # 2 W² - kappa² (x + y) x = 2 W (W - kappa x) + kappa x (W - kappa x) + kappa x (W - kappa y)
                    Step(
                        (
                            Term(2, 1, ("x below", "gradient_sum")), Term(1, 1, ("x below", "curvature", "x at least 0")),
                            Term(1, 1, ("y below", "curvature", "x at least 0")),
                        ),
                        name="mixed", slack=2 * gradient_sum**2 - curvature**2 * (x + y) * x,
                    ),
                    Step(
                        (
                            Term(1, 1, ("charged",)),
                            Term(1, curvature, ("curvature", "increment")),
                            Term(1, curvature, ("hessian_lipschitz", "x at least 0", "shift")), Term(1, curvature, ("hessian_lipschitz",
                                "y at least 0", "shift")),
                            Term(1, 1, ("curvature", "hessian_lipschitz", "q at least 0", "x moved")),
                            Term(1, 1, ("curvature", "hessian_lipschitz", "q at least 0", "y moved")),
                            Term(1, 1, ("hessian_lipschitz", "smoothness", "mixed")),
                            Term(1, 1, ("curvature", "record_hessian", "x square")),
                            Term(1, curvature * x, ("hessian_lipschitz", "turn")),
                            Term(1, curvature * x, ("hessian_lipschitz", "curvature", "smoothness", "t at least 0")),
                            Term(1, 1, ("hessian_lipschitz", "smoothness", "x square")),
                        ),
                        (
                            (curvature * hessian_lipschitz * (sums_next + sums), "next sum"),
                            (gradient_sum**2 * _LEAVES, "one more"), (-2 * curvature**4, "next used"),
                        ),
                    ),
                ),
            ),
            Step(
                (
                    Term(1, 1, ("charged",)), Term(1, 1, ("curvature", "hessian_lipschitz", "largest at last")),
                    Term(3, gradient_sum, ("all", "hessian_lipschitz", "smoothness")), Term(1, gradient_sum, ("all", "curvature", "record_hessian")),
                ),
            ),
        ),
        witness=_ONE_DELETION,
    ),
    false_sibling=FalseSibling(
        "half of the first term",
            gradient_sum**2 / (2 * curvature**3) * (hessian_lipschitz / 2 + m * (record_hessian + 3 * smoothness * hessian_lipschitz / curvature)),
        counterexample={**_ONE_DELETION, "smoothness": 0, "record_hessian": 0, "t": 0},
    ),
)  # fmt: skip

_STEADY = curvature + smoothness
_COUNT_CHARGED = gradient**2 * (
    _STEADY * (hessian_lipschitz * j**2 + record_hessian * sums) + smoothness * hessian_lipschitz * sums
) - (2 * curvature**3 * _STEADY * used)
_FIRST_DELETION: dict[str, Fraction | int] = {
    "m": 1, "squares": 0, "gradient": 1, "smoothness": 1, "record_hessian": 1, "hessian_lipschitz": 1, "curvature": 1, "d": _HALF,
    "sums": 0, "sums_next": 0, "sums_first": 0, "sums_last": 0, "used": 0, "used_next": _HALF, "used_first": 0, "used_last": _HALF,
    "j": 0, "j_next": 1, "j_first": 0, "j_last": 1,
}  # fmt: skip

COUNT_PATH = Theorem(
    id="continual.count-path",
    statement=(
        "While M records leave one by one, whichever they are, the residual's path is no longer than "
        "(G²/(2 kappa³)) (C M² + (c + B C/(kappa + B)) (0² + 1² + ... + (M - 1)²))."
    ),
    hypotheses=(
        _DELETED, Hypothesis("squares", "at or above the sum of j² over j from 0 to M - 1", Side.UPPER, Domain.NONNEGATIVE, "records²"), _GRADIENT,
        _SMOOTHNESS, _RECORD_HESSIAN, _HESSIAN_LIPSCHITZ, _CURVATURE,
    ),
    conclusion=Conclusion("path", "sum of the norms by which the residual moves", Side.UPPER, "parameter"),
    formula=gradient**2 / (2 * curvature**3)
    * (hessian_lipschitz * m**2 + (record_hessian + smoothness * hessian_lipschitz / _STEADY) * squares),
    rests_on=("continual.count-increment", "arithmetic.recursion", "linalg.triangle", "calculus.chain-rule"),
    source="Kuang & Xia 2026 (count-based constant), the sum in closed form; own proof",
    proof=AlgebraicProof(
        target="used_last",
        variables={"d": "norm by which the residual moves when the next record leaves"},
        sequences=(
            Sequence("sums", "sums_next", "sums_first", "sums_last", "sum of the squares of the counts so far"),
            Sequence("used", "used_next", "used_first", "used_last", "length of the residual's path so far"),
            Sequence("j", "j_next", "j_first", "j_last", "number of records deleted so far"),
        ),
        facts=(
            Fact("no squares", "==0", sums_first, ("arithmetic.recursion",), "the empty sum"),
            _EMPTY_USED,
            Fact("none", "==0", j_first, ("arithmetic.recursion",), "counting starts at nought"),
            Fact("next square", "==0", sums_next - sums - j**2, ("arithmetic.recursion",), "the sum goes on"),
            Fact("next used", "==0", used_next - used - d, ("arithmetic.recursion", "linalg.triangle"), "the path goes on"),
            Fact("one more", "==0", j_next - j - 1, ("arithmetic.recursion",), "one record at a time"),
            Fact("count", ">=0", j, ("arithmetic.recursion",), "a count"),
            Fact("all", ">=0", m**2 - j_last**2, ("hypothesis:m",), "M records at most"),
            Fact("all squares", ">=0", squares - sums_last, ("hypothesis:squares",), "the number given covers the sum"),
        ),
        citations=(
            Citation(
                "increment", "continual.count-increment", d,
                {
                    "earlier": j, "m": 1, "gradient": gradient, "smoothness": smoothness, "record_hessian": record_hessian,
                    "hessian_lipschitz": hessian_lipschitz, "curvature": curvature,
                },
                "for one record after j others",
            ),
        ),
        steps=(
            Induction(
                "charged", _COUNT_CHARGED,
                base=(
                    Step(equations=(
                        (gradient**2 * _STEADY * hessian_lipschitz * j_first, "none"),
                        (gradient**2 * (_STEADY * record_hessian + smoothness * hessian_lipschitz), "no squares"),
                        (-2 * curvature**3 * _STEADY, "nothing used"),
                    )),
                ),
                step=(
                    Step(
                        (Term(1, 1, ("charged",)), Term(1, 1, ("increment",))),
                        (
                            (gradient**2 * _STEADY * hessian_lipschitz * (j_next + j + 1), "one more"),
                            (gradient**2 * (_STEADY * record_hessian + smoothness * hessian_lipschitz), "next square"),
                            (-2 * curvature**3 * _STEADY, "next used"),
                        ),
                    ),
                ),
            ),
            Step(
                (
                    Term(1, 1, ("charged",)), Term(1, gradient, ("curvature", "hessian_lipschitz", "all")), Term(1, gradient, ("smoothness",
                        "hessian_lipschitz", "all")),
                    Term(1, gradient, ("curvature", "record_hessian", "all squares")), Term(1, gradient, ("smoothness", "record_hessian", "all squares")),
                    Term(1, gradient, ("smoothness", "hessian_lipschitz", "all squares")),
                ),
            ),
        ),
        witness=_FIRST_DELETION,
    ),
    false_sibling=FalseSibling(
        "linear in the number", gradient**2 / (2 * curvature**3)
        * (hessian_lipschitz * m / 2 + (record_hessian + smoothness * hessian_lipschitz / _STEADY) * squares),
        counterexample=_FIRST_DELETION,
    ),
)  # fmt: skip

THEOREMS = (
    RESIDUAL, COUNT_RESIDUAL, SHIFT, INVERSE_CHANGE, INCREMENT, COUNT_INCREMENT, REMOVED, LEVERAGE, CURVATURE, RANDOM_WALK, INDEPENDENT, COUNT_PATH, SET_PATH,
)  # fmt: skip
