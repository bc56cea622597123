"""Norms, Gram matrices, projections and gradients of single examples, against one backward pass for each example."""

from __future__ import annotations

import copy
import functools
import resource
from typing import Any

import pytest
import torch
from curvature_models import CASES, Channels, Transformer, case, classes, network, numbers
from per_example_oracle import by_hand, rows
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import (
    EmpiricalFisher,
    PerDatum,
    Unit,
    per_example_gradients,
    per_example_gram,
    per_example_norms,
    per_example_projections,
)
from certify.estimators.per_example import gram, pieces
from certify.estimators.per_example.engine import Engine

SEQUENCES = ["transformer", "transformer ignoring"]
close = functools.partial(torch.testing.assert_close, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_norms_are_those_of_single_backward_passes(name: str) -> None:
    made = case(name)
    reference = by_hand(made.model, made.loss, made.data)
    for order in (1, 2):
        found = per_example_norms(made.model, made.loss, made.data, by_parameter=True, order=order)
        for parameter, gradients in reference.items():
            close(found[parameter], torch.linalg.vector_norm(gradients.flatten(1), order, dim=1))
        whole = per_example_norms(made.model, made.loss, made.data, order=order)
        close(whole, torch.linalg.vector_norm(rows(reference), order, dim=1))
        assert float(whole.max()) > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_gradients_inner_products_and_projections_are_those_of_single_backward_passes(name: str) -> None:
    made = case(name)
    reference = rows(by_hand(made.model, made.loss, made.data))
    found = per_example_gradients(made.model, made.loss, made.data)
    close(found.matrix(), reference)
    dear = {name for name, route in found.routes.items() if not route.startswith("from the inputs and cotangents")}
    assert not dear or name in ("recurrent", "two inputs")
    close(per_example_gram(made.model, made.loss, made.data), reference @ reference.T)
    directions = numbers(reference.shape[1], 3, seed=7)
    close(per_example_projections(made.model, made.loss, made.data, directions), reference @ directions)
    close(per_example_projections(made.model, made.loss, made.data, directions[:, 0]), reference @ directions[:, 0])


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_loss_of_one_token_has_a_gradient_of_its_own(name: str) -> None:
    made = case(name)
    inputs, targets = made.data
    single = []
    for n in range(len(targets)):
        for t in range(targets.shape[1]):
            lone = torch.full_like(targets[n : n + 1], -100)
            lone[0, t] = targets[n, t]
            single.append(rows(by_hand(made.model, made.loss, (inputs[n : n + 1], lone))))
    reference = torch.cat(single)
    found = per_example_norms(made.model, made.loss, made.data, unit="token")
    assert found.unit is Unit.TOKEN and len(found) == targets.numel()
    close(found, reference.norm(dim=1))
    close(per_example_gram(made.model, made.loss, made.data, unit="token"), reference @ reference.T)
    close(per_example_gradients(made.model, made.loss, made.data, unit="token", chunk=2).matrix(), reference)
    counted = targets.flatten() != -100
    trace = EmpiricalFisher(made.model, made.loss, made.data, unit="token").dense().trace()
    close(found[counted].square().mean(), trace)


def test_the_mean_square_norm_is_the_trace_of_the_empirical_fisher_matrix() -> None:
    made = case("convolution")
    trace = EmpiricalFisher(made.model, made.loss, made.data).dense().trace()
    close(per_example_norms(made.model, made.loss, made.data).square().mean(), trace)


@pytest.mark.parametrize("name", ["convolution", "transformer ignoring", "recurrent", "tied", "two inputs"])
def test_a_loader_gives_what_one_batch_gives(name: str) -> None:
    made = case(name)
    inputs, targets = made.data
    several = isinstance(inputs, tuple)
    batches = [
        (tuple(part[cut] for part in inputs) if several else inputs[cut], targets[cut])
        for cut in (slice(0, 1), slice(1, 3), slice(3, None))
        if len(targets[cut])
    ]
    close(per_example_norms(made.model, made.loss, batches), per_example_norms(made.model, made.loss, made.data))
    whole = per_example_gram(made.model, made.loss, made.data)
    close(per_example_gram(made.model, made.loss, batches), whole)
    close(per_example_gram(made.model, made.loss, batches, against=made.data), whole)


def test_inner_products_with_other_data_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = case("transformer"), (classes(5, 2, 4, seed=21), classes(3, 2, 4, seed=22))
    left, right = (rows(by_hand(made.model, made.loss, data)) for data in (made.data, other))
    close(per_example_gram(made.model, made.loss, made.data, against=other), left @ right.T)
    batches = [(made.data[0][n : n + 1], made.data[1][n : n + 1]) for n in range(3)]
    parts = per_example_gram(made.model, made.loss, made.data, by_parameter=True)
    close(sum(parts.values()), left @ left.T)
    monkeypatch.setattr(gram, "HELD", 1)
    monkeypatch.setattr(pieces, "CHUNK", 8)
    close(per_example_gram(made.model, made.loss, batches), left @ left.T)
    close(per_example_gram(made.model, made.loss, batches, against=other), left @ right.T)
    close(per_example_norms(made.model, made.loss, batches), left.norm(dim=1))


@pytest.mark.parametrize("name", ["transformer", "convolution", "tied", "cross-entropy"])
def test_only_some_parameters(name: str) -> None:
    made = case(name)
    reference = by_hand(made.model, made.loss, made.data)
    chosen = [parameter for parameter in reference if parameter.endswith("weight")]
    for parameter in made.model.parameters():
        parameter.requires_grad_(False)
    found = per_example_norms(made.model, made.loss, made.data, by_parameter=True, parameters=chosen)
    assert list(found) == chosen
    for parameter in chosen:
        close(found[parameter], reference[parameter].flatten(1).norm(dim=1))


def test_gradients_come_in_chunks_and_by_name() -> None:
    made = case("layer norm")
    gradients = per_example_gradients(made.model, made.loss, made.data, chunk=4)
    reference = by_hand(made.model, made.loss, made.data)
    assert len(gradients) == 6 and gradients.unit is Unit.EXAMPLE and set(gradients.routes) == set(reference)
    found = list(gradients)
    assert [len(chunk["0.weight"]) for chunk in found] == [4, 2]
    for name, expected in reference.items():
        close(torch.cat([chunk[name] for chunk in found]), expected)
    close(torch.cat([rows(chunk) for chunk in gradients]), gradients.matrix())  # a second pass
    with pytest.raises(ValueError, match="chunk is a positive number"):
        per_example_gradients(made.model, made.loss, made.data, chunk=0)


def test_projections_on_named_directions() -> None:
    made = case("layer norm")
    reference = by_hand(made.model, made.loss, made.data)
    one = {name: numbers(*gradient.shape[1:], seed=3) for name, gradient in reference.items()}
    along = sum((reference[name] * one[name]).flatten(1).sum(1) for name in one)
    close(per_example_projections(made.model, made.loss, made.data, one), along)
    two = {name: torch.stack([value, 2 * value], -1) for name, value in one.items()}
    close(per_example_projections(made.model, made.loss, made.data, two)[:, 1], 2 * along)
    for wrong, message in (
        (numbers(5), "do not fit 39 parameters"),
        (torch.ones(39, dtype=torch.int64), "no finite floating-point"),
        ({"0.weight": one["0.weight"]}, "missing 0.bias"),
        (0, "number of directions is positive"),
    ):
        with pytest.raises(ValueError, match=message):
            per_example_projections(made.model, made.loss, made.data, wrong)


def test_random_directions_keep_inner_products_and_come_from_the_generator() -> None:
    made, state = case("transformer"), torch.get_rng_state()

    def drawn(seed: int | None, data: Any = made.data) -> Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return per_example_projections(made.model, made.loss, data, 4096, generator=generator)

    found, inner = drawn(1), per_example_gram(made.model, made.loss, made.data)
    assert found.shape == (3, 4096)
    scale = inner.diagonal().max()
    assert float((found @ found.T - inner).abs().max() / scale) < 0.1
    close(drawn(1, [(made.data[0][n : n + 1], made.data[1][n : n + 1]) for n in range(3)]), found)
    assert not torch.equal(drawn(2), found) and not torch.equal(drawn(None), drawn(None))
    assert torch.equal(state, torch.get_rng_state())


def test_sums_in_float64_of_gradients_in_float32() -> None:
    """The gradients are rounded in float32 either way: what differs is the sum of their squares."""
    model = nn.Linear(100_000, 1, bias=False)
    inputs = torch.full((4, 100_000), 0.1)
    targets = torch.zeros(4, 1)
    with torch.no_grad():
        slope = 2 * model(inputs)
    exact = (slope.double() ** 2 * (inputs.double() ** 2).sum(1, keepdim=True)).sqrt()[:, 0]
    wide = per_example_norms(model, nn.MSELoss(), (inputs, targets), accumulate=torch.float64)
    torch.testing.assert_close(wide, exact, rtol=1e-12, atol=0)
    narrow = per_example_norms(model, nn.MSELoss(), (inputs, targets))
    torch.testing.assert_close(narrow, exact, rtol=1e-4, atol=0)
    assert not torch.equal(narrow, wide)
    with pytest.raises(ValueError, match="accumulate is a floating-point type"):
        per_example_norms(model, nn.MSELoss(), (inputs, targets), accumulate=torch.int64)


def test_sums_over_pairs_that_cancel_are_formed() -> None:
    """Two positions whose gradients nearly cancel: a sum over pairs would lose all digits."""

    class Difference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(40, 40, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x)
            return (y[:, 0] - y[:, 1]) * 1e6

    model = Difference().double()
    inputs = numbers(4, 1, 40).repeat(1, 2, 1)
    inputs[:, 1] += 1e-7 * numbers(4, 40, seed=5)
    data = (inputs, numbers(4, 40, seed=6))
    reference = rows(by_hand(model, nn.MSELoss(), data))
    torch.testing.assert_close(per_example_norms(model, nn.MSELoss(), data), reference.norm(dim=1), rtol=1e-7, atol=0)
    inner = per_example_gram(model, nn.MSELoss(), data)
    torch.testing.assert_close(inner, reference @ reference.T, rtol=1e-6, atol=1e-9 * float(inner.max()))


def test_what_comes_back_knows_its_unit_and_is_a_tensor() -> None:
    made = network().double()
    found = per_example_norms(made, nn.CrossEntropyLoss(), (numbers(4, 3), classes(3, 4)))
    assert isinstance(found, PerDatum) and found.unit is Unit.EXAMPLE and found.dtype is torch.float64
    assert type(found + 1) is Tensor and type(found[:2]) is Tensor and not found.requires_grad
    again = copy.deepcopy(found)
    assert again.unit is Unit.EXAMPLE and torch.equal(again, found)
    with pytest.raises(ValueError, match="order of a norm is 1 or 2"):
        per_example_norms(made, nn.CrossEntropyLoss(), (numbers(4, 3), classes(3, 4)), order=3)  # type: ignore[call-overload]


def test_nothing_of_the_users_is_touched() -> None:
    made = case("transformer")
    made.model.zero_grad()
    state = {name: value.clone() for name, value in made.model.state_dict().items()}
    with torch.no_grad():
        per_example_norms(made.model, made.loss, made.data)
    assert all(parameter.grad is None for parameter in made.model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in made.model.state_dict().items())
    assert not any(module._forward_hooks for module in made.model.modules())


def test_a_forward_pass_in_half_precision() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Channels(Transformer())

        def forward(self, tokens: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner(tokens).float()

    made, data = Half(), (classes(5, 6, 4), classes(3, 6, 4))
    reference = rows(by_hand(made, nn.CrossEntropyLoss(), data))
    found = per_example_norms(made, nn.CrossEntropyLoss(), data)
    torch.testing.assert_close(found.float(), reference.norm(dim=1), rtol=0.05, atol=0)
    plain = per_example_norms(made.inner, F.cross_entropy, data)
    torch.testing.assert_close(found, plain, rtol=0.05, atol=0)


class Stored(nn.Module):
    """Reads its input in the order of memory, which is another where channels lie last."""

    def forward(self, x: Tensor) -> Tensor:
        return x.as_strided(x.shape, torch.empty(x.shape).stride())


class Viewed(nn.Module):
    """Flattens by a view, which memory in another order does not take."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1)


@pytest.mark.parametrize(
    ("between", "after", "moved"),
    [(nn.ReLU(), nn.Flatten(), True), (Stored(), nn.Flatten(), False), (nn.ReLU(), Viewed(), False)],
    ids=["plain", "order of memory", "view"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_channels_lie_last_only_where_the_model_gives_the_same(
    between: nn.Module, after: nn.Module, moved: bool, channels: int
) -> None:
    torch.manual_seed(0)
    strides: list[tuple[int, ...]] = []
    model = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), between, nn.Conv2d(4, 2, 3), after, nn.Linear(8, 3))
    model[2].register_forward_pre_hook(lambda layer, inputs: strides.append(inputs[0].stride()))
    data = torch.randn(6, channels, 4, 4), torch.arange(6) % 3
    assert Engine(model, nn.CrossEntropyLoss(), data).channels_last is moved
    expected = rows(by_hand(model, nn.CrossEntropyLoss(), data)).norm(dim=1).double()
    torch.testing.assert_close(torch.Tensor(per_example_norms(model, nn.CrossEntropyLoss(), data)), expected, rtol=1e-5, atol=0)
    if between.__class__ is nn.ReLU:
        assert (strides[-1][1] == 1) is moved, (
            "one channel lies last and first at once, and must not keep the next layers from it"
        )


def test_the_matrix_of_all_gradients_is_never_held() -> None:
    """It would take 2 GB for the linear layer and more for the embedding; a few hundred megabytes are used."""

    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.inner, self.head = nn.Embedding(40_000, 32), nn.Linear(1000, 1000), nn.Linear(1000, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.tanh(self.inner(F.pad(self.words(x).flatten(1), (0, 1000 - 64)))))

    model, data = Large(), (classes(40_000, 500, 2), classes(3, 500))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    norms = per_example_norms(model, nn.CrossEntropyLoss(), data)
    per_example_norms(model, nn.CrossEntropyLoss(), data, order=1)
    inner = per_example_gram(model, nn.CrossEntropyLoss(), data)
    per_example_projections(model, nn.CrossEntropyLoss(), data, torch.ones(sum(p.numel() for p in model.parameters())))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 500_000  # KiB
    torch.testing.assert_close(inner.diagonal().sqrt(), norms, rtol=1e-4, atol=0)
    first = rows(by_hand(model, nn.CrossEntropyLoss(), (data[0][:3], data[1][:3])))
    torch.testing.assert_close(norms[:3].float(), first.norm(dim=1), rtol=1e-4, atol=0)
