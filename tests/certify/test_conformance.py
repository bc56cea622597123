"""The conformance suite: it leaves a sound method alone, names what is wrong with a broken one, and every check can fail."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np
import pytest

from certify import testing
from certify.errors import InputError
from certify.objectives.dataset import Dataset
from certify.testing import CheckFailed, CheckResult, Status, Tier, broken, check_unlearner, checks, parametrize_with_checks
from certify.testing.broken import SoundNewton, Trained, newton
from certify.testing.subject import Subject
from certify.testing.suite import run_check

BY_ID = {check.id: check for check in checks()}


def failures(method: Any, **options: Any) -> set[str]:
    return {result.id for result in check_unlearner(method, on_fail="record", **options) if result.status is Status.FAILED}


def outcome(check_id: str, method: Any, **options: Any) -> CheckResult:
    return run_check(BY_ID[check_id], Subject(method, **options))[0]


# ---- a sound method is left alone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_nothing_refutes_a_sound_method(seed: int) -> None:
    results = check_unlearner(SoundNewton(), seed=seed)
    assert {result.id for result in results if result.status is not Status.PASSED} == {"exact.zero-claim"}


def test_a_sound_method_passes_on_data_of_the_caller() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((40, 3))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = np.where(features[:, 0] + 0.3 * rng.standard_normal(40) > 0, 1.0, -1.0)
    held = features.copy(), labels.copy()
    results = check_unlearner(SoundNewton(), (features, labels))
    assert {result.status for result in results} == {Status.PASSED, Status.SKIPPED}
    np.testing.assert_array_equal(features, held[0])
    np.testing.assert_array_equal(labels, held[1])


def test_a_method_may_bring_its_own_problems() -> None:
    class OwnProblems(SoundNewton):
        def problems(self, generator: np.random.Generator) -> Any:
            features = generator.uniform(-0.5, 0.5, (16, 2))
            return features, np.where(np.arange(16) % 2, 1.0, -1.0)

    assert not failures(OwnProblems())


def test_the_suite_is_deterministic_for_a_seed() -> None:
    runs = [check_unlearner(broken.WrongRows(), on_fail="record", seed=seed) for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_named_parameters_and_tensors_are_read() -> None:
    torch = pytest.importorskip("torch")

    class Named(NoSplit):
        def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
            return self.named(self.inner.unlearn(state, forget, generator))

        def noiseless(self, state: Any, forget: Any) -> Any:
            return self.named(self.inner.noiseless(state, forget))

        def named(self, flat: Any) -> Any:
            return {"weight": torch.tensor(flat[:-1].reshape(1, -1)), "bias": flat[-1]}

    assert not failures(Named(SoundNewton()))


# ---- the five broken methods, each caught by a named check --------------------------------------------------------

NAMED = {
    broken.ForgetsNothing: ("property.distance-bound", {"property.noise-covers-distance", "statistical.audit"}),
    broken.QuietNoise: ("statistical.noise-scale", set()),
    broken.NoiseFromForgottenRows: ("statistical.noise-ignores-forgotten-rows", {"statistical.audit"}),
    broken.WrongSign: (
        "property.toward-retrained",
        {"property.distance-bound", "property.noise-covers-distance", "property.in-two-steps", "statistical.audit"},
    ),
    broken.WrongRows: (
        "property.distance-bound",
        {
            "property.noise-covers-distance",
            "property.toward-retrained",
            "property.row-order",
            "property.in-two-steps",
            "statistical.audit",
        },
    ),
}


@pytest.mark.parametrize("method", NAMED, ids=lambda method: method.__name__)
def test_a_broken_method_is_caught_by_exactly_these_checks(method: type) -> None:
    named, others = NAMED[method]
    assert failures(method()) == {named, *others}
    with pytest.raises(CheckFailed) as caught:
        check_unlearner(method())
    assert caught.value.check_id in {named, *others}
    assert str(caught.value).startswith(caught.value.check_id)


# ---- every check can fail ----------------------------------------------------------------------------------------


class NoSuchNotion(SoundNewton):
    guarantee: ClassVar[Any] = {"notion": "FORGETFUL", "epsilon": 1, "delta": "1e-5"}


class NotANumber(SoundNewton):
    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return super().unlearn(state, forget, generator) * math.nan


class OtherShape(SoundNewton):
    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return super().unlearn(state, forget, generator)[len(forget) > 0 :]


class OwnEntropy(SoundNewton):
    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return super().unlearn(state, forget, np.random.default_rng())


class ChangesState(SoundNewton):
    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        state.model[:] = self.noiseless(state, forget)
        return super().unlearn(state, forget, generator)


class ChangesData(SoundNewton):
    def train(self, data: Any, generator: Any) -> Any:
        data.features[:] /= 2
        return super().train(data, generator)


class FirstIdOnly(SoundNewton):
    def noiseless(self, state: Any, forget: Any) -> Any:
        return super().noiseless(state, list(forget)[:1])

    def distance_bound(self, state: Any, forget: Any) -> float:
        return self.budget(len(state.data.labels) - len(forget))


class ByPosition(SoundNewton):
    def noiseless(self, state: Any, forget: Any) -> Any:
        state.data.without(forget)
        rows = np.delete(np.arange(state.data.count), [item for item in forget if item < state.data.count])
        retained = Dataset(state.data.features[rows], state.data.labels[rows])
        return self.minimise(state.model, retained, 1e-12)

    def distance_bound(self, state: Any, forget: Any) -> float:
        return 1e-9


class IgnoresStrangers(SoundNewton):
    def noiseless(self, state: Any, forget: Any) -> Any:
        return super().noiseless(state, [item for item in forget if item in state.data.ids])


class WrapsAround(SoundNewton):
    def noiseless(self, state: Any, forget: Any) -> Any:
        return super().noiseless(state, [item % state.data.count if item < 0 else item for item in forget])


class CountsTwice(SoundNewton):
    def noiseless(self, state: Any, forget: Any) -> Any:
        return (
            super().noiseless(state, sorted(set(forget))) * state.data.count / (state.data.count + len(forget) - len(set(forget)))
        )

    def distance_bound(self, state: Any, forget: Any) -> float:
        return super().distance_bound(state, sorted(set(forget)))


class SilentWhenEmpty(SoundNewton):
    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return super().unlearn(state, forget, generator) if forget else state.model


class ScaleFromRequest(SoundNewton):
    def noise_scale(self, count: int, forgotten: int) -> float:
        return super().noise_scale(count, 0) * (1 + forgotten)


class WarmRetraining(SoundNewton):
    def __init__(self) -> None:
        self.last: Any = None

    def train(self, data: Any, generator: Any) -> Any:
        start = np.zeros(data.features.shape[1]) if self.last is None or self.last.shape != data.features.shape[1:] else self.last
        self.last = self.minimise(start, data, 1e-4)
        return Trained(data, self.last)


class NotQuiteZero(SoundNewton):
    guarantee: ClassVar[Any] = {"notion": "EXACT-TV", "epsilon": 0, "delta": 0}

    def noise_scale(self, count: int, forgotten: int) -> float:
        return 0.0


class Miscalibrated(SoundNewton):
    multiplier = 3.7

    def distance_bound(self, state: Any, forget: Any) -> float:
        return self.budget(len(state.data.labels) - len(forget))


class GivesUpOnSecond(SoundNewton):
    def advance(self, state: Any, forget: Any, generator: Any) -> Any:
        return state


class OneStep(SoundNewton):
    """Honest about its distance, silent about its noise: refuted by the measured distance alone."""

    distance_bound: Any = None

    def noiseless(self, state: Any, forget: Any) -> Any:
        retained = state.data.without(forget)
        return state.model + newton(state.model, retained.features, retained.labels, self.l2) if len(forget) else state.model


class QuietRetraining(SoundNewton):
    def retrain(self, data: Any, generator: Any) -> Any:
        return self.train(data, generator).model


class NoSplit:
    """A method that shows nothing but its releases."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner or broken.NoiseFromForgottenRows()
        self.guarantee = self.inner.guarantee

    def train(self, data: Any, generator: Any) -> Any:
        return self.inner.train(data, generator)

    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return self.inner.unlearn(state, forget, generator)


