"""How a command speaks: one JSON document or one rendering on standard output, everything else on standard error."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 110


class ExitCode(enum.IntEnum):
    """What the exit code of every command says.

    >>> int(ExitCode.UNDECIDED)
    4
    """

    HOLDS = 0
    FAILS = 1
    USAGE = 2
    WEAKER = 3
    UNDECIDED = 4


def schema(command: str, version: int = 1) -> str:
    """The value of the ``"schema"`` key of a command's JSON.

    >>> schema("noise")
    'certify.noise/1'
    """
    return f"certify.{command}/{version}"


def emit(payload: Mapping[str, Any], as_json: bool, render: Callable[[], object]) -> None:
    """Print a command's result: the JSON document alone, or what ``render`` returns (text or a rich renderable).

    ``render`` is called only when it is shown, so a command imports rich inside it. Every document has a
    ``"schema"`` key (see :func:`schema`); a number that JSON cannot say (nan, infinity) raises ``ValueError``.
    """
    if "schema" not in payload:
        raise ValueError('a JSON document of the command line needs a "schema" key')
    document = json.dumps(payload, indent=2, ensure_ascii=False, allow_nan=False) if as_json else ""
    if as_json:
        print(document)
        return
    shown = render()
    if isinstance(shown, str):
        print(shown)
        return
    screen = console()
    with screen.capture() as captured:
        screen.print(shown)
    print("\n".join(line.rstrip() for line in captured.get().split("\n")).strip("\n"))  # rich pads every line with blanks


def console() -> Console:
    """A rich console on standard output: colour on a terminal only, and never when NO_COLOR is set.

    A pipe has no width of its own; tables then get enough columns not to be cut.
    """
    import os

    from rich.console import Console

    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(highlight=False, width=wide)


def note(message: str) -> None:
    """One line of progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def complain(message: object) -> None:
    """The error line: what, where, what to do; line breaks inside the message are folded away."""
    print("certify: " + " ".join(str(message).split()), file=sys.stderr, flush=True)
