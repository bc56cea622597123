"""The algebra of operators, their claims and bounds, and the kinds of vectors that they take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from curvature_models import case
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh
from torch import Tensor

from certify.bounds import Declared
from certify.estimators import EmpiricalFisher, GaussNewton, Hessian, Operator, Unit
from certify.estimators.operators.composed import Product
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.operators.operator import Claim
from certify.proofs.sides import Side


def random_matrix(seed: int, size: int, *, positive: bool) -> Matrix:
    root = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    matrix = root @ root.T if positive else root + root.T
    return Matrix((matrix + matrix.T) / 2, positive_semidefinite="a Gram matrix" if positive else "")


@given(st.integers(0, 1000), st.integers(1, 6), st.floats(-3, 3), st.floats(0, 3), st.booleans(), st.booleans())
def test_composed_operators_are_composed_matrices(
    seed: int, size: int, factor: float, damping: float, one: bool, other: bool
) -> None:
    a, b = random_matrix(seed, size, positive=one), random_matrix(seed + 1, size, positive=other)
    identity = torch.eye(size, dtype=torch.float64)
    for operator, matrix in (
        (a + b, a.matrix + b.matrix),
        (a - b, a.matrix - b.matrix),
        (factor * a, factor * a.matrix),
        (a * factor, factor * a.matrix),
        (-a, -a.matrix),
        (a @ b, a.matrix @ b.matrix),
        ((a @ b).T, b.matrix @ a.matrix),
        (a.damped(damping), a.matrix + damping * identity),
        ((a + b).damped(damping) @ a, (a.matrix + b.matrix + damping * identity) @ a.matrix),
    ):
        torch.testing.assert_close(operator.dense(), matrix, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(operator.T.dense(), matrix.T, rtol=1e-12, atol=1e-12)
        bound = operator.lower_bound()
        if bound is not None:
            assert bound.side is Side.LOWER
            assert float(torch.linalg.eigvalsh(matrix)[0]) >= bound.value - 1e-12 * float(matrix.abs().sum())
        if operator.positive_semidefinite:
            assert bound is not None


def test_a_lower_bound_follows_through_damping_sums_and_multiples() -> None:
    positive, any_sign = random_matrix(1, 4, positive=True), random_matrix(2, 4, positive=False)
    bound = (0.5 * positive.damped(0.5) + positive).damped(0.25).lower_bound()
    assert bound is not None and bound.value == 0.5 and bound.side is Side.LOWER
    assert any_sign.damped(100.0).lower_bound() is None
    assert (positive + any_sign).lower_bound() is None and not (positive + any_sign).positive_semidefinite
    assert (-positive).lower_bound() is None and (positive @ positive).lower_bound() is None
    inexact = positive.damped(0.1).damped(0.2).lower_bound()
    assert inexact is not None and inexact.value <= 0.1 + 0.2
    known = Function(lambda rows: rows, 3, dtype=torch.float64, symmetric="the identity", smallest=-2.0)
    assert (2 * known).lower_bound().value == -4.0  # type: ignore[union-attr]
    evidence = GaussNewton(*_logistic()).lower_bound().evidence  # type: ignore[union-attr]
    assert isinstance(evidence, Declared) and "exact up to a measured relative" in evidence.reason


def _logistic() -> tuple[torch.nn.Module, torch.nn.Module, tuple[Tensor, Tensor]]:
    problem = case("layer norm")
    return problem.model, problem.loss, problem.data  # type: ignore[return-value]


@pytest.mark.parametrize("kind", [Hessian, GaussNewton, EmpiricalFisher])
def test_vectors_blocks_and_dictionaries_agree(kind: type[Hessian]) -> None:
    operator = kind(*_logistic())
    size = operator.shape[0]
    block = torch.randn(size, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    product = operator @ block
    assert product.shape == block.shape
    for j in range(7):
        torch.testing.assert_close(operator @ block[:, j], product[:, j], rtol=1e-12, atol=1e-14)
    named = operator @ operator.columns.named(block[:, 0])
    assert list(named) == [name for name, _ in case("layer norm").model.named_parameters()]
    torch.testing.assert_close(operator.rows.flatten(named, torch.float64), product[:, 0], rtol=1e-12, atol=1e-14)
    assert not (operator @ block[:, 0].clone().requires_grad_()).requires_grad
    single = operator @ block[:, 0].float()
    assert single.dtype is torch.float32
    assert (operator @ block[:, :0]).shape == (size, 0)


def test_products_are_counted() -> None:
    operator = GaussNewton(*_logistic())
    assert operator.products == 0 and operator.probe_products == 3
    operator @ torch.ones(operator.shape[0], dtype=torch.float64)
    operator @ torch.ones(operator.shape[0], 5, dtype=torch.float64)
    damped = operator.damped(1.0)
    damped @ torch.ones(operator.shape[0], 2, dtype=torch.float64)
    assert operator.products == 8 and damped.products == 2


@pytest.mark.parametrize("kind", [Hessian, GaussNewton, EmpiricalFisher])
def test_blocks_by_parameter_group(kind: type[Hessian]) -> None:
    operator = kind(*_logistic())
    dense, slices = operator.dense(), operator.rows.slices()
    norm = torch.cat([torch.arange(s.start, s.stop) for name, s in slices.items() if name.startswith("1.")])
    last = torch.cat([torch.arange(s.start, s.stop) for name, s in slices.items() if name.startswith("3.")])
    principal, away = operator.block("1.*"), operator.block(["1.*"], "3.*")
    torch.testing.assert_close(principal.dense(), dense[norm][:, norm], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(away.dense(), dense[norm][:, last], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(away.T.dense(), dense[last][:, norm], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(away.block("1.bias", "3.bias").dense(), dense[norm[-4:]][:, last[-3:]], rtol=1e-12, atol=1e-14)
    assert principal.symmetric and not away.symmetric and not away.positive_semidefinite
    assert bool(principal.positive_semidefinite) is bool(operator.positive_semidefinite)
    chosen = kind(*_logistic(), parameters="1.*")
    torch.testing.assert_close(chosen.dense(), principal.dense(), rtol=1e-12, atol=1e-14)
    damped = (2.0 * operator).damped(0.5).block("1.*")
    assert (damped.lower_bound() is None) is (operator.lower_bound() is None)
    expected = 2 * dense[norm][:, norm] + 0.5 * torch.eye(len(norm), dtype=torch.float64)
    torch.testing.assert_close(damped.dense(), expected, rtol=1e-12, atol=1e-14)
    rectangular = operator.damped(0.0).block("1.*", "3.*")
    torch.testing.assert_close(rectangular.T.dense(), dense[last][:, norm], rtol=1e-12, atol=1e-14)
    assert rectangular.lower_bound() is None


def test_scipy_finds_the_largest_eigenvalue() -> None:
    for operator in (Hessian(*_logistic()), GaussNewton(*_logistic()).block("1.*", "3.*")):
        exported = operator.to_scipy()
        block = np.random.default_rng(0).standard_normal((operator.shape[1], 3))
        np.testing.assert_allclose(exported @ block, operator.dense().numpy() @ block, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            exported.T @ np.ones(operator.shape[0]), operator.dense().sum(0).numpy(), rtol=1e-10, atol=1e-12
        )
    hessian = Hessian(*_logistic())
    (largest,) = eigsh(hessian.to_scipy(), k=1, which="LA", return_eigenvectors=False)
    assert largest == pytest.approx(float(torch.linalg.eigvalsh(hessian.dense())[-1]), rel=1e-8)


def test_the_text_of_an_operator_says_what_it_is() -> None:
    assert repr(GaussNewton(*_logistic())) == "<GaussNewton 39 x 39, float64, cpu, symmetric, positive semidefinite, per example>"
    assert repr(random_matrix(0, 2, positive=False)) == "<Matrix 2 x 2, float64, cpu, symmetric>"


def test_operators_about_different_units_are_not_added() -> None:
    problem = case("transformer")
    token = EmpiricalFisher(problem.model, problem.loss, problem.data, unit=Unit.TOKEN)
    example = EmpiricalFisher(problem.model, problem.loss, problem.data, unit="example")
    with pytest.raises(ValueError, match="about tokens and the other about examples"):
        token + example
    assert (token + token).unit is Unit.TOKEN and token.data_count == 12 and example.data_count == 3


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (torch.ones(40, dtype=torch.float64), r"shape \(39, 39\) multiplies tensors of shape \(39,\) or \(39, K\), not \(40,\)"),
        (torch.ones(1, 39), r"not \(1, 39\)"),
        (torch.ones(39, 1, 1), "not"),
        (torch.ones(39, dtype=torch.int64), "holds torch.int64: convert"),
        (torch.full((39,), torch.nan), "not finite"),
        ({"x": torch.ones(39)}, "missing 0.bias, 0.weight"),
        (torch.ones(39, device="meta"), "lies on meta"),
    ],
)
def test_wrong_vectors_are_refused(vector: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussNewton(*_logistic()) @ vector


def test_a_dictionary_of_wrong_shapes_is_refused() -> None:
    operator = GaussNewton(*_logistic())
    named = operator.columns.named(torch.ones(39, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"'0.weight' has shape \(2, 2\), and the parameter \(4, 3\)"):
        operator @ {**named, "0.weight": torch.ones(2, 2)}
    with pytest.raises(ValueError, match="unknown extra"):
        operator @ {**named, "extra": torch.ones(2)}
    with pytest.raises(ValueError, match=r"'0\.weight' is list, no tensor"):
        operator @ {**named, "0.weight": [[1.0] * 3] * 4}  # type: ignore[dict-item]
    for vector in ([1.0] * 39, np.ones(39)):
        with pytest.raises(ValueError, match=f"not {type(vector).__name__}: torch.as_tensor makes one"):
            operator @ vector


def test_wrong_compositions_are_refused() -> None:
    small, large = random_matrix(0, 2, positive=True), random_matrix(0, 3, positive=True)
    for attempt, message in (
        (lambda: small + large, "no sum"),
        (lambda: small @ large, "no product"),
        (lambda: small.damped(-1.0), "nonnegative"),
        (lambda: small.damped(float("nan")), "nonnegative"),
        (lambda: small * float("inf"), "finite"),
        (lambda: Matrix(torch.ones(2, 3, dtype=torch.float64)).damped(1.0), "not square"),
        (lambda: Matrix(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), positive_semidefinite="no"), "not symmetric"),
        (lambda: Matrix(torch.full((2, 2), torch.nan)), "finite"),
        (lambda: Function(lambda v: v, 2, dtype=torch.float64, symmetric="").T, "not known to be symmetric"),
        (lambda: GaussNewton(*_logistic()).block("5.*"), "no parameter is named '5"),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
    with pytest.raises(TypeError):
        small * "2"  # type: ignore[operator]
    with pytest.raises(TypeError):
        small + 1.0  # type: ignore[operator]


def test_a_product_claims_what_is_passed_with_it() -> None:
    small = random_matrix(0, 3, positive=True)
    square = Product(
        small, small, symmetric=Claim(True, Declared("a square")), positive_semidefinite=Claim(True, Declared("a square"))
    )
    assert square.T is square and square.lower_bound() is not None


def test_an_overflowing_product_names_the_parameter() -> None:
    class Overflows(Operator):
        def _multiply(self, block: Tensor) -> Tensor:
            return block * torch.inf

        def adjoint(self) -> Operator:
            return self

    plain = GaussNewton(*_logistic())
    operator = Overflows(
        plain.rows, plain.columns, dtype=plain.dtype, device=plain.device, symmetric=plain.symmetric,
        positive_semidefinite=plain.positive_semidefinite,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"the product is not finite in '0.weight'"):
        operator @ torch.ones(39, dtype=torch.float64)
