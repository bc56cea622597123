"""``certify noise --compose FILE``: what the releases listed in a file say together, and what each of them costs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from textwrap import shorten
from typing import Any

from certify.accounting import composition, merging, reading
from certify.accounting.kinds import ApproximatePrivacy, ConcentratedPrivacy, GaussianPrivacy
from certify.accounting.privacy import Privacy, as_used
from certify.errors import InputError
from certify.numbers import Number, nonnegative, to_decimal, to_text
from certify.printing import printable

from .output import schema

_ROWS, _LABEL = 20, 72
_HALVINGS = 34
_LEAST_LOGARITHM = math.log(5e-324)


@dataclass(frozen=True)
class Composed:
    """A composition, how each entry of the file reads, and what was solved for: delta where an epsilon was ``asked`` for."""

    result: composition.Composition
    labels: Sequence[str]
    solved_for: str
    asked: Fraction | None = None

    @property
    def epsilon(self) -> float:
        """The epsilon that holds with the delta of the composition: the one asked for, or the least that is proved."""
        return self.result.epsilon.value if self.asked is None else float(self.asked)

    @cached_property
    def shares(self) -> list[float] | None:
        """About which part of the total each entry is, in the currency of the total; ``None`` where nothing simply adds up."""
        costs = [_cost(part, self.result.currency) for part in self.result.parts]
        known = [cost for cost in costs if cost is not None]
        total = sum(known, Fraction(0))
        return [float(cost / total) for cost in known] if len(known) == len(costs) and total else None

    def alone(self, place: int) -> float:
        """The epsilon of one entry by itself at the delta of the total; infinite where none is known."""
        part, delta = self.result.parts[place], self.result.delta.rational
        if delta == 0 and isinstance(part, ApproximatePrivacy):  # all of them state delta = 0
            return part.known_epsilon.value
        return part.epsilon(delta).value

    def data(self) -> dict[str, Any]:
        """The result as plain JSON data."""
        result, whole = self.result, self.result.privacy
        rho = _cost(whole, "zcdp")
        epsilon = result.epsilon.rational if self.asked is None else self.asked
        return {
            "schema": schema("composition"),
            "epsilon": self.epsilon,
            "delta": result.delta.value,
            "solved_for": self.solved_for,
            "mu": None if result.mu is None else result.mu.value,
            "rho": None if rho is None else to_text(rho),
            "currency": result.currency,
            "direction": result.direction.value,
            "exact": {"epsilon": to_text(epsilon), "delta": to_text(result.delta.rational)},
            "steps": [{"theorem": step.theorem, "words": step.words} for step in result.steps],
            "entries": [
                {"label": label, "kind": part.kind, "share": None if self.shares is None else self.shares[place]}
                for place, (label, part) in enumerate(zip(self.labels, result.parts, strict=True))
            ],
            "premises": [composition.PREMISE],
        }

    def __str__(self) -> str:
        lines = [*str(self.result).split("\n"), ""]
        if self.asked is not None:
            lines[0] = f"delta = {to_decimal(self.result.delta.rational)} at epsilon = {to_decimal(self.asked)}   (rounded up)"
        places = list(range(len(self.labels)))
        if len(places) > _ROWS:
            weights = self.shares or [self.alone(place) for place in places]
            places = sorted(sorted(places, key=lambda place: -weights[place])[:_ROWS])
        rows = [("entry", "share", "epsilon alone", "release")]
        for place in places:
            share = "" if self.shares is None else f"{100 * self.shares[place]:.1f} %"
            alone = self.alone(place)
            rows.append(
                (
                    str(place + 1),
                    share,
                    "unknown" if math.isinf(alone) else f"{alone:.6g}",
                    shorten(self.labels[place], _LABEL, placeholder=" …"),
                )
            )
        wide = [max(len(row[column]) for row in rows) for column in range(3)]
        lines += ["  ".join([*(f"{row[column]:>{wide[column]}}" for column in range(3)), row[3]]).rstrip() for row in rows]
        if len(places) < len(self.labels):
            lines.append(f"and {len(self.labels) - len(places)} more, none of them larger; --json lists all")
        return "\n".join(lines)


def composed(file: Path, *, epsilon: Number | None, delta: Number | None) -> Composed:
    """The composition of the releases in the file at ``delta``, or at the least delta that is proved for ``epsilon``."""
    if epsilon is not None and delta is not None:
        raise InputError("--compose solves epsilon for --delta or delta for --epsilon: give one of them")
    parts = reading.read_composition(file)
    labels = [_label(entry) for entry in reading.read_json(file, "list of releases")]
    if epsilon is None:
        stated = all(isinstance(part, ApproximatePrivacy) for part in parts)
        if delta is None and not stated:
            raise InputError("--compose needs --delta or --epsilon: only releases that all state both bring their own")
        solved_for = "epsilon" if delta is not None else "both"
        return Composed(composition.compose(parts, delta=delta), labels, solved_for)
    asked = as_used(nonnegative(epsilon, "epsilon"), "epsilon").rational
    return Composed(composition.compose(parts, delta=_delta_at(parts, asked)), labels, "delta", asked)


def _delta_at(parts: Sequence[Privacy], epsilon: Fraction) -> Fraction:
    """A delta at which the releases together are proved to have at most this epsilon: what the profile of their best currency
    says, or, where they share no currency, one within 1e-7 of the least."""
    parts = merged(parts)
    stated = all(isinstance(part, ApproximatePrivacy) for part in parts)
    found, at = Fraction(1), Fraction(1, 10**5)
    if stated:
        found = max(composition.compose(parts).privacy.delta(epsilon).rational, Fraction(5e-324))
    for _ in range(2):  # which currency is best depends on delta, and delta on the currency
        try:
            whole = composition.compose(parts, delta=at).privacy
        except InputError:  # nothing finite is known at this delta
            break
        if isinstance(whole, ApproximatePrivacy):
            break
        at = max(whole.delta(epsilon).rational, Fraction(5e-324))
        found = min(found, at)
        if found == 1:
            break
    if found == 1 and not stated:
        found = _by_halving(parts, epsilon) or found
    if found < 1:
        return found
    raise InputError(f"no delta below 1 is proved at epsilon = {to_decimal(epsilon)}: ask for a larger epsilon")


def merged(parts: Sequence[Privacy]) -> list[Privacy]:
    """The same releases with all Gaussian and all zCDP ones as one each, to be composed again and again.

    Theorem: ``gaussian.composition-many`` (upper square).
    Theorem: ``zcdp.composition`` (upper first, second).
    """
    exact = [part for part in parts if isinstance(part, GaussianPrivacy)]
    concentrated = [part for part in parts if isinstance(part, ConcentratedPrivacy)]
    found: list[Privacy] = [part for part in parts if not isinstance(part, (GaussianPrivacy, ConcentratedPrivacy))]
    if exact:
        found.append(merging.gaussian_sum(exact))
    if concentrated:
        found.append(merging.concentrated_sum(concentrated))
    return found


def _by_halving(parts: Sequence[Privacy], epsilon: Fraction) -> Fraction | None:
    """The delta by halving its logarithm; every answer of the composition is a proof, so a coarse search is safe."""

    def enough(logarithm: float) -> bool:
        try:
            return composition.compose(parts, delta=math.exp(logarithm)).epsilon.at_most(epsilon)
        except InputError:  # nothing finite is known at this delta
            return False

    low, high = _LEAST_LOGARITHM, math.log(math.nextafter(1.0, 0.0))
    if not enough(high):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return Fraction(math.exp(high))


def _cost(part: Privacy, currency: str) -> Fraction | None:
    """What the release adds to the total in this currency; nothing is lost to rounding before the ratio is taken."""
    match currency, part:
        case "gaussian", GaussianPrivacy(square=square):
            return square.rational
        case "zcdp", GaussianPrivacy(square=square):
            return square.rational / 2
        case "zcdp", ConcentratedPrivacy(rho=rho):
            return rho.rational
        case "zcdp", ApproximatePrivacy() if merging.is_pure(part):
            return merging.concentrated(part).rho.rational
        case "approximate", ApproximatePrivacy(known_epsilon=epsilon):
            return epsilon.rational
    return None


def _label(entry: dict[str, Any]) -> str:
    """What a person recognises an entry by: its name, or all that it says."""
    if isinstance(entry.get("name"), str):
        return printable(entry["name"])
    said = (f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in entry.items())
    return printable(", ".join(said).removeprefix("mechanism ").removeprefix("kind "))
