"""How a solve ended, and what it hands back: the value is never without the residual that was measured for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch

from certify.bounds import Bound


class Result(enum.Enum):
    """How a solve ended; the value of a member says what that means and what to do. The list is closed."""

    CONVERGED = (
        "The true residual, computed again from the solution, is within the tolerance that was asked for; where nothing was asked for, "
        "within what the accuracy of the products can tell from zero."
    )
    BUDGET = (
        "The products that were allowed are spent and the tolerance is not reached (or none was asked for). The residual says how far "
        "the solution is: raise products, damp more, or give a preconditioner."
    )
    STALLED = (
        "The true residual stopped falling above the tolerance: rounding in the products is in the way. Ask for less, damp more, or "
        "use double precision; the residual says what was reached."
    )
    INDEFINITE = (
        "A direction of no or negative curvature was met, so the operator is not positive definite to working precision. Raise the "
        "damping above the negative edge of the spectrum (smallest_eigenvalue), use MINRES, or a Gauss-Newton operator."
    )
    SINGULAR = (
        "The equations have no solution to working precision: the target has a part in the null space, which is all that is left in the "
        "residual. Add damping, or accept the least residual that was found."
    )
    DIVERGED = (
        "The iteration grew instead of shrinking: the scale is below half of the largest eigenvalue, or the operator has a negative one. Pass "
        "a proved upper bound (largest_eigenvalue(...).upper, plus the damping) as the scale, and damp above the negative edge."
    )
    NOT_FINITE = (
        "A product was infinite or not a number; the solution is the last finite one. Look for parameters or data that are not "
        "finite, or for a loss that overflows."
    )


@dataclass(frozen=True)
class Progress:
    """The largest relative residual over the columns after so many products; ``true`` if it was computed anew from the solution."""

    products: int
    residual: float
    true: bool


@dataclass(frozen=True, eq=False)
class Solution:
    """An approximate solution of A X = V with its true residual.

    ``value`` is [P] or [P, K] like the target, in the wider of its dtype and the operator's; ``residual`` holds the norms |v - A x|
    by column (no dimension for one vector), computed from the solution after the iteration ended (where
    ``result`` is NOT_FINITE it may be that of an earlier one);
    ``products`` counts all products, those of the residuals too. All of these are estimates. ``error`` bounds the distance to the
    exact solution, the largest over the columns, and is None where ``no_error`` says why.
    """

    value: torch.Tensor
    residual: torch.Tensor
    products: int
    history: tuple[Progress, ...]
    result: Result
    error: Bound | None = None
    no_error: str = "no lower bound of the spectrum was asked for: use certify.estimators.solve"

    @property
    def relative_residual(self) -> float:
        """The largest residual over the columns, relative to the first entry of the history (the norm of the target: one)."""
        return self.history[-1].residual
