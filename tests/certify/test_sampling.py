"""The samplers draw what they say: replayable, on the grid, exactly distributed, and independent of how they are called."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import InputError
from certify.proofs.balls import precision
from certify.sampling import Keystream, discrete_gaussian, fresh_seed, grid_of, rounded_normal
from certify.sampling.discrete_gaussian import _limits, ratio
from certify.sampling.nearest import decided, nearest_integers
from certify.sampling.quantile import LEAST, quantile, quantiles, table

SEED = bytes(range(32))


class Script:
    """Further bits that a test chooses."""

    def __init__(self, *words: int) -> None:
        self.words = list(words)

    def bits(self) -> int:
        return self.words.pop(0)


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


def test_an_error_half_as_large_would_be_refuted() -> None:
    """Negative control: the proved error is not met by luck; near the least v the cubic comes within a factor of four of it."""
    v = LEAST * (1 + numpy.arange(2000) * 2.0**-12)
    with precision(160):
        worst = max(
            abs(float(near) - float(quantile(ball_of(Fraction(float(x)))))) for x, near in zip(v, quantiles(v), strict=True)
        )
    assert table().error / 4 < worst + 2.0**-39 < table().error


def ball_of(number: Fraction):  # type: ignore[no-untyped-def]
    from certify.proofs.balls import ball

    return ball(number)


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


def test_a_draw_next_to_a_boundary_takes_more_bits() -> None:
    """The word decides 53 bits; where they leave two integers, the further bits do."""
    v = 1 << 52  # V in [1/2, 1/2 + 2^-53): |Z| just below 0.67448975...
    with precision(200):
        middle = Fraction(str(quantile(ball_of(Fraction(1, 2))).str(50, radius=False)))
    place = Fraction(1, 2) - middle  # the boundary 1/2 is crossed within 10^-50 of V = 1/2
    low = decided(v << 11, place, Fraction(1), Script((1 << 64) - 1))  # type: ignore[arg-type]
    assert low == 0
    tail = decided(0, Fraction(0), Fraction(1), Script(0, 1, 5))  # type: ignore[arg-type]
    assert tail == 16  # V about 2^-180: beyond every double uniform


def test_the_sign_is_symmetric() -> None:
    for word in (5 << 11, 1 << 50, (1 << 64) - 2):
        plus, minus = (decided(word | sign, Fraction(0), Fraction(1 << 20), Script(7, 7)) for sign in (0, 1))  # type: ignore[arg-type]
        assert plus == -minus


@pytest.mark.parametrize("sigma", [0.5, 2.0, 31.0])
def test_the_acceptance_is_the_ratio_of_the_two_laws(sigma: float) -> None:
    """exp(-k²/(2 sigma²)) over the mass of a rounded normal, normalised at zero, to the last bit of a word."""
    import mpmath

    with mpmath.workdps(60):
        s = mpmath.mpf(sigma)
        mass = [mpmath.ncdf((k + mpmath.mpf(1) / 2) / s) - mpmath.ncdf((k - mpmath.mpf(1) / 2) / s) for k in range(9)]
        for k, limit in enumerate(_limits(sigma)[:9]):
            wanted = mpmath.exp(-(mpmath.mpf(k) ** 2) / (2 * s * s)) * mass[0] / mass[k]
            assert int(mpmath.floor(wanted * 2**53)) == limit
            with precision(150):
                assert abs(float(ratio(k, Fraction(sigma))) - float(wanted)) < 1e-15
            assert wanted <= 1


@given(st.floats(0.01, 1e9), st.integers(1, 40))
def test_the_quick_acceptance_is_below_the_ratio(sigma: float, steps: int) -> None:
    """cosh(k/(2 sigma²)) bounds I(k)/I(0), so 1 - k²/(8 sigma⁴) is below the ratio."""
    k = max(1, int(steps * sigma / 5))
    if k / sigma > 20:
        return
    with precision(300):
        assert ball_of(1 - Fraction(k) ** 2 / (8 * Fraction(sigma) ** 4)) <= ratio(k, Fraction(sigma))


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
        ({"sigma": 1}, "between"),
        ({"mean": [math.nan]}, "finite"),
        ({"mean": [math.inf]}, "finite"),
        ({"mean": [1e300]}, "coarser grid"),
        ({"grid": 2.0**-60}, "coarser grid"),
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


def test_shapes_are_kept() -> None:
    assert rounded_normal(numpy.zeros((2, 3, 4)), 1.0, 0.5).shape == (2, 3, 4)
    assert rounded_normal(0.0, 1.0, 0.5).shape == ()
    assert rounded_normal([], 1.0, 0.5).shape == (0,)
    assert discrete_gaussian(1, (2, 3)).shape == (2, 3)
    assert discrete_gaussian(1, 0).shape == (0,)
    assert discrete_gaussian(1, 5).dtype == numpy.int64
