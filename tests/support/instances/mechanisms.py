"""Instances of the theorems on noise other than N(0, sigma² I): random covariances, sums over integers, and quadrature."""

from __future__ import annotations

import numpy
from scipy.special import logsumexp

from .shared import Instance, Values, norm, over, under


def _covariance(generator: numpy.random.Generator) -> numpy.ndarray:
    size = int(generator.integers(1, 6))
    root = generator.normal(size=(size, size)) + 0.1 * numpy.eye(size)
    return root @ root.T * 10 ** generator.uniform(-1, 1) + 0.05 * numpy.eye(size)


def _parameter(move: numpy.ndarray, covariance: numpy.ndarray) -> float:
    return float(numpy.sqrt(move @ numpy.linalg.solve(covariance, move)))


def anisotropic(generator: numpy.random.Generator) -> Values:
    """A move along a random direction, or along the direction with the least noise."""
    covariance = _covariance(generator)
    values, vectors = numpy.linalg.eigh(covariance)
    move = vectors[:, 0] * generator.uniform(0.1, 3) if generator.random() < 0.6 else generator.normal(size=len(values))
    return {
        "sensitivity": over(generator, norm(move)), "least_variance": under(generator, float(values[0])),
        "mu": _parameter(move, covariance), "h": norm(move), "e": float(values[0]),
    }  # fmt: skip


def ellipsoid(generator: numpy.random.Generator) -> Values:
    """A move within the ellipsoid, often the worst one."""
    covariance = _covariance(generator)
    axes = generator.normal(size=(len(covariance), int(generator.integers(1, 5))))
    values, vectors = numpy.linalg.eigh(covariance)
    whitened = (vectors / numpy.sqrt(values)) @ vectors.T @ axes
    _, sizes, right = numpy.linalg.svd(whitened)
    unit = right[0] if generator.random() < 0.6 else generator.normal(size=axes.shape[1])
    unit = unit / norm(unit) * generator.choice([1.0, generator.random()])
    return {
        "ratio": over(generator, float(sizes[0]) ** 2), "mu": norm(whitened @ unit), "n": float(sizes[0]), "u": norm(unit),
    }  # fmt: skip


def _lattice(centre: float, s: float) -> float:
    points = numpy.arange(numpy.floor(centre - 40 * s) - 2, numpy.ceil(centre + 40 * s) + 3)
    return float(logsumexp(-((points - centre) ** 2) / (2 * s * s)))


def discrete(generator: numpy.random.Generator) -> Values:
    """The divergence from its definition, at a whole order (where the bound is attained) or at any other."""
    s = 10 ** generator.uniform(-0.5, 1)
    a = float(generator.choice([2.0, 3.0, generator.uniform(1.05, 6)]))
    move = generator.integers(-4, 5, size=int(generator.integers(1, 4)))
    if not move.any():
        move[0] = 1
    n = t = 0.0
    for shift in move:
        centre = a * shift
        points = numpy.arange(-400, 401) + numpy.round(centre)
        weights = -a * (points - shift) ** 2 / (2 * s * s) - (1 - a) * points**2 / (2 * s * s)
        n += float(logsumexp(weights)) - _lattice(0, s)
        t += _lattice(centre, s) - _lattice(0, s)
    k, d = float(move @ move), n / (a - 1)
    return {
        "square": over(generator, k),
        "sigma": under(generator, s),
        "v": d / a,
        "a": a,
        "d": d,
        "n": n,
        "t": t,
        "k": k,
        "s": s,
    }


