"""Imports go down the floors only, heavy packages load only where they are needed, and every floor has one name."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("proofs", "bounds", "estimators", "certify")  # lowest first
HEAVY = ("torch", "scipy.stats", "sympy", "sklearn", "hypothesis", "pytest")


def modules(floor: str) -> list[Path]:
    return sorted(path for path in (ROOT / floor).rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path, *, at_import_only: bool = False) -> Iterator[str]:
    """The absolute names that a file imports; ``at_import_only`` leaves out function bodies and TYPE_CHECKING blocks."""

    def visit(node: ast.AST) -> Iterator[str]:
        if at_import_only:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                return
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                for child in node.orelse:
                    yield from visit(child)
                return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def climbs(floor: str, name: str) -> bool:
    """Whether a file of ``floor`` that imports ``name`` reaches a floor above its own, or a floor by its bare folder name."""
    words = name.split(".")
    if words[0] in ("proofs", "bounds", "estimators"):
        return True  # a second copy of the module
    if words[0] != "certify":
        return False
    target = words[1] if len(words) > 1 and words[1] in FLOORS else "certify"
    return FLOORS.index(target) > FLOORS.index(floor)


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down_only(floor: str) -> None:
    assert [
        (str(path.relative_to(ROOT)), name) for path in modules(floor) for name in imported(path) if climbs(floor, name)
    ] == []


@pytest.mark.parametrize(
    ("floor", "name", "wrong"),
    [
        ("proofs", "certify.bounds", True),
        ("bounds", "certify.errors", True),
        ("bounds", "certify.proofs.sides", False),
        ("certify", "bounds.bound", True),
        ("certify", "certify.estimators", False),
    ],
)
def test_the_direction_check_can_fail(floor: str, name: str, wrong: bool) -> None:
    assert climbs(floor, name) is wrong


@pytest.mark.parametrize("floor", ["proofs", "bounds"])
def test_relative_imports_do_not_leave_the_floor(floor: str) -> None:
    for path in modules(floor):
        depth = len(path.relative_to(ROOT / floor).parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level > depth), f"{path} climbs out of {floor}/"


def test_the_lowest_floor_names_no_heavy_package_at_import() -> None:
    heavy = {"torch", "scipy", "sympy", "numpy", "sklearn"}
    found = [
        (str(path.relative_to(ROOT)), name)
        for path in modules("proofs")
        for name in imported(path, at_import_only=True)
        if name.split(".")[0] in heavy
    ]
    assert found == []


def test_nothing_pickles() -> None:
    everything = [path for floor in FLOORS for path in modules(floor)]
    assert [
        path for path in everything for name in imported(path) if name.split(".")[0] in ("pickle", "dill", "joblib.dump")
    ] == []


def loaded_by(code: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after ``code``."""
    script = f"import sys\n{code}\nprint('LOADED', *[name for name in {HEAVY!r} + ('numpy',) if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "tests", timeout=120)
    assert "LOADED" in done.stdout, done.stderr
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("module", ["certify", "certify.bounds", "certify.proofs", "certify.estimators", "certify.cli.app"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["noise", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.02"],
        ["claim", "output.residual", "residual=1e-9", "strong_convexity=0.01", "sigma=1e-6", "--epsilon", "1", "--delta", "1e-5"],
        ["theorems"],
        ["theorems", "output.residual"],
        ["--help"],
        ["unlearn", "--help"],
    ],
)
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    code = f"from certify.cli import main\ncode = main({arguments!r})\nassert code in (0, 1), code"
    assert loaded_by(code) == set()


def test_verifying_a_certificate_alone_loads_nothing_heavy(tmp_path: Path) -> None:
    import numpy as np

    import certify

    rows = np.random.default_rng(0).normal(size=(30, 2))
    run = certify.unlearn(certify.fit(certify.objectives.Logistic(rows, rows[:, 0] > 0, l2=0.1)), [3], epsilon=1, delta="1e-5")
    place = run.save(tmp_path / "run") / "certificate.json"
    code = f"from certify.cli import main\nassert main(['verify', {str(place)!r}]) == 0"
    assert loaded_by(code) <= {"numpy"}


def test_the_load_check_can_fail() -> None:
    assert loaded_by("import sympy") >= {"sympy"}


def test_every_module_can_be_imported_first() -> None:
    """A circular import shows only for some first module: import each in a fork of an interpreter that knows none of ours."""
    names = []
    for floor in FLOORS:
        prefix = "certify" if floor == "certify" else f"certify.{floor}"
        for path in modules(floor):
            parts = path.relative_to(ROOT / floor).with_suffix("").parts
            if parts[-1] != "__main__":
                names.append(".".join((prefix, *(part for part in parts if part != "__init__"))))
    script = f"""
import importlib, os, sys, traceback
import numpy, torch, pydantic, flint, cyclopts
failed = []
for name in {names!r}:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
print("FAILED", *failed)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "tests", timeout=300)
    assert done.stdout.strip() == "FAILED", done.stdout + done.stderr
