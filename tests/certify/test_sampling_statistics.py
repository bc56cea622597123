"""The samplers against their laws on millions of draws, and faulty samplers that the same tests refute.

Seeds are fixed, so every run sees the same numbers. A test passes if no p-value is below 10^-6; a control must fall below 10^-12.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mpmath
import numpy
import pytest
from numpy.typing import NDArray
from scipy.special import erfc, erfcinv, ndtr, ndtri
from scipy.stats import binomtest, chi2, norm

from certify.sampling import Keystream, discrete_gaussian, rounded_normal
from certify.sampling.discrete_gaussian import _accepted
from certify.sampling.nearest import CHUNK, nearest_integers

pytestmark = pytest.mark.statistical

SEED = bytes(range(7, 39))
PASSED, REFUTED = 1e-6, 1e-12
Cells = NDArray[numpy.int64]
Sampler = Callable[[float, float, float, int], Cells]
Test = Callable[[Cells, "Law"], float]


# ---------------------------------------------------------------- the laws of the cells


class Law(Protocol):
    """A law on the integers: the number of a multiple of the grid."""

    centre: float  # in grids
    scale: float  # in grids

    def below(self, edges: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
        """P(k < edge)."""

    def central_moments(self) -> list[float]:
        """E (k - centre)^j for j = 0 … 12."""


@dataclass(frozen=True)
class Rounded:
    """round(centre + scale Z)."""

    centre: float
    scale: float

    def below(self, edges: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
        return ndtr((edges - 0.5 - self.centre) / self.scale)

    def central_moments(self) -> list[float]:
        if self.scale < 30:
            return summed(self)
        # Beyond that the rounding is a uniform number of its own up to exp(-2 pi² scale²).
        uniform = [0.0 if i % 2 else 1 / ((i + 1) * 2**i) for i in range(13)]
        normal = [0.0 if i % 2 else self.scale**i * math.prod(range(1, i, 2)) for i in range(13)]
        return [sum(math.comb(j, i) * normal[i] * uniform[j - i] for i in range(j + 1)) for j in range(13)]


@dataclass(frozen=True)
class Discrete:
    """k with probability proportional to exp(-k²/(2 scale²))."""

    scale: float
    centre: float = 0.0

    def below(self, edges: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
        if self.scale > 1e4:  # within 1/scale² of the rounded normal
            return ndtr((edges - 0.5) / self.scale)
        first, table = self._cumulated()
        return table[numpy.clip(edges.astype(numpy.int64) - first, 0, len(table) - 1)]

    @functools.lru_cache(maxsize=8)  # noqa: B019  (frozen and few)
    def _cumulated(self) -> tuple[int, NDArray[numpy.float64]]:
        last = int(14 * self.scale) + 3
        support = numpy.arange(-last, last + 1)
        weight = numpy.exp(-((support / self.scale) ** 2) / 2)
        return -last, numpy.concatenate([[0.0], numpy.cumsum(weight / math.fsum(weight))])

    def central_moments(self) -> list[float]:
        if self.scale > 1e4:
            return [0.0 if i % 2 else self.scale**i * math.prod(range(1, i, 2)) for i in range(13)]
        return summed(self)


def summed(law: Law) -> list[float]:
    """Central moments by adding the cells up."""
    reach = int(14 * law.scale) + 3
    support = numpy.arange(math.floor(law.centre) - reach, math.floor(law.centre) + reach + 1)
    mass = numpy.diff(law.below(numpy.append(support, support[-1] + 1).astype(numpy.float64)))
    return [math.fsum(mass * (support - law.centre) ** j) for j in range(13)]


# ---------------------------------------------------------------- the tests: each gives a p-value


def chi_square(observed: NDArray[numpy.float64], probability: NDArray[numpy.float64]) -> float:
    """Pearson's test; categories that are expected fewer than twenty times are taken together."""
    expected = probability * observed.sum()
    rare = expected < 20
    if rare.any():
        observed = numpy.append(observed[~rare], observed[rare].sum())
        expected = numpy.append(expected[~rare], expected[rare].sum())
    keep = expected > 0
    if (observed[~keep] > 0).any():
        return 0.0
    return float(chi2.sf(((observed[keep] - expected[keep]) ** 2 / expected[keep]).sum(), keep.sum() - 1))


