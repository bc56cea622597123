"""The only way to make a new bound from old ones by a theorem."""

from __future__ import annotations

import math
from fractions import Fraction

from certify.proofs import registry
from certify.proofs.balls import ball, lower_double, refine, upper_double
from certify.proofs.readers import as_ball
from certify.proofs.sides import Side
from certify.proofs.theorem import Domain, Theorem

from .bound import Bound, WrongSide, _union, as_bound
from .evidence import Derived


class HypothesisError(ValueError):
    """A theorem was applied to a number outside the domain that it asks for, or a hypothesis is missing."""


def derive(theorem: Theorem | str, **bounds: Bound | int | float | Fraction) -> Bound:
    """The conclusion of ``theorem`` at the given bounds, rounded outward to the conclusion's side.

    Each hypothesis is passed by its symbol; its side must fit and its value must lie in the domain.
    The result records the step, so every bound carries its derivation. Raises
    :class:`HypothesisError` for a missing, surplus or out-of-domain number and
    :class:`~certify.bounds.bound.WrongSide` for a number on the wrong side.

    >>> derive("output.residual", residual=Bound(1e-9, Side.UPPER), strong_convexity=0.5).value
    2e-09
    """
    statement = registry.theorem(theorem) if isinstance(theorem, str) else theorem
    inputs = {name: as_bound(value) for name, value in bounds.items()}
    _check_hypotheses(statement, inputs)
    side = statement.conclusion.side
    evidence = Derived(statement.id, tuple(inputs.items()))
    failure = _union(bound.failure_probability for bound in inputs.values())
    if any(math.isinf(bound.value) for bound in inputs.values()):
        return Bound(math.inf if side is Side.UPPER else -math.inf, side, evidence, failure)
    result = refine(lambda: as_ball(statement.formula, {name: ball(bound.rational) for name, bound in inputs.items()}))
    return Bound(upper_double(result) if side is Side.UPPER else lower_double(result), side, evidence, failure)


def _check_hypotheses(statement: Theorem, inputs: dict[str, Bound]) -> None:
    if missing := [symbol for symbol in statement.symbols if symbol not in inputs]:
        raise HypothesisError(f"{statement.id} needs {', '.join(missing)}")
    if surplus := [name for name in inputs if name not in statement.symbols]:
        raise HypothesisError(f"{statement.id} has no hypothesis {', '.join(surplus)}: it takes {', '.join(statement.symbols)}")
    for hypothesis in statement.hypotheses:
        bound = inputs[hypothesis.symbol]
        if not bound.side.fits(hypothesis.side):
            raise WrongSide(
                f"{statement.id} needs {hypothesis.symbol} as {_article(hypothesis.side)} bound, and was given {_article(bound.side)} one"
            )
        if not hypothesis.domain.admits(bound.rational_or_infinite()):
            raise HypothesisError(
                f"{statement.id} needs {hypothesis.symbol} {_domain_words(hypothesis.domain)}, and was given {bound.value!r}"
            )
    for relation in statement.side_conditions:
        values = {name: ball(bound.rational) for name, bound in inputs.items() if name in relation.slack.free_symbols}
        slack = as_ball(relation.slack, values)
        if not (slack > 0 if relation.kind == ">0" else slack >= 0):
            raise HypothesisError(f"{statement.id} needs {relation.words}")


def _article(side: Side) -> str:
    return {Side.UPPER: "an upper", Side.LOWER: "a lower", Side.EXACT: "an exact"}[side]


def _domain_words(domain: Domain) -> str:
    return {
        Domain.POSITIVE: "positive",
        Domain.NONNEGATIVE: "nonnegative",
        Domain.COUNT: "a nonnegative integer",
        Domain.PROBABILITY: "strictly between 0 and 1",
    }[domain]
