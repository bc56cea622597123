"""Cholesky for small operators: the matrix is formed, which is done only where it is asked for."""

from __future__ import annotations

import torch

from ..products import NotFinite, Products, SymmetricOperator, held_matrix
from ..progress import progress
from .result import Result, Solution
from .stopping import Equations, Stopping

_COLUMNS = 64
DENSE_LIMIT = 5000
"""The greatest dimension that is formed and factored without ``limit`` saying more: 200 MB and about a minute."""


def direct(
    operator: SymmetricOperator,
    target: torch.Tensor,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    limit: int = DENSE_LIMIT,
) -> Solution:
    """Solve A X = V by the Cholesky factor of the matrix in float64, formed by one product a dimension (none if it is held densely).

    The residual is that of the operator's own products. One step of refinement is taken. INDEFINITE where the
    factorisation does not complete, STALLED where the residual of a completed one is above the tolerance. Raises ``ValueError`` above ``limit``.

    >>> direct(torch.diag(torch.tensor([1.0, 4.0]).double()), torch.ones(2).double(), rtol=1e-14).value.tolist()
    [1.0, 0.25]
    """
    size = int(operator.shape[0])
    if size > limit:
        raise ValueError(f"a direct solve forms a {size} by {size} matrix: use conjugate gradients, or pass limit={size}")
    columns = max(1, target[0].numel())
    equations = Equations.of(operator, target, Stopping(atol, rtol))
    held = held_matrix(operator)
    try:
        if held is None:
            held = _formed(equations.asked, operator)
        factor, failed = torch.linalg.cholesky_ex((held + held.T) / 2)
        if int(failed) or not bool(torch.isfinite(factor).all()):
            nothing = torch.zeros_like(equations.block)
            return equations.solution(nothing, equations.lengths, Result.INDEFINITE)
        value = torch.cholesky_solve(equations.block.double(), factor).to(operator.dtype)
        residual = equations.block - equations.asked(value)
        value = value + torch.cholesky_solve(residual.double(), factor).to(operator.dtype)
    except NotFinite:
        return equations.not_finite(torch.zeros_like(equations.block))
    return equations.close(value, torch.full_like(equations.lengths, torch.nan), [Result.STALLED] * columns)


def _formed(asked: Products, operator: SymmetricOperator) -> torch.Tensor:
    """The matrix in float64, by products with a few columns of the identity at a time."""
    unit = torch.eye(asked.size, dtype=operator.dtype, device=operator.device)
    parts = range(0, asked.size, _COLUMNS)
    blocks = progress(parts, "forming the matrix", len(parts))
    return torch.cat([asked(unit[:, first : first + _COLUMNS]).double() for first in blocks], dim=1)
