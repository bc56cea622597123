"""Floor 2: one-sided numbers and how they are measured."""

from .bound import Bound, Estimate, WrongSide, as_bound
from .derive import HypothesisError, derive
from .evidence import Combined, Declared, Derived, Enclosed, Evidence, Measured

__all__ = [
    "Bound", "Combined", "Declared", "Derived", "Enclosed", "Estimate", "Evidence", "HypothesisError", "Measured", "WrongSide",
    "as_bound", "derive",
]  # fmt: skip
