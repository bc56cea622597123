"""Where the parameters of a model are used, and which dimension of each tensor there counts the examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.data import tensors_of
from .taps import Call, Taps


@dataclass(frozen=True)
class Site:
    """A layer that uses a parameter, and the name of the parameter there."""

    layer: str
    attribute: str


def find_sites(model: nn.Module, names: tuple[str, ...]) -> dict[str, list[Site]]:
    """All sites of these parameters. Attention uses the parameters of its output layer itself, without calling that layer."""
    chosen = {id(parameter): name for name, parameter in model.named_parameters() if name in names}
    sites: dict[str, list[Site]] = {name: [] for name in names}
    attention = [name for name, layer in model.named_modules() if isinstance(layer, nn.MultiheadAttention)]
    for layer_name, layer in model.named_modules():
        around = next(
            (outer for outer in attention if layer_name.startswith(f"{outer}." if outer else "") and layer_name != outer), None
        )
        for attribute, parameter in layer.named_parameters(recurse=False, remove_duplicate=False):
            if id(parameter) not in chosen:
                continue
            inside = layer_name if around is None else layer_name.removeprefix(f"{around}." if around else "")
            site = Site(layer_name, attribute) if around is None else Site(around, f"{inside}.{attribute}")
            sites[chosen[id(parameter)]].append(site)
    return sites


@dataclass(frozen=True)
class Counting:
    """The dimension of a tensor that counts the examples, and how many rows it has for each.

    The rows of an example lie together, or with ``inner`` those of all examples do, row by row.
    """

    dimension: int
    each: int
    inner: bool = False

    def first(self, tensor: Tensor, examples: int) -> Tensor:
        """The tensor with that dimension in front, example by example; ``ValueError`` if its rows do not divide among the examples."""
        if tensor.shape[self.dimension] % examples or (self.each == 1 and tensor.shape[self.dimension] != examples):
            raise ValueError("rows that do not divide among the examples")
        front = tensor.movedim(self.dimension, 0)
        if not self.inner:
            return front
        return front.reshape(-1, examples, *front.shape[1:]).transpose(0, 1).flatten(0, 1)


@dataclass(frozen=True)
class Shape:
    """What counts the examples in the inputs and the outputs of one call; None where nothing does, or no one dimension alone.

    ``constant`` says that no tensor changes in size with the number of examples.
    """

    inputs: tuple[Counting | None, ...]
    outputs: tuple[Counting | None, ...]
    constant: bool


def shapes(few: Taps, more: Taps, counts: tuple[int, int]) -> dict[tuple[str, int], Shape]:
    """The shapes of all calls, from two forward passes on ``counts`` examples."""
    found = {}
    for layer, calls in few.calls.items():
        others = more.calls.get(layer, [])
        if len(others) != len(calls):
            continue
        for place, (one, other) in enumerate(zip(calls, others, strict=True)):
            into, out_of = (_sizes(one.inputs), _sizes(other.inputs)), (one.outputs, other.outputs)
            constant = into[0] == into[1] and out_of[0] == out_of[1]
            inputs, outputs = _countings(*into, counts), _countings(*out_of, counts)
            if any(counting is not None and counting.each > 1 for counting in inputs) and _row_by_row(one, other, inputs, counts):
                inputs, outputs = (
                    tuple(c if c is None or c.each == 1 else replace(c, inner=True) for c in side) for side in (inputs, outputs)
                )
            found[layer, place] = Shape(inputs, outputs, constant)
    return found


def _row_by_row(one: Call, other: Call, inputs: tuple[Counting | None, ...], counts: tuple[int, int]) -> bool:
    """Whether the rows of all examples lie together: then those of the fewer examples are found so among those of the more."""
    folded = zip(tensors_of(one.inputs), tensors_of(other.inputs), inputs, strict=True)
    (few, more, counting) = next(entry for entry in folded if entry[2] is not None and entry[2].each > 1)
    assert counting is not None
    less, full = (replace(counting, inner=True).first(tensor, n) for tensor, n in zip((few, more), counts, strict=True))
    return torch.allclose(less, full[: len(less)]) and not torch.allclose(
        few, more.narrow(counting.dimension, 0, few.shape[counting.dimension])
    )


def _sizes(tree: Any) -> list[torch.Size]:
    return [tensor.shape for tensor in tensors_of(tree)]


def _countings(few: list[torch.Size], more: list[torch.Size], counts: tuple[int, int]) -> tuple[Counting | None, ...]:
    return tuple(_counting(one, other, counts) for one, other in zip(few, more, strict=True)) if len(few) == len(more) else ()


def _counting(few: torch.Size, more: torch.Size, counts: tuple[int, int]) -> Counting | None:
    if len(few) != len(more):
        return None
    changed = [i for i, (one, other) in enumerate(zip(few, more, strict=True)) if one != other]
    if len(changed) != 1:
        return None
    one, other = few[changed[0]], more[changed[0]]
    each = one // counts[0]
    return Counting(changed[0], each) if each and one == each * counts[0] and other == each * counts[1] else None
