"""What a process says of its operator before it is shared, and what all have to say alike."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..engines.losses import recognise
from ..engines.parameters import listed
from ..engines.problem import Problem
from ..engines.refusals import OperatorRefused
from ..operators.composed import Block, Damped, Product, Scaled, Sum
from ..operators.curvature import Curvature
from ..operators.operator import Claim, Operator
from .checksum import checksum, combined

Outline = dict[str, Any]

_ALIKE = {
    "form": ("another form of operator", "build the same operator on every rank"),
    "value": ("another damping or factor", "pass the same number on every rank"),
    "places": ("another block", "name the same parameters on every rank"),
    "kind": ("another kind of operator", "build the same operator on every rank"),
    "model": ("another class of model", "build the same model on every rank"),
    "rows": ("other parameters", "build the same model, and name the same parameters, on every rank"),
    "columns": ("other parameters", "build the same model, and name the same parameters, on every rank"),
    "dtype": ("another type", "convert the models to one type"),
    "unit": ("another unit of a datum", "pass the same unit on every rank"),
    "layers": ("other layers", "build the same model, with the same options, on every rank"),
    "drawn": ("targets drawn otherwise", "pass samples on every rank, or on none"),
    "loss": ("another loss", "pass the same loss, with the same options, on every rank"),
    "device": ("another kind of device", "move every model to the same kind of device"),
    "threads": ("another number of threads", "call torch.set_num_threads alike, or sums differ in their last bits"),
    "working": ("a forward pass in another precision", "use the same autocast on every rank"),
}  # fmt: skip


def outline(operator: Operator | None, weight: float | None) -> Outline | None:
    """The outline of a tree of sums, multiples, dampings and blocks; at its leaves what is known of an operator on data."""
    if operator is None:
        return None
    if not isinstance(operator, Operator):
        raise OperatorRefused(f"a {type(operator).__name__} is no operator", "pass one, such as GaussNewton(model, loss, data)")
    parts = [outline(part, weight) for part in operator.parts]
    if isinstance(operator, Damped):
        return {"form": "damped", "value": operator.damping, "parts": parts}
    if isinstance(operator, Scaled):
        return {"form": "scaled", "value": operator.factor, "parts": parts}
    if isinstance(operator, Sum):
        return {"form": "sum", "parts": parts}
    if isinstance(operator, Block):
        return {"form": "block", "places": [list(operator.row_indices), list(operator.column_indices)], "parts": parts}
    if isinstance(operator, Product):
        raise OperatorRefused(
            "a product of two means over the data is no mean over the data", "share its factors, and multiply those"
        )
    if operator.parts or operator.shared:
        raise OperatorRefused("the operator is shared already", "share it once")
    return {"form": "leaf", **_leaf(operator, weight)}


def _leaf(operator: Operator, weight: float | None) -> Outline:
    lower = operator.lower_bound()
    known = {
        "kind": type(operator).__name__,
        "rows": [[name, list(shape)] for name, shape in zip(operator.rows.names, operator.rows.shapes, strict=True)],
        "columns": [[name, list(shape)] for name, shape in zip(operator.columns.names, operator.columns.shapes, strict=True)],
        "dtype": str(operator.dtype).removeprefix("torch."),
        "device": operator.device.type,
        "threads": torch.get_num_threads() if operator.device.type == "cpu" else 0,
        "unit": str(operator.unit or ""),
        "symmetric": _claimed(operator.symmetric),
        "positive": _claimed(operator.positive_semidefinite),
        "lower": None if lower is None else lower.value,
        "accuracy": operator.accuracy,
    }
    if not isinstance(operator, Curvature) or not operator.problem.of_model:
        if weight is None:
            raise OperatorRefused(
                f"a {type(operator).__name__} without a model does not say how much its data count",
                "pass weight=, what its mean divides by",
            )
        if not 1e-100 <= weight <= 1e100:
            raise ValueError(
                f"weight is what a mean divides by, a number from 1e-100 to 1e100, not {weight}; a rank without data passes None"
            )
        values = _parameters(operator.problem) if isinstance(operator, Curvature) else {}
        return known | {"weight": weight, "count": 0, "squares": False, "values": values, "seed": None}
    if weight is not None:
        raise ValueError("weight is for operators without a model: this one counts its data itself")
    problem = operator.problem
    tensors = {**dict(problem.model.named_parameters()), **dict(problem.model.named_buffers())}
    return known | {
        "kind": operator.kind,
        "working": str(operator.probes.working),
        "weight": problem.data.total,
        "count": operator.data_count,
        "squares": operator.of_squares,
        "values": {name: checksum(tensor) for name, tensor in tensors.items()},
        "loss": _loss(problem),
        "model": type(problem.model).__qualname__,
        "layers": [f"{name} {type(layer).__qualname__}({layer.extra_repr()})" for name, layer in problem.model.named_modules()],
        "drawn": operator.seed is not None,
        "seed": operator.seed,
    }


def _parameters(problem: Problem) -> dict[str, int]:
    return {name: checksum(tensor) for name, tensor in zip(problem.layout.names, problem.parameters, strict=True)}


def _claimed(claim: Claim) -> str:
    return (str(getattr(claim.evidence, "reason", claim.evidence)) or "claimed") if claim else ""


def _loss(problem: Problem) -> str:
    name, options = recognise(problem.loss) or _named(problem.loss)
    plain = {
        key: checksum(value) if isinstance(value, torch.Tensor) else value
        for key, value in sorted(options.items())
        if value is None or isinstance(value, (torch.Tensor, bool, int, float, str))
    }
    return f"{name} {plain}"


def _named(loss: Any) -> tuple[str, dict[str, Any]]:
    """The name of a loss of one's own, or of a kind that has no closed form here, and what it holds by name."""
    if isinstance(loss, functools.partial):
        name, options = _named(loss.func)
        return name, options | {str(place): value for place, value in enumerate(loss.args)} | loss.keywords
    name = str(getattr(loss, "__qualname__", type(loss).__qualname__))
    if not isinstance(loss, nn.Module):
        return name, {}
    held = {key: value for key, value in vars(loss).items() if not key.startswith("_") and key != "training"}
    return name, held | dict(loss.named_parameters()) | dict(loss.named_buffers())


