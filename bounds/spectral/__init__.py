"""Spectral norms that are proved in floating point, and the vector norms that they rest on."""

from .ladder import spectral_norm_from_gram
from .scaling import frobenius_upper, scaled, vector_norm_upper

__all__ = ["frobenius_upper", "scaled", "spectral_norm_from_gram", "vector_norm_upper"]