class NoiseFromNorms(NoSplit):
    """The trap of noise from the forgotten rows, with nothing but the releases to tell it by."""

    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        norms = np.linalg.norm(state.data.features[np.isin(state.data.ids, forget)], axis=1)
        size = 1e-3 + float(np.sum(norms)) ** 4
        return self.inner.noiseless(state, forget) + size * generator.standard_normal(state.model.shape)


CONTROLS = (
    ("exact.guarantee", NoSuchNotion, "unknown notion"),
    ("exact.output", NotANumber, "nan"),
    ("exact.output", OtherShape, "laid out"),
    ("exact.repeatable", OwnEntropy, "draw all randomness from the generator"),
    ("exact.state-kept", ChangesState, "copy the state"),
    ("exact.data-kept", ChangesData, "changed the features"),
    ("exact.request-order", FirstIdOnly, "reverse"),
    ("exact.names-not-positions", ByPosition, "look ids up"),
    ("exact.unknown-id", IgnoresStrangers, "not refused"),
    ("exact.unknown-id", WrapsAround, "forgetting id -1"),
    ("exact.repeated-id", CountsTwice, "count it once"),
    ("exact.empty-request", SilentWhenEmpty, "told apart at sight"),
    ("exact.noise-from-sizes", ScaleFromRequest, "gives the request away"),
    ("exact.retraining-is-blind", WarmRetraining, "start cold"),
    ("exact.zero-claim", NotQuiteZero, "differs from the retrained one"),
    ("property.distance-bound", broken.ForgetsNothing, "from the retrained one"),
    ("property.noise-covers-bound", Miscalibrated, "at the declared distance"),
    ("property.noise-covers-distance", OneStep, "at the measured distance"),
    ("property.toward-retrained", broken.WrongSign, "is a sign wrong"),
    ("property.row-order", broken.WrongRows, "in another order"),
    ("property.in-two-steps", GivesUpOnSecond, "in two steps"),
    ("statistical.noise-scale", broken.QuietNoise, "0.010"),
    ("statistical.noise-ignores-forgotten-rows", broken.NoiseFromForgottenRows, "depends on the forgotten rows"),
    ("statistical.noise-ignores-forgotten-rows", SilentWhenEmpty, "when nothing is forgotten"),
    ("statistical.noise-ignores-forgotten-rows", NoiseFromNorms, "told apart"),
    ("statistical.audit", broken.ForgetsNothing, "epsilon >= 2"),
    ("statistical.audit", NoSplit, "refuted at 1-1e-06"),
    ("statistical.comparator", QuietRetraining, "own retrained"),
)


