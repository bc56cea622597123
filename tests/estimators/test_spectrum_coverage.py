"""How often the probabilistic bounds fail over a thousand seeds and more: never more often than they say."""

from __future__ import annotations

import math

import pytest
import torch
from spectra import generator, outliers

from certify.bounds import Bound, tightest
from certify.estimators import diagonal, frobenius_norm, largest_eigenvalue, log_determinant, smallest_eigenvalue, trace
from certify.estimators.products import Products, accuracy
from certify.estimators.spectrum.deflated import tail_deflated
from certify.estimators.spectrum.lanczos import lanczos
from certify.estimators.spectrum.moments import random_images
from certify.estimators.spectrum.recurrence import recurrence
from certify.estimators.spectrum.ritz import ritz
from certify.estimators.spectrum.start import krylov_bound, overlap_bound, start_overlap
from certify.estimators.traces.frobenius import frobenius_remainder
from certify.estimators.traces.remainder import remainder
from certify.proofs.sides import Side

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

SEEDS = 1000
SIZE = 50
CHEBYSHEV = 0.5 + 0.5 * torch.cos(math.pi * (torch.arange(SIZE, dtype=torch.float64) + 0.5) / SIZE)
SPECTRA = {
    "one": torch.cat([torch.tensor([1.0]), torch.zeros(SIZE - 1)]).double(),
    "outliers": outliers(SIZE),
    "indefinite": outliers(SIZE, negative=0.4),
    "uniform": torch.linspace(0, 1, SIZE, dtype=torch.float64),
    "chebyshev": CHEBYSHEV,
}


def allowed(failure_probability: float, seeds: int = SEEDS) -> float:
    """Five standard deviations above the mean number of failures."""
    return seeds * failure_probability + 5 * math.sqrt(seeds * failure_probability)


def failures(draw, seeds: int = SEEDS) -> int:  # type: ignore[no-untyped-def]
    return sum(not draw(generator(seed)) for seed in range(seeds))


@pytest.mark.parametrize("name", sorted(SPECTRA))
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_the_overlap_of_the_start(name: str, steps: int) -> None:
    values = SPECTRA[name]
    matrix, top = torch.diag(values), float(values.max())
    overlap = start_overlap(SIZE, 0.1)

    def holds(drawn: torch.Generator) -> bool:
        asked = Products(matrix)
        run = lanczos(asked, asked.gaussian(1, drawn)[:, 0], steps)
        known = accuracy(asked, run.basis, run.images)
        bound = overlap_bound(recurrence(run, known), overlap, known)
        return bound is None or bound.value >= top

    failed = failures(holds)
    assert failed <= allowed(0.1)
    if name == "one" and steps == 1:
        assert failed > 0.07 * SEEDS  # sharp: on rank one the bound is attained


@pytest.mark.parametrize("name", ["outliers", "uniform", "chebyshev", "one"])
def test_the_krylov_bound_in_the_sharper_form_of_kuczynski_and_wozniakowski(name: str) -> None:
    values = SPECTRA[name]
    matrix, top, overlap = torch.diag(values), float(values.max()), start_overlap(SIZE, 0.2)

    def holds(drawn: torch.Generator) -> bool:
        asked = Products(matrix)
        run = lanczos(asked, asked.gaussian(1, drawn)[:, 0], 2)
        return krylov_bound(ritz(run.basis, run.images, accuracy(asked, run.basis, run.images)), overlap).value >= top

    assert failures(holds) <= allowed(0.2)


@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_both_ends_with_probes_and_without(name: str) -> None:
    values = SPECTRA[name]
    matrix, top, low = torch.diag(values), float(values.max()), float(values.min())
    for probes, starts in ((0, 1), (4, 1), (0, 2)):

        def holds(drawn: torch.Generator, probes: int = probes, starts: int = starts) -> bool:
            found = largest_eigenvalue(matrix, failure_probability=0.1, products=8, probes=probes, starts=starts, generator=drawn)
            assert found.lower.value <= top
            return found.upper.value >= top

        def holds_below(drawn: torch.Generator, probes: int = probes, starts: int = starts) -> bool:
            found = smallest_eigenvalue(
                matrix, failure_probability=0.1, products=8, probes=probes, starts=starts, generator=drawn
            )
            assert found.upper.value >= low
            return found.lower.value <= low

        assert failures(holds) <= allowed(0.1) and failures(holds_below) <= allowed(0.1)


