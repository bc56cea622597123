"""A released sequence from a fitted model: the plan first, then one release a request, each with what it promises alone and with all others."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy
from flint import arb, arb_mat
from numpy.typing import NDArray

from certify import gaussian
from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.errors import InputError
from certify.guarantee import Comparator, Guarantee, Notion
from certify.numbers import Number, nonnegative, probability
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from .constants import Constants, counted, measured
from .drawing import Releases
from .plan import Mechanism, Plan, plan, residual
from .sets import Request, newton_step, set_increment, set_residual

if TYPE_CHECKING:
    import torch

    from certify.fitting import Fitted
    from certify.sampling import Keystream

Penalty = Literal["mean", "sum"]
Basis = Literal["count", "set"]
PENALTIES = {
    "mean": "the mean loss over the retained records plus (l2/2)|w|², as certify.fit does",
    "sum": "the sum of the retained records' losses plus (n l2/2)|w|², n the number of all records",
}
"""What the retrained model minimises: whether every record takes its share of the ridge with it, or the ridge of the sum stays."""
_SHARED = "the noise scales are functions of all records and of the number deleted; the comparison, which is matched, shares them"
_OF_THE_RECORDS = "the noise scale of each release is found for the very records that left, whom the matched comparison knows"
_OBLIVIOUS = "this release alone: the requests were chosen without a look at earlier releases; if they were not, the transcript's guarantee speaks"
_BITS = 128
_MOST_PRODUCTS = 10**9


@dataclass(frozen=True, eq=False)
class Release:
    """One release: the model, and two promises. ``per_release`` speaks of whoever sees this release alone, ``transcript`` of whoever sees them all.

    The records ``forgotten`` are secret, and printing a release shows none of them. ``per_release`` is for requests that were chosen without a look
    at earlier releases: a request that answers to one carries what that told. ``deleted`` counts all records that have left by now, ``sigma``
    bounds the noise in every coordinate from above, but for rounding to the grid, and ``spent`` is the Gaussian parameter of the transcript up to
    here, had its length been fixed beforehand.
    """

    model: torch.Tensor = field(repr=False)
    forgotten: tuple[int, ...] = field(repr=False)
    deleted: int
    sigma: float = field(repr=False)
    per_release: Guarantee
    transcript: Guarantee
    spent: Bound


class Sequence:
    """Releases from one fit, by one plan; every release is one Newton step from the original fit. Printing it shows no secret.

    Make one by :func:`releases`. The fit, the un-noised steps and this object are secret. Threads may share it; it is not copied, since a copy would
    spend the same budget again.
    """

    def __init__(
        self, fitted: Fitted, made: Plan, *, penalty: Penalty, basis: Basis, delta: Bound, epsilon: Bound | None, drawn: Releases,
        exclusions: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.plan, self.penalty, self.basis = made, penalty, basis
        self.made: list[Release] = []
        self._fitted, self._drawn = fitted, drawn
        self._delta, self._epsilon, self._exclusions = delta, epsilon, exclusions
        self._left = fitted.objective.ids.copy()
        self._start = [float(value) for value in fitted.parameters]
        self._share = Fraction(fitted.objective.l2) if penalty == "mean" else Fraction(0)
        self._lock = threading.Lock()
        self._variance = Fraction(0)
        self._moved: Bound | None = None
        with precision(_BITS):
            self._request = Request(0, self._whole(), arb_mat(len(self._start), 1), arb(0))

    def __repr__(self) -> str:
        return f"Sequence({self.plan.mechanism}, {len(self.made)} releases, {self.left} deletions left)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sequence holds one budget: it is not copied, plan another")

    @property
    def left(self) -> int:
        """How many more deletions the plan covers."""
        return self._drawn.left

    @property
    def deleted(self) -> int:
        """How many records have left."""
        return self._drawn.made

    def release(self, forget: Iterable[int]) -> Release:
        """The model without these records (original row positions) and all that left before, noised.

        Raises :class:`InputError` for an empty request, for records that are unknown, named twice or gone, and when the plan does not cover them;
        nothing is spent then.
        """
        try:
            asked = tuple(forget)
        except TypeError:
            raise InputError(f"a request is a list of row positions, not {type(forget).__name__}") from None
        if not asked:
            raise InputError("a release answers a request: name at least one record by its row position")
        with self._lock:
            return self._release(asked)

    def _release(self, asked: tuple[int, ...]) -> Release:
        from certify.objectives.dataset import positions_mask

        gone = positions_mask(self._left, asked)
        self._drawn.check(len(asked))
        asked = tuple(int(item) for item in asked)
        with precision(_BITS):
            later = self._without(asked)
            step = newton_step(later, self._start)
            move = set_increment(self.plan.constants, self._request, later) if self.basis == "set" else None
            sigma = self.plan.step(self.deleted, len(asked)) if move is None else self.plan.afforded(move)
        drawn = self._drawn.release(step, len(asked), sigma)
        fresh = self.plan.mechanism == "independent"
        self._variance = Fraction(sigma) ** 2 + (0 if fresh else self._variance)
        if move is not None:
            self._moved = move if self._moved is None else self._moved + move
        self._request, self._left = later, self._left[~gone]
        return self._record(asked, drawn)

    def _record(self, asked: tuple[int, ...], drawn: NDArray[numpy.float64]) -> Release:
        import torch

        with precision(_BITS):
            noise = ball(self._variance).sqrt()
        found = Release(
            torch.from_numpy(drawn), asked, self._request.count, upper_double(noise),
            self._guarantee(Notion.GUO, self._alone(lower_double(noise), len(asked)), None, "this release alone", _OBLIVIOUS),
            self._guarantee(Notion.GDP_TRANSCRIPT, self.plan.mu, self._epsilon, f"all releases, until {self.plan.deletions} records have left"),
            self.plan.spent(self._request.count),
        )  # fmt: skip
        self.made.append(found)
        return found

    def _alone(self, noise: float, first: int) -> Bound:
        """The Gaussian parameter of this release alone: its residual over its noise where it was drawn at once.

        That is where no more records have left than this release forgot ``first``. A later release of a walk is a sum of rounded draws, which is no
        function of the ideal sum: it tells no more than all draws of this course.

        Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
        Theorem: ``continual.random-walk`` (upper path; lower scale).
        """
        constants, request, scale = self.plan.constants, self._request, self.plan.scale
        if scale is not None and request.count > first:
            return (
                self.plan.spent(request.count)
                if self._moved is None
                else derive("continual.random-walk", path=self._moved, scale=scale)
            )
        with precision(_BITS):
            reach = set_residual(constants, request) if self.basis == "set" else residual(constants, request.count)
        drawn = Bound(noise, Side.LOWER, Enclosed("the root of the sum of the variances that were drawn"))
        return derive("gaussian.mu", sensitivity=reach, sigma=drawn)

    def _guarantee(self, notion: Notion, mu: Bound, epsilon: Bound | None, released: str, *besides: str) -> Guarantee:
        if epsilon is None:
            least = gaussian.least_epsilon(self._delta.rational, mu.rational, Fraction(1))
            epsilon = Bound(least, Side.UPPER, Enclosed("gaussian.profile, solved for epsilon by bracketing on doubles"))
        return Guarantee(
            notion, epsilon, self._delta, mu, released=released, comparator=Comparator.MATCHED, exclusions=(*besides, *self._exclusions)
        )  # fmt: skip

    def _whole(self) -> arb_mat:
        """The Hessian of the sum over all records at the fitted model."""
        objective = self._fitted.objective
        rows = arb_mat(objective.design.select(objective.ids).tolist())
        shares = [1 / (1 + (-z).exp()) for z in (rows * arb_mat([[value] for value in self._start])).entries()]
        scaled = [[share * (1 - share) * rows[i, j] for j in range(rows.ncols())] for i, share in enumerate(shares)]
        size = rows.ncols()
        ridge = ball(Fraction(objective.l2) * objective.count)
        return rows.transpose() * arb_mat(scaled) + arb_mat(
            size, size, [ridge if place % (size + 1) == 0 else arb(0) for place in range(size * size)]
        )

    def _without(self, asked: tuple[int, ...]) -> Request:
        """The request with these records too."""
        objective, before = self._fitted.objective, self._request
        hessian, gradient, curvatures, own = (
            arb_mat(before.hessian),
            arb_mat(before.gradient),
            before.curvatures,
            ball(self._share),
        )
        places = numpy.array(asked, dtype=numpy.int64)
        labels = objective.labels.cpu().numpy()[places].tolist()
        for row, label in zip(objective.design.select(places).tolist(), labels, strict=True):
            entries = [arb(entry) for entry in row]
            share = 1 / (1 + (-sum((a * arb(b) for a, b in zip(entries, self._start, strict=True)), arb(0))).exp())
            weight, slope = share * (1 - share), share - (1 if label > 0 else 0)
            curvatures += weight * sum((a * a for a in entries), arb(0)) + own
            for i, a in enumerate(entries):
                gradient[i, 0] = gradient[i, 0] + slope * a + own * arb(self._start[i])
                for j, b in enumerate(entries):
                    hessian[i, j] = hessian[i, j] - weight * a * b - (own if i == j else 0)
        return Request(before.count + len(asked), hessian, gradient, curvatures)


def releases(
    fitted: Fitted,
    deletions: int,
    *,
    mu: Number | None = None,
    epsilon: Number | None = None,
    delta: Number = "1e-5",
    mechanism: Mechanism = "random-walk",
    penalty: Penalty = "mean",
    basis: Basis = "count",
    generator: Keystream | numpy.random.Generator | None = None,
) -> Sequence:
    """A sequence of releases that forget ``deletions`` records at most, together mu-GDP (or (epsilon, delta)) against the matched retrained releases.

    The noise is planned here, before any request. ``penalty`` says what retraining minimises: "mean" is :func:`certify.fit` on the retained
    records, "sum" keeps the ridge of the sum (Kuang and Xia 2026). By ``basis`` "count" every variance is fixed here; by "set", for a random
    walk, each is found for the very records that leave: it is smaller, and tells of them to whoever does not know them. All constants are
    measured in balls at the fitted model, logistic objectives only; that the fit is no exact minimiser and that steps are rounded is
    counted. Requests may depend on earlier releases. Raises :class:`InputError`, also where there are too many numbers for ball arithmetic.

    >>> import numpy as np, certify
    >>> rows = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    >>> fitted = certify.fit(certify.objectives.Logistic(rows, rows[:, 0] > 0, l2=0.1))
    >>> sequence = releases(fitted, 5, mu=1)
    >>> release = sequence.release([3, 17])
    >>> release.deleted, sequence.left, release.transcript.comparator.value
    (2, 3, 'matched')
    """
    from certify.fitting import Fitted

    if not isinstance(fitted, Fitted):
        raise InputError(f"releases start from a fitted model, not {type(fitted).__name__}: call certify.fit first")
    if penalty not in PENALTIES:
        raise InputError(f"unknown penalty {penalty!r}: use {' or '.join(PENALTIES)}")
    if basis not in ("count", "set") or (basis == "set" and mechanism != "random-walk"):
        raise InputError(f"basis {basis!r} with mechanism {mechanism!r} is unknown: use 'count', or 'set' with 'random-walk'")
    if (mu is None) == (epsilon is None):
        raise InputError("releases need mu, or epsilon and delta, and not both")
    held = exactly(probability(delta, "delta"), Declared("given"))
    constants = constants_of(fitted, deletions, penalty)
    made = plan(constants, mu=mu, epsilon=epsilon, delta=None if epsilon is None else delta, mechanism=mechanism)
    asked = None if epsilon is None else exactly(nonnegative(epsilon, "epsilon"), Declared("given"))
    exclusions = [_SHARED, f"retraining minimises {PENALTIES[penalty]}"]
    if basis == "set":
        exclusions.append(_OF_THE_RECORDS)
    if generator is not None:
        from certify.certificates.terms import CALLER_NOISE

        exclusions.append(CALLER_NOISE)
    drawn = Releases(made, generator)
    return Sequence(
        fitted, made, penalty=penalty, basis=basis, delta=held, epsilon=asked, drawn=drawn, exclusions=tuple(exclusions)
    )


def constants_of(fitted: Fitted, deletions: int, penalty: Penalty = "mean") -> Constants:
    """The constants of :func:`measured` at a fitted logistic model, for retraining that minimises what ``penalty`` says."""
    objective = fitted.objective
    if objective.kind != "logistic":
        raise InputError(
            f"sequences of releases are for logistic objectives, not {objective.kind}: use certify.unlearn for each request"
        )
    if counted(deletions) >= objective.count:
        raise InputError(f"deletions must leave a record: {deletions} of {objective.count}")
    if objective.count * objective.dimension**2 > _MOST_PRODUCTS:
        raise InputError(
            f"{objective.count} records with {objective.dimension} parameters are too many to measure in balls: use certify.unlearn"
        )
    l2 = Fraction(objective.l2)
    return measured(
        objective.design.select(objective.ids).tolist(),
        objective.labels.cpu().numpy()[objective.ids].tolist(),
        fitted.parameters.tolist(),
        ridge=l2 * objective.count,
        deletions=deletions,
        share=l2 if penalty == "mean" else 0,
    )