@pytest.mark.parametrize(("check_id", "method", "words"), CONTROLS, ids=[f"{entry[0]}-{entry[1].__name__}" for entry in CONTROLS])
def test_a_check_refutes_what_it_is_there_for(check_id: str, method: type, words: str) -> None:
    result = outcome(check_id, method())
    assert result.status is Status.FAILED, result
    assert words in result.detail


def test_every_check_has_a_method_that_it_refutes() -> None:
    assert {entry[0] for entry in CONTROLS} == set(BY_ID)


def test_a_claim_that_cannot_be_read_is_one_failure_and_not_ten() -> None:
    assert failures(NoSuchNotion()) == {"exact.guarantee"}


def test_a_step_that_is_honest_about_its_distance_is_refuted_by_nothing_else() -> None:
    assert failures(OneStep()) <= {"property.noise-covers-distance", "property.in-two-steps", "statistical.audit"}


# ---- what is missing is skipped, with the reason -------------------------------------------------------------------


class Barest:
    guarantee = None

    def __init__(self) -> None:
        self.inner = SoundNewton()

    def train(self, data: Any, generator: Any) -> Any:
        return self.inner.train(data, generator)

    def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
        return self.inner.noiseless(state, forget)


def test_a_missing_part_is_skipped_with_the_reason() -> None:
    results = {result.id: result for result in check_unlearner(Barest())}
    assert results["property.distance-bound"].status is Status.SKIPPED
    assert results["property.distance-bound"].detail == "the method has no noiseless, distance_bound"
    assert results["statistical.audit"].detail == "the method has no guarantee"
    assert results["exact.output"].status is Status.PASSED


def test_every_need_is_honoured() -> None:
    for check in checks():
        for need in check.needs:

            class Without(SoundNewton):
                pass

            setattr(Without, need, None)
            result = outcome(check.id, Without())
            assert result.status is Status.SKIPPED, (check.id, need)
            assert need in result.detail


