"""What a verification concluded: a list of checks, the weakest links, one exit code."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certify.certificates.terms import IDEAL
from certify.proofs.status import Status

if TYPE_CHECKING:
    from certify.guarantee import Guarantee


IDEAL_NOISE = "sampler.ideal"
"""The premise of a certificate of noise made elsewhere."""


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKABLE = "not-checkable"

    @property
    def glyph(self) -> str:
        """One character for tables."""
        return {"PASSED": "✓", "FAILED": "✗", "NOT_CHECKABLE": "·"}[self.name]


class Level(enum.StrEnum):
    """How deep a verification went; each level includes the ones before. A level equals its name: ``level == "data"``."""

    NONE = "none"
    ARITHMETIC = "arithmetic"
    ARTEFACTS = "artefacts"
    DATA = "data"

    @property
    def depth(self) -> int:
        """The place in the order, 0 for none."""
        return list(Level).index(self)


@dataclass(frozen=True)
class Check:
    """One check: a stable ``id``, how it ended, and in words what was compared or what was missing."""

    id: str
    outcome: Outcome
    detail: str

    @property
    def status(self) -> str:
        """``passed``, ``failed`` or ``not-checkable``."""
        return self.outcome.value


@dataclass(frozen=True)
class Link:
    """One entry that the conclusion rests on, with the support that this verification gives it."""

    id: str
    status: Status

    def __str__(self) -> str:
        return f"{self.status.label}:{self.id}"


@dataclass(frozen=True)
class Verdict:
    """The result of :func:`certify.verify`.

    ``holds`` means: every check that could be made passed, and every level that was asked for was reached.
    It is a conditional statement: the guarantee follows *if* the premises listed are true. ``exit_code``:
    0 holds, 1 does not hold, 2 not a certificate, 3 holds but weaker than required, 4 could not decide.
    ``declared`` names the parts of the certificate that were compared with nothing.
    """

    exit_code: int
    level: Level
    checks: tuple[Check, ...]
    guarantee: Guarantee | None = None
    theorems: tuple[Link, ...] = ()
    premises: tuple[Link, ...] = ()
    required: str | None = None
    too_weak: tuple[Link, ...] = ()
    declared: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the guarantee follows from the premises, as far as was asked."""
        return self.exit_code in (0, 3)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)

    @property
    def weakest_theorem(self) -> Link | None:
        """The least supported theorem."""
        return min(self.theorems, key=lambda link: link.status, default=None)

    @property
    def weakest_premise(self) -> Link | None:
        """The least supported premise, after what this verification re-measured."""
        return min(self.premises, key=lambda link: link.status, default=None)

    @property
    def weakest(self) -> str | None:
        """The label of the lower of the two."""
        links = [link for link in (self.weakest_theorem, self.weakest_premise) if link is not None]
        return min(links, key=lambda link: link.status).status.label if links else None

    @property
    def conclusion(self) -> str:
        """One line."""
        if self.exit_code == 2:
            return "NOT A CERTIFICATE"
        if self.exit_code == 1:
            return "DOES NOT HOLD: " + ", ".join(check.id for check in self.failed)
        if self.exit_code == 4:
            missing = [
                check.id
                for check in self.checks
                if check.outcome is Outcome.NOT_CHECKABLE and check.id.startswith(("data", "artefacts"))
            ]
            return f"COULD NOT DECIDE at the level asked for: {', '.join(missing)}"
        assert self.guarantee is not None
        claim = f"({self.guarantee.epsilon.value:g}, {self.guarantee.delta.value:g})"
        if any(link.id == IDEAL_NOISE for link in self.premises):
            claim += f", declared: {IDEAL}; so HOLDS only if that is true"
        weaker = "" if self.exit_code == 0 else f", WEAKER than required: {', '.join(map(str, self.too_weak))}"
        return f"HOLDS {claim}, if the premises are true; level {self.level.value}; weakest link {self.weakest}{weaker}"

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "schema": "certify.verify/1",
            "holds": self.holds,
            "conclusion": self.conclusion,
            "exit_code": self.exit_code,
            "level": self.level.value,
            "weakest": self.weakest,
            "weakest_theorem": _link(self.weakest_theorem),
            "weakest_premise": _link(self.weakest_premise),
            "checks": [{"id": check.id, "status": check.status, "detail": check.detail} for check in self.checks],
            "premises": [{"id": link.id, "status": link.status.label} for link in self.premises],
            "guarantee": None
            if self.guarantee is None
            else {
                "notion": self.guarantee.notion.value,
                "epsilon": repr(self.guarantee.epsilon.value),
                "delta": repr(self.guarantee.delta.value),
                **{
                    name: value
                    for name, value in self.guarantee.to_mapping().items()
                    if name in ("direction", "adjacency", "unit", "released", "comparator", "exclusions")
                },
            },
            "required": self.required,
            "declared": list(self.declared),
            "too_weak": [str(link) for link in self.too_weak],
        }

    def __rich__(self) -> Any:
        from .tables import verdict_tables

        return verdict_tables(self)

    def __str__(self) -> str:
        lines = [f"{check.outcome.glyph} {check.id}: {check.detail}" for check in self.checks]
        lines += [f"{link.status.glyph} premise {link.id}: {link.status.label}" for link in self.premises]
        lines += [f"only declared: {', '.join(self.declared)}"] if self.declared else []
        return "\n".join([*lines, self.conclusion])


def _link(link: Link | None) -> dict[str, str] | None:
    return None if link is None else {"id": link.id, "status": link.status.label}
