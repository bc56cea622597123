"""(A + damping I) x = v by any method, with a certified error where a lower bound of the spectrum is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch

from certify.bounds import Bound, Declared, derive
from certify.bounds.rounding import UNIT_ROUNDOFF
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.sides import Side

from ..products import Accuracy, NotFinite, Products, SymmetricOperator, accuracy, held_matrix, semidefinite
from ..traces.magnitude import OutOfScale, check_magnitude
from .conjugate_gradient import conjugate_gradient
from .direct import direct
from .guess import Approximation, Guess
from .minres import minres
from .neumann import neumann
from .result import Result, Solution
from .stopping import Preconditioner

Method = Literal["cg", "minres", "neumann", "direct"]


def solve(
    operator: SymmetricOperator,
    target: torch.Tensor,
    *,
    damping: float = 0.0,
    method: Method = "cg",
    atol: float | None = None,
    rtol: float | None = None,
    products: int | None = None,
    preconditioner: Preconditioner | Approximation | None = None,
    start: torch.Tensor | Guess | None = None,
    scale: float | Bound | None = None,
    smallest: Bound | None = None,
) -> Solution:
    """Solve (A + damping I) X = V for a symmetric A, and bound the error of what is returned.

    It ends by ``rtol`` or ``atol`` on the true residual, or by ``products``, the budget by columns. There is no default tolerance: where none of
    the three is given it goes on to where the residual cannot be told from zero, which is eight times the stated accuracy of the products
    times |A||x| + |v|. ``preconditioner`` and ``start`` are for "cg" and "minres", ``scale`` for "neumann". A preconditioner is a symmetric
    positive definite map of
    blocks [P, K], or an approximation of A that inverts itself with the same damping (KroneckerFactored, LowRank); ``start`` is a first guess,
    which costs one product a column and is left where its residual is no smaller than that of zero. Both change what is spent and neither changes what
    counts: residuals and ``error`` are those of the equations as they stand. ``error`` is |r|/mu, the largest over the columns:
    mu is the damping where A is positive semidefinite (or knows a lower bound of its spectrum itself), and ``smallest`` + damping where
    a lower bound on the smallest eigenvalue of *A* is passed, as ``smallest_eigenvalue(A, ...).lower``. Where no positive mu is known,
    as for a bare Hessian, ``error`` is None and ``no_error`` says why. The bound costs one product a column beyond the budget, and one
    more to measure the accuracy of the residual, unless A is a dense float64 matrix, for which it is proved.

    >>> matrix = torch.diag(torch.tensor([1.0, 0.0]).double())
    >>> from certify.estimators.operators.matrix import Matrix
    >>> solved = solve(Matrix(matrix, positive_semidefinite="a square"), torch.ones(2).double(), damping=0.5, rtol=1e-12)
    >>> solved.result.name, solved.error.value < 1e-11
    ('CONVERGED', True)
    """
    if not (math.isfinite(damping) and damping >= 0):
        raise ValueError(f"the damping is finite and not negative, not {damping}")
    for name, given in (("preconditioner", preconditioner), ("start", start)):
        if given is not None and method not in ("cg", "minres"):
            raise ValueError(f"a {name} is for cg and minres, and would be ignored by {method}")
    inverse = inverted(preconditioner, damping)
    damped = _Damped(operator, damping) if damping else operator
    if method == "cg":
        solved = conjugate_gradient(damped, target, atol=atol, rtol=rtol, products=products, preconditioner=inverse, start=start)
    elif method == "minres":
        solved = minres(damped, target, atol=atol, rtol=rtol, products=products, preconditioner=inverse, start=start)
    elif method == "neumann":
        if scale is None:
            raise ValueError("the Neumann series has no default scale: pass scale=largest_eigenvalue(...).upper + damping")
        solved = neumann(damped, target, scale=scale, atol=atol, rtol=rtol, products=products)
    elif method == "direct":
        solved = direct(damped, target, atol=atol, rtol=rtol)
    else:
        raise ValueError(f"no method {method!r}: there are cg, minres, neumann and direct")
    definiteness, why = known_definiteness(operator, damping, smallest)
    if solved.result is Result.NOT_FINITE:
        return replace(solved, error=None, no_error="a product was not finite, so the residual is not known")
    if definiteness is None:
        return replace(solved, error=None, no_error=why)
    asked = Products(operator)
    try:
        error = error_bound(asked, target, solved.value, definiteness, damping=damping)
    except (NotFinite, OutOfScale) as refusal:
        return replace(solved, error=None, no_error=str(refusal), products=solved.products + asked.count)
    return replace(solved, error=error, no_error="", products=solved.products + asked.count)


def inverted(preconditioner: Preconditioner | Approximation | None, damping: float) -> Preconditioner | None:
    """The preconditioner as a map of blocks; an approximation inverts itself with the damping of the equations."""
    if preconditioner is None or callable(preconditioner):
        return preconditioner
    approximation = preconditioner
    return lambda block: approximation.precondition(block, damping)


def error_bound(
    asked: Products, target: torch.Tensor, value: torch.Tensor, definiteness: Bound, *, damping: float = 0.0
) -> Bound:
    """At least |x - x*| for every column of ``value``, where A + damping I is at least ``definiteness`` I, A the operator of ``asked``.

    The residual v - A x - damping x is computed anew, in float64 but for the product, with the rounding of the differences and the
    accuracy of the product added outward: proved for a dense float64 matrix, a stated premise for any other operator. Costs one
    product a column, and one to measure the accuracy. ``value`` must be representable in the operator's dtype, as solutions here are.

    Theorem: ``solve.error`` (upper residual; lower definiteness).
    """
    solution = asked.vector(value, "the solution")
    if not torch.equal(solution.to(value.dtype), value.to(solution.device)):
        raise ValueError(f"the solution has more digits than {solution.dtype}, in which the operator multiplies: round it first")
    solution = solution.reshape(asked.size, -1)
    given = target.to(solution.device).reshape(solution.shape).double()
    images = asked(solution)
    filled = solution.any(dim=0)
    known = Accuracy(0.0, True, "a product with zero")
    if bool(filled.any()):
        if held_matrix(asked.operator) is None:  # the accuracy is measured by norms of both
            check_magnitude(solution)
            check_magnitude(images)
        known = accuracy(asked, solution[:, filled], images[:, filled])
    bounds = []
    for column in range(solution.shape[1]):
        parts = (given[:, column], images[:, column].double(), damping * solution[:, column].double())
        difference = vector_norm_upper(parts[0] - parts[1] - parts[2])
        rounding = 4 * UNIT_ROUNDOFF * sum(map(vector_norm_upper, parts))
        bound = difference + rounding + known.absolute * vector_norm_upper(solution[:, column].double())
        bounds.append(math.nextafter(bound * (1 + 8 * UNIT_ROUNDOFF), math.inf))
    residual = Bound(max(bounds), Side.UPPER, known.evidence("norm of the residual, computed from the solution"))
    return derive("solve.error", residual=residual, definiteness=definiteness)


def known_definiteness(operator: SymmetricOperator, damping: float, smallest: Bound | None) -> tuple[Bound | None, str]:
    """A positive lower bound on the smallest eigenvalue of A + damping I, or why there is none."""
    known = smallest
    if known is None:
        known = getattr(operator, "lower_bound", lambda: None)()
    if known is None and semidefinite(operator, None):
        known = Bound(0.0, Side.LOWER, Declared("the operator is claimed to be positive semidefinite"))
    if known is None:
        return None, (
            "no lower bound of the spectrum is known: pass smallest=smallest_eigenvalue(operator, ...).lower with enough damping, or use a "
            "Gauss-Newton operator, for which the damping is one"
        )
    if known.side is Side.EXACT:  # a sum of exact numbers that is no double would be rounded up
        known = Bound(math.nextafter(known.value, -math.inf), Side.LOWER, known.evidence, known.failure_probability)
    bound = known + damping
    if not bound.value > 0:
        return None, f"the spectrum is only known to lie above {bound.value:.3g}: damp by more than {-known.value:.3g}"
    return bound, ""


class _Damped:
    """A + damping I for any symmetric operator, dense tensors too."""

    def __init__(self, operator: SymmetricOperator, damping: float) -> None:
        self.inner, self.damping = operator, damping
        self.shape, self.dtype, self.device = operator.shape, operator.dtype, operator.device
        self.accuracy = getattr(operator, "accuracy", 0.0)
        self.symmetric = isinstance(operator, torch.Tensor) or getattr(operator, "symmetric", True)

    def __matmul__(self, vectors: torch.Tensor) -> torch.Tensor:
        return (self.inner @ vectors) + self.damping * vectors
