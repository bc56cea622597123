"""The derivation of a release, written once: the producer evaluates it, the verifier evaluates it again.

Leaves are public numbers; every other node is the conclusion of a theorem of the book at earlier nodes, or computed from them exactly or in balls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.mechanisms.discrete_gaussian import shifted_delta
from certify.proofs.balls import ball, precision, upper_double
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


@dataclass(frozen=True)
class Enclosure:
    """A number that is computed from the nodes ``inputs``, exactly or in balls, where no theorem is needed."""

    id: str
    side: Side
    meaning: str
    inputs: tuple[str, ...]
    compute: Callable[..., Fraction]


Item = Leaf | Step | Enclosure


@dataclass(frozen=True)
class Form:
    """What decides the derivation of a release: its noise, its place, and the currencies in which the transcript is counted.

    ``before`` is the currency of the transcript up to the previous release, "mu" or "rho", and ``None`` for a first release. A sequence with
    a discrete Gaussian release in it is counted in zCDP from there on.
    """

    noise: str  # "gaussian", "discrete-gaussian" or "none"
    alone: bool = False  # whether there is one parameter only
    before: str | None = None
    unspent: bool = False  # whether the releases before spent nothing
    bare: bool = False  # whether to leave out the profiles of discrete noise and of the transcript, for what is spent alone

    @property
    def quiet(self) -> bool:
        """Whether nothing has been spent, by this release or any before."""
        return self.unspent and self.noise == "none"

    @property
    def currency(self) -> str:
        """In which the transcript is counted after this release."""
        return "rho" if self.noise == "discrete-gaussian" or self.before == "rho" else "mu"


_BITS = 128


def _scale(sigma: Bound, grid: Bound) -> Fraction:
    return sigma.rational / grid.rational


def _square(steps: Bound, parameters: Bound) -> Fraction:
    """Of a single integer, or of a vector of them; beyond the doubles' integers, rounded up."""
    square = floor(steps.rational) ** 2 if parameters.rational == 1 else floor(steps.rational**2)
    with precision(_BITS):
        return Fraction(upper_double(ball(square)))


def _delta_alone(epsilon: Bound, steps: Bound, scale: Bound) -> Fraction:
    shift = floor(steps.rational)
    return Fraction(shifted_delta(epsilon.rational, shift, scale.rational)) if shift else Fraction(0)


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

DISCRETE: tuple[Item, ...] = (
    *NOISED[:4],
    Leaf("sigma", Side.EXACT, "the scale of the discrete Gaussian noise in every coordinate, fixed before the request"),
    Leaf(
        "grid",
        Side.EXACT,
        "the parameters are rounded to multiples of this power of two, and so is the noise: fixed before the request",
    ),
    Leaf("parameters", Side.EXACT, "the number of parameters"),
    *NOISED[5:7],
    Step(
        "steps", "discrete-gaussian.sensitivity", (("sensitivity", "sensitivity"), ("dimension", "parameters"), ("grid", "grid"))
    ),
    Enclosure("scale", Side.EXACT, "sigma over grid: the scale of the noise in steps", ("sigma", "grid"), _scale),
    Enclosure("square", Side.UPPER, "the greatest squared length of a move by whole steps", ("steps", "parameters"), _square),
    Step("rho", "discrete-gaussian.zcdp", (("square", "square"), ("sigma", "scale"))),
)
"""A release with discrete Gaussian noise, up to its zCDP parameter."""

DISCRETE_PROFILE: tuple[Item, ...] = (
    Leaf("order", Side.EXACT, "the Rényi order of the bound: every order above one is valid"),
    Step("divergence", "zcdp.renyi", (("order", "order"), ("rho", "rho"))),
    Step("delta", "renyi.profile", (("order", "order"), ("divergence", "divergence"), ("epsilon", "epsilon"))),
)
"""Its profile in every dimension."""

