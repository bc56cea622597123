"""Intervals of influence against dense solutions, and what refutes, refuses or only estimates."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from spectra import Multiplied, generator, outliers, rotated
from torch import Tensor, nn

from certify.bounds import Bound, Declared, exactly
from certify.estimators import (
    GaussNewton,
    Hessian,
    KroneckerFactored,
    OperatorRefused,
    datainf,
    influence,
    record_influences,
    smallest_eigenvalue,
)
from certify.estimators.influences.vectors import leaving, looked_at
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.solves.low_rank import nystroem
from certify.estimators.solves.result import Result
from certify.proofs.sides import Side


def below(value: float) -> Bound:
    return Bound(value, Side.LOWER, Declared("the test made the spectrum"))


def exact(matrix: Tensor, damping: float, u: Tensor, v: Tensor) -> tuple[float, float]:
    """u'(A + damping I)^-1 v with a refinement, and how far the reference itself may be off."""
    damped = matrix + damping * torch.eye(len(matrix), dtype=torch.float64)
    factor = torch.linalg.cholesky(damped)
    x = torch.cholesky_solve(v[:, None], factor)
    x = x + torch.cholesky_solve(v[:, None] - damped @ x, factor)
    condition = float(torch.linalg.cond(damped))
    return float(u @ x[:, 0]), 1e-14 * condition * float(u.norm() * x.norm())


def vectors(seed: int, size: int) -> tuple[Tensor, Tensor]:
    drawn = torch.randn(2, size, generator=generator(seed), dtype=torch.float64)
    return drawn[0], drawn[1]


SPECTRA = [
    outliers(50),
    10.0 ** torch.linspace(-8, 0, 40, dtype=torch.float64),  # ill-conditioned
    torch.cat([torch.zeros(30), torch.linspace(1, 2, 10)]).double(),  # a null space
    torch.ones(20, dtype=torch.float64),
    torch.linspace(0, 1, 60, dtype=torch.float64),
]


@pytest.mark.parametrize("values", SPECTRA, ids=["outliers", "ill", "null", "identity", "uniform"])
@pytest.mark.parametrize("budget", [4, 10, 30])
def test_intervals_contain_the_dense_value(values: Tensor, budget: int) -> None:
    """300 problems in all: twenty a spectrum and budget, half of them with u = v, and dampings from 1e-6 to 1."""
    for seed in range(20):
        matrix = rotated(values, seed)
        u, v = vectors(seed + 100, len(values))
        v = u if seed % 2 else v
        damping = 10.0 ** -(seed % 7)
        truth, slack = exact(matrix, damping, u, v)
        found = influence(
            Multiplied(matrix, semidefinite=True), of=v, on=u, damping=damping, smallest=below(-1e-14), products=budget
        )
        assert found.lower is not None and found.upper is not None and found.products <= budget
        assert found.lower.value - slack <= truth <= found.upper.value + slack
        assert found.lower.value <= found.estimate.value <= found.upper.value
        for lower, upper in found.routes.values():
            assert lower.value - slack <= truth <= upper.value + slack


def test_a_false_bound_of_the_spectrum_gives_intervals_that_do_not_hold() -> None:
    """The control of the test above: with mu above the smallest eigenvalue the truth does leave the interval."""
    values = torch.cat([torch.tensor([1e-3]), torch.linspace(1, 2, 199)]).double()
    matrix, outside = rotated(values, 3), 0
    flat = torch.linalg.eigh(matrix)[1][:, 0]
    for seed in range(10):
        u, _ = vectors(seed, 200)
        u = u + flat
        truth, _ = exact(matrix, 0.0, u, u)
        true = influence(Multiplied(matrix), of=u, on=u, smallest=below(0.999e-3), products=5)
        false = influence(Multiplied(matrix), of=u, on=u, smallest=below(0.2 if seed % 2 else 0.1), products=4)
        assert true.lower is not None and true.upper is not None and true.lower.value <= truth <= true.upper.value
        assert false.lower is not None and false.upper is not None
        outside += not false.lower.value <= truth <= false.upper.value
    assert outside == 10


