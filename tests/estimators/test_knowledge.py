"""Knowledge density: means and shares by hand, intervals that cover, and bounds where a range is declared."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import numpy
import pytest
import torch
from curvature_models import case, classes, network, numbers
from per_example_oracle import by_hand
from scipy import special, stats
from torch import nn

from certify.bounds import Bound, Estimate
from certify.estimators import OperatorRefused, Unit, knowledge, knowledge_density
from certify.estimators.knowledge import mean_deviation
from certify.proofs.sides import Side

LOSS = nn.CrossEntropyLoss()


@pytest.mark.parametrize("name", ["cross-entropy", "convolution", "transformer", "tied", "recurrent"])
def test_the_density_is_the_mean_l1_norm_and_the_shares_sum_to_one(name: str) -> None:
    made = case(name)
    reference = by_hand(made.model, made.loss, made.data)
    found = knowledge_density(made.model, made.loss, made.data)
    sums: dict[str, float] = {}
    for parameter, gradients in reference.items():
        layer = parameter.rpartition(".")[0]
        sums[layer] = sums.get(layer, 0.0) + float(gradients.abs().sum()) / len(gradients)
    assert [layer.name for layer in found] == list(sums)
    for layer in found:
        assert layer.density.value == pytest.approx(sums[layer.name], rel=1e-10)
        assert layer.share.value == pytest.approx(sums[layer.name] / sum(sums.values()), rel=1e-10)
        assert layer.lower is None and layer.upper is None
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.count == len(made.data[1]) and found.unit is Unit.EXAMPLE
    assert sum(layer.entries for layer in found) == sum(p.numel() for p in made.model.parameters())


def test_layers_are_named_by_patterns() -> None:
    made = case("transformer")
    parts = knowledge_density(made.model, made.loss, made.data)
    found = knowledge_density(
        made.model, made.loss, made.data, layers={"attention": "inner.attention.*", "rest": ["inner.norm.*", "inner.head.*"]}
    )
    inner = {name.removeprefix("inner."): layer.density.value for name, layer in ((layer.name, layer) for layer in parts)}
    assert found["attention"].density.value == pytest.approx(inner["attention"] + inner["attention.out_proj"])
    assert found["rest"].density.value == pytest.approx(inner["norm"] + inner["head"])
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert str(found).splitlines()[1].startswith(max(found.shares, key=found.shares.get))  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="no layer is named 'head': there are attention, rest"):
        found["head"]


def test_the_intervals_are_those_of_student() -> None:
    made, data = case("cross-entropy").model, (numbers(20, 3), classes(3, 20))
    values = numpy.stack(
        [
            sum(
                gradient.flatten(1).abs().sum(1).numpy()
                for name, gradient in by_hand(made, LOSS, data).items()
                if name[0] == layer
            )
            for layer in ("0", "3")
        ],
        1,
    )
    found = knowledge_density(made, LOSS, data, failure_probability=0.1)
    for i, layer in enumerate(found):
        interval = stats.ttest_1samp(values[:, i], 0.0).confidence_interval(1 - 0.1 / 2)
        assert [float(end) for end in layer.density_interval] == pytest.approx([interval.low, interval.high])
        assert all(isinstance(end, Estimate) and "t interval of 20 values" in end.method for end in layer.density_interval)
        share = values[:, i].sum() / values.sum()
        jackknife = [numpy.delete(values, n, 0) for n in range(20)]
        spread = numpy.std([rest[:, i].sum() / rest.sum() for rest in jackknife]) * math.sqrt(19)
        half = (layer.share_interval[1].value - layer.share_interval[0].value) / 2
        assert layer.share.value == pytest.approx(share)
        assert half == pytest.approx(stats.t.isf(0.025, 19) * spread, rel=0.05)


def test_one_record_has_intervals_without_an_end() -> None:
    found = knowledge_density(network().double(), LOSS, (numbers(1, 3), classes(3, 1)))
    assert found["0"].density_interval[1].value == math.inf and found["0"].density_interval[0].value == 0.0
    assert [end.value for end in found["0"].share_interval] == [0.0, 1.0]


@pytest.mark.parametrize("count", [2, 4, 20])
def test_small_failure_probabilities_have_right_quantiles_or_are_refused(count: int) -> None:
    made, data = network().double(), (numbers(count, 3), classes(3, count))
    for probability in (1e-12, 1e-50, 1e-100):
        for layer in knowledge_density(made, LOSS, data, failure_probability=probability, largest=50.0):
            low, high = (end.value for end in layer.density_interval)
            spread = (high - layer.density.value) / stats.t.isf(probability / 4, count - 1)
            whole = knowledge_density(made, LOSS, data, failure_probability=0.5)[layer.name]
            plain = (whole.density_interval[1].value - whole.density.value) / stats.t.isf(0.5 / 4, count - 1)
            assert low <= layer.density.value <= high and spread == pytest.approx(plain, rel=1e-6)
            assert layer.lower is not None and 0 < layer.lower.failure_probability <= probability / 4
    for probability in (1e-101, 1e-300, 5e-324):  # quantiles are no longer found: they came out as minus infinity
        with pytest.raises(ValueError, match=r"a failure probability of .* is too small: ask for at least 1e-100"):
            knowledge_density(made, LOSS, data, failure_probability=probability, largest=50.0)


def test_layers_that_the_data_do_not_touch_have_no_share_of_their_own() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    found = knowledge_density(model, nn.MSELoss(), (numbers(4, 2), torch.zeros(4, 1).double()), largest=1.0)
    for layer in found:
        assert layer.density.value == 0.0 and math.isnan(layer.share.value)
        assert [end.value for end in layer.share_interval] == [0.0, 1.0]
        assert layer.lower is not None and layer.lower.value == 0.0 and layer.upper is not None and 0 < layer.upper.value <= 1
    assert "nan" in str(found)


def test_one_layer_has_the_whole_share() -> None:
    (layer,) = knowledge_density(nn.Linear(3, 3).double(), LOSS, (numbers(6, 3), classes(3, 6)))
    assert layer.share.value == 1.0 and [end.value for end in layer.share_interval] == [1.0, 1.0]


def test_numbers_that_are_not_finite_are_refused() -> None:
    model = nn.Linear(3, 1).double()
    for inputs, targets, words in (
        (numbers(4, 3) * math.nan, numbers(4, 1), "the inputs of batch 0 have 12 entries that are not finite"),
        (numbers(4, 3), numbers(4, 1) * math.inf, "the targets of batch 0 have 4 entries that are not finite"),
    ):
        with pytest.raises(OperatorRefused, match=words):
            knowledge_density(model, nn.MSELoss(), (inputs, targets))


@pytest.mark.parametrize("count", range(60, 100))
def test_bounds_round_outward_from_the_exact_mean(count: int) -> None:
    """Where mean and deviation nearly cancel, the roundings of the mean are many of the last places of the difference."""
    apart = mean_deviation(count, Bound(1.0, Side.UPPER), 0.025)[0]
    values = apart + 1e-9 * torch.rand(count, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
    lower, upper = knowledge._bounds(values, 1.0, 0.05)
    mean = sum(map(Fraction, values.tolist())) / count
    assert 0 < Fraction(lower.value) <= mean - Fraction(apart) and mean + Fraction(apart) <= Fraction(upper.value)


def test_a_declared_range_gives_bounds() -> None:
    made, data = case("cross-entropy").model, (numbers(50, 3), classes(3, 50))
    plain = knowledge_density(made, LOSS, data)
    found = knowledge_density(made, LOSS, data, failure_probability=0.01, largest={"0": 40.0, "3": 30.0})
    for layer, largest in zip(found, (40.0, 30.0), strict=True):
        assert isinstance(layer.lower, Bound) and isinstance(layer.upper, Bound)
        assert layer.lower.side is Side.LOWER and layer.upper.side is Side.UPPER
        half = largest * math.sqrt(math.log(4 / 0.01) / 100)
        density = plain[layer.name].density.value
        assert layer.lower.value == pytest.approx(max(0.0, density - half)) and layer.upper.value == pytest.approx(density + half)
        assert layer.lower.failure_probability + layer.upper.failure_probability <= 0.005
        assert "confidence.bounded-mean" in str([getattr(bound.evidence, "theorem", "") for bound in layer.upper.ancestors()])
    for wrong, message in (
        (1.0, r"a record has the l1 norm .* in layer '0', above the declared range 1"),
        (-1.0, "largest is a positive number"),
        (math.inf, "largest is a positive number"),
        ({"0": 40.0}, "one number for each of 0, 3"),
    ):
        with pytest.raises(ValueError, match=message):
            knowledge_density(made, LOSS, data, largest=wrong)


def test_wrong_layers_and_probabilities() -> None:
    made, data = network().double(), (numbers(5, 3), classes(3, 5))
    for layers, message in (
        ({}, "layers is empty"),
        ({"a": "0.*", "b": "*.weight"}, "the parameter '0.weight' is in the layers 'a' and 'b'"),
        ({"a": "7.*"}, "no parameter is named '7.*'"),
    ):
        with pytest.raises(ValueError, match=message):
            knowledge_density(made, LOSS, data, layers=layers)
    for probability in (0.0, 1.0, -1.0):
        with pytest.raises(ValueError, match="lies between 0 and 1"):
            knowledge_density(made, LOSS, data, failure_probability=probability)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_the_deviation_of_a_mean_is_hoeffdings(count: int) -> None:
    apart, failure = mean_deviation(count, Bound(3.0, Side.UPPER), 1e-6)
    assert failure.value <= 1e-6 and apart == pytest.approx(3 * math.sqrt(math.log(1e6) / (2 * count)), rel=1e-12)
    assert math.exp(-2 * count * (apart * (1 - 1e-9) / 3) ** 2) > 1e-6


def drawn(generator: torch.Generator, count: int) -> torch.Tensor:
    """Normal numbers with the means 10, 20 and 30, for three layers: there Student's t interval is exact."""
    return torch.tensor([10.0, 20.0, 30.0]).double() + torch.randn(count, 3, generator=generator).double()


