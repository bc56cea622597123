"""Which Rényi order to use: a search in doubles that nobody has to trust, since every order gives a valid bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from certify.gaussian import _double, _first

_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 90
_LEAST, _GREATEST = -40.0, 90.0
_CROSSING_STEPS = 60
_LARGEST_CROSSING = 1e15


def logarithm(number: Fraction) -> float:
    """The natural logarithm of a positive rational, also beyond the doubles."""
    return math.log(number.numerator) - math.log(number.denominator)


def epsilon_at(order: float, divergence: float, log_delta: float) -> float:
    """About the epsilon that ``renyi.approximate`` gives."""
    return divergence + math.log1p(-1 / order) - (log_delta + math.log(order)) / (order - 1)


def log_delta_at(order: float, divergence: float, epsilon: float) -> float:
    """About the logarithm of the delta that ``renyi.profile`` gives."""
    return (order - 1) * (divergence - epsilon + math.log1p(-1 / order)) - math.log(order)


def least(objective: Callable[[float], float], guess: float) -> Fraction:
    """About the order above one at which a function with one valley is least; ``guess`` is the order minus one."""
    centre = min(max(math.log(guess) if guess > 0 else _LEAST / 4, _LEAST / 2), _GREATEST - 30)

    def at(position: float) -> float:
        order = 1 + math.exp(position)
        return objective(order) if order > 1 else math.inf

    position = golden(at, centre - 12, centre + 12, _STEPS)
    return Fraction(max(1 + math.exp(position), math.nextafter(1.0, 2.0)))


def golden(objective: Callable[[float], float], low: float, high: float, steps: int) -> float:
    """About the place at which a function with one valley is least, by golden sections."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = objective(left), objective(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = objective(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = objective(right)
    return (low + high) / 2


def least_double(holds: Callable[[float], bool], proposal: float) -> float:
    """The least nonnegative double for which ``holds``, false below some number and true above it; infinity if none."""
    index = _first(lambda place: holds(_double(place)), proposal, 0)
    return math.inf if index is None else _double(index)


def crossing(height: Callable[[float], float]) -> float:
    """About the number at or above zero where a nonincreasing function reaches zero: false position, halved where it is slow."""
    if height(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while (above := height(high)) > 0:
        low, high = high, high * 4
        if high > _LARGEST_CROSSING:
            return math.inf
    at_low, at_high, side = height(low), above, 0
    for _ in range(_CROSSING_STEPS):
        middle = low + (high - low) * min(max(at_low / (at_low - at_high), 1e-6), 1 - 1e-6)
        value = height(middle)
        if value > 0:
            low, at_low = middle, value
            at_high, side = (at_high / 2, 1) if side == 1 else (at_high, 1)
        else:
            high, at_high = middle, value
            at_low, side = (at_low / 2, -1) if side == -1 else (at_low, -1)
        if abs(value) < 1e-13 or high - low <= 1e-15 * high:
            return middle
    return high


def for_epsilon(rho: float, log_delta: float) -> Fraction:
    """The order that makes epsilon least for a zCDP parameter."""
    return least(lambda order: epsilon_at(order, order * rho, log_delta), math.sqrt(-log_delta / rho))


def for_delta(rho: float, epsilon: float) -> Fraction:
    """The order that makes delta least for a zCDP parameter."""
    return least(lambda order: log_delta_at(order, order * rho, epsilon), max((epsilon - rho) / (2 * rho), 0.1))
