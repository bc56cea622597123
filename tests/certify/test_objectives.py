"""Objectives: closed forms against automatic differentiation, views that copy nothing, refusals of bad tables."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import InputError
from certify.objectives import Dataset, LinearObjective, Logistic, Ridge, Softmax


@st.composite
def objectives(draw: st.DrawFn) -> tuple[LinearObjective, torch.Tensor]:
    """A small objective, perhaps with rows forgotten, and parameters."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(6, 300)), draw(st.integers(1, 40))
    features = random.standard_normal((rows, columns))
    kind, intercept = draw(st.sampled_from(["logistic", "softmax", "ridge"])), draw(st.booleans())
    objective: LinearObjective
    if kind == "logistic":
        objective = Logistic(features, np.arange(rows) % 2, l2=0.1, intercept=intercept)
    elif kind == "softmax":
        objective = Softmax(features, np.array(["a", "b", "c"])[np.arange(rows) % 3], l2=0.1, intercept=intercept)
    else:
        objective = Ridge(features, random.standard_normal(rows), l2=0.1, intercept=intercept)
    if draw(st.booleans()):
        objective = objective.without([0, rows - 1])
    return objective, torch.from_numpy(random.standard_normal(objective.dimension))


def functional(objective: LinearObjective, parameters: torch.Tensor) -> torch.Tensor:
    """The objective written out for automatic differentiation, on copies of the retained rows."""
    rows = objective.design.select(objective.ids)
    predictors = rows @ parameters.reshape(objective.outputs, -1).T
    losses = objective.losses(predictors, objective.labels[torch.from_numpy(objective.ids)])
    return losses.mean() + objective.l2 / 2 * (parameters**2).sum()


@given(objectives())
def test_gradient_hessian_and_product_agree_with_automatic_differentiation(problem: tuple[LinearObjective, torch.Tensor]) -> None:
    objective, parameters = problem
    gradient = torch.func.grad(lambda w: functional(objective, w))(parameters)
    hessian = torch.func.hessian(lambda w: functional(objective, w))(parameters)
    close = {"rtol": 1e-10, "atol": 1e-11}
    torch.testing.assert_close(objective.gradient(parameters), gradient, **close)
    torch.testing.assert_close(objective.hessian(parameters), hessian, **close)
    torch.testing.assert_close(objective.hessian_product(parameters, gradient), hessian @ gradient, **close)
    assert objective.value(parameters) == pytest.approx(float(functional(objective, parameters)), rel=1e-12)


@given(objectives())
def test_the_rows_taken_away_account_for_the_difference_of_the_sums(problem: tuple[LinearObjective, torch.Tensor]) -> None:
    objective, parameters = problem
    weights, forget = objective.weights(parameters), objective.ids[[0, 2]]
    smaller = objective.without(forget)
    torch.testing.assert_close(
        objective.curvature_sum(weights) - objective.select(forget).curvature_sum(weights),
        smaller.curvature_sum(weights),
        rtol=1e-9,
        atol=1e-9,
    )
    difference = objective.loss_part(weights)[0] - objective.select(forget).loss_part(weights)[0]
    torch.testing.assert_close(difference, smaller.loss_part(weights)[0], rtol=1e-9, atol=1e-9)


@given(objectives())
def test_a_compact_copy_has_the_same_value(problem: tuple[LinearObjective, torch.Tensor]) -> None:
    objective, parameters = problem
    alone = objective.compact()
    assert alone.count == objective.count and alone.features.shape[0] == alone.count
    assert alone.value(parameters) == pytest.approx(objective.value(parameters), rel=1e-12)
    assert alone.commitment_labels.tolist() == objective.commitment_labels.tolist()


def test_forgetting_copies_no_row_and_changes_nothing_in_place() -> None:
    features, labels = np.random.default_rng(0).standard_normal((50, 3)), np.arange(50) % 2
    before = features.copy()
    objective = Logistic(features, labels, l2=0.1)
    smaller = objective.without([3, 4])
    assert smaller.features.data_ptr() == objective.features.data_ptr() == torch.from_numpy(features).data_ptr()
    smaller.measure(torch.ones(3))
    assert (features == before).all() and smaller.count == 48 and objective.count == 50


def test_float32_rows_are_exact_data() -> None:
    features = np.random.default_rng(0).standard_normal((100, 5)).astype(np.float32)
    labels = np.arange(100) % 2
    parameters = torch.ones(5, dtype=torch.float64)
    single, double = Logistic(features, labels, l2=0.1), Logistic(features.astype(np.float64), labels, l2=0.1)
    assert torch.equal(single.gradient(parameters), double.gradient(parameters))


def test_the_larger_label_value_is_the_positive_class() -> None:
    objective = Logistic(np.array([[1.0], [-1.0]]), ["no", "yes"], l2=1.0)
    assert objective.labels.tolist() == [-1.0, 1.0] and objective.predict(torch.tensor([1.0]), np.array([[2.0]])).tolist() == [
        "yes"
    ]


