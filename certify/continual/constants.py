"""What the theorems on sequences of deletions ask of a problem: declared, or measured in balls at a fitted ridge-logistic model.

Sum form: the sum of the records' losses plus (ridge/2)|w|². A mean objective with weight ``l2`` over n records is that with ridge = n l2; a penalty
lambda |w|² is ridge = 2 lambda. Of the ridge every record may own a ``share``, which leaves with it: with share = l2 the retained sum is again the
mean objective of weight l2, over the retained records; with none the ridge stays the same whatever was deleted (Kuang and Xia).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat

from certify.bounds.bound import Bound, as_bound, exactly
from certify.bounds.derive import HypothesisError, derive
from certify.bounds.evidence import Declared, Enclosed
from certify.errors import InputError
from certify.numbers import Number, nonnegative, positive
from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from .enclosures import above, above_sum, away, curved, greatest_eigenvalue, least_eigenvalue, third

_BITS = 96
ROUNDING = 2.0**-50
"""What a release may lose to rounding, of the size of the parameters and of the longest step."""
_UNROUNDED = Bound(0.0, Side.EXACT, Declared("the releases are the exact Newton steps from the exact minimiser"))


@dataclass(frozen=True)
class Constants:
    """Bounds that hold on the whole ball that every retained minimiser stays in, while at most ``deletions`` records leave.

    ``gradient``, ``smoothness``, ``record_hessian``: upper bounds on a record's gradient norm, Hessian norm and Hessian-Lipschitz constant;
    ``hessian_lipschitz``: of the whole sum; ``curvature``: a lower bound on the least eigenvalue of every retained sum's Hessian;
    ``gradient_sum``: an upper bound on the sum of the largest gradient norms at the start, if it is known. ``allowance``: an upper bound on how far
    what stands for w + H^-1 g - w_A may be from it for all the reasons of arithmetic: a fit that is no exact minimiser, a step that is rounded.
    """

    deletions: int
    gradient: Bound
    smoothness: Bound
    record_hessian: Bound
    hessian_lipschitz: Bound
    curvature: Bound
    gradient_sum: Bound | None = None
    allowance: Bound = _UNROUNDED

    def shared(self) -> dict[str, Bound]:
        """The hypotheses that the theorems on sums share, by symbol."""
        return {"hessian_lipschitz": self.hessian_lipschitz, "curvature": self.curvature}

    def of_records(self) -> dict[str, Bound]:
        """Those on single records besides."""
        return {"smoothness": self.smoothness, "record_hessian": self.record_hessian, **self.shared()}


def declared(
    deletions: int,
    *,
    gradient: Number,
    smoothness: Number,
    record_hessian: Number,
    hessian_lipschitz: Number,
    curvature: Number,
    gradient_sum: Number | None = None,
) -> Constants:
    """The constants that somebody states, as exact numbers. Raises :class:`InputError` unless all are positive.

    >>> declared(3, gradient=1, smoothness="0.25", record_hessian="0.1", hessian_lipschitz=100, curvature=50).deletions
    3
    """
    named = {
        "gradient": gradient, "smoothness": smoothness, "record_hessian": record_hessian, "hessian_lipschitz": hessian_lipschitz,
        "curvature": curvature,
    }  # fmt: skip
    held = {name: exactly(positive(value, name), Declared("stated by the caller")) for name, value in named.items()}
    total = None if gradient_sum is None else exactly(positive(gradient_sum, "gradient_sum"), Declared("stated by the caller"))
    return Constants(counted(deletions), gradient_sum=total, **held)


def worst_case(deletions: int, *, records: int, ridge: Number, row_norm: Number = 1) -> Constants:
    """The constants of ridge-logistic regression on any ``records`` rows of at most ``row_norm``, at any parameters.

    The curvature is then the ridge alone, so they are loose: :func:`measured` reads them off the data. Raises :class:`InputError`.

    Theorem: ``logistic.gradient`` (upper row_norm).
    Theorem: ``logistic.smoothness`` (upper row_norm).
    Theorem: ``logistic.hessian-lipschitz`` (upper row_norm).

    >>> round(worst_case(5, records=100, ridge=10).smoothness.value, 3)
    0.25
    """
    height = exactly(positive(row_norm, "row_norm"), Declared("no row is longer"))
    third = derive("logistic.hessian-lipschitz", row_norm=height)
    return Constants(
        counted(deletions),
        gradient=derive("logistic.gradient", row_norm=height),
        smoothness=derive("logistic.smoothness", row_norm=height),
        record_hessian=third,
        hessian_lipschitz=third * counted(records, "records"),
        curvature=exactly(positive(ridge, "ridge"), Declared("the ridge of the sum")),
    )


def measured(features: Any, labels: Any, parameters: Any, *, ridge: Number, deletions: int, share: Number = 0) -> Constants:
    """The constants of ridge-logistic regression read off the data at the fitted ``parameters``, every number in balls.

    ``features`` [n, p], ``labels`` [n] (two values; the larger is y = 1), ``parameters`` [p]; all doubles are taken exactly. ``ridge`` is that of the sum
    over all records, of which each owns ``share``. The parameters need not be the exact minimiser: they are that of the sum less a linear function,
    which changes no Hessian, and how far that moves any minimiser goes into the ``allowance``, with some 2^-50 of the parameters for the
    rounding of steps. A gradient that is not small is refused. No probability and no eigenvalue routine is believed: the least eigenvalue
    is proved by elimination, the largest by powers. The work is n p² ball products. Raises :class:`InputError` for shapes, for numbers that are
    not finite, and where ``deletions`` records may use up the curvature so that no ball is proved. Source: Kuang and Xia 2026, supplement S.3.

    Theorem: ``self-concordance.radius`` (exact radius; upper decay, residual; lower l2, curvature; upper self_concordance).
    Theorem: ``continual.curvature`` (lower l2, start_curvature; upper self_concordance, radius).
    Theorem: ``output.residual`` (upper residual; lower strong_convexity).
    """
    rows, positive_label, start = _arrays(features, labels, parameters)
    most, weight, own = counted(deletions), positive(ridge, "ridge"), nonnegative(share, "share")
    if most >= len(rows):
        raise InputError(f"deletions must leave a record: {most} of {len(rows)}")
    if own * most >= weight:
        raise InputError(f"the share of {most} records uses up the ridge: shares of all records add up to the ridge at most")
    with precision(_BITS):
        matrix, fitted = arb_mat(rows), arb_mat([[value] for value in start])
        predictors = (matrix * fitted).entries()
        lengths = [sum((entry * entry for entry in map(arb, row)), arb(0)).sqrt() for row in rows]
        shares = [1 / (1 + (-z).exp()) for z in predictors]
        size = sum((entry * entry for entry in fitted.entries()), arb(0)).sqrt()
        gradients = [
            length * abs(share - y) + ball(own) * size for length, share, y in zip(lengths, shares, positive_label, strict=True)
        ]
        weights = [share * (1 - share) for share in shares]
        radius, total = above(lengths), above_sum(gradients, most)
        slopes = [share - y for share, y in zip(shares, positive_label, strict=True)]
        rest = _small_gradient(matrix, slopes, start, weight, total)
        kept = _kept_curvature(matrix, rows, weights, lengths, weight, most)
    retained = exactly(weight - own * most, Declared("the ridge of the retained sum"))
    concordance, path = _upper(radius, "longest row"), _upper(total, "sum of the largest gradients")
    flat = Bound(
        kept, Side.LOWER, Enclosed("least eigenvalue of the data's Hessian without any such deletion, by elimination in balls")
    )
    reach = _radius(path, flat, concordance, retained)
    with precision(_BITS):
        ends = [
            (z - ball(reach.value) * length, z + ball(reach.value) * length)
            for z, length in zip(predictors, lengths, strict=True)
        ]
        gradient = above([length * away(a, b, y) for (a, b), length, y in zip(ends, lengths, positive_label, strict=True)])
        gradient += ball(own) * (size + ball(reach.value))
        smooth = above([length**2 * curved(a, b) for (a, b), length in zip(ends, lengths, strict=True)]) + ball(own)
        thirds = [third(a, b) for a, b in ends]
        record = above([third * length**3 for third, length in zip(thirds, lengths, strict=True)])
        whole = greatest_eigenvalue(matrix, [third * length for third, length in zip(thirds, lengths, strict=True)])
    curvature = derive("continual.curvature", l2=retained, start_curvature=flat, self_concordance=concordance, radius=reach)
    moved = derive("output.residual", residual=_upper(rest, "gradient at the parameters"), strong_convexity=retained)
    return Constants(
        most,
        gradient=_upper(gradient, "greatest gradient norm on the ball"),
        smoothness=_upper(smooth, "greatest Hessian norm on the ball"),
        record_hessian=_upper(record, "greatest Hessian-Lipschitz constant on the ball"),
        hessian_lipschitz=_upper(whole, "norm of the sum of third derivatives on the ball, by powers"),
        curvature=curvature,
        gradient_sum=path,
        allowance=moved + (_upper(size, "norm of the parameters") + path / curvature) * ROUNDING,
    )


def counted(number: Any, name: str = "deletions") -> int:
    """A count of at least one, or an input error that names it."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError(f"{name} must be an integer of at least 1, not {number!r}")
    return number


