"""Instances of the theorems on exact deletion: ridge regressions from which rows leave."""

from __future__ import annotations

import numpy

from .norms import noise, spectral
from .shared import Instance, Values, norm, over, under


def ridge_downdate(generator: numpy.random.Generator) -> Values:
    """Each of the three systems is solved exactly, or with an error."""
    dimension, count = int(generator.integers(1, 5)), int(generator.integers(3, 10))
    deleted = int(generator.integers(1, count))
    features, labels = generator.normal(size=(count, dimension)), generator.normal(size=count)
    columns, kept = features[:deleted].T, features[deleted:]
    l2 = 10 ** generator.uniform(-1, 0) * numpy.eye(dimension)
    whole, right_side = features.T @ features + l2, features.T @ labels
    retained = kept.T @ kept + l2

    solution = numpy.linalg.solve(whole, right_side)
    solution = solution + noise(generator, solution)
    inverse = numpy.linalg.solve(whole, columns)
    inverse = inverse + noise(generator, inverse)
    capacity, wanted = numpy.eye(deleted) - columns.T @ inverse, columns.T @ solution - labels[:deleted]
    correction = numpy.linalg.solve(capacity, wanted)
    correction = correction + noise(generator, correction)

    parameters = solution + inverse @ correction
    gradient = retained @ parameters - kept.T @ labels[deleted:]
    left_over, rest = whole @ inverse - columns, capacity @ correction - wanted
    return {
        "solution_residual": over(generator, norm(whole @ solution - right_side)), "column_residual": over(generator, spectral(left_over)),
        "correction": over(generator, norm(correction)), "rows": over(generator, spectral(columns)),
        "correction_residual": over(generator, norm(rest)), "strong_convexity": under(generator, float(numpy.linalg.eigvalsh(retained)[0])),
        "e": norm(parameters - numpy.linalg.solve(retained, kept.T @ labels[deleted:])), "g": norm(gradient),
        "p": norm(whole @ solution - right_side), "q": norm(left_over @ correction), "z": norm(correction),
        "x": norm(columns @ rest), "y": norm(rest),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "ridge.downdate": ridge_downdate,
}
TIGHT = {
    "ridge.downdate": 0.95,
}
