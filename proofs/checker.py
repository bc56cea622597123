"""The trusted checker: reads a book of proofs and accepts or refuses every entry.

Standard library only, one file, nothing imported from the rest of the project: copy it elsewhere and run it as
``python checker.py book.json pins.json``. There is one rule of inference,

    factor * slack(goal)  ==  sum c * q^2 * product of slacks  +  sum m * (left side of an equation)

as an identity of polynomials over Q, where ``c > 0``, every slack is a fact that is known to be positive or
nonnegative, every equation is a fact that is known to vanish, and ``factor`` is a product of facts known to be
positive. It proves ``goal >= 0``; ``goal > 0`` asks for a term with constant nonzero q and positive slacks, and
``goal == 0`` for no terms at all. Around it: a case split on the sign of a polynomial; the goal of a theorem is
computed from its displayed formula; and the formula must be monotone in every hypothesis in the direction
that makes it legal to put a bound where the symbol stands. Foundations and statements are pinned outside the book.

Two more kinds of reasoning are small. A sequence is a variable with values at step t, at step t + 1, at the first and at the
last step; facts about the first two hold at every step (there is at least one), and an induction carries an inequality from
the first to the last. An identity of matrices is a combination of given relations in the free algebra over Q, every word well typed.

The sections go from small to large: reading, polynomials, what is known at a point of a proof, monotonicity, statements,
proofs, identities, books. An expression is a list: its operator, its arguments, and the literal of a symbol, a rational or a power.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any

FORMAT = "certify-book/2"
ARITY = {
    "symbol": 0, "rational": 0, "sum": 2, "product": 2, "quotient": 2, "power": 1,
    "sqrt": 1, "exp": 1, "log": 1, "normal-cdf": 1, "maximum": 2, "incomplete-beta": 3,
}  # fmt: skip
TRANSCENDENTAL = {"sqrt", "exp", "log", "normal-cdf", "maximum", "incomplete-beta"}
ABSTRACT = {"exp", "log", "normal-cdf", "incomplete-beta"}
KNOWN_VALUES = {  # an argument, and the value there
    "exp": (Fraction(0), Fraction(1)), "log": (Fraction(1), Fraction(0)), "normal-cdf": (Fraction(0), Fraction(1, 2)),
}  # fmt: skip
DOMAINS = {"positive", "nonnegative", "count", "probability"}
RELATIONS = {">0", ">=0", "==0"}
NOT_NEGATIVE, NOT_POSITIVE = {"+", "0+"}, {"-", "0-"}
_RATIONAL = re.compile(r"-?[0-9]{1,400}(/[1-9][0-9]{0,400})?", re.ASCII)
_EXPONENT = re.compile(r"0|[1-9][0-9]?", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]
Ratio = tuple[Polynomial, Polynomial]
ONE: Polynomial = {(): Fraction(1)}


class Refused(Exception):
    """The entry is not accepted; the message says why."""


def need(condition: object, why: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(why)


# ---------------------------------------------------------------- reading


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len({key for key, _ in pairs}) == len(pairs), "duplicate key in the book")
    return dict(pairs)


def _no_floats(text: str) -> Any:
    raise Refused(f"a floating-point number in the book: {text[:40]}")


def loads(text: str) -> Any:
    """JSON without duplicate keys and without floating-point numbers."""
    return json.loads(text, object_pairs_hook=_no_duplicates, parse_float=_no_floats, parse_constant=_no_floats)


def canonical(data: Any) -> str:
    """The one spelling of JSON data that is hashed."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(data: Any) -> str:
    """The SHA-256 of the canonical spelling."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def rational(text: Any) -> Fraction:
    """The exact number that a string ``p`` or ``p/q`` denotes."""
    need(type(text) is str and _RATIONAL.fullmatch(text), "a number must be an integer or a fraction p/q, as a string")
    return Fraction(text)


def fields(data: Any, names: str, what: str) -> list[Any]:
    """The values of exactly these keys, in this order."""
    need(type(data) is dict and set(data) == set(names.split()), f"{what} has exactly the fields {names}")
    return [data[name] for name in names.split()]


def text(data: Any, what: str) -> str:
    """A string that is not blank."""
    need(type(data) is str and data.strip(), f"{what} is missing")
    return str(data)


def items(data: Any, what: str) -> list[Any]:
    """The items of a list, and of nothing else."""
    need(type(data) is list, f"{what} must be a list")
    return list(data)


def tree(node: Any, depth: int = 0) -> Any:
    """Check that the data is a well-formed expression and return it."""
    need(depth < 200 and type(node) is list and node and type(node[0]) is str and node[0] in ARITY, "not an expression")
    operator, arity = node[0], ARITY[node[0]]
    leaf = operator in {"symbol", "rational", "power"}
    need(len(node) == 1 + arity + leaf, f"malformed {operator}")
    for argument in node[1 : 1 + arity]:
        tree(argument, depth + 1)
    if operator == "symbol":
        need(type(node[1]) is str and _NAME.fullmatch(node[1]), "malformed symbol")
    elif operator == "rational":
        rational(node[1])
    elif operator == "power":
        need(
            type(node[2]) is str and _EXPONENT.fullmatch(node[2]) and int(node[2]) <= 64, "an exponent is an integer from 0 to 64"
        )
    return node


def arguments(node: Any) -> list[Any]:
    """The expressions directly below this one."""
    return list(node[1 : 1 + ARITY[node[0]]])


def operators_of(node: Any) -> set[str]:
    """The operators that occur."""
    return {node[0]}.union(*map(operators_of, arguments(node)))


def symbols_of(node: Any) -> set[str]:
    """The names of the symbols that occur."""
    return {node[1]} if node[0] == "symbol" else set().union(*map(symbols_of, arguments(node)))


def substitute(node: Any, values: dict[str, Any]) -> Any:
    """The expression with other expressions in the place of symbols."""
    if node[0] == "symbol":
        return values.get(node[1], node)
    return [node[0], *(substitute(argument, values) for argument in arguments(node)), *node[1 + ARITY[node[0]] :]]


def opposite(node: Any) -> Any:
    """The expression with the other sign."""
    return ["product", ["rational", "-1"], node]


# ---------------------------------------------------------------- polynomials over Q


def plus(left: Polynomial, right: Polynomial, scale: Fraction | int = 1) -> Polynomial:
    """``left + scale * right``."""
    total = dict(left)
    for monomial, coefficient in right.items():
        value = total.pop(monomial, Fraction(0)) + scale * coefficient
        if value:
            total[monomial] = value
    return total


def negated(polynomial: Polynomial) -> Polynomial:
    """``-polynomial``."""
    return plus({}, polynomial, -1)


def indeterminate(name: str) -> Polynomial:
    """The variable as a polynomial; a named term is the variable ``@name``."""
    return {((name, 1),): Fraction(1)}


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product."""
    need(len(left) * len(right) <= 250_000, "a polynomial is too large")
    total: Polynomial = {}
    for one, a in left.items():
        for two, b in right.items():
            powers = dict(one)
            for variable, exponent in two:
                powers[variable] = powers.get(variable, 0) + exponent
            need(sum(powers.values()) <= 256, "a degree is too large")
            monomial = tuple(sorted(powers.items()))
            total[monomial] = total.get(monomial, Fraction(0)) + a * b
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def raised(base: Polynomial, exponent: int) -> Polynomial:
    """A power by repeated multiplication."""
    result = ONE
    for _ in range(exponent):
        result = times(result, base)
        need(
            all(max(abs(number.numerator), number.denominator).bit_length() < 20_000 for number in result.values()),
            "a number is too large",
        )
    return result


