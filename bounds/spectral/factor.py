"""Cholesky factorisations as proofs: which ran to their end, and how much a factor may have lost."""

from __future__ import annotations

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Measured
from ..rounding import gamma
from .scaling import need_doubles


def completed(matrices: Tensor) -> Tensor:
    """Which of the symmetric matrices [..., n, n] have a factor that is finite with a positive diagonal: LAPACK's word alone is not enough.

    The lower triangles are read. Raises ``TypeError`` for numbers other than float64, whose rounding :func:`lost_in_factor` would not cover.

    >>> completed(torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]], dtype=torch.float64)).tolist()
    [True, False]
    """
    need_doubles(matrices)
    factor, info = torch.linalg.cholesky_ex(matrices)
    fine: Tensor = (info == 0) & torch.isfinite(factor).all(-1).all(-1) & (factor.diagonal(dim1=-2, dim2=-1) > 0).all(-1)
    return fine


def lost_in_factor(size: int, largest: Bound, underflow: Bound) -> Bound:
    """At or above |M - L L'| for a factor that ran to its end, of a matrix of ``size`` rows whose diagonal is at most ``largest``.

    Theorem: ``norm.cholesky-residual`` (upper relative, trace, underflow).

    >>> exactly = Bound(1.0, Side.UPPER)
    >>> 0 < lost_in_factor(2, exactly, Bound(0.0, Side.UPPER)).value < 1e-15
    True
    """
    relative = Bound(gamma(size + 1), Side.UPPER, Measured("rounding of a Cholesky factor"))
    return derive(
        "norm.cholesky-residual", relative=relative, trace=largest * float(max(size, 1)) + underflow, underflow=underflow
    )
