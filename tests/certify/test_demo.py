"""The demonstration: it holds, its forgeries do not, and it leaves what it does not know alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from certify.cli import main
from certify.demo import FORGET, LABEL, SCALE, Demonstration, demonstrate
from certify.errors import InputError
from certify.tables import write_table

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    return demonstrate(tmp_path_factory.mktemp("demo") / "run")


def test_the_certificate_holds_at_the_data_level(shown: Demonstration) -> None:
    assert shown.verdict.holds
    assert shown.verdict.level == "data"
    assert shown.verdict.exit_code == 0


def test_the_certified_distance_is_not_below_the_true_one(shown: Demonstration) -> None:
    assert 0 < shown.true_distance.value <= shown.run.distance.value <= shown.run.distance_budget.value


def test_both_forgeries_are_refused_with_a_reason(shown: Demonstration) -> None:
    signed, unsigned = shown.forgeries
    assert not signed.verdict.holds
    assert {check.id for check in signed.verdict.failed} > {"signature"}, (
        "a forger must be refused by the arithmetic, not only by the signature"
    )
    assert not unsigned.verdict.holds
    assert "content-digest" in {check.id for check in unsigned.verdict.failed}
    assert all(check.detail for forgery in shown.forgeries for check in forgery.verdict.failed)


def test_the_models_are_useful_and_agree(shown: Demonstration) -> None:
    accuracy = shown.accuracy
    assert min(accuracy.before, accuracy.released, accuracy.retrained) > 0.9
    assert abs(accuracy.released - accuracy.retrained) < 0.05


def test_the_folder_holds_the_run_its_table_and_the_signer_and_no_forgery(shown: Demonstration) -> None:
    names = {path.name for path in shown.out.iterdir()}
    assert names == {"data.csv", "certificate.json", "model.safetensors", "manifest.json", "signer.pub", "secret"}
    assert not list(shown.out.rglob("*.partial"))
    assert len((shown.out / "data.csv").read_text().splitlines()) == 1 + shown.run.objective.count + len(FORGET)


def test_the_divisors_are_round_numbers_not_statistics(shown: Demonstration) -> None:
    assert len(SCALE) == 30
    assert all(float(f"{divisor:.1g}") == divisor for divisor in SCALE.values())


def test_the_command_line_verifies_the_folder(shown: Demonstration, capsys: Capture) -> None:
    out = shown.out
    words = ["verify", str(out), "--data", str(out / "data.csv"), "--key", str(out / "signer.pub"), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "data"
    assert main(["verify", str(out / "certificate.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "arithmetic"


def test_the_command_prints_certificate_verdict_and_refusals(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # a runner may set it, and lines would break elsewhere
    assert main(["demo", "--out", str(tmp_path / "run")]) == 0
    captured = capsys.readouterr()
    for words in (
        "epsilon = 1.0, delta = 1e-05",
        "HOLDS",
        "really retrained",
        "accuracy released",
        "re-signed by a forger",
        "unsigned",
    ):
        assert words in captured.out
    assert captured.err == "", "no progress without a terminal"
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8").split("```")[1]
    measured = (
        "commitment",
        "certified distance",
        "really retrained",
        "accuracy",
    )  # these differ from run to run or machine to machine
    promised = [line for line in readme.splitlines() if line and not any(word in line for word in measured)]
    assert [line for line in promised if line not in captured.out] == []
    assert main(["demo", "--out", str(tmp_path / "run"), "--json"]) == 0  # an earlier demonstration is replaced
    document = json.loads(capsys.readouterr().out)
    assert document["holds"] is True
    assert [forgery["holds"] for forgery in document["forgeries"]] == [False, False]


def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "data.csv").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        demonstrate(tmp_path)
    assert (tmp_path / "data.csv").read_text() == "mine"


@pytest.mark.parametrize("mine", ["data.csv", "certificate.json", "secret/witness.json"])
def test_what_only_looks_like_a_demonstration_is_left_alone(mine: str, tmp_path: Path) -> None:
    """A table or a run of the user's own, under a name that a demonstration uses too."""
    (tmp_path / mine).parent.mkdir(exist_ok=True)
    (tmp_path / mine).write_text("years of work")
    with pytest.raises(InputError, match="which no demonstration wrote"):
        demonstrate(tmp_path)
    assert (tmp_path / mine).read_text() == "years of work"


def test_a_demonstration_that_was_killed_is_replaced(tmp_path: Path) -> None:
    write_table(tmp_path / "data.csv", np.ones((1, len(SCALE))), ["benign"], columns=list(SCALE), label=LABEL)
    (tmp_path / ".certificate.json.0123.partial").write_text("{")
    assert demonstrate(tmp_path).verdict.holds
    assert not list(tmp_path.glob(".*"))
