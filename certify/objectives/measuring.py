"""The gradient of a linear objective, and of a step from it, computed in float64 with proved bounds on the rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from certify.bounds import Bound, Measured
from certify.bounds.linear_model import gradient_allowance, product_allowance
from certify.bounds.rounding import gamma
from certify.bounds.spectral import vector_norm_upper
from certify.proofs.sides import Side

from .design import PLAIN, Summation

if TYPE_CHECKING:
    from .linear import LinearObjective

_LEAST = 5e-324
"""The least positive double."""
MOSTLY_ROUNDING = 2.0
"""A residual within this factor of its allowance is measured again with more careful predictors."""


@dataclass(frozen=True)
class MeasuredGradient:
    """A computed gradient, a bound on its error, and the residual: a bound on the norm of the true gradient."""

    gradient: torch.Tensor
    error: float
    residual: Bound
    loss_part: torch.Tensor
    """The sum over retained rows of the loss gradients, ridge excluded, shape (k, p)."""
    passes: int = 1
    """The passes over the data that it took."""


@dataclass(frozen=True)
class MeasuredStep:
    """A trial step at measured parameters: what is left over, and upper bounds on its norm and on the step's energy."""

    rest: torch.Tensor
    """``g + H step`` as computed."""
    linear_residual: Bound
    """At or above its true norm."""
    energy: Bound
    """At or above the inner product of the step with H times the step."""


def measured_gradient(objective: LinearObjective, weights: torch.Tensor, summation: Summation) -> MeasuredGradient:
    """The gradient at the (k, p) weights and an upper bound on its norm: one pass over the data, summed as ``summation`` says."""
    loss_part, losses = objective.loss_part(weights, summation)
    gradient = (loss_part / objective.count + objective.l2 * weights).reshape(-1)
    size = vector_norm_upper(gradient)
    error = gradient_allowance(
        objective.design.norms,
        objective.rounding,
        rows=objective.count,
        block=min(summation.block, objective.design.rows),
        predictor_terms=objective.design.predictor_terms(summation),
        l2=objective.l2,
        parameter_norm=vector_norm_upper(weights),
        loss_gradient_norm=losses,
        gradient_norm=size,
    )
    residual = Bound(size, Side.UPPER) + Bound(error, Side.UPPER)
    return MeasuredGradient(
        gradient, error, Bound(residual.value, Side.UPPER, Measured("gradient norm, float64 with allowance")), loss_part
    )


def measured_step(
    objective: LinearObjective, parameters: torch.Tensor, measured: MeasuredGradient, step: torch.Tensor
) -> MeasuredStep:
    """``g + H step`` at parameters whose gradient was measured, and upper bounds: one pass over the data."""
    product = objective.hessian_product(parameters, step)
    length, size = vector_norm_upper(step), vector_norm_upper(product)
    allowance = product_allowance(
        objective.design.norms,
        objective.rounding,
        rows=objective.count,
        block=min(PLAIN.block, objective.design.rows),
        l2=objective.l2,
        parameter_norm=vector_norm_upper(objective.weights(parameters)),
        vector_norm=length,
        product_norm=size,
    )
    rest = measured.gradient + product
    norm = Bound(vector_norm_upper(rest), Side.UPPER) * (1 + 2.0**-50)  # the sum of the two was rounded
    linear_residual = norm + Bound(allowance, Side.UPPER) + Bound(measured.error, Side.UPPER)
    inner = Bound(_or_infinity(abs(float(step @ product))), Side.UPPER)
    error = Bound(size, Side.UPPER) * gamma(step.numel() + 2) + Bound(allowance, Side.UPPER)
    energy = inner + Bound(length, Side.UPPER) * error + step.numel() * _LEAST  # what products of tiny entries lose
    return MeasuredStep(
        rest,
        Bound(linear_residual.value, Side.UPPER, Measured("norm of gradient plus Hessian times step, float64 with allowance")),
        Bound(energy.value, Side.UPPER, Measured("step times Hessian times step, float64 with allowance")),
    )


def _or_infinity(number: float) -> float:
    """The number, or infinity for one that overflowed."""
    return number if math.isfinite(number) else math.inf
