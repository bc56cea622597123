"""An operator is the same wherever it is multiplied: under other settings of torch, in other threads, with vectors of any size."""

from __future__ import annotations

import copy
import pickle  # noqa: TID251 to see that it is refused
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from curvature_models import case, classes, network, numbers
from torch import Tensor, nn

from certify.estimators import (
    EmpiricalFisher,
    Fisher,
    GaussNewton,
    Hessian,
    KroneckerFactored,
    largest_eigenvalue,
    smallest_eigenvalue,
    solve,
    spectral_density,
    trace,
)
from certify.estimators.engines.kernels import Kept
from certify.estimators.engines.losses import differentiated
from certify.estimators.engines.pullbacks import linear
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.operators.widened import in_double

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()
KINDS = [Hessian, GaussNewton, EmpiricalFisher]
SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "another device": lambda: torch.device("meta"),
    "half precision": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


def same(one: Tensor, other: Tensor) -> None:
    """Equal but for the last bits: a loop and a batch sum in another order."""
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("retain", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_products_are_those_of_the_settings_at_construction(kind: type[Hessian], setting: str, retain: bool) -> None:
    made = network()
    inputs = ROWS.float()
    operator = kind(made, LOSS, (inputs, LABELS), retain=retain)
    assert operator.accuracy < 1e-5
    block = numbers(operator.shape[0], 3).float()
    expected = operator @ block
    with SETTINGS[setting]():
        same(operator @ block, expected)
    with SETTINGS[setting]():
        within = kind(made, LOSS, (inputs, LABELS), retain=retain)
        found = within @ block
    if setting == "half precision":
        assert within.accuracy > 1e-4 and float(torch.dist(found, expected)) > 1e-4
    else:
        same(found, expected)
    same(within @ block, found)


def test_numbers_are_found_under_another_default_device_and_type() -> None:
    dense = Matrix(torch.diag(torch.arange(1.0, 9.0).double()), positive_semidefinite="diagonal")
    other = Function(lambda rows: rows * dense.matrix.diagonal(), 8, dtype=torch.float64, symmetric="diagonal")
    made = network()

    def find() -> None:
        for operator in (dense, other):
            generator = torch.Generator().manual_seed(0)
            options: dict[str, Any] = {"failure_probability": 1e-3, "generator": generator}
            top = largest_eigenvalue(operator, **options)
            assert top.lower.value <= 8 <= top.upper.value
            bottom = smallest_eigenvalue(operator, **options, products=8)
            assert bottom.lower.value <= 1 <= bottom.upper.value
            found = trace(operator, probes=20, deflation=2, **options)
            assert found.lower.value <= 36 <= found.upper.value
            spectral_density(operator, steps=3, probes=2, generator=generator)
            for method in ("cg", "minres", "direct"):
                solved = solve(operator, torch.ones(8, dtype=torch.float64, device="cpu"), rtol=1e-10, method=method)  # type: ignore[arg-type]
                assert solved.result.name == "CONVERGED"
        factored = KroneckerFactored(made, LOSS, (ROWS.float(), LABELS), kind="ekfac")
        factored.precondition(torch.ones(31, device="cpu", dtype=torch.float32), 0.1)

    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float16)
        with torch.device("meta"):
            find()
    finally:
        torch.set_default_dtype(before)


def test_products_are_not_differentiated_in_silence() -> None:
    operator = Hessian(network().double(), LOSS, (ROWS, LABELS))
    v = numbers(operator.shape[0])
    for attempt in (
        lambda: torch.func.grad(lambda u: u @ (operator @ u))(v),
        lambda: torch.func.jvp(lambda u: operator @ u, (v,), (v,)),
        lambda: torch.func.vmap(lambda u: operator @ u)(torch.stack([v, v])),
    ):
        with pytest.raises(ValueError, match=r"inside torch.func, .*block \[P, K\]"):
            attempt()
    assert not (operator @ v.clone().requires_grad_()).requires_grad


def test_operators_are_not_copied_or_sent() -> None:
    operator = Hessian(network().double(), LOSS, (ROWS, LABELS))
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        for each in (operator, operator.block("0.*"), *([operator.damped(0.1)] if attempt is not copy.copy else [])):
            with pytest.raises(TypeError, match=r"holds graphs and cannot be copied or sent: build it again there"):
                attempt(each)
    assert torch.equal(pickle.loads(pickle.dumps(Matrix(torch.eye(2)).damped(1.0))).dense(), 2 * torch.eye(2))


def test_dictionaries_hold_real_floating_point_tensors() -> None:
    operator = Hessian(network().double(), LOSS, (ROWS, LABELS))
    named = operator.columns.named(torch.ones(operator.shape[0], dtype=torch.float64))
    for dtype in (torch.complex128, torch.int64, torch.bool):
        with pytest.raises(ValueError, match=rf"'0.weight' holds {dtype}: convert it to a floating-point type"):
            operator @ {**named, "0.weight": named["0.weight"].to(dtype)}


