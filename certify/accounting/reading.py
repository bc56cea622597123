"""What can be composed and converted: from the objects of this library, and from plain data in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeAlias, runtime_checkable

from certify.bounds.bound import Bound
from certify.calibration import GaussianNoise
from certify.errors import InputError
from certify.guarantee import Adjacency, Direction, Guarantee
from certify.numbers import exact, positive
from certify.printing import printable
from certify.storage import read_file

from .kinds import ApproximatePrivacy, ConcentratedPrivacy, GaussianPrivacy, RenyiPrivacy
from .merging import repeated
from .privacy import Privacy, held
from .sampled import SampledGaussianPrivacy

SIZE_LIMIT = 16 << 20
_MOST_RELEASES = 10**9
_MOST_DIGITS = 2500
_GUARANTEE_NUMBERS = ("epsilon", "delta", "mu")


@runtime_checkable
class HoldsPrivacy(Protocol):
    """Anything with a profile of its own: a composition, a conversion, a mechanism."""

    @property
    def privacy(self) -> Privacy:
        """The profile."""


Priced: TypeAlias = Privacy | HoldsPrivacy | GaussianNoise | Guarantee | Mapping[str, Any]
"""What :func:`privacy_of` understands."""


def privacy_of(release: Priced) -> Privacy:
    """The privacy profile of one release, or of several like it.

    A guarantee with a Gaussian parameter is Gaussian, any other the pair (epsilon, delta) that it states. A mapping names
    a ``mechanism`` with its numbers, or a ``kind`` of profile, and perhaps a ``count``; a ``notion`` makes it a guarantee.

    >>> privacy_of({"mechanism": "gaussian", "sigma": "2", "sensitivity": "1", "count": 4}).mu.value
    1.0
    """
    match release:
        case Privacy():
            return release
        case GaussianNoise():
            return _of_mechanism(release.mechanism, release.sensitivity.rational, release.scale.rational)
        case Guarantee():
            return _of_guarantee(release)
        case Mapping():
            return _read(release)
    if isinstance(release, HoldsPrivacy) and isinstance(release.privacy, Privacy):
        return release.privacy
    from certify.mechanisms.protocol import Mechanism  # which takes its searches from here

    if isinstance(release, Mechanism):
        return _of_mechanism(release.kind, release.reach, release.spread)
    raise InputError(f"a release is a noise, a guarantee, a privacy profile or a mapping, not {type(release).__name__}")


def read_composition(path: str | Path) -> list[Privacy]:
    """The releases listed in a JSON file, a list of mappings as :func:`privacy_of` reads them.

    Decimals in the file are exact, quoted or not. :class:`~certify.errors.InputError` names the entry that is wrong.
    """
    listed = read_json(path, "list of releases")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{path} holds no list of releases: write [{{...}}, ...] with one entry a release")
    found = []
    for place, entry in enumerate(listed, 1):
        if not isinstance(entry, dict):
            raise InputError(f"{path}, entry {place}: a release is a mapping such as {_EXAMPLE}")
        try:
            found.append(privacy_of(entry))
        except InputError as problem:
            raise InputError(f"{path}, entry {place}: {problem}") from None
    try:
        same_promise(listed)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None
    return found


def read_json(path: str | Path, what: str) -> Any:
    """The JSON in a file, with every number that has a point or an exponent kept as the text that spells it."""
    content = read_file(path, limit=SIZE_LIMIT, what=what)
    try:
        return json.loads(content.decode("utf-8"), parse_float=str, parse_constant=_refuse, object_pairs_hook=_unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        words = problem.msg if isinstance(problem, json.JSONDecodeError) else "no UTF-8 text, or nested too deeply"
        raise InputError(f"{path} is no JSON: {words}; write a {what}") from None
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None
    except ValueError:  # an integer of thousands of digits
        raise InputError(f"{path} holds a number with too many digits") from None


def to_data(privacy: Privacy) -> dict[str, Any]:
    """Plain data, numbers as exact text, that :func:`privacy_of` reads back to an equal profile."""
    one_way = {"direction": privacy.direction.value} if privacy.direction is Direction.ONE_WAY else {}
    match privacy:
        case GaussianPrivacy(square=square):
            return {"kind": "gaussian", "square": _text(square), **one_way}
        case ConcentratedPrivacy(rho=rho):
            return {"kind": "zcdp", "rho": _text(rho), **one_way}
        case RenyiPrivacy(points=points):
            return {"kind": "renyi", "points": [[str(order), _text(bound)] for order, bound in points], **one_way}
        case ApproximatePrivacy(known_epsilon=epsilon, known_delta=delta):
            return {"kind": "approximate", "epsilon": _text(epsilon), "delta": _text(delta), **one_way}
        case SampledGaussianPrivacy(rate=rate, noise_multiplier=noise, steps=steps):
            return {"mechanism": "sampled-gaussian", "rate": str(rate), "noise_multiplier": str(noise), "steps": steps}
    raise InputError(f"a profile of the kind {privacy.kind} is a function and cannot be written down: convert it first")


def _text(bound: Bound) -> str:
    if bound.failure_probability:
        raise InputError("a bound that may fail cannot be written down: fold its probability into delta first (with_failure)")
    return str(bound.rational)


def _of_guarantee(guarantee: Guarantee) -> Privacy:
    if guarantee.mu is not None:
        return GaussianPrivacy.of(guarantee.mu, guarantee.direction)
    return ApproximatePrivacy.of(guarantee.epsilon, guarantee.delta, guarantee.direction)


def _of_mechanism(name: str, sensitivity: Fraction, scale: Fraction) -> Privacy:
    """Noise by its name. What is not Gaussian is read in the currency that composes: rho, or a pure epsilon, in every dimension.

    Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
    Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
    Theorem: ``laplace.pure`` (upper sensitivity; lower scale).
    """
    match name:
        case "gaussian":
            return GaussianPrivacy.from_noise(sensitivity, scale)
        case "discrete-gaussian":
            from certify.mechanisms.discrete_gaussian import DiscreteGaussianMechanism

            return ConcentratedPrivacy(DiscreteGaussianMechanism.of(sensitivity=sensitivity, sigma=scale).rho())
        case "laplace":
            from certify.mechanisms.laplace import LaplaceMechanism

            return ApproximatePrivacy.of(LaplaceMechanism.of(sensitivity=sensitivity, scale=scale).pure_epsilon(), 0)
    raise InputError(f"no currency is known for the mechanism {name!r}: compose its profile, a kind of certify.accounting")


def _noise_mechanism(entry: Mapping[str, Any]) -> Privacy:
    scale = "scale" if "scale" in entry else "sigma"
    return _of_mechanism(entry["mechanism"], positive(entry["sensitivity"], "sensitivity"), positive(entry[scale], scale))


def _sampled_mechanism(entry: Mapping[str, Any]) -> Privacy:
    rate, noise = (long_number(entry[name], name) for name in ("rate", "noise_multiplier"))
    return SampledGaussianPrivacy.of(rate, noise, entry["steps"])


def _gaussian(entry: Mapping[str, Any]) -> Privacy:
    direction = _direction(entry)
    if "mu" in entry:
        return GaussianPrivacy.of(long_number(entry["mu"], "mu"), direction)
    return GaussianPrivacy.from_square(long_number(entry["square"], "square"), direction=direction)


def _renyi(entry: Mapping[str, Any]) -> Privacy:
    points = entry["points"]
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise InputError('the points of a Rényi curve are a list such as [["2", "0.5"], ["8", "2.1"]]')
    return RenyiPrivacy.of(
        [(long_number(order, "order"), long_number(bound, "divergence")) for order, bound in points], _direction(entry)
    )


_READERS: dict[tuple[str, str], tuple[tuple[frozenset[str], ...], Callable[[Mapping[str, Any]], Privacy]]] = {
    ("mechanism", "gaussian"): ((frozenset({"sigma", "sensitivity"}),), _noise_mechanism),
    ("mechanism", "discrete-gaussian"): ((frozenset({"sigma", "sensitivity"}),), _noise_mechanism),
    ("mechanism", "laplace"): ((frozenset({"scale", "sensitivity"}),), _noise_mechanism),
    ("mechanism", "sampled-gaussian"): ((frozenset({"rate", "noise_multiplier", "steps"}),), _sampled_mechanism),
    ("kind", "gaussian"): ((frozenset({"mu"}), frozenset({"square"})), _gaussian),
    ("kind", "zcdp"): (
        (frozenset({"rho"}),),
        lambda entry: ConcentratedPrivacy.of(long_number(entry["rho"], "rho"), _direction(entry)),
    ),
    ("kind", "renyi"): ((frozenset({"points"}),), _renyi),
    ("kind", "approximate"): (
        (frozenset({"epsilon", "delta"}),),
        lambda entry: ApproximatePrivacy.of(
            long_number(entry["epsilon"], "epsilon"), long_number(entry["delta"], "delta"), _direction(entry)
        ),
    ),
}
_EXAMPLE = (
    '{"mechanism": "gaussian", "sigma": "2", "sensitivity": "1"} or {"kind": "approximate", "epsilon": "1", "delta": "1e-6"}'
)


def _read(entry: Mapping[str, Any]) -> Privacy:
    count = _count(entry)
    content = {name: value for name, value in entry.items() if name not in ("count", "name")}
    if "notion" in content:
        return repeated(_of_guarantee(_stated(content)), count)
    heads = [(head, str(content[head])) for head in ("mechanism", "kind") if head in content]
    if len(heads) != 1 or heads[0] not in _READERS:
        offered = ", ".join(f"{head} {name}" for head, name in _READERS)
        stated = f"{heads[0][0]} {heads[0][1][:40]!r}" if len(heads) == 1 else "neither or both of mechanism and kind"
        raise InputError(f"a release names one of: {offered}; here {stated}")
    choices, reader = _READERS[heads[0]]
    names = frozenset(content) - {heads[0][0]} - ({"direction"} if heads[0][0] == "kind" else frozenset())
    if names not in choices:
        wanted = " or ".join(" and ".join(sorted(choice)) for choice in choices)
        given = ", ".join(sorted(map(str, names)))[:100] or "nothing"
        raise InputError(f"{heads[0][0]} {heads[0][1]} takes {wanted}; here {given}")
    return repeated(reader(content), count)


def _stated(content: Mapping[str, Any]) -> Guarantee:
    """The guarantee that a mapping spells, its numbers read as all numbers here are."""
    numbers = {name: held(long_number(content[name], name), name) for name in _GUARANTEE_NUMBERS if content.get(name) is not None}
    exclusions = content.get("exclusions", [])
    if not isinstance(exclusions, (list, tuple)) or not all(isinstance(words, str) for words in exclusions):
        raise InputError("the exclusions of a guarantee are a list of texts")
    return Guarantee.of({**content, **numbers})


def same_promise(releases: Sequence[Any]) -> None:
    """Refuse guarantees that do not compare the same things: only of one definition, one unit and one neighbour do epsilons add.

    What states no definition, a mechanism or a profile, is taken to speak of the same; the premise of the composition says so.
    """
    stated: dict[tuple[str, ...], int] = {}
    replaced = sampled = 0
    for place, release in enumerate(releases, 1):
        if isinstance(release, Mapping) and "notion" in release:
            release = _stated({name: value for name, value in release.items() if name not in ("count", "name")})
        if isinstance(release, Guarantee):
            promise = (release.notion.value, release.adjacency.value, release.unit, release.comparator.value)
            stated.setdefault(promise, place)
            replaced = replaced or (place if release.adjacency is Adjacency.REPLACE else 0)
        elif isinstance(release, SampledGaussianPrivacy) or (
            isinstance(release, Mapping) and release.get("mechanism") == "sampled-gaussian"
        ):
            sampled = place
    if len(stated) > 1:
        (one, first), (other, second) = list(stated.items())[:2]
        differing = next(f"{mine} and {theirs}" for mine, theirs in zip(one, other, strict=True) if mine != theirs)
        raise InputError(
            f"guarantees {first} and {second} do not promise the same ({printable(differing)[:100]}): what they say does not add up"
        )
    if replaced and sampled:
        raise InputError(
            f"release {sampled} is sampled, which says nothing of the replaced record of guarantee {replaced}: they do not add up"
        )


def _count(entry: Mapping[str, Any]) -> int:
    count = exact(entry.get("count", 1), "count")
    if count.denominator != 1 or not 1 <= count <= _MOST_RELEASES:
        raise InputError(f"count is a whole number from 1 to {_MOST_RELEASES:,}, not {entry['count']!r}")
    return int(count)


def _direction(entry: Mapping[str, Any]) -> Direction:
    try:
        return Direction(entry.get("direction", Direction.TWO_WAY.value))
    except ValueError:
        raise InputError(f"direction is two-way or one-way, not {entry['direction']!r}") from None


def long_number(value: Any, name: str) -> Fraction:
    """A number as in :func:`certify.numbers.exact`, and the ratios of many digits that :func:`to_data` writes."""
    if isinstance(value, str) and len(value) > 400:
        top, _, bottom = value.partition("/")
        bottom = bottom or "1"
        short = max(len(top), len(bottom)) <= _MOST_DIGITS
        if short and value.isascii() and top.isdecimal() and bottom.isdecimal() and int(bottom):
            return Fraction(int(top), int(bottom))
    return exact(value, name)


def _refuse(text: str) -> NoReturn:
    raise InputError(f"{text} is no number that can be used: write finite numbers")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"the key {key[:40]!r} occurs twice")
        found[key] = value
    return found
