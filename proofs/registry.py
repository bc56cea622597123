"""Every theorem and foundation by id, and the graph of what rests on what."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from .theorem import Theorem

_FAMILIES = ("distance", "newton", "gaussian", "logistic", "softmax", "regression", "utility")


class UnknownTheorem(KeyError):
    """No theorem has this id; the message names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def theorems() -> Mapping[str, Theorem]:
    """All theorems by id, in the order of the book."""
    found: dict[str, Theorem] = {}
    for family in _FAMILIES:
        for statement in import_module(f".theorems.{family}", __package__).THEOREMS:
            if statement.id in found:
                raise ValueError(f"two theorems are called {statement.id}")
            found[statement.id] = statement
    return found


def theorem(identifier: str) -> Theorem:
    """The theorem with this id; raises :class:`UnknownTheorem` that suggests the nearest."""
    try:
        return theorems()[identifier]
    except KeyError:
        near = difflib.get_close_matches(identifier, theorems(), n=1, cutoff=0.0)
        raise UnknownTheorem(f"no theorem is called {identifier!r}; the nearest is {near[0]!r}") from None
