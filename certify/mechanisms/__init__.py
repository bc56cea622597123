"""Mechanisms beyond one Gaussian: discrete, Laplace-type and anisotropic noise, and two Gaussian laws that differ in their covariances."""

from .anisotropic import AnisotropicGaussian
from .discrete_gaussian import DiscreteGaussianMechanism, quantised_sensitivity
from .gaussian import GaussianMechanism
from .laplace import LaplaceMechanism
from .protocol import Mechanism, TradeOff
from .unequal import gaussian_delta, gaussian_renyi

__all__ = [
    "AnisotropicGaussian",
    "DiscreteGaussianMechanism",
    "GaussianMechanism",
    "LaplaceMechanism",
    "Mechanism",
    "TradeOff",
    "gaussian_delta",
    "gaussian_renyi",
    "quantised_sensitivity",
]
