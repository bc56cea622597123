"""Floor 3: curvature and influence. What is returned is an estimate until it is measured, and a bound where a theorem says so.

Importing this package loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engines.data import Unit as Unit
    from .engines.refusals import OperatorRefused as OperatorRefused
    from .influences.arnoldi import arnoldi as arnoldi
    from .influences.datainf import datainf as datainf
    from .influences.interval import Influence as Influence
    from .influences.interval import influence as influence
    from .influences.records import record_influences as record_influences
    from .influences.retraining import leave_out as leave_out
    from .influences.scores import Scores as Scores
    from .influences.scores import rank_correlation as rank_correlation
    from .influences.tracin import tracin as tracin
    from .influences.trak import trak as trak
    from .knowledge import knowledge_density as knowledge_density
    from .kronecker.factored import KroneckerFactored as KroneckerFactored
    from .operators.fisher import EmpiricalFisher as EmpiricalFisher
    from .operators.fisher import Fisher as Fisher
    from .operators.gauss_newton import GaussNewton as GaussNewton
    from .operators.hessian import Hessian as Hessian
    from .operators.operator import Operator as Operator
    from .per_example.datum import PerDatum as PerDatum
    from .per_example.gradients import per_example_gradients as per_example_gradients
    from .per_example.gram import per_example_gram as per_example_gram
    from .per_example.norms import per_example_norms as per_example_norms
    from .per_example.projections import per_example_projections as per_example_projections
    from .sharding.operator import sharded as sharded
    from .sharding.ranks import RankLost as RankLost
    from .solves.guess import Guess as Guess
    from .solves.result import Result as Result
    from .solves.result import Solution as Solution
    from .solves.solve import solve as solve
    from .spectrum.convergence import convergence as convergence
    from .spectrum.density import spectral_density as spectral_density
    from .spectrum.largest import largest_eigenvalue as largest_eigenvalue
    from .spectrum.largest import smallest_eigenvalue as smallest_eigenvalue
    from .traces.diagonal import diagonal as diagonal
    from .traces.frobenius import frobenius_norm as frobenius_norm
    from .traces.hutch_plus_plus import hutch_plus_plus as hutch_plus_plus
    from .traces.log_determinant import log_determinant as log_determinant
    from .traces.trace import trace as trace
    from .traces.xtrace import xtrace as xtrace

# Public name -> module. One line a name.
_PUBLIC = {
    "Operator": "operators.operator",
    "Hessian": "operators.hessian",
    "GaussNewton": "operators.gauss_newton",
    "Fisher": "operators.fisher",
    "EmpiricalFisher": "operators.fisher",
    "KroneckerFactored": "kronecker.factored",
    "solve": "solves.solve",
    "Guess": "solves.guess",
    "Solution": "solves.result",
    "Result": "solves.result",
    "influence": "influences.interval",
    "Influence": "influences.interval",
    "record_influences": "influences.records",
    "tracin": "influences.tracin",
    "datainf": "influences.datainf",
    "arnoldi": "influences.arnoldi",
    "trak": "influences.trak",
    "Scores": "influences.scores",
    "rank_correlation": "influences.scores",
    "leave_out": "influences.retraining",
    "largest_eigenvalue": "spectrum.largest",
    "smallest_eigenvalue": "spectrum.largest",
    "spectral_density": "spectrum.density",
    "convergence": "spectrum.convergence",
    "trace": "traces.trace",
    "frobenius_norm": "traces.frobenius",
    "diagonal": "traces.diagonal",
    "log_determinant": "traces.log_determinant",
    "hutch_plus_plus": "traces.hutch_plus_plus",
    "xtrace": "traces.xtrace",
    "knowledge_density": "knowledge",
    "per_example_norms": "per_example.norms",
    "per_example_gram": "per_example.gram",
    "per_example_gradients": "per_example.gradients",
    "per_example_projections": "per_example.projections",
    "PerDatum": "per_example.datum",
    "sharded": "sharding.operator",
    "RankLost": "sharding.ranks",
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
