"""How a command speaks: one JSON document or one rendering on standard output, everything else on standard error."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from certify.printing import printable

from .characters import speaks_unicode

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


def schema(command: str) -> str:
    """The value of the ``"schema"`` key of a command's JSON.

    >>> schema("noise")
    'certify.noise/1'
    """
    return f"certify.{command}/1"


def emit(payload: Mapping[str, Any], as_json: bool, render: Callable[[], object]) -> None:
    """Print a command's result: the JSON document alone, or what ``render`` returns (text or a rich renderable).

    ``render`` is called only when it is shown, so a command imports rich inside it. Every document has a
    ``"schema"`` key (see :func:`schema`); a number that JSON cannot say (nan, infinity) raises ``ValueError``.
    """
    if "schema" not in payload:
        raise ValueError('a JSON document of the command line needs a "schema" key')
    if as_json:
        plain = not speaks_unicode(getattr(sys.stdout, "encoding", None))
        print(json.dumps(payload, indent=2, ensure_ascii=plain, allow_nan=False))
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

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return Console(highlight=False, width=None if on_terminal or os.environ.get("COLUMNS") else _PIPE_WIDTH)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "record"), counted(2, "record")
    ('1 record', '2 records')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def width() -> int:
    """The columns that text is wrapped to: those of the terminal, ``COLUMNS``, or enough for a pipe."""
    import shutil

    return max(40, shutil.get_terminal_size((_PIPE_WIDTH, 0)).columns)


def labelled(rows: Iterable[tuple[str, str]], *, columns: int | None = None) -> str:
    """Lines of a label and a text, the texts aligned and wrapped beneath each other.

    >>> print(labelled([("by", "newton"), ("not said", "copies of the records elsewhere")], columns=30))
    by        newton
    not said  copies of the
              records elsewhere
    """
    import textwrap

    pairs = list(rows)
    indent = 2 + max(len(label) for label, _ in pairs)
    wide = max(indent + 20, width() if columns is None else columns)
    return "\n".join(
        textwrap.fill(
            text,
            wide,
            initial_indent=label.ljust(indent),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for label, text in pairs
    )


def complain(message: object) -> None:
    """The error line: what, where, what to do; line breaks inside the message are folded away."""
    if sys.stderr is not None:  # print(file=None) would write into standard output
        print("certify: " + printable(" ".join(str(message).split())), file=sys.stderr, flush=True)
