"""Norms of float64 vectors and matrices of any scale, from above, and the exact scaling that keeps their squares from underflow."""

from __future__ import annotations

import math

import torch

from ..rounding import norm_upper


def frobenius_upper(matrix: torch.Tensor) -> float:
    """An upper bound on the Frobenius norm of a float64 matrix whose largest entry is of order one.

    >>> 5.0 <= frobenius_upper(torch.tensor([[3.0, 4.0]], dtype=torch.float64)) < 5.0 + 1e-14
    True
    """
    need_doubles(matrix)
    return norm_upper(float(torch.linalg.vector_norm(matrix)), matrix.numel())


def vector_norm_upper(vector: torch.Tensor) -> float:
    """An upper bound on the Euclidean norm of a float64 tensor of any scale: it is scaled first, so that no square underflows.

    Infinity where the norm is beyond the doubles or an entry is not finite.

    >>> 5e-200 <= vector_norm_upper(torch.tensor([3e-200, 4e-200], dtype=torch.float64)) < 5.0001e-200
    True
    """
    refuse_flushing()
    if not bool(vector.any()):
        return 0.0
    small, exponent = scaled(vector)
    norm = norm_upper(float(torch.linalg.vector_norm(small)), vector.numel())
    try:
        return math.nextafter(math.ldexp(norm, exponent), math.inf)
    except OverflowError:
        return math.inf


def scaled(matrix: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The tensor times a power of two with largest entry in [1/2, 1), and the exponent taken out.

    Unchanged where that entry is zero or not finite. By two exact factors: ``torch.ldexp`` forms the power in
    single precision in some releases, where it becomes 0 or infinite.
    """
    need_doubles(matrix)
    largest = float(matrix.abs().max()) if matrix.numel() else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return matrix, 0
    exponent = math.frexp(largest)[1]
    half = -exponent // 2
    return matrix * 2.0**half * 2.0 ** (-exponent - half), exponent


def refuse_flushing() -> None:
    """Raise ``ArithmeticError`` where the processor takes numbers below 2**-1022 for zero, as after ``torch.set_flush_denormal(True)``.

    A float32 weight of 1e-40 would be read as zero there, and the zero map has the norm zero.

    >>> refuse_flushing()
    """
    least = torch.full((1,), 2.0**-1022, dtype=torch.float64, device="cpu")
    if bool(least * 0.5 == 0.0):
        raise ArithmeticError(
            "tiny numbers are flushed to zero, so that a tiny weight has no norm: call torch.set_flush_denormal(False) before asking for a bound"
        )


def need_doubles(matrix: torch.Tensor) -> None:
    """Refuse, with ``TypeError``, numbers other than float64, whose rounding no allowance here covers.

    >>> need_doubles(torch.ones(1, dtype=torch.float64))
    """
    if matrix.dtype != torch.float64:
        raise TypeError(
            f"the rounding of {str(matrix.dtype).removeprefix('torch.')} numbers is not counted here: convert to float64"
        )
