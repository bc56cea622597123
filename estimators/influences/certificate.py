"""An interval around u'(A + damping I)^-1 v from what a space has seen of A, with every rounding error added outward."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from certify.bounds import Bound, derive
from certify.bounds.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.sides import Side

from ..products import Accuracy
from .space import Space, combined, inner

_ROOM = 1.01
"""For the second order of rounding, and for the sums of allowances in double precision."""
_CUTOFF = 1e-13


@dataclass(frozen=True)
class Interval:
    """Bounds from both sides; ``rounding`` is how much of the width is allowance for rounding and for the accuracy of products."""

    lower: Bound
    upper: Bound
    rounding: float

    @property
    def width(self) -> float:
        return self.upper.value - self.lower.value


@dataclass(frozen=True, eq=False)
class Approximation:
    """x = Y c exactly, its computed vector, the computed residual w - A x, and how far those may be from the true ones in norm."""

    vector: Tensor
    residual: Tensor
    size: float
    off: float
    residual_off: float


class Certificate:
    """The small problems of a space for A + damping I at least ``definiteness``; all vectors are measured, none is believed."""

    def __init__(self, space: Space, damping: float, accuracy: Accuracy) -> None:
        self.space, self.damping, self.accuracy = space, damping, accuracy
        self.form = _symmetric(space.yi + damping * space.yy)
        self.square = _symmetric(space.ii + 2 * damping * _symmetric(space.yi) + damping**2 * space.yy)
        self.seen = space.yw
        self.image_seen = space.iw + damping * space.yw
        self._terms = space.asked.size + space.width + 8

    def galerkin(self) -> Tensor:
        """The coefficients of solutions whose residuals are orthogonal to the space."""
        return _solved(self.form, self.seen)

    def estimate(self) -> float:
        """The value that the space alone gives, as conjugate gradients would."""
        return float(self.seen[:, -1] @ self.galerkin()[:, 0])

    def refuted(self, definiteness: Bound) -> float | None:
        """The value of a quotient y.Ay/y.y that lies below the bound claimed for all of them, beyond rounding; else None."""
        if not self.space.width:
            return None
        vectors = torch.linalg.eigh(self.form).eigenvectors
        vector = combined(self.space.basis, vectors[:, :1])[:, 0]
        image = combined(self.space.image, vectors[:, :1])[:, 0] + self.damping * vector
        quotient = float(vector @ image) / float(vector @ vector)
        found, _ = self._against(vectors[:, 0], image)
        slack = 2 * (found.residual_off + gamma(self._terms) * vector_norm_upper(image)) / float(torch.linalg.vector_norm(vector))
        return quotient if quotient + slack < definiteness.value else None

    def dual_corrected(self, definiteness: Bound) -> Interval:
        """The corrected value u'x + y'r with residuals as short as the space allows, and the product of the residuals over mu on each side.

        Theorem: ``solve.rounded-functional`` (upper dual_residual, residual, dual_solution, residual_rounding, value_rounding; lower definiteness).
        """
        coefficients = _solved(self.square, self.image_seen)
        x, y = self._approximation(coefficients[:, 0], 0), self._approximation(coefficients[:, -1], -1)
        value, value_rounding = self._corrected(x, y)
        say = self.accuracy.evidence
        error = derive(
            "solve.rounded-functional",
            dual_residual=Bound(self._length(y), Side.UPPER, say("norm of the dual residual")),
            residual=Bound(self._length(x), Side.UPPER, say("norm of the residual")),
            dual_solution=Bound(y.size, Side.UPPER, say("norm of the dual solution")),
            residual_rounding=Bound(x.residual_off, Side.UPPER, say("rounding of the residual")),
            value_rounding=Bound(value_rounding, Side.UPPER, say("rounding of the corrected value")),
            definiteness=definiteness,
        )
        return Interval(value - error, value + error, 2 * (y.size * x.residual_off + value_rounding))

    def radau(self, definiteness: Bound) -> Interval:
        """Gauss and Gauss-Radau quadrature of a mixture of u and v, as a bound on vectors: the sharpest that the space allows.

        x and y make |r|²/mu less what a correction in the space gains (f for y, e for x) as small as it can be; the mixture that
        makes the interval the shortest is chosen from the two.

        Theorem: ``solve.radau`` (upper residual_sum; lower gain, definiteness; exact weight).
        """
        mu = definiteness.value
        radau = _solved(_symmetric(self.square - mu * self.form), self.image_seen - mu * self.seen)
        correction = self.galerkin() - radau
        x, y = self._approximation(radau[:, 0], 0), self._approximation(radau[:, -1], -1)
        gaps = [self._gap(found, correction[:, i], mu) for found, i in ((x, 0), (y, -1))]
        weight = math.sqrt(gaps[1]) / math.sqrt(gaps[0]) if min(gaps) > 0 else 1.0
        weight = weight if 0 < weight < math.inf else 1.0
        value, value_rounding = self._corrected(x, y)
        off = _ROOM * (value_rounding + y.size * x.residual_off)
        shortfalls, rounding = [], 2 * off
        for sign in (1.0, -1.0):
            bound, lost = self._shortfall(x, y, correction[:, -1] - sign * weight * correction[:, 0], sign, weight, definiteness)
            shortfalls.append(bound)
            rounding += lost
        say = self.accuracy.evidence
        below = Bound(_up(off - value), Side.UPPER, say("the corrected value, with rounding, and its sign turned"))
        above = Bound(_up(value + off), Side.UPPER, say("the corrected value, with rounding"))
        return Interval(-(below + shortfalls[1]), above + shortfalls[0], rounding)

    def _shortfall(
        self, x: Approximation, y: Approximation, correction: Tensor, sign: float, weight: float, definiteness: Bound
    ) -> tuple[Bound, float]:
        """At least sign s.A^-1 r, and how much of it is rounding.

        Theorem: ``solve.radau`` (upper residual_sum; lower gain, definiteness; exact weight).
        """
        turned = sign * weight * x.residual
        off = y.residual_off + weight * x.residual_off
        off = _ROOM * (off + gamma(3) * (vector_norm_upper(y.residual) + vector_norm_upper(turned))) + UNDERFLOW
        length = vector_norm_upper(y.residual + turned)
        minus = y.residual - turned
        h, left = self._against(correction, minus)
        sizes = vector_norm_upper(minus) + vector_norm_upper(left)
        rounded = h.size * (2 * off + h.residual_off) + (gamma(self._terms) * (h.size + h.off) + h.off) * sizes
        computed = float(h.vector @ minus) + float(h.vector @ left)
        gain = max(0.0, math.nextafter(computed - _ROOM * rounded - UNDERFLOW, -math.inf))
        say = self.accuracy.evidence
        bound = derive(
            "solve.radau",
            residual_sum=Bound(_up(length + off), Side.UPPER, say("norm of a sum of residuals")),
            gain=Bound(gain, Side.LOWER, say("what a correction gains")),
            weight=weight,
            definiteness=definiteness,
        )
        return bound, ((2 * length + off) * off / definiteness.value + _ROOM * rounded) / (4 * weight)

    def _gap(self, found: Approximation, correction: Tensor, mu: float) -> float:
        """|r|²/mu less the gain, in floating-point arithmetic: it only chooses the weight."""
        length = float(torch.linalg.vector_norm(found.residual))
        gain = 2 * float(correction @ inner(self.space.basis, found.residual[:, None])[:, 0])
        return length**2 / mu - gain + float(correction @ self.form @ correction)

    def _approximation(self, coefficients: Tensor, column: int) -> Approximation:
        return self._against(coefficients, self.space.targets[:, column])[0]

    def _against(self, coefficients: Tensor, target: Tensor) -> tuple[Approximation, Tensor]:
        """The combination with its residual against the target, which is taken as it is; and that residual."""
        vector = combined(self.space.basis, coefficients[:, None])[:, 0]
        image = combined(self.space.image, coefficients[:, None])[:, 0]
        residual = target - image - self.damping * vector
        sizes = coefficients.abs().tolist()
        size = sum(map(float.__mul__, sizes, self.space.vectors)) * _ROOM
        seen = sum(map(float.__mul__, sizes, self.space.images)) * _ROOM
        rounding = gamma(self.space.width + 8)
        off = self.accuracy.absolute * size + rounding * (vector_norm_upper(target) + seen + self.damping * size)
        found = Approximation(vector, residual, size, _ROOM * rounding * size + UNDERFLOW, _ROOM * off + UNDERFLOW)
        return found, residual

    def _length(self, found: Approximation) -> float:
        return _up(vector_norm_upper(found.residual) + found.residual_off)

    def _corrected(self, x: Approximation, y: Approximation) -> tuple[float, float]:
        """u'x + y'r as computed, and how far that is at most from the sum of the exact x and y with the computed r."""
        functional = self.space.targets[:, -1]
        value = float(functional @ x.vector) + float(y.vector @ x.residual)
        norms = vector_norm_upper(functional), vector_norm_upper(x.residual)
        rounding = (
            gamma(self._terms) * (norms[0] * (x.size + x.off) + norms[1] * (y.size + y.off)) + norms[0] * x.off + norms[1] * y.off
        )
        return value, _ROOM * (rounding + UNIT_ROUNDOFF * abs(value)) + UNDERFLOW


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    """A least-squares solution with a symmetric matrix; directions below the cutoff are left alone, which only costs sharpness."""
    if not len(matrix):
        return right.clone()
    scale = matrix.diagonal().abs().clamp_min(1e-300).rsqrt()
    values, vectors = torch.linalg.eigh(_symmetric(scale[:, None] * matrix * scale))
    kept = values.abs() > _CUTOFF * values.abs().max()
    inverse = torch.where(kept, 1 / torch.where(kept, values, torch.ones_like(values)), torch.zeros_like(values))
    found: Tensor = scale[:, None] * (vectors @ (inverse[:, None] * (vectors.T @ (scale[:, None] * right))))
    return found


def _symmetric(matrix: Tensor) -> Tensor:
    return (matrix + matrix.T) / 2


def _up(value: float) -> float:
    """Above the sum that this is the double of: three roundings of it."""
    return math.nextafter(value + 4 * UNIT_ROUNDOFF * abs(value), math.inf)
