"""Small models with data and losses, and dense curvature matrices from first derivatives alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Case:
    """A model in float64, a loss, and one pair of inputs and targets."""

    model: nn.Module
    loss: Callable[[Any, Any], Tensor]
    data: tuple[Any, Tensor]

    @property
    def point(self) -> Tensor:
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])

    def outputs(self, point: Tensor) -> Tensor:
        names, parameters = zip(*self.model.named_parameters(), strict=True)
        pieces = point.split([p.numel() for p in parameters])
        values = {name: piece.reshape(p.shape) for name, piece, p in zip(names, pieces, parameters, strict=True)}
        inputs = self.data[0]
        positional = inputs if isinstance(inputs, tuple) else (inputs,)
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            result = torch.func.functional_call(self.model, values, positional)
        assert isinstance(result, Tensor)
        return result

    def jacobian(self) -> Tensor:
        """∂f/∂θ [entries of the outputs, P], by one backward pass for each entry."""
        point = self.point.requires_grad_()
        outputs = self.outputs(point).flatten()
        rows = [torch.autograd.grad(entry, point, retain_graph=True)[0] for entry in outputs]
        return torch.stack(rows)

    def loss_at(self, outputs: Tensor) -> Tensor:
        return self.loss(outputs, self.data[1])


class Transformer(nn.Module):
    """Embedding, attention by ``nn.MultiheadAttention``, layer norm, a head for each token."""

    def __init__(self, words: int = 5, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.embedding, self.norm = nn.Embedding(words, width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.norm(self.embedding(tokens))
        hidden = hidden + self.attention(hidden, hidden, hidden, need_weights=False)[0]
        return self.head(hidden)


class Channels(nn.Module):
    """The outputs of another model with the classes in the second dimension, as torch's cross-entropy wants them."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, tokens: Tensor) -> Tensor:
        return self.inner(tokens).movedim(-1, 1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 2)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.cell(series)[0][:, -1])


class Tied(nn.Module):
    """One weight used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 3), nn.Linear(3, 3)
        self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(torch.tanh(self.encoder(x)))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Bilinear(3, 2, 3)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.inner(left, right)


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def classes(count: int, *shape: int, seed: int = 2) -> Tensor:
    return torch.randint(count, shape, generator=torch.Generator().manual_seed(seed))


def network(norm: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), norm or nn.Identity(), nn.Tanh(), nn.Linear(4, 3))


def convolution() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.GroupNorm(1, 2), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )


def sequence_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())


def log_cosh(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).cosh().log().mean()


_ROWS, _LABELS, _WEIGHTS = numbers(6, 3), classes(3, 6), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
_SOFT = numbers(6, 3, seed=4).softmax(1)
_SEQUENCES, _WORDS = classes(5, 3, 4), classes(3, 3, 4, seed=5)
_IGNORED = _WORDS.clone().masked_fill_(classes(4, 3, 4, seed=6) == 0, -100)

_MAKERS: dict[str, Callable[[], Case]] = {
    "cross-entropy": lambda: Case(network(), nn.CrossEntropyLoss(), (_ROWS, _LABELS)),
    "cross-entropy weighted": lambda: Case(network(), nn.CrossEntropyLoss(weight=_WEIGHTS), (_ROWS, _LABELS)),
    "cross-entropy smoothed": lambda: Case(
        network(), nn.CrossEntropyLoss(weight=_WEIGHTS, label_smoothing=0.2), (_ROWS, _LABELS)
    ),
    "cross-entropy soft": lambda: Case(network(), nn.CrossEntropyLoss(weight=_WEIGHTS, label_smoothing=0.2), (_ROWS, _SOFT)),
    "cross-entropy ignoring": lambda: Case(
        network(), functools.partial(F.cross_entropy, ignore_index=1, label_smoothing=0.1), (_ROWS, _LABELS)
    ),
    "squared": lambda: Case(network(), nn.MSELoss(), (_ROWS, numbers(6, 3, seed=3))),
    "squared function": lambda: Case(network(), F.mse_loss, (_ROWS, numbers(6, 3, seed=3))),
    "logistic": lambda: Case(network(), nn.BCEWithLogitsLoss(), (_ROWS, _SOFT.round())),
    "logistic weighted": lambda: Case(
        network(), nn.BCEWithLogitsLoss(weight=_WEIGHTS, pos_weight=_WEIGHTS.flip(0)), (_ROWS, _SOFT)
    ),
    "huber": lambda: Case(network(), nn.HuberLoss(delta=0.7), (_ROWS, numbers(6, 3, seed=3))),
    "poisson": lambda: Case(network(), nn.PoissonNLLLoss(full=True), (_ROWS, classes(4, 6, 3).double())),
    "poisson of rates": lambda: Case(
        nn.Sequential(network(), nn.Softplus()), nn.PoissonNLLLoss(log_input=False), (_ROWS, classes(4, 6, 3).double())
    ),
    "log-cosh": lambda: Case(network(), log_cosh, (_ROWS, numbers(6, 3, seed=3))),
    "smooth L1": lambda: Case(network(), nn.SmoothL1Loss(), (_ROWS, numbers(6, 3, seed=3))),
    "layer norm": lambda: Case(network(nn.LayerNorm(4)), nn.CrossEntropyLoss(), (_ROWS, _LABELS)),
    "rms norm": lambda: Case(network(nn.RMSNorm(4)), nn.CrossEntropyLoss(), (_ROWS, _LABELS)),
    "batch norm in eval": lambda: Case(network(nn.BatchNorm1d(4)).eval(), nn.CrossEntropyLoss(), (_ROWS, _LABELS)),
    "convolution": lambda: Case(convolution(), nn.CrossEntropyLoss(), (numbers(6, 1, 4, 4), _LABELS)),
    "transformer": lambda: Case(Channels(Transformer()), nn.CrossEntropyLoss(), (_SEQUENCES, _WORDS)),
    "transformer ignoring": lambda: Case(Channels(Transformer()), nn.CrossEntropyLoss(), (_SEQUENCES, _IGNORED)),
    "transformer flattened": lambda: Case(Transformer(), sequence_loss, (_SEQUENCES, _WORDS)),
    "encoder layer": lambda: Case(
        nn.Sequential(nn.TransformerEncoderLayer(4, 2, 5, batch_first=True, activation="gelu"), nn.Flatten()).eval(),
        nn.MSELoss(),
        (numbers(3, 2, 4), numbers(3, 8, seed=3)),
    ),
    "recurrent": lambda: Case(Recurrent(), nn.CrossEntropyLoss(), (numbers(4, 3, 2), classes(2, 4))),
    "tied": lambda: Case(Tied(), nn.MSELoss(), (_ROWS, numbers(6, 3, seed=3))),
    "two inputs": lambda: Case(TwoInputs(), nn.CrossEntropyLoss(), ((_ROWS, numbers(6, 2, seed=8)), _LABELS)),
}
CASES = list(_MAKERS)


def case(name: str) -> Case:
    """The case, built anew from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        made = _MAKERS[name]()
        made.model.double()
        with torch.no_grad():
            for parameter in made.model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))  # norms start at one and zero, which hides errors
    return made
