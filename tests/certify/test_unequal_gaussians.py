"""``certify.gaussian_delta`` attacked: other routes to the same number, laws on the edge, and where delta is exactly zero."""

from __future__ import annotations

import itertools
import math
import random
import time
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import arb

from certify.mechanisms import contour, gaussian_delta
from certify.mechanisms.supremum import pseudo_form

PLAIN = [[1, 0], [0, 1]]


def number(value: Fraction | str | int) -> mpmath.mpf:
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def line(epsilon: mpmath.mpf, shift: mpmath.mpf, variance: mpmath.mpf, reference: mpmath.mpf) -> mpmath.mpf:
    """On the line, at the working precision: the interval between the roots of the log-ratio, or what it leaves out."""
    a, b = (1 / reference - 1 / variance) / 2, shift / variance
    c = -(shift**2) / (2 * variance) + mpmath.log(reference / variance) / 2 - epsilon
    square = b * b - 4 * a * c
    if square <= 0:
        return mpmath.mpf(0)
    low, high = sorted([(-b - mpmath.sqrt(square)) / (2 * a), (-b + mpmath.sqrt(square)) / (2 * a)])

    def share(mean: mpmath.mpf, spread: mpmath.mpf) -> mpmath.mpf:
        inside = mpmath.ncdf((high - mean) / spread) - mpmath.ncdf((low - mean) / spread)
        return inside if a < 0 else mpmath.ncdf((low - mean) / spread) + mpmath.ncdf((mean - high) / spread)

    return share(shift, mpmath.sqrt(variance)) - mpmath.exp(epsilon) * share(mpmath.mpf(0), mpmath.sqrt(reference))


def noncentral(dimension: int, centre: mpmath.mpf, square: mpmath.mpf) -> mpmath.mpf:
    """P[|Z|² <= square] for a normal vector with unit covariance and a squared mean of ``centre``: a Poisson mixture of Gamma laws."""
    if square <= 0:
        return mpmath.mpf(0)
    half, total = centre / 2, mpmath.mpf(0)
    for j in itertools.count():
        weight = mpmath.exp(-half) * half**j / mpmath.factorial(j)
        total += weight * mpmath.gammainc(mpmath.mpf(dimension) / 2 + j, 0, square / 2, regularized=True)
        if j > half and weight < mpmath.mpf(10) ** -60:
            return total


def proportional(epsilon: mpmath.mpf, dimension: int, shift: mpmath.mpf, ratio: mpmath.mpf) -> mpmath.mpf:
    """N(shift e1, ratio I) against N(0, I): the best event is a ball or leaves one out, whose probabilities are noncentral."""
    slope = 1 - 1 / ratio
    centre = -shift / (ratio * slope)
    square = (2 * epsilon + dimension * mpmath.log(ratio) + shift**2 / ratio) / slope + centre**2
    one, two = noncentral(dimension, (shift - centre) ** 2 / ratio, square / ratio), noncentral(dimension, centre**2, square)
    return one - mpmath.exp(epsilon) * two if ratio < 1 else 1 - one - mpmath.exp(epsilon) * (1 - two)


def turned(diagonal: list[Fraction], move: list[Fraction], seed: int) -> dict[str, Any]:
    """The laws N(move, diag) and N(0, I) after an exact linear map, which changes no divergence and hides the coordinates."""
    generator, size = random.Random(seed), len(move)
    table = [
        [Fraction(generator.randint(-9, 9), generator.randint(1, 7)) + 5 * (i == j) for j in range(size)] for i in range(size)
    ]

    def mapped(weights: list[Fraction]) -> list[list[Fraction]]:
        return [[sum(a * w * b for a, w, b in zip(one, weights, two, strict=True)) for two in table] for one in table]

    shift = [sum(a * b for a, b in zip(row, move, strict=True)) for row in table]
    return {"mean_shift": shift, "covariance": mapped(diagonal), "reference_covariance": mapped([Fraction(1)] * size)}


# ---------------------------------------------------------------- other routes to the same number