def agree(outlines: Sequence[Outline | None]) -> Outline:
    """The outline of the first rank that has data, where all agree with it; raises :class:`OperatorRefused` where one does not."""
    holders = [rank for rank, said in enumerate(outlines) if said is not None]
    if not holders:
        raise OperatorRefused("no rank has an operator", "pass None only on ranks without data")
    first = outlines[holders[0]]
    assert first is not None
    for rank in holders[1:]:
        other = outlines[rank]
        assert other is not None
        for key, (what, remedy) in _ALIKE.items():
            if first.get(key) != other.get(key):
                raise OperatorRefused(
                    f"rank {rank} has {what} than rank {holders[0]}{_values(other.get(key), first.get(key))}", remedy
                )
        moved = [name for name, value in first.get("values", {}).items() if other["values"].get(name) != value]
        if moved or len(first.get("values", {})) != len(other.get("values", {})):
            raise OperatorRefused(
                f"the values of {listed(moved) or 'some tensors'} on rank {rank} are not those on rank {holders[0]}",
                "load the same state on every rank",
            )
        if first.get("seed") is not None and any(
            first_said["seed"] == other["seed"] for first_said in outlines[:rank] if first_said is not None
        ):
            raise OperatorRefused(
                f"rank {rank} draws its targets from the same seed as another", "pass a generator with another seed on each rank"
            )
    return first


def part(outlines: Sequence[Outline | None], place: int) -> list[Outline | None]:
    """The outlines of one part."""
    return [None if said is None else said["parts"][place] for said in outlines]


def token(outlines: Sequence[Outline | None], place: str) -> int:
    """A number for this operator, alike on every rank, that tells it from others in the same processes."""
    return combined(repr(outlines), place)


def _values(*values: Any) -> str:
    words = ", ".join(map(str, values))
    return f" ({words})" if len(words) <= 80 else ""
