"""The spectral density by stochastic Lanczos quadrature: points and weights, to look at and to integrate functions with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from certify.bounds import Estimate

from ..products import Products, SymmetricOperator
from ..progress import progress
from .lanczos import lanczos


@dataclass(frozen=True, eq=False)
class Density:
    """A discrete measure near the distribution of the eigenvalues: an estimate.

    ``points`` and ``weights`` [probes, steps] are the Gauss quadratures of the probes (a run that broke down is padded with
    weight zero); each row of weights sums to one. ``size`` is the dimension, ``products`` what was spent.
    """

    points: torch.Tensor
    weights: torch.Tensor
    size: int
    products: int

    def trace_of(self, function: Callable[[torch.Tensor], torch.Tensor]) -> tuple[Estimate, Estimate]:
        """Estimates of tr f(A), and of their standard error over the probes; ``function`` maps tensors entry by entry.

        How far a row is from w . f(A) w / |w|² is at most *twice* the least error of f by a polynomial of degree 2 steps - 1 on the
        interval that holds the spectrum: f(x) = x², one step and the eigenvalues -1 and 1 attain more than once that error. No bound is
        given here, for that interval would have to be certified.

        >>> density = spectral_density(torch.eye(3).double(), steps=2, probes=2, generator=torch.Generator().manual_seed(0))
        >>> round(density.trace_of(torch.exp)[0].value, 9) == round(3 * math.e, 9)
        True
        """
        values = torch.where(self.weights > 0, function(self.points), 0.0)
        rows = self.size * (self.weights * values).sum(dim=1)
        spread = float(rows.std()) / math.sqrt(len(rows)) if len(rows) > 1 else math.inf
        method = f"Lanczos quadrature with {self.products} products"
        return Estimate(float(rows.mean()), method), Estimate(spread, f"standard error, {method}")

    def cumulative(self, grid: torch.Tensor) -> torch.Tensor:
        """The share of eigenvalues at or below each point of the ``grid``, for plots."""
        below = self.points[None] <= grid.to(self.points)[:, None, None]
        return (self.weights * below).sum(dim=(1, 2)) / len(self.points)

    def smoothed(self, grid: torch.Tensor, width: float) -> torch.Tensor:
        """The density on the ``grid``, every point widened to a Gaussian of standard deviation ``width``, for plots."""
        if not width > 0:
            raise ValueError(f"the width of a smoothed density is positive, not {width}")
        scaled = (grid.to(self.points)[:, None, None] - self.points) / width
        return (self.weights * torch.exp(-(scaled**2) / 2)).sum(dim=(1, 2)) / (len(self.points) * width * math.sqrt(2 * math.pi))


def spectral_density(
    operator: SymmetricOperator, *, steps: int, probes: int, generator: torch.Generator | None = None
) -> Density:
    """Lanczos with full reorthogonalisation from ``probes`` Gaussian starts (Ubaru, Chen & Saad 2017): probes times steps products.

    >>> density = spectral_density(torch.diag(torch.tensor([1.0, 3.0]).double()), steps=2, probes=50)
    >>> abs(float(density.cumulative(torch.tensor([2.0]))) - 0.5) < 0.2
    True
    """
    if steps < 1 or probes < 1:
        raise ValueError("a density takes at least one step and one probe")
    asked = Products(operator)
    steps = min(steps, asked.size)
    points, weights = (torch.zeros(probes, steps, dtype=torch.float64, device="cpu") for _ in range(2))
    for probe in progress(range(probes), "spectral density", probes):
        run = lanczos(asked, asked.gaussian(1, generator)[:, 0], steps)
        beside = run.off_diagonal[: run.steps - 1]
        values, vectors = torch.linalg.eigh(torch.diag(run.diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1))
        points[probe, : run.steps], weights[probe, : run.steps] = values, vectors[0] ** 2
    return Density(points, weights, asked.size, asked.count)
