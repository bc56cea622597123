"""The samplers draw what they say: replayable, on the grid, exactly distributed, and independent of how they are called."""

from __future__ import annotations

import copy
import math
import os
import struct
import threading
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import InputError
from certify.proofs.balls import ball as ball_of
from certify.proofs.balls import precision
from certify.sampling import Keystream, discrete_gaussian, fresh_seed, grid_of, nearest, rounded_normal
from certify.sampling.discrete_gaussian import _accepted, _limits, ratio
from certify.sampling.keystream import Refinement
from certify.sampling.nearest import decided, nearest_integers
from certify.sampling.quantile import LEAST, quantile, quantiles, table

SEED = bytes(range(32))


class Script:
    """Further bits that a test chooses."""

    def __init__(self, *words: int) -> None:
        self.words = list(words)

    def bits(self) -> int:
        return self.words.pop(0)


class Chosen(Keystream):
    """A stream whose words a test chooses; it records which draws ask for more bits."""

    def __init__(self, words: list[int] | None = None) -> None:
        super().__init__(SEED)
        self.chosen = words
        self.refined: list[int] = []
        self.last = range(0)

    def take(self, count: int) -> tuple[int, numpy.ndarray]:
        first, drawn = super().take(count)
        self.last = range(first, first + count)
        if self.chosen is None:
            return first, drawn
        taken, self.chosen = self.chosen[:count], self.chosen[count:]
        return first, numpy.array(taken, dtype=numpy.uint64)

    def refinement(self, draw: int) -> Refinement:
        assert draw in self.last, "a refinement belongs to one of the words just drawn"
        self.refined.append(draw)
        return super().refinement(draw)


class Slow:
    """A cipher that lets other threads run before it answers."""

    def __init__(self, cipher: Any) -> None:
        self.cipher = cipher

    def update(self, content: bytes) -> bytes:
        time.sleep(1e-4)
        return bytes(self.cipher.update(content))


def pickle_of(stream: Keystream) -> object:
    return stream.__reduce_ex__(4)


# ---------------------------------------------------------------- the stream


def test_the_stream_is_the_published_chacha20_keystream() -> None:
    keystream = bytes.fromhex("76b8e0ada0f13d90405d6ae55386bd28")  # RFC 8439, appendix A.1, test vector 1
    assert tuple(Keystream(bytes(32)).words(2)) == struct.unpack("<QQ", keystream)


def test_a_seed_replays_and_shows_nothing() -> None:
    whole, parts = Keystream(SEED), Keystream(SEED)
    assert numpy.array_equal(whole.words(10), numpy.concatenate([parts.words(3), parts.words(7)]))
    assert SEED.hex() not in repr(whole)
    assert len({fresh_seed() for _ in range(100)}) == 100
    for seed in (b"short", "x" * 32, None):
        with pytest.raises(InputError, match="32 bytes"):
            Keystream(seed)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="fresh one"):
        Keystream(SEED).words(2**35)


def test_only_drawing_moves_the_position() -> None:
    stream = Keystream(SEED)
    stream.words(5)
    for count in (-1, 2**35):
        with pytest.raises(InputError, match="fresh one"):
            stream.words(count)
    assert stream.position == 5
    assert numpy.array_equal(stream.words(3), Keystream(SEED).words(8)[5:])
    with pytest.raises(AttributeError):
        stream.position = 0  # type: ignore[misc]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle_of])
def test_a_stream_is_not_copied(copied: Callable[[Keystream], object]) -> None:
    """A copy would hand out the same words, or the same refinements for other words."""
    with pytest.raises(TypeError, match="not copied") as caught:
        copied(Keystream(SEED))
    assert SEED.hex() not in str(caught.value)


