"""How the bounds on the largest eigenvalue close in as products are spent, from one run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from certify.bounds import Bound

from ..products import Products, SymmetricOperator, accuracy, held_matrix
from ..progress import progress
from .lanczos import lanczos
from .largest import precise
from .recurrence import recurrence
from .ritz import ritz
from .start import overlap_bound, start_overlap


@dataclass(frozen=True, eq=False)
class Convergence:
    """Bounds after so many ``products`` each, what measures their accuracy among them; ``upper`` is None where nothing is certified yet.

    All upper bounds share one event, that the start has its overlap, so all hold at once but for the failure probability; none of the lower can fail.
    """

    products: tuple[int, ...]
    lower: tuple[Bound, ...]
    upper: tuple[Bound | None, ...]

    def arrays(self) -> tuple[list[int], list[float], list[float]]:
        """(products, lower, upper) for :func:`certify.plots.spectral_density.convergence_figure`, infinity where there is no bound."""
        return list(self.products), [b.value for b in self.lower], [math.inf if b is None else b.value for b in self.upper]


def convergence(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    products: int,
    generator: torch.Generator | None = None,
    double: bool | None = None,
) -> Convergence:
    """Bounds on the largest eigenvalue after each of up to ``products`` products of one Lanczos run from one random start.

    Lower bounds are Rayleigh quotients, upper ones those of the start as in :func:`largest_eigenvalue`; both are the best so far.
    ``double`` as there. Raises ``ValueError`` for fewer than two products.

    >>> matrix = torch.diag(torch.cat([torch.tensor([4.0, 2.0]), torch.full((98,), 0.01)]).double())
    >>> found = convergence(matrix, failure_probability=1e-6, products=4, generator=torch.Generator().manual_seed(0))
    >>> all(low.value <= 4.0 <= high.value for low, high in zip(found.lower, found.upper) if high), found.upper[-1].value < 4.001
    (True, True)
    """
    if isinstance(products, bool) or not isinstance(products, int) or products < 2:
        raise ValueError(f"products is an integer of at least 2, not {products!r}")
    Products(operator)  # refuses what has no eigenvalues here
    operator = precise(operator, failure_probability, double)
    asked, extra = Products(operator), int(held_matrix(operator) is None)
    overlap = start_overlap(asked.size, failure_probability) - 2 * torch.finfo(operator.dtype).eps
    run = lanczos(asked, asked.gaussian(1, generator)[:, 0], products - extra)
    known = accuracy(asked, run.basis, run.images)
    lowest: list[Bound] = []
    highest: list[Bound | None] = []
    for taken in progress(range(1, run.steps + 1), "bounds after each product", run.steps):
        part = run.first(taken)
        low = ritz(part.basis, part.images, known).rayleigh()
        high = overlap_bound(recurrence(part, known), overlap, known) if overlap.value > 0 else None
        if lowest and lowest[-1].value >= low.value:
            low = lowest[-1]
        before = highest[-1] if highest else None
        if before is not None and (high is None or before.value <= high.value):
            high = before
        lowest.append(low)
        highest.append(high)
    return Convergence(tuple(range(1 + extra, run.steps + 1 + extra)), tuple(lowest), tuple(highest))
