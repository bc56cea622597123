"""The attack of the example on the last bits of a release: it works on naive noise, and not on the exact samplers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy
import pytest

EXAMPLE = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "low_order_bits.py"))
ATTACKS: list[tuple[str, Any, Any, type]] = EXAMPLE["ATTACKS"]
advantage, allowed, candidates, margin = (EXAMPLE[name] for name in ("advantage", "allowed", "candidates", "margin"))


@pytest.mark.parametrize("attack", ATTACKS[:3], ids=lambda attack: attack[0])
def test_naive_noise_tells_the_weights_apart(attack: tuple[str, Any, Any, type]) -> None:
    _, add_noise, reachable, kind = attack
    one, many = (advantage(add_noise, reachable, kind, count) for count in (1, 32))
    assert one - margin() > 0.1 > 1e4 * allowed(1, kind)
    assert many > 0.98


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS[3:], ids=lambda attack: attack[0])
def test_an_exact_sampler_gives_no_more_than_the_law_allows(attack: tuple[str, Any, Any, type], seed: int) -> None:
    _, add_noise, reachable, kind = attack
    for count in (1, 32):
        assert abs(advantage(add_noise, reachable, kind, count, seed=seed)) < allowed(count, kind) + margin()


def test_the_attack_never_excludes_the_weight_that_was_released() -> None:
    """On naive noise it is a proof of impossibility each time, so the adversary is never wrong when the bits decide."""
    generator = numpy.random.default_rng(4)
    for _, add_noise, reachable, kind in ATTACKS[:3]:
        for weight in candidates(kind):
            assert reachable(add_noise(numpy.full(50_000, weight, dtype=kind), generator), weight).all()


def test_the_draws_of_both_weights_are_the_same_numbers() -> None:
    """With the same seed the two releases agree but for draws within the weights' distance of the middle between two multiples."""
    one, two = (EXAMPLE["exact_noise"](numpy.full(100_000, weight), numpy.random.default_rng(9)) for weight in candidates())
    assert (one == two).all()


def test_on_the_grid_of_a_discrete_release_the_two_weights_are_one() -> None:
    one, two = (EXAMPLE["discrete_noise"](numpy.full(1000, weight), numpy.random.default_rng(9)) for weight in candidates())
    assert (one == two).all()


def test_the_two_weights_differ_in_five_bits_alone() -> None:
    for kind, whole in ((numpy.float64, numpy.int64), (numpy.float32, numpy.int32)):
        one, two = (weight.view(whole) for weight in candidates(kind))
        assert one ^ two == 0b11111
