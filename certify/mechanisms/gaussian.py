"""Gaussian noise: the kernel of :mod:`certify.gaussian` behind the face that all mechanisms share, with its exact curve."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from flint import arb

from certify import gaussian as kernel
from certify.numbers import Number, nonnegative, probability
from certify.proofs.balls import ball, lower_double, precision

from .protocol import Mechanism, scale_of

_BITS = 128


@final
@dataclass(frozen=True)
class GaussianMechanism(Mechanism):
    """N(0, sigma² I) on a vector that moves by at most ``sensitivity`` in Euclidean norm.

    >>> GaussianMechanism.of(sensitivity="0.02", sigma=1).least_scale(1, "1e-5")
    0.07461263269631885
    """

    kind: ClassVar[str] = "gaussian"
    sensitivity: Fraction
    sigma: Fraction

    @classmethod
    def of(cls, *, sensitivity: Number, sigma: Number) -> GaussianMechanism:
        """From decimals or numbers, taken exactly."""
        return cls(scale_of(sensitivity, "sensitivity"), scale_of(sigma, "sigma"))

    @property
    def spread(self) -> Fraction:
        return self.sigma

    @property
    def reach(self) -> Fraction:
        return self.sensitivity

    def with_scale(self, scale: Fraction) -> GaussianMechanism:
        return GaussianMechanism(self.sensitivity, scale)

    def with_sensitivity(self, sensitivity: Fraction) -> GaussianMechanism:
        return GaussianMechanism(sensitivity, self.sigma)

    def delta_upper(self, epsilon: Number) -> float:
        """Exact up to one ulp.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        return kernel.delta_upper(nonnegative(epsilon, "epsilon"), self.sensitivity, self.sigma)

    def least_epsilon(self, delta: Number) -> float:
        """The least double that is proved enough.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        return kernel.least_epsilon(probability(delta, "delta"), self.sensitivity, self.sigma)

    def least_scale(self, epsilon: Number, delta: Number) -> float:
        """The least double that is proved enough.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        return kernel.least_sigma(nonnegative(epsilon, "epsilon"), probability(delta, "delta"), self.sensitivity)

    def greatest_sensitivity(self, epsilon: Number, delta: Number) -> float:
        """The greatest double that is proved to be covered.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        return kernel.greatest_sensitivity(nonnegative(epsilon, "epsilon"), probability(delta, "delta"), self.sigma)

    def _type_two(self, type_one: tuple[float, ...]) -> list[float]:
        return gaussian_type_two(self.sensitivity / self.sigma, type_one)


def gaussian_type_two(mu: Fraction, type_one: tuple[float, ...]) -> list[float]:
    """Phi(Phi^-1(1 - a) - mu), rounded down (Dong, Roth and Su 2022, definition 2.6)."""
    with precision(_BITS):
        root, shift = arb(2).sqrt(), ball(mu)

        def least(error: float) -> float:
            if error in (0.0, 1.0):
                return 1.0 - error
            threshold = root * (2 * ball(Fraction(error))).erfcinv()
            return max(0.0, lower_double(((shift - threshold) / root).erfc() / 2))

        return [least(error) for error in type_one]
