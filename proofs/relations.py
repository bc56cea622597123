"""Inequalities and equations for people: what is subtracted stands on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .expression import Expression, Operand, expression, symbol
from .identity import Words, spelled
from .readers import as_latex, as_text
from .theorem import Relation, Theorem

_SIGNS = {"<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "=": "="}
_BOUNDS = {"upper": "<=", "lower": ">=", "exact": "="}


@dataclass(frozen=True)
class Printed:
    """One formula in two spellings."""

    text: str
    latex: str


_ZERO = Printed("0", "0")


def printed(node: Expression) -> Printed:
    """The formula in both spellings."""
    return Printed(as_text(node), as_latex(node))


def related(left: Printed, sign: str, right: Printed) -> Printed:
    """Two sides with a sign between them.

    >>> related(Printed("a", "a"), "<=", Printed("b", "b")).latex
    'a \\\\le b'
    """
    return Printed(f"{left.text} {sign} {right.text}", f"{left.latex} {_SIGNS[sign]} {right.latex}")


def relation(kind: str, slack: Expression) -> Printed:
    """``slack kind`` (where kind is one of ``>0``, ``>=0`` and ``==0``) as people write it.

    >>> from certify.proofs.expression import symbols
    >>> e, g, residual = symbols("e g residual")
    >>> relation(">=0", residual - g).text, relation("==0", e - 2 * g).text, relation(">0", e).text
    ('g <= residual', 'e = 2 * g', 'e > 0')
    """
    plus, minus = (_total(_summands(slack, sign)) for sign in (1, -1))
    if kind == "==0":
        return related(plus or _ZERO, "=", minus or _ZERO)
    if minus is None:
        return related(plus or _ZERO, ">" if kind == ">0" else ">=", _ZERO)
    return related(minus, "<" if kind == ">0" else "<=", plus or _ZERO)


def condition(side: Relation) -> Printed:
    """A side condition as a formula."""
    return relation(side.kind, side.slack)


def matrix_relation(zero: Words) -> Printed:
    """That a sum of words is the zero matrix.

    >>> from certify.proofs.identity import matrices
    >>> A, B = matrices("A B")
    >>> matrix_relation(A * B - 1).text
    'A B = 1'
    """
    plus, minus = (Words(tuple((word, sign * number) for word, number in zero.terms if sign * number > 0)) for sign in (1, -1))
    return related(_words(plus), "=", _words(minus))


def replaced(node: Expression, values: Mapping[str, Operand]) -> Expression:
    """The expression with other expressions in the place of symbols.

    >>> from certify.proofs.expression import symbols
    >>> x, y = symbols("x y")
    >>> as_text(replaced(x**2 + y, {"x": y + 1}))
    '(y + 1)^2 + y'
    """
    if node.operator == "symbol":
        return expression(values.get(str(node.literal), node))
    return Expression(node.operator, tuple(replaced(argument, values) for argument in node.arguments), node.literal)


def conclusion(statement: Theorem, quantity: str | None = None) -> Printed:
    """What the theorem says of the ``quantity``.

    By default under the name that the conclusion gives it, or that the proof gives it where a hypothesis has that name.
    """
    if quantity is None:
        quantity = statement.conclusion.symbol
        if quantity in statement.symbols and statement.proof is not None:
            quantity = statement.proof.target
    return bounded(statement, symbol(quantity), {})


def bounded(statement: Theorem, quantity: Expression, values: Mapping[str, Operand]) -> Printed:
    """What the theorem says with ``values`` in the place of its hypotheses."""
    sign = _BOUNDS[statement.conclusion.side.value]
    return related(printed(quantity), sign, printed(replaced(statement.formula, values)))


def _words(total: Words) -> Printed:
    def name(factor: str) -> str:
        return as_latex(symbol(factor))

    latex = Words(tuple((tuple(map(name, word)), number) for word, number in total.terms))
    return Printed(str(total), spelled(latex, r"\,", "{}") or "0")


def _summands(node: Expression, wanted: int, sign: int = 1) -> list[Expression]:
    """The summands that carry the ``wanted`` sign, without it."""
    if node.operator == "sum":
        return [part for argument in node.arguments for part in _summands(argument, wanted, sign)]
    factor = node if node.operator == "rational" else node.arguments[0] if node.operator == "product" else None
    number = Fraction(factor.literal) if factor is not None and factor.operator == "rational" else 1  # type: ignore[arg-type]
    if number == 0:
        return []
    if node.operator == "product" and number == -1:
        return _summands(node.arguments[1], wanted, -sign)
    if number < 0:
        node, sign = (expression(-number) if node is factor else -number * node.arguments[1]), -sign
    return [node] if sign == wanted else []


def _total(parts: list[Expression]) -> Printed | None:
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return printed(total)
