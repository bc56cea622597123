"""Instances of the theorems on Gaussian parameters: Gaussian laws in space, and laws on a few atoms with every test tried."""

from __future__ import annotations

import numpy
from scipy.integrate import quad
from scipy.special import ndtri

from .laws import best_event, best_test, law, near, pair, parameter, slack
from .shared import Instance, Values, norm, over


def total_variation(generator: numpy.random.Generator) -> Values:
    if generator.random() < 0.5:
        first, second = pair(generator)
        event = best_event(first, second, 0)
        seen = float(ndtri(first[event].sum()) - ndtri(second[event].sum()))
        r, v = max(parameter(first, second), seen), slack(first, second, 0)
    else:
        r = 10 ** generator.uniform(-2, 0.7)
        v = quad(lambda x: numpy.exp(-((x - r) ** 2) / 2) - numpy.exp(-(x**2) / 2), r / 2, r / 2 + 20, epsabs=1e-14)[0]
        v = float(v / numpy.sqrt(2 * numpy.pi))
    return {"mu": over(generator, r), "v": v, "r": r}


def triangle(generator: numpy.random.Generator) -> Values:
    if generator.random() < 0.5:
        start = law(generator, int(generator.integers(2, 6)))
        middle = near(generator, start)
        end = near(generator, middle)
        test = best_test(start, end)
        x, y, z = (float(ndtri(test @ one)) for one in (start, middle, end))
        first, second = max(parameter(start, middle), y - x), max(parameter(middle, end), z - y)
    else:
        dimension = int(generator.integers(1, 5))
        end = generator.normal(size=dimension) * 10 ** generator.uniform(-1, 1)
        middle = end * generator.random() + generator.choice([0, 0.3]) * generator.normal(size=dimension)
        first, second, threshold = norm(middle), norm(end - middle), generator.normal()
        x, y, z = -threshold, float(middle @ end) / norm(end) - threshold, norm(end) - threshold
    return {"first": over(generator, first), "second": over(generator, second), "v": z - x, "x": x, "y": y, "z": z}


def group(generator: numpy.random.Generator) -> Values:
    """Gaussian laws of unit variance whose means walk through space; now and then straight ahead with equal steps."""
    count, dimension = int(generator.integers(1, 8)), int(generator.integers(1, 4))
    steps = generator.normal(size=(count, dimension))
    if generator.random() < 0.5:
        steps = steps * generator.choice([0, 0.1]) + generator.normal(size=dimension)
    means = numpy.vstack([numpy.zeros(dimension), numpy.cumsum(steps, axis=0)])
    t = int(generator.integers(count))
    return {
        "mu": over(generator, max(map(norm, steps))),
        "members": count + int(generator.integers(2)),
        "v": norm(means[-1]),
        "gap": norm(means[t]), "gap_next": norm(means[t + 1]), "gap_first": 0.0, "gap_last": norm(means[-1]),
        "j": t, "j_next": t + 1, "j_first": 0, "j_last": count,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "gaussian.total-variation": total_variation,
    "gaussian.triangle": triangle,
    "gaussian.group": group,
}
TIGHT = {"gaussian.total-variation": 0.9999, "gaussian.triangle": 0.9999, "gaussian.group": 0.9999}
