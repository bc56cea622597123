"""Both sides of every inequality, and every fact that a proof starts from, measured on random instances."""

from __future__ import annotations

import zlib

import numpy
import pytest
from instances import INSTANCES, Values, gaussian_profile, logistic_at_minimiser

from certify.proofs import registry
from certify.proofs.expression import expression
from certify.proofs.readers import as_float
from certify.proofs.sides import Side

COUNT = {"softmax.gradient-at-minimiser": 15}
TIGHT = {  # the greatest ratio of truth to bound that the instances must reach: the constants are not loose
    "output.residual": 0.9, "distance.comparator": 0.8, "distance.detour": 0.99, "output.worst-case": 0.5, "newton.corrected-residual": 0.95,
    "gaussian.profile": 0.9999, "gaussian.mu": 1, "gaussian.composition": 1,
    "logistic.smoothness": 0.99, "logistic.hessian-lipschitz": 0.9, "logistic.gradient": 0.95, "logistic.gradient-at-minimiser": 0.95,
    "softmax.smoothness": 0.97, "softmax.hessian-lipschitz": 0.9, "softmax.gradient": 0.97,
    "squared.smoothness": 1, "squared.gradient": 0.9, "ridge.strong-convexity": 0.8, "huber.gradient": 1, "huber.smoothness": 1,
    "poisson.gradient": 0.8, "poisson.smoothness": 0.9, "poisson.hessian-lipschitz": 0.9, "utility.excess-risk": 0.9,
}  # fmt: skip


def draws(identifier: str) -> list[Values]:
    generator = numpy.random.default_rng(zlib.crc32(identifier.encode()))
    return [INSTANCES[identifier](generator) for _ in range(COUNT.get(identifier, 60))]


def test_every_theorem_has_instances() -> None:
    assert set(INSTANCES) == set(registry.theorems())


@pytest.mark.parametrize("identifier", registry.theorems())
def test_every_fact_holds_on_real_instances(identifier: str) -> None:
    proof = registry.theorem(identifier).proof
    assert proof is not None
    for values in draws(identifier):
        assert set(values) >= {*registry.theorem(identifier).symbols, *proof.variables}
        for fact in proof.facts:
            slack = as_float(fact.slack, values)
            size = max(1.0, *(abs(value) for value in values.values())) ** 3
            tolerance = 1e-9 * size
            good = abs(slack) <= tolerance if fact.kind == "==0" else slack >= -tolerance
            assert good, (fact.name, slack, values)
        for citation in proof.citations:
            if citation.target is None:
                continue
            inner = {name: as_float(expression(value), values) for name, value in citation.values.items()}
            bound = as_float(registry.theorem(citation.cites).formula, inner)
            assert bound >= as_float(citation.target, values) * (1 - 1e-9) - 1e-9


@pytest.mark.parametrize("identifier", registry.theorems())
def test_the_bound_is_on_its_side_of_the_truth(identifier: str) -> None:
    statement = registry.theorem(identifier)
    assert statement.proof is not None
    ratios = []
    for values in draws(identifier):
        bound, truth = as_float(statement.formula, values), values[statement.proof.target]
        if statement.conclusion.side is Side.LOWER:
            bound, truth = truth, bound
        assert truth <= bound * (1 + 1e-9) + 1e-11, values
        if bound > 1e-9:
            ratios.append(truth / bound)
    assert max(ratios, default=1) >= TIGHT.get(identifier, 0) * (1 - 1e-9), max(ratios)


def test_the_gradient_of_a_record_at_the_minimiser_exceeds_the_row_norm() -> None:
    """The false sibling R of 1.0517 R is false: instances reach 1.05."""
    generator = numpy.random.default_rng(7)
    worst = max(values["t"] / values["row_norm"] for values in (logistic_at_minimiser(generator) for _ in range(200)))
    assert 1.04 < worst <= 1.0517


def test_the_profile_is_attained() -> None:
    """The false sibling, one per cent less, is false: the measured delta reaches the formula."""
    generator = numpy.random.default_rng(8)
    formula = registry.theorem("gaussian.profile").formula
    assert all(values["delta"] > 0.999 * as_float(formula, values) for values in (gaussian_profile(generator) for _ in range(50)))


def test_a_wrong_constant_would_be_noticed() -> None:
    """Negative control of this file: the published constant halves, and the instances refute it."""
    formula = registry.theorem("logistic.smoothness").formula
    assert any(values["t"] > as_float(formula, values) / 2 for values in draws("logistic.smoothness"))
