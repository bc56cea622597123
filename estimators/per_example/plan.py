"""The plan of an engine: how the gradients in each parameter are found, tried on the first three examples."""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..engines.data import Batch, first_examples
from ..engines.probes import refuse_changing
from ..engines.refusals import OperatorRefused
from .batches import part_of, refuse_uneven, shapes_of
from .cotangents import own_cotangents, refuse_coupled
from .fallback import CannotBatch, by_model, one_by_one
from .layers import rule_for
from .linear_maps import MAPS
from .pieces import at_least_single
from .sites import Shape, shapes
from .taps import Place, Taps

if TYPE_CHECKING:
    from .engine import Engine

_PROBED = 3
_FAILED = (CannotBatch, ValueError, RuntimeError, IndexError, TypeError, Warning)


class Route(enum.Enum):
    """How the gradients in a parameter are found, the cheapest first; the value says it in words."""

    STRUCTURED = "from the inputs and cotangents of its layers"
    SPREAD = "from a copy for each example"
    MAPS = "from the inputs and cotangents of all linear maps"
    LAYER = "by vmap of its layer"
    MODEL = "by vmap of the model"
    SINGLE = "by one backward pass for each example"


@dataclass(frozen=True)
class Plan:
    """The route of each parameter; what counts the examples at each call; the calls whose outputs are copied for each example."""

    routes: dict[str, Route]
    shapes: dict[Place, Shape] = field(default_factory=dict)
    spread: frozenset[Place] = frozenset()

    maps: frozenset[str] = frozenset()
    careful: bool = False
    tried: set[tuple[torch.Size, ...]] = field(default_factory=set)

    @property
    def guessed(self) -> bool:
        """Whether tensors of other shapes could show that the plan took a wrong dimension for the examples."""
        folded = any(counting is not None and counting.each > 1 for shape in self.shapes.values() for counting in shape.inputs)
        return folded or bool(self.spread) or Route.SPREAD in self.routes.values()


def make_plan(engine: Engine, *, careful: bool = False) -> Plan:
    """Choose the cheapest routes that agree with single backward passes; where no batch has two examples, those are taken.

    A ``careful`` plan spreads nothing and takes linear maps as layers only: those ways depend more on what a batch looks like.
    """
    small = None
    for batch in engine.problem.data.read():
        small = first_examples(batch, _PROBED)
        if small is None:
            refuse_uneven(batch)
        elif small.examples > 1:
            break
    if small is None:
        raise OperatorRefused("inputs and targets hold no tensor", "pass tensors")
    plan = Plan(dict.fromkeys(engine.names, Route.SINGLE), careful=careful)
    if small.examples == 1:
        refuse_changing(engine.problem, small)
        return plan
    engine.channels_last = _runs_with_channels_last(engine, small)
    try:
        spread, known, taps = _measure(engine, small, spreading=not careful)
    except CannotBatch:  # a checkpoint runs its layers again in the backward pass
        one_by_one(engine.problem, engine.names, small, acting=True)
        return plan
    plan = replace(plan, spread=spread, shapes=known, tried={shapes_of(small)})
    reference = one_by_one(engine.problem, engine.names, small, acting=True)
    scale = scale_of(reference)
    cheap = [Route.STRUCTURED] if careful else [Route.STRUCTURED, Route.SPREAD]
    _choose(engine, cheap, reference, scale, taps, small, plan)
    if not careful:
        plan = _with_maps(engine, plan, reference, scale, small)
    _choose(engine, [Route.LAYER, Route.MODEL], reference, scale, taps, small, plan)
    return plan


def _runs_with_channels_last(engine: Engine, small: Batch) -> bool:
    """Whether a model with convolutions gives the same when channels lie last: on a processor they are faster in single precision, and pools more so."""
    problem, found = engine.problem, []
    single = problem.device.type == "cpu" and problem.dtype in (torch.float32, torch.bfloat16)
    if not single or not any(isinstance(layer, nn.Conv2d) for layer in problem.model.modules()):
        return False
    try:
        with _trying(), torch.no_grad():
            for engine.channels_last in (False, True):
                found.append(engine.forward(small))
    except _FAILED:
        return False
    return _close(found[1], found[0])


def _choose(
    engine: Engine, routes: list[Route], reference: dict[str, Tensor], scale: Scale, taps: Taps, small: Batch, plan: Plan
) -> None:
    """Give each parameter without a route of its own the first of these that agrees."""
    for name in engine.names:
        if plan.routes[name] is not Route.SINGLE:
            continue
        for route in routes:
            if route is Route.SPREAD and not _is_used_by_the_users_code(engine, name):
                continue
            plan.routes[name] = route
            if _agrees(engine, name, reference[name], scale, taps, small, plan):
                break
            plan.routes[name] = Route.SINGLE


def _with_maps(engine: Engine, plan: Plan, reference: dict[str, Tensor], scale: Scale, small: Batch) -> Plan:
    """The plan in which parameters without a route are found by their linear maps, where that agrees."""
    dearer = frozenset(name for name in engine.names if plan.routes[name] is Route.SINGLE)
    if not dearer:
        return plan
    shorter = _shorter(small)
    with engine.watching(plan.spread, shorter.examples) as few:
        engine.forward(shorter, None, (few, dearer))
    with engine.watching(plan.spread, small.examples) as taps:
        outputs = engine.forward(small, None, (taps, dearer))
    if MAPS not in taps.calls:
        return plan
    taps.backward(outputs, own_cotangents(engine.problem, outputs, small))
    plan = replace(plan, shapes=plan.shapes | shapes(few, taps, (shorter.examples, small.examples)))
    found = set()
    for name in dearer:
        try:
            gradients = engine.from_maps(name, taps, small.examples, plan).dense(slice(0, small.examples))
        except _FAILED:
            continue
        if alike(gradients, reference[name], scale):
            found.add(name)
            plan.routes[name] = Route.MAPS
    return replace(plan, maps=frozenset(found))


