"""Instances of the theorems on norms: random matrices, often aligned so that the inequalities are equations."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, norm, over


def spectral(matrix: numpy.ndarray) -> float:
    return float(numpy.linalg.norm(matrix, 2))


def top(matrix: numpy.ndarray) -> numpy.ndarray:
    """The unit vector whose image is longest."""
    return numpy.linalg.svd(matrix)[2][0]


def random_matrix(generator: numpy.random.Generator, rows: int = 0, columns: int = 0) -> numpy.ndarray:
    shape = (rows or int(generator.integers(1, 6)), columns or int(generator.integers(1, 6)))
    full = generator.normal(size=shape) * 10 ** generator.uniform(-1, 0.5)
    return full if generator.random() < 0.6 else numpy.outer(full[:, 0], generator.normal(size=shape[1]))


def noise(generator: numpy.random.Generator, matrix: numpy.ndarray) -> numpy.ndarray:
    return generator.normal(size=matrix.shape) * 10 ** generator.uniform(-8, 0) * generator.choice([0, 1])


def product(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    b = random_matrix(generator, rows=a.shape[1])
    if generator.random() < 0.3:  # aligned: an equation
        b = numpy.outer(top(a), generator.normal(size=b.shape[1]))
    x = top(a @ b)
    return {
        "left": over(generator, spectral(a)), "right": over(generator, spectral(b)), "t": spectral(a @ b), "y": norm(b @ x), "a": spectral(a),
    }  # fmt: skip


def matrix_sum(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    b = a * generator.random() if generator.random() < 0.3 else random_matrix(generator, *a.shape)
    x = top(a + b)
    return {
        "left": over(generator, spectral(a)), "right": over(generator, spectral(b)), "t": spectral(a + b), "y": norm(a @ x), "z": norm(b @ x),
    }  # fmt: skip


def frobenius(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    image, squares = (a @ top(a)) ** 2, (a**2).sum(axis=1)
    row = int(generator.integers(0, len(a)))
    return {
        "frobenius": over(generator, norm(a)), "t": spectral(a),
        "h": image[:row].sum(), "h_next": image[: row + 1].sum(), "h_first": 0.0, "h_last": image.sum(),
        "f": squares[:row].sum(), "f_next": squares[: row + 1].sum(), "f_first": 0.0, "f_last": squares.sum(),
    }  # fmt: skip


def gram(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    exact, x = a.T @ a, top(a)
    computed = exact + noise(generator, exact)
    return {
        "gram": over(generator, spectral(computed)), "rounding": over(generator, spectral(exact - computed)), "t": spectral(a),
        "inner": float(x @ exact @ x), "y": norm(exact @ x), "p": norm(computed @ x), "q": norm((exact - computed) @ x),
    }  # fmt: skip


def schur(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    if generator.random() < 0.3:  # equal row sums and equal column sums of nonnegative entries: an equation
        a = numpy.ones(a.shape) * generator.random() + numpy.eye(*a.shape) * (a.shape[0] == a.shape[1])
    x = top(a)
    y = a @ x / norm(a @ x)
    return {
        "row": over(generator, numpy.abs(a).sum(axis=1).max()), "column": over(generator, numpy.abs(a).sum(axis=0).max()),
        "t": spectral(a), "p": float(y**2 @ numpy.abs(a).sum(axis=1)), "q": float(numpy.abs(a).sum(axis=0) @ x**2),
    }  # fmt: skip


def compression(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    rows, columns = (
        numpy.sort(generator.choice(size, size=int(generator.integers(1, size + 1)), replace=False)) for size in a.shape
    )
    part, x = a[numpy.ix_(rows, columns)], numpy.zeros(a.shape[1])
    x[columns] = top(part)
    return {"norm": over(generator, spectral(a)), "t": spectral(part), "z": norm(a @ x)}


def blocks(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    b = random_matrix(generator, columns=a.shape[1])
    if generator.random() < 0.4:  # one direction for both: an equation
        b = numpy.outer(generator.normal(size=len(b)), top(a))
    whole = numpy.vstack([a, b])
    side_by_side = numpy.hstack([a.T, b.T])
    x = top(whole)
    return {
        "left": over(generator, spectral(a)), "right": over(generator, spectral(b)),
        "t": spectral(side_by_side if generator.random() < 0.5 else whole), "y": norm(a @ x), "z": norm(b @ x),
    }  # fmt: skip


def block_diagonal(generator: numpy.random.Generator) -> Values:
    a, b = random_matrix(generator), random_matrix(generator)
    whole = numpy.zeros((len(a) + len(b), a.shape[1] + b.shape[1]))
    whole[: len(a), : a.shape[1]], whole[len(a) :, a.shape[1] :] = a, b
    x, other = numpy.split(top(whole), [a.shape[1]])
    return {
        "left": over(generator, spectral(a)), "right": over(generator, spectral(b)), "t": spectral(whole),
        "y": norm(a @ x), "z": norm(b @ other), "p": norm(x), "q": norm(other),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "norm.product": product,
    "norm.sum": matrix_sum,
    "norm.frobenius": frobenius,
    "norm.gram": gram,
    "norm.schur": schur,
    "norm.compression": compression,
    "norm.blocks": blocks,
    "norm.block-diagonal": block_diagonal,
}
TIGHT = {
    "norm.product": 0.999,
    "norm.sum": 0.999,
    "norm.frobenius": 0.999,
    "norm.gram": 0.999,
    "norm.schur": 0.999,
    "norm.compression": 0.999,
    "norm.blocks": 0.999,
    "norm.block-diagonal": 0.999,
}
