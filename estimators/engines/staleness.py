"""What an operator was built from, to notice that it was changed since: a kept graph, and a new one too, would mix the old with the new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_ENTRIES = 256


class Trace:
    """Tensors as they are now: their places, their versions and a few hundred of their entries, for writes through ``.data`` leave no version."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._tensors = list(tensors)
        groups: dict[Any, list[Tensor]] = {}
        for tensor in self._tensors:
            by_stride = tensor.detach().permute(sorted(range(tensor.dim()), key=lambda d, t=tensor: -t.stride(d)))  # type: ignore[misc]
            if tensor.numel() and by_stride.is_contiguous():
                flat = by_stride.view(-1)
                groups.setdefault((tensor.device, tensor.dtype), []).append(flat[:: max(1, len(flat) // _ENTRIES)])
        self._samples = [(views, torch.cat(views)) for views in groups.values()]
        self._versions = self._now()

    def _now(self) -> list[tuple[int, int]]:
        return [(tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in self._tensors]

    def holds(self) -> bool:
        """Whether nothing was changed, as far as that is seen.

        >>> weight = torch.zeros(2)
        >>> trace = Trace([weight])
        >>> weight.data.add_(1), trace.holds()
        (tensor([1., 1.]), False)
        """
        return self._now() == self._versions and all(torch.equal(torch.cat(views), seen) for views, seen in self._samples)


class Structure:
    """The layers of a model, whether each is in train mode, and which tensors they hold."""

    def __init__(self, model: nn.Module) -> None:
        self._model, self._modules = model, list(model.modules())
        self._held, self._modes = self._tensors(), self._trained()

    def _tensors(self) -> list[Tensor | None]:
        return [tensor for layer in self._modules for held in (layer._parameters, layer._buffers) for tensor in held.values()]

    def _trained(self) -> list[bool]:
        return [layer.training for layer in self._modules]

    def holds(self) -> bool:
        """Whether the layers and their tensors are the same objects."""
        modules = list(self._model.modules())
        return _same(modules, self._modules) and _same(self._tensors(), self._held)

    def in_mode(self) -> bool:
        """Whether no layer was switched between train and eval mode."""
        return self._trained() == self._modes


def _same(now: list[Any], then: list[Any]) -> bool:
    return len(now) == len(then) and all(one is other for one, other in zip(now, then, strict=True))
