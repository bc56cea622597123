"""A line on the terminal for loops that take more than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

PATIENCE = 2.0
"""Seconds before a loop says how far it is."""
_BETWEEN = 0.2
_WIDTH = 24
_running: list[str] = []


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """The items themselves; on a terminal a bar on stderr once two seconds have passed. Of nested loops the outermost shows.

    >>> list(progress(range(3), "counting", 3))
    [0, 1, 2]
    """
    start, last, shown = time.monotonic(), 0.0, False
    _running.append(what)
    outermost = len(_running) == 1
    try:
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if outermost and now - start >= PATIENCE and now - last >= _BETWEEN and sys.stderr.isatty():
                sys.stderr.write("\r\033[2K" + line(what, done, total, now - start))
                sys.stderr.flush()
                last, shown = now, True
    finally:
        _running.remove(what)
        if shown:
            sys.stderr.write("\r\033[2K")
            sys.stderr.flush()


def line(what: str, done: int, total: int | None, seconds: float) -> str:
    """What the bar says.

    >>> line("solve", 5, 10, 3.0)
    'solve ━━━━━━━━━━━━──────────── 5/10, 3 s, about 3 s to go'
    """
    if not total:
        return f"{what}: {done}, {seconds:.0f} s"
    full = round(_WIDTH * min(done / total, 1.0))
    left = seconds * (total - done) / done
    return f"{what} {'━' * full}{'─' * (_WIDTH - full)} {done}/{total}, {seconds:.0f} s, about {left:.0f} s to go"
