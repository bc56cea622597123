"""The noise of a sequence of releases after single deletions, fixed before the first request (Kuang and Xia 2026)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from certify.bounds.bound import Bound, exactly, tightest
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.errors import CannotDecide, InputError
from certify.numbers import Number, nonnegative, positive, probability
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from .constants import Constants, counted

Mechanism = Literal["random-walk", "independent"]
MECHANISMS = ("random-walk", "independent")
MOST_DELETIONS = 100_000
_RANGE = Fraction(2) ** 200
_NUDGES = 64


def residual(constants: Constants, deleted: int) -> Bound:
    """How far one Newton step from the fitted model may end from the minimiser without any ``deleted`` records. Upper side.

    Theorem: ``continual.count-residual`` (upper m, gradient, hessian_lipschitz; lower curvature).
    """
    return _with(derive("continual.count-residual", m=deleted, gradient=constants.gradient, **constants.shared()), constants, 1)


def increment(constants: Constants, earlier: int) -> Bound:
    """How far the residual may move when one more record leaves after ``earlier`` others. Upper side.

    Theorem: ``continual.count-increment`` (upper earlier, m, gradient, smoothness, record_hessian, hessian_lipschitz; lower curvature).
    """
    exact = derive("continual.count-increment", earlier=earlier, m=1, gradient=constants.gradient, **constants.of_records())
    return _with(exact, constants, 2)


def squares(constants: Constants) -> Bound:
    """The sum of the squared residuals over all releases: r(m) is m² times r(1). Upper side.

    Theorem: ``continual.count-residual`` (upper m, gradient, hessian_lipschitz; lower curvature).
    """
    last = constants.deletions
    first = derive("continual.count-residual", m=1, gradient=constants.gradient, **constants.shared())
    fourth, second = (
        last * (last + 1) * (2 * last + 1) * (3 * last**2 + 3 * last - 1) // 30,
        last * (last + 1) * (2 * last + 1) // 6,
    )
    exact = first * first * fourth
    if constants.allowance.value == 0:
        return exact
    return exact + first * constants.allowance * (2 * second) + constants.allowance * constants.allowance * last


def path(constants: Constants) -> Bound:
    """The length of the residual's path on every course of single deletions: by counts, or by the largest gradients if they are known. Upper side.

    Theorem: ``continual.set-path`` (upper gradient_sum, m, smoothness, record_hessian, hessian_lipschitz; lower curvature).
    """
    if constants.gradient_sum is None:
        return count_path(constants)
    by_sets = derive("continual.set-path", gradient_sum=constants.gradient_sum, m=constants.deletions, **constants.of_records())
    return tightest(count_path(constants), _with(by_sets, constants, 2 * constants.deletions))


def count_path(constants: Constants) -> Bound:
    """The sum of the increments by counts. Upper side.

    Theorem: ``continual.count-path`` (upper m, squares, gradient, smoothness, record_hessian, hessian_lipschitz; lower curvature).
    """
    last = constants.deletions
    exact = derive(
        "continual.count-path",
        m=last,
        squares=(last - 1) * last * (2 * last - 1) // 6,
        gradient=constants.gradient,
        **constants.of_records(),
    )
    return _with(exact, constants, 2 * last)


def _with(exact: Bound, constants: Constants, times: int) -> Bound:
    """The bound with so many allowances for arithmetic added."""
    return exact if constants.allowance.value == 0 else exact + constants.allowance * times


def last_variance(constants: Constants, mu: Bound, mechanism: Mechanism) -> Bound:
    """The variance in a coordinate of the last release, but for the rounding of single deviations. Upper side.

    Theorem: ``continual.random-walk`` (upper path; lower scale).
    Theorem: ``continual.independent`` (upper squares; lower sigma).
    """
    if mechanism == "independent":
        return squares(constants) / _square(mu)
    return path(constants) / _square(mu) * count_path(constants)


@dataclass(frozen=True)
class Plan:
    """The noise of releases after single deletions, fixed beforehand; what they give as a whole and each alone.

    ``deviations[t - 1]`` is the standard deviation, in every coordinate, of the noise that is *drawn* at release t: the whole noise of an
    independent release, the fresh step of a random walk. ``mu`` bounds the Gaussian parameter of the transcript of all releases, against the
    matched transcript of retrained models with the same noise.
    """

    mechanism: Mechanism
    deviations: tuple[float, ...]
    mu: Bound
    constants: Constants
    scale: Bound | None = None
    """Of a walk: the variance of every step is at least this number times the move that it hides."""

    @property
    def deletions(self) -> int:
        """How many deletions the plan covers."""
        return len(self.deviations)

    def step(self, made: int, records: int) -> float:
        """The standard deviation to draw when so many more records leave after ``made``: a walk takes all their steps at once."""
        if self.mechanism == "independent" or records == 1:
            return self.deviations[made]
        return _root_above(sum((Fraction(sigma) ** 2 for sigma in self.deviations[made : made + records]), Fraction(0)))

    def variance(self, release: int) -> Fraction:
        """The exact variance of the noise in a coordinate of this release (the first is 1); a walk has the sum of its steps.

        Raises :class:`InputError` beyond the last release: the budget is then used up.
        """
        number = counted(release, "release")
        if number > self.deletions:
            raise InputError(f"the budget is used up: the plan covers {self.deletions} deletions, and this is number {number}")
        drawn = self.deviations[number - 1 : number] if self.mechanism == "independent" else self.deviations[:number]
        return sum((Fraction(sigma) ** 2 for sigma in drawn), Fraction(0))

    def per_release(self, release: int) -> Bound:
        """The Gaussian parameter of this release alone, for requests that were chosen without a look at earlier releases. Upper side.

        What is drawn at once hides the residual: every independent release, and the first of a walk. A later release of a walk is a sum of
        draws each rounded to the grid, which is no function of the ideal sum: it tells no more than all releases up to it.

        Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
        """
        variance = self.variance(release)
        if self.scale is not None and release > 1:
            return self.spent(release)
        with precision(120):
            below = lower_double(ball(variance).sqrt())
        return derive(
            "gaussian.mu", sensitivity=residual(self.constants, release), sigma=Bound(below, Side.LOWER, Declared("its noise"))
        )

    def afforded(self, move: Bound) -> float:
        """The least deviation of a walk's step that hides this move within the plan: the variance is ``scale`` times the move, rounded up.

        Theorem: ``continual.random-walk`` (upper path; lower scale).
        """
        if self.scale is None:
            raise InputError("independent releases have one deviation: moves are hidden by a random-walk")
        return _root(move * self.scale)

    def spent(self, release: int) -> Bound:
        """The Gaussian parameter of the transcript of the releases up to this one, if their number was fixed beforehand. Upper side.

        Theorem: ``continual.random-walk`` (upper path; lower scale).
        Theorem: ``continual.independent`` (upper squares; lower sigma).
        """
        so_far = replace(self.constants, deletions=counted(release, "release"), gradient_sum=None)
        if self.scale is None:
            used = derive("continual.independent", squares=squares(so_far), sigma=_drawn(self.deviations[0]))
        else:
            used = derive("continual.random-walk", path=count_path(so_far), scale=self.scale)
        return tightest(self.mu, used)

    def delta(self, epsilon: Number) -> Bound:
        """The delta of the whole transcript at ``epsilon``. Upper side.

        Theorem: ``gaussian.profile`` (lower epsilon; upper sensitivity; lower sigma).
        """
        given = exactly(nonnegative(epsilon, "epsilon"), Declared("given"))
        return derive("gaussian.profile", epsilon=given, sensitivity=self.mu, sigma=1)


def plan(constants: Constants, *, mu: Number | None = None, epsilon: Number | None = None, delta: Number | None = None,
         mechanism: Mechanism = "random-walk") -> Plan:  # fmt: skip
    """The variances that make all releases together mu-GDP, or (epsilon, delta)-indistinguishable from the matched retrained transcript.

    Give ``mu``, or ``epsilon`` and ``delta``. Every variance is rounded up. Assumes that every request is served by one Newton
    step from the fitted model, exact but for the allowance, and the constants. Raises :class:`InputError`. Source: Kuang and Xia 2026.

    Theorem: ``continual.random-walk`` (upper path; lower scale).
    Theorem: ``continual.independent`` (upper squares; lower sigma).

    >>> from certify.continual import declared
    >>> numbers = declared(10, gradient=1, smoothness="0.25", record_hessian="0.1", hessian_lipschitz=100, curvature=500)
    >>> plan(numbers, mu=1).variance(10) < plan(numbers, mu=1, mechanism="independent").variance(10)
    True
    """
    if mechanism not in MECHANISMS:
        raise InputError(f"unknown mechanism {mechanism!r}: use {' or '.join(MECHANISMS)}")
    wanted = _mu(mu, epsilon, delta)
    last = constants.deletions
    if last > MOST_DELETIONS:
        raise InputError(f"a sequence of {last} deletions is too long to plan: at most {MOST_DELETIONS}, then fit again")
    if not 1 / _RANGE <= wanted.rational <= _RANGE:
        raise InputError("mu is out of range: it must lie between 2^-200 and 2^200")
    if mechanism == "independent":
        total = _ranged(squares(constants), _RANGE**2)
        sigma, whole = _kept(
            _root(total / _square(wanted)), lambda sigma: derive("continual.independent", squares=total, sigma=sigma), wanted
        )
        return Plan(mechanism, (sigma,) * last, whole, constants)
    length = _ranged(path(constants), _RANGE)
    drawn, whole = _kept(
        (length / _square(wanted)).value, lambda scale: derive("continual.random-walk", path=length, scale=scale), wanted
    )
    scale = _drawn(drawn)
    steps = tuple(_root(increment(constants, earlier) * scale) for earlier in range(last))
    return Plan(mechanism, steps, whole, constants, scale)


def _ranged(bound: Bound, most: Fraction) -> Bound:
    if not (math.isfinite(bound.value) and 1 / most <= bound.rational <= most):
        raise InputError("the constants are out of range: residuals must lie between 2^-200 and 2^200, so scale the rows")
    return bound


def _kept(noise: float, whole: Callable[[Bound], Bound], wanted: Bound) -> tuple[float, Bound]:
    """The noise, raised by the few last digits that it takes until what is proved of the whole is at most what is wanted."""
    for _ in range(_NUDGES):
        if (found := whole(_drawn(noise))).at_most(wanted.rational):
            return noise, found
        noise = math.nextafter(noise, math.inf)
    raise CannotDecide("rounding hides whether the plan keeps mu: use another mu")


def _mu(mu: Number | None, epsilon: Number | None, delta: Number | None) -> Bound:
    if mu is not None and (epsilon, delta) == (None, None):
        return exactly(positive(mu, "mu"), Declared("given"))
    if mu is None and epsilon is not None and delta is not None:
        from certify import gaussian

        most = gaussian.greatest_sensitivity(nonnegative(epsilon, "epsilon"), probability(delta, "delta"), positive(1, "sigma"))
        return Bound(most, Side.EXACT, Declared("the greatest Gaussian parameter proved to give epsilon and delta"))
    raise InputError("a plan needs mu, or epsilon and delta, and not both")


def _square(mu: Bound) -> Bound:
    return exactly(mu.rational**2, Declared("the square of the Gaussian parameter that is used"))


def _root(variance: Bound) -> float:
    """A double at or above the root of the upper bound."""
    return _root_above(variance.rational)


def _root_above(number: Fraction) -> float:
    with precision(120):
        return upper_double(ball(number).sqrt())


def _drawn(number: float) -> Bound:
    return exactly(Fraction(number), Declared("the number that is used"))
