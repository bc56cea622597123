"""Proved upper bounds on norms: of a vector of any scale, and of a tall matrix from its computed Gram matrix."""

from __future__ import annotations

import math

import torch
from flint import arb

from certify.proofs.balls import precision, upper_double

from .rounding import ALLOWANCE_BITS, UNDERFLOW, gamma, norm_upper

_SQUARINGS = 5


def frobenius_upper(matrix: torch.Tensor) -> float:
    """An upper bound on the Frobenius norm of a float64 matrix whose largest entry is of order one.

    >>> 5.0 <= frobenius_upper(torch.tensor([[3.0, 4.0]], dtype=torch.float64)) < 5.0 + 1e-14
    True
    """
    return norm_upper(float(torch.linalg.vector_norm(matrix)), matrix.numel())


def vector_norm_upper(vector: torch.Tensor) -> float:
    """An upper bound on the Euclidean norm of a float64 tensor of any scale: it is scaled first, so that no square underflows.

    Infinity where the norm is beyond the doubles or an entry is not finite.

    >>> 5e-200 <= vector_norm_upper(torch.tensor([3e-200, 4e-200], dtype=torch.float64)) < 5.0001e-200
    True
    """
    if not bool(vector.any()):
        return 0.0
    small, exponent = scaled(vector)
    norm = norm_upper(float(torch.linalg.vector_norm(small)), vector.numel())
    try:
        return math.nextafter(math.ldexp(norm, exponent), math.inf)
    except OverflowError:
        return math.inf


def spectral_norm_from_gram(gram: torch.Tensor, gram_error: float, *, squarings: int = _SQUARINGS) -> float:
    """An upper bound on |A|_2 when ``gram`` is the float64 value of A'A with |gram - A'A|_2 <= ``gram_error``.

    The Gram ladder: with G_0 = gram scaled to a largest entry in [1/2, 1) and G_(t+1) = fl(G_t' G_t),
    |G_t|_2 <= sqrt(|G_(t+1)|_F + gamma_(p+2) |G_t|_F^2 + underflow), unrolled from |G_T|_2 <= |G_T|_F.
    The slack is at most p^(1/2^(T+1)) (own derivation on Higham 2002, 3.5). Raises ``ValueError`` for a Gram matrix
    with entries that are not finite.

    Theorem: ``norm.gram`` (upper gram, rounding).
    Theorem: ``norm.frobenius`` (upper frobenius).

    >>> 1.0 <= spectral_norm_from_gram(torch.eye(2, dtype=torch.float64), 0.0) <= 2 ** (1 / 64) + 1e-14
    True
    """
    if not bool(torch.isfinite(gram).all()):
        raise ValueError("a Gram matrix with entries that are not finite has no bound: scale the data down")
    largest = float(gram.abs().max())
    if largest == 0.0:
        return upper_double(arb(gram_error).sqrt())
    size = gram.shape[0]
    ladder: list[tuple[float, int]] = []
    current = gram
    for _ in range(squarings):
        current, exponent = scaled(current)
        ladder.append((frobenius_upper(current), exponent))
        current = current.T @ current
    with precision(ALLOWANCE_BITS):
        current, exponent = scaled(current)
        bound = arb(frobenius_upper(current)) * arb(2.0) ** exponent
        for frobenius, scale in reversed(ladder):
            error = arb(gamma(size + 2)) * arb(frobenius) ** 2 + arb(float(size)) * arb(UNDERFLOW)
            bound = (bound + error).sqrt() * arb(2.0) ** scale
        return upper_double((bound + arb(gram_error)).sqrt())


def scaled(matrix: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The tensor times a power of two with largest entry in [1/2, 1), and the exponent taken out.

    Unchanged where that entry is zero or not finite. By two exact factors: ``torch.ldexp`` forms the power in
    single precision in some releases, where it becomes 0 or infinite.
    """
    largest = float(matrix.abs().max())
    if largest == 0.0 or not math.isfinite(largest):
        return matrix, 0
    exponent = math.frexp(largest)[1]
    half = -exponent // 2
    return matrix * 2.0**half * 2.0 ** (-exponent - half), exponent
