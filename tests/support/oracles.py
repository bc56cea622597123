"""Independent truths for tests: minimisers to forty digits, by refinement in ball arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from flint import arb, arb_mat, ctx

from certify.newton import hessian_solve
from certify.objectives import LinearObjective

BITS = 220


@dataclass(frozen=True)
class Minimiser:
    """The point, as balls, and a proved bound on its own distance to the true minimiser."""

    point: list[arb]
    error: float

    def distance(self, parameters: torch.Tensor) -> float:
        """The distance from ``parameters``, as a number that is too small by no more than one part in 10^14."""
        previous, ctx.prec = ctx.prec, BITS
        try:
            squares = arb(0)
            for value, truth in zip(parameters.reshape(-1).tolist(), self.point, strict=True):
                squares += (arb(value) - truth) ** 2
            return float((squares.sqrt() - self.error).lower())
        finally:
            ctx.prec = previous


def true_minimiser(objective: LinearObjective, start: torch.Tensor | None = None) -> Minimiser:
    """The minimiser of ``objective`` by Newton refinement: the gradient in balls, the step in float64.

    Written apart from the library: own predictors, own losses, and the bound |g|/l2 at the end.
    """
    alone = objective.compact()
    point = torch.zeros(alone.dimension, dtype=torch.float64) if start is None else start.reshape(-1).clone()
    solve = None
    previous, ctx.prec = ctx.prec, BITS
    try:
        rows = [list(map(arb, row)) for row in alone.features.double().tolist()]
        if alone.intercept:
            rows = [[*row, arb(1)] for row in rows]
        design, shape = arb_mat(rows), (alone.outputs, alone.design.columns)
        balls = [arb(value) for value in point.tolist()]
        for _ in range(80):
            weights = arb_mat([balls[i * shape[1] : (i + 1) * shape[1]] for i in range(shape[0])])
            gradient = _gradient(alone, design, weights)
            size = _norm(gradient)
            if size < 1e-38:
                return Minimiser(balls, float((arb(size) / arb(alone.l2)).upper()))
            here = torch.tensor([float(value.mid()) for value in balls], dtype=torch.float64)
            if solve is None or size > 1e-6:
                solve = hessian_solve(alone, here)
            step = solve(torch.tensor([float(value.mid()) for value in gradient], dtype=torch.float64) / size)
            length = 1.0 if size < 1e-3 else min(1.0, _damping(alone, here, step * size))
            balls = [
                arb((value - arb(length * size) * arb(move)).mid()) for value, move in zip(balls, step.tolist(), strict=True)
            ]
        raise AssertionError("the oracle did not converge")
    finally:
        ctx.prec = previous


def _damping(objective: LinearObjective, here: torch.Tensor, step: torch.Tensor) -> float:
    length, value = 1.0, objective.value(here)
    while objective.value(here - length * step) > value and length > 1e-6:
        length /= 2
    return length


def _gradient(objective: LinearObjective, design: arb_mat, weights: arb_mat) -> list[arb]:
    predictors = (design * weights.transpose()).tolist()
    labels = objective.labels.tolist()
    if objective.kind == "ridge":
        losses = [[z[0] - arb(y)] for z, y in zip(predictors, labels, strict=True)]
    elif objective.kind == "logistic":
        losses = [[1 / (1 + (-z[0]).exp()) - (1 if y > 0 else 0)] for z, y in zip(predictors, labels, strict=True)]
    else:
        losses = []
        for z, y in zip(predictors, labels, strict=True):
            exponentials = [value.exp() for value in z]
            total = sum(exponentials, arb(0))
            losses.append([value / total - (1 if k == y else 0) for k, value in enumerate(exponentials)])
    gradient = arb_mat(losses).transpose() * design * (1 / arb(len(labels))) + weights * arb(objective.l2)
    return [value for row in gradient.tolist() for value in row]


def _norm(vector: list[arb]) -> float:
    total = arb(0)
    for value in vector:
        total += value * value
    return float(total.sqrt().upper())
