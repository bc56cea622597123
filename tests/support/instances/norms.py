"""Instances of the theorems on norms: random matrices and maps, often aligned so that the inequalities are equations."""

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


def gram_ladder(generator: numpy.random.Generator) -> Values:
    a = random_matrix(generator)
    iterates, errors = [a / spectral(a) * 10 ** generator.uniform(-0.2, 0.2)], []
    for _ in range(int(generator.integers(1, 5))):
        exact = iterates[-1].T @ iterates[-1]
        iterates.append(exact + noise(generator, exact))
        errors.append(over(generator, spectral(exact - iterates[-1])))
    rungs = [norm(iterates[-1])]
    for error in reversed(errors):
        rungs.append((rungs[-1] + error) ** 0.5)
    norms, errors = [spectral(iterate) for iterate in reversed(iterates)], errors[::-1]
    step = int(generator.integers(0, len(errors)))
    return {
        "ladder": over(generator, rungs[-1]), "b": rungs[step], "b_next": rungs[step + 1], "b_first": rungs[0], "b_last": rungs[-1],
        "z": norms[step], "z_next": norms[step + 1], "z_first": norms[0], "z_last": norms[-1], "e": errors[step],
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
    "norm.product": product,
    "norm.sum": matrix_sum,
    "norm.frobenius": frobenius,
    "norm.gram": gram,
    "norm.gram-ladder": gram_ladder,
    "norm.schur": schur,
    "norm.compression": compression,
    "norm.blocks": blocks,
    "norm.block-diagonal": block_diagonal,
    "norm.svd-residual": svd_residual,
    "norm.cholesky": cholesky,
    "lipschitz.product": composition,
    "lipschitz.residual-block": residual_block,
}
TIGHT = {
    "norm.product": 0.999,
    "norm.sum": 0.999,
    "norm.frobenius": 0.999,
    "norm.gram": 0.999,
    "norm.gram-ladder": 0.999,
    "norm.schur": 0.999,
    "norm.compression": 0.999,
    "norm.blocks": 0.999,
    "norm.block-diagonal": 0.999,
    "norm.svd-residual": 0.999,
    "norm.cholesky": 0.999,
    "lipschitz.product": 0.999,
    "lipschitz.residual-block": 0.999,
}
