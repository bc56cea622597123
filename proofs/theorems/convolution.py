"""Spectral norms of convolutions: by their symbols, circular, zero-padded and at any input size; and by the kernel as a matrix."""

from __future__ import annotations

from fractions import Fraction

from ..expression import Expression, sqrt, symbols
from ..proof import AlgebraicProof, Citation, Fact, Induction, Sequence, Step, Term, by_squares
from ..sides import Side
from ..theorem import Conclusion, Domain, FalseSibling, Hypothesis, Relation, Theorem
from .vocabulary import norm_of

symbol, cosine, grid, size, padding, kernel, overlap = symbols("symbol cosine grid size padding kernel overlap")
t, v, w, z, m, reach, kappa = symbols("t v w z m reach kappa")
i, i_next, i_first, i_last, o, o_next, o_first, o_last = symbols("i i_next i_first i_last o o_next o_first o_last")

_NONNEGATIVE = "a norm is nonnegative"


def symbol_bound(grid_points: str) -> Hypothesis:
    """A bound on the symbol at those frequencies."""
    meaning = f"at or above the spectral norm of the symbol F(w) at every frequency w of {grid_points}"
    return Hypothesis("symbol", meaning, Side.UPPER, Domain.NONNEGATIVE)


def _amplified(name: str, number: Expression) -> Induction:
    """Part by part the output has at most number² times the energy of the input: so it has in all."""
    return Induction(
        "amplified", number**2 * i - o,
        base=(Step((), ((number**2, "no input"), (-1, "no output"))),),
        step=(
            Step(
                (
                    Term(1, 1, ("amplified",)), Term(1, 1, ("multiplied",)),
                    Term(1, 1, ("covers", name, "energy")), Term(1, 1, ("covers", "factor", "energy")),
                ),
            ),
        ),
    )  # fmt: skip


_CIRCULAR = {
    "symbol": 2, "t": 2, "m": 2, "m_next": 2, "m_first": 2, "m_last": 2, "i": 0, "i_first": 0, "i_next": 1, "i_last": 1,
    "o": 0, "o_first": 0, "o_next": 4, "o_last": 4,
}  # fmt: skip

CIRCULAR = Theorem(
    id="convolution.circular",
    statement=(
        "A circular convolution of period N between channels, in one or more dimensions, with a stride that divides N and with N divided by the "
        "stride positions in its output, has at most the greatest spectral norm of its symbol over the discrete frequencies of that period."
    ),
    hypotheses=(symbol_bound("period N over the stride, along every axis"),),
    conclusion=Conclusion("norm", "spectral norm of the circular convolution", Side.UPPER),
    formula=symbol,
    rests_on=("linalg.operator-norm", "linalg.circulant", "linalg.pythagoras"),
    source="Sedghi, Gupta & Long, ICLR 2019, Theorem 6, for stride one; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "norm of the image of the unit input x that attains the norm"},
        sequences=(
            Sequence("i", "i_next", "i_first", "i_last", "energy of the Fourier transform of x at the first frequencies"),
            Sequence("o", "o_next", "o_first", "o_last", "energy of the Fourier transform of the output at the first frequencies"),
            Sequence("m", "m_next", "m_first", "m_last", "spectral norm of the symbol at the next frequency"),
        ),
        facts=(
            Fact("energy", ">=0", i_next - i, ("linalg.pythagoras",), "a sum of squares is nonnegative"),
            Fact("factor", ">=0", m, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact(
                "multiplied", ">=0", m**2 * (i_next - i) - (o_next - o), ("linalg.circulant", "linalg.operator-norm"),
                "at a frequency the output is F(w) times the input, and |F(w) y| <= |F(w)| |y|",
            ),
            Fact("covers", ">=0", symbol - m, ("hypothesis:symbol",), "the number given covers |F(w)|"),
            Fact("no input", "==0", i_first, ("linalg.pythagoras",), "an empty sum"),
            Fact("no output", "==0", o_first, ("linalg.pythagoras",), "an empty sum"),
            Fact("unit", "==0", i_last - 1, ("linalg.circulant", "linalg.pythagoras"), "all frequencies: |x|² = 1"),
            Fact("image", "==0", o_last - t**2, ("linalg.circulant", "linalg.operator-norm"), "all frequencies: the squared norm of the output"),
        ),
        steps=(
            _amplified("symbol", symbol),
            Step((Term(1, 1, ("amplified",)),), ((-(symbol**2), "unit"), (1, "image")), name="squares", kind=">=0", slack=symbol**2 - t**2),
            by_squares(symbol, t, "squares"),
        ),
        witness=_CIRCULAR,
    ),
    false_sibling=FalseSibling("half of the symbol", symbol / 2, counterexample=_CIRCULAR),
)  # fmt: skip

