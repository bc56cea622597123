"""One writer at a time: a file that is read, extended and replaced must not lose what another process added in between."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certify.errors import InputError

PATIENCE = 30.0
_PAUSE = 0.02


@contextmanager
def alone_in(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a folder against every other process and thread that asks for it here; on leaving, renames in it are made to last.

    The lock belongs to the operating system: it leaves no file behind and ends with the process that holds it. Raises
    :class:`~certify.errors.InputError` where the folder cannot be opened, or is still held after ``patience`` seconds.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError) as problem:
        raise InputError(f"cannot write into {str(folder)[:200]}: {problem}; choose a writable folder that exists") from None
    try:
        _wait(handle, folder, time.monotonic() + patience)
        yield
        try:
            os.fsync(handle)
        except OSError as problem:
            raise InputError(f"{folder} was written, but may be lost if the machine stops: {problem}; write it again") from None
    finally:
        os.close(handle)


def _wait(handle: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise InputError(
                    f"another process is writing in {folder}: nothing was changed, try again when it is done"
                ) from None
            time.sleep(_PAUSE)
        except OSError as problem:
            raise InputError(
                f"{folder} cannot be held against other writers ({problem}): choose a folder on a local disk"
            ) from None
