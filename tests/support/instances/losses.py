"""Instances of the theorems on the constants of losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy
from flint import arb, arb_series, ctx

from .shared import Instance, Ridge, Values, norm, over, random_row, ridge, under

Loss = Callable[[list[arb_series]], arb_series]


def derivative(loss: Loss, start: Iterable[float], way: Iterable[float], order: int) -> float:
    """That derivative of a loss of linear predictors on a line through them, from the power series of the loss itself."""
    with ctx.workprec(300):
        line = [arb_series([arb(float(at)), arb(float(slope))]) for at, slope in zip(start, way, strict=True)]
        return math.factorial(order) * float(loss(line)[order].mid())


def logistic(label: int) -> Loss:
    return lambda z: (1 + z[0].exp()).log() - label * z[0]


def softmax(own: int) -> Loss:
    def loss(z: list[arb_series]) -> arb_series:
        total = z[0].exp()
        for predictor in z[1:]:
            total = total + predictor.exp()
        return total.log() - z[own]

    return loss


def squared(label: float) -> Loss:
    return lambda z: (z[0] - arb(label)) * (z[0] - arb(label)) / 2


def counted(label: float) -> Loss:
    return lambda z: z[0].exp() - arb(label) * z[0]


def logistic_curvature(power: int) -> Instance:
    def draw(generator: numpy.random.Generator) -> Values:
        row, unit, size = random_row(generator)
        s, x = float(generator.beta(0.7, 0.7)), float(row @ unit)
        measured = derivative(logistic(int(generator.integers(2))), [math.log(s / (1 - s))], [x], power)
        return {"row_norm": over(generator, size), "s": s, "x": x, "t": measured}

    return draw


def logistic_gradient(generator: numpy.random.Generator) -> Values:
    """The gradient is along the row: its norm is the slope of the loss in that direction."""
    size, p, label = 10 ** generator.uniform(-1, 1), float(generator.random()), int(generator.integers(2))
    s = 1 - p if label else p
    slope = derivative(logistic(label), [math.log(s / (1 - s))], [size], 1)
    return {"row_norm": over(generator, size), "h": size, "p": p, "t": abs(slope)}


def logistic_at_minimiser(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    if generator.random() < 0.5:  # one dimension, short rows that agree and one long row that does not: near the extreme
        count, share, reach = int(generator.integers(50, 500)), generator.uniform(0.2, 0.5), generator.uniform(3, 5)
        features, labels = numpy.full((count, 1), share), numpy.ones(count)
        features[0], labels[0] = 1, -1
        problem = Ridge(features, labels, float(share / (1 + numpy.exp(share * reach)) / reach))
    w, size = problem.minimiser(), float(numpy.linalg.norm(problem.features, axis=1).max())
    z = size * norm(w)
    share = numpy.clip(problem.labels * (problem.features @ w) / z, -1, 1)
    best = share[numpy.argmax(share / (1 + numpy.exp(share * z)))]
    return {
        "row_norm": size, "t": float(numpy.linalg.norm(problem.record_gradients(w), axis=1).max()),
        "z": z, "decay": problem.l2 * norm(w), "p": max(0.0, float(best)),
    }  # fmt: skip


def random_softmax(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Class probabilities, u = U x for a random unit U, and the norm of the row."""
    classes, (row, _, size) = int(generator.integers(2, 6)), random_row(generator)
    probabilities = numpy.exp(generator.normal(size=classes) * generator.choice([0.3, 1, 5]))
    direction = generator.normal(size=(classes, row.size))
    if generator.random() < 0.5:  # the extreme: two classes that move apart, along the row
        probabilities[2:] *= 1e-9
        direction = numpy.zeros((classes, row.size))
        direction[0], direction[1] = row, -row
    direction /= numpy.linalg.norm(direction)
    return probabilities / probabilities.sum(), direction @ row, size


def softmax_smoothness(generator: numpy.random.Generator) -> Values:
    p, u, size = random_softmax(generator)
    mean, square = float(p @ u), float(p @ u**2)
    return {
        "row_norm": over(generator, size), "t": derivative(softmax(0), numpy.log(p), u, 2), "mean": mean, "square": square,
        "a": float(u.min()), "b": float(u.max()), "w": norm(u),
    }  # fmt: skip


def softmax_hessian(generator: numpy.random.Generator) -> Values:
    p, u, size = random_softmax(generator)
    mean = float(p @ u)
    return {
        "row_norm": over(generator, size), "t": derivative(softmax(0), numpy.log(p), u, 3), "v": float(p @ (u - mean) ** 2),
        "p": mean - float(u.min()), "q": float(u.max()) - mean, "a": float(u.min()), "w": norm(u),
    }  # fmt: skip


