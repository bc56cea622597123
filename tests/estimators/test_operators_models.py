"""The operators of small models against dense matrices from first derivatives, in every way of passing data."""

from __future__ import annotations

import pytest
import torch
from curvature_cases import central_hessian
from curvature_models import CASES, Case, case, sequence_loss
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import EmpiricalFisher, Fisher, GaussNewton, Hessian, OperatorRefused, Unit

SEQUENCES = ("transformer", "transformer ignoring", "transformer flattened")
LIKELIHOODS = [
    name for name in CASES if name not in ("huber", "poisson of rates", "log-cosh", "smooth L1", "transformer flattened")
]


def close(found: Tensor, reference: Tensor, tolerance: float = 1e-8) -> bool:
    return float(torch.dist(found, reference)) <= tolerance * float(torch.linalg.norm(reference)) + 1e-12


def loss_hessian(problem: Case) -> Tensor:
    outputs = problem.outputs(problem.point).detach()
    return central_hessian(lambda p: problem.loss_at(p["f"]), {"f": outputs})


@pytest.mark.parametrize("name", CASES)
def test_the_hessian_is_that_of_central_differences(name: str) -> None:
    problem = case(name)
    hessian = Hessian(problem.model, problem.loss, problem.data)
    reference = central_hessian(lambda p: problem.loss_at(problem.outputs(p["theta"])), {"theta": problem.point})
    assert close(hessian.dense(), reference)
    assert hessian.accuracy < 1e-10
    assert hessian.symmetric and not hessian.positive_semidefinite and hessian.lower_bound() is None


@pytest.mark.parametrize("name", CASES)
def test_the_gauss_newton_matrix_is_jacobian_loss_hessian_jacobian(name: str) -> None:
    problem = case(name)
    jacobian = problem.jacobian()
    matrix = GaussNewton(problem.model, problem.loss, problem.data)
    assert close(matrix.dense(), jacobian.T @ loss_hessian(problem) @ jacobian)
    recognised = name not in ("log-cosh", "smooth L1", "transformer flattened")
    assert bool(matrix.positive_semidefinite) is recognised
    if recognised:
        bound = matrix.lower_bound()
        assert bound is not None and bound.value == 0
        assert float(torch.linalg.eigvalsh(matrix.dense())[0]) >= -1e-12


