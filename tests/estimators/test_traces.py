"""Traces, sums of squares, diagonals and log-determinants: bounds on their sides, and how near they come."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from spectra import SPECTRA, Multiplied, generator, outliers, rotated

from certify.bounds import Bound, Estimate, WrongSide
from certify.estimators import diagonal, frobenius_norm, hutch_plus_plus, log_determinant, trace, xtrace
from certify.estimators.products import Products
from certify.estimators.spectrum.moments import random_images
from certify.estimators.traces.interval import sharper
from certify.estimators.traces.magnitude import OutOfScale
from certify.estimators.traces.probes import share_above, share_below
from certify.proofs.sides import Side

NAMES = sorted(SPECTRA)
SEMIDEFINITE = [name for name in NAMES if float(SPECTRA[name].min()) >= 0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("deflation", [0, 1, 10, 60])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_trace_and_the_norm_lie_between_their_bounds(name: str, deflation: int, dtype: torch.dtype) -> None:
    matrix = rotated(SPECTRA[name], 1)
    operator = Multiplied(matrix, dtype)
    truth, norm = float(matrix.to(dtype).double().trace()), float(matrix.to(dtype).double().norm())
    for claimed in {False, name in SEMIDEFINITE}:
        found = trace(
            operator,
            failure_probability=1e-6,
            probes=10,
            deflation=deflation,
            positive_semidefinite=claimed,
            generator=generator(2),
        )
        assert found.lower.value <= truth <= found.upper.value
        assert found.lower.failure_probability + found.upper.failure_probability <= 1e-6 * (1 + 1e-12)
    found = frobenius_norm(operator, failure_probability=1e-6, probes=10, deflation=deflation, generator=generator(3))
    assert found.lower.value <= norm <= found.upper.value
    assert found.products <= 10 + deflation + 1


@pytest.mark.parametrize("name", SEMIDEFINITE)
def test_the_log_determinant_lies_between_its_bounds(name: str) -> None:
    matrix = rotated(SPECTRA[name], 4)
    matrix = (matrix @ matrix + (matrix @ matrix).T) / 2  # semidefinite to rounding
    for damping in (1e-3, 0.1, 10.0):
        truth = float(torch.logdet(matrix + damping * torch.eye(60, dtype=torch.float64)))
        for steps in (1, 8, 60):
            found = log_determinant(
                Multiplied(matrix, semidefinite=True),
                damping=damping,
                failure_probability=1e-6,
                steps=steps,
                probes=20,
                generator=generator(5),
            )
            assert found.lower.value <= truth + 1e-9 and found.upper.value >= truth - 1e-9


def test_deflation_makes_the_bounds_sharp_where_few_eigenvalues_stand_out() -> None:
    matrix = rotated(outliers(400), 6)
    truth = float(matrix.trace())
    bare = trace(Multiplied(matrix, semidefinite=True), failure_probability=1e-3, probes=30, generator=generator(0))
    deflated = trace(
        Multiplied(matrix, semidefinite=True), failure_probability=1e-3, probes=15, deflation=14, generator=generator(0)
    )
    assert deflated.products <= bare.products
    width = (deflated.upper.value - deflated.lower.value) / truth
    assert width < 0.25 * (bare.upper.value - bare.lower.value) / truth and width < 0.5


# ---------------------------------------------------------------- what is said of the chances, against formulas written here


def chernoff(share: float, probes: int) -> float:
    return (share * math.exp(1 - share)) ** (probes / 2)


def drawn(matrix: torch.Tensor, probes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The probes that the same seed gives, and their images."""
    asked, source = Products(matrix), generator(seed)
    columns = torch.cat([asked.gaussian(1, source) for _ in range(probes)], dim=1)
    return columns, matrix @ columns


def least_chance(above: float, probes: int, square_mean: float) -> float:
    """The least failure probability, over all ways to share it, of: the mean of the forms is off by no more than ``above``."""
    share = torch.exp(-torch.linspace(1e-4, 40, 40000, dtype=torch.float64))
    norm = (square_mean / share).sqrt()
    beyond = torch.exp(-probes * above**2 / (4 * norm**2 + 4 * above * norm))
    return float(((share * torch.exp(1 - share)) ** (probes / 2) + beyond).min())


