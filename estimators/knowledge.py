"""Knowledge density: how much of the gradient of the data falls on each layer, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from certify.bounds import Bound, Declared, Estimate, derive
from certify.bounds.evidence import Combined, Measured
from certify.proofs.sides import Side

from .engines.data import Unit
from .engines.parameters import Layout, Patterns
from .engines.problem import Loss
from .per_example.engine import Engine
from .per_example.norms import norm_powers

_LEAST = 1e-100  # quantiles of Student's law are found down to some orders of magnitude below


@dataclass(frozen=True)
class LayerDensity:
    """One layer: the mean l1 norm of its gradients and its share in the sum over the layers, each with an interval.

    The intervals are t intervals, right only for many records (of a share: of its linear part). ``lower`` and ``upper`` are bounds on the mean over the
    population from which the records were drawn; None where no range was declared.
    """

    name: str
    density: Estimate
    density_interval: tuple[Estimate, Estimate]
    share: Estimate
    share_interval: tuple[Estimate, Estimate]
    entries: int
    lower: Bound | None = None
    upper: Bound | None = None


@dataclass(frozen=True)
class KnowledgeDensity:
    """The layers in the order of the model. All densities lie in their intervals at once, but for ``failure_probability``; so do all shares."""

    layers: tuple[LayerDensity, ...]
    count: int
    unit: Unit
    failure_probability: float

    def __getitem__(self, name: str) -> LayerDensity:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no layer is named {name!r}: there are {', '.join(layer.name for layer in self.layers)}")

    def __iter__(self) -> Iterator[LayerDensity]:
        return iter(self.layers)

    @property
    def shares(self) -> dict[str, float]:
        """The normalised density of each layer; they sum to one, or are not a number where all gradients are zero."""
        return {layer.name: layer.share.value for layer in self.layers}

    def __str__(self) -> str:
        wide = max(len(layer.name) for layer in self.layers)
        lines = [f"{'layer':{wide}}  {'mean |g|1':>10}  {'share':>6}  interval of the share"]
        for layer in sorted(self.layers, key=lambda layer: -layer.share.value):
            low, high = layer.share_interval
            lines.append(
                f"{layer.name:{wide}}  {layer.density.value:10.4g}  {layer.share.value:6.1%}  [{low.value:.1%}, {high.value:.1%}]"
            )
        return "\n".join(lines)


def knowledge_density(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    failure_probability: float = 0.05,
    layers: Mapping[str, Patterns] | None = None,
    largest: float | Mapping[str, float] | None = None,
    parameters: Patterns | None = None,
    accumulate: torch.dtype | None = None,
) -> KnowledgeDensity:
    """K_l = mean over the data of |g_l|_1, the sum of the absolute entries of a datum's gradient in layer l; and its share K_l/ΣK (Guo et al. 2025).

    ``data`` are independent draws of records, which are examples: the tokens of one depend on each other. Gradients are those of the own
    losses loss(model(x_n), y_n), and nothing is updated. ``layers`` names groups of parameters by patterns, such as
    ``{"block 0": "layers.0.*"}``; parameters in no group are left out. By default each module that holds parameters is a layer.

    Intervals are Estimates: Student's t, all layers at once by Bonferroni (of one datum: without an end). Where ``largest`` declares a
    number, for all layers or for each, that |g_l|_1 exceeds for no record that could be drawn, ``lower`` and ``upper`` bound the mean
    over the population: of norms as this machine computes them, for the rounding of automatic differentiation is not bounded.

    Refused: what :func:`~certify.estimators.per_example_norms` refuses; a declared range that a record exceeds; layers that share a parameter;
    failure probabilities below 1e-100.

    Source: K_l and its normalisation: Guo et al., arXiv 2511.11667 (2025), KUnBR.

    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    >>> _ = nn.init.constant_(model[0].weight, 1.0), nn.init.constant_(model[1].weight, 3.0)
    >>> found = knowledge_density(model, nn.MSELoss(), (torch.ones(4, 1).double(), torch.zeros(4, 1).double()))
    >>> [(layer.name, layer.density.value, layer.share.value) for layer in found]
    [('0', 18.0, 0.75), ('1', 6.0, 0.25)]
    """
    if not 0 < failure_probability < 1:
        raise ValueError(f"a failure probability lies between 0 and 1, not {failure_probability}")
    if failure_probability < _LEAST:
        raise ValueError(f"a failure probability of {failure_probability} is too small: ask for at least {_LEAST}")
    engine = Engine(model, loss, data, parameters=parameters, accumulate=accumulate)
    groups = _groups(engine.problem.layout, layers)
    powers = engine.gather("knowledge density", lambda pieces: norm_powers(pieces, 1))
    norms = torch.stack([powers[:, indices].sum(1) for indices in groups.values()], 1)
    ranges = _ranges(largest, norms, list(groups))
    sizes = [sum(engine.problem.layout.sizes[i] for i in indices) for indices in groups.values()]
    return _summarised(norms, list(groups), sizes, ranges, engine.unit, failure_probability)


def _summarised(
    norms: Tensor, names: list[str], sizes: list[int], ranges: list[float] | None, unit: Unit, failure_probability: float
) -> KnowledgeDensity:
    count, each = len(norms), failure_probability / len(names)
    means = norms.mean(0)
    total = float(means.sum())
    shares = means / total if total else torch.full_like(means, math.nan)
    linear = (norms - shares * norms.sum(1, keepdim=True)) / total if total else norms * math.nan
    method = f"mean over {count} {unit}s"
    made = []
    for i, name in enumerate(names):
        density, share = (Estimate(float(values[i]), method) for values in (means, shares))
        lower, upper = (None, None) if ranges is None else _bounds(norms[:, i], ranges[i], each)
        made.append(
            LayerDensity(
                name, density, _interval(density.value, norms[:, i], each, math.inf),
                share, _interval(share.value, linear[:, i], each, 1.0), sizes[i], lower, upper,
            )
        )  # fmt: skip
    return KnowledgeDensity(tuple(made), count, unit, failure_probability)


def _interval(middle: float, values: Tensor, failure_probability: float, most: float) -> tuple[Estimate, Estimate]:
    """Student's t interval around ``middle``, from the spread of these values."""
    from scipy.special import stdtrit

    count, half = len(values), math.inf
    if count > 1:
        half = -float(stdtrit(count - 1, failure_probability / 2)) * float(values.std()) / math.sqrt(count)
    method = f"t interval of {count} values, right for many of them"
    return Estimate(max(0.0, middle - half), method), Estimate(min(most, middle + half), method)


