"""The Gaussian privacy profile, proved in ball arithmetic, and its four one-sided inverses on doubles.

With mu = sensitivity / sigma, b± = epsilon/mu ± mu/2 and the normal distribution function Phi,

    delta(epsilon; mu) = Phi(-b-) - e^epsilon Phi(-b+),

decreasing in epsilon and in sigma, increasing in the sensitivity (theorem ``gaussian.profile``). Every inverse
works the same way: an untrusted root finder proposes a double, then the two neighbouring doubles between which
the answer changes are found by comparisons that balls decide. A wrong proposal costs time, never soundness.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction

from flint import arb, fmpq

from certify.proofs.balls import MAXIMUM_PRECISION, precision, rational, refine, upper_double

from .errors import InputError

_GUARD_BITS = 80
_LARGEST_INDEX = 0x7FEFFFFFFFFFFFFF  # the greatest finite double, as an integer
_NEWTON_STEPS = 80


class OutOfRange(InputError):
    """The answer exists as a real number, and no double can hold it on the safe side."""


def delta_upper(epsilon: Fraction, sensitivity: Fraction, sigma: Fraction) -> float:
    """A double at or above delta(epsilon; sensitivity / sigma), the least such or one of the next.

    Assumes a release ``value + N(0, sigma² I)`` whose value moves by at most ``sensitivity`` in Euclidean norm.
    Upper side. Raises :class:`~certify.errors.InputError` outside epsilon >= 0, sensitivity >= 0, sigma > 0.
    Source: Balle and Wang 2018; Dong, Roth and Su 2022.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> delta_upper(Fraction(1), Fraction(1), Fraction(1))
    0.12693673750664397
    """
    _require(epsilon >= 0 and sensitivity >= 0 and sigma > 0, "epsilon >= 0, sensitivity >= 0 and sigma > 0")
    if sensitivity == 0:
        return 0.0
    point = _Point(rational(epsilon), rational(sensitivity), rational(sigma))
    return min(upper_double(refine(point.delta, start=_GUARD_BITS + point.lost_bits)), 1.0)


def satisfies(epsilon: Fraction, delta: Fraction, sensitivity: Fraction, sigma: Fraction) -> bool:
    """Whether delta(epsilon; sensitivity / sigma) <= delta is *proved*; an undecided comparison counts as no.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> satisfies(Fraction(1), Fraction(1, 10**5), Fraction(1), Fraction("3.7306"))
    False
    """
    _require(epsilon >= 0 and sensitivity >= 0 and sigma > 0 and delta >= 0, "epsilon, delta, sensitivity >= 0 and sigma > 0")
    if sensitivity == 0:
        return True
    return _proved(rational(epsilon), rational(delta), rational(sensitivity), rational(sigma))


def least_sigma(epsilon: Fraction, delta: Fraction, sensitivity: Fraction) -> float:
    """The least double sigma for which delta(epsilon; sensitivity / sigma) <= delta is proved.

    Never below the true threshold; minimal among the doubles because the profile decreases in sigma. Raises
    :class:`~certify.errors.InputError` outside epsilon >= 0, 0 < delta < 1, sensitivity > 0, and if no double suffices.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> least_sigma(Fraction(1), Fraction(1, 10**5), Fraction(1))
    3.730631634815942
    """
    _require(epsilon >= 0 and 0 < delta < 1 and sensitivity > 0, "epsilon >= 0, 0 < delta < 1 and sensitivity > 0")
    e, d, s = rational(epsilon), rational(delta), rational(sensitivity)
    proposal = _propose_mu(e, d, lambda mu: arb(s) / mu)
    index = _first(lambda i: _proved(e, d, s, rational(_double(i))), proposal, 1)
    if index is None:
        raise OutOfRange("sigma would exceed the largest double: use a smaller sensitivity, a larger epsilon or a larger delta")
    return _double(index)


def greatest_sensitivity(epsilon: Fraction, delta: Fraction, sigma: Fraction) -> float:
    """The greatest double sensitivity for which delta(epsilon; sensitivity / sigma) <= delta is proved.

    Never above the true threshold. Raises :class:`~certify.errors.InputError` outside epsilon >= 0, 0 < delta < 1,
    sigma > 0, and if no positive double is small enough.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> greatest_sensitivity(Fraction(1), Fraction(1, 10**5), Fraction(1))
    0.2680511232112942
    """
    _require(epsilon >= 0 and 0 < delta < 1 and sigma > 0, "epsilon >= 0, 0 < delta < 1 and sigma > 0")
    e, d, s = rational(epsilon), rational(delta), rational(sigma)
    proposal = _propose_mu(e, d, lambda mu: arb(s) * mu)
    refused = _first(lambda i: not _proved(e, d, rational(_double(i)), s), proposal, 1)
    if refused == 1:
        raise OutOfRange("the sensitivity would fall below the least positive double: use a larger sigma, epsilon or delta")
    return _double(_LARGEST_INDEX if refused is None else refused - 1)


def least_epsilon(delta: Fraction, sensitivity: Fraction, sigma: Fraction) -> float:
    """The least double epsilon >= 0 for which delta(epsilon; sensitivity / sigma) <= delta is proved.

    Never below the true threshold; 0 if delta(0) <= delta. Raises :class:`~certify.errors.InputError` outside
    0 < delta < 1, sensitivity >= 0, sigma > 0, and if no finite double suffices.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> least_epsilon(Fraction(1, 10**5), Fraction(1), Fraction(1))
    4.377178095681225
    """
    _require(0 < delta < 1 and sensitivity >= 0 and sigma > 0, "0 < delta < 1, sensitivity >= 0 and sigma > 0")
    d, s, noise = rational(delta), rational(sensitivity), rational(sigma)
    if sensitivity == 0 or _proved(fmpq(0), d, s, noise):
        return 0.0
    proposal = _propose_epsilon(d, s / noise)
    index = _first(lambda i: _proved(rational(_double(i)), d, s, noise), proposal, 1)
    if index is None:
        raise OutOfRange("epsilon would exceed the largest double: use a larger sigma or a smaller sensitivity")
    return _double(index)


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise InputError(f"the Gaussian profile needs {words}")


class _Point:
    """One place of the profile with exact rational arguments, so that no digit is lost before the normal tails."""

    __slots__ = ("epsilon", "inner", "lost_bits", "outer")

    def __init__(self, epsilon: fmpq, sensitivity: fmpq, sigma: fmpq) -> None:
        mu = sensitivity / sigma
        half, slope = mu / 2, epsilon / mu
        self.epsilon, self.inner, self.outer = epsilon, half - slope, half + slope
        magnitude = _binary_exponent(mu)
        # Phi(-b-) and e^epsilon Phi(-b+) agree to about -log2(mu) bits for small mu; e^epsilon costs log2(epsilon).
        self.lost_bits = max(0, -magnitude) + max(0, _binary_exponent(epsilon)) + 8

    def delta(self) -> arb:
        """A ball around delta at the current precision."""
        if self.epsilon == 0:
            return (arb(self.inner) / arb(2).sqrt()).erf()
        near, far = _tails(arb(self.epsilon), arb(self.inner), arb(self.outer))
        return near - far


def _tails(epsilon: arb, inner: arb, outer: arb) -> tuple[arb, arb]:
    """Balls around Phi(inner) and e^epsilon Phi(-outer), where inner² + 2 epsilon = outer²."""
    root = arb(2).sqrt()
    near = (-inner / root).erfc() / 2
    if epsilon < 1 << 40:
        return near, epsilon.exp() * (outer / root).erfc() / 2
    # e^epsilon has no finite ball here. e^epsilon erfc(z) = e^(-inner²/2) U(1/2, 1/2, z²)/sqrt(pi) with z = outer/sqrt 2.
    scaled = (outer * outer / 2).hypgeom_u(arb(1) / 2, arb(1) / 2)
    return near, (-inner * inner / 2).exp() * scaled / (2 * arb.pi().sqrt())


def _proved(epsilon: fmpq, delta: fmpq, sensitivity: fmpq, sigma: fmpq) -> bool:
    point = _Point(epsilon, sensitivity, sigma)
    bits = _GUARD_BITS + point.lost_bits
    while bits <= MAXIMUM_PRECISION:
        with precision(bits):
            value, limit = point.delta(), arb(delta)
            if value <= limit:
                return True
            if value > limit:
                return False
        bits *= 2
    return False


def _binary_exponent(number: fmpq) -> int:
    return int(number.p.bit_length()) - int(number.q.bit_length()) if number != 0 else 0


def _index(value: float) -> int:
    """The position of a nonnegative double in the order of the doubles."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _double(index: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", index))[0])


