"""Unlearning: budgets that no record touches, an accept test before every release, sequences, exactness."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import true_minimiser
from real_data import REAL

import certify
from certify.errors import CannotDecide
from certify.fitting import Policy
from certify.methods.exact import exact_candidate
from certify.methods.retraining import retrained_candidate
from certify.objectives import LinearObjective, Logistic, Ridge, Softmax


@pytest.fixture(scope="module")
def fitted() -> certify.Fitted:
    """Breast cancer, fitted."""
    return certify.fit(REAL["breast-cancer"](1e-2))


def small(kind: str, seed: int = 0, rows: int = 60) -> LinearObjective:
    """A small drawn problem."""
    random = np.random.default_rng(seed)
    features = random.uniform(-1, 1, (rows, 4))
    if kind == "ridge":
        return Ridge(features, random.uniform(-1, 1, rows), l2=0.1)
    return (Logistic if kind == "logistic" else Softmax)(features, np.arange(rows) % (2 if kind == "logistic" else 3), l2=0.1)


@pytest.mark.parametrize("kind", ["logistic", "softmax", "ridge"])
@pytest.mark.parametrize("method", ["newton", "retrain"])
@pytest.mark.parametrize("forget", [[], [5], [0, 1, 2, 59]])
def test_the_un_noised_model_is_within_the_budget_of_the_retrained_one(kind: str, method: str, forget: list[int]) -> None:
    run = certify.unlearn(certify.fit(small(kind)), forget, epsilon=1, delta="1e-5", method=method)
    true = true_minimiser(run.objective, run.noiseless).distance(run.noiseless)
    assert true <= run.distance.value and run.distance.at_most(run.distance_budget.rational)
    assert run.noise is not None and run.noise.sensitivity.value >= run.distance_budget.value


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_the_noise_scale_is_a_function_of_public_values_and_the_retained_count(seed: int, forgotten: int) -> None:
    random = np.random.default_rng(seed)
    forget = random.choice(60, forgotten, replace=False).tolist()
    run = certify.unlearn(certify.fit(small("logistic", seed)), forget, epsilon=1, delta="1e-5")
    other = certify.unlearn(certify.fit(small("logistic", seed + 1, rows=60 - forgotten)), [], epsilon=1, delta="1e-5")
    assert run.noise is not None and other.noise is not None
    assert run.noise.sigma.value == other.noise.sigma.value
    assert run.noise.sigma.value == certify.methods.NewtonUnlearning(l2=0.1).noise_scale(60, forgotten)


def test_a_budget_below_the_rounding_floor_releases_nothing(fitted: certify.Fitted) -> None:
    with pytest.raises(certify.BudgetNotReached, match="nothing was released"):
        certify.unlearn(fitted, [3], epsilon=1, delta="1e-5", distance_budget="1e-16")


def test_a_decimal_budget_is_compared_exactly(fitted: certify.Fitted) -> None:
    run = certify.unlearn(fitted, [3], epsilon=1, delta="1e-5", distance_budget="0.1")
    assert run.distance_budget.rational == Fraction(1, 10) and run.budget_source == "caller"


def test_a_class_that_only_deleted_records_had_is_an_exclusion() -> None:
    """The model keeps a row of parameters for it, and the certificate its name."""
    rows, labels = np.random.default_rng(0).uniform(-1, 1, (30, 3)), np.array([0] * 14 + [1] * 15 + [2])
    read, declared = Softmax(rows, labels, l2=0.1), Softmax(rows, labels, l2=0.1, classes=(0, 1, 2))
    for objective, forget, said in ((read, [29], True), (read, [0], False), (declared, [29], False)):
        run = certify.unlearn(certify.fit(objective), forget, epsilon=1, delta="1e-5")
        assert any("classes=" in words for words in run.exclusions) is said


def test_the_empty_request_is_noised_too(fitted: certify.Fitted) -> None:
    run = certify.unlearn(fitted, [], epsilon=1, delta="1e-5")
    assert not torch.equal(run.model, run.noiseless) and run.objective.count == 569


def test_fresh_entropy_differs_and_a_generator_becomes_an_exclusion(fitted: certify.Fitted) -> None:
    first, second = (certify.unlearn(fitted, [3], epsilon=1, delta="1e-5") for _ in range(2))
    assert torch.equal(first.noiseless, second.noiseless) and not torch.equal(first.model, second.model)
    assert first.exclusions == ()
    chosen = [certify.unlearn(fitted, [3], epsilon=1, delta="1e-5", generator=np.random.default_rng(1)) for _ in range(2)]
    assert torch.equal(chosen[0].model, chosen[1].model) and "noise: caller-controlled" in chosen[0].exclusions


@pytest.mark.parametrize("sampler", ["rounded-normal", "discrete"])
def test_parameters_too_large_for_the_grid_of_the_noise_release_nothing(sampler: str) -> None:
    """Labels of a thousand millions, and a distance budget for labels of one."""
    rows = np.random.default_rng(0).uniform(-0.5, 0.5, (60, 4))
    state = certify.fit(Ridge(rows, rows[:, 0] * 1e9, l2=0.05))
    with pytest.raises(certify.InputError, match="nothing was released") as caught:
        certify.unlearn(state, [1], epsilon=1, delta="1e-5", sampler=sampler)
    assert "label_bound=" in str(caught.value)
    run = certify.unlearn(state, [1], epsilon=1, delta="1e-5", sampler=sampler, label_bound=1e9)
    assert certify.verify(run, data=(rows, rows[:, 0] * 1e9)).holds


def test_a_second_deletion_continues_from_the_first(fitted: certify.Fitted) -> None:
    first = certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")
    second = certify.unlearn(first, [4], epsilon=1, delta="1e-5")
    assert second.previous is first and second.objective.count == 566
    together = certify.unlearn(fitted, [3, 4, 17], epsilon=1, delta="1e-5")
    gap = float(torch.linalg.vector_norm(second.noiseless - together.noiseless))
    assert gap <= second.distance.value + together.distance.value
    with pytest.raises(certify.InputError, match="forgotten before"):
        certify.unlearn(second, [17], epsilon=1, delta="1e-5")


def test_retraining_depends_on_the_retained_rows_alone() -> None:
    objective = small("logistic")
    rows, labels = objective.retained_rows()
    moved, kept = np.concatenate([rows[50:51] * -2, rows]), np.concatenate([[1], labels])
    direct = certify.unlearn(certify.fit(objective), [], epsilon=1, delta="1e-5", method="retrain")
    detour = certify.unlearn(certify.fit(Logistic(moved, kept, l2=0.1)), [0], epsilon=1, delta="1e-5", method="retrain")
    assert torch.equal(direct.noiseless, detour.noiseless)


def test_retraining_depends_on_no_memory_layout() -> None:
    random = np.random.default_rng(6)
    rows = random.standard_normal((700, 37))
    labels = (rows[:, 0] + random.standard_normal(700) > 0).astype(int)
    one, two = (retrained_candidate(Logistic(table, labels, l2=0.01)) for table in (rows, np.asfortranarray(rows)))
    assert torch.equal(one.parameters, two.parameters)


def test_the_budget_and_the_noise_read_the_same_scales() -> None:
    """Decimal scales whose doubles have a larger product: the accept test was an ulp laxer than the noise."""
    objective = Ridge(np.eye(3), [1.0, 2.0, 3.0], l2=0.1)
    run = certify.unlearn(
        certify.fit(objective), [], epsilon=1, delta="1e-5",
        row_bound="2.04653504485633908", label_bound="0.98893745402884092",
    )  # fmt: skip
    assert run.noise is not None and run.distance_budget.rational <= run.noise.sensitivity.rational


def test_an_exact_solution_beyond_the_doubles_is_not_decided() -> None:
    objective = Ridge(np.full((2, 1), 1e-10), [1e300, 1e300], l2=1e-20)
    with pytest.raises(CannotDecide, match="beyond"):
        exact_candidate(objective)


def test_the_exact_method_releases_the_correctly_rounded_minimiser() -> None:
    run = certify.unlearn(certify.fit(small("ridge")), [1, 2], method="exact")
    truth = true_minimiser(run.objective)
    assert run.noise is None and run.guarantee.epsilon.value == run.guarantee.delta.value == 0
    assert run.model.tolist() == [float(value.mid()) for value in truth.point]


def test_the_exact_method_is_for_ridge_and_falls_back_to_noise_when_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(certify.InputError, match="ridge"):
        certify.unlearn(certify.fit(small("logistic")), [1], method="exact")
    monkeypatch.setattr("certify.methods.exact._MOST_WORK", 1.0)
    state = certify.fit(small("ridge"))
    with pytest.raises(certify.CannotDecide, match="newton"):
        certify.unlearn(state, [1], method="exact")
    run = certify.unlearn(state, [1], method="exact", epsilon=1, delta="1e-5")
    assert run.noise is not None and run.method == "newton" and any("could not decide" in line for line in run.exclusions)


def test_a_policy_committed_at_the_fit_needs_no_numbers_later() -> None:
    state = certify.fit(small("logistic"), policy=Policy(epsilon=1, delta="1e-5"))
    assert certify.unlearn(state, [1]).guarantee.epsilon.value == 1
    with pytest.raises(certify.InputError, match="epsilon and delta"):
        certify.unlearn(certify.fit(small("logistic")), [1])


def test_many_parameters_are_fitted_and_unlearned_by_conjugate_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = certify.fit(small("softmax", rows=200))
    for module in ("certify.newton", "certify.methods.newton"):
        monkeypatch.setattr(f"{module}.DENSE_LIMIT", 2)
    iterative = certify.fit(small("softmax", rows=200))
    assert iterative.curvature is None
    gap = float(torch.linalg.vector_norm(dense.parameters - iterative.parameters))
    assert gap <= dense.distance.value + iterative.distance.value
    run = certify.unlearn(iterative, [1, 2], epsilon=1, delta="1e-5")
    assert true_minimiser(run.objective, run.noiseless).distance(run.noiseless) <= run.distance.value


def test_data_without_a_norm_of_one_fits_too() -> None:
    random = np.random.default_rng(3)
    features = random.standard_normal((300, 6)) * np.array([1e3, 1, 1e-3, 50, 7, 0.2])
    state = certify.fit(Logistic(features, features[:, 1] + random.standard_normal(300) > 0, l2=1e-3))
    assert state.distance.value < 1e-6


def test_printing_shows_no_secret(fitted: certify.Fitted) -> None:
    run = certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")
    for text in (repr(fitted), repr(run), str(run), repr(run.fitted)):
        assert "tensor(" not in text and "forget=" not in text
        assert repr(run.seed) not in text and f"{float(run.noiseless[0]):.4f}" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"forget": [9999]}, "id 9999 is not in the data"),
        ({"forget": [1, 1]}, "more than once"),
        ({"forget": range(569)}, "leaves nothing"),
        ({"forget": [0.5]}, "whole numbers"),
        ({"forget": 3}, "list of row positions"),
        ({"epsilon": -1}, "epsilon"),
        ({"delta": 0}, "delta"),
        ({"delta": 1}, "delta"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"method": "magic"}, "unknown method"),
        ({"distance_budget": 0}, "distance_budget"),
        ({"distance_budget": -1}, "distance_budget"),
        ({"tolerance": -1}, "tolerance"),
        ({"row_bound": 0}, "row_bound"),
    ],
)
def test_bad_requests_get_one_clear_line(fitted: certify.Fitted, arguments: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"forget": [3], "epsilon": 1, "delta": "1e-5", **arguments}
    with pytest.raises(certify.InputError, match=message) as caught:
        certify.unlearn(fitted, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_request_may_come_in_any_array_of_whole_numbers(fitted: certify.Fitted) -> None:
    for request in ([1, 2], np.array([1, 2]), torch.tensor([1, 2]), {1, 2}, range(1, 3)):
        assert certify.unlearn(fitted, request, epsilon=1, delta="1e-5").forget == (1, 2)  # type: ignore[arg-type]
    for wrong in (torch.tensor([1.0]), torch.tensor([True]), torch.tensor(1)):
        with pytest.raises(certify.InputError):
            certify.unlearn(fitted, wrong, epsilon=1, delta="1e-5")  # type: ignore[arg-type]


def test_a_fit_starts_from_an_objective() -> None:
    for wrong in (None, np.eye(3)):
        with pytest.raises(certify.InputError, match="objective"):
            certify.fit(wrong)  # type: ignore[arg-type]


def test_unlearning_starts_from_a_fit() -> None:
    with pytest.raises(certify.InputError, match=r"certify\.fit"):
        certify.unlearn(small("ridge"), [1], epsilon=1, delta="1e-5")  # type: ignore[arg-type]