def binned(law: Law, parts: int) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """Edges of about equally probable bins, and the exact probability of each."""
    wanted = law.centre + law.scale * ndtri(numpy.arange(1, parts) / parts)
    edges = numpy.unique(numpy.ceil(wanted))
    return edges, numpy.diff(numpy.concatenate([[0.0], law.below(edges), [1.0]]))


def counted(cells: Cells, edges: NDArray[numpy.float64]) -> NDArray[numpy.int64]:
    """The bin of every cell number."""
    return numpy.searchsorted(edges, cells, side="right")


def cells_test(cells: Cells, law: Law) -> float:
    """The counts of 64 equally probable bins."""
    edges, probability = binned(law, 64)
    return chi_square(numpy.bincount(counted(cells, edges), minlength=len(probability)).astype(float), probability)


def moments_test(cells: Cells, law: Law) -> float:
    """The first six moments about the mean, each against its own standard error; the least p-value times six."""
    unit = (cells - law.centre) / law.scale
    exact = [moment / law.scale**j for j, moment in enumerate(law.central_moments())]
    least, power = 1.0, numpy.ones_like(unit)
    for j in range(1, 7):
        power *= unit
        error = math.sqrt((exact[2 * j] - exact[j] ** 2) / len(cells))
        least = min(least, 2 * float(norm.sf(abs(float(power.mean()) - exact[j]) / error)))
    return min(1.0, 6 * least)


def tails_test(cells: Cells, law: Law) -> float:
    """How many lie beyond three, four and five standard deviations on either side; the least p-value times six."""
    least = 1.0
    for far in (3, 4, 5):
        high, low = math.ceil(law.centre + far * law.scale), math.floor(law.centre - far * law.scale)
        mirrored = law.below(numpy.array([1 - high if law.centre == 0 else high], dtype=float))[0]
        above = mirrored if law.centre == 0 else 1 - mirrored
        under = law.below(numpy.array([low + 1.0]))[0]
        for count, share in ((int((cells >= high).sum()), above), (int((cells <= low).sum()), under)):
            least = min(least, binomtest(count, len(cells), float(share)).pvalue)
    return min(1.0, 6 * least)


