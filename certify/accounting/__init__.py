"""Privacy accounting: profiles of several kinds, conversions, compositions and a ledger, all on the safe side."""

from .adaptive import AdaptiveBudget
from .composition import Composition, compose
from .conversion import Conversion, convert
from .kinds import ApproximatePrivacy, ConcentratedPrivacy, CurvePrivacy, GaussianPrivacy, RenyiPrivacy
from .ledger import Ledger
from .privacy import Privacy
from .reading import privacy_of, read_composition
from .relations import group, total_variation, triangle, with_failure
from .sampled import SampledGaussianPrivacy

__all__ = [
    "AdaptiveBudget",
    "ApproximatePrivacy",
    "Composition",
    "ConcentratedPrivacy",
    "Conversion",
    "CurvePrivacy",
    "GaussianPrivacy",
    "Ledger",
    "Privacy",
    "RenyiPrivacy",
    "SampledGaussianPrivacy",
    "compose",
    "convert",
    "group",
    "privacy_of",
    "read_composition",
    "total_variation",
    "triangle",
    "with_failure",
]
