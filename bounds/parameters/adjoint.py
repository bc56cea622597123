"""Sharper bounds from the Jacobians of the outputs: back from the outputs through the steps, with what they are at the centre.

With J_v the Jacobian of the outputs in the value v, D² and D³ of the outputs are sums over the layers z = A(W) h + b and the activations
h = phi(z) of

    2 J_z A(V) D h,             3 J_z A(V) D² h                                  (a layer)
    J_h phi''(z) (D z)²,        J_h (3 phi''(z) D z D² z + phi'''(z) (D z)³)     (an activation)

so what counts of J_h at an activation is its longest column, weighted with phi''; and for the sum with the loss's gradient r, r' J instead
of J. At the centre these are computed, with enclosures. Over the ball J moves by at most the radius times |D J|, bounded on the way back,

    D J_h = (D J_z) A(W) + J_z A(V),        D J_z = (D J_h) phi'(z) + J_h phi''(z) D z,

and is never above the product of the norms, which the way back takes where it is less.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.intervals import Interval
from ..rounding import gamma
from .output_losses import LossSizes
from .recursion import Before, Derivatives
from .steps import Affine, Bend, Step, lengths, norms, up


@dataclass(frozen=True)
class _Weights:
    """At or above |J| and |r' J| over the ball, for every example; entry by entry |J| of each column and |r' J| of each entry, at the centre."""

    whole: Tensor
    pulled: Tensor
    columns: Tensor
    entries: Tensor | None


class Adjoint:
    """For a batch of examples, over the ball: ``first`` C, ``second`` Q and ``third`` R of the outputs; ``residual`` and ``residual_third``

    bound the second and third derivative of the outputs along the loss's gradient. ``jacobian`` is that of the outputs at the centre,
    [examples, K, parameters], off by at most ``jacobian_error`` (Frobenius norm), where it is to be kept. Where the targets are known, ``along``
    encloses r' J at the centre behind every step, and ``slope`` [examples, parameters] is r' J in the parameters, off by ``slope_error``.
    """

    def __init__(self, steps: tuple[Step, ...], found: Derivatives, sizes: LossSizes, keep: bool = True) -> None:
        self._sizes, self._radius = sizes, found.radius
        examples, layers = found.first.shape
        outputs = found.value.low[0].numel()
        eye = torch.eye(outputs, dtype=torch.float64).reshape(1, outputs, *found.value.low.shape[1:])
        self._rows = Interval.point(eye.expand(examples, *eye.shape[1:]))
        self._reach = torch.ones(examples, dtype=torch.float64)
        self._rate = torch.zeros(examples, layers, dtype=torch.float64)
        self._turn = up(sizes.second * found.moved)
        self.second, self.residual = torch.zeros_like(found.second), torch.zeros_like(found.second)
        self.third, self.residual_third = torch.zeros_like(found.third), torch.zeros_like(found.third)
        self._starts: list[Tensor] = []
        self._products: list[Tensor] = []
        parts: list[Interval] = []
        slopes: list[Interval] = []
        self.along: list[Interval] = []
        layer = layers
        for step, before in zip(reversed(steps), reversed(found.before), strict=True):
            weights = self._weigh()
            if isinstance(step, Affine):
                layer -= 1
                part = step.derivatives(self._rows, before.value) if keep or len(step.windows) > 1 else None
                parts += [part] if keep and part is not None else []
                self._layer(step, before, weights, layer, part)
                if sizes.gradient is not None:
                    row = Interval(self.along[0].low[:, None], self.along[0].high[:, None])
                    slopes.append(step.derivatives(row, before.value))
            elif isinstance(step, Bend):
                self._bent(step, before, weights)
            else:
                self._reach, self._rate = up(step.norm * weights.whole), up(step.norm * self._rate)
            self._rows = step.back_rows(self._rows, before.value)
        self.jacobian, self.jacobian_error = _joined(parts)
        self.slope, self.slope_error = _joined(slopes)
        self.second = torch.minimum(self.second, found.second + found.spiked)
        self.third = torch.minimum(self.third, up(found.third + found.spiked_third))
        self.residual = torch.minimum(self.residual, up(sizes.first[:, None, None] * self.second))
        self.residual_third = torch.minimum(self.residual_third, up(sizes.first * self.third))
        drift = up(torch.linalg.vector_norm(self.second, dim=2) * self._radius)
        least = torch.minimum(torch.stack(self._starts, 1) + drift, torch.stack(self._products, 1))
        self.first = torch.minimum(up(least), found.first)

    def _weigh(self) -> _Weights:
        rows, loose = self._rows.middle.flatten(2), lengths(self._rows.radius)
        sizes, drift = self._sizes, up(lengths(self._rate) * self._radius)
        here = up(norms(rows) + loose)
        whole = torch.minimum(self._reach, here + drift)
        columns = up(torch.linalg.vector_norm(rows, dim=1) + loose[:, None])
        if sizes.gradient is None:
            return _Weights(whole, up(sizes.first * whole), columns, None)
        gradient = sizes.gradient.middle
        pulled = (gradient[:, None] @ rows)[:, 0]
        size = lengths(gradient)
        error = size * loose + lengths(sizes.gradient.radius) * here + gamma(rows.shape[1] + 3) * size * lengths(rows)
        entries = up(pulled.abs() + error[:, None])
        self.along.insert(0, Interval.point(pulled).widened(up(error)[:, None]))
        along = up(lengths(pulled) + error + self._turn * here + sizes.first * drift)
        return _Weights(whole, torch.minimum(along, up(sizes.first * whole)), columns, entries)

    def _layer(self, step: Affine, before: Before, weights: _Weights, layer: int, part: Interval | None) -> None:
        assert before.around is not None
        self._products.insert(0, weights.whole * before.around)
        here = self._products[0] if part is None else norms(part.middle) + lengths(part.radius)
        self._starts.insert(0, here)
        cross = torch.zeros_like(self.second)
        cross[:, layer] = step.reuse * before.first
        cross = cross + cross.mT
        self.second = up(self.second + weights.whole[:, None, None] * cross)
        self.residual = up(self.residual + weights.pulled[:, None, None] * cross)
        self.third = up(self.third + 3 * weights.whole * before.together)
        self.residual_third = up(self.residual_third + 3 * weights.pulled * before.together)
        outer = (step.norm + step.reuse * self._radius) * (1 + 2.0**-40)
        self._reach, self._rate = up(outer * weights.whole), up(outer * self._rate)
        self._rate[:, layer] += up(step.reuse * weights.whole)

    def _bent(self, step: Bend, before: Before, weights: _Weights) -> None:
        assert before.slopes is not None
        steep, curved, twisted = (slopes.flatten(1) for slopes in before.slopes)
        first, p, q = before.first, before.length, before.together
        longest, along = self._longest(weights, curved)
        square = first[:, :, None] * first[:, None, :]
        self.second = up(self.second + longest[:, None, None] * square)
        self.residual = up(self.residual + along[:, None, None] * square)
        twist, twist_along = self._longest(weights, twisted)
        self.third = up(self.third + 3 * longest * p * q + twist * p**3)
        self.residual_third = up(self.residual_third + 3 * along * p * q + twist_along * p**3)
        most = steep.amax(1)
        self._rate = up(most[:, None] * self._rate + (weights.whole * curved.amax(1))[:, None] * first)
        self._reach = up(most * weights.whole)

    def _longest(self, weights: _Weights, factors: Tensor) -> tuple[Tensor, Tensor]:
        """At or above the longest column of J diag(factors) and the greatest entry of r' J diag(factors), over the ball."""
        most = factors.amax(1)
        drift = up(lengths(self._rate) * self._radius) * most
        longest = torch.minimum(up((weights.columns * factors).amax(1) + drift), up(weights.whole * most))
        along = up(self._sizes.first * longest)
        if weights.entries is not None:
            entries = weights.entries + self._turn[:, None] * weights.columns
            along = torch.minimum(along, up((entries * factors).amax(1) + self._sizes.first * drift))
        return longest, torch.minimum(along, up(weights.pulled * most))


def _joined(parts: list[Interval]) -> tuple[Tensor, Tensor]:
    """The middles of the layers' parts, given last layer first, along one axis, and how far they are off (Frobenius norm)."""
    if not parts:
        return torch.zeros(0, 0, 0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    errors = torch.stack([lengths(part.radius) for part in parts], 1)
    return torch.cat([part.middle for part in reversed(parts)], 2), lengths(errors)