def in_a_fork(draw: Callable[[], str]) -> str:
    """What a forked process answers."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(theirs, draw().encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        return answer.read()


def test_forked_processes_draw_noise_of_their_own() -> None:
    """Two releases with the same noise give away the difference of what they hide."""

    def fresh() -> str:
        return repr(rounded_normal(numpy.zeros(4), 1.0, 2.0**-12).tolist())

    stream = Keystream(SEED)

    def inherited() -> str:
        try:
            return repr(rounded_normal(numpy.zeros(4), 1.0, 2.0**-12, stream).tolist())
        except InputError as problem:
            return str(problem)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other libraries have threads
        answers = [in_a_fork(fresh) for _ in range(3)]
        assert len({*answers, fresh()}) == 4
        refused = [in_a_fork(inherited) for _ in range(2)]
    assert all("would repeat its noise" in answer for answer in refused)
    assert stream.position == 0
    assert inherited() == repr(rounded_normal(numpy.zeros(4), 1.0, 2.0**-12, Keystream(SEED)).tolist())


def test_threads_that_share_a_stream_share_no_draw() -> None:
    """Position and words are taken together, so that no refinement serves the words of another thread."""
    stream, each = Keystream(SEED), 4
    stream._cipher = Slow(stream._cipher)
    found: list[list[tuple[int, int]]] = [[] for _ in range(each)]

    def work(own: list[tuple[int, int]]) -> None:
        for _ in range(10):
            first, words = stream.take(3)
            own += [(first + place, int(word)) for place, word in enumerate(words)]

    threads = [threading.Thread(target=work, args=(own,)) for own in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Keystream(SEED).words(3 * 10 * each).tolist()
    assert sorted(entry for own in found for entry in own) == list(enumerate(whole))


def test_no_word_and_no_refinement_serves_twice() -> None:
    """Samplers that share a stream share one position; the words of a draw and its refinement have nonces of their own."""
    stream = Chosen()
    rounded_normal(numpy.zeros(2000), 1.0, 2.0**-36, stream)
    discrete_gaussian(33.0, 50_000, stream)
    discrete_gaussian(0.7, 50_000, stream)
    rounded_normal(numpy.zeros(2000), 1.0, 2.0**-36, stream)
    assert len(stream.refined) > 4000
    assert len(set(stream.refined)) == len(stream.refined)
    assert max(stream.refined) < stream.position
    first = [Keystream(SEED).refinement(draw).bits() for draw in range(2000)] + Keystream(SEED).words(2000).tolist()
    assert len(set(first)) == 4000


def test_draws_do_not_depend_on_how_many_are_made_at_a_time() -> None:
    mean = numpy.linspace(-3, 3, 40_000)
    whole = rounded_normal(mean, 1.0, 2.0**-30, Keystream(SEED))  # a fine grid, so that many draws need more bits
    stream = Keystream(SEED)
    parts = [rounded_normal(part, 1.0, 2.0**-30, stream) for part in numpy.array_split(mean, 7)]
    assert numpy.array_equal(whole, numpy.concatenate(parts))


def test_global_states_are_neither_used_nor_moved() -> None:
    state = numpy.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    one, other = rounded_normal(numpy.zeros(50), 1.0, 2.0**-12), rounded_normal(numpy.zeros(50), 1.0, 2.0**-12)
    assert not numpy.array_equal(one, other)
    assert numpy.array_equal(state, numpy.random.get_state()[1])  # type: ignore[index]
    ours, theirs = (rounded_normal(numpy.zeros(50), 1.0, 2.0**-12, numpy.random.default_rng(1)) for _ in range(2))
    assert numpy.array_equal(ours, theirs)
    with pytest.raises(InputError, match="generator is a Keystream"):
        rounded_normal([0.0], 1.0, 0.5, 7)  # type: ignore[arg-type]


# ---------------------------------------------------------------- exactness


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**64 - 1))
def test_the_cubic_is_within_its_proved_error_of_the_quantile(numerator: int, more: int) -> None:
    v = numerator * 2.0**-53
    if v < LEAST:
        return
    near = float(quantiles(numpy.array([v]))[0])
    with precision(160):
        point = quantile(ball_of(Fraction((numerator << 64) + more + 1, 1 << 117)))
        assert abs(point - near) < table().error


def test_an_error_3_percent_smaller_would_be_refuted() -> None:
    """Negative control: the proved error is not met by luck; the cubic above V = 1/2 comes that near to it."""
    v = 0.5 * (1 + numpy.arange(64) * 2.0**-13)
    with precision(160):
        worst = max(
            abs(float(near) - float(quantile(ball_of(Fraction(float(x)))))) for x, near in zip(v, quantiles(v), strict=True)
        )
    assert 0.97 * table().error < worst < table().error


@pytest.mark.parametrize("fineness", [1, 12, 30, 36, 40])
@pytest.mark.parametrize("place", [0.0, 0.3, -1.75, 1000.1])
def test_the_fast_way_and_the_exact_way_agree(fineness: int, place: float) -> None:
    """Every draw decided again in balls, from the same bits."""
    count, scale = 300, 2.0**fineness
    offset = numpy.full(count, place * scale)
    stream = Keystream(SEED)
    words = Keystream(SEED).words(count)
    fast = nearest_integers(count, scale, stream, offset)
    slow = [
        decided(int(word), Fraction(float(x)), Fraction(scale), Keystream(SEED).refinement(index))
        for index, (word, x) in enumerate(zip(words, offset, strict=True))
    ]
    assert fast.tolist() == slow


def near_boundaries(ratio: float, error: float) -> tuple[list[int], numpy.ndarray]:
    """Words at both ends of many cells, near the least v and near 1, with means that put the draw next to a boundary."""
    edges = [2 ** (37 + octave) + cell * 2 ** (30 + octave) for octave in range(16) for cell in (0, 1, 64, 127)]
    numerators = [edge + step for edge in edges for step in (0, 1)] + [edge - 1 for edge in edges[1:]]
    numerators += [2**53 - step for step in (1, 2, 3)] + [1, 2**20, 2**36, 2**37 - 1]  # the last four lie below the least v
    words, means = [], []
    for numerator in numerators:
        for sign in (0, 1):
            with precision(200):
                size = Fraction(str(quantile(ball_of(Fraction(numerator, 1 << 53))).mid().str(60, radius=False)))
            for share in (-1.5, -0.95, -0.5, -1e-3, 1e-3, 0.5, 0.95, 1.5):
                moved = Fraction(ratio) * (-size if sign else size)
                place = Fraction(1, 2) - moved + Fraction(share) * Fraction(ratio * error + 2.0**-52)
                words.append(numerator << 11 | sign)
                means.append(float(place - math.floor(place)))
    return words, numpy.array(means)


def disagreements(ratio: float, error: float) -> int:
    """How many draws next to a boundary the fast way and the exact way decide differently."""
    words, means = near_boundaries(ratio, error)
    fast = nearest_integers(len(words), ratio, Chosen(words), means)
    slow = [
        decided(word, Fraction(float(mean)), Fraction(ratio), Keystream(SEED).refinement(index))
        for index, (word, mean) in enumerate(zip(words, means, strict=True))
    ]
    return sum(int(one) != other for one, other in zip(fast, slow, strict=True))


@pytest.mark.parametrize("exponent", [-900, -3, 0, 13, 24, 34])
def test_no_draw_next_to_a_boundary_is_decided_wrongly(exponent: int) -> None:
    assert disagreements(1.5 * 2.0**exponent, table().error) == 0


def test_a_reach_without_the_error_of_the_cubic_would_be_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: the same draws, with a reach that counts the roundings alone."""
    honest = table()
    monkeypatch.setattr(nearest, "table", lambda: honest._replace(error=0.0))
    assert disagreements(1.5 * 2.0**13, honest.error) > 10