@pytest.mark.parametrize("dimension", [2, 3, 5, 12])
@pytest.mark.parametrize(("shift", "ratio"), [("0", "0.3"), ("1", "0.8"), ("0.3", "1.3"), ("2", "5")])
@pytest.mark.parametrize("epsilon", ["0", "0.7", "4"])
def test_proportional_covariances_against_the_noncentral_chi_square_law(
    dimension: int, shift: str, ratio: str, epsilon: str
) -> None:
    move = [Fraction(shift), *[Fraction(0)] * (dimension - 1)]
    ours = gaussian_delta(epsilon, **turned([Fraction(ratio)] * dimension, move, seed=dimension)).value
    with mpmath.workdps(60):
        truth = proportional(number(epsilon), dimension, number(shift), number(ratio))
        assert truth <= ours <= truth * (1 + mpmath.mpf(10) ** -12) or ours == truth == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_plane_in_disguise_against_one_integral_after_the_other(seed: int) -> None:
    """The inner integral in closed form, the outer by quadrature between its kinks; the map of the plane is exact."""
    generator = random.Random(seed)
    variances = [Fraction(generator.choice(["0.1", "0.5", "1.2", "2", "5"])) for _ in range(2)]
    moves = [Fraction(generator.choice(["0", "0.2", "1", "2"])) for _ in range(2)]
    epsilon = Fraction(generator.choice(["0", "0.3", "1"]))
    ours = gaussian_delta(epsilon, **turned(variances, moves, seed)).value
    with mpmath.workdps(20):
        (r, s), (m, n), level = map(number, variances), map(number, moves), number(epsilon)

        def gain(x: mpmath.mpf) -> mpmath.mpf:
            return -mpmath.log(r) / 2 - (x - m) ** 2 / (2 * r) + x * x / 2

        def inner(x: mpmath.mpf) -> mpmath.mpf:
            return mpmath.npdf(x, m, mpmath.sqrt(r)) * line(level - gain(x), n, s, mpmath.mpf(1))

        edge = -mpmath.log(s) / 2 + n * n / (2 * (1 - s))  # where the inner event appears or becomes everything
        a, b, c = (1 - 1 / r) / 2, m / r, -m * m / (2 * r) - mpmath.log(r) / 2 - level + edge
        square = b * b - 4 * a * c
        kinks = [(-b + sign * mpmath.sqrt(square)) / (2 * a) for sign in (-1, 1)] if square > 0 else []
        spread = mpmath.sqrt(r)
        places = sorted(
            {m + k * spread for k in (-13, -4, -1, 0, 1, 4, 13)} | {place for place in kinks if abs(place - m) < 13 * spread}
        )

        def whole(x: mpmath.mpf) -> mpmath.mpf:
            """``line`` is zero for a negative square: right for a narrow law, and everything for a wide one."""
            everything = s > 1 and gain(x) + edge >= level
            return mpmath.npdf(x, m, spread) - mpmath.exp(level) * mpmath.npdf(x) if everything else inner(x)

        truth = mpmath.quad(whole, places)
        assert abs(ours - truth) <= truth * mpmath.mpf(10) ** -11


# ---------------------------------------------------------------- laws on the edge


def test_just_below_the_supremum_in_a_plane_is_quick() -> None:
    """The contour crosses far out, at an order in the thousands, where a box around the exponent must not lose what cancels in it."""
    start = time.perf_counter()
    value = gaussian_delta(
        (math.log(3) + 1) / 2 * (1 - 1e-3), mean_shift=[1, 1], covariance=PLAIN, reference_covariance=[[2, 1], [1, 2]]
    ).value
    assert time.perf_counter() - start < 5
    same = gaussian_delta((math.log(3) + 1) / 2 * (1 - 1e-3), mean_shift=2**0.5, covariance=1, reference_covariance=3).value
    assert value == pytest.approx(same, rel=1e-11)


@pytest.mark.parametrize("digits", [10, 40, 60, 120])
def test_two_roots_that_agree_to_every_digit_of_a_double(digits: int) -> None:
    """Just below the supremum of the log-ratio delta is tiny, and not zero; the roots may not change places."""
    with mpmath.workdps(2 * digits + 60):
        top = (mpmath.log(2) + 1) / 2
        epsilon = Fraction(int(top * mpmath.mpf(10) ** (digits + 40)), 10 ** (digits + 40)) - Fraction(1, 10**digits)
        truth = line(number(epsilon), mpmath.mpf(1), mpmath.mpf(1), mpmath.mpf(2))
        ours = gaussian_delta(epsilon, mean_shift=1, covariance=1, reference_covariance=2).value
        assert 0 < truth <= ours <= truth * (1 + mpmath.mpf(10) ** -12)


@pytest.mark.parametrize("scale", ["1e-400", "1e-320", "1", "1e400"])
@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_scale_beyond_the_doubles_changes_nothing(scale: str, first: int, second: int) -> None:
    unit = Fraction(scale)
    ours = [
        gaussian_delta("0.2", mean_shift=size, covariance=first * size**2, reference_covariance=second * size**2).value
        for size in (Fraction(1), unit)
    ]
    assert ours[0] == ours[1] > 0.05