@pytest.mark.parametrize("probes", [1, 3, 20])
@pytest.mark.parametrize("failure_probability", [0.5, 0.05, 1e-6])
@pytest.mark.parametrize("name", ["one", "flat", "uniform", "indefinite"])
def test_no_bound_fails_more_often_than_it_says(name: str, failure_probability: float, probes: int) -> None:
    """The share by which each bound stands off from what the probes saw must have the chance that is reported, and no more be asked for."""
    matrix, few = rotated(SPECTRA[name], 1), {"failure_probability": failure_probability, "probes": probes}
    columns, images = drawn(matrix, probes, 5)
    forms, squares = float((columns * images).sum(dim=0).mean()), float((images**2).sum(dim=0).mean())
    most = failure_probability * (1 + 1e-9)

    norm = frobenius_norm(matrix, generator=generator(5), **few)  # type: ignore[arg-type]
    low, high = norm.lower.failure_probability, norm.upper.failure_probability
    assert low + high <= most
    assert chernoff(squares / norm.upper.value**2, probes) <= high * (1 + 1e-6)
    assert chernoff(squares / norm.lower.value**2, probes) <= low * (1 + 1e-6)

    found = trace(matrix, generator=generator(5), **few)  # type: ignore[arg-type]
    low, high = found.lower.failure_probability, found.upper.failure_probability
    assert low + high <= most and high > 0
    assert least_chance(found.upper.value - forms, probes, squares) <= high * (1 + 1e-6)
    assert least_chance(forms - found.lower.value, probes, squares) <= low * (1 + 1e-6)

    claimed = trace(matrix, positive_semidefinite=True, generator=generator(5), **few)  # type: ignore[arg-type]
    low, high = claimed.lower.failure_probability, claimed.upper.failure_probability
    assert low + high <= most
    if name != "indefinite":
        above, below = forms / claimed.upper.value, forms / max(claimed.lower.value, 1e-300)
        assert min(chernoff(above, probes), least_chance(claimed.upper.value - forms, probes, squares)) <= high / 2 * (1 + 1e-6)
        assert min(chernoff(below, probes), least_chance(forms - claimed.lower.value, probes, squares)) <= low / 2 * (1 + 1e-6)


@pytest.mark.parametrize("probes", [1, 3, 50])
@pytest.mark.parametrize("failure_probability", [0.5, 1e-3])
def test_the_diagonal_and_the_images_fail_no_more_often_than_they_say(failure_probability: float, probes: int) -> None:
    matrix, size = rotated(SPECTRA["indefinite"], 1), 60
    few = {"failure_probability": failure_probability, "probes": probes}
    columns, images = drawn(matrix, probes, 6)
    found = diagonal(matrix, generator=generator(6), **few)  # type: ignore[arg-type]
    middle, squares = (columns * images).mean(dim=1), (images**2).mean(dim=1)
    for entry in (0, 31, 59):
        above, below = float((found.upper - middle)[entry]), float((middle - found.lower)[entry])
        # half of the chance is the row's, which both sides share, and a quarter is that of either side
        chance = max(least_chance(apart, probes, float(squares[entry])) for apart in (above, below))
        assert size * chance / 0.75 <= found.failure_probability <= failure_probability * (1 + 1e-9)

    bound = random_images(matrix, generator=generator(7), **few)  # type: ignore[arg-type]
    block = matrix @ Products(matrix).gaussian(probes, generator(7))
    longest = float(torch.linalg.vector_norm(block, dim=0).max())
    factor = bound.value / (math.sqrt(2 / math.pi) * longest)
    assert factor**-probes <= bound.failure_probability * (1 + 1e-6) <= failure_probability * (1 + 1e-5)