def test_a_part_that_is_not_implemented_counts_as_missing() -> None:
    class Unfinished(SoundNewton):
        def distance_bound(self, state: Any, forget: Any) -> float:
            raise NotImplementedError("next week")

    assert outcome("property.distance-bound", Unfinished()).status is Status.SKIPPED


def test_an_error_of_the_method_is_a_failure_with_its_words() -> None:
    class Crashes(SoundNewton):
        def unlearn(self, state: Any, forget: Any, generator: Any) -> Any:
            raise ZeroDivisionError("no rows left")

    result = outcome("exact.output", Crashes())
    assert result.status is Status.FAILED
    assert result.detail == "the method raised ZeroDivisionError: no rows left"


def test_a_matched_comparator_may_have_noise_of_its_own() -> None:
    class Matched(broken.NoiseFromForgottenRows):
        guarantee: ClassVar[Any] = {"notion": "SEKHARI", "epsilon": 1, "delta": "1e-5", "comparator": "matched"}

    assert outcome("statistical.noise-ignores-forgotten-rows", Matched()).status is Status.SKIPPED


# ---- the shape of the suite ------------------------------------------------------------------------------------------


def test_checks_are_frozen_records_of_three_tiers() -> None:
    assert len(BY_ID) == len(checks()) >= 12
    assert {check.tier for check in checks()} == set(Tier)
    for check in checks():
        assert check.id.startswith(f"{check.tier}.")
        assert check.statement.endswith(".")
    with pytest.raises(dataclasses.FrozenInstanceError):
        checks()[0].id = "other"  # type: ignore[misc]
    checks().clear()
    assert checks()


def test_checks_rest_on_theorems_of_the_book() -> None:
    from certify.proofs import registry

    for check in checks():
        for identifier in check.rests_on:
            assert registry.theorem(identifier).id == identifier


def test_reports_never_say_that_a_statistical_check_passes() -> None:
    for result in check_unlearner(SoundNewton()):
        assert "pass" not in result.detail
        if result.tier is Tier.STATISTICAL:
            assert "not refuted at 1-1e-06" in result.detail


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((SoundNewton,), {}, "not the class"),
        ((object(),), {}, "has no train"),
        ((SoundNewton(),), {"alpha": 0.0}, "alpha"),
        ((SoundNewton(),), {"on_fail": "ignore"}, "on_fail"),
        ((SoundNewton(), "table.csv"), {}, "pair (features, labels)"),
        ((SoundNewton(), (np.eye(2), np.array([1.0, -1.0]))), {}, "too small"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[Any, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_unlearner(*arguments, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- under pytest ----------------------------------------------------------------------------------------------------


@parametrize_with_checks([SoundNewton()])
def test_parametrised_checks_run(method: Any, check: Any) -> None:
    check(method)


@parametrize_with_checks(
    [broken.QuietNoise()], expected_failures=lambda method: {"statistical.noise-scale": f"{type(method).__name__} is too quiet"}
)
def test_expected_failures_are_strict_xfails(method: Any, check: Any) -> None:
    check(method)


def test_parameters_have_readable_ids_and_reasons() -> None:
    mark = parametrize_with_checks([broken.QuietNoise()], expected_failures={"statistical.noise-scale": "too quiet"})
    parameters = {parameter.id: parameter for parameter in mark.mark.args[1]}
    assert list(parameters) == [f"QuietNoise-{check.id}" for check in checks()]
    (xfail,) = parameters["QuietNoise-statistical.noise-scale"].marks
    assert xfail.kwargs["strict"] is True
    assert xfail.kwargs["reason"] == "too quiet"


def test_an_expected_failure_of_an_unknown_check_is_refused() -> None:
    with pytest.raises(InputError, match=r"no check of this suite"):
        parametrize_with_checks([SoundNewton()], expected_failures={"exact.nonsense": "?"})


def test_pytest_is_imported_by_the_decorator_alone() -> None:
    import subprocess
    import sys

    code = "import sys, certify.testing; assert not {'pytest', 'hypothesis'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_lists_every_check_with_its_law() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    listed = [
        line.split("|")[1].strip(" `")
        for line in page.splitlines()
        if line.startswith(("| `exact.", "| `property.", "| `statistical."))
    ]
    assert listed == [check.id for check in checks()]
    for check in checks():
        assert check.statement in page
    assert testing.SUITE_VERSION in page
