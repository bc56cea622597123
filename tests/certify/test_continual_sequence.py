"""Released sequences: every deletion set of small problems stays within what the noise hides, and budgets end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy
import pytest
import torch

import certify
from certify.bounds import Bound
from certify.continual import Sequence, constants_of, increment, path, releases, residual
from certify.continual.enclosures import least_eigenvalue
from certify.continual.sets import Request, newton_step, set_increment, set_residual
from certify.errors import InputError
from certify.guarantee import Comparator, Notion
from certify.proofs.balls import ball, precision
from certify.proofs.sides import Side
from certify.sampling import Keystream

COUNT, MOST = 11, 3


def fitted(seed: int, count: int = COUNT, l2: float = 0.1, *, intercept: bool = False) -> certify.Fitted:
    rng = numpy.random.default_rng(seed)
    rows = rng.normal(size=(count, 2))
    rows *= rng.uniform(0.3, 1, size=(count, 1)) / numpy.linalg.norm(rows, axis=1, keepdims=True)
    labels = rng.uniform(size=count) < 1 / (1 + numpy.exp(-3 * rows @ numpy.array([1.0, -0.5])))
    labels[:2] = [True, False]
    return certify.fit(certify.objectives.Logistic(rows, labels, l2=l2, classes=(False, True), intercept=intercept))


def retrained(model: certify.Fitted, deleted: tuple[int, ...], penalty: str) -> numpy.ndarray:
    """The minimiser without these records, by another Newton iteration than that of the package, in mean or in sum form."""
    objective = model.objective.without(deleted) if deleted else model.objective
    rows, labels = objective.design.select(objective.ids).numpy(), objective.labels.numpy()[objective.ids]
    ridge = model.objective.l2 * (len(rows) if penalty == "mean" else model.objective.count)
    w = numpy.zeros(rows.shape[1])
    for _ in range(100):
        share = 1 / (1 + numpy.exp(labels * (rows @ w)))
        gradient = -rows.T @ (labels * share) + ridge * w
        hessian = (rows * (share * (1 - share))[:, None]).T @ rows + ridge * numpy.eye(len(w))
        w = w - numpy.linalg.solve(hessian, gradient)
    return w


def requests(sequence: Sequence) -> Iterator[tuple[tuple[int, ...], Request]]:
    """Every request of up to ``MOST`` records."""
    for size in range(1, MOST + 1):
        for deleted in itertools.combinations(range(COUNT), size):
            with precision(128):
                yield deleted, sequence._without(deleted)


@pytest.mark.parametrize("penalty", ["mean", "sum"])
@pytest.mark.parametrize("seed", range(3))
def test_every_deletion_set_stays_within_the_bounds(seed: int, penalty: str) -> None:
    """The very doubles that are released, before the noise, against models retrained from nothing."""
    model = fitted(seed, intercept=seed == 2)
    sequence = releases(model, MOST, mu=1, penalty=penalty)  # type: ignore[arg-type]
    constants, empty = sequence.plan.constants, sequence._request
    errors = {(): numpy.zeros(model.objective.dimension)}
    asked = {(): empty}
    for deleted, request in requests(sequence):
        asked[deleted] = request
        with precision(128):
            errors[deleted] = newton_step(request, sequence._start) - retrained(model, deleted, penalty)
            reach = set_residual(constants, request)
        assert numpy.linalg.norm(errors[deleted]) <= reach.value + 1e-14
        assert reach.value <= residual(constants, len(deleted)).value
    ratios, longest, widest = [], 0.0, 0.0
    counted = [increment(constants, earlier).value * (1 + 1e-12) for earlier in range(MOST)]
    reached: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}
    for order in itertools.permutations(range(COUNT), MOST):
        course = [tuple(sorted(order[:size])) for size in range(MOST + 1)]
        moves = [float(numpy.linalg.norm(errors[b] - errors[a])) for a, b in itertools.pairwise(course)]
        longest = max(longest, sum(moves))
        if order[0] < 4:  # the balls are slow
            with precision(128):
                for pair in itertools.pairwise(course):
                    if pair not in reached:
                        reached[pair] = set_increment(constants, *(asked[one] for one in pair)).value
            allowed = [reached[pair] for pair in itertools.pairwise(course)]
            ratios += [move / bound for move, bound in zip(moves, allowed, strict=True)]
            assert all(bound <= most for bound, most in zip(allowed, counted, strict=True))
            widest = max(widest, sum(allowed))
    assert 0.02 < max(ratios) <= 1
    assert longest <= path(constants).value
    assert widest <= path(constants).value


def test_an_unfinished_fit_is_counted() -> None:
    """Parameters off the minimiser by a millionth: what that moves goes into the allowance, and is covered."""
    model = fitted(0)
    rough = replace(model, parameters=model.parameters + torch.tensor([3e-7, -4e-7], dtype=torch.float64))
    before, after = (constants_of(one, MOST).allowance for one in (model, rough))
    assert before.value < 1e-12
    assert 5e-7 < after.value < 1e-5
    sequence = releases(rough, MOST, mu=1)
    for deleted, request in requests(sequence):
        with precision(128):
            error = newton_step(request, sequence._start) - retrained(model, deleted, "mean")
            assert numpy.linalg.norm(error) <= set_residual(sequence.plan.constants, request).value


def test_without_the_allowance_an_unfinished_fit_passes_the_bound() -> None:
    """Negative control: with a heavy ridge the step itself is so near that what the fit misses is most of the distance."""
    model = fitted(0, count=400, l2=100.0)
    rough = replace(model, parameters=model.parameters + torch.tensor([3e-12, -4e-12], dtype=torch.float64))
    sequence = releases(rough, 1, mu=1)
    with precision(128):
        error = float(numpy.linalg.norm(newton_step(sequence._without((3,)), sequence._start) - retrained(model, (3,), "mean")))
    constants = sequence.plan.constants
    bare = replace(constants, allowance=Bound(0.0, Side.EXACT))
    assert residual(bare, 1).value < error <= residual(constants, 1).value


@pytest.mark.parametrize("basis", ["count", "set"])
def test_a_sequence_promises_alone_and_together(basis: str) -> None:
    model = fitted(1, count=400, l2=0.01)
    sequence = releases(model, 12, epsilon=1, delta="1e-5", basis=basis)  # type: ignore[arg-type]
    made = [sequence.release(request) for request in ([3], range(20, 25), [7, 9])]
    assert [release.deleted for release in made] == [1, 6, 8]
    assert (sequence.deleted, sequence.left) == (8, 4)
    spent = [release.spent.value for release in made]
    assert spent == sorted(spent)
    for release in made:
        assert release.transcript.notion is Notion.GDP_TRANSCRIPT
        assert release.per_release.notion is Notion.GUO
        assert {release.transcript.comparator, release.per_release.comparator} == {Comparator.MATCHED}
        assert release.transcript.epsilon.rational == 1
        assert release.per_release.mu is not None
        assert release.transcript.mu is not None
        assert release.per_release.mu.value < release.transcript.mu.value
        assert release.spent.value <= release.transcript.mu.value
        assert any("retraining minimises the mean loss" in line for line in release.transcript.exclusions)
        assert any("very records" in line for line in release.transcript.exclusions) is (basis == "set")
    assert made[-1].transcript.mu is not None
    assert certify.noise(epsilon=1, sigma=1, sensitivity=made[-1].transcript.mu.value).delta.value <= 1e-5
    assert "tensor" not in repr(made[0])


def test_the_noise_that_is_drawn_pays_for_every_move() -> None:
    """Recomputed from the deviations themselves, in exact arithmetic: the squares of moves over variances add up to mu² at most."""
    model = fitted(1, count=200, l2=0.02)
    for basis in ("count", "set"):
        sequence = releases(model, 6, mu=1, basis=basis)  # type: ignore[arg-type]
        constants, paid = sequence.plan.constants, Fraction(0)
        before, variance = sequence._request, Fraction(0)
        for request in ([5], [17, 40], [80], [81, 82]):
            sequence.release(request)
            with precision(128):
                move = set_increment(constants, before, sequence._request)
            paid += move.rational**2 / (sequence._variance - variance)
            before, variance = sequence._request, sequence._variance
        assert paid <= 1
        assert paid > (Fraction(1, 1000) if basis == "set" else 0)


def test_a_set_needs_less_noise_than_a_count() -> None:
    model = fitted(1, count=400, l2=0.01)
    count, by_set = (releases(model, 10, mu=1, basis=basis) for basis in ("count", "set"))  # type: ignore[arg-type]
    assert by_set.release(range(10)).sigma < count.release(range(10)).sigma / 2


def test_requests_at_once_count_as_so_many_deletions() -> None:
    model = fitted(1, count=60)
    one, many = (releases(model, 4, mu=1) for _ in range(2))
    for record in range(4):
        single = one.release([record])
    together = many.release(range(4))
    assert together.sigma == pytest.approx(single.sigma, rel=1e-12)
    assert together.sigma**2 == pytest.approx(float(many.plan.variance(4)), rel=1e-12)
    # drawn at once, the release alone is its residual over its noise; after single draws it is what all of them tell
    assert together.per_release.mu.value < single.per_release.mu.value
    assert single.per_release.mu.value == single.spent.value


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ([], "name at least one record"),
        ([1, 1], "more than once"),
        ([999], "not in the data"),
        ([3], "not in the data"),  # gone
        (range(20, 26), "the plan covers 5 deletions, and 4 are left and 6 are asked"),
        (7, "a list of row positions"),
        (["a"], "integers"),
        ([0.5], "integers"),
    ],
)
def test_a_request_that_cannot_be_served_spends_nothing(request_: object, words: str) -> None:
    sequence = releases(fitted(1, count=40), 5, mu=1)
    sequence.release([3])
    with pytest.raises(InputError, match=words) as caught:
        sequence.release(request_)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert (sequence.deleted, len(sequence.made)) == (1, 1)
    assert sequence.release([4]).deleted == 2


def test_an_exhausted_budget_is_refused_in_one_line() -> None:
    sequence = releases(fitted(1, count=40), 1, mu=1)
    sequence.release([3])
    with pytest.raises(InputError, match=r"^the budget is used up: the plan covers 1 deletions, and all are released$"):
        sequence.release([4])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "releases need mu, or epsilon and delta"),
        ({"mu": 1, "epsilon": 1}, "not both"),
        ({"mu": 0}, "mu"),
        ({"epsilon": 1, "delta": 2}, "delta"),
        ({"mu": 1, "penalty": "l1"}, "unknown penalty"),
        ({"mu": 1, "basis": "set", "mechanism": "independent"}, "basis 'set'"),
        ({"mu": 1, "mechanism": "walk"}, "unknown mechanism"),
    ],
)
def test_impossible_sequences_get_one_line(arguments: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        releases(fitted(1), 2, **arguments)


def test_what_is_no_logistic_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"call certify\.fit first"):
        releases("model", 2, mu=1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="leave a record"):
        releases(fitted(1), COUNT, mu=1)
    ridge = certify.fit(certify.objectives.Ridge(numpy.eye(3), [1.0, 2.0, 3.0], l2=0.5))
    with pytest.raises(InputError, match="for logistic objectives, not ridge"):
        releases(ridge, 1, mu=1)


@pytest.mark.statistical
def test_releases_have_the_mean_and_the_noise_that_are_planned() -> None:
    model, seen = fitted(1, count=80), []
    for seed in range(600):
        sequence = releases(model, 3, mu=1, generator=Keystream(seed.to_bytes(32, "big")))
        seen.append([sequence.release([record]).model.numpy() for record in (5, 6, 7)])
    draws, plan = numpy.array(seen), sequence.plan
    for number, deleted in enumerate(((5,), (5, 6), (5, 6, 7))):
        sigma = float(plan.variance(number + 1)) ** 0.5
        error = draws[:, number].mean(axis=0) - retrained(model, deleted, "mean")
        assert numpy.abs(error).max() < 5 * sigma / 600**0.5 + residual(plan.constants, number + 1).value
        assert draws[:, number].std(axis=0) == pytest.approx(sigma, rel=0.15)
    steps = draws[:, 1] - draws[:, 0]
    assert abs(numpy.corrcoef(steps[:, 0], draws[:, 0, 0])[0, 1]) < 0.2


def test_the_least_eigenvalue_is_never_above_the_true_one() -> None:
    from flint import arb_mat

    rng = numpy.random.default_rng(0)
    for size in (1, 2, 5, 8):
        root = rng.normal(size=(size, size))
        matrix = root @ root.T + 0.1 * numpy.eye(size)
        with precision(128):
            found = least_eigenvalue(arb_mat([[ball(value) for value in row] for row in matrix.tolist()]))
        truth = float(numpy.linalg.eigvalsh(matrix)[0])
        assert truth * (1 - 1e-8) < found < truth * (1 + 1e-12)
