"""Layers of many kinds: the gradients of single examples in each of their parameters, and the route that is taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from curvature_models import classes, numbers
from per_example_oracle import by_hand, rows
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from certify.estimators import OperatorRefused, per_example_gradients, per_example_gram, per_example_norms
from certify.estimators.per_example.engine import Engine
from certify.estimators.per_example.outer import Outer

STRUCTURED, SPREAD, MAPS = "from the inputs and cotangents of its layers", "from a copy", "from the inputs and cotangents of all"
LAYER, MODEL, SINGLE = "by vmap of its layer", "by vmap of the model", "by one backward pass"
N = 5


class Head(nn.Module):
    """A layer, a nonlinearity, and a sum that weighs every output differently."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Tensor) -> Tensor:
        hidden = self.layer(*inputs)
        hidden = torch.tanh(hidden[0] if isinstance(hidden, tuple) else hidden).flatten(1)
        return hidden * torch.linspace(0.5, 1.5, hidden.shape[1], dtype=hidden.dtype)


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss that knows nothing of the number of outputs."""
    return ((outputs.sum(1) - targets) ** 2).mean()


def check(model: nn.Module, inputs: tuple[Tensor, ...], routes: dict[str, str] | str) -> None:
    """Norms, l1 norms, gradients, inner products and projections, parameter by parameter; and the routes."""
    torch.manual_seed(3)
    model.double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    data = (inputs if len(inputs) > 1 else inputs[0], numbers(len(inputs[0]), seed=9))
    reference = by_hand(model, squares, data)
    found = per_example_gradients(model, squares, data)
    for name, gradients in reference.items():
        expected = routes if isinstance(routes, str) else next(words for part, words in routes.items() if part in name)
        assert found.routes[name].startswith(expected), (name, found.routes[name])
        one = {"model": model, "loss": squares, "data": data, "parameters": [name], "by_parameter": True}
        size, flat = max(float(gradients.abs().max()), 1e-3), gradients.reshape(len(gradients), -1)
        for order in (1, 2):
            norms = per_example_norms(**one, order=order)[name]
            torch.testing.assert_close(norms, torch.linalg.vector_norm(flat, order, dim=1), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(per_example_gram(**one)[name], flat @ flat.T, rtol=1e-10, atol=1e-10 * size**2)
    torch.testing.assert_close(found.matrix(), rows(reference), rtol=1e-10, atol=1e-12)


IMAGES, SERIES, VOLUMES = numbers(N, 4, 7, 6), numbers(N, 4, 9), numbers(N, 2, 4, 5, 3)
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], str | dict[str, str]]] = {
    "linear": (lambda: nn.Linear(3, 4), (numbers(N, 3),), STRUCTURED),
    "linear without bias": (lambda: nn.Linear(3, 4, bias=False), (numbers(N, 3),), STRUCTURED),
    "linear on a short sequence": (lambda: nn.Linear(30, 40), (numbers(N, 3, 30),), STRUCTURED),
    "linear on a long sequence": (lambda: nn.Linear(2, 3), (numbers(N, 50, 2),), STRUCTURED),
    "linear on a grid": (lambda: nn.Linear(3, 4), (numbers(N, 2, 3, 3),), STRUCTURED),
    "convolution 1d": (lambda: nn.Conv1d(4, 3, 3), (SERIES,), STRUCTURED),
    "convolution 1d, all options": (lambda: nn.Conv1d(4, 6, 2, stride=2, padding=3, dilation=3, groups=2), (SERIES,), STRUCTURED),
    "convolution 2d": (lambda: nn.Conv2d(4, 3, 3), (IMAGES,), STRUCTURED),
    "convolution 2d, strides": (lambda: nn.Conv2d(4, 3, (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2)), (IMAGES,), STRUCTURED),
    "convolution 2d, the same": (lambda: nn.Conv2d(4, 3, (5, 3), padding="same", dilation=(1, 2)), (IMAGES,), STRUCTURED),
    "convolution 2d, circular": (lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"), (IMAGES,), STRUCTURED),
    "convolution 2d, reflected": (lambda: nn.Conv2d(4, 3, 3, padding=2, padding_mode="reflect", bias=False), (IMAGES,), STRUCTURED),
    "convolution 2d, depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4), (IMAGES,), STRUCTURED),
    "convolution 2d, pointwise": (lambda: nn.Conv2d(4, 30, 1), (IMAGES[:, :, :2, :2],), STRUCTURED),
    "convolution 3d": (lambda: nn.Conv3d(2, 4, 2, groups=2, stride=(1, 2, 1), padding=1), (VOLUMES,), STRUCTURED),
    "transposed convolution": (lambda: nn.ConvTranspose2d(4, 3, 2), (IMAGES,), {"bias": LAYER, "weight": LAYER}),
    "embedding": (lambda: nn.Embedding(5, 3), (classes(5, N, 4),), STRUCTURED),
    "embedding, padded": (lambda: nn.Embedding(5, 3, padding_idx=1), (classes(5, N, 2, 4),), STRUCTURED),
    "embedding, by frequency": (lambda: nn.Embedding(5, 3, scale_grad_by_freq=True), (classes(5, N, 4),), LAYER),
    "layer norm": (lambda: nn.LayerNorm(4), (numbers(N, 4),), STRUCTURED),
    "layer norm on a sequence": (lambda: nn.LayerNorm((3, 4)), (numbers(N, 2, 3, 4),), STRUCTURED),
    "layer norm without bias": (lambda: nn.LayerNorm(4, bias=False), (numbers(N, 2, 4),), STRUCTURED),
    "rms norm": (lambda: nn.RMSNorm(4), (numbers(N, 2, 4),), STRUCTURED),
    "group norm": (lambda: nn.GroupNorm(2, 4), (IMAGES,), STRUCTURED),
    "batch norm": (lambda: nn.BatchNorm2d(4), (IMAGES,), STRUCTURED),
    "batch norm on a series": (lambda: nn.BatchNorm1d(4), (SERIES,), STRUCTURED),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True), (IMAGES,), STRUCTURED),
    "instance norm, running": (lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True), (SERIES,), STRUCTURED),
    "prelu": (lambda: nn.PReLU(4), (IMAGES,), LAYER),
    "attention": (lambda: nn.MultiheadAttention(4, 2, batch_first=True), (numbers(N, 3, 4),) * 3, MAPS),
    "attention to another sequence": (lambda: _Masked(), (numbers(N, 3, 4), numbers(N, 5, 6)), MAPS),
    "attention, sequence first": (lambda: _Turned(nn.MultiheadAttention(4, 2)), (numbers(N, 3, 4),), MAPS),
    "encoder": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (numbers(N, 3, 4),), {"self_attn": MAPS, "": STRUCTURED}),
    "gru": (lambda: nn.GRU(4, 3, batch_first=True), (numbers(N, 3, 4),), SINGLE),
    "bilinear": (lambda: nn.Bilinear(3, 2, 4), (numbers(N, 3), numbers(N, 2)), SINGLE),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str) -> None:
    layer, inputs, routes = LAYERS[name]
    check(Head(layer()), inputs, routes)


class _Turned(nn.Module):
    def __init__(self, inner: nn.MultiheadAttention) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        turned = x.transpose(0, 1)
        return self.inner(turned, turned, turned)[0].transpose(0, 1)


class _Masked(nn.Module):
    """Attention to a sequence of another width, the last of which is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(4, 2, kdim=6, vdim=6, batch_first=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        mask = torch.zeros(y.shape[:2], dtype=torch.bool)
        mask[:, -1] = True
        return self.inner(x, y, y, key_padding_mask=mask)[0]


class Headed(nn.Module):
    """An embedding whose weight is applied by a function at the end, as in many language models."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.inner = nn.Embedding(5, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(torch.tanh(self.inner(self.words(x))), self.words.weight).flatten(1)


class Twice(nn.Module):
    """One linear layer used twice, on two tokens and on one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.inner(torch.tanh(self.inner(x)).mean(1)))


