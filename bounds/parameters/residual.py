"""The residual part of a network's Hessian at the centre of the ball, as a matrix: the second derivatives of the outputs along the loss.

With r the gradient of the loss in an example's outputs, J_v the Jacobian of the outputs in a value and Z the derivative of a value in all
parameters, the part of the Hessian that is not Gauss-Newton is the mean of

    sum over activations  h = phi(z)  of  Z_z' diag(r' J_h phi''(z)) Z_z,
    sum over layers  z = A(W) h + b  of  what  (V, e) -> 2 r' J_z A(V) Z_h e  is as a symmetric matrix.

All of it is formed from enclosures; what these leave open, and the rounding of the products, is bounded in the spectral norm.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.intervals import Interval
from ..rounding import gamma
from .adjoint import Adjoint
from .derivatives import Smooth
from .recursion import Derivatives
from .steps import Affine, Bend, Step, lengths, up


class Residual:
    """The sum over a batch of examples: ``matrix``, symmetric, off by at most ``error`` in the spectral norm.

    The parameters are those of the layers in order, of each output channel its taps and then its bias.
    """

    def __init__(self, steps: tuple[Step, ...], found: Derivatives, adjoint: Adjoint) -> None:
        self._steps, self._found = steps, found
        self._offsets, parameters = [], 0
        for step in steps:
            self._offsets.append(parameters)
            parameters += step.parameters if isinstance(step, Affine) else 0
        self._parameters = parameters
        self.matrix = torch.zeros(parameters, parameters, dtype=torch.float64)
        self.error = 0.0
        for number, (step, along) in enumerate(zip(steps, adjoint.along, strict=True)):
            if isinstance(step, Bend):
                self._bent(number, step, along)
            elif isinstance(step, Affine) and self._offsets[number]:
                self._crossed(number, step, along)

    def _bent(self, number: int, step: Bend, along: Interval) -> None:
        value = self._found.before[number].value
        curvature = Smooth(step.function).curvature(value)
        weights = along * Interval(curvature.low.flatten(1), curvature.high.flatten(1))
        jacobian, error = self._jacobian(number)
        middle = weights.middle
        self.matrix += (jacobian * middle[:, :, None]).flatten(0, 1).T @ jacobian.flatten(0, 1)
        size, most = lengths(jacobian), middle.abs().amax(1)
        loose = most * (2 * size * error + error**2) + weights.radius.amax(1) * (size + error) ** 2
        self.error += float(up(loose + gamma(middle.numel() + 4) * most * size**2).sum())

    def _crossed(self, number: int, step: Affine, along: Interval) -> None:
        value = self._found.before[number].value
        jacobian, error = self._jacobian(number)
        groups, outputs, reads = step.kernel.shape
        examples, parameters = len(jacobian), jacobian.shape[2]
        moves = jacobian.mT.reshape(examples * parameters, *value.low.shape[1:])
        windows = step.windows_of(moves).reshape(examples, parameters, groups, reads, -1)
        pulled = along.middle.reshape(examples, groups, outputs, -1)
        block = torch.einsum("ngop,nqgrp->gorq", pulled, windows)
        start = self._offsets[number]
        width = reads + (step.bias is not None)
        rows = torch.zeros(groups, outputs, width, parameters, dtype=torch.float64)
        rows[:, :, :reads] = block
        self.matrix[start : start + step.parameters] += rows.flatten(0, 2)
        self.matrix[:, start : start + step.parameters] += rows.flatten(0, 2).T
        size, reach = lengths(pulled), step.reuse * lengths(jacobian)
        loose = lengths(along.radius) * (reach + step.reuse * error) + size * step.reuse * error
        self.error += float(up(loose + gamma(pulled[:, 0, 0].numel() + 4) * size * reach).sum())

    def _jacobian(self, number: int) -> tuple[Tensor, Tensor]:
        """The derivative of what step ``number`` is given in all parameters, [examples, entries, parameters], and its error (Frobenius norm)."""
        before = self._found.before
        value = before[number].value.low
        size = value[0].numel()
        eye = torch.eye(size, dtype=torch.float64).reshape(1, size, *value.shape[1:])
        rows = Interval.point(eye.expand(len(value), *eye.shape[1:]))
        whole = torch.zeros(len(value), size, self._parameters, dtype=torch.float64)
        errors = torch.zeros(len(value), dtype=torch.float64)
        for place in reversed(range(number)):
            step, given = self._steps[place], before[place].value
            if isinstance(step, Affine):
                part = step.derivatives(rows, given)
                start = self._offsets[place]
                whole[:, :, start : start + step.parameters] = part.middle
                errors = up(errors + lengths(part.radius))
            rows = step.back_rows(rows, given)
        return whole, errors
