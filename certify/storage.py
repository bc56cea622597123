"""Files written whole or not at all, and errors that say what to do.

A file is written beside its place under a temporary name, flushed, and renamed over it: an interrupted
write leaves the old file, and the folder is flushed too, so that a name that was reported survives a power cut.
Secret files have mode 0600 from the moment they exist, their folder 0700.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from .errors import InputError

PUBLIC_MODE = 0o644
SECRET_MODE = 0o600
SECRET_FOLDER_MODE = 0o700


def read_file(path: str | Path, *, limit: int, what: str) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes; :class:`InputError` names ``what`` was wanted.

    A pipe or a device is refused: reading one might never end.
    """
    place = Path(path)
    try:
        found = place.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{place} is a folder where a {what} was expected: name the file")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{place} is a pipe or a device where a {what} was expected: write it to a file first")
        if found.st_size > limit:
            raise InputError(f"{place} is no {what}: it has {found.st_size:,} bytes, and at most {limit:,} are read")
        return place.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no {what} at {place}: check the path") from None
    except OSError as problem:
        raise InputError(
            f"cannot read {str(place)[:200]}: {problem.strerror or problem}; check the path and its permissions"
        ) from None
    except InputError:
        raise
    except ValueError:  # a zero character in the name
        raise InputError(f"{str(path)[:200]!r} is no name of a file: check the path") from None


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; a name that no file can have is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether anything has this name, a link to nothing included: what cannot be read is then said, not skipped."""
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError):
        return True


def write_file(path: str | Path, content: bytes, *, mode: int = PUBLIC_MODE) -> None:
    """Replace ``path`` by ``content`` in one step; :class:`InputError` if the place cannot be written."""
    write_files({Path(path): (content, mode)})


def write_files(contents: Mapping[Path, tuple[bytes, int]]) -> None:
    """Replace several files: all are staged first, then renamed in the given order, so that a full disk or
    an interruption while writing changes nothing. Put the file that makes the others valid last."""
    staged: list[tuple[Path, Path]] = []
    folders = dict.fromkeys(place.parent for place in contents)
    try:
        for place, (content, mode) in contents.items():
            temporary = place.with_name(f".{place.name}.{secrets.token_hex(6)}.partial")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            staged.append((temporary, place))
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        while staged:
            temporary, place = staged[0]
            os.replace(temporary, place)
            staged.pop(0)
        for folder in folders:
            _flush_names(folder)
    except OSError as problem:
        raise InputError(
            f"cannot write {place}: {problem.strerror or problem}; what was there is whole: choose a writable place"
        ) from None
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _flush_names(folder: Path) -> None:
    """Flush the names in the folder to the disk, where the file system can do that: some cannot open or flush a folder."""
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def make_folder(path: Path, *, secret: bool = False) -> None:
    """Create the folder (and, unless secret, its parents); tighten a secret one to mode 0700."""
    if secret and path.is_symlink():
        raise InputError(f"{path} is a link where the secret folder goes: remove it, secrets are not written elsewhere")
    try:
        path.mkdir(mode=SECRET_FOLDER_MODE if secret else 0o777, parents=not secret, exist_ok=True)
        if secret:
            path.chmod(SECRET_FOLDER_MODE)
    except FileExistsError:
        raise InputError(f"{path} is a file where a folder is needed: choose another place") from None
    except OSError as problem:
        raise InputError(f"cannot create the folder {path}: {problem.strerror or problem}; choose a writable place") from None


def sha256(content: bytes) -> str:
    """The SHA-256 digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
