"""certify: verify and certify machine unlearning."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "bounds").is_dir():
    # A source checkout: the three lower floors lie beside this folder, not beneath it.
    __path__[:] = [str(_root / "certify"), str(_root)]
