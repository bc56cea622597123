"""Laws of verification: an honest run holds at every level, and each kind of dishonesty is caught by a named check."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from fractions import Fraction

import numpy as np
import pytest
import torch

from certify.bounds.bound import Bound
from certify.certificates.build import certificate_of
from certify.certificates.certificate import seal
from certify.errors import InputError
from certify.fitting import fit
from certify.keys import PrivateKey, save_keys
from certify.objectives import Dataset, Logistic, Ridge, Softmax
from certify.proofs.sides import Side
from certify.runs import Run, load
from certify.sampling import Keystream, grid_of, rounded_normal
from certify.unlearning import unlearn
from certify.verification import Level, verify

COUNT = 60


def problem(seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-0.5, 0.5, (COUNT, 4))
    return rows, (rows[:, 0] + 0.1 * rng.normal(size=COUNT) > 0).astype(int)


@pytest.fixture(scope="module")
def data():
    return problem()


@pytest.fixture(scope="module")
def fitted(data):
    return fit(Logistic(*data, l2=0.05))


@pytest.fixture(scope="module")
def run(fitted):
    return unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return run.save(tmp_path_factory.mktemp("runs") / "run")


def failing(verdict):
    return {check.id for check in verdict.failed}


def missing(verdict):
    return {check.id for check in verdict.checks if check.status == "not-checkable"}


# an honest run -----------------------------------------------------------------------------------------


def test_an_honest_run_holds_as_far_as_its_material_goes(run, folder, data):
    alone = verify(run.certificate)
    assert (alone.holds, alone.exit_code, alone.level) == (True, 0, Level.ARITHMETIC)
    assert (verify(folder).holds, verify(folder).level) == (True, Level.ARTEFACTS)
    deep = verify(folder, data=data)
    assert (deep.holds, deep.exit_code, deep.level, failing(deep)) == (True, 0, Level.DATA, set())
    assert deep.guarantee.epsilon.rational == 1 and deep.guarantee.delta.rational == Fraction(1, 10**5)


def test_retained_rows_alone_suffice_and_the_forgotten_commitment_is_then_not_checkable(run, folder, data):
    kept = [index for index in range(COUNT) if index not in run.forget]
    verdict = verify(folder, data=(data[0][kept], data[1][kept]))
    assert verdict.holds and verdict.level is Level.DATA
    assert "data.commitment-forgotten" in missing(verdict)
    assert verify(folder, data=Dataset(*data).without(run.forget)).holds
    assert verify(run, data=Dataset(*data)).holds


@pytest.mark.parametrize(
    "make",
    [
        lambda rows, labels: Logistic(rows, np.where(labels, "yes", "no"), l2=0.05, intercept=True),
        lambda rows, labels: Logistic(rows.astype(np.float32), labels.astype(bool), l2=0.05),
        lambda rows, labels: Softmax(rows, np.arange(COUNT) % 3, l2=0.05),
        lambda rows, labels: Softmax(rows, np.array(["a", "b", "c"])[np.arange(COUNT) % 3], l2=0.05, intercept=True),
        lambda rows, labels: Ridge(rows, rows[:, 0] - 0.3, l2=0.05, intercept=True),
    ],
)
@pytest.mark.parametrize("method", ["newton", "retrain"])
def test_every_objective_and_method_round_trips(make, method, data, tmp_path):
    objective = make(*data)
    made = unlearn(fit(objective), [0, 59], epsilon="0.5", delta=1e-6, method=method)
    place = made.save(tmp_path / "run")
    verdict = verify(place, data=(objective.features, objective.original_labels))
    assert verdict.holds, str(verdict)
    assert verdict.level is Level.DATA, str(verdict)


def test_an_exact_release_is_recomputed_in_balls(data, tmp_path):
    objective = Ridge(data[0], data[0][:, 1] * 2, l2=0.05)
    made = unlearn(fit(objective), [5], method="exact")
    place = made.save(tmp_path / "run")
    verdict = verify(place, data=(objective.features, objective.original_labels))
    assert verdict.holds, str(verdict)
    assert verdict.level is Level.DATA, str(verdict)
    assert verdict.guarantee.epsilon.rational == 0
    assert {link.id: link.status.label for link in verdict.premises} == {"release.exact": "enclosed"}
    assert verify(place, data=(objective.features, objective.original_labels), require="enclosed").exit_code == 0


def test_forgetting_nobody_is_legal_and_noised(fitted, data):
    assert verify(unlearn(fitted, [], epsilon=1, delta="1e-5"), data=data).holds


def test_a_budget_of_the_caller_and_a_tolerance_are_premises(fitted, data):
    made = unlearn(fitted, [1], epsilon=1, delta="1e-5", distance_budget="1e-5", tolerance=1e-9)
    verdict = verify(made, data=data)
    assert verdict.holds, str(verdict)
    statement = next(premise.statement for premise in made.certificate.predicate.premises if premise.id == "policy.independent")
    assert "the distance budget" in statement


def test_a_sequence_is_chained_and_composed(run, data, tmp_path):
    second = unlearn(run, [5], epsilon=1, delta="1e-5")
    third = unlearn(second, [9, 11], epsilon="0.5", delta="1e-6")
    place = third.save(tmp_path / "third")
    verdict = verify(place, data=data)
    assert verdict.holds, str(verdict)
    assert verdict.level is Level.DATA, str(verdict)
    parts = [item.certificate.predicate.guarantee.mu.exact for item in (run, second, third)]
    assert float(third.certificate.predicate.transcript.mu.exact) == pytest.approx(float(sum(mu**2 for mu in parts)) ** 0.5)
    assert third.certificate.predicate.transcript.epsilon.exact > 1
    second.save(tmp_path / "second")
    shutil.copy(tmp_path / "second" / "previous.json", place / "previous.json")
    assert "previous" in failing(verify(place))
    (place / "previous.json").unlink()
    assert verify(place).holds and "previous" in missing(verify(place))


def test_callers_noise_is_tested_by_its_size_and_excluded(fitted, data):
    made = unlearn(fitted, [1], epsilon=1, delta="1e-5", generator=np.random.default_rng(3))
    verdict = verify(made, data=data)
    assert verdict.holds and "noise: caller-controlled" in verdict.guarantee.exclusions
    quiet = made.noiseless + 1e-4 * (made.model - made.noiseless)
    assert failing(verify(dataclasses.replace(made, model=quiet), data=data)) == {"artefacts.grid"}
    grid = grid_of(made.noise.sigma.value)
    rounded = dataclasses.replace(made, model=torch.round(quiet / grid) * grid + 0.0)
    assert failing(verify(rounded, data=data)) == {"data.noise"}


# levels, policies, signatures -----------------------------------------------------------------------------


def test_a_level_that_is_asked_for_and_not_reached_is_never_a_yes(run, folder, data, tmp_path):
    for verdict in (
        verify(run.certificate, data=data),
        verify(run.certificate, require="artefacts"),
        verify(folder, require="data"),
        verify(run.certificate, require="data"),
    ):
        assert (verdict.exit_code, verdict.holds) == (4, False)
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    shutil.rmtree(bare / "secret")
    assert verify(bare).holds and verify(bare, data=data).exit_code == 4
    assert verify(bare, data=data, witness=folder / "secret").exit_code == 0
    (bare / "secret").mkdir()
    assert verify(bare, data=data).exit_code == 4  # a damaged witness of its own decides nothing


def test_requirements_are_a_policy_with_named_exceptions(folder, data):
    allowed = ["assumed:sampler.seed", "assumed:policy.independent", "assumed:comparator.tolerance"]
    assert verify(folder, data=data, require="enclosed").exit_code == 3
    assert verify(folder, data=data, require="enclosed").holds
    assert verify(folder, data=data, require="enclosed", allow=allowed).exit_code == 0
    verdict = verify(folder, data=data, require="enclosed", allow=allowed[:1])
    assert {str(link) for link in verdict.too_weak} == set(allowed[1:])
    assert verify(folder, require="enclosed", allow=allowed).exit_code == 3  # nothing was re-measured
    for bad in ({"require": "perfect"}, {"allow": ["sampler.seed"]}, {"allow": ["sure:sampler.seed"]}):
        with pytest.raises(InputError):
            verify(folder, **bad)


def test_a_signature_counts_only_with_its_key(run, tmp_path):
    key = PrivateKey.generate()
    _, public = save_keys(key, tmp_path / "signer")
    place = run.save(tmp_path / "run", sign=key)
    assert verify(place, key=public).holds
    unknown = next(check for check in verify(place).checks if check.id == "signature")
    assert unknown.status == "not-checkable" and "unknown signer" in unknown.detail
    assert failing(verify(place, key=PrivateKey.generate().public)) == {"signature"}
    assert failing(verify(run.certificate, key=public)) == {"signature"}


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100, b'{"payloadType":1}', b"PK\x03\x04", b"[]"])
def test_what_is_no_certificate_is_said_to_be_none(content, tmp_path):
    place = tmp_path / "c.json"
    place.write_bytes(content)
    verdict = verify(place)
    assert (verdict.exit_code, verdict.holds, verdict.weakest) == (2, False, None)
    json.dumps(verdict.to_json())


def test_only_paths_that_cannot_be_read_raise(tmp_path, folder):
    for source in (tmp_path / "missing", tmp_path, 7, None):
        with pytest.raises(InputError):
            verify(source)
    for options in ({"key": tmp_path / "missing"}, {"witness": tmp_path / "missing"}, {"data": 7}, {"data": tmp_path / "no.csv"}):
        with pytest.raises(InputError):
            verify(folder, **options)


def test_json_has_the_keys_that_others_rely_on(folder, data):
    payload = json.loads(json.dumps(verify(folder, data=data).to_json()))
    assert payload["schema"] == "certify.verify/1" and payload["holds"] is True and payload["weakest"] == "assumed"
    assert {"id", "status", "detail"} == set(payload["checks"][0])
    assert {"notion", "epsilon", "delta"} <= set(payload["guarantee"])
    assert payload["weakest_premise"]["status"] == "assumed" and payload["weakest_theorem"]["status"] in ("proved", "enclosed")


def test_a_verdict_prints_its_checks_and_its_conclusion(folder):
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=120)
    console.print(verify(folder))
    assert "HOLDS" in console.file.getvalue() and "policy.sigma" in console.file.getvalue()
    assert "HOLDS" in str(verify(folder))


def test_replay_takes_at_most_fifty_milliseconds(run):
    content = run.certificate
    verify(content)  # the book of proofs is checked once for a process
    times = []
    for _ in range(7):
        start = time.perf_counter()
        verify(content)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.05


# runs ---------------------------------------------------------------------------------------------------


def test_a_saved_run_is_read_back(run, folder):
    stored = load(folder)
    assert stored.certificate == run.certificate
    assert np.array_equal(stored.parameters, run.model.numpy())
    assert stored.witness.seed == run.seed and stored.witness.forgotten.tolist() == [3, 17]
    assert stored.witness.distance == run.distance.value


def test_secrets_lie_apart_and_are_not_printed(run, folder):
    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in (folder / "secret").iterdir()}
    assert set(modes.values()) == {0o600} and (folder / "secret").stat().st_mode & 0o777 == 0o700
    secrets = [run.seed.hex(), repr(run.seed), repr(run.distance.value), repr(run.residual.value)]
    secrets += [run.fitted.commitments.master.hex(), repr(run.fitted.commitments.master)]
    secrets += [repr(value) for value in run.noiseless.tolist()]
    shown = repr(run) + repr(run.fitted) + repr(load(folder)) + str(run.certificate)
    public = b"".join(entry.read_bytes() for entry in folder.iterdir() if entry.is_file())
    assert not [secret for secret in secrets if secret in shown or secret.encode() in public]


def test_a_run_folder_is_never_overwritten_and_a_foreign_one_is_named(run, folder, tmp_path):
    with pytest.raises(InputError, match="never overwritten"):
        run.save(folder)
    with pytest.raises(InputError, match="there is no run manifest"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="not the manifest"):
        load(tmp_path)
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    (damaged / "model.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="not the file that the manifest names"):
        load(damaged)


def test_an_interrupted_save_leaves_no_run_behind(run, tmp_path, monkeypatch):
    import os

    def failing_replace(source, target):
        if str(target).endswith("model.safetensors"):
            raise OSError(5, "Input/output error")
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", failing_replace)
    with pytest.raises(InputError, match="cannot write"):
        run.save(tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run" / "manifest.json").exists()
    assert not list((tmp_path / "run").rglob("*.partial"))
    run.save(tmp_path / "run")
    assert verify(tmp_path / "run").holds


# dishonest runs: everything is made consistent and certified again, and the data tell --------------------


def released(run: Run, noiseless: torch.Tensor, **changes) -> Run:
    """The run with other un-noised parameters, noised and certified like an honest one."""
    model = noised(noiseless, changes.get("noise", run.noise).sigma.value, run.seed)
    return dataclasses.replace(run, noiseless=noiseless, model=model, **changes)


def noised(noiseless: torch.Tensor, sigma: float, seed: bytes) -> torch.Tensor:
    return torch.from_numpy(rounded_normal(noiseless.numpy(), sigma, grid_of(sigma), Keystream(seed)))


def test_a_mean_over_its_budget_is_caught(run, data):
    moved = run.noiseless + 2 * run.distance_budget.value / len(run.noiseless) ** 0.5
    assert failing(verify(released(run, moved), data=data)) == {"data.distance"}


def test_a_residual_measured_on_the_wrong_records_is_caught(run, fitted, data):
    """The producer keeps the full-data model: its residual is tiny, on all records."""
    verdict = verify(released(run, fitted.parameters), data=data)
    assert failing(verdict) == {"data.distance"}


def test_a_record_left_in_is_caught(fitted, data):
    """The request is for 3 and 17; the producer forgets 3 only and lists 17 among both."""
    lazy = unlearn(fitted, [3], epsilon=1, delta="1e-5")
    assert "data.retained-set" in failing(verify(dataclasses.replace(lazy, forget=(3, 17)), data=data))
    other = unlearn(fitted, [3, 5], epsilon=1, delta="1e-5")
    assert "data.retained-set" in failing(verify(dataclasses.replace(other, forget=(3, 17)), data=data))


def test_a_record_missing_from_the_retained_set_is_caught(fitted, data):
    greedy = unlearn(fitted, [3, 17, 20], epsilon=1, delta="1e-5")
    assert "data.retained-set" in failing(verify(dataclasses.replace(greedy, forget=(3, 17)), data=data))


def test_another_table_than_the_one_committed_to_is_caught(run, data):
    rows, labels = data
    changed = rows.copy()
    changed[40, 2] = np.nextafter(changed[40, 2], 1)
    assert failing(verify(run, data=(changed, labels))) == {"data.commitment-retained"}
    changed = rows.copy()
    changed[17] *= 2
    assert failing(verify(run, data=(changed, labels))) == {"data.commitment-forgotten"}
    flipped = labels.copy()
    flipped[30] = 1 - flipped[30]
    assert "data.commitment-retained" in failing(verify(run, data=(rows, flipped)))
    assert "data.commitment-retained" in failing(verify(run, data=(rows[::-1].copy(), labels[::-1].copy())))
    assert "data.retained-set" in failing(verify(run, data=(rows[:-1], labels[:-1])))
    assert "data.problem" in failing(verify(run, data=(rows[:, :2], labels)))
    assert "data.problem" in failing(verify(run, data=(rows, labels + 5)))
    assert "data.problem" in failing(verify(run, data=(np.where(rows > 0.4, np.nan, rows), labels)))


def test_noise_that_is_too_small_is_caught(run, data):
    grid = grid_of(run.noise.sigma.value)
    for weak, check in (
        (noised(run.noiseless, run.noise.sigma.value / 2, run.seed), "artefacts.grid"),
        (noised(run.noiseless, run.noise.sigma.value * 0.99, run.seed), "data.noise"),
        (run.noiseless.clone(), "artefacts.grid"),
        (torch.round(run.noiseless / grid) * grid + 0.0, "data.noise"),
    ):
        assert failing(verify(dataclasses.replace(run, model=weak), data=data)) == {check}
    other = noised(run.noiseless, run.noise.sigma.value, bytes(32))
    assert failing(verify(dataclasses.replace(run, model=other), data=data)) == {"data.noise"}
    moved = run.model.clone()
    moved[0] += grid_of(run.noise.sigma.value)
    assert failing(verify(dataclasses.replace(run, model=moved), data=data)) == {"data.noise"}


def test_a_noise_scale_below_the_claim_is_not_certified_and_not_believed(run):
    half = dataclasses.replace(run.noise, sigma=Bound(run.noise.sigma.value / 2, Side.UPPER))
    with pytest.raises(InputError, match="too small"):
        certificate_of(dataclasses.replace(run, noise=half))


def test_strong_convexity_overstated_by_a_hundredth_is_caught(run, data):
    """Everything is made consistent with l2 = 1.01 times the true one: problem, budget, noise, model, digests."""
    rows, labels = data
    boasted = Logistic(rows, labels, l2=0.05 * 1.01)
    consistent = unlearn(fit(boasted), run.forget, epsilon=1, delta="1e-5")
    forged = released(
        consistent, run.noiseless, fitted=dataclasses.replace(consistent.fitted, commitments=run.fitted.commitments)
    )
    verdict = verify(forged, data=data)
    assert failing(verdict) == {"data.distance"}, str(verdict)


def test_strong_convexity_overstated_in_the_derivation_alone_is_caught(run):
    statement = json.loads(run.certificate.envelope.payload)
    for node in statement["predicate"]["derivation"]:
        if node["id"] == "strong-convexity":
            value = float.fromhex(node["number"]["value"]) * 1.01
            node["number"] = {"value": value.hex(), "approx": repr(value)}
    assert "derivation" in failing(verify(seal(statement)))


def test_a_noise_scale_made_from_the_residual_is_caught(run, data):
    """The trap: sigma is what the realised distance needs, and the budget is set to that distance."""
    from certify.policy import noise_scale

    budget = Bound(run.distance.value, Side.UPPER)
    noise = noise_scale("logistic", run.objective.l2, run.objective.count, 1, "1e-5", distance_budget=budget)
    forged = released(run, run.noiseless, noise=noise, distance_budget=budget)
    assert "policy.budget" in failing(verify(forged, data=data))
    declared = dataclasses.replace(forged, budget_source="caller")
    verdict = verify(declared, data=data)
    assert "policy.independent" in {link.id for link in verdict.premises if link.status.label == "assumed"}
