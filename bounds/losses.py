"""Gradient, smoothness and Hessian-Lipschitz constants of the losses of linear models on row-bounded data."""

from __future__ import annotations

from dataclasses import dataclass

from .bound import Bound
from .derive import derive

KINDS = ("logistic", "softmax", "squared", "huber", "hinge", "poisson")
_TAKES = {
    "squared": ("parameter_bound", "label_bound"), "huber": ("threshold",), "hinge": ("width",),
    "poisson": ("predictor_bound", "label_bound"),
}  # fmt: skip


@dataclass(frozen=True)
class LossConstants:
    """Upper bounds that hold for every record whose row norm is bounded; a ridge term is not counted.

    ``gradient`` bounds the norm of one record's gradient in the parameters, ``smoothness`` its Lipschitz
    constant, ``hessian_lipschitz`` that of the Hessian. ``self_concordance`` is nu in |D³f[u, u, v]| <= nu |v| D²f[u, u]:
    on a ball of radius r the Hessian changes by a factor of at most exp(nu r), so curvature measured at one point holds about it. None
    means that no such constant exists (or that none was asked for), and ``reason`` says why.
    """

    gradient: Bound | None
    smoothness: Bound
    hessian_lipschitz: Bound | None
    self_concordance: Bound | None
    reason: str = ""


def loss_constants(
    kind: str,
    row_norm: Bound | float,
    *,
    parameter_bound: Bound | float | None = None,
    label_bound: Bound | float | None = None,
    predictor_bound: Bound | float | None = None,
    threshold: Bound | float | None = None,
    width: Bound | float | None = None,
) -> LossConstants:
    """The constants of ``kind`` on rows of norm at most ``row_norm`` (with an intercept, of (x, 1)).

    Losses are those of one record of weight one: log(1 + exp(-y x.w)) with y = ±1, (x.w - y)²/2, Huber's of x.w - y, a hinge of y x.w with y = ±1,
    exp(x.w) - y x.w with 0 <= y <= ``label_bound``. "logistic" and "softmax" need nothing else. "squared" has a gradient bound only on a ball of parameters
    (``parameter_bound``, ``label_bound``); "huber" needs its ``threshold`` and has no Hessian-Lipschitz
    constant; nor has "hinge", the smoothed one, which needs the ``width`` of its bend; "poisson" has constants only
    where predictors are bounded (``predictor_bound``, ``label_bound``).
    Raises ``ValueError`` for another kind, a bound that the kind needs and does not get, and one that it has no use for.
    Every number is an upper bound by a theorem of the book, which names the source (``certify theorems logistic.smoothness``).

    Theorem: ``logistic.gradient``, ``softmax.gradient``, ``logistic.smoothness``, ``softmax.smoothness``, ``squared.smoothness``,
    ``huber.smoothness``, ``logistic.hessian-lipschitz``, ``softmax.hessian-lipschitz``, ``squared.hessian-lipschitz``,
    ``logistic.self-concordance``, ``softmax.self-concordance``, ``squared.self-concordance``, ``poisson.self-concordance`` (upper row_norm).
    Theorem: ``squared.gradient`` (upper row_norm, parameter_bound, label_bound).
    Theorem: ``huber.gradient`` (upper row_norm, threshold).
    Theorem: ``hinge.gradient`` (upper row_norm).
    Theorem: ``hinge.smoothness`` (upper row_norm; lower width).
    Theorem: ``poisson.gradient`` (upper row_norm, predictor_bound, label_bound).
    Theorem: ``poisson.smoothness``, ``poisson.hessian-lipschitz`` (upper row_norm, predictor_bound).

    >>> loss_constants("logistic", 1.0).smoothness.value
    0.25
    """
    if kind not in KINDS:
        raise ValueError(f"no constants are known for a {kind!r} loss: use one of {', '.join(KINDS)}")
    given = {
        "parameter_bound": parameter_bound, "label_bound": label_bound, "predictor_bound": predictor_bound, "threshold": threshold,
        "width": width,
    }  # fmt: skip
    surplus = [name for name, value in given.items() if value is not None and name not in _TAKES.get(kind, ())]
    if surplus:
        raise ValueError(f"a {kind} loss has no use for {' and '.join(surplus)}: leave it out")
    if kind in ("logistic", "softmax"):
        return LossConstants(
            derive(f"{kind}.gradient", row_norm=row_norm),
            derive(f"{kind}.smoothness", row_norm=row_norm),
            derive(f"{kind}.hessian-lipschitz", row_norm=row_norm),
            derive(f"{kind}.self-concordance", row_norm=row_norm),
        )
    if kind == "squared":
        smoothness = derive("squared.smoothness", row_norm=row_norm)
        third = derive("squared.hessian-lipschitz", row_norm=row_norm)
        bent = derive("squared.self-concordance", row_norm=row_norm)
        if parameter_bound is None or label_bound is None:
            return LossConstants(
                None, smoothness, third, bent, "the gradient is bounded only on a ball: pass parameter_bound and label_bound"
            )
        gradient = derive("squared.gradient", row_norm=row_norm, parameter_bound=parameter_bound, label_bound=label_bound)
        return LossConstants(gradient, smoothness, third, bent)
    if kind == "huber":
        if threshold is None:
            raise ValueError("a Huber loss needs its threshold")
        gradient = derive("huber.gradient", row_norm=row_norm, threshold=threshold)
        smoothness = derive("huber.smoothness", row_norm=row_norm)
        return LossConstants(gradient, smoothness, None, None, "the Hessian of the Huber loss jumps: no second-order certificate")
    if kind == "hinge":
        if width is None:
            raise ValueError("a smoothed hinge loss needs the width of its bend: without one its gradient jumps")
        gradient = derive("hinge.gradient", row_norm=row_norm)
        smoothness = derive("hinge.smoothness", row_norm=row_norm, width=width)
        return LossConstants(
            gradient, smoothness, None, None, "the Hessian of the smoothed hinge loss jumps: no second-order certificate"
        )
    if predictor_bound is None or label_bound is None:
        raise ValueError("Poisson regression has constants only on bounded predictors: pass predictor_bound and label_bound")
    return LossConstants(
        derive("poisson.gradient", row_norm=row_norm, predictor_bound=predictor_bound, label_bound=label_bound),
        derive("poisson.smoothness", row_norm=row_norm, predictor_bound=predictor_bound),
        derive("poisson.hessian-lipschitz", row_norm=row_norm, predictor_bound=predictor_bound),
        derive("poisson.self-concordance", row_norm=row_norm),
    )