_PADDED = {"symbol": 1, "grid": 4, "size": 3, "padding": 1, "t": 1, "v": 1, "w": 1, "z": 0, "reach": 3}

ZERO_PADDING = Theorem(
    id="convolution.zero-padding",
    statement=(
        "A convolution with zero padding, of inputs of size n along every axis, has at most the greatest spectral norm of its symbol over "
        "the discrete frequencies of any period N >= n + p, p the greatest padding on one side: it is a submatrix of the circular one. For a "
        "transposed convolution, n and p are those of the convolution that it transposes."
    ),
    hypotheses=(
        symbol_bound("period N over the stride, along every axis"),
        Hypothesis("grid", "the period N, a multiple of the stride, along the axis where it is least", Side.LOWER, Domain.COUNT, "positions"),
        Hypothesis("size", "input size n of the convolution along the axis where it is greatest", Side.UPPER, Domain.COUNT, "positions"),
        Hypothesis("padding", "zeros added on one side, where they are most", Side.UPPER, Domain.COUNT, "positions"),
    ),
    conclusion=Conclusion("norm", "spectral norm of the convolution with zero padding", Side.UPPER),
    formula=symbol,
    rests_on=("convolution.circular", "norm.compression", "norm.sum", "linalg.operator-norm", "linalg.circulant", "numbers.residues"),
    source="own derivation",
    side_conditions=(Relation(">=0", grid - size - padding, "N - n - p >= 0: what wraps around falls on the padding"),),
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "spectral norm of the zero-padded convolution, its rows without an input left out",
            "w": "spectral norm of the circular convolution of period N",
            "v": "spectral norm of the circular convolution's rows and columns at the outputs and inputs of the zero-padded one",
            "z": "spectral norm of the difference of the zero-padded convolution and those rows and columns",
            "reach": "greatest distance from a position that the kernel touches to an input position",
        },
        facts=(
            Fact("whole", ">=0", w, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact("part", ">=0", v, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact("rest", ">=0", z, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact(
                "alias", ">=0", z * (reach - grid), ("linalg.circulant", "numbers.residues"),
                "where N > reach, a touched position that is congruent to an input position is equal to it, so that the difference is zero",
            ),
            Fact(
                "extent", ">=0", size + padding - 1 - reach, ("hypothesis:size", "hypothesis:padding"),
                "the kernel touches positions from -p to n - 1 + p, the inputs are 0 to n - 1",
            ),
        ),
        citations=(
            Citation("circular", "convolution.circular", w, {"symbol": symbol}, "for the circular convolution of period N"),
            Citation("submatrix", "norm.compression", v, {"norm": w}, "some of its rows and columns"),
            Citation("sum", "norm.sum", t, {"left": v, "right": z}, "the zero-padded convolution is these plus the difference"),
        ),
        # -z  =  z (N - n - p) + z (n + p - 1 - reach) + z (reach - N)
        steps=(
            Step(
                (
                    Term(1, 1, ("circular",)), Term(1, 1, ("submatrix",)), Term(1, 1, ("sum",)),
                    Term(1, 1, ("rest", "condition:0")), Term(1, 1, ("rest", "extent")), Term(1, 1, ("alias",)),
                ),
            ),
        ),
        witness=_PADDED,
    ),
    false_sibling=FalseSibling("half of the symbol", symbol / 2, counterexample=_PADDED),
)  # fmt: skip

_TORUS: dict[str, Fraction | int] = {"symbol": 1, "cosine": Fraction(1, 2), "t": 2, "v": 1, "kappa": Fraction(1, 2)}

TORUS = Theorem(
    id="convolution.torus",
    statement=(
        "The spectral norm of the symbol at any frequency is at most its maximum over a grid divided by the cosine of the sum over the axes of "
        "pi j/(2 N), where that sum is below pi/2: N points of the grid along the axis, and j the difference of the greatest and the least "
        "multiple of the frequency in the symbol (the size of the kernel less one, without a stride). The bound serves as the symbol of "
        "every period, so for zero padding at every input size."
    ),
    hypotheses=(
        symbol_bound("the grid with N points along an axis"),
        Hypothesis("cosine", "at or below the cosine of the sum over the axes of pi j/(2 N)", Side.LOWER, Domain.POSITIVE),
    ),
    conclusion=Conclusion("symbol", "greatest spectral norm of the symbol over all frequencies", Side.UPPER),
    formula=symbol / cosine,
    rests_on=("analysis.bernstein-szego", "linalg.operator-norm"),
    source="own derivation; sharper than Araujo, Negrevergne, Chevaleyre & Atif, AAAI 2021",
    proof=AlgebraicProof(
        target="t",
        variables={
            "t": "the greatest norm M, attained at a frequency as u . F(w) y with unit vectors u and y",
            "v": "real part of u . F(w') y at the nearest frequency w' of the grid",
            "kappa": "cosine of the sum over the axes of pi j/(2 N)",
        },
        facts=(
            Fact("norm", ">=0", t, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact(
                "nearest", ">=0", v - kappa * t, ("analysis.bernstein-szego", "linalg.operator-norm"),
                "the real part of u . F y, the phase of the kernel's middle taken out, is a trigonometric polynomial of degree j/2 along "
                "an axis and at most M everywhere; it is M at w, and w' is within pi/N along every axis",
            ),
            Fact("grid", ">=0", symbol - v, ("linalg.operator-norm", "hypothesis:symbol"), "v <= |F(w')|"),
            Fact("angle", ">=0", kappa - cosine, ("hypothesis:cosine",), "the number given is below the cosine"),
        ),
        # symbol - cosine t  =  (symbol - v) + (v - kappa t) + (kappa - cosine) t
        steps=(Step((Term(1, 1, ("grid",)), Term(1, 1, ("nearest",)), Term(1, 1, ("angle", "norm")))),),
        witness=_TORUS,
    ),
    false_sibling=FalseSibling("the maximum over the grid alone", symbol, counterexample=_TORUS),
)  # fmt: skip

_RESHAPED = {
    "kernel": 1, "overlap": 4, "t": 2, "m": 1, "i": 0, "i_first": 0, "i_next": 4, "i_last": 4, "o": 0, "o_first": 0, "o_next": 4, "o_last": 4,
}  # fmt: skip

RESHAPED = Theorem(
    id="convolution.reshaped",
    statement=(
        "A convolution has at most sqrt(c) times the spectral norm of its kernel as a matrix of output channels by taps, where no input "
        "position is in more than c windows. Along an axis of kernel k, stride s and dilation r these are at most k g/s rounded up, g the "
        "greatest common divisor of r and s; the numbers of the axes multiply."
    ),
    hypotheses=(
        norm_of("kernel", "the kernel as a matrix: a row for each output channel, a column for each tap of each input channel"),
        Hypothesis("overlap", "at or above the number of windows that hold any one input position", Side.UPPER, Domain.COUNT, "windows"),
    ),
    conclusion=Conclusion("norm", "spectral norm of the convolution", Side.UPPER),
    formula=sqrt(overlap) * kernel,
    rests_on=("linalg.operator-norm", "linalg.pythagoras"),
    source="standard; own proof",
    proof=AlgebraicProof(
        target="t",
        variables={"t": "norm of the image of the unit input x that attains the norm", "m": "spectral norm of the kernel as a matrix"},
        sequences=(
            Sequence("i", "i_next", "i_first", "i_last", "energy of x in the first windows"),
            Sequence("o", "o_next", "o_first", "o_last", "energy of the output at the first positions"),
        ),
        terms={"root": sqrt(overlap)},
        facts=(
            Fact("energy", ">=0", i_next - i, ("linalg.pythagoras",), "a sum of squares is nonnegative"),
            Fact("factor", ">=0", m, ("linalg.operator-norm",), _NONNEGATIVE),
            Fact(
                "multiplied", ">=0", m**2 * (i_next - i) - (o_next - o), ("linalg.operator-norm", "linalg.pythagoras"),
                "at a position the output is the kernel times the window",
            ),
            Fact("covers", ">=0", kernel - m, ("hypothesis:kernel",), "the number given covers the norm of the kernel"),
            Fact("no input", "==0", i_first, ("linalg.pythagoras",), "an empty sum"),
            Fact("no output", "==0", o_first, ("linalg.pythagoras",), "an empty sum"),
            Fact(
                "windows", ">=0", overlap - i_last, ("linalg.pythagoras", "hypothesis:overlap"),
                "all windows: the square of every coordinate of x is counted at most c times, and they add up to one",
            ),
            Fact("image", "==0", o_last - t**2, ("linalg.operator-norm", "linalg.pythagoras"), "all positions: the squared norm of the output"),
        ),
        steps=(
            _amplified("kernel", kernel),
            Step(
                (Term(1, 1, ("amplified",)), Term(1, kernel, ("windows",))), ((1, "image"), (kernel**2, "root^2")),
                name="squares", kind=">=0", slack=(sqrt(overlap) * kernel) ** 2 - t**2,
            ),
            by_squares(sqrt(overlap) * kernel, t, "squares"),
        ),
        witness=_RESHAPED,
    ),
    false_sibling=FalseSibling("the norm of the kernel alone", kernel, counterexample=_RESHAPED),
)  # fmt: skip

THEOREMS = (CIRCULAR, ZERO_PADDING, TORUS, RESHAPED)