def _arrays(features: Any, labels: Any, parameters: Any) -> tuple[list[list[float]], list[int], list[float]]:
    import numpy

    try:
        rows, values, start = (numpy.asarray(array, dtype=numpy.float64) for array in (features, labels, parameters))
    except (TypeError, ValueError):
        raise InputError("features [n, p], labels [n] and parameters [p] must be arrays of numbers") from None
    if rows.ndim != 2 or values.shape != rows.shape[:1] or start.shape != rows.shape[1:]:
        raise InputError(
            f"features [n, p], labels [n] and parameters [p] do not fit: {rows.shape}, {values.shape}, {start.shape}"
        )
    if not all(numpy.isfinite(array).all() for array in (rows, values, start)):
        raise InputError("features, labels and parameters must be finite")
    kinds = numpy.unique(values)
    if len(kinds) != 2:
        raise InputError(f"logistic regression has two label values, and these have {len(kinds)}")
    return rows.tolist(), (values == kinds[1]).astype(int).tolist(), start.tolist()


def _small_gradient(matrix: arb_mat, slopes: list[arb], start: list[float], ridge: Fraction, total: arb) -> arb:
    """The norm of the gradient of the whole sum. Parameters at which it is not small are no fitted model, and are refused."""
    whole = matrix.transpose() * arb_mat([[slope] for slope in slopes])
    square = sum(((whole[j, 0] + ball(ridge) * arb(value)) ** 2 for j, value in enumerate(start)), arb(0))
    norm = square.sqrt().upper()
    if not norm < total / (1 << 20):
        raise InputError(
            "parameters are not the minimiser over all records: their gradient is not small; fit to the last digits first"
        )
    return norm


