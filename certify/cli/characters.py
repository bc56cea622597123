"""Terminals and pipes that are not Unicode: our few signs have a spelling in ASCII, and nothing fails to print."""

from __future__ import annotations

import codecs
import io
import sys

_SPELLINGS = {
    "✓": "+", "✗": "x", "·": ".", "■": "#", "▣": "=", "▤": "%", "❝": "@", "◌": "o", "–": "-", "—": "-", "−": "-", "…": "~", "‖": "|",
    "≤": "<", "≥": ">", "→": ">", "²": "2", "³": "3", "√": "sqrt", "σ": "sigma", "μ": "mu", "ε": "epsilon", "δ": "delta",
}  # fmt: skip


def spell(error: UnicodeError) -> tuple[str, int]:
    """The error handler ``certify.ascii``: signs that the encoding lacks by their spellings, others by a question mark.

    >>> "✓ at most ≤ 1 ☃".encode("ascii", "certify.ascii").decode()
    '+ at most < 1 ?'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_SPELLINGS.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("certify.ascii", spell)


def never_fail_to_print() -> None:
    """Let standard output and standard error spell what their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="certify.ascii")


def speaks_unicode(encoding: str | None) -> bool:
    """Whether an output of this encoding can say every character.

    >>> speaks_unicode("UTF-8"), speaks_unicode("latin-1"), speaks_unicode(None)
    (True, False, False)
    """
    try:
        return encoding is not None and codecs.lookup(encoding).name.startswith("utf")
    except LookupError:
        return False
