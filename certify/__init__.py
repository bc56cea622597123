"""certify: verify and certify machine unlearning.

Three jobs. *Certify a deletion*: :func:`fit`, :func:`unlearn`, :func:`verify`. *Compute noise*: :func:`noise`,
:func:`claim`. *Test a method*: :mod:`certify.testing`. Importing this package loads nothing heavy: each name
below is imported when it is first used.
"""

from __future__ import annotations

from pathlib import Path as _Path
from typing import TYPE_CHECKING

_root = _Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "bounds").is_dir():
    # A source checkout: the three lower floors lie beside this folder, not beneath it.
    __path__[:] = [str(_root / "certify"), str(_root)]

if TYPE_CHECKING:
    from . import continual as continual
    from . import methods as methods
    from . import objectives as objectives
    from . import testing as testing
    from .accounting.composition import compose as compose
    from .accounting.conversion import convert as convert
    from .bounds import Bound as Bound
    from .bounds import Estimate as Estimate
    from .calibration import GaussianNoise as GaussianNoise
    from .calibration import noise as noise
    from .capacities import capacity as capacity
    from .claims import Claim as Claim
    from .claims import claim as claim
    from .distances import distance as distance
    from .errors import BudgetNotReached as BudgetNotReached
    from .errors import CannotDecide as CannotDecide
    from .errors import CertifyError as CertifyError
    from .errors import InputError as InputError
    from .fitting import Fitted as Fitted
    from .fitting import Policy as Policy
    from .fitting import fit as fit
    from .guarantee import Guarantee as Guarantee
    from .guarantee import Notion as Notion
    from .mechanisms.unequal import gaussian_delta as gaussian_delta
    from .objectives import Dataset as Dataset
    from .runs import Run as Run
    from .runs import load as _load
    from .tables import Table as Table
    from .tables import read_table as read_table
    from .unlearning import unlearn as unlearn
    from .verification import Verdict as Verdict
    from .verification import verify as verify

    load_run = _load

_SUBMODULES = ("bounds", "continual", "estimators", "methods", "objectives", "proofs", "testing")

# Public name -> (module, name there). One line a name, in the order of the job that it belongs to.
_PUBLIC = {
    "noise": ("calibration", "noise"),
    "GaussianNoise": ("calibration", "GaussianNoise"),
    "gaussian_delta": ("mechanisms.unequal", "gaussian_delta"),
    "compose": ("accounting.composition", "compose"),
    "convert": ("accounting.conversion", "convert"),
    "capacity": ("capacities", "capacity"),
    "claim": ("claims", "claim"),
    "Claim": ("claims", "Claim"),
    "Bound": ("bounds", "Bound"),
    "Estimate": ("bounds", "Estimate"),
    "Dataset": ("objectives", "Dataset"),
    "Table": ("tables", "Table"),
    "read_table": ("tables", "read_table"),
    "fit": ("fitting", "fit"),
    "Fitted": ("fitting", "Fitted"),
    "Policy": ("fitting", "Policy"),
    "distance": ("distances", "distance"),
    "unlearn": ("unlearning", "unlearn"),
    "Run": ("runs", "Run"),
    "load_run": ("runs", "load"),
    "Guarantee": ("guarantee", "Guarantee"),
    "Notion": ("guarantee", "Notion"),
    "verify": ("verification", "verify"),
    "Verdict": ("verification", "Verdict"),
    "CertifyError": ("errors", "CertifyError"),
    "InputError": ("errors", "InputError"),
    "BudgetNotReached": ("errors", "BudgetNotReached"),
    "CannotDecide": ("errors", "CannotDecide"),
}

__all__ = [*_PUBLIC, *_SUBMODULES]

if not TYPE_CHECKING:  # a visible __getattr__ would let a misspelt name pass the type checker

    def __getattr__(name):
        """Import a public name when it is first used."""
        from importlib import import_module

        if name in _SUBMODULES:
            return import_module(f".{name}", __name__)
        if name not in _PUBLIC:
            raise AttributeError(f"module 'certify' has no attribute {name!r}: it offers {', '.join(__all__)}")
        module, attribute = _PUBLIC[name]
        value = getattr(import_module(f".{module}", __name__), attribute)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
