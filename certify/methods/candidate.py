"""What an unlearning method hands to the accept test: a point and a proved bound on its distance."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from certify.bounds import Bound
from certify.objectives import MeasuredGradient


@dataclass(frozen=True, eq=False)
class Candidate:
    """Un-noised parameters (secret), what was measured there on the retained records, and the cost."""

    parameters: torch.Tensor = field(repr=False)
    measured: MeasuredGradient = field(repr=False)
    distance: Bound = field(repr=False)
    iterations: int = field(repr=False)
    passes: int = field(repr=False)