def _first(holds: Callable[[int], bool], proposal: float, low: int) -> int | None:
    """The least index from ``low`` where ``holds`` turns from false to true, or ``None``; gallops from the proposal."""
    start = min(max(_index(proposal), low), _LARGEST_INDEX) if proposal < math.inf else _LARGEST_INDEX
    stride = 1
    if holds(start):
        good = start
        while good > low:
            trial = max(low, good - stride)
            if not holds(trial):
                bad = trial
                break
            good, stride = trial, stride * 2
        else:
            return good
    else:
        bad = start
        while True:
            if bad == _LARGEST_INDEX:
                return None
            trial = min(_LARGEST_INDEX, bad + stride)
            if holds(trial):
                good = trial
                break
            bad, stride = trial, stride * 2
    while good - bad > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good


def _quantile(delta: fmpq) -> float:
    """About Phi^-1(delta), to three digits (Abramowitz and Stegun 26.2.23); a starting point only."""
    small = delta if delta * 2 <= 1 else 1 - delta
    t = math.sqrt(max(0.0, -2 * float(arb(small).log())))
    tail = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    return -tail if delta * 2 <= 1 else tail


def _propose_mu(epsilon: fmpq, delta: fmpq, answer: Callable[[arb], arb]) -> float:
    """``answer`` at about the mu with delta(epsilon; mu) = delta, as a double: Newton on log delta against log mu, untrusted."""
    bits = _GUARD_BITS + 2 * abs(_binary_exponent(epsilon)) + 8
    with precision(bits):
        target, e = arb(delta), arb(epsilon)
        quantile = arb(_quantile(delta))
        radical = (quantile * quantile + 2 * e).sqrt()
        # delta < Phi(mu/2 - epsilon/mu) and delta < mu/sqrt(2 pi) give a starting point at or just above the left of the root.
        mu = (radical + quantile if quantile > 0 else 2 * e / (radical - quantile) if epsilon != 0 else arb(0)).mid()
        floor = (target * arb(2.5)).mid()
        mu = floor if mu < floor else mu
    for _ in range(_NEWTON_STEPS):
        with precision(bits):
            half, slope = mu / 2, e / mu
            inner = half - slope
            near, far = _tails(e, inner, half + slope)
            value = near - far
            if value.rel_accuracy_bits() < 40:
                if bits > MAXIMUM_PRECISION // 4:
                    break
                bits *= 2
                continue
            density = (-inner * inner / 2).exp() / (2 * arb.pi()).sqrt()
            step = float((target / value).log() * value / (mu * density))
            mu = (mu * arb(max(-40.0, min(40.0, step))).exp()).mid()
        if abs(step) < 1e-9:
            break
    with precision(bits):
        return _finite_double(answer(mu))


