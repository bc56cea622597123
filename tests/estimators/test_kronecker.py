"""Kronecker-factored approximations: exact where they must be, closer by EKFAC, useful in solves, and never a result."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import pytest
import torch
from spectra import generator
from torch import Tensor, nn
from torch.nn import functional

from certify.bounds import Bound, WrongSide
from certify.estimators import (
    EmpiricalFisher,
    Fisher,
    GaussNewton,
    Guess,
    Hessian,
    KroneckerFactored,
    OperatorRefused,
    largest_eigenvalue,
    solve,
    trace,
)
from certify.proofs.sides import Side

KINDS = ("kfac", "ekfac")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def network(*layers: nn.Module) -> nn.Module:
    """In float64, with parameters away from where they start."""
    model = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            parameter.add_(0.3 * random(*parameter.shape, seed=index))
    return model


def dense(factored: KroneckerFactored) -> Tensor:
    """The approximation as a matrix, by the inverse of the inverse that it applies."""
    size, damping = factored.problem.layout.size, 0.01
    inverse = factored.precondition(torch.eye(size, dtype=torch.float64), damping)
    assert torch.allclose(inverse, inverse.T, atol=1e-12 / damping)
    return torch.linalg.inv(inverse) - damping * torch.eye(size, dtype=torch.float64)


def blocks(factored: KroneckerFactored) -> list[slice]:
    """The entries of each factored layer (weight and bias lie together)."""
    slices = factored.problem.layout.slices()
    return [slice(slices[f.weight].start, slices[f.bias or f.weight].stop) for f in factored.factors]


def close(left: Tensor, right: Tensor, relative: float = 1e-9) -> bool:
    return float((left - right).norm()) <= relative * float(right.norm())


# ---------------------------------------------------------------- exact where Kronecker factors are


@pytest.mark.parametrize("kind", KINDS)
def test_a_deep_linear_network_with_a_squared_loss_is_exact_layer_by_layer(kind: Any) -> None:
    """The cotangents do not depend on the datum there, so each block is one Kronecker product."""
    model, data = network(nn.Linear(3, 4), nn.Linear(4, 3, bias=False), nn.Linear(3, 2)), (random(7, 3), random(7, 2, seed=1))
    factored, truth = KroneckerFactored(model, nn.MSELoss(), data, kind=kind), GaussNewton(model, nn.MSELoss(), data).dense()
    found = dense(factored)
    for entries in blocks(factored):
        assert close(found[entries, entries], truth[entries, entries])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (nn.CrossEntropyLoss(), torch.tensor([1])),
        (nn.CrossEntropyLoss(label_smoothing=0.1), torch.tensor([2])),
        (nn.MSELoss(), random(1, 3, seed=2)),
        (nn.BCEWithLogitsLoss(), torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64)),
        (nn.PoissonNLLLoss(), torch.tensor([[0.0, 2.0, 1.0]], dtype=torch.float64)),
        (lambda outputs, targets: (outputs - targets).pow(4).mean(), random(1, 3, seed=3)),
    ],
)
def test_one_datum_under_any_loss_is_exact_layer_by_layer(kind: Any, loss: Any, targets: Tensor) -> None:
    model, data = network(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), (random(1, 4), targets)
    factored, truth = KroneckerFactored(model, loss, data, kind=kind), GaussNewton(model, loss, data).dense()
    found = dense(factored)
    for entries in blocks(factored):
        assert close(found[entries, entries], truth[entries, entries], 1e-7)


def test_the_sides_of_the_product_are_not_exchanged() -> None:
    """Negative control: the same factors in the other order are far from the curvature."""
    model, data = (
        network(nn.Linear(3, 3, bias=False)),
        (random(7, 3) * torch.tensor([3.0, 1.0, 0.1]).double(), random(7, 3, seed=1)),
    )
    factored, truth = KroneckerFactored(model, nn.MSELoss(), data, kind="kfac"), GaussNewton(model, nn.MSELoss(), data).dense()
    found = dense(factored)
    swapped = found.reshape(3, 3, 3, 3).permute(1, 0, 3, 2).reshape(9, 9)
    assert close(found, truth) and not close(swapped, truth, 0.5)


@pytest.mark.parametrize("fisher", ["monte-carlo", "empirical"])
def test_the_other_fisher_matrices_of_one_datum(fisher: Any) -> None:
    model, data = network(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), (random(1, 4), torch.tensor([1]))
    loss = nn.CrossEntropyLoss()
    factored = KroneckerFactored(model, loss, data, kind="kfac", fisher=fisher, samples=4000, generator=generator(0))
    truth = (EmpiricalFisher if fisher == "empirical" else Fisher)(model, loss, data).dense()
    found = dense(factored)
    for entries in blocks(factored):
        assert close(found[entries, entries], truth[entries, entries], 1e-7 if fisher == "empirical" else 0.1)


def test_the_empirical_one_is_a_mean_over_the_data_of_all_batches() -> None:
    """By the diagonal of EKFAC in the basis of a layer with one output and one input, where it is the block itself."""
    model, loss = network(nn.Linear(1, 1, bias=False)), nn.MSELoss()
    inputs, targets = random(7, 1), random(7, 1, seed=1)
    split = [(inputs[:3], targets[:3]), (inputs[3:], targets[3:])]
    truth = float(EmpiricalFisher(model, loss, (inputs, targets)).dense())
    for data in ((inputs, targets), split):
        factored = KroneckerFactored(model, loss, data, kind="ekfac", fisher="empirical")
        assert float(dense(factored)) == pytest.approx(truth, rel=1e-9)


# ---------------------------------------------------------------- EKFAC

MODELS = {
    "linear": lambda: (network(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), random(9, 4)),
    "convolution": lambda: (
        network(nn.Conv2d(2, 3, 3, padding=1, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)), random(6, 2, 4, 4)
    ),
    "groups": lambda: (network(nn.Conv1d(4, 4, 2, groups=2, dilation=2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3)), random(6, 4, 4)),
    "tokens": lambda: (network(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Flatten(), nn.Linear(6, 3)), random(6, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("sharing", ["expand", "reduce"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_ekfac_has_the_diagonal_of_the_curvature_in_the_basis_of_kfac_and_is_no_further_from_it(name: str, sharing: Any) -> None:
    model, inputs = MODELS[name]()
    data, loss = (inputs, torch.randint(3, (len(inputs),), generator=generator(1))), nn.CrossEntropyLoss()
    truth = GaussNewton(model, loss, data).dense()
    plain, corrected = (KroneckerFactored(model, loss, data, kind=kind, sharing=sharing) for kind in KINDS)
    nearer = 0
    for one, other, entries in zip(plain.factors, corrected.factors, blocks(plain), strict=True):
        block = truth[entries, entries]
        far, near = (float((dense(held)[entries, entries] - block).norm()) for held in (plain, corrected))
        assert near <= far * (1 + 1e-9)
        nearer += near < 0.98 * far
        best = _best_diagonal(one, block)
        assert torch.allclose(other.values, best, rtol=1e-6, atol=1e-10 * float(best.max()))
    assert nearer


def _best_diagonal(factors: Any, block: Tensor) -> Tensor:
    """The diagonal of a dense block in the eigenbasis of the factors, group by group."""
    groups, outputs, inputs = factors.values.shape
    weights = factors.shape.numel()
    own = torch.arange(weights).reshape(groups, outputs, -1)
    if factors.bias is not None:
        own = torch.cat([own, weights + torch.arange(groups * outputs).reshape(groups, outputs, 1)], dim=2)
    result = torch.zeros_like(factors.values)
    for group in range(groups):
        basis = torch.kron(factors.left[group], factors.right[group])
        places = own[group].reshape(-1)
        result[group] = (basis.T @ block[places][:, places] @ basis).diagonal().reshape(outputs, inputs)
    return result


def test_batches_of_unequal_sizes_give_the_factors_of_all_data() -> None:
    model, inputs = MODELS["linear"]()
    targets, loss = torch.randint(3, (9,), generator=generator(1)), nn.CrossEntropyLoss()
    split = [(inputs[:2], targets[:2]), (inputs[2:], targets[2:])]
    for kind in KINDS:
        one, two = (KroneckerFactored(model, loss, data, kind=kind) for data in ((inputs, targets), split))
        assert close(dense(one), dense(two))


# ---------------------------------------------------------------- the rest has its diagonal


class Mixed(nn.Module):
    """Embeddings, normalisation, a tied weight and a parameter without a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.norm, self.head = nn.Embedding(5, 3), nn.LayerNorm(3), nn.Linear(3, 2)
        self.shift, self.scale = nn.Parameter(torch.ones(3)), nn.BatchNorm1d(3)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.norm(self.word(tokens) + self.shift).tanh().sum(1)
        result: Tensor = self.head(self.scale(hidden).tanh())
        return result


