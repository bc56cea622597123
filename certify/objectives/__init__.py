"""Training problems whose constants are known: what is minimised, and how strongly convex and smooth it is."""

from typing import TYPE_CHECKING

from .dataset import Dataset

if TYPE_CHECKING:
    from .linear import LinearObjective as LinearObjective
    from .logistic import Logistic as Logistic
    from .measuring import MeasuredGradient as MeasuredGradient
    from .ridge import Ridge as Ridge
    from .softmax import Softmax as Softmax

_MODULES = {
    "LinearObjective": "linear", "MeasuredGradient": "measuring", "Logistic": "logistic", "Ridge": "ridge", "Softmax": "softmax",
}  # fmt: skip

__all__ = ["Dataset", "LinearObjective", "Logistic", "MeasuredGradient", "Ridge", "Softmax", "objective_class"]


def objective_class(kind: str) -> "type[Logistic | Softmax | Ridge]":
    """The objective called ``kind`` in a certificate; raises ``KeyError`` for another name."""
    from .logistic import Logistic
    from .ridge import Ridge
    from .softmax import Softmax

    classes: dict[str, type[Logistic | Softmax | Ridge]] = {"logistic": Logistic, "softmax": Softmax, "ridge": Ridge}
    return classes[kind]


if not TYPE_CHECKING:

    def __getattr__(name):
        """Import an objective, and torch with it, when it is first used."""
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module 'certify.objectives' has no attribute {name!r}: it offers {', '.join(__all__)}")
        value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value
