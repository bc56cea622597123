"""The running list of checks of one verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType

from certify.errors import InputError
from certify.printing import printable

from .verdict import Check, Outcome


class Refused(Exception):
    """A check failed; the message is its detail."""


class Missing(Exception):
    """A check could not be made; the message says what it needs."""


@dataclass
class Ledger:
    """Collects checks. A check is a ``with`` block: leaving it quietly is a pass."""

    checks: list[Check] = field(default_factory=list)

    def check(self, identifier: str, passed: str) -> _Check:
        """A block that records ``passed`` if it ends, and a failure if it raises :class:`Refused` or any other error.

        Bad input must never become a traceback, so an unforeseen error counts as a failure and names itself.
        """
        return _Check(self, identifier, passed)

    def add(self, identifier: str, outcome: Outcome, detail: str) -> None:
        """Record one check."""
        self.checks.append(Check(identifier, outcome, printable(detail)))

    @property
    def sound(self) -> bool:
        """Whether nothing has failed so far."""
        return all(check.outcome is not Outcome.FAILED for check in self.checks)

    def passed(self, identifier: str) -> bool:
        """Whether the check with this id was made and passed."""
        return any(check.id == identifier and check.outcome is Outcome.PASSED for check in self.checks)


@dataclass(frozen=True)
class _Check:
    ledger: Ledger
    identifier: str
    passed: str

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None) -> bool:
        match problem:
            case None:
                self.ledger.add(self.identifier, Outcome.PASSED, self.passed)
            case Refused():
                self.ledger.add(self.identifier, Outcome.FAILED, str(problem))
            case Missing():
                self.ledger.add(self.identifier, Outcome.NOT_CHECKABLE, str(problem))
            case InputError():
                self.ledger.add(self.identifier, Outcome.FAILED, " ".join(str(problem).split())[:200])
            case Exception():
                words = " ".join(str(problem).split())[:200]
                self.ledger.add(self.identifier, Outcome.FAILED, f"{type(problem).__name__}: {words}")
        return problem is None or isinstance(problem, Exception)


def require(condition: bool, otherwise: str) -> None:
    """Fail the current check with this detail unless the condition holds."""
    if not condition:
        raise Refused(otherwise)