class SharedEmbedding(nn.Module):
    """An embedding whose weight is that of the last layer too."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(5, 4), nn.Linear(4, 5)
        self.head.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.words(x))).mean(1)


class LargeSharedEmbedding(nn.Module):
    """An embedding that is looked up twice and is the last layer too, large enough that sums over pairs are cheaper."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(60, 30), nn.Linear(30, 60, bias=False)
        self.head.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.words(x) + self.words(x.flip(1)))).mean(1)


class SharedConvolution(nn.Module):
    """A pointwise convolution that shares a weight with one of stride two: patches of different numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 4, 1, bias=False), nn.Conv1d(4, 4, 1, stride=2)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x))).flatten(1)


class Outside(nn.Module):
    """A linear layer whose weight is used once more by itself, where no layer is called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(torch.tanh(x @ self.inner.weight.T))


class Folded(nn.Module):
    """Examples and tokens in one dimension, example by example or not."""

    def __init__(self, examples_first: bool) -> None:
        super().__init__()
        self.inner, self.examples_first = nn.Linear(4, 3), examples_first

    def forward(self, x: Tensor) -> Tensor:
        if self.examples_first:
            return self.inner(x.flatten(0, 1)).unflatten(0, x.shape[:2]).flatten(1)
        turned = x.transpose(0, 1)
        return self.inner(turned.flatten(0, 1)).unflatten(0, turned.shape[:2]).transpose(0, 1).flatten(1)