@pytest.mark.parametrize("failure_probability", [0.3, 1e-4])
def test_the_log_determinant_pays_for_every_event(failure_probability: float) -> None:
    matrix, damping = rotated(SPECTRA["uniform"], 1), 0.1
    found = log_determinant(
        matrix, damping=damping, failure_probability=failure_probability, steps=1, probes=5, positive_semidefinite=True,
        generator=generator(8),
    )  # fmt: skip
    low, high = found.lower.failure_probability, found.upper.failure_probability
    assert low + high <= failure_probability * (1 + 1e-9)
    assert low > 2.9 * high > 0  # below rest the trace from both sides and the norm
    source = generator(8)
    start = Products(matrix).gaussian(1, source)[:, 0]
    start = start / start.norm()
    rest = torch.eye(60, dtype=torch.float64) - torch.outer(start, start)
    columns = rest @ torch.cat([Products(matrix).gaussian(1, source) for _ in range(5)], dim=1)
    images = rest @ (matrix @ columns)
    forms, squares = float((columns * images).sum(dim=0).mean()), float((images**2).sum(dim=0).mean())
    inside = math.log(float(start @ matrix @ start) + damping)
    beyond = (math.exp((found.upper.value - inside) / 59) - damping) * 59  # the trace of QAQ that the upper bound allows for
    assert min(chernoff(forms / beyond, 5), least_chance(beyond - forms, 5, squares)) <= high / 2 * (1 + 1e-6)


def rough_products(matrix: torch.Tensor) -> Multiplied:
    """Products that are good to one per cent, as they say themselves."""
    operator = Multiplied(matrix)
    operator.accuracy = 0.01
    return operator


@pytest.mark.parametrize(
    "ask",
    [
        lambda a: trace(a, failure_probability=0.1, probes=5, generator=generator(0)),
        lambda a: trace(a, failure_probability=0.1, probes=5, positive_semidefinite=True, generator=generator(0)),
        lambda a: frobenius_norm(a, failure_probability=0.1, probes=5, generator=generator(0)),
        lambda a: diagonal(a, failure_probability=0.1, probes=5, generator=generator(0)),
    ],
)
def test_what_products_are_off_by_widens_every_bound(ask: Callable[[Multiplied], Any]) -> None:
    matrix = rotated(SPECTRA["flat"], 1)
    fine, rough = ask(Multiplied(matrix)), ask(rough_products(matrix))
    ends = [(float(torch.as_tensor(x.value if isinstance(x, Bound) else x).reshape(-1)[0])) for x in (
        fine.lower, rough.lower, fine.upper, rough.upper)]  # fmt: skip
    assert ends[1] < ends[0] - 0.02 * abs(ends[0]) and ends[3] > ends[2] + 0.02 * abs(ends[2])


def test_what_products_are_off_by_widens_random_images() -> None:
    matrix = rotated(SPECTRA["flat"], 1)
    fine, rough = (
        random_images(kind(matrix), failure_probability=0.1, probes=5, generator=generator(0)).value
        for kind in (Multiplied, rough_products)
    )
    assert rough == pytest.approx(fine * (1 + 8 * 0.01), rel=1e-6)


def test_chernoff_shares_are_as_published() -> None:
    """At 30 probes and 1e-3 the upper bound inflates by 3.1, and the exact quantile of chi square by 2.6."""
    share, failure = share_below(30, 1e-3, "trace.chernoff")
    assert 1 / share == pytest.approx(3.13, abs=0.01) and 0.999e-3 <= failure.value <= 1e-3
    share, failure = share_above(30, 1e-3, "trace.chernoff-below")
    assert 1 < share < 2.3 and 0.999e-3 <= failure.value <= 1e-3
    for probes, failure_probability in ((1, 1e-9), (10000, 0.5), (3, 0.999)):
        assert (
            share_below(probes, failure_probability, "trace.chernoff")[0]
            < 1
            < share_above(probes, failure_probability, "trace.chernoff-below")[0]
        )


