"""Random instances of every theorem: real data on which both sides of the inequality are measured.

Each function draws one instance and returns the value of every hypothesis and of every variable of the proof. The
hypotheses are covered with a random margin, as a user's bounds would be.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy

Values = dict[str, float]
Instance = Callable[[numpy.random.Generator], Values]


def sigmoid(z: numpy.ndarray) -> numpy.ndarray:
    return numpy.where(z >= 0, 1 / (1 + numpy.exp(-numpy.abs(z))), numpy.exp(-numpy.abs(z)) / (1 + numpy.exp(-numpy.abs(z))))


class Ridge:
    """Mean logistic loss plus (l2/2)|w|², minimised by Newton's method to the last digits."""

    def __init__(self, features: numpy.ndarray, labels: numpy.ndarray, l2: float) -> None:
        self.features, self.labels, self.l2 = features, labels, l2
        self.count, self.dimension = features.shape

    def gradient(self, w: numpy.ndarray) -> numpy.ndarray:
        return self.record_gradients(w).mean(axis=0)

    def record_gradients(self, w: numpy.ndarray) -> numpy.ndarray:
        slopes = -self.labels * sigmoid(-self.labels * (self.features @ w))
        return slopes[:, None] * self.features + self.l2 * w

    def hessian(self, w: numpy.ndarray) -> numpy.ndarray:
        share = sigmoid(self.features @ w)
        return (self.features * (share * (1 - share))[:, None]).T @ self.features / self.count + self.l2 * numpy.eye(
            self.dimension
        )

    def value(self, w: numpy.ndarray) -> float:
        return float(numpy.logaddexp(0, -self.labels * (self.features @ w)).mean() + self.l2 / 2 * w @ w)

    def minimiser(self) -> numpy.ndarray:
        w = numpy.zeros(self.dimension)
        for _ in range(200):
            step = numpy.linalg.solve(self.hessian(w), self.gradient(w))
            size = 1.0
            while self.value(w - size * step) > self.value(w) and size > 1e-9:
                size /= 2
            w = w - size * step
            if numpy.linalg.norm(step) < 1e-15:
                break
        return w

    def hessian_lipschitz(self) -> float:
        return float(numpy.linalg.norm(self.features, axis=1).max() ** 3 / (6 * 3**0.5))


def norm(vector: numpy.ndarray) -> float:
    return float(numpy.linalg.norm(vector))


def ridge(generator: numpy.random.Generator) -> Ridge:
    count, dimension = int(generator.integers(4, 30)), int(generator.integers(1, 6))
    features = generator.normal(size=(count, dimension)) * 10 ** generator.uniform(-1, 1)
    return Ridge(features, generator.choice([-1.0, 1.0], size=count), 10 ** generator.uniform(-3, 0))


def over(generator: numpy.random.Generator, value: float) -> float:
    """An upper bound, often tight."""
    return value * (1 + generator.choice([0.0, 1e-6, 0.5]) * generator.random())


def under(generator: numpy.random.Generator, value: float) -> float:
    return value / (1 + generator.choice([0.0, 1e-6, 0.5]) * generator.random())


def output_residual(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 1)
    gradient = problem.gradient(w)
    return {
        "residual": over(generator, norm(gradient)), "strong_convexity": under(generator, problem.l2),
        "e": norm(w - best), "g": norm(gradient), "inner": float(gradient @ (w - best)),
    }  # fmt: skip


def _deletion(generator: numpy.random.Generator) -> tuple[Ridge, Ridge, numpy.ndarray, numpy.ndarray, int]:
    problem = ridge(generator)
    deleted = int(generator.integers(1, problem.count - 1))
    kept = Ridge(problem.features[deleted:], problem.labels[deleted:], problem.l2)
    return problem, kept, problem.minimiser(), kept.minimiser(), deleted


def output_worst_case(generator: numpy.random.Generator) -> Values:
    problem, kept, before, after, deleted = _deletion(generator)
    greatest = numpy.linalg.norm(problem.record_gradients(before)[:deleted], axis=1).max()
    return {
        "n": problem.count, "m": deleted, "lipschitz": over(generator, greatest), "strong_convexity": under(generator, problem.l2),
        "e": norm(before - after), "g": norm(kept.gradient(before)),
    }  # fmt: skip


