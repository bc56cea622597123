"""Composition: what several releases say together, in the currency that says it best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from certify.bounds.bound import Bound
from certify.bounds.evidence import Combined, Derived, Enclosed
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import to_decimal

from . import merging, orders
from .kinds import ApproximatePrivacy, ConcentratedPrivacy, CurvePrivacy, GaussianPrivacy, RenyiPrivacy
from .privacy import Privacy, Value, as_used, asked_delta, failing, joint_direction, shortened, total_of
from .reading import Priced, privacy_of, same_promise
from .sampled import SampledGaussianPrivacy

Kind = TypeVar("Kind", bound=Privacy)
_SPLIT_STEPS = 40
_REACH = 18


PREMISE = (
    "each guarantee holds whatever the earlier releases returned; it, and how many there are, was fixed without a look at that; "
    "all speak of the same unit and of the same neighbours"
)


@dataclass(frozen=True)
class Step:
    """One step of a composition: the theorem, and what it did."""

    theorem: str
    words: str


@dataclass(frozen=True)
class Composition:
    """What the releases say together, also when each depends on what the earlier ones returned; its noise was fixed beforehand.

    ``epsilon`` is at or above the least one at ``delta``; ``mu`` bounds the Gaussian parameter where all releases are
    Gaussian; ``privacy`` is the whole profile where one currency holds all of it, else the pair (epsilon, delta).
    """

    epsilon: Bound
    delta: Bound
    mu: Bound | None
    privacy: Privacy
    currency: str
    steps: tuple[Step, ...]
    parts: tuple[Privacy, ...]

    @property
    def direction(self) -> Direction:
        """Both ways, or one way only if some release is bounded one way only."""
        return self.privacy.direction

    @property
    def premise(self) -> str:
        """What is presumed of the releases, and cannot be seen from them: a later one may depend on earlier outcomes, its noise may not."""
        return PREMISE

    def __str__(self) -> str:
        parameter = "" if self.mu is None else f", mu <= {self.mu.value:.6g}"
        lines = [
            f"epsilon = {to_decimal(self.epsilon.rational)} at delta = {to_decimal(self.delta.rational)}   (rounded up)",
            f"{len(self.parts)} part(s) together, in the currency {self.currency}{parameter}; {self.direction.value}",
            *(f"rests on  {step.theorem}  {step.words}" for step in self.steps),
            f"premises  ! {self.premise}",
        ]
        return "\n".join(lines)


def compose(releases: Iterable[Priced], *, delta: Value | None = None) -> Composition:
    """The composed guarantee of several releases at ``delta``, proved, on the safe side.

    A release is a :class:`~certify.GaussianNoise`, a :class:`~certify.Guarantee`, an earlier composition, a profile of
    :mod:`certify.accounting`, or a plain mapping that :func:`~certify.accounting.reading.privacy_of` reads. Gaussian
    parameters are summed as exact rationals, and one number is rounded at the end. Releases of several kinds are priced
    in every currency that holds them; the cheapest is taken and named. ``delta`` may be left out where every release
    states its own. Raises :class:`~certify.errors.InputError` where nothing finite is known at this delta.

    Theorem: ``gaussian.composition-many`` (upper square).
    Theorem: ``zcdp.composition`` (upper first, second).
    Theorem: ``zcdp.pure`` (upper epsilon).
    Theorem: ``renyi.composition`` (upper first, second).
    Theorem: ``approximate.composition`` (upper first_delta, second_delta).

    >>> import certify
    >>> third = certify.noise(sigma=2, sensitivity=1, delta="1e-5")
    >>> compose([third] * 4, delta="1e-5").mu.value
    1.0
    """
    given = tuple(releases)
    parts = tuple(privacy_of(release) for release in given)
    if not parts:
        raise InputError("compose needs at least one release")
    same_promise(given)
    if delta is None:
        if not all(isinstance(part, ApproximatePrivacy) for part in parts):
            raise InputError("compose needs delta: only releases that all state (epsilon, delta) bring their own")
        return _declared([part for part in parts if isinstance(part, ApproximatePrivacy)])
    asked = asked_delta(delta)
    stated = [part for part in parts if isinstance(part, ApproximatePrivacy)]
    rest = -shortened(total_of([part.known_delta.rational for part in stated]) - asked)
    if rest < 0 or (rest == 0 and len(stated) < len(parts)):
        raise InputError(
            f"the deltas stated by the releases add up to {to_decimal(asked - rest)} already: ask for a delta above that"
        )
    ways = [way for way in _ways(parts, stated) if rest > 0 or not way.components]
    found = [_priced(way, list(way.stated), asked, rest, parts) for way in ways]
    best = min(found, key=lambda composition: composition.epsilon.value)
    if best.epsilon.value == math.inf:
        raise InputError(f"nothing finite is known at delta = {to_decimal(asked)}: ask for a larger delta, or name more orders")
    return best


@dataclass(frozen=True)
class _Currency:
    """One way to hold the releases that state no pair of their own: a few components, priced one by one."""

    name: str
    components: tuple[Privacy, ...]
    steps: tuple[Step, ...]
    stated: tuple[ApproximatePrivacy, ...] = ()


def _ways(parts: Sequence[Privacy], stated: Sequence[ApproximatePrivacy]) -> list[_Currency]:
    """Every currency, with the pairs as they are stated; and, where some are pure, with these as zCDP instead.

    Theorem: ``zcdp.pure`` (upper epsilon).
    """
    ways = [replace(way, stated=tuple(stated)) for way in _groups(parts)] or [_Currency("approximate", (), (), tuple(stated))]
    pure = [part for part in stated if merging.is_pure(part)]
    if pure:
        rest = tuple(part for part in stated if not merging.is_pure(part))
        others = [part for part in parts if not merging.is_pure(part)]
        step = Step("zcdp.pure", f"{len(pure)} part(s) with delta = 0: rho is epsilon²/2")
        together = _groups([*others, *map(merging.concentrated, pure)])
        ways += [replace(way, steps=(step, *way.steps), stated=rest) for way in together]
    return ways


def _of(kind: type[Kind], parts: Sequence[Privacy]) -> list[Kind]:
    return [part for part in parts if isinstance(part, kind)]


def _groups(parts: Sequence[Privacy]) -> list[_Currency]:
    """Every currency that holds the releases: apart by kind, with zCDP as the common one, with Rényi orders as the common one.

    Theorem: ``zcdp.composition`` (upper first, second).
    Theorem: ``renyi.composition`` (upper first, second).
    """
    exact, rho = _of(GaussianPrivacy, parts), _of(ConcentratedPrivacy, parts)
    ordered, curves = _of(RenyiPrivacy, parts), _of(CurvePrivacy, parts)
    sampled = merging.sampled_sum(_of(SampledGaussianPrivacy, parts))
    if not (exact or rho or ordered or curves or sampled):
        return []
    by_orders: list[Privacy] = [*ordered, *sampled]
    ways = [_apart(exact, rho, by_orders, curves)]
    if exact and rho:
        step = Step("zcdp.composition", f"{len(exact) + len(rho)} parts: rho adds, Gaussian ones at mu²/2")
        ways.append(
            _Currency("zcdp", (merging.concentrated_sum([*exact, *rho]), *by_orders, *curves), (step, *_sampled_steps(sampled)))
        )
    if by_orders and len(by_orders) + len(exact) + len(rho) > 1:
        together = merging.renyi_sum([*exact, *rho, *by_orders])
        if together is not None:
            step = Step("renyi.composition", f"divergences add, order by order, at {len(together.points)} orders")
            ways.append(_Currency("renyi", (together, *curves), (*_sampled_steps(sampled), step)))
    return ways


def _apart(
    exact: list[GaussianPrivacy], rho: list[ConcentratedPrivacy], by_orders: list[Privacy], curves: list[CurvePrivacy]
) -> _Currency:
    """Every kind in its own currency.

    Theorem: ``gaussian.composition-many`` (upper square).
    Theorem: ``zcdp.composition`` (upper first, second).
    """
    components: list[Privacy] = []
    steps: list[Step] = []
    if exact:
        components.append(merging.gaussian_sum(exact))
        steps.append(Step("gaussian.composition-many", f"{len(exact)} Gaussian part(s): mu² adds exactly"))
    if rho:
        components.append(merging.concentrated_sum(rho))
        steps.append(Step("zcdp.composition", f"{len(rho)} part(s): rho adds exactly"))
    steps += _sampled_steps(by_orders)
    components += [*by_orders, *curves]
    name = components[0].kind if len({component.kind for component in components}) == 1 else "approximate"
    return _Currency(name, tuple(components), tuple(steps))


def _sampled_steps(parts: Sequence[Privacy]) -> list[Step]:
    """What each kind of sampled release rests on.

    Theorem: ``renyi.sampled-gaussian`` (exact order; upper excess).
    """
    words = "step(s) at rate {}: a sum in balls bounds the divergence at each whole order"
    return [
        Step("renyi.sampled-gaussian", f"{part.steps} {words.format(to_decimal(part.rate))}")
        for part in _of(SampledGaussianPrivacy, parts)
    ]


def _priced(
    currency: _Currency, stated: list[ApproximatePrivacy], asked: Fraction, rest: Fraction, parts: tuple[Privacy, ...]
) -> Composition:
    """The composition at delta: one component as it is, several with a share of delta each.

    Theorem: ``approximate.composition`` (upper first_delta, second_delta).
    """
    delta = as_used(asked, "delta")
    components = currency.components
    if len(components) == 1 and not stated:
        whole = components[0]
        mu, epsilon = whole.mu if isinstance(whole, GaussianPrivacy) else None, whole.epsilon(asked)
        steps = (*currency.steps, *_read_at(epsilon, asked))
        return Composition(epsilon, failing(delta, epsilon), mu, whole, currency.name, steps, parts)
    shares = _shares(components, rest)
    epsilons = [component.epsilon(share) for component, share in zip(components, shares, strict=True)]
    deltas = [as_used(share, "a share of delta") for share in shares]
    epsilon, total = merging.approximate_sum(
        [*epsilons, *(part.known_epsilon for part in stated)], [*deltas, *(part.known_delta for part in stated)]
    )
    if epsilon.value == math.inf:
        return Composition(epsilon, delta, None, components[0], "approximate", currency.steps, parts)
    pair = ApproximatePrivacy(epsilon, total, joint_direction(parts))
    if rest > 0 and not components:
        epsilon = pair.epsilon(asked)
    words = "epsilons add, deltas add"
    if len(components) + len(stated) > 1 and components:
        words += "; delta is shared as " + ", ".join(f"{float(share):.3g}" for share in shares)
    read = [step for known, share in zip(epsilons, shares, strict=True) for step in _read_at(known, share)]
    steps = (*currency.steps, *read, Step("approximate.composition", words))
    return Composition(epsilon, failing(delta, epsilon), None, pair, "approximate", steps, parts)


def _read_at(epsilon: Bound, delta: Fraction) -> list[Step]:
    """The theorem by which a profile was read at ``delta``, as the evidence of what was read names it."""
    match epsilon.evidence:
        case Derived(theorem=theorem, inputs=inputs):
            named = dict(inputs)
            order = f", at the order {named['order'].value:.6g}" if "order" in named else ""
            return [Step(theorem, f"epsilon at delta = {float(delta):.3g}{order}")]
        case Enclosed(procedure=procedure):
            return [Step(procedure.partition(",")[0], f"epsilon at delta = {float(delta):.3g}, proved to the double")]
        case Combined(inputs=(only,)):
            return _read_at(only, delta)
    return []


def _declared(stated: list[ApproximatePrivacy]) -> Composition:
    """Pairs alone, at the delta that they bring.

    Theorem: ``approximate.composition`` (upper first_delta, second_delta).
    """
    epsilon, delta = merging.approximate_sum([part.known_epsilon for part in stated], [part.known_delta for part in stated])
    if delta.value >= 1:
        raise InputError(f"the deltas stated by the releases add up to {delta.value!r}, which promises nothing")
    pair = ApproximatePrivacy(epsilon, delta, joint_direction(stated))
    step = Step("approximate.composition", "epsilons add, deltas add")
    return Composition(epsilon, delta, None, pair, "approximate", (step,), tuple(stated))


def _shares(components: Sequence[Privacy], total: Fraction) -> list[Fraction]:
    """Positive shares that sum to ``total`` exactly and make the sum of the epsilons small; any such shares are valid."""
    if len(components) < 2:
        return [total] * len(components)
    tables = [_table(component, total) for component in components]
    weights = [0.0] * len(components)
    for place in [*range(len(components))] * (1 if len(components) == 2 else 2):

        def cost(position: float, place: int = place) -> float:
            trial = [*weights[:place], position, *weights[place + 1 :]]
            top = max(trial)
            whole = top + math.log(sum(math.exp(weight - top) for weight in trial))
            return sum(_between(table, weight - whole) for table, weight in zip(tables, trial, strict=True))

        weights[place] = orders.golden(cost, -_REACH, _REACH, _SPLIT_STEPS)
    sizes = [Fraction(math.exp(weight - max(weights))) for weight in weights]
    whole = sum(sizes, Fraction(0))
    return [total * size / whole for size in sizes]


def _table(component: Privacy, total: Fraction) -> list[float]:
    """About the epsilons at shares exp(-_REACH), ..., exp(-1), 1 of ``total``; only to choose shares by."""
    return [component.epsilon(total * Fraction(math.exp(-_REACH + place))).value for place in range(_REACH + 1)]


def _between(table: list[float], log_share: float) -> float:
    position = min(max(log_share + _REACH, 0.0), _REACH - 1e-9)
    place = int(position)
    if table[place] == math.inf:
        return math.inf
    return table[place] + (position - place) * (table[place + 1] - table[place])
