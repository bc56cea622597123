"""What a forward and a backward pass leave at chosen layers: the inputs of each call, and the cotangents of its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.hooks import RemovableHandle

from ..engines.data import mapped, tensors_of
from ..engines.refusals import OperatorRefused


class Call:
    """One call of a layer. ``cotangents`` holds, for each floating-point output, the derivative in it (None where it does not act)."""

    def __init__(self, layer: str, inputs: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
        self.layer = layer
        self.inputs = mapped(inputs, Tensor.detach)
        self._versions = [tensor._version for tensor in tensors_of(self.inputs)]
        self.outputs: list[torch.Size] = []
        self.cotangents: list[Tensor | None] = []
        self.edges: dict[int, GradientEdge] = {}
        self.parts: Any = None  # what a structured rule made of this call

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
            output = output + anchor
        if output.requires_grad:  # not inside torch.no_grad
            self.edges[place] = get_gradient_edge(output)  # stays that of this output when it is overwritten
        return output

    @property
    def only(self) -> Tensor | None:
        """The one positional tensor that the layer was called with, or None."""
        positional, named = self.inputs
        return positional[0] if len(positional) == 1 and not named and isinstance(positional[0], Tensor) else None

    def refuse_overwritten(self) -> None:
        """Refuse inputs that were written into after the call."""
        if [tensor._version for tensor in tensors_of(self.inputs)] != self._versions:
            raise OperatorRefused(
                f"the input of the layer {self.layer!r} is overwritten after the layer has used it",
                "use an operation that is not in place",
            )


class Taps:
    """The calls of the tapped layers, in their order, and the anchors from which differentiation starts."""

    def __init__(self) -> None:
        self.calls: dict[str, list[Call]] = {}
        self.anchors: dict[torch.dtype, Tensor] = {}

    def backward(self, outputs: Tensor, cotangents: Tensor) -> None:
        """Carry the cotangents of the outputs to every call."""
        everything = [call for calls in self.calls.values() for call in calls]
        for call in everything:
            call.refuse_overwritten()
        places = [(call, place) for call in everything for place in call.edges]
        if not places or not outputs.requires_grad:
            return
        edges = [call.edges[place] for call, place in places]
        found = torch.autograd.grad([outputs], edges, [cotangents], allow_unused=True)
        for (call, place), cotangent in zip(places, found, strict=True):
            call.cotangents[place] = None if cotangent is None else cotangent.detach()
            del call.edges[place]


@contextmanager
def tapped(layers: Mapping[str, nn.Module]) -> Iterator[Taps]:
    """While it is open, calls of these layers are noted."""
    taps, handles = Taps(), list[RemovableHandle]()
    for name, layer in layers.items():

        def note(module: nn.Module, positional: tuple[Any, ...], named: dict[str, Any], output: Any, name: str = name) -> Any:
            call = Call(name, (positional, named))
            taps.calls.setdefault(name, []).append(call)
            if not isinstance(output, Tensor) and type(output) not in (tuple, list, dict):
                return None  # a class of the model's own is left as it is
            return mapped(output, lambda tensor: call.tap(tensor, taps.anchors))

        handles.append(layer.register_forward_hook(note, with_kwargs=True, prepend=True))
    try:
        yield taps
    finally:
        for handle in handles:
            handle.remove()
