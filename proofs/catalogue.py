"""The book by families, an entry of any kind by its id, and which entries use which."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from . import registry
from .identity import Identity
from .theorem import Enclosure, Foundation, Theorem

Entry: TypeAlias = Foundation | Enclosure | Identity | Theorem


@dataclass(frozen=True)
class Family:
    """What one module of theorems holds; ``title`` is what its first line says."""

    name: str
    title: str
    entries: tuple[Enclosure | Identity | Theorem, ...]


@cache
def families() -> tuple[Family, ...]:
    """The families in the order of the book; those that hold nothing are left out."""
    found = []
    for name, module in registry.families().items():
        parts = (getattr(module, kind, ()) for kind in ("ENCLOSURES", "IDENTITIES", "THEOREMS"))
        if entries := tuple(entry for part in parts for entry in part):
            title = (inspect.getdoc(module) or name).splitlines()[0].removesuffix(".")
            found.append(Family(name, title, entries))
    return tuple(found)


@cache
def entries() -> Mapping[str, Entry]:
    """Every entry by id: foundations first, then the families."""
    return {**registry.foundations(), **{entry.id: entry for family in families() for entry in family.entries}}


def entry(identifier: str) -> Entry:
    """The entry of any kind with this id; raises :class:`registry.UnknownTheorem` that suggests the nearest.

    >>> entry("linalg.triangle").source
    'Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 1.37'
    """
    found = entries().get(identifier)
    if found is None:
        (near,) = difflib.get_close_matches(identifier, entries(), n=1, cutoff=0.0)
        raise registry.UnknownTheorem(f"nothing in the book is called {identifier!r}; the nearest is {near!r}")
    return found


def family_of(identifier: str) -> str:
    """The name of the family that holds the entry, or ``foundations``."""
    holding = (family.name for family in families() if any(entry.id == identifier for entry in family.entries))
    return next(holding, "foundations")


def used_by(identifier: str) -> tuple[str, ...]:
    """The ids of the theorems that rest on the entry directly, in the order of the book."""
    return tuple(name for name, theorem in registry.theorems().items() if identifier in theorem.rests_on)


def above(identifier: str) -> tuple[str, ...]:
    """The ids of everything that rests on the entry, directly or not."""

    def climb(names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            yield name
            yield from climb(used_by(name))

    return tuple(dict.fromkeys(climb(used_by(identifier))))
