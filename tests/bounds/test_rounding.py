"""Rounding allowances: computed gradients never stray further from the truth than allowed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, arb_mat, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.bounds.enclosed_gradient import enclosed_gradient
from certify.bounds.rounding import EXPONENTIAL_ULP, gamma
from certify.bounds.spectral import scaled, spectral_norm_from_gram, vector_norm_upper
from certify.objectives import LinearObjective, Logistic, Ridge, Softmax
from certify.objectives.design import accurate_sum


@st.composite
def problems(draw: st.DrawFn) -> tuple[LinearObjective, torch.Tensor, torch.Tensor]:
    """A linear problem with ill-scaled columns, parameters and a trial step."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(2, 90)), draw(st.integers(1, 70))
    features = random.standard_normal((rows, columns)) * 10.0 ** random.uniform(-draw(st.integers(0, 4)), 2, columns)
    if draw(st.booleans()):
        features = features.astype(np.float32)
    l2, intercept = 10.0 ** draw(st.integers(-4, 0)), draw(st.booleans())
    kind = draw(st.sampled_from(["logistic", "softmax", "ridge"]))
    objective: LinearObjective
    if kind == "logistic":
        objective = Logistic(features, np.arange(rows) % 2, l2=l2, intercept=intercept)
    elif kind == "softmax":
        objective = Softmax(features, np.arange(rows) % 3, l2=l2, intercept=intercept, classes=(0, 1, 2))
    else:
        objective = Ridge(features, random.standard_normal(rows) * 10, l2=l2, intercept=intercept)
    if rows > 4 and draw(st.booleans()):
        objective = objective.without([1, rows - 1])
    size = 10.0 ** draw(st.integers(-6, 1))
    return (
        objective,
        torch.from_numpy(random.standard_normal(objective.dimension) * size),
        torch.from_numpy(random.standard_normal(objective.dimension) * 1e-3),
    )


@settings(max_examples=60)
@given(problems())
def test_a_measured_gradient_norm_is_at_or_above_the_enclosed_one(
    problem: tuple[LinearObjective, torch.Tensor, torch.Tensor],
) -> None:
    objective, parameters, step = problem
    alone = objective.compact()
    truth = enclosed_gradient(
        alone.kind,
        alone.design.select(alone.ids).tolist(),
        alone.labels.tolist(),
        alone.weights(parameters).tolist(),
        l2=alone.l2,
        step=alone.weights(step).tolist(),
    )
    measured = objective.measure(parameters)
    assert measured.residual.value >= truth.residual.value * (1 - 1e-15)
    assert measured.residual.value - truth.residual.value <= 2 * measured.error + 1e-12 * truth.residual.value
    trial = objective.measure_step(parameters, measured, step)
    assert truth.linear_residual is not None and trial.linear_residual.value >= truth.linear_residual.value * (1 - 1e-15)
    assert truth.energy is not None and trial.energy.value >= truth.energy.value * (1 - 1e-15)


def test_an_allowance_without_its_predictor_term_would_be_caught() -> None:
    """Negative control: float32 arithmetic passed off as float64 strays beyond the allowance."""
    random = np.random.default_rng(5)
    features = random.standard_normal((400, 64))
    objective = Logistic(features, np.arange(400) % 2, l2=1e-3)
    parameters = torch.from_numpy(random.standard_normal(64))
    measured = objective.measure(parameters)
    rough = Logistic(features.astype(np.float32), np.arange(400) % 2, l2=1e-3).measure(
        parameters.to(torch.float32).to(torch.float64)
    )
    assert float(torch.linalg.vector_norm(rough.gradient - measured.gradient)) > 100 * measured.error


@given(st.integers(1, 10**6))
def test_gamma_is_rounded_up(terms: int) -> None:
    exact_numerator, exact_denominator = terms, (1 << 53) - terms
    numerator, denominator = gamma(terms).as_integer_ratio()
    assert numerator * exact_denominator >= exact_numerator * denominator


def exponential_error_ulps(points: torch.Tensor) -> float:
    """The largest error of torch.exp over the points, in ulp, against balls."""
    previous, ctx.prec = ctx.prec, 96
    try:
        worst = 0.0
        for value, computed in zip(points.tolist(), torch.exp(points).tolist(), strict=True):
            ulp = float(np.spacing(computed))
            worst = max(worst, float(abs(arb(computed) - arb(value).exp()).upper()) / ulp)
        return worst
    finally:
        ctx.prec = previous


