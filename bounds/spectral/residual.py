"""An upper bound on a spectral norm from a computed singular value decomposition and its residuals."""

from __future__ import annotations

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Measured
from ..rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from .scaling import frobenius_upper


def residual_norm(matrix: Tensor) -> Bound:
    """An upper bound on the spectral norm of a float64 matrix with largest entry of order one, by its singular value decomposition.

    However bad the decomposition, the bound holds: sqrt(1 + |U'U - I|) s sqrt(1 + |V'V - I|) + |A - U S V'|, every norm with what its
    computation rounds off. Upper side. Raises ``ValueError`` for entries that are not finite.

    Theorem: ``norm.residual-svd`` (upper singular, left_error, right_error, residual).

    >>> 2.0 <= residual_norm(torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))).value < 2 + 1e-12
    True
    """
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError("a matrix with entries that are not finite has no spectral norm")
    left, singular, right = torch.linalg.svd(matrix, full_matrices=False)
    right = right.mT
    scaled = left * singular
    difference = matrix - scaled @ right.mT
    size = len(singular)
    products = _upper(frobenius_upper(scaled)) * _upper(frobenius_upper(right)) * gamma(size + 1)  # one more for the scaling of U
    subtraction = _upper(frobenius_upper(difference)) * (2 * UNIT_ROUNDOFF)
    residual = _upper(frobenius_upper(difference)) + products + subtraction + UNDERFLOW
    return derive(
        "norm.residual-svd",
        singular=_upper(float(singular.max()) if size else 0.0),
        left_error=_skew(left),
        right_error=_skew(right),
        residual=residual,
    )


def _skew(factor: Tensor) -> Bound:
    """At or above |Q'Q - I|: the computed one, and what its products round off."""
    error = factor.mT @ factor - torch.eye(factor.shape[1], dtype=factor.dtype, device="cpu")
    frobenius = _upper(frobenius_upper(factor))
    return _upper(frobenius_upper(error)) * (1 + 2 * UNIT_ROUNDOFF) + frobenius * frobenius * gamma(factor.shape[0]) + UNDERFLOW


def _upper(value: float) -> Bound:
    return Bound(value, Side.UPPER, Measured("Frobenius norm or largest entry of a computed matrix"))