def test_intervals_of_all_diagonal_entries_hold_at_once() -> None:
    matrix = rotated(outliers(60, negative=0.4), 7)
    found = diagonal(Multiplied(matrix), failure_probability=1e-3, probes=2000, generator=generator(0))
    assert bool(((found.lower <= matrix.diagonal()) & (matrix.diagonal() <= found.upper)).all())
    assert float((found.upper - found.lower).max()) < 2 and found.failure_probability <= 1e-3 * (1 + 1e-9)
    torch.testing.assert_close(found.estimate, matrix.diagonal(), atol=0.3, rtol=0)
    claimed = diagonal(Multiplied(rotated(outliers(60), 7), semidefinite=True), failure_probability=1e-3, probes=20)
    assert bool((claimed.lower >= 0).all())


@pytest.mark.parametrize("estimator", [hutch_plus_plus, xtrace])
def test_estimates_are_near_and_never_bounds(estimator) -> None:  # type: ignore[no-untyped-def]
    matrix = rotated(outliers(200), 8)
    rows = [estimator(Multiplied(matrix), products=30, generator=generator(seed)) for seed in range(50)]
    truth = float(matrix.trace())
    values = torch.tensor([row.value.value for row in rows])
    assert abs(float(values.mean()) - truth) < 4 * float(values.std()) / math.sqrt(50)
    assert float((values - truth).abs().mean()) < 0.1 * truth
    assert all(isinstance(row.value, Estimate) and isinstance(row.spread, Estimate) and row.products <= 30 for row in rows)
    assert float(values.std()) / 3 < sum(row.spread.value for row in rows) / 50 < 3 * float(values.std())
    with pytest.raises(WrongSide):
        Bound(1.0, Side.UPPER) + rows[0].value  # type: ignore[operator]


@pytest.mark.parametrize("estimator", [hutch_plus_plus, xtrace])
def test_estimates_are_exact_on_low_rank(estimator) -> None:  # type: ignore[no-untyped-def]
    matrix = rotated(torch.cat([torch.tensor([3.0, -2.0, 1.0]), torch.zeros(37)]), 9)
    assert estimator(Multiplied(matrix), products=18, generator=generator(0)).value.value == pytest.approx(2.0, abs=1e-9)


def test_xtrace_leaves_each_probe_out_as_its_definition_says() -> None:
    """The downdated formulas against a new factorisation for every probe that is left out."""
    matrix, size, count = rotated(outliers(30, negative=0.4), 10), 30, 6
    fast = xtrace(matrix, products=2 * count, generator=generator(3)).value.value
    probes = Products(matrix).gaussian(count, generator(3))
    probes = probes / probes.norm(dim=0) * math.sqrt(size)
    slow = []
    for left in range(count):
        others = [column for column in range(count) if column != left]
        basis = torch.linalg.qr(matrix @ probes[:, others]).Q
        rest = probes[:, left] - basis @ (basis.T @ probes[:, left])
        rest = rest * math.sqrt(size - count + 1) / rest.norm()
        slow.append(float((basis.T @ matrix @ basis).trace() + rest @ matrix @ rest))
    assert fast == pytest.approx(sum(slow) / count, rel=1e-10)


def test_the_sharper_of_two_pays_for_both() -> None:
    one, two = Bound(2.0, Side.UPPER, failure_probability=0.1), Bound(1.0, Side.UPPER, failure_probability=0.2)
    assert sharper(one, two).value == 1.0 and sharper(one, two).failure_probability >= 0.3
    with pytest.raises(WrongSide):
        sharper(one, Bound(0.0, Side.LOWER))


def test_a_certified_log_determinant_needs_a_claim_and_damping() -> None:
    with pytest.raises(ValueError, match="not known to be positive semidefinite"):
        log_determinant(torch.eye(3).double(), damping=1.0, failure_probability=0.1, steps=1, probes=1)
    with pytest.raises(ValueError, match="positive, finite damping"):
        log_determinant(
            torch.eye(3).double(), damping=0.0, failure_probability=0.1, steps=1, probes=1, positive_semidefinite=True
        )


@pytest.mark.parametrize("probes", [0, -1, 1.5, True])
def test_probes_are_counted(probes: int) -> None:
    with pytest.raises(ValueError, match="positive integer"):
        trace(torch.eye(3).double(), failure_probability=0.1, probes=probes)