@pytest.mark.parametrize("name", ["one", "indefinite", "uniform"])
def test_one_event_serves_every_number_of_vectors(name: str) -> None:
    """The tail is bounded once, for all vectors; the least bound over fewer of them is no less often true."""
    values = SPECTRA[name]
    matrix, top = torch.diag(values), float(values.abs().max())

    def holds(drawn: torch.Generator) -> bool:
        asked = Products(matrix)
        run = lanczos(asked, asked.gaussian(1, drawn)[:, 0], 4)
        measured = ritz(run.basis, run.images, accuracy(asked, run.basis, run.images))
        tail = frobenius_remainder(remainder(asked, measured, 2, drawn), measured, 0.2)
        return tightest(tail_deflated(measured, tail), Bound(1e9, Side.UPPER)).value >= min(top, float(values.max()))

    assert failures(holds) <= allowed(0.2)


@pytest.mark.parametrize("name", sorted(SPECTRA))
@pytest.mark.parametrize("deflation", [0, 3])
def test_traces_and_norms(name: str, deflation: int) -> None:
    values = SPECTRA[name]
    matrix, claimed = torch.diag(values), bool((values >= 0).all())
    truth, norm = float(values.sum()), float(values.norm())

    def holds(drawn: torch.Generator) -> bool:
        found = trace(
            matrix, failure_probability=0.2, probes=3, deflation=deflation, positive_semidefinite=claimed, generator=drawn
        )
        return found.lower.value <= truth <= found.upper.value

    def holds_for_the_norm(drawn: torch.Generator) -> bool:
        found = frobenius_norm(matrix, failure_probability=0.2, probes=3, deflation=deflation, generator=drawn)
        return found.lower.value <= norm <= found.upper.value

    assert failures(holds) <= allowed(0.2) and failures(holds_for_the_norm) <= allowed(0.2)


def test_log_determinants() -> None:
    values = SPECTRA["outliers"]
    matrix, truth = torch.diag(values), float(torch.log(values + 0.1).sum())

    def holds(drawn: torch.Generator) -> bool:
        found = log_determinant(
            matrix, damping=0.1, failure_probability=0.2, steps=4, probes=3, positive_semidefinite=True, generator=drawn
        )
        return found.lower.value <= truth <= found.upper.value

    assert failures(holds) <= allowed(0.2)


@pytest.mark.parametrize("name", ["one", "indefinite", "uniform"])
def test_all_diagonal_entries_at_once(name: str) -> None:
    matrix = torch.diag(SPECTRA[name])

    def holds(drawn: torch.Generator) -> bool:
        found = diagonal(matrix, failure_probability=0.2, probes=5, generator=drawn)
        return bool(((found.lower <= matrix.diagonal()) & (matrix.diagonal() <= found.upper)).all())

    assert failures(holds) <= allowed(0.2)


@pytest.mark.parametrize("name", ["one", "indefinite", "uniform"])
def test_images_of_random_vectors(name: str) -> None:
    matrix, norm = torch.diag(SPECTRA[name]), float(SPECTRA[name].abs().max())
    drawn = failures(lambda seed: random_images(matrix, failure_probability=0.2, probes=2, generator=seed).value >= norm)
    assert drawn <= allowed(0.2)
    if name == "one":
        assert drawn > 0.1 * SEEDS  # sharp on rank one


def test_the_common_rule_fails_most_of_the_time() -> None:
    """Negative control: theta + beta from the same runs, on one eigenvalue above a bulk."""
    values = torch.cat([torch.tensor([1.0]), 0.5 * torch.rand(1999, generator=generator(0))]).double()
    wrong = 0
    for seed in range(200):
        drawn = generator(seed)
        vectors = [torch.randn(2000, generator=drawn, dtype=torch.float64)]
        vectors[0] /= vectors[0].norm()
        basis = torch.linalg.qr(torch.stack([vectors[0], values * vectors[0], values**2 * vectors[0]], dim=1)).Q
        form = basis.T @ (values[:, None] * basis)
        theta = float(torch.linalg.eigvalsh((form + form.T) / 2)[-1])
        rest = values[:, None] * basis - basis @ form
        wrong += theta + float(torch.linalg.matrix_norm(rest, ord=2)) < 1.0
    assert wrong > 100
