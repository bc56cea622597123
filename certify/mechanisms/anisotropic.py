"""Gaussian noise with any covariance: valid for a move w exactly if |Sigma^(-1/2) w| is at most mu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

from certify.bounds.bound import Bound, exactly
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.errors import InputError
from certify.numbers import Number, nonnegative
from certify.proofs.balls import ball, precision

from .matrices import Rows, balls, covariance, definite, vector
from .unequal import parameter

_BITS = 192


@final
@dataclass(frozen=True)
class AnisotropicGaussian:
    """N(0, covariance) on a vector. Moves are given one by one, or as all moves of a length.

    >>> noise = AnisotropicGaussian.of([[4, 0], [0, 1]])
    >>> noise.along([[2, 0], [0, "0.5"]]).value, round(noise.within(2).value, 9)
    (1.0, 2.0)
    """

    rows: Rows

    @classmethod
    def of(cls, matrix: Any) -> AnisotropicGaussian:
        """From a symmetric positive definite matrix, taken exactly; :class:`InputError` for anything else."""
        return cls(covariance(matrix, "covariance"))

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        return len(self.rows)

    def along(self, moves: Sequence[Any]) -> Bound:
        """The Gaussian parameter if the mean moves by one of these vectors: the greatest |Sigma^(-1/2) w|, in balls. Upper side.

        Exact up to rounding: for no smaller parameter is the certificate valid. Raises :class:`InputError` for vectors of another length.

        Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma).
        """
        given = [vector(move, "a move") for move in moves]
        if not given or any(len(move) != self.dimension for move in given):
            raise InputError(f"moves must be vectors of length {self.dimension}, at least one")
        greatest = max(parameter(self.rows, move) for move in given)
        length = exactly(greatest, Enclosed("greatest length of a move in units of the noise, in balls"))
        return derive("gaussian.mu", sensitivity=length, sigma=1)

    def within(self, sensitivity: Number) -> Bound:
        """The Gaussian parameter if the mean moves by at most ``sensitivity`` in any direction. Upper side, sharp to 2^-40.

        Theorem: ``anisotropic.mu`` (upper sensitivity; lower least_variance).
        """
        width = exactly(nonnegative(sensitivity, "sensitivity"), Declared("given"))
        least = exactly(self.least_variance(), Enclosed("least eigenvalue of the covariance, by the signs of pivots in balls"))
        return derive("anisotropic.mu", sensitivity=width, least_variance=least)

    def least_variance(self) -> Fraction:
        """A number that the least eigenvalue of the covariance is proved to exceed, and exceeds by less than one part in 2^40."""
        low, high = Fraction(0), min(self.rows[index][index] for index in range(self.dimension))
        while high - low > high / (1 << 42):
            middle = Fraction(float((low + high) / 2)) if low else high / 2
            if self._exceeds(middle):
                low = middle
            else:
                high = middle
        return low

    def _exceeds(self, shift: Fraction) -> bool:
        with precision(_BITS):
            matrix = balls(self.rows)
            for index in range(self.dimension):
                matrix[index, index] -= ball(shift)
            return definite(matrix) is True

    def delta(self, epsilon: Number, mu: Bound) -> Bound:
        """The delta at ``epsilon`` for a parameter found by :meth:`along` or :meth:`within`. Upper side.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        at = exactly(nonnegative(epsilon, "epsilon"), Declared("given"))
        return derive("gaussian.profile", epsilon=at, sensitivity=mu, sigma=1)
