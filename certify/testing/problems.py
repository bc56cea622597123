"""Small problems to try a method on, and the changes made to them: flip, exchange, permute, renumber."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certify.arrays import as_array
from certify.errors import InputError
from certify.objectives.dataset import Dataset

_FEW = 20  # this many distinct label values or fewer are classes; more are a regression target


@dataclass(frozen=True)
class Problem:
    """A data set and the ids to forget from it."""

    data: Dataset
    forget: tuple[int, ...]

    @property
    def retained(self) -> Dataset:
        """The data set without the forgotten rows."""
        return self.data.without(self.forget)

    def described(self) -> str:
        """Sizes, for the detail of a check."""
        rows, columns = self.data.features.shape
        return f"{rows} rows of {columns} columns, forgetting {list(self.forget)}"


def binary(generator: np.random.Generator, rows: int, columns: int) -> Dataset:
    """A drawn data set with labels -1 and +1, both frequent, and rows of norm at most 1."""
    features = generator.standard_normal((rows, columns))
    features *= generator.uniform(0.2, 1.0, (rows, 1)) / np.linalg.norm(features, axis=1, keepdims=True)
    direction = generator.standard_normal(columns)
    score = features @ direction + 0.3 * generator.standard_normal(rows)
    labels = np.where(score > np.median(score), 1.0, -1.0)
    return Dataset(features, labels)


def as_dataset(data: Any) -> Dataset:
    """A data set from a ``Dataset`` or a pair (features, labels); raises ``InputError`` for anything else."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Sequence) and len(data) == 2:
        return Dataset(*map(as_array, data))
    raise InputError(f"data to test on is a Dataset or a pair (features, labels), not {type(data).__name__}")


def copied(data: Dataset) -> Dataset:
    """The same values in arrays of their own, so that a method that writes into them spoils nothing else."""
    return Dataset(data.features.copy(), data.labels.copy(), data.ids.copy())


def request(generator: np.random.Generator, data: Dataset, count: int) -> tuple[int, ...]:
    """Up to ``count`` ids to forget (at least one), leaving at least two rows of every class."""
    order = generator.permutation(data.count)
    chosen: list[int] = []
    values, counts = np.unique(data.labels, return_counts=True)
    left = dict(zip(values.tolist(), counts.tolist(), strict=True)) if len(values) <= _FEW else {}
    for position in order:
        if len(chosen) == min(count, data.count - 2):
            break
        label = data.labels[position].item()
        if left and left[label] <= 2:
            continue
        if left:
            left[label] -= 1
        chosen.append(int(data.ids[position]))
    if not chosen:
        raise InputError("the data set is too small to forget a row and keep two of every class: give more rows")
    return tuple(chosen)


def other_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """Every label replaced by another one: the next class, or the negative of a regression target."""
    values = np.unique(labels)
    if len(values) > _FEW and labels.dtype.kind in "fi":
        return np.asarray(-labels)
    if len(values) == 1:
        return labels.copy()
    return np.asarray(np.roll(values, -1)[np.searchsorted(values, labels)])


def flipped(problem: Problem) -> Problem:
    """The problem whose forgotten rows carry wrong labels, so that they pull the trained model away."""
    labels = problem.data.labels.copy()
    rows = np.isin(problem.data.ids, problem.forget)
    labels[rows] = other_labels(problem.data.labels)[rows]
    return Problem(Dataset(problem.data.features.copy(), labels, problem.data.ids.copy()), problem.forget)


def exchanged(problem: Problem, *, weight: float, flip: bool) -> Problem:
    """The problem with other forgotten rows and the same retained ones.

    The new rows point where the retained labels grow and have ``weight`` times the greatest row norm; with
    ``flip`` they carry the least label and contradict the retained rows, without it the greatest, and agree.
    """
    data, rows = problem.data, np.isin(problem.data.ids, problem.forget)
    kept = data.features[~rows].astype(np.float64)
    greatest = float(np.max(np.linalg.norm(data.features.astype(np.float64), axis=1)))
    values, codes = np.unique(data.labels, return_inverse=True)
    axis = kept.T @ (codes[~rows] - np.mean(codes[~rows]))
    size = float(np.linalg.norm(axis))
    axis = axis / size if size > 0 else np.eye(kept.shape[1])[0]
    label = values[0] if flip else values[-1]
    features, labels = data.features.copy(), data.labels.copy()
    features[rows] = (weight * greatest * (1 - 1e-12) * axis).astype(features.dtype)
    labels[rows] = label
    return Problem(Dataset(features, labels, data.ids.copy()), problem.forget)


def permuted(problem: Problem, order: NDArray[np.int64]) -> Problem:
    """The same rows in another order, numbered anew, with the request following its rows."""
    data = problem.data
    place = {int(data.ids[row]): position for position, row in enumerate(order)}
    return Problem(Dataset(data.features[order], data.labels[order]), tuple(place[item] for item in problem.forget))
