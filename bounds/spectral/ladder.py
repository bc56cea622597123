"""The Gram ladder: an upper bound on a spectral norm by squaring the Gram matrix, with the rounding of every step counted."""

from __future__ import annotations

import torch
from flint import arb

from certify.proofs.balls import precision, upper_double

from ..rounding import ALLOWANCE_BITS, UNDERFLOW, gamma
from .scaling import frobenius_upper, need_doubles, refuse_flushing, scaled

_SQUARINGS = 5
_WIDER = 1 + 2.0**-40
_SMALLEST = 2.0**-200


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
    refuse_flushing()
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


def batched_norms(matrices: torch.Tensor) -> torch.Tensor:
    """Upper bounds on the spectral norms of many small float64 matrices [batch, rows, columns], within two per cent for sizes up to ten.

    The Gram ladder for each: every square is scaled to Frobenius norm one, so that a step errs by at most gamma of its size, and the
    factors on the way back are widened by more than they round. Upper side: infinite where squares overflow or an entry is not finite.

    Theorem: ``norm.gram`` (upper gram, rounding).
    Theorem: ``norm.frobenius`` (upper frobenius).

    >>> bool((batched_norms(torch.eye(3, dtype=torch.float64)[None]) >= 1).all())
    True
    """
    need_doubles(matrices)
    tall = matrices if matrices.shape[-1] <= matrices.shape[-2] else matrices.mT
    rows, size = tall.shape[-2:]
    squares = torch.linalg.vector_norm(tall, dim=(-2, -1)) ** 2 * (_WIDER + 2 * gamma(rows * size + 8))
    current = tall.mT @ tall
    first = gamma(rows + 2) * squares * _WIDER
    step = gamma(size + 8) * _WIDER
    sizes = []
    for _ in range(_SQUARINGS):
        length = torch.linalg.vector_norm(current, dim=(-2, -1)).clamp_min(_SMALLEST)
        sizes.append(length)
        current = current / length[..., None, None]
        current = current.mT @ current  # a computed Gram matrix need not be symmetric to the last bit
    bound = torch.linalg.vector_norm(current, dim=(-2, -1)) * (_WIDER + gamma(size * size + 8))
    for length in reversed(sizes):
        bound = length * torch.sqrt(bound + step) * _WIDER
    return (torch.sqrt(bound + first) * _WIDER + _SMALLEST).nan_to_num(nan=torch.inf, posinf=torch.inf)