@dataclass(frozen=True)
class Scale:
    """The rounding unit of some gradients, and the size of the largest in one parameter."""

    eps: float
    largest: float


def scale_of(gradients: dict[str, Tensor]) -> Scale:
    """The scale of these gradients."""
    return Scale(max(torch.finfo(gradient.dtype).eps for gradient in gradients.values()), max(map(_size, gradients.values())))


def alike(found: Tensor, reference: Tensor, scale: Scale) -> bool:
    """Whether gradients in one parameter are the reference, up to half the digits, or to rounding beside those in the other parameters."""
    if found.shape != reference.shape:
        return False
    gap = _size(at_least_single(found) - at_least_single(reference))
    return gap <= math.sqrt(scale.eps) * _size(reference) + 10 * scale.eps * scale.largest


def _size(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(at_least_single(tensor)))


def _refuse_mixing(engine: Engine, small: Batch, together: Tensor, apart: Tensor) -> None:
    """Refuse a model or a loss in which leaving out the last example changes something for the others."""
    if apart.shape != together[:-1].shape:
        raise OperatorRefused(
            f"the outputs change in shape, from {tuple(apart.shape)} to {tuple(together[:-1].shape)}, with the number of examples",
            "let the model return one row an example",
        )
    if not _close(apart, together[:-1]):
        refuse_changing(engine.problem, small)
        raise OperatorRefused(
            "the output of an example changes with the other examples of its batch, so none has a gradient of its own",
            "call model.eval() first, and use no batch statistics",
        )
    refuse_coupled(engine.problem, together, small)


def _measure(engine: Engine, small: Batch, *, spreading: bool) -> tuple[frozenset[Place], dict[Place, Shape], Taps]:
    """Find what counts the examples at each call. The first call for no example in particular is spread, then the next, while outputs stay."""
    shorter = _shorter(small)
    spread: frozenset[Place] = frozenset()
    refused: set[Place] = set()
    plain: Tensor | None = None
    while True:
        with engine.watching(spread, shorter.examples) as few:
            apart = engine.forward(shorter).detach()
        with engine.watching(spread, small.examples) as taps:
            outputs = engine.forward(small)
        if plain is None:
            plain = outputs.detach()
            _refuse_mixing(engine, small, plain, apart)
        known = shapes(few, taps, (shorter.examples, small.examples))
        constant = [place for place, shape in known.items() if shape.constant and place not in refused | spread]
        constant = [place for place in constant if rule_for(engine.layers[place[0]]) is not None]
        if not constant or not spreading:
            try:
                taps.backward(outputs, own_cotangents(engine.problem, outputs, small))
            except RuntimeError as error:
                raise CannotBatch from error
            return spread, known, taps
        first = min(constant, key=lambda place: taps.calls[place[0]][place[1]].order)
        if _unchanged(engine, spread | {first}, small, plain):
            spread |= {first}
        else:
            refused.add(first)


def _unchanged(engine: Engine, spread: frozenset[Place], small: Batch, together: Tensor) -> bool:
    try:
        for batch, outputs in ((small, together), (_shorter(small), together[:-1])):
            with _trying(), engine.watching(spread, batch.examples):
                if not _close(engine.forward(batch).detach(), outputs):
                    return False
    except _FAILED:
        return False
    return True


@contextmanager
def _trying() -> Iterator[None]:
    """Where torch warns, a way is not taken: of tensors of other sizes than usual, or a rule that is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _close(found: Tensor, reference: Tensor) -> bool:
    if found.shape != reference.shape:
        return False
    return _size(found - reference) <= math.sqrt(torch.finfo(reference.dtype).eps) * _size(reference)


def _agrees(engine: Engine, name: str, reference: Tensor, scale: Scale, taps: Taps, small: Batch, plan: Plan) -> bool:
    every = slice(0, small.examples)
    tries: dict[Route, Callable[[], Tensor]] = {
        Route.STRUCTURED: lambda: engine.from_taps(name, taps, small.examples, plan).dense(every),
        Route.SPREAD: lambda: engine.from_pass([name], small, plan)[name].dense(every),
        Route.LAYER: lambda: engine.from_taps(name, taps, small.examples, plan).dense(every),
        Route.MODEL: lambda: by_model(engine.problem, [name], small)[name],
    }
    try:
        with _trying():
            return alike(tries[plan.routes[name]](), reference, scale)
    except _FAILED:
        return False


def _is_used_by_the_users_code(engine: Engine, name: str) -> bool:
    """A layer of torch would have a rule, or uses its parameters in another way than by adding or multiplying along the examples."""
    layers = [engine.layers.get(site.layer) for site in engine.sites[name]]
    return not any(layer is None or type(layer).__module__.startswith("torch.nn.") for layer in layers)


def _shorter(batch: Batch) -> Batch:
    return part_of(batch, slice(0, batch.examples - 1))
