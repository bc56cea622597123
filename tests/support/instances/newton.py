"""Instances of the theorems on Newton steps and self-concordance."""

from __future__ import annotations

import numpy

from .distance import deletion
from .losses import random_softmax
from .shared import Instance, Values, norm, over, random_row, ridge, under


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


def one_step(generator: numpy.random.Generator) -> Values:
    problem, kept, before, after, deleted = deletion(generator)
    greatest = numpy.linalg.norm(problem.record_gradients(before)[:deleted], axis=1).max()
    landed = before - numpy.linalg.solve(kept.hessian(before), kept.gradient(before))
    return {
        "n": problem.count, "m": deleted, "lipschitz": over(generator, greatest), "strong_convexity": under(generator, problem.l2),
        "hessian_lipschitz": over(generator, kept.hessian_lipschitz()), "e": norm(before - after), "d": norm(landed - after),
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
    "newton.one-step": one_step,
    "logistic.self-concordance": logistic_self_concordance,
    "softmax.self-concordance": softmax_self_concordance,
    "newton.self-concordant-residual": self_concordant,
}
TIGHT = {
    "newton.corrected-residual": 0.95,
}