@pytest.mark.parametrize("name", CASES)
def test_the_exact_fisher_matrix_is_that_of_gauss_newton_or_refused(name: str) -> None:
    problem = case(name)
    if name not in LIKELIHOODS:
        with pytest.raises(OperatorRefused, match=r"log-likelihood.*use GaussNewton"):
            Fisher(problem.model, problem.loss, problem.data)
        return
    gauss_newton = GaussNewton(problem.model, problem.loss, problem.data).dense()
    assert close(Fisher(problem.model, problem.loss, problem.data).dense(), gauss_newton, 1e-14)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_drawn_fisher_matrix_is_right_on_average(name: str) -> None:
    problem = case(name)
    generator = torch.Generator().manual_seed(3)
    unit = "token" if name in SEQUENCES else "example"
    drawn = Fisher(problem.model, problem.loss, problem.data, samples=3000, generator=generator, unit=unit)
    exact = GaussNewton(problem.model, problem.loss, problem.data).dense()
    vector = torch.randn(exact.shape[0], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(torch.dist(drawn @ vector, exact @ vector)) < 0.15 * float(torch.linalg.norm(exact @ vector))
    assert torch.equal(drawn @ vector, drawn @ vector)  # drawn once


def gradients_by_hand(problem: Case, unit: Unit) -> Tensor:
    """The gradient of each datum [n, P], one backward pass each, scaled so that their mean is the gradient of the loss."""
    outputs, targets = problem.outputs(point := problem.point.requires_grad_()), problem.data[1]
    if unit is Unit.TOKEN:
        logits = outputs.movedim(1, -1) if problem.loss is not sequence_loss else outputs
        terms = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")[targets.flatten() != -100]
        weights = torch.ones(len(terms))
    elif targets.dim() > 1 and not targets.is_floating_point():
        logits = outputs.movedim(1, -1) if problem.loss is not sequence_loss else outputs
        pieces = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").reshape(targets.shape)
        terms = pieces.sum(1) / (targets != -100).sum() * len(targets)
        weights = torch.ones(len(terms))
    else:
        terms, weights = torch.stack([problem.loss(o[None], t[None]) for o, t in zip(outputs, targets, strict=True)]), None
        if isinstance(problem.loss, nn.CrossEntropyLoss) and problem.loss.weight is not None and not targets.is_floating_point():
            weights = problem.loss.weight[targets]
            weights = weights / weights.mean()
        elif "ignore_index" in getattr(problem.loss, "keywords", {}):
            counted = targets != 1
            terms, weights = terms.nan_to_num(0), counted / counted.double().mean()
    rows = [torch.autograd.grad(term, point, retain_graph=True)[0] for term in terms]
    return torch.stack(rows) * (1 if weights is None else weights[:, None])


@pytest.mark.parametrize(("name", "unit"), [(n, Unit.EXAMPLE) for n in CASES] + [(n, Unit.TOKEN) for n in SEQUENCES])
def test_the_empirical_fisher_matrix_is_the_mean_of_squared_gradients(name: str, unit: Unit) -> None:
    problem = case(name)
    gradients = gradients_by_hand(problem, unit).nan_to_num(0)
    matrix = EmpiricalFisher(problem.model, problem.loss, problem.data, unit=unit)
    assert close(matrix.dense(), gradients.T @ gradients / len(gradients))
    assert matrix.unit is unit and matrix.data_count == len(gradients)
    (gradient,) = torch.autograd.grad(problem.loss_at(problem.outputs(point := problem.point.requires_grad_())), point)
    assert close(gradients.mean(0), gradient)


@pytest.mark.parametrize("name", [name for name in CASES if name != "two inputs"])
@pytest.mark.parametrize("kind", [Hessian, GaussNewton, EmpiricalFisher])
def test_batches_give_the_matrix_of_all_data(name: str, kind: type[Hessian]) -> None:
    problem = case(name)
    inputs, targets = problem.data
    options = {"unit": "token"} if name in SEQUENCES else {}
    if name == "transformer ignoring":
        assert not torch.equal((targets[:1] != -100).sum(), (targets[1:] != -100).sum())  # weights differ from counts
    whole = kind(problem.model, problem.loss, problem.data, **options).dense()
    batches = [(inputs[:1], targets[:1]), (inputs[1:], targets[1:])]
    kept = kind(problem.model, problem.loss, batches, **options)
    streamed = kind(problem.model, problem.loss, batches, retain=False, **options)
    once = kind(problem.model, problem.loss, iter(batches), **options)
    assert kept.retained and not streamed.retained
    for operator in (kept, streamed, once):
        assert close(operator.dense(), whole, 1e-12)


def test_a_loader_that_shuffles_gives_the_matrix_of_all_data() -> None:
    problem = case("layer norm")
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*problem.data), batch_size=4, shuffle=True)
    for kind in (Hessian, GaussNewton, EmpiricalFisher):
        operator = kind(problem.model, problem.loss, loader)
        assert not operator.retained
        assert close(operator.dense(), kind(problem.model, problem.loss, problem.data).dense(), 1e-12)


def test_float32_products_are_as_accurate_as_they_say() -> None:
    for name in ("layer norm", "transformer", "convolution"):
        problem = case(name)
        vector = torch.randn(len(problem.point), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        exact = Hessian(problem.model, problem.loss, problem.data) @ vector
        inputs = problem.data[0].float() if problem.data[0].is_floating_point() else problem.data[0]
        single = Hessian(problem.model.float(), problem.loss, (inputs, problem.data[1]))
        gap = float(torch.dist(single @ vector, exact) / torch.linalg.norm(exact))
        assert gap < 30 * single.accuracy and single.accuracy < 1e-5
        assert single.dtype is torch.float32 and (single @ vector).dtype is torch.float64
