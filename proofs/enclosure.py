"""Inequalities on boxes, proved in ball arithmetic by branch and bound."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import arb

from .balls import ball, precision
from .expression import Expression
from .readers import as_ball
from .theorem import Enclosure

_BITS = 64
_MOST_BOXES = 100_000


class NotEnclosed(ArithmeticError):
    """The inequality fails at a point of the box, or could not be shown with the boxes allowed."""


def interval(low: Fraction, high: Fraction) -> arb:
    """A ball that contains every number from ``low`` to ``high``: the union of the balls of the exact ends."""
    return ball(low).union(ball(high))


def slope(node: Expression, values: Mapping[str, arb], variable: str) -> arb:
    """A ball that contains the partial derivative at every point of the box ``values``.

    Raises ``ValueError`` for an operator without a derivative everywhere (``maximum``).
    """
    return _value_and_slope(node, values, variable)[1]


def _value_and_slope(node: Expression, values: Mapping[str, arb], variable: str) -> tuple[arb, arb]:
    if not node.arguments:
        return as_ball(node, values), arb(1 if node.operator == "symbol" and node.literal == variable else 0)
    inner = [_value_and_slope(argument, values, variable) for argument in node.arguments]
    (a, da), (b, db) = inner[0], inner[-1]
    match node.operator:
        case "sum":
            return a + b, da + db
        case "product":
            return a * b, da * b + a * db
        case "quotient":
            return a / b, (da - a / b * db) / b
        case "power":
            exponent = int(node.literal)  # type: ignore[arg-type]
            return a**exponent, (exponent * a ** (exponent - 1) * da if exponent else arb(0))
        case "sqrt":
            return a.sqrt(), da / (2 * a.sqrt())
        case "exp":
            return a.exp(), a.exp() * da
        case "log":
            return a.log(), da / a
        case "normal-cdf":
            return (-a / arb(2).sqrt()).erfc() / 2, (-a * a / 2).exp() / (2 * arb.pi()).sqrt() * da
        case _:
            raise ValueError(f"{node.operator} has no derivative everywhere")


def enclose(lemma: Enclosure) -> int:
    """Prove the lemma and return the number of boxes that it took; raises :class:`NotEnclosed`.

    A box is settled where the ball of the slack, or the mean-value form around its centre, is nonnegative:
    ``slack(x) = slack(c) + sum of slope(some point between) * (x - c)``.

    >>> from .expression import symbol
    >>> x = symbol("x")
    >>> enclose(Enclosure("demo", "x (1 - x) <= 1/3", (("x", Fraction(0), Fraction(1)),), Fraction(1, 3) - x * (1 - x), "")) < 20
    True
    """
    return prove_on_box(lemma.slack, lemma.box)


def prove_on_box(slack: Expression, box: tuple[tuple[str, Fraction, Fraction], ...], most: int = _MOST_BOXES) -> int:
    """As :func:`enclose`, for an expression and a box, with at most ``most`` boxes."""
    names = [name for name, _, _ in box]
    pending = [tuple((low, high) for _, low, high in box)]
    count = 0
    with precision(_BITS):
        while pending:
            edges = pending.pop()
            count += 1
            centre = {name: (low + high) / 2 for name, (low, high) in zip(names, edges, strict=True)}
            middle = as_ball(slack, {name: ball(point) for name, point in centre.items()})
            if middle < 0:
                raise NotEnclosed(f"false at {', '.join(f'{name} = {point}' for name, point in centre.items())}")
            whole = {name: interval(low, high) for name, (low, high) in zip(names, edges, strict=True)}
            if as_ball(slack, whole) >= 0:
                continue
            for name in names:
                middle += slope(slack, whole, name) * (whole[name] - ball(centre[name]))
            if middle >= 0:
                continue
            if count >= most:
                raise NotEnclosed(f"not settled with {most} boxes")
            widest = max(range(len(names)), key=lambda index: edges[index][1] - edges[index][0])
            low, high = edges[widest]
            if low == high:
                raise NotEnclosed("not settled at a single point")
            halves = ((low, (low + high) / 2), ((low + high) / 2, high))
            pending.extend((*edges[:widest], half, *edges[widest + 1 :]) for half in halves)
    return count
