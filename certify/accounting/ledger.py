"""A ledger of releases: what each gives away, what all give away together, and what the budget still allows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from certify.bounds.bound import Bound
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import Number, exact, nonnegative, probability, to_decimal
from certify.printing import printable
from certify.storage import is_there, write_file

from .adaptive import AdaptiveBudget
from .composition import compose
from .kinds import ConcentratedPrivacy, GaussianPrivacy
from .locking import alone_in
from .privacy import Privacy, as_used, joint_direction
from .reading import SIZE_LIMIT, Priced, long_number, privacy_of, read_json, to_data

FORMAT = "certify-ledger/1"
_LONGEST_NAME = 200
_MOST_ENTRIES = 100_000
_AGREEMENT = Fraction(1, 10**9)
_FIXED, _ADAPTIVE = "fixed beforehand", "may depend on earlier outcomes"


@dataclass(frozen=True)
class Entry:
    """One release: its name and its profile."""

    name: str
    privacy: Privacy


@dataclass(frozen=True)
class Totals:
    """At the delta of the budget: the worst single release, and everything together.

    ``per_release`` says what one release adds for whoever knows the earlier outcomes on which it depends (of a release that depends on none,
    what it says alone), ``transcript`` what all of them say. They are different promises, and the second is the one that the budget limits.
    """

    per_release: Bound
    transcript: Bound


@dataclass(frozen=True)
class Ledger:
    """An append-only list of releases under a budget (epsilon, delta) for the transcript.

    Later releases may depend on what earlier ones returned. Whether their *noise* may, too, :attr:`parameters` says:

    * opened with ``epsilon``: no. How much each release gives away, and how many there will be, is fixed without a look at earlier
      outcomes, a premise of the totals, which are composed in the currency that is cheapest in the end. Whoever may stop because of
      what was returned has the guarantee of the whole list that was fixed, not of the part that was released;
    * opened with an :class:`~certify.accounting.adaptive.AdaptiveBudget`: yes. The currency (and the order) were fixed beforehand, and what
      is promised is the guarantee of the whole budget, from the first release on.

    >>> ledger = Ledger.open(epsilon=1, delta="1e-5").append({"kind": "gaussian", "mu": "0.2"}, "first")
    >>> ledger.totals().transcript.value < 1, ledger.parameters
    (True, 'fixed beforehand')
    """

    epsilon: Bound
    delta: Bound
    entries: tuple[Entry, ...] = ()
    budget: AdaptiveBudget | None = None

    @classmethod
    def open(cls, *, delta: Number, epsilon: Number | None = None, budget: AdaptiveBudget | None = None) -> Ledger:
        """An empty ledger, with a budget for epsilon or with one in a single currency.

        Theorem: ``gaussian.filter`` (upper square).
        Theorem: ``zcdp.filter`` (upper budget).
        Theorem: ``renyi.filter`` (upper budget).
        """
        allowed = as_used(probability(delta, "delta"), "delta")
        if (epsilon is None) == (budget is None):
            raise InputError("a ledger is opened with epsilon or with a budget in one currency, and not both")
        if budget is not None:
            whole = budget.guarantee().epsilon(allowed)
            if whole.value == math.inf:
                raise InputError("the budget is so large that nothing finite would be promised: allow less")
            return cls(whole, allowed, (), budget)
        return cls(as_used(nonnegative(exact(epsilon, "epsilon"), "epsilon"), "epsilon"), allowed)

    @property
    def parameters(self) -> str:
        """Whether the noise of a release may be chosen in the light of earlier outcomes."""
        return _FIXED if self.budget is None else _ADAPTIVE

    @property
    def direction(self) -> Direction:
        """The direction in which the totals hold: one way only, as soon as one release is bounded one way only."""
        return joint_direction([entry.privacy for entry in self.entries])

    def totals(self) -> Totals:
        """Both totals, composed from the entries; nothing is stored that could disagree with them."""
        nothing = as_used(Fraction(0), "epsilon")
        alone = [compose([privacy], delta=self.delta).epsilon for privacy in _dearest(self.entries)]
        worst = max(alone, key=lambda bound: bound.value) if alone else nothing
        if self.budget is not None:
            return Totals(worst, self.epsilon)
        return Totals(worst, compose([entry.privacy for entry in self.entries], delta=self.delta).epsilon if alone else nothing)

    def spent(self) -> Fraction:
        """What is charged to the budget: epsilon at its delta, or the sum in its currency, which is no guarantee by itself."""
        if self.budget is not None:
            return self.budget.spent(entry.privacy for entry in self.entries)
        return self.totals().transcript.rational

    def remaining(self) -> Fraction:
        """How much the budget has left, of epsilon or in its currency; never negative."""
        allowed = self.epsilon if self.budget is None else self.budget.allowed
        return max(allowed.rational - self.spent(), Fraction(0))

    def append(self, release: Priced, name: str) -> Ledger:
        """The ledger with one more release; refused, with nothing changed, where the budget would be exceeded."""
        _check_name(name)
        if len(self.entries) >= _MOST_ENTRIES:
            raise InputError(f"a ledger holds at most {_MOST_ENTRIES:,} releases: begin a new one")
        if self.entries and self.remaining() == 0:
            raise InputError(
                f"the budget is already exhausted: {len(self.entries)} release(s) used {self._account(self.spent())}"
            )
        longer = replace(self, entries=(*self.entries, Entry(name, privacy_of(release))))
        longer.check(name)
        return longer

    def check(self, latest: str = "the last release") -> Totals:
        """The totals; refused where they exceed the budget."""
        try:
            spent, totals = self.spent(), self.totals()
        except InputError as problem:
            raise InputError(f"the budget does not cover {latest!r}: {problem}") from None
        if spent > (self.epsilon if self.budget is None else self.budget.allowed).rational:
            raise InputError(f"the budget does not cover {latest!r}: together the releases would use {self._account(spent)}")
        return totals

    def _account(self, spent: Fraction) -> str:
        if self.budget is None:
            return f"epsilon = {float(spent):.6g} of {to_decimal(self.epsilon.rational)} at delta = {to_decimal(self.delta.rational)}"
        return f"{float(spent):.6g} of {to_decimal(self.budget.allowed.rational)} in the currency {self.budget.currency}"

    @classmethod
    def record(cls, path: str | Path, release: Priced, name: str) -> Ledger:
        """Append a release to the ledger in a file, in one step that no other writer can come between; record before you publish."""
        place = _settled(path)
        with alone_in(place.parent):
            longer = cls.load(place).append(release, name)
            longer._write(place)
        return longer

    def save(self, path: str | Path) -> None:
        """Write the ledger whole or not at all; a file whose entries this ledger does not continue is refused.

        The comparison and the writing are one step: of two processes that extend one file at once the second is refused,
        and no entry is lost. :meth:`record` reads, appends and writes in one step.
        """
        place = _settled(path)
        with alone_in(place.parent):
            if is_there(place):
                before = Ledger.load(place)
                opened = replace(before, entries=()) == replace(self, entries=())
                if not opened or before.entries != self.entries[: len(before.entries)]:
                    raise InputError(f"{path} holds another ledger: releases are only ever added, read it again and append to it")
            self._write(place)

    def _write(self, place: Path) -> None:
        totals = self.totals()
        content = {
            "format": FORMAT,
            "budget": {"delta": str(self.delta.rational), **self._budget_data()},
            "parameters": self.parameters,
            "releases": [{"name": entry.name, "privacy": to_data(entry.privacy)} for entry in self.entries],
            "totals": {"per_release": str(totals.per_release.rational), "transcript": str(totals.transcript.rational)},
        }
        text = (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
        if len(text) > SIZE_LIMIT:
            raise InputError(
                f"the ledger would have {len(text):,} bytes, more than the {SIZE_LIMIT:,} that are read: begin a new one"
            )
        write_file(place, text)

    def _budget_data(self) -> dict[str, str]:
        return {"epsilon": str(self.epsilon.rational)} if self.budget is None else self.budget.to_data()

    @classmethod
    def load(cls, path: str | Path) -> Ledger:
        """Read a ledger and compose its totals again; one that states other totals, or exceeds its budget, is refused.

        What counts is what is composed here. The totals stated need only agree to nine digits: another machine may find
        another Rényi order.
        """
        content = _shape(read_json(path, "ledger"), {"format", "budget", "parameters", "releases", "totals"}, path)
        if content["format"] != FORMAT:
            raise InputError(f"{path} is no ledger of the format {FORMAT}: {str(content['format'])[:40]!r}")
        try:
            ledger = cls._opened(content["budget"], path)
        except InputError as problem:
            raise InputError(f"{path}: {problem}") from None
        if content["parameters"] != ledger.parameters:
            raise InputError(
                f"{path} was changed: under its budget parameters are {ledger.parameters}, and it states another thing"
            )
        if not isinstance(content["releases"], list) or len(content["releases"]) > _MOST_ENTRIES:
            raise InputError(f"{path} is damaged: its releases are no list of at most {_MOST_ENTRIES:,}")
        entries = []
        for place, item in enumerate(content["releases"], 1):
            record = _shape(item, {"name", "privacy"}, path)
            try:
                _check_name(record["name"])
                entries.append(Entry(record["name"], privacy_of(record["privacy"])))
            except InputError as problem:
                raise InputError(f"{path}, release {place}: {problem}") from None
        ledger = replace(ledger, entries=tuple(entries))
        totals = ledger.check()
        stated = _shape(content["totals"], {"per_release", "transcript"}, path)
        for name, bound in (("per_release", totals.per_release), ("transcript", totals.transcript)):
            if abs(long_number(stated[name], name) - bound.rational) > bound.rational * _AGREEMENT:
                raise InputError(
                    f"{path} was changed: its releases compose to {name} = {bound.value!r}, and it states {str(stated[name])[:60]}"
                )
        return ledger

    @classmethod
    def _opened(cls, budget: Any, path: str | Path) -> Ledger:
        if isinstance(budget, dict) and "currency" in budget:
            _shape(budget, {"currency", "allowed", "delta"} | ({"order"} & budget.keys()), path)
            return cls.open(budget=AdaptiveBudget.from_data(budget), delta=long_number(budget["delta"], "delta"))
        _shape(budget, {"epsilon", "delta"}, path)
        return cls.open(epsilon=long_number(budget["epsilon"], "epsilon"), delta=long_number(budget["delta"], "delta"))


def _dearest(entries: Sequence[Entry]) -> list[Privacy]:
    """One of every release that may be the worst by itself: of those with one number that holds surely, the greatest."""
    found: list[Privacy] = []
    exact, rho = Fraction(-1), Fraction(-1)
    for privacy in dict.fromkeys(entry.privacy for entry in entries):
        match privacy:
            case GaussianPrivacy(square=Bound(failure_probability=0.0) as square):
                exact = max(exact, square.rational)
            case ConcentratedPrivacy(rho=Bound(failure_probability=0.0) as known):
                rho = max(rho, known.rational)
            case _:
                found.append(privacy)
    found += [GaussianPrivacy.from_square(exact)] if exact >= 0 else []
    return found + ([ConcentratedPrivacy.of(rho)] if rho >= 0 else [])


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME or printable(name) != name:
        raise InputError(f"the name of a release has 1 to {_LONGEST_NAME} printable characters")


def _settled(path: str | Path) -> Path:
    """The place that a path leads to, so that two names of one ledger are one ledger."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as problem:
        raise InputError(f"{str(path)[:200]!r} is no place for a ledger: {problem}") from None


def _shape(value: Any, names: set[str], path: str | Path) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise InputError(f"{path} is no ledger, or is damaged: a mapping with {', '.join(sorted(names))} was expected")
    return value
