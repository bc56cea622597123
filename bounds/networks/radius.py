"""How far an input must move at least before a network can decide for another class."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..spectral.dense import exact_weights
from .arithmetic import usual_arithmetic
from .chain import Chain, chain_of
from .lipschitz import BoxSide, checked_box, slopes_constant
from .local import enclosed_value, slopes_everywhere, slopes_in
from .plain import check_plain
from .semidefinite import Slopes

_STEPS = 50


@dataclass(frozen=True)
class CertifiedRadius:
    """No input nearer than ``radius`` (Euclidean) is given another class than ``prediction``; ``rival`` is the class that limits it.

    A radius of 0 says nothing: the output is a tie, or too near one to tell.
    """

    prediction: int
    rival: int
    radius: Bound
    domain: str = "all inputs"


@usual_arithmetic()
def certified_radius(
    model: nn.Module,
    x: Tensor,
    *,
    box: tuple[BoxSide, BoxSide] | None = None,
    input_shape: Sequence[int] | None = None,
    steps: int = _STEPS,
) -> CertifiedRadius:
    """A distance within which the class of the input ``x`` (one input, without the batch) cannot change.

    The margin of the class over each other one is enclosed at x by intervals and divided by a proved Lipschitz constant of that margin;
    the least quotient counts. The model is a chain as for ``lipschitz(model, "semidefinite")``, its outputs one number a class. With
    ``box`` = (lower, upper), which holds x, only inputs in the box count, and the constants are those of the slopes that occur there.
    ``steps`` of descent improve the constants of the rivals that limit the radius.

    ``radius`` is at or below the distance to the nearest input of another class, for the real function with the stored weights: a forward
    pass in floating point may differ near a tie. Raises ``ValueError`` for inputs that do not fit,
    :class:`~certify.bounds.networks.activations.UnknownModule` for a model that is no such chain, and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for numbers that are not finite.

    Theorem: ``lipschitz.semidefinite`` (upper square).

    >>> layer = nn.Linear(2, 2, bias=False)
    >>> layer.weight = nn.Parameter(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    >>> found = certified_radius(layer, torch.tensor([5.0, 0.0]))
    >>> found.prediction, 3 - 1e-9 < found.radius.value <= 3.0
    (0, True)
    """
    check_plain(model)
    chain = chain_of(model, tuple(x.shape) if input_shape is None else input_shape)
    point = exact_weights(torch.as_tensor(x), "the input").flatten()
    size, classes = chain.sizes[0], chain.sizes[-1]
    if len(point) != size:
        raise ValueError(f"the input has {len(point)} numbers, and the model takes {size}: give one input, without the batch")
    if classes < 2:
        raise ValueError("the model has one output: a class needs at least two")
    slopes = slopes_everywhere(chain)
    if box is not None:
        limits = checked_box(box, size)
        if bool((point < limits[0]).any() or (point > limits[1]).any()):
            raise ValueError("the input lies outside the box")
        slopes = slopes_in(chain, limits)
    prediction = int(chain.forward(point).argmax())
    margins = {other: chain.of_margin(prediction, other) for other in range(classes) if other != prediction}
    radii = {other: _radius(margin, point, slopes, 0) for other, margin in margins.items()}
    improved: set[int] = set()
    while (rival := min(radii, key=lambda other: radii[other].value)) not in improved and steps and radii[rival].value > 0:
        improved.add(rival)
        radii[rival] = max(radii[rival], _radius(margins[rival], point, slopes, steps), key=lambda bound: bound.value)
    return CertifiedRadius(prediction, rival, radii[rival], "all inputs" if box is None else "inputs in the box")


def _radius(margin: Chain, point: Tensor, slopes: Slopes, steps: int) -> Bound:
    """At or below the distance at which the margin can vanish: its value from below over its Lipschitz constant.

    Theorem: ``lipschitz.semidefinite`` (upper square).
    """
    value = float(enclosed_value(margin, point).low)
    if not value > 0:
        return Bound(0.0, Side.LOWER, Measured("a margin that intervals do not separate from zero"))
    constant = slopes_constant(margin, slopes, steps=steps).upper
    if math.isinf(constant.value):
        return Bound(0.0, Side.LOWER, Measured("a margin whose constant leaves the doubles"))
    if constant.value == 0:
        return Bound(sys.float_info.max, Side.LOWER, Measured("a margin that does not depend on the input"))
    return Bound(value, Side.LOWER, Measured("margin at the input, by intervals")) / constant