def serial_test(cells: Cells, law: Law) -> float:
    """Whether neighbours, and draws at the lags of the sampler's chunk and cipher block, are independent; disjoint pairs in 8 x 8 bins."""
    edges, probability = binned(law, 8)
    bins, least = counted(cells, edges), 1.0
    lags = (1, 2, 8, CHUNK)
    for lag in lags:
        blocks = bins[: len(bins) // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
        pairs = (blocks[:, 0] * len(probability) + blocks[:, 1]).ravel()
        if pairs.size:
            both = numpy.outer(probability, probability).ravel()
            least = min(least, chi_square(numpy.bincount(pairs, minlength=len(both)).astype(float), both))
    return min(1.0, len(lags) * least)


def sign_test(cells: Cells, law: Law) -> float:
    """Whether the sign and the size about a centre on the grid are independent, and the sign fair."""
    if law.centre != round(law.centre):
        return 1.0
    unit = cells - round(law.centre)
    unit = unit[unit != 0]
    edges = numpy.unique(numpy.ceil(law.scale * ndtri(0.5 + numpy.arange(1, 32) / 64)))
    least = 1.0
    bins = counted(numpy.abs(unit), edges)
    for value in numpy.unique(bins):
        among = unit[bins == value]
        least = min(least, binomtest(int((among > 0).sum()), len(among), 0.5).pvalue)
    return min(1.0, (len(edges) + 1) * least)


def position_test(cells: Cells, law: Law) -> float:
    """Whether the four lowest bits of the cell's number are uniform; exact up to exp(-300) from a scale of 64 grids on."""
    if law.scale < 64:
        return 1.0
    return chi_square(numpy.bincount(cells & 15, minlength=16).astype(float), numpy.full(16, 1 / 16))


TESTS: tuple[Test, ...] = (cells_test, moments_test, tails_test, serial_test, sign_test, position_test)


def p_values(cells: Cells, law: Law) -> dict[str, float]:
    return {test.__name__: test(cells, law) for test in TESTS}


# ---------------------------------------------------------------- the rounded normal

CASES = [  # mean, sigma, grid, draws
    (0.0, 1.0, 2.0**-12, 4_000_000),
    (0.3, 1.7, 2.0**-10, 4_000_000),
    (-1234.567, 0.02, 2.0**-18, 4_000_000),
    (1.0e6, 3.0, 2.0**-6, 4_000_000),
    (0.0, 1.0, 1.0, 4_000_000),
    (0.3, 1.0, 1.0, 4_000_000),
    (0.5, 0.4, 1.0, 4_000_000),
    (2.7, 1.0, 2.0, 4_000_000),
    (0.0, 1.0, 2.0**-26, 1_000_000),
    (0.1, 1.0, 2.0**-40, 20_000),
]


def ours(mean: float, sigma: float, grid: float, count: int) -> Cells:
    return (rounded_normal(numpy.full(count, mean), sigma, grid, Keystream(SEED)) / grid).astype(numpy.int64)


def law_of(mean: float, sigma: float, grid: float) -> Rounded:
    return Rounded(mean / grid, sigma / grid)


@pytest.mark.parametrize(("mean", "sigma", "grid", "count"), CASES)
def test_a_rounded_normal_has_its_law(mean: float, sigma: float, grid: float, count: int) -> None:
    found = p_values(ours(mean, sigma, grid, count), law_of(mean, sigma, grid))
    assert min(found.values()) > PASSED, found


@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 1.0), (0.3, 1.0), (0.5, 0.4), (-7.25, 0.7)])
def test_single_cells_of_a_coarse_grid_have_their_probabilities(mean: float, sigma: float) -> None:
    """The grid is 1; the probabilities of the cells come from another arithmetic, to fifty digits."""
    cells = ours(mean, sigma, 1.0, 4_000_000)
    support = range(math.floor(mean) - 7, math.floor(mean) + 9)
    with mpmath.workdps(50):
        edge = [mpmath.ncdf((k - mpmath.mpf(1) / 2 - mpmath.mpf(mean)) / mpmath.mpf(sigma)) for k in (*support, support.stop)]
        probability = numpy.array([float(high - low) for low, high in itertools.pairwise(edge)])
    observed = numpy.array([(cells == k).sum() for k in support], dtype=float)
    assert observed.sum() == len(cells)
    assert chi_square(observed, probability) > PASSED


class Conditioned(Keystream):
    """Words whose V starts with so many zeros: draws far out, at a probability that no sample reaches."""

    zeros = 0

    def take(self, count: int) -> tuple[int, NDArray[numpy.uint64]]:
        first, words = super().take(count)
        return first, words & numpy.uint64((1 << (64 - self.zeros)) - 1 if self.zeros < 53 else 1)


def far_out(zeros: int, count: int) -> Cells:
    """Cell numbers at 2^12 grids a standard deviation, given that |Z| is exceeded with probability below 2^-zeros."""
    stream = Conditioned(SEED)
    stream.zeros = zeros
    return nearest_integers(count, 2.0**12, stream)


def tail_test(cells: Cells, zeros: int) -> float:
    """32 bins of the size, equally probable given that the size is exceeded with probability below 2^-zeros, and the signs."""
    wanted = math.sqrt(2) * erfcinv(2.0**-zeros * numpy.arange(31, 0, -1) / 32)
    edges = numpy.unique(numpy.ceil(2.0**12 * wanted))
    beyond = erfc((edges - 0.5) * 2.0**-12 / math.sqrt(2)) * 2.0**zeros
    probability = -numpy.diff(numpy.concatenate([[1.0], beyond, [0.0]]))
    observed = numpy.bincount(counted(numpy.abs(cells), edges), minlength=32).astype(float)
    return min(chi_square(observed, probability), binomtest(int((cells > 0).sum()), len(cells), 0.5).pvalue)


