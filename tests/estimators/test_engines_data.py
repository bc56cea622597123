"""Data that change after an operator was built, or from one pass to the next, are noticed or were copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from curvature_models import classes, network, numbers
from torch import Tensor, nn

from certify.estimators import Hessian, OperatorRefused, progress

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()


class Augmented(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Records that a function of the place and the rows changes at every look."""

    def __init__(self, change: Callable[[int], tuple[Tensor, Tensor]]) -> None:
        self.change = change

    def __len__(self) -> int:
        return len(ROWS)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.change(index)


def flipped(index: int) -> tuple[Tensor, Tensor]:
    return (ROWS[index].flip(0) if torch.rand(()) < 0.5 else ROWS[index]), LABELS[index]


def relabelled() -> Callable[[int], tuple[Tensor, Tensor]]:
    """The same rows and the same labels in all, joined in another way at every pass."""
    order = [torch.arange(6)]

    def change(index: int) -> tuple[Tensor, Tensor]:
        if index == 0:
            order[0] = torch.randperm(6)
        return ROWS[index], LABELS[order[0][index]]

    return change


@pytest.mark.parametrize("change", [flipped, relabelled()])
def test_data_that_are_only_rearranged_are_other_data(change: Callable[[int], tuple[Tensor, Tensor]]) -> None:
    """Flips and permutations leave every sum as it was."""
    torch.manual_seed(0)
    operator = Hessian(network().double(), LOSS, torch.utils.data.DataLoader(Augmented(change), batch_size=4))

    def often() -> None:
        for _ in range(20):
            operator @ torch.ones(operator.shape[0], dtype=torch.float64)

    with pytest.raises(OperatorRefused, match="the loader gave other data than in the first pass: turn off random augmentation"):
        often()


@pytest.mark.parametrize("inputs", [ROWS, ROWS.float(), classes(5, 6, 3).double(), ROWS * 1e-12, ROWS * 1e12 + 1e15])
def test_a_loader_that_only_shuffles_gives_the_same_data(inputs: Tensor) -> None:
    made = network().to(inputs.dtype)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, LABELS), batch_size=4, shuffle=True)
    operator = Hessian(made, LOSS, loader)
    for _ in range(5):
        operator @ torch.ones(operator.shape[0], dtype=inputs.dtype)


def appended(batches: list[Any]) -> None:
    batches.append((ROWS, LABELS))


def replaced(batches: list[Any]) -> None:
    batches[0] = (2 * ROWS[:3], LABELS[:3])


def emptied(batches: list[Any]) -> None:
    batches.clear()


def replaced_within(batches: list[Any]) -> None:
    batches[1][0]["input"] = ROWS[:3]


@pytest.mark.parametrize("retain", [True, False])
@pytest.mark.parametrize("change", [appended, replaced, emptied, replaced_within])
def test_a_list_of_batches_is_held_as_it_was(change: Callable[[list[Any]], None], retain: bool) -> None:
    made, batches = network().double(), [(ROWS[:3], LABELS[:3]), [{"input": ROWS[3:]}, LABELS[3:]]]
    operator = Hessian(made, LOSS, batches, retain=retain)
    ones = torch.ones(operator.shape[0], dtype=torch.float64)
    before = operator @ ones
    change(batches)
    assert torch.equal(operator @ ones, before)


def test_the_first_pass_over_the_data_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_BETWEEN", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(ROWS, LABELS), batch_size=2)
    operator = Hessian(network().double(), LOSS, loader)
    assert "first pass over the data" in (text := capsys.readouterr().err) and "3/3" in text
    Hessian(network().double(), LOSS, (ROWS, LABELS)).dense()
    assert "products with single vectors" in capsys.readouterr().err
    operator @ torch.ones(operator.shape[0], dtype=torch.float64)
    assert "product with the data" in capsys.readouterr().err
