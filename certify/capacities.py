"""How many deletions a noise budget covers, by which theorem; and when to retrain instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.proofs.sides import Side

from . import gaussian
from .errors import InputError
from .numbers import Number, nonnegative, positive, probability

if TYPE_CHECKING:
    from .continual.plan import Mechanism

_LEAST_MU = 2.0**-200
_MOST_RIDGE = Fraction(2) ** 1000


@dataclass(frozen=True)
class Way:
    """One way to serve deletions, and how many it covers: ``deletions`` is a lower bound (0 if the budget is used up at once).

    ``serves`` says whether they leave at once or one after another with a release each.
    """

    name: str
    theorem: str
    serves: str
    deletions: int


@dataclass(frozen=True)
class Capacity:
    """How many of ``records`` may leave before ``sigma`` no longer gives (epsilon, delta), by each way, the most first.

    ``budget`` is the distance that the noise hides; ``mu`` the Gaussian parameter that (epsilon, delta) allow. ``deletion_passes`` and
    ``retraining_passes`` are the passes over the data that were given, if they were.
    """

    records: int
    budget: Bound
    mu: Bound
    ways: tuple[Way, ...]
    deletion_passes: int | None = None
    retraining_passes: int | None = None

    @property
    def retrain_after(self) -> int | None:
        """The least number of requests that cost more passes, served one by one, than one retraining that serves all; None without the passes."""
        if self.deletion_passes is None or self.retraining_passes is None:
            return None
        return self.retraining_passes // self.deletion_passes + 1

    def __str__(self) -> str:
        width = max(len(way.name) for way in self.ways)
        lines = [f"distance that the noise hides: {self.budget.value:.6g}; of {self.records} records may leave at most"]
        lines += [f"  {way.deletions:>9}  {way.name:<{width}}  {way.serves} ({way.theorem})" for way in self.ways]
        lines.append(
            "  no limit   measured                 the distance of each candidate is certified on the data, and more steps are taken (certify unlearn)"
        )
        if self.retrain_after is None:
            lines.append(
                "when to retrain: not said, for it depends on what a deletion and a retraining cost on your data; give the passes of both"
            )
        else:
            lines.append(
                f"when to retrain: at {self.deletion_passes} passes over the data a deletion and {self.retraining_passes} a retraining, one retraining "
                f"costs less than {self.retrain_after} requests served one by one"
            )
        return "\n".join(lines)


def capacity(
    records: int,
    *,
    l2: Number,
    epsilon: Number,
    delta: Number,
    sigma: Number | None = None,
    distance_budget: Number | None = None,
    excess_risk: Number | None = None,
    dimension: int | None = None,
    row_norm: Number = 1,
    deletion_passes: int | None = None,
    retraining_passes: int | None = None,
) -> Capacity:
    """How many deletions a budget of Gaussian noise still covers at (epsilon, delta), for mean logistic loss + (l2/2)|w|² and rows of at most ``row_norm``.

    The budget is one of: ``sigma``, the noise that is tolerated in a coordinate; ``distance_budget``, the distance that it hides; ``excess_risk`` of
    ``dimension`` parameters, the expected excess of the objective that noise and distance may cost together. Worst case over data and
    requests: nothing is measured, so :func:`certify.unlearn`, which measures, goes far beyond. Counts are rounded down. The continual ways
    release after every single deletion and cover the transcript, against the matched one; their ridge is fixed at ``l2`` times ``records``.
    When to retrain is a matter of cost, not of any guarantee: give the passes over the data that a deletion and a retraining from nothing took
    (``Run.passes``, ``Fitted.passes``), both or neither. Raises :class:`InputError` for numbers out of range.

    Theorem: ``utility.output-capacity`` (lower n; upper lipschitz; lower strong_convexity, budget).
    Theorem: ``utility.capacity`` (lower n; upper lipschitz, hessian_lipschitz; lower strong_convexity, budget).
    Theorem: ``logistic.gradient-at-minimiser`` (upper row_norm).
    Theorem: ``logistic.hessian-lipschitz`` (upper row_norm).
    Theorem: ``continual.random-walk`` (upper path; lower scale).
    Theorem: ``continual.independent`` (upper squares; lower sigma).
    Theorem: ``utility.distance-budget`` (upper smoothness, dimension; lower mu, excess).

    >>> found = capacity(100_000, l2="0.01", epsilon=1, delta="1e-5", sigma="0.01")
    >>> [(way.name, way.deletions) for way in found.ways][:2]
    [('continual, random-walk', 23), ('one Newton step', 22)]
    """
    if isinstance(records, bool) or not isinstance(records, int) or records < 2:
        raise InputError(f"records must be an integer of at least 2, not {records!r}")
    if (deletion_passes is None) is not (retraining_passes is None):
        raise InputError("when to retrain needs both deletion_passes and retraining_passes: give both, or neither")
    for name, passes in (("deletion_passes", deletion_passes), ("retraining_passes", retraining_passes)):
        if passes is None:
            continue
        if isinstance(passes, bool) or not isinstance(passes, int) or passes < 1:
            raise InputError(f"{name} must be an integer of at least 1, not {passes!r}")
    weight = exactly(positive(l2, "l2"), Declared("the ridge constant"))
    e, d = nonnegative(epsilon, "epsilon"), probability(delta, "delta")
    height = exactly(positive(row_norm, "row_norm"), Declared("no row is longer"))
    allowed = Bound(
        gaussian.greatest_sensitivity(e, d, positive(1, "one")),
        Side.LOWER,
        Declared("the greatest Gaussian parameter that is proved to give epsilon and delta"),
    )
    if allowed.value < _LEAST_MU:
        raise InputError("epsilon and delta allow next to no difference, and so no deletion: use a larger epsilon or delta")
    noise, hidden = _budget(sigma, distance_budget, excess_risk, dimension, allowed, (e, d), weight, height)
    if weight.rational * records > _MOST_RIDGE:
        raise InputError(
            f"l2 = {weight.value!r} is too large for {records} records: the ridge of their sum is beyond the doubles"
        )
    gradient = derive("logistic.gradient-at-minimiser", row_norm=height)
    curved = derive("logistic.hessian-lipschitz", row_norm=height)

    def one_by_one(mechanism: Mechanism) -> int:
        return _continual(records, weight, height, allowed, noise, mechanism)

    if not math.isfinite(curved.value):
        raise InputError(f"row_norm = {height.value!r} is too large: scale the rows")
    at_once: dict[str, Bound | int] = {"n": records, "lipschitz": gradient, "strong_convexity": weight, "budget": hidden}
    ways = [
        Way("output perturbation", "utility.output-capacity", "all at once, the fitted model released", _below(derive("utility.output-capacity", **at_once))),
        Way(
            "one Newton step", "utility.capacity", "all at once, one step from the fitted model",
            _below(derive("utility.capacity", hessian_lipschitz=curved, **at_once)),
        ),
        Way("continual, random-walk", "continual.random-walk", "one by one, a release after each", one_by_one("random-walk")),
        Way("continual, independent", "continual.independent", "one by one, a release after each", one_by_one("independent")),
    ]  # fmt: skip
    ordered = tuple(sorted(ways, key=lambda way: -way.deletions))
    return Capacity(records, hidden, allowed, ordered, deletion_passes, retraining_passes)


def _budget(
    sigma: Number | None, distance: Number | None, excess: Number | None, dimension: int | None, mu: Bound, asked: tuple[Fraction, Fraction],
    l2: Bound, row_norm: Bound,
) -> tuple[Fraction, Bound]:  # fmt: skip
    """The noise that is tolerated, and the distance that it hides.

    Theorem: ``utility.distance-budget`` (upper smoothness, dimension; lower mu, excess).
    Theorem: ``logistic.smoothness`` (upper row_norm).
    """
    given = [
        name for name, value in (("sigma", sigma), ("distance_budget", distance), ("excess_risk", excess)) if value is not None
    ]
    if len(given) != 1:
        raise InputError(
            f"capacity needs exactly one of sigma, distance_budget, excess_risk; given: {', '.join(given) or 'none'}"
        )
    if (dimension is None) is (excess is not None):
        raise InputError("excess_risk needs dimension, the number of parameters, and nothing else does")
    if sigma is not None:
        noise = positive(sigma, "sigma")
        least = gaussian.greatest_sensitivity(*asked, noise)
        return noise, Bound(least, Side.LOWER, Declared("the greatest sensitivity that the noise is proved to hide"))
    if distance is not None:
        hidden = exactly(positive(distance, "distance_budget"), Declared("the distance that is tolerated"))
    else:
        if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
            raise InputError(f"dimension must be an integer of at least 1, not {dimension!r}")
        hidden = derive(
            "utility.distance-budget",
            smoothness=derive("logistic.smoothness", row_norm=row_norm) + l2,
            dimension=dimension,
            mu=mu,
            excess=exactly(positive(excess, "excess_risk"), Declared("the excess risk that is tolerated")),
        )
    return hidden.rational / mu.rational, hidden


def _below(least: Bound) -> int:
    """The greatest count that lies below a number at or under which no deletion misses the budget."""
    return max(0, math.ceil(least.rational) - 1)


def _continual(records: int, l2: Bound, row_norm: Bound, mu: Bound, sigma: Fraction, mechanism: Mechanism) -> int:
    """The most single deletions for which no release needs a larger variance than sigma² in a coordinate, by bisection on proved bounds."""
    from .continual import last_variance, worst_case

    def fits(count: int) -> bool:
        constants = worst_case(count, records=records, ridge=l2.rational * records, row_norm=row_norm.rational)
        return last_variance(constants, mu, mechanism).at_most(sigma**2)

    return _greatest(fits, records - 1)


def _greatest(fits: Callable[[int], bool], most: int) -> int:
    """The greatest count from 0 to ``most`` that fits, for a property that holds up to it."""
    low, high = 0, 1
    while high <= most and fits(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