def coins(generator: torch.Generator, count: int) -> torch.Tensor:
    """Zeros and ones in three layers."""
    return torch.randint(2, (count, 3), generator=generator).double()


def missed(law: Any, truth: list[float], ends: Any, count: int, failure_probability: float = 0.1, seeds: int = 1500) -> int:
    """For how many seeds not all of three layers lie in their intervals at once."""
    found = 0
    for seed in range(seeds):
        values = law(torch.Generator().manual_seed(seed), count)
        made = knowledge._summarised(values, ["a", "b", "c"], [1, 1, 1], [1.0] * 3, Unit.EXAMPLE, failure_probability)
        found += not all(
            low.value <= value <= high.value for value, (low, high) in zip(truth, map(ends, made), strict=True)
        )  # fmt: skip
    return found


def fits(found: int, seeds: int = 1500) -> bool:
    """Whether so many misses go with one in ten, but for one chance in a million."""
    return bool(stats.binom.sf(found - 1, seeds, 0.1) > 1e-6)


densities, shares = operator.attrgetter("density_interval"), operator.attrgetter("share_interval")
bounds = operator.attrgetter("lower", "upper")


@pytest.mark.slow
@pytest.mark.statistical
def test_all_intervals_cover_at_once_and_wrong_quantiles_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = [10.0, 20.0, 30.0]
    found = missed(drawn, truth, densities, 4)
    assert fits(found) and found > 90  # 1 - (1 - 0.1/3)^3 of them are expected: no interval is wider than it has to be
    assert fits(missed(drawn, [mean / 60 for mean in truth], shares, 30))
    assert not fits(missed(drawn, truth, densities, 4, 0.3))  # without Bonferroni
    right = special.stdtrit
    for wrong in (lambda _, p: special.ndtri(p), lambda df, p: right(df, 2 * p)):  # the normal law's, and one-sided
        monkeypatch.setattr(special, "stdtrit", wrong)
        assert not fits(missed(drawn, truth, densities, 4))