def test_a_mean_below_every_double_of_grids_is_still_exact() -> None:
    """mean/grid underflows; the balls get the quotient itself."""
    seen: list[Fraction] = []
    least, grid = 5e-324, 2.0**900
    original = nearest.decided
    try:
        nearest.decided = lambda word, at, ratio, more: seen.append(at) or original(word, at, ratio, more)  # type: ignore[assignment, func-returns-value]
        rounded_normal([least], 2.0**937, grid, Keystream(SEED))
    finally:
        nearest.decided = original
    assert seen == [Fraction(least) / Fraction(grid)]


def test_sign_and_size_come_from_bits_of_their_own() -> None:
    """The lowest bit is the sign, the upper 53 are V, and the ten between count for nothing."""
    numerator = 0x12345678901234
    draws = nearest_integers(1024, 1.0e6, Chosen([numerator << 11 | idle << 1 for idle in range(1024)]))
    assert len(set(draws.tolist())) == 1
    assert nearest_integers(1, 1.0e6, Chosen([numerator << 11 | 1]))[0] == -draws[0]


def drawn_by_definition(mean: float, sigma: float, grid: float, words: list[int]) -> list[int]:
    """Multiples of the grid from the definition alone, by another library: the quantile of V with all its digits, to 140 of them."""
    found = []
    for index, word in enumerate(words):
        more, digits = Keystream(SEED).refinement(index), word >> 11
        for _ in range(6):
            digits = digits << 64 | more.bits()
        with mpmath.workdps(140):
            size = mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(digits) / 2 ** (53 + 384))
            moved = mpmath.mpf(mean) + mpmath.mpf(sigma) * (-size if word & 1 else size)
            found.append(int(mpmath.floor(moved / mpmath.mpf(grid) + mpmath.mpf(1) / 2)))
    return found


