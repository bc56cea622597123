"""Python of the user's, named on the command line: imported, and whatever it raises said in one line."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from certify.errors import InputError


def imported(source: str) -> ModuleType:
    """The module that ``package.module`` or ``path/to/file.py`` names; the current folder, or that of the file, is importable.

    Raises :class:`~certify.errors.InputError` in one line, for whatever the module raises as well.

    >>> imported("math").sqrt(4)
    2.0
    """
    is_file = source.endswith(".py") or "/" in source or "\\" in source
    if is_file:
        file = Path(source)
        if not file.is_file():
            raise InputError(f"there is no file {source}: check the path")
        _search(file.resolve().parent)
        specification = importlib.util.spec_from_file_location(f"certify_test_{file.stem}", file)
        if specification is None or specification.loader is None:
            raise InputError(f"{source} is not a Python file: point to a .py file")
        module = importlib.util.module_from_spec(specification)
        sys.modules[specification.name] = module
        try:
            specification.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise InputError(f"{source} could not be run: {in_words(error)}") from None
        return module
    _search(Path.cwd())
    try:
        return importlib.import_module(source)
    except (Exception, SystemExit) as error:
        raise InputError(
            f"{source} could not be imported: {in_words(error)}; run this where it can be, or give the path of the file"
        ) from None


def in_words(error: BaseException) -> str:
    """The kind of an error and what it says, on one line.

    >>> in_words(KeyError("a"))
    "KeyError: 'a'"
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _search(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
