"""Floor 3: curvature and influence. What is returned is an estimate until it is measured, and a bound where a theorem says so.

Importing this package loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engines.data import Unit as Unit
    from .engines.refusals import OperatorRefused as OperatorRefused
    from .operators.fisher import EmpiricalFisher as EmpiricalFisher
    from .operators.fisher import Fisher as Fisher
    from .operators.gauss_newton import GaussNewton as GaussNewton
    from .operators.hessian import Hessian as Hessian
    from .operators.operator import Operator as Operator

# Public name -> module. One line a name.
_PUBLIC = {
    "Operator": "operators.operator",
    "Hessian": "operators.hessian",
    "GaussNewton": "operators.gauss_newton",
    "Fisher": "operators.fisher",
    "EmpiricalFisher": "operators.fisher",
    "Unit": "engines.data",
    "OperatorRefused": "engines.refusals",
}

__all__ = [*_PUBLIC]

if not TYPE_CHECKING:  # a visible __getattr__ would let a misspelt name pass the type checker

    def __getattr__(name):
        """Import a public name when it is first used."""
        from importlib import import_module

        if name not in _PUBLIC:
            raise AttributeError(f"module 'certify.estimators' has no attribute {name!r}: it offers {', '.join(__all__)}")
        value = getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
