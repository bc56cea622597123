"""Gaussian noise after Poisson sampling: the order is searched for in doubles, the certificate at it is one sum in balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal, final

from flint import arb

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Enclosed
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import Number, exact, positive, to_decimal
from certify.proofs.balls import ball, refine, upper_double
from certify.proofs.sides import Side

from . import orders
from .kinds import GaussianPrivacy, RenyiPrivacy
from .privacy import Privacy, Value, asked_delta, asked_epsilon, within

GREATEST_ORDER = 1024
_MOST_STEPS = 10**12
_LARGEST_EXPONENT = 2**40
_LARGEST_GROWTH = Fraction(10**290)


@final
@dataclass(frozen=True)
class SampledGaussianPrivacy(Privacy):
    """``steps`` releases of sums over records drawn independently with probability ``rate``, each with Gaussian noise.

    ``noise_multiplier`` is sigma over what one record adds to a sum at most. For a record that is added or removed, both
    directions, adaptive; it says nothing of replaced records, of batches of fixed size and of shuffled passes.

    >>> SampledGaussianPrivacy.of("0.01", 1, 1000).epsilon("1e-5").value
    2.1077530754515656
    """

    kind = "sampled-gaussian"
    rate: Fraction
    noise_multiplier: Fraction
    steps: int
    direction: Direction = Direction.TWO_WAY

    def __post_init__(self) -> None:
        positive(self.noise_multiplier, "noise_multiplier")
        if positive(self.rate, "rate") > 1:
            raise InputError(f"the sampling rate is a probability above 0 and at most 1, not {to_decimal(self.rate)}")
        if not 1 <= self.steps <= _MOST_STEPS:
            raise InputError(
                f"the number of steps is a whole number from 1 to {_MOST_STEPS:,}, not {to_decimal(Fraction(self.steps))}"
            )

    @classmethod
    def of(cls, rate: Number, noise_multiplier: Number, steps: Number) -> SampledGaussianPrivacy:
        """The profile for ``0 < rate <= 1``, a positive noise multiplier and a whole number of steps."""
        count = exact(steps, "steps")
        if count.denominator != 1:
            raise InputError(f"the number of steps is a whole number, not {to_decimal(count)}")
        return cls(exact(rate, "rate"), exact(noise_multiplier, "noise_multiplier"), int(count))

    @cached_property
    def unsampled(self) -> GaussianPrivacy:
        """What holds without sampling too: whoever also sees who was drawn sees releases that say nothing, and Gaussian ones.

        Theorem: ``gaussian.composition-many`` (upper square).
        """
        return GaussianPrivacy.from_square(self.steps / self.noise_multiplier**2)

    def divergence(self, order: Fraction) -> Bound:
        """At or above the Rényi divergence of all steps at a whole order; infinite at others and beyond the doubles.

        Theorem: ``renyi.sampled-gaussian`` (exact order; upper excess).
        Theorem: ``renyi.composition-many`` (upper count, divergence).
        """
        if order.denominator != 1 or not 2 <= order <= GREATEST_ORDER:
            return Bound(math.inf, Side.UPPER, Enclosed("no bound at this order"))
        one = derive("renyi.sampled-gaussian", order=order, excess=self._excess(int(order)))
        return derive("renyi.composition-many", count=self.steps, divergence=one)

    def curve(self, at: tuple[int, ...]) -> RenyiPrivacy:
        """The Rényi curve at these whole orders."""
        return RenyiPrivacy(
            tuple((Fraction(order), self.divergence(Fraction(order))) for order in sorted(set(at))), self.direction
        )

    def delta(self, epsilon: Value) -> Bound:
        """At the best whole order, or without sampling where that is better; upper.

        Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
        """
        asked = asked_epsilon(epsilon)
        order = self._best(lambda order, known: orders.log_delta_at(order, known, float(asked)))
        bound = derive("renyi.profile", order=order, divergence=self.divergence(order), epsilon=asked)
        return min(within(bound, 0.0, 1.0, "at most one"), self.unsampled.delta(asked), key=float)

    def epsilon(self, delta: Value) -> Bound:
        """At the best whole order, or without sampling where that is better; upper.

        Theorem: ``renyi.approximate`` (exact order; upper divergence; lower delta).
        """
        asked = asked_delta(delta)
        order = self.best_order(asked)
        bound = derive("renyi.approximate", order=order, divergence=self.divergence(order), delta=asked)
        return min(within(bound, 0.0, math.inf, "at least zero"), self.unsampled.epsilon(asked), key=float)

    def best_order(self, delta: Value, search: Literal["own", "dp-accounting"] = "own") -> Fraction:
        """About the whole order that makes epsilon least; where it comes from matters to no proof."""
        asked = asked_delta(delta)
        if search == "own":
            return self._best(lambda order, known: orders.epsilon_at(order, known, orders.logarithm(asked)))
        try:
            from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
            from dp_accounting.rdp import RdpAccountant
        except ImportError:
            raise InputError("the search with dp-accounting needs it: pip install dp-accounting, or leave search out") from None
        accountant = RdpAccountant(list(range(2, 257)))
        accountant.compose(PoissonSampledDpEvent(float(self.rate), GaussianDpEvent(float(self.noise_multiplier))), self.steps)
        return Fraction(int(accountant.get_epsilon_and_optimal_order(float(asked))[1]))

    def _excess(self, order: int) -> Bound:
        """S - 1, as a sum of positive terms: the binomial probabilities sum to one, so one is taken from every exponential."""
        if order**2 / self.noise_multiplier**2 > _LARGEST_EXPONENT:
            return Bound(math.inf, Side.UPPER, Enclosed("the sum is not taken where it may be beyond the doubles"))
        return Bound(
            upper_double(refine(lambda: _excess(order, self.rate, self.noise_multiplier))),
            Side.UPPER,
            Enclosed(f"the sum over k at order {order}, rate {to_decimal(self.rate)}, noise {to_decimal(self.noise_multiplier)}"),
        )

    def _best(self, objective: Callable[[float, float], float]) -> Fraction:
        """Where the objective turns from falling to rising, by halving: a convex function over the order less one turns once."""

        def at(order: int) -> float:
            return objective(order, self.steps * _about(order, self.rate, self.noise_multiplier))

        low, high = 2, GREATEST_ORDER
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if at(middle + 1) < at(middle) else (low, middle)
        return Fraction(low)


def _excess(order: int, rate: Fraction, noise: Fraction) -> arb:
    """The sum over k >= 2 of binomial(a, k) (1 - q)^(a - k) q^k (exp(k (k - 1)/(2 z²)) - 1)."""
    drawn, left, growth = ball(rate), ball(1 - rate), 1 / (2 * ball(noise) ** 2)
    total = arb(0)
    for k in range(2, order + 1):
        total += math.comb(order, k) * left ** (order - k) * drawn**k * (k * (k - 1) * growth).expm1()
    return total


def _about(order: int, rate: Fraction, noise: Fraction) -> float:
    """About the divergence of one step, by logarithms in doubles."""
    growth = float(min(1 / (2 * noise**2), _LARGEST_GROWTH))
    if rate == 1:
        return order * growth
    drawn, left = orders.logarithm(rate), orders.logarithm(1 - rate)
    logs, whole = [], math.lgamma(order + 1)
    for k in range(2, order + 1):
        exponent = k * (k - 1) * growth
        size = math.log(math.expm1(exponent)) if 0 < exponent < 30 else exponent or -math.inf
        binomial = whole - math.lgamma(k + 1) - math.lgamma(order - k + 1)
        logs.append(binomial + k * drawn + (order - k) * left + size)
    top = max(logs)
    if top == -math.inf:
        return 0.0
    log_excess = top + math.log(sum(math.exp(value - top) for value in logs))
    return (log_excess if log_excess > 30 else math.log1p(math.exp(log_excess))) / (order - 1)
