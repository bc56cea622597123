"""Lipschitz constants of a chain by one matrix inequality: multipliers are searched for, and the inequality is proved by one factorisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Measured
from ..rounding import UNIT_ROUNDOFF, gamma
from ..spectral.factor import completed, lost_in_factor
from ..spectral.scaling import frobenius_upper
from .chain import Chain
from .interior import MOST, central_path

_RATE = 0.05
_SLACKS = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
_FLATTEST = 1e-2  # a neuron whose slope hardly varies takes a multiplier no larger than one over the square of this

Slopes = tuple[tuple[Tensor, Tensor], ...]
"""For every hidden layer the least and the greatest slope of each neuron (float64; outward)."""


@dataclass(frozen=True)
class Proposal:
    """Multipliers for every neuron, and the constant that they would prove without rounding."""

    multipliers: tuple[Tensor, ...]
    constant: float


def propose(chain: Chain, slopes: Slopes, *, steps: int = 0) -> Proposal | None:
    """Good multipliers: feasible ones in closed form, then at most ``steps`` towards the optimum. An estimate, to be proved.

    Up to ``MOST`` hidden neurons the steps follow the central path and end at the optimum, else they descend on the constant. None where
    floating point finds no feasible start.
    """
    with torch.no_grad():
        start = _feasible(chain, slopes)
        best = None if start is None else _constant(chain, slopes, start)
    if start is None or best is None:
        return None
    if steps and 0 < sum(chain.sizes[1:-1]) <= MOST and float(best) > 0:
        with torch.no_grad():
            found = central_path(chain, slopes, start, float(best), steps=steps)
            reached = _constant(chain, slopes, found)
        if reached is None or not float(reached) < float(best):
            return Proposal(tuple(start), float(best))
        return Proposal(tuple(found), float(reached))
    logarithms = [multiplier.log().requires_grad_() for multiplier in start]
    lowest, kept = float(best), list(start)
    if not start:
        return Proposal((), lowest)
    optimiser = torch.optim.Adam(logarithms, lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1), eta_min=_RATE / 50)
    for _ in range(steps):
        optimiser.zero_grad()
        value = _constant(chain, slopes, [logarithm.exp() for logarithm in logarithms])
        if value is None:  # stepped out of the feasible set: half-way back to the best
            with torch.no_grad():
                for logarithm, multiplier in zip(logarithms, kept, strict=True):
                    logarithm.copy_((logarithm + multiplier.log()) / 2)
            continue
        if float(value.detach()) < lowest:
            lowest, kept = float(value.detach()), [logarithm.detach().exp() for logarithm in logarithms]
        value.log().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return Proposal(tuple(kept), lowest)


def _feasible(chain: Chain, slopes: Slopes) -> list[Tensor] | None:
    """The multipliers of ECLipsE-Fast, for slopes of any range: one number a layer."""
    state = torch.eye(chain.sizes[0], dtype=torch.float64)
    multipliers: list[Tensor] = []
    for stage, (low, high) in zip(chain.stages, slopes, strict=False):
        factor = _factor(state)
        if factor is None:
            return None
        largest = float(torch.linalg.matrix_norm(torch.linalg.solve_triangular(factor, stage.weight.T, upper=False), 2)) ** 2
        spread = float((high - low).max().clamp_min(_FLATTEST))
        value = 1 / (max(largest, 2.0**-40) * spread**2)
        for _ in range(60):
            multiplier = torch.full_like(low, value)
            following = _next(state, stage.weight, multiplier, low, high)
            if following is not None and _factor(following) is not None:
                break
            value /= 2
        else:
            return None
        state = following
        multipliers.append(multiplier)
    return multipliers


def _next(state: Tensor, weight: Tensor, multiplier: Tensor, low: Tensor, high: Tensor) -> Tensor | None:
    """The Schur complement behind one more layer; None where the state before it is not positive definite."""
    product = low * high
    if bool((product != 0).any()):
        state = state + 2 * weight.T @ ((multiplier * product)[:, None] * weight)
    factor = _factor(state)
    if factor is None:
        return None
    scaled = torch.linalg.solve_triangular(factor, weight.T, upper=False) * (multiplier * (low + high))
    following: Tensor = 2 * torch.diag(multiplier) - scaled.T @ scaled
    return following


def _factor(state: Tensor) -> Tensor | None:
    factor, info = torch.linalg.cholesky_ex((state + state.T) / 2)
    return factor if int(info) == 0 and bool(torch.isfinite(factor.detach()).all()) else None


def _constant(chain: Chain, slopes: Slopes, multipliers: list[Tensor]) -> Tensor | None:
    state = torch.eye(chain.sizes[0], dtype=torch.float64)
    for stage, multiplier, (low, high) in zip(chain.stages, multipliers, slopes, strict=False):
        following = _next(state, stage.weight, multiplier, low, high)
        if following is None:
            return None
        state = following
    factor = _factor(state)
    if factor is None:
        return None
    whole = torch.linalg.solve_triangular(factor, chain.stages[-1].weight.T, upper=False)
    gram = whole @ whole.T if whole.shape[0] <= whole.shape[1] else whole.T @ whole
    constant: Tensor = torch.linalg.eigvalsh(gram)[-1].clamp_min(0).sqrt()
    return constant


def prove(chain: Chain, slopes: Slopes, proposal: Proposal) -> Bound | None:
    """The Lipschitz constant that the multipliers prove, or None: the matrix of the form is factored, with all rounding counted.

    Upper side, for inputs at which every slope lies in ``slopes``. The multipliers are any nonnegative numbers; how they were found
    does not matter. Neither LAPACK's word nor the estimate is relied on: the factor must be finite with a positive diagonal, and what
    rounding took is less than what was held back.

    Theorem: ``lipschitz.semidefinite`` (upper square).
    """
    for slack in _SLACKS:
        square = (proposal.constant * (1 + slack)) ** 2
        if not math.isfinite(square) or square < 2.0**-900:
            return None
        if proved_form(chain, slopes, proposal.multipliers, square):
            number = Bound(
                square, Side.UPPER, Measured("the form is nonnegative: its matrix has a Cholesky factor, with rounding counted")
            )
            return derive("lipschitz.semidefinite", square=number)
    return None


def proved_form(chain: Chain, slopes: Slopes, multipliers: tuple[Tensor, ...], square: float) -> bool:
    """Whether the form with L = ``square`` is proved nonnegative."""
    if any(bool((multiplier < 0).any()) for multiplier in multipliers):
        return False
    form, error = _form(chain, slopes, multipliers, square)
    size = len(form)
    diagonal = form.diagonal()
    if not bool(torch.isfinite(form).all() and torch.isfinite(error).all() and (diagonal > 0).all()):
        return False
    powers = torch.exp2(
        -torch.round(torch.log2(diagonal) / 2)
    )  # scaling by powers of two is exact, and keeps the sign of the form
    form, error = form * powers[:, None] * powers, error * powers[:, None] * powers
    largest = Bound(float(form.diagonal().max()), Side.UPPER, Measured("largest entry of the diagonal"))
    underflow = Bound(size * 2.0**-960, Side.UPPER, Measured("what underflows in a factor of numbers of order one"))
    factoring = lost_in_factor(size, largest, underflow)
    lost = factoring + Bound(frobenius_upper(error), Side.UPPER, Measured("rounding of the entries of the form")) + underflow
    held = math.nextafter(lost.value * 1.001, math.inf)
    shifted = form.clone()
    shifted.diagonal().sub_(held)  # rounds each by at most u times its size: within the tenth of a per cent
    rounding = Bound(float(shifted.diagonal().abs().max()), Side.UPPER, Measured("largest entry of the diagonal")) * (
        2 * UNIT_ROUNDOFF
    )
    if not (lost + rounding).at_most(held):
        held = math.nextafter((lost + rounding + rounding).value * 1.001, math.inf)
        shifted = form.clone()
        shifted.diagonal().sub_(held)
        if not (lost + rounding).at_most(held):
            return False
    return bool(completed(shifted))


def _form(chain: Chain, slopes: Slopes, multipliers: tuple[Tensor, ...], square: float) -> tuple[Tensor, Tensor]:
    """The matrix of the form of ``lipschitz.semidefinite`` with multipliers 2 L m, and for every entry what rounding may have added."""
    sizes = chain.sizes[:-1]
    starts = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
    form = torch.zeros(starts[-1], starts[-1], dtype=torch.float64)
    error = torch.zeros_like(form)
    at = [slice(first, last) for first, last in pairwise(starts)]
    form.diagonal()[at[0]] = square
    for index, (stage, multiplier, (low, high)) in enumerate(zip(chain.stages, multipliers, slopes, strict=False)):
        before, here, weight = at[index], at[index + 1], stage.weight
        scaled = square * multiplier  # the multipliers of the form: these doubles, whatever they are
        off = -(scaled * (low + high))[:, None] * weight
        form[here, before] = off
        form[before, here] = off.T
        error[here, before] = (8 * UNIT_ROUNDOFF + 2 * stage.relative_error) * off.abs() + 2.0**-1000
        error[before, here] = error[here, before].T
        form[here, here] += 2 * torch.diag(scaled)
        product = 2 * scaled * low * high
        if bool((product != 0).any()):
            _add(form, error, before, weight, product, stage.relative_error)
    last = chain.stages[-1]
    _add(form, error, at[-1], last.weight, -torch.ones(last.weight.shape[0], dtype=torch.float64), last.relative_error)
    error += 2 * UNIT_ROUNDOFF * len(chain.stages) * form.abs()
    return form, error


def _add(form: Tensor, error: Tensor, at: slice, weight: Tensor, factors: Tensor, relative_error: float) -> None:
    """Add weight' diag(factors) weight to a diagonal block, and its rounding to the error."""
    absolute = weight.abs()
    product = weight.T @ (factors[:, None] * weight)
    form[at, at] += (product + product.T) / 2
    largest = absolute.T @ (factors.abs()[:, None] * absolute)
    relative = gamma(weight.shape[0] + 8) + 3 * relative_error
    error[at, at] += relative * (1 + 2.0**-20) * largest + 4 * UNIT_ROUNDOFF * form[at, at].abs() + 2.0**-1000
