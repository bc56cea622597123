"""Negative controls: one sound method, and five that go wrong in ways seen in published code.

Each is logistic regression with a ridge, released with Gaussian noise of a scale fixed before the request,
in plain numpy and without anything else of this library. ``FAILURES`` says which checks refute each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Trained(NamedTuple):
    """What the methods keep: the data set and the un-noised model."""

    data: Any
    model: Vector


def gradient(model: Vector, features: Vector, labels: Vector, l2: float) -> Vector:
    """The gradient of the mean logistic loss plus (l2/2)|model|²."""
    pull = labels / (1 + np.exp(labels * (features @ model)))
    return np.asarray(l2 * model - (features.T @ pull) / len(labels))


def newton(model: Vector, features: Vector, labels: Vector, l2: float) -> Vector:
    """The step -H⁻¹g of Newton's method."""
    weight = 1 / (2 + 2 * np.cosh(features @ model))
    hessian = (features.T * weight) @ features / len(labels) + l2 * np.eye(len(model))
    return np.asarray(-np.linalg.solve(hessian, gradient(model, features, labels, l2)))


class SoundNewton:
    """Newton steps on the retained rows until the measured residual fits a budget that the noise covers."""

    guarantee: ClassVar[Any] = {"notion": "SEKHARI", "epsilon": 1, "delta": "1e-5"}
    l2 = 0.1
    multiplier = 3.7307  # at or above 1/mu for (1, 1e-5): noise of this many distances gives the claim

    def budget(self, count: int) -> float:
        """The distance that the noise covers: a function of the retained count alone."""
        return 1e-4 / count

    def noise_scale(self, count: int, forgotten: int) -> float:
        return self.multiplier * self.budget(count - forgotten)

    def train(self, data: Any, generator: np.random.Generator) -> Trained:
        return Trained(data, self.minimise(np.zeros(data.features.shape[1]), data, 1e-15))

    def minimise(self, model: Vector, data: Any, distance: float) -> Vector:
        for _ in range(50):
            if self.residual_distance(model, data) <= distance:
                break
            model = model + newton(model, data.features, data.labels, self.l2)
        return model

    def residual_distance(self, model: Vector, data: Any) -> float:
        """The residual over the strong convexity bounds the distance to the minimiser; plus its own rounding."""
        return float(np.linalg.norm(gradient(model, data.features, data.labels, self.l2))) / self.l2

    def noiseless(self, state: Trained, forget: Sequence[int]) -> Vector:
        retained = state.data.without(forget)
        return self.minimise(state.model, retained, self.budget(len(retained.labels)))

    def distance_bound(self, state: Trained, forget: Sequence[int]) -> float:
        return self.residual_distance(self.noiseless(state, forget), state.data.without(forget)) + 1e-13

    def unlearn(self, state: Trained, forget: Sequence[int], generator: np.random.Generator) -> Vector:
        scale = self.noise_scale(len(state.data.labels), len(forget))
        model = self.noiseless(state, forget)
        return model + scale * generator.standard_normal(model.shape)

    def retrain(self, data: Any, generator: np.random.Generator) -> Vector:
        return self.unlearn(self.train(data, generator), (), generator)

    def advance(self, state: Trained, forget: Sequence[int], generator: np.random.Generator) -> Trained:
        return Trained(state.data.without(forget), self.noiseless(state, forget))


class ForgetsNothing(SoundNewton):
    """Returns the trained model whatever is asked, and declares that it is within the budget."""

    def noiseless(self, state: Trained, forget: Sequence[int]) -> Vector:
        state.data.without(forget)
        return state.model

    def distance_bound(self, state: Trained, forget: Sequence[int]) -> float:
        return self.budget(len(state.data.labels) - len(forget))


class QuietNoise(SoundNewton):
    """Adds a hundredth of the noise that it declares."""

    def unlearn(self, state: Trained, forget: Sequence[int], generator: np.random.Generator) -> Vector:
        model = self.noiseless(state, forget)
        return model + (super().unlearn(state, forget, generator) - model) / 100


class NoiseFromForgottenRows(SoundNewton):
    """Covers the distance of each request by noise of its own: right for every request, and the noise tells which.

    The distance bound |sum of the forgotten gradients| / (l2 retained) holds, and so does the calibration; yet
    the comparator has no such noise, and two requests are told apart by the size of their noise.
    """

    noise_scale: Any = None  # it cannot be declared: it is no function of the sizes

    def distance_bound(self, state: Trained, forget: Sequence[int]) -> float:
        rows = np.isin(state.data.ids, list(forget))
        features, labels = state.data.features[rows], state.data.labels[rows]
        pull = gradient(state.model, features, labels, self.l2) if rows.any() else np.zeros_like(state.model)
        return float(np.linalg.norm(pull)) * len(forget) / (self.l2 * (len(state.data.labels) - len(forget))) + 1e-13

    def noiseless(self, state: Trained, forget: Sequence[int]) -> Vector:
        state.data.without(forget)
        return state.model

    def unlearn(self, state: Trained, forget: Sequence[int], generator: np.random.Generator) -> Vector:
        model = self.noiseless(state, forget)
        covered = max(self.budget(len(state.data.labels) - len(forget)), self.distance_bound(state, forget))
        return model + self.multiplier * covered * generator.standard_normal(model.shape)


class WrongSign(SoundNewton):
    """Takes its Newton step uphill, and declares the distance that the right step would have reached."""

    def noiseless(self, state: Trained, forget: Sequence[int]) -> Vector:
        retained = state.data.without(forget)
        if not len(forget):
            return state.model
        return state.model - newton(state.model, retained.features, retained.labels, self.l2)

    def distance_bound(self, state: Trained, forget: Sequence[int]) -> float:
        return self.budget(len(state.data.labels) - len(forget))


class WrongRows(SoundNewton):
    """Solves for, and measures its residual on, all rows but the first few, instead of all but the forgotten ones."""

    def rows(self, state: Trained, forget: Sequence[int]) -> Any:
        state.data.without(forget)
        return state.data.without(state.data.ids[: len(forget)].tolist())

    def noiseless(self, state: Trained, forget: Sequence[int]) -> Vector:
        rows = self.rows(state, forget)
        return self.minimise(state.model, rows, self.budget(len(rows.labels)))

    def distance_bound(self, state: Trained, forget: Sequence[int]) -> float:
        return self.residual_distance(self.noiseless(state, forget), self.rows(state, forget)) + 1e-13
