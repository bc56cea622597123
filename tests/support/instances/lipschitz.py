"""Instances of the theorems on Lipschitz constants: linear maps and rectifiers, often aligned so that the inequalities are equations."""

from __future__ import annotations

import numpy

from .norms import random_matrix, spectral, top
from .shared import Instance, Values, norm, over


def rectified(z: numpy.ndarray) -> numpy.ndarray:
    return numpy.maximum(z, 0)


def composition(generator: numpy.random.Generator) -> Values:
    first = random_matrix(generator)
    second = random_matrix(generator, columns=len(first))
    x, y = generator.normal(size=(2, first.shape[1]))
    if generator.random() < 0.4:  # an equation: aligned, and in the positive part of the rectifier
        second = numpy.abs(second)
        first, y = numpy.outer(numpy.abs(top(second)), x), x * generator.random()
    images = [rectified(first @ point) for point in (x, y)]
    between, end = norm(images[0] - images[1]), norm(second @ images[0] - second @ images[1])
    return {
        "outer": over(generator, spectral(second)), "inner": over(generator, spectral(first)), "t": end / norm(x - y), "d": norm(x - y), "p": between, "q": end,
    }  # fmt: skip


def residual_block(generator: numpy.random.Generator) -> Values:
    dimension = int(generator.integers(1, 6))
    branch = random_matrix(generator, dimension, dimension)
    x, y = generator.normal(size=(2, dimension))
    if generator.random() < 0.4:  # an equation where the branch goes the same way
        branch = branch @ branch.T
        direction = top(branch)
        y = x + direction * generator.random()
        images = [branch @ point for point in (x, y)]
    else:
        images = [branch @ rectified(point) for point in (x, y)]
    end = norm(x + images[0] - y - images[1])
    return {
        "inner": over(generator, spectral(branch)), "t": end / norm(x - y), "d": norm(x - y), "p": norm(images[0] - images[1]), "q": end,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "lipschitz.product": composition,
    "lipschitz.residual-block": residual_block,
}
TIGHT = {
    "lipschitz.product": 0.999,
    "lipschitz.residual-block": 0.999,
}
