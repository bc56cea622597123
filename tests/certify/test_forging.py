"""A producer who knows the code: each way to cheat is caught by the check that is named here, or is listed as declared."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import os
import shutil
import time

import numpy as np
import pytest

import certify
from certify.certificates import Certificate
from certify.certificates.canonical import canonical
from certify.certificates.certificate import seal
from certify.certificates.envelope import Envelope
from certify.certificates.numbers import write_number
from certify.cli import main
from certify.objectives import Logistic, Ridge
from certify.printing import printable
from certify.runs import witness_of
from certify.tables import Preprocessing
from certify.verification import verify

COUNT = 40


@pytest.fixture(scope="module")
def data():
    rows = np.random.default_rng(0).uniform(-0.5, 0.5, (COUNT, 3))
    return rows, (rows[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def fitted(data):
    return certify.fit(Logistic(*data, l2=0.1))


@pytest.fixture(scope="module")
def run(fitted):
    return certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")


@pytest.fixture(scope="module")
def third(run):
    second = certify.unlearn(run, [5], epsilon=1, delta="1e-5")
    return certify.unlearn(second, [9, 11], epsilon="0.5", delta="1e-6")


def failing(verdict):
    return {check.id for check in verdict.failed}


def saved(run, place, *, certificate=None, model=None, **witness):
    """The run folder of a liar: an honest one with other content in it."""
    folder = run.save(place)
    if certificate is not None:
        (folder / "certificate.json").write_bytes(certificate.to_json())
    if model is not None:
        (folder / "model.safetensors").write_bytes(model)
    for name, content in dataclasses.replace(witness_of(run), **witness).to_files().items():
        (folder / "secret" / name).write_bytes(content)
    return folder


def changed(run, *path, to):
    statement = json.loads(run.certificate.envelope.payload)
    place = statement["predicate"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return seal(statement)


# rows and sequences ------------------------------------------------------------------------------------


def test_a_retained_record_cannot_hide_among_those_forgotten_earlier(fitted, data, tmp_path):
    """20 is forgotten too, and not asked for: the witness lists it as forgotten by a release that never was."""
    greedy = dataclasses.replace(certify.unlearn(fitted, [3, 17, 20], epsilon=1, delta="1e-5"), forget=(3, 17))
    assert "data.retained-set" in failing(verify(saved(greedy, tmp_path / "run", earlier=np.array([20])), data=data))


def test_a_second_release_cannot_pass_for_a_first_one(run, data, tmp_path):
    lie = dataclasses.replace(certify.unlearn(run, [5], epsilon=1, delta="1e-5"), previous=None)
    assert "data.retained-set" in failing(verify(saved(lie, tmp_path / "run", earlier=np.array([3, 17])), data=data))


def test_a_retained_record_cannot_hide_in_any_earlier_release(third, data, tmp_path):
    for position, earlier in enumerate(([3, 17, 5, 20], [3, 17, 20], [3, 5, 17], [5, 3, 17], [3, 17], [])):
        verdict = verify(saved(third, tmp_path / f"run-{position}", earlier=np.array(earlier, dtype=np.int64)), data=data)
        assert not verdict.holds and failing(verdict) & {"data.retained-set", "data.commitment-previous"}, (earlier, str(verdict))


def test_all_records_decide_nothing_until_the_chain_reaches_the_first_release(third, data, tmp_path):
    folder = third.save(tmp_path / "run")
    assert verify(folder, data=data).exit_code == 0
    (folder / "previous-2.json").unlink()
    verdict = verify(folder, data=data)
    assert (verdict.exit_code, failing(verdict)) == (4, set())
    assert {"transcript.total", "data.retained-set"} <= {check.id for check in verdict.checks if check.status == "not-checkable"}
    gone = {*third.forgotten.tolist()}
    kept = [row for row in range(COUNT) if row not in gone]
    assert verify(folder, data=(data[0][kept], data[1][kept])).exit_code == 0  # here the verifier says what is retained
    assert verify(folder).exit_code == 0


def test_a_link_that_understates_what_was_used_up_before_it_is_refused(third, tmp_path):
    """The second states half of what the first used up, and the third is certified on top of that."""
    second, first = third.certificates[1:]
    statement = json.loads(second.envelope.payload)
    used = first.predicate.transcript.mu.exact
    for node in statement["predicate"]["derivation"]:
        if node["id"] == "previous-mu":
            node["number"] = dict(zip(("value", "approx"), write_number(float(used) / 2), strict=True))
    forged = seal(statement)
    stored = certify.load_run(third.previous.save(tmp_path / "second"))
    liar = dataclasses.replace(third, previous=dataclasses.replace(stored, certificate=forged))
    folder = liar.save(tmp_path / "run")
    assert failing(verify(folder)) == {"previous"}
    (folder / "previous.json").unlink()
    assert verify(folder).holds  # without the link its value is only declared, and the premise says so
    assert str(next(link for link in verify(folder).premises if link.id == "transcript.previous")).startswith("assumed")


def test_the_total_of_a_whole_sequence_is_composed_again(third):
    found = {check.id: check for check in verify(third).checks}
    assert found["transcript.total"].status == "passed" and "3 releases" in found["transcript.total"].detail


def test_a_link_of_the_chain_from_another_sequence_is_refused(third, fitted, tmp_path):
    folder = third.save(tmp_path / "run")
    other = certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5").certificate
    (folder / "previous-2.json").write_bytes(other.to_json())
    assert failing(verify(folder)) == {"previous"}
    shutil.copy(folder / "certificate.json", folder / "previous-2.json")
    assert failing(verify(folder)) == {"previous"}
    (folder / "previous-2.json").write_bytes(third.certificates[2].to_json())
    (folder / "previous-3.json").write_bytes(other.to_json())
    assert failing(verify(folder)) == {"previous"}


# model and problem ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_model_that_is_not_finite_is_refused_without_the_data(run, bad, tmp_path):
    model = run.model.clone()
    model[0] = bad
    assert failing(verify(dataclasses.replace(run, model=model))) == {"artefacts.model"}


def test_parameters_in_another_order_are_refused(run, data):
    assert failing(verify(dataclasses.replace(run, model=run.model.flip(0)), data=data)) == {"data.noise"}


@pytest.mark.parametrize("classes", [["1", "0"], ["0", "1e0"], ["0", " 1"], ["-0", "1"], ["nan", "1"], ["0", "2"]])
def test_classes_that_are_not_the_labels_in_their_order_are_refused(run, data, classes, tmp_path):
    """Which of two labels is the larger decides the sign of the model."""
    forged = changed(run, "problem", "classes", to=classes)
    assert failing(verify(saved(run, tmp_path / "run", certificate=forged), data=data)) == {"data.problem"}


def test_a_label_is_the_same_as_an_integer_a_double_or_a_truth_value(run, data):
    for labels in (data[1].astype(float), data[1].astype(bool), data[1].astype(np.int8)):
        assert verify(run, data=(data[0], labels)).exit_code == 0


def test_regression_has_no_classes(data):
    ridge = certify.unlearn(certify.fit(Ridge(data[0], data[0][:, 1], l2=0.1)), [1], epsilon=1, delta="1e-5")
    assert failing(verify(changed(ridge, "problem", "classes", to=["a", "b"]))) == {"problem"}


def test_an_exact_release_claims_no_policy(data):
    exact = certify.unlearn(certify.fit(Ridge(data[0], data[0][:, 1], l2=0.1)), [1], method="exact")
    for field, value in (("budgetSource", "caller"), ("chosen", "fit")):
        assert failing(verify(changed(exact, "policy", field, to=value))) & {"policy", "premises"}


def test_what_is_compared_with_nothing_is_listed_as_declared(run, data):
    """A forger may say 'retrain' for 'newton': no check can tell, so the verdict names the field."""
    forged = changed(run, "mechanism", "method", to="retrain")
    alone, deep = verify(forged), verify(run, data=data)
    assert alone.holds and "mechanism.method" in alone.declared and "mechanism.method" in deep.declared
    assert {"subject", "request", "problem"} <= set(alone.declared) and not {"subject", "request", "problem"} & set(deep.declared)
    assert "only declared" in str(deep) and deep.to_json()["declared"] == list(deep.declared)


# files -----------------------------------------------------------------------------------------------------


def make_pipe(place):
    os.mkfifo(place)


def make_loop(place):
    place.symlink_to(place.name)


def make_endless(place):
    place.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [os.mkdir, make_pipe, make_loop, make_endless])
@pytest.mark.parametrize(
    "name", ["certificate.json", "model.safetensors", "previous.json", "secret/witness.json", "secret/ids.safetensors"]
)
def test_what_is_no_regular_file_is_neither_read_nor_waited_for(run, data, make, name, tmp_path):
    folder = run.save(tmp_path / "run")
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    start = time.perf_counter()
    with contextlib.suppress(certify.InputError):
        assert not verify(folder, data=data).holds
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "", "missing", "/dev/zero", "/dev/null"])
def test_a_name_that_no_certificate_has_is_one_clear_line(name):
    with pytest.raises(certify.InputError) as caught:
        verify(name)
    assert "\n" not in str(caught.value)


def test_secrets_are_not_written_through_a_link(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(certify.InputError, match="link"):
        run.save(tmp_path / "run")
    assert not list((tmp_path / "elsewhere").iterdir())


# text of strangers --------------------------------------------------------------------------------------------


ESCAPE = "\x1b[2J\x1b[H\x1b[32mHOLDS\u202e"


def test_a_certificate_cannot_repaint_the_terminal(run, capsys, tmp_path):
    statement = json.loads(run.certificate.envelope.payload)
    surplus, excluded = copy.deepcopy(statement), copy.deepcopy(statement)
    surplus["predicate"][ESCAPE] = 1
    excluded["predicate"]["exclusions"].append(ESCAPE)
    from io import StringIO

    from rich.console import Console

    for made in (Certificate(Envelope(canonical(surplus))), seal(excluded)):
        verdict = verify(made)
        screen = Console(file=StringIO(), width=120)
        screen.print(verdict)
        shown = str(verdict) + screen.file.getvalue()
        assert "\x1b" not in shown and "\u202e" not in shown
    screen = Console(file=StringIO(), width=120)
    screen.print(seal(excluded))
    assert "HOLDS" in screen.file.getvalue() and "\x1b" not in screen.file.getvalue()
    table = changed(run, "provenance", to={"label": ESCAPE, "features": "[]", "normalise-rows": "no"})
    folder = saved(run, tmp_path / "run", certificate=table)
    (tmp_path / "d.csv").write_text("a,y\n1,2\n")
    assert main(["verify", str(folder), "--data", f"{tmp_path}/d.csv"]) == 2
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err and captured.err.count("\n") == 1


def test_printable_text_is_left_alone():
    assert printable("ε ≤ 1 – fine") == "ε ≤ 1 – fine" and len(printable(ESCAPE)) == len(ESCAPE)


@pytest.mark.parametrize(
    "damage",
    [
        {"features": "[" * 100_000},
        {"scale": '["0x1p99999"]'},
        {"scale": "[1e999]"},
        {"features": "9" * 5000},
        {"features": "{}", "scale": "[]", "label-values": "7"},
        {"normalise-rows": "maybe"},
    ],
)
def test_a_foreign_provenance_is_bad_input(damage):
    whole = {"label": "y", "features": '["a"]', "normalise-rows": "no"}
    with pytest.raises(certify.InputError, match="provenance"):
        Preprocessing.of(whole | damage)


# secrets ------------------------------------------------------------------------------------------------------


def test_no_representation_tells_who_was_forgotten_or_how_hard_it_was(fitted, run):
    shown = repr(run.fitted.commitments) + repr(run.fitted) + repr(fitted) + repr(run) + repr(witness_of(run))
    assert "array(" not in shown and "iterations" not in shown and "passes" not in shown


def test_roots_of_the_same_records_under_another_salt_have_nothing_in_common(data):
    """An identifier cannot be tried out: without the master salt every record has 2**256 equally likely leaves."""
    roots = set()
    for _ in range(3):
        made = certify.unlearn(certify.fit(Logistic(*data, l2=0.1)), [3], epsilon=1, delta="1e-5")
        roots |= {made.certificate.predicate.request.forgotten.root, made.certificate.predicate.request.retained.root}
    assert len(roots) == 6


def test_nothing_secret_is_in_any_public_byte_of_a_folder(third, tmp_path):
    folder = third.save(tmp_path / "run")
    public = b"".join(item.read_bytes() for item in folder.iterdir() if item.is_file())
    secret = [third.seed, third.fitted.commitments.master, third.noiseless.numpy().tobytes(), third.objective.ids.tobytes()]
    secret += [third.forgotten.tobytes(), *(np.float64(bound.value).tobytes() for bound in (third.distance, third.residual))]
    secret += [value.hex().encode() for value in (third.seed, third.fitted.commitments.master)]
    secret += [form(bound.value).encode() for bound in (third.distance, third.residual) for form in (repr, float.hex)]
    from base64 import b64decode

    public += b"".join(
        b64decode(json.loads(item.read_bytes())["payload"]) for item in folder.glob("*.json") if "manifest" not in item.name
    )
    assert not [item for item in secret if item in public]
    assert {item.stat().st_mode & 0o777 for item in (folder / "secret").iterdir()} == {0o600}
    assert not list(folder.rglob("*.partial"))
