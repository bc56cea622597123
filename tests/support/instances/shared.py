"""What the instances share: a ridge problem with its minimiser, random rows, and margins on the safe side."""

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


def random_row(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    dimension = int(generator.integers(1, 5))
    row = generator.normal(size=dimension) * 10 ** generator.uniform(-1, 1)
    unit = generator.normal(size=dimension) if generator.random() < 0.7 else row * generator.choice([-1, 1])
    return row, unit / norm(unit), norm(row)
