"""A proved upper bound on the spectral norm of a tall matrix from its computed Gram matrix."""

from __future__ import annotations

import torch

from certify.proofs.balls import precision

from .rounding import UNDERFLOW, ball_of, gamma, norm_upper, up

_BITS = 80
_SQUARINGS = 5


def frobenius_upper(matrix: torch.Tensor) -> float:
    """An upper bound on the Frobenius norm of a float64 matrix whose largest entry is of order one."""
    return norm_upper(float(torch.linalg.vector_norm(matrix)), matrix.numel())


def spectral_norm_from_gram(gram: torch.Tensor, gram_error: float, *, squarings: int = _SQUARINGS) -> float:
    """An upper bound on |A|_2 when ``gram`` is the float64 value of A'A with |gram - A'A|_2 <= ``gram_error``.

    The Gram ladder: with G_0 = gram scaled to a largest entry in [1/2, 1) and G_(t+1) = fl(G_t' G_t),
    |G_t|_2 <= sqrt(|G_(t+1)|_F + gamma_(p+2) |G_t|_F^2 + underflow), unrolled from |G_T|_2 <= |G_T|_F.
    The slack is at most p^(1/2^(T+1)) (own derivation on Higham 2002, 3.5).
    """
    if not bool(torch.isfinite(gram).all()):
        raise ValueError("a Gram matrix with entries that are not finite has no bound: scale the data down")
    largest = float(gram.abs().max())
    if largest == 0.0:
        return up(ball_of(gram_error).sqrt())
    size = gram.shape[0]
    ladder: list[tuple[float, int]] = []
    current = gram
    for _ in range(squarings):
        current, exponent = _scaled(current)
        ladder.append((frobenius_upper(current), exponent))
        current = current.T @ current
    with precision(_BITS):
        current, exponent = _scaled(current)
        bound = ball_of(frobenius_upper(current)) * ball_of(2.0) ** exponent
        for frobenius, scale in reversed(ladder):
            error = ball_of(gamma(size + 2)) * ball_of(frobenius) ** 2 + ball_of(float(size)) * ball_of(UNDERFLOW)
            bound = (bound + error).sqrt() * ball_of(2.0) ** scale
        return up((bound + ball_of(gram_error)).sqrt())


def _scaled(matrix: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The matrix times a power of two with largest entry in [1/2, 1), and the exponent taken out."""
    _, exponent = torch.frexp(matrix.abs().max())
    power = int(exponent)
    return torch.ldexp(matrix, torch.tensor(-power)), power
