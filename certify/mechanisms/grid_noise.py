"""Discrete Gaussian noise for real parameters: the grid, the scale, and what they give.

Parameters that move by at most a sensitivity are rounded to a grid and moved by a discrete Gaussian number of steps. Rounding adds the
square root of the dimension to the sensitivity in steps (``discrete-gaussian.sensitivity``), so the grid is fine beside the sensitivity, and a
function of the sensitivity and the dimension alone. It is zCDP in every dimension (``discrete-gaussian.zcdp``), never Gaussian; of a
single parameter the profile is enclosed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from certify.accounting import orders
from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Declared, Enclosed
from certify.calibration import exact_bound
from certify.errors import InputError
from certify.numbers import Number, nonnegative, probability
from certify.proofs.sides import Side

from .discrete_gaussian import DiscreteGaussianMechanism
from .laplace import dimension_of

_FINENESS = 256  # rounding adds at most one part in so many to the sensitivity
_DIGITS = 24  # binary digits of the scale: it is the same on every machine
_MOST_TRIES = 64
_LEAST_EXPONENT, _GREATEST_EXPONENT = -1000, 900
LARGEST_SCALE = 2.0**40
"""The greatest scale in steps that the sampler draws."""


@dataclass(frozen=True)
class GridNoise:
    """Discrete Gaussian noise of scale ``sigma`` on multiples of ``grid``, in units of the parameters, and what it is proved to give.

    ``epsilon`` and ``delta`` are held exactly; ``sensitivity`` bounds how far the parameters move before they are rounded. ``delta_upper`` is a
    proved upper bound of delta. There is no ``mu``: the discrete Gaussian is not Gaussian differential privacy.
    """

    epsilon: Bound
    delta: Bound
    sigma: Bound
    sensitivity: Bound
    grid: float
    dimension: int
    delta_upper: float
    mu: None = None

    @property
    def mechanism(self) -> str:
        """The name of the law."""
        return DiscreteGaussianMechanism.kind


def grid_noise(sensitivity: Bound, dimension: int, epsilon: Number, delta: Number) -> GridNoise:
    """The least noise on the grid, to 24 binary digits, for parameters that move by at most an upper (or exact) ``sensitivity``.

    ``sigma`` is proved to be enough. A function of its arguments alone. Raises :class:`InputError` for numbers out of range, and where so
    little is asked to be told apart that the noise exceeds 2^40 steps.

    Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
    Theorem: ``discrete-gaussian.sensitivity`` (upper sensitivity, dimension; exact grid).

    >>> noise = grid_noise(Bound(0.02, Side.UPPER), 30, 1, "1e-5")
    >>> noise.sigma.value, noise.grid
    (0.0810716450214386, 7.62939453125e-06)
    """
    asked, allowed = nonnegative(epsilon, "epsilon"), probability(delta, "delta")
    grid = grid_for(sensitivity.rational, dimension)
    law = law_on(grid, sensitivity, dimension, Fraction(1))
    scale = _rounded_up(law.least_scale(asked, allowed))
    for _ in range(_MOST_TRIES):  # in one dimension a greater scale need not be enough
        if not scale <= LARGEST_SCALE:
            raise InputError(
                "the noise is more than 2^40 steps of the grid: use a larger epsilon or delta, or sampler rounded-normal"
            )
        reached = law.with_scale(Fraction(scale)).delta_upper(asked)
        if reached <= allowed:
            break
        scale = _rounded_up(math.nextafter(scale, math.inf))
    else:
        raise InputError("no scale of 24 binary digits was found enough: use another epsilon or delta")
    return GridNoise(
        exact_bound(asked, "epsilon", "given"), exact_bound(allowed, "delta", "given"),
        Bound(scale * grid, Side.UPPER, Enclosed("the profile of discrete Gaussian noise, solved for sigma")),
        sensitivity, grid, dimension, reached,
    )  # fmt: skip


def law_on(grid: float, sensitivity: Bound, dimension: int, scale: Fraction) -> DiscreteGaussianMechanism:
    """The mechanism in steps of the grid.

    Theorem: ``discrete-gaussian.sensitivity`` (upper sensitivity, dimension; exact grid).
    """
    step = Bound(grid, Side.EXACT, Declared("the grid"))
    steps = derive("discrete-gaussian.sensitivity", sensitivity=sensitivity, dimension=dimension, grid=step)
    return DiscreteGaussianMechanism(steps.rational, scale, 1 if dimension == 1 else None)


def grid_for(sensitivity: Fraction, dimension: int) -> float:
    """The greatest power of two whose product with the root of the dimension is at most the 256th part of the sensitivity.

    Raises :class:`InputError` for a sensitivity of nought and one near the ends of the doubles.

    >>> grid_for(Fraction(1), 16)
    0.0009765625
    """
    whole = dimension_of(dimension)
    if whole is None:
        raise InputError("the grid depends on the number of parameters: give the dimension")
    if not sensitivity > 0:
        raise InputError("a sensitivity of 0 needs no noise, and gives no grid")
    square = sensitivity**2 / (whole * _FINENESS**2)
    exponent = (square.numerator.bit_length() - square.denominator.bit_length()) // 2 + 1
    while Fraction(4) ** exponent > square:
        exponent -= 1
    if not _LEAST_EXPONENT <= exponent <= _GREATEST_EXPONENT:
        raise InputError("the sensitivity is too near the ends of the doubles for a grid: scale the parameters")
    return math.ldexp(1.0, exponent)


def order_of(rho: Bound, epsilon: Fraction) -> Fraction:
    """About the order that makes delta least at ``epsilon``; every order above one gives a valid bound."""
    return orders.for_delta(rho.value, float(epsilon))


def _rounded_up(scale: float) -> float:
    """The least number of 24 binary digits at or above it."""
    if not math.isfinite(scale) or scale <= 0:
        return math.inf
    mantissa, exponent = math.frexp(scale)
    return math.ldexp(math.ceil(math.ldexp(mantissa, _DIGITS)), exponent - _DIGITS)
