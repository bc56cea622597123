"""A formula written once; :mod:`certify.proofs.readers` reads it in doubles, balls, exact rationals and in print.

An expression is a tree of immutable nodes. It is data: :func:`to_data` writes it as nested lists
of strings (what the book stores and the standalone checker reads), :func:`from_data` reads it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, Union

from .checker import ARITY

Operand: TypeAlias = Union["Expression", int, Fraction]


@dataclass(frozen=True)
class Expression:
    """One node: an operator, its arguments, and for leaves and powers a literal.

    >>> residual, strong_convexity = symbols("residual strong_convexity")
    >>> sorted((residual / strong_convexity).free_symbols)
    ['residual', 'strong_convexity']
    """

    operator: str
    arguments: tuple[Expression, ...] = ()
    literal: str | int | Fraction | None = None

    def __post_init__(self) -> None:
        if ARITY.get(self.operator) != len(self.arguments):
            raise ValueError(f"operator {self.operator!r} does not take {len(self.arguments)} arguments")

    def __add__(self, other: Operand) -> Expression:
        return Expression("sum", (self, expression(other)))

    def __radd__(self, other: Operand) -> Expression:
        return expression(other) + self

    def __sub__(self, other: Operand) -> Expression:
        return self + (-expression(other))

    def __rsub__(self, other: Operand) -> Expression:
        return expression(other) - self

    def __neg__(self) -> Expression:
        return Expression("product", (expression(-1), self))

    def __mul__(self, other: Operand) -> Expression:
        return Expression("product", (self, expression(other)))

    def __rmul__(self, other: Operand) -> Expression:
        return expression(other) * self

    def __truediv__(self, other: Operand) -> Expression:
        return Expression("quotient", (self, expression(other)))

    def __rtruediv__(self, other: Operand) -> Expression:
        return expression(other) / self

    def __pow__(self, exponent: int) -> Expression:
        if not (isinstance(exponent, int) and exponent >= 0):
            raise ValueError("only nonnegative integer powers are formulas; write a quotient or sqrt instead")
        return Expression("power", (self,), exponent)

    @property
    def free_symbols(self) -> frozenset[str]:
        """The names of the symbols that occur."""
        if self.operator == "symbol":
            return frozenset({str(self.literal)})
        return frozenset().union(*(argument.free_symbols for argument in self.arguments))

    @property
    def is_rational(self) -> bool:
        """Whether the formula uses only field operations, so that the exact reader accepts it."""
        return self.operator in {"symbol", "rational", "sum", "product", "quotient", "power", "maximum"} and all(
            argument.is_rational for argument in self.arguments
        )


def expression(value: Operand) -> Expression:
    """The expression itself, or the constant that an integer or fraction denotes (never a float)."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Expression("rational", (), Fraction(value))
    raise TypeError(f"a formula holds exact numbers only, not {type(value).__name__}")


def symbol(name: str) -> Expression:
    """The symbol called ``name``."""
    if not name.isidentifier():
        raise ValueError(f"{name!r} is not a symbol name")
    return Expression("symbol", (), name)


def symbols(names: str) -> tuple[Expression, ...]:
    """One symbol for each blank-separated name."""
    return tuple(symbol(name) for name in names.split())


def sqrt(argument: Operand) -> Expression:
    """The nonnegative square root."""
    return Expression("sqrt", (expression(argument),))


def exp(argument: Operand) -> Expression:
    """The exponential."""
    return Expression("exp", (expression(argument),))


def log(argument: Operand) -> Expression:
    """The natural logarithm."""
    return Expression("log", (expression(argument),))


def normal_cdf(argument: Operand) -> Expression:
    """The distribution function of the standard normal law."""
    return Expression("normal-cdf", (expression(argument),))


def maximum(left: Operand, right: Operand) -> Expression:
    """The larger of two values."""
    return Expression("maximum", (expression(left), expression(right)))


def incomplete_beta(point: Operand, first: Operand, second: Operand) -> Expression:
    """The regularised incomplete beta function I(point; first, second): the law of a Beta(first, second) variable at the point."""
    return Expression("incomplete-beta", (expression(point), expression(first), expression(second)))


def to_data(node: Expression) -> list[Any]:
    """Nested lists of strings, the form stored in the book."""
    head: list[Any] = [node.operator, *(to_data(argument) for argument in node.arguments)]
    return head if node.literal is None else [*head, str(node.literal)]


def from_data(data: Any) -> Expression:
    """Read what :func:`to_data` wrote; raises ``ValueError`` on anything else."""
    if not (isinstance(data, list) and data and isinstance(data[0], str) and data[0] in ARITY):
        raise ValueError("not an expression")
    operator, arity = data[0], ARITY[data[0]]
    rest = data[1 + arity :]
    if len(rest) != (operator in {"symbol", "rational", "power"}) or not all(isinstance(item, str) for item in rest):
        raise ValueError(f"malformed {operator}")
    arguments = tuple(from_data(argument) for argument in data[1 : 1 + arity])
    match operator:
        case "symbol":
            return symbol(rest[0])
        case "rational":
            return expression(Fraction(rest[0]))
        case "power":
            return arguments[0] ** int(rest[0])
        case _:
            return Expression(operator, arguments)


def walk(node: Expression) -> Iterator[Expression]:
    """The node and everything below it."""
    yield node
    for argument in node.arguments:
        yield from walk(argument)