def test_a_bound_of_the_spectrum_that_the_products_refute_is_refused() -> None:
    matrix = rotated(torch.linspace(0.1, 1, 30, dtype=torch.float64), 1)
    u, v = vectors(1, 30)
    with pytest.raises(ValueError, match="the bound passed is false"):
        influence(matrix, of=v, on=u, smallest=below(0.2), relative_width=1e-6)


@pytest.mark.parametrize("width", [1e-2, 1e-5, 1e-8])
def test_the_width_asked_for_is_reached_and_fewer_products_do_not_reach_it(width: float) -> None:
    matrix = rotated(outliers(80), 2)
    u, v = vectors(5, 80)
    found = influence(matrix, of=v, on=u, damping=0.01, smallest=below(-1e-12), relative_width=width)
    assert found.result is Result.CONVERGED and found.relative_width <= width
    short = influence(matrix, of=v, on=u, damping=0.01, smallest=below(-1e-12), relative_width=width, products=found.products - 2)
    assert short.result is Result.BUDGET and short.relative_width > width
    widths = [step.upper - step.lower for step in found.history]
    assert widths == sorted(widths, reverse=True) and widths[-1] < 1e-2 * widths[0]


def test_both_routes_are_needed_to_agree_with_what_is_known_of_them() -> None:
    """The mixture of Gauss and Radau is at least twice as sharp as the product of residuals, away from rounding; both end in one value."""
    matrix = rotated(outliers(80), 2)
    for seed in range(20):
        u, v = vectors(seed, 80)
        found = influence(matrix, of=v, on=u, damping=0.01, smallest=below(-1e-12), products=20)
        widths = {name: upper.value - lower.value for name, (lower, upper) in found.routes.items()}
        assert widths["Gauss-Radau"] <= 0.5001 * widths["dual-corrected"]


def test_quadrature_gives_the_same_numbers_for_one_vector() -> None:
    """u = v: the lower end is that of Gauss, the upper one that of Gauss-Radau, from the tridiagonal matrix of a Lanczos run."""
    matrix = rotated(torch.linspace(0.3, 5, 60, dtype=torch.float64), 4)
    u, _ = vectors(8, 60)
    steps, mu = 8, 0.25
    basis, diagonal, off = [u / u.norm()], [], []
    for _ in range(steps):
        image = matrix @ basis[-1]
        diagonal.append(float(basis[-1] @ image))
        stacked = torch.stack(basis, 1)
        image = image - stacked @ (stacked.T @ image)
        image = image - stacked @ (stacked.T @ image)
        off.append(float(image.norm()))
        basis.append(image / off[-1])
    beside = torch.tensor(off[:-1], dtype=torch.float64)
    tridiagonal = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(beside, 1) + torch.diag(beside, -1)
    first = torch.zeros(steps, dtype=torch.float64)
    first[0], last = 1.0, torch.zeros(steps, dtype=torch.float64)
    last[-1] = off[-1] ** 2
    gauss = float(u @ u) * float(torch.linalg.solve(tridiagonal, first)[0])
    node = mu + float(torch.linalg.solve(tridiagonal - mu * torch.eye(steps).double(), last)[-1])
    larger = torch.zeros(steps + 1, steps + 1, dtype=torch.float64)
    larger[:steps, :steps], larger[steps, steps] = tridiagonal, node
    larger[steps - 1, steps] = larger[steps, steps - 1] = off[-1]
    one = torch.zeros(steps + 1, dtype=torch.float64)
    one[0] = 1.0
    radau = float(u @ u) * float(torch.linalg.solve(larger, one)[0])
    found = influence(matrix, of=u, on=u, smallest=below(mu), products=steps)
    lower, upper = found.routes["Gauss-Radau"]
    assert lower.value == pytest.approx(gauss, rel=1e-9) and upper.value == pytest.approx(radau, rel=1e-9)
    assert found.estimate.value == pytest.approx(gauss, rel=1e-9)


def test_products_in_single_precision_have_an_interval_that_holds_and_says_what_it_rests_on() -> None:
    matrix = rotated(outliers(60), 7)
    single = matrix.float().double()
    single = (single + single.T) / 2
    for seed in range(20):
        u, v = vectors(seed, 60)
        truth, _ = exact(single, 0.05, u, v)
        found = influence(
            Multiplied(single, torch.float32, semidefinite=True), of=v, on=u, damping=0.05, smallest=below(-1e-6), products=40
        )
        assert found.lower is not None and found.upper is not None
        assert found.lower.value <= truth <= found.upper.value
        assert any("stated accuracy" in str(bound.evidence) for bound in found.upper.ancestors())