def comparator(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w, other = (best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 0) for _ in range(2))
    return {
        "distance": over(generator, norm(w - best)), "tolerance": over(generator, norm(problem.gradient(other))),
        "strong_convexity": under(generator, problem.l2), "v": norm(w - other), "e": norm(w - best), "c": norm(other - best),
    }  # fmt: skip


def detour(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    near = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-4, 0)
    w = (
        near
        + (near - best) * 10 ** generator.uniform(-2, 2)
        + generator.choice([0, 1]) * generator.normal(size=problem.dimension)
    )
    return {
        "step": over(generator, norm(w - near)), "distance": over(generator, norm(near - best)),
        "e": norm(w - best), "s": norm(w - near), "c": norm(near - best),
    }  # fmt: skip


def after_step(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-3, 0)
    gradient, hessian = problem.gradient(w), problem.hessian(w)
    step = -numpy.linalg.solve(hessian, gradient) * (1 + generator.choice([0, 0.1]) * generator.normal(size=problem.dimension))
    end = w + step - best
    return {
        "linear_residual": over(generator, norm(gradient + hessian @ step)), "previous_distance": over(generator, norm(w - best)),
        "hessian_lipschitz": over(generator, problem.hessian_lipschitz()), "strong_convexity": under(generator, problem.l2),
        "d": norm(end), "e": norm(w - best), "inner": float(end @ hessian @ end), "h": norm(hessian @ end),
        "q": norm(gradient + hessian @ step), "r": norm(-gradient - hessian @ (best - w)),
        "step": over(generator, norm(step)), "s": norm(step),
    }  # fmt: skip


def corrected(generator: numpy.random.Generator) -> Values:
    return {name: value for name, value in after_step(generator).items() if name not in {"inner", "h", "q", "r"}}


def one_step(generator: numpy.random.Generator) -> Values:
    problem, kept, before, after, deleted = _deletion(generator)
    greatest = numpy.linalg.norm(problem.record_gradients(before)[:deleted], axis=1).max()
    landed = before - numpy.linalg.solve(kept.hessian(before), kept.gradient(before))
    return {
        "n": problem.count, "m": deleted, "lipschitz": over(generator, greatest), "strong_convexity": under(generator, problem.l2),
        "hessian_lipschitz": over(generator, kept.hessian_lipschitz()), "e": norm(before - after), "d": norm(landed - after),
    }  # fmt: skip


def gaussian_mu(generator: numpy.random.Generator) -> Values:
    d, s = 10 ** generator.uniform(-3, 3, size=2)
    return {"sensitivity": over(generator, d), "sigma": under(generator, s), "mu": d / s, "d": d, "s": s}


def gaussian_composition(generator: numpy.random.Generator) -> Values:
    a, b = 10 ** generator.uniform(-2, 1, size=2) * generator.choice([0, 1], p=[0.1, 0.9], size=2)
    return {"first": over(generator, a), "second": over(generator, b), "mu": float(numpy.hypot(a, b)), "a": a, "b": b}


def gaussian_profile(generator: numpy.random.Generator) -> Values:
    """delta is measured as the integral of the positive part of the difference of the densities."""
    epsilon, r, sigma = generator.uniform(0, 4), 10 ** generator.uniform(-0.5, 0.8), 10 ** generator.uniform(-2, 2)
    threshold = epsilon / r + r / 2
    x = numpy.linspace(threshold, threshold + 14 + r, 20001)
    excess = numpy.exp(-((x - r) ** 2) / 2) - numpy.exp(epsilon - x**2 / 2)
    delta = float(numpy.trapezoid(excess, x) / numpy.sqrt(2 * numpy.pi))
    return {
        "epsilon": epsilon,
        "sensitivity": r * sigma,
        "sigma": sigma,
        "delta": delta * (1 - 1e-6),
        "r": r,
        "threshold": threshold,
    }


