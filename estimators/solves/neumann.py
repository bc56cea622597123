"""Neumann series and LiSSA: many cheap steps of one length, each of which is a residual."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from certify.bounds import Bound
from certify.proofs.sides import Side

from ..products import NotFinite, Products, SymmetricOperator
from ..progress import progress
from .result import Result, Solution
from .stopping import Equations, Stopping, norms

_GROWN = 1e3


def neumann(
    operator: SymmetricOperator,
    target: torch.Tensor,
    *,
    scale: float | Bound,
    atol: float | None = None,
    rtol: float | None = None,
    products: int | None = None,
) -> Solution:
    """Solve A X = V by X <- X + (V - A X)/scale; converges where A is positive definite and ``scale`` is above half its largest eigenvalue.

    There is no default scale: pass ``largest_eigenvalue(...).upper``, or a number. Every step computes the true residual, so
    the check costs nothing; a residual that has grown a thousandfold ends the iteration as DIVERGED. Needs
    about the condition number times log(1/tolerance) products, where conjugate gradients need its root.

    >>> solved = neumann(torch.tensor([[1.0, 0.0], [0.0, 2.0]]).double(), torch.ones(2).double(), scale=2.0, rtol=1e-9)
    >>> solved.result.name, solved.products
    ('CONVERGED', 30)
    """
    step = 1 / _scale(scale)
    equations = Equations.of(operator, target, Stopping(atol, rtol, products))
    value, residual = torch.zeros_like(equations.block), equations.block
    lengths, result = equations.lengths, Result.BUDGET
    going = iter(lambda: equations.asked.count + equations.block.shape[1] <= equations.most, False)
    try:
        for _ in progress(going, "Neumann series", equations.most // equations.block.shape[1]):
            if bool((lengths <= equations.goals(value)).all()):
                break
            moved = value + step * residual
            changed = equations.block - equations.asked(moved)
            value, residual, lengths = moved, changed, norms(changed)
            equations.note(lengths, true=True)
            if bool((lengths > _GROWN * equations.lengths).any()):
                result = Result.DIVERGED
                break
    except NotFinite:
        return equations.not_finite(value)
    return equations.close(value, lengths, [result] * len(lengths))


def lissa(
    operator: SymmetricOperator,
    target: torch.Tensor,
    sampled: Callable[[], SymmetricOperator],
    *,
    scale: float | Bound,
    steps: int,
    repetitions: int = 1,
) -> Solution:
    """Agarwal, Bullins & Hazan (2017): Neumann steps with operators of random batches, ``sampled()`` drawing one, averaged over repetitions.

    The operators drawn must have ``operator`` as their mean, and share one scale that is at least the largest eigenvalue of each. The
    residual is that of the mean, with the whole ``operator``: one product a column more, and the reason to believe anything.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0]).double())
    >>> lissa(matrix, torch.ones(2).double(), lambda: matrix, scale=2.0, steps=40).residual.item() < 1e-9
    True
    """
    step = 1 / _scale(scale)
    if steps < 1 or repetitions < 1:
        raise ValueError("LiSSA takes at least one step and one repetition")
    equations = Equations.of(operator, target, Stopping(products=(steps * repetitions + 1) * max(1, target[0].numel())))
    mean = torch.zeros_like(equations.block)
    columns = equations.block.shape[1]
    try:
        for _ in progress(range(repetitions), "LiSSA", repetitions):
            value = step * equations.block
            for _ in range(steps):
                value = value + step * (equations.block - Products(sampled())(value))
            mean += value / repetitions
            equations.asked.count += steps * columns
        lengths = norms(equations.block - equations.asked(mean))
    except NotFinite:
        return equations.not_finite(torch.zeros_like(mean))
    grown = bool((lengths > _GROWN * equations.lengths).any())
    return equations.close(mean, lengths, [Result.DIVERGED if grown else Result.BUDGET] * columns)


def _scale(scale: float | Bound) -> float:
    if isinstance(scale, Bound) and scale.side is Side.LOWER:
        raise ValueError("a lower bound on the largest eigenvalue is no scale: pass the upper one")
    number = float(scale)
    if not 0 < number < math.inf:
        raise ValueError(f"the scale is a positive finite number, at least the largest eigenvalue, not {number}")
    return number
