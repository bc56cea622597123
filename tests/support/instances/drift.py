"""Instances of the theorems on drift: pairs of runs of gradient descent, on all records and on those that are retained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy

from .descent import Objective, convex, quadratic
from .distance import deletion
from .shared import Instance, Values, norm, over

Gradient = Callable[[numpy.ndarray], numpy.ndarray]


@dataclass(frozen=True)
class Pair:
    """The objective over the retained records, the gradient of that over all records, and a point to start from."""

    retained: Objective
    everything: Gradient
    start: numpy.ndarray


def deleted_records(generator: numpy.random.Generator) -> Pair:
    """Ridge-logistic losses over all records and without some of them."""
    problem, kept, _, best, _ = deletion(generator)
    smoothness = float(numpy.linalg.norm(kept.features, 2) ** 2) / (4 * kept.count) + kept.l2
    directions = numpy.eye(kept.dimension)
    retained = Objective(kept.value, kept.gradient, smoothness, kept.l2, best, directions[0], directions[-1])
    return Pair(retained, problem.gradient, generator.normal(size=kept.dimension))


def tilted(retained: Objective, along: numpy.ndarray, generator: numpy.random.Generator) -> Pair:
    """The objective over all records is that over the retained plus a linear function: the bias is the same everywhere."""
    slope = along * 10 ** generator.uniform(-1, 1)
    return Pair(retained, lambda w: retained.gradient(w) + slope, generator.normal(size=along.size))


def convex_pair(generator: numpy.random.Generator) -> Pair:
    if generator.random() < 0.4:
        return deleted_records(generator)
    retained = convex(generator)
    return tilted(retained, retained.flattest, generator)


def any_pair(generator: numpy.random.Generator) -> Pair:
    if generator.random() < 0.4:
        return convex_pair(generator)
    retained = quadratic(generator, -1.0)  # a saddle: the runs are driven apart along the direction of negative curvature
    return tilted(retained, retained.flattest, generator)


def moved(pair: Pair, x: numpy.ndarray, y: numpy.ndarray, step_size: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """One step of both runs: x on the retained records, y on all."""
    return x - step_size * pair.retained.gradient(x), y - step_size * pair.everything(y)


def bias_at(pair: Pair, y: numpy.ndarray) -> float:
    return norm(pair.everything(y) - pair.retained.gradient(y))


@dataclass(frozen=True)
class Runs:
    """Two runs from one start: their distances, the greatest bias on the way, the step size and a step drawn at random."""

    distances: list[float]
    bias: float
    step_size: float
    t: int

    def named(self, name: str, sequence: list[float]) -> Values:
        """The four values of a sequence that a proof speaks of."""
        return {
            name: sequence[self.t],
            f"{name}_next": sequence[self.t + 1],
            f"{name}_first": sequence[0],
            f"{name}_last": sequence[-1],
        }


def runs(generator: numpy.random.Generator, pair: Pair, step_size: float) -> Runs:
    count = int(generator.integers(1, 12))
    x = y = pair.start
    distances, bias = [0.0], 0.0
    for _ in range(count):
        bias = max(bias, bias_at(pair, y))
        x, y = moved(pair, x, y, step_size)
        distances.append(norm(x - y))
    return Runs(distances, bias, step_size, int(generator.integers(count)))


def powers(base: float, count: int) -> list[float]:
    return [base**t for t in range(count)]


def deletion_bias(generator: numpy.random.Generator) -> Values:
    """Gradients of records: at random, or all deleted ones opposite to all retained ones."""
    n = int(generator.integers(2, 12))
    m, dimension = int(generator.integers(1, n)), int(generator.integers(1, 5))
    gradients = generator.normal(size=(n, dimension))
    if generator.random() < 0.5:
        gradients = numpy.outer(numpy.where(numpy.arange(n) < m, 1.0, -1.0), gradients[0])
    shared = generator.normal(size=dimension)  # a term of every record, as a ridge is, and no part of the Lipschitz constant
    difference = (gradients + shared).mean(axis=0) - (gradients[m:] + shared).mean(axis=0)
    return {
        "n": n, "m": m, "lipschitz": over(generator, float(numpy.linalg.norm(gradients, axis=1).max())), "b": norm(difference),
        "u": norm(gradients[:m].mean(axis=0)), "r": norm(gradients[m:].mean(axis=0)),
    }  # fmt: skip


def one_step(generator: numpy.random.Generator) -> Values:
    pair = any_pair(generator)
    x, y, step_size = pair.start, generator.normal(size=pair.start.size), generator.uniform(0, 2) / pair.retained.smoothness
    here = y - step_size * pair.retained.gradient(y)
    after, other = moved(pair, x, y, step_size)
    d, h, b = norm(x - y), norm(after - here), bias_at(pair, y)
    return {
        "distance": over(generator, d), "expansion": over(generator, h / d), "step_size": step_size, "bias": over(generator, b),
        "v": norm(after - other), "d": d, "h": h, "b": b,
    }  # fmt: skip


def convex_step(generator: numpy.random.Generator) -> Values:
    pair = convex_pair(generator)
    x, smoothness = pair.start, over(generator, pair.retained.smoothness)
    y = x - pair.retained.flattest * generator.normal() if generator.random() < 0.5 else generator.normal(size=x.size)
    step_size = generator.uniform(0, 2) / smoothness
    slopes = pair.retained.gradient(x) - pair.retained.gradient(y)
    after, other = moved(pair, x, y, step_size)
    return {
        "distance": over(generator, norm(x - y)), "step_size": step_size, "bias": over(generator, bias_at(pair, y)), "smoothness": smoothness,
        "v": norm(after - other), "d": norm(x - y), "h": norm(x - y - step_size * slopes), "g": norm(slopes), "i": float(slopes @ (x - y)),
        "b": step_size * bias_at(pair, y),
    }  # fmt: skip


def convex_drift(generator: numpy.random.Generator) -> Values:
    pair = convex_pair(generator)
    smoothness = over(generator, pair.retained.smoothness)
    both = runs(generator, pair, generator.uniform(0, 2) / smoothness)
    count = len(both.distances) - 1
    return {
        "step_size": both.step_size, "bias": over(generator, both.bias), "smoothness": smoothness, "steps": count,
        **both.named("z", both.distances), **both.named("k", [float(t) for t in range(count + 1)]),
    }  # fmt: skip


def non_convex_drift(generator: numpy.random.Generator) -> Values:
    pair = any_pair(generator)
    smoothness = over(generator, pair.retained.smoothness)
    both = runs(generator, pair, 10 ** generator.uniform(-2, 0) / smoothness)
    power = powers(1 + both.step_size * smoothness, len(both.distances))
    return {
        "step_size": both.step_size, "smoothness": smoothness, "bias": over(generator, both.bias), "growth": over(generator, power[-1] - 1),
        **both.named("z", both.distances), **both.named("p", power),
    }  # fmt: skip


def strongly_convex_drift(generator: numpy.random.Generator) -> Values:
    while (pair := convex_pair(generator)).retained.strong_convexity <= 0:
        pass
    objective = pair.retained
    both = runs(generator, pair, generator.uniform(0, 1.9) / objective.smoothness)
    factor = max(1 - both.step_size * objective.strong_convexity, both.step_size * objective.smoothness - 1)
    contraction = min(over(generator, factor), (1 + factor) / 2)
    power = powers(contraction, len(both.distances))
    return {
        "step_size": both.step_size, "contraction": contraction, "bias": over(generator, both.bias), "decay": over(generator, 1 - power[-1]),
        **both.named("z", both.distances), **both.named("p", power),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "drift.deletion-bias": deletion_bias,
    "drift.one-step": one_step,
    "drift.convex-step": convex_step,
    "drift.convex": convex_drift,
    "drift.non-convex": non_convex_drift,
    "drift.strongly-convex": strongly_convex_drift,
}
TIGHT = {
    "drift.deletion-bias": 0.9999,
    "drift.one-step": 0.99,
    "drift.convex-step": 0.999,
    "drift.convex": 0.999,
    "drift.non-convex": 0.999,
    "drift.strongly-convex": 0.999,
}
