"""The checker as a program: copied elsewhere, on damaged, forged and foreign books."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.proofs import book, checker

SOURCE = Path(checker.__file__)
FORGED = "output.residual"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The checker, its book and its pins, and nothing else of the project."""
    for name in (SOURCE, book.BOOK, book.PINS):
        shutil.copy(name, tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-I", "checker.py", *arguments], cwd=folder, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


def test_the_checker_is_one_file_of_the_standard_library() -> None:
    imported = {
        name.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module).split(".")[0]
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported <= set(sys.stdlib_module_names)


def test_a_copy_elsewhere_checks_the_book_within_a_second(folder: Path) -> None:
    start = time.perf_counter()
    done = run(folder, "book.json", "pins.json")
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout
    assert seconds < 3  # one second on an idle machine


def test_it_runs_as_a_module_of_the_package(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "certify.proofs.checker"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_damaged_book_fails_without_a_traceback(folder: Path) -> None:
    text = book.BOOK.read_text(encoding="utf-8")
    for damaged, code in (
        (text[: len(text) // 2], 2),
        ("[" * 100_000, 2),
        ("[]", 2),
        ("{}", 2),
        (text.replace('"1/2"', "0.5", 1), 2),
        (text.replace('"1/2"', '"1/3"', 1), 1),
        (json.dumps({"format": checker.FORMAT, "entries": {"a": 1, "b": None, "c": {"kind": "theorem"}}}), 1),
    ):
        (folder / "book.json").write_text(damaged, encoding="utf-8")
        assert run(folder).returncode == code


@pytest.mark.parametrize("name", ["x\nproved     output.residual", "x\n1 entries, 0 failed", "x\x1b[2K", "x\ud800", "x\u202e"])
def test_a_name_in_a_book_cannot_look_like_a_line_of_the_checker(folder: Path, name: str) -> None:
    honest = run(folder, "book.json", "pins.json").stdout.splitlines()
    data = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    data["entries"][name] = {"kind": "foundation", "statement": "what nobody has read", "source": "nowhere", "digest": ""}
    (folder / "book.json").write_text(json.dumps(data), encoding="utf-8")
    done = run(folder, "book.json", "pins.json")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == len(honest) + 1
    assert lines[-1].startswith(f"{len(lines) - 1} entries, 1 failed; the first is x")
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_a_book_of_another_version_says_which(folder: Path) -> None:
    text = book.BOOK.read_text(encoding="utf-8").replace(checker.FORMAT, "certify-book/99")
    (folder / "book.json").write_text(text, encoding="utf-8")
    done = run(folder)
    assert done.returncode == 2
    assert "'certify-book/99'" in done.stderr
    assert repr(checker.FORMAT) in done.stderr


def test_a_corrupted_book_names_the_first_bad_theorem(folder: Path) -> None:
    """All that rests on it fails too; the last line says where it began."""
    forge(folder, lambda entry: entry["proof"]["steps"][0]["cases"]["positive"][0]["terms"][0].__setitem__(0, "2"))
    done = run(folder)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].endswith(f"the first is {FORGED}")
    assert sum(line.startswith("failed") for line in done.stdout.splitlines()) > 1


def test_wrong_arguments_get_the_usage(folder: Path) -> None:
    for arguments in (("--trust",), ("--redigest",), ("a", "b", "c"), ("--redigest", "a", "b")):
        done = run(folder, *arguments)
        assert (done.returncode, done.stderr.startswith("usage")) == (2, True)
    assert run(folder, "--help").stdout.startswith("usage")
    assert run(folder, "missing.json").returncode == 2


# ---------------------------------------------------------------- a forger who makes the digests fit


def forge(folder: Path, change: Callable[[dict[str, Any]], object], entry: str = FORGED) -> None:
    """Change one entry of the book and recompute all digests."""
    data = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    change(data["entries"][entry])
    (folder / "book.json").write_text(json.dumps(data), encoding="utf-8")
    done = run(folder, "--redigest", "book.json")
    assert done.returncode == 0, done.stderr
    assert "nothing was checked" in done.stdout


def reason(folder: Path, entry: str = FORGED) -> str:
    lines = [line for line in run(folder).stdout.splitlines() if line.split()[1].rstrip(":") == entry]
    assert len(lines) == 1
    assert lines[0].startswith("failed"), lines
    assert "digest" not in lines[0]
    return lines[0]


def test_redigesting_an_honest_book_changes_nothing(folder: Path) -> None:
    before = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    assert run(folder, "--redigest", "book.json").returncode == 0
    assert json.loads((folder / "book.json").read_text(encoding="utf-8")) == before
    assert run(folder).returncode == 0


def test_a_changed_multiplier_is_refused_by_the_mathematics(folder: Path) -> None:
    forge(folder, lambda entry: entry["proof"]["steps"][0]["cases"]["positive"][0]["terms"][0].__setitem__(0, "2"))
    assert "does not balance" in reason(folder)


def test_a_changed_statement_is_refused_by_the_pins(folder: Path) -> None:
    forge(folder, lambda entry: entry.__setitem__("formula", ["product", ["rational", "1/2"], entry["formula"]]))
    assert "not the pinned ones" in reason(folder)


def test_a_changed_statement_with_pins_made_to_fit_is_refused_by_the_mathematics(folder: Path) -> None:
    forge(folder, lambda entry: entry.__setitem__("formula", ["product", ["rational", "1/2"], entry["formula"]]))
    entries = json.loads((folder / "book.json").read_text(encoding="utf-8"))["entries"]
    pins = {name: checker.claim_digest(entry) for name, entry in entries.items()}
    (folder / "pins.json").write_text(json.dumps(pins), encoding="utf-8")
    assert "does not balance" in reason(folder)


def test_a_vacuous_hypothesis_set_is_refused(folder: Path) -> None:
    """A fact and its opposite have no witness, whatever the pins say."""

    def contradict(entry: dict[str, Any]) -> None:
        fact = dict(entry["proof"]["facts"][0])
        fact |= {"name": "absurd", "slack": ["sum", ["product", ["rational", "-1"], fact["slack"]], ["rational", "-1"]]}
        entry["proof"]["facts"].append(fact)

    forge(folder, contradict)
    entries = json.loads((folder / "book.json").read_text(encoding="utf-8"))["entries"]
    pins = {name: checker.claim_digest(entry) for name, entry in entries.items()}
    (folder / "pins.json").write_text(json.dumps(pins), encoding="utf-8")
    assert "the witness violates absurd" in reason(folder)


def test_a_cycle_has_no_digests(folder: Path) -> None:
    data = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    data["entries"][FORGED]["rests_on"].append("output.worst-case")
    (folder / "book.json").write_text(json.dumps(data), encoding="utf-8")
    done = run(folder, "--redigest", "book.json")
    assert (done.returncode, "rests on itself" in done.stderr) == (2, True)
    done = run(folder)
    assert done.returncode == 1
    assert "rests on itself" in done.stdout