def _propose_epsilon(delta: fmpq, mu: fmpq) -> float:
    """About the epsilon with delta(epsilon; mu) = delta: Newton on log delta, which is concave in epsilon; untrusted."""
    bits = 2 * _GUARD_BITS + 2 * abs(_binary_exponent(mu))
    with precision(bits):
        target, m = arb(delta), arb(mu)
        epsilon = (m * m / 2 - m * arb(_quantile(delta))).mid()
        if not epsilon > 0:
            epsilon = (m * m / 1024).mid()
    for _ in range(_NEWTON_STEPS):
        with precision(bits):
            half, slope = m / 2, epsilon / m
            near, far = _tails(epsilon, half - slope, half + slope)
            value = near - far
            if value.rel_accuracy_bits() < 40:
                if bits > MAXIMUM_PRECISION // 4:
                    break
                bits *= 2
                continue
            change = (value / target).log() * value / far
            moved = (epsilon + change).mid()
            settled = abs(change) < epsilon * arb(1e-9)
            epsilon = moved if moved > 0 else (epsilon / 16).mid()
        if settled:
            break
    with precision(bits):
        return _finite_double(epsilon)


def _finite_double(value: arb) -> float:
    guess = float(value.mid())
    return guess if 0 <= guess < math.inf else math.inf if guess > 0 else 0.0
