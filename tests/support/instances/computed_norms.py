"""Instances of the theorems on computed norms: products, decompositions and sums in single and half precision against double."""

from __future__ import annotations

import numpy

from .norms import noise, random_matrix, spectral, top
from .shared import Instance, Values, norm, over


def gram_ladder(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    iterates, scales, errors = [a], [], []
    for _ in range(int(generator.integers(1, 5))):
        scales.append(2.0 ** numpy.frexp(numpy.abs(iterates[-1]).max())[1])
        small = iterates[-1] / scales[-1]
        exact = small.T @ small
        iterates.append(exact + noise(generator, exact))
        errors.append(over(generator, spectral(exact - iterates[-1])))
    rungs, scales, errors = [norm(iterates[-1])], scales[::-1], errors[::-1]
    for scale, error in zip(scales, errors, strict=True):
        rungs.append(scale * (rungs[-1] + error) ** 0.5)
    norms = [spectral(iterate) for iterate in reversed(iterates)]
    step = int(generator.integers(0, len(errors)))
    return {
        "ladder": over(generator, rungs[-1]), "b": rungs[step], "b_next": rungs[step + 1], "b_first": rungs[0], "b_last": rungs[-1],
        "z": norms[step], "z_next": norms[step + 1], "z_first": norms[0], "z_last": norms[-1],
        "y": norms[step + 1] / scales[step], "c": scales[step], "e": errors[step],
    }  # fmt: skip


def svd_residual(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    u, s, vt = numpy.linalg.svd(a, full_matrices=False)
    u, s, v = u + noise(generator, u) / 4, s + noise(generator, s), vt.T + noise(generator, vt.T) / 4
    unit = numpy.eye(len(s))
    return {
        "singular": over(generator, numpy.abs(s).max()), "left_error": over(generator, spectral(u.T @ u - unit)),
        "right_error": over(generator, spectral(v.T @ v - unit)), "residual": over(generator, spectral(a - u * s @ v.T)),
        "t": spectral(a), "a": spectral(u), "b": spectral(v), "p": spectral(u * s), "q": spectral(u * s @ v.T),
    }  # fmt: skip


def cholesky(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    s = spectral(a) * (1 + generator.choice([1e-6, 0.1, -0.1]))
    gap = s**2 * numpy.eye(a.shape[1]) - a.T @ a
    if s > spectral(a):  # as a factorisation in lower precision leaves it
        factor = numpy.linalg.cholesky(gap)
        factor = factor + noise(generator, factor) / 10
    else:  # a factorisation that failed at once
        factor = numpy.zeros_like(gap)
    error, x = gap - factor @ factor.T, top(a)
    return {
        "scale": over(generator, s), "rounding": over(generator, spectral(error)), "t": spectral(a), "s": s, "z": norm(factor.T @ x),
        "inner": float(x @ error @ x), "q": norm(error @ x),
    }  # fmt: skip


def growth(terms: int, unit: float) -> float:
    return terms * unit / (1 - terms * unit)


SINGLE, HALF = 2.0**-24, 2.0**-11


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
    return {
        "computed": over(generator, computed), "terms": count, "unit_roundoff": HALF, "underflow": over(generator, (2 * lost) ** 0.5),
        "y": float(exact.sum() ** 0.5), "r": float(total) ** 0.5, "f": computed, "g": growth(count, HALF), "w": lost,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "norm.gram-ladder": gram_ladder,
    "norm.svd-residual": svd_residual,
    "norm.cholesky": cholesky,
    "norm.cholesky-residual": cholesky_residual,
    "norm.rounded-product": rounded_product,
    "norm.rounded-vector": rounded_vector,
}
TIGHT = {
    "norm.gram-ladder": 0.999,
    "norm.svd-residual": 0.999,
    "norm.cholesky": 0.999,
    "norm.cholesky-residual": 0.9,
    "norm.rounded-product": 0.6,
    "norm.rounded-vector": 0.99,
}