class Stating(Multiplied):
    """A matrix behind products that are off by ``error`` in a way that is not linear, and that states an accuracy of its own."""

    def __init__(self, matrix: Tensor, stated: float, error: float) -> None:
        super().__init__(matrix, semidefinite=True)
        self.accuracy, self._error = stated, error

    def __matmul__(self, other: Tensor) -> Tensor:  # type: ignore[override]
        return super().__matmul__(other) + self._error * other.abs() / other.abs().max()


def test_an_operator_that_states_its_accuracy_is_measured_once_and_one_that_states_none_twice() -> None:
    matrix = rotated(outliers(60), 7)
    u, v = vectors(4, 60)
    truth, slack = exact(matrix, 0.05, u, v)
    spent = []
    for stated in (1e-15, 0.0):
        found = influence(Stating(matrix, stated, 0.0), of=v, on=u, damping=0.05, smallest=below(-1e-15), relative_width=1e-4)
        assert found.result is Result.CONVERGED and found.lower is not None and found.upper is not None
        assert found.lower.value - slack <= truth <= found.upper.value + slack
        assert any("which was measured" in str(bound.evidence) for bound in found.upper.ancestors())
        spent.append(found.products)
        within = influence(Stating(matrix, stated, 0.0), of=v, on=u, damping=0.05, smallest=below(-1e-15), products=15)
        assert within.products <= 15
    assert spent[1] == spent[0] + 1 and spent[0] % 2 == 1


def test_the_accuracy_that_an_operator_states_is_not_believed_in_the_end() -> None:
    """Products off by 1e-5, said to be exact: without the last measurement the interval would leave the truth out."""
    matrix = rotated(outliers(60), 7)
    left_out = 0
    for seed in range(10):
        u, v = vectors(seed, 60)
        truth, _ = exact(matrix, 0.05, u, v)
        found = influence(
            Stating(matrix, 1e-16, 1e-5), of=v, on=u, damping=0.05, smallest=below(-1e-15), products=80, relative_width=1e-9
        )
        assert found.lower is not None and found.upper is not None
        assert found.lower.value <= truth <= found.upper.value and found.result is not Result.CONVERGED
        left_out += any(not step.lower <= truth <= step.upper for step in found.history)
    assert left_out > 0


def test_rounding_in_the_way_is_said() -> None:
    matrix = rotated(outliers(60), 7)
    u, v = vectors(1, 60)
    found = influence(Multiplied(matrix, torch.float32, semidefinite=True), of=v, on=u, damping=0.05, relative_width=1e-9)
    assert found.result is Result.STALLED and 1e-9 < found.relative_width < 0.1


def test_without_a_bound_of_the_spectrum_there_is_an_estimate_and_a_reason() -> None:
    matrix = rotated(outliers(40), 3)
    u, v = vectors(2, 40)
    found = influence(Multiplied(matrix), of=v, on=u, damping=0.1, products=40)
    assert found.lower is None and found.upper is None and "no lower bound of the spectrum" in found.no_interval
    assert found.relative_width == math.inf
    assert found.estimate.value == pytest.approx(exact(matrix, 0.1, u, v)[0], rel=1e-6)
    with pytest.raises(ValueError, match="no interval can be certified"):
        influence(Multiplied(matrix), of=v, on=u, damping=0.1, relative_width=1e-3)
    with pytest.raises(ValueError, match="damp by more than 1"):
        influence(Multiplied(matrix), of=v, on=u, damping=0.1, smallest=below(-1), relative_width=1e-3)


