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

from .gaussian import GaussianMechanism
from .matrices import Rows, balls, covariance, definite, rectangle, vector
from .protocol import scale_of
from .unequal import parameter

_BITS = 192


@final
@dataclass(frozen=True)
class AnisotropicGaussian:
    """N(0, covariance) on a vector. Moves are given one by one, as all of an ellipsoid, or as all of a length.

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

    @property
    def _trace(self) -> Fraction:
        return sum((self.rows[index][index] for index in range(self.dimension)), Fraction(0))

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
        width = exactly(scale_of(sensitivity, "sensitivity"), Declared("given"))
        least = exactly(self.least_variance(), Enclosed("least eigenvalue of the covariance, by the signs of pivots in balls"))
        return derive("anisotropic.mu", sensitivity=width, least_variance=least)

    def within_ellipsoid(self, axes: Any) -> Bound:
        """The Gaussian parameter if the mean moves by A u with |u| <= 1, for the matrix ``axes`` = A of as many rows. Upper side, sharp to 2^-40.

        Theorem: ``anisotropic.ellipsoid`` (upper ratio).

        >>> AnisotropicGaussian.of([[4, 0], [0, 1]]).within_ellipsoid([[2, 0], [0, "0.5"]]).value
        1.0...
        """
        reach = rectangle(axes, "axes")
        if len(reach) != self.dimension:
            raise InputError(f"axes must have {self.dimension} rows, one for each coordinate, and have {len(reach)}")
        square = tuple(tuple(sum((a * b for a, b in zip(one, two, strict=True)), Fraction(0)) for two in reach) for one in reach)
        high = sum(
            (parameter(self.rows, column) ** 2 for column in zip(*reach, strict=True)), Fraction(0)
        )  # the trace covers the greatest
        low = Fraction(0)
        while high - low > high / (1 << 42):
            middle = Fraction(float((low + high) / 2))
            if self._covers(middle, square):
                high = middle
            else:
                low = middle
        ratio = exactly(high, Enclosed("a multiple of the covariance that covers the ellipsoid, by the signs of pivots in balls"))
        return derive("anisotropic.ellipsoid", ratio=ratio)

    def mechanism(self, mu: Bound) -> GaussianMechanism:
        """Every answer for a parameter found above: ``least_scale`` is the factor on all standard deviations that is enough, for instance."""
        return GaussianMechanism.of(sensitivity=mu.rational, sigma=1)

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
        with precision(_bits(self._trace, shift)):
            matrix = balls(self.rows)
            for index in range(self.dimension):
                matrix[index, index] -= ball(shift)
            return definite(matrix) is True

    def _covers(self, factor: Fraction, square: Rows) -> bool:
        with precision(_bits(factor * self._trace, sum((square[i][i] for i in range(self.dimension)), Fraction(0)))):
            return definite(balls(self.rows) * ball(factor) - balls(square)) is True

    def delta(self, epsilon: Number, mu: Bound) -> Bound:
        """The delta at ``epsilon`` for a parameter found by :meth:`along` or :meth:`within`. Upper side.

        Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
        """
        at = exactly(nonnegative(epsilon, "epsilon"), Declared("given"))
        return derive("gaussian.profile", epsilon=at, sensitivity=mu, sigma=1)


def _bits(large: Fraction, small: Fraction) -> int:
    """Enough for pivots that lose the digits between two magnitudes, and forty-odd digits besides."""
    ratio = large / small
    return _BITS + 3 * max(0, ratio.numerator.bit_length() - ratio.denominator.bit_length())