@pytest.mark.parametrize(
    ("zeros", "count"), [(12, 400_000), (16, 20_000), (20, 20_000), (40, 20_000), (50, 20_000), (53, 20_000)]
)
def test_the_tail_beyond_any_sample_has_its_law(zeros: int, count: int) -> None:
    """From 3.7 standard deviations (12 zeros) to beyond 8.2 (53), where not one bit of the word is left."""
    assert tail_test(far_out(zeros, count), zeros) > PASSED


# ---------------------------------------------------------------- the discrete Gaussian

SCALES = [0.3, 1.0, 2.0, 31.0, 33.0, 1000.0, 2.0**20]


@pytest.mark.parametrize("sigma", SCALES)
def test_a_discrete_gaussian_has_its_law(sigma: float) -> None:
    found = p_values(discrete_gaussian(sigma, 4_000_000, Keystream(SEED)), Discrete(sigma))
    assert min(found.values()) > PASSED, found


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_single_integers_have_their_probabilities(sigma: float) -> None:
    draws = discrete_gaussian(sigma, 4_000_000, Keystream(SEED))
    with mpmath.workdps(50):
        weight = [mpmath.exp(-(mpmath.mpf(k) ** 2) / (2 * mpmath.mpf(sigma) ** 2)) for k in range(-30, 31)]
        probability = numpy.array([float(one / mpmath.fsum(weight)) for one in weight])
    assert chi_square(numpy.array([(draws == k).sum() for k in range(-30, 31)], dtype=float), probability) > PASSED


@pytest.mark.parametrize("sigma", [2.0, 31.0, 33.0, 1000.0])
def test_the_tail_of_a_discrete_gaussian_has_its_law(sigma: float) -> None:
    """Proposals from V < 2^-20, kept or not as ever: beyond the first whole cell they are discrete Gaussian."""
    stream = Conditioned(SEED)
    stream.zeros = 20
    proposed = nearest_integers(40_000, sigma, stream)
    kept = numpy.abs(proposed[_accepted(proposed, sigma, Keystream(SEED[::-1]))])
    first = math.ceil(sigma * math.sqrt(2) * float(erfcinv(2.0**-20)) + 0.5)
    support = numpy.arange(first, first + int(4 * sigma) + 4)
    weight = numpy.exp(-((support / sigma) ** 2 - (first / sigma) ** 2) / 2)
    parts = numpy.unique(numpy.searchsorted(numpy.cumsum(weight), weight.sum() * numpy.arange(1, 24) / 24))
    starts = numpy.concatenate([[0], parts + 1])
    probability = numpy.add.reduceat(weight, starts) / weight.sum()
    observed = numpy.bincount(counted(kept[kept >= first] - first, parts + 1), minlength=len(starts)).astype(float)
    assert chi_square(observed, probability) > PASSED


# ---------------------------------------------------------------- negative controls