DISCRETE_PROFILE_ALONE: tuple[Item, ...] = (
    Enclosure(
        "delta",
        Side.UPPER,
        "the least additive slack at epsilon: a quotient of sums over the integers, in balls (Canonne, Kamath and Steinke 2020)",
        ("epsilon", "steps", "scale"),
        _delta_alone,
    ),
)
"""Its profile where there is one parameter."""

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


CONCENTRATED: tuple[Item, ...] = (
    Leaf("transcript-delta", Side.EXACT, "the delta that is claimed for the whole transcript"),
    Leaf("transcript-order", Side.EXACT, "the Rényi order of the bound: every order above one is valid"),
    Step(
        "transcript-epsilon",
        "zcdp.approximate",
        (("order", "transcript-order"), ("rho", "transcript-rho"), ("delta", "transcript-delta")),
    ),
)
"""The same where the transcript is counted in zCDP."""


def items_of(form: Form) -> tuple[Item, ...]:
    """The whole derivation of a release of this form.

    Theorem: ``distance.comparator`` (upper distance, tolerance; lower strong_convexity).
    Theorem: ``discrete-gaussian.sensitivity`` (upper sensitivity, dimension; exact grid).
    Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
    Theorem: ``gaussian.composition`` (upper first, second).
    Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
    Theorem: ``ridge.strong-convexity`` (lower l2).
    Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
    Theorem: ``zcdp.composition`` (upper first, second).
    Theorem: ``zcdp.gaussian`` (upper sensitivity; lower sigma).
    Theorem: ``zcdp.renyi`` (upper rho; exact order).
    """
    match form.noise:
        case "gaussian":
            first = NOISED
        case "none":
            first = NOISELESS
        case _:
            profile = DISCRETE_PROFILE_ALONE if form.alone else DISCRETE_PROFILE
            first = (*DISCRETE, *(() if form.bare else profile))
    if form.before is None:
        return first
    if form.currency == "mu":
        return (*first, *SEQUENCE, *(() if form.quiet or form.bare else SEQUENCE_PROFILE))
    return (*first, *_concentrated_sequence(form), *(() if form.bare else CONCENTRATED))


def _concentrated_sequence(form: Form) -> tuple[Item, ...]:
    """The sum of both zCDP parameters; that of a Gaussian one is mu²/2.

    Theorem: ``zcdp.composition`` (upper first, second).
    """
    meaning = (
        f"{'zCDP' if form.before == 'rho' else 'Gaussian privacy'} parameter of the transcript up to the previous certificate"
    )
    unit = Leaf("unit", Side.EXACT, "1: a mu-Gaussian law is one release of sensitivity mu at noise 1")
    before = () if form.before == "rho" else (_in_zcdp("previous-rho", "previous-mu", form.unspent),)
    own = () if form.noise == "discrete-gaussian" else (_in_zcdp("rho", "mu", form.noise == "none"),)
    return (
        Leaf(f"previous-{form.before}", Side.UPPER, meaning),
        *((unit,) if any(isinstance(item, Step) for item in (*before, *own)) else ()),
        *before,
        *own,
        Step("transcript-rho", "zcdp.composition", (("first", "previous-rho"), ("second", "rho"))),
    )


def _in_zcdp(name: str, gaussian: str, nothing: bool) -> Item:
    """Theorem: ``zcdp.gaussian`` (upper sensitivity; lower sigma)."""
    if nothing:
        return Leaf(name, Side.EXACT, "0: nothing was spent")
    return Step(name, "zcdp.gaussian", (("sensitivity", gaussian), ("sigma", "unit")))


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
            case Enclosure(name, side, meaning, used, compute):
                nodes[name] = replace(exactly(compute(*(nodes[node] for node in used)), Enclosed(meaning)), side=side)
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
        case Enclosure(name, side, meaning, used, _):
            return Node(
                id=name, kind="enclosed", side=side.value, number=number, meaning=meaning, theorem=None, digest=None,
                inputs=[Input(symbol=node, node=node) for node in used],
            )  # fmt: skip