class Places(nn.Module):
    """Embeddings of places: by a table that is looked up for no example, by a parameter that is added, and by a class token."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.table, self.norm = kind, nn.Embedding(6, 4), nn.LayerNorm(4)
        self.place, self.token = nn.Parameter(torch.zeros(6, 4)), nn.Parameter(torch.zeros(1, 1, 4))
        self.inner = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        number = x.shape[1]
        if self.kind == "table":
            x = x + self.norm(self.table(torch.arange(number, device=x.device)))
        elif self.kind == "row of tables":
            x = x + self.table(torch.arange(number, device=x.device)[None])
        elif self.kind == "parameter":
            x = x + self.place[:number]
        elif self.kind == "whole parameter":
            x = x + self.place
        else:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return torch.tanh(self.inner(x)).flatten(1)


class Scaled(nn.Module):
    """A scale of its own, as a normalisation layer written by hand has one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = nn.Linear(4, 4), _HandNorm()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.inner(x)).flatten(1)


class _HandNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()


class Unused(nn.Module):
    """A layer that is not called, and one whose output is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.never, self.idle = nn.Linear(4, 3), nn.Linear(2, 2), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.idle(x)
        return self.inner(x)


class InPlace(nn.Module):
    """Outputs that are overwritten by the next function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 3, 2), nn.Conv1d(3, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.second(F.silu(self.first(x), inplace=True)), inplace=True).flatten(1)


class Scalar(nn.Module):
    """A parameter without a dimension, and one that acts on the outputs of all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.scale = nn.Linear(4, 3), nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.scale


class Checkpointed(nn.Module):
    """A part that torch runs again in the backward pass."""

    def __init__(self, reentrant: bool = False) -> None:
        super().__init__()
        self.first, self.last, self.reentrant = nn.Linear(4, 4), nn.Linear(4, 3), reentrant
        self.middle = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(checkpoint(self.middle, torch.tanh(self.first(x)), use_reentrant=self.reentrant))


def scripted() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.Tanh())), nn.Linear(3, 2))


def reparametrised() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), nn.Tanh(), nn.Linear(3, 2))


class Listed(nn.Module):
    """Parameters in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.ones(4, 4) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.tanh(x @ self.weights[0]) @ self.weights[1])


