"""Where a command writes a folder: complaints come before the work, not after it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from certify.errors import InputError


def refuse_occupied(out: Path) -> None:
    """Refuse a folder that holds something, and a file in its place."""
    if out.is_dir():
        if any(out.iterdir()):
            raise InputError(f"{out}: the folder is not empty; name a new one, a run is never overwritten")
    elif out.exists():
        raise InputError(f"{out}: a file where the run folder goes; name a new one")


def refuse_unwritable(out: Path) -> None:
    """Try a folder beside the place of the run (or in it), and remove it again."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    try:
        Path(tempfile.mkdtemp(prefix=".certify-", dir=place)).rmdir()
    except OSError as problem:
        raise InputError(
            f"{out}: nothing can be written there ({place}: {problem.strerror or problem}); name a folder in a writable place"
        ) from None