def test_scipy_gets_complex_products_and_writes_nowhere() -> None:
    operator = Hessian(network().double(), LOSS, (ROWS, LABELS))
    dense, exported = operator.dense().numpy(), operator.to_scipy()
    v = np.random.default_rng(0).standard_normal(len(dense))
    complex_ = v + 1j * v[::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(exported @ complex_, dense @ complex_, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            exported @ np.stack([complex_, v], 1), dense @ np.stack([complex_, v], 1), rtol=1e-10, atol=1e-12
        )
        v.flags.writeable = False
        np.testing.assert_allclose(exported @ v, dense @ v, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(exported @ v[::-1], dense @ v[::-1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1e-300, 1e-60, 1e-40, 1.0, 1e30, 1e60, 1e300])
def test_vectors_of_any_size_have_products_in_single_precision(kind: type[Hessian], size: float) -> None:
    operator = kind(network(), LOSS, (ROWS.float(), LABELS))
    block = numbers(operator.shape[0], 3)
    block[:, 1] *= size
    block[:, 2] = 0.0
    expected = operator @ (block / torch.tensor([1.0, size, 1.0], dtype=torch.float64))
    found = operator @ block / torch.tensor([1.0, size, 1.0], dtype=torch.float64)
    assert bool(((found - expected).norm(dim=0) <= 1e-6 * expected.norm(dim=0)).all())
    assert float(expected[:, 1].abs().max()) > 1e-4 and not bool(found[:, 2].any())


@pytest.mark.parametrize(
    ("multiply", "words"),
    [
        (lambda rows: rows.T, r"a tensor of shape \(3, 1\)"),
        (lambda rows: rows[0], r"a tensor of shape \(3,\)"),
        (lambda rows: None, "NoneType"),
        (lambda rows: rows.sum(), r"a tensor of shape \(\)"),
    ],
)
def test_a_function_of_the_wrong_shape_is_refused(multiply: Callable[[Tensor], Any], words: str) -> None:
    operator = Function(multiply, 3, dtype=torch.float64, symmetric="so it is said")
    with pytest.raises(ValueError, match=rf"the function of this operator returned {words}.*\[1, 3\]"):
        operator @ torch.ones(3, dtype=torch.float64)


def test_operators_on_other_parameters_are_not_joined() -> None:
    made = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).double()
    whole = Hessian(made, LOSS, (ROWS, LABELS))
    first, last, across = whole.block("0.*"), whole.block("1.*"), whole.block("0.*", "1.*")
    for attempt in (lambda: first + last, lambda: first @ last, lambda: first + across, lambda: across @ first):
        with pytest.raises(
            ValueError, match=r"about other parameters \(0.weight, 0.bias and 1.weight, 1.bias\)|1.weight, 1.bias and 0.weight"
        ):
            attempt()
    identity = Matrix(torch.eye(12, dtype=torch.float64))
    same((first + identity).dense(), first.damped(1.0).dense())
    same((across @ last).dense(), across.dense() @ last.dense())
    same((across @ identity).dense(), across.dense())


@pytest.mark.parametrize("loss", [LOSS, nn.MSELoss(), nn.BCEWithLogitsLoss(), nn.PoissonNLLLoss()])
def test_drawn_targets_are_no_others_in_double_precision(loss: nn.Module) -> None:
    """Numbers that are drawn in float64 are others: the operator that they made would be of another matrix, and so would its bounds."""
    targets = LABELS if loss is LOSS else ROWS.float().sigmoid()
    for samples in (1, 3):
        drawn = Fisher(network(), loss, (ROWS.float(), targets), samples=samples, generator=torch.Generator().manual_seed(0))
        wide = in_double(drawn)
        assert wide is None or float(torch.dist(wide.dense().float(), drawn.dense())) < 1e-5 * float(
            torch.linalg.norm(drawn.dense())
        )
    top = float(torch.linalg.eigvalsh(drawn.dense().double())[-1])
    found = largest_eigenvalue(drawn, failure_probability=1e-6, products=30, generator=torch.Generator().manual_seed(0))
    assert found.lower.value <= top * (1 + 1e-5) and top * (1 - 1e-5) <= found.upper.value


def held_elsewhere(work: Callable[[], Any]) -> Any:
    """What the work gives in a second thread while the first records a pullback, and after."""
    entered, leave, found = threading.Event(), threading.Event(), []

    def hold() -> None:
        with linear():
            entered.set()
            leave.wait(10)

    threads = [threading.Thread(target=hold), threading.Thread(target=lambda: found.append(work()))]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    leave.set()
    for thread in threads:
        thread.join(30)
    return found[0]


def test_the_hessian_of_a_loss_is_the_same_while_another_thread_records() -> None:
    outputs = numbers(5)

    def loss(f: Tensor) -> Tensor:
        with Kept():
            return torch.tanh(f).square().sum()

    def product() -> Tensor:
        return differentiated(loss, outputs).product(torch.ones(5, dtype=torch.float64))

    assert torch.equal(held_elsewhere(product), product())


class Waiting(nn.Module):
    """A network in which one thread waits until another has come in, or has not been let in."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.wait = network(), None

    def forward(self, x: Tensor) -> Tensor:
        if self.wait is not None:
            self.wait()
        return self.inner(x)


def test_two_threads_leave_a_model_as_it_was() -> None:
    made = Waiting().double()
    operators = [Hessian(made, LOSS, (ROWS, LABELS), retain=False) for _ in range(2)]
    v = numbers(operators[0].shape[0])
    expected = operators[0] @ v
    before = dict(made.named_parameters())
    inside, left, found = threading.Event(), threading.Event(), {}

    def wait() -> None:
        if threading.current_thread().name == "first":
            inside.set()
            left.wait(0.5)  # the second would come in here, and find the tensors of the first

    made.wait = wait

    def multiply(which: int) -> None:
        if which:
            inside.wait(10)
        found[which] = operators[which] @ v
        if which:
            left.set()

    threads = [threading.Thread(target=multiply, args=(i,), name=("first", "second")[i]) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(torch.equal(found[i], expected) for i in range(2))
    assert all(before[name] is parameter for name, parameter in made.named_parameters())


def test_a_case_of_every_loss_multiplies_in_inference_mode() -> None:
    for name in ("log-cosh", "huber", "transformer"):
        problem = case(name)
        expected = GaussNewton(problem.model, problem.loss, problem.data).dense()
        with torch.inference_mode():
            found = GaussNewton(problem.model, problem.loss, problem.data).dense()
        same(found, expected)
