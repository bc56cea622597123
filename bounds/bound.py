"""A number that knows on which side of the truth it lies, and an estimate that never becomes one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from flint import arb

from certify.proofs.balls import ball, lower_double, precision, upper_double
from certify.proofs.sides import Side

from .evidence import Combined, Declared, Derived, Evidence

_WORKING_BITS = 128


class WrongSide(ValueError):
    """A number on one side of the truth was used where the other side is needed."""


@dataclass(frozen=True)
class Estimate:
    """A value without a side: it may rank or plot, and no operation turns it into a :class:`Bound`."""

    value: float
    method: str

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Bound:
    """A one-sided number: the true quantity is at most, at least, or exactly ``value``.

    ``exact`` holds the rational when an exact number (a decimal such as 1e-5) is no double; ``value`` is
    then the nearest double, for display. ``failure_probability`` is 0 for a deterministic bound. Sums,
    products, quotients and roots round outward and carry the side; one that does not fit raises
    :class:`WrongSide`.

    >>> total = Bound(0.1, Side.UPPER) + Bound(0.2, Side.UPPER)
    >>> total.value > 0.3 and total.side is Side.UPPER
    True
    """

    value: float
    side: Side
    evidence: Evidence = field(default=Declared("given without evidence"), compare=False)
    failure_probability: float = 0.0
    exact: Fraction | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.value):
            raise ValueError("a bound is a number, not nan: the computation before it overflowed or its input was not finite")
        if not 0 <= self.failure_probability < 1:
            raise ValueError(f"a failure probability lies in [0, 1), not {self.failure_probability}")
        if self.exact is not None and self.side is not Side.EXACT:
            raise WrongSide("only an exact number carries an exact rational")

    @property
    def rational(self) -> Fraction:
        """The exact rational value of the number held (not of the quantity that it bounds)."""
        return Fraction(self.value) if self.exact is None else self.exact

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        """The side and the number, for people.

        >>> print(Bound(0.25, Side.UPPER))
        ≤ 0.25
        """
        sign = {Side.UPPER: "≤", Side.LOWER: "≥", Side.EXACT: "="}[self.side]
        return f"{sign} {self.value!r}" + (
            f", but for probability {self.failure_probability:g}" if self.failure_probability else ""
        )

    def at_most(self, limit: float | Fraction) -> bool:
        """Whether this proves that the quantity is at most ``limit`` (a lower bound proves nothing)."""
        return self.side.fits(Side.UPPER) and self.rational_or_infinite() <= limit

    def at_least(self, limit: float | Fraction) -> bool:
        """Whether this proves that the quantity is at least ``limit``."""
        return self.side.fits(Side.LOWER) and self.rational_or_infinite() >= limit

    def rational_or_infinite(self) -> Fraction | float:
        """``rational``, or the infinity that an overflowed bound holds."""
        return self.value if math.isinf(self.value) else self.rational

    def ancestors(self) -> Iterator[Bound]:
        """This bound and every bound it was made from, each once, inputs before results."""
        seen: set[int] = set()

        def visit(bound: Bound) -> Iterator[Bound]:
            if id(bound) in seen:
                return
            seen.add(id(bound))
            match bound.evidence:
                case Derived(inputs=named):
                    for _, parent in named:
                        yield from visit(parent)
                case Combined(inputs=parents):
                    for parent in parents:
                        yield from visit(parent)
            yield bound

        yield from visit(self)

    def __neg__(self) -> Bound:
        return Bound(
            -self.value,
            self.side.opposite,
            Combined("negation", (self,)),
            self.failure_probability,
            None if self.exact is None else -self.exact,
        )

    def __add__(self, other: Bound | int | float) -> Bound:
        right = as_bound(other)
        return _combine("sum", _common_side(self.side, right.side, "a sum"), lambda a, b: a + b, self, right)

    __radd__ = __add__

    def __sub__(self, other: Bound | int | float) -> Bound:
        right = as_bound(other)
        return _combine(
            "difference", _common_side(self.side, right.side.opposite, "a difference"), lambda a, b: a - b, self, right
        )

    def __rsub__(self, other: int | float) -> Bound:
        return as_bound(other) - self

    def __mul__(self, other: Bound | int | float) -> Bound:
        right = as_bound(other)
        _need_nonnegative(self, right)
        return _combine("product", _common_side(self.side, right.side, "a product"), lambda a, b: a * b, self, right)

    __rmul__ = __mul__

    def __truediv__(self, other: Bound | int | float) -> Bound:
        right = as_bound(other)
        _need_nonnegative(self, right)
        if right.value <= 0:
            raise WrongSide("a quotient needs a positive lower (or exact) bound of the denominator")
        return _combine("quotient", _common_side(self.side, right.side.opposite, "a quotient"), lambda a, b: a / b, self, right)

    def __rtruediv__(self, other: int | float) -> Bound:
        return as_bound(other) / self

    def sqrt(self) -> Bound:
        """The square root, rounded outward on the same side."""
        _need_nonnegative(self)
        return _combine("square root", self.side, lambda a: a.sqrt(), self)


def as_bound(number: Bound | int | float | Fraction) -> Bound:
    """The bound itself, or a plain finite number as the exact number that it stores.

    Raises :class:`WrongSide` for an estimate and ``ValueError`` for anything else.

    >>> print(as_bound(0.25))
    = 0.25
    """
    if isinstance(number, Bound):
        return number
    if isinstance(number, Estimate):
        raise WrongSide("an estimate is never used as a bound")
    if isinstance(number, bool) or not isinstance(number, (int, float, Fraction)) or not math.isfinite(number):
        shown = repr(number) if isinstance(number, (int, float)) else type(number).__name__  # a tensor may hold secrets
        raise ValueError(f"a bound needs a finite number, not {shown}")
    return exactly(Fraction(number), Declared("literal"))


def between(lower: Bound, name: str, upper: Bound) -> str:
    """Both sides of a quantity on one line, with all digits: fewer would be rounded inward. And with what they may fail.

    >>> between(Bound(0.25, Side.LOWER), "norm", Bound(0.5, Side.UPPER, failure_probability=0.01))
    '0.25 <= norm <= 0.5, but for probability 0.01'
    """
    failure = lower.failure_probability + upper.failure_probability
    return f"{lower.value!r} <= {name} <= {upper.value!r}" + (f", but for probability {failure!r}" if failure else "")


def exactly(number: Fraction, evidence: Evidence) -> Bound:
    """The rational as an exact bound; one that is no double keeps its rational and shows the nearest double.

    Raises ``OverflowError`` beyond the doubles.

    >>> exactly(Fraction(1, 10), Declared("a decimal")).exact
    Fraction(1, 10)
    """
    value = float(number)
    return Bound(value, Side.EXACT, evidence, exact=None if Fraction(value) == number else number)


def tightest(*bounds: Bound) -> Bound:
    """The least of several upper (or exact) bounds of one quantity; raises :class:`WrongSide` for a lower one.

    >>> tightest(Bound(0.5, Side.UPPER), Bound(0.25, Side.UPPER)).value
    0.25
    """
    if any(bound.side is Side.LOWER for bound in bounds):
        raise WrongSide("the least of several bounds is a bound only where all are upper bounds")
    return min(bounds, key=lambda bound: bound.value)


def _common_side(left: Side, right: Side, what: str) -> Side:
    sides = {left, right} - {Side.EXACT}
    if len(sides) > 1:
        raise WrongSide(f"{what} of an upper and a lower bound bounds nothing")
    return sides.pop() if sides else Side.EXACT


def _need_nonnegative(*bounds: Bound) -> None:
    for bound in bounds:
        if bound.value < 0:
            raise WrongSide("products, quotients and roots of bounds are defined for nonnegative numbers; negate explicitly")


def _combine(operation: str, side: Side, evaluate: Callable[..., arb], *inputs: Bound) -> Bound:
    failure = _union(bound.failure_probability for bound in inputs)
    if any(math.isinf(bound.value) for bound in inputs):
        value = math.inf if side is not Side.LOWER else -math.inf
        return Bound(value, Side.UPPER if side is Side.EXACT else side, Combined(operation, inputs), failure)
    with precision(_WORKING_BITS):
        result = evaluate(*(ball(bound.rational) for bound in inputs))
        upper, lower = upper_double(result), lower_double(result)
    if side is Side.EXACT and upper != lower:
        side = Side.UPPER  # an inexact result of exact numbers is kept on the side that noise needs
    return Bound(lower if side is Side.LOWER else upper, side, Combined(operation, inputs), failure)


def _union(probabilities: Iterator[float]) -> float:
    total = 0.0
    for probability in probabilities:
        total = math.nextafter(total + probability, math.inf) if probability else total
    return total