def scaled(polynomial: Polynomial) -> tuple[Any, ...]:
    """A key that is equal for polynomials that differ by a positive rational factor."""
    if not polynomial:
        return ()
    lead = abs(polynomial[max(polynomial)])
    return tuple(sorted((monomial, coefficient / lead) for monomial, coefficient in polynomial.items()))


def value(polynomial: Polynomial, point: dict[str, Fraction]) -> Fraction | None:
    """The exact value, or None where a variable has no rational value."""
    total = Fraction(0)
    for monomial, coefficient in polynomial.items():
        for variable, exponent in monomial:
            if variable not in point:
                return None
            coefficient *= point[variable] ** exponent
        total += coefficient
    return total


# ---------------------------------------------------------------- what is known at a point of a proof


class Scope:
    """The variables, the named transcendental terms, and the facts known so far."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.atoms: dict[str, str] = {}
        self.facts: dict[str, tuple[str, Polynomial]] = {}
        self.signs: dict[tuple[Any, ...], str] = {}
        self.implications: dict[str, tuple[list[Polynomial], str, Polynomial]] = {}
        self.sequences: dict[str, dict[str, str]] = {}
        self.at_one_step = False

    def branch(self, at_one_step: bool = False) -> Scope:
        """A scope that learns new facts without this one; names, sequences and implications are shared.

        What is learned ``at_one_step`` need not hold at every step of a sequence, and no induction may use it.
        """
        other = Scope()
        other.variables, other.atoms, other.implications = self.variables, self.atoms, self.implications
        other.facts, other.signs, other.sequences = dict(self.facts), dict(self.signs), self.sequences
        other.at_one_step = self.at_one_step or at_one_step
        return other

    def varies(self, polynomial: Polynomial) -> bool:
        """Whether the polynomial may have another value at another step of a sequence."""
        moving = {name for now, at in self.sequences.items() for name in (now, at["next"])}
        moving |= {f"@{name}" for node, name in self.atoms.items() if symbols_of(json.loads(node)) & moving}
        return any(name in moving for monomial in polynomial for name, _ in monomial)

    def need_new(self, name: Any, what: str) -> None:
        """Refuse a name that is malformed or taken by a variable or a term."""
        fresh = name not in self.variables and name not in self.atoms.values()
        need(type(name) is str and _NAME.fullmatch(name) and fresh, f"{what} {name!r} is malformed or declared twice")

    def declare(self, name: Any) -> None:
        """Take in a variable."""
        self.need_new(name, "variable")
        self.variables.add(name)

    def declare_sequence(self, data: Any) -> None:
        """Take in the four variables of a sequence."""
        now, after, first, last, words = fields(data, "now next first last words", "a sequence")
        for name in (now, after, first, last):
            self.declare(name)
        text(words, "the meaning of a sequence")
        self.sequences[now] = {"next": after, "first": first, "last": last}

    def need_new_fact(self, name: Any) -> None:
        """Refuse a name that is malformed or taken by a fact or an implication."""
        new = type(name) is str and name and name not in self.facts and name not in self.implications
        need(new, f"fact {name!r} is named twice")

    def know(self, name: Any, kind: Any, polynomial: Polynomial) -> None:
        """Take in the fact that the polynomial is ``>0``, ``>=0`` or ``==0``."""
        self.need_new_fact(name)
        need(type(kind) is str and kind in RELATIONS, f"{kind!r} is not a relation")
        self.facts[name] = (kind, polynomial)
        both_ways = (polynomial, negated(polynomial)) if kind == "==0" else (polynomial,)
        for known in both_ways:
            if self.signs.get(scaled(known)) != "+":
                self.signs[scaled(known)] = "+" if kind == ">0" else "0+"

    def ratio(self, node: Any) -> Ratio:
        """Numerator and denominator; every denominator met is known to be positive."""
        operator, inner = node[0], arguments(node)
        if operator == "rational":
            number = rational(node[1])
            return ({(): number} if number else {}), ONE
        if operator == "symbol":
            need(node[1] in self.variables, f"unknown variable {node[1]}")
            return indeterminate(node[1]), ONE
        if operator in TRANSCENDENTAL:
            name = self.atoms.get(canonical(node))
            need(name is not None, f"the term {operator} is not declared")
            return indeterminate(f"@{name}"), ONE
        (top, bottom), *rest = [self.ratio(argument) for argument in inner]
        if operator == "power":
            return raised(top, int(node[2])), raised(bottom, int(node[2]))
        other_top, other_bottom = rest[0]
        if operator == "sum":
            if bottom == other_bottom:
                return plus(top, other_top), bottom
            return plus(times(top, other_bottom), times(other_top, bottom)), times(bottom, other_bottom)
        if operator == "product":
            return times(top, other_top), times(bottom, other_bottom)
        self.need_positive(inner[1])
        return times(top, other_bottom), times(bottom, other_top)

    def need_positive(self, denominator: Any) -> None:
        """Refuse a denominator that is not known to be positive."""
        need(self.sign(denominator) == "+", "a denominator is not known to be positive")

    def relation(self, node: Any) -> Polynomial:
        """The polynomial whose sign is the sign of the expression (its numerator: the denominator is positive)."""
        return self.ratio(tree(node))[0]

    def sign(self, node: Any) -> str:
        """``+``, ``0+``, ``-``, ``0-`` or ``?``: what the facts and the shape of the expression say about its sign."""
        operator, inner = node[0], arguments(node)
        if operator == "rational":
            number = rational(node[1])
            return "+" if number > 0 else "-" if number < 0 else "0+"
        if operator in {"symbol", "sum", "product"} and "quotient" not in operators_of(node):
            polynomial = self.ratio(node)[0]
            if set(polynomial) <= {()}:
                constant = polynomial.get((), Fraction(0))
                return "+" if constant > 0 else "-" if constant < 0 else "0+"
            for known, flip in ((polynomial, False), (negated(polynomial), True)):
                if found := self.signs.get(scaled(known)):
                    return {"+": "-", "0+": "0-"}[found] if flip else found
        signs = [self.sign(argument) for argument in inner]
        if operator == "symbol":
            return "?"
        if operator == "sum":
            for strict, weak in (("+", "0+"), ("-", "0-")):
                if set(signs) <= {strict, weak}:
                    return strict if strict in signs else weak
            return "?"
        if operator in {"product", "quotient"}:
            if operator == "quotient":
                self.need_positive(inner[1])
            if "?" in signs:
                return "?"
            negative = (signs[0] in NOT_POSITIVE) != (signs[1] in NOT_POSITIVE)
            return ("0" if "0+" in signs or "0-" in signs else "") + ("-" if negative else "+")
        if operator == "power":
            exponent = int(node[2])
            if exponent == 0:
                return "+"
            if exponent % 2 == 0:
                return "+" if signs[0] in {"+", "-"} else "0+"
            return signs[0]
        if operator == "sqrt":
            need(signs[0] in NOT_NEGATIVE, "a radicand is not known to be nonnegative")
            return signs[0]
        if operator == "maximum":
            return "+" if "+" in signs else "0+" if "0+" in signs else "?"
        if operator == "log":
            above_one = self.sign(["sum", inner[0], ["rational", "-1"]]) in NOT_NEGATIVE
            need(above_one or signs[0] == "+", "the argument of a logarithm is not known to be positive")
            return "0+" if above_one else "?"
        if operator == "incomplete-beta":
            inside = signs[0] in NOT_NEGATIVE and self.sign(["sum", ["rational", "1"], opposite(inner[0])]) in NOT_NEGATIVE
            need(inside and signs[1:] == ["+", "+"], "an incomplete beta function outside of its domain")
            return signs[0]
        return "+"  # exp and normal-cdf

    def name_atom(self, name: Any, node: Any) -> None:
        """Give a transcendental term a name, and know what its operator says about it."""
        tree(node)
        need(node[0] in TRANSCENDENTAL and canonical(node) not in self.atoms, "a declared term is a new transcendental one")
        self.need_new(name, "term")
        inner = [self.ratio(argument) for argument in arguments(node)]
        sign = self.sign(node)
        self.atoms[canonical(node)] = name
        itself = indeterminate("@" + name)
        if sign in NOT_NEGATIVE and node[0] != "maximum":
            self.know(name, ">0" if sign == "+" else ">=0", itself)
        if node[0] == "normal-cdf":
            self.know(f"1-{name}", ">0", plus(ONE, itself, -1))
        if node[0] == "incomplete-beta":
            self.know(f"1-{name}", ">=0", plus(ONE, itself, -1))
        if node[0] == "sqrt":
            top, bottom = inner[0]
            self.know(f"{name}^2", "==0", plus(times(times(itself, itself), bottom), top, -1))
        if node[0] == "maximum":
            over = [plus(times(itself, bottom), top, -1) for top, bottom in inner]
            for excess, suffix in zip(over, ("left", "right"), strict=True):
                self.know(f"{name}>={suffix}", ">=0", excess)
            self.know(f"{name}=left or right", "==0", times(*over))

    def direction(self, node: Any, variable: str) -> str:
        """``up``, ``down``, ``constant`` or ``?`` as the variable grows, by the shape of the expression."""
        if variable not in symbols_of(node):
            return "constant"
        operator, inner = node[0], arguments(node)
        if operator == "symbol":
            return "up"
        flip = {"up": "down", "down": "up", "constant": "constant", "?": "?"}
        ways = [self.direction(argument, variable) for argument in inner]
        if operator == "incomplete-beta":
            self.sign(node)
            ways[1] = flip[ways[1]]  # I(x; a, b) grows with x and b, and falls with a
        if operator in {"sum", "maximum", "incomplete-beta"}:
            moving = set(ways) - {"constant"}
            return moving.pop() if len(moving) == 1 else "?"
        if operator == "quotient":
            self.need_positive(inner[1])
            ways[1] = flip[ways[1]]  # a / b is a * (1/b)
        if operator in {"product", "quotient"}:
            signs = [self.sign(argument) for argument in inner]
            if "constant" in ways:
                sign, way = (signs[0], ways[1]) if ways[0] == "constant" else (signs[1], ways[0])
                return way if sign in NOT_NEGATIVE else flip[way] if sign in NOT_POSITIVE else "?"
            return ways[0] if ways[0] == ways[1] and set(signs) <= NOT_NEGATIVE else "?"
        if operator == "power":
            exponent, sign = int(node[2]), self.sign(inner[0])
            if exponent == 0:
                return "constant"
            if exponent % 2 or sign in NOT_NEGATIVE:
                return ways[0]
            return flip[ways[0]] if sign in NOT_POSITIVE else "?"
        return ways[0]  # sqrt, exp, log and normal-cdf increase


# ---------------------------------------------------------------- monotonicity by the sign of the derivative
#
# A formula built from rational functions, exp and normal-cdf has a derivative that is a sum of terms
# (rational function) * exp(rational function) * normal-cdf(..)... * density constant. Terms with equal
# exponentials are added up; every coefficient must then have the wanted sign.

Term = tuple[Ratio, Ratio, tuple[str, ...], int]  # coefficient, exponent, arguments of normal-cdf, power of 1/sqrt(2 pi)
ZERO: Ratio = ({}, ONE)


def _add_ratio(left: Ratio, right: Ratio) -> Ratio:
    return plus(times(left[0], right[1]), times(right[0], left[1])), times(left[1], right[1])


def _multiply_terms(left: list[Term], right: list[Term]) -> list[Term]:
    return [
        ((times(a[0][0], b[0][0]), times(a[0][1], b[0][1])), _add_ratio(a[1], b[1]), tuple(sorted(a[2] + b[2])), a[3] + b[3])
        for a in left
        for b in right
    ]


def _plain(terms: list[Term]) -> Ratio:
    total = ZERO
    for coefficient, exponent, cdfs, density in terms:
        need(not exponent[0] and not cdfs and not density, "the derivative rule needs rational arguments and denominators")
        total = _add_ratio(total, coefficient)
    return total


def _terms(scope: Scope, node: Any, variable: str) -> tuple[list[Term], list[Term]]:
    """The expression and its derivative as sums of terms."""
    operator, inner = node[0], arguments(node)
    if operator in {"symbol", "rational"}:
        own = ONE if node == ["symbol", variable] else {}
        return [(scope.ratio(node), ZERO, (), 0)], [((own, ONE), ZERO, (), 0)]
    if operator == "power":
        lower = ["rational", "1"] if node[2] in {"0", "1"} else ["power", inner[0], str(int(node[2]) - 1)]
        return _terms(scope, ["product", inner[0], lower] if int(node[2]) else lower, variable)
    parts = [_terms(scope, argument, variable) for argument in inner]
    if operator == "sum":
        return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    if operator == "product":
        (a, slope_a), (b, slope_b) = parts
        return _multiply_terms(a, b), _multiply_terms(slope_a, b) + _multiply_terms(a, slope_b)
    if operator == "quotient":
        scope.need_positive(inner[1])
        (a, slope_a), (b, slope_b) = parts
        (top, bottom), (slope_top, slope_bottom) = _plain(b), _plain(slope_b)
        inverse: list[Term] = [((bottom, top), ZERO, (), 0)]
        change = (times(times(bottom, bottom), negated(slope_top)), times(times(top, top), slope_bottom))
        return _multiply_terms(a, inverse), _multiply_terms(slope_a, inverse) + _multiply_terms(a, [(change, ZERO, (), 0)])
    need(operator in {"exp", "normal-cdf"}, f"the derivative rule does not know {operator}")
    argument, slope = _plain(parts[0][0]), _plain(parts[0][1])
    if operator == "exp":
        return [((ONE, ONE), argument, (), 0)], [(slope, argument, (), 0)]
    square = (times({(): Fraction(-1, 2)}, times(argument[0], argument[0])), times(argument[1], argument[1]))
    return [((ONE, ONE), ZERO, (canonical(inner[0]),), 0)], [(slope, square, (), 1)]


def derivative_direction(scope: Scope, node: Any, variable: str, signed: set[str]) -> str:
    """``up`` or ``down`` if every coefficient of the derivative has one sign for nonnegative symbols, else ``?``."""
    groups: list[Term] = []
    for term in _terms(scope, node, variable)[1]:
        for index, group in enumerate(groups):
            same = not plus(times(term[1][0], group[1][1]), times(group[1][0], term[1][1]), -1)
            if same and term[2:] == group[2:]:
                groups[index] = (_add_ratio(group[0], term[0]), *group[1:])
                break
        else:
            groups.append(term)
    coefficients = [number for group in groups for number in group[0][0].values()]
    names = {name for group in groups for monomial in group[0][0] for name, _ in monomial}
    if not names <= signed:
        return "?"
    return "up" if all(number > 0 for number in coefficients) else "down" if all(number < 0 for number in coefficients) else "?"


# ---------------------------------------------------------------- statements


def read_statement(entry: dict[str, Any]) -> tuple[Scope, dict[str, str]]:
    """A scope that knows the domains and side conditions, and the side of every hypothesis."""
    scope, sides = Scope(), {}
    for data in items(entry["hypotheses"], "hypotheses"):
        symbol, meaning, side, domain, unit = fields(data, "symbol meaning side domain unit", "a hypothesis")
        scope.declare(symbol)
        text(meaning, "the meaning of a hypothesis")
        text(unit, "the unit of a hypothesis")
        need(side in {"upper", "lower", "exact"} and domain in DOMAINS, "unknown side or domain")
        sides[symbol] = side
        itself = indeterminate(symbol)
        scope.know(symbol, ">0" if domain in {"positive", "probability"} else ">=0", itself)
        if domain == "probability":
            scope.know(f"1-{symbol}", ">0", plus(ONE, itself, -1))
    for index, data in enumerate(items(entry["side_conditions"], "side conditions")):
        kind, slack, words = fields(data, "kind slack words", "a side condition")
        text(words, "the words of a side condition")
        need(kind in {">0", ">=0"}, "a side condition is an inequality: an equation does not survive the move to the true value")
        scope.know(f"condition:{index}", kind, scope.relation(slack))
    symbol, meaning, side, unit = fields(entry["conclusion"], "symbol meaning side unit", "the conclusion")
    for words in (symbol, meaning, unit):
        text(words, "the conclusion")
    need(side in {"upper", "lower"}, "a conclusion is an upper or a lower bound")
    return scope, sides


def check_monotone(entry: dict[str, Any], scope: Scope, sides: dict[str, str]) -> bool:
    """Refuse a formula that may move to the wrong side when a bound replaces a symbol; True if a derivative was needed."""
    formula, derived = tree(entry["formula"]), False
    need(symbols_of(formula) <= set(sides), "the formula has a symbol that is no hypothesis")
    upper = entry["conclusion"]["side"] == "upper"
    for symbol, side in sides.items():
        if side == "exact":
            continue
        wanted = "up" if (side == "upper") == upper else "down"
        found = scope.direction(formula, symbol)
        if found == "?":
            need(not entry["side_conditions"], "the derivative rule is for hypotheses that vary independently")
            found, derived = derivative_direction(scope, formula, symbol, set(sides)), True
        need(
            found in {"constant", wanted},
            f"the formula is not known to move {wanted} with {symbol}, which is given as {side} bound",
        )
        for condition in entry["side_conditions"]:
            kept = "down" if side == "upper" else "up"
            need(
                scope.direction(condition["slack"], symbol) in {"constant", kept},
                f"a side condition that holds at a bound of {symbol} may fail at the true value",
            )
    return derived


# ---------------------------------------------------------------- proofs


def check_step(scope: Scope, kind: str, goal: Polynomial, step: dict[str, Any]) -> None:
    """The one rule of inference."""

    def known(name: Any, allowed: set[str], why: str) -> Polynomial:
        need(type(name) is str and name in scope.facts, f"no fact is called {name!r} here")
        need(scope.facts[name][0] in allowed, f"{name}: {why}")
        return scope.facts[name][1]

    def polynomial(node: Any) -> Polynomial:
        top, bottom = scope.ratio(tree(node))
        need(bottom == ONE, "a multiplier must be a polynomial")
        return top

    factor = ONE
    for name in items(step["factor"], "factor"):
        factor = times(factor, known(name, {">0"}, "a factor must be strictly positive"))
    total, strict = Polynomial(), False
    for term in items(step["terms"], "terms"):
        need(type(term) is list and len(term) == 3, "a term is [multiplier, q, slacks]")
        multiplier, root, names = rational(term[0]), polynomial(term[1]), items(term[2], "slacks")
        need(multiplier > 0, "a multiplier must be positive")
        product = times(root, root)
        for name in names:
            product = times(product, known(name, {">0", ">=0"}, "an equation was used as an inequality"))
        strict |= set(root) == {()} and all(scope.facts[name][0] == ">0" for name in names)
        total = plus(total, product, multiplier)
    for equation in items(step["equations"], "equations"):
        need(type(equation) is list and len(equation) == 2, "an equation is [multiplier, name]")
        total = plus(total, times(polynomial(equation[0]), known(equation[1], {"==0"}, "an inequality was used as an equation")))
    need(kind != "==0" or not step["terms"], "an equation follows from equations only")
    need(kind != ">0" or strict, "a strict goal needs one strictly positive term")
    need(times(factor, goal) == total, "the certificate does not balance")


def check_block(scope: Scope, steps: Any, goal: Polynomial) -> None:
    """Steps in order; the last one concludes or splits into cases that all conclude."""
    need(items(steps, "steps"), "a proof without steps")
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        need(type(step) is dict, "a step is an object")
        if "split" in step:
            need(last, "nothing follows a case split")
            _check_split(scope, step, goal)
        elif "induction" in step:
            need(not last, "the last step of a proof is its conclusion")
            _check_induction(scope, step)
        elif "use" in step:
            (name,) = fields(step, "use", "a use")
            need(not last and type(name) is str and name in scope.implications, f"no implication is called {name!r}")
            conditions, kind, polynomial = scope.implications[name]
            for condition in conditions:
                need(scope.signs.get(scaled(condition)) in NOT_NEGATIVE, f"the condition of {name} is not established here")
            scope.facts[name] = (kind, polynomial)
        elif "name" in step:
            name, kind, slack, *_ = fields(step, "name kind slack factor terms equations", "a lemma step")
            need(not last, "the last step of a proof is its conclusion")
            need(type(kind) is str and kind in RELATIONS, f"{kind!r} is not a relation")
            polynomial = scope.relation(slack)
            check_step(scope, kind, polynomial, step)
            scope.know(name, kind, polynomial)
        else:
            fields(step, "factor terms equations", "a concluding step")
            need(last, "the conclusion is the last step")
            check_step(scope, ">=0", goal, step)


def _check_split(scope: Scope, step: dict[str, Any], goal: Polynomial) -> None:
    """Three cases by the sign of a polynomial; the negative one may be left out where a fact excludes it."""
    name, slack, cases = fields(step, "name split cases", "a case split")
    top, bottom = scope.ratio(tree(slack))
    need(bottom == ONE, "a case split is on a polynomial")
    need(type(cases) is dict and set(cases) <= {"positive", "zero", "negative"}, "the cases are positive, zero and negative")
    excluded = {"+": {"zero", "negative"}, "0+": {"negative"}}.get(scope.sign(slack), set())
    need(set(cases) | excluded == {"positive", "zero", "negative"}, "a case is missing")
    for case, block in cases.items():
        branch = scope.branch(at_one_step=scope.varies(top))
        kind, polynomial = ("==0", top) if case == "zero" else (">0", top if case == "positive" else negated(top))
        branch.know(name, kind, polynomial)
        check_block(branch, block, goal)


def _check_induction(scope: Scope, step: dict[str, Any]) -> None:
    """An inequality between values at one step that holds at the first step and is handed on from each to the next."""
    name, slack, base, onward = fields(step, "name induction base step", "an induction")
    need(not scope.at_one_step, "an induction where something is known at one step only")
    names = symbols_of(tree(slack))
    need(names & set(scope.sequences), "an induction is about a sequence")
    need(
        not names & {at["next"] for at in scope.sequences.values()}, "an induction states what holds at one step, not at the next"
    )

    def stated(when: str) -> Polynomial:
        return scope.relation(substitute(slack, {now: ["symbol", at[when]] for now, at in scope.sequences.items()}))

    check_block(scope.branch(at_one_step=True), base, stated("first"))
    after = scope.branch(at_one_step=True)
    after.know(name, ">=0", scope.relation(slack))
    check_block(after, onward, stated("next"))
    scope.know(name, ">=0", stated("last"))


def check_theorem(identifier: str, entry: dict[str, Any], book: dict[str, Any]) -> None:
    """Accept the theorem or raise :class:`Refused`. Entries that it rests on are looked up, not checked, here."""
    fields(entry, "kind statement hypotheses side_conditions conclusion formula rests_on source proof digest", identifier)
    text(entry["statement"], "the statement")
    text(entry["source"], "the source")
    scope, sides = read_statement(entry)
    proof = entry["proof"]
    fields(proof, "target variables sequences terms facts citations congruences witness steps", "a proof")
    rests_on = {text(name, "a dependency") for name in items(entry["rests_on"], "rests_on")}
    need(len(rests_on) == len(entry["rests_on"]), "a dependency is repeated")
    used: set[str] = set()
    counts = {data["symbol"] for data in entry["hypotheses"] if data["domain"] == "count"}
    for name, node in items(proof["terms"], "terms"):  # terms of the statement itself come first
        if symbols_of(tree(node)) <= set(sides):
            scope.name_atom(name, node)
    if check_monotone(entry, scope.branch(), sides):
        used.add("calculus.chain-rule")

    for name, meaning in items(proof["variables"], "variables"):
        scope.declare(name)
        text(meaning, "the meaning of a variable")
    for data in items(proof["sequences"], "sequences"):
        scope.declare_sequence(data)
    free = set(scope.variables)
    declared: list[str] = []
    facts = [_fact(data) for data in items(proof["facts"], "facts")]
    need(len({fact[0] for fact in facts}) == len(facts), "a fact is named twice")
    _learn_plain(scope, facts, declared)
    for name, node in proof["terms"]:
        if canonical(node) not in scope.atoms:
            scope.name_atom(name, node)
    for fact in facts:
        used |= _learn(scope, fact, sides, book, rests_on, declared)
    for data in items(proof["citations"], "citations"):
        used |= _cite(scope, data, book, rests_on, counts, declared)
    need(used == rests_on, f"cited but not listed, or listed but not cited: {', '.join(sorted(used ^ rests_on))}")
    declared += [_congruence(scope, data) for data in items(proof["congruences"], "congruences")]
    _check_witness(scope, proof, free, declared)

    target = proof["target"]
    need(type(target) is str and target in free and target not in sides, "the target is an auxiliary variable")
    top, bottom = scope.ratio(entry["formula"])
    slack = plus(top, times(bottom, indeterminate(target)), -1)
    check_block(scope, proof["steps"], slack if entry["conclusion"]["side"] == "upper" else negated(slack))


def _fact(data: Any) -> list[Any]:
    name, because, kind, slack, words = fields(data, "name because kind slack words", "a fact")
    text(words, "the words of a fact")
    need(items(because, "because"), "a fact without a reason")
    return [name, because, kind, tree(slack)]


def _learn_plain(scope: Scope, facts: list[list[Any]], declared: list[str]) -> None:
    """Facts that hold no transcendental term come first, so that the terms can be shown to be well defined."""
    for fact in facts:
        if not operators_of(fact[3]) & TRANSCENDENTAL:
            scope.know(fact[0], fact[2], scope.relation(fact[3]))
            declared.append(fact[0])


def _learn(
    scope: Scope, fact: list[Any], sides: dict[str, str], book: dict[str, Any], rests_on: set[str], declared: list[str]
) -> set[str]:
    """Take a fact from foundations or from the meaning of a hypothesis; return the foundations that it uses."""
    name, because, kind, slack = fact
    used = set()
    for reason in because:
        need(type(reason) is str, "a reason is an id")
        if reason.startswith("hypothesis:"):
            symbol = reason.removeprefix("hypothesis:")
            need(
                symbol in sides and symbol in symbols_of(slack) and kind != "==0",
                f"{name} does not state the hypothesis {symbol}",
            )
            way = scope.direction(slack, symbol)
            need(
                sides[symbol] == "exact" or way == ("up" if sides[symbol] == "upper" else "down"),
                f"{name}: {symbol} stands on the wrong side",
            )
        else:
            need(
                book.get(reason, {}).get("kind") in {"foundation", "identity"} and reason in rests_on,
                f"{name} rests on {reason}, which is no listed foundation or identity",
            )
            used.add(reason)
    if name not in declared:
        scope.know(name, kind, scope.relation(slack))
        declared.append(name)
    return used


def _cite(scope: Scope, data: Any, book: dict[str, Any], rests_on: set[str], counts: set[str], declared: list[str]) -> set[str]:
    """An instance of a theorem, or of an enclosure, as a fact that the checker computes itself."""
    name, cited, target, values, words = fields(data, "name cites target with words", "a citation")
    text(words, "the words of a citation")
    need(type(cited) is str and cited in rests_on and type(values) is dict, "a citation names a listed theorem and its values")
    other = book.get(cited, {})
    for node in values.values():
        tree(node)
    if other.get("kind") == "enclosure":
        need(
            target is None and set(values) == {row[0] for row in other["box"]},
            f"{name}: give a value for every variable of {cited}",
        )
        above = [["sum", values[symbol], ["rational", str(-rational(low))]] for symbol, low, _ in other["box"]]
        below = [["sum", ["rational", high], opposite(values[symbol])] for symbol, _, high in other["box"]]
        conditions = [scope.relation(node) for node in above + below if scope.sign(node) not in NOT_NEGATIVE]
        polynomial = scope.relation(substitute(other["relation"]["slack"], values))
        kind = other["relation"]["kind"]
    else:
        need(
            other.get("kind") == "theorem" and {row["symbol"] for row in other["hypotheses"]} == set(values),
            f"{name}: give every hypothesis",
        )
        for row in other["hypotheses"]:
            sign = scope.sign(values[row["symbol"]])
            need(row["domain"] != "probability", "a theorem about a probability is not cited")
            count = row["domain"] != "count" or (values[row["symbol"]][0] == "symbol" and values[row["symbol"]][1] in counts)
            need(count, f"{name}: only a count is cited as a count")
            need(sign == "+" or (sign == "0+" and row["domain"] != "positive"), f"{name}: {row['symbol']} is not in its domain")
        for condition in other["side_conditions"]:
            sign = scope.sign(substitute(condition["slack"], values))
            need(sign == "+" or (sign == "0+" and condition["kind"] == ">=0"), f"{name}: a side condition is not known")
        difference = ["sum", substitute(other["formula"], values), opposite(tree(target))]
        polynomial = scope.relation(difference if other["conclusion"]["side"] == "upper" else opposite(difference))
        conditions, kind = [], ">=0"
    if conditions:
        scope.need_new_fact(name)
        scope.implications[name] = (conditions, kind, polynomial)
    else:
        scope.know(name, kind, polynomial)
    declared.append(name)
    return {cited}


def _congruence(scope: Scope, data: Any) -> str:
    """Equal arguments give equal values: the equation left == right of two declared terms of one operator."""
    name, left, right, step = fields(data, "name left right step", "a congruence")
    names = {atom: json.loads(node) for node, atom in scope.atoms.items()}
    need(
        left in names and right in names and names[left][0] == names[right][0] and ARITY[names[left][0]] == 1,
        f"{name}: two terms of one operator",
    )
    (top, bottom), (other_top, other_bottom) = scope.ratio(names[left][1]), scope.ratio(names[right][1])
    fields(step, "factor terms equations", "a congruence step")
    check_step(scope, "==0", plus(times(top, other_bottom), times(other_top, bottom), -1), step)
    scope.know(name, "==0", plus(indeterminate("@" + left), indeterminate("@" + right), -1))
    return str(name)


def _check_witness(scope: Scope, proof: dict[str, Any], free: set[str], declared: list[str]) -> None:
    """The hypotheses hold somewhere: a rational point satisfies every fact, so nothing follows from a contradiction.

    Exponentials, logarithms and normal-cdf are abstract terms in the rule of inference, and the witness gives them values
    as to any variable, so long as they increase with their arguments. Roots and maxima take the values that the others give;
    an irrational root is bracketed, and inequalities that are linear in it must hold at both ends. A sequence has one step.
    """
    witness = proof["witness"]
    need(type(witness) is dict, "a witness gives a value to every variable")
    abstract = {name for node, name in scope.atoms.items() if json.loads(node)[0] in ABSTRACT}
    need(set(witness) == free | abstract, "a witness gives a value to every variable and abstract term, and to nothing else")
    point = {("@" + name if name in abstract else name): rational(number) for name, number in witness.items()}
    for now, at in scope.sequences.items():
        one = point[now] == point[at["first"]] and point[at["next"]] == point[at["last"]]
        need(one, f"the witness makes {now} a sequence of one step: now is the first value, next the last")
    brackets: dict[str, tuple[Fraction, Fraction]] = {}
    for node_text, name in scope.atoms.items():
        node = json.loads(node_text)
        values = [_ratio_value(scope.ratio(argument), point) for argument in arguments(node)]
        known = [number for number in values if number is not None]
        if name in abstract or len(known) < len(values):
            continue
        if node[0] == "maximum":
            point["@" + name] = max(known)
        else:
            low, high = _root(known[0])
            if low == high:
                point["@" + name] = low
            else:
                brackets["@" + name] = (low, high)
    _check_order(scope, point)
    own = {name for name in scope.facts if name not in declared}
    for name, (kind, polynomial) in scope.facts.items():
        numbers = _corners(polynomial, point, brackets)
        if numbers is None or (kind == "==0" and len(numbers) > 1):
            need(name in own, f"the witness gives no rational value to {name}")
        else:
            need(all(_holds(kind, number) for number in numbers), f"the witness violates {name}")
    for name, (conditions, kind, polynomial) in scope.implications.items():
        reached = [value(condition, point) for condition in conditions]
        number = value(polynomial, point)
        need(None not in reached and number is not None, f"the witness gives no rational value to {name}")
        if all(condition is not None and condition >= 0 for condition in reached) and number is not None:
            need(_holds(kind, number), f"the witness violates {name}")


def _check_order(scope: Scope, point: dict[str, Fraction]) -> None:
    """The witness does not contradict that exp, log and normal-cdf are increasing functions with one value that is known."""
    for operator, known in KNOWN_VALUES.items():
        pairs = [known]
        for node_text, name in scope.atoms.items():
            node = json.loads(node_text)
            at = _ratio_value(scope.ratio(node[1]), point) if node[0] == operator else None
            if at is not None:
                pairs.append((at, point["@" + name]))
        rising = all((a < b) == (low < high) for (a, low), (b, high) in pairwise(sorted(pairs)))
        need(rising, f"the witness gives {operator} values that do not increase with its argument")


def _corners(
    polynomial: Polynomial, point: dict[str, Fraction], brackets: dict[str, tuple[Fraction, Fraction]]
) -> list[Fraction] | None:
    """The values at the ends of the brackets of the irrational roots that occur, where it is linear in each of them."""
    irrational = [(name, exponent) for monomial in polynomial for name, exponent in monomial if name in brackets]
    names = sorted({name for name, _ in irrational})
    if len(names) > 4 or any(exponent > 1 for _, exponent in irrational):
        return None
    points = [point]
    for name in names:
        points = [{**corner, name: end} for corner in points for end in brackets[name]]
    numbers = [value(polynomial, corner) for corner in points]
    return None if None in numbers else [number for number in numbers if number is not None]


def _ratio_value(ratio: Ratio, point: dict[str, Fraction]) -> Fraction | None:
    top, bottom = value(ratio[0], point), value(ratio[1], point)
    need(bottom is None or bottom > 0, "the witness makes a denominator vanish")
    return None if top is None or bottom is None else top / bottom


def _root(number: Fraction) -> tuple[Fraction, Fraction]:
    """Two equal rationals if the root is rational, else rationals on both sides of it."""
    need(number >= 0, "the witness makes a radicand negative")
    root = Fraction(isqrt(number.numerator), isqrt(number.denominator))
    if root * root == number:
        return root, root
    scaled_down = isqrt((number.numerator << 80) // number.denominator)
    return Fraction(scaled_down, 1 << 40), Fraction(scaled_down + 1, 1 << 40)


def _holds(kind: str, number: Fraction) -> bool:
    return number > 0 if kind == ">0" else number >= 0 if kind == ">=0" else number == 0


# ---------------------------------------------------------------- identities of matrices
#
# A word is a list of names of matrices, multiplied in that order; the empty word is the unit matrix. A sum of words is a list
# of [coefficient, word]. Entries of the matrices are real, the sizes are any, so only what holds in every ring of matrices follows.

Words = dict[tuple[str, ...], Fraction]
Shapes = dict[str, tuple[str, str]]


def read_words(data: Any, shapes: Shapes) -> tuple[Words, tuple[str, str]]:
    """The sum and its rows and columns: every word is well typed and all have one shape."""
    total: Words = {}
    found: set[tuple[str, str]] = set()
    for row in items(data, "a sum of words"):
        need(type(row) is list and len(row) == 2, "a sum of words is a list of [coefficient, word]")
        word = tuple(read_word(row[1], shapes))
        need(word not in total and rational(row[0]), "a word is repeated or has the coefficient zero")
        total[word] = rational(row[0])
        if word:
            found.add((shapes[word[0]][0], shapes[word[-1]][1]))
    need(len(found) == 1, "the words of a sum have one shape")
    (shape,) = found
    need(() not in total or shape[0] == shape[1], "the unit matrix is square")
    return total, shape


def read_word(data: Any, shapes: Shapes) -> list[str]:
    """Names of matrices, each with as many columns as the next has rows."""
    word = items(data, "a word")
    need(len(word) <= 64 and all(type(name) is str and name in shapes for name in word), "a word names declared matrices")
    need(all(shapes[a][1] == shapes[b][0] for a, b in pairwise(word)), "the sizes in a word do not fit")
    return word


def check_identity(identifier: str, entry: dict[str, Any]) -> None:
    """``goal == sum of coefficient * left word * relation * right word`` in the free algebra, and the relations can hold."""
    names = "kind statement matrices relations goal rests_on source proof digest"
    _, statement, matrices, relations, goal, rests_on, source, proof, _ = fields(entry, names, identifier)
    text(statement, "the statement")
    text(source, "the source")
    need(not items(rests_on, "rests_on"), "an identity rests on nothing else")
    shapes: Shapes = {}
    for name, rows, columns, meaning in items(matrices, "matrices"):
        for word in (name, rows, columns):
            need(type(word) is str and _NAME.fullmatch(word), "malformed name")
        text(meaning, "the meaning of a matrix")
        need(name not in shapes, f"matrix {name} is declared twice")
        shapes[name] = (rows, columns)
    known: dict[str, tuple[Words, tuple[str, str]]] = {}
    for name, words, meaning in items(relations, "relations"):
        need(text(name, "the name of a relation") not in known, f"relation {name} is named twice")
        text(meaning, "the words of a relation")
        known[name] = read_words(words, shapes)
    wanted, (height, width) = read_words(goal, shapes)
    certificate, witness = fields(proof, "certificate witness", "a proof")
    total: Words = {}
    for row in items(certificate, "a certificate"):
        need(
            type(row) is list and len(row) == 4 and type(row[2]) is str and row[2] in known,
            "[coefficient, left, relation, right]",
        )
        left, right = tuple(read_word(row[1], shapes)), tuple(read_word(row[3], shapes))
        words, (rows, columns) = known[row[2]]
        need((shapes[left[-1]][1] if left else height) == rows, "the word on the left does not fit")
        need((shapes[right[0]][0] if right else width) == columns, "the word on the right does not fit")
        need((shapes[left[0]][0] if left else rows) == height, "a term has another shape than the goal")
        need((shapes[right[-1]][1] if right else columns) == width, "a term has another shape than the goal")
        for word, coefficient in words.items():
            number = total.pop((*left, *word, *right), Fraction(0)) + rational(row[0]) * coefficient
            if number:
                total[(*left, *word, *right)] = number
    need(total == wanted, "the certificate does not balance")
    _check_matrices(shapes, {name: words for name, (words, _) in known.items()}, {"the goal": wanted}, witness)


def _check_matrices(shapes: Shapes, relations: dict[str, Words], goal: dict[str, Words], witness: Any) -> None:
    """The relations hold somewhere: rational matrices of given sizes satisfy all of them."""
    sizes, given = fields(witness, "sizes matrices", "a witness")
    need(type(sizes) is dict and type(given) is dict and set(given) == set(shapes), "a witness gives every matrix")
    need(set(sizes) == {size for shape in shapes.values() for size in shape}, "a witness gives every size")
    count = {name: int(rational(size)) for name, size in sizes.items()}
    need(all(1 <= size <= 4 for size in count.values()), "a size is from 1 to 4")
    values = {}
    for name, (rows, columns) in shapes.items():
        grid = [[rational(number) for number in items(row, "a row")] for row in items(given[name], "a matrix")]
        need(len(grid) == count[rows] and all(len(row) == count[columns] for row in grid), f"the witness {name} has another size")
        values[name] = grid
    for name, words in {**relations, **goal}.items():
        height, width = next((count[shapes[word[0]][0]], count[shapes[word[-1]][1]]) for word in words if word)
        total = [[Fraction(0)] * width for _ in range(height)]
        for word, coefficient in words.items():
            product = [[Fraction(row == column) for column in range(height)] for row in range(height)]
            for factor in word:
                product = multiplied(product, values[factor])
            total = [[a + coefficient * b for a, b in zip(*rows, strict=True)] for rows in zip(total, product, strict=True)]
        need(not any(map(any, total)), f"the witness violates {name}")


def multiplied(left: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]]:
    """The product of two matrices."""
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in zip(*right, strict=True)]
        for row in left
    ]


# ---------------------------------------------------------------- books


def check_enclosure_statement(identifier: str, entry: dict[str, Any]) -> None:
    """The form of an enclosure; its truth is re-run in ball arithmetic elsewhere."""
    fields(entry, "kind statement box relation rests_on source digest", identifier)
    text(entry["statement"], "the statement")
    text(entry["source"], "the source")
    need(not items(entry["rests_on"], "rests_on"), "an enclosure rests on nothing else")
    names = []
    for name, low, high in items(entry["box"], "box"):
        need(
            type(name) is str and _NAME.fullmatch(name) and rational(low) <= rational(high),
            "a box has a name and two rational ends",
        )
        names.append(name)
    kind, slack = fields(entry["relation"], "kind slack", "a relation")
    need(
        kind == ">=0" and names and len(set(names)) == len(names) and symbols_of(tree(slack)) <= set(names),
        "a weak inequality in the variables of the box",
    )


def entry_digest(identifier: str, entry: dict[str, Any], below: list[str]) -> str:
    """A Merkle digest: it covers the entry and the digests of all that it rests on."""
    return digest([identifier, {name: data for name, data in entry.items() if name != "digest"}, below])


def claim_digest(entry: dict[str, Any]) -> str:
    """The digest of what people must read and believe: the statement, and the facts that its proof starts from.

    It is pinned outside the book. What it leaves out (multipliers, cases, witness) is only ever checked.
    """
    unread = {"congruences", "witness", "steps", "certificate"}
    claims = {name: data for name, data in entry.items() if name not in {"digest", "proof"}}
    if type(entry.get("proof")) is dict:
        claims["proof"] = {name: data for name, data in entry["proof"].items() if name not in unread}
    return digest(claims)


MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError, ZeroDivisionError)


def check_entry(identifier: str, entry: dict[str, Any], book: dict[str, Any], pins: dict[str, str]) -> str:
    """``foundation``, ``proved`` or ``enclosed``; raises :class:`Refused`. What it rests on is checked apart."""
    try:
        return _check_entry(identifier, entry, book, pins)
    except MALFORMED as error:
        raise Refused(f"malformed ({type(error).__name__}: {error})") from error


def _check_entry(identifier: str, entry: dict[str, Any], book: dict[str, Any], pins: dict[str, str]) -> str:
    kind = entry.get("kind") if type(entry) is dict else None
    need(kind in {"foundation", "theorem", "enclosure", "identity"}, "an entry is a foundation, theorem, enclosure or identity")
    need(pins.get(identifier) == claim_digest(entry), "its statement and facts are not the pinned ones")
    if kind == "foundation":
        _, statement, source, _ = fields(entry, "kind statement source digest", identifier)
        text(statement, "the statement")
        text(source, "the source")
        return "foundation"
    if kind == "enclosure":
        check_enclosure_statement(identifier, entry)
        return "enclosed"
    if kind == "identity":
        check_identity(identifier, entry)
        return "proved"
    check_theorem(identifier, entry, book)
    return "proved"


def check_book(book: Any, pins: dict[str, str]) -> dict[str, tuple[str, str]]:
    """For every entry ``(verdict, reason)``; the verdict ``failed`` spreads to all that rests on a failed entry."""
    need(type(book) is dict and set(book) == {"format", "entries"}, "not a book: it has exactly the fields format and entries")
    found = book["format"]
    need(found == FORMAT, f"the book has the format {str(found)[:40]!r}, and this checker reads {FORMAT!r}")
    entries = book["entries"]
    need(type(entries) is dict and entries, "an empty book")
    results: dict[str, tuple[str, str]] = {}
    digests: dict[str, str] = {}

    def visit(identifier: str, above: tuple[str, ...]) -> None:
        if identifier in results or identifier not in entries or identifier in above:
            return
        entry = entries[identifier]
        try:
            need(type(entry) is dict, "an entry is an object")
            below = items(entry.get("rests_on", []), "rests_on")
            for name in below:
                need(type(name) is str and name in entries, f"rests on {name!r}, which is not in the book")
                need(name not in (*above, identifier), f"rests on itself through {name}")
                visit(name, (*above, identifier))
            failed = [name for name in below if results[name][0] == "failed"]
            need(not failed, f"rests on {', '.join(failed)}, which failed")
            digests[identifier] = entry_digest(identifier, entry, [digests[name] for name in below])
            need(digests[identifier] == entry.get("digest"), "the digest does not match")
            verdict = check_entry(identifier, entry, entries, pins)
            needs_balls = verdict == "enclosed" or any(results[name][0] == "enclosed" for name in below)
            results[identifier] = ("enclosed", "needs python-flint to run again") if needs_balls else (verdict, "")
        except Refused as refusal:
            results[identifier] = ("failed", str(refusal))
        except MALFORMED as error:
            results[identifier] = ("failed", f"malformed ({type(error).__name__}: {error})")

    for identifier in entries:
        visit(identifier, ())
    for identifier in pins:
        results.setdefault(identifier, ("failed", "required, and not in the book"))
    return results


def redigested(book: Any) -> dict[str, Any]:
    """The book with every digest recomputed, so that whatever is wrong in it is left to the mathematics."""
    entries = book["entries"]
    done: dict[str, dict[str, Any]] = {}

    def visit(identifier: str, above: tuple[str, ...]) -> str:
        need(identifier in entries, f"rests on {identifier!r}, which is not in the book")
        need(identifier not in above, f"{identifier} rests on itself")
        if identifier not in done:
            below = [visit(name, (*above, identifier)) for name in entries[identifier].get("rests_on", [])]
            done[identifier] = {**entries[identifier], "digest": entry_digest(identifier, entries[identifier], below)}
        return str(done[identifier]["digest"])

    for identifier in entries:
        visit(identifier, ())
    return {**book, "entries": {identifier: done[identifier] for identifier in entries}}


USAGE = """usage: checker.py [BOOK [PINS]]        check a book against the pinned statements
       checker.py --redigest BOOK      recompute its digests and rewrite it; proofs are not looked at
