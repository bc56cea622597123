"""The gradients of single examples of a model, by a plan that is made once and compared with single backward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import Batch, Unit, mapped
from ..engines.layers import uses_batch_statistics
from ..engines.parameters import Patterns
from ..engines.problem import Loss, Problem, arguments
from ..engines.refusals import OperatorRefused
from ..progress import progress
from .batches import part_of, refuse_uneven, shapes_of
from .cotangents import own_cotangents
from .fallback import CannotBatch, by_layer, by_model, one_by_one
from .layers import Part, Rule, combined, linear, placed, rule_for
from .linear_maps import MAPS, LinearMaps
from .pieces import CHUNK, Held, Nothing, Piece, accumulator
from .plan import Plan, Route, alike, make_plan, scale_of
from .sites import Shape, find_sites
from .taps import Call, Place, Taps, spread_out, tapped
from .tokens import count_tokens, only_token, tokens_each

Pieces = dict[str, Piece]
"""Parameter name to the gradients of the data in it, in the order of the model."""


class _Elsewhere(Exception):
    """The plan does not fit a batch."""


class Engine:
    """Gradients of the own loss of each datum in the chosen parameters; ``plan`` says how they are found in each.

    The plan is tried on the first three examples: what differs from their single backward passes goes a dearer way, and examples that
    act on each other are refused. ``channels_last`` says that channels of pictures lie last in memory, where that makes a model faster.
    Numbers are summed in ``accumulate``, or else in the precision of the model (float32 at least).
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        parameters: Patterns | None = None,
        unit: Unit | str = Unit.EXAMPLE,
        accumulate: torch.dtype | None = None,
    ) -> None:
        self.problem, self.unit = Problem(model, loss, data, parameters), Unit(unit)
        if accumulate is not None and not accumulate.is_floating_point:
            raise ValueError(f"accumulate is a floating-point type or None, not {accumulate}")
        self._accumulate = accumulate or torch.float32
        if (layer := uses_batch_statistics(self.problem.model)) is not None:
            raise OperatorRefused(
                f"the layer {layer!r} normalises by the statistics of the batch, so no example has a gradient of its own",
                "call model.eval() first, and use running statistics",
            )
        self.sites = find_sites(self.problem.model, self.names)
        self._values = self.problem.buffers | {
            name: p.detach() for name, p in zip(self.names, self.problem.parameters, strict=True)
        }
        self._places = _places(self.problem.model)
        self.channels_last = False
        layers = sorted({site.layer for sites in self.sites.values() for site in sites})
        found = {name: self.problem.model.get_submodule(name) for name in layers}
        self.layers = {
            name: layer for name, layer in found.items() if not isinstance(layer, torch.jit.ScriptModule)
        }  # no hooks there
        self.plan: Plan = make_plan(self)
        self.count = self.problem.data.examples if self.unit is Unit.EXAMPLE else count_tokens(self.problem)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of the model."""
        return self.problem.layout.names

    @property
    def formed(self) -> int:
        """The entries of those parameters whose gradients are formed, a few examples at a time."""
        sizes = dict(zip(self.names, self.problem.layout.sizes, strict=True))
        return sum(size for name, size in sizes.items() if self.plan.routes[name] not in (Route.STRUCTURED, Route.MAPS))

    def batches(self, what: str) -> Iterator[tuple[Batch, slice]]:
        """Batches with the places of their data in the result; few examples at a time where gradients are formed."""
        self.problem.refuse_stale()
        data, given, start = self.problem.data, 0, 0
        for batch in progress(data.read(in_order=True), what, data.batches):
            given += 1
            refuse_uneven(batch)
            step = max(1, CHUNK // self.formed) if self.formed else batch.examples
            each = tokens_each(batch) if self.unit is Unit.TOKEN else 1
            for first in range(0, batch.examples, step):
                last = min(first + step, batch.examples)
                part = part_of(batch, slice(first, last))
                for token in range(each):
                    places = slice(start + first * each + token, start + last * each, each)
                    yield part if self.unit is Unit.EXAMPLE else only_token(self.problem, part, token), places
            start += batch.examples * each
        if given < data.batches:
            raise OperatorRefused("all targets of a batch are ignored", "leave that batch out, or use larger batches")

    def gather(self, what: str, work: Callable[[Pieces], Tensor]) -> Tensor:
        """What ``work`` says of the pieces of each batch, [data, ...] in float64, put in the order of the data."""
        result: Tensor | None = None
        for batch, places in self.batches(what):
            pieces = self.pieces(batch)
            values = work(pieces)
            self.refuse_undefined(values, pieces, batch)
            if result is None:
                wide = accumulator(self.problem.device)
                result = torch.zeros(self.count, *values.shape[1:], dtype=wide, device=values.device)
            result[places] = values.to(result.dtype)
        assert result is not None
        return result

    def refuse_undefined(self, values: Tensor, pieces: Pieces, batch: Batch) -> None:
        """Refuse values that are not finite, by the name of the first parameter in which a gradient is not."""
        if bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all()):
            return
        for name, piece in pieces.items():
            if not bool(torch.isfinite(piece.squared_norms()).all()):
                raise OperatorRefused(
                    f"a gradient in the parameter {name!r} in batch {batch.index} is not finite, or its square overflows",
                    "look for a root, norm or logarithm at zero in the model, or pass accumulate=torch.float64 or use a wider type",
                )
        raise OperatorRefused(f"a number of batch {batch.index} overflows", "pass accumulate=torch.float64")

    def pieces(self, batch: Batch) -> Pieces:
        """The gradients of the data of one batch."""
        found: Pieces = {}
        if quick := self._on(Route.STRUCTURED, Route.SPREAD, Route.MAPS, Route.LAYER):
            try:
                found = self._quickly(quick, batch)
            except _Elsewhere as error:
                if self.plan.careful:
                    raise OperatorRefused(
                        f"the layers are called otherwise in batch {batch.index} than in the first one",
                        "pass batches of one kind",
                    ) from error
                self.plan = make_plan(self, careful=True)
                return self.pieces(batch)
        for route, work in ((Route.MODEL, by_model), (Route.SINGLE, one_by_one)):
            if names := self._on(route):
                gradients = work(self.problem, names, batch)
                found |= {name: Held(gradient.to(self._wide(gradient))) for name, gradient in gradients.items()}
        return {name: found[name] for name in self.names}

    def from_pass(self, names: Sequence[str], batch: Batch, plan: Plan) -> Pieces:
        """The gradients in these parameters from one forward and one backward pass."""
        copies = {name: spread_out(self.parameter(name), batch.examples) for name in names if plan.routes[name] is Route.SPREAD}
        leaves = {name: copy.detach().requires_grad_() for name, copy in copies.items()}
        layers = {site.layer for name in names if name not in leaves for site in self.sites[name]}
        with self.watching(plan.spread, batch.examples, layers) as taps:
            outputs = self.forward(batch, leaves, (taps, plan.maps.intersection(names)))
            gradients = taps.backward(outputs, own_cotangents(self.problem, outputs, batch), [*leaves.values()])
        found: Pieces = {
            name: Held(gradient.reshape(-1, *self.parameter(name).shape).to(self._wide(gradient)))
            for name, gradient in zip(leaves, gradients, strict=True)
        }
        for name in names:
            if plan.routes[name] is Route.MAPS:
                found[name] = self.from_maps(name, taps, batch.examples, plan)
            elif name not in leaves:
                found[name] = self.from_taps(name, taps, batch.examples, plan)
        return found

    def from_taps(self, name: str, taps: Taps, examples: int, plan: Plan) -> Piece:
        """The gradients in a parameter by its structured rules, or by vmap of its layers."""
        calls = list(self._calls(name, taps, plan.shapes))
        acting = [found for found in calls if any(cotangent is not None for cotangent in found[1].cotangents)]
        if not acting:
            return Nothing(examples, self.parameter(name))
        if plan.routes[name] is Route.STRUCTURED:
            parts = [
                self._part(rule_for(self.layers[layer]), layer, call, shape, examples)[attribute]
                for layer, call, shape, attribute in acting
            ]
            return combined(parts, examples, self.parameter(name).shape, self.problem.device)
        found = [by_layer(self.layers[layer], attribute, call, shape, examples) for layer, call, shape, attribute in acting]
        total = torch.stack(found).sum(0)
        return Held(total.to(self._wide(total)))

    def from_maps(self, name: str, taps: Taps, examples: int, plan: Plan) -> Piece:
        """The gradients in a parameter by all linear maps that use it, and by the rules of layers of other kinds."""
        parts: list[Part] = []
        size = self.parameter(name).shape
        for place, call in enumerate(taps.calls.get(MAPS, [])):
            for use in call.uses:
                if use.name == name and call.cotangents != [None]:
                    found = self._part(linear, MAPS, call, plan.shapes.get((MAPS, place)), examples)
                    parts.append(placed(found[use.attribute], use.row, size))
        for layer, call, shape, attribute in self._calls(name, taps, plan.shapes):
            if not isinstance(self.layers[layer], (nn.Linear, nn.MultiheadAttention)) and call.cotangents != [None]:
                parts.append(self._part(rule_for(self.layers[layer]), layer, call, shape, examples)[attribute])
        return combined(parts, examples, size, self.problem.device) if parts else Nothing(examples, self.parameter(name))

    def parameter(self, name: str) -> Tensor:
        """The parameter of this name."""
        return self._values[name]

    @contextmanager
    def watching(self, spread: frozenset[Place], examples: int, layers: set[str] | None = None) -> Iterator[Taps]:
        """The taps of these layers (all by default), with gradients switched on."""
        watched = {
            name: layer for name, layer in self.layers.items() if layers is None or name in layers | {s for s, _ in spread}
        }
        with torch.enable_grad(), tapped(watched, Taps(spread, examples)) as taps:
            yield taps

    def forward(
        self, batch: Batch, leaves: dict[str, Tensor] | None = None, maps: tuple[Taps, frozenset[str]] | None = None
    ) -> Tensor:
        """The outputs, of which nothing is differentiated but what is tapped, and these leaves in place of parameters.

        ``maps`` names parameters of which linear maps are tapped wherever they are called.
        """
        inputs, values = batch.inputs, self._values
        if self.channels_last:
            inputs, values = (mapped(tree, _channels_last) for tree in (inputs, values))
        values = values | (leaves or {})
        positional, named = arguments(inputs)
        with ExitStack() as stack:
            stack.enter_context(_layers_called())
            stack.enter_context(self._holding(values))
            if maps is not None and maps[1]:
                stack.enter_context(LinearMaps(maps[0], {name: values[name] for name in maps[1]}))
            outputs = self.problem.model(*positional, **named)
        if not isinstance(outputs, Tensor):
            raise OperatorRefused(f"the model returns {type(outputs).__name__}", "wrap it so that it returns one tensor")
        if not outputs.dim() or outputs.shape[0] != batch.examples:
            raise OperatorRefused(
                f"outputs of shape {tuple(outputs.shape)} have no row for each of {batch.examples} examples",
                "let the model return one row an example",
            )
        return outputs

    @contextmanager
    def _holding(self, values: dict[str, Tensor]) -> Iterator[None]:
        """The model holds these tensors in place of its own; parameters that are not chosen are detached."""
        held = [(where, key, where[key]) for where, key, _ in self._places]
        try:
            for (where, key, own), (*_, name) in zip(held, self._places, strict=True):
                where[key] = values[name] if name in values else own.detach()
            yield
        finally:
            for where, key, own in held:
                where[key] = own

    def _part(self, rule: Rule | None, layer: str, call: Call, shape: Shape | None, examples: int) -> dict[str, Part]:
        x = call.only
        if rule is None or shape is None or x is None or len(shape.outputs) != 1 or len(shape.inputs) != 1:
            raise CannotBatch
        ((into,), (out_of,), (cotangent,)) = shape.inputs, shape.outputs, call.cotangents
        if into is None or out_of is None or cotangent is None:
            raise CannotBatch
        if call.parts is None:
            x, cotangent = into.first(x, examples), out_of.first(cotangent, examples)
            wide = x.to(self._wide(x)) if x.is_floating_point() else x
            call.parts = rule(self.layers.get(layer, self.problem.model), wide, cotangent.to(self._wide(cotangent)), examples)
        parts: dict[str, Part] = call.parts
        return parts

    def _calls(self, name: str, taps: Taps, known: dict[Place, Shape]) -> Iterator[tuple[str, Call, Shape, str]]:
        for site in self.sites[name]:
            for place, call in enumerate(taps.calls.get(site.layer, [])):
                shape = known.get((site.layer, place))
                if shape is None or len(shape.outputs) != len(call.cotangents):
                    raise CannotBatch
                yield site.layer, call, shape, site.attribute

    def _quickly(self, names: Sequence[str], batch: Batch) -> Pieces:
        """By one pass. Where the plan took a dimension for the examples, tensors of other shapes are tried first on the last example."""
        try:
            found = self.from_pass(names, batch, self.plan)
        except (CannotBatch, ValueError, RuntimeError) as error:
            if isinstance(error, (OperatorRefused, torch.OutOfMemoryError)):
                raise
            raise _Elsewhere from error
        if self.plan.guessed and (look := shapes_of(batch)) not in self.plan.tried:
            end = slice(batch.examples - 1, batch.examples)
            reference = one_by_one(self.problem, names, part_of(batch, end))
            scale = scale_of(reference)
            if not all(alike(piece.dense(end), reference[name], scale) for name, piece in found.items()):
                raise _Elsewhere
            self.plan.tried.add(look)
        return found

    def _on(self, *routes: Route) -> list[str]:
        return [name for name in self.names if self.plan.routes[name] in routes]

    def _wide(self, tensor: Tensor) -> torch.dtype:
        return torch.promote_types(tensor.dtype, self._accumulate)


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor  # contiguous() leaves one channel first


def _places(model: nn.Module) -> list[tuple[Any, str, str]]:
    """Where layers hold tensors: the dictionary, the key, and the name of the tensor in the model."""
    names = {id(tensor): name for named in (model.named_parameters(), model.named_buffers()) for name, tensor in named}
    return [
        (where, key, names[id(tensor)])
        for layer in model.modules()
        for where in (layer._parameters, layer._buffers)
        for key, tensor in where.items()
        if tensor is not None
    ]


@contextmanager
def _layers_called() -> Iterator[None]:
    """Transformer layers of torch call their parts one by one, not one kernel that goes around them."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
