"""Profiles of several releases, each kind in its own currency, and the steps from one currency to a wider one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Combined, Derived, Enclosed
from certify.errors import InputError
from certify.guarantee import Direction
from certify.proofs.sides import Side

from .kinds import ApproximatePrivacy, ConcentratedPrivacy, CurvePrivacy, GaussianPrivacy, RenyiPrivacy
from .privacy import Privacy, added, as_used, failing, joint_direction, total_of, union
from .sampled import SampledGaussianPrivacy

WHOLE_ORDERS = (*range(2, 65), 72, 80, 96, 128, 160, 192, 256, 384, 512)
"""The orders at which sampled releases are written down as a curve; each gives a valid bound."""


def gaussian_sum(parts: Sequence[GaussianPrivacy]) -> GaussianPrivacy:
    """The squares add, as exact rationals; adaptive.

    Theorem: ``gaussian.composition-many`` (upper square).
    """
    squares = [part.square for part in parts]
    total = total_of([square.rational for square in squares])
    evidence = Combined("sum of the squares of the Gaussian parameters", tuple(squares))
    return GaussianPrivacy.from_square(total, evidence, union(*squares), joint_direction(parts))


def concentrated_sum(parts: Sequence[GaussianPrivacy | ConcentratedPrivacy | ApproximatePrivacy]) -> ConcentratedPrivacy:
    """The zCDP parameters add, as exact rationals; adaptive.

    Theorem: ``zcdp.composition`` (upper first, second).
    """
    rhos = [concentrated(part).rho for part in parts]
    total = total_of([rho.rational for rho in rhos])
    evidence = Combined("zcdp.composition, folded exactly", tuple(rhos))
    return ConcentratedPrivacy(as_used(total, "rho", evidence, union(*rhos)), joint_direction(parts))


def is_pure(part: Privacy) -> bool:
    """Whether the part is a bound of the likelihood ratio itself: epsilon in both directions, with delta = 0."""
    return isinstance(part, ApproximatePrivacy) and part.known_delta.rational == 0 and part.direction is Direction.TWO_WAY


def concentrated(part: GaussianPrivacy | ConcentratedPrivacy | ApproximatePrivacy) -> ConcentratedPrivacy:
    """mu-GDP is mu²/2-zCDP, and a pure epsilon is epsilon²/2-zCDP.

    Theorem: ``zcdp.gaussian-parameter`` (upper mu).
    Theorem: ``zcdp.pure`` (upper epsilon).
    """
    if isinstance(part, ConcentratedPrivacy):
        return part
    if isinstance(part, ApproximatePrivacy):
        if not is_pure(part):
            raise InputError("a pair (epsilon, delta) is concentrated only where delta = 0, in both directions")
        epsilon = part.known_epsilon
        known = Derived("zcdp.pure", (("epsilon", epsilon),))
        return ConcentratedPrivacy(as_used(epsilon.rational**2 / 2, "rho", known, union(epsilon, part.known_delta)))
    evidence = (
        Derived("zcdp.gaussian-parameter", (("mu", part.mu),)) if part.square.rational else Combined("equal laws", (part.square,))
    )
    return ConcentratedPrivacy(
        as_used(part.square.rational / 2, "rho", evidence, part.square.failure_probability), part.direction
    )


def divergence(part: Privacy, order: Fraction) -> Bound:
    """At or above the Rényi divergence at one order; infinite where the profile says nothing of it.

    Theorem: ``zcdp.renyi`` (exact order; upper rho).
    """
    match part:
        case GaussianPrivacy() | ConcentratedPrivacy():
            return concentrated(part).divergence(order)
        case RenyiPrivacy() | SampledGaussianPrivacy():
            return part.divergence(order)
        case ApproximatePrivacy() if is_pure(part):
            return concentrated(part).divergence(order)
    return Bound(math.inf, Side.UPPER, Enclosed("no bound of a Rényi divergence"))


def renyi_sum(parts: Sequence[Privacy]) -> RenyiPrivacy | None:
    """The divergences add, order by order, at the orders that all parts know; ``None`` if there are none. Adaptive.

    Theorem: ``renyi.composition`` (upper first, second).
    """
    points = []
    for order in common_orders(parts):
        total = added([divergence(part, order) for part in parts], "renyi.composition, folded")
        if total.value < math.inf:
            points.append((order, total))
    return RenyiPrivacy(tuple(points), joint_direction(parts)) if points else None


def common_orders(parts: Sequence[Privacy]) -> list[Fraction]:
    """The orders of the curves that all of them share; whole ones from a fixed list where no curve names any."""
    curves = [set(part.orders) for part in parts if isinstance(part, RenyiPrivacy)]
    return sorted(set.intersection(*curves)) if curves else [Fraction(order) for order in WHOLE_ORDERS]


def sampled_sum(parts: Sequence[SampledGaussianPrivacy]) -> list[SampledGaussianPrivacy]:
    """Steps of equal rate and noise are counted together."""
    counted: dict[tuple[Fraction, Fraction], int] = {}
    for part in parts:
        counted[part.rate, part.noise_multiplier] = counted.get((part.rate, part.noise_multiplier), 0) + part.steps
    return [SampledGaussianPrivacy(rate, noise, steps) for (rate, noise), steps in counted.items()]


def approximate_sum(epsilons: Sequence[Bound], deltas: Sequence[Bound]) -> tuple[Bound, Bound]:
    """Epsilons add and deltas add; adaptive.

    Theorem: ``approximate.composition`` (upper first_delta, second_delta).
    """
    epsilon, delta = added(epsilons, "sum of the epsilons"), added(deltas, "approximate.composition, folded")
    return failing(epsilon, delta), failing(delta, epsilon)


def repeated(part: Privacy, count: int) -> Privacy:
    """The profile of ``count`` releases like this one, whatever the earlier ones returned.

    Theorem: ``renyi.composition-many`` (upper count, divergence).
    """
    if count == 1:
        return part
    match part:
        case GaussianPrivacy(square=square, direction=direction):
            evidence = Combined(f"{count} times", (square,))
            return GaussianPrivacy.from_square(count * square.rational, evidence, square.failure_probability, direction)
        case ConcentratedPrivacy(rho=rho, direction=direction):
            evidence = Combined(f"zcdp.composition, {count} times", (rho,))
            return ConcentratedPrivacy(as_used(count * rho.rational, "rho", evidence, rho.failure_probability), direction)
        case RenyiPrivacy(points=points, direction=direction):
            many = tuple((order, derive("renyi.composition-many", count=count, divergence=bound)) for order, bound in points)
            return RenyiPrivacy(many, direction)
        case SampledGaussianPrivacy(rate=rate, noise_multiplier=noise, steps=steps):
            return SampledGaussianPrivacy(rate, noise, count * steps)
        case ApproximatePrivacy(known_epsilon=epsilon, known_delta=delta, direction=direction):
            name = f"approximate.composition, {count} times"
            return ApproximatePrivacy(
                as_used(count * epsilon.rational, "epsilon", Combined(name, (epsilon,)), epsilon.failure_probability),
                as_used(count * delta.rational, "delta", Combined(name, (delta,)), delta.failure_probability),
                direction,
            )
        case CurvePrivacy(name=name):
            raise InputError(f"the curve {name!r} has no closed form for {count} releases: list it that many times")
    raise InputError(f"a profile of the kind {part.kind} cannot be repeated")