def test_read_only_strided_and_integer_tables_are_accepted() -> None:
    base = np.arange(24).reshape(6, 4)
    frozen = base.astype(np.float64)
    frozen.flags.writeable = False
    labels = [0, 1, 0, 1, 0, 1]
    values = {
        float(Logistic(table, labels, l2=0.1).value(torch.full((4,), 0.01)))
        for table in (base, frozen, np.asfortranarray(frozen), frozen[::-1][::-1], torch.from_numpy(base.copy()))
    }
    assert len(values) == 1


@pytest.mark.parametrize(
    ("features", "labels", "options", "message"),
    [
        ([[1.0], [np.nan]], [0, 1], {}, "row 1, column 0 is nan"),
        ([[1.0], [np.inf]], [0, 1], {}, "row 1, column 0 is inf"),
        ([["a"], ["b"]], [0, 1], {}, "must be numbers"),
        ([[1.0], [2.0]], [0], {}, "as many labels"),
        ([[1.0], [2.0]], [0, 0], {}, "needs labels of 2 values"),
        ([[1.0], [2.0], [3.0]], [0, 1, 2], {}, "use Softmax"),
        ([[1.0], [2.0]], [0, np.nan], {}, "label of row 1"),
        ([[1.0], [2.0]], [0, 1], {"l2": 0.0}, "l2 must be a positive"),
        ([[1.0], [2.0]], [0, 1], {"l2": -1.0}, "l2 must be a positive"),
        ([[1.0], [2.0]], [0, 1], {"l2": np.inf}, "l2 must be a positive"),
        ([], [], {}, "at least one row"),
        ([[1e200], [1e200]], [0, 1], {"classes": (5, 6)}, "not one of the model's classes"),
        ([[1 + 1j], [2.0]], [0, 1], {}, "must be numbers"),
        ([[1.0], [2.0]], [5, 5], {"classes": (5, 5)}, "needs labels of 2 values"),
    ],
)
def test_bad_tables_get_one_clear_line(
    features: list[list[object]], labels: list[object], options: dict[str, object], message: str
) -> None:
    table = np.array(features) if features else np.empty((0, 0))
    with pytest.raises(InputError, match=message) as caught:
        Logistic(table, np.array(labels), **{"l2": 0.1, **options})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_extended_doubles_are_refused_rather_than_rounded() -> None:
    with pytest.raises(InputError, match="are not doubles"):
        Ridge(np.ones((2, 1), dtype=np.longdouble), [1.0, 2.0], l2=0.1)


@pytest.mark.parametrize(
    ("features", "labels", "l2", "message"),
    [
        ([[1.0, 2.0], [3.0]], [0, 1], 0.1, "other lengths"),
        (torch.eye(2).to_sparse(), [0, 1], 0.1, "dense table"),
        (np.ma.array(np.eye(2), mask=[[True, False], [False, False]]), [0, 1], 0.1, "masked"),
        ([[2**53 + 1], [0]], [0, 1], 0.1, "not all of them doubles"),
        (np.eye(2), np.ma.array([0, 1], mask=[True, False]), 0.1, "masked"),
        (np.eye(2), [[0, 1], [1]], 0.1, "one value a row"),
        (np.eye(2), np.array(["a", None], dtype=object), 0.1, "numbers or text"),
        (np.eye(2), [0, 1], "small", "l2 must be a positive"),
    ],
)
def test_whatever_is_not_a_table_of_doubles_with_a_label_a_row_gets_one_clear_line(
    features: object, labels: object, l2: object, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Logistic(features, labels, l2=l2)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_text_kept_as_python_objects_is_text() -> None:
    texts = ["yes", "no", "yes"]
    kept, plain = Logistic(np.eye(3), np.array(texts, dtype=object), l2=1.0), Logistic(np.eye(3), texts, l2=1.0)
    assert kept.classes == plain.classes and torch.equal(kept.labels, plain.labels)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([99], "id 99 is not in the data"),
        ([-1], "id -1"),
        ([1, 1], "more than once"),
        ([0, 1, 2], "leaves nothing"),
        ([0.5], "integers"),
    ],
)
def test_unusable_requests_are_refused(ids: list[int], message: str) -> None:
    objective = Ridge(np.eye(3), [1.0, 2.0, 3.0], l2=0.1)
    with pytest.raises(InputError, match=message):
        objective.without(ids)


def test_forgotten_records_cannot_be_forgotten_again() -> None:
    with pytest.raises(InputError, match="forgotten before"):
        Ridge(np.eye(3), [1.0, 2.0, 3.0], l2=0.1).without([1]).without([1])


def test_data_sets_keep_ids_and_refuse_bad_shapes() -> None:
    data = Dataset(np.eye(3), np.arange(3), np.array([10, 20, 30]))
    assert data.without([20]).ids.tolist() == [10, 30] and data.count == 3
    with pytest.raises(InputError, match="n labels"):
        Dataset(np.eye(3), np.arange(2))
    with pytest.raises(InputError, match="unique"):
        Dataset(np.eye(2), np.arange(2), np.array([1, 1]))
