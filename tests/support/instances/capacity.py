"""Instances of the theorems on deletion capacity: the budget is what a real deletion just misses."""

from __future__ import annotations

import numpy

from .newton import newton_deletion
from .shared import Instance, Values, over, under


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
    "utility.output-capacity": output_capacity,
    "utility.capacity": capacity,
}
TIGHT = {
    "utility.output-capacity": 0.99,
    "utility.capacity": 0.95,
}
