"""Instances of the theorems that measure the curvature at the parameters: logistic problems with wide rows and one direction."""

from __future__ import annotations

import numpy

from .shared import Instance, Ridge, Values, norm, over, under


def problem(generator: numpy.random.Generator) -> tuple[Ridge, numpy.ndarray, numpy.ndarray]:
    """A problem, its minimiser, and parameters from which the way there leads into the flat part of the losses, or a random way."""
    dimension = int(generator.integers(1, 4))
    count = int(generator.integers(dimension + 2, 30))
    features = generator.normal(size=(count, dimension)) * 10 ** generator.uniform(-1, 0.5)
    labels = generator.choice([-1.0, 1.0], size=count)
    if generator.random() < 0.5:  # equal rows: the curvature fades like exp(-R t) on the way out
        features, labels = numpy.full((count, 1), 10 ** generator.uniform(-0.5, 0.5)), numpy.ones(count)
    found = Ridge(features, labels, 10 ** generator.uniform(-5, -1))
    best = found.minimiser()
    shift = generator.normal(size=best.size) * 10 ** generator.uniform(-3, 0)
    return found, best, best * generator.uniform(0.2, 1) if generator.random() < 0.5 else best + shift


def measures(found: Ridge, best: numpy.ndarray, w: numpy.ndarray, ridge: float) -> Values:
    """The variables of both proofs, for the Hessian of the loss with this much of the ridge; the integral is a difference of gradients."""
    gradient, way = found.gradient(w), best - w
    unit = way / norm(way)
    hessian = found.hessian(w) + (ridge - found.l2) * numpy.eye(w.size)
    along = float((found.gradient(best) - gradient) @ unit) - (found.l2 - ridge) * norm(way)
    return {
        "e": norm(way), "g": norm(gradient), "inner": float(-gradient @ unit), "along": along, "bend": float(unit @ hessian @ unit),
        "least": float(numpy.linalg.eigvalsh(hessian)[0]), "nu": float(numpy.linalg.norm(found.features, axis=1).max()),
    }  # fmt: skip


def radius(generator: numpy.random.Generator) -> Values:
    found, best, w = problem(generator)
    values = measures(found, best, w, 0.0)
    nu, residual = over(generator, values["nu"]), over(generator, values["g"])
    l2, curvature = under(generator, found.l2), max(0.0, under(generator, values["least"]))
    low, high = 0.0, residual / l2
    for _ in range(200):
        middle = (low + high) / 2
        used = l2 * middle + curvature * -numpy.expm1(-nu * middle) / nu
        low, high = (middle, high) if used < residual else (low, middle)
    claimed = high * (1 + 1e-12)
    return {
        **values, "radius": claimed, "decay": float(numpy.exp(-nu * claimed)), "residual": residual, "l2": l2, "curvature": curvature,
        "self_concordance": nu, "weight": found.l2, "rate": values["nu"],
    }  # fmt: skip


def without_ridge(generator: numpy.random.Generator) -> Values:
    while True:
        found, best, w = problem(generator)
        values = measures(found, best, w, found.l2)
        nu, residual, curvature = over(generator, values["nu"]), over(generator, values["g"]), under(generator, values["least"])
        if nu * residual < curvature:
            return {**values, "residual": residual, "curvature": curvature, "self_concordance": nu}


INSTANCES: dict[str, Instance] = {
    "self-concordance.radius": radius,
    "self-concordance.distance": without_ridge,
}
TIGHT = {
    "self-concordance.radius": 0.95,
    "self-concordance.distance": 0.95,
}
