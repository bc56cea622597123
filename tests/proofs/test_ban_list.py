"""Nothing in proofs/ uses symbolic shortcuts: they are wrong in places, never end, or run what they are given.

Names, attributes and imports are read from the syntax tree; words in texts, ids and file names are free.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from certify.proofs import checker

FOLDER = Path(checker.__file__).parent
BANNED = {
    "simplify", "solve", "integrate", "limit", "is_monotonic", "evalf", "N",
    "equals", "ask", "is_increasing", "maximum_value", "nsimplify", "eval", "exec",
}  # fmt: skip
HEAVY = {"sympy", "numpy", "scipy", "torch", "z3", "mpmath"}


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that the code binds, reads, calls or imports, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.alias(name=name, asname=other):
                yield from ((node.lineno, part) for part in (*name.split("."), *([other] if other else [])))


def imported(tree: ast.AST) -> Iterator[str]:
    """The top packages that the code imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.split(".")[0]


def banned(source: str) -> list[tuple[int, str]]:
    """The banned identifiers of a program."""
    return [(line, name) for line, name in identifiers(ast.parse(source)) if name in BANNED]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_no_symbolic_shortcut_is_used(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert banned(source) == []
    assert not set(imported(ast.parse(source))) & HEAVY


@pytest.mark.parametrize(
    "source",
    [
        "sympy.simplify(x)",
        "x.evalf",
        "from sympy import N",
        "from sympy import solve as find",
        "import sympy.series.limit",
        "import tools as integrate",
        "check = expression.is_monotonic",
        "def limit(x): return x",
        "f(x, N=3)",
        "lambda solve: 0",
    ],
)
def test_an_identifier_on_the_list_is_noticed(source: str) -> None:
    assert banned(source)


@pytest.mark.parametrize("source", ["x = 'solve'", "from .theorems import solves", "resolve(limits)", "# evalf", "'''N'''"])
def test_a_word_is_no_identifier(source: str) -> None:
    assert not banned(source)
