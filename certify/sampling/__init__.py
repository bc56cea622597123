"""Exact samplers: a Gaussian rounded once, and the discrete Gaussian alone or on rounded parameters, from a cryptographic keystream."""

from .discrete_gaussian import discrete_gaussian
from .discrete_normal import discrete_normal
from .keystream import SEED_BYTES, Keystream, fresh_seed
from .rounded_normal import grid_of, rounded_normal

__all__ = ["SEED_BYTES", "Keystream", "discrete_gaussian", "discrete_normal", "fresh_seed", "grid_of", "rounded_normal"]
