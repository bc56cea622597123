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


def network(generator: numpy.random.Generator) -> Values:
    """One layer of hidden neurons, with the least L at random multipliers, by an eigenvalue of the whole form."""
    inputs, neurons, outputs = generator.integers(1, 4, size=3)
    first, last = random_matrix(generator, neurons, inputs), random_matrix(generator, outputs, neurons)
    low, high = (0.0, 1.0) if generator.random() < 0.5 else (-0.25, 1.25)
    multipliers = (1 + spectral(last) ** 2) * generator.uniform(0.6, 3, size=neurons)
    point, move = generator.normal(size=(2, inputs))
    tight = generator.random() < 0.4
    if tight:  # one neuron on its steep side, moved along its weights: an equation at the best multiplier
        first, last, low = first[:1], last[:, :1], 0.0
        move, multipliers = first[0] * 0.1 + 1e-12, numpy.array([spectral(last) ** 2 * 2 / high])
        bias = numpy.array([10.0 + abs(first[0] @ point)])
    else:
        bias = generator.normal(size=neurons)

    def activation(z: numpy.ndarray) -> numpy.ndarray:
        return numpy.where(z > 0, high * z, low * z)

    weight = numpy.diag(multipliers)
    # -m (v - a z)(b z - v) = m (v² - (a + b) v z + a b z²), z = W u
    corner = low * high * first.T @ weight @ first
    side = -(low + high) / 2 * first.T @ weight
    below = weight - last.T @ last
    vectors = numpy.linalg.eigvalsh(below)
    if vectors[0] <= 1e-9:
        multipliers = multipliers * 2
        weight, corner, side, below = weight * 2, corner * 2, side * 2, weight * 2 - last.T @ last
    rest = side @ numpy.linalg.solve(below, side.T) - corner
    square = max(float(numpy.linalg.eigvalsh(rest)[-1]), 0.0)
    other = point + move
    z, v = first @ (other - point), activation(first @ other + bias) - activation(first @ point + bias)
    terms = multipliers * (v - low * z) * (high * z - v)
    now = int(generator.integers(len(terms)))
    distance, image = norm(other - point), norm(last @ v)
    return {
        "square": over(generator, square), "t": image / distance, "d": distance, "q": image,
        "s": terms[:now].sum(), "s_next": terms[: now + 1].sum(), "s_first": 0.0, "s_last": terms.sum(),
        "e": terms[now], "e_next": terms[min(now + 1, len(terms) - 1)], "e_first": terms[0], "e_last": terms[-1],
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "lipschitz.product": composition,
    "lipschitz.residual-block": residual_block,
    "lipschitz.semidefinite": network,
}
TIGHT = {
    "lipschitz.product": 0.999,
    "lipschitz.residual-block": 0.999,
    "lipschitz.semidefinite": 0.999,
}