@pytest.mark.parametrize(
    ("mean", "sigma", "grid"),
    [
        (0.1, 1.3, 2.0**-12),
        (0.5, 0.3, 1.0),  # half way between two multiples
        (-2.5, 2.0**-60, 1.0),  # and noise far below the grid: the sign alone decides
        (1e9 / 7, 3.0, 2.0**-20),  # a mean far from nought
        (0.2, 1.3, 2.0**-25),  # fine, and still decided by the cubic
        (-0.7, 1.9, 2.0**-40),
        (0.3, 1.7, 2.0**-45),  # the least digits of a word count
        (5e-324, 2.0**-1000, 2.0**-1001),
    ],
)
def test_draws_are_those_of_the_definition(mean: float, sigma: float, grid: float) -> None:
    wanted = drawn_by_definition(mean, sigma, grid, Keystream(SEED).words(40).tolist())
    assert (rounded_normal(numpy.full(40, mean), sigma, grid, Keystream(SEED)) / grid).tolist() == wanted


def test_draws_far_out_are_those_of_the_definition() -> None:
    """V of a few units in the last place of its word: every one of its digits moves the draw."""
    words = [numerator << 11 | sign for numerator in (0, 1, 2, 3, 5, 2**20 + 1, 2**36 + 1) for sign in (0, 1)]
    for grid in (20.0, 1.0, 2.0**-10, 2.0**-40):
        drawn = nearest_integers(len(words), 1 / grid, Chosen(words))
        assert drawn.tolist() == drawn_by_definition(0.0, 1.0, grid, words)


def test_while_v_could_be_nought_nothing_is_decided() -> None:
    """The size is unbounded then: V about 2^-180 is 15.6 deviations, and a coarse grid may not call that nought."""
    assert decided(0, Fraction(0), Fraction(1, 20), Script(0, 1, 5)) == 1  # type: ignore[arg-type]


def test_a_draw_next_to_a_boundary_takes_more_bits() -> None:
    """The word decides 53 bits; where they leave two integers, the further bits do."""
    v = 1 << 52  # V in [1/2, 1/2 + 2^-53): |Z| just below 0.67448975...
    with precision(200):
        middle = Fraction(str(quantile(ball_of(Fraction(1, 2))).str(50, radius=False)))
    place = Fraction(1, 2) - middle  # the boundary 1/2 is crossed within 10^-50 of V = 1/2
    low = decided(v << 11, place, Fraction(1), Script((1 << 64) - 1))  # type: ignore[arg-type]
    assert low == 0
    with precision(200):
        middle = Fraction(str(quantile(ball_of(Fraction(2 * v + 1, 1 << 54))).mid().str(50, radius=False)))
    for more, wanted in ((0, 1), ((1 << 64) - 1, 0)):  # the boundary lies half way between the two ends
        assert decided(v << 11, Fraction(1, 2) - middle, Fraction(1), Script(more)) == wanted  # type: ignore[arg-type]
    tail = decided(0, Fraction(0), Fraction(1), Script(0, 1, 5))  # type: ignore[arg-type]
    assert tail == 16  # V about 2^-180: beyond every double uniform


def test_the_sign_is_symmetric() -> None:
    for word in (5 << 11, 1 << 50, (1 << 64) - 2):
        plus, minus = (decided(word | sign, Fraction(0), Fraction(1 << 20), Script(7, 7)) for sign in (0, 1))  # type: ignore[arg-type]
        assert plus == -minus


