"""The discrete Gaussian on the integers: zCDP in every dimension, and the exact profile in one.

P(k) is proportional to exp(-k²/(2 sigma²)). For a shift by s > 0 the log-ratio (2 s k + s²)/(2 sigma²) increases in k, so the best
events are half-lines and

    delta(epsilon) = P[X > epsilon sigma²/s - s/2] - e^epsilon P[X > epsilon sigma²/s + s/2]     (Canonne, Kamath and Steinke 2020),

a quotient of sums over integers that balls enclose. It is not the curve of the Gaussian: between two breakpoints it is a line
in e^epsilon, which lies above the Gaussian curve in places. In d dimensions the law of every coordinate is the same, and
rho = |shift|²/(2 sigma²) (``discrete-gaussian.zcdp``). Of a sensitivity only the integer shifts within it count.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, sqrt
from typing import ClassVar, final

from flint import arb

from certify import gaussian as kernel
from certify.accounting import orders
from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.errors import InputError
from certify.numbers import Number, nonnegative, probability
from certify.proofs.balls import MAXIMUM_PRECISION, ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from .laplace import dimension_of
from .lattice import Weights
from .protocol import Mechanism, least_argument, scale_of

_BITS = 128
_MOST_STEPS = 60
LARGEST_SIGMA = Fraction(2) ** 60
"""Exact profiles are offered up to this scale, in grid units; there the curve is that of the Gaussian to fifteen digits."""


@final
@dataclass(frozen=True)
class DiscreteGaussianMechanism(Mechanism):
    """Independent N_Z(0, sigma²) on every coordinate of an integer vector that moves by at most ``sensitivity`` in Euclidean norm.

    With ``dimension=1`` every answer is exact; otherwise it follows from zCDP by the best order and holds in every dimension.

    >>> DiscreteGaussianMechanism.of(sensitivity=1, sigma=4, dimension=1).least_epsilon("1e-5")
    0.9273541471655963
    >>> DiscreteGaussianMechanism.of(sensitivity=1, sigma=4).rho().value
    0.03125
    """

    kind: ClassVar[str] = "discrete-gaussian"
    sensitivity: Fraction
    sigma: Fraction
    dimension: int | None = None

    @classmethod
    def of(cls, *, sensitivity: Number, sigma: Number, dimension: int | None = None) -> DiscreteGaussianMechanism:
        """From decimals or numbers, taken exactly, in units of the grid."""
        return cls(scale_of(sensitivity, "sensitivity"), scale_of(sigma, "sigma"), dimension_of(dimension))

    @property
    def spread(self) -> Fraction:
        return self.sigma

    @property
    def reach(self) -> Fraction:
        return self.sensitivity

    def with_scale(self, scale: Fraction) -> DiscreteGaussianMechanism:
        return DiscreteGaussianMechanism(self.sensitivity, scale, self.dimension)

    def with_sensitivity(self, sensitivity: Fraction) -> DiscreteGaussianMechanism:
        return DiscreteGaussianMechanism(sensitivity, self.sigma, self.dimension)

    @property
    def square(self) -> int:
        """The greatest squared norm of an integer vector within the sensitivity, or a bound on it."""
        return floor(self.sensitivity) ** 2 if self.dimension == 1 else floor(self.sensitivity**2)

    def rho(self) -> Bound:
        """The zCDP parameter, from above.

        Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
        """
        if self.square == 0:
            return Bound(0.0, Side.EXACT, Declared("no integer vector lies within the sensitivity"))
        return derive("discrete-gaussian.zcdp", square=self.square, sigma=exactly(self.sigma, Declared("given")))

    def delta_upper(self, epsilon: Number) -> float:
        """In one dimension the enclosure of the exact profile; otherwise by zCDP at one order.

        Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
        Theorem: ``zcdp.renyi`` (upper rho; exact order).
        Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
        """
        at = nonnegative(epsilon, "epsilon")
        if self.square == 0:
            return 0.0
        if self.dimension == 1:
            return shifted_delta(at, floor(self.sensitivity), self.sigma)
        rho = self.rho()
        order = orders.for_delta(rho.value, float(at))
        divergence = derive("zcdp.renyi", order=order, rho=rho)
        return max(0.0, min(1.0, derive("renyi.profile", order=order, divergence=divergence, epsilon=at).value))

    def least_epsilon(self, delta: Number) -> float:
        """By bracketing in one dimension, and by the best order of zCDP otherwise.

        Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
        """
        limit = probability(delta, "delta")
        if self.square == 0:
            return 0.0
        if self.dimension == 1:
            proposal = _propose_epsilon(limit, floor(self.sensitivity), self.sigma)
            return orders.least_double(lambda epsilon: self.delta_upper(Fraction(epsilon)) <= limit, proposal)
        rho = self.rho()
        order = orders.for_epsilon(rho.value, orders.logarithm(limit))
        return max(0.0, derive("zcdp.approximate", order=order, rho=rho, delta=exactly(limit, Declared("given"))).value)

    def least_scale(self, epsilon: Number, delta: Number) -> float:
        """A double that is proved enough, next to one that is not.

        In one dimension delta need not fall as sigma grows (for a shift of one, delta(10) is greater at sigma = 0.3 than at 0.2236), so
        use exactly this number: a greater scale is not claimed to be enough. Without a dimension the answer by zCDP does fall.

        Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
        """
        at, limit = nonnegative(epsilon, "epsilon"), probability(delta, "delta")
        if self.square == 0:
            raise InputError("a sensitivity below 1 in grid units moves no integer vector: no noise is needed")

        def reached(scale: float) -> float:
            return self.with_scale(Fraction(scale)).delta_upper(at) if scale > 1e-150 else 1.0

        start = kernel.least_sigma(at, limit, Fraction(sqrt(self.square)))
        return least_argument(reached, limit, start=start)

    def _type_two(self, type_one: tuple[float, ...]) -> list[float]:
        if self.dimension != 1 or self.square == 0:
            return super()._type_two(type_one) if self.square else [1 - error for error in type_one]
        with precision(_BITS):
            weights = Weights(self.sigma)
            return [self._least_type_two(weights, Fraction(error)) for error in type_one]

    def _least_type_two(self, weights: Weights, error: Fraction) -> float:
        """On the chord between the two half-lines whose probabilities enclose the type I error."""
        if error in (0, 1):
            return float(1 - error)
        shift, total = floor(self.sensitivity), weights.total
        asked = ball(error)
        low, high = (
            -1,
            1,
        )  # first integers of half-lines: rejecting from ``low`` on has a greater error, from ``high`` on a smaller one
        while weights.above(high) / total > asked:
            high *= 2
            if high > 64 * self.sigma + 64:
                return 0.0
        while not weights.above(low) / total >= asked:
            low *= 2
            if low < -64 * self.sigma - 64:
                return 0.0
        while high - low > 1:
            middle = (low + high) // 2
            if weights.above(middle) / total > asked:
                low = middle
            else:
                high = middle
        wide, narrow = weights.above(low) / total, weights.above(high) / total
        missed_wide, missed_narrow = (weights.above(shift - first + 1) / total for first in (low, high))
        share = (asked - narrow) / (wide - narrow)
        return max(0.0, lower_double(missed_narrow - share * (missed_narrow - missed_wide)))


def quantised_sensitivity(sensitivity: Number, grid: Number, dimension: int) -> Bound:
    """How far the nearest points of a grid can move, in grid units: (sensitivity + grid sqrt(dimension))/grid.

    Theorem: ``discrete-gaussian.sensitivity`` (upper sensitivity, dimension; exact grid).

    >>> quantised_sensitivity(1, "0.25", 4).value
    6.0
    """
    width, step = scale_of(sensitivity, "sensitivity"), scale_of(grid, "grid")
    whole = dimension_of(dimension)
    if whole is None:
        raise InputError("the sensitivity on a grid grows with the dimension: give the dimension")
    given = Declared("given")
    return derive("discrete-gaussian.sensitivity", sensitivity=exactly(width, given), dimension=whole, grid=exactly(step, given))


def shifted_delta(epsilon: Fraction, shift: int, sigma: Fraction) -> float:
    """delta of N_Z(0, sigma²) against itself moved by ``shift`` >= 1, rounded up; it increases in the shift."""
    if sigma > LARGEST_SIGMA:
        raise InputError("sigma is beyond 2^60 grid units: use a coarser grid, or leave the dimension out")
    centre = epsilon * sigma * sigma / shift
    near, far = floor(centre - Fraction(shift, 2)) + 1, floor(centre + Fraction(shift, 2)) + 1
    bits = _BITS + max(0, 2 * (sigma.numerator.bit_length() - sigma.denominator.bit_length()))
    while True:
        with precision(bits):
            weights = Weights(sigma)
            value = (weights.above(near) - ball(epsilon).exp() * weights.above(far)) / weights.total
            if value.rel_accuracy_bits() >= 56 or value < arb(2) ** -1100 or bits > MAXIMUM_PRECISION // 16:
                return max(0.0, min(1.0, upper_double(value)))
        bits *= 2


def _propose_epsilon(delta: Fraction, shift: int, sigma: Fraction) -> float:
    """About the least epsilon: Newton on the convex function of e^epsilon, one line after the other; untrusted."""
    epsilon = 0.0
    with precision(_BITS + max(0, 2 * (sigma.numerator.bit_length() - sigma.denominator.bit_length()))):
        weights, target = Weights(sigma), ball(delta)
        for _ in range(_MOST_STEPS):
            first = floor(Fraction(epsilon) * sigma * sigma / shift - Fraction(shift, 2)) + 1
            left, right = (weights.above(first) - target * weights.total).mid(), weights.above(first + shift).mid()
            if not (left > 0 and right > 0):
                break
            moved = float((left / right).log())
            if not moved > epsilon:
                break
            epsilon = moved
    return epsilon
