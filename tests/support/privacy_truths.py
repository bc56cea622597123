"""Privacy profiles of real pairs of laws to 160 digits, by mpmath; nothing here is shared with the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import mpmath

DIGITS = 160
Number = Fraction | int | mpmath.mpf
Profile = Callable[[Fraction], mpmath.mpf]


def real(number: Number) -> mpmath.mpf:
    return mpmath.mpf(number.numerator) / number.denominator if isinstance(number, Fraction) else mpmath.mpf(number)


def gaussian_delta(square: Fraction, epsilon: Fraction) -> mpmath.mpf:
    """The least delta of N(mu, 1) and N(0, 1), mu² being ``square``."""
    with mpmath.workdps(DIGITS + 60):
        mu, e, root = mpmath.sqrt(real(square)), real(epsilon), mpmath.sqrt(2)
        return (mpmath.erfc((e / mu - mu / 2) / root) - mpmath.exp(e) * mpmath.erfc((e / mu + mu / 2) / root)) / 2


def gaussian_epsilon(square: Fraction, delta: Fraction) -> mpmath.mpf:
    """At or just below the epsilon at which that profile reaches ``delta``, by halving."""
    with mpmath.workdps(DIGITS):
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        if gaussian_delta(square, low) <= real(delta):
            return low
        while gaussian_delta(square, high) > real(delta):
            low, high = high, high * 2
        for _ in range(90):
            middle = (low + high) / 2
            low, high = (middle, high) if gaussian_delta(square, middle) > real(delta) else (low, middle)
        return low


def response_delta(epsilon: Fraction, reveal: Fraction, asked: Fraction) -> mpmath.mpf:
    """Randomised response at ``epsilon`` that tells the truth openly with probability ``reveal``: the positive parts, atom by atom."""
    with mpmath.workdps(DIGITS):
        heads = mpmath.exp(real(epsilon)) / (1 + mpmath.exp(real(epsilon)))
        first = [real(reveal), mpmath.mpf(0), (1 - real(reveal)) * heads, (1 - real(reveal)) * (1 - heads)]
        second = [mpmath.mpf(0), real(reveal), (1 - real(reveal)) * (1 - heads), (1 - real(reveal)) * heads]
        return sum(max(p - mpmath.exp(real(asked)) * q, mpmath.mpf(0)) for p, q in zip(first, second, strict=True))


def concentrated_epsilon(rho: Fraction, delta: Fraction) -> mpmath.mpf:
    """The infimum over all orders of the sharp conversion, by golden sections in 60 digits."""
    with mpmath.workdps(60):
        r, log_delta = real(rho), mpmath.log(real(delta))

        def value(step: mpmath.mpf) -> mpmath.mpf:
            order = 1 + mpmath.exp(step)
            return order * r + mpmath.log(1 - 1 / order) - (log_delta + mpmath.log(order)) / (order - 1)

        return least(value)


def concentrated_delta(rho: Fraction, epsilon: Fraction) -> mpmath.mpf:
    with mpmath.workdps(60):
        r, e = real(rho), real(epsilon)

        def value(step: mpmath.mpf) -> mpmath.mpf:
            order = 1 + mpmath.exp(step)
            return (order - 1) * (order * r - e + mpmath.log(1 - 1 / order)) - mpmath.log(order)

        return mpmath.exp(min(least(value), mpmath.mpf(0)))


def least(value: Callable[[mpmath.mpf], mpmath.mpf]) -> mpmath.mpf:
    """The least value of a function with one valley near zero, from a coarse scan and golden sections."""
    start = min((mpmath.mpf(k) / 2 for k in range(-60, 120)), key=value)
    low, high, ratio = start - 1, start + 1, (mpmath.sqrt(5) - 1) / 2
    for _ in range(220):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if value(left) <= value(right) else (left, high)
    return value((low + high) / 2)


def renyi_epsilon(points: Mapping[Fraction, Fraction], delta: Fraction) -> mpmath.mpf:
    with mpmath.workdps(60):
        return max(
            min(
                real(d) + mpmath.log(1 - 1 / real(a)) - mpmath.log(real(delta) * real(a)) / (real(a) - 1)
                for a, d in points.items()
            ),
            mpmath.mpf(0),
        )


def renyi_delta(points: Mapping[Fraction, Fraction], epsilon: Fraction) -> mpmath.mpf:
    with mpmath.workdps(60):
        return min(
            min(
                mpmath.exp((real(a) - 1) * (real(d) - real(epsilon))) * (1 - 1 / real(a)) ** real(a) / (real(a) - 1)
                for a, d in points.items()
            ),
            mpmath.mpf(1),
        )


def sampled_moments(rate: Fraction, noise: Fraction, order: int) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Both integrals of the sampled Gaussian by quadrature: of (mixture/normal)^a, and of (normal/mixture)^a under the mixture."""
    with mpmath.workdps(40):
        q, z = real(rate), real(noise)

        def ratio(x: mpmath.mpf) -> mpmath.mpf:
            return 1 - q + q * mpmath.exp(x / z - 1 / (2 * z**2))

        far = [-12, 0, order / z, order / z + 12]
        forward = mpmath.quad(lambda x: mpmath.npdf(x) * ratio(x) ** order, far)
        backward = mpmath.quad(lambda x: mpmath.npdf(x) * ratio(x) ** (1 - order), far)
        return forward, backward


def sampled_delta(rate: Fraction, noise: Fraction, epsilon: Fraction) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The exact profile of one sampled Gaussian step, with the record against without it and the other way round."""
    with mpmath.workdps(60):
        q, z, e = real(rate), real(noise), mpmath.exp(real(epsilon))

        def beyond(level: mpmath.mpf) -> mpmath.mpf:
            """Where the ratio of the mixture to the normal law exceeds ``level``."""
            return z * mpmath.log((level - 1 + q) / q) + 1 / (2 * z) if level > 1 - q else -mpmath.inf

        there = beyond(e)
        forward = (1 - q) * mpmath.ncdf(-there) + q * mpmath.ncdf(1 / z - there) - e * mpmath.ncdf(-there)
        back = beyond(1 / e)
        if back == -mpmath.inf:
            return forward, mpmath.mpf(0)
        mixture = (1 - q) * mpmath.ncdf(back) + q * mpmath.ncdf(back - 1 / z)
        return forward, mpmath.ncdf(back) - e * mixture