@pytest.mark.parametrize("sigma", [0.5, 2.0, 31.0])
def test_the_acceptance_is_the_ratio_of_the_two_laws(sigma: float) -> None:
    """exp(-k²/(2 sigma²)) over the mass of a rounded normal, normalised at zero, to the last bit of a word."""
    with mpmath.workdps(60):
        s = mpmath.mpf(sigma)
        mass = [mpmath.ncdf((k + mpmath.mpf(1) / 2) / s) - mpmath.ncdf((k - mpmath.mpf(1) / 2) / s) for k in range(9)]
        for k, limit in enumerate(_limits(sigma)[:9]):
            wanted = mpmath.exp(-(mpmath.mpf(k) ** 2) / (2 * s * s)) * mass[0] / mass[k]
            assert int(mpmath.floor(wanted * 2**53)) == limit
            with precision(150):
                assert abs(float(ratio(k, Fraction(sigma))) - float(wanted)) < 1e-15
            assert wanted <= 1


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0, 31.5, 32.0, 33.0, 1e3, 2.0**40])
def test_acceptance_is_decided_as_by_the_ratio_itself(sigma: float) -> None:
    """Uniform numbers just below, at and just above every limit, and at both ends."""
    sizes = [
        k for k in {0, 1, 2, 3, *(int(step * sigma) for step in range(1, 9))} if k <= max(1, 9 * sigma)
    ]  # at 0.05 the one lies beyond the table
    words, proposed, wanted = [], [], []
    for k in sizes:
        with precision(300):
            exact = ratio(k, Fraction(sigma)) * ball_of(2) ** 53
            limit = int(exact.mid().floor().unique_fmpz())
            rest = exact - limit
        for step in (-(2**14), -(2**13), -2, -1, 0, 1, 2, 2**14):
            uniform = min(max(limit + step, 0), 2**53 - 1)
            more = Keystream(SEED).refinement(len(words)).bits()
            words.append(uniform << 11)
            proposed.append(k)
            with precision(300):
                part = ball_of(Fraction(2 * more + 1, 1 << 65))
                wanted.append(bool(uniform - limit + part < rest))
    stream = Chosen(words)
    assert _accepted(numpy.array(proposed), sigma, stream).tolist() == wanted
    assert any(wanted) and (sigma > 2**20 or not all(wanted))


def test_at_a_limit_the_further_bits_decide() -> None:
    word = int(_limits(2.0)[3]) << 11
    with precision(300):
        rest = ratio(3, Fraction(2)) * ball_of(2) ** 53 - int(_limits(2.0)[3])
        turn = int((rest * ball_of(2) ** 64).floor().unique_fmpz())
    for more, kept in ((turn - 1, True), (turn + 1, False)):
        stream = Chosen([word])
        stream.refinement = lambda draw, more=more: Script(more)  # type: ignore[method-assign, assignment, misc, return-value]
        assert _accepted(numpy.array([3]), 2.0, stream).tolist() == [kept]


def test_at_least_85_of_100_proposals_are_kept() -> None:
    """The share kept is erf(1/(2 sqrt 2 sigma)) sum exp(-k²/(2 sigma²)), least near sigma = 0.43; the docs say so."""

    def kept(sigma: float) -> float:
        total = 1 + 2 * sum(math.exp(-(k**2) / (2 * sigma**2)) for k in range(1, int(20 * sigma) + 2))
        return math.erf(1 / (2 * math.sqrt(2) * sigma)) * total

    scales = [10.0 ** (step / 100) for step in range(-200, 200)]
    assert 0.856 < min(map(kept, scales)) < 0.8562
    stream = Keystream(SEED)
    proposals = nearest_integers(100_000, 0.43, stream)
    assert abs(_accepted(proposals, 0.43, stream).mean() - kept(0.43)) < 0.006


@given(st.floats(0.01, 1e9), st.integers(1, 40))
def test_the_quick_acceptance_is_below_the_ratio(sigma: float, steps: int) -> None:
    """sinh(y)/y bounds I(k)/I(0) where y = k/(2 sigma²), so 1 - k²/(24 sigma⁴) is below the ratio."""
    k = max(1, int(steps * sigma / 5))
    if k / sigma > 20:
        return
    with precision(300):
        assert ball_of(1 - Fraction(k) ** 2 / (24 * Fraction(sigma) ** 4)) <= ratio(k, Fraction(sigma))


# ---------------------------------------------------------------- the grid


@given(st.floats(2.0**-1000, 2.0**900), st.floats(-1e6, 1e6))
def test_draws_are_multiples_of_a_grid_that_depends_on_sigma_alone(sigma: float, centre: float) -> None:
    grid = grid_of(sigma)
    assert math.frexp(grid)[0] == 0.5
    assert 4096 <= sigma / grid < 8192
    draw = rounded_normal([centre * sigma], sigma, grid, Keystream(SEED))
    assert float(draw[0] / grid).is_integer()
    assert abs(draw[0] - centre * sigma) < 12 * sigma


@given(st.floats(-1e4, 1e4), st.integers(-300, 300))
def test_scaling_everything_by_a_power_of_two_scales_the_draws(centre: float, exponent: int) -> None:
    factor = 2.0**exponent
    one = rounded_normal([centre], 1.5, 2.0**-10, Keystream(SEED))
    other = rounded_normal([centre * factor], 1.5 * factor, 2.0**-10 * factor, Keystream(SEED))
    assert (one * factor == other).all()


