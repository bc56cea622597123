"""The certified distance against the true one, known to thirty digits, on real data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import true_minimiser
from real_data import REAL
from sklearn.datasets import load_breast_cancer, load_wine

import certify
from certify.distances import enclosed_distance
from certify.objectives import LinearObjective, Logistic, Ridge, Softmax

SHARP = 1.2


@pytest.mark.parametrize("l2", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("name", ["breast-cancer", "digits-3-8", "wine"])
@pytest.mark.parametrize("forgotten", [1, 10, 50])
def test_the_certified_distance_covers_the_true_one_and_is_sharp(name: str, l2: float, forgotten: int) -> None:
    objective = REAL[name](l2)
    fitted = certify.fit(objective)
    forget = np.random.default_rng(forgotten).choice(objective.count, forgotten, replace=False).tolist()
    run = certify.unlearn(fitted, forget, epsilon=1, delta="1e-5")
    truth = true_minimiser(run.objective, run.noiseless)
    assert truth.error < 1e-30
    assert run.distance.value >= truth.distance(run.noiseless)
    candidates = [fitted.parameters, run.noiseless]
    candidates += [run.noiseless + 10.0**power * (fitted.parameters - run.noiseless) for power in (-1, -2, -4, -9)]
    for parameters in candidates:
        true = truth.distance(parameters)
        assert true <= certify.distance(run.objective, parameters).value <= SHARP * true, (name, l2, forgotten)


@pytest.mark.parametrize("l2", [1e-2, 1e-4])
@pytest.mark.parametrize("kind", [Logistic, Softmax, Ridge])
def test_columns_of_any_scale_and_candidates_however_far_are_bounded_sharply(kind: type[LinearObjective], l2: float) -> None:
    """Raw measurements: rounding over l2 is large, and a saturated loss has no curvature left but l2."""
    features, labels = load_wine(return_X_y=True) if kind is Softmax else load_breast_cancer(return_X_y=True)
    objective = kind(features, labels, l2=l2)  # type: ignore[call-arg]
    run = certify.unlearn(
        certify.fit(objective),
        list(range(50)),
        epsilon=1,
        delta="1e-5",
        row_bound=5000,
        distance_budget=1.0 if kind is Ridge else None,
    )
    truth = true_minimiser(run.objective, run.noiseless)
    assert truth.distance(run.noiseless) <= run.distance.value <= SHARP * truth.distance(run.noiseless)
    way = torch.from_numpy(np.random.default_rng(0).standard_normal(objective.dimension))
    for power in (-10, -8, -6, -3, 0, 2):
        candidate = run.noiseless + 10.0**power * way
        true = truth.distance(candidate)
        assert true <= certify.distance(run.objective, candidate).value <= SHARP * true, power


@pytest.mark.parametrize("l2", [1e-2, 1e-4])
def test_ten_classes_too(l2: float) -> None:
    objective = REAL["ten-digits"](l2)
    run = certify.unlearn(certify.fit(objective), list(range(50)), epsilon=1, delta="1e-5")
    truth = true_minimiser(run.objective, run.noiseless)
    assert truth.distance(run.noiseless) <= run.distance.value <= run.distance_budget.value


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["logistic", "softmax", "ridge"]), st.integers(-8, 1), st.booleans())
def test_any_candidate_is_covered(seed: int, kind: str, power: int, intercept: bool) -> None:
    random = np.random.default_rng(seed)
    features = random.standard_normal((40, 4)) * 10.0 ** random.uniform(-1, 1, 4)
    if kind == "ridge":
        objective: LinearObjective = Ridge(features, random.standard_normal(40), l2=0.05, intercept=intercept)
    elif kind == "logistic":
        objective = Logistic(features, np.arange(40) % 2, l2=0.05, intercept=intercept)
    else:
        objective = Softmax(features, np.arange(40) % 3, l2=0.05, intercept=intercept)
    truth = true_minimiser(objective)
    centre = torch.tensor([float(value.mid()) for value in truth.point], dtype=torch.float64)
    candidate = centre + 10.0**power * torch.from_numpy(random.standard_normal(objective.dimension))
    true = truth.distance(candidate)
    assert certify.distance(objective, candidate).value >= true
    assert enclosed_distance(objective, candidate).value >= true


def test_balls_are_sharper_than_float64_at_the_rounding_floor() -> None:
    objective = REAL["breast-cancer"](1e-4)
    fitted = certify.fit(objective)
    truth = true_minimiser(objective, fitted.parameters)
    inside = enclosed_distance(objective, fitted.parameters).value
    assert truth.distance(fitted.parameters) <= inside <= 1.01 * truth.distance(fitted.parameters) + 1e-20
    assert inside == certify.distance(objective, fitted.parameters).value < fitted.distance.value / 100


def test_the_residual_of_the_wrong_rows_does_not_cover_the_truth() -> None:
    """Negative control: measured on all rows, the fit looks perfect; its distance to the retrained model is not."""
    objective = REAL["breast-cancer"](1e-3)
    fitted = certify.fit(objective)
    retained = objective.without(range(50))
    truth = true_minimiser(retained, fitted.parameters)
    assert certify.distance(objective, fitted.parameters).value < 1e-6 * truth.distance(fitted.parameters)
    assert certify.distance(retained, fitted.parameters).value >= truth.distance(fitted.parameters)


def test_overstated_strong_convexity_would_undercut_the_truth() -> None:
    """Negative control: on one flat direction the plain bound is attained, so nothing larger than l2 is sound."""
    objective = Ridge(np.array([[1e-9]]), [0.0], l2=0.5)
    certified = certify.distance(objective, torch.ones(1)).value
    assert certified >= 1.0 > certified / 1.01


@pytest.mark.parametrize("parameters", [torch.ones(2), torch.full((3,), torch.nan), "abc", None, [[1.0], [2.0, 3.0]]])
def test_unusable_parameters_are_refused(parameters: object) -> None:
    with pytest.raises(certify.InputError):
        certify.distance(Ridge(np.eye(3), [1.0, 2.0, 3.0], l2=0.1), parameters)


def test_a_hessian_that_float64_cannot_factor_leaves_the_plain_bound() -> None:
    """Columns that are equal, and a ridge below the rounding of their Gram matrix."""
    random = np.random.default_rng(3)
    features = np.repeat(random.standard_normal((30, 1)) * 1e6, 5, axis=1)
    objective = Ridge(features, np.zeros(30), l2=1e-9)
    parameters = torch.full((5,), 1e-30, dtype=torch.float64)
    for bound in (certify.distance(objective, parameters), enclosed_distance(objective, parameters)):
        assert 5**0.5 * 1e-30 <= bound.value < 1.0


def test_a_distance_needs_an_objective() -> None:
    with pytest.raises(certify.InputError, match="needs an objective"):
        certify.distance(np.eye(3), torch.ones(3))  # type: ignore[arg-type]
