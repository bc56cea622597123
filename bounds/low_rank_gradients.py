"""What the gradients of the factors of a low-rank edit determine of the gradient of the whole matrix, and what no decoder can recover."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from certify.proofs.sides import Side

from .bound import Bound, Estimate
from .derive import derive
from .evidence import Enclosed, Measured
from .rounding import UNDERFLOW, gamma
from .spectral.dense import rescaled
from .spectral.result import SpectralNorm, nothing_below
from .spectral.scaling import scaled, vector_norm_upper
from .spectral.symmetric import least_eigenvalue

_WITHIN = 4  # a computed unit matrix is shorter than one by so many times the allowance of its norm, so that no rounding makes it longer
_PASSES = 2  # projecting twice leaves a rounding error where the projectors' own was


@dataclass(frozen=True, eq=False)
class SeenGradient:
    """What the gradients s G B' of A and s A'G of B leave undetermined of a gradient G [out, in] at W + s A B.

    ``invisible`` is the Frobenius norm of the block (I - P) G (I - Q), P and Q the projectors on the range of A and on the rows of B, and
    ``decoder_error`` the least error of any decoder for one of G and its twin, which have the same gradients of the factors. Both are lower
    bounds where A and B are proved of full rank, else estimates. ``visible_share`` is the share of |G|² outside the block. ``twin`` is G - 2 X,
    rounded.
    """

    invisible: Bound | Estimate
    decoder_error: Bound | Estimate
    visible_share: Estimate
    twin: Tensor


def seen_gradient(gradient: Tensor, left: Tensor, right: Tensor) -> SeenGradient:
    """The account of a float64 gradient [out, in] for float64 factors A [out, r] and B [r, in].

    A zero column of A, or row of B, spans nothing and is left out. Lower bounds, with all rounding counted.

    Theorem: ``low-rank.invisible`` (lower product; upper left, right, gradient).
    Theorem: ``low-rank.decoder`` (lower invisible).

    >>> seen = seen_gradient(torch.eye(2).double(), torch.tensor([[1.0], [0.0]]).double(), torch.tensor([[1.0, 0.0]]).double())
    >>> bool(1 - 1e-9 < seen.decoder_error.value <= 1), round(seen.visible_share.value, 9)
    (True, 0.5)
    """
    small, exponent = scaled(gradient)
    sides = (_spanning(left), _spanning(right.mT))
    block = _block(small, *(_basis(side) for side in sides))
    twin = gradient - 2 * (block * 2.0 ** (exponent // 2) * 2.0 ** (exponent - exponent // 2))
    if not bool(torch.isfinite(twin).all()):
        raise ValueError("the gradient is too near the largest double for its twin to be one: scale it down")
    whole_block, power = scaled(block)  # at its own scale: its squares may be too small for doubles beside those of the gradient
    own, whole = float(torch.linalg.vector_norm(whole_block)), float(torch.linalg.vector_norm(small))
    length = own * 2.0**power
    share = Estimate(min(1.0, max(0.0, 1 - (length / whole) ** 2)) if whole else 1.0, "projection in float64")
    gaps = tuple(_gap(side) for side in sides)
    if not all(gap is None or gap.value > 0 for gap in gaps):
        estimate = Estimate(
            rescaled(_held(Bound(length, Side.UPPER)), exponent).upper.value, "projection in float64; full rank is not proved"
        )
        return SeenGradient(estimate, estimate, share, twin)
    if not length:
        invisible = nothing_below()
    else:
        unit = whole_block * ((1 - _WITHIN * gamma(block.numel() + 8)) / own)
        if vector_norm_upper(unit) > 1:
            raise ArithmeticError("a computed unit matrix is longer than one: this is a bug")
        size = _upper(vector_norm_upper(small), "Frobenius norm of the gradient, scaled")
        lost = size * gamma(small.numel() + 1) + UNDERFLOW
        product = Bound(float((unit * small).sum()), Side.LOWER, Measured("inner product with the block, scaled")) - lost
        leaks = tuple(_leak(side, matrix, gap) for side, matrix, gap in zip(sides, (unit, unit.mT), gaps, strict=True))
        invisible = nothing_below()
        if product.value > 0:
            found = derive("low-rank.invisible", product=product, left=leaks[0], right=leaks[1], gradient=size)
            invisible = found if found.value > 0 else invisible
    invisible = rescaled(SpectralNorm(_upper(0.0, ""), invisible, ""), exponent).lower
    return SeenGradient(invisible, derive("low-rank.decoder", invisible=invisible), share, twin)


def _spanning(factor: Tensor) -> Tensor:
    """The columns that are not zero, each scaled to order one by a power of two: they span the same."""
    columns = [scaled(column)[0] for column in factor.mT if bool(column.any())]
    return torch.stack(columns, 1) if columns else factor[:, :0]


def _basis(factor: Tensor) -> Tensor:
    """An approximate orthonormal basis of the range."""
    if not factor.shape[1]:
        return factor
    left, singular, _ = torch.linalg.svd(factor, full_matrices=False)
    kept: Tensor = left[:, singular > singular[0] * max(factor.shape) * torch.finfo(torch.float64).eps]
    return kept


def _block(gradient: Tensor, left: Tensor, right: Tensor) -> Tensor:
    for _ in range(_PASSES):
        gradient = gradient - left @ (left.mT @ gradient)
        gradient = gradient - (gradient @ right) @ right.mT
    return gradient


def _gap(factor: Tensor) -> Bound | None:
    """A lower bound on the least singular value, zero where full rank is not proved; ``None`` of a factor without columns.

    Theorem: ``norm.rounded-product`` (upper relative, frobenius, underflow).
    """
    rows, columns = factor.shape
    if not columns:
        return None
    if columns > rows:
        return nothing_below()
    error = derive(
        "norm.rounded-product",
        relative=_upper(gamma(rows), "rounding of the Gram matrix"),
        frobenius=_upper(vector_norm_upper(factor), "Frobenius norm of the factor, columns scaled"),
        underflow=_upper(UNDERFLOW, "underflow"),
    )
    try:
        eigenvalue = least_eigenvalue(factor.mT @ factor, error)
    except ArithmeticError:
        return nothing_below()
    return eigenvalue.sqrt() if eigenvalue.value > 0 else nothing_below()


def _leak(factor: Tensor, unit: Tensor, gap: Bound | None) -> Bound:
    """How much of the computed block still lies in the range of the factor.

    Theorem: ``low-rank.leak`` (upper image; lower gap).
    """
    if gap is None:
        return Bound(0.0, Side.EXACT, Enclosed("the factor is zero"))
    allowance = _upper(vector_norm_upper(factor), "Frobenius norm of the factor, columns scaled") * gamma(len(factor))
    image = _upper(vector_norm_upper(factor.mT @ unit), "Frobenius norm of the factor's product with the block")
    return derive("low-rank.leak", image=image + allowance + UNDERFLOW, gap=gap)


def _upper(value: float, what: str) -> Bound:
    return Bound(value, Side.UPPER, Measured(what))


def _held(bound: Bound) -> SpectralNorm:
    return SpectralNorm(bound, nothing_below(), "")
