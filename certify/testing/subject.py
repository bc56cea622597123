"""A method under test, and everything that a check may ask of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certify.errors import InputError
from certify.guarantee import Comparator, Guarantee
from certify.objectives.dataset import Dataset

from .check import Refuted, Skip
from .parameters import Vector, flatten
from .problems import Problem, as_dataset, binary, copied, request
from .statistics import Releases, releases_needed

_FEWEST_RELEASES = 400
_MOST_RELEASES = 2400


@dataclass(frozen=True)
class Claim:
    """The two numbers of a guarantee, as exact rationals."""

    epsilon: Fraction
    delta: Fraction

    def __str__(self) -> str:
        return f"({float(self.epsilon):g}, {float(self.delta):g})"


@dataclass(frozen=True)
class Solved:
    """A problem after training, unlearning and retraining, all before noise."""

    problem: Problem
    state: Any
    retained_state: Any
    unlearned: Vector
    retrained: Vector


@dataclass(frozen=True)
class Batch:
    """Independent releases, one a row, and the noiseless model of each where the method tells it."""

    releases: Releases
    means: Releases | None

    @property
    def noise(self) -> Releases:
        """What was added to the noiseless model; raises :class:`Skip` where that is unknown."""
        if self.means is None:
            raise Skip("the method has no noiseless")
        return self.releases - self.means


class Subject:
    """One method, the problems it is tried on and the level of the statistical checks; deterministic in ``seed``."""

    def __init__(self, method: Any, data: Any = None, *, alpha: float = 1e-6, seed: int = 0) -> None:
        if isinstance(method, type):
            raise InputError(f"pass an instance of the method, not the class: {method.__name__}()")
        for name in ("train", "unlearn"):
            if not callable(getattr(method, name, None)):
                raise InputError(
                    f"{type(method).__name__} has no {name}: it needs train(data, generator), unlearn(state, forget, generator)"
                )
        if not 0 < alpha < 1:
            raise InputError(f"alpha is a probability between 0 and 1, not {alpha!r}")
        self.method = method
        self.data = None if data is None else as_dataset(data)
        self.alpha = alpha
        self.seed = seed
        if self.data is not None:
            request(self.generator("probe"), self.data, 1)  # too small a data set is the caller's affair, not the method's
        self._solved: dict[Any, Solved] = {}
        self._batches: dict[Any, Batch] = {}

    # What the method offers

    def has(self, capability: str) -> bool:
        """Whether the method has the optional part."""
        return getattr(self.method, capability, None) is not None

    @property
    def guarantee(self) -> Guarantee | None:
        """The guarantee that the method claims; raises :class:`Refuted` if it cannot be read as one."""
        claimed = getattr(self.method, "guarantee", None)
        if claimed is None:
            return None
        try:
            return Guarantee.of(claimed)
        except (InputError, ValueError, TypeError) as error:
            raise Refuted(f"the guarantee is not well formed: {error}") from None

    @property
    def claim(self) -> Claim:
        """The claimed (epsilon, delta); raises :class:`Skip` if nothing is claimed or the claim cannot be read."""
        try:
            guarantee = self.guarantee
        except Refuted:
            raise Skip("the guarantee cannot be read (see exact.guarantee)") from None
        if guarantee is None:
            raise Skip("the method claims no guarantee")
        if math.isinf(guarantee.epsilon.value):
            raise Skip("the claimed epsilon is infinite")
        return Claim(guarantee.epsilon.rational, guarantee.delta.rational)

    def skip_if_matched(self) -> None:
        """Raise :class:`Skip` where the comparator is said to use the same request-dependent noise."""
        try:
            guarantee = self.guarantee
        except Refuted:
            return
        if guarantee is not None and guarantee.comparator is Comparator.MATCHED:
            raise Skip("the guarantee is 'matched': its comparator uses the same request-dependent noise")

    # Problems and randomness

    def generator(self, *labels: object) -> np.random.Generator:
        """A generator of its own for each list of labels, derived from the seed."""
        return np.random.default_rng([self.seed & 0xFFFFFFFF, zlib.crc32(repr(labels).encode())])

    def problem(self, label: object, *, rows: int = 30, columns: int = 3, forget: int = 3) -> Problem:
        """A problem to try the method on: the caller's data, the method's own, or a drawn binary one."""
        generator = self.generator("problem", label)
        if self.data is not None:
            data = self.data
        elif self.has("problems"):
            try:
                data = as_dataset(self.method.problems(generator))
                request(self.generator("probe"), data, 1)
            except InputError as error:
                raise Refuted(f"problems(generator) gave no usable problem: {error}") from None
        else:
            data = binary(generator, rows, columns)
        return Problem(copied(data), request(generator, data, forget))

    # What the method does

    def train(self, data: Dataset, label: object = "train") -> Any:
        """A state trained on a private copy of the data."""
        return self.method.train(copied(data), self.generator(label))

    def mean(self, state: Any, forget: Sequence[int]) -> Vector:
        """The model before noise."""
        return _finite(flatten(self.method.noiseless(state, list(forget))), "noiseless")

    def release(self, state: Any, forget: Sequence[int], generator: np.random.Generator) -> Vector:
        """One released model."""
        return _finite(flatten(self.method.unlearn(state, list(forget), generator)), "unlearn")

    def model(self, state: Any, forget: Sequence[int], label: object = "release") -> Vector:
        """The model before noise where the method has one, else a release from a generator fixed by ``label``."""
        return self.mean(state, forget) if self.has("noiseless") else self.release(state, forget, self.generator(label))

    def scale(self, count: int, forgotten: int) -> float:
        """The declared standard deviation of the noise; raises :class:`Refuted` unless finite and not negative."""
        scale = _number(self.method.noise_scale(count, forgotten))
        if not (math.isfinite(scale) and scale >= 0):
            raise Refuted(f"noise_scale({count}, {forgotten}) is {scale}, not a nonnegative number")
        return scale

    def declared_distance(self, state: Any, forget: Sequence[int]) -> float:
        """The declared distance to the retrained model; raises :class:`Refuted` for nan or a negative number."""
        bound = _number(self.method.distance_bound(state, list(forget)))
        if not bound >= 0:
            raise Refuted(f"distance_bound is {bound}, not a nonnegative number")
        return bound

    def solve(self, problem: Problem, key: object) -> Solved:
        """Train on all rows and unlearn, train on the retained rows and do not; cached under ``key``."""
        if key not in self._solved:
            state, retained = self.train(problem.data), self.train(problem.retained)
            self._solved[key] = Solved(problem, state, retained, self.mean(state, problem.forget), self.mean(retained, ()))
        return self._solved[key]

    # Repeated releases

    def count_of_releases(self) -> int:
        """How many releases a statistical check draws: enough to refute the claimed epsilon, within limits."""
        return max(_FEWEST_RELEASES, min(_MOST_RELEASES, releases_needed(float(self.claim.epsilon), self.alpha)))

    def batch(self, label: object, data: Dataset, forget: Sequence[int], count: int) -> Batch:
        """``count`` independent releases, each from a training run of its own unless training is deterministic."""
        key = ("unlearned", label, count)
        if key in self._batches:
            return self._batches[key]
        generator = self.generator("noise", key)
        state = self.train(data, (key, 0))
        fixed = self.has("noiseless") and self._deterministic(data, state, forget, key)
        releases: list[Vector] = []
        means: list[Vector] = []
        for index in range(count):
            if index and not fixed:
                state = self.train(data, (key, index))
            releases.append(self.release(state, forget, generator))
            if self.has("noiseless") and not (fixed and means):
                means.append(self.mean(state, forget))
        stacked = np.array(releases)
        expected = None if not means else np.broadcast_to(means[0], stacked.shape) if fixed else np.array(means)
        self._batches[key] = Batch(stacked, expected)
        return self._batches[key]

    def _deterministic(self, data: Dataset, state: Any, forget: Sequence[int], key: object) -> bool:
        """Whether four more training runs, each with another generator, give the same noiseless model bit for bit."""
        expected = self.mean(state, forget)
        again = (self.train(data, (key, "again", index)) for index in range(4))
        return all(np.array_equal(self.mean(other, forget), expected) for other in again)

    def retrained_batch(self, label: object, data: Dataset, count: int) -> Batch:
        """``count`` independent releases of the method's own ``retrain``."""
        if ("retrained", label, count) not in self._batches:
            generator = self.generator("retrained", label)
            held = copied(data)
            rows = [_finite(flatten(self.method.retrain(held, generator)), "retrain") for _ in range(count)]
            self._batches["retrained", label, count] = Batch(np.array(rows), None)
        return self._batches["retrained", label, count]


def _finite(vector: Vector, name: str) -> Vector:
    if not np.all(np.isfinite(vector)):
        raise Refuted(f"{name} returned a parameter that is nan or infinite")
    return vector


def _number(value: Any) -> float:
    if isinstance(value, Mapping):
        raise Refuted("a number was expected, not a mapping")
    return float(value.value) if hasattr(value, "side") else float(value)
