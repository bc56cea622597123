"""Sequences of deletions with one guarantee for all releases (Kuang and Xia 2026): constants, and the noise that they ask for."""

from .constants import Constants, declared, measured, worst_case
from .drawing import Releases
from .plan import Plan, count_path, increment, last_variance, path, plan, residual, squares
from .sequence import Release, Sequence, constants_of, releases

__all__ = [
    "Constants",
    "Plan",
    "Release",
    "Releases",
    "Sequence",
    "constants_of",
    "count_path",
    "declared",
    "increment",
    "last_variance",
    "measured",
    "path",
    "plan",
    "releases",
    "residual",
    "squares",
    "worst_case",
]
