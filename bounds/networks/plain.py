"""Whether the layers of a model compute what their torch classes do: a subclass, a hook or a patch may compute anything else."""

from __future__ import annotations

from torch import nn

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


def check_plain(model: nn.Module) -> None:
    """Refuse subclasses of torch layers that redefine what these do, hooks on the forward pass, and patched instances.

    A bound by the class of a layer holds for that class alone. A module that derives from ``nn.Module`` itself is let through here: no
    bound knows it. Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names the module.

    >>> class Doubled(nn.Linear):
    ...     def forward(self, inputs):
    ...         return 2 * super().forward(inputs)
    >>> check_plain(nn.Sequential(Doubled(2, 2)))
    Traceback (most recent call last):
    certify.bounds.networks.activations.UnknownModule: 0 (Doubled) redefines forward of Linear: no bound by the class Linear holds for it
    """
    for name, module in model.named_modules(remove_duplicate=False):
        check_alone(module, name)


def check_alone(module: nn.Module, name: str) -> None:
    """The same of one module, whatever is in it."""
    place = f"{name or 'the model'} ({type(module).__name__})"
    kind = next(base for base in type(module).__mro__ if _is_torch(base))
    if kind is nn.Module:
        return
    for base in type(module).__mro__:
        if _is_torch(base):
            break
        for redefined in vars(base):
            if redefined not in _HARMLESS and hasattr(kind, redefined):
                raise UnknownModule(
                    f"{place} redefines {redefined} of {kind.__name__}: no bound by the class {kind.__name__} holds for it"
                )
    if "forward" in vars(module):
        raise UnknownModule(f"{place} has a forward of its own: no bound by the class {kind.__name__} holds for it")
    if module._forward_hooks or module._forward_pre_hooks:
        raise UnknownModule(
            f"{place} has hooks on its forward pass, which may change what it computes: remove them, and write out a weight_norm or "
            "spectral_norm that works by a hook"
        )


def _is_torch(kind: type) -> bool:
    return kind.__module__ == "torch" or kind.__module__.startswith("torch.")
