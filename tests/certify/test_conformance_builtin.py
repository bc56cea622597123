"""The built-in methods under the suite that users' methods go through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from certify.methods import ExactRidge, NewtonUnlearning, Retraining
from certify.testing import Check, Status, Tier, check_unlearner, checks
from certify.testing.subject import Subject
from certify.testing.suite import run_check

QUICK = [check for check in checks() if check.tier is not Tier.STATISTICAL]
SLOW = [check for check in checks() if check.tier is Tier.STATISTICAL]
METHODS = [NewtonUnlearning(), ExactRidge(), Retraining()]


def refuted(subject: Subject, which: list[Check]) -> list[Any]:
    results = [run_check(check, subject)[0] for check in which]
    assert any(result.status is Status.PASSED for result in results)
    return [result for result in results if result.status is Status.FAILED]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_nothing_refutes_a_built_in_method_on_drawn_problems(method: Any) -> None:
    assert refuted(Subject(method), QUICK) == []


def test_no_release_of_the_newton_method_refutes_it() -> None:
    assert refuted(Subject(NewtonUnlearning()), SLOW) == []


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize(
    "method",
    [
        *METHODS,
        NewtonUnlearning(l2=1e-4, epsilon="0.1"),
        NewtonUnlearning(l2=1e-3, epsilon=2, delta="1e-9"),
        NewtonUnlearning(kind="ridge", l2=1e-2),
        ExactRidge(l2=1e-3),
    ],
    ids=lambda method: f"{type(method).__name__}-{method.kind}-{method.l2}",
)
def test_nothing_refutes_a_built_in_method(method: Any) -> None:
    assert {result.status for result in check_unlearner(method, seed=11)} <= {Status.PASSED, Status.SKIPPED}


def test_three_classes_of_real_data_refute_nothing() -> None:
    from sklearn.datasets import load_wine

    features, labels = load_wine(return_X_y=True)
    features = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert refuted(Subject(NewtonUnlearning(kind="softmax", l2=1e-2), (features[:, :5], labels)), QUICK) == []


def test_a_built_in_method_with_its_noise_scale_shrunk_is_refuted() -> None:
    class Quiet:
        def __init__(self) -> None:
            self.inner = NewtonUnlearning()
            self.guarantee = self.inner.guarantee
            self.train, self.noiseless, self.noise_scale = self.inner.train, self.inner.noiseless, self.inner.noise_scale

        def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
            mean = self.noiseless(state, forget)
            return mean + (self.inner.unlearn(state, forget, generator) - mean) / 2

    assert [result.id for result in refuted(Subject(Quiet()), SLOW)] == ["statistical.noise-scale"]