@pytest.mark.slow
@pytest.mark.statistical
def test_all_bounds_cover_at_once_and_nearer_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fits(missed(coins, [0.5] * 3, bounds, 100))
    right = mean_deviation

    def nearer(*given: Any) -> tuple[float, Bound]:
        apart, failure = right(*given)
        return apart / 2, failure

    monkeypatch.setattr(knowledge, "mean_deviation", nearer)
    assert not fits(missed(coins, [0.5] * 3, bounds, 100))


@pytest.mark.slow
@pytest.mark.statistical
def test_bounds_and_intervals_cover_the_mean_over_the_population() -> None:
    """A linear model with one output: |g|_1 = 2|f - y| |x|_1, drawn from a population of forty records, a thousand times."""
    model = nn.Linear(2, 1, bias=False).double()
    inputs, targets = numbers(40, 2), numbers(40, 1, seed=4)
    values = by_hand(model, nn.MSELoss(), (inputs, targets))["weight"].abs().sum((1, 2))
    truth, largest = float(values.mean()), float(values.max())
    generator = torch.Generator().manual_seed(3)
    outside = missed = 0
    for _ in range(1000):
        chosen = torch.randint(40, (60,), generator=generator)
        found = knowledge_density(
            model, nn.MSELoss(), (inputs[chosen], targets[chosen]), failure_probability=0.1, largest=largest * 1.001
        )
        (layer,) = found
        assert layer.lower is not None and layer.upper is not None
        outside += not layer.lower.value <= truth <= layer.upper.value
        missed += not layer.density_interval[0].value <= truth <= layer.density_interval[1].value
    assert outside <= 100 and 50 < missed < 180
