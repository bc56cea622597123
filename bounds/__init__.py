"""Floor 2: one-sided numbers and how they are measured. Names that need torch are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bound import Bound, Estimate, WrongSide, as_bound, exactly, tightest
from .derive import HypothesisError, derive
from .evidence import Combined, Declared, Derived, Enclosed, Evidence, Measured
from .losses import LossConstants, loss_constants
from .utility import excess_risk

if TYPE_CHECKING:
    from .clipping import Clipped, SpectralClipping, clip_spectral_norm
    from .low_rank import LowRankEdit, low_rank_edit
    from .networks.activations import UnknownModule
    from .networks.attention import attention_lipschitz
    from .networks.lipschitz import lipschitz
    from .networks.proxies import correlated_proxies
    from .networks.radius import CertifiedRadius, certified_radius
    from .networks.result import LipschitzConstant
    from .networks.sensitivity import feature_sensitivity
    from .parameters.constants import ParameterConstants, parameter_constants
    from .parameters.edges import HessianEdges
    from .parameters.hessian import hessian_edges
    from .parameters.stationary import StationaryPoint, stationary_point
    from .spectral.combine import stacked_norm, sum_norm
    from .spectral.dense import NotALinearMap
    from .spectral.layers import spectral_norm
    from .spectral.power_qr import singular_value_estimates
    from .spectral.result import SpectralNorm

_LAZY = {
    "correlated_proxies": "networks.proxies",
    "attention_lipschitz": "networks.attention",
    "ParameterConstants": "parameters.constants",
    "parameter_constants": "parameters.constants",
    "singular_value_estimates": "spectral.power_qr",
    "Clipped": "clipping",
    "SpectralClipping": "clipping",
    "clip_spectral_norm": "clipping",
    "HessianEdges": "parameters.edges",
    "StationaryPoint": "parameters.stationary",
    "hessian_edges": "parameters.hessian",
    "stationary_point": "parameters.stationary",
    "CertifiedRadius": "networks.radius",
    "certified_radius": "networks.radius",
    "LipschitzConstant": "networks.result",
    "LowRankEdit": "low_rank",
    "UnknownModule": "networks.activations",
    "feature_sensitivity": "networks.sensitivity",
    "lipschitz": "networks.lipschitz",
    "low_rank_edit": "low_rank",
    "NotALinearMap": "spectral.dense",
    "SpectralNorm": "spectral.result",
    "spectral_norm": "spectral.layers",
    "stacked_norm": "spectral.combine",
    "sum_norm": "spectral.combine",
}

__all__ = [
    "Bound", "CertifiedRadius", "Clipped", "Combined", "Declared", "Derived", "Enclosed", "Estimate", "Evidence", "HessianEdges",
    "HypothesisError", "LipschitzConstant", "LossConstants", "LowRankEdit", "Measured", "NotALinearMap", "ParameterConstants",
    "SpectralClipping", "SpectralNorm", "StationaryPoint", "UnknownModule", "WrongSide", "as_bound", "attention_lipschitz",
    "certified_radius", "clip_spectral_norm",
    "correlated_proxies", "derive", "exactly", "excess_risk", "feature_sensitivity", "hessian_edges", "lipschitz",
    "loss_constants", "low_rank_edit", "parameter_constants", "singular_value_estimates", "spectral_norm", "stacked_norm",
    "stationary_point", "sum_norm", "tightest",
]  # fmt: skip

if not TYPE_CHECKING:  # a visible __getattr__ would let a misspelt name pass the type checker

    def __getattr__(name):
        """Import a name that needs torch when it is first used."""
        from importlib import import_module

        if name not in _LAZY:
            raise AttributeError(f"module 'certify.bounds' has no attribute {name!r}: it offers {', '.join(__all__)}")
        value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
