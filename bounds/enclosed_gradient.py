"""Gradients and Hessian products of linear models wholly in ball arithmetic: nothing is rounded, all is enclosed.

For small problems (some millions of products) this replaces the rounding analysis, and the premise on the
accuracy of the array library's exponential with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flint import arb, arb_mat

from certify.proofs.balls import ball, precision, upper_double
from certify.proofs.sides import Side

from .bound import Bound
from .evidence import Enclosed

_BITS = 128
LossGradient = Callable[[list[arb], float], list[arb]]
LossProduct = Callable[[list[arb], list[arb]], list[arb]]


@dataclass(frozen=True)
class EnclosedGradient:
    """Upper bounds proved in balls.

    ``residual`` bounds the norm of the gradient, ``midpoint`` are its entries rounded (no bound). When a step was
    given, ``linear_residual`` bounds the norm of gradient plus Hessian times step, and ``energy`` the inner product of
    the step with Hessian times step.
    """

    residual: Bound
    midpoint: tuple[float, ...]
    linear_residual: Bound | None = None
    energy: Bound | None = None


def enclosed_gradient(
    kind: str,
    rows: Sequence[Sequence[float]],
    labels: Sequence[float],
    weights: Sequence[Sequence[float]],
    *,
    l2: float,
    step: Sequence[Sequence[float]] | None = None,
) -> EnclosedGradient:
    """Enclose the gradient of the mean loss plus (l2/2)|W|² at ``weights`` [k, p] over ``rows`` [n, p].

    ``kind`` is "logistic" (labels -1 and 1), "softmax" (labels 0 … k-1) or "ridge". All numbers are taken as
    the exact doubles that they are. Upper bounds, enclosed here and now rather than derived from a theorem. Raises
    ``ValueError`` for a ``step`` of another shape than the weights.

    >>> enclosed_gradient("ridge", [[1.0], [2.0]], [1.0, 2.0], [[1.0]], l2=0.5).residual.value
    0.5
    """
    loss_gradient, loss_product = _LOSSES[kind]
    count = len(rows)
    with precision(_BITS):
        design, parameters = arb_mat([list(row) for row in rows]), arb_mat([list(row) for row in weights])
        predictors = (design * parameters.transpose()).tolist()
        gradients = arb_mat([loss_gradient(z, y) for z, y in zip(predictors, labels, strict=True)])
        ridge = ball(l2)
        gradient = gradients.transpose() * design * (1 / arb(count)) + parameters * ridge
        residual = _norm(gradient, "gradient in balls")
        midpoint = tuple(float(entry.mid()) for entry in gradient.entries())
        if step is None:
            return EnclosedGradient(residual, midpoint)
        direction = arb_mat([list(row) for row in step])
        moved = (design * direction.transpose()).tolist()
        products = arb_mat([loss_product(z, q) for z, q in zip(predictors, moved, strict=True)])
        if products.ncols() != len(weights):
            raise ValueError("a step has the shape of the weights")
        image = products.transpose() * design * (1 / arb(count)) + direction * ridge
        energy = _sum(a * b for a, b in zip(direction.entries(), image.entries(), strict=True))
        return EnclosedGradient(
            residual,
            midpoint,
            _norm(gradient + image, "gradient plus Hessian times step in balls"),
            Bound(upper_double(energy), Side.UPPER, Enclosed("step times Hessian times step in balls")),
        )


def _sum(terms: Iterable[arb]) -> arb:
    return sum(terms, arb(0))


def _norm(matrix: arb_mat, procedure: str) -> Bound:
    total = _sum(entry * entry for entry in matrix.entries())
    return Bound(upper_double(total.sqrt()), Side.UPPER, Enclosed(procedure))


def _logistic_gradient(predictors: list[arb], label: float) -> list[arb]:
    sign = ball(label)
    return [-sign / (1 + (sign * predictors[0]).exp())]


def _logistic_product(predictors: list[arb], direction: list[arb]) -> list[arb]:
    share = 1 / (1 + predictors[0].exp())
    return [share * (1 - share) * direction[0]]


def _probabilities(predictors: list[arb]) -> list[arb]:
    exponentials = [value.exp() for value in predictors]
    total = _sum(exponentials)
    return [value / total for value in exponentials]


def _softmax_gradient(predictors: list[arb], label: float) -> list[arb]:
    return [share - (1 if index == int(label) else 0) for index, share in enumerate(_probabilities(predictors))]


def _softmax_product(predictors: list[arb], direction: list[arb]) -> list[arb]:
    shares = _probabilities(predictors)
    weighted = [share * value for share, value in zip(shares, direction, strict=True)]
    mean = _sum(weighted)
    return [value - share * mean for value, share in zip(weighted, shares, strict=True)]


_LOSSES: dict[str, tuple[LossGradient, LossProduct]] = {
    "logistic": (_logistic_gradient, _logistic_product),
    "softmax": (_softmax_gradient, _softmax_product),
    "ridge": (lambda predictors, label: [predictors[0] - ball(label)], lambda _, direction: direction),
}
