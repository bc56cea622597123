"""The command line: exit codes, one error line, JSON alone on standard output, nothing half written."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from certify.cli import main
from certify.cli.app import COMMANDS
from certify.cli.output import ExitCode, complain, emit, labelled
from certify.errors import BudgetNotReached, CannotDecide, InputError
from certify.tables import write_table

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty records of two features that a logistic model can learn."""
    generator = np.random.default_rng(5)
    rows = generator.uniform(-1, 1, size=(60, 2))
    labels = np.where(rows[:, 0] + 0.3 * generator.normal(size=60) > 0, "yes", "no")
    return write_table(tmp_path / "d.csv", rows, labels, columns=["a", "b"], label="y")


def options(table: Path, out: Path, **changed: str | None) -> list[str]:
    """The words of a good ``unlearn``, with some options changed or (None) left out."""
    given: dict[str, str | None] = {
        "data": str(table), "label": "y", "forget": "3,17", "model": "logistic", "l2": "0.1",
        "epsilon": "1", "delta": "1e-5", "out": str(out),
    }  # fmt: skip
    given |= {name.replace("_", "-"): value for name, value in changed.items()}
    return ["unlearn", *(word for name, value in given.items() if value is not None for word in (f"--{name}", value))]


def run_apart(words: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "certify", *words]
    return subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, **environment})


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# what every command does ------------------------------------------------------------------------------


