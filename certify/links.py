"""Which functions of this package name which entries of the book, read from the sources; nothing is imported for it.

A function names an entry where its docstring holds the id between double backticks, or its code holds it as a string:
in place, in a constant of the module, or put together at run time, as in ``f"{kind}.smoothness"``, which any such id matches.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FLOORS = ("certify.bounds", "certify.estimators", "certify")  # the book itself is left out
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def users(identifier: str) -> tuple[str, ...]:
    """The functions, methods and constants that name the entry, by their dotted names, floor by floor.

    >>> "certify.claims.claim" in users("gaussian.profile")
    True
    """
    end = "." + identifier.rpartition(".")[2]
    found: list[str] = []
    for module, path in _modules():
        source = _source(path)
        if identifier in source or "}" + end in source:
            names = naming(units(path), lambda unit: unit.holds(identifier))
            found += sorted(f"{module}.{name}" if name else module for name in names)
    return tuple(found)


def modules() -> Iterator[tuple[str, tuple[Unit, ...]]]:
    """Every module outside the book, with what it defines."""
    for module, path in _modules():
        yield module, units(path)


@cache
def _modules() -> tuple[tuple[str, Path], ...]:
    found = []
    here = Path(__file__).resolve().parent
    for floor in _FLOORS:
        specification = None if floor == "certify" else find_spec(floor)
        folders = (here,) if specification is None else map(Path, specification.submodule_search_locations or ())
        for folder in folders:
            for path in sorted(folder.rglob("*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                if folder != here or parts[0] not in ("bounds", "estimators", "proofs"):
                    found.append((".".join((floor, *(part for part in parts if part != "__init__"))), path))
    return tuple(found)


@cache
def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Unit:
    """A function, a method, the rest of a class, an assignment or (under an empty name) the module's docstring."""

    name: str
    node: ast.AST
    constant: bool
    strings: tuple[str, ...]
    patterns: tuple[str, ...]
    documented: str
    names: frozenset[str]

    def writes(self, identifier: str) -> bool:
        """Whether the code holds the id as a string, in place or put together."""
        return identifier in self.strings or any(re.fullmatch(pattern, identifier) for pattern in self.patterns)

    def holds(self, identifier: str) -> bool:
        """Whether the code or the docstring names the id."""
        return self.writes(identifier) or f"``{identifier}``" in self.documented


def naming(known: tuple[Unit, ...], holds: Callable[[Unit], bool]) -> set[str]:
    """The names of the units that hold an id, with a constant replaced by the functions that use it."""
    holding = {unit.name: unit for unit in known if holds(unit)}
    constants = {name for name, unit in holding.items() if unit.constant}
    reached = set(holding) - constants
    while constants:
        users = {unit.name: unit for unit in known if unit.names & constants and unit.name not in constants | reached}
        unused = {name for name in constants if not any(name in unit.names for unit in known if unit.name != name)}
        reached |= unused | {name for name, unit in users.items() if not unit.constant}
        constants = {name for name, unit in users.items() if unit.constant}
    return reached - {""} or reached


@cache
def units(path: Path) -> tuple[Unit, ...]:
    """What the file defines, its docstring first."""
    tree = ast.parse(_source(path))
    return (Unit("", tree, False, (), (), ast.get_docstring(tree) or "", frozenset()), *_inside(tree, ""))


def _inside(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[Unit]:
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            yield from _inside(node, f"{prefix}{node.name}.")
            yield Unit(prefix + node.name, node, False, (), (), ast.get_docstring(node) or "", frozenset())
        elif isinstance(node, _FUNCTIONS):
            yield _unit(node, prefix + node.name, ast.get_docstring(node) or "")
        elif isinstance(node, _ASSIGNMENTS):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield _unit(node, prefix + target.id, "", constant=True)


def _unit(node: ast.AST, name: str, documented: str, *, constant: bool = False) -> Unit:
    below = tuple(ast.walk(node))
    return Unit(
        name,
        node,
        constant,
        tuple(item.value for item in below if isinstance(item, ast.Constant) and isinstance(item.value, str)),
        tuple(_pattern(item) for item in below if isinstance(item, ast.JoinedStr)),
        documented,
        frozenset(item.id for item in below if isinstance(item, ast.Name)),
    )


def _pattern(text: ast.JoinedStr) -> str:
    """What an f-string can become that writes a part of an id out."""
    parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9-]+" for part in text.values]
    written = "".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))
    return "".join(parts) if re.search(r"\.[a-z]|[a-z]\.", written) else "(?!)"
