"""Instances of the theorems on utility."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, norm, over, under


def excess_risk(generator: numpy.random.Generator) -> Values:
    dimension = int(generator.integers(1, 6))
    root = generator.normal(size=(dimension, dimension))
    hessian = root @ root.T
    shift, s = generator.normal(size=dimension), 10 ** generator.uniform(-1, 1)
    smoothness = float(numpy.linalg.eigvalsh(hessian)[-1])
    return {
        "smoothness": over(generator, smoothness), "distance": over(generator, norm(shift)), "dimension": dimension, "sigma": over(generator, s),
        "f": float(shift @ hessian @ shift / 2 + s**2 * numpy.trace(hessian) / 2), "square": norm(shift) ** 2 + dimension * s**2,
        "e": norm(shift), "s": s,
    }  # fmt: skip


def in_a_ball(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Hessian and centre of (w - c)'H(w - c)/2, and its minimiser over the ball of radius one, by bisection on the multiplier."""
    dimension = int(generator.integers(1, 6))
    root = generator.normal(size=(dimension, dimension))
    hessian = root @ root.T + 0.1 * numpy.eye(dimension)
    centre = generator.normal(size=dimension) * 10 ** generator.uniform(-0.5, 1)
    if norm(centre) <= 1:
        return hessian, centre, centre
    low, high = 0.0, norm(hessian @ centre) + 1
    for _ in range(200):
        middle = (low + high) / 2
        best = numpy.linalg.solve(hessian + middle * numpy.eye(dimension), hessian @ centre)
        low, high = (middle, high) if norm(best) > 1 else (low, middle)
    return hessian, centre, best


def excess_risk_constrained(generator: numpy.random.Generator) -> Values:
    hessian, centre, best = in_a_ball(generator)
    slope, s = hessian @ (best - centre), 10 ** generator.uniform(-2, 0)
    shift = generator.normal(size=best.size) * 10 ** generator.uniform(-3, 0)
    if generator.random() < 0.5 and slope.any():
        shift = slope / norm(slope) * norm(shift)  # into the ball, against the constraint
    tilt = float(slope @ shift)
    return {
        "smoothness": over(generator, float(numpy.linalg.eigvalsh(hessian)[-1])), "distance": over(generator, norm(shift)),
        "dimension": best.size, "sigma": over(generator, s), "gradient": over(generator, norm(slope)),
        "f": tilt + float(shift @ hessian @ shift / 2 + s**2 * numpy.trace(hessian) / 2), "square": norm(shift) ** 2 + best.size * s**2,
        "e": norm(shift), "s": s, "tilt": tilt, "slope": norm(slope),
    }  # fmt: skip


def excess_risk_projected(generator: numpy.random.Generator) -> Values:
    """Expectations over the noise are means over a sample of it, drawn twice with both signs so that it is centred, and scaled to its variance."""
    hessian, centre, best = in_a_ball(generator)
    slope, s = hessian @ (best - centre), 10 ** generator.uniform(-3, 0)
    inside = best * (1 - 10 ** generator.uniform(-3, 0)) if norm(best) else best
    half = generator.normal(size=(500, best.size)) * s
    half *= (best.size * s**2 / (half**2).sum(axis=1).mean()) ** 0.5
    release = inside + numpy.concatenate([half, -half])
    release /= numpy.maximum(numpy.linalg.norm(release, axis=1), 1)[:, None]

    def value(w: numpy.ndarray) -> numpy.ndarray:
        return ((w - centre) @ hessian * (w - centre)).sum(axis=-1) / 2

    lengths = numpy.linalg.norm(release - best, axis=1)
    return {
        "smoothness": over(generator, float(numpy.linalg.eigvalsh(hessian)[-1])), "distance": over(generator, norm(inside - best)),
        "dimension": best.size, "sigma": over(generator, s), "gradient": over(generator, norm(slope)),
        "f": float((value(release) - value(best)).mean()), "square": float((lengths**2).mean()), "mean": float(lengths.mean()),
        "e": norm(inside - best), "s": s, "tilt": float(((release - best) @ slope).mean()), "slope": norm(slope),
    }  # fmt: skip


def distance_budget(generator: numpy.random.Generator) -> Values:
    mu = 10 ** generator.uniform(-2, 1)
    dimension = int(generator.integers(1, 6))
    root = generator.normal(size=(dimension, dimension))
    hessian = root @ root.T if generator.random() < 0.5 else numpy.eye(dimension) * 10 ** generator.uniform(-1, 1)
    shift = generator.normal(size=dimension) * 10 ** generator.uniform(-2, 1)
    s = norm(shift) / mu
    f = float(shift @ hessian @ shift / 2 + s**2 * numpy.trace(hessian) / 2)
    return {
        "smoothness": over(generator, float(numpy.linalg.eigvalsh(hessian)[-1])), "dimension": dimension, "mu": under(generator, mu),
        "excess": under(generator, f), "f": f, "e": norm(shift), "s": s,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "utility.excess-risk": excess_risk,
    "utility.excess-risk-constrained": excess_risk_constrained,
    "utility.excess-risk-projected": excess_risk_projected,
    "utility.distance-budget": distance_budget,
}
TIGHT = {
    "utility.excess-risk": 0.9,
    "utility.excess-risk-constrained": 0.95,
    "utility.excess-risk-projected": 0.8,
    "utility.distance-budget": 0.99,
}
