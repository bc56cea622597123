"""The five kinds of privacy profile: Gaussian, zCDP, a Rényi curve, (epsilon, delta), and any proved curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import final

from flint import arb

from certify import gaussian
from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Combined, Enclosed, Evidence
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import exact, to_decimal
from certify.proofs.balls import ball, refine, upper_double
from certify.proofs.sides import Side

from . import orders
from .privacy import (
    Privacy,
    Value,
    as_used,
    asked_delta,
    asked_epsilon,
    deciding,
    failing,
    held,
    root_upper,
    union,
    usable_order,
    within,
)

_MOST_ORDERS = 4096


@final
@dataclass(frozen=True)
class GaussianPrivacy(Privacy):
    """mu-GDP: the two laws are no easier to tell apart than N(0, 1) and N(mu, 1).

    ``square`` is mu², held exactly, so that sums of a thousand releases lose nothing.

    >>> GaussianPrivacy.of("0.5").epsilon("1e-5").value
    1.9930914044151198
    """

    kind = "gaussian"
    square: Bound
    direction: Direction = Direction.TWO_WAY

    def __post_init__(self) -> None:
        held(self.square, "the square of mu")

    @classmethod
    def of(cls, mu: Value, direction: Direction = Direction.TWO_WAY) -> GaussianPrivacy:
        """The profile for an upper (or exact) ``mu >= 0``."""
        bound = held(mu, "mu")
        return cls.from_square(bound.rational**2, Combined("square", (bound,)), bound.failure_probability, direction)

    @classmethod
    def from_noise(cls, sensitivity: Fraction, sigma: Fraction) -> GaussianPrivacy:
        """The profile of N(0, sigma² I) on a vector that moves by at most ``sensitivity``.

        Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
        """
        return cls.from_square((sensitivity / sigma) ** 2, Enclosed("gaussian.mu, as an exact rational"))

    @classmethod
    def from_square(
        cls, square: Fraction, evidence: Evidence | None = None, failure: float = 0.0, direction: Direction = Direction.TWO_WAY
    ) -> GaussianPrivacy:
        """The profile for the exact number at or above mu²."""
        return cls(as_used(square, "the square of mu", evidence, failure), direction)

    @cached_property
    def mu(self) -> Bound:
        """At or above the Gaussian parameter, within one ulp.

        Theorem: ``gaussian.composition-many`` (upper square).
        """
        return derive("gaussian.composition-many", square=self.square)

    @cached_property
    def _width(self) -> Fraction:
        return root_upper(self.square.rational)

    def delta(self, epsilon: Value) -> Bound:
        """Exact up to one ulp; upper.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        value = gaussian.delta_upper(asked_epsilon(epsilon), self._width, Fraction(1))
        return self._solved(value, "delta")

    def epsilon(self, delta: Value) -> Bound:
        """The least double that is proved enough; upper.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        value = gaussian.least_epsilon(asked_delta(delta), self._width, Fraction(1))
        return self._solved(value, "epsilon")

    def _solved(self, value: float, name: str) -> Bound:
        evidence = Enclosed(f"gaussian.profile, solved for {name} at mu² = {to_decimal(self.square.rational)}")
        return Bound(value, Side.UPPER, evidence, self.square.failure_probability)


@final
@dataclass(frozen=True)
class ConcentratedPrivacy(Privacy):
    """rho-zCDP: at every order a > 1 the Rényi divergence is at most rho a.

    >>> ConcentratedPrivacy.of("0.5").epsilon("1e-5").value
    4.728386984943315
    """

    kind = "zcdp"
    rho: Bound
    direction: Direction = Direction.TWO_WAY

    def __post_init__(self) -> None:
        held(self.rho, "rho")

    @classmethod
    def of(cls, rho: Value, direction: Direction = Direction.TWO_WAY) -> ConcentratedPrivacy:
        """The profile for an upper (or exact) ``rho >= 0``."""
        return cls(held(rho, "rho"), direction)

    def divergence(self, order: Fraction) -> Bound:
        """At or above the Rényi divergence at an order above one.

        Theorem: ``zcdp.renyi`` (exact order; upper rho).
        """
        return derive("zcdp.renyi", order=order, rho=self.rho)

    def delta(self, epsilon: Value) -> Bound:
        """By the best order found; upper. Between this and the truth lies what one order cannot say.

        Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
        """
        asked = asked_epsilon(epsilon)
        if self.rho.rational == 0:
            return Bound(0.0, Side.UPPER, Combined("equal laws", (self.rho,)), self.rho.failure_probability)
        order = orders.for_delta(self.rho.value, float(asked))
        bound = derive("renyi.profile", order=order, divergence=self.divergence(order), epsilon=asked)
        return within(bound, 0.0, 1.0, "at most one")

    def epsilon(self, delta: Value) -> Bound:
        """By the best order found; upper.

        Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
        """
        asked = asked_delta(delta)
        if self.rho.rational == 0:
            return Bound(0.0, Side.UPPER, Combined("equal laws", (self.rho,)), self.rho.failure_probability)
        order = orders.for_epsilon(self.rho.value, orders.logarithm(asked))
        return within(derive("zcdp.approximate", order=order, rho=self.rho, delta=asked), 0.0, math.inf, "at least zero")


@final
@dataclass(frozen=True)
class RenyiPrivacy(Privacy):
    """Bounds of the Rényi divergence at finitely many orders above one; of other orders nothing is said.

    >>> RenyiPrivacy.of({2: 1, "8.5": "4.25"}).epsilon("1e-5").value
    5.374551430575855
    """

    kind = "renyi"
    points: tuple[tuple[Fraction, Bound], ...]
    direction: Direction = Direction.TWO_WAY

    def __post_init__(self) -> None:
        if not self.points:
            raise InputError("a Rényi curve needs at least one order with its bound")
        if len(self.points) > _MOST_ORDERS:
            raise InputError(f"a Rényi curve of {len(self.points)} orders: use at most {_MOST_ORDERS}")
        if [order for order, _ in self.points] != sorted({order for order, _ in self.points}):
            raise InputError("the orders of a Rényi curve must be different and increase")
        for order, divergence in self.points:
            usable_order(order)
            if not (divergence.side is Side.UPPER and divergence.value == math.inf):
                held(divergence, "divergence")

    @classmethod
    def of(
        cls, points: dict[Value, Value] | Iterable[tuple[Value, Value]], direction: Direction = Direction.TWO_WAY
    ) -> RenyiPrivacy:
        """The curve through upper (or exact) bounds; of two bounds at one order the smaller is kept."""
        known: dict[Fraction, Bound] = {}
        for order, divergence in points.items() if isinstance(points, dict) else points:
            at = exact(order.rational if isinstance(order, Bound) else order, "order")
            bound = (
                divergence if isinstance(divergence, Bound) and math.isinf(divergence.value) else held(divergence, "divergence")
            )
            if at not in known or bound.value < known[at].value:
                known[at] = bound
        return cls(tuple(sorted(known.items(), key=lambda point: point[0])), direction)

    @property
    def orders(self) -> tuple[Fraction, ...]:
        """The orders at which something is known."""
        return tuple(order for order, _ in self.points)

    def divergence(self, order: Fraction) -> Bound:
        """The bound at one of the orders; anywhere else an infinite one."""
        known = dict(self.points)
        return known[order] if order in known else Bound(math.inf, Side.UPPER, Combined("no bound at this order", ()))

    def delta(self, epsilon: Value) -> Bound:
        """By the best of the orders; upper.

        Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
        """
        asked = asked_epsilon(epsilon)
        order, divergence = self._best(lambda order, known: orders.log_delta_at(order, known, float(asked)))
        bound = derive("renyi.profile", order=order, divergence=divergence, epsilon=asked)
        return within(bound, 0.0, 1.0, "at most one")

    def epsilon(self, delta: Value) -> Bound:
        """By the best of the orders; upper.

        Theorem: ``renyi.approximate`` (exact order; upper divergence; lower delta).
        """
        asked = asked_delta(delta)
        order, divergence = self._best(lambda order, known: orders.epsilon_at(order, known, orders.logarithm(asked)))
        bound = derive("renyi.approximate", order=order, divergence=divergence, delta=asked)
        return within(bound, 0.0, math.inf, "at least zero")

    def _best(self, objective: Callable[[float, float], float]) -> tuple[Fraction, Bound]:
        return min(self.points, key=lambda point: objective(float(point[0]), point[1].value))


@final
@dataclass(frozen=True)
class ApproximatePrivacy(Privacy):
    """(epsilon, delta)-indistinguishability at one pair of numbers; randomised response is the worst case of the rest.

    >>> ApproximatePrivacy.of(1, "1e-5").delta("0.5").value
    0.2876562601536015
    """

    kind = "approximate"
    known_epsilon: Bound
    known_delta: Bound
    direction: Direction = Direction.TWO_WAY

    def __post_init__(self) -> None:
        held(self.known_epsilon, "epsilon")
        held(self.known_delta, "delta")
        if self.known_delta.value >= 1:
            raise InputError(f"the delta of a guarantee is below 1, not {self.known_delta.value!r}: nothing would be promised")

    @classmethod
    def of(cls, epsilon: Value, delta: Value, direction: Direction = Direction.TWO_WAY) -> ApproximatePrivacy:
        """The profile for upper (or exact) ``epsilon >= 0`` and ``0 <= delta < 1``."""
        return cls(held(epsilon, "epsilon"), held(delta, "delta"), direction)

    def delta(self, epsilon: Value) -> Bound:
        """The delta known, from the epsilon known on; below it what the definition in both directions leaves. Upper.

        Theorem: ``approximate.profile`` (upper delta; exact epsilon, target).
        """
        asked = asked_epsilon(epsilon)
        if asked >= self.known_epsilon.rational:
            return failing(self.known_delta, self.known_epsilon)
        if self.direction is Direction.ONE_WAY:
            return Bound(1.0, Side.UPPER, Enclosed("a probability"))
        evidence = Combined("the number that is used", (self.known_epsilon,))
        used = as_used(self.known_epsilon.rational, "epsilon", evidence, self.known_epsilon.failure_probability)
        with deciding():  # the epsilon known and the one asked for may differ in a late digit
            bound = derive("approximate.profile", epsilon=used, delta=self.known_delta, target=asked)
        return within(bound, 0.0, 1.0, "at most one")

    def epsilon(self, delta: Value) -> Bound:
        """Infinite below the delta known; at it, the epsilon known; above it a little less. Upper.

        Theorem: ``approximate.profile`` (upper delta; exact epsilon, target).
        """
        asked = asked_delta(delta)
        least, known = self.known_epsilon, self.known_delta
        if asked < known.rational:
            return Bound(math.inf, Side.UPPER, Combined(f"nothing is known at delta below {known.value!r}", (known,)))
        if asked == known.rational or least.rational == 0 or self.direction is Direction.ONE_WAY:
            return failing(least, known)
        failure = union(least, known)
        evidence = Combined("approximate.profile, solved for the target in balls", (least, known))
        if self.delta(0).at_most(asked):
            return Bound(0.0, Side.UPPER, evidence, failure)
        value = upper_double(refine(lambda: _response_epsilon(least.rational, known.rational, asked)))
        return Bound(min(max(value, 0.0), upper_double(ball(least.rational))), Side.UPPER, evidence, failure)


def _response_epsilon(epsilon: Fraction, delta: Fraction, asked: Fraction) -> arb:
    """The target at which ``approximate.profile`` gives the delta that is asked for; zero where that is below zero.

    Theorem: ``approximate.profile`` (upper delta; exact epsilon, target).
    """
    share = (ball(1 - asked) + ball(delta - asked) * (-ball(epsilon)).exp()) / ball(1 - delta)
    return arb(0) if share <= 0 else ball(epsilon) + share.log()


@final
@dataclass(frozen=True)
class CurvePrivacy(Privacy):
    """Any nonincreasing upper bound of delta, given as a function of an exact epsilon into an upper :class:`Bound`.

    That it bounds delta and does not increase is the claim of whoever makes the function; ``name`` says what proves it.
    """

    kind = "curve"
    bound: Callable[[Fraction], Bound]
    name: str
    direction: Direction = Direction.TWO_WAY

    def delta(self, epsilon: Value) -> Bound:
        """What the function says, at most one; an answer on another side is refused."""
        answer = self.bound(asked_epsilon(epsilon))
        if not (isinstance(answer, Bound) and answer.side.fits(Side.UPPER)):
            raise InputError(f"the curve {self.name!r} must answer with an upper bound, and gave {answer!r}")
        return within(answer, 0.0, 1.0, "at most one")

    def epsilon(self, delta: Value) -> Bound:
        """The least double at which the function is at or below delta, found by halving; infinite if there is none."""
        asked = asked_delta(delta)

        target = orders.logarithm(asked)

        def height(epsilon: float) -> float:
            value = self.delta(Fraction(epsilon)).value
            return (math.log(value) if value > 0 else -1e6) - target

        def enough(epsilon: float) -> bool:
            return self.delta(Fraction(epsilon)).at_most(asked)

        value = orders.least_double(enough, orders.crossing(height))
        failure = self.delta(Fraction(value)).failure_probability if value < math.inf else 0.0
        return Bound(value, Side.UPPER, Enclosed(f"{self.name}, solved for epsilon by bracketing on doubles"), failure)
