"""The gradients of single examples of a model, by a plan that is made once and compared with single backward passes."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import Batch, first_examples, mapped
from ..engines.layers import uses_batch_statistics
from ..engines.parameters import Patterns
from ..engines.probes import refuse_changing
from ..engines.problem import Loss, Problem, arguments
from ..engines.refusals import OperatorRefused
from ..progress import progress
from .cotangents import own_cotangents, refuse_uneven
from .fallback import CannotBatch, by_layer, by_model, by_model_in, one_by_one
from .layers import Part, combined, rule_for
from .pieces import CHUNK, Held, Nothing, Piece, at_least_single
from .sites import Shape, find_sites, shapes
from .taps import Call, Taps, tapped

Pieces = dict[str, Piece]
"""Parameter name to the gradients of the examples in it, in the order of the model."""
_PROBED = 3


class Route(enum.Enum):
    """How the gradients in a parameter are found, the cheapest first; the value says it in words."""

    STRUCTURED = "from the inputs and cotangents of its layers"
    LAYER = "by vmap of its layer"
    MODEL = "by vmap of the model"
    SINGLE = "by one backward pass for each example"


class Engine:
    """Gradients of the own loss of each example in the chosen parameters; ``routes`` says how they are found in each.

    The plan is tried on the first three examples: what differs from their single backward passes goes a dearer way, and examples that
    act on each other are refused.
    """

    def __init__(self, model: nn.Module, loss: Loss, data: Any, *, parameters: Patterns | None = None) -> None:
        self.problem = problem = Problem(model, loss, data, parameters)
        if (layer := uses_batch_statistics(problem.model)) is not None:
            raise OperatorRefused(
                f"the layer {layer!r} normalises by the statistics of the batch, so no example has a gradient of its own",
                "call model.eval() first, and use running statistics",
            )
        self._sites = find_sites(problem.model, self.names)
        layers = sorted({site.layer for sites in self._sites.values() for site in sites})
        self._layers = {name: problem.model.get_submodule(name) for name in layers}
        self._shapes: dict[tuple[str, int], Shape] = {}
        self.routes = dict.fromkeys(self.names, Route.SINGLE)
        self._plan()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of the model."""
        return self.problem.layout.names

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self.problem.data.examples

    @property
    def formed(self) -> int:
        """The entries of those parameters whose gradients are formed, a few examples at a time."""
        sizes = dict(zip(self.names, self.problem.layout.sizes, strict=True))
        return sum(size for name, size in sizes.items() if self.routes[name] is not Route.STRUCTURED)

    def batches(self, what: str) -> Iterator[Batch]:
        """The batches in the order of the data, large ones in parts where gradients have to be formed."""
        self.problem.refuse_stale()
        data, given = self.problem.data, 0
        for batch in progress(data.read(in_order=True), what, data.batches):
            given += 1
            refuse_uneven(batch)
            step = max(1, CHUNK // self.formed) if self.formed else batch.examples
            for start in range(0, batch.examples, step):
                yield _part(batch, slice(start, start + step))
        if given < data.batches:
            raise OperatorRefused("all targets of a batch are ignored", "leave that batch out, or use larger batches")

    def pieces(self, batch: Batch) -> Pieces:
        """The gradients of the examples of one batch."""
        found: Pieces = {}
        tapped_names = self._on(Route.STRUCTURED) + self._on(Route.LAYER)
        if tapped_names:
            taps = self._pass(batch, tapped_names)
            try:
                found = {name: self._from_taps(name, taps, batch) for name in tapped_names}
            except (CannotBatch, ValueError) as error:
                raise OperatorRefused(
                    f"the layers are called otherwise in batch {batch.index} than in the first one", "pass batches of one kind"
                ) from error
            self._compare_last(batch, found)
        if names := self._on(Route.MODEL):
            found |= {name: Held(gradients) for name, gradients in by_model_in(self.problem, names, batch).items()}
        if names := self._on(Route.SINGLE):
            found |= {name: Held(gradients) for name, gradients in one_by_one(self.problem, names, batch).items()}
        return {name: found[name] for name in self.names}

    def taps(self, batch: Batch, cotangents: Callable[[Tensor], Sequence[Tensor]]) -> Iterator[Taps]:
        """One forward pass for each of the cotangents that the function makes of the outputs, with the taps of all layers."""
        first = self._forward(batch)
        for cotangent in cotangents(first):
            with torch.enable_grad(), tapped(self._layers) as taps:
                taps.backward(self._forward(batch), cotangent)
            yield taps

    def structured(self, name: str, taps: Taps, examples: int) -> Piece:
        """The gradients in a parameter by the structured rules; raises :class:`CannotBatch` where there is none."""
        parameter = self._parameter(name)
        parts: list[Part] = []
        for layer, call, shape, attribute in self._calls(name, taps):
            rule, x = rule_for(self._layers[layer]), call.only
            if rule is None or x is None or len(shape.outputs) != 1 or len(shape.inputs) != 1:
                raise CannotBatch
            ((into,), (out_of,), (cotangent,)) = shape.inputs, shape.outputs, call.cotangents
            if into is None or out_of is None:
                raise CannotBatch
            if cotangent is not None:
                if call.parts is None:
                    x, cotangent = into.first(x, examples), out_of.first(cotangent, examples)
                    call.parts = rule(self._layers[layer], x, cotangent, examples)
                parts.append(call.parts[attribute])
        return combined(parts, examples, parameter.shape, parameter.device) if parts else Nothing(examples, parameter)

    def _from_taps(self, name: str, taps: Taps, batch: Batch) -> Piece:
        if self.routes[name] is Route.STRUCTURED:
            return self.structured(name, taps, batch.examples)
        found = [
            by_layer(self._layers[layer], attribute, call, shape, batch.examples)
            for layer, call, shape, attribute in self._calls(name, taps)
            if any(cotangent is not None for cotangent in call.cotangents)
        ]
        return Held(torch.stack(found).sum(0)) if found else Nothing(batch.examples, self._parameter(name))

    def _calls(self, name: str, taps: Taps) -> Iterator[tuple[str, Call, Shape, str]]:
        for site in self._sites[name]:
            for place, call in enumerate(taps.calls.get(site.layer, [])):
                shape = self._shapes.get((site.layer, place))
                if shape is None or len(shape.outputs) != len(call.cotangents):
                    raise CannotBatch
                yield site.layer, call, shape, site.attribute

    def _parameter(self, name: str) -> Tensor:
        return self.problem.parameters[self.names.index(name)]

    def _on(self, route: Route) -> list[str]:
        return [name for name in self.names if self.routes[name] is route]

    def _forward(self, batch: Batch) -> Tensor:
        parameters = dict(self.problem.model.named_parameters()) | dict(zip(self.names, self.problem.parameters, strict=True))
        values = {name: parameter.detach() for name, parameter in parameters.items()}
        positional, named = arguments(batch.inputs)
        with _layers_called():
            outputs = torch.func.functional_call(self.problem.model, {**self.problem.buffers, **values}, positional, named)
        if not isinstance(outputs, Tensor):
            raise OperatorRefused(f"the model returns {type(outputs).__name__}", "wrap it so that it returns one tensor")
        if not outputs.dim() or outputs.shape[0] != batch.examples:
            raise OperatorRefused(
                f"outputs of shape {tuple(outputs.shape)} have no row for each of {batch.examples} examples",
                "let the model return one row an example",
            )
        return outputs

    def _pass(self, batch: Batch, names: Sequence[str]) -> Taps:
        wanted = {site.layer for name in names for site in self._sites[name]}
        with torch.enable_grad(), tapped({name: layer for name, layer in self._layers.items() if name in wanted}) as taps:
            outputs = self._forward(batch)
            taps.backward(outputs, own_cotangents(self.problem, outputs, batch))
        return taps

    def _plan(self) -> None:
        """Choose the routes; where no batch has two examples each is passed backward by itself."""
        small = None
        for batch in self.problem.data.read():
            small = first_examples(batch, _PROBED)
            if small is None:
                refuse_uneven(batch)
            elif small.examples > 1:
                break
        if small is None:
            raise OperatorRefused("inputs and targets hold no tensor", "pass tensors")
        if small.examples == 1:
            refuse_changing(self.problem, small)
            return
        taps = self._measure(small)
        reference = one_by_one(self.problem, self.names, small)
        whole = max(float(torch.linalg.vector_norm(at_least_single(g))) for g in reference.values())
        for name in self.names:
            for route in Route:
                self.routes[name] = route
                if route is Route.SINGLE or self._agrees(name, reference[name], taps, small, whole):
                    break

    def _measure(self, small: Batch) -> Taps:
        """Find the shapes of all calls by leaving out one example; refuse a model in which that changes the outputs of the others."""
        fewer = _part(small, slice(0, small.examples - 1))
        with torch.enable_grad(), tapped(self._layers) as few:
            apart = self._forward(fewer).detach()
        with torch.enable_grad(), tapped(self._layers) as taps:
            together = self._forward(small)
        if apart.shape != together[:-1].shape:
            raise OperatorRefused(
                f"the outputs change in shape, from {tuple(apart.shape)} to {tuple(together[:-1].shape)}, with the number of examples",
                "let the model return one row an example",
            )
        gap = torch.linalg.vector_norm(at_least_single(apart - together[:-1].detach()))
        if gap > torch.finfo(apart.dtype).eps ** 0.5 * torch.linalg.vector_norm(at_least_single(apart)):
            refuse_changing(self.problem, small)
            raise OperatorRefused(
                "the output of an example changes with the other examples of its batch, so none has a gradient of its own",
                "call model.eval() first, and use no batch statistics",
            )
        taps.backward(together, own_cotangents(self.problem, together, small))
        self._shapes = shapes(few, taps, (fewer.examples, small.examples))
        return taps

    def _agrees(self, name: str, reference: Tensor, taps: Taps, small: Batch, whole: float) -> bool:
        try:
            if self.routes[name] is Route.MODEL:
                found = by_model(self.problem, name, small)
            else:
                found = self._from_taps(name, taps, small).dense(slice(0, small.examples))
        except (CannotBatch, ValueError):
            return False
        return found.shape == reference.shape and self._alike(found, reference, whole)

    def _alike(self, found: Tensor, reference: Tensor, whole: float) -> bool:
        eps = torch.finfo(self.problem.dtype).eps
        gap = torch.linalg.vector_norm(at_least_single(found) - at_least_single(reference))
        return bool(gap <= eps**0.5 * torch.linalg.vector_norm(at_least_single(reference)) + 10 * eps * whole)

    def _compare_last(self, batch: Batch, pieces: Pieces) -> None:
        """Where rows of several examples lie in one dimension, compare the last example with its own backward pass."""
        if not any(counting is not None and counting.each > 1 for shape in self._shapes.values() for counting in shape.inputs):
            return
        end = slice(batch.examples - 1, batch.examples)
        reference = one_by_one(self.problem, list(pieces), _part(batch, end))
        whole = max(float(torch.linalg.vector_norm(at_least_single(g))) for g in reference.values())
        for name, piece in pieces.items():
            if not self._alike(piece.dense(end), reference[name], whole):
                raise OperatorRefused(
                    f"the rows of the layer of {name!r} do not lie example by example in batch {batch.index}",
                    "keep a dimension for the examples in the layers of the model",
                )


def _part(batch: Batch, rows: slice) -> Batch:
    if rows.start == 0 and rows.stop >= batch.examples:
        return batch
    inputs, targets = (mapped(tree, lambda tensor: tensor[rows]) for tree in (batch.inputs, batch.targets))
    return replace(batch, inputs=inputs, targets=targets)


@contextmanager
def _layers_called() -> Iterator[None]:
    """Transformer layers of torch call their parts one by one, not one kernel that goes around them."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
