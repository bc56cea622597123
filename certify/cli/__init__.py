"""The command line ``certify``: one module a command, an app that knows their names, one way to print."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (0 holds, 1 does not, 2 usage, 3 weaker than required, 4 undecided)."""
    from .app import run

    return run(arguments)
