"""Hutch++ (Meyer, Musco, Musco & Woodruff 2021): an estimate of the trace, exact on a sketched space and Hutchinson beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from certify.bounds import Estimate

from ..products import Products, SymmetricOperator


@dataclass(frozen=True)
class TraceEstimate:
    """An estimate of the trace with an estimate of its standard error: neither is a bound. ``products`` counts columns."""

    value: Estimate
    spread: Estimate
    products: int


def hutch_plus_plus(operator: SymmetricOperator, *, products: int, generator: torch.Generator | None = None) -> TraceEstimate:
    """tr(Q'AQ) for an orthonormal basis Q of A S, plus the mean of w . A w over projected Rademacher probes; a third of the products each.

    The spread is the standard error of the second part. For bounds see :func:`~certify.estimators.traces.trace.trace` with ``deflation``.

    >>> matrix = torch.diag(torch.tensor([5.0, 1.0, 0.0, 0.0]).double())
    >>> abs(hutch_plus_plus(matrix, products=9, generator=torch.Generator().manual_seed(0)).value.value - 6.0) < 1e-9
    True
    """
    asked = Products(operator)
    third = min(products // 3, asked.size)
    if third < 1:
        raise ValueError(f"Hutch++ needs three products at least, not {products}")
    basis = torch.linalg.qr(asked(rademacher(asked, third, generator))).Q
    inside = float((basis.double() * asked(basis).double()).sum())
    rest = products - 2 * third
    probes = rademacher(asked, rest, generator)
    probes = probes - basis @ (basis.T @ probes)
    forms = (probes.double() * asked(probes).double()).sum(dim=0)
    spread = float(forms.std()) / math.sqrt(rest) if rest > 1 else math.inf
    method = f"Hutch++ with {asked.count} products"
    return TraceEstimate(
        Estimate(inside + float(forms.mean()), method), Estimate(spread, f"standard error, {method}"), asked.count
    )


def rademacher(asked: Products, columns: int, generator: torch.Generator | None) -> torch.Tensor:
    """A block of independent columns of random signs."""
    return torch.where(asked.gaussian(columns, generator) >= 0, 1.0, -1.0).to(asked.operator.dtype)