def softmax_gradient(generator: numpy.random.Generator) -> Values:
    p, _, size = random_softmax(generator)
    others, axes = p[1:], numpy.eye(p.size) * size
    slopes = numpy.array([derivative(softmax(0), numpy.log(p), axis, 1) for axis in axes])
    return {
        "row_norm": over(generator, size), "t": norm(slopes),
        "others": float(others @ others), "own": float(others.sum()), "h": size,
    }  # fmt: skip


def softmax_at_minimiser(generator: numpy.random.Generator) -> Values:
    count, dimension, classes = int(generator.integers(3, 12)), int(generator.integers(1, 4)), int(generator.integers(2, 5))
    features = generator.normal(size=(count, dimension))
    labels, l2 = generator.integers(0, classes, size=count), 10 ** generator.uniform(-3, 0)
    parameters = numpy.zeros((classes, dimension))

    def records(w: numpy.ndarray) -> numpy.ndarray:
        scores = features @ w.T
        p = numpy.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[numpy.arange(count), labels] -= 1
        return p[:, :, None] * features[:, None, :]

    smoothness = float((numpy.linalg.norm(features, axis=1) ** 2).max() / 2 + l2)
    momentum = parameters
    rate = (1 - (l2 / smoothness) ** 0.5) / (1 + (l2 / smoothness) ** 0.5)
    for _ in range(2000):
        ahead = momentum - (records(momentum).mean(axis=0) + l2 * momentum) / smoothness
        momentum, parameters = ahead + rate * (ahead - parameters), ahead
    gradients = records(parameters)
    worst = int(numpy.argmax(numpy.linalg.norm((gradients + l2 * parameters).reshape(count, -1), axis=1)))
    return {
        "row_norm": float(numpy.linalg.norm(features, axis=1).max()), "l2": over(generator, l2), "classes": classes,
        "t": norm(gradients[worst] + l2 * parameters), "g": norm(gradients[worst]), "weight": l2, "size": norm(parameters),
    }  # fmt: skip


def squared_second(generator: numpy.random.Generator) -> Values:
    row, unit, size = random_row(generator)
    x = float(row @ unit)
    return {"row_norm": over(generator, size), "x": x, "t": derivative(squared(generator.normal()), [generator.normal()], [x], 2)}


def squared_third(generator: numpy.random.Generator) -> Values:
    row, unit, size = random_row(generator)
    measured = derivative(squared(generator.normal()), [generator.normal()], [float(row @ unit)], 3)
    return {"row_norm": over(generator, size), "t": measured}


def squared_gradient(generator: numpy.random.Generator) -> Values:
    row, unit, h = random_row(generator)
    size, y = 10 ** generator.uniform(-1, 1), float(generator.normal())
    z = abs(float(row @ unit) * size - y)
    return {
        "row_norm": over(generator, h), "parameter_bound": over(generator, size), "label_bound": over(generator, abs(y)),
        "t": z * h, "z": z, "h": h, "size": size, "y": abs(y),
    }  # fmt: skip


def ridge_parameters(generator: numpy.random.Generator) -> Values:
    count, dimension = int(generator.integers(2, 12)), int(generator.integers(1, 4))
    features, labels = generator.normal(size=(count, dimension)) * 10 ** generator.uniform(-1, 1), generator.normal(size=count)
    weight = 10 ** generator.uniform(-3, 0)
    if (
        generator.random() < 0.3
    ):  # equal labels on equal rows: the norm is greatest where the row has the size of the root of the weight
        features, labels = numpy.full((count, 1), weight**0.5 * 10 ** generator.uniform(-0.3, 0.3)), numpy.full(count, labels[0])
    w = numpy.linalg.solve(features.T @ features / count + weight * numpy.eye(features.shape[1]), features.T @ labels / count)
    return {
        "label_bound": over(generator, numpy.abs(labels).max()), "l2": under(generator, weight),
        "size": norm(w), "y": norm(labels) / count**0.5, "z": norm(features @ w) / count**0.5, "weight": weight,
    }  # fmt: skip


