"""What a check is, what it reports, and the error that names it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .subject import Subject


class Tier(enum.StrEnum):
    """How a check decides.

    ``EXACT`` checks hold bit for bit on one problem. ``PROPERTY`` checks try a declared bound or a law on
    many drawn problems. ``STATISTICAL`` checks watch repeated releases and can only refute.
    """

    EXACT = "exact"
    PROPERTY = "property"
    STATISTICAL = "statistical"


class Status(enum.StrEnum):
    """What became of a check; ``PASSED`` means "not refuted", never "proved"."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Refuted(AssertionError):
    """Raised inside a check: the method does not do what is asked or claimed; the message says how."""


class Skip(Exception):
    """Raised inside a check that does not apply; the message says why."""


class CheckFailed(AssertionError):
    """A method failed a check. ``check_id`` names the check, ``detail`` says what was seen."""

    def __init__(self, check_id: str, detail: str) -> None:
        super().__init__(f"{check_id}: {detail}")
        self.check_id = check_id
        self.detail = detail


@dataclass(frozen=True)
class Check:
    """One law that an unlearning method is held to.

    ``needs`` lists the optional parts of a method without which the check is skipped, ``rests_on`` the
    theorems that make a failure a refutation. ``run`` takes a subject and returns a sentence of detail;
    it raises :class:`Refuted` or :class:`Skip` otherwise.
    """

    id: str
    tier: Tier
    needs: tuple[str, ...]
    rests_on: tuple[str, ...]
    run: Callable[[Subject], str]

    @property
    def statement(self) -> str:
        """The law in one line."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check on one method."""

    id: str
    tier: Tier
    status: Status
    detail: str


def check(
    identifier: str, *, needs: tuple[str, ...] = (), rests_on: tuple[str, ...] = ()
) -> Callable[[Callable[[Subject], str]], Check]:
    """Make a :class:`Check` of the decorated function; the tier is the first part of the id."""

    def wrap(run: Callable[[Subject], str]) -> Check:
        return Check(identifier, Tier(identifier.split(".")[0]), needs, rests_on, run)

    return wrap
