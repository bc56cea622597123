"""The largest and the smallest eigenvalue, from both sides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch

from certify.bounds import Bound, tightest
from certify.bounds.bound import between
from certify.bounds.evidence import Combined
from certify.proofs.sides import Side

from ..operators.widened import in_double
from ..products import Products, SymmetricOperator, accuracy, held_matrix, semidefinite
from ..traces.frobenius import frobenius_remainder
from ..traces.probes import check_probability
from ..traces.remainder import remainder
from .deflated import frobenius_deflated, tail_deflated, trace_deflated
from .lanczos import lanczos
from .recurrence import Recurrence, recurrence
from .ritz import Ritz, ritz
from .start import overlap_bound, start_overlap

PRODUCTS = 20
"""The budget where none is given: in double precision a trained network's largest eigenvalue is known to better than one per cent by then."""
_VISIBLE = 64
"""Units of roundoff that the overlap of a start must come to, or the rounding of the products hides it."""
_MOST_STARTS = 4


class NoBound(ArithmeticError):
    """Nothing can be certified from what was computed; the message says what to add."""


@dataclass(frozen=True, eq=False)
class Eigenvalue:
    """One end of the spectrum: certified from both sides, with the Ritz vector [P] (float64, about a unit vector) that the inner side rests on.

    ``routes`` holds every upper (for the smallest eigenvalue: lower) bound that was computed, by name; the least of them is returned,
    and where the events differ its failure probability is their sum. ``products`` counts every product spent, the one that
    measures their accuracy too.
    """

    lower: Bound
    upper: Bound
    products: int
    vector: torch.Tensor
    routes: dict[str, Bound]

    def __str__(self) -> str:
        return between(self.lower, "eigenvalue", self.upper)

    @property
    def relative_width(self) -> float:
        """(upper - lower) over the larger magnitude, for people: how much is not known."""
        size = max(abs(self.lower.value), abs(self.upper.value))
        return (self.upper.value - self.lower.value) / size if size else 0.0


def largest_eigenvalue(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    products: int = PRODUCTS,
    starts: int | None = None,
    probes: int | None = None,
    trace: Bound | None = None,
    frobenius: Bound | None = None,
    generator: torch.Generator | None = None,
    positive_semidefinite: bool | None = None,
    double: bool | None = None,
) -> Eigenvalue:
    """The largest eigenvalue of a symmetric operator, between a lower bound without failure and an upper one but for ``failure_probability``.

    ``products`` is what may be spent in all: one measures the accuracy of the products (none for a dense float64 matrix), ``probes``
    of them look at what the Lanczos vectors have not seen, the rest are Lanczos steps, shared by ``starts`` independent starts.
    Of several starts one must have the overlap with the eigenvector, so each may fail with the root of the probability. By default
    there is one start and there are no probes, for that is the sharpest. Where roundoff is known beforehand to hide the overlap of
    one start (single precision with a small failure probability), the products are taken in float64 if the operator is one of a
    model or a matrix: ``double=True`` always does so, ``double=False`` never (it takes the memory of a second operator, and three
    products to measure its accuracy, which count as its construction). Where that cannot be had there are as many starts as make
    the overlap visible, at most four, or else half of the products are probes. With probes the probability is halved: starts and
    probes are two events. An upper bound on the ``trace`` (of a semidefinite operator) or on |A|_F (``frobenius``) gives more
    bounds, which need no luck.

    The lower bound is a Rayleigh quotient. Everything is about the exact matrix; bounds of matrix-free operators carry the premise
    that products are exact up to their stated accuracy, which was measured and is added outward. Raises :class:`NoBound` where nothing
    follows, and ``ValueError`` for an operator that is not symmetric.

    >>> matrix = torch.diag(torch.cat([torch.tensor([4.0, 2.0]), torch.full((98,), 0.01)]).double())
    >>> found = largest_eigenvalue(matrix, failure_probability=1e-6, generator=torch.Generator().manual_seed(0))
    >>> found.lower.value <= 4.0 <= found.upper.value <= 4.0001, found.products <= 20
    (True, True)
    """
    Products(operator)  # refuses what has no eigenvalues here
    operator = precise(operator, failure_probability, double)
    asked = Products(operator)
    seen = _observe(asked, _plan(operator, failure_probability, products, starts, probes), generator)
    routes = seen.routes(
        asked, failure_probability, trace if semidefinite(operator, positive_semidefinite) else None, frobenius, generator
    )
    return Eigenvalue(seen.vectors.rayleigh(), _least(routes), asked.count, seen.vectors.vector(), routes)


