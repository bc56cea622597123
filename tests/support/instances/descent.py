"""Instances of the theorems on gradient descent: quadratics of any signature, and ridge-logistic problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy

from .shared import Instance, Values, norm, over, ridge, under


@dataclass(frozen=True)
class Objective:
    """An objective, its gradient, a Lipschitz constant of that and a constant of strong convexity; a direction of the most curvature."""

    value: Callable[[numpy.ndarray], float]
    gradient: Callable[[numpy.ndarray], numpy.ndarray]
    smoothness: float
    strong_convexity: float
    best: numpy.ndarray
    steepest: numpy.ndarray
    flattest: numpy.ndarray

    def step(self, w: numpy.ndarray, step_size: float) -> numpy.ndarray:
        return w - step_size * self.gradient(w)


def quadratic(generator: numpy.random.Generator, least: float) -> Objective:
    """(w - c)'H(w - c)/2 with the eigenvalues of H between ``least`` and 1, both attained, times a random scale."""
    dimension, scale = int(generator.integers(1, 6)), 10 ** generator.uniform(-1, 1)
    basis = numpy.linalg.qr(generator.normal(size=(dimension, dimension)))[0]
    values = scale * generator.uniform(least, 1, size=dimension)
    values[0], values[-1] = least * scale, scale
    hessian, centre = (basis * values) @ basis.T, generator.normal(size=dimension)
    return Objective(
        lambda w: float((w - centre) @ hessian @ (w - centre) / 2), lambda w: hessian @ (w - centre),
        scale * max(1.0, -least), float(values.min()), centre, basis[:, -1], basis[:, 0],
    )  # fmt: skip


def logistic(generator: numpy.random.Generator) -> Objective:
    problem = ridge(generator)
    curvature = float(numpy.linalg.norm(problem.features, 2) ** 2) / (4 * problem.count)
    right = numpy.linalg.svd(problem.features)[2]
    return Objective(
        problem.value, problem.gradient, curvature + problem.l2, problem.l2, problem.minimiser(), right[0], right[-1]
    )  # fmt: skip


def convex(generator: numpy.random.Generator) -> Objective:
    return logistic(generator) if generator.random() < 0.3 else quadratic(generator, generator.choice([0.0, 0.1, 1.0]))


def start(generator: numpy.random.Generator, problem: Objective) -> numpy.ndarray:
    """A point from which the gradient is random, or one of the steepest or flattest."""
    away = [generator.normal(size=problem.best.size), problem.steepest, problem.flattest][generator.integers(3)]
    return problem.best + away * 10 ** generator.uniform(-1, 1)


def descent_step(generator: numpy.random.Generator) -> Values:
    problem = quadratic(generator, -1.0) if generator.random() < 0.3 else convex(generator)
    w, step_size = start(generator, problem), generator.uniform(0, 1.3) / problem.smoothness
    g = norm(problem.gradient(w))
    return {
        "gradient": under(generator, g), "step_size": step_size, "smoothness": over(generator, problem.smoothness),
        "v": problem.value(w) - problem.value(problem.step(w, step_size)), "g": g,
    }  # fmt: skip


def gradient_norm(generator: numpy.random.Generator) -> Values:
    problem = convex(generator)
    w, smoothness = start(generator, problem), over(generator, problem.smoothness)
    value = problem.value(w)
    return {
        "gap": over(generator, max(0.0, value - problem.value(problem.best))), "smoothness": smoothness, "g": norm(problem.gradient(w)),
        "v": value - problem.value(problem.step(w, 1 / smoothness)), "s": 1 / smoothness,
    }  # fmt: skip


def least_gradient(generator: numpy.random.Generator) -> Values:
    """A run; the values in the middle are those of one of its steps, drawn at random."""
    problem, count = convex(generator), int(generator.integers(1, 9))
    step_size = 10 ** generator.uniform(-4, 0) / problem.smoothness
    run = [start(generator, problem)]
    for _ in range(count):
        run.append(problem.step(run[-1], step_size))
    values, t = [problem.value(w) for w in run], int(generator.integers(count))
    end = values[-1] if generator.random() < 0.5 else problem.value(problem.best)
    return {
        "gap": over(generator, max(0.0, values[0] - end)), "steps": count, "rate": under(generator, step_size * (1 - problem.smoothness * step_size / 2)),
        "g": min(norm(problem.gradient(w)) for w in run[:-1]),
        "f": values[t], "f_next": values[t + 1], "f_first": values[0], "f_last": values[-1],
        "k": t, "k_next": t + 1, "k_first": 0, "k_last": count,
    }  # fmt: skip


def contraction(generator: numpy.random.Generator) -> Values:
    problem = convex(generator)
    x, away = start(generator, problem), start(generator, problem) - problem.best
    step_size, y = generator.uniform(0, 3) / problem.smoothness, x + away
    slopes = problem.gradient(x) - problem.gradient(y)
    d, h = norm(x - y), norm(problem.step(x, step_size) - problem.step(y, step_size))
    return {
        "step_size": step_size, "strong_convexity": under(generator, problem.strong_convexity), "smoothness": over(generator, problem.smoothness),
        "v": h / d, "d": d, "h": h, "g": norm(slopes), "inner": float(slopes @ (x - y)),
    }  # fmt: skip


def convergence(generator: numpy.random.Generator) -> Values:
    problem, count = convex(generator), int(generator.integers(1, 9))
    step_size, w = generator.uniform(0, 2.2) / problem.smoothness, start(generator, problem)
    factor = max(1 - step_size * problem.strong_convexity, step_size * problem.smoothness - 1)
    distances = [norm(w - problem.best)]
    for _ in range(count):
        w = problem.step(w, step_size)
        distances.append(norm(w - problem.best))
    contraction, t = over(generator, factor), int(generator.integers(count))
    return {
        "distance": over(generator, distances[0]), "contraction": contraction, "power": over(generator, contraction**count),
        "z": distances[t], "z_next": distances[t + 1], "z_first": distances[0], "z_last": distances[-1],
        "p": contraction**t, "p_next": contraction ** (t + 1), "p_first": 1, "p_last": contraction**count,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "descent.step": descent_step,
    "descent.gradient-norm": gradient_norm,
    "descent.least-gradient": least_gradient,
    "descent.contraction": contraction,
    "descent.convergence": convergence,
}
TIGHT = {
    "descent.step": 0.999,
    "descent.gradient-norm": 0.999,
    "descent.least-gradient": 0.99,
    "descent.contraction": 0.9999,
    "descent.convergence": 0.9999,
}
