"""Deriving by a theorem: sides, domains, outward rounding, and a derivation that can be followed."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.bounds import Bound, Derived, HypothesisError, WrongSide, derive, excess_risk, loss_constants
from certify.proofs.registry import UnknownTheorem
from certify.proofs.sides import Side

positive = st.floats(1e-50, 1e50)


@given(positive, positive)
def test_the_conclusion_is_at_or_above_the_exact_value_and_within_an_ulp_or_two(residual: float, convexity: float) -> None:
    bound = derive("output.residual", residual=Bound(residual, Side.UPPER), strong_convexity=convexity)
    exact = Fraction(residual) / Fraction(convexity)
    assert exact <= bound.rational <= exact * (1 + Fraction(1, 2**51))


def test_a_number_on_the_wrong_side_is_refused() -> None:
    with pytest.raises(WrongSide, match="residual as an upper bound"):
        derive("output.residual", residual=Bound(1.0, Side.LOWER), strong_convexity=1.0)
    with pytest.raises(WrongSide, match="strong_convexity as a lower bound"):
        derive("output.residual", residual=1.0, strong_convexity=Bound(1.0, Side.UPPER))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residual": 1.0}, "needs strong_convexity"),
        ({"residual": 1.0, "strong_convexity": 1.0, "sigma": 1.0}, "no hypothesis sigma"),
        ({"residual": 1.0, "strong_convexity": 0.0}, "positive"),
        ({"residual": -1.0, "strong_convexity": 1.0}, "nonnegative"),
    ],
)
def test_missing_surplus_and_out_of_domain_numbers_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(HypothesisError, match=message):
        derive("output.residual", **arguments)


def test_side_conditions_are_checked() -> None:
    with pytest.raises(HypothesisError):
        derive("output.worst-case", n=3, m=3, lipschitz=1.0, strong_convexity=1.0)


def test_an_unknown_theorem_suggests_the_nearest() -> None:
    with pytest.raises(UnknownTheorem, match=r"output\.residual"):
        derive("output.residul", residual=1.0)


def test_the_step_is_recorded() -> None:
    bound = derive("output.residual", residual=1.0, strong_convexity=2.0)
    assert isinstance(bound.evidence, Derived) and bound.evidence.theorem == "output.residual"
    assert [name for name, _ in bound.evidence.inputs] == ["residual", "strong_convexity"]


def test_loss_constants_match_their_closed_forms() -> None:
    third = loss_constants("logistic", 2.0).hessian_lipschitz
    assert third is not None and Fraction(third.value) ** 2 >= Fraction(64, 108) > Fraction(third.value * (1 - 1e-15)) ** 2
    huber = loss_constants("huber", 2.0, threshold=0.5)
    assert huber.hessian_lipschitz is None and huber.self_concordance is None
    hinge = loss_constants("hinge", 2.0, width=0.5)
    assert (
        hinge.gradient is not None
        and hinge.gradient.value == 2.0
        and hinge.smoothness.value == 8.0
        and hinge.hessian_lipschitz is None
    )
    with pytest.raises(ValueError, match="width"):
        loss_constants("hinge", 2.0)
    with pytest.raises(ValueError, match="predictor_bound"):
        loss_constants("poisson", 1.0)


def test_excess_risk_counts_distance_and_noise() -> None:
    assert excess_risk(smoothness=2.0, distance=0.5, dimension=3, sigma=0.25).value == 0.25 + 3 / 16


@pytest.mark.parametrize("kind", ["logistic", "squared", "poisson"])
def test_the_hessian_grows_on_a_ball_by_no_more_than_self_concordance_says(kind: str) -> None:
    """Of one record x = 2 and a move of 1/2: the second derivative in the predictor, before and after, at many predictors."""
    row, move = 2.0, 0.5
    limits = {} if kind != "poisson" else {"predictor_bound": 9.0, "label_bound": 1.0}
    nu = loss_constants(kind, row, **limits).self_concordance
    assert nu is not None
    curvatures: dict[str, Callable[[float], float]] = {
        "logistic": lambda z: 1 / (2 + math.exp(z) + math.exp(-z)), "squared": lambda z: 1.0, "poisson": math.exp,
    }  # fmt: skip
    second = curvatures[kind]
    growth = max(second(z + row * move) / second(z) for z in (step / 8 - 8 for step in range(129)))
    assert growth <= math.exp(nu.value * move) * (1 + 1e-12)
    if kind != "squared":
        assert growth > math.exp(0.9 * nu.value * move), "negative control: nine tenths of it are refuted"


@pytest.mark.parametrize(("kind", "surplus"), [("logistic", "label_bound"), ("hinge", "threshold"), ("poisson", "width")])
def test_a_bound_that_a_loss_has_no_use_for_is_named(kind: str, surplus: str) -> None:
    needed = {"hinge": {"width": 1.0}, "poisson": {"predictor_bound": 1.0, "label_bound": 1.0}}.get(kind, {})
    with pytest.raises(ValueError, match=f"has no use for {surplus}"):
        loss_constants(kind, 1.0, **needed, **{surplus: 1.0})
