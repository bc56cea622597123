"""The examples and the code blocks of README and docs run as they stand."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from certify.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda path: path.stem)
def test_the_python_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, python block {number}", "exec"), names)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "$ certify " in page.read_text(encoding="utf-8")], ids=lambda path: path.stem
)
def test_the_commands_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line ``$ certify …`` of a ``console`` block; ``# exit 1`` at its end says which exit code is expected.

    A block that opens with ```` ```json NAME ```` is the file of that name.
    """
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"^```json (\S+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        Path(name).write_text(content, encoding="utf-8")
    for block in blocks(page, "console"):
        for line in re.findall(r"^\$ certify (.*)$", block, re.MULTILINE):
            command, _, expected = line.partition("# exit ")
            assert main(shlex.split(command)) == int(expected or 0), f"{line}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
