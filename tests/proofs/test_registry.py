"""Looking up theorems, what they rest on, and what importing the proofs costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from certify.proofs import book, registry
from certify.proofs.status import Status


def test_an_unknown_theorem_suggests_the_nearest() -> None:
    with pytest.raises(registry.UnknownTheorem, match=r"'output\.residual'"):
        registry.theorem("output.residul")


def test_the_binding_theorems_exist_with_their_hypotheses() -> None:
    wanted = {
        "output.residual": "residual strong_convexity",
        "newton.corrected-residual": "step linear_residual previous_distance hessian_lipschitz strong_convexity",
        "output.worst-case": "n m lipschitz strong_convexity",
        "newton.one-step": "n m lipschitz hessian_lipschitz strong_convexity",
        "distance.comparator": "distance tolerance strong_convexity",
        "gaussian.profile": "epsilon sensitivity sigma",
        "gaussian.composition": "first second",
        "gaussian.mu": "sensitivity sigma",
        "logistic.smoothness": "row_norm",
        "logistic.hessian-lipschitz": "row_norm",
        "logistic.gradient": "row_norm",
        "logistic.gradient-at-minimiser": "row_norm",
        "softmax.smoothness": "row_norm",
        "softmax.hessian-lipschitz": "row_norm",
        "softmax.gradient": "row_norm",
        "squared.smoothness": "row_norm",
        "squared.hessian-lipschitz": "row_norm",
        "ridge.strong-convexity": "l2",
        "utility.excess-risk": "smoothness distance dimension sigma",
    }
    for identifier, symbols in wanted.items():
        assert registry.theorem(identifier).symbols == tuple(symbols.split()), identifier


def test_a_closure_lists_dependencies_first_and_the_entry_last() -> None:
    for identifier in registry.theorems():
        order = registry.closure(identifier)
        assert order[-1] == identifier
        for position, name in enumerate(order):
            assert set(registry.rests_on(name)) <= set(order[:position])


def test_identifiers_are_distinct_across_kinds() -> None:
    assert len(set(book.identifiers())) == len(book.identifiers())


def test_a_status_is_the_weakest_below() -> None:
    assert registry.status("newton.one-step") is Status.PROVED
    assert registry.status("logistic.gradient-at-minimiser") is Status.ENCLOSED


def test_a_status_loads_no_heavy_module() -> None:
    code = (
        "import sys; from certify.proofs import registry; registry.status('gaussian.profile'); "
        "print([m for m in ('torch', 'numpy', 'scipy', 'sympy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
