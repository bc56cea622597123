"""Checks that try a declared bound, or a law, on many drawn problems; Hypothesis looks for the worst one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from .check import Check, Refuted, Skip, check
from .parameters import distance, resolution
from .problems import Problem, exchanged, flipped, permuted
from .subject import Claim, Solved, Subject

EXAMPLES = 24
"""How many problems each property is tried on."""

_SLACK = 1 + Fraction(1, 10**9)


def explore(subject: Subject, law: Callable[[Solved], float | None]) -> str:
    """Try ``law`` on drawn problems; it raises :class:`Refuted` or returns a ratio to the limit, to be driven up.

    Derandomised, without a database: the same problems in every run with one seed. The forgotten rows are
    taken as they are, with wrong labels, or exchanged for others. Returns a sentence with the largest ratio.
    """
    from hypothesis import HealthCheck, Phase, given, settings, strategies, target

    seen: list[float] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.target),
        report_multiple_bugs=False,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.nested_given, HealthCheck.differing_executors),
    )
    @given(
        rows=strategies.integers(12, 40),
        columns=strategies.integers(1, 4),
        forget=strategies.integers(1, 4),
        change=strategies.sampled_from(("kept", "flipped", "weak", "strong")),
        case=strategies.integers(0, 2**32 - 1),
    )
    def holds(rows: int, columns: int, forget: int, change: str, case: int) -> None:
        key = (rows, columns, forget, change, case)
        solved = subject.solve(_drawn(subject, *key), key)
        try:
            ratio = law(solved)
        except Refuted as refuted:
            raise Refuted(f"{refuted} ({solved.problem.described()}; labels of the forgotten rows: {change})") from None
        if ratio is not None:
            seen.append(ratio)
            target(min(ratio, 1e300))

    holds()
    return f"not refuted on {EXAMPLES} problems" + (f"; at most {max(seen):.3g} of the limit was used" if seen else "")


def _drawn(subject: Subject, rows: int, columns: int, forget: int, change: str, case: int) -> Problem:
    problem = subject.problem(("property", case), rows=rows, columns=columns, forget=forget)
    match change:
        case "flipped":
            return flipped(problem)
        case "weak":
            return exchanged(problem, weight=0.05, flip=False)
        case "strong":
            return exchanged(problem, weight=1.0, flip=True)
        case _:
            return problem


@check("property.distance-bound", needs=("noiseless", "distance_bound"), rests_on=("output.residual",))
def distance_bound(subject: Subject) -> str:
    """The un-noised model is no farther from the really retrained one than distance_bound declares.

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    """

    def law(solved: Solved) -> float:
        forget = solved.problem.forget
        declared = subject.declared_distance(solved.state, forget) + subject.declared_distance(solved.retained_state, ())
        gap = distance(solved.unlearned, solved.retrained)
        if gap > declared + resolution(solved.unlearned, solved.retrained):
            raise Refuted(f"the un-noised model is {gap:.3g} from the retrained one, and distance_bound declares {declared:.3g}")
        return gap / declared if declared > 0 else 0.0

    return explore(subject, law)


@check(
    "property.noise-covers-bound",
    needs=("noiseless", "distance_bound", "noise_scale", "guarantee"),
    rests_on=("gaussian.profile",),
)
def noise_covers_bound(subject: Subject) -> str:
    """Gaussian noise of the declared scale gives the claimed (epsilon, delta) at the declared distance.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    claim = subject.claim
    _needs_noise(subject)

    def law(solved: Solved) -> float:
        forget = solved.problem.forget
        sigma = subject.scale(solved.problem.data.count, len(forget))
        return _covered(claim, subject.declared_distance(solved.state, forget), sigma, "the declared distance")

    return explore(subject, law)


