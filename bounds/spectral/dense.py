"""The spectral norm of a matrix, between a proved upper bound and a lower bound that a vector attains."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound, tightest
from ..evidence import Combined, Enclosed
from ..rounding import UNIT_ROUNDOFF, gamma
from .attained import attained
from .cholesky import NotProved, cholesky_norm
from .eigenvalue import largest_of_gram
from .ladder import spectral_norm_from_gram
from .residual import residual_norm
from .result import Charge, SpectralNorm
from .scaling import frobenius_upper, refuse_flushing, scaled

Method = Literal["cholesky", "residual", "ladder"]
_EXACT_IN_DOUBLE = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class NotALinearMap(ValueError):
    """What was given has no spectral norm that is known here; the message names it and the remedy."""


def exact_weights(weight: Tensor, name: str) -> Tensor:
    """The stored numbers as float64 on the processor, which holds them exactly.

    Raises :class:`NotALinearMap` for complex and integer tensors, for sparse, nested and empty storage (the meta device), and for entries
    that are not finite; ``ArithmeticError`` where the processor flushes tiny numbers to zero.

    >>> exact_weights(torch.ones(1, dtype=torch.bfloat16), "weight")
    tensor([1.], dtype=torch.float64)
    """
    refuse_flushing()
    if weight.is_nested or weight.layout != torch.strided or weight.is_meta:
        kind = "nested" if weight.is_nested else "on the meta device" if weight.is_meta else "sparse"
        raise NotALinearMap(f"{name} is {kind}: give it as a dense tensor that holds its numbers")
    if weight.dtype not in _EXACT_IN_DOUBLE:
        raise NotALinearMap(
            f"{name} holds {str(weight.dtype).removeprefix('torch.')} numbers: give it in a real floating-point type"
        )
    held = weight.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(held).all()):
        raise NotALinearMap(f"{name} has entries that are not finite: a norm says nothing of it")
    return held


def matrix_norm(matrix: Tensor, *, method: Method = "cholesky", name: str = "the matrix") -> SpectralNorm:
    """The spectral norm of a real matrix of any scale, between two bounds.

    ``method`` chooses the proof of the upper bound: ``cholesky`` (one factorisation of t I - A'A; above the norm by a relative 1e-12 or
    so), ``residual`` (a singular value decomposition and its residuals; sharper for small matrices, dearer), ``ladder`` (products alone).
    Where a factorisation cannot prove it, the ladder does. Raises :class:`NotALinearMap`, and ``ValueError`` for another method.

    Theorem: ``norm.cholesky`` (upper scale, rounding).
    Theorem: ``norm.residual-svd`` (upper singular, left_error, right_error, residual).
    Theorem: ``norm.gram-ladder`` (upper ladder).

    >>> norm = matrix_norm(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
    >>> norm.lower.value <= 5 <= norm.upper.value < 5 + 1e-12
    True
    """
    if method not in get_args(Method):
        raise ValueError(f"a norm is proved by one of {', '.join(get_args(Method))}, not by {method!r}")
    held = exact_weights(matrix, name)
    if held.ndim != 2:
        raise NotALinearMap(f"{name} has {held.ndim} axes: a matrix has two")
    if held.numel() == 0 or not bool(held.any()):
        return zero_norm()
    small, exponent = scaled(held)
    tall = small if small.shape[0] >= small.shape[1] else small.mT
    if method == "cholesky":
        try:
            proved = cholesky_norm([tall[None]])
        except NotProved:
            return matrix_norm(matrix, method="ladder", name=name)
        result = SpectralNorm(proved.norm, attained(tall, proved.vector), "one Cholesky factor of t I - A'A", proved.ledger)
    else:
        gram = tall.mT @ tall
        below = attained(tall, largest_of_gram(gram)[1])
        above, words = (
            (residual_norm(small), "a singular value decomposition and its residuals")
            if method == "residual"
            else (_ladder(tall, gram), "the Gram ladder")
        )
        result = SpectralNorm(above, below, words, (Charge("above the norm attained", above.value - below.value),))
    return rescaled(result, exponent)


def _ladder(tall: Tensor, gram: Tensor) -> Bound:
    """The ladder on the computed Gram matrix, never above the Frobenius norm."""
    frobenius = frobenius_upper(tall)
    error = math.nextafter(gamma(tall.shape[0]) * frobenius * frobenius * (1 + 8 * UNIT_ROUNDOFF), math.inf) + 2.0**-960
    return tightest(
        Bound(spectral_norm_from_gram(gram, error, squarings=20), Side.UPPER, Enclosed("Gram ladder")),
        Bound(frobenius, Side.UPPER, Enclosed("Frobenius norm")),
    )


def zero_norm() -> SpectralNorm:
    """The norm of a map that is zero, or that has nothing to map."""
    nothing = Bound(0.0, Side.EXACT, Enclosed("every entry is zero"))
    return SpectralNorm(nothing, nothing, "the map is zero")


def rescaled(norm: SpectralNorm, exponent: int) -> SpectralNorm:
    """The norm of the map times 2 to the power of ``exponent``; beyond the doubles infinity above and the greatest double below."""
    return SpectralNorm(
        _shifted(norm.upper, exponent, Side.UPPER),
        _shifted(norm.lower, exponent, Side.LOWER),
        norm.proof,
        tuple(Charge(charge.what, _power(charge.size, exponent)) for charge in norm.ledger),
    )


def _shifted(bound: Bound, exponent: int, side: Side) -> Bound:
    value = _power(bound.value, exponent)
    if value == bound.value:  # zero, infinity, or nothing to do
        return bound
    if math.isinf(value):
        value = value if side is Side.UPPER else math.nextafter(value, 0.0)
    elif value < 2.0**-1021:  # below the normal numbers the power of two rounds
        value = math.nextafter(value, math.inf if side is Side.UPPER else 0.0)
    elif bound.side is Side.EXACT:
        side = Side.EXACT
    return Bound(value, side, Combined(f"times 2 to the power of {exponent}", (bound,)), bound.failure_probability)


def _power(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf
