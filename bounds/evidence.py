"""Where a number comes from: the leaves and the inner nodes of a derivation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .bound import Bound


@dataclass(frozen=True)
class Declared:
    """Somebody said so; ``reason`` says who and why. A verifier can only repeat it."""

    reason: str


@dataclass(frozen=True)
class Measured:
    """Computed from data by a named procedure with outward rounding; ``digest`` names what was measured."""

    procedure: str
    digest: str = ""


@dataclass(frozen=True)
class Enclosed:
    """Proved by ball arithmetic; anybody can run ``procedure`` again on the same inputs."""

    procedure: str


@dataclass(frozen=True)
class Derived:
    """Follows from other bounds by a theorem of the book."""

    theorem: str
    inputs: tuple[tuple[str, Bound], ...] = field(repr=False)  # a derivation printed whole fills pages


@dataclass(frozen=True)
class Combined:
    """An outward-rounded arithmetic operation on bounds."""

    operation: str
    inputs: tuple[Bound, ...] = field(repr=False)


Evidence: TypeAlias = Declared | Measured | Enclosed | Derived | Combined
