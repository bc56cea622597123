"""Run the checks of one entry, and remember the outcome for this process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

from . import book, checker, registry
from .status import Status


@dataclass(frozen=True)
class Proved:
    """The outcome for one entry by itself: its status, why it was refused (if it was), and the seconds it took."""

    id: str
    status: Status
    reason: str
    seconds: float
    foundation: bool = False


@cache
def prove(identifier: str) -> Proved:
    """Check one entry: exactly for a theorem, in ball arithmetic for an enclosure. What it rests on is checked apart.

    A foundation counts as ``proved`` here, because foundations do not lower a status.
    """
    start = time.perf_counter()
    entries = {name: book.entry(name) for name in registry.closure(identifier)}
    reason = ""
    try:
        verdict = checker.check_entry(identifier, entries[identifier], entries, book.pins())
        if verdict == "enclosed":
            from .enclosure import enclose

            enclose(registry.enclosures()[identifier])
        status = Status.ENCLOSED if verdict == "enclosed" else Status.PROVED
    except (checker.Refused, ArithmeticError) as refusal:
        verdict, reason, status = "failed", str(refusal), Status.ASSUMED
    return Proved(identifier, status, reason, time.perf_counter() - start, verdict == "foundation")
