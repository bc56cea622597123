"""Whether the layers of a model compute what their torch classes do: a subclass, a hook or a patch may compute anything else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules import module as _every_module
from torch.nn.parameter import is_lazy

from ..spectral.dense import NotALinearMap
from .activations import UnknownModule

_HARMLESS = frozenset(
    [
        "__init__",
        "__doc__",
        "__module__",
        "__qualname__",
        "__annotations__",
        "__repr__",
        "extra_repr",
        "__slots__",
        "__dict__",
        "__weakref__",
        "__parameters__",
        "__constants__",
        "__firstlineno__",
        "__static_attributes__",
    ]
)
"""What a subclass may define anew without computing anything else."""


def check_plain(model: nn.Module, name: str = "") -> None:
    """Refuse subclasses of torch layers that redefine what these do, hooks on the forward pass, and patched instances.

    A bound by the class of a layer holds for that class alone. A module that derives from ``nn.Module`` itself is let through here: no
    bound knows it. ``name`` is the place of the module in a larger one. Raises
    :class:`~certify.bounds.networks.activations.UnknownModule`, which names the module by its place and class.

    >>> class Doubled(nn.Linear):
    ...     def forward(self, inputs):
    ...         return 2 * super().forward(inputs)
    >>> check_plain(nn.Sequential(Doubled(2, 2)))
    Traceback (most recent call last):
    certify.bounds.networks.activations.UnknownModule: 0 (Doubled) redefines forward of Linear: no bound by the class Linear holds for it
    """
    if not isinstance(model, nn.Module):
        raise UnknownModule(f"{name or 'the model'} is a {type(model).__name__}: a bound needs a torch module")
    for inner, module in model.named_modules(prefix=name, remove_duplicate=False):
        check_alone(module, inner)


def place(module: nn.Module, name: str) -> str:
    """How errors name a module: where it stands and what it is.

    >>> place(nn.ReLU(), "layers.3")
    'layers.3 (ReLU)'
    """
    return f"{name or 'the model'} ({type(module).__name__})"


@contextlib.contextmanager
def at_place(module: nn.Module, name: str) -> Iterator[None]:
    """Whatever is refused of the module inside the block is refused by its place, named once.

    >>> with at_place(nn.Hardshrink(), "2"):
    ...     raise UnknownModule("it jumps")
    Traceback (most recent call last):
    certify.bounds.networks.activations.UnknownModule: 2 (Hardshrink): it jumps
    """
    where = place(module, name)
    try:
        yield
    except (UnknownModule, NotALinearMap) as error:
        if str(error).startswith(where):
            raise
        raise type(error)(f"{where}: {error}") from None


def check_alone(module: nn.Module, name: str) -> None:
    """The same of one module, whatever is in it."""
    where = place(module, name)
    kind = next(base for base in type(module).__mro__ if _computes_as_documented(base))
    if kind is nn.Module:
        return
    for base in type(module).__mro__:
        if base is kind:
            break
        for redefined in vars(base):
            if redefined not in _HARMLESS and hasattr(kind, redefined):
                raise UnknownModule(
                    f"{where} redefines {redefined} of {kind.__name__}: no bound by the class {kind.__name__} holds for it"
                )
    if any(is_lazy(parameter) for parameter in module.parameters(recurse=False)):
        raise UnknownModule(f"{where} has no sizes yet: send an input through it first")
    for patched in vars(module):
        if callable(getattr(kind, patched, None)) or (
            patched == "_compiled_call_impl" and module._compiled_call_impl is not None
        ):
            raise UnknownModule(f"{where} has a {patched} of its own: no bound by the class {kind.__name__} holds for it")
    if module._forward_hooks or module._forward_pre_hooks:
        raise UnknownModule(
            f"{where} has hooks on its forward pass, which may change what it computes: remove them, and write out a weight_norm or "
            "spectral_norm that works by a hook"
        )
    if _every_module._global_forward_hooks or _every_module._global_forward_pre_hooks:
        raise UnknownModule(
            f"{where}, as every module, has a global forward hook, which may change what it computes: remove the hook"
        )
    for tensor in getattr(module, "parametrizations", ()):
        first, second = (getattr(module, tensor).detach().nan_to_num() for _ in range(2))
        if not torch.equal(first, second):
            raise UnknownModule(f"{where} has another {tensor} each time it is read, by its parametrization: call eval()")


def _computes_as_documented(kind: type) -> bool:
    """Whether the class is one of torch.nn: those of torch.ao derive from them, and round weights as they go."""
    return kind.__module__.startswith("torch.nn.")
