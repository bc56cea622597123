"""Weight normalisation by its definition, for torch's own second derivative of it is wrong in v (2.13)."""

from __future__ import annotations

import torch
from torch import Tensor


def rule(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """g·v/‖v‖, the norm over all dimensions but ``dim`` (over all for -1)."""
    return v * (g / torch.norm_except_dim(v, 2, dim))
