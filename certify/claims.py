"""Does a published claim hold? A theorem turns declared constants into a distance, the Gaussian profile into epsilon."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from certify.bounds.bound import Bound, WrongSide
from certify.bounds.derive import HypothesisError, derive
from certify.bounds.evidence import Enclosed
from certify.proofs import registry
from certify.proofs.balls import NoEnclosure
from certify.proofs.readers import as_fraction
from certify.proofs.sides import Side
from certify.proofs.status import Status
from certify.proofs.theorem import Hypothesis, Theorem

from . import gaussian
from .calibration import exact_bound
from .errors import InputError
from .numbers import Number, exact, nonnegative, positive, probability, to_decimal

PROFILE = "gaussian.profile"
COMPARATOR = "distance.comparator"


@dataclass(frozen=True)
class Claim:
    """The verdict on "``theorem`` gives (epsilon, delta) with noise of scale sigma".

    ``holds`` is proved from the declared hypotheses, or refused. ``epsilon_true`` is an upper enclosure of the
    epsilon that the theorem really gives at the claimed delta, ``delta_upper`` one of the delta at the claimed
    epsilon, ``sigma_required`` the least double that makes the claim true (both infinite if no double does).
    ``sensitivity`` is the distance that the theorem bounds, with its derivation. ``status`` is the weakest among
    the ``theorems`` used and the evaluation, which is ``enclosed``; the hypotheses are declared, so the
    ``weakest_premise`` is always ``assumed``.
    """

    theorem: str
    holds: bool
    epsilon: Bound
    delta: Bound
    sigma: Bound
    epsilon_true: Bound
    sigma_required: Bound
    sensitivity: Bound
    delta_upper: float
    status: Status
    theorems: tuple[str, ...]
    premises: tuple[str, ...]
    weakest_premise: Status = Status.ASSUMED

    def __str__(self) -> str:
        verdict = "HOLDS" if self.holds else "DOES NOT HOLD"
        claimed = f"({to_decimal(self.epsilon.rational)}, {to_decimal(self.delta.rational)})"
        lines = [
            f"{verdict}: {self.theorem} with sigma = {to_decimal(self.sigma.rational)} for {claimed}",
            f"distance <= {self.sensitivity.value!r}",
            f"true epsilon <= {self.epsilon_true.value!r} at this delta; true delta <= {self.delta_upper!r} at this epsilon",
            f"sigma required: {self.sigma_required.value!r}",
            f"rests on  {'  '.join(f'{registry.status(name).glyph} {name}' for name in self.theorems)}  ▣ its value here, in balls",
            *(f"premise   ! {premise}" for premise in self.premises),
        ]
        return "\n".join(lines)


def claim(
    theorem_id: str,
    *,
    epsilon: Number,
    delta: Number,
    sigma: Number | None = None,
    tolerance: Number = 0,
    **hypotheses: Number | Bound,
) -> Claim:
    """Check that ``theorem_id`` with these hypotheses gives (epsilon, delta) when noise N(0, sigma² I) is added.

    The theorem must bound a distance between parameters: ``output.worst-case`` (n, m, lipschitz,
    strong_convexity), ``output.residual`` (residual, strong_convexity), ``newton.one-step`` (n, m, lipschitz,
    hessian_lipschitz, strong_convexity). Each hypothesis is declared on the side that the theorem needs; strings
    are exact decimals. A ``tolerance`` (the comparator's own gradient norm) adds tolerance/strong_convexity. A
    distance of zero needs no noise. The decision is exact: nothing is rounded before the comparison. Raises
    :class:`~certify.errors.InputError` for an unknown theorem (names the nearest), missing or surplus hypotheses
    and numbers outside their domain. Source: the theorem's own, and Balle and Wang 2018.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).
    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).

    >>> verdict = claim("output.residual", residual="1e-9", strong_convexity="0.5", sigma="7.4e-9", epsilon=1, delta="1e-5")
    >>> verdict.holds, verdict.sigma_required.value
    (False, 7.461263269631885e-09)
    """
    theorem = _distance_theorem(theorem_id)
    _check_names(theorem, hypotheses, sigma)
    e = exact_bound(nonnegative(epsilon, "epsilon"), "epsilon", "claimed")
    d = exact_bound(probability(delta, "delta"), "delta", "claimed")
    s = exact_bound(positive(sigma, "sigma"), "sigma", "claimed")
    slack = nonnegative(tolerance, "tolerance")
    inputs = {hypothesis.symbol: _declare(hypothesis, hypotheses[hypothesis.symbol]) for hypothesis in theorem.hypotheses}
    sensitivity = _distance(theorem, inputs, slack)
    width = _exact_distance(theorem, inputs, slack, sensitivity)
    used = (theorem.id, COMPARATOR, PROFILE) if slack else (theorem.id, PROFILE)
    return Claim(
        theorem=theorem.id,
        holds=gaussian.satisfies(e.rational, d.rational, width, s.rational),
        epsilon=e,
        delta=d,
        sigma=s,
        epsilon_true=_solved("epsilon", lambda: gaussian.least_epsilon(d.rational, width, s.rational)),
        sigma_required=_solved("sigma", lambda: gaussian.least_sigma(e.rational, d.rational, width) if width else 0.0),
        sensitivity=sensitivity,
        delta_upper=gaussian.delta_upper(e.rational, width, s.rational),
        status=min(Status.ENCLOSED, *(registry.status(name) for name in used)),  # the number itself is a ball at a point
        theorems=used,
        premises=_premises(theorem, inputs, slack),
    )


def _distance_theorem(identifier: str) -> Theorem:
    """The theorem, if it bounds a distance that noise can hide: not the one that only adds the comparator's own.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).
    """
    try:
        theorem = registry.theorem(identifier)
    except registry.UnknownTheorem as error:
        raise InputError(f"{error}; `certify theorems` lists them all") from None
    if theorem.conclusion.symbol != "distance" or theorem.id == COMPARATOR:
        usable = ", ".join(name for name, entry in registry.theorems().items() if entry.conclusion.symbol == "distance")
        raise InputError(
            f"{theorem.id} bounds {theorem.conclusion.symbol}, not a distance that noise can hide: use one of {usable}"
        )
    return theorem


def _check_names(theorem: Theorem, hypotheses: Mapping[str, object], sigma: object) -> None:
    missing = [symbol for symbol in theorem.symbols if symbol not in hypotheses] + ([] if sigma is not None else ["sigma"])
    if missing:
        needs = ", ".join((*theorem.symbols, "sigma"))
        raise InputError(f"{theorem.id} lacks {', '.join(missing)}: it needs {needs}")
    for name in hypotheses:
        if name not in theorem.symbols:
            near = difflib.get_close_matches(name, theorem.symbols, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(theorem.symbols)}"
            raise InputError(f"{theorem.id} has no hypothesis {name}: {hint}")


def _declare(hypothesis: Hypothesis, value: Number | Bound) -> Bound:
    """The declared number on the side that the theorem needs; a decimal that is no double is held exactly."""
    if isinstance(value, Bound):
        return value
    name = hypothesis.symbol
    held = exact_bound(exact(value, name), name, f"declared: {hypothesis.meaning}")
    return Bound(held.value, hypothesis.side, held.evidence) if held.exact is None else held


def _distance(theorem: Theorem, inputs: Mapping[str, Bound], tolerance: Fraction) -> Bound:
    """The theorem's bound, and on top of it the distance of a comparator that stops at the tolerance.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).
    """
    try:
        distance = derive(theorem, **inputs)
        if not tolerance:
            return distance
        if "strong_convexity" not in inputs:
            raise InputError(f"a tolerance needs strong_convexity, which {theorem.id} does not have")
        slack = exact_bound(tolerance, "tolerance", "declared: the comparator's gradient norm is at most this")
        return derive(COMPARATOR, distance=distance, tolerance=slack, strong_convexity=inputs["strong_convexity"])
    except (HypothesisError, WrongSide) as error:
        raise InputError(str(error)) from None
    except NoEnclosure:
        raise InputError(f"{theorem.id} needs a denominator that is not 0: check n, m and strong_convexity") from None


def _exact_distance(theorem: Theorem, inputs: Mapping[str, Bound], tolerance: Fraction, rounded: Bound) -> Fraction:
    """The theorem's bound before any rounding where its formula is rational, so that an honest claim never fails by an ulp."""
    if any(math.isinf(bound.value) for bound in (*inputs.values(), rounded)):
        raise InputError(f"{theorem.id} bounds nothing here: the distance is beyond the doubles; use smaller constants")
    if not theorem.formula.is_rational:
        return rounded.rational
    values = {name: bound.rational for name, bound in inputs.items()}
    distance = as_fraction(theorem.formula, values)
    return distance + tolerance / values["strong_convexity"] if tolerance else distance


def _solved(name: str, solve: Callable[[], float]) -> Bound:
    """The answer of a one-sided inverse of the profile, infinite where no double is enough.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    try:
        value = solve()
    except gaussian.OutOfRange:
        value = math.inf
    return Bound(value, Side.UPPER, Enclosed(f"{PROFILE}, solved for {name} by bracketing on doubles"))


def _premises(theorem: Theorem, inputs: Mapping[str, Bound], tolerance: Fraction) -> tuple[str, ...]:
    words = {Side.UPPER: "at most", Side.LOWER: "at least", Side.EXACT: "exactly"}
    declared = [
        f"{hypothesis.symbol} is {words[hypothesis.side]} {to_decimal(inputs[hypothesis.symbol].rational)}: {hypothesis.meaning}"
        for hypothesis in theorem.hypotheses
    ]
    if tolerance:
        declared.append(f"tolerance is at most {to_decimal(tolerance)}: the comparator's gradient norm")
    return (
        *declared,
        "sigma is a public number, not computed from the records",
        "the noise is exactly Gaussian, of scale sigma",
    )
