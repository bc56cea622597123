"""Spectral norms of maps that are made of others: sums (residual branches) and stacks (concatenated outputs or inputs)."""

from __future__ import annotations

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined
from .result import SpectralNorm


def sum_norm(*norms: SpectralNorm) -> SpectralNorm:
    """The norm of a sum of linear maps, such as a skip connection and its branch: at most the sum, at least the largest less the others.

    Theorem: ``norm.sum`` (upper left, right).

    >>> import torch
    >>> from certify.bounds import spectral_norm
    >>> identity = spectral_norm(torch.nn.Identity())
    >>> sum_norm(identity, identity).upper.value
    2.0
    """
    _need_some(norms)
    upper = norms[0].upper
    for norm in norms[1:]:
        upper = derive("norm.sum", left=upper, right=norm.upper)
    lower = max(
        (_left_over(norm, norms[:place] + norms[place + 1 :]) for place, norm in enumerate(norms)), key=lambda bound: bound.value
    )
    return SpectralNorm(upper, lower, "the sum of the norms")


def _left_over(norm: SpectralNorm, others: tuple[SpectralNorm, ...]) -> Bound:
    left = norm.lower
    for other in others:
        left = left - other.upper
    return left if left.value >= 0 else Bound(0.0, Side.LOWER, Combined("a norm is nonnegative", (left,)))


def _need_some(norms: tuple[SpectralNorm, ...]) -> None:
    if not norms:
        raise ValueError("a sum or a stack needs at least one map: pass the spectral norms of its parts")


def stacked_norm(*norms: SpectralNorm) -> SpectralNorm:
    """The norm of linear maps side by side or one above the other (concatenation): between the largest and the root of the sum of squares.

    Theorem: ``norm.blocks`` (upper left, right).

    >>> import torch
    >>> from certify.bounds import spectral_norm
    >>> identity = spectral_norm(torch.nn.Identity())
    >>> 1.41421356 < stacked_norm(identity, identity).upper.value < 1.41421357
    True
    """
    _need_some(norms)
    upper = norms[0].upper
    for norm in norms[1:]:
        upper = derive("norm.blocks", left=upper, right=norm.upper)
    lower = max((norm.lower for norm in norms), key=lambda bound: bound.value)
    return SpectralNorm(upper, lower, "the root of the sum of the squared norms")