def smallest_eigenvalue(
    operator: SymmetricOperator,
    *,
    failure_probability: float,
    damping: float = 0.0,
    products: int = PRODUCTS,
    starts: int | None = None,
    probes: int | None = None,
    frobenius: Bound | None = None,
    generator: torch.Generator | None = None,
    double: bool | None = None,
) -> Eigenvalue:
    """The smallest eigenvalue of A + damping I: ``lower`` but for the failure probability (exact for what is claimed), ``upper`` without failure.

    Through the largest eigenvalue of -A, with the same arguments; where the operator itself knows a lower bound (``lower_bound()``, zero
    for a semidefinite one), that one competes, with no failure and no product. A Hessian has a small negative edge, which is certified
    only to within a share of its *largest* eigenvalue that falls with the number of products: damping must exceed that.

    >>> matrix = torch.diag(torch.linspace(-0.5, 1.0, 50, dtype=torch.float64))
    >>> found = smallest_eigenvalue(matrix, failure_probability=1e-6, damping=1.0, generator=torch.Generator().manual_seed(0))
    >>> 0.2 < found.lower.value <= 0.5 <= found.upper.value < 0.51
    True
    """
    if not (math.isfinite(damping) and damping >= 0):
        raise ValueError(f"the damping is finite and not negative, not {damping}")
    Products(operator)  # refuses what has no eigenvalues here
    operator = precise(operator, failure_probability, double)
    asked = Products(operator)
    seen = _observe(asked, _plan(operator, failure_probability, products, starts, probes), generator).negated()
    routes = seen.routes(asked, failure_probability, None, frobenius, generator)
    known: Bound | None = getattr(operator, "lower_bound", lambda: None)()
    if known is not None:
        routes["known"] = -known
    shifted = {name: damping - bound for name, bound in routes.items()}
    return Eigenvalue(damping - _least(routes), damping - seen.vectors.rayleigh(), asked.count, seen.vectors.vector(), shifted)


@dataclass(frozen=True)
class _Plan:
    starts: int
    steps: int
    probes: int


