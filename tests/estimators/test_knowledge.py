"""Knowledge density: means and shares by hand, intervals that cover, and bounds where a range is declared."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from curvature_models import case, classes, network, numbers
from per_example_oracle import by_hand
from scipy import stats
from torch import nn

from certify.bounds import Bound, Estimate
from certify.estimators import Unit, knowledge_density
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
