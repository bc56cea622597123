"""Training problems whose constants are known: what is minimised, and how strongly convex and smooth it is."""

from .dataset import Dataset
from .linear import LinearObjective, MeasuredGradient
from .logistic import Logistic
from .ridge import Ridge
from .softmax import Softmax

__all__ = ["Dataset", "LinearObjective", "Logistic", "MeasuredGradient", "Ridge", "Softmax", "objective_class"]


def objective_class(kind: str) -> type[Logistic] | type[Softmax] | type[Ridge]:
    """The objective called ``kind`` in a certificate; raises ``KeyError`` for another name."""
    return {"logistic": Logistic, "softmax": Softmax, "ridge": Ridge}[kind]  # type: ignore[return-value]
