"""Two Gaussian laws on the line with unequal variances: the log-ratio is a quadratic, so the best event is an interval or leaves one out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb

from certify.proofs.balls import MAXIMUM_PRECISION, ball, precision

_BITS = 128
_ACCURATE = 56
CERTAIN = arb(2) ** -60


def enclosed_delta(epsilon: Fraction, shift: Fraction, variance: Fraction, reference: Fraction) -> arb:
    """A ball around delta of N(shift, variance) against N(0, reference), for unequal variances.

    log p/q = log(reference/variance)/2 - (x - shift)²/(2 variance) + x²/(2 reference) exceeds epsilon between the two roots if the first
    variance is the smaller, and outside of them otherwise; a negative discriminant means nowhere (it occurs in the first case only).
    """
    narrow = variance < reference
    bits = _BITS
    while True:
        with precision(bits):
            value = _value(epsilon, shift, variance, reference, narrow)
            if value.is_finite() and (value.rel_accuracy_bits() >= _ACCURATE or value < arb(2) ** -1100):
                return value
            if bits > MAXIMUM_PRECISION // 4:
                return value if value.is_finite() else arb(0).union(arb(1))
        bits *= 2


def nearly_told_apart(deviations: Sequence[arb], means: Sequence[arb], epsilon: arb) -> bool:
    """Whether a half-line of one coordinate proves a delta of at least 1 - 2^-60, for N(means, diag(deviations²)) against N(0, I).

    The half-line that starts as many standard deviations from the one mean as from the other misses a tail of both laws.
    """
    factor = 1 + epsilon.exp()
    for deviation, mean in zip(deviations, means, strict=True):
        place = abs(mean) / (1 + deviation)
        if (place / arb(2).sqrt()).erfc() / 2 * factor < CERTAIN:
            return True
    return False


def _value(epsilon: Fraction, shift: Fraction, variance: Fraction, reference: Fraction, narrow: bool) -> arb:
    level = (ball(reference / variance)).log() / 2 - ball(epsilon)
    # (1/reference - 1/variance) x² + 2 (shift/variance) x - shift²/variance + 2 level, of which the roots are sought
    curvature, slope = ball(1 / reference - 1 / variance), ball(shift / variance)
    discriminant = slope * slope - curvature * (2 * level - ball(shift * shift / variance))
    if discriminant < 0:
        return arb(0)
    root = discriminant.sqrt() if discriminant > 0 else arb(0).union(discriminant.abs_upper().sqrt())
    # The smaller root comes first by the sign of the curvature: the two may agree to every digit of a double.
    ends = [(-slope + root) / curvature, (-slope - root) / curvature]
    if not narrow:
        ends.reverse()
    first = _between(ends, ball(shift), ball(variance), narrow)
    second = _between(ends, arb(0), ball(reference), narrow)
    return first - ball(epsilon).exp() * second


def _between(ends: list[arb], mean: arb, variance: arb, inside: bool) -> arb:
    """The probability of the interval between the ends, or of what lies outside, from the nearer tail."""
    scale = (2 * variance).sqrt()
    low, high = ((end - mean) / scale for end in ends)
    if not inside:
        return ((-low).erfc() + high.erfc()) / 2
    if low > 0:
        return (low.erfc() - high.erfc()) / 2
    if high < 0:
        return ((-high).erfc() - (-low).erfc()) / 2
    return 1 - ((-low).erfc() + high.erfc()) / 2
