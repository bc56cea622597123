"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = {"certify": "certify", "bounds": "certify.bounds", "proofs": "certify.proofs", "estimators": "certify.estimators"}


def module_names() -> list[str]:
    names = []
    for folder, prefix in PREFIX.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                names.append(".".join((prefix, *(part for part in parts if part != "__init__"))))
    return names


@pytest.mark.parametrize("name", module_names())
def test_examples_of(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
