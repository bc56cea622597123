"""Who uses a theorem, read from the sources."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from certify import links
from certify.proofs import registry


@pytest.mark.parametrize(
    ("identifier", "user"),
    [
        ("gaussian.profile", "certify.claims.claim"),  # by a constant of the module
        ("output.residual", "certify.distances.distance"),  # in its docstring
        ("gaussian.mu", "certify.calibration._mu"),  # in its code
        ("squared.smoothness", "certify.bounds.losses.loss_constants"),  # in another floor
        ("logistic.self-concordance", "certify.objectives.linear.LinearObjective.self_concordance"),  # put together
    ],
)
def test_the_functions_that_name_a_theorem_are_found(identifier: str, user: str) -> None:
    assert user in links.users(identifier)


def test_only_what_names_the_theorem_is_found() -> None:
    assert links.users("no.theorem") == ()
    for name in registry.theorems():
        assert not any(user.startswith(("certify.proofs", "certify.links")) for user in links.users(name))


def test_strings_constants_docstrings_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        textwrap.dedent('''
            """Theorem ``a.module-docstring``."""
            NAMED = "a.named"
            TABLE = {"x": NAMED}
            ALONE = "a.alone"

            def by_table():
                return TABLE

            def by_docstring():
                """Theorem ``a.documented``, not a.mentioned."""

            def by_pattern(kind):
                return f"{kind}.rate", f"{kind}.{kind}"

            class Holder:
                def method(self):
                    return "a.method"
        '''),
        encoding="utf-8",
    )
    monkeypatch.setattr(links, "_modules", lambda: (("sample", path),))
    expected = {
        "a.named": ("sample.by_table",), "a.alone": ("sample.ALONE",), "a.documented": ("sample.by_docstring",), "a.mentioned": (),
        "any.rate": ("sample.by_pattern",), "any.other": (), "a.method": ("sample.Holder.method",), "a.module-docstring": ("sample",),
    }  # fmt: skip
    assert {name: links.users(name) for name in expected} == expected


def test_reading_the_sources_imports_none_of_them() -> None:
    code = "import sys; from certify.links import users; users('output.residual'); print(sorted(m for m in sys.modules if m.startswith('certify')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout
    assert "certify.distances" not in loaded and "certify.bounds.losses" not in loaded
