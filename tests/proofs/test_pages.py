"""The pages of docs/theorems are what the code says; links and anchors meet; mathematics is fenced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from certify.proofs import catalogue, pages, registry


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages.pages()


def test_the_pages_are_as_the_code_says() -> None:
    assert pages.differences() == [], "run python -m certify.proofs.pages"


def test_every_entry_has_its_place_and_every_link_an_end(made: dict[str, str]) -> None:
    anchors = {f"{name}#{anchor}" for name, text in made.items() for anchor in re.findall(r'<a id="([^"]+)"></a>', text)}
    assert {anchor.partition("#")[2] for anchor in anchors} == set(catalogue.entries())
    for name, text in made.items():
        if name.endswith(".md"):
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                page, _, anchor = target.partition("#")
                if page.startswith(".."):
                    assert (pages.FOLDER / page).resolve().is_file(), target
                elif anchor:
                    assert f"{page or name}#{anchor}" in anchors, target
                else:
                    assert page in made, target
    assert all(link in anchors for link in re.findall(r'<a href="([^"]+)"', made["graph.svg"]))


def test_every_theorem_shows_what_it_asks_for_and_gives(made: dict[str, str]) -> None:
    for family in catalogue.families():
        text = made[f"{family.name}.md"]
        for entry in family.entries:
            assert pages.prose(entry.statement) in text
            assert pages.prose(entry.source) in text
    for theorem in registry.theorems().values():
        text = made[f"{catalogue.family_of(theorem.id)}.md"]
        assert all(f"`{symbol}`" in text for symbol in theorem.symbols)


def test_every_foundation_says_who_uses_it(made: dict[str, str]) -> None:
    sections = made["foundations.md"].split('<a id="')[1:]
    for section in sections:
        identifier = section.partition('"')[0]
        assert all(user in section for user in catalogue.used_by(identifier))


def test_mathematics_is_fenced_and_balanced(made: dict[str, str]) -> None:
    for name, text in made.items():
        if name.endswith(".md"):
            assert text.count("```") % 2 == 0
            for formula in re.findall(r"\$`([^`]*)`\$", text) + re.findall(r"```math\n(.*?)\n```", text, re.DOTALL):
                assert formula.count("{") == formula.count("}")
                assert "|" not in formula  # it would end a table's cell
            assert text.endswith("\n") and not re.search(r"[ \t]+$", text, re.MULTILINE)


def test_what_markdown_would_read_as_marks_is_made_plain() -> None:
    assert pages.prose("w* - |w_1| <= `x` [y]") == r"w\* - \|w\_1\| \<= \`x\` \[y\]"


def test_checking_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "theorems"
    assert pages.main(["--out", str(folder)]) == 0
    assert pages.main(["--check", "--out", str(folder)]) == 0
    capsys.readouterr()
    (folder / "distance.md").write_text("other", encoding="utf-8")
    (folder / "gaussian.md").unlink()
    (folder / "old.md").write_text(pages.MARKER, encoding="utf-8")
    assert pages.main(["--check", "--out", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "distance.md differs" in said and "gaussian.md is missing" in said and "old.md belongs to nothing" in said
    assert pages.main(["--out", str(folder)]) == 0
    assert not (folder / "old.md").exists()


def test_a_page_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine", encoding="utf-8")
    pages.write(tmp_path)
    assert (tmp_path / "notes.md").read_text(encoding="utf-8") == "mine"
