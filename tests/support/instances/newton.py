"""Instances of the theorems on Newton steps and self-concordance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from .distance import deletion
from .losses import random_softmax
from .shared import Instance, Ridge, Values, norm, over, random_row, ridge, under


def after_step(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-3, 0)
    gradient, hessian = problem.gradient(w), problem.hessian(w)
    step = -numpy.linalg.solve(hessian, gradient) * (1 + generator.choice([0, 0.1]) * generator.normal(size=problem.dimension))
    end = w + step - best
    return {
        "linear_residual": over(generator, norm(gradient + hessian @ step)), "previous_distance": over(generator, norm(w - best)),
        "hessian_lipschitz": over(generator, problem.hessian_lipschitz()), "strong_convexity": under(generator, problem.l2),
        "d": norm(end), "e": norm(w - best), "inner": float(end @ hessian @ end), "h": norm(hessian @ end),
        "q": norm(gradient + hessian @ step), "r": norm(-gradient - hessian @ (best - w)),
        "step": over(generator, norm(step)), "s": norm(step),
    }  # fmt: skip


def corrected(generator: numpy.random.Generator) -> Values:
    return {name: value for name, value in after_step(generator).items() if name not in {"inner", "h", "q", "r"}}


def settled(generator: numpy.random.Generator) -> Values:
    while True:
        values = after_step(generator)
        if values["hessian_lipschitz"] * values["previous_distance"] < 2 * values["strong_convexity"]:
            return values


@dataclass
class Deletion:
    """What is measured of a deletion and of one exact Newton step on the retained objective."""

    count: int
    deleted: int
    gradient: float
    l2: float
    hessian_lipschitz: float
    residual: float
    moved: float
    landed: float


def logistic_deletion(problem: Ridge, kept: Ridge, before: numpy.ndarray, after: numpy.ndarray, deleted: int) -> Deletion:
    greatest = float(numpy.linalg.norm(problem.record_gradients(before)[:deleted], axis=1).max())
    landed = before - numpy.linalg.solve(kept.hessian(before), kept.gradient(before))
    return Deletion(
        problem.count, deleted, greatest, problem.l2, kept.hessian_lipschitz(), norm(kept.gradient(before)),
        norm(before - after), norm(landed - after),
    )  # fmt: skip


def extreme_logistic(generator: numpy.random.Generator) -> Deletion:
    """One parameter, equal deleted rows and equal retained rows: among logistic losses these come nearest to the bound, some 0.3.

    A row far out on which the third derivative is greatest needs w of the order 1/R, and a ridge that lets w so far out is
    no longer large beside the curvature of that row, which the strong convexity does not count.
    """
    count = int(generator.integers(5, 30))
    deleted = int(generator.integers(1, count - 1))
    kept_row, row, l2 = 10 ** generator.uniform(-0.5, 0), 10 ** generator.uniform(0, 0.5), 10 ** generator.uniform(-0.7, 0)
    features = numpy.array([[row]] * deleted + [[kept_row]] * (count - deleted))
    problem = Ridge(features, numpy.ones(count), l2)
    kept = Ridge(features[deleted:], numpy.ones(count - deleted), l2)
    return logistic_deletion(problem, kept, problem.minimiser(), kept.minimiser(), deleted)


def ramp(generator: numpy.random.Generator) -> Deletion:
    """Retained records mu w²/2 + M max(w, 0)³/6, deleted ones mu w²/2 - b w: the curvature grows at the rate M all the way."""
    count = int(generator.integers(3, 30))
    deleted = int(generator.integers(1, count - 1))
    mu, third, moved = 10 ** generator.uniform(-2, 1, size=3)
    third *= mu / moved * 10 ** generator.uniform(-2, 0)  # M e/mu decides how near the bound comes
    slope = mu * moved + third * moved**2 / 2
    landed = moved - slope / (mu + third * moved)
    return Deletion(count, deleted, (count - deleted) / deleted * slope, mu, third, slope, moved, landed)


def newton_deletion(generator: numpy.random.Generator) -> Deletion:
    kind = generator.random()
    if kind < 0.4:
        return logistic_deletion(*deletion(generator))
    return extreme_logistic(generator) if kind < 0.7 else ramp(generator)


def one_step(generator: numpy.random.Generator) -> Values:
    found = newton_deletion(generator)
    return {
        "n": found.count, "m": found.deleted, "lipschitz": over(generator, found.gradient), "strong_convexity": under(generator, found.l2),
        "hessian_lipschitz": over(generator, found.hessian_lipschitz), "e": found.moved, "d": found.landed,
    }  # fmt: skip


def self_concordant(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-3, 0)
    gradient, hessian, convexity = problem.gradient(w), problem.hessian(w), under(generator, problem.l2)
    step = -numpy.linalg.solve(hessian, gradient) * (1 + generator.choice([0, 0.1]) * generator.normal(size=problem.dimension))
    nodes, weights = numpy.polynomial.legendre.leggauss(60)
    mean = sum(weight / 2 * problem.hessian(w + (node + 1) / 2 * (best - w)) for node, weight in zip(nodes, weights, strict=True))
    root = numpy.linalg.cholesky(hessian)
    relative = numpy.linalg.eigvalsh(root.T @ numpy.linalg.solve(mean, root))
    rest, energy = gradient + hessian @ step, float((step @ hessian @ step / convexity) ** 0.5)
    return {
        "step": over(generator, norm(step)), "linear_residual": over(generator, norm(rest)), "previous_distance": over(generator, norm(w - best)),
        "self_concordance": over(generator, float(numpy.linalg.norm(problem.features, axis=1).max())), "energy_step": over(generator, energy),
        "strong_convexity": convexity, "e": norm(w - best), "s": norm(step), "d": norm(numpy.linalg.solve(mean, hessian @ step) - step),
        "r": norm(numpy.linalg.solve(mean, rest)), "q": norm(rest), "k": float(numpy.abs(relative - 1).max()), "h": energy,
    }  # fmt: skip


def logistic_self_concordance(generator: numpy.random.Generator) -> Values:
    row, unit, size = random_row(generator)
    s, x = float(generator.beta(0.5, 0.5)), float(row @ unit)
    return {"row_norm": over(generator, size), "t": (1 - 2 * s) * x, "s": s, "x": x}


def softmax_self_concordance(generator: numpy.random.Generator) -> Values:
    p, v, size = random_softmax(generator)
    u = generator.normal(size=p.size)
    centred = u - p @ u
    return {
        "row_norm": over(generator, size), "t": float(p @ (centred**2 * (v - p @ v)) / (p @ centred**2)),
        "a": float(v.min()), "b": float(v.max()), "w": norm(v),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "newton.after-step": after_step,
    "newton.corrected-residual": corrected,
    "newton.settled-residual": settled,
    "newton.one-step": one_step,
    "logistic.self-concordance": logistic_self_concordance,
    "softmax.self-concordance": softmax_self_concordance,
    "newton.self-concordant-residual": self_concordant,
}
TIGHT = {
    "newton.after-step": 0.9,
    "newton.corrected-residual": 0.95,
    "newton.settled-residual": 0.95,
    "newton.one-step": 0.9,
    "newton.self-concordant-residual": 0.95,
    "logistic.self-concordance": 0.95,
    "softmax.self-concordance": 0.99,
}
