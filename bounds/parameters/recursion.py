"""Bounds on the first three derivatives of a network's outputs in its parameters, step by step, over a ball of parameters.

For one example and a direction e of the parameters whose part in layer l has the norm e_l (weights and bias together), every value h of
the network has, everywhere in the ball,

    |D h| <= C . e,     D² h = u + w with |u| <= e' Q e and |w|_1 <= e' P e,     D³ h = u + w with |u| <= R |e|³ and |w|_1 <= T |e|³.

A layer z = A(W) h + b with |A(W)| <= s, columns of A(W) at most t long, |A(V)| <= m |V|, |A(V) x| <= k |V| |x|_1, and the norm H of
(W, b) -> z, which is that of what its windows read with a row of ones below (sqrt(|h|² + 1) for a dense layer):

    C <- s C + H 1_l,   Q <- s Q + t P + m (1_l C' + C 1_l'),   R <- s R + t T + 3 |m Q + k P|,   P, T <- 0.

An activation with derivatives at most a, b, c at what it is given:

    P <- b C C',   T <- 3 b |C| |Q| + c |C|³,   C <- a C,   Q <- a Q,   R <- a R.

The second line holds as |x y|_1 <= |x| |y|. A map without parameters multiplies as a layer does. Over the ball s, t and H grow: s by
m radius, and what the windows read by m |h - h(centre)|, which is at most the radius times the length of E: the C of a finite change,
with H of the centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.intervals import Interval
from .steps import Affine, Bend, Fixed, Step, lengths, norms, up


@dataclass(frozen=True)
class Before:
    """What is known of the values that a step is given, for every example.

    ``value`` encloses them at the centre, ``moved`` how far they go; ``first`` is C, ``second`` Q with P added, ``length`` |C|, and
    ``together`` at or above |Q|, at a layer |m Q + k P|. ``slopes`` of an activation are its derivatives, entry by entry; ``around`` is H of a layer.
    """

    value: Interval
    moved: Tensor
    first: Tensor
    second: Tensor
    together: Tensor
    slopes: tuple[Tensor, Tensor, Tensor] | None = None
    around: Tensor | None = None

    @property
    def length(self) -> Tensor:
        """At or above |C|."""
        return lengths(self.first)


class Derivatives:
    """The bounds above for a batch of examples; ``value`` encloses the outputs at the centre, ``moved`` how far they can be from it.

    ``before`` holds what every step was given.
    """

    def __init__(self, steps: tuple[Step, ...], inputs: Tensor, radius: float) -> None:
        self.radius = radius
        self.value = Interval.point(inputs)
        examples, layers = len(inputs), sum(isinstance(step, Affine) for step in steps)
        self.first = torch.zeros(examples, layers, dtype=torch.float64)
        self.second = torch.zeros(examples, layers, layers, dtype=torch.float64)
        self.spiked = torch.zeros_like(self.second)
        self.third = torch.zeros(examples, dtype=torch.float64)
        self.spiked_third = torch.zeros_like(self.third)
        self.change = torch.zeros_like(self.first)
        self.moved = torch.zeros(examples, dtype=torch.float64)
        self.before: list[Before] = []
        layer = 0
        for step in steps:
            if isinstance(step, Affine):
                self._layer(step, layer)
                layer += 1
            elif isinstance(step, Fixed):
                self._note(norms(self.second + self.spiked))
                self._multiplied(step.norm, step.column)
                self.value = step.forward(self.value)
            else:
                self._bent(step)
            self._settle(step)

    def sizes(self) -> tuple[Tensor, Tensor, Tensor]:
        """|C|, |Q| and R of the outputs, with what is bounded in the one-norm added."""
        return lengths(self.first), norms(self.second + self.spiked), up(self.third + self.spiked_third)

    def _layer(self, step: Affine, layer: int) -> None:
        centre, around = step.sizes(self.value, self.moved)
        outer = (step.norm + step.reuse * self.radius) * (1 + 2.0**-40)
        longest = min(outer, (step.column + step.column_reuse * self.radius) * (1 + 2.0**-40))
        cross = torch.zeros_like(self.second)
        cross[:, layer] = self.first
        together = norms(step.reuse * self.second + step.column_reuse * self.spiked)
        self._note(together, around=around)
        self._multiplied(outer, longest)
        self.moved = up(self.moved + self.radius * centre)
        self.second = up(self.second + step.reuse * (cross + cross.mT))
        self.third = up(self.third + 3 * together)
        self.first[:, layer] += around
        self.change[:, layer] += centre
        self.value = step.forward(self.value)

    def _multiplied(self, outer: float, longest: float) -> None:
        self.first = up(outer * self.first)
        self.change = up(outer * self.change)
        self.moved = up(outer * self.moved)
        self.second = up(outer * self.second + longest * self.spiked)
        self.third = up(outer * self.third + longest * self.spiked_third)
        self.spiked = torch.zeros_like(self.spiked)
        self.spiked_third = torch.zeros_like(self.spiked_third)

    def _bent(self, step: Bend) -> None:
        slopes = step.derivatives(self.value, self.moved)
        steep, curved, twisted = (values.flatten(1).amax(1) for values in slopes)
        second, third = self.second + self.spiked, self.third + self.spiked_third
        q = norms(second)
        p = self._note(q, slopes=slopes).length
        self.spiked = up(curved[:, None, None] * self.first[:, :, None] * self.first[:, None, :])
        self.spiked_third = up(3 * curved * p * q + twisted * p**3)
        self.first, self.change = up(steep[:, None] * self.first), up(steep[:, None] * self.change)
        self.second, self.third = up(steep[:, None, None] * second), up(steep * third)
        self.moved = up(steep * self.moved)
        self.value = step.forward(self.value)

    def _note(
        self, together: Tensor, slopes: tuple[Tensor, Tensor, Tensor] | None = None, around: Tensor | None = None
    ) -> Before:
        second = self.second + self.spiked
        self.before.append(Before(self.value, self.moved, self.first.clone(), second, together, slopes, around))
        return self.before[-1]

    def _settle(self, step: Step) -> None:
        """How far the values can be from those at the centre: by all layers together too, and by the range of an activation."""
        self.moved = torch.minimum(self.moved, up(lengths(self.change) * self.radius))
        if isinstance(step, Bend) and math.isfinite(step.limit):
            self.moved = torch.minimum(self.moved, lengths(step.limit + self.value.magnitude()))
