"""Instances of the theorems on Gaussian noise."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, over, under


def gaussian_mu(generator: numpy.random.Generator) -> Values:
    d, s = 10 ** generator.uniform(-3, 3, size=2)
    return {"sensitivity": over(generator, d), "sigma": under(generator, s), "mu": d / s, "d": d, "s": s}


def gaussian_composition(generator: numpy.random.Generator) -> Values:
    a, b = 10 ** generator.uniform(-2, 1, size=2) * generator.choice([0, 1], p=[0.1, 0.9], size=2)
    return {"first": over(generator, a), "second": over(generator, b), "mu": float(numpy.hypot(a, b)), "a": a, "b": b}


def gaussian_profile(generator: numpy.random.Generator) -> Values:
    """delta is measured as the integral of the positive part of the difference of the densities."""
    epsilon, r, sigma = generator.uniform(0, 4), 10 ** generator.uniform(-0.5, 0.8), 10 ** generator.uniform(-2, 2)
    threshold = epsilon / r + r / 2
    x = numpy.linspace(threshold, threshold + 14 + r, 20001)
    excess = numpy.exp(-((x - r) ** 2) / 2) - numpy.exp(epsilon - x**2 / 2)
    delta = float(numpy.trapezoid(excess, x) / numpy.sqrt(2 * numpy.pi))
    return {
        "epsilon": epsilon,
        "sensitivity": r * sigma,
        "sigma": sigma,
        "delta": delta * (1 - 1e-6),
        "r": r,
        "threshold": threshold,
    }


INSTANCES: dict[str, Instance] = {
    "gaussian.profile": gaussian_profile,
    "gaussian.mu": gaussian_mu,
    "gaussian.composition": gaussian_composition,
}
TIGHT = {
    "gaussian.profile": 0.9999,
    "gaussian.mu": 1,
    "gaussian.composition": 1,
}