@pytest.mark.parametrize("size", [1e-300, 1e-165, 1e155, 1e300])
def test_squares_that_leave_the_doubles_are_refused_and_end(size: float) -> None:
    matrix = rotated(SPECTRA["one"], 1) * size
    for held in (matrix, Multiplied(matrix, semidefinite=True)):
        for ask in (
            lambda a: trace(a, failure_probability=1e-3, probes=5, generator=generator(0)),
            lambda a: trace(a, failure_probability=1e-3, probes=5, deflation=3, generator=generator(0)),
            lambda a: frobenius_norm(a, failure_probability=1e-3, probes=5, generator=generator(0)),
            lambda a: diagonal(a, failure_probability=1e-3, probes=5, generator=generator(0)),
            lambda a: random_images(a, failure_probability=1e-3, probes=5, generator=generator(0)),
            lambda a: log_determinant(
                a, damping=size, failure_probability=1e-3, steps=3, probes=5, positive_semidefinite=True, generator=generator(0)
            ),
        ):
            with pytest.raises(OutOfScale, match="power of two"):
                ask(held)


@pytest.mark.parametrize("size", [0.0, 1e-110, 1e-20, 1e20, 1e110])
def test_every_size_between_is_enclosed(size: float) -> None:
    matrix = rotated(SPECTRA["outliers"], 1) * size
    truth, room = float(SPECTRA["outliers"].sum()) * size, 1e-12 * size
    found = trace(Multiplied(matrix), failure_probability=1e-3, probes=5, generator=generator(0))
    assert found.lower.value <= truth + room and truth - room <= found.upper.value
    entries = diagonal(Multiplied(matrix), failure_probability=1e-3, probes=5, generator=generator(0))
    assert bool((entries.lower <= matrix.diagonal() + room).all()) and bool((matrix.diagonal() - room <= entries.upper).all())


def test_a_lower_bound_is_no_bound_on_the_norm() -> None:
    matrix, few = rotated(SPECTRA["flat"], 1), {"failure_probability": 1e-3, "probes": 20}
    with pytest.raises(WrongSide, match="upper"):
        trace(matrix, spectral=Bound(1e-9, Side.LOWER), generator=generator(0), **few)  # type: ignore[arg-type]
    known = trace(matrix, spectral=Bound(1.0 + 1e-12, Side.UPPER), generator=generator(0), **few)  # type: ignore[arg-type]
    assert known.upper.value < trace(matrix, generator=generator(0), **few).upper.value  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", [1.001, 1e9])
def test_the_failure_of_the_norm_given_counts_whether_it_serves_or_not(norm: float) -> None:
    evidence = share_below(5, 0.25, "trace.chernoff")[1].evidence
    chance = Bound(norm, Side.UPPER, evidence, 0.25)
    found = trace(rotated(SPECTRA["flat"], 1), failure_probability=1e-3, probes=20, spectral=chance, generator=generator(0))
    assert 0.25 < found.upper.failure_probability < 0.2511


def test_a_failure_probability_that_leaves_the_doubles_is_refused() -> None:
    with pytest.raises(ValueError, match="1e-100"):
        trace(rotated(SPECTRA["flat"], 1), failure_probability=1e-300, probes=3)
    assert trace(rotated(SPECTRA["flat"], 1), failure_probability=1e-99, probes=3, generator=generator(0)).upper.value > 60


def test_a_bar_shows_for_traces_and_log_determinants_after_two_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 10**6, 3))
    monkeypatch.setattr("certify.estimators.progress.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    matrix = rotated(SPECTRA["outliers"], 1)
    trace(matrix, failure_probability=1e-3, probes=4, generator=generator(0))
    assert "probes" in capsys.readouterr().err
    log_determinant(matrix, damping=1.0, failure_probability=1e-3, steps=4, probes=4, positive_semidefinite=True)
    shown = capsys.readouterr().err
    assert "Lanczos" in shown and "probes" in shown
