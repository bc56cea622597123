"""A torch model from two things: a safetensors file of its state dictionary, and what makes the module. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.errors import InputError
from certify.printing import printable

from .importing import imported, in_words

if TYPE_CHECKING:
    from torch import Tensor, nn

_LIMIT = 1 << 34
_NAMED = 3


def load_model(file: Path, target: str) -> nn.Module:
    """The model that ``target`` (package.module:factory) makes, with the numbers of the file, in float64 and evaluation mode.

    Every stored number is taken exactly, whatever type the module was made with. Raises :class:`~certify.errors.InputError` in one line for
    a file that is no safetensors file, names and shapes that do not fit, and numbers that are not finite.
    """
    module = _made(target)
    tensors = _read(file)
    _check(module, tensors, file, target)
    module.load_state_dict(tensors, assign=True)  # without assign the numbers are rounded to the types that the module has
    return module.double().eval()


def _made(target: str) -> nn.Module:
    from torch import nn

    source, colon, path = target.rpartition(":")
    if not colon or not source or not path:
        raise InputError(f"{target!r} names no module: write --module package.module:factory or path/to/file.py:factory")
    value: Any = imported(source)
    for name in path.split("."):
        if not hasattr(value, name):
            raise InputError(f"{source} has no {name}: name a function there that returns the torch module")
        value = getattr(value, name)
    if not isinstance(value, nn.Module):
        if not callable(value):
            raise InputError(f"{target} is a {type(value).__name__}: name a function that returns the torch module")
        try:
            value = value()
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{target} could not be called without arguments ({in_words(error)}): name a function that returns the torch module"
            ) from None
    if not isinstance(value, nn.Module):
        raise InputError(f"{target} returned a {type(value).__name__}, not a torch module")
    return value


def _read(file: Path) -> dict[str, Tensor]:
    from certify.storage import read_file

    content = read_file(file, limit=_LIMIT, what="model file")
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
        raise InputError(
            f"{file} is no safetensors file ({' '.join(str(problem).split())[:200]}): write one with "
            "safetensors.torch.save_file(model.state_dict(), ...); pickles are never opened"
        ) from None


def _check(module: nn.Module, tensors: Mapping[str, Tensor], file: Path, target: str) -> None:
    """One line for the first thing that does not fit."""
    from torch.nn.parameter import is_lazy

    wanted = module.state_dict()
    missing, unknown = sorted(set(wanted) - set(tensors)), sorted(set(tensors) - set(wanted))
    if missing or unknown:
        parts = [f"it lacks {_some(missing)}"] * bool(missing) + [f"the module has no {_some(unknown)}"] * bool(unknown)
        raise InputError(f"{file} does not hold the state dictionary of {target}: {', and '.join(parts)}")
    for name, tensor in sorted(tensors.items()):
        there = wanted[name]
        if is_lazy(there):
            raise InputError(f"{target}: {name} has no shape yet: make the module with its sizes written out")
        if there.shape != tensor.shape:
            raise InputError(
                f"{file}: {printable(name)} has shape {tuple(tensor.shape)}, and the module wants {tuple(there.shape)}"
            )
        if there.is_floating_point() != tensor.is_floating_point():
            raise InputError(f"{file}: {printable(name)} holds {_kind(tensor)} numbers, and the module wants {_kind(there)}")
        if not bool(tensor.double().isfinite().all()):
            raise InputError(f"{file}: {printable(name)} has entries that are not finite: nothing can be said of this model")


def _some(names: list[str]) -> str:
    shown = ", ".join(printable(name)[:80] for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
