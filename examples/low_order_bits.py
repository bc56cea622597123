"""Naive noise tells weights apart by their last bits; exact samplers do not.

Two models have 32 weights that differ in the last five bits alone. One of the two is released with Gaussian noise of scale 2, which
should hide it: the law allows an advantage of some 10^-15. The adversary sees the release and asks of each candidate weight w whether
there is any floating-point number s at all with w + s = release. The sum of two doubles has its own grid, so often there is none.
"""

import math

import numpy

import certify
from certify.sampling import discrete_normal, grid_of, rounded_normal

SIGMA, WEIGHTS, TRIALS = 2.0, 32, 10_000


def candidates(kind=numpy.float64):
    """Two weights near 1 that differ in their last five bits, 00010 and 11101."""
    start = kind(31 / 32)
    return start + 0b00010 * numpy.spacing(start), start + 0b11101 * numpy.spacing(start)


def double_noise(weights, generator):
    return weights + SIGMA * generator.standard_normal(weights.shape)


def single_noise(weights, generator):
    return weights.astype(numpy.float32) + numpy.float32(SIGMA) * generator.standard_normal(weights.shape, dtype=numpy.float32)


def single_noise_on_doubles(weights, generator):
    """What a framework does whose random numbers have single precision by default."""
    return weights + SIGMA * generator.standard_normal(weights.shape, dtype=numpy.float32).astype(numpy.float64)


def exact_noise(weights, generator):
    return rounded_normal(weights, SIGMA, grid_of(SIGMA), generator)


def discrete_noise(weights, generator):
    """Both weights are rounded to the grid first, and there they are the same."""
    return discrete_normal(weights, SIGMA, grid_of(SIGMA), generator)


def possible(release, weight):
    """Whether some floating-point s gives weight + s == release: the nearest to the difference, or none."""
    return (release - weight) + weight == release


def possible_in_single(release, weight):
    """Whether some single-precision z gives weight + SIGMA * z == release."""
    return weight + SIGMA * ((release - weight) / SIGMA).astype(numpy.float32).astype(numpy.float64) == release


def advantage(add_noise, reachable, kind=numpy.float64, count=WEIGHTS, trials=TRIALS, seed=1):
    """2 P(the adversary names the released one of two models) - 1, measured; a coin decides where the bits do not."""
    generator = numpy.random.default_rng(seed)
    pair, truth = candidates(kind), generator.integers(0, 2, trials)
    release = add_noise(numpy.repeat(numpy.array(pair, dtype=kind)[truth], count).reshape(trials, count), generator)
    first, second = (reachable(release, weight).all(axis=1) for weight in pair)
    guess = numpy.where(first == second, generator.integers(0, 2, trials), second)
    return 2 * float((guess == truth).mean()) - 1


def margin(trials=TRIALS, error=1e-6):
    """The measured advantage is this near to the true one, but with probability ``error`` (Hoeffding)."""
    return math.sqrt(2 * math.log(2 / error) / trials)


def allowed(count, kind=numpy.float64):
    """The greatest advantage of anyone against exact Gaussian noise: delta at epsilon = 0."""
    one, two = candidates(kind)
    return certify.noise(sigma=SIGMA, epsilon=0, sensitivity=float(two - one) * math.sqrt(count)).delta.value


ATTACKS = [
    ("float64 noise, float64 weights", double_noise, possible, numpy.float64),
    ("float32 noise, float32 weights", single_noise, possible, numpy.float32),
    ("float32 noise, float64 weights", single_noise_on_doubles, possible_in_single, numpy.float64),
    ("rounded normal, first attack", exact_noise, possible, numpy.float64),
    ("rounded normal, last attack", exact_noise, possible_in_single, numpy.float64),
    ("discrete Gaussian, first attack", discrete_noise, possible, numpy.float64),
    ("discrete Gaussian, last attack", discrete_noise, possible_in_single, numpy.float64),
]

if __name__ == "__main__":
    print(
        f"{'advantage of the adversary':32} {'one weight':>10} {'32 weights':>10} {'law allows':>10}   (measured to {margin():.3f})"
    )
    for name, add_noise, reachable, kind in ATTACKS:
        one, many = (advantage(add_noise, reachable, kind, count) for count in (1, WEIGHTS))
        law = 0.0 if add_noise is discrete_noise else allowed(WEIGHTS, kind)
        print(f"{name:32} {one:10.3f} {many:10.3f} {law:10.1e}")