def _bounds(values: Tensor, largest: float, failure_probability: float) -> tuple[Bound, Bound]:
    """Below and above the mean over the population, each side with half of the failure probability.

    Theorem: ``confidence.bounded-mean`` (exact n, deviation; upper width).
    """
    mean = math.fsum(values.tolist()) / len(values)
    width = Bound(largest, Side.UPPER, Declared("no record of the population exceeds it"))
    apart, failure = mean_deviation(len(values), width, failure_probability / 2)
    seen = Bound(mean, Side.EXACT, Measured(f"mean of the l1 norms of {len(values)} gradients, as computed"))
    evidence = Combined("by chance, with the probability given", (seen, width, failure))
    less, more = (_two_further(mean, end) for end in (-math.inf, math.inf))  # the sum and the quotient are rounded
    below, above = math.nextafter(less - apart, -math.inf), math.nextafter(more + apart, math.inf)
    return (
        Bound(max(0.0, below), Side.LOWER, evidence, failure.value),
        Bound(min(largest, above), Side.UPPER, evidence, failure.value),
    )


def _two_further(value: float, end: float) -> float:
    return math.nextafter(math.nextafter(value, end), end)


def mean_deviation(count: int, width: Bound, failure_probability: float) -> tuple[float, Bound]:
    """The least deviation, up to rounding, that a mean of ``count`` independent values in an interval of this width reaches with at most that probability.

    Theorem: ``confidence.bounded-mean`` (exact n, deviation; upper width).

    >>> apart, failure = mean_deviation(200, Bound(1.0, Side.UPPER), 0.01)
    >>> 0.10729 < apart < 0.10730 and failure.value <= 0.01
    True
    """
    deviation = width.value * math.sqrt(math.log(1 / failure_probability) / (2 * count))
    step = 1e-15
    while (failure := derive("confidence.bounded-mean", n=count, deviation=deviation, width=width)).value > failure_probability:
        deviation *= 1 + step
        step *= 2
    return deviation, failure


def _groups(layout: Layout, layers: Mapping[str, Patterns] | None) -> dict[str, list[int]]:
    """The positions of the parameters of each layer."""
    if layers is not None:
        if not layers:
            raise ValueError("layers is empty: name at least one, or pass None for the modules that hold parameters")
        found = {name: list(layout.indices(patterns)) for name, patterns in layers.items()}
        owners: dict[int, str] = {}
        for name, indices in found.items():
            for i in indices:
                if i in owners:
                    raise ValueError(f"the parameter {layout.names[i]!r} is in the layers {owners[i]!r} and {name!r}")
                owners[i] = name
        return found
    modules: dict[str, list[int]] = {}
    for i, name in enumerate(layout.names):
        modules.setdefault(name.rpartition(".")[0] or "(model)", []).append(i)
    return modules


def _ranges(largest: float | Mapping[str, float] | None, norms: Tensor, names: list[str]) -> list[float] | None:
    """The declared ranges, checked against what was measured."""
    if largest is None:
        return None
    if isinstance(largest, Mapping) and set(largest) != set(names):
        raise ValueError(f"largest needs one number for each of {', '.join(names)}")
    ranges = [float(largest[name]) if isinstance(largest, Mapping) else float(largest) for name in names]
    for name, value, seen in zip(names, ranges, norms.amax(0).tolist(), strict=True):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"largest is a positive number, not {value} (layer {name!r})")
        if seen > value:
            raise ValueError(f"a record has the l1 norm {seen:.6g} in layer {name!r}, above the declared range {value:.6g}")
    return ranges