def box_muller(mean: float, sigma: float, grid: float, count: int, kind: type = numpy.float32) -> Cells:
    """Textbook noise in the floating point of most frameworks, added and then rounded to the same grid."""
    generator = numpy.random.default_rng(5)
    one, two = 1 - generator.random((2, (count + 1) // 2), dtype=kind)
    radius, angle = numpy.sqrt(kind(-2) * numpy.log(one)), kind(2 * math.pi) * two
    normal = numpy.concatenate([radius * numpy.cos(angle), radius * numpy.sin(angle)])[:count]
    return numpy.rint((kind(mean) + kind(sigma) * normal).astype(numpy.float64) / grid).astype(numpy.int64)


def wider(mean: float, sigma: float, grid: float, count: int) -> Cells:
    """A scale one half of a percent too large."""
    return ours(mean, 1.005 * sigma, grid, count)


def repeating(mean: float, sigma: float, grid: float, count: int) -> Cells:
    """Every eighth draw is used again for the next: what two samplers with the same position would do."""
    cells = ours(mean, sigma, grid, count)
    cells[1::8] = cells[0::8]
    return cells


def truncated(mean: float, sigma: float, grid: float, count: int) -> Cells:
    """The size is rounded towards zero before it is added."""
    size = numpy.random.default_rng(3).normal(0, sigma, count)
    return (round(mean / grid) + numpy.trunc(size / grid)).astype(numpy.int64)


def leaning(mean: float, sigma: float, grid: float, count: int) -> Cells:
    """Sizes between 1 and 1.1 deviations are positive a little too often, as when the sign shares a bit with the size."""
    cells = ours(mean, sigma, grid, count)
    ring = numpy.flatnonzero((cells > -1.1 * sigma / grid) & (cells < -sigma / grid))[::20]
    cells[ring] *= -1
    return cells


def clipped(mean: float, sigma: float, grid: float, count: int) -> Cells:
    """Nothing beyond 3.9 deviations: 96 in a million draws are moved."""
    limit = int(3.9 * sigma / grid)
    return numpy.clip(ours(mean, sigma, grid, count), -limit, limit)


@pytest.mark.parametrize(
    ("sampler", "case", "by"),
    [
        (wider, CASES[0], moments_test),
        (wider, CASES[0], cells_test),
        (wider, CASES[2], moments_test),
        (wider, CASES[5], moments_test),
        (box_muller, CASES[2], position_test),
        (box_muller, CASES[2], cells_test),
        (box_muller, CASES[8], position_test),
        (repeating, CASES[0], serial_test),
        (truncated, CASES[4], cells_test),
        (leaning, CASES[0], sign_test),
        (clipped, CASES[0], tails_test),
    ],
)
def test_a_faulty_sampler_is_refuted(sampler: Sampler, case: tuple[float, float, float, int], by: Test) -> None:
    mean, sigma, grid, count = case
    assert by(sampler(mean, sigma, grid, count), law_of(mean, sigma, grid)) < REFUTED


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_a_rounded_normal_is_no_discrete_gaussian(sigma: float) -> None:
    """One twelfth too much variance. From a scale of about ten on no four million draws can tell; the acceptance tests in balls do."""
    rounded = ours(0.0, sigma, 1.0, 4_000_000)
    assert cells_test(rounded, Discrete(sigma)) < REFUTED
    assert moments_test(rounded, Discrete(sigma)) < REFUTED


@pytest.mark.parametrize("sigma", SCALES)
def test_a_discrete_gaussian_of_a_wrong_scale_is_refuted(sigma: float) -> None:
    assert moments_test(discrete_gaussian(1.005 * sigma, 4_000_000, Keystream(SEED)), Discrete(sigma)) < REFUTED


def test_box_muller_with_doubles_is_refuted_far_out() -> None:
    """Its uniform number has 53 bits: given that 50 are zero it has eight values. In the bulk it passes, which is why the tail is asked."""
    uniform = numpy.random.default_rng(5).integers(1, 9, 20_000) * 2.0**-53
    angle = 2 * math.pi * numpy.random.default_rng(6).random(20_000)
    radius = numpy.sqrt(-2 * numpy.log(uniform))
    assert tail_test(numpy.rint(2.0**12 * radius * numpy.cos(angle)).astype(numpy.int64), 50) < REFUTED
    bulk = box_muller(0.0, 1.0, 2.0**-12, 4_000_000, numpy.float64)
    assert min(p_values(bulk, law_of(0.0, 1.0, 2.0**-12)).values()) > PASSED


def test_a_tail_cut_at_5_deviations_is_refuted() -> None:
    """As if V had 24 bits and no more were drawn: nothing lies beyond 5.3."""
    cells = far_out(20, 20_000)
    assert tail_test(numpy.clip(cells, -int(5.3 * 2**12), int(5.3 * 2**12)), 20) < REFUTED
