"""Influence of records on a loss or on any function of the model, from both sides."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch

from certify.bounds import Bound, Estimate, exactly
from certify.bounds.bound import between
from certify.bounds.evidence import Declared

from ..operators.composed import Damped
from ..products import Accuracy, NotFinite, Products, SymmetricOperator, accuracy, held_matrix
from ..progress import progress
from ..solves.guess import Approximation
from ..solves.result import Result
from ..solves.solve import inverted, known_definiteness
from ..solves.stopping import Preconditioner
from .certificate import Certificate, Interval
from .space import Space
from .vectors import Functional, Leaving, leaving, looked_at

_CLOSELY = 64
"""So many columns are certified after every block; wider spaces after every thirtieth part."""


@dataclass(frozen=True)
class Step:
    """What was certified after so many products; for plots."""

    products: int
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Influence:
    """u'(A + damping I)^-1 v: what the space gives as an estimate, and the sharpest interval.

    ``lower`` and ``upper`` are None where no positive lower bound of the spectrum is known, and ``no_interval`` says why. ``routes`` holds
    the intervals by name, ``history`` the sharpest one after each number of products, ``products`` all that were spent. ``result`` is CONVERGED where
    the relative width that was asked for is reached, BUDGET where the products are spent, STALLED where rounding is in the way.
    """

    estimate: Estimate
    lower: Bound | None
    upper: Bound | None
    no_interval: str
    products: int
    result: Result
    routes: dict[str, tuple[Bound, Bound]]
    history: tuple[Step, ...]

    def __str__(self) -> str:
        if self.lower is None or self.upper is None:
            return f"influence about {self.estimate.value!r}, without bounds: {self.no_interval}"
        return between(self.lower, "influence", self.upper)

    @property
    def relative_width(self) -> float:
        """(upper - lower)/|estimate|, infinite without an interval or for an estimate of zero: how much is not known."""
        if self.lower is None or self.upper is None:
            return math.inf
        width = self.upper.value - self.lower.value
        return 0.0 if width == 0 else width / abs(self.estimate.value) if self.estimate.value else math.inf


def influence(
    operator: SymmetricOperator,
    *,
    of: Leaving,
    on: Functional,
    damping: float = 0.0,
    smallest: Bound | None = None,
    relative_width: float | None = None,
    products: int | None = None,
    preconditioner: Preconditioner | Approximation | None = None,
) -> Influence:
    """Enclose u'(A + damping I)^-1 v, the first-order influence of what is taken out (``of``) on what is looked at (``on``).

    ``operator`` is A: a curvature operator of the training loss, or any symmetric operator if both vectors are given. ``of`` is a group of
    records, as places in the operator's data, or a vector v; ``on`` is data on which the loss is measured, a function that is given the model and
    returns one number, or a vector u (:func:`leaving`, :func:`looked_at`). Positive where the loss, or the number, grows when the records leave.

    **This is no statement about retraining.** It is the derivative of u'θ when the records' part of the loss is taken out, for the curvature and
    the damping given, at parameters taken to be stationary. How far a model retrained without the records is from that, no bound here says; see
    :func:`certify.estimators.leave_out`.

    Say when to stop: ``relative_width`` of the interval, ``products`` as the budget, or both; at most ten products for every dimension
    are taken without a budget. The interval needs a lower bound on the spectrum: the damping where A is positive semidefinite, ``smallest``
    (:func:`smallest_eigenvalue` of A, ``.lower``) plus damping elsewhere. Where none is known there is no interval, and ``relative_width`` alone is refused.
    Products that come from automatic differentiation are exact up to a stated accuracy, which is measured, added outward and named in the
    evidence. ``preconditioner`` is a symmetric positive definite map near the inverse of A + damping I, or an approximation of A that inverts
    itself with the damping (KroneckerFactored, LowRank): it steers the space, from its first vectors on, and changes what is spent and not what
    holds. The vectors are taken as they are: rounding in the gradients themselves is not part of the claim. Memory: two vectors a product.

    Raises ``ValueError`` for vectors and places that do not fit, for a bound of the spectrum that the products refute, and where nothing says when to stop.
    Source: Golub & Meurant, Matrices, Moments and Quadrature (2010), chapters 6 and 7; here as bounds on vectors, ``solve.radau``.

    >>> matrix = torch.diag(torch.tensor([1.0, 2.0, 4.0]).double())
    >>> found = influence(matrix, of=torch.ones(3).double(), on=torch.ones(3).double(), smallest=exactly(1, Declared("diagonal")), relative_width=1e-9)
    >>> found.lower.value <= 1.75 <= found.upper.value, found.result.name
    (True, 'CONVERGED')
    """
    _check(relative_width, products, damping)
    if isinstance(operator, Damped) and damping == 0 and smallest is None:
        damping, operator = operator.damping, operator.part
    v, u = leaving(operator, of), looked_at(operator, on)
    definiteness, why = known_definiteness(operator, damping, smallest)
    if definiteness is None and products is None:
        raise ValueError(
            f"no interval can be certified, so no relative width is reached: {why}; or pass products= for an estimate"
        )
    if not (bool(u.any()) and bool(v.any())):
        nothing = exactly(Fraction(0), Declared("one of the vectors is zero"))
        return Influence(Estimate(0.0, "one of the vectors is zero"), nothing, nothing, "", 0, Result.CONVERGED, {}, ())
    asked = Products(operator)
    targets = v[:, None] if torch.equal(u, v) else torch.stack([v, u], dim=1)
    space = Space(asked, targets, inverted(preconditioner, damping), damping)
    search = _Search(space, damping, definiteness, relative_width, 10 * asked.size + 10 if products is None else products)
    result = search.run()
    estimate = Estimate(search.estimate, f"u'x on a Krylov space of dimension {space.width}")
    interval = search.interval
    if interval is None or definiteness is None:
        return Influence(estimate, None, None, why, asked.count, result, {}, ())
    value = min(max(estimate.value, interval.lower.value), interval.upper.value)
    routes = {name: (found.lower, found.upper) for name, found in search.routes.items()}
    return Influence(
        Estimate(value, estimate.method), interval.lower, interval.upper, "", asked.count, result, routes, tuple(search.history)
    )


class _Search:
    """Blocks are added until the interval is short enough, rounding is in the way, or the products are spent."""

    def __init__(self, space: Space, damping: float, definiteness: Bound | None, goal: float | None, most: int) -> None:
        self.space, self.damping, self.definiteness, self.goal, self.most = space, damping, definiteness, goal, most
        measured = held_matrix(space.asked.operator) is None and definiteness is not None
        self.stated = float(getattr(space.asked.operator, "accuracy", 0.0)) if measured else 0.0
        self.last, self.first = int(measured), int(measured and self.stated == 0)
        self.accuracy: Accuracy | None = None
        self.interval: Interval | None = None
        self.routes: dict[str, Interval] = {}
        self.history: list[Step] = []
        self.estimate = 0.0

    def run(self) -> Result:
        try:
            for _ in progress(self._blocks(), "influence"):
                if self._done(final=False) and self._done(final=True):
                    return Result.CONVERGED
        except NotFinite:
            return self._failed()
        exhausted = self._left() > 0
        if self._done(final=True):
            return Result.CONVERGED
        return Result.STALLED if exhausted else Result.BUDGET

    def _blocks(self) -> Iterator[int]:
        last = 0
        while self._left() > 0 and not self._drowned() and self.space.extend(self._left()):
            width = self.space.width
            if width <= _CLOSELY or width - last >= width // 30:
                last = width
                yield width

    def _left(self) -> int:
        return self.most - self.space.asked.count - self.last - self.first * (self.accuracy is None)

    def _drowned(self) -> bool:
        """Whether rounding alone is wider than what is asked for, and more than half of the width."""
        if self.interval is None or self.goal is None:
            return False
        return self.interval.rounding > max(self.goal * abs(self.estimate), self.interval.width / 2)

    def _done(self, *, final: bool) -> bool:
        """Certify what there is; whether it is short enough. The accuracy of the products is measured in the end; until then the operator's own serves."""
        if self.definiteness is None:
            self.estimate = Certificate(self.space, self.damping, _UNKNOWN).estimate()
            return False
        if self.space.width and (final or (self.accuracy is None and self.stated == 0)):
            found = accuracy(self.space.asked, self.space.basis, self.space.image)
            if self.accuracy is None or found.absolute > self.accuracy.absolute:
                self.accuracy = found
        certificate = Certificate(self.space, self.damping, self.accuracy or self._stated())
        refutation = certificate.refuted(self.definiteness)
        if refutation is not None:
            raise ValueError(
                f"the spectrum was said to lie above {self.definiteness.value:.6g}, and the products show a value of {refutation:.6g}: "
                "the bound passed is false, or the operator is not what it claims"
            )
        self.estimate = certificate.estimate()
        self.routes = {
            "dual-corrected": certificate.dual_corrected(self.definiteness),
            "Gauss-Radau": certificate.radau(self.definiteness),
        }
        self.interval = _sharpest(list(self.routes.values()))
        self.history.append(Step(self.space.asked.count, self.interval.lower.value, self.interval.upper.value))
        return self.goal is not None and self.interval.width <= self.goal * abs(self.estimate)

    def _stated(self) -> Accuracy:
        """What the operator measured when it was made, for the steps on the way: no product is spent on it."""
        absolute = 8 * self.stated * max(self.space.images, default=0.0)
        return Accuracy(absolute, False, f"exact up to the accuracy of products stated by the operator, {absolute:.3g}")

    def _failed(self) -> Result:
        if self.interval is None and self.space.width:
            self.estimate = Certificate(self.space, self.damping, _UNKNOWN).estimate()
        return Result.NOT_FINITE


_UNKNOWN = Accuracy(0.0, False, "of no products")


def _sharpest(intervals: list[Interval]) -> Interval:
    """The greater lower and the lesser upper bound: each holds by itself."""
    lower = max((found.lower for found in intervals), key=lambda bound: bound.value)
    upper = min((found.upper for found in intervals), key=lambda bound: bound.value)
    return Interval(lower, upper, min(found.rounding for found in intervals))


def _check(relative_width: float | None, products: int | None, damping: float) -> None:
    if relative_width is None and products is None:
        raise ValueError("say when to stop: relative_width= of the interval, products= for the cost, or both")
    if relative_width is not None and not 0 < relative_width < math.inf:
        raise ValueError(f"relative_width is positive and finite, not {relative_width}")
    if products is not None and (isinstance(products, bool) or not isinstance(products, int) or products < 4):
        raise ValueError(
            f"products is a whole number of at least 4 (two vectors, and two that measure the accuracy), not {products!r}"
        )
    if not 0 <= damping < math.inf:
        raise ValueError(f"the damping is finite and not negative, not {damping}")
