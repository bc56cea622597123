"""The curves behind ``certify noise --curve``: delta against epsilon, and what a test that looks for the record can reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certify.errors import InputError
from certify.guarantee import Direction
from certify.plots import Axis, Figure, Line, Mark, Panel, Stroke

if TYPE_CHECKING:
    from certify.accounting.composition import Composition
    from certify.mechanisms import Mechanism

_POINTS = 160
_FEW = 32
_COMPOSED = 32
_LEAST_DELTA = 1e-320
_ROUNDING = 2e-15  # every operation below is on numbers of at most one


@dataclass(frozen=True)
class Curves:
    """Sampled curves of one profile, with the pair (epsilon, delta) that was asked for.

    ``delta`` holds proved upper bounds at the doubles ``epsilon``; ``type_two`` holds lower bounds of the type II error
    of every test at the type I errors ``type_one``, which follow from them. ``classical`` is the textbook formula at
    the same noise, where there is one: 1.25 exp(-(epsilon sigma/sensitivity)²/2), a guarantee for epsilon <= 1 only.
    """

    epsilon: Sequence[float]
    delta: Sequence[float]
    type_one: Sequence[float]
    type_two: Sequence[float]
    classical: Sequence[float] | None
    asked: tuple[float, float]

    def data(self) -> dict[str, Any]:
        """The arrays as plain JSON data."""
        classical = None
        if self.classical is not None:
            classical = {"delta": list(self.classical), "is_guarantee": [epsilon <= 1 for epsilon in self.epsilon]}
        return {
            "asked": {"epsilon": self.asked[0], "delta": self.asked[1]},
            "profile": {"epsilon": list(self.epsilon), "delta_upper": list(self.delta)},
            "classical": classical,
            "trade_off": {"type_one": list(self.type_one), "type_two_lower": list(self.type_two)},
            "advantage_upper": self.delta[0],
        }

    def figure(self, title: str) -> Figure:
        """Both panels: the profile beside the classical formula, and the trade-off curve above what the asked pair says."""
        most = Context(prec=4, rounding=ROUND_CEILING).create_decimal_from_float(self.delta[0])
        note = f"Every point is proved. No test for the record has a hit rate more than {most:g} above its false alarm rate."
        return Figure(title, note, (self._profile(), self._trade_off()))

    def _profile(self) -> Panel:
        lines = [Line("proved", self.epsilon, self.delta)]
        if self.classical is not None:
            split = sum(epsilon <= 1 for epsilon in self.epsilon)
            if split:
                lines.append(Line("classical formula", self.epsilon[:split], self.classical[:split], Stroke.COMPARED))
            if split < len(self.epsilon):
                start = max(0, split - 1)
                label = "classical, not a guarantee (ε > 1)"
                lines.append(Line(label, self.epsilon[start:], self.classical[start:], Stroke.DOUBTFUL))
        asked = Mark(f"ε = {self.asked[0]:.4g}, δ = {self.asked[1]:.4g}", *self.asked)
        across, up = Axis("ε", 0.0, self.epsilon[-1]), Axis("δ(ε)", _lowest(self.asked[1]), 1.0, logarithmic=True)
        return Panel("Privacy profile", across, up, lines, (asked,))

    def _trade_off(self) -> Panel:
        epsilon, delta = self.asked
        promised = [_promised(alpha, epsilon, delta) for alpha in self.type_one]
        touch = min(zip(self.type_one, self.type_two, strict=True), key=lambda at: at[1] + at[0] * _exp(epsilon))
        lines = (
            Line("proved", self.type_one, self.type_two),
            Line("what (ε, δ) alone says", self.type_one, promised, Stroke.COMPARED),
            Line("no information", (0.0, 1.0), (1.0, 0.0), Stroke.AID),
        )
        axes = Axis("type I error", 0.0, 1.0), Axis("type II error, at least", 0.0, 1.0)
        return Panel("Any test for the record", *axes, lines, (Mark("where (ε, δ) touches", *touch),))


def of_mechanism(mechanism: Mechanism, asked: tuple[float, float], *, classical: bool) -> Curves:
    """The curves of one mechanism at its scale and sensitivity, with the classical formula where it is meant to speak."""
    if mechanism.kind == "laplace" and getattr(mechanism, "dimension", None) not in (None, 1):
        return _curves(_pairs(mechanism.delta_upper, mechanism.least_epsilon, asked, _FEW), asked)  # every point is two integrals
    pairs = _pairs(mechanism.delta_upper, mechanism.least_epsilon, asked)
    twos = mechanism.trade_off(_type_ones()).type_two
    return _curves(pairs, asked, twos, float(mechanism.spread / mechanism.reach) if classical else None)


def of_composition(composition: Composition, asked: tuple[float, float]) -> Curves:
    """The curves of several releases together; where no one profile holds them all, composed anew at many a delta."""
    from certify.accounting.composition import compose
    from certify.accounting.kinds import ApproximatePrivacy

    from .composing import merged

    whole = composition.privacy
    if composition.direction is not Direction.TWO_WAY:
        raise InputError("the curves need a guarantee in both directions, and this one is one-way: leave out --curve")
    if not isinstance(whole, ApproximatePrivacy) or all(isinstance(part, ApproximatePrivacy) for part in composition.parts):
        return _curves(_pairs(lambda epsilon: whole.delta(epsilon).value, lambda delta: whole.epsilon(delta).value, asked), asked)
    found, parts = [whole], merged(composition.parts)
    for index in range(_COMPOSED):
        try:
            at = compose(parts, delta=0.9 * (_lowest(asked[1]) / 0.9) ** (index / (_COMPOSED - 1))).privacy
        except InputError:  # nothing is known at so small a delta
            break
        found += [at] if isinstance(at, ApproximatePrivacy) else []
    pairs = {pair.known_epsilon.value: pair.known_delta.value for pair in found}
    pairs[0.0] = min(pair.delta(0).value for pair in found)
    return _curves(sorted(pairs.items()), asked)


def _pairs(
    delta_upper: Callable[[Fraction], float],
    least_epsilon: Callable[[Fraction], float],
    asked: tuple[float, float],
    points: int = _POINTS,
) -> list[tuple[float, float]]:
    """Proved pairs (epsilon, delta) on an even grid from 0 to some way beyond the epsilon asked for."""
    reach = least_epsilon(Fraction(_lowest(asked[1])))
    reach = max(reach if math.isfinite(reach) else 0.0, 1.25 * asked[0]) or 1.0
    epsilons = [reach * index / (points - 1) for index in range(points)]
    return [(epsilon, delta_upper(Fraction(epsilon))) for epsilon in epsilons]


def _type_ones() -> list[float]:
    """Type I errors from 0 to 1, close to each other at both ends."""
    halves = [0.5 * (index / _POINTS) ** 2 for index in range(_POINTS)]
    return [*halves, 0.5, *(1 - half for half in reversed(halves))]


def _curves(
    pairs: Sequence[tuple[float, float]],
    asked: tuple[float, float],
    type_two: Sequence[float] | None = None,
    ratio: float | None = None,
) -> Curves:
    """The curves that proved pairs make; ``ratio`` is sigma/sensitivity where the classical formula speaks.

    A trade-off curve that is not known is what the pairs prove in both directions: at every type I error a the type II
    error is at least max(0, 1 - delta - e^epsilon a, e^-epsilon (1 - delta - a)) (Dong, Roth and Su 2022).
    """
    ones = _type_ones()
    if type_two is None:
        type_two = [max(_promised(alpha, *pair) for pair in pairs) for alpha in ones]
    epsilons, deltas = [epsilon for epsilon, _ in pairs], [delta for _, delta in pairs]
    classical = None if ratio is None else [1.25 * math.exp(-(e * ratio) * (e * ratio) / 2) for e in epsilons]
    return Curves(epsilons, deltas, ones, type_two, classical, asked)


def _promised(alpha: float, epsilon: float, delta: float) -> float:
    """The least type II error that (epsilon, delta) alone allows, less more than all the rounding here can amount to."""
    return max(0.0, 1 - delta - _exp(epsilon) * alpha - _ROUNDING, (1 - delta - alpha) / _exp(epsilon) - _ROUNDING)


def _exp(epsilon: float) -> float:
    return math.exp(min(700.0, epsilon))  # beyond, both promises are below every double that matters here


def _lowest(delta: float) -> float:
    """Where the axis of delta ends: some decades below the one asked for, if that is not zero."""
    return 1e-12 if delta == 0 else max(_LEAST_DELTA, min(delta * 1e-3, delta**1.4 if delta > 1e-200 else 0.0))
