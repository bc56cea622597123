"""``certify theorems`` and ``certify prove``: what they show, what they refuse, and how fast they start."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from certify.cli import main
from certify.proofs import book, catalogue, checker, registry

Capture = pytest.CaptureFixture[str]


def document(words: list[str], capsys: Capture, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# theorems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ["80", "60", "200"])
def test_the_listing_has_one_line_an_entry_and_fits(columns: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["theorems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    entries = [name for name in catalogue.entries() if registry.kind(name) != "foundation"]
    rows = [line for line in lines if line.startswith("  ")]
    assert [row.split()[1] for row in rows] == entries
    for family in catalogue.families():
        assert any(line.startswith(f"{family.name}: ") for line in lines)


def test_a_family_is_listed_alone(capsys: Capture) -> None:
    assert main(["theorems", "newton", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [family["id"] for family in listed["families"]] == ["newton"]
    assert {entry["family"] for entry in listed["theorems"]} == {"newton"}
    assert "newton.one-step" in {entry["id"] for entry in listed["theorems"]}


def test_the_listing_in_json_holds_whole_statements_and_families(capsys: Capture) -> None:
    found = document(["theorems"], capsys)
    by_id = {entry["id"]: entry for entry in found["theorems"]}
    assert by_id["output.residual"]["family"] == "distance"
    assert by_id["output.residual"]["statement"] == registry.theorem("output.residual").statement
    assert [family["id"] for family in found["families"]] == [family.name for family in catalogue.families()]


@pytest.mark.parametrize("identifier", catalogue.entries())
def test_every_sheet_fits_eighty_columns(identifier: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["theorems", identifier]) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 or " " not in line.strip() or "  certify." in line for line in shown.splitlines())
    entry = catalogue.entry(identifier)
    words = " ".join(shown.split())
    assert " ".join(entry.statement.split()) in words and " ".join(entry.source.split()) in words


def test_a_sheet_holds_all_there_is_to_say(capsys: Capture) -> None:
    assert main(["theorems", "output.worst-case"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "n: a lower bound, count [records]",
        "n - m > 0",
        "distance <= m * lipschitz / (strong_convexity * (n - m))",
        "[shift] (n - m) * g <= m * lipschitz",
        "hypothesis lipschitz",
        "[residual] e <= g / strong_convexity",
        "goal = [shift] + (n - m) * [residual]",
        "newton.one-step",
        "certify.claims.claim",
        "Sekhari",
        "distance <= m * lipschitz / (strong_convexity * n)",
    ):
        assert part in shown, part


def test_a_sheet_in_json_holds_the_proof_and_the_users(capsys: Capture) -> None:
    found = document(["theorems", "output.residual"], capsys)
    assert found["latex"] == r"\frac{r}{\mu}" and found["says"]["latex"] == r"\mathrm{dist} \le \frac{r}{\mu}"
    assert {"symbol", "side", "unit", "domain", "meaning"} <= set(found["hypotheses"][0])
    assert {line["name"] for line in found["proof"]["facts"]} == {"distance", "gradient", "cauchy", "strong"}
    assert found["proof"]["steps"][0]["kind"] == "cases"
    assert "output.worst-case" in found["used_by"]["theorems"]
    assert "certify.distances.distance" in found["used_by"]["code"]
    assert found["false_sibling"]["text"] == "distance <= residual / (2 * strong_convexity)"


@pytest.mark.parametrize(
    ("identifier", "kind", "keys"),
    [
        ("linalg.triangle", "foundation", set()),
        ("logistic.envelope", "enclosure", {"box", "says"}),
        (next(iter(registry.identities())), "identity", {"says", "proof"}),
    ],
)
def test_entries_of_other_kinds_have_sheets(identifier: str, kind: str, keys: set[str], capsys: Capture) -> None:
    found = document(["theorems", identifier], capsys)
    assert found["kind"] == kind and keys <= set(found)
    assert found["used_by"]["theorems"] or kind == "identity"


def test_a_sheet_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from certify.cli import main; main(['theorems', 'newton.after-step']); main(['theorems', '--graph', '/dev/null']);"
        "print([m for m in ('torch', 'numpy', 'scipy', 'sympy', 'certify.distances', 'certify.bounds.losses') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    spent = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "certify", "theorems", "output.residual"], capture_output=True, check=True)
        spent.append(time.perf_counter() - started)
    assert min(spent) < 1.0, "a sheet should take a third of a second"


# the drawing --------------------------------------------------------------------------------------------


def test_the_graph_is_written_to_a_file_or_to_standard_output(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "book.svg"
    assert main(["theorems", "--graph", str(file)]) == 0
    assert "entries" in capsys.readouterr().out
    assert main(["theorems", "--graph"]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    ET.parse(file)


def test_the_graph_of_one_theorem_and_its_links(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "one.svg"
    assert main(["theorems", "output.residual", str(file), "--graph", "--pages", "https://example.org/theorems"]) == 0
    drawn = file.read_text(encoding="utf-8")
    assert "https://example.org/theorems/distance.md#output.residual" in drawn and "gaussian.mu" not in drawn
    capsys.readouterr()
    found = document(["theorems", "output.residual", "--graph"], capsys)
    assert {"linalg.cauchy-schwarz", "output.worst-case"} <= {entry["id"] for entry in found["entries"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["theorems", "out.svg"], "add --graph"),
        (["theorems", "--pages", "x"], "add --graph"),
        (["theorems", "output.residul", "--graph"], "output.residual"),
        (["theorems", "linalg.triangel"], "linalg.triangle"),
        (["theorems", "--graph", "no-such-folder/out.svg"], "no-such-folder"),
        (["prove", "linalg.triangle"], "textbook fact"),
        (["prove", "output.residual", "--all"], "two things"),
        (["prove", "--book", "no-such-file"], "no-such-file"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], says: str, capsys: Capture) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert says in captured.err


# prove --------------------------------------------------------------------------------------------------


def test_all_is_the_same_as_no_argument(capsys: Capture) -> None:
    one, two = (document(words, capsys) for words in (["prove"], ["prove", "--all"]))
    assert [entry["id"] for entry in one["theorems"]] == [entry["id"] for entry in two["theorems"]]
    assert set(registry.theorems()) | set(registry.enclosures()) | set(registry.identities()) == {
        entry["id"] for entry in one["theorems"]
    }


def test_the_table_fits_and_ends_with_the_total_time(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["prove"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["theorem", "status", "ms", "rests", "on"]
    assert lines[-2].startswith("book certify-book/")
    assert " proofs accepted in " in lines[-1] and lines[-1].endswith(" s")


def test_one_theorem_shows_all_that_it_rests_on(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["prove", "newton.one-step"]) == 0
    words = capsys.readouterr().out.replace(",", " ").split()
    assert set(registry.theorem("newton.after-step").rests_on) <= set(words)


def test_a_refused_theorem_is_said_with_the_reason_and_what_falls_with_it(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certify.proofs import proving
    from certify.proofs.status import Status

    whole = proving.prove

    def prove(identifier: str) -> proving.Proved:
        return proving.Proved(Status.ASSUMED, "no") if identifier == "output.residual" else whole(identifier)

    monkeypatch.setattr(proving, "prove", prove)
    found = document(["prove", "newton.one-step"], capsys, code=1)
    assert found["first_refused"] == "output.residual"
    details = {entry["id"]: entry["detail"] for entry in found["theorems"]}
    assert details["output.residual"] == "no"
    assert details["newton.one-step"] == "rests on output.residual, which is refused: no"
    assert details["newton.after-step"] == ""


@pytest.fixture
def other(tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """A private copy of the installed book, and where to write it."""
    return copy.deepcopy(checker.loads(book.BOOK.read_text(encoding="utf-8"))), tmp_path / "other.json"


def written(place: tuple[dict[str, Any], Path], *, redigest: bool = False) -> list[str]:
    data, file = place
    file.write_text(json.dumps(checker.redigested(data) if redigest else data), encoding="utf-8")
    return ["prove", "--book", str(file)]


def test_the_installed_book_as_a_file_is_accepted(other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    found = document(written(other), capsys)
    assert found["holds"] and found["book"]["digest"] == checker.digest(
        [other[0]["format"], {name: entry["digest"] for name, entry in other[0]["entries"].items()}]
    )
    assert {entry["status"] for entry in found["theorems"]} == {"proved", "enclosed"}


def test_a_corrupted_book_names_the_first_bad_theorem(other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    steps = other[0]["entries"]["output.residual"]["proof"]["steps"]
    steps[0]["cases"]["positive"][0]["terms"][0][0] = "2"
    words = written(other, redigest=True)
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "the first bad theorem is output.residual: the certificate does not balance" in captured.err
    assert "✗ newton.one-step" in captured.out
    assert document([*words, "gaussian.mu"], capsys)["holds"]
    found = document([*words, "newton.one-step"], capsys, code=1)
    assert found["first_refused"] == "output.residual"


def test_a_book_of_another_version_says_which(other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    other[0]["format"] = "certify-book/1"
    assert main(written(other)) == 2
    said = capsys.readouterr().err
    assert "certify-book/1" in said and checker.FORMAT in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"[1", b"\xff\xfe", b"[]", b'{"format": 1.5}', b'{"format": "certify-book/2", "entries": {}}', b"[" * 100_000],
)
def test_what_is_no_book_is_one_line(content: bytes, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "book.json"
    file.write_bytes(content)
    assert main(["prove", "--book", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err and captured.out == ""


@pytest.mark.parametrize("entry", [None, [], "x", {}, {"rests_on": 1}, {"rests_on": [1]}, {"kind": "enclosure", "rests_on": []}])
def test_an_entry_that_is_no_entry_is_refused(entry: Any, other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    other[0]["entries"]["output.residual"] = entry
    assert main(written(other)) == 1
    captured = capsys.readouterr()
    assert "the first bad theorem is output.residual: " in captured.err and captured.err.count("\n") == 1


def test_a_foreign_book_cannot_repaint_the_terminal(other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    other[0]["entries"]["\x1b[2Jtoy"] = {"kind": "theorem", "rests_on": ["\x1b[2J"]}
    assert main(written(other)) == 1
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err


def test_an_unknown_id_in_a_foreign_book_suggests_the_nearest(other: tuple[dict[str, Any], Path], capsys: Capture) -> None:
    assert main([*written(other), "output.residul"]) == 2
    assert "output.residual" in capsys.readouterr().err


# progress -----------------------------------------------------------------------------------------------


def test_short_work_shows_no_progress_and_long_work_does(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from certify.cli import progress as module

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(seconds: float) -> str:
        screen, clock = Terminal(), iter(range(100))
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(module.time, "monotonic", lambda: next(clock) * seconds)
        with module.progress(counts=True, patience=2.0) as bar:
            bar.stage("replaying", total=4)
            for name in "abcd":
                bar.advance(name)
        return screen.getvalue()

    assert shown(0.1) == ""
    assert "replaying" in shown(1.0)
