"""The same exact matrix with products in float64: what a bound needs that single precision cannot carry."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

import torch

from ..engines.data import Batch
from ..engines.probes import consistency
from ..engines.problem import Problem, widened
from ..engines.streamed import Engine, Graph
from .composed import Damped, Scaled, Sum
from .curvature import Curvature
from .matrix import Matrix
from .operator import Operator


def in_double(operator: Any) -> Any | None:
    """An operator of the exact matrix of ``operator`` whose products are those of float64, or None where that is not to be had.

    The parameters, the data and the buffers stand for real numbers, and both operators multiply by the same function of them; so
    what is proved of one matrix is proved of the other. Costs the memory of another operator in float64, and for a curvature operator three
    products, by which the accuracy of its products is measured; None where the model has parts of a type of their own, the
    device has no float64, or targets that were drawn in single precision are not the ones that are drawn in double.

    >>> in_double(torch.eye(2)).dtype
    torch.float64
    """
    if operator.dtype == torch.float64:
        return operator
    return None if torch.device(operator.device).type == "mps" else by_kind(operator)


@singledispatch
def by_kind(operator: Any) -> Any | None:
    """What :func:`in_double` does for a kind of operator; None where nothing is known of the kind."""
    return None


@by_kind.register
def _(operator: torch.Tensor) -> Any | None:
    return operator.double()


@by_kind.register
def _(operator: Matrix) -> Any | None:
    wide = Matrix(operator.matrix.double())
    wide.positive_semidefinite = operator.positive_semidefinite
    return wide


@by_kind.register
def _(operator: Scaled) -> Any | None:
    return None if (part := in_double(operator.part)) is None else Scaled(part, operator.factor)


@by_kind.register
def _(operator: Damped) -> Any | None:
    return None if (part := in_double(operator.part)) is None else Damped(part, operator.damping)


@by_kind.register
def _(operator: Sum) -> Any | None:
    first, second = in_double(operator.first), in_double(operator.second)
    return None if first is None or second is None else Sum(first, second)


@by_kind.register
def _(operator: Curvature) -> Operator | None:
    wide = operator.__class__.__new__(operator.__class__)
    wide.__dict__.update(operator.__dict__)
    wide._engine, wide.dtype, wide.products, wide.probe_products = _Wide(operator._engine), torch.float64, 0, 3
    try:
        symmetry, linearity, _ = consistency(lambda v: wide @ v, wide.shape[0], wide.dtype, wide.device)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        return None  # a part of the model has a type of its own
    if operator.seed is not None and not _drawn_alike(operator, wide):
        return None
    wide.accuracy, wide.products = max(linearity, symmetry * math.sqrt(wide.shape[0])), 0
    return wide if wide.accuracy < operator.accuracy else None


def _drawn_alike(operator: Curvature, wide: Curvature) -> bool:
    """Whether both have drawn the same targets: some numbers that are drawn in another type are other numbers, and the matrix is another."""
    ones = torch.ones(operator.shape[1], dtype=torch.float64, device=operator.device)
    spent, expected = operator.products, wide @ ones
    gap = torch.linalg.vector_norm((operator @ ones) - expected)
    operator.products = spent
    return bool(gap <= 100 * operator.accuracy * torch.linalg.vector_norm(expected))


class _Wide(Engine):
    """An engine whose parameters are copied to float64, and every batch as it comes."""

    def __init__(self, narrow: Engine) -> None:
        super().__init__(narrow.problem.widened(), narrow.builder, retain=narrow.retain, in_order=narrow._in_order)

    def build(self, batch: Batch, problem: Problem | None = None) -> Graph:
        return super().build(widened(batch), problem)