def test_embeddings_and_norms_have_the_diagonal_of_the_curvature_and_the_rest_an_estimate_of_it() -> None:
    torch.manual_seed(0)
    model = Mixed().double().eval()
    data, loss = (torch.randint(5, (40, 2), generator=generator(0)), random(40, 2)), nn.MSELoss()
    factored = KroneckerFactored(model, loss, data, kind="kfac", generator=generator(2))
    diagonal = GaussNewton(model, loss, data).dense().diagonal()
    slices = factored.problem.layout.slices()
    assert factored.routes["head.weight"] == "Kronecker" and set(factored.diagonals) == set(slices) - {"head.weight", "head.bias"}
    for name in ("word.weight", "norm.weight", "norm.bias", "scale.weight", "scale.bias"):
        assert factored.routes[name] == "diagonal"
        assert torch.allclose(factored.diagonals[name].flatten(), diagonal[slices[name]], rtol=1e-8, atol=1e-12)
    assert factored.routes["shift"] == "diagonal by random signs"
    total = float(diagonal[slices["shift"]].sum())
    assert 0.3 * total < float(factored.diagonals["shift"].sum()) < 3 * total


def test_tied_weights_and_attention_are_not_factored_but_serve() -> None:
    torch.manual_seed(0)
    encoder = nn.TransformerEncoderLayer(4, 2, dim_feedforward=5, dropout=0.0, batch_first=True)
    model = nn.Sequential(encoder, nn.Flatten(), nn.Linear(12, 2)).double().eval()
    data, loss = (random(6, 3, 4), random(6, 2, seed=1)), nn.MSELoss()
    factored = KroneckerFactored(model, loss, data, kind="ekfac", generator=generator(0))
    assert (
        factored.routes["0.self_attn.in_proj_weight"]
        == factored.routes["0.self_attn.out_proj.weight"]
        == "diagonal by random signs"
    )
    assert factored.routes["0.linear1.weight"] == "Kronecker"
    tied = network(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    held = KroneckerFactored(tied, loss, (random(6, 3), random(6, 3, seed=1)), kind="kfac")
    assert held.routes == {"0.weight": "diagonal", "0.bias": "diagonal", "2.bias": "diagonal"}
    truth = GaussNewton(tied, loss, (random(6, 3), random(6, 3, seed=1))).dense().diagonal()
    assert torch.allclose(torch.cat([held.diagonals[name].flatten() for name in held.routes]), truth)


def test_some_parameters_only_and_a_model_that_keeps_its_state() -> None:
    model, inputs = MODELS["linear"]()
    before = copy.deepcopy(model.state_dict())
    data, loss = (inputs, torch.randint(3, (9,), generator=generator(1))), nn.CrossEntropyLoss()
    weight_only = KroneckerFactored(model, loss, data, kind="kfac", parameters="0.weight")
    assert weight_only.factors[0].bias is None and weight_only.precondition(torch.ones(20).double(), 0.1).shape == (20,)
    bias_only = KroneckerFactored(model, loss, data, kind="kfac", parameters="0.bias")
    assert bias_only.routes == {"0.bias": "diagonal"}
    truth = GaussNewton(model, loss, data, parameters="0.bias").dense().diagonal()
    assert torch.allclose(bias_only.diagonals["0.bias"], truth)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(layer._forward_hooks for layer in model.modules())


# ---------------------------------------------------------------- in solves


def trained() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """A softmax regression after some steps of training, on inputs of very different scales: there one factor is nearly all."""
    model = network(nn.Linear(20, 4))
    inputs = random(80, 20) * torch.logspace(-2, 1, 20, dtype=torch.float64)
    targets = (inputs @ random(20, 4, seed=5)).argmax(1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimiser.step()
    return model, (inputs, targets)


@pytest.mark.parametrize("method", ["cg", "minres"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_preconditioned_solve_takes_fewer_products_and_is_certified_by_the_same_residual(method: Any, kind: Any) -> None:
    model, data = trained()
    loss, damping = nn.CrossEntropyLoss(), 1e-4
    curvature, factored = GaussNewton(model, loss, data), KroneckerFactored(model, loss, data, kind=kind)
    target = random(curvature.shape[0], 2, seed=3)
    truth = torch.linalg.solve(curvature.dense() + damping * torch.eye(len(target), dtype=torch.float64), target)
    plain = solve(curvature, target, damping=damping, method=method, rtol=1e-8)
    guess = factored.solve(target, damping)
    helped = solve(curvature, target, damping=damping, method=method, rtol=1e-8, preconditioner=factored, start=guess)
    assert helped.result.name == plain.result.name == "CONVERGED" and helped.products < 0.8 * plain.products
    for solved in (plain, helped):
        residual = target - curvature @ solved.value - damping * solved.value
        assert torch.allclose(residual.norm(dim=0), solved.residual, rtol=1e-2)
        assert bool((solved.residual <= 1e-8 * target.norm(dim=0)).all()) and solved.error is not None
        away = float((solved.value - truth).norm(dim=0).max())
        assert away <= solved.error.value <= 1.1 * float(solved.residual.max()) / damping + 1e-9
    assert guess.start.norm() > 0 and not torch.equal(guess.start, helped.value)


def test_a_wrong_preconditioner_costs_products_and_nothing_else() -> None:
    """The residual that counts is that of the equations: in the norm of this preconditioner it would be small at once."""
    model, data = trained()
    curvature, target = GaussNewton(model, nn.CrossEntropyLoss(), data), random(84, seed=4)
    skewed = torch.logspace(-6, 0, 84, dtype=torch.float64)
    for method in ("cg", "minres"):
        solved = solve(curvature, target, damping=0.1, method=method, rtol=1e-6, preconditioner=lambda b: skewed[:, None] * b)
        residual = float((target - curvature @ solved.value - 0.1 * solved.value).norm() / target.norm())
        assert (solved.result.name == "CONVERGED") == (residual <= 1e-6) and solved.error is not None
        assert float(solved.residual / target.norm()) == pytest.approx(residual, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-40, 1e40])
def test_the_scale_of_a_preconditioner_does_not_matter(scale: float) -> None:
    curvature, target = GaussNewton(*_single()), random(6, seed=4)
    for method in ("cg", "minres"):
        solved = solve(curvature, target, damping=0.1, method=method, rtol=1e-10, preconditioner=lambda b: scale * b)
        assert solved.result.name == "CONVERGED", (method, solved.result)


def _single() -> Any:
    return network(nn.Linear(2, 2)), nn.MSELoss(), (random(9, 2), random(9, 2, seed=1))


def test_starts_good_and_bad() -> None:
    model, loss, data = _single()
    curvature, target = GaussNewton(model, loss, data), random(6, seed=4)
    exact = solve(curvature, target, damping=0.1, method="direct", rtol=1e-12).value
    for method in ("cg", "minres"):
        run = partial(solve, curvature, target, damping=0.1, method=method, rtol=1e-10)
        assert run(start=exact).result.name == "CONVERGED" and run(start=exact).products < 6  # its residual is all there is to do
        far = run(start=1e9 * torch.ones(6).double())
        assert far.result.name == "CONVERGED" and far.history[0].residual == far.history[1].residual == 1.0  # zero was better
    with pytest.raises(ValueError, match="the start has the shape"):
        solve(curvature, target, damping=0.1, rtol=1e-3, start=torch.ones(5).double())
    with pytest.raises(ValueError, match="the start has entries that are not finite"):
        solve(curvature, target, damping=0.1, rtol=1e-3, start=math.nan * target)
    with pytest.raises(ValueError, match="a start is for cg and minres"):
        solve(curvature, target, damping=0.1, rtol=1e-3, method="direct", start=target)
    with pytest.raises(ValueError, match="damping of a Kronecker-factored preconditioner is positive"):
        solve(curvature, target, rtol=1e-3, preconditioner=KroneckerFactored(model, loss, data, kind="kfac"))


# ---------------------------------------------------------------- never a result


def test_it_is_no_operator_and_no_number_and_its_guess_is_no_result() -> None:
    model, loss, data = _single()
    factored = KroneckerFactored(model, loss, data, kind="ekfac")
    for ask in (
        lambda: largest_eigenvalue(factored, failure_probability=0.1),
        lambda: trace(factored, failure_probability=0.1, probes=3),
        lambda: solve(factored, torch.ones(6).double(), damping=0.1, rtol=1e-3),
        lambda: factored @ torch.ones(6).double(),
        lambda: float(factored),
    ):
        with pytest.raises(TypeError, match="is a preconditioner"):
            ask()
    guess = factored.solve(torch.ones(6).double(), 0.1)
    assert isinstance(guess, Guess) and not isinstance(guess, (Tensor, Bound)) and not hasattr(guess, "error")
    for use in (lambda: guess + 1, lambda: float(guess), lambda: torch.sum(guess), lambda: Bound(guess, Side.UPPER)):
        with pytest.raises((TypeError, WrongSide)):
            use()
    assert "a start for solve, no solution" in repr(guess)


# ---------------------------------------------------------------- refusals


def test_refusals_name_the_remedy() -> None:
    model, loss, data = _single()
    for arguments, words in (
        ({"kind": "kfc"}, "kind is one of kfac, ekfac"),
        ({"kind": "kfac", "fisher": "exact"}, "fisher is one of"),
        ({"kind": "kfac", "sharing": "all"}, "sharing is one of"),
        ({"kind": "kfac", "samples": 0}, "samples is a positive integer"),
    ):
        with pytest.raises(ValueError, match=words):
            KroneckerFactored(model, loss, data, **arguments)
    wide = network(nn.Linear(2, 300))
    with pytest.raises(OperatorRefused, match=r"300 outputs.*pass fisher='monte-carlo'"):
        KroneckerFactored(wide, nn.MSELoss(), (random(3, 2), random(3, 300)), kind="kfac")
    quartic = lambda outputs, targets: (outputs - targets).pow(4).mean()  # noqa: E731
    with pytest.raises(OperatorRefused, match=r"log-likelihood.*pass fisher='type-2'"):
        KroneckerFactored(model, quartic, data, kind="kfac", fisher="monte-carlo")
    normal = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()
    with pytest.raises(OperatorRefused, match=r"model.eval\(\)"):
        KroneckerFactored(normal, loss, data, kind="kfac")
    factored = KroneckerFactored(model, loss, data, kind="kfac")
    with pytest.raises(ValueError, match=r"takes \[6\] or \[6, K\]"):
        factored.precondition(torch.ones(5).double(), 0.1)
    for damping in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="positive and finite"):
            factored.solve(torch.ones(6).double(), damping)


def test_the_same_generator_gives_the_same_factors() -> None:
    model, inputs = MODELS["linear"]()
    data = (inputs, torch.randint(3, (9,), generator=generator(1)))

    def made(seed: int) -> Tensor:
        return dense(
            KroneckerFactored(model, nn.CrossEntropyLoss(), data, kind="ekfac", fisher="monte-carlo", generator=generator(seed))
        )

    assert torch.equal(made(0), made(0)) and not torch.equal(made(0), made(1))


def test_a_hessian_is_preconditioned_too() -> None:
    model, data = trained()
    hessian, factored = (
        Hessian(model, nn.CrossEntropyLoss(), data),
        KroneckerFactored(model, nn.CrossEntropyLoss(), data, kind="ekfac"),
    )
    solved = solve(hessian, random(84, seed=4), damping=0.05, method="minres", rtol=1e-8, preconditioner=factored)
    assert solved.result.name == "CONVERGED" and solved.error is None


@pytest.mark.gpu
def test_factors_lie_where_the_model_lies() -> None:
    model, data = trained()
    plain = dense(KroneckerFactored(model, nn.CrossEntropyLoss(), data, kind="ekfac"))
    there = KroneckerFactored(model.cuda(), nn.CrossEntropyLoss(), tuple(part.cuda() for part in data), kind="ekfac")
    found = there.precondition(torch.eye(84, dtype=torch.float64).cuda(), 0.01)
    assert found.is_cuda and torch.allclose(torch.linalg.inv(found.cpu()) - 0.01 * torch.eye(84).double(), plain, atol=1e-8)