def test_zero_vectors_and_failing_products() -> None:
    matrix, zero = rotated(outliers(40), 3), torch.zeros(40, dtype=torch.float64)
    u, _ = vectors(2, 40)
    found = influence(matrix, of=zero, on=u, damping=0.1, smallest=below(-1e-12), relative_width=1e-3)
    assert found.lower is not None and found.lower.value == 0 == found.relative_width and found.products == 0
    broken = Function(lambda rows: rows / 0.0, 40, dtype=torch.float64, symmetric="a test", positive_semidefinite="a test")
    assert influence(broken, of=u, on=u, damping=0.1, products=10).result is Result.NOT_FINITE


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"relative_width": None}, "say when to stop"),
        ({"relative_width": 0.0}, "positive and finite"),
        ({"products": 3}, "at least 4"),
        ({"damping": -1.0}, "not negative"),
        ({"of": torch.ones(3)}, r"vector \[40\]"),
        ({"of": [0]}, "an operator of a model"),
        ({"on": torch.full((40,), math.nan)}, "not finite"),
    ],
)
def test_bad_input_is_one_clear_line(wrong: dict[str, object], message: str) -> None:
    u, v = vectors(2, 40)
    asked: dict[str, object] = {"of": v, "on": u, "damping": 0.1, "relative_width": 1e-3, **wrong}
    with pytest.raises(ValueError, match=message) as caught:
        influence(Matrix(rotated(outliers(40), 3)), **asked)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- models and records


