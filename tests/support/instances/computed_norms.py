"""Instances of the theorems on norms proved by a computation: ladders and decompositions with errors of any size."""

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


INSTANCES: dict[str, Instance] = {
    "norm.gram-ladder": gram_ladder,
    "norm.residual-svd": svd_residual,
    "norm.cholesky": cholesky,
}
TIGHT = {
    "norm.gram-ladder": 0.999,
    "norm.residual-svd": 0.999,
    "norm.cholesky": 0.999,
}
