"""The readers of a formula: doubles for speed, balls for rigour, exact rationals for proofs, print for people."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb

from .balls import ball, refine
from .expression import Expression, expression


@dataclass(frozen=True)
class _Algebra:
    """How one kind of number holds a rational and computes the functions beyond field operations."""

    constant: Callable[[Fraction], Any]
    functions: Mapping[str, Callable[..., Any]]


_DOUBLES = _Algebra(
    float,
    {
        "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "maximum": max,
        "normal-cdf": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
        "incomplete-beta": lambda x, a, b: float(refine(lambda: arb(x).beta_lower(arb(a), arb(b), regularized=True)).mid()),
    },
)  # fmt: skip
_BALLS = _Algebra(
    ball,
    {
        "sqrt": lambda x: x.sqrt(), "exp": lambda x: x.exp(), "log": lambda x: x.log(), "maximum": lambda x, y: x.max(y),
        "normal-cdf": lambda x: (-x / arb(2).sqrt()).erfc() / 2,
        "incomplete-beta": lambda x, a, b: x.beta_lower(a, b, regularized=True),
    },
)  # fmt: skip
_RATIONALS = _Algebra(Fraction, {"maximum": max})


def as_float(node: Expression, values: Mapping[str, float]) -> float:
    """Evaluate in doubles: fast, unsafe in the last bits, never used as a bound."""
    return float(_evaluate(node, values, _DOUBLES))


def as_ball(node: Expression, values: Mapping[str, arb]) -> arb:
    """Enclose the value at the current working precision; the result contains the true real number."""
    enclosed: arb = _evaluate(node, values, _BALLS)
    return enclosed


def as_fraction(node: Expression, values: Mapping[str, Fraction]) -> Fraction:
    """Evaluate exactly; raises ``ValueError`` for a formula that is not rational.

    >>> from certify.proofs.expression import symbols
    >>> residual, strong_convexity = symbols("residual strong_convexity")
    >>> as_fraction(residual / strong_convexity, {"residual": Fraction(1, 2), "strong_convexity": Fraction(3)})
    Fraction(1, 6)
    """
    return Fraction(_evaluate(node, values, _RATIONALS))


def _evaluate(node: Expression, values: Mapping[str, Any], algebra: _Algebra) -> Any:
    match node.operator:
        case "symbol":
            return values[str(node.literal)]
        case "rational":
            return algebra.constant(Fraction(node.literal))  # type: ignore[arg-type]
    inner = [_evaluate(argument, values, algebra) for argument in node.arguments]
    match node.operator:
        case "sum":
            return inner[0] + inner[1]
        case "product":
            return inner[0] * inner[1]
        case "quotient":
            return inner[0] / inner[1]
        case "power":
            return inner[0] ** int(node.literal)  # type: ignore[arg-type]
        case function if function in algebra.functions:
            return algebra.functions[function](*inner)
    raise ValueError(f"{node.operator} has no exact rational value")


@dataclass(frozen=True)
class _Notation:
    """How a formula is spelled: names, and templates with one field for each argument."""

    name: Callable[[str], str]
    bracket: str
    times: str
    fraction: str
    quotient: str
    power: str
    functions: Mapping[str, str]
    quotient_binds: bool
    """Whether a written quotient needs brackets as a product does (a bar over its parts does not)."""


_GREEK = {
    "epsilon": r"\varepsilon", "delta": r"\delta", "sigma": r"\sigma", "sensitivity": r"\Delta", "distance": r"\mathrm{dist}",
    "strong_convexity": r"\mu", "smoothness": r"\beta", "lipschitz": "G", "hessian_lipschitz": "M", "residual": "r",
    "self_concordance": r"\nu", "dimension": "d",
}  # fmt: skip


def _latex_name(name: str) -> str:
    if name in _GREEK or len(name) == 1:
        return _GREEK.get(name, name)
    if indexed := re.fullmatch(r"([A-Za-z])(?:_([a-z]+)|([0-9]+))", name):
        letter, word, digits = indexed.groups()
        return f"{letter}_{{{digits}}}" if word is None else rf"{letter}_{{\mathrm{{{word}}}}}"
    words = name.replace("_", r"\_")
    return rf"\mathrm{{{words}}}"


_LATEX = _Notation(
    _latex_name, r"\left({}\right)", r"{}\,{}", r"\tfrac{{{}}}{{{}}}", r"\frac{{{}}}{{{}}}", "{}^{{{}}}",
    {
        "sqrt": r"\sqrt{{{}}}", "exp": "e^{{{}}}", "log": r"\ln\left({}\right)", "maximum": r"\max\left({}, {}\right)",
        "normal-cdf": r"\Phi\left({}\right)", "incomplete-beta": r"I_{{{}}}\left({}, {}\right)",
    },
    False,
)  # fmt: skip
_TEXT = _Notation(
    str, "({})", "{} * {}", "{}/{}", "{} / {}", "{}^{}",
    {"sqrt": "sqrt({})", "exp": "exp({})", "log": "ln({})", "maximum": "max({}, {})", "normal-cdf": "Phi({})", "incomplete-beta": "I({}; {}, {})"},
    True,
)  # fmt: skip

_SUM, _PRODUCT, _ATOM = 1, 2, 3


def as_latex(node: Expression) -> str:
    """Typeset for people."""
    return _write(node, 0, _LATEX)


def as_text(node: Expression) -> str:
    """Spell in one line of plain text.

    >>> from certify.proofs.expression import sqrt, symbols
    >>> n, m = symbols("n m")
    >>> as_text(m / (n - m) + sqrt(n * m) ** 2)
    'm / (n - m) + sqrt(n * m)^2'
    """
    return _write(node, 0, _TEXT)


def _write(node: Expression, outer: int, notation: _Notation) -> str:
    def wrap(text: str, level: int) -> str:
        return notation.bracket.format(text) if level < outer else text

    def inside(argument: Expression, level: int = 0) -> str:
        return _write(argument, level, notation)

    inner = node.arguments
    match node.operator:
        case "symbol":
            return notation.name(str(node.literal))
        case "rational":
            value = Fraction(node.literal)  # type: ignore[arg-type]
            if value.denominator == 1:
                return wrap(str(value), _ATOM if value >= 0 else _SUM)
            text = notation.fraction.format(value.numerator, value.denominator)
            return wrap(text, _PRODUCT if notation.quotient_binds else _ATOM if value >= 0 else _SUM)
        case "sum":
            right = inner[1]
            if right.operator == "product" and right.arguments[0] == expression(-1):
                return wrap(f"{inside(inner[0], _SUM)} - {inside(right.arguments[1], _PRODUCT)}", _SUM)
            return wrap(f"{inside(inner[0], _SUM)} + {inside(right, _SUM)}", _SUM)
        case "product":
            if inner[0] == expression(-1):
                return wrap(f"-{inside(inner[1], _PRODUCT)}", _SUM)
            return wrap(notation.times.format(inside(inner[0], _PRODUCT), inside(inner[1], _PRODUCT)), _PRODUCT)
        case "quotient":
            if notation.quotient_binds:
                return wrap(notation.quotient.format(inside(inner[0], _PRODUCT), inside(inner[1], _ATOM)), _PRODUCT)
            return notation.quotient.format(inside(inner[0]), inside(inner[1]))
        case "power":
            return notation.power.format(inside(inner[0], _ATOM), node.literal)
        case _:
            return notation.functions[node.operator].format(*map(inside, inner))