@given(st.floats(-100, 100), st.integers(-(2**20), 2**20))
def test_moving_the_mean_by_grids_moves_the_draw_as_much(centre: float, steps: int) -> None:
    centre = round(centre * 2**20) / 2**20  # so that the sum is exact
    one = rounded_normal([centre], 1.0, 2.0**-12, Keystream(SEED))
    other = rounded_normal([centre + steps * 2.0**-12], 1.0, 2.0**-12, Keystream(SEED))
    assert (one + steps * 2.0**-12 == other).all()


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": 0.3}, "power of two"),
        ({"grid": 0.0}, "between"),
        ({"sigma": 0.0}, "between"),
        ({"sigma": -1.0}, "between"),
        ({"sigma": math.nan}, "between"),
        ({"sigma": math.inf}, "between"),
        ({"sigma": "1"}, "between"),
        ({"mean": [math.nan]}, "finite"),
        ({"mean": [math.inf]}, "finite"),
        ({"mean": numpy.array([math.nan], dtype=numpy.float32)}, "finite"),
        ({"mean": [2**53 + 1]}, "no double stores"),
        ({"mean": ["1.0"]}, "real numbers"),
        ({"mean": [1j]}, "real numbers"),
        ({"mean": [[1.0], [1.0, 2.0]]}, "real numbers"),
        ({"mean": None}, "real numbers"),
        ({"mean": torch.ones(2, requires_grad=True)}, "real numbers"),
        ({"sigma": 10**5000}, "beyond the doubles"),
        ({"sigma": numpy.ones((40, 40))}, "a ndarray"),
        ({"sigma": 2**53 + 1}, "between"),
        ({"mean": [1e300]}, "coarser grid"),
        ({"grid": 2.0**-60}, "coarser grid"),
        ({"sigma": 2.0**-901, "grid": 1.0}, "finer grid"),
        ({"mean": numpy.array([2**63 - 1]), "grid": 2.0**40}, "no double stores"),
        ({"mean": numpy.array([2**64 - 1], dtype=numpy.uint64), "grid": 2.0**40}, "no double stores"),
    ],
)
def test_impossible_requests_get_one_line(changes: dict, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        rounded_normal(**{"mean": [0.0], "sigma": 1.0, "grid": 0.25, **changes})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sigma", "size"),
    [(0, 1), (-1, 1), (math.nan, 1), (2.0**41, 1), ("1", 1), (True, 1), (1, -1), (1, 1.5), (1, (2, -1)), (1, True)],
)
def test_impossible_discrete_requests_get_one_line(sigma: object, size: object) -> None:
    with pytest.raises(InputError, match="must be"):
        discrete_gaussian(sigma, size)  # type: ignore[arg-type]


def test_numbers_of_other_types_are_taken_as_what_they_store() -> None:
    wanted = rounded_normal([3.0], 2.0, 0.5, Keystream(SEED))
    for mean, sigma, grid in (([3], 2, 0.5), (numpy.array([3.0], dtype=numpy.float32), numpy.float32(2), numpy.float64(0.5))):
        assert (rounded_normal(mean, sigma, grid, Keystream(SEED)) == wanted).all()
    for whole in (numpy.array([-(2**63)]), numpy.array([2**63], dtype=numpy.uint64)):
        assert (rounded_normal(whole, 1.0, 2.0**62, Keystream(SEED)) == whole.astype(float)).all()
    assert grid_of(2) == grid_of(2.0)
    assert discrete_gaussian(numpy.float64(2), numpy.int64(3)).shape == (3,)
    assert discrete_gaussian(2, [2, 3]).shape == (2, 3)


def test_no_draw_is_a_negative_zero() -> None:
    """Its sign would be a bit beside the grid."""
    draws = rounded_normal(numpy.full(1000, -0.0), 0.1, 1.0, Keystream(SEED))
    assert not numpy.signbit(draws[draws == 0]).any() and (draws == 0).sum() > 900


def test_shapes_are_kept() -> None:
    assert rounded_normal(numpy.zeros((2, 3, 4)), 1.0, 0.5).shape == (2, 3, 4)
    assert rounded_normal(0.0, 1.0, 0.5).shape == ()
    assert rounded_normal([], 1.0, 0.5).shape == (0,)
    assert discrete_gaussian(1, (2, 3)).shape == (2, 3)
    assert discrete_gaussian(1, 0).shape == (0,)
    assert discrete_gaussian(1, 5).dtype == numpy.int64
