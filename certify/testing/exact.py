"""Checks that hold bit for bit: determinism, purity, legal and illegal requests, well-formed claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from certify.objectives.dataset import Dataset

from .check import Check, Refuted, Skip, check
from .parameters import distance, flatten, layout, resolution
from .problems import Problem, copied, exchanged
from .subject import Subject

_SIZES = ((50, 1), (50, 7), (1000, 1), (1000, 100), (12, 5))


@check("exact.guarantee", needs=("guarantee",))
def guarantee(subject: Subject) -> str:
    """The guarantee names a known notion, an epsilon of at least 0 and a delta in [0, 1)."""
    claimed = subject.guarantee
    if claimed is None:
        raise Skip("the method claims no guarantee")
    return f"{claimed.notion.value} with (epsilon, delta) = ({claimed.epsilon.value:g}, {claimed.delta.value:g})"


@check("exact.output")
def output(subject: Subject) -> str:
    """The released parameters are finite and have the names and shapes of the retrained ones."""
    problem = subject.problem("exact")
    state, retained = subject.train(problem.data), subject.train(problem.retained)
    released = subject.method.unlearn(state, list(problem.forget), subject.generator("output"))
    comparison = subject.method.unlearn(retained, [], subject.generator("output"))
    for name, parameters in (("unlearned", released), ("retrained", comparison)):
        if not np.all(np.isfinite(flatten(parameters))):
            raise Refuted(f"the {name} model has a parameter that is nan or infinite")
    if layout(released) != layout(comparison):
        raise Refuted(f"the unlearned model is laid out as {layout(released)}, the retrained one as {layout(comparison)}")
    return f"{flatten(released).size} finite parameters"


@check("exact.repeatable")
def repeatable(subject: Subject) -> str:
    """The same data, request and generator give the same output, whatever was trained in between."""
    problem, other = subject.problem("exact"), subject.problem("another")
    outputs = []
    for _ in range(2):
        state = subject.train(problem.data)
        subject.train(other.data)
        outputs.append(subject.release(state, problem.forget, subject.generator("repeat")))
    if not np.array_equal(outputs[0], outputs[1]):
        raise Refuted(
            f"equal generators, outputs {distance(outputs[0], outputs[1]):.3g} apart: draw all randomness from the generator"
        )
    return "two runs with equal generators agree bit for bit"


@check("exact.state-kept")
def state_kept(subject: Subject) -> str:
    """Unlearning leaves the trained state as it was: a second request on it is not affected by the first."""
    problem = subject.problem("exact")
    state = subject.train(problem.data)
    first = subject.release(state, problem.forget, subject.generator("kept"))
    subject.release(state, problem.forget[:1], subject.generator("kept"))
    second = subject.release(state, problem.forget, subject.generator("kept"))
    if not np.array_equal(first, second):
        raise Refuted(
            f"another request moved the answer to this one by {distance(first, second):.3g}: copy the state before changing it"
        )
    return "the state answers the same request alike before and after another one"


@check("exact.data-kept")
def data_kept(subject: Subject) -> str:
    """Training and unlearning do not write into the data set."""
    data = subject.problem("exact").data
    held = copied(data)
    state = subject.method.train(held, subject.generator("train"))
    subject.release(state, subject.problem("exact").forget, subject.generator("kept"))
    for name in ("features", "labels", "ids"):
        if not np.array_equal(getattr(held, name), getattr(data, name)):
            raise Refuted(f"the method changed the {name} that it was given")
    return "features, labels and ids are unchanged"


@check("exact.request-order")
def request_order(subject: Subject) -> str:
    """The order in which ids are listed does not matter."""
    problem = subject.problem("exact", forget=4)
    if len(problem.forget) < 2:
        raise Skip("the data set is too small to forget two rows")
    state = subject.train(problem.data)
    forward = subject.model(state, problem.forget)
    backward = subject.model(state, tuple(reversed(problem.forget)))
    allowed = _allowed(subject, state, problem) + resolution(forward, backward)
    if not (gap := distance(forward, backward)) <= allowed:
        raise Refuted(f"listing the ids in reverse moves the model by {gap:.3g}")
    return f"reversing a list of {len(problem.forget)} ids moves the model by {gap:.3g}"


@check("exact.names-not-positions")
def names_not_positions(subject: Subject) -> str:
    """Ids name rows: after an earlier removal the rows asked for are forgotten, not those at these positions."""
    original = subject.problem("exact")
    dropped = [int(item) for item in original.data.ids if int(item) not in original.forget][:2]
    named = original.data.without(dropped)
    if any(
        len(np.unique(part.labels)) != len(np.unique(original.data.labels)) for part in (named, named.without(original.forget))
    ):
        raise Skip("the data set is too small to remove two more rows")
    places = {int(name): place for place, name in enumerate(named.ids)}
    renumbered = Problem(Dataset(named.features, named.labels), tuple(places[item] for item in original.forget))
    one = subject.model(subject.train(named), original.forget)
    other_state = subject.train(renumbered.data)
    other = subject.model(other_state, renumbered.forget)
    if not (gap := distance(one, other)) <= _allowed(subject, other_state, renumbered) + resolution(one, other):
        raise Refuted(f"numbering the rows anew moves the unlearned model by {gap:.3g}: look ids up in data.ids")
    return "rows keep their names after earlier removals"


@check("exact.unknown-id")
def unknown_id(subject: Subject) -> str:
    """A request for an id that is not in the data is refused."""
    problem = subject.problem("exact")
    state = subject.train(problem.data)
    error = None
    for stranger in (int(problem.data.ids.max()) + 1, int(problem.data.ids.min()) - 1):
        error = _refusal(subject, state, [*problem.forget, stranger])
        if error is None:
            raise Refuted(f"forgetting id {stranger}, which is not in the data, was not refused: raise an error")
    return f"refused: {error}"


@check("exact.repeated-id")
def repeated_id(subject: Subject) -> str:
    """A request that lists an id twice is refused, or treated as if it were listed once."""
    problem = subject.problem("exact")
    state = subject.train(problem.data)
    twice = [*problem.forget, problem.forget[0]]
    if (error := _refusal(subject, state, twice)) is not None:
        return f"refused: {error}"
    once, repeated = subject.model(state, problem.forget), subject.model(state, twice)
    if not (gap := distance(once, repeated)) <= _allowed(subject, state, problem) + resolution(once, repeated):
        raise Refuted(f"listing an id twice moves the model by {gap:.3g}: refuse it or count it once")
    return "counted once"


@check("exact.empty-request")
def empty_request(subject: Subject) -> str:
    """A request for nothing is legal, and is noised if other requests are."""
    problem = subject.problem("exact")
    state = subject.train(problem.data)

    def varies(forget: Sequence[int]) -> bool:
        released = [subject.release(state, forget, subject.generator("empty", index)) for index in range(2)]
        return not np.array_equal(released[0], released[1])

    noised = varies(problem.forget) or (subject.has("noise_scale") and subject.scale(problem.data.count, 0) > 0)
    if noised and not varies(()):
        raise Refuted("a request for ids is noised and the empty request is not: the two are told apart at sight")
    return "the empty request is answered with noise" if noised else "the empty request is answered; nothing here is noised"


@check("exact.noise-from-sizes", needs=("noise_scale",))
def noise_from_sizes(subject: Subject) -> str:
    """The noise scale depends on the retained count alone: noise_scale(n, m) == noise_scale(n - m, 0)."""
    subject.skip_if_matched()
    for count, forgotten in _SIZES:
        here, there = subject.scale(count, forgotten), subject.scale(count - forgotten, 0)
        if here != there:
            raise Refuted(
                f"noise_scale({count}, {forgotten}) = {here:.6g} but noise_scale({count - forgotten}, 0) = {there:.6g}: "
                "the scale gives the request away"
            )
    return f"equal on {len(_SIZES)} pairs of sizes"


@check("exact.retraining-is-blind")
def retraining_is_blind(subject: Subject) -> str:
    """The retrained model is not influenced by the forgotten rows, not even by an earlier training on them."""
    problem = subject.problem("exact")
    models = []
    for variant in (problem, exchanged(problem, weight=1.0, flip=True)):
        subject.train(variant.data)
        if subject.has("retrain"):
            parameters = subject.method.retrain(copied(variant.retained), subject.generator("retrain"))
            models.append(flatten(parameters))
        else:
            models.append(subject.release(subject.train(variant.retained), (), subject.generator("retrain")))
    if not np.array_equal(models[0], models[1]):
        raise Refuted(
            f"the retrained model moved by {distance(models[0], models[1]):.3g} with rows that were trained on before: start cold"
        )
    return "the same bits after training on two different sets of forgotten rows"


@check("exact.zero-claim", needs=("guarantee",))
def zero_claim(subject: Subject) -> str:
    """A deterministic method that claims epsilon = 0 and delta = 0 releases the retrained model bit for bit."""
    claim = subject.claim
    if claim.epsilon or claim.delta:
        raise Skip("the method does not claim epsilon = 0 and delta = 0")
    for index in range(8):
        problem = subject.problem(("zero", index))
        state, retained = subject.train(problem.data), subject.train(problem.retained)
        first, second = (subject.release(state, problem.forget, subject.generator("zero", seed)) for seed in range(2))
        if not np.array_equal(first, second):
            raise Skip("the releases are random: equality in law is for statistical.audit")
        if not np.array_equal(first, comparison := subject.release(retained, (), subject.generator("zero", 0))):
            raise Refuted(
                f"epsilon = 0 is claimed, and the release differs from the retrained one by {distance(first, comparison):.3g}"
            )
    return "8 problems, every release equal to the retrained one bit for bit"


def _refusal(subject: Subject, state: Any, forget: Sequence[int]) -> str | None:
    try:
        subject.method.unlearn(state, list(forget), subject.generator("refusal"))
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
    return None


def _allowed(subject: Subject, state: Any, problem: Problem) -> float:
    """Twice the declared distance: how far two noiseless models of one request may lie apart."""
    if subject.has("noiseless") and subject.has("distance_bound"):
        return 2 * subject.declared_distance(state, problem.forget)
    return 0.0


CHECKS: tuple[Check, ...] = (
    guarantee,
    output,
    repeatable,
    state_kept,
    data_kept,
    request_order,
    names_not_positions,
    unknown_id,
    repeated_id,
    empty_request,
    noise_from_sizes,
    retraining_is_blind,
    zero_claim,
)
