"""A sequence goes on from its folder in another process, with what a producer still has: the retained records and the secrets."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import certify
from certify.cli import main
from certify.objectives import Logistic, Ridge, Softmax

COUNT = 50
FIRST, SECOND, THIRD = [3, 17], [0, 49], [20]


def problem(kind="logistic", **options):
    rows = np.random.default_rng(4).uniform(-0.5, 0.5, (COUNT, 3))
    labels = {"logistic": np.where(rows[:, 0] > 0, "yes", "no"), "softmax": np.arange(COUNT) % 3, "ridge": rows[:, 1] / 2}[kind]
    return {"logistic": Logistic, "softmax": Softmax, "ridge": Ridge}[kind](rows, labels, l2=0.1, **options)


def data_of(objective):
    return objective.features.numpy(), objective.original_labels


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    objective = problem()
    run = certify.unlearn(certify.fit(objective), FIRST, epsilon=1, delta="1e-5")
    return objective, run, run.save(tmp_path_factory.mktemp("sequence") / "first")


def without(data, *gone):
    kept = [row for row in range(COUNT) if row not in {item for part in gone for item in part}]
    return data[0][kept], data[1][kept]


@pytest.mark.parametrize("kind", ["logistic", "softmax", "ridge"])
@pytest.mark.parametrize("retained_only", [True, False])
def test_a_deletion_continued_from_disk_is_the_one_continued_in_memory(kind, retained_only, tmp_path):
    objective = problem(kind, intercept=True)
    data = data_of(objective)
    run = certify.unlearn(certify.fit(objective), FIRST, epsilon=1, delta="1e-5")
    place = run.save(tmp_path / "first")
    stored = certify.load_run(place, data=without(data, FIRST) if retained_only else data)
    assert torch.equal(stored.fitted.parameters, run.noiseless)
    assert stored.fitted.commitments.root() == run.certificate.predicate.request.retained.root
    second = certify.unlearn(stored, SECOND, epsilon=1, delta="1e-5")
    direct = certify.unlearn(run, SECOND, epsilon=1, delta="1e-5")
    assert second.certificate.predicate.request == direct.certificate.predicate.request
    assert second.certificate.predicate.transcript == direct.certificate.predicate.transcript
    assert float((second.noiseless - direct.noiseless).norm()) <= second.distance.value + direct.distance.value
    verdict = certify.verify(second.save(tmp_path / "second"), data=data)
    assert (verdict.exit_code, verdict.level) == (0, "data"), str(verdict)


def test_a_third_deletion_from_disk_carries_the_whole_chain(first, tmp_path):
    objective, run, place = first
    data = data_of(objective)
    second = certify.unlearn(certify.load_run(place, data=without(data, FIRST)), SECOND, epsilon=1, delta="1e-5")
    second.save(tmp_path / "second")
    third = certify.unlearn(
        certify.load_run(tmp_path / "second", data=without(data, FIRST, SECOND)), THIRD, epsilon=1, delta="1e-5"
    )
    folder = third.save(tmp_path / "third")
    assert {item.name for item in folder.glob("previous*")} == {"previous.json", "previous-2.json"}
    verdict = certify.verify(folder, data=data)
    assert (verdict.exit_code, verdict.level) == (0, "data"), str(verdict)
    named = [item.predicate.request.previous for item in third.certificates]
    assert named == [second.certificate.digest, run.certificate.digest, None]
    assert certify.load_run(folder).forgotten.tolist() == [3, 17, 0, 49, 20]


def test_a_run_read_without_records_is_the_stored_run_and_says_what_it_lacks(first):
    _, run, place = first
    stored = certify.load_run(place)
    assert stored.fitted is None and np.array_equal(stored.parameters, run.model.numpy())
    assert certify.verify(stored).exit_code == 0
    with pytest.raises(certify.InputError, match="data="):
        certify.unlearn(stored, [1], epsilon=1, delta="1e-5")


def test_records_that_were_not_committed_to_continue_nothing(first, tmp_path):
    objective, _, place = first
    rows, labels = without(data_of(objective), FIRST)
    changed = rows.copy()
    changed[4, 1] = np.nextafter(changed[4, 1], 1)
    flipped = labels.copy()
    flipped[7] = "no" if flipped[7] == "yes" else "yes"
    for bad in (
        (changed, labels),
        (rows, flipped),
        (rows[::-1].copy(), labels[::-1].copy()),
        (rows[:-1], labels[:-1]),
        (rows[:, :2], labels),
    ):
        with pytest.raises(certify.InputError) as caught:
            certify.load_run(place, data=bad)
        assert "\n" not in str(caught.value)
    bare = tmp_path / "bare"
    shutil.copytree(place, bare)
    shutil.rmtree(bare / "secret")
    with pytest.raises(certify.InputError, match="secret"):
        certify.load_run(bare, data=(rows, labels))


def test_a_forgotten_record_cannot_be_forgotten_again_after_reading(first):
    objective, _, place = first
    stored = certify.load_run(place, data=without(data_of(objective), FIRST))
    with pytest.raises(certify.InputError, match="forgotten before"):
        certify.unlearn(stored, [17], epsilon=1, delta="1e-5")


def test_a_policy_of_the_fit_goes_on_after_reading_and_is_said_to_be_one(tmp_path):
    objective = problem()
    state = certify.fit(objective, policy=certify.Policy("1", "1e-5", distance_budget="1e-4"))
    run = certify.unlearn(state, FIRST)
    assert run.policy_chosen == "fit" and run.certificate.predicate.policy.chosen == "fit"
    premise = next(item for item in run.certificate.predicate.premises if item.id == "policy.independent")
    assert "at the fit" in premise.statement and "no verifier can see" in premise.statement and premise.status == "assumed"
    stored = certify.load_run(run.save(tmp_path / "run"), data=data_of(objective))
    again = certify.unlearn(stored, SECOND)
    assert (
        again.policy_chosen == "fit"
        and again.certificate.predicate.policy.distance_budget == run.certificate.predicate.policy.distance_budget
    )
    assert certify.verify(again, data=data_of(objective)).exit_code == 0
    asked = certify.unlearn(state, FIRST, epsilon=1, delta="1e-5")
    premise = next(item for item in asked.certificate.predicate.premises if item.id == "policy.independent")
    assert asked.policy_chosen == "request" and "with the request" in premise.statement
    with pytest.raises(certify.InputError, match="fixes every number"):
        certify.unlearn(state, FIRST, row_bound=2.0)


def test_another_process_continues(first, tmp_path):
    objective, run, place = first
    rows, labels = without(data_of(objective), FIRST)
    np.savez(tmp_path / "kept.npz", rows=rows, labels=labels)
    code = (
        "import sys, numpy, certify; kept = numpy.load(sys.argv[2]); "
        "stored = certify.load_run(sys.argv[1], data=(kept['rows'], kept['labels'])); "
        "certify.unlearn(stored, [5], epsilon=1, delta='1e-5').save(sys.argv[3])"
    )
    subprocess.run([sys.executable, "-c", code, str(place), str(tmp_path / "kept.npz"), str(tmp_path / "second")], check=True)
    verdict = certify.verify(tmp_path / "second", data=data_of(objective))
    assert verdict.exit_code == 0, str(verdict)
    assert certify.load_run(tmp_path / "second").certificate.predicate.request.previous == run.certificate.digest


@pytest.fixture(scope="module", params=[None, "name"])
def commanded(request, tmp_path_factory):
    """A run made by the command from a table with or without an id column, and the table without the forgotten rows."""
    place = tmp_path_factory.mktemp("commanded")
    rows, labels = data_of(problem())
    column = request.param

    def write(name, kept):
        head = ["a", "b", "c", *([column] if column else []), "y"]
        lines = [[*map(repr, rows[row].tolist()), *([f"r{row}"] if column else []), labels[row]] for row in kept]
        (place / name).write_text("\n".join(",".join(line) for line in [head, *lines]) + "\n")

    write("all.csv", range(COUNT))
    write("kept.csv", [row for row in range(COUNT) if row not in FIRST])
    named = (lambda ids: ",".join(f"r{row}" for row in ids)) if column else (lambda ids: ",".join(map(str, ids)))
    words = [
        "unlearn",
        "--data",
        f"{place}/all.csv",
        "--forget",
        named(FIRST),
        "--label",
        "y",
        "--model",
        "logistic",
        "--l2",
        "0.1",
    ]
    words += ["--epsilon", "1", "--delta", "1e-5", "--normalise-rows", *(["--id-column", column] if column else [])]
    assert main([*words, "--out", f"{place}/first"]) == 0
    return place, named


@pytest.mark.parametrize("table", ["all.csv", "kept.csv"])
def test_the_command_continues_from_a_run_folder(commanded, table, tmp_path):
    place, named = commanded
    words = ["unlearn", "--continue", f"{place}/first", "--data", f"{place}/{table}", "--forget", named(SECOND)]
    assert main([*words, "--epsilon", "1", "--delta", "1e-5", "--out", f"{tmp_path}/second"]) == 0
    assert main(["verify", f"{tmp_path}/second", "--data", f"{place}/all.csv"]) == 0
    assert certify.load_run(tmp_path / "second").forgotten.tolist() == [*FIRST, *SECOND]


@pytest.mark.parametrize(
    "change",
    [
        ["--label", "y"],
        ["--l2", "0.2"],
        ["--intercept"],
        ["--forget", "3"],
        ["--forget", "r3"],
        ["--forget", "r0,r0"],
        ["--continue", "missing"],
        ["--data", "missing.csv"],
        ["--epsilon", "-1"],
    ],
)
def test_a_bad_continuation_is_one_line(commanded, change, tmp_path, capsys):
    place, named = commanded
    given = {"--continue": f"{place}/first", "--data": f"{place}/kept.csv", "--forget": named(SECOND)}
    given |= {"--epsilon": "1", "--delta": "1e-5", "--out": f"{tmp_path}/second"}
    given |= {change[0]: change[1] if len(change) > 1 else ""}
    assert main(["unlearn", *(word for pair in given.items() for word in pair if word)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "second").exists()


def test_a_deletion_that_continues_nothing_says_what_to_train(commanded, tmp_path, capsys):
    place, _ = commanded
    assert main(["unlearn", "--data", f"{place}/all.csv", "--forget", "1", "--out", f"{tmp_path}/run"]) == 2
    assert "--continue" in capsys.readouterr().err
