"""Where a drawing goes: an SVG file that is written whole or not at all, or characters on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certify.errors import InputError

from .characters import speaks_unicode
from .output import width

if TYPE_CHECKING:
    from certify.plots import Figure


def check_file(file: Path | None, *, asked: bool, option: str = "--curve") -> None:
    """Refuse, before anything is computed, a file without a drawing and a drawing that is no SVG."""
    if file is not None and not asked:
        raise InputError(f"{str(file)[:200]!r} would hold a drawing: add {option}, or leave it out")
    if file is not None and file.suffix.lower() != ".svg":
        raise InputError(f"the drawing is SVG: name a file that ends in .svg, not {str(file)[:200]!r}")


def save(figure: Figure, file: Path | None) -> None:
    """Write the figure to the file, if there is one."""
    if file is not None:
        from certify.plots.svg import svg
        from certify.storage import write_file

        write_file(file, svg(figure).encode())


def shown(figure: Figure, file: Path | None) -> str:
    """What a person sees: the figure in characters, or the name of the file that holds it."""
    if file is not None:
        return f"drawn in {file}"
    from certify.plots.text import text

    spell = None if speaks_unicode(getattr(sys.stdout, "encoding", None)) else _ascii
    return f"{text(figure, columns=width(), spell=spell)}\n{figure.note if spell is None else _ascii(figure.note)}"


def _ascii(label: str) -> str:
    return label.encode("ascii", "certify.ascii").decode()
