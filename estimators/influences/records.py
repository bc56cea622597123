"""The influence of every record at once: one solve for what is looked at, and inner products with the gradients of the records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from certify.bounds import Bound, Derived, Measured, derive
from certify.bounds.rounding import UNIT_ROUNDOFF
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.sides import Side

from ..engines import losses
from ..engines.data import Batch
from ..engines.problem import Problem
from ..operators.curvature import Curvature
from ..per_example.norms import per_example_norms
from ..per_example.projections import per_example_projections
from ..solves.guess import Approximation
from ..solves.result import Solution
from ..solves.solve import solve
from ..solves.stopping import Preconditioner
from .vectors import Functional, literal, looked_at, numbered, single_gradient, taken


@dataclass(frozen=True, eq=False)
class RecordInfluences:
    """``estimate`` [n] of u'(A + damping I)^-1 v_n for every record n, with ``lower`` and ``upper`` [n] (float64, rounded outward), or None.

    ``solution`` is (A + damping I)^-1 u, ``lengths`` [n] bound the norms of the v_n, and ``rounding`` [n] what the estimates are off by beside the solution;
    ``no_interval`` says why there are no bounds, where there are none. :meth:`bound` is the interval of one record
    as bounds with their evidence.
    """

    estimate: Tensor
    lower: Tensor | None
    upper: Tensor | None
    no_interval: str
    solution: Solution
    accuracy: float
    lengths: Tensor
    rounding: Tensor

    def order(self) -> Tensor:
        """The records from the greatest estimate to the least."""
        return torch.argsort(self.estimate, descending=True)

    def bound(self, record: int) -> tuple[Bound, Bound]:
        """The interval of one record.

        Theorem: ``solve.functional`` (upper functional, residual; lower definiteness).
        """
        error = self.solution.error
        if self.lower is None or self.upper is None or error is None or not isinstance(error.evidence, Derived):
            raise ValueError(f"there is no interval: {self.no_interval}")
        solved = dict(error.evidence.inputs)
        said = f"single gradients are exact up to a stated relative accuracy of {self.accuracy:.3g}, which was measured"
        length = Bound(float(self.lengths[record]), Side.UPPER, Measured(f"norm of the vector of the record; {said}"))
        off = float(self.rounding[record])
        reach = derive(
            "solve.functional", functional=length, residual=solved["residual"], definiteness=solved["definiteness"]
        ) + Bound(off, Side.UPPER, Measured(f"rounding of an inner product; {said}"))
        value = float(self.estimate[record])
        return value - reach, value + reach


def record_influences(
    operator: Curvature,
    *,
    on: Functional,
    damping: float = 0.0,
    smallest: Bound | None = None,
    rtol: float | None = None,
    products: int | None = None,
    preconditioner: Preconditioner | Approximation | None = None,
) -> RecordInfluences:
    """u'(A + damping I)^-1 v_n for every record n of the operator's data: what :func:`influence` encloses with ``of=n``, for all n at once.

    Costs one solve and two passes over single records. Each interval is wide by twice the error of the solve times the norm of v_n, so
    it closes linearly in the residual, where that of :func:`influence` closes quadratically: rank with this, and settle a close pair with that.
    ``rtol`` is the residual of the solve; it or ``products`` must be given. ``preconditioner`` steers the solve as that of :func:`influence` steers
    its space: it changes what is spent and not what holds. First order, and no statement about retraining.

    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> data = (torch.tensor([[1.0], [2.0]]).double(), torch.zeros(2, 1).double())
    >>> from certify.estimators.operators.gauss_newton import GaussNewton
    >>> found = record_influences(GaussNewton(model, torch.nn.MSELoss(), data), on=torch.ones(1).double(), damping=1.0, rtol=1e-12)
    >>> bool((found.lower <= found.estimate).all() and (found.estimate <= found.upper).all()), found.estimate.shape
    (True, torch.Size([2]))
    """
    if not isinstance(operator, Curvature):
        raise ValueError(
            "records belong to the data of a curvature operator: pass GaussNewton(model, loss, data), and the damping by damping="
        )
    u = looked_at(operator, on)
    solved = solve(operator, u, damping=damping, rtol=rtol, products=products, smallest=smallest, preconditioner=preconditioner)
    problem = operator.problem
    found = Records(problem, operator.rows.names)
    along = found.along(solved.value)
    weights = found.weights()
    estimate = weights * along
    if solved.error is None:
        return RecordInfluences(
            estimate, None, None, solved.no_error, solved, 0.0, weights * found.lengths(), torch.zeros_like(estimate)
        )
    lengths = found.lengths()
    size = vector_norm_upper(solved.value.double())
    accuracy = _accuracy(problem, found, along, weights, lengths, solved.value, size)
    reached = weights * lengths * (1 + accuracy) * (1 + 8 * UNIT_ROUNDOFF)
    rounding = reached * accuracy * size * (1 + 8 * UNIT_ROUNDOFF) + 4 * UNIT_ROUNDOFF * estimate.abs() + 1e-300
    reach = (reached * solved.error.value + rounding) * (1 + 8 * UNIT_ROUNDOFF) + 2 * UNIT_ROUNDOFF * estimate.abs()
    return RecordInfluences(estimate, estimate - reach, estimate + reach, "", solved, accuracy, reached, rounding)


class Records:
    """Passes over the single records of a problem, in the parameters of these names."""

    def __init__(self, problem: Problem, names: tuple[str, ...]) -> None:
        self.problem, self.patterns = problem, [literal(name) for name in names]

    def along(self, vector: Tensor) -> Tensor:
        """The inner products of the gradients of all records with a vector, [n]."""
        return self._pass(lambda model, loss, data: per_example_projections(model, loss, data, vector, parameters=self.patterns))

    def lengths(self) -> Tensor:
        """The norms of the gradients of all records, [n]."""
        return self._pass(
            lambda model, loss, data: per_example_norms(model, loss, data, parameters=self.patterns, accumulate=torch.float64)
        )

    def weights(self) -> Tensor:
        """What each record counts in the mean over the data, [n]."""
        known = losses.recognise(self.problem.loss)
        alike = known is None or known[0] != "cross_entropy"  # that one may weigh classes and ignore targets
        counted = []
        for batch in numbered(self.problem):
            whole = losses.weight(self.problem.loss, batch.inputs, batch.targets)
            each = [whole / batch.examples] * batch.examples if alike else [self._weight(batch, i) for i in range(batch.examples)]
            counted += each
        return torch.tensor(counted, dtype=torch.float64, device=self.problem.device) / self.problem.data.total

    def _weight(self, batch: Batch, place: int) -> float:
        part = taken(batch, [place])
        return losses.weight(self.problem.loss, part.inputs, part.targets)

    def _pass(self, compute: Callable[[Any, Any, Any], Tensor]) -> Tensor:
        pairs = [(batch.inputs, batch.targets) for batch in numbered(self.problem)]
        return compute(self.problem.model, self.problem.loss, pairs).as_subclass(Tensor).double()


def _accuracy(
    problem: Problem, found: Records, along: Tensor, weights: Tensor, lengths: Tensor, vector: Tensor, size: float
) -> float:
    """The stated relative accuracy of inner products with single gradients: eight times what one record is off by, or a sum's roundoff."""
    relative = float(torch.finfo(problem.dtype).eps) * math.sqrt(problem.layout.size)
    one = single_gradient(problem, 0, found.patterns)
    scale = float(torch.linalg.vector_norm(one)) * size
    off = abs(float(one @ vector.double()) - float(along[0])) / scale if scale > 0 else 0.0
    length = float(torch.linalg.vector_norm(one))
    stretched = abs(length - float(lengths[0])) / length if length > 0 else 0.0
    return 8 * max(relative, off, stretched)
