"""The derivation of a release, written once: the producer evaluates it, the verifier evaluates it again.

Leaves are public numbers; every other node is the conclusion of a theorem of the book at earlier nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared
from certify.proofs.sides import Side

from .numbers import write_number
from .schema import Input, Lemma, Node, Number


@dataclass(frozen=True)
class Leaf:
    """A number that the derivation starts from."""

    id: str
    side: Side
    meaning: str


@dataclass(frozen=True)
class Step:
    """The conclusion of ``theorem`` with the nodes ``inputs`` in place of its symbols."""

    id: str
    theorem: str
    inputs: tuple[tuple[str, str], ...]


Item = Leaf | Step

NOISED: tuple[Item, ...] = (
    Leaf("l2", Side.EXACT, "the weight decay of the training problem"),
    Leaf(
        "distance-budget",
        Side.EXACT,
        "the un-noised parameters are this near the minimiser on the retained records: measured again at the level data",
    ),
    Leaf("tolerance", Side.EXACT, "gradient norm at which the comparator may stop instead of at the minimiser"),
    Leaf("epsilon", Side.EXACT, "the epsilon that is claimed"),
    Leaf("sigma", Side.EXACT, "the standard deviation of the noise in every coordinate, fixed before the request"),
    Step("strong-convexity", "ridge.strong-convexity", (("l2", "l2"),)),
    Step(
        "sensitivity",
        "distance.comparator",
        (("distance", "distance-budget"), ("tolerance", "tolerance"), ("strong_convexity", "strong-convexity")),
    ),
    Step("delta", "gaussian.profile", (("epsilon", "epsilon"), ("sensitivity", "sensitivity"), ("sigma", "sigma"))),
    Step("mu", "gaussian.mu", (("sensitivity", "sensitivity"), ("sigma", "sigma"))),
)
"""A release with Gaussian noise."""

NOISELESS: tuple[Item, ...] = (
    Leaf("l2", Side.EXACT, "the weight decay of the training problem"),
    Leaf("epsilon", Side.EXACT, "0: the release is a function of the retained records alone"),
    Leaf("delta", Side.EXACT, "0: the release is a function of the retained records alone"),
    Leaf("mu", Side.EXACT, "0: the release is a function of the retained records alone"),
    Step("strong-convexity", "ridge.strong-convexity", (("l2", "l2"),)),
)
"""An exact release: nothing is left of the deleted records, and no noise is needed."""

SEQUENCE: tuple[Item, ...] = (
    Leaf("previous-mu", Side.UPPER, "Gaussian privacy parameter of the transcript up to the previous certificate"),
    Step("transcript-mu", "gaussian.composition", (("first", "previous-mu"), ("second", "mu"))),
)
"""What is added when the release continues a sequence."""

SEQUENCE_PROFILE: tuple[Item, ...] = (
    Leaf("transcript-epsilon", Side.EXACT, "the epsilon that is claimed for the whole transcript"),
    Leaf("unit", Side.EXACT, "1: a mu-Gaussian transcript is one release of sensitivity mu at noise 1"),
    Step(
        "transcript-delta",
        "gaussian.profile",
        (("epsilon", "transcript-epsilon"), ("sensitivity", "transcript-mu"), ("sigma", "unit")),
    ),
)
"""What is added besides when the transcript has any noise in it, that is when transcript-mu is positive."""


def items_of(*, noised: bool, continued: bool, transcript_noised: bool) -> tuple[Item, ...]:
    """The whole derivation of a release of this form.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).
    Theorem: ``gaussian.composition`` (upper first, second).
    Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``ridge.strong-convexity`` (lower l2).
    """
    first = NOISED if noised else NOISELESS
    return (*first, *(SEQUENCE if continued else ()), *(SEQUENCE_PROFILE if continued and transcript_noised else ()))


def evaluate(items: Iterable[Item], leaves: Mapping[str, Fraction]) -> dict[str, Bound]:
    """Every node as a bound, derived from the leaves alone.

    Raises ``KeyError`` for a missing leaf and the errors of :func:`certify.bounds.derive.derive`.
    """
    nodes: dict[str, Bound] = {}
    for item in items:
        match item:
            case Leaf(name, side, meaning):
                held = exactly(leaves[name], Declared(meaning))
                if side is not Side.EXACT and held.exact is not None:
                    raise ValueError(f"{name} is a bound and must be a double")
                nodes[name] = replace(held, side=side)
            case Step(name, theorem, inputs):
                nodes[name] = derive(theorem, **{symbol: nodes[node] for symbol, node in inputs})
    return nodes


def write_nodes(items: Iterable[Item], nodes: Mapping[str, Bound], digests: Mapping[str, str]) -> list[Node]:
    """The derivation in wire form."""
    return [_node(item, nodes[item.id], digests) for item in items]


def used_theorems(items: Iterable[Item]) -> tuple[str, ...]:
    """The ids of the theorems applied, each once, in order."""
    return tuple(dict.fromkeys(item.theorem for item in items if isinstance(item, Step)))


def lemmas(theorems: Iterable[str]) -> list[Lemma]:
    """The closure of the theorems in the book at hand, sorted by id, with digests and statuses."""
    from certify.proofs import registry

    closure = sorted({name for theorem in theorems for name in (theorem, *registry.closure(theorem))})
    return [_lemma(name) for name in closure]


def _lemma(name: str) -> Lemma:
    from certify.proofs import registry

    return Lemma(id=name, kind=registry.kind(name), digest=registry.digest(name), status=registry.status(name).label)  # type: ignore[arg-type]


def wire_number(number: Bound | Fraction | float | int) -> Number:
    """A number in wire form."""
    value, approx = write_number(number)
    return Number(value=value, approx=approx)


def _node(item: Item, bound: Bound, digests: Mapping[str, str]) -> Node:
    number = wire_number(bound)
    match item:
        case Leaf(name, side, meaning):
            return Node(
                id=name, kind="declared", side=side.value, number=number, meaning=meaning, theorem=None, digest=None, inputs=[]
            )
        case Step(name, theorem, inputs):
            return Node(
                id=name,
                kind="derived",
                side=bound.side.value,
                number=number,
                meaning=f"by {theorem}",
                theorem=theorem,
                digest=digests[theorem],
                inputs=[Input(symbol=symbol, node=node) for symbol, node in inputs],
            )
