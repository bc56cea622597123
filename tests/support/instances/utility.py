"""Instances of the theorems on utility."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, norm, over


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


INSTANCES: dict[str, Instance] = {
    "utility.excess-risk": excess_risk,
}
TIGHT = {
    "utility.excess-risk": 0.9,
}
