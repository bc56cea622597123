"""What is promised: which definition, how much of it, about whom, and what it does not say."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from certify.bounds.bound import Bound, as_bound
from certify.proofs.sides import Side

from .errors import InputError
from .numbers import exact

Member = TypeVar("Member", bound=enum.Enum)


class Notion(enum.Enum):
    """The definitions of "certified". They are not interchangeable: each compares other things.

    >>> Notion("SEKHARI").sees
    'one release'
    """

    GUO = "GUO"
    SEKHARI = "SEKHARI"
    PUBLISH = "PUBLISH"
    PERFECT = "PERFECT"
    RENYI = "RENYI"
    CERTIFIER = "CERTIFIER"
    GDP_TRANSCRIPT = "GDP-TRANSCRIPT"
    GPAR = "GPAR"
    VIEW = "VIEW"
    EXACT_TV = "EXACT-TV"
    DELETION = "DELETION"
    SYSTEM_AWARE = "SYSTEM-AWARE"

    @property
    def compares(self) -> str:
        """What is compared with what."""
        return _MEANINGS[self][0]

    @property
    def sees(self) -> str:
        """Who may see what."""
        return _MEANINGS[self][1]

    @property
    def source(self) -> str:
        """Where the definition comes from."""
        return _MEANINGS[self][2]


_MEANINGS = {
    Notion.GUO: ("the unlearned model against a retrained one", "one release, after the deletion only", "Guo et al. 2020"),
    Notion.SEKHARI: (
        "unlearning the request against unlearning an empty request from the model retrained without the records",
        "one release",
        "Sekhari et al. 2021",
    ),
    Notion.PUBLISH: (
        "what is published against publishing the retrained model, at every step",
        "published outputs; un-noised state stays secret",
        "Neel et al. 2021",
    ),
    Notion.PERFECT: ("as PUBLISH, with the unlearner starting from the published model", "the full state", "Neel et al. 2021"),
    Notion.RENYI: (
        "Rényi divergence of the unlearned from the retrained model",
        "the last iterate",
        "Chien et al. 2024; Allouah et al. 2024",
    ),
    Notion.CERTIFIER: (
        "the unlearned model against some function of the retained records alone",
        "one release",
        "Koloskova et al. 2025",
    ),
    Notion.GDP_TRANSCRIPT: ("the whole sequence of releases against the matched sequence", "all releases", "Kuang and Xia 2026"),
    Notion.GPAR: (
        "a Gaussian trade-off curve that holds with high probability over the data",
        "one release",
        "Pandey et al. 2025",
    ),
    Notion.VIEW: (
        "what each participant of a network sees against a retrained run",
        "one participant of a network",
        "Lamri and Maniatakos 2025",
    ),
    Notion.EXACT_TV: ("equality in distribution, metadata included", "everything", "Ullah et al. 2021; Ginart et al. 2019"),
    Notion.DELETION: (
        "the output against a law that is independent of the deleted record",
        "an adaptive requester",
        "Chourasia and Shah 2023",
    ),
    Notion.SYSTEM_AWARE: (
        "the state against training on some subset of what the system stores",
        "the state after unlearning",
        "System-aware unlearning 2025",
    ),
}
"""What is compared, who sees what, where it was defined."""


class Comparator(enum.Enum):
    """Whose noise the unlearned model is compared with."""

    FIXED = "fixed"  # the noise scale is a constant, or a function of public values and of the retained count
    RETAIN_SENSITIVITY = "retain-sensitivity"  # the noise scale is a function of the retained records alone
    MATCHED = "matched"  # the comparator uses the same set-dependent scale: a weaker adversary, who knows it


class Adjacency(enum.Enum):
    """How the two compared data sets differ."""

    REMOVE = "remove"
    REPLACE = "replace"


class Direction(enum.Enum):
    """Whether the inequality holds one way or both ways."""

    TWO_WAY = "two-way"
    ONE_WAY = "one-way"


@dataclass(frozen=True)
class Guarantee:
    """A claim: under ``notion``, no event is more than exp(epsilon) times likelier, plus ``delta``.

    ``epsilon`` and ``delta`` are upper (or exact) bounds; ``mu`` is the Gaussian privacy parameter
    where the law is Gaussian. ``exclusions`` lists what the claim does not say.

    >>> Guarantee.of({"notion": "SEKHARI", "epsilon": 1, "delta": "1e-5"}).delta.exact
    Fraction(1, 100000)
    """

    notion: Notion
    epsilon: Bound
    delta: Bound
    mu: Bound | None = None
    direction: Direction = Direction.TWO_WAY
    adjacency: Adjacency = Adjacency.REMOVE
    unit: str = "record"
    released: str = "the noised parameters"
    comparator: Comparator = Comparator.FIXED
    exclusions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, bound in (("epsilon", self.epsilon), ("delta", self.delta)):
            if not bound.side.fits(Side.UPPER):
                raise InputError(f"the {name} of a guarantee is an upper or exact bound, not a {bound.side.value} one")
            if bound.value < 0:
                raise InputError(f"the {name} of a guarantee is nonnegative, not {bound.value!r}")
        if self.delta.value >= 1:
            raise InputError(f"the delta of a guarantee is below 1, not {self.delta.value!r}: nothing would be promised")

    @classmethod
    def of(cls, claim: Guarantee | Mapping[str, Any]) -> Guarantee:
        """The guarantee itself, or the one that a plain mapping with ``notion``, ``epsilon``, ``delta`` spells.

        Decimal strings are exact. Raises :class:`InputError` for a missing, surplus or unknown entry.
        """
        if isinstance(claim, Guarantee):
            return claim
        if not isinstance(claim, Mapping):
            raise InputError(f"a guarantee is a Guarantee or a mapping with notion, epsilon, delta; not {type(claim).__name__}")
        readers: dict[str, Callable[[Any], Any]] = {
            "notion": lambda value: _member(Notion, value, "notion"),
            "epsilon": lambda value: _number(value, "epsilon"),
            "delta": lambda value: _number(value, "delta"),
            "mu": lambda value: None if value is None else _number(value, "mu"),
            "direction": lambda value: _member(Direction, value, "direction"),
            "adjacency": lambda value: _member(Adjacency, value, "adjacency"),
            "comparator": lambda value: _member(Comparator, value, "comparator"),
            "unit": str,
            "released": str,
            "exclusions": tuple,
        }
        if missing := [name for name in ("notion", "epsilon", "delta") if name not in claim]:
            raise InputError(f"the guarantee lacks {', '.join(missing)}")
        if surplus := [name for name in claim if name not in readers]:
            raise InputError(f"the guarantee has an unknown entry {surplus[0]!r}: use {', '.join(readers)}")
        return cls(**{name: readers[name](value) for name, value in claim.items()})

    def to_mapping(self) -> dict[str, Any]:
        """A plain mapping that :meth:`of` reads back; numbers as exact strings."""
        return {
            "notion": self.notion.value,
            "epsilon": str(self.epsilon.rational),
            "delta": str(self.delta.rational),
            "mu": None if self.mu is None else str(self.mu.rational),
            "direction": self.direction.value,
            "adjacency": self.adjacency.value,
            "unit": self.unit,
            "released": self.released,
            "comparator": self.comparator.value,
            "exclusions": list(self.exclusions),
        }

    def in_words(self) -> str:
        """One sentence for people."""
        return (
            f"{self.notion.value}: {self.notion.compares}; (epsilon, delta) = ({self.epsilon.value:g}, {self.delta.value:g}), "
            f"{self.direction.value}, {self.adjacency.value} one {self.unit}; released: {self.released}"
        )


def _number(value: Any, name: str) -> Bound:
    return value if isinstance(value, Bound) else as_bound(exact(value, f"{name} of a guarantee"))


def _member(family: type[Member], value: Any, name: str) -> Member:
    try:
        return family(value)
    except ValueError:
        offered = ", ".join(str(member.value) for member in family)
        raise InputError(f"unknown {name} {value!r}: use one of {offered}") from None
