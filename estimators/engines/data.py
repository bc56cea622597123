"""Data: one pair of inputs and targets, or an iterable of pairs; counted, checked and recognised again at every pass."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..progress import progress
from .refusals import OperatorRefused

Fingerprint = dict[tuple[str, int], tuple[float, float]]


class Unit(enum.StrEnum):
    """What one datum is: it decides what an empirical Fisher matrix is a mean over, and who is one record."""

    EXAMPLE = "example"
    TOKEN = "token"


@dataclass(frozen=True)
class Batch:
    """A pair of inputs and targets on the device of the model, its place in the pass, and its weight in the mean over the data."""

    inputs: Any
    targets: Any
    index: int
    weight: float = 1.0

    @property
    def examples(self) -> int:
        """The number of examples: the first dimension of the targets, or else of the inputs."""
        for tree in (self.targets, self.inputs):
            for tensor in tensors_of(tree):
                if tensor.dim():
                    return tensor.shape[0]
        return 1


def tensors_of(tree: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dictionaries."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors_of(value)
    elif isinstance(tree, (tuple, list)):
        for value in tree:
            yield from tensors_of(value)


def mapped(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nesting with every tensor changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(value, change) for value in tree))
    if isinstance(tree, (tuple, list)):
        return type(tree)(mapped(value, change) for value in tree)
    return tree


class Data:
    """The data of an operator. ``passes`` counts how often an iterable was read.

    A tuple of two is one pair. Anything else is an iterable of pairs; a list is held as it is now, its tensors shared, and so is an
    iterator, which can be read only once. Batches are weighted by ``weigh``, and every pass has to bring the data of the first one
    again, in any order.
    """

    def __init__(self, data: Any, device: torch.device, weigh: Callable[[Any, Any], float], tokens: Callable[[Any], int]) -> None:
        self._device, self._weigh = device, weigh
        self.single = is_pair(data)
        pairs: Iterable[Any] = [data] if self.single else data
        if not isinstance(pairs, Iterable):
            raise OperatorRefused(
                f"data is {type(data).__name__}",
                "pass a tuple (inputs, targets), or an iterable of such pairs such as a DataLoader",
            )
        self.held = isinstance(pairs, (list, tuple)) or iter(pairs) is pairs
        self._pairs: Iterable[Any] = [mapped(pair, lambda tensor: tensor) for pair in pairs] if self.held else pairs
        self.total, self.batches, self.examples, self.tokens, self.passes = 0.0, 0, 0, 0, 0
        self._fingerprint: list[Fingerprint] = []
        known = len(self._pairs) if isinstance(self._pairs, Sized) else None
        for batch in progress(self._read(first=True), "first pass over the data", known):
            self.total += batch.weight
            self.batches += 1
            self.examples += batch.examples
            self.tokens += tokens(batch.targets)
            self._fingerprint.append(_fingerprint(batch))
        if not self.batches:
            raise OperatorRefused("the loader is empty", "pass at least one pair of inputs and targets")
        if self.examples == 0:
            raise OperatorRefused("the data hold no example", "pass at least one")
        if not self.total > 0:
            raise OperatorRefused(
                "no datum counts in the loss (all targets are ignored, or their weights are 0)", "check the targets and the loss"
            )

    def first(self) -> Batch:
        """The first batch that counts, by itself."""
        return next(batch for batch in self._read(first=False) if batch.weight > 0)

    def read(self, *, in_order: bool = False) -> Iterator[Batch]:
        """The batches with weights that sum to one; at the end, the check that these were the data of the first pass."""
        self.passes += 1
        seen = []
        for batch in self._read(first=False):
            if not self.held:
                seen.append(_fingerprint(batch))
                if in_order and not _alike([seen[-1]], self._fingerprint[batch.index : batch.index + 1]):
                    raise OperatorRefused(
                        f"batch {batch.index} of the loader is not the one of the first pass",
                        "pass a loader that does not shuffle",
                    )
            if batch.weight > 0:
                yield replace(batch, weight=batch.weight / self.total)
        if not self.held and not _alike(seen, self._fingerprint):
            raise OperatorRefused(
                "the loader gave other data than in the first pass",
                "turn off random augmentation, and drop_last together with shuffle; or pass a list of batches",
            )

    def _read(self, *, first: bool) -> Iterator[Batch]:
        for index, pair in enumerate(self._pairs):
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
                raise OperatorRefused(
                    f"batch {index} is no pair of inputs and targets but {_described(pair)}",
                    "let the loader give pairs; several inputs go in a tuple or a dictionary: ((tokens, mask), targets)",
                )
            inputs, targets = (mapped(tree, self._here) for tree in pair)
            if first:
                _check_finite(inputs, "inputs", index)
                _check_finite(targets, "targets", index)
            yield Batch(inputs, targets, index, self._weigh(inputs, targets))

    def _here(self, tensor: Tensor) -> Tensor:
        moved = tensor.to(self._device)
        return moved.clone() if moved.is_inference() else moved

    def held_tensors(self) -> list[Tensor]:
        """The tensors that are held, and not read anew at every pass."""
        return list(tensors_of(self._pairs)) if self.held else []


def is_pair(data: Any) -> bool:
    """Whether data is one pair: a tuple of two, or a list of two tensors.

    >>> is_pair((torch.zeros(1), torch.zeros(1))), is_pair([(torch.zeros(1), torch.zeros(1))] * 2)
    (True, False)
    """
    if isinstance(data, tuple):
        return len(data) == 2 and not hasattr(data, "_fields")
    return isinstance(data, list) and len(data) == 2 and all(isinstance(part, Tensor) for part in data)


def first_examples(batch: Batch, count: int) -> Batch | None:
    """The batch cut to its first examples, or None where a tensor has another first dimension than the rest."""
    total = batch.examples
    tensors = [*tensors_of(batch.inputs), *tensors_of(batch.targets)]
    if not tensors or any(tensor.dim() == 0 or tensor.shape[0] != total for tensor in tensors):
        return None
    inputs, targets = (mapped(tree, lambda tensor: tensor[:count]) for tree in (batch.inputs, batch.targets))
    return Batch(inputs, targets, batch.index)


def _check_finite(tree: Any, what: str, index: int) -> None:
    for tensor in tensors_of(tree):
        if (tensor.is_floating_point() or tensor.is_complex()) and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            raise OperatorRefused(
                f"the {what} of batch {index} have {bad} entries that are not finite",
                "remove or impute them before curvature is asked for",
            )


def _fingerprint(batch: Batch) -> Fingerprint:
    """Sums over the batch in float64 and the sizes of their terms: enough to notice other data, not to prove the same.

    The entries of an example have weights that depend on their places, and products over the examples join each tensor to the one before
    it, so that what only rearranges entries, or pairs examples in another way, is noticed; the order of the examples does not matter.
    """
    names: list[tuple[str, int]] = []
    sums: list[Tensor] = []
    entries: Fingerprint = {}
    before: tuple[Tensor, Tensor] | None = None
    for place, tensor in enumerate([*tensors_of(batch.inputs), *tensors_of(batch.targets)]):
        entries["entries", place] = float(tensor.numel()), 0.0
        values = torch.view_as_real(tensor.detach()) if tensor.is_complex() else tensor.detach()
        values = (values.cpu() if values.device.type == "mps" else values).to(torch.float64)
        if not tensor.dim() or tensor.shape[0] != batch.examples or not tensor.numel():
            names.append(("sum", place))
            sums += [values.sum(), values.abs().sum()]
            continue
        rows = values.reshape(len(values), -1)
        weights = torch.cos(1.0 + 1.7 * torch.arange(rows.shape[1], dtype=torch.float64, device=rows.device))
        here = rows @ weights, rows.abs() @ weights.abs()
        names.append(("examples", place))
        sums += [part.sum() for part in here]
        if before is not None and before[0].device == rows.device:
            names.append(("joined", place))
            sums += [one @ other for one, other in zip(here, before, strict=True)]
        before = here
    numbers = [float(value) for value in (torch.stack([value.cpu() for value in sums]).tolist() if sums else [])]
    return entries | {name: (numbers[2 * i], numbers[2 * i + 1]) for i, name in enumerate(names)}


def _alike(left: Sequence[Fingerprint], right: Sequence[Fingerprint]) -> bool:
    totals: dict[tuple[str, int], list[float]] = {}
    for sign, side in ((1.0, left), (-1.0, right)):
        for found in side:
            for name, (value, size) in found.items():
                total = totals.setdefault(name, [0.0, 0.0])
                total[0] += sign * value
                total[1] += size
    return all(abs(gap) <= 1e-9 * size for gap, size in totals.values())


def _described(pair: Any) -> str:
    if isinstance(pair, Tensor):
        return f"one tensor of shape {tuple(pair.shape)}"
    return f"{type(pair).__name__} of {len(pair)}" if isinstance(pair, (tuple, list, dict)) else type(pair).__name__