The exit code is 0 if everything holds, 1 if an entry failed, 2 if the book cannot be read."""


def _one_line(text: str) -> str:
    """What a book says, fit for a terminal: no name in it can look like a line of this program."""
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)


def main(arguments: list[str]) -> int:
    """Check the book at the first path with the pins at the second; the exit code is 0, 1 (failed) or 2 (unreadable)."""
    here = Path(__file__).resolve().parent
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    redigest = arguments[:1] == ["--redigest"]
    paths = arguments[redigest:]
    if any(word.startswith("-") for word in paths) or len(paths) > 2 - redigest or (redigest and not paths):
        print(USAGE, file=sys.stderr)
        return 2
    book_path = Path(paths[0]) if paths else here / "book.json"
    pins_path = Path(paths[1]) if len(paths) > 1 else here / "pins.json"
    try:
        book = loads(book_path.read_text(encoding="utf-8"))
        if redigest:
            book_path.write_text(json.dumps(redigested(book), indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{book_path}: {len(book['entries'])} digests recomputed; nothing was checked")
            return 0
        pins = loads(pins_path.read_text(encoding="utf-8"))
        need(type(pins) is dict and pins and all(type(pin) is str for pin in pins.values()), "not a list of pins")
        results = check_book(book, pins)
    except (OSError, Refused, *MALFORMED) as error:
        print(_one_line(f"refused: {error}"), file=sys.stderr)
        return 2
    for identifier, (verdict, reason) in results.items():
        print(_one_line(f"{verdict:10} {identifier}{': ' + reason if reason else ''}"))
    failed = [identifier for identifier, (verdict, _) in results.items() if verdict == "failed"]
    first = next((name for name in failed if not results[name][1].startswith("rests on")), "")
    print(_one_line(f"{len(results)} entries, {len(failed)} failed{f'; the first is {first}' if first else ''}"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