def _plan(
    operator: SymmetricOperator, failure_probability: float, products: int, starts: int | None, probes: int | None
) -> _Plan:
    """How the budget is spent, fixed before anything is seen; what a measure of accuracy costs is set aside."""
    for name, number, least in (("products", products, 2), ("starts", starts, 1), ("probes", probes, 0)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
            raise ValueError(f"{name} is an integer of at least {least}, not {number!r}")
    measured = held_matrix(operator) is None
    needed = _needed(operator)
    if starts is None:
        tried = range(1, 1 if probes else min(_MOST_STARTS, products - measured) + 1)
        starts = next((count for count in tried if _overlap(operator, failure_probability, count).value >= needed), 1)
    if probes is None:
        probes = products // 2 if _overlap(operator, failure_probability, starts).value < needed else 0
    steps = (products - probes - measured) // starts
    if steps < 1:
        raise ValueError(
            f"{starts} starts and {probes} probes leave no Lanczos step in a budget of {products} products: raise products"
        )
    return _Plan(starts, steps, probes)


def precise(operator: SymmetricOperator, failure_probability: float, double: bool | None) -> SymmetricOperator:
    """The operator itself, or in float64 where one start needs that (or ``double`` says so) and it can be had."""
    hidden = _overlap(operator, failure_probability, 1).value < _needed(operator)
    if double is False or (double is None and not hidden):
        return operator
    wide: SymmetricOperator | None = in_double(operator)
    if wide is None and double:
        raise ValueError(f"the products of {operator!r} cannot be taken in float64: build it in float64, or pass double=None")
    return operator if wide is None else wide


def _needed(operator: SymmetricOperator) -> float:
    return float(_VISIBLE * torch.finfo(operator.dtype).eps)


def _overlap(operator: SymmetricOperator, failure_probability: float, starts: int) -> Bound:
    """What each of the starts may fall short of, so that all of them do with at most the probability given."""
    each = check_probability(failure_probability) ** (1 / starts) * (1 - 1e-12)
    return start_overlap(int(operator.shape[0]), each)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Lanczos runs from independent, uniformly random starts, measured; the one with the largest Ritz value first."""

    runs: tuple[tuple[Ritz, Recurrence], ...]
    probes: int

    @property
    def vectors(self) -> Ritz:
        """Those of the run that saw most."""
        return max((vectors for vectors, _ in self.runs), key=lambda vectors: float(vectors.values[0]))

    def negated(self) -> _Seen:
        """The same runs as ones with -A."""
        return _Seen(tuple((vectors.negated(), measured.negated()) for vectors, measured in self.runs), self.probes)

    def routes(
        self,
        asked: Products,
        failure_probability: float,
        trace: Bound | None,
        frobenius: Bound | None,
        generator: torch.Generator | None,
    ) -> dict[str, Bound]:
        """Every upper bound on the largest eigenvalue that follows: the starts are one event, the probes are another."""
        share = check_probability(failure_probability) / (2 if self.probes else 1)
        vectors, routes = self.vectors, {}
        start = self._start(asked, share)
        if start is not None:
            routes["start"] = start
        if self.probes and vectors.count < asked.size:
            tail = frobenius_remainder(remainder(asked, vectors, self.probes, generator), vectors, share)
            routes["probes"] = tail_deflated(vectors, tail)
        if trace is not None:
            routes["trace"] = trace_deflated(vectors, trace)
        if frobenius is not None:
            routes["frobenius"] = frobenius_deflated(vectors, frobenius * frobenius)
        return routes

    def _start(self, asked: Products, failure_probability: float) -> Bound | None:
        """The greatest of the bounds of the starts: one of them overlaps the eigenvector enough. Dividing a start by its norm rounds it."""
        overlap = _overlap(asked.operator, failure_probability, len(self.runs)) - 2 * torch.finfo(asked.operator.dtype).eps
        if not overlap.value > 0:
            return None
        bounds = [overlap_bound(measured, overlap, vectors.accuracy) for vectors, measured in self.runs]
        found = [bound for bound in bounds if bound is not None]
        if len(found) < len(bounds):
            return None
        if len(found) == 1:
            return found[0]
        failure = math.prod(Fraction(bound.failure_probability) for bound in found)
        words = (
            "the greatest of the bounds of independent starts, which fall short all at once with the product of the probabilities"
        )
        greatest = max(bound.value for bound in found)
        return Bound(greatest, Side.UPPER, Combined(words, tuple(found)), math.nextafter(float(failure), 1.0))


def _observe(asked: Products, plan: _Plan, generator: torch.Generator | None) -> _Seen:
    runs = [lanczos(asked, asked.gaussian(1, generator)[:, 0], plan.steps) for _ in range(plan.starts)]
    vectors, images = (torch.cat([getattr(run, name) for run in runs], dim=1) for name in ("basis", "images"))
    known = accuracy(asked, vectors, images)
    return _Seen(tuple((ritz(run.basis, run.images, known), recurrence(run, known)) for run in runs), plan.probes)


def _least(routes: dict[str, Bound]) -> Bound:
    """The least bound. A certain one keeps its certainty; else all that can fail must hold, for which one is least is chance."""
    if not routes:
        raise NoBound(
            "nothing bounds the eigenvalue: rounding hides the overlap of the start. Pass starts=2 or probes=10, or a bound on the trace or the "
            "Frobenius norm, use double precision, or allow a greater failure probability"
        )
    least = tightest(*routes.values())
    failures = [bound.failure_probability for bound in routes.values()]
    if not least.failure_probability or sum(map(bool, failures)) == 1:
        return least
    total = 0.0
    for failure in failures:
        total = math.nextafter(total + failure, math.inf) if failure else total
    return Bound(least.value, Side.UPPER, Combined("least of the bounds of several events", tuple(routes.values())), total)
