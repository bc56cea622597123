"""Instances of the theorems on Laplace-type noise: outcomes in space, and radial integrals by quadrature."""

from __future__ import annotations

import numpy
from scipy.integrate import quad

from .shared import Instance, Values, norm, over, under


def pure(generator: numpy.random.Generator) -> Values:
    """The log-ratio at outcomes around the two means, and at the first mean itself."""
    dimension, s = int(generator.integers(1, 6)), 10 ** generator.uniform(-2, 2)
    first, second = generator.normal(size=(2, dimension)) * 10 ** generator.uniform(-2, 2)
    outcomes = [first + norm(first - second) * generator.normal(size=dimension) for _ in range(40)]
    if generator.random() < 0.7:
        outcomes.append(first)
    ratios = [(norm(x - second) - norm(x - first)) / s for x in outcomes]
    best = outcomes[int(numpy.argmax(ratios))]
    v, d = max(0.0, *ratios), norm(first - second)
    near, far = (norm(best - first), norm(best - second)) if v > 0 else (0.0, d)
    return {"sensitivity": over(generator, d), "scale": under(generator, s), "v": v, "s": s, "d": d, "near": near, "far": far}


def _radial(n: int, s: float, weight: float, power: int, start: float = 0) -> float:
    """The integral of r^power exp(-weight r/s) r^(n - 1) from ``start``."""
    end = start + 60 * (n + power) * s / weight
    return float(
        quad(lambda r: r ** (n - 1 + power) * numpy.exp(-weight * r / s), start, end, epsabs=0, epsrel=1e-12, limit=400)[0]
    )


def radius(generator: numpy.random.Generator) -> Values:
    n, s = int(generator.integers(1, 8)), 10 ** generator.uniform(-0.5, 0.5)
    whole, next_moment = _radial(n, s, 1, 0), _radial(n, s, 1, 1)
    return {
        "dimension": n + int(generator.choice([0, 0, 2])), "scale": over(generator, s), "v": next_moment / whole, "s": s,
        "whole": whole, "next_moment": next_moment,
    }  # fmt: skip


def tail(generator: numpy.random.Generator) -> Values:
    n, s = int(generator.integers(1, 8)), 10 ** generator.uniform(-0.5, 0.5)
    there = n * s * float(generator.choice([1.01, generator.uniform(1.01, 4)]))
    tilt = there / (n * s) - 1 if generator.random() < 0.7 else float(generator.uniform(0.05, 2))
    whole = _radial(n, s, 1, 0)
    return {
        "dimension": n + int(generator.choice([0, 0, 2])), "scale": over(generator, s), "radius": under(generator, there), "tilt": tilt,
        "p": _radial(n, s, 1, 0, there) / whole, "m": _radial(n, s, 1 / (1 + tilt), 0) / whole,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {"laplace.pure": pure, "laplace.radius": radius, "laplace.tail": tail}
TIGHT = {"laplace.pure": 0.9999, "laplace.radius": 0.9999, "laplace.tail": 0.4}