def _row(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    dimension = int(generator.integers(1, 5))
    row = generator.normal(size=dimension) * 10 ** generator.uniform(-1, 1)
    unit = generator.normal(size=dimension) if generator.random() < 0.7 else row * generator.choice([-1, 1])
    return row, unit / norm(unit), norm(row)


def logistic_curvature(power: int) -> Instance:
    def draw(generator: numpy.random.Generator) -> Values:
        row, unit, size = _row(generator)
        s, x = float(generator.beta(0.7, 0.7)), float(row @ unit)
        third = s * (1 - s) * (1 - 2 * s) * x**3
        return {"row_norm": over(generator, size), "s": s, "x": x, "t": s * (1 - s) * x**2 if power == 2 else third}

    return draw


def logistic_gradient(generator: numpy.random.Generator) -> Values:
    size, p = 10 ** generator.uniform(-1, 1), generator.random()
    return {"row_norm": over(generator, size), "h": size, "p": p, "t": p * size}


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


def _softmax(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Class probabilities, u = U x for a random unit U, and the norm of the row."""
    classes, (row, _, size) = int(generator.integers(2, 6)), _row(generator)
    probabilities = numpy.exp(generator.normal(size=classes) * generator.choice([0.3, 1, 5]))
    direction = generator.normal(size=(classes, row.size))
    if generator.random() < 0.5:  # the extreme: two classes that move apart, along the row
        probabilities[2:] *= 1e-9
        direction = numpy.zeros((classes, row.size))
        direction[0], direction[1] = row, -row
    direction /= numpy.linalg.norm(direction)
    return probabilities / probabilities.sum(), direction @ row, size


def softmax_smoothness(generator: numpy.random.Generator) -> Values:
    p, u, size = _softmax(generator)
    mean, square = float(p @ u), float(p @ u**2)
    return {
        "row_norm": over(generator, size), "t": float(p @ (u - mean) ** 2), "mean": mean, "square": square,
        "a": float(u.min()), "b": float(u.max()), "w": norm(u),
    }  # fmt: skip


def softmax_hessian(generator: numpy.random.Generator) -> Values:
    p, u, size = _softmax(generator)
    mean = float(p @ u)
    return {
        "row_norm": over(generator, size), "t": float(p @ (u - mean) ** 3), "v": float(p @ (u - mean) ** 2),
        "p": mean - float(u.min()), "q": float(u.max()) - mean, "a": float(u.min()), "w": norm(u),
    }  # fmt: skip


def softmax_gradient(generator: numpy.random.Generator) -> Values:
    p, _, size = _softmax(generator)
    others = p[1:]
    return {
        "row_norm": over(generator, size), "t": norm(numpy.concatenate([[p[0] - 1], others])) * size,
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
    row, unit, size = _row(generator)
    return {"row_norm": over(generator, size), "x": float(row @ unit), "t": float(row @ unit) ** 2}


def squared_third(generator: numpy.random.Generator) -> Values:
    return {"row_norm": float(generator.random()), "t": 0.0}


def squared_gradient(generator: numpy.random.Generator) -> Values:
    row, unit, h = _row(generator)
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
    w = numpy.linalg.solve(features.T @ features / count + weight * numpy.eye(dimension), features.T @ labels / count)
    return {
        "label_bound": over(generator, numpy.abs(labels).max()), "l2": under(generator, weight),
        "size": norm(w), "y": norm(labels) / count**0.5, "weight": weight,
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
    row, unit, h = _row(generator)
    base, d, threshold = float(generator.normal()), 10 ** generator.uniform(-2, 1), 10 ** generator.uniform(-1, 1)
    ends = numpy.clip([base, base + d * float(row @ unit)], -threshold, threshold)
    change = abs(float(ends[1] - ends[0]))
    return {"row_norm": over(generator, h), "t": change * h / d, "d": d, "change": change, "h": h}


def poisson(kind: str) -> Instance:
    def draw(generator: numpy.random.Generator) -> Values:
        row, unit, h = _row(generator)
        predictor, y, x = float(generator.normal() * 2), float(generator.poisson(3)), float(row @ unit)
        v = float(numpy.exp(predictor))
        common = {"row_norm": over(generator, h), "predictor_bound": over(generator, abs(predictor)), "v": v}
        if kind == "gradient":
            return {**common, "label_bound": over(generator, y), "t": abs(v - y) * h, "r": abs(v - y), "y": y, "h": h}
        return {**common, "x": x, "t": v * x ** (2 if kind == "smoothness" else 3)}

    return draw


def excess_risk(generator: numpy.random.Generator) -> Values:
    dimension = int(generator.integers(1, 6))
    root = generator.normal(size=(dimension, dimension))
    hessian = root @ root.T
    shift, s = generator.normal(size=dimension), 10 ** generator.uniform(-1, 1)
    smoothness = float(numpy.linalg.eigvalsh(hessian)[-1])
    return {
        "smoothness": over(generator, smoothness), "distance": over(generator, norm(shift)), "dimension": dimension, "sigma": over(generator, s),
        "f": float(shift @ hessian @ shift / 2 + s**2 * numpy.trace(hessian) / 2), "square": norm(shift) ** 2 + dimension * s**2,
        "e": norm(shift), "s": s,
    }  # fmt: skip


def logistic_self_concordance(generator: numpy.random.Generator) -> Values:
    row, unit, size = _row(generator)
    s, x = float(generator.beta(0.5, 0.5)), float(row @ unit)
    return {"row_norm": over(generator, size), "t": (1 - 2 * s) * x, "s": s, "x": x}


def softmax_self_concordance(generator: numpy.random.Generator) -> Values:
    p, v, size = _softmax(generator)
    u = generator.normal(size=p.size)
    centred = u - p @ u
    return {
        "row_norm": over(generator, size), "t": float(p @ (centred**2 * (v - p @ v)) / (p @ centred**2)),
        "a": float(v.min()), "b": float(v.max()), "w": norm(v),
    }  # fmt: skip


def self_concordant(generator: numpy.random.Generator) -> Values:
    problem = ridge(generator)
    best = problem.minimiser()
    w = best + generator.normal(size=problem.dimension) * 10 ** generator.uniform(-3, 0)
    gradient, hessian, convexity = problem.gradient(w), problem.hessian(w), under(generator, problem.l2)
    step = -numpy.linalg.solve(hessian, gradient) * (1 + generator.choice([0, 0.1]) * generator.normal(size=problem.dimension))
    nodes, weights = numpy.polynomial.legendre.leggauss(60)
    mean = sum(weight / 2 * problem.hessian(w + (node + 1) / 2 * (best - w)) for node, weight in zip(nodes, weights, strict=True))
    root = numpy.linalg.cholesky(hessian)
    relative = numpy.linalg.eigvalsh(root.T @ numpy.linalg.solve(mean, root))
    rest, energy = gradient + hessian @ step, float((step @ hessian @ step / convexity) ** 0.5)
    return {
        "step": over(generator, norm(step)), "linear_residual": over(generator, norm(rest)), "previous_distance": over(generator, norm(w - best)),
        "self_concordance": over(generator, float(numpy.linalg.norm(problem.features, axis=1).max())), "energy_step": over(generator, energy),
        "strong_convexity": convexity, "e": norm(w - best), "s": norm(step), "d": norm(numpy.linalg.solve(mean, hessian @ step) - step),
        "r": norm(numpy.linalg.solve(mean, rest)), "q": norm(rest), "k": float(numpy.abs(relative - 1).max()), "h": energy,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "output.residual": output_residual,
    "output.worst-case": output_worst_case,
    "distance.comparator": comparator,
    "distance.detour": detour,
    "newton.after-step": after_step,
    "newton.corrected-residual": corrected,
    "newton.one-step": one_step,
    "logistic.self-concordance": logistic_self_concordance,
    "softmax.self-concordance": softmax_self_concordance,
    "squared.self-concordance": squared_third,
    "newton.self-concordant-residual": self_concordant,
    "gaussian.profile": gaussian_profile,
    "gaussian.mu": gaussian_mu,
    "gaussian.composition": gaussian_composition,
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
    "poisson.gradient": poisson("gradient"),
    "poisson.smoothness": poisson("smoothness"),
    "poisson.hessian-lipschitz": poisson("hessian"),
    "utility.excess-risk": excess_risk,
}
