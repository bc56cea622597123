"""What a forward and a backward pass leave at chosen layers: the inputs of each call, and the cotangents of its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.hooks import RemovableHandle

from ..engines.data import mapped, tensors_of
from ..engines.refusals import OperatorRefused

Inputs = tuple[tuple[Any, ...], dict[str, Any]]
"""The positional and the named arguments of a call."""
Place = tuple[str, int]
"""The name of a layer, and which of its calls is meant."""


class _Tied(torch.autograd.Function):
    """The same numbers, as a tensor of its own to which an anchor ties the graph: there is no copy, and it may be overwritten."""

    generate_vmap_rule = True

    @staticmethod
    def forward(output: Tensor, anchor: Tensor) -> Tensor:
        return output.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[None, None]:
        return None, None


class Call:
    """One call of a layer. ``cotangents`` holds, for each floating-point output, the derivative in it (None where it does not act)."""

    def __init__(self, layer: str, inputs: Inputs, order: int) -> None:
        self.layer, self.order = layer, order
        positional, named = inputs
        self.only: Tensor | None = None  # the one positional tensor that the layer was called with
        if len(positional) == 1 and not named and isinstance(positional[0], Tensor):
            self.only = positional[0].detach()
        self.inputs: Inputs = mapped(inputs, Tensor.detach) if self.only is None else ((self.only,), {})
        held = tensors_of(self.inputs) if self.only is None else (self.only,)
        self._watched = [(tensor, tensor._version) for tensor in held]
        self.outputs: list[torch.Size] = []
        self.cotangents: list[Tensor | None] = []
        self.edges: dict[int, GradientEdge] = {}
        self.parts: Any = None  # what a structured rule made of this call
        self.uses: tuple[Any, ...] = ()  # of a linear map: which parameters it uses

    def tap(self, output: Tensor, anchors: dict[torch.dtype, Tensor]) -> Tensor:
        """Note the cotangent of this output when it comes; an output that nothing is differentiated in is tied to an anchor."""
        if not output.is_floating_point():
            return output
        place = len(self.outputs)
        self.outputs.append(output.shape)
        self.cotangents.append(None)
        if not output.requires_grad:
            anchor = anchors.get(output.dtype)
            if anchor is None:
                anchor = anchors[output.dtype] = torch.zeros((), dtype=output.dtype, device=output.device, requires_grad=True)
            output = _Tied.apply(output, anchor)  # type: ignore[no-untyped-call]
        if output.requires_grad:  # not inside torch.no_grad
            self.edges[place] = get_gradient_edge(output)  # stays that of this output when it is overwritten
        return output

    def refuse_overwritten(self) -> None:
        """Refuse inputs that were written into after the call."""
        if any(tensor._version != version for tensor, version in self._watched):
            raise OperatorRefused(
                f"the input of the layer {self.layer!r} is overwritten after the layer has used it",
                "use an operation that is not in place",
            )


class Taps:
    """The calls of the tapped layers, and the anchors from which differentiation starts.

    The calls in ``spread`` are made for no example in particular, such as that of an embedding of places; what they give is copied
    for each of ``examples``, so that each copy has a cotangent of its own.
    """

    def __init__(self, spread: frozenset[Place] = frozenset(), examples: int = 1) -> None:
        self.calls: dict[str, list[Call]] = {}
        self.anchors: dict[torch.dtype, Tensor] = {}
        self._spread, self._examples, self._made = spread, examples, 0

    def note(self, layer: str, inputs: Inputs, output: Any) -> Any:
        """Note a call of a layer, and return its output tapped."""
        calls = self.calls.setdefault(layer, [])
        if (layer, len(calls)) in self._spread:
            inputs, output = (mapped(tree, lambda tensor: spread_out(tensor, self._examples)) for tree in (inputs, output))
        call = Call(layer, inputs, self._made)
        self._made += 1
        calls.append(call)
        if isinstance(output, Tensor):
            return call.tap(output, self.anchors)
        if type(output) not in (tuple, list, dict):
            return None  # a class of the model's own is left as it is
        return mapped(output, lambda tensor: call.tap(tensor, self.anchors))

    def backward(self, outputs: Tensor, cotangents: Tensor, leaves: Sequence[Tensor] = ()) -> list[Tensor]:
        """Carry the cotangents of the outputs to every call; return the derivatives in these leaves."""
        everything = [call for calls in self.calls.values() for call in calls]
        for call in everything:
            call.refuse_overwritten()
        places = [(call, place) for call in everything for place in call.edges]
        wanted: list[Any] = [*(call.edges[place] for call, place in places), *leaves]
        found: Sequence[Tensor | None] = [None] * len(wanted)
        if wanted and outputs.requires_grad:
            found = torch.autograd.grad([outputs], wanted, [cotangents], allow_unused=True)
        for (call, place), cotangent in zip(places, found, strict=False):
            call.cotangents[place] = None if cotangent is None else cotangent.detach()
            del call.edges[place]
        rest = zip(leaves, found[len(places) :], strict=True)
        return [torch.zeros_like(leaf).detach() if gradient is None else gradient.detach() for leaf, gradient in rest]


def spread_out(tensor: Tensor, count: int) -> Tensor:
    """The tensor for each of ``count`` examples: along a first dimension of one, or else along a new one.

    >>> spread_out(torch.zeros(1, 5), 3).shape, spread_out(torch.zeros(4, 5), 3).shape
    (torch.Size([3, 5]), torch.Size([3, 4, 5]))
    """
    return tensor.expand(count, *(tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape))


@contextmanager
def tapped(layers: Mapping[str, nn.Module], taps: Taps) -> Iterator[Taps]:
    """While it is open, calls of these layers are noted."""
    handles: list[RemovableHandle] = []
    for name, layer in layers.items():

        def note(module: nn.Module, positional: tuple[Any, ...], named: dict[str, Any], output: Any, name: str = name) -> Any:
            return taps.note(name, (positional, named), output)

        handles.append(layer.register_forward_hook(note, with_kwargs=True, prepend=True))
    try:
        yield taps
    finally:
        for handle in handles:
            handle.remove()
