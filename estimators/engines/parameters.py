"""Parameters by name and as one flat vector; frozen, integer and non-finite ones are refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import accumulate
from math import prod

import torch
from torch import Tensor, nn

from .refusals import OperatorRefused

Patterns = str | Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Which entries of a flat vector belong to which parameter: names and shapes, in the order of the model."""

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]

    @property
    def sizes(self) -> list[int]:
        """The number of entries of each parameter."""
        return [prod(shape) for shape in self.shapes]

    @property
    def size(self) -> int:
        """The number of entries of all parameters together."""
        return sum(self.sizes)

    def slices(self) -> dict[str, slice]:
        """The entries of each parameter in the flat vector.

        >>> Layout(("w", "b"), (torch.Size([2, 2]), torch.Size([2]))).slices()["b"]
        slice(4, 6, None)
        """
        ends = list(accumulate(self.sizes))
        return {name: slice(end - size, end) for name, end, size in zip(self.names, ends, self.sizes, strict=True)}

    def split(self, rows: Tensor) -> list[Tensor]:
        """The pieces of flat vectors [..., P], each in the shape of its parameter [..., *shape]."""
        lead = rows.shape[:-1]
        pieces = torch.split(rows, self.sizes, dim=-1)
        return [piece.reshape((*lead, *shape)) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def join(self, pieces: Sequence[Tensor], dtype: torch.dtype, lead: int = 0) -> Tensor:
        """Flat vectors [..., P] of the pieces [..., *shape]; ``lead`` counts the leading dimensions."""
        return torch.cat([piece.reshape(*piece.shape[:lead], -1).to(dtype) for piece in pieces], dim=-1)

    def flatten(self, named: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
        """The flat vector of a dictionary with exactly these names and shapes."""
        if set(named) != set(self.names):
            missing, surplus = sorted(set(self.names) - set(named)), sorted(set(named) - set(self.names))
            raise ValueError(
                "a dictionary needs one tensor for each parameter: "
                + "; ".join(
                    f"{what} {', '.join(names[:5])}" for what, names in (("missing", missing), ("unknown", surplus)) if names
                )
            )
        for name, shape in zip(self.names, self.shapes, strict=True):
            if not isinstance(named[name], Tensor):
                raise ValueError(f"{name!r} is {type(named[name]).__name__}, no tensor")
            if not named[name].is_floating_point():
                raise ValueError(f"{name!r} holds {named[name].dtype}: convert it to a floating-point type")
            if named[name].shape != shape:
                raise ValueError(f"{name!r} has shape {tuple(named[name].shape)}, and the parameter {tuple(shape)}")
        return self.join([named[name] for name in self.names], dtype)

    def named(self, vector: Tensor) -> dict[str, Tensor]:
        """The dictionary of a flat vector [P]."""
        return dict(zip(self.names, self.split(vector), strict=True))

    def indices(self, patterns: Patterns) -> tuple[int, ...]:
        """The positions of the parameters whose names match one of the patterns (``head.*``), in the order of the model."""
        wanted = [patterns] if isinstance(patterns, str) else list(patterns)
        if not wanted:
            raise OperatorRefused("there are no parameters", "name at least one")
        for pattern in wanted:
            if not any(fnmatchcase(name, pattern) for name in self.names):
                raise ValueError(f"no parameter is named {pattern!r}: there are {listed(self.names)}")
        return tuple(i for i, name in enumerate(self.names) if any(fnmatchcase(name, pattern) for pattern in wanted))

    def part(self, indices: Iterable[int]) -> Layout:
        """The layout of some of the parameters."""
        chosen = tuple(indices)
        return Layout(tuple(self.names[i] for i in chosen), tuple(self.shapes[i] for i in chosen))

    @property
    def named_parts(self) -> bool:
        """Whether these are parameters, and not a vector without named parts."""
        return self != Layout.anonymous(self.size)

    @classmethod
    def anonymous(cls, size: int) -> Layout:
        """The layout of a vector without named parts."""
        return cls(("vector",), (torch.Size([size]),))


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first names for a message.

    >>> listed(["a", "b"])
    'a, b'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def chosen_parameters(model: nn.Module, patterns: Patterns | None) -> dict[str, Tensor]:
    """The parameters by name that match the patterns (all by default); a frozen, integer or non-finite one is refused.

    A parameter that is shared between layers occurs once, under its first name.
    """
    everything = dict(model.named_parameters())
    if not everything:
        raise OperatorRefused("the model has no parameters", "pass a module with parameters, or use Hessian.of_function")
    for name, parameter in everything.items():
        if torch.nn.parameter.is_lazy(parameter):
            raise OperatorRefused(f"the parameter {name!r} has no shape yet", "call the model once on a batch")
    layout = Layout(tuple(everything), tuple(p.shape for p in everything.values()))
    indices = range(len(everything)) if patterns is None else layout.indices(patterns)
    names = [layout.names[i] for i in indices]
    check_parameters({name: everything[name] for name in names}, chosen=patterns is not None)
    return {name: everything[name] for name in names}


def check_parameters(parameters: Mapping[str, Tensor], *, chosen: bool = True) -> None:
    """Refuse, by name, parameters that are integer, complex, frozen (unless chosen by name), elsewhere, or not finite."""
    if not parameters:
        raise OperatorRefused("there are no parameters", "name at least one")
    for name, parameter in parameters.items():
        if not parameter.is_floating_point():
            raise OperatorRefused(
                f"the parameter {name!r} holds {parameter.dtype}, which has no derivative",
                "leave it out by parameters=[...], or store it as a floating-point tensor (a quantised layer has to be dequantised)",
            )
        if parameter.layout is not torch.strided:
            raise OperatorRefused(
                f"the parameter {name!r} is stored as {parameter.layout}", "make it dense: parameter.to_dense()"
            )
        if not chosen and not parameter.requires_grad:
            raise OperatorRefused(
                f"the parameter {name!r} is frozen (requires_grad is False)",
                "pass parameters=[name for name, p in model.named_parameters() if p.requires_grad], or unfreeze it",
            )
        if parameter.is_inference():
            raise OperatorRefused(
                f"the parameter {name!r} was made in torch.inference_mode and has no derivative",
                "build or load the model outside it",
            )
        if parameter.is_meta:
            raise OperatorRefused(f"the parameter {name!r} lies on the meta device and has no values", "load the model first")
        if not bool(torch.isfinite(parameter.detach()).all()):
            bad = int((~torch.isfinite(parameter.detach())).sum())
            raise OperatorRefused(
                f"the parameter {name!r} has {bad} entries that are not finite", "the training diverged: load an earlier state"
            )
    devices = sorted({str(parameter.device) for parameter in parameters.values()})
    if len(devices) > 1:
        raise OperatorRefused(f"the parameters lie on {', '.join(devices)}", "move the model to one device")


def common_dtype(tensors: Iterable[Tensor]) -> torch.dtype:
    """The floating-point type that holds all of them.

    >>> common_dtype([torch.zeros(1), torch.zeros(1, dtype=torch.float64)])
    torch.float64
    """
    dtype: torch.dtype | None = None
    for tensor in tensors:
        dtype = tensor.dtype if dtype is None else torch.promote_types(dtype, tensor.dtype)
    assert dtype is not None
    return dtype
