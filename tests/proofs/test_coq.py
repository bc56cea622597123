"""The mirrors in Coq: each names what it mirrors, none assumes more than the reals, and the record is what Coq says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from certify.proofs import book, registry

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "proofs" / "coq"
FILES = tuple(name for name in (FOLDER / "_CoqProject").read_text(encoding="utf-8").splitlines() if name.endswith(".v"))
REALS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "Classical_Prop.classic",
    "FunctionalExtensionality.functional_extensionality_dep",
}
ESCAPES = re.compile(r"\b(Admitted|admit|Axioms?|Parameters?|Conjectures?|Abort|bypass_check|Unset\s+\w+\s+Checking)\b")
COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)
MIRROR = re.compile(r"\(\*\* Mirrors \[([\w.-]+)\](?:(?!\*\)).)*\*\)\s*Theorem (\w+)", re.DOTALL)
THEOREM = re.compile(r"^Theorem (\w+)", re.MULTILINE)


def source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def mirrors() -> Mapping[str, str]:
    """Theorem of Coq, and the entry of the book that its comment names."""
    return {theorem: identifier for name in FILES for identifier, theorem in MIRROR.findall(source(name))}


def recorded(text: str) -> Mapping[str, set[str]]:
    """Theorem, and the names of its axioms, from what `Print Assumptions` printed after each name."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if re.fullmatch(r"\w+", line):
            found[line] = set()
        elif match := re.match(r"([A-Z][\w.]*\.\w+)(?: :|$)", line):
            found[list(found)[-1]].add(match[1])
    return found


def test_every_file_is_built() -> None:
    assert set(FILES) == {path.name for path in FOLDER.glob("*.v")}


def test_every_theorem_names_the_entry_that_it_mirrors() -> None:
    theorems = [theorem for name in FILES for theorem in THEOREM.findall(source(name))]
    assert len(theorems) == len(set(theorems)) >= 12
    assert set(theorems) == set(mirrors())
    for theorem, identifier in mirrors().items():
        assert identifier in book.identifiers(), identifier
        assert identifier not in registry.foundations(), identifier
        assert theorem == re.sub(r"[.-]", "_", identifier)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_unproved(name: str) -> None:
    assert ESCAPES.findall(COMMENT.sub("", source(name))) == []


def test_an_escape_is_noticed() -> None:
    for text in ("Proof. Admitted.", "Axiom a : False.", "Parameter x : nat.", "  admit.", "Unset Guard Checking."):
        assert ESCAPES.search(text), text


def test_the_record_holds_every_mirror_and_the_axioms_of_the_reals_only() -> None:
    assumed = recorded((FOLDER / "assumptions.txt").read_text(encoding="utf-8"))
    assert list(assumed) == list(mirrors())
    for theorem, axioms in assumed.items():
        assert axioms <= REALS, f"{theorem} assumes {axioms - REALS}"


def test_the_page_lists_every_mirror_and_no_other() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| `(\w+\.v)` \|", source("README.md"), re.MULTILINE)
    expected = [(identifier, name) for name in FILES for identifier, _ in MIRROR.findall(source(name))]
    assert sorted(rows) == sorted(expected)


def test_the_page_names_foundations_and_lemmas_that_exist() -> None:
    table = source("README.md").split("| foundation | lemma |")[1].split("## The mirrors")[0]
    named = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    assert named
    for foundation, lemma in named:
        assert set(re.findall(r"`([\w.-]+)`", foundation)) <= set(registry.foundations()), foundation
        text = "".join(source(name) for name in re.findall(r"`(\w+\.v)`", lemma))
        for name in re.findall(r"`(\w+)`", lemma):
            assert re.search(rf"^Lemma {name}\b", text, re.MULTILINE), name


def test_without_coq_one_line_says_what_to_install(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run([make, "coq", "SHELL=/bin/sh"], cwd=ROOT, capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if "Error 2" not in line] == [
        "make coq needs coqc 8.16 with coquelicot and interval: apt install coq libcoq-coquelicot libcoq-interval"
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
def test_coq_accepts_the_mirrors_and_says_what_is_recorded(tmp_path: Path) -> None:
    record = tmp_path / "assumptions.txt"
    command = ["make", "coq", f"COQ_BUILD={tmp_path / 'build'}", f"COQ_RECORD={record}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert recorded(record.read_text(encoding="utf-8")) == recorded((FOLDER / "assumptions.txt").read_text(encoding="utf-8"))
