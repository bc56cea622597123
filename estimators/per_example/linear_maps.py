"""Linear maps by parameters wherever they are called: inside torch's attention, or by a function of the user's own.

A hook sees calls of layers only. This mode sees ``functional.linear``, and goes into torch's attention, which calls it where no mode looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from .taps import Taps

MAPS = "(linear maps)"
"""Under this name :class:`~.taps.Taps` keeps their calls."""
_HELPERS = ("_in_projection_packed", "_in_projection")


@dataclass(frozen=True)
class Use:
    """A parameter, or some rows of it, as the weight or the bias of a linear map."""

    name: str
    attribute: str
    row: int


class LinearMaps(TorchFunctionMode):
    """While it is active, linear maps by the named tensors or by rows of them are noted."""

    def __init__(self, taps: Taps, named: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._taps, self._named = taps, named

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        options = kwargs or {}
        if func is functional.linear:
            return self._linear(*args, **options)
        if func is functional.multi_head_attention_forward:
            return self._inside(func)(*args, **options)
        return func(*args, **options)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        output = functional.linear(input, weight, bias)
        uses = (*self._uses(weight, "weight"), *self._uses(bias, "bias"))
        if not uses:
            return output
        tapped: Tensor = self._taps.note(MAPS, ((input,), {}), output)
        self._taps.calls[MAPS][-1].uses = uses
        return tapped

    def _uses(self, tensor: Tensor | None, attribute: str) -> tuple[Use, ...]:
        for name, whole in self._named.items():
            if tensor is whole:
                return (Use(name, attribute, 0),)
            if (
                tensor is not None
                and tensor._base is whole
                and tensor.shape[1:] == whole.shape[1:]
                and tensor.stride() == whole.stride()
            ):
                return (Use(name, attribute, (tensor.storage_offset() - whole.storage_offset()) // whole.stride(0)),)
        return ()

    def _inside(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Torch's attention, calling our linear map for its own."""
        known: dict[str, Any] = getattr(function, "__globals__", {})
        if any(name not in known for name in (*_HELPERS, "linear", "has_torch_function")):
            return function  # another version of torch: these parameters take a dearer route
        space = {**known, "linear": self._linear, "has_torch_function": lambda tensors: False}
        for name in _HELPERS:
            space[name] = _within(known[name], space)
        return _within(function, space)


def _within(function: Any, space: dict[str, Any]) -> Callable[..., Any]:
    """The same function, which finds other functions under their names."""
    made = FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made