def exponential_points(count: int) -> torch.Tensor:
    """Arguments over the range that does not under- or overflow, dense near zero."""
    generator = torch.Generator().manual_seed(1)
    wide = torch.rand(count // 2, generator=generator, dtype=torch.float64) * 1400 - 700
    near = torch.randn(count - count // 2, generator=generator, dtype=torch.float64) * 5
    return torch.cat([wide, near])


def test_the_exponential_keeps_its_premise_on_a_sample() -> None:
    assert exponential_error_ulps(exponential_points(40_000)) <= EXPONENTIAL_ULP


@pytest.mark.slow
def test_the_exponential_keeps_its_premise_on_a_million_points() -> None:
    assert exponential_error_ulps(exponential_points(1_000_000)) <= EXPONENTIAL_ULP


@given(st.integers(0, 2**32 - 1), st.integers(1, 700))
def test_block_sums_are_added_as_if_in_twice_the_precision(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    terms = random.standard_normal(count) * 10.0 ** random.uniform(-8, 8, count)
    exact = sum(map(Fraction, terms.tolist()), Fraction(0))
    computed = float(accurate_sum(torch.from_numpy(terms)[:, None])[0])
    assert abs(Fraction(computed) - exact) <= 2.0**-52 * abs(computed) + (20 * 2.0**-53) ** 2 * float(np.abs(terms).sum())


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 40), st.integers(-120, 120))
def test_the_spectral_bound_is_never_below_a_certified_rayleigh_quotient(
    seed: int, columns: int, rows: int, exponent: int
) -> None:
    random = np.random.default_rng(seed)
    matrix = torch.from_numpy(random.standard_normal((rows, columns)) * 2.0 ** random.uniform(-10, 0, columns)) * 2.0**exponent
    gram = matrix.T @ matrix
    frobenius = float((matrix**2).sum())
    bound = spectral_norm_from_gram(gram, gamma(rows + 2) * frobenius)
    vector = torch.linalg.svd(matrix)[2][0]
    exact, direction = arb_mat(matrix.tolist()), arb_mat([[value] for value in vector.tolist()])
    image = exact * direction
    stretched = sum((entry[0] ** 2 for entry in image.tolist()), arb(0))
    length = sum((entry[0] ** 2 for entry in direction.tolist()), arb(0))
    lower = float((stretched / length).sqrt().lower())
    assert lower * (1 - 1e-12) <= bound <= lower * columns ** (1 / 64) * (1 + 1e-6)


def test_a_hadamard_matrix_shows_why_the_entrywise_norm_counts() -> None:
    hadamard = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(5):
        hadamard = torch.cat([torch.cat([hadamard, hadamard], 1), torch.cat([hadamard, -hadamard], 1)])
    bound = spectral_norm_from_gram(hadamard.T @ hadamard, 0.0)
    assert 32**0.5 <= bound <= 32**0.5 * 32 ** (1 / 64) * (1 + 1e-9)


def test_a_gram_matrix_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        spectral_norm_from_gram(torch.full((2, 2), torch.inf, dtype=torch.float64), 0.0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(-1074, 1023))
def test_a_norm_is_bounded_at_any_scale(seed: int, count: int, exponent: int) -> None:
    random = np.random.default_rng(seed)
    vector = torch.from_numpy(random.uniform(-1, 1, count) * 2.0 ** random.uniform(-60, 0, count) * 2.0**exponent)
    bound = vector_norm_upper(vector)
    exact = sum((Fraction(value) ** 2 for value in vector.tolist()), Fraction(0))
    assert exact <= Fraction(bound) ** 2 <= exact * (1 + Fraction(1, 10**12)) + Fraction(2, 2**1074) ** 2 * (bound < 1e-300) * 10
    assert vector_norm_upper(torch.full((4,), 1.7e308, dtype=torch.float64)) == torch.inf
    assert vector_norm_upper(torch.tensor([1.0, torch.nan], dtype=torch.float64)) == torch.inf


def test_scaling_by_a_power_of_two_is_exact_beyond_the_powers_of_single_precision() -> None:
    """torch.ldexp of older releases forms 2^-200 in single precision, where it is 0: the norm of 1e60 was then 2^-1000."""
    for exponent in (-1074, -500, -150, 0, 150, 500, 1023):
        small, taken = scaled(torch.tensor([1.0, -0.5], dtype=torch.float64) * 2.0**exponent)
        assert (taken, small[0].item()) == (exponent + 1, 0.5)


def test_an_allowance_covers_residuals_whose_squares_underflow() -> None:
    """Labels of 1e-170, whose sum against the features is zero: their squares vanish, the rounding of the sum does not."""
    random = np.random.default_rng(0)
    for _ in range(20):
        half, size = np.abs(random.standard_normal(128)), np.abs(random.standard_normal(128)) * 1e-170
        order = random.permutation(256)
        features, labels = np.concatenate([half, -half])[order, None], np.concatenate([size, size])[order]
        measured = Ridge(features, labels, l2=0.1).measure(torch.zeros(1, dtype=torch.float64))
        pairs = zip(features[:, 0].tolist(), labels.tolist(), strict=True)
        truth = -sum((Fraction(x) * Fraction(y) for x, y in pairs), Fraction(0)) / 256
        assert abs(Fraction(measured.gradient.item()) - truth) <= Fraction(measured.error)


def test_the_energy_of_a_step_whose_products_underflow_is_covered() -> None:
    objective = Ridge(np.zeros((3, 400)), np.zeros(3), l2=1.0)
    step = torch.full((400,), 2.0**-537.6, dtype=torch.float64)
    nowhere = torch.zeros(400, dtype=torch.float64)
    trial = objective.measure_step(nowhere, objective.measure(nowhere), step)
    assert Fraction(trial.energy.value) >= 400 * Fraction(2.0**-537.6) ** 2