def ridge_convexity(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    one, two = generator.normal(size=(2, problem.dimension)) * 10 ** generator.uniform(-1, 1)
    d = norm(one - two)
    inner = float((problem.gradient(one) - problem.gradient(two)) @ (one - two))
    rest = inner - problem.l2 * d**2
    return {"l2": under(generator, problem.l2), "mu": inner / d**2, "inner": inner, "rest": rest, "d": d, "weight": problem.l2}


def huber_gradient(generator: numpy.random.Generator) -> Values:
    h, threshold = 10 ** generator.uniform(-1, 1, size=2)
    p = abs(float(numpy.clip(generator.normal() * 2 * threshold, -threshold, threshold)))
    return {"row_norm": over(generator, h), "threshold": over(generator, threshold), "t": p * h, "p": p, "h": h}


def huber_smoothness(generator: numpy.random.Generator) -> Values:
    row, unit, h = random_row(generator)
    base, d, threshold = float(generator.normal()), 10 ** generator.uniform(-2, 1), 10 ** generator.uniform(-1, 1)
    ends = numpy.clip([base, base + d * float(row @ unit)], -threshold, threshold)
    change = abs(float(ends[1] - ends[0]))
    return {"row_norm": over(generator, h), "t": change * h / d, "d": d, "change": change, "h": h}


def hinge_gradient(generator: numpy.random.Generator) -> Values:
    h, width = 10 ** generator.uniform(-1, 1, size=2)
    p = float(numpy.clip((1 - generator.normal() * 2) / width, 0, 1))
    return {"row_norm": over(generator, h), "t": p * h, "p": p, "h": h}


def hinge_smoothness(generator: numpy.random.Generator) -> Values:
    row, unit, h = random_row(generator)
    margin, d, width = float(generator.normal()), 10 ** generator.uniform(-2, 1), 10 ** generator.uniform(-1, 1)
    ends = numpy.clip([(1 - margin) / width, (1 - margin - d * float(row @ unit)) / width], 0, 1)
    change = abs(float(ends[1] - ends[0]))
    return {
        "row_norm": over(generator, h), "width": under(generator, width), "t": change * h / d, "d": d, "g": width, "change": change * width, "h": h,
    }  # fmt: skip


def poisson(kind: str) -> Instance:
    def draw(generator: numpy.random.Generator) -> Values:
        row, unit, h = random_row(generator)
        predictor, y, x = float(generator.normal() * 2), float(generator.poisson(3)), float(row @ unit)
        v = float(numpy.exp(predictor))
        common = {"row_norm": over(generator, h), "predictor_bound": over(generator, abs(predictor)), "v": v}
        if kind == "gradient":
            slope = derivative(counted(y), [predictor], [h], 1)
            return {**common, "label_bound": over(generator, y), "t": abs(slope), "r": abs(v - y), "y": y, "h": h}
        if kind == "self-concordance":
            second, third = (derivative(counted(y), [predictor], [x], order) for order in (2, 3))
            return {"row_norm": over(generator, h), "x": x, "t": third / second}
        return {**common, "x": x, "t": derivative(counted(y), [predictor], [x], 2 if kind == "smoothness" else 3)}

    return draw


INSTANCES: dict[str, Instance] = {
    "squared.self-concordance": squared_third,
    "logistic.smoothness": logistic_curvature(2),
    "logistic.hessian-lipschitz": logistic_curvature(3),
    "logistic.gradient": logistic_gradient,
    "logistic.gradient-at-minimiser": logistic_at_minimiser,
    "softmax.smoothness": softmax_smoothness,
    "softmax.hessian-lipschitz": softmax_hessian,
    "softmax.gradient": softmax_gradient,
    "softmax.gradient-at-minimiser": softmax_at_minimiser,
    "squared.smoothness": squared_second,
    "squared.hessian-lipschitz": squared_third,
    "squared.gradient": squared_gradient,
    "ridge.parameter-bound": ridge_parameters,
    "ridge.strong-convexity": ridge_convexity,
    "huber.gradient": huber_gradient,
    "huber.smoothness": huber_smoothness,
    "hinge.gradient": hinge_gradient,
    "hinge.smoothness": hinge_smoothness,
    "poisson.gradient": poisson("gradient"),
    "poisson.smoothness": poisson("smoothness"),
    "poisson.hessian-lipschitz": poisson("hessian"),
    "poisson.self-concordance": poisson("self-concordance"),
}
TIGHT = {
    "logistic.smoothness": 0.99,
    "logistic.hessian-lipschitz": 0.9,
    "logistic.gradient": 0.95,
    "logistic.gradient-at-minimiser": 0.95,
    "softmax.smoothness": 0.97,
    "softmax.hessian-lipschitz": 0.9,
    "softmax.gradient": 0.97,
    "squared.smoothness": 1,
    "squared.gradient": 0.9,
    "ridge.parameter-bound": 0.95,
    "ridge.strong-convexity": 0.8,
    "huber.gradient": 1,
    "huber.smoothness": 1,
    "hinge.gradient": 1,
    "hinge.smoothness": 1,
    "poisson.gradient": 0.8,
    "poisson.smoothness": 0.9,
    "poisson.hessian-lipschitz": 0.9,
    "poisson.self-concordance": 0.95,
}
COUNT = {"softmax.gradient-at-minimiser": 15}
