"""The same certified deletion on an accelerator: run with ``pytest -m gpu`` on a machine that has one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import true_minimiser
from real_data import REAL

import certify
from certify.objectives import Logistic, Softmax

pytestmark = pytest.mark.gpu


@pytest.fixture
def device() -> str:
    """The accelerator."""
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    return "cuda"


@pytest.mark.parametrize("kind", [Logistic, Softmax])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_deletion_on_the_accelerator_is_within_its_budget(device: str, kind: type, intercept: bool) -> None:
    random = np.random.default_rng(0)
    features = random.standard_normal((3000, 20))
    labels = (features[:, 0] + random.logistic(size=3000) > 0).astype(int) + (kind is Softmax) * (features[:, 1] > 1)
    there = kind(torch.from_numpy(features).to(device), labels, l2=1e-2, intercept=intercept)
    run = certify.unlearn(certify.fit(there), range(30), epsilon=1, delta="1e-5")
    here = kind(features, labels, l2=1e-2, intercept=intercept).without(range(30))
    assert (
        true_minimiser(here, run.noiseless.cpu()).distance(run.noiseless.cpu()) <= run.distance.value <= run.distance_budget.value
    )


def test_measured_residuals_agree_with_those_of_the_processor(device: str) -> None:
    objective = REAL["breast-cancer"](1e-3)
    moved = Logistic(objective.features.to(device), objective.original_labels, l2=1e-3)
    parameters = torch.ones(30, dtype=torch.float64)
    here, there = objective.measure(parameters), moved.measure(parameters)
    gap = float(torch.linalg.vector_norm(here.gradient - there.gradient.cpu()))
    assert gap <= here.error + there.error
