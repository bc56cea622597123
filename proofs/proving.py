"""Run the checks of one entry, and remember the outcome for this process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from . import book, checker, registry
from .status import Status


@dataclass(frozen=True)
class Proved:
    """The outcome for one entry by itself: its status, and why it was refused (if it was)."""

    status: Status
    reason: str = ""


@cache
def prove(identifier: str) -> Proved:
    """Check one entry: exactly for a theorem, in ball arithmetic for an enclosure. What it rests on is checked apart.

    A foundation counts as ``proved`` here, because foundations do not lower a status.
    """
    entries = {name: book.entry(name) for name in registry.closure(identifier)}
    try:
        verdict = checker.check_entry(identifier, entries[identifier], entries, book.pins())
        if verdict == "enclosed":
            from .enclosure import enclose

            enclose(registry.enclosures()[identifier])
            return Proved(Status.ENCLOSED)
        return Proved(Status.PROVED)
    except (checker.Refused, ArithmeticError) as refusal:
        return Proved(Status.ASSUMED, str(refusal))