@pytest.mark.parametrize(
    ("shift", "variance", "reference"),
    [
        ("1e30", "2", "1"),
        ("1e150", "0.5", "1"),
        ("1e200", "2", "1"),
        ("1", "1e8", "1"),
        ("1", "1e17", "1"),
        ("1", "1e30", "1"),
        ("1", "1e300", "1"),
        ("1", "1", "1e30"),
        ("1e-150", "2", "1"),
        ("1", "1.000000000001", "1"),
        ("1", "1", "1.000000000001"),
    ],
)
@pytest.mark.parametrize("epsilon", ["0", "1e-9", "1", "50"])
def test_numbers_of_any_size_give_the_same_in_the_plane_as_on_the_line(
    shift: str, variance: str, reference: str, epsilon: str
) -> None:
    """To the digits promised, and far faster than the limit; the second coordinate is the same in both laws."""
    start = time.perf_counter()
    plane = gaussian_delta(
        epsilon, mean_shift=[shift, 0], covariance=[[variance, 0], [0, 1]], reference_covariance=[[reference, 0], [0, 1]]
    )
    assert time.perf_counter() - start < 5
    alone = gaussian_delta(epsilon, mean_shift=shift, covariance=variance, reference_covariance=reference)
    assert plane.value == pytest.approx(alone.value, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("epsilon", ["50", "700", "1500", "1e5", "1e400"])
def test_a_great_epsilon_gives_a_bound_and_no_traceback(epsilon: str) -> None:
    values = [
        gaussian_delta(epsilon, mean_shift=[1, 0], covariance=rows, reference_covariance=PLAIN).value
        for rows in ([[2, 1], [1, 2]], [[2, 0], [0, 3]], [[2, 0], [0, 2]])
    ]
    assert all(0 < value < 1e-7 for value in values)


def test_a_contour_where_the_moment_is_infinite_is_refused() -> None:
    """For a variance of two the moment of order c is finite for c < 2 only; beyond, the integral would be a number without a meaning."""
    pair = contour.Pair((arb(-1), arb(0)), (arb(1), arb(0)), arb(1))
    for gap in (1.0, 1.0000001, 3.0, 0.0, -0.5):
        with pytest.raises(contour.NoContour, match="finite"):
            contour.enclosed_delta(pair, gap)
    for gap in (0.1, 0.5, 0.9):  # the control: any place within gives the same number
        assert contour.enclosed_delta(pair, gap).overlaps(contour.enclosed_delta(pair, 0.3))


def test_the_bound_of_one_moment_is_above_the_integral() -> None:
    pair = contour.Pair((arb(-1), arb(0.5)), (arb(1), arb(2)), arb(1))
    for gap in (0.05, 0.4, 0.9):
        assert contour.enclosed_delta(pair, 0.5) < pair.bound(gap)
    assert not pair.bound(2.0) < 10  # the moment is infinite there, and so is the bound


# ---------------------------------------------------------------- exactly zero, and not quite


@pytest.mark.parametrize(
    ("shift", "first", "second", "top"),
    [
        (["0.1", 0], [["0.5", 0], [0, "0.5"]], PLAIN, (math.log(4) + 0.02) / 2),
        (["0.1", 0], [["0.5", 0], [0, 1]], PLAIN, (math.log(2) + 0.02) / 2),  # nothing differs in one direction
        ([1, 1], [[1, 0], [0, 1]], [[2, 1], [1, 2]], (math.log(3) + 1) / 2),  # the difference is singular, the shift in its range
        (["0.5"], [["0.5"]], [[1]], (math.log(2) + 0.5) / 2),
    ],
)
def test_delta_is_zero_from_the_supremum_of_the_log_ratio_on_and_not_before(
    shift: list[Any], first: list[Any], second: list[Any], top: float
) -> None:
    laws = {"mean_shift": shift, "covariance": first, "reference_covariance": second}
    assert gaussian_delta(top * (1 + 1e-14), **laws).value == 0.0
    assert 0 < gaussian_delta(top * (1 - 1e-3), **laws).value < 1e-3


@pytest.mark.parametrize(
    ("shift", "first", "second"),
    [
        ([0, "0.1"], [["0.5", 0], [0, 1]], PLAIN),  # a shift in a direction in which the variances agree
        ([0, 0], [["0.5", 0], [0, "1.000001"]], PLAIN),  # one direction is wider
        ([0, 0], [[1, "0.1"], ["0.1", 1]], PLAIN),
    ],
)
def test_delta_is_positive_for_every_epsilon_where_the_log_ratio_is_not_bounded(
    shift: list[Any], first: list[Any], second: list[Any]
) -> None:
    for epsilon in ("1", "30", "2000"):
        assert gaussian_delta(epsilon, mean_shift=shift, covariance=first, reference_covariance=second).value > 0


def test_a_pseudo_inverse_is_taken_only_of_what_is_semidefinite_and_in_range() -> None:
    one, two, four = Fraction(1), Fraction(2), Fraction(4)
    assert pseudo_form(((one, one), (one, one)), (two, two)) == 4
    assert pseudo_form(((four, Fraction(0)), (Fraction(0), Fraction(0))), (two, Fraction(0))) == 1
    assert pseudo_form(((one, one), (one, one)), (one, two)) is None
    assert pseudo_form(((one, two), (two, one)), (one, one)) is None
    assert pseudo_form(((Fraction(0), one), (one, Fraction(0))), (Fraction(0), Fraction(0))) is None
