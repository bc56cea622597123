"""Every theorem, enclosure and foundation by id, the graph of what rests on what, and how well each is supported."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from .identity import Identity
from .status import Status
from .theorem import Enclosure, Foundation, Theorem

_FAMILIES = (
    "distance",
    "newton",
    "self_concordance",
    "measured_curvature",
    "gaussian",
    "logistic",
    "softmax",
    "squared",
    "huber",
    "hinge",
    "poisson",
    "utility",
    "capacity",
    "continual",
    "descent",
    "drift",
    "amplification",
    "renyi",
    "conversion",
    "zcdp",
    "privacy",
    "approximate",
    "accounting",
    "filters",
    "laplace",
    "confidence",
    "audit",
    "betting",
    "one_run",
    "solves",
    "spectrum",
    "trace",
    "linear_algebra",
    "deletion",
    "norms",
    "computed_norms",
    "rounded_norms",
    "lipschitz",
    "convolution",
    "hessian",
    "low_rank",
    "mechanisms",
)


class UnknownTheorem(KeyError):
    """No theorem has this id; the message names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


def families() -> Mapping[str, ModuleType]:
    """The modules of theorems by name, in the order of the book."""
    return {family: import_module(f".theorems.{family}", __package__) for family in _FAMILIES}


@cache
def theorems() -> Mapping[str, Theorem]:
    """All theorems by id, in the order of the book."""
    found: dict[str, Theorem] = {}
    for family in families().values():
        for statement in family.THEOREMS:
            if statement.id in found:
                raise ValueError(f"two theorems are called {statement.id}")
            found[statement.id] = statement
    return found


@cache
def enclosures() -> Mapping[str, Enclosure]:
    """The inequalities on boxes that theorems rest on, by id."""
    return {lemma.id: lemma for family in families().values() for lemma in getattr(family, "ENCLOSURES", ())}


@cache
def identities() -> Mapping[str, Identity]:
    """The identities of matrices, by id."""
    return {identity.id: identity for family in families().values() for identity in getattr(family, "IDENTITIES", ())}


@cache
def foundations() -> Mapping[str, Foundation]:
    """The textbook facts that theorems rest on, by id."""
    from .foundations import FOUNDATIONS

    return {foundation.id: foundation for foundation in FOUNDATIONS}


def theorem(identifier: str) -> Theorem:
    """The theorem with this id; raises :class:`UnknownTheorem` that suggests the nearest."""
    try:
        return theorems()[identifier]
    except KeyError:
        near = difflib.get_close_matches(identifier, theorems(), n=1, cutoff=0.0)
        raise UnknownTheorem(f"no theorem is called {identifier!r}; the nearest is {near[0]!r}") from None


def kind(identifier: str) -> str:
    """``foundation``, ``enclosure``, ``identity`` or ``theorem``; raises :class:`UnknownTheorem` for anything else."""
    for name, entries in (("foundation", foundations()), ("enclosure", enclosures()), ("identity", identities())):
        if identifier in entries:
            return name
    theorem(identifier)
    return "theorem"


def rests_on(identifier: str) -> tuple[str, ...]:
    """The ids that an entry of any kind rests on directly."""
    return theorem(identifier).rests_on if kind(identifier) == "theorem" else ()


@cache
def closure(identifier: str) -> tuple[str, ...]:
    """Everything that the entry rests on, directly or not, dependencies first, the entry itself last."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        for below in rests_on(name):
            if below not in order:
                visit(below)
        order[name] = None

    visit(identifier)
    return tuple(order)


def status(identifier: str) -> Status:
    """The support of a theorem: the weakest over its own proof and all that it rests on, by running the checks.

    The result is remembered for this process. Foundations do not lower it. A proof that the checker refuses
    makes the theorem ``assumed``.
    """
    from .proving import prove

    return min(prove(name).status for name in closure(identifier))


def refusals(identifier: str) -> dict[str, str]:
    """Why the checks refuse the entry or anything that it rests on, by id; empty for a theorem that holds."""
    from .proving import prove

    return {name: reason for name in closure(identifier) if (reason := prove(name).reason)}


def digest(identifier: str) -> str:
    """The Merkle SHA-256 of the entry: it covers statement, proof and the digests of all that it rests on."""
    from .book import entry_digest

    return entry_digest(identifier)
