"""Instances of the theorems on rounding: products, factors and sums of squares in single and half precision against double."""

from __future__ import annotations

import numpy

from .norms import random_matrix, spectral
from .shared import Instance, Values, norm, over

SINGLE, HALF = 2.0**-24, 2.0**-11
"""Unit roundoffs."""


def growth(terms: int, unit: float) -> float:
    return terms * unit / (1 - terms * unit)


def rounded_product(generator: numpy.random.Generator) -> Values:
    """One row in half precision, where a single rounding is all the error; or a product in single precision."""
    if generator.random() < 0.5:
        a, unit = generator.uniform(1, 2, size=(1, int(generator.integers(1, 3)))).astype(numpy.float16), HALF
    else:
        a, unit = random_matrix(generator).astype(numpy.float32), SINGLE
    exact = a.astype(float)
    error, relative = (a.T @ a).astype(float) - exact.T @ exact, growth(len(a), unit)
    sizes = numpy.abs(exact)
    return {
        "relative": over(generator, relative), "frobenius": over(generator, norm(exact)), "underflow": 0.0, "t": spectral(error), "h": norm(error),
        "w": norm(sizes.T @ sizes), "a": spectral(sizes), "f": norm(exact),
    }  # fmt: skip


def cholesky_residual(generator: numpy.random.Generator) -> Values:
    """Factorisations in single precision of well and of badly conditioned matrices; of order one also in half precision, by hand."""
    if generator.random() < 0.5:
        matrix = generator.uniform(1, 4, size=(1, 1)).astype(numpy.float16)
        factor, unit = numpy.sqrt(matrix), HALF
    else:
        size = int(generator.integers(1, 6))
        root = generator.normal(size=(size, size))
        matrix = (root @ root.T + numpy.eye(size) * 10 ** generator.uniform(-2, 1)).astype(numpy.float32)
        matrix = (matrix + matrix.T) / numpy.float32(2)
        factor, unit = numpy.linalg.cholesky(matrix), SINGLE
    error = matrix.astype(float) - factor.astype(float) @ factor.astype(float).T
    return {
        "relative": over(generator, growth(len(matrix) + 1, unit)), "trace": over(generator, float(numpy.trace(matrix.astype(float)))), "underflow": 0.0,
        "t": spectral(error), "h": norm(error), "q": norm(factor.astype(float)) ** 2, "d": float(numpy.trace(matrix.astype(float))),
    }  # fmt: skip


def rounded_vector(generator: numpy.random.Generator) -> Values:
    """A norm in half precision, one addition after the other; small entries underflow when they are squared."""
    count = int(generator.integers(1, 40))
    x = (generator.normal(size=count) * 10 ** generator.uniform(-3, 1)).astype(numpy.float16)
    exact, squares = x.astype(float) ** 2, x * x
    total = numpy.float16(0)
    for square in squares:
        total = total + square
    lost = float(numpy.abs(squares.astype(float) - exact)[exact < 2.0**-14].sum())
    computed = float(numpy.sqrt(total))
    least = 2 * lost / (computed + (computed**2 + 2 * lost) ** 0.5) if lost else 0.0
    return {
        "computed": over(generator, computed), "terms": count, "unit_roundoff": HALF, "underflow": over(generator, least),
        "y": float(exact.sum() ** 0.5), "r": float(total) ** 0.5, "f": computed, "g": growth(count, HALF), "w": lost,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "norm.cholesky-residual": cholesky_residual,
    "norm.rounded-product": rounded_product,
    "norm.rounded-vector": rounded_vector,
}
TIGHT = {
    "norm.cholesky-residual": 0.9,
    "norm.rounded-product": 0.6,
    "norm.rounded-vector": 0.99,
}
