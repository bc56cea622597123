"""The running list of checks of one verification."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .verdict import Check, Outcome


class Refused(Exception):
    """A check failed; the message is its detail."""


class Missing(Exception):
    """A check could not be made; the message says what it needs."""


@dataclass
class Ledger:
    """Collects checks. A check is a ``with`` block: leaving it quietly is a pass."""

    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def check(self, identifier: str, passed: str) -> Iterator[None]:
        """Record ``passed`` if the block ends, a failure if it raises :class:`Refused` or any other error.

        Bad input must never become a traceback, so an unforeseen error counts as a failure and names itself.
        """
        try:
            yield
        except Refused as problem:
            self.add(identifier, Outcome.FAILED, str(problem))
        except Missing as problem:
            self.add(identifier, Outcome.NOT_CHECKABLE, str(problem))
        except Exception as problem:
            self.add(identifier, Outcome.FAILED, f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}")
        else:
            self.add(identifier, Outcome.PASSED, passed)

    def add(self, identifier: str, outcome: Outcome, detail: str) -> None:
        """Record one check."""
        self.checks.append(Check(identifier, outcome, detail))

    @property
    def sound(self) -> bool:
        """Whether nothing has failed so far."""
        return all(check.outcome is not Outcome.FAILED for check in self.checks)

    def passed(self, identifier: str) -> bool:
        """Whether the check with this id was made and passed."""
        return any(check.id == identifier and check.outcome is Outcome.PASSED for check in self.checks)


def require(condition: bool, otherwise: str) -> None:
    """Fail the current check with this detail unless the condition holds."""
    if not condition:
        raise Refused(otherwise)