def logistic() -> tuple[nn.Module, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    model = nn.Linear(5, 3).double()
    drawn = torch.randn(40, 5, generator=generator(1), dtype=torch.float64)
    labels = torch.randint(3, (40,), generator=generator(2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator(3), dtype=torch.float64))
    return model, (drawn[:30], labels[:30]), (drawn[30:], labels[30:])


def flat(gradients: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([g.reshape(-1) for g in gradients])


def test_records_and_functions_become_the_right_vectors() -> None:
    model, (x, y), (tx, ty) = logistic()
    weights = torch.tensor([1.0, 2.0, 0.5]).double()
    for loss in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(weight=weights)):
        curvature = GaussNewton(model, loss, [(x[:12], y[:12]), (x[12:], y[12:])])
        rest = torch.tensor([i for i in range(30) if i not in (3, 20)])
        total = flat(torch.autograd.grad(loss(model(x), y), list(model.parameters())))
        kept = flat(torch.autograd.grad(loss(model(x[rest]), y[rest]), list(model.parameters())))
        share = 28 / 30 if loss.weight is None else float(weights[y[rest]].sum() / weights[y].sum())
        torch.testing.assert_close(leaving(curvature, [20, 3]), total - share * kept, rtol=1e-10, atol=1e-14)
        test = flat(torch.autograd.grad(loss(model(tx), ty), list(model.parameters())))
        torch.testing.assert_close(looked_at(curvature, (tx, ty)), test, rtol=1e-10, atol=1e-14)
        logit = flat(torch.autograd.grad(model(tx)[1, 2], list(model.parameters())))
        torch.testing.assert_close(looked_at(curvature, lambda call: call(tx)[1, 2]), logit, rtol=1e-10, atol=1e-14)
        block = curvature.block("bias")
        torch.testing.assert_close(leaving(block, 7), leaving(curvature, torch.tensor([7]))[-3:])
    for wrong in ([], [30], [-1], [3, 3]):
        with pytest.raises(ValueError):
            leaving(curvature, wrong)


def test_influence_of_records_on_a_test_loss() -> None:
    model, train, test = logistic()
    loss = nn.CrossEntropyLoss()
    curvature = GaussNewton(model, loss, train)
    dense = curvature.dense() + 0.01 * torch.eye(18, dtype=torch.float64)
    truth = float(looked_at(curvature, test) @ torch.linalg.solve(dense, leaving(curvature, [0, 5])))
    found = influence(curvature, of=[0, 5], on=test, damping=0.01, relative_width=1e-3)
    assert found.lower is not None and found.upper is not None and found.lower.value <= truth <= found.upper.value
    hessian = Hessian(model, loss, train)
    edge = smallest_eigenvalue(hessian, failure_probability=1e-6, products=20).lower
    proved = influence(hessian, of=[0, 5], on=test, damping=0.05 - min(0.0, edge.value), smallest=edge, relative_width=1e-3)
    assert proved.upper is not None and 0 < proved.upper.failure_probability <= 1e-6


def test_an_exact_bound_of_the_spectrum_serves_though_its_sum_is_no_double() -> None:
    """A sum of exact numbers is rounded up where it is no double, and was then refused as a lower bound."""
    matrix = rotated(torch.linspace(1, 2, 20, dtype=torch.float64), 1)
    u, v = vectors(1, 20)
    given = exactly(Fraction(9, 10) - Fraction(1, 10**12), Declared("known"))
    found = influence(matrix, of=v, on=u, damping=1e-3, smallest=given, relative_width=1e-3)
    assert found.result is Result.CONVERGED


# ---------------------------------------------------------------- preconditioners, and operators that are damped themselves


@pytest.mark.parametrize("budget", [4, 12, 30])
def test_intervals_hold_whatever_steers_the_space(budget: int) -> None:
    """Random positive definite maps, far from any inverse, and one that is singular: they cost sharpness and nothing else."""
    values = 10.0 ** torch.linspace(-6, 0, 40, dtype=torch.float64)
    for seed in range(20):
        matrix, damping = rotated(values, seed), 10.0 ** -(1 + seed % 4)
        u, v = vectors(seed + 300, 40)
        truth, slack = exact(matrix, damping, u, v)
        steering = rotated(10.0 ** torch.linspace(-3, 3, 40, dtype=torch.float64), seed + 50)
        if seed % 5 == 0:
            steering = steering @ torch.diag((torch.arange(40) < 3).double()) @ steering
        found = influence(
            Multiplied(matrix, semidefinite=True), of=v, on=u, damping=damping, smallest=below(-1e-14), products=budget,
            preconditioner=lambda block, steering=steering: steering @ block,  # type: ignore[misc]
        )  # fmt: skip
        assert found.lower is not None and found.upper is not None
        assert found.lower.value - slack <= truth <= found.upper.value + slack


def test_a_preconditioner_near_the_inverse_saves_products() -> None:
    matrix, damping = rotated(10.0 ** torch.linspace(-5, 0, 200, dtype=torch.float64), 7), 1e-4
    u, v = vectors(11, 200)

    def spent(preconditioner: object) -> int:
        found = influence(
            Matrix(matrix, positive_semidefinite="made so"), of=v, on=u, damping=damping, relative_width=1e-3,
            preconditioner=preconditioner,  # type: ignore[arg-type]
        )  # fmt: skip
        truth, slack = exact(matrix, damping, u, v)
        assert found.result is Result.CONVERGED and found.lower is not None and found.upper is not None
        assert found.lower.value - slack <= truth <= found.upper.value + slack
        return found.products

    plain, helped = spent(None), spent(nystroem(matrix, 60, generator=generator(0)))
    inverse = torch.linalg.inv(matrix + damping * torch.eye(200, dtype=torch.float64))
    assert spent(lambda block: inverse @ block) <= 6 < helped < 0.7 * plain
    undamped = torch.linalg.inv(matrix + 1e-6 * torch.eye(200, dtype=torch.float64))
    assert spent(lambda block: undamped @ block) > 6


def test_kronecker_factors_steer_and_are_given_the_damping_of_the_equations() -> None:
    model, train, test = logistic()
    loss = nn.CrossEntropyLoss()
    curvature = GaussNewton(model, loss, train)
    factored = KroneckerFactored(model, loss, train, kind="ekfac")
    plain = influence(curvature, of=3, on=test, damping=0.01, relative_width=1e-6)
    helped = influence(curvature, of=3, on=test, damping=0.01, relative_width=1e-6, preconditioner=factored)
    by_hand = influence(
        curvature,
        of=3,
        on=test,
        damping=0.01,
        relative_width=1e-6,
        preconditioner=lambda block: factored.precondition(block, 0.01),
    )
    assert helped.result is Result.CONVERGED and by_hand.products == helped.products
    assert plain.lower is not None and plain.upper is not None and helped.lower is not None and helped.upper is not None
    assert max(plain.lower.value, helped.lower.value) <= min(plain.upper.value, helped.upper.value)


@pytest.mark.parametrize("wrong", [lambda block: block[:-1], lambda block: block * math.nan])
def test_a_preconditioner_that_maps_to_nothing_sensible_is_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    u, v = vectors(1, 20)
    with pytest.raises(ValueError, match="the preconditioner maps"):
        influence(
            rotated(torch.ones(20, dtype=torch.float64), 1), of=v, on=u, smallest=below(0.9), products=6, preconditioner=wrong
        )


def test_a_damped_operator_is_the_operator_with_the_damping() -> None:
    model, train, test = logistic()
    curvature = GaussNewton(model, nn.CrossEntropyLoss(), train)
    damped = influence(curvature.damped(0.01), of=[0, 5], on=test, relative_width=1e-3)
    apart = influence(curvature, of=[0, 5], on=test, damping=0.01, relative_width=1e-3)
    assert damped.lower == apart.lower and damped.upper == apart.upper and damped.products == apart.products
    more = influence(
        curvature.damped(0.006), of=leaving(curvature, [0, 5]), on=looked_at(curvature, test), damping=0.004, relative_width=1e-3
    )
    assert more.lower is not None and more.upper is not None and apart.lower is not None and apart.upper is not None
    assert max(more.lower.value, apart.lower.value) <= min(more.upper.value, apart.upper.value)


def test_records_of_a_loader_with_a_batch_that_counts_for_nothing_are_refused_not_misnumbered() -> None:
    model, (x, y), test = logistic()
    ignored = torch.where((torch.arange(30) >= 10) & (torch.arange(30) < 20), -100, y)
    loss = nn.CrossEntropyLoss()
    whole = GaussNewton(model, loss, (x, ignored))
    parted = GaussNewton(model, loss, [(x[start : start + 10], ignored[start : start + 10]) for start in (0, 10, 20)])
    torch.testing.assert_close(parted.dense(), whole.dense())
    assert bool(leaving(whole, [25]).any()) and not bool(leaving(whole, [15]).any())
    with pytest.raises(OperatorRefused, match="all targets of a batch are ignored"):
        leaving(parted, [25])
    with pytest.raises(OperatorRefused, match="all targets of a batch are ignored"):
        record_influences(parted, on=test, damping=0.1, rtol=1e-6)
    with pytest.raises(OperatorRefused, match="all targets of a batch are ignored"):
        datainf(parted, on=test, damping=0.1)


@pytest.mark.parametrize("of", [[True, False], torch.tensor([True] * 30), 3.7, [1.0], "3", None])
def test_what_is_no_place_of_a_record_is_not_taken_for_one(of: object) -> None:
    """A mask would have named the records 0 and 1, and a fraction the one below it."""
    model, train, test = logistic()
    curvature = GaussNewton(model, nn.CrossEntropyLoss(), train)
    with pytest.raises(ValueError, match="whole numbers: the places of records"):
        influence(curvature, of=of, on=test, damping=0.1, products=8)  # type: ignore[arg-type]


def test_dictionaries_by_parameter_are_vectors() -> None:
    model, train, _ = logistic()
    curvature = GaussNewton(model, nn.CrossEntropyLoss(), train)
    u, v = vectors(3, 18)
    flat_ones = influence(curvature, of=v, on=u, damping=0.1, products=12)
    named = influence(curvature, of=curvature.rows.named(v), on=curvature.rows.named(u), damping=0.1, products=12)
    assert named.lower == flat_ones.lower and named.upper == flat_ones.upper
    with pytest.raises(ValueError, match="missing bias"):
        influence(curvature, of={"weight": torch.ones(3, 5)}, on=u, damping=0.1, products=12)
    with pytest.raises(ValueError, match="knows no parameters by name"):
        influence(torch.eye(18, dtype=torch.float64), of={"weight": torch.ones(3, 5)}, on=u, smallest=below(0.9), products=12)


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e100])
def test_vectors_of_any_scale_have_intervals(scale: float) -> None:
    matrix = rotated(torch.linspace(1, 2, 20, dtype=torch.float64), 1)
    u, v = vectors(1, 20)
    truth, _ = exact(matrix, 0.0, u, v)
    found = influence(matrix, of=v * scale, on=u, smallest=below(0.99), relative_width=1e-6)
    assert found.result is Result.CONVERGED and found.lower is not None and found.upper is not None
    assert found.lower.value <= truth * scale <= found.upper.value


def test_what_is_printed_is_the_interval_or_why_there_is_none() -> None:
    matrix = rotated(outliers(40), 3)
    u, v = vectors(2, 40)
    found = influence(Matrix(matrix, positive_semidefinite="a square"), of=v, on=u, damping=0.1, relative_width=1e-3)
    assert found.lower is not None and str(found).startswith(f"{found.lower.value!r} <= influence <= ")
    assert "without bounds" in str(influence(Matrix(matrix), of=v, on=u, damping=0.1, products=10))
