"""``certify test``: where a method may be, what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certify.cli.app import run
from certify.testing import SUITE_VERSION, checks

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "test_your_method.py")


def test_a_sound_method_exits_zero_and_prints_a_table_by_tier(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "certify.testing.broken:SoundNewton"]) == 0
    out, err = capsys.readouterr()
    for word in ("exact", "property", "statistical", "not refuted", *(check.id for check in checks())):
        assert word in out
    assert "REFUTED" not in out
    assert "passed" not in out
    assert err == "", "no progress without a terminal"


def test_a_refuted_method_exits_one_and_json_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", f"{EXAMPLE}:Forgetful", "--json", "--seed", "3"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "certify.test/1"
    assert document["suite"] == SUITE_VERSION
    assert document["refuted"] is True
    assert document["seed"] == 3
    assert [entry["id"] for entry in document["checks"]] == [check.id for check in checks()]
    assert {"id", "tier", "status", "detail"} == set(document["checks"][0])
    assert document["counts"]["failed"] == sum(entry["status"] == "failed" for entry in document["checks"]) > 0


def test_what_a_method_prints_stays_out_of_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "talkative.py"
    file.write_text(
        "print('hello')\nfrom certify.testing.broken import SoundNewton\n"
        "class Talkative(SoundNewton):\n"
        "    def train(self, data, generator):\n        print('training')\n        return super().train(data, generator)\n"
        "ready = Talkative()\n"
    )
    assert run(["test", f"{file}:ready", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["method"] == "Talkative"
    assert "training" in err


def test_a_module_beside_the_caller_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "beside_the_caller.py").write_text("from certify.testing.broken import QuietNoise\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run(["test", "beside_the_caller:QuietNoise", "--json"]) == 1
    assert "statistical.noise-scale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nothing", "package.module:Method"),
        (":Method", "package.module:Method"),
        ("no.such.module:Method", "could not be imported"),
        ("missing.py:Method", "no file missing.py"),
        (f"{EXAMPLE}:Nobody", "methods there: MyRidge, Forgetful"),
        ("math:pi", "not a method"),
        ("math:sqrt", "without arguments"),
        ("collections:OrderedDict", "has no train"),
        ("certify.testing.broken:Trained", "without arguments"),
    ],
)
def test_a_target_that_is_no_method_is_one_line_and_exit_two(target: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", target]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_a_module_that_breaks_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "breaks.py"
    file.write_text("raise RuntimeError('first\\nsecond')\n")
    assert run(["test", f"{file}:Method"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_level_that_is_no_probability_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "certify.testing.broken:SoundNewton", "--alpha", "2"]) == 2
    assert "alpha" in capsys.readouterr().err