TOKENS = numbers(N, 6, 4)
MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], str | dict[str, str]]] = {
    "a layer used twice": (Twice, (numbers(N, 2, 4),), STRUCTURED),
    "a shared embedding": (SharedEmbedding, (classes(5, N, 3),), STRUCTURED),
    "a large shared embedding": (LargeSharedEmbedding, (classes(60, N, 3),), STRUCTURED),
    "a shared convolution": (SharedConvolution, (SERIES,), STRUCTURED),
    "a weight used outside of its layer": (Outside, (numbers(N, 4),), {"weight": MODEL, "bias": STRUCTURED}),
    "folded, example by example": (lambda: Folded(True), (TOKENS,), STRUCTURED),
    "folded, token by token": (lambda: Folded(False), (TOKENS,), STRUCTURED),
    "an embedding that is the head too": (Headed, (classes(5, N, 3),), {"words": MAPS, "": STRUCTURED}),
    "a table of places": (lambda: Places("table"), (TOKENS,), STRUCTURED),
    "a row of places": (lambda: Places("row of tables"), (TOKENS,), STRUCTURED),
    "a parameter for places": (lambda: Places("whole parameter"), (TOKENS,), {"place": SPREAD, "": STRUCTURED}),
    "a part of a parameter for places": (lambda: Places("parameter"), (TOKENS,), {"place": SPREAD, "": STRUCTURED}),
    "a class token": (lambda: Places("token"), (TOKENS,), {"token": SPREAD, "": STRUCTURED}),
    "a scale of its own": (Scaled, (TOKENS,), {"norm": LAYER, "": STRUCTURED}),
    "unused layers": (Unused, (numbers(N, 4),), STRUCTURED),
    "in place": (InPlace, (SERIES,), STRUCTURED),
    "a checkpoint": (Checkpointed, (numbers(N, 4),), SINGLE),
    "a scripted part": (scripted, (numbers(N, 4),), {"1.": MODEL, "": STRUCTURED}),
    "a weight in two parameters": (reparametrised, (numbers(N, 4),), {"parametrizations": MODEL, "": STRUCTURED}),
    "parameters in a list": (Listed, (numbers(N, 4),), MODEL),
    "a number": (Scalar, (numbers(N, 4),), {"scale": LAYER, "": STRUCTURED}),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model(name: str) -> None:
    made, inputs, routes = MODELS[name]
    model = made()
    if isinstance(model, Places):
        for part in {"table": ["place", "token"], "row of tables": ["place", "token", "norm"]}.get(model.kind, ["table", "norm"]):
            delattr(model, part)
        if model.kind in ("parameter", "whole parameter"):
            delattr(model, "token")
        elif model.kind == "token":
            delattr(model, "place")
    check(model, inputs, routes)


def norms_by_hand(model: nn.Module, data: tuple[Tensor, Tensor]) -> Tensor:
    return rows(by_hand(model, squares, data)).norm(dim=1)


def test_a_plan_that_fails_on_a_larger_batch_is_made_again() -> None:
    """The copies of a parameter for each example are cut where its rows should be: more examples than places show it."""
    model = Places("parameter").double()
    del model.table, model.norm, model.token
    data = numbers(9, 6, 4), numbers(9, seed=2)
    assert Engine(model, squares, data).plan.routes["place"].value.startswith(SPREAD)
    torch.testing.assert_close(per_example_norms(model, squares, data), norms_by_hand(model, data), rtol=1e-10, atol=1e-12)
    inner = per_example_gram(model, squares, [data, (data[0][:4], data[1][:4])])
    torch.testing.assert_close(inner.diagonal()[:9].sqrt(), norms_by_hand(model, data), rtol=1e-10, atol=1e-12)


def test_a_plan_is_tried_again_on_tensors_of_another_shape() -> None:
    """Of sequences of one token the model cuts one copy, which then serves all examples: an output of the right size, and a wrong gradient."""

    class Pooled(Places):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.inner(x + self.place[: x.shape[1]])).mean(1)

    model = Pooled("parameter").double()
    del model.table, model.norm, model.token
    with torch.no_grad():
        model.place.copy_(numbers(6, 4, seed=8))
    batches = [(numbers(3, 6, 4), numbers(3, seed=2)), (numbers(4, 1, 4, seed=3), numbers(4, seed=4))]
    expected = torch.cat([norms_by_hand(model, batch) for batch in batches])
    torch.testing.assert_close(per_example_norms(model, squares, batches), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("tokens", "width", "pairs"), [(3, 30, True), (60, 5, False)])
def test_the_cheaper_of_two_orders_is_taken(tokens: int, width: int, pairs: bool) -> None:
    model, data = Head(nn.Linear(width, width)).double(), (numbers(3, tokens, width), numbers(3, seed=2))
    engine = Engine(model, squares, data)
    piece = engine.pieces(engine.problem.data.first())["layer.weight"]
    assert isinstance(piece, Outer) and piece._pairs_are_cheaper is pairs


def test_a_reentrant_checkpoint_is_refused() -> None:
    with pytest.raises(OperatorRefused, match="runs under a reentrant checkpoint: pass use_reentrant=False"):
        per_example_norms(Checkpointed(True).double(), squares, (numbers(N, 4), numbers(N)))


def test_inputs_by_keyword() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 3)

        def forward(self, *, left: Tensor, right: Tensor) -> Tensor:
            return torch.tanh(self.inner(left)) * self.inner(right)

    class Ordered(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return self.inner(left=left, right=right)

    model, inputs = Named().double(), (numbers(N, 4), numbers(N, 4, seed=2))
    found = per_example_norms(model, squares, ({"left": inputs[0], "right": inputs[1]}, numbers(N)))
    expected = rows(by_hand(Ordered(model), squares, (inputs, numbers(N)))).norm(dim=1)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
