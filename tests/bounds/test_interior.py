"""The interior-point method for the multipliers: at the optimum, whatever the slopes, and never worse than where it starts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from certify.bounds.networks import semidefinite
from certify.bounds.networks.chain import Chain, chain_of
from certify.bounds.networks.interior import central_path
from certify.bounds.networks.semidefinite import propose, prove, proved_form

Slopes = tuple[tuple[Tensor, Tensor], ...]


def problem(seed: int, sizes: tuple[int, ...] = (5, 7, 6, 3)) -> tuple[Chain, Slopes]:
    """A random chain and ranges of slopes for every neuron, of either sign, some of them points."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layer = nn.Linear(before, after, bias=False, dtype=torch.float64)
        layer.weight = nn.Parameter(torch.randn(after, before, generator=generator, dtype=torch.float64) / before**0.5)
        layers += [layer, nn.ReLU()]
    slopes = []
    for size in sizes[1:-1]:
        low = torch.rand(size, generator=generator, dtype=torch.float64) - 0.3
        width = torch.rand(size, generator=generator, dtype=torch.float64)
        width[torch.rand(size, generator=generator) < 0.2] = 0
        slopes.append((low, low + width))
    return chain_of(nn.Sequential(*layers[:-1])), tuple(slopes)


def steepest_corner(chain: Chain, slopes: Slopes, draws: int = 2000) -> float:
    """The greatest norm of a Jacobian with slopes at the ends of their ranges that random draws find."""
    generator, best = torch.Generator().manual_seed(0), 0.0
    for _ in range(draws):
        jacobian = chain.stages[0].weight
        for stage, (low, high) in zip(chain.stages[1:], slopes, strict=True):
            chosen = torch.where(torch.rand(len(low), generator=generator) < 0.5, low, high)
            jacobian = stage.weight @ (chosen[:, None] * jacobian)
        best = max(best, float(torch.linalg.matrix_norm(jacobian, 2)))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_end_of_the_path_is_the_optimum_that_long_descent_approaches(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, slopes = problem(seed)
    start, path = propose(chain, slopes), propose(chain, slopes, steps=100)
    monkeypatch.setattr(semidefinite, "MOST", 0)
    descent = propose(chain, slopes, steps=400)
    assert start is not None and path is not None and descent is not None
    assert path.constant <= descent.constant * (1 + 1e-6) and path.constant <= start.constant
    assert descent.constant <= path.constant * (1 + 2e-2), "two methods, one optimum"
    proved = prove(chain, slopes, path)
    assert proved is not None and steepest_corner(chain, slopes, 300) <= proved.value <= path.constant * (1 + 2e-4)
    assert not proved_form(chain, slopes, path.multipliers, (path.constant * (1 - 1e-3)) ** 2)


def test_more_steps_are_no_worse_and_none_change_nothing() -> None:
    chain, slopes = problem(7)
    start = propose(chain, slopes)
    assert start is not None
    same = central_path(chain, slopes, list(start.multipliers), start.constant, steps=0)
    assert all(torch.equal(one, other) for one, other in zip(same, start.multipliers, strict=True))
    constants = [found.constant for steps in (1, 2, 4, 8, 30) if (found := propose(chain, slopes, steps=steps)) is not None]
    assert constants == sorted(constants, reverse=True) and constants[-1] < 0.99 * constants[0]


def test_slopes_that_are_all_fixed_give_the_norm_of_the_one_jacobian() -> None:
    """The programme has its optimum at infinite multipliers: those below the cap come near it."""
    chain, slopes = problem(9)
    fixed = tuple((low, low) for low, _ in slopes)
    exact = steepest_corner(chain, fixed, 1)
    found = propose(chain, fixed, steps=60)
    assert found is not None
    proved = prove(chain, fixed, found)
    assert proved is not None and exact <= proved.value <= exact * (1 + 1e-2)


def test_more_inputs_than_neurons_are_turned_into_their_span() -> None:
    """The same first weights turned into forty-five dimensions have the same optimum."""
    chain, slopes = problem(11)
    turn = torch.linalg.qr(torch.randn(45, 45, generator=torch.Generator().manual_seed(0), dtype=torch.float64))[0][:5]
    wide = Chain((replace(chain.stages[0], weight=chain.stages[0].weight @ turn), *chain.stages[1:]))
    narrow, broad = propose(chain, slopes, steps=80), propose(wide, slopes, steps=80)
    assert narrow is not None and broad is not None
    assert broad.constant == pytest.approx(narrow.constant, rel=1e-5)
