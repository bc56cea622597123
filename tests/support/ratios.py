"""How near to its bound the truth comes on the random instances: one function for the tests and for the benchmark."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache

import numpy
from instances import COUNT, INSTANCES, Values

from certify.proofs import registry
from certify.proofs.readers import as_float
from certify.proofs.sides import Side

DRAWS = 60
"""Instances drawn of a theorem, where its family does not say another number."""
NEAR = 0.01
"""The ratio that the instances must reach, where a family asks for no more and gives no reason for less."""
_NOTHING = 1e-9
"""A bound below this is zero but for rounding, and its ratio says nothing."""


@cache
def draws(identifier: str) -> tuple[Values, ...]:
    """The same random instances of the theorem on every call."""
    generator = numpy.random.default_rng(zlib.crc32(identifier.encode()))
    return tuple(INSTANCES[identifier](generator) for _ in range(COUNT.get(identifier, DRAWS)))


def measured(identifier: str) -> Iterator[tuple[float, float, Values]]:
    """For every instance the lesser side of the inequality, the greater side, and the numbers: truth and bound of an upper bound."""
    statement = registry.theorem(identifier)
    assert statement.proof is not None
    for values in draws(identifier):
        bound, truth = as_float(statement.formula, values), values[statement.proof.target]
        yield (truth, bound, values) if statement.conclusion.side is Side.UPPER else (bound, truth, values)


def tightest(identifier: str) -> float:
    """The greatest ratio of the two sides over the instances; 1 is equality, and where all bounds are zero."""
    return max((lesser / greater for lesser, greater, _ in measured(identifier) if greater > _NOTHING), default=1.0)