def _kept_curvature(
    matrix: arb_mat, rows: list[list[float]], weights: list[arb], lengths: list[arb], ridge: Fraction, most: int
) -> float:
    """A lower bound on the least eigenvalue of the data part of the Hessian without any ``most`` records; zero if nothing better is proved.

    Theorem: ``continual.removed`` (lower least; upper removed).
    Theorem: ``continual.leverage`` (lower least; upper leverage).
    """
    scaled = arb_mat([[weight * entry for entry in map(arb, row)] for weight, row in zip(weights, rows, strict=True)])
    hessian = matrix.transpose() * scaled
    size = hessian.nrows()
    whole = hessian + arb_mat(size, size, [ball(ridge) if i % (size + 1) == 0 else arb(0) for i in range(size * size)])
    least = least_eigenvalue(whole)
    if least <= 0:
        return 0.0
    lowest = Bound(least, Side.LOWER, Enclosed("elimination in balls"))
    removed = _upper(
        above_sum([w * length**2 for w, length in zip(weights, lengths, strict=True)], most), "largest Hessians of records"
    )
    kept = [derive("continual.removed", least=lowest, removed=removed)]
    inverse = matrix * whole.inv()
    leverages = [
        weight * sum((inverse[i, j] * arb(entry) for j, entry in enumerate(row)), arb(0))
        for i, (weight, row) in enumerate(zip(weights, rows, strict=True))
    ]
    share = _upper(above_sum(leverages, most), "largest leverages")
    if share.value <= 1:
        kept.append(derive("continual.leverage", least=lowest, leverage=share))
    best = max(bound.value for bound in kept)
    return max(0.0, lower_double(arb(best) - ball(ridge)))


def _radius(residual: Bound, flat: Bound, concordance: Bound, ridge: Bound) -> Bound:
    """The least radius found that is proved to hold every retained minimiser.

    Theorem: ``self-concordance.radius`` (exact radius; upper decay, residual; lower l2, curvature; upper self_concordance).
    """

    def proved(radius: float) -> Bound | None:
        with precision(_BITS):
            decay = upper_double((-(ball(concordance.value) * ball(radius))).exp())
        try:
            return derive(
                "self-concordance.radius",
                radius=as_bound(radius),
                decay=Bound(min(decay, 1.0), Side.UPPER, Enclosed("exponential in balls")),
                residual=residual,
                l2=ridge,
                curvature=flat,
                self_concordance=concordance,
            )
        except HypothesisError:
            return None

    high = residual.value / ridge.value * (1 + 2.0**-40)
    best = proved(high) if math.isfinite(high) else None
    if best is None:
        raise InputError(
            "no ball around the fitted model is proved to hold the retrained ones: use a larger ridge or fewer deletions"
        )
    low = 0.0
    for _ in range(40):
        middle = (low + high) / 2
        if (found := proved(middle)) is None:
            low = middle
        else:
            high, best = middle, found
    return best


def _upper(value: arb, what: str) -> Bound:
    return Bound(upper_double(value), Side.UPPER, Enclosed(what))
