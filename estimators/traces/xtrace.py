"""XTrace (Epperly, Tropp & Webber 2024): every probe sketches for all others, by leaving one out."""

from __future__ import annotations

import math

import torch

from certify.bounds import Estimate

from ..products import Products, SymmetricOperator
from .hutch_plus_plus import TraceEstimate


def xtrace(operator: SymmetricOperator, *, products: int, generator: torch.Generator | None = None) -> TraceEstimate:
    """The mean of products/2 exchangeable estimates, each exact on the space that the *other* probes sketch; probes on the sphere.

    The spread is the paper's jackknife over estimates that depend on one another: a good guess, and no bound.

    >>> matrix = torch.diag(torch.tensor([5.0, 1.0, 0.5, 0.0, 0.0, 0.0]).double())
    >>> abs(xtrace(matrix, products=10, generator=torch.Generator().manual_seed(0)).value.value - 6.5) < 1e-9
    True
    """
    asked = Products(operator)
    size, count = asked.size, min(products // 2, asked.size)
    if count < 2:
        raise ValueError(f"XTrace needs four products and two dimensions at least, not {products} and {size}")
    probes = asked.gaussian(count, generator)
    probes = probes / torch.linalg.vector_norm(probes, dim=0) * math.sqrt(size)
    sketch = asked(probes).double()
    basis, factor = torch.linalg.qr(sketch)
    images = asked(basis.to(operator.dtype)).double()
    form = basis.T @ images
    # s_i: the unit vector of the sketch that the columns other than i do not span
    floor = torch.finfo(operator.dtype).eps * float(
        factor.abs().max()
    )  # dependent columns: any direction serves, A maps it to zero
    factor = factor + torch.diag(torch.where(factor.diagonal().abs() < floor, max(floor, 1e-300), 0.0))
    scaled = torch.linalg.inv(factor).T
    left_out = scaled / torch.linalg.vector_norm(scaled, dim=0).clamp_min(1e-300)
    wide = probes.double()
    inside = basis.T @ wide
    kept = inside - left_out * (left_out * inside).sum(dim=0)  # Q_i' w_i, in the coordinates of Q
    trace_kept = form.trace() - (left_out * (form @ left_out)).sum(dim=0)
    outside = wide - basis @ kept
    length = (size - (count - 1)) / (outside * outside).sum(dim=0).clamp_min(
        1e-300
    )  # projected probes brought back to the sphere
    pulled = sketch - images @ kept  # A (I - Q_i Q_i') w_i
    estimates = trace_kept + length * (outside * pulled).sum(dim=0)
    middle = float(estimates.mean())
    spread = float(((estimates - middle) ** 2).sum().sqrt()) / math.sqrt(count * (count - 1))
    method = f"XTrace with {asked.count} products"
    return TraceEstimate(Estimate(middle, method), Estimate(spread, f"jackknife, {method}"), asked.count)
