"""Gradient bound, smoothness and Hessian-Lipschitz constant of a network in its parameters, on a ball of them.

Layer by layer, for one example and a direction whose part in layer l has the norm e_l (weights and bias together): with z_i = W_i h_(i-1) + b_i,
h_i = phi(z_i), |phi'| <= a, |phi''| <= b, |phi'''| <= c, s_i = |W_i| and H_i = |(h_i, 1)|, all over the ball,

    |D z_i|  <= C_i . e,    C_i = a s_i C_(i-1) + H_(i-1) 1_i,
    |D² z_i| <= e' Q_i e,   Q_i = s_i (a Q_(i-1) + b C C') + a (1_i C' + C 1_i'),             C = C_(i-1),
    |D³ z_i| <= R_i |e|³,   R_i = s_i (a R + 3 b p q + c p³) + 3 (a q + b p²),                p = |C|, q = |Q|, R = R_(i-1).

The cross-entropy has derivatives of norm at most sqrt 2, 1/2 and sqrt 6/9 in the outputs, so

    G <= sqrt 2 |C|,   beta <= |C C'/2 + sqrt 2 Q|,   M <= (sqrt 6/9) p³ + (3/2) p q + sqrt 2 R.

H grows over the ball with the activations: |h_i| moves by at most E_i = a ((s_i) E_(i-1) + radius H_(i-1)), H at the centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Enclosed
from ..networks.activations import UnknownModule
from ..networks.chain import Stage, chain_of
from ..networks.intervals import Interval
from ..networks.slopes import above, below
from ..spectral.dense import exact_weights, matrix_norm
from ..spectral.ladder import batched_norms
from .derivatives import Smooth
from .edges import check_loss
from .shallow import WIDER, affine_rows

_ROOT_TWO = math.nextafter(math.sqrt(2), 2.0)
_THIRD = math.nextafter(math.sqrt(6) / 9, 1.0)


@dataclass(frozen=True)
class ParameterConstants:
    """For the mean cross-entropy of the examples, at all parameters within ``radius`` of those given (upper bounds, Euclidean norms).

    ``gradient`` bounds the gradient's norm, ``smoothness`` its Lipschitz constant, ``hessian_lipschitz`` that of the Hessian. The last two
    are None where an activation has a kink, and ``reason`` says so.
    """

    gradient: Bound
    smoothness: Bound | None
    hessian_lipschitz: Bound | None
    radius: float
    reason: str = ""


def parameter_constants(model: nn.Module, loss: nn.Module, inputs: Tensor, *, radius: float = 0.0) -> ParameterConstants:
    """Constants of mean cross-entropy in the parameters of a network of linear layers and elementwise activations, over a ball.

    ``inputs`` are the examples [n, *shape]; whatever their classes. The bounds are worst-case over each layer's norm and hold for every
    class, so they lie above the Hessian by factors: :func:`~certify.bounds.parameters.edges.hessian_edges` is sharper where it applies.
    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for a model that is no chain of linear layers, for folded
    normalisation, and for other losses; ``ValueError`` for bad inputs or a bad radius.

    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> constants = parameter_constants(model, nn.CrossEntropyLoss(), torch.randn(10, 3), radius=0.1)
    >>> constants.gradient.value < 10 and constants.reason == ""
    True
    """
    check_loss(loss)
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"a radius is finite and not negative, not {radius}")
    if any(not isinstance(module, nn.Linear) and list(module.parameters(recurse=False)) for module in model.modules()):
        raise UnknownModule(
            "constants in the parameters are known for Linear layers and activations without parameters of their own"
        )
    chain = chain_of(model)
    if chain.stages[-1].name == "output":
        raise UnknownModule("the last layer is an activation: cross-entropy takes the outputs of a linear layer")
    rows = exact_weights(torch.as_tensor(inputs).flatten(1), "the inputs")
    if not len(rows) or rows.shape[1] != chain.sizes[0]:
        raise ValueError(f"inputs are one or more rows of {chain.sizes[0]} numbers")
    seen = [id(module) for module in model.modules() if isinstance(module, nn.Linear)]
    if len(seen) != len(chain.stages):
        raise UnknownModule("a layer that is used twice has parameters that count twice: it has no rule here")
    return _Recursion(chain.stages, rows, radius).result()


class _Recursion:
    """The bounds of the module's docstring, for all examples at once."""

    def __init__(self, stages: tuple[Stage, ...], rows: Tensor, radius: float) -> None:
        self.stages, self.radius, self.count = stages, radius, len(stages)
        examples = len(rows)
        self.first = torch.zeros(examples, self.count, dtype=torch.float64)
        self.second = torch.zeros(examples, self.count, self.count, dtype=torch.float64)
        self.third = torch.zeros(examples, dtype=torch.float64)
        self.smooth, self.reason = True, ""
        hidden = Interval.point(rows)
        moved = torch.zeros(examples, dtype=torch.float64)
        slope = bend = twist = 0.0  # of the activation before the layer: none before the first
        for number, stage in enumerate(stages):
            size = torch.linalg.vector_norm(hidden.magnitude(), dim=1) * WIDER
            centre, around = torch.sqrt(size**2 + 1) * WIDER, torch.sqrt((size + moved) ** 2 + 1) * WIDER
            outer = matrix_norm(stage.weight).upper.value + radius
            self._layer(number, outer * WIDER, around, slope, bend, twist)
            if stage.activation is None:
                break
            slope = max(abs(below(stage.activation)), abs(above(stage.activation)))
            moved = slope * (outer * moved + radius * centre) * WIDER
            hidden, bend, twist = self._activated(stage, hidden)

    def _layer(self, number: int, outer: float, size: Tensor, slope: float, bend: float, twist: float) -> None:
        before, squares, cubes = self.first, self.second, self.third
        p, q = self._norms()
        first = slope * outer * before
        first[:, number] += size
        cross = torch.zeros_like(squares)
        cross[:, number] = before
        second = outer * (slope * squares + bend * before[:, :, None] * before[:, None, :]) + slope * (cross + cross.mT)
        third = outer * (slope * cubes + 3 * bend * p * q + twist * p**3) + 3 * (slope * q + bend * p**2)
        self.first, self.second, self.third = first * WIDER, second * WIDER, third * WIDER

    def _norms(self) -> tuple[Tensor, Tensor]:
        return torch.linalg.vector_norm(self.first, dim=1) * WIDER, batched_norms(self.second)

    def _activated(self, stage: Stage, hidden: Interval) -> tuple[Interval, float, float]:
        """The hidden values behind the activation, and the bounds of its second and third derivatives (zero where there is a kink)."""
        weight = torch.cat((stage.weight, stage.bias[:, None]), 1)
        ones = torch.ones(len(hidden.low), 1, dtype=torch.float64)
        inside = affine_rows(weight, Interval(torch.cat((hidden.low, ones), 1), torch.cat((hidden.high, ones), 1)))
        assert stage.activation is not None and stage.function is not None
        steep = max(abs(below(stage.activation)), abs(above(stage.activation)))
        value = stage.function(inside.middle)
        behind = Interval.point(value).widened((steep * inside.radius + 1e-12 * (1 + value.abs())) * WIDER)
        try:
            smooth = Smooth(stage.function)
        except UnknownModule as refusal:
            self.smooth, self.reason = False, str(refusal)
            return behind, 0.0, 0.0
        return behind, smooth.second, smooth.third

    def result(self) -> ParameterConstants:
        """The constants of the mean over the examples."""
        p, q = self._norms()
        gradient = _held(float(p.mean()) * _ROOT_TWO, "gradient")
        if not self.smooth:
            return ParameterConstants(gradient, None, None, self.radius, self.reason)
        whole = (self.first[:, :, None] * self.first[:, None, :] / 2 + _ROOT_TWO * self.second).mean(0) * WIDER
        smoothness = _held(float(batched_norms(whole[None])[0]), "smoothness")
        cubic = (_THIRD * p**3 + 1.5 * p * q + _ROOT_TWO * self.third).mean()
        return ParameterConstants(gradient, smoothness, _held(float(cubic), "Hessian-Lipschitz constant"), self.radius)


def _held(value: float, what: str) -> Bound:
    return Bound(value * WIDER, Side.UPPER, Enclosed(f"{what} in the parameters, layer by layer"))
