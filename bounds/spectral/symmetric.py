"""A proved lower bound on the least eigenvalue of a symmetric matrix, by a Cholesky factorisation of the shifted matrix."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Combined, Measured
from ..rounding import UNIT_ROUNDOFF
from .factor import completed, lost_in_factor
from .scaling import refuse_flushing, scaled

_COARSER = 8.0
_ATTEMPTS = 12


def least_eigenvalue(matrix: Tensor, error: Bound | float = 0.0) -> Bound:
    """A lower bound on the least eigenvalue of every symmetric matrix within ``error`` (spectral norm) of the float64 matrix given.

    M - t I = L L' + E with a finite factor proves that no eigenvalue of M lies below t - |E|. The number t comes from a computed
    eigenvalue and is lowered until the factorisation runs to its end. Lower side. The lower triangle is read. Raises ``ValueError``
    for entries that are not finite and for a negative error.

    Theorem: ``norm.cholesky-residual`` (upper relative, trace, underflow).

    >>> matrix = torch.diag(torch.tensor([2.0, -1.0], dtype=torch.float64))
    >>> -1 - 1e-13 < least_eigenvalue(matrix).value <= -1
    True
    """
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError("a matrix with entries that are not finite has no eigenvalues")
    refuse_flushing()
    off = error if isinstance(error, Bound) else Bound(error, Side.UPPER, Measured("error of the matrix"))
    if off.value < 0:
        raise ValueError(f"the error of a matrix is nonnegative, not {off.value}")
    if not bool(matrix.any()):
        return Bound(0.0, Side.LOWER, Measured("the matrix is zero")) - off
    small, exponent = scaled(torch.tril(matrix) + torch.tril(matrix, -1).T)
    size = len(small)
    underflow = Bound(size * 2.0**-960, Side.UPPER, Measured("what underflows in a factor of numbers of order one"))
    start = float(torch.linalg.eigvalsh(small)[0])
    slack = 8 * size * UNIT_ROUNDOFF
    for _ in range(_ATTEMPTS):
        shift = start - slack * max(abs(start), 1.0)
        shifted = small.clone()
        shifted.diagonal().sub_(shift)
        if bool(completed(shifted)):
            largest = Bound(float(shifted.diagonal().max()), Side.UPPER, Measured("largest entry of the diagonal"))
            lost = lost_in_factor(size, largest, underflow)
            rounding = largest * (2 * UNIT_ROUNDOFF)
            found = Bound(shift, Side.LOWER, Measured("shift whose factorisation ran to its end")) - (lost + rounding)
            return _scaled_back(found, exponent) - off
        slack *= _COARSER
    raise ArithmeticError("no Cholesky factorisation ran to its end: the matrix is too ill-scaled for float64")


def _scaled_back(bound: Bound, exponent: int) -> Bound:
    try:
        value = math.nextafter(math.ldexp(bound.value, exponent), -math.inf)
    except OverflowError:
        value = math.copysign(math.inf, bound.value)
        value = value if value < 0 else math.nextafter(value, 0.0)
    return Bound(value, Side.LOWER, Combined(f"times 2 to the power of {exponent}", (bound,)))
