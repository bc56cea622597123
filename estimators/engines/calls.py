"""Calling a model with other tensors in place of its own.

``torch.func.functional_call`` puts back a wrong tensor where a module is used under two names: the model then holds what was passed, and
no parameter. Here every place is named once, and ties are kept by naming all the places of a tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def called_with(model: nn.Module, values: Mapping[str, Tensor], positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """model(*positional, **named) with these parameters and buffers, by their first names; the model is left as it was.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> called_with(layer, {"weight": torch.tensor([[2.0]])}, (torch.tensor([3.0]),), {})
    tensor([6.])
    """
    places = list(_places(model))
    new = {id(own): values[name] for name, own in places if name in values}
    everywhere = {name: new[id(own)] for name, own in places if id(own) in new}
    return torch.func.functional_call(model, everywhere, tuple(positional), dict(named), tie_weights=False)


def _places(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for prefix, layer in model.named_modules():
        for held in (layer._parameters, layer._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    yield f"{prefix}.{name}" if prefix else name, tensor
