"""Floor 2: one-sided numbers and how they are measured."""

from .bound import Bound, Estimate, WrongSide, as_bound, exactly, tightest
from .derive import HypothesisError, derive
from .evidence import Combined, Declared, Derived, Enclosed, Evidence, Measured
from .losses import LossConstants, loss_constants
from .utility import excess_risk

__all__ = [
    "Bound", "Combined", "Declared", "Derived", "Enclosed", "Estimate", "Evidence", "HypothesisError", "LossConstants", "Measured",
    "WrongSide", "as_bound", "derive", "exactly", "excess_risk", "loss_constants", "tightest",
]  # fmt: skip
