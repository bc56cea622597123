"""Lower bounds on a spectral norm: the image of a vector, with its rounding taken off."""

from __future__ import annotations

import torch
from flint import arb
from torch import Tensor

from certify.proofs.balls import lower_double, precision
from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import ALLOWANCE_BITS, UNDERFLOW, gamma, norm_upper
from .result import nothing_below
from .scaling import scaled


def attained(matrix: Tensor, vector: Tensor) -> Bound:
    """A lower bound on the spectral norm of a float64 matrix with largest entry of order one: |A v|/|v|, rounded down.

    The vector may be any; a good one is an approximate singular vector. Zero where nothing can be said.

    >>> bool(2 - 1e-14 < attained(torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64)), torch.tensor([0.0, 1.0])).value <= 2)
    True
    """
    vector = scaled(vector.to(torch.float64))[0]
    rows, columns = matrix.shape
    frobenius = norm_upper(float(torch.linalg.vector_norm(matrix)), rows * columns)
    return attained_by(matrix @ vector, vector, terms=columns, absolute=frobenius)


def attained_by(image: Tensor, vector: Tensor, *, terms: int, absolute: float) -> Bound:
    """The same of a computed image: every entry a sum of at most ``terms`` products, ``absolute`` at or above the norm of the matrix |A|.

    Zero too for a vector that is not near order one, whose squares or products may have left the doubles.

    >>> attained_by(torch.tensor([3.0]), torch.tensor([1.0]), terms=1, absolute=3.0).value <= 3.0
    True
    """
    length = norm_upper(float(torch.linalg.vector_norm(vector)), max(vector.numel(), 1))
    if not 2.0**-400 < length < 2.0**400:
        return nothing_below()
    evidence = Measured("norm of the image of a vector over that of the vector")
    with precision(ALLOWANCE_BITS):
        computed = arb(float(torch.linalg.vector_norm(image))) * (1 - arb(gamma(max(image.numel(), 1) + 4))) - arb(UNDERFLOW)
        value = computed / arb(length) - arb(gamma(max(terms, 1))) * arb(absolute) - arb(UNDERFLOW)
        below = lower_double(value)
    return Bound(max(below, 0.0) if below == below else 0.0, Side.LOWER, evidence)
