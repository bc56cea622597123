"""The noise scale is a function of public values and of the retained count alone; what happens when it is not."""

from __future__ import annotations

import inspect
import math
from fractions import Fraction

import mpmath
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify import gaussian
from certify.bounds import Bound
from certify.bounds.evidence import Derived
from certify.errors import InputError
from certify.policy import KINDS, default_distance_budget, gradient_scale, noise_scale
from certify.proofs.sides import Side


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(2, 10**7), st.data())
def test_the_scale_is_the_same_whether_or_not_the_deleted_records_existed(kind: str, records: int, data: st.DataObject) -> None:
    def scale(n: int, m: int) -> float:
        return noise_scale(kind, "0.01", n - m, 1, "1e-5").sigma.value

    deleted = data.draw(st.integers(0, records - 1))
    assert scale(records, deleted) == scale(records - deleted, 0)


def test_the_policy_takes_nothing_measured() -> None:
    """Its arguments are public values, the retained count, and premises of the caller."""
    public = {"kind", "l2", "retained", "epsilon", "delta", "tolerance", "distance_budget", "row_bound", "label_bound"}
    assert set(inspect.signature(noise_scale).parameters) == public


@given(st.integers(1, 10**9), st.floats(1e-8, 1e3), st.floats(1e-3, 1e3))
def test_the_default_budget_is_the_stated_formula_rounded_up(retained: int, l2: float, scale: float) -> None:
    budget = default_distance_budget(scale=scale, l2=l2, retained=retained)
    exact = Fraction(scale) / Fraction(l2) * max(Fraction(1, 10**6) / retained, Fraction(1, 2**36))
    assert budget.side is Side.UPPER
    assert Fraction(math.nextafter(budget.value, 0.0)) < exact <= Fraction(budget.value)


def test_the_gradient_scales_round_up() -> None:
    assert gradient_scale("logistic", "0.1") == 0.1
    assert Fraction(gradient_scale("softmax")) ** 2 > 2
    assert Fraction(gradient_scale("softmax", 3)) ** 2 > 18
    assert Fraction(gradient_scale("ridge", "0.1", "0.3")) >= Fraction(3, 100)


def test_sigma_covers_budget_and_tolerance_and_records_the_derivation() -> None:
    result = noise_scale("logistic", "0.01", 500, 1, "1e-5", tolerance="1e-10")
    budget = default_distance_budget(scale=1, l2="0.01", retained=500)
    width = Fraction(budget.value) + Fraction(1, 10**10) / Fraction(1, 100)
    assert Fraction(result.sensitivity.value) >= width
    assert gaussian.satisfies(Fraction(1), Fraction(1, 10**5), width, Fraction(result.sigma.value))
    assert isinstance(result.sensitivity.evidence, Derived)
    assert result.sensitivity.evidence.theorem == "distance.comparator"


def test_a_budget_of_the_caller_replaces_the_default() -> None:
    for budget in ("0.001", 0.001, Bound(0.001, Side.UPPER)):
        result = noise_scale("poisson", 1, 10, 1, "1e-5", distance_budget=budget)
        assert result.sensitivity.value == pytest.approx(0.001)
        assert Fraction(result.sensitivity.value) >= Fraction(1, 1000)


@pytest.mark.parametrize("retained", [0, -1, True, 2.0, "3", None])
def test_a_retained_count_that_is_none_is_refused(retained: object) -> None:
    with pytest.raises(InputError, match="retained records"):
        default_distance_budget(scale=1, l2=1, retained=retained)  # type: ignore[arg-type]


def test_counts_of_numpy_are_counts() -> None:
    assert default_distance_budget(scale=1, l2=1, retained=numpy.int64(7)) == default_distance_budget(scale=1, l2=1, retained=7)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "poisson"}, {"l2": 0}, {"l2": -1}, {"l2": "nan"}, {"epsilon": -1}, {"delta": 0}, {"tolerance": -1},
        {"row_bound": 0}, {"label_bound": math.inf}, {"distance_budget": 0}, {"distance_budget": -1},
        {"distance_budget": Bound(1.0, Side.LOWER)},
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line(change: dict[str, object]) -> None:
    arguments = {"kind": "logistic", "l2": 1, "retained": 10, "epsilon": 1, "delta": "1e-5", **change}
    with pytest.raises(InputError) as caught:
        noise_scale(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


# The trap: a scale computed from the realised residual. Two requests on the same retained records, whose unlearned
# means sit 1 and k away from the retrained optimum, would be released as N(1, s²) and N(k, (k s)²). If one law of
# the comparator served both at (1, 1e-5), the two would obey delta(2) <= (1 + e) 1e-5.


def hockey_stick(first: tuple[float, float], second: tuple[float, float], epsilon: float) -> float:
    """sup over events of P(A) - e^epsilon Q(A) for two normal laws (mean, deviation): the log ratio is quadratic."""
    (m1, s1), (m2, s2) = first, second
    a = (1 / s2**2 - 1 / s1**2) / 2
    b = m1 / s1**2 - m2 / s2**2
    c = math.log(s2 / s1) - m1**2 / (2 * s1**2) + m2**2 / (2 * s2**2) - epsilon
    if a == 0:
        edges = [(-c / b, math.inf)] if b > 0 else [(-math.inf, -c / b)]
    elif b * b - 4 * a * c <= 0:
        edges = [(-math.inf, math.inf)] if a > 0 else []
    else:
        root = math.sqrt(b * b - 4 * a * c)
        low, high = sorted(((-b - root) / (2 * a), (-b + root) / (2 * a)))
        edges = [(-math.inf, low), (high, math.inf)] if a > 0 else [(low, high)]

    def mass(mean: float, deviation: float) -> mpmath.mpf:
        with mpmath.workdps(60):
            return mpmath.fsum(mpmath.ncdf((y - mean) / deviation) - mpmath.ncdf((x - mean) / deviation) for x, y in edges)

    return float(mass(m1, s1) - mpmath.exp(epsilon) * mass(m2, s2))


MULTIPLIER = gaussian.least_sigma(Fraction(1), Fraction(1, 10**5), Fraction(1))


@pytest.mark.parametrize(("ratio", "broken"), [(2, 0.131), (10, 0.751), (100, 0.970)])
def test_noise_scaled_by_the_realised_residual_breaks_the_guarantee(ratio: int, broken: float) -> None:
    near, far = (1.0, MULTIPLIER), (float(ratio), ratio * MULTIPLIER)
    reached = max(hockey_stick(near, far, 2.0), hockey_stick(far, near, 2.0))
    assert reached == pytest.approx(broken, abs=1e-3)
    assert reached > 1000 * (1 + math.e) * 1e-5


@pytest.mark.parametrize("ratio", [2, 10, 100])
def test_noise_fixed_before_the_request_keeps_it(ratio: int) -> None:
    """Negative control of the trap: the same two requests under one scale that covers both."""
    fixed = ratio * MULTIPLIER
    near, far = (1.0, fixed), (float(ratio), fixed)
    assert max(hockey_stick(near, far, 2.0), hockey_stick(far, near, 2.0)) <= (1 + math.e) * 1e-5
    for law in (near, far):  # each against the comparator N(0, fixed²)
        assert hockey_stick(law, (0.0, fixed), 1.0) <= 1e-5 * (1 + 1e-9)
