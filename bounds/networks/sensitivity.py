"""How much a model's output depends on some of its inputs: the average that is published, and the worst case that is proved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound, Estimate
from ..derive import derive
from ..evidence import Measured
from .arithmetic import usual_arithmetic
from .chain import Chain, chain_of
from .features import Features, chosen_features
from .lipschitz import BoxSide, checked_box, shape_of, slopes_constant
from .local import enclosed_value, slopes_everywhere, slopes_in
from .search import steepest

_SEED = 2024
_EVALUATION = 1e-9  # of the worst case: what float64 may be off in the last steps, with room to spare


@dataclass(frozen=True)
class FeatureSensitivity:
    """The dependence of outputs on chosen inputs, |f(x + d) - f(x)|/|d| for moves d of these inputs alone.

    ``worst_case`` is at or above every such ratio (of two inputs in the box, where one was given); ``attained`` is at or below the greatest.
    ``average`` is the mean ratio over the records and draws given (an estimate); the mean over their population lies between
    ``average_lower`` and ``average_upper`` but for their failure probabilities (Hoeffding; None without records). Draws heed no box. An
    average says nothing of the worst case, and is below it by factors.
    """

    worst_case: Bound
    attained: Bound
    average: Estimate | None = None
    average_lower: Bound | None = None
    average_upper: Bound | None = None

    @property
    def ratio(self) -> float:
        """How many times the average the worst case may be, for people; at least what is attained shows."""
        return math.nan if self.average is None or self.average.value == 0 else self.worst_case.value / self.average.value


@usual_arithmetic()
def feature_sensitivity(
    model: nn.Module,
    features: Features,
    inputs: Tensor | None = None,
    *,
    box: tuple[BoxSide, BoxSide] | None = None,
    input_shape: Sequence[int] | None = None,
    scale: float = 1.0,
    draws: int = 20,
    failure_probability: float = 0.05,
    steps: int = 100,
    generator: torch.Generator | None = None,
) -> FeatureSensitivity:
    """The sensitivity of the model to some ``features`` of the flattened input (numbers, a slice or a mask), on average and in the worst case.

    The worst case is the Lipschitz constant in these inputs whatever the others are (or for inputs in ``box``), exact for linear models.
    The average is Ferrari's: over the records ``inputs`` [records, *shape] and ``draws`` Gaussian moves of standard deviation ``scale`` each;
    its interval treats records as independent draws of a population, uses that every ratio is at most the worst case on all inputs, and
    counts what rounding can make of each ratio.

    Raises ``ValueError`` for an empty set, numbers outside the input, records of another size, or moves too small for doubles, and
    :class:`~certify.bounds.networks.activations.UnknownModule` for a model that is no chain of known layers.

    Theorem: ``confidence.bounded-mean`` (exact n, deviation; upper width).

    >>> layer = nn.Linear(3, 1, bias=False)
    >>> layer.weight = nn.Parameter(torch.tensor([[3.0, 4.0, 12.0]]))
    >>> result = feature_sensitivity(layer, [0, 1])
    >>> result.attained.value <= 5.0 <= result.worst_case.value < 5 + 1e-9
    True
    """
    records = None if inputs is None else torch.as_tensor(inputs).detach().to("cpu", torch.float64)
    shape = shape_of(input_shape, *(box or ()), *(records[:1] if records is not None and records.ndim else ()))
    chain = chain_of(model, shape)
    size = chain.sizes[0]
    chosen = chosen_features(features, size)
    if not (math.isfinite(scale) and scale > 0 and draws >= 1 and 0 < failure_probability < 1):
        raise ValueError("scale is positive and finite, draws at least one, and a failure probability lies between 0 and 1")
    source = generator or torch.Generator().manual_seed(_SEED)
    limits = None if box is None else checked_box(box, size)
    part = chain.of_inputs(chosen)
    slopes = slopes_everywhere(chain) if limits is None else slopes_in(chain, limits)
    worst = slopes_constant(part, slopes, steps=steps).upper
    attained = steepest(model, shape, limits, generator=source, features=chosen)
    if records is None:
        return FeatureSensitivity(worst, attained)
    if records.ndim < 2 or not len(records) or records[0].numel() != size or not bool(torch.isfinite(records).all()):
        raise ValueError(f"records are finite rows of {size} numbers, at least one")
    ratios, rounding = _ratios(chain, records.flatten(1), chosen, scale, draws, source)
    anywhere = worst if limits is None else slopes_constant(part, slopes_everywhere(chain), steps=steps).upper
    low, high = _interval(ratios, rounding, anywhere, len(records), failure_probability)
    return FeatureSensitivity(
        worst, attained, Estimate(ratios, f"mean of {draws} draws for each of {len(records)} records"), low, high
    )


def _ratios(
    chain: Chain, records: Tensor, features: list[int], scale: float, draws: int, generator: torch.Generator
) -> tuple[float, float]:
    """The mean of |f(x + d) - f(x)|/|d| over records and draws, and how far rounding can have moved it."""
    start = enclosed_value(chain, records)
    total = torch.zeros((), dtype=torch.float64)
    rounding = torch.zeros_like(total)
    for _ in range(draws):
        move = torch.randn(len(records), len(features), generator=generator, dtype=torch.float64) * scale
        moved = records.clone()
        moved[:, features] += move
        lengths = torch.linalg.vector_norm(moved - records, dim=1)
        end = enclosed_value(chain, moved)
        change = torch.linalg.vector_norm(end.middle - start.middle, dim=1)
        doubt = torch.linalg.vector_norm(end.radius, dim=1) + torch.linalg.vector_norm(start.radius, dim=1)
        total += (change / lengths).mean()
        rounding += (doubt / lengths).mean()
    if not bool(torch.isfinite(total + rounding)):
        raise ValueError(f"moves of scale {scale:g} vanish beside these records, or leave the doubles: take another scale")
    return float(total) / draws, float(rounding) / draws * (1 + 2.0**-30)


def _interval(average: float, rounding: float, worst: Bound, records: int, failure_probability: float) -> tuple[Bound, Bound]:
    """Both ends, each missed with at most half the probability.

    Theorem: ``confidence.bounded-mean`` (exact n, deviation; upper width).
    """
    width = worst * (1 + _EVALUATION)
    deviation = width.value * math.sqrt(math.log(2 / failure_probability) / (2 * records)) * (1 + 2.0**-40)
    if width.value == 0.0:
        nothing = Bound(0.0, Side.EXACT, Measured("the output does not depend on these inputs"))
        return nothing, nothing
    if math.isinf(width.value):
        raise ValueError("no finite constant is proved for this model: its averages have no interval")
    missed = derive("confidence.bounded-mean", n=records, deviation=deviation, width=width)
    if not (missed + missed).at_most(failure_probability):
        raise ArithmeticError("the deviation does not cover the failure probability: this is a bug")
    evidence = Measured(f"mean over {records} independent records, each ratio enclosed by intervals")
    margin = deviation + rounding + width.value * _EVALUATION
    low = max(math.nextafter(average - margin, -math.inf), 0.0)
    high = min(math.nextafter(average + margin, math.inf), worst.value)
    return Bound(low, Side.LOWER, evidence, failure_probability), Bound(high, Side.UPPER, evidence, failure_probability)