def test_version_is_the_installed_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("command", [name for name, _, _ in COMMANDS])
def test_every_command_explains_itself_and_takes_json(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    captured = capsys.readouterr()
    assert "--json" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["noies"], "did you mean noise"),
        (["xyzzy"], "use one of noise, claim"),
        (["noise", "--epsilon"], "--epsilon"),
        (["prove", "output.residul"], "output.residual"),
        (["theorems", "output.residul"], "output.residual"),
        (["verify"], "see certify verify --help"),
        (["claim"], "claim needs THEOREM"),
        (["noise", "1", "2"], "takes no '2'"),
        (["--json", "noise"], "comes after a command"),
        (["verify", "no-such-folder"], "no-such-folder"),
        (["unlearn", "--data", "d", "--label", "y", "--forget", "1", "--model", "lasso", "--l2", "1", "--out", "r"], "lasso"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(words: list[str], says: str, capsys: Capture) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("certify: ")
    assert says in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("bad"), 2),
        (BudgetNotReached("far"), 1),
        (CannotDecide("hm"), 4),
        (PermissionError(13, "Permission denied", "x"), 2),
        (RuntimeError("two\nlines"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    error: BaseException, code: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("certify.proofs.registry.theorems", fail)
    assert main(["theorems"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_a_document_without_schema_is_refused(capsys: Capture) -> None:
    with pytest.raises(ValueError, match="schema"):
        emit({"a": 1}, True, lambda: "text")
    with pytest.raises(ValueError, match="JSON"):
        emit({"schema": "x", "a": float("nan")}, True, lambda: "text")
    assert capsys.readouterr().out == ""


def test_the_rendering_is_made_only_when_it_is_shown(capsys: Capture) -> None:
    def never() -> str:
        raise AssertionError("rendered although JSON was asked for")

    emit({"schema": "x"}, True, never)
    assert json.loads(capsys.readouterr().out) == {"schema": "x"}


def test_an_error_line_is_one_line(capsys: Capture) -> None:
    complain("a\nb\n  c")
    assert capsys.readouterr().err == "certify: a b c\n"


def test_exit_codes_are_those_documented() -> None:
    assert {code.name: int(code) for code in ExitCode} == {"HOLDS": 0, "FAILS": 1, "USAGE": 2, "WEAKER": 3, "UNDECIDED": 4}


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m certify theorems | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""


def test_no_colour_without_a_terminal(capsys: Capture) -> None:
    assert main(["theorems"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("words", [["prove", "output.residual"], ["theorems", "newton.after-step"], ["unlearn", "--help"]])
def test_a_terminal_of_any_encoding_can_be_printed_to(encoding: str, words: list[str]) -> None:
    done = run_apart(words, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


def test_json_says_the_same_in_every_encoding() -> None:
    words = ["theorems", "newton.after-step", "--json"]
    plain, full = (run_apart(words, PYTHONIOENCODING=encoding).stdout.decode(encoding) for encoding in ("ascii", "utf-8"))
    assert json.loads(plain) == json.loads(full)
    assert "²" in full


@pytest.mark.parametrize("words", [["noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "1"], ["theorems"], ["noise"]])
def test_closed_streams_are_no_error_and_swap_nothing(words: list[str]) -> None:
    """Without a standard error an error line must not land in standard output, where JSON is expected."""
    command = f"{sys.executable} -m certify {' '.join(words)} --json"
    code = 2 if words == ["noise"] else 0
    assert subprocess.run(["bash", "-c", f"{command} >&-"], capture_output=True, timeout=60).returncode == code
    quiet = subprocess.run(["bash", "-c", f"{command} 2>&-"], capture_output=True, text=True, timeout=60)
    assert quiet.returncode == code
    assert (quiet.stdout == "") == (code == 2)


def test_help_shows_the_whole_explanation_of_one_command(capsys: Capture) -> None:
    assert main(["noise", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "hexadecimal doubles" in shown
    assert "Exit codes" in shown
    assert "[default: False]" not in shown and "None" not in shown


def test_labels_and_texts_are_aligned_and_fit() -> None:
    shown = labelled([("a", "one two three " * 9), ("longer", "four")], columns=40).splitlines()
    assert max(map(len, shown)) <= 40
    assert {line[:8].strip() for line in shown} == {"a", "", "longer"}


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (
            ["noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.02"],
            {"sigma", "sigma_hex", "epsilon", "delta", "sensitivity", "mechanism", "delta_upper"},
        ),
        (
            ["claim", "output.residual", "residual=1", "strong_convexity=1", "sigma=9", "--epsilon", "1", "--delta", "1e-5"],
            {"holds", "epsilon_true", "sigma_required", "theorem", "status"},
        ),
        (["prove", "output.residual"], {"theorems"}),
        (["theorems"], {"theorems"}),
    ],
)
def test_json_has_the_keys_that_others_rely_on(words: list[str], keys: set[str], capsys: Capture) -> None:
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert keys | {"schema"} <= set(document)
    assert document["schema"].startswith("certify.")
    if "sigma" in keys:
        assert float(document["sigma"]) == float.fromhex(document["sigma_hex"])
    for entry in document.get("theorems", []) if words[0] == "prove" else []:
        assert {"id", "status"} <= set(entry)


# theorems, prove --------------------------------------------------------------------------------------


def test_prove_replays_the_whole_book(capsys: Capture) -> None:
    assert main(["prove", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "certify.prove/1"
    assert {"output.residual", "newton.one-step", "gaussian.profile"} <= {entry["id"] for entry in document["theorems"]}
    assert {entry["status"] for entry in document["theorems"]} <= {"proved", "enclosed"}


def test_prove_of_one_theorem_replays_what_it_rests_on(capsys: Capture) -> None:
    assert main(["prove", "output.residual", "--json"]) == 0
    assert "output.residual" in [entry["id"] for entry in json.loads(capsys.readouterr().out)["theorems"]]


def test_a_refused_proof_is_exit_1(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(identifier: str) -> None:
        raise ValueError(f"the proof of {identifier} is wrong")

    monkeypatch.setattr("certify.proofs.registry.status", refuse)
    assert main(["prove", "output.residual", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["holds"] is False
    assert {entry["status"] for entry in document["theorems"]} == {"refused"}


def test_a_theorem_is_shown_with_sides_and_source(capsys: Capture) -> None:
    assert main(["theorems", "output.residual"]) == 0
    shown = capsys.readouterr().out
    assert "an upper bound" in shown
    assert "a lower bound" in shown
    assert "source" in shown


# unlearn ----------------------------------------------------------------------------------------------


def test_a_deletion_is_written_verified_and_private(table: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "run"
    assert main([*options(table, out), "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema"] == "certify.unlearn/1"
    assert (document["forgotten"], document["retained"]) == (2, 58)
    assert captured.err == "", "no progress without a terminal"
    assert stat.S_IMODE((out / "secret").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out / "secret").iterdir()} == {0o600}
    assert main(["verify", str(out), "--data", str(table), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["holds"] is True
    assert verdict["level"] == "data"
    assert {"schema", "holds", "weakest", "checks", "guarantee"} <= set(verdict)
    assert {"notion", "epsilon", "delta"} <= set(verdict["guarantee"])
    assert all(set(check) == {"id", "status", "detail"} for check in verdict["checks"])


def test_neither_the_public_files_nor_the_output_hold_anything_measured(table: Path, tmp_path: Path, capsys: Capture) -> None:
    """The trap of an honest producer: a measured distance in the certificate is a function of the deleted records."""
    out = tmp_path / "run"
    assert main([*options(table, out), "--json"]) == 0
    printed = capsys.readouterr().out.encode()
    public = printed + b"".join(path.read_bytes() for path in out.iterdir() if path.is_file())
    measured = json.loads((out / "secret" / "witness.json").read_text())
    for name in ("distance", "residual"):
        value = float.fromhex(measured[name])
        assert value > 0
        assert repr(value).encode() not in public
        assert value.hex().encode() not in public


def test_prepared_rows_are_prepared_again_by_the_verifier(table: Path, tmp_path: Path, capsys: Capture) -> None:
    scale = tmp_path / "scale.csv"
    scale.write_text("a,2\nb,0.5\n")
    out = tmp_path / "run"
    assert main([*options(table, out, scale=str(scale)), "--normalise-rows"]) == 0
    capsys.readouterr()
    assert main(["verify", str(out), "--data", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "data"


def test_ids_may_be_names_in_a_file(table: Path, tmp_path: Path, capsys: Capture) -> None:
    lines = table.read_text().splitlines()
    named = tmp_path / "named.csv"
    named.write_text("\n".join([f"who,{lines[0]}", *(f"p{index},{line}" for index, line in enumerate(lines[1:]))]) + "\n")
    ids = tmp_path / "ids.txt"
    ids.write_text("p3\np17\n")
    assert main([*options(named, tmp_path / "run", forget=str(ids), id_column="who"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["forgotten"] == 2


@pytest.mark.parametrize("method", ["newton", "retrain", "exact"])
def test_every_method_runs_on_ridge(method: str, tmp_path: Path, capsys: Capture) -> None:
    rows = np.random.default_rng(1).integers(-8, 8, size=(30, 2)) / 8
    table = write_table(tmp_path / "r.csv", rows, (rows[:, 0] > 0).astype(float), columns=["a", "b"], label="y")
    assert main([*options(table, tmp_path / "run", model="ridge", method=method), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["method"] == method
    assert (float(document["guarantee"]["epsilon"]) == 0) == (method == "exact")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"data": "none.csv"}, "none.csv: no such file"),
        ({"label": "z"}, "no label column 'z'"),
        ({"id_column": "who"}, "no id column 'who'"),
        ({"forget": "99"}, "id '99' is not in"),
        ({"forget": "3,3"}, "twice"),
        ({"forget": "none.txt"}, "no such file of ids"),
        ({"forget": ",".join(map(str, range(60)))}, "every record"),
        ({"l2": "0"}, "l2"),
        ({"l2": "-1"}, "l2"),
        ({"l2": "nan"}, "l2"),
        ({"l2": "much"}, "--l2"),
        ({"epsilon": "-1"}, "epsilon"),
        ({"epsilon": "nan"}, "epsilon"),
        ({"epsilon": "one"}, "epsilon"),
        ({"epsilon": None}, "--epsilon"),
        ({"delta": "0"}, "delta"),
        ({"delta": "1"}, "delta"),
        ({"delta": "2"}, "delta"),
        ({"distance_budget": "0"}, "budget"),
        ({"distance_budget": "-1"}, "budget"),
        ({"model": "ridge", "method": "magic"}, "magic"),
        ({"scale": "none.csv"}, "none.csv"),
        ({"sign": "none.key"}, "none.key"),
        ({"seed": "1"}, "takes no --seed"),
        ({"method": "exact"}, "ridge"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_nothing_written(
    changed: dict[str, str | None], says: str, table: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    assert main(options(table, tmp_path / "run", **changed)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line for line in captured.err.splitlines() if line.startswith("certify: ")] == [captured.err.splitlines()[-1]]
    assert says in captured.err
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,y\n1,no\nnan,yes\n2,no\n", "line 3, column 'a'"),
        ("a,y\n1,no\n2,no\n3,no\n", "labels of 2 values"),
        ("a,y\n1,no\n2,yes\n3,maybe\n", "labels of 2 values"),
    ],
)
def test_labels_outside_the_model_and_bad_cells_are_refused(text: str, says: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert main(options(path, tmp_path / "run", forget="0")) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_occupied_folder_is_left_as_it_is(table: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert main(options(table, out)) == 2
    assert "not empty" in capsys.readouterr().err
    assert snapshot(out) == {"thesis.txt": b"years of work"}
    assert main(options(table, table)) == 2


def test_an_unwritable_place_is_refused_before_the_work(
    table: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained although nothing could be written")

    monkeypatch.setattr("certify.fitting.fit", never)
    for place in (Path("/proc/certify-run"), table / "run"):
        assert main(options(table, place)) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert str(place) in captured.err and "writable" in captured.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_deletion_that_is_stopped_releases_nothing_and_is_run_again(number: signal.Signals, tmp_path: Path) -> None:
    rows = np.random.default_rng(2).uniform(-1, 1, size=(4000, 3))
    table = write_table(tmp_path / "d.csv", rows, (rows[:, 0] > 0).astype(int), label="y")
    out = tmp_path / "run"
    # The process stops itself where it hurts most: after the first rename of the run's files.
    script = (
        "import os, sys\nfrom certify.cli import main\nreal = os.replace\n"
        f"def stop(source, target):\n    real(source, target)\n    os.kill(os.getpid(), {int(number)})\n"
        "os.replace = stop\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *options(table, out)], capture_output=True, text=True, timeout=60)
    assert done.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (out / "certificate.json").exists()
    assert main(["verify", str(out)]) == 2
    assert main(options(table, out)) == 2, "what is left is not overwritten"
    assert main([*options(table, tmp_path / "again"), "--json"]) == 0


def test_progress_is_shown_on_a_terminal(table: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "certify", *options(table, tmp_path / "run"), "--json"]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=theirs, timeout=60, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # a terminal that nobody writes to any more ends in an error
        while part := os.read(ours, 1 << 16):
            shown += part
    os.close(ours)
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == "certify.unlearn/1"
    for stage in (b"training on 60 records", b"forgetting 2 records", b"writing"):
        assert stage in shown


def test_an_interrupted_write_leaves_no_certificate(
    table: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.replace, []

    def fail_late(source: Any, target: Any) -> None:
        calls.append(target)
        if str(target).endswith("certificate.json"):
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    monkeypatch.setattr("os.replace", fail_late)
    assert main(options(table, tmp_path / "run")) == 2
    assert calls
    assert not (tmp_path / "run" / "certificate.json").exists()
    assert not list((tmp_path / "run").rglob("*.partial"))
    assert "Traceback" not in capsys.readouterr().err


# speed ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_noise_starts_within_its_budget() -> None:
    command = [sys.executable, "-m", "certify", "noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.02"]
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) <= 0.4
