"""What is installed: one top-level name, and every file that lies on disk."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"certify": "certify", "bounds": "certify/bounds", "estimators": "certify/estimators", "proofs": "certify/proofs"}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that is built from a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for name in FOLDERS:
        for path in on_disk(name):
            target = source / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def on_disk(folder: str) -> list[Path]:
    return [
        path.relative_to(ROOT)
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and (path.suffix in (".py", ".json") or path.name == "py.typed")
    ]


def in_wheel(path: Path) -> str:
    return "/".join((FOLDERS[path.parts[0]], *path.parts[1:]))


def test_the_wheel_takes_one_top_level_name(wheel_names: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel_names if ".dist-info/" not in name} == {"certify"}


def test_every_file_on_disk_is_in_the_wheel(wheel_names: set[str]) -> None:
    missing = [str(path) for folder in FOLDERS for path in on_disk(folder) if in_wheel(path) not in wheel_names]
    assert missing == [], "name the package in [tool.setuptools] packages of pyproject.toml"


def test_the_wheel_holds_the_book_the_types_and_the_licence(wheel_names: set[str]) -> None:
    assert {"certify/proofs/book.json", "certify/py.typed", "certify/bounds/py.typed"} <= wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)


def test_the_wheel_holds_nothing_else(wheel_names: set[str]) -> None:
    expected = {in_wheel(path) for folder in FOLDERS for path in on_disk(folder)}
    assert {name for name in wheel_names if ".dist-info/" not in name} == expected
