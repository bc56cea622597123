"""Instances of the theorems on utility."""

from __future__ import annotations

import numpy

from .newton import newton_deletion
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


def excess_risk_constrained(generator: numpy.random.Generator) -> Values:
    """A quadratic (w - c)'H(w - c)/2 over the ball of radius one, its minimiser there by bisection on the multiplier."""
    dimension = int(generator.integers(1, 6))
    root = generator.normal(size=(dimension, dimension))
    hessian = root @ root.T + 0.1 * numpy.eye(dimension)
    centre = generator.normal(size=dimension) * 10 ** generator.uniform(-0.5, 1)
    low, high = 0.0, float(numpy.linalg.norm(hessian @ centre)) + 1.0
    best = centre
    if norm(centre) > 1:
        for _ in range(200):
            middle = (low + high) / 2
            best = numpy.linalg.solve(hessian + middle * numpy.eye(dimension), hessian @ centre)
            low, high = (middle, high) if norm(best) > 1 else (low, middle)
    slope, s = hessian @ (best - centre), 10 ** generator.uniform(-2, 0)
    inward = -slope if generator.random() < 0.5 else best
    shift = generator.normal(size=dimension) * 10 ** generator.uniform(-3, 0) - generator.choice([0, 1]) * inward * 0.1
    shift = shift if generator.random() < 0.5 or not slope.any() else slope / norm(slope) * norm(shift)
    tilt = float(slope @ shift)
    return {
        "smoothness": over(generator, float(numpy.linalg.eigvalsh(hessian)[-1])), "distance": over(generator, norm(shift)),
        "dimension": dimension, "sigma": over(generator, s), "gradient": over(generator, norm(slope)),
        "f": tilt + float(shift @ hessian @ shift / 2 + s**2 * numpy.trace(hessian) / 2), "square": norm(shift) ** 2 + dimension * s**2,
        "e": norm(shift), "s": s, "tilt": tilt, "slope": norm(slope),
    }  # fmt: skip


def output_capacity(generator: numpy.random.Generator) -> Values:
    found = newton_deletion(generator)
    return {
        "n": found.count, "m": found.deleted, "lipschitz": over(generator, found.gradient), "strong_convexity": under(generator, found.l2),
        "budget": under(generator, found.moved), "g": found.residual, "e": found.moved,
    }  # fmt: skip


def capacity(generator: numpy.random.Generator) -> Values:
    found = newton_deletion(generator)
    return {
        "n": found.count, "m": found.deleted, "lipschitz": over(generator, found.gradient), "strong_convexity": under(generator, found.l2),
        "hessian_lipschitz": over(generator, found.hessian_lipschitz), "budget": under(generator, found.landed),
        "g": found.residual, "e": found.moved, "d": found.landed,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "utility.excess-risk": excess_risk,
    "utility.excess-risk-constrained": excess_risk_constrained,
    "utility.output-capacity": output_capacity,
    "utility.capacity": capacity,
}
TIGHT = {
    "utility.excess-risk": 0.9,
}
