"""How much noise: any three of epsilon, delta, sigma and sensitivity give the fourth, proved, on the safe side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, overload

from certify.bounds.bound import Bound, Estimate, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.proofs.sides import Side

from . import gaussian
from .errors import InputError
from .numbers import Number, nonnegative, positive, probability, to_decimal

if TYPE_CHECKING:
    from .mechanisms.noise import MechanismNoise

MECHANISMS = ("gaussian", "discrete-gaussian", "laplace")

QUESTION = {
    "epsilon": "the least epsilon, rounded up",
    "delta": "delta, rounded up",
    "sigma": "the least double that is enough",
    "sensitivity": "the greatest double that is covered",
}


@dataclass(frozen=True)
class GaussianNoise:
    """Gaussian noise of a known scale and what it is proved to give.

    Adding N(0, sigma² I) to parameters that move by at most ``sensitivity`` in Euclidean norm makes the two
    laws (epsilon, delta)-indistinguishable in both directions. The three numbers that were given are held
    exactly; the one in ``solved_for`` lies on the safe side: sigma, epsilon and delta at or above the true
    threshold, the sensitivity at or below it. ``delta_upper`` is a proved upper bound of delta at these numbers;
    ``mu`` bounds sensitivity/sigma from above. ``classical_sigma`` is the textbook formula's answer, for comparison.
    """

    epsilon: Bound
    delta: Bound
    sigma: Bound
    sensitivity: Bound
    solved_for: str
    mechanism: str
    delta_upper: float
    mu: Bound
    classical_sigma: Estimate | None

    @property
    def scale(self) -> Bound:
        """The standard deviation to add, as the exact number that ``sigma`` holds."""
        return _as_used(self.sigma)

    def __str__(self) -> str:
        answer = {name: to_decimal(getattr(self, name).rational) for name in QUESTION}
        given = ", ".join(f"{name} = {text}" for name, text in answer.items() if name != self.solved_for)
        proved = "" if self.solved_for == "delta" else f"; proved: delta <= {self.delta_upper!r} here"
        lines = [
            f"{self.solved_for} = {answer[self.solved_for]}   ({QUESTION[self.solved_for]}{proved})",
            f"for {given}; mechanism {self.mechanism}, mu <= {self.mu.value:.6g}",
            "rests on  gaussian.profile  ▣ its value here, in balls",
            "premises  ! the sensitivity is at most that  ! the noise is exactly Gaussian",
        ]
        return "\n".join([*lines, self._classical_line()])

    def _classical_line(self) -> str:
        if self.classical_sigma is None:
            return "the classical formula sqrt(2 ln(1.25/delta)) sensitivity/epsilon gives no number here"
        ratio = self.classical_sigma.value / self.sigma.value if self.sigma.value else math.inf
        line = f"the classical formula would use sigma = {self.classical_sigma.value:.6g} ({ratio:.4g}x)"
        if self.epsilon.rational_or_infinite() > 1:
            return line + "; its proof needs epsilon <= 1, so here it is not a guarantee"
        return line


@overload
def noise(
    *,
    epsilon: Number | Bound | None = None,
    delta: Number | Bound | None = None,
    sigma: Number | Bound | None = None,
    sensitivity: Number | Bound | None = None,
    mechanism: Literal["gaussian"] = "gaussian",
    dimension: None = None,
) -> GaussianNoise: ...


@overload
def noise(
    *,
    epsilon: Number | Bound | None = None,
    delta: Number | Bound | None = None,
    sigma: Number | Bound | None = None,
    sensitivity: Number | Bound | None = None,
    mechanism: str = "gaussian",
    dimension: int | None = None,
) -> GaussianNoise | MechanismNoise: ...


def noise(
    *,
    epsilon: Number | Bound | None = None,
    delta: Number | Bound | None = None,
    sigma: Number | Bound | None = None,
    sensitivity: Number | Bound | None = None,
    mechanism: str = "gaussian",
    dimension: int | None = None,
) -> GaussianNoise | MechanismNoise:
    """Solve a mechanism for the one of ``epsilon``, ``delta``, ``sigma``, ``sensitivity`` that is left out.

    Assumes that the released vector moves by at most ``sensitivity`` in Euclidean norm and that the noise is
    exactly N(0, sigma² I); or, for ``mechanism="discrete-gaussian"``, that the vector is of integers and the noise the
    discrete Gaussian, and for ``"laplace"`` that its density is proportional to exp(-|b|/sigma). Of these two the answer
    holds in every dimension, and a ``dimension`` makes it sharp.
    Strings are exact decimals, numbers the exact values that they store; a
    :class:`~certify.bounds.Bound` is accepted on the side that keeps the promise (upper for the sensitivity,
    lower for sigma). Sigma and sensitivity share the unit of the parameters. The result is on the safe side and
    within a few ulp of the truth. Raises :class:`~certify.errors.InputError` unless exactly three are given, for
    numbers out of range, and for a sensitivity of zero. Source: Balle and Wang 2018, with outward rounding.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).

    >>> noise(epsilon=1, delta="1e-5", sensitivity="0.02").sigma.value
    0.07461263269631885
    >>> noise(sigma="0.1", delta="1e-5", sensitivity="0.02").epsilon.value
    0.7255217508577959
    """
    if mechanism not in MECHANISMS:
        raise InputError(f"unknown mechanism {mechanism!r}: use {' or '.join(MECHANISMS)}")
    given = {"epsilon": epsilon, "delta": delta, "sigma": sigma, "sensitivity": sensitivity}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) != 1:
        stated = ", ".join(name for name in given if name not in missing) or "none"
        raise InputError(
            f"noise needs exactly three of epsilon, delta, sigma, sensitivity and solves the fourth; given: {stated}"
        )
    if mechanism != "gaussian":
        from .mechanisms.noise import solve

        return solve(mechanism, given, dimension)
    if dimension is not None:
        raise InputError("Gaussian noise gives the same in every dimension: leave the dimension out")
    held = {name: hold(name, value) for name, value in given.items() if value is not None}
    solved = missing[0]
    held[solved] = _solve(solved, {name: bound.rational for name, bound in held.items()})
    e, d, s, width = (held[name] for name in ("epsilon", "delta", "sigma", "sensitivity"))
    reached = gaussian.delta_upper(e.rational, width.rational, s.rational) if solved != "delta" else d.value
    return GaussianNoise(
        e, d, s, width, solved, mechanism, reached, _mu(width, s), _classical(e.rational, d.rational, width.rational)
    )


def hold(name: str, value: Number | Bound) -> Bound:
    """The number that was given, as a bound on the side on which the promise needs it."""
    if isinstance(value, Bound):
        needed = {"sensitivity": Side.UPPER, "sigma": Side.LOWER}.get(name, Side.EXACT)
        if not value.side.fits(needed):
            raise InputError(
                f"{name} must be {needed.value} (or exact), and was given as the {value.side.value} bound {value.value!r}"
            )
        if math.isinf(value.value):
            raise InputError(f"{name} must be finite, and the bound given is {value.value!r}")
        _parse(name, value.rational)
        return value
    return exact_bound(_parse(name, value), name, "given")


def _parse(name: str, value: Number) -> Fraction:
    if name == "sensitivity" and nonnegative(value, name) == 0:
        raise InputError(
            "a sensitivity of 0 needs no noise: use the true bound on how far the parameters move, or release them as they are"
        )
    return {"epsilon": nonnegative, "delta": probability, "sigma": positive, "sensitivity": positive}[name](value, name)


def exact_bound(number: Fraction, name: str, reason: str) -> Bound:
    """A declared exact number called ``name``; one that is no double keeps its rational and shows the nearest double."""
    try:
        held = exactly(number, Declared(reason))
    except OverflowError:
        held = None
    if held is None or (held.value == 0 and number != 0):
        raise InputError(f"{name} = {to_decimal(number)} is beyond the doubles: use a magnitude between 5e-324 and 1.7e308")
    return held


def _solve(name: str, given: dict[str, Fraction]) -> Bound:
    match name:
        case "sigma":
            value, side = gaussian.least_sigma(given["epsilon"], given["delta"], given["sensitivity"]), Side.UPPER
        case "epsilon":
            value, side = gaussian.least_epsilon(given["delta"], given["sensitivity"], given["sigma"]), Side.UPPER
        case "delta":
            value, side = gaussian.delta_upper(given["epsilon"], given["sensitivity"], given["sigma"]), Side.UPPER
        case _:
            value, side = gaussian.greatest_sensitivity(given["epsilon"], given["delta"], given["sigma"]), Side.LOWER
    return Bound(value, side, Enclosed(f"gaussian.profile, solved for {name} by bracketing on doubles"))


def _mu(sensitivity: Bound, sigma: Bound) -> Bound:
    """sensitivity / sigma at the numbers that are used: a solved one stands as the exact double that it is.

    Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
    """
    width = sensitivity if sensitivity.side.fits(Side.UPPER) else _as_used(sensitivity)
    return derive("gaussian.mu", sensitivity=width, sigma=sigma if sigma.side.fits(Side.LOWER) else _as_used(sigma))


def _as_used(bound: Bound) -> Bound:
    return Bound(bound.value, Side.EXACT, Declared("the number that is used"), exact=bound.exact)


def _classical(epsilon: Fraction, delta: Fraction, sensitivity: Fraction) -> Estimate | None:
    """sqrt(2 ln(1.25/delta)) sensitivity/epsilon (Dwork and Roth 2014): proved for epsilon <= 1 only, and not rounded safely."""
    if epsilon == 0 or delta >= 1:
        return None
    logarithm = math.log(5 * delta.denominator) - math.log(4 * delta.numerator)
    try:
        value = math.sqrt(2 * logarithm) * float(sensitivity / epsilon)
    except OverflowError:
        return None
    valid = "its proof covers epsilon <= 1" if epsilon <= 1 else "not a guarantee: its proof needs epsilon <= 1"
    return Estimate(value, f"classical Gaussian formula; {valid}")
