"""Instances of the theorems on distances to minimisers."""

from __future__ import annotations

import numpy

from .shared import Instance, Ridge, Values, norm, over, ridge, under


def output_residual(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 1)
    gradient = problem.gradient(w)
    return {
        "residual": over(generator, norm(gradient)), "strong_convexity": under(generator, problem.l2),
        "e": norm(w - best), "g": norm(gradient), "inner": float(gradient @ (w - best)),
    }  # fmt: skip


def deletion(generator: numpy.random.Generator) -> tuple[Ridge, Ridge, numpy.ndarray, numpy.ndarray, int]:
    problem = ridge(generator)
    deleted = int(generator.integers(1, problem.count - 1))
    kept = Ridge(problem.features[deleted:], problem.labels[deleted:], problem.l2)
    return problem, kept, problem.minimiser(), kept.minimiser(), deleted


def output_worst_case(generator: numpy.random.Generator) -> Values:
    problem, kept, before, after, deleted = deletion(generator)
    greatest = numpy.linalg.norm(problem.record_gradients(before)[:deleted], axis=1).max()
    return {
        "n": problem.count, "m": deleted, "lipschitz": over(generator, greatest), "strong_convexity": under(generator, problem.l2),
        "e": norm(before - after), "g": norm(kept.gradient(before)),
    }  # fmt: skip


def output_worst_case_constrained(generator: numpy.random.Generator) -> Values:
    """Records mu |w|²/2 - b.w over the ball of radius one: the minimiser is the projection of (mean b)/mu."""
    count, dimension, mu = int(generator.integers(3, 30)), int(generator.integers(1, 5)), 10 ** generator.uniform(-2, 1)
    deleted = int(generator.integers(1, count - 1))
    slopes = generator.normal(size=(count, dimension)) * mu * 10 ** generator.uniform(-1, 1)
    if generator.random() < 0.5:  # equal records on either side of the deletion
        slopes = numpy.where(numpy.arange(count)[:, None] < deleted, slopes[0], slopes[-1])
    before, after = (point / max(1.0, norm(point)) for point in (slopes.mean(axis=0) / mu, slopes[deleted:].mean(axis=0) / mu))
    gradients, way = mu * before - slopes, after - before
    return {
        "n": count, "m": deleted, "lipschitz": over(generator, float(numpy.linalg.norm(gradients[:deleted], axis=1).max())),
        "strong_convexity": under(generator, mu), "e": norm(way), "u": -float(gradients[deleted:].mean(axis=0) @ way),
        "c": float(gradients.sum(axis=0) @ way), "s": float(gradients[:deleted].sum(axis=0) @ way),
    }  # fmt: skip


def comparator(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w, other = (best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 0) for _ in range(2))
    return {
        "distance": over(generator, norm(w - best)), "tolerance": over(generator, norm(problem.gradient(other))),
        "strong_convexity": under(generator, problem.l2), "v": norm(w - other), "e": norm(w - best), "c": norm(other - best),
    }  # fmt: skip


def detour(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    near = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 0)
    w = (
        near
        + (near - best) * 10 ** generator.uniform(-2, 2)
        + generator.choice([0, 1]) * generator.normal(size=problem.dimension)
    )
    return {
        "step": over(generator, norm(w - near)), "distance": over(generator, norm(near - best)),
        "e": norm(w - best), "s": norm(w - near), "c": norm(near - best),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "output.residual": output_residual,
    "output.worst-case": output_worst_case,
    "output.worst-case-constrained": output_worst_case_constrained,
    "distance.comparator": comparator,
    "distance.detour": detour,
}
TIGHT = {
    "output.residual": 0.9,
    "output.worst-case": 0.9,
    "output.worst-case-constrained": 0.99,
    "distance.comparator": 0.8,
    "distance.detour": 0.99,
}