@check("property.noise-covers-distance", needs=("noiseless", "noise_scale", "guarantee"), rests_on=("gaussian.profile",))
def noise_covers_distance(subject: Subject) -> str:
    """Gaussian noise of the declared scale gives the claimed (epsilon, delta) at the measured distance to retraining.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    claim = subject.claim

    def law(solved: Solved) -> float:
        sigma = subject.scale(solved.problem.data.count, len(solved.problem.forget))
        gap = distance(solved.unlearned, solved.retrained) - resolution(solved.unlearned, solved.retrained)
        return _covered(claim, max(0.0, gap), sigma, "the measured distance")

    return explore(subject, law)


@check("property.toward-retrained", needs=("noiseless",))
def toward_retrained(subject: Subject) -> str:
    """Unlearning does not leave the model farther from the retrained one than doing nothing would."""

    def law(solved: Solved) -> float:
        nothing = subject.mean(solved.state, ())
        before, after = distance(nothing, solved.retrained), distance(solved.unlearned, solved.retrained)
        slack = resolution(solved.unlearned, solved.retrained)
        if subject.has("distance_bound"):
            slack += subject.declared_distance(solved.retained_state, ())  # the retrained model is known no better
        if after > before * (1 + 1e-9) + slack:
            raise Refuted(
                f"unlearning moved the model from {before:.3g} to {after:.3g} away from the retrained one: is a sign wrong?"
            )
        return after / before if before > 0 else 0.0

    return explore(subject, law)


@check("property.row-order", needs=("noiseless",))
def row_order(subject: Subject) -> str:
    """The order of the training rows does not matter, beyond the declared distance and rounding."""

    def law(solved: Solved) -> None:
        order = subject.generator("order", solved.problem.data.count).permutation(solved.problem.data.count)
        other = permuted(solved.problem, order)
        state = subject.train(other.data)
        model = subject.mean(state, other.forget)
        allowed = 1e-7 * (1 + float(np.linalg.norm(model)))
        if subject.has("distance_bound"):
            allowed += subject.declared_distance(state, other.forget) + subject.declared_distance(
                solved.state, solved.problem.forget
            )
        if (gap := distance(model, solved.unlearned)) > allowed:
            raise Refuted(f"training on the same rows in another order moves the unlearned model by {gap:.3g}")

    return explore(subject, law)


@check("property.in-two-steps", needs=("noiseless", "advance"))
def in_two_steps(subject: Subject) -> str:
    """Forgetting A and then B ends where forgetting both at once ends, within the declared distances."""

    def law(solved: Solved) -> float | None:
        if len(solved.problem.forget) < 2:
            return None
        first, rest = solved.problem.forget[:1], solved.problem.forget[1:]
        state = subject.method.advance(subject.train(solved.problem.data), list(first), subject.generator("advance"))
        model = subject.mean(state, rest)
        allowed = 1e-7 * (1 + float(np.linalg.norm(model)))
        if subject.has("distance_bound"):
            allowed += subject.declared_distance(state, rest) + subject.declared_distance(solved.state, solved.problem.forget)
        if (gap := distance(model, solved.unlearned)) > allowed:
            raise Refuted(f"forgetting in two steps ends {gap:.3g} from forgetting at once (allowed: {allowed:.3g})")
        return gap / allowed

    return explore(subject, law)


def _needs_noise(subject: Subject) -> None:
    if all(subject.scale(count, 0) == 0 for count in (12, 40, 1000)):
        raise Skip("noise_scale is 0: nothing is added that could cover a distance")


def _covered(claim: Claim, gap: float, sigma: float, which: str) -> float:
    """How much of the claimed delta the distance uses; raises :class:`Refuted` beyond it."""
    from certify.gaussian import delta_upper, least_epsilon

    if gap == 0:
        return 0.0
    if sigma == 0:
        raise Refuted(f"no noise is added, and {which} is {gap:.3g}")
    if gap == float("inf"):
        raise Refuted(f"{which} is infinite")
    spent = delta_upper(claim.epsilon, Fraction(gap), Fraction(sigma))
    if Fraction(spent) > claim.delta * _SLACK:
        needed = f"; epsilon is {least_epsilon(claim.delta, Fraction(gap), Fraction(sigma)):.4g}" if claim.delta > 0 else ""
        raise Refuted(f"noise of scale {sigma:.4g} does not give {claim} at {which} {gap:.3g}: delta is {spent:.3g}{needed}")
    return spent / float(claim.delta) if claim.delta else 0.0


CHECKS: tuple[Check, ...] = (distance_bound, noise_covers_bound, noise_covers_distance, toward_retrained, row_order, in_two_steps)
