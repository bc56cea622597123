"""A ledger of releases: what each gives away, what all give away together, and what the budget still allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from certify.bounds.bound import Bound
from certify.errors import InputError
from certify.numbers import Number, exact, nonnegative, probability, to_decimal
from certify.printing import printable
from certify.storage import is_there, write_file

from .composition import compose
from .privacy import Privacy, as_used
from .reading import Priced, privacy_of, read_json, to_data

FORMAT = "certify-ledger/1"
_LONGEST_NAME = 200
_MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class Entry:
    """One release: its name and its profile."""

    name: str
    privacy: Privacy


@dataclass(frozen=True)
class Totals:
    """At the delta of the budget: the worst single release, and everything together.

    ``per_release`` speaks of whoever sees one release, ``transcript`` of whoever sees them all. They are different
    promises, and the second is the one that the budget limits.
    """

    per_release: Bound
    transcript: Bound


@dataclass(frozen=True)
class Ledger:
    """An append-only list of releases under a budget (epsilon, delta) for the transcript.

    Later releases may depend on what earlier ones returned; *how much* each gives away may not: the noise of every release is fixed without a
    look at earlier outcomes. (For Gaussian releases alone more is known: Smith and Thakurta 2022.) That is a premise of the totals.

    >>> ledger = Ledger.open(epsilon=1, delta="1e-5").append({"kind": "gaussian", "mu": "0.2"}, "first")
    >>> ledger.totals().transcript.value < 1
    True
    """

    epsilon: Bound
    delta: Bound
    entries: tuple[Entry, ...] = ()

    @classmethod
    def open(cls, *, epsilon: Number, delta: Number) -> Ledger:
        """An empty ledger with this budget."""
        return cls(as_used(nonnegative(epsilon, "epsilon"), "epsilon"), as_used(probability(delta, "delta"), "delta"))

    def totals(self) -> Totals:
        """Both totals, composed from the entries; nothing is stored that could disagree with them."""
        if not self.entries:
            nothing = as_used(Fraction(0), "epsilon")
            return Totals(nothing, nothing)
        alone = [compose([entry.privacy], delta=self.delta).epsilon for entry in self.entries]
        everything = compose([entry.privacy for entry in self.entries], delta=self.delta).epsilon
        return Totals(max(alone, key=lambda bound: bound.value), everything)

    def remaining(self) -> Fraction:
        """How much epsilon the budget has left at its delta; never negative."""
        return max(self.epsilon.rational - self.totals().transcript.rational, Fraction(0))

    def append(self, release: Priced, name: str) -> Ledger:
        """The ledger with one more release; refused, with nothing changed, where the budget would be exceeded."""
        if not name or len(name) > _LONGEST_NAME or printable(name) != name:
            raise InputError(f"the name of a release has 1 to {_LONGEST_NAME} printable characters")
        if len(self.entries) >= _MOST_ENTRIES:
            raise InputError(f"a ledger holds at most {_MOST_ENTRIES:,} releases: begin a new one")
        spent = self.totals().transcript
        if self.entries and spent.rational >= self.epsilon.rational:
            raise InputError(
                f"the budget is already exhausted: {len(self.entries)} release(s) used epsilon = {spent.value:.6g} of "
                f"{to_decimal(self.epsilon.rational)} at delta = {to_decimal(self.delta.rational)}"
            )
        longer = Ledger(self.epsilon, self.delta, (*self.entries, Entry(name, privacy_of(release))))
        longer.check(name)
        return longer

    def check(self, latest: str = "the last release") -> Totals:
        """The totals; refused where they exceed the budget."""
        try:
            totals = self.totals()
        except InputError as problem:
            raise InputError(f"the budget does not cover {latest!r}: {problem}") from None
        if totals.transcript.rational_or_infinite() > self.epsilon.rational:
            raise InputError(
                f"the budget does not cover {latest!r}: together the releases would use epsilon = {totals.transcript.value:.6g}, and "
                f"{to_decimal(self.epsilon.rational)} is allowed at delta = {to_decimal(self.delta.rational)}"
            )
        return totals

    def save(self, path: str | Path) -> None:
        """Write the ledger whole or not at all; a file whose entries this ledger does not continue is refused."""
        if is_there(Path(path)):
            before = Ledger.load(path)
            if (before.epsilon, before.delta) != (self.epsilon, self.delta) or before.entries != self.entries[
                : len(before.entries)
            ]:
                raise InputError(f"{path} holds another ledger: releases are only ever added, read it again and append to it")
        totals = self.totals()
        content = {
            "format": FORMAT,
            "budget": {"epsilon": str(self.epsilon.rational), "delta": str(self.delta.rational)},
            "releases": [{"name": entry.name, "privacy": to_data(entry.privacy)} for entry in self.entries],
            "totals": {"per_release": str(totals.per_release.rational), "transcript": str(totals.transcript.rational)},
        }
        write_file(path, (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> Ledger:
        """Read a ledger and compose its totals again; one that states other totals, or exceeds its budget, is refused."""
        content = _shape(read_json(path, "ledger"), {"format", "budget", "releases", "totals"}, path)
        if content["format"] != FORMAT:
            raise InputError(f"{path} is no ledger of the format {FORMAT}: {str(content['format'])[:40]!r}")
        budget = _shape(content["budget"], {"epsilon", "delta"}, path)
        if not isinstance(content["releases"], list) or len(content["releases"]) > _MOST_ENTRIES:
            raise InputError(f"{path} is damaged: its releases are no list of at most {_MOST_ENTRIES:,}")
        ledger = cls.open(epsilon=budget["epsilon"], delta=budget["delta"])
        entries = []
        for place, item in enumerate(content["releases"], 1):
            record = _shape(item, {"name", "privacy"}, path)
            try:
                entries.append(Entry(str(record["name"]), privacy_of(record["privacy"])))
            except InputError as problem:
                raise InputError(f"{path}, release {place}: {problem}") from None
        ledger = cls(ledger.epsilon, ledger.delta, tuple(entries))
        totals = ledger.check()
        stated = _shape(content["totals"], {"per_release", "transcript"}, path)
        for name, bound in (("per_release", totals.per_release), ("transcript", totals.transcript)):
            if exact(stated[name], name) != bound.rational:
                raise InputError(
                    f"{path} was changed: its releases compose to {name} = {bound.value!r}, and it states {str(stated[name])[:60]}"
                )
        return ledger


def _shape(value: Any, names: set[str], path: str | Path) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise InputError(f"{path} is no ledger, or is damaged: a mapping with {', '.join(sorted(names))} was expected")
    return value
