"""How well a theorem or a premise is supported, as an ordered ladder."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """The support of a theorem or a premise; a larger member is stronger.

    >>> min(Status.PROVED, Status.ASSUMED).label
    'assumed'
    """

    ASSUMED = 0
    TESTED = 1
    CITED = 2
    SOLVER = 3
    ENCLOSED = 4
    PROVED = 5

    @property
    def label(self) -> str:
        """The lower-case name that certificates and tables show."""
        return self.name.lower()

    @property
    def glyph(self) -> str:
        """One character for tables."""
        return {"PROVED": "■", "ENCLOSED": "▣", "SOLVER": "▤", "CITED": "❝", "TESTED": "◌", "ASSUMED": "!"}[self.name]

    @classmethod
    def parse(cls, label: str) -> Status:
        """The member with this label; raises ``ValueError`` that lists the labels."""
        for member in cls:
            if member.label == label:
                return member
        raise ValueError(f"unknown status {label!r}: use one of {', '.join(m.label for m in reversed(cls))}")