def quantised(generator: numpy.random.Generator) -> Values:
    """Vectors just beside the middle between two grid points, in some draws."""
    size, grid = int(generator.integers(1, 8)), 10 ** generator.uniform(-2, 1)
    if generator.random() < 0.7:
        first = grid * (generator.integers(-3, 4, size=size) + 0.5 - 1e-9)
        second = first + grid * (int(generator.integers(0, 3)) + 2e-9)
    else:
        first, second = generator.normal(size=(2, size)) * grid * 2
    rounded = [numpy.round(point / grid) * grid for point in (first, second)]
    e = max(norm(first - rounded[0]), norm(second - rounded[1]))
    return {
        "sensitivity": over(generator, norm(first - second)), "dimension": size + int(generator.choice([0, 0, 2])), "grid": grid,
        "v": norm(rounded[0] - rounded[1]) / grid, "h": norm(first - second), "e": e,
    }  # fmt: skip


def laplace(generator: numpy.random.Generator) -> Values:
    """In one dimension in closed form; in two by sums over a fine grid, for the laws around three means on a line."""
    s = 10 ** generator.uniform(-1, 1)
    distance = s * 10 ** generator.uniform(-0.7, 0.7)
    epsilon = distance / s * generator.choice([0.0, generator.random(), 1.2])
    third = max(0.0, distance - epsilon * s) / 2
    if generator.random() < 0.6:
        threshold = max(0.0, distance - epsilon * s) / 2 if epsilon * s <= distance else -60 * s

        def below(mean: float) -> float:
            at = (threshold - mean) / s
            return float(numpy.exp(at) / 2 if at < 0 else 1 - numpy.exp(-at) / 2)

        p, q, w = below(0.0), below(distance), below(third)
    else:
        axis = numpy.linspace(-14, 14, 1401)
        along, across = numpy.meshgrid(axis + distance / (2 * s), axis)
        weights = [numpy.exp(-numpy.hypot(along - mean / s, across)) for mean in (0.0, distance, third)]
        first, second, between = (weight / weight.sum() for weight in weights)
        best = first > numpy.exp(epsilon) * second
        p, q, w = (float(law[best].sum()) for law in (first, second, between))
    given = {"epsilon": epsilon, "sensitivity": over(generator, distance), "scale": under(generator, s)}
    return {**given, "v": p - float(numpy.exp(epsilon)) * q, "p": p, "q": q, "w": w}


def unequal(generator: numpy.random.Generator) -> Values:
    """The mean of the likelihood ratio to the power of the order by the trapezoidal rule."""
    s, m = 10 ** generator.uniform(-1, 0.5), generator.choice([0.0, generator.uniform(0, 2)])
    most = s / (s - 1) if s > 1 else numpy.inf
    order = 1 + min(0.8 * (most - 1), 5.0) * generator.uniform(0.1, 1)
    y, b = order * (1 - 1 / s), order * m / s
    width = 1 / numpy.sqrt(1 - y)
    x = b / (1 - y) + width * numpy.linspace(-12, 12, 4001)
    step = x[1] - x[0]
    n = float(logsumexp(y * x**2 / 2 + b * x - x**2 / 2) + numpy.log(step / numpy.sqrt(2 * numpy.pi)))
    ratio = x**2 / 2 - (x - m) ** 2 / (2 * s) - numpy.log(s) / 2
    z = float(logsumexp(order * ratio - x**2 / 2) + numpy.log(step / numpy.sqrt(2 * numpy.pi)))
    return {
        "order": order, "shift": over(generator, m), "variance": s, "v": z / (order - 1), "m": m, "z": z, "n": n, "y": y, "b": b,
        "g": float(numpy.log(1 - y)),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "anisotropic.mu": anisotropic,
    "anisotropic.ellipsoid": ellipsoid,
    "discrete-gaussian.zcdp": discrete,
    "discrete-gaussian.sensitivity": quantised,
    "laplace.profile": laplace,
    "unequal.renyi": unequal,
}
TIGHT = {
    "anisotropic.mu": 0.9999,
    "anisotropic.ellipsoid": 0.9999,
    "discrete-gaussian.zcdp": 0.9999,
    "discrete-gaussian.sensitivity": 0.9999,
    "laplace.profile": 0.9999,
    "unequal.renyi": 0.9999,
}
