"""The problems that methods are tried on: valid, changed in the forgotten rows only, and fair to every kind of label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.errors import InputError
from certify.objectives.dataset import Dataset
from certify.testing.parameters import distance, flatten, layout
from certify.testing.problems import Problem, as_dataset, binary, exchanged, flipped, other_labels, permuted, request

SIZES = {
    "rows": st.integers(12, 40),
    "columns": st.integers(1, 5),
    "forget": st.integers(1, 6),
    "seed": st.integers(0, 2**32 - 1),
}


def drawn(rows: int, columns: int, forget: int, seed: int) -> Problem:
    generator = np.random.default_rng(seed)
    data = binary(generator, rows, columns)
    return Problem(data, request(generator, data, forget))


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_drawn_problems_are_binary_with_rows_in_the_unit_ball(rows: int, columns: int, forget: int, seed: int) -> None:
    problem = drawn(rows, columns, forget, seed)
    assert set(np.unique(problem.data.labels)) == {-1.0, 1.0}
    assert np.all(np.linalg.norm(problem.data.features, axis=1) <= 1)
    assert 1 <= len(problem.forget) == len(set(problem.forget)) <= forget
    assert min(np.unique(problem.retained.labels, return_counts=True)[1]) >= 2


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_changes_leave_the_retained_rows_alone(rows: int, columns: int, forget: int, seed: int) -> None:
    problem = drawn(rows, columns, forget, seed)
    for changed in (flipped(problem), exchanged(problem, weight=1.0, flip=True), exchanged(problem, weight=0.05, flip=False)):
        np.testing.assert_array_equal(changed.retained.features, problem.retained.features)
        np.testing.assert_array_equal(changed.retained.labels, problem.retained.labels)
        assert changed.forget == problem.forget
        assert np.all(np.linalg.norm(changed.data.features, axis=1) <= 1)
        assert not np.array_equal(changed.data.features, problem.data.features) or not np.array_equal(
            changed.data.labels, problem.data.labels
        )


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_a_request_follows_its_rows_when_they_are_permuted(rows: int, columns: int, forget: int, seed: int) -> None:
    problem = drawn(rows, columns, forget, seed)
    other = permuted(problem, np.random.default_rng(seed).permutation(rows))
    for before, after in zip(problem.forget, other.forget, strict=True):
        np.testing.assert_array_equal(problem.data.features[before], other.data.features[after])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1] * 8),
        np.array(["cat", "dog"] * 8),
        np.array([0, 1, 2, 1] * 4),
        np.linspace(0.1, 1, 24),
        np.array([True, False] * 8),
    ],
    ids=["zero-one", "words", "three", "regression", "truth"],
)
def test_every_kind_of_label_can_be_made_wrong(labels: Any) -> None:
    wrong = other_labels(labels)
    assert wrong.shape == labels.shape
    assert wrong.dtype == labels.dtype
    assert np.all(wrong != labels)
    problem = Problem(Dataset(np.eye(len(labels)), labels), (1, 2))
    for change in (flipped(problem), exchanged(problem, weight=1.0, flip=True)):
        assert change.data.labels.dtype == labels.dtype


def test_a_rare_class_is_never_forgotten_away() -> None:
    labels = np.array([0, 0] + [1] * 10)
    data = Dataset(np.ones((12, 1)), labels)
    for seed in range(20):
        assert not {0, 1} & set(request(np.random.default_rng(seed), data, 5))
    with pytest.raises(InputError, match="too small"):
        request(np.random.default_rng(0), Dataset(np.ones((3, 1)), np.array([0, 1, 1])), 1)


def test_pairs_of_arrays_or_tensors_are_data() -> None:
    torch = pytest.importorskip("torch")
    assert as_dataset((torch.ones(4, 2), torch.arange(4))).labels.tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="pair"):
        as_dataset(3)


def test_parameters_are_read_as_one_vector_in_the_order_of_their_names() -> None:
    torch = pytest.importorskip("torch")
    named = {"b": torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16, requires_grad=True), "a": 0.5}
    assert flatten(named).tolist() == [0.5, 1.0, 2.0]
    assert layout(named) == (("a", ()), ("b", (1, 2)))
    for unreadable in ("text", {}, object()):
        with pytest.raises(AssertionError):
            flatten(unreadable)
    with pytest.raises(AssertionError, match="parameters"):
        distance(np.zeros(2), np.zeros(3))
