"""From one kind of guarantee to another, by a theorem and on the safe side; what does not follow is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from certify.bounds.bound import Bound
from certify.errors import InputError
from certify.guarantee import Guarantee
from certify.numbers import Number, exact, to_decimal

from .kinds import ApproximatePrivacy, ConcentratedPrivacy, CurvePrivacy, GaussianPrivacy, RenyiPrivacy
from .merging import WHOLE_ORDERS, concentrated, divergence, is_pure
from .privacy import Privacy, Value, as_used, asked_delta, asked_epsilon, usable_order
from .reading import Priced, privacy_of
from .relations import total_variation

TARGETS = ("approximate", "gaussian", "zcdp", "renyi", "total-variation")

_REASONS = {
    ("approximate", "gaussian"): (
        "a pair (epsilon, delta) with delta > 0 also holds for a law that gives everything away with probability delta, "
        "and no Gaussian parameter allows that"
    ),
    ("approximate", "zcdp"): "with probability delta everything may be given away, and then every Rényi divergence is infinite",
    ("zcdp", "gaussian"): (
        "zCDP bounds moments of the likelihood ratio, not the whole trade-off curve: the discrete Gaussian is zCDP and not "
        "Gaussian with the parameter that its rho suggests"
    ),
    ("renyi", "gaussian"): "finitely many Rényi orders do not bound the trade-off curve near certainty by any Gaussian one",
    ("renyi", "zcdp"): "zCDP is a promise for every order above one, and a curve names finitely many",
}
_PURE = "no theorem of the book leads from a pure epsilon to a Gaussian parameter (it does lead to zcdp)"
_REASONS[("approximate", "renyi")] = _REASONS[("approximate", "zcdp")]
for _target in ("gaussian", "zcdp", "renyi"):
    _REASONS[("curve", _target)] = (
        "a curve of delta bounds no moments and no trade-off beyond itself that a theorem of the book names"
    )
for _target in ("gaussian", "zcdp"):
    _REASONS[("sampled-gaussian", _target)] = "what is proved of sampled releases is a bound at each whole Rényi order"


@dataclass(frozen=True)
class Conversion:
    """The converted guarantee: the profile, the numbers asked for, and the theorem behind them.

    ``privacy`` is ``None`` for a total variation, whose bound is ``advantage``: what the best attack on membership gains
    over guessing, true positive rate less false positive rate. ``guarantee`` is set where a guarantee was given and the
    answer is (epsilon, delta).
    """

    to: str
    theorem: str
    privacy: Privacy | None
    epsilon: Bound | None = None
    delta: Bound | None = None
    mu: Bound | None = None
    rho: Bound | None = None
    points: tuple[tuple[Fraction, Bound], ...] = ()
    advantage: Bound | None = None
    guarantee: Guarantee | None = None

    def __str__(self) -> str:
        named = {"epsilon": self.epsilon, "delta": self.delta, "mu": self.mu, "rho": self.rho, "advantage": self.advantage}
        numbers = [f"{name} = {to_decimal(bound.rational)}" for name, bound in named.items() if bound is not None]
        numbers += [f"divergence of order {to_decimal(order)} = {bound.value!r}" for order, bound in self.points]
        direction = "" if self.privacy is None else f", {self.privacy.direction.value}"
        return f"{self.to}: {', '.join(numbers)}{direction}; rounded up\nrests on  {self.theorem}"


def convert(
    guarantee: Priced,
    *,
    to: str,
    delta: Value | None = None,
    epsilon: Value | None = None,
    orders: Iterable[Number] | None = None,
) -> Conversion:
    """The same guarantee in another kind: ``approximate``, ``gaussian``, ``zcdp``, ``renyi`` or ``total-variation``.

    ``approximate`` needs ``delta`` or ``epsilon``; ``renyi`` takes ``orders`` (whole ones from 2 to 64 unless given). The
    answer is implied by what was given, never the other way round, and what does not follow is refused with the reason.

    Theorem: ``gaussian.composition-many`` (upper square).
    Theorem: ``zcdp.gaussian-parameter`` (upper mu).
    Theorem: ``zcdp.pure`` (upper epsilon).
    Theorem: ``zcdp.renyi`` (exact order; upper rho).
    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
    Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
    Theorem: ``renyi.approximate`` (exact order; upper divergence; lower delta).
    Theorem: ``approximate.profile`` (upper delta; exact epsilon, target).
    Theorem: ``renyi.sampled-gaussian`` (exact order; upper excess).

    >>> import certify
    >>> half = certify.noise(sigma=2, sensitivity=1, delta="1e-5")
    >>> convert(half, to="zcdp").rho.value, convert(half, to="approximate", delta="1e-6").epsilon.value
    (0.125, 2.2540846502197414)
    """
    if to not in TARGETS:
        raise InputError(f"unknown kind {to!r}: use one of {', '.join(TARGETS)}")
    privacy = privacy_of(guarantee)
    if to != "approximate" and (delta is not None or epsilon is not None):
        raise InputError(f"a conversion to {to} takes no epsilon and no delta: leave them out, or convert to approximate")
    if to != "renyi" and orders is not None:
        raise InputError(f"a conversion to {to} takes no orders: leave them out, or convert to renyi")
    match to:
        case "approximate":
            answer = _approximate(privacy, delta, epsilon)
            return replace(answer, guarantee=_restated(guarantee, answer)) if isinstance(guarantee, Guarantee) else answer
        case "gaussian":
            if not isinstance(privacy, GaussianPrivacy):
                _refuse(privacy, to)
            return Conversion(to, "gaussian.composition-many", privacy, mu=privacy.mu)
        case "zcdp":
            return _concentrated(privacy)
        case "renyi":
            return _renyi(privacy, orders)
    theorem, advantage = total_variation(privacy)
    return Conversion(to, theorem, None, advantage=advantage)


def _concentrated(privacy: Privacy) -> Conversion:
    """As zCDP, from what bounds the divergences of all orders.

    Theorem: ``zcdp.gaussian-parameter`` (upper mu).
    Theorem: ``zcdp.pure`` (upper epsilon).
    """
    match privacy:
        case GaussianPrivacy() | ConcentratedPrivacy():
            theorem, made = "zcdp.gaussian-parameter", concentrated(privacy)
        case ApproximatePrivacy() if is_pure(privacy):
            theorem, made = "zcdp.pure", concentrated(privacy)
        case _:
            _refuse(privacy, "zcdp")
    return Conversion("zcdp", theorem, made, rho=made.rho)


_PROFILE = {
    "gaussian": ("gaussian.profile", "gaussian.profile"),
    "zcdp": ("zcdp.approximate", "renyi.profile"),
    "renyi": ("renyi.approximate", "renyi.profile"),
    "sampled-gaussian": ("renyi.approximate", "renyi.profile"),
    "approximate": ("approximate.profile", "approximate.profile"),
}


def _approximate(privacy: Privacy, delta: Value | None, epsilon: Value | None) -> Conversion:
    """The pair at one delta or one epsilon.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
    Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
    Theorem: ``renyi.approximate`` (exact order; upper divergence; lower delta).
    Theorem: ``approximate.profile`` (upper delta; exact epsilon, target).
    """
    if (delta is None) == (epsilon is None):
        raise InputError("a conversion to approximate needs delta or epsilon, and not both")
    by_delta, by_epsilon = _PROFILE.get(privacy.kind, (getattr(privacy, "name", ""),) * 2)
    if delta is not None:
        asked = as_used(asked_delta(delta), "delta")
        found, theorem = privacy.epsilon(asked), by_delta
        if found.value == math.inf:
            raise InputError(f"nothing finite is known at delta = {to_decimal(asked.rational)}: ask for a larger delta")
        pair = ApproximatePrivacy(found, asked, privacy.direction)
    else:
        assert epsilon is not None
        asked = as_used(asked_epsilon(epsilon), "epsilon")
        slack, theorem = privacy.delta(asked), by_epsilon
        if slack.value >= 1:
            raise InputError(
                f"nothing is known at epsilon = {to_decimal(asked.rational)} (delta would be 1): ask for a larger epsilon"
            )
        pair = ApproximatePrivacy(asked, slack, privacy.direction)
    return Conversion("approximate", theorem, pair, epsilon=pair.known_epsilon, delta=pair.known_delta)


def _restated(guarantee: Guarantee, answer: Conversion) -> Guarantee:
    assert answer.epsilon is not None
    assert answer.delta is not None
    return replace(guarantee, epsilon=answer.epsilon, delta=answer.delta)


def _renyi(privacy: Privacy, orders: Iterable[Number] | None) -> Conversion:
    """The curve at the orders asked for, or at those known.

    Theorem: ``zcdp.renyi`` (exact order; upper rho).
    Theorem: ``renyi.composition`` (upper first, second).
    Theorem: ``renyi.sampled-gaussian`` (exact order; upper excess).
    Theorem: ``zcdp.pure`` (upper epsilon).
    """
    if isinstance(privacy, CurvePrivacy) or (isinstance(privacy, ApproximatePrivacy) and not is_pure(privacy)):
        _refuse(privacy, "renyi")
    known = privacy.orders if isinstance(privacy, RenyiPrivacy) else tuple(Fraction(order) for order in WHOLE_ORDERS)
    wanted = known if orders is None else tuple(usable_order(exact(order, "order")) for order in orders)
    points = [(order, divergence(privacy, order)) for order in wanted]
    if orders is None:
        points = [point for point in points if point[1].value < math.inf]
    if lacking := [to_decimal(order) for order, bound in points if bound.value == math.inf]:
        raise InputError(
            f"nothing is known of the Rényi divergence at order {lacking[0]}: ask only for orders that the guarantee names"
        )
    curve = RenyiPrivacy.of(points, privacy.direction)
    named = {"sampled-gaussian": "renyi.sampled-gaussian", "renyi": "renyi.composition", "approximate": "zcdp.pure"}
    theorem = named.get(privacy.kind, "zcdp.renyi")
    return Conversion("renyi", theorem, curve, points=curve.points)


def _refuse(privacy: Privacy, to: str) -> NoReturn:
    reason = _PURE if is_pure(privacy) else _REASONS[privacy.kind, to]
    raise InputError(f"{privacy.kind} does not imply {to}: {reason}")
