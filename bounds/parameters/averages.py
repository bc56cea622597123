"""Bounds on the derivatives of a mean loss in the parameters: what every example has, averaged, and what examples have in common."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rounding import gamma
from ..spectral.dense import matrix_norm
from ..spectral.symmetric import least_eigenvalue
from .adjoint import Adjoint
from .output_losses import LossSizes, OutputLoss
from .recursion import Derivatives
from .residual import Residual
from .shallow import WIDER
from .steps import FLOOR, FOLLOWED, Affine, Bend, Step, lengths, norms, up

_MOST_ENTRIES = 1 << 24  # of the largest tensor that a batch of examples makes
_MOST_JACOBIANS = 1 << 31  # entries of all Jacobians together; beyond it norms of layers must do
MOST_PARAMETERS = 4096
"""Parameters up to which the Hessian of a mean is formed as a matrix."""
_MOST_WORK = 1 << 38  # multiplications for it


class Averages:
    """Upper bounds for the mean over all examples, at every point of the ball.

    ``gradient``, ``smoothness`` and ``cubic`` bound the gradient, the Hessian and the third derivative; ``gauss_newton`` the one part of
    the Hessian, ``ascent`` and ``descent`` the eigenvalues of the other, the residual part, and of its negative. ``edges`` bound the
    eigenvalues of the whole Hessian (least from below, greatest from above) where it could be formed and the ball is a point. Of a network
    with kinks the gradient alone is bounded, and the others say nothing.
    """

    def __init__(self, steps: tuple[Step, ...], rule: OutputLoss, rows: Tensor, targets: Tensor | None, radius: float) -> None:
        layers = [step for step in steps if isinstance(step, Affine)]
        self._count, self._radius = len(rows), radius
        self._per_example = self._cubic = self._squares = self._rest = self._slack = self._loose = self._turn = self._error = 0.0
        self._whole, self._residual = (torch.zeros(len(layers), len(layers), dtype=torch.float64) for _ in range(2))
        self._gram: Tensor | None = None
        self._matrix: Tensor | None = None
        self._rounded, self._growth = 0.0, 1.0
        self._terms = 0
        self._mean: Tensor | None = None
        self._parameters = sum(layer.parameters for layer in layers)
        smooth = not any(step.kink for step in steps if not isinstance(step, Affine))
        probe = Derivatives(steps, rows[:1], 0.0)
        outputs = probe.value.low.numel()
        widest = max(layer.entries for layer in layers)
        jacobians = outputs * (self._parameters + widest)
        back = smooth and len(rows) * jacobians <= _MOST_JACOBIANS
        self._formed = self._parameters <= MOST_PARAMETERS and len(rows) * outputs * self._parameters**2 <= _MOST_WORK
        given = [before.value.low.numel() for before in probe.before]
        whole = self._parameters <= MOST_PARAMETERS and len(rows) * sum(given) * self._parameters**2 <= _MOST_WORK
        whole = whole and all(isinstance(step.function, FOLLOWED) for step in steps if isinstance(step, Bend))
        entries = max(widest, *given) * self._parameters if whole else jacobians if back else widest
        size = max(1, _MOST_ENTRIES // entries)
        for start in range(0, len(rows), size):
            found = Derivatives(steps, rows[start : start + size], radius)
            wanted = None if targets is None else targets[start : start + size]
            sizes = rule.sizes(found.value, found.moved, wanted)
            if back:
                adjoint = Adjoint(steps, found, sizes, self._formed)
                if radius:  # outputs move no further than their Jacobians on the ball allow, and the loss is then known better
                    found.moved = torch.minimum(found.moved, up(lengths(adjoint.first) * radius))
                    sizes = rule.sizes(found.value, found.moved, wanted)
                    adjoint = Adjoint(steps, found, sizes, self._formed)
                self._add(adjoint.first, adjoint.second, sizes, adjoint.residual, adjoint.residual_third)
                self._add_jacobians(adjoint, sizes)
                if whole and sizes.gradient is not None:
                    self._add_residual(Residual(steps, found, adjoint))
            else:
                second, third = up(found.second + found.spiked), up(found.third + found.spiked_third)
                along = up(sizes.first[:, None, None] * second)
                self._add(found.first, second, sizes, along, up(sizes.first * third))
        self.cubic = self._cubic * WIDER + FLOOR
        self.descent, self.ascent = (self._residual_edge(sign) for sign in (1.0, -1.0))
        self.gauss_newton = self._gauss_newton()
        self.edges = self._whole_edges() if radius == 0.0 and not rule.kink else (-math.inf, math.inf)
        both = max((self.gauss_newton + self.ascent) * WIDER, self.descent)
        self.smoothness = min(float(norms(self._whole[None])[0]), both, max(self.edges[1], -self.edges[0]))
        self.gradient = min(self._per_example * WIDER + FLOOR, self._of_the_mean())

    def _add(self, first: Tensor, second: Tensor, sizes: LossSizes, residual: Tensor, third: Tensor) -> None:
        p, q = lengths(first), norms(second)
        self._per_example += float((sizes.first * p).sum()) / self._count
        self._cubic += float((sizes.third * p**3 + 3 * sizes.second * p * q + third).sum()) / self._count
        outer = sizes.second[:, None, None] * first[:, :, None] * first[:, None, :]
        self._whole = up(self._whole + (outer + residual).sum(0) / self._count)
        self._residual = up(self._residual + residual.sum(0) / self._count)
        self._turn += float((third + sizes.second * p * q).sum()) / self._count

    def _add_jacobians(self, found: Adjoint, sizes: LossSizes) -> None:
        if sizes.gradient is not None:
            part = found.slope.flatten(0, 1).sum(0) / self._count
            self._mean = part if self._mean is None else self._mean + part
            loose = found.slope_error + gamma(self._count + 8) * lengths(found.slope)
            self._loose += float(up(loose).sum()) / self._count
        if not self._formed:
            return
        jacobian, error = found.jacobian, found.jacobian_error
        rows, size = jacobian.shape[1], lengths(jacobian)
        seen = (sizes.root @ jacobian) * (sizes.growth / self._count).sqrt()[:, None, None]
        part = seen.flatten(0, 1).T @ seen.flatten(0, 1)
        self._gram = part if self._gram is None else self._gram + part
        self._terms += len(seen) * rows + 1
        self._squares += float((seen**2).sum())
        self._growth = max(self._growth, float(sizes.growth.max()))
        moved = norms(sizes.root) * (norms(found.second) * self._radius + error) + gamma(rows + 6) * lengths(sizes.root) * size
        self._rest += float((sizes.growth * moved**2).sum()) / self._count
        self._slack += sizes.slack * float((sizes.growth * lengths(found.first) ** 2).sum()) / self._count

    def _add_residual(self, found: Residual) -> None:
        self._matrix = found.matrix if self._matrix is None else self._matrix + found.matrix
        self._error = (self._error + found.error) * WIDER
        self._rounded += float(torch.linalg.vector_norm(found.matrix))

    def _residual_edge(self, sign: float) -> float:
        """At or above every eigenvalue of the residual part times minus ``sign``, not below zero.

        By the layers' norms over the ball; or whole at the centre, and how far it turns from there: along r by the third derivatives of
        the outputs, and r itself times the second.
        """
        most = float(norms(self._residual[None])[0])
        if self._matrix is None or not math.isfinite(self._turn + self._error + self._rounded):
            return most
        error = (self._error + 2.0**-40 * self._rounded) * WIDER
        least = least_eigenvalue(sign * self._matrix, error).value
        here = max(-least, 0.0) / self._count * WIDER
        return min(most, (here + self._turn * self._radius if self._radius else here) * WIDER + FLOOR)

    def _whole_edges(self) -> tuple[float, float]:
        """Of the Hessian at the centre, formed from both parts; roots of the loss's Hessian are as near it as :class:`LossSizes` says."""
        sizes = self._rounded + self._rest + self._slack + self._error
        if self._matrix is None or self._gram is None or not math.isfinite(sizes) or self._growth > 1.1:
            return -math.inf, math.inf
        whole = self._gram + self._matrix / self._count
        apart = 4 * (self._growth - 1) + 2.0**-27
        curved = (apart + gamma(self._terms + 16)) * self._squares + 2 * math.sqrt(self._squares * self._rest) + self._rest
        error = (curved + self._slack + (self._error + 2.0**-40 * self._rounded) / self._count) * WIDER + FLOOR
        return least_eigenvalue(whole, error).value, -least_eigenvalue(-whole, error).value

    def _gauss_newton(self) -> float:
        """The greatest eigenvalue of the Gauss-Newton part: whole at the centre, and how far its root moves; infinite where it was not formed."""
        if self._gram is None or not math.isfinite(self._squares + self._rest + self._slack):
            return math.inf
        largest = matrix_norm(self._gram).upper.value
        rounding = gamma(self._terms + 16) * self._squares
        root = math.sqrt((largest + rounding) * WIDER) + math.sqrt(self._rest * WIDER)
        return (root**2 + self._slack) * WIDER + FLOOR

    def _of_the_mean(self) -> float:
        """The gradient of the mean at the centre, enclosed, and what the smoothness adds to it over the ball."""
        if self._mean is None:
            return math.inf
        length = float(lengths(self._mean[None])[0]) + self._loose
        return (length + self._radius * self.smoothness if self._radius else length) * WIDER + FLOOR
