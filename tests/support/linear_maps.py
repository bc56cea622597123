"""Linear maps of torch layers entry by entry, and norms to forty digits: what bounds are measured against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mpmath
import torch
from torch import Tensor, nn


def matrix_of(layer: nn.Module, shape: Sequence[int]) -> Tensor:
    """The matrix of a float64 layer whose inputs have ``shape`` (without the batch), by its own forward pass on every unit vector."""
    size = math.prod(shape)
    with torch.no_grad():
        zero = layer(torch.zeros((1, *shape), dtype=torch.float64))
        images: Tensor = layer(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - zero
    return images.reshape(size, -1).T


def norm_of(layer: nn.Module, shape: Sequence[int]) -> float:
    """The spectral norm of that matrix as LAPACK computes it: right to some 14 digits."""
    return float(torch.linalg.matrix_norm(matrix_of(layer, shape), 2))


def true_norm(matrix: Tensor) -> mpmath.mpf:
    """The spectral norm to forty digits, from the exact entries."""
    with mpmath.workdps(60):
        entries = mpmath.matrix([[mpmath.mpf(value) for value in row] for row in matrix.to(torch.float64).tolist()])
        gram = entries.T * entries if entries.rows >= entries.cols else entries * entries.T
        return mpmath.sqrt(max(mpmath.eigsy(gram, eigvals_only=True)))


def steepest_of(model: nn.Module, points: Tensor) -> float:
    """The greatest norm of the Jacobians of a float64 model at the points [points, inputs]."""
    points = points.clone().requires_grad_()
    outputs = model(points)
    rows = [torch.autograd.grad(outputs[:, output].sum(), points, retain_graph=True)[0] for output in range(outputs.shape[1])]
    return float(torch.linalg.matrix_norm(torch.stack(rows, 1), 2).max())
