"""The public names: each resolves, is documented, and is not also the name of a module."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest

import certify

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", certify.__all__)
def test_a_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(certify, name)
    documentation = inspect.getdoc(value)
    assert documentation
    assert documentation[0].isupper() or not documentation[0].isalpha() or inspect.ismodule(value)
    assert name in dir(certify)


@pytest.mark.parametrize("name", [name for name in certify.__all__ if name not in certify._SUBMODULES])
def test_no_function_shares_the_name_of_a_module(name: str) -> None:
    assert importlib.util.find_spec(f"certify.{name}") is None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nosie'"):
        certify.nosie  # noqa: B018


def test_the_type_checker_sees_the_same_names() -> None:
    tree = ast.parse((ROOT / "certify/__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    seen |= {
        target.id
        for node in block.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lower = {"bounds", "estimators", "proofs"}  # sub-packages: a type checker finds them by itself
    assert {name for name in seen if name and not name.startswith("_")} == set(certify.__all__) - lower


@pytest.mark.parametrize("floor", ["proofs", "bounds", "certify"])
def test_public_functions_and_classes_are_documented(floor: str) -> None:
    bare = []
    for path in sorted((ROOT / floor).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            bare.append(str(path.relative_to(ROOT)))
        bare += [
            f"{path.relative_to(ROOT)}:{node.name}"
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_") and not ast.get_docstring(node)
            if "overload" not in map(ast.unparse, node.decorator_list)  # the last definition speaks for all
        ]
    assert bare == []
