"""Sequences of deletions with one guarantee for all releases (Kuang and Xia 2026): constants, and the noise that they ask for."""

from .constants import Constants, declared, measured, worst_case
from .plan import Plan, count_path, increment, last_variance, path, plan, residual, squares
from .releases import Releases

__all__ = [
    "Constants",
    "Plan",
    "Releases",
    "count_path",
    "declared",
    "increment",
    "last_variance",
    "measured",
    "path",
    "plan",
    "residual",
    "squares",
    "worst_case",
]
