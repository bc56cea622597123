"""Privacy amplification by iteration: attained where it should be, and false where a shift would be spent before it is there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy
import pytest
from chains import Chain, followed

from certify.proofs import registry
from certify.proofs.expression import Expression
from certify.proofs.readers import as_float

FAMILY = [name for name in registry.theorems() if name.startswith("amplification.")]


def formula(name: str) -> Expression:
    return registry.theorem(f"amplification.{name}").formula


def replayed(chain: Chain, plan: Sequence[float], gap_after: Expression | None = None) -> float:
    """The Gaussian parameter of the last iterate as a verifier gets it: one theorem for each step, the last takes the whole way."""
    gap, spent = float(numpy.linalg.norm(chain.start)), 0.0
    constants = list(zip(chain.contractions, chain.differences, strict=True))
    for shift, (contraction, difference) in zip(plan[:-1], constants, strict=False):
        values = {
            "gap": gap,
            "spent": spent,
            "shift": shift,
            "contraction": contraction,
            "difference": difference,
            "sigma": chain.noise,
        }
        gap, spent = as_float(gap_after or formula("gap"), values), as_float(formula("spent"), values)
    contraction, difference = constants[-1]
    return as_float(
        formula("release"),
        {"spent": spent, "gap": gap, "contraction": contraction, "difference": difference, "sigma": chain.noise},
    )


def scalar(start: float, contractions: Sequence[float], offsets: Sequence[float], noise: float = 1.0) -> Chain:
    return Chain(
        numpy.array([start]),
        [numpy.array([[contraction]]) for contraction in contractions],
        [numpy.array([offset]) for offset in offsets],
        noise,
    )


def one_line(chain: Chain) -> float:
    """Everything that the steps add to the distance, over the root of all noise: false where the distance comes late."""
    mean, variance = float(numpy.linalg.norm(chain.start)), 0.0
    for contraction, difference in zip(chain.contractions, chain.differences, strict=True):
        mean, variance = contraction * mean + difference, contraction**2 * variance + chain.noise**2
    return mean / math.sqrt(variance)


def hull(chain: Chain) -> tuple[float, list[float]]:
    """The least parameter that a plan of moves reaches, and that plan: the greatest convex minorant of distance against noise."""
    weights = [math.prod(chain.contractions[t + 1 :]) for t in range(len(chain.maps))]
    noise = numpy.cumsum([0.0, *((weight * chain.noise) ** 2 for weight in weights)])
    start = math.prod(chain.contractions) * float(numpy.linalg.norm(chain.start))
    distance = start + numpy.cumsum([0.0, *(w * d for w, d in zip(weights, chain.differences, strict=True))])
    distance[0] = 0.0
    total, plan, here = 0.0, [0.0] * len(weights), 0
    while here < len(weights):
        slopes = (distance[here + 1 :] - distance[here]) / (noise[here + 1 :] - noise[here])
        there = here + 1 + int(numpy.flatnonzero(slopes <= slopes.min() * (1 + 1e-12))[-1])
        for t in range(here, there):
            plan[t] = slopes.min() * weights[t] * chain.noise**2
        total += slopes.min() ** 2 * (noise[there] - noise[here])
        here = there
    return math.sqrt(total), plan


LATE = Chain(
    numpy.zeros(1), [*[numpy.eye(1)] * 9, numpy.zeros((1, 1))], [*[numpy.zeros(1)] * 9, numpy.ones(1)], 1.0
)  # the maps are the identity for nine steps, then the constants 0 and 1
LATE_AS_GIVEN = scalar(0.0, [1.0] * 10, [*[0.0] * 9, 1.0])


def test_a_shift_that_comes_late_is_not_spent_early() -> None:
    """Ten steps, of which only the last tells the processes apart: mu is 1, and the one-line formula says 0.316."""
    assert LATE.parameter() == pytest.approx(1)
    assert one_line(LATE_AS_GIVEN) == pytest.approx(1 / math.sqrt(10))
    generator = numpy.random.default_rng(1)
    plans = [[0.1] * 10, [0.0] * 10, [1.0] * 10, *generator.uniform(0, 1, size=(200, 10))]
    assert min(replayed(chain, plan) for chain in (LATE, LATE_AS_GIVEN) for plan in plans) == pytest.approx(1)
    constants = {"gap": 1e-12, "contraction": 1, "difference": 1, "sigma": 1, "powers": 10, "squares": 10}
    assert as_float(formula("differing-maps"), constants) >= 1


def test_the_false_sibling_of_the_gap_would_certify_it() -> None:
    """Negative control: without the floor at zero, shifts are paid in advance and the false figure comes out."""
    sibling = registry.theorem("amplification.gap").false_sibling
    assert sibling is not None
    assert replayed(LATE_AS_GIVEN, [0.1] * 10, sibling.formula) == pytest.approx(1 / math.sqrt(10))


@pytest.mark.parametrize("contraction", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("steps", [1, 2, 10, 50])
def test_the_closed_form_is_attained_by_the_autoregressive_chain(contraction: float, steps: int) -> None:
    chain = scalar(2.0, [contraction] * steps, [0.0] * steps, noise=0.7)
    growth = contraction ** (-2 * steps) - 1
    squares = as_float(formula("squares"), {"contraction": contraction, "growth": growth})
    values = {"gap": 2.0, "contraction": contraction, "sigma": 0.7, "growth": growth, "squares": squares, "order": 3.0}
    assert as_float(formula("contracting"), values) == pytest.approx(chain.parameter(), rel=1e-9)
    assert as_float(formula("gaussian"), values) == pytest.approx(chain.parameter(), rel=1e-9)
    divergence = as_float(formula("divergence"), {"order": 3.0, "mu": chain.parameter()})
    assert as_float(formula("renyi"), values) == pytest.approx(divergence, rel=1e-9)
    assert replayed(chain, hull(chain)[1]) == pytest.approx(chain.parameter(), rel=1e-9)


def test_a_random_walk_attains_the_form_for_non_expansive_maps() -> None:
    chain = scalar(2.0, [1.0] * 9, [0.0] * 9, noise=0.7)
    assert as_float(formula("non-expansive"), {"gap": 2.0, "sigma": 0.7, "steps": 9}) == pytest.approx(chain.parameter())


def test_the_best_plan_is_the_convex_minorant_and_no_plan_is_false() -> None:
    """Maps, constants and offsets that change from step to step; no plan whatever leads below the truth."""
    generator = numpy.random.default_rng(2)
    improved = 0
    for _ in range(100):
        count = int(generator.integers(1, 8))
        offsets = generator.uniform(0, 1, size=count) * generator.choice([0, 1], size=count)
        chain = scalar(generator.choice([0.0, 1.0]), generator.uniform(0.5, 1.5, size=count), offsets, generator.uniform(0.3, 3))
        least, plan = hull(chain)
        assert replayed(chain, plan) == pytest.approx(least, rel=1e-9)
        assert least >= chain.parameter() * (1 - 1e-9)
        assert followed(chain, plan).gaps[-1] == pytest.approx(0, abs=1e-9)
        for scale in generator.uniform(0, 2, size=(20, count)):
            assert replayed(chain, scale * plan) >= least * (1 - 1e-9)
        improved += least < one_line(chain) * (1 + 1e-9)
    assert 0 < improved < 100  # the one-line formula is right for some of them, and too small for others


def test_only_the_last_iterate_is_covered() -> None:
    """Who sees the first iterate as well sees c Z/sigma, more than the theorem says of the last; and the statements say so."""
    values = {"gap": 2.0, "contraction": 0.9, "sigma": 0.7, "growth": 0.9**-20 - 1}
    assert 2 * as_float(formula("contracting"), values) < 0.9 * 2.0 / 0.7
    for name in FAMILY:
        conclusion = registry.theorem(name).conclusion.symbol
        if conclusion in {"mu", "divergence"} and name not in {"amplification.spent", "amplification.divergence"}:
            assert "it alone" in registry.theorem(name).statement


# ---------------------------------------------------------------- maps that are not linear: the laws by quadrature

Map = Callable[[numpy.ndarray], numpy.ndarray]


def law(grid: numpy.ndarray, start: float, maps: Sequence[Map], noise: float) -> numpy.ndarray:
    """Density of the last iterate on the grid."""
    density = None
    for step in maps:
        centres = step(numpy.array([start]) if density is None else grid)
        kernel = numpy.exp(-((grid[:, None] - centres[None, :]) ** 2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
        density = kernel[:, 0] if density is None else kernel @ density * (grid[1] - grid[0])
    assert density is not None
    return density


def profiles(grid: numpy.ndarray, one: numpy.ndarray, other: numpy.ndarray, mu: float) -> Iterator[tuple[float, float]]:
    """The additive slack of the two laws at several epsilons, and that of N(mu, 1) against N(0, 1)."""
    for epsilon in numpy.linspace(-2, 2, 17) * max(mu, 0.1):
        excess = float(numpy.maximum(one - math.exp(epsilon) * other, 0).sum() * (grid[1] - grid[0]))
        above, below = (math.erfc(-x / math.sqrt(2)) / 2 for x in (mu / 2 - epsilon / mu, -mu / 2 - epsilon / mu))
        yield excess, above - math.exp(epsilon) * below


def clipped(rate: float, radius: float) -> Map:
    return lambda x: rate * numpy.clip(x, -radius, radius)


def bent(rate: float, bend: float) -> Map:
    return lambda x: 2 * rate * numpy.tanh(x / 2) - bend * numpy.cos(x / 2)


CASES: list[tuple[list[Map], list[Map], float, float, float]] = [
    ([clipped(0.9, 2.0)] * 5, [clipped(0.9, 2.0)] * 5, 0.9, 0.0, 0.9),
    ([bent(1.0, 0.0)] * 4, [bent(1.0, 0.0)] * 4, 1.0, 0.0, 0.7),
    ([lambda x: 0.8 * x] * 4, [lambda x: 0.8 * x - 0.2] * 4, 0.8, 0.2, 0.99),
    ([bent(0.9, 0.0)] * 4, [bent(0.9, 0.15)] * 4, 0.9, 0.15, 0.75),
]


@pytest.mark.parametrize(
    ("maps", "others", "contraction", "difference", "noticed"), CASES, ids=["clipped", "tanh", "shifted", "bent"]
)
def test_the_whole_profile_is_covered(
    maps: list[Map], others: list[Map], contraction: float, difference: float, noticed: float
) -> None:
    """The laws are computed on a grid, without any coupling; no epsilon tells them better apart than N(mu, 1) and N(0, 1)."""
    grid, noise = numpy.linspace(-8, 8, 1601), 0.8
    values = {
        "gap": 1.0, "contraction": contraction, "difference": difference, "sigma": noise,
        "powers": sum(contraction**-k for k in range(1, len(maps) + 1)), "squares": sum(contraction ** (-2 * k) for k in range(1, len(maps) + 1)),
    }  # fmt: skip
    mu = as_float(formula("differing-maps"), values)
    one, other = law(grid, 0.5, maps, noise), law(grid, -0.5, others, noise)
    assert one.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-6)
    for pair in ((one, other), (other, one)):
        assert all(excess <= bound + 1e-6 for excess, bound in profiles(grid, *pair, mu))
    if difference == 0:
        assert mu == pytest.approx(as_float(formula("gaussian"), values))
    assert any(excess > bound + 1e-6 for excess, bound in profiles(grid, one, other, noticed * mu))  # this much less is false
